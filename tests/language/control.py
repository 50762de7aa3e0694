"""Branches, loops and exits."""

import math

import numpy as np

from .cases import beyond, case


@case(0.5)
@case(-0.5)
def if_alone(x):
    y = x * x
    if x > 0:
        y = y * x
    return y


@case(0.2)
@case(0.7)
@case(1.2)
@case(3.0)
def elif_chain(x):
    if x < 0.5:
        y = x
    elif x < 1.0:
        y = x * x
    elif x < 2.0:
        y = x**3
    else:
        y = math.sqrt(x)
    return y * x


@case(0.7, 3)
@case(0.7, 0)
def copied_then_overwritten_in_a_loop(x, n):
    """What v held before the loop is copied again behind the loop's reverse, not in front of it."""
    s = x * x
    v = s
    t = v * x * v
    for i in range(n):
        v = math.sin(x * i)
        t = t + v * v
    rest = [x, 2 * x]
    w = s
    t = t + w * w
    while rest:
        w = rest.pop()
        t = t * w
    return t


@case(0.5, 1)
@case(0.5, 0)
def defined_in_one_branch(x, n):
    if n:
        extra = x * x
    s = x
    if n:
        s += extra
    return s


@case(0.5, 3)
@case(0.5, 0)
def range_stop(x, n):
    s = x
    for i in range(n):
        s = s * x + i
    return s


@case(0.5, 6)
def range_forms(x, n):
    s = x
    for i in range(1, n):
        s = s * 0.5 + i * x
    for i in range(0, n, 4):
        s = s * x + i
    for i in range(n, 0, -1):
        s = math.sin(s) + i * x
    for i in range(n - 1, -2, -3):
        s = s * x - i
    for i in range(5, 2):
        s = s * 100
    return s


@case(0.5, -2)
@case(0.5, 2)
def range_step_argument(x, step):
    s = 0.0
    for i in range(7 if step < 0 else -3, 2, step):
        s = s * x + i + x
    return s


@case(0.5, 4)
def range_bound_overwritten(x, n):
    s = x
    for i in range(n):
        n = i
        s = s * x + n
    return s * n


@case(0.5, 3)
def loop_variable_overwritten(x, n):
    s = x
    for i in range(n):
        i = i * x
        s = s + i * s
    return s


@case(0.5, 3)
def loop_variable_after(x, n):
    s = x
    for i in range(n):
        s = s * x
    return s * i


@case(0.5, 3, 2)
def nested_loops(x, n, m):
    total = 0.0
    for i in range(n):
        row = x
        for j in range(i, n):
            for k in range(m):
                row = row * x + 0.1 * (i - j + k)
        total = total * 0.5 + row
    return total


@case(0.5, 4)
def branch_in_loop(x, n):
    a, b = x, 1.0
    for i in range(n):
        if i % 2:
            a, b = b, a * x
        elif a > 0.3:
            b = b + a * a
        else:
            a = a + b
    return a * b


@case(0.9, 10)
@case(0.9, 2)
def break_on_value(x, n):
    s = 1.0
    for i in range(n):
        s = s * x
        if s < 0.6:
            break
        s = s + 0.01 * i
    return s * s


@case(0.9, 6)
def continue_in_loop(x, n):
    s = 1.0
    for i in range(n):
        if i % 3 == 1:
            continue
        s = s * x
        if s < 0.85:
            s = s + 0.3
            continue
        s = s + x
    return s


@case(0.9, 5)
@case(0.2, 5)
def for_else(x, n):
    s = x
    for i in range(n):
        s = s * x
        if s < 0.1:
            break
    else:
        s = s + x * 10
    return s * s


@case(0.9, 5)
@case(0.9, 0)
def while_counter(x, n):
    s = x
    while n > 0:
        s = s * x + n
        n -= 1
    return s


@case(2.0)
def while_converges(x):
    guess = x
    while abs(guess * guess - x) > 1e-13:
        guess = 0.5 * (guess + x / guess)
    return guess


@case(0.6)
def while_true(x):
    s = x
    k = 0
    while True:
        s = s * s + 0.1
        k += 1
        if k == 4:
            break
        if s < 0.3:
            continue
        s = s * 0.9
    return s * k


@case(0.6, 3)
@case(0.6, 9)
def while_else(x, n):
    k = 0
    while k < 5:
        x = math.sin(x) + 0.1
        if k == n:
            break
        k += 1
    else:
        x = x * x
    return x


@case(1.5)
@case(-1.5)
@case(0.1)
def early_return(x):
    if x < 0:
        return x * x
    y = x * 3
    if x < 1:
        return math.sin(y) * x
    return y * y * x


