"""Calls of a library that put their result into an array, written as the stores they are.

Takes a function and the objects that its expressions stand for, gives it with such calls written
so; requires `ir`, `analysis`.

    np.add(a, b, out=y[1:])             y[1:] = np.add(a, b)
    np.copyto(y, a, where=m)            y[...] = np.where(m, a, y)
    np.fill_diagonal(y, 0.0)            y[np.diag_indices_from(y)] = 0.0
    np.subtract.at(y, k, a)             np.add.at(y, k, -a)
    np.log(a, out=np.zeros(3), where=m) np.where(m, np.log(a), np.zeros(3))

That is done for statements that are such a call, or bind or return its value. What is left of them
in a derivative as it stands is written as a call again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from s2s_ad.analysis.effects import place_of_out
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    bound_here,
    each_of,
    map_block,
    map_expr,
    map_stmt_exprs,
    names,
    subexprs,
    walk_stmts,
)

# functions that make an array that nothing else is
NEW = (np.zeros, np.zeros_like, np.ones, np.ones_like, np.full, np.full_like, np.copy)
NONE = n.Const("None", None)
EVERYWHERE = n.Const("True", True)
ObjectOf = Callable[[n.Expr], object]
Stores = Mapping[tuple[n.Expr, n.Expr], n.Call]


def with_library_stores(function: n.Function, object_of: ObjectOf) -> tuple[n.Function, Stores]:
    """Return the function with calls that put something into an array as stores, and the calls by
    the places and values of those.

    object_of: the live object that an expression stands for, None for what is not known.
    """
    function = replace(function, body=map_block(function.body, _on_new_storage(object_of)))
    counters = _counters(function, object_of)
    calls: dict[tuple[n.Expr, n.Expr], n.Call] = {}

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        e = s.value if isinstance(s, (n.ExprStmt, n.Assign, n.Return)) else None
        if not isinstance(e, n.Call) or any(isinstance(a, n.Starred) for a in e.args):
            return (s,)
        if isinstance(s, n.ExprStmt) and (added := _added(e, object_of)) is not None:
            return (replace(s, value=added),)
        found = _store(e, object_of, counters)
        if found is None:
            return (s,)
        place, value = found
        target = n.Subscript(place, n.ELLIPSIS) if isinstance(place, n.Name) else place
        made = n.Assign((target,), value, origin=s.origin, comments=s.comments)
        calls[target, value] = e
        same = isinstance(s, n.Assign) and s.targets == (place,)
        if isinstance(s, n.ExprStmt) or same:
            return (made,)
        assert isinstance(s, (n.Assign, n.Return))
        return made, replace(s, value=place, comments=n.NO_COMMENTS)

    return replace(function, body=map_block(function.body, visit)), calls


def _on_new_storage(object_of: ObjectOf) -> Callable[[n.Stmt], tuple[n.Stmt, ...]]:
    """Return what writes calls that put some entries into an array that is made for it."""

    def chosen(e: n.Expr) -> n.Expr:
        told = {k.name: k.value for k in e.keywords} if isinstance(e, n.Call) else {}
        if not isinstance(e, n.Call) or not {"out", "where"} <= told.keys():
            return e
        new = told["out"]
        made = isinstance(new, n.Call) and object_of(new.func) in NEW
        if not made or not isinstance(object_of(e.func), np.ufunc):
            return e
        kept = tuple(k for k in e.keywords if k.name not in ("out", "where"))
        found = _chosen(e.func, told["where"], replace(e, keywords=kept), new, object_of)
        return e if found is None else found[1]

    return lambda s: (map_stmt_exprs(s, lambda e: map_expr(e, chosen)),)


def called_again(function: n.Function, calls: Stores) -> n.Function:
    """Return a generated function with stores that the user wrote as calls as these calls."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        call = None
        if isinstance(s, n.Assign) and len(s.targets) == 1:
            call = calls.get((s.targets[0], s.value))
        if call is None:
            return (s,)
        return (n.ExprStmt(call, origin=s.origin, comments=s.comments, of=s.of),)

    return replace(function, body=map_block(function.body, visit)) if calls else function


def _store(
    e: n.Call, object_of: ObjectOf, counters: frozenset[str]
) -> tuple[n.Expr, n.Expr] | None:
    """Return the place that a call puts something into, and what."""
    callee = object_of(e.func)
    if callee is None:
        return None
    if callee is np.copyto:
        return _copied(e, object_of, counters)
    if callee is np.fill_diagonal:
        return _on_the_diagonal(e, object_of)
    return _given_out(e, callee, object_of, counters)


