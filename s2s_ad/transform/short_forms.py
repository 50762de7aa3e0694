"""Forms of arithmetic on numbers with a derivative shorter than what the rules of their parts give.

Takes an expression of the primal, gives its operands with the differential of each; requires `ir`.

    x * x               2.0 * x * d             one contribution, not two to be added
    k * v * abs(v)      2.0 * d * abs(v) * k    no corner at zero, so nothing to tell apart there
    math.log(a / b)     d / a and -d / b        the quotient is not made again
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import inside

SIZES = (abs, math.fabs)
LOGS = (math.log, np.log)
TWO = n.Const("2.0", 2.0)

ObjectOf = Callable[[n.Expr], "tuple[object] | None"]
Part = tuple[n.Expr, Callable[[n.Expr], n.Expr]]


def short_form(e: n.Expr, object_of: ObjectOf) -> list[Part] | None:
    """Return operands, all of which must be numbers, and what each gets of a differential."""
    if isinstance(e, n.Binary) and e.op == "*":
        if isinstance(e.left, n.Name) and e.left == e.right:
            x = e.left
            return [(x, lambda d: _product(TWO, x, d))]
        return _signed_square(e, object_of)
    if isinstance(e, n.Call) and len(e.args) == 1 and not e.keywords:
        ratio = e.args[0]
        if not isinstance(ratio, n.Binary) or ratio.op != "/" or not _is_light(ratio):
            return None
        return _difference(ratio) if _is_one_of(e, LOGS, object_of) else None
    return None


def _difference(ratio: n.Binary) -> list[Part]:
    """Return the parts of the logarithm of a quotient."""
    return [
        (ratio.left, lambda d: n.Binary("/", d, ratio.left)),
        (ratio.right, lambda d: n.Unary("-", n.Binary("/", d, ratio.right))),
    ]


def _signed_square(e: n.Binary, object_of: ObjectOf) -> list[Part] | None:
    """Return the parts of a product that has a factor and its absolute value."""
    factors = _factors(e)
    for size in factors:
        if not isinstance(size, n.Call) or len(size.args) != 1 or size.keywords:
            continue
        (x,) = size.args
        if x not in factors or not _is_one_of(size, SIZES, object_of):
            continue
        rest = list(factors)
        rest.remove(x)
        rest.remove(size)
        return _without_corner(x, size, rest) if all(map(_is_light, (x, *rest))) else None
    return None


def _without_corner(x: n.Expr, size: n.Expr, rest: list[n.Expr]) -> list[Part]:
    own: Part = (x, lambda d: _product(TWO, d, size, *rest))
    if not rest:
        return [own]
    return [(_product(*rest), lambda d: _product(d, x, size)), own]


def _is_light(e: n.Expr) -> bool:
    """True for what may be written down more often: a call gets a name instead."""
    return not inside(e, n.Call)


def _is_one_of(e: n.Call, known: tuple[object, ...], object_of: ObjectOf) -> bool:
    found = object_of(e.func)
    return found is not None and any(found[0] is x for x in known)


def _product(first: n.Expr, *others: n.Expr) -> n.Expr:
    for factor in others:
        first = n.Binary("*", first, factor)
    return first


def _factors(e: n.Expr) -> list[n.Expr]:
    if isinstance(e, n.Binary) and e.op == "*":
        return [*_factors(e.left), e.right]
    return [e]
