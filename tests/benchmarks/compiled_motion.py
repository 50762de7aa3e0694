"""Motion: gravity of many bodies, a bouncing ball, Lorenz, energies of pairs.

Takes nothing, gives `NBODY`, `FALL`, `LORENZ`, `PAIRS`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal, uniform


def nbody(x0, v0, m, dt, steps):
    """Energy of bodies after so many steps of the leapfrog method."""
    n = len(m)
    x = x0.copy()
    v = v0.copy()
    for t in range(steps):
        for i in range(n):
            ax = 0.0
            ay = 0.0
            for j in range(n):
                if j != i:
                    dx = x[j, 0] - x[i, 0]
                    dy = x[j, 1] - x[i, 1]
                    r2 = dx * dx + dy * dy + 0.01
                    w = m[j] / (r2 * math.sqrt(r2))
                    ax += w * dx
                    ay += w * dy
            v[i, 0] += dt * ax
            v[i, 1] += dt * ay
        for i in range(n):
            x[i, 0] += dt * v[i, 0]
            x[i, 1] += dt * v[i, 1]
    e = 0.0
    for i in range(n):
        e += 0.5 * m[i] * (v[i, 0] ** 2 + v[i, 1] ** 2)
    return e


def nbody_gradient(x0, v0, m, dt, steps):
    n = len(m)
    xs = np.empty((steps, n, 2))
    x = x0.copy()
    v = v0.copy()
    for t in range(steps):
        xs[t] = x
        for i in range(n):
            ax = 0.0
            ay = 0.0
            for j in range(n):
                if j != i:
                    dx = x[j, 0] - x[i, 0]
                    dy = x[j, 1] - x[i, 1]
                    r2 = dx * dx + dy * dy + 0.01
                    w = m[j] / (r2 * math.sqrt(r2))
                    ax += w * dx
                    ay += w * dy
            v[i, 0] += dt * ax
            v[i, 1] += dt * ay
        for i in range(n):
            x[i, 0] += dt * v[i, 0]
            x[i, 1] += dt * v[i, 1]
    e = 0.0
    m_bar = np.zeros(n)
    v_bar = np.empty((n, 2))
    x_bar = np.zeros((n, 2))
    for i in range(n):
        k = 0.5 * (v[i, 0] ** 2 + v[i, 1] ** 2)
        e += m[i] * k
        m_bar[i] = k
        v_bar[i, 0] = m[i] * v[i, 0]
        v_bar[i, 1] = m[i] * v[i, 1]
    for t in range(steps - 1, -1, -1):
        x = xs[t]
        for i in range(n):
            v_bar[i, 0] += dt * x_bar[i, 0]
            v_bar[i, 1] += dt * x_bar[i, 1]
        for i in range(n):
            ax_bar = dt * v_bar[i, 0]
            ay_bar = dt * v_bar[i, 1]
            xi = 0.0
            yi = 0.0
            for j in range(n):
                if j != i:
                    dx = x[j, 0] - x[i, 0]
                    dy = x[j, 1] - x[i, 1]
                    r2 = dx * dx + dy * dy + 0.01
                    q = 1.0 / (r2 * math.sqrt(r2))
                    w = m[j] * q
                    p = dx * ax_bar + dy * ay_bar
                    m_bar[j] += p * q
                    r2_bar = -3.0 * p * w / r2
                    dx_bar = w * ax_bar + dx * r2_bar
                    dy_bar = w * ay_bar + dy * r2_bar
                    x_bar[j, 0] += dx_bar
                    x_bar[j, 1] += dy_bar
                    xi -= dx_bar
                    yi -= dy_bar
            x_bar[i, 0] += xi
            x_bar[i, 1] += yi
    return e, (x_bar, v_bar, m_bar)


NBODY = Compiled(
    "nbody",
    nbody,
    nbody_gradient,
    ("x0", "v0", "m"),
    lambda: (
        np.array([[0.0, 1.0], [1.0, 0.2], [-1.0, 0.3]]),
        np.full((3, 2), 0.1),
        np.array([1.0, 0.5, 0.7]),
        0.01,
        3,
    ),
    lambda: (normal(1, 12, 2) * 3, normal(2, 12, 2) * 0.1, uniform(3, 12) + 0.5, 0.01, 40),
)


def fall(h, v, c, e, dt, T):
    """Height and energy of a ball after a time, with drag and bounces."""
    t = 0.0
    bounces = 0
    while t < T and bounces < 50:
        v = v - dt * (9.81 + c * v * abs(v))
        h = h + dt * v
        if h < 0.0:
            h = -h * e
            v = -v * e
            bounces += 1
        t += dt
    return h + 0.1 * v * v


def fall_gradient(h, v, c, e, dt, T):
    t = 0.0
    bounces = 0
    speeds = []
    after = []
    heights = []
    while t < T and bounces < 50:
        speeds.append(v)
        v = v - dt * (9.81 + c * v * abs(v))
        h = h + dt * v
        after.append(v)
        heights.append(h)
        if h < 0.0:
            h = -h * e
            v = -v * e
            bounces += 1
        t += dt
    result = h + 0.1 * v * v
    h_bar = 1.0
    v_bar = 0.2 * v
    c_bar = 0.0
    e_bar = 0.0
    for i in range(len(speeds) - 1, -1, -1):
        if heights[i] < 0.0:
            e_bar -= after[i] * v_bar + heights[i] * h_bar
            v_bar = -e * v_bar
            h_bar = -e * h_bar
        v_bar += dt * h_bar
        v = speeds[i]
        g = dt * abs(v) * v_bar
        c_bar -= g * v
        v_bar -= 2.0 * c * g
    return result, (h_bar, v_bar, c_bar, e_bar)


FALL = Compiled(
    "fall",
    fall,
    fall_gradient,
    ("h", "v", "c", "e"),
    lambda: (2.0, 1.0, 0.05, 0.9, 0.05, 2.0),
    lambda: (10.0, 1.0, 0.05, 0.9, 0.0005, 25.0),
)


def lorenz(x, y, z, s, r, b, dt, n):
    """Distance from the origin after so many steps of the midpoint method."""
    for i in range(n):
        k1x = s * (y - x)
        k1y = x * (r - z) - y
        k1z = x * y - b * z
        xm = x + 0.5 * dt * k1x
        ym = y + 0.5 * dt * k1y
        zm = z + 0.5 * dt * k1z
        x = x + dt * s * (ym - xm)
        y = y + dt * (xm * (r - zm) - ym)
        z = z + dt * (xm * ym - b * zm)
    return x * x + y * y + z


def lorenz_gradient(x, y, z, s, r, b, dt, n):
    X = np.empty(n)
    Y = np.empty(n)
    Z = np.empty(n)
    h = 0.5 * dt
    for i in range(n):
        X[i] = x
        Y[i] = y
        Z[i] = z
        xm = x + h * (s * (y - x))
        ym = y + h * (x * (r - z) - y)
        zm = z + h * (x * y - b * z)
        x = x + dt * s * (ym - xm)
        y = y + dt * (xm * (r - zm) - ym)
        z = z + dt * (xm * ym - b * zm)
    out = x * x + y * y + z
    x_bar = 2.0 * x
    y_bar = 2.0 * y
    z_bar = 1.0
    s_bar = 0.0
    r_bar = 0.0
    b_bar = 0.0
    for i in range(n - 1, -1, -1):
        x = X[i]
        y = Y[i]
        z = Z[i]
        xm = x + h * (s * (y - x))
        ym = y + h * (x * (r - z) - y)
        zm = z + h * (x * y - b * z)
        gx = dt * x_bar
        gy = dt * y_bar
        gz = dt * z_bar
        s_bar += gx * (ym - xm)
        r_bar += gy * xm
        b_bar -= gz * zm
        xm_bar = -s * gx + gy * (r - zm) + gz * ym
        ym_bar = s * gx - gy + gz * xm
        zm_bar = -gy * xm - gz * b
        gx = h * xm_bar
        gy = h * ym_bar
        gz = h * zm_bar
        s_bar += gx * (y - x)
        r_bar += gy * x
        b_bar -= gz * z
        x_bar += xm_bar - s * gx + gy * (r - z) + gz * y
        y_bar += ym_bar + s * gx - gy + gz * x
        z_bar += zm_bar - gy * x - gz * b
    return out, (x_bar, y_bar, z_bar, s_bar, r_bar, b_bar)


LORENZ = Compiled(
    "lorenz",
    lorenz,
    lorenz_gradient,
    ("x", "y", "z", "s", "r", "b"),
    lambda: (1.0, 1.1, 20.0, 10.0, 28.0, 2.67, 0.002, 5),
    lambda: (1.0, 1.1, 20.0, 10.0, 28.0, 2.67, 0.002, 5000),
)


def pairs(x, y):
    """Energy of all pairs by Lennard-Jones."""
    n = len(x)
    e = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            dx = x[i] - x[j]
            dy = y[i] - y[j]
            r2 = dx * dx + dy * dy + 0.1
            s6 = 1.0 / (r2 * r2 * r2)
            e += 4.0 * (s6 * s6 - s6)
    return e


def pairs_gradient(x, y):
    n = len(x)
    e = 0.0
    x_bar = np.zeros(n)
    y_bar = np.zeros(n)
    for i in range(n):
        xi = 0.0
        yi = 0.0
        for j in range(i + 1, n):
            dx = x[i] - x[j]
            dy = y[i] - y[j]
            r2 = dx * dx + dy * dy + 0.1
            s6 = 1.0 / (r2 * r2 * r2)
            e += 4.0 * (s6 * s6 - s6)
            g = -24.0 * (2.0 * s6 - 1.0) * s6 / r2
            gx = g * dx
            gy = g * dy
            xi += gx
            yi += gy
            x_bar[j] -= gx
            y_bar[j] -= gy
        x_bar[i] += xi
        y_bar[i] += yi
    return e, (x_bar, y_bar)


PAIRS = Compiled(
    "pairs",
    pairs,
    pairs_gradient,
    ("x", "y"),
    lambda: (np.array([0.0, 1.0, 0.4]), np.array([0.2, 0.5, -0.1])),
    lambda: (normal(4, 150), normal(5, 150)),
)
