"""What a program for numba is: a function, and the gradient that an expert would write.

Takes nothing, gives `Compiled`, and arrays of numbers that are drawn; requires nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Compiled:
    """A function that returns a number and compiles, callees included.

    gradient: by hand, it returns (value, gradients) and checks, keeps and guards no less than the
    primal needs: what holds for the arguments below alone is not made use of. small: arguments to
    test it with. real: arguments to time it with.
    """

    name: str
    primal: Callable[..., Any]
    gradient: Callable[..., Any]
    wrt: tuple[str, ...]
    small: Callable[[], tuple[Any, ...]]
    real: Callable[[], tuple[Any, ...]]


def normal(seed: int, *shape: int) -> np.ndarray:
    """Return an array of normally distributed numbers."""
    return np.random.default_rng(seed).standard_normal(shape)


def uniform(seed: int, *shape: int) -> np.ndarray:
    """Return an array of numbers between 0 and 1."""
    return np.random.default_rng(seed).random(shape)
