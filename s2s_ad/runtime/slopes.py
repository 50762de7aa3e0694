"""Slopes where products and quotients meet zero, and shares where extremes tie.

Takes and gives numbers and arrays; requires numpy only. "Zero wins": what does not flow stays
zero, however steep the slope it meets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .structure import expand, sequence


def quotient(a: Any, b: Any) -> Any:
    """Return `a / b`, and 0 wherever `a` is 0: nothing flows, however steep the slope.

    >>> float(quotient(0.0, 0.0)), float(quotient(3.0, 2.0))
    (0.0, 1.5)
    """
    if type(a) is float and type(b) is float:
        if not a:
            return 0.0
        return a / b if b else a * float(np.copysign(np.inf, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.divide(a, b))[()]


def divide_or_zero(a: Any, b: Any) -> Any:
    """Return `a / b`, and 0 wherever `b` is 0: norms and distances are flat at 0.

    >>> float(divide_or_zero(1.0, 0.0)), float(divide_or_zero(3.0, 2.0))
    (0.0, 1.5)
    """
    zero = np.equal(b, 0.0)
    return np.where(zero, 0.0, np.divide(a, np.where(zero, 1.0, b)))[()]


def absorb(a: Any, b: Any) -> Any:
    """Return `a * b`, and 0 wherever `a` is 0, even when `b` is infinite.

    >>> float(absorb(0.0, np.inf))
    0.0
    """
    if type(a) is float and type(b) is float:
        return a * b if a else 0.0
    with np.errstate(invalid="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.multiply(a, b))[()]


def within(x: Any, low: Any, high: Any) -> Any:
    """Return whether `x` lies between two bounds, not on them; one that is None is none.

    >>> bool(within(0.5, None, 1.0)), bool(within(1.0, None, 1.0))
    (True, False)
    """
    above = True if low is None else np.greater(x, low)
    return np.logical_and(above, True if high is None else np.less(x, high))


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
    if isinstance(extreme, (list, tuple)):
        raise TypeError(
            "the largest or smallest of items that are no numbers, which was not known when this "
            "was written: say what the arguments are (--like, --call), or give a `key`"
        )
    if axis is None and isinstance(sequence(x), np.ndarray) and x.ndim:
        at = np.nonzero(np.equal(x, extreme))
        count = at[0].size
        if count == 0:
            return np.full(x.shape, np.nan)  # nothing is equal to what is no number
        shares = np.zeros(x.shape, _dtype_of_slopes(x))
        shares[at] = 1.0 / count
        return shares
    equal = np.equal(x, expand(extreme, x, axis, keepdims))
    with np.errstate(invalid="ignore", divide="ignore"):
        one = _dtype_of_slopes(np.asarray(x)).type(1.0)
        return equal * np.divide(one, np.sum(equal, axis=axis, keepdims=True, dtype=one.dtype))


def _dtype_of_slopes(x: Any) -> Any:
    """Return the dtype of what multiplies entries of an array: its own unless it has integers."""
    return x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
