"""Checks of derivatives against numbers: for the functions of a user, and for our own tests.

Takes a function and arguments, raises AssertionError when a derivative is wrong; requires the api.

    from s2s_ad.testing import check_grads

    check_grads(loss, (w, X, y), order=2, wrt="w")
    check_rules(tools.cube)  # declared by the user: each map against differences of the function
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from s2s_ad.api import jacfwd, jacrev, jvp, vjp
from s2s_ad.api_plan import not_a_result
from s2s_ad.api_primal import Primal, Wrt, floating, not_real, primal_of, real_value, resolve_wrt
from s2s_ad.api_trees import Tree, Vector, flatten, size, tree_of, unflatten
from s2s_ad.rules.checking import check_rules

__all__ = ["check_grads", "check_rules"]

_ROWS = 12
_SHRINK = 1.6


def check_grads(
    function: Callable[..., Any],
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] = ("fwd", "rev"),
    wrt: Wrt = None,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    **kwargs: Any,
) -> None:
    """Raise AssertionError unless the derivatives of `function` at `args` are right.

    Forward mode is compared with extrapolated differences along a direction, reverse mode with
    forward mode (the dot-product test: `w @ (J @ v) == (w @ J) @ v`). With `order` 2 or more the
    derivatives of the derivatives are checked too. wrt: all arguments that hold floats when not
    given. kwargs: arguments by name. The directions are the same at each run.
    """
    of = primal_of(function)
    args = of.values(tuple(args), kwargs)
    if wrt is None:
        wrt = tuple(n for n, value in zip(of.names, args) if floating(value))
    names, _ = resolve_wrt(of, wrt)
    unknown = set(modes) - {"fwd", "rev"}
    if unknown or order < 1:
        raise ValueError(f"order must be at least 1 and modes fwd or rev, not {order}, {modes}")
    args = tuple(
        real_value(value, name) if name in names else value for name, value in zip(of.names, args)
    )
    places = [of.names.index(name) for name in names]
    argument = tree_of(tuple(args[place] for place in places), not_real)
    positional, named = by_name(of, args)
    value = function(*positional, **named)
    result = tree_of(value, not_a_result)
    # relative to the arguments, so that differences stay where the function is defined
    point = np.abs(flatten(argument, tuple(args[place] for place in places)))
    direction = _direction(size(argument), 1) * np.where(point > 0.0, point, 1.0)
    dots = unflatten(argument, direction)

    forward = jvp(function, positional, dots, wrt=names, **named)
    _same_value("forward", flatten(result, forward[0]), flatten(result, value))
    tangent = flatten(result, forward[1])
    if "fwd" in modes:
        expected, error = slope(along(function, args, places, argument, direction), result)
        if not np.isfinite(error):
            raise AssertionError(f"{of.title} is not defined around these arguments")
        allowed = atol + 10 * error + rtol * np.max(np.abs(expected), initial=0.0)
        _close(f"forward mode of {of.title}", tangent, expected, allowed)
        if order > 1:
            rest: Any = (order - 1, modes, names, rtol, atol)
            check_grads(jacfwd(function, names), positional, *rest, **named)
    if "rev" in modes:
        out, pullback = vjp(function, *positional, wrt=names, **named)
        _same_value("reverse", flatten(result, out), flatten(result, value))
        seed = _direction(size(result), 2)
        adjoint = flatten(argument, pullback(unflatten(result, seed)))
        both = np.abs(seed) @ np.abs(tangent) + np.abs(adjoint) @ np.abs(direction)
        _close(
            f"reverse mode of {of.title} against forward mode",
            np.array([adjoint @ direction]),
            np.array([seed @ tangent]),
            atol + 1e-10 * both,
        )
        if order > 1:
            rest = (order - 1, modes, names, rtol, atol)
            check_grads(jacrev(function, names), positional, *rest, **named)


def by_name(of: Primal, values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call with these values: by position, and those only by name."""
    kinds = [of.signature.parameters[name].kind for name in of.names]
    only = {n: v for n, v, k in zip(of.names, values, kinds) if k is inspect.Parameter.KEYWORD_ONLY}
    return tuple(v for n, v in zip(of.names, values) if n not in only), only


def along(
    function: Callable[..., Any],
    args: Sequence[Any],
    places: Sequence[int],
    argument: Tree,
    direction: Vector,
) -> Callable[[float], Any]:
    """Return `function` as a function of the distance from `args` in a direction."""
    start = flatten(argument, tuple(args[place] for place in places))
    of = primal_of(function)

    def at(distance: float) -> Any:
        moved = list(args)
        values = unflatten(argument, start + distance * direction)
        for place, value in zip(places, values):
            moved[place] = value
        positional, named = by_name(of, moved)
        return function(*positional, **named)

    return at


def slope(
    function: Callable[[float], Any], result: Tree, step: float = 0.02
) -> tuple[Vector, float]:
    """Return the derivative of `function` at 0, by extrapolation, and an estimate of its error.

    Steps at which the function is not defined, or is not finite, are passed over.

    >>> value, error = slope(lambda t: np.exp(2.0 * t), tree_of(0.0, not_a_result))
    >>> bool(abs(value[0] - 2.0) < 1e-10 and error < 1e-9)
    True
    """
    rows: list[list[Vector]] = []
    best: Vector = np.zeros(size(result))
    error = np.inf
    for k in range(_ROWS):
        h = step / _SHRINK**k
        row = [_difference(function, result, h)]
        if not np.all(np.isfinite(row[0])):
            rows.clear()
            continue
        for power, coarse in enumerate(rows[-1] if rows else (), start=1):
            factor = _SHRINK ** (2 * power)
            row.append((factor * row[-1] - coarse) / (factor - 1.0))
        if rows:
            change = np.max(np.abs(row[-1] - rows[-1][-1]), initial=0.0)
            if change <= error:
                best, error = row[-1], float(change)
        rows.append(row)
    return best, error


def _difference(function: Callable[[float], Any], result: Tree, h: float) -> Vector:
    try:
        with np.errstate(all="ignore"):
            ahead, behind = flatten(result, function(h)), flatten(result, function(-h))
    except (ArithmeticError, ValueError):
        return np.full(size(result), np.nan)
    return (ahead - behind) / (2.0 * h)


def _direction(count: int, seed: int) -> Vector:
    """Return numbers of both signs between 0.5 and 1, the same at each run."""
    numbers = np.random.default_rng(seed).uniform(0.5, 1.0, count)
    numbers[1::2] *= -1.0
    return numbers


def _same_value(mode: str, got: Vector, expected: Vector) -> None:
    if not np.array_equal(got, expected, equal_nan=True):
        raise AssertionError(f"the value that {mode} mode gives is {got}, not {expected}")


def _close(what: str, got: Vector, expected: Vector, allowed: float) -> None:
    worst = np.max(np.abs(got - expected), initial=0.0)
    if not worst <= allowed:
        raise AssertionError(
            f"{what} is wrong: {got}, not {expected} (off by {worst:.2g}, {allowed:.2g} allowed)"
        )
