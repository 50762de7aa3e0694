"""What evaluating a call does besides giving a value: nothing, or it may change its arguments.

Takes callees that names stand for, gives whether they are *pure*: no effect on anything that the
caller can see, and the same value whenever the arguments are the same. Requires `ir`, `rules`.

What is not known to be pure is taken to change whatever it is given.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import logging
import math
import types
import warnings
from collections.abc import Callable
from typing import TypeGuard

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.rules import registry
from s2s_ad.runtime.calls import AT_RUN_TIME

PURE_BUILTINS = frozenset(
    getattr(builtins, name)
    for name in (
        "abs all any ascii bin bool bytes callable chr complex dict divmod enumerate filter float "
        "format frozenset getattr hasattr hash hex id int isinstance issubclass len list map max "
        "min oct ord pow range repr reversed round set slice sorted str sum super tuple type zip"
    ).split()
)
CHANGING = frozenset(
    "copyto put put_along_axis place putmask fill_diagonal setbufsize seterr".split()
)
# arguments that have a function put its result, or its working data, into what it is given
CHANGING_KEYWORDS = ("out", "overwrite_", "inplace")
READING_METHODS = frozenset(
    "keys values items get copy index count tolist item fromkeys union intersection difference "
    "issubset issuperset split rsplit splitlines strip lstrip rstrip join format lower upper title "
    "capitalize startswith endswith replace find rfind encode decode isdigit isalpha isnumeric "
    "bit_length is_integer as_integer_ratio hex conjugate zfill __getitem__ __len__".split()
)
LIBRARIES = ("numpy", "scipy")
# methods of ufuncs that give a value, and where each takes an array to put it into
UFUNC_METHODS = {"outer": None, "reduce": 3, "accumulate": 3, "reduceat": 4}
NOTHING = (n.Const("None", None), n.Const("False", False))
LOGGING = frozenset("debug info warning error critical exception log".split())


def may_change(value: object) -> bool:
    """True for a value that code may change in place: a container, an instance of a class."""
    fixed = (types.ModuleType, type, str, int, float, complex, tuple, types.NoneType)
    return not isinstance(value, fixed) and not callable(value)


def is_pure_object(callee: object) -> bool:
    """True for a function or class of Python, NumPy or SciPy that does nothing but give a value.

    What it is given to call, if that is its way, is another matter: see `applied`.
    """
    if registry.lookup(callee):
        return True
    if callee in AT_RUN_TIME:
        return False  # it has the effect of what it calls
    if isinstance(callee, type):
        home = callee.__module__
        return (
            callee in (functools.partial, np.vectorize)
            or issubclass(callee, (BaseException, np.generic, np.dtype))
            or callee in PURE_BUILTINS
            or home == "fractions"
        )
    if isinstance(callee, np.ufunc) or is_method_of_ufunc(callee):
        return True
    try:
        if callee in PURE_BUILTINS:
            return True
    except TypeError:
        return False
    name = getattr(callee, "__name__", "")
    home = str(getattr(callee, "__module__", None) or "")
    if isinstance(callee, types.BuiltinFunctionType) and not home:
        # a method of a builtin object, such as a bound `list.append` or `random.random`
        owner = callee.__self__
        return name in READING_METHODS or isinstance(owner, (str, types.ModuleType, type))
    if home == math.__name__ or home.startswith("s2s_ad.runtime"):
        return True
    library = home.split(".")[0] in LIBRARIES
    return library and ".random" not in home and name not in CHANGING and not _is_bound(callee)


def is_method_of_ufunc(callee: object) -> TypeGuard[types.BuiltinMethodType]:
    """True for `np.add.outer` and its like, which give a value; `np.add.at` changes an array."""
    owner = getattr(callee, "__self__", None)
    return isinstance(owner, np.ufunc) and getattr(callee, "__name__", "") in UFUNC_METHODS


def ufunc_of(callee: object, method: str) -> np.ufunc | None:
    """Return the ufunc whose method of this name is called: `np.add` for `np.add.at`."""
    owner = getattr(callee, "__self__", None)
    named = getattr(callee, "__name__", "") == method
    return owner if isinstance(owner, np.ufunc) and named else None


def only_tells(callee: object) -> bool:
    """True for what shows or writes down what it is given and leaves it alone: `print`, logging."""
    owner = getattr(callee, "__self__", None)
    logs = isinstance(owner, (logging.Logger, logging.LoggerAdapter)) or (
        isinstance(callee, types.FunctionType) and callee.__module__ == logging.__name__
    )
    name = getattr(callee, "__name__", "")
    return callee in (print, warnings.warn) or (logs and name in LOGGING)


def applied(callee: object, e: n.Call) -> tuple[tuple[n.Expr, ...], int] | None:
    """Return the functions that a function calls with items, and with how many at a time."""
    if callee in (builtins.map, builtins.filter, functools.reduce) and e.args:
        return e.args[:1], 2 if callee is functools.reduce else max(1, len(e.args) - 1)
    if callee in (builtins.sorted, builtins.min, builtins.max):
        return next((((k.value,), 1) for k in e.keywords if k.name == "key"), None)
    if callee is np.apply_along_axis:
        return e.args[:1], max(1, len(e.args) - 2)
    if callee is np.piecewise and len(e.args) > 2:
        several = e.args[2]
        if isinstance(several, (n.ListExpr, n.TupleExpr)):
            return several.items, len(e.args) - 2
        return (several,), len(e.args) - 2
    return None


def is_pure_method(name: str) -> bool:
    """True for the name of a method that reads its object, whatever kind of thing that is."""
    return name in READING_METHODS or bool(registry.lookup_method(name))


def changes_arguments(e: n.Call) -> bool:
    """True when a keyword says that the call puts something into an argument."""
    return any(
        k.name is not None and k.name.startswith(CHANGING_KEYWORDS) and k.value not in NOTHING
        for k in e.keywords
    )


def fills_arguments(callee: object, e: n.Call) -> bool:
    """True when a function of a library is given, by position, what it puts its result into."""
    if not e.args or not callable(callee):
        return False
    if callee is np.nan_to_num:
        # unless it is told to copy, it puts what it returns into what it is given
        told = [*e.args[1:2], *(k.value for k in e.keywords if k.name == "copy")]
        return any(x != n.Const("True", True) for x in told)
    first = place_of_out(callee)
    return first is not None and any(x not in NOTHING for x in e.args[first:])


def place_of_out(callee: Callable[..., object]) -> int | None:
    """Return which argument of a function of a library is what it puts its result into."""
    if isinstance(callee, np.ufunc):
        return callee.nin
    if is_method_of_ufunc(callee):
        return UFUNC_METHODS[callee.__name__]
    home = str(getattr(callee, "__module__", None) or "")
    if home.split(".")[0] not in LIBRARIES or isinstance(callee, type):
        return None
    return _named_out(callee)


@functools.lru_cache(maxsize=1024)
def _named_out(callee: Callable[..., object]) -> int | None:
    try:
        params = list(inspect.signature(callee).parameters.values())
    except (TypeError, ValueError):
        return None
    named = [p.name for p in params if p.kind <= p.POSITIONAL_OR_KEYWORD]
    return named.index("out") if "out" in named else None


def _is_bound(callee: object) -> bool:
    owner = getattr(callee, "__self__", None)
    return owner is not None and not isinstance(owner, (type, types.ModuleType))
