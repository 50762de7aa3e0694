"""Loops whose steps wait for nothing behind the loop are reversed step by step, as they run.

Takes both sweeps of a function before anything is kept between them, gives them so; requires `ir`,
`simplify.forwards`.

    for i in range(n):                        total_bar = ...
        r = sqrt(x[i])                        for i in range(n):
        total += c * r                            r = sqrt(x[i])
    ...                                →          total += c * r
    total_bar = ...                               r_bar = total_bar * c
    for i in reversed(range(n)):                  x_bar[i] += 0.5 * r_bar / r
        r_bar = total_bar * c                 ...
        x_bar[i] += 0.5 * r_bar / r

Nothing has to be kept for it but what a step needs for itself. That is right where

- the steps of the reversed loop may come in any order (see `forwards`);
- the adjoints that they begin with are known before the loop: what makes them reads nothing that
  the loop, or anything behind it, changes, and goes in front of it;
- what else is done to the adjoints that they change, between the loop and its reverse, is adding
  to them, as the steps do;
- what a step puts back into variables is bound again before it is read, or is numbers, which it
  puts into variables of its own.

An array that steps only work in (see `analysis.scratch`) is one of each step, as its adjoint is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.analysis.bound import certain_at_end
from s2s_ad.analysis.scratch import stored_before, zero_behind
from s2s_ad.analysis.touching import measures
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, of_step, renamed, said_by, sole_target, stored_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    bound_names,
    children,
    map_block,
    names,
    popped,
    stmt_exprs,
    target_names,
    walk_stmts,
)
from s2s_ad.simplify.algebra import negate, term
from s2s_ad.simplify.forwards import ALLOWED, READ, Order, Steps, first_use

Record = Callable[[n.Block, n.Block, bool], tuple[n.Block, n.Block]]


class NotAtOnce(Exception):
    """A step cannot be reversed by itself: what it keeps may not be there."""


@dataclass(frozen=True)
class Sweeping:
    """What is known of both sweeps. variables: names of the primal. changes: variables that a
    statement of the primal binds or changes. prologues: uids of what opens a step of a reversed
    loop. outputs: names that are read behind both. record: gives both sweeps of a block, or of a
    step of a loop, with what is kept between them. fresh: a name for another variable like one.
    loose: a statement as one that may come in any order, where it stores what is first added.
    adjoint: the adjoint of a variable, "" if it has none."""

    steps: Steps
    variables: AbstractSet[str]
    changes: Callable[[n.Stmt], AbstractSet[str]]
    prologues: AbstractSet[int]
    outputs: AbstractSet[str]
    record: Record
    fresh: Callable[[str], str]
    loose: Callable[[n.Stmt], n.Stmt]
    adjoint: Callable[[str], str]


@dataclass(frozen=True)
class _Level:
    """What runs behind a loop, and the body of the loop it is in, whose next step comes then."""

    behind: n.Block
    body: n.Block


@dataclass(frozen=True)
class _Plan:
    """The reverse of a loop, what goes in front of the loop, and the rest of the reverse sweep, of
    which so many statements were in front of that reverse. worked_in: arrays of each step."""

    reverse: n.For
    first: n.Block
    rest: n.Block
    ahead: int
    worked_in: AbstractSet[str]


def at_once(
    forward: n.Block, backward: n.Block, sweeping: Sweeping
) -> tuple[n.Block, n.Block, frozenset[int]]:
    """Return both sweeps with what is kept, such loops reversed step by step, and the uids of the
    statements that came into the forward sweep by that."""
    if not any(isinstance(s, n.For) for s in walk_stmts(forward)):
        return *sweeping.record(forward, backward, False), frozenset()
    run = _AtOnce(sweeping, Order((*forward, *backward), sweeping.steps), (*forward, *backward))
    ahead, back = run.swept(forward, backward, (), (), ())
    return ahead, back, frozenset(run.inside)


class _AtOnce:
    def __init__(self, sweeping: Sweeping, order: Order, both: n.Block) -> None:
        self.sweeping = sweeping
        self.order = order
        self.both = both
        self.inside: set[int] = set()

    def swept(
        self,
        forward: n.Block,
        backward: n.Block,
        body: n.Block,
        levels: tuple[_Level, ...],
        outer: tuple[n.For, ...],
    ) -> tuple[n.Block, n.Block]:
        """Return the sweeps of a block. body: of the loop that the block is a step of, with its
        reverse. levels: of that loop and those around it, from the inside out. outer: the reverse
        of each of them, from the outside in."""
        done: dict[int, n.Block] = {}
        for k, s in enumerate(forward):
            plan = self.plan(forward, k, backward, outer) if isinstance(s, n.For) else None
            if plan is None or not isinstance(s, n.For):
                continue
            here = (_Level((*forward[k + 1 :], *plan.rest), body), *levels)
            step = (*s.body, *plan.reverse.body)
            # what its last step leaves is not what would be left once it has gone to the front
            behind = (_Level(plan.rest[plan.ahead :], body), *levels)
            private = self.private(plan.reverse)
            if not self.dies(private, step, here) or not self.dies(private, step, behind):
                continue
            inside = (*outer, plan.reverse)
            try:
                ahead, back = self.swept(s.body, plan.reverse.body, step, here, inside)
            except NotAtOnce:
                continue
            step = (*ahead, *back)
            again = assigned(back) & self.sweeping.variables
            changed = _stored(back) & self.sweeping.variables
            if again & set(target_names(s.target)) or changed - plan.worked_in:
                continue
            lost = sorted(x for x in again if not self.dies({x}, step, here))
            if not all(map(self.sweeping.steps.number, lost)):
                continue
            own = self.apart(back, lost, certain_at_end(s.body, ()))
            if own is None:
                continue
            back = own
            self.inside |= {x.uid for x in walk_stmts((*plan.first, *back))}
            done[s.uid] = (*plan.first, replace(s, body=(*ahead, *back)))
            backward = plan.rest
        ahead, back = self.sweeping.record(forward, backward, bool(levels))
        return (map_block(ahead, lambda s: done.get(s.uid, (s,))) if done else ahead), back

    def apart(self, back: n.Block, lost: Sequence[str], surely: AbstractSet[str]) -> n.Block | None:
        """Let the reverse of a step put numbers back into variables of its own; None where what the
        step has left in one is read later, and there may be nothing. surely: what it always binds.
        """
        for x in lost:
            new = n.Name(self.sweeping.fresh(x))
            k = next((k for k, s in enumerate(back) if x in assigned((s,))), len(back))
            if first_use(back[k:], x) != READ:
                back = (*back[:k], *renamed(back[k:], {x: new}))
            elif x in surely:
                back = (n.Assign((new,), n.Name(x)), *renamed(back, {x: new}))
            else:
                return None
        return back

    def dies(self, found: AbstractSet[str], step: n.Block, levels: tuple[_Level, ...]) -> bool:
        """True when nobody reads what a step of a loop leaves in variables."""

        def read(x: str) -> bool:
            if first_use(step, x) == READ:
                return True
            for level in levels:
                use = first_use(level.behind, x)
                if use:
                    return use == READ
                if first_use(level.body, x) == READ:
                    return True
            return x in self.sweeping.outputs

        return not any(map(read, sorted(found)))

    def private(self, reverse: n.For) -> set[str]:
        """Return the variables that a step of a reversed loop binds, but those it only adds to."""
        inside = tuple(walk_stmts(reverse.body))
        return bound_names(reverse.body) - self.order.sums(reverse, inside)

    def plan(
        self, forward: n.Block, k: int, backward: n.Block, outer: tuple[n.For, ...]
    ) -> _Plan | None:
        s = forward[k]
        found = [j for j, r in enumerate(backward) if isinstance(r, n.For) and r.of == s.uid]
        if not isinstance(s, n.For) or len(found) != 1 or not _runs_through(s):
            return None
        r = backward[found[0]]
        assert isinstance(r, n.For)
        reverse = self.within(s, r)
        if reverse is None:
            return None
        worked_in: AbstractSet[str] = frozenset()
        if not self.any_order(s, reverse, outer, worked_in):
            loose = map_block(reverse.body, lambda x: (self.sweeping.loose(x),))
            if loose is not reverse.body:
                reverse = replace(reverse, body=loose)
            if loose is r.body or not self.any_order(s, reverse, outer, worked_in):
                worked_in = self.worked_in(s, r)
                if not worked_in or not self.any_order(s, reverse, outer, worked_in):
                    return None
        ahead, behind = backward[: found[0]], backward[found[0] + 1 :]
        first = self.first(reverse, ahead, forward[k:], worked_in)
        if first is None:
            return None
        return _Plan(reverse, first[0], (*first[1], *behind), len(first[1]), worked_in)

    def worked_in(self, s: n.For, r: n.For) -> AbstractSet[str]:
        """Return the arrays that steps of a loop only work in, and their adjoints."""
        found: set[str] = set()
        steps = self.sweeping.steps
        changed = assigned((s,))
        whole = self.order.whole(frozenset(), changed)
        for x in sorted(_stored(s.body) - changed - self.sweeping.outputs):
            bar = self.sweeping.adjoint(x)
            own = {x, bar} - {""}
            if not steps.array(x) or not self.made_for(own, s, r):
                continue
            if not stored_before(s.body, x, whole):
                continue
            if not bar or (bar not in self.sweeping.outputs and zero_behind(r.body, bar, whole)):
                found |= own
        return found

    def made_for(self, own: AbstractSet[str], s: n.For, r: n.For) -> bool:
        """True when variables, which share nothing, are given something new once, and are used
        nowhere else but in a loop and its reverse."""
        group = self.order.shared
        groups = {group(x) for x in own}
        number = self.sweeping.steps.number
        others = (x for x in mentioned(self.both) - own if not number(x))
        if len(groups) < len(own) or any(group(x) in groups for x in others):
            return False
        inside = {x.uid for x in walk_stmts((s, r))}
        made: list[str] = []
        for x in walk_stmts(self.both):
            if x.uid in inside or not own & said_by(x):
                continue
            name = sole_target(x)
            if name is None or name not in own or not isinstance(x, n.Assign):
                return False
            if name in names(x.value) or not self.sweeping.steps.fresh(x.value):
                return False
            if own & names(x.value) and not measures(x.value):
                return False
            made.append(name)
        return len(made) == len(own) == len(set(made))

    def within(self, s: n.For, r: n.For) -> n.For | None:
        """Return the reverse of a loop as it can stand in the loop: what it runs over is there. It
        is worth it where it reads what a step has made, which would have to be kept or made again.
        """
        opens = [x for x in r.body if x.uid in self.sweeping.prologues]
        body = tuple(x for x in r.body if x.uid not in self.sweeping.prologues)
        own = set(target_names(r.target)) | assigned(tuple(opens))
        here = set(target_names(s.target))
        read = mentioned(body)
        if r.orelse or (own & read) - here or here & assigned(s.body):
            return None
        made = set().union(*map(self.sweeping.changes, walk_stmts(s.body)))
        counters = {
            x for y in walk_stmts(body) if isinstance(y, n.For) for x in target_names(y.target)
        }
        return replace(r, body=body) if read & made - counters - here else None

    def any_order(
        self, s: n.For, reverse: n.For, outer: tuple[n.For, ...], worked_in: AbstractSet[str]
    ) -> bool:
        """True when the steps of a reversed loop may come in any order, those of the loop between
        them. worked_in: arrays of each step."""
        inside = tuple(walk_stmts(reverse.body))
        if not all(isinstance(x, ALLOWED) and popped(x) is None for x in inside):
            return False
        if any(x.orelse for x in inside if isinstance(x, (n.For, n.While))):
            return False
        if not all(self.sweeping.steps.pure(e) for x in inside for e in stmt_exprs(x)):
            return False
        sums = self.order.sums(reverse, inside)
        private = (bound_names(reverse.body) | set(target_names(reverse.target))) - sums
        changed = set().union(*map(self.sweeping.changes, walk_stmts(s.body)))
        return self.order.apart(reverse, outer, private, sums, changed, worked_in)

    def first(
        self, reverse: n.For, ahead: n.Block, behind: n.Block, worked_in: AbstractSet[str]
    ) -> tuple[n.Block, n.Block] | None:
        """Return what makes the adjoints that a reversed loop begins with, to be done in front of
        the loop, and what is left of `ahead`, what is in front of the reversed loop; None if that
        cannot be. behind: the loop, and what the forward sweep does after it."""
        private = self.private(reverse)
        changed = (assigned(reverse.body) | _stored(reverse.body)) - private
        added = {x for x in changed if _only_adds(reverse.body, x)}
        wanted = mentioned(reverse.body) - private
        lost = set().union(*map(self.sweeping.changes, walk_stmts(behind)))
        first: list[n.Stmt] = []
        rest: list[n.Stmt] = []
        for p in reversed(ahead):
            touched = (assigned((p,)) | _stored((p,))) & wanted
            if not touched or (touched <= added and all(_only_adds((p,), x) for x in touched)):
                rest.insert(0, p)
                continue
            made = sole_target(p)
            if made is None or not isinstance(p, n.Assign):
                return None
            gone = lost - worked_in if measures(p.value) else lost
            if names(p.value) & gone or not self.sweeping.steps.pure(p.value):
                if made not in added or not self.sweeping.steps.number(made):
                    return None
                # it is added to what the steps have made
                less = term(p.value).coefficient < 0
                value = negate(p.value) if less else p.value
                rest.insert(0, n.AugAssign(p.targets[0], "-" if less else "+", value, of=p.of))
                p = n.Assign(p.targets, n.Const("0.0", 0.0), of=p.of)
            wanted |= names(p.value)
            first.insert(0, p)
        if not self.may_come_first(first, rest, ahead, changed, added):
            return None
        return tuple(first), tuple(rest)

    def may_come_first(
        self,
        first: Sequence[n.Stmt],
        rest: Sequence[n.Stmt],
        ahead: n.Block,
        changed: AbstractSet[str],
        added: AbstractSet[str],
    ) -> bool:
        """True when what is left behind means the same there. changed, added: what the reversed
        loop changes, and what of it it only adds to."""
        made = {sole_target(p) for p in first}
        if len(made) < len(first) or made & self.sweeping.variables:
            return False
        for k, p in enumerate(ahead):
            x = sole_target(p)
            if isinstance(p, n.Assign) and x in made and x in mentioned(ahead[:k]):
                return False
        if not all(isinstance(p, n.Assign) and self.alone(p.value) for p in first):
            return False
        left = mentioned(tuple(rest)) & changed
        if left - added or not all(_only_adds(tuple(rest), x) for x in left):
            return False
        # no other name of what is changed
        group = self.order.shared
        groups = {group(x) for x in changed if not self.sweeping.steps.number(x)}
        others = (mentioned(tuple(rest)) | set(self.sweeping.variables)) - changed
        return not any(group(x) in groups for x in others if not self.sweeping.steps.number(x))

    def alone(self, e: n.Expr) -> bool:
        """True for what no other name holds: a number, or something new."""
        if isinstance(e, (n.Const, n.Binary, n.Unary)) or self.sweeping.steps.fresh(e):
            return True
        return all(self.sweeping.steps.number(x) for x in _values(e))


def _runs_through(s: n.For) -> bool:
    """True for a loop each step of which runs to its end."""
    unknown = (n.Return, n.Try, n.With, n.FunctionDef, n.Global, n.Delete, n.Import)
    if s.orelse or any(isinstance(x, unknown) for x in walk_stmts(s.body)):
        return False
    own = (x for inner in s.body for x in of_step(inner))
    return not any(isinstance(x, (n.Break, n.Continue)) for x in own)


def _values(e: n.Expr) -> Iterator[str]:
    """Yield the variables in an expression, but the functions that it calls."""
    if isinstance(e, n.Name):
        yield e.id
        return
    if isinstance(e, n.Call):
        yield from (x for part in (*e.args, *(k.value for k in e.keywords)) for x in _values(part))
        return
    for part in children(e):
        yield from _values(part)


def _stored(block: n.Block) -> frozenset[str]:
    return frozenset[str]().union(*map(stored_by, block))


def _only_adds(block: n.Block, name: str) -> bool:
    """True when a block has no use of a variable but adding to it, or to its items."""
    for s in walk_stmts(block):
        parts = list(stmt_exprs(s))
        if isinstance(s, n.AugAssign) and s.op in ("+", "-"):
            target = s.target
            parts = [s.value]
            while isinstance(target, n.Subscript):
                parts.append(target.index)
                target = target.value
            if target != n.Name(name):
                parts.append(target)
        if any(name in names(e) for e in parts):
            return False
    return True
