"""Where in a result of `np.concatenate` or `np.stack` each of the arrays is, as an index.

Takes the kinds of arrays that are written out in the call, gives indices or None; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number

Length = Callable[[int], n.Expr | None]


def stacked(kinds: Sequence[Kind], axis: int) -> list[n.Expr] | None:
    """Return the indices of arrays, or numbers, in their stack: `[0]`, `[:, 1]`.

    >>> from s2s_ad.ir.kinds import FLOAT
    >>> stacked([FLOAT, FLOAT], 0)
    [Const(text='0', value=0), Const(text='1', value=1)]
    """
    ranks = {_rank(kind) for kind in kinds}
    rank = ranks.pop() if len(ranks) == 1 else None
    if rank is None or not -rank - 1 <= axis <= rank:
        return None
    return [_along(axis % (rank + 1), _number(k)) for k in range(len(kinds))]


def joined(kinds: Sequence[Kind], axis: int, length: Length) -> list[n.Expr] | None:
    """Return the indices of arrays in their concatenation, where at most two may be long.

    length: how the length of the array of this number is written, along the axis.
    """
    ranks = {_rank(kind) for kind in kinds}
    rank = ranks.pop() if len(ranks) == 1 else None
    if not rank or not -rank <= axis < rank:
        return None
    axis %= rank
    dims = [kind.dims[axis] for kind in kinds if isinstance(kind, Array) and kind.dims]
    long = [k for k, dim in enumerate(dims) if dim.one is not True]
    if len(long) > 2:
        return None
    count = len(kinds)
    size = length(long[0]) if len(long) == 2 else None
    if len(long) == 2 and size is None:
        return None
    bounds: list[n.Expr | None] = []
    for k in range(count + 1):
        behind = count - k  # what comes then, each of length one
        if k == 0 or k == count:
            bounds.append(None)
        elif not long or k <= long[0]:
            bounds.append(_number(k))
        elif k > long[-1]:
            bounds.append(n.Unary("-", _number(behind)))
        else:
            assert size is not None
            ones = k - 1  # of length one, besides the first long one
            bounds.append(n.Binary("+", size, _number(ones)) if ones else size)
    return [_along(axis, n.Slice(a, b, None)) for a, b in pairwise(bounds)]


def neighbours(kind: Kind, axis: object) -> tuple[n.Expr, n.Expr] | None:
    """Return the indices of the operands of a difference along an axis: `[1:]` and `[:-1]`.

    >>> from s2s_ad.ir.kinds import FLOAT
    >>> neighbours(FLOAT, 0) is None
    True
    """
    rank = _rank(kind)
    if not rank or type(axis) is not int or not -rank <= axis < rank:
        return None
    last = n.Unary("-", _number(1))
    slices = n.Slice(_number(1), None, None), n.Slice(None, last, None)
    after, before = (_along(axis % rank, part) for part in slices)
    return after, before


def _rank(kind: Kind) -> int | None:
    if isinstance(kind, Number):
        return 0
    return len(kind.dims) if isinstance(kind, Array) and kind.dims is not None else None


def _along(axis: int, part: n.Expr) -> n.Expr:
    whole = n.ALL
    return n.TupleExpr((*[whole] * axis, part)) if axis else part


def _number(k: int) -> n.Const:
    return n.Const(str(k), k)
