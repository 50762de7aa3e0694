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
