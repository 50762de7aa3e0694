"""Calls of short functions that write into their arguments, as the statements of these functions.

Takes a function with its facts, gives it with the bodies of such functions where they are called;
requires `analysis`, `build_updates`, `build_writes`.

    def step(old, new):                           for _ in range(steps):
        new[1:] = k * old[:-1]          →             b[1:] = k * a[:-1]
                                                      a[1:] = k * b[:-1]
    for _ in range(steps):
        step(a, b)
        step(b, a)

What is stored is then stored as anywhere else: nothing is copied that the call would not have
copied, and what the reverse sweep does not read is not kept. Procedure integration of compiler text
books; arguments are bound as Python binds them, so that the values are the same.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from s2s_ad.analysis.bound import may_be_unbound
from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.liveness import read_at_any_time
from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject, rename
from s2s_ad.build_updates import Bound
from s2s_ad.build_writes import writing_call
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import Array
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    bound_here,
    container_of,
    each_of,
    free_names,
    map_block,
    names,
    stmt_exprs,
    subexprs,
    substitute,
    walk_stmts,
)

OFTEN = 24  # statements, those of one function times the calls of it
ONCE = 40  # statements of a function that is called at one place
MOST = 120  # statements of a function with those that stand in it for calls

_PLAIN = (n.Assign, n.AugAssign, n.ExprStmt, n.If, n.For, n.While, n.Break, n.Continue, n.Pass)


def spliced(
    function: n.Function, facts: Facts, subject: Subject, program: Program, fresh: Names
) -> n.Function:
    """Return the function with calls that write into their arguments as what these do.

    A function called so is short, has one way out, and its names mean the same here. subject: is
    told what the names stand for that come with it.
    """
    found: dict[int, Bound] = {}
    for s in walk_stmts(function.body):
        bound = _call(s, facts, program)
        if bound is not None and _fits(bound, subject, fresh):
            found[s.uid] = bound
    if not found:
        return function
    calls = Counter(id(b.subject) for b in found.values())
    size = sum(1 for _ in walk_stmts(function.body))
    for uid, bound in list(found.items()):
        own = _size(bound.subject)
        most = OFTEN // calls[id(bound.subject)] if calls[id(bound.subject)] > 1 else ONCE
        if own > most or size + own > MOST:
            del found[uid]
        else:
            size += own

    deferred = read_at_any_time(function.body)
    caught = {
        x.uid for s in walk_stmts(function.body) if isinstance(s, n.Try) for x in walk_stmts((s,))
    }

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in found:
            return (s,)
        early = assigned((s,)) - deferred if s.uid not in caught else frozenset()
        return _statements(s, found[s.uid], early, fresh)

    for bound in found.values():
        callee = bound.subject
        read = _outside(callee)
        subject.free.update((x, callee.free[x]) for x in read if x in callee.free)
        subject.lifted.update((x, callee.lifted[x]) for x in read if x in callee.lifted)
        fresh.taken |= read
    return replace(function, body=map_block(function.body, visit))


def _size(callee: Subject) -> int:
    return sum(1 for _ in walk_stmts(callee.function.body))


def _call(s: n.Stmt, facts: Facts, program: Program) -> Bound | None:
    """Return the call that a statement is, or whose value it takes, if that writes into arguments
    and something of it varies."""
    e = s.value if isinstance(s, (n.ExprStmt, n.Assign, n.Return)) else None
    if not isinstance(e, n.Call) or s.uid not in facts.before:
        return None
    found = writing_call(program, e, s, facts)
    if found is None:
        return None
    bound, written = found
    # variables, and items of them or of what they hold
    places = [bound.given[p] for p in written]
    known = (
        isinstance(x, (n.Name, n.Subscript)) and isinstance(container_of(x), n.Name) for x in places
    )
    return bound if all(known) else None


def _fits(bound: Bound, subject: Subject, fresh: Names) -> bool:
    """True when the body of a function can stand where it is called."""
    callee = bound.subject
    body = callee.function.body
    if callee is subject or callee.prelude or callee.of or not body:
        return False
    inner = body[:-1] if isinstance(body[-1], n.Return) else body
    if not all(isinstance(s, _PLAIN) for s in walk_stmts(inner)) or not inner:
        return False
    if may_be_unbound(body, (p.name for p in callee.function.params)):
        return False  # another call of it would have left a value there
    if not all(_means_the_same(x, callee, subject, fresh) for x in _outside(callee)):
        return False
    called = [callee.free.get(x, callee.lifted.get(x)) for x in _outside(callee)]
    return not any(x is bound.callee or x is subject.python for x in called)


def _outside(callee: Subject) -> set[str]:
    return free_names(callee.function).union(*map(names, callee.defaults.values()))


def _means_the_same(name: str, callee: Subject, subject: Subject, fresh: Names) -> bool:
    """True when a free name of a callee stands for the same in the function that calls it, or for
    nothing yet."""
    for ours, theirs in ((subject.free, callee.free), (subject.lifted, callee.lifted)):
        if name in theirs:
            same = name in ours and ours[name] is theirs[name]
            return same or (name not in fresh.taken and name not in subject.locals)
    return name not in fresh.made and name not in subject.locals


def _statements(
    s: n.Stmt, bound: Bound, early: AbstractSet[str], fresh: Names
) -> tuple[n.Stmt, ...]:
    """Return the statements of a function in the place of a call of it.

    early: the variables of the caller that may have the value of the call before it is over.
    """
    callee = bound.subject
    body = callee.function.body
    mapping: dict[str, n.Expr] = {}
    before: list[n.Stmt] = []
    values = dict(bound.values)
    for p in callee.function.params:
        e = bound.given[p.name] or callee.defaults[p.name]
        in_place = isinstance(values[p.name].kind, Array)
        if _stays(p.name, body, in_place) and isinstance(e, (n.Name, n.Const)):
            mapping[p.name] = e
        else:
            name = n.Name(fresh.fresh(p.name))
            mapping[p.name] = name
            before.append(n.Assign((name,), e, origin=s.origin))
    said = {x for e in (*mapping.values(), *callee.defaults.values()) for x in names(e)}
    for target, value in _results(s, body):
        if target.id in early - said and value.id in callee.locals - mapping.keys():
            mapping[value.id] = target
            said.add(target.id)
    for x in sorted(callee.locals - mapping.keys()):
        mapping[x] = n.Name(fresh.fresh(x))
    arrays = {p for p in mapping.keys() & values.keys() if isinstance(values[p].kind, Array)}
    if callee.free.get("len") is not builtins.len or "len" in mapping:
        arrays = set()
    made = rename(replace(callee.function, body=_measured(body, arrays)), mapping).body
    elsewhere = callee.file != getattr(s.origin, "file", callee.file)

    def own(x: n.Stmt) -> tuple[n.Stmt, ...]:
        return (replace(x, uid=n.fresh_uid(), origin=s.origin if elsewhere else x.origin),)

    inside = list(map_block(made, own))
    last = inside.pop() if isinstance(inside[-1], n.Return) else None
    result = last.value if isinstance(last, n.Return) else None
    out = [*before, *inside, *_end(s, result or n.Const("None", None))]
    above = replace(out[0].comments, before=(*s.comments.before, *out[0].comments.before))
    return replace(out[0], comments=above), *out[1:]


def _measured(body: n.Block, arrays: AbstractSet[str]) -> n.Block:
    """Return a body in which `range(n)` is that of the length of an array that n stands for: it is
    known in front of the call as well.

    arrays: parameters that are arrays.
    """
    bound = Counter(x for s in walk_stmts(body) for x in bound_here(s))
    ranges = Counter(x for s in walk_stmts(body) if isinstance(s, n.For) for x in _names_in(s.iter))
    said = Counter(x for s in walk_stmts(body) for e in stmt_exprs(s) for x in _names_in(e))
    lengths: dict[str, n.Expr] = {}
    for s in body:
        name = sole_target(s)
        e = s.value if isinstance(s, n.Assign) and name is not None else None
        if not isinstance(e, n.Call) or e.func != n.Name("len") or name is None:
            continue
        of = {x.id for x in e.args if isinstance(x, n.Name)} & arrays
        alone = of and not any(bound[x] for x in of) and bound[name] == 1
        if alone and said[name] == ranges[name] + 1 > 1:
            lengths[name] = e
    if not lengths:
        return body

    def put(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if sole_target(s) in lengths:
            return ()
        return (replace(s, iter=substitute(s.iter, lengths)) if isinstance(s, n.For) else s,)

    return map_block(body, put)


def _names_in(e: n.Expr) -> Iterator[str]:
    return (x.id for x in subexprs(e) if isinstance(x, n.Name))


def _results(s: n.Stmt, body: n.Block) -> Iterator[tuple[n.Name, n.Name]]:
    """Yield the variables that take what a function returns, each with the variable that this is
    there."""
    last = body[-1]
    if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(last, n.Return):
        return
    targets, values = each_of(s.targets[0]), each_of(last.value) if last.value else ()
    for target, value in zip(targets, values) if len(targets) == len(values) else ():
        if isinstance(target, n.Name) and isinstance(value, n.Name):
            yield target, value


def _stays(param: str, body: n.Block, in_place: bool) -> bool:
    """True when a function gives a parameter no other value: an operator changes the array."""
    return not any(
        param in bound_here(s) and not (in_place and isinstance(s, n.AugAssign))
        for s in walk_stmts(body)
    )


def _end(s: n.Stmt, result: n.Expr) -> Sequence[n.Stmt]:
    """Return what a statement does with the value of a call, given that."""
    assert isinstance(s, (n.ExprStmt, n.Assign, n.Return))
    if isinstance(s, n.ExprStmt):
        quiet = all(isinstance(x, (n.Name, n.Const, n.TupleExpr)) for x in subexprs(result))
        return () if quiet else (replace(s, value=result, comments=n.NO_COMMENTS),)
    if isinstance(s, n.Assign) and s.targets == (result,):
        return ()
    return (replace(s, value=result, comments=n.NO_COMMENTS),)
