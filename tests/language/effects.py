"""Code that changes things beside its result: containers, iterators, the arguments of a call.

The derivative repeats parts of the primal; what has changed since must be read as it was.
"""

import types

import numpy as np

from .cases import case


def fill(a):
    a[:] = 7.0


def bump(a):
    a[0] += 1.0
    return a[0]


def push(items, value):
    items.append(value)
    return len(items)


def scaled(x, work):
    work[0] = work[0] + 1.0
    return x * x * work[0]


@case(1.5)
def store_seen_through_an_alias(x):
    a = np.ones(3)
    b = a
    y = x * b[0]
    a[0] = 5.0
    return y * b[0]


@case(1.5)
def store_seen_through_a_view(x):
    a = np.ones(3)
    b = a[1:]
    y = x * x * b[0]
    a += 5.0
    return y * b[1]


@case(1.5)
def append_seen_through_an_alias(x):
    a = [1.0]
    b = a
    y = x * x * b[-1]
    a.append(5.0)
    return y * b[-1]


@case(1.5)
def callee_fills_an_array(x):
    a = np.ones(3)
    y = x * x * a[0]
    fill(a)
    return y * a[1]


@case(1.5)
def methods_change_a_list(x):
    a = [1.0, 3.0]
    y = x * x * a[0]
    a.extend([2.0])
    a.reverse()
    return y * a[0]


@case(1.5)
def array_sorted_in_place(x):
    a = np.array([3.0, 2.0, 1.0])
    y = x * x * a[0]
    a.sort()
    return y * a[0]


@case(1.5)
def counter_in_an_expression(x):
    a = [1.0]
    total = 0.0
    for i in range(3):
        total = total + x * x * bump(a) * a[0]
    return total


@case(1.5)
def counter_in_a_condition(x):
    a = [1.0]
    while bump(a) < 4.0:
        x = x * x * a[0]
    return x


@case(1.5)
def dict_updated(x):
    d = {"a": 1.0}
    y = x * x * d["a"]
    d.update(a=3.0)
    return y * d["a"]


@case(1.5)
def out_arguments(x):
    a = np.ones(3)
    y = x * x * a[0]
    np.multiply(a, 5.0, out=a)
    np.copyto(a, a + 1.0)
    return y * a[2]


@case(1.5)
def iterator_read_twice(x):
    it = iter([1.0, 2.0, 4.0])
    y = x * next(it)
    return y * y * next(it) + next(it) * x


@case(1.5, np.array([1.0, 2.0]))
def argument_stored_into(x, a):
    y = x * x * a[0]
    a[0] = 4.0
    return y * a[0]


@case(1.5, [1.0, 2.0])
def argument_appended_to(x, a):
    y = x * x * a[-1]
    a.append(4.0)
    y = y * a[-1]
    return y * push(a, 3.0) * a[-1]


@case(1.5)
def callee_with_work_space(x):
    work = [1.0, 2.0]
    y = scaled(x, work)
    return y * scaled(x, work) + work[0] * x


@case(1.5, 2)
@case(1.5, 0)
def counter_in_elif(x, n):
    a = [0.0]
    for i in range(n):
        if x > 9.0:
            x = x * 0.5
        elif bump(a) > 1.0:
            x = x * x * a[0]
        else:
            x = x * a[0] + x * x
    return x


@case(1.5)
def attribute_stored_into(x):
    o = types.SimpleNamespace(k=2.0)
    y = x * x * o.k
    o.k = 5.0
    y = y * o.k
    o.k += 1.0
    return y * o.k
