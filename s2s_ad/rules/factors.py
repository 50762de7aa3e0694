"""Rules of numpy's factorisations, pseudoinverses, powers, matrix norms and stacks of matrices.

Takes nothing, registers rules when imported, requires `rules.declare`. Singular values that are
equal turn into each other's vectors: that has no slope, and is left out.
"""

from __future__ import annotations

import math

from s2s_ad.ir.kinds import INT, UNKNOWN, Array, Kind, TupleOf, fresh_dim

from . import results
from .declare import general, reduction, zero
from .linalg import some_square
from .results import Args, Kinds, constant
from .rule import Result
from .whole_numbers import in_floats

_NUMBER = constant(results.settled(Array(())))


def _parts(*ranks: int) -> Result:
    """Return arrays of these ranks, 0 for a whole number."""

    def result(kinds: Kinds, args: Args) -> Kind:
        arrays = (Array(tuple(fresh_dim() for _ in range(r)), "float") for r in ranks)
        return TupleOf(tuple(kind if kind.dims else INT for kind in arrays))

    return result


# eigenvalues of symmetric matrices: NumPy reads one triangle alone

_HALF = "(np.tri(len(a)) + np.tri(len(a), k=-1))"
for _triangle, _turned in (("L", ""), ("U", ".T")):
    general(
        "np.linalg.eigvalsh(a, UPLO='L')",
        ranks=(2,),
        where={"UPLO": _triangle},
        let={
            "vectors": f"np.linalg.eigh(a{', UPLO=' + repr('U') if _turned else ''})[1]",
            "read": f"np.tri(len(a), dtype=bool){_turned}",
        },
        tangent="np.diag(vectors.T @ np.where(read, d, d.T) @ vectors)",
        adjoint=f"{_HALF}{_turned} * ((vectors * d) @ vectors.T)",
        result=results.ranked(1, "a", "float"),
    )

# singular values and vectors

SINGULAR_VALUES = "np.linalg.svd(a, full_matrices=True, compute_uv=True)"
general(
    SINGULAR_VALUES,
    ranks=(2,),
    where={"compute_uv": False},
    let={"factors": "np.linalg.svd(a, full_matrices=False)"},
    tangent="np.diag(factors[0].T @ d @ factors[2].T)",
    adjoint="(factors[0] * d) @ factors[2]",
    result=results.ranked(1, "a", "float"),
)
_U, _S, _V = "out[0]", "out[1]", "out[2]"
_GAPS = f"{_S} ** 2 - ({_S} ** 2)[:, None]"
_MOVED = f"({_U}.T @ d @ {_V}.T)"
_TURN_U = f"divide_or_zero({_MOVED} * {_S} + {_S}[:, None] * {_MOVED}.T, gaps)"
_TURN_V = f"divide_or_zero({_S}[:, None] * {_MOVED} + {_MOVED}.T * {_S}, gaps)"
_BACK_U = f"divide_or_zero({_U}.T @ d[0] - d[0].T @ {_U}, gaps) * {_S}"
_BACK_V = f"{_S}[:, None] * divide_or_zero({_V} @ d[2].T - d[2] @ {_V}.T, gaps)"
_OFF_U, _OFF_V = f"(d[0] / {_S})", f"(d[2] / {_S}[:, None])"
# all vectors of a matrix that is not square are no function of it: products of these fail there
SINGULAR_VECTORS = "np.linalg.svd(a, full_matrices=True)"
for _full, _domain in ((False, (-2.0, 2.0)), (True, some_square)):
    general(
        SINGULAR_VECTORS,
        ranks=(2,),
        where={"full_matrices": _full},
        let={"gaps": _GAPS},
        tangent=f"({_U} @ {_TURN_U} + (d @ {_V}.T - {_U} @ {_MOVED}) / {_S}, np.diag({_MOVED}), "
        f"{_TURN_V}.T @ {_V} + ({_U}.T @ d - {_MOVED} @ {_V}) / {_S}[:, None])",
        adjoint=f"({_U} * d[1] + {_U} @ ({_BACK_U} + {_BACK_V})) @ {_V} "
        f"+ ({_OFF_U} - {_U} @ ({_U}.T @ {_OFF_U})) @ {_V} "
        f"+ {_U} @ ({_OFF_V} - ({_OFF_V} @ {_V}.T) @ {_V})",
        result=_parts(2, 1, 2),
        on={"a": _domain},
    )

# an orthogonal factor and a triangle: what is right of the triangle follows from the factor

