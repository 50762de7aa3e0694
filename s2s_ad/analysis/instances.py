"""Which classes a value of some kind may be an instance of: what decides `isinstance`.

Takes kinds and classes, gives True, False or None where it depends; requires `ir`, numpy.

A kind names all classes that its values can have when the function runs, which may be several: an
integer that is differentiated stands for a real number, an array of no axes becomes a NumPy number.
"""

from __future__ import annotations

import abc
import types
import typing
from collections.abc import Iterable

import numpy as np

from s2s_ad.ir.kinds import (
    Array,
    DictOf,
    Kind,
    ListOf,
    MaybeNumber,
    NoneKind,
    Number,
    Object,
    RangeKind,
    Str,
    TupleOf,
)

_TRUTHS = (bool, np.bool_)
_INTEGERS = (bool, int, np.int64, np.int32, np.uint8)
_FLOATS = (*_INTEGERS, float, np.float64, np.float32, np.float16, np.longdouble)
_NUMBERS = {"bool": _TRUTHS, "int": _INTEGERS, "float": _FLOATS}
_LISTS = (list, zip, enumerate, reversed, map, filter, types.GeneratorType)
_PLAIN_TESTS = (type.__instancecheck__, abc.ABCMeta.__instancecheck__)


def classes_of(kind: Kind) -> tuple[type, ...]:
    """Return all classes that values of a kind may have, () when they may have others."""
    if isinstance(kind, Number):
        found = _NUMBERS.get(kind.type, (*_FLOATS, np.bool_))
        return (*found, type(None)) if isinstance(kind, MaybeNumber) else found
    if isinstance(kind, Array):
        return (np.ndarray,) if kind.dims else (np.ndarray, *_FLOATS, np.bool_)
    if isinstance(kind, TupleOf):
        return (tuple, *_LISTS) if kind.is_list else (tuple,)
    if isinstance(kind, ListOf):
        return _LISTS
    plain: dict[type, type] = {DictOf: dict, NoneKind: type(None), Str: str, RangeKind: range}
    known = plain.get(type(kind))
    return () if known is None else (known,)


def is_instance(kind: Kind, classinfo: object) -> bool | None:
    """Return the value of `isinstance(x, classinfo)` for x of a kind, None where it depends.

    >>> is_instance(Number("int"), (str, list)), is_instance(Number("int"), int)
    (False, None)
    """
    wanted = _flat(classinfo)
    if wanted is None:
        return None
    if isinstance(kind, Object):
        return isinstance(kind.value, tuple(wanted))
    possible = classes_of(kind)
    if not possible:
        return None
    if all(any(issubclass(c, w) for w in wanted) for c in possible):
        return True
    # a class of the user's may be derived from what the kind names
    unrelated = all(not issubclass(c, w) and not issubclass(w, c) for c in possible for w in wanted)
    return False if unrelated else None


def _flat(classinfo: object) -> list[type] | None:
    """Return the classes that a class, a union or a tuple of such names; None for any other."""
    if isinstance(classinfo, (tuple, types.UnionType)):
        parts = classinfo if isinstance(classinfo, tuple) else classinfo.__args__
        return _joined(_flat(part) for part in parts)
    if not isinstance(classinfo, type) and not hasattr(classinfo, "__args__"):
        classinfo = typing.get_origin(classinfo)  # `typing.Sequence`
    if isinstance(classinfo, type) and type(classinfo).__instancecheck__ in _PLAIN_TESTS:
        return [classinfo]
    return None


def _joined(parts: Iterable[list[type] | None]) -> list[type] | None:
    found: list[type] = []
    for part in parts:
        if part is None:
            return None
        found.extend(part)
    return found
