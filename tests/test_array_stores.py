"""Stores into places of an array by other means than an index, and loops over its places.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.stored import drawn

CASES = drawn(24)
followed, seen = CASES.followed, CASES.seen


@followed
def put_into_a_vector(a, k):
    b = a[0] * k
    np.put(b, [0, 2], [k, k * k])
    np.put(b, 3, a[1, 1])
    b.put(np.array([1, 1]), a[2, :2])
    return np.sum(b**3)


@followed
def put_into_a_matrix(a, k):
    b = a * a
    np.put(b, [0, 5, -1], a[0, :2] * k)
    np.put(b, np.arange(3) * 4, k)
    np.put(b, [7, 13], a[1, 1], mode="wrap")
    return np.sum(b * b * a)


@followed
def put_in_turn(a, k):
    b = a * k
    for i in range(4):
        np.put(b, [i, 5 + i], [k * i, a[0, i]])
    return np.sum(b * b)


@followed
def put_into_a_view(a, k):
    b = a * k
    c = b[1]
    np.put(c, [0, 2], k)
    np.putmask(b[0], b[0] > 0.3, k * k)
    return np.sum(b * b)


@followed
def under_masks(a, k):
    b = a * k
    np.place(b, a > 0.5, [k, 2.0 * k])
    np.place(b, a > 0.9, k * k)
    np.putmask(b, a < 0.4, a * k)
    np.putmask(b, b > 0.5, b[0] * b[1])
    np.putmask(b, a > 0.8, k)
    return np.sum(b * b * a)


@followed
def along_axes(a, k):
    b = a * k
    np.put_along_axis(b, np.argmax(a, axis=1)[:, None], k, axis=1)
    np.put_along_axis(b, np.array([[1, 1, 0, 2]]), a[:1] * k, axis=0)
    c = b[2] * k
    np.put_along_axis(c, np.array([3, 0]), a[0, :2], 0)
    return np.sum(b * b) * np.sum(c)


@followed
def one_after_the_other(a, k):
    b = a[0] * k
    np.multiply.at(b, [0, 2, 0], k)
    np.divide.at(b, np.array([1, 1, 3]), a[1, :3])
    np.maximum.at(b, [0, 1, 0], a[2, :3])
    np.power.at(b, [2, 2], 2.0)
    np.negative.at(b, [3, 3, 1])
    return np.sum(b**3)


@followed
def one_after_the_other_in_other_forms(a, k):
    b = a[0] * k
    np.multiply.at(b, b > 0.3, k)
    np.multiply.at(b, 1, k)
    np.multiply.at(b, np.array([0, 2, 0]), np.array([k]))
    return np.sum(b * b)


@followed
def numbered_through(a, k):
    b = a * k
    b.flat[3] = k
    b.flat[1::5] = k * a[0, 0]
    b.flat[[1, 7]] = [k, a[0, 0]]
    b.flat[2] += k
    b.flat[-3:] *= k
    b.flat[np.arange(12) > 9] = a[0, :2]
    return np.sum(b * b * a)


@followed
def all_of_it(a, k):
    b, c, d = np.empty_like(a), np.zeros((2, 2)), a.T * k
    b.flat = a[0] * k
    c.flat[:] = [k, a[0, 0], k, 1.0]
    d.flat[4:6] = [k, 2.0]
    d.flat[:] = d * k
    return np.sum(b * a) + np.sum(c @ c) + np.sum(d * a.T)


@followed
def read_through(a, k):
    total = a.flat[3] * a.flat[-1] + np.sum(a.T.flat[2:9:3] * k)
    for i, v in enumerate(a.flat):
        total += i * v * v * k
    return total + sum(u * v for u, v in zip(a.flat, a.T.flat)) * np.sum(list(a.flat))


@followed
def every_place(a, k):
    b, total = np.zeros_like(a), 0.0
    for idx, v in np.ndenumerate(a):
        b[idx] = v * v * k
    for (i, j), v in np.ndenumerate(b):
        if v < 0.1:
            continue
        b[i, j] = v * (i + j) * k
    for i, j in np.ndindex(*b.shape):
        if i > 1 and j > 2:
            break
        total += b[i, j] * b[j % 3, i]
    return total


@followed
def places_of_more_axes(a, k):
    b = np.zeros((2, 3, 4))
    for n, i, j in np.ndindex(b.shape):
        b[n, i, j] = a[i, j] ** (n + 1) * k
    for idx in np.ndindex(2, 3):
        b[idx] *= k
    return np.sum(b * b) + b[idx][0]


@followed
def places_given_other_values(a, k):
    total, n = 0.0, 3
    for i, j in np.ndindex(3, 4):
        total += a[i, j] * k
        i = 0
        total *= 1.0 + i + a[i, j]
    for i, j in np.ndindex(n, 4):
        n = 4
        total += a[i, j] * n
    return total


@seen
def read_and_kept(a, k):
    b = a * k
    c = b.flat[1:3]
    b[0] = 1.0
    return np.sum(c * c)


@seen
def changed_while_run_over(a, k):
    b, total = a * k, 0.0
    for v in b.flat:
        b[2, 3] += v * v
        total += v * total + v
    return total


@seen
def by_a_callee(a, k):
    b = a[0] * k
    put_two(b, k * k)
    return np.sum(b * b)


def put_two(b, k):
    np.put(b, [0, 2], k)
    np.multiply.at(b, [1, 1], k)


@seen
def whole_numbers(a, k):
    b = np.arange(4)
    np.put(b, [0, 2], k * 9.0)
    return np.sum(b * a[0])


@seen
def bound_anew_while_run_over(a, k):
    b, total = a * k, 0.0
    for (i, j), v in np.ndenumerate(b):
        b = b * 1.1
        total += v * b[i, j]
    return total


@seen
def rows_at(a, k):
    b = a * k
    np.multiply.at(b, [0, 2, 0], k)
    return np.sum(b * b)


@seen
def values_that_are_overwritten_meanwhile(a, k):
    b, c = a * k, a * k
    np.place(b, b > 0.2, b[0])
    c.flat[:] = c.T
    return np.sum(b * b * a) + np.sum(c * c * a)


@seen
def values_by_another_name_that_are_overwritten(a, k):
    b, c = a * k, a[0] * k
    v, w = b[0], c[1:]
    np.place(b, b > 0.2, v)
    np.multiply.at(c, [0, 1, 2], w)
    return np.sum(b * b * a) * np.sum(c)


@followed
def values_that_numpy_copies_first(a, k):
    b, c = a[0] * k, a * k
    v, w = b[::-1], c[::-1]
    np.put(b, [0, 1, 2, 3], v)
    np.putmask(c, a > 0.5, w)
    np.put_along_axis(c, np.array([[0, 1]] * 3), c[:, 2:], 1)
    return np.sum(b * c * a)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_what_is_put_somewhere_is_differentiated(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_second_derivatives(f):
    CASES.compare_second(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_what_others_see_is_right_or_refused(f):
    CASES.compare_unless_refused(f)
