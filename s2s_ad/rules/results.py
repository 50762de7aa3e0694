"""Kinds of results: what a rule says of its call's value before it runs.

Takes kinds and argument expressions by parameter name, gives the kind of the result; requires
`ir`. A kind is proved or absent: each function here returns UNKNOWN when in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import (
    ONE,
    UNKNOWN,
    Array,
    DictOf,
    Dim,
    Kind,
    ListOf,
    NoneKind,
    Number,
    TupleOf,
    adjoint_kind,
    broadcast,
    broadcast_dims,
    dim_of_length,
    fresh_dim,
    join,
    result_dtype,
    total_length,
)
from s2s_ad.ir.nodes import Binary, Const, Expr, ListExpr, TupleExpr, Unary
from s2s_ad.ir.remembered import replace

from .dtypes import asked_dtype
from .rule import Result

Kinds = Mapping[str, Kind]
Args = Mapping[str, Expr]


def is_given(value: object) -> bool:
    """True for an argument that is not the literal None."""
    return value is not None


def is_integer(value: object) -> bool:
    """True for a literal axis that is a single integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_none(value: object) -> bool:
    """True for the literal None."""
    return value is None


MISSING = object()  # not a literal


def literal(expr: Expr | None) -> object:
    """Return the value of a literal expression (numbers, fractions, strings, tuples), or MISSING.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> literal(parse_expr("(-1, 2)"))
    (-1, 2)
    """
    match expr:
        case Const():
            return expr.value
        case Unary(op="-", operand=Const(value=value)) if isinstance(value, (int, float)):
            return -value
        case TupleExpr() | ListExpr():
            items = tuple(literal(item) for item in expr.items)
            return MISSING if MISSING in items else items
        case Binary("/", Const(_, int() | float() as a), Const(_, int() | float() as b)) if b:
            return a / b
    return MISSING


def constant(kind: Kind) -> Result:
    """Return a result that is always of this kind."""
    return lambda kinds, args: kind


def settled(kind: Kind) -> Kind:
    """Return the kind NumPy's ufuncs give: a result without axes is a scalar, not an array."""
    if isinstance(kind, Array) and kind.dims == ():
        return Number(kind.dtype if kind.dtype in ("float", "int", "bool") else "number")
    return kind


def dtype_of(kind: Kind) -> str:
    if isinstance(kind, Number):
        return "any" if kind.type == "number" else kind.type
    return kind.dtype if isinstance(kind, Array) else "any"


def _with_dtype(kind: Kind, dtype: str) -> Kind:
    if isinstance(kind, Array):
        return settled(kind if kind.dtype == dtype else replace(kind, dtype=dtype))
    if isinstance(kind, Number):
        return settled(Array((), dtype))
    return kind


def elementwise(dtype: str, operands: tuple[str, ...], array: bool = False) -> Result:
    """Return the result of a broadcasting function of `operands`.

    dtype: `float`, `int`, `bool`, `same` for the dtype that arithmetic gives (bools as ints), or
    `plain` for that of the operands (bools stay bools). array: the result is an array even of
    numbers, one without axes.
    """

    def result(kinds: Kinds, args: Args) -> Kind:
        given = tuple(kinds.get(name, UNKNOWN) for name in operands)
        given = tuple(kind for kind in given if not isinstance(kind, NoneKind))
        kind = broadcast(*given)
        found = result_dtype(*map(dtype_of, given)) if dtype in ("same", "plain") else dtype
        kind = _with_dtype(kind, "int" if found == "bool" and dtype == "same" else found)
        return kind if not array else as_array(kind)

    return result


def pair(first: str, second: str) -> Result:
    """Return a tuple of two results of the first operand's shape, of these dtypes."""

    def result(kinds: Kinds, args: Args) -> Kind:
        return TupleOf(
            tuple(elementwise(dtype, tuple(kinds))(kinds, args) for dtype in (first, second))
        )

    return result


def several_of(count: int) -> Result:
    """Return a tuple of so many results of the first operand's shape."""

    def result(kinds: Kinds, args: Args) -> Kind:
        return TupleOf((elementwise("float", tuple(kinds)[:1])(kinds, args),) * count)

    return result


