"""Slopes of products: of matrices, of all entries of an array, and of running products.

Takes and gives arrays; requires numpy only. Nothing is divided by an entry, so that zeros are
nothing special.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .structure import to_shape, unbroadcast


def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """Return the adjoint of `a` in `a @ b` from that of the product, for operands of any rank."""
    g, right = _product_axes(g, a, b), _matrices(b, -1)
    return to_shape(g @ np.swapaxes(right, -1, -2), _matrices(a, 0).shape).reshape(np.shape(a))


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """Return the adjoint of `b` in `a @ b` from that of the product, for operands of any rank."""
    g, left = _product_axes(g, a, b), _matrices(a, 0)
    return to_shape(np.swapaxes(left, -1, -2) @ g, _matrices(b, -1).shape).reshape(np.shape(b))


def _matrices(x: Any, new_axis: int) -> Any:
    return np.expand_dims(x, new_axis) if np.ndim(x) == 1 else np.asarray(x)


def _product_axes(g: Any, a: Any, b: Any) -> Any:
    """Return `g` with the axes that `a @ b` drops for operands of rank 1."""
    if np.ndim(b) == 1:
        g = np.expand_dims(g, -1)
    return np.expand_dims(g, -2) if np.ndim(a) == 1 else g


def contract(a: Any, b: Any, axis_a: int, axis_b: int) -> Any:
    """Return the sum of products along one axis of each: `np.dot` is (-1, -2), `np.inner` (-1, -1).

    Of a vector any axis is its only one; a number multiplies.

    >>> float(contract(np.array([1.0, 2.0]), np.array([3.0, 4.0]), -1, -2))
    11.0
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (_axis(a, axis_a), _axis(b, axis_b)))


def contract_left(g: Any, a: Any, b: Any, axis_a: int, axis_b: int) -> Any:
    """Return the adjoint of `a` in `contract(a, b, axis_a, axis_b)`."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(np.multiply(g, b), a)
    return _back_left(g, b, [_axis(a, axis_a)], [_axis(b, axis_b)])


def contract_right(g: Any, a: Any, b: Any, axis_a: int, axis_b: int) -> Any:
    """Return the adjoint of `b` in `contract(a, b, axis_a, axis_b)`."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(np.multiply(a, g), b)
    return _back_right(g, a, [_axis(a, axis_a)], [_axis(b, axis_b)])


def _axis(x: Any, axis: int) -> int:
    return max(axis, -np.ndim(x)) % np.ndim(x)


def exclusive_product(x: Any, axis: Any = None, directions: Sequence[Any] = ()) -> Any:
    """Return for each entry the product of the others along `axis`: the slope of `np.prod`.

    With directions, the mixed derivative of that along them. Right at zeros: nothing is divided.

    >>> exclusive_product(np.array([2.0, 0.0, 5.0]))
    array([ 0., 10.,  0.])
    """
    x = np.asarray(x)
    axes = range(x.ndim) if axis is None or not x.ndim else np.atleast_1d(axis) % x.ndim
    order = [*axes, *(k for k in range(x.ndim) if k not in axes)]
    moved = [np.transpose(np.asarray(v), order) for v in (x, *directions)]
    rest = moved[0].shape[len(axes) :]
    count = math.prod(moved[0].shape[: len(axes)])
    rows = [v.reshape((count, *rest)) for v in moved]
    flat = _exclusive(rows[0], rows[1:])
    return np.transpose(flat.reshape(moved[0].shape), np.argsort(order))


def _exclusive(x: Any, directions: Sequence[Any]) -> Any:
    """Exclusive products along the first axis, in the algebra where each direction squares to 0.

    An element of it is a row of coefficients, one for each subset of the directions (a bit mask).
    """
    size = 1 << len(directions)
    factors = np.zeros((len(x), size, *x.shape[1:]), np.result_type(x, float))
    factors[:, 0] = x
    for k, direction in enumerate(directions):
        factors[:, 1 << k] = direction
    before = _running(factors)
    after = _running(factors[::-1])[::-1]
    return _subset_product(before, after)[:, size - 1]


def _running(factors: Any) -> Any:
    """Return the product of all rows before each row."""
    out = np.zeros_like(factors)
    if len(out):
        out[0, 0] = 1.0
    for k in range(1, len(factors)):
        out[k] = _subset_product(out[k - 1 : k], factors[k - 1 : k])[0]
    return out


def _subset_product(a: Any, b: Any) -> Any:
    out = np.zeros_like(a)
    for subset in range(a.shape[1]):
        part = subset
        while True:
            out[:, subset] += a[:, part] * b[:, subset ^ part]
            if not part:
                break
            part = (part - 1) & subset
    return out


