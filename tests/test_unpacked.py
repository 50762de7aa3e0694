"""The seed of a callee that returns several values: its items are taken apart once."""

from __future__ import annotations

import math

import numpy as np

from s2s_ad import value_and_grad
from s2s_ad.testing import check_grads


def rates(v):
    up = 0.1 * math.exp(-v / 10.0)
    down = 4.0 / (1.0 + math.exp(-v))
    return up, down


def relaxed(v, gate):
    up, down = rates(v)
    return gate + up * (1.0 - gate) - down * gate


def layers(x, w):
    hidden = np.tanh(x @ w)
    return hidden @ w, hidden * x


def both(x, w):
    first, second = layers(x, w)
    return np.sum(first * second)


def test_items_that_get_a_name_each_get_it_together():
    source = value_and_grad(relaxed)
    source(0.3, 0.6)
    assert "up_bar, down_bar = result_bar" in source.source
    check_grads(relaxed, (0.3, 0.6))


def test_items_that_are_read_often_have_names_behind_what_was_kept():
    w = np.array([[0.3, -0.2], [0.5, 0.1]])
    found = value_and_grad(both, wrt=("x", "w"))
    found(w + 0.1, w)
    assert "first_bar, second_bar = result_bar" in found.source
    assert "result_bar[" not in found.source
    check_grads(both, (w + 0.1, w))


def parts(v):
    return v * v, np.sin(v)


def placed(v, k):
    return k + 1, v * v


def into_items(v, n):
    first, second = np.zeros(n), [0.0] * n
    for i in range(n):
        first[i], second[i] = parts(v * (i + 1.0))
    return np.sum(first * first) + second[0] * second[-1]


def into_an_item_at_an_index_of_the_same_call(v):
    rows, k = np.zeros(4), 0
    k, rows[k] = placed(v, k)
    rows[k], k = parts(v)[0], 3
    k, rows[k - 1] = placed(v * 0.5, k)
    return rows[0] + 2.0 * rows[1] + 3.0 * rows[2] + 5.0 * rows[3] * v


def into_parts_of_parts(v):
    rows = np.zeros(2)
    (rows[0], a), b = (parts(v), v)
    rows[1], (a, b) = nested(v * a)
    return rows[0] * rows[1] + a * b


def nested(v):
    return v, (v * v, np.cos(v))


def test_items_that_are_stored_have_names_of_their_own():
    found = value_and_grad(into_items, "v")
    found(0.6, 3)
    assert "first_item, second_item = parts" in found.source
    assert "zeros_like(items" not in found.source
    for n in (1, 3):
        check_grads(into_items, (0.6, n), wrt="v")
    check_grads(into_an_item_at_an_index_of_the_same_call, (0.6,))
    check_grads(into_parts_of_parts, (0.6,))
