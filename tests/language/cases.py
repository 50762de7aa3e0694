"""The registry of language cases: `@case(arguments..., wrt=...)` over a function, once per point.

Takes functions, gives `CASES`; requires nothing. The decorator returns the function itself.
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


def case(*args: Any, wrt: str = "x") -> Callable[[F], F]:
    """Register the function at these arguments, differentiated for the names in `wrt`."""

    def register(function: F) -> F:
        count = sum(1 for known in CASES if known.function is function)
        name = f"{function.__module__.rpartition('.')[2]}-{function.__qualname__}"
        CASES.append(
            Case(name + (f"-{count + 1}" if count else ""), function, args, tuple(wrt.split()))
        )
        return function

    return register
