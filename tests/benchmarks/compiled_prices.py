"""Prices of options: by simulation, of its variance too, in closed form, on a binomial tree.

Takes nothing, gives `ASIAN`, `BS`, `BINOMIAL`, `HESTON`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal


def asian(s0, vol, rate, strike, T, Z):
    """Price of an Asian call from simulated paths."""
    paths, steps = Z.shape
    dt = T / steps
    drift = (rate - 0.5 * vol * vol) * dt
    sd = vol * math.sqrt(dt)
    total = 0.0
    for p in range(paths):
        s = s0
        mean = 0.0
        for k in range(steps):
            s = s * math.exp(drift + sd * Z[p, k])
            mean += s
        mean = mean / steps
        pay = mean - strike
        if pay > 0.0:
            total += pay
    return math.exp(-rate * T) * total / paths


def asian_gradient(s0, vol, rate, strike, T, Z):
    paths, steps = Z.shape
    dt = T / steps
    drift = (rate - 0.5 * vol * vol) * dt
    rt = math.sqrt(dt)
    sd = vol * rt
    total = 0.0
    drift_bar = 0.0
    sd_bar = 0.0
    s0_bar = 0.0
    ss = np.empty(steps)
    for p in range(paths):
        s = s0
        mean = 0.0
        for k in range(steps):
            s = s * math.exp(drift + sd * Z[p, k])
            ss[k] = s
            mean += s
        mean = mean / steps
        pay = mean - strike
        if pay > 0.0:
            total += pay
            lam = 0.0
            for k in range(steps - 1, -1, -1):
                lam += ss[k]
                drift_bar += lam / steps
                sd_bar += lam * Z[p, k] / steps
            s0_bar += lam / (steps * s0)
    d = math.exp(-rate * T)
    w = d / paths
    drift_bar *= w
    sd_bar *= w
    s0_bar *= w
    rate_bar = -T * d * total / paths + drift_bar * dt
    vol_bar = sd_bar * rt - drift_bar * vol * dt
    return d * total / paths, (s0_bar, vol_bar, rate_bar)


ASIAN = Compiled(
    "asian",
    asian,
    asian_gradient,
    ("s0", "vol", "rate"),
    lambda: (100.0, 0.2, 0.03, 100.0, 1.0, np.random.default_rng(1).standard_normal((4, 5))),
    lambda: (100.0, 0.2, 0.03, 100.0, 1.0, np.random.default_rng(1).standard_normal((400, 50))),
)


def ncdf(x):
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def bs(S, vol, r, K, T):
    """Value of a book of calls by the formula of Black and Scholes."""
    total = 0.0
    for i in range(len(S)):
        sd = vol * math.sqrt(T)
        d1 = (math.log(S[i] / K[i]) + (r + 0.5 * vol * vol) * T) / sd
        d2 = d1 - sd
        total += S[i] * ncdf(d1) - K[i] * math.exp(-r * T) * ncdf(d2)
    return total


def bs_gradient(S, vol, r, K, T):
    S_bar = np.empty(len(S))
    total = 0.0
    vol_bar = 0.0
    r_bar = 0.0
    root = math.sqrt(T)
    sd = vol * root
    disc = math.exp(-r * T)
    scale = 1.0 / math.sqrt(2.0 * math.pi)
    for i in range(len(S)):
        d1 = (math.log(S[i] / K[i]) + (r + 0.5 * vol * vol) * T) / sd
        d2 = d1 - sd
        n1 = ncdf(d1)
        n2 = ncdf(d2)
        total += S[i] * n1 - K[i] * disc * n2
        # the two densities are known to cancel in the sum; the text alone does not say so
        d2_bar = -K[i] * disc * scale * math.exp(-0.5 * d2 * d2)
        d1_bar = S[i] * scale * math.exp(-0.5 * d1 * d1) + d2_bar
        g = d1_bar / sd
        S_bar[i] = n1 + g / S[i]
        r_bar += g * T + K[i] * T * disc * n2
        vol_bar += g * vol * T - (d2_bar + g * d1) * root
    return total, (S_bar, vol_bar, r_bar)


BS = Compiled(
    "bs",
    bs,
    bs_gradient,
    ("S", "vol", "r"),
    lambda: (np.linspace(80, 120, 4), 0.2, 0.03, np.linspace(90, 110, 4), 1.5),
    lambda: (np.linspace(80, 120, 2000), 0.2, 0.03, np.linspace(90, 110, 2000), 1.5),
)


def binomial(s, vol, r, strike, T, n):
    """Price of an American put on a binomial tree."""
    dt = T / n
    u = math.exp(vol * math.sqrt(dt))
    d = 1.0 / u
    disc = math.exp(-r * dt)
    p = (math.exp(r * dt) - d) / (u - d)
    V = np.zeros(n + 1)
    for j in range(n + 1):
        V[j] = max(strike - s * u ** (2 * j - n), 0.0)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            hold = disc * (p * V[j + 1] + (1.0 - p) * V[j])
            ex = strike - s * u ** (2 * j - i)
            V[j] = max(hold, ex)
    return V[0]


def binomial_gradient(s, vol, r, strike, T, n):
    dt = T / n
    rt = math.sqrt(dt)
    u = math.exp(vol * rt)
    d = 1.0 / u
    disc = math.exp(-r * dt)
    er = math.exp(r * dt)
    p = (er - d) / (u - d)
    V = np.zeros((n + 1, n + 1))
    for j in range(n + 1):
        V[n, j] = max(strike - s * u ** (2 * j - n), 0.0)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            hold = disc * (p * V[i + 1, j + 1] + (1.0 - p) * V[i + 1, j])
            ex = strike - s * u ** (2 * j - i)
            V[i, j] = max(hold, ex)
    V_bar = np.zeros(n + 1)
    V_bar[0] = 1.0
    s_bar = u_bar = p_bar = d_bar = 0.0
    for i in range(n):
        for j in range(i, -1, -1):
            g = V_bar[j]
            hold = disc * (p * V[i + 1, j + 1] + (1.0 - p) * V[i + 1, j])
            q = u ** (2 * j - i)
            ex = strike - s * q
            if hold > ex:
                d_bar += g * (hold / disc)
                p_bar += g * disc * (V[i + 1, j + 1] - V[i + 1, j])
                V_bar[j + 1] += g * disc * p
                V_bar[j] = g * disc * (1.0 - p)
            elif hold < ex:
                s_bar -= g * q
                u_bar -= g * s * (2 * j - i) * q / u
                V_bar[j] = 0.0
            else:
                g *= 0.5
                d_bar += g * (hold / disc)
                p_bar += g * disc * (V[i + 1, j + 1] - V[i + 1, j])
                V_bar[j + 1] += g * disc * p
                V_bar[j] = g * disc * (1.0 - p)
                s_bar -= g * q
                u_bar -= g * s * (2 * j - i) * q / u
    for j in range(n + 1):
        g = V_bar[j]
        q = u ** (2 * j - n)
        if strike - s * q > 0.0:
            s_bar -= g * q
            u_bar -= g * s * (2 * j - n) * q / u
    n_bar = p_bar / (u - d)
    dd = -n_bar * p
    u_bar += dd
    dbar = -n_bar - dd
    u_bar -= dbar * d / u
    r_bar = n_bar * er * dt - d_bar * disc * dt
    vol_bar = u_bar * u * rt
    return V[0, 0], (s_bar, vol_bar, r_bar)


BINOMIAL = Compiled(
    "binomial",
    binomial,
    binomial_gradient,
    ("s", "vol", "r"),
    lambda: (100.0, 0.2, 0.03, 105.0, 1.0, 4),
    lambda: (100.0, 0.2, 0.03, 105.0, 1.0, 200),
)


def truncated(v):
    if v > 0.0:
        return v
    return 0.0


def variance(v, kappa, theta, xi, dt, z):
    w = truncated(v)
    return v + kappa * (theta - w) * dt + xi * math.sqrt(w * dt) * z


def price(s, v, r, dt, z):
    w = truncated(v)
    return s * math.exp((r - 0.5 * w) * dt + math.sqrt(w * dt) * z)


def heston(s0, v0, kappa, theta, xi, r, strike, dt, z1, z2):
    """Price of an option where the variance of the stock is drawn too, kept from below zero."""
    paths, steps = z1.shape
    total = 0.0
    for p in range(paths):
        s = s0
        v = v0
        for t in range(steps):
            s = price(s, v, r, dt, z1[p, t])
            v = variance(v, kappa, theta, xi, dt, z2[p, t])
        if s > strike:
            total += s - strike
    return total / paths


def heston_gradient(s0, v0, kappa, theta, xi, r, strike, dt, z1, z2):
    paths, steps = z1.shape
    total = 0.0
    s0b = v0b = kb = tb = xb = 0.0
    ss = np.empty(steps + 1)
    vs = np.empty(steps)
    for p in range(paths):
        s = s0
        v = v0
        ss[0] = s
        for t in range(steps):
            vs[t] = v
            s = price(s, v, r, dt, z1[p, t])
            v = variance(v, kappa, theta, xi, dt, z2[p, t])
            ss[t + 1] = s
        if s > strike:
            total += s - strike
            sb = 1.0 / paths
            vb = 0.0
            for t in range(steps - 1, -1, -1):
                v = vs[t]
                if v > 0.0:
                    root = math.sqrt(v * dt)
                    half = 0.5 * dt / root
                    kb += vb * (theta - v) * dt
                    tb += vb * kappa * dt
                    xb += vb * root * z2[p, t]
                    g = sb * ss[t + 1]
                    vb = vb * (1.0 - kappa * dt + xi * z2[p, t] * half) + g * (
                        z1[p, t] * half - 0.5 * dt
                    )
                    sb = g / ss[t]
                else:
                    kb += vb * theta * dt
                    tb += vb * kappa * dt
                    sb = sb * ss[t + 1] / ss[t]
            s0b += sb
            v0b += vb
    return total / paths, (s0b, v0b, kb, tb, xb)


HESTON = Compiled(
    "heston",
    heston,
    heston_gradient,
    ("s0", "v0", "kappa", "theta", "xi"),
    lambda: (1.0, 0.04, 1.5, 0.05, 0.1, 0.02, 0.95, 0.1, normal(6, 5, 6), normal(7, 5, 6)),
    lambda: (1.0, 0.04, 1.5, 0.05, 0.1, 0.02, 0.95, 0.02, normal(6, 60, 50), normal(7, 60, 50)),
)
