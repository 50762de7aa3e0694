"""Slices that are objects: `x[slice(a, b)]`, `s = slice(a, b)`.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad.build import Request, derive
from s2s_ad.ir.kinds import FLOAT, Array, fresh_dim
from tests.stored import drawn

CASES = drawn(12, (5, 4))
followed, seen = CASES.followed, CASES.seen
STARTS = [0, 2, 3, 5]


@followed
def rows_behind_each_other(a, k):
    y = np.zeros(3)
    starts = np.array([0, 2, 3, 5])
    for i in range(len(y)):
        rows = slice(starts[i], starts[i + 1])
        y[i] = a[rows, 0] @ np.sin(k * a[rows, 1])
    return np.sum(y * y)


@followed
def at_once(a, k):
    b = a.copy()
    b[slice(1, None), slice(2)] *= k
    b[slice(None)] += k
    return np.sum(b[slice(0, 4, 2)] ** 2)


@followed
def bounds_change_later(a, k):
    n = 1
    rows = slice(n, n + 2)
    n = 3
    return k * np.sum(a[rows] ** 2) * a[n, n]


@followed
def bound_again(a, k):
    n = 2
    rows = slice(0, n)
    total = np.sum(a[rows] ** 2)
    rows = slice(n, len(a))
    return total * np.sum(k * a[rows])


@followed
def bound_in_branches(a, k):
    if k > 0.0:
        rows = slice(0, 2)
    else:
        rows = slice(2, 4)
    return k * np.sum(a[rows] ** 2)


@followed
def asked_for_its_ends(a, k):
    n = 3
    rows = slice(1, n)
    columns = slice(None, None, 2)
    # what is asked for
    part = slice(1, n + 1)
    return k * np.sum(a[part, columns] ** 2) * (part.stop - part.start) * np.sum(a[rows])


@seen
def read_by_a_function(a, k):
    rows = slice(0, 2)

    def part(v):
        return v[rows]

    total = np.sum(part(a) ** 2)
    rows = slice(2, 4)
    return k * total * np.sum(part(a))


@seen
def made_of_itself(a, k):
    rows = slice(0, 2)
    total = np.sum(a[rows] ** 2)
    rows = slice(rows.start + 1, rows.start + rows.stop + 1)
    return k * total * np.sum(a[rows])


@seen
def kept_where_the_next_fails(a, k):
    rows = slice(0, 2)
    try:
        rows = slice(1, STARTS[7])
    except IndexError:
        pass
    return k * np.sum(a[rows] ** 2)


@seen
def another_slice(a, k):
    def slice(start, stop):
        return start + stop

    return k * np.sum(a[slice(1, 2)] ** 2)


@seen
def not_an_index(a, k):
    rows = slice(1, 3)
    return k * np.sum(a[rows] ** 2) * len(range(*rows.indices(4)))


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_refused_or_right(f):
    CASES.compare_unless_refused(f)


@pytest.mark.parametrize("f", [rows_behind_each_other, at_once, bound_again])
def test_second_order(f):
    CASES.compare_second(f)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_written_out(f):
    kinds = {"a": Array((fresh_dim(), fresh_dim()), "float"), "k": FLOAT}
    text = derive(Request(f, "adjoint", ("a", "k"), kinds)).text
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for word in ("slice(", "np.add.at", "unbroadcast"):
        assert word not in code
    assert ("# what is asked for" in text) == (f is asked_for_its_ends)
