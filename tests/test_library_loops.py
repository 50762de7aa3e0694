"""Functions of NumPy that call functions of the user: `piecewise`, `vectorize`, `apply_along_axis`.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad
from s2s_ad.errors import S2SError
from tests.stored import drawn

CASES = drawn(14, least=-1.0)
followed, seen = CASES.followed, CASES.seen


def bent(t):
    return t * t if t > 0.1 else -3.0 * t


def both(t, u):
    return np.sin(t) * u if t > 0.1 else t + u * u


def pair(t):
    return t * t, np.cos(t)


def around_mean(v):
    return v - np.mean(v)


def scaled(v, factor, power=2):
    return factor * v**power


@followed
def by_sign(a, k):
    return np.sum(np.piecewise(a, [a < 0.0, a >= 0.0], [lambda t: -t * k, lambda t: t**3]))


@followed
def the_last_condition_counts(a, k):
    y = np.piecewise(a, [a < 0.3, a > -0.2], [lambda t: t * k, np.exp])
    return np.sum(y * a)


@followed
def numbers_and_what_is_left(a, k):
    masks = a < -0.5
    y = np.piecewise(a, [masks, (a > 0.2) & (a < 0.7)], [0.0, k * k, lambda t: t / k])
    return np.sum(y * y * a)


@followed
def of_all_entries_at_once(a, k):
    y = np.piecewise(a, [a < 0.0, a > 5.0], [around_mean, lambda t: t / t.max(), np.cumsum])
    return np.sum(y * a) * k


@followed
def more_arguments(a, k):
    y = np.piecewise(a, [a > 0.0], [scaled, lambda v, c, power: c - v * power], k, power=3)
    return np.sum(y)


@followed
def local_functions(a, k):
    def low(t):
        return t * k

    shift = k * k
    return sum(np.sum(np.piecewise(row, row < shift, [low, np.sin])) for row in a)


@followed
def pieces_that_change_afterwards(a, k):
    b = a * k
    mask = b < 0.0
    y = np.piecewise(b, [mask], [lambda t: t * t, np.sin])
    b[0] = 0.0
    mask[1] = True
    y[mask] *= b[mask] + k
    return np.sum(y)


@followed
def entry_by_entry(a, k):
    return np.sum(np.vectorize(bent)(a * k) * a)


@followed
def entries_side_by_side(a, k):
    f = np.vectorize(both)
    return np.sum(f(a, k)) + np.sum(f(a, 2.0 * a) * a)


@followed
def entries_of_a_vector(a, k):
    shift = k * k
    f = np.vectorize(lambda t: t * k + shift if t > 0.0 else shift)
    return np.sum(f(a[0])) * np.sum(f(a[1]))


@followed
def several_results(a, k):
    s, c = np.vectorize(pair)(a * k)
    return np.sum(s * c)


as_array = np.vectorize(bent, otypes=[float])


@np.vectorize
def decorated(t, u):
    return t * u * u


@followed
def made_outside(a, k):
    return np.sum(as_array(a) * decorated(a, k)) + as_array(k)


@followed
def whole_numbers_among_results(a, k):
    f = np.vectorize(lambda t: 0 if t < 0.1 else t * k, otypes=[float])
    return np.sum(f(a) * a)


@followed
def along_rows(a, k):
    return np.sum(np.apply_along_axis(around_mean, 1, a * a) ** 2) * k


@followed
def along_columns(a, k):
    return np.sum(np.apply_along_axis(scaled, 0, a, k, power=3) * a)


@followed
def numbers_of_rows(a, k):
    return np.sum(np.apply_along_axis(lambda v: v @ v * k, 1, a) * a[:, 0])


@followed
def numbers_of_columns(a, k):
    return np.sum(np.apply_along_axis(np.linalg.norm, -2, a, ord=3) * a[0]) * k


@followed
def along_an_axis_of_three(a, k):
    b = np.stack([a, a * k])
    y = np.apply_along_axis(np.cumsum, 1, b) * np.apply_along_axis(np.sum, 0, b)
    return np.sum(y * np.apply_along_axis(around_mean, -1, b))


@followed
def of_a_vector(a, k):
    return np.sum(np.apply_along_axis(around_mean, 0, a[0]) ** 3) * k


@followed
def from_items(a, k):
    b = np.fromiter((t * k for t in a[0]), float)
    return b @ b


@seen
def whole_if_the_first_is(a, k):
    """All results are rounded here: the first one is no float."""
    return np.sum(np.vectorize(lambda t: 0 if t > -9.0 else t * k)(a)) * k


@seen
def of_a_number(a, k):
    return np.piecewise(k, [k < 0.0, k >= 0.0], [lambda t: -t, lambda t: t * t]) * np.sum(a)


@seen
def masks_of_truths(a, k):
    """A list of truths is one mask."""
    return np.sum(np.piecewise(a[0, :2], [k > 0.0, k > 1.0], [lambda t: t * t, np.sin]))


@seen
def stores_in_what_is_called(a, k):
    b = a * k

    def change(v):
        b[0] = v[0]
        return v * v

    return np.sum(np.apply_along_axis(change, 1, a)) * np.sum(b)


@seen
def another_function_later(a, k):
    f = np.vectorize(lambda t: t * k)
    y = f(a)
    k = 2.0 * k
    return np.sum(y * f(a))


@seen
def with_a_signature(a, k):
    return np.sum(np.vectorize(lambda v: v @ v, signature="(n)->()")(a)) * k


@seen
def pieces_of_whole_numbers(a, k):
    return np.sum(np.piecewise(np.arange(4), [np.arange(4) > 1], [lambda t: t * k, k]) * a)


@followed
def arrays_without_axes(a, k):
    made = np.vectorize(both)
    return made(np.asarray(a[0, 0]), np.asarray(k)) * np.sum(made(a, np.asarray(k)))


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_what_numpy_would_call_is_differentiated(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_second_derivatives(f):
    CASES.compare_second(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_what_is_not_proved_is_right_or_refused(f):
    CASES.compare_unless_refused(f)


def test_what_cannot_be_written_out_is_refused_where_it_is_called():
    signed = np.vectorize(lambda v: v @ v, signature="(n)->()")
    made = np.frompyfunc(bent, 1, 1)
    for f in (lambda a: np.sum(signed(a)), lambda a: np.sum(made(a))):
        with pytest.raises(S2SError) as refusal:
            grad(f)(np.ones((2, 3)))
        assert refusal.value.place is not None and "test_library_loops" in refusal.value.place.file
