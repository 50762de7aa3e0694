"""Calls of what is known only when they run: what is refused, and what the text says."""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import ArgumentError, UnsupportedSyntax, grad, hessian, jvp, vjp
from s2s_ad.runtime import call_forward, call_reverse, call_tangent
from tests.language.looked_up import TABLE

A = np.array([1.1, 1.7, 2.3, 0.4])


def by_name(x, name):
    return TABLE[name](x)


def refused(function, message, *args):
    for derivative in (
        lambda: vjp(function, *args)[1](np.ones(4)),
        lambda: jvp(function, args, (np.ones(4),), wrt="x"),
    ):
        with pytest.raises(UnsupportedSyntax, match=message):
            derivative()


@pytest.mark.parametrize(
    "name", ["stored_into", "added_to", "calls_stored_into", "sorted_in_place"]
)
def test_what_changes_its_argument_is_refused(name):
    refused(by_name, "is changed in place by a function that is known only when it runs", A, name)


def append(n, log):
    log.append(n)
    return n


def test_a_call_in_which_nothing_is_active_after_all_changes_nothing():
    value, saved = call_forward(TABLE["same"], (0,), 3)
    assert value == 3 and call_reverse(saved, 1.0) == 0.0
    assert call_tangent(TABLE["two"], (0,), (0.0,), np.arange(3))[1] == [0.0, pytest.approx(0.0)]
    with pytest.raises(ArgumentError, match="`append`, which is known only when it runs, changes"):
        call_forward(append, (0,), 3, [1.0])


def test_an_object_among_the_active_arguments_is_refused():
    with pytest.raises(ArgumentError, match="is a set"):
        call_forward(TABLE["same"], (0,), {1.0})


def test_zeros_come_as_one_number():
    """What is not used of a result, or does not vary, has no structure in what is generated."""
    _, saved = call_forward(TABLE["two"], (0,), A)
    np.testing.assert_allclose(call_reverse(saved, 0.0), np.zeros(4))
    np.testing.assert_allclose(call_reverse(saved, [0.0, np.ones(4)]), 2.0 * A)
    np.testing.assert_allclose(call_reverse(saved, [1.0, 0.0]), np.full(4, 2.0))
    value, dot = call_tangent(TABLE["two"], (0, "k"), (0.0, 1.0), A, k=3.0)
    np.testing.assert_allclose(dot[0], np.sum(A))
    np.testing.assert_allclose(dot[1], np.zeros(4))
    assert value[0] == 3.0 * np.sum(A)


def test_stars():
    value, saved = call_forward(TABLE["many"], ("*1", "k", "**"), 2.0, 3.0, 5.0, k=1.5, z=4.0)
    assert value == 1.5 * 38.0 + 4.0
    assert call_reverse(saved, 2.0) == ([18.0, 30.0], 76.0, {"z": 2.0})


def test_second_derivatives_are_refused():
    def f(x, name):
        return np.sum(TABLE[name](x) ** 2)

    with pytest.raises(UnsupportedSyntax, match="a second derivative of a call of what is known"):
        hessian(f)(A, "larger")


def test_strict_takes_no_call_it_cannot_see_into():
    with pytest.raises(UnsupportedSyntax, match="a call of what is known only when it runs"):
        grad(lambda x, name: np.sum(TABLE[name](x)), strict=True)(A, "larger")


def test_the_text_is_short():
    text = vjp_text()
    assert "result, f_saved = call_forward(f, (0,), x)" in text
    assert "x_bar = call_reverse(f_saved, result_bar)" in text


def vjp_text():
    def looked_up(x, name):
        f = TABLE[name]
        return f(x)

    derivative = grad(looked_up)
    assert derivative(1.5, "same") == 1.0
    return derivative.source


def test_a_root_with_no_slope_has_no_derivative():
    fsolve = pytest.importorskip("scipy.optimize").fsolve

    def f(x):
        return fsolve(lambda t: (t - x) ** 2, x)[0]

    with pytest.raises(ArgumentError, match="a root where the slope of its function is zero"):
        grad(f)(2.0)


def test_the_text_of_a_root():
    brentq = pytest.importorskip("scipy.optimize").brentq

    def f(x):
        return brentq(lambda t, a: t * t - a, 0.0, 9.0, args=(x,), xtol=1e-14)

    derivative = grad(f)
    assert derivative(4.0) == pytest.approx(0.25)
    assert "call_forward(" in derivative.source
    assert "find_root, (-1,), brentq, anonymous, (0.0, 9.0), (x,)," in derivative.source


def test_an_integral_with_a_weight_is_refused():
    quad = pytest.importorskip("scipy.integrate").quad

    def f(x):
        return quad(lambda t: t * x, 0.0, 1.0, weight="cos", wvar=2.0)[0]

    with pytest.raises(ArgumentError, match="weight"):
        grad(f)(0.7)
