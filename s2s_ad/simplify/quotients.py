"""A quotient that a variable of the reverse sweep holds is not divided again.

Takes a block, gives it with quotients read from the variables that have them. Requires `ir`.

    a_bar = d / b                           a_bar = d / b
    b_bar = -d * q / b          →           b_bar = -a_bar * q
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, blocks, names, stmt_exprs, walk_stmts
from s2s_ad.simplify.algebra import Term, simplify_sum, term, terms, total

Pure = Callable[[n.Expr], bool]


def reuse_quotients(block: n.Block, back: frozenset[int], pure: Pure) -> n.Block:
    """Return the block in which statements of the reverse sweep read the quotients there are."""
    held: dict[str, Term] = {}
    out: list[n.Stmt] = []
    for s in block:
        inner = s
        if isinstance(s, n.If):
            branches = tuple(
                replace(b, body=reuse_quotients(b.body, back, pure)) for b in s.branches
            )
            inner = replace(s, branches=branches, orelse=reuse_quotients(s.orelse, back, pure))
        elif isinstance(s, (n.For, n.While)):
            inner = replace(s, body=reuse_quotients(s.body, back, pure))
        elif s.uid in back and isinstance(s, (n.Assign, n.AugAssign)):
            inner = replace(s, value=_reusing(s.value, held))
        out.append(inner)
        killed = assigned((s,))
        for x in walk_stmts((s,)):
            targets = x.targets if isinstance(x, n.Assign) else ()
            targets = (x.target,) if isinstance(x, n.AugAssign) else targets
            killed |= {y for t in targets for y in names(t)}
            if list(blocks(x)) or not all(pure(e) for e in stmt_exprs(x)):
                held.clear()
        held = {v: t for v, t in held.items() if v not in killed and not _names(t) & killed}
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if s.uid in back and isinstance(s, n.Assign) and isinstance(target, n.Name):
            made = term(s.value)
            divided = any(op == "/" for op, _ in made.factors) and len(made.factors) > 1
            if divided and abs(made.coefficient) == 1 and target.id not in _names(made):
                held[target.id] = made
    return tuple(out)


def _names(t: Term) -> set[str]:
    return {x for _, factor in t.factors for x in names(factor)}


def _reusing(value: n.Expr, held: dict[str, Term]) -> n.Expr:
    """Return a sum of products with the quotients in it read from their variables."""
    if not held or not isinstance(value, (n.Binary, n.Unary)):
        return value
    parts = terms(value)
    new = [_with_quotient(t, held) for t in parts]
    if all(a is b for a, b in zip(parts, new)):
        return value
    sign, expr = total(new)
    return simplify_sum(n.Unary("-", expr)) if sign < 0 else expr


def _with_quotient(t: Term, held: dict[str, Term]) -> Term:
    for v, made in held.items():
        left = Counter(t.factors)
        left.subtract(Counter(made.factors))
        if min(left.values()) < 0 or sum(left.values()) == 0:
            continue
        first = next(k for k, factor in enumerate(t.factors) if factor in made.factors)
        rest: list[tuple[str, n.Expr]] = []
        gone = Counter(made.factors)
        for k, factor in enumerate(t.factors):
            if k == first:
                rest.append(("*", n.Name(v)))
            if gone[factor]:
                gone[factor] -= 1
            else:
                rest.append(factor)
        return replace(t, coefficient=t.coefficient * made.coefficient, factors=tuple(rest))
    return t
