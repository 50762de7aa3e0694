"""Small turns of phrase in the reverse sweep: `elif`, no transpose of a transpose.

Takes a block, gives it with the same meaning. Requires `ir`.

    if a:                           if a:
        x_bar = 0.0                     x_bar = 0.0
    else:                           elif b:
        if b:               →           x_bar = A @ y_bar
            x_bar = A.T.T @ y_bar
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
        s = map_stmt_exprs(s, lambda e: map_expr(e, _untwisted))
        inner = s.orelse[0] if isinstance(s, n.If) and len(s.orelse) == 1 else None
        if not isinstance(s, n.If) or not isinstance(inner, n.If) or inner.uid not in back:
            return (s,)
        if inner.comments != n.NO_COMMENTS or s.comments.orelse:
            return (s,)
        return (replace(s, branches=(*s.branches, *inner.branches), orelse=inner.orelse),)

    return map_block(block, visit)


def _untwisted(e: n.Expr) -> n.Expr:
    twice = isinstance(e, n.Attribute) and e.attr == "T" and isinstance(e.value, n.Attribute)
    if twice and isinstance(e, n.Attribute) and isinstance(e.value, n.Attribute):
        return e.value.value if e.value.attr == "T" else e
    return e
