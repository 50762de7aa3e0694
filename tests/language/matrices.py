"""Matrices: their diagonals, factors and determinants, calls that give several items at once."""

import math

import numpy as np

from .cases import case

A = np.array([[2.0, 0.5, -0.25], [0.25, 1.5, 0.75], [-0.5, 0.25, 1.75]])
M = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]])
V = np.array([0.5, -0.25, 1.5])


@case(A, wrt="a")
@case(A[:2, :2], wrt="a")
def determinant_and_sign(a):
    sign, logdet = np.linalg.slogdet(a)
    both = np.linalg.slogdet(a @ a.T)
    sign, other = both
    return logdet * np.sum(a**2) + other * logdet


@case(A, 3, wrt="a")
def determinant_in_a_loop(a, n):
    total = 0.0
    for k in range(n):
        sign, part = np.linalg.slogdet(a)
        if k > 0:
            a, total = a * part, total + sign * part
    return total * np.sum(a)


@case(1.1 * V + 0.03, wrt="x")
@case(V + 2.13, wrt="x")
def parts_of_entries(x):
    mantissa, exponent = np.frexp(x)
    whole, rest = np.divmod(x, 0.3)
    for _ in range(2):
        x, whole = np.modf(x * 1.3)
        x = x * (whole + 0.5)
    return np.sum(mantissa * exponent * x) + np.sum(whole * rest)


@case(1.7, 0.45, wrt="x y")
def parts_of_numbers(x, y):
    mantissa, exponent = math.frexp(x * y)
    whole, rest = divmod(x, y)
    x, whole = math.modf(x * mantissa)
    y, y = divmod(y * 2.5, 0.4)
    return mantissa * exponent + whole * rest + x * y


@case(A, V, wrt="a v")
def diagonals(a, v):
    b = np.linalg.inv(a @ a.T + np.diag(v**2))
    c = np.linalg.cholesky(b)
    d = a - np.diag(np.diag(a))
    corner = np.diag(a[:, 1:]) * np.diagonal(a, 1)
    return np.sum(np.log(np.diag(c))) + np.sum(d**3) + np.trace(c * b) + np.sum(corner**2)


@case(M, wrt="m")
@case(M.T, wrt="m")
@case(A, wrt="m")
def diagonals_of_any_matrix(m):
    d = np.diag(m) * 2.0
    e = np.diagonal(m) + np.tril(m)[:, 0][0]
    return np.sum(d * e) + np.trace(m) ** 2 + np.sum(np.triu(m) * m)


@case(M, V, wrt="m v")
@case(M[:1], V[:1], wrt="m v")
def zeros_around(m, v):
    padded = np.pad(m, 1)
    spread = padded[2:, 1:-1] + padded[:-2, 1:-1] - 2.0 * m + padded[1:-1, 2:] * padded[1:-1, :-2]
    wide = np.pad(v, 2, mode="constant")
    return np.sum(spread**2) + wide[1:] @ wide[:-1] + np.sum(np.pad(m[None], pad_width=1) ** 3)


_FIELD = np.linspace(-1.0, 2.0, 12).reshape(4, 3) ** 2


@case(_FIELD, wrt="x")
def torques_of_many(x):
    """Vectors with vectors, with one, and with a stack of others."""
    pivot = np.mean(x, axis=0)
    turned = np.cross(x, np.array([0.2, -1.0, 0.7]))
    return np.sum(np.cross(pivot, turned) * np.cross(x[:, None, :], turned[:2], axis=-1)[:, 1])


@case(_FIELD, wrt="x")
def padded_by_copies(x):
    around = np.pad(x, ((1, 0), (2, 1)), mode="wrap") * np.pad(x, ((1, 0), (1, 2)), mode="edge")
    still = np.pad(x, (1, 1), constant_values=3.0)[1:-1, 1:-1]
    return np.sum(around[1:, 1:] * around[:-1, :-1]) + np.sum(still**3)


@case(_FIELD, wrt="x")
def whitened(x):
    centred = x - np.mean(x, axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred + np.diag(_FIELD[0]))
    return np.sum(np.abs(x @ vectors) / np.sqrt(values))


@case(_FIELD, wrt="x")
def eigenvalues_and_eigenvectors_alone(x):
    values, _ = np.linalg.eigh(x.T @ x)
    _, vectors = np.linalg.eigh(x[:3])
    return np.sum(np.log(1.0 + values)) * np.sum(vectors[:, -1] ** 4)


@case(0.4, _FIELD, wrt="x")
def step_by_the_spectral_norm(x, a):
    """What is not differentiated has a kind all the same."""
    length = np.linalg.norm(a, 2) ** 2 + x
    grad = a.T @ (a @ np.ones(3) * x) / length
    return grad @ grad


@case(np.linspace(-1.0, 1.0, 24).reshape(2, 3, 4), wrt="x")
def axes_put_back(x):
    turned = x.transpose(2, 0, 1) * 2.0
    return np.sum(np.transpose(turned**2, (1, 2, 0)) * x)
