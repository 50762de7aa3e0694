"""Lengths of axes: what is proved equal, and what NumPy broadcasts all the same."""

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5, 0.75, -0.4])
W = np.array([0.3, 0.8, -0.6, 0.2])


@case(V, W, V[:3], wrt="x c y")
@case(V[:3], W[:2], V, wrt="x c y")
@case(V[:3], W, V[:1], wrt="x c y")
@case(V[:2], W[:1], V[:1], wrt="x c y")
def slices_of_what_may_be_short(x, c, y):
    """The inner part of three cells is one, which is spread over what it is added to."""
    first = x[1:] - x[:-1]
    inner = x[1:-1] + y
    flux = first[: len(c)] if len(first) == len(c) else c * 2.0
    return np.sum(flux * c) + np.sum(inner * inner * y) + np.sum(x[2:] * x[:-2] * y[:1])


@case(V, W, wrt="x c")
@case(V[:3], W[:2], wrt="x c")
def held_ends(x, c):
    for _ in range(3):
        flux = c * (x[1:] - x[:-1])
        inner = x[1:-1] + 0.3 * (flux[1:] - flux[:-1])
        x = np.concatenate([x[:1], inner * x[1:2], x[-1:]])
    return x @ x


@case(V[:1])
@case(V[:2])
@case(V)
def both_ends_of_one_cell(x):
    """Put together the ends of one cell are two: as long as before only from two cells on."""
    y = np.concatenate([x[:1], x[1:-1], x[-1:]])
    return np.sum(y * x) + np.sum(y * y)


@case(V[:1], V, wrt="x y")
@case(V[:2], V, wrt="x y")
@case(V, V, wrt="x y")
def counted_lengths(x, y):
    n = len(x)
    m = x[2:].shape[0] + 1  # not n - 1 where x is short
    inside = y[:n] * x
    zeros = np.zeros(n)
    zeros[: n - 1] = x[1:]
    more = np.zeros(m) + y[:1]
    return (
        np.sum(inside * zeros) + np.sum(more * more * y[:1]) + np.sum(x[: n - 1] * x[1:n] * y[:1])
    )


@case(V)
def counts_that_go_down(x):
    n = len(x)
    y = x[:n]
    while n > 1:
        y = y[:n] * x[:n]
        n = n - 1
        x = x[:n] + y[:1]
    return np.sum(y) + np.sum(x * y[0])


@case(V, W[:1], wrt="x w")
@case(V, V[1:], wrt="x w")
def items_of_other_lengths(x, w):
    """The parts of what a list holds have lengths of their own, in each item."""
    pairs = [(a, a * a) for a in (x[1:], w)]
    total = 0.0
    for a, b in pairs:
        total = total + np.sum(a * b)
    sizes = [len(a) for a in (x[1:], w)]
    mixed = np.ones(sizes[0]) * w + np.zeros(sizes[1])
    return total + np.sum(pairs[0][0] * pairs[1][1]) + np.sum(mixed * mixed)


@case(np.outer(V, W), wrt="x")
@case(np.outer(V, W)[:, :1], wrt="x")
@case(np.outer(V, W)[:, :3], wrt="x")
def columns_by_number(x):
    """The third column is one if there are three."""
    left = x[:, 0:2] * x[:, 2:3] + x[:, :1]
    return np.sum(left * left) + np.sum(x[:, -2:] * x[:, -1:]) + np.sum(np.eye(x.shape[1]) * x[0])


LABELS = np.array([2, 0, 1, 2, 0])


@case(np.outer(V, W), wrt="p")
@case(np.outer(V, W)[:1], wrt="p")
def one_entry_of_each_row(p):
    """One row alone is picked from five times, some entries more than once."""
    n = p.shape[0]
    picked = p[np.arange(n), LABELS]
    rows = np.arange(n)
    rows[0] = 3 % n  # where the same column is picked
    again = p[rows, LABELS]
    return np.sum(picked * picked * again) / n


@case(np.outer(V, W), wrt="x")
@case(np.outer(V, W)[:1], wrt="x")
def rows_divided_by_their_sums(x):
    e = np.exp(x)
    p = e / np.sum(e, axis=1)[:, None]
    x = p / np.sqrt(np.sum(p * p, axis=1, keepdims=True))
    y = x**3 / np.sum(x, axis=0)
    return np.sum(x[:, 0] * p[:, -1]) + np.sum(0.5 / (1.0 + y) ** 3 - np.log(p / e) * x)


@case(V, np.outer(W, W) + np.eye(4), wrt="x A")
def squares_of_matrices(x, A):
    G = A.T @ A + x[0] * np.eye(A.shape[1])
    return np.trace(G @ G) + np.sum(np.roll(-x, 2) * np.roll(x - x[0], -1)) + A[0] @ A.T @ A[1]


