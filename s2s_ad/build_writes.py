"""Calls of functions that write into their arguments, as calls of functions that return what they
leave there.

Takes a function with its facts, gives it with such calls written so; requires `analysis`,
`build_updates`, `build_program`.

    step(u, p)                              u = step'(u, p)
    error = step(rows[i], p)       →        error, rows[i] = step'(rows[i], p)

The function that is called then works on copies (`Writing`), so that nothing changes but what the
statement binds or stores into. That is the same where no other name sees what is written into.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from s2s_ad.analysis.flow import Facts, interpret, updated_array
from s2s_ad.analysis.held import holds_plain_items
from s2s_ad.analysis.managers import may_enter_again
from s2s_ad.analysis.owned import NOBODY, NOTHING_OWNED, Owned
from s2s_ad.analysis.values import NeverReturnsError, Value
from s2s_ad.build_fresh import holds_nothing, reached
from s2s_ad.build_keys import canonical
from s2s_ad.build_leaving import Writing, writing
from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.build_updates import Bound, Updates, bound_call, bound_calls, updated
from s2s_ad.frontend.container_methods import ARRAY_CHANGES
from s2s_ad.frontend.live_loops import with_viewed
from s2s_ad.frontend.views import part_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, is_immutable
from s2s_ad.ir.names import RETURNED
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    bound_here,
    container_of,
    map_block,
    names,
    subexprs,
    walk_stmts,
)
from s2s_ad.transform.reading import stored_into

Values = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class _Call:
    """A call that writes into arguments. places: where those that are written into are, by
    parameter, but for those that nothing else holds."""

    bound: Bound
    written: tuple[str, ...]
    places: Mapping[str, n.Expr]


def with_writes(
    function: n.Function,
    facts: Facts,
    subject: Subject,
    program: Program,
    fresh: Callable[[str], str],
    entry: bool,
) -> n.Function:
    """Return the function with calls that write into their arguments as assignments.

    entry: whether the user calls what is generated: arguments are the function's own then.
    """
    run = _Writes(function, facts, subject, program, entry)
    guarded = _may_go_on(function, facts)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        e = s.value if isinstance(s, (n.ExprStmt, n.Assign, n.AugAssign, n.Return)) else None
        if not isinstance(e, n.Call) or s.uid not in facts.before or s.uid in guarded:
            return (s,)
        try:
            call = run.writing(e, s)
        except NeverReturnsError:
            return (s,)  # it is looked at again once something is known of the call
        if call is None or (isinstance(s, n.AugAssign) and _meets(s.target, call)):
            return (s,)
        return _assigned(s, e, call, program, subject, fresh)

    return replace(function, body=map_block(function.body, visit))


def _may_go_on(function: n.Function, facts: Facts) -> frozenset[int]:
    """Return the statements behind which the function may go on when they raise: what a call has
    left by then is seen, and a copy of it would not be."""
    found: set[int] = set()
    for s in walk_stmts(function.body):
        if isinstance(s, n.With):
            managers = [m.func if isinstance(m, n.Call) else m for m, _ in s.items]
            known = [facts.object_of(m, s.uid) for m in managers]
            if all(x is not None and may_enter_again(x[0]) for x in known):
                continue
        if isinstance(s, (n.With, n.Try)):
            found |= {x.uid for x in walk_stmts((s,))}
    return frozenset(found)


def _meets(target: n.Expr, call: _Call) -> bool:
    """True when an operator reads what a call writes into, before it is called."""
    return any(names(target) & names(place) for place in call.places.values())


def _assigned(
    s: n.Stmt,
    e: n.Call,
    call: _Call,
    program: Program,
    subject: Subject,
    fresh: Callable[[str], str],
) -> tuple[n.Stmt, ...]:
    """Return a statement whose value is a call as one that binds what the call leaves."""
    handed_back = _handed_back(call.bound.subject)
    same = call.places.get(handed_back or "")
    value = not isinstance(s, n.ExprStmt) and same is None
    of = (*((RETURNED,) if value else ()), *call.places)
    if not of:
        return (s,)
    leaves = writing(program, call.bound.callee, of, call.written)
    spelled = _spelled(program, call.bound.subject.name, e.func, leaves)
    subject.free[spelled] = leaves
    new = replace(e, func=n.Name(spelled))
    places = list(call.places.values())
    if not value:
        made = _binding(places, new, s)
        if isinstance(s, n.ExprStmt):
            return (made,)
        assert same is not None
        return made, _of_value(s, same)
    result = n.Name(fresh(f"{call.bound.subject.name}_value"))
    return _binding([result, *places], new, s), _of_value(s, result)


def _spelled(program: Program, name: str, func: n.Expr, leaves: Writing) -> str:
    """Return how a function that returns what it leaves is called, which no source can say."""
    for spelled, known in program.spoken.items():
        if known == (func, leaves):
            return spelled
    spelled = f"{name} that leaves {', '.join(leaves.of)} ({len(program.spoken)})"
    program.spoken[spelled] = func, leaves
    return spelled


def spoken(function: n.Function, functions: Mapping[str, tuple[n.Expr, Writing]]) -> n.Function:
    """Return a generated function with the calls whose derivative nobody needs as they were, on
    copies: what was kept of an array stays as it is.

    functions: those of the user, by the names of what they leave.
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        e = s.value if isinstance(s, n.Assign) else None
        name = e.func.id if isinstance(e, n.Call) and isinstance(e.func, n.Name) else ""
        if not isinstance(s, n.Assign) or not isinstance(e, n.Call) or name not in functions:
            return (s,)
        (target,) = s.targets
        places = list(target.items) if isinstance(target, n.TupleExpr) else [target]
        func, leaves = functions[name]
        call = replace(e, func=func)
        made: n.Stmt = n.ExprStmt(call, origin=s.origin, comments=s.comments)
        if RETURNED in leaves.of:
            made = n.Assign((places.pop(0),), call, origin=s.origin, comments=s.comments)
        copies = [
            n.Assign((x,), n.Call(n.Attribute(x, "copy"), ()), origin=s.origin)
            for x in places
            if isinstance(x, n.Name)
        ]
        return (*copies, made)

    return replace(function, body=map_block(function.body, visit))


