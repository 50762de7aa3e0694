"""Where compiled derivatives keep numbers: rows written by loops, arrays handed in by callers."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("numba")

from s2s_ad import grad, vjp  # noqa: E402
from tests.test_numba import same, steps  # noqa: E402


def rows(u0, k, sweeps):
    u = u0.copy()
    v = u0.copy()
    for t in range(sweeps):
        for i in range(1, len(u)):
            v[i] = u[i] + k * u[i] * u[i - 1]
        for i in range(len(u)):
            u[i] = v[i]
    return np.sum(u * u)


def grid(u0, k, sweeps):
    n, m = u0.shape
    u = u0.copy()
    v = u0.copy()
    for t in range(sweeps):
        for i in range(1, n):
            for j in range(1, m):
                v[i, j] = u[i, j] + k * u[i, j] * u[i - 1, j - 1]
        for i in range(n):
            for j in range(m):
                u[i, j] = v[i, j]
    return np.sum(u * u)


def test_rows_are_written_by_loops():
    """numba writes a row by a loop in half the time, or a third, that a slice takes it."""
    u = np.cos(np.arange(12.0))
    for f, x, line in (
        (rows, u, "            u_saved[t, k2] = u[k2]\n"),
        (grid, u.reshape(3, 4), "                u_saved[t, k2, l] = u[k2, l]\n"),
    ):
        g = grad(f, ("u0", "k"), compile="numba")
        for sweeps in (3, 1, 0):
            same(g(x, 0.3, sweeps), grad(f, ("u0", "k"))(x, 0.3, sweeps))
        same(g(x[:0], 0.3, 2), grad(f, ("u0", "k"))(x[:0], 0.3, 2))
        for got, want in zip(g(x, 0.3, 2), steps(f, (x, 0.3, 2), ("u0", "k"))):
            np.testing.assert_allclose(got, want, rtol=1e-6)
        assert line in g.source


def poly(c, x):
    y = 0.0
    for i in range(len(c)):
        y = y * x * y + c[i]
    return y


def layer(c, x):
    return math.tanh(poly(c, x))


def deep(c, xs):
    total = 0.0
    for i in range(len(xs)):
        x = xs[i]
        for _ in range(3):
            x = layer(c, x) + 0.1 * x
        total += x * x
    return total


def once(c, xs):
    return layer(c, xs[0]) * xs[1]


def rows_of(c, xs):
    """The size of the array changes with the loop."""
    total = 0.0
    for i in range(len(xs)):
        total += poly(xs[: i + 1], 0.2 * c[0]) * c[1]
    return total


def twice(c, xs):
    """Two states are there at one time: each has its own array."""
    total = 0.0
    for i in range(len(xs)):
        a = poly(c, xs[i])
        b = poly(c, 0.5 * xs[i])
        total += math.sin(a * b) * a
    return total


def chosen(c, xs):
    total = 0.0
    for i in range(len(xs)):
        if xs[i] > 0.3:
            total += layer(c, xs[i]) ** 2
    return total


@pytest.mark.parametrize("f", [deep, once, rows_of, twice, chosen])
def test_arrays_of_callees(f):
    c, xs = np.array([0.3, -0.4, 0.5, 0.2]), np.array([0.7, 0.2, -0.3, 0.9])
    g = grad(f, ("c", "xs"), compile="numba")
    same(g(c, xs), grad(f, ("c", "xs"))(c, xs))
    for got, want in zip(g(c, xs), steps(f, (c, xs), ("c", "xs"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-9)


def test_arrays_of_callees_are_made_in_front_of_loops():
    c, xs = np.array([0.3, -0.4, 0.5, 0.2]), np.array([0.7, 0.2, -0.3, 0.9])
    inside = grad(deep, ("c", "xs"), compile="numba")
    inside(c, xs)
    entry, _, callees = inside.source.partition("def layer_reverse(")
    assert "    poly_y_saved = np.empty(len(c))\n    for i in range(len(xs)):\n" in entry
    assert "np.empty(" not in callees and "The caller has made y_saved.\n" in callees
    alone = grad(once, ("c", "xs"), compile="numba")
    alone(c, xs)
    assert "The caller has made" not in alone.source


def test_a_pullback_keeps_its_own_arrays():
    c, xs = np.array([0.3, -0.4, 0.5, 0.2]), np.array([0.7, 0.2, -0.3, 0.9])
    _, back = vjp(deep, c, xs, wrt=("c", "xs"), compile="numba")
    first = back(1.0)
    _, other = vjp(deep, c, 2.0 * xs, wrt=("c", "xs"), compile="numba")
    other(1.0)
    same(back(1.0), first)


def exercised(s, u, n):
    """An option that may be exercised early: what is not chosen adds nothing."""
    value = np.zeros(n + 1)
    for j in range(n + 1):
        value[j] = max(s * u ** (2 * j - n) - 1.0, 0.0)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            hold = 0.5 * (value[j] + value[j + 1])
            early = s * u ** (2 * j - i) - 1.0
            value[j] = max(hold, early)
    return value[0]


def test_what_was_not_chosen_is_not_worked_out():
    g = grad(exercised, ("s", "u"), compile="numba")
    for s, u in ((1.1, 1.05), (0.7, 1.2), (3.0, 1.1)):
        same(g(s, u, 4), grad(exercised, ("s", "u"))(s, u, 4))
        for got, want in zip(g(s, u, 4), steps(exercised, (s, u, 4), ("s", "u"))):
            np.testing.assert_allclose(got, want, rtol=1e-6)
    assert "            if early_bar != 0.0:\n                u_bar += (" in g.source
    assert "!= 0.0" not in grad(exercised, ("s", "u")).source


def spread(p, A, scale, n):
    """What a loop divides by does not change in it, and may be zero where it has no steps."""
    total = 0.0
    q = np.zeros(n)
    for i in range(len(p)):
        for j in range(n):
            q[j] += p[i] / scale * A[i, j]
    for j in range(n):
        total += q[j] * q[j]
    return total


def test_sums_are_divided_once():
    g = grad(spread, ("p", "A", "scale"), compile="numba")
    p, A = np.array([0.3, 0.9]), np.array([[0.4, -0.7, 1.1], [0.2, 0.5, -0.3]])
    for n in (3, 1):
        same(g(p, A, 1.7, n), grad(spread, ("p", "A", "scale"))(p, A, 1.7, n))
        for got, want in zip(g(p, A, 1.7, n), steps(spread, (p, A, 1.7, n), ("p", "A", "scale"))):
            np.testing.assert_allclose(got, want, rtol=1e-6)
    same(g(p, A, 0.0, 0), grad(spread, ("p", "A", "scale"))(p, A, 0.0, 0))
    assert "p_bar[i] += p_item_sum / scale\n" in g.source
    assert "scale_bar += scale_sum / scale / scale\n" in g.source