@case(0.8, 2)
@case(0.8, 5)
@case(0.8, 20)
def return_from_loop(x, n):
    s = 1.0
    for i in range(10):
        s = s * x + 0.1
        if i == n:
            return s * s
        for j in range(3):
            if i * j == n + 5:
                return s + x
    return s


@case(0.8, 1)
@case(0.8, 2)
@case(0.8, 3)
def return_in_every_branch(x, n):
    if n == 1:
        return x
    elif n == 2:
        for i in range(n):
            x = x * x
        return x
    else:
        while x < 5:
            x = x * 1.5 + 1
            if x > 4:
                return x * 2
    return 7.0


@case(0.8, 4)
def break_inner_only(x, n):
    total = 0.0
    for i in range(n):
        t = x
        for j in range(n):
            t = t * 0.9 + 0.05 * j
            if j == i:
                break
        else:
            t = t * 2
        total += t * x
        if total > 2.0:
            break
    return total


@case(1.15, 3)
def deep_nesting(x, n):
    s = x
    for i in range(n):
        if i > 0:
            for j in range(i):
                if s > 0.5:
                    while s > 0.4:
                        s = s * 0.7
                        if j == 1:
                            if i == 2:
                                s = s * x
                else:
                    s = s + x
    return s


@case(0.8, 3)
def running_values(x, n):
    """A product, a maximum and the last two values, carried through a loop."""
    product, largest, previous, current = 1.0, -1.0, 0.0, x
    for i in range(1, n + 2):
        product *= current + i
        previous, current = current, math.cos(current) * previous + x
        if current > largest:
            largest = current
    return product * largest + previous


@case(0.8)
def condition_on_overwritten(x):
    """The condition's operands change inside the branch that it opens."""
    y = x
    if y > 0.5:
        y = y - 1.0
        y = y * x
    if y < 0:
        y = y * y
    return y


@case(0.8)
def return_none_elsewhere(x):
    if x is None:
        return None
    return x * x


@case(0.8, 3)
def unreachable_code(x, n):
    for i in range(n):
        x = x * 0.5
        continue
        x = x * 100
    return x
    x = 3.0


@case(0.3, 4)
def empty_bodies(x, n):
    for i in range(n):
        pass
    if n > 2:
        pass
    else:
        x = 0.0
    while n > 10:
        pass
    return x * x


DEPTH = 1.0


class Deeper:
    """A context manager that changes a global for a while."""

    def __init__(self, factor):
        self.factor = factor

    def __enter__(self):
        global DEPTH
        self.before = DEPTH
        DEPTH = self.factor

    def __exit__(self, *error):
        global DEPTH
        DEPTH = self.before


def at_depth(x):
    return math.sin(x * DEPTH)


def three_deep(x):
    for _ in range(3):
        x = x * math.sin(x * DEPTH)
    return x


@case(0.7)
def with_statement(x):
    y = x * DEPTH
    with Deeper(3.0):
        y = y * at_depth(x) + three_deep(x) * DEPTH
    return y * at_depth(y)


@case(0.7)
@case(-0.7)
@case(2.5)
def return_from_with(x):
    with Deeper(2.0):
        if x < 0:
            return at_depth(x)
        t = x * x
    z = t * at_depth(x)
    with np.errstate(all="ignore"), Deeper(0.5):
        if z > 0.5:
            return z * x
        z = three_deep(z)
        with Deeper(5.0):
            if x > 2.0:
                return at_depth(z) * x
            z = z * at_depth(z)
    return t * z


@case(0.7)
@case(1.7)
def break_from_with(x):
    y = x
    for i in range(4):
        with Deeper(i + 1.0):
            if y > 1.5:
                y = y * x
                break
            if i == 1:
                continue
            y = y * at_depth(y) + x
        y = y + three_deep(x)
    else:
        y = y * 2.0
    return y


@case(0.7)
def return_from_passive_try(x):
    try:
        n = int("12")
    except ValueError:
        return 4.0
    else:
        if n > 15:
            return 3.0
    return x * n


@case(0.7)
def continue_from_passive_try(x):
    y = x
    for i in range(6):
        try:
            scale = {2: 1, 3: 2}[i]
            continue
        except KeyError:
            scale = i
            if i == 5:
                break
        y = y * math.sin(x) + scale
    return y


@case(0.7)
def return_from_active_try(x):
    y = x * x
    try:
        int("a")
    except ValueError:
        return y * 2.0
    return y


@case(0.7)
def overwritten_in_try_or_not(x):
    y = x * x
    try:
        y = {}["nothing"]
    except KeyError:
        pass
    return y


