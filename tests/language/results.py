"""Small functions reversed from what they returned, and results that are not what they were."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5])
W = np.array([-1.25, 0.75, 0.5])
M = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]])


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def logistic(x):
    return 2 / (math.exp(-x) + 2)


def bell(x, width):
    return np.exp(-0.5 * x * x / width)


def softmax(z):
    top = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - top)
    return e / np.sum(e, axis=-1, keepdims=True)


def layer(x, w, b):
    return np.tanh(x @ w + b)


def gelu(x):
    return 0.5 * x * (1.0 + np.tanh(0.8 * (x + 0.04 * x**3)))


def softplus(x):
    return np.log1p(np.exp(x))


def other_sum(x):
    """Quotients whose divisor is no sum with their numerator, or that were changed since."""
    u = np.exp(-x)
    a = 2.0 / (1.0 + u)
    b = 1.0 / (3.0 - np.exp(-x))
    c = x / (x + np.exp(x))
    d = np.exp(x) / (1.0 + np.exp(x))
    return a * b + c - d / (d + u)


def counted(x, n):
    return np.exp(x) * n


def either(x):
    if np.sum(x) > 0.0:
        return np.exp(x)
    return np.tanh(x)


def filled(x):
    y = np.exp(x)
    y[0] = x[1]
    return y


@case(V, W, wrt="x y")
def changed_in_place(x, y):
    s = sigmoid(x)
    s *= y
    t = sigmoid(y)
    t[0] = x[1]
    return np.sum(s * t + bell(x, 0.5) * other_sum(y))


@case(V, W, 0.7, wrt="x y width")
def bound_anew(x, y, width):
    x = sigmoid(x)
    y = softmax(x * y)
    x = bell(y, width) * sigmoid(x)
    y, width = softmax(x), sigmoid(width * y)
    return np.sum(x * y * width)


@case(M, V, W, 3, wrt="m x")
def in_a_loop(m, x, y, steps):
    h = gelu(m @ x)
    total = 0.0
    for k in range(steps):
        h = gelu(h) + sigmoid(h[::-1])
        x = layer(x, np.outer(x, y), counted(y, k))
        total += np.sum(softplus(h) * softmax(m)[:, k % 3]) * x[0]
    return total + np.sum(gelu(x) * either(x) + either(-x) * filled(y))


@case(0.3, -0.6, 4, wrt="x y")
def of_numbers(x, y, n):
    items = [logistic(x)]
    for _ in range(n):
        x = logistic(y) * logistic(items[-1] + x)
        items.append(logistic(x * y) / logistic(y))
    return sum(items) + bell(x, y * y)
