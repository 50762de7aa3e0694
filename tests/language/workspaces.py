"""Arrays that the steps of a loop work in, those through which something goes from one step to the
next, and buffers that change places."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5, 0.75])
W = np.array([0.3, 1.2, -0.7, 0.4])
M = np.array([[0.5, -0.25, 0.3], [1.5, 0.8, -0.6], [0.2, -0.9, 1.1]])


@case(M, W[:3], 0.7, wrt="X w a")
def weights_of_a_row(X, w, a):
    """What is stored is overwritten in place, and read in loops in loops."""
    n, m = X.shape
    p = np.empty(m)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            p[k] = math.sin(X[i, k] * w[k])
        total = 0.0
        for k in range(m):
            p[k] = math.exp(p[k] * a)
            total += p[k]
        for j in range(m):
            out = 0.0
            for k in range(m):
                out += p[k] * X[j, k]
            loss += out * out / total
    return loss


@case(M, W[:3], wrt="X w")
def stored_by_both_branches(X, w):
    n, m = X.shape
    p = np.zeros(m)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            if X[i, k] > 0.0:
                p[k] = X[i, k] * w[k]
            else:
                p[k] = w[k] * w[k]
        for k in range(1, m):
            loss += math.sin(p[k]) * p[k - 1]
    return loss


@case(M, W[:3], wrt="X w")
def matrix_filled_by_each_step(X, w):
    n = len(w)
    A = np.zeros((n, n))
    loss = 0.0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                A[j, k] = X[i, j] * w[k] + X[j, k]
        for j in range(n):
            for k in range(j, n):
                loss += math.exp(0.3 * A[j, k]) * A[k, j]
    return loss


@case(M, W[:3], wrt="X w")
def cleared_by_each_step(X, w):
    n, m = X.shape
    p = np.zeros(m)
    loss = 0.0
    for i in range(n):
        p[:] = 0.0
        for k in range(m):
            p[k] += X[i, k] * w[k]
            p[0] += math.sin(X[i, k])
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], wrt="X w")
def never_cleared(X, w):
    """A step adds to what the one before has left."""
    n, m = X.shape
    p = np.zeros(m)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            p[k] += X[i, k] * w[k]
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], wrt="X w")
def one_item_is_left(X, w):
    """The first item of a step is the last thing that the one before has stored there."""
    n, m = X.shape
    p = np.ones(m)
    loss = 0.0
    for i in range(n):
        for k in range(1, m):
            p[k] = X[i, k] * w[k]
        for k in range(m):
            loss += p[k] * p[k] * w[i]
        p[0] = loss * w[i]
    return loss


@case(M, W[:3], wrt="X w")
def stored_by_some_branches(X, w):
    n, m = X.shape
    p = np.ones(m)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            if X[i, k] > 0.0:
                p[k] = X[i, k] * w[k]
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], wrt="X w")
def left_early(X, w):
    n, m = X.shape
    p = np.ones(m)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            if X[i, k] < -0.5:
                break
            p[k] = X[i, k] * w[k]
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], wrt="X w")
def counted_otherwise(X, w):
    """Every other item is that of an earlier step."""
    n, m = X.shape
    p = np.ones(m)
    loss = 0.0
    for i in range(n):
        for k in range(i % 2, m, 2):
            p[k] = X[i, k] * w[k]
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], 0, wrt="X w")
def loop_that_may_not_run(X, w, m):
    n = len(w)
    p = np.ones(n)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            p[k] = X[i, k] * w[k]
        loss += p[0] * w[i]
        p[0] = w[i] * X[i, 0]
    return loss


@case(M, W[:3], wrt="X w")
def read_behind_the_loop(X, w):
    n, m = X.shape
    p = np.empty(m)
    loss = 0.0
    for i in range(n):
        for k in range(m):
            p[k] = X[i, k] * w[k]
        for k in range(m):
            p[k] = math.exp(p[k])
            loss += p[k] * p[k] * w[k]
    return loss + p[0] * p[1]


@case(M, W[:3], wrt="X w")
def under_two_names(X, w):
    n, m = X.shape
    p = np.ones(m)
    q = p
    loss = 0.0
    for i in range(n):
        q[0] = loss * w[i]
        for k in range(1, m):
            p[k] = X[i, k] * w[k]
        for k in range(m):
            p[k] = p[k] * 1.5
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], np.ones(3), wrt="X w p")
def given(X, w, p):
    """What is worked in belongs to the caller."""
    n, m = X.shape
    loss = p[0] * p[1]
    for i in range(n):
        for k in range(m):
            p[k] = X[i, k] * w[k]
        for k in range(m):
            p[k] = math.exp(p[k])
            loss += p[k] * p[k] * w[k]
    return loss


@case(M, W[:3], wrt="X w")
def worked_in_and_started_from(X, w):
    """The first step reads an item of what it was made of."""
    n, m = X.shape
    p = w.copy()
    loss = p[1] * p[0]
    for i in range(n):
        for k in range(m):
            p[k] = X[i, k] * w[k]
        for k in range(m):
            loss += p[k] * p[k] * w[k]
    return loss


@case(V, 0.3, 4, wrt="u c")
def buffers_change_places(u, c, steps):
    """The steps of the loop in the loop may come in any order."""
    n = len(u)
    old = np.zeros(n)
    now = u * 2.0
    loss = 0.0
    for _ in range(steps):
        new = np.zeros(n)
        for i in range(1, n - 1):
            new[i] = 2.0 * now[i] - old[i] + c * now[i] * (now[i - 1] - 2.0 * now[i] + now[i + 1])
        loss += new[1] * new[1]
        old = now
        now = new
    return loss


def solved(lower, diag, rhs, c):
    """A triangular system, by a function that writes into two of its arguments."""
    n = len(rhs)
    c[0] = lower / diag
    rhs[0] = rhs[0] / diag
    for i in range(1, n):
        w = diag - lower * c[i - 1]
        c[i] = lower / w
        rhs[i] = (rhs[i] - lower * rhs[i - 1]) / w
    for i in range(n - 2, -1, -1):
        rhs[i] -= c[i] * rhs[i + 1]


@case(V, 0.3, 3, wrt="u k")
def length_of_what_is_given(u, k, steps):
    """How long it is is known in front of the loop."""
    n = len(u)
    c = np.empty(n)
    r = u.copy()
    for _ in range(steps):
        for i in range(n):
            r[i] = r[i] * k + 0.5
        solved(-k, 1.0 + 2.0 * k, r, c)
    return r[0] * r[1] + c[2] * r[3]


@case(V, 0.3, 3, wrt="u k")
def length_in_a_loop(u, k, steps):
    """It is made again, though what has it is stored into."""
    r = u.copy()
    for _ in range(steps):
        n = len(r)
        for i in range(1, n):
            if i + 1 < n:
                r[i] = r[i] * r[i - 1] * k + r[i + 1]
            r[0] += n * k * r[i] * r[i]
    return r[0] * r[1]


@case(V, 0.3, 3, wrt="u k")
def length_of_what_grows(u, k, steps):
    r = u.copy()
    total = 0.0
    for _ in range(steps):
        n = len(r)
        for i in range(1, n):
            total += n * k * r[i] * r[i - 1]
        r = np.append(r, total)
    return r[0] * r[1] + total