def _binding(targets: list[n.Expr], value: n.Expr, s: n.Stmt) -> n.Stmt:
    target = targets[0] if len(targets) == 1 else n.TupleExpr(tuple(targets))
    return n.Assign((target,), value, origin=s.origin, comments=s.comments)


def _of_value(s: n.Stmt, value: n.Expr) -> n.Stmt:
    """Return a statement with another value, and no comments: they stand above it."""
    assert isinstance(s, (n.Assign, n.AugAssign, n.Return))
    return replace(s, value=value, comments=n.NO_COMMENTS)


def _handed_back(subject: Subject) -> str | None:
    """Return the parameter that a function always returns."""
    ends = [s.value for s in walk_stmts(subject.function.body) if isinstance(s, n.Return)]
    found = {e.id if isinstance(e, n.Name) else None for e in ends}
    name = found.pop() if len(found) == 1 else None
    last = subject.function.body[-1:]
    return name if last and isinstance(last[0], n.Return) else None


def _is_apart(program: Program, callee: Subject, written: frozenset[str]) -> bool:
    """True when what a function returns holds no part of what it writes into."""
    body = callee.function.body
    held = reached(callee, program, body, set(written), with_globals=False)
    ends = [s.value for s in walk_stmts(body) if isinstance(s, n.Return) and s.value is not None]
    return all(holds_nothing(callee, program, e) or not names(e) & held for e in ends)


