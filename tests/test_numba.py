"""Derivatives compiled by numba: numbers, the form of the text, refusals, what is kept on disk."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

numba = pytest.importorskip("numba")

import s2s_ad  # noqa: E402
from s2s_ad import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp  # noqa: E402
from s2s_ad.cli import main  # noqa: E402
from s2s_ad.errors import ArgumentError, MissingExtra, UnsupportedForNumba  # noqa: E402

GRAVITY = 9.81
TABLE = np.ones(3)


def spring(x, k, n):
    energy = 0.0
    for i in range(n):
        force = k * x
        if force > 1.0:
            energy += force * force
        else:
            energy += math.sin(force)
        x = x - 0.1 * force
    return energy


def anomaly(M, ecc, tol=1e-12, max_steps=20):
    if ecc < 1e-5:
        return M + ecc * math.sin(M) * (1.0 + ecc * math.cos(M))
    E = M + ecc * math.sin(M)
    delta = 1.0
    steps = 0
    while abs(delta) > tol:
        if steps == max_steps:
            E = M + ecc * math.sin(E)
            break
        delta = (E - ecc * math.sin(E) - M) / (1.0 - ecc * math.cos(E))
        E = E - delta
        steps += 1
    return E


def pull(y, g):
    r = 1.0 + y
    return g / (r * r)


def drag(v, c, parts):
    for j in range(parts):
        if v > 1.0:
            v = v - c * v * v * damped(v)
        else:
            v = v - c * v
    return v


def damped(v):
    while v > 0.5:
        v = v * v * 0.4
    return v


def fall(y, v, g, c, n):
    for i in range(n):
        v = v + 0.01 * pull(y, g)
        v = drag(v, c, 3)
        y = y - 0.01 * v
    return y


def triangle(x, n):
    y = x
    for i in range(2, n, 2):
        for j in range(i):
            y = y * math.cos(y) + x
            if y > 2.0:
                y = y / 2.0
        for j in range(n - 1, -1, -1):
            y = y + 0.1 * y * y / (j + GRAVITY)
    return y


def elements(w, x):
    total = 0.0
    for v in x:
        if v < 0.0:
            continue
        if v > 10.0:
            break
        total += math.exp(-w * v) * np.sqrt(v) + math.hypot(w, v)
    return total


def parts_of_steps(v, c, w):
    """A callee with a loop: in a loop, on numbers; of an array; once, where its state is kept."""
    total = drag(v, c, 2)
    for i in range(len(w)):
        v = halved(v + 0.1 * w[i], c, i)
        total += v * weighed(w, v)
    return total + halved(v, c, 3)


def halved(v, c, parts):
    for j in range(parts):
        v = v - c * v * v
    while v > 1.0:
        v = 0.5 * v * v / (v - 0.3)
    return v


def settling(M, ecc, hard):
    """Loops of unknown length in a loop: more steps than before, fewer, none; two numbers kept."""
    total = 0.0
    for i in range(len(M)):
        E = M[i]
        delta = 1.0 if M[i] > 0.0 else 0.0
        while abs(delta) > 1e-12:
            delta = (E - ecc * math.sin(E) - M[i]) / (1.0 - ecc * math.cos(E))
            E = E - delta
        total += math.cos(E)
        steps = 0
        while steps < hard or E > 3.0:
            if E > 2.0:
                E = E * math.sin(0.3 * E)
            else:
                E = E - 0.1 * E * E
            steps += 1
        total += E
    return total


def weighed(w, v):
    total = 0.0
    for x in w:
        total = 0.5 * total * v + x * x
    return total


def thomas(a, b, c, d):
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = dp[n - 1]
    total = x * x
    for i in range(n - 2, -1, -1):
        x = dp[i] - cp[i] * x
        total += x * x
    return total


def logistic(w, b, X, y, decay):
    z = X @ w + b
    m = (2 * y - 1) * z
    nll = np.mean(np.logaddexp(0.0, -m))
    return nll + 0.5 * decay * np.sum(w**2)


def both(x, y):
    pair = (x * y, x)
    (a, b), c = pair, math.sin(x)
    return c * y, a + b + y**3


def attraction(x, m, i):
    a = 0.0
    for j in range(len(x)):
        if j != i:
            d = x[j] - x[i]
            a += m[j] * d / (d * d + 0.1)
    return a


def looked_up(xs, ys, x):
    k = 0
    while k < len(xs) - 2 and xs[k + 1] < x:
        k += 1
    t = (x - xs[k]) / (xs[k + 1] - xs[k])
    return ys[k] * (1.0 - t) + ys[k + 1] * t


def chain(x, v, m, table, dt, steps):
    """Numbers are made of arrays that change between the calls; one is looked up in a table."""
    x = x.copy()
    v = v.copy()
    grid = np.linspace(-4.0, 4.0, len(table))
    for t in range(steps):
        for i in range(len(x)):
            v[i] += dt * (attraction(x, m, i) + looked_up(grid, table, x[i]))
        for i in range(len(x)):
            x[i] += dt * v[i]
    total = attraction(x, m, 0)
    for i in range(len(x)):
        total += 0.5 * m[i] * v[i] * v[i]
    return total


def dotted(a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * b[i]
    return s


def unit(w, b, x, low):
    z = dotted(w, x) + b
    if z < low:
        return low * dotted(x, x)
    return math.tanh(z)


def layer(W, b, x):
    out = np.zeros(len(W))
    for i in range(len(W)):
        out[i] = unit(W[i], b[i], x, -0.5)
    return out


def network(W, b, v, X):
    """Rows of arrays, arrays twice in a call, and arrays that come from calls."""
    total = 0.0
    for k in range(len(X)):
        h = layer(W, b, X[k])
        g = layer(W, b, h)
        total += dotted(v, h) * dotted(h, g) + dotted(v, v)
    return total


def iterated(A, x0, n):
    """An array that is made anew at each step, as long as the one it began with."""
    x = x0.copy()
    for k in range(n):
        y = np.zeros(len(x))
        for i in range(len(x)):
            y[i] = math.tanh(dotted(A[i], x))
        x = y
    return dotted(x, x)


def smoothed(x, w):
    """What is looked up is stored again; parts of arrays that are no rows."""
    y = x.copy()
    for i in range(1, len(y)):
        y[i] = y[i - 1] * attraction(y, w, i)
        y[i] = y[i] + dotted(y[:i], w[:i]) * dotted(w, y)
    return dotted(y, w)


def aligned(x, y, gamma):
    """A table that is filled once: nothing of it has to be kept, but what is costly."""
    n = len(x)
    m = len(y)
    D = np.full((n + 1, m + 1), 1e6)
    D[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            a = D[i - 1, j]
            b = D[i, j - 1]
            c = D[i - 1, j - 1]
            low = min(a, b, c)
            s = math.exp((low - a) / gamma) + math.exp((low - b) / gamma) + math.exp(low - c)
            d = x[i - 1] - y[j - 1]
            D[i, j] = d * d + low - gamma * math.log(s)
    return D[n, m]


def same(got, want):
    """Assert that two nested results are the same up to rounding."""
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for a, b in zip(got, want):
            same(a, b)
    else:
        assert np.shape(got) == np.shape(want)
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def steps(f, args, wrt):
    """Return the gradient by fourth-order differences."""
    names = f.__code__.co_varnames
    found = []
    for name in wrt:
        k = names.index(name)
        value = np.array(args[k], dtype=float)
        gradient = np.zeros(value.shape)
        for index in np.ndindex(value.shape):

            def at(t):
                moved = value.copy()
                moved[index] += t
                return f(*args[:k], moved[()] if not value.shape else moved, *args[k + 1 :])

            h = 1e-5
            near, far = at(h) - at(-h), at(2 * h) - at(-2 * h)
            gradient[index] = (8 * near - far) / (12 * h)
        found.append(gradient[()])
    return tuple(found)


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


X = np.array([[0.3, -0.2], [1.1, 0.4], [-0.7, 0.9]])
CASES = {
    "spring": (spring, ("x", "k"), (2.0, 0.9, 20), (0.2, 0.4, 0), (0.2, 0.4, -3)),
    "anomaly": (anomaly, ("M", "ecc"), (0.8, 0.3), (0.8, -0.1), (0.8, 0.6, 1e-12, 1)),
    "fall": (fall, ("y", "v", "g", "c"), (1.0, 0.83, 40.0, 0.02, 6)),
    "parts_of_steps": (
        parts_of_steps,
        ("v", "c", "w"),
        (1.3, 0.2, np.array([0.3, 9.0, -0.7])),
    ),
    "settling": (
        settling,
        ("M", "ecc"),
        (np.array([0.3, 2.6, -1.0, 0.9, 4.5, 3.1]), 0.4, 2),
        (np.array([4.0, 1.5]), 0.7, 5),
        (np.zeros(0), 0.4, 2),
    ),
    "triangle": (triangle, ("x",), (0.7, 7)),
    "elements": (elements, ("w", "x"), (0.3, np.array([1.0, -1.0, 2.0, 11.0, 3.0]))),
    "thomas": (
        thomas,
        ("a", "b", "c", "d"),
        (np.array([0.0, 1.0, 0.5, 2.0]), np.full(4, 4.0), np.ones(4), np.arange(4.0)),
    ),
    "chain": (
        chain,
        ("x", "v", "m", "table"),
        (
            np.array([0.3, -1.2, 2.0]),
            np.array([0.1, 0.2, -0.3]),
            np.ones(3),
            np.arange(4.0),
            0.1,
            4,
        ),
    ),
    "network": (
        network,
        ("W", "b", "v", "X"),
        (
            np.array([[0.3, -0.2], [-1.1, 0.4]]),
            np.array([0.1, -0.2]),
            np.array([0.5, -0.7]),
            np.array([[0.4, 0.9], [1.3, 0.2], [-0.3, 0.8]]),
        ),
    ),
    "iterated": (
        iterated,
        ("A", "x0"),
        (np.array([[0.3, -0.2], [-1.1, 0.4]]), np.array([0.5, 0.9]), 3),
        (np.array([[0.3, -0.2], [-1.1, 0.4]]), np.array([0.5, 0.9]), 0),
    ),
    "aligned": (
        aligned,
        ("x", "y", "gamma"),
        (np.array([0.3, 1.2, 0.7]), np.array([0.1, 0.9]), 0.5),
        (np.zeros(0), np.zeros(0), 0.5),
    ),
    "smoothed": (
        smoothed,
        ("x", "w"),
        (np.array([0.3, -1.2, 2.0, 0.7]), np.array([0.1, 0.2, -0.3, 0.6])),
    ),
    "logistic": (logistic, ("w", "b"), (np.array([0.1, 0.4]), 0.3, X, np.array([1.0, 0, 1]), 0.05)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    f, wrt, *points = CASES[name]
    compiled = value_and_grad(f, wrt=wrt, compile="numba")
    plain = value_and_grad(f, wrt=wrt)
    for args in points:
        kept = [np.copy(a) for a in args]
        value, gradient = compiled(*args)
        np.testing.assert_allclose(value, f(*args), rtol=1e-14)
        same(gradient, plain(*args)[1])
        for got, want in zip(gradient, steps(f, args, wrt)):
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
        assert all(np.array_equal(a, b) for a, b in zip(args, kept))


def test_every_transform():
    """A state crosses from the forward half to the reverse half; second order is compiled too."""
    numbers = dict(compile="numba")
    same(
        jvp(triangle, (0.7, 7), (1.0,), wrt="x", **numbers),
        jvp(triangle, (0.7, 7), (1.0,), wrt="x"),
    )
    for f, args in ((triangle, (0.7, 7)), (anomaly, (0.8, 0.3))):
        value, pullback = vjp(f, *args, **numbers)
        plain, expected = vjp(f, *args)
        same(value, plain)
        for seed in (1.0, -2.0):  # what was kept is still there the second time
            same(pullback(seed)[0], expected(seed)[0])
    same(jacrev(both, wrt=("x", "y"), **numbers)(0.3, 0.7), jacrev(both, wrt=("x", "y"))(0.3, 0.7))
    same(jacfwd(both, wrt="y", **numbers)(0.3, 0.7), jacfwd(both, wrt="y")(0.3, 0.7))
    wrt = ("x", "k")
    same(hessian(spring, wrt, **numbers)(2.0, 0.9, 5), hessian(spring, wrt)(2.0, 0.9, 5))
    dots = (1.0, 0.5, None)
    same(hvp(spring, (2.0, 0.9, 5), dots, **numbers), hvp(spring, (2.0, 0.9, 5), dots))
    # what is differentiated again is Python text, whatever the inner one was compiled with
    inner = grad(spring, "x", compile="numba")
    same(grad(inner, "k")(2.0, 0.9, 5), grad(grad(spring, "x"), "k")(2.0, 0.9, 5))


def test_text():
    text = grad(spring, ("x", "k"), compile="numba")
    text(2.0, 0.9, 5)
    assert text.source.count("@numba.njit(cache=True)\ndef spring_adjoint") == 1
    assert "x_saved = np.empty(max(n, 0))\n" in text.source
    assert "x_saved[i] = x\n" in text.source and "x = x_saved[i]\n" in text.source
    assert "for i in range(n - 1, -1, -1):\n" in text.source
    assert "--wrt x,k --numba`" in text.source


def test_lists_with_room():
    """A loop whose steps keep what a `while` does uses the same lists at each step."""
    g = grad(settling, ("M", "ecc"), compile="numba")
    g(np.array([0.3, 2.6]), 0.4, 2)
    text = g.source
    assert text.index("    E_saved = []\n") < text.index("for i in range(len(M))")
    assert "if E_count == len(E_saved):\n                E_saved.append(0.0)\n" in text
    assert "            E = E_saved[E_count]\n" in text and ".pop()" not in text


def test_what_is_compiled_into_its_callers():
    """Small callees, in any depth."""
    g = grad(network, ("W", "b", "v", "X"), compile="numba")
    g(*CASES["network"][2])
    into = re.findall(r"forceinline=True\)\ndef (\w+)", g.source)
    assert {"unit_reverse", "dotted_reverse", "dotted"} <= set(into)
    assert "network_adjoint" not in into


def test_text_of_counted_values():
    g = grad(triangle, compile="numba")
    g(0.7, 7)
    # where the inner loop is as long as the outer one says, as much is kept as in its longest run
    assert g.source.count("_saved = np.empty(max((n - 2) // 2 + 1, 0) * max(n - 1, 0)") == 3
    assert "y = y_saved[y_count]\n" in g.source and "[]" not in g.source
    assert "reversed" not in g.source and ".pop()" not in g.source
    assert "GRAVITY = 9.81\n" in g.source
    # a `while` may run for ever
    g = grad(anomaly, compile="numba")
    g(0.8, 0.3)
    assert "E_saved = []\n" in g.source and "E = E_saved[E_count]\n" in g.source
    g = grad(fall, "v", compile="numba")
    g(1.0, 0.83, 40.0, 0.02, 6)
    assert "@numba.njit(cache=True, forceinline=True)\ndef pull(y, g):" in g.source


def pairs(x, k):
    """As many as there are pairs, from above and from below; each step ends early, or not."""
    y = x
    n = 4
    for i in range(n):
        for j in range(i + 1, n):
            y = y * math.cos(k * y) + 0.1 * j
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            y = math.sin(y) + k * y * y / (i + 1.0)
    for i in range(n):
        for j in range(i, n + i):
            y = y * math.exp(-k * y)
    for _ in range(6):
        y = y * y * 0.7 + k
        if y > 0.8:
            break
    return y


def test_sizes():
    g = value_and_grad(pairs, ("x", "k"), compile="numba")
    value, gradient = g(0.9, 0.3)
    same((value, gradient), value_and_grad(pairs, ("x", "k"))(0.9, 0.3))
    np.testing.assert_allclose(gradient, steps(pairs, (0.9, 0.3), ("x", "k")), rtol=1e-5)
    for size in ("n * (n - 1) // 2", "n * (n + 1) // 2 + 6", "max(n, 0) * max(n, 0)"):
        assert f"np.empty({size})" in g.source
    assert "[]" not in g.source


def swept(u, k, sweeps):
    """What stores overwrite, in loops that begin anywhere, run down, and differ in length."""
    u = u.copy()
    v = u.copy()
    w = u.copy()
    n, m = u.shape
    for t in range(sweeps):
        for i in range(1, n):
            for j in range(m - 1, 0, -1):
                u[i, j] = k * u[i, j] * u[i - 1, j] + u[i, j - 1] ** 2
    for i in range(2, n):
        for j in range(1, i, 1):
            v[i, 0] = v[i, 0] * v[j, 0] + k
    for i in range(n):
        for j in range(m):
            if w[i, j] > 0.5:
                continue
            w[i, j] = w[i, j] * w[i, j] * k
    return u.sum() + v.sum() + w.sum()


def test_places_in_nested_loops():
    """What each step of nested loops keeps is found by their variables, else by a counter."""
    g = grad(swept, ("u", "k"), compile="numba")
    for shape in ((4, 3), (2, 2), (1, 1), (0, 2)):
        u = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
        for sweeps in (2, 0, -1):
            same(g(u, 0.3, sweeps), grad(swept, ("u", "k"))(u, 0.3, sweeps))
    u = np.cos(np.arange(12.0)).reshape(4, 3)
    for got, want in zip(g(u, 0.3, 2), steps(swept, (u, 0.3, 2), ("u", "k"))):
        np.testing.assert_allclose(got, want, rtol=1e-6)
    text = g.source
    assert "np.empty((max(sweeps, 0), max(n - 1, 0), max(m - 1, 0)))\n" in text
    assert "_saved[t, i - 1, j - 1] = u[i, j]\n" in text
    assert "u[i, j] = u_item_saved[t, i - 1, j - 1]\n" in text
    assert "_count -= 1\n" in text


def upwind(a, b):
    if a * b <= 0.0:
        return 0.0
    return a if abs(a) < abs(b) else b


def carried(u, c, n):
    """Steps that keep what is overwritten: those of the first loop in any order, then in theirs."""
    u = u.copy()
    flux = np.zeros(len(u))
    for t in range(n):
        for i in range(len(u)):
            slope = upwind(u[i] - u[i - 1], c * u[i])
            flux[i] = c * slope * (u[i] + slope)
        for j in range(1, len(u)):
            u[j] = u[j] * u[j - 1] - flux[j] * flux[j - 1]
    return u.sum()


def test_which_steps_run_forwards():
    """A place for each step of nested loops: they may come in any order, if what they do may."""
    g = grad(carried, ("u", "c"), compile="numba")
    u = np.array([0.5, -0.3, 0.8, 0.9, 1.1])
    for args in ((u, 0.7, 3), (u[:2], 0.7, 2), (u[:1], 0.7, 2), (u[:0], 0.7, 2), (u, 0.7, 0)):
        same(g(*args), grad(carried, ("u", "c"))(*args))
    for got, want in zip(g(u, 0.7, 3), steps(carried, (u, 0.7, 3), ("u", "c"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    back = g.source.partition("# -- reverse sweep\n")[2]
    assert "for i in range(len(u)):\n" in back and "slope = slope_saved[t, i]\n" in back
    assert "for j in range(len(u) - 1, 0, -1):\n" in back and "range(n - 1, -1, -1)" in back


def levinson(r, w):
    """Arrays that are kept before each step are rows of one array: they keep their shape."""
    a = np.zeros(len(r))
    b = np.zeros((2, len(r)))
    a[0] = 1.0
    e = r[0]
    for k in range(1, len(r)):
        g = r[k] * w
        for j in range(1, k):
            g += a[j] * r[k - j] * b[1, j]
        for j in range(1, k):
            b[0, j] = a[j] * a[j] - g * a[k - j] * b[1, j]
        for j in range(1, k):
            a[j] = b[0, j]
            b[1, j] = b[0, j] * b[0, k - j]
        a[k] = g
        e = e * (1.0 - g * g)
    return e + a.sum() + b.sum()


def rarely(x, n):
    """What only some steps keep stays in a list, which is as long as it must be."""
    y = x * 2.0
    total = 0.0
    for k in range(n):
        if k % 3 == 2:
            for i in range(len(y)):
                total += y[i] ** 2
            for i in range(1, len(y)):
                y[i] = y[i] * y[i - 1] * y[0] + y[i] * y[len(y) - i]
    return total


def regrown(x, n):
    """An array that does not keep its shape stays in a list."""
    y = x * 2.0
    total = 0.0
    for k in range(n):
        for i in range(len(y)):
            total += y[i] ** 2
            y[i] = y[i] * y[0] + 0.1 * y[len(y) - 1 - i]
        y = y[1:] * y[0]
    return total


def test_arrays_that_keep_their_shape_are_rows():
    r = np.cos(np.arange(7.0)) + 0.5
    g = grad(levinson, ("r", "w"), compile="numba")
    for got, want in zip(g(r, 0.3), steps(levinson, (r, 0.3), ("r", "w"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    same(g(r[:1], 0.3), grad(levinson, ("r", "w"))(r[:1], 0.3))
    assert "a_saved = np.empty((max(len(r) - 1, 0),) + a.shape, a.dtype)\n" in g.source
    assert "a = a_saved[k - 1]\n" in g.source
    for f in (rarely, regrown):
        g = grad(f, "x", compile="numba")
        for n in (3, 0):
            same(g(r, n), grad(f, "x")(r, n))
        np.testing.assert_allclose(g(r, 3), steps(f, (r, 3), ("x",))[0], rtol=1e-6)
        assert ".shape, y.dtype" not in g.source


def payoff(s, k, a):
    if s <= 0.0:
        return 0.0
    gain = s - k
    if gain > 1.0:
        return a * math.log(gain) + 1.0
    elif gain < 0.0:
        return a / s
    return gain * gain


def side(x, y):
    a = 2.0 if x > y else -1.0
    if x > y:
        return a * x
    return y / (x - y)


def paid(x, k, n):
    """Functions of several exits, whose pieces are read at once, later, and in other blocks."""
    total = 0.0
    for t in range(n):
        for i in range(len(x)):
            a = side(x[i], k)
            p = payoff(x[i] * x[i - 1], k, 0.7)
            total += p * a
            if p > 0.5:
                total += payoff(x[i], k * x[0], a) * payoff(k, x[i], a=x[0])
    return total


def test_pieces_are_added_in_the_branches_that_give_them():
    x = np.array([0.4, 1.9, -0.5, 2.6, 1.2, 0.9])
    g = value_and_grad(paid, ("x", "k"), compile="numba")
    for args in ((x, 0.8, 2), (x[:1], 0.8, 1), (x[:0], 0.8, 1), (x, 0.8, 0)):
        same(g(*args), value_and_grad(paid, ("x", "k"))(*args))
    for got, want in zip(g(x, 0.8, 2)[1], steps(paid, (x, 0.8, 2), ("x", "k"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    assert "side_reverse" not in g.source and g.source.count("payoff_reverse(") == 0
    assert g.source.count("payoff_reverse2(") == 2, "a call, and the function"
    with pytest.raises(ZeroDivisionError):
        g(np.array([0.8, 1.0]), 0.8, 1)


def clipped(z):
    if z > 3.0:
        return 3.0
    return z


def of_powers(c, x):
    y = 0.0
    for k in range(len(c)):
        y = y * x + c[k]
    return y


def layers(c, x, n):
    """What reads the pieces calls a function that adds to an array."""
    s = 0.0
    for k in range(n):
        x = clipped(of_powers(c, x)) * 0.5
        s += x * x
    return s


def test_pieces_that_calls_read():
    c = np.array([0.4, -0.3, 0.9])
    g = grad(layers, ("c", "x"), compile="numba")
    for got, want in zip(g(c, 0.7, 3), steps(layers, (c, 0.7, 3), ("c", "x"))):
        np.testing.assert_allclose(got, want, rtol=1e-6)
    assert "Adds to c_bar. The" in g.source and g.source.count("of_powers_reverse(") == 2


def shares(x, A):
    """What is divided, and by what, is the same in the inner loop; x changes in the last one."""
    n, m = A.shape
    x = x.copy()
    y = np.zeros(m)
    s = 0.0
    for i in range(n):
        s += x[i]
    for i in range(n):
        for j in range(m):
            y[j] += x[i] / s * A[i, j] * y[j]
            y[j] += A[i, j] * A[i, j]
    for i in range(n):
        for j in range(1, m):
            x[i] = x[i] / s * A[i, j] + y[j] * y[j - 1]
    return y.sum() + x.sum()


def test_quotients_that_stay_the_same_in_a_loop():
    A = np.cos(np.arange(6.0)).reshape(2, 3)
    x = np.array([0.4, 1.9])
    g = grad(shares, ("x", "A"), compile="numba")
    # there is no step that divides by zero
    for args in ((x, A), (x[:1], A[:1]), (x, A[:, :1]), (0.0 * x, A[:, :0])):
        same(g(*args), grad(shares, ("x", "A"))(*args))
    for got, want in zip(g(x, A), steps(shares, (x, A), ("x", "A"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    assert g.source.count("ratio = x[i] / s if 0 < m else 0.0\n") == 1
    with pytest.raises(ZeroDivisionError):
        g(0.0 * x, A)


def renewed(h, w, n):
    """Each step makes a new array, and what it was made of has another name then."""
    h = h * 1.0
    total = 0.0
    for t in range(n):
        new = np.zeros(len(h))
        for i in range(len(h)):
            a = 0.1 * t
            for j in range(len(h)):
                a += w * h[j] * h[i - j]
            new[i] = math.tanh(a)
        old = h
        h = new
        total += h[0] * old[len(h) - 1]
    return total + h.sum()


def lengthened(h, w, n):
    """Each step makes a longer array."""
    h = h * 1.0
    for t in range(n):
        new = np.zeros(len(h) + 1)
        for i in range(len(h)):
            new[i + 1] = w * h[i] * h[i]
        h = new
    return h.sum()


def mended(h, w, n):
    """What is made is stored into again, and has another name in the next step."""
    h = h * 1.0
    total = 0.0
    for t in range(n):
        new = np.zeros(len(h))
        for i in range(len(h)):
            new[i] = w * h[i] * h[i - 1]
        for i in range(len(h)):
            total += new[i] * new[i] * h[0]
        for i in range(1, len(h)):
            new[i] = new[i] * new[i] * new[i - 1]
        h = new
    return total + h.sum()


def beside(h, w, n):
    """The reverse sweep stores into another array."""
    h = h * 1.0
    v = h * w
    for t in range(n):
        new = np.zeros(len(h))
        for i in range(len(h)):
            new[i] = w * h[i] * h[i - 1] + v[i] * v[i - 1]
        for i in range(1, len(h)):
            v[i] = v[i] * new[i] * v[i - 1]
        h = new
    return h.sum() + v.sum()


def test_arrays_that_are_made_anew_are_rows():
    h = np.cos(np.arange(4.0)) + 0.2
    for f in (renewed, mended, beside, lengthened):
        g = value_and_grad(f, ("h", "w"), compile="numba")
        plain = value_and_grad(f, ("h", "w"))
        for args in ((h, 0.7, 3), (h, 0.7, 1), (h, 0.7, 0), (h[:1], 0.7, 2), (h[::2], 0.7, 2)):
            same(g(*args), plain(*args))
        for got, want in zip(g(h, 0.7, 3)[1], steps(f, (h, 0.7, 3), ("h", "w"))):
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
        assert ("+ h.shape, h.dtype)\n" in g.source) == (f is not lengthened)
        assert ("h_saved.append(h)\n" in g.source) == (f is lengthened)


def attracted(x, w, n):
    """One of two items stays the same in the inner loop; both may be one item, or there is none."""
    total = 0.0
    for i in range(n):
        for j in range(len(x)):
            if i < len(x):
                d = x[i] - x[j] * w[0, 1]
                if d > 2.0:
                    break
                total += math.exp(-d * d) * w[i % 2, 0] + x[0] * d
    return total


def fed_back(x, w):
    """What is added is read again in the same loop."""
    y = x * 1.0
    for i in range(1, len(x)):
        for j in range(i):
            y[j] = y[j] + y[i] * w[0] * y[0]
    return y.sum() + y[0] * y[1]


def added_by_the_user(x):
    """Sums of the user's stay as they are: the value is the same to the last digit."""
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = 0.1
        for j in range(len(x)):
            y[i] += x[i] * x[j]
    return y.sum() + y[0] * y[1]