def aligned(operand: str, dtype: str | None = None) -> Result:
    """Return the kind of what works along the axes of `operand`: a number stays a number."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get(operand, UNKNOWN)
        return settled(kind) if isinstance(kind, Number) else like(operand, dtype)(kinds, args)

    return result


def like(operand: str, dtype: str | None = None) -> Result:
    """Return an array of the shape of `operand`, of `dtype` or its own."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get(operand, UNKNOWN)
        if isinstance(kind, Number):
            return Array((), dtype or dtype_of(kind))
        if isinstance(kind, Array):
            return replace(kind, dtype=dtype, double=False) if dtype else kind
        return Array(None, dtype or "any") if isinstance(kind, ListOf) else UNKNOWN

    return result


def like_asked(operand: str) -> Result:
    """Return an array of the shape of `operand`, of the dtype that is asked for."""
    return lambda kinds, args: like(operand, asked_dtype(kinds.get("dtype", UNKNOWN)))(kinds, args)


def same(operand: str) -> Result:
    """Return a result of the very kind of `operand`."""
    return lambda kinds, args: kinds.get(operand, UNKNOWN)


def adjoint(operand: str) -> Result:
    """Return the kind of an adjoint of `operand`."""
    return lambda kinds, args: adjoint_kind(kinds.get(operand, UNKNOWN))


def sum_of(first: str, second: str) -> Result:
    """Return the kind of the sum of two adjoints, containers item by item."""

    def total(a: Kind, b: Kind) -> Kind:
        if isinstance(a, Number) and not isinstance(b, (Number, Array)):
            a, b = b, a  # a number beside a container is a zero
        if isinstance(a, TupleOf):
            if isinstance(b, TupleOf) and len(a.items) == len(b.items):
                return TupleOf(tuple(map(total, a.items, b.items)), True)
            return adjoint_kind(a) if isinstance(b, Number) else ListOf(UNKNOWN)
        if isinstance(a, ListOf):
            if isinstance(b, ListOf):
                return ListOf(total(a.item, b.item))
            return a if isinstance(b, Number) else ListOf(UNKNOWN)
        if isinstance(a, DictOf):
            return DictOf(join(a.value, b.value)) if isinstance(b, DictOf) else UNKNOWN
        return elementwise("same", ("a", "b"))({"a": a, "b": b}, {})

    return lambda kinds, args: total(kinds.get(first, UNKNOWN), kinds.get(second, UNKNOWN))


def as_array(kind: Kind) -> Kind:
    """Return the kind of `np.asarray(value)`.

    >>> as_array(Number("int"))
    Array(dims=(), dtype='int', double=False)
    """
    if isinstance(kind, Number):
        return Array((), dtype_of(kind))
    if isinstance(kind, TupleOf) and kind.items:
        inner = [as_array(item) for item in kind.items]
        dtype = result_dtype(*map(dtype_of, inner))
        count = dim_of_length(len(inner))
        dims = [item.dims if isinstance(item, Array) else None for item in inner]
        first = dims[0]
        if first is None or any(d is None or len(d) != len(first) for d in dims):
            return Array(None, dtype)
        return Array((count, *first), dtype)
    if isinstance(kind, ListOf):
        item = as_array(kind.item)
        if isinstance(item, Array) and item.dims is not None:
            return Array((fresh_dim(), *item.dims), item.dtype)
        return Array(None, dtype_of(item))
    return kind if isinstance(kind, Array) else UNKNOWN


def axes_of(value: object, rank: int) -> tuple[int, ...] | None:
    """Return normalised axes from a literal `axis` argument, or None when it is not a literal."""
    if value is None:
        return tuple(range(rank))
    axes = (value,) if isinstance(value, int) else value
    if not isinstance(axes, tuple) or not all(isinstance(a, int) for a in axes):
        return None
    if any(not -rank <= a < rank for a in axes):
        return None
    return tuple(a % rank for a in axes)


