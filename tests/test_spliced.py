"""Short functions that write into their arguments stand where they are called.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, value_and_grad
from tests.stored import Cases

CASES = Cases(
    (np.array([0.9, 0.4, 0.7, 0.3, 0.55]), 0.45), (np.array([0.3, -0.8, 0.5, 1.0, -0.2]), 0.7)
)
followed, seen = CASES.followed, CASES.seen
WEIGHT = 1.3
TABLE = np.array([0.2, 0.7, -0.4, 0.9, 0.1])


def smooth(u, k, times=1):
    """Its names are those of its callers too."""
    for i in range(times):
        total = u[2:] + u[:-2]
        u[1:-1] += k * (total - 2.0 * u[1:-1])


def shift(u, k):
    k += 1.0
    u += k * WEIGHT
    k = np.sin(k)
    u[0] = k


def blend(old, new, rate):
    inner = old[1:-1]
    new[1:-1] = inner + rate * (old[2:] * old[:-2] - inner)


def take(u, k):
    if k > 0.0:
        u[0] = u[0] * k
    else:
        u[0] = 0.0
    return np.sum(u)


def give_back(u, k):
    u *= k
    return u


def give_part(u, k):
    u *= k
    return u[1:]


def twice(u, k):
    smooth(u, k)
    shift(u, k * 0.5)


def by_parts(u, k):
    squares = [k * x for x in u]
    u[:] = np.array([x * x for x in squares])


def loose(u, k, n):
    for i in range(n):
        last = u[i] * k
    u[0] = last


def leaves_early(u, k):
    if k > 10.0:
        return
    u[0] *= k


def count_down(u, k, n):
    u[n] *= k
    if n > 0:
        count_down(u, k, n - 1)


@followed
def numbers_of_an_array_that_changes_later(u, k):
    u = u.copy()
    squares = [x * k for x in u]
    total = 0.0
    for x in u:
        total += x * x
    u[:] = np.array(squares) * total
    return np.sum(u * u)


@followed
def what_a_step_sums_is_stored_over_it(u, k):
    u = u.copy()
    for _ in range(2):
        u[True] = np.tanh(np.sum(u) * k)
    for _ in range(2):
        u[:] = np.tanh(np.sum(u) * k)
    return np.sum(u * u)


def scatter(u, k):
    np.add.at(u, [0, 2, 3, 3], u[:4] / k)
    u[1:3] -= u[:2]


@followed
def what_varies_by_one_statement_varies_in_the_next(u, k):
    w = np.ones(5)
    scatter(w, k)
    return np.sum(w * w) + np.sum(u)


@followed
def its_names_are_ours_too(u, k):
    total, i, times = np.sum(u), 3, 2.0
    smooth(u, k, times=2)
    return np.sum(u * u) * total * i * times


@followed
def a_number_is_bound_anew_there_alone(u, k):
    shift(u, k)
    return np.sum(u * u) * k


@followed
def what_is_global_there_is_ours_here(u, k):
    WEIGHT = 10.0 * k
    shift(u, k)
    return np.sum(u * u) * WEIGHT


def add_table(u, k):
    u += k * TABLE


@followed
def what_it_reads_of_globals_is_an_array(u, k):
    add_table(u, k)
    add_table(u, np.sin(k))
    return np.sum(u * u)


@followed
def from_buffer_to_buffer(u, k):
    v = np.zeros_like(u)
    for _ in range(3):
        blend(u, v, k)
        blend(v, u, 0.5 * k)
    return np.sum(u * u)


@followed
def of_what_it_changes(u, k):
    for _ in range(2):
        blend(u, u, k)
    return np.sum(u * u)


@followed
def its_value_is_read(u, k):
    found = take(u, k)
    return found * take(u, 2.0 * k) + np.sum(u * u)


@followed
def what_it_gives_back_is_its_argument(u, k):
    u = give_back(u, k)
    u = give_back(u, k)
    return np.sum(u * u)


@seen
def what_it_gives_back_has_two_names(u, k):
    v = give_back(u, k)
    v[0] = 0.0
    return np.sum(u * u) + np.sum(v)


@seen
def what_it_gives_back_is_a_part(u, k):
    v = give_part(u, k)
    u[1] = k
    return np.sum(v * v)


@followed
def it_calls_others_that_write(u, k):
    twice(u, k)
    return np.sum(u * u)


@followed
def it_binds_names_in_comprehensions(u, k):
    x = 2.0 * k
    by_parts(u, k)
    return np.sum(u) * x


@followed
def what_may_be_unbound_there(u, k):
    for n in (2, 1):
        loose(u, k, n)
    return np.sum(u * u)


@followed
def it_returns_early(u, k):
    leaves_early(u, k)
    return np.sum(u * u)


@followed
def it_calls_itself(u, k):
    count_down(u, k, 2)
    return np.sum(u * u)


@followed
def rows_of_a_matrix(u, k):
    a = np.outer(u, u)
    for i in range(3):
        smooth(a[i], k)
        blend(a[i], a[i + 1], k)
    return np.sum(a * a)


@followed
def in_a_while(u, k):
    n = 0
    while np.sum(u) > 0.5 and n < 3:
        smooth(u, k)
        u *= 0.8
        n += 1
    return np.sum(u * u)


@followed
def a_local_function(u, k):
    def grow(by):
        u[1:] *= by
        u[0] += k

    for i in range(2):
        grow(1.0 + k * i)
    return np.sum(u * u)


@followed
def many_calls(u, k):
    smooth(u, k)
    smooth(u, k)
    smooth(u, k)
    smooth(u, k)
    smooth(u, k)
    smooth(u, k)
    smooth(u, k)
    smooth(u, k)
    return np.sum(u * u)


@followed
def what_a_loop_leaves_is_not_seen_by_the_next_call(u, k):
    for i in range(3):
        smooth(u, k * i)
        shift(u, k)
    return np.sum(u * u)


def spread(u, b):
    if b > 5.0:
        return 0.0
    u[1:] = np.exp(np.sin(b))
    return np.dot(u, u)


@followed
def its_value_is_not_read_in_a_branch(u, k):
    w = u * k
    for i in range(2):
        if k < 0.4:
            w[0] = np.tanh(np.sum(w))
        else:
            spread(w, np.cos(0.25))
        w[: i + 1] += np.sin(k) * w[: i + 1]
    return np.sum(w * w)


def settle(u, k, i):
    u[i] += k
    over = u[i] - 0.8
    if over > 0.0:
        u[i] = 0.8 + k * np.tanh(over)
    return over


def both_ends(u, first, last):
    high = u[-1] * first
    low = u[0] * last
    u[0], u[-1] = high, low
    return low, high


@followed
def its_value_has_a_name_there(u, k):
    flow = k
    for i in range(5):
        over = settle(u, flow, i)
        flow = k * np.exp(over) + 0.1 * u[i]
    return np.sum(u * u) * flow


@followed
def its_values_have_the_names_of_its_arguments(u, k):
    a, b = k, 2.0 * k
    for _ in range(2):
        b, a = both_ends(u, a, b)
    return np.sum(u * u) * a + b


@followed
def its_value_is_read_by_what_is_given_to_it(u, k):
    over = k
    step = lambda: 0.1 * over  # noqa: E731
    over = settle(u, step(), 1)
    return np.sum(u * u) * step() + over


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_refused_or_right(f):
    CASES.compare_unless_refused(f)


SECOND = [from_buffer_to_buffer, it_calls_others_that_write, rows_of_a_matrix, its_value_is_read]


@pytest.mark.parametrize("f", SECOND, ids=lambda f: f.__name__)
def test_second_order(f):
    CASES.compare_second(f)


def test_it_stands_there_as_it_was_written():
    made = value_and_grad(from_buffer_to_buffer, "u")
    made(np.array([0.9, 0.4, 0.7, 0.3, 0.55]), 0.45)
    assert "        inner = u[1:-1]\n" in made.source
    assert "        v[1:-1] = inner + k * (u[2:] * u[:-2] - inner)\n" in made.source


def test_what_is_too_often_is_called():
    made = grad(many_calls, "u")
    made(np.array([0.9, 0.4, 0.7, 0.3, 0.55]), 0.45)
    assert "smooth_reverse" in made.source


def test_a_variable_of_a_call_before_is_not_there():
    def twice(u, k):
        loose(u, k, 1)
        loose(u, k, 0)
        return np.sum(u * u)

    with pytest.raises(UnboundLocalError):
        grad(twice, "u")(np.array([0.9, 0.4]), 0.45)


def test_what_it_returns_has_one_name():
    made = grad(its_value_has_a_name_there, "u")
    made(np.array([0.9, 0.4, 0.7, 0.3, 0.55]), 0.45)
    assert "        over = u[i] - 0.8\n" in made.source
    assert "over2" not in made.source
