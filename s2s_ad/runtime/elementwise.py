"""Helpers for single numbers: what `runtime` has for numbers and arrays, in what numba compiles.

Takes and gives numbers; requires the standard library. The texts of these functions are copied
into derivatives for numba and spread over arrays by `numba.vectorize`.
"""

from __future__ import annotations

import math


def quotient(a: float, b: float) -> float:
    """Return `a / b`, and 0 where `a` is 0: nothing flows, however steep the slope.

    >>> quotient(0.0, 0.0), quotient(3.0, 2.0)
    (0.0, 1.5)
    """
    if a == 0.0:
        return 0.0
    if b == 0.0:
        return a * math.copysign(math.inf, b)
    return a / b


def divide_or_zero(a: float, b: float) -> float:
    """Return `a / b`, and 0 where `b` is 0: norms and distances are flat at 0.

    >>> divide_or_zero(1.0, 0.0), divide_or_zero(3.0, 2.0)
    (0.0, 1.5)
    """
    if b == 0.0:
        return 0.0
    return a / b


def absorb(a: float, b: float) -> float:
    """Return `a * b`, and 0 where `a` is 0, even when `b` is infinite.

    >>> absorb(0.0, math.inf)
    0.0
    """
    if a == 0.0:
        return 0.0
    return a * b


def power_slope(x: float, p: float, g: float) -> float:
    """Return `p * x**(p - 1) * g`, and 0 where `p` or `g` is 0.

    >>> power_slope(0.0, 0.0, 1.0), power_slope(3.0, 2.0, 1.0), power_slope(0.0, 0.5, 1.0)
    (0.0, 6.0, inf)
    """
    scale = p * g
    if scale == 0.0:
        return 0.0
    if x == 0.0 and p < 1.0:
        return math.copysign(math.inf, scale)
    return math.pow(x, p - 1.0) * scale


def log_or_zero(x: float) -> float:
    """Return `log(x)`, and 0 where `x` is 0: `0**p` does not move with `p`.

    >>> log_or_zero(0.0), log_or_zero(1.0)
    (0.0, 0.0)
    """
    if x == 0.0:
        return 0.0
    if x < 0.0:
        return math.nan
    return math.log(x)


def stop_gradient(x: float) -> float:
    """Return `x`, taken as a constant: no derivative flows through it."""
    return x


def as_number(x: float) -> float:
    """Return `x`, which is a number here."""
    return x


def digamma(x: float) -> float:
    """Return the slope of `lgamma`, the logarithmic derivative of the gamma function.

    >>> round(digamma(1.0), 12), round(digamma(-0.5), 12)
    (-0.577215664902, 0.036489973979)
    """
    if math.isnan(x) or (x <= 0.0 and x == math.floor(x)):
        return math.nan
    total = 0.0
    if x < 0.0:
        # reflection: psi(1 - x) - psi(x) = pi cot(pi x)
        total -= math.pi / math.tan(math.pi * (x - math.floor(x)))
        x = 1.0 - x
    # the recurrence moves x to where the asymptotic series has converged
    while x < 15.0:
        total -= 1.0 / x
        x += 1.0
    z = 1.0 / (x * x)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132)))))
    return total + math.log(x) - 0.5 / x - series
