"""check_grads accepts what is right, at every order and structure, and refuses what is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import api_products, testing
from s2s_ad.rules import declare, registry
from s2s_ad.testing import check_grads


def mixed(x, m, p):
    """A dict of an array and a list, from a number, a matrix and a dict."""
    return {"a": m @ p["w"] * x, "b": [np.sum(m), math.exp(x) * p["k"]]}


POINT = (0.7, np.array([[1.0, -2.0], [0.5, 3.0]]), {"w": np.array([2.0, 0.0]), "k": 1.5})


def double(x):
    return 2.0 * x


def test_rules_of_a_user():
    declare.elementwise("test_testing.double(x)", "2.0 * d", function=double)
    try:
        assert testing.check_rules(double) > 0
    finally:
        registry.forget(double)
    declare.elementwise("test_testing.double(x)", "2.1 * d", function=double)
    try:
        with pytest.raises(AssertionError, match="differences"):
            testing.check_rules(double)
    finally:
        registry.forget(double)


def test_structures():
    check_grads(mixed, POINT)
    check_grads(mixed, POINT, wrt="p", modes=("rev",))


def test_orders():
    def f(x, y):
        return math.sin(x) * y**3 / (1.0 + x * x)

    check_grads(f, (0.4, 1.7), order=3)
    check_grads(f, (0.4, 1.7), order=2, wrt=1)


def test_near_the_end_of_the_domain():
    check_grads(lambda x, y: math.log(x) / math.sqrt(y), (1e-4, 1e3))


def test_integers_are_not_differentiated_unless_asked():
    def f(x, n):
        for _ in range(n):
            x = math.sin(x) * x
        return x

    check_grads(f, (1.3, 3))


def test_wrong_derivatives_are_found(monkeypatch):
    def f(x):
        return x**3

    honest = testing.jvp

    def wrong(*args, **kwargs):
        value, dot = honest(*args, **kwargs)
        return value, 1.0001 * dot

    monkeypatch.setattr(testing, "jvp", wrong)
    with pytest.raises(AssertionError, match=r"forward mode of f\(\) is wrong"):
        check_grads(f, (2.0,))
    with pytest.raises(AssertionError, match="reverse mode of f"):
        check_grads(f, (2.0,), modes=("rev",))
    monkeypatch.setattr(testing, "jvp", api_products.jvp)
    check_grads(f, (2.0,))


def test_a_kink_is_found():
    with pytest.raises(AssertionError, match="forward mode"):
        check_grads(lambda x: x if x > 0.0 else 3.0 * x, (0.0,))


def test_what_cannot_be_checked():
    def point(x):
        if x != 2.0:
            raise ValueError
        return x

    with pytest.raises(ValueError, match="order must be at least 1"):
        check_grads(math.sin, (1.0,), order=0)
    with pytest.raises(ValueError, match="modes"):
        check_grads(math.sin, (1.0,), modes=("forward",))
    with pytest.raises(AssertionError, match="not defined around"):
        check_grads(point, (2.0,))
