"""Factors of a product that cancel: `x / x`, `x**2 / x**3`, `b` in `1 / (a / b) / b`; and roots
of constants, of which one is enough.

Takes and gives factors, each with `*` or `/` in front of it; requires `ir`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from s2s_ad.ir.nodes import Attribute, Binary, Call, Const, Expr, Name

Factor = tuple[str, Expr]
UNIT = Fraction(1)


def times(a: Fraction, b: Fraction) -> Fraction:
    """Return a product of numbers most of which are one."""
    return b if a is UNIT else a if b is UNIT else a * b


def is_unit(x: Fraction) -> bool:
    """True for 1 and -1."""
    return x is UNIT or (x.denominator == 1 and x.numerator in (1, -1))


def cancelled(factors: list[Factor]) -> tuple[Factor, ...]:
    """Return the factors that are left."""
    if len({op for op, _ in factors}) < 2:
        return tuple(factors)
    kept: list[Factor] = []
    for op, factor in factors:
        inverse = ("/" if op == "*" else "*", factor)
        if inverse in kept:
            kept.remove(inverse)
        else:
            kept.append((op, factor))
    return tuple(_with_fewer_powers(kept))


def without(factors: Sequence[Factor], gone: Counter[Factor]) -> tuple[Factor, ...]:
    """Return the factors but for some: of equal ones, the first so many."""
    left = Counter(gone)
    kept = []
    for f in factors:
        if left[f]:
            left[f] -= 1
        else:
            kept.append(f)
    return tuple(kept)


def _with_fewer_powers(factors: list[Factor]) -> list[Factor]:
    """Return factors with `/ x` for `/ x**3 * x**2`."""
    powers = [_power(factor) for _, factor in factors]
    if all(exponent == 1 for _, exponent in powers):
        return factors
    for k, (op, _) in enumerate(factors):
        for j in range(k + 1, len(factors)):
            (base, one), (other, two) = powers[k], powers[j]
            if base != other or op == factors[j][0] or one == two == 1:
                continue
            left = one - two if op == "*" else two - one
            rest = [f for i, f in enumerate(factors) if i not in (k, j)]
            if left:
                size = abs(left)
                whole = Binary("**", base, Const(str(size), size)) if size > 1 else base
                rest.insert(k, ("*" if left > 0 else "/", whole))
            return _with_fewer_powers(rest)
    return factors


def _power(e: Expr) -> tuple[Expr, int]:
    """Return the base and exponent of a whole power, 1 for what is none."""
    if isinstance(e, Binary) and e.op == "**" and isinstance(e.right, Const):
        exponent = e.right.value
        if type(exponent) is int and exponent > 1:
            return e.left, exponent
    return e, 1


MATH = Name("math")


def constant_root(e: Expr) -> Expr | None:
    """Return what a root of a constant is the root of: `2.0` of `math.sqrt(2.0)`."""
    is_root = isinstance(e, Call) and e.func == Attribute(MATH, "sqrt") and not e.keywords
    if not isinstance(e, Call) or not is_root or len(e.args) != 1:
        return None
    return e.args[0] if _is_positive(e.args[0]) else None


def _is_positive(e: Expr) -> bool:
    if isinstance(e, Binary):
        return e.op == "*" and _is_positive(e.left) and _is_positive(e.right)
    if isinstance(e, Const):
        return type(e.value) in (int, float) and 1e-9 < e.value < 1e9
    return e in (Attribute(MATH, "pi"), Attribute(MATH, "e"))


def one_root(factors: list[Factor]) -> tuple[list[Factor], Fraction | None]:
    """Return factors with one root of constants above and below, and the number that is left of
    those that are gone; None where all are there.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> root = parse_expr("math.sqrt(2.0)")
    >>> one_root([("*", Name("x")), ("/", root), ("/", root)])
    ([('*', Name(id='x'))], Fraction(1, 2))
    """
    if sum(isinstance(factor, Call) for _, factor in factors) < 2:
        return factors, None
    left: Fraction | None = None
    out: list[Factor] = []
    places: dict[str, int] = {}
    for op, factor in factors:
        inner = constant_root(factor)
        if inner is None or op not in places:
            if inner is not None:
                places[op] = len(out)
            out.append((op, factor))
            continue
        k = places.pop(op)
        before = constant_root(out[k][1])
        assert before is not None
        if before == inner and isinstance(inner, Const):
            size = Fraction(repr(inner.value))
            left = (left or Fraction(1)) * (size if op == "*" else 1 / size)
            del out[k]
            places = {o: j - (j > k) for o, j in places.items()}
            continue
        first, second = (before, inner) if isinstance(before, Const) else (inner, before)
        whole = Call(Attribute(MATH, "sqrt"), (Binary("*", first, second),))
        out[k] = (op, whole)
        places[op] = k
    return out, left
