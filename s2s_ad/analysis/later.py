"""Whether a use of an item may come after another use of the same item.

Takes blocks and uses of items in them, gives answers; requires `ir`, `analysis.touching`.

    for j in range(n):
        for k in range(j):
            s -= L[j, k] * L[j, k]      # never an item that is stored into later
        L[j, j] = s
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s2s_ad.analysis.touching import MINUS, Path, Round, Test, Use, meet
from s2s_ad.analysis.whole_numbers import ANY, Cases, Form, all_of, told
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, blocks, names

Level = tuple[n.Block, int, n.Stmt | None]


@dataclass(frozen=True)
class Where:
    """Where a statement stands: its number in the text, the blocks around it from the outside in,
    each with the place of the statement in it and the loop whose body it is. tests: those of the
    branches around it, and whether they held. Between two statements, numbers are not whole."""

    number: float
    levels: tuple[Level, ...]
    tests: tuple[tuple[n.Expr, bool], ...] = ()

    def known(self, whole: Test, around: Callable[[n.Stmt], Round]) -> Cases:
        """Return what the branches around it say of integers that keep their values.

        around: what is known of a loop.
        """
        given = [x for loop in self.loops() if around(loop).counter for x in around(loop).bounds()]
        return all_of([told(test, held, whole) for test, held in self.tests], given)

    def loops(self) -> tuple[n.Stmt, ...]:
        """Return the loops around it, from the outside in."""
        return tuple(owner for _, _, owner in self.levels if owner is not None)


def places(block: n.Block) -> Iterator[tuple[n.Stmt, Where]]:
    """Yield each statement with where it stands."""
    count = 0

    def visit(
        block: n.Block,
        levels: tuple[Level, ...],
        owner: n.Stmt | None,
        tests: tuple[tuple[n.Expr, bool], ...],
    ) -> Iterator[tuple[n.Stmt, Where]]:
        nonlocal count
        for k, s in enumerate(block):
            here = (*levels, (block, k, owner))
            loop = s if isinstance(s, (n.For, n.While)) else None
            # what a loop reads at its head, it may read at each step
            levels_of_head = here if loop is None else (*here, (loop.body, 0, loop))
            yield s, Where(count, levels_of_head, tests)
            count += 1
            for inner, more in branches(s):
                yield from visit(inner, here, loop, (*tests, *more))

    yield from visit(block, (), None, ())


def branches(s: n.Stmt) -> Iterator[tuple[n.Block, tuple[tuple[n.Expr, bool], ...]]]:
    """Yield the blocks in a statement, each with the tests that lead to it and what they gave: of
    those that would give the same anywhere in the block."""

    def steady(block: n.Block) -> tuple[tuple[n.Expr, bool], ...]:
        changed = assigned(block)
        return tuple(x for x in tests if not names(x[0]) & changed)

    tests: list[tuple[n.Expr, bool]] = []
    if not isinstance(s, n.If):
        yield from ((block, ()) for block in blocks(s))
        return
    for branch in s.branches:
        tests.append((branch.test, True))
        yield branch.body, steady(branch.body)
        tests[-1] = (branch.test, False)
    yield s.orelse, steady(s.orelse)


@dataclass(frozen=True)
class Spot:
    """A use of an item. path: which one. known: what holds where it is used."""

    where: Where
    path: Path
    known: Cases = ANY


def shared_levels(a: Where, b: Where) -> int:
    """Return how many of the blocks around two statements are the same."""
    count = 0
    for (x, _, _), (y, _, _) in zip(a.levels, b.levels):
        if x is not y:
            break
        count += 1
    return count


def bound_since(a: Where, b: Where, binds: Callable[[n.Stmt], bool]) -> int:
    """Return the number of blocks around both statements in the innermost of which a variable is
    bound before both: outside of it, it is another object at each step."""
    start = 0
    for k in range(shared_levels(a, b)):
        block, at, _ = a.levels[k]
        if any(binds(s) for s in block[: min(at, b.levels[k][1])]):
            start = k + 1
    return start


def may_follow(
    first: Spot, then: Spot, around: Callable[[n.Stmt], Round], start: int, again: bool
) -> bool:
    """Return False if the second use never comes after the first and touches the same item.

    around: what is known of a loop. start: of the blocks around both, those before it are in the
    same step. again: whether what stands at the same place comes after it too.
    """
    here, there = first.where, then.where
    common = shared_levels(here, there)
    shared = sum(owner is not None for _, _, owner in here.levels[:common])
    fixed = sum(owner is not None for _, _, owner in here.levels[:start])
    one = Use(first.path, tuple(map(around, here.loops())), first.known)
    two = Use(then.path, tuple(map(around, there.loops())), then.known)
    for level in range(fixed, shared):
        if meet(one, two, level, _after(one.rounds[level])):
            return True
    ahead = here.number < there.number or (again and here.number == there.number)
    return ahead and not _exclude(here, there) and meet(one, two, shared)


def _exclude(a: Where, b: Where) -> bool:
    """True for statements of which one step of what is around both runs one at most."""
    common = shared_levels(a, b)
    if not 0 < common < min(len(a.levels), len(b.levels)):
        return False
    block, at, _ = a.levels[common - 1]
    return at == b.levels[common - 1][1] and isinstance(block[at], n.If)


def _after(r: Round) -> list[Form]:
    """Return what says that the second of two steps of a loop comes later."""
    if not r.counter or r.up is None:
        return []
    here, there = Form(((r.counter, 1),)), Form(((r.counter + "'", 1),))
    return [(there.plus(here, -1) if r.up else here.plus(there, -1)).plus(MINUS)]
