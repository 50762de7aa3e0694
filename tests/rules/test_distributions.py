"""Rules of scipy.stats where differences do not reach: edges of the support, lists of shares."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from s2s_ad import grad, jvp, vjp
from s2s_ad.errors import MissingRule

stats = pytest.importorskip("scipy.stats")
WHOLE = np.array([0.2, 0.5, 0.3])
AROUND = np.array([1.5, 2.5, 0.7])


def log_gamma(x, a):
    return np.sum(stats.gamma.logpdf(x, a))


def density_lognormal(x, s):
    return np.sum(stats.lognorm.logpdf(x, s)[1:]) + np.sum(stats.lognorm.pdf(x, s))


def log_uniform(x, low, width):
    return stats.uniform.logpdf(x, low, width)


def counts(k, mu):
    return np.sum(stats.poisson.logpmf(k, mu))


def of_shares(x, alpha):
    return stats.dirichlet.logpdf(x, alpha)


def normal(x, mean, cov):
    return np.sum(stats.multivariate_normal.logpdf(x, mean, cov))


def spread(x, scale):
    return np.sum(stats.norm.logsf(x, scale=scale))


@pytest.mark.parametrize(
    "f, args, wrt",
    [
        (log_gamma, (np.array([-1.0, 0.0, 2.0]), 1.0), "x"),
        (density_lognormal, (np.array([-1.0, 0.5, 2.0]), 0.7), ("x", "s")),
        (log_uniform, (3.0, 0.0, 1.0), ("x", "low", "width")),
        (counts, (np.array([-1, 0, 2]), np.array([1.0, 0.0, 2.0])), "mu"),
    ],
)
def test_where_there_is_no_density_it_is_flat(f, args, wrt):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slopes = grad(f, wrt=wrt)(*args)
    parts = [np.ravel(slope) for slope in (slopes if isinstance(slopes, tuple) else (slopes,))]
    assert np.all(np.isfinite(np.concatenate(parts)))
    assert parts[0][0] == 0.0


def test_shares_that_add_up():
    slope = grad(of_shares, wrt=("x", "alpha"))(WHOLE, AROUND)
    moved = np.array([0.3, -0.1, -0.2])
    step = 1e-5
    for k, direction in enumerate((moved, np.array([0.4, -0.9, 1.1]))):
        ends = [(WHOLE, AROUND), (WHOLE, AROUND)]
        for side, sign in enumerate((1.0, -1.0)):
            ends[side] = tuple(
                value + sign * step * direction * (place == k)
                for place, value in enumerate((WHOLE, AROUND))
            )
        want = (of_shares(*ends[0]) - of_shares(*ends[1])) / (2.0 * step)
        assert slope[k] @ direction == pytest.approx(want, rel=1e-7)


def test_a_covariance_is_read_by_its_lower_triangle():
    cov = np.array([[2.0, 99.0], [0.3, 1.0]])
    x, mean = np.array([[0.4, -0.2], [1.0, 0.1], [0.0, 0.0]]), np.array([0.1, 0.2])
    slope = grad(normal, wrt="cov")(x, mean, cov)
    assert slope[0, 1] == 0.0
    step = 1e-6
    bumped = [
        normal(x, mean, cov + sign * step * np.eye(2)[[1]].T @ np.eye(2)[[0]]) for sign in (1, -1)
    ]
    assert slope[1, 0] == pytest.approx((bumped[0] - bumped[1]) / (2.0 * step), rel=1e-6)


def test_parameters_by_keyword_broadcast_and_empty():
    x, scale = np.array([[0.3], [1.2]]), np.array([1.0, 2.0, 0.5])
    out, pull = vjp(spread, x, scale)
    bars = pull(1.0)
    assert [bar.shape for bar in bars] == [(2, 1), (3,)]
    dot = jvp(spread, (x, scale), (np.ones((2, 1)), np.ones(3)))[1]
    assert dot == pytest.approx(sum(np.sum(bar) for bar in bars))
    assert grad(spread)(np.zeros(0), 1.0).shape == (0,)


def test_a_parameter_without_a_slope_is_refused():
    def of_shape(x, a):
        return stats.gamma.cdf(x, a)

    with pytest.raises(MissingRule, match="form of the call"):
        grad(of_shape, wrt="a")(1.0, 2.0)
