"""Rules of reading items: `x[index]` and the functions that pick entries.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import (
    INT,
    ONE,
    UNKNOWN,
    Array,
    DictOf,
    Dim,
    Kind,
    ListOf,
    Number,
    RangeKind,
    Str,
    TupleOf,
    fresh_dim,
)
from s2s_ad.ir.nodes import Const, Expr, Slice, TupleExpr

from . import results
from .declare import gather
from .reductions import given_axis
from .results import MISSING, as_array, literal, settled

Kinds = Mapping[str, Kind]
Args = Mapping[str, Expr]


def subscript(kind: Kind, index: Expr, index_kind: Kind) -> Kind:
    """Return the kind of `x[index]`, x being of `kind`."""
    value = literal(index)
    if isinstance(kind, TupleOf):
        if given_axis(value) and isinstance(value, int) and -len(kind.items) <= value:
            return kind.items[value] if value < len(kind.items) else UNKNOWN
        if isinstance(index, Slice):
            return _tuple_slice(kind, index)
        return UNKNOWN
    if isinstance(kind, ListOf):
        return kind if isinstance(index, Slice) else kind.item
    if isinstance(kind, DictOf):
        return kind.value
    if isinstance(kind, Str):
        return Str()
    if isinstance(kind, RangeKind):
        return kind if isinstance(index, Slice) else INT
    if isinstance(kind, Array):
        return _array_item(kind, index, index_kind)
    return UNKNOWN


def _tuple_slice(kind: TupleOf, index: Slice) -> Kind:
    ends: list[int | None] = []
    for part in (index.lower, index.upper, index.step):
        end = None if part is None else literal(part)
        if not (end is None or isinstance(end, int)):
            return UNKNOWN
        ends.append(end)
    return TupleOf(kind.items[slice(*ends)])


def _array_item(kind: Array, index: Expr, index_kind: Kind) -> Kind:
    parts = index.items if isinstance(index, TupleExpr) else (index,)
    kinds = [index_kind]
    if isinstance(index, TupleExpr):
        known = isinstance(index_kind, TupleOf) and len(index_kind.items) == len(parts)
        kinds = list(index_kind.items) if known and isinstance(index_kind, TupleOf) else []
        kinds += [UNKNOWN] * (len(parts) - len(kinds))
    forms = [_form(part, k) for part, k in zip(parts, kinds)]
    if kind.dims is None or "unknown" in forms:
        return UNKNOWN if "unknown" in forms or "slice" not in forms else Array(None, kind.dtype)
    arrays = [k for form, k in zip(forms, kinds) if form == "array"]
    if any(isinstance(k, Array) and k.dims is None for k in arrays):
        return Array(None, kind.dtype)
    used = sum(
        len(k.dims or ()) if isinstance(k, Array) and k.dtype == "bool" else 1
        for form, k in zip(forms, kinds)
        if form in ("int", "slice", "array")
    )
    free = len(kind.dims) - used
    if free < 0 or forms.count("...") > 1:
        return UNKNOWN
    if arrays:
        return _advanced(kind, forms, kinds, free)
    rest = iter(kind.dims)
    dims: list[Dim] = []
    for form, part in zip(forms, parts):
        if form == "...":
            dims += [next(rest) for _ in range(free)]
            free = 0
        elif form == "None":
            dims.append(ONE)
        elif form == "int":
            next(rest)
        else:
            dim = next(rest)
            whole = isinstance(part, Slice) and not (part.lower or part.upper or part.step)
            dims.append(dim if whole else fresh_dim())
    item = Array((*dims, *rest), kind.dtype)
    return item if "..." in forms else settled(item)


def _advanced(kind: Array, forms: list[str], kinds: list[Kind], free: int) -> Kind:
    """Rank of an item with array indices: theirs, broadcast, in place of the axes they take."""
    rank = max(
        1 if k.dtype == "bool" else len(k.dims or ())
        for form, k in zip(forms, kinds)
        if form == "array" and isinstance(k, Array)
    )
    rank += sum(form in ("slice", "None") for form in forms) + free
    return Array(tuple(fresh_dim() for _ in range(rank)), kind.dtype)


def _form(part: Expr, kind: Kind) -> str:
    if isinstance(part, Slice):
        return "slice"
    if isinstance(part, Const) and part.value is None:
        return "None"
    if isinstance(part, Const) and part.value is ...:
        return "..."
    if isinstance(kind, Number) and kind.type == "int":
        return "int"
    if given_axis(literal(part)):
        return "int"
    if isinstance(kind, (Array, ListOf)):
        return "array" if isinstance(kind, Array) else "unknown"
    return "unknown"


def _item(kinds: Kinds, args: Args) -> Kind:
    return subscript(kinds.get("x", UNKNOWN), args["index"], kinds.get("index", UNKNOWN))


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


gather("x[index]", tangent={"x": "d[index]"}, adjoint={"x": "scatter(d, x, index)"}, result=_item)
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
    where={"axis": given_axis},
    tangent="np.take_along_axis(d, indices, axis)",
    adjoint="scatter_along(d, arr, indices, axis)",
    result=results.like("indices"),
)
