"""Arrays of which a reverse sweep reads the shape alone: what is stored into them is not kept.

Takes both sweeps of a function, gives them with stand-ins for such reads, and the names these are
for; requires `ir`, `analysis.held`.

    A[1:-1] = B[:-2] + B[2:]        # backward, `unbroadcast(A_item_bar, B[:-2])` reads no item of B
    for j in range(len(A[i])):      # nor does this of A

An array that is bound once, or to what is as long each time, has one shape, whatever is stored into
it, and so have its parts, if it holds numbers. What it is indexed with is read all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Dim, Kind
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    bound_here,
    map_block,
    map_parts,
    map_stmt_exprs,
    names,
    substitute,
    walk_stmts,
)
from s2s_ad.transform.stand_ins import MEASURES

NUMBERS = ("float", "int", "bool")


def of_one_shape(function: n.Function, kinds: Mapping[str, Kind], facts: Facts) -> frozenset[str]:
    """Return the variables that only ever hold arrays of one shape: they are bound outside of loops
    and branches, once or to what is as long each time. What is copied on entry is a parameter that
    is bound to itself."""
    arrays = {x for x, kind in kinds.items() if isinstance(kind, Array)}
    if not arrays:
        return frozenset()
    every = list(walk_stmts(function.body))
    bound = Counter(x for s in every if not _copies_itself(s) for x in bound_here(s))
    bound.update(p.name for p in function.params)
    plain = (n.Assign, n.AugAssign)
    inside = {x for s in function.body if not isinstance(s, plain) for x in assigned((s,))}
    reshaped = {
        x
        for s in every
        if isinstance(s, (n.Assign, n.AugAssign))
        for t in (s.targets if isinstance(s, n.Assign) else (s.target,))
        if isinstance(t, n.Attribute)
        for x in names(t)
    }
    left = arrays - inside - reshaped
    several = {x for x in left if bound[x] > 1}
    seen: dict[str, set[tuple[Dim, ...] | None]] = {x: set() for x in several}
    for env in (facts.entry, *facts.before.values(), *facts.after.values()) if several else ():
        for x in several & env.keys():
            kind = env[x].kind
            seen[x].add(kind.dims if isinstance(kind, Array) else None)
    return frozenset(left - {x for x in several if len(seen[x]) != 1 or None in seen[x]})


def _copies_itself(s: n.Stmt) -> bool:
    """True for `x = x.copy()`."""
    target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
    if not isinstance(target, n.Name) or not isinstance(s, n.Assign):
        return False
    return s.value == n.Call(n.Attribute(target, "copy"), ())


def hidden(
    sweep: n.Block,
    fixed: AbstractSet[str],
    measuring: Mapping[n.Expr, int],
    kinds: Mapping[str, Kind],
    only: AbstractSet[int] | None = None,
) -> tuple[n.Block, dict[str, n.Expr]]:
    """Return a sweep in which other names stand for the arrays it only measures, and what they
    stand for.

    measuring: for functions that read no more than the shape of an argument, which one that is.
    only: uids of the statements that are looked at, None for all.
    """
    stand_ins: dict[str, n.Expr] = {}

    def other(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Name) and e.id in fixed:
            name = f"form of {e.id}"  # no variable has such a name
            stand_ins[name] = e
            return n.Name(name)
        return replace(e, value=other(e.value)) if isinstance(e, n.Subscript) else e

    def of_numbers(e: n.Expr) -> bool:
        while isinstance(e, n.Subscript):
            e = e.value
        kind = kinds.get(e.id) if isinstance(e, n.Name) else None
        return isinstance(kind, Array) and kind.dtype in NUMBERS

    def visit(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Attribute):
            measured = e.attr in MEASURES and of_numbers(e.value)
            return replace(e, value=other(e.value)) if measured else e
        place = measuring.get(e.func) if isinstance(e, n.Call) else None
        if not isinstance(e, n.Call) or place is None or len(e.args) <= place:
            return e
        if place == 0 and not of_numbers(e.args[0]):
            return e  # an item of an array of lists is no part of it
        pattern = other(e.args[place])
        return replace(e, args=(*e.args[:place], pattern, *e.args[place + 1 :]))

    def put(s: n.Stmt) -> tuple[n.Stmt, ...]:
        return (map_parts(s, visit) if only is None or s.uid in only else s,)

    if not fixed or only == set():
        return sweep, {}
    return map_block(sweep, put), stand_ins


def shown(block: n.Block, stand_ins: Mapping[str, n.Expr]) -> n.Block:
    """Return a block with the arrays themselves again."""
    if not stand_ins:
        return block
    return map_block(block, lambda s: (map_stmt_exprs(s, lambda e: substitute(e, stand_ins)),))