def reduction(operand: str, dtype: str = "float") -> Result:
    """Return the result of a function with parameters `axis` and maybe `keepdims`."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get(operand, UNKNOWN)
        axis = literal(args.get("axis", Const("None", None)))
        keep = literal(args.get("keepdims", Const("False", False)))
        found = dtype_of(kind)
        out = found if dtype in ("same", "plain") else dtype
        if dtype == "same" and found == "bool":
            out = "int"
        if axis is None and keep is False:
            return settled(Array((), out)) if _numeric(kind) else UNKNOWN
        shaped = as_array(kind)
        if not isinstance(shaped, Array) or keep not in (True, False):
            return UNKNOWN
        if shaped.dims is None:
            return Array(None, out) if keep is True else UNKNOWN
        axes = axes_of(axis, len(shaped.dims))
        if axes is None:
            return UNKNOWN
        if keep and not isinstance(kind, Number):
            return Array(tuple(ONE if k in axes else x for k, x in enumerate(shaped.dims)), out)
        return settled(Array(tuple(x for k, x in enumerate(shaped.dims) if k not in axes), out))

    return result


def _numeric(kind: Kind) -> bool:
    """True when a full reduction of such a value is a number: not for lists of who knows what."""
    if isinstance(kind, (ListOf, TupleOf)):
        shaped = as_array(kind)
        return isinstance(shaped, Array) and shaped.dims is not None
    return isinstance(kind, (Number, Array))


def raveled(operand: str) -> Result:
    """Return an array of one axis."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array):
            return Array((fresh_dim(),), "any")
        if kind.dims is not None and len(kind.dims) == 1:
            return kind
        return Array((ONE if kind.dims == () else fresh_dim(),), kind.dtype)

    return result


def along_axis(operand: str, dtype: str = "same") -> Result:
    """Return the result of a scan (`cumsum`): the operand's shape, or flat when `axis` is None."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array):
            return UNKNOWN
        out = kind.dtype if dtype == "same" else dtype
        axis = literal(args.get("axis"))
        if kind.dims is None or axis is MISSING:
            return Array(None, out)
        if not kind.dims:
            return Array((ONE,), out)
        return Array(kind.dims if axis is not None or len(kind.dims) == 1 else (fresh_dim(),), out)

    return result


def matmul(a: Kind, b: Kind, *, dot: bool = False) -> Kind:
    """Return the kind of `a @ b` (of `np.dot(a, b)` when dot)."""
    if dot and (isinstance(a, Number) or isinstance(b, Number)):
        return settled(broadcast(a, b))
    if not (isinstance(a, Array) and isinstance(b, Array)):
        return UNKNOWN
    dtype = result_dtype(a.dtype, b.dtype)
    if a.dims is None or b.dims is None or not a.dims or not b.dims:
        return UNKNOWN
    if dot and (len(a.dims) > 2 or len(b.dims) > 2):
        return Array(None, dtype)
    stack = broadcast_dims(a.dims[:-2], b.dims[:-2])
    rows = a.dims[-2:-1]
    columns = b.dims[-1:] if len(b.dims) > 1 else ()
    return settled(Array((*stack, *rows, *columns), dtype, a.double or b.double))


def product(a: str, b: str, *, dot: bool = False) -> Result:
    """Return the result of `a @ b` or `np.dot(a, b)` by parameter names."""
    return lambda kinds, args: matmul(kinds.get(a, UNKNOWN), kinds.get(b, UNKNOWN), dot=dot)


def transposed(operand: str) -> Result:
    """Return the operand's shape with its axes reversed, or permuted by a literal `axes`."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array) or kind.dims is None:
            return kind
        axes = literal(args.get("axes", Const("None", None)))
        if isinstance(axes, tuple) and len(axes) == 1 and isinstance(axes[0], tuple):
            axes = axes[0]
        if axes is None or axes == () or axes == (None,):
            return replace(kind, dims=kind.dims[::-1])
        order = axes_of(axes, len(kind.dims))
        if order is None or len(order) != len(kind.dims):
            return Array(None, kind.dtype)
        return replace(kind, dims=tuple(kind.dims[k] for k in order))

    return result


def ranked(rank: int, operand: str, dtype: str | None = None) -> Result:
    """Return an array of fixed rank with unknown lengths."""

    def result(kinds: Kinds, args: Args) -> Kind:
        found = dtype or dtype_of(as_array(kinds.get(operand, UNKNOWN)))
        return Array(tuple(fresh_dim() for _ in range(rank)), found)

    return result


