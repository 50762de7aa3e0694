"""Slopes where products and quotients meet zero, and shares where extremes tie.

Takes and gives numbers and arrays; requires numpy only. "Zero wins": what does not flow stays
zero, however steep the slope it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .structure import expand


def quotient(a: Any, b: Any) -> Any:
    """Return `a / b`, and 0 wherever `a` is 0: nothing flows, however steep the slope.

    >>> float(quotient(0.0, 0.0)), float(quotient(3.0, 2.0))
    (0.0, 1.5)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.divide(a, b))[()]


def absorb(a: Any, b: Any) -> Any:
    """Return `a * b`, and 0 wherever `a` is 0, even when `b` is infinite.

    >>> float(absorb(0.0, math.inf))
    0.0
    """
    with np.errstate(invalid="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.multiply(a, b))[()]


def power_slope(x: Any, p: Any, g: Any) -> Any:
    """Return `p * x**(p - 1) * g`, and 0 wherever `p` or `g` is 0.

    >>> float(power_slope(0.0, 0.0, 1.0)), float(power_slope(3.0, 2.0, 1.0))
    (0.0, 6.0)
    """
    scale = np.multiply(p, g)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = np.float_power(x, np.subtract(p, 1.0)) * scale
    return np.where(scale == 0.0, 0.0, slope)[()]


def log_or_zero(x: Any) -> Any:
    """Return `log(x)`, and 0 where `x` is 0: `0**p` does not move with `p`."""
    return np.log(np.where(np.equal(x, 0.0), 1.0, x))[()]


def ties(x: Any, extreme: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the share of each entry of `x` in its extreme `extreme`: equal parts among ties.

    >>> ties(np.array([3.0, 1.0, 3.0]), 3.0)
    array([0.5, 0. , 0.5])
    """
    equal = np.equal(x, expand(extreme, x, axis, keepdims))
    with np.errstate(invalid="ignore"):
        return equal / np.sum(equal, axis=axis, keepdims=True)


def share(value: Any, extreme: Any, actives: Sequence[Any], constants: Sequence[Any]) -> float:
    """Return the share of `value` in `extreme`, the extreme of several numbers.

    Arguments that are differentiated share at a tie; against a constant the constant wins.

    >>> share(2.0, 2.0, (2.0, 2.0, 1.0), ()), share(2.0, 2.0, (2.0,), (2.0,))
    (0.5, 0.0)
    """
    if value != extreme or any(constant == extreme for constant in constants):
        return 0.0
    return 1.0 / len([active for active in actives if active == extreme])
