"""Globals that may change while a function runs: those that some function of the module rebinds.

Takes the globals of a module, gives names; requires the standard library. What stands in such a
name when a derivative is built says nothing, and its value is read where the function reads it.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

_REBINDING = frozenset(dis.opmap[name] for name in ("STORE_GLOBAL", "DELETE_GLOBAL"))


def rebound_globals(namespace: Mapping[str, Any]) -> dict[str, list[object]]:
    """Return the globals that functions and methods defined in a module assign, with these."""
    found: dict[str, list[object]] = {}
    for value in list(namespace.values()):
        members = vars(value).values() if isinstance(value, type) else (value,)
        for member in members:
            function = _plain(member)
            if function is not None and function.__globals__ is namespace:
                for code in _codes(function.__code__):
                    for name in _assigned(code):
                        found.setdefault(name, []).append(function)
    return found


def home_of(namespace: Mapping[str, Any]) -> types.ModuleType | None:
    """Return the module whose globals these are, None when it cannot be imported."""
    module = sys.modules.get(str(namespace.get("__name__", "")))
    return module if module is not None and vars(module) is namespace else None


def _plain(member: object) -> types.FunctionType | None:
    """Return the function behind a method, property or wrapper."""
    for _ in range(10):
        if isinstance(member, types.FunctionType) and "__wrapped__" not in vars(member):
            return member
        inner = None
        for name in ("__wrapped__", "__func__", "fget"):
            inner = getattr(member, name, None) if inner is None else inner
        if inner is None:
            return None
        member = inner
    return None


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _assigned(code: types.CodeType) -> set[str]:
    if not _REBINDING & set(code.co_code[::2]):
        return set()
    return {
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opcode in _REBINDING
    }
