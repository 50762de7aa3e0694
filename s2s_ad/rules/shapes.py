"""Rules of functions that move entries around without changing them.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import ONE, UNKNOWN, Array, Kind, ListOf, Number, fresh_dim
from s2s_ad.ir.nodes import Const, Expr
from s2s_ad.ir.remembered import replace

from . import lengths, results
from .declare import elementwise, linear, reshaping
from .results import as_array, constant, is_given, is_integer, literal
from .rule import Result

Kinds = Mapping[str, Kind]
Args = Mapping[str, Expr]


def _squeezed(kinds: Kinds, args: Args) -> Kind:
    kind = as_array(kinds.get("a", UNKNOWN))
    if not isinstance(kind, Array):
        return UNKNOWN
    axis = literal(args.get("axis", Const("None", None)))
    if kind.dims is None:
        return Array(None, kind.dtype)
    if axis is None:
        if any(dim.one is None for dim in kind.dims):
            return Array(None, kind.dtype)
        return replace(kind, dims=tuple(dim for dim in kind.dims if not dim.one))
    axes = results.axes_of(axis, len(kind.dims))
    if axes is None:
        return Array(None, kind.dtype)
    return replace(kind, dims=tuple(dim for k, dim in enumerate(kind.dims) if k not in axes))


def _expanded(kinds: Kinds, args: Args) -> Kind:
    kind = as_array(kinds.get("a", UNKNOWN))
    if not isinstance(kind, Array):
        return UNKNOWN
    axis = literal(args.get("axis"))
    wanted = (axis,) if is_integer(axis) else axis
    if kind.dims is None or not isinstance(wanted, tuple):
        return Array(None, kind.dtype)
    rank = len(kind.dims) + len(wanted)
    axes = results.axes_of(wanted, rank)
    if axes is None:
        return Array(None, kind.dtype)
    rest = iter(kind.dims)
    return replace(kind, dims=tuple(ONE if k in axes else next(rest) for k in range(rank)))


def _at_least(rank: int) -> Result:
    def result(kinds: Kinds, args: Args) -> Kind:
        kind = next((as_array(k) for k in kinds.values()), UNKNOWN)
        if not isinstance(kind, Array):
            return UNKNOWN
        if kind.dims is None:
            return Array(None, kind.dtype)
        if len(kind.dims) >= rank:
            return kind
        if rank == 3 and len(kind.dims) == 2:
            return replace(kind, dims=(*kind.dims, ONE))
        if rank == 3 and len(kind.dims) == 1:
            return replace(kind, dims=(ONE, *kind.dims, ONE))
        return replace(kind, dims=(ONE,) * (rank - len(kind.dims)) + kind.dims)

    return result


def _swapped(kinds: Kinds, args: Args) -> Kind:
    kind = as_array(kinds.get("a", UNKNOWN))
    if not isinstance(kind, Array) or kind.dims is None:
        return kind
    axes = results.axes_of((literal(args.get("axis1")), literal(args.get("axis2"))), len(kind.dims))
    if axes is None:
        return Array(tuple(fresh_dim() for _ in kind.dims), kind.dtype)
    dims = list(kind.dims)
    dims[axes[0]], dims[axes[1]] = dims[axes[1]], dims[axes[0]]
    return replace(kind, dims=tuple(dims))


def _diagonal(operand: str, place: str) -> Result:
    """Return a diagonal of a matrix, or a matrix that has one; place: which it is."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array) or kind.dims is None or len(kind.dims) not in (1, 2):
            return UNKNOWN
        if literal(args.get(place, Const("0", 0))) == 0:
            first, last = kind.dims[0], kind.dims[-1]
            if len(kind.dims) == 1:
                return replace(kind, dims=(first, first))
            if (first.symbol, first.offset) == (last.symbol, last.offset):
                return replace(kind, dims=(first,))
        rank = 3 - len(kind.dims)
        return Array(tuple(fresh_dim() for _ in range(rank)), kind.dtype)

    return result


def _copied(kinds: Kinds, args: Args) -> Kind:
    kind = kinds.get("a", UNKNOWN)
    return as_array(kind) if isinstance(kind, (Number, Array, ListOf)) else UNKNOWN


_BACK = "np.reshape(d, np.shape(a))"


def _from_the_front(axes: object) -> bool:
    """True for axes that are written out and counted from the first: `(2, 0, 1)`."""
    return isinstance(axes, tuple) and all(is_integer(axis) and axis >= 0 for axis in axes)


# how axes are put back: those counted from the last (-1) have other places once sorted
INVERSE_ORDERS = (
    (_from_the_front, "np.argsort(axes)"),
    (is_given, "np.argsort(np.mod(axes, np.ndim(a)))"),
)

# shape

