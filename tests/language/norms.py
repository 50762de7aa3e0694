"""What is divided by its own spread, sum or size: quotients that the reverse sweep reads again."""

import math

import numpy as np

from .cases import case

M = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [-0.25, 1.25, 2.0]])
V = np.array([0.5, -0.25, 1.5])


@case(M, V, wrt="m v")
@case(M[:, :1], V[:1], wrt="m v")
@case(M, V[:1], wrt="m v")
def centred_and_scaled(m, v):
    mean = np.mean(m, axis=0)
    var = np.var(m, axis=0)
    y = (m - mean) / np.sqrt(var + 0.1)
    rows = y - np.mean(y, axis=1, keepdims=True)
    z = rows / np.sqrt(np.mean(rows**2, axis=1, keepdims=True) + 0.01)
    return np.sum(np.tanh(y * v)) + np.sum(z**3)


@case(M, wrt="m")
@case(M[:2], wrt="m")
def spreads_along_axes(m):
    a = (m - np.mean(m, axis=0)) / np.std(m, axis=0, ddof=1)
    b = (m - np.mean(m)) / np.sqrt(np.var(m) + 0.1)
    c = (m - np.mean(m, axis=1, keepdims=True)) / np.var(m, axis=1, keepdims=True)
    return np.sum(a**3) + np.sum(b**3) + np.sum(np.sin(c))


@case(M, wrt="m")
def by_its_own_length(m):
    """A root that is divided by has no guard, one beside it has."""
    y = m / np.sqrt(np.sum(m**2, axis=0))
    size = np.sqrt(np.sum(y**4, axis=1))
    return np.sum(np.exp(y)) + np.sum(y / np.sqrt(np.sum(y**2))) + np.sum(np.sqrt(size))


@case(M, 3, wrt="m")
def normalised_then_bound_anew(m, n):
    p = np.exp(m)
    p = p / np.sum(p, axis=1, keepdims=True)
    q = p
    total = 0.0
    for k in range(n):
        q = q @ p
        total += np.sum(q[k]) * k + np.sum(np.log(q))
    return total


@case(M, 3, wrt="m")
def normalised_then_changed(m, n):
    """Quotients and what they were made of are changed in place before the reverse sweep."""
    total = np.sum(m**2, axis=0)
    p = m / total
    r = p[0].copy()
    s = m / np.sqrt(total)
    s[1] *= 2.0
    for k in range(n):
        p[k] = p[k] * s[0] + r
    m = m * total
    return np.sum(p * m) + np.sum(s * p)


@case(M, V, wrt="m v")
def quotients_of_numbers(m, v):
    size = v @ v
    x = v[0] / size
    y = v[1] / np.sqrt(size)
    mean = np.mean(v)
    z = (v - mean) / size
    return np.sum(np.sin(m @ z)) * x + np.exp(x * y) + np.sum(z * z)


@case(M, 0.75, wrt="m x")
def logarithms_of_hyperbolic_cosines(m, x):
    a = np.mean(np.log(np.cosh(m)))
    c = np.cosh(m * x)
    b = np.sum(np.log(c) * m)
    x = x * 1.5
    return a + b * math.log(math.cosh(x)) + np.sum(np.log(np.cosh(m * x)))
