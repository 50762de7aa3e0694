"""Rules of reading items: `x[index]` and the functions that pick entries.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, fresh_dim
from s2s_ad.ir.nodes import Expr

from .declare import gather
from .results import MISSING, as_array, constant, is_integer, literal, settled

Kinds = Mapping[str, Kind]
Args = Mapping[str, Expr]


def _taken(kinds: Kinds, args: Args) -> Kind:
    kind, indices = as_array(kinds.get("a", UNKNOWN)), as_array(kinds.get("indices", UNKNOWN))
    if not isinstance(kind, Array) or not isinstance(indices, Array) or indices.dims is None:
        return UNKNOWN
    if literal(args.get("axis")) is None:
        return settled(Array(indices.dims, kind.dtype))
    if kind.dims is None or literal(args.get("axis")) is MISSING:
        return UNKNOWN
    rank = len(kind.dims) - 1 + len(indices.dims)
    return settled(Array(tuple(fresh_dim() for _ in range(rank)), kind.dtype))


def _taken_along(kinds: Kinds, args: Args) -> Kind:
    kind, indices = kinds.get("arr", UNKNOWN), kinds.get("indices", UNKNOWN)
    if not isinstance(kind, Array):
        return UNKNOWN
    if not isinstance(indices, Array) or indices.dims is None:
        return Array(None, kind.dtype)
    return Array(tuple(fresh_dim() for _ in indices.dims), kind.dtype)


gather(
    "x[index]",
    tangent={"x": "d[index]"},
    adjoint={"x": "scatter(d, x, index)"},
    result=constant(UNKNOWN),
)
gather(
    "np.take(a, indices, axis=None)",
    where={"axis": None},
    tangent="np.take(d, indices)",
    adjoint="np.reshape(scatter(d, np.ravel(a), indices), np.shape(a))",
    result=_taken,
)
for _axis, _index in ((0, "indices"), (1, "(slice(None), indices)"), (-1, "(..., indices)")):
    gather(
        "np.take(a, indices, axis=None)",
        where={"axis": _axis},
        ranks=("array",),
        tangent="np.take(d, indices, axis=axis)",
        adjoint=f"scatter(d, a, {_index})",
        result=_taken,
    )
gather(
    "np.take_along_axis(arr, indices, axis)",
    ranks=("array",),
    where={"axis": is_integer},
    tangent="np.take_along_axis(d, indices, axis)",
    adjoint="scatter_along(d, arr, indices, axis)",
    result=_taken_along,
)
