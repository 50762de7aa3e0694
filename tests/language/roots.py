"""Roots and integrals that SciPy finds: by what they are, whatever steps it took."""

import functools
import math

import numpy as np
import pytest

from .cases import beyond, case

so = pytest.importorskip("scipy.optimize")
brentq, fsolve, newton = so.brentq, so.fsolve, so.newton
integrate = pytest.importorskip("scipy.integrate")
quad = integrate.quad
A = np.array([1.1, 1.7, 2.3, 0.4])


def residual(s, a, b):
    return s * s * a - b


def cube_root(y, k):
    return brentq(lambda t: t**3 * k - y, 0.0, 5.0)


@case(A)
def by_a_lambda(x):
    k = x[0]
    f = lambda s: s**3 + k * s - x[1]  # noqa: E731
    return brentq(f, 0.0, 5.0) * x


@case(A)
def by_arguments(x):
    a = so.bisect(residual, 0.0, 9.0, (x[0], x[3]), xtol=1e-14)
    b = so.ridder(residual, 0.0, 9.0, args=(x[0], x[3]))
    c = so.brenth(residual, a=0.0, b=5.0, args=(2.0, x[1]))
    d = so.toms748(lambda t, c: t**2 - c, 0.0, 9.0, args=x[2])
    return [a, b, c, d]


@case(A)
def by_newton(x):
    a = newton(residual, 1.0, args=(x[1], x[2]))
    b = newton(lambda t: t**2 - x[0], 1.0, fprime=lambda t: 2 * t)
    return [a * x[0], b]


@case(A)
def several_unknowns(x):
    def equations(v):
        return [v[0] * x[0] + v[1] ** 2 - x[1], v[0] - v[1] * x[2]]

    a, b = fsolve(equations, [1.0, 1.0])
    return a * b * x


@case(A)
def with_what_the_solver_says(x):
    def f(t):
        return t**2 - x[1]

    found = fsolve(f, 1.0, full_output=True)
    pair = (x[0], x[1])
    root, report = brentq(residual, 0.0, 5.0, pair, full_output=True)
    return fsolve(f, 1.0)[0] * x + root if found[2] == 1 and report.converged else x


@case(A)
def in_a_loop(x):
    s = 0.0
    for i in range(3):
        s = s + brentq(lambda t: t**3 - x[i] * (i + 1), 0.0, 5.0)  # noqa: B023
    return s * x


@case(A)
def in_functions(x):
    return cube_root(x[0], x[1]) * cube_root(x[1], 2.0) * x


@case(A)
def with_arguments_fixed(x):
    return brentq(functools.partial(residual, a=x[0], b=x[1]), 0.0, 5.0) * x


@case(A)
def in_a_comprehension(x):
    return [brentq(residual, 0.0, 5.0, args=(v, x[1])) for v in x]


@case(A)
def from_a_guess_that_varies(x):
    return brentq(lambda t: t - x[0], 0.0, x[1]) * x


@case(A)
def of_a_function_that_may_fail(x):
    def f(t):
        try:
            return math.log(t) - x[0]
        except ValueError:
            return -1e9

    return brentq(f, 0.1, 50.0) * x


@beyond(A)
def with_a_history(x):
    history = []

    def f(t):
        history.append(t)
        return t**2 - x[0]

    root = brentq(f, 0.0, 9.0)
    return root * x * len(history) / len(history)


def decaying(t, a, b):
    return np.exp(-a * t) * b


@case(A)
def integrals_and_their_bounds(x):
    a = quad(decaying, x[3], 2.0 * x[0], args=(x[1], x[2]))[0]
    b = integrate.quad(decaying, 0.0, np.inf, (x[0], 2.0))[0]
    c, _ = quad(lambda t: np.sin(x[2] * t), 0, x[1], epsabs=1e-12)
    given = (x[0], x[1] * x[0])
    return [a, b, c, quad(decaying, x[3], 0.0, args=given)[0]]


@case(A)
def integral_of_an_array_by_its_items(x):
    def density(t):
        return np.sum(x * t) ** 2

    return quad(density, 0.0, x[0], points=[0.5])[0] * x[3]
