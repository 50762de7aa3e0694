"""Jacobians, by forward or by reverse mode, and Hessians.

Takes functions, gives transform objects; requires api_base and what it stands on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from s2s_ad.api_base import Transform, general_order, plan_of
from s2s_ad.api_bind import Generated, engine, token
from s2s_ad.api_load import Order
from s2s_ad.api_plan import Pass, Plan, adjoint_pass, caller, is_number, not_a_result, tangent_pass
from s2s_ad.api_primal import Values, Wrt
from s2s_ad.api_trees import Tree, Vector, flatten, jacobian, size, tree_of, unflatten


class ForwardJacobian(Transform):
    """The Jacobian by forward mode: one pass for each entry of the argument."""

    verb = "jacfwd"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._of.variadic:
            return self._call_spread(args, kwargs)
        values = self._values(args, kwargs)
        full = self._of.expand(values)
        argument = self._argument(values)
        inner, steps = self._steps(full, argument)
        if not steps:
            result = tree_of(inner.value(full), not_a_result)
            return jacobian(result, argument, self._single, np.zeros((size(result), 0)))
        self._last = steps[0]
        columns = []
        for start in range(0, len(steps), len(inner.passes)):
            pairs = [step.value(full) for step in steps[start : start + len(inner.passes)]]
            if start == 0:
                value = inner.combine([pair[0] for pair in pairs])
                result = tree_of(value, not_a_result)
            columns.append(flatten(result, inner.combine([pair[1] for pair in pairs])))
        return jacobian(result, argument, self._single, np.stack(columns, axis=1))

    def plan(self, values: Values) -> Plan:
        values = self._made_real(values)
        full = self._of.expand(values)
        argument = self._argument(values)
        inner, steps = self._steps(full, argument)
        result = tree_of(inner.value(full), not_a_result)
        count = len(inner.passes)
        dots = tuple(step._replace(select=(1,)) for step in steps)

        def combine(dots: Sequence[Any]) -> Any:
            columns = [
                flatten(result, inner.combine(dots[start : start + count]))
                for start in range(0, len(dots), count)
            ]
            matrix = np.stack(columns, axis=1) if columns else np.zeros((size(result), 0))
            return jacobian(result, argument, self._single, matrix)

        return Plan(dots, combine)

    def _steps(self, full: Values, argument: Tree) -> tuple[Plan, list[Pass]]:
        """Return the plan to differentiate, and its tangent passes: all those along one entry of
        the argument, then all along the next."""
        inner = plan_of(self._of.base, full)
        steps = []
        for row in np.eye(size(argument)):
            dots = unflatten(argument, row)
            named = dict(zip(self._wrt, (dots,) if self._single else dots))
            steps += [tangent_pass(step, full, named, self._options) for step in inner.passes]
        return inner, steps

    def _generated(self) -> Generated:
        return engine(general_order(self, "tangent")).unknown()


class ReverseJacobian(Transform):
    """The Jacobian by reverse mode: a reverse sweep for each entry of the result."""

    verb = "jacrev"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._gives_number: dict[Any, bool] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._of.variadic:
            return self._call_spread(args, kwargs)
        values = self._values(args, kwargs)
        full = self._of.expand(values)
        argument = self._argument(values)
        inner = plan_of(self._of.base, full)
        results, rows = [], []
        for step in inner.passes:
            value, more = self._rows(step, full, argument)
            results.append(value)
            rows += more
        trees = [tree_of(value, not_a_result) for value in results]
        return self._assemble(inner, trees, results, argument, rows)

    def plan(self, values: Values) -> Plan:
        values = self._made_real(values)
        full = self._of.expand(values)
        argument = self._argument(values)
        inner = plan_of(self._of.base, full)
        results = [step.value(full) for step in inner.passes]
        trees = [tree_of(value, not_a_result) for value in results]
        steps = []
        for step, tree in zip(inner.passes, trees):
            for row in np.eye(size(tree)):
                joint = adjoint_pass(step, full, self._wrt, unflatten(tree, row), self._options)
                steps.append(joint._replace(select=(1,)))

        def combine(gradients: Sequence[Any]) -> Any:
            rows = [self._entries(values, argument, gradient) for gradient in gradients]
            return self._assemble(inner, trees, results, argument, rows)

        return Plan(tuple(steps), combine)

    def _assemble(
        self,
        inner: Plan,
        trees: Sequence[Tree],
        results: Sequence[Any],
        argument: Tree,
        rows: Sequence[Vector],
    ) -> Any:
        matrix = np.stack(rows) if rows else np.zeros((0, size(argument)))
        order = inner.order(trees)
        if order is not None:
            matrix = matrix[order]
        result = tree_of(inner.combine(results), not_a_result)
        return jacobian(result, argument, self._single, matrix)

    def _rows(self, step: Pass, full: Values, argument: Tree) -> tuple[Any, list[Vector]]:
        """Return the value of a pass and the gradient of each of its entries."""
        arranged = step.arrange(full)
        key = (step.function, step.select, *map(token, arranged))
        number = self._gives_number.get(key)
        if number is None:
            number = self._gives_number[key] = is_number(step.value(full))
        if number:
            joint = adjoint_pass(step, full, self._wrt, 1.0, self._options)
            value, gradients = joint.value(full)
            if is_number(value):
                self._last = joint
                return value, [self._entries(full, argument, gradients)]
            self._gives_number[key] = False
        order = Order(step.function, "split", self._wrt, step.select, self._options)
        halves = engine(order).at(arranged)
        assert halves.reverse is not None
        value, saved = caller(halves.entry)(arranged)
        tree = tree_of(value, not_a_result)
        self._last = Pass(halves.entry, source=halves)
        rows = [
            self._entries(full, argument, halves.reverse(saved, unflatten(tree, row)))
            for row in np.eye(size(tree))
        ]
        return value, rows

    def _generated(self) -> Generated:
        return engine(general_order(self, "split")).unknown()


class Hessian(ForwardJacobian):
    """Second derivatives: forward over reverse."""

    verb = "hessian"

    def __init__(
        self, primal: Callable[..., Any], wrt: Wrt = None, options: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(ReverseJacobian(primal, wrt, options), wrt, options)
        self.primal = primal
