"""Rules of numpy's reductions and scans.

Takes nothing, registers rules when imported, requires `rules.declare`. `expand` puts a
differential back on the axes that were reduced; the engine writes it in plain numpy where ranks
are known.
"""

from __future__ import annotations

from . import lengths, results
from .declare import linear, reduction, reshaping
from .results import is_integer
from .whole_numbers import of_all

_AXES = "axis=axis, keepdims=keepdims"
_PUT = "expand({}, a, axis, keepdims)"


def _put(what: str) -> str:
    return _PUT.format(what)


# sums and means

linear(
    "np.sum(a, axis=None, *, keepdims=False)", a=_put("d"), result=results.reduction("a", "same")
)
_MEAN = "np.mean(a, axis=None, *, keepdims=False)"
_FLOAT = results.reduction("a")
linear(_MEAN, a=_put("d / a.size"), where={"axis": None}, ranks=("array",), result=_FLOAT)
linear(_MEAN, a=_put("d / a.shape[axis]"), where={"axis": is_integer}, ranks=("array",),
       result=_FLOAT)  # fmt: skip
linear(_MEAN, a=_put("d * np.size(out) / np.size(a)"), result=_FLOAT)
_AVERAGE = "np.average(a, axis=None, weights=None)"
linear(_AVERAGE, a="expand(d / a.size, a, axis, False)", where={"axis": None, "weights": None},
       ranks=("array",), result=_FLOAT)  # fmt: skip
linear(_AVERAGE, a="expand(d * np.size(out) / np.size(a), a, axis, False)",
       where={"weights": None}, result=_FLOAT)  # fmt: skip
reduction(
    _AVERAGE,
    where={"axis": None},
    tangent={
        "a": "np.sum(weights * d) / np.sum(weights)",
        "weights": "np.sum((a - out) * d) / np.sum(weights)",
    },
    adjoint={
        "a": "weights * (d / np.sum(weights))",
        "weights": "(a - out) * (d / np.sum(weights))",
    },
    ranks=("array", None, "array"),
    result=_FLOAT,
    on=(0.5, 2),
)

# spread around the mean


def _spread(name: str) -> None:
    """Declare `np.var` or `np.std`: over everything, and along axes."""
    mean, around = "(a - np.mean(a))", "AROUND"
    # the mean along the first axis is the same along it without being told
    first = {"axis": 0, "keepdims": False}
    count, counts = "(a.size - ddof)", "count"
    if name == "var":
        whole = (f"2.0 * np.sum({mean} * d) / {count}", f"{mean} * (2.0 * d / {count})")
        along = (f"2.0 * np.sum({around} * d, {_AXES}) / {counts}", f"2.0 * d / {counts}")
    else:
        flat = f"({count} * out) if out else 0.0"
        whole = (f"np.sum({mean} * d) / {flat}", f"{mean} * (d / {flat})")
        steep = f"divide_or_zero({{}}, {counts} * out)"
        along = (steep.format(f"np.sum({around} * d, {_AXES})"), steep.format("d"))
    text = f"np.{name}(a, axis=None, *, ddof=0, keepdims=False)"
    everything = {"axis": None, "keepdims": False}
    reduction(text, where=everything, ranks=("array",), tangent=whole[0], adjoint=whole[1],
              result=_FLOAT)  # fmt: skip
    for ranks, where, number, keep in (
        (("array",), first, "a.shape[axis] - ddof", ""),
        (("array",), {"axis": is_integer}, "a.shape[axis] - ddof", ", keepdims=True"),
        (None, {}, "np.size(a) / np.size(out) - ddof", ", keepdims=True"),
    ):
        centred = f"(a - np.mean(a, axis=axis{keep}))"
        reduction(
            text,
            let={"count": number},
            tangent=along[0].replace(around, centred),
            adjoint=f"{_put(along[1])} * {centred}",
            where=where,
            ranks=ranks,
            result=_FLOAT,
        )


for _name in ("var", "std"):
    _spread(_name)

# extremes: entries that tie share

for _name in ("max", "min", "amax", "amin"):
    reduction(
        f"np.{_name}(a, axis=None, *, keepdims=False)",
        tangent=f"np.sum(d * ties(a, out, axis, keepdims), {_AXES})",
        adjoint=f"{_put('d')} * ties(a, out, axis, keepdims)",
        result=results.reduction("a", "plain"),
    )
_WEIGHTS = "(ties(a, np.max(a, axis=axis), axis) - ties(a, np.min(a, axis=axis), axis))"
reduction(
    "np.ptp(a, axis=None)",
    tangent=f"np.sum(d * {_WEIGHTS}, axis=axis)",
    adjoint=f"expand(d, a, axis, False) * {_WEIGHTS}",
    result=results.reduction("a", "same"),
)

# products, right at zeros: nothing is divided by an entry

reduction(
    "np.prod(a, axis=None, *, keepdims=False)",
    tangent=f"np.sum(d * exclusive_product(a, axis), {_AXES})",
    adjoint=f"{_put('d')} * exclusive_product(a, axis)",
    result=results.reduction("a", "same"),
    on=(0.5, 2),
)

# scans

_SCAN = results.along_axis("a")
reshaping("np.cumsum(a, axis=None)", a="np.cumsum(d[::-1])[::-1]", ranks=(1,), result=_SCAN)
reshaping("np.cumsum(a, axis=None)", a="np.reshape(np.cumsum(d[::-1])[::-1], np.shape(a))",
          where={"axis": None}, result=_SCAN)  # fmt: skip
reshaping("np.cumsum(a, axis=None)", a="np.flip(np.cumsum(np.flip(d, axis), axis=axis), axis)",
          where={"axis": is_integer}, result=_SCAN)  # fmt: skip
_RUN = "np.cumprod(a, axis=None)"
reduction(
    _RUN,
    where={"axis": is_integer},
    tangent="recurrence(a, delay(out, 1.0, axis) * d, axis)",
    adjoint="delay(out, 1.0, axis) * recurrence_back(a, d, axis)",
    result=_SCAN,
    on=(0.5, 2),
)
reduction(
    _RUN,
    where={"axis": None},
    tangent="recurrence(np.ravel(a), delay(out, 1.0) * np.ravel(d))",
    adjoint="np.reshape(delay(out, 1.0) * recurrence_back(np.ravel(a), d), np.shape(a))",
    result=_SCAN,
    on=(0.5, 2),
)
linear(
    "np.diff(a, n=1, axis=-1)",
    a="-np.diff(d, axis=axis, prepend=0.0, append=0.0)",
    where={"n": 1},
    result=lengths.grown("a", -1),
)
linear(
    "np.diff(a, n=1, axis=-1, *, prepend, append)",
    a="-np.diff(d, axis=axis)",
    where={"n": 1, "prepend": 0.0, "append": 0.0},
    tangent={"a": "np.diff(d, axis=axis, prepend=0.0, append=0.0)"},
    result=of_all(lengths.grown("a", 1), "a", "prepend", "append"),
)

# order

_ORDER = "np.argsort(a, axis=axis)"
for _ranks, _back, _d in (
    (("array",), "{}", "d"),
    (None, "unbroadcast({}, a)", "np.asarray(d)"),
):
    linear(
        "np.sort(a, axis=-1)",
        a=_back.format(f"scatter_along(d, a, {_ORDER}, axis)"),
        tangent={"a": f"np.take_along_axis({_d}, {_ORDER}, axis)"},
        ranks=_ranks,
        where={"axis": is_integer},
        result=results.like("a"),
    )
