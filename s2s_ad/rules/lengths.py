"""Kinds of results that a length makes: `len(x)`, `x.shape`, `np.zeros(n)`.

Takes kinds and argument expressions by parameter name, gives the kind of the result; requires
`ir`. See `rules.results`.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import (
    INT,
    UNKNOWN,
    Array,
    Dim,
    Kind,
    Length,
    Number,
    TupleOf,
    dim_of_length,
    fresh_dim,
    is_vector,
    longer,
)
from s2s_ad.ir.nodes import Const, Expr, ListExpr, Starred, TupleExpr
from s2s_ad.ir.remembered import replace

from .dtypes import asked_dtype
from .results import Args, Kinds, as_array, axes_of, dtype_of, elementwise, literal
from .rule import Result


def dim_of(value: object) -> Dim:
    """Return the length that a literal says: numbers other than -1 are known."""
    known = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return dim_of_length(value) if known and isinstance(value, int) else fresh_dim()


def _length(e: Expr | None, kind: Kind) -> Dim:
    """Return the length that an argument of this kind asks for."""
    return longer(kind.dim, 0) if isinstance(kind, Length) else dim_of(literal(e))


def _shape_dims(expr: Expr | None, kind: Kind) -> tuple[Dim, ...] | None:
    """Return the axes that a shape argument (`n`, `(n, 3)`, `x.shape`) asks for, or None."""
    spread = isinstance(expr, (TupleExpr, ListExpr)) and any(
        isinstance(item, Starred) for item in expr.items
    )
    if isinstance(expr, (TupleExpr, ListExpr)) and not spread:
        kinds = kind.items if isinstance(kind, TupleOf) else ()
        if len(kinds) != len(expr.items):
            kinds = (UNKNOWN,) * len(expr.items)
        return tuple(map(_length, expr.items, kinds))
    if isinstance(kind, Number) or isinstance(literal(expr), int):
        return (_length(expr, kind),)
    if isinstance(kind, TupleOf):
        return tuple(_length(None, item) for item in kind.items)
    return None


def shaped(shape: str, dtype: str, operand: str | None = None, star: bool = False) -> Result:
    """Return an array whose shape is the argument `shape`; the dtype given, or the operand's.

    star: the shape may also come as several arguments, collected in a tuple.
    """

    def result(kinds: Kinds, args: Args) -> Kind:
        found = dtype_of(as_array(kinds.get(operand, UNKNOWN))) if operand else dtype
        asked, kind = args.get(shape), kinds.get(shape, UNKNOWN)
        if star and isinstance(asked, TupleExpr) and len(asked.items) == 1:
            only = isinstance(kind, TupleOf) and len(kind.items) == 1
            kind = kind.items[0] if only and isinstance(kind, TupleOf) else UNKNOWN
            asked = asked.items[0]
        return Array(_shape_dims(asked, kind), found)

    return result


def shape_of(operand: str) -> Result:
    """Return a tuple of as many integers as the operand has axes."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if isinstance(kind, Array) and kind.dims is not None:
            return TupleOf(tuple(Length("int", dim) for dim in kind.dims))
        return UNKNOWN

    return result


def length_of(operand: str) -> Result:
    """Return how many items there are in the operand."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get(operand, UNKNOWN)
        if isinstance(kind, Array) and kind.dims:
            return Length("int", kind.dims[0])
        return INT

    return result


def size_of(operand: str) -> Result:
    """Return how many entries there are in the operand."""

    def result(kinds: Kinds, args: Args) -> Kind:
        flat = is_vector(kinds.get(operand, UNKNOWN))
        return length_of(operand)(kinds, args) if flat else INT

    return result


def moved(sign: int) -> Result:
    """Return the result of `a + b`, or of `a - b`: a length and a literal give a length.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> kinds = {"a": Length("int", Dim("n", 0, False, 4)), "b": INT}
    >>> moved(-1)(kinds, {"b": parse_expr("2")}).dim
    Dim(symbol='n', offset=-2, one=False, least=2)
    """

    def result(kinds: Kinds, args: Args) -> Kind:
        kind, number = kinds.get("a", UNKNOWN), literal(args.get("b"))
        if isinstance(kind, Length) and type(number) is int:
            by = sign * number
            if by <= 0 or kind.dim.least or kind.dim.offset >= 0:
                return Length("int", longer(kind.dim, by))
            # what has no length below 0 may have been cut
        return elementwise("same", ("a", "b"))(kinds, args)

    return result


def grown(operand: str, by: int) -> Result:
    """Return the operand's shape, with so much more along `axis` (a literal)."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = as_array(kinds.get(operand, UNKNOWN))
        if not isinstance(kind, Array) or kind.dims is None:
            return kind
        axes = axes_of(literal(args.get("axis")), len(kind.dims))
        if axes is None or len(axes) != 1:
            return Array(None, kind.dtype)
        dims = tuple(longer(x, by) if k in axes else x for k, x in enumerate(kind.dims))
        return replace(kind, dims=dims)

    return result


def square(size: str) -> Result:
    """Return a matrix of as many rows and columns, or of lengths that are not known."""

    def result(kinds: Kinds, args: Args) -> Kind:
        rows = _length(args.get(size), kinds.get(size, UNKNOWN))
        other = literal(args.get("M", Const("None", None))) is not None
        dtype = asked_dtype(kinds.get("dtype", UNKNOWN))
        return Array((rows, fresh_dim() if other else rows), "any" if dtype == "float" else dtype)

    return result


def unraveled(kinds: Kinds, args: Args) -> Kind:
    """Return a place of each axis of a shape for each index, or arrays of such."""
    kind, shape = kinds.get("indices", UNKNOWN), kinds.get("shape", UNKNOWN)
    at = INT if isinstance(kind, Number) else as_array(kind)
    return TupleOf((at,) * len(shape.items)) if isinstance(shape, TupleOf) else UNKNOWN
