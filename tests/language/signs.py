"""Roots of what surely is above zero, and of what only looks so."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5])


@case(0.7, -0.4, wrt="x y")
def sums_of_squares(x, y):
    size = 1.0 + x * x + y**2
    return math.sqrt(size) + math.sqrt(0.5 * size + abs(y)) * (2.0 + x**4) ** 0.5


@case(V)
def arrays_of_squares(x):
    scale = np.sqrt(0.01 + np.mean(x * x))
    return np.sum(np.sqrt(1.0 + x**2) / scale)


@case(0.0)
@case(0.3)
def root_of_what_may_be_zero(x):
    """The slope at zero is needed with weight zero only."""
    size = x * x
    return 0.0 * math.sqrt(size) + x


@case(0.3)
def negative_parts(x):
    """A cube may be below zero, a constant may be taken away, a name may be bound anew."""
    size = 1.0 + x**3
    other = 1.0 + x * x - 0.5
    if x > 0.1:
        other = 0.5 * x
    return math.sqrt(size) * math.sqrt(other)


@case(0.3)
def changed_before_the_root(x):
    size = 1.0 + x * x
    size -= 0.9
    return math.sqrt(size)


@case(np.array([[0.3, 1.2], [0.9, -0.4], [0.1, 0.5]]))
def standardised(x):
    spread = np.var(x, axis=0)
    size = np.mean(x * x, axis=0, keepdims=True)
    return np.sum(x[0] / np.sqrt(spread + 1e-3)) + np.sum(1.0 / np.sqrt(size + 0.5))


@case(np.array([0.3, 1.2, 0.9]))
def array_that_is_changed_before_the_root(x):
    size = x * x + 0.5
    size[1] = 0.0
    weights = np.array([1.0, 0.0, 2.0])
    return np.sum(weights * np.sqrt(size)) + x[1] * x[1]
