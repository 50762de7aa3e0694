"""Conditions that the kinds decide: tests on None, on string options and on classes.

Takes a test, functions from expressions to kinds and to live objects, gives its truth or None;
requires `ir`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable

from s2s_ad.analysis.instances import is_instance
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import NONE, Kind, MaybeNumber, Str, Unknown
from s2s_ad.ir.walk import each_of

KindOf = Callable[[n.Expr], Kind]
ObjectOf = Callable[[n.Expr], "tuple[object] | None"]


def truth(test: n.Expr, kind_of: KindOf, object_of: ObjectOf) -> bool | None:
    """Return the truth of a test on None, a string option or a type, if the kinds decide it."""
    if isinstance(test, n.Unary) and test.op == "not":
        inner = truth(test.operand, kind_of, object_of)
        return None if inner is None else not inner
    if isinstance(test, n.BoolOp):
        known = [truth(v, kind_of, object_of) for v in test.values]
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
    if isinstance(test, n.Call) and len(test.args) == 2 and not test.keywords:
        callee = object_of(test.func)
        if callee is not None and callee[0] is builtins.isinstance:
            return _instance_truth(test.args[0], test.args[1], kind_of, object_of)
    return None


def _instance_truth(
    tested: n.Expr, classinfo: n.Expr, kind_of: KindOf, object_of: ObjectOf
) -> bool | None:
    parts = each_of(classinfo)
    found = [object_of(part) for part in parts]
    classes = tuple(x[0] for x in found if x is not None)
    kind = kind_of(tested)
    if isinstance(kind, Unknown) or len(classes) < len(found):
        return None
    return is_instance(kind, classes)


def _compare_truth(test: n.Compare, kind_of: KindOf) -> bool | None:
    op, right = test.ops[0], test.rights[0]
    kind = kind_of(test.left)
    if op in ("is", "is not") and isinstance(right, n.Const) and right.value is None:
        if isinstance(kind, (Unknown, MaybeNumber)):
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
