"""Derivatives compiled by numba: the option, the functions, and refusals in the user's lines.

Takes `compile=` as users write it and functions that numba has decorated, gives options and
functions; requires the errors (layer 0). numba is imported by the generated module alone.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from s2s_ad.errors import ArgumentError, MissingExtra, Place, UnsupportedForNumba

FORM = "numba"
# file, line, column and text of the user's statement that a generated line comes from
Lines: TypeAlias = "Mapping[int, tuple[str, int, int, str]]"
_DECORATION = re.compile(r"^@numba\.(njit|vectorize)\(cache=True\)$", re.MULTILINE)
_PLACE = re.compile(r'File "([^"]*)", line (\d+)')
_CALLED = re.compile(
    r"No implementation of function Function"
    r"\(<?(?:built-in )?(?:(?:function|class|ufunc) )?'?([\w.]+)"
)


def options_of(strict: bool, compile: str | None) -> frozenset[str]:
    """Return the options of a transform."""
    if compile is not None:
        if compile != FORM:
            raise ArgumentError(f"compile={compile!r}: only 'numba' compiles derivatives")
        if importlib.util.find_spec("numba") is None:
            raise MissingExtra("numba is not installed", hint="pip install 's2s-ad[numba]'")
    return frozenset(({"strict"} if strict else set()) | ({compile} if compile else set()))


def without_cache(text: str) -> str:
    """Return the text of a module that is on no disk: numba keeps compiled code beside a file."""
    return _DECORATION.sub(r"@numba.\1", text)


def module_for(file: str) -> dict[str, Any]:
    """Return the namespace of a module for a file: what numba has kept finds it by its name."""
    name = f"s2s_ad_generated_{re.sub(r'[^0-9A-Za-z]+', '_', os.path.basename(file))}"
    module = sys.modules[name] = types.ModuleType(name)
    return vars(module)


def compiled(function: Any, lines: Lines) -> Callable[..., Any]:
    """Return a function that calls a compiled one; what cannot be compiled is a refusal.

    lines: what lines of the user those of the generated file come from.
    """
    from numba.core.errors import NumbaError

    def call(*args: Any) -> Any:
        # numba has no parameters by keyword alone: a call by names is one by places
        try:
            return function(*args)
        except NumbaError as error:
            raise refusal(error, function.py_func, lines) from error

    return functools.update_wrapper(call, function.py_func)


def refusal(error: Exception, function: Any, lines: Lines) -> UnsupportedForNumba:
    """Return what numba says as an error of ours, at the line that it is about."""
    name = function.__name__.removesuffix("_adjoint").removesuffix("_tangent")
    file = os.path.basename(function.__code__.co_filename)
    numbers = [
        int(line) for found, line in _PLACE.findall(str(error)) if os.path.basename(found) == file
    ]
    location = getattr(error, "loc", None)
    numbers += [location.line] if location is not None else []
    origin = next((lines[k] for k in numbers if k in lines), None)
    place = None
    if origin is not None:
        where, line, column, text = origin
        place = Place(where, line, column, column + len(text), " " * column + text)
    called = _CALLED.search(str(error))
    what = f"a call of `{called[1]}`" if called else f"the derivative of `{name}`"
    return UnsupportedForNumba(
        f"numba cannot compile {what}",
        place,
        f"numba says: {_reason(error)}; compute with numbers and arrays, or leave `compile` out",
    )


def _reason(error: Exception) -> str:
    """Return the line of numba's message that says most."""
    found = [line.strip() for line in str(error).splitlines()]
    said = [
        line
        for line in found
        if line and not line.startswith(("Failed in", "During:", "File", "There are", ">>>", "-"))
    ]
    text = said[0].rstrip(".:") if said else type(error).__name__
    return re.sub(r" from '[^']*'", "", text)
