"""Which of its arguments a function of the user may change in place.

Takes calls with what is known of their arguments, gives the variables of the caller that hold what
may change; requires `build_updates`, `build_arguments`. What has an effect of another kind, such
as a mode that it sets, leaves its arguments alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2s_ad.analysis.flow import Facts
from s2s_ad.build_fresh import holds_nothing
from s2s_ad.build_keys import canonical
from s2s_ad.build_leaks import leaks
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.build_updates import Values, bound_call
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import is_immutable
from s2s_ad.ir.walk import names
from s2s_ad.transform.calls import OUTSIDE

if TYPE_CHECKING:
    from s2s_ad.build_program import Program


def changed_by_call(
    program: Program, call: n.Call, s: n.Stmt, facts: Facts
) -> frozenset[str] | None:
    """Return the variables in the arguments that a call of a function of the user may change, None
    for other calls; with `OUTSIDE` where it puts what varies into something else."""
    found = _changed_variables(program, call, s, facts)
    if program.outside and leaks(program, call, s, facts):
        return (found or frozenset()) | {OUTSIDE}
    return found


def _changed_variables(
    program: Program, call: n.Call, s: n.Stmt, facts: Facts
) -> frozenset[str] | None:
    bound = bound_call(program, call, s, facts)
    if bound is None:
        return None
    changed = changed_parameters(program, bound.subject, bound.values)
    given = [x for p, x in bound.given.items() if p in changed and x is not None]
    held = [x for x in given if not is_immutable(facts.value(x, s.uid).kind)]
    if isinstance(facts.world, SubjectWorld):
        subject = facts.world.subject
        held = [x for x in held if not holds_nothing(subject, program, x)]
    return frozenset[str]().union(*map(names, held))


def changed_parameters(program: Program, subject: Subject, values: Values) -> frozenset[str]:
    """Return the parameters that hold what a function may change, called with such values."""
    from s2s_ad.build_arguments import changes_of
    from s2s_ad.build_prepare import Prepared

    key = (id(subject), canonical(values))
    known = program.changes.get(key)
    if known is not None:
        return known
    # what a recursive call changes is not known yet
    program.changes[key] = frozenset(name for name, _ in values)
    prepared = Prepared(subject, program, subject.function, values, subject.fresh_names())
    changes = changes_of(prepared.function, prepared.context())
    program.changes[key] = frozenset(name for _, name, _, _ in changes)
    return program.changes[key]
