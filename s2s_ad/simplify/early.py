"""A variable gets its value where that is first computed, not a copy of it later.

Takes a block, gives it without copies of the values that were given names. Requires `ir`.

    cos = math.cos(t)               c = math.cos(t)
    s_dot = cos * t_dot     →       s_dot = c * t_dot
    s = math.sin(t)                 s = math.sin(t)
    c = cos
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import read_by, renamed, sole_target, with_blocks
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    walk_stmts,
)

LEAVING = (n.Break, n.Continue, n.Return, n.Raise, n.Try, n.With)


def early(body: n.Block, ours: Callable[[str], bool]) -> n.Block:
    """Return the body without copies. ours: whether a name was made for the value of a part."""
    reads: dict[str, int] = {}
    for s in walk_stmts(body):
        for name in read_by(s):
            reads[name] = reads.get(name, 0) + 1

    def within(block: n.Block) -> n.Block:
        out = [with_blocks(s, within) for s in block]
        copied = {
            s.value.id for s in out if isinstance(s, n.Assign) and isinstance(s.value, n.Name)
        }
        k = 0
        while k < len(out):
            new = _first(out, k, ours, reads) if sole_target(out[k]) in copied else None
            k, out = (k + 1, out) if new is None else (k, new)
        return tuple(out)

    return within(body)


def _first(
    out: list[n.Stmt], k: int, ours: Callable[[str], bool], reads: dict[str, int]
) -> list[n.Stmt] | None:
    """Return the block with the value of statement k given to the variable that gets a copy."""
    s = out[k]
    t = sole_target(s)
    if t is None or not ours(t):
        return None
    assert isinstance(s, n.Assign)
    between: list[n.Stmt] = []
    for j in range(k + 1, len(out)):
        copy = out[j]
        x = sole_target(copy)
        if x is not None and isinstance(copy, n.Assign) and copy.value == n.Name(t):
            if ours(x):
                return None  # the name that was there first stays
            break
        if any(isinstance(y, LEAVING) for y in walk_stmts((copy,))) or t in assigned((copy,)):
            return None
        between.append(copy)
    else:
        return None
    after = out[j + 1 :]
    mine = [name for y in walk_stmts((*between, copy, *after)) for name in read_by(y) if name == t]
    used = {name for y in walk_stmts(tuple(between)) for name in read_by(y)}
    commented = copy.comments != n.NO_COMMENTS
    if commented or x in used | assigned(tuple(between)) or len(mine) != reads.get(t, 0):
        return None
    last = max((i for i, y in enumerate(after) if t in _all_read(y)), default=-1)
    if {t, x} & assigned(tuple(after[: last + 1])):
        return None

    first = replace(copy, value=s.value, comments=s.comments)
    new = renamed((*between, *after), {t: n.Name(x)})
    # the list that a statement appends to keeps its name
    return None if any(t in read_by(y) for y in walk_stmts(new)) else [*out[:k], first, *new]


def _all_read(s: n.Stmt) -> set[str]:
    return {name for x in walk_stmts((s,)) for name in read_by(x)}
