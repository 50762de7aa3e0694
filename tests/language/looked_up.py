"""Calls of functions that come out of tables, lists, attributes and other calls."""

import functools
import math
import types

import numpy as np

from .cases import beyond, case

A = np.array([1.1, 1.7, 2.3, 0.4])
KEPT = []


def stored_into(a):
    a[0] = a[1] ** 2
    return np.sum(a)


def added_to(a):
    a += 1.0
    return np.sum(a * a)


def calls_stored_into(a):
    return stored_into(a)


def calls_added_to(a):
    return added_to(a)


def logged(a, log):
    log.append(1.0)
    return np.sum(a * a)


def summed_in(a, log):
    log[0] = np.sum(a)
    return np.sum(a * a)


def seen_as_an_array(a):
    b = np.asarray(a)
    b[0] = 3.0
    return np.sum(b * b)


def kept(a):
    KEPT.append(np.sum(a))
    return KEPT[-1]


def sorted_in_place(a):
    a.sort()
    return a[0] * 2.0


def same(a):
    return a


def two(a, k=2.0):
    return np.sum(a) * k, a**2


def many(*xs, k=1.0, **more):
    return sum(x * x for x in xs) * k + sum(v for v in more.values())


def twice(f, a):
    return f(a) * 2.0


def larger(a):
    return a if a[0] > 1.0 else a * 2.0


def squares(items):
    return sum(v * v for v in items)


def factorial_like(n, x):
    return x if n == 0 else TABLE["factorial_like"](n - 1, x) * x


def only_known(function, **options):
    known = function.__code__.co_varnames[: function.__code__.co_argcount]
    return {key: value for key, value in options.items() if key in known}


def added_to_what_is_made_of_it(x):
    x = np.asarray(x)
    x += 1.0
    return x * x


class Scale:
    def __init__(self, k):
        self.k = k
        self.f = two

    def squared(self, x):
        return np.sum(x * x) * self.k

    def __call__(self, x):
        return np.sum(x) * self.k


class Folded(dict):
    def __getitem__(self, key):
        return super().__getitem__(key.lower())


TABLE = {f.__name__: f for f in list(vars().values()) if isinstance(f, types.FunctionType)}
FOLDED = Folded(TABLE)
SCALES = [Scale(2.0), Scale(0.5)]


@case(A, "larger")
@case(A, "two")
def by_name(x, name):
    r = TABLE[name](x)
    return r * x if name == "larger" else r[0] * x


@case(0.7, "added_to_what_is_made_of_it")
def by_name_of_what_changes_its_own(x, name):
    return TABLE[name](x) * x


@case(A, "LARGER")
def by_folded_name(x, name):
    f = FOLDED[name]
    return f(x) * f(x**2)


@case(A, "two")
def with_options(x, name):
    f = TABLE.get(name, same)
    return f(x, **only_known(f, k=3.0, n=4))[1]


@case(A)
def several_results(x):
    s, q = TABLE["two"](x, k=x[0])
    t = TABLE["two"](x)
    return s * q + t[0]


@case(A)
def one_result_of_two(x):
    _, q = TABLE["two"](x)
    return q


@case(A)
def stars(x):
    xs = (x[0] * 2.0, x[1])
    d = {"k": x[2], "u": x[3]}
    rest = [x[0], x[1] * x[2], 3.0]
    return [TABLE["many"](*xs, **d), many(*rest), TABLE["many"](x[0], x[1], k=x[2], z=x[3])]


@case(A)
def one_after_the_other(x):
    r = 0.0
    for i, name in enumerate(["same", "larger"]):
        r = r + TABLE[name](x) * (i + 1.5) * x
    return r


@case(A)
def carried(x):
    for name in ["same", "larger", "larger"]:
        x = TABLE[name](x) ** 2 * 0.3
    return x


@case(A)
def function_as_argument(x):
    return TABLE["twice"](TABLE["larger"], x)


@case(A)
def of_libraries(x):
    found = np.sum([f(x[0]) for f in (math.sin, math.cos, np.tanh)])
    return getattr(np, "exp")(x) * found


