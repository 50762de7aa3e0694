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
        moved = [*args[:k], x + 1e-30j * along, *args[k + 1 :]]
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
    assert "out_item_bar = out_bar[:, i, j, :]\n" in text
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