def delay(x: Any, first: float = 0.0, axis: int = 0) -> Any:
    """Return `x` moved one place up along `axis`, `first` coming in.

    >>> delay(np.array([2.0, 3.0]), 1.0)
    array([1., 2.])
    """
    moved = np.moveaxis(np.atleast_1d(x), axis, 0)
    out = np.full_like(moved, first)
    out[1:] = moved[:-1]
    return np.moveaxis(out, 0, axis)


def advance(x: Any, axis: int = 0) -> Any:
    """Return `x` moved one place down along `axis`, 0 coming in: the transpose of `delay`.

    >>> advance(np.array([2.0, 3.0]))
    array([3., 0.])
    """
    moved = np.moveaxis(np.atleast_1d(x), axis, 0)
    out = np.zeros_like(moved)
    out[:-1] = moved[1:]
    return np.moveaxis(out, 0, axis)


def recurrence(a: Any, b: Any, axis: int = 0) -> Any:
    """Return y with `y[k] = b[k] + a[k] * y[k - 1]` along `axis`: the tangent of `np.cumprod`."""
    a, b = (np.moveaxis(np.atleast_1d(v), axis, 0) for v in (a, b))
    out = np.array(b, np.result_type(a, b, float))
    for k in range(1, len(out)):
        out[k] += a[k] * out[k - 1]
    return np.moveaxis(out, 0, axis)


def recurrence_back(a: Any, b: Any, axis: int = 0) -> Any:
    """Return y with `y[k] = b[k] + a[k + 1] * y[k + 1]`: the transpose of `recurrence` in `b`."""
    a, b = (np.moveaxis(np.atleast_1d(v), axis, 0) for v in (a, b))
    out = np.array(b, np.result_type(a, b, float))
    for k in range(len(out) - 2, -1, -1):
        out[k] += a[k + 1] * out[k + 1]
    return np.moveaxis(out, 0, axis)


def tensordot_left(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """Return the adjoint of `a` in `np.tensordot(a, b, axes)`.

    >>> tensordot_left(3.0, np.ones(2), np.array([1.0, 2.0]), 1)
    array([3., 6.])
    """
    return _back_left(g, b, *_summed(a, b, axes))


def tensordot_right(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """Return the adjoint of `b` in `np.tensordot(a, b, axes)`."""
    return _back_right(g, a, *_summed(a, b, axes))


def _back_left(g: Any, b: Any, of_a: list[int], of_b: list[int]) -> Any:
    """Return the adjoint of `a` in a product summed over these axes of each."""
    others = [k for k in range(np.ndim(b)) if k not in of_b]
    rest = np.ndim(g) - len(others)
    back = np.tensordot(g, b, (list(range(rest, np.ndim(g))), others))
    # behind the axes of `a` alone come those summed over, in their order in `b`
    places = [of_a[of_b.index(k)] for k in sorted(of_b)]
    return np.moveaxis(back, list(range(rest, np.ndim(back))), places)


def _back_right(g: Any, a: Any, of_a: list[int], of_b: list[int]) -> Any:
    others = [k for k in range(np.ndim(a)) if k not in of_a]
    back = np.tensordot(a, g, (others, list(range(len(others)))))
    places = [of_b[of_a.index(k)] for k in sorted(of_a)]
    return np.moveaxis(back, list(range(len(places))), places)


def _summed(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    """Return the axes of each that `np.tensordot` sums over, counted from the first."""
    if isinstance(axes, (int, np.integer)):
        return list(range(np.ndim(a) - axes, np.ndim(a))), list(range(axes))
    of_a, of_b = (np.atleast_1d(x).astype(int).tolist() for x in axes)
    return [k % np.ndim(a) for k in of_a], [k % np.ndim(b) for k in of_b]


def ungradient(g: Any, spacing: float = 1.0, axis: int = 0, edge_order: int = 1) -> Any:
    """Return the adjoint of `f` in `np.gradient(f, spacing, axis=axis)` at equal spacing.

    >>> ungradient(np.array([1.0, 0.0, 0.0, 2.0]))
    array([-1.,  1., -2.,  2.])
    """
    rows = np.moveaxis(np.divide(g, spacing), axis, 0)
    out = np.zeros_like(rows)
    out[2:] += 0.5 * rows[1:-1]
    out[:-2] -= 0.5 * rows[1:-1]
    ends = (1.0,) if edge_order == 1 else (2.0, -0.5)
    for k, weight in enumerate(ends, 1):
        out[k] += weight * rows[0]
        out[-1 - k] -= weight * rows[-1]
    out[0] -= sum(ends) * rows[0]
    out[-1] += sum(ends) * rows[-1]
    return np.moveaxis(out, 0, axis)
