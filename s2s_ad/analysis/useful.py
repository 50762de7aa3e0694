"""Backward dataflow: which variables reach an output differentiably, after every statement.

Takes a Function and its forward `Facts`, gives the names useful after each statement by uid;
requires `ir` and `analysis.flow`. *Useful* and *varied* together make a variable active
(Hascoët and Pascual, TOMS 39(3), 2013).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import container_of, each_target, names, target_names

Names = frozenset[str]
NOTHING: Names = frozenset()


@dataclass
class Useful:
    """Names useful before and after each statement, by uid."""

    before: dict[int, Names] = field(default_factory=dict)
    after: dict[int, Names] = field(default_factory=dict)


def useful(function: n.Function, facts: Facts, seeds: Names = NOTHING) -> Useful:
    """Return the names useful around each statement. seeds: names useful at the end besides."""
    run = _Run(facts, seeds)
    run.block(function.body, seeds)
    return run.found


def active_names(expr: n.Expr, uid: int, facts: Facts) -> Names:
    """Return the varied names an expression reads, nothing if the expression does not vary."""
    if not facts.varied(expr, uid):
        return NOTHING
    env = facts.before.get(uid, {})
    return frozenset(name for name in names(expr) if env.get(name, PASSIVE).varied)


class _Run:
    def __init__(self, facts: Facts, seeds: Names) -> None:
        self.facts = facts
        self.seeds = seeds
        self.found = Useful()
        self.exits: list[tuple[Names, Names]] = []

    def block(self, block: n.Block, out: Names) -> Names:
        for s in reversed(block):
            table = self.found
            table.after[s.uid] = table.after.get(s.uid, NOTHING) | out
            out = self.statement(s, out)
            table.before[s.uid] = table.before.get(s.uid, NOTHING) | out
        return out

    def reads(self, expr: n.Expr | None, s: n.Stmt) -> Names:
        return NOTHING if expr is None else active_names(expr, s.uid, self.facts)

    def statement(self, s: n.Stmt, out: Names) -> Names:
        if isinstance(s, n.Assign):
            written: Names = NOTHING
            for target in s.targets:
                written |= target_names(target)
            roots = frozenset(r for t in s.targets for r in stored_roots(t))
            if roots & out:
                return out | self.reads(s.value, s)
            if written & out:
                return (out - written) | self.reads(s.value, s)
            return out - written
        if isinstance(s, n.AugAssign):
            names_ = target_names(s.target) | frozenset(stored_roots(s.target))
            return out | self.reads(s.value, s) if names_ & out else out
        added = scattered(s)
        if added is not None:
            roots = frozenset(stored_roots(n.Subscript(added[0], added[1])))
            return out | self.reads(added[2], s) if roots & out else out
        if isinstance(s, n.Append):
            return out | self.reads(s.value, s) if s.stack in out else out
        if isinstance(s, n.Pop):
            bound = target_names(s.target)
            return (out - bound) | {s.stack} if bound & out else out - bound
        if isinstance(s, n.Return):
            return self.seeds | self.reads(s.value, s)
        if isinstance(s, n.Raise):
            return NOTHING
        if isinstance(s, n.Break):
            return self.exits[-1][0]
        if isinstance(s, n.Continue):
            return self.exits[-1][1]
        if isinstance(s, n.If):
            result = self.block(s.orelse, out)
            for branch in s.branches:
                result |= self.block(branch.body, out)
            return result
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, out)
        if isinstance(s, n.Try):
            after = self.block(s.final, out)
            result = self.block(s.body, self.block(s.orelse, after))
            for handler in s.handlers:
                result |= self.block(handler.body, after)
            return result | after
        if isinstance(s, n.With):
            return self.block(s.body, out)
        return out

    def loop(self, s: n.For | n.While, out: Names) -> Names:
        done = self.block(s.orelse, out)
        head = done
        while True:
            self.exits.append((out, head))
            start = self.block(s.body, head)
            self.exits.pop()
            if isinstance(s, n.For):
                bound = target_names(s.target)
                read = self.iterated(s) if bound & start else NOTHING
                start = (start - bound) | read
            if start <= head:
                return head
            head |= start

    def iterated(self, s: n.For) -> Names:
        env = self.facts.before.get(s.uid, {})
        return frozenset(x for x in names(s.iter) if env.get(x, PASSIVE).varied)


def stored_roots(target: n.Expr) -> list[str]:
    """Return the variables that an assignment to `target` changes without rebinding them."""
    stored = (x for x in each_target(target) if isinstance(x, (n.Subscript, n.Attribute)))
    return [root.id for root in map(container_of, stored) if isinstance(root, n.Name)]
