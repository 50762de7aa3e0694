"""What names outside a function stand for, where numba compiles them in.

Takes the objects that names are bound to, gives what they are; requires nothing of the passes.
"""

from __future__ import annotations

import inspect
import types
from typing import Any

import numpy as np

_NUMBERS = (bool, int, float, str, types.NoneType)


def is_constant(value: object) -> bool:
    """True for a number, a text, None, and tuples of such."""
    if isinstance(value, tuple):
        return all(map(is_constant, value))
    return isinstance(value, (*_NUMBERS, np.generic)) and not isinstance(value, complex)


def plain_value(value: Any) -> object:
    """Return a constant without the types of NumPy."""
    if isinstance(value, tuple):
        return tuple(map(plain_value, value))
    return value.item() if isinstance(value, np.generic) else value


def is_library(value: Any) -> bool:
    """True for a module that numba knows, and what is in one."""
    name = value.__name__ if isinstance(value, types.ModuleType) else _home(value)
    return name.split(".")[0] in ("numpy", "math", "scipy", "cmath", "builtins", "numba")


def _home(value: Any) -> str:
    return str(getattr(value, "__module__", None) or "")


def is_helper(value: Any) -> bool:
    """True for a function of our runtime."""
    return isinstance(value, types.FunctionType) and _home(value).startswith("s2s_ad.runtime")


def is_class_of_users(value: Any) -> bool:
    """True for a class that is no exception and from no library."""
    if not inspect.isclass(value) or is_library(value):
        return False
    return not issubclass(value, BaseException)
