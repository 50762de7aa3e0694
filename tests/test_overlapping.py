"""Stores of a part of an array into another part of it, which overlap or seem to.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.errors import S2SError
from tests.stored import drawn

CASES = drawn(8, (4, 4))
followed = CASES.followed


@followed
def made_symmetric(a, k):
    b = a * k
    for i in range(len(b)):
        b[i:, i] = b[i, i:]
        b[:, i] = b[i]
    return np.sum(b * b * a)


@followed
def upper_into_lower(a, k):
    b = a * k
    for i in range(len(b) - 1):
        b[i + 1 :, i] = b[i, i + 1 :]
    return np.sum(b * b * a)


@followed
def borders(a, k):
    b = a * k
    b[0] = b[1]
    b[:, -1] = b[:, -2]
    b[0, 1:] = b[1:, 2]
    b[1:-1, 3] = b[-1, :2]
    return np.sum(b * b * a)


@followed
def copied_first(a, k):
    b = a * k
    b[1] = b[::-1, 2]
    b[[0, 1, 3], 1] = b[3, 1:]
    b[:2] = b[:, 3]
    b[0] = np.flip(b[:, 2])
    b[:, 3] += b[2]
    b[2] = b[:, 3].copy()
    b[:, 3] = b[1] + k
    u = b[3]
    u[::2] = u[:2] - 1.0
    return np.sum(b * b * a)


@followed
def moved_along(a, k):
    u = a[0] * k
    u[1:] = u[:-1]
    u[::2] = u[1::2]
    u[:] = u[::-1]
    u[2:] = u[0]
    return np.sum(u * u * a[1])


def column_from_row(a, k):
    b = a * k
    b[:, 3] = b[2]
    return np.sum(b * b * a)


def row_from_column(a, k):
    b = a * k
    column = b[:, 3]
    b[2] = column
    return np.sum(b * b * a)


def every_other_item(a, k):
    u = a[0] * k
    u[::2] = u[:2]
    return np.sum(u * u * a[1])


def some_items(a, k):
    u = a[0] * k
    u[a[1] > np.min(a[1])] = u[:3]
    return np.sum(u * u * a[1])


def by_copyto(a, k):
    b = a * k
    np.copyto(b[:, 3], b[2])
    return np.sum(b * b * a)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize(
    "f",
    [column_from_row, row_from_column, every_other_item, some_items, by_copyto],
    ids=lambda f: f.__name__,
)
def test_what_numpy_stores_item_by_item_is_refused(f):
    for derivative in (grad(f), lambda *args: jvp(f, args, CASES.along)):
        with pytest.raises(S2SError, match="item by item"):
            derivative(*CASES.point)
