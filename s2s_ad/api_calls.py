"""Calls of functions that generated code meets when it runs, and their derivatives.

Takes a function, what it is called with and what of that is active, gives a `Call` and what is
generated for it; requires api_bind.

Arguments are those of one call: each gets a name, and the function is differentiated behind one
of that many parameters. What is not made of real numbers has no derivative. A function that
changes what it is given is refused: only its own derivative would know.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from s2s_ad.api_bind import Generated, engine
from s2s_ad.api_load import Order
from s2s_ad.api_plan import caller
from s2s_ad.api_primal import calling, floating, real_value
from s2s_ad.api_products import own
from s2s_ad.errors import ArgumentError, S2SError
from s2s_ad.runtime import zeros_like
from s2s_ad.runtime.calls import Active

Bars: TypeAlias = "Callable[[Any], tuple[Any, ...]]"
OPTIONS = frozenset({"called"})
_FUNCTIONS = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(np.ufunc, functools.partial),
)
_PASSIVE = (int, np.integer, np.bool_, str, bytes, type(None), type)


class Call(NamedTuple):
    """A call with a name for each argument. groups: for each active thing the names of what it
    consists of, and what makes its adjoint out of theirs. wrt: what is differentiated."""

    function: Callable[..., Any]
    values: dict[str, Any]
    groups: tuple[tuple[tuple[str, ...], Callable[[list[Any]], Any]], ...]
    wrt: tuple[str, ...]


def tangent_of(function: Callable[..., Any], call: Call, dots: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of a call and its derivative along `dots` of what is active."""
    along: dict[str, Any] = {}
    for (names, make), dot in zip(call.groups, dots):
        if make is _only:
            along[names[0]] = dot
        elif isinstance(dot, dict):
            along.update((name, dot.get(name)) for name in names)
        else:
            zero = not isinstance(dot, (list, tuple))  # of whatever structure
            along.update(zip(names, [dot] * len(names) if zero else dot))
    params, found = derivative(function, call, "tangent")
    given: list[Any] = []
    for name, value in zip(params, values_of(call)):
        given.append(value)
        if name in call.wrt:
            given.append(like(zeros_like(value), along[name]))
    value, value_dot = caller(found.entry)(tuple(given))
    return value, like(zeros_like(value), value_dot)


def reversed_call(function: Callable[..., Any], call: Call) -> tuple[Any, Bars]:
    """Return the value of a call, and what turns its adjoint into those of `call.wrt`."""
    halves = derivative(function, call, "split")[1]
    assert halves.reverse is not None
    back = halves.reverse
    value, saved = caller(halves.entry)(values_of(call))

    def bars(value_bar: Any) -> tuple[Any, ...]:
        found = back(saved, value_bar)
        return found if len(call.wrt) > 1 else (found,)

    return value, bars


def derivative(
    function: Callable[..., Any], call: Call, mode: str
) -> tuple[tuple[str, ...], Generated]:
    """Return the parameters of the function that is differentiated, and its derivative."""
    made = engine(Order(call.function, mode, call.wrt, (), OPTIONS))
    known = isinstance(function, _FUNCTIONS)
    if not known and type(function).__module__.partition(".")[0] in ("numpy", "scipy", "operator"):
        raise _without_derivative(function)
    try:
        return made.names, made.at(values_of(call))
    except S2SError as error:
        if call.function is function or error.place is None or error.place.file[:1] != "<":
            raise
        raise _without_derivative(function) from error


def _without_derivative(function: Callable[..., Any]) -> S2SError:
    name = getattr(function, "__name__", None) if isinstance(function, _FUNCTIONS) else None
    what = f"`{name}`" if name else f"an object of the class `{type(function).__name__}`"
    return ArgumentError(
        f"{what} is called with what is differentiated, and has no derivative",
        hint="call a function of Python instead, or one that has a rule (`s2s-ad rules`)",
    )


def passive(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the value of a call in which nothing is active after all, nor changed."""
    given = [*args, *kwargs.values()]
    before = list(map(own, given))
    value = function(*args, **kwargs)
    if not all(map(_same, before, given)):
        name = getattr(function, "__name__", "function")
        raise ArgumentError(
            f"`{name}`, which is known only when it runs, changes what it is given",
            hint="call the function by its name",
        )
    return value


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, np.ndarray):
        return bool(np.array_equal(before, now, equal_nan=before.dtype.kind in "fc"))
    if isinstance(before, (list, tuple)):
        return len(before) == len(now) and all(map(_same, before, now))
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_same(v, now[k]) for k, v in before.items())
    return True


def call_of(
    function: Callable[..., Any], active: Active, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Call:
    plain, values, names = calling(function, args, kwargs)
    groups: list[tuple[tuple[str, ...], Callable[[list[Any]], Any]]] = []
    for place in active:
        if isinstance(place, int):
            groups.append(((names[place],), _only))
        elif place == "**":
            rest = [key for key in kwargs if key not in active]
            groups.append((tuple(rest), _table(rest)))
        elif place.startswith("*"):
            groups.append((names[int(place[1:]) : len(args)], list))
        else:
            groups.append(((place,), _only))
    active_names = [name for own, _ in groups for name in own]
    wrt = tuple(name for name in active_names if _is_real(values[name], name))
    for name in wrt:
        values[name] = real_value(values[name], name)
    return Call(plain, values, tuple(groups), wrt)


def _is_real(value: Any, name: str) -> bool:
    """True for what has a derivative; what is neither that nor plainly without one is refused."""
    if floating(value):
        return True
    if isinstance(value, (list, tuple, dict)):
        items = value.values() if isinstance(value, dict) else value
        return any(_is_real(item, name) for item in items)
    discrete = isinstance(value, np.ndarray) and value.dtype.kind in "iubUSM"
    if discrete or isinstance(value, _PASSIVE):
        return False
    raise ArgumentError(
        f"{name}, which may depend on what is differentiated, is a {type(value).__name__}",
        hint="call the function by its name, or pass numbers and arrays",
    )


def values_of(call: Call) -> tuple[Any, ...]:
    """Return the values of all arguments; what could be changed later is given away as a copy."""
    return tuple(map(own, call.values.values()))


def grouped(call: Call, bars: Mapping[str, Any]) -> Any:
    found = tuple(
        make([bars[x] if x in bars else zeros_like(call.values[x]) for x in own])
        for own, make in call.groups
    )
    return found if len(found) > 1 else found[0]


def _only(bars: list[Any]) -> Any:
    return bars[0]


def _table(keys: Sequence[str]) -> Callable[[list[Any]], Any]:
    return lambda bars: dict(zip(keys, bars))


def like(zero: Any, derivative: Any) -> Any:
    """Return a derivative in the structure of `zero`: zeros may come as one number."""
    if isinstance(zero, np.ndarray):
        found = np.asarray(0.0 if derivative is None else derivative)
        return (
            derivative if found.shape == zero.shape else np.broadcast_to(found, zero.shape).copy()
        )
    if isinstance(zero, list):
        items = derivative if isinstance(derivative, (list, tuple)) else [derivative] * len(zero)
        return [like(x, d) for x, d in zip(zero, items)]
    if isinstance(zero, dict):
        if not isinstance(derivative, (dict, type(None))) and np.any(derivative):
            raise TypeError(
                "an operator on an object, or a function of one, that is known only when it runs: "
                "return numbers and arrays from what is called, or read its attributes"
            )
        table = derivative if isinstance(derivative, dict) else {}
        return {key: like(x, table.get(key)) for key, x in zero.items()}
    return 0.0 if derivative is None else derivative
