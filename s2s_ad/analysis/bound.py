"""Which variables are certainly assigned where, and which are read before they are.

Takes a block and the parameters, gives for each statement the variables that have a value on every
way to it. Requires `ir`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    each_of,
    names,
    stmt_exprs,
    subexprs,
    target_names,
    walk_stmts,
)


def bound_by(s: n.With) -> set[str]:
    return {x for _, target in s.items if target is not None for x in target_names(target)}


class Certain(AbstractSet[str]):
    """The variables that are certainly assigned at one place of a block.

    outside: where the block begins. since: by variable, how many statements of the block had run
    when it was; all places of a block share it, so that a long one takes no more than it is long.
    """

    def __init__(self, outside: AbstractSet[str], since: Mapping[str, int], count: int) -> None:
        self.outside = outside
        self.since = since
        self.count = count

    def __contains__(self, name: object) -> bool:
        found = self.since.get(name) if isinstance(name, str) else None
        return (found is not None and found <= self.count) or name in self.outside

    def __iter__(self) -> Iterator[str]:
        own = {name for name, count in self.since.items() if count <= self.count}
        return iter(own.union(self.outside))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @classmethod
    def _from_iterable(cls, names_: Iterable[str]) -> frozenset[str]:  # type: ignore[override]
        return frozenset(names_)


def certain_at_end(block: n.Block, params: Iterable[str]) -> frozenset[str]:
    """Return the variables that are certainly assigned when a block is over."""
    end = n.Pass()
    return frozenset(definitely((*block, end), params).before.get(end.uid, ()))


@dataclass(frozen=True)
class Bound:
    """Variables that are certainly assigned, by the uid of a statement: before it and behind it."""

    before: Mapping[int, Certain]
    behind: Mapping[int, Certain]


def definitely(block: n.Block, params: Iterable[str]) -> Bound:
    """Return the variables that are certainly assigned before and behind each statement."""
    before: dict[int, Certain] = {}
    behind: dict[int, Certain] = {}

    def run(block: n.Block, have: AbstractSet[str]) -> AbstractSet[str] | None:
        """Return what a block assigns on all ways through it, None when no way leaves its end."""
        since: dict[str, int] = {}
        for k, s in enumerate(block):
            before[s.uid] = Certain(have, since, k)
            more = step(s, before[s.uid])
            if more is None:
                return None
            for name in more:
                since.setdefault(name, k + 1)
            behind[s.uid] = Certain(have, since, k + 1)
        return since.keys()

    def step(s: n.Stmt, have: Certain) -> AbstractSet[str] | None:
        if isinstance(s, n.If):
            return met([*(run(b.body, have) for b in s.branches), run(s.orelse, have)])
        if isinstance(s, (n.For, n.While)):
            targets = subexprs(s.target) if isinstance(s, n.For) else ()
            counts = {e.id: 0 for e in targets if isinstance(e, n.Name)}
            run(s.body, Certain(have, counts, 0))
            return frozenset()
        if isinstance(s, n.With):
            bound = bound_by(s)
            inside = run(s.body, Certain(have, dict.fromkeys(bound, 0), 0))
            return None if inside is None else inside | bound
        if isinstance(s, n.Try):
            end = met([run((*s.body, *s.orelse), have), *(run(h.body, have) for h in s.handlers)])
            return None if end is None else end | assigned(s.final)
        if isinstance(s, (n.Break, n.Continue, n.Return, n.Raise)):
            return None
        return assigned((s,))

    def met(ends: list[AbstractSet[str] | None]) -> AbstractSet[str] | None:
        live = [frozenset(e) for e in ends if e is not None]
        return frozenset.intersection(*live) if live else None

    run(block, frozenset(params))
    return Bound(before, behind)


def may_be_unbound(block: n.Block, params: Iterable[str]) -> set[str]:
    """Return the variables a block binds and reads where it may not have bound them yet."""
    have = frozenset(params)
    surely = definitely(block, have).before
    own = assigned(block)
    return {
        x
        for s in walk_stmts(block)
        for e in (_read_exprs(s) if s.uid in surely else ())
        for x in names(e) & own
        if x not in surely[s.uid]
    }


def overwritten_before_defined(block: n.Block, params: set[str]) -> set[str]:
    """Return the variables that are given a value where they may have one already, or none."""
    surely = definitely(block, params).before
    again: set[int] = set()
    for loop in walk_stmts(block):
        if isinstance(loop, (n.For, n.While)):
            again |= {s.uid for s in walk_stmts(loop.body)}
    found: set[str] = set()
    before: set[str] = set()
    for s in walk_stmts(block):
        for name in assigned((s,)) - surely.get(s.uid, params):
            if s.uid in again or name in before:
                found.add(name)
        if not any(blocks(s)):
            before |= assigned((s,))
    return found


def assigns_surely(s: n.Stmt, name: str) -> bool:
    if isinstance(s, (n.For, n.While)):
        return False
    if isinstance(s, n.If):
        bodies = [*(b.body for b in s.branches), s.orelse]
        return all(any(assigns_surely(x, name) for x in body) for body in bodies)
    if isinstance(s, n.With):
        return name in bound_by(s) or any(assigns_surely(x, name) for x in s.body)
    if isinstance(s, n.Try):
        return False
    return name in assigned((s,))


def live_in(block: n.Block) -> set[str]:
    """Return the variables a block reads before it binds them."""
    found: set[str] = set()
    bound: set[str] = set()

    def visit(block: n.Block) -> None:
        for s in block:
            reads = {x for e in _read_exprs(s) for x in names(e)}
            if isinstance(s, (n.Append, n.Pop)):
                reads.add(s.stack)
            found.update(reads - bound)
            if isinstance(s, (n.If, n.For, n.While)):
                before = set(bound)
                if isinstance(s, n.For):
                    bound.update(e.id for e in subexprs(s.target) if isinstance(e, n.Name))
                for inner in blocks(s):
                    saved = set(bound)
                    visit(inner)
                    bound.clear()
                    bound.update(saved)
                bound.clear()
                bound.update(before)
            elif isinstance(s, n.With):
                visit(s.body)
            elif not isinstance(s, n.Append):
                bound.update(assigned((s,)))

    visit(block)
    return found


def _read_exprs(s: n.Stmt) -> list[n.Expr]:
    if isinstance(s, n.Assign):
        parts = [x for t in s.targets for x in each_of(t)]
        return [s.value, *(t for t in parts if not isinstance(t, n.Name))]
    if isinstance(s, n.Pop):
        return []
    if isinstance(s, n.For):
        return [s.iter]
    return list(stmt_exprs(s))
