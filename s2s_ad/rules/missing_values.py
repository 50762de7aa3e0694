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

# running products: what is no number is a 1

_ONE = "np.where(np.isnan(a), 1.0, a)"
reduction(
    "np.nancumprod(a, axis=None)",
    where={"axis": is_integer},
    tangent=f"recurrence({_ONE}, delay(out, 1.0, axis) * ({_IS} * d), axis)",
    adjoint=f"{_IS} * delay(out, 1.0, axis) * recurrence_back({_ONE}, d, axis)",
    ranks=_ARRAY,
    result=results.along_axis("a"),
    on=(0.5, 2),
)
reduction(
    "np.nancumprod(a, axis=None)",
    where={"axis": None},
    tangent=f"recurrence(np.ravel({_ONE}), delay(out, 1.0) * np.ravel({_IS} * d))",
    adjoint="np.reshape(delay(out, 1.0) * "
    f"recurrence_back(np.ravel({_ONE}), d), np.shape(a)) * {_IS}",
    ranks=_ARRAY,
    result=results.along_axis("a"),
    on=(0.5, 2),
)

# what is between two entries in order, of which those that are no numbers are the last

_MOVED = "np.moveaxis({}, axis, 0)"
for _text, _place in (
    ("np.nanmedian(a, axis=None, *, keepdims=False)", "0.5"),
    ("np.nanquantile(a, q, axis=None, *, keepdims=False)", "q"),
    ("np.nanpercentile(a, q, axis=None, *, keepdims=False)", "0.01 * q"),
):
    _ranks = ("array", 0) if "q" in _text.split(",")[1] else _ARRAY
    for _axis, _keep, _rows, _put, _back in (
        (None, False, "np.ravel({})", "{}", "np.reshape({}, a.shape)"),
        (is_integer, False, _MOVED, "{}", "np.moveaxis({}, 0, axis)"),
        (is_integer, True, _MOVED, "np.squeeze({}, axis)", "np.moveaxis({}, 0, axis)"),
    ):
        _taken = f"np.sum(np.take_along_axis({_rows.format('d')}, near, 0) * share, axis=0)"
        reduction(
            _text,
            where={"axis": _axis, "keepdims": _keep},
            ranks=_ranks,
            let={
                "rows": _rows.format("a"),
                "place": f"{_place} * (np.sum(np.logical_not(np.isnan(rows)), axis=0) - 1)",
                "below": "np.floor(place)",
                "share": "np.stack([1.0 - (place - below), place - below])",
                "near": "np.take_along_axis(np.argsort(rows, axis=0), "
                "np.stack([below, np.ceil(place)]).astype(int), 0)",
            },
            tangent=f"np.expand_dims({_taken}, axis)" if _keep else _taken,
            adjoint=_back.format(
                f"scatter_along(np.expand_dims({_put.format('d')}, 0) * share, rows, near, 0)"
            ),
            result=results.reduction("a"),
        )
