"""The registry of language cases: `@case(arguments..., wrt=...)` over a function, once per point.

Takes functions, gives `CASES`, and `BEYOND` for what `@beyond` marks: constructs that are no part
of the language yet, which may be refused but never be wrong. Requires nothing. The decorators
return the function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Case:
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[str, ...]


CASES: list[Case] = []
BEYOND: list[Case] = []


def case(*args: Any, wrt: str = "x") -> Callable[[F], F]:
    """Register the function at these arguments, differentiated for the names in `wrt`."""
    return _registrar(CASES, args, wrt)


def beyond(*args: Any, wrt: str = "x") -> Callable[[F], F]:
    """Register a function that may be refused."""
    return _registrar(BEYOND, args, wrt)


def _registrar(cases: list[Case], args: tuple[Any, ...], wrt: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        count = sum(1 for known in cases if known.function is function)
        name = f"{function.__module__.rpartition('.')[2]}-{function.__qualname__}"
        name += f"-{count + 1}" if count else ""
        cases.append(Case(name, function, args, tuple(wrt.split())))
        return function

    return register
