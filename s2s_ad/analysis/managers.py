"""Context managers that may stand around what is differentiated.

Takes the object a `with` calls or names, gives whether it lets exceptions through and whether the
reverse sweep may enter it again. Requires the standard library and numpy.

Under a manager that swallows exceptions a block may end anywhere, and one such as an opened file
cannot be entered twice. What is not known to be harmless is taken not to be.
"""

from __future__ import annotations

import contextlib
import dis
import inspect
import threading
import types
import warnings

import numpy as np

# let exceptions through, and change nothing outside of the process
HARMLESS: tuple[object, ...] = (
    contextlib.nullcontext,
    np.errstate,
    np.printoptions,
    threading.Lock,
    threading.RLock,
    type(threading.Lock()),
    type(threading.RLock()),
    warnings.catch_warnings,
)


def may_enter_again(manager: object) -> bool:
    """True when `with manager:` or `with manager(...):` lets exceptions through, and may be
    entered once more: that of a class in Python does what the function itself has it do.

    >>> may_enter_again(np.errstate), may_enter_again(contextlib.suppress), may_enter_again(open)
    (True, False, False)
    """
    made = manager if isinstance(manager, type) else type(manager)
    if any(known is manager or known is made for known in HARMLESS):
        return True
    leave = inspect.getattr_static(made, "__exit__", None)
    if str(getattr(made, "__module__", "")) in ("contextlib", "tempfile"):
        return False
    return isinstance(leave, types.FunctionType) and _returns_nothing_true(leave.__code__)


def _returns_nothing_true(code: types.CodeType) -> bool:
    """True when a function only ever returns None or False: an `__exit__` that swallows nothing."""
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE):
        return False
    before = None
    for instruction in dis.get_instructions(code):
        value = instruction if instruction.opname == "RETURN_CONST" else before
        if instruction.opname.startswith("RETURN_") and instruction.opname != "RETURN_GENERATOR":
            constant = value is not None and value.opname in ("LOAD_CONST", "RETURN_CONST")
            if not constant or value.argval not in (None, False):  # type: ignore[union-attr]
                return False
        before = instruction
    return True
