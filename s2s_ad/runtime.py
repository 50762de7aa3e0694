"""All that generated code may import from us: shapes of adjoints, products and quotients at zeros.

Takes and gives numbers, numpy arrays, and lists, tuples and dicts of them; requires numpy only.

Every function here that the derivative of a rule may call has a rule itself
(`rules/helpers.py`), so derivatives of any order stay inside the language. None of them
changes its arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# sorted; rules may use these names bare
__all__ = [
    "absorb",
    "add",
    "advance",
    "bessel_i",
    "contract",
    "contract_left",
    "contract_right",
    "delay",
    "digamma",
    "exclusive_product",
    "expand",
    "log_or_zero",
    "matmul_left",
    "matmul_right",
    "polygamma",
    "power_slope",
    "quotient",
    "recurrence",
    "recurrence_back",
    "scatter",
    "scatter_along",
    "share",
    "sinc_slope",
    "split_like",
    "spread",
    "ties",
    "unbroadcast",
    "unrepeat",
    "unstack",
    "zeros_like",
]

# -- structure --------------------------------------------------------------------------


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
    return 0.0


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
        return list(a)
    if isinstance(b, (list, tuple)) and _is_zero(a):
        return list(b)
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [*a, *(key for key in b if key not in a)]
        return {k: add(a[k], b[k]) if k in a and k in b else (a if k in a else b)[k] for k in keys}
    return a + b


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
        return _to_shape(g, like.shape)
    if isinstance(like, (list, tuple)):
        if not isinstance(g, (list, tuple)):
            return _shaped(_to_shape(g, np.shape(like)), like)
        if len(g) != len(like):
            raise ValueError(f"an adjoint of {len(g)} items for a value of {len(like)}")
        return [unbroadcast(part, item) for part, item in zip(g, like)]
    if isinstance(like, dict):
        return g
    return float(np.sum(g)) if isinstance(g, (np.ndarray, list, tuple)) else g


def _to_shape(g: Any, shape: tuple[int, ...]) -> Any:
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
    shape = np.shape(like)
    if not shape and not isinstance(like, np.ndarray):
        return g
    if axis is not None and not keepdims:
        axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        g = np.expand_dims(g, tuple(int(a) % len(shape) for a in axes))
    full = np.broadcast_to(g, shape).copy()
    return _shaped(full, like) if isinstance(like, (list, tuple)) else full


def spread(g: Any, items: Any) -> Any:
    """Return `g`, the differential of `sum(items)`, for each of the items in its own shape.

    >>> spread(1.5, [2.0, 3.0])
    [1.5, 1.5]
    """
    if isinstance(items, np.ndarray):
        return np.broadcast_to(g, items.shape).copy()
    return [unbroadcast(g, item) for item in items]


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
            part = g[start:stop].reshape(shape)
        else:
            stop = start + shape[axis]
            part = g[(slice(None),) * (axis % len(shape)) + (slice(start, stop),)].copy()
        parts.append(_shaped(part, array) if isinstance(array, (list, tuple)) else part)
        start = stop
    return parts


def unstack(g: Any, axis: int = 0) -> list[Any]:
    """Return the parts of `g` that `np.stack(arrays, axis)` put together; numbers of a vector.

    >>> unstack(np.array([1.0, 2.0]))
    [1.0, 2.0]
    """
    if g.ndim == 1:
        return [float(value) for value in g]
    return [part.copy() for part in np.moveaxis(g, axis, 0)]


def scatter(g: Any, like: Any, index: Any) -> Any:
    """Return zeros of the structure of `like` with `g` at `index`: the adjoint of `like[index]`.

    Places that the index names twice get both parts.

    >>> scatter(1.0, [5.0, [6.0, 7.0]], 0)
    [1.0, [0.0, 0.0]]
    """
    zeros = zeros_like(like)
    if isinstance(zeros, np.ndarray):
        np.add.at(zeros, index, g)
    elif isinstance(zeros, (list, dict)):
        zeros[index] = g
    else:
        raise TypeError(f"{type(like).__name__} cannot be indexed")
    return zeros


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


# -- where zero wins --------------------------------------------------------------------


def quotient(a: Any, b: Any) -> Any:
    """Return `a / b`, and 0 wherever `a` is 0: nothing flows, however steep the slope.

    >>> float(quotient(0.0, 0.0)), float(quotient(3.0, 2.0))
    (0.0, 1.5)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.divide(a, b))[()]