def test_what_a_loop_adds_to_one_item_is_added_up_beside_it():
    x = np.cos(np.arange(5.0))
    w = np.array([[0.7, 0.3], [0.2, -0.4]])
    g = grad(attracted, ("x", "w"), compile="numba")
    for n in (5, 7, 0):
        for got, want in zip(g(x, w, n), steps(attracted, (x, w, n), ("x", "w"))):
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    # more steps of the outer loop than there are items: the inner one has none
    same(g(x[:0], w, 3), grad(attracted, ("x", "w"))(x[:0], w, 3))
    assert "x_item_sum += " in g.source and "if x_item_sum != 0.0:\n" in g.source
    g = grad(fed_back, ("x", "w"), compile="numba")
    for got, want in zip(g(x, w[0]), steps(fed_back, (x, w[0]), ("x", "w"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    assert "y_item_sum" not in g.source and "w_item_sum" in g.source
    f = value_and_grad(added_by_the_user, compile="numba")
    value, got = f(x)
    assert value == added_by_the_user(x) and "y_item_sum" not in f.source
    np.testing.assert_allclose(got, steps(added_by_the_user, (x,), ("x",))[0], rtol=1e-6)


def draws(s, sigma, seed, paths, steps):
    """Each path keeps what it needs where the one before it did, and only so long."""
    total = 0.0
    for p in range(paths):
        v = s
        for k in range(steps):
            seed = (seed * 1103515245 + 12345) % 2147483648
            v = v * math.exp(sigma * (seed / 2147483648.0 - 0.4))
        total += v * v
    return total / paths


def test_steps_reversed_as_they_run():
    """Calls are not made again in the reverse: their results are kept, each in an array."""
    g = value_and_grad(draws, ("s", "sigma"), compile="numba")
    point = (1.1, 0.3, 12345, 4, 5)
    value, gradient = g(*point)
    np.testing.assert_allclose(value, draws(*point), rtol=1e-14)
    np.testing.assert_allclose(
        gradient, globals()["steps"](draws, point, ("s", "sigma")), rtol=1e-8
    )
    text = g.source
    assert text.count("= math.exp(") == 1 and "exp = exp_saved[k]\n" in text
    assert text.index("exp_saved = np.empty(max(steps, 0))") < text.index("for p in")


def knocked_out(z, s0, sigma, strike):
    """A path that ends below has no part in the sum."""
    total = 0.0
    for p in range(len(z)):
        s = s0
        for k in range(z.shape[1]):
            s = s * math.exp(sigma * z[p, k]) + 0.1 * s * s
        if s > strike:
            total += (s - strike) * s
    return total


def test_a_path_without_a_part_in_the_sum_is_not_reversed():
    """Compiled too: what is kept for it is the step's own, and need not be taken off."""
    z = np.cos(np.arange(24.0)).reshape(8, 3)
    wrt = ("s0", "sigma", "strike")
    g = grad(knocked_out, wrt, compile="numba")
    for strike in (0.0, 1.0, 9.0):
        same(g(z, 0.9, 0.4, strike), grad(knocked_out, wrt)(z, 0.9, 0.4, strike))
    lines = [line.strip() for line in g.source.splitlines()]
    reverse = lines[lines.index("# -- reverse sweep of this step") :]
    assert reverse[1].startswith("if s > strike:")
    assert not any(line.startswith("s_bar = 0.0") for line in lines)


def slopes(x, v, k):
    return v, -k * x - 0.1 * v * abs(v), x * v


def midpoint(x, v, k, h, n):
    """What a function gives is read by places; the last is read where a branch is taken only."""
    work = 0.0
    for _ in range(n):
        first = slopes(x, v, k)
        second = slopes(x + 0.5 * h * first[0], v + 0.5 * h * first[1], k)
        x += h * second[0]
        v += h * second[-2]
        if v > 0.0:
            work += h * first[2]
    return x * x + v + work


def handed_over(x, k, n):
    """A tuple that goes on from step to step, and one that is returned by another function."""
    state = (x, k)
    for _ in range(n):
        state = (state[0] * state[1], state[0] + 0.5 * state[1])
    moved = slopes(state[0], state[1], k)
    return moved[0] * moved[1] + state[1] * moved[2]


@pytest.mark.parametrize(
    ("f", "args", "wrt"),
    [
        (midpoint, (1.0, 0.2, 1.3, 0.1, 7), ("x", "v", "k")),
        (midpoint, (1.0, 0.2, 1.3, 0.1, 0), ("x", "v", "k")),
        (handed_over, (0.4, 0.9, 3), ("x", "k")),
    ],
)
def test_adjoints_of_tuples_are_variables(f, args, wrt):
    g = grad(f, wrt, compile="numba")
    same(g(*args), grad(f, wrt)(*args))
    if f is midpoint:
        assert not any("_bar = [" in line for line in g.source.splitlines())


def variances(r, omega, beta):
    h = omega
    total = 0.0
    for t in range(len(r)):
        total -= 0.5 * (math.log(h) + r[t] * r[t] / h)
        h = omega + beta * h + r[t] * r[t]
    return total


def test_what_is_divided_twice_has_a_name():
    r = np.array([0.3, -0.8, 0.5])
    g = grad(variances, ("r", "omega", "beta"), compile="numba")
    same(g(r, 0.4, 0.7), grad(variances, ("r", "omega", "beta"))(r, 0.4, 0.7))
    assert g.source.count("total_bar / h\n") == 1


def test_calls_are_kept_where_nothing_else_is():
    """Compiled code reads a number sooner than it makes the call again."""
    g = grad(aligned, ("x", "gamma"), compile="numba")
    g(np.ones(2), np.ones(3), 0.5)
    text = g.source
    assert len(re.findall(r"exp\d? = math", text)) == 3 and text.count("log = math") == 1
    assert text.count("_saved = np.empty((max(n, 0), max(m, 0)))\n") == 4


def recurrent(W, b, xs):
    h = np.zeros(len(b))
    loss = 0.0
    for t in range(len(xs)):
        new = np.zeros(len(b))
        for i in range(len(b)):
            a = b[i] * xs[t]
            for j in range(len(b)):
                a += W[i, j] * h[j]
            new[i] = math.tanh(a)
        h = new
        loss += (h[0] - xs[t]) ** 2
    return loss


def test_a_call_that_is_stored_is_kept():
    """It is read where it is stored; its argument is kept no more."""
    g = grad(recurrent, ("W", "b"), compile="numba")
    args = np.array([[0.3, -0.2], [-1.1, 0.4]]), np.array([0.5, 0.9]), np.array([0.2, 0.7, -0.4])
    same(g(*args), grad(recurrent, ("W", "b"))(*args))
    for got, want in zip(g(*args), steps(recurrent, args, ("W", "b"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    forward, back = g.source.split("# -- reverse sweep")
    assert "new[i] = math.tanh(a)\n" in forward and "(1.0 - new[i] * new[i])" in back
    assert "a_saved" not in forward


def shorter(x, y, gap):
    D = np.zeros((len(x) + 1, len(y) + 1))
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            best = D[i - 1, j - 1] + (x[i - 1] - y[j - 1]) ** 2
            left = D[i, j - 1] + gap
            if left < best:
                best = left
            D[i, j] = best
    return D[len(x), len(y)]


def test_what_a_branch_leads_to_is_added_there():
    g = grad(shorter, ("x", "y", "gap"), compile="numba")
    args = np.array([0.3, 1.2, 0.7]), np.array([0.1, 0.9]), 0.3
    same(g(*args), grad(shorter, ("x", "y", "gap"))(*args))
    for got, want in zip(g(*args), steps(shorter, args, ("x", "y", "gap"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    assert "                D_bar[i, j - 1] += left_bar\n" in g.source
    assert "                gap_bar += left_bar\n" in g.source


def lap(u, c, k):
    u = u.copy()
    for t in range(k):
        v = u.copy()
        for i in range(1, len(u) - 1):
            bent = u[i - 1] - 2.0 * u[i] + u[i + 1]
            v[i] = u[i] + c * bent * u[i]
        u = v
    return np.sum(u * u)


def test_the_adjoint_of_a_copy_is_handed_on_whole():
    """Not item by item, as the items of the copy are overwritten."""
    g = grad(lap, ("u", "c"), compile="numba")
    u = np.array([0.3, 1.2, -0.4, 0.8, 0.1])
    for got, want in zip(g(u, 0.1, 3), steps(lap, (u, 0.1, 3), ("u", "c"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
    assert "u_bar = v_bar.copy()\n" in g.source and "u_bar += v_bar" not in g.source


def overwritten_again(u, c, k):
    """Items of the copy are overwritten twice, one at either end by an index from there."""
    u = u.copy()
    for t in range(k):
        v = u.copy()
        for i in range(-1, len(u) - 1):
            v[i] = u[i] + c * u[i - 1] * v[i]
        for i in range(len(u) - 1):
            if u[i] > 0.5:
                v[i] = u[i] * (1.0 - c * u[i + 1])
        u = v
    return np.sum(u * u)


def shorter_each_time(u, c, k):
    u = u.copy()
    for t in range(k):
        v = u[1:].copy()
        for i in range(len(v)):
            v[i] = u[i] + c * u[i + 1] * u[i]
        u = v
    return np.sum(u * u)


def read_behind(u, c, k):
    """What is copied is read behind the loop too, and by it."""
    u = u.copy()
    for t in range(k):
        v = u.copy()
        for i in range(1, len(u)):
            v[i] = u[i] + c * u[i - 1] * v[i - 1]
        u = v * (1.0 + c * u)
    return np.sum(u * u)


@pytest.mark.parametrize("f", [overwritten_again, shorter_each_time, read_behind])
def test_copies_that_are_not_overwritten_once(f):
    g, args = grad(f, ("u", "c"), compile="numba"), (np.array([0.3, 1.2, -0.4, 0.8]), 0.1, 3)
    for got, want in zip(g(*args), steps(f, args, ("u", "c"))):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)


def test_arithmetic_is_made_again():
    """Compiled arithmetic is cheaper than what is kept."""
    g = grad(lap, ("u", "c"), compile="numba")
    u = np.array([0.3, 1.2, -0.4, 0.8])
    same(g(u, 0.1, 3), grad(lap, ("u", "c"))(u, 0.1, 3))
    assert "bent_saved" not in g.source and "# recomputed" in g.source


def test_what_runs_again():
    """A callee with loops runs again for each step of a loop; one that is called once keeps its
    state, as one of arrays does."""
    text = grad(parts_of_steps, ("v", "c", "w"), compile="numba")
    text(1.3, 0.2, np.ones(3))
    assert "halved_reverse(v + 0.1 * w[i], c, i, v_bar)" in text.source
    assert "halved_forward(v, c, 3)" in text.source
    assert "weighed_reverse(w, v, total_bar * v, w_bar, weighed_total_saved)" in text.source


def test_adjoints_of_arrays_are_added_to_in_place():
    """A call of one entry costs one entry: nothing as long as the array is made for it."""
    g = grad(network, ("W", "b", "v"), compile="numba")
    X = np.array([[0.4, 0.9], [1.3, 0.2], [-0.3, 0.8]])
    g(np.eye(2), np.ones(2), np.ones(2), X)
    text = g.source
    assert "(w, x, z_bar, w_bar)\n" in text and "\n    Adds to w_bar.\n" in text
    assert "out_item_bar, W_bar[i])\n" in text and "W_bar[i] +=" not in text
    g = grad(chain, ("x", "table"), compile="numba")
    g(np.ones(3), np.ones(3), np.ones(3), np.arange(4.0), 0.1, 4)
    looked = g.source[g.source.index("def looked_up_reverse") :]
    assert "zeros_like" not in looked[: looked.index("@numba")]
    g = grad(iterated, ("A", "x0"), compile="numba")
    g(np.eye(2), np.ones(2), 2)
    assert "A_bar[i], x_bar)" in g.source or "x_bar, A_bar[i])" in g.source
    g = grad(chain, ("x", "table"), compile="numba")
    g(np.ones(3), np.ones(3), np.ones(3), np.arange(4.0), 0.1, 4)
    # so it is where the adjoint comes from another call, which may know it by another name
    assert "x_bar = x_bar.copy()\n" in g.source and "x_bar += " not in g.source


def test_one_signature():
    """numba has one code for numbers: where it has several it takes long to choose."""
    g = grad(spring, "x", compile="numba")
    for _ in range(3):
        g(2.0, 0.9, 20)
    name = "s2s_ad_generated_" + re.sub(r"[^0-9A-Za-z]+", "_", os.path.basename(g.file))
    assert len(sys.modules[name].spring_adjoint.signatures) == 1


def test_a_compiled_primal_and_a_changed_global(monkeypatch):
    g = grad(numba.njit(triangle), compile="numba")
    first = g(0.7, 7)
    same(first, grad(triangle)(0.7, 7))
    monkeypatch.setattr(sys.modules[__name__], "GRAVITY", 2.0)
    second = g(0.7, 7)
    same(second, grad(triangle)(0.7, 7))
    assert abs(first - second) > 1e-3


REFUSED = """
import math
import numpy as np

table = np.ones(3)


def sorted_sum(x):
    y = 2.0 * x
    return math.fsum([x, y])


def in_table(x):
    return x * table[0]


def columns(A):
    return np.sum(np.mean(A, axis=0) ** 2)


def recursive(x, n):
    if n == 0:
        return x
    return math.sin(recursive(x, n - 1)) * x
"""


def test_what_numba_cannot_compile_names_the_line(tmp_path):
    (tmp_path / "refused_by_numba.py").write_text(REFUSED, encoding="utf-8")
    module = module_of(tmp_path / "refused_by_numba.py")
    for f, args, line in (
        (module.sorted_sum, (1.1,), "return math.fsum([x, y])"),
        (module.in_table, (1.1,), "return x * table[0]"),
        (module.columns, (np.ones((2, 2)),), "return np.sum(np.mean(A, axis=0) ** 2)"),
        (module.recursive, (0.7, 3), "return math.sin(recursive(x, n - 1)) * x"),
    ):
        with pytest.raises(UnsupportedForNumba) as caught:
            grad(f, compile="numba")(*args)
        assert caught.value.place is not None and caught.value.place.text.strip() == line
        assert caught.value.hint
        assert np.all(np.isfinite(grad(f)(*args)))
        if f is module.columns:
            assert "a call of `mean`" in str(caught.value)
    assert isinstance(caught.value.__cause__, numba.core.errors.NumbaError)


def test_options(monkeypatch):
    with pytest.raises(ArgumentError, match="only 'numba'"):
        grad(spring, compile="jit")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"s2s-ad\[numba\]"):
        grad(spring, compile="numba")


def test_compiled_code_is_kept_on_disk(tmp_path):
    """A second process compiles nothing; what belongs to a derivative goes with it. What a function
    that numba has compiled holds is no concern of the derivative's: that is looked up as fast."""
    lines = (
        "import numba",
        "@numba.njit",
        "def square(x):",
        "    return x * x",
        "def cube(x):",
        "    return x * square(x)",
        "",
    )
    (tmp_path / "cubes.py").write_text("\n".join(lines), encoding="utf-8")
    folder = tmp_path / "cache"
    root = os.path.dirname(os.path.dirname(s2s_ad.__file__))
    path = os.pathsep.join((str(tmp_path), root))
    environment = {**os.environ, "S2S_AD_CACHE": str(folder), "PYTHONPATH": path}

    def run(code: str) -> str:
        command = [sys.executable, "-c", "import s2s_ad, cubes\n" + code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def compiled() -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in (folder / "__pycache__").iterdir()}

    code = "print(s2s_ad.grad(cubes.cube, compile='numba')(2.0))"
    assert run(code) == "12.0\n"
    kept = compiled()
    assert {Path(name).suffix for name in kept} == {".nbi", ".nbc"}
    assert run(code) == "12.0\n"
    assert compiled() == kept
    many = "cubes.square(2.0)\nfrom s2s_ad.cache.reach import Reach\n"
    assert int(run(many + "print(len(Reach({'cube': cubes.cube}).facts))")) < 20
    assert run("from s2s_ad.cache import store\nprint(store.clear())") == "1\n"
    assert compiled() == {}


def test_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = (
        "G = 2.0",
        "def hang(x, n):",
        "    for i in range(n):",
        "        x += G * x * x",
        "    return x",
        "",
    )
    (tmp_path / "hanging.py").write_text("\n".join(lines), encoding="utf-8")
    kinds = ["--like", "x=f8, n=i8", "--numba", "-o", "hanging_ad.py"]
    assert main(["adjoint", "hanging.py::hang", *kinds]) == 0
    assert main(["check", "hanging_ad.py"]) == 0
    written = module_of(tmp_path / "hanging_ad.py")
    hang = sys.modules["hanging"].hang
    value, x_bar = written.hang_adjoint(0.1, 3)
    np.testing.assert_allclose([value, x_bar], value_and_grad(hang)(0.1, 3))
    assert main(["tangent", "hanging.py::hang", "--like", "x=f8, n=i8", "--numba"]) == 0
    assert "@numba.njit(cache=True)\ndef hang_tangent(x, x_dot, n):" in capsys.readouterr().out
