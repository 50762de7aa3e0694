"""In-place operators on what other names may see, through calls, containers and views."""

import numpy as np

from .cases import beyond, case

V = np.array([0.5, -0.25, 1.5])
W = np.array([0.3, 0.8, -0.6])


def doubled(a):
    a *= 2.0
    return np.sum(a)


def doubled_by_another_name(a):
    b = a
    b *= 2.0
    return np.sum(a)


def same(a):
    return a


def square(a):
    return a * a


TABLE = np.array([1.0, 2.0, 3.0])


def as_array(a, dtype=None):
    if isinstance(a, dict):
        a = list(a)
    return np.asarray(a, dtype)


def ranged(a, scale=100.0, dtype=None):
    a = as_array(a, dtype)
    a *= scale
    return a


def table_or_same(a, take):
    return TABLE if take else a


def in_turn(a, n):
    if n > 0:
        in_turn(a, n - 1)
        a += 1.0
    return np.sum(a)


# numbers: the operators give their names new values, whatever else the old ones are called


@case(0.7, 0.4, wrt="x y")
def numbers_with_two_names(x, y):
    z = x
    z += y
    w = z
    w *= x
    z -= w
    return z * w * x


@case(0.7)
@case(V)
def of_what_a_function_made(x):
    y = square(x)
    y += x
    y *= 0.5
    return np.sum(y * x)


@case(0.7)
@case(V)
def argument_made_for_the_call(x):
    return doubled(x * x) + doubled(np.sin(x)) * np.sum(x)


@case(0.7)
def number_given_to_an_update(x):
    y = x * 2.0
    return doubled(y) + doubled_by_another_name(x) * y + x


@case(0.7)
def numbers_of_a_list(x):
    total = 0.0
    for t in [x, x * x]:
        t *= 3.0
        total += t
    return total * x


# what is read for the last time may be given away


@case(0.7)
@case(V)
def given_to_a_call_for_the_last_time(x):
    y = np.where(x > 0.0, x * x, -x)
    t = np.sum(ranged(y) * x)
    for k in range(3):
        z = np.sin(x) * k
        w = ranged(z, 0.5)
        t = t + np.sum(w * x)
    return t


@case(0.7)
@case(V)
def kept_by_its_own_name(x):
    y = np.sin(x)
    w = y - x
    y = as_array(y)
    y *= x
    z = y
    z -= 1.0
    return np.sum(z * z * w)


@case(V, True)
@case(V, False)
def moved_on_one_way_and_read_on_the_other(x, plain):
    y = np.sin(x)
    z = y if plain else y * x + y
    return np.sum(ranged(z, 2.0) * x)


@beyond(V)
def given_to_a_call_in_each_turn(x):
    y = np.sin(x)
    t = 0.0
    for _ in range(3):
        t = t + np.sum(ranged(y) * x)
    return t


@beyond(V)
def given_to_a_call_and_held_by_another_name(x):
    y = np.sin(x)
    z = y
    t = np.sum(ranged(y) * x)
    return t * np.sum(z)


@beyond(V)
def given_to_a_call_and_read_by_a_lambda(x):
    y = np.sin(x)
    later = lambda: np.sum(y)  # noqa: E731
    t = np.sum(ranged(y) * x)
    return t * later()


@beyond(V)
def read_later_by_a_generator(x):
    y = np.sin(x)
    later = (t * 2.0 for t in y)
    t = np.sum(ranged(y) * x)
    return t * sum(later)


@beyond(V)
def what_a_call_returns_is_a_global(x):
    before = TABLE.copy()
    y = x * x
    y = table_or_same(y, True)
    y += 1.0
    total = np.sum(TABLE * x)
    TABLE[:] = before
    return total


@beyond(V)
def changed_through_the_name_it_moved_to(x):
    def moved(a):
        b = np.asarray(a)
        b += 1.0
        return np.sum(b)

    z = x * x
    s = moved(z)
    return s * np.sum(z)


# arrays: what other names see changes too


@beyond(V)
def by_another_name(x):
    y = x
    x += 1.0
    return np.sum(x * y)


