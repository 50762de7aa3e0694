"""Arrays of which a reverse sweep reads the shape alone: what is stored into them is not kept.

Takes both sweeps of a function, gives them with stand-ins for such reads, and the names these are
for; requires `ir`, `analysis.held`.

    A[1:-1] = B[:-2] + B[2:]        # backward, `unbroadcast(A_item_bar, B[:-2])` reads no item of B

An array that is bound once has one shape, whatever is stored into it. What it is indexed with is
read all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind
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

PATTERN = 1  # where the measuring helpers take what has the shape


def of_one_shape(function: n.Function, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """Return the variables that only ever hold arrays of one shape: they are bound once, outside of
    loops and branches. What is copied on entry is a parameter that is bound to itself."""
    arrays = {x for x, kind in kinds.items() if isinstance(kind, Array)}
    if not arrays:
        return frozenset()
    every = list(walk_stmts(function.body))
    bound = Counter(x for s in every if not _copies_itself(s) for x in bound_here(s))
    bound.update(p.name for p in function.params)
    inside = {x for s in function.body if not isinstance(s, n.Assign) for x in assigned((s,))}
    reshaped = {
        x
        for s in every
        if isinstance(s, (n.Assign, n.AugAssign))
        for t in (s.targets if isinstance(s, n.Assign) else (s.target,))
        if isinstance(t, n.Attribute)
        for x in names(t)
    }
    return frozenset(x for x in arrays if bound[x] == 1) - inside - reshaped


def _copies_itself(s: n.Stmt) -> bool:
    """True for `x = x.copy()`."""
    target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
    if not isinstance(target, n.Name) or not isinstance(s, n.Assign):
        return False
    return s.value == n.Call(n.Attribute(target, "copy"), ())


def hidden(
    backward: n.Block,
    fixed: AbstractSet[str],
    measuring: AbstractSet[n.Expr],
) -> tuple[n.Block, dict[str, n.Expr]]:
    """Return a reverse sweep in which other names stand for the arrays it only measures, and what
    they stand for. measuring: the functions that read no more than a shape."""
    stand_ins: dict[str, n.Expr] = {}

    def other(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Name) and e.id in fixed:
            name = f"form of {e.id}"  # no variable has such a name
            stand_ins[name] = e
            return n.Name(name)
        return replace(e, value=other(e.value)) if isinstance(e, n.Subscript) else e

    def visit(e: n.Expr) -> n.Expr:
        if not isinstance(e, n.Call) or e.func not in measuring or len(e.args) <= PATTERN:
            return e
        pattern = other(e.args[PATTERN])
        return replace(e, args=(*e.args[:PATTERN], pattern, *e.args[PATTERN + 1 :]))

    if not fixed:
        return backward, {}
    out = map_block(backward, lambda s: (map_parts(s, visit),))
    return out, stand_ins


def shown(block: n.Block, stand_ins: Mapping[str, n.Expr]) -> n.Block:
    """Return a block with the arrays themselves again."""
    if not stand_ins:
        return block
    return map_block(block, lambda s: (map_stmt_exprs(s, lambda e: substitute(e, stand_ins)),))
