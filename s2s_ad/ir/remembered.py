"""What is asked of a node again and again is computed once, and kept with the node.

Takes a function of one node, gives one that remembers; requires that nodes never change and that
the function depends on the node alone. What is kept lives as long as the node, is no field of it,
and takes no part in comparing or copying.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeVar

C = TypeVar("C", bound=type)
N = TypeVar("N")
T = TypeVar("T")


def remembered(fn: Callable[[N], T]) -> Callable[[N], T]:
    """Return `fn` with what it gives for a node kept in the node's `__dict__`."""
    key = f"remembered {fn.__module__}.{fn.__name__}"

    @functools.wraps(fn)
    def recall(node: N) -> T:
        kept: dict[str, Any] = node.__dict__
        if key not in kept:
            kept[key] = fn(node)
        found: T = kept[key]
        return found

    return recall


def replace(node: N, **changes: Any) -> N:
    """Return a node with other fields, as `dataclasses.replace` does, in a quarter of its time.

    Nothing that is remembered of the node is taken over.
    """
    if hasattr(node, "__post_init__"):
        return dataclasses.replace(node, **changes)  # type: ignore[type-var]
    kept: dict[str, Any] = node.__dict__
    new = object.__new__(type(node))
    fields: dict[str, Any] = new.__dict__
    for name in node.__dataclass_fields__:  # type: ignore[attr-defined]
        fields[name] = changes.pop(name) if name in changes else kept[name]
    assert not changes, f"{type(node).__name__} has no fields {sorted(changes)}"
    return new


def node(cls: C) -> C:
    """Return a frozen dataclass made for expressions: made at once, hashed once, soon compared.

    A hash is that of all parts, and is kept with the node. What is the same object is equal.
    """
    computed: Any = cls.__hash__

    def recalled(node: Any) -> int:
        kept: dict[str, Any] = node.__dict__
        if "remembered hash" not in kept:
            kept["remembered hash"] = computed(node)
        found: int = kept["remembered hash"]
        return found

    cls.__hash__ = recalled  # type: ignore[method-assign, assignment]
    cls.__eq__ = _compared(cls)  # type: ignore[method-assign, assignment]
    return made_at_once(cls)


def _compared(cls: type) -> Callable[[object, object], object]:
    """Return the comparison of a dataclass, field by field, without a tuple of the fields."""
    compared = [f.name for f in dataclasses.fields(cls) if f.compare]
    lines = [
        "def __eq__(self, other):",
        " if self is other:",
        "  return True",
        " if other.__class__ is not self.__class__:",
        "  return NotImplemented",
        f" return {' and '.join(f'self.{x} == other.{x}' for x in compared)}",
    ]
    known: dict[str, Any] = {}
    exec("\n".join(lines), known)
    found: Callable[[object, object], object] = known["__eq__"]
    return found


def made_at_once(cls: C) -> C:
    """Have the fields of a frozen dataclass put in place without a call for each, in half the time.

    The parameters are those of its own `__init__`.
    """
    params: list[str] = []
    keywords: list[str] = []
    lines: list[str] = ["fields = self.__dict__"]
    known: dict[str, Any] = {"absent": dataclasses.MISSING}
    for f in dataclasses.fields(cls):
        value, param = f.name, f.name
        if f.default_factory is not dataclasses.MISSING:
            known[f"new_{f.name}"] = f.default_factory
            value = f"new_{f.name}() if {f.name} is absent else {f.name}"
            param = f"{f.name}=absent"
        elif f.default is not dataclasses.MISSING:
            known[f"old_{f.name}"] = f.default
            param = f"{f.name}=old_{f.name}"
        (keywords if f.kw_only else params).append(param)
        lines.append(f"fields[{f.name!r}] = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    every = ", ".join(["self", *params, *(["*", *keywords] if keywords else [])])
    exec(f"def __init__({every}):\n " + "\n ".join(lines), known)
    cls.__init__ = known["__init__"]  # type: ignore[misc]
    return cls
