"""Models of data with weights that add up to one: a mixture of normal distributions, attention, and
the likelihood of labels that are not aligned.

Takes nothing, gives `GMM`, `ATTEND`, `CTC`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal


def gmm(weights, means, logs, X):
    """Logarithm of the likelihood of a mixture of normal distributions along the axes."""
    n, d = X.shape
    m = len(weights)
    inverse = np.empty((m, d))
    for k in range(m):
        for j in range(d):
            inverse[k, j] = math.exp(-logs[k, j])
    terms = np.empty(m)
    total = 0.0
    for i in range(n):
        top = -np.inf
        for k in range(m):
            t = weights[k]
            for j in range(d):
                z = (X[i, j] - means[k, j]) * inverse[k, j]
                t -= 0.5 * z * z + logs[k, j]
            terms[k] = t
            if t > top:
                top = t
        s = 0.0
        for k in range(m):
            s += math.exp(terms[k] - top)
        total += top + math.log(s)
    return total


def gmm_gradient(weights, means, logs, X):
    n, d = X.shape
    m = len(weights)
    inverse = np.empty((m, d))
    for k in range(m):
        for j in range(d):
            inverse[k, j] = math.exp(-logs[k, j])
    weights_bar = np.zeros(m)
    means_bar = np.zeros((m, d))
    logs_bar = np.zeros((m, d))
    terms = np.empty(m)
    total = 0.0
    for i in range(n):
        top = -np.inf
        for k in range(m):
            t = weights[k]
            for j in range(d):
                z = (X[i, j] - means[k, j]) * inverse[k, j]
                t -= 0.5 * z * z + logs[k, j]
            terms[k] = t
            if t > top:
                top = t
        s = 0.0
        for k in range(m):
            e = math.exp(terms[k] - top)
            terms[k] = e
            s += e
        total += top + math.log(s)
        for k in range(m):
            p = terms[k] / s
            weights_bar[k] += p
            for j in range(d):
                z = (X[i, j] - means[k, j]) * inverse[k, j]
                g = p * z
                means_bar[k, j] += g * inverse[k, j]
                logs_bar[k, j] += g * z - p
    return total, (weights_bar, means_bar, logs_bar)


GMM = Compiled(
    "gmm",
    gmm,
    gmm_gradient,
    ("weights", "means", "logs"),
    lambda: (normal(61, 3), normal(62, 3, 2), 0.2 * normal(63, 3, 2), normal(64, 4, 2)),
    lambda: (normal(61, 5), normal(62, 5, 4), 0.2 * normal(63, 5, 4), normal(64, 500, 4)),
)


def attend(Q, K, V, wanted):
    """Squared errors of what questions get from keys and values."""
    n, d = Q.shape
    m = len(K)
    p = np.empty(m)
    loss = 0.0
    for i in range(n):
        top = -np.inf
        for k in range(m):
            s = 0.0
            for j in range(d):
                s += Q[i, j] * K[k, j]
            s = s / math.sqrt(d)
            p[k] = s
            top = max(top, s)
        total = 0.0
        for k in range(m):
            p[k] = math.exp(p[k] - top)
            total += p[k]
        for j in range(d):
            out = 0.0
            for k in range(m):
                out += p[k] * V[k, j]
            e = out / total - wanted[i, j]
            loss += e * e
    return loss


def attend_gradient(Q, K, V, wanted):
    n, d = Q.shape
    m = len(K)
    Q_bar = np.zeros((n, d))
    K_bar = np.zeros((m, d))
    V_bar = np.zeros((m, d))
    p = np.empty(m)
    p_bar = np.empty(m)
    root = math.sqrt(d)
    loss = 0.0
    for i in range(n):
        top = -np.inf
        for k in range(m):
            s = 0.0
            for j in range(d):
                s += Q[i, j] * K[k, j]
            s = s / root
            p[k] = s
            top = max(top, s)
        total = 0.0
        for k in range(m):
            p[k] = math.exp(p[k] - top)
            total += p[k]
        p_bar[:] = 0.0
        total_bar = 0.0
        for j in range(d):
            out = 0.0
            for k in range(m):
                out += p[k] * V[k, j]
            mean = out / total
            e = mean - wanted[i, j]
            loss += e * e
            g = 2.0 * e / total
            total_bar -= g * mean
            for k in range(m):
                p_bar[k] += g * V[k, j]
                V_bar[k, j] += g * p[k]
        for k in range(m):
            g = (p_bar[k] + total_bar) * p[k] / root
            for j in range(d):
                Q_bar[i, j] += g * K[k, j]
                K_bar[k, j] += g * Q[i, j]
    return loss, (Q_bar, K_bar, V_bar)


ATTEND = Compiled(
    "attend",
    attend,
    attend_gradient,
    ("Q", "K", "V"),
    lambda: (normal(65, 2, 3), normal(66, 4, 3), normal(67, 4, 3), normal(68, 2, 3)),
    lambda: (normal(65, 40, 8), normal(66, 40, 8), normal(67, 40, 8), normal(68, 40, 8)),
)


def log_add(a, b):
    """Logarithm of the sum of two numbers given by their logarithms."""
    if a < b:
        a, b = b, a
    return a + math.log1p(math.exp(b - a))


def ctc(logs, labels):
    """Minus logarithm of the likelihood of labels, in order, with gaps between them."""
    n = 2 * len(labels) + 1
    alpha = np.full(n, -1e30)
    alpha[0] = logs[0, 0]
    alpha[1] = logs[0, labels[0]]
    for t in range(1, len(logs)):
        new = np.empty(n)
        for s in range(n):
            a = alpha[s]
            label = 0
            if s >= 1:
                a = log_add(a, alpha[s - 1])
            if s % 2 == 1:
                label = labels[s // 2]
                if s >= 2 and label != labels[s // 2 - 1]:
                    a = log_add(a, alpha[s - 2])
            new[s] = a + logs[t, label]
        alpha = new
    return -log_add(alpha[n - 1], alpha[n - 2])


def ctc_gradient(logs, labels):
    n = 2 * len(labels) + 1
    steps = len(logs)
    alpha = np.full((steps, n), -1e30)
    sums = np.empty((steps, n))
    alpha[0, 0] = logs[0, 0]
    alpha[0, 1] = logs[0, labels[0]]
    for t in range(1, steps):
        for s in range(n):
            a = alpha[t - 1, s]
            label = 0
            if s >= 1:
                a = log_add(a, alpha[t - 1, s - 1])
            if s % 2 == 1:
                label = labels[s // 2]
                if s >= 2 and label != labels[s // 2 - 1]:
                    a = log_add(a, alpha[t - 1, s - 2])
            sums[t, s] = a
            alpha[t, s] = a + logs[t, label]
    total = log_add(alpha[steps - 1, n - 1], alpha[steps - 1, n - 2])
    logs_bar = np.zeros(logs.shape)
    bar = np.zeros(n)
    bar[n - 1] = -math.exp(alpha[steps - 1, n - 1] - total)
    bar[n - 2] = -math.exp(alpha[steps - 1, n - 2] - total)
    for t in range(steps - 1, 0, -1):
        before = np.zeros(n)
        for s in range(n):
            g = bar[s]
            a = sums[t, s]
            label = 0
            before[s] += g * math.exp(alpha[t - 1, s] - a)
            if s >= 1:
                before[s - 1] += g * math.exp(alpha[t - 1, s - 1] - a)
            if s % 2 == 1:
                label = labels[s // 2]
                if s >= 2 and label != labels[s // 2 - 1]:
                    before[s - 2] += g * math.exp(alpha[t - 1, s - 2] - a)
            logs_bar[t, label] += g
        bar = before
    logs_bar[0, 0] += bar[0]
    logs_bar[0, labels[0]] += bar[1]
    return -total, (logs_bar,)


CTC = Compiled(
    "ctc",
    ctc,
    ctc_gradient,
    ("logs",),
    lambda: (normal(69, 7, 4), np.array([1, 2, 2])),
    lambda: (normal(69, 100, 12), np.arange(30) * 7 % 11 + 1),
)