_Q, _R = "out[0]", "out[1][:, :k]"
_BY_R = f"np.linalg.solve({_R}.T, d[:, :k].T).T"
_INNER = f"({_Q}.T @ {_BY_R})"
_TURN = f"(np.tril({_INNER}, -1) - np.tril({_INNER}, -1).T)"
_DOT = f"({_Q} @ {_TURN} + {_BY_R} - {_Q} @ {_INNER})"
_BAR = "(d[0] + a[:, k:] @ d[1][:, k:].T)"
_MIXED = f"({_R} @ d[1][:, :k].T - {_BAR}.T @ {_Q})"
_TRIANGLE = (
    f"np.linalg.solve({_R}, ({_BAR} + {_Q} @ (np.tril({_MIXED}) + np.tril({_MIXED}, -1).T)).T).T"
)
general(
    "np.linalg.qr(a, mode='reduced')",
    ranks=(2,),
    where={"mode": "reduced"},
    let={"k": "len(out[1])"},
    tangent=f"({_DOT}, np.concatenate([({_INNER} - {_TURN}) @ {_R}, "
    f"{_DOT}.T @ a[:, k:] + {_Q}.T @ d[:, k:]], axis=1))",
    adjoint=f"np.concatenate([{_TRIANGLE}, {_Q} @ d[1][:, k:]], axis=1)",
    result=_parts(2, 2),
)

# pseudoinverses and least squares

general(
    "np.linalg.pinv(a)",
    ranks=(2,),
    let={"left": "np.eye(len(a)) - a @ out", "right": "np.eye(len(out)) - out @ a"},
    tangent="out @ out.T @ d.T @ left + right @ d.T @ out.T @ out - out @ d @ out",
    adjoint="left @ d.T @ out @ out.T + out.T @ out @ d.T @ right - out.T @ d @ out.T",
    result=results.ranked(2, "a", "float"),
)
_X, _BACK = "out[0]", "inverse.T @ d[0]"
for _rank, _pair, _residuals in (
    (1, "np.outer({}, {})", "2.0 * np.sum(d[1]) * rest"),
    (2, "{} @ {}.T", "(2.0 * rest * d[1] if np.size(d[1]) else 0.0 * rest)"),
):
    _free = "(d[0] - inverse @ (a @ d[0]))"
    general(
        "np.linalg.lstsq(a, b, rcond=None)",
        ranks=(2, _rank),
        let={
            "inverse": "np.linalg.pinv(a)",
            "rest": f"b - a @ {_X}",
            "factors": "np.linalg.svd(a, full_matrices=False)",
        },
        tangent={
            "a": f"(inverse @ (inverse.T @ (d.T @ rest)) - inverse @ (d @ {_X}) "
            f"+ (d.T @ (inverse.T @ {_X}) - inverse @ (a @ (d.T @ (inverse.T @ {_X})))), "
            f"(-2.0 * np.sum(rest * (d @ {_X}), axis=0) + 0.0 * out[1] if np.size(out[1]) "
            "else out[1]), 0.0, np.diag(factors[0].T @ d @ factors[2].T))",
            "b": "(inverse @ d, (2.0 * np.sum(rest * d, axis=0) + 0.0 * out[1] "
            "if np.size(out[1]) else out[1]), 0.0, 0.0 * out[3])",
        },
        adjoint={
            "a": f"{_pair.format('rest', '(inverse @ (' + _BACK + '))')} "
            f"- {_pair.format('(' + _BACK + ')', _X)} "
            f"+ {_pair.format(f'(inverse.T @ {_X})', _free)} "
            f"- {_pair.format('(' + _residuals + ')', _X)} + (factors[0] * d[3]) @ factors[2]",
            "b": f"{_BACK} + {_residuals}",
        },
        result=_parts(_rank, 1, 0, 1),
    )

# powers

zero("np.linalg.matrix_power(a, n)", where={"n": 0}, result=results.like("a"))
for _n in range(1, 9):
    _terms = [" @ ".join(["{0}"] * k + ["d"] + ["{0}"] * (_n - 1 - k)) for k in range(_n)]
    general(
        "np.linalg.matrix_power(a, n)",
        ranks=(2,),
        where={"n": _n},
        tangent=" + ".join(_terms).format("a"),
        adjoint=" + ".join(_terms).format("a.T"),
        result=results.like("a"),
    )

for _n in range(1, 5):
    _powers = [
        " @ ".join(["inverse"] * (k + 1) + ["d"] + ["inverse"] * (_n - k)) for k in range(_n)
    ]
    general(
        "np.linalg.matrix_power(a, n)",
        ranks=(2,),
        where={"n": -_n},
        let={"inverse": "np.linalg.inv(a)"},
        tangent=f"-({' + '.join(_powers)})",
        adjoint=f"-({' + '.join(_powers)})".replace("inverse", "inverse.T"),
        result=in_floats(results.like("a")),
        on=(-0.3, 0.3, 1.5),
    )

