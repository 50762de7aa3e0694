"""What an untaken side of `np.where` is, or its slopes are, reaches no derivative of any order.

Known by closed forms, and by differences; see `s2s_ad/transform/untaken.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import Request, derive
from tests.checking import bound

X = np.array([1.0, 2.0, 3.0, 0.5])
K = np.array([1.0, 0.0, 2.0, 0.0])
W = np.array([0.3, -0.7, 0.2, 1.1])
TAKEN = K > 0.0


def in_one_expression(x, k):
    return np.sum(np.where(k > 0.0, 1.0 / np.sqrt(x * k), 0.0))


def by_its_name(x, k):
    t = x * k
    r = 1.0 / np.sqrt(t)
    return np.sum(np.where(t > 0.0, r, 0.0))


def in_a_loop(x, k):
    total = 0.0
    for part in (0.25, 0.75):
        r = 1.0 / np.sqrt(x * k)
        total += np.sum(np.where(k > 0.0, r, 0.0)) * part
    return total


def kinds(known, **args):
    found = {name: kind_of(value, name) for name, value in args.items()}
    return {**found, "x": real(found["x"])} if known else {}


@pytest.mark.smoke
@pytest.mark.parametrize("function", [in_one_expression, by_its_name, in_a_loop])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("known_again", [True, False])
def test_closed_forms_at_both_orders(function, known, known_again):
    scale = np.where(TAKEN, K, 1.0) ** -0.5
    slope = np.where(TAKEN, -0.5 * scale * X**-1.5, 0.0)
    curvature = np.where(TAKEN, 0.75 * scale * X**-2.5, 0.0)
    adjoint = bound(derive(Request(function, "adjoint", ("x",), kinds(known, x=X, k=K))))
    tangent = bound(derive(Request(function, "tangent", ("x",), kinds(known, x=X, k=K))))
    with np.errstate(all="ignore"):
        gradient = next(a for a in adjoint(X, K, 1.0) if np.ndim(a))
        assert np.allclose(gradient, slope, rtol=1e-12)
        assert np.isclose(tangent(X, W, K)[1], slope @ W, rtol=1e-12)
        again = kinds(known_again, x=X, k=K, seed=1.0)
        again = dict(zip(("x", "k", adjoint.__code__.co_varnames[2]), again.values()))
        reverse = derive(Request(adjoint, "adjoint", ("x",), again, select=(1,)))
        forward = derive(Request(adjoint, "tangent", ("x",), again, select=(1,)))
        assert np.allclose(bound(reverse)(X, K, 1.0, W)[1], curvature * W, rtol=1e-12)
        assert np.allclose(bound(forward)(X, W, K, 1.0)[1], curvature * W, rtol=1e-12)
