"""Items of adjoints: what nobody reads again is not cleared, what is added first is stored.

Takes a reverse sweep in which adjoints are values, gives it so; requires `ir`, `analysis.later`.

    y_bar = np.zeros_like(y)                    y_bar = np.zeros_like(y)
    for i in reversed(range(n)):                for i in reversed(range(n)):
        y_bar[i] += z_bar * z[i]         →          y_bar[i] = z_bar * z[i]
    for i in reversed(range(n)):                for i in reversed(range(n)):
        item_bar = y_bar[i]                         item_bar = y_bar[i]
        y_bar[i] = 0.0                              x_bar[i] = 2.0 * x[i] * item_bar
        x_bar[i] += 2.0 * x[i] * item_bar

That no other step meets the item is proved from the indices. An item must be a number: a part that
is a container may have another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.analysis.handed_on import Known, is_handed_on
from s2s_ad.analysis.later import Spot, Where, bound_since, may_follow, places
from s2s_ad.analysis.touching import Round, item_of, round_of
from s2s_ad.analysis.whole_numbers import all_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by, sole_target
from s2s_ad.ir.kinds import FLOAT, UNKNOWN, Array, Kind, ListOf, Number, TupleOf
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import each_of, map_block, names, stmt_exprs, walk_stmts
from s2s_ad.rules.sharing import WHOLLY_NEW
from s2s_ad.transform.context import Context
from s2s_ad.transform.overwritten import Integers, uses
from s2s_ad.transform.reading import flat, stored_into

MANY = 5_000  # pairs of uses that are compared


@dataclass(frozen=True)
class _Use:
    """A use of an item by a statement. place: the item, None for all of them."""

    s: n.Stmt
    where: Where
    place: n.Expr | None


@dataclass(frozen=True)
class Sweep:
    """What is known of a reverse sweep. primal: what it reverses. bars: adjoint variables. outputs:
    those that are read behind it. newness: how much of what a call gives is new. negate: an
    expression with the other sign."""

    context: Context
    primal: n.Block
    bars: tuple[str, ...]
    outputs: AbstractSet[str]
    kind: Callable[[str], Kind]
    newness: Callable[[n.Call], int]
    negate: Callable[[n.Expr], n.Expr]

    def zeros(self, e: n.Expr) -> bool:
        """True for a new container of zeros."""
        if isinstance(e, n.Comprehension):
            return self.zeros(e.element)
        if isinstance(e, n.Binary):
            return e.op == "*" and e.left == n.ListExpr((ZERO,))
        context = self.context
        made = (context.np("zeros_like"), context.helper("zeros_like"))
        return isinstance(e, n.Call) and e.func in made

    def new(self, e: n.Expr) -> bool:
        """True for what nothing else holds."""
        if isinstance(e, (n.Binary, n.Unary)):
            return True
        return isinstance(e, n.Call) and self.newness(e) == WHOLLY_NEW


def settled(sweep: Sweep, backward: n.Block) -> n.Block:
    """Return the reverse sweep so."""
    every = list(walk_stmts(backward))
    if any(isinstance(s, (n.Try, n.With, n.Delete, n.FunctionDef, n.Global)) for s in every):
        return backward
    if any(sweep.context.alias(x) != x for x in ("range", "reversed", "len")):
        return backward
    stored = {x for s in every for x in _changed_items(s)}
    if stored.isdisjoint(sweep.bars):
        return backward
    run = _Settled(sweep, backward)
    idle: set[int] = set()
    first: set[int] = set()
    for bar in sweep.bars:
        if bar in stored and (found := run.uses_of(bar)) is not None:
            if bar not in sweep.outputs and run.made_here(bar, frozenset()):
                idle |= set(run.idle(bar, found))
            first |= set(run.first(bar, found))

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid in idle:
            return ()
        if s.uid in first and isinstance(s, n.AugAssign):
            value = sweep.negate(s.value) if s.op == "-" else s.value
            store = n.Assign((s.target,), value, uid=s.uid, of=s.of, origin=s.origin)
            return (replace(store, comments=s.comments),)
        return (s,)

    return map_block(backward, visit) if idle or first else backward


def _changed_items(s: n.Stmt) -> Iterator[str]:
    """Yield the variables of which a statement changes an item."""
    target = s.target if isinstance(s, n.AugAssign) else None
    if isinstance(s, n.Assign) and len(s.targets) == 1 and s.value == ZERO:
        target = s.targets[0]
    owner = item_of(target, lambda _: True)[0] if isinstance(target, n.Subscript) else None
    if isinstance(owner, n.Name):
        yield owner.id


class _Settled:
    def __init__(self, sweep: Sweep, backward: n.Block) -> None:
        self.where = list(places(backward))
        self.sweep = sweep
        self.integers = integers = Integers(sweep.context, sweep.primal)
        self.rounds: dict[int, Round] = {}
        for s, where in self.where:
            if isinstance(s, (n.For, n.While)):
                outer = {self.rounds[x.uid].counter for x in where.loops() if x is not s}
                whole = integers.beside(outer)
                self.rounds[s.uid] = round_of(s, whole)

    def uses_of(self, bar: str) -> list[_Use] | None:
        """Return the uses of a variable, None if parts of it have other names."""
        found: list[_Use] = []
        for s, where in self.where:
            if isinstance(s, (n.Append, n.Pop)) and bar == s.stack:
                return None
            for e in stmt_exprs(flat(s)):
                for place, _ in uses(e, bar, True):
                    alone = place == e and not (isinstance(s, n.Assign) and e in s.targets)
                    if alone and not isinstance(s, n.AugAssign) and not self.is_number(bar, place):
                        return None
                    if isinstance(s, n.For) and place is not None:
                        return None
                    found.append(_Use(s, where, place))
        return found

    def is_number(self, bar: str, place: n.Expr | None) -> bool:
        """True for an item that certainly is a number, and for the whole, which is no part."""
        if not isinstance(place, n.Subscript):
            return True
        counters = self.integers.beside({r.counter for r in self.rounds.values()})
        kind: Kind = self.sweep.kind(bar)
        for index in item_of(place, counters)[2]:
            parts = each_of(index)
            if isinstance(kind, Array):
                whole = kind.dims is not None and len(parts) == len(kind.dims)
                if not whole or not all(map(self.is_integer, parts)):
                    return False
                kind = Number()
            elif isinstance(kind, ListOf) or (isinstance(kind, TupleOf) and kind.items):
                kind = kind.item if isinstance(kind, ListOf) else kind.items[0]
                if len(parts) > 1 or not self.is_integer(index):
                    return False
            else:
                return False
        return isinstance(kind, Number)

    def is_integer(self, e: n.Expr) -> bool:
        every = {r.counter for r in self.rounds.values()}
        whole = all(x in every or self.integers.known(x) for x in names(e))
        return whole and isinstance(e, (n.Name, n.Const, n.Binary, n.Unary))

    def spot(self, use: _Use) -> Spot:
        whole = self.integers.beside({self.rounds[x.uid].counter for x in use.where.loops()})
        path = item_of(use.place, whole)[1] if isinstance(use.place, n.Subscript) else ()
        known = use.where.known(whole, lambda loop: self.rounds[loop.uid])
        return Spot(use.where, path, all_of((known, self.integers.natural())))

    def follows(self, bar: str, first: _Use, then: _Use) -> bool:
        """True unless one use never comes after another one of the same item."""
        start = bound_since(first.where, then.where, lambda s: sole_target(s) == bar)
        around = self.round
        return may_follow(self.spot(first), self.spot(then), around, start, again=False)

    def round(self, loop: n.Stmt) -> Round:
        return self.rounds[loop.uid]

    def idle(self, bar: str, found: list[_Use]) -> Iterator[int]:
        """Yield the statements, by uid, that clear an item which is not used again."""
        for use in found:
            s = use.s
            if not _clears(use) or len(found) > MANY:
                continue
            if not self.is_number(bar, use.place) and not self.keeps_to_itself(use, bar):
                continue
            observed = (x for x in found if not _clears(x) and not _binds_anew(x, bar))
            if not any(self.follows(bar, use, other) for other in observed):
                yield s.uid

    def keeps_to_itself(self, use: _Use, bar: str) -> bool:
        """True for an array of which no other name holds a part when an item of it is cleared, but
        for names that have been read by then, in the same block."""
        if not isinstance(self.sweep.kind(bar), Array):
            return False

        def kind(e: n.Expr, s: n.Stmt) -> Kind:
            if isinstance(e, n.Name):
                return self.sweep.kind(e.id)
            owned = isinstance(e, n.Subscript) and item_of(e, lambda _: True)[0] == n.Name(bar)
            return FLOAT if owned and self.is_number(bar, e) else UNKNOWN

        known = Known(self.sweep.newness, kind)
        block, at, _ = use.where.levels[-1]

        def is_over(name: str | None) -> bool:
            if name is None or name in self.sweep.bars:
                return False
            mentions = [(s, where) for s, where in self.where if name in said_by(flat(s))]
            ahead = all(
                any(b is block and k < at for b, k, _ in where.levels) for _, where in mentions
            )
            bound = [s for s, _ in mentions if name in _bound(s) or name in stored_into(s)]
            return (
                ahead
                and len(bound) == 1
                and not is_handed_on(name, (s for s, _ in mentions), known)
            )

        others = (s for s, _ in self.where if not is_over(sole_target(s)))
        return not is_handed_on(bar, others, known)

    def made_here(self, bar: str, above: frozenset[str]) -> bool:
        """True for a variable that holds what this sweep made, and is no part of something else."""
        uses_of = [k for k, (s, _) in enumerate(self.where) if bar in said_by(s)]
        bound = [k for k in uses_of if bar in _bound(self.where[k][0])]
        if not bound or bound[0] > uses_of[0] or bar in above:
            return False
        for k in bound:
            s = self.where[k][0]
            if isinstance(s, n.AugAssign) and isinstance(self.sweep.kind(bar), Array):
                continue  # what it had, or a new one
            value = s.value if isinstance(s, n.Assign) and sole_target(s) == bar else None
            if isinstance(value, n.Name) and value.id != bar:
                if not self.made_here(value.id, above | {bar}):
                    return False
            elif value is None or not (self.sweep.zeros(value) or self.sweep.new(value)):
                return False
        return True

    def first(self, bar: str, found: list[_Use]) -> Iterator[int]:
        """Yield the statements, by uid, that add to an item of zeros before anything else does."""
        made = [(s, where) for s, where in self.where if bar in _bound(s)]
        if (
            len(made) != 1
            or not isinstance(made[0][0], n.Assign)
            or not self.sweep.zeros(made[0][0].value)
        ):
            return
        start, origin = made[0]
        if sole_target(start) != bar:
            return
        block, at, _ = origin.levels[-1]
        for use in found:
            s = use.s
            if not isinstance(s, n.AugAssign) or s.op not in ("+", "-") or s.target != use.place:
                continue
            inside = any(b is block and k > at for b, k, _ in use.where.levels)
            if not inside or bar in names(s.value) or not self.is_number(bar, use.place):
                continue
            others = [x for x in found if x.s is not start]
            if len(others) <= MANY and not any(self.follows(bar, x, use) for x in others):
                yield s.uid


def as_addition(s: n.Stmt, first: AbstractSet[int]) -> n.Stmt:
    """Return a store that came of a first addition as the addition. first: uids of such."""
    if not isinstance(s, n.Assign) or s.uid not in first:
        return s
    less = isinstance(s.value, n.Unary) and s.value.op == "-"
    value = s.value.operand if less and isinstance(s.value, n.Unary) else s.value
    new = n.AugAssign(s.targets[0], "-" if less else "+", value, uid=s.uid, of=s.of)
    return replace(new, origin=s.origin, comments=s.comments)


def _clears(use: _Use) -> bool:
    s = use.s
    return isinstance(s, n.Assign) and s.value == ZERO and s.targets == (use.place,)


def _binds_anew(use: _Use, bar: str) -> bool:
    """True for a statement that gives a variable something else, whatever it held."""
    s = use.s
    return isinstance(s, n.Assign) and sole_target(s) == bar and bar not in names(s.value)


def _bound(s: n.Stmt) -> set[str]:
    targets = s.targets if isinstance(s, n.Assign) else ()
    found = {x for t in targets if not isinstance(t, n.Subscript) for x in names(t)}
    if isinstance(s, (n.For, n.Pop)):
        found |= names(s.target)
    if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
        found.add(s.target.id)
    return found
