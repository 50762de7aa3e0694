"""Adjoints of nested values: zeros, sums, shapes and parts of them.

Takes and gives numbers, arrays and lists, tuples and dicts of them; requires numpy only. None of
these functions changes its arguments.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import numbers
import types
from collections.abc import ItemsView, KeysView, Mapping, Sequence, ValuesView
from typing import Any

import numpy as np

from .records import attributes

# what no operator changes in place: numbers, text, functions
_REBOUND = (
    *(numbers.Number, np.generic, str, type, np.ufunc, functools.partial),
    *(types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType),
)


def stop_gradient(x: Any) -> Any:
    """Return `x`, taken as a constant: no derivative flows through it.

    >>> stop_gradient(1.5)
    1.5
    """
    return x


def as_number(x: Any) -> Any:
    """Return `x`, refused unless it is a number: what `+=` changes in place may have other names.

    >>> as_number(1.5)
    1.5
    """
    if x is None or isinstance(x, _REBOUND):
        return x
    what = "an array" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
    raise TypeError(
        f"an in-place operator on {what} that other names may share: "
        "write `x = x + e` for `x += e`, or say what the arguments are (--like, --call)"
    )


def as_real(x: Any) -> Any:
    """Return `x`, refused where it is complex: eigenvalues may be, branches of Lambert's function.
    NumPy 2.5 gives eigenvalues that are real as complex numbers too.

    >>> as_real(1.5), as_real(1.5 + 0.0j)
    (1.5, 1.5)
    """
    if np.iscomplexobj(x) and not np.any(np.imag(x)):
        return x.real
    if np.iscomplexobj(x):
        raise TypeError(
            "eigenvalues or values of a function that are complex: "
            "only real numbers are differentiated"
        )
    return x


def keys(x: Any) -> list[Any]:
    """Return what a loop over `x` gives that is used as a key: the keys of a dict, whole numbers.

    >>> keys({"a": 1.5})
    ['a']
    """
    items = list(x)
    if isinstance(x, dict) or all(isinstance(item, (str, int, np.integer)) for item in items):
        return items
    raise TypeError(
        f"a loop over a {type(x).__name__} whose items are keys: "
        "say what the arguments are (--like, --call)"
    )


def sequence(x: Any) -> Any:
    """Return `x`, refused where it is a dict: a loop over it does not give its items.

    >>> sequence([1.5])
    [1.5]
    """
    if isinstance(x, Mapping):
        raise TypeError(
            f"a loop over the keys of a {type(x).__name__}: "
            "say what the arguments are (--like, --call)"
        )
    return x


def zeros_like(x: Any) -> Any:
    """Return the zero adjoint of `x`: 0.0, an array, or a list or dict of them (tuples as lists).

    >>> zeros_like((1, [2.0], {"a": 3}))
    [0.0, [0.0], {'a': 0.0}]
    """
    if isinstance(x, np.ndarray):
        return np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else float)
    if isinstance(x, (list, tuple)):
        return [zeros_like(item) for item in x]
    if isinstance(x, dict):
        return {key: zeros_like(value) for key, value in x.items()}
    own = None if isinstance(x, (float, int)) else attributes(x)
    return 0.0 if own is None else zeros_like(own)


def add(a: Any, b: Any) -> Any:
    """Return the sum of two adjoints: item by item for lists, tuples and dicts.

    >>> add([1.0, (2.0,)], [0.5, [1.0]])
    [1.5, [3.0]]
    """
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            raise ValueError(f"adjoints of {len(a)} and {len(b)} items do not add up")
        return [add(x, y) for x, y in zip(a, b)]
    if isinstance(a, (list, tuple)) and _is_zero(b):
        return [copied(item) for item in a]
    if isinstance(b, (list, tuple)) and _is_zero(a):
        return [copied(item) for item in b]
    if isinstance(a, dict) and isinstance(b, dict):
        either = {**b, **a}
        return {k: add(a[k], b[k]) if k in a and k in b else copied(either[k]) for k in either}
    if isinstance(a, dict) and _is_zero(b):
        return copied(a)
    if isinstance(b, dict) and _is_zero(a):
        return copied(b)
    is_array = isinstance(a, np.ndarray) or isinstance(b, np.ndarray)
    return np.asarray(a + b) if is_array else a + b  # one of no axes stays an array


def buffer(x: Any) -> Any:
    """Return a copy of the adjoint `x` that can be stored into: lists for tuples, no numbers.

    >>> buffer(np.float64(2.0)), buffer((1.0, [2.0]))
    (array(2.), [1.0, [2.0]])
    """
    number = isinstance(x, (numbers.Number, np.generic))
    return np.array(x) if number else add(zeros_like(x), x)


def copied(x: Any) -> Any:
    """Return a copy of all of `x` that can be changed in place: arrays, lists, dicts, objects.

    >>> rows = [[1, 2], "a"]
    >>> new = copied(rows)
    >>> new[0][0] = 5
    >>> rows, new
    ([[1, 2], 'a'], [[5, 2], 'a'])
    """
    if isinstance(x, np.ndarray):
        return x.copy()
    if type(x) in (list, tuple):
        return type(x)(copied(item) for item in x)
    if type(x) is dict:
        return {key: copied(value) for key, value in x.items()}
    if isinstance(x, (KeysView, ValuesView, ItemsView)):
        return [copied(item) for item in x]
    return x if isinstance(x, (float, int, np.number)) else copy.deepcopy(x)


def _is_zero(x: Any) -> bool:
    return isinstance(x, (int, float)) and x == 0


def _shaped(value: Any, like: Any) -> Any:
    """Return the array `value` with the structure of `like`, a nested list or tuple."""
    if isinstance(like, (list, tuple)):
        if len(value) != len(like):
            raise ValueError(f"an adjoint of {len(value)} items for a value of {len(like)}")
        return [_shaped(v, item) for v, item in zip(value, like)]
    if isinstance(like, np.ndarray):
        return np.asarray(value)
    return float(value)


def unbroadcast(g: Any, like: Any) -> Any:
    """Return `g` brought to the shape of `like`: summed over axes it was broadcast along.

    Axes that `g` lacks are repeated, which makes this its own transpose. A number gives a number.

    >>> unbroadcast(np.ones((2, 3)), 5.0)
    6.0
    """
    if isinstance(like, np.ndarray):
        if isinstance(g, np.ndarray) and g.shape == like.shape:
            return g
        return to_shape(g, like.shape)
    if isinstance(like, (list, tuple)):
        if not isinstance(g, (list, tuple)):
            return _shaped(to_shape(g, np.shape(like)), like)
        if len(g) != len(like):
            raise ValueError(
                f"an adjoint of {len(g)} items for a value of {len(like)}: where lists may be "
                "joined by `+` or repeated by `*`, say what the arguments are (--like, --call)"
            )
        return [unbroadcast(part, item) for part, item in zip(g, like)]
    if isinstance(like, dict):
        return sequence(like) if isinstance(g, (np.ndarray, list, tuple)) else g
    return float(np.sum(g)) if isinstance(g, (np.ndarray, list, tuple)) else g


def to_shape(g: Any, shape: tuple[int, ...]) -> Any:
    g = np.asarray(g)
    if g.shape == shape:
        return g
    if g.ndim > len(shape):
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    axes = tuple(k for k, n in enumerate(shape[len(shape) - g.ndim :]) if n == 1 != g.shape[k])
    if axes:
        g = g.sum(axis=axes, keepdims=True)
    return g if g.shape == shape else np.broadcast_to(g, shape).copy()


def expand(g: Any, like: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return `g`, the differential of a reduction of `like` over `axis`, repeated along `axis`.

    >>> expand(np.array([1.0, 2.0]), np.zeros((2, 2)), axis=1)
    array([[1., 1.],
           [2., 2.]])
    """
    if axis == () and isinstance(like, (list, tuple)):
        return [expand(part, item, ()) for part, item in zip(_items(g, len(like)), like)]
    if axis == () and isinstance(like, dict):
        return g if isinstance(g, dict) else {key: expand(g, like[key], ()) for key in like}
    shape = np.shape(like)
    if not shape and not isinstance(like, np.ndarray):
        return g
    if axis is not None and not keepdims and np.ndim(g):
        axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        g = np.expand_dims(g, tuple(int(a) % len(shape) for a in axes))
    full = np.broadcast_to(g, shape).copy()
    return _shaped(full, like) if isinstance(like, (list, tuple)) else full


