"""A function as it stands, its `np` and `math` being another library's.

Takes functions and namespaces, gives functions; requires nothing.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class Namespace:
    """The names given, and those of other modules behind them."""

    def __init__(self, names: Mapping[str, Any], *behind: Any) -> None:
        self.__dict__.update(names)
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        for module in self._behind:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(name)


def rebound(function: Callable[..., Any], numpy: Any, scalar: Any) -> Callable[..., Any]:
    """Return the function, and all it calls in its module, with these for `np` and `math`."""
    assert isinstance(function, types.FunctionType)
    space: dict[str, Any] = {}
    for name, value in function.__globals__.items():
        if value is np:
            value = numpy
        elif value is math:
            value = scalar
        elif isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
            value = types.FunctionType(value.__code__, space, name, value.__defaults__)
        space[name] = value
    return types.FunctionType(function.__code__, space, function.__name__, function.__defaults__)
