"""Objects whose adjoints and tangents are dicts: those of their attributes by name.

Takes and gives objects and such dicts; requires nothing.
"""

from __future__ import annotations

import inspect
import types
import weakref
from collections.abc import Mapping
from typing import Any

# the classes of objects that were made here
_made: weakref.WeakSet[type] = weakref.WeakSet()


def as_instance(cls: type, values: Mapping[str, Any]) -> Any:
    """Return an instance of a class that has these attributes, without running its `__init__`.

    >>> as_instance(types.SimpleNamespace, {"x": 1.5}).x
    1.5
    """
    _made.add(cls)
    made: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def attributes(x: Any) -> dict[str, Any] | None:
    """Return the attributes of an object of a class that was made here, None for any other."""
    cls = type(x)
    if cls not in _made:
        return None
    found = dict(getattr(x, "__dict__", ()))
    for name in dir(cls):
        slot = inspect.getattr_static(cls, name)
        if isinstance(slot, types.MemberDescriptorType) and hasattr(x, name):
            found[name] = getattr(x, name)
    return found


def attribute_of(g: Any, x: Any, name: str) -> Any:
    """Return the part of a tangent of `x` that is that of an attribute.

    >>> attribute_of({"real": 2.0}, as_instance(types.SimpleNamespace, {"real": 1.5}), "real")
    2.0
    """
    _check(x, name)
    return g[name] if isinstance(g, dict) else g


def with_attribute(g: Any, x: Any, name: str) -> dict[str, Any]:
    """Return the adjoint of `x` of which an attribute has the adjoint `g`.

    >>> with_attribute(2.0, as_instance(types.SimpleNamespace, {"x": 1.5}), "x")
    {'x': 2.0}
    """
    _check(x, name)
    return {name: g}


def _check(x: Any, name: str) -> None:
    found = attributes(x)
    if found is None or name not in found:
        what = "computed by its class" if found is not None else "read of what may vary"
        raise TypeError(
            f"the attribute `{name}` of an object of the class `{type(x).__name__}` is {what}: "
            "pass the number as an argument, or compute it where the object is made"
        )
