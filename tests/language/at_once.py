"""Loops that are reversed step by step, as they run, and those that must not be."""

import math

import numpy as np

from .cases import case

V = np.array([0.5, -0.25, 1.5, 0.75])
W = np.array([0.3, 1.2, -0.7, 0.4])
M = np.array([[0.5, -0.25, 0.3], [1.5, 0.8, -0.6], [0.2, -0.9, 1.1]])
TIMES = [3, 1, 2]


@case(M, W[:3], 0.7, wrt="P w a")
def pairs(P, w, a):
    """Loops in loops, each step by itself; the mean is taken behind them."""
    n = len(w)
    energy = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            dx = P[i, 0] - P[j, 0]
            dy = P[i, 1] - P[j, 1]
            r = math.sqrt(dx * dx + dy * dy + a)
            energy -= w[i] * w[j] / r
    return math.exp(-a) * energy / n


@case(M, 1.1, 0.2, 0.8, wrt="s0 sigma k")
def paths(Z, s0, sigma, k):
    """A step with a loop in it that keeps something, and a branch."""
    total = 0.0
    for p in range(len(Z)):
        s = s0
        mean = 0.0
        for j in range(len(Z[p])):
            s = s * math.exp(sigma * Z[p, j] - 0.5 * sigma * sigma)
            mean += s
        mean = mean / 3.0
        if mean > k:
            total += (mean - k) * mean
        else:
            total -= 0.1 * mean
    return math.exp(-sigma) * total


@case(0.7, 5, wrt="x")
def numbers_drawn(x, seed):
    """What a step hands on to the next has no adjoint."""
    total = 0.0
    for _ in range(6):
        seed = (seed * 137 + 11) % 101
        u = seed / 101.0
        y = math.sin(x * u) + x
        total += y * y * u
    return total


@case(0.7, 1.3, 5, wrt="x y")
def drawn_on_the_way(x, y, seed):
    """What a step hands on is put back in its reverse, where the step has moved on."""
    total = 0.0
    count = 1
    for _ in range(3):
        v = y
        for _ in range(2):
            seed = (seed * 137 + 11) % 101
            count = count * 2 + 1
            v = v * math.exp(x * seed / 101.0) / count
        total += v * v * seed
        seed = seed + 3
    return total * x + seed


@case(V, 0.3, wrt="x k")
def result_of_the_whole(x, k):
    """What the steps begin with is known behind the loop only."""
    total = 0.0
    for i in range(len(x)):
        y = math.sin(x[i]) * k
        total += y * y
    return math.log(total) * k


@case(V, 0.3, wrt="x k")
def mean_before_the_rest(x, k):
    """The second loop begins with what the first has made; the third with what it is given."""
    mean = 0.0
    for i in range(len(x)):
        y = math.exp(x[i])
        mean += y * k
    mean = mean / len(x)
    spread = 0.0
    for i in range(len(x)):
        d = x[i] - mean
        spread += d * d * math.cos(d)
    rest = 0.0
    for i in range(len(x)):
        d = k * x[i]
        rest += d * d
    return spread + 2.0 * rest + mean


@case(V, 0.3, wrt="x k")
def prefix_sums(x, k):
    """A step hands on what has an adjoint."""
    s = k
    total = 0.0
    for i in range(len(x)):
        y = s * x[i]
        s = s + y
        total += y * y
    return total


@case(V, 0.3, wrt="x k")
def last_of_them(x, k):
    """What a step leaves behind is read after the loop, and by what is reversed before it."""
    y = 0.0
    total = 0.0
    for i in range(len(x)):
        y = x[i] * math.exp(k * x[i])
        total += y * y
    return total + y * k * y


@case(V, 0.3, wrt="x k")
def one_name_before_and_behind(x, k):
    """The variables of the steps are those of other loops, whose values are kept."""
    y = k
    z = 1.0
    for j in range(3):
        z = z * y + x[j]
        y = z * z * 0.5
    total = z
    for i in range(len(x)):
        z = x[i] * k
        y = math.sin(z)
        for j in range(2):
            y = y * z + j
        total += y * y
    for j in range(2):
        z = k * j
        y = z * z
        total = total * 0.5 + y * k
    return total * k


@case(V, 0.3, wrt="x k")
def stored_elsewhere_too(x, k):
    """The adjoint of x gets more from behind the loop, and more in front of it."""
    first = x[0] * x[1] * k
    total = 0.0
    for i in range(len(x)):
        y = x[i] * k
        total += y * y * y
    return total + first + np.sum(x * x) * k + x[2] * x[2]


@case(V, W, 0.3, wrt="x w k")
def two_loops(x, w, k):
    """The second stores what the first adds to."""
    total = 0.0
    for i in range(len(x)):
        y = math.sin(x[i] * k)
        total += y * y * w[i]
    for i in range(1, len(x)):
        y = x[i] * w[i - 1]
        total += y * y * k
    return total


@case(V, 0.3, wrt="x k")
def changed_behind_the_loop(x, k):
    """What the steps read is another thing behind the loop, as is what they begin with."""
    x = x.copy()
    a = k * k
    total = 0.0
    for i in range(len(x)):
        y = x[i] * a
        total += y * y
    x[1] = total * k
    a = a * total
    return np.sum(x * x) + a * total


