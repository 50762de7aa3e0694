"""Times of a program, of its gradient by hand and of ours, all compiled by numba, in one run.

Takes programs, gives the lines of a table; requires the programs, measure and table.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np

from s2s_ad import value_and_grad
from tests.benchmarks.compiled_program import Compiled
from tests.benchmarks.measure import fastest
from tests.benchmarks.table import laid_out, two
from tests.oracles import leaves

BUDGETS = (("ours/primal", 3.0), ("ours/hand", 1.2))


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds that a call takes."""

    name: str
    primal: float
    hand: float
    ours: float


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that numba compiles, and so all functions of its file that it calls."""
    import numba  # the smoke tests collect this file where it is not installed

    around = function.__globals__
    named = {name: around.get(name) for name in function.__code__.co_names}
    own = {
        name: compiled(x)
        for name, x in named.items()
        if isinstance(x, types.FunctionType) and x.__module__ == function.__module__
    }
    fresh = types.FunctionType(
        function.__code__, {**around, **own}, function.__name__, function.__defaults__
    )
    return numba.njit(fresh)


def times(program: Compiled, repeats: int) -> Times:
    """Return what calls take. Raises AssertionError where ours is not equal to what is by hand."""
    args = program.real()
    primal, hand = compiled(program.primal), compiled(program.gradient)
    wrt = program.wrt if len(program.wrt) > 1 else program.wrt[0]
    ours = value_and_grad(program.primal, wrt, compile="numba")
    wanted, found = leaves(hand(*args)), leaves(ours(*args))
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9 * np.max(np.abs(wanted)))
    calls = (lambda: primal(*args), lambda: hand(*args), lambda: ours(*args))
    for call in calls:
        call()  # what numba compiles is not counted
    return Times(program.name, *fastest(calls, repeats))


def report(rows: Sequence[Times], markdown: bool) -> list[str]:
    """Return the table, and what it says of the budgets."""
    head = ["program", "primal µs", "ours/primal", "hand/primal", "ours/hand"]
    lines = [
        [
            row.name,
            f"{1e6 * row.primal:,.1f}",
            two(row.ours / row.primal),
            two(row.hand / row.primal),
            two(row.ours / row.hand),
        ]
        for row in rows
    ]
    found = laid_out(head, lines, markdown)
    ratios = {
        "ours/primal": [row.ours / row.primal for row in rows],
        "ours/hand": [row.ours / row.hand for row in rows],
    }
    lines = [
        [
            what,
            two(median(ratios[what])),
            two(max(ratios[what])),
            two(most),
            f"{sum(x <= most for x in ratios[what])} of {len(rows)}",
        ]
        for what, most in BUDGETS
    ]
    return [*found, "", *laid_out(["", "median", "worst", "budget", "met by"], lines, markdown)]
