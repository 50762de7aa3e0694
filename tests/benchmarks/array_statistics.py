"""Array programs of statistics: logistic regression, a Gaussian mixture, log-sum-exp.

Takes nothing, gives `LOGISTIC`, `MIXTURE`, `LOG_SUM_EXP`; requires program.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.program import Program


def logistic(w, b, X, y, decay):
    """Mean negative log-likelihood of labels 0 and 1, plus weight decay."""
    margin = (2.0 * y - 1.0) * (X @ w + b)
    return np.mean(np.logaddexp(0.0, -margin)) + 0.5 * decay * np.sum(w**2)


def logistic_adjoint(w, b, X, y, decay, result_bar=1.0):
    sign = 2.0 * y - 1.0
    margin = sign * (X @ w + b)
    loss = np.logaddexp(0.0, -margin)
    result = np.mean(loss) + 0.5 * decay * np.sum(w**2)

    # exp(-margin) / (1 + exp(-margin)), without overflow
    z_bar = -(result_bar / y.size) * np.exp(-margin - loss) * sign
    w_bar = X.T @ z_bar + result_bar * decay * w
    return result, (w_bar, np.sum(z_bar))


def _labelled(rows, columns):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(rows, columns))
    y = (rng.random(rows) > 0.5) * 1.0
    return 0.3 * rng.normal(size=columns), 0.1, X, y, 0.01


LOGISTIC = Program(
    "logistic",
    "array",
    logistic,
    logistic_adjoint,
    ("w", "b"),
    lambda: _labelled(7, 3),
    lambda: _labelled(4000, 50),
)


def mixture(logits, means, log_scales, X):
    """Log-likelihood of points under a mixture of Gaussians with diagonal covariances."""
    top = np.max(logits)
    log_weights = logits - top - np.log(np.sum(np.exp(logits - top)))
    scaled = (X[:, None, :] - means) * np.exp(-log_scales)
    log_density = -0.5 * np.sum(scaled**2, axis=2) - np.sum(log_scales, axis=1)
    joint = log_weights + log_density
    highest = np.max(joint, axis=1, keepdims=True)
    log_sum = highest[:, 0] + np.log(np.sum(np.exp(joint - highest), axis=1))
    return np.sum(log_sum) - 0.5 * X.shape[0] * X.shape[1] * np.log(2.0 * np.pi)


def mixture_adjoint(logits, means, log_scales, X, result_bar=1.0):
    top = np.max(logits)
    exp = np.exp(logits - top)
    total = np.sum(exp)
    log_weights = logits - top - np.log(total)
    inverse = np.exp(-log_scales)
    scaled = (X[:, None, :] - means) * inverse
    log_density = -0.5 * np.sum(scaled**2, axis=2) - np.sum(log_scales, axis=1)
    joint = log_weights + log_density
    highest = np.max(joint, axis=1, keepdims=True)
    share = np.exp(joint - highest)
    sums = np.sum(share, axis=1)
    log_sum = highest[:, 0] + np.log(sums)
    result = np.sum(log_sum) - 0.5 * X.shape[0] * X.shape[1] * np.log(2.0 * np.pi)

    # the maxima cancel: the adjoint of a log-sum-exp is the share of each term
    joint_bar = share * (result_bar / sums)[:, None]
    per_component = np.sum(joint_bar, axis=0)
    logits_bar = per_component - exp * (np.sum(per_component) / total)
    weighted = joint_bar[:, :, None] * scaled
    means_bar = np.sum(weighted, axis=0) * inverse
    log_scales_bar = np.einsum("nkd,nkd->kd", weighted, scaled) - per_component[:, None]
    return result, (logits_bar, means_bar, log_scales_bar)


def _points(count, components, dimension):
    rng = np.random.default_rng(2)
    return (
        rng.normal(size=components),
        2.0 * rng.normal(size=(components, dimension)),
        0.3 * rng.normal(size=(components, dimension)),
        2.0 * rng.normal(size=(count, dimension)),
    )


MIXTURE = Program(
    "mixture",
    "array",
    mixture,
    mixture_adjoint,
    ("logits", "means", "log_scales"),
    lambda: _points(6, 3, 2),
    lambda: _points(2000, 20, 8),
)


def log_sum_exp(x):
    """Logarithm of the sum of exponentials, without overflow."""
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def log_sum_exp_adjoint(x, result_bar=1.0):
    top = np.max(x)
    exp = np.exp(x - top)
    total = np.sum(exp)
    result = top + np.log(total)

    # the maximum cancels; exp is not needed any more and becomes the adjoint
    exp *= result_bar / total
    return result, exp


LOG_SUM_EXP = Program(
    "logsumexp",
    "array",
    log_sum_exp,
    log_sum_exp_adjoint,
    ("x",),
    lambda: (3.0 * np.sin(np.arange(9.0)),),
    lambda: (10.0 * np.sin(np.arange(200_000.0)),),
)
