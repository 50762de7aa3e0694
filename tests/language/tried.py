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
