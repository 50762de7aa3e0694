"""Rules of scipy.linalg: factors, systems, functions of matrices.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy is
(`registry.load`); without SciPy the rules are mentioned in the documentation, no more.
"""

from __future__ import annotations

from . import (
    results,
    scipy_factors,  # noqa: F401
)
from .declare import general
from .factors import SINGULAR_VALUES, SINGULAR_VECTORS
from .linalg import cholesky, some_square
from .picking import picking
from .twins import twin

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

# what numpy.linalg has too

for _lower in (True, False):
    cholesky("linalg.cholesky(a, lower=False, *, check_finite=True)", _lower, {"lower": _lower})
_SYMMETRIC = "b=None, *, lower=True, check_finite=True, type=1, driver=None"
_READ = {"b": None, "lower": True}
twin("linalg.inv(a, *, check_finite=True)", "np.linalg.inv", ranks=(2,))
twin("linalg.det(a, *, check_finite=True)", "np.linalg.det", ranks=(2,))
for _rank in (1, 2):
    twin("linalg.solve(a, b, *, check_finite=True, assume_a='gen')", "np.linalg.solve",
         {"assume_a": ("gen", "general", None)}, ranks=(2, _rank))  # fmt: skip
twin("linalg.pinv(a, *, check_finite=True)", "np.linalg.pinv", ranks=(2,))
twin("linalg.norm(a, ord=None, axis=None, keepdims=False, check_finite=True)", "np.linalg.norm",
     x="a")  # fmt: skip
twin(f"linalg.eigh(a, {_SYMMETRIC}, eigvals_only=False)", "np.linalg.eigh",
     {**_READ, "eigvals_only": False}, ranks=(2,))  # fmt: skip
twin(f"linalg.eigh(a, {_SYMMETRIC}, eigvals_only)", "np.linalg.eigvalsh",
     {**_READ, "eigvals_only": True}, ranks=(2,))  # fmt: skip
twin(f"linalg.eigvalsh(a, {_SYMMETRIC})", "np.linalg.eigvalsh", _READ, ranks=(2,))
twin("linalg.svd(a, full_matrices=True, *, check_finite=True)",
     SINGULAR_VECTORS, ranks=(2,))  # fmt: skip
twin("linalg.svd(a, full_matrices=True, compute_uv=True, *, check_finite=True)", SINGULAR_VALUES,
     ranks=(2,))  # fmt: skip
twin("linalg.svdvals(a, *, check_finite=True)", SINGULAR_VALUES, {"compute_uv": False},
     ranks=(2,))  # fmt: skip
# the square ones are the same in both modes
for _mode, _on in (("economic", {}), ("full", {"a": some_square})):
    twin("linalg.qr(a, *, mode='full', check_finite=True)", "np.linalg.qr", {"mode": _mode},
         ranks=(2,), on=_on, mode="of_numpy")  # fmt: skip

# functions of matrices: the slope along d is a block of that of a matrix twice as long

_TWICE = "np.vstack([np.hstack([{0}, d]), np.hstack([0.0 * {0}, {0}])])"
for _name in ("expm", "logm", "sinm", "cosm", "sinhm", "coshm"):
    _corner = f"linalg.{_name}({_TWICE})[: len(A), len(A) :]"
    general(
        f"linalg.{_name}(A)",
        ranks=(2,),
        tangent=_corner.format("A"),
        adjoint=_corner.format("A.T"),
        result=results.same_rank("A"),
        on=(-0.3, 0.3, 1.5),
    )
_ROOT = "linalg.solve_sylvester(as_real({0}), {0}, d)"
general("linalg.sqrtm(A)", ranks=(2,), tangent=_ROOT.format("out"), adjoint=_ROOT.format("out.T"),
        result=results.same_rank("A"), on=(-0.3, 0.3, 1.5))  # fmt: skip

# equations linear in a matrix

_TURNED = "linalg.solve_sylvester(a.T, b.T, d)"
general(
    "linalg.solve_sylvester(a, b, q)",
    ranks=(2, 2, 2),
    tangent={
        "a": "-linalg.solve_sylvester(a, b, d @ out)",
        "b": "-linalg.solve_sylvester(a, b, out @ d)",
        "q": "linalg.solve_sylvester(a, b, d)",
    },
    adjoint={"a": f"-{_TURNED} @ out.T", "b": f"-out.T @ {_TURNED}", "q": _TURNED},
    result=results.like("q", "float"),
    on={"a": (-0.3, 0.3, 1.5), "b": (-0.3, 0.3, 1.5)},
)
for _name, _of_a, _back in (
    ("continuous", "d @ out + out @ d.T", "-{0} @ out.T - {0}.T @ out"),
    ("discrete", "d @ out @ a.T + a @ out @ d.T", "{0} @ a @ out.T + {0}.T @ a @ out"),
):
    _sign, _turned = "-" if _name == "continuous" else "", f"linalg.solve_{_name}_lyapunov(a.T, d)"
    general(
        f"linalg.solve_{_name}_lyapunov(a, q)",
        ranks=(2, 2),
        tangent={
            "a": f"{_sign}linalg.solve_{_name}_lyapunov(a, {_of_a})",
            "q": f"linalg.solve_{_name}_lyapunov(a, d)",
        },
        adjoint={"a": _back.format(_turned), "q": _turned},
        result=results.like("q", "float"),
        on={"a": (-0.1, 0.1, 0.6)},
    )

# banded systems: the diagonals are rows, each above the places of its columns

_BANDS = {
    "rows": "np.arange(l_and_u[0] + l_and_u[1] + 1)[:, None]",
    "places": "np.arange(ab.shape[1]) + rows - l_and_u[1]",
    "inside": "(places >= 0) & (places < ab.shape[1])",
    "turned": "np.stack([np.roll(ab[l_and_u[0] + l_and_u[1] - k], l_and_u[0] - k) "
    "for k in range(l_and_u[0] + l_and_u[1] + 1)])",
}
_SOLVED = "linalg.solve_banded((l_and_u[1], l_and_u[0]), turned, d)"
_MET = "np.take({}, np.clip(places, 0, ab.shape[1] - 1), axis=0)"
for _rank, _each, _met in (
    (1, "d[k] * out", f"{_MET.format(_SOLVED)} * out"),
    (2, "d[k][:, None] * out", f"np.sum({_MET.format(_SOLVED)} * out, axis=-1)"),
):
    _inside = "inside[k]" if _rank == 1 else "inside[k][:, None]"
    _moved = (
        f"sum([np.roll(np.where({_inside}, {_each}, 0.0), k - l_and_u[1], axis=0) "
        "for k in range(len(d))])"
    )
    general(
        "linalg.solve_banded(l_and_u, ab, b, *, check_finite=True)",
        ranks=(None, 2, _rank),
        let=_BANDS,
        tangent={
            "ab": f"-linalg.solve_banded(l_and_u, ab, {_moved})",
            "b": "linalg.solve_banded(l_and_u, ab, d)",
        },
        adjoint={"ab": f"-np.where(inside, {_met}, 0.0)", "b": _SOLVED},
        result=results.like("b", "float"),
        on={"ab": (0.5, 2.0)},
    )

# matrices of one vector

picking("linalg.toeplitz(c, r=None)", "c", "linalg.toeplitz(PLACES)", results.ranked(2, "c"),
        ranks=(1,), where={"r": None})  # fmt: skip
picking("linalg.circulant(c)", "c", "linalg.circulant(PLACES)", results.ranked(2, "c"),
        ranks=(1,))  # fmt: skip
