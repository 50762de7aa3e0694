"""Arrays and rows that change hands before they are stored into, and calls that only check."""

import numpy as np

from .cases import beyond, case

A = np.array([1.1, 1.7, 2.3, 0.4])
KEPT = []


def as_floats(a, dtype=None):
    dtype = float if dtype is None else dtype
    return np.asarray(a, dtype)


def one_of(a, b):
    return a if np.sum(a) > 0.0 else b


def tail(a):
    return a[1:]


def flat_product(m, v):
    m, v = np.asarray(m), np.asarray(v)
    return np.squeeze(np.matmul(m, v[..., None]), axis=-1)


def within(a, least, most):
    if np.min(a) < least or a.max() > most:
        raise ValueError("out of range")


def emptied(h):
    h = np.asarray(h)
    h[0] = h[1] ** 2
    return np.sum(h**2)


def kept(a):
    KEPT.append(a)
    return a


@case(A)
def checked_arrays(x):
    within(x, 0.0, 9.0)
    y = x * x
    within(y, 0.0, 99.0)
    np.max(y)
    return np.sum(y * x)


@case(A, wrt="h")
@case(2.0, wrt="h")
def argument_as_floats(h):
    h = as_floats(h)
    h[np.asarray(h < 0.5)] = 3.0
    return h**2


@case(A, wrt="h")
@case([1.1, 1.7, 2.3], wrt="h")
def argument_as_an_array(h):
    y = h[0] * h[2]
    h = np.asarray(h)
    h[0] = h[1] ** 2
    h[1] = h[0] * h[2]
    return y * np.sum(h**3)


@case(A)
def product_stored_into(x):
    p = flat_product(np.array([[1.0, 2.0, 0.5, 1.0], [0.0, 1.0, 4.0, 2.0]]), x)
    p[..., 0] -= 0.3
    p[1] *= p[0]
    return p


@case(A, wrt="h")
def handed_over_in_a_loop(h):
    for k in range(3):
        h = as_floats(h)
        h[k] = h[k - 1] ** 2
    return h


@case(A, wrt="a")
def one_of_two(a):
    b = a**2
    c = a * 1.0
    z = one_of(c, b)
    z[0] = 3 * z[1]
    return a * z


@case(A, wrt="h")
def part_of_what_is_not_read_again(h):
    y = h * h
    z = tail(y)
    z[0] = z[1] ** 2
    return z


@case(A, wrt="h")
def seen_by_a_function(h):
    first = lambda: h[0]  # noqa: E731
    h = as_floats(h)
    h[0] = h[1] ** 2
    return h * first()


@case(A, wrt="h")
def one_way_or_the_other(h):
    g = h if h[0] > 100.0 else as_floats(h)
    g[0] = g[1] ** 2
    return g


@beyond(A, wrt="h")
def read_behind_the_store(h):
    g = as_floats(h)
    g[0] = h[1] ** 2
    return h * g


@beyond(A, wrt="a")
def one_of_two_is_read(a):
    b = a**2
    z = one_of(a, b)
    z[0] = 3 * z[1]
    return a * z


@beyond(A)
def callee_empties_what_it_is_given(x):
    h = x * 2.0
    r = emptied(h)
    return r * h


@beyond(A, wrt="h")
def part_is_read(h):
    z = tail(h)
    z[0] = z[1] ** 2
    return z * h[1:]


@beyond(A, wrt="h")
def listed_before(h):
    held = [h]
    h = as_floats(h)
    h[0] = h[1] ** 2
    return h * held[0]


@beyond(A, wrt="h")
def listed_when_made(h):
    y = h * 1.0
    held = [y]
    z = as_floats(y)
    z[0] = z[1] ** 2
    return z * held[0]


@beyond(A, wrt="h")
def kept_outside(h):
    h = kept(h * 1.0)
    h[0] = h[1] ** 2
    return h * KEPT[-1]


@beyond(A, wrt="h")
def stored_again_and_again(h):
    y = h * 1.0
    for k in range(2):
        z = as_floats(y)
        z[k] = z[k + 1] ** 2
    return y


@beyond(A, wrt="h")
def view_is_read(h):
    y = h * 1.0
    v = y[1:]
    z = as_floats(y)
    z[1] = z[2] ** 2
    return v


@beyond(A, wrt="h")
def view_of_an_argument(h):
    v = h[1:]
    h = as_floats(h)
    h[1] = h[2] ** 2
    return v * h[1:]