@case(0.7, 1.2, 3, wrt="x a")
@case(0.7, 1.2, 0, wrt="x a")
@case(-0.4, 1.2, 3, wrt="x a")
@case(-1.4, 1.2, 3, wrt="x a")
@case(2.6, 1.2, 3, wrt="x a")
@case(1.4, 1.2, 3, wrt="x a")
def early_returns_with_what_they_need(x, a, n):
    steps = 2 * n
    if steps < 1:
        return a
    assert a
    limit = 2.5
    if x > limit:
        y = x * a
        y = y * y
        return y + math.sin(y)
    elif x < 0.0:
        if x < -1.0:
            return a * x
        x = x * x
        return x * a
    if x > 1.3:
        return x
    for _ in range(steps):
        x = x * a - 0.1 * x * x
    return x


@case(0.7)
@case(-0.7)
def early_return_of_the_same_variable(x):
    y = 1.0
    if x < 0.0:
        y = x * x
        return y
    y = math.exp(x) * y
    return y


@case(0.7)
@case(1.7)
def early_return_behind_something_active(x):
    y = x * x
    if y > 1.0:
        return y * math.sin(y)
    return y * math.cos(y)


@case(0.7, np.array([0.5, 1.5, 0.8]), wrt="x a")
def own_counter_as_index(x, a):
    i = 0
    while i < len(a):
        y = x * a[i] + i
        x = math.sin(y) + 0.1 * i
        i += 1
    return x * i


@case(0.7, 3)
def own_counter_read_after_it_counts(x, n):
    i = 0
    while i < n:
        x = x * x + 0.3
        i += 1
        x = x * math.cos(x * i)
    return x


@case(0.7, 5)
def own_counter_that_does_not_count_every_step(x, n):
    i = 0
    k = 0
    j = 1
    while k < n:
        x = math.sin(x) * j
        if x > 0.5:
            i += 1
        k = k + 1
        j += 1
    return x + i


@case(0.7, 2)
@case(0.7, 9)
def break_that_does_something_first(x, most):
    d = 1.0
    k = 0
    while abs(d) > 1e-3:
        if k == most:
            x = x * math.sin(x)
            x = x * x
            break
        d = 0.3 * d * math.cos(x)
        x = x + d
        k += 1
    return x * x


@case(0.7, 3)
def break_that_does_something_inside_a_loop(x, n):
    total = 0.0
    for i in range(n):
        d = 1.0
        k = 0
        while d > 0.05:
            y = x * d
            if k == i:
                total += y * y
                x = x * 1.1
                break
            x = x + 0.1 * math.sin(y)
            d = d * 0.4
            k += 1
        total = total * x
    return total


@case(0.7)
@case(0.2)
def break_that_changes_what_the_test_reads(x):
    d = 1.0
    while d > 0.1:
        d = d * x
        if d < 0.4:
            x = x * d
            d = d * 0.1
            break
        x = x * 0.9
    return x * d


@case(0.7, np.array([1.0, 0.5]))
def break_before_a_test_that_reads_an_array(x, w):
    w = w * x
    k = 0
    while w[0] > 0.2:
        if k == 2:
            x = x * w[1]
            break
        w = w * 0.9
        k += 1
    return x * x


@case(0.9, -0.4, wrt="x y")
@case(1.1, 0.7, wrt="x y")
@case(-0.7, 1.3, wrt="x y")
def exits_of_every_sort_before_more(x, y):
    for j in range(2, 6):
        if y < 0:
            x = x * y
            if x > 4:
                continue
            x = x + 1
        elif y > x:
            if x > 2:
                break
            x = x * x
        else:
            for k in range(3):
                if x * k > 3:
                    return x * x
                x = x * y
        y, z = x * y, 1.5 * y
        x *= y + z
    return x


@case(0.9, 0.4, wrt="x y")
@case(0.4, 0.9, wrt="x y")
def elif_returns_before_more(x, y):
    for j in range(2, 4):
        if y < 0:
            pass
        elif y > x:
            return 1.5 * x
        y, z = x * y, 1.5 * y
        x *= y + z
    return x


@case(0.9, 0.4, 3, wrt="x y")
@case(0.9, 0.4, 0, wrt="x y")
def dict_returned_from_a_loop(x, y, n):
    for j in range(n):
        if x * j > 1.0:
            return {"a": 1.5 * y, "b": x * y}
        x = math.sin(x) + 0.5
    return {"a": x * x, "b": y}


@case(0.3)
@case(2.0)
def try_that_overflows(x):
    try:
        y = math.exp(x * 500)
    except OverflowError:
        y = x * x
    return y * 1e-80 * x


def truncated_exp(x):
    try:
        return math.exp(x * 500) * 1e-80
    except OverflowError:
        return x**3


@beyond(0.3)
@beyond(2.0)
def try_in_steps(x):
    d = x * x
    try:
        t = math.exp(900 * x)
        d -= 17.0 * t / (t + 2)
    except OverflowError:
        d -= 17.0 * x
    try:
        d += 20.0 / (math.exp(1000 * x) - 1)
    except OverflowError:
        pass
    return d * truncated_exp(x)


