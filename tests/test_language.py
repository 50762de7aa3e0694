"""Every construct of the language, in both modes, with kinds known and unknown, and twice over.

The functions are in tests/language, one per construct; references are extrapolated differences.
What is beyond the language may be refused, and must be right where it is not.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.util
from zlib import crc32

import numpy as np
import pytest

from s2s_ad.build import OPTIMISATIONS
from s2s_ad.errors import S2SError
from tests.checking import check_both, check_derived, check_second_order, chosen, restricted
from tests.language import (
    arrays,
    at_once,
    buffers,
    calls,
    cancelling,
    constant_exits,
    containers,
    contractions,
    control,
    drawn,
    effects,
    expressions,
    filled,
    handed,
    lengths,
    looked_up,
    masks,
    matrices,
    norms,
    order,
    pitfalls,
    replayed,
    results,
    rolling,
    shared_values,
    signs,
    stores,
    tried,
    untaken,
    updates,
    windows,
    workspaces,
)
from tests.language.cases import BEYOND, CASES
from tests.oracles import reference
from tests.programs.points import time_limit
from tests.turns import by_turns

MODULES = (
    arrays,
    at_once,
    calls,
    cancelling,
    constant_exits,
    containers,
    contractions,
    control,
    drawn,
    effects,
    expressions,
    filled,
    handed,
    lengths,
    looked_up,
    masks,
    matrices,
    norms,
    order,
    pitfalls,
    replayed,
    results,
    rolling,
    signs,
    shared_values,
    buffers,
    stores,
    tried,
    untaken,
    updates,
    windows,
    workspaces,
)
if importlib.util.find_spec("scipy"):
    from tests.language import roots

    MODULES = (*MODULES, roots)
BY_NAME = {case.name: case for case in (*CASES, *BEYOND)}
NAMES = [case.name for case in CASES]
# at a tie there is a slope by convention, and none of that
AT_TIES = frozenset({"rolling-edits"})
OFF = [*OPTIMISATIONS, "all"]


@functools.cache
def value_of(name):
    case = BY_NAME[name]
    # what a side of `np.where` is where it is not taken may be infinite
    with np.errstate(all="ignore"):
        return case.function(*copy.deepcopy(case.args))


@functools.cache
def problem(name):
    """Return what the checks take: function, arguments, names, value, reference."""
    case = BY_NAME[name]
    function = restricted(case.function, case.wrt, case.args)
    jacobian = reference(function, chosen(case.function, case.args, case.wrt))
    return case.function, case.args, case.wrt, value_of(name), jacobian


@pytest.fixture(autouse=True)
def in_time_and_quiet():
    """Sides that are not taken are infinite in the derivative as they are in the primal."""
    with time_limit(60.0), np.errstate(all="ignore"):
        yield


@contextlib.contextmanager
def right_or_refused():
    """Let pass what is refused as it should be: by its line, or when an array turns up."""
    try:
        yield
    except S2SError as refusal:
        assert refusal.place is not None and refusal.hint
    except TypeError as refusal:
        assert "say what the arguments are (--like, --call)" in str(refusal)
    except RuntimeError as refusal:
        assert "left a `try`" in str(refusal)


def test_names_are_different():
    assert len(BY_NAME) == len(CASES) + len(BEYOND)


@pytest.mark.parametrize("name", NAMES)
def test_both_modes(name):
    check_both(*problem(name))


@pytest.mark.parametrize("name", by_turns(NAMES, 3))
def test_kinds_off(name):
    """Nothing is known of the arguments: right, or refused with the advice to say what they are."""
    with right_or_refused():
        check_derived("kinds off", *problem(name))


def check_off(name, option, known):
    off = frozenset(OPTIMISATIONS) if option == "all" else frozenset((option,))
    with right_or_refused():
        check_derived(f"without {option}", *problem(name), options=off, known=known)


@pytest.mark.parametrize("name", [name for name in NAMES if crc32(name.encode()) % 3 == 0])
def test_optimisation_off(name):
    """One optimisation is off, by turns: the numbers are the same."""
    turn = crc32(name.encode()) // 3
    check_off(name, OFF[turn % len(OFF)], turn // len(OFF) % 2 == 0)


@pytest.mark.parametrize("name", ["control-made_for_one_branch_each"])
def test_what_was_wrong_without_sharing(name):
    """What one branch gives a variable, which is zero for the other one, stayed out of that."""
    check_off(name, "share", True)


@pytest.mark.exhaustive
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_each_optimisation_off(name, known):
    # no test for each: what collects twenty thousand of them slows every run
    for option in OFF:
        check_off(name, option, known)


@pytest.mark.parametrize(
    "name",
    by_turns(
        (x for x in NAMES if isinstance(value_of(x), (float, np.floating)) and x not in AT_TIES), 8
    ),
)
def test_second_order(name):
    check_second_order(BY_NAME[name].function, BY_NAME[name].args, BY_NAME[name].wrt)


@pytest.mark.parametrize("name", [case.name for case in BEYOND])
def test_right_or_refused(name):
    with right_or_refused():
        check_both(*problem(name))
    with right_or_refused():
        check_derived("kinds off", *problem(name))
