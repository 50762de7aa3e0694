"""Functions of the user as functions that return what they leave in copies of their arguments.

Takes callees, gives subjects; requires `build_subject`, `frontend`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2s_ad.build_subject import Subject
from s2s_ad.frontend.outputs import with_outputs
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace

if TYPE_CHECKING:
    from s2s_ad.build_program import Program


@dataclass(frozen=True, eq=False)
class Writing:
    """A function of the user that works on copies of arguments, and returns what it leaves there.

    of: what it returns (`frontend/outputs.py`). copied: the parameters that it copies.
    """

    base: object
    of: tuple[str, ...]
    copied: tuple[str, ...]


def writing(
    program: Program, callee: object, of: tuple[str, ...], copied: tuple[str, ...]
) -> Writing:
    """Return a callee as a function that returns what it leaves in copies of its arguments."""
    new = Writing(callee, of, copied)
    found: Writing = program.writings.setdefault((id(callee), of, copied), new)
    return found


def leaving(program: Program, callee: Writing) -> Subject | None:
    """Return the subject of a function that works on copies; it is the same each time."""
    found = program.subjects.get(id(callee))
    if found is None:
        inner = program.subject(callee.base)
        if inner is None:
            return None
        made = returning(inner, callee.of, callee.copied)
        program.subjects[id(callee)] = found = (callee, made)
    return found[1] if isinstance(found[1], Subject) else None


def returning(subject: Subject, of: tuple[str, ...], copied: tuple[str, ...] = ()) -> Subject:
    """Return a subject that returns the outputs `of`. copied: parameters that it copies first."""
    unused = subject.fresh_names().fresh("returned")
    function = with_outputs(subject.function, of, subject.refuse, unused)
    copies = tuple(
        n.Assign((n.Name(x),), n.Call(n.Attribute(n.Name(x), "copy"), ()), origin=function.origin)
        for x in copied
    )
    function = replace(function, body=(*copies, *function.body))
    return replace(subject, function=function, of=of, copied=copied)