@case(0.3, [1.5, 2.5, 0.5])
@case(0.9, [1.5, 2.5, 0.5])
def handlers_of_try(x, zs):
    try:
        y = x * zs[int(x * 5)]
    except (IndexError, ValueError):
        y = -x * zs[0]
    except KeyError:
        y = 2 * x
    for z in zs:
        y = y * truncated_exp(z * x * 0.001) + x
    return y


@beyond(0.7, [1.5, 2.5, 0.5])
def handler_that_leaves(x, zs):
    y = x * x
    try:
        y = y * zs[7]
    except IndexError:
        if x > 0.5:
            return y * x
        y = y * x * x
    return y + x


@beyond(0.7, [1.5, 2.5, 0.5])
def try_in_loop(x, zs):
    y = x
    for z in zs:
        try:
            y = y * {1.5: 2.0}[z]
        except KeyError:
            y = y * z * x
    return y


@beyond(0.7, [1.5, 2.5, 0.5])
def try_left_halfway(x, zs):
    y = x * x
    try:
        y = y * x
        y = y * zs[9]
    except IndexError:
        pass
    return y


@case(0.7, 2)
def nested_loops_over_the_same_range(x, n):
    """Both are reversed by an iterator of their own: one that is shared would be used up."""
    s = x
    for i in range(-1, n + 1):
        for j in range(-1, n + 1):
            s = s * math.sin(s + x)
    return s


@case(0.7, [1.5, 2.5])
def sums_over_one_iterator_made_twice(x, v):
    s = 0.0
    for k in range(2):
        s = s + x * sum(map(abs, reversed(v))) * math.sin(x * sum(map(abs, reversed(v))))
    return s


def pairs(v):
    return zip(v, v[1:])


@case(0.7, [1.5, 2.5, 0.5])
def list_of_an_iterator_a_callee_makes(x, v):
    return math.sin(x * len(list(pairs(v)))) * math.cos(x + len(list(pairs(v))))


@case(0.7, 1)
@case(0.7, 2)
def exits_and_a_raise(x, n):
    if n == 1:
        return x * x
    if n == 2:
        return math.sin(x)
    message = f"no way {n}"
    raise ValueError(message)


@case(0.7, 2)
def one_exit_and_a_raise(x, n):
    if n == 2:
        return x * x
    raise ValueError(n)


@case(0.7, [0.3, 0.2, 0.5], 0, wrt="x xs")
@case(0.7, [0.3, 0.2, 0.5], 3, wrt="x xs")
def list_made_and_read_under_one_test(x, xs, n):
    """Where the test is false there is no list whose items could be counted."""
    if n > 1:
        ys = xs[1:]
    s = x * x
    if n > 1:
        for i in range(len(ys)):
            s += ys[i] * xs[i] * s
    return s


def first_pair_beyond(v, *, limit, start=0):
    best = (0, 0.0)
    for i, a in enumerate(v, start=start):
        for j in range(len(v) - 1, -1, -1):
            p = a * v[j]
            if p > limit:
                return i, p - limit
            if p > best[1]:
                best = (j, p)
    return best


@case(1.3, [0.5, 1.2, 2.0, 0.9], wrt="x v")
def pairs_returned_from_two_loops(x, v):
    """One exit of the callee is taken; the other one has neither a value nor an adjoint."""
    i, gap = first_pair_beyond(v=v, limit=x)
    k, largest = first_pair_beyond(v, limit=9.0 * x, start=1)
    return gap * v[i] + largest * k


@case(1.3, [0.5, 1.2, 0.9], [1.1, 0.7, 2.0], wrt="x v w")
def pairs_counted_from_two_until_large(x, v, w):
    for k, (a, b) in enumerate(zip(v, reversed(w)), start=2):
        x = x * a + b**k
        if x > 2.5:
            break
    return x


@case(0.7, 1, [1.0, 2.0, 3.0])
def popped_where_it_does_not_vary(x, n, rest):
    """The tangent of what was there before is cleared."""
    rest = list(rest)
    s = 0.0
    for k in range(3):
        if k < n:
            v = x * x
        else:
            v = rest.pop()
        s += v * x
    return s


def first_above(v, limit):
    for k, a in enumerate(v):
        if a > limit:
            return a * k
    return None


@case(0.9, [0.1, 0.5, 0.6, 1.4], wrt="x v")
@case(3.0, [0.1, 0.5, 0.6, 1.4], wrt="x v")
def none_until_there_is_a_number(x, v):
    """What computes with it computes with a number."""
    r, s, last = 0.0, 0.0, None
    for a in v:
        if last is not None:
            r = math.exp(x * (last - a)) * (1 + r)
        s += math.log(0.5 + r)
        last = a
    found = first_above(v, 0.4 * x)
    if found is None:
        found = x * x
    return s * found - 0.5 * last


