"""Kinds of parameters that nobody gives: from annotations, and from how they are used.

Takes subjects, requires `analysis.demanded`, `build_program`.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from s2s_ad.analysis.demanded import INTEGER, demanded
from s2s_ad.analysis.observe import real
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import BOOL, FLOAT, INT, NUMBER, Kind, Str

if TYPE_CHECKING:
    from s2s_ad.build_program import Program

ANNOTATIONS: Mapping[str, Kind] = {"float": FLOAT, "int": INT, "bool": BOOL, "str": Str()}


def known_kinds(program: Program, subject: Subject, wrt: tuple[str, ...]) -> dict[str, Kind]:
    """Return the kinds that a function tells of its own parameters; `wrt` are real numbers."""
    found = {**proved(program, subject), **annotated(subject)}
    used = proved(program, subject)
    return {
        name: real(kind) if name in wrt else kind
        for name, kind in found.items()
        if not (name in wrt and used.get(name) == INT)
    }


def annotated(subject: Subject) -> dict[str, Kind]:
    """Return the kinds that annotations of parameters name: builtins, under their own names."""
    found = {}
    for p in subject.function.params:
        name = p.annotation.id if isinstance(p.annotation, n.Name) else ""
        if isinstance(p.annotation, n.Const) and isinstance(p.annotation.value, str):
            name = p.annotation.value
        binding = subject.scope.lookup(name) if name in ANNOTATIONS else None
        if binding is not None and binding.value is getattr(builtins, name):
            found[p.name] = ANNOTATIONS[name]
    return found


def proved(program: Program, subject: Subject) -> dict[str, Kind]:
    """Return the kinds of the parameters that are numbers whenever the function returns."""
    if id(subject) not in program.proofs:
        program.proofs[id(subject)] = {}  # of a recursive call nothing is known
        world = SubjectWorld(subject, program)

        def object_of(e: n.Expr) -> object:
            if isinstance(e, n.Name):
                found = None if e.id in subject.locals else world.lookup(e.id)
            elif isinstance(e, n.Attribute) and (owner := object_of(e.value)) is not None:
                found = world.attribute(owner, e.attr)
            else:
                found = None
            return found[0] if found else None

        def inner(call: n.Call, callee: object) -> Iterator[tuple[n.Expr, str]]:
            from s2s_ad.build_signature import bind

            keywords = {k.name: k.value for k in call.keywords if k.name is not None}
            if len(keywords) != len(call.keywords):
                return
            other = program.fitted(callee, len(call.args), tuple(keywords))
            given = bind(other.function.params, call.args, keywords) if other else None
            for name, kind in proved(program, other).items() if other and given else ():
                argument = given[name] if given else None
                if argument is not None:
                    yield argument, INTEGER if kind == INT else "number"

        uses = demanded(subject.function, object_of, inner)
        program.proofs[id(subject)] = {
            name: INT if sort == INTEGER else NUMBER for name, sort in uses.items()
        }
    return program.proofs[id(subject)]
