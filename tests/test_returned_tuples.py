"""Functions that return tuples of what they have stored into: what is kept, and what is handed out.

Takes nothing, gives tests; requires `oracles` and the public names.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import vjp
from tests.oracles import directional, leaves


def filtered(x, k):
    """Carried forwards, then smoothed backwards: what a store overwrites is read before."""
    n = len(x)
    mean = np.zeros(n)
    spread = np.ones(n)
    for t in range(1, n):
        mean[t] = np.sin(mean[t - 1]) * k + x[t]
        spread[t] = spread[t - 1] * k
    for t in reversed(range(n - 1)):
        mean[t] += mean[t + 1] * mean[t] * spread[t]
    return mean, spread


def summed(x, k):
    mean, spread = filtered(x, k)
    mean[0] *= mean[1]
    return np.sum(mean * mean) + np.sum(spread)


def with_a_number(x, k):
    y = x.copy()
    for t in range(1, len(y)):
        y[t] *= np.cos(y[t - 1]) * k
    return np.sum(y), y, 3


POINT = np.array([0.3, -0.7, 1.1, 0.4]), 0.8


@pytest.mark.parametrize("f", [filtered, with_a_number])
def test_items_are_kept_and_the_result_stays(f):
    wanted = f(POINT[0].copy(), POINT[1])
    result, pullback = vjp(f, *POINT, wrt=("x", "k"))
    seeds = tuple(
        np.cos(np.arange(x.size)) if np.ndim(x) else 0.7 if not isinstance(x, int) else 0.0
        for x in wanted
    )
    bars = pullback(seeds)
    for found, value in zip(result, wanted):
        assert np.array_equal(found, value), "put back into what was handed out"
    along = np.array([0.2, -0.5, 0.9, 0.1]), 0.6

    def total(x, k):
        made = f(x, k)
        return sum(np.sum(s * v) for s, v in zip(seeds, made))

    slope = directional(total, POINT, leaves(along))[0][0]
    assert leaves(bars) @ leaves(along) == pytest.approx(slope, rel=1e-9)


def test_the_caller_may_change_what_it_got():
    along = np.array([0.2, -0.5, 0.9, 0.1]), 0.6
    slope = directional(summed, POINT, leaves(along))[0][0]
    _, pullback = vjp(summed, *POINT, wrt=("x", "k"))
    assert leaves(pullback(1.0)) @ leaves(along) == pytest.approx(slope, rel=1e-9)