def left_by_returns_only(x, n):
    """The `else` of a loop without a `break` needs no flag of its own."""
    for i in range(n):
        while x < 3.0:
            x = x * 1.5
            if i == 1:
                return x, (i, x * x)
        else:
            x = x - 2.5
            if i == 3:
                return x * i, (i, x)
    else:
        return x * 7.0, (n, x)


@case(0.7, 0)
@case(0.7, 2)
@case(3.5, 1)
@case(0.7, 6)
def parts_returned_from_loops_with_else(x, n):
    y, (k, z) = left_by_returns_only(x, n)
    return y * z + k * x


@case(0.7, 3)
def rows_made_in_turn(x, n):
    """A row that is not there before the first step is kept as none of its items."""
    last = [j * x for j in range(3)]
    for i in range(n):
        row = [i * x]
        for j in range(1, 3):
            row.append(math.exp(-last[j] - row[-1]) + last[j - 1] * x)
        last, row = row, last
    return last[-1], row[0]


# what is kept at one place of a loop is kept together


@case(0.6, 0.3, 3, wrt="x v")
@case(0.6, 0.3, 0, wrt="x v")
def kept_together(x, v, n):
    e = 1.0
    for i in range(n):
        a = math.exp(0.1 * x) * v
        b = x * v * e
        if i == 1:
            e = e * b
        x = x + 0.1 * a * b
        v = v - 0.1 * b * math.sin(a)
    return x * v * e


@case(0.6, 0.3, wrt="x v")
def kept_together_until_it_breaks(x, v):
    total = 0.0
    k = 0
    while True:
        y = math.exp(x) * v
        z = y / (x + v)
        if z > 1.0:
            total = total * z
            continue_ = k > 2
            if continue_:
                break
        for j in range(2):
            w = z * x + math.log(1.0 + y * y)
            total = total * w + y * z
        x = x + 0.1 * w
        v = v + z * y * 0.1
        k += 1
    return total * x + v


def advanced(x, v, n):
    for _ in range(n):
        d = math.sqrt(x * x + v * v) * math.exp(v)
        x = x + 0.1 * d * v
        v = v * d - 0.1 * x
    return x, v


@case(0.6, 0.3, 3, wrt="x v")
def kept_together_in_a_callee(x, v, n):
    s = 0.0
    for k in range(2):
        x, v = advanced(x, v, n)
        s = s * x + v * v
    return s


def bell(x):
    return math.exp(-x * x)


@case(0.9, 1.7, 1e-8, wrt="a b")
@case(0.9, 1.7, 10.0, wrt="a b")
def breaks_when_done(a, b, tol):
    """The step that breaks is not reversed, but for what the result is made of."""
    x = a
    y = b
    for _ in range(20):
        d = bell(x) * a
        r = x * x * d + x - b
        slope = 1.0 + 2.0 * x * d - d * x * x
        y = y * 0.5 + d
        if abs(r) < tol:
            break
        x = x - r / slope
    return x * y


@case(0.9, 1.7, 1e-8, wrt="a b")
def breaks_when_done_and_forgets(a, b, tol):
    x = a
    for _ in range(20):
        d = bell(x) * a
        r = x * x * d + x - b
        slope = 1.0 + 2.0 * x * d - d * x * x
        if abs(r) < tol:
            break
        x = x - r / slope
    return x


@case([0.9, 0.2, 1.7], wrt="xs")
def only_where_taken(xs):
    s = 1.0
    for x in xs:
        d = bell(x) * x
        e = d * x + s
        f = e * d
        if x > 0.5:
            s = s * f + e
    return s


@case(0.8, 2.0)
@case(0.8, 0.1)
def two_branches_on_one_condition(x, level):
    """What the second branch does not take the first one may have taken."""
    total = 0.0
    for k in range(3):
        ratio = x * (k + 1)
        low = 1.0 + (0.5 * ratio) ** 2.5
        high = 1.0 + (0.5 / ratio) ** 1.7
        level_of = -3.0 * math.log10(low * high)
        if level > 1.0:
            other = math.log10(10.0**level_of + level)
        if level > 1.0:
            term = other
        else:
            term = level_of
        total += 10.0 ** (0.1 * term)
    return total


