"""Who else may see a container: which stores into elements can be followed.

Takes a Function and what is known of its expressions, gives for each statement the variables whose
container no other name shares. Requires `ir`.

A store `x[i] = e` is followed when x is *unshared*: made in this function, and given to no other
name, container or callee since. One into what an item holds, `x[i][j] = e`, when x is *whole*:
nothing inside it can be seen under another name either. What is not proved is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from s2s_ad.analysis.flat import flat_names, is_no_list, never_lists
from s2s_ad.analysis.held import holds_plain_items, is_count, paired, scattered, seen_through
from s2s_ad.analysis.indexing import gathers
from s2s_ad.analysis.last_use import is_last_use, only_built
from s2s_ad.analysis.liveness import live_after
from s2s_ad.analysis.owned import NOBODY, Names, Owned
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    Array,
    DictOf,
    Kind,
    ListOf,
    Number,
    Object,
    RangeKind,
    TupleOf,
    is_immutable,
)
from s2s_ad.ir.walk import (
    container_of,
    names,
    stmt_exprs,
    target_names,
    walk_stmts,
)
from s2s_ad.rules.sharing import FIRST, NEW, SHARES, WHOLLY_NEW

# methods that change a container and give nothing of it away
CHANGES = frozenset("append clear extend insert pop remove reverse sort update".split())

CONTAINERS = (ListOf, TupleOf, DictOf)

Newness = Callable[[n.Call], int]
KindOf = Callable[[n.Expr, int], Kind]
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
    run.flat = flat_names(block, kind, lambda call: newness(call) != WHOLLY_NEW)
    run.listless = never_lists(block, kind) & unbound
    run.built = only_built(block) & unbound
    run.block(block, Owned(start | unbound, unbound))
    return run.table


def gives_away(s: n.Stmt, name: str, newness: Newness, kind: KindOf) -> bool:
    """True when a statement without blocks lets others see what a variable alone held so far."""
    run = _Ownership(newness, kind)
    run.uid, run.current = s.uid, s
    alone = frozenset((name,))
    return name not in run.simple(s, Owned(alone, alone)).own


def store_root(target: n.Expr) -> str | None:
    """Return the variable whose element a target is, None when it is not an element."""
    if not isinstance(target, n.Subscript):
        return None
    while isinstance(target, n.Subscript):
        target = target.value
    return target.id if isinstance(target, n.Name) else None


class Sharing(ABC):
    """How what is owned changes as values are given to names, containers and callees.

    flat: variables whose containers hold numbers and arrays only. listless: variables that hold
    no list at any time. built: variables that hold a list until they give it away.
    """

    flat: Names = NOBODY
    listless: Names = NOBODY
    built: Names = NOBODY

    def __init__(self, newness: Newness) -> None:
        self.newness = newness

    @abstractmethod
    def kind(self, e: n.Expr) -> Kind:
        """Return the kind of an expression where it stands."""

    def simple(self, s: n.Stmt, own: Owned) -> Owned:
        """Return what is owned after a statement without blocks."""
        if isinstance(s, n.Assign):
            for target in s.targets:
                own = self.assigned(target, s.value, own)
            return own
        if isinstance(s, n.Pop):
            if isinstance(s.target, n.Name) and own.gives_whole(s.stack, s.target.id):
                return own.having(s.target.id, WHOLLY_NEW)
            return own.without(frozenset(target_names(s.target)))
        if scattered(s) is not None:
            return own
        if isinstance(s, n.AugAssign):
            return self.joined(s, own)
        if isinstance(s, n.Append):
            return self.appended(s, own)
        for e in stmt_exprs(s):
            own = self.shared(e, own)
        return own

    def assigned(self, target: n.Expr, value: n.Expr, own: Owned) -> Owned:
        if isinstance(target, n.Name):
            new = self.new(value)
            if isinstance(value, n.Name) and value.id in self.built & own.own:
                new = WHOLLY_NEW if value.id in own.whole else NEW
            own = self.shared(value, own)
            return own.having(target.id, new)
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            own = self.shared(value, own).without(frozenset(target_names(target)))
            for name, item in paired(target, value):
                own = own.having(name, self.new(item))
            return own
        return self.put(target, value, own)

    def joined(self, s: n.AugAssign, own: Owned) -> Owned:
        """Return what is owned after `x += e`, which may put the items of e into a list."""
        if s.op not in "+*|" or isinstance(self.kind(s.target), (Array, Number)):
            return own
        if store_root(s.target) in self.flat & own.own:
            # an item that is a number or an array stays one, and the sum is made here
            return own
        whole = self.is_plain(s.value) or self.new(s.value) == WHOLLY_NEW
        own = self.items_shared(s.value, own)
        root = container_of(s.target)
        return own if whole or not isinstance(root, n.Name) else own.opened(frozenset({root.id}))

    def put(self, target: n.Expr, value: n.Expr, own: Owned) -> Owned:
        """Return what is owned once a container holds the value of an expression."""
        root = container_of(target)
        if isinstance(self.kind(root), Array):
            # what is stored is copied
            return own
        whole = self.is_plain(value) or self.new(value) == WHOLLY_NEW
        if isinstance(value, n.Subscript) and container_of(value) == root:
            # an array copies a part of its own, a list holds an item twice
            own = self.joined_items(value, own)
        else:
            own = self.shared(value, own)
        return own if whole or not isinstance(root, n.Name) else own.opened(frozenset({root.id}))

    def appended(self, s: n.Append, own: Owned) -> Owned:
        return self.put(n.Subscript(n.Name(s.stack), n.Const("0", 0)), s.value, own)

    # -- expressions

    def is_plain(self, e: n.Expr) -> bool:
        """True for a value that nothing can change in place: a number, or a tuple of such."""
        return not isinstance(e, n.ListExpr) and is_immutable(self.kind(e))

    def new(self, e: n.Expr) -> int:
        """Return how much of the value of `e` is made by evaluating `e`."""
        if isinstance(e, n.Const):
            return WHOLLY_NEW
        if isinstance(e, (n.ListExpr, n.TupleExpr, n.DictExpr)):
            items = e.values if isinstance(e, n.DictExpr) else e.items
            parts = all(self.is_plain(item) or self.new(item) == WHOLLY_NEW for item in items)
            return WHOLLY_NEW if parts else NEW
        kind = self.kind(e)
        flat = holds_plain_items(kind)
        if isinstance(e, n.Unary):
            return WHOLLY_NEW
        if isinstance(e, n.Comprehension):
            anew = flat or self.is_made_anew(e, NOBODY) or self.has_new_rows(e)
            return WHOLLY_NEW if anew else NEW
        if isinstance(e, n.Binary):
            # `+` and `*` may join or repeat lists, which then share their items
            return NEW if self.may_join(e) and not flat else WHOLLY_NEW
        if isinstance(e, n.IfExp):
            return min(self.new(e.body), self.new(e.orelse))
        if isinstance(e, n.Subscript) and self.new(e.value) == WHOLLY_NEW:
            return WHOLLY_NEW
        if isinstance(e, n.Subscript) and isinstance(e.index, n.Slice):
            if isinstance(self.kind(e.value), ListOf):
                return WHOLLY_NEW if flat else NEW
            return SHARES
        if isinstance(e, n.Subscript) and isinstance(self.kind(e.value), Array):
            # an index that is an array or a list gathers: no view, but a copy
            items = e.index.items if isinstance(e.index, n.TupleExpr) else (e.index,)
            return WHOLLY_NEW if any(gathers(self.kind(x)) for x in items) else SHARES
        if isinstance(e, n.Call) and self.gives_first(e):
            return self.new(e.args[0])
        if isinstance(e, n.Call):
            found = SHARES if seen_through(e) is not None else self.newness(e)
            return WHOLLY_NEW if found == NEW and flat else found
        return SHARES

    def has_new_rows(self, e: n.Comprehension) -> bool:
        """True for a list of lists of numbers that are copies: `[row[:] for row in rows]`."""
        kind = self.kind(e)
        if not isinstance(kind, ListOf) or not isinstance(kind.item, ListOf):
            return False
        element = e.element
        cut = isinstance(element, n.Subscript) and isinstance(element.index, n.Slice)
        made = isinstance(element, n.Binary) or (
            isinstance(element, n.Call) and self.newness(element) > SHARES
        )
        return (cut or made) and holds_plain_items(kind.item)

    def is_made_anew(self, e: n.Expr, bound: Names) -> bool:
        """True when each evaluation of `e` makes all of its value. bound: names that are not the
        variables of the function, of whose kinds nothing is known."""
        if isinstance(e, n.Const):
            return True
        if isinstance(e, n.Comprehension):
            inner = frozenset(x for c in e.clauses for x in target_names(c.target))
            return self.is_made_anew(e.element, bound | inner)
        if isinstance(e, (n.ListExpr, n.TupleExpr, n.DictExpr)):
            items = e.values if isinstance(e, n.DictExpr) else e.items
            return all(self.is_made_anew(item, bound) for item in items)
        repeated = e.left if isinstance(e, n.Binary) and e.op == "*" else None
        if isinstance(repeated, n.ListExpr) and all(isinstance(x, n.Const) for x in repeated.items):
            return True
        if names(e) & bound:
            return isinstance(e, n.Binary) and e.op not in "+*|"
        return self.is_plain(e) or self.new(e) == WHOLLY_NEW

    def may_join(self, e: n.Binary) -> bool:
        """True for an operation that may be one of lists, not of numbers."""
        kinds = (self.kind(e.left), self.kind(e.right))
        sure = any(isinstance(k, (Array, Number)) and not is_count(k) for k in kinds)
        return e.op in "+*" and not sure and not is_no_list(e, self.listless, self.kind)

    def shared(self, e: n.Expr, own: Owned) -> Owned:
        """Return what is still unshared when the value of `e` goes somewhere else."""
        if self.is_plain(e):
            return own
        if isinstance(e, n.Name):
            return own.without(frozenset({e.id}))
        if isinstance(e, n.Subscript):
            return own if self.new(e) == WHOLLY_NEW else self.part_shared(e, own)
        if isinstance(e, n.Attribute):
            return own if e.attr == "shape" else self.shared(e.value, own)
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            for item in e.items:
                own = self.shared(item, own)
        elif isinstance(e, n.DictExpr):
            for item in e.values:
                own = self.shared(item, own)
        elif isinstance(e, n.IfExp):
            own = self.shared(e.orelse, self.shared(e.body, own))
        elif isinstance(e, n.Starred):
            own = self.shared(e.value, own)
        elif isinstance(e, n.Comprehension):
            if not isinstance(e.element, n.Const) and self.new(e) != WHOLLY_NEW:
                own = own.without(frozenset(names(e)))
        elif isinstance(e, n.Binary):
            if self.new(e) != WHOLLY_NEW:
                own = self.joined_items(e.right, self.joined_items(e.left, own))
        elif isinstance(e, n.Call):
            own = self.call_shared(e, own)
        return own

    def gives_first(self, e: n.Call) -> bool:
        """True for `unbroadcast(g, like)`, which is g or what is new, and the like."""
        return self.newness(e) == FIRST and bool(e.args) and not isinstance(e.args[0], n.Starred)

    def call_shared(self, e: n.Call, own: Owned) -> Owned:
        found = self.new(e)
        if found == WHOLLY_NEW:
            return own
        if self.gives_first(e):
            return self.shared(e.args[0], own)
        go = self.items_shared if found == NEW else self.shared
        if isinstance(e.func, n.Attribute) and e.func.attr not in CHANGES:
            copied = found == NEW and e.func.attr == "copy"
            own = (self.joined_items if copied else go)(e.func.value, own)
        for item in (*e.args, *(k.value for k in e.keywords)):
            own = (go if seen_through(item) is None else self.items_shared)(item, own)
        return own

    def part_shared(self, e: n.Subscript, own: Owned) -> Owned:
        """Return what is still unshared when an element goes somewhere else.

        A part of an array is a view of it; an item of a list says nothing of the list.
        """
        root: n.Expr = e
        while isinstance(root, n.Subscript):
            root = root.value
        if isinstance(root, n.Name) and isinstance(self.kind(root), CONTAINERS):
            return own.opened(frozenset({root.id}))
        return self.shared(root, own)

    def items_shared(self, e: n.Expr, own: Owned) -> Owned:
        """Return what is still unshared when the items of `e` go somewhere else."""
        e = seen_through(e) or e
        if isinstance(e, n.Name) and isinstance(self.kind(e), CONTAINERS):
            return own if holds_plain_items(self.kind(e)) else own.opened(frozenset({e.id}))
        return self.shared(e, own)

    def joined_items(self, e: n.Expr, own: Owned) -> Owned:
        """Return what is still unshared once a list has the items of `e`, if that is a list.

        If it is an array, a sum or a copy of it shares nothing.
        """
        if isinstance(e, n.Name) and not isinstance(self.kind(e), CONTAINERS):
            return own.opened(frozenset({e.id}))
        root = container_of(e) if isinstance(e, n.Subscript) else None
        if isinstance(root, n.Name):
            return own.opened(frozenset({root.id}))
        return self.items_shared(e, own)


class _Ownership(Sharing):
    def __init__(self, newness: Newness, kind: KindOf) -> None:
        super().__init__(newness)
        self.kind_of = kind
        self.uid = 0
        self.current: n.Stmt = n.Pass()
        self.table: dict[int, Owned] = {}
        self.breaks: list[list[Owned]] = []
        self.continues: list[list[Owned]] = []
        self.moving = False

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
        if isinstance(e, n.Call) and self.moves(e):
            return all(self.sole(x, own) for x in (*e.args, *(k.value for k in e.keywords)))
        return False