for _known in (("array",), None):
    _shape = "np.reshape(d, a.shape)" if _known else f"unbroadcast({_BACK}, a)"
    reshaping("np.reshape(a, shape, /)", a=_shape, ranks=_known,
              result=lengths.shaped("shape", "any", "a"))  # fmt: skip
    reshaping("np.ravel(a)", a=_shape, ranks=_known, result=results.raveled("a"))
    for _order in ("C", "F"):
        _turned = f"np.reshape(d, np.shape(a), order={_order!r})"
        _turned = _turned if _known else f"unbroadcast({_turned}, a)"
        reshaping("np.reshape(a, shape, /, order)", a=_turned, ranks=_known,
                  where={"order": _order}, result=lengths.shaped("shape", "any", "a"))  # fmt: skip
        reshaping("np.ravel(a, order)", a=_turned, ranks=_known, where={"order": _order},
                  result=results.raveled("a"))  # fmt: skip
    reshaping("np.squeeze(a, axis=None)", a=_shape, ranks=_known, result=_squeezed)
    reshaping("np.expand_dims(a, axis)", a=_shape, ranks=_known, result=_expanded)
    for _rank in (1, 2, 3):
        reshaping(f"np.atleast_{_rank}d(a, /)", a=_shape, ranks=_known, result=_at_least(_rank))
linear(
    "np.broadcast_to(array, shape)",
    array="unbroadcast(d, array)",
    result=lengths.shaped("shape", "any", "array"),
)

# order of axes

reshaping("np.transpose(a, axes=None)", a="np.transpose(d)", where={"axes": None},
          result=results.transposed("a"))  # fmt: skip
for _where, _inverse in INVERSE_ORDERS:
    reshaping("np.transpose(a, axes=None)", a=f"np.transpose(d, {_inverse})",
              where={"axes": _where}, result=results.transposed("a"))  # fmt: skip
reshaping("np.swapaxes(a, axis1, axis2)", a="np.swapaxes(d, axis1, axis2)", result=_swapped)
reshaping("np.moveaxis(a, source, destination)", a="np.moveaxis(d, destination, source)",
          result=results.same_rank("a"))  # fmt: skip

# order along axes

reshaping("np.flip(m, axis=None)", m="np.flip(d, axis=axis)", result=results.aligned("m"))
reshaping("np.flipud(m)", m="np.flipud(d)", result=results.like("m"))
reshaping("np.fliplr(m)", m="np.fliplr(d)", result=results.like("m"))
reshaping("np.rot90(m, k=1, axes=(0, 1))", m="np.rot90(d, -k, axes)",
          result=results.same_rank("m"))  # fmt: skip
reshaping("np.roll(a, shift, axis=None)", a="np.roll(d, np.negative(shift), axis=axis)",
          result=results.like("a"))  # fmt: skip

reshaping("np.fft.fftshift(x, axes=None)", x="np.fft.ifftshift(d, axes)",
          result=results.like("x"))  # fmt: skip
reshaping("np.fft.ifftshift(x, axes=None)", x="np.fft.fftshift(d, axes)",
          result=results.like("x"))  # fmt: skip

# repetition

linear(
    "np.repeat(a, repeats, axis=None)",
    a="np.reshape(np.sum(np.reshape(d, (a.size, repeats)), axis=1), np.shape(a))",
    where={"axis": None},
    ranks=("array", 0),
    result=results.ranked(1, "a"),
)
linear(
    "np.repeat(a, repeats, axis=None)",
    a="np.sum(np.reshape(d, (a.shape[0], repeats) + a.shape[1:]), axis=1)",
    where={"axis": 0},
    ranks=("array", 0),
    result=results.same_rank("a"),
)
linear("np.tile(A, reps)", A="np.sum(np.reshape(d, (reps, -1)), axis=0)", ranks=(1, 0),
       result=results.ranked(1, "A"))  # fmt: skip

# triangles and diagonals

for _main, _k in (({"k": 0}, ""), ({}, ", k")):
    for _name in ("tril", "triu"):
        for _rank in (2, 3):
            linear(f"np.{_name}(m, k=0)", m=f"np.{_name}(d{_k})", where=_main, ranks=(_rank,),
                   result=results.like("m"))  # fmt: skip
        # of a vector a matrix of rows is made
        linear(f"np.{_name}(m, k=0)", m=f"unbroadcast(np.{_name}(d{_k}), m)", where=_main,
               result=constant(UNKNOWN))  # fmt: skip
    linear("np.diag(v, k=0)", v=f"np.diag(d{_k})", where=_main, ranks=(1,),
           result=_diagonal("v", "k"))  # fmt: skip
for _call, _x, _k in (("np.diag(v, k=0)", "v", "k"), ("np.diagonal(a, offset=0)", "a", "offset")):
    _part, _back = _diagonal(_x, _k), f"scatter(d, {_x}, np.eye(*{_x}.shape, k={_k}, dtype=bool))"
    linear(_call, "np.diag(d)", where={_k: 0}, ranks=("square",), result=_part)
    linear(_call, _back, ranks=(2,), result=_part)

# copies

elementwise("np.copy(a)", "d", result=_copied)
for _copy in ("np.ascontiguousarray(a, /)", "np.asfortranarray(a, /)"):
    elementwise(_copy, "d", result=_at_least(1))
