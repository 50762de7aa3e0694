"""How a value is computed from calls of Python functions, so that transforms of transforms need
nothing but derivatives of functions.

Takes a function or a transform and the values of its parameters, gives a `Plan`; requires
api_bind and api_trees.

A user's function is a plan of one pass. The gradient of a plan of one pass is one pass of the
generated adjoint; a Jacobian is one pass for each column or row. What combines the passes only
moves numbers to their place, so the derivative of a plan is the plan of the derivatives.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from s2s_ad.api_bind import Generated, engine
from s2s_ad.api_compiled import FORM
from s2s_ad.api_load import Order
from s2s_ad.api_primal import Values
from s2s_ad.api_trees import Tree, Vector, double, flatten, size, tree_of, unflatten
from s2s_ad.errors import OutputError, S2SError
from s2s_ad.runtime import copied


def as_given(values: Values) -> Values:
    return values


class Pass(NamedTuple):
    """One call: the part `select` of what `function` returns for `arrange`d values.

    source is the module of `function` if that was generated; tests say whether it, and what it is
    the derivative of, are current. of: outputs in the place of what it returns.
    """

    function: Callable[..., Any]
    select: tuple[int, ...] = ()
    arrange: Callable[[Values], Values] = as_given
    source: Generated | None = None
    tests: tuple[Callable[[], bool], ...] = ()
    of: tuple[str, ...] = ()

    def value(self, values: Values) -> Any:
        given = self.arrange(values)
        if self.source is None:
            # a function of the user may write into its arguments, which are needed as they are
            given = tuple(map(_own, given))
        result = caller(self.function)(given)
        for place in self.select:
            result = result[place]
        return result


def _own(value: Any) -> Any:
    return copied(value) if isinstance(value, (np.ndarray, list, dict)) else value


def first(results: Sequence[Any]) -> Any:
    return results[0]


class Plan(NamedTuple):
    passes: tuple[Pass, ...]
    combine: Callable[[Sequence[Any]], Any] = first

    def value(self, values: Values) -> Any:
        return self.combine([step.value(values) for step in self.passes])

    def order(self, trees: Sequence[Tree]) -> Vector | None:
        """Return where each entry of the combined value is in the passes' entries, in a row.

        trees are the structures of the passes' values. None when they are in that order.
        """
        if self.combine is first:
            return None
        filled, start = [], 0
        for tree in trees:
            stop = start + size(tree)
            filled.append(unflatten(double(tree), np.arange(start, stop, dtype=float)))
            start = stop
        combined = self.combine(filled)
        return flatten(tree_of(combined, not_a_result), combined).astype(int)


@functools.lru_cache(maxsize=1024)
def caller(function: Callable[..., Any]) -> Callable[[Values], Any]:
    """Return a function that calls `function` with the values of all its parameters."""
    parameters = list(inspect.signature(function).parameters.values())
    if all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
        return lambda values: function(*values)

    def call(values: Values) -> Any:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter, value in zip(parameters, values):
            if parameter.kind == parameter.VAR_POSITIONAL:
                args.extend(value)
            elif parameter.kind == parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif parameter.kind == parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        return function(*args, **kwargs)

    return call


def tangent_pass(
    step: Pass, values: Values, dots: Mapping[str, Any], options: frozenset[str]
) -> Pass:
    """Return the pass that gives (value of `step`, its derivative along dots)."""
    order = Order(step.function, "tangent", tuple(dots), step.select, options, step.of)
    derivatives = engine(order)
    generated = derivatives.at(step.arrange(values))
    names = derivatives.names

    def arrange(values: Values) -> Values:
        found = []
        for name, value in zip(names, step.arrange(values)):
            found.append(value)
            if name in dots:
                found.append(dots[name])
        return tuple(found)

    return Pass(generated.entry, (), arrange, generated, (*step.tests, *generated.current))


def adjoint_pass(
    step: Pass, values: Values, wrt: tuple[str, ...], seed: Any, options: frozenset[str]
) -> Pass:
    """Return the pass that gives (value of `step`, its gradients times seed)."""
    order = Order(step.function, "adjoint", wrt, step.select, options)
    generated = engine(order).at(step.arrange(values))
    # behind the parameters, unless keyword-only ones must be the last
    place, of_number = generated.seed
    # what is not known to be a number may be an array of no axes: NumPy's numbers do for both
    given = np.float64(seed) if isinstance(seed, float) and not of_number else seed
    left_out = FORM in options and is_default(generated.entry, place, given)

    def arrange(values: Values) -> Values:
        arranged = step.arrange(values)
        if left_out:
            return arranged
        return (*arranged[:place], given, *arranged[place:])

    return Pass(generated.entry, (), arrange, generated, (*step.tests, *generated.current))


def is_default(function: Callable[..., Any], place: int, value: Any) -> bool:
    """Return whether a function takes a number for its last parameter if it is given none. numba
    then compiles it in, and multiplies nothing by a seed of one."""
    parameters = list(inspect.signature(function).parameters.values())
    default = parameters[-1].default
    return place == len(parameters) - 1 and type(default) is type(value) and default == value


def is_number(value: Any) -> bool:
    """Return whether a result is a real number: a Python or NumPy one, or an array of no axes."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "fiu"
    return isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool)


def not_a_result(value: Any, where: str) -> S2SError:
    """Return the error for a part of a result that has no derivative."""
    what = "a complex number" if isinstance(value, complex) else f"a {type(value).__name__}"
    if isinstance(value, np.ndarray):
        what = f"an array of {value.dtype}"
    place = f"its result{where}" if where else "its result"
    return OutputError(
        f"{place} is {what}, not real numbers",
        hint="return numbers and arrays of floats, in tuples, lists or dicts",
    )
