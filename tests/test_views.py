"""Views of arrays that are stored into: what is stored through one name is read through the other.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, vjp
from tests.stored import drawn

CASES = drawn(8)
followed, seen = CASES.followed, CASES.seen


@followed
def orthonormal_rows(a, k):
    """Classical Gram and Schmidt, row by row."""
    q = a.copy()
    for i in range(len(q)):
        row = q[i]
        row[i] += k
        # take away what the rows above span
        c = q[:i] @ row
        row -= c @ q[:i]
        row *= 1.0 / np.sqrt(row @ row)
    return np.sum(q[1:] * a[:-1])


@followed
def stored_through_a_slice(a, k):
    b = a.copy()
    inner = b[1:-1, 1:]
    inner[0] = k * inner[0] * inner[0]
    inner += b[0, 1:]
    return np.sum(b * b)


@followed
def read_through_a_slice(a, k):
    b = a.copy()
    inner = b[1:]
    b[2] *= k
    b[1, 0] = k
    return np.sum(inner * inner) * inner[0, 0]


@followed
def column(a, k):
    b = a * k
    for j in range(b.shape[1]):
        col = b[:, j]
        col /= np.sum(np.abs(col))
    return np.sum(b * a)


@followed
def rows_of_a_loop(a, k):
    b = a.copy()
    for row in b:
        row[1:] += k * row[:-1]
    return np.sum(b * b)


@followed
def parts_of_rows_of_a_loop(a, k):
    b = a.copy()
    for i, row in enumerate(b):
        part = row[: i + 1]
        part *= k
        part += a[:, i] @ a[:, : i + 1]
    return np.sum(b * b)


def scale_rows(stack, k):
    for sheet in stack:
        for row in sheet:
            row[1:] = k * row[:-1] * row[1:]


@followed
def rows_of_rows_in_a_callee(a, k):
    b = a[:, :, None] * np.array([k, 1.0])
    scale_rows(b, k)
    scale_rows(b, 0.5)
    return np.sum(b * b)


def slide(u, k):
    rest = u[1:]
    last = rest[-1]
    last += k * u[0]
    rest *= k


@followed
def views_in_a_callee(a, k):
    b = a.copy()
    slide(b, k)
    return np.sum(b * b)


@followed
def exchanged_axes(a, k):
    b = a * a
    c = np.swapaxes(b, 0, 1)
    c[1] = k
    d = b.swapaxes(-1, -2)
    d[1:3] *= k
    e = np.moveaxis(b, 1, 0)
    e[:, 0] -= k * e[:, 1]
    f = b.transpose((1, 0))
    b[0] = k
    return np.sum(b * b * a) + np.sum(f**3)


@followed
def axes_of_one(a, k):
    b = a[0] * k
    c = np.expand_dims(b, 1)
    c[2, 0] = k
    d = np.atleast_2d(b)
    d[:, 1:] *= k
    e = np.expand_dims(b, axis=-2)
    b[0] = k * k
    return np.sum(c * d * e)


@followed
def axes_taken_away(a, k):
    b = np.zeros((3, 1, 4))
    c = b.squeeze(axis=1)
    c[:] = a * k
    d = np.squeeze(b)
    d[1] *= k
    b[0, 0] = k
    return np.sum(c * d * b[:, 0])


@followed
def rows_with_another_axis(a, k):
    b = a * k
    for i in range(len(b)):
        c = np.expand_dims(b[i], 0)
        c[0, i] = k * (i + 1)
        c *= k
    return np.sum(b * b * a)


@seen
def more_axes_exchanged(a, k):
    b = np.stack([a, a * k])
    c = np.moveaxis(b, 0, -1)
    c[0] = k
    return np.sum(b * b * a)


@seen
def an_axis_that_may_be_gone(a, k):
    b = a[:, : int(2.0 * k)] * k
    c = np.squeeze(b)
    c[1] = k
    return np.sum(b * b)


@seen
def copies_in_a_callee_are_copies(a, k):
    b = a.copy()
    shuffle(b, k)
    return np.sum(b * b)


def shuffle(u, k):
    part = u[[0, 2]]
    part *= k
    u[1] += part[1]
    u = u * k
    row = u[0]
    row += 1.0


@followed
def quotient_stored_into(a, k):
    b = a * k
    b = b / (1.0 + b)
    b[0] *= k
    b /= k + b * b
    b[1:] += k * b[:-1]
    return np.sum(b * b)


@followed
def views_read_in_a_loop_of_stores(a, k):
    b = a * k
    for i in range(3):
        b[:-1] *= np.cos(np.sum(b.T)) + k
        b[i] += np.tanh(b.ravel()[1:5])
    return np.sum(b * b)


@followed
def number_worked_out_for_a_callee(a, k):
    b = a.copy()
    slide(b, np.sin(b[0, 1]) * k)
    return np.sum(b * b)


@followed
def array_bound_twice(a, k):
    b = a.copy()
    b = b * k
    row = b[1]
    row += k * b[0]
    b[0] *= row
    return np.sum(b * b)


@followed
def rows_with_their_numbers(a, k):
    b = np.zeros((3, 4))
    for i, row in enumerate(b):
        row[i] = k * a[i, 0]
        row += k
    return np.sum(b * b)


@followed
def two_views(a, k):
    b = a.copy()
    upper, lower = b[:2], b[1:]
    upper *= k
    lower += upper[0]
    return np.sum(b * b)


@followed
def reversed_and_strided(a, k):
    b = a[0].copy()
    back = b[::-1]
    even = b[::2]
    even *= k
    back[0] = back[1] * k
    return np.sum(b * b) + back[0]


@followed
def a_view_of_a_view(a, k):
    b = a.copy()
    rest = b[1:]
    last = rest[-1]
    last *= k
    rest[0, 0] = last[1] * k
    return np.sum(b * b)


@followed
def with_new_axes(a, k):
    b = a[0].copy()
    wide = b[None, :]
    wide[0, 1] = k * b[0]
    wide += k
    return np.sum(b * b)


@followed
def gathered_from_a_view(a, k):
    b = np.stack([a, 2.0 * a])
    part = b[1]
    part *= k
    places = np.array([2, 0, 0])
    picked = part[:, places]
    part[0] = k
    return np.sum(picked[:, 0] * picked[:, 2]) + np.sum(part[:, places] * a[:, :3])


@followed
def another_name(a, k):
    b = a * k
    c = b
    c += k
    d = np.asarray(b)
    d[0] *= c[1]
    return np.sum(b * c * d)


@followed
def transposed(a, k):
    b = a * k
    t = b.T
    t[1] = k
    t[2:, 0] *= b[0, 0]
    t *= np.arange(3.0)
    t += a.T
    t -= np.ones(3) * k
    return np.sum(b * b) + np.sum(t[0] * b[:, 1]) + t[3, 2]


@followed
def transposed_by_a_function(a, k):
    b = a * 1.0
    t = np.transpose(b)
    b[1] = k * b[0]
    s = b.transpose()
    s[:, 2] = t[:, 1] * k
    return np.sum(t * s)


@followed
def stored_into_a_transpose(a, k):
    b = np.zeros((4, 3))
    b.T[:, 1:] = a[:, 1:] * k
    b.T[0] += k
    return np.sum(b * b)


@followed
def a_view_of_what_is_made_for_it(a, k):
    b = np.zeros(12).reshape(3, 4)
    b[0] = a[0] * k
    c = np.outer(a[0], a[1]).T
    c[1] *= k
    d = np.squeeze(np.exp(a * k))
    d[2] = c[1]
    e = np.sort(a[0] * k)[::-1]
    e[0] = d[2, 1]
    return np.sum(b) * np.sum(c * c) * np.sum(d * d) * np.sum(e)


@followed
def another_shape_of_what_is_read_no_more(a, k):
    b = np.exp(a * k)
    b = b.reshape(2, 6)
    b[0] *= k
    c = b.ravel()
    c[3] = k
    return np.sum(c * c)


@followed
def results_of_one_call(a, k):
    across, down = np.meshgrid(a[0], a[1] * k)
    across[1] *= k
    values, vectors = np.linalg.eigh(a @ a.T)
    values[0] = k * values[1]
    return np.sum(across * down) * np.sum(values)


@followed
def turned_round_in_an_operator(a, k):
    """The step of Durbin's recursion."""
    y = a[0] * k
    for j in range(2, 5):
        y[:j] += k * np.flip(y[:j]) * np.dot(np.flip(a[1, :j]), y[:j])
    return np.sum(y * y)


