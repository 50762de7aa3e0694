"""What statements and callees may change in place: found once, and kept for the reverse sweep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from s2s_ad import build_updates, grad
from s2s_ad.build import Request, derive
from s2s_ad.ir.kinds import FLOAT, Array, DictOf, ListOf, fresh_dim
from tests.checking import bound


def level0(a, b):
    return a * b


def level1(a, b):
    return level0(a, b) + level0(a, b)


def level2(a, b):
    return level1(a, b) + level1(a, b)


def level3(a, b):
    return level2(a, b) + level2(a, b)


def level4(a, b):
    return level3(a, b) + level3(a, b)


def level5(a, b):
    return np.sum(level4(a, b) + level4(a, b))


def test_call_tree_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    interpret = build_updates.interpret

    def counted(function: Any, *rest: Any) -> Any:
        looked_at.append(function.name)
        return interpret(function, *rest)

    monkeypatch.setattr(build_updates, "interpret", counted)
    v = np.array([0.5, 1.5])
    np.testing.assert_allclose(grad(level5)(v, 3.0), 3.0 * 2**5)
    assert 5 <= len(looked_at) <= 10  # and not 2 + 4 + 8 + 16


class Group:
    weight = 1.5


def of_groups(x, counts, groups):
    total = 0.0
    for found in counts:
        made = {}
        for k in found:
            s = x * found[k]
            made[k] = groups[k].weight * (1.0 - math.log(s) + s)
        total += sum([count * (x - made[g]) for g, count in found.items()])
    return total


def test_loop_target_that_a_store_may_change() -> None:
    """What is stored may share with anything, as little is known: also with what the loop gives."""
    text = derive(Request(of_groups, "adjoint", ("x",), {"counts": ListOf(DictOf(FLOAT))}))
    counts = [{1: 2.0, 2: 1.0}, {1: 3.0, 2: 7.0}]
    groups = {1: Group(), 2: Group()}
    _, found = bound(text)(0.7, counts, groups, 1.0)
    step = 1e-6
    above, below = (of_groups(0.7 + d, counts, groups) for d in (step, -step))
    assert found == pytest.approx((above - below) / (2.0 * step), rel=1e-6)


def of_whole_numbers(x, k):
    return (0.3 * np.sum(k) + 0.5 * np.sum(k * x)) * x


def test_adjoint_of_an_array_that_may_hold_whole_numbers() -> None:
    """Such an array may be in a list beside active ones: its adjoint has fractions all the same."""
    kinds = {"x": FLOAT, "k": Array((fresh_dim(),), "any")}
    text = derive(Request(of_whole_numbers, "adjoint", ("x", "k"), kinds))
    _, (_, found) = bound(text)(0.7, np.array([1, 2]), 1.0)
    np.testing.assert_allclose(found, 0.7 * (0.3 + 0.5 * 0.7) * np.ones(2))
