"""Stores into what has no name of its own, and calls that change arrays inside of expressions.

Takes nothing, gives tests; requires `stored`.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.stored import drawn

CASES = drawn(8, (4, 4))
followed, seen = CASES.followed, CASES.seen


@seen
def number_in_a_diagonal_of_a_transpose(a, k):
    b = a * k
    turned = b.T
    np.fill_diagonal(turned, 0.7)
    return np.sum(b * b)


@seen
def number_in_rows_of_a_transpose(a, k):
    b = a * k
    turned = b.T
    turned[[0, 2]] = 0.7
    return np.sum(b * b)


@seen
def number_in_a_masked_transpose(a, k):
    b = a * k
    b.T[a > 0.5] = 0.0
    return np.sum(b * b)


@seen
def masked_transpose_scaled(a, k):
    b = a * k
    b.T[a > 0.5] *= 0.5
    return np.sum(b * b)


@seen
def number_in_a_flat_view(a, k):
    b = a * k
    b.ravel()[3] = 0.7
    return np.sum(b * b)


@seen
def number_in_a_reshaped_view(a, k):
    b = a * k
    b.reshape(2, 8)[1, 2:] = 0.7
    return np.sum(b * b)


@seen
def number_in_a_part_of_a_call(a, k):
    b = a * k
    np.swapaxes(b, 0, 1)[0], twice = 0.7, k * k
    return np.sum(b * b) * twice


@seen
def number_in_the_real_part(a, k):
    b = a * k
    b.real[1] = 0.7
    return np.sum(b * b)


@seen
def all_of_the_real_part(a, k):
    b = a * k
    b.real = 0.7
    return np.sum(b * b)


@seen
def number_in_one_of_two(a, k):
    b, c = a * k, a + k
    (b if k > 0.5 else c)[1] = 0.7
    return np.sum(b * c)


@seen
def number_in_an_item_of_a_list(a, k):
    b = a * k
    [b.ravel(), a][0][2] = 0.7
    return np.sum(b * b)


@followed
def number_added_to_a_masked_transpose(a, k):
    b = a * k
    b.T[a > 0.5] += 0.7
    np.add.at(b.T, [0, 2, 0], 0.5)
    return np.sum(b * b)


@seen
def filled_in_one_case(a, k):
    b = a * k
    b.fill(0.7) if k > 0.5 else None
    return np.sum(b * b)


@seen
def filled_where_needed(a, k):
    b = a * k
    k > 0.5 and np.copyto(b, 0.7)
    return np.sum(b * b)


@seen
def filled_while_it_is_printed(a, k):
    b = a * k
    print(b.fill(0.7))
    return np.sum(b * b)


@seen
def filled_in_a_comprehension(a, k):
    b = a * k
    [row.fill(0.7) for row in b]
    return np.sum(b * b)


def put(row, number):
    row[0] = number


@seen
def stored_by_a_callee_in_a_comprehension(a, k):
    b = a * k
    done = [put(row, 0.7) for i, row in enumerate(b) if i]
    return np.sum(b * b) + len(done)


@pytest.mark.parametrize("f", CASES.all_followed, ids=lambda f: f.__name__)
def test_followed(f):
    CASES.compare(f)


@pytest.mark.parametrize("f", CASES.all_seen, ids=lambda f: f.__name__)
def test_refused_or_right(f):
    CASES.compare_unless_refused(f)
