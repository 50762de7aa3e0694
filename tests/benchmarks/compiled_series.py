"""Models of series: an epidemic, a variance that changes, a hidden Markov model, a Kalman filter of
one state.

Takes nothing, gives `EPIDEMIC`, `MARKOV`, `FILTER`, `GARCH`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal, uniform


def epidemic(beta, gamma, s, i, seen, dt, inner):
    """Squared errors of the logarithm of the infected, by Heun's method."""
    loss = 0.0
    for k in range(len(seen)):
        for _ in range(inner):
            new = beta * s * i
            out = gamma * i
            s1 = s - dt * new
            i1 = i + dt * (new - out)
            new1 = beta * s1 * i1
            out1 = gamma * i1
            s = s - 0.5 * dt * (new + new1)
            i = i + 0.5 * dt * (new - out + new1 - out1)
        e = math.log(i) - seen[k]
        loss += e * e
    return loss


def epidemic_gradient(beta, gamma, s, i, seen, dt, inner):
    n = len(seen)
    S = np.empty((n, inner))
    I = np.empty((n, inner))
    ends = np.empty(n)
    errors = np.empty(n)
    loss = 0.0
    half = 0.5 * dt
    for k in range(n):
        for j in range(inner):
            S[k, j] = s
            I[k, j] = i
            new = beta * s * i
            out = gamma * i
            s1 = s - dt * new
            i1 = i + dt * (new - out)
            new1 = beta * s1 * i1
            out1 = gamma * i1
            s = s - half * (new + new1)
            i = i + half * (new - out + new1 - out1)
        ends[k] = i
        e = math.log(i) - seen[k]
        errors[k] = e
        loss += e * e
    beta_bar = gamma_bar = s_bar = i_bar = 0.0
    for k in range(n - 1, -1, -1):
        i_bar += 2.0 * errors[k] / ends[k]
        for j in range(inner - 1, -1, -1):
            s = S[k, j]
            i = I[k, j]
            new = beta * s * i
            s1 = s - dt * new
            i1 = i + dt * (new - gamma * i)
            new1_bar = half * (i_bar - s_bar)
            out1_bar = -half * i_bar
            beta_bar += new1_bar * s1 * i1
            s1_bar = new1_bar * beta * i1
            i1_bar = new1_bar * beta * s1 + out1_bar * gamma
            gamma_bar += out1_bar * i1
            new_bar = new1_bar + dt * (i1_bar - s1_bar)
            out_bar = out1_bar - dt * i1_bar
            beta_bar += new_bar * s * i
            gamma_bar += out_bar * i
            s_bar += s1_bar + new_bar * beta * i
            i_bar += i1_bar + new_bar * beta * s + out_bar * gamma
    return loss, (beta_bar, gamma_bar, s_bar, i_bar)


EPIDEMIC = Compiled(
    "epidemic",
    epidemic,
    epidemic_gradient,
    ("beta", "gamma", "s", "i"),
    lambda: (0.4, 0.1, 0.9, 0.05, np.array([-2.0, -1.5]), 0.5, 3),
    lambda: (0.4, 0.1, 0.99, 0.01, normal(31, 400) * 0.1 - 3.0, 0.02, 10),
)


def markov(start, A, B, seen):
    """Logarithm of the likelihood of what was seen, by the scaled forward algorithm."""
    m = len(start)
    p = np.empty(m)
    for i in range(m):
        p[i] = start[i] * B[i, seen[0]]
    total = 0.0
    for t in range(1, len(seen)):
        scale = 0.0
        for i in range(m):
            scale += p[i]
        total += math.log(scale)
        q = np.zeros(m)
        for i in range(m):
            for j in range(m):
                q[j] += p[i] / scale * A[i, j]
        for j in range(m):
            q[j] = q[j] * B[j, seen[t]]
        p = q
    last = 0.0
    for i in range(m):
        last += p[i]
    return total + math.log(last)


def markov_gradient(start, A, B, seen):
    m = len(start)
    n = len(seen)
    P = np.empty((n, m))
    Q = np.zeros((n, m))
    scales = np.empty(n)
    for i in range(m):
        P[0, i] = start[i] * B[i, seen[0]]
    total = 0.0
    for t in range(1, n):
        scale = 0.0
        for i in range(m):
            scale += P[t - 1, i]
        total += math.log(scale)
        scales[t] = scale
        for i in range(m):
            x = P[t - 1, i] / scale
            for j in range(m):
                Q[t, j] += x * A[i, j]
        for j in range(m):
            P[t, j] = Q[t, j] * B[j, seen[t]]
    last = 0.0
    for i in range(m):
        last += P[n - 1, i]
    start_bar = np.empty(m)
    A_bar = np.zeros((m, m))
    B_bar = np.zeros(B.shape)
    p_bar = np.full(m, 1.0 / last)
    q_bar = np.empty(m)
    for t in range(n - 1, 0, -1):
        scale = scales[t]
        for j in range(m):
            B_bar[j, seen[t]] += p_bar[j] * Q[t, j]
            q_bar[j] = p_bar[j] * B[j, seen[t]]
        scale_bar = 1.0 / scale
        for i in range(m):
            x = P[t - 1, i] / scale
            g = 0.0
            for j in range(m):
                g += q_bar[j] * A[i, j]
                A_bar[i, j] += q_bar[j] * x
            g = g / scale
            p_bar[i] = g
            scale_bar -= g * x
        for i in range(m):
            p_bar[i] += scale_bar
    for i in range(m):
        start_bar[i] = p_bar[i] * B[i, seen[0]]
        B_bar[i, seen[0]] += p_bar[i] * start[i]
    return total + math.log(last), (start_bar, A_bar, B_bar)


