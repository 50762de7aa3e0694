"""Outputs by argument (`of=`): what a function leaves in its arguments is differentiated.

Takes nothing, gives tests; requires `oracles` and the public names.
"""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

from s2s_ad import grad, jacfwd, jacrev, jvp, vjp
from s2s_ad.analysis.observe import kind_of
from s2s_ad.build import Request, derive
from s2s_ad.errors import ArgumentError, UnsupportedSyntax
from tests.oracles import directional, leaves, rebuild


def relax(u, k, steps):
    """Smooth the inner values, with ends that follow."""
    for _ in range(steps):
        u[0] = u[1]
        u[-1] = u[-2]
        u[1:-1] += k * (u[2:] - 2.0 * u[1:-1] + u[:-2]) * u[1:-1]


def factor(a):
    """Overwrite a matrix by its factors, without pivots."""
    for i in range(len(a)):
        for j in range(i):
            a[i, j] = (a[i, j] - a[i, :j] @ a[:j, j]) / a[j, j]
        for j in range(i, len(a)):
            a[i, j] -= a[i, :i] @ a[:i, j]


def balance(a, b, rate):
    """Move some of each value over; stop where there is nothing to move."""
    if rate == 0.0:
        return 0.0
    moved = rate * (a - b * b)
    a -= moved
    b += moved
    return np.sum(moved * moved)


def turned(u):
    """Its product is read before the half of a derivative puts part of it back, and behind."""
    w = np.arctan2(u, 1.5)
    u[1::2] *= 1.5
    return w + np.linalg.norm(u * u)


def count_up(items, x):
    """Fill a list, item by item."""
    for i in range(1, len(items)):
        items[i] = items[i - 1] * x + items[i]
    return items[0]


def untouched(a, x):
    return x * a[0]


RANDOM = np.random.default_rng(5)
U, A, B = RANDOM.uniform(0.2, 1.0, 6), RANDOM.uniform(0.1, 1.0, (4, 4)), RANDOM.uniform(0.2, 1.0, 6)
CASES = [
    (relax, (U, 0.3, 3), ("u", "k"), "u"),
    (relax, (U, 0.3, 0), ("u", "k"), ("u",)),
    (factor, (A + 3.0 * np.eye(4),), ("a",), "a"),
    (balance, (U, B, 0.4), ("a", "b", "rate"), ("return", "b", "a")),
    (balance, (U, B, 0.4), ("a", "rate"), ("b",)),
    (balance, (U, B, 0.0), ("a", "b"), ("a", "return")),
    (turned, (U,), ("u",), "return"),
    (turned, (U,), ("u",), ("u", "return")),
    (count_up, ([0.3, 0.5, 0.7], 1.3), ("items", "x"), ("return", "items")),
    (count_up, ([0.3, 0.5, 0.7], 1.3), ("x",), "items"),
    (untouched, (U, 0.5), ("a", "x"), ("return", "a")),
]


def outputs(f, args, of):
    """Return what a call gives and leaves, of a copy of its arguments."""
    args = copy.deepcopy(args)
    found = {**dict(zip(parameters(f), args)), "return": f(*args)}
    return found[of] if isinstance(of, str) else tuple(found[name] for name in of)


def parameters(f):
    return f.__code__.co_varnames[: f.__code__.co_argcount]


def like(value):
    """Return something of the structure of a value, of random numbers."""
    return rebuild(value, RANDOM.standard_normal(len(leaves(value))))


@pytest.mark.smoke
@pytest.mark.parametrize(("f", "args", "wrt", "of"), CASES)
def test_outputs_by_argument(f, args, wrt, of):
    given = copy.deepcopy(args)
    names = parameters(f)
    point = tuple(args[names.index(name)] for name in wrt)
    along = like(point)

    def of_moved(*values):
        found = {**dict(zip(names, args)), **dict(zip(wrt, values))}
        return leaves(outputs(f, tuple(found.values()), of))

    expected, _ = directional(of_moved, point, leaves(along))
    plain = outputs(f, args, of)
    out, out_dot = jvp(f, args, along, wrt=wrt, of=of)
    assert leaves(out) == pytest.approx(leaves(plain), abs=0)
    assert type(out) is type(out_dot) is type(plain)
    assert leaves(out_dot) == pytest.approx(expected, rel=1e-9, abs=1e-9)

    out, pullback = vjp(f, *args, wrt=wrt, of=of)
    assert leaves(out) == pytest.approx(leaves(plain), abs=0)
    for _ in range(2):
        seed = like(out)
        product = leaves(pullback(seed)) @ leaves(along)
        assert product == pytest.approx(leaves(seed) @ expected, rel=1e-9)
    assert leaves(args) == pytest.approx(leaves(given), abs=0), "the caller's own"


