"""Loops of compiled reverse sweeps run forwards, where their steps may come in any order.

Takes a function whose lists of what is kept are arrays by now, gives it with such loops turned;
requires `simplify.forwards`. In a list, values are taken from its end, whatever the order; of an
array each step of nested loops reads its own items, and so more loops may run as the primal does:
a processor expects that, and so does a compiler.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from s2s_ad.build_fresh import newness
from s2s_ad.build_program import Program
from s2s_ad.build_purity import repeatable, without_effect
from s2s_ad.build_subject import Subject
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import bound_names, inside, names
from s2s_ad.rules.sharing import WHOLLY_NEW
from s2s_ad.simplify.forwards import Steps, forwards


def turned(
    function: n.Function, program: Program, entry: Subject, kinds: Mapping[str, Kind]
) -> n.Function:
    """Return a function with such loops turned. kinds: of its variables, as far as known."""
    own = bound_names(function.body) | {p.name for p in function.params}
    known = repeatable(program, (), without_effect(program, entry))

    @functools.cache
    def pure(e: n.Expr) -> bool:
        return known(e) and not any(names(x.func) & own for x in inside(e, n.Call))

    def fresh(e: n.Expr) -> bool:
        return isinstance(e, n.Call) and pure(e) and newness(entry, program, e) == WHOLLY_NEW

    def number(name: str) -> bool:
        return isinstance(kinds.get(name), Number)

    def array(name: str) -> bool:
        return isinstance(kinds.get(name), Array)

    def whole(name: str) -> bool:
        kind = kinds.get(name)
        return isinstance(kind, Number) and kind.type == "int"

    steps = Steps(pure, fresh, number, array, whole, frozenset())
    return replace(function, body=forwards(function.body, frozenset(program.backward), steps))
