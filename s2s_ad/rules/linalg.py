"""Rules of products of arrays and of numpy.linalg.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, result_dtype
from s2s_ad.ir.nodes import Expr

from . import results
from .declare import bilinear, general, linear, reduction
from .reductions import given_axis
from .results import constant

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
    result=constant(UNKNOWN),
)
bilinear("np.cross(a, b)", ranks=(1, 1), a="np.cross(b, d)", b="np.cross(d, a)",
         result=results.ranked(1, "a"))  # fmt: skip
bilinear(
    "np.cross(a, b)",
    a="unbroadcast(np.cross(b, d), a)",
    b="unbroadcast(np.cross(d, a), b)",
    result=constant(UNKNOWN),
)
linear("np.trace(a, offset=0)", a="d * np.eye(*a.shape, k=offset)", ranks=(2,),
       result=constant(results.settled(Array(()))))  # fmt: skip

# norms: the slope at 0 is 0

_NORM = "np.linalg.norm(x, ord=None, axis=None, keepdims=False)"


def _frobenius(value: object) -> bool:
    return value in (None, "fro")


def _whole(value: object) -> bool:
    return value is None or value == 2


def _norm_result(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    return results.reduction("x")(kinds, args)


_PUT = "expand(d, x, axis, keepdims)"
_OUT = "expand(out, x, axis, keepdims)"
_SUM = "np.sum({}, axis=axis, keepdims=keepdims)"
for _ord, _ranks in ((_whole, (1,)), (_frobenius, ("array",))):
    reduction(
        _NORM,
        where={"ord": _ord, "axis": None, "keepdims": False},
        ranks=_ranks,
        tangent="np.sum(x * d) / out if out else 0.0",
        adjoint="x * (d / out if out else 0.0)",
        result=_norm_result,
        on=(0.5, 2),
    )
for _ord, _axis, _ranks in (
    (_frobenius, lambda value: True, None),
    (_whole, given_axis, None),
):
    reduction(
        _NORM,
        where={"ord": _ord, "axis": _axis},
        ranks=_ranks,
        tangent=f"quotient({_SUM.format('x * d')}, out)",
        adjoint=f"quotient({_PUT} * x, {_OUT})",
        result=_norm_result,
        on=(0.5, 2),
    )
for _axis, _ranks in ((None, (1,)), (given_axis, None)):
    reduction(
        _NORM,
        where={"ord": 1, "axis": _axis},
        ranks=_ranks,
        tangent=_SUM.format("np.sign(x) * d"),
        adjoint=f"np.sign(x) * {_PUT}",
        result=_norm_result,
        on=(0.5, 2),
    )
    reduction(
        _NORM,
        where={"ord": lambda value: value == float("inf"), "axis": _axis},
        ranks=_ranks,
        let={"largest": "ties(np.absolute(x), out, axis, keepdims)"},
        tangent=_SUM.format("np.sign(x) * largest * d"),
        adjoint=f"np.sign(x) * largest * {_PUT}",
        result=_norm_result,
        on=(0.5, 2),
    )

# inverses and determinants

general(
    "np.linalg.inv(a)", ranks=(2,), tangent="-out @ d @ out", adjoint="-out.T @ d @ out.T",
    result=results.like("a"), on=(0.5, 2),
)  # fmt: skip
general(
    "np.linalg.det(a)", ranks=(2,), tangent="out * np.sum(np.linalg.inv(a).T * d)",
    adjoint="d * out * np.linalg.inv(a).T", result=constant(results.settled(Array(()))),
)  # fmt: skip
general(
    "np.linalg.slogdet(a)", ranks=(2,), tangent="(0.0, np.sum(np.linalg.inv(a).T * d))",
    adjoint="d[1] * np.linalg.inv(a).T", result=constant(UNKNOWN),
)  # fmt: skip
for _rank, _product in ((1, "np.outer({}, out)"), (2, "{} @ out.T")):
    general(
        "np.linalg.solve(a, b)",
        ranks=(2, _rank),
        tangent={"a": "-np.linalg.solve(a, d @ out)", "b": "np.linalg.solve(a, d)"},
        adjoint={
            "a": f"-{_product.format('np.linalg.solve(a.T, d)')}",
            "b": "np.linalg.solve(a.T, d)",
        },
        result=results.like("b"),
    )
