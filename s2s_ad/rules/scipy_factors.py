"""Rules of scipy.linalg's factors that are handed on to a solver: by LU, by Cholesky.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded by the table of
scipy.linalg. The two triangles of an LU factorisation are in one matrix; a Cholesky factor leaves
in the other triangle what was there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2s_ad.ir.kinds import BOOL, UNKNOWN, Array, Kind, TupleOf, fresh_dim

from . import results
from .declare import general
from .linalg import some_square
from .results import Args, Kinds
from .rule import Result


def _factor(pivots: bool) -> Result:
    """Return a pair: a matrix of the shape of the argument, and what says how to read it."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = results.like("a", "float")(kinds, args)
        other = Array((fresh_dim(),), "int") if pivots else BOOL
        return TupleOf((kind, other)) if isinstance(kind, Array) and kind.dims else UNKNOWN

    return result


def _squares(kinds: Kinds, args: Args) -> Kind:
    kind = results.like("a", "float")(kinds, args)
    return TupleOf((kind,) * 3) if isinstance(kind, Array) and kind.dims else UNKNOWN


# A = P L U: the slopes of the triangles are those of P^T A between their inverses, cut in two

_BETWEEN = (
    "linalg.solve_triangular(upper, linalg.solve_triangular(lower, {}, lower=True).T, trans=1).T"
)
_BETWEEN_BACK = (
    "linalg.solve_triangular(upper, linalg.solve_triangular("
    "lower, np.tril(lower.T @ {}, -1) + np.triu({} @ upper.T), trans=1, lower=True).T).T"
)
# solved with ones in the place of the factors, rows are moved as they were
_MOVED = "linalg.lu_solve((np.eye(len({0}[0])), {0}[1]), {1})"
_MOVED_BACK = "linalg.lu_solve((np.eye(len({0}[0])), {0}[1]), {1}, trans=1)"
_IN_ONE = {"lower": "np.tril({0}, -1) + np.eye(len({0}))", "upper": "np.triu({0})"}

_INNER = _BETWEEN.format(_MOVED.format("out", "d"))
general(
    "linalg.lu_factor(a, *, check_finite=True)",
    ranks=(2,),
    let={name: text.format("out[0]") for name, text in _IN_ONE.items()},
    tangent=f"(lower @ np.tril({_INNER}, -1) + np.triu({_INNER}) @ upper, 0.0 * out[1])",
    adjoint=_MOVED_BACK.format("out", _BETWEEN_BACK.format("np.tril(d[0], -1)", "np.triu(d[0])")),
    result=_factor(pivots=True),
    on={"a": some_square},
)
_INNER = _BETWEEN.format("(out[0].T @ d)")
general(
    "linalg.lu(a, *, check_finite=True)",
    ranks=(2,),
    let={"lower": "out[1]", "upper": "out[2]"},
    tangent=f"(0.0 * out[0], lower @ np.tril({_INNER}, -1), np.triu({_INNER}) @ upper)",
    adjoint=f"out[0] @ {_BETWEEN_BACK.format('d[1]', 'd[2]')}",
    result=_squares,
    on={"a": some_square},
)


def _some_factors(rng: np.random.Generator) -> Any:
    upper = np.triu(rng.uniform(-0.5, 0.5, (3, 3))) + 2.0 * np.eye(3)
    return upper + np.tril(rng.uniform(-0.5, 0.5, (3, 3)), -1), np.array([1, 2, 2])