@case(0.8, 0.3, 2.0)
@case(0.8, 0.6, 2.0)
def choices_kept_for_their_numbers(x, h, end):
    """`t` is read for two choices alone; `before` too, but the step before reads what it left;
    `most` is read for a choice of an inner block, where a branch changes it."""
    t = 0.0
    before = x
    most = 0.5 * x
    total = 0.0
    while t < end:
        if t + h > end:
            h = end - t
        if before > 0.9:
            x = x * math.cos(x)
        before = x + h
        total += before * before
        if x > 0.2:
            if most < x:
                most = x
                total += h * x * x
            else:
                total += x * most
        elif t > 1.0:
            x = x + h * total
        x = x * x + h
        t = t + h
    return total * most


@case([0.9, -0.2, 1.7], 0.4, wrt="xs a")
def choices_read_twice(xs, a):
    """The number is read for its own sake as well, or only in one of two blocks."""
    total = 0.0
    for x in xs:
        level = total * a + x
        if level > 0.3:
            total = total + x * a
            if level < 1.0:
                total += math.sin(a) * x
        else:
            total = total - level * level
        gap = total * x
        if gap > 0.5:
            gap = gap * 0.5
        if gap > 0.2:
            total = total * a
    return total


@case(5.0, 0.3, 1e-6)
@case(5.0, 0.3, 1e3)
@case(5.0, 0.3, 0.0)
def break_of_which_nothing_is_read(x, b, tol):
    """The step that breaks has made f and slope, which nobody reads behind the loop."""
    w = 1.0
    for _ in range(5):
        f = w * math.exp(w) + b * w - x
        slope = math.exp(w) * (1.0 + w) + b * x
        if abs(f) < tol:
            break
        w = w - f / slope
    return w * w


@case(5.0, 0.3, 1e-6)
@case(5.0, 0.3, 1e3)
def break_of_which_something_is_read(x, b, tol):
    w = 1.0
    for _ in range(50):
        f = w * math.exp(w) + b * w - x
        slope = math.exp(w) * (1.0 + w) + b * x
        if abs(f) < tol:
            w = w + 0.1
            break
        w = w - f / slope
    return w * w + f * f


@case(0.5, 0.3, 4)
@case(0.5, 0.3, 0)
def break_behind_a_loop_that_keeps(x, b, most):
    """What the inner loop keeps at the step that breaks has to be taken off again."""
    w = 1.0
    k = 0
    while True:
        power = w * x
        for _ in range(3):
            power = power * power * 0.9 + b
        f = power + w - x
        if k == most:
            break
        w = w - 0.1 * f * math.cos(f)
        k += 1
    return w * w


@case(0.5, 2.0)
@case(0.5, 40.0)
def break_behind_what_the_next_step_reads(x, most):
    """`before` and `grown` go from one step to the next, and are read as the last one left them."""
    before = x
    y = x
    total = 0.0
    for k in range(8):
        grown = before * y + x
        before = y * x
        if grown * grown > most:
            break
        total = total + grown * before
        y = y + math.sin(grown) * x
    return total * y


@case(0.5, 2.0)
@case(0.5, 40.0)
def break_behind_a_sum(x, most):
    total = 0.0
    y = x
    for k in range(8):
        z = y * y
        total = total + z * x
        if z > most:
            break
        y = y * 1.5 + z
    return total


@case([0.3, 0.8, 1.4, 2.0], 1.0, wrt="xs x")
@case([0.3, 0.8, 1.4, 2.0], 9.0, wrt="xs x")
def break_over_items(xs, x):
    """The item at which the loop breaks is not one of those that are reversed."""
    y = 0.1 * x
    for v in xs:
        z = math.sin(v) * x
        if v * v > x:
            break
        y = y * z + v
    return y * y


@case([0.3, 0.8, 1.4, 2.0], 1.0, wrt="xs x")
def break_over_items_of_which_the_last_is_read(xs, x):
    y = 0.1 * x
    for v in xs:
        z = math.sin(v) * x
        if v * v > x:
            break
        y = y * z + v
    return y * y * v


@case(0.9, 30)
def break_behind_a_branch(x, n):
    """What a branch in front of the break has chosen is kept behind it."""
    y = x
    for k in range(n):
        if k % 2:
            z = math.exp(-y * x)
        else:
            z = y * x
            z = z * z + x
        if z > 1.6:
            break
        y = y + 0.3 * z * y
    return y


@case(0.9, 1.5)
def break_behind_a_store(x, most):
    """What is appended at the step that breaks is there behind the loop."""
    made = []
    y = x
    while True:
        z = y * y
        made.append(z)
        if z > most:
            break
        y = y + 0.5 * z
    return made[-1] * made[0] + y


@case(0.7, 0.4, 4, wrt="x k")
def kept_in_one_tuple(x, k, n):
    """Two values of `pull`, and a call that both sweeps make, are kept at one place."""
    t = 0.0
    for _ in range(n):
        pull = k * math.exp(-0.5 * x * x)
        half = x + 0.5 * pull * x
        pull = pull * half * math.sin(t * half)
        t = t + 0.1 * pull * half
        pull = pull * pull + t
        x = x - 0.1 * pull * half * math.exp(-0.5 * half * half * pull)
    return x * pull + t


