"""Of which dtype the numbers are that an expression gives.

Takes expressions with the kinds of variables, gives names of dtypes; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.walk import names


def dtype_of(e: n.Expr, kinds: Mapping[str, Kind]) -> str | None:
    """Return the dtype of the numbers that an expression gives: `float`, `int` or `bool`."""
    if isinstance(e, n.Const):
        known = {float: "float", int: "int", bool: "bool"}
        return known.get(type(e.value))
    if isinstance(e, n.Compare) or (isinstance(e, n.Unary) and e.op == "not"):
        return "bool"
    kind = kinds.get(e.id) if isinstance(e, n.Name) else None
    if type(kind) is Number:
        return kind.type if kind.type in ("float", "int", "bool") else None
    if isinstance(e, n.Subscript) and isinstance(e.value, n.Name):
        array = kinds.get(e.value.id)
        index = e.index.items if isinstance(e.index, n.TupleExpr) else (e.index,)
        plain = all(isinstance(x, (n.Name, n.Const, n.Unary, n.Binary)) for x in index)
        numbers = all(isinstance(kinds.get(x), Number) for i in index for x in names(i))
        if isinstance(array, Array) and array.dims is not None and plain and numbers:
            known_dtype = array.dtype in ("float", "int", "bool")
            return array.dtype if known_dtype and len(index) == len(array.dims) else None
    return None
