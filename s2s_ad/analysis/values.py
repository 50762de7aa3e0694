"""What is known of a value: its kind, whether it varies, what its items are.

Requires `ir`. Two values merge into what is known when either may be the case.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    BOOL,
    INT,
    NONE,
    UNKNOWN,
    Array,
    DictOf,
    Dim,
    Folded,
    Kind,
    Length,
    ListOf,
    Number,
    OneTime,
    Partial,
    RangeKind,
    Str,
    TupleOf,
    Unknown,
    broadcast_dims,
    either,
    is_discrete,
    join,
    refreshed,
)
from s2s_ad.ir.remembered import made_at_once, replace
from s2s_ad.ir.walk import inside, names


@made_at_once
@dataclass(frozen=True)
class Value:
    """What is known of a value: its kind, whether it varies, and its items if it is a tuple."""

    kind: Kind = UNKNOWN
    varied: bool = False
    items: tuple[Value, ...] | None = None


PASSIVE = Value()
Env = Mapping[str, Value]


class World(Protocol):
    """What the interpretation asks of the world outside the function.

    outside: whether something in it is changed on the way.
    """

    outside: bool

    def lookup(self, name: str) -> tuple[object] | None:
        """Return the live object of a global, closure or builtin name, in a 1-tuple."""

    def reads_number(self) -> None:
        """Note that what is generated depends on the value of a number outside, not its kind."""

    def attribute(self, owner: object, name: str) -> tuple[object] | None:
        """Return a static attribute of a module or class, in a 1-tuple."""

    def call(
        self, callee: object, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value | None:
        """Return the result of a call of user code, None when it has no source."""

    def is_pure(
        self,
        callee: object,
        args: Sequence[Value],
        keywords: Mapping[str, Value],
        again: bool = True,
    ) -> bool:
        """True for user code that changes nothing; again: and gives the same again."""


class NeverReturnsError(Exception):
    """Raised for a recursive call while no way through the function is known that ends."""


def one_of(*ways: Callable[[], Value]) -> Value:
    """Return what is known when one of several values may be the case, those that end."""
    found: Value | None = None
    ended: NeverReturnsError | None = None
    for way in ways:
        try:
            found = way() if found is None else merge(found, way())
        except NeverReturnsError as error:
            ended = error
    if found is None:
        raise ended or NeverReturnsError
    return found


def unfolded(value: Value) -> Value:
    """Return what is known of a value that is taken apart, and so is not None."""
    return replace(value, kind=value.kind.cell.kind) if isinstance(value.kind, Folded) else value


def merge(a: Value, b: Value) -> Value:
    """Return what is known when either may be the case."""
    if a == b:
        return a
    items = None
    if a.items is not None and b.items is not None and len(a.items) == len(b.items):
        items = tuple(merge(x, y) for x, y in zip(a.items, b.items))
    return Value(either(a.kind, b.kind), a.varied or b.varied, items)


def same(a: Value, b: Value) -> bool:
    """Equal but for the names of unknown lengths, which differ at each interpretation."""
    if a.varied != b.varied or _shape(a.kind) != _shape(b.kind):
        return False
    if a.items is None or b.items is None:
        return a.items is b.items
    return len(a.items) == len(b.items) and all(map(same, a.items, b.items))


def _shape(kind: Kind) -> object:
    if isinstance(kind, Array) and kind.dims is not None:
        return (kind.dtype, kind.double, *map(_known, kind.dims))
    if isinstance(kind, Length):
        return _known(kind.dim)
    if isinstance(kind, TupleOf):
        return (kind.is_list, *(_shape(item) for item in kind.items))
    if isinstance(kind, ListOf):
        return ("list", _shape(kind.item))
    if isinstance(kind, DictOf):
        return ("dict", _shape(kind.value))
    return kind


def _known(dim: Dim) -> object:
    return ("?", dim.offset, dim.one, dim.least) if dim.symbol[0] == "?" else dim


def item_of(value: Value, k: int) -> Value:
    """Return what is known of item k of a tuple or list."""
    value = unfolded(value)
    if value.items is not None and k < len(value.items):
        return value.items[k]
    kind = value.kind
    if isinstance(kind, TupleOf) and k < len(kind.items):
        return Value(kind.items[k], value.varied and not is_discrete(kind.items[k]))
    if isinstance(kind, ListOf):
        return Value(refreshed(kind.item), value.varied and not is_discrete(kind.item))
    if isinstance(kind, Array) and kind.dims:
        if len(kind.dims) == 1:
            return Value(Number("float" if kind.dtype == "float" else "number"), value.varied)
        return Value(Array(kind.dims[1:], kind.dtype), value.varied)
    # of an iterator over nobody knows what, an item may be an iterator too
    return Value(OneTime() if isinstance(kind, OneTime) else UNKNOWN, value.varied)


def any_item(whole: Value) -> Value:
    """Return what is known of each item when a value is iterated over."""
    whole = unfolded(whole)
    kind = whole.kind
    item_kind: Kind = UNKNOWN
    if isinstance(kind, RangeKind):
        return Value(INT)
    if isinstance(kind, Str):
        return Value(Str())
    if isinstance(kind, OneTime) and isinstance(kind.item, Unknown):
        item_kind = OneTime()
    elif isinstance(kind, (ListOf, OneTime)):
        item_kind = refreshed(kind.item)
    elif isinstance(kind, Array) and kind.dims:
        item_kind = Array(kind.dims[1:], kind.dtype)
        if len(kind.dims) == 1:
            known = kind.dtype in ("float", "int", "bool")
            item_kind = Number(kind.dtype if known else "number")
    elif isinstance(kind, TupleOf) and whole.items:
        result = whole.items[0]
        for other in whole.items[1:]:
            result = merge(result, other)
        return result
    elif isinstance(kind, DictOf):
        return PASSIVE
    return Value(item_kind, whole.varied and not is_discrete(item_kind))


def tuple_of(items: list[Value]) -> Value:
    return Value(TupleOf(tuple(i.kind for i in items)), any(i.varied for i in items), tuple(items))


def compared(ops: Sequence[str], kinds: Sequence[Kind]) -> Value:
    """Return what is known of a comparison of values of these kinds."""
    if any(op in ("in", "not in", "is", "is not") for op in ops):
        return Value(BOOL)
    arrays = [k for k in kinds if isinstance(k, Array)]
    if arrays:
        dims: tuple[Dim, ...] = ()
        for kind in arrays:
            if kind.dims is None:
                return Value(Array(None, "bool"))
            dims = broadcast_dims(dims, kind.dims)
        return Value(Array(dims, "bool"))
    return PASSIVE if any(isinstance(kind, Unknown) for kind in kinds) else Value(BOOL)


def joined_tuples(left: Value, right: Value) -> Value:
    """Return what is known of the concatenation of two tuples."""
    items = [
        item_of(side, k)
        for side in (left, right)
        for k in range(len(side.kind.items) if isinstance(side.kind, TupleOf) else 0)
    ]
    return tuple_of(items)


def sliced(kind: TupleOf, index: n.Slice) -> Kind | None:
    """Return the kind of a part of a tuple whose bounds are written down."""
    bounds = [index.lower, index.upper, index.step]
    found = [None if e is None else constant_int(e) for e in bounds]
    if any(e is not None and k is None for e, k in zip(bounds, found)):
        return None
    return TupleOf(kind.items[slice(*found)], kind.is_list)


def part_of(kind: RangeKind | Str, index: n.Expr, index_kind: Kind) -> Kind:
    """Return the kind of an item or a part of a range or a text."""
    if isinstance(index, n.Slice) or isinstance(kind, Str):
        return kind
    return INT if index_kind in (INT, BOOL) else UNKNOWN  # a slice object gives a range


def spread(args: Sequence[n.Expr], kind_of: Callable[[n.Expr], Kind]) -> Sequence[n.Expr]:
    """Return arguments with a star of a tuple of known length written one by one."""
    if not any(isinstance(a, n.Starred) for a in args):
        return args
    found: list[n.Expr] = []
    for a in args:
        kind = kind_of(a.value) if isinstance(a, n.Starred) else None
        if isinstance(a, n.Starred) and isinstance(a.value, n.ListExpr):
            found.extend(spread(a.value.items, kind_of))
        elif isinstance(a, n.Starred) and isinstance(kind, TupleOf):
            count = range(len(kind.items))
            found.extend(n.Subscript(a.value, n.Const(str(k), k)) for k in count)
        else:
            found.append(a)
    return found


def always(callee: object) -> Value | None:
    """Return what a builtin gives whatever it is given; None for others."""
    if callee is builtins.range:
        return Value(RangeKind())
    if callee is builtins.id or callee is builtins.hash:
        return Value(INT)
    if callee in (builtins.isinstance, builtins.callable, builtins.hasattr):
        return Value(BOOL)
    if callee in (builtins.str, builtins.repr, builtins.format):
        return Value(Str())
    return Value(NONE) if callee is builtins.print else None


def dict_of(values: list[Value]) -> Value:
    """Return what is known of a dict that holds these values."""
    kind = functools.reduce(join, (v.kind for v in values)) if values else UNKNOWN
    return Value(DictOf(kind), any(v.varied for v in values))


def table_of(whole: Value, pair: Value) -> Value:
    """Return what is known of `dict(whole)`. pair: what is known of an item of it."""
    if isinstance(whole.kind, DictOf):
        return Value(whole.kind, whole.varied)
    known = isinstance(pair.kind, TupleOf) and len(pair.kind.items) == 2
    return Value(DictOf(item_of(pair, 1).kind if known else UNKNOWN), whole.varied)


def repeated(items: Value, count: n.Expr, kind: Kind) -> Value:
    """Return what is known of a list or tuple times a number."""
    times = constant_int(count)
    if isinstance(items.kind, ListOf):
        return Value(UNKNOWN if isinstance(kind, Array) else items.kind, items.varied)
    if isinstance(items.kind, TupleOf) and times is not None:
        whole = [item_of(items, k) for k in range(len(items.kind.items))]
        return tuple_of(whole * times)
    return Value(UNKNOWN, items.varied)


def partial_of(function: object, names_: tuple[str, ...], items: tuple[Value, ...]) -> Value:
    """Return what is known of a function with keyword arguments."""
    kind = Partial(function, names_, tuple(item.kind for item in items))
    return Value(kind, any(item.varied for item in items), items)


def named(e: n.Expr, env: Env) -> dict[str, Value]:
    """Return what is known of the variables that `:=` may bind in `e`: little."""
    bound = [x.target.id for x in inside(e, n.NamedExpr)]
    if not bound:
        return {}
    varied = any(env.get(x, PASSIVE).varied for x in {*names(e), *bound})
    return {name: Value(UNKNOWN, varied) for name in bound}


def itemwise(arguments: Mapping[str, n.Expr], kind_of: Callable[[n.Expr], Kind]) -> dict[str, Kind]:
    """Return the kinds of arguments, that of each item of a list that is written out there."""
    kinds = {name: kind_of(e) for name, e in arguments.items()}
    for name, e in arguments.items():
        written = isinstance(e, n.ListExpr) and isinstance(kinds[name], ListOf)
        items = e.items if written and isinstance(e, n.ListExpr) else ()
        if items and not any(isinstance(item, n.Starred) for item in items):
            kinds[name] = TupleOf(tuple(map(kind_of, items)), True)
    return kinds


# methods of text that take nothing and give text
_OF_TEXT = ("upper", "lower", "strip", "title", "casefold", "capitalize", "swapcase")


def of_method(owner: Value, name: str, args: Sequence[Value]) -> Value | None:
    """Return what is known of the result of a method of a dict or of text, None for any other."""
    if isinstance(owner.kind, DictOf) and name == "get":
        other = args[1] if len(args) == 2 else Value(UNKNOWN)
        return Value(join(owner.kind.value, other.kind), owner.varied or other.varied)
    if isinstance(owner.kind, Str) and name in _OF_TEXT and not args:
        text = owner.kind.value
        return Value(Str(None if text is None else getattr(text, name)()))
    return None
