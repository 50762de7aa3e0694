"""Rules of functions of NumPy 2 that are others under another name, or of matrices alone.

Takes nothing, registers rules when imported, requires `rules.declare` and that the rules of the
others are registered (the order of `registry.TABLES`).
"""

from __future__ import annotations

from s2s_ad.ir.kinds import UNKNOWN

from . import results
from .declare import bilinear, reshaping
from .results import constant, is_integer
from .twins import twin

twin("np.linalg.outer(x1, x2, /)", "np.outer", ranks=(1, 1), a="x1", b="x2")
twin("np.linalg.cross(x1, x2, /, *, axis=-1)", "np.cross", a="x1", b="x2")
twin("np.linalg.vecdot(x1, x2, /)", "np.vecdot", a="x1", b="x2")
twin("np.linalg.matmul(x1, x2, /)", "np.matmul", a="x1", b="x2")
twin("np.linalg.tensordot(x1, x2, /, *, axes=2)", "np.tensordot", a="x1", b="x2")
twin("np.linalg.trace(x, /, *, offset=0)", "np.trace(a, offset=0)", ranks=(2,), a="x")
twin("np.linalg.diagonal(x, /, *, offset=0)", "np.diagonal(a, offset=0)", ranks=(2,), a="x")
twin("np.linalg.svdvals(x, /)", "np.linalg.svd(a, full_matrices=True, compute_uv=True)",
     {"compute_uv": False}, a="x")  # fmt: skip
twin("np.linalg.vector_norm(x, /, *, axis=None, keepdims=False)", "np.linalg.norm")
for _ranks, _axis in (((1,), None), ((), is_integer)):
    twin("np.linalg.vector_norm(x, /, *, axis=None, keepdims=False, ord=2)", "np.linalg.norm",
         {"axis": _axis}, ranks=_ranks)  # fmt: skip
twin("np.linalg.matrix_norm(x, /, *, ord='fro')", "np.linalg.norm", ranks=(2,))
for _name in ("sum", "prod"):
    _given = f"np.cumulative_{_name}(x, /, *, axis=None)"
    twin(_given, f"np.cum{_name}", {"axis": None}, ranks=(1,), a="x")
    twin(_given, f"np.cum{_name}", {"axis": is_integer}, ranks=("array",), a="x")
for _name in ("np.matrix_transpose(x, /)", "np.linalg.matrix_transpose(x, /)"):
    reshaping(_name, x="np.swapaxes(d, -1, -2)", ranks=(2,), result=results.transposed("x"))
    reshaping(_name, x="np.swapaxes(d, -1, -2)", ranks=("array",), result=results.same_rank("x"))
_COLUMN = "np.expand_dims({}, -1)"
bilinear(
    "np.matvec(a, b, /)",
    ranks=("array", "array"),
    a=f"unbroadcast({_COLUMN.format('d')} * np.expand_dims(b, -2), a)",
    b=f"unbroadcast(np.sum(a * {_COLUMN.format('d')}, axis=-2), b)",
    result=constant(UNKNOWN),
)
bilinear(
    "np.vecmat(a, b, /)",
    ranks=("array", "array"),
    a="unbroadcast(np.sum(b * np.expand_dims(d, -2), axis=-1), a)",
    b=f"unbroadcast({_COLUMN.format('a')} * np.expand_dims(d, -2), b)",
    result=constant(UNKNOWN),
)
