"""What compiled functions gain from places for what is kept: which arrays may be kept in rows, and
which loops of the reverse sweep run forwards, as their steps may come in any order.

Takes a function and what is known of its variables; requires `simplify.forwards`. In a list,
values are taken from its end, whatever the order; of an array each step of nested loops reads its
own items, and so more loops may run as the primal does: a processor expects that, and a compiler.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from s2s_ad.build_fresh import newness
from s2s_ad.build_program import Program
from s2s_ad.build_purity import repeatable, without_effect
from s2s_ad.build_subject import Subject
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import stored_by
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, bound_names, free_names, inside, names, walk_stmts
from s2s_ad.rules.sharing import WHOLLY_NEW
from s2s_ad.simplify.forwards import Order, Steps, forwards
from s2s_ad.simplify.level_quotients import Level, level_quotients


def turned(
    function: n.Function, program: Program, entry: Subject, kinds: Mapping[str, Kind]
) -> n.Function:
    """Return a function with such loops turned, and quotients that are the same at each step in
    front of them. kinds: of its variables, as far as known."""
    steps = _steps(function, program, entry, kinds)
    back = frozenset(program.backward)
    body = forwards(function.body, back, steps)
    linker = program.linker
    taken = bound_names(body) | free_names(function) | linker.objects.keys() | linker.functions
    fresh = Names(taken | {p.name for p in function.params}).fresh
    level = Level(back, steps.number, Order(body, steps).shared, fresh)
    return replace(function, body=level_quotients(body, level))


def steady_arrays(
    function: n.Function,
    program: Program,
    entry: Subject,
    kinds: Mapping[str, Kind],
    users: AbstractSet[str],
) -> frozenset[str]:
    """Return the arrays of the user that have one shape and dtype at all times, and into which the
    reverse sweep stores by no name."""
    shared = Order(function.body, _steps(function, program, entry, kinds)).shared
    sweep = (s for s in walk_stmts(function.body) if s.uid in program.backward)
    stored = {shared(x) for s in sweep for x in _changed_in_place(s, kinds)}
    bound = bound_names(function.body)
    given = (kinds.get(p.name) for p in function.params if p.name not in bound)
    lengths = {dim.symbol for kind in given if isinstance(kind, Array) for dim in kind.dims or ()}
    return frozenset(
        name
        for name, kind in kinds.items()
        if name in users and shared(name) not in stored
        if isinstance(kind, Array) and kind.dims and kind.double
        # other lengths that have no name may differ from step to step
        if all(dim.symbol in lengths or not dim.symbol.startswith("?") for dim in kind.dims)
    )


def _changed_in_place(s: n.Stmt, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """Return the variables whose values a statement itself may change in place."""
    if blocks(s):
        return frozenset()
    found = stored_by(s)
    if isinstance(s, n.ExprStmt):
        found |= names(s.value)
    if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
        number = isinstance(kinds.get(s.target.id), Number)
        found |= frozenset() if number else {s.target.id}
    return found


def _steps(
    function: n.Function, program: Program, entry: Subject, kinds: Mapping[str, Kind]
) -> Steps:
    """Return what is known of the names in a function."""
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

    return Steps(pure, fresh, number, array, whole, frozenset())
