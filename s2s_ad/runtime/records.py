"""Objects whose adjoints and tangents are dicts: those of their attributes by name.

Takes and gives objects and such dicts; requires nothing.
"""

from __future__ import annotations

import inspect
import types
import weakref
from collections.abc import Mapping
from typing import Any

# the objects that were made here, by their ids: what their class makes of them is not followed
_made: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def as_instance(cls: type, values: Mapping[str, Any]) -> Any:
    """Return an instance of a class that has these attributes, without running its `__init__`.

    >>> class Point:
    ...     pass
    >>> as_instance(Point, {"x": 1.5}).x
    1.5
    """
    made: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    _made[id(made)] = made
    return made


def attributes(x: Any) -> dict[str, Any] | None:
    """Return the attributes of an object that was made here, None for any other."""
    if _made.get(id(x), _made) is not x:
        return None
    cls = type(x)
    found = dict(getattr(x, "__dict__", ()))
    for name in dir(cls):
        slot = inspect.getattr_static(cls, name)
        if isinstance(slot, types.MemberDescriptorType) and hasattr(x, name):
            found[name] = getattr(x, name)
    return found


def attribute_of(g: Any, x: Any, name: str) -> Any:
    """Return the part of a tangent of `x` that is that of an attribute.

    >>> class Point:
    ...     pass
    >>> attribute_of({"x": 2.0}, as_instance(Point, {"x": 1.5}), "x")
    2.0
    """
    _check(x, name)
    return g[name] if isinstance(g, dict) else g


def with_attribute(g: Any, x: Any, name: str) -> dict[str, Any]:
    """Return the adjoint of `x` of which an attribute has the adjoint `g`.

    >>> class Point:
    ...     pass
    >>> with_attribute(2.0, as_instance(Point, {"x": 1.5}), "x")
    {'x': 2.0}
    """
    _check(x, name)
    return {name: g}


def _check(x: Any, name: str) -> None:
    if name not in (attributes(x) or ()):
        raise TypeError(
            f"the attribute `{name}` of an object of the class `{type(x).__name__}` is computed "
            "by its class, or the object is: "
            "pass the number as an argument, or compute it where the object is made"
        )
