"""Stores into items: what is overwritten is kept and put back, the container is not copied."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5])
A = np.array([[0.3, 0.8], [-0.6, 1.1]])


@case([0.7, 0.4, 1.2, -0.3], 0.6, wrt="xs y")
@case([0.9], 0.6, wrt="xs y")
def recurrence(xs, y):
    d = list(xs)
    for i in range(1, len(d)):
        d[i] = d[i] * d[i - 1] + y / d[i - 1]
    return d[-1] * d[0]


@case([0.7, 0.4, 1.2, -0.3], wrt="xs")
def around_the_end(xs):
    """d[i - 1] is the last item in the first step: one that is overwritten later."""
    d = list(xs)
    for i in range(len(d)):
        d[i] = d[i] * d[i - 1] + 0.1
    return d[0] * d[-1] + d[1]


@case([0.7, 0.4, 1.2], 3, wrt="xs")
def several_sweeps(xs, n):
    u = list(xs)
    for _ in range(n):
        for i in range(1, len(u) - 1):
            u[i] = u[i] + 0.1 * u[i - 1] * u[i + 1] * u[i]
        u[0] *= u[1]
        u[-1] /= u[0]
    return sum(u)


@case([0.7, 0.4, 1.2], 0.3, wrt="xs t")
def computed_places(xs, t):
    """The index itself is computed, and overwritten."""
    u = list(xs)
    k = 0
    for i in range(5):
        k = (k * 2 + i) % 3
        u[k] = u[k] * u[(k + 1) % 3] + t
        k = (k + 1) % len(u)
        u[k] *= t + u[0]
    return u[0] * u[1] + u[2]


@case([0.7, 0.4, 1.2], wrt="xs")
def places_from_a_changing_list(xs):
    where = [2, 0, 1]
    u = list(xs)
    for i in range(4):
        j = where[i % 3]
        u[j] = u[j] * u[j - 1]
        where[i % 3] = (j + i) % 3
        u[where[0]] *= 1.5 * u[where[1]]
    return u[0] + u[1] * u[2]


@case([0.7, 0.4, 1.2], wrt="xs")
def place_says_its_own_list(xs):
    u = [1.0, *xs]
    for _ in range(3):
        u[int(u[0])] = u[int(u[0])] * u[2]
        u[0] = 1.0 + (u[0] > 1.5) * 1.0
        u[len(u) - 1] = u[2] * u[-1]
    return u[1] * u[3]


@case([0.7, 0.4, 1.2], wrt="xs")
def returned_after_stores(xs):
    u = list(xs)
    for i in range(1, 3):
        u[i] = u[i] * u[i - 1]
        u[0] = u[0] * u[i]
    return u


@case(V)
def returned_array(x):
    u = x.copy()
    for i in range(1, 3):
        u[i] = u[i] * u[i - 1]
        u[:2] = u[:2] * u[1:]
    return u


@case(V)
def returned_view(x):
    u = x * 1.0
    for i in range(1, 3):
        u[i] = u[i] * u[i - 1]
    return u[1:]


@case(0.7, 3)
def in_a_list_of_lists(x, n):
    rows = []
    for i in range(n):
        row = [x, x * i]
        row[0] = row[0] * row[1] + x
        row[1] = row[0] * row[0]
        rows.append(row)
    return rows


@case(A, 3, wrt="A")
def rows_and_entries(A, n):
    B = A.copy()
    for k in range(n):
        B[0, 1] = B[0, 1] * B[1, 0]
        B[1] = B[0] * B[1]
        B[:, 0] += B[:, 1] * B[:, 0]
        B[B[0] > 0.0] *= 0.5
        B[[1, 0], k % 2] = B[[0, 1], k % 2] ** 2
    return np.sum(B)


@case(V, 3)
def stencil(x, n):
    u = np.concatenate([x, x])
    for _ in range(n):
        u[0] = u[1]
        u[-1] = u[-2]
        lap = u[2:] - 2.0 * u[1:-1] + u[:-2]
        u[1:-1] += 0.1 * (lap + u[1:-1] * (1.0 - u[1:-1]))
    return np.sum(u * u)


@case([[0.7, 0.4], [1.2, -0.3]], wrt="m")
def nested_lists(m):
    rows = [list(row) for row in m]
    for i in range(2):
        for j in range(2):
            rows[i][j] = rows[i][j] * rows[j][i] + rows[0][j]
    return rows[0][0] * rows[1][1] + rows[0][1]


@case(0.6)
def numbers_then_arrays(x):
    states = [0.0] * 3
    states[0] = np.array([x, x * x])
    for i in range(1, 3):
        states[i] = states[i - 1] * states[i - 1] + x
        states[i - 1] = states[i] * states[i - 1]
    return np.sum(states[0] * states[1] + states[2])


@case(0.6)
def counted_in_a_dict(x):
    total = {"a": x, "b": 1.0}
    for i in range(4):
        key = "a" if i % 2 else "b"
        total[key] *= total["a"] + x
        total["a"] += total["b"] * total["a"]
    return total["a"] * total["b"]


@case([0.7, 0.4, 1.2], wrt="xs")
def made_anew_at_each_step(xs):
    s = 0.0
    for i in range(3):
        w = list(xs)
        w[i] = w[i] * w[i - 1]
        w[0] = w[0] * w[i] + s
        s = s + w[0] * w[1] * w[2]
    return s


@case([0.7, 0.4, 1.2], True, wrt="xs")
@case([0.7, 0.4, 1.2], False, wrt="xs")
def stored_or_bound(xs, anew):
    u = list(xs)
    for i in range(3):
        if anew and i == 1:
            u = [u[0] * u[0], u[1], u[2]]
        elif u[i] > 0.5:
            u[i] = u[i] * u[i - 1]
        else:
            u[0], u[i] = u[i] * u[1], u[0] * u[i]
        u[2] *= u[i]
        if u[2] > 100.0:
            break
    return u[0] * u[1] + u[2]


@case([0.7, 0.4, 1.2], wrt="xs")
def grows_and_changes(xs):
    u = [xs[0]]
    for i in range(1, 3):
        u.append(xs[i] * u[-1])
        u[i - 1] = u[i] * u[i - 1]
        if i == 2:
            y = u.pop()
            u[-1] *= y
    return u[0] * u[1]


def filled(x, n):
    u = [x] * n
    for i in range(1, n):
        u[i] = u[i] * u[i - 1] + 0.1 * i
        u[i - 1] *= u[i]
    return u


@case(0.7, 3)
def in_a_callee(x, n):
    total = 0.0
    for k in range(n):
        u = list(filled(x + 0.1 * k, n))
        u[0] = u[0] * u[1]
        total = total * u[0] + u[2] * u[1]
    return total


@case([0.7, 0.4, 1.2], wrt="xs")
def leaves_on_the_way(xs):
    u = list(xs)
    i = 0
    while i < 10:
        u[i % 3] *= u[(i + 1) % 3]
        if u[i % 3] < 0.1:
            u[0] += u[i % 3] ** 2
            break
        if i % 2:
            i += 1
            u[1] *= 1.1 * u[2]
            continue
        u[2] = u[2] * u[0] + 0.3
        i += 1
    return u[0] * u[1] * u[2]


@case([0.7, 0.4, 1.2], wrt="xs")
def an_item_then_all_items(xs):
    u = list(xs)
    u[0] = u[0] * u[1]
    y = u[0] * u[2]
    for i in range(3):
        u[i] = 0.5 * y * i + xs[i]
    u[1] *= u[0] * y
    u = [u[1], u[0]]
    u[1] *= u[0]
    return u[0] * u[1]


# what a store overwrites is not always read again


@case([0.7, 0.4, 1.2, 0.9], 0.6, wrt="xs y")
def up_and_down(xs, y):
    """Only items of other steps are read: nothing is kept."""
    d = list(xs)
    for i in range(1, len(d)):
        w = y / d[i - 1]
        d[i] = d[i] - w * xs[i - 1]
    for i in range(len(d) - 2, -1, -1):
        d[i] = d[i + 1] / xs[i] + d[i]
    return d[0] * d[1] * d[2]


@case([0.7, 0.4, 1.2, 0.9], 0.6, wrt="xs y")
def up_then_down_nonlinear(xs, y):
    """The second loop overwrites what the first has read and made."""
    d = list(xs)
    for i in range(1, len(d)):
        d[i] = d[i - 1] * d[i - 1] + y
    for i in range(len(d) - 2, -1, -1):
        d[i] = d[i + 1] * y
    return d[0] * d[1] * d[2]


@case([0.7, 0.4, 1.2, 0.9], wrt="xs")
def reads_ahead(xs):
    d = list(xs)
    for i, x in enumerate(xs[1:]):
        d[i] = d[i + 1] * d[i + 1] + x
    for i in range(2):
        d[i + 1] = d[i] * d[i]
        d[i] = d[i + 1] * xs[i]
    return d[0] * d[1] + d[2]


@case([0.7, 0.4, 1.2], 3, wrt="xs")
def the_same_place_again(xs, n):
    d = list(xs)
    for i in range(1, 3):
        for _ in range(n):
            y = d[i - 1] * d[i]
            d[i] = y + 0.1 * xs[i]
    return d[1] * d[2]


@case([0.7, 0.4, 1.2], 3, wrt="xs")
def anew_at_each_turn(xs, n):
    s = 1.0
    for k in range(n):
        d = [0.0] * 3
        d[0] = 0.1 * s * xs[0]
        for i in range(1, 3):
            d[i] = d[i - 1] * d[i - 1] + xs[i]
        e = d[2] * d[1]
        d[k] = 0.1 * s * e
        s = 0.1 * (d[2] * d[k] + e)
    return s


@case(A, wrt="A")
def parts_apart(A):
    B = A.copy()
    B[0, 0] = B[1, 0] * B[1, 1]
    B[0, :] = B[1, :] * B[1, 0]
    B[..., 0] = B[0, 1] * B[1, 1]
    B[1, 0] = B[0, 0] * B[0, 1]
    p = [A[0, 0], A[0, 1], 1.0]
    p[0] = p[1] * p[2]
    p[-1] = p[0] * p[1]
    p[2] = p[-1] * p[0]
    table = {"a": A[1, 1], "b": 1.0}
    table["a"] *= table["b"] * 2.0
    table["b"] *= table["a"] * p[2]
    return np.sum(B) * p[0] + table["b"]


@case([0.7, 0.4, 1.2], wrt="xs")
def read_all_together(xs):
    d = list(xs)
    s = 0.0
    for i in range(1, 3):
        s += sum([v * v for v in d])
        d[i] = d[i - 1] * s
    return s + d[2]


@case([0.7, 0.4, 1.2], wrt="xs")
def restored_otherwise(xs):
    """One branch binds the list anew; a step reads what others store."""
    d = list(xs)
    s = 0.0
    for i in range(1, 3):
        if s > 0.25:
            d = [v for v in xs]
        d[i] = d[i - 1] * d[i - 1]
        s += d[i] * d[0]
        d[0] = 0.5 * s
    return s


@case([0.7, 0.4, 1.2], 0.3, wrt="xs t")
def adds_to_what_it_overwrites(xs, t):
    u = list(xs)
    for i in range(3):
        u[i] = u[i] - t * u[i - 1]
        u[i] = u[i] * u[i - 2] + u[i] * t
        u[0] = u[0] + t
    return u[0] * u[1] * u[2]


# the adjoints of items, where each is added to once, or more often


@case([0.7, 0.4, 1.2], 0.3, wrt="xs t")
def items_once_and_again(xs, t):
    s = 0.0
    for i, x in enumerate(xs):
        s = s * t + x
        if x > 0.5:
            s = s * x * x
    for i in range(3):
        s += xs[i] * xs[i - 1] * t
    for k in [0, 1, 1]:
        for i in range(2):
            s = s - xs[i] * xs[k] * s
    return s


@case([0.7, 0.4, 1.2], 0.3, wrt="xs t")
def items_subtracted_once(xs, t):
    value = 0.1
    for i in range(len(xs)):
        value = value * t - xs[i]
        value = value * value
    return value


# copies and sums of nobody knows what share no more than the items of a list


@case(V, 0.4, wrt="xs g")
@case([0.7, 0.4, 1.2], 0.4, wrt="xs g")
def sweeps_from_a_copy(xs, g):
    u = xs.copy()
    for _ in range(2):
        before = u.copy()
        for i in range(len(u)):
            u[i] = before[i] + g * (before[i - 1] - before[i])
        u[0] = u[1]
    return u[0] * u[1] + u[2] * u[0]


@case([0.7, 0.4], [0.3, 1.1], wrt="p q")
def table_of_sums(p, q):
    n = len(p)
    best = [[0.0] * (n + 1) for _ in range(n + 1)]
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            cost = (p[i - 1] - q[j - 1]) ** 2
            best[i][j] = cost + min(best[i - 1][j], best[i][j - 1])
    return best[n][n]


@case([[0.7, 0.4], [0.3, 1.1]], 0.6, wrt="rows g")
def copied_row_by_row(rows, g):
    rows = [row[:] for row in rows]
    for i in range(1, len(rows)):
        for j in range(len(rows[0])):
            rows[i][j] += g * rows[i - 1][j] * rows[i][j - 1]
    return rows[1][0] * rows[0][1] + rows[1][1]


@case([[0.7, 0.4], [0.3, 1.1]], 0.6, wrt="rows g")
def named_after_what_it_was_made_from(rows, g):
    s = 0.0
    for _ in range(2):
        rows = [[t * g for t in row] for row in rows]
        rows[1][0] = rows[0][1] * rows[1][0]
        s += rows[1][0] * rows[1][1]
        rows[0][1] = s
    return s * rows[0][0]


@case([0.7, 0.4, 1.2], 0.6, wrt="xs noise")
def factor_of_a_table(xs, noise):
    """The rows of a table of active values are nobody else's once it is made."""
    n = len(xs)
    table = [[np.exp(-((a - b) ** 2)) for b in xs] for a in xs]
    logdet = 0.0
    for j in range(n):
        table[j][j] += noise
        for i in range(j + 1, n):
            table[i][j] = table[i][j] / table[j][j]
            for k in range(j + 1, n):
                table[i][k] -= table[i][j] * table[j][k]
        logdet += np.log(table[j][j])
    return logdet


