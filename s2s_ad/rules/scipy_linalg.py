"""Rules of scipy.linalg: factors, systems, functions of matrices.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy is
(`registry.load`); without SciPy the rules are mentioned in the documentation, no more.
"""

from __future__ import annotations

import itertools

from s2s_ad.ir.kinds import INT, UNKNOWN, Array, Kind, TupleOf, fresh_dim

from . import (
    results,
    scipy_factors,  # noqa: F401
)
from .declare import general
from .factors import SINGULAR_VALUES, SINGULAR_VECTORS
from .linalg import cholesky, some_square
from .picking import picking
from .twins import twin
from .whole_numbers import in_floats

# triangular systems: nothing flows to the entries that are not read

_OPTIONS = "trans=0, lower=False, unit_diagonal=False"
for _rank, _outer in ((1, "np.outer({}, {})"), (2, "({} @ {}.T)")):
    for _lower, _unit in itertools.product((True, False), repeat=2):
        _kept = f"np.{'tril' if _lower else 'triu'}({{}}{f', {-1 if _lower else 1}' * _unit})"
        _ones = ", unit_diagonal=True" * _unit
        for _trans, _other, _pair in (
            ((0, "N"), 1, _outer.format("SOLVED", "out")),
            ((1, "T"), 0, _outer.format("out", "SOLVED")),
        ):
            _given = f"trans={_trans[0]}, lower={_lower}{_ones}"
            _solved = f"linalg.solve_triangular(a, d, trans={_other}, lower={_lower}{_ones})"
            _moved = _kept.format("d") + (".T" if _trans[0] else "")
            general(
                f"linalg.solve_triangular(a, b, {_OPTIONS}, *, check_finite=True)",
                ranks=(2, _rank),
                where={"trans": _trans, "lower": _lower, "unit_diagonal": _unit},
                tangent={
                    "a": f"-linalg.solve_triangular(a, {_moved} @ out, {_given})",
                    "b": f"linalg.solve_triangular(a, d, {_given})",
                },
                adjoint={
                    "a": f"-{_kept.format(_pair.replace('SOLVED', _solved))}",
                    "b": _solved,
                },
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


def _least_squares(kinds: results.Kinds, args: results.Args) -> Kind:
    """What NumPy gives but for the residual of one vector, which is a number."""
    b = kinds.get("b", UNKNOWN)
    rank = len(b.dims) if isinstance(b, Array) and b.dims else 0
    if not rank:
        return TupleOf((UNKNOWN,) * 4)
    first, last = (Array(tuple(fresh_dim() for _ in range(n)), "float") for n in (rank, 1))
    return TupleOf((first, UNKNOWN, INT, last))


twin("linalg.lstsq(a, b, cond=None, *, check_finite=True)", "np.linalg.lstsq", {"cond": None},
     ranks=(2,), result=_least_squares)  # fmt: skip
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

# of a symmetric matrix one triangle is read, which stands for both

for _lower, _tri in ((True, "np.tri(len(a){})"), (False, "np.tri(len(a){}).T")):
    for _rank, _pair in ((1, "np.outer({}, out)"), (2, "({} @ out.T)")):
        _flow = _pair.format("np.linalg.solve(whole, d)")
        general(
            "linalg.solve(a, b, lower=False, *, check_finite=True, assume_a)",
            ranks=(2, _rank),
            where={"assume_a": ("sym", "symmetric", "pos", "positive definite"), "lower": _lower},
            let={
                "read": _tri.format(", dtype=bool"),
                "half": f"0.5 * ({_tri.format('')} + {_tri.format(', k=-1')})",
                "whole": "np.where(read, a, a.T)",
            },
            tangent={
                "a": "-np.linalg.solve(whole, np.where(read, d, d.T) @ out)",
                "b": "np.linalg.solve(whole, d)",
            },
            adjoint={
                "a": f"-half * ({_flow} + {_flow}.T)",
                "b": "np.linalg.solve(whole, d)",
            },
            result=results.like("b", "float"),
            on={"a": (-0.3, 0.3, 2.0), "b": (-2.0, 2.0)},
        )

# functions of matrices: the slope along d is a block of that of a matrix twice as long

_TWICE = "np.vstack([np.hstack([{0}, d]), np.hstack([0.0 * {0}, {0}])])"
for _name in ("expm", "logm", "sinm", "cosm", "sinhm", "coshm"):
    _corner = f"linalg.{_name}({_TWICE})[: len(A), len(A) :]"
    general(
        f"linalg.{_name}(A)",
        ranks=(2,),
        tangent=_corner.format("A"),
        adjoint=_corner.format("A.T"),
        result=in_floats(results.same_rank("A")),
        on=(-0.3, 0.3, 1.5),
    )
_ROOT = "linalg.solve_sylvester(as_real({0}), {0}, d)"
general("linalg.sqrtm(A)", ranks=(2,), tangent=_ROOT.format("out"), adjoint=_ROOT.format("out.T"),
        result=in_floats(results.same_rank("A")), on=(-0.3, 0.3, 1.5))  # fmt: skip

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