def _items(g: Any, count: int) -> Any:
    return g if isinstance(g, (list, tuple)) else [g] * count


def spread(g: Any, items: Any) -> Any:
    """Return `g`, the differential of `sum(items)`, for each of the items in its own shape.

    >>> spread(1.5, [2.0, 3.0])
    [1.5, 1.5]
    """
    if isinstance(items, np.ndarray):
        return np.broadcast_to(to_shape(g, items.shape[1:]), items.shape).copy()
    return [unbroadcast(g, item) for item in sequence(items)]


def unrepeat(g: Sequence[Any], items: Sequence[Any]) -> list[Any]:
    """Return for each of the items the sum of its parts in `g`, the differential of `items * n`.

    >>> unrepeat([1.0, 2.0, 3.0, 4.0], [5.0, 6.0])
    [4.0, 6.0]
    """
    sums = zeros_like(items)
    for k, part in enumerate(g):
        sums[k % len(items)] = add(sums[k % len(items)], part)
    return list(sums)


def split_like(g: Any, arrays: Sequence[Any], axis: int | None = 0) -> list[Any]:
    """Return the parts of `g` that `np.concatenate(arrays, axis)` put together.

    >>> split_like(np.array([1.0, 2.0, 3.0]), [np.zeros(1), np.zeros(2)])
    [array([1.]), array([2., 3.])]
    """
    parts = []
    start = 0
    for array in arrays:
        shape = np.shape(array)
        if axis is None:
            stop = start + math.prod(shape)
            part = g[start:stop].reshape(shape).copy() if shape else float(g[start])
        else:
            stop = start + shape[axis]
            part = g[(slice(None),) * (axis % len(shape)) + (slice(start, stop),)].copy()
        parts.append(_shaped(part, array) if isinstance(array, (list, tuple)) else part)
        start = stop
    return parts