@case([0.7, -0.4, 1.3, 0.2, 2.5], 0.6, wrt="xs k")
def kept_in_one_tuple_until_it_goes_on(xs, k):
    """What is kept in front of a `continue` and behind it is not kept at one place."""
    y = k
    total = 0.0
    for x in xs:
        z = y * x
        y = z * z + 0.3
        if z < 0.0:
            total = total + y * z
            continue
        w = y * math.exp(-0.25 * y * y)
        y = y * w
        w = w * z
        if w > 0.9:
            break
        total = total + w * w
        y = y + 0.1 * w * math.exp(-0.25 * w * w)
    return total * y


@case(0.7, 0.4, 3, wrt="x k")
def kept_in_one_tuple_around_a_loop(x, k, n):
    for i in range(n):
        a = x * k
        x = a * a + x
        for j in range(2):
            b = x * math.exp(-0.5 * x * a)
            x = b * b * k
            b = b * x
            x = x + 0.2 * b * math.exp(-0.5 * b * b)
        a = a * x
        x = x + 0.1 * a * math.exp(-0.5 * a * a)
    return x


def steepness(u, v):
    return math.exp(-u * u) * v


@case(0.7, 0.4, 3, wrt="x k")
def kept_value_of_a_function(x, k, n):
    """A user function that both sweeps would call is called once; what it reads is overwritten."""
    y = x
    for i in range(n):
        s = steepness(y, k) * y
        y = y - s * steepness(s, y) * math.cos(y)
        if s > 0.05:
            k = k * steepness(s, k) * s
    return y * k


@case(0.7, 0.4, 4, wrt="x k")
@case(0.7, 0.0, 0, wrt="x k")
def products_in_common(x, k, n):
    """What is the same at each step is multiplied in front of the loop, but never divided there."""
    v = 0.3
    for _ in range(n):
        pull = 0.5 * k * x - v / k
        v = v + 0.5 * k * pull * x + (1.0 + k) * v * x
        x = x + 0.5 * k * pull * v - (1.0 + k) * x * v
        k = k * 1.0 if pull > 90.0 else k
    return x * v + x


@case(0.7, 0.4, 5, wrt="x k")
def products_of_what_changes(x, k, n):
    """The factors of a product change between the terms that have it."""
    y = x
    for i in range(n):
        a = 0.5 * y * k * x
        y = y + a * k
        b = 0.5 * y * k * x
        k = k + 0.1 * b * y
        if i % 2:
            y = y * k * 0.5 * x
        c = 0.5 * y * k * x * a
        y = y - c * b
    return y * k


@case([0.7, 0.4, 1.2], 0.3, wrt="xs k")
def products_of_items(xs, k):
    total = 0.0
    for i in range(len(xs) - 1):
        total = total + 0.5 * k * xs[i] * xs[i + 1] * total + 0.5 * k * xs[i] * total
        xs[i + 1] = xs[i + 1] * total * 0.5 * k + xs[i] * k * 0.5
    return total * xs[-1]


@case(0.7, 1.1, 4, wrt="x k")
@case(0.7, -1.1, 4, wrt="x k")
def made_for_one_branch_each(x, k, n):
    """What is made for either branch in front of both is reversed in the one that reads it."""
    y = x
    for i in range(n):
        far = math.exp(-0.1 * y * y * k) * (x + 2.0)
        near = y * y * k * (1.0 + 0.1 * x)
        if i % 2:
            y = far
        else:
            y = near * 0.3
    return y * k


@case(0.7, 1.1, 4, wrt="x k")
def made_for_one_branch_and_more(x, k, n):
    """What both branches read, or what follows them, is no part of either."""
    y = x
    total = 0.0
    for i in range(n):
        base = y * k * k + 0.1 * x
        far = base * base * (x + 2.0)
        near = base * y * (1.0 + 0.1 * x)
        if i % 3:
            y = far * 0.2
        else:
            y = near * 0.3 + base
        total = total + near * y
    return y * k + total


@case([0.7, 1.1, 0.4, 1.9], 0.8, wrt="xs k")
def made_for_one_branch_of_items(xs, k):
    for i in range(3):
        hold = (k * xs[i + 1] + xs[i] * xs[i]) / (1.0 + k * k)
        gain = math.sin(xs[i] * k) * k * xs[3]
        if gain > hold:
            xs[i] = gain * k
        else:
            xs[i] = hold
    for i in range(2):
        gain = xs[i] * xs[i + 2] * k
        hold = gain * k * 0.5 + xs[i]
        if i > 0:
            k = k * gain
        else:
            k = hold * 0.4
    return xs[0] * k + xs[1] * xs[2]


