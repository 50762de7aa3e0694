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


@case(np.array([0.4, -0.7, 1.2, 0.3, 0.9]), np.array([1.5, 0.5, 0.2, 0.8]), 3, wrt="u c")
def ends_that_are_held(u, c, n):
    """All parts of an adjoint are handed on as they are; then of an array with one cell only."""
    for _ in range(n):
        flux = c * (u[1:] - u[:-1])
        inner = u[1:-1] + 0.1 * (flux[1:] - flux[:-1]) * u[1:-1]
        u = np.concatenate([u[:1], inner, u[-1:]])
    v = np.sin(u[:1])
    v = np.concatenate([v[:1], v[1:-1], v[-1:]])
    w = np.concatenate([u[:2], 2.0 * u[1:-1], u[-1:]])
    return np.sum(u * u) * np.sum(v * v) + np.sum(w * w)


@case(np.array([0.4, -0.7, 1.2, 0.3, 0.9]), wrt="x")
def parts_read_before_a_store(x):
    """A part that is read for the last time before its array changes, and parts that are not."""
    u = np.sin(x)
    inner = u[1:-1]
    s = np.sum(inner * inner)
    u[0] = s
    u[1:] = u[1:] * u[0]
    return np.sum(u * x)


@case(np.array([[0.4, -0.7], [1.2, 0.3]]), np.array([[1.5, 0.5], [0.2, 0.8]]), wrt="X s")
def sums_of_named_products(X, s):
    """The second factor is the same along what is summed; or it is not, or the sum is another."""
    inverse = np.exp(-s)
    difference = X[:, None, :] - s
    scaled = difference * inverse
    row = np.exp(-s[0])
    other = X * row
    column = np.exp(X)
    third = X * column
    return np.sum(scaled**2) + np.sum(other**2) + np.sum(third**2) + np.sum(scaled * row)


@case(np.array([[2.0, 0.3], [0.4, 1.5]]), np.array([0.7, -0.2]), wrt="A b")
def solved_and_inverted(A, b):
    x = np.linalg.solve(A, b)
    y = np.linalg.solve(A.T, x)
    return np.linalg.slogdet(A)[1] + x @ y


PLACES = (np.array([0, 1, 1]), np.array([1, 0, 0]))


@case(np.array([[2.0, 0.3], [0.4, 1.5]]), PLACES, 3, wrt="A")
def picked_by_a_tuple(A, where, n):
    total = 0.0
    for k in range(n):
        A = A * 0.5 + np.sin(A)
        error = A[where] - 0.1 * k
        total = total + np.sum(error * error)
    return total + A[where][2] * A[where[0], where[1]][0]
