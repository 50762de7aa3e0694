"""Rows that are filled item by item, then known under the name of the row before, or made anew."""

import math

import numpy as np

from .cases import case

U = np.array([0.3, 0.9, -0.4, 0.7])


@case([0.5, 1.2, 0.8], [0.6, 1.0], 0.7, wrt="xs ys gap")
def alignment(xs, ys, gap):
    before = [0.0] * (len(ys) + 1)
    for x in xs:
        row = [gap] * (len(ys) + 1)
        for j in range(len(ys)):
            match = before[j] + math.exp(-((x - ys[j]) ** 2))
            skip = max(before[j + 1], row[j] * row[j]) - gap
            row[j + 1] = max(match, skip)
        before = row
    return before[-1] * before[0]


@case(U, 0.1, 3, wrt="u dt")
def explicit_steps(u, dt, n):
    """The last store may overwrite what was read before it: copies, each with all stores."""
    for _ in range(n):
        new = np.zeros(len(u))
        new[0] = u[0]
        for i in range(1, len(u) - 1):
            new[i] = u[i] + dt * new[i - 1] * (u[i + 1] - u[i]) * u[i]
        new[-1] = new[-2] * new[0]
        u = new
    return np.sum(u * u)


@case(U, 0.1, 3, wrt="u dt")
def implicit_steps(u, dt, n):
    for _ in range(n):
        new = np.zeros(len(u))
        new[0] = u[0]
        for i in range(1, len(u)):
            new[i] = (u[i] + dt * new[i - 1] * new[i - 1]) / (1.0 + dt * u[i])
        u = new
    return np.sum(u * u)


@case(0.7, 3, wrt="x")
def two_rows_in_turn(x, n):
    """The row that is stored into is a copy of the one of two steps before."""
    row = [x, 0.4, 0.9]
    before = [0.3, x, 0.8]
    for _ in range(n):
        before, row = row, list(before)
        for i in range(1, 3):
            row[i] = math.sin(row[i - 1] * before[i])
    return sum(row) * before[2]


@case(0.7, 3, wrt="x")
def comes_back_under_its_first_name(x, n):
    row = [x, 0.4, 0.9]
    for _ in range(n):
        other = row
        row = [0.2, x, 0.8]
        for i in range(1, 3):
            row[i] = math.sin(row[i - 1] * other[i])
        if row[1] > 0.6:
            row = other
    return row[0] + row[2] * row[1]


@case(0.7, 3, wrt="x")
def reads_what_it_stores(x, n):
    before = [x, 0.4, 0.9]
    for _ in range(n):
        row = [x, 0.5, x * x]
        for i in range(3):
            row[i] = row[i] * row[i] * before[i] + row[i - 1]
        before = row
    return before[0] * before[1] + before[2]


@case(0.7, 3, wrt="x")
def kept_in_a_table_too(x, n):
    rows = [[x, 0.4, 0.9]]
    for k in range(n):
        row = [x, 0.5, 0.1]
        for i in range(1, 3):
            row[i] = math.sin(row[i - 1] * rows[k][i])
        rows.append(row)
        last = row
        x = 0.8 * last[0] * row[2]
    return sum(rows[1]) * rows[-1][2] + last[0]


@case(0.7, 2, wrt="x")
def returned_with_its_second_name(x, n):
    for _ in range(n):
        row = [x, 0.5, 0.1]
        for i in range(1, 3):
            row[i] = math.sin(row[i - 1] + x)
        last = row
        x = row[2] * last[1]
    return row, last[2]


@case(0.7, 3, 4, wrt="x")
def filled_read_and_cleared(x, n, m):
    """What is kept of the row when it is made has not the items that come later."""
    total = 0.0
    for _ in range(n):
        row = [0.1] * m
        row[0] = x
        for i in range(1, m):
            row[i] = math.sin(row[i - 1] + x)
        squares = sum([v * v for v in row])
        for j in range(9):
            row[j % m] = 0.3
        total += sum(row) * squares
        x = 0.7 * x
    return total


