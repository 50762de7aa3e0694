"""Known wrong answers, of other tools and of this one: each fixture against its closed form.

A file of fixtures/regressions defines `f`, `ARGS`, `WRT` and `expected()`, the gradient for each
name of WRT; where the result is not one number, `SEED` weighs it; `SMOOTH = False` marks a point
where differences cannot confirm the closed form.
"""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from s2s_ad import jvp, value_and_grad, vjp
from s2s_ad.build import Request, derive
from tests.checking import bound, chosen, interleaved, restricted, same_bits, same_structure
from tests.oracles import close, difference_jacobian, leaves, rebuild
from tests.programs.generate import load

FILES = sorted((Path(__file__).parent.parent / "fixtures" / "regressions").glob("*.py"))
RELATIVE = 1e-11


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def case(request):
    """The names of a fixture; f's source is known to linecache only, as in a notebook."""
    function = load(request.param.read_text(), "f")
    names = {"SEED": 1.0, "SMOOTH": True, **function.__globals__}
    value = function(*copy.deepcopy(names["ARGS"]))
    return SimpleNamespace(**{**names, "f": function, "value": value})


def expect(case, gradient):
    assert same_structure(gradient, chosen(case.f, case.ARGS, case.WRT))
    for name, got, want in zip(case.WRT, gradient, case.expected()):
        assert close(leaves(got), leaves(want), 0.0, RELATIVE), (name, got, want)


def units(case):
    """Yield each unit direction, and what the derivative along it should be."""
    like = chosen(case.f, case.ARGS, case.WRT)
    wanted = leaves(case.expected())
    for unit, want in zip(np.eye(len(wanted)), wanted):
        yield rebuild(like, unit), np.array([want])


def weighed(case, dot):
    return np.atleast_1d(leaves(dot) @ leaves(case.SEED))


def test_closed_form(case):
    if case.SMOOTH:
        function = restricted(case.f, case.WRT, case.ARGS)
        jacobian, error = difference_jacobian(function, chosen(case.f, case.ARGS, case.WRT))
        assert close(leaves(case.expected()), leaves(case.SEED) @ jacobian, error, 1e-7)


def test_adjoint(case):
    if len(leaves(case.value)) == 1:
        value, gradient = value_and_grad(case.f, wrt=case.WRT)(*copy.deepcopy(case.ARGS))
    else:
        value, pullback = vjp(case.f, *copy.deepcopy(case.ARGS), wrt=case.WRT)
        gradient = pullback(case.SEED)
    assert same_bits(value, case.value)
    expect(case, gradient)


def test_tangent(case):
    for dots, want in units(case):
        value, dot = jvp(case.f, copy.deepcopy(case.ARGS), dots, wrt=case.WRT)
        assert same_bits(value, case.value)
        assert close(weighed(case, dot), want, 0.0, RELATIVE)


def test_adjoint_with_kinds_off(case):
    adjoint = bound(derive(Request(case.f, "adjoint", case.WRT, {})))
    value, gradient = adjoint(*copy.deepcopy(case.ARGS), case.SEED)
    assert same_bits(value, case.value)
    expect(case, gradient if len(case.WRT) > 1 else (gradient,))


def test_tangent_with_kinds_off(case):
    tangent = bound(derive(Request(case.f, "tangent", case.WRT, {})))
    for dots, want in units(case):
        value, dot = tangent(*interleaved(case.f, copy.deepcopy(case.ARGS), case.WRT, dots))
        assert same_bits(value, case.value)
        assert close(weighed(case, dot), want, 0.0, RELATIVE)
