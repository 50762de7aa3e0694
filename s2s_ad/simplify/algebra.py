"""Products and sums of derivative code, brought into the form a person would write.

Takes expressions of the reverse or tangent sweep (never of the primal, which stays bitwise
as written), gives equivalent expressions: numeric factors collected in front, factors
of one dropped, equal terms merged, a common differential factored out. Requires `ir` only.

A product is a sequence of (operator, factor), operator `*` or `/`, so that the order in which
factors arrived is the order in which they are printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeGuard

from s2s_ad.ir.nodes import (
    ZERO,
    Attribute,
    Binary,
    Compare,
    Const,
    Expr,
    Name,
    Slice,
    Subscript,
    TupleExpr,
    Unary,
)
from s2s_ad.ir.remembered import made_at_once, remembered, replace
from s2s_ad.ir.walk import subexprs, substitute
from s2s_ad.simplify.both import if_both
from s2s_ad.simplify.cancel import UNIT, cancelled, is_unit, one_root, times, without

ONE = Const("1.0", 1.0)


@made_at_once
@dataclass(frozen=True)
class Term:
    """`coefficient * factors`: a signed number and a sequence of (`*` or `/`, expression).

    over is what the number was divided by: `x / 3.0` is no multiple of 0.3333.
    text is how the number, times over, was written when that is a single literal, so that `0.1`
    stays `0.1`.
    """

    coefficient: Fraction
    factors: tuple[tuple[str, Expr], ...]
    text: str | None = None
    over: Fraction = UNIT


@remembered
def term(expr: Expr) -> Term:
    """Return a product as a Term.

    >>> from s2s_ad.ir.nodes import Name
    >>> term(Binary("*", Unary("-", Const("2", 2)), Name("x"))).coefficient
    Fraction(-2, 1)
    """
    coefficient = over = UNIT
    texts: list[str | None] = []
    factors: list[tuple[str, Expr]] = []
    stack: list[tuple[str, Expr]] = [("*", expr)]
    while stack:
        op, part = stack.pop()
        if isinstance(part, Unary) and part.op in "+-":
            if part.op == "-":
                coefficient = -coefficient
            stack.append((op, part.operand))
        elif isinstance(part, Binary) and part.op in "*/" and op == "*":
            stack.append((part.op, part.right))
            stack.append((op, part.left))
        elif isinstance(part, Binary) and part.op == "@" and is_negative(part.left):
            coefficient = -coefficient
            factors.append((op, replace(part, left=part.left.operand)))
        elif not factors and isinstance(part, Subscript) and _only_adds_axes(part.index):
            # a number is best multiplied with what has fewer entries
            inner = term(part.value)
            coefficient *= inner.coefficient
            over *= inner.over
            bare = replace(inner, coefficient=Fraction(1), text=None, over=Fraction(1))
            whole = part if inner.coefficient == 1 else replace(part, value=from_term(bare))
            factors.append((op, whole))
        elif (value := number(part)) is not None and op == "*":
            coefficient *= value
            if value != 1:
                texts.append(part.text if isinstance(part, Const) else None)
        elif value:
            coefficient /= value
            over *= value
        else:
            factors.append((op, part))
    factors, left = one_root(factors)
    if left is not None:
        coefficient *= left
    text = texts[0] if len(texts) == 1 and left is None else None
    return _reduced(Term(coefficient, cancelled(factors), text, over))


def _reduced(t: Term) -> Term:
    """Return a term without factors that are inside its divisors too: `d / (r * r) * r`."""
    for k, (op, divisor) in enumerate(t.factors):
        if op != "/" or not isinstance(divisor, Binary) or divisor.op not in "*/":
            continue
        below = term(divisor)
        turned = [(_inverse(op), x) for op, x in below.factors]
        level = below.coefficient != 1 and abs(t.coefficient) == abs(below.coefficient)
        if level or any((_inverse(op), x) in t.factors for op, x in turned):
            factors = cancelled([*t.factors[:k], *turned, *t.factors[k + 1 :]])
            size, over = t.coefficient / below.coefficient, t.over * below.coefficient
            return _reduced(Term(size, factors, t.text, over))
    return t


def _inverse(op: str) -> str:
    return "/" if op == "*" else "*"


def is_negative(expr: Expr) -> TypeGuard[Unary]:
    """True for `-e`."""
    return isinstance(expr, Unary) and expr.op == "-"


def _only_adds_axes(index: Expr) -> bool:
    """True for `[:, None]`, which NumPy answers with the same numbers.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> _only_adds_axes(parse_expr("x[:, None]").index), _only_adds_axes(parse_expr("x[0]").index)
    (True, False)
    """
    items = index.items if isinstance(index, TupleExpr) else (index,)
    whole = Slice(None, None, None)
    return all(x == whole or (isinstance(x, Const) and x.value is None) for x in items)


def number(expr: Expr) -> Fraction | None:
    """Return the exact value of a finite numeric literal, else None."""
    if not isinstance(expr, Const) or type(expr.value) not in (int, float):
        return None
    return _number(expr)


@remembered
def _number(expr: Const) -> Fraction | None:
    if expr.value - expr.value != 0:
        return None
    # as it is written: 0.7 * 0.7 is 0.49, not the square of the nearest binary number
    return Fraction(repr(expr.value))


def multiply(left: Expr, right: Expr) -> Expr:
    """Return `left * right`, tidied."""
    return product(Binary("*", left, right))


def product(expr: Expr) -> Expr:
    """Return a product in canonical form: sign, number, factors in order.

    What the user divided by stays a divisor, unless a short decimal says the same.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> for text in ("2 * x * 0.001", "2 * x / 6", "-x * 64 / 2300", "x * 3 / 8"):
    ...     print(expr_text(product(parse_expr(text))))
    0.002 * x
    x / 3.0
    -64 * x / 2300
    0.375 * x

    Factors that are in the divisor too are gone, as slopes of logarithms have them.

    >>> for text in ("d * 2 * math.pi / (2 * math.pi * v)", "d / (a / b) / b", "-d / (r * r) * r"):
    ...     print(expr_text(product(parse_expr(text))))
    d / v
    d / a
    -d / r
    """
    t = term(expr)
    found = from_term(t)
    # of what is in that form already more is known; a number would be written anew
    return expr if is_unit(t.coefficient) and found == expr else found


def from_term(t: Term) -> Expr:
    """Return the expression of a Term, its sign included."""
    sign = t.coefficient.numerator
    if not sign:
        return ZERO
    body = _unsigned(t)
    return negate(body) if sign < 0 else body


def negate(expr: Expr) -> Expr:
    """Return `-expr`, the sign on the first factor of a product."""
    if isinstance(expr, Unary) and expr.op == "-":
        return expr.operand
    if isinstance(expr, Binary) and expr.op == "@":
        return replace(expr, left=negate(expr.left))
    if isinstance(expr, Binary) and expr.op in "*/":
        quotient = isinstance(expr.left, Binary) and expr.left.op == "/"
        if expr.op == "*" and quotient:
            return replace(expr, left=Unary("-", expr.left))
        return replace(expr, left=negate(expr.left))
    if isinstance(expr, Binary) and expr.op == "-":
        return replace(expr, left=expr.right, right=expr.left)
    return Unary("-", expr)


def _unsigned(t: Term) -> Expr:
    above, below = written_number(t)
    start = next((k for k, (op, _) in enumerate(t.factors) if op == "*"), 0)
    # a product, then what it is divided by
    factors = [*t.factors[start:], *t.factors[:start]]
    expr: Expr | None = above
    if expr is None:
        first = next((k for k, (op, _) in enumerate(factors) if op == "*"), None)
        expr = ONE if first is None else factors.pop(first)[1]
    for op, factor in factors:
        expr = Binary(op, expr, factor)
    return expr if below is None else Binary("/", expr, below)


def written_number(t: Term) -> tuple[Const | None, Const | None]:
    """Return the literals that a product starts with and that it is divided by at its end."""
    if t.coefficient.denominator == 1 and t.coefficient.numerator in (1, -1):
        return None, None
    size = abs(t.coefficient)
    if t.over == 1:
        return literal(size, t.text), None
    inverse = 1 / size
    if inverse.denominator == 1 and (inverse > 2 or any(op == "*" for op, _ in t.factors)):
        return None, literal(inverse)
    if Fraction(repr(float(size))) == size:
        return literal(size), None
    above, below = size * t.over, t.over
    if t.text is None and above.denominator == below.denominator == 1:
        above, below = Fraction(size.numerator), Fraction(size.denominator)
    whole = t.text is not None and t.text.isdigit() and below.denominator == 1
    if above == 1 and any(op == "*" for op, _ in t.factors):
        return None, literal(below)
    return literal(above, t.text), literal(below, str(below) if whole else None)


def literal(value: Fraction, text: str | None = None) -> Const:
    """Return a float literal of this value, written as the user did when that is known."""
    if text is not None:
        return Const(text, abs(float(value)))
    return Const(repr(float(value)), float(value))


def terms(expr: Expr, sign: int = 1) -> list[Term]:
    """Return a sum as its terms, in order."""
    found = _terms(expr)
    return list(found) if sign == 1 else [replace(t, coefficient=-t.coefficient) for t in found]


@remembered
def _terms(expr: Expr) -> tuple[Term, ...]:
    result: list[Term] = []
    stack: list[tuple[int, Expr]] = [(1, expr)]
    while stack:
        sign, part = stack.pop()
        if isinstance(part, Binary) and part.op in "+-":
            stack.append((sign if part.op == "+" else -sign, part.right))
            stack.append((sign, part.left))
        elif isinstance(part, Unary) and part.op in "+-":
            stack.append((sign if part.op == "+" else -sign, part.operand))
        else:
            t = term(part)
            result.append(t if sign == 1 else replace(t, coefficient=-t.coefficient))
    return tuple(result)


def merge(parts: Sequence[Term], seed: Expr | None = None) -> list[Term]:
    """Return the terms with equal ones added together and zeros gone, in order of appearance.

    A term that was merged has its differential last: `2.0 * x * y_bar` for `y = x * x`.
    """
    merged: dict[frozenset[tuple[tuple[str, Expr], int]], Term] = {}
    for t in parts:
        key = frozenset((f, t.factors.count(f)) for f in t.factors)
        before = merged.get(key)
        if before is None:
            merged[key] = t
        else:
            factors = t.factors
            if seed is not None and ("*", seed) in factors:
                last = ("*", seed)
                factors = (*(f for f in factors if f != last), last)
            over = before.over if before.over == t.over else Fraction(1)
            merged[key] = Term(before.coefficient + t.coefficient, factors, None, over)
    return [t for t in merged.values() if t.coefficient]


def total(parts: Sequence[Term], common: Expr | None = None) -> tuple[int, Expr]:
    """Return (sign, expression) of a sum: sign is -1 when every term is negative.

    common: a differential that is factored out when every one of several terms has it.
    """
    parts = merge(parts, common)
    if not parts:
        return 1, ZERO
    sign = -1 if all(t.coefficient < 0 for t in parts) else 1
    if sign < 0:
        parts = [replace(t, coefficient=-t.coefficient) for t in parts]
    masks = [t for t in parts if _has_mask(t)]
    # `-` of a mask alone, and what two of them add up to, are no numbers
    plain = not masks or (len(masks) == 1 and masks[0] is parts[0] and parts[0].coefficient > 0)
    shared = _in_all(parts) if plain and len(parts) > 1 and common is not None else ()
    if ("*", common) in shared:
        rest = [replace(t, factors=without(t.factors, Counter(shared))) for t in parts]
        return sign, Binary("*", from_term(Term(Fraction(1), shared)), sum_of(_joined(rest)))
    divisors = []
    while (below := _common_divisor(parts)) is not None:
        divisors.append(below)
        parts = [t for t in map(_undivided(below), parts) if t]
    expr = sum_of(parts if divisors else _with_one_product(parts))
    for below in reversed(divisors):
        expr = Binary("/", expr, below)
    return sign, expr


def _joined(parts: Sequence[Term]) -> Sequence[Term]:
    """Return the terms of a sum, of the sums in it too where equal ones are added together by that
    and none goes: 1 - 2 x for (1 - x) - x."""
    every: list[Term] = []
    for t in parts:
        inner = t.factors[0][1] if t.factors and t.factors[0][0] == "*" else None
        whole = len(t.factors) == 1 and abs(t.coefficient) == 1
        if whole and isinstance(inner, Binary) and inner.op in "+-":
            every.extend(terms(inner, int(t.coefficient)))
        else:
            every.append(t)
    merged = merge(every)
    kinds = {frozenset(t.factors) for t in every}
    fewer = len(merged) < len(every) and len(merged) == len(kinds)
    return merged if fewer and not any(map(_has_mask, every)) else parts


def _common_divisor(parts: Sequence[Term]) -> Expr | None:
    """Return what each of several terms is divided by; each has a factor beside it.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(simplify_sum(parse_expr("a / s - b * c / s")))
    '(a - b * c) / s'
    """
    if len(parts) < 2 or any(_has_mask(t) for t in parts):
        return None
    for t in parts:
        for op, divisor in t.factors:
            if op == "/" and all(map(_undivided(divisor), parts)):
                return divisor
    return None


def _undivided(divisor: Expr) -> Callable[[Term], Term | None]:
    """Return what takes a divisor away from a term, None from one without it.

    `(a / s)[:, None]` has it too, if it is `s[:, None]`.
    """

    def taken(t: Term) -> Term | None:
        factors = list(t.factors)
        if ("/", divisor) in factors:
            factors.remove(("/", divisor))
            return replace(t, factors=tuple(factors)) if any(o == "*" for o, _ in factors) else None
        if not isinstance(divisor, Subscript) or not _only_adds_axes(divisor.index):
            return None
        for k, (op, factor) in enumerate(factors):
            if op == "*" and isinstance(factor, Subscript) and factor.index == divisor.index:
                inner = _undivided(divisor.value)(term(factor.value))
                if inner is not None:
                    factors[k] = ("*", replace(factor, value=from_term(inner)))
                    return replace(t, factors=tuple(factors))
        return None

    return taken


def _with_one_product(parts: Sequence[Term]) -> Sequence[Term]:
    """Return terms with one matrix product for one with a matrix and one with its transpose.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(simplify_sum(parse_expr("X @ A.T + X @ A")))
    'X @ (A.T + A)'
    """
    for k, first in enumerate(parts):
        for j in range(k + 1, len(parts)):
            second = parts[j]
            if first.coefficient != second.coefficient or first.over != second.over:
                continue
            one, two = _only_product(first), _only_product(second)
            if one is None or two is None or one.left != two.left:
                continue
            if Attribute(one.right, "T") != two.right and one.right != Attribute(two.right, "T"):
                continue
            both = Binary("@", one.left, Binary("+", one.right, two.right))
            rest = [t for i, t in enumerate(parts) if i not in (k, j)]
            rest.insert(k, replace(first, factors=(("*", both),)))
            return _with_one_product(rest)
    return parts


def _only_product(t: Term) -> Binary | None:
    """Return the matrix product that a term is, but for a number."""
    if len(t.factors) != 1 or t.factors[0][0] != "*":
        return None
    e = t.factors[0][1]
    return e if isinstance(e, Binary) and e.op == "@" else None


def _in_all(parts: Sequence[Term]) -> tuple[tuple[str, Expr], ...]:
    """Return the factors that all terms have, as often as they all have them."""
    found = dict.fromkeys(parts[0].factors)
    return tuple(f for f in found for _ in range(min(t.factors.count(f) for t in parts)))


def _has_mask(t: Term) -> bool:
    """True when a factor may be an array of booleans: the sum of two such is their disjunction."""
    return any(
        isinstance(e, Compare) or (isinstance(e, Binary) and e.op in "&|^")
        for _, factor in t.factors
        for e in subexprs(factor)
    )


def sum_of(parts: Sequence[Term]) -> Expr:
    """Return the sum of terms that are not all negative, a positive one first."""
    positive = next((k for k, t in enumerate(parts) if t.coefficient > 0), 0)
    ordered = [parts[positive], *parts[:positive], *parts[positive + 1 :]]
    expr = from_term(ordered[0])
    for t in ordered[1:]:
        if t.coefficient < 0:
            expr = Binary("-", expr, _unsigned(t))
        else:
            expr = Binary("+", expr, _unsigned(t))
    return expr


def simplify_sum(expr: Expr, common: Expr | None = None) -> Expr:
    """Return a sum of products in canonical form.

    >>> from s2s_ad.ir.nodes import Name
    >>> x = Name("x")
    >>> simplify_sum(Binary("+", x, x)) == Binary("*", Const("2.0", 2.0), x)
    True
    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(simplify_sum(parse_expr("d * (x > 0.0) - d * y"), Name("d")))
    'd * ((x > 0.0) - y)'
    >>> expr_text(simplify_sum(parse_expr("d * (x > 0.0) + d * (x > y)"), Name("d")))
    'd * (x > 0.0) + d * (x > y)'
    """
    sign, result = total(terms(expr), common)
    return negate(result) if sign < 0 else result


def splice(template: Expr, hole: Name, value: Expr) -> Expr:
    """Return `template` with `hole` replaced; in a product the factors of `value` come first.

    >>> from s2s_ad.ir.nodes import Name
    >>> d, x, k, seed = map(Name, ["d", "x", "k", "seed"])
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(splice(Binary("*", x, d), d, Binary("*", seed, k)))
    'seed * k * x'
    """
    outer = term(template)
    if outer.factors.count(("*", hole)) == 1 and hole not in _inside(outer, hole):
        inner = term(value)
        factors = [*inner.factors]
        factors.extend(f for f in outer.factors if f != ("*", hole))
        text = None
        if is_unit(times(outer.coefficient, outer.over)):
            text = inner.text
        elif is_unit(times(inner.coefficient, inner.over)):
            text = outer.text
        coefficient = times(inner.coefficient, outer.coefficient)
        over = times(inner.over, outer.over)
        return from_term(_reduced(Term(coefficient, cancelled(factors), text, over)))
    both = if_both(template, hole, value)
    return substitute(template, {hole.id: value}) if both is None else both


def _inside(outer: Term, hole: Name) -> set[Expr]:
    """Return the expressions nested in factors other than the hole itself."""
    found: set[Expr] = set()
    for op, factor in outer.factors:
        if (op, factor) != ("*", hole):
            found.update(subexprs(factor))
    return found
