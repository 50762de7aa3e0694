"""Rules of numpy's factorisations of stacks of matrices, and of matrices that are not symmetric.

Takes nothing, registers rules when imported, requires `rules.declare`. What is said of one matrix
in `linalg` and `factors` is said here of the last two axes. Eigenvalues that are equal turn into
each other's vectors: that has no slope, and is left out.
"""

from __future__ import annotations

import functools

import numpy as np

from s2s_ad.ir.kinds import Array, Kind, TupleOf, fresh_dim

from . import results
from .declare import general
from .results import Args, Kinds
from .rule import Result


def _t(x: str) -> str:
    return f"np.swapaxes({x}, -1, -2)"


def _rows(x: str) -> str:
    return f"np.expand_dims({x}, -2)"


def _columns(x: str) -> str:
    return f"np.expand_dims({x}, -1)"


def _diagonal(x: str) -> str:
    return f"np.diagonal({x}, 0, -2, -1)"


def _parts(rank: int, *fewer: int) -> Result:
    """Return arrays of so many axes, less those told."""

    def result(kinds: Kinds, args: Args) -> Kind:
        ranks = [rank - n for n in fewer]
        return TupleOf(tuple(Array(tuple(fresh_dim() for _ in range(r)), "float") for r in ranks))

    return result


def _definite(rng: np.random.Generator, rank: int) -> object:
    shape = (2, 1, 3, 3)[4 - rank :]
    return rng.uniform(-0.5, 0.5, shape) + 2.0 * np.eye(3)


def _apart(rng: np.random.Generator) -> object:
    return np.diag([1.0, 2.0, 3.5]) + rng.uniform(-0.2, 0.2, (3, 3))