def absorb(a: Any, b: Any) -> Any:
    """Return `a * b`, and 0 wherever `a` is 0, even when `b` is infinite.

    >>> float(absorb(0.0, math.inf))
    0.0
    """
    with np.errstate(invalid="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.multiply(a, b))[()]


def power_slope(x: Any, p: Any, g: Any) -> Any:
    """Return `p * x**(p - 1) * g`, and 0 wherever `p` or `g` is 0.

    >>> float(power_slope(0.0, 0.0, 1.0)), float(power_slope(3.0, 2.0, 1.0))
    (0.0, 6.0)
    """
    scale = np.multiply(p, g)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = np.float_power(x, np.subtract(p, 1.0)) * scale
    return np.where(scale == 0.0, 0.0, slope)[()]


def log_or_zero(x: Any) -> Any:
    """Return `log(x)`, and 0 where `x` is 0: `0**p` does not move with `p`."""
    return np.log(np.where(np.equal(x, 0.0), 1.0, x))[()]


# -- ties -------------------------------------------------------------------------------


def ties(x: Any, extreme: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the share of each entry of `x` in its extreme `extreme`: equal parts among ties.

    >>> ties(np.array([3.0, 1.0, 3.0]), 3.0)
    array([0.5, 0. , 0.5])
    """
    equal = np.equal(x, expand(extreme, x, axis, keepdims))
    with np.errstate(invalid="ignore"):
        return equal / np.sum(equal, axis=axis, keepdims=True)


def share(value: Any, extreme: Any, actives: Sequence[Any], constants: Sequence[Any]) -> float:
    """Return the share of `value` in `extreme`, the extreme of several numbers.

    Arguments that are differentiated share at a tie; against a constant the constant wins.

    >>> share(2.0, 2.0, (2.0, 2.0, 1.0), ()), share(2.0, 2.0, (2.0,), (2.0,))
    (0.5, 0.0)
    """
    if value != extreme or any(constant == extreme for constant in constants):
        return 0.0
    return 1.0 / len([active for active in actives if active == extreme])


# -- products ---------------------------------------------------------------------------


def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """Return the adjoint of `a` in `a @ b` from that of the product, for operands of any rank."""
    g, right = _product_axes(g, a, b), _matrices(b, -1)
    return _to_shape(g @ np.swapaxes(right, -1, -2), _matrices(a, 0).shape).reshape(np.shape(a))


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """Return the adjoint of `b` in `a @ b` from that of the product, for operands of any rank."""
    g, left = _product_axes(g, a, b), _matrices(a, 0)
    return _to_shape(np.swapaxes(left, -1, -2) @ g, _matrices(b, -1).shape).reshape(np.shape(b))


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
    rest = np.ndim(b) - 1
    others = [k for k in range(np.ndim(b)) if k != _axis(b, axis_b)]
    back = np.tensordot(g, b, (list(range(np.ndim(g) - rest, np.ndim(g))), others))
    return np.moveaxis(back, -1, _axis(a, axis_a))


def contract_right(g: Any, a: Any, b: Any, axis_a: int, axis_b: int) -> Any:
    """Return the adjoint of `b` in `contract(a, b, axis_a, axis_b)`."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(np.multiply(a, g), b)
    others = [k for k in range(np.ndim(a)) if k != _axis(a, axis_a)]
    back = np.tensordot(a, g, (others, list(range(len(others)))))
    return np.moveaxis(back, 0, _axis(b, axis_b))


def _axis(x: Any, axis: int) -> int:
    return max(axis, -np.ndim(x)) % np.ndim(x)


def exclusive_product(x: Any, axis: Any = None, directions: Sequence[Any] = ()) -> Any:
    """Return for each entry the product of the others along `axis`: the slope of `np.prod`.

    With directions, the mixed derivative of that along them. Right at zeros: nothing is divided.

    >>> exclusive_product(np.array([2.0, 0.0, 5.0]))
    array([ 0., 10.,  0.])
    """
    x = np.asarray(x)
    axes = tuple(range(x.ndim)) if axis is None else np.atleast_1d(axis) % x.ndim
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


# -- scans ------------------------------------------------------------------------------


def delay(x: Any, first: float = 0.0, axis: int = 0) -> Any:
    """Return `x` moved one place up along `axis`, `first` coming in.

    >>> delay(np.array([2.0, 3.0]), 1.0)
    array([1., 2.])
    """
    moved = np.moveaxis(x, axis, 0)
    out = np.full_like(moved, first)
    out[1:] = moved[:-1]
    return np.moveaxis(out, 0, axis)


def advance(x: Any, axis: int = 0) -> Any:
    """Return `x` moved one place down along `axis`, 0 coming in: the transpose of `delay`.

    >>> advance(np.array([2.0, 3.0]))
    array([3., 0.])
    """
    moved = np.moveaxis(x, axis, 0)
    out = np.zeros_like(moved)
    out[:-1] = moved[1:]
    return np.moveaxis(out, 0, axis)


def recurrence(a: Any, b: Any, axis: int = 0) -> Any:
    """Return y with `y[k] = b[k] + a[k] * y[k - 1]` along `axis`: the tangent of `np.cumprod`."""
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    out = np.array(b, np.result_type(a, b, float))
    for k in range(1, len(out)):
        out[k] += a[k] * out[k - 1]
    return np.moveaxis(out, 0, axis)


def recurrence_back(a: Any, b: Any, axis: int = 0) -> Any:
    """Return y with `y[k] = b[k] + a[k + 1] * y[k + 1]`: the transpose of `recurrence` in `b`."""
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    out = np.array(b, np.result_type(a, b, float))
    for k in range(len(out) - 2, -1, -1):
        out[k] += a[k + 1] * out[k + 1]
    return np.moveaxis(out, 0, axis)


# -- special functions that the slopes of math and numpy need ------------------------------

# coefficients of the asymptotic series of digamma: Bernoulli numbers B2, B4, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


def digamma(x: Any) -> Any:
    """Return the slope of `lgamma`, the logarithmic derivative of the gamma function.

    >>> round(float(digamma(1.0)), 12)
    -0.577215664902
    """
    return polygamma(0, x)


def polygamma(n: int, x: Any) -> Any:
    """Return the n-th derivative of digamma."""
    if isinstance(x, np.ndarray):
        return np.vectorize(lambda value: _polygamma(n, float(value)), otypes=[float])(x)
    return _polygamma(n, float(x))


def _polygamma(n: int, x: float) -> float:
    if math.isnan(x) or (x <= 0.0 and x == math.floor(x)):
        return math.nan
    if x < 0.0:
        # reflection: psi(1 - x) - psi(x) = pi cot(pi x), differentiated n times
        return (-1) ** n * _polygamma(n, 1.0 - x) - math.pi * _cotangent(n, x)
    total = 0.0
    # the recurrence moves x to where the asymptotic series has converged
    while x < 15.0 + n:
        total += (1.0 if n % 2 else -1.0) * math.factorial(n) / x ** (n + 1)
        x += 1.0
    return total + (_digamma_series(x) if n == 0 else _polygamma_series(n, x))


def _digamma_series(x: float) -> float:
    tail = 0.0
    for k, number in enumerate(_BERNOULLI, 1):
        tail += number / (2 * k * x ** (2 * k))
    return math.log(x) - 0.5 / x - tail


def _polygamma_series(n: int, x: float) -> float:
    total = math.factorial(n - 1) / x**n + math.factorial(n) / (2.0 * x ** (n + 1))
    for k, number in enumerate(_BERNOULLI, 1):
        rising = math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        total += number * rising / x ** (2 * k + n)
    return total if n % 2 else -total


def _cotangent(n: int, x: float) -> float:
    """Return the n-th derivative of cot(pi x): a polynomial in c, as cot' = -pi (1 + c**2)."""
    phase = x - math.floor(x)
    c = 1.0 / math.tan(math.pi * phase)
    coefficients = [0.0, 1.0]
    for _ in range(n):
        slope = [k * value for k, value in enumerate(coefficients)][1:]
        raised = [0.0, 0.0, *slope]
        lower = [*slope, 0.0, 0.0]
        coefficients = [-math.pi * (u + v) for u, v in zip(raised, lower)]
    return math.fsum(value * math.pow(c, k) for k, value in enumerate(coefficients))


def bessel_i(n: int, x: Any) -> Any:
    """Return the modified Bessel function of integer order n: what `np.i0` has slopes of.

    The trapezoidal rule on its integral converges faster than any power.
    """
    angles = 2.0 * np.pi * np.arange(320) / 320
    waves: Callable[[Any], Any] = np.sinh if n % 2 else np.cosh
    values = waves(np.multiply.outer(x, np.cos(angles)))
    return np.mean(values * np.cos(n * angles), axis=-1)


def sinc_slope(n: int, x: Any) -> Any:
    """Return the n-th derivative of `np.sinc` at `x`, by its series near 0."""
    x = np.asarray(x, float)
    near = np.abs(x) < 1.0 + 0.5 * n
    small, large = np.where(near, x, 0.0), np.where(near, 1.0, x)
    total = np.zeros_like(x)
    for k in range((n + 1) // 2, 25 + n):
        scale = (-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1)
        total += scale * math.perm(2 * k, n) * small ** (2 * k - n)
    slope = np.sinc(large)
    for k in range(1, n + 1):
        wave = math.pi ** (k - 1) * np.sin(math.pi * large + 0.5 * k * math.pi)
        slope = (wave - k * slope) / large
    return np.where(near, total, slope)[()]
