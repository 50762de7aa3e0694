"""Guards against a root of zero: left out where what stands under the root surely is above zero."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad.build import Request, derive
from s2s_ad.ir.kinds import FLOAT, Array, Kind, fresh_dim

VECTOR = Array((fresh_dim(False),))


def one_and_a_square(x):
    return math.sqrt(1.0 + x * x)


def named_sum(x):
    size = x**4 + 0.5
    return math.sqrt(size)


def mean_of_squares(x):
    return np.sqrt(np.mean(x**2) + 1e-3)


def product(x):
    return math.sqrt((1.0 + x * x) * (1.0 + x * x))


def cube(x):
    return math.sqrt(1.0 + x**3)


def less_a_constant(x):
    return math.sqrt(1.0 + x * x - 0.5)


def bound_twice(x):
    size = 1.0 + x * x
    if x > 0.0:
        size = x
    return math.sqrt(size)


def begun_below_zero(x):
    return np.sqrt(0.5 + sum(x * x, -2.0))


def divided_by_its_length(x):
    return np.sum(np.exp(x / np.sqrt(np.sum(x**2))))


def divided_by_a_named_length(x):
    size = np.sqrt(np.sum(x**2))
    return np.sum(np.exp(x / size))


def divided_beside(x):
    return np.sum(np.sqrt(x**2) + np.exp(1.0 / np.sqrt(x**2)))


def divided_where_it_is_taken(x):
    return np.sum(np.where(x > 1.0, 1.0 / np.sqrt(np.maximum(x, 0.0)), 0.0))


def arcsine_divided_by(x):
    return np.sum(1.0 / np.arcsin(x))


def in_a_loop(x):
    total = 0.0
    for v in x:
        r2 = v * v + 0.01
        total += math.sqrt(r2)
    return total


def carried_by_a_loop(x):
    r = 1.0
    for v in x:
        r = math.sqrt(r + v * v)
    return r


def down_to_zero(x):
    r = 1.0
    for v in x:
        r = r - v * v
    return math.sqrt(r)


@pytest.mark.parametrize("mode", ["adjoint", "tangent"])
@pytest.mark.parametrize(
    ("function", "kind", "guarded"),
    [
        (in_a_loop, VECTOR, False),
        (carried_by_a_loop, VECTOR, True),
        (down_to_zero, VECTOR, True),
        (one_and_a_square, FLOAT, False),
        (named_sum, FLOAT, False),
        (mean_of_squares, VECTOR, False),
        (product, FLOAT, True),
        (cube, FLOAT, True),
        (less_a_constant, FLOAT, True),
        (bound_twice, FLOAT, True),
        (begun_below_zero, VECTOR, True),
    ],
)
def test_guards_stand_where_they_are_needed(function, kind: Kind, guarded: bool, mode: str):
    text = derive(Request(function, mode, ("x",), {"x": kind})).text
    assert ("else 0.0" in text or "quotient(" in text) == guarded


@pytest.mark.parametrize(
    ("function", "guards"),
    [
        (divided_by_its_length, 0),
        (divided_by_a_named_length, 1),
        (divided_beside, 1),
        (divided_where_it_is_taken, 1),
        (arcsine_divided_by, 1),
    ],
)
def test_a_root_that_has_been_divided_by_needs_no_guard(function, guards: int):
    text = derive(Request(function, "adjoint", ("x",), {"x": VECTOR})).text
    assert text.count("quotient(") + text.count("else 0.0") == guards
