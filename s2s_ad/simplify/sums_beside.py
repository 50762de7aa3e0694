"""What a loop adds to one item of an adjoint is added up in a variable: for compiled code.

Takes the body of a generated function, gives it so; requires `ir`.

    for j in range(i + 1, n):                x_item_sum = 0.0
        ...                                  for j in range(i + 1, n):
        x_bar[i] += dx_bar            →          ...
        x_bar[j] -= dx_bar                       x_item_sum += dx_bar
                                                 x_bar[j] -= dx_bar
                                             if x_item_sum != 0.0:
                                                 x_bar[i] += x_item_sum

A compiler may not do that: for all it knows the other item is the same one. It may be: sums come in
any order, and the loop does nothing else with the adjoint. A loop without steps touches no item.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by, sole_target, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, bound_here, map_block, names, subexprs, walk_stmts

_PLAIN = (n.Assign, n.AugAssign, n.If, n.Pass, n.Break, n.Continue, n.Pop)
_INDEX = (n.Name, n.Const, n.Unary, n.Binary, n.TupleExpr)


@dataclass(frozen=True)
class Summing:
    """item: whether an item of an array is a float, and the array none of the user's. zeros:
    whether an expression makes new zeros. shared: a name for all variables that may hold one array.
    fresh: a new name."""

    item: Callable[[n.Subscript], bool]
    zeros: Callable[[n.Expr], bool]
    shared: Callable[[str], str]
    fresh: Callable[[str], str]


def sums_beside(body: n.Block, tools: Summing) -> n.Block:
    """Return the body with such sums beside their loops."""
    bound: dict[str, list[n.Stmt]] = {}
    for s in walk_stmts(body):
        for name in bound_here(s):
            bound.setdefault(name, []).append(s)
    made = {x for x, where in bound.items() if all(_makes(s, x, tools) for s in where)}

    def visit(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            s = with_blocks(s, visit)
            out.extend(_summed(s, made, tools) if isinstance(s, n.For) else (s,))
        return tuple(out)

    return visit(body)


def _makes(s: n.Stmt, name: str, tools: Summing) -> bool:
    return isinstance(s, n.Assign) and sole_target(s) == name and tools.zeros(s.value)


def _summed(loop: n.For, made: set[str], tools: Summing) -> tuple[n.Stmt, ...]:
    """Return an innermost loop with what stands in front of it and behind it."""
    inside = list(walk_stmts(loop.body))
    if loop.orelse or not all(isinstance(s, _PLAIN) for s in inside):
        return (loop,)
    changed = assigned((loop,))
    sums: dict[n.Subscript, str] = {}
    for s in inside:
        place = _place(s)
        if place is None or place in sums or not isinstance(place.value, n.Name):
            continue
        array = place.value.id
        if names(place.index) & changed or array not in made or not tools.item(place):
            continue
        if all(_only_adds(x, array) for x in inside) and not _seen(loop, array, tools):
            sums[place] = tools.fresh(f"{array.removesuffix('_bar')}_item_sum")
    if not sums:
        return (loop,)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        place = _place(s)
        if not isinstance(s, n.AugAssign) or place not in sums:
            return (s,)
        return (replace(s, target=n.Name(sums[place])),)

    before = [n.Assign((n.Name(x),), ZERO, of=loop.of, origin=loop.origin) for x in sums.values()]
    # what is said of the loop stands in front of all of it
    before[0] = replace(before[0], comments=replace(n.NO_COMMENTS, before=loop.comments.before))
    loop = replace(loop, comments=replace(loop.comments, before=()))
    after = [
        n.If(
            (
                n.Branch(
                    n.Compare(n.Name(x), ("!=",), (ZERO,)),
                    (n.AugAssign(place, "+", n.Name(x), of=loop.of, origin=loop.origin),),
                ),
            ),
            of=loop.of,
            origin=loop.origin,
        )
        for place, x in sums.items()
    ]
    return (*before, replace(loop, body=map_block(loop.body, visit)), *after)


def _place(s: n.Stmt) -> n.Subscript | None:
    """Return the item that a statement adds to."""
    if not isinstance(s, n.AugAssign) or s.op not in ("+", "-"):
        return None
    target = s.target
    plain = isinstance(target, n.Subscript) and all(
        isinstance(x, _INDEX) for x in subexprs(target.index)
    )
    return target if isinstance(target, n.Subscript) and plain else None


def _only_adds(s: n.Stmt, array: str) -> bool:
    """True for a statement that does nothing with an array but to add to an item of it."""
    if array not in said_by(s):
        return True
    place = _place(s)
    if not isinstance(s, n.AugAssign) or place is None or place.value != n.Name(array):
        return False
    return array not in names(place.index) | names(s.value)


def _seen(loop: n.For, array: str, tools: Summing) -> bool:
    """True when a loop may see an array by another name, or by a call."""
    others = mentioned((loop,)) - {array}
    return any(tools.shared(x) == tools.shared(array) for x in others)
