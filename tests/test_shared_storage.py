"""Calls that give a view, their argument or new storage, or change what they are given."""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.errors import S2SError
from s2s_ad.rules.checking import slope

X = np.array([0.37, 0.81, -0.42, 0.66])
D = np.array([0.5, -1.2, 0.7, 1.1])


def pairs(x):
    table = np.add.outer(x, x * x)
    table[0] *= x
    return np.sum(table * table)


def mirrored(x):
    y = x * x
    for k in range(1, 4):
        alpha = x[k] * y[0]
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y * x)


def made(x):
    y = np.ndarray((4,), dtype=x.dtype)
    y[:] = x * x
    return np.sum(y * x)


def made_of_a_length(x):
    y = np.ndarray(len(x))
    for k in range(len(x)):
        y[k] = x[k] ** 3
    return np.sum(y * x)


@pytest.mark.parametrize("f", [pairs, mirrored, made, made_of_a_length])
def test_stores_beside_calls_that_give_values(f):
    want = slope(lambda t: f(X + t * D))
    assert jvp(f, (X,), (D,))[1] == pytest.approx(want, rel=1e-8)
    assert grad(f)(X) @ D == pytest.approx(want, rel=1e-8)


def checked(weights):
    weights = np.asarray(weights)
    if np.min(weights * weights) < 0.0:
        raise ValueError("negative")
    return weights


def of_a_parameter_that_is_returned(x):
    return np.sum(checked(x) ** 2)


def test_a_callee_that_binds_its_parameter_anew_and_returns_it():
    assert np.array_equal(grad(of_a_parameter_that_is_returned)(X), 2.0 * X)


def not_copied(x):
    z = x * 1.0
    y = np.array(z, copy=None)
    y[0] = 5.0
    return np.sum(z * x)


def on_given_storage(x):
    z = x * 1.0
    y = np.ndarray((4,), float, z)
    y[0] = 5.0
    return np.sum(z * x)


def filled_in_place(x):
    z = np.array([np.nan, 2.0, 3.0, 4.0])
    y = np.nan_to_num(z, False, 7.0)
    return np.sum(z * y * x)


def mended_in_place(x):
    z = x / x[0]
    np.nan_to_num(z, copy=False)
    return np.sum(z * x)


@pytest.mark.parametrize("f", [not_copied, on_given_storage, mended_in_place])
def test_storage_that_is_not_new_is_not_stored_into(f):
    with pytest.raises(S2SError):
        grad(f)(X)


def test_what_fills_its_argument_runs_once():
    assert np.array_equal(grad(filled_in_place)(X), [49.0, 4.0, 9.0, 16.0])


def diagonal_by_lists(x):
    z = np.outer(x, x)
    y = np.einsum(z, [0, 0], [0])
    y[0] = 5.0
    return np.sum(z * z)


def test_a_view_by_lists_of_axes_is_not_taken_for_new():
    with pytest.raises(S2SError):
        grad(diagonal_by_lists)(X)
