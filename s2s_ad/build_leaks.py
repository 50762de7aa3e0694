"""Whether a call puts what varies into something outside: a global, or what one holds.

Takes calls with what is known of their arguments; requires `build_subject`, `analysis`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2s_ad.analysis.effects import is_pure_method
from s2s_ad.analysis.flow import Facts, interpret
from s2s_ad.analysis.values import Value
from s2s_ad.build_keys import canonical
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import all_parts, container_of, each_of, is_starred, walk_stmts
from s2s_ad.transform.calls import OUTSIDE

if TYPE_CHECKING:
    from s2s_ad.build_program import Program

_NOTHING: frozenset[str] = frozenset()


def leaks(program: Program, call: n.Call, s: n.Stmt, facts: Facts) -> bool:
    """True when a function of the user that is called stores a varying value outside of it."""
    found = facts.object_of(call.func, s.uid)
    if found is None or is_starred(call):
        return False
    args = [facts.value(a, s.uid) for a in call.args]
    keywords = {k.name or "": facts.value(k.value, s.uid) for k in call.keywords}
    known = program.called(found[0], args, keywords)
    return known is not None and _leaks(program, known[0], program.entry(*known))


def _leaks(program: Program, subject: Subject, values: tuple[tuple[str, Value], ...]) -> bool:
    if not any(value.varied for _, value in values):
        return False
    key = (OUTSIDE, id(subject), canonical(values))
    if key not in program.changes:
        program.changes[key] = _NOTHING  # a recursive call does what the rest of it does
        world = SubjectWorld(subject, program)
        facts = interpret(subject.function, dict(values), world, subject.locals)
        every = (s for s in walk_stmts(subject.function.body) if s.uid in facts.before)
        if any(_stores(subject, s, facts) or _calls(program, subject, s, facts) for s in every):
            program.changes[key] = frozenset((OUTSIDE,))
    return bool(program.changes[key])


def _stores(subject: Subject, s: n.Stmt, facts: Facts) -> bool:
    """True for a store of what varies into what is no variable of the function."""
    if isinstance(s, n.Append):
        return s.stack not in subject.locals and facts.varied(s.value, s.uid)
    if not isinstance(s, (n.Assign, n.AugAssign)) or not facts.varied(s.value, s.uid):
        return False
    targets = s.targets if isinstance(s, n.Assign) else (s.target,)
    parts = (x for t in targets for x in each_of(t))
    return any(isinstance(x, (n.Subscript, n.Attribute)) and _is_outside(subject, x) for x in parts)


def _calls(program: Program, subject: Subject, s: n.Stmt, facts: Facts) -> bool:
    for e in all_parts(s):
        if not isinstance(e, n.Call):
            continue
        if leaks(program, e, s, facts):
            return True
        method = e.func.attr if isinstance(e.func, n.Attribute) else ""
        found = facts.object_of(e.func, s.uid)
        held = found is None or isinstance(getattr(found[0], "__self__", None), (list, dict, set))
        unknown = method and held and not is_pure_method(method)
        given = (*e.args, *(k.value for k in e.keywords))
        if unknown and _is_outside(subject, e.func) and any(facts.varied(a, s.uid) for a in given):
            return True
    return False


def _is_outside(subject: Subject, e: n.Expr) -> bool:
    root = container_of(e)
    return isinstance(root, n.Name) and root.id not in subject.locals