@case(np.array([0.4, -0.7, 1.2, 0.3]), np.array([1.5, 0.5, -0.2, 0.8]), 3, wrt="x y")
def buffers_that_change_hands(x, y, n):
    """Two states swap their names at each step; a third one is read again later."""
    a = x * y
    b = np.sin(x)
    c = a
    for k in range(n):
        new = np.zeros(len(x))
        new[1:-1] = 2.0 * a[1:-1] - b[1:-1] * y[1:-1]
        new[0] = a[-1] * c[k]
        b = a
        a = new
    z = a - np.mean(a)
    w = z
    v = w * b
    return np.sum(v * z) + np.sum(c * w) + np.sum(z * z) * np.sum(b)


@case(np.array([0.4, -0.7, 1.2, 0.3]), wrt="x")
def centred_twice(x):
    y = x - np.mean(x)
    z = y - np.sum(y * y)
    u = z
    z = z * u
    return np.sum(z * y) + np.sum(u)


@case(np.array([0.4, -0.7, 1.2, 0.3]), 0.6, wrt="x w")
@case(np.array([0.4]), 0.6, wrt="x w")
def calls_stored(x, w):
    """The call is all that is stored, or added: of what the loop has computed, of what changes
    before the store and behind it, of what the step reads again."""
    y = np.ones(len(x) + 1)
    total = 0.0
    for i in range(len(x)):
        a = x[i] * w
        for j in range(2):
            a += w * a * y[i]
        y[i + 1] = math.tanh(a)
        b = a + y[i]
        y[i] += math.exp(b)
        b = b * w
        total += math.exp(b)
        total += math.sin(b) * a
        y[i + 1] *= math.exp(-b * b)
    return total + np.sum(y * y)


