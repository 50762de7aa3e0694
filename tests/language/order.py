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
def twice_into_another_array(u, k):
    """What a step clears is read again in it, by what has stored into the item before."""
    for _ in range(2):
        new = u.copy()
        for i in range(1, len(u)):
            new[i] = u[i] * u[i - 1]
        for i in range(1, len(u) - 1):
            new[i] = u[i] + k * new[i] * u[i + 1]
        new[0] = u[1] * new[2]
        new[len(u) - 1] = new[0] * k
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


@case(M, wrt="A")
def items_read_before_they_are_stored(A):
    """A later step stores what an earlier one has read above the diagonal, none below it."""
    L = A * 1.0
    n = len(A)
    for j in range(n):
        for i in range(j + 1, n):
            L[i, j] = L[i, j] * L[j, i]
            for k in range(j):
                L[k, i] = L[k, i] * L[i, j]
    return np.sum(L * L)


@case(M, 3, wrt="A")
def a_bound_that_moves(A, n):
    """`n` is another number at each step: its columns may be those of a step before."""
    L = A * 1.0
    for j in range(3):
        for k in range(n):
            L[0, k] = L[0, k] * A[j, k]
            n = 2
    return np.sum(L * L)


@case([[0.7, 0.4, 0.2], [0.3, 1.1, 0.9]], wrt="rows")
def table_of_paths(rows):
    n, m = len(rows), len(rows[0])
    t = [[0.0] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            best = 0.0
            if i > 0:
                best = t[i - 1][j] * rows[i][j]
            if j > 0:
                best = best + t[i][j - 1] * 0.5
            t[i][j] = rows[i][j] ** 2 + best
    return t[n - 1][m - 1] + t[0][1]


@case([[2.7, 0.4, 0.2], [0.3, 3.1, 0.9], [0.5, -0.7, 1.9]], [0.3, 0.8, -0.4], wrt="a b")
def eliminated(a, b):
    a = [row[:] for row in a]
    b = b[:]
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            f = a[i][k] / a[k][k]
            for j in range(k + 1, n):
                a[i][j] -= f * a[k][j]
            b[i] -= f * b[k]
    x = [0.0] * n
    for i in range(n - 1, -1, -1):
        s = b[i]
        for j in range(i + 1, n):
            s -= a[i][j] * x[j]
        x[i] = s / a[i][i]
    return sum(v * v for v in x)


@case([[0.7, 0.4, 0.2], [0.3, 1.1, 0.9]], wrt="rows")
def the_last_row_before_the_first(rows):
    """What the first step reads, counted from the end, the last step stores."""
    n, m = len(rows), len(rows[0])
    t = [[1.5] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            t[i][j] = rows[i][j] * t[i - 1][j] + t[i][j - 2]
    return t[n - 1][m - 1] + t[0][1]


@case([0.7, 0.4, 1.2], 2, wrt="xs")
@case([0.7, 0.4, 1.2], 0, wrt="xs")
def behind_a_test_of_another_index(xs, k):
    """The test is about `i` of the outer loop, the index about that of the inner one."""
    t = [1.0, 2.0, 3.0]
    for i in range(3):
        if i > k:
            for i in range(3):
                t[i] = t[i - 1] * xs[i] + 0.1
    for i in range(3):
        if i > k:
            k = k - 1
            t[i] = t[k] * t[k] * xs[i]
    return t[0] * t[1] + t[2]


@case(V)
def cleared_and_added_to_again(x):
    """The adjoint of an item that is stored over is added to again by what was read before."""
    y = x * x
    total = 0.0
    for i in range(len(x)):
        total += y[i] * x[i]
        y[i] = x[i] * total
        total += y[i]
    return total + np.sum(y * x)


def doubled(v, factor):
    v = v * 1.0
    for i in range(len(v)):
        v[i] = 2.0 * v[i] * factor
    return v


@case(M, wrt="A")
def given_back_where_it_is_stored(A):
    """The adjoint of what a callee stores into goes on to whoever called."""
    b = doubled(A[0], A[1, 1])
    c = doubled(b, A[0, 1])
    return np.sum(b * c) + np.sum(c)


@case([[0.7, 0.4, 0.2], [0.3, 1.1, 0.9]], 0.6, wrt="rows g")
def tables_copied_in_every_way(rows, g):
    a = [list(row) for row in rows]
    b = [row[:] for row in a]
    a[0][1] = a[0][1] * g + b[1][2]
    rows = [row[:] for row in a]
    rows[1][1] = rows[0][1] * a[0][1] + rows[0][0]
    c = [row[1:] for row in rows]
    c[0][0] *= b[0][0]
    d = [row.copy() for row in rows]
    d[0][0] *= b[0][0]
    return rows[1][1] * c[0][0] + a[1][0] * b[1][0] + c[1][1] * d[0][0]


@case([0.7, 0.4, 1.2], wrt="xs")
def places_by_a_length_that_shrinks(xs):
    """What one step reads, at the length less one, the next step stores, at the length."""
    rest = [1, 1, 1]
    t = [1.0, 2.0, 3.0, 4.0]
    for i in range(3):
        t[len(rest)] = t[len(rest) - 1] * t[len(rest) - 1] * xs[i]
        rest.remove(1)
    return t[3] + t[2] * t[1]
