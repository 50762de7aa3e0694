"""A list of the adjoints of a tuple is a variable for each of them: for compiled code.

Takes the body of a generated function, gives it so; requires `ir`.

    k_bar = [0.0, 0.0]                       k_bar0 = sum_bar * h
    k_bar[0] = sum_bar * h            →      k_bar1 = v_bar
    k_bar[1] = v_bar                         x_bar = f_reverse(x, (k_bar0, k_bar1))
    x_bar = f_reverse(x, k_bar)

A compiler makes a list on the heap, at each step of a loop. Only literal items are read and stored,
and the whole is given to functions alone that take it apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, sole_target
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    bound_here,
    children,
    every_block,
    map_block,
    map_parts,
    names,
    stmt_exprs,
    walk_stmts,
)

MOST = 16


@dataclass(frozen=True)
class Parting:
    """ours: whether a variable is none of the user's. parted: whether a function does nothing with
    its argument at some place but take it apart. fresh: a new name."""

    ours: Callable[[str], bool]
    parted: Callable[[n.Expr, int], bool]
    fresh: Callable[[str], str]


def in_parts(body: n.Block, tools: Parting) -> n.Block:
    """Return the body with variables in the place of such lists."""
    sizes: dict[str, set[int]] = {}
    bound: Counter[str] = Counter()
    for s in walk_stmts(body):
        bound.update(bound_here(s))
        name = sole_target(s)
        if name is not None and isinstance(s, n.Assign) and isinstance(s.value, n.ListExpr):
            sizes.setdefault(name, set()).add(len(s.value.items))
            bound[name] -= 1
    lists = {
        x: min(found)
        for x, found in sizes.items()
        if len(found) == 1 and 0 < min(found) <= MOST and not bound[x] and tools.ours(x)
    }
    lists = {x: size for x, size in lists.items() if x not in _whole(body, lists, tools)}
    if not lists:
        return body
    parts = {x: tuple(n.Name(tools.fresh(f"{x}{k}")) for k in range(lists[x])) for x in lists}

    def put(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Subscript) and isinstance(e.value, n.Name) and e.value.id in parts:
            place = constant_int(e.index)
            assert place is not None
            return parts[e.value.id][place]
        if isinstance(e, n.Call):
            args = tuple(
                n.TupleExpr(parts[x.id]) if isinstance(x, n.Name) and x.id in parts else x
                for x in e.args
            )
            return replace(e, args=args)
        return e

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        name = sole_target(s)
        if name not in parts or not isinstance(s, n.Assign):
            return (map_parts(s, put),)
        assert isinstance(s.value, n.ListExpr)
        pairs = zip(parts[name], s.value.items)
        first, *rest = (map_parts(n.Assign((x,), e, of=s.of), put) for x, e in pairs)
        return (replace(first, comments=s.comments, origin=s.origin), *rest)

    body = map_block(body, visit)
    return _first_stores(body, {x.id for found in parts.values() for x in found})


def _whole(body: n.Block, lists: dict[str, int], tools: Parting) -> set[str]:
    """Return the lists of which something else is done than to read and store literal items."""
    found: set[str] = set()

    def look(e: n.Expr) -> None:
        if isinstance(e, n.Subscript) and isinstance(e.value, n.Name) and e.value.id in lists:
            place = constant_int(e.index)
            size = lists[e.value.id]
            if place is None or not -size <= place < size:
                found.add(e.value.id)
            return
        if isinstance(e, n.Name):
            found.update({e.id} & lists.keys())
            return
        given = list(e.args) if isinstance(e, n.Call) else []
        for k, x in enumerate(given):
            known = isinstance(e, n.Call) and not e.keywords and tools.parted(e.func, k)
            found.update(names(x) & lists.keys() if isinstance(x, n.Name) and not known else ())
        for part in children(e):
            if part not in given or not isinstance(part, n.Name):
                look(part)

    for s in walk_stmts(body):
        name = sole_target(s)
        if name in lists and isinstance(s, n.Assign):
            if name in names(s.value):
                found.add(name)
            look(s.value)
            continue
        if isinstance(s, (n.Append, n.Pop)):
            found |= {s.stack}
        for e in stmt_exprs(s):
            look(e)
    return found


def _first_stores(body: n.Block, parts: AbstractSet[str]) -> n.Block:
    """Return the body without zeros that are stored over before they are read."""
    idle: set[int] = set()
    for block in every_block(body):
        for k, s in enumerate(block):
            name = sole_target(s)
            if name in parts and isinstance(s, n.Assign) and s.value == ZERO:
                behind = next((x for x in block[k + 1 :] if name in mentioned((x,))), None)
                if isinstance(behind, n.Assign) and sole_target(behind) == name:
                    idle.update(() if name in names(behind.value) else {s.uid})
    return map_block(body, lambda s: () if s.uid in idle and not s.comments.before else (s,))


def takes_apart(function: n.Function, place: int) -> bool:
    """True when a function does nothing with a parameter but take its items, by literals."""
    if place >= len(function.params) or function.params[place].kind != "normal":
        return False
    name = function.params[place].name
    given = n.Name(name)
    for s in walk_stmts(function.body):
        if name in bound_here(s):
            return False
        targets = s.targets if isinstance(s, n.Assign) else ()
        if isinstance(s, n.Assign) and s.value == given:
            items = targets[0].items if isinstance(targets[0], n.TupleExpr) else ()
            if len(targets) > 1 or not items or not all(isinstance(x, n.Name) for x in items):
                return False
            continue
        stored = [*targets, *([s.target] if isinstance(s, n.AugAssign) else [])]
        if any(name in names(t) for t in stored):
            return False
        if not all(_only_items(e, given) for e in stmt_exprs(s)):
            return False
    return True


def _only_items(e: n.Expr, given: n.Name) -> bool:
    if isinstance(e, n.Subscript) and e.value == given:
        return constant_int(e.index) is not None
    return e != given and all(_only_items(x, given) for x in children(e))
