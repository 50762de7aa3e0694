"""Every construct of the language, in both modes, with kinds known and unknown, and twice over.

The functions are in tests/language, one per construct; references are extrapolated differences.
"""

from __future__ import annotations

import copy
import functools

import numpy as np
import pytest

from tests.checking import check_both, check_derived, check_second_order, chosen, restricted
from tests.language import arrays, calls, containers, control, expressions
from tests.language.cases import CASES
from tests.oracles import Reference, reference

MODULES = (arrays, calls, containers, control, expressions)

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@functools.cache
def solved(index: int) -> tuple[object, Reference]:
    """Return the value of a case and its reference."""
    case = CASES[index]
    value = case.function(*copy.deepcopy(case.args))
    function = restricted(case.function, case.wrt, case.args)
    return value, reference(function, chosen(case.function, case.args, case.wrt))


@every_case
def test_both_modes(case):
    value, jacobian = solved(CASES.index(case))
    check_both(case.function, case.args, case.wrt, value, jacobian)


@every_case
def test_kinds_off(case):
    value, jacobian = solved(CASES.index(case))
    check_derived("kinds off", case.function, case.args, case.wrt, value, jacobian)


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if isinstance(case.function(*copy.deepcopy(case.args)), (float, np.floating))
    ],
    ids=lambda case: case.name,
)
def test_second_order(case):
    check_second_order(case.function, case.args, case.wrt)
