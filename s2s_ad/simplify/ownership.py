"""Who owns a differential's buffer: it is changed in place only where this function made it.

Takes statements in which adjoints (or tangents) are added to with `+=` and stored into, gives ones
in which that happens only to what no other name can see: `+=` is a rebinding elsewhere, and a copy
is made before a store. Requires `ir`, `analysis`.

    a_bar = c_bar                   a_bar = c_bar
    b_bar = c_bar           →       b_bar = c_bar
    a_bar += d                      a_bar = a_bar + d
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.analysis.aliasing import Sharing, store_root
from s2s_ad.analysis.held import is_flat, paired
from s2s_ad.analysis.liveness import live_after
from s2s_ad.analysis.owned import NOTHING_OWNED, Owned
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    FLOAT,
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    Number,
    TupleOf,
    Unknown,
    broadcast,
    is_immutable,
    is_vector,
    join,
)
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import inside, map_block, target_names, walk_stmts
from s2s_ad.rules.sharing import NEW, WHOLLY_NEW

Needs = dict[str, int]
# kinds of expressions, by their identity
Known = dict[int, tuple[n.Expr, Kind]]
# helpers of `runtime` that compute as operators do
ARITHMETIC = frozenset("quotient absorb divide_or_zero power_slope".split())


@dataclass(frozen=True)
class Buffers:
    """kind: that of a variable. newness: how much of what a call returns is new.
    add: how a sum of unknown structure is written. copy: a copy of a variable, of all that is
    inside of it or not. bars: the differentials. adds: whether `+=` on them may be rewritten.
    in_place: whether arrays that are owned are added to in place. at_end: the variables that are
    read once all is over, None where any may be; what else is not read again may be handed over."""

    kind: Callable[[str], Kind]
    newness: Callable[[n.Call], int]
    add: Callable[[n.Expr, n.Expr], n.Expr]
    copy: Callable[[str, bool], n.Expr]
    bars: frozenset[str]
    adds: bool = True
    in_place: bool = True
    at_end: frozenset[str] | None = None


def own(block: n.Block, buffers: Buffers) -> n.Block:
    """Return the statements with safe additions and stores. Parameters (seeds) are not owned."""
    if all(_is_plain(s, buffers) for s in walk_stmts(block)):
        return block
    while True:
        run = Owning(buffers)
        if buffers.at_end is not None:
            run.later = live_after(block, buffers.at_end)
        out, _ = run.block(block, NOTHING_OWNED)
        if not run.idle:
            return tuple(out)
        # what was stored into may be read for the last time before that now
        block = map_block(block, run.without_idle)


def _is_plain(s: n.Stmt, buffers: Buffers) -> bool:
    """True for a statement that stands as it is: it gives variables values, or adds numbers."""
    if isinstance(s, n.AugAssign):
        name = s.target.id if isinstance(s.target, n.Name) else None
        if name is None or (name in buffers.bars and not isinstance(buffers.kind(name), Number)):
            return False
    elif not isinstance(s, n.Assign) or not all(isinstance(t, n.Name) for t in s.targets):
        return False
    methods = (x.func for x in inside(s, n.Call) if isinstance(x.func, n.Attribute))
    return not any(func.attr in ("array", "pop") for func in methods)


class Owning(Sharing):
    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers.newness)
        self.buffers = buffers
        self.known: Known = {}
        # by statement, what is read behind it; and the one at hand
        self.later: dict[int, frozenset[str]] = {}
        self.uid = 0
        self.idle: frozenset[int] = frozenset()

    # -- what is known of differentials

    def kind(self, e: n.Expr) -> Kind:
        found = self.known.get(id(e))
        if found is None:
            found = self.known[id(e)] = e, self.evaluated(e)
        return found[1]

    def evaluated(self, e: n.Expr) -> Kind:
        if isinstance(e, n.Name):
            return self.buffers.kind(e.id)
        if isinstance(e, n.Const):
            return FLOAT
        if isinstance(e, n.Unary):
            return self.kind(e.operand)
        if isinstance(e, n.Binary):
            left, right = self.kind(e.left), self.kind(e.right)
            return UNKNOWN if self.joins(e, left, right) else broadcast(left, right)
        if isinstance(e, n.Subscript):
            owner = self.kind(e.value)
            return FLOAT if self.is_entry(owner, e.index) else self.item_kind(owner, e.index)
        if isinstance(e, n.IfExp):
            return join(self.kind(e.body), self.kind(e.orelse))
        return UNKNOWN

    def is_entry(self, owner: Kind, index: n.Expr) -> bool:
        """True for an entry of an array that is named by a number for each of its axes."""
        if not isinstance(owner, Array) or not isinstance(index, n.TupleExpr):
            return False
        whole = owner.dims is not None and len(index.items) == len(owner.dims)
        return whole and all(map(self.is_place, index.items))

    def is_place(self, e: n.Expr) -> bool:
        """True for a number that is no truth: `x[True]` adds an axis."""
        if isinstance(e, n.Const):
            return type(e.value) is int
        kind = self.kind(e)
        return isinstance(kind, Number) and kind.type != "bool"

    def item_kind(self, owner: Kind, index: n.Expr) -> Kind:
        part = isinstance(index, n.Slice)
        if isinstance(owner, ListOf):
            return owner if part else owner.item
        if isinstance(owner, DictOf):
            return owner.value
        if is_vector(owner):
            whole = part or index == n.ELLIPSIS
            return owner if whole else FLOAT if self.is_place(index) else UNKNOWN
        if isinstance(owner, TupleOf) and owner.items and not part:
            found = owner.items[0]
            for other in owner.items[1:]:
                found = join(found, other)
            return found
        return UNKNOWN

    def given(self, e: n.Call) -> n.Expr | None:
        """Of nobody knows what, integers maybe, a buffer is made before it is stored into."""
        found = super().given(e)
        return None if found is None or isinstance(self.kind(found), Unknown) else found

    def may_join(self, e: n.Binary) -> bool:
        return self.joins(e, self.kind(e.left), self.kind(e.right))

    def joins(self, e: n.Binary, left: Kind, right: Kind) -> bool:
        """Differentials are numbers and arrays, but for what is written as lists."""
        return e.op in "+*" and any(
            isinstance(x, n.ListExpr)
            or isinstance(kind, (ListOf, TupleOf))
            or (isinstance(x, n.Call) and self.newness(x) == NEW)
            for x, kind in ((e.left, left), (e.right, right))
        )

    # -- statements

    def assigned(self, target: n.Expr, value: n.Expr, own: Owned) -> Owned:
        """Return what is owned then: arithmetic on arrays of no axes makes numbers, no buffers."""
        after = super().assigned(target, value, own)
        if isinstance(target, n.TupleExpr) and _is_exchange(target, value):
            for name, e in paired(target, value):
                if isinstance(e, n.Name) and e.id in own.own and name in self.buffers.bars:
                    after = after.having(name, WHOLLY_NEW if e.id in own.whole else NEW)
            return after
        if isinstance(target, n.Name) and self.is_handed_over(target, value, own):
            assert isinstance(value, n.Name)
            return after.having(target.id, WHOLLY_NEW if value.id in own.whole else NEW)
        if isinstance(target, n.Name) and _is_arithmetic(value):
            kind = self.buffers.kind(target.id)
            if isinstance(kind, Unknown) or (isinstance(kind, Array) and not kind.dims):
                return after.without(frozenset({target.id}))
        return after

    def is_handed_over(self, target: n.Name, value: n.Expr, own: Owned) -> bool:
        """True for `x_bar = y_bar`, arrays, that leaves the buffer of y_bar to x_bar alone."""
        known = target.id in self.buffers.bars and is_flat(self.kind(target))
        return known and value != target and self.is_left(value, own)

    def block(self, block: n.Block, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        out: list[n.Stmt] = []
        for s in block:
            statements, owned = self.statement(s, owned)
            out.extend(statements)
        return out, owned

    def statement(self, s: n.Stmt, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        self.uid = s.uid
        if isinstance(s, n.If):
            results = [self.block(b.body, owned) for b in s.branches]
            last, end = self.block(s.orelse, owned)
            for _, other in results:
                end &= other
            branches = tuple(replace(b, body=tuple(r[0])) for b, r in zip(s.branches, results))
            return [replace(s, branches=branches, orelse=tuple(last))], end
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, owned)
        if isinstance(s, n.With):
            body, owned = self.block(s.body, owned)
            return [replace(s, body=tuple(body))], owned
        if self.buffers.adds and isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
            return self.add(s, s.target.id, owned)
        if self.is_idle(s, owned):
            self.idle |= {s.uid}
            return [], owned
        pre, owned = self.copied(self.changed(s), s, owned)
        s = self.without_copy(s, owned)
        return [*pre, s], self.simple(s, owned)

    def without_idle(self, s: n.Stmt) -> tuple[n.Stmt, ...]:
        return () if s.uid in self.idle else (s,)

    def is_idle(self, s: n.Stmt, owned: Owned) -> bool:
        """True for a store into an array that nobody reads again: `x_bar[1:] = 0.0`."""
        if not isinstance(s, n.Assign) or len(s.targets) != 1:
            return False
        target, name = s.targets[0], store_root(s.targets[0])
        return (
            isinstance(target, n.Subscript)
            and target.value == n.Name(name or "")
            and not inside(s, n.Call)
            and self.is_left(target.value, owned)
        )

    def without_copy(self, s: n.Stmt, owned: Owned) -> n.Stmt:
        """`d = np.array(x_bar[1:])` where x_bar is not read again: a part of it does as well."""
        call = s.value if isinstance(s, n.Assign) else None
        if not isinstance(call, n.Call) or call.keywords or len(call.args) != 1:
            return s
        made, part = isinstance(call.func, n.Attribute) and call.func.attr == "array", call.args[0]
        left = isinstance(part, n.Subscript) and self.is_left(part.value, owned)
        return replace(s, value=part) if made and left and isinstance(s, n.Assign) else s

    def is_left(self, e: n.Expr, owned: Owned) -> bool:
        """True for an array of ours that no other name sees, and that is not read again."""
        return (
            isinstance(e, n.Name)
            and e.id in self.buffers.bars & owned.own
            and is_flat(self.kind(e))
            and self.uid in self.later
            and e.id not in self.later[self.uid]
        )

    def copied(self, needs: Needs, s: n.Stmt, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        """Return copies of what is changed in place and not owned, and what is owned then."""
        pre: list[n.Stmt] = []
        for name, need in sorted(needs.items()):
            if name in (owned.whole if need == WHOLLY_NEW else owned.own):
                continue
            pre.append(n.Assign((n.Name(name),), self.buffers.copy(name, need == WHOLLY_NEW)))
            owned = owned.having(name, need)
        return [replace(x, of=s.of) for x in pre], owned

    def add(self, s: n.AugAssign, name: str, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        if name not in self.buffers.bars:
            return [s], owned
        kind = self.buffers.kind(name)
        if isinstance(kind, Number):
            return [s], owned
        if isinstance(kind, Array):
            if name in owned.own and self.buffers.in_place:
                return [s], owned
            value: n.Expr = n.Binary(s.op, s.target, s.value)
            made = n.Assign((s.target,), value, of=s.of)
            return [made], self.assigned(s.target, value, owned)
        added = n.Unary("-", s.value) if s.op == "-" else s.value
        new = n.Assign((s.target,), self.buffers.add(s.target, added), of=s.of)
        return [new], self.simple(new, owned)

    def loop(self, s: n.For | n.While, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        needs: Needs = {}
        bound: set[str] = set()
        for x in walk_stmts(s.body):
            for name, need in self.changed(x).items():
                needs[name] = max(need, needs.get(name, 0))
            if isinstance(x, n.Assign):
                bound |= {y for t in x.targets for y in target_names(t)}
        early = {name: need for name, need in needs.items() if name not in bound}
        pre, owned = self.copied(early, s, owned)
        if isinstance(s, n.For):
            owned = self.shared(s.iter, owned).without(frozenset(target_names(s.target)))
        start = owned
        while True:
            body, end = self.block(s.body, start)
            if start <= end:
                break
            start &= end
        orelse, start = self.block(s.orelse, start)
        return [*pre, replace(s, body=tuple(body), orelse=tuple(orelse))], start

    def changed(self, s: n.Stmt) -> Needs:
        """Return the differentials a statement changes in place: the container, or inside it."""
        found: Needs = {}

        def note(place: n.Expr, inside: bool) -> None:
            root = place
            while isinstance(root, n.Subscript):
                root = root.value
            if isinstance(root, n.Name) and root.id in self.buffers.bars:
                deep = inside and not isinstance(self.buffers.kind(root.id), Array)
                found[root.id] = max(WHOLLY_NEW if deep else NEW, found.get(root.id, 0))

        if isinstance(s, (n.Assign, n.AugAssign)):
            for t in s.targets if isinstance(s, n.Assign) else (s.target,):
                if isinstance(t, n.Subscript):
                    item = isinstance(s, n.AugAssign) and not is_immutable(self.kind(t))
                    note(t, item or isinstance(t.value, n.Subscript))
        elif isinstance(s, (n.Append, n.Pop)):
            note(n.Name(s.stack), False)
        if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call) and s.value.args:
            func = s.value.func
            if isinstance(func, n.Attribute) and func.attr == "at":
                note(s.value.args[0], isinstance(s.value.args[0], n.Subscript))
        for x in inside(s, n.Call) if not isinstance(s, (n.If, n.For, n.While)) else ():
            method = x.func
            if isinstance(method, n.Attribute) and method.attr == "pop":
                note(method.value, False)
        return found


def _is_exchange(target: n.TupleExpr, value: n.Expr) -> bool:
    """True for `u, v = v, u` and the like: each takes what another one gives."""
    if not isinstance(value, n.TupleExpr):
        return False
    plain = all(isinstance(x, n.Name) for x in (*target.items, *value.items))
    return plain and len({*value.items}) == len(value.items) and {*value.items} == {*target.items}


def _is_arithmetic(e: n.Expr) -> bool:
    helper = isinstance(e, n.Call) and isinstance(e.func, n.Name) and e.func.id in ARITHMETIC
    return helper or isinstance(e, (n.Binary, n.Unary))
