"""Containers that vary only later on, and the places that their tangents must have by then.

Takes a statement with the facts around it, gives the variables whose tangents have to be made
again behind it; requires `ir`, `analysis`.

    prop = {}                       prop_dot = {}
    fill(prop, c)           →       prop_dot = zeros_like(prop)
    prop["d"] = x                   prop_dot["d"] = x_dot
"""

from __future__ import annotations

from collections.abc import Set

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, is_immutable
from s2s_ad.ir.walk import assigned
from s2s_ad.transform.context import Context


def may_grow(kind: Kind) -> bool:
    """True for what may be a container whose places come and go; those of an array do not."""
    return not isinstance(kind, Array) and not is_immutable(kind)


def grown(context: Context, s: n.Stmt, dotted: Set[str]) -> list[str]:
    """Return the variables with a tangent that do not vary yet and that a statement may change,
    but for those that it stores into or appends to by name, as it does to their tangents."""
    simple = (n.Assign, n.AugAssign, n.ExprStmt, n.Append, n.Pop, n.Delete, n.Return)
    env = context.facts.after.get(s.uid, {})
    if not isinstance(s, simple) or s.uid not in context.facts.before:
        return []
    waiting = {x for x in dotted if x in env and not env[x].varied and may_grow(env[x].kind)}
    waiting -= assigned((s,))
    if isinstance(s, (n.Append, n.Pop)):
        waiting.discard(s.stack)
    elif isinstance(s, (n.Assign, n.AugAssign)):
        targets = s.targets if isinstance(s, n.Assign) else (s.target,)
        waiting -= {store_root(t) or "" for t in targets}
    return sorted(waiting & context.changed(s)) if waiting else []
