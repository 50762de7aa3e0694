"""Arrays that a step of a loop only works in: nothing goes from one step to another through them.

Takes blocks, gives answers; requires `analysis.touching`.

    terms = empty(m)
    for i in range(n):
        for k in range(m):
            terms[k] = x[i, k]          each item that a step reads
        for k in range(m):
            s += exp(terms[k])          it has stored before

The adjoint of such an array is zero in between: what a step adds to an item, it stores zero over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s2s_ad.analysis.touching import (
    MINUS,
    Path,
    Round,
    Span,
    Test,
    item_of,
    round_of,
    uses_of,
)
from s2s_ad.analysis.whole_numbers import Form, possible
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import leaves
from s2s_ad.ir.walk import assigned, blocks, stmt_exprs

ONE = Form((), 1)
Stored = tuple[Path, ...]
Stores = Callable[[n.Assign], bool]


class _Elsewhere(Exception):
    """An item is read that the step may not have stored."""


def stored_before(block: n.Block, name: str, whole: Test) -> bool:
    """True when a step, each time, has stored an item of an array before it reads it.

    whole: whether a variable is an integer that keeps its value while steps run.
    """
    return _proved(_Step(name, whole, lambda _: True, 1), block)


def zero_behind(block: n.Block, name: str, whole: Test) -> bool:
    """True when a step stores zero over each item of an array that it touches, as the last thing it
    does with it: where all items are zero in front of the step, they are behind it."""
    return _proved(_Step(name, whole, _is_zero, -1), block)


def _proved(run: _Step, block: n.Block) -> bool:
    if run.name in assigned(block):
        return False
    try:
        run.block(block, (), ())
    except _Elsewhere:
        return False
    return True


def _is_zero(s: n.Assign) -> bool:
    return isinstance(s.value, n.Const) and s.value.value == 0


@dataclass(frozen=True)
class _Step:
    """counts: whether a store to an item is one that is looked for. way: 1 where it has to be in
    front of the uses of the item, -1 behind them."""

    name: str
    whole: Test
    counts: Stores
    way: int

    def block(self, block: n.Block, rounds: tuple[Round, ...], stored: Stored) -> Stored:
        """Return the parts that are stored once a block has run. stored: those that were before."""
        for s in block[:: self.way]:
            stored = self.statement(s, rounds, stored)
        return stored

    def statement(self, s: n.Stmt, rounds: tuple[Round, ...], stored: Stored) -> Stored:
        if isinstance(s, (n.If, n.For, n.While)):
            if self.way < 0 and leaves(s):
                raise _Elsewhere
            return self.compound(s, rounds, stored)
        if any(blocks(s)):
            raise _Elsewhere
        whole = self.here(rounds)
        targets = s.targets if isinstance(s, n.Assign) else ()
        parts = [e for e in stmt_exprs(s) if e not in targets]
        new: list[Path] = []
        for target in targets:
            if not isinstance(target, n.Subscript):
                parts.append(target)
                continue
            owner, path, indices = item_of(target, whole)
            parts += indices
            if owner != n.Name(self.name):
                parts.append(owner)
            elif isinstance(s, n.Assign) and self.counts(s) and self.is_known(target, path):
                new.append(() if path == (None,) else path)
            elif self.way < 0:
                self.check(path, rounds, stored)
        before = stored if self.way > 0 else (*stored, *new)
        for e in parts:
            for name, path in uses_of(e, whole):
                if name == self.name:
                    self.check(path, rounds, before)
        return (*stored, *new)

    def is_known(self, target: n.Subscript, path: Path) -> bool:
        """True when it is known which items a store is to: one, a row of items, or all of them."""
        if target.index == n.Slice(None, None, None):
            return target.value == n.Name(self.name)
        size = len(target.index.items) if isinstance(target.index, n.TupleExpr) else 1
        plain = target.value == n.Name(self.name)
        return plain and len(path) == size and all(isinstance(x, Form) for x in path)

    def compound(
        self, s: n.If | n.For | n.While, rounds: tuple[Round, ...], stored: Stored
    ) -> Stored:
        for e in self.tests(s):
            for name, path in uses_of(e, self.here(rounds)):
                if name == self.name:
                    self.check(path, rounds, stored)
        if isinstance(s, n.If):
            ways = [self.block(b.body, rounds, stored) for b in s.branches]
            ways.append(self.block(s.orelse, rounds, stored))
            return tuple(x for x in ways[0] if all(x in way for way in ways))
        if s.orelse:
            raise _Elsewhere
        own = round_of(s, self.here(rounds))
        inside = self.block(s.body, (*rounds, own), stored)
        if not _counts_by_one(s) or own.low is None or own.high is None:
            return stored
        if any(leaves(x) for x in s.body):
            return stored
        found = (self.by_all(path, own) for path in inside if path not in stored)
        return (*stored, *(path for path in found if path is not None))

    def tests(self, s: n.If | n.For | n.While) -> Iterator[n.Expr]:
        if isinstance(s, n.For):
            yield from (s.iter, s.target)
        else:
            yield from stmt_exprs(s)

    def by_all(self, path: Path, own: Round) -> Path | None:
        """Return the part of an array that all steps of a loop store together."""
        here = Form(((own.counter, 1),))
        found: list[Form | Span | None] = []
        for part in path:
            if part == here and own.low is not None and own.high is not None:
                found.append(Span(own.low, own.high))
            elif part is None or own.counter in _unknowns(part):
                return None
            else:
                found.append(part)
        return tuple(found)

    def here(self, rounds: tuple[Round, ...]) -> Test:
        counters = {r.counter for r in rounds}
        return lambda x: x in counters or self.whole(x)

    def check(self, path: Path, rounds: tuple[Round, ...], stored: Stored) -> None:
        """Raise where an item may not be among those that are stored."""
        known = [x for r in rounds if r.counter for x in r.bounds()]
        if not any(_within(path, part, known) for part in stored):
            raise _Elsewhere


def _unknowns(part: Form | Span) -> frozenset[str]:
    forms = (part.low, part.high) if isinstance(part, Span) else (part,)
    return frozenset[str]().union(*(x.unknowns() for x in forms if x is not None))


def _within(path: Path, part: Path, known: list[Form]) -> bool:
    """True when items are certainly within a part of an array. A span has its last item in it."""
    if len(path) < len(part):
        return False
    for at, where in zip(path, part):
        if not isinstance(at, Form):
            return False
        low, high = (where.low, where.high) if isinstance(where, Span) else (where, where)
        if low is None or high is None:
            return False
        below, above = low.plus(at, -1).plus(MINUS), at.plus(high, -1).plus(MINUS)
        if possible([*known, below]) or possible([*known, above]):
            return False
    return True


def _counts_by_one(s: n.For | n.While) -> bool:
    """True for a loop over a whole `range`, each number of it once."""
    e = s.iter if isinstance(s, n.For) else None
    if isinstance(e, n.Call) and e.func == n.Name("reversed") and len(e.args) == 1:
        e = e.args[0]
    if not isinstance(e, n.Call) or e.func != n.Name("range") or e.keywords:
        return False
    step = e.args[2] if len(e.args) == 3 else None
    return len(e.args) in (1, 2) or step in (n.Const("1", 1), n.Unary("-", n.Const("1", 1)))
