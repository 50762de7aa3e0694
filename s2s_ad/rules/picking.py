"""Rules of functions that pick entries: by place, by order, or one of several arrays.

Takes nothing, registers rules when imported, requires `rules.declare`. What a function does with
the places of entries says which entries it picked: what comes in goes back there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from s2s_ad.ir.kinds import UNKNOWN

from . import results
from .declare import linear, reduction
from .results import constant, is_given, is_integer
from .rule import Rank, Result


def _places(name: str) -> str:
    return f"np.reshape(np.arange(np.size({name})), np.shape({name}))"


def picking(
    text: str,
    name: str,
    picked: str,
    result: Result,
    ranks: tuple[Rank, ...] | None = None,
    where: Mapping[str, object] | None = None,
) -> None:
    """Declare a function that picks entries of `name`; picked: what it makes of their PLACES."""
    at = picked.replace("PLACES", _places(name))
    back: dict[str, Any] = {
        name: f"np.reshape(scatter(d, np.ravel({name}), {at}), np.shape({name}))"
    }
    linear(text, ranks=ranks, where=where, result=result, **back)


picking("np.repeat(a, repeats, axis=None)", "a", "np.repeat(PLACES, repeats, axis=axis)",
        constant(UNKNOWN))  # fmt: skip
picking("np.take(a, indices, axis=None)", "a", "np.take(PLACES, indices, axis)",
        constant(UNKNOWN), ranks=("array",))  # fmt: skip
for _mode in ("clip", "wrap"):
    picking("np.take(a, indices, axis=None, *, mode)", "a",
            f"np.take(PLACES, indices, axis, mode='{_mode}')", constant(UNKNOWN),
            ranks=("array",), where={"mode": _mode})  # fmt: skip
picking("np.tile(A, reps)", "A", "np.tile(PLACES, reps)", constant(UNKNOWN))
picking("np.delete(arr, obj, axis=None)", "arr", "np.delete(PLACES, obj, axis=axis)",
        constant(UNKNOWN))  # fmt: skip
picking("np.compress(condition, a, axis=None)", "a", "np.compress(condition, PLACES, axis=axis)",
        constant(UNKNOWN))  # fmt: skip
picking("np.extract(condition, arr)", "arr", "np.extract(condition, PLACES)",
        results.ranked(1, "arr"))  # fmt: skip
picking("np.resize(a, new_shape)", "a", "np.resize(PLACES, new_shape)", constant(UNKNOWN))
picking("np.rollaxis(a, axis, start=0)", "a", "np.rollaxis(PLACES, axis, start)",
        results.same_rank("a"), ranks=("array",))  # fmt: skip
_DIAGONAL = "np.diagonal({}, offset=offset, axis1=axis1, axis2=axis2)"
picking("np.diagonal(a, offset=0, axis1=0, axis2=1)", "a", _DIAGONAL.format("PLACES"),
        constant(UNKNOWN), ranks=("array",))  # fmt: skip
linear(
    "np.trace(a, offset=0, axis1=0, axis2=1)",
    a="np.reshape(scatter(np.expand_dims(d, -1), np.ravel(a), "
    f"{_DIAGONAL.format(_places('a'))}), np.shape(a))",
    ranks=("array",),
    result=constant(UNKNOWN),
)
linear(
    "np.bincount(labels, /, weights, minlength=0)",
    weights="np.take(d, labels)",
    ranks=(None, 1),
    result=results.ranked(1, "weights", "float"),
)

# entries in order

_FLAT = "np.argsort(a, axis=None)"
linear(
    "np.sort(a, axis=-1)",
    a=f"np.reshape(scatter(d, np.ravel(a), {_FLAT}), np.shape(a))",
    tangent={"a": f"np.take(d, {_FLAT})"},
    where={"axis": None},
    result=results.ranked(1, "a"),
)
# which entry is where: the places of those in order, in the order of the result
linear(
    "np.partition(a, kth, axis=-1)",
    a="scatter_along(d, a, origin, axis)",
    tangent={"a": "np.take_along_axis(d, origin, axis)"},
    let={
        "rank": "np.argsort(np.argsort(out, axis=axis), axis=axis)",
        "origin": "np.take_along_axis(np.argsort(a, axis=axis), rank, axis)",
    },
    ranks=("array",),
    where={"axis": is_integer},
    result=results.like("a"),
)


def _quantile(text: str, place: str, of_flat: Callable[[object], bool] | None = is_given) -> None:
    """Declare what is between two entries in order, at `place` times the last index."""
    let = {
        "place": f"{place} * (COUNT - 1)",
        "below": "np.floor(place)",
        "share": "np.stack([1.0 - (place - below), place - below], axis=-1)",
        "pair": "np.stack([below, np.ceil(place)], axis=-1).astype(int)",
    }
    if of_flat is not None:
        reduction(
            text,
            let={
                **let,
                "place": let["place"].replace("COUNT", "np.size(a)"),
                "near": f"np.take({_FLAT}, pair)",
            },
            tangent="np.sum(np.take(d, near) * share, axis=-1)",
            adjoint="np.reshape("
            "scatter(np.expand_dims(d, -1) * share, np.ravel(a), near), np.shape(a))",
            where={"axis": None, "keepdims": False},
            ranks=("array",),
            result=constant(UNKNOWN),
        )
    for keep, put, back in (
        (False, "np.expand_dims(d, 0)", "{}"),
        (True, "np.moveaxis(d, axis, 0)", "np.expand_dims({}, axis)"),
    ):
        along = "np.reshape(share, (2,) + (1,) * (np.ndim(a) - 1))"
        moved = "np.moveaxis({}, axis, 0)"
        near = f"np.take(np.argsort({moved.format('a')}, axis=0), pair, axis=0)"
        taken = f"np.take_along_axis({moved.format('d')}, {near}, 0)"
        reduction(
            text,
            let={**let, "place": let["place"].replace("COUNT", "a.shape[axis]")},
            tangent=back.format(f"np.sum({taken} * {along}, axis=0)"),
            adjoint=f"np.moveaxis(scatter_along({put} * {along}, {moved.format('a')}, {near}, 0), "
            "0, axis)",
            where={"axis": is_integer, "keepdims": keep},
            ranks=("array", 0) if "q" in text else ("array",),
            result=results.reduction("a"),
        )


_quantile("np.median(a, axis=None, *, keepdims=False)", "0.5", None)
_quantile("np.percentile(a, q, axis=None, *, keepdims=False)", "0.01 * np.asarray(q)")
_quantile("np.quantile(a, q, axis=None, *, keepdims=False)", "np.asarray(q)")

# one of several arrays for each entry

_EACH = "[unbroadcast(np.where(np.equal({}, k), d, 0.0), c) for k, c in zip(range(len({})), {})]"
linear(
    "np.choose(a, choices)",
    choices=_EACH.format("a", "choices", "choices"),
    a="0",
    tangent={"choices": "np.choose(a, d)"},
    ranks=(None, "list"),
    result=constant(UNKNOWN),
)
_FIRST = "np.select(condlist, list(range(len(choicelist))), -1)"
linear(
    "np.select(condlist, choicelist, default=0)",
    choicelist=_EACH.format("first", "choicelist", "choicelist"),
    default="unbroadcast(np.where(np.equal(first, -1), d, 0.0), default)",
    tangent={
        "choicelist": "np.select(condlist, d, zeros_like(default))",
        "default": "np.select(condlist, [zeros_like(c) for c in choicelist], d)",
    },
    let={"first": _FIRST},
    ranks=(None, "list"),
    result=constant(UNKNOWN),
)
