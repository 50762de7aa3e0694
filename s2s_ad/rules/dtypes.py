"""What a `dtype` argument keeps of real floats: all, whole numbers only, or nothing known.

Takes values of arguments, gives truths and dtypes of kinds; requires numpy, `ir`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from s2s_ad.ir.kinds import UNKNOWN, Array, DTypeOf, Kind, Object, Str
from s2s_ad.ir.nodes import Expr


def is_float_value(value: object) -> bool:
    """True for a `dtype` argument that keeps real floats what they are."""
    return _dtype_class(value) == "f"


def is_step_value(value: object) -> bool:
    """True for a `dtype` argument of whole numbers or truth values: they move in steps."""
    return _dtype_class(value) in ("i", "u", "b")


def asked_dtype(kind: Kind) -> str:
    """Return the dtype of what is made where a `dtype` argument is of this kind."""
    if isinstance(kind, DTypeOf):
        return kind.dtype
    found = _dtype_class(kind.value) if isinstance(kind, (Object, Str)) else ""
    return {"f": "float", "i": "int", "u": "int", "b": "bool"}.get(found, "any")


def dtype_of(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    """Return what is known of `a.dtype`."""
    kind = kinds.get("a", UNKNOWN)
    known = isinstance(kind, Array) and kind.dtype in ("float", "int", "bool")
    return DTypeOf(kind.dtype) if known and isinstance(kind, Array) else UNKNOWN


def _dtype_class(value: object) -> str:
    """Return the class of a `dtype` argument as NumPy writes it, "" for what is none."""
    if not isinstance(value, (str, type, np.dtype)):
        return ""
    try:
        return np.dtype(value).kind
    except TypeError:
        return ""
