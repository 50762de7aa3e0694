"""Stores that overwrite nothing the reverse sweep reads again: they need not be taken back.

Takes both sweeps of a function, gives the uids of such stores; requires `ir`, `analysis`.

    for i in range(1, n):
        d[i] = d[i] - w * u[i - 1]      # backward, a step reads d[i - 1] only: a store of the step
                                        # before, which no later one overwrites

A store is one of these if nothing that the reverse sweep may read, and that the primal reads at the
latest when the store is made, is the place that is stored into. Places differ by constants, or by
the index of a loop that runs in one direction; a variable that is bound anew is another object.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.walk import assigned, blocks, children, names, stmt_exprs, walk_stmts
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.context import Context
from s2s_ad.transform.reading import flat
from s2s_ad.transform.undoing import Item
from s2s_ad.transform.versions import AT_THE_END

LATEST = 10**9
MANY = 20_000  # pairs of stores and reads that are compared


@dataclass(frozen=True)
class _Where:
    """Where in the primal a statement stands: its number in the text, the blocks around it from
    the outside in, each with the place of the statement in it and the loop whose body it is."""

    number: int
    path: tuple[tuple[n.Block, int, n.Stmt | None], ...]


@dataclass(frozen=True)
class _Read:
    """A read of a variable. index: of the item, None if it is all of them that are read."""

    where: _Where
    index: n.Expr | None


def never_read_again(
    context: Context, primal: n.Block, reverse: n.Block, items: Mapping[int, Item]
) -> frozenset[int]:
    """Return the stores, by uid, of which nothing needs to be kept.

    primal: as the forward sweep has it. items: the places that stores overwrite.
    """
    if not items:
        return frozenset()
    run = _Run(context, primal, reverse, items)
    every = sorted({item.name for item in items.values()})
    return frozenset(uid for name in every for uid in run.harmless(name))


class _Run:
    def __init__(
        self, context: Context, primal: n.Block, reverse: n.Block, items: Mapping[int, Item]
    ) -> None:
        self.context = context
        self.primal = primal
        self.reverse = reverse
        self.items = items
        self.where = {s.uid: where for s, where in _places(primal)}

    def harmless(self, name: str) -> Iterator[int]:
        reads = self.reads(name)
        if reads is None or len(reads) * len(self.items) > MANY:
            return
        for uid, item in self.items.items():
            if item.name != name:
                continue
            if not isinstance(item.place, n.Subscript) or item.place.value != n.Name(name):
                continue
            store = _Read(self.where[uid], item.place.index)
            if not any(self.conflict(name, store, read) for read in reads):
                yield uid

    def reads(self, name: str) -> list[_Read] | None:
        """Return all reads of a variable that the reverse sweep may make, None if the variable is
        used for more than items that are read and stored, calls, being returned, and a second name
        for what never comes back to it."""
        found: list[_Read] = []
        anew = self.is_made_anew(name)
        for s in walk_stmts(self.primal):
            if isinstance(s, (n.Try, n.With, n.Delete, n.FunctionDef, n.Global)):
                return None
            if isinstance(s, (n.Append, n.Pop)) and name in {s.stack, *_mentioned(s)}:
                return None
            where = self.where[s.uid]
            for e in stmt_exprs(flat(s)):
                for index, alone in _uses(e, name, True):
                    binds = isinstance(s, n.Assign) and any(e is t for t in s.targets)
                    second = anew and isinstance(s, n.Assign) and sole_target(s) is not None
                    harmless = binds or second or isinstance(s, (n.Return, n.For))
                    if index is None and alone and not harmless:
                        return None
                    if isinstance(s, n.Assign) and not binds and isinstance(s.targets[0], n.Name):
                        # the statement may be made again in the reverse sweep
                        found.append(_Read(where, index))
            if isinstance(s, (n.Assign, n.AugAssign)):
                targets = s.targets if isinstance(s, n.Assign) else (s.target,)
                for t in targets:
                    if isinstance(t, n.Subscript):
                        found += [_Read(where, i) for i, _ in _uses(t.index, name, False)]
        first = _Where(-1, ())
        last = _Where(LATEST, ())
        for s in walk_stmts(self.reverse):
            of = s.of if s.of is not None else -1
            where = last if of == AT_THE_END else self.where.get(of, first)
            for e in stmt_exprs(flat(s)):
                found += [_Read(where, index) for index, _ in _uses(e, name, False)]
        return found

    def is_made_anew(self, name: str) -> bool:
        """True for a variable that only gets containers that are made where it gets them.

        Stores are followed as long as no other name shares what it holds: one that comes to share
        it reads what all of them left, and none of them is made when it comes back.
        """
        bindings = [s for s in walk_stmts(self.primal) if name in assigned((s,))]
        values = [s.value for s in bindings if isinstance(s, n.Assign) and sole_target(s) == name]
        plain = [s for s in bindings if not isinstance(s, (n.If, n.For, n.While))]
        made = (n.ListExpr, n.Comprehension, n.Binary)
        return len(values) == len(plain) and all(
            isinstance(e, made) or (isinstance(e, n.Call) and self.context.newness(e) != SHARES)
            for e in values
        )

    def conflict(self, name: str, store: _Read, read: _Read) -> bool:
        """True unless, whenever the store is made after the read, the places are not the same."""
        if _differ(store.index, read.index):
            return False
        common = 0
        for (a, _, _), (b, _, _) in zip(store.where.path, read.where.path):
            if a is not b:
                break
            common += 1
        # the innermost block around both in which the variable is bound before both
        start = 0
        for k in range(common):
            block, at, _ = store.where.path[k]
            before = min(at, read.where.path[k][1])
            if any(_binds(s, name) for s in block[:before]):
                start = k + 1
        loops = [x[2] for x in store.where.path[start:common] if isinstance(x[2], (n.For, n.While))]
        if not loops:
            if read.where.number > store.where.number:
                return False
            # bound between the two: another object
            return not any(
                _binds(s, name) and self.where[s.uid].number > read.where.number
                for block, at, _ in store.where.path[max(0, common - 1) :]
                for s in block[:at]
            )
        outermost = loops[0]
        counts = counting(self.context, outermost) if isinstance(outermost, n.For) else None
        if counts is None or read.index is None or store.index is None:
            return True
        counter, up, least = counts
        if counter in assigned(outermost.body):
            return True
        ours, theirs = _offset(store.index, counter), _offset(read.index, counter)
        if ours is None or theirs is None or least + min(ours, theirs) < 0:
            return True
        distance = theirs - ours if up else ours - theirs
        if distance:
            return distance > 0
        return len(loops) > 1 or read.where.number <= store.where.number


def _places(block: n.Block) -> Iterator[tuple[n.Stmt, _Where]]:
    """Yield each statement with where it stands."""
    count = 0

    def visit(
        block: n.Block, path: tuple[tuple[n.Block, int, n.Stmt | None], ...], owner: n.Stmt | None
    ) -> Iterator[tuple[n.Stmt, _Where]]:
        nonlocal count
        for k, s in enumerate(block):
            here = (*path, (block, k, owner))
            loop = s if isinstance(s, (n.For, n.While)) else None
            # what a loop reads at its head, it may read at each step
            yield s, _Where(count, here if loop is None else (*here, (loop.body, 0, loop)))
            count += 1
            for inner in blocks(s):
                yield from visit(inner, here, loop)

    yield from visit(block, (), None)


def _uses(e: n.Expr, name: str, bare: bool) -> Iterator[tuple[n.Expr | None, bool]]:
    """Yield the index of each item of a variable that an expression reads, None for all of it,
    and whether that stands by itself, not as an argument of a call or an operand."""
    if e == n.Name(name):
        yield None, bare
        return
    if _measures(e, name):
        return
    if isinstance(e, n.Lambda) and name in names(e):
        yield None, True  # it reads what is there when it is called
        return
    if isinstance(e, n.Subscript) and e.value == n.Name(name):
        yield e.index, False
        yield from _uses(e.index, name, False)
        return
    consumed = isinstance(e, (n.Call, n.Binary, n.Unary, n.Subscript, n.Comprehension))
    for x in children(e):
        yield from _uses(x, name, not consumed)


def _measures(e: n.Expr, name: str) -> bool:
    """True for `len(x)`, `x.shape` and zeros of the form of x, which read none of its items."""
    if isinstance(e, n.Attribute):
        return e.value == n.Name(name) and e.attr in ("shape", "size", "ndim")
    if not isinstance(e, n.Call) or e.args != (n.Name(name),) or e.keywords:
        return False
    called = e.func.attr if isinstance(e.func, n.Attribute) else getattr(e.func, "id", "")
    return called in ("len", "zeros_like")


def _mentioned(s: n.Stmt) -> set[str]:
    return {x for e in stmt_exprs(flat(s)) for x in names(e)}


def _binds(s: n.Stmt, name: str) -> bool:
    return isinstance(s, n.Assign) and n.Name(name) in s.targets


def _differ(a: n.Expr | None, b: n.Expr | None) -> bool:
    """True for indices that never are the same place: constants, or tuples with such a part."""
    if isinstance(a, n.TupleExpr) and isinstance(b, n.TupleExpr):
        for x, y in zip(a.items, b.items):
            if _differ(x, y):
                return True
            if not all(
                isinstance(part, n.Slice) or constant_int(part) is not None for part in (x, y)
            ):
                return False  # it may be for several axes, or for none
        return False
    if isinstance(a, n.Const) and isinstance(b, n.Const) and isinstance(a.value, str):
        return isinstance(b.value, str) and a.value != b.value
    first, second = constant_int(a), constant_int(b)
    if first is None or second is None or first == second:
        return False
    return (first < 0) == (second < 0)


def counting(context: Context, s: n.For) -> tuple[str, bool, int] | None:
    """Return the variable that a loop counts in, whether upwards, and its least value."""
    if not isinstance(s.iter, n.Call) or s.iter.keywords or s.orelse:
        return None
    found = context.facts.object_of(s.iter.func, s.uid)
    args, target = s.iter.args, s.target
    if found is None:
        return None
    if found[0] is enumerate and len(args) == 1 and isinstance(target, n.TupleExpr):
        counter = target.items[0]
        return (counter.id, True, 0) if isinstance(counter, n.Name) else None
    if found[0] is not builtins.range or not isinstance(target, n.Name):
        return None
    step = constant_int(args[2]) if len(args) == 3 else 1
    if not step:
        return None
    first = constant_int(args[0]) if len(args) > 1 else 0
    if step > 0:
        return None if first is None else (target.id, True, first)
    last = constant_int(args[1])
    return None if last is None else (target.id, False, last + 1)


def _offset(e: n.Expr, counter: str) -> int | None:
    """Return 2 of `i + 2`, -1 of `i - 1`, 0 of `i`; None for anything else."""
    if e == n.Name(counter):
        return 0
    if not isinstance(e, n.Binary) or e.op not in ("+", "-"):
        return None
    left, right = e.left, constant_int(e.right)
    if e.op == "+" and e.right == n.Name(counter):
        left, right = e.right, constant_int(e.left)
    if left != n.Name(counter) or right is None:
        return None
    return right if e.op == "+" else -right