@case(0.7, 0.4, 3, wrt="x k")
@case(0.7, 0.4, 0, wrt="x k")
def constants_at_each_step(x, k, n):
    """Roots of constants are taken once in the reverse sweep, in front of its loop."""
    y = x
    for _ in range(n):
        density = math.exp(-0.5 * y * y) / math.sqrt(2.0 * math.pi)
        y = y - k * density * y / math.sqrt(2.0)
        k = k * density + math.exp(0.5) * y * y
    return y * k


@case(0.7, 6, 2)
@case(0.7, 6, 0)
@case(0.7, 0, 0)
@case(0.7, 6, 9)
def steps_that_keep_and_end(x, n, last):
    """What the loop keeps is there for steps that are not reversed too, or not for all of them."""
    s = 1.0
    for i in range(n):
        if i == 1:
            s = s * 1.5
            continue
        s = s * s * x + 0.1
        if i == last:
            break
        s = math.sin(s) * x
    t = s
    k = 0
    while k < n:
        k += 1
        if k == last:
            continue
        t = t * t * 0.3 + x
    for j in range(2):
        for i in range(n):
            t = math.sin(t) * x
    return s * t


@case(0.8, -0.3, 3, wrt="v c")
@case(-0.8, 0.3, 3, wrt="v c")
def drag_of_every_sort(v, c, n):
    """A number times its own size has no corner; times that of another number it has."""
    w = v * abs(v) + 0.5
    for _ in range(n):
        k = abs(v) * c * v - 2.0 * w * abs(v * c)
        w = w - 0.1 * abs(w) * w + k / (1.0 + abs(c) * w * w)
        v = v - 0.1 * math.fabs(v) * v * v * c
    return w + v


@case(0.8, -0.3, 0.4, 3, wrt="x y h")
def terms_with_factors_in_common(x, y, h, n):
    """Sums for one adjoint, with and without a change of their operands between the two."""
    u = x * y
    for k in range(n):
        u = u + 0.5 * h * x * y
        y = y * h + 0.5 * h * x * u
        h = h * (1.0 - 0.1 * h * h) + 0.01 * u * y
        if k == 1:
            x = x + 0.5 * h * h * y - h * x / y
            y = y + 0.5 * h * h * x - h * u / y
        x = x * h - u * h + y * h
    return u * x * h


@case(0.8, 1.3, 3, wrt="a b")
def logarithms_of_quotients(a, b, n):
    s = math.log(a / b)
    for _ in range(n):
        s = s * math.log((a + s * s) / (b * b)) + math.log(math.exp(0.1 * s) / b)
        a = a * (1.0 + 0.1 * math.erf(s / math.sqrt(2.0)) / math.sqrt(2.0 * math.pi))
        b = b + 0.5 * (1.0 + math.erf(-a * math.sqrt(2.0) / math.sqrt(3.0)))
    return s * a + b


@case([0.3, 1.2, 0.7], [0.1, 0.9], 0.3, wrt="x y gap")
@case([], [0.1, 0.9], 0.3, wrt="x y gap")
def least_of_three(x, y, gap):
    """What only one choice leads to is added to where that is taken, the sums included."""
    above = [gap * j for j in range(len(y) + 1)]
    for i in range(len(x)):
        row = [above[0] + gap]
        for j in range(len(y)):
            best = above[j] + (x[i] - y[j]) ** 2
            up = above[j + 1] + gap * x[i]
            if up < best:
                best = up
            left = row[j] * y[j] + gap
            if left < best:
                best = left
            row.append(best)
        above = row
    return above[-1]


@case(0.4, 1.3, 5, wrt="x s")
@case(2.4, -1.3, 5, wrt="x s")
@case(2.4, -1.3, 0, wrt="x s")
def undone_for_a_branch(x, s, n):
    """`v` is put back at each step, though a step may read it where the branch is taken only, and
    the loop behind leaves it to what is in front."""
    v = x
    w = x
    total = s * v
    for k in range(n):
        e = v * s
        w = w * math.cos(w)
        v = v + x
        d = e * v + w
        if d > 1.0:
            total += d * d
    return total * v


@case(0.4, 1.3, 5, wrt="x s")
@case(2.4, -1.3, 5, wrt="x s")
def sums_of_a_branch(x, s, n):
    """`q` is read where the branch is taken, and by the next step; `p` by what is behind it."""
    total = 0.0
    q = x
    for k in range(n):
        p = q * s
        r = math.sin(p) * x
        if r > 0.1:
            q = r + p * x
        total += p
        if q > 0.4:
            total += r * q
    return total
