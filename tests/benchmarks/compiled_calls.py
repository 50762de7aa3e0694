"""Call trees: a spring through five functions, a layer with a loop below it.

Takes nothing, gives `CALLS`, `TREE`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled


def spring_force(x, k, e):
    return -k * x * (1.0 + e * x * x)


def friction(v, c):
    return -c * v * abs(v)


def force(x, v, k, e, c):
    return spring_force(x, k, e) + friction(v, c)


def advance(x, v, k, e, c, dt):
    a = force(x, v, k, e, c)
    vm = v + 0.5 * dt * a
    xn = x + dt * vm
    a2 = force(xn, vm, k, e, c)
    return xn, vm + 0.5 * dt * a2


def energy(x, v, k, e):
    return 0.5 * v * v + 0.5 * k * x * x + 0.25 * k * e * x**4


def calls(x, v, k, e, c, dt, n):
    """Mean energy of a damped stiffening spring."""
    total = 0.0
    for i in range(n):
        x, v = advance(x, v, k, e, c, dt)
        total += energy(x, v, k, e)
    return total / n


def calls_gradient(x, v, k, e, c, dt, n):
    xs = np.empty(n + 1)
    vs = np.empty(n + 1)
    xs[0] = x
    vs[0] = v
    total = 0.0
    for i in range(n):
        a = force(x, v, k, e, c)
        vm = v + 0.5 * dt * a
        x = x + dt * vm
        v = vm + 0.5 * dt * force(x, vm, k, e, c)
        xs[i + 1] = x
        vs[i + 1] = v
        total += 0.5 * v * v + 0.5 * k * x * x + 0.25 * k * e * x**4
    g = 1.0 / n
    x_bar = 0.0
    v_bar = 0.0
    k_bar = 0.0
    e_bar = 0.0
    c_bar = 0.0
    for i in range(n - 1, -1, -1):
        xn = xs[i + 1]
        vn = vs[i + 1]
        x = xs[i]
        v = vs[i]
        x2 = xn * xn
        v_bar += g * vn
        x_bar += g * k * xn * (1.0 + e * x2)
        k_bar += g * (0.5 * x2 + 0.25 * e * x2 * x2)
        e_bar += g * 0.25 * k * x2 * x2
        vm = v + 0.5 * dt * force(x, v, k, e, c)
        a_bar = 0.5 * dt * v_bar
        k_bar -= a_bar * xn * (1.0 + e * x2)
        e_bar -= a_bar * k * xn * x2
        x_bar -= a_bar * k * (1.0 + 3.0 * e * x2)
        c_bar -= a_bar * vm * abs(vm)
        vm_bar = v_bar - 2.0 * c * abs(vm) * a_bar + dt * x_bar
        a_bar = 0.5 * dt * vm_bar
        x2 = x * x
        k_bar -= a_bar * x * (1.0 + e * x2)
        e_bar -= a_bar * k * x * x2
        x_bar -= a_bar * k * (1.0 + 3.0 * e * x2)
        c_bar -= a_bar * v * abs(v)
        v_bar = vm_bar - 2.0 * c * abs(v) * a_bar
    return total / n, (x_bar, v_bar, k_bar, e_bar, c_bar)


CALLS = Compiled(
    "calls",
    calls,
    calls_gradient,
    ("x", "v", "k", "e", "c"),
    lambda: (1.0, 0.2, 2.0, 0.3, 0.1, 0.05, 7),
    lambda: (1.0, 0.0, 2.0, 0.3, 0.1, 0.01, 20000),
)


def poly(c, x):
    y = 0.0
    for i in range(len(c)):
        y = y * x + c[i]
    return y


def clamp(z, lo, hi):
    if z < lo:
        return lo
    if z > hi:
        return hi
    return z


def act(z, s):
    return math.tanh(s * z)


def layer(c, x, s):
    return act(clamp(poly(c, x), -3.0, 3.0), s)


def tree(c, s, xs):
    """Sum of squares of what three layers make of each number."""
    total = 0.0
    for i in range(len(xs)):
        x = xs[i]
        for k in range(3):
            x = layer(c, x, s) + 0.1 * x
        total += x * x
    return total


def tree_gradient(c, s, xs):
    m = len(c)
    c_bar = np.zeros(m)
    s_bar = 0.0
    total = 0.0
    xk = np.empty(3)
    ok = np.empty(3, np.bool_)
    zs = np.empty(3)
    ts = np.empty(3)
    ys = np.empty(m)
    for i in range(len(xs)):
        x = xs[i]
        for k in range(3):
            xk[k] = x
            y = 0.0
            for j in range(m):
                y = y * x + c[j]
            ok[k] = -3.0 <= y <= 3.0
            z = min(max(y, -3.0), 3.0)
            t = math.tanh(s * z)
            zs[k] = z
            ts[k] = t
            x = t + 0.1 * x
        total += x * x
        x_bar = 2.0 * x
        for k in range(2, -1, -1):
            x = xk[k]
            u_bar = x_bar * (1.0 - ts[k] * ts[k])
            s_bar += u_bar * zs[k]
            x_bar = 0.1 * x_bar
            if ok[k]:
                y_bar = u_bar * s
                y = 0.0
                for j in range(m):
                    ys[j] = y
                    y = y * x + c[j]
                for j in range(m - 1, -1, -1):
                    c_bar[j] += y_bar
                    x_bar += y_bar * ys[j]
                    y_bar *= x
    return total, (c_bar, s_bar)


TREE = Compiled(
    "tree",
    tree,
    tree_gradient,
    ("c", "s"),
    lambda: (np.array([0.3, -0.2, 9.5]), 0.8, np.linspace(-1, 1, 5)),
    lambda: (np.array([0.3, -0.2, 0.5, 0.1, -0.4, 0.2]), 0.8, np.linspace(-1, 1, 3000)),
)
