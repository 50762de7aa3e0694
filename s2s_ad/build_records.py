"""Classes whose instances are records of named values: what reading, calling or making one runs.

Takes classes, gives what their members are and how an instance is made. A class is a record where
nothing but its own Python functions decides that: no `__getattr__`, no `__setattr__`, no
`__new__`, no base written in C. Requires `ir`.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import inspect
import keyword
import types
from collections.abc import Mapping
from typing import Any

from s2s_ad.ir import nodes as n

SELF = "self"
_HEAP_TYPE = 1 << 9
_HOOKS = ("__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__new__", "__del__")
_FUNCTIONS = (types.FunctionType, property, staticmethod, classmethod)
_PLAIN = (int, float, str, bool, type(None))


class Member:
    """The type of what a class says of a name and is no object of its own."""


FIELD = Member()  # an instance has a value of its own
OPAQUE = Member()  # what reading it gives is not known


@functools.lru_cache(maxsize=1024)
def is_record(cls: type) -> bool:
    """True for a class of which an instance is no more than the attributes it is given."""
    if type(cls) not in (type, abc.ABCMeta) or inspect.isabstract(cls):
        return False
    for base in cls.__mro__[:-1]:
        if not base.__flags__ & _HEAP_TYPE:
            return False
        own = vars(base)
        hooks = [own[hook] for hook in _HOOKS if hook in own]
        if not all(map(_is_frozen, hooks)):
            return False
    made = inspect.getattr_static(cls, "__init__")
    return made is object.__init__ or isinstance(made, types.FunctionType)


def _is_frozen(hook: object) -> bool:
    """True for what a frozen dataclass is given: it forbids stores, and does nothing else."""
    names = ("__setattr__", "__delattr__")
    return is_generated(hook) and getattr(hook, "__name__", "") in names


def is_generated(function: object) -> bool:
    """True for a method that `dataclasses` has written."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == "<string>"


def is_frozen(cls: type) -> bool:
    """True where stores into an instance fail."""
    return any("__setattr__" in vars(base) for base in cls.__mro__[:-1])


def member(cls: type, name: str) -> object:
    """Return what a class has under a name, `FIELD` for nothing: an instance has it for itself.

    `OPAQUE` where what that gives of an instance is not known.
    """
    if name in ("__dict__", "__class__", "__weakref__"):
        return OPAQUE
    found = inspect.getattr_static(cls, name, FIELD)
    if isinstance(found, types.MemberDescriptorType):
        return FIELD
    if isinstance(found, _FUNCTIONS) or not hasattr(type(found), "__get__"):
        return found
    return OPAQUE


def is_constant(found: object) -> bool:
    """True for a member that instances share: neither a method nor a property."""
    return not isinstance(found, (*_FUNCTIONS, Member))


def above(cls: type, owner: type, name: str) -> object:
    """Return what `super()` finds in a function of `owner` that an instance of `cls` runs."""
    mro = cls.__mro__
    if owner not in mro:
        return None
    for base in mro[mro.index(owner) + 1 :]:
        if name in vars(base):
            return vars(base)[name]
    return None


def dataclass_init(cls: type, names: Mapping[str, n.Expr]) -> n.Function | None:
    """Return the `__init__` that a dataclass was given, as text would have it.

    names: how defaults are spelled that are no literals. None for what is not written out here.
    """
    params: list[n.Param] = [n.Param(SELF)]
    keywords: list[n.Param] = []
    body: list[n.Stmt] = []
    own: dict[str, Any] = cls.__dataclass_fields__  # type: ignore[attr-defined]
    for f in own.values():
        kind = f._field_type.name
        if kind == "_FIELD_CLASSVAR":
            continue
        if kind != "_FIELD" or keyword.iskeyword(f.name):
            return None
        default = names.get(f.name)
        if f.default is not dataclasses.MISSING and type(f.default) in _PLAIN:
            default = n.Const(repr(f.default), f.default)
        made = f.default_factory is not dataclasses.MISSING
        target = n.Attribute(n.Name(SELF), f.name)
        if f.init:
            kind = "keyword_only" if f.kw_only else "normal"
            # a factory is called where the instance is made
            p = n.Param(f.name, n.Const("None", None) if made else default, kind)
            (keywords if f.kw_only else params).append(p)
            body.append(n.Assign((target,), n.Name(f.name)))
        elif made:
            return None
        elif default is not None:
            body.append(n.Assign((target,), default))
    if member(cls, "__post_init__") is not FIELD:
        body.append(n.ExprStmt(n.Call(n.Attribute(n.Name(SELF), "__post_init__"), ())))
    return n.Function("__init__", (*params, *keywords), tuple(body))


def factories(cls: type) -> dict[str, Any]:
    """Return what makes the values of fields that are not given, by field."""
    own: dict[str, Any] = getattr(cls, "__dataclass_fields__", {})
    every = {f.name: f.default_factory for f in own.values() if f.init}
    return {name: made for name, made in every.items() if made is not dataclasses.MISSING}
