"""Factors of a product that cancel: `x / x`, `x**2 / x**3`, `b` in `1 / (a / b) / b`.

Takes and gives factors, each with `*` or `/` in front of it; requires `ir`.
"""

from __future__ import annotations

from s2s_ad.ir.nodes import Binary, Const, Expr

Factor = tuple[str, Expr]


def cancelled(factors: list[Factor]) -> tuple[Factor, ...]:
    """Return the factors that are left."""
    kept: list[Factor] = []
    for op, factor in factors:
        inverse = ("/" if op == "*" else "*", factor)
        if inverse in kept:
            kept.remove(inverse)
        else:
            kept.append((op, factor))
    return tuple(_with_fewer_powers(kept))


def _with_fewer_powers(factors: list[Factor]) -> list[Factor]:
    """Return factors with `/ x` for `/ x**3 * x**2`."""
    powers = [_power(factor) for _, factor in factors]
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
