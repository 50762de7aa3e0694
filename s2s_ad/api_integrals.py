"""Derivatives of integrals that SciPy computes, by Leibniz's rule.

Takes the parts of `runtime.find_integral` and what of them is active, gives values with adjoints or
tangents; requires api_calls.

The integral of f(t, p) from a to b has the derivative f(b, p) by b, -f(a, p) by a, and by p the
integral of that of f. A bound that is infinite does not move.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2s_ad.api_calls import Call, call_of, grouped, like, reversed_call, tangent_of
from s2s_ad.api_plan import not_a_result
from s2s_ad.api_trees import flatten, tree_of, unflatten
from s2s_ad.errors import ArgumentError
from s2s_ad.runtime import zeros_like
from s2s_ad.runtime.calls import Active, find_integral

# of the parts of `find_integral`
FROM, TO, ARGS = 2, 3, 4
TOLERANCE = 1e-10


class _Integral:
    """An integral. moving: what of its parts the integrand gets and is active."""

    def __init__(self, active: Active, args: Sequence[Any], captured: Mapping[str, Any]) -> None:
        _, self.function, *bounds, extra, options = args
        if options.get("complex_func") or options.get("weight") is not None:
            raise ArgumentError(
                "the derivative of an integral of complex numbers, or with `weight=`",
                hint="write the weight as a factor of the integrand",
            )
        self.whole = find_integral(*args, **captured)
        self.bounds = tuple(map(float, bounds))
        self.points = options.get("points")
        self.own = extra if isinstance(extra, tuple) else (extra,)
        self.captured = captured
        self.moving = tuple(x for x in active if x not in (FROM, TO))
        self.places = tuple(map(_place, self.moving))

    def call(self, t: float) -> Call:
        """Return the call of the integrand at a point."""
        return call_of(self.function, self.places, (t, *self.own), self.captured)

    def value(self, t: float) -> float:
        """Return the integrand at a bound, 0 where that does not move."""
        return float(self.function(t, *self.own, **self.captured)) if math.isfinite(t) else 0.0

    def over(self, f: Callable[[float], Any]) -> Any:
        """Return the integral of numbers or vectors."""
        from scipy.integrate import quad_vec

        tolerances = {"epsabs": TOLERANCE, "epsrel": TOLERANCE}
        return quad_vec(f, *self.bounds, points=self.points, **tolerances)[0]

    def slopes(self) -> list[Any]:
        """Return the derivative by each of what is active in the integrand."""
        if not self.moving:
            return []
        call = self.call(sum(b for b in self.bounds if math.isfinite(b)) / 2.0)
        still = grouped(call, {x: zeros_like(call.values[x]) for x in call.wrt})
        tree = tree_of(still, not_a_result)

        def at(t: float) -> Any:
            call = self.call(t)
            bars = reversed_call(self.function, call)[1](1.0) if call.wrt else ()
            return flatten(tree, like(still, grouped(call, dict(zip(call.wrt, bars)))))

        found = unflatten(tree, np.asarray(self.over(at)))
        return list(found) if len(self.moving) > 1 else [found]


def forward(
    active: Active, args: Sequence[Any], captured: Mapping[str, Any]
) -> tuple[Any, Callable[[Any], Any]]:
    """Return what SciPy returns, and what turns its adjoint into those of what is active."""
    integral = _Integral(active, args, captured)
    slopes = dict(zip(integral.moving, integral.slopes()))
    for place, sign in ((FROM, -1.0), (TO, 1.0)):
        if place in active:
            slopes[place] = sign * integral.value(integral.bounds[place - FROM])

    def reverse(value_bar: Any) -> Any:
        bar = like(zeros_like(integral.whole), value_bar)[0]
        found = tuple(_times(slopes[place], bar) for place in active)
        return found if len(found) > 1 else found[0]

    return integral.whole, reverse


def tangent(
    active: Active, dots: Sequence[Any], args: Sequence[Any], captured: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return what SciPy returns and its derivative along `dots`."""
    integral = _Integral(active, args, captured)
    along = dict(zip(active, dots))
    moved = tuple(along[place] for place in integral.moving)
    dot = 0.0
    if moved:
        dot = float(
            integral.over(
                lambda t: float(tangent_of(integral.function, integral.call(t), moved)[1])
            )
        )
    for place, sign in ((FROM, -1.0), (TO, 1.0)):
        if place in along:
            dot += sign * integral.value(integral.bounds[place - FROM]) * along[place]
    return integral.whole, [dot, *zeros_like(integral.whole)[1:]]


def _times(slope: Any, bar: Any) -> Any:
    """Return the adjoint of what has a derivative in some structure."""
    if isinstance(slope, (list, tuple)):
        return [_times(item, bar) for item in slope]
    if isinstance(slope, dict):
        return {key: _times(item, bar) for key, item in slope.items()}
    return slope * bar


def _place(place: int | str) -> int | str:
    """Return where the integrand gets what is active among the parts of `find_integral`."""
    if isinstance(place, str):
        return place
    return "*1" if place >= 0 else -place
