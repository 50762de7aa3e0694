"""Rules of `np.pad`: zeros, other constants or copies of entries around an array.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, fresh_dim, longer

from .declare import linear
from .results import Args, Kinds, is_integer, literal

# what is around the array are its own entries, those of each axis by themselves
COPYING = ("edge", "reflect", "symmetric", "wrap")


def is_positive_integer(value: object) -> bool:
    """True for a literal number of places."""
    return is_integer(value) and isinstance(value, int) and value > 0


def is_copying(value: object) -> bool:
    return value in COPYING


def _padded(kinds: Kinds, args: Args) -> Kind:
    kind = kinds.get("array", UNKNOWN)
    if not isinstance(kind, Array) or kind.dims is None:
        return UNKNOWN
    try:
        around = np.broadcast_to(literal(args.get("pad_width")), (len(kind.dims), 2))  # type: ignore[call-overload]
        by = [int(before) + int(behind) for before, behind in around]
    except (TypeError, ValueError):
        return replace(kind, dims=tuple(fresh_dim() for _ in kind.dims))
    return replace(kind, dims=tuple(map(longer, kind.dims, by)))


for _rank in (1, 2, 3):
    _inside = ", ".join(["pad_width:-pad_width"] * _rank)
    linear("np.pad(array, pad_width, mode='constant')", array=f"d[{_inside}]", ranks=(_rank,),
           where={"pad_width": is_positive_integer, "mode": "constant"},
           tangent={"array": "np.pad(d, pad_width)"}, result=_padded)  # fmt: skip
linear("np.pad(array, pad_width, mode='constant', *, constant_values=0)",
       array="unpad(d, pad_width)", ranks=("array",), where={"mode": "constant"},
       tangent={"array": "np.pad(d, pad_width)"}, result=_padded)  # fmt: skip
_AROUND = "np.pad(np.zeros(np.shape(array)), pad_width, constant_values={})"
linear("np.pad(array, pad_width, mode='constant', *, constant_values=0)",
       array="unpad(d, pad_width)", constant_values=f"np.sum(d * {_AROUND.format('1.0')})",
       ranks=("array", None, None, 0), where={"mode": "constant"},
       tangent={"array": "np.pad(d, pad_width)", "constant_values": _AROUND.format("d")},
       result=_padded)  # fmt: skip
linear("np.pad(array, pad_width, mode='constant')", array="unpad(d, pad_width, mode)",
       ranks=("array",), where={"mode": is_copying}, result=_padded)  # fmt: skip
