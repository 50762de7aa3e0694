"""Special functions that the slopes of math and numpy need.

Takes and gives numbers and arrays; requires numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

# coefficients of the asymptotic series of digamma: Bernoulli numbers B2, B4, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


def digamma(x: Any) -> Any:
    """Return the slope of `lgamma`, the logarithmic derivative of the gamma function.

    >>> round(float(digamma(1.0)), 12)
    -0.577215664902
    """
    return polygamma(0, x)


def polygamma(n: int, x: Any) -> Any:
    """Return the n-th derivative of digamma."""
    if isinstance(x, np.ndarray):
        return np.vectorize(lambda value: _polygamma(n, float(value)), otypes=[float])(x)
    return _polygamma(n, float(x))


def _polygamma(n: int, x: float) -> float:
    if math.isnan(x) or (x <= 0.0 and x == math.floor(x)):
        return math.nan
    if x < 0.0:
        # reflection: psi(1 - x) - psi(x) = pi cot(pi x), differentiated n times
        mirrored = _polygamma(n, 1.0 - x)
        return (-mirrored if n % 2 else mirrored) - math.pi * _cotangent(n, x)
    total = 0.0
    # the recurrence moves x to where the asymptotic series has converged
    while x < 15.0 + n:
        total += (1.0 if n % 2 else -1.0) * math.factorial(n) / x ** (n + 1)
        x += 1.0
    return total + (_digamma_series(x) if n == 0 else _polygamma_series(n, x))


def _digamma_series(x: float) -> float:
    tail = 0.0
    for k, number in enumerate(_BERNOULLI, 1):
        tail += number / (2 * k * x ** (2 * k))
    return math.log(x) - 0.5 / x - tail


def _polygamma_series(n: int, x: float) -> float:
    total = math.factorial(n - 1) / x**n + math.factorial(n) / (2.0 * x ** (n + 1))
    for k, number in enumerate(_BERNOULLI, 1):
        rising = math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        total += number * rising / x ** (2 * k + n)
    return total if n % 2 else -total


def _cotangent(n: int, x: float) -> float:
    """Return the n-th derivative of cot(pi x): a polynomial in c, as cot' = -pi (1 + c**2)."""
    phase = x - math.floor(x)
    c = 1.0 / math.tan(math.pi * phase)
    coefficients = [0.0, 1.0]
    for _ in range(n):
        slope = [k * value for k, value in enumerate(coefficients)][1:]
        raised = [0.0, 0.0, *slope]
        lower = [*slope, 0.0, 0.0]
        coefficients = [-math.pi * (u + v) for u, v in zip(raised, lower)]
    return math.fsum(value * math.pow(c, k) for k, value in enumerate(coefficients))


def bessel_i(n: int, x: Any) -> Any:
    """Return the modified Bessel function of integer order n: what `np.i0` has slopes of.

    The trapezoidal rule on its integral converges faster than any power.
    """
    angles = 2.0 * np.pi * np.arange(320) / 320
    waves: Callable[[Any], Any] = np.sinh if n % 2 else np.cosh
    values = waves(np.multiply.outer(x, np.cos(angles)))
    return np.mean(values * np.cos(n * angles), axis=-1)


def sinc_slope(n: int, x: Any) -> Any:
    """Return the n-th derivative of `np.sinc` at `x`, by its series near 0."""
    x = np.asarray(x, float)
    near = np.abs(x) < 1.0 + 0.5 * n
    small, large = np.where(near, x, 0.0), np.where(near, 1.0, x)
    total = np.zeros_like(x)
    for k in range((n + 1) // 2, 25 + n):
        scale = (-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1)
        total += scale * math.perm(2 * k, n) * small ** (2 * k - n)
    slope = np.sinc(large)
    for k in range(1, n + 1):
        wave = math.pi ** (k - 1) * np.sin(math.pi * large + 0.5 * k * math.pi)
        slope = (wave - k * slope) / large
    return np.where(near, total, slope)[()]
