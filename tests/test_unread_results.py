"""Functions with several results, of which only one is read.

Takes nothing, gives tests; requires `oracles` and the public names.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, jvp
from tests.oracles import directional

X = np.array([0.4, 0.9, 0.25, 0.7])
ALONG = np.array([0.3, -0.8, 1.1, 0.5])


def orthogonal(x):
    q, r = np.linalg.qr(np.outer(x, x) + np.eye(4))
    return np.sum(q**3 * x)


def triangular(x):
    q, r = np.linalg.qr(np.outer(x, x) + np.eye(4))
    return np.sum(r**3 * x)


def singular_values(x):
    u, s, v = np.linalg.svd(np.outer(x, x) + np.diag(np.arange(4.0)))
    return np.sum(s**3 * x)


def singular_vectors(x):
    u, s, v = np.linalg.svd(np.outer(x, x) + np.diag(np.arange(4.0)))
    return np.sum((u @ v) ** 3 * x)


def eigenvectors(x):
    w, v = np.linalg.eigh(np.outer(x, x) + np.diag(np.arange(4.0)))
    return np.sum(v**4 * x)


def columns(x):
    across, down = np.meshgrid(x, x[1:])
    return np.sum(across**3)


def rows(x):
    across, down = np.meshgrid(x, x[1:])
    return np.sum(down**3)


def logarithm(x):
    sign, value = np.linalg.slogdet(np.outer(x, x) + np.eye(4))
    return value * value * x[0]


def solution(x):
    found, rest, rank, values = np.linalg.lstsq(np.outer(x, x) + np.eye(4), x, rcond=None)
    return np.sum(found**3)


def middle(x):
    low, mid, high = np.split(x * x, [1, 3])
    return np.sum(mid**3)


def fraction(x):
    part, whole = np.modf(3.3 * x)
    return np.sum(part**3)


EACH = [
    *(orthogonal, triangular, singular_values, singular_vectors, eigenvectors, columns, rows),
    *(logarithm, solution, middle, fraction),
]


@pytest.mark.parametrize("f", EACH, ids=lambda f: f.__name__)
def test_one_result_is_read(f):
    wanted = directional(f, (X,), ALONG)[0][0]
    assert jvp(f, (X,), (ALONG,))[1] == pytest.approx(wanted, rel=1e-8)
    assert grad(f)(X) @ ALONG == pytest.approx(wanted, rel=1e-8)