@case(A)
def of_instances(x):
    a = SCALES[0].squared(x)
    b = SCALES[1](x)
    return a * x + b


@case(A)
def of_an_instance_made_here(x):
    s = Scale(3.0)
    a = s.squared(x)
    b = s.f(x)
    return a * x + b[1]


@case(A)
def with_arguments_fixed(x):
    f = [functools.partial(two, k=3.0)][0]
    return f(x)[0] * x


@case(A)
def bound_in_a_loop(x):
    g = None
    for name in ["larger"]:
        g = TABLE[name]
    y = g(x)
    y = y + 1.0
    y *= 2.0
    return y * g(y)


@case(A)
def recursive(x):
    return TABLE["factorial_like"](3, x)


@case(A)
def how_often_by_result(x):
    n = TABLE["two"](x)[0]
    while n > 1.0:
        n = TABLE["same"](n) / 2.0
        x = x * n
    return x


@case(A)
def a_list(x):
    return TABLE["squares"]([x[0], x[1] * 2.0]) * x


@case(A, 2)
def whole_numbers(x, n):
    return TABLE["factorial_like"](n, x) * TABLE["same"](n)


@beyond(A)
def rebound_behind(x):
    y = x * 2.0
    z = TABLE["same"](y)
    y = y * 3.0
    return z * y


@beyond(A)
def callee_stores(x):
    y = x * 1.0
    return TABLE["stored_into"](y) * y


@beyond(A)
def callee_adds(x):
    y = x * 1.0
    return TABLE["added_to"](y) * y


@beyond(A)
def callee_calls_what_stores(x):
    y = x * 1.0
    return TABLE["calls_stored_into"](y) * y


@beyond(A)
def callee_calls_what_adds(x):
    y = x * 1.0
    return TABLE["calls_added_to"](y) * y


@beyond(A)
def callee_logs(x):
    log = []
    r = TABLE["logged"](x, log)
    return x * len(log) * r


@beyond(A)
def callee_sums_in(x):
    log = [0.0]
    r = TABLE["summed_in"](x, log)
    return x * log[0] * r


@beyond(A)
def callee_stores_through_a_view(x):
    y = x * 1.0
    return TABLE["seen_as_an_array"](y) * y


@beyond(A)
def callee_keeps(x):
    return TABLE["kept"](x) * x


@beyond(A)
def callee_sorts(x):
    y = x * 1.0
    return TABLE["sorted_in_place"](y) * y


@beyond(A)
def result_is_stored_into(x):
    y = x * 2.0
    z = TABLE["same"](y)
    z[0] = z[1] ** 2
    return z * y


@beyond(A)
def argument_is_stored_into(x):
    y = x * 1.0
    r = TABLE["same"](y)
    y[0] = 5.0
    return r * y


@beyond(A)
def lambda_that_holds_an_active_value(x):
    k = x[0]
    f = [lambda v: v * k][0]
    return f(x)


@beyond(A)
def partial_that_holds_an_active_value(x):
    f = [functools.partial(two, k=x[0])][0]
    return f(x)[0] * x


@beyond(A)
def array_of_arguments(x):
    return TABLE["many"](*x) * x


@beyond(A)
def list_appended_to(x):
    items = [x[0], x[1] * 2.0]
    r = TABLE["squares"](items)
    items.append(r)
    return items[2] * x


@beyond(A)
def in_a_test(x):
    if TABLE["larger"](x)[0] > 1.0:
        return x * TABLE["larger"](x)
    return x


def first_of_two(a, n):
    return second_of_two(a, n) if n else np.sum(a)


def second_of_two(a, n):
    r = first_of_two(a, n - 1)
    a[0] = 5.0
    return r


@beyond(A)
def callee_stores_by_way_of_another(x):
    y = x * 1.0
    return TABLE["one_way"](y) * y


def one_way(a):
    return first_of_two(a, 2)


@beyond(A)
def callee_stores_the_other_way(x):
    y = x * 1.0
    r = TABLE["other_way"](y)
    return r * y


def other_way(a):
    return second_of_two(a, 2)


TABLE.update(one_way=one_way, other_way=other_way)