def unblock(g: Any, arrays: Any) -> Any:
    """Return the parts of `g` that `np.block(arrays)` put together, in lists as those there.

    >>> unblock(np.array([[1.0, 2.0], [3.0, 4.0]]), [[np.zeros((2, 1)), np.zeros((2, 1))]])
    [[array([[1.],
           [3.]]), array([[2.],
           [4.]])]]
    """
    return _unblocked(g, arrays, -_depth(arrays))


def _depth(arrays: Any) -> int:
    return 1 + max(map(_depth, arrays)) if isinstance(arrays, (list, tuple)) else 0


def _unblocked(g: Any, arrays: Any, axis: int) -> Any:
    if not isinstance(arrays, (list, tuple)):
        part = np.reshape(g, np.shape(arrays))
        return part.copy() if part.shape else float(part)
    # each is as long as its blocks are, which have an axis for every level of the lists
    lengths = [((1,) * np.ndim(g) + np.shape(np.block(item)))[axis] for item in arrays]
    parts = np.split(g, list(itertools.accumulate(lengths))[:-1], axis)
    return [_unblocked(part, item, axis + 1) for part, item in zip(parts, arrays)]


def unstack(g: Any, axis: int = 0) -> list[Any]:
    """Return the parts of `g` that `np.stack(arrays, axis)` put together; numbers of a vector.

    >>> unstack(np.array([1.0, 2.0]))
    [1.0, 2.0]
    """
    if g.ndim == 1:
        return [float(value) for value in g]
    return [part.copy() for part in np.moveaxis(g, axis, 0)]


