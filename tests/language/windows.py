"""Slices that a loop reads in front of, behind or around the item that it stores into."""

import numpy as np

from .cases import case

X = np.array([0.5, -1.0, 0.25, 1.5, 0.75, -0.5])
V = np.array([0.5, -0.25, 1.5])
A = np.array([[2.0, 0.5, -0.25], [0.25, 1.5, 0.75], [-0.5, 0.25, 1.75]])


@case(V, X, wrt="v x")
@case(V[:1], X, wrt="v x")
def filter_of_what_came_before(v, x):
    n = len(x)
    q = len(v)
    e = np.zeros(n)
    for t in range(q, n):
        e[t] = np.sin(x[t]) * 1.5
        e[t] -= v @ e[t - q : t]
        m = min(t, q - 1)
        e[t] += v[:m] @ (e[t - m : t] * x[t - m : t])
    return np.sum(e**2)


@case(A, V, wrt="a b")
@case(A[:2, :2], V[:2], wrt="a b")
def triangular_systems(a, b):
    n = len(b)
    y = np.zeros(n)
    for i in range(n):
        y[i] = (b[i] - a[i, :i] @ y[:i]) / a[i, i]
    x = y.copy()
    for i in range(n - 1, -1, -1):
        x[i] -= a[i, i + 1 :] @ x[i + 1 :]
        x[i] /= a[i, i]
    z = np.zeros(n)
    for i in reversed(range(n)):
        z[i] = y[i] - x[i] * np.sum(z[i:] * x[i:])
    return x @ y + np.sum(z**2)


@case(A + A.T, wrt="a")
def factors_by_rows(a):
    n = a.shape[0]
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
        low[i, i] = np.sqrt(a[i, i] - np.sum(low[i, :i] ** 2) + 1.0)
    return np.sum(low**3)


@case(X, 2, wrt="x")
@case(X, 0, wrt="x")
@case(X, -3, wrt="x")
def windows_from_either_end(x, k):
    """What a slice begins or ends at may be counted from the end."""
    y = x.copy()
    for t in range(k, 4):
        y[t] = np.tanh(y[t] * np.sum(y[t - 1 : t]) + np.sum(y[t + 1 :]))
    z = x * 1.0
    for t in range(4):
        z[t - 2] = np.tanh(z[t - 2] * 0.5 + np.sum(z[: t - 2] ** 2) + z[-1])
    for t in range(1, 5):
        z[-t] = np.sin(z[-t]) * np.sum(z[-t - 1 : -t]) + 0.1 * np.sum(z[:-t] ** 2)
    return np.sum(y**2) + np.sum(z**3)


@case(X, wrt="x")
def windows_around_the_item(x):
    y = x.copy()
    for t in range(1, 5):
        y[t] = np.tanh(y[t] * np.sum(y[t - 1 : t + 2]))
    for t in range(1, 5):
        y[t] = np.tanh(np.sum(y[t - 1 :: 2] ** 2) + np.sum(y[:t:2]) * y[t])
    for t in range(4, 0, -1):
        y[t] = np.tanh(y[t] * np.sum(y[t:]) + np.sum(y[:t] ** 2))
    for t in range(1, 5):
        y[t] = y[t] * np.sum(y[t - 1 :: -1])
    return np.sum(y**2)


@case(X, wrt="x")
def stores_into_windows(x):
    y = x.copy()
    for t in range(1, 3):
        y[t : t + 2] = y[t - 1 : t + 1] * y[t : t + 2]
        y[:t] = np.sin(y[:t]) * y[t]
    z = np.zeros((3, 6))
    for t in range(1, 3):
        z[t, :] = z[t - 1, :] * x + x**2
        z[t, t:] *= z[t - 1, :-t]
        z[t] += np.sum(z[:t], axis=0) * x
    return np.sum(y**2) + np.sum(z**2)


@case([0.5, -1.0, 0.25, 1.5], wrt="xs")
def windows_of_lists(xs):
    ys = [x * 1.0 for x in xs]
    for t in range(1, 4):
        ys[t] = ys[t] * sum(ys[:t])
    for t in range(2, -1, -1):
        ys[t] = ys[t] * ys[t + 1] + sum(ys[t + 1 :]) * ys[t]
    return sum(y * y for y in ys)


@case(V, 2, wrt="x")
def rows_that_are_filled(x, n):
    path = np.zeros((n + 1, len(x)))
    path[0] = x
    for t in range(n):
        path[t + 1] = np.tanh(path[t] + np.sum(path[: t + 1] ** 2, axis=0))
        path[t + 1, 1:] += path[t + 1, :-1] * path[t, 1:]
    return np.sum(path**2)


@case(V, X, wrt="k x")
@case(V[:1], X[:1], wrt="k x")
def convolutions_added_in_place(k, x):
    n = len(x) - len(k) + 1
    out = np.zeros(n)
    other = x * 1.0
    for i in range(len(k)):
        out += k[i] * x[i : i + n]
        other *= k[i]
        other -= k[i : i + 1] ** 2
        other += np.sum(other * x[:, None], axis=0) * 0.1 + other * k[:1]
        other *= np.sum(other * k[0] + np.zeros((2, 1)))
    return np.sum(np.tanh(out) ** 2) + np.sum(np.sin(other))


@case(np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]]), 2, wrt="u")
@case(np.array([[0.5]]), 3, wrt="u")
def zeros_of_written_lengths(u, n):
    """A padded array is read for its shape alone in the reverse sweep."""
    speed = u**2
    for _ in range(n):
        padded = np.pad(u, 1)
        around = padded[2:, 1:-1] + padded[:-2, 1:-1] - 2.0 * u
        rows = np.concatenate([u[:1], u])
        u = np.tanh(u + 0.1 * speed * around + rows[1:] * rows[:-1])
    return np.sum(u**2)


@case(X, V, 2, wrt="a b")
@case(X[:3], V[:1], 2, wrt="a b")
@case(X[:3], V[:3], 0, wrt="a b")
def spread_over_what_is_stored(a, b, n):
    """What is stored may be spread over its place; the reverse sweep asks for its shape alone."""
    u = a * 1.0
    w = b * b
    for _ in range(n):
        u[:3] = w[:1] * 0.5 + w
        w[:1] += np.sum(u[1:3])
        u[1:3] = u[:2] - w[:1]
        w[:] = w * 0.5
    return np.sum(u**2) + np.sum(w)


@case(X, 3, wrt="a")
@case(X, 0, wrt="a")
def shorter_at_each_step(a, n):
    """An array that is bound anew has another shape when its reverse asks for it."""
    u = a * 1.0
    v = a[:1] * 2.0
    for k in range(n):
        u[1:3] = v * 0.5 + u[1:3]
        w = u[k : k + 2]
        v = w * 1.5
        u[0] = np.sum(v)
    v = v[-1:] * 1.0
    v[0] = v[0] * u[1]
    return np.sum(u) + np.sum(v**2)


@case(X, 3, wrt="u")
@case(X[:3], 1, wrt="u")
@case(X, 0, wrt="u")
def ends_that_follow(u, n):
    """A step stores into one array several times, and into a part of it in a branch."""
    u = u.copy()
    t = 0.0
    for k in range(n):
        u[0] = u[1]
        if k % 2:
            u[-1] = u[-2] * 1.5
        for j in range(k):
            u[j] += 0.1 * k
        lap = u[2:] - 2.0 * u[1:-1] + u[:-2]
        u[1:-1] += 0.1 * lap * u[1:-1]
        t += u[k] * u[-1]
    u[0] = u[0] * 2.0
    return np.sum(u**2) + t
