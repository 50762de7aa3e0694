"""Windows of arrays in loops: what is kept of them, and how their adjoints are written.

Takes nothing, gives tests; requires nothing.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import value_and_grad
from s2s_ad.errors import S2SError

IMAGES = np.random.default_rng(3).uniform(0.2, 1.0, (2, 5, 6, 2))
FILTERS = np.random.default_rng(4).uniform(-1.0, 1.0, (3, 3, 2, 4))


def convolved(x, w):
    size = w.shape[0]
    out = np.empty((x.shape[0], x.shape[1] - size + 1, x.shape[2] - size + 1, w.shape[3]))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            window = x[:, i : i + size, j : j + size, :, np.newaxis]
            out[:, i, j, :] = np.sum(window * w[np.newaxis, :, :, :], axis=(1, 2, 3))
    return np.sum(np.sin(out))


def held_to_complex_steps(f, args, seed=0):
    made = value_and_grad(f, tuple(f.__code__.co_varnames[: len(args)]))
    value, gradient = made(*args)
    assert value == f(*args)
    draw = np.random.default_rng(seed)
    for k, (x, bar) in enumerate(zip(args, gradient)):
        along = draw.standard_normal(x.shape)
        moved = [y + (1e-30j * along if j == k else 0j) for j, y in enumerate(args)]
        assert np.sum(bar * along) == pytest.approx(
            np.imag(complex_of(f)(*moved)) * 1e30, rel=1e-10
        )
    return made.source


def complex_of(f):
    """Return the function with buffers that hold complex numbers."""

    class Buffers:
        def __getattr__(self, name):
            return getattr(np, name)

        @staticmethod
        def empty(shape):
            return np.empty(shape, complex)

        zeros = empty

    return type(f)(f.__code__, {**f.__globals__, "np": Buffers()})


def test_windows_are_taken_again() -> None:
    text = held_to_complex_steps(convolved, (IMAGES, FILTERS))
    assert "_saved" not in text
    assert "np.add.at" not in text
    assert "x_bar[:, i : i + size, j : j + size, :, np.newaxis] += " in text


def test_rows_that_are_read_once_are_not_cleared() -> None:
    text = held_to_complex_steps(convolved, (IMAGES, FILTERS))
    assert "np.array(out_bar" not in text
    assert "= 0.0" not in text


def rows_in_turn(x, w):
    out = np.zeros((4, 3))
    out[0] = x
    for t in range(3):
        out[t + 1] = np.sin(out[t]) * w + out[: t + 1, 0].sum()
    return np.sum(out * out)


def rows_twice(x, w):
    out = np.zeros((4, 3))
    for t in range(3):
        out[t] = x * w
        out[t, 1:] = out[t, :2] * x[1:]
        out[t + 1] = out[t] * w
    return np.sum(out * out)


def rows_under_other_names(x, w):
    out = np.zeros((4, 3))
    rows = []
    for t in range(4):
        out[t] = x * w * t
        rows.append(out[t])
        out[t] = np.sin(rows[t] * x)
    return np.sum(out * out) + np.sum(rows[1] * w)


def columns_and_rows(x, w):
    out = np.zeros((3, 3))
    for t in range(3):
        out[t, :] = x * (t + 1.0)
        out[:, t] = out[:, t] * w
    return np.sum(out * out)


ROWS = [rows_in_turn, rows_twice, rows_under_other_names, columns_and_rows]


@pytest.mark.parametrize("f", ROWS, ids=lambda f: f.__name__)
def test_rows_that_are_read_again(f) -> None:
    try:
        held_to_complex_steps(f, (np.array([0.3, 0.7, 0.5]), np.array([1.1, 0.4, 0.8])))
    except S2SError as refused:
        assert f is rows_under_other_names, refused


def swept_twice(x, w):
    d = np.empty((3, 4))
    for k in range(4):
        d[:, k] = x * (k + 1.0)
        d[:, k] = d[:, k] * np.sin(d[:, k]) * w
    total = x * 0.0
    for k in range(3, -1, -1):
        column = d[:, k]
        total += column * column * w
    return np.sum(total * total)


def a_part_that_is_returned(x, w):
    d = np.empty((3, 4))
    for k in range(4):
        d[:, k] = x * (k + 1.0)
        d[:, k] = d[:, k] * np.sin(d[:, k]) * w
    last = d[:, 3]
    d[:, 3] = d[:, 3] * last
    return np.sum(last * last)


def a_part_of_the_step_before(x, w):
    d = np.zeros((3, 4))
    column = d[:, 0]
    for k in range(1, 4):
        d[:, k] = np.sin(column * w + x)
        d[:, k] = d[:, k] * d[:, k] + column
        column = d[:, k]
    return np.sum(column * column) + np.sum(d * d)


def a_part_in_a_list(x, w):
    d = np.zeros((3, 4))
    columns = []
    for k in range(4):
        d[:, k] = x * (k + 1.0)
        d[:, k] = d[:, k] * np.sin(d[:, k]) * w
        column = d[:, k]
        columns.append(column)
    return sum([np.sum(c * c) for c in columns])


PARTS = [swept_twice, a_part_that_is_returned, a_part_of_the_step_before, a_part_in_a_list]


@pytest.mark.parametrize("f", PARTS, ids=lambda f: f.__name__)
def test_parts_under_other_names(f) -> None:
    try:
        text = held_to_complex_steps(f, (np.array([0.3, 0.7, 0.5]), np.array([1.1, 0.4, 0.8])))
    except S2SError as refused:
        assert f is not swept_twice, refused
        return
    if f is swept_twice:
        assert "d_item_saved.append(d[:, k].copy())" in text
        assert "d_saved" not in text


def typed_like_an_argument(x, w):
    d = np.empty((2, 3), dtype=x.dtype)
    d[0] = x * w
    d[1] = np.sin(d[0])
    d[0] = d[1] * d[0]
    return np.sum(d * d)


def test_the_dtype_of_an_array_is_known() -> None:
    made = value_and_grad(typed_like_an_argument, ("x", "w"))
    x, w, h = np.array([0.3, 0.7, 0.5]), np.array([1.1, 0.4, 0.8]), 1e-6
    _, (bar, _) = made(x, w)
    f = typed_like_an_argument
    steps = [(f(x + h * e, w) - f(x - h * e, w)) / (2.0 * h) for e in np.eye(3)]
    assert bar == pytest.approx(steps, rel=1e-8)
    assert "d_saved" not in made.source
    with pytest.raises(S2SError, match="whole numbers"):
        value_and_grad(stored_as_whole_numbers, "w")(np.array([1, 2, 3]), w)


def stored_as_whole_numbers(x, w):
    d = np.zeros(3, dtype=x.dtype)
    d[0] = w[0] * 2.0
    return np.sum(d * w)


def scaled_then_filled(x, w):
    c = np.outer(x, w)
    c *= w[0]
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            c[:i, j] += x[j] * w[i] * x[:i]
    return np.sum(np.cos(c))


def triangle_and_row(x, w):
    c = np.outer(x, w)
    for i in range(3):
        c[:i] += w * x[i]
        c[i] = c[i] * c[i] * w[1]
    return np.sum(c * c)


def row_that_is_read_and_stored(x, w):
    c = np.outer(x, w)
    for i in range(3):
        row = c[i]
        t = row * row
        c[i] = t * w
        c[i - 1] += t
    return np.sum(c * c)


def row_that_is_read_behind_the_store(x, w):
    c = np.outer(x, w)
    for i in range(3):
        row = c[i]
        c[i] = np.sin(row) * w
        c[i - 1] += row * row
    return np.sum(c * c)


STORED = [scaled_then_filled, triangle_and_row, row_that_is_read_and_stored]


@pytest.mark.parametrize("f", STORED, ids=lambda f: f.__name__)
def test_stores(f) -> None:
    text = held_to_complex_steps(f, (np.array([0.3, 0.7, 0.5]), np.array([1.1, 0.4, 0.8])))
    assert "c_saved.append" not in text
    assert "c[:i].copy()" not in text


def test_a_row_that_is_read_behind_a_store_into_it() -> None:
    args = np.array([0.3, 0.7, 0.5]), np.array([1.1, 0.4, 0.8])
    try:
        held_to_complex_steps(row_that_is_read_behind_the_store, args)
    except S2SError as refused:
        assert "other names may share" in str(refused)


def items_of_lists(x, w):
    rows = [np.outer(w, x), np.outer(w * w, x)]
    total = 0.0
    for i in range(2):
        a = np.sum(np.outer(x, w)[:, :, None] * rows[i], axis=(0, 1))
        b = np.sum(np.outer(x, w)[:, :, None] * rows[i], axis=1)
        total += np.sum(a * a) + np.sum(b * b)
    return total


def sums_over_several_axes(x, w):
    y = np.outer(x, w)[:, :, None] * (x * w)[None, None, :]
    a = np.sum(np.sin(y) * y, axis=(0, 2))
    b = np.mean(y * y, axis=(-1, 0))
    return np.sum(a * b) + np.sum(np.sum(y, axis=(1,)) ** 3)


@pytest.mark.parametrize("f", [items_of_lists, sums_over_several_axes], ids=lambda f: f.__name__)
def test_sums_over_axes(f) -> None:
    text = held_to_complex_steps(f, (np.array([0.3, 0.7, 0.5]), np.array([1.1, 0.4, 0.8])))
    assert "expand(" not in text


def test_no_product_is_made_for_its_shape() -> None:
    text = held_to_complex_steps(convolved, (IMAGES, FILTERS))
    assert "recomputed" not in text.replace("]  # recomputed", "")
    assert "expand" not in text
    assert "np.zeros((" not in text