@case(np.array([0.5, 1.5, 0.25, 2.0]), 2, wrt="x")
@case(np.array([0.5, 1.5, 0.25, 2.0]), 0, wrt="x")
def results_that_are_stored(x, n):
    """What a store has left is read by its reverse, unless something has overwritten it since."""
    y = x.copy()
    for k in range(n):
        y[k] = np.exp(y[k] * 0.3)
        y[k + 1] /= y[k]
        y[1] = np.sqrt(y[1] + y[k])
        y[k % 2] = np.tanh(y[k % 2]) * y[-1]
        y[2:] = np.exp(-y[:2] * y[2:])
        y[[0, 2]] = np.exp(y[1:3])
        y[y > 0.5] = np.sqrt(y[y > 0.5])
    z = np.zeros(4)
    for i in range(4):
        z[i] = np.exp(y[i])
    z[n] = z[n] / z[n - 1]
    w = [0.0] * 3
    for i in range(3):
        w[i] = np.exp(y[i] * 0.5)
    w[n] = w[n - 1] / w[n]
    return np.sum(z) * w[0] + w[1] * w[2]


@case(np.array([[0.5, 1.5], [0.25, 2.0]], dtype=np.float32).astype(float), wrt="x")
def results_in_other_places(x):
    """Rows that are stored into rows, and into all of an array."""
    y = x * 1.0
    y[0] = np.exp(y[1])
    y[1] = np.sqrt(y[1] + y[0])
    y[1, 0] /= y[0, 1]
    y[0] = y[1] / y[0]
    whole = np.zeros((2, 2))
    whole[:] = np.exp(x[0])
    whole[0] = 1.0 / whole[1]
    return np.sum(y) + np.sum(whole * y)


