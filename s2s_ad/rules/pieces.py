"""Rules of functions that put arrays together in blocks, on diagonals or in views of windows.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, ListOf, TupleOf, join

from . import results
from .declare import elementwise, general, linear, reshaping, zero
from .picking import picking
from .results import Args, Kinds, constant, is_integer


def _blocks(kinds: Kinds, args: Args) -> Kind:
    """A matrix where rows of matrices are told, else unknown."""
    rows = kinds.get("arrays", UNKNOWN)
    each = (
        [row for row in rows.items if isinstance(row, TupleOf)] if isinstance(rows, TupleOf) else []
    )
    blocks = [block for row in each for block in row.items]
    flat = bool(blocks) and all(isinstance(b, Array) and len(b.dims or ()) == 2 for b in blocks)
    return results.ranked(2, "arrays", "any")(kinds, args) if flat else UNKNOWN


def _two_arrays(kinds: Kinds, args: Args) -> Kind:
    a, b = (Array(None, results.dtype_of(kinds.get(name, UNKNOWN))) for name in "ab")
    return TupleOf((a, b)) if isinstance(np.broadcast_arrays(0.0), tuple) else ListOf(join(a, b))


linear("np.block(arrays)", arrays="unblock(d, arrays)", ranks=("list",), result=_blocks)
reshaping("np.diagflat(v, k=0)", v="np.reshape(np.diagonal(d, k), np.shape(v))",
          result=results.ranked(2, "v"))  # fmt: skip
linear(
    "np.broadcast_arrays(a, b, /)",
    a="unbroadcast(d[0], a)",
    b="unbroadcast(d[1], b)",
    tangent={
        "a": "np.broadcast_arrays(d, zeros_like(b))",
        "b": "np.broadcast_arrays(zeros_like(a), d)",
    },
    ranks=("array", "array"),
    result=_two_arrays,
)
_WINDOWS = "np.lib.stride_tricks.sliding_window_view"
picking(f"{_WINDOWS}(x, window_shape, axis=None)", "x",
        f"{_WINDOWS}(PLACES, window_shape, axis=axis)", constant(UNKNOWN),
        ranks=("array",))  # fmt: skip
elementwise("np.real_if_close(a)", "d", result=results.elementwise("same", ("a",), array=True))
elementwise("np.unwrap(p)", "d", result=results.elementwise("float", ("p",), array=True))
linear("np.ediff1d(ary, to_end=None, to_begin=None)",
       ary="np.reshape(-np.diff(d[before : before + np.size(ary) - 1], prepend=0.0, append=0.0), "
       "np.shape(ary))",
       tangent={"ary": "np.concatenate([np.zeros(before), np.ediff1d(d), "
                "np.zeros(np.size(out) - before - np.size(d) + 1)])"},
       let={"before": "(0 if to_begin is None else np.size(to_begin))"},
       ranks=("array",), result=results.ranked(1, "ary"))  # fmt: skip

# equal ratios

_DOWN = "np.linspace(1.0, 0.0, num, endpoint=endpoint)"
_UP = "np.linspace(0.0, 1.0, num, endpoint=endpoint)"
_POSITIVE = {"start": (0.5, 2.0), "stop": (0.5, 2.0)}
for _text, _start, _stop in (
    ("np.logspace(start, stop, num=50, endpoint=True, base=10.0)", "np.log(base)", "np.log(base)"),
    ("np.geomspace(start, stop, num=50, endpoint=True)", "1.0 / start", "1.0 / stop"),
):
    general(
        _text,
        ranks=(0, 0),
        tangent={
            "start": f"out * {_DOWN} * ({_start} * d)",
            "stop": f"out * {_UP} * ({_stop} * d)",
        },
        adjoint={
            "start": f"np.sum(d * out * {_DOWN}) * {_start}".replace("* 1.0 /", "/"),
            "stop": f"np.sum(d * out * {_UP}) * {_stop}".replace("* 1.0 /", "/"),
        },
        result=results.ranked(1, "start", "float"),
        on=_POSITIVE,
    )

# sums of the entries between places: of a place that the next is not behind, its own entry

linear(
    "np.add.reduceat(array, indices, /)",
    array="scatter(np.repeat(d, counts), array, np.arange(np.sum(counts)) "
    "+ np.repeat(np.asarray(indices) - np.cumsum(counts) + counts, counts))",
    let={"counts": "np.maximum(np.diff(np.append(indices, len(array))), 1)"},
    ranks=(1,),
    result=results.ranked(1, "array"),
)

_TO_FRONT = "np.moveaxis({}, axis, 0)"
linear(
    "np.add.reduceat(array, indices, axis=0)",
    array=f"np.moveaxis(scatter(np.repeat({_TO_FRONT.format('d')}, counts, axis=0), "
    f"{_TO_FRONT.format('array')}, np.arange(np.sum(counts)) "
    "+ np.repeat(np.asarray(indices) - np.cumsum(counts) + counts, counts)), 0, axis)",
    let={"counts": "np.maximum(np.diff(np.append(indices, np.shape(array)[axis])), 1)"},
    ranks=("array",),
    where={"axis": is_integer},
    result=results.same_rank("array"),
)

# how many there are between edges: the number moves in steps, the edges with the least and the most

general(
    "np.histogram(a, bins=10)",
    ranks=("array", 0),
    let={
        "shares": "np.linspace(0.0, 1.0, len(out[1]))",
        "least": "ties(a, np.min(a))",
        "most": "ties(a, np.max(a))",
    },
    tangent="(0.0 * out[0], np.sum(least * d) * (1.0 - shares) + np.sum(most * d) * shares)",
    adjoint="least * np.sum(d[1] * (1.0 - shares)) + most * np.sum(d[1] * shares)",
    result=constant(UNKNOWN),
    on={"a": lambda rng: np.array([0.11, 0.95, -0.4, 0.37, -0.61])},
)
general(
    "np.histogram(a, bins=10, *, weights)",
    ranks=("array", 0, "array"),
    let={
        "shares": "np.linspace(0.0, 1.0, len(out[1]))",
        "least": "ties(a, np.min(a))",
        "most": "ties(a, np.max(a))",
        "places": "np.minimum(np.searchsorted(out[1], a, side='right'), len(out[0])) - 1",
    },
    tangent={
        "a": "(0.0 * out[0], np.sum(least * d) * (1.0 - shares) + np.sum(most * d) * shares)",
        "weights": "(np.histogram(a, bins, weights=d)[0], 0.0 * out[1])",
    },
    adjoint={
        "a": "least * np.sum(d[1] * (1.0 - shares)) + most * np.sum(d[1] * shares)",
        "weights": "d[0][places]",
    },
    result=lambda kinds, args: TupleOf(
        tuple(results.ranked(1, x, "float")(kinds, args) for x in ("weights", "a"))
    ),
    on={
        "a": lambda rng: np.array([0.11, 0.95, -0.4, 0.37, -0.61]),
        "weights": lambda rng: rng.uniform(-2.0, 2.0, 5),
    },
)
zero("np.histogram(a, bins)", ranks=("array", 1), result=constant(UNKNOWN))
zero("np.histogram(a, bins=10, *, range)", result=constant(UNKNOWN))
zero("np.digitize(x, bins, right=False)", result=results.elementwise("int", ("x",)))
