"""Functions of NumPy that put their result into an array: `out=`, `copyto`, `fill`, `sort`.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.stored import drawn

CASES = drawn(4)
followed, seen = CASES.followed, CASES.seen


@followed
def results_in_turn(a, k):
    b = np.empty_like(a)
    np.multiply(a, k, out=b)
    np.exp(b, b)
    b = np.add(b, a, out=b)
    return np.sum(b * b * k)


@followed
def into_parts(a, k):
    b = np.zeros((4, 5))
    for i in range(3):
        np.multiply(a[i], a[i] * k, out=b[i + 1, 1:])
        np.add(b[i, :-1], b[i + 1, 1:], out=b[i + 1, :-1])
    return np.sum(b * b)


@followed
def into_itself_shifted(a, k):
    b = a * k
    np.multiply(b[1:], b[:-1], out=b[1:])
    np.subtract(b[:, :-1], b[:, 1:], out=b[:, 1:])
    return np.sum(b * b * b)


@followed
def products_and_sums(a, k):
    b, c, d = np.empty((3, 3)), np.empty(3), np.empty(4)
    np.dot(a, a.T, out=b)
    np.matmul(b, a[:, 1] * k, out=c)
    np.sum(a * c[:, None], axis=0, out=d)
    np.cumsum(d, out=d)
    np.clip(d, 0.5, 4.0, out=d)
    return np.sum(d * d)


@followed
def value_and_place(a, k):
    b = np.empty_like(a)
    c = np.sin(a * k, out=b)
    return np.sum(b * c)


@followed
def returned_place(a, k):
    return np.sum(scaled(a, k) * a)


def scaled(a, k):
    b = np.empty_like(a)
    return np.multiply(a, k * k, out=b)


@followed
def by_a_callee(a, k):
    b = a.copy()
    for _ in range(3):
        step(b, k)
    return np.sum(b * a)


def step(b, k):
    np.multiply(b, k, out=b)
    np.copyto(b[1:], b[:-1] * b[1:])


@followed
def only_where(a, k):
    b = np.ones_like(a)
    np.divide(k, a - 0.5, out=b, where=a > 0.6)
    np.copyto(b, a * k, where=b < 0.0)
    return np.sum(b * a)


@followed
def copied_and_spread(a, k):
    b = np.empty_like(a)
    np.copyto(b, a[1] * k)
    np.copyto(src=k, dst=b[:, 0])
    return np.sum(b * b * a)


@followed
def filled(a, k):
    b = a * a
    s = np.sum(b * b)
    b.fill(k)
    b[0].fill(a[0, 1])
    return np.sum(b * b * a) * s


@followed
def filled_by_a_callee(a, k):
    b, c = a * k, a[0] * k
    in_order(b, c, k)
    return np.sum(b * c)


def in_order(b, c, k):
    b[0].fill(k)
    c.sort()


@followed
def diagonals(a, k):
    b = a @ a.T
    np.fill_diagonal(b, k * a[0, 0])
    return np.sum(b @ b)


@followed
def sorted_in_place(a, k):
    b = a[1] * k
    b.sort()
    c = a * 1.0
    c.sort(axis=0)
    return np.sum(b * np.arange(4.0) * c[1])


@followed
def taken_away_at(a, k):
    b = np.ones(4) * k
    np.subtract.at(b, [0, 1, 1], a[:, 1] * k)
    return np.sum(b * b * b)


@followed
def in_turn(a, k):
    u, v = a.copy(), a.copy()
    for _ in range(4):
        np.multiply(u[:-1], u[1:], out=v[1:])
        v[0] = k * u[0]
        u, v = v, u
    return np.sum(u * u) + np.sum(v)


@followed
def three_in_turn(a, k):
    u, v, w = a * k, a * 1.0, np.zeros_like(a)
    for _ in range(4):
        w[1:] = 2.0 * v[1:] - u[1:] * v[:-1]
        w[0, 0] = k
        u, v, w = v, w, u
    return np.sum(w * v)


@followed
def copied_whole(a, k):
    b = a[0] * k
    c = b[...].copy()
    b[1:] = a[0, 1]
    return np.sum(b) * np.sum(c * c)


@followed
def filled_behind_other_stores(a, k):
    b = a @ a.T
    np.fill_diagonal(b, k)
    b *= b * k
    b[:, :] = np.sin(k)
    return np.sum(b * b)


@seen
def into_what_an_index_picks(a, k):
    b, places = np.ones(4), np.array([0, 2, 1])
    np.multiply(a[:, 0], k, out=b[places])
    return np.sum(b * a)


@seen
def another_name(a, k):
    b = a * k
    c = b
    np.add(b, a, out=b)
    return np.sum(c * a)


@seen
def exchanged_but_held(a, k):
    u, v = a.copy(), a * k
    held = u
    for _ in range(3):
        v[1:] = u[:-1] * k
        u, v = v, u
    return np.sum(held * u)


@seen
def twice_the_same(a, k):
    u, v = a.copy(), a * k
    for _ in range(3):
        v[1:] = u[:-1] * k
        u, v = v, v
        u[0] = k
    return np.sum(v * u)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_what_is_put_into_an_array_is_differentiated(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_second_derivatives(f):
    CASES.compare_second(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_what_others_see_is_right_or_refused(f):
    CASES.compare_unless_refused(f)