@case(1.3, 3)
@case(1.3, 0)
def rows_of_lists(x, n):
    table = [[0.0] * n for _ in range(n)]
    for i in range(n):
        row = table[i]
        for j in range(i, n):
            row[j] = table[j][i] = x ** (i + j) + i
    return table


@case(1.3)
def rows_read_and_stored(x):
    table = [[x, 2.0, 3.0], [x * x, 1.0, x], [0.5, x, 1.0]]
    total = 0.0
    for i in range(1, 3):
        above, row = table[i - 1], table[i]
        for j in range(3):
            row[j] = above[j] * row[j] + x
            total += 0.1 * row[j] * above[j]
        row[0] *= 0.01 * total
    return total * table[2][0]


@case([[1.0, 2.0], [0.5, 1.5]], wrt="table")
def rows_of_an_argument(table):
    for i in range(2):
        row = table[i]
        row[0] = row[1] * row[0]
        row[1] += table[0][0] ** 2
    return table[0][0] * table[1][1] + table[1][0]


@beyond(1.3)
def row_is_replaced(x):
    table = [[x, 2.0], [x * x, 1.0]]
    row = table[0]
    table[0] = [3.0, x]
    row[1] = x**3
    return table[0][1] * row[1] + row[0]


@beyond(1.3)
def rows_are_shifted(x):
    table = [[x, 2.0], [x * x, 1.0]]
    row = table[0]
    table.insert(0, [x, x])
    row[1] = x**3
    return table[0][1] * row[1] + table[1][1]


@beyond(1.3)
def table_is_replaced(x):
    table = [[x, 2.0], [x * x, 1.0]]
    row = table[0]
    table = [[x * 3.0, 1.0], [x, x]]
    row[1] = x**3
    return table[0][0] * row[1] + table[0][1]


@beyond(1.3)
def rows_change_places(x):
    table = [[x, 2.0], [x * x, 1.0]]
    row = table[0]
    table[0], table[1] = table[1], table[0]
    row[1] = x**3
    return table[0][1] * row[1] + table[1][1]


@beyond(1.3)
def row_by_another_index(x):
    table = [[x, 2.0], [x * x, 1.0]]
    k = 0
    row = table[k]
    k = 1
    row[1] = x**3
    return table[0][1] * row[1] + table[k][1]


@beyond(1.3)
def same_row_twice(x):
    table = [[x, 2.0]] * 2
    row = table[0]
    row[1] = x**3
    return table[1][1] * table[0][1]


MODE = {"scale": 2.0}


def with_a_mode(a, scale):
    MODE["scale"] = scale
    return np.max(a) * MODE["scale"]


def kept_at_the_end(a):
    KEPT[:] = [a]
    return 1.0


def put_into(a, table):
    table["a"] = a
    return 2.0


@case(1.3)
def table_with_another_name_behind(x):
    table = [[0.0] * 3 for _ in range(3)]
    for i in range(3):
        row = table[i]
        for j in range(i):
            row[j] = table[j][i] = x ** (i + j)
        row[i] = x
    other = table
    return other[2][0] * table[0][1] + other[1][1]


@case(A, wrt="x")
def checked_by_what_is_not_used(x):
    y = x * x
    n = int(np.floor(within_ten(y)))
    return y * n


def within_ten(a):
    found = []
    for v in a:
        found.append(min(v, 10.0))
    return max(found)


@beyond(A)
def mode_is_set(x):
    y = x * x
    with_a_mode(y, 3.0)
    return y * MODE["scale"]


@beyond(A)
def kept_by_a_call_for_its_effect(x):
    y = x * x
    kept_at_the_end(y)
    return KEPT[0] * x


@beyond(A)
def put_by_a_call_for_its_effect(x):
    y = x * x
    table = {}
    put_into(y, table)
    return table["a"] * x


@beyond(1.3)
def rows_replaced_by_another_name(x):
    table = [[x, 2.0], [x * x, 1.0]]
    other = table
    row = table[0]
    other[0] = [3.0, x]
    row[1] = x**3
    return table[0][1] * row[1] + row[0]


@beyond(1.3)
def rows_replaced_in_the_next_turn(x):
    table = [[x, 2.0], [x * x, 1.0]]
    other = [[1.0, x], [x, 2.0]]
    total = 0.0
    for i in range(2):
        row = table[i]
        row[1] = x**3 + i
        other[1 - i] = [x, x]
        total += other[0][0] * row[1] + table[0][1]
        other = table
    return total
