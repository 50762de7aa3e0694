"""What random programs found: shrunk to the mechanism."""

import math

import numpy as np

from .cases import case

V = np.array([0.3, 0.4])


@case(0.7, 3)
@case(0.7, 0)
def recomputed_from_what_a_loop_overwrites(x, n):
    """y is read in a loop that changes q; computed again in front of its reverse it is too new."""
    q = x
    for i in range(2):
        q = x + q
        y = math.sin(q + np.sin(q))
        k = 0
        while k < n:
            k += 1
            q /= 1.0 + math.sin(y) ** 2
        x = y
    return q * x


@case(0.7, 3)
@case(0.7, 0)
def recomputed_behind_the_loop_that_overwrites(x, n):
    """y is computed again from x, which comes back when the loop that overwrites it is reversed."""
    y = math.hypot(x, 1.25)
    for i in range(n):
        x = 0.7
    for c in (y, 0.5):
        for j in range(2):
            if y > 0:
                break
            y = c
    return math.sin(x) * y + x


@case(0.7, 0.4)
def one_name_twice_in_a_target(x, y):
    s, s = x * y, 2 * x
    return s * y


@case(np.array([0.4, 1.3, 0.2]))
def largest_of_an_array_beside_its_sum(x):
    a, b = max(x), x.sum()
    return a + b * min(x)


@case(0.7, 0.4)
@case(0.7, -0.4)
@case(0.7, -6.0)
def dict_returned_from_one_branch(x, a):
    if a > 0:
        pass
    elif a < -5:
        pass
    else:
        return {"a": a, "b": a * x}
    return {"a": a, "b": x}


@case(0.7, 3)
def own_list_read_beside_its_reverse(x, n):
    """The reverse half takes off the list what was appended: the test reads it as it was."""
    t = []
    for i in range(n):
        item = x + i
        if t:
            item = t[0]
        if len(t) == 2:
            item = t[1] * x
        t.append(item / x)
    return [c * x for c in t]


@case(0.7, [1.5, 2.5, 0.5])
def number_beside_an_array_of_unknown_length(x, v):
    """The adjoint of the sum is one number for all entries, of which the number x gets each."""
    return np.sum(np.array([t * t for t in v]) + x) * x


@case(0.7, [1.5, 2.5, 0.5])
def name_of_a_useless_loop_used_again(x, v):
    """What the first loop runs over has no adjoint: its target has one from the second loop."""
    y = x
    for c in reversed((0.7, x * v[0], 0.5)):
        pass
    for c in (x, x * x):
        y = y * c
    return y


@case(0.7, V, 4)
@case(-0.7, V, 0)
def one_name_for_unlike_things(x, v, n):
    """Lists, arrays and dicts under one name, which never meet, have adjoints of their own."""
    acc = []
    for i in range(n):
        acc.append(x * i)
    total = sum(acc)
    if x > 0:
        acc = {"p": x}
        total += acc["p"]
    acc = np.sin(v)
    for i in range(n):
        if i == 1:
            acc = []
            for j in range(3):
                acc.append(x * j)
            total += sum(acc)
            acc = v * x
        elif i > 2:
            continue
        else:
            acc = acc * x
        total = total + acc[1] * x
    else:
        total += acc[0]
    return total * x


def damped(b, n):
    if n <= 0:
        return math.tanh(b)
    back = damped(math.sin(b), n - 1)
    return back * 0.8 + math.log1p(b * b)


@case(0.7, 2)
def items_with_what_a_recursion_returns(x, n):
    """The adjoint of the recursion is of unknown kind; added to a number, it is no list."""
    y = x
    for c in (x, x * x, 0.5):
        y = y * c + damped(c, n)
    return y * x


def same(x):
    return x


@case(V)
def seeds_of_callees(x):
    """What a callee is handed has the shape of its result, and so has what it gives back."""
    z = x[1]
    return np.mean(same(x)) + z + np.sum(same(same(x) * 2.0))


@case(V)
def adjoints_that_cancel(x):
    """What is left of the adjoint of x is a number, to be spread before an item is added to."""
    z = x[0] * 2.0
    return np.sum(x) + z, x - x


@case(0.7)
def lists_under_their_own_name_again(x):
    """What a pullback takes items from is kept for the next pullback."""
    acc = []
    item = x
    if acc:
        item = 1.5
    acc.append(item * x)
    acc = acc
    return [e * x for e in acc]


def listed_or_not(b, c):
    if b > 0:
        q = []
        for i in range(2):
            q.append(math.sin(b * i))
        b = math.sin(sum(q))
    else:
        b = math.cos(b * c)
    return b * b * c


@case(0.7)
def lists_that_are_not_made(x):
    """The adjoint of a list that was not made, kept by a callee, is a zero and no list."""
    y = 0.0
    for c in (x, -x):
        y = y * x + listed_or_not(c, x)
    return y


@case(V, np.array([[0.1, 0.2], [0.3, 0.4]]))
def sums_of_matrix_products(x, a):
    """With kinds unknown too, a product of matrices is handed all entries of its adjoint."""
    return math.tanh(np.sum(x @ a)) * np.mean(a @ (a @ x) - x) + np.sum(-(x @ x))