@case(0.7, 3, wrt="x")
def stored_before_and_after_a_copy(x, n):
    """The first store is taken back, in a copy that was made before the second."""
    y = x * x
    total = 0.0
    for _ in range(n):
        row = [x, 0.4, 0.2]
        row[0] = row[0] * row[0] * y
        row[1] = math.sin(row[0])
        total += row[1] * row[1] * row[0]
        x = 0.7 * x
    return total


@case(U, 3, wrt="v")
def copied_between_stores(v, n):
    total = 0.0
    for k in range(n):
        row = v.copy()
        row[0] = np.sin(row[0] * row[1])
        total += np.sum(row * row) * row[0]
        row[2] = total * row[1]
        row *= row
        row[3] = row[2] * v[k]
        total += row[3] * row[2]
    return total


@case([[1.0, 2.0, 3.0], [2.0, 1.5, 1.0]], 1.3, wrt="cost gamma")
def first_row_and_column_by_branches(cost, gamma):
    """Where neither i nor j is 0, what is read is in front of what is stored, never behind."""
    n, m = len(cost), len(cost[0])
    best = [[0.0] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            c = cost[i][j] ** gamma
            if i == 0 and j == 0:
                best[i][j] = c
            elif i == 0:
                best[i][j] = best[i][j - 1] * 0.5 + c
            elif j == 0:
                best[i][j] = best[i - 1][j] * best[i - 1][j] + c
            else:
                best[i][j] = c * min(best[i - 1][j], best[i][j - 1])
    return best[n - 1][m - 1]


@case([0.1, 0.5, 0.9], [0.3, 0.2, 0.8, 0.4], 0.15, wrt="xs ys gap")
@case([0.1, 0.1], [0.1, 0.1], 0.0, wrt="xs ys")
def edits(xs, ys, gap):
    """The smallest of three; in the second case all three are, and share the adjoint."""
    n, m = len(xs), len(ys)
    d = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(n + 1):
        for j in range(m + 1):
            if i == 0:
                d[i][j] = j * gap
            elif j == 0:
                d[i][j] = i * gap
            else:
                other = (xs[i - 1] - ys[j - 1]) ** 2
                d[i][j] = min(d[i - 1][j] + gap, d[i][j - 1] + gap, d[i - 1][j - 1] + other)
    return d[n][m]


@case([0.3, 0.5, 0.7, 0.2], wrt="xs")
def the_last_one_in_front_of_the_first(xs):
    """At i == 0 an item behind is read: it comes back before it is read again."""
    n = len(xs)
    u = [xs[0]] * n
    for k in range(3):
        for i in range(n):
            if i != 1:
                u[i] = u[i] * xs[i] + u[i - 1] * u[i - 1]
            elif k == 1 or xs[i] > 1.0:
                u[i] = u[i - 1] * u[i - 1] * xs[i]
            else:
                u[i] = u[i - 1] * u[i + 1]
    return u[n - 1] * u[0]


@case(
    np.array([0.3, 0.5, 0.7]), np.array([[0.6, 0.2], [0.3, 0.9], [0.4, 0.1]]), [0, 1, 1], wrt="p b"
)
def scaled_and_handed_on(p, b, seen):
    """What is divided where it stands is then known by another name: its items are kept."""
    alpha = p * b[:, seen[0]]
    score = 0.0
    for t in range(1, len(seen)):
        new = np.zeros(len(p))
        for j in range(len(p)):
            new[j] = alpha[j] * b[j, seen[t]] + alpha[0] * alpha[j]
        total = np.sum(new)
        for j in range(len(p)):
            new[j] = new[j] / total
        alpha = new
        score += np.log(total)
    return score + np.sum(alpha * p)


@case(U, 3, wrt="x")
def normalised_in_place(x, n):
    """What is divided in place by `/=` is then known by another name."""
    for _ in range(n):
        y = np.zeros(len(x))
        for i in range(len(x)):
            y[i] = x[i] * x[i] + 0.3 * x[i - 1]
        size = 0.0
        for i in range(len(x)):
            size += y[i] * y[i]
        for i in range(len(x)):
            y[i] /= size
            y[i] *= x[i]
            y[i] **= 2.0
        x = y
    return x[0] + x[1] * x[2]
