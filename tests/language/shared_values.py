"""Values that serve their own differential, and what a pass may take for the same value."""

import math

import numpy as np

from .cases import case

V = np.array([0.3, 1.2, 0.7])


@case(0.8, 0.3, wrt="x y")
@case(0.3, 0.8, wrt="x y")
def updated_by_quotients(x, y):
    """The new value serves where the differential does not read the old one."""
    x = x / (1.0 + y)
    y = y / (1.0 + y * y)
    x /= 2.0 + x * y
    y *= math.exp(-x) / (1.0 + y)
    x, y = math.tanh(y) * x, math.sqrt(x) / (2.0 + y)
    z = math.sqrt(x) + x / (1.0 + y)
    x = math.sqrt(x) * x + z / (1.0 + x)
    return x / (1.0 + y) * math.exp(-x / (1.0 + y))


@case(-0.4, 0.3, wrt="x y")
@case(0.4, 0.3, wrt="x y")
def not_evaluated(x, y):
    """What stands in a part that may not be evaluated is not computed in front of it."""
    a = y * (math.sqrt(x) if x > 0.0 else 2.0 / (x - 1.0))
    b = y * y + (x / y if y > 0.5 else math.exp(y) / y)
    c = max(b / y, math.log(x) / y if x > 0.0 else a / y)
    return a / b + (c if x > 0.0 and math.log(x) / y < 3.0 else math.sqrt(b))


@case(V, 0.7, wrt="v c")
@case([0.3, 1.2, 0.7], 0.7, wrt="v c")
def changed_between(v, c):
    """An item has another value behind a store, also through another name of its list."""
    w = [v[0], v[1], v[2]]
    s = w[0] / (w[1] * w[2]) + c
    w[1] = s * c + w[1] / s
    s = s + w[0] / (w[1] * w[2])
    w[2] /= 1.0 + w[2] * w[0]
    w[0] = math.exp(w[0]) / w[2] + w[0]
    w.append(s / w[0])
    for k in range(3):
        s = s + w[0] / (w[1] * w[2]) * k
        w[2] = w[2] + 0.1 * s
        if k == 1:
            w[0] = w[3] / w[2]
            continue
        w[1] = w[0] / (w[1] * w[2])
    return s / w[1]


@case(V, np.array([1.5, 0.2, 0.9]), wrt="x y")
def arrays_of_quotients(x, y):
    y = y / (1.0 + np.sum(x * x))
    z = np.tanh(x * y) / (x - y)
    z[1:] = z[1:] / z[0]
    z = z / np.sqrt(0.5 + np.mean(z * z))
    z = z / np.sum(np.exp(z))
    return z / (1.0 + x / y)


@case(V, 0.4, wrt="x c")
@case(-V, 0.4, wrt="x c")
def common_factors(x, c):
    """Terms with a mask are not added before they are multiplied; numbers come out of sums."""
    m, k = x > 0.5, x > 0.0
    a = x * x * c * m + x * x * c * k
    b = 2.0 * np.sum(0.5 * x * x) / c - np.sum(c * x) / c
    for _ in range(2):
        b = b * c / 3.0 - c * c * b / 3.0
        b = -(b * c / 2.0 + 3.0 * c * c / 2.0)
    return a * b / c


@case(0.6, 2)
@case(1.4, 3)
def names_of_branches(x, n):
    """A name in one branch says nothing of that in another."""
    y = t = 0.0
    for i in range(n):
        if i % 2:
            t += math.sqrt(x + t) * x
        else:
            t -= math.sqrt(x + 1.0) / (t + 2.0)
            if t < -0.5:
                break
        x = math.cos(x) * math.sin(x)
        y = math.cos(x)
        t = t + y * math.cos(x)
    else:
        t = math.sqrt(t * t + x * x)
    return t / (1.0 + abs(t * x - y))


def attraction(y, g):
    r = 1.0 + y
    return g / (r * r)


def attraction_and_more(y, g):
    r = 1.0 + y
    f = g / (r * r)
    r = r + f  # what f is made of does not hold any more
    return f * f / r


def shared_attraction(y, g):
    r = 1.0 + y
    f = g / (r * r)
    return f * math.sin(f * r) / (r * r)


@case(0.4, 1.2, wrt="y g")
def quotients_of_small_functions(y, g):
    for _ in range(3):
        v = attraction(y, g) - attraction_and_more(y * y, g)
        y = y + 0.1 * v * shared_attraction(y, v)
    return y


@case(0.4, 1.2, 4, wrt="r m")
def quotients_computed_again(r, m, n):
    total = 0.0
    for i in range(n):
        f = m / (r * r)
        if i > 1:
            total += f
        else:
            total -= f / r
        r = r + 0.1 * math.cos(r)
    return total