@case(V, 0.3, wrt="x k")
def scaled_by_what_changes(x, k):
    """The factor behind the loop is made before it, and changed in it."""
    a = k
    c = 2.0
    total = 0.0
    for i in range(len(x)):
        y = x[i] * k
        total += y * y
        c = c * 0.5 + 1.0
    return total * c + a


@case(V, 0.3, wrt="x k")
def stored_in_the_loop(x, k):
    """An array is filled by the steps, and read by them and behind them."""
    y = np.zeros(len(x))
    total = 0.0
    for i in range(len(x)):
        e = math.exp(x[i] * k)
        y[i] = e * e
        total += y[i] * e * k
    return total + y[1] * y[2]


@case(V, 0.3, wrt="x k")
def overwritten_in_the_loop(x, k):
    """A step overwrites what another one has read."""
    x = x.copy()
    total = 0.0
    for i in range(1, len(x)):
        e = x[i] * x[i - 1] * k
        x[i - 1] = 2.0
        total += e * e
    return total


@case(M, W[:3], wrt="A w")
def rows(A, w):
    """Arrays that each step makes for itself, and rows that it changes in a copy of its own."""
    total = 0.0
    for i in range(len(A)):
        row = A[i] * w
        e = np.exp(row - np.max(row))
        e[0] = e[0] * w[1]
        total += np.log(np.sum(e)) * e[1]
    return total


@case(V, TIMES, 0.3, wrt="x k")
def items_and_counters(x, times, k):
    """Loops over items, and over items with their numbers; steps that end early."""
    total = 0.0
    for i, v in enumerate(x):
        y = v * k
        if y < -0.05:
            continue
        z = y * y + v
        for _ in range(i):
            z = z * y
        total += z * y * i
    for t in times:
        y = math.sin(k * t)
        total += y * y * t
    for v in x:
        y = v * v
        if y > 2.0:
            break
        total += y * y * k
    return total


@case([0.5, -0.25, 1.5], 0.3, wrt="x k")
def lists(x, k):
    total = 0.0
    seen = []
    for i in range(len(x)):
        y = x[i] * math.exp(k * x[i])
        seen.append(y)
        total += y * y
    return total + seen[0] * seen[-1] * k


def near(x, i, k):
    s = 0.0
    for j in range(len(x)):
        d = (x[i] - x[j]) * k
        s += d * d / (1.0 + d * d)
    return s


@case(V, 0.3, wrt="x k")
def callees(x, k):
    """Callees with loops, whose state stays within the step."""
    total = 0.0
    for i in range(len(x)):
        rho = near(x, i, k)
        total += rho * rho * near(x, 0, rho)
    return total * k


@case(V, 0.3, 2, wrt="x k")
def inside_a_loop_that_is_not(x, k, n):
    """The outer loop hands on; the inner one is reversed when its end is known."""
    s = k
    for _ in range(n):
        t = 0.0
        for i in range(len(x)):
            y = math.sin(s * x[i])
            t += y * y
        s = 0.5 * s + t
    return s * s


@case(0.7, 1.5, [0.3, 0.4, -0.2], 0.25, wrt="x y xs")
def bound_anew_by_what_does_not_vary(x, y, xs, k):
    """Each step clears an adjoint that is made behind the loop and read in front of it."""
    y = y * x
    total = 0.0
    for c in (y, 2.0 * y):
        items = []
        for e in xs:
            items.append(e * c)
        y, total = k, sum(items)
    return y - xs[-1] * k + 0.0 * round(total)


@case(0.7, [0.3, 0.4, -0.2], 0.25, wrt="x xs")
def bound_anew_beside_a_sum(x, xs, k):
    y = x * x
    total = 0.0
    for e in xs:
        r = math.sqrt(e * e + y * y + 1.0)
        total += k * r
        y = k
    return total * y


@case(M, 0.3 * M.T, 0.7, 0.4, wrt="u f delta")
def met_by_the_next_step(u, f, delta, lam):
    """Items that other steps add to as well; the first step has no value for the last of g."""
    n, m = u.shape
    e = 0.0
    for i in range(n):
        for j in range(m):
            d = u[i, j] - f[i, j]
            e += 0.5 * d * d
            if i > 0:
                g = u[i, j] - u[i - 1, j]
                if abs(g) <= delta:
                    e += lam * 0.5 * g * g
                else:
                    e += lam * delta * (abs(g) - 0.5 * delta)
            if j > 0:
                g = u[i, j] - u[i, j - 1]
                e += lam * g * g * g
    return e


@case(M, 0.7, wrt="u k")
def left_by_some_steps(u, k):
    """What a step puts back, and reads, is bound by some steps only."""
    n, m = u.shape
    e = 0.0
    for i in range(n):
        for j in range(m):
            if j > 0:
                g = u[i, j - 1] * k
                e += g * g
                g = g * u[i, j]
                e += math.sin(g)
            e += u[i, j] ** 3
            if j > 1:
                g = u[i, j - 2] * u[i, j]
                e += g * g * k
    return e
