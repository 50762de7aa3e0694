"""The reverse of simple statements: assignments, stores, calls of user code, lists.

Takes a statement in normal form, gives its part of each sweep; requires `ir`, `analysis`.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.indexing import is_whole
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    Nothing,
    Number,
    TupleOf,
    adjoint_kind,
)
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.walk import (
    children,
    inside,
    map_stmt_exprs,
    names,
    stmt_exprs,
    subexprs,
    substitute,
    target_names,
    walk_stmts,
)
from s2s_ad.transform.call_sweeps import CallSweeps
from s2s_ad.transform.context import Diff, NeedsName
from s2s_ad.transform.contributions import Sweeps, root_of
from s2s_ad.transform.overlapping import check_overlap
from s2s_ad.transform.pullback import Pullback
from s2s_ad.transform.reading import as_value
from s2s_ad.transform.seeds import number_taken, part_taken
from s2s_ad.transform.shapes import same_shape
from s2s_ad.transform.storing import check_store

_STORED = n.Name("what is stored")  # no variable has such a name


class Assignments(CallSweeps):
    """Builds the sweeps of simple statements."""

    def assign(self, s: n.Assign) -> Sweeps:
        written = frozenset().union(*(target_names(t) for t in s.targets))
        if len(s.targets) == 1 and isinstance(s.targets[0], (n.Subscript, n.Attribute)):
            return self.store(s, s.targets[0], s.value)
        if not self.is_active(s):
            return Sweeps([s], self.cleared(written))
        if written and written <= self.context.transparent.keys():
            return Sweeps([s])
        target = s.targets[0]
        if isinstance(s.value, n.Call) and not self.context.choice_exists(s.value, s):
            plan = self.context.plan(s.value, s, "adjoint")
            if plan is not None:
                return self.user_call(s, plan, target)
            call = self.context.followed(s.value, s)
            if call is not None:
                return self.run_time_call(s, call, target)
        pull = self.pullback(s)
        if isinstance(target, n.Name):
            seeds, taken = self.set_aside(s, (target.id,))
            seed = seeds.get(target.id, self.bar(target.id))
            out = None if target.id in self.context.reads(s.value) else target
            pull.pull(s.value, Diff(seed, self.kind_after(target.id, s)), out)
            own = () if seeds else (target.id,)
            return Sweeps([s], [*taken, *self.contributions(pull, own, seed)])
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            return self.parallel(s, target, pull)
        return self.store(s, target, s.value)

    def store(self, s: n.Assign | n.AugAssign, target: n.Expr, value: n.Expr) -> Sweeps:
        """Reverse a store into an element: `x_bar` is changed in place where `x` was."""
        root = store_root(target)
        if not self.context.touches_active(s, target, value):
            return Sweeps([s])
        check_store(self.context, s, target)
        if root is not None and root not in self.barred:
            return Sweeps([s])
        check_overlap(self.context, s, target, value)
        pull = self.pullback(s)
        place = pull.bar_place(target)
        kind = self.facts.value(target, s.uid).kind
        if isinstance(s, n.AugAssign) and s.op in "+-":
            return Sweeps([s], self.added(s, place, kind))
        array = target.value if isinstance(target, n.Subscript) and is_whole(target.index) else None
        some = isinstance(kind, Array) and bool(kind.dims)
        if isinstance(s, n.Assign) and isinstance(array, n.Name) and some:
            return self.whole_store(s, target, array.id, pull)
        if isinstance(s, n.AugAssign):
            value = n.Binary(s.op, target, value)
        seed = self.item_bar(root or "", kind)

        def reversed_with(pull: Pullback, out: n.Expr | None) -> list[n.Stmt]:
            pull.pull(value, pull.stored(Diff(seed, kind), target, value), out)
            return self.contributions(pull, (), seed)

        rest = None
        if s.uid not in self.options.unread and self.holds_result(pull, target, value):
            rest = self.by_result(s, target, reversed_with(pull, _STORED))
            pull = pull if rest is not None else self.pullback(s)
        if rest is None:
            rest = reversed_with(pull, None)
        self.check_lost_item(s, target, tuple(rest))
        clear = n.Assign((place,), self.cleared_item(s, target))
        if not rest:
            return Sweeps([s], [clear])
        if isinstance(kind, Number):
            return Sweeps([s], number_taken(seed, place, clear, rest))
        stayed = self.what_stayed(pull, target, place)
        taken = n.Assign((seed,), stayed or self.taken(place, kind))
        alone = root in self.context.unshared().get(s.uid, NOTHING_OWNED).own
        if alone and self.is_part(pull, target):
            return Sweeps([s], part_taken(taken, place, clear, rest, self.algebra.product))
        return Sweeps([s], [taken, clear, *rest])

    def whole_store(self, s: n.Assign, target: n.Expr, root: str, pull: Pullback) -> Sweeps:
        """Reverse a store into all of an array: its adjoint is that of what is stored."""
        seeds, taken = self.set_aside(s, (root,))
        seed = seeds.get(root, self.bar(root))
        kind = self.facts.value(target, s.uid).kind
        pull.pull(s.value, pull.stored(Diff(seed, kind), target, s.value))
        if seeds or any(root_of(x) == root for x in pull.places):
            own = () if seeds else (root,)
            return Sweeps([s], [*taken, *self.contributions(pull, own, seed)])
        # what was there before is still an array: other stores into it come first
        clear = n.Assign((pull.bar_place(target),), ZERO)
        return Sweeps([s], [*self.contributions(pull, (), seed), clear])

    def is_part(self, pull: Pullback, target: n.Expr) -> bool:
        """True for a part of an array that is a view of it, such as a slice."""
        if not isinstance(target, n.Subscript):
            return False
        owner, kind = pull.value(target.value).kind, pull.value(target).kind
        arrays = isinstance(owner, Array) and isinstance(kind, Array)
        return arrays and not pull.gathers(target.index, owner)

    def what_stayed(self, pull: Pullback, target: n.Expr, place: n.Expr) -> n.Expr | None:
        """Return the adjoint of what is stored at places of which the index may name one twice, so
        that all but the last one are overwritten; None for other places."""
        if not isinstance(target, n.Subscript) or not isinstance(place, n.Subscript):
            return None
        if not pull.repeats(target.index, pull.value(target.value).kind):
            return None
        if _names_each_once(target.index):
            return None
        index = as_value(target.index)
        return n.Call(self.context.helper("last_stored"), (place, place.value, index))

    def holds_result(self, pull: Pullback, target: n.Expr, value: n.Expr) -> bool:
        """True where a store leaves the very value that it was given: as it is, in one place."""
        if not isinstance(target, n.Subscript):
            return False
        owner, kind, given = (pull.value(x).kind for x in (target.value, target, value))
        if pull.gathers(target.index, owner):
            return False
        if isinstance(owner, Array) and owner.dtype != "float":
            return False
        if isinstance(kind, Number) and isinstance(given, Number):
            return isinstance(owner, (Array, ListOf))
        arrays = isinstance(kind, Array) and isinstance(given, Array) and given.dtype == "float"
        return arrays and isinstance(owner, Array) and same_shape(kind, given)

    def by_result(
        self, s: n.Assign | n.AugAssign, target: n.Expr, rest: list[n.Stmt]
    ) -> list[n.Stmt] | None:
        """Return the reverse of a store with what it has stored in the place of `_STORED`; None if
        it reads what was there before as well, which is spelled the same."""
        read = [e for x in rest for e in stmt_exprs(x)]
        if not any(_STORED.id in names(e) for e in read):
            return rest
        if any(target == x for e in read for x in subexprs(e)):
            return None
        self.by_results[s.uid] = target
        return [_substituted(x, _STORED.id, target) for x in rest]

    def check_lost_item(self, s: n.Assign | n.AugAssign, place: n.Expr, rest: n.Block) -> None:
        """Ask for a name for the number that a store overwrites and its reverse reads, where it
        cannot be put back: what is kept would be the whole container at each store."""
        root, end = root_of(place), self.context.function.body[-1].uid
        if root in self.context.unshared().get(end, NOTHING_OWNED).own:
            return
        number = isinstance(self.facts.value(place, s.uid).kind, Number)
        read = {x for part in rest for x in inside(part, n.Subscript) if root_of(x) == root}
        given = place in subexprs(s.value) or isinstance(s, n.AugAssign)
        if number and read == {place} and given:
            raise NeedsName(s.uid, place)

    def cleared_item(self, s: n.Stmt, target: n.Expr) -> n.Expr:
        """Return the adjoint of an element before it is stored into, when that of what is stored
        has been taken: zero, with a structure where parts of such elements have adjoints."""
        if not isinstance(target, n.Subscript) or not self.has_parts_read(target):
            return ZERO
        owner = self.facts.value(target.value, s.uid).kind
        if isinstance(owner, Array) or isinstance(self.facts.value(target, s.uid).kind, Number):
            return ZERO
        before: n.Expr = target
        if isinstance(owner, DictOf):
            # there may have been nothing under this key
            before = n.Call(n.Attribute(target.value, "get"), (target.index,))
        return n.Call(self.context.helper("zeros_like"), (before,))

    def has_parts_read(self, target: n.Expr) -> bool:
        """True when the function has a part of an element as deep as this of the same variable."""
        root, depth = root_of(target), _depth(target)
        for s in walk_stmts(self.context.function.body):
            parts = [(e, depth + 1) for e in stmt_exprs(s)]
            if isinstance(s, n.For):
                parts.append((s.iter, depth))
            for e, least in ((x, least) for part, least in parts for x in subexprs(part)):
                if isinstance(e, n.Subscript) and root_of(e) == root and _depth(e) >= least:
                    return True
        return False

    def added(self, s: n.AugAssign, place: n.Expr, kind: Kind) -> list[n.Stmt]:
        """Reverse `x[i] += e`."""
        value = n.Unary("-", s.value) if s.op == "-" else s.value

        def reversed_with(seed: n.Expr) -> list[n.Stmt]:
            pull = self.pullback(s)
            pull.pull(value, pull.stored(Diff(seed, kind), s.target, s.value))
            return self.contributions(pull, (), seed)

        stayed = self.what_stayed(self.pullback(s), s.target, place)
        return self.in_order(reversed_with, place, kind, stayed)

    def in_order(
        self,
        reversed_with: Callable[[n.Expr], list[n.Stmt]],
        place: n.Expr,
        kind: Kind,
        stayed: n.Expr | None = None,
    ) -> list[n.Stmt]:
        """Return the reverse of a statement that adds to what has the adjoint `place`.

        What it adds to items of that adjoint itself comes last; where there are several of those,
        they are given what `place` was before the first. reversed_with: makes the reverse. stayed:
        the adjoint of what has been added, if that is another one.
        """
        rest = reversed_with(place)
        again = [x for x in rest if _may_change(x, place)]
        if not rest or (len(again) < 2 and stayed is None):
            return [*(x for x in rest if x not in again), *again]
        name = (root_of(place) or "").removesuffix("_bar")
        seed = self.item_bar(name, kind)
        return [n.Assign((seed,), stayed or self.taken(place, kind)), *reversed_with(seed)]

    def item_bar(self, root: str, kind: Kind) -> n.Name:
        """Return a new name for the adjoint of an item."""
        seed = n.Name(self.context.names.fresh(f"{root}_item_bar"))
        self.temporaries.add(seed.id)
        if isinstance(kind, Number):
            self.temporary_kinds[seed.id] = adjoint_kind(kind)
        return seed

    def taken(self, place: n.Expr, kind: Kind) -> n.Expr:
        """Return what an element holds, independent of what is stored there next."""
        if isinstance(kind, Number):
            return place
        if isinstance(kind, Array):
            return n.Call(self.context.np("array"), (place,))
        return n.Call(
            self.context.helper("add"), (n.Call(self.context.helper("zeros_like"), (place,)), place)
        )

    def scatter(self, s: n.ExprStmt, added: tuple[n.Expr, n.Expr, n.Expr]) -> Sweeps:
        """Reverse `np.add.at(x, index, e)`: e gets what stands at those places of x_bar."""
        array, index, value = added
        root = store_root(n.Subscript(array, index))
        if self.context.touches_active(s, n.Subscript(array, index), value):
            check_store(self.context, s, n.Subscript(array, index))
        if root is None or root not in self.barred or not self.facts.varied(value, s.uid):
            return Sweeps([s])
        check_store(self.context, s, n.Subscript(array, index))
        place = n.Subscript(self.pullback(s).bar_place(array), _as_index(index))
        want = self.facts.value(value, s.uid).kind
        kind = self.facts.value(n.Subscript(array, _as_index(index)), s.uid).kind

        def reversed_with(seed: n.Expr) -> list[n.Stmt]:
            pull = self.pullback(s)
            d = Diff(seed, want)
            if isinstance(want, Number):
                d = Diff(n.Call(self.context.np("sum"), (seed,)), want)
            elif not same_shape(kind, want):
                d = pull.unbroadcast(Diff(seed, kind), place, kind, value)
            pull.pull(value, d)
            return self.contributions(pull, (), None)

        return Sweeps([s], self.in_order(reversed_with, place, kind))

    def reads_items(self, e: n.Expr, name: str) -> bool:
        """True when an expression reads elements of a variable, transparent names looked into."""
        for x in subexprs(e):
            if isinstance(x, n.Subscript) and root_of(x) == name:
                return True
            known = self.context.transparent.get(x.id) if isinstance(x, n.Name) else None
            if known is not None and self.reads_items(known, name):
                return True
        return False

    def set_aside(
        self, s: n.Assign | n.AugAssign, written: tuple[str, ...]
    ) -> tuple[dict[str, n.Name], list[n.Stmt]]:
        """Return other names for the adjoints of the targets whose own items the value reads.

        In `x = f(x[i])` the adjoint of the new x must not be that of the old one, to whose items
        the statement contributes. The statements give those names, and clear the adjoints.
        """
        mixed = [x for x in dict.fromkeys(written) if self.reads_items(s.value, x)]
        seeds = {x: n.Name(self.context.names.fresh(f"{x}_new_bar")) for x in mixed}
        self.temporaries |= {seed.id for seed in seeds.values()}
        self.temporary_kinds.update({seeds[x].id: self.kind_after(x, s) for x in seeds})
        taken = [n.Assign((seed,), self.bar(x)) for x, seed in seeds.items()]
        return seeds, [*taken, *self.cleared(set(mixed))]

    def parallel(self, s: n.Assign, target: n.TupleExpr | n.ListExpr, pull: Pullback) -> Sweeps:
        plain = tuple(t.id for t in target.items if isinstance(t, n.Name))
        aside, taken = self.set_aside(s, plain)
        wanted = self.useful.get(s.uid, frozenset())
        seeds = [
            (
                aside.get(x, self.bar(x))
                if x in wanted and self.facts.varied_after(x, s.uid)
                else ZERO
            )
            for x in plain
        ]
        if isinstance(s.value, (n.TupleExpr, n.ListExpr)):
            for x, seed, e in zip(plain, seeds, s.value.items):
                if seed is not ZERO:
                    pull.pull(e, Diff(seed, self.kind_after(x, s)))
        else:
            out = None if target_names(target) & self.context.reads(s.value) else target
            kind = self.facts.value(s.value, s.uid).kind
            # the adjoint of a list loses items as the list gets them
            listed = isinstance(kind, ListOf) or (isinstance(kind, TupleOf) and kind.is_list)
            made = n.ListExpr(tuple(seeds)) if listed else n.TupleExpr(tuple(seeds))
            pull.pull(s.value, Diff(made, UNKNOWN), out)
        written = tuple(x for x in plain if x not in aside)
        return Sweeps([s], [*taken, *self.contributions(pull, written, None)])

    def augmented(self, s: n.AugAssign) -> Sweeps:
        if not isinstance(s.target, n.Name):
            return self.store(s, s.target, s.value)
        name = s.target.id
        if not self.is_active(s):
            return Sweeps([self.context.rebound(s)], self.cleared({name}))
        whole = n.Binary(s.op, s.target, s.value)
        seeds, taken = self.set_aside(s, (name,))
        seed = seeds.get(name, self.bar(name))
        pull = self.pullback(s)
        pull.pull(whole, Diff(seed, self.kind_after(name, s)))
        own = () if seeds else (name,)
        back = [*taken, *self.contributions(pull, own, seed)]
        return Sweeps([self.context.rebound(s)], back)

    def append(self, s: n.Append) -> Sweeps:
        out: list[n.Stmt] = []
        self.context.check_append(s)
        if s.stack in self.barred and self.varied_somewhere(s.stack):
            if self.is_other_elsewhere(s.stack):
                raise self.context.refuse(
                    s,
                    n.Name(s.stack),
                    f"`{s.stack}.append` where `{s.stack}` is not a list elsewhere",
                    "give the list a name of its own",
                )
            bar = self.bar(s.stack).id
            kind = self.facts.value(s.value, s.uid).kind
            item = self.item_bar(s.stack, kind)
            pull = self.pullback(s)
            if self.is_active(s) and self.facts.varied(s.value, s.uid):
                pull.pull(s.value, Diff(item, kind))
            rest = self.contributions(pull, (), item)
            reads = [x for stmt in rest for x in stmt_exprs(stmt)]
            # `items_bar[-1] += items_bar.pop()` would read its target before the item is gone
            apart = not any(bar in names(x) for x in reads)
            if len(rest) == 1 and apart and sum(_evaluated(x, item) for x in reads) == 1:
                popped = n.Call(n.Attribute(n.Name(bar), "pop"), ())
                out.append(_substituted(rest[0], item.id, popped))
            else:
                out.extend([n.Pop(item, bar), *rest])
        return Sweeps([s], out)

    def is_other_elsewhere(self, name: str) -> bool:
        """True when a variable that holds a list holds an array or a dict at another place."""
        kinds = [env[name].kind for env in self.facts.after.values() if name in env]
        return any(isinstance(kind, (Array, DictOf)) for kind in kinds)

    def pop(self, s: n.Pop) -> Sweeps:
        out: list[n.Stmt] = []
        name = s.target.id if isinstance(s.target, n.Name) else ""
        if not name:
            raise self.context.refuse(
                s, s.target, "`pop` into something other than a variable", "use a variable"
            )
        self.context.check_append(s)
        if s.stack in self.barred and self.varied_somewhere(s.stack):
            value: n.Expr = self.bar(name) if self.is_active(s) else self.zero_of(name, s)
            out.append(n.Append(self.bar(s.stack).id, value))
        return Sweeps([s], [*out, *self.cleared({name})])

    def zero_of(self, name: str, s: n.Stmt) -> n.Expr:
        """Return the zero adjoint of what a variable holds after a statement."""
        kind = self.kind_after(name, s)
        if isinstance(kind, (Number, Nothing)):
            return ZERO
        if isinstance(kind, Array):
            return n.Call(self.context.np("zeros_like"), (n.Name(name),))
        return n.Call(self.context.helper("zeros_like"), (n.Name(name),))


def _added_to(s: n.Stmt) -> n.Expr | None:
    """Return what a statement of a reverse sweep adds to."""
    if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call) and s.value.args:
        return s.value.args[0]
    if isinstance(s, n.Assign) and isinstance(s.targets[0], n.Subscript):
        return s.targets[0]  # x_bar[i] = add(x_bar[i], d)
    return s.target if isinstance(s, n.AugAssign) else None


def _may_change(s: n.Stmt, place: n.Expr) -> bool:
    """True when a statement adds to something that may be (a part of) an element of an adjoint."""
    target = _added_to(s)
    if target is None or root_of(target) != root_of(place):
        return False
    return not _are_apart(target, place)


def _depth(e: n.Expr) -> int:
    return 1 + _depth(e.value) if isinstance(e, n.Subscript) else 0


def _are_apart(a: n.Expr, b: n.Expr) -> bool:
    """True for elements of one variable that differ in a constant index."""
    if not isinstance(a, n.Subscript) or not isinstance(b, n.Subscript) or a.value != b.value:
        return False
    if not isinstance(a.index, n.Const) or not isinstance(b.index, n.Const):
        return False
    return type(a.index.value) is type(b.index.value) and a.index.value != b.index.value


def _as_index(index: n.Expr) -> n.Expr:
    """Return an index argument as it stands in brackets: `slice(a, b, c)` as `a:b:c`."""
    if isinstance(index, n.TupleExpr):
        return n.TupleExpr(tuple(_as_index(item) for item in index.items))
    if isinstance(index, n.Call) and index.func == n.Name("slice") and len(index.args) == 3:
        parts = [None if e == n.Const("None", None) else e for e in index.args]
        return n.Slice(parts[0], parts[1], parts[2])
    return index


def _names_each_once(index: n.Expr) -> bool:
    """True for a list of different numbers that is written out: `[0, 2]`."""
    if not isinstance(index, n.ListExpr):
        return False
    found = [e.value for e in index.items if isinstance(e, n.Const) and type(e.value) is int]
    return len(set(found)) == len(index.items)


def _evaluated(e: n.Expr, name: n.Name) -> int:
    """Return how often a name is read when `e` is evaluated, 2 where that depends on values."""
    if isinstance(e, (n.Comprehension, n.Lambda, n.IfExp, n.BoolOp, n.Compare)):
        return 2 if name.id in names(e) else 0
    return int(e == name) + sum(_evaluated(x, name) for x in children(e))


def _substituted(s: n.Stmt, name: str, value: n.Expr) -> n.Stmt:
    return map_stmt_exprs(s, lambda e: substitute(e, {name: value}))
