"""Loops over all places of an array, written as loops over its axes.

Takes a Function with its facts, gives it with such loops around active statements written so, where
that is the same. Requires `ir`, `analysis`.

    for (i, j), v in np.ndenumerate(a):     for i in range(a.shape[0]):
        total += i * v              →           for j in range(a.shape[1]):
                                                    v = a[i, j]
                                                    total += i * v
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from s2s_ad.analysis.flow import Facts
from s2s_ad.frontend.exits import breaks
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import renamed, said_by
from s2s_ad.ir.kinds import Array, Kind, Number, TupleOf
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    map_block,
    names,
    subexprs,
    walk_stmts,
)

OVER_PLACES: tuple[object, ...] = (np.ndenumerate, np.ndindex)
PLAIN = (n.Name, n.Const, n.Attribute, n.Subscript, n.Unary, n.Binary)


@dataclass(frozen=True)
class Reading:
    """What is known where a loop stands: kinds, what names stand for, new names, `range`."""

    kind: Callable[[n.Expr], Kind]
    object_of: Callable[[n.Expr], object]
    fresh: Callable[[str], str]
    range: n.Expr


def over_axes(
    function: n.Function, facts: Facts, fresh: Callable[[str], str], alias: Callable[[str], str]
) -> n.Function:
    """Return the function with active loops over places as loops over axes.

    fresh: makes a new name. alias: how a builtin is spelled here.
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.For) or s.uid not in facts.before:
            return (s,)

        def object_of(e: n.Expr) -> object:
            found = facts.object_of(e, s.uid)
            return found[0] if found else None

        def kind(e: n.Expr) -> Kind:
            return facts.value(e, s.uid).kind

        over = object_of(s.iter.func) if isinstance(s.iter, n.Call) else None
        if not any(over is x for x in OVER_PLACES) or not _is_active(s, facts):
            return (s,)
        elsewhere = _mentions(function.body) - _mentions((s,))
        nested = _nested(
            s, frozenset(+elsewhere), Reading(kind, object_of, fresh, n.Name(alias("range")))
        )
        return (s if nested is None else nested,)

    return replace(function, body=map_block(function.body, visit))


def _is_active(s: n.For, facts: Facts) -> bool:
    inside = [x for x in walk_stmts(s.body) if x.uid in facts.before]
    puts = [x for x in inside if isinstance(x, (n.Assign, n.AugAssign, n.Append))]
    return facts.varied(s.iter, s.uid) or any(facts.varied(x.value, x.uid) for x in puts)


def _mentions(block: n.Block) -> Counter[str]:
    return Counter(x for s in walk_stmts(block) for x in said_by(s))


def _nested(s: n.For, elsewhere: frozenset[str], known: Reading) -> n.For | None:
    """Return a loop over `np.ndindex(...)` or `np.ndenumerate(a)` as loops over axes.

    elsewhere: the variables that are said outside of the loop.
    """
    e, target = s.iter, s.target
    if not isinstance(e, n.Call) or e.keywords or s.orelse or breaks(s.body):
        return None
    found = known.object_of(e.func)
    item: n.Expr | None = None
    if found is np.ndenumerate and len(e.args) == 1 and isinstance(e.args[0], n.Name):
        parts = target.items if isinstance(target, n.TupleExpr) else ()
        if len(parts) != 2:
            return None
        array: n.Expr = e.args[0]
        target, item = parts
        lengths = _lengths(n.Attribute(array, "shape"), known)
    elif found is np.ndindex:
        array, lengths = n.Const("None", None), _of_arguments(e.args, known)
    else:
        return None
    if not lengths or any(_may_change(x, s.body) for x in (*lengths, array)):
        return None
    taken: list[n.Stmt] = []
    body = s.body
    if isinstance(target, n.TupleExpr) and all(isinstance(t, n.Name) for t in target.items):
        places = list(target.items)
    elif isinstance(target, n.Name):
        places = [n.Name(known.fresh(x)) for x in "ijkl"[: len(lengths)]]
        whole = n.TupleExpr(tuple(places))
        if target.id in elsewhere | assigned(body):
            taken.append(n.Assign((target,), whole, origin=s.origin))
        else:
            body = renamed(body, {target.id: whole})
    else:
        return None
    if len(places) != len(lengths) or set().union(*map(names, places)) & assigned(body):
        return None
    if item is not None:
        index = places[0] if len(places) == 1 else n.TupleExpr(tuple(places))
        taken.append(n.Assign((item,), n.Subscript(array, index), origin=s.origin))
    body = (*taken, *body)
    for place, length in list(zip(places, lengths))[:0:-1]:
        body = (n.For(place, n.Call(known.range, (length,)), body, origin=s.origin),)
    return replace(s, target=places[0], iter=n.Call(known.range, (lengths[0],)), body=body)


def _of_arguments(args: tuple[n.Expr, ...], known: Reading) -> list[n.Expr]:
    """Return the lengths that `np.ndindex` is given, one by one or as a shape."""
    if len(args) == 1:
        only = args[0].value if isinstance(args[0], n.Starred) else args[0]
        if isinstance(only, n.TupleExpr):
            return list(only.items)
        if isinstance(args[0], n.Starred) or isinstance(known.kind(only), TupleOf):
            return _lengths(only, known)
        if not isinstance(known.kind(only), Number):
            return []
    return [] if any(isinstance(a, n.Starred) for a in args) else list(args)


def _lengths(shape: n.Expr, known: Reading) -> list[n.Expr]:
    """Return the items of a shape of known length, up to four."""
    kind = known.kind(shape)
    owner = known.kind(shape.value) if isinstance(shape, n.Attribute) else None
    if isinstance(owner, Array) and isinstance(shape, n.Attribute) and shape.attr == "shape":
        count = len(owner.dims or ())
    else:
        count = len(kind.items) if isinstance(kind, TupleOf) and not kind.is_list else 0
    return [n.Subscript(shape, n.Const(str(k), k)) for k in range(count)] if count <= 4 else []


def _may_change(e: n.Expr, body: n.Block) -> bool:
    """True for what may be something else once the loop has begun."""
    plain = all(isinstance(x, PLAIN) for x in subexprs(e))
    return not plain or not names(e).isdisjoint(assigned(body))
