"""Products with derivatives: Jacobian times vector, vector times Jacobian, Hessian times vector.

Takes functions, points and directions, gives values and products; requires api_base and what it
stands on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from s2s_ad.api_base import Transform, plan_of
from s2s_ad.api_bind import engine, held_twice
from s2s_ad.api_compiled import options_of
from s2s_ad.api_gradient import Gradient
from s2s_ad.api_load import Order
from s2s_ad.api_plan import Pass, Plan, caller, first, not_a_result, tangent_pass
from s2s_ad.api_primal import (
    Of,
    Primal,
    Values,
    Wrt,
    fixed,
    floating,
    not_real,
    primal_of,
    real_value,
    resolve_wrt,
)
from s2s_ad.api_trees import (
    Vector,
    conform,
    describe,
    flatten,
    same_structure,
    size,
    tree_of,
    unflatten,
)
from s2s_ad.errors import ArgumentError
from s2s_ad.ir.names import RETURNED


def jvp(
    function: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    wrt: Wrt = None,
    of: Of = None,
    strict: bool = False,
    compile: str | None = None,
    **kwargs: Any,
) -> tuple[Any, Any]:
    """Return `function(*primals, **kwargs)` and its derivative along `tangents`, by forward mode.

    tangents match primals, or `wrt` when that is given; None among them stands for an argument
    that does not move. `of` names outputs in the place of what the function returns: arguments
    that it changes, with what they hold in the end, and "return" for what it returns. A tuple of
    names gives tuples. What the caller passed is not changed.
    """
    primal = primal_of(function)
    if primal.variadic:
        primal, primals, kwargs = _spread(primal, primals, kwargs)
    dots = _directions(primal, primals, tangents, wrt)
    real = _inner_real(primal) | dots.keys()
    values = _real_values(primal, primal.values(tuple(primals), kwargs), real)
    for name, dot in dots.items():
        _require_same(name, values[primal.names.index(name)], dot)
    full = primal.expand(values)
    inner = _plan(primal, full, of)
    options = options_of(strict, compile)
    pairs = [tangent_pass(step, full, dots, options).value(full) for step in inner.passes]
    value = inner.combine([pair[0] for pair in pairs])
    tree_of(value, not_a_result)
    return value, conform(value, inner.combine([pair[1] for pair in pairs]))


def vjp(
    function: Callable[..., Any],
    *primals: Any,
    wrt: Wrt = None,
    of: Of = None,
    strict: bool = False,
    compile: str | None = None,
    **kwargs: Any,
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return `function(*primals, **kwargs)` and its pullback, by reverse mode.

    The pullback takes an adjoint of the value and returns a tuple of adjoints, those of the
    arguments in `wrt`. Without `wrt` there is one for each of the primals, None where a primal
    (an integer, a string, ...) has no derivative. It may be called any number of times.
    `of` names outputs as in `jvp`: the pullback takes their adjoints.
    """
    primal = primal_of(function)
    if primal.variadic:
        primal, primals, kwargs = _spread(primal, primals, kwargs)
    values = primal.values(tuple(primals), kwargs)
    shown = list(primal.names[: len(primals)])
    if wrt is not None:
        names, _ = resolve_wrt(primal, wrt)
        shown = list(names)
    else:
        given = dict(zip(primal.names, values))
        names = tuple(name for name in shown if floating(given[name])) or tuple(shown)
    values = _real_values(primal, values, _inner_real(primal) | set(names))
    # what the caller does to them before the pullback is called is not seen by it
    if not held_twice(values):
        values = tuple(map(own, values))
    full = primal.expand(values)
    inner = _plan(primal, full, of)
    likes = [values[primal.names.index(name)] for name in names]
    options = options_of(strict, compile)
    results, reverses = [], []
    for step in inner.passes:
        value, reverse = _halves(step, full, names, options)
        results.append(value)
        reverses.append(reverse)
    value = inner.combine(results)
    tree = tree_of(value, not_a_result)
    trees = [tree_of(result, not_a_result) for result in results]
    order = inner.order(trees)
    argument = tree_of(tuple(likes), not_real)

    def pullback(seed: Any) -> tuple[Any, ...]:
        found = tree_of(seed, _not_a_seed)
        if not same_structure(found, tree):
            raise ArgumentError(
                f"the pullback of {primal.title} takes what its value is, "
                f"{describe(tree)}, but was given {describe(found)}"
            )
        if order is None:
            gradients = reverses[0](seed)
            grouped = gradients if len(names) > 1 else (gradients,)
        else:
            # the passes' entries are the value's in another order
            entries = np.empty(len(order))
            entries[order] = flatten(tree, seed)
            total: Vector = np.zeros(size(argument))
            start = 0
            for part, reverse in zip(trees, reverses):
                stop = start + size(part)
                gradients = reverse(unflatten(part, entries[start:stop]))
                total = total + flatten(argument, gradients if len(names) > 1 else (gradients,))
                start = stop
            grouped = unflatten(argument, total)
        by_name = {name: conform(like, g) for name, like, g in zip(names, likes, grouped)}
        return tuple(by_name.get(name) for name in shown)

    return own(value), pullback


