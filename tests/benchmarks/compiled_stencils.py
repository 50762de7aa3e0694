"""Stencils: in time with two buffers, with a fresh array, in two dimensions, in place.

Takes nothing, gives `STENCIL`, `JACOBI`, `DIFFUSE`, `SEIDEL`; requires program.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.compiled_program import Compiled


def stencil(u0, c, r, steps):
    """Energy after so many steps of diffusion with growth, by two buffers."""
    n = len(u0)
    u = u0.copy()
    v = u0.copy()
    for t in range(steps):
        for i in range(1, n - 1):
            v[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1]) + r * u[i] * (1.0 - u[i])
        for i in range(n):
            u[i] = v[i]
    s = 0.0
    for i in range(n):
        s += u[i] * u[i]
    return s


def stencil_gradient(u0, c, r, steps):
    n = len(u0)
    us = np.empty((steps + 1, n))
    us[0] = u0
    for t in range(steps):
        u = us[t]
        v = us[t + 1]
        v[0] = u[0]
        v[n - 1] = u[n - 1]
        for i in range(1, n - 1):
            v[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1]) + r * u[i] * (1.0 - u[i])
    s = 0.0
    u = us[steps]
    for i in range(n):
        s += u[i] * u[i]
    u_bar = 2.0 * u
    c_bar = 0.0
    r_bar = 0.0
    next_bar = np.empty(n)
    for t in range(steps - 1, -1, -1):
        u = us[t]
        next_bar[:] = 0.0
        next_bar[0] = u_bar[0]
        next_bar[n - 1] = u_bar[n - 1]
        for i in range(1, n - 1):
            g = u_bar[i]
            c_bar += g * (u[i - 1] - 2.0 * u[i] + u[i + 1])
            r_bar += g * u[i] * (1.0 - u[i])
            next_bar[i - 1] += c * g
            next_bar[i] += g * (1.0 - 2.0 * c + r * (1.0 - 2.0 * u[i]))
            next_bar[i + 1] += c * g
        u_bar, next_bar = next_bar, u_bar
    return s, (u_bar, c_bar, r_bar)


STENCIL = Compiled(
    "stencil",
    stencil,
    stencil_gradient,
    ("u0", "c", "r"),
    lambda: (np.sin(np.linspace(0, 3, 7)) * 0.5 + 0.2, 0.2, 0.05, 4),
    lambda: (np.sin(np.linspace(0, 3, 400)) * 0.5 + 0.2, 0.2, 0.05, 200),
)


def jacobi(u0, c, steps):
    """Energy after so many steps, each of which makes a new array."""
    u = u0.copy()
    for t in range(steps):
        v = u.copy()
        for i in range(1, len(u) - 1):
            v[i] = u[i] + c * u[i] * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u = v
    s = 0.0
    for i in range(len(u)):
        s += u[i] * u[i]
    return s


def jacobi_gradient(u0, c, steps):
    n = len(u0)
    us = np.empty((steps + 1, n))
    us[0] = u0
    for t in range(steps):
        u = us[t]
        v = us[t + 1]
        v[0] = u[0]
        v[n - 1] = u[n - 1]
        for i in range(1, n - 1):
            v[i] = u[i] + c * u[i] * (u[i - 1] - 2.0 * u[i] + u[i + 1])
    s = 0.0
    u = us[steps]
    for i in range(n):
        s += u[i] * u[i]
    u_bar = 2.0 * u
    c_bar = 0.0
    next_bar = np.empty(n)
    for t in range(steps - 1, -1, -1):
        u = us[t]
        next_bar[:] = 0.0
        next_bar[0] = u_bar[0]
        next_bar[n - 1] = u_bar[n - 1]
        for i in range(1, n - 1):
            g = u_bar[i]
            lap = u[i - 1] - 2.0 * u[i] + u[i + 1]
            c_bar += g * u[i] * lap
            w = c * u[i] * g
            next_bar[i - 1] += w
            next_bar[i] += g + c * lap * g - 2.0 * w
            next_bar[i + 1] += w
        u_bar, next_bar = next_bar, u_bar
    return s, (u_bar, c_bar)


JACOBI = Compiled(
    "jacobi",
    jacobi,
    jacobi_gradient,
    ("u0", "c"),
    lambda: (np.sin(np.linspace(0, 3, 7)), 0.2, 4),
    lambda: (np.sin(np.linspace(0, 3, 400)), 0.2, 200),
)


def diffuse(u0, k, steps):
    """Energy of a plate after so many steps of diffusion that depends on the temperature."""
    n, m = u0.shape
    u = u0.copy()
    for t in range(steps):
        new = u.copy()
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                lap = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                new[i, j] = u[i, j] + k * lap * (1.0 + u[i, j] * u[i, j])
        u = new
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += u[i, j] * u[i, j]
    return total


def diffuse_gradient(u0, k, steps):
    n, m = u0.shape
    us = np.empty((steps + 1, n, m))
    us[0] = u0
    for t in range(steps):
        u = us[t]
        new = us[t + 1]
        new[:] = u
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                lap = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                new[i, j] = u[i, j] + k * lap * (1.0 + u[i, j] * u[i, j])
    u = us[steps]
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += u[i, j] * u[i, j]
    u_bar = 2.0 * u
    k_bar = 0.0
    for t in range(steps - 1, -1, -1):
        u = us[t]
        next_bar = u_bar
        u_bar = next_bar.copy()
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                g = next_bar[i, j]
                v = u[i, j]
                w = 1.0 + v * v
                lap = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * v
                k_bar += g * lap * w
                lap_bar = g * k * w
                u_bar[i, j] += 2.0 * v * k * lap * g - 4.0 * lap_bar
                u_bar[i - 1, j] += lap_bar
                u_bar[i + 1, j] += lap_bar
                u_bar[i, j - 1] += lap_bar
                u_bar[i, j + 1] += lap_bar
    return total, (u_bar, k_bar)


def diffuse_small():
    x = np.linspace(0, 1, 5)
    return np.outer(np.sin(3 * x), np.cos(2 * x)) + 0.3, 0.1, 3


def diffuse_real():
    x = np.linspace(0, 1, 48)
    return np.outer(np.sin(3 * x), np.cos(2 * x)) + 0.3, 0.1, 30


DIFFUSE = Compiled("diffuse", diffuse, diffuse_gradient, ("u0", "k"), diffuse_small, diffuse_real)


def seidel(b, k, sweeps):
    """Energy of a field after so many sweeps in place."""
    n, m = b.shape
    u = np.zeros((n, m))
    for t in range(sweeps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = b[i, j] + k * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += u[i, j] * u[i, j]
    return total


def seidel_gradient(b, k, sweeps):
    n, m = b.shape
    us = np.zeros((sweeps + 1, n, m))
    for t in range(sweeps):
        old = us[t]
        u = us[t + 1]
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = b[i, j] + k * (u[i - 1, j] + old[i + 1, j] + u[i, j - 1] + old[i, j + 1])
    u = us[sweeps]
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += u[i, j] * u[i, j]
    u_bar = 2.0 * u
    b_bar = np.zeros((n, m))
    k_bar = 0.0
    for t in range(sweeps - 1, -1, -1):
        old = us[t]
        u = us[t + 1]
        for i in range(n - 2, 0, -1):
            for j in range(m - 2, 0, -1):
                g = u_bar[i, j]
                b_bar[i, j] += g
                k_bar += g * (u[i - 1, j] + old[i + 1, j] + u[i, j - 1] + old[i, j + 1])
                u_bar[i, j] = 0.0
                g *= k
                u_bar[i - 1, j] += g
                u_bar[i + 1, j] += g
                u_bar[i, j - 1] += g
                u_bar[i, j + 1] += g
    return total, (b_bar, k_bar)


SEIDEL = Compiled(
    "seidel",
    seidel,
    seidel_gradient,
    ("b", "k"),
    lambda: (np.sin(np.arange(20).reshape(5, 4) * 0.4), 0.24, 3),
    lambda: (np.sin(np.arange(60 * 60).reshape(60, 60) * 0.1), 0.24, 20),
)
