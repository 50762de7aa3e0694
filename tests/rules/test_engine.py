"""Every rule through the whole road: a program with the call, differentiated in both modes."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from s2s_ad import jvp, vjp
from s2s_ad.errors import MissingRule, UnsupportedSyntax
from s2s_ad.rules import registry
from s2s_ad.rules.checking import cases, drawn, flat, moved, singles, slope
from tests.rules.programs import differentiated, loaded, program
from tests.rules.test_rules import name_of

# helpers are called by generated code, which has tests of its own; single precision is too coarse
RULES = [
    rule
    for rule in registry.all_rules()
    if rule.adjoint and rule.namespace != "runtime" and rule.name != "float32"
]


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_program(rule, tmp_path):
    single = singles(rule)[-1]
    for values in itertools.islice(cases(single), 0, 40, 13):
        text, passed = program(single, values)
        f = loaded(text, tmp_path)
        args = tuple(values[name] for name in passed)
        try:
            check(f, args, passed, differentiated(single, values, passed))
        except (MissingRule, UnsupportedSyntax):
            if not may_be_refused(single, values):
                raise


def may_be_refused(rule, values):
    """An order of a norm that is in no literal, a list that is repeated, a matrix that nothing says
    to be square."""
    orders = isinstance(values.get("ord"), float)
    return orders or rule.ranks == ("list", 0) or (rule.ranks or ())[:1] == ("square",)


def check(f, args, passed, wrt):
    rng = np.random.default_rng(0)
    dots = {name: drawn(rng, arg) for name, arg in zip(passed, args) if name in wrt}

    def along(t):
        there = (moved(a, t, dots[n]) if n in dots else a for n, a in zip(passed, args))
        return f(*there)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = f(*args)
        want = slope(along)
        value, tangent = jvp(f, args, tuple(dots.values()), wrt=wrt)
        value_again, pullback = vjp(f, *args, wrt=wrt)
        w = drawn(rng, out)
        bars = pullback(tuple(w) if isinstance(out, tuple) else w)
    assert np.array_equal(flat(value), flat(out)) and np.array_equal(flat(value_again), flat(out))
    got = flat(tangent)
    assert got.shape == want.shape
    scale = np.max(np.abs(want), initial=0.0) + 1e-3
    assert np.max(np.abs(got - want), initial=0.0) <= 1e-6 * scale, f"tangent {got} for {want}"
    bars = bars if isinstance(bars, tuple) else (bars,)
    backward = sum(flat(bar) @ flat(dot) for bar, dot in zip(bars, dots.values()))
    forward = flat(w) @ got
    assert abs(forward - backward) <= 1e-9 * (np.abs(flat(w)) @ np.abs(got) + 1e-3)
    for bar, name in zip(bars, wrt):
        argument = args[passed.index(name)]
        if isinstance(argument, np.ndarray):
            assert np.shape(bar) == argument.shape
