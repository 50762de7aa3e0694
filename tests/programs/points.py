"""A point to test a program at: where it runs, stays bounded, is smooth, and has a reference.

Takes a `Program`, gives a `Trial`; requires the oracles. A point on a kink, or where numbers grow
too large to compare, is passed over, and the reason counted.
"""

from __future__ import annotations

import copy
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.oracles import Kink, Reference, leaves, reference

from .generate import Program
from .shims import complex_function

LARGEST = 1e5


@dataclass(frozen=True)
class Trial:
    """A program at one point: its function, arguments, value, and Jacobian with respect to wrt.

    args_wrt are the differentiated arguments; passed counts the points passed over, by reason.
    """

    program: Program
    function: Callable[..., Any]
    args: tuple[Any, ...]
    value: Any
    args_wrt: tuple[Any, ...]
    reference: Reference
    passed: tuple[str, ...] = field(default=())


class TooLong(Exception):
    """The time limit of a piece of work was reached."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLong in the block after that time of the processor; no limit in other threads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise TooLong(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def restricted(
    function: Callable[..., Any],
    names: tuple[str, ...],
    wrt: tuple[str, ...],
    args: tuple[Any, ...],
) -> Callable[..., Any]:
    """Return the function of its `wrt` arguments alone, the others held at `args`."""
    places = [names.index(name) for name in wrt]

    def call(*chosen: Any) -> Any:
        full = list(copy.deepcopy(args))
        for place, value in zip(places, chosen):
            full[place] = value
        return function(*full)

    return call


def find_point(program: Program) -> Trial | tuple[str, ...]:
    """Return the program at the first point that can be tested, or why each point cannot."""
    function = program.load()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    passed: list[str] = []
    for args in program.points:
        try:
            with time_limit(10.0), warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                value = function(*copy.deepcopy(args))
                numbers = leaves(value)
                if not np.isfinite(numbers).all() or np.max(np.abs(numbers), initial=0.0) > LARGEST:
                    passed.append("grows")
                    continue
                wrt = tuple(args[names.index(name)] for name in program.wrt)
                analytic = complex_function(program.text, program.entry)
                found = reference(
                    restricted(function, names, program.wrt, args),
                    wrt,
                    restricted(analytic, names, program.wrt, args),
                )
        except Kink as error:
            passed.append(f"kink: {error}"[:200])
        except (
            ArithmeticError,
            ValueError,
            IndexError,
            TypeError,
            RecursionError,
            UnboundLocalError,
            AttributeError,
        ) as error:
            passed.append(f"{type(error).__name__}: {error}"[:200])
        except TooLong:
            passed.append("too long")
        else:
            return Trial(program, function, args, value, wrt, found, tuple(passed))
    return tuple(passed)
