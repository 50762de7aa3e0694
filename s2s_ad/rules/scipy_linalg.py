"""Rules of scipy.linalg: triangular systems, Cholesky factors, systems, exponentials.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy is
(`registry.load`); without SciPy the rules are mentioned in the documentation, no more.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import Array

from . import results
from .declare import general
from .results import constant

_NUMBER = constant(results.settled(Array(())))
_SQUARE = results.same_rank("a")

# triangular systems: nothing flows to the entries that are not read

for _rank, _outer in ((1, "np.outer({}, {})"), (2, "({} @ {}.T)")):
    for _lower, _kept in ((True, "np.tril"), (False, "np.triu")):
        for _trans, _other, _pair in (
            ((0, "N"), 1, _outer.format("SOLVED", "out")),
            ((1, "T"), 0, _outer.format("out", "SOLVED")),
        ):
            _given = f"trans={_trans[0]}, lower={_lower}"
            _solved = f"linalg.solve_triangular(a, d, trans={_other}, lower={_lower})"
            _moved = f"{_kept}(d)" if _trans[0] == 0 else f"{_kept}(d).T"
            general(
                "linalg.solve_triangular(a, b, trans=0, lower=False, *, check_finite=True)",
                ranks=(2, _rank),
                where={"trans": _trans, "lower": _lower},
                tangent={
                    "a": f"-linalg.solve_triangular(a, {_moved} @ out, {_given})",
                    "b": f"linalg.solve_triangular(a, d, {_given})",
                },
                adjoint={"a": f"-{_kept}({_pair.replace('SOLVED', _solved)})", "b": _solved},
                result=results.like("b", "float"),
                on={"a": (-0.5, 0.5, 2.0), "b": (-2.0, 2.0)},
            )

# Cholesky factors: SciPy reads one triangle, which stands for both

_HALF = "0.5 * (np.tri(len(out)) + np.tri(len(out), k=-1))"
for _lower, _l, _d, _whole in (
    (True, "out", "d", "np.where(below, d, d.T)"),
    (False, "out.T", "d.T", "np.where(below, d.T, d)"),
):
    _product = f"({_l}.T @ {_d})"
    _turned = "{}" if _lower else "({}).T"
    general(
        "linalg.cholesky(a, lower=False, *, check_finite=True)",
        ranks=(2,),
        where={"lower": _lower},
        let={
            "inverse": f"np.linalg.inv({_l})",
            "below": "np.tri(len(out), dtype=bool)",
            "half": _HALF,
        },
        tangent=_turned.format(f"{_l} @ (half * (inverse @ {_whole} @ inverse.T))"),
        adjoint=_turned.format(
            f"half * (inverse.T @ np.where(below, {_product}, {_product}.T) @ inverse)"
        ),
        result=_SQUARE,
        on=(-0.5, 0.5, 2.0),
    )

# what numpy.linalg has too

general("linalg.inv(a, *, check_finite=True)", ranks=(2,), tangent="-out @ d @ out",
        adjoint="-out.T @ d @ out.T", result=_SQUARE, on=(0.5, 2))  # fmt: skip
general("linalg.det(a, *, check_finite=True)", ranks=(2,),
        tangent="out * np.sum(np.linalg.inv(a).T * d)",
        adjoint="d * out * np.linalg.inv(a).T", result=_NUMBER)  # fmt: skip
for _rank, _pair in ((1, "np.outer({}, out)"), (2, "({} @ out.T)")):
    general(
        "linalg.solve(a, b, *, check_finite=True)",
        ranks=(2, _rank),
        tangent={"a": "-np.linalg.solve(a, d @ out)", "b": "np.linalg.solve(a, d)"},
        adjoint={
            "a": f"-{_pair.format('np.linalg.solve(a.T, d)')}",
            "b": "np.linalg.solve(a.T, d)",
        },
        result=results.like("b", "float"),
    )

# exponentials: the slope along d is a block of that of a matrix twice as long

_TWICE = "np.vstack([np.hstack([{0}, d]), np.hstack([0.0 * {0}, {0}])])"
_CORNER = "linalg.expm({})[: len(A), len(A) :]"
general(
    "linalg.expm(A)",
    ranks=(2,),
    tangent=_CORNER.format(_TWICE.format("A")),
    adjoint=_CORNER.format(_TWICE.format("A.T")),
    result=results.same_rank("A"),
)
