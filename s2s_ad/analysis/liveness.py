"""Which variables are read again after a statement, before they are bound anew.

Takes a block and what is read once it is over, gives for each statement the variables whose values
may still be asked for behind it. Requires `ir`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.walk import each_target, free_names, inside, names, target_names, walk_stmts

Live = frozenset[str]
NOTHING: Live = frozenset()


def live_after(block: n.Block, at_end: Live = NOTHING) -> dict[int, Live]:
    """Return by the uid of a statement the variables that may be read once it is over.

    What a lambda, a generator or a local function mentions is read at any time. An exception may
    leave what a `try` or a `with` holds at any statement.

    >>> from s2s_ad.ir import nodes as n
    >>> first = n.Assign((n.Name("y"),), n.Name("x"))
    >>> after = live_after((first, n.Return(n.Name("y"))))
    >>> sorted(after[first.uid])
    ['y']
    """
    run = _Live(read_at_any_time(block))
    run.block(block, at_end | run.kept)
    return run.after


def read_at_any_time(block: n.Block) -> Live:
    """Return what is read at times that the order of the statements does not tell."""
    found: set[str] = set()
    for s in walk_stmts(block):
        if isinstance(s, n.FunctionDef):
            found |= free_names(s.function)
        elif isinstance(s, n.Global):
            found |= set(s.names)
        found.update(*map(names, inside(s, n.Lambda)))
        found.update(*(names(x) for x in inside(s, n.Comprehension) if x.kind == "generator"))
    return frozenset(found)


class _Live:
    def __init__(self, kept: Live) -> None:
        self.kept = kept
        self.after: dict[int, Live] = {}
        self.exits: list[tuple[Live, Live]] = []
        self.caught: Live = NOTHING  # what is read where an exception goes

    def block(self, block: n.Block, live: Live) -> Live:
        for s in reversed(block):
            self.after[s.uid] = live
            before = self.before(s, live)
            if not before >= self.kept:
                before |= self.kept
            live = before if before >= self.caught else before | self.caught
        return live

    def before(self, s: n.Stmt, live: Live) -> Live:
        if isinstance(s, n.Assign):
            bound = NOTHING.union(*map(target_names, s.targets))
            stored = [x for t in s.targets for x in each_target(t) if not isinstance(x, n.Name)]
            return _changed(live, bound, names(s.value).union(*map(names, stored)))
        if isinstance(s, n.Pop) and isinstance(s.target, n.Name):
            return _changed(live, {s.target.id}, {s.stack})
        if isinstance(s, n.If):
            found: Live = self.block(s.orelse, live)
            for b in s.branches:
                found |= self.block(b.body, live)
            return found | frozenset(x for b in s.branches for x in names(b.test))
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, live)
        if isinstance(s, (n.Break, n.Continue)) and self.exits:
            return self.exits[-1][isinstance(s, n.Continue)]
        read = said_by(s)
        if isinstance(s, (n.Return, n.Raise)):
            return read
        if isinstance(s, (n.Try, n.With)):
            return read | self.attempt(s, live)
        return _changed(live, NOTHING, read)

    def attempt(self, s: n.Try | n.With, live: Live) -> Live:
        outside = self.caught
        if isinstance(s, n.With):
            self.caught |= live  # it may swallow exceptions
            found = self.block(s.body, live)
        else:
            final = self.block(s.final, live)
            self.caught |= final
            found = self.block(s.orelse, final)
            handled = [self.block(handler.body, final) for handler in s.handlers]
            self.caught = self.caught.union(*handled)
            found = self.block(s.body, found)
        self.caught = outside
        return found

    def loop(self, s: n.For | n.While, live: Live) -> Live:
        header = names(s.iter) if isinstance(s, n.For) else names(s.test)
        done = self.block(s.orelse, live)
        head = done | header | self.kept
        while True:
            self.exits.append((live, head))
            start = self.block(s.body, head)
            self.exits.pop()
            if isinstance(s, n.For):
                start -= frozenset(target_names(s.target))
            if start <= head:
                return head
            head |= start


def _changed(live: Live, bound: AbstractSet[str], read: AbstractSet[str]) -> Live:
    """Return names without some, and with others: the same set where that is no change, since one
    is kept for each statement."""
    if not live.isdisjoint(bound):
        live -= bound
    return live if live >= read else live | read