# norms of matrices: entries, columns and rows that tie share


def _norm(order: object, tangent: str, adjoint: str, **let: str) -> None:
    reduction(
        "np.linalg.norm(x, ord=None, axis=None, keepdims=False)",
        where={"ord": order, "axis": (None, (0, 1), (-2, -1)), "keepdims": False},
        ranks=(2,),
        let=let,
        tangent=tangent,
        adjoint=adjoint,
        result=_NUMBER,
        on=(0.5, 2),
    )


for _order, _axis, _rows in (
    (1, 0, "flow"),
    (-1, 0, "flow"),
    (math.inf, 1, "flow[:, None]"),
    (-math.inf, 1, "flow[:, None]"),
):
    _norm(
        _order,
        f"np.sum(np.sign(x) * {_rows} * d)",
        f"d * np.sign(x) * {_rows}",
        flow=f"ties(np.sum(np.absolute(x), axis={_axis}), out)",
    )
_norm("nuc", "np.sum((factors[0] @ factors[2]) * d)", "d * (factors[0] @ factors[2])",
      factors="np.linalg.svd(x, full_matrices=False)")  # fmt: skip
for _order, _k in ((2, 0), (-2, -1)):
    _norm(
        _order,
        f"factors[0][:, {_k}] @ d @ factors[2][{_k}]",
        f"d * np.outer(factors[0][:, {_k}], factors[2][{_k}])",
        factors="np.linalg.svd(x, full_matrices=False)",
    )
_RATIO = "{} / factors[1][-1] - {} * (factors[1][0] / factors[1][-1] ** 2)"
_SIDES = [[text.format(k) for text in ("factors[0][:, {0}]", "factors[2][{0}]")] for k in (0, -1)]
general(
    "np.linalg.cond(x, p=None)",
    ranks=(2,),
    where={"p": (None, 2)},
    let={"factors": "np.linalg.svd(x, full_matrices=False)"},
    tangent=_RATIO.format(*(f"{left} @ d @ {right}" for left, right in _SIDES)),
    adjoint="d * ("
    + _RATIO.format(*(f"np.outer({left}, {right})" for left, right in _SIDES))
    + ")",
    result=_NUMBER,
    on=(0.5, 2),
)

# stacks of matrices

_T = "np.swapaxes({}, -1, -2)"
for _rank in (3, 4):
    general("np.linalg.inv(a)", ranks=(_rank,), tangent="-out @ d @ out",
            adjoint=f"-{_T.format('out')} @ d @ {_T.format('out')}",
            result=in_floats(results.like("a")), on=(0.5, 2))  # fmt: skip
    _turned = _T.format("np.linalg.inv(a)")
    general("np.linalg.det(a)", ranks=(_rank,),
            tangent=f"out * np.sum({_turned} * d, axis=(-1, -2))",
            adjoint=f"np.expand_dims(d * out, (-1, -2)) * {_turned}",
            result=results.ranked(_rank - 2, "a", "float"))  # fmt: skip
    general("np.linalg.slogdet(a)", ranks=(_rank,),
            tangent=f"(0.0 * out[0], np.sum({_turned} * d, axis=(-1, -2)))",
            adjoint=f"np.expand_dims(d[1], (-1, -2)) * {_turned}",
            result=_parts(_rank - 2, _rank - 2))  # fmt: skip
    _solved = f"np.linalg.solve({_T.format('a')}, d)"
    general("np.linalg.solve(a, b)", ranks=(_rank, _rank),
            tangent={"a": "-np.linalg.solve(a, d @ out)", "b": "np.linalg.solve(a, d)"},
            adjoint={"a": f"unbroadcast(-{_solved} @ {_T.format('out')}, a)",
                     "b": f"unbroadcast({_solved}, b)"},
            result=results.ranked(_rank, "a", "float"))  # fmt: skip
# of other ranks, older versions take vectors for what is matrices to newer ones
general(
    "np.linalg.solve(a, b)",
    ranks=(2, 3),
    tangent={"a": "-np.linalg.solve(a, d @ out)", "b": "np.linalg.solve(a, d)"},
    adjoint={
        "a": f"unbroadcast(-{_solved} @ {_T.format('out')}, a)",
        "b": f"unbroadcast({_solved}, b)",
    },
    result=results.ranked(3, "a", "float"),
)
zero("np.linalg.matrix_rank(A)", result=constant(UNKNOWN))
