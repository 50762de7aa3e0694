"""Which loops of the reverse sweep run forwards: those whose steps may come in any order.

That what they compute is right is tested in tests/test_language.py, by the same functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import Request, derive
from s2s_ad.ir import nodes as n
from s2s_ad.ir.quote import parse_expr
from s2s_ad.simplify.forwards import Order, Steps
from tests.language import at_once, cancelling, order, rolling, workspaces
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


def adjoint(function: Callable[..., Any]) -> str:
    """Return the adjoint of a case."""
    found = next(c for c in CASES if c.function is function)
    bound = inspect.signature(found.function).bind(*found.args)
    kinds = {x: kind_of(v, x) for x, v in bound.arguments.items()}
    kinds |= {x: real(kinds[x]) for x in found.wrt}
    return derive(Request(found.function, "adjoint", found.wrt, kinds)).text


AT_ONCE = [
    "weights_of_a_row",
    "stored_by_both_branches",
    "matrix_filled_by_each_step",
    "cleared_by_each_step",
]
IN_TURN = [
    "never_cleared",
    "one_item_is_left",
    "stored_by_some_branches",
    "left_early",
    "counted_otherwise",
    "loop_that_may_not_run",
    "read_behind_the_loop",
    "under_two_names",
    "given",
]


@pytest.mark.parametrize("name", [*AT_ONCE, *IN_TURN])
def test_steps_that_work_in_an_array(name: str) -> None:
    text = adjoint(getattr(workspaces, name))
    assert ("# -- reverse sweep of this step" in text) == (name in AT_ONCE)


def test_an_array_of_each_step_is_not_kept() -> None:
    text = adjoint(workspaces.weights_of_a_row)
    assert "p_saved" not in text


def test_buffers_that_change_places_are_different_ones() -> None:
    text = adjoint(workspaces.buffers_change_places)
    reverse = text[text.index("# -- reverse sweep") :]
    assert "for i in range(1, n - 1):" in reverse


@pytest.mark.parametrize(
    ("lines", "apart"),
    [
        ("a = b; b = c; c = zeros(n)", True),
        ("a = b; b = c", False),  # c and b hold one thing
        ("a = b; break; b = zeros(n)", False),
        ("row = b[0]; a = b; b = zeros(n)", False),  # row is a part of a
        ("a = b; b = a", False),
        ("a = b; b = b[1:]", False),
    ],
)
def test_what_is_moved(lines: str, apart: bool) -> None:
    """Whether no two of the variables may hold the same thing."""
    block: list[n.Stmt] = []
    for line in lines.split("; "):
        target, _, value = line.partition(" = ")
        if value:
            block.append(n.Assign((n.Name(target),), parse_expr(value)))
        else:
            block.append(n.If((n.Branch(n.Name("x"), (n.Break(),)),), ()))
    loop = n.For(n.Name("k"), parse_expr("range(m)"), tuple(block))
    numbers = {"x", "k", "m", "n"}

    def is_number(name: str) -> bool:
        return name in numbers

    def is_array(name: str) -> bool:
        return name not in numbers

    def is_call(e: n.Expr) -> bool:
        return isinstance(e, n.Call)

    steps = Steps(lambda _: True, is_call, is_number, is_array, is_number, frozenset())
    order = Order((loop,), steps)
    found = {x for x in ("a", "b", "c", "row") if x in lines.replace("break", "")}
    assert (len({order.shared(x) for x in found}) == len(found)) == apart


def test_a_maximum_that_begins_with_minus_infinity_cancels_out() -> None:
    assert "Not differentiated: top, which cancels out." in adjoint(cancelling.begun_with_nothing)


def test_an_item_that_is_changed_in_place_is_kept_alone() -> None:
    """Not the whole array at each step, though another name comes to share it."""
    text = adjoint(rolling.normalised_in_place)
    for line in text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        assert "y_saved.append(y" not in line or depth == 2


@pytest.mark.parametrize("name", ["length_of_what_is_given", "length_in_a_loop"])
def test_lengths_are_not_kept(name: str) -> None:
    text = adjoint(getattr(workspaces, name))
    assert "n_saved" not in text
    assert "n2_saved" not in text


def test_the_length_of_what_is_given_is_known_in_front_of_the_call() -> None:
    text = adjoint(workspaces.length_of_what_is_given)
    assert text.count("n2 = len(r)") == 0
    assert "in range(1, len(r)):" in text
