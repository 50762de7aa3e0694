"""Derivatives of derivatives: each template is differentiated by the rules of what it calls."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from s2s_ad import runtime
from s2s_ad.rules import registry
from s2s_ad.rules.checking import call, cases, drawn, flat, moved, singles, slope, template
from tests.rules import SCIPY
from tests.rules.dual import dual
from tests.rules.samples import samples_of
from tests.rules.test_rules import name_of

# templates with entries of single precision, or of types
EXCEPT = {"float32"}
RECORD = "record"  # of objects, which have tests of their own: tests/test_objects.py
RULES = [
    rule
    for rule in registry.all_rules()
    if rule.adjoint and rule.name not in EXCEPT and rule.flavour != RECORD
]


def varied(values, rule):
    """Return a direction for each argument that is a float, or holds floats."""
    rng = np.random.default_rng(2)
    return {name: drawn(rng, values[name]) for name in rule.adjoint if flat(values[name]).size}


def out_dot(rule, values, dots, out):
    total = runtime.zeros_like(out)
    for name, dot in dots.items():
        part = template(rule, rule.tangent[name], values, dot, out)
        if rule.shape == "out":
            part = np.broadcast_to(part, np.shape(out))
        total = runtime.add(total, part)
    return total


def check(rule, values, mode):
    dots = varied(values, rule)
    out = call(rule, values)
    rng = np.random.default_rng(3)
    pairs = {name: (value, dots.get(name)) for name, value in values.items()}
    pairs["out"] = (out, out_dot(rule, values, dots, out))
    pairs["function"] = (rule.function, None)
    for param in dots:
        d = drawn(rng, out if mode == "adjoint" else values[param])
        d_dot = drawn(rng, d)
        expr = getattr(rule, mode)[param]
        env = {**pairs, "d": (d, d_dot)}
        for name, value in rule.let:
            env[name] = dual(value, env)

        def along(t, param=param, d=d, d_dot=d_dot, expr=expr):
            there = {n: moved(v, t, dots[n]) if n in dots else v for n, v in values.items()}
            return template(rule, expr, there, moved(d, t, d_dot), call(rule, there))

        value, dot = dual(expr, env)
        got, want = flat(runtime.zeros_like(value) if dot is None else dot), slope(along)
        if got.size == 1:
            got = np.broadcast_to(got, want.shape)
        scale = np.max(np.abs(want), initial=0.0) + 1e-2
        gap = np.max(np.abs(got - want), initial=0.0)
        assert gap <= 1e-6 * scale, f"{rule.text} by {param}: {got} for {want} at {values}"


@pytest.mark.parametrize("mode", ["tangent", "adjoint"])
@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_second_order(rule, mode):
    single = singles(rule)[-1]
    samples = samples_of(single)
    tried = 0
    for values in itertools.islice(cases(single) if samples is None else samples, 0, None, 5):
        lists = any(isinstance(v, list) for v in values.values())
        if lists and single.namespace in ("np", *SCIPY) and single.flavour == "elementwise":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(single, values, mode)
        tried += 1
    assert tried
