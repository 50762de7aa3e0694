"""What varies and is put where it is not followed: refused, or right, by itself and in a callee.

Each function puts `x` into a container by a way that hides it: another name, a view, a call, a
closure. It is differentiated directly, and as a callee of a callee, whose result once was taken
not to vary.

Takes nothing, gives tests; requires `oracles` and the public names.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.build import Request, derive
from s2s_ad.errors import S2SError


def fill(b, x):
    b[0] = x * x
    b[1:] = x
    return 1.0


def put(items, x):
    items.append(x * x)


def add_to(b, x):
    b += x


def set_a(table, x):
    table["a"] = x * x


def hand_on(b, x):
    fill(b, x)


def in_a_call(x):
    b = np.zeros(3)
    fill(b, x)
    return b[0] + b[1]


def in_a_call_of_a_call(x):
    b = np.zeros(2)
    hand_on(b, x)
    return b[0]


def in_a_call_beside_its_value(x):
    b = np.zeros(3)
    y = 0.5 * fill(b, x) + 1.0
    return b[0] * y


def in_a_test(x):
    b = np.zeros(2)
    if fill(b, x) > 0.0:
        return b[0]
    return x


def in_a_loop(x):
    b = np.zeros(2)
    for _ in range(2):
        fill(b, x)
    return b[1]


def in_a_try(x):
    b = np.zeros(2)
    try:
        fill(b, x)
    except ValueError:
        return 0.0
    return b[0]


def by_another_name_in_a_try(x):
    b = np.zeros(2)
    c = b
    try:
        c[0] = x * x
    except IndexError:
        pass
    return b[0]


def under_a_manager(x):
    b = np.zeros(2)
    with np.errstate(all="ignore"):
        fill(b, x)
    return b[0]


def into_a_list(x):
    items = []
    put(items, x)
    return items[0]


def into_a_dict(x):
    table = {}
    set_a(table, x)
    return table["a"]


def into_an_item(x):
    b = [np.zeros(2), np.zeros(2)]
    fill(b[1], x)
    return b[1][0]


def by_an_operator(x):
    b = np.zeros(3)
    add_to(b, x)
    return np.sum(b)


def by_a_function_that_is_found(x):
    b = np.zeros(3)
    for function in (fill,):
        function(b, x)
    return b[0]


def by_a_partial(x):
    items = [0.0]
    functools.partial(put, items)(x)
    return items[1]


def by_a_lambda(x):
    b = np.zeros(2)
    (lambda c: fill(c, x))(b)
    return b[0]


def by_a_map(x):
    items = [0.0]
    list(map(lambda v: items.append(v * x), [1.0, 2.0]))
    return items[1]


def by_a_bound_method(x):
    items = [0.0]
    keep = items.append
    keep(x * x)
    return items[1]


def by_a_method_in_a_list(x):
    items = [0.0]
    ways = [items.append]
    ways[0](x * x)
    return items[1]


def by_a_closure(x):
    items = []

    def add(v):
        items.append(v * x)

    add(x)
    return items[0]


def by_a_closure_that_stores(x):
    b = np.zeros(2)

    def inner():
        b[0] = x * x

    inner()
    return b[0]


def by_an_output(x):
    b = np.zeros(3)
    np.multiply(np.ones(3), x, out=b)
    return b[0]


def by_an_output_by_position(x):
    b = np.zeros(4)
    np.add(b, x, b)
    return b[1]


def by_a_copy_to(x):
    b = np.zeros(3)
    np.copyto(b, x)
    return b[0]


def by_another_name(x):
    b = [0]
    c = b
    c[0] = x * x
    return b[0]


def by_another_name_of_none(x):
    b = [None]
    c = b
    c[0] = x * x
    return b[0]


def by_a_name_in_a_tuple(x):
    b = [0.0]
    c = (b, 1)
    c[0][0] = x * x
    return b[0]


def by_names_taken_apart(x):
    b = np.zeros(2)
    u, v = b, x
    u[0] = v * v
    return b[0]


def through_a_slice(x):
    b = np.zeros(3)
    c = b[:1]
    c[0] = x * x
    return b[0]


def through_a_list(x):
    b = [[0.0], [1.0]]
    c = b[1]
    c.append(x * x)
    return b[1][1]


def through_rows(x):
    b = np.zeros((2, 2))
    for row in b:
        row[0] = x * x
    return b[1, 0]


def through_rows_of_a_list(x):
    b = [[0.0], [1.0]]
    for c in b:
        c[0] = x * x
    return b[1][0]


def through_slices_of_a_loop(x):
    b = np.zeros(4)
    for i, v in enumerate([b[:2], b[2:]]):
        v += x * i
    return b[3]


def through_a_value_of_a_dict(x):
    b = {"u": np.zeros(2)}
    u = b["u"]
    u += x
    return b["u"][0]


def through_another_shape(x):
    b = np.zeros(2)
    v = b.reshape(1, 2)
    v[0] = x * x
    return b[1]


def through_a_view(x):
    b = np.zeros(2)
    c = b.view()
    c += x
    return b[0]


def through_what_may_be_a_copy(x):
    b = np.zeros(4)
    a = np.asarray(b)
    a[1] = x * x
    return b[1]


def through_a_transpose(x):
    b = np.zeros((2, 2))
    b.T[0] = x * x
    return b[1, 0]


def through_what_is_flat(x):
    b = np.zeros(2)
    c = b.ravel()
    np.add.at(c, [0, 0], x)
    return b[0]


HIDDEN = [
    value
    for name, value in list(globals().items())
    if name.partition("_")[0] in ("in", "into", "by", "through", "under")
]


@pytest.mark.parametrize("f", HIDDEN, ids=lambda f: f.__name__)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_refused_or_right(f, depth):
    if depth == 0:
        outer = f
    elif depth == 1:

        def outer(x):
            return f(x) * 2.0
    else:

        def between(x):
            y = f(x)
            return 3.0, y

        def outer(x):
            return between(x)[1] * 2.0

    step = 1e-6
    expected = (outer(0.7 + step) - outer(0.7 - step)) / (2.0 * step)
    for derivative in (lambda: grad(outer)(0.7), lambda: jvp(outer, (0.7,), (1.0,))[1]):
        try:
            found = derivative()
        except S2SError:
            continue
        except TypeError as error:
            # told at run time, where the kinds do not say
            assert "other names may share" in str(error)
            continue
        assert found == pytest.approx(expected, rel=1e-6)


def test_what_is_counted_does_not_vary():
    """A list that is filled in the open hides nothing: its length is a number of items."""

    def steps(x):
        items = []
        while x > 1.0:
            items.append(x)
            x = x * 0.5
        return len(items)

    def f(x):
        weights = [1.0, 2.0, 3.0, 4.0]
        return x * weights[steps(x)]

    assert grad(f)(3.0) == 3.0


def test_tests_of_early_exits_with_kinds_unknown():
    with pytest.raises(S2SError, match="into a container"):
        derive(Request(in_a_test, "adjoint", ("x",)))