@followed
def rows_side_by_side(a, k):
    b, c = np.zeros((3, 4)), a.copy()
    for old, new, other in zip(a, b, c):
        new[:] = old * old * k
        other[1:] += new[:-1]
    return np.sum(b * c)


@followed
def rows_of_the_shorter(a, k):
    b = np.ones((2, 4))
    for new, old in zip(b, a):
        new *= 2.0
    for new, old in zip(b, a):
        new *= old * k
    return np.sum(b * b)


@followed
def one_name_for_several_rows(a, k):
    b = a.copy()
    row = b[0]
    row *= k
    row = b[1]
    row += b[0]
    for row in b:
        row[0] = row[1] * k
    return np.sum(b * b)


@seen
def the_last_row(a, k):
    b = a.copy()
    row = b[0]
    for i in range(3):
        row[0] += k
        row = b[i]
        row *= k
    return np.sum(b * b) + row[1]


@seen
def one_of_the_rows_before(a, k):
    b = a.copy()
    row = b[0]
    for i in range(3):
        if i > 1:
            row *= k
        row = b[i]
        row += k
    return np.sum(b * b)


@followed
def an_open_mesh(a, k):
    b = a * k
    b[np.ix_([0, 2], [1, 3])] *= a[0, 0]
    return np.sum(b * b)