for _rank, _pair in ((1, "np.outer({}, {})"), (2, "(({}) @ ({}).T)")):
    for _trans in (0, 1):
        # of a list of several things no kinds are known unless it is brought to a structure
        _back = f"linalg.lu_solve(lu_and_piv, d, trans={1 - _trans})"
        _left, _right = (_back, "out") if _trans == 0 else ("out", _back)
        _left = _MOVED.format("lu_and_piv", _left)
        _under = _pair.format(_left, f"upper @ {_right}")
        _over = _pair.format(f"lower.T @ {_left}", _right)
        _into = (
            "np.tril(d[0], -1) @ (upper @ out) + lower @ (np.triu(d[0]) @ out)"
            if _trans == 0
            else "upper.T @ (np.tril(d[0], -1).T @ moved) + np.triu(d[0]).T @ (lower.T @ moved)"
        )
        _into = _MOVED_BACK.format("lu_and_piv", _into) if _trans == 0 else _into
        general(
            "linalg.lu_solve(lu_and_piv, b, trans=0, *, check_finite=True)",
            ranks=(None, _rank),
            where={"trans": _trans},
            let={
                **{name: text.format("lu_and_piv[0]") for name, text in _IN_ONE.items()},
                "moved": _MOVED.format("lu_and_piv", "out"),
            },
            tangent={
                "lu_and_piv": f"-linalg.lu_solve(lu_and_piv, {_into}, trans={_trans})",
                "b": f"linalg.lu_solve(lu_and_piv, d, trans={_trans})",
            },
            adjoint={
                "lu_and_piv": f"unbroadcast([-np.tril({_under}, -1) - np.triu({_over}), "
                "0.0 * lu_and_piv[1]], lu_and_piv)",
                "b": _back,
            },
            result=results.like("b", "float"),
            on={"lu_and_piv": _some_factors, "b": (-2.0, 2.0)},
        )

# A = L L^T, of which one triangle is read, which stands for both

for _lower, _factor_, _d, _read, _beside in (
    (True, "np.tril(out[0])", "d", "np.tril(d) + np.tril(d, -1).T", "np.triu({}, 1)"),
    (False, "np.triu(out[0]).T", "d.T", "np.triu(d) + np.triu(d, 1).T", "np.tril({}, -1)"),
):
    _turned = "{}" if _lower else "({}).T"
    _product = f"(factor.T @ {_turned.format('np.tril(d[0])' if _lower else 'np.triu(d[0])')})"
    general(
        "linalg.cho_factor(a, lower=False, *, check_finite=True)",
        ranks=(2,),
        where={"lower": _lower},
        let={
            "factor": _factor_,
            "inverse": "np.linalg.inv(factor)",
            "below": "np.tri(len(factor), dtype=bool)",
            "half": "0.5 * (np.tri(len(factor)) + np.tri(len(factor), k=-1))",
        },
        tangent="("
        + _turned.format(f"factor @ (half * (inverse @ ({_read}) @ inverse.T))")
        + f" + {_beside.format('d')}, 0.0)",
        adjoint=_turned.format(
            f"half * (inverse.T @ np.where(below, {_product}, {_product}.T) @ inverse)"
        )
        + f" + {_beside.format('d[0]')}",
        result=_factor(pivots=False),
        on=(-0.5, 0.5, 2.0),
    )


def _some_factor(rng: np.random.Generator) -> Any:
    lower = bool(rng.integers(2))
    factor = rng.uniform(-0.5, 0.5, (3, 3)) + 2.0 * np.eye(3)
    return factor, lower


for _rank, _pair in ((1, "np.outer({}, {})"), (2, "({} @ ({}).T)")):
    _back = "linalg.cho_solve(c_and_lower, d)"
    _bar = (
        f"({_pair.format(_back, 'factor.T @ out')} + {_pair.format('out', f'factor.T @ {_back}')})"
    )
    _slope = "(np.tril(d[0]) if c_and_lower[1] else np.triu(d[0]).T)"
    general(
        "linalg.cho_solve(c_and_lower, b, *, check_finite=True)",
        ranks=(None, _rank),
        let={
            "factor": "np.tril(c_and_lower[0]) if c_and_lower[1] else np.triu(c_and_lower[0]).T",
        },
        tangent={
            "c_and_lower": f"-linalg.cho_solve(c_and_lower, {_slope} @ (factor.T @ out) "
            f"+ factor @ ({_slope}.T @ out))",
            "b": "linalg.cho_solve(c_and_lower, d)",
        },
        adjoint={
            "c_and_lower": f"unbroadcast([-np.tril({_bar}) if c_and_lower[1] "
            f"else -np.tril({_bar}).T, 0.0], c_and_lower)",
            "b": _back,
        },
        result=results.like("b", "float"),
        on={"c_and_lower": _some_factor, "b": (-2.0, 2.0)},
    )
