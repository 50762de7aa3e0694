"""What a loop adds to one item of an adjoint is added up in a variable: for compiled code.

Takes the body of a generated function, gives it so; requires `ir`.

    for j in range(i + 1, n):                x_item_sum = 0.0
        ...                                  for j in range(i + 1, n):
        x_bar[i] += dx_bar            →          ...
        x_bar[j] -= dx_bar                       x_item_sum += dx_bar
                                                 x_bar[j] -= dx_bar
                                             if x_item_sum != 0.0:
                                                 x_bar[i] += x_item_sum

What all that is added is divided by, and the loop does not change, divides the sum. For the sake of
such a divisor alone, what a loop adds to an adjoint of a number is added up so too.

A compiler may not do that: for all it knows the other item is the same one. It may be: sums come in
any order, and the loop does nothing else with the adjoint. A loop without steps touches no item.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by, sole_target, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, bound_here, map_block, names, subexprs, walk_stmts
from s2s_ad.simplify.algebra import sum_of, terms
from s2s_ad.simplify.cancel import without

_PLAIN = (n.Assign, n.AugAssign, n.If, n.Pass, n.Break, n.Continue, n.Pop)
_INDEX = (n.Name, n.Const, n.Unary, n.Binary, n.TupleExpr)


@dataclass(frozen=True)
class Summing:
    """item: whether an item of an array is a float, and the array none of the user's. adjoint:
    whether a variable is a float, and none of the user's. zeros: whether an expression makes new
    zeros. number: whether a variable is a number. shared: a name for all variables that may hold
    one array. fresh: a new name."""

    item: Callable[[n.Subscript], bool]
    adjoint: Callable[[str], bool]
    zeros: Callable[[n.Expr], bool]
    number: Callable[[str], bool]
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
    sums: dict[n.Expr, str] = {}
    over: dict[n.Expr, tuple[n.Expr, ...]] = {}
    for s in inside:
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name) and s.target not in sums:
            name = s.target.id
            alone = tools.adjoint(name) and all(_only_adds_number(x, name) for x in inside)
            if alone and (divisors := _divisors(inside, s.target, changed, tools)):
                over[s.target] = divisors
                sums[s.target] = tools.fresh(f"{name.removesuffix('_bar')}_sum")
        place = _place(s)
        if place is None or place in sums or not isinstance(place.value, n.Name):
            continue
        array = place.value.id
        if names(place.index) & changed or array not in made or not tools.item(place):
            continue
        if all(_only_adds(x, array) for x in inside) and not _seen(loop, array, tools):
            over[place] = _divisors(inside, place, changed, tools)
            sums[place] = tools.fresh(f"{array.removesuffix('_bar')}_item_sum")
    if not sums:
        return (loop,)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.AugAssign) or s.target not in sums:
            return (s,)
        value = _without(s.value, over[s.target]) if over[s.target] else s.value
        return (replace(s, target=n.Name(sums[s.target]), value=value),)

    before = [n.Assign((n.Name(x),), ZERO, of=loop.of, origin=loop.origin) for x in sums.values()]
    # what is said of the loop stands in front of all of it
    before[0] = replace(before[0], comments=replace(n.NO_COMMENTS, before=loop.comments.before))
    loop = replace(loop, comments=replace(loop.comments, before=()))
    after = [
        n.If(
            (
                n.Branch(
                    n.Compare(n.Name(x), ("!=",), (ZERO,)),
                    (_added(place, x, over[place], loop),),
                ),
            ),
            of=loop.of,
            origin=loop.origin,
        )
        for place, x in sums.items()
    ]
    return (*before, replace(loop, body=map_block(loop.body, visit)), *after)


def _divisors(
    inside: list[n.Stmt], target: n.Expr, changed: set[str], tools: Summing
) -> tuple[n.Expr, ...]:
    """Return the variables by which all that is added to something is divided."""
    every = [
        Counter(e for op, e in t.factors if op == "/" and isinstance(e, n.Name))
        for s in inside
        if isinstance(s, n.AugAssign) and s.target == target
        for t in terms(s.value)
    ]
    common = functools.reduce(lambda a, b: a & b, every)
    return tuple(
        e
        for e in common.elements()
        if isinstance(e, n.Name) and e.id not in changed and tools.number(e.id)
    )


def _without(e: n.Expr, divisors: tuple[n.Expr, ...]) -> n.Expr:
    gone = Counter(("/", x) for x in divisors)
    return sum_of([replace(t, factors=without(t.factors, gone)) for t in terms(e)])


def _added(place: n.Expr, name: str, divisors: tuple[n.Expr, ...], loop: n.For) -> n.Stmt:
    """Return what adds a sum, divided, to what it is of."""
    value: n.Expr = n.Name(name)
    for x in divisors:
        value = n.Binary("/", value, x)
    return n.AugAssign(place, "+", value, of=loop.of, origin=loop.origin)


def _only_adds_number(s: n.Stmt, name: str) -> bool:
    """True for a statement that does nothing with a number but to add to it."""
    if name not in said_by(s):
        return True
    adds = isinstance(s, n.AugAssign) and s.op in "+-" and s.target == n.Name(name)
    return adds and isinstance(s, n.AugAssign) and name not in names(s.value)


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
