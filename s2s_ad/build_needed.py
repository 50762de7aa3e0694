"""Which functions a generated module needs.

Takes functions of a module, gives those that are called; requires `build_subject`.
"""

from __future__ import annotations

from collections.abc import Sequence

from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.walk import free_names, walk_stmts


def called(functions: Sequence[n.Function], entries: int) -> list[n.Function]:
    """Return the first functions, so many, and those that they call, or that these call."""
    said = {f.name: {x for s in walk_stmts(f.body) for x in said_by(s)} for f in functions}
    found: set[str] = set()
    more = {f.name for f in functions[:entries]}
    while more:
        found |= more
        more = {x for name in more for x in said[name] if x in said} - found
    return [f for f in functions if f.name in found]


def local(functions: Sequence[n.Function], program: Program) -> list[n.Function]:
    """Return the lifted local functions that the generated code still calls."""
    available = {
        x.function.name: x.function
        for _, subject in program.subjects.values()
        if isinstance(subject, Subject)
        for x in subject.prelude
    }
    wanted: list[str] = []
    todo = list(functions)
    while todo:
        for name in sorted(free_names(todo.pop()) & available.keys()):
            if name not in wanted:
                wanted.append(name)
                todo.append(available[name])
    return [available[name] for name in sorted(wanted)]