def places_along(operand: str) -> Result:
    """Return a tuple of as many arrays of whole numbers, of one length, as the operand has axes."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array) or kind.dims is None:
            return UNKNOWN
        return TupleOf((Array((fresh_dim(),), "int"),) * max(1, len(kind.dims)))

    return result


def open_mesh(kinds: Kinds, args: Args) -> Kind:
    """Return an array of whole numbers for each argument, along an axis of its own."""
    sequences = args.get("args")
    if not isinstance(sequences, TupleExpr):
        return UNKNOWN
    count = len(sequences.items)
    arrays = [
        Array(tuple(fresh_dim() if k == j else ONE for k in range(count)), "int")
        for j in range(count)
    ]
    return TupleOf(tuple(arrays))


def pair_of_places(kinds: Kinds, args: Args) -> Kind:
    """Return two arrays of whole numbers of one length: the places of a part of a matrix."""
    return TupleOf((Array((fresh_dim(),), "int"),) * 2)


def several(operands: tuple[str, str], container: type, rank: int) -> Result:
    """Return an array of that rank for each operand, in a list or a tuple, as this NumPy does."""

    def result(kinds: Kinds, args: Args) -> Kind:
        one, other = (ranked(rank, x)(kinds, args) for x in operands)
        return ListOf(join(one, other)) if container is list else TupleOf((one, other))

    return result


def same_rank(operand: str) -> Result:
    """Return an array of the rank of an operand, with other lengths."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array) or kind.dims is None:
            return kind
        return Array(tuple(fresh_dim() for _ in kind.dims), kind.dtype)

    return result


def joined(operand: str, *, new_axis: bool) -> Result:
    """Return the result of `stack` (a new axis) or `concatenate` (a longer one)."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get(operand, UNKNOWN)
        axis = literal(args.get("axis", Const("0", 0)))
        items = kind.items if isinstance(kind, TupleOf) else ()
        if isinstance(kind, ListOf):
            items = (kind.item,)
        if isinstance(kind, Array) and kind.dims:
            items = (Array(kind.dims[1:], kind.dtype),)
        arrays = [as_array(item) for item in items]
        if not arrays or not all(isinstance(a, Array) for a in arrays):
            return Array(None, "any")
        dtype = result_dtype(*map(dtype_of, arrays))
        dims = next((a.dims for a in arrays if isinstance(a, Array) and a.dims is not None), None)
        if axis is None and not new_axis:
            return Array((fresh_dim(),), dtype)
        if dims is None or not isinstance(axis, int):
            return Array(None, dtype)
        rank = len(dims) + new_axis
        if not -rank <= axis < rank:
            return Array(None, dtype)
        place = axis % rank
        if isinstance(kind, TupleOf) and new_axis:
            count = dim_of_length(len(items))
        else:
            # there is something in at least two of them
            # what is left out may be empty
            parts = tuple(_axis(a, place) for a in arrays) if isinstance(kind, TupleOf) else ()
            count = total_length(parts or (fresh_dim(),))
        double = any(isinstance(a, Array) and a.double for a in arrays)
        return Array((*dims[:place], count, *dims[place + (not new_axis) :]), dtype, double)

    return result


def _axis(kind: Kind, axis: int) -> Dim:
    known = isinstance(kind, Array) and kind.dims is not None and axis < len(kind.dims)
    return kind.dims[axis] if known and isinstance(kind, Array) and kind.dims else fresh_dim()


def side_by_side(operand: str, least: int) -> Result:
    """Return the result of `vstack` and its like: rank at least `least`, lengths not known."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get(operand, UNKNOWN)
        items = kind.items if isinstance(kind, TupleOf) else ()
        if isinstance(kind, ListOf):
            items = (kind.item,)
        arrays = [as_array(item) for item in items]
        ranks = {len(a.dims) for a in arrays if isinstance(a, Array) and a.dims is not None}
        dtype = result_dtype(*map(dtype_of, arrays)) if arrays else "any"
        if not arrays or len(ranks) != 1 or any(rank_unknown(a) for a in arrays):
            return Array(None, dtype)
        return Array(tuple(fresh_dim() for _ in range(max(least, *ranks))), dtype)

    return result


def rank_unknown(kind: Kind) -> bool:
    """True for what is not an array of known rank."""
    return not isinstance(kind, Array) or kind.dims is None


def float_cast(operand: str) -> Result:
    """Return the result of `np.asarray(x, dtype=...)`: an array, of that dtype if it is a float."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array) or literal(args.get("dtype", Const("None", None))) is None:
            return kind
        return replace(kind, dtype=asked_dtype(kinds.get("dtype", UNKNOWN)), double=False)

    return result


def of_some_rank(operand: str) -> Result:
    """Return the result of a function that may add axes to its operand."""

    def result(kinds: Kinds, args: Args) -> Kind:
        made = float_cast(operand)(kinds, args)
        return Array(None, made.dtype) if isinstance(made, Array) else made

    return result
