"""Rules of functions that take arrays apart, and of those that put others between entries.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.ir.kinds import Array, ListOf

from . import results
from .declare import linear
from .results import constant, is_integer
from .whole_numbers import of_all

_PARTS = constant(ListOf(Array(None, "any")))

linear("np.array_split(ary, indices_or_sections, axis=0)", ary="np.concatenate(d, axis=axis)",
       ranks=("array",), result=_PARTS)  # fmt: skip
for _name, _axis, _rank in (
    ("vsplit", 0, "array"),
    ("dsplit", 2, "array"),
    ("hsplit", 0, 1),
    ("hsplit", 1, 2),
    ("hsplit", 1, 3),
):
    linear(f"np.{_name}(ary, indices_or_sections)", ary=f"np.concatenate(d, axis={_axis})",
           ranks=(_rank,), result=_PARTS)  # fmt: skip

linear(
    "np.append(arr, values, axis=None)",
    arr="np.split(d, [np.shape(arr)[axis]], axis)[0]",
    values="np.split(d, [np.shape(arr)[axis]], axis)[1]",
    tangent={
        "arr": "np.append(d, zeros_like(values), axis)",
        "values": "np.append(zeros_like(arr), d, axis)",
    },
    where={"axis": is_integer},
    ranks=("array", "array"),
    result=of_all(results.same_rank("arr"), "arr", "values"),
)
# where each entry of the result is from: an array, and behind it what is put in
_BEHIND = "np.size(arr) + np.reshape(np.arange(np.size(values)), np.shape(values))"
_FROM = f"np.insert(np.arange(np.size(arr)), obj, {_BEHIND})"
_ORIGINS = f"scatter(d, np.zeros(np.size(arr) + np.size(values)), {_FROM})"
linear(
    "np.insert(arr, obj, values)",
    arr=f"({_ORIGINS})[: np.size(arr)]",
    values=f"unbroadcast(np.reshape(({_ORIGINS})[np.size(arr) :], np.shape(values)), values)",
    tangent={
        "arr": "np.insert(d, obj, zeros_like(values))",
        "values": "np.insert(zeros_like(arr), obj, d)",
    },
    ranks=(1,),
    result=results.ranked(1, "arr"),
)
linear(
    "np.dstack(tup)",
    tup="[unbroadcast(np.reshape(part, np.shape(v)), v) for part, v in "
    "zip(split_like(d, [np.atleast_3d(v) for v in tup], 2), tup)]",
    ranks=("list",),
    result=results.ranked(3, "tup", "any"),
)

# grids

for _indexing, _of_x, _of_y in (("xy", 1, 0), ("ij", 0, 1)):
    linear(
        "np.meshgrid(x, y, /, *, indexing='xy')",
        x=f"np.sum(d[0], axis={_of_y})",
        y=f"np.sum(d[1], axis={_of_x})",
        tangent={
            "x": f"np.meshgrid(d, zeros_like(y), indexing='{_indexing}')",
            "y": f"np.meshgrid(zeros_like(x), d, indexing='{_indexing}')",
        },
        where={"indexing": _indexing},
        ranks=(1, 1),
        result=results.several(("x", "y"), type(np.meshgrid(0.0, 0.0)), 2),
    )
