"""Statements whose values nobody reads are dropped.

Takes the body of a generated function, gives it without dead assignments, without stacks that
are filled and never used, and without empty loops and branches. Requires `ir`.

    s = math.sin(x)
    y = x * x           →       y = x * x
    return y                    return y
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list, said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import free_names, map_block, names, target_names, walk_stmts

Pure = Callable[[n.Expr], bool]
Live = frozenset[str]
NO_NAMES: Mapping[int, AbstractSet[str]] = MappingProxyType({})


def drop_dead(
    body: n.Block,
    pure: Pure,
    pinned: frozenset[int] = frozenset(),
    alone: Mapping[int, AbstractSet[str]] = NO_NAMES,
) -> n.Block:
    """Return the body without dead code. pure: whether evaluating an expression has no effect.

    pinned: statements that change what others see under another name, by uid. alone: the variables
    whose arrays no other name sees, before a statement: stores into them are dead if nobody reads
    them by these.
    """
    while True:
        run = _Dead(pure, pinned, alone)
        new = run.block(body, frozenset())[0]
        if not pinned:
            new = _without_idle_stacks(new, run.idle_pops)
        if _size(new) == _size(body):
            return new
        body = new


def _size(block: n.Block) -> int:
    return sum(1 for _ in walk_stmts(block))


class _Dead:
    def __init__(
        self, pure: Pure, pinned: frozenset[int], alone: Mapping[int, AbstractSet[str]]
    ) -> None:
        self.pure = pure
        self.pinned = pinned
        self.alone = alone
        self.idle_pops: set[int] = set()
        self.exits: list[tuple[Live, Live]] = []

    def block(self, block: n.Block, live: Live) -> tuple[n.Block, Live]:
        kept: list[n.Stmt] = []
        now = set(live)
        for s in reversed(block):
            new = self.statement(s, now)
            if new is not None:
                kept.append(new)
        return tuple(reversed(kept)), frozenset(now)

    def statement(self, s: n.Stmt, live: set[str]) -> n.Stmt | None:
        """Return what is left of a statement; `live`, what is read behind it, becomes what is read
        from it on."""
        if s.uid in self.pinned and isinstance(s, (n.AugAssign, n.Append)):
            live |= _reads(s)
        elif self.is_dead(s, live):
            return None
        elif isinstance(s, n.Assign):
            live.difference_update(x for t in s.targets for x in target_names(t))
            live |= _reads(s)
        elif isinstance(s, n.Pop):
            bound = frozenset(target_names(s.target))
            # a loop is gone through several times: the last time knows all that is live
            if bound & live:
                self.idle_pops.discard(s.uid)
            else:
                self.idle_pops.add(s.uid)
            live -= bound
            live |= {s.stack} | _index(s.target)
        elif isinstance(s, (n.Return, n.Raise)):
            live.clear()
            live |= _reads(s)
        elif isinstance(s, n.Try):
            for x in walk_stmts((s,)):
                live |= _reads(x)
        elif isinstance(s, n.FunctionDef):
            live |= free_names(s.function)
        elif isinstance(s, (n.If, n.For, n.While, n.With, n.Break, n.Continue)):
            new, before = self.compound(s, frozenset(live))
            live.clear()
            live |= before
            return new
        elif not isinstance(s, n.Pass):
            live |= _reads(s)
        return s

    def is_dead(self, s: n.Stmt, live: AbstractSet[str]) -> bool:
        """True for a statement without blocks that does nothing that is read behind it."""
        if isinstance(s, n.Assign):
            bound = {x for t in s.targets for x in target_names(t)}
            stores = any(not isinstance(t, n.Name) and _index(t) for t in s.targets)
            if bound.isdisjoint(live) and not stores and self.pure(s.value):
                return True
            return all(self.is_idle_store(s, t, s.value, live) for t in s.targets)
        if isinstance(s, n.AugAssign):
            if isinstance(s.target, n.Name) and s.target.id not in live and self.pure(s.value):
                return True
            return self.is_idle_store(s, s.target, s.value, live)
        if isinstance(s, n.Append):
            return s.stack not in live and self.pure(s.value)
        if isinstance(s, n.ExprStmt):
            return self.pure(s.value) and not isinstance(s.value, n.Call)
        return isinstance(s, n.Pass) and not any(s.comments.before) and not s.comments.trailing

    def compound(self, s: n.Stmt, live: Live) -> tuple[n.Stmt | None, Live]:
        if isinstance(s, n.If):
            return self.branch(s, live)
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, live)
        if isinstance(s, n.With):
            body, inner = self.block(s.body, live)
            return replace(s, body=body), inner | _reads(s)
        return s, self.exits[-1][isinstance(s, n.Continue)]

    def is_idle_store(
        self, s: n.Stmt, target: n.Expr, value: n.Expr, live: AbstractSet[str]
    ) -> bool:
        """True for a store into an array that nobody reads behind it."""
        if not isinstance(target, n.Subscript) or not isinstance(target.value, n.Name):
            return False
        name = target.value.id
        known = name in self.alone.get(s.uid, ()) and name not in live
        return known and self.pure(value) and self.pure(target.index)

    def branch(self, s: n.If, live: Live) -> tuple[n.Stmt | None, Live]:
        orelse, after = self.block(s.orelse, live)
        branches = []
        for b in s.branches:
            body, inner = self.block(b.body, live)
            branches.append(replace(b, body=body))
            after |= inner
        pure = all(self.pure(b.test) for b in branches)
        if pure and not orelse and not any(b.body for b in branches):
            return None, live
        while (
            len(branches) > 1
            and not orelse
            and not branches[-1].body
            and self.pure(branches[-1].test)
        ):
            branches.pop()
        if len(branches) == 1 and not branches[0].body and orelse:
            b = replace(branches[0], test=negated(branches[0].test), body=orelse)
            branches, orelse = [b], ()
        for b in branches:
            after |= names(b.test)
        return replace(s, branches=tuple(branches), orelse=orelse), after

    def is_idle(self, block: n.Block) -> bool:
        """True for a block that does nothing but decide which way to go, without an effect."""
        return all(
            all(self.pure(b.test) for b in x.branches)
            if isinstance(x, n.If)
            else isinstance(x, (n.Pass, n.Break, n.Continue))
            for x in walk_stmts(block)
        )

    def loop(self, s: n.For | n.While, live: Live) -> tuple[n.Stmt | None, Live]:
        header = names(s.iter) if isinstance(s, n.For) else names(s.test)
        pure = self.pure(s.iter if isinstance(s, n.For) else s.test)
        orelse, done = self.block(s.orelse, live)
        if pure and not orelse:
            self.exits.append((live, live))
            body, _ = self.block(s.body, live)
            self.exits.pop()
            bound = set(target_names(s.target)) if isinstance(s, n.For) else set()
            if self.is_idle(body) and not bound & live:
                return None, live
        head = done | header
        while True:
            self.exits.append((live, head))
            body, start = self.block(s.body, head)
            self.exits.pop()
            if isinstance(s, n.For):
                start -= set(target_names(s.target))
            if start <= head:
                break
            head |= start
        return replace(s, body=body, orelse=orelse), head | done


def negated(test: n.Expr) -> n.Expr:
    """Return `not test`, a comparison of numbers turned around only where that is the same.

    `not x < y` is not `x >= y` when one of them is not a number, so only `==`-like tests turn.
    """
    if isinstance(test, n.Unary) and test.op == "not":
        return test.operand
    if isinstance(test, n.Compare) and len(test.ops) == 1:
        turned = {"is": "is not", "is not": "is", "in": "not in", "not in": "in"}.get(test.ops[0])
        if turned:
            return replace(test, ops=(turned,))
    return n.Unary("not", test)


def _reads(s: n.Stmt) -> Live:
    if isinstance(s, n.Assign):
        found = names(s.value)
        for t in s.targets:
            found |= _index(t)
        return frozenset(found)
    return said_by(s)


def _index(target: n.Expr) -> Live:
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        return frozenset().union(*(_index(t) for t in target.items))
    if isinstance(target, (n.Subscript, n.Attribute)):
        return frozenset(names(target))
    return frozenset()


def _without_idle_stacks(body: n.Block, idle: set[int]) -> n.Block:
    """Drop the stacks that are only ever appended to and popped into variables nobody reads."""
    stacks: dict[str, bool] = {}
    every = tuple(walk_stmts(body))
    if not any(isinstance(s, (n.Append, n.Pop)) for s in every):
        return body
    for s in every:
        used: Iterable[str] = ()
        if isinstance(s, n.Pop):
            stacks[s.stack] = stacks.get(s.stack, True) and s.uid in idle
        elif isinstance(s, n.Append):
            stacks.setdefault(s.stack, True)
            used = names(s.value)
        elif isinstance(s, n.Assign) and is_empty_list(s.value):
            used = ()
        else:
            used = said_by(s)
        for name in used:
            stacks[name] = False
    gone = {name for name, is_idle in stacks.items() if is_idle}
    if not gone:
        return body

    def keep(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, (n.Append, n.Pop)) and s.stack in gone:
            return ()
        return (s,)

    return map_block(body, keep)
