"""Rules of products of arrays and of numpy.linalg.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from s2s_ad.ir.kinds import FLOAT, UNKNOWN, Array, Kind, Number, TupleOf, result_dtype
from s2s_ad.ir.nodes import Expr
from s2s_ad.ir.remembered import replace

from . import results
from .declare import bilinear, general, linear, passive, reduction, zero
from .results import constant, is_integer, is_none
from .rule import Rank
from .whole_numbers import in_floats, of_all

# products; the ranks that no line names go through helpers

_DOT = results.product("a", "b", dot=True)
bilinear("np.dot(a, b)", ranks=(0, "array"), a="np.sum(d * b)", b="a * d", result=_DOT)
bilinear("np.dot(a, b)", ranks=("array", 0), a="d * b", b="np.sum(a * d)", result=_DOT)
bilinear("np.dot(a, b)", ranks=(0, 0), a="d * b", b="a * d", result=_DOT)
bilinear("np.dot(a, b)", ranks=(1, 1), a="d * b", b="d * a", result=_DOT)
bilinear("np.dot(a, b)", ranks=(2, 1), a="np.outer(d, b)", b="a.T @ d", result=_DOT)
bilinear("np.dot(a, b)", ranks=(1, 2), a="b @ d", b="np.outer(a, d)", result=_DOT)
bilinear("np.dot(a, b)", ranks=(2, 2), a="d @ b.T", b="a.T @ d", result=_DOT)
bilinear("np.dot(a, b)", a="contract_left(d, a, b, -1, -2)", b="contract_right(d, a, b, -1, -2)",
         result=_DOT)  # fmt: skip


def _inner(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    a, b = kinds.get("a", UNKNOWN), kinds.get("b", UNKNOWN)
    if isinstance(a, Array) and isinstance(b, Array) and a.dims and b.dims:
        dims = (*a.dims[:-1], *b.dims[:-1])
        return results.settled(Array(dims, result_dtype(a.dtype, b.dtype)))
    if isinstance(a, Number) and isinstance(b, Number):
        return results.elementwise("same", ("a", "b"))(kinds, args)
    return UNKNOWN


def _outer(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    a, b = (results.as_array(kinds.get(name, UNKNOWN)) for name in ("a", "b"))
    if not (isinstance(a, Array) and isinstance(b, Array)):
        return results.ranked(2, "a", "any")(kinds, args)
    if a.dims is not None and b.dims is not None and len(a.dims) == len(b.dims) == 1:
        return Array((*a.dims, *b.dims), result_dtype(a.dtype, b.dtype))
    return results.ranked(2, "a", result_dtype(a.dtype, b.dtype))(kinds, args)


bilinear("np.inner(a, b, /)", ranks=(1, 1), a="d * b", b="d * a", result=_inner)
bilinear("np.inner(a, b, /)", ranks=(2, 1), a="np.outer(d, b)", b="a.T @ d", result=_inner)
bilinear("np.inner(a, b, /)", ranks=(1, 2), a="b.T @ d", b="np.outer(d, a)", result=_inner)
bilinear("np.inner(a, b, /)", ranks=(2, 2), a="d @ b", b="d.T @ a", result=_inner)
bilinear("np.inner(a, b, /)", a="contract_left(d, a, b, -1, -1)", result=_inner,
         b="contract_right(d, a, b, -1, -1)")  # fmt: skip
bilinear("np.outer(a, b)", ranks=(1, 1), a="d @ b", b="a @ d", result=_outer)
bilinear(
    "np.outer(a, b)",
    a="unbroadcast(np.reshape(d @ np.ravel(b), np.shape(a)), a)",
    b="unbroadcast(np.reshape(np.ravel(a) @ d, np.shape(b)), b)",
    result=_outer,
)
bilinear("np.vdot(a, b, /)", ranks=(1, 1), a="d * b", b="d * a", result=_inner)
bilinear(
    "np.vdot(a, b, /)",
    a="unbroadcast(np.reshape(d * np.ravel(b), np.shape(a)), a)",
    b="unbroadcast(np.reshape(d * np.ravel(a), np.shape(b)), b)",
    result=constant(Number("number")),
)
bilinear(
    "np.vecdot(a, b, /)",
    a="unbroadcast(np.expand_dims(d, -1) * b, a)",
    b="unbroadcast(np.expand_dims(d, -1) * a, b)",
    ranks=("array", "array"),
    result=constant(UNKNOWN),
)


def is_last(axis: object) -> bool:
    return axis == -1


def is_none_or_last(axis: object) -> bool:
    return axis is None or axis == -1


bilinear("np.cross(a, b)", ranks=(1, 1), a="np.cross(b, d)", b="np.cross(d, a)",
         result=of_all(results.ranked(1, "a"), "a", "b"))  # fmt: skip
# of vectors of two, the product has an axis less
bilinear(
    "np.cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None)",
    ranks=("triples", "triples"),
    whole=True,
    a="np.cross(b, d)",
    b="np.cross(d, a)",
    where={"axisa": is_last, "axisb": is_last, "axisc": is_last, "axis": is_none_or_last},
    result=results.elementwise("float", ("a", "b")),
)
for _rank, _where, _diagonal in (
    ("square", {"offset": 0}, "np.eye(len(a))"),
    (2, {"offset": 0}, "np.eye(*a.shape)"),
    (2, {}, "np.eye(*a.shape, k=offset)"),
):
    linear("np.trace(a, offset=0)", a=f"d * {_diagonal}", where=_where, ranks=(_rank,),
           result=constant(results.settled(Array(()))))  # fmt: skip
linear(
    "np.trace(a, offset=0)",
    a="unbroadcast(np.eye(*np.shape(a)[:2], k=offset)"
    ".reshape(np.shape(a)[:2] + (1,) * np.ndim(d)) * d, a)",
    ranks=(None,),
    result=constant(UNKNOWN),
)


def some_square(rng: np.random.Generator) -> object:
    """Return a matrix to try where only one as long as wide has a slope."""
    return rng.uniform(-2.0, 2.0, (3, 3))


# norms: the slope at 0 is 0


def is_none_or_2(value: object) -> bool:
    return value is None or value == 2


def is_none_or_fro(value: object) -> bool:
    return value is None or value == "fro"


def is_above_1(value: object) -> bool:
    return isinstance(value, (int, float)) and 1 < value < math.inf


def is_below_1(value: object) -> bool:
    return isinstance(value, (int, float)) and -math.inf < value < 1 and value != 0


def is_infinite(value: object) -> bool:
    return value in (math.inf, -math.inf)


def _norm(
    ranks: tuple[Rank, ...] | None,
    order: Callable[[object], bool],
    axis: Callable[[object], bool],
    tangent: str,
    adjoint: str,
    keepdims: object = (False, True),
    **let: str,
) -> None:
    reduction(
        "np.linalg.norm(x, ord=None, axis=None, keepdims=False)",
        where={"ord": order, "axis": axis, "keepdims": keepdims},
        ranks=ranks,
        let=let,
        tangent=tangent.replace("AXES", "axis=axis, keepdims=keepdims"),
        adjoint=adjoint.replace("PUT", "expand(d, x, axis, keepdims)"),
        result=results.reduction("x"),
        on=(0.5, 2),
    )


_WHOLE = ("np.sum(x * d) / out if out else 0.0", "x * (d / out if out else 0.0)")
_ALONG = (
    "divide_or_zero(np.sum(x * d, AXES), out)",
    "expand(divide_or_zero(d, out), x, axis, keepdims) * x",
)
# of what may be a list
_SAFE = (
    "divide_or_zero(np.sum(np.multiply(x, d), AXES), out)",
    "unbroadcast(np.multiply(expand(divide_or_zero(d, out), x, axis, keepdims), x), x)",
)
_norm((1,), is_none_or_2, is_none, *_WHOLE, keepdims=False)
_norm(("array",), is_none_or_fro, is_none, *_WHOLE, keepdims=False)
for _ranks, _maps in ((("array",), _ALONG), ((None,), _SAFE)):
    _norm(_ranks, is_none_or_fro, lambda axis: True, *_maps)
    _norm(_ranks, is_none_or_2, is_integer, *_maps)
_VECTOR: tuple[Rank, ...] = (1,)
for _known, _axis in ((_VECTOR, is_none), (None, is_integer)):
    _norm(
        _known, lambda order: order == 1, _axis, "np.sum(np.sign(x) * d, AXES)", "PUT * np.sign(x)"
    )
    for _order, _steep in (
        (is_above_1, "np.sign(x) * part ** (ord - 1)"),
        # infinitely steep at entries that are 0, of which nothing flows
        (is_below_1, "power_slope(part, ord, np.sign(x)) / ord"),
        (is_infinite, "np.sign(x) * ties(np.absolute(x), out, axis, keepdims)"),
    ):
        _part = "divide_or_zero(np.absolute(x), expand(out, x, axis, keepdims))"
        _norm(
            _known,
            _order,
            _axis,
            "np.sum(flow * d, AXES)",
            "PUT * flow",
            **({} if _order is is_infinite else {"part": _part}),
            flow=_steep,
        )
    zero(
        "np.linalg.norm(x, ord=None, axis=None, keepdims=False)",
        where={"ord": 0, "axis": _axis},
        ranks=_known,
        result=results.reduction("x"),
    )

passive("np.linalg.norm(x, ord=None, axis=None, keepdims=False)", result=results.reduction("x"))

# inverses and determinants


def _square(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    """Return a matrix of the shape of the argument, which is as long as wide, or it is refused."""
    kind = in_floats(results.like("a"))(kinds, args)
    if not isinstance(kind, Array) or kind.dims is None or len(kind.dims) != 2:
        return kind
    return replace(kind, dims=(kind.dims[0],) * 2)


general(
    "np.linalg.inv(a)", ranks=(2,), tangent="-out @ d @ out", adjoint="-out.T @ d @ out.T",
    result=_square, on=(0.5, 2),
)  # fmt: skip
general(
    "np.linalg.det(a)", ranks=(2,), tangent="out * np.sum(np.linalg.inv(a).T * d)",
    adjoint="d * out * np.linalg.inv(a).T", result=constant(results.settled(Array(()))),
)  # fmt: skip
general(
    "np.linalg.slogdet(a)", ranks=(2,), tangent="(0.0, np.sum(np.linalg.inv(a).T * d))",
    adjoint="d[1] * np.linalg.inv(a).T", result=constant(TupleOf((FLOAT, FLOAT))),
)  # fmt: skip
# of the matrix one triangle is read, which stands for both
_LOWER = "np.tri(len({0}), dtype=bool)"
_HALF = "0.5 * (np.tri(len({0})) + np.tri(len({0}), k=-1))"


def cholesky(text: str, lower: bool = True, where: Mapping[str, object] | None = None) -> None:
    """Declare a Cholesky factor; where: the arguments that say which."""
    factor, d, moved = ("out", "d", "d, d.T") if lower else ("out.T", "d.T", "d.T, d")
    product = f"({factor}.T @ {d})"
    turned = "{}" if lower else "({}).T"
    general(
        text,
        ranks=(2,),
        where=where,
        let={
            "inverse": f"np.linalg.inv({factor})",
            "below": _LOWER.format("out"),
            "half": _HALF.format("out"),
        },
        tangent=turned.format(
            f"{factor} @ (half * (inverse @ np.where(below, {moved}) @ inverse.T))"
        ),
        adjoint=turned.format(
            f"half * (inverse.T @ np.where(below, {product}, {product}.T) @ inverse)"
        ),
        result=_square,
        on=(-0.5, 0.5, 2.0),
    )


cholesky("np.linalg.cholesky(a, /)")


def _eigen(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    """Return eigenvalues and a matrix with the eigenvectors as columns."""
    kind = _square(kinds, args)
    if not isinstance(kind, Array) or not kind.dims:
        return UNKNOWN
    return TupleOf((replace(kind, dims=kind.dims[:1]), kind))


# eigenvalues that are equal turn into each other's vectors: that has no slope, and is left out
_TURNED = "(out[1] * d[0] + out[1] @ divide_or_zero(out[1].T @ d[1], gaps)) @ out[1].T"
for _triangle, _turned in (("L", ""), ("U", ".T")):
    _moved = "out[1].T @ np.where(read, d, d.T) @ out[1]"
    general(
        "np.linalg.eigh(a, UPLO='L')",
        ranks=(2,),
        where={"UPLO": _triangle},
        let={
            "read": _LOWER.format("a") + _turned,
            "half": f"({_HALF.format('a')}){_turned}" if _turned else _HALF.format("a"),
            "gaps": "out[0] - out[0][:, None]",
        },
        tangent=f"(np.diag({_moved}), out[1] @ divide_or_zero({_moved}, gaps))",
        adjoint=f"half * (({_TURNED}).T + {_TURNED})",
        result=_eigen,
    )
for _rank, _product in ((1, "np.outer({}, out)"), (2, "{} @ out.T")):
    general(
        "np.linalg.solve(a, b)",
        ranks=(2, _rank),
        tangent={"a": "-np.linalg.solve(a, d @ out)", "b": "np.linalg.solve(a, d)"},
        adjoint={
            "a": f"-{_product.format('np.linalg.solve(a.T, d)')}",
            "b": "np.linalg.solve(a.T, d)",
        },
        result=in_floats(results.like("b")),
    )
