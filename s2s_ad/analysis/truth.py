"""Conditions that the kinds decide: tests on None and on string options.

Takes a test and a function from expressions to kinds, gives its truth or None; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import NONE, Kind, Str, Unknown

KindOf = Callable[[n.Expr], Kind]


def truth(test: n.Expr, kind_of: KindOf) -> bool | None:
    """Return the truth of a test on None, a string option or a type, if the kinds decide it."""
    if isinstance(test, n.Unary) and test.op == "not":
        inner = truth(test.operand, kind_of)
        return None if inner is None else not inner
    if isinstance(test, n.BoolOp):
        known = [truth(v, kind_of) for v in test.values]
        stop = test.op == "or"
        for k in known:
            if k is None:
                return None
            if k is stop:
                return stop
        return not stop
    if isinstance(test, n.Compare) and len(test.ops) == 1:
        return _compare_truth(test, kind_of)
    if isinstance(test, n.Name):
        kind = kind_of(test)
        return False if kind == NONE else None
    return None


def _compare_truth(test: n.Compare, kind_of: KindOf) -> bool | None:
    op, right = test.ops[0], test.rights[0]
    kind = kind_of(test.left)
    if op in ("is", "is not") and isinstance(right, n.Const) and right.value is None:
        if isinstance(kind, Unknown):
            return None
        return (kind == NONE) is (op == "is")
    if isinstance(kind, Str) and kind.value is not None and test.left != right:
        other = kind_of(right)
        if isinstance(other, Str) and other.value is not None and op in ("==", "!="):
            return (kind.value == other.value) is (op == "==")
        if op in ("in", "not in") and isinstance(right, (n.TupleExpr, n.ListExpr)):
            options = [kind_of(x) for x in right.items]
            if all(isinstance(o, Str) and o.value is not None for o in options):
                return any(o == kind for o in options) is (op == "in")
    return None
