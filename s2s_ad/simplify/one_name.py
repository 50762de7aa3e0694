"""A differential that becomes the adjoint of a variable has its name from the start.

Takes statements of a reverse sweep, gives them without temporaries that end as a copy; what was
computed for the adjoint is then its own, to be added to in place. Requires `ir`.

    difference_bar = y_bar * x              x_bar = y_bar * x
    top_bar = -np.sum(difference_bar)   →   top_bar = -np.sum(x_bar)
    x_bar = difference_bar
"""

from __future__ import annotations

import itertools
from collections import Counter

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    map_stmt_exprs,
    substitute,
    walk_stmts,
)


def one_name(block: n.Block, temporaries: frozenset[str]) -> n.Block:
    """Return the statements with temporaries called what they become. They are assigned once."""
    every = Counter(x for s in walk_stmts(block) for x in said_by(s) & temporaries)
    return _block(block, every)


def _block(block: n.Block, every: Counter[str]) -> n.Block:
    out = [_inside(s, every) for s in block]
    k = 0
    while k < len(out):
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if isinstance(s, n.Assign) and isinstance(target, n.Name) and isinstance(s.value, n.Name):
            renamed = _renamed(out, k, s.value.id, target, every)
            if renamed is not None:
                out = renamed
                continue
        k += 1
    return tuple(out)


def _inside(s: n.Stmt, every: Counter[str]) -> n.Stmt:
    if isinstance(s, n.If):
        branches = tuple(replace(b, body=_block(b.body, every)) for b in s.branches)
        return replace(s, branches=branches, orelse=_block(s.orelse, every))
    if isinstance(s, (n.For, n.While, n.With)):
        return replace(s, body=_block(s.body, every))
    return s


def _renamed(
    out: list[n.Stmt], k: int, old: str, new: n.Name, every: Counter[str]
) -> list[n.Stmt] | None:
    """Return the statements without the copy `new = old` at k, None where the two are not one."""
    first = next((j for j in range(k - 1, -1, -1) if _makes(out[j], old)), k) if every[old] else k
    if first == k:
        return None
    mentions = (j for j in range(first, len(out)) if old in said_by(out[j]))
    places = list(itertools.islice(mentions, every[old]))
    last = places[-1]
    if len(places) != every[old] or any(_has_blocks(out[j]) for j in places):
        return None  # it is used elsewhere too
    if any(new.id in mentioned((s,)) or _leaves(s) for s in out[first + 1 : k]):
        return None
    if any(new.id in _changed(s) for s in out[k + 1 : last + 1]):
        return None
    name = {old: new}

    def put(s: n.Stmt) -> n.Stmt:
        return map_stmt_exprs(s, lambda e: substitute(e, name))

    renamed = [*out[:first], *map(put, out[first : last + 1]), *out[last + 1 :]]
    del renamed[k]
    return renamed


def _makes(s: n.Stmt, name: str) -> bool:
    return isinstance(s, n.Assign) and s.targets == (n.Name(name),)


def _changed(s: n.Stmt) -> frozenset[str] | set[str]:
    """Return what a statement may give another value, or change in place: all it mentions, but
    for what it only reads."""
    if isinstance(s, n.Assign) and all(isinstance(t, n.Name) for t in s.targets):
        return assigned((s,))
    if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
        return {s.target.id}
    return mentioned((s,))


def _leaves(s: n.Stmt) -> bool:
    """True when what follows a statement may not run, and the variable keep what it held."""
    return any(isinstance(x, (n.Break, n.Continue, n.Return, n.Raise)) for x in walk_stmts((s,)))


def _has_blocks(s: n.Stmt) -> bool:
    return bool(blocks(s))
