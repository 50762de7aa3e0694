"""What a rule says of its result before it runs, against results."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from s2s_ad.analysis.observe import kind_of
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    ListOf,
    Number,
    Object,
    Str,
    TupleOf,
    is_discrete,
)
from s2s_ad.ir.nodes import Const, Expr, Name, TupleExpr
from s2s_ad.rules import registry
from s2s_ad.rules.checking import call, cases, singles
from tests.rules.samples import samples_of
from tests.rules.test_rules import name_of

RULES = registry.all_rules()


def expression(name: str, value: object) -> Expr:
    """Return how a call spells an argument: options as literals, operands by name."""
    if isinstance(value, tuple):
        return TupleExpr(tuple(expression(name, item) for item in value))
    if value is None or isinstance(value, (bool, int, str)):
        return Const(repr(value), value)
    return Name(name)


def claims(kind, value, lengths):
    """True unless `kind` says something of `value` that is not so."""
    if kind == UNKNOWN:
        return True
    actual = kind_of(value)
    if isinstance(kind, Number):
        return isinstance(actual, Number) and kind.type in ("number", actual.type)
    if isinstance(kind, Array):
        return (
            isinstance(value, np.ndarray)
            and kind.dtype in ("any", actual.dtype)
            and (kind.dims is None or _axes_fit(kind.dims, value.shape, lengths))
        )
    if isinstance(kind, TupleOf):
        return len(kind.items) == len(value) and all(
            claims(item, part, lengths) for item, part in zip(kind.items, value)
        )
    if isinstance(kind, ListOf):
        return isinstance(value, list) and all(claims(kind.item, v, dict(lengths)) for v in value)
    if isinstance(kind, DictOf):
        return isinstance(value, dict)
    if isinstance(kind, Str):
        return isinstance(value, str)
    return not isinstance(kind, Object) or kind.value is value


def _axes_fit(dims, shape, lengths):
    if len(dims) != len(shape):
        return False
    for dim, length in zip(dims, shape):
        if dim.one is not None and dim.one != (length == 1):
            return False
        if lengths.setdefault((dim.symbol, dim.offset), length) != length:
            return False
    return True


def lengths_of(kinds, values):
    """Return what the symbols of the operands' axes stand for."""
    found = {}
    for name, value in values.items():
        kind = kinds[name]
        if isinstance(kind, Array) and kind.dims is not None:
            found.update({(d.symbol, d.offset): n for d, n in zip(kind.dims, np.shape(value))})
    return found


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_kind_of_result(rule):
    for single in singles(rule):
        samples = samples_of(single)
        for values in samples if samples is not None else cases(single):
            check(single, values)


def check(rule, values):
    kinds = {name: kind_of(value, name) for name, value in values.items()}
    arguments = {name: expression(name, value) for name, value in values.items()}
    out = call(rule, values)
    kind = rule.result(kinds, arguments)
    assert claims(kind, out, lengths_of(kinds, values)), f"{kind} for {out!r} of {values}"
    unknown = rule.result({name: UNKNOWN for name in values}, arguments)
    assert claims(unknown, out, {}), f"{unknown} for {out!r} without kinds, of {values}"
    if isinstance(out, (list, tuple)) and len(rule.adjoint) > 1:
        # parts that several arguments contribute to are added one by one only where they are known
        assert kind != UNKNOWN, f"{rule.text}: a {type(out).__name__}"


def rounded(value):
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.rint(3.0 * value).astype(int)
    if isinstance(value, (list, tuple)):
        return type(value)(map(rounded, value))
    return int(round(3.0 * value)) if type(value) is float else value


def says_whole(kind, value):
    """True when a kind says that a value, or a part of it, is in whole numbers and it is not."""
    if isinstance(kind, TupleOf):
        return any(map(says_whole, kind.items, value))
    if isinstance(kind, ListOf):
        return any(says_whole(kind.item, part) for part in value)
    return (
        isinstance(kind, (Array, Number)) and is_discrete(kind) and np.asarray(value).dtype == float
    )


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if rule.adjoint and rule.namespace != "runtime"],
    ids=name_of,
)
def test_what_is_in_floats_is_not_said_to_be_whole(rule):
    """Some operands are in whole numbers: what is said to be so as well has no derivative."""
    single = singles(rule)[-1]
    for values in itertools.islice(cases(single), 0, 40, 4):
        for size in range(1, len(single.adjoint) + 1):
            for whole in itertools.combinations(single.adjoint, size):
                given = {k: rounded(v) if k in whole else v for k, v in values.items()}
                try:
                    with warnings.catch_warnings(), np.errstate(all="ignore"):
                        warnings.simplefilter("ignore")
                        out = call(single, given)
                except (ArithmeticError, TypeError, ValueError, np.linalg.LinAlgError):
                    continue
                kinds = {name: kind_of(value, name) for name, value in given.items()}
                arguments = {name: expression(name, value) for name, value in given.items()}
                kind = single.result(kinds, arguments)
                assert not says_whole(kind, out), f"{kind} for {out!r} of {given}"
