"""One array given for two parameters, after others were: the derivative for those is not that one.

A function that changes the one in place sees the change in the other.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, value_and_grad
from s2s_ad.errors import UnsupportedSyntax

C = np.array([1.0, 2.0, -0.5])


def doubled(x, y):
    s = 0.0
    for i in range(len(x)):
        x[i] = y[i] * 2.0
        s += x[i] * y[i]
    return s


def product(x, y):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i] * y[i]
    return s


def same(a):
    return a, a


def views(a):
    return a[:2], a[1:]


def apart(a):
    return a, a.copy()


def parts(a):
    return a[:1], a[1:2]


@pytest.mark.parametrize("transform", [grad, value_and_grad])
@pytest.mark.parametrize("shared", [same, views])
def test_of_a_function_that_changes_one_of_them(transform, shared):
    g = transform(doubled, ("x", "y"))
    for _ in range(2):
        x, y = shared(C)
        g(x.copy(), y.copy())
        with pytest.raises(UnsupportedSyntax, match="shares memory with"):
            g(*shared(C.copy()))


@pytest.mark.parametrize("pair", [same, views, apart, parts])
def test_of_a_function_that_reads_them(pair):
    g = grad(product, ("x", "y"))
    for _ in range(3):
        x, y = pair(C)
        x_bar, y_bar = g(x, y)
        np.testing.assert_allclose(x_bar, y * y)
        np.testing.assert_allclose(y_bar, 2.0 * x * y)


def test_gradients_fit_what_was_given():
    """Arrays of other types of floats, which the quick way passes on, are made to fit."""
    g = grad(product, ("x", "y"))
    for _ in range(2):
        x_bar, y_bar = g(C.astype("f4"), C)
        assert x_bar.dtype == np.float32
        assert y_bar.dtype == np.float64
        (x_bar,) = grad(product, ("x",))(C, C.copy())
        np.testing.assert_allclose(x_bar, C * C)
