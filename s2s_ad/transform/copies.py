"""Copies of variables that are changed in place, and their adjoints as they begin.

Takes a variable with its kind, gives the expression of a copy or of zeros; requires `ir`.
"""

from __future__ import annotations

from s2s_ad.analysis.held import holds_plain_items
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, Kind, ListOf, MaybeNumber, Number
from s2s_ad.ir.nodes import ZERO
from s2s_ad.transform.context import Context


def copied_value(context: Context, name: str, kind: Kind) -> n.Expr:
    """Return a copy of a variable of the primal, with all that is inside of it."""
    return _shallow(context, name, kind) or n.Call(context.helper("copied"), (n.Name(name),))


def copied_adjoint(context: Context, name: str, kind: Kind, whole: bool) -> n.Expr:
    """Return a copy of an adjoint: with all that is inside of it, or the outermost container."""
    if isinstance(kind, Array) and not kind.dims:
        # arithmetic makes a number of an array of no axes
        return n.Call(context.np("array"), (n.Name(name),))
    found = _shallow(context, name, kind, not whole)
    if found is not None:
        return found
    return n.Call(context.helper("buffer"), (n.Name(name),))


def _shallow(context: Context, name: str, kind: Kind, enough: bool = False) -> n.Expr | None:
    """Return the copy of a container that holds no other, or whose items need no copy."""
    if isinstance(kind, Array):
        return n.Call(n.Attribute(n.Name(name), "copy"), ())
    if isinstance(kind, ListOf) and (enough or holds_plain_items(kind)):
        return n.Call(n.Name(context.alias("list")), (n.Name(name),))
    if isinstance(kind, DictOf) and (enough or holds_plain_items(kind)):
        return n.Call(n.Name(context.alias("dict")), (n.Name(name),))
    return None


def is_flat_list(kind: Kind) -> bool:
    return isinstance(kind, ListOf) and holds_plain_items(kind)


def is_list_of_numbers(kind: Kind) -> bool:
    """True for a list in which None has no place."""
    return (
        isinstance(kind, ListOf)
        and isinstance(kind.item, Number)
        and not isinstance(kind.item, MaybeNumber)
    )


def sum_of_lists(context: Context, a: n.Expr, b: n.Expr) -> n.Expr:
    """Return the sum of two adjoints of a list of numbers."""
    u, v = n.Name("u"), n.Name("v")
    pairs = n.Call(n.Name(context.alias("zip")), (a, b))
    return n.Comprehension("list", n.Binary("+", u, v), (n.Clause(n.TupleExpr((u, v)), pairs),))


def zero_adjoint(context: Context, name: str, kind: Kind) -> n.Expr:
    """Return the adjoint of a variable that nothing was added to."""
    rows = kind.item if isinstance(kind, ListOf) else None
    if isinstance(kind, Number):
        return ZERO
    if isinstance(kind, Array):
        return n.Call(context.np("zeros_like"), (n.Name(name),))
    if isinstance(rows, Number):
        return _zeros(context, name)
    if isinstance(rows, ListOf) and isinstance(rows.item, Number):
        clause = n.Clause(n.Name("row"), n.Name(name))
        return n.Comprehension("list", _zeros(context, "row"), (clause,))
    if isinstance(kind, DictOf) and isinstance(kind.value, Number):
        keys = n.Attribute(n.Name(context.alias("dict")), "fromkeys")
        return n.Call(keys, (n.Name(name), ZERO))
    return n.Call(context.helper("zeros_like"), (n.Name(name),))


def _zeros(context: Context, name: str) -> n.Expr:
    size = n.Call(n.Name(context.alias("len")), (n.Name(name),))
    return n.Binary("*", n.ListExpr((ZERO,)), size)
