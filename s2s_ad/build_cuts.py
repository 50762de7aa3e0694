"""The gradients that a derivative cuts: noted for its header, refused when asked to be strict.

Takes prepared functions, requires `analysis.cuts`, `build_program`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from s2s_ad.analysis.cuts import cuts
from s2s_ad.analysis.flow import Facts, interpret
from s2s_ad.build_keys import canonical
from s2s_ad.build_program import Program
from s2s_ad.build_signature import bind
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.text import expr_text

WIDTH = 88
HINT = "if that is meant, write stop_gradient(...) around what goes in"


@dataclass(frozen=True)
class Cut:
    """A place where a gradient is cut, by the expression `text`."""

    file: str
    line: int
    text: str


def note_cuts(program: Program, subject: Subject, function: n.Function, facts: Facts) -> None:
    """Note where a function cuts a gradient; with `strict`, refuse it."""
    if str(getattr(subject.python, "__module__", "")).startswith("s2s_ad."):
        return  # our own text: steps there are slopes, known from the text it is made from
    for s, e in cuts(function, facts, lambda call, uid: _cuts_inside(program, facts, call, uid)):
        text = expr_text(e)
        if "strict" in program.options:
            message = f"`{text}` cuts a gradient: no derivative flows through it"
            raise subject.refuse(s, e, message, HINT)
        if s.origin is not None:
            program.cuts.setdefault(Cut(subject.file, s.origin.line, text))


def _cuts_inside(program: Program, facts: Facts, call: n.Call, uid: int) -> bool:
    """True when a call of user code, whose result does not vary, cuts what it is given."""
    found = facts.object_of(call.func, uid)
    keywords = {k.name: k.value for k in call.keywords if k.name is not None}
    if found is None or any(isinstance(a, n.Starred) for a in call.args):
        return False
    subject = program.fitted(found[0], len(call.args), tuple(keywords))
    given = bind(subject.function.params, call.args, keywords) if subject else None
    if subject is None or given is None or len(keywords) != len(call.keywords):
        return False
    bound = {p: None if x is None else facts.value(x, uid) for p, x in given.items()}
    values = program.entry(subject, bound)
    key = (id(subject), canonical(values))
    if key not in program.cutting:
        program.cutting[key] = False
        world = SubjectWorld(subject, program)
        inside = interpret(subject.function, dict(values), world, subject.locals)
        program.cutting[key] = any(
            True
            for _ in cuts(
                subject.function, inside, lambda c, at: _cuts_inside(program, inside, c, at)
            )
        )
    return program.cutting[key]


def cuts_text(found: Iterable[Cut], file: str) -> list[str]:
    """Return the lines of a header that list the cuts."""
    items = []
    for cut in found:
        where = f"L{cut.line}" if cut.file == file else f"L{cut.line} of {cut.file}"
        plain = not any(c in cut.text for c in ('"""', "\\", "`"))
        items.append(f"`{cut.text}` ({where})" if plain else where)
    if not items:
        return []
    text = f"Where a gradient is cut: {', '.join(items)}."
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
