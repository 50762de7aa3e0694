"""Containers that hold constants before they hold what varies, read where they have come to."""

import numpy as np

from .cases import case

LEVELS = np.array([0.4, 0.9, 1.5, 2.4])


def put(table, c):
    table["c"] = c


def record(x, c):
    table = {}
    table["rate"] = c
    table["size"] = x * x
    return table


def record_by_call(x, c):
    table = {}
    put(table, c)
    table["size"] = x * x
    return table


def nested_record(x, c):
    table = {"inner": {}}
    table["inner"]["rate"] = c
    table["inner"]["size"] = x * x
    return table


def chosen_record(x, c):
    table = {}
    if c > 0.0:
        table["rate"] = c
    else:
        table["rate"] = x
    table["size"] = x
    return table


def counted_record(x, c):
    table = {}
    for k in range(3):
        table[k] = c * k
    for k in range(3):
        table[3 + k] = x * k
    return table


def grown_list(x, c):
    items = [c, c]
    items.insert(0, c)
    items.extend([c, 2.0])
    items.append(x)
    return items


@case(0.6, 1.7)
def constant_beside_a_value(x, c):
    table = record(x, c)
    return table["rate"] * table["size"] + table["rate"]


@case(0.6, 1.7)
def constant_put_by_a_call(x, c):
    table = record_by_call(x, c)
    return table["c"] * table["size"]


@case(0.6, 1.7)
def constant_in_an_inner_record(x, c):
    inner = nested_record(x, c)["inner"]
    return inner["rate"] * inner["size"]


@case(0.6, 1.7)
@case(0.6, -1.7)
def constant_in_one_branch(x, c):
    table = chosen_record(x, c)
    return table["rate"] * table["size"]


@case(0.6, 1.7)
def constants_by_a_loop(x, c):
    table = counted_record(x, c)
    return sum(table.values()) * table[1]


@case(0.6, 1.7)
def constants_in_front_of_a_value(x, c):
    items = grown_list(x, c)
    return items[0] * items[-1] * items[4] + items[2]


def positive(x):
    if x is None:
        raise ValueError("none given")
    return x * x


@case(0.6)
def branch_that_only_raises(x, y=None, wanted=False):
    if wanted:
        z = positive(y) * x
    else:
        z = x * x
    return z


def row(v):
    return np.atleast_1d(v) * v


@case(0.6, LEVELS, wrt="x v")
def list_of_calls_taken_apart(x, v):
    x, v = list(map(np.asanyarray, (x, v)))
    x, v, w = np.broadcast_arrays(x, v, 2.0)
    a, b, c = list(map(row, (x, v, w)))
    return np.sum(a * b + c * v)


@case(LEVELS, wrt="v")
def stores_into_differences(v):
    steps = np.diff(v, axis=0)
    steps[steps > 0.55] *= steps[0]
    return np.sum(steps * steps)