def own(value: Any) -> Any:
    """Return a value whose arrays, lists and dicts nobody else has."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(map(own, value))
    return {k: own(v) for k, v in value.items()} if type(value) is dict else value


class _Slope(Gradient):
    """The gradient that a Hessian is multiplied by way of."""

    verb = "hvp"


def hvp(
    function: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    wrt: Wrt = None,
    strict: bool = False,
    compile: str | None = None,
    **kwargs: Any,
) -> Any:
    """Return the Hessian of `function` at `primals` times `tangents`, by forward over reverse.

    The product is a tuple, like tangents; bare when there is one tangent.
    """
    primal = primal_of(function)
    if primal.variadic:
        primal, primals, kwargs = _spread(primal, primals, kwargs)
    dots = _directions(primal, primals, tangents, wrt)
    names: Any = tuple(dots)
    gradient = _Slope(primal.call, names[0] if len(names) == 1 else names, options_of(strict, None))
    directions = tuple(dots.values())
    options: Any = {"strict": strict, "compile": compile, **kwargs}
    return jvp(gradient, primals, directions, wrt=names, **options)[1]


def _plan(primal: Primal, values: Values, of: Of) -> Plan:
    """Return how a function computes its outputs."""
    if of is None:
        return plan_of(primal.base, values)
    names = (of,) if isinstance(of, str) else tuple(of)
    if isinstance(primal.base, Transform):
        raise ArgumentError(f"{primal.title} changes no argument: it has no outputs to choose (of)")
    for name in names:
        if name != RETURNED and name not in primal.names:
            raise ArgumentError(
                f"{primal.title} has no parameter {name!r} to be an output",
                hint=f'its parameters are {", ".join(primal.names)}; "return" is what it returns',
            )
    if not names or len(set(names)) < len(names):
        raise ArgumentError(f"of={of!r} does not name outputs of {primal.title} once each")
    bare = isinstance(of, str) or len(names) > 1
    return Plan((Pass(primal.base, of=names),), first if bare else tuple)


def _spread(
    primal: Primal, primals: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Primal, Values, dict[str, Any]]:
    """Return a variadic function as one of so many arguments, and those."""
    values = primal.values(tuple(primals), kwargs)
    function: Any
    if isinstance(primal.base, Transform):
        function, args, named = primal.base.spread(primal.expand(values))
    else:
        function, args, named = fixed(primal, values)
    if named:
        function = partial(function, **named)
    return primal_of(function), args, {}


def _inner_real(primal: Primal) -> frozenset[str]:
    return primal.base.real if isinstance(primal.base, Transform) else frozenset()


def _real_values(primal: Primal, values: Values, real: Any) -> Values:
    return tuple(
        real_value(value, name) if name in real else value
        for name, value in zip(primal.names, values)
    )


def _directions(
    primal: Primal, primals: Sequence[Any], tangents: Sequence[Any], wrt: Wrt
) -> dict[str, Any]:
    """Return the tangent of every argument that moves, by name."""
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError(
            "primals and tangents are tuples, with an item for each argument",
            hint="write (x,) for a single one",
        )
    if wrt is None:
        names = primal.names[: len(primals)]
        against = "primals"
    else:
        names, _ = resolve_wrt(primal, wrt)
        against = "names in wrt"
    if len(names) != len(tangents):
        raise ArgumentError(
            f"there are {len(names)} {against}, but {len(tangents)} tangents",
            hint="give None as the tangent of an argument that does not move" if not wrt else None,
        )
    dots = {
        name: real_value(t, f"the tangent of {name}")
        for name, t in zip(names, tangents)
        if t is not None
    }
    if not dots:
        raise ArgumentError(f"no argument of {primal.title} moves: every tangent is None")
    return dots


def _require_same(name: str, value: Any, dot: Any) -> None:
    expected, found = tree_of(value, not_real), tree_of(dot, not_real)
    if not same_structure(expected, found):
        raise ArgumentError(
            f"the tangent of {name} is {describe(found)}, but {name} is {describe(expected)}"
        )


def _not_a_seed(value: Any, where: str) -> ArgumentError:
    return ArgumentError(f"the adjoint given to a pullback has a {type(value).__name__}{where}")


def _halves(
    step: Pass, full: Values, wrt: tuple[str, ...], options: frozenset[str]
) -> tuple[Any, Callable[[Any], Any]]:
    """Return the value of a pass, and the function from its adjoint to the gradients in wrt."""
    arranged = step.arrange(full)
    order = Order(step.function, "split", wrt, step.select, options, step.of)
    halves = engine(order).at(arranged)
    value, saved = caller(halves.entry)(arranged)
    reverse = halves.reverse
    assert reverse is not None
    return value, lambda seed: reverse(saved, seed)
