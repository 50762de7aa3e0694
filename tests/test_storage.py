"""Arrays as they are stored: in single precision, in another order, with steps, read-only, empty.

Takes nothing, gives tests: the derivative is that of the same numbers in rows of doubles, in the
type of the argument in reverse mode, of the value in forward mode.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from s2s_ad import jvp, vjp

A = np.random.default_rng(131).uniform(0.3, 1.6, (3, 4))


def stored_into(a):
    b = np.empty_like(a)
    b[::-1] = a * a
    b[1:, 0] += b[:-1, 3] * 0.5
    b.flat[2] = a[0, 0]
    return b.T[1:] * b[0, 0]


def step_by_step(a):
    y = a[0].copy()
    for row in a:
        y = y * row + np.sin(y)
    return y


def called_by_numpy(a):
    y = np.piecewise(a, [a < 0.8], [np.sin, lambda t: t * t])
    return y + np.apply_along_axis(np.cumsum, 0, a)


CASES = [
    stored_into,
    step_by_step,
    called_by_numpy,
    lambda a: a * a[:, :1] + 2.0 * np.exp(-a) / (1.0 + a**2),
    lambda a: np.sum(a, axis=0) * np.mean(a, axis=1, keepdims=True),
    lambda a: np.prod(a) + np.max(a) - np.std(a),
    lambda a: np.prod(a[0]),
    lambda a: np.median(a, axis=0) + np.quantile(a, 0.3, axis=0),
    lambda a: np.linalg.norm(a, axis=1) + np.linalg.norm(a),
    lambda a: np.linalg.norm(a, ord=1),
    lambda a: np.concatenate([a, a[::-1]], axis=1)[:, ::3],
    lambda a: np.where(a > 0.8, a * a, -a).reshape(4, 3),
    lambda a: a.reshape(2, 6).T.ravel() * a.flatten(),
    lambda a: np.einsum("ij,kj->ik", a, a) @ a,
    lambda a: np.tensordot(a, a, axes=(0, 0)),
    lambda a: np.cumsum(a, axis=0) * np.cumprod(a, axis=1),
    lambda a: np.sort(a, axis=None)[2:5] * np.diff(a[0]),
    lambda a: np.linalg.solve(a @ a.T + np.eye(3), a),
    lambda a: np.convolve(a[0], np.array([1, -2, 1])) * np.interp(a[0, 0], a[1].cumsum(), a[2]),
    lambda a: np.pad(a, 1, mode="reflect")[1:-1, ::2] * np.roll(a, 1)[:, 1:4],
    lambda a: np.take(a, [1, 5, 1]) + a[[0, 2, 0], [1, 1, 1]] * a[a > 0.3][:3],
    lambda a: np.maximum(a, 0.9) * np.clip(a, 0.5, 1.2) + np.hypot(a, a[0]),
    lambda a: np.logaddexp(a, 1.0) - np.arctan2(a, 2.0),
    lambda a: np.trace(a[:, :3]) * np.vdot(a, a),
]
LAYOUTS = {
    "Fortran": np.asfortranarray,
    "backwards": lambda a: np.flip(np.flip(a).copy()),
    "with steps": lambda a: np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3],
    "transposed": lambda a: a.T.copy().T,
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


def derivatives(f, a):
    """Return value, tangent and adjoint, along directions that are the same each time."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        dot = np.cos(1.3 * np.arange(a.size)).reshape(a.shape).astype(a.dtype)
        value, tangent = jvp(f, (a,), (dot,))
        _, pull = vjp(f, a)
        bar = np.sin(0.7 + np.arange(np.size(value))).reshape(np.shape(value))
        return value, tangent, pull(bar.astype(value.dtype)[()])[0]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("f", CASES)
def test_the_order_in_memory_does_not_matter(f, layout):
    for found, wanted in zip(derivatives(f, LAYOUTS[layout](A)), derivatives(f, A)):
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("f", CASES)
def test_single_precision_stays_so(f):
    a = A.astype(np.float32)
    value, tangent, adjoint = derivatives(f, a)
    assert adjoint.dtype == np.float32
    assert value.dtype == f(a).dtype
    assert tangent.dtype == value.dtype
    _, wanted_tangent, wanted_adjoint = derivatives(f, a.astype(float))
    assert np.allclose(tangent, wanted_tangent, rtol=2e-3, atol=2e-3)
    assert np.allclose(adjoint, wanted_adjoint, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: a * a + np.exp(a),
        lambda a: np.sum(a, axis=0) * 2.0,
        lambda a: np.sum(a * a),
        lambda a: np.prod(a) * np.sum(np.where(a > 0.0, a, 1.0)),
        lambda a: a @ a.T,
        lambda a: np.concatenate([a, a]).reshape(-1),
        lambda a: np.cumsum(a, axis=1)[::-1],
        lambda a: np.einsum("ij,ij->j", a, a),
    ],
)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_has_derivatives_of_nothing(f, shape):
    value, tangent, adjoint = derivatives(f, np.zeros(shape))
    assert np.shape(tangent) == np.shape(value) and adjoint.shape == shape
    assert not np.any(tangent)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: a * a,
        lambda a: np.exp(a) + a[()],
        lambda a: np.sum(a) * np.ones(3),
        lambda a: np.stack([a, a * a]),
        lambda a: a.reshape(1, 1) @ a[None, None],
        lambda a: np.where(a > 0.0, a**3, 0.0),
    ],
)
def test_arrays_without_axes(f):
    a = np.array(0.7)
    value, tangent, adjoint = derivatives(f, a)
    step = 1e-6
    wanted = (f(a + step) - f(a - step)) / (2.0 * step)
    assert np.allclose(tangent, wanted, rtol=1e-8)
    assert isinstance(adjoint, np.ndarray) and adjoint.shape == ()
    bar = np.sin(0.7 + np.arange(np.size(value))).reshape(np.shape(value))
    assert adjoint == pytest.approx(np.sum(bar * wanted), rel=1e-8)