@case(np.array([0.5, 1.5, 0.25, 2.0]), np.array([0, 0, 1]), wrt="x")
@case(np.array([0.5, 1.5, 0.25, 2.0]), np.array([2, -2, 2]), wrt="x")
@case(np.array([0.5, 1.5, 0.25, 2.0]), np.array([0, 1, 2]), wrt="x")
def places_that_are_named_twice(x, i):
    """Of what is stored at one place the last item stays."""
    y = x.copy()
    y[i] = x[:3] * x[1]
    y[i] *= x[1:]
    y[i] += x[:3] ** 2
    y[i] /= x[0]
    y[i] -= 0.5 * x[2]
    y[[0, 2]] = y[:2] * y[3]
    z = np.outer(x, x)
    z[i] = y
    z[i, [1, 1, 2]] -= x[1:] * 2.0
    z[1:, i] = z[:-1, i] * x[3]
    np.add.at(z, (i, i), x[:3])
    return np.sum(y**2) + np.sum(z**2)


@case([np.array([0.5, 1.5, 0.25])], [0, 0, 1], wrt="xs")
def places_in_an_item(xs, i):
    y = [x * 1.0 for x in xs]
    y[0][i] = xs[0] ** 2
    y[0][i] += xs[0] * 3.0
    return np.sum(y[0] ** 2)
