"""Values on grids: advection with a limiter, a convolution, a table that is looked up, a
picture without noise.

Takes nothing, gives `ADVECT`, `CONVOLVE`, `LOOKUP`, `DENOISE`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal, uniform


def minmod(a, b):
    if a * b <= 0.0:
        return 0.0
    if abs(a) < abs(b):
        return a
    return b


def advect(u0, c, steps):
    """Energy of a wave that is carried along a ring, with limited slopes."""
    n = len(u0)
    u = u0.copy()
    flux = np.zeros(n)
    for t in range(steps):
        for i in range(n):
            slope = minmod(u[i] - u[i - 1], u[(i + 1) % n] - u[i])
            flux[i] = c * (u[i] + 0.5 * (1.0 - c) * slope)
        for i in range(n):
            u[i] = u[i] - (flux[i] - flux[i - 1])
    total = 0.0
    for i in range(n):
        total += u[i] * u[i]
    return total


def advect_gradient(u0, c, steps):
    n = len(u0)
    us = np.empty((steps + 1, n))
    flux = np.empty(n)
    us[0] = u0
    for t in range(steps):
        u = us[t]
        for i in range(n):
            slope = minmod(u[i] - u[i - 1], u[(i + 1) % n] - u[i])
            flux[i] = c * (u[i] + 0.5 * (1.0 - c) * slope)
        for i in range(n):
            us[t + 1, i] = u[i] - (flux[i] - flux[i - 1])
    u = us[steps]
    total = 0.0
    for i in range(n):
        total += u[i] * u[i]
    u_bar = 2.0 * u
    flux_bar = np.empty(n)
    c_bar = 0.0
    for t in range(steps - 1, -1, -1):
        u = us[t]
        for i in range(n):
            flux_bar[i] = u_bar[(i + 1) % n] - u_bar[i]
        for i in range(n):
            a = u[i] - u[i - 1]
            b = u[(i + 1) % n] - u[i]
            g = flux_bar[i]
            u_bar[i] += c * g
            if a * b <= 0.0:
                c_bar += g * u[i]
            else:
                slope_bar = 0.5 * c * (1.0 - c) * g
                if abs(a) < abs(b):
                    c_bar += g * (u[i] + (0.5 - c) * a)
                    u_bar[i] += slope_bar
                    u_bar[i - 1] -= slope_bar
                else:
                    c_bar += g * (u[i] + (0.5 - c) * b)
                    u_bar[(i + 1) % n] += slope_bar
                    u_bar[i] -= slope_bar
    return total, (u_bar, c_bar)


ADVECT = Compiled(
    "advect",
    advect,
    advect_gradient,
    ("u0", "c"),
    lambda: (np.sin(np.arange(6.0) * 1.3), 0.4, 3),
    lambda: (np.sin(np.linspace(0.0, 6.0, 300)), 0.4, 100),
)


def convolve(x, w, b, v):
    """Weighed sum of what a rectifier leaves of a convolution."""
    n = len(x)
    m, k = w.shape
    total = 0.0
    for i in range(n - k + 1):
        for f in range(m):
            y = b[f]
            for j in range(k):
                y += w[f, j] * x[i + j]
            if y > 0.0:
                total += v[f] * math.log(1.0 + y)
    return total


def convolve_gradient(x, w, b, v):
    n = len(x)
    m, k = w.shape
    total = 0.0
    x_bar = np.zeros(n)
    w_bar = np.zeros((m, k))
    b_bar = np.zeros(m)
    v_bar = np.zeros(m)
    for i in range(n - k + 1):
        for f in range(m):
            y = b[f]
            for j in range(k):
                y += w[f, j] * x[i + j]
            if y > 0.0:
                z = math.log(1.0 + y)
                total += v[f] * z
                v_bar[f] += z
                y_bar = v[f] / (1.0 + y)
                b_bar[f] += y_bar
                for j in range(k):
                    w_bar[f, j] += y_bar * x[i + j]
                    x_bar[i + j] += y_bar * w[f, j]
    return total, (x_bar, w_bar, b_bar, v_bar)


CONVOLVE = Compiled(
    "convolve",
    convolve,
    convolve_gradient,
    ("x", "w", "b", "v"),
    lambda: (normal(35, 6), normal(36, 2, 3), normal(37, 2), normal(38, 2)),
    lambda: (normal(35, 1000), normal(36, 6, 7), normal(37, 6), normal(38, 6)),
)


def lookup(xs, ys, at, scale):
    """Squares of what a piecewise linear table gives, found by halving."""
    total = 0.0
    for k in range(len(at)):
        x = at[k] * scale
        lo = 0
        hi = len(xs) - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if xs[mid] <= x:
                lo = mid
            else:
                hi = mid
        part = (x - xs[lo]) / (xs[hi] - xs[lo])
        y = ys[lo] + part * (ys[hi] - ys[lo])
        total += y * y
    return total


def lookup_gradient(xs, ys, at, scale):
    total = 0.0
    ys_bar = np.zeros(len(ys))
    at_bar = np.empty(len(at))
    scale_bar = 0.0
    for k in range(len(at)):
        x = at[k] * scale
        lo = 0
        hi = len(xs) - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if xs[mid] <= x:
                lo = mid
            else:
                hi = mid
        width = xs[hi] - xs[lo]
        part = (x - xs[lo]) / width
        rise = ys[hi] - ys[lo]
        y = ys[lo] + part * rise
        total += y * y
        y_bar = 2.0 * y
        ys_bar[lo] += (1.0 - part) * y_bar
        ys_bar[hi] += part * y_bar
        x_bar = y_bar * rise / width
        at_bar[k] = x_bar * scale
        scale_bar += x_bar * at[k]
    return total, (ys_bar, at_bar, scale_bar)


LOOKUP = Compiled(
    "lookup",
    lookup,
    lookup_gradient,
    ("ys", "at", "scale"),
    lambda: (np.array([0.0, 0.4, 0.7, 1.5]), normal(39, 4), np.array([0.1, 0.9, 0.5]), 1.1),
    lambda: (np.linspace(0.0, 1.2, 200), normal(39, 200), uniform(40, 3000), 1.1),
)


def denoise(u, f, delta, lam):
    """Distance of a picture from a noisy one; large steps between pixels cost less."""
    n, m = u.shape
    e = 0.0
    for i in range(n):
        for j in range(m):
            d = u[i, j] - f[i, j]
            e += 0.5 * d * d
            if i + 1 < n:
                g = u[i + 1, j] - u[i, j]
                if abs(g) <= delta:
                    e += lam * 0.5 * g * g
                else:
                    e += lam * delta * (abs(g) - 0.5 * delta)
            if j + 1 < m:
                g = u[i, j + 1] - u[i, j]
                if abs(g) <= delta:
                    e += lam * 0.5 * g * g
                else:
                    e += lam * delta * (abs(g) - 0.5 * delta)
    return e


def denoise_gradient(u, f, delta, lam):
    n, m = u.shape
    e = 0.0
    u_bar = np.zeros((n, m))
    delta_bar = 0.0
    for i in range(n):
        for j in range(m):
            d = u[i, j] - f[i, j]
            e += 0.5 * d * d
            u_bar[i, j] += d
            if i + 1 < n:
                g = u[i + 1, j] - u[i, j]
                if abs(g) <= delta:
                    e += lam * 0.5 * g * g
                    q = lam * g
                else:
                    e += lam * delta * (abs(g) - 0.5 * delta)
                    delta_bar += lam * (abs(g) - delta)
                    q = lam * delta if g > 0.0 else -lam * delta
                u_bar[i + 1, j] += q
                u_bar[i, j] -= q
            if j + 1 < m:
                g = u[i, j + 1] - u[i, j]
                if abs(g) <= delta:
                    e += lam * 0.5 * g * g
                    q = lam * g
                else:
                    e += lam * delta * (abs(g) - 0.5 * delta)
                    delta_bar += lam * (abs(g) - delta)
                    q = lam * delta if g > 0.0 else -lam * delta
                u_bar[i, j + 1] += q
                u_bar[i, j] -= q
    return e, (u_bar, delta_bar)


DENOISE = Compiled(
    "denoise",
    denoise,
    denoise_gradient,
    ("u", "delta"),
    lambda: (normal(1, 3, 4), normal(2, 3, 4), 0.5, 0.7),
    lambda: (normal(1, 40, 50), normal(2, 40, 50), 0.5, 0.7),
)
