"""Sums of products of arrays, and sums that only look like them; products by `np.einsum`."""

import numpy as np

from .cases import case

M = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]])
N = np.array([[1.5, 0.5, -0.25], [0.5, -0.75, 2.0]])
V = np.array([0.5, -0.25, 1.5])
W = np.array([-1.25, 0.75])
T = np.arange(12.0).reshape(2, 3, 2) / 10.0


@case(M, V, W, wrt="m v w")
def along_axes(m, v, w):
    a = m * v
    b = a * w[:, None]
    c = np.sum(b * m, axis=1) * w
    d = np.sum(m * v, axis=-1, keepdims=True) * m
    return np.sum(c) + np.sum(d * b) + np.sum((a - b) ** 2 * v)


@case(M, V, wrt="m v")
def distances(m, v):
    delta = m[:, None, :] - m[None, :, :] + v
    squares = np.sum(delta * delta, axis=2)
    weights = np.exp(-squares)
    return np.sum(weights * squares) + np.sum(delta[:, 0] * v[None, :])


@case(M, V[:1], N[:, :1], wrt="m v w")
@case(M[:1], V, N, wrt="m v w")
@case(M, V, N[:1], wrt="m v w")
def axes_of_length_one(m, v, w):
    a = m * v
    b = a * w
    return np.sum(b**2) + np.sum(np.exp(a * w) * m) + np.sum(np.sum(m * w, axis=1) ** 2)


@case(M, V, np.array([1, 0, 2]), np.array([[True, False, True], [False, True, True]]), wrt="m v")
def integers_and_masks(m, v, k, mask):
    a = m * k * v
    b = np.maximum(a * v, 0.1) * mask
    return np.sum(b * (m > 0.3) * v) + np.sum(np.sum(mask * a, axis=0) * k)


@case(M, V, 3, wrt="m v")
def changed_on_the_way(m, v, n):
    total = 0.0
    scale = np.ones(3)
    for i in range(n):
        a = m * scale
        m = m + 0.1 * a * v
        scale = scale * np.sum(a * m, axis=0)
        total += np.sum(scale)
        if i == 1:
            v = v[:1] * 0.5
    a = m * v
    a[0] = v * 2.0
    return total + np.sum(a * np.mean(m * a, axis=0))


@case(M, N, T, V, wrt="m n t v")
def einsums(m, n, t, v):
    a = np.einsum("ij,kj->ik", m, n)
    b = np.einsum("ijk,ij,j->k", t, m, v)
    c = np.einsum("ij, j", n, v)
    d = np.einsum("ij->j", m * n) * np.einsum("ij->ji", n)[:, 0]
    return np.einsum("ij,j->", a, b) + np.sum(c * b) + np.einsum("i,i", d, v)


@case(M, N[:1], V[:1], wrt="m n v")
def einsums_of_length_one(m, n, v):
    return np.sum(np.einsum("ij,ij->j", m, n) ** 2) + np.sum(np.einsum("ij,j->ij", m, v) ** 3)


@case(M, V, W, 1.5, wrt="m v w s")
def sums_of_everything(m, v, w, s):
    a = s * m * m
    b = s * m.T * m[0, 0]
    c = s * v
    return np.sum(np.exp(a)) + np.sum(b**2) + np.sum(c * v) + s * np.sum(m * v * w[:, None])


@case(M, V, wrt="m v")
@case(M[:, :1], V[:1], wrt="m v")
def differences(m, v):
    """Between neighbours, of what may have none; of an expression, of a row, twice over."""
    a = np.diff(m, axis=0) * v
    b = np.diff(m) ** 2
    c = np.diff(m * m, axis=0)
    d = np.diff(np.diff(v))
    for _ in range(2):
        v = v + 0.1 * np.sum(np.diff(v))
        m = m + np.sum(np.diff(m, axis=-1) ** 2) * np.diff(v, prepend=0.0, append=0.0)[1:]
    return np.sum(a) + np.sum(b) + np.sum(c * a) + np.sum(d) + np.sum(m * v)


