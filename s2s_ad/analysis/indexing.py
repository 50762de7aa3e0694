"""The kind of an array read at an index.

Takes the kind of the array, the index and a function from expressions to kinds, gives a kind;
requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    INT,
    NONE,
    ONE,
    UNKNOWN,
    Array,
    Dim,
    Kind,
    Length,
    ListOf,
    Number,
    TupleOf,
    broadcast_dims,
    dim_of_length,
    fresh_dim,
    longer,
)
from s2s_ad.ir.walk import each_of

KindOf = Callable[[n.Expr], Kind]


def indexed(kind: Array, index: n.Expr, kind_of: KindOf) -> Kind:
    """Return the kind of an array read at an index."""
    if kind.dims is None:
        return UNKNOWN
    indices: tuple[n.Expr, ...] = each_of(index)
    whole = UNKNOWN if isinstance(index, (n.TupleExpr, n.Slice, n.Const)) else kind_of(index)
    if isinstance(whole, TupleOf) and not whole.is_list:
        indices = (index,) * len(whole.items)
        known = [_place_kind(item) for item in whole.items]
    else:
        known = [_index_kind(i, kind_of) for i in indices]
    if any(k is None for k in known):
        return UNKNOWN
    used = sum(1 for k in known if k in ("int", "slice")) + sum(
        k[1] for k in known if isinstance(k, tuple)
    )
    left = len(kind.dims) - used
    if left < 0:
        return UNKNOWN
    written_out = "..." in known
    if not written_out:
        known.append("...")
    dims: list[Dim] = []
    gathered: tuple[Dim, ...] | None = None
    at = 0
    axis = 0
    for i, k in zip([*indices, None], known):
        if k == "...":
            dims.extend(kind.dims[axis : axis + left])
            axis += left
        elif k == "none":
            dims.append(ONE)
        elif k == "int":
            axis += 1
        elif k == "slice":
            assert isinstance(i, n.Slice)
            dims.append(_sliced(kind.dims[axis], i, kind_of))
            axis += 1
        elif isinstance(k, tuple):
            if gathered is not None:
                gathered = broadcast_dims(gathered, k[0])
            else:
                gathered, at = k[0], len(dims)
            axis += k[1]
    if gathered is not None:
        if sum(isinstance(k, tuple) for k in known) + known.count("int") > 1 and any(
            k in ("slice", "none", "...") for k in known[:-1]
        ):
            dims = [fresh_dim() for _ in (*gathered, *dims)]
        else:
            dims[at:at] = gathered
    if not dims and gathered is None and not written_out:  # with `...` NumPy gives a view
        return Number(kind.dtype if kind.dtype in ("float", "int", "bool") else "number")
    return Array(tuple(dims), kind.dtype, kind.double)


def _index_kind(index: n.Expr, kind_of: KindOf) -> str | tuple[tuple[Dim, ...], int] | None:
    if isinstance(index, n.Slice):
        return "slice"
    if isinstance(index, n.Const):
        if index.value is Ellipsis:
            return "..."
        if index.value is None:
            return "none"
    return _place_kind(kind_of(index))


def is_whole(index: n.Expr) -> bool:
    """True for an index that names all of an array: `...`, `:`, `:, :`."""
    items = each_of(index)
    return all(x in (n.ELLIPSIS, n.ALL) for x in items)


def gathers(kind: Kind) -> bool:
    """True when an index of this kind picks entries into a new array: NumPy gives no view."""
    if isinstance(kind, TupleOf):
        return any(map(gathers, kind.items))
    return isinstance(kind, (Array, ListOf))


def picks(index: n.Expr, kind_of: KindOf) -> bool:
    """True for an index by which NumPy picks entries into a new array: it gives no view."""
    return any(gathers(kind_of(item)) for item in each_of(index))


def _place_kind(kind: Kind) -> str | tuple[tuple[Dim, ...], int] | None:
    if isinstance(kind, Number):
        return "int" if kind.type == "int" else None
    if kind == NONE:
        return "none"
    if isinstance(kind, Array) and kind.dims is not None:
        if kind.dtype == "int":
            return kind.dims, 1
        if kind.dtype == "bool":
            return (fresh_dim(),), len(kind.dims)
    if isinstance(kind, ListOf) and kind.item == INT:
        return (fresh_dim(),), 1
    return None


def _sliced(dim: Dim, index: n.Slice, kind_of: KindOf) -> Dim:
    if index.step is not None:
        return fresh_dim()
    lower = ("start", 0) if index.lower is None else _bound(dim, index.lower, kind_of)
    upper = ("end", 0) if index.upper is None else _bound(dim, index.upper, kind_of)
    if lower is None or upper is None:
        return fresh_dim()
    (side, a), (other, b) = lower, upper
    if (side, other) == ("start", "end"):
        return longer(dim, b - a)
    if side == other and dim.least >= (b if side == "start" else -a):
        return dim_of_length(max(0, b - a))
    return fresh_dim()


def _bound(dim: Dim, e: n.Expr, kind_of: KindOf) -> tuple[str, int] | None:
    """Return from which end of an axis a bound is counted, and how far: (`end`, -1) for `-1`."""
    k = constant_int(e)
    if k is not None:
        return ("end", k) if k < 0 else ("start", k)
    kind = kind_of(e)
    if not isinstance(kind, Length) or kind.dim.symbol != dim.symbol:
        return None
    behind = kind.dim.offset - dim.offset
    # further back than the array is long, it would be counted from the end
    return ("end", min(behind, 0)) if dim.least + behind >= 0 else None


def constant_int(e: n.Expr | None) -> int | None:
    """Return the value of an integer literal, a minus sign included."""
    if isinstance(e, n.Const) and type(e.value) is int:
        return e.value
    if isinstance(e, n.Unary) and e.op == "-":
        size = constant_int(e.operand) if isinstance(e.operand, n.Const) else None
        return None if size is None else -size
    return None


def never_same(a: n.Expr | None, b: n.Expr | None) -> bool:
    """True for indices that never are the same place: constants, or tuples with such a part."""
    if isinstance(a, n.TupleExpr) and isinstance(b, n.TupleExpr):
        for x, y in zip(a.items, b.items):
            if never_same(x, y):
                return True
            if not all(
                isinstance(part, n.Slice) or constant_int(part) is not None for part in (x, y)
            ):
                return False  # it may be for several axes, or for none
        return False
    if isinstance(a, n.Const) and isinstance(b, n.Const) and isinstance(a.value, str):
        return isinstance(b.value, str) and a.value != b.value
    first, second = constant_int(a), constant_int(b)
    if first is None or second is None or first == second:
        return False
    return (first < 0) == (second < 0)
