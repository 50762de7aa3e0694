"""Derivatives of derivatives, to third order: what is generated stays inside the language.

Forward (f) and reverse (r) mode are applied in turn, the last letter first. With one direction d
all along, each gives the third derivative along (d, d, d), or its vector along (d, d).
"""

from __future__ import annotations

import copy
import inspect
import itertools

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import Request, derive
from s2s_ad.errors import UnsupportedSyntax
from tests.checking import bound, check_second_order, chosen, restricted, weights
from tests.oracles import close, directional, leaves, rebuild
from tests.programs.points import time_limit
from tests.test_language import AT_TIES, BY_NAME, NAMES, value_of
from tests.turns import by_turns

SEQUENCES = ["".join(letters) for letters in itertools.product("fr", repeat=3)]
EVERY_SEQUENCE = [
    "control-early_return_of_the_same_variable",
    "expressions-stars_in_displays",
    "control-copied_then_overwritten_in_a_loop",
]
BY_REVERSE = [
    "arrays-row_broadcast",
    "arrays-reductions",
    "calls-tuple_results",
    "calls-self_recursion",
    "calls-closures_in_a_loop",
    "containers-append_reads_back",
    "containers-list_of_tuples",
    "containers-loop_over_zip",
    "containers-nested_argument",
    "containers-stores_into_items_of_items",
]
# what random programs found wrong at second order
TWICE = [
    "drawn-a_slice_in_a_recursive_function",
    "drawn-a_number_then_a_list",
    "drawn-added_to_in_place_whatever_it_is",
    "drawn-another_list_while_a_loop_runs_over_it",
    "drawn-nothing_yet_in_the_first_round",
    "windows-triangular_systems",
]
# with both sweeps in one function: what was refused for want of a shape, a product whose name is
# taken before it is read, which was looked for again for ever, and lengths of another call
JOINT = [
    "contractions-einsums",
    "order-gathered_and_stored",
    "replayed-the_same_at_each_step",
    "results-in_a_loop",
]
# of first order alone: a call known only when it runs; the adjoint of a list that is repeated
ONCE = [
    "containers-repeated_inside_of_an_expression",
    "tried-value_of_a_call_that_only_decides",
]
# functions, not methods, that return a number
NUMBERS = [
    name
    for name in NAMES
    if name not in ONCE
    and isinstance(value_of(name), (float, np.floating))
    and not inspect.ismethod(BY_NAME[name].function)
    and name not in AT_TIES
]
MODES = {"f": "tangent", "r": "adjoint"}
TOLERANCE = 1e-6


def applied(function, args, wrt, dots, sequence):
    """Return the derivative that a sequence of modes gives, and whether it is along all of d."""
    values = dict(zip(inspect.signature(function).parameters, copy.deepcopy(args)))
    directions = dict(zip(wrt, dots))
    number, select = True, ()
    for mode in reversed(sequence):
        kinds = {name: kind_of(value, name) for name, value in values.items()}
        kinds.update({name: real(kinds[name]) for name in wrt})
        derivative = derive(Request(function, MODES[mode], wrt, kinds, select=select))
        function, select = bound(derivative), (1,)
        given = {}
        before = ""
        for name in inspect.signature(function).parameters:
            if name in values:
                before = name
                given[name] = values[name]
            elif mode == "f":
                given[name] = directions[before]
            else:
                seed = tuple(dots) if len(wrt) > 1 else dots[0]
                given[name], number = (1.0 if number else seed), False
        values = given
    return function(**copy.deepcopy(values))[1], number


@pytest.fixture(autouse=True)
def in_time():
    with time_limit(120.0):
        yield


@np.errstate(all="ignore")  # untaken sides are infinite here too
def check(name, sequence):
    case = BY_NAME[name]
    like = chosen(case.function, case.args, case.wrt)
    directions = weights(len(leaves(like)))
    dots = rebuild(like, directions)
    gradient = grad(case.function, wrt=case.wrt)

    def twice(*values):
        full = list(copy.deepcopy(case.args))
        names = list(inspect.signature(case.function).parameters)
        for of, value in zip(case.wrt, values):
            full[names.index(of)] = value
        return jvp(gradient, tuple(full), dots, wrt=case.wrt)[1]

    once = restricted(gradient, case.wrt, case.args)
    wanted, error = directional(once if len(sequence) == 2 else twice, like, directions)
    got, number = applied(case.function, case.args, case.wrt, dots, sequence)
    if number:
        wanted = np.array([float(directions @ wanted)])
    assert close(leaves(got), wanted, 10.0 * error, TOLERANCE), (leaves(got), wanted)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", EVERY_SEQUENCE)
def test_every_sequence(name, sequence):
    check(name, sequence)


@pytest.mark.parametrize("sequence", ["rrr", "frr"])
@pytest.mark.parametrize("name", BY_REVERSE)
def test_over_reverse(name, sequence):
    check(name, sequence)


@pytest.mark.parametrize("name", TWICE)
def test_twice(name):
    check_second_order(BY_NAME[name].function, BY_NAME[name].args, BY_NAME[name].wrt)


@pytest.mark.parametrize("name", [*JOINT, *by_turns((x for x in NUMBERS if x not in JOINT), 12)])
def test_joint_reverse(name):
    """Reverse over reverse with both sweeps in one function, as `grad(grad(f))` has it."""
    check(name, "rr")


@pytest.mark.parametrize("name", ONCE)
def test_refused_twice(name):
    with pytest.raises(UnsupportedSyntax):
        check(name, "rr")


def stored_twice_a_step(x, v):
    for i in range(3):
        v[:i] = v[:i] * np.sin(np.mean(v))
        v[i] = np.sin(v[i - 1]) * x
    end = v
    return np.mean(end)


def test_a_call_is_made_behind_the_store_into_what_it_reads():
    """Random program 331200: `np.sin(v[i - 1])` was made in front of the first store."""
    args = -0.648, np.array([-1.386, 0.977, -1.28])
    check_second_order(stored_twice_a_step, args, ("x",))
