"""Numbers of which some are missing: what is computed from the others has a kind."""

from __future__ import annotations

import math

from s2s_ad import value_and_grad


def log_likelihood(noise, ys):
    total = 0.0
    for y in ys:
        if y is None:
            continue
        total -= math.log(noise) + y * y / noise
    return total


def test_missing_items_make_nothing_unknown():
    found = value_and_grad(log_likelihood)
    value, slope = found(0.5, [1.0, None, 2.0])
    assert value == log_likelihood(0.5, [1.0, None, 2.0])
    assert math.isclose(slope, -2.0 / 0.5 + 5.0 / 0.25)
    assert "ys: list of numbers or None" in found.source
    assert "s2s_ad.runtime" not in found.source
    # without None in it, it is another kind
    assert found(0.5, [1.0, 2.0])[0] == value
