"""Keys that tell variants of a callee apart: by the values of its parameters.

Takes values by parameter, gives a hashable key. Requires `ir`, `analysis`.
"""

from __future__ import annotations

from typing import Any

from s2s_ad.analysis.values import Value
from s2s_ad.ir.kinds import (
    Array,
    DictOf,
    Dim,
    Folded,
    Kind,
    Length,
    ListOf,
    Object,
    Partial,
    TupleOf,
)


def canonical(values: tuple[tuple[str, Value], ...]) -> tuple[Any, ...]:
    """Return values with the symbols of lengths renamed by first appearance: a key for variants."""
    symbols: dict[str, int] = {}
    cells: dict[Folded, int] = {}

    def kind_key(kind: Kind) -> Any:
        if isinstance(kind, Array):
            if kind.dims is None:
                return ("array", None, kind.dtype)
            return ("array", tuple(dim_key(d) for d in kind.dims), kind.dtype, kind.double)
        if isinstance(kind, TupleOf):
            return ("tuple", kind.is_list, tuple(kind_key(item) for item in kind.items))
        if isinstance(kind, ListOf):
            return ("list", kind_key(kind.item))
        if isinstance(kind, DictOf):
            return ("dict", kind_key(kind.value))
        if isinstance(kind, Folded):
            if kind in cells:
                return ("folded", cells[kind])
            cells[kind] = len(cells)
            return ("folded", cells[kind], kind_key(kind.cell.kind))
        if isinstance(kind, Object):
            return ("object", id(kind.value))
        if isinstance(kind, Length):
            return ("length", dim_key(kind.dim))
        if isinstance(kind, Partial):
            return ("partial", id(kind.function), kind.names, *map(kind_key, kind.items))
        return kind

    def dim_key(dim: Dim) -> Any:
        symbol = (
            dim.symbol if dim.symbol.isdigit() else symbols.setdefault(dim.symbol, len(symbols))
        )
        return symbol, dim.offset, dim.one, dim.least

    def value_key(value: Value) -> Any:
        items = None if value.items is None else tuple(value_key(item) for item in value.items)
        return kind_key(value.kind), value.varied, items

    return tuple((name, value_key(value)) for name, value in values)
