"""Expressions of which only the shape is read: others of that shape that cost nothing to evaluate.

Takes an expression and what is known of its parts, gives a variable, a view of one, or None;
requires `ir`, `rules`.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, NoneKind, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import each_of
from s2s_ad.rules.registry import Choice
from s2s_ad.transform.shapes import same_shape

KindOf = Callable[[n.Expr], Kind]
# helpers of `runtime` whose argument at this place is there for its shape
LIKE = {"unbroadcast": 1, "expand": 1, "scatter": 1, "split_like": 1, "spread": 1, "zeros_like": 0}
MEASURES = ("shape", "size", "ndim")
# functions of NumPy whose result has the shape of their first argument
KEEPING = frozenset("copy flip fliplr flipud roll sort".split())


def shown(e: n.Expr) -> int | None:
    """Return which argument of a call is there for its shape alone; -1 for `x.shape`."""
    if isinstance(e, n.Attribute):
        return -1 if e.attr in MEASURES else None
    if not isinstance(e, n.Call):
        return None
    if isinstance(e.func, n.Attribute):
        return 0 if e.func.attr in MEASURES and len(e.args) == 1 else None
    place = LIKE.get(e.func.id) if isinstance(e.func, n.Name) else None
    return place if place is not None and place < len(e.args) else None


def stand_in(e: n.Expr, kind: KindOf, choice: Callable[[n.Expr], Choice | None]) -> n.Expr | None:
    """Return an expression of the same shape as `e` (and a list where it is one) that computes
    nothing: `x[1:]` for `2.0 * np.exp(-x[1:])`. choice: the rule of an operation or call."""
    if is_view(e, kind):
        return e
    if isinstance(e, (n.TupleExpr, n.ListExpr)):
        items = [stand_in(item, kind, choice) for item in e.items]
        found = tuple(item for item in items if item is not None)
        return replace(e, items=found) if len(found) == len(items) else None
    if not isinstance(e, (n.Unary, n.Binary, n.Call)):
        return None
    if not isinstance(kind(e), (Array, Number)):
        return None
    rule = choice(e)
    if rule is not None and rule.rule.namespace == "np" and rule.rule.name in KEEPING:
        first = next(iter(rule.arguments.values()))
        return stand_in(first, kind, choice) if isinstance(kind(first), Array) else None
    if rule is None or rule.rule.shape != "out":
        return None
    kinds = {name: kind(x) for name, x in rule.arguments.items()}
    arrays = [name for name, k in kinds.items() if not isinstance(k, (Number, NoneKind))]
    constant = None  # a number is shown by a variable, if there is one
    for name in arrays if isinstance(kind(e), Array) else kinds:
        alone = len(arrays) == 1 and isinstance(kinds[name], Array)
        if alone or same_shape(kinds[name], kind(e)):
            like = stand_in(rule.arguments[name], kind, choice)
            if like is not None and not isinstance(like, (n.Const, n.Attribute)):
                return like
            constant = constant or like
    return constant


def is_view(e: n.Expr, kind: KindOf) -> bool:
    """True for a variable, or what is an item, a slice or the transpose of one."""
    while isinstance(e, (n.Subscript, n.Attribute)):
        if isinstance(e, n.Subscript) and isinstance(kind(e.value), Array):
            items = each_of(e.index)
            if not all(_is_plain(item, kind) for item in items):
                return False
        e = e.value
    return isinstance(e, (n.Name, n.Const))


def _is_plain(index: n.Expr, kind: KindOf) -> bool:
    """True for an index that is a slice, `...`, a number or a new axis: it makes no copy."""
    if isinstance(index, n.Slice) or index == n.ELLIPSIS:
        return True
    return isinstance(kind(index), (Number, NoneKind))