@followed
def tiled(a, k):
    b = np.tile(a[0], (3, 1))
    b[1] += k
    return np.sum(b * b)


@seen
def two_shapes_of_one(a, k):
    b = np.exp(a * k)
    c = b.reshape(2, 6)
    c[0] *= k
    return np.sum(b * b)


@seen
def a_view_that_is_kept(a, k):
    b = np.exp(a[0] * k)
    c = b[None, :]
    c[0, 1] = k
    return np.sum(c * c) + np.sum(b)


@seen
def parts_of_what_is_split(a, k):
    b = a[0] * k
    left, right = np.split(b, 2)
    left *= right
    return np.sum(b * b)


@seen
def an_index_that_changes(a, k):
    b = a.copy()
    i = 0
    row = b[i]
    i = 1
    row *= k
    b[i] += row
    return np.sum(b * b)


@seen
def of_the_step_before(a, k):
    b = a.copy()
    row = b[0]
    for i in range(1, 3):
        row += b[i]
        row = b[i]
        row *= k
    return np.sum(b * b)


@seen
def one_of_two(a, k):
    b = a.copy()
    row = b[0] if k > 0.0 else b[1]
    row *= k
    return np.sum(b * b)


@seen
def in_a_branch(a, k):
    b = a.copy()
    if k > 0.0:
        row = b[0]
    else:
        row = b[1]
    row *= k
    return np.sum(b * b)


@seen
def of_an_array_bound_anew(a, k):
    b = a.copy()
    row = b[0]
    b = b * k
    row *= k
    return np.sum(b * b) + np.sum(row)


@seen
def by_a_list_of_places(a, k):
    b = a.copy()
    some = b[[0, 2]]
    some *= k
    return np.sum(b * b) + np.sum(some)


@seen
def by_a_mask(a, k):
    b = a.copy()
    some = b[b > 0.5]
    some *= k
    b[0] = k
    return np.sum(b * b) + np.sum(some)


@seen
def read_later(a, k):
    b = a.copy()
    row = b[0]
    f = lambda: np.sum(row)
    row *= k
    return f() * np.sum(b)


@seen
def a_transpose_with_its_array(a, k):
    b = a.copy()
    t = b.T
    t[0] = k * t[1]
    return np.sum(b * b)


@seen
def reshaped(a, k):
    b = a.copy()
    flat = b.reshape(-1)
    flat[1] = k * flat[0]
    return np.sum(b * b)


@seen
def an_item_is_no_view(a, k):
    b = a[0].copy()
    x = b[0]
    x *= k
    b[0] = x * x
    return np.sum(b) * x


@seen
def in_a_list(a, k):
    b = a.copy()
    parts = [b[0], b[1:]]
    for part in parts:
        part *= k
    return np.sum(b * b)


@seen
def used_in_the_next_step(a, k):
    b = a.copy()
    for i in range(3):
        if i > 0:
            b[i] += row  # noqa: F821
        row = b[i]
        row *= k
    return np.sum(b * b)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_refused_or_right_where_others_see_it(f):
    CASES.compare_unless_refused(f)


@pytest.mark.parametrize(
    "f", [orthonormal_rows, rows_of_a_loop, two_views, another_name, transposed]
)
def test_second_order(f):
    CASES.compare_second(f)


def test_an_argument_whose_view_is_read_is_not_changed():
    """The view had a name of its own, which made the operator change the caller's array."""

    def f(x, v, a):
        v[::1] = a.T[1]
        a -= 0.2
        return x * x

    x, v, a = 1.3, np.ones(2), np.ones((2, 2))
    assert grad(f)(x, v, a) == pytest.approx(2.6)
    for mode in (lambda: grad(f, ("x", "v", "a"))(x, v, a), lambda: vjp(f, x, v, a)[1](1.0)):
        mode()
        assert np.all(a == 1.0) and np.all(v == 1.0)
