"""Maxima that cancel out of the result, and those that look so and do not."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5])
A = np.array([[0.5, 1.0, -0.3], [0.2, -0.7, 0.9]])
B = np.array([[0.2, 0.4], [-0.3, 0.8], [0.6, 0.1]])


@case(V)
def log_of_a_sum(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@case(V)
def shares(x):
    e = np.exp(x - x.max())
    return e / e.sum()


@case(A)
def shares_of_rows(x):
    e = np.exp(x - np.max(x, axis=1)[:, None])
    return np.sum(np.log(e / e.sum(axis=1, keepdims=True)) * A)


@case(A, B, wrt="x w")
def averages_by_rows(x, w):
    """A product with a matrix that is not moved sums along the rows."""
    e = np.exp(2.0 * (x - np.max(x, axis=1, keepdims=True)))
    return (e @ w / np.sqrt(np.sum(e, axis=1, keepdims=True)) ** 2) ** 2


@case(A)
def changed_in_place(x):
    z = x * x
    z -= z.max(axis=-1)[:, None]
    e = np.exp(z)
    e /= e.sum(axis=1)[:, None]
    return np.sum(e**2)


@case([0.5, -0.25, 1.5])
def found_in_a_loop(x):
    top = x[0]
    for v in x:
        if v > top:
            top = v
    total = 0.0
    for v in x:
        total += math.exp(v - top)
    return math.log(total) + top


@case([0.5, -0.25, 1.5])
def lists_of_shares(x):
    top = max(x)
    weights = [math.exp(v - top) for v in x]
    return [w / sum(weights) for w in weights]


@case(0.5, 0.75, wrt="x y")
def of_two(x, y):
    top = max(x, y)
    return top + math.log(math.exp(x - top) + math.exp(y - top))


@case(V, np.array([1.0, -1.5, 0.5]), wrt="x y")
def item_by_item(x, y):
    top = np.maximum(x, y)
    return top + np.log(np.exp(x - top) + np.exp(y - top))


@case(V, 0.7, wrt="x t")
def with_a_temperature(x, t):
    top = np.max(x)
    return top + t * np.log(np.sum(np.exp((x - top) / t)))


@case(V, 0.7, 1.5, wrt="x t s")
def with_products_of_temperatures(x, t, s):
    scale = 0.5 * t
    low = np.min(x)
    total = np.sum(np.exp(-(x - low) / (scale / s)))
    return low - scale / s * np.log(total) + t


# -- near misses: the maximum does take part


@case(V, 0.7, wrt="x t")
def another_temperature(x, t):
    top = np.max(x)
    total = np.sum(np.exp((x - top) / t))
    t = t * 1.1
    return top + t * np.log(total)


@case(V, 0.7, 3, wrt="x t")
def a_temperature_that_falls(x, t, k):
    total = 0.0
    scale = t
    for i in range(k):
        top = np.max(x)
        inner = np.sum(np.exp((x - top) / scale))
        scale = 0.5 * scale
        total += top + scale * np.log(inner)
    return total


@case(V, 0.7, 0.9, wrt="x t s")
def two_temperatures(x, t, s):
    top = np.max(x)
    return top + s * np.log(np.sum(np.exp((x - top) / t)))


@case(V, 0.7, wrt="x t")
def a_temperature_squared(x, t):
    top = np.max(x)
    return top + t * t * np.log(np.sum(np.exp((x - top) / t)))


@case(V)
def something_is_added(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)) + 0.1)


@case(V)
def not_added_again(x):
    top = np.max(x)
    return np.log(np.sum(np.exp(x - top)))


@case(V)
def taken_away_twice(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - 2.0 * top)))


@case(V)
def returned_too(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top))), 2.0 * top


@case(A)
def summed_along_the_other_axis(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=0)


@case(A)
def multiplied_from_the_other_side(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return (B @ e) / np.sum(e)


@case(V)
def counted_by_its_size(x):
    """Each of the terms moves: their sum moves three times as much."""
    top = np.max(x)
    return np.sum(x - top) + top


@case([0.5, -0.25, 1.5])
def rounds_with_a_maximum_each(x):
    """What was summed up before belongs to the maximum before."""
    top = x[0]
    total = 1.0
    for v in x[1:]:
        new = max(top, v)
        total = total * math.exp(top - new) + math.exp(v - new)
        top = new
    return math.log(total) + 0.5 * top


@case([0.5, -0.25, 1.5])
def left_from_another_maximum(x):
    weight = 1.0
    for v in x:
        top = max(v, 0.25)
        weight = weight / math.exp(v - top)
        weight = weight * math.exp(v - top) + math.exp(-top)
    return weight


@case(V)
def read_by_a_function(x):
    def moved(v):
        return np.exp(v - top)

    top = np.max(x)
    return np.sum(moved(x))


@case([0.5, -0.25, 1.5])
def put_into_a_list(x):
    top = max(x)
    kept = [0.0, 0.0]
    kept[1] = x[0] - top
    return math.exp(kept[1]) + kept[0]


@case(0.5, True)
@case(0.5, False)
def only_one_branch(x, moved):
    top = max(x, 0.1)
    y = 2.0 * x
    if moved:
        y = y - top
    return math.exp(y)


@case([0.5, -0.25, 1.5])
def lists_put_together(x):
    """The `+` of lists is not that of numbers."""
    top = max(x)
    first = [v - top for v in x]
    both = first + [top]
    return sum(both) + math.exp(both[0])


@case(A, np.array([2, 0]))
def one_of_each_row(x, labels):
    rows = np.arange(len(labels))
    z = x - np.max(x, axis=1, keepdims=True)
    log_norm = np.log(np.sum(np.exp(z), axis=1))
    return np.mean(log_norm - z[rows, labels])


@case(A, np.array([2]))
def one_of_the_first_row(x, labels):
    """It is taken away from each of the rows, which move in their own ways."""
    z = x - np.max(x, axis=1, keepdims=True)
    log_norm = np.log(np.sum(np.exp(z), axis=1))
    return np.mean(log_norm - z[np.arange(len(labels)), labels])


@case(A, np.array([2, 0]))
def rows_in_another_order(x, labels):
    z = x - np.max(x, axis=1, keepdims=True)
    log_norm = np.log(np.sum(np.exp(z), axis=1))
    return (log_norm - z[np.array([1, 0]), labels]) ** 2


@case(V)
def begun_with_nothing(x):
    """The first number of all is larger than what a maximum begins with."""
    top = -np.inf
    for v in x:
        if v > top:
            top = v
    total = 0.0
    for v in x:
        total += math.exp(v - top)
    return top + math.log(total)