@case(V, W, 0.7, wrt="x w k")
@case(V[:1], W, 0.7, wrt="x w k")
def numbers_that_stand_for_arrays(x, w, k):
    """A sum gives each entry the same adjoint: one number, where something else gives its shape."""
    table = x[:, None] * w / k + x[:, None]
    level = table / (2.0 + w * w) - k * w
    both = k * x - x / (k + x * x)
    narrow = x[:, None] * k
    return np.sum(level) + np.sum(both) * k + np.sum(narrow + 0.0 * table) - np.sum(np.exp(narrow))


@case(np.outer(V, W), W, wrt="x w")
@case(np.outer(V, W)[:1], W, wrt="x w")
def first_in_the_shape_of_the_rest(x, w):
    means = x * w
    scaled = means * np.exp(-x)
    penalty = np.sum(w) * np.sum(x, axis=1)
    again = np.sum(x * w, axis=0)
    return np.sum(scaled * scaled) - np.sum(penalty * penalty) - np.sum(again) + np.sum(x)


@case(V, W, wrt="x")
@case(V, W[:1], wrt="x")
@case(V, W.astype(np.float32), wrt="x")
def shapes_of_what_a_loop_forgets(x, c):
    """The flux has the shape of c, unless c is one number for all, and more digits than it."""
    for k in range(3):
        flux = c * (x[1:] - x[:-1])
        rate = flux[1:] - flux[:-1]
        x = np.concatenate([x[:1], x[1:-1] + 0.3 * rate * x[1:-1], x[-1:] * c[-1]])
    return np.sum(x * x)


@case(V[:3], W[:1], wrt="x c")
@case(V[:1], W[:1], wrt="x c")
def shapes_that_a_loop_changes(x, c):
    start = c
    for k in range(3):
        flux = x * c
        c = flux + c[:1]
        x = np.concatenate([c, start * flux[:1]])[: len(x)]
    return np.sum(c * x) + np.sum(c * c)


@case(V, 0.7, 1.3, wrt="x k m")
@case(V[:1], 0.7, 1.3, wrt="x k m")
def numbers_times_vectors(x, k, m):
    """The adjoint of a number is a product of vectors, where both are of full length."""
    y = k * np.sin(x) + m * x[:1]
    z = y * (x > 0.0) * k - m * (y > 0.1)
    total = 0.0
    for j in range(len(x)):
        total = total + m * y[j] * np.sum(z * x[j]) + k * np.sum(m * z[: j + 1] * x[: j + 1])
    return total + np.sum(k * x * x[:1])


@case(np.outer(V, V)[:3, 1:4], 0.4, wrt="A k")
def multiples_of_the_identity(A, k):
    n = A.shape[0]
    eye = np.eye(n)
    B = A @ A + k * np.eye(n) * A[0, 1]
    C = B * k + np.eye(n, n + 1)[:, 1:] * k + eye * k * k
    return np.sum(C * C) + np.sum(k * np.eye(3))


@case(np.outer(V, W), V, wrt="x y")
def quotients_that_have_a_name(x, y):
    """What is divided, or what it is divided by, may have got another value since."""
    e = np.exp(x)
    total = np.sum(e, axis=1)[:, None]
    p = e / total
    first = np.sum(p * p * y[:, None])
    e = e * y[:, None]
    q = e / total
    total = total + 1.0
    r = e / total
    e[0] = y[0] * e[1]
    s = e / total
    w = y / np.sum(y)
    y = np.exp(w)
    return first + np.sum(q * r * p) + np.sum(s * p) + np.sum(y / np.sum(y) * w)


@case(V)
def signs_in_front_of_lists(x):
    """The adjoint of a list is a list, which has no sign."""
    parts = [x * x, x[1:]]
    parts.append(x[:1] * 2.0)
    y = x[0] - np.concatenate(parts)
    pair = (x[1], x[2] * x[0])
    z = 1.0 - np.stack([x, np.sin(x)]) - np.sum(pair)
    return np.sum(y * y) - np.sum(np.exp(-np.hstack(parts))) + np.sum(z * z) - np.sum(pair)


@case(V[:3], 0.5, wrt="x y")
def a_sum_beside_what_is_multiplied_by_nothing(x, y):
    return y - np.sum(x), x * 0


@case(V[:3], 0.5, wrt="y")
@case(0.25, 0.5, wrt="y")
def a_constant_that_gives_the_shape(c, y):
    """With kinds not known c may be an array, which y is added to twice."""
    first = c + y + y
    second = y - (y * y + c)
    return first * 2.0 - second, c - y - y * y


def doubled(v):
    return 2.0 * v


def shown_twice(v):
    """The length of what is returned is known by that of no parameter."""
    return np.repeat(v[v > 0.0], 2)


@case(np.array([0.5, -0.2]), np.array([0.3, 0.7, -0.1, 0.9]), wrt="x y")
def lengths_of_each_call(x, y):
    """What a function returns for arguments of one length says nothing of those of another."""
    a = doubled(y[y > 0.0])
    b = doubled(x[x > 0.0])
    long = shown_twice(y)
    short = shown_twice(y[1:3])
    return np.sum(a * b) + np.sum(long[:, None] * short)
