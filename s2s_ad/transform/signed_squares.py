"""Products of a number with its own absolute value: `k * v * abs(v)`, as drag has them.

Takes a product of the primal, gives its parts; requires `ir`. Their derivative, `2.0 * k * abs(v)`,
has no corner at zero, so that nothing has to be told apart there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n

SIZES = (abs, math.fabs)


@dataclass(frozen=True)
class SignedSquare:
    """The other factors as one product, None if there are none; x; and `abs(x)`."""

    rest: n.Expr | None
    x: n.Expr
    size: n.Expr


def signed_square(
    e: n.Expr, object_of: Callable[[n.Expr], tuple[object] | None]
) -> SignedSquare | None:
    """Return the parts of a product that has a factor and its absolute value."""
    factors = _factors(e)
    for size in factors:
        if not isinstance(size, n.Call) or len(size.args) != 1 or size.keywords:
            continue
        (x,) = size.args
        found = object_of(size.func) if x in factors else None
        if found is None or found[0] not in SIZES:
            continue
        left = list(factors)
        left.remove(x)
        left.remove(size)
        rest: n.Expr | None = None
        for factor in left:
            rest = factor if rest is None else n.Binary("*", rest, factor)
        return SignedSquare(rest, x, size)
    return None


def _factors(e: n.Expr) -> list[n.Expr]:
    if isinstance(e, n.Binary) and e.op == "*":
        return [*_factors(e.left), e.right]
    return [e]
