"""Parts of arrays that are only read while the array holds still, without copies of their own.

Takes the body of a generated function, gives it with such parts as the user wrote them, and as an
expert reads adjoints; requires `analysis`.

    inner = u[1:-1].copy()                  inner = u[1:-1]
    v[1:-1] = inner + u[2:]                 v[1:-1] = inner + u[2:]
    u[1:-1] = v[1:-1]               →       u[1:-1] = v[1:-1]
    u_item_bar = np.array(u_bar[i])         u_item_bar = u_bar[i]
    u_bar[i] = a.T @ u_item_bar             u_bar[i] = a.T @ u_item_bar

The copies are made so that each pass may take a variable for an array of its own. In the end those
can go that nobody asks for once the array changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.liveness import live_after
from s2s_ad.analysis.ownership import gives_away
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, said_by, sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, map_block, walk_stmts
from s2s_ad.simplify.in_place import InPlace


def parts_read(
    body: n.Block,
    copied: AbstractSet[int],
    array: n.Expr,
    tools: InPlace,
    alone: Mapping[int, AbstractSet[str]],
) -> n.Block:
    """Return the body without copies that nobody needs. copied: the statements that may be such.

    array: `np.array`, which copies. alone: the variables whose arrays no other name sees, before a
    statement.
    """
    made = [(s, x, e) for s in walk_stmts(body) if s.uid in copied for x, e in _copy(s, array)]
    if not made:
        return body
    own = {s.uid for s, _, _ in made}
    every = [s for s in walk_stmts(body) if not any(blocks(s))]
    later = live_after(body)
    seen: dict[str, set[str]] = {}
    plain: dict[int, n.Expr] = {}

    def gives(s: n.Stmt, name: str) -> bool:
        return gives_away(s, name, tools.newness, lambda e, _: tools.kind(e))

    def kept(name: str) -> bool:
        """True when what a variable holds may be known by another name, or changes by its own."""
        for s in walk_stmts(body):
            if name not in said_by(s) or s.uid in own:
                continue
            if any(blocks(s)):
                if not isinstance(s, (n.If, n.While)):
                    return True  # what is gone through, or entered, is seen by another name
            elif name in changed_by(s) - {sole_target(s)} or gives(s, name):
                return True
        return False

    def handed_on(roots: set[str], name: str, own: n.Stmt) -> bool:
        """True when an array gets another name, by which it may change, while a part is read."""
        for s in walk_stmts(body):
            if s.uid == own.uid or roots.isdisjoint(said_by(s)):
                continue
            if any(blocks(s)):
                if isinstance(s, (n.For, n.With)):
                    return True
            elif name in later[s.uid] and any(gives(s, root) for root in roots & said_by(s)):
                return True
        return False

    for s, name, e in made:
        root = store_root(e)
        if root is None or root not in alone.get(s.uid, ()) or kept(name):
            continue
        roots = {root, *seen.get(root, ())}
        changing = [x for x in every if roots & changed_by(x)]
        if not handed_on(roots, name, s) and not any(
            name in later[x.uid] or (name in said_by(x) and not _reads_first(x)) for x in changing
        ):
            plain[s.uid] = e
            seen.setdefault(name, set()).update(roots)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        return (replace(s, value=plain[s.uid]) if s.uid in plain else s,)

    return map_block(body, visit) if plain else body


def _copy(s: n.Stmt, array: n.Expr) -> list[tuple[str, n.Expr]]:
    """Return what a statement `x = e.copy()` or `x = np.array(e)` binds and copies."""
    name = sole_target(s)
    if name is None or not isinstance(s, n.Assign) or not isinstance(s.value, n.Call):
        return []
    func, args = s.value.func, s.value.args
    if func == array and len(args) == 1 and not s.value.keywords:
        return [(name, args[0])]
    if isinstance(func, n.Attribute) and func.attr == "copy" and not args:
        return [(name, func.value)]
    return []


def _reads_first(s: n.Stmt) -> bool:
    """True for a store of a new value: all it reads is read before it stores."""
    return isinstance(s, (n.Assign, n.AugAssign)) and isinstance(s.value, (n.Binary, n.Unary))
