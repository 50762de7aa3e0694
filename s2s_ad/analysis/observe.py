"""The kind of a value that exists: an argument of the call, a global, a default.

Takes Python objects, gives kinds (`ir.kinds`), requires numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from s2s_ad.errors import SourceError
from s2s_ad.ir.kinds import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    NOTHING,
    NUMBER,
    UNKNOWN,
    Array,
    DictOf,
    Dim,
    Kind,
    ListOf,
    MaybeNumber,
    Number,
    Object,
    OneTime,
    RangeKind,
    Str,
    TupleOf,
    Unknown,
    either,
)
from s2s_ad.runtime.structure import few, own_arithmetic

WIDE = 4  # bytes: integers of fewer overflow in small sums, and are not called integers


def kind_of(value: object, name: str = "") -> Kind:
    """Return the kind of `value`; `name` makes the symbols of an array's axes.

    >>> kind_of(1.5)
    Number(type='float')
    """
    if isinstance(value, (bool, np.bool_)):
        return BOOL
    if isinstance(value, np.integer) and value.itemsize < WIDE:
        return NUMBER
    if isinstance(value, (int, np.integer)):
        return INT
    if isinstance(value, (float, np.floating)):
        return FLOAT
    if isinstance(value, (complex, np.complexfloating)):
        return UNKNOWN
    if type(value) is np.ndarray:
        return _array_kind(value, name)
    if value is None:
        return NONE
    if isinstance(value, str):
        return Str(value)
    if type(value) is tuple:
        return TupleOf(tuple(kind_of(item, f"{name}.{k}") for k, item in enumerate(value)))
    if type(value) is list:
        return ListOf(_joined([kind_of(item, f"{name}.{k}") for k, item in enumerate(value)]))
    if type(value) is dict:
        items = [kind_of(item, f"{name}.{k}") for k, item in enumerate(value.values())]
        return DictOf(_joined(items))
    if isinstance(value, range):
        return RangeKind()
    if callable(value) or type(value).__name__ == "module":
        return Object(value)
    return OneTime() if isinstance(value, Iterator) else UNKNOWN


def kind_of_object(value: object) -> Kind:
    """Return the kind of a live object; its lengths are those of no parameter of that name."""
    own = own_arithmetic(value)
    if own:
        raise SourceError(
            f"a {own} that the function reads computes in a way of its own",
            hint="read np.asarray of it, and what is special about it under another name",
        )
    return kind_of(value, f"@{id(value)}")


def _array_kind(value: np.ndarray[Any, Any], name: str) -> Kind:
    dtype = {"f": "float", "i": "int", "u": "int", "b": "bool"}.get(value.dtype.kind, "other")
    if dtype == "int" and value.itemsize < WIDE:
        dtype = "any"
    if value.ndim == 0:
        return Array((), dtype)
    dims = tuple(
        Dim(f"{name}.{axis}", 0, length == 1 if length else None, few(length, axis))
        for axis, length in enumerate(value.shape)
    )
    return Array(dims, dtype, value.dtype.char == "d")


def _joined(kinds: list[Kind]) -> Kind:
    if not kinds:
        return NOTHING
    result = kinds[0]
    for kind in kinds[1:]:
        result = _alike(result, kind)
    return result


def _alike(a: Kind, b: Kind) -> Kind:
    """Return the kind of items of which some are missing: numbers or None, in tuples too.

    >>> _joined([TupleOf((INT, NONE)), TupleOf((INT, FLOAT))])
    TupleOf(items=(Number(type='int'), MaybeNumber(type='float')), is_list=False)
    """
    if isinstance(a, TupleOf) and isinstance(b, TupleOf) and len(a.items) == len(b.items):
        return TupleOf(tuple(map(_alike, a.items, b.items)), a.is_list or b.is_list)
    return either(a, b)


def real(kind: Kind) -> Kind:
    """Return the kind a differentiated argument has: its integers stand for real numbers."""
    if isinstance(kind, MaybeNumber):
        return MaybeNumber(FLOAT.type)
    if isinstance(kind, Number):
        return FLOAT
    if isinstance(kind, TupleOf):
        return TupleOf(tuple(real(item) for item in kind.items), kind.is_list)
    if isinstance(kind, ListOf):
        return ListOf(real(kind.item))
    if isinstance(kind, DictOf):
        return DictOf(real(kind.value))
    return kind


def known_object(obj: object) -> Kind:
    """Return the kind of a live object outside the function: at least that it is this object."""
    kind = kind_of_object(obj)
    return Object(obj) if isinstance(kind, Unknown) else kind
