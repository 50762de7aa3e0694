"""Arrays that change hands, and adjoints in buffers that nobody reads any more."""

import numpy as np

from .cases import case


@case(np.array([0.4, -0.7, 1.2, 0.3]), 4, wrt="x")
def stored_into_under_a_second_name(x, n):
    """What was made under one name is stored into under another, once or while both are read."""
    u = x * x
    for k in range(n):
        v = u
        u = 2.0 * x
        v[k] = u[k] * v[k - 1]
        u = v * np.cos(x)
    w = u
    w[1:] = w[1:] * w[:-1]
    return np.sum(w * x)


@case(np.array([[0.4, -0.7], [1.2, 0.3]]), np.array([1.5, 0.5]), wrt="x s")
def operations_in_place(x, s):
    """What is computed from an adjoint takes its buffer, in several steps or at once."""
    y = x / s
    z = np.tanh(y)
    w = z * (1.0 + s) - np.sum(z * z, axis=1, keepdims=True)
    v = np.exp(-w) / np.sum(np.exp(-w), axis=0)
    u = v.T @ w
    centred = u - np.mean(u)
    return np.sum(centred * np.sqrt(centred * centred + 1.0) * z * x)


@case(
    np.array([[0.4, -0.7], [1.2, 0.3]]), np.array([1.5, 0.5]), np.array([[0.7], [0.2]]), wrt="a b c"
)
def shapes_that_grow(a, b, c):
    """The buffer of the smaller one cannot hold what is computed from it."""
    p = b * 2.0
    q = c * p
    r = np.sum(q * a, axis=0)
    t = a * r + c
    return np.sum(t * p) + np.sum(np.maximum(c * r, 0.1 * a) * q)
