"""Which stores into elements can be followed: those into what no other name sees.

Takes a block and what is known of its expressions, gives for each statement the variables whose
container no other name shares. Requires `ir`, `analysis.aliasing`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from s2s_ad.analysis.aliasing import TURNED, KindOf, Newness, Sharing
from s2s_ad.analysis.flat import flat_names, never_lists
from s2s_ad.analysis.held import paired
from s2s_ad.analysis.last_use import is_last_use, only_built
from s2s_ad.analysis.liveness import live_after
from s2s_ad.analysis.owned import NOBODY, Names, Owned
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, Kind, Object, RangeKind
from s2s_ad.ir.walk import names, target_names, walk_stmts
from s2s_ad.rules.sharing import NEW, SHARES, WHOLLY_NEW

Moves = Callable[[n.Call], bool]


def ownership(
    block: n.Block,
    newness: Newness,
    kind: KindOf,
    start: Names = NOBODY,
    unbound: Names = NOBODY,
    moves: Moves | None = None,
) -> dict[int, Owned]:
    """Return the variables whose containers are unshared before each statement.

    newness: how much of what a call returns is new. kind: that of an expression of a statement.
    start: variables taken to be unshared at the start, which the caller may see nevertheless.
    Nobody shares what is not bound yet.
    moves: whether what a function returns is new, or (a part of) its arguments: what is read for
    the last time by such a call, or by `b = a`, belongs to the name that takes the result.
    """
    run = _Ownership(newness, kind) if moves is None else _Moving(newness, kind, block, moves)
    run.moving = not start
    run.whole, run.unbound = block, unbound
    run.block(block, Owned(start | unbound, unbound))
    return run.table


def gives_away(s: n.Stmt, name: str, newness: Newness, kind: KindOf) -> bool:
    """True when a statement without blocks lets others see what a variable alone held so far."""
    run = _Ownership(newness, kind)
    run.uid, run.current = s.uid, s
    alone = frozenset((name,))
    return name not in run.simple(s, Owned(alone, alone)).own


def gives_up(
    s: n.Stmt,
    e: n.Expr,
    before: Owned,
    newness: Newness,
    kind: KindOf,
    body: n.Block,
    moves: Moves,
) -> bool:
    """True when nothing of `body` reads, behind a statement, what the value of an expression in it
    may be a part of. before: what is owned before the statement."""
    run = _Moving(newness, kind, body, moves)
    run.uid, run.current = s.uid, s
    return run.sole(e, before)


def viewed(s: n.Stmt, e: n.Expr, newness: Newness, kind: KindOf) -> n.Expr:
    """Return what the value of an expression in a statement is a view of: `x` of `x.T[1:]`."""
    run = _Ownership(newness, kind)
    run.uid = s.uid
    while True:
        inner: n.Expr | None = None
        if isinstance(e, n.Attribute) and e.attr in TURNED:
            inner = e.value
        elif isinstance(e, n.Subscript):
            made = isinstance(e.value, n.Call) and run.given(e.value) is None
            inner = None if made and not isinstance(run.kind(e.value), Array) else e.value
        elif isinstance(e, n.Call):
            inner = run.given(e)
        if inner is None:
            return e
        e = inner


class _Ownership(Sharing):
    """whole: all statements there are. unbound: variables that are not bound in front of them."""

    def __init__(self, newness: Newness, kind: KindOf) -> None:
        super().__init__(newness)
        self.kind_of = kind
        self.whole: n.Block = ()
        self.unbound = NOBODY
        self.uid = 0
        self.current: n.Stmt = n.Pass()
        self.table: dict[int, Owned] = {}
        self.breaks: list[list[Owned]] = []
        self.continues: list[list[Owned]] = []
        self.moving = False

    # looked for where they matter: numbers are in no list

    @functools.cached_property
    def flat(self) -> Names:
        return flat_names(self.whole, self.kind_of, lambda call: self.newness(call) != WHOLLY_NEW)

    @functools.cached_property
    def listless(self) -> Names:
        return never_lists(self.whole, self.kind_of) & self.unbound

    @functools.cached_property
    def built(self) -> Names:
        return only_built(self.whole) & self.unbound

    def appended(self, s: n.Append, own: Owned) -> Owned:
        name = s.value.id if isinstance(s.value, n.Name) else ""
        if name in self.built & own.whole:
            return own.fixed(name)
        if self.moving and name in own.whole and not self.is_plain(s.value):
            return own.lending(s.stack, name)
        return super().appended(s, own)

    def kind(self, e: n.Expr) -> Kind:
        return self.kind_of(e, self.uid)

    def block(self, block: n.Block, own: Owned) -> Owned | None:
        current: Owned | None = own
        for s in block:
            if current is None:
                return None
            known = self.table.get(s.uid)
            self.table[s.uid] = current if known is None else known & current
            current = self.statement(s, current)
        return current

    def statement(self, s: n.Stmt, own: Owned) -> Owned | None:
        self.uid = s.uid
        self.current = s
        if isinstance(s, n.If):
            ends = [self.block(b.body, own) for b in s.branches]
            ends.append(self.block(s.orelse, own))
            live = [e for e in ends if e is not None]
            if not live:
                return None
            joined = live[0]
            for end in live[1:]:
                joined &= end
            return joined
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, own)
        if isinstance(s, (n.Break, n.Continue)):
            (self.breaks if isinstance(s, n.Break) else self.continues)[-1].append(own)
            return None
        if isinstance(s, (n.Return, n.Raise)):
            return None
        if isinstance(s, n.With):
            for context, to in s.items:
                own = self.shared(context, own)
                own = own.without(frozenset(target_names(to) if to else ()))
            return self.block(s.body, own)
        if isinstance(s, n.Try):
            return self.attempt(s, own)
        return self.simple(s, own)

    def loop(self, s: n.For | n.While, own: Owned) -> Owned | None:
        if isinstance(s, n.While):
            return self.rounds(s, own)
        targets = frozenset(target_names(s.target))
        within = self.rounds(s, self.iterated(s.iter, own).without(targets))
        if within is None:
            return None
        # what it ran over may be stored into again behind it
        return self.rounds(s, self.iterated(s.iter, own, True).without(targets))

    def rounds(self, s: n.For | n.While, own: Owned) -> Owned | None:
        """Return what is owned after a loop: at the end of each round, or where it is left."""
        while True:
            self.breaks.append([])
            self.continues.append([])
            end = self.block(s.body, own)
            left = self.breaks.pop()
            ends = [e for e in (end, *self.continues.pop()) if e is not None]
            if all(own <= e for e in ends):
                break
            for e in ends:
                own &= e
        after = self.block(s.orelse, own)
        for e in left:
            after = e if after is None else after & e
        return after

    def attempt(self, s: n.Try, own: Owned) -> Owned | None:
        """What a `try` may share is shared from its start: it may be left anywhere."""
        start = own
        while True:
            ends = [self.block(s.body, start), *(self.block(h.body, start) for h in s.handlers)]
            ends.append(self.block(s.orelse, start))
            ends.append(self.block(s.final, start))
            inside = (*s.body, *(x for h in s.handlers for x in h.body), *s.orelse, *s.final)
            now = start
            for table in [self.table[x.uid] for x in walk_stmts(inside) if x.uid in self.table]:
                now &= table
            for end in ends:
                now = now if end is None else now & end
            if now == start:
                return start
            start = now

    def iterated(self, e: n.Expr, own: Owned, done: bool = False) -> Owned:
        """Return what is owned while a loop runs over `e`, which must not change meanwhile.

        done: what is owned when it has run, and only its items may be seen elsewhere.
        """
        if isinstance(self.kind(e), RangeKind) or self.gives_keys(e):
            return own
        found = self.kind(e.func) if isinstance(e, n.Call) and not e.keywords else None
        if isinstance(found, Object) and found.value in (zip, enumerate, reversed):
            for part in e.args if isinstance(e, n.Call) else ():
                own = self.iterated(part, own, done)
            return own
        if done:
            return self.items_shared(e, own)
        if self.is_plain(e):
            return own
        if isinstance(e, n.Name):
            return self.items_shared(e, own).fixed(e.id)
        return own.without(frozenset(names(e)))

    def gives_keys(self, e: n.Expr) -> bool:
        """True for a dict: what is stored under its keys may change while a loop runs over them."""
        if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and not e.args:
            e = e.func.value if e.func.attr == "keys" else e
        return isinstance(e, n.Name) and isinstance(self.kind(e), DictOf)


class _Moving(_Ownership):
    """Ownership in which the last use of a variable hands on what it holds."""

    def __init__(self, newness: Newness, kind: KindOf, body: n.Block, moves: Moves) -> None:
        super().__init__(newness, kind)
        self.body = body
        self.moves = moves
        self.later = live_after(body)

    def assigned(self, target: n.Expr, value: n.Expr, own: Owned) -> Owned:
        after = super().assigned(target, value, own)
        for name, e in paired(target, value):
            if self.new(e) == SHARES and self.sole(e, own):
                after = after.having(name, NEW)
        return after

    def sole(self, e: n.Expr, own: Owned) -> bool:
        """True when nothing else will see the value of an expression of the current statement."""
        if self.is_plain(e) or self.new(e) != SHARES:
            return True
        if isinstance(e, n.Name):
            return e.id in own.own and is_last_use(e.id, self.current, self.body, self.later)
        if isinstance(e, n.Attribute) and e.attr in TURNED:
            return self.sole(e.value, own)
        if isinstance(e, n.Call) and (given := self.given(e)) is not None:
            return self.sole(given, own)
        if isinstance(e, n.Call) and self.moves(e):
            return all(self.sole(x, own) for x in (*e.args, *(k.value for k in e.keywords)))
        return False
