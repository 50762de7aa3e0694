"""Keys that tell variants of a callee apart: by the values of its parameters.

Takes values by parameter, gives a hashable key, and what is found for one call as it is for another
of the same key. Requires `ir`, `analysis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from s2s_ad.analysis.values import Value
from s2s_ad.ir.kinds import (
    Array,
    Cell,
    DictOf,
    Dim,
    Folded,
    Kind,
    Length,
    ListOf,
    Object,
    OneTime,
    Partial,
    TupleOf,
    fresh_dim,
)
from s2s_ad.ir.remembered import replace

OUTSIDE = "@"  # what symbols of lengths of live objects begin with


def canonical(values: tuple[tuple[str, Value], ...]) -> tuple[Any, ...]:
    """Return values with the symbols of lengths renamed by first appearance: a key for variants."""
    return keyed(values)[0]


def keyed(values: tuple[tuple[str, Value], ...]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return such a key, and the symbols in the order in which they appear."""
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

    key = tuple((name, value_key(value)) for name, value in values)
    return key, tuple(symbols)


def in_symbols(found: Value, before: Sequence[str], after: Sequence[str]) -> Value:
    """Return what was found with some symbols of lengths as it is with others in their place.

    Lengths that are of no parameter may differ from one call to the next. Those of objects outside
    do not.
    """
    new = dict(zip(before, after))
    changed = False
    cells: dict[Folded, Folded] = {}

    def dim(d: Dim) -> Dim:
        nonlocal changed
        if d.symbol not in new and d.symbol.startswith("?"):
            new[d.symbol] = fresh_dim().symbol
        symbol = new.get(d.symbol, d.symbol)
        changed = changed or symbol != d.symbol
        return replace(d, symbol=symbol)

    def kind(k: Kind) -> Kind:
        if isinstance(k, Array):
            return k if k.dims is None else replace(k, dims=tuple(map(dim, k.dims)))
        if isinstance(k, Length):
            return replace(k, dim=dim(k.dim))
        if isinstance(k, (TupleOf, Partial)):
            return replace(k, items=tuple(map(kind, k.items)))
        if isinstance(k, (ListOf, OneTime)):
            return replace(k, item=kind(k.item))
        if isinstance(k, DictOf):
            return replace(k, value=kind(k.value))
        if isinstance(k, Folded) and k not in cells:
            cell = Cell()
            cells[k] = Folded(cell)
            cell.kind = kind(k.cell.kind)
        return cells[k] if isinstance(k, Folded) else k

    def value(v: Value) -> Value:
        items = None if v.items is None else tuple(map(value, v.items))
        return replace(v, kind=kind(v.kind), items=items)

    other = value(found)
    return other if changed else found
