"""Early returns of numbers that do not vary: nothing is reversed for them, wherever they stand."""

import math

import numpy as np

from .cases import case


@case(0.5, 0.4, wrt="x y")
@case(-0.5, 0.4, wrt="x y")
@case(0.5, 9.0, wrt="x y")
@case(1.9, 1.2, wrt="x y")
def guards_between(x, y):
    if x < 0.0:
        return 0.0
    z = math.sin(x) * y
    if z > 3.0:
        # clipped
        return 3.0
    for i in range(4):
        z = z * x + y
        if z > 10.0:
            return 10.0
        z = z * z
    return z * y


@case(-0.5, 0.4, wrt="x y")
@case(0.5, 0.4, wrt="x y")
@case(2.5, 0.4, wrt="x y")
@case(1.5, 1.4, wrt="x y")
@case(3.5, 0.4, wrt="x y")
def beside_active_exits(x, y):
    if x < 0.0:
        return 0
    elif x > 3.0:
        return x
    if x > 2:
        limit = 3.0
        return limit
    u = x * y
    if u > 2.0:
        return 1.0
    else:
        u = u * x
    if u > 1.5:
        return u * u
    elif u > 1.0:
        return 5.0
    return u


@case(np.array([0.2, 0.4]), 3, wrt="x")
@case(np.array([2.2, 3.4]), 3, wrt="x")
@case(np.array([-2.2, 0.4]), 3, wrt="x")
@case(np.array([2.2, 3.4]), 0, wrt="x")
def of_arrays(x, k):
    s = np.sum(x)
    for i in range(k):
        if s > 10.0:
            return 10.0
        if s < -1.0:
            break
        s = s + np.sum(x * s)
    return s


@case(np.array([0.2, 0.4]), wrt="x")
@case(np.array([2.2, 3.4]), wrt="x")
def of_an_array_that_is_bound_again(x):
    x = x[1:] * x[:1]
    if x[0] > 1.0:
        return 1.0
    return np.sum(x * x)


@case(0.3, [0.5, 0.2, 0.9], wrt="x items")
@case(0.9, [0.5, 1.2, 0.9], wrt="x items")
def of_lists(x, items):
    total = 0.0
    for v in items:
        if v * x > 1.0:
            return -1.0
        total += math.sin(x * v)
    return total * x


@case(0.3, 4, wrt="x")
@case(0.9, 4, wrt="x")
@case(0.9, 0, wrt="x")
def in_steps_that_are_reversed_at_once(x, n):
    total = 0.0
    for i in range(n):
        u = math.exp(x * i)
        for j in range(3):
            if u > 12.0:
                return 12.0
            u = u * math.cos(x) + j
        total += u * u
    return total


@case(0.3, wrt="x")
@case(1.3, wrt="x")
@case(-0.3, wrt="x")
def out_of_a_try(x):
    y = x * x
    try:
        if int(y * 10.0) // int(x + 1.0) > 9:
            return 1.0
    except ZeroDivisionError:
        return -1.0
    return y * x


@case(0.7, wrt="x")
@case(1.7, wrt="x")
def out_of_an_endless_loop(x):
    y = x
    count = 0
    while True:
        y = y * x
        count += 1
        if y > 4.0:
            return count
        if count == 3:
            return y


@case(0.7, wrt="x")
@case(1.7, wrt="x")
def the_active_exit_first(x):
    y = x * math.sin(x)
    if x < 1.0:
        return y
    x = y * 2.0
    if x > 1.0:
        return 1
    raise ValueError(x)


def _capped(x, top):
    y = x * x
    if y > top:
        return top
    return y * x


@case(0.7, 1.0, wrt="x")
@case(1.7, 1.0, wrt="x")
@case(1.7, 1.0, wrt="x top")
@case(0.7, 1.0, wrt="top")
def of_a_callee(x, top):
    return _capped(x * 1.1, top) + _capped(0.5 * x, 2.0) * x


@case(0.7, 2.0, wrt="x")
@case(1.7, 2.0, wrt="x")
@case(1.7, 2.0, wrt="x top")
def of_a_parameter(x, top):
    y = x * x
    if y > top:
        return top
    return y * x


@case(0.5, 0.4, wrt="x y")
@case(-0.5, 0.4, wrt="x y")
@case(1.9, 1.2, wrt="x y")
def flags_behind_what_is_ready(x, y):
    """What is made in front of an exit is no flag of a later one."""
    weights = [0.5, 1.5, 2.5]
    if x < 0.0:
        return x * y
    z = math.sin(x) * y
    for w in weights:
        z = z * x + w * y
        if z > 3.0:
            return z * weights[0]
        z = z * z
    return z * y