@case(V, W, np.array([0.1, 0.4, 0.9]), np.array([0.2, 0.55]), wrt="x y")
def looked_up(x, y, knots, at):
    k = np.searchsorted(knots, at)
    t = (at - knots[k - 1]) / (knots[k] - knots[k - 1])
    s = x[k - 1] * (1.0 - t) + x[k] * t
    return np.mean((s - y) ** 2) + x[np.searchsorted(knots, 0.3)]


@case(np.array([0.5, -1.0, 0.25, 1.5, 0.75]), V, 0.3, wrt="x v s")
@case(V, V, 0.3, wrt="x v s")
def windows(x, v, s):
    """Sums over windows; one that begins as a number, one that is spread by what is added."""
    n = x.shape[0] - v.shape[0] + 1
    out = np.zeros(n)
    total = s * s
    wide = s * v[:1]
    narrow = s * v[:1]
    for k in range(v.shape[0]):
        out = out + v[k] * x[k : k + n]
        total = total - x[k : k + n] * s
        wide = x[k : k + n] + wide
        for j in range(2):
            if j < k:
                narrow = narrow + v[j] * x[: k + 1 : k]
    return np.sum(out**2) + np.sum(total * out) + np.sum(wide * wide) + np.sum(narrow**3)


@case(np.array([0.5, -1.0, 0.25, 1.5, 0.75]), V, wrt="x v")
def windows_read_on_the_way(x, v):
    """What is added to is read in the loop, bound anew, or changed in place."""
    a = v[:1] * v[1]
    b = v[:1]
    c = v[:1] * 2.0
    for k in range(3):
        a = a + v[k] * x[k : k + 3]
        b = b + a[k] * x[k : k + 3]
        c = c + x[k : k + 3]
        if k == 1:
            c = c[:1] * v[2]
    return np.sum(a * b) + np.sum(c**2)


@case(V, W, wrt="x y")
def windows_of_what_is_run_over(x, y):
    for v in x:
        x = x + v * y[:1]
    for k, w in enumerate(y[:1]):
        y = w * y[: k + 1] + y
    return np.sum(x * x) + np.sum(y**2)


@case(M, V, 1.5, wrt="m v c")
@case(M[:1], V, 0.5, wrt="m v c")
@case(M[:, :1], V[:1], -2.0, wrt="m v c")
def scaled_arrays_that_are_summed(m, v, c):
    """Numbers leave arrays of which sums and products of matrices are all that is read."""
    a = np.exp(-c * m)
    b = a - 0.5 * c * (m * v)
    d = b @ b.T - c * np.sum(a, axis=0) @ v
    return np.sum(d**2) + np.sum(a * b) * c - np.sum(-0.5 * b @ v)


@case(M, V, 3, wrt="m v")
def scaled_arrays_in_a_loop(m, v, n):
    total = 0.0
    for k in range(n):
        a = np.sin(m) * (k - 1.0)
        b = -(a @ v)
        total += b @ b - 2.0 * np.sum(a, axis=0) @ v
        m = m - 0.1 * a
        v = -v
    return total + np.sum(m * v)


@case(M, np.array([[1.5, -0.5, 0.25], [0.75, 1.25, 0.5]]), wrt="x s")
def products_with_added_axes(x, s):
    z = (x[:, None, :] - s[None, :, :]) * np.exp(-s)[None, :, :]
    w = x[:, None] * np.exp(s)[None]
    y = (x[None, :, :] + s[:, None]) * np.exp(x)[:, None, :]
    return np.sum(z**3) + np.sum(w**2) + np.sum(y**2)


@case(1.5, M, V, wrt="s m v")
def einsums_of_a_number(s, m, v):
    a = np.einsum(",i->i", s, v)
    return np.sum(np.einsum("j,ij->ij", a * a, m)) * np.einsum(",,->", s, np.sum(v), 2)