def _added(e: n.Call, object_of: ObjectOf) -> n.Call | None:
    """Return `np.subtract.at(a, index, b)` as the addition it is."""
    owner = e.func.value if isinstance(e.func, n.Attribute) and e.func.attr == "at" else None
    subtracts: object = np.subtract
    if not isinstance(owner, n.Attribute) or object_of(owner) is not subtracts:
        return None
    if object_of(owner.value) is not np or len(e.args) != 3 or e.keywords:
        return None
    add_at = n.Attribute(n.Attribute(owner.value, "add"), "at")
    return replace(e, func=add_at, args=(*e.args[:2], n.Unary("-", e.args[2])))


def _copied(
    e: n.Call, object_of: ObjectOf, counters: frozenset[str]
) -> tuple[n.Expr, n.Expr] | None:
    """`np.copyto(dst, src, casting="same_kind", where=True)`."""
    given = dict(zip(("dst", "src", "casting", "where"), e.args))
    given.update({k.name: k.value for k in e.keywords if k.name is not None})
    if not {"dst", "src"} <= given.keys() <= {"dst", "src", "casting", "where"}:
        return None
    place = given["dst"]
    if not _is_place(place, counters):
        return None
    where = given.get("where", EVERYWHERE)
    return _chosen(e.func, where, given["src"], place, object_of)


def _chosen(
    func: n.Expr, where: n.Expr, value: n.Expr, place: n.Expr, object_of: ObjectOf
) -> tuple[n.Expr, n.Expr] | None:
    """Return a place with what it holds then: a value, where it is put there."""
    if where == EVERYWHERE:
        return place, value
    if not isinstance(func, n.Attribute) or object_of(func.value) is not np:
        return None
    return place, n.Call(n.Attribute(func.value, "where"), (where, value, place))


def _on_the_diagonal(e: n.Call, object_of: ObjectOf) -> tuple[n.Expr, n.Expr] | None:
    """`np.fill_diagonal(a, val)`; what is not square has another diagonal, and is an error then."""
    numpy = e.func.value if isinstance(e.func, n.Attribute) else None
    if e.keywords or len(e.args) != 2 or numpy is None or object_of(numpy) is not np:
        return None
    array, value = e.args
    if not isinstance(array, n.Name):
        return None
    places = n.Call(n.Attribute(numpy, "diag_indices_from"), (array,))
    return n.Subscript(array, places), value


def _given_out(
    e: n.Call, callee: Any, object_of: ObjectOf, counters: frozenset[str]
) -> tuple[n.Expr, n.Expr] | None:
    """Return what a call is given as `out`, and its value without that."""
    if not callable(callee):
        return None
    at = place_of_out(callee)
    keywords = {k.name: k.value for k in e.keywords}
    if at is None or None in keywords:
        return None
    place, args = keywords.pop("out", None), e.args
    if place is None and len(args) == at + 1:
        place, args = args[at], args[:at]
    if isinstance(place, n.TupleExpr) and len(place.items) == 1:
        place = place.items[0]
    if place is None or len(args) > at or not _is_place(place, counters):
        return None
    where = keywords.pop("where", EVERYWHERE) if isinstance(callee, np.ufunc) else EVERYWHERE
    kept = tuple(k for k in e.keywords if k.name in keywords)
    return _chosen(e.func, where, replace(e, args=args, keywords=kept), place, object_of)


def _is_place(e: n.Expr, counters: frozenset[str]) -> bool:
    """True for a variable, and for a part of one that is a view of it for certain."""
    while isinstance(e, n.Subscript):
        items = each_of(e.index)
        if not all(_is_basic(x, counters) for x in items):
            return False
        e = e.value
    return isinstance(e, n.Name)


def _is_basic(e: n.Expr, counters: frozenset[str]) -> bool:
    if isinstance(e, n.Slice) or e in (n.ELLIPSIS, NONE):
        return not any(isinstance(x, (n.Call, n.NamedExpr)) for x in subexprs(e))
    parts = list(subexprs(e))
    whole = all(
        isinstance(x, (n.Name, n.Unary, n.Binary))
        or (isinstance(x, n.Const) and type(x.value) is int)
        for x in parts
    )
    return whole and names(e) <= counters


def _counters(function: n.Function, object_of: ObjectOf) -> frozenset[str]:
    """Return the variables that hold nothing but whole numbers: those of loops over `range`."""
    found: set[str] = set()
    others = {p.name for p in function.params}
    for s in walk_stmts(function.body):
        over = s.iter if isinstance(s, n.For) else None
        while isinstance(over, n.Call) and object_of(over.func) is reversed and over.args:
            over = over.args[0]
        counts = isinstance(over, n.Call) and object_of(over.func) is range
        (found if counts else others).update(bound_here(s))
    return frozenset(found - others)
