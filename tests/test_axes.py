"""Slices with bounds that are variables: where their lengths are equal, nothing is summed down.

Takes nothing, gives tests; requires `stored` and the public names.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad
from tests.stored import Cases

CASES = Cases(
    (np.random.default_rng(2).uniform(0.2, 1.0, (4, 4)) + 3.0 * np.eye(4), 0.6),
    (np.random.default_rng(3).standard_normal((4, 4)), 0.7),
)
followed = CASES.followed


@followed
def eliminated(a, k):
    """Gauss elimination by what is left of the matrix."""
    b = a * k
    for i in range(len(b) - 1):
        b[i + 1 :, i] /= b[i, i]
        b[i + 1 :, i + 1 :] -= np.outer(b[i + 1 :, i], b[i, i + 1 :])
    return np.sum(b * a)


@followed
def parts_of_rows(a, k):
    b = a.copy()
    for i in range(1, len(b)):
        b[i, :i] = b[i - 1, :i] * k + np.sin(b[i, :i]) * a[0, :i]
        b[:, i:] += (b[i:, :].T @ b[i:, i:]) * 0.1
    return np.sum(b * b)


@followed
def of_one_item(a, k):
    """A part of one item beside longer ones is still summed down."""
    b, c = a[0] * k, a[1, :1] * k
    for i in range(2):
        b[i:] += c[:1] * b[i:]
        b[i : i + 2] *= a[i, i : i + 1]
    return np.sum(b * b)


@followed
def first_items_of_two_arrays(a, k):
    b = np.outer(a[0], a[1])
    c = np.zeros((len(b) + 1, 3))
    for i in range(len(b)):
        c[: i + 1, 0] += k * (b[: i + 1] @ b[i])
    return np.sum(c * c)


@followed
def first_items_of_an_array_of_one(a, k):
    """One item is spread over several, which a bound does not tell."""
    b, c = a[0] * k, a[1, :1] * k
    for i in range(len(b)):
        b[: i + 1] = b[: i + 1] * 0.5 + k * np.sin(c[: i + 1])
    return np.sum(b * b)


@followed
def by_a_bound_that_may_be_negative(a, k):
    b, c = a[0] * k, np.concatenate([a[0], a[1]])
    for i in range(-4, len(b)):
        b[:i] = b[:i] * 0.5 + k * np.sin(c[: len(b[:i])])
    return np.sum(b * b)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_slices_by_variables(f):
    CASES.compare(f)
    CASES.compare_second(f)


def test_elimination_keeps_nothing_of_the_factors():
    transform = grad(eliminated)
    transform(*CASES.point)
    assert "_saved" not in transform.source
    assert "unbroadcast" not in transform.source


def test_first_items_of_arrays_are_not_summed_down():
    transform = grad(first_items_of_two_arrays)
    transform(*CASES.point)
    assert "unbroadcast" not in transform.source
    transform = grad(first_items_of_an_array_of_one)
    transform(*CASES.point)
    assert "unbroadcast" in transform.source
