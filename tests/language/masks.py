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


K = np.array([1.0, 0.0, 2.0, 0.0])
P = np.array([1.0, 2.0, 3.0, 0.5])


@case(P, K, wrt="x")
def infinite_in_one_expression(x, k):
    return np.sum(np.where(k > 0.0, 1.0 / np.sqrt(x * k), 0.0))


@case(P, K, wrt="x")
def infinite_by_its_name(x, k):
    """The zero reaches the slopes by way of the adjoint of a variable."""
    t = x * k
    root = np.sqrt(t)
    r = 1.0 / root
    m = t > 0.0
    return np.sum(np.where(m, r * np.log(t) / root, 0.0) ** 2)


@case(P, K, wrt="x")
def choices_in_choices(x, k):
    return np.sum(np.where(k > 0.0, np.where(k > 1.0, 1.0 / (x * k), np.log(x * k)), x * x))


@case(P, K, wrt="x")
def factors_that_are_infinite(x, k):
    """What a product has as its slope may be infinite as well, as the value of `exp` is."""
    inverse = 1.0 / k
    y = np.where(k > 0.0, x * inverse, 0.0) + np.where(k == 0.0, x, np.exp(x / k) / (x / k))
    soft = np.where(1000.0 * k < 30.0, np.log1p(np.exp(x * k * 1000.0)), x * k)
    return np.sum(y * y) + np.sum(soft)


@case(P, np.array([0.5, np.nan, 1.5, np.nan]), wrt="w")
def data_that_is_missing(w, x):
    return np.sum(np.where(np.isnan(x), 0.0, x * w) ** 2)


@case(P, K, wrt="x")
def conditions_of_more_axes(x, k):
    """A column none of whose entries are taken is spread out along the condition."""
    whole = np.array([[True], [False]]) & (k > 0.0)
    return np.sum(np.where(whole, x / (k * x * x), 0.0))


@case(P, K, wrt="x")
def number_beside_arrays(x, k):
    s = np.sum(x)
    return np.sum(np.where(k > 0.0, s / k, 0.0)) + np.sum(np.where(k > 0.0, np.sqrt(s) / k, s * s))


@case(P, K, 3, wrt="x")
def infinite_at_each_step(x, k, n):
    total = 0.0
    for i in range(n):
        r = 1.0 / np.sqrt(x * k)
        total += np.sum(np.where(k > 0.0, r, 0.0)) * (i + 1.0)
    return total


@case(np.array([1.0, 0.0, -1.0]), wrt="x")
def adjoints_that_are_zero_for_once(x):
    """A zero that flows by chance has a slope of its own."""
    y = x * np.exp(x)
    r = 1.0 / (2.0 + y)
    return np.sum(np.where(x > -0.5, r * y * y, np.log(3.0 + y)))


@case(2.0, 0.0, wrt="x")
@case(2.0, K, wrt="x")
def of_a_number(x, k):
    root = np.sqrt(x * k)
    return np.sum(np.where(k > 0.0, 1.0 / root, 2.0 * x)) + np.sum(np.where(k > 0.0, root * x, x))


@case(P, wrt="x")
def root_of_what_is_cut_off(x):
    """The slope of the root is infinite where nothing passes."""
    shown = np.sqrt(np.maximum(x - 1.5, 0.0)) + np.clip(x, 0.7, 2.5) ** 1.5
    return np.sum(shown * np.sqrt(np.clip(x - 0.75, 0.0, None) * 2.0))


@case(P, 0.5, wrt="x")
def root_of_a_named_cut(x, h):
    kept = np.maximum(x - 1.5, 0.0)
    scaled = kept * h
    root = scaled**0.5
    return np.sum(root * x) + np.sum(kept * x)


@case(P - 1.5, 2.0, wrt="x h")
@case(-1.0, 2.0, wrt="x h")
def factor_beside_what_is_cut_off(x, h):
    cut = np.maximum(x, 0.0)
    return np.sqrt(cut * h) + h * np.sqrt(np.clip(x, 0.0, 0.75)), np.sum(x)


@case(np.array([0.4, -1.3, 2.0]), np.array([1.0, 0.0, 1.0]), wrt="x")
@case(np.array([0.4, -1.3, 2.0]), np.array([True, False, True]), wrt="x")
def cross_entropy_of_logits(x, y):
    """What comes in stands in front of a mask and floats, but not of two masks."""
    loss = np.sum(np.maximum(x, 0.0) - x * y + np.log1p(np.exp(-np.abs(x))))
    return loss + 0.3 * np.sum(np.maximum(x, 1.0) + np.maximum(x, y) * 1.0) + np.sum(x * y - x * x)


@case(np.array([0.4, -1.3, 2.0]), np.array([True, False, True]), wrt="x")
def mask_and_booleans(x, y):
    return np.sum(np.maximum(x, 0.0) + x * y) * np.sum(np.maximum(x, 0.5) - np.maximum(x, 1.0))
