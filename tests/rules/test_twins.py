"""Functions whose rules are those of others, and factors that are handed on to a solver."""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.errors import MissingRule
from s2s_ad.ir.text import expr_text
from s2s_ad.rules import registry
from s2s_ad.rules.checking import flat, slope

linalg = pytest.importorskip("scipy.linalg")
A = np.array([[0.3, 1.7, -0.4], [2.1, 0.2, 0.5], [-0.6, 0.9, 1.4]])
B = np.array([0.7, -1.1, 0.4])


def by_lu(a, b):
    return np.sum(linalg.lu_solve(linalg.lu_factor(a), b) ** 2)


def by_lu_turned(a, b):
    factors = linalg.lu_factor(a)
    return np.sum(linalg.lu_solve(factors, np.outer(b, b), trans=1) ** 2)


def by_cholesky(a, b):
    return b @ linalg.cho_solve(linalg.cho_factor(a @ a.T + np.eye(3)), b)


def by_lower_cholesky(a, b):
    factor = np.linalg.cholesky(a @ a.T + np.eye(3))
    return b @ linalg.cho_solve((factor, True), b)


def by_parts(a, b):
    turned, lower, upper = linalg.lu(a)
    return np.sum(turned @ lower @ b) + np.sum(np.sin(upper))


def by_bands(a, b):
    return np.sum(linalg.solve_banded((1, 1), a + 3.0, b) ** 2)


def by_root(a, b):
    return b @ linalg.sqrtm(a @ a.T + np.eye(3)) @ linalg.logm(a @ a.T + np.eye(3)) @ b


@pytest.mark.parametrize(
    "f", [by_lu, by_lu_turned, by_cholesky, by_lower_cholesky, by_parts, by_bands, by_root]
)
def test_both_modes_and_second_order(f):
    moved = (np.cos(A), np.sin(B))
    slopes = grad(f, wrt=("a", "b"))

    def along(g):
        return slope(lambda t: g(A + t * moved[0], B + t * moved[1]))

    got = sum(np.sum(bar * dot) for bar, dot in zip(slopes(A, B), moved))
    assert got == pytest.approx(along(f)[0], rel=1e-7)
    assert jvp(f, (A, B), moved)[1] == pytest.approx(got, rel=1e-9)
    assert flat(jvp(slopes, (A, B), moved)[1]) == pytest.approx(along(slopes), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "twin, other", [("inv", np.linalg.inv), ("det", np.linalg.det), ("pinv", np.linalg.pinv)]
)
def test_a_twin_has_the_templates_of_the_other(twin, other):
    ours = registry.lookup(getattr(linalg, twin))
    theirs = registry.lookup(other)
    assert ours
    for rule in ours:
        maps = {name: expr_text(expr) for name, expr in rule.adjoint.items()}
        assert maps in [{n: expr_text(e) for n, e in r.adjoint.items()} for r in theirs]


def test_of_an_option_that_the_other_lacks_a_twin_says_what_it_must_be():
    def tridiagonal(a, b):
        return linalg.solve(a, b, assume_a="tridiagonal")

    with pytest.raises(MissingRule, match="this form of the call"):
        grad(tridiagonal)(A, B)
