"""Calls of functions that are known only when they run: out of a table, an argument, an attribute.

Takes functions and what they are called with, gives values, tangents and adjoints; requires the
engine that makes derivatives, which is told to `use_engine` by the layer that has it.

    y, f_saved = call_forward(f, (0, "k"), x, 2, k=k)
    x_bar, k_bar = call_reverse(f_saved, y_bar)
    y, y_dot = call_tangent(f, (0, "k"), (x_dot, k_dot), x, 2, k=k)

`active` says what is differentiated: arguments by their place or their name, "*1" for all from
place 1 on, "**" for all that are given by name and not said otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Active: TypeAlias = "tuple[int | str, ...]"
Forward: TypeAlias = Callable[
    [Callable[..., Any], Active, Sequence[Any], Mapping[str, Any]],
    tuple[Any, Callable[[Any], Any]],
]
Tangent: TypeAlias = Callable[
    [Callable[..., Any], Active, Sequence[Any], Sequence[Any], Mapping[str, Any]], tuple[Any, Any]
]

_engine: list[tuple[Forward, Tangent]] = []


def use_engine(forward: Forward, tangent: Tangent) -> None:
    """Take these for what makes derivatives of functions."""
    _engine[:] = [(forward, tangent)]


def call_forward(
    function: Callable[..., Any], active: Active, /, *args: Any, **kwargs: Any
) -> tuple[Any, Any]:
    """Return `function(*args, **kwargs)`, and what `call_reverse` needs."""
    return _engine[0][0](function, active, args, kwargs)


def call_reverse(saved: Callable[[Any], Any], value_bar: Any) -> Any:
    """Return the adjoints of what is active, a tuple where that is more than one thing."""
    return saved(value_bar)


def call_tangent(
    function: Callable[..., Any], active: Active, dots: Sequence[Any], /, *args: Any, **kwargs: Any
) -> tuple[Any, Any]:
    """Return `function(*args, **kwargs)`, and its derivative along `dots` of what is active."""
    return _engine[0][1](function, active, dots, args, kwargs)


def find_root(
    solver: Callable[..., Any],
    function: Callable[..., Any],
    start: Sequence[Any],
    args: Any,
    options: Mapping[str, Any],
    /,
    **captured: Any,
) -> Any:
    """Return what a solver finds from a guess or a bracket: where `function(x, *args)` is zero.

    captured: what the function was defined with, as for `functools.partial`. Among what is active
    -1 is the first of args, and 3 all of them.
    """
    inner = functools.partial(function, **captured) if captured else function
    return solver(inner, *start, args=args, **options)


def find_integral(
    solver: Callable[..., Any],
    function: Callable[..., Any],
    start: Any,
    end: Any,
    args: Any,
    options: Mapping[str, Any],
    /,
    **captured: Any,
) -> Any:
    """Return what `scipy.integrate.quad` finds for the integral of `function(t, *args)`.

    captured: what the function was defined with, as for `functools.partial`. Among what is active
    -1 is the first of args, and 4 all of them.
    """
    inner = functools.partial(function, **captured) if captured else function
    return solver(inner, start, end, args=args, **options)


# what has no derivative of its own, and an effect: that of what is called
AT_RUN_TIME = (call_forward, call_reverse, call_tangent, find_integral, find_root)
