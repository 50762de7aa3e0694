"""Exceptions that leave a `try` when it has changed what is read behind it: never handled wrongly.

Takes nothing, gives tests; requires the public names.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.errors import UnsupportedSyntax
from tests.language.tried import left_halfway, left_in_a_loop
from tests.oracles import directional


@pytest.mark.parametrize("f", [left_halfway, left_in_a_loop])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_right_or_an_error(f, n):
    slope = directional(lambda x: f(x, n), (1.3,), np.ones(1))[0][0]
    for found in (lambda: grad(f)(1.3, n), lambda: jvp(f, (1.3, n), (1.0,), wrt="x")[1]):
        try:
            assert found() == pytest.approx(slope, rel=1e-9)
        except RuntimeError as error:
            assert "left a `try`" in str(error)
            assert n < 3


def test_what_was_not_left_is_right():
    assert grad(left_halfway)(1.3, 4) == pytest.approx(2.0 * 1.3 / 4.0)
    with pytest.raises(RuntimeError, match="left a `try`"):
        grad(left_halfway)(1.3, 0)


def root(x):
    try:
        return x**0.5
    except ZeroDivisionError:
        return -1.0


def test_what_a_derivative_raises_is_not_for_the_handler():
    """The slope of a root at 0 is infinite; its value is not that of the handler."""
    value, _ = jvp(root, (0.25,), (1.0,))
    assert value == 0.5
    with pytest.raises(ZeroDivisionError):
        jvp(root, (0.0,), (1.0,))
    with pytest.raises(ZeroDivisionError):
        grad(root)(0.0)


def by_its_text(x, key):
    try:
        v = {"u": x}[key]
    except KeyError as error:
        v = len(str(error)) * x * x
    return v


def test_an_exception_is_gone_when_its_handler_is_over():
    """Its text was that of None in the reverse sweep."""
    assert jvp(by_its_text, (0.5, "w"), (1.0,), wrt="x")[1] == 3.0
    with pytest.raises(UnsupportedSyntax, match="decides on a derivative"):
        grad(by_its_text)(0.5, "w")
