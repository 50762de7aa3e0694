"""Rules of numpy's covariances, correlations and weighted means.

Takes nothing, registers rules when imported, requires `rules.declare`. Rows are variables unless
told otherwise; NumPy drops the axes of a single one.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, fresh_dim

from . import results
from .declare import general, reduction
from .results import Args, Kinds, constant, is_given, is_integer


def _between(kinds: Kinds, args: Args) -> Kind:
    """A matrix, or an array without axes where there may be one variable alone."""
    kind = kinds.get("m", kinds.get("x", UNKNOWN))
    several = (
        isinstance(kind, Array)
        and bool(kind.dims)
        and all(dim.one is False for dim in kind.dims or ())
    )
    return Array((fresh_dim(), fresh_dim()), "float") if several else UNKNOWN


# what each row or column is less its mean, times that of the others

_BACK = "(np.atleast_2d(d) + np.atleast_2d(d).T)"
for _bias, _ddof, _free in (
    (False, None, " - 1"),
    (True, None, ""),
    ((False, True), is_given, " - ddof"),
):
    _options = {"bias": _bias, "ddof": _ddof}
    for _rows, _axis in ((True, 1), (False, 0)):
        _around = f"m - np.mean(m, axis={_axis}, keepdims=True)"
        _count = f"(m.shape[{_axis}]{_free})"
        _product = "{} @ {}.T" if _rows else "{}.T @ {}"
        _moved = f"{_product.format('d', 'around')} + {_product.format('around', 'd')}"
        general(
            "np.cov(m, *, rowvar=True, bias=False, ddof=None)",
            ranks=(2,),
            where={"rowvar": _rows, **_options},
            let={"around": _around},
            tangent=f"np.reshape({_moved}, np.shape(out)) / {_count}",
            adjoint=(f"{_BACK} @ around" if _rows else f"around @ {_BACK}") + f" / {_count}",
            result=_between,
        )
    general(
        "np.cov(m, *, rowvar=True, bias=False, ddof=None)",
        ranks=(1,),
        where=_options,
        tangent=f"np.asarray(2.0 * np.sum((m - np.mean(m)) * d) / (m.size{_free}))",
        adjoint=f"(m - np.mean(m)) * (2.0 * d / (m.size{_free}))",
        result=constant(Array((), "float")),
    )
    _count = f"(m.size{_free})"
    _of = {"m": "m - np.mean(m)", "y": "y - np.mean(y)"}
    _cross = "np.sum(({}) * d)"
    general(
        "np.cov(m, y, *, bias=False, ddof=None)",
        ranks=(1, 1),
        where=_options,
        tangent={
            "m": f"np.array([[2.0 * {_cross.format(_of['m'])}, {_cross.format(_of['y'])}], "
            f"[{_cross.format(_of['y'])}, 0.0]]) / {_count}",
            "y": f"np.array([[0.0, {_cross.format(_of['m'])}], "
            f"[{_cross.format(_of['m'])}, 2.0 * {_cross.format(_of['y'])}]]) / {_count}",
        },
        adjoint={
            "m": f"(2.0 * d[0, 0] * ({_of['m']}) + (d[0, 1] + d[1, 0]) * ({_of['y']})) / {_count}",
            "y": f"(2.0 * d[1, 1] * ({_of['y']}) + (d[0, 1] + d[1, 0]) * ({_of['m']})) / {_count}",
        },
        result=results.ranked(2, "m", "float"),
    )

# the same of rows of length 1

_SPREAD = "np.linalg.norm(around, axis=1, keepdims=True)"
_TURNED = "({0} - rows * np.sum(rows * {0}, axis=1, keepdims=True)) / spread"
_CENTRED = "(d - np.mean(d, axis=1, keepdims=True))"
general(
    "np.corrcoef(x, *, rowvar=True)",
    ranks=(2,),
    where={"rowvar": True},
    let={
        "around": "x - np.mean(x, axis=1, keepdims=True)",
        "spread": _SPREAD,
        "rows": "around / spread",
    },
    tangent=f"np.reshape({_TURNED.format(_CENTRED)} @ rows.T "
    f"+ rows @ ({_TURNED.format(_CENTRED)}).T, np.shape(out))",
    adjoint=_TURNED.format(f"({_BACK} @ rows)"),
    result=_between,
)

# means with weights along an axis: a weight for each entry, or for each place along it

_AVERAGE = "np.average(a, axis=None, weights=None)"
_ALONG = "np.moveaxis(np.broadcast_to({}, np.moveaxis(a, axis, -1).shape), -1, axis)"
_TOTAL = "np.sum(whole, axis=axis)"
for _ranks, _spread, _summed in (
    (
        ("array", None, 1),
        _ALONG,
        "np.sum(np.reshape(np.moveaxis({}, axis, -1), (-1, np.size(weights))), axis=0)",
    ),
    ((2, None, 2), "{}", "{}"),
    ((3, None, 3), "{}", "{}"),
):
    _off = "(a - expand(out, a, axis))"
    reduction(
        _AVERAGE,
        where={"axis": is_integer, "weights": is_given},
        let={"whole": _spread.format("weights")},
        tangent={
            "a": f"np.sum(whole * d, axis=axis) / {_TOTAL}",
            "weights": f"np.sum({_off} * {_spread.format('d')}, axis=axis) / {_TOTAL}",
        },
        adjoint={
            "a": f"expand(d / {_TOTAL}, a, axis) * whole",
            "weights": _summed.format(f"(expand(d / {_TOTAL}, a, axis) * {_off})"),
        },
        ranks=_ranks,
        result=results.reduction("a"),
        on=(0.5, 2),
    )
