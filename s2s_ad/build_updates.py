"""In-place operators where other names may see them: followed, guarded at run time, or refused.

Takes a function in normal form with its facts, gives it with a guard where its kinds do not tell;
requires `analysis`, `build_program`.

`x += e` changes an array where every name of it sees the change, and rebinds the name of a number.
Derivatives rebind. That is the same where no other name sees the array: it was made here, or it is
an argument (callers hand over what they have made, or what they have checked to be a number).
Elsewhere an array is refused. What may be either is made sure of where it matters:

    y = x                           y = x
    y += 1.0            →           y = as_number(y)
    return x * y                    y += 1.0
                                    return x * y
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from s2s_ad.analysis.flow import Facts, interpret, updated_array
from s2s_ad.analysis.held import is_flat, paired
from s2s_ad.analysis.last_use import is_last_use
from s2s_ad.analysis.liveness import live_after
from s2s_ad.analysis.owned import NOBODY, NOTHING_OWNED, Owned
from s2s_ad.analysis.ownership import gives_away, gives_up, ownership, viewed
from s2s_ad.analysis.values import Value
from s2s_ad.build_fresh import hands_on, makes_new, newness, reached
from s2s_ad.build_keys import canonical
from s2s_ad.build_program import Program
from s2s_ad.build_signature import bind
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, said_by, sole_target
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    NoneKind,
    Number,
    RangeKind,
    Str,
    TupleOf,
    is_immutable,
)
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    map_block,
    map_expr,
    map_stmt_exprs,
    names,
    subexprs,
    walk_stmts,
)
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.reading import stored_into

Values = tuple[tuple[str, Value], ...]
Owners = dict[int, Owned]
GUARD = "as_number"


def settle_updates(
    function: n.Function, facts: Facts, subject: Subject, program: Program
) -> n.Function:
    """Return the function with guards; refuse in-place operators on arrays with other names."""
    run = Updates(program, subject, function, facts)
    # in-place operators of what is generated are on numbers, and on arrays that it has made
    run.is_trusted = subject.is_generated
    for s in walk_stmts(function.body):
        if isinstance(s, n.AugAssign):
            run.check(s)
    guard = n.Name(program.linker.alias(GUARD, subject.locals))

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in facts.before:
            return (s,)
        for call, argument, given in () if run.is_trusted else run.handed_over(s):
            s = map_stmt_exprs(s, _replacing(call, argument, given))
        if isinstance(s, n.AugAssign) and s.uid in run.moved:
            value = n.Binary(s.op, s.target, s.value)
            return (n.Assign((s.target,), value, origin=s.origin, comments=s.comments, uid=s.uid),)
        if not isinstance(s, n.AugAssign) or s.uid not in run.guarded:
            return (s,)
        made = n.Assign((s.target,), n.Call(guard, (s.target,)), origin=s.origin)
        first = replace(made, comments=replace(n.NO_COMMENTS, before=s.comments.before))
        return first, replace(s, comments=replace(s.comments, before=()))

    return replace(function, body=map_block(function.body, visit))


def settle_stores(
    function: n.Function, facts: Facts, subject: Subject, program: Program, entry: bool
) -> n.Function:
    """Return the function with copies of arrays and lists that change hands and are stored into.

        after = u                       after = u.copy()
        u = before              →       u = before
        after[1:-1] = 0.0               after[1:-1] = 0.0

    Nothing reads the first name again: the copy changes no value, and each name has its own store.
    So with `u, v = v, u`, where each takes what the other had.
    So with `inner = u[1:-1]`, where inner is not read any more once u is stored into.
    So with `u = checked(u)`, where a function of the user returns what it made or what it was
    given. entry: whether the user calls what is generated, and arguments are left as they were:
    they count as made here then.
    """
    every = list(walk_stmts(function.body))
    changed = {s.uid: stored_into(s) | updated_array(s, facts) for s in every}
    stored = {x for found in changed.values() for x in found}
    put = {x for s in every for x in stored_into(s)}
    run = Updates(program, subject, function, facts)

    def sees(s: n.Stmt, e: n.Expr) -> n.Expr:
        return viewed(s, e, run.new, run.kind)

    moving = [
        (s, name, e)
        for s in every
        if isinstance(s, n.Assign) and len(s.targets) == 1 and s.uid in facts.before
        for name, e in paired(s.targets[0], s.value)
        if is_flat(kind := facts.value(e, s.uid).kind)
        if (isinstance(e, n.Name) and name in stored)
        or (name in stored and isinstance(kind, Array) and sees(s, e) != e)
        or (name in put and isinstance(kind, Array) and run.hands_on(e))
        or (isinstance(kind, Array) and _is_part(e, stored) and sole_target(s) == name)
    ]
    if not moving:
        return function
    plain, moved = run.made_and_moved(_taken_over(run, program) if entry else NOBODY)
    shared = {
        x for s in every for x in changed[s.uid] if x not in plain.get(s.uid, NOTHING_OWNED).own
    }
    parts = {s.uid for s, _, value in moving if _is_part(value, stored)}

    def reads(s: n.Stmt, name: str) -> bool:
        return name in said_by(s) and sole_target(s) != name

    def is_seen(name: str) -> bool:
        """True when what a variable holds may be known by another name, other than as a part."""
        return any(
            any(blocks(s)) or run.gives_away(s, name)
            for s in every
            if s.uid not in parts and not isinstance(s, n.Return) and reads(s, name)
        )

    def is_done(name: str, root: str) -> bool:
        """True when a part of an array is not read any more once that is changed, nor changed."""
        simple = [s for s in every if not any(blocks(s))]
        if is_seen(name) or any(name in changed_by(s) and sole_target(s) != name for s in simple):
            return False
        changing = [s for s in simple if root in changed_by(s)]
        return not any(reads(s, name) or name in run.later[s.uid] for s in changing)

    ours = {
        root: not is_seen(root)
        and all(is_done(x, root) for s, x, e in moving if s.uid in parts and root in names(e))
        for root in sorted(shared)
    }

    def is_copied(s: n.Stmt, name: str, value: n.Expr) -> bool:
        if s.uid in parts and isinstance(value, n.Subscript) and isinstance(value.value, n.Name):
            return ours.get(value.value.id, False)
        value = sees(s, value)
        if run.hands_on(value):
            before = moved.get(s.uid, NOTHING_OWNED)
            return name in shared and run.gives_up(s, value, before)
        if not isinstance(value, n.Name):
            # what has a derivative of its own is given a name, and is kept
            called = any(isinstance(x, n.Call) for x in subexprs(value))
            return called and facts.varied(value, s.uid)
        if name not in shared:
            return False
        given = value.id in moved.get(s.uid, NOTHING_OWNED).own
        return given and is_last_use(value.id, s, function.body, run.later)

    copied: dict[int, list[n.Expr]] = {}
    for s, name, value in moving:
        if is_copied(s, name, value):
            copied.setdefault(s.uid, []).append(value)

    def copy(e: n.Expr, uid: int) -> n.Expr:
        if e not in copied[uid]:
            return e
        if isinstance(facts.value(e, uid).kind, ListOf):
            return n.Subscript(e, n.ALL)
        return n.Call(n.Attribute(e, "copy"), ())

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in copied or not isinstance(s, n.Assign):
            return (s,)
        if isinstance(s.value, (n.TupleExpr, n.ListExpr)):
            items = tuple(copy(e, s.uid) for e in s.value.items)
            return (replace(s, value=replace(s.value, items=items)),)
        return (replace(s, value=copy(s.value, s.uid)),)

    return replace(function, body=map_block(function.body, visit)) if copied else function


def _taken_over(run: Updates, program: Program) -> frozenset[str]:
    """Return the arrays among the parameters that are given under one name only."""
    several = {x for pair in program.shared for x in pair}
    entry = run.facts.entry
    return frozenset(x for x in run.params - several if isinstance(entry[x].kind, Array))


def _is_part(e: n.Expr, stored: set[str]) -> bool:
    """True for a part of one of these variables."""
    return isinstance(e, n.Subscript) and isinstance(e.value, n.Name) and e.value.id in stored


def updated(program: Program, subject: Subject, values: Values) -> frozenset[str]:
    """Return the parameters that a call may change in place by an operator."""
    if subject.is_generated:
        return frozenset()
    key = (id(subject), canonical(values))
    if key in program.updates:
        return program.updates[key]
    if key in program.updating:
        program.unsettled.add(key)
        return program.updating[key]
    outside, program.unsettled = program.unsettled, set()
    world = SubjectWorld(subject, program)
    facts = interpret(subject.function, dict(values), world, subject.locals)
    run = Updates(program, subject, subject.function, facts)
    found, before = frozenset[str](), None
    while found != before:
        program.updating[key] = before = found
        found = run.of_parameters() - set(subject.copied)
    del program.updating[key]
    # what rests on a call that is still being looked at is found again once that is known
    program.unsettled.discard(key)
    if not program.unsettled:
        program.updates[key] = found
    program.unsettled |= outside
    return found


@dataclass(frozen=True)
class Bound:
    """A call of a function of the user that is given something it may change. callee: the object
    called. given: its arguments by parameter, None where a default applies. values: what is known
    of all parameters."""

    call: n.Call
    callee: object
    subject: Subject
    given: Mapping[str, n.Expr | None]
    values: Values


def bound_call(program: Program, e: n.Call, s: n.Stmt, facts: Facts) -> Bound | None:
    """Return which function of the user a call calls, and with what; None for all others."""
    env = facts.before.get(s.uid)
    if env is None or any(isinstance(a, n.Starred) for a in e.args):
        return None
    found = facts.reader(s.uid).object_of(e.func, env)
    keywords = {k.name: k.value for k in e.keywords if k.name is not None}
    if found is None or len(keywords) != len(e.keywords):
        return None
    callee = program.fitted(found[0], len(e.args), tuple(keywords))
    given = callee and bind(callee.function.params, e.args, keywords)
    if callee is None or not given:
        return None
    if all(x is None or rebinds(facts.value(x, s.uid).kind) for x in given.values()):
        return None  # what is immutable cannot be changed: the callee need not be read
    known = {p: None if x is None else facts.value(x, s.uid) for p, x in given.items()}
    return Bound(e, found[0], callee, given, program.entry(callee, known))


def bound_calls(program: Program, s: n.Stmt, facts: Facts) -> Iterator[Bound]:
    """Yield the calls of functions of the user in a statement."""
    for e in all_parts(s):
        found = bound_call(program, e, s, facts) if isinstance(e, n.Call) else None
        if found is not None:
            yield found


class Updates:
    """Which in-place changes of a function others may see."""

    def __init__(
        self, program: Program, subject: Subject, function: n.Function, facts: Facts
    ) -> None:
        self.program = program
        self.subject = subject
        self.function = function
        self.facts = facts
        self.params = frozenset(p.name for p in function.params)
        self.is_trusted = False
        self.guarded: set[int] = set()
        self.moved: set[int] = set()
        self.owners: tuple[Owners, Owners, Owners] | None = None

    @functools.cached_property
    def later(self) -> Mapping[int, frozenset[str]]:
        return live_after(self.function.body)

    def made_here(self) -> Owners:
        return self.tables()[0]

    def sole_names(self) -> Owners:
        return self.tables()[1]

    def tables(self) -> tuple[Owners, Owners, Owners]:
        """Return what was made here and not shared since, without and with the parameters, and
        the latter when the last use of a variable hands on what it holds."""
        if self.owners is None:
            self.owners = (
                self.table(),
                self.table(self.params),
                self.table(self.params, moving=True),
            )
        return self.owners

    def made_and_moved(self, given: frozenset[str]) -> tuple[Owners, Owners]:
        """Return what was made here and not shared since, with and without last uses that hand on
        what a variable holds; nobody shares what is not bound yet. given: parameters, arrays that
        count as made here."""
        unbound = frozenset(assigned(self.function.body)) - self.params | given
        return self.table(unbound=unbound), self.table(unbound=unbound, moving=True)

    def table(
        self,
        start: frozenset[str] = NOBODY,
        unbound: frozenset[str] = NOBODY,
        moving: bool = False,
    ) -> Owners:
        moves = self.moves if moving else None
        return ownership(self.function.body, self.new, self.kind, start, unbound, moves)

    def moves(self, e: n.Call) -> bool:
        return hands_on(self.subject, self.program, e)

    def hands_on(self, e: n.Expr) -> bool:
        """True for a call of a function of the user that may return what it is given."""
        return isinstance(e, n.Call) and self.new(e) == SHARES and self.moves(e)

    def gives_up(self, s: n.Stmt, e: n.Expr, before: Owned) -> bool:
        """True when nothing reads, behind a statement, what the value of `e` may be a part of."""
        return gives_up(s, e, before, self.new, self.kind, self.function.body, self.moves)

    def new(self, e: n.Call) -> int:
        return newness(self.subject, self.program, e)

    def kind(self, e: n.Expr, uid: int) -> Kind:
        return self.facts.value(e, uid).kind if uid in self.facts.before else UNKNOWN

    def gives_away(self, s: n.Stmt, name: str) -> bool:
        """True when a statement lets others see what a variable alone held so far."""
        return gives_away(s, name, self.new, self.kind)

    def is_sole(self, name: str, s: n.Stmt) -> bool:
        """True when no other name that is read from here on sees what the variable holds."""
        return name in self.tables()[2].get(s.uid, NOTHING_OWNED).own

    def check(self, s: n.AugAssign) -> None:
        """Refuse `x op= e` on an array that other names may share; guard what may be one."""
        if not isinstance(s.target, n.Name) or s.uid not in self.facts.before:
            return
        kind = self.facts.value(s.target, s.uid).kind
        name = s.target.id
        if rebinds(kind) or name in self.sole_names().get(s.uid, NOTHING_OWNED).own:
            return
        passive = self.is_passive(s.target, s) and self.is_passive(s.value, s)
        if self.is_trusted:
            if isinstance(kind, Array) and not passive:
                # what it changes in place no other name reads, but for the data of the user
                self.moved.add(s.uid)
            return
        if self.is_sole(name, s) and not isinstance(kind, (ListOf, DictOf)):
            self.moved.add(s.uid)  # another name saw it, for the last time
            return
        if isinstance(kind, (Array, ListOf, DictOf)):
            if passive:
                return  # it stays in place
            raise self.subject.refuse(
                s,
                s.target,
                f"`{name} {s.op}=` on an array that other names may share",
                f"write `{name} = {name} {s.op} ...`, or work on a copy",
            )
        self.guarded.add(s.uid)

    def is_passive(self, e: n.Expr, s: n.Stmt) -> bool:
        return not self.facts.varied(e, s.uid)

    def handed_over(self, s: n.Stmt) -> list[tuple[n.Call, n.Expr, n.Expr]]:
        """Return the arguments of calls that a callee would change in place if they are arrays,
        and what to hand over: a copy of what is read for the last time, or what is made sure of."""
        found: list[tuple[n.Call, n.Expr, n.Expr]] = []
        alias = self.program.linker.alias
        for call, argument in self.changed_arguments(s):
            kind = self.facts.value(argument, s.uid).kind
            given = n.Name(alias(GUARD, self.subject.locals))
            if self.is_given_away(argument, s):
                given = n.Name(alias("copied", self.subject.locals))
                if isinstance(kind, Array):
                    found.append((call, argument, n.Call(n.Attribute(argument, "copy"), ())))
                    continue
            elif isinstance(kind, (Array, ListOf, DictOf)):
                if all(
                    self.is_passive(x, s) for x in (*call.args, *(k.value for k in call.keywords))
                ):
                    continue
                raise self.subject.refuse(
                    s,
                    argument,
                    "a call that changes this argument in place",
                    "hand over a copy, or have the function make a new array",
                )
            found.append((call, argument, n.Call(given, (argument,))))
        return found

    def changed_arguments(self, s: n.Stmt) -> Iterator[tuple[n.Call, n.Expr]]:
        """Yield the arguments, not made for the call, that callees of a statement may change."""
        for call in bound_calls(self.program, s, self.facts):
            for p in sorted(updated(self.program, call.subject, call.values)):
                x = call.given.get(p)
                if x is None or rebinds(self.facts.value(x, s.uid).kind) or self.is_made(x):
                    continue
                yield call.call, x

    def is_made(self, e: n.Expr) -> bool:
        """True for an expression whose value nothing else holds."""
        if isinstance(e, (n.Binary, n.Unary, n.Const, n.ListExpr, n.DictExpr, n.Comprehension)):
            return True
        return isinstance(e, n.Call) and makes_new(self.subject, self.program, e)

    def is_given_away(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for a variable that holds what no other name can see, and that is not read again."""
        return (
            isinstance(e, n.Name)
            and self.is_sole(e.id, s)
            and is_last_use(e.id, s, self.function.body, self.later)
        )

    def of_parameters(self) -> frozenset[str]:
        """Return the parameters that the function may change in place."""
        found: set[str] = set()
        for s in walk_stmts(self.function.body):
            if s.uid not in self.facts.before:
                continue
            changed = [x for _, x in self.changed_arguments(s)]
            target = s.target if isinstance(s, n.AugAssign) else None
            if isinstance(target, n.Name) and not rebinds(self.facts.value(target, s.uid).kind):
                changed.append(target)
            for e in changed:
                found |= self.behind(e, s)
        return frozenset(found)

    def behind(self, e: n.Expr, s: n.Stmt) -> frozenset[str]:
        """Return the parameters that may hold what is changed through `e`."""
        read = names(e) & self.facts.locals
        if read <= self.made_here().get(s.uid, NOTHING_OWNED).own:
            return frozenset()
        if isinstance(e, n.Name) and e.id in self.sole_names().get(s.uid, NOTHING_OWNED).own:
            return frozenset((e.id,)) & self.params
        return frozenset(
            p
            for p in self.handed_in()
            if read
            & reached(self.subject, self.program, self.function.body, {p}, with_globals=False)
        )

    def handed_in(self) -> frozenset[str]:
        """Return the parameters that may hold what can be changed in place."""
        entry = self.facts.entry
        return frozenset(p for p in self.params if not is_immutable(entry.get(p, Value()).kind))


def rebinds(kind: Kind) -> bool:
    """True when `x += e` on a value of this kind gives the name x another value."""
    return isinstance(kind, (Number, Str, NoneKind, TupleOf, RangeKind))


def _replacing(call: n.Call, argument: n.Expr, new: n.Expr) -> Callable[[n.Expr], n.Expr]:
    def visit(e: n.Expr) -> n.Expr:
        if not isinstance(e, n.Call) or e.func != call.func:
            return e
        args = tuple(new if a == argument else a for a in e.args)
        keywords = tuple(replace(k, value=new) if k.value == argument else k for k in e.keywords)
        return replace(e, args=args, keywords=keywords)

    return lambda e: map_expr(e, visit)
