"""Calls that make arrays which compute in a way of their own: matrices, masked arrays.

Takes statements with their context, raises a refusal; requires `ir`, `analysis`.

`*` of a `np.matrix` is a matrix product, masked arrays leave entries out. Nothing says so where
such an array meets active values later: it is refused where it is made.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import all_parts
from s2s_ad.transform.context import Context
from s2s_ad.transform.reading import flat

_MATRICES = tuple(getattr(np, name, None) for name in ("asmatrix", "bmat", "mat"))


def check_foreign_arrays(context: Context, s: n.Stmt) -> None:
    """Refuse a statement that makes a matrix or a masked array, active or not."""
    if s.uid not in context.facts.before:
        return
    for e in all_parts(flat(s)):
        found = context.facts.object_of(e.func, s.uid) if isinstance(e, n.Call) else None
        if isinstance(e, n.Call) and found is not None and _makes_foreign_arrays(found[0]):
            message = "an array that computes in a way of its own"
            raise context.refuse(s, e, message, "work with np.array and np.where")


def _makes_foreign_arrays(callee: object) -> bool:
    """True for classes of NumPy's arrays but the plain ones, and functions that make them.

    >>> _makes_foreign_arrays(np.matrix), _makes_foreign_arrays(np.ma.masked_less)
    (True, True)
    >>> _makes_foreign_arrays(np.array), _makes_foreign_arrays(np.memmap)
    (False, False)
    """
    if isinstance(callee, type):
        return issubclass(callee, np.ndarray) and callee not in (np.ndarray, np.memmap)
    module = getattr(callee, "__module__", None) or ""
    return module.startswith("numpy.ma") or any(callee is x for x in _MATRICES if x is not None)
