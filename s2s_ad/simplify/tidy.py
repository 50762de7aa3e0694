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

from dataclasses import replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import map_block, map_expr, map_stmt_exprs


def tidied(block: n.Block, back: frozenset[int]) -> n.Block:
    """Return the block with the statements in `back` put as they would be by hand."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in back:
            return (s,)
        s = map_stmt_exprs(s, lambda e: map_expr(e, _by_hand))
        inner = s.orelse[0] if isinstance(s, n.If) and len(s.orelse) == 1 else None
        if not isinstance(s, n.If) or not isinstance(inner, n.If) or inner.uid not in back:
            return (s,)
        if inner.comments != n.NO_COMMENTS or s.comments.orelse:
            return (s,)
        return (replace(s, branches=(*s.branches, *inner.branches), orelse=inner.orelse),)

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
