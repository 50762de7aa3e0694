"""Results in whole numbers: where all operands are, or never.

Takes what a rule says of its result, gives it with the dtype that holds where an operand is in
whole numbers; requires `ir`. A result that is said to be in whole numbers has no derivative.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, ListOf, TupleOf, is_discrete, result_dtype
from s2s_ad.ir.remembered import replace

from .results import Args, Kinds, as_array, dtype_of
from .rule import Result


def of_all(result: Result, *operands: str) -> Result:
    """Return a result in the dtype that arithmetic on these operands gives."""

    def made(kinds: Kinds, args: Args) -> Kind:
        dtypes = (dtype_of(as_array(kinds.get(x, UNKNOWN))) for x in operands)
        return _with_dtype(result(kinds, args), result_dtype(*dtypes))

    return made


def in_floats(result: Result) -> Result:
    """Return a result that is in floats also where its operand is in whole numbers."""

    def made(kinds: Kinds, args: Args) -> Kind:
        kind = result(kinds, args)
        return _with_dtype(kind, "float") if is_discrete(kind) else kind

    return made


def _with_dtype(kind: Kind, dtype: str) -> Kind:
    if isinstance(kind, Array):
        return kind if kind.dtype == dtype else replace(kind, dtype=dtype)
    if isinstance(kind, TupleOf):
        return replace(kind, items=tuple(_with_dtype(item, dtype) for item in kind.items))
    return ListOf(_with_dtype(kind.item, dtype)) if isinstance(kind, ListOf) else kind
