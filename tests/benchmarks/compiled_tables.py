"""Tables that are filled by recurrences: soft time warping, an edit distance.

Takes nothing, gives `SOFTDTW`, `EDIT`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled


def softdtw(x, y, gamma):
    """Soft minimum over all alignments of two series."""
    n = len(x)
    m = len(y)
    D = np.full((n + 1, m + 1), 1e10)
    D[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            d = x[i - 1] - y[j - 1]
            a = D[i - 1, j]
            b = D[i, j - 1]
            c = D[i - 1, j - 1]
            low = min(a, b, c)
            s = (
                math.exp(-(a - low) / gamma)
                + math.exp(-(b - low) / gamma)
                + math.exp(-(c - low) / gamma)
            )
            D[i, j] = d * d + low - gamma * math.log(s)
    return D[n, m]


def softdtw_gradient(x, y, gamma):
    n = len(x)
    m = len(y)
    D = np.full((n + 1, m + 1), 1e10)
    D[0, 0] = 0.0
    ea = np.empty((n + 1, m + 1))
    eb = np.empty((n + 1, m + 1))
    ec = np.empty((n + 1, m + 1))
    ls = np.empty((n + 1, m + 1))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            d = x[i - 1] - y[j - 1]
            a = D[i - 1, j]
            b = D[i, j - 1]
            c = D[i - 1, j - 1]
            low = min(a, b, c)
            p = math.exp(-(a - low) / gamma)
            q = math.exp(-(b - low) / gamma)
            r = math.exp(-(c - low) / gamma)
            s = p + q + r
            l = math.log(s)
            ea[i, j] = p / s
            eb[i, j] = q / s
            ec[i, j] = r / s
            ls[i, j] = l
            D[i, j] = d * d + low - gamma * l
    D_bar = np.zeros((n + 1, m + 1))
    D_bar[n, m] = 1.0
    x_bar = np.zeros(n)
    y_bar = np.zeros(m)
    gamma_bar = 0.0
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            g = D_bar[i, j]
            d = 2.0 * (x[i - 1] - y[j - 1]) * g
            x_bar[i - 1] += d
            y_bar[j - 1] -= d
            p = ea[i, j]
            q = eb[i, j]
            r = ec[i, j]
            a = D[i - 1, j]
            b = D[i, j - 1]
            c = D[i - 1, j - 1]
            low = min(a, b, c)
            D_bar[i - 1, j] += g * p
            D_bar[i, j - 1] += g * q
            D_bar[i - 1, j - 1] += g * r
            gamma_bar -= g * (ls[i, j] + (p * (a - low) + q * (b - low) + r * (c - low)) / gamma)
    return D[n, m], (x_bar, y_bar, gamma_bar)


def softdtw_small():
    return np.sin(np.linspace(0, 4, 5)), np.sin(np.linspace(0.3, 4.2, 4)), 0.5


def softdtw_real():
    return np.sin(np.linspace(0, 4, 100)), np.sin(np.linspace(0.3, 4.2, 90)), 0.5


SOFTDTW = Compiled(
    "softdtw", softdtw, softdtw_gradient, ("x", "y", "gamma"), softdtw_small, softdtw_real
)


def edit(x, y, gap):
    """Least cost of an alignment of two series."""
    n = len(x)
    m = len(y)
    D = np.zeros((n + 1, m + 1))
    for i in range(1, n + 1):
        D[i, 0] = D[i - 1, 0] + gap
    for j in range(1, m + 1):
        D[0, j] = D[0, j - 1] + gap
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best = D[i - 1, j - 1] + (x[i - 1] - y[j - 1]) ** 2
            up = D[i - 1, j] + gap
            if up < best:
                best = up
            left = D[i, j - 1] + gap
            if left < best:
                best = left
            D[i, j] = best
    return D[n, m]


def edit_gradient(x, y, gap):
    n = len(x)
    m = len(y)
    D = np.zeros((n + 1, m + 1))
    how = np.empty((n + 1, m + 1), np.int8)
    for i in range(1, n + 1):
        D[i, 0] = D[i - 1, 0] + gap
    for j in range(1, m + 1):
        D[0, j] = D[0, j - 1] + gap
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best = D[i - 1, j - 1] + (x[i - 1] - y[j - 1]) ** 2
            h = 0
            up = D[i - 1, j] + gap
            if up < best:
                best = up
                h = 1
            left = D[i, j - 1] + gap
            if left < best:
                best = left
                h = 2
            D[i, j] = best
            how[i, j] = h
    x_bar = np.zeros(n)
    y_bar = np.zeros(m)
    gap_bar = 0.0
    D_bar = np.zeros((n + 1, m + 1))
    D_bar[n, m] = 1.0
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            g = D_bar[i, j]
            h = how[i, j]
            if h == 0:
                D_bar[i - 1, j - 1] += g
                d = 2.0 * (x[i - 1] - y[j - 1]) * g
                x_bar[i - 1] += d
                y_bar[j - 1] -= d
            elif h == 1:
                D_bar[i - 1, j] += g
                gap_bar += g
            else:
                D_bar[i, j - 1] += g
                gap_bar += g
    for j in range(m, 0, -1):
        gap_bar += D_bar[0, j]
        D_bar[0, j - 1] += D_bar[0, j]
    for i in range(n, 0, -1):
        gap_bar += D_bar[i, 0]
        D_bar[i - 1, 0] += D_bar[i, 0]
    return D[n, m], (x_bar, y_bar, gap_bar)


EDIT = Compiled(
    "edit",
    edit,
    edit_gradient,
    ("x", "y", "gap"),
    lambda: (np.sin(np.linspace(0, 4, 6)), np.sin(np.linspace(0.3, 4.2, 5)), 0.3),
    lambda: (np.sin(np.linspace(0, 4, 300)), np.sin(np.linspace(0.3, 4.2, 280)), 0.3),
)