def unpad(g: Any, pad_width: Any, mode: str = "constant") -> Any:
    """Return the adjoint of `x` from that of `np.pad(x, pad_width, mode)`.

    What is around `x` is a constant, or else goes to the entries that it was copied from.

    >>> unpad(np.array([1.0, 2.0, 3.0, 4.0]), 1, "edge")
    array([3., 7.])
    """
    around = np.broadcast_to(pad_width, (g.ndim, 2)).tolist()
    if any(n < before + after for n, (before, after) in zip(g.shape, around)):
        raise ValueError(f"an array of shape {g.shape} is not padded by {pad_width}")
    if mode == "constant":
        return g[tuple(slice(b, n - a) for n, (b, a) in zip(g.shape, around))].copy()
    for axis, (before, after) in enumerate(around):
        rows = np.moveaxis(g, axis, 0)
        end = len(rows) - after
        g = rows[before:end].copy()
        origins = np.pad(np.arange(len(g)), (before, after), mode)  # type: ignore[call-overload]
        for k in (*range(before), *range(end, len(rows))):
            g[origins[k]] += rows[k]
        g = np.moveaxis(g, 0, axis)
    return g


def scatter(g: Any, like: Any, index: Any) -> Any:
    """Return zeros of the structure of `like` with `g` at `index`: the adjoint of `like[index]`.

    Places that the index names twice get both parts. NumPy's numbers have `x[..., None]` too.

    >>> scatter(1.0, [5.0, [6.0, 7.0]], 0)
    [1.0, [0.0, 0.0]]
    """
    if isinstance(like, (numbers.Number, np.generic)):
        return float(np.sum(g))
    zeros = zeros_like(like)
    if isinstance(zeros, np.ndarray):
        # np.add.at crashes on values of too many axes, hence the explicit shape
        np.add.at(zeros, index, np.broadcast_to(g, np.shape(zeros[index])))
    elif isinstance(zeros, (list, dict)):
        zeros[index] = copied(g)
    else:
        raise TypeError(f"{type(like).__name__} cannot be indexed")
    return zeros


def last_stored(g: Any, like: Any, index: Any) -> Any:
    """Return `g`, the adjoint of what was stored at `like[index]`, without what was lost there.

    Of the items that are stored at a place that the index names twice, the last stays.

    >>> last_stored(np.array([1.0, 1.0, 2.0]), np.zeros(3), np.array([0, 0, 1]))
    array([0., 1., 2.])
    """
    if not isinstance(like, np.ndarray) or not isinstance(g, np.ndarray):
        return g
    places = np.empty(like.shape, dtype=np.intp)
    numbers_of = np.arange(g.size).reshape(g.shape)
    places[index] = numbers_of
    return np.where(places[index] == numbers_of, g, 0.0)


def scatter_along(g: Any, like: Any, indices: Any, axis: int) -> Any:
    """Return the adjoint of `np.take_along_axis(like, indices, axis)`.

    >>> scatter_along(np.array([1.0, 2.0]), np.zeros(3), np.array([2, 0]), 0)
    array([2., 0., 1.])
    """
    zeros = zeros_like(np.asarray(like))
    index = [np.arange(n).reshape([-1 if k == j else 1 for j in range(g.ndim)])
             for k, n in enumerate(g.shape)]  # fmt: skip
    index[axis] = indices
    np.add.at(zeros, tuple(index), g)
    return zeros


def few(length: int, axis: int) -> int:
    """Return what is told of the length of an axis: it, or that it is not below that.

    Slices with literal bounds are then in range. Axes behind the first are often of a few things,
    each with its own place.

    >>> few(100, 0), few(3, 0)
    (4, 3)
    """
    return min(length, 9 if axis else 4)


_ARITHMETIC = (
    *("__add__", "__sub__", "__mul__", "__truediv__", "__matmul__", "__pow__", "__getitem__"),
    *("__array_ufunc__", "__array_function__"),
)


def own_arithmetic(value: Any) -> str:
    """Return the class of an array that computes in a way of its own, "" where there is none.

    `*` of a `np.matrix` is a matrix product, masked arrays leave entries out, others have units.
    """
    if isinstance(value, (list, tuple)):
        return next(filter(None, map(own_arithmetic, value)), "")
    if isinstance(value, dict):
        return next(filter(None, map(own_arithmetic, value.values())), "")
    kind = type(value)
    if kind is np.ndarray or not isinstance(value, np.ndarray) or isinstance(value, np.memmap):
        return ""
    same = all(getattr(kind, name) is getattr(np.ndarray, name) for name in _ARITHMETIC)
    return "" if same else kind.__name__