def test_a_loss_of_what_is_left():
    """The gradient of a function of what a kernel leaves is the pullback of the gradient."""

    def loss(u, k):
        u = u.copy()
        for _ in range(2):
            u[1:-1] += k * (u[2:] - 2.0 * u[1:-1] + u[:-2]) * u[1:-1]
        return np.sum(u * u)

    def smooth(u, k):
        for _ in range(2):
            u[1:-1] += k * (u[2:] - 2.0 * u[1:-1] + u[:-2]) * u[1:-1]

    out, pullback = vjp(smooth, U, 0.3, wrt=("u", "k"), of="u")
    whole = grad(loss, ("u", "k"))(U, 0.3)
    for a, b in zip(pullback(2.0 * out), whole):
        assert a == pytest.approx(b, rel=1e-13)


def renewed(a):
    a = a * 2.0
    a[0] = 1.0


@pytest.mark.parametrize(
    ("f", "args", "of", "error", "words"),
    [
        (renewed, (U,), "a", UnsupportedSyntax, "given another value"),
        (balance, (U, B, 0.1), "rate", ArgumentError, "nothing can be stored"),
        (balance, (U, B, 0.1), ("a", "c"), ArgumentError, "no parameter 'c'"),
        (balance, (U, B, 0.1), ("a", "a"), ArgumentError, "once each"),
        (balance, (U, B, 0.1), (), ArgumentError, "once each"),
        (grad(untouched), (U, 0.5), "a", ArgumentError, "changes no argument"),
    ],
)
def test_what_is_no_output_is_refused(f, args, of, error, words):
    with pytest.raises(error, match=words):
        vjp(f, *args, of=of)
    with pytest.raises(error, match=words):
        jvp(f, args, tuple(map(np.ones_like, args)), of=of)


SOURCE = """
def relax(u, k, steps):
    for _ in range(steps):
        u[1:-1] += k * (u[2:] - u[:-2]) * u[1:-1]
"""


def test_the_command_names_the_outputs(tmp_path):
    (tmp_path / "model.py").write_text(SOURCE)

    def run(*words):
        command = [sys.executable, "-m", "s2s_ad", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    like = "u=f8[:], k=f8, steps=i8"
    target = ("model.py::relax", "--wrt", "u,k", "--of", "u", "--like", like)
    for mode in ("adjoint", "tangent"):
        made = run(mode, *target, "-o", f"{mode}.py")
        assert made.returncode == 0, made.stderr
        text = (tmp_path / f"{mode}.py").read_text()
        assert "--of u" in text
        assert "the u that `relax(" in text
    assert run("check", "adjoint.py", "tangent.py").returncode == 0
    refused = run("adjoint", "model.py::relax", "--of", "v", "--like", like)
    assert refused.returncode == 1
    assert "no parameter `v`" in refused.stderr


def solve(low, x, b):
    """Forward substitution into an argument."""
    for i in range(len(x)):
        x[i] = (b[i] - low[i, :i] @ x[:i]) / low[i, i]


def test_arguments_that_are_only_read_are_not_copied() -> None:
    args = {"low": A + np.eye(4), "x": np.zeros(4), "b": B[:4]}
    kinds = {name: kind_of(value, name) for name, value in args.items()}
    text = derive(Request(solve, "adjoint", ("low", "b"), kinds, of=("x",))).text
    assert "    x = x.copy()\n" in text
    assert "low.copy()" not in text
    assert "b.copy()" not in text.replace("x_bar.copy()", "")


def grown(a, k):
    """Store into the argument, then read it."""
    a[1:] *= k * a[:-1]
    return np.array([np.sum(a * a), a[0] * a[2]])


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
def test_jacobians_of_what_stores_into_its_argument(transform) -> None:
    """The function was called on the caller's own array, to see what it returns."""
    a = U[:3].copy()
    wanted = np.stack(
        [directional(lambda x: grown(x.copy(), 1.3), (a,), unit)[0] for unit in np.eye(3)], axis=1
    )
    for _ in range(2):
        assert transform(grown)(a, 1.3) == pytest.approx(wanted, rel=1e-9)
        assert np.array_equal(a, U[:3])


def test_a_gradient_of_unknown_kind_is_differentiated_where_it_was_asked_for() -> None:
    def loss(a, v):
        a[:] += np.sin(v)
        return np.sum(a * a) + [0.0, "other", True][0]

    a, v = A[:2, :2].copy(), U[:2].copy()
    dots = (np.ones_like(a), np.ones_like(v))
    slope = jvp(grad(loss, ("a", "v")), (a, v), dots, wrt=("a", "v"))[1]
    assert np.array_equal(a, A[:2, :2])
    wanted, _ = directional(lambda a, v: leaves(grad(loss, ("a", "v"))(a, v)), (a, v), leaves(dots))
    assert leaves(slope) == pytest.approx(wanted, rel=1e-9)
