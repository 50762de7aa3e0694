"""From names to objects, by scope and identity, never by spelling.

Takes a function object and expressions of its body, gives the objects they stand for now;
requires `ir`. Globals and cells are read live, at each look-up. Only what cannot run code of the
user is followed: attributes of modules and classes, and plain data of instances.
"""

from __future__ import annotations

import builtins
import enum
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..ir.nodes import Attribute, Expr, Function, Global, Name
from ..ir.walk import bound_names, walk_stmts


class Missing:
    """The type of `MISSING`: no object is known."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
_OF_MEMBERS = ("name", "value")  # of what `Enum` makes


@dataclass(frozen=True)
class Binding:
    """What a name stands for. kind: `global`, `closure` or `builtin`."""

    kind: str
    name: str
    value: object


@dataclass(frozen=True, eq=False)
class Scope:
    """The names that a function finds outside itself: cells, then globals, then builtins.

    All three are the live ones of the function, so that a look-up sees what a call would.
    """

    cells: Mapping[str, types.CellType]
    globals: Mapping[str, object]
    builtins: Mapping[str, object]

    def lookup(self, name: str) -> Binding | None:
        """Return what `name` is bound to now; None when it is unbound, or an empty cell."""
        if name in self.cells:
            try:
                return Binding("closure", name, self.cells[name].cell_contents)
            except ValueError:
                return None
        if name in self.globals:
            return Binding("global", name, self.globals[name])
        if name in self.builtins:
            return Binding("builtin", name, self.builtins[name])
        return None


def scope_of(function: Callable[..., Any]) -> Scope:
    """Return the scope that the body of a function or method is evaluated in."""
    plain = function.__func__ if isinstance(function, types.MethodType) else function
    if not isinstance(plain, types.FunctionType):
        raise TypeError(f"{plain!r} is not a Python function")
    found = plain.__globals__.get("__builtins__", builtins)
    return Scope(
        cells=dict(zip(plain.__code__.co_freevars, plain.__closure__ or ())),
        globals=plain.__globals__,
        builtins=found if isinstance(found, dict) else vars(found),
    )


def local_names(f: Function) -> frozenset[str]:
    """Return the local variables of `f` by Python's rules, global and nonlocal ones left out."""
    declared = {name for s in walk_stmts(f.body) if isinstance(s, Global) for name in s.names}
    return frozenset((bound_names(f.body) | {param.name for param in f.params}) - declared)


def resolve(e: Expr, scope: Scope, locals_: frozenset[str]) -> object:
    """Return the object that a name or a chain of attributes stands for, or MISSING.

    >>> import math
    >>> scope = Scope({}, {"m": math}, {})
    >>> resolve(Attribute(Name("m"), "sin"), scope, frozenset()) is math.sin
    True
    >>> resolve(Attribute(Name("m"), "sin"), scope, frozenset({"m"}))
    MISSING
    """
    path: list[str] = []
    while isinstance(e, Attribute):
        path.append(e.attr)
        e = e.value
    if not isinstance(e, Name) or e.id in locals_:
        return MISSING
    binding = scope.lookup(e.id)
    value = MISSING if binding is None else binding.value
    for attr in reversed(path):
        value = attribute(value, attr)
    return value


def attribute(owner: object, attr: str) -> object:
    """Return `owner.attr` when reading it runs no code of the user's, or MISSING."""
    kind = type(owner)  # isinstance would ask the object, which may answer what it likes
    if issubclass(kind, types.ModuleType):
        try:
            # loads parts on demand where a module does that (numpy, scipy), which may fail
            return getattr(owner, attr)
        except Exception:
            return MISSING
    if kind is enum.EnumMeta and attr in owner.__members__:  # type: ignore[attr-defined]
        return owner.__members__[attr]  # type: ignore[attr-defined]
    if issubclass(kind, type):
        return _class_attribute(owner, attr)
    if type(kind) is enum.EnumMeta and attr in _OF_MEMBERS:
        own = inspect.getattr_static(kind, attr)
        return getattr(owner, attr) if own is inspect.getattr_static(enum.Enum, attr) else MISSING
    return _instance_attribute(owner, attr)


def _class_attribute(owner: Any, attr: str) -> object:
    if inspect.getattr_static(type(owner), attr, MISSING) is not MISSING:
        return MISSING  # a metaclass may compute it
    found = inspect.getattr_static(owner, attr, MISSING)
    if isinstance(found, (staticmethod, classmethod, types.ClassMethodDescriptorType)):
        return getattr(owner, attr)
    methods = types.FunctionType, types.MethodDescriptorType, types.WrapperDescriptorType
    return found if isinstance(found, methods) or _is_data(found) else MISSING


def _instance_attribute(owner: object, attr: str) -> object:
    """Return data that stands in the instance's own `__dict__`, or else in that of its class."""
    kind = type(owner)
    finder = inspect.getattr_static(kind, "__getattribute__")
    shared = inspect.getattr_static(kind, attr, MISSING)
    if not isinstance(finder, types.WrapperDescriptorType) or not _is_data(shared):
        return MISSING
    own = getattr(owner, "__dict__", None)
    return own.get(attr, shared) if isinstance(own, dict) else shared


def _is_data(value: object) -> bool:
    """True when `value`, found in a class, is handed out as it is: no method, no property."""
    return not hasattr(type(value), "__get__")
