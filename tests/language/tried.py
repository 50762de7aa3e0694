"""`try` around what varies: what is computed in its body, in its handlers, in loops around it."""

import math

from .cases import case


def shared(x, n):
    if n == 0:
        raise ZeroDivisionError
    return x * x / n


@case(1.3, 0)
@case(1.3, 1)
@case(1.3, 3)
def branches_in_a_try(x, n):
    try:
        low, high = x * 0.5, x * 2.0
        if n > 2:
            v = shared(low, n - 3)
        elif n > 1:
            v = shared(high, n) * low
        else:
            v = shared(high, n)
    except ZeroDivisionError:
        v = x**3
    return v * x


@case(1.3, 0)
@case(1.3, 2)
def try_in_a_loop(x, n):
    total = x
    for k in range(4):
        try:
            total += x * total / (k - n)
        except ZeroDivisionError:
            total = total * x
    return total


@case(1.3, 0)
@case(1.3, 1)
@case(1.3, 3)
def logarithm_or_not(x, n):
    s = x
    for _ in range(4):
        try:
            u = math.log(s - n)
            t = s * s * 0.1
            s = t + u * s
        except ValueError:
            s = s * x + 2.0 * n
    return s * s


@case(1.3, 0)
@case(1.3, 1)
@case(0.4, 2)
def first_that_works(x, n):
    y = None
    for z in (x, x * x, x * 3.0):
        try:
            y = shared(z, n)
        except ZeroDivisionError:
            pass
        else:
            if y > 1.0:
                break
    if y is None:
        return x
    return y * x


@case(1.3, 0)
@case(1.3, 1)
@case(1.3, 3)
def one_try_in_another(x, n):
    try:
        try:
            return shared(x, n)
        except ZeroDivisionError:
            return shared(x * x, n - 1)
    except ValueError:
        return x**4


@case(1.3, 0)
@case(1.3, 1)
@case(1.3, 2)
def returned_from_a_loop(x, n):
    for k in range(3):
        try:
            return shared(x, n + k - 2) * x
        except ZeroDivisionError:
            pass
    return x


@case(1.3, 0)
@case(1.3, 2)
@case(1.3, 5)
def returned_from_branches(x, n):
    try:
        t = x * x
        if n > 3:
            return math.log(t) * x
        else:
            return math.log(x - n) * t
    except ValueError:
        r = x * 3.0
        return r * r


@case(1.3, 1)
@case(1.3, 3)
def item_that_is_not_there(x, n):
    items = [x, x * x, 2.0]
    total = 0.0
    for k in range(4):
        try:
            total += items[k + n] * x
        except IndexError:
            total += x * x
    return total


@case(1.3, 0)
@case(1.3, 3)
def goes_on_from_a_handler(x, n):
    k = 0
    y = x
    while k < 4:
        k += 1
        try:
            y = math.sqrt(y - n) * x
        except ValueError:
            y = y + x * n
            continue
        y = y * y
    return y


@case(1.3, "u")
@case(1.3, "w")
def key_that_is_not_there(x, key):
    table = {"u": x}
    try:
        v = table[key] * x
    except KeyError as error:
        length = len(str(error))
        v = table["u"] * length * x
    finally:
        print(end="")
    return v


@case(1.3, 3)
def else_of_a_try(x, n):
    try:
        y = x * x
        if n == 0:
            raise ValueError(n)
        z = y * x
    except ValueError:
        z = x * 2.0 * x
    else:
        z = z + y
    return z


def left_halfway(x, n):
    y = x
    try:
        y = y * y
        y = y / n
    except ZeroDivisionError:
        y = y * 2.0
    return y


def left_in_a_loop(x, n):
    total = 0.0
    for k in range(3):
        try:
            a = math.sin(x * k)
            b = a * x
            for _ in range(k):
                b = b * a + x
            c = 1.0 / (k - n)
            total = total + b * c * total + c * a
        except ZeroDivisionError:
            total = total * total + x
    return total


@case([0.6, 1.3, 2.0], 3, wrt="xs")
def rows_stored_into_in_a_try(xs, n):
    table = [[0.0] * n for _ in range(n)]
    for i in range(n):
        row = table[i]
        for j in range(i, n):
            term = xs[i] * xs[j]
            try:
                row[j] = 1.0 / (term - 3.0 * (i - j))
            except ZeroDivisionError:
                row[j] = 1e3
            table[j][i] = term * row[j]
    return table[0][1] * table[2][0] + table[1][2]


def residual(p, a, b, mode="plain"):
    return p * p - a * b if mode == "plain" else p - a


def secant(function, start, args=(), kwargs={}, tries=9):  # noqa: B006
    p, q = start, start * 1.01
    at_p, at_q = function(p, *args, **kwargs), function(q, *args, **kwargs)
    for k in range(tries):
        if k == 3:
            probe = function(q * 1.5, *args, **kwargs)
            if probe * at_p < 0.0:
                break
        p, q = q, q - at_q * (q - p) / (at_q - at_p)
        at_p, at_q = at_q, function(q, *args, **kwargs)
    return q


@case(3.0, 2.0)
def value_of_a_call_that_only_decides(x, y):
    given = (x, y, "plain")
    return secant(residual, 1.5, args=given) * x
