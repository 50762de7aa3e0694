"""A buffer that gets a second name is handed over where the first one is not read again.

Takes a block and a place in it, gives whether a copy `z_bar = c_bar` there leaves the buffer to
`z_bar` alone; requires `ir`.

    z_bar = c_bar                       z_bar = c_bar
    mean_bar = -np.sum(c_bar)      →    mean_bar = -np.sum(c_bar)
    z_bar = z_bar + d                   z_bar += d
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, blocks, names, stmt_exprs, target_names, walk_stmts


def is_handed_over(block: Sequence[n.Stmt], k: int, forgotten: Callable[[str], bool]) -> bool:
    """True when statement `k`, a copy of one variable to another, hands the buffer over.

    The first is not read once the second may have changed it, until it is bound anew; before that
    it is read by arithmetic alone, which gives it no further name. forgotten: whether nothing
    reads a variable once the block is over.
    """
    s = block[k]
    assert isinstance(s, n.Assign) and isinstance(s.value, n.Name)
    (target,) = s.targets
    assert isinstance(target, n.Name)
    old, new, changed = s.value.id, target.id, False
    for t in block[k + 1 :]:
        if list(blocks(t)) or isinstance(t, (n.With, n.Try, n.FunctionDef)):
            if old in _mentioned(t):
                return False
            changed = changed or new in _mentioned(t)
            continue
        read = old in _read(t)
        if read and (changed or not _is_arithmetic(t, old) or new in assigned((t,))):
            return False
        if isinstance(t, n.Assign) and any(old in target_names(x) for x in t.targets):
            return True
        if old in _mentioned(t) and not read:
            return False
        changed = changed or new in _targets(t)
    return forgotten(old)


def _read(t: n.Stmt) -> set[str]:
    if not isinstance(t, (n.Assign, n.AugAssign)):
        return {x for e in stmt_exprs(t) for x in names(e)}
    targets = t.targets if isinstance(t, n.Assign) else (t.target,)
    places: list[n.Expr] = [x for x in targets if not isinstance(x, (n.Name, n.TupleExpr))]
    if isinstance(t, n.AugAssign):
        places.append(t.target)
    return {x for e in (t.value, *places) for x in names(e)}


def _is_arithmetic(t: n.Stmt, old: str) -> bool:
    """True for a statement that gives another variable, or adds to one, what is computed anew."""
    if isinstance(t, n.AugAssign):
        return isinstance(t.target, n.Name) and t.target.id != old
    whole = isinstance(t, n.Assign) and all(isinstance(x, n.Name) for x in t.targets)
    return whole and isinstance(t, n.Assign) and isinstance(t.value, (n.Binary, n.Unary))


def _targets(t: n.Stmt) -> set[str]:
    """Return the variables that a statement binds, stores into, or hands to a call for effect."""
    if isinstance(t, n.Assign):
        return {x for e in t.targets for x in names(e)}
    return set(names(t.target)) if isinstance(t, n.AugAssign) else _mentioned(t)


def _mentioned(t: n.Stmt) -> set[str]:
    return {x for y in walk_stmts((t,)) for e in stmt_exprs(y) for x in names(e)}
