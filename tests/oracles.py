"""References that know nothing of s2s_ad: complex steps, extrapolated differences, dot products.

Takes plain Python functions of numbers, arrays, tuples, lists and dicts; gives Jacobians with an
estimate of their error; requires numpy only.

A structure is flattened to a vector of its numbers (`leaves`) and put together again
(`rebuild`). Jacobians are (numbers of the result) x (numbers of the arguments).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

COMPLEX_STEP = 1e-30
FIRST_STEPS = (1e-2, 1e-3, 2e-4)
STEP_RATIO = 1.6
TABLE_SIZE = 7


class Kink(Exception):
    """The function is not smooth at the point, or too ill-conditioned to have a reference."""


@dataclass(frozen=True)
class Reference:
    """A Jacobian, an estimate of its absolute error, and the method it comes from."""

    jacobian: Vector
    error: float
    method: str


def leaves(value: Any) -> NDArray[Any]:
    """Return the numbers of a structure in one vector; dicts are taken in the order of their keys.

    >>> leaves((1.0, [2, np.array([3.0, 4.0])], {"a": 5.0, "b": None}))
    array([1., 2., 3., 4., 5.])
    """
    parts: list[NDArray[Any]] = []
    _collect(value, parts)
    return np.concatenate(parts) if parts else np.zeros(0)


def _collect(value: Any, parts: list[NDArray[Any]]) -> None:
    if isinstance(value, (tuple, list)):
        for item in value:
            _collect(item, parts)
    elif isinstance(value, dict):
        for key in sorted(value, key=repr):
            _collect(value[key], parts)
    elif value is None or isinstance(value, (str, bool, np.bool_)):
        return
    else:
        array = np.asarray(value)
        wide = np.complex128 if np.iscomplexobj(array) else np.float64
        parts.append(array.astype(wide).reshape(-1))


def rebuild(like: Any, flat: Sequence[Any] | NDArray[Any]) -> Any:
    """Return a structure shaped like `like`, its numbers taken from `flat`.

    >>> rebuild([1.0, (2.0, None)], [7.0, 8.0])
    [7.0, (8.0, None)]
    """
    value, used = _take(like, list(flat), 0)
    if used != len(flat):
        raise ValueError(f"{len(flat)} numbers for a structure of {used}")
    return value


def _take(like: Any, flat: list[Any], at: int) -> tuple[Any, int]:
    if isinstance(like, (tuple, list)):
        items = []
        for item in like:
            taken, at = _take(item, flat, at)
            items.append(taken)
        return type(like)(items), at
    if isinstance(like, dict):
        taken_dict = dict(like)
        for key in sorted(like, key=repr):
            taken_dict[key], at = _take(like[key], flat, at)
        return taken_dict, at
    if like is None or isinstance(like, (str, bool, np.bool_)):
        return like, at
    if isinstance(like, np.ndarray):
        return np.array(flat[at : at + like.size]).reshape(like.shape), at + like.size
    number = flat[at]
    return (float(number) if isinstance(number, np.float64) else number), at + 1


def complex_jacobian(function: Callable[..., Any], args: Sequence[Any]) -> Vector:
    """Return the Jacobian by complex steps; `function` must be analytic in the sense of `shims`."""
    point = leaves(args)
    columns = []
    for k in range(len(point)):
        stepped = point.astype(np.complex128)
        stepped[k] += 1j * COMPLEX_STEP
        columns.append(np.imag(leaves(function(*rebuild(args, stepped)))) / COMPLEX_STEP)
    return np.stack(columns, axis=1)


def directional(
    function: Callable[..., Any], args: Sequence[Any], direction: Vector
) -> tuple[Vector, float]:
    """Return the derivative along `direction` by extrapolated central differences, and its error.

    The error is the change between the last two extrapolations; the best of several first
    steps is taken, so that a kink at a distance is stepped around.
    """
    point = leaves(args)

    def along(step: float) -> Vector:
        return leaves(function(*rebuild(args, point + step * direction)))

    best: tuple[Vector, float] | None = None
    for first in FIRST_STEPS:
        found = _ridders(along, first)
        if best is None or found[1] < best[1]:
            best = found
        if best[1] <= 1e-10 * (1.0 + float(np.max(np.abs(best[0]), initial=0.0))):
            break
    assert best is not None
    return best


def _ridders(along: Callable[[float], Vector], step: float) -> tuple[Vector, float]:
    rows: list[list[Vector]] = []
    best: Vector | None = None
    error = np.inf
    for level in range(TABLE_SIZE):
        row = [(along(step) - along(-step)) / (2.0 * step)]
        factor = STEP_RATIO**2
        for order in range(level):
            row.append(row[order] + (row[order] - rows[-1][order]) / (factor - 1.0))
            factor *= STEP_RATIO**2
        if level:
            change = max(
                float(np.max(np.abs(row[-1] - row[-2]), initial=0.0)),
                float(np.max(np.abs(row[-1] - rows[-1][-1]), initial=0.0)),
            )
            if change < error:
                best, error = row[-1], change
        rows.append(row)
        step /= STEP_RATIO
    return (rows[0][0] if best is None else best), error


def difference_jacobian(function: Callable[..., Any], args: Sequence[Any]) -> tuple[Vector, float]:
    """Return the Jacobian by extrapolated central differences, and the largest error estimate."""
    columns = []
    worst = 0.0
    for unit in np.eye(len(leaves(args))):
        column, error = directional(function, args, unit)
        columns.append(column)
        worst = max(worst, error)
    return np.stack(columns, axis=1), worst


def reference(
    function: Callable[..., Any],
    args: Sequence[Any],
    analytic: Callable[..., Any] | None = None,
) -> Reference:
    """Return the Jacobian: by complex steps on `analytic` where that runs, else by differences.

    Raises Kink when differences do not converge, or the two methods disagree.
    """
    direction = np.cos(1.0 + np.arange(len(leaves(args))))
    slope, error = directional(function, args, direction)
    scale = 1.0 + float(np.max(np.abs(slope), initial=0.0))
    if not np.isfinite(slope).all() or not error < 1e-6 * scale or scale > 1e7:
        raise Kink(f"differences do not converge: {slope} +- {error}")
    if analytic is not None:
        try:
            jacobian = complex_jacobian(analytic, args)
        except (TypeError, AttributeError, ValueError):
            jacobian = None  # not a program that complex numbers can run
        if jacobian is not None and np.isfinite(jacobian).all():
            if np.max(np.abs(jacobian @ direction - slope), initial=0.0) > 1e-5 * scale:
                raise Kink(f"complex step {jacobian @ direction} against differences {slope}")
            return Reference(jacobian, 1e-13 * _size(jacobian), "complex step")
    jacobian, error = difference_jacobian(function, args)
    if not error < 1e-6 * _size(jacobian):
        raise Kink(f"differences do not converge: {error}")
    return Reference(jacobian, error, "differences")


def _size(array: Vector) -> float:
    return 1.0 + float(np.max(np.abs(array), initial=0.0))


def close(got: Vector, wanted: Vector, error: float, relative: float) -> bool:
    """True when all numbers agree to `relative` of the largest one, or to the reference's error.

    >>> close(np.array([1.0]), np.array([1.0 + 1e-12]), 0.0, 1e-10)
    True
    """
    if got.shape != wanted.shape or not np.isfinite(got).all():
        return False
    return bool(
        np.max(np.abs(got - wanted), initial=0.0) <= relative * _size(wanted) + 10.0 * error
    )


def dot_products_agree(
    result_bar: Vector,
    result_dot: Vector,
    args_bar: Vector,
    args_dot: Vector,
    relative: float = 1e-10,
    floor: float = 0.0,
) -> bool:
    """True when <result_bar, J args_dot> and <J^T result_bar, args_dot> are one number.

    floor: what rounding may leave where all terms cancel.
    """
    left = result_bar * result_dot
    right = args_bar * args_dot
    size = 1e-300 + float(np.sum(np.abs(left)) + np.sum(np.abs(right)))
    return bool(abs(np.sum(left) - np.sum(right)) <= relative * size + floor)
