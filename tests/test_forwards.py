"""Which loops of the reverse sweep run forwards: those whose steps may come in any order.

That what they compute is right is tested in tests/test_language.py, by the same functions.
"""

from __future__ import annotations

import inspect

import pytest

from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import Request, derive
from tests.language import at_once, order
from tests.language.cases import CASES

BACKWARDS = {
    "products_of_a_matrix": [],
    "into_another_array": ["u"],
    "into_the_same_array": ["i"],
    "from_where_it_may_count_from_the_end": ["i"],
    "own_item_two_to_the_left": [],
    "items_met_again": ["i"],
    "left_from_the_last_step": ["total"],
    "kept_once_a_step": [],
    "a_number_carried_on": ["i"],
    "triangle_read_beside_the_diagonal": ["j"],
    "gathered_and_stored": ["i"],
    "maximum_so_far": ["i"],
}


def backwards(name: str, *options: str) -> list[str]:
    """Return the variables of the loops that run backwards in the adjoint of a case."""
    found = next(c for c in CASES if c.function is getattr(order, name))
    bound = inspect.signature(found.function).bind(*found.args)
    kinds = {x: kind_of(v, x) for x, v in bound.arguments.items()}
    kinds |= {x: real(kinds[x]) for x in found.wrt}
    text = derive(
        Request(found.function, "adjoint", found.wrt, kinds, options=frozenset(options))
    ).text
    lines = [line.split() for line in text.splitlines() if "in reversed(" in line]
    return [words[1] for words in lines]


@pytest.mark.parametrize("name", BACKWARDS)
def test_order(name: str) -> None:
    assert backwards(name) == BACKWARDS[name]


def test_switched_off() -> None:
    # the outer one is reversed step by step
    assert backwards("products_of_a_matrix", "forwards") == ["j"]
    assert backwards("into_another_array", "forwards") == ["u", "i"]


@pytest.mark.parametrize("name", ["met_by_the_next_step", "left_by_some_steps"])
def test_additions_come_in_any_order(name: str) -> None:
    """A store to an item of zeros is an addition, where that lets each step be reversed."""
    found = next(c for c in CASES if c.function is getattr(at_once, name))
    bound = inspect.signature(found.function).bind(*found.args)
    kinds = {x: kind_of(v, x) for x, v in bound.arguments.items()}
    kinds |= {x: real(kinds[x]) for x in found.wrt}
    text = derive(Request(found.function, "adjoint", found.wrt, kinds)).text
    assert "each step of the loop over j reversed at its end" in text and "reversed(" not in text
