"""Sums of derivative code with what their terms have in common written once.

Takes and gives expressions as `simplify.algebra` does: what tangents are written with. Requires
`ir`, `simplify.algebra`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

from s2s_ad.ir.nodes import ZERO, Binary, Const, Expr
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import names
from s2s_ad.simplify.algebra import (
    Term,
    from_term,
    is_negative,
    merge,
    negate,
    product,
    splice,
    sum_of,
    term,
    terms,
    written_number,
)
from s2s_ad.simplify.cancel import without

__all__ = ["apart", "collected", "factored", "product", "splice"]


def collected(expr: Expr) -> Expr:
    """Return a sum with equal terms added together.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(collected(parse_expr("x * d + a / b + d * x - c / b")))
    '2.0 * d * x + a / b - c / b'
    """
    parts = merge(terms(expr))
    sign, whole = _signed(parts)
    return negate(whole) if sign < 0 else whole


def factored(expr: Expr, kept: Callable[[str], bool]) -> Expr:
    """Return a sum with what all its terms have in common written once.

    kept: whether factors with a variable stay where they are: what is left of each term is such.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> for text in ("2.0 * x * d + 2.0 * y * e", "d / b - e * q / b", "d * x + d * y"):
    ...     print(expr_text(factored(parse_expr(text), "de".__contains__)))
    2.0 * (x * d + y * e)
    (d - e * q) / b
    d * x + d * y
    """
    if is_negative(expr):
        return negate(factored(expr.operand, kept))
    if not isinstance(expr, Binary) or expr.op not in "+-":
        return expr
    parts = merge(terms(expr))
    if len(parts) < 2:
        return expr
    first = parts[0]
    counts = [Counter(t.factors) for t in parts]
    common = counts[0]
    for others in counts[1:]:
        common = common & others
    for op, factor in list(common):
        if any(map(kept, names(factor))):
            del common[op, factor]
    if any(not any(op == "*" for op, _ in c - common) for c in counts):
        common = Counter({key: k for key, k in common.items() if key[0] == "/"})
    size = abs(first.coefficient)
    level = all((abs(t.coefficient), t.over) == (size, first.over) for t in parts)
    if not common and (not level or size == 1):
        return expr
    outer, over, text = (size, first.over, first.text) if level else (Fraction(1),) * 2 + (None,)
    rests = []
    for t in parts:
        rest = without(t.factors, common)
        rests.append(Term(t.coefficient / size, rest) if level else replace(t, factors=rest))
    sign, inner = _signed(rests)
    left, factors, placed = Counter(common), [], False
    for f in first.factors:
        if left[f]:
            left[f] -= 1
            factors.append(f)
        elif not placed:
            placed = True
            factors.append(("*", inner))
    return from_term(Term(sign * outer, tuple(factors), text, over))


def _signed(parts: Sequence[Term]) -> tuple[int, Expr]:
    """Return (sign, expression) of a sum: sign is -1 when every term is negative."""
    if not parts:
        return 1, ZERO
    sign = -1 if all(t.coefficient < 0 for t in parts) else 1
    return sign, sum_of([replace(t, coefficient=sign * t.coefficient) for t in parts])


def apart(expr: Expr) -> tuple[Const | None, Expr]:
    """Return the number in front of a product, None for one, and the product without it.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> number, rest = apart(parse_expr("-2.0 * x"))
    >>> number, expr_text(rest)
    (Const(text='2.0', value=2.0), '-x')
    """
    t = term(expr)
    above, below = written_number(t)
    if above is None or below is not None:
        return None, expr
    sign = Fraction(1 if t.coefficient > 0 else -1)
    return above, from_term(Term(sign, t.factors))
