"""Calls of functions that write into their arguments: differentiated where no other name sees it.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from tests.stored import Cases


def step(u, k):
    """Smooth the inner values in place."""
    u[1:-1] += k * (u[2:] - 2.0 * u[1:-1] + u[:-2]) * u[1:-1]


def limit(u, k):
    """Cut off in place; return how much was cut."""
    if k == 0.0:
        return 0.0
    over = np.sum(np.maximum(u - k, 0.0))
    u[:] = np.minimum(u, k)
    return over


def scaled(u, k):
    u *= k
    return u


def first_and_rest(u, k):
    u[0] = k
    return u[1:]


def clear(u):
    u[:2] = 0.0


def both(u, w, k):
    u += k * w
    w *= u
    return np.sum(u)


def through(u, k):
    step(u, k)
    step(u, 0.5 * k)


def again(u, k, n):
    u[0] *= k
    u[1] += u[0] * u[2]
    if n > 0:
        again(u, k, n - 1)


def put(items, x):
    items.append(x * x)
    items[0] = items[0] * x


def enter(table, x):
    table["a"] = x * table["b"]


def drift(u, k):
    ahead = u[1:]
    gain = np.sum(ahead * ahead)
    u *= k
    u += gain


def fail_late(u, k):
    u[0] = k * k
    if k > 0.0:
        raise ValueError("late")
    u[1] = 0.0


class Model:
    def __init__(self, rate):
        self.rate = rate

    def advance(self, u, k):
        u *= 1.0 + self.rate * k
        return u[0]


MODEL = Model(0.3)
CASES = Cases(
    (np.array([0.9, 0.4, 0.7, 0.3, 0.55]), 0.45), (np.array([0.3, -0.8, 0.5, 1.0, -0.2]), 0.7)
)
followed, seen = CASES.followed, CASES.seen


# -- what is differentiated


def scale_first(u, k):
    u[0] *= k
    return np.sum(u)


@seen
def row_handed_over_by_place(a, k):
    """What the call leaves has a name: a copy of that would be named too, and so on."""
    b = np.ones((3, 3))
    scale_first(b[0], np.tanh(k))
    c = a[:3].copy()
    for i in range(3):
        c[[2, 1]] *= np.cos(np.tanh(np.sum(c[1:] * c[:-1]) * (b @ c))[1:3])
    return np.sum(b * b) + np.sum(c * c)


@followed
def exchanged_at_each_step_and_stored_into_behind(a, k):
    u, v = a * 0.5, a + k
    for _ in range(3):
        u, v = v, u
        v[1:] = u[1:] * u[:-1]
    u[2] = k
    return np.sum(np.tanh(u)) + np.sum(v)


@followed
def once(u, k):
    u = u.copy()
    step(u, k)
    return np.sum(u * u)


@followed
def of_its_own_argument(u, k):
    step(u, k)
    return np.sum(u * u)


@followed
def in_a_loop(u, k):
    u = u.copy()
    total = 0.0
    for _ in range(3):
        step(u, k)
        total += np.sum(u * u)
    return total


@followed
def with_copies_kept(u, k):
    u = u.copy()
    kept = []
    for _ in range(3):
        kept.append(u.copy())
        step(u, k)
    return np.sum(kept[1] * kept[2]) + np.sum(u)


@followed
def with_a_value(u, k):
    u = u * 1.0
    over = limit(u, k)
    return over * over + np.sum(u * u)


@followed
def with_a_value_in_a_sum(u, k):
    u = u * 1.0
    over = 2.0 * limit(u, k) + k
    return over + np.sum(u * u)


@followed
def what_is_handed_back(u, k):
    u = u.copy()
    u = scaled(u, k)
    return np.sum(u * u)


@followed
def what_is_handed_back_under_a_name(u, k):
    u = u.copy()
    v = scaled(u, k)
    return np.sum(u * v)


@followed
def returned(u, k):
    w = u.copy()
    return limit(w, k)


@followed
def added(u, k):
    w = u.copy()
    total = k
    total += limit(w, k)
    return total * w[0]


@followed
def rows(u, k):
    a = np.outer(u, u)
    for i in range(len(u)):
        step(a[i], k)
    return np.sum(a * a)


@followed
def columns(u, k):
    a = np.outer(u, u)
    step(a[:, 1], k)
    step(a[1:, 2], k)
    return np.sum(a * a)


@followed
def two_at_once(u, k):
    a, b = u.copy(), u * u
    s = both(a, b, k)
    return s * np.sum(a * b)


@followed
def through_another(u, k):
    u = u.copy()
    through(u, k)
    return np.sum(u * u)


@followed
def by_itself(u, k):
    u = u.copy()
    again(u, k, 2)
    return np.sum(u * u)


@followed
def constants(u, k):
    u = u * k
    before = np.sum(u)
    clear(u)
    return before * np.sum(u)


@followed
def of_a_list(u, k):
    items = [k, 1.0]
    put(items, u[0])
    put(items, k)
    return items[0] * items[2] * items[3]


@followed
def of_a_dict(u, k):
    table = {"a": 0.0, "b": k}
    enter(table, u[1])
    return table["a"] * table["b"]


@followed
def of_a_value_in_a_dict(u, k):
    table = {"u": u.copy()}
    step(table["u"], k)
    return np.sum(table["u"] ** 2)


@followed
def of_an_item_of_a_list(u, k):
    grid = [u.copy(), u * k]
    step(grid[1], k)
    return np.sum(grid[0] * grid[1])


@followed
def of_a_method(u, k):
    u = u.copy()
    y = MODEL.advance(u, k)
    return y * np.sum(u)


@followed
def of_a_local_function(u, k):
    u = u.copy()

    def mix(w):
        w[1:] += k * w[:-1]

    mix(u)
    return np.sum(u * u)


@followed
def captured(u, k):
    u = u.copy()

    def mix():
        u[1:] += k * u[:-1]

    mix()
    mix()
    return np.sum(u * u)


@followed
def of_what_was_made_for_it(u, k):
    return limit(u * k, k) + limit(u.copy(), 0.5)


@followed
def in_a_branch(u, k):
    u = u.copy()
    if k > 0.1:
        step(u, k)
    else:
        clear(u)
    return np.sum(u * u)


@followed
def in_a_callee(u, k):
    return once(u, k) * k


@followed
def what_nobody_reads(u, k):
    w = u * k
    kept = w * w
    step(w, k)
    total = np.sum(kept * w)
    limit(w, k)
    w = u[1:] * k
    return total * np.sum(w)


@followed
def one_that_moves(u, k):
    u = u.copy()
    drift(u, k)
    return np.sum(u * u)


@followed
def under_a_manager(u, k):
    u = u.copy()
    with np.errstate(all="ignore"):
        step(u, k)
    return np.sum(u * u)


# -- what others see


@seen
def the_same_twice(u, k):
    a = u.copy()
    both(a, a, k)
    return np.sum(a)


@seen
def parts_of_one(u, k):
    a = np.outer(u, u)
    both(a[0], a[1], k)
    return np.sum(a)


@seen
def a_whole_and_its_part(u, k):
    a = u.copy()
    both(a, a[::-1], k)
    return np.sum(a)


@seen
def another_name(u, k):
    a = u.copy()
    b = a
    step(a, k)
    return np.sum(a * b)


@seen
def a_view(u, k):
    a = u.copy()
    b = a[1:]
    step(a, k)
    return np.sum(b * b)


@seen
def a_view_written_into(u, k):
    a = u.copy()
    b = a[1:]
    step(b, k)
    return np.sum(a * a)


@seen
def kept_in_a_list(u, k):
    a = u.copy()
    kept = []
    for _ in range(3):
        kept.append(a)
        step(a, k)
    return np.sum(kept[0] * kept[1])


@seen
def one_item_twice(u, k):
    grid = [u.copy()] * 2
    step(grid[1], k)
    return np.sum(grid[0] * grid[0])


@seen
def what_shares_with_it_is_returned(u, k):
    a = u.copy()
    rest = first_and_rest(a, k)
    step(a, k)
    return np.sum(rest * rest)


@seen
def handed_back_and_changed(u, k):
    a = u.copy()
    b = scaled(a, k)
    b[0] = k
    return np.sum(a * a)


@seen
def left_half_way(u, k):
    a = u.copy()
    try:
        fail_late(a, k)
    except ValueError:
        pass
    return np.sum(a * a)


@seen
def left_half_way_with_a_manager(u, k):
    a = u.copy()
    with contextlib.suppress(ValueError):
        fail_late(a, k)
    return np.sum(a * a)


@seen
def read_before(u, k):
    a = u.copy()
    return a[0] * limit(a, k) + a[0]


@seen
def added_to_what_it_changes(u, k):
    a = u.copy()
    a[0] += limit(a, k)
    return np.sum(a * a)


@seen
def a_loop_of_views(u, k):
    a = np.outer(u, u)
    for row in a:
        step(row, k)
    return np.sum(a * a)


@seen
def in_a_comprehension(u, k):
    a = u.copy()
    found = [limit(a, k * c) for c in (1.0, 0.5)]
    return found[1] * np.sum(a)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_refused_or_right_where_others_see_it(f):
    CASES.compare_unless_refused(f)


@pytest.mark.parametrize("f", [once, in_a_loop, with_a_value, through_another])
def test_second_order(f):
    CASES.compare_second(f)
