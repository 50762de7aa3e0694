"""What docs/conventions.md says of kinks, ties and steep slopes: one test a sentence."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from s2s_ad import S2SError, grad, jvp
from s2s_ad.rules import registry
from tests.rules.dual import applied


def slopes(function, *args, wrt=None, d=1.0):
    """Return the slope of `function` in each argument named by place, when those are active."""
    wrt = range(len(args)) if wrt is None else wrt
    rules = registry.lookup(function) or registry.lookup_operator(function)
    found = []
    for place in wrt:
        pairs = [(a, None if k not in wrt else _times(a, 0.0)) for k, a in enumerate(args)]
        pairs[place] = (args[place], _times(args[place], d))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found.append(applied(rules, pairs, {})[1])
    return found


def _times(x, d):
    return np.full(x.shape, d) if isinstance(x, np.ndarray) else d


@pytest.mark.parametrize("function", [abs, np.abs, np.fabs, math.fabs])
def test_abs_is_flat_at_zero(function):
    assert slopes(function, 0.0) == [0.0]


@pytest.mark.parametrize("function", [max, min, np.maximum, np.minimum, np.fmax, np.fmin])
def test_differentiated_arguments_share_a_tie(function):
    assert slopes(function, 2.0, 2.0) == [0.5, 0.5]


@pytest.mark.parametrize("function", [max, min, np.maximum, np.minimum, np.fmax, np.fmin])
def test_a_constant_wins_a_tie(function):
    assert slopes(function, 2.0, 2.0, wrt=[0]) == [0.0]
    assert slopes(function, 2.0, 2.0, wrt=[1]) == [0.0]


def test_three_arguments_share_a_tie_and_a_constant_wins_it():
    assert slopes(max, 1.0, 1.0, 1.0) == pytest.approx([1 / 3] * 3)
    assert slopes(max, 1.0, 1.0, 0.5, wrt=[0, 1]) == [0.5, 0.5]
    assert slopes(min, 1.0, 1.0, 1.0, wrt=[0, 1]) == [0.0, 0.0]


def test_entries_of_an_array_share_its_extreme():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    unit = np.eye(4)
    got = [applied(registry.lookup(np.max), [(x, e)], {})[1] for e in unit]
    assert got == [0.5, 0.0, 0.5, 0.0]


def test_the_last_of_entries_that_tie_has_what_follows():
    x = np.array([1.0, 3.0, 3.0, 2.0])
    rules = registry.lookup(np.maximum.accumulate)
    assert np.array_equal(applied(rules, [(x, np.arange(4.0))], {})[1], [0.0, 1.0, 2.0, 2.0])


def test_clip_is_flat_at_its_bounds():
    for value, slope in ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0), (-1.0, 0.0)):
        assert slopes(np.clip, value, 0.0, 1.0, wrt=[0]) == [slope]


@pytest.mark.parametrize(
    "function, at",
    [
        (math.sqrt, 0.0),
        (np.sqrt, 0.0),
        (math.asin, 1.0),
        (np.arcsin, -1.0),
        (math.acos, 1.0),
        (np.arccos, 1.0),
        (math.acosh, 1.0),
        (np.arccosh, 1.0),
        (np.cbrt, 0.0),
    ],
)
def test_where_the_slope_is_infinite_nothing_flows_of_nothing(function, at):
    assert slopes(function, at, d=0.0) == [0.0]
    array = np.array([at])
    if isinstance(function, np.ufunc):
        assert slopes(function, array, d=0.0) == [np.zeros(1)]
        assert np.all(np.isinf(slopes(function, array)[0]))
    else:
        with pytest.raises(ZeroDivisionError):
            slopes(function, at)


def test_powers_at_zero():
    assert slopes("**", 0.0, 2, wrt=[0]) == [0.0]
    assert slopes("**", 0.0, 1, wrt=[0]) == [1.0]
    assert slopes("**", 0.0, 0, wrt=[0]) == [None]
    assert slopes("**", 0.0, 0.5, wrt=[0], d=0.0) == [0.0]
    assert slopes("**", 0.0, 2.0) == [0.0, 0.0]
    assert slopes("**", 0.0, 0.0) == [0.0, 0.0]
    assert slopes("**", 0, 2.0, wrt=[1]) == [0.0]
    assert slopes("**", -2.0, 3, wrt=[0]) == [12.0]
    zeros, ones = np.zeros(2), np.array([1.0, 2.0])
    assert np.array_equal(slopes("**", zeros, ones, wrt=[0])[0], [1.0, 0.0])
    assert np.array_equal(slopes("**", zeros, ones, wrt=[1])[0], [0.0, 0.0])
    assert np.array_equal(slopes(np.power, zeros, zeros)[0], zeros)
    negative = np.array([-2.0, 3.0])
    assert np.array_equal(slopes("**", negative, 3.0, wrt=[0])[0], [12.0, 27.0])


def test_norms_and_distances_are_flat_at_zero():
    zeros = np.zeros(3)
    for args in ((zeros,), (zeros[None], None, 1), (zeros, 1), (zeros, 3), (zeros, math.inf)):
        assert not np.any(slopes(np.linalg.norm, *args, wrt=[0])[0])
    assert slopes(math.hypot, 0.0, 0.0) == [0.0, 0.0]
    assert slopes(np.hypot, 0.0, 0.0) == [0.0, 0.0]
    assert slopes(math.atan2, 0.0, 0.0) == [0.0, 0.0]
    assert applied(registry.lookup(math.dist), [([1.0], [1.0]), ([1.0], None)], {})[1] == 0.0
    assert slopes(np.std, np.full(3, 2.0)) == [0.0]


@pytest.mark.parametrize("x", [[2.0, 0.0, 5.0], [0.0, 0.0, 5.0], [2.0, 3.0, 5.0]])
def test_products_at_zeros(x):
    x = np.array(x)
    for k, unit in enumerate(np.eye(3)):
        others = np.delete(x, k)
        assert applied(registry.lookup(np.prod), [(x, unit)], {})[1] == np.prod(others)
        runs = applied(registry.lookup(np.cumprod), [(x, unit)], {})[1]
        want = [np.prod(np.delete(x[: j + 1], k)) if j >= k else 0.0 for j in range(3)]
        assert np.array_equal(runs, want)


def test_the_side_not_taken_of_where_gets_nothing():
    side = np.array([np.nan, 1.0])
    taken = np.array([False, True])
    (condition, x, y) = (taken, side, np.zeros(2))
    got = slopes(np.where, condition, x, y, wrt=[1])[0]
    assert np.array_equal(got, [0.0, 1.0])


def test_what_is_no_number_gets_nothing_and_gives_nothing():
    x = np.array([1.0, np.nan, 4.0, 2.0])
    for function, want in (
        (np.nansum, [1.0, 0.0, 1.0, 1.0]),
        (np.nanmean, [1 / 3, 0.0, 1 / 3, 1 / 3]),
        (np.nanmax, [0.0, 0.0, 1.0, 0.0]),
        (np.nanprod, [8.0, 0.0, 2.0, 4.0]),
        (np.nanvar, [-8 / 9, 0.0, 10 / 9, -2 / 9]),
    ):
        got = [applied(registry.lookup(function), [(x, unit)], {})[1] for unit in np.eye(4)]
        assert got == pytest.approx(want)


def test_steps_are_flat():
    for function in (math.floor, np.floor, round, int, np.sign, np.round, np.heaviside):
        args = (1.5, 0.5) if function is np.heaviside else (1.5,)
        assert slopes(function, *args, wrt=[0]) == [None]


def test_norms_of_every_order_are_finite_at_zero():
    x = np.array([0.0, 3.0])
    for order in (0.5, -math.inf, math.inf, 1, 1.5):
        assert np.all(np.isfinite(slopes(np.linalg.norm, x, order, wrt=[0])[0]))


def test_equal_eigenvalues_and_singular_values_turn_nowhere():
    for function in (np.linalg.eigh, np.linalg.svd, np.linalg.eig):
        for matrix in (np.eye(3), np.stack([np.eye(3), 2.0 * np.eye(3)])):
            if function is np.linalg.eig and matrix.ndim == 3:
                continue
            given = (matrix, False) if function is np.linalg.svd else (matrix,)
            parts = slopes(function, *given, wrt=[0])[0]
            assert all(np.all(np.isfinite(part)) for part in parts)


def test_complex_eigenvalues_are_refused_when_they_come():
    turning = np.array([[0.0, 1.0], [-1.0, 0.0]])
    with pytest.raises(TypeError, match="complex"):
        slopes(np.linalg.eig, turning)
    with pytest.raises(TypeError, match="complex"):
        slopes(np.linalg.eigvals, turning)


def test_what_is_left_out_gets_nothing_whatever_is_there():
    x, taken = np.array([np.inf, 1.0, np.nan, 4.0]), np.array([False, True, False, True])
    for function, want in (
        (np.sum, [0.0, 1.0, 0.0, 1.0]),
        (np.mean, [0.0, 0.5, 0.0, 0.5]),
        (np.prod, [0.0, 4.0, 0.0, 1.0]),
        (np.var, [0.0, -1.5, 0.0, 1.5]),
    ):
        got = [
            applied(registry.lookup(function), [(x, unit)], {"where": (taken, None)})[1]
            for unit in np.eye(4)
        ]
        assert got == pytest.approx(want)


def test_parts_of_complex_numbers_are_refused_when_they_come():
    def modulus(x):
        return abs(x + 2j)

    def part(x):
        z = x + 1j * x * x
        return (z * z).imag

    def of_a_power(x):
        return ((-x) ** 0.5).imag

    for f in (modulus, part, of_a_power):
        with pytest.raises((TypeError, S2SError)):
            grad(f)(1.3)
        with pytest.raises((TypeError, S2SError)):
            jvp(f, (1.3,), (1.0,))
