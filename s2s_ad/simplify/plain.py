"""Derivative code as the rules give it: what `simplify.algebra` does, left undone.

Takes and gives expressions as `simplify.algebra` does; used when `algebra` is switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from s2s_ad.ir.nodes import ZERO, Binary, Const, Expr, Name, Unary
from s2s_ad.ir.walk import substitute
from s2s_ad.simplify.algebra import Term


def product(expr: Expr) -> Expr:
    """Return `expr`."""
    return expr


def simplify_sum(expr: Expr) -> Expr:
    """Return `expr`."""
    return expr


def collected(expr: Expr) -> Expr:
    """Return `expr`."""
    return expr


def factored(expr: Expr, kept: Callable[[str], bool]) -> Expr:
    """Return `expr`."""
    return expr


def apart(expr: Expr) -> tuple[Const | None, Expr]:
    """Return `expr` behind no number."""
    return None, expr


def splice(template: Expr, hole: Name, value: Expr) -> Expr:
    """Return `template` with `hole` replaced."""
    return substitute(template, {hole.id: value})


def terms(expr: Expr, sign: int = 1) -> list[Term]:
    """Return an expression as a sum of one term."""
    return [Term(Fraction(sign), (("*", expr),))]


def merge(parts: Sequence[Term]) -> list[Term]:
    """Return the terms."""
    return list(parts)


def total(parts: Sequence[Term], common: Expr | None = None) -> tuple[int, Expr]:
    """Return (1, sum of the terms).

    >>> from s2s_ad.ir.nodes import Name
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(total([*terms(Name("x")), *terms(Name("x"), -1)])[1])
    'x - x'
    """
    whole: Expr | None = None
    for part in parts:
        expr = part.factors[0][1]
        if whole is None:
            whole = Unary("-", expr) if part.coefficient < 0 else expr
        else:
            whole = Binary("-" if part.coefficient < 0 else "+", whole, expr)
    return 1, ZERO if whole is None else whole
