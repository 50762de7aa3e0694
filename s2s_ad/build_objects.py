"""Objects made in a function, as the values they hold: each attribute becomes a variable.

Takes the subject of a function, gives it without the instances that it can be shown to keep to
itself; requires `build_planning`, `build_fields`, `build_subject`.

    state = Pendulum(angle, 0.0)            state_angle, state_speed = angle, 0.0
    state.kick(dt)                    →     state_speed = Pendulum_kick(state_speed, dt)
    return state.energy                     return Pendulum_energy(state_angle, state_speed)

A method is called as a function of the attributes that it reads, which returns those that it
stores into and that are read afterwards. This is scalar replacement, known from compilers of
object-oriented languages. An object that may be seen by anything else, or whose class computes its
attributes, is left as it is: what is differentiated is then refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from s2s_ad.build_fields import EscapeError, Rendered, checked, rendered
from s2s_ad.build_planning import Analysis
from s2s_ad.build_sites import Book, Plan, of_library
from s2s_ad.build_subject import LocalFunction, Subject, rename
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import bound_names

if TYPE_CHECKING:
    from s2s_ad.build_program import Program


def with_fields(program: Program, subject: Subject) -> Subject:
    """Write the objects that a function makes as the values they hold, and return its subject."""
    if of_library(subject.scope.globals.get("__name__")):
        return subject
    if program.book is None:
        program.book = _book(program)
    book = program.book
    plan = book.plan(subject, {}, "", False)
    if plan is None or not plan.classes:
        return subject
    found = rendered(book, plan)
    made: dict[int, LocalFunction] = {}
    body = _named(found, subject, made, book, _variables(found)).body
    book.written[id(subject)] = subject.function
    subject.function = replace(subject.function, body=body)
    subject.prelude.extend(made.values())
    return subject


def _variables(found: Rendered) -> set[str]:
    """Return the variables of a function and of all that it calls."""
    own = {p.name for p in found.function.params} | bound_names(found.function.body)
    return own.union(*map(_variables, found.calls.values()))


def _named(
    found: Rendered,
    parent: Subject,
    made: dict[int, LocalFunction],
    book: Book,
    avoid: Collection[str],
) -> n.Function:
    """Return a function with the names of the functions that it calls, which are made too.

    avoid: names of variables.
    """
    mapping: dict[str, n.Expr] = {}
    for placeholder, callee in found.calls.items():
        local = made.get(id(callee))
        if local is None:
            name = book.linker.function(callee.plan.name)
            while name in avoid:
                name = book.linker.function(callee.plan.name)
            base = callee.plan.base
            local = made[id(callee)] = LocalFunction(callee.function, base, ())
            function = _named(callee, base, made, book, avoid)
            local.function = replace(function, name=name)
        parent.lifted[local.function.name] = local
        mapping[placeholder] = n.Name(local.function.name)
    return rename(found.function, mapping)


def _book(program: Program) -> Book:
    def plan(base: Subject, given: Mapping[str, type], name: str, makes: bool) -> Plan | None:
        """Return the plan of a function for parameters that hold objects, None if they escape.

        A function that calls itself has none.
        """
        classes = tuple(sorted(given.items(), key=lambda item: item[0]))
        key = (id(base), classes, makes, bool(name))
        if key not in book.plans:
            book.plans[key] = None
            book.plans[key] = _planned(book, base, given, name, makes)
        return book.plans[key]

    book = Book(program.linker, program.subject, plan)
    return book


def _planned(
    book: Book, base: Subject, given: Mapping[str, type], name: str, makes: bool
) -> Plan | None:
    banned: set[str] = set()
    while True:
        plan = Analysis(book, base, given, banned, name, makes).plan()
        if plan is None:
            return None
        try:
            checked(book, plan)
        except EscapeError as error:
            if error.name in given or error.name in banned:
                return None
            banned.add(error.name)
        else:
            return plan
