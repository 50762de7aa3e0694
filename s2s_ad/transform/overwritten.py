"""Stores that overwrite nothing the reverse sweep reads again: they need not be taken back.

Takes both sweeps of a function, gives the uids of such stores; requires `ir`, `analysis`.

    for i in range(1, n):
        d[i] = d[i] - w * u[i - 1]      # backward, a step reads d[i - 1] only: a store of the step
                                        # before, which no later one overwrites

A store is one of these if nothing that the reverse sweep may read, and that the primal reads at the
latest when the store is made, is the place that is stored into. Places differ by constants, or by
indices that no two steps of the loops around them can make equal (`analysis.later`); a variable
that is bound anew is another object.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.analysis.indexing import never_same
from s2s_ad.analysis.later import Spot, Where, bound_since, may_follow, places, shared_levels
from s2s_ad.analysis.touching import Round, Test, item_of, items_alone, measures, round_of
from s2s_ad.analysis.whole_numbers import Cases, Form, all_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, said_by, sole_target
from s2s_ad.ir.kinds import Array, Length, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    bound_here,
    bound_names,
    children,
    names,
    stmt_exprs,
    subexprs,
    target_names,
    walk_stmts,
)
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.context import Context
from s2s_ad.transform.reading import flat
from s2s_ad.transform.undoing import Item
from s2s_ad.transform.versions import AT_THE_END

LATEST = 10**9
BEHIND = 0.5  # of a statement, and in front of the next one
_RANGE = n.Name("range")
MANY = 20_000  # pairs of stores and reads that are compared


class ResultLost(Exception):
    """What stores have stored is not there any more when their reverse reads it."""

    def __init__(self, *uids: int) -> None:
        super().__init__(*uids)
        self.uids = frozenset(uids)


@dataclass(frozen=True)
class _Read:
    """A read of a variable. place: the item, None if it is all of them that are read. before:
    whether it is made before the statement there binds anything. back: the store, by its uid, of
    whose reverse it is, if that has put back just this place: what others store there is nothing
    to it."""

    where: Where
    place: n.Expr | None
    before: bool = False
    back: int | None = None


def never_read_again(
    context: Context,
    primal: n.Block,
    reverse: n.Block,
    items: Mapping[int, Item],
    results: Mapping[int, n.Expr],
    again: frozenset[str] | None = None,
) -> frozenset[int]:
    """Return the stores, by uid, of which nothing needs to be kept.

    primal: as the forward sweep has it. items: the places that stores overwrite. results: places of
    which the reverse of a store, by its uid, reads what has been stored there. again: the variables
    that the reverse sweep makes again, if that is known: others may read what they are made of.
    """
    if not items:
        return frozenset()
    run = _Run(context, primal, reverse, items, results)
    run.again = again
    every = sorted({item.name for item in items.values()})
    return frozenset(uid for name in every for uid in run.harmless(name))


class Integers:
    """The integers of the primal that are bound once: they are the same wherever they are read."""

    def __init__(self, context: Context, primal: n.Block) -> None:
        self.kinds = context.facts.kinds()
        self.bound = Counter(x for s in walk_stmts(primal) for x in bound_here(s))
        loops = [s for s in walk_stmts(primal) if isinstance(s, (n.For, n.While))]
        self.carried = set[str]().union(*(bound_names((s,)) for s in loops))
        self.params = {p.name for p in context.function.params}

    def known(self, name: str) -> bool:
        """True for such an integer, and for the length of an array that is bound once."""
        array = name.removeprefix("len(").removesuffix(")")
        kind = self.kinds.get(array)
        whole = isinstance(kind, Number) and kind.type == "int"
        if not (whole if array == name else isinstance(kind, Array)) or array in self.carried:
            return False
        return self.bound[array] + (array in self.params) <= 1

    def natural(self) -> Cases:
        """Return what says that those that are lengths are not below 0."""
        lengths = {x: kind.dim for x, kind in self.kinds.items() if isinstance(kind, Length)}
        least = {x for x, dim in lengths.items() if dim.offset >= 0 or dim.least > 0}
        return (tuple(Form(((x, 1),)) for x in sorted(least) if self.known(x)),)

    def beside(self, counters: AbstractSet[str]) -> Test:
        """Return a test for these, and for the variables that loops count in."""
        return lambda name: name in counters or self.known(name)


class _Run:
    def __init__(
        self,
        context: Context,
        primal: n.Block,
        reverse: n.Block,
        items: Mapping[int, Item],
        results: Mapping[int, n.Expr],
    ) -> None:
        self.results = results
        self.again: frozenset[str] | None = None
        self.context = context
        self.primal = primal
        self.reverse = reverse
        self.items = items
        self.where = {s.uid: where for s, where in places(primal)}
        self.integers = Integers(context, primal)
        self.rounds: dict[int, Round] = {}
        self.known: dict[float, Cases] = {}

    def harmless(self, name: str) -> Iterator[int]:
        reads = self.reads(name)
        if reads is None or len(reads) * len(self.items) > MANY:
            return
        for uid, item in self.items.items():
            if item.name != name:
                continue
            if not isinstance(item.place, n.Subscript) or _owner(item.place) != n.Name(name):
                continue
            store = _Read(self.where[uid], item.place)
            since = self.stored_before(store.where, item.place)
            if not any(
                self.conflict(name, store, read)
                for read in reads
                if read.back in (None, uid)
                and (
                    since < 0
                    or since < read.where.number <= store.where.number
                    or read.where.number < 0
                )
            ):
                yield uid

    def stored_before(self, where: Where, place: n.Subscript) -> float:
        """Return the number of the statement that made what a store overwrites, each time: no read
        in front of it, nor in another step, has seen that. Below 0 where there is none."""
        everywhere = -float("inf")
        block, at, _ = where.levels[-1]
        index = names(place) - {e.id for e in (_owner(place),) if isinstance(e, n.Name)}
        if any(isinstance(x, (n.Call, n.NamedExpr)) for x in subexprs(place)):
            return everywhere
        for s in reversed(block[:at]):
            targets = s.targets if isinstance(s, n.Assign) else ()
            if place in (s.target if isinstance(s, n.AugAssign) else None, *targets[:1]):
                return self.where[s.uid].number
            if changed_by(s) & index or names(place) & assigned((s,)):
                return everywhere
        return everywhere

    def reads(self, name: str) -> list[_Read] | None:
        """Return all reads of a variable that the reverse sweep may make, None if the variable is
        used for more than items that are read and stored, calls, being returned, and a second name
        for what never comes back to it."""
        found: list[_Read] = []
        anew = self.is_made_anew(name)
        again = self.wanted_again()
        for s in walk_stmts(self.primal):
            if isinstance(s, (n.Try, n.With, n.Delete, n.FunctionDef, n.Global)):
                return None
            if isinstance(s, (n.Append, n.Pop)) and name in {s.stack, *_mentioned(s)}:
                return None
            where = self.where[s.uid]
            for e in stmt_exprs(flat(s)):
                for place, alone in uses(e, name, True):
                    binds = isinstance(s, n.Assign) and any(e is t for t in s.targets)
                    second = anew and isinstance(s, n.Assign) and sole_target(s) is not None
                    harmless = binds or second or isinstance(s, (n.Return, n.For))
                    if place is None and alone and not harmless:
                        return None
                    target = s.targets[0] if isinstance(s, n.Assign) else None
                    if not binds and isinstance(target, n.Name) and target.id in again:
                        # the statement may be made again in the reverse sweep
                        found.append(_Read(where, place, True))
            if isinstance(s, (n.Assign, n.AugAssign)):
                targets = s.targets if isinstance(s, n.Assign) else (s.target,)
                for t in targets:
                    if isinstance(t, n.Subscript):
                        inside = [t.index, *(() if _owner(t) == n.Name(name) else (t.value,))]
                        found += [_Read(where, i) for e in inside for i, _ in uses(e, name, False)]
        first = Where(-1, ())
        last = Where(LATEST, ())
        for s in walk_stmts(self.reverse):
            of = s.of if s.of is not None else -1
            where = last if of == AT_THE_END else self.where.get(of, first)
            result = self.results.get(of)
            behind = replace(where, number=where.number + BEHIND)
            for e in stmt_exprs(flat(s)):
                for place, _ in uses(e, name, False):
                    stored = result is not None and place == result
                    item = self.items.get(of)
                    own = item is not None and item.own and place == item.place
                    back = of if own and not stored else None
                    found.append(_Read(behind if stored else where, place, back=back))
        return found

    def wanted_again(self) -> frozenset[str]:
        """Return the variables that the reverse sweep may read, or make others from that it reads:
        those whose definitions it may run again."""
        if self.again is None:
            wanted = {x for s in walk_stmts(self.reverse) for x in said_by(flat(s))}
            wanted |= {x for item in self.items.values() for x in item.index}
            made = [s for s in walk_stmts(self.primal) if isinstance(s, n.Assign)]
            size = -1
            while size < len(wanted):
                size = len(wanted)
                for s in made:
                    if not wanted.isdisjoint(assigned((s,))):
                        wanted |= names(s.value)
            self.again = frozenset(wanted)
        return self.again

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
            isinstance(e, made) or (isinstance(e, n.Call) and self.context.newness(e) > SHARES)
            for e in values
        )

    def conflict(self, name: str, store: _Read, read: _Read) -> bool:
        """True unless, whenever the store is made after the read, the places are not the same."""
        if never_same(_first_index(store.place), _first_index(read.place)):
            return False

        def binds(s: n.Stmt) -> bool:
            return isinstance(s, n.Assign) and n.Name(name) in s.targets

        start = bound_since(store.where, read.where, binds)
        common = shared_levels(store.where, read.where)
        if not any(owner is not None for _, _, owner in store.where.levels[start:common]):
            if read.where.number > store.where.number:
                return False
            # bound between the two: another object
            if any(
                binds(s) and self.where[s.uid].number > read.where.number - read.before
                for block, at, _ in store.where.levels[max(0, common - 1) :]
                for s in block[:at]
            ):
                return False
        return may_follow(self.spot(read), self.spot(store), self.round, start, True)

    def spot(self, read: _Read) -> Spot:
        """Return where in its variable an item is, and what holds there."""
        whole = self.integers.beside({self.round(loop).counter for loop in read.where.loops()})
        known = self.known.get(read.where.number)
        if known is None:
            known = all_of((read.where.known(whole, self.round), self.integers.natural()))
            self.known[read.where.number] = known
        if not isinstance(read.place, n.Subscript):
            return Spot(read.where, (), known)
        owner, path, _ = item_of(read.place, whole)
        array = isinstance(owner, n.Name) and isinstance(self.integers.kinds.get(owner.id), Array)
        return Spot(read.where, path if array else items_alone(path), known)

    def round(self, loop: n.Stmt) -> Round:
        """Return what is known of a loop of the primal."""
        if loop.uid not in self.rounds:
            outer = [x for x in self.where[loop.uid].loops() if x is not loop]
            counters = {self.round(x).counter for x in outer}
            made = _counting(self.context, loop)
            self.rounds[loop.uid] = round_of(made, self.integers.beside(counters))
        return self.rounds[loop.uid]


def _owner(place: n.Subscript) -> n.Expr:
    return item_of(place, lambda _: True)[0]


def _first_index(place: n.Expr | None) -> n.Expr | None:
    """Return the index of an item of a variable that an item of that, or of it, is in."""
    if not isinstance(place, n.Subscript):
        return None
    return _first_index(place.value) or place.index


def uses(e: n.Expr, name: str, bare: bool) -> Iterator[tuple[n.Expr | None, bool]]:
    """Yield each item of a variable that an expression reads, None for all of it, and whether that
    stands by itself, not as an argument of a call or an operand."""
    if e == n.Name(name):
        yield None, bare
        return
    if measures(e) and name in names(e):
        return
    if isinstance(e, n.Lambda) and name in names(e):
        yield None, True  # it reads what is there when it is called
        return
    if isinstance(e, n.Subscript) and _owner(e) == n.Name(name):
        yield e, False
        for index in item_of(e, lambda _: True)[2]:
            yield from uses(index, name, False)
        return
    consumed = isinstance(e, (n.Call, n.Binary, n.Unary, n.Subscript, n.Comprehension))
    for x in children(e):
        yield from uses(x, name, not consumed)


def _mentioned(s: n.Stmt) -> frozenset[str]:
    return said_by(flat(s))


def _counting(context: Context, s: n.Stmt) -> n.Stmt:
    """Return a loop over a range, or over what is enumerated, as one over a range by its name."""
    if not isinstance(s, n.For) or not isinstance(s.iter, n.Call) or s.iter.keywords or s.orelse:
        return replace(s, target=n.TupleExpr(())) if isinstance(s, n.For) else s
    e, target = s.iter, s.target

    def called(e: n.Call) -> object:
        found = context.facts.object_of(e.func, s.uid)
        return found[0] if found else None

    inner = e.args[0] if len(e.args) == 1 else None
    if called(e) is enumerate and inner is not None and isinstance(target, n.TupleExpr):
        counter = target.items[0]
        others = {x for t in target.items[1:] for x in target_names(t)}
        if isinstance(counter, n.Name) and counter.id not in others:
            return replace(s, target=counter, iter=n.Call(_RANGE, (n.Name("?"),)))
    if called(e) is builtins.range:
        return replace(s, iter=replace(e, func=_RANGE))
    if called(e) is reversed and isinstance(inner, n.Call) and called(inner) is builtins.range:
        backwards = n.Call(n.Name("reversed"), (replace(inner, func=_RANGE),))
        return replace(s, iter=backwards)
    return replace(s, target=n.TupleExpr(()))
