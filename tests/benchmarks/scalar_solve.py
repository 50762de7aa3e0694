"""A tridiagonal system solved on lists, by the method of Thomas.

Takes nothing, gives `THOMAS`; requires program.
"""

from __future__ import annotations

import math

from tests.benchmarks.program import Program


def thomas(lower, diagonal, upper, right):
    """Squared length of the solution of a tridiagonal system."""
    n = len(diagonal)
    d = list(diagonal)
    b = list(right)
    for i in range(1, n):
        w = lower[i - 1] / d[i - 1]
        d[i] = d[i] - w * upper[i - 1]
        b[i] = b[i] - w * b[i - 1]
    x = [0.0] * n
    x[n - 1] = b[n - 1] / d[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (b[i] - upper[i] * x[i + 1]) / d[i]
    total = 0.0
    for value in x:
        total += value * value
    return total


def thomas_adjoint(lower, diagonal, upper, right, result_bar=1.0):
    n = len(diagonal)
    d = list(diagonal)
    b = list(right)
    for i in range(1, n):
        w = lower[i - 1] / d[i - 1]
        d[i] = d[i] - w * upper[i - 1]
        b[i] = b[i] - w * b[i - 1]
    x = [0.0] * n
    x[n - 1] = b[n - 1] / d[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (b[i] - upper[i] * x[i + 1]) / d[i]
    total = 0.0
    for value in x:
        total += value * value

    lower_bar = [0.0] * len(lower)
    upper_bar = [0.0] * len(upper)
    d_bar = [0.0] * n
    b_bar = [0.0] * n
    # back substitution, and the sum of squares
    x_bar = 2.0 * x[0] * result_bar
    for i in range(n - 1):
        bi_bar = x_bar / d[i]
        b_bar[i] = bi_bar
        d_bar[i] = -bi_bar * x[i]
        upper_bar[i] = -bi_bar * x[i + 1]
        x_bar = 2.0 * x[i + 1] * result_bar - bi_bar * upper[i]
    b_bar[n - 1] = x_bar / d[n - 1]
    d_bar[n - 1] = -b_bar[n - 1] * x[n - 1]
    # elimination: what stands in d and b at i - 1 has not changed since
    for i in range(n - 1, 0, -1):
        w = lower[i - 1] / d[i - 1]
        di_bar = d_bar[i]
        bi_bar = b_bar[i]
        lower_bar[i - 1] = -(upper[i - 1] * di_bar + b[i - 1] * bi_bar) / d[i - 1]
        upper_bar[i - 1] -= w * di_bar
        b_bar[i - 1] -= w * bi_bar
        d_bar[i - 1] -= w * lower_bar[i - 1]
    return total, (lower_bar, d_bar, upper_bar, b_bar)


def _system(n):
    lower = [0.3 + 0.2 * math.sin(1.0 + i) for i in range(n - 1)]
    diagonal = [2.0 + 0.5 * math.cos(0.5 * i) for i in range(n)]
    upper = [0.4 + 0.1 * math.cos(2.0 + i) for i in range(n - 1)]
    right = [1.0 + math.sin(0.3 * i) for i in range(n)]
    return lower, diagonal, upper, right


THOMAS = Program(
    "thomas",
    "scalar",
    thomas,
    thomas_adjoint,
    ("lower", "diagonal", "upper", "right"),
    lambda: _system(5),
    lambda: _system(500),
)
