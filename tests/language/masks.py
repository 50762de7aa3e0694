"""Choices of `np.where`: one choice in the derivative for those of one condition."""

import numpy as np

from .cases import case

V = np.array([0.7, -0.4, 1.9, 0.2])
W = np.array([[0.7, -0.4, 1.9, 0.2], [-1.1, 0.6, 0.3, -0.8]])


@case(V, 0.3, wrt="x a")
def both_sides_of_one(x, a):
    y = np.where(x > 0.1, x * x, a * np.sin(x))
    return np.sum(y * y) + a * np.sum(np.where(x > 0.1, a * x, x**3))


@case(V, wrt="x")
def infinite_on_the_other_side(x):
    """The root and the quotient have no slope where they are not taken."""
    safe = np.where(x > 0.1, x - 0.1, 0.0)
    root = np.where(x > 0.1, np.sqrt(safe), 0.0)
    share = np.where(safe > 0.0, 1.0 / (safe + (safe <= 0.0)), x)
    return np.sum(root * share) + np.sum(np.where(x > 0.1, x / root.size, x * x))


@case(V, wrt="x")
def summed_inside_of_a_choice(x):
    """What is summed is zero where it is not taken, and must stay so."""
    y = np.where(x > 0.1, x * np.sum(np.where(x > 0.1, x * x, 0.0)), 0.0)
    return np.sum(y)


@case(W, V, wrt="x w")
def conditions_of_smaller_shape(x, w):
    y = np.where(w > 0.1, x * w, w - x)
    z = np.where(w > 0.1, np.exp(w) / 2.0, w) * np.where(x > 0.0, 1.0, x)
    return np.sum(y * z) + np.sum(np.where(w > 0.1, w, 2.0 * x) * np.where(w > 0.1, x, 1.0))


@case(V, 0.4, wrt="x a")
def condition_that_changes(x, a):
    """The same words, another condition: x is bound anew in between."""
    y = np.where(x > 0.1, a * x, 0.0)
    x = x * x - a
    z = np.where(x > 0.1, y / x, y * x)
    return np.sum(z * y)


@case(V, 3, wrt="x")
def chosen_at_each_step(x, n):
    total = 0.0
    for k in range(n):
        step = np.where(x > 0.3, np.log(1.0 + x * x) / (1.0 + k), 0.0)
        x = np.where(x > 0.3, x - 0.3 * step, x + 0.2 * np.sin(x) * step + 0.1 * x)
        total += np.sum(step * x)
    return total
