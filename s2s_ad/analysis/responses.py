"""How a value answers when one variable is moved: by addition, by multiplication, or not at all.

Takes what is known of operands, gives what is known of the result; requires `ir`,
`analysis.weights`.

Move a variable t by τ and leave everything else in place. A logarithm or a score then moves by
a·τ, and an exponential of it, or a sum of exponentials, is multiplied by exp(b·τ), where the text
tells a and b, by numbers and variables that do not change. Both are kept exactly: a value for which
they have cancelled to nothing does not depend on t, whatever t is. (A grading in the sense of
dimensional analysis: `exp` and `log` lead from one kind of weight to the other.)

t may be an array that holds one number for each row. axes are then the axes of the value, counted
from its end as broadcasting does, that run along those of t; along all others τ is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.weights import Weight
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import each_of

NOTHING = Weight()


class NotFollowedError(Exception):
    """Raised for a value that depends on t in a way that no rule here knows."""


@dataclass(frozen=True)
class Response:
    """What happens to a value: `+ added * τ`, or `* exp(scaled * τ)`; one of them is 0.

    fits: `any` for an empty list, `scaled` for the number 0, which may stand beside values that are
    multiplied; where such a one begins, what is added to it later decides.
    """

    added: Weight = NOTHING
    scaled: Weight = NOTHING
    axes: tuple[int, ...] = ()
    fits: str = ""

    @property
    def moves(self) -> bool:
        return bool(self.added or self.scaled)


STILL = Response()
ZERO = Response(fits="scaled")
EMPTY = Response(fits="any")


def _weighted(added: Weight, scaled: Weight, axes: tuple[int, ...]) -> Response:
    return Response(added, scaled, axes) if added or scaled else STILL


def _axes_of(a: Response, b: Response) -> tuple[int, ...]:
    if a.moves and b.moves and a.axes != b.axes:
        raise NotFollowedError
    return a.axes if a.moves else b.axes


def joined(a: Response, b: Response) -> Response:
    """Return the response of what is one of two values, or holds both."""
    if a == b:
        return a
    for x, y in ((a, b), (b, a)):
        if x.fits == "any" or (x.fits == "scaled" and not y.added):
            return y
    raise NotFollowedError


def plus(a: Response, b: Response, sign: int = 1) -> Response:
    """Return the response of `a + b`, or of `a - b` with sign -1."""
    if a.scaled or b.scaled:
        return joined(a, b)
    if not a.moves and not b.moves:
        return ZERO if a.fits and b.fits else STILL
    return _weighted(_joint(a.added, b.added, sign), NOTHING, _axes_of(a, b))


def times(a: Response, b: Response, sign: int = 1) -> Response:
    """Return the response of `a * b`, or of `a / b` with sign -1."""
    if a.added or b.added:
        raise NotFollowedError
    return _weighted(NOTHING, _joint(a.scaled, b.scaled, sign), _axes_of(a, b))


def _joint(a: Weight, b: Weight, sign: int) -> Weight:
    return a + b if sign > 0 else a - b


def multiplied(a: Response, factor: Weight) -> Response:
    """Return the response of a value times what does not change."""
    return _weighted(a.added * factor, a.scaled, a.axes)


def power(a: Response, exponent: Weight) -> Response:
    if a.added:
        raise NotFollowedError
    return _weighted(NOTHING, a.scaled * exponent, a.axes)


def exponential(a: Response) -> Response:
    if a.scaled:
        raise NotFollowedError
    return _weighted(NOTHING, a.added, a.axes)


def logarithm(a: Response) -> Response:
    if a.added:
        raise NotFollowedError
    return _weighted(a.scaled, NOTHING, a.axes)


def product(a: Response, b: Response, ranks: tuple[int | None, int | None]) -> Response:
    """Return the response of `a @ b` for arrays of these ranks."""
    if a.added or b.added:
        raise NotFollowedError
    if not a.axes and not b.axes:
        return times(a, b)
    if b.moves or None in ranks or -1 in a.axes or ranks[0] == 1:
        raise NotFollowedError  # it is summed along an axis of t, or nobody knows
    return reduced(a, (-1,), False) if ranks[1] == 1 else a


def reduced(a: Response, along: Sequence[int] | None, keepdims: bool) -> Response:
    """Return the response of a sum along axes, counted from the end, None for all of them."""
    if not a.axes:
        return a
    if along is None or set(along) & set(a.axes):
        raise NotFollowedError
    if keepdims:
        return a
    return replace(a, axes=tuple(x + sum(gone > x for gone in along) for x in a.axes))


def indexed(a: Response, index: n.Expr, rank: int | None) -> Response:
    """Return the response of a part of an array of this rank."""
    if not a.axes:
        return a
    items = each_of(index)
    if rank is None:
        raise NotFollowedError
    axis = 0
    left: list[int] = []  # the axis of the value that each axis of the part was, -1 for a new one
    for item in items:
        if isinstance(item, n.Const) and item.value is None:
            left.append(-1)
            continue
        is_whole = item == n.ALL
        if not is_whole and axis - rank in a.axes:
            raise NotFollowedError
        if isinstance(item, n.Slice):
            left.append(axis)
        elif constant_int(item) is None:
            raise NotFollowedError
        axis += 1
    left += range(axis, rank)
    axes = [k - len(left) for k, was in enumerate(left) if was >= 0 and was - rank in a.axes]
    return replace(a, axes=tuple(axes))
