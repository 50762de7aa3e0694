"""Kinds that are proved by use or told by annotations, and those that are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad.build import Request, derive
from s2s_ad.ir.kinds import Array, Dim
from tests.checking import bound

F = "number"


def helper(t, k=2):
    return math.sqrt(t) * k


def by_math(x, y):
    return x * math.sin(x) + y


def by_annotation(x: float, y: "float", n: int, v: np.ndarray):  # noqa: UP037
    return x * y + n * np.sum(v)


def by_a_callee(x, y):
    return helper(x) * y


def on_both_sides(x, y):
    if y > 0.0:
        z = math.exp(x)
    else:
        z = math.log(x) + y
    return z * x


def or_not_at_all(x, y):
    if y > 0.0:
        raise ValueError(y)
    return math.exp(x) * x * y


def by_range(x, n):
    for _ in range(n):
        x = x * 1.5
    return x


def on_one_side(x, y):
    return x * math.sin(x) if y > 0.0 else x * y


def in_a_loop(x, n):
    total = 0.0
    for k in range(n):
        total += math.sin(x) * k
    return total * x


def after_a_return(x, y):
    if y > 0.0:
        return x * y
    return math.sin(x)


def after_it_is_overwritten(x, y):
    x = np.sum(x)
    return math.sin(x) * y


def in_a_try(x, y):
    try:
        z = math.sin(y)
    except TypeError:
        z = 2.0
    return x * z


def perhaps(x, y):
    big = y > 0.0 and math.sin(x) > 0.0
    return x * y if big else x


def of_sequences(x, y):
    return math.fsum(x) * y


EXPECTED = {
    by_math: {"x": F},
    by_annotation: {"x": F, "y": F, "n": "integer"},
    by_a_callee: {"x": F},
    on_both_sides: {"x": F},
    or_not_at_all: {"x": F},
    by_range: {"n": "integer"},
    on_one_side: {},
    in_a_loop: {"n": "integer"},
    after_a_return: {},
    after_it_is_overwritten: {},
    in_a_try: {},
    perhaps: {},
    of_sequences: {},
}


@pytest.mark.parametrize("function", EXPECTED, ids=lambda function: function.__name__)
def test_kinds_in_the_header(function):
    text = derive(Request(function, "adjoint", ("x",))).text
    found = text.partition("\nfor ")[2].partition(".\n")[0] if "\nfor " in text else ""
    kinds = dict(part.split(": ") for part in found.split(", ")) if found else {}
    assert kinds == EXPECTED[function]


def wave(x):
    return x * helper(x) if x > 1.0 else x * math.sin(x) * helper(x, 3)


def test_numbers_need_no_helpers():
    derivative = derive(Request(wave, "adjoint", ("x",)))
    assert "runtime" not in derivative.text
    value, bar = bound(derivative)(4.0, 1.0)
    assert value == wave(4.0) and bar == pytest.approx(6.0)


def test_an_array_of_no_axes_is_the_number_it_holds():
    adjoint = bound(derive(Request(by_math, "adjoint", ("x",))))
    value, bar = adjoint(np.array(0.5), 2.0, 1.0)
    assert value == by_math(0.5, 2.0) and float(bar) == adjoint(0.5, 2.0, 1.0)[1]
    with pytest.raises(TypeError):
        adjoint(np.array([0.5, 1.0]), 2.0, 1.0)


def filled(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[i - 1]
    return np.sum(y * x)


def test_an_array_as_long_as_another_has_its_shape():
    """The kind of `len(x)` was an integer, whatever x is: y had a shape of its own."""
    for mode in ("adjoint", "tangent"):
        text = derive(Request(filled, mode, ("x",), {"x": Array((Dim("n"),))})).text
        assert "unbroadcast" not in text and "+ np.zeros_like" not in text


def test_what_is_said_to_be_anything_is_unknown():
    from s2s_ad.ir.kinds import UNKNOWN

    text = derive(Request(by_math, "adjoint", ("x",), {"x": UNKNOWN})).text
    assert "for x: unknown" in text and "unbroadcast" in text


def over_keys(x, table):
    for key in table:
        x = x * key
    return x


@pytest.mark.parametrize("mode", ["tangent", "adjoint"])
def test_a_loop_over_a_dict_is_refused_where_it_was_taken_for_a_list(mode):
    """Whole numbers that are keys are no positions."""
    found = bound(derive(Request(over_keys, mode, ("x", "table"))))
    args = (0.5, [2.0, 3.0]) if mode == "adjoint" else (0.5, 1.0, [2.0, 3.0], [0.5, 0.5])
    seed = (1.0,) if mode == "adjoint" else ()
    assert found(*args, *seed)[1] in ((6.0, [1.5, 1.0]), 7.25)
    tables = [dict(enumerate(x)) if isinstance(x, list) else x for x in args]
    with pytest.raises(TypeError, match="a loop over the keys of a dict"):
        found(*tables, *seed)


def between(x, low, high):
    return np.sum(np.clip(x, low, high) * x)


@pytest.mark.parametrize("low, high", [(None, 1.0), (0.5, None), (0.5, 1.0)])
def test_a_bound_of_which_nothing_is_known_may_be_none(low, high):
    x = np.array([0.25, 0.75, 2.0])
    _, bar = bound(derive(Request(between, "adjoint", ("x",))))(x, low, high, 1.0)
    inside = np.clip(x, low, high) == x
    np.testing.assert_allclose(bar, np.clip(x, low, high) + x * inside)
