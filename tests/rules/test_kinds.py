"""What a rule says of its result before it runs, against results."""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad.analysis.observe import kind_of
from s2s_ad.ir.kinds import UNKNOWN, Array, DictOf, ListOf, Number, Object, Str, TupleOf
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
