"""Rules of numpy's reductions of some entries (`where=`), or that start from a value (`initial=`).

Takes nothing, registers rules when imported, requires `rules.declare`. What is left out gets
nothing, whatever is there; a value to start from counts as a constant that is one entry more.
"""

from __future__ import annotations

from . import results
from .declare import linear, reduction, zero

_AXES = "axis=axis, keepdims=keepdims"
_PUT = "expand({}, a, axis, keepdims)"
_ONLY = "np.where(where, {}, 0.0)"
_ARRAY = ("array",)

# sums

_SAME = results.reduction("a", "same")
linear(
    "np.sum(a, axis=None, *, keepdims=False, initial)",
    a=_PUT.format("d"),
    initial="unbroadcast(np.sum(d), initial)",
    tangent={"a": f"np.sum(d, {_AXES})", "initial": "np.full_like(out, d)"},
    ranks=_ARRAY,
    result=_SAME,
)
linear(
    "np.sum(a, axis=None, *, keepdims=False, initial=0.0, where)",
    a=_ONLY.format(_PUT.format("d")),
    initial="unbroadcast(np.sum(d), initial)",
    tangent={"a": f"np.sum({_ONLY.format('d')}, {_AXES})", "initial": "np.full_like(out, d)"},
    ranks=_ARRAY,
    result=_SAME,
)

# means and what is spread around them

_MANY = f"np.sum(np.broadcast_to(where, a.shape), {_AXES})"
reduction(
    "np.mean(a, axis=None, *, keepdims=False, where)",
    let={"count": _MANY},
    tangent=f"np.sum({_ONLY.format('d')}, {_AXES}) / count",
    adjoint=_ONLY.format(_PUT.format("d / count")),
    ranks=_ARRAY,
    result=results.reduction("a"),
)
for _name, _steep in (
    ("var", f"2.0 * {{}} / ({_MANY} - ddof)"),
    ("std", f"divide_or_zero({{}}, ({_MANY} - ddof) * out)"),
):
    reduction(
        f"np.{_name}(a, axis=None, *, ddof=0, keepdims=False, where)",
        let={"around": _ONLY.format("a - np.mean(a, axis=axis, keepdims=True, where=where)")},
        tangent=_steep.format(f"np.sum(around * d, {_AXES})"),
        adjoint=f"{_PUT.format(_steep.format('d'))} * around",
        ranks=_ARRAY,
        result=results.reduction("a"),
    )

# products and extremes

for _text, _chosen in (("initial", "a"), ("initial=1.0, where", "np.where(where, a, 1.0)")):
    _others = f"exclusive_product({_chosen}, axis) * initial"
    if "where" in _text:
        _others = _ONLY.format(_others)
    reduction(
        f"np.prod(a, axis=None, *, keepdims=False, {_text})",
        tangent={
            "a": f"np.sum(d * {_others}, {_AXES})",
            "initial": f"d * np.prod({_chosen}, {_AXES})",
        },
        adjoint={
            "a": f"{_PUT.format('d')} * {_others}",
            "initial": f"unbroadcast(np.sum(d * np.prod({_chosen}, {_AXES})), initial)",
        },
        ranks=_ARRAY,
        result=_SAME,
        on={"a": (0.5, 2.0), "initial": (0.5, 2.0)},
    )
for _names, _op, _never in ((("max", "amax"), ">", "-np.inf"), (("min", "amin"), "<", "np.inf")):
    for _text, _chosen in (("initial", "a"), ("initial, where", f"np.where(where, a, {_never})")):
        _shares = (
            f"np.where({_PUT.format('out')} {_op} initial, "
            f"ties({_chosen}, out, axis, keepdims), 0.0)"
        )
        for _name in _names:
            reduction(
                f"np.{_name}(a, axis=None, *, keepdims=False, {_text})",
                tangent=f"np.sum(d * {_shares}, {_AXES})",
                adjoint=f"{_PUT.format('d')} * {_shares}",
                ranks=_ARRAY,
                result=results.reduction("a", "plain"),
            )
for _name in ("any", "all"):
    zero(
        f"np.{_name}(a, axis=None, *, keepdims=False, where)", result=results.reduction("a", "bool")
    )
