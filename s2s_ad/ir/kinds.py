"""Kinds: what is known of a value before it runs.

Takes nothing, gives the kind classes and their arithmetic (join, broadcasting), requires only
`ir.remembered`.

A kind is proved or absent: `UNKNOWN` is always right. An array's kind holds, per axis, a
`Dim`: equal symbols mean equal lengths, and `one` says whether the length is 1, which is
what NumPy's broadcasting turns on (the broadcastable pattern of Theano's types).
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from .remembered import made_at_once, replace

_symbols = [0]  # how many there are


@dataclass(frozen=True)
class Dim:
    """Length of an axis: `symbol` plus `offset`, none where that is negative. one: True, False for
    more, or None when it is not known, or nothing has this length (0). least: what it is not
    below, as far as is known."""

    symbol: str
    offset: int = 0
    one: bool | None = None
    least: int = 0


def same_length(a: Dim, b: Dim) -> bool:
    """True for lengths that are equal wherever what they are broadcast in succeeds."""
    return (a.symbol, a.offset) == (b.symbol, b.offset) or (a.one is False and b.one is False)


ONE = Dim("1", 0, True, 1)


def fresh_dim(one: bool | None = None) -> Dim:
    """Return a length equal to no other as far as is known."""
    _symbols[0] += 1
    return Dim(f"?{_symbols[0]}", 0, one, 0 if one is None else 1 if one else 2)


def dim_of_length(length: int) -> Dim:
    """Return a length that is known.

    >>> dim_of_length(3)
    Dim(symbol='3', offset=0, one=False, least=3)
    """
    return ONE if length == 1 else Dim(str(length), 0, False if length else None, length)


def longer(dim: Dim, by: int) -> Dim:
    """Return a length that is so much more than another; nothing is left of one that is less.

    >>> longer(Dim("n", 0, False, 4), -1)
    Dim(symbol='n', offset=-1, one=False, least=3)
    """
    if not by:
        return dim
    if dim.symbol.isdigit():
        return dim_of_length(max(0, int(dim.symbol) + dim.offset + by))
    least = max(0, dim.least + by)
    return Dim(dim.symbol, dim.offset + by, False if least > 1 else None, least)


def total_length(dims: tuple[Dim, ...]) -> Dim:
    """Return the length of what is put together of parts of such lengths.

    >>> total_length((ONE, Dim("n", -2, False, 2), ONE))
    Dim(symbol='n', offset=0, one=False, least=4)
    """
    known = sum(int(dim.symbol) for dim in dims if dim.symbol.isdigit())
    others = [dim for dim in dims if not dim.symbol.isdigit()]
    if not others:
        return dim_of_length(known)
    only = others[0]
    if len(others) == 1 and (only.least or not only.offset):
        return longer(only, known)
    return fresh_dim(False if sum(dim.least for dim in dims) > 1 else None)


def symbols_made() -> int:
    """Return how many lengths have been given a symbol of their own so far."""
    return _symbols[0]


@dataclass(frozen=True)
class Number:
    """A Python or NumPy scalar. type: `float`, `int`, `bool`, or `number` (any of them)."""

    type: str = "float"


@dataclass(frozen=True)
class Length(Number):
    """An integer that is the length of an axis, or as much more or less as `dim` says."""

    dim: Dim = ONE


@dataclass(frozen=True)
class MaybeNumber(Number):
    """A number or None: what computes with it, and does not fail, computes with a number."""


@made_at_once
@dataclass(frozen=True)
class Array:
    """A numpy.ndarray. dims is None when not even the rank is known.

    dtype: `float` (any width of real float), `int`, `bool`, `other`, or `any`. double: whether it
    is known to hold floats of at least 64 bits.
    """

    dims: tuple[Dim, ...] | None
    dtype: str = "float"
    double: bool = False

    def __post_init__(self) -> None:
        if self.double and self.dtype != "float":
            object.__setattr__(self, "double", False)


@dataclass(frozen=True)
class TupleOf:
    """A tuple, or a list of a known length (adjoints of tuples are lists, which are stored into).

    is_list: it may be a list.
    """

    items: tuple[Kind, ...]
    is_list: bool = False


@dataclass(frozen=True)
class ListOf:
    """A list whose items all have kind `item` (the join of them)."""

    item: Kind


@dataclass(frozen=True)
class DictOf:
    """A dict whose values all have kind `value` (the join of them)."""

    value: Kind


@dataclass(frozen=True)
class NoneKind:
    pass


@dataclass(frozen=True)
class Str:
    """A string; its value when it is known."""

    value: str | None = None


@dataclass(frozen=True)
class DTypeOf:
    """The dtype of an array of this one, as `Array.dtype` says it: of any width."""

    dtype: str


@dataclass(frozen=True)
class RangeKind:
    pass


@dataclass(frozen=True)
class Object:
    """A particular object known at build time: a function, a class, a module."""

    value: Any

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and other.value is self.value


@dataclass(frozen=True)
class Partial:
    """A known function together with keyword arguments: what a local function captures."""

    function: Any
    names: tuple[str, ...]
    items: tuple[Kind, ...]

    def __hash__(self) -> int:
        return hash((id(self.function), self.names))


@dataclass(frozen=True)
class Unknown:
    pass


@dataclass(frozen=True)
class OneTime(Unknown):
    """What may give its items, of kind `item`, only once: an iterator, or nobody knows what."""

    item: Kind = Unknown()


class Cell:
    """The kind of a part of what a recursive function returns, in which it stands for itself."""

    kind: Kind


@dataclass(frozen=True)
class Folded(Unknown):
    """Such a part, or None: what it consists of is asked when it is taken apart."""

    cell: Cell


@dataclass(frozen=True)
class Nothing:
    """The kind of the items of an empty container: what is put in decides."""


UNKNOWN = Unknown()
NOTHING = Nothing()
FLOAT = Number("float")
INT = Number("int")
BOOL = Number("bool")
NUMBER = Number("number")
NONE = NoneKind()

Kind: TypeAlias = (
    Number
    | Array
    | TupleOf
    | ListOf
    | DictOf
    | NoneKind
    | Str
    | DTypeOf
    | RangeKind
    | Object
    | Partial
    | Unknown
    | Nothing
)


def join(a: Kind, b: Kind) -> Kind:
    """Return the smallest kind that covers both.

    >>> join(FLOAT, INT)
    Number(type='number')
    """
    if a == b or isinstance(b, Nothing):
        return a
    if isinstance(a, Nothing):
        return b
    if isinstance(a, OneTime) or isinstance(b, OneTime):
        return OneTime()
    if isinstance(a, Folded) and isinstance(b, NoneKind):
        return a
    if isinstance(b, Folded) and isinstance(a, NoneKind):
        return b
    if isinstance(a, Number) and isinstance(b, Number):
        if Length in (type(a), type(b)):
            return join(without_length(a), without_length(b))
        return maybe(a, b) if MaybeNumber in (type(a), type(b)) else NUMBER
    if NONE in (a, b) and MaybeNumber in (type(a), type(b)):
        return b if a == NONE else a
    if isinstance(a, Array) and isinstance(b, Array):
        dtype = a.dtype if a.dtype == b.dtype else "any"
        if a.dims is None or b.dims is None or len(a.dims) != len(b.dims):
            return Array(None, dtype)
        dims = tuple(x if x == y else _either(x, y) for x, y in zip(a.dims, b.dims))
        return Array(dims, dtype, a.double and b.double)
    if isinstance(a, TupleOf) and isinstance(b, TupleOf) and len(a.items) == len(b.items):
        items = tuple(join(x, y) for x, y in zip(a.items, b.items))
        return TupleOf(items, a.is_list or b.is_list)
    if isinstance(a, ListOf) and isinstance(b, ListOf):
        return ListOf(join(a.item, b.item))
    if isinstance(a, DictOf) and isinstance(b, DictOf):
        return DictOf(join(a.value, b.value))
    if isinstance(a, Str) and isinstance(b, Str):
        return Str()
    return UNKNOWN


def maybe(a: Number, b: Number) -> Kind:
    """Return the kind of what is one number, another or None."""
    return MaybeNumber(a.type if a.type == b.type else "number")


def either(a: Kind, b: Kind) -> Kind:
    """Return the kind of a variable that holds one or the other; `join` is that of many items.

    >>> either(NONE, FLOAT)
    MaybeNumber(type='float')
    """
    for one, other in ((a, b), (b, a)):
        if one == NONE and isinstance(other, Number):
            return maybe(other, other)
    return join(a, b)


def without_length(kind: Number) -> Number:
    """Return the kind of a number without what is known of it as a length."""
    return INT if isinstance(kind, Length) else kind


def _either(a: Dim, b: Dim) -> Dim:
    if (a.symbol, a.offset) == (b.symbol, b.offset):
        return a if a.least > b.least else b
    return fresh_dim(a.one if a.one == b.one else None)


def holding(kind: Kind, item: Kind, depth: int) -> Kind:
    """Return the kind of a container once an item, so many containers down, is stored into it.

    >>> holding(ListOf(INT), FLOAT, 1)
    ListOf(item=Number(type='number'))
    """
    if not depth:
        return join(kind, item)
    if isinstance(kind, ListOf):
        return ListOf(holding(kind.item, item, depth - 1))
    if isinstance(kind, DictOf):
        return DictOf(holding(kind.value, item, depth - 1))
    if isinstance(kind, TupleOf):
        return TupleOf(tuple(holding(x, item, depth - 1) for x in kind.items), kind.is_list)
    return kind


def refreshed(kind: Kind) -> Kind:
    """Return the kind of one item of a container: lengths that differ by item get new symbols."""
    made: dict[Dim, Dim] = {}

    def new(dim: Dim) -> Dim:
        return made.setdefault(dim, fresh_dim(dim.one)) if dim.symbol.startswith("?") else dim

    if isinstance(kind, Array) and kind.dims is not None:
        dims = tuple(map(new, kind.dims))
        return kind if dims == kind.dims else replace(kind, dims=dims)
    if isinstance(kind, TupleOf):
        return TupleOf(tuple(map(refreshed, kind.items)), kind.is_list)
    return without_length(kind) if isinstance(kind, Length) else kind


def is_number(kind: Kind) -> bool:
    return isinstance(kind, Number)


def is_array(kind: Kind) -> bool:
    return isinstance(kind, Array)


def is_vector(kind: Kind) -> TypeGuard[Array]:
    """True for an array of one axis."""
    return isinstance(kind, Array) and kind.dims is not None and len(kind.dims) == 1


def is_matrix(kind: Kind) -> bool:
    """True for an array of two axes."""
    return isinstance(kind, Array) and kind.dims is not None and len(kind.dims) == 2


def is_immutable(kind: Kind) -> bool:
    """True when nothing can change a value of this kind in place."""
    if isinstance(kind, TupleOf):
        return not kind.is_list and all(is_immutable(item) for item in kind.items)
    if isinstance(kind, Object):
        return callable(kind.value) or isinstance(kind.value, types.ModuleType)
    return isinstance(kind, (Number, Str, DTypeOf, NoneKind, RangeKind))


def adjoint_kind(kind: Kind) -> Kind:
    """Return the kind of the adjoint of a value: real numbers, lists in the place of tuples.

    >>> adjoint_kind(TupleOf((INT, NONE)))
    TupleOf(items=(Number(type='float'), Number(type='float')), is_list=True)
    """
    if isinstance(kind, Array):
        return kind if kind.dtype == "any" else Array(kind.dims, "float")
    if isinstance(kind, TupleOf):
        return TupleOf(tuple(adjoint_kind(item) for item in kind.items), True)
    if isinstance(kind, ListOf):
        return ListOf(_adjoint_of_item(kind.item))
    if isinstance(kind, DictOf):
        return DictOf(_adjoint_of_item(kind.value))
    if isinstance(kind, Folded):
        return UNKNOWN
    return kind if isinstance(kind, (Unknown, Nothing)) else FLOAT


def _adjoint_of_item(kind: Kind) -> Kind:
    """Return the kind of the adjoint of an item, which may be missing as the item is."""
    return UNKNOWN if isinstance(kind, MaybeNumber) else adjoint_kind(kind)


def is_discrete(kind: Kind) -> bool:
    """True when no derivative can flow through values of this kind."""
    if isinstance(kind, Number):
        return kind.type in ("int", "bool")
    if isinstance(kind, Array):
        return kind.dtype in ("int", "bool")
    if isinstance(kind, TupleOf):
        return all(is_discrete(item) for item in kind.items)
    if isinstance(kind, ListOf):
        return is_discrete(kind.item)
    if isinstance(kind, DictOf):
        return is_discrete(kind.value)
    return isinstance(kind, (NoneKind, Str, DTypeOf, RangeKind, Object))


def result_dtype(*dtypes: str) -> str:
    """Return the dtype class of an arithmetic result (`/` and functions make ints float)."""
    if "other" in dtypes:
        return "other"
    if "float" in dtypes:
        return "float"
    if "any" in dtypes:
        return "any"
    return "int" if "int" in dtypes else "bool"


def broadcast_dims(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Return the axes of an elementwise result, as NumPy broadcasts them: the same object where
    they are those of an operand."""
    if a is b or not b:
        return a
    if not a and not any(x.one or x.symbol == ONE.symbol for x in b):
        return b
    rank = max(len(a), len(b))
    a = (ONE,) * (rank - len(a)) + a
    b = (ONE,) * (rank - len(b)) + b
    found = tuple([_broadcast_dim(x, y) for x, y in zip(a, b)])
    return a if all(x is y for x, y in zip(found, a)) else found


def _broadcast_dim(a: Dim, b: Dim) -> Dim:
    same = (a.symbol, a.offset) == (b.symbol, b.offset)
    if same or b.one is True:
        return a
    if a.one is True:
        return b
    if a.one is False:
        # if neither is 1 they are equal
        return Dim(a.symbol, a.offset, False, max(a.least, b.least))
    if b.one is False:
        return b
    return fresh_dim()


def broadcast(*kinds: Kind) -> Kind:
    """Return the kind of an elementwise float function of operands of these kinds.

    >>> broadcast(FLOAT, INT)
    Number(type='float')
    """
    dims: tuple[Dim, ...] = ()
    array = double = False
    for kind in kinds:
        if isinstance(kind, Array):
            if kind.dims is None:
                return Array(None, "float")
            array = True
            double = double or kind.double
            dims = broadcast_dims(dims, kind.dims)
        elif not isinstance(kind, Number):
            return UNKNOWN
    return Array(dims, "float", double) if array else FLOAT
