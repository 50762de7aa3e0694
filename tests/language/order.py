"""Loops whose steps may come in any order when they are reversed, and loops where they may not."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5, 0.75])
M = np.array([[0.5, -0.25, 0.3], [1.5, 0.8, -0.6], [0.2, -0.9, 1.1]])


@case(M, V[:3], wrt="A x")
def products_of_a_matrix(A, x):
    """Each step adds to its own row, and all of them to one vector."""
    n = len(x)
    total = 0.0
    for i in range(n):
        s = 0.0
        for j in range(n):
            s += A[i, j] * x[j]
        total += s * s
    return total


@case(V, 0.3, wrt="u k")
def into_another_array(u, k):
    """A step reads the adjoint of its own item, and adds to its neighbours in another array."""
    n = len(u)
    for _ in range(2):
        new = u.copy()
        for i in range(1, n - 1):
            new[i] = u[i] + k * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u = new
    return np.sum(u**3)


@case(V, 0.3, wrt="u k")
def into_the_same_array(u, k):
    """What a step stores, the next one reads."""
    u = u.copy()
    for i in range(1, len(u)):
        u[i] = u[i] * k + u[i - 1]
    return np.sum(u**2)


@case(V, 2)
@case(V, -2)
def from_where_it_may_count_from_the_end(x, k):
    """With k below 0, two of the indices are one place."""
    y = np.zeros(len(x))
    for i in range(k, 2):
        y[i] = y[i] * 0.5 + x[i] * x[i]
        y[i] = y[i] * x[0]
    return np.sum(y * x)


@case(V)
def own_item_two_to_the_left(x):
    y = np.zeros(2 * len(x))
    for i in range(len(x)):
        y[2 * i] = x[i] * x[i]
        y[2 * i + 1] = y[2 * i] * x[i]
    return np.sum(y * y)


@case(V)
def items_met_again(x):
    """Items at i // 2 belong to two steps."""
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i // 2] = y[i // 2] * x[i] + x[i]
    return np.sum(y * y)


@case(V, 3)
def left_from_the_last_step(x, n):
    """The item that the last step went for is read on behind the loop."""
    total = 0.0
    for i in range(n):
        total += x[i] * x[i]
    for _ in range(2):
        total += math.sin(total * x[i])
    return total * x[i]


@case([0.5, -0.25, 1.5], wrt="xs")
def kept_once_a_step(xs):
    total = 0.0
    for x in xs:
        y = math.sin(x)
        y = y * y + x
        total += y * y
    return total


@case([0.5, -0.25, 1.5], 0.7, wrt="xs a")
def a_number_carried_on(xs, a):
    s = a
    total = 0.0
    for i in range(len(xs)):
        s = s * xs[i] + a
        total += xs[i] * a
        total += s
    return total


@case(M, wrt="A")
def triangle_read_beside_the_diagonal(A):
    """A column is divided by what stands in its own diagonal, which no step of the loop stores."""
    n = len(A)
    L = np.zeros((n, n))
    for j in range(n):
        L[j, j] = A[j, j] ** 2 + 1.0
        for i in range(j + 1, n):
            t = A[i, j]
            for k in range(j):
                t -= L[i, k] * L[j, k]
            L[i, j] = t / L[j, j]
    return np.sum(L**2)


@case(V, np.array([0, 1, 0, 2]))
def gathered_and_stored(x, where):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[where[i]] = x[i] * x[i] + y[where[i]] * x[i - 1]
    return np.sum(y * x)


@case(V)
def maximum_so_far(x):
    best = 0.0
    total = 0.0
    for i in range(len(x)):
        if x[i] > best:
            best = x[i] * 1.5
        total += best * x[i]
    return total