class _Writes:
    def __init__(
        self, function: n.Function, facts: Facts, subject: Subject, program: Program, entry: bool
    ) -> None:
        self.facts = facts
        self.program = program
        self.run = Updates(program, subject, function, facts)
        self.start = self.run.params if entry else NOBODY

    @functools.cached_property
    def owners(self) -> Mapping[int, Owned]:
        """Return the variables whose values no other name sees, before each statement."""
        bound = {x for s in walk_stmts(self.run.function.body) for x in bound_here(s)}
        return self.run.table(self.start, frozenset(bound - self.run.params))

    def writing(self, e: n.Call, s: n.Stmt) -> _Call | None:
        """Return what a call writes into, None where it is left as it is."""
        found = writing_call(self.program, e, s, self.facts)
        if found is None:
            return None
        bound, written = found
        passed = {p: x for p, x in bound.given.items() if x is not None}
        places = {p: x for p, x in passed.items() if p in written and not self.run.is_made(x)}
        if not all(self.is_place(p, x, passed, s) for p, x in places.items()):
            return None
        kind = self.run.kind(e, s.uid)
        gives = not isinstance(s, n.ExprStmt) and _handed_back(bound.subject) not in places
        if gives and not is_immutable(kind) and not _is_apart(self.program, bound.subject, written):
            return None
        order = tuple(p for p in passed if p in written)
        if not all(holds_plain_items(self.run.kind(passed[p], s.uid)) for p in order):
            return None  # what it holds would be seen by two names
        return _Call(bound, order, places)

    def is_place(self, param: str, e: n.Expr, passed: Mapping[str, n.Expr], s: n.Stmt) -> bool:
        """True for an argument that can be assigned to, and that is seen by no other name."""
        root = container_of(e)
        while isinstance(root, (n.Subscript, n.Attribute)):
            root = container_of(root)
        if not isinstance(root, n.Name) or root.id not in self.facts.locals:
            return False
        if any(isinstance(x, (n.Call, n.Lambda, n.NamedExpr)) for x in subexprs(e)):
            return False
        for p, x in passed.items():
            # it is passed twice, or a part of it; a number that is worked out from it is none
            kind = self.run.kind(x, s.uid)
            apart = is_immutable(kind) or (isinstance(kind, Array) and self.run.is_made(x))
            if p != param and root.id in names(x) and not apart:
                return False
        if any(root.id in pair for pair in self.program.shared):
            return False
        owned = self.owners.get(s.uid, NOTHING_OWNED)
        flat = isinstance(self.run.kind(root, s.uid), Array) or e is root
        return root.id in (owned.own if flat else owned.whole)


def writing_call(
    program: Program, e: n.Call, s: n.Stmt, facts: Facts
) -> tuple[Bound, frozenset[str]] | None:
    """Return what a call calls, with the parameters that it changes in place, if that is a function
    of the user's as it stands, all of those are passed, and something varies that is."""
    bound = bound_call(program, e, s, facts)
    if bound is None or isinstance(bound.callee, Writing):
        return None
    if bound.subject is not program.subject(bound.callee):
        return None
    passed = {p: x for p, x in bound.given.items() if x is not None}
    if not any(facts.varied(x, s.uid) for x in passed.values()):
        return None
    written = written_into(program, bound.subject, bound.values)
    return (bound, written) if written and written <= passed.keys() else None


def written_into(program: Program, callee: Subject, values: Values) -> frozenset[str]:
    """Return the parameters that a function changes in place, by their own names; none where one of
    these is given another value too."""
    key = (id(callee), canonical(values))
    if key in program.written:
        return program.written[key]
    program.written[key] = NOBODY  # a recursive call writes what the rest of the function does
    body = callee.function.body
    params = {p.name for p in callee.function.params}
    found = {x for s in walk_stmts(body) for x in stored_into(s) if x in params}
    found |= {s.stack for s in walk_stmts(body) if isinstance(s, (n.Append, n.Pop))} & params
    found |= updated(program, callee, values)
    facts = interpret(callee.function, dict(values), SubjectWorld(callee, program), callee.locals)
    changed = {x for s in walk_stmts(body) for x in stored_into(s) | updated_array(s, facts)}
    changed |= {x for s in walk_stmts(body) for x in _by_calls(program, s, facts)}
    changed |= {x for s in walk_stmts(body) for x in _by_a_method(s, facts)}
    found |= with_viewed(changed, body, facts) & params
    rebound = {x for s in walk_stmts(body) if not isinstance(s, n.AugAssign) for x in bound_here(s)}
    program.written[key] = NOBODY if found & rebound else frozenset(found)
    return program.written[key]


def _by_calls(program: Program, s: n.Stmt, facts: Facts) -> set[str]:
    """Return the variables that calls in a statement write into."""
    found: set[str] = set()
    for call in bound_calls(program, s, facts):
        for p in written_into(program, call.subject, call.values):
            x = call.given[p]
            found |= names(x) if x is not None else frozenset()
    return found


def _by_a_method(s: n.Stmt, facts: Facts) -> frozenset[str]:
    """Return the array that `y.fill(e)` or `y[0].sort()` changes."""
    e = s.value if isinstance(s, n.ExprStmt) else None
    if not isinstance(e, n.Call) or not isinstance(e.func, n.Attribute):
        return NOBODY
    if e.func.attr not in ARRAY_CHANGES or s.uid not in facts.before:
        return NOBODY
    root = part_of(e.func.value, lambda x: facts.value(x, s.uid).kind)
    return NOBODY if root is None else frozenset((root.id,))
