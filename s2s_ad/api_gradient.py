"""Gradients of functions that return a number, by one reverse sweep.

Takes functions, gives transform objects; requires api_base and what it stands on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from s2s_ad.api_base import Transform, general_order, plan_of
from s2s_ad.api_bind import Generated, engine, held_twice, token, type_decides
from s2s_ad.api_plan import Pass, Plan, adjoint_pass, caller, first, is_number
from s2s_ad.api_primal import Values
from s2s_ad.errors import OutputError

MOST_SHAPES = 256
_ARRAY = np.ndarray
_FLOAT64 = np.dtype(float)
# the generated function, the tests that it is current, missing arguments, the shapes of the arrays
# it is differentiated by, None for a number (without any, it gives what it is to give), and
# whether several arguments are arrays
Shortcut: TypeAlias = "tuple[Callable[..., Any], Values, Values, tuple[Any, ...], bool]"


# of gradients that are to be made to fit anyway
_ANY: tuple[Any, ...] = (_ARRAY,)


def _shapes(values: Sequence[Any]) -> Any:
    """Return the types of arguments, of arrays their shapes."""
    return tuple([(x.shape, x.dtype) if type(x) is _ARRAY else type(x) for x in values])


def _apart(values: Sequence[Any]) -> bool:
    """Return whether no two arrays share memory. Those that own theirs are apart unless they are
    one: what costs little is asked first."""
    seen = set()
    for x in values:
        if type(x) is _ARRAY:
            if x.base is not None or id(x) in seen:
                return not held_twice(tuple(values))
            seen.add(id(x))
    return True


def _fit(gradients: Any, shapes: Values) -> bool:
    """Return whether gradients, or the one there is, are arrays of floats of these shapes."""
    for found, shape in zip(gradients if len(shapes) > 1 else (gradients,), shapes):
        if shape is not None and not (
            type(found) is _ARRAY and found.shape == shape and found.dtype == _FLOAT64
        ):
            return False
    return True


class ValueAndGradient(Transform):
    """(value, gradient) of a function that returns a number, by one reverse sweep."""

    verb = "value_and_grad"
    _only = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._variants: dict[Any, tuple[Pass, Plan]] = {}
        # what later calls with such arguments go straight to, by the types of the arguments, or by
        # their shapes when some are arrays
        self._by_type: dict[Any, Shortcut] = {}
        self._by_shape: dict[Any, Shortcut] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            found = self._by_type.get(tuple(map(type, args))) if self._by_type else None
            if found is None and self._by_shape:
                found = self._by_shape.get(_shapes(args))
            if found is not None:
                function, tests, rest, shapes, several = found
                for test in tests:
                    if not test():
                        break
                else:
                    if not several or _apart(args + rest):
                        value, gradients = function(*args, *rest)
                        if shapes and not _fit(gradients, shapes):
                            gradients = self._conformed(args + rest, gradients)
                        return gradients if self._only else (value, gradients)
        value, gradients = self._run(args, kwargs)
        return gradients if self._only else (value, gradients)

    def plan(self, values: Values) -> Plan:
        values = self._made_real(values)
        step, inner = self._variant(values)
        self._check_number(values, step, inner)
        value = step._replace(select=(0,))
        return Plan(
            (value, step._replace(select=(1,))),
            lambda results: (results[0], self._conformed(values, results[1])),
        )

    def _run(self, args: Values, kwargs: dict[str, Any]) -> Any:
        if self._of.variadic:
            # the transform it is spread to gives the gradient alone where this one does
            found = self._call_spread(args, kwargs)
            return (None, found) if self._only else found
        values = self._values(args, kwargs)
        step, inner = self._variant(values)
        self._last = step
        assert step.source is not None
        if step.source.seed[1]:
            value, gradients = caller(step.function)(step.arrange(self._of.expand(values)))
            value = inner.combine([value])
            self._require_number(value)
            self._remember(args, kwargs, values, step, inner)
        else:
            try:
                value, gradients = caller(step.function)(step.arrange(self._of.expand(values)))
            except Exception:
                # a seed of 1.0 fits numbers only: say so when that is why it failed
                self._check_number(values, step, inner)
                raise
            value = inner.combine([value])
            self._require_number(value)
        return value, self._conformed(values, gradients)

    def _variant(self, values: Values) -> tuple[Pass, Plan]:
        """Return the pass that gives (value, gradients) and the plan of what it differentiates."""
        key = (*map(token, values), held_twice(values))
        found = self._variants.get(key)
        if found is None or not all(test() for test in found[0].tests):
            full = self._of.expand(values)
            inner = plan_of(self._of.base, full)
            if len(inner.passes) != 1:
                self._require_number(inner.value(full))
            step = adjoint_pass(inner.passes[0], full, self._wrt, 1.0, self._options)
            found = self._variants[key] = (step, inner)
        return found

    def _remember(
        self, args: Values, kwargs: dict[str, Any], values: Values, step: Pass, inner: Plan
    ) -> None:
        """Let later calls with arguments of these types go straight to the generated function."""
        wrt = [values[place] for place in self._places]
        arrays = any(type(value) is np.ndarray for value in values)
        plain = (
            not kwargs
            and inner.combine is first
            and all(type_decides(value) or type(value) is np.ndarray for value in values)
            and all(isinstance(value, (float, np.floating, np.ndarray)) for value in wrt)
            and all(given is value for given, value in zip(args, values))
            and self._of.positional
            and len(values) + len(self._of.leading) == len(self._of.all_names)
            and _apart(values)
        )
        if not plain:
            return
        function: Callable[..., Any] = step.function
        if self._of.leading:
            function = partial(function, *self._of.leading)
        tests = step.tests
        if len(args) < len(values):
            tests = (*tests, lambda: self._of.current() is self._of)
        # the gradient in numbers is what generated code gives, of arrays the shape is made sure of
        shapes: tuple[Any, ...] = tuple(x.shape if type(x) is _ARRAY else None for x in wrt)
        if not self._single and len(wrt) == 1:
            shapes = _ANY
        elif not any(type(x) is _ARRAY for x in wrt):
            shapes = ()
        rest = values[len(args) :]
        several = sum(type(value) is _ARRAY for value in values) > 1
        shortcut = (function, tests, rest, shapes, several)
        if not arrays:
            self._by_type[tuple(map(type, args))] = shortcut
            return
        if len(self._by_shape) >= MOST_SHAPES:
            self._by_shape.clear()
        self._by_shape[_shapes(args)] = shortcut

    def _check_number(self, values: Values, step: Pass, inner: Plan) -> None:
        if step.source is None or not step.source.seed[1]:
            self._require_number(inner.value(self._of.expand(values)))

    def _require_number(self, value: Any) -> None:
        if is_number(value):
            return
        if value is None:
            what, hint = "nothing", "return the number to differentiate"
        elif isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            what = f"an array of shape {value.shape}"
            hint = "use jacrev or jacfwd for its Jacobian, or vjp for a product with it"
        elif isinstance(value, (tuple, list, dict)):
            what = f"a {type(value).__name__}"
            hint = "use jacrev or jacfwd for its Jacobian, or vjp for a product with it"
        else:
            what, hint = f"a {type(value).__name__}", "return a float"
        message = f"{self.verb} needs a function that returns a number"
        raise OutputError(f"{message}, but {self._of.title} returns {what}", hint=hint)

    def _generated(self) -> Generated:
        return engine(general_order(self, "adjoint")).unknown()


class Gradient(ValueAndGradient):
    """The gradient of a function that returns a number, by one reverse sweep."""

    verb = "grad"
    _only = True

    def plan(self, values: Values) -> Plan:
        values = self._made_real(values)
        step, inner = self._variant(values)
        self._check_number(values, step, inner)
        gradient = step._replace(select=(1,))
        if all(type_decides(values[place]) for place in self._places) and (
            self._single or len(self._wrt) > 1
        ):
            return Plan((gradient,))
        return Plan((gradient,), lambda results: self._conformed(values, results[0]))
