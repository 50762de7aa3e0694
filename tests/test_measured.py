"""What a loop runs over where its steps store into arrays: lengths stay, contents do not.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from s2s_ad.build import Request, derive
from s2s_ad.ir.kinds import FLOAT, Array, fresh_dim
from tests.stored import Cases

CASES = Cases(
    (np.random.default_rng(14).uniform(0.6, 1.3, (3, 4)), 0.7),
    (np.random.default_rng(15).standard_normal((3, 4)), 0.7),
)
followed, seen = CASES.followed, CASES.seen


@followed
def every_item(a, k):
    b = a.copy()
    for i in range(len(b)):
        for j in range(len(b[i])):
            b[i, j] = b[i, j] * b[i, j] * k
    return np.sum(b)


@followed
def number_of_steps_by_another_name(a, k):
    m = [2, 3]
    q = m
    s = k
    for i in range(m[1]):
        q[1] = 1
        s = s * s + a[0, i]
    return s


@followed
def length_of_a_list_in_a_list(a, k):
    rows = [[1.0], [1.0, 2.0]]
    s = k
    for _ in range(2):
        for _ in range(len(rows[0])):
            s = s * s * 0.5 + np.sum(a)
            rows[0] = rows[1]
    return s


@followed
def shape_of_a_part(a, k):
    b = a * k
    for i in range(b.shape[0]):
        for j in range(1, b[i, 1:].shape[0]):
            b[i, j] = np.sin(b[i, j]) * b[i, j - 1] / b[i].size
    return np.sum(b * b)


@followed
def as_many_as_are_large(a, k):
    b = a * k
    for _ in range(2):
        for j in range(len(b[b[:, 0] > 0.5])):
            b[j, 0] = b[j, 0] * b[j, 1] - 0.5
    return np.sum(b * b)


@followed
def number_in_an_array(a, k):
    steps = np.array([2, 3])
    total = k
    for i in range(steps[1]):
        steps[1] = 1
        total = total * total + a[0, i]
    return total


@followed
def number_in_a_list(a, k):
    steps = [2, 3]
    total = k
    for i in reversed(range(steps[1])):
        steps[1] = 1
        total = total * total + a[0, i]
    return total


@followed
def rows_that_are_lists(a, k):
    rows = np.empty(2, dtype=object)
    rows[0], rows[1] = [1.0], [1.0, 2.0]
    total = k
    for _ in range(2):
        for _ in range(len(rows[0])):
            total = total * total * 0.5 + np.sum(a)
        rows[0] = rows[1]
    return total


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", [every_item, shape_of_a_part])
def test_the_array_is_not_kept_for_its_length(f):
    kinds = {"a": Array((fresh_dim(), fresh_dim()), "float"), "k": FLOAT}
    text = derive(Request(f, "adjoint", ("a", "k"), kinds)).text
    assert "b_saved" not in text
