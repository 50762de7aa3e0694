"""The adjoint of a copy is handed on whole, not item by item as its items are overwritten.

Takes the body of a generated function, gives it so; requires `ir`.

    v_bar = u_bar                           v_bar = u_bar
    u_bar = np.zeros_like(u0)               u_bar = v_bar.copy()
    for i in range(1, n - 1):               for i in range(1, n - 1):
        v_item_bar = v_bar[i]                   v_item_bar = v_bar[i]
        v_bar[i] = 0.0                          v_bar[i] = 0.0
        u_bar[i] += v_item_bar + w     →        u_bar[i] += w
    u_bar += v_bar

What is taken out of one array is added to the same item of the other, and the rest of it at the
end: that is all of what it was at the start. The arrays have one shape, and nothing else is done
with either in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by, sole_target, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, assigned, blocks, map_block, names, subexprs, walk_stmts

ONE = n.Const("1.0", 1.0)
_PLAIN = (n.Assign, n.AugAssign, n.If, n.For, n.While, n.Pass, n.Pop)
_INDEX = (n.Name, n.Const, n.Unary, n.Binary, n.TupleExpr)
Changes = dict[int, tuple[n.Stmt, ...]]


@dataclass(frozen=True)
class Handing:
    """zeros: whether an expression makes zeros like an array. same: whether two variables are
    arrays of one shape, and none of the user's. shared: a name for all variables that may hold one
    array."""

    zeros: Callable[[n.Expr], bool]
    same: Callable[[str, str], bool]
    shared: Callable[[str], str]


def handed_on(block: n.Block, tools: Handing) -> n.Block:
    """Return the block with such adjoints handed on."""
    out = tuple(with_blocks(s, lambda inner: handed_on(inner, tools)) for s in block)
    for k in range(len(out) - 1, 1, -1):
        s = out[k]
        if not isinstance(s, n.AugAssign) or s.op != "+" or not isinstance(s.value, n.Name):
            continue
        if isinstance(s.target, n.Name):
            out = _handed(out, k, s.target, s.value, tools) or out
    return out


def _handed(
    block: n.Block, end: int, into: n.Name, given: n.Name, tools: Handing
) -> n.Block | None:
    """Return the block without the statement at `end`, which adds all that is left."""
    start = next((k for k in range(end - 1, 0, -1) if into.id in assigned((block[k],))), 0)
    while start and blocks(block[start]):
        start = next((k for k in range(start - 1, 0, -1) if into.id in assigned((block[k],))), 0)
    made, moved = block[start], block[start - 1] if start else None
    if not isinstance(made, n.Assign) or sole_target(made) != into.id or moved is None:
        return None
    if not isinstance(moved, n.Assign) or sole_target(moved) != given.id:
        return None
    if moved.value != into or not tools.zeros(made.value) or not tools.same(into.id, given.id):
        return None
    between = block[start + 1 : end]
    changes = _changes(between, into, given)
    items = {sole_target(s) for s in walk_stmts(between) if given.id in said_by(s)}
    items -= {x for s in walk_stmts(between) if given.id not in said_by(s) for x in _bound(s)}
    others = mentioned(between) - items - {given.id}
    if any(tools.shared(x) == tools.shared(given.id) for x in others):
        return None
    if not changes or not all(_is_known(s, into, given) for s in walk_stmts(between)):
        return None
    pairs = sum(given.id in said_by(s) for s in walk_stmts(between))
    if pairs != 2 * len(changes):
        return None
    copied = n.Call(n.Attribute(given, "copy"), ())
    rest = map_block(between, lambda s: changes.get(s.uid, (s,)))
    # what says which line hands the rest on
    before = (*made.comments.before, *block[end].comments.before)
    made = replace(made, value=copied, comments=replace(made.comments, before=before))
    return (*block[:start], made, *rest, *block[end + 1 :])


def _bound(s: n.Stmt) -> set[str]:
    """Return what a statement itself gives another value, or changes in place."""
    return assigned((s,)) if not any(blocks(s)) else set()


def _is_known(s: n.Stmt, into: n.Name, given: n.Name) -> bool:
    """True for a statement that does no more to the two arrays than to take from the one and to
    add to items of the other."""
    if not isinstance(s, _PLAIN) or (isinstance(s, (n.For, n.While)) and s.orelse):
        return False
    if into.id not in said_by(s):
        return True
    adds = isinstance(s, n.AugAssign) and s.op in ("+", "-")
    return adds and list(all_parts(s)).count(into) == 1 and _item_of(s, into) is not None


def _item_of(s: n.Stmt, array: n.Name) -> n.Expr | None:
    """Return the index of the item that a statement stores into, or adds to."""
    target = s.target if isinstance(s, n.AugAssign) else None
    if isinstance(s, n.Assign) and len(s.targets) == 1:
        target = s.targets[0]
    if not isinstance(target, n.Subscript) or target.value != array:
        return None
    return target.index if all(isinstance(x, _INDEX) for x in subexprs(target.index)) else None


def _changes(block: n.Block, into: n.Name, given: n.Name) -> Changes:
    """Return what stands for the statements that add what the one array has given to the other."""
    found: Changes = {}
    for k, s in enumerate(block):
        for inner in blocks(s):
            found |= _changes(inner, into, given)
        taken = sole_target(s)
        value = s.value if isinstance(s, n.Assign) else None
        clear = block[k + 1] if k + 1 < len(block) else None
        if taken is None or not isinstance(value, n.Subscript) or value.value != given:
            continue
        cleared = isinstance(clear, n.Assign) and clear.value == ZERO
        if clear is None or not cleared or _item_of(clear, given) != value.index:
            continue
        fixed = names(value.index) | {taken}
        for x in block[k + 2 :]:
            if isinstance(x, n.AugAssign) and x.op == "+" and _item_of(x, into) == value.index:
                less = _without(x.value, n.Name(taken))
                if less is not None and (less or not x.comments.before):
                    found[x.uid] = tuple(replace(x, value=e) for e in less)
                    break
            if fixed & assigned((x,)):
                break
    return found


def _without(e: n.Expr, term: n.Expr) -> tuple[n.Expr, ...] | None:
    """Return a sum without one of its terms, () if that was all, None where it has no such term.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> [expr_text(x) for x in _without(parse_expr("g * (1.0 - w) + b"), n.Name("g")) or ()]
    ['g * -w + b']
    """
    if e == term:
        return ()
    if not isinstance(e, n.Binary):
        return None
    if e.op == "*" and term != ONE and term in (e.left, e.right):
        other = _without(e.right if e.left == term else e.left, ONE)
        return None if other is None else tuple(n.Binary("*", term, x) for x in other)
    if e.op not in ("+", "-"):
        return None
    if (left := _without(e.left, term)) is not None:
        if left:
            return (replace(e, left=left[0]),)
        return (e.right if e.op == "+" else n.Unary("-", e.right),)
    right = _without(e.right, term) if e.op == "+" else None
    if right is None:
        return None
    return (replace(e, right=right[0]),) if right else (e.left,)
