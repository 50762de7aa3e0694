"""Derivatives of roots that a solver of SciPy finds, by the implicit function theorem.

Takes the parts of `runtime.find_root` and what of them is active, gives values with adjoints or
tangents; requires api_dynamic's calls and api_bind.

At a root x of f(x, p), f_x dx + f_p dp = 0: the adjoint of p is that of f for the seed that solves
f_x' seed = -x_bar, whatever steps the solver took. Guesses and brackets have no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2s_ad.api_calls import Call, call_of, grouped, like, reversed_call, tangent_of
from s2s_ad.api_plan import not_a_result
from s2s_ad.api_trees import Tree, Vector, flatten, size, tree_of, unflatten
from s2s_ad.errors import ArgumentError
from s2s_ad.runtime import zeros_like
from s2s_ad.runtime.calls import Active, find_root


class _Root:
    """A root, and the adjoints of the function there. slopes: its derivatives, a row each."""

    def __init__(self, active: Active, args: Sequence[Any], captured: Mapping[str, Any]) -> None:
        _, self.function, _, extra, options = args
        self.whole = find_root(*args, **captured)
        self.in_tuple = bool(options.get("full_output"))
        root = self.whole[0] if self.in_tuple else self.whole
        own = extra if isinstance(extra, tuple) else (extra,)
        places = tuple(map(_place, active))
        self.call: Call = call_of(self.function, (0, *places), (root, *own), captured)
        self.tree: Tree = tree_of(root, not_a_result)
        residual, self.back = reversed_call(self.function, self.call)
        self.of: Tree = tree_of(residual, not_a_result)
        if size(self.of) != size(self.tree):
            raise ArgumentError(f"{size(self.of)} equations for {size(self.tree)} unknowns")
        rows = [flatten(self.tree, self.adjoints(row)[0]) for row in np.eye(size(self.of))]
        self.slopes = np.stack(rows)

    def adjoints(self, seed: Vector) -> tuple[Any, ...]:
        return self.back(unflatten(self.of, seed))

    def solved(self, slopes: Vector, right: Vector) -> Vector:
        try:
            found: Vector = np.linalg.solve(slopes, right)
        except np.linalg.LinAlgError:
            raise ArgumentError(
                "the derivative of a root where the slope of its function is zero",
                hint="a multiple root has no derivative",
            ) from None
        return found

    def bar(self, value_bar: Any) -> Any:
        """Return the adjoint of the root out of that of what the solver returns."""
        whole = like(zeros_like(self.whole), value_bar)
        return whole[0] if self.in_tuple else whole


def forward(
    active: Active, args: Sequence[Any], captured: Mapping[str, Any]
) -> tuple[Any, Callable[[Any], Any]]:
    """Return what a solver returns, and what turns its adjoint into those of what is active."""
    root = _Root(active, args, captured)

    def reverse(value_bar: Any) -> Any:
        bar = flatten(root.tree, root.bar(value_bar))
        bars = root.adjoints(root.solved(root.slopes.T, -bar))
        found = dict(zip(root.call.wrt, bars))
        return grouped(root.call._replace(groups=root.call.groups[1:]), found)

    return root.whole, reverse


def tangent(
    active: Active, dots: Sequence[Any], args: Sequence[Any], captured: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return what a solver returns and its derivative along `dots`."""
    root = _Root(active, args, captured)
    still = zeros_like(root.call.values[root.call.groups[0][0][0]])
    _, moved = tangent_of(root.function, root.call, (still, *dots))
    step = root.solved(root.slopes, -flatten(root.of, moved))
    dot = unflatten(root.tree, step)
    if not root.in_tuple:
        return root.whole, dot
    return root.whole, [dot, *zeros_like(root.whole)[1:]]


def _place(place: int | str) -> int | str:
    """Return where the function gets what is active among the parts of `find_root`."""
    if isinstance(place, str):
        return place
    return "*1" if place >= 0 else -place
