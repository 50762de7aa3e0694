"""The helpers that generated code may import: shapes, structure, and special functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import runtime


@pytest.mark.parametrize(
    "value, zero",
    [
        (1, 0.0),
        (2.5, 0.0),
        (None, 0.0),
        ((1.0, 2), [0.0, 0.0]),
        ({"a": [1.0]}, {"a": [0.0]}),
    ],
)
def test_zeros_like(value, zero):
    assert runtime.zeros_like(value) == zero


def test_zeros_like_of_arrays():
    assert runtime.zeros_like(np.array([1, 2])).dtype == float
    assert runtime.zeros_like(np.zeros(2, np.float32)).dtype == np.float32
    assert runtime.zeros_like(np.zeros((2, 0))).shape == (2, 0)


def test_add():
    a = np.ones(2)
    total = runtime.add(a, 1.0)
    assert total is not a and np.array_equal(total, [2.0, 2.0]) and np.array_equal(a, [1.0, 1.0])
    assert runtime.add([1.0, [2.0]], 0.0) == [1.0, [2.0]]
    assert runtime.add(0, (1.0,)) == [1.0]
    assert runtime.add({"a": 1.0}, {"b": 2.0, "a": 3.0}) == {"a": 4.0, "b": 2.0}
    with pytest.raises(ValueError, match="2 and 1 items"):
        runtime.add([1.0, 2.0], [1.0])


@pytest.mark.parametrize("shape", [(), (3,), (1,), (2, 1), (2, 3), (1, 3), (1, 1), (4, 2, 3)])
def test_unbroadcast_undoes_broadcasting(shape):
    like = np.ones(shape)
    full = np.broadcast_shapes(shape, (2, 3))
    got = runtime.unbroadcast(np.ones(full), like)
    assert got.shape == shape and got.sum() == math.prod(full)


def test_unbroadcast_of_numbers_and_lists():
    assert type(runtime.unbroadcast(np.ones(3), 1.0)) is float
    assert runtime.unbroadcast(2.0, 5.0) == 2.0
    assert runtime.unbroadcast(np.ones((2, 3)), [0.0, 0.0, 0.0]) == [2.0, 2.0, 2.0]
    assert runtime.unbroadcast([np.ones(2), 1.0], [1.0, 2.0]) == [2.0, 1.0]
    with pytest.raises(ValueError, match="1 items for a value of 2"):
        runtime.unbroadcast([1.0], [1.0, 2.0])


def test_results_are_no_views():
    g = np.ones(3)
    for got in (runtime.expand(1.0, g), runtime.unstack(np.ones((2, 2)))[0]):
        got += 1.0
    parts = runtime.split_like(g, [g[:1], g[1:]])
    parts[0] += 1.0
    assert np.array_equal(g, np.ones(3))


def test_scatter():
    x = np.zeros((2, 3))
    twice = runtime.scatter(np.ones(3), x[0], np.array([0, 0, 2]))
    assert np.array_equal(twice, [2.0, 0.0, 1.0])
    assert np.array_equal(runtime.scatter(1.0, x, (0, 1))[0], [0.0, 1.0, 0.0])
    assert runtime.scatter(1.0, {"a": 2.0, "b": 1.0}, "b") == {"a": 0.0, "b": 1.0}
    assert runtime.scatter(np.ones(1), 2.0, None) == 1.0
    with pytest.raises(TypeError):
        runtime.scatter(1.0, None, 0)
    with pytest.raises(ValueError):
        runtime.scatter(np.ones((5, 3)), x[0], np.array([0, 1, 2]))


@pytest.fixture
def special():
    """What SciPy has, which the smoke tests do without."""
    return pytest.importorskip("scipy.special")


@pytest.mark.parametrize("n", range(5))
def test_polygamma(n, special):
    x = np.array([0.1, 0.5, 1.0, 2.3, 7.0, 15.2, 40.0, 1e5])
    assert runtime.polygamma(n, x) == pytest.approx(special.polygamma(n, x), rel=1e-12)
    assert runtime.polygamma(n, 2.5) == pytest.approx(float(special.polygamma(n, 2.5)))


@pytest.mark.parametrize("x", [-0.5, -3.3, -20.7])
def test_digamma_of_negative_numbers(x, special):
    assert runtime.digamma(x) == pytest.approx(special.digamma(x), rel=1e-12)
    # the reflection of the derivatives: differences of the function one order below
    for n in range(3):
        h = 1e-5
        slope = (runtime.polygamma(n, x + h) - runtime.polygamma(n, x - h)) / (2 * h)
        assert runtime.polygamma(n + 1, x) == pytest.approx(slope, rel=1e-6)


def test_polygamma_at_poles():
    assert math.isnan(runtime.digamma(0.0)) and math.isnan(runtime.polygamma(1, -2.0))


@pytest.mark.parametrize("n", range(3))
def test_bessel_i(n, special):
    x = np.array([0.3, 1.0, 5.0, 50.0, 300.0, 700.0])
    assert runtime.bessel_i(n, x) == pytest.approx(special.iv(n, x), rel=1e-11)
    assert runtime.bessel_i(1, 1e-8) == pytest.approx(0.5e-8, rel=1e-9)


def test_sinc_slope():
    x = np.array([-3.2, -1.6, -0.3, -1e-5, 0.0, 1e-3, 0.999, 1.01, 1.5, 2.2, 5.5, 100.3])
    assert np.allclose(runtime.sinc_slope(0, x), np.sinc(x), atol=1e-15)
    h = 1e-5
    for n in range(4):
        slope = (runtime.sinc_slope(n, x + h) - runtime.sinc_slope(n, x - h)) / (2 * h)
        assert np.allclose(runtime.sinc_slope(n + 1, x), slope, atol=1e-7)


def test_no_warnings_where_zero_wins():
    with np.errstate(all="raise"):
        assert runtime.quotient(0.0, 0.0) == 0.0
        assert runtime.quotient(0.0, math.nan) == 0.0
        assert runtime.divide_or_zero(1.0, 0.0) == 0.0
        assert runtime.absorb(0.0, math.inf) == 0.0
        assert runtime.power_slope(0.0, 0.5, 0.0) == 0.0
        assert runtime.log_or_zero(0.0) == 0.0
        assert math.isinf(runtime.power_slope(0.0, 0.5, 1.0))
