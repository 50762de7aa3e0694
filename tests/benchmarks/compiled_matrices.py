"""Matrices by loops: a product, a Cholesky factor, a tridiagonal system, conjugate gradients.

Takes nothing, gives `MATVEC`, `CHOLESKY`, `THOMAS`, `CG`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal, uniform


def matvec(A, x):
    """Sum over the hyperbolic tangents of a product."""
    n, m = A.shape
    total = 0.0
    for i in range(n):
        y = 0.0
        for j in range(m):
            y += A[i, j] * x[j]
        total += math.tanh(y)
    return total


def matvec_gradient(A, x):
    n, m = A.shape
    total = 0.0
    A_bar = np.empty((n, m))
    x_bar = np.zeros(m)
    for i in range(n):
        y = 0.0
        for j in range(m):
            y += A[i, j] * x[j]
        t = math.tanh(y)
        total += t
        g = 1.0 - t * t
        for j in range(m):
            A_bar[i, j] = g * x[j]
            x_bar[j] += g * A[i, j]
    return total, (A_bar, x_bar)


MATVEC = Compiled(
    "matvec",
    matvec,
    matvec_gradient,
    ("A", "x"),
    lambda: (np.arange(6.0).reshape(2, 3) * 0.1, np.array([0.1, 0.2, -0.3])),
    lambda: (normal(6, 150, 150), normal(7, 150)),
)


def cholesky(A):
    """Sum of the logarithms of the diagonal of a Cholesky factor."""
    n = len(A)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            if i == j:
                L[i, j] = math.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    logdet = 0.0
    for i in range(n):
        logdet += 2.0 * math.log(L[i, i])
    return logdet


def cholesky_gradient(A):
    n = len(A)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            if i == j:
                L[i, j] = math.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    logdet = 0.0
    L_bar = np.zeros((n, n))
    for i in range(n):
        logdet += 2.0 * math.log(L[i, i])
        L_bar[i, i] = 2.0 / L[i, i]
    A_bar = np.zeros((n, n))
    for i in range(n - 1, -1, -1):
        for j in range(i, -1, -1):
            if i == j:
                s_bar = 0.5 * L_bar[i, j] / L[i, j]
            else:
                s_bar = L_bar[i, j] / L[j, j]
                L_bar[j, j] -= s_bar * L[i, j]
            for k in range(j):
                L_bar[i, k] -= s_bar * L[j, k]
                L_bar[j, k] -= s_bar * L[i, k]
            A_bar[i, j] = s_bar
    return logdet, A_bar


def cholesky_small():
    B = np.random.default_rng(2).standard_normal((4, 4))
    return (B @ B.T + 4 * np.eye(4),)


def cholesky_real():
    B = np.random.default_rng(2).standard_normal((40, 40))
    return (B @ B.T + 40 * np.eye(40),)


CHOLESKY = Compiled("cholesky", cholesky, cholesky_gradient, ("A",), cholesky_small, cholesky_real)


def thomas(a, b, c, d):
    """Sum of squares of the solution of a tridiagonal system."""
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.zeros(n)
    x[n - 1] = dp[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    s = 0.0
    for i in range(n):
        s += x[i] * x[i]
    return s


def thomas_gradient(a, b, c, d):
    n = len(d)
    cp = np.empty(n)
    dp = np.empty(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.empty(n)
    x[n - 1] = dp[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    s = 0.0
    a_bar = np.empty(n)
    b_bar = np.empty(n)
    c_bar = np.empty(n)
    d_bar = np.empty(n)
    for i in range(n):
        s += x[i] * x[i]
    cp_bar = np.empty(n)
    dp_bar = np.empty(n)
    x_bar = 2.0 * x[0]
    for i in range(n - 1):
        dp_bar[i] = x_bar
        cp_bar[i] = -x[i + 1] * x_bar
        x_bar = 2.0 * x[i + 1] - cp[i] * x_bar
    dp_bar[n - 1] = x_bar
    cp_bar[n - 1] = 0.0
    for i in range(n - 1, 0, -1):
        m = b[i] - a[i] * cp[i - 1]
        g = dp_bar[i] / m
        h = cp_bar[i] / m
        m_bar = -(g * dp[i] + h * cp[i])
        d_bar[i] = g
        c_bar[i] = h
        b_bar[i] = m_bar
        a_bar[i] = -g * dp[i - 1] - m_bar * cp[i - 1]
        dp_bar[i - 1] -= g * a[i]
        cp_bar[i - 1] -= m_bar * a[i]
    a_bar[0] = 0.0
    g = dp_bar[0] / b[0]
    h = cp_bar[0] / b[0]
    d_bar[0] = g
    c_bar[0] = h
    b_bar[0] = -(g * dp[0] + h * cp[0])
    return s, (a_bar, b_bar, c_bar, d_bar)


THOMAS = Compiled(
    "thomas",
    thomas,
    thomas_gradient,
    ("a", "b", "c", "d"),
    lambda: (
        np.linspace(0.1, 0.5, 5),
        np.linspace(4, 5, 5),
        np.linspace(0.5, 0.2, 5),
        np.cos(np.arange(5) * 0.3),
    ),
    lambda: (
        np.linspace(0.1, 0.5, 3000),
        np.linspace(4, 5, 3000),
        np.linspace(0.5, 0.2, 3000),
        np.cos(np.arange(3000) * 0.3),
    ),
)


def applied(k, x, y):
    n = len(x)
    for i in range(n):
        y[i] = (1.0 + k[i] + k[i + 1]) * x[i]
        if i > 0:
            y[i] -= k[i] * x[i - 1]
        if i + 1 < n:
            y[i] -= k[i + 1] * x[i + 1]


def dot(x, y):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i]
    return s


def cg(k, b, rounds):
    """Square of what some rounds of conjugate gradients find, the matrix being a function."""
    n = len(b)
    x = np.zeros(n)
    r = b.copy()
    p = b.copy()
    q = np.zeros(n)
    rr = dot(r, r)
    for t in range(rounds):
        applied(k, p, q)
        a = rr / dot(p, q)
        for i in range(n):
            x[i] += a * p[i]
            r[i] -= a * q[i]
        new = dot(r, r)
        c = new / rr
        rr = new
        for i in range(n):
            p[i] = r[i] + c * p[i]
    return dot(x, x)


def applied_t(k, x, yb, kb, xb):
    n = len(x)
    for i in range(n):
        g = yb[i]
        kb[i] += g * x[i]
        kb[i + 1] += g * x[i]
        xb[i] += g * (1.0 + k[i] + k[i + 1])
        if i > 0:
            kb[i] -= g * x[i - 1]
            xb[i - 1] -= g * k[i]
        if i + 1 < n:
            kb[i + 1] -= g * x[i + 1]
            xb[i + 1] -= g * k[i + 1]


def cg_gradient(k, b, rounds):
    n = len(b)
    x = np.zeros(n)
    R = np.empty((rounds + 1, n))
    P = np.empty((rounds + 1, n))
    Q = np.empty((rounds, n))
    RR = np.empty(rounds + 1)
    PQ = np.empty(rounds)
    R[0] = b
    P[0] = b
    RR[0] = dot(b, b)
    for t in range(rounds):
        applied(k, P[t], Q[t])
        PQ[t] = dot(P[t], Q[t])
        a = RR[t] / PQ[t]
        for i in range(n):
            x[i] += a * P[t, i]
            R[t + 1, i] = R[t, i] - a * Q[t, i]
        RR[t + 1] = dot(R[t + 1], R[t + 1])
        c = RR[t + 1] / RR[t]
        for i in range(n):
            P[t + 1, i] = R[t + 1, i] + c * P[t, i]
    xb = 2.0 * x
    kb = np.zeros(n + 1)
    rb = np.zeros(n)
    pb = np.zeros(n)
    qb = np.empty(n)
    rrb = 0.0
    for t in range(rounds - 1, -1, -1):
        c = RR[t + 1] / RR[t]
        a = RR[t] / PQ[t]
        cb = 0.0
        for i in range(n):
            rb[i] += pb[i]
            cb += pb[i] * P[t, i]
            pb[i] = c * pb[i]
        newb = rrb + cb / RR[t]
        rrb = -cb * c / RR[t]
        ab = 0.0
        for i in range(n):
            rb[i] += 2.0 * newb * R[t + 1, i]
            ab += xb[i] * P[t, i] - rb[i] * Q[t, i]
            pb[i] += a * xb[i]
            qb[i] = -a * rb[i]
        rrb += ab / PQ[t]
        g = -ab * a / PQ[t]
        for i in range(n):
            pb[i] += g * Q[t, i]
            qb[i] += g * P[t, i]
        applied_t(k, P[t], qb, kb, pb)
    b_bar = np.empty(n)
    for i in range(n):
        b_bar[i] = rb[i] + pb[i] + 2.0 * rrb * b[i]
    return dot(x, x), (kb, b_bar)


CG = Compiled(
    "cg",
    cg,
    cg_gradient,
    ("k", "b"),
    lambda: (uniform(8, 6) + 0.5, normal(9, 5), 3),
    lambda: (uniform(8, 101) + 0.5, normal(9, 100), 12),
)
