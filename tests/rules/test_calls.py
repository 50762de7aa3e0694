"""Calls as users write them, which rules make from texts, lists and options: against differences.

One line a call, in both modes, and its gradient once more; `calls.py` beside holds the lines.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from s2s_ad import grad, jvp, vjp
from s2s_ad.errors import MissingRule, S2SError
from s2s_ad.rules.checking import flat, moved, slope
from tests.rules import SCIPY
from tests.rules.calls import CALLS, REFUSED, VALUES
from tests.rules.programs import HEADER, loaded


def function(line, folder):
    names, text = line.split(" :: ")
    body = f"def f({names}):\n    return {text}\n"
    return loaded(HEADER + body, folder), tuple(names.split(", "))


def direction(value, seed):
    return np.asarray(np.cos(seed + 1.7 * np.arange(np.size(value)))).reshape(np.shape(value))[()]


def weights(value, seed=0.4):
    if isinstance(value, (list, tuple)):
        return type(value)(weights(item, seed + k) for k, item in enumerate(value))
    return direction(value, seed)


def runs(line):
    """True where this NumPy and SciPy have what the line calls."""
    text = line.split(" :: ")[1]
    if any(f"{name}." in text for name in ("special", "linalg", "stats", "signal")) and not SCIPY:
        return "np.linalg" in text
    if ".mT" in text:
        return hasattr(np.ndarray, "mT")
    names = [word.split("(")[0] for word in text.replace("(", "( ").split() if word[:3] == "np."]
    return all(has(np, name.split(".")[1:]) for name in names)


def has(owner, path):
    for part in path:
        owner = getattr(owner, part, None)
    return owner is not None


@pytest.mark.parametrize("line", [line for line in CALLS if runs(line)])
def test_call(line, tmp_path):
    f, names = function(line, tmp_path)
    args = tuple(VALUES[name] for name in names)
    dots = tuple(direction(arg, k) for k, arg in enumerate(args))

    def along(t):
        return f(*(moved(a, t, d) for a, d in zip(args, dots)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out, want = f(*args), slope(along)
        value, tangent = jvp(f, args, dots)
        again, pull = vjp(f, *args)
        w = weights(out)
        bars = pull(w)
    bars = bars if isinstance(bars, tuple) else (bars,)
    assert np.array_equal(flat(value), flat(out), equal_nan=True)
    assert np.array_equal(flat(again), flat(out), equal_nan=True)
    scale = np.max(np.abs(want), initial=0.0) + 1e-3
    assert flat(tangent).shape == want.shape
    assert np.max(np.abs(flat(tangent) - want), initial=0.0) <= 1e-6 * scale
    assert [np.shape(bar) for bar in bars] == [np.shape(arg) for arg in args]
    backward = sum(flat(bar) @ flat(dot) for bar, dot in zip(bars, dots))
    assert backward == pytest.approx(flat(w) @ flat(tangent), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("line", [line for line in CALLS if runs(line)])
def test_its_gradient_once_more(line, tmp_path):
    names, text = line.split(" :: ")
    body = f"def f({names}):\n    return np.sum(np.sin({text}))\n"
    f, wrt = loaded(HEADER + body, tmp_path), tuple(names.split(", "))
    args = tuple(VALUES[name] for name in wrt)
    first = grad(f)
    dots = tuple(direction(arg, k) for k, arg in enumerate(args))

    def along(t):
        return first(*(moved(a, t, d) for a, d in zip(args, dots)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, got = slope(along), flat(jvp(first, args, dots)[1])
    scale = np.max(np.abs(want), initial=0.0) + 1e-3
    assert np.max(np.abs(got - want), initial=0.0) <= 2e-6 * scale


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_refused(line, tmp_path):
    f, names = function(line, tmp_path)
    with pytest.raises(S2SError) as error:
        grad(f)(*(VALUES[name] for name in names))
    assert isinstance(error.value, MissingRule) or "hint" in str(error.value)
