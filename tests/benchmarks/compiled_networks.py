"""Models by loops: logistic regression, a perceptron, a recurrent network.

Takes nothing, gives `LOGIT`, `MLP`, `RNN`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal, uniform


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


def logit(w, b, X, y, lam):
    """Regularised loss of logistic regression."""
    n, m = X.shape
    loss = 0.0
    for i in range(n):
        z = b
        for j in range(m):
            z += X[i, j] * w[j]
        p = sigmoid(z)
        loss -= y[i] * math.log(p) + (1.0 - y[i]) * math.log(1.0 - p)
    reg = 0.0
    for j in range(m):
        reg += w[j] * w[j]
    return loss / n + lam * reg


def logit_gradient(w, b, X, y, lam):
    n, m = X.shape
    loss = 0.0
    w_bar = np.zeros(m)
    b_bar = 0.0
    for i in range(n):
        z = b
        for j in range(m):
            z += X[i, j] * w[j]
        p = 1.0 / (1.0 + math.exp(-z))
        loss -= y[i] * math.log(p) + (1.0 - y[i]) * math.log(1.0 - p)
        g = (p - y[i]) / n
        b_bar += g
        for j in range(m):
            w_bar[j] += g * X[i, j]
    reg = 0.0
    for j in range(m):
        reg += w[j] * w[j]
        w_bar[j] += 2.0 * lam * w[j]
    return loss / n + lam * reg, (w_bar, b_bar)


LOGIT = Compiled(
    "logit",
    logit,
    logit_gradient,
    ("w", "b"),
    lambda: (
        np.array([0.3, -0.2]),
        0.1,
        np.arange(6.0).reshape(3, 2) * 0.3,
        np.array([1.0, 0.0, 1.0]),
        0.01,
    ),
    lambda: (normal(8, 20) * 0.3, 0.1, normal(9, 500, 20), (uniform(10, 500) > 0.5) * 1.0, 0.01),
)


def mlp(W, v, X, t):
    """Squared errors of a perceptron with one hidden layer."""
    h, d = W.shape
    loss = 0.0
    for i in range(len(t)):
        out = 0.0
        for k in range(h):
            a = 0.0
            for j in range(d):
                a += W[k, j] * X[i, j]
            out += v[k] * math.tanh(a)
        e = out - t[i]
        loss += 0.5 * e * e
    return loss


def mlp_gradient(W, v, X, t):
    h, d = W.shape
    loss = 0.0
    W_bar = np.zeros((h, d))
    v_bar = np.zeros(h)
    ts = np.empty(h)
    for i in range(len(t)):
        out = 0.0
        for k in range(h):
            a = 0.0
            for j in range(d):
                a += W[k, j] * X[i, j]
            q = math.tanh(a)
            ts[k] = q
            out += v[k] * q
        e = out - t[i]
        loss += 0.5 * e * e
        for k in range(h):
            q = ts[k]
            v_bar[k] += e * q
            a_bar = e * v[k] * (1.0 - q * q)
            for j in range(d):
                W_bar[k, j] += a_bar * X[i, j]
    return loss, (W_bar, v_bar)


MLP = Compiled(
    "mlp",
    mlp,
    mlp_gradient,
    ("W", "v"),
    lambda: (
        np.arange(6.0).reshape(3, 2) * 0.1,
        np.array([0.2, -0.3, 0.1]),
        np.arange(4.0).reshape(2, 2) * 0.2,
        np.array([0.1, 0.4]),
    ),
    lambda: (normal(11, 16, 8) * 0.4, normal(12, 16) * 0.3, normal(13, 200, 8), normal(14, 200)),
)


def rnn(W, U, b, xs):
    """Squared errors of a recurrent network that predicts a series."""
    n = len(U)
    h = np.zeros(n)
    loss = 0.0
    for t in range(len(xs) - 1):
        new = np.zeros(n)
        for i in range(n):
            a = b[i] + U[i] * xs[t]
            for j in range(n):
                a += W[i, j] * h[j]
            new[i] = math.tanh(a)
        h = new
        e = h[0] - xs[t + 1]
        loss += e * e
    return loss


def rnn_gradient(W, U, b, xs):
    n = len(U)
    T = len(xs) - 1
    hs = np.zeros((T + 1, n))
    es = np.empty(T)
    loss = 0.0
    for t in range(T):
        h = hs[t]
        new = hs[t + 1]
        for i in range(n):
            a = b[i] + U[i] * xs[t]
            for j in range(n):
                a += W[i, j] * h[j]
            new[i] = math.tanh(a)
        e = new[0] - xs[t + 1]
        es[t] = e
        loss += e * e
    W_bar = np.zeros((n, n))
    U_bar = np.zeros(n)
    b_bar = np.zeros(n)
    h_bar = np.zeros(n)
    next_bar = np.zeros(n)
    for t in range(T - 1, -1, -1):
        h = hs[t]
        new = hs[t + 1]
        h_bar[0] += 2.0 * es[t]
        next_bar[:] = 0.0
        for i in range(n):
            g = h_bar[i] * (1.0 - new[i] * new[i])
            b_bar[i] += g
            U_bar[i] += g * xs[t]
            for j in range(n):
                W_bar[i, j] += g * h[j]
                next_bar[j] += g * W[i, j]
        h_bar, next_bar = next_bar, h_bar
    return loss, (W_bar, U_bar, b_bar)


RNN = Compiled(
    "rnn",
    rnn,
    rnn_gradient,
    ("W", "U", "b"),
    lambda: (
        np.arange(9.0).reshape(3, 3) * 0.05,
        np.array([0.2, -0.3, 0.1]),
        np.array([0.0, 0.1, 0.2]),
        np.array([0.3, -0.5, 0.9, 0.1]),
    ),
    lambda: (
        normal(15, 12, 12) * 0.3,
        normal(16, 12) * 0.5,
        normal(17, 12) * 0.1,
        np.sin(np.arange(120) * 0.2),
    ),
)
