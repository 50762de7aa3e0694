"""What two statements of a step add to one item of an adjoint is added by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import grad
from s2s_ad.testing import check_grads


def priced(x, k):
    total = 0.0
    for i in range(len(x)):
        d = math.log(x[i]) / k
        total += x[i] * math.erf(d)
    return total


def another_in_between(x, k):
    """The other item may be the same one."""
    total = 0.0
    for i in range(len(x)):
        j = (i * i) % 3
        d = math.sin(x[i]) * x[j]
        total += x[i] * math.exp(d * k) * x[j]
    return total


def changed_in_between(x, k):
    """What the first addition reads is taken back before the second."""
    u = np.ones(len(x))
    for i in range(len(x)):
        u[i] = u[i - 1] * x[i] * k
        u[i] = math.sin(u[i]) * x[i]
    return np.sum(u * u)


def rows(x, k):
    total = 0.0
    for i in range(len(x) - 1):
        row = x[i : i + 2]
        total += x[i] * math.exp(k * row[0] * row[1])
    return total


@pytest.mark.parametrize("f", [priced, another_in_between, changed_in_between, rows])
def test_gradients(f):
    x = np.array([0.7, 1.4, 0.9, 1.1])
    check_grads(f, (x, 0.3), order=2)
    check_grads(f, (x[:1], 0.3), order=2)


def test_texts():
    g = grad(priced, ("x", "k"))
    g(np.ones(3), 0.3)
    assert g.source.count("x_bar[i] = ") == 1 and "x_bar[i] +=" not in g.source
    other = grad(another_in_between, ("x", "k"))
    other(np.ones(3), 0.3)
    assert other.source.count("x_bar[i] +=") > 1
