"""Slopes: like terms are added together once products are written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import grad
from s2s_ad.testing import check_grads


def spring(x, k, e):
    return -k * x * (1.0 + e * x * x)


def powers(x, k, e):
    return (x + e * math.sqrt(1.0 + x * x)) * x * x * k


def growth(u, r, n):
    for _ in range(n):
        u = u + r * u * (1.0 - u)
    return u


def steps(u0, c, r, n):
    u = u0.copy()
    v = u0.copy()
    for _ in range(n):
        for i in range(1, len(u) - 1):
            v[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1]) + r * u[i] * (1.0 - u[i])
        for i in range(len(u)):
            u[i] = v[i]
    total = 0.0
    for i in range(len(u)):
        total += u[i] * u[i]
    return total


def between(x, k):
    """What a product is made of changes between it and the sum."""
    total = 0.0
    for i in range(3):
        y = x * k
        x = y * (1.0 + k * y * y) - x * k * y
        k = k * x * (1.0 - k) + k
        total += x * y
    return total


def cancelling(x, a, b):
    """A difference that is exact is not taken apart: `a` and `b` are nearly equal."""
    return x * (a - b) * (a - b) + x * x * (a - b) * a


def arrays(x, k):
    return np.sum(k * x * (1.0 + k * x * x))


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (spring, (0.7, 1.3, 0.4)),
        (powers, (0.7, 1.3, 0.4)),
        (growth, (0.3, 1.1, 3)),
        (steps, (np.array([0.2, 0.7, 0.4, 0.9]), 0.2, 0.3, 2)),
        (between, (0.4, 0.7)),
        (cancelling, (0.3, 1.2, 0.5)),
        (arrays, (np.array([0.4, 0.9]), 0.7)),
    ],
)
def test_gradients(f, args):
    wrt = tuple(range(len(args) - (f in (growth, steps))))
    check_grads(f, args, order=2, wrt=wrt)


def test_texts():
    g = grad(spring, ("x", "k", "e"))
    g(0.7, 1.3, 0.4)
    assert "x_bar = -result_bar * k * (1.0 + 3.0 * e * x * x)\n" in g.source
    assert "product_bar" not in g.source
    g = grad(steps, ("u0", "c", "r"))
    g(np.ones(3), 0.2, 0.3, 2)
    assert "u_bar[i] += v_item_bar * (1.0 - 2.0 * c + r - 2.0 * u[i] * r)\n" in g.source


def test_nearly_equal_numbers():
    a, b = 1.0 + 2.0**-40, 1.0
    _, a_bar, b_bar = grad(cancelling, ("x", "a", "b"))(1.0, a, b)
    x_bar = grad(cancelling, "x")(1.0, a, b)
    assert x_bar == pytest.approx((a - b) * ((a - b) + 2.0 * a), rel=1e-12)
    assert a_bar == pytest.approx(2.0 * (a - b) + (2.0 * a - b), rel=1e-12)
    assert b_bar == pytest.approx(-2.0 * (a - b) - a, rel=1e-12)


def bent(u, c):
    total = 0.0
    for i in range(1, len(u) - 1):
        total += math.sin(c * u[i] * (u[i - 1] - 2.0 * u[i] + u[i + 1]))
    return total


def test_a_product_that_is_needed_anyway_is_read():
    g = grad(bent, ("u", "c"))
    g(np.ones(4), 0.3)
    assert "4.0 * u[i]" not in g.source