def markov_small():
    A = uniform(32, 2, 2) + 0.2
    return np.array([0.4, 0.6]), A, uniform(33, 2, 3) + 0.1, np.array([0, 2, 1, 1])


def markov_real():
    A = uniform(32, 8, 8) + 0.2
    return np.full(8, 0.125), A / 8.0, uniform(33, 8, 5), np.arange(300) * 7 % 5


MARKOV = Compiled("markov", markov, markov_gradient, ("start", "A", "B"), markov_small, markov_real)


def kalman(x, p, a, q, r, seen):
    """Logarithm of the likelihood of a series that a number with noise drives."""
    total = 0.0
    for k in range(len(seen)):
        x = a * x
        p = a * a * p + q
        s = p + r
        e = seen[k] - x
        total -= 0.5 * (math.log(s) + e * e / s)
        gain = p / s
        x = x + gain * e
        p = (1.0 - gain) * p
    return total


def kalman_gradient(x, p, a, q, r, seen):
    n = len(seen)
    X = np.empty(n)
    P = np.empty(n)
    total = 0.0
    for k in range(n):
        X[k] = x
        P[k] = p
        x = a * x
        p = a * a * p + q
        s = p + r
        e = seen[k] - x
        total -= 0.5 * (math.log(s) + e * e / s)
        gain = p / s
        x = x + gain * e
        p = (1.0 - gain) * p
    x_bar = p_bar = a_bar = q_bar = r_bar = 0.0
    for k in range(n - 1, -1, -1):
        x1 = a * X[k]
        p1 = a * a * P[k] + q
        s = p1 + r
        e = seen[k] - x1
        gain = p1 / s
        gain_bar = x_bar * e - p_bar * p1
        ratio = e / s
        e_bar = x_bar * gain - ratio
        g = gain_bar / s
        s_bar = 0.5 * ratio * ratio - 0.5 / s - g * gain
        p1_bar = p_bar * (1.0 - gain) + g + s_bar
        x1_bar = x_bar - e_bar
        r_bar += s_bar
        q_bar += p1_bar
        a_bar += x1_bar * X[k] + 2.0 * a * P[k] * p1_bar
        x_bar = a * x1_bar
        p_bar = a * a * p1_bar
    return total, (x_bar, p_bar, a_bar, q_bar, r_bar)


FILTER = Compiled(
    "filter",
    kalman,
    kalman_gradient,
    ("x", "p", "a", "q", "r"),
    lambda: (0.3, 1.1, 0.9, 0.2, 0.5, np.array([0.2, -0.4, 0.9])),
    lambda: (0.0, 1.0, 0.95, 0.1, 0.5, normal(34, 5000)),
)


def garch(r, omega, alpha, beta):
    """Likelihood of returns whose variance follows them."""
    h = omega / (1.0 - alpha - beta)
    ll = 0.0
    for t in range(len(r)):
        ll -= 0.5 * (math.log(h) + r[t] * r[t] / h)
        h = omega + alpha * r[t] * r[t] + beta * h
    return ll


def garch_gradient(r, omega, alpha, beta):
    n = len(r)
    hs = np.empty(n)
    h = omega / (1.0 - alpha - beta)
    ll = 0.0
    for t in range(n):
        hs[t] = h
        ll -= 0.5 * (math.log(h) + r[t] * r[t] / h)
        h = omega + alpha * r[t] * r[t] + beta * h
    r_bar = np.empty(n)
    omega_bar = alpha_bar = beta_bar = h_bar = 0.0
    for t in range(n - 1, -1, -1):
        h = hs[t]
        omega_bar += h_bar
        alpha_bar += h_bar * r[t] * r[t]
        beta_bar += h_bar * h
        q = r[t] / h
        r_bar[t] = 2.0 * h_bar * alpha * r[t] - q
        h_bar = h_bar * beta - 0.5 / h + 0.5 * q * q
    d = 1.0 - alpha - beta
    g = h_bar / d
    omega_bar += g
    g = g * omega / d
    return ll, (r_bar, omega_bar, alpha_bar + g, beta_bar + g)


GARCH = Compiled(
    "garch",
    garch,
    garch_gradient,
    ("r", "omega", "alpha", "beta"),
    lambda: (normal(3, 6), 0.1, 0.1, 0.8),
    lambda: (normal(3, 3000), 0.1, 0.1, 0.8),
)
