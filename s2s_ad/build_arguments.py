"""Arguments that a function changes in place, where the user calls what is generated.

Takes prepared functions, copies such arguments on entry, or refuses them where the caller is to see
the change; requires `transform.context`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject
from s2s_ad.build_updates import Values, updated
from s2s_ad.build_writes import written_into
from s2s_ad.errors import S2SError
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, Kind, ListOf, is_immutable
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import walk_stmts
from s2s_ad.transform.context import Context
from s2s_ad.transform.copies import copied_value
from s2s_ad.transform.reading import stored_into

if TYPE_CHECKING:
    from s2s_ad.build_prepare import Prepared

# an option: generated code calls the derivative in the place of the function
CALLED = "called"


def own_arguments(prepared: Prepared, shared: Sequence[tuple[str, ...]]) -> None:
    """Copy on entry the arguments that the function changes in place.

    Those that it stores into come first: no other argument changes with their copies.
    """
    context = prepared.context()
    changed = changed_arguments(prepared.function, context, shared)
    stored = {name for name, direct in changed.items() if direct}
    if stored and stored < changed.keys():
        prepared.become(with_copies(prepared.function, context, stored))
        context = prepared.context()
        changed = changed_arguments(prepared.function, context, shared)
    if changed:
        prepared.become(with_copies(prepared.function, context, changed.keys()))


def changed_arguments(
    function: n.Function, context: Context, shared: Sequence[tuple[str, ...]] = ()
) -> dict[str, bool]:
    """Return the parameters that the function changes in place, and whether it stores into them by
    their names; others may share what it stores into.

    shared: parameters that receive one array, which must not be changed then.
    """
    changed: dict[str, bool] = {}
    for s, name, kind, rebound in changes_of(function, context):
        for other in (x for pair in shared if name in pair for x in pair if x != name):
            message = f"`{name}` is changed in place, and shares memory with `{other}`"
            raise context.refuse(s, n.Name(name), message, "pass a copy for one of them")
        if rebound:
            continue  # it is written as an assignment
        stored = _stored(s)
        if name in stored or isinstance(kind, (Array, ListOf, DictOf)):
            changed[name] = changed.get(name, False) or name in stored
    return changed


def check_unchanged(program: Program, subject: Subject, values: Values) -> None:
    """Refuse a function that changes what it is given: its caller would not see that."""
    changed = updated(program, subject, values) | written_into(program, subject, values)
    if changed:
        raise _changed(subject.refuse, n.Pass(), min(changed))


def check_still_unchanged(prepared: Prepared) -> None:
    """Refuse it too where that shows in the normal form of it only."""
    context = prepared.context()
    entry = context.facts.entry
    for s, name, _, _ in changes_of(prepared.function, context):
        # what is made of a number is not what the caller has
        if name not in entry or not is_immutable(entry[name].kind):
            raise _changed(context.refuse, s, name)


def _changed(
    refuse: Callable[[n.Stmt, n.Expr | None, str, str], S2SError], s: n.Stmt, name: str
) -> S2SError:
    message = f"`{name}` is changed in place by a function that is known only when it runs"
    return refuse(s, n.Name(name), message, "call the function by its name")


def changes_of(function: n.Function, context: Context) -> Iterator[tuple[n.Stmt, str, Kind, bool]]:
    """Yield the statements that may change a parameter in place, and its kind there; last, whether
    it is by an operator alone."""
    params = {p.name for p in function.params}
    for s in walk_stmts(function.body):
        made = context.unshared().get(s.uid, NOTHING_OWNED).own
        target = s.target if isinstance(s, n.AugAssign) else None
        updated = {target.id} if isinstance(target, n.Name) else set()
        for name in sorted(((context.changed(s) | updated) & params) - made):
            kind = context.facts.before.get(s.uid, {}).get(name, PASSIVE).kind
            if not is_immutable(kind):
                yield s, name, kind, name in updated - context.changed(s)


def _stored(s: n.Stmt) -> AbstractSet[str]:
    return {s.stack} if isinstance(s, (n.Append, n.Pop)) else stored_into(s)


def with_copies(function: n.Function, context: Context, which: AbstractSet[str]) -> n.Function:
    """Return a function that copies some of its arguments on entry."""
    copies = []
    for p in function.params:
        if p.name in which:
            e = copied_value(context, p.name, context.facts.entry[p.name].kind)
            copies.append(n.Assign((n.Name(p.name),), e, origin=function.origin))
    return replace(function, body=(*copies, *function.body))
