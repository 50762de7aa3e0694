"""Rules of numpy's recipes: quadrature, interpolation, polynomials, medians, contractions.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.ir.kinds import Array, ListOf, Number

from . import results
from .declare import bilinear, elementwise, general, linear, reduction
from .results import constant, is_given, is_integer
from .whole_numbers import of_all


def _points(rng: np.random.Generator) -> object:
    return np.array([0.0, 0.366, 1.0])


# quadrature of vectors; older numpy calls it trapz

for _name in ("trapz", "trapezoid"):
    linear(
        f"np.{_name}(y, x=None, dx=1.0)",
        y="0.5 * dx * d * (np.append(steps, 0.0) + np.append(0.0, steps))",
        tangent={"y": "dx * (np.sum(d) - 0.5 * (d[0] + d[-1]))"},
        where={"x": None},
        ranks=(1,),
        let={"steps": "np.ones(y.size - 1)"},
        result=constant(Number("float")),
    )
    linear(
        f"np.{_name}(y, x=None, dx=1.0)",
        y="0.5 * d * (np.append(np.diff(x), 0.0) + np.append(0.0, np.diff(x)))",
        x="-0.5 * d * np.diff(y[1:] + y[:-1], prepend=0.0, append=0.0)",
        tangent={
            "y": "0.5 * np.sum(np.diff(x) * (d[1:] + d[:-1]))",
            "x": "0.5 * np.sum(np.diff(d) * (y[1:] + y[:-1]))",
        },
        where={"x": is_given},
        ranks=(1, 1),
        result=constant(Number("float")),
    )

    # along an axis of what has several: half of the first and the last
    linear(
        f"np.{_name}(y, x=None, dx=1.0, axis=-1)",
        y="np.moveaxis(np.multiply.outer(weights, d), 0, axis)",
        where={"x": None, "axis": is_integer},
        ranks=("array",),
        let={
            "ones": "np.ones(y.shape[axis] - 1)",
            "weights": "0.5 * dx * (np.append(ones, 0.0) + np.append(0.0, ones))",
        },
        result=results.reduction("y"),
    )
    _rows, _both = "np.moveaxis(y, axis, 0)", "(rows[1:] + rows[:-1])"
    general(
        f"np.{_name}(y, x=None, dx=1.0, axis=-1)",
        where={"x": is_given, "axis": is_integer},
        ranks=("array", 1),
        let={"rows": _rows, "steps": "np.diff(x)"},
        tangent={
            "y": f"np.{_name}(d, x, axis=axis)",
            "x": f"0.5 * np.tensordot(np.diff(d), {_both}, 1)",
        },
        adjoint={
            "y": "np.moveaxis(np.multiply.outer("
            "0.5 * (np.append(steps, 0.0) + np.append(0.0, steps)), d), 0, axis)",
            "x": f"-0.5 * np.diff(np.sum(np.reshape(d * {_both}, (len(steps), -1)), axis=1), "
            "prepend=0.0, append=0.0)",
        },
        result=results.reduction("y"),
        on={"x": _points, "y": lambda rng: rng.uniform(-2.0, 2.0, (3, 3))},
    )

# values between points and of polynomials

_BELOW = "np.clip(np.searchsorted(xp, x, side='right') - 1, 0, len(xp) - 2)"
_BETWEEN = "(x >= xp[0]) * (x <= xp[-1])"
_RISE = {
    "k": _BELOW,
    "rise": "np.take(fp, k + 1) - np.take(fp, k)",
    "run": "np.take(xp, k + 1) - np.take(xp, k)",
}
_SLID = f"({_BETWEEN} * (rise / run) * d)"
elementwise(
    "np.interp(x, xp, fp, left=None, right=None)",
    x=f"{_BETWEEN} * (rise / run) * d",
    let=_RISE,
    active=("x",),
    result=results.elementwise("float", ("x",)),
    on={"x": (0.1, 0.9)},
)
# what is told for one side holds there in the place of the value at the end
for _left, _from in ((None, ""), (is_given, "(x >= xp[0]) * ")):
    for _right, _to in ((None, ""), (is_given, "(x <= xp[-1]) * ")):
        _flow = f"({_from}{_to}d)" if _from or _to else "d"
        _sides = {
            **({"left": "(x < xp[0]) * d"} if _left else {}),
            **({"right": "(x > xp[-1]) * d"} if _right else {}),
        }
        general(
            "np.interp(x, xp, fp, left=None, right=None)",
            tangent={
                "x": f"{_BETWEEN} * (rise / run) * d",
                "xp": f"{_BETWEEN} * (-rise / run) "
                "* ((1.0 - part) * np.take(d, k) + part * np.take(d, k + 1))",
                "fp": f"{_from}{_to}np.interp(x, xp, d)",
                **_sides,
            },
            adjoint={
                "fp": f"unbroadcast(scatter((1.0 - part) * {_flow}, np.asarray(fp, float), k) "
                f"+ scatter(part * {_flow}, np.asarray(fp, float), k + 1), fp)",
                "x": f"unbroadcast({_BETWEEN} * (rise / run) * d, x)",
                "xp": f"unbroadcast(scatter((part - 1.0) * {_SLID}, np.asarray(xp, float), k) "
                f"- scatter(part * {_SLID}, np.asarray(xp, float), k + 1), xp)",
                **{side: f"np.sum({template})" for side, template in _sides.items()},
            },
            flavour="linear",
            let={**_RISE, "part": "np.clip((x - np.take(xp, k)) / run, 0.0, 1.0)"},
            where={"left": _left, "right": _right},
            ranks=(None, None, None, 0 if _left else None, 0 if _right else None),
            result=results.elementwise("float", ("x",)),
            on={"x": (0.1, 0.9), "xp": _points, "fp": (-2.0, 2.0)},
        )
elementwise(
    "np.polyval(p, x)",
    x="np.polyval(np.polyder(p), x) * d",
    active=("x",),
    result=results.elementwise("float", ("x",)),
    on=(-2, 2),
)
general(
    "np.polyval(p, x)",
    ranks=(1,),
    tangent={"p": "np.polyval(d, x)", "x": "np.polyval(np.polyder(p), x) * d"},
    adjoint={
        "p": "np.ravel(d) @ np.vander(np.ravel(x), len(p))",
        "x": "unbroadcast(np.polyval(np.polyder(p), x) * d, x)",
    },
    result=results.elementwise("float", ("x",)),
)
linear("np.polyder(p)", p="np.append(d * np.arange(len(d), 0, -1), 0.0)",
       ranks=(1,), result=results.ranked(1, "p"))  # fmt: skip
linear("np.polyint(p)", p="d[:-1] / np.arange(len(d) - 1, 0, -1)", ranks=(1,),
       result=results.ranked(1, "p", "float"))  # fmt: skip
for _name, _sign in (("polyadd", ""), ("polysub", "-")):
    bilinear(
        f"np.{_name}(a1, a2)",
        a1="d[len(d) - len(a1) :]",
        a2=f"{_sign}d[len(d) - len(a2) :]",
        tangent={
            "a1": f"np.{_name}(d, zeros_like(a2))",
            "a2": f"np.{_name}(zeros_like(a1), d)",
        },
        ranks=(1, 1),
        result=of_all(results.ranked(1, "a1"), "a1", "a2"),
    )
general(
    "np.polyfit(x, y, deg)",
    ranks=(None, 1),
    let={"fit": "np.linalg.pinv(np.vander(x, deg + 1))"},
    tangent={"y": "fit @ d"},
    adjoint={"y": "fit.T @ d"},
    result=results.ranked(1, "y", "float"),
    on={"x": _points, "y": (-2.0, 2.0)},
)

# sums that leave out what is not a number, and the middle of the order

reduction(
    "np.nansum(a, axis=None, *, keepdims=False)",
    tangent="np.sum(np.logical_not(np.isnan(a)) * d, axis=axis, keepdims=keepdims)",
    adjoint="expand(d, a, axis, keepdims) * np.logical_not(np.isnan(a))",
    result=results.reduction("a", "same"),
)
reduction(
    "np.median(a, axis=None)",
    let={
        "order": "np.argsort(a, axis=None)",
        "middle": "np.take(order, np.array([(a.size - 1) // 2, a.size // 2]))",
    },
    tangent="0.5 * np.sum(np.take(d, middle))",
    adjoint="np.reshape(scatter(np.full(2, 0.5 * d), np.ravel(a), middle), a.shape)",
    where={"axis": None},
    ranks=("array",),
    result=results.reduction("a"),
)

# contractions of the last axis of one and the first of the other; parts of an array

bilinear(
    "np.tensordot(a, b, axes)",
    a="contract_left(d, a, b, -1, 0)",
    b="contract_right(d, a, b, -1, 0)",
    where={"axes": 1},
    ranks=("array", "array"),
    result=constant(Array(None, "any")),
)
linear(
    "np.split(ary, indices_or_sections, axis=0)",
    ary="np.concatenate(d, axis=axis)",
    ranks=("array",),
    result=constant(ListOf(Array(None, "any"))),
)
