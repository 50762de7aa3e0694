"""Small turns of phrase in the reverse sweep: `elif`, no transpose of a transpose, `x**k`.

Takes a block, gives it with the same meaning. Requires `ir`.

    if a:                           if a:
        x_bar = 0.0                     x_bar = 0.0
    else:                           elif b:
        if b:               →           x_bar = A @ y_bar
            x_bar = A.T.T @ y_bar
    k_bar = x ** (k + 1 - 1)        k_bar = x**k
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import TypeGuard

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, map_block, map_parts, names, walk_stmts


def tidied(block: n.Block, back: frozenset[int]) -> n.Block:
    """Return the block with the statements in `back` put as they would be by hand."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in back:
            return (s,)
        if isinstance(s, n.Assign) and isinstance(s.value, n.Name) and s.targets == (s.value,):
            return ()
        s = map_parts(s, _by_hand)
        inner = s.orelse[0] if isinstance(s, n.If) and len(s.orelse) == 1 else None
        if not isinstance(s, n.If) or not isinstance(inner, n.If) or inner.uid not in back:
            return (s,)
        if inner.comments != n.NO_COMMENTS or s.comments.orelse:
            return (s,)
        return (replace(s, branches=(*s.branches, *inner.branches), orelse=inner.orelse),)

    return map_block(block, visit)


def over_items(block: n.Block, back: frozenset[int], sequences: AbstractSet[str]) -> n.Block:
    """Let loops that only read the items of a sequence, last to first, run over it.

    sequences: variables that hold lists, tuples and arrays.

        for i in reversed(range(len(xs))):        for x in reversed(xs):
            x = xs[i]                      →          x_bar = ...
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        item = s.body[0] if isinstance(s, n.For) and s.body and s.uid in back else None
        if not isinstance(s, n.For) or not isinstance(item, n.Assign) or len(item.targets) > 1:
            return (s,)
        index, value, target = s.target, item.value, item.targets[0]
        if not isinstance(index, n.Name) or not isinstance(value, n.Subscript):
            return (s,)
        owner = value.value
        rest = s.body[1:]
        if not isinstance(owner, n.Name) or owner.id not in sequences or value.index != index:
            return (s,)
        read = mentioned(rest)
        bound = assigned(rest) | {x.stack for x in walk_stmts(rest) if isinstance(x, n.Append)}
        if {index.id, owner.id} & (read | bound | names(target)) or not rest:
            return (s,)
        whole = n.Call(n.Name("range"), (n.Call(n.Name("len"), (owner,)),))
        if s.iter != n.Call(n.Name("reversed"), (whole,)):
            return (s,)
        back_to_front = n.Call(n.Name("reversed"), (owner,))
        return (replace(s, target=target, iter=back_to_front, body=rest),)

    return map_block(block, visit)


def _by_hand(e: n.Expr) -> n.Expr:
    if isinstance(e, n.Attribute) and isinstance(e.value, n.Attribute):
        return e.value.value if e.attr == e.value.attr == "T" else e
    if isinstance(e, n.Binary) and e.op == "**":
        right = _counted_together(e.right)
        return e if right is e.right else replace(e, right=right)
    return e


def _counted_together(e: n.Expr) -> n.Expr:
    """Return `k + 2 - 1` as `k + 1`: exponents one below that of the primal."""
    rest, second = _without_count(e)
    rest, first = _without_count(rest)
    total = first + second
    if not first or not second:
        return e
    if not total:
        return rest
    return n.Binary("+" if total > 0 else "-", rest, n.Const(str(abs(total)), abs(total)))


def _without_count(e: n.Expr) -> tuple[n.Expr, int]:
    """Return k and 2 of `k + 2`, k and -2 of `k - 2`, otherwise e and 0."""
    count = e.right.value if isinstance(e, n.Binary) and isinstance(e.right, n.Const) else None
    if not isinstance(e, n.Binary) or e.op not in ("+", "-") or type(count) is not int:
        return e, 0
    return e.left, count if e.op == "+" else -count


def with_plain_counts(local: frozenset[str]) -> Callable[[n.Stmt], tuple[n.Stmt, ...]]:
    """Return a pass that writes loops that only count as `for _ in range(n)`.

    local: the variables of the user; a count of ours, `range(50)[:steps]`, is never too large.
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.For) or not isinstance(s.target, n.Name):
            return (s,)
        counted = s.iter.args[0] if _is_call(s.iter, "reversed") else None
        name = s.target.id
        if counted is None or name in mentioned(s.body):
            return (s,)
        if _is_call(counted, "range") and counted.args == (s.target,):
            return (replace(s, target=n.Name("_"), iter=counted),)
        if not isinstance(counted, n.Subscript) or not isinstance(counted.index, n.Slice):
            return (s,)
        count = counted.index.upper
        ours = isinstance(count, n.Name) and count.id not in local
        if count is None or not ours or counted.index != n.Slice(None, count, None):
            return (s,)
        if not _is_call(counted.value, "range"):
            return (s,)
        return (replace(s, target=n.Name("_"), iter=replace(counted.value, args=(count,))),)

    return visit


def _is_call(e: n.Expr, name: str) -> TypeGuard[n.Call]:
    return isinstance(e, n.Call) and e.func == n.Name(name) and not e.keywords and bool(e.args)
