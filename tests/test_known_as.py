"""What a step of a loop hands on as `u = new` is read from `u` when the step is reversed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import grad
from s2s_ad.errors import S2SError
from s2s_ad.testing import check_grads


def network(w, xs):
    h = np.zeros(len(w))
    loss = 0.0
    for x in xs:
        new = np.zeros(len(w))
        for i in range(len(w)):
            new[i] = math.tanh(w[i] * h[i] + x)
        h = new
        loss += h[0] * h[1]
    return loss


def changed_by_the_next_step(w, xs):
    h = np.ones(len(w))
    for x in xs:
        h[0] = h[1] * x
        new = np.tanh(w * h + x)
        h = new
    return np.sum(h * h)


def changed_behind(w, xs):
    """What was handed on is changed through both of its names."""
    h = np.ones(len(w))
    for x in xs:
        new = np.zeros(len(w))
        for i in range(len(w)):
            new[i] = math.sin(w[i] * h[i] + x)
        h = new
        h[0] = h[0] * h[1]
        new[1] = x * h[0]
    return np.sum(h * h)


def left_early(w, xs):
    h = np.ones(len(w))
    for x in xs:
        new = np.tanh(w * h + x)
        if x > 0.8:
            break
        h = new
        if x > 0.6:
            break
    return np.sum(h * h)


def handed_on_at_times(w, xs):
    h = np.ones(len(w))
    for x in xs:
        new = np.tanh(w * h + x)
        if x > 0.1:
            h = new
        h = h * x
    return np.sum(h * h)


def passed_over(w, xs):
    h = np.ones(len(w))
    for x in xs:
        new = np.tanh(w * h + x)
        if x > 0.6:
            continue
        h = new
    return np.sum(h * h)


def two_buffers(w, xs):
    h = np.ones(len(w))
    new = np.ones(len(w))
    for x in xs:
        for i in range(len(w)):
            new[i] = math.sin(w[i] * h[i] + x * h[0])
        h, new = new, h
    return np.sum(h * h * new)


def numbers(w, xs):
    a = w[0]
    for x in xs:
        new = math.sqrt(a * a + w[1] * x)
        total = math.exp(-new) * a
        a = new
        w = w * total
    return a * np.sum(w)


ARGS = (np.array([0.7, 0.4, 1.2]), np.array([0.3, 0.9, 0.7, 0.2]))


@pytest.mark.parametrize(
    "f",
    [
        network,
        changed_by_the_next_step,
        changed_behind,
        left_early,
        handed_on_at_times,
        passed_over,
        two_buffers,
        numbers,
    ],
)
def test_gradients(f):
    w, xs = ARGS
    try:
        grad(f, ("w", "xs"))(w, xs)
    except S2SError:
        assert f in (changed_behind, two_buffers)  # which two names share what is stored into?
        return
    for k in range(1, len(xs) + 1):
        for order in (1, 2):
            check_grads(f, (w, xs[:k]), order=order)
    check_grads(f, (w, np.array([0.3, 0.65, 0.2])), order=2)


def test_texts():
    g = grad(network, ("w", "xs"))
    g(*ARGS)
    assert "        new = h\n        h = h_saved.pop()\n" in g.source
    assert "new_saved" not in g.source