@beyond(V)
def by_a_name_of_a_passive_array(x):
    k = np.array([1.0, 2.0, 3.0])
    b = k
    s = np.sum(x * k)
    b += 1.0
    return s * np.sum(k * x)


@beyond(V, W)
def passive_argument(x, k):
    b = k
    b += 1.0
    return np.sum(x * k)


@beyond(V)
def argument_of_a_call(x):
    s = doubled(x)
    return s * np.sum(x)


@beyond(V, W)
def passive_argument_of_a_call(x, k):
    s = np.sum(x * k)
    t = doubled(k)
    return s * t


@beyond(V)
def variable_given_to_a_call(x):
    z = x * 1.0
    s = doubled(z)
    return s + np.sum(z)


@beyond(V)
def result_not_used(x):
    z = x * 1.0
    doubled(z)
    return np.sum(z)


@beyond(V)
def result_not_used_by_another_name(x):
    z = x * 1.0
    t = doubled_by_another_name(z)  # noqa: F841
    return np.sum(z)


@beyond(V)
def in_a_condition(x):
    z = x * 1.0
    if doubled_by_another_name(z) > 0.0:
        z = z * 3.0
    return np.sum(z)


@beyond(V)
def recursive(x):
    z = x * 1.0
    s = in_turn(z, 2)
    return s * np.sum(z)


@beyond(V)
def returned_argument(x):
    t = same(x)
    t += 1.0
    return np.sum(x * t)


@beyond(V, W, wrt="x w")
def items_of_a_list(x, w):
    xs = [x, w]
    for t in xs:
        t *= 2.0
    return np.sum(xs[0] * xs[1])


@beyond(V)
def item_of_a_tuple(x):
    pair = (x * 1.0, x * 2.0)
    a, b = pair
    a += b
    return np.sum(pair[0] * pair[1])


@beyond(V)
def value_of_a_dict(x):
    d = {"a": x * 1.0}
    t = d["a"]
    t += x
    return np.sum(d["a"] * t)


@beyond(V)
def chosen(x):
    y = x if np.sum(x) > 0.0 else x * 2.0
    y += 1.0
    return np.sum(x * y)


@beyond(V)
def transposed(x):
    y = x.T
    y += 1.0
    return np.sum(x * y)


@beyond(V)
def maybe_the_same(x):
    y = np.asarray(x)
    y *= 2.0
    return np.sum(x * y)


@beyond(V)
def conjugate(x):
    y = x.conj()
    y *= 2.0
    return np.sum(x * y)


@beyond(V)
def view(x):
    z = x * 1.0
    y = z[1:]
    y *= 2.0
    return np.sum(z)


@beyond(V)
def stored_into_by_another_shape(x):
    y = x * 2.0
    z = y.reshape(3, 1)
    z[1] = 7.0
    return np.sum(y * y)


@beyond(V)
def read_by_another_shape(x):
    y = x * 2.0
    z = y.reshape(3, 1)
    y[1] = 7.0
    return np.sum(z**3)


@beyond(V)
def exchanged_axes(x):
    y = np.outer(x, x)
    z = y.swapaxes(0, 1)
    z *= 2.0
    return np.sum(y * y * x)


@beyond(V)
def named_in_a_loop(x):
    for _ in range(2):
        y = x
        y *= 2.0
    return np.sum(x)


@beyond(V)
def shared_in_a_try(x):
    z = x * 1.0
    k = z
    try:
        k = np.ones(3)
        int("three")
        k = np.zeros(3)
    except ValueError:
        pass
    k += 1.0
    return np.sum(z * k)


def _first_of(b, p):
    for _ in range(1):
        pass
    return b


@case(0.7, 1.5, np.array([1.5, -0.5]), wrt="x p")
def number_in_place_of_array(x, v, p):
    """What is added to the adjoints of the tuple's items may be an array; a part of it is taken."""
    for a, b in zip((x, x, 0.5), (x, x, 0.5)[1:]):
        v = _first_of(b, p * p)
        p = v
    return v