_SYMMETRIC = {
    "lower": "np.tri(a.shape[-1], dtype=bool)",
    "half": "0.5 * (np.tri(a.shape[-1]) + np.tri(a.shape[-1], k=-1))",
}
_READ = f"np.where(lower, d, {_t('d')})"
for _rank in (3, 4):
    _product = f"({_t('out')} @ d)"
    general(
        "np.linalg.cholesky(a, /)",
        ranks=(_rank,),
        let={**_SYMMETRIC, "inverse": "np.linalg.inv(out)"},
        tangent=f"out @ (half * (inverse @ {_READ} @ {_t('inverse')}))",
        adjoint=f"half * ({_t('inverse')} @ np.where(lower, {_product}, {_t(_product)}) @ inverse)",
        result=results.like("a", "float"),
        on={"a": functools.partial(_definite, rank=_rank)},
    )
    _moved = f"({_t('out[1]')} @ {_READ} @ out[1])"
    _turned = f"divide_or_zero({_t('out[1]')} @ d[1], gaps)"
    _back = f"((out[1] * {_rows('d[0]')} + out[1] @ {_turned}) @ {_t('out[1]')})"
    general(
        "np.linalg.eigh(a)",
        ranks=(_rank,),
        let={**_SYMMETRIC, "gaps": f"{_rows('out[0]')} - {_columns('out[0]')}"},
        tangent=f"({_diagonal(_moved)}, out[1] @ divide_or_zero({_moved}, gaps))",
        adjoint=f"half * ({_t(_back)} + {_back})",
        result=_parts(_rank, 1, 0),
    )
    general(
        "np.linalg.eigvalsh(a)",
        ranks=(_rank,),
        let={**_SYMMETRIC, "vectors": "np.linalg.eigh(a)[1]"},
        tangent=_diagonal(f"({_t('vectors')} @ {_READ} @ vectors)"),
        adjoint=f"2.0 * half * ((vectors * {_rows('d')}) @ {_t('vectors')})",
        result=results.ranked(_rank - 1, "a", "float"),
    )
    general(
        "np.linalg.svd(a, full_matrices=True, compute_uv=True)",
        ranks=(_rank,),
        where={"compute_uv": False},
        let={"factors": "np.linalg.svd(a, full_matrices=False)"},
        tangent=_diagonal(f"({_t('factors[0]')} @ d @ {_t('factors[2]')})"),
        adjoint=f"(factors[0] * {_rows('d')}) @ factors[2]",
        result=results.ranked(_rank - 1, "a", "float"),
    )
    general(
        "np.linalg.pinv(a)",
        ranks=(_rank,),
        let={
            "left": "np.eye(a.shape[-2]) - a @ out",
            "right": "np.eye(a.shape[-1]) - out @ a",
        },
        tangent=f"out @ {_t('out')} @ {_t('d')} @ left "
        f"+ right @ {_t('d')} @ {_t('out')} @ out - out @ d @ out",
        adjoint=f"left @ {_t('d')} @ out @ {_t('out')} "
        f"+ {_t('out')} @ out @ {_t('d')} @ right - {_t('out')} @ d @ {_t('out')}",
        result=results.ranked(_rank, "a", "float"),
    )
    _u, _s, _v = "out[0]", _rows("out[1]"), "out[2]"
    _down = _columns("out[1]")
    _moved = f"({_t(_u)} @ d @ {_t(_v)})"
    _turn_u = f"divide_or_zero({_moved} * {_s} + {_down} * {_t(_moved)}, gaps)"
    _turn_v = f"divide_or_zero({_down} * {_moved} + {_t(_moved)} * {_s}, gaps)"
    _back_u = f"divide_or_zero({_t(_u)} @ d[0] - {_t('d[0]')} @ {_u}, gaps) * {_s}"
    _back_v = f"{_down} * divide_or_zero({_v} @ {_t('d[2]')} - d[2] @ {_t(_v)}, gaps)"
    _off_u, _off_v = f"(d[0] / {_s})", f"(d[2] / {_down})"
    general(
        "np.linalg.svd(a, full_matrices=True)",
        ranks=(_rank,),
        where={"full_matrices": False},
        let={"gaps": f"{_s} ** 2 - {_down} ** 2"},
        tangent=f"({_u} @ {_turn_u} + (d @ {_t(_v)} - {_u} @ {_moved}) / {_s}, "
        f"{_diagonal(_moved)}, "
        f"{_t(_turn_v)} @ {_v} + ({_t(_u)} @ d - {_moved} @ {_v}) / {_down})",
        adjoint=f"({_u} * {_rows('d[1]')} + {_u} @ ({_back_u} + {_back_v})) @ {_v} "
        f"+ ({_off_u} - {_u} @ ({_t(_u)} @ {_off_u})) @ {_v} "
        f"+ {_u} @ ({_off_v} - ({_off_v} @ {_t(_v)}) @ {_v})",
        result=_parts(_rank, 0, 1, 0),
    )

# of a matrix that is not symmetric, where they are real; vectors have length 1

_GAPS = "as_real(out[0]) - as_real(out[0])[:, None]"
_TURNED = "(vectors @ divide_or_zero(inverse @ d @ vectors, gaps))"
_FREE = "(d[1] - vectors * np.sum(vectors * d[1], axis=0))"
general(
    "np.linalg.eig(a)",
    ranks=(2,),
    let={"vectors": "as_real(out[1])", "inverse": "np.linalg.inv(vectors)", "gaps": _GAPS},
    tangent="(np.diag(inverse @ d @ vectors), "
    f"{_TURNED} - vectors * np.sum(vectors * {_TURNED}, axis=0))",
    adjoint=f"as_real((inverse.T * d[0] + inverse.T @ divide_or_zero(vectors.T @ {_FREE}, gaps)) "
    "@ vectors.T)",
    result=_parts(2, 1, 0),
    on={"a": _apart},
)
# the vectors in the order of the eigenvalues, whichever that is
_SORTED = "[:, np.argsort(factors[0])][:, np.argsort(np.argsort(out))]"
general(
    "np.linalg.eigvals(a)",
    ranks=(2,),
    let={
        "factors": "np.linalg.eig(a)",
        "vectors": f"as_real(factors[1]){_SORTED}",
        "inverse": "np.linalg.inv(vectors)",
    },
    tangent="np.diag(inverse @ d @ vectors)",
    adjoint="as_real((inverse.T * d) @ vectors.T)",
    result=results.ranked(1, "a", "float"),
    on={"a": _apart},
)
