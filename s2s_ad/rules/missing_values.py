"""Rules of reductions and scans that leave out what is not a number.

Takes nothing, registers rules when imported, requires `rules.declare`. Entries that are not numbers
get nothing, the others what they would get if those were not there.
"""

from __future__ import annotations

from . import results
from .declare import reduction, reshaping
from .results import is_integer

_AXES = "axis=axis, keepdims=keepdims"
_FLOAT = results.reduction("a")
_IS = "np.logical_not(np.isnan(a))"
_PUT = "expand({}, a, axis, keepdims)"
_ARRAY = ("array",)

reduction(
    "np.nanmean(a, axis=None, *, keepdims=False)",
    let={"count": f"np.sum({_IS}, {_AXES})"},
    tangent=f"np.sum({_IS} * d, {_AXES}) / count",
    adjoint=f"{_PUT.format('d / count')} * {_IS}",
    ranks=_ARRAY,
    result=_FLOAT,
)
reduction(
    "np.nanprod(a, axis=None, *, keepdims=False)",
    let={"others": f"{_IS} * exclusive_product(np.where(np.isnan(a), 1.0, a), axis)"},
    tangent=f"np.sum(d * others, {_AXES})",
    adjoint=f"{_PUT.format('d')} * others",
    ranks=_ARRAY,
    result=results.reduction("a", "same"),
    on=(0.5, 2),
)
for _name in ("nanmax", "nanmin"):
    reduction(
        f"np.{_name}(a, axis=None, *, keepdims=False)",
        tangent=f"np.sum(d * ties(a, out, axis, keepdims), {_AXES})",
        adjoint=f"{_PUT.format('d')} * ties(a, out, axis, keepdims)",
        ranks=_ARRAY,
        result=results.reduction("a", "plain"),
    )
for _name in ("nanvar", "nanstd"):
    _many = f"(np.sum({_IS}, {_AXES}) - ddof)"
    _steep = (
        f"2.0 * {{}} / {_many}" if _name == "nanvar" else f"divide_or_zero({{}}, {_many} * out)"
    )
    reduction(
        f"np.{_name}(a, axis=None, *, ddof=0, keepdims=False)",
        let={"around": "np.where(np.isnan(a), 0.0, a - np.nanmean(a, axis=axis, keepdims=True))"},
        tangent=_steep.format(f"np.sum(around * d, {_AXES})"),
        adjoint=f"{_PUT.format(_steep.format('d'))} * around",
        ranks=_ARRAY,
        result=_FLOAT,
    )
reshaping(
    "np.nancumsum(a, axis=None)",
    a=f"np.flip(np.cumsum(np.flip(d, axis), axis=axis), axis) * {_IS}",
    tangent={"a": f"np.cumsum({_IS} * d, axis=axis)"},
    where={"axis": is_integer},
    ranks=_ARRAY,
    result=results.along_axis("a"),
)
reshaping(
    "np.nancumsum(a, axis=None)",
    a=f"np.reshape(np.cumsum(d[::-1])[::-1], np.shape(a)) * {_IS}",
    tangent={"a": f"np.cumsum({_IS} * d)"},
    where={"axis": None},
    ranks=_ARRAY,
    result=results.along_axis("a"),
)
