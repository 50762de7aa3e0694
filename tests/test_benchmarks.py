"""Benchmark programs: adjoints by hand are right, and what is generated is equal to them."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from s2s_ad import value_and_grad
from tests.benchmarks.catalogue import PROGRAMS
from tests.benchmarks.compiled_catalogue import COMPILED
from tests.benchmarks.generated import generated
from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.measure import bars, directions
from tests.checking import chosen, interleaved, restricted
from tests.oracles import directional, leaves


@pytest.mark.parametrize("name", PROGRAMS)
def test_adjoint_by_hand_is_right_and_ours_is_equal(name):
    program = PROGRAMS[name]
    args = program.small()
    before = leaves(args)
    like = chosen(program.primal, args, program.wrt)
    value, gradients = program.adjoint(*args, 1.7)
    assert value == program.primal(*args)
    by_hand = leaves(gradients if len(program.wrt) > 1 else (gradients,))

    count = len(leaves(like))
    for direction in (np.cos(1.0 + np.arange(count)), np.sin(2.0 + 3.0 * np.arange(count))):
        wanted, error = directional(
            restricted(program.primal, program.wrt, args), like, 0.1 * direction
        )
        assert error < 1e-9
        assert 0.1 * by_hand @ direction == pytest.approx(1.7 * wanted[0], rel=1e-8, abs=1e-9)

    found, gradients = generated(program, "adjoint", args).call(*copy.deepcopy(args), 1.7)
    assert found == value
    ours = leaves(gradients if len(program.wrt) > 1 else (gradients,))
    np.testing.assert_allclose(ours, by_hand, rtol=1e-11, atol=1e-11 * np.max(np.abs(by_hand)))
    assert np.array_equal(leaves(args), before)

    dots = directions(program, args)
    tangent = generated(program, "tangent", args).call
    _, dot = tangent(*interleaved(program.primal, args, program.wrt, dots))
    assert 1.7 * dot == pytest.approx(by_hand @ leaves(dots), rel=1e-10)


@pytest.mark.parametrize("name", COMPILED)
def test_gradient_by_hand_for_numba_is_right_and_ours_is_equal(name):
    program = COMPILED[name]
    args = program.small()
    before = leaves(args)
    value, gradients = program.gradient(*args)
    assert value == pytest.approx(program.primal(*args), rel=1e-13)
    by_hand = leaves(gradients if len(program.wrt) > 1 else (gradients,))
    direction = np.cos(1.0 + np.arange(by_hand.size))
    like = chosen(program.primal, args, program.wrt)
    run = restricted(program.primal, program.wrt, args)
    wanted, error = directional(run, like, 0.01 * direction)
    assert error < 1e-7
    assert 0.01 * by_hand @ direction == pytest.approx(wanted[0], rel=1e-6, abs=1e-8)
    value, gradients = value_and_grad(program.primal, program.wrt)(*args)
    assert value == program.primal(*args)
    np.testing.assert_allclose(leaves(gradients), by_hand, rtol=1e-9, atol=1e-11)
    assert np.array_equal(leaves(args), before)


@pytest.mark.parametrize("name", KERNELS)
def test_adjoint_of_a_kernel_by_hand_is_equal_to_ours(name):
    """That ours is right is tested with the other kernels."""
    program = KERNELS[name]
    args = program.small()
    before = leaves(args)
    seeds = bars(program, args)
    value, by_hand = program.adjoint(*args, *seeds)
    found, ours = generated(program, "adjoint", args).call(*copy.deepcopy(args), *seeds)
    assert np.array_equal(leaves(found), leaves(value))
    wanted = leaves(by_hand)
    np.testing.assert_allclose(leaves(ours), wanted, rtol=1e-11, atol=1e-11 * np.max(wanted))
    assert np.array_equal(leaves(args), before)


def test_text_does_not_depend_on_the_hash_seed():
    """Sets of expressions have no order of their own: lines came out in another one at each run."""
    code = (
        "from tests.benchmarks.generated import generated\n"
        "from tests.benchmarks.catalogue import PROGRAMS\n"
        "for name in ('lorenz', 'orbit', 'thomas', 'bundle', 'kalman'):\n"
        "    program = PROGRAMS[name]\n"
        "    print(generated(program, 'adjoint', program.small()).text)\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True,
            capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "77")
    }  # fmt: skip
    assert len(texts) == 1