@case(0.7)
def lists_that_become_numbers(x):
    """What a reverse half takes apart for a variable may be a list here and a number there."""
    for c in (0.5, x):
        s = []
        s.append(c * x)
        x += s[-1] * s[0]
    s = x
    for c in (x, s, 0.5):
        x = c * s
    return {"a": x}


@case(0.7, V, wrt="x v")
def numbers_that_are_spread_in_a_sum(x, v):
    """With kinds unknown, one number cannot stand for the entries that `x` is added to."""
    y = math.exp(np.sum(x - v))
    return y * float(np.sum(-v)) + math.tanh(np.sum(v))


@case(0.37)
def lists_read_on_after_they_were_kept(x):
    """Who takes a list from the stack may change it: the name it was put there by is bound anew."""
    stack = []
    for k in range(3):
        step = [x * (k + 1)]
        stack.append(step)
        for e in step:
            x = x + math.sin(e) * 0.1
    while stack:
        step = stack.pop()
        step.append(x)
        step[0] *= 2.0
        x = x * 0.5 + sum(step) * 0.1
    return x


@case(0.3)
def lists_kept_by_reference(x):
    """The adjoint keeps each list by reference and takes it apart: that has a derivative too."""
    for k in range(2):
        step = []
        for i in range(2):
            step.append(math.tanh(1.5 * x + i))
        for _ in range(k + 1):
            x = x - sum(e * x for e in step)
    return x


@case(np.array([0.3, 0.5]), V, wrt="p v")
def numbers_that_are_spread_where_they_are_used(p, v):
    """What NumPy spread is summed up again for a rule that asks whether it is zero."""
    top = np.max(p)
    return math.sqrt(top) + v


@case(0.7, [0.3], wrt="x xs")
def nothing_yet_in_the_first_round(x, xs):
    """In the first round there is no `xs[-1]`: the items are numbers all the same."""
    xs = []
    for i in range(3):
        item = math.tanh(x)
        if xs:
            item = item * xs[-1]
        xs.append(math.sin(item))
    return xs[1]


@case(0.2, np.array([0.3, 0.7, 1.1]), wrt="x v")
def added_to_in_place_whatever_it_is(x, v):
    """An array that something is added to in place stays an array of its shape."""
    if x > 0.45:
        chosen = 0 % 2 == 0
        if chosen:
            only = np.outer(v, v) @ v
        if chosen:
            x = x + np.sum(only) * 0.5
    if x < 0.45:
        for i, c in enumerate(v):
            x -= 0.1 * (sum((math.tanh(x), 0.5 * math.sin(c), np.var(v)), x * c) / (1.5 + x * x))
    return np.mean(v) * x


@case(0.7, [0.3, 0.1, 0.5], wrt="x xs")
def another_list_while_a_loop_runs_over_it(x, xs):
    """The loop goes on over the list that it began with."""
    s = 0.0
    for i, c in enumerate(xs, 1):
        if c > 0.2:
            xs = []
        else:
            xs = [c * x]
        for k in range(2):
            xs.append(math.sin(c * x + k * i))
        s = s * x + sum(xs)
    for c in xs:
        s += c * xs[0]
    return s


@case(0.7, np.array([0.6, 0.9, 1.1]), wrt="x v")
def another_array_while_a_loop_runs_over_it(x, v):
    s = 0.0
    u = v * x
    for c in u:
        u = u * c
        u[0] = s + x
        s += u[0] * u[1] * c
    return s


def _mixed(b):
    k = 0
    while True:
        k += 1
        if k > 4 or b > 0.3:
            break
        acc, step = np.array([b, b * b]).sum(), math.tanh(b)
        b, step = step, (np.sum(np.array([step, acc])), b)[k % 2]
    return b


@case(0.7, 0.2, wrt="x y")
def a_display_of_which_nothing_is_used(x, y):
    """The adjoints of its items are zero, whatever they would be items of."""
    return _mixed(_mixed(y)) * x


@case(0.7, 0.2, wrt="x y")
def a_number_then_a_list(x, y):
    """What is restored under the name of a list that grows may be the number it was before."""
    y = []
    item = x
    if y:
        item = item * y[1]
    y.append(item)
    return y[-1]


def _halved(b, n):
    return 0.5 * b + _turned(math.cos(b), n - 1)


def _turned(b, n):
    if n <= 0:
        return math.tanh(np.array([b, b, b])[::-1][1])
    return _halved(math.sin(b), min(n, 4) - 1) * 0.8 + b


@case(0.7)
def a_slice_in_a_recursive_function(x):
    """The adjoint of what may not have been made is an array, and its slices are stored into."""
    return _turned(x, 3)


@case(np.array([0.7, 1.5, 0.1]), None, 1.0)
@case(np.array([0.7, 1.5, 0.1]), 0.3, None)
def bounds_that_may_be_none(x, low, high):
    return np.sum(np.clip(x, low, high) * x) + x.clip(low, 1.0)[0]


@case(0.7, {2: 0.3, 5: 0.9, 0: 1.1}, wrt="x d")
def keys_in_the_place_of_items(x, d):
    """What runs over a dict gets its keys, which are no values of it."""
    a, b, c = tuple(d)
    y = x**2 * sum(d) + max(d) * d[2] + x * min(*d) + sum([*d], x) + a * c * d[b]
    return y + x * math.fsum(d) + d[2] * math.prod(d)
