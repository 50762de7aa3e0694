"""Iterations that end when they have converged: relaxation, Kepler's equation, bisection.

Takes nothing, gives `RELAX`, `KEPLER`, `BISECT`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled


def relax(a, b):
    """Squared fixed points of a damped iteration, for each number."""
    total = 0.0
    for i in range(len(a)):
        x = 0.5
        d = 1.0
        while d > 1e-8:
            y = a[i] * math.cos(x) + b * x * (1.0 - x)
            d = abs(y - x)
            x = 0.5 * (x + y)
        total += x * x
    return total


def relax_gradient(a, b):
    total = 0.0
    size = 64
    xs = np.empty(size)
    a_bar = np.zeros(len(a))
    b_bar = 0.0
    for i in range(len(a)):
        x = 0.5
        d = 1.0
        k = 0
        while d > 1e-8:
            if k == size:
                size *= 2
                new = np.empty(size)
                new[:k] = xs
                xs = new
            xs[k] = x
            k += 1
            y = a[i] * math.cos(x) + b * x * (1.0 - x)
            d = abs(y - x)
            x = 0.5 * (x + y)
        total += x * x
        x_bar = 2.0 * x
        g = 0.0
        for j in range(k - 1, -1, -1):
            x = xs[j]
            y_bar = 0.5 * x_bar
            g += y_bar * math.cos(x)
            b_bar += y_bar * x * (1.0 - x)
            x_bar = y_bar * (1.0 - a[i] * math.sin(x) + b * (1.0 - 2.0 * x))
        a_bar[i] = g
    return total, (a_bar, b_bar)


RELAX = Compiled(
    "relax",
    relax,
    relax_gradient,
    ("a", "b"),
    lambda: (np.linspace(0.2, 0.9, 3), 0.7),
    lambda: (np.linspace(0.2, 0.95, 300), 0.7),
)


def kepler(M, e):
    """Sum over the cosines of eccentric anomalies, by Newton's method."""
    total = 0.0
    for i in range(len(M)):
        E = M[i]
        d = 1.0
        while abs(d) > 1e-10:
            d = (E - e * math.sin(E) - M[i]) / (1.0 - e * math.cos(E))
            E = E - d
        total += math.cos(E)
    return total


def kepler_gradient(M, e):
    M_bar = np.empty(len(M))
    e_bar = 0.0
    total = 0.0
    sines = [0.0]
    cosines = [0.0]
    steps = [0.0]
    for i in range(len(M)):
        E = M[i]
        d = 1.0
        k = 0
        while abs(d) > 1e-10:
            sin = math.sin(E)
            cos = math.cos(E)
            d = (E - e * sin - M[i]) / (1.0 - e * cos)
            if k == len(steps):
                sines.append(0.0)
                cosines.append(0.0)
                steps.append(0.0)
            sines[k] = sin
            cosines[k] = cos
            steps[k] = d
            k += 1
            E = E - d
        total += math.cos(E)
        E_bar = -math.sin(E)
        M_item_bar = 0.0
        for j in range(k - 1, -1, -1):
            sin = sines[j]
            cos = cosines[j]
            g = E_bar / (1.0 - e * cos)
            M_item_bar += g
            e_bar += g * (sin - steps[j] * cos)
            E_bar = g * e * sin * steps[j]
        M_bar[i] = M_item_bar + E_bar
    return total, (M_bar, e_bar)


KEPLER = Compiled(
    "kepler",
    kepler,
    kepler_gradient,
    ("M", "e"),
    lambda: (np.linspace(0.1, 3.0, 4), 0.5),
    lambda: (np.linspace(0.1, 3.0, 2000), 0.5),
)


def bisect(a, b):
    """Roots of cubics by bisection and one step of Newton's method."""
    total = 0.0
    for i in range(len(a)):
        lo = 0.0
        hi = a[i] + 1.0
        while hi - lo > 1e-9:
            mid = 0.5 * (lo + hi)
            if mid * mid * mid + b * mid - a[i] > 0.0:
                hi = mid
            else:
                lo = mid
        x = 0.5 * (lo + hi)
        f = x * x * x + b * x - a[i]
        x = x - f / (3.0 * x * x + b)
        total += x
    return total


def bisect_gradient(a, b):
    n = len(a)
    a_bar = np.empty(n)
    b_bar = 0.0
    total = 0.0
    size = 64
    took = np.empty(size, np.bool_)
    for i in range(n):
        lo = 0.0
        hi = a[i] + 1.0
        k = 0
        while hi - lo > 1e-9:
            if k == size:
                size *= 2
                new = np.empty(size, np.bool_)
                new[:k] = took
                took = new
            mid = 0.5 * (lo + hi)
            high = mid * mid * mid + b * mid - a[i] > 0.0
            took[k] = high
            k += 1
            if high:
                hi = mid
            else:
                lo = mid
        x = 0.5 * (lo + hi)
        f = x * x * x + b * x - a[i]
        den = 3.0 * x * x + b
        q = f / den
        total += x - q
        f_bar = -1.0 / den
        den_bar = q / den
        x_bar = 1.0 + f_bar * (3.0 * x * x + b) + den_bar * 6.0 * x
        b_bar += f_bar * x + den_bar
        gb = -f_bar
        lo_bar = 0.5 * x_bar
        hi_bar = 0.5 * x_bar
        for j in range(k - 1, -1, -1):
            if took[j]:
                lo_bar += 0.5 * hi_bar
                hi_bar = 0.5 * hi_bar
            else:
                hi_bar += 0.5 * lo_bar
                lo_bar = 0.5 * lo_bar
        a_bar[i] = gb + hi_bar
    return total, (a_bar, b_bar)


BISECT = Compiled(
    "bisect",
    bisect,
    bisect_gradient,
    ("a", "b"),
    lambda: (np.linspace(0.5, 3.0, 3), 0.3),
    lambda: (np.linspace(0.5, 3.0, 500), 0.3),
)
