"""Names that say nothing go: a value that is made for one place is written there.

Takes the body of a generated function, gives it without copies of what a callee returned, without
a recomputed value that only another recomputed value reads, and without a stack's item or a
result that the very next statement uses up. Requires `ir`.

    saved = g_saved.pop()
    g_x_bar, g_c_bar = g_reverse(saved, x_bar)     →   x_bar, g_c_bar = g_reverse(
    c_bar += g_c_bar                                       g_saved.pop(), x_bar
    x_bar = g_x_bar                                    )
                                                       c_bar += g_c_bar
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors
from s2s_ad.ir.blocks import changed_by, renamed, sole_target, with_blocks
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    container_of,
    inside,
    map_stmt_exprs,
    names,
    stmt_exprs,
    subexprs,
    substitute,
    target_names,
    walk_stmts,
)
from s2s_ad.simplify.algebra import negate, terms
from s2s_ad.simplify.one_object import changes_in

LONG = 40  # parts of an expression that is not made longer


@dataclass(frozen=True)
class Inlining:
    """ours: whether a name was made by us, for a part of a value. pure: no effect, always the same.
    back: uids of the statements of the reverse sweep. last: whether nothing is to be shared any
    more."""

    ours: Callable[[str], bool]
    pure: Callable[[n.Expr], bool]
    back: frozenset[int]
    last: bool = False


def inline(body: n.Block, inlining: Inlining) -> n.Block:
    """Return the body without names that are made for one place only."""
    run = _Inline(inlining, body)
    return run.block(body)


class _Inline:
    def __init__(self, inlining: Inlining, body: n.Block) -> None:
        self.inlining = inlining
        self.reads: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self.stored: set[str] = set()
        self.changes = changes_in(body)
        for s in walk_stmts(body):
            self.reads.update(_read(s))
            self.writes.update(_bound(s))
            if isinstance(s, (n.Append, n.Pop)):
                self.stored.add(s.stack)
            if not isinstance(s, (n.If, n.For, n.While)):
                bound = _bound(s) if isinstance(s, n.Assign) else ()
                self.stored |= changed_by(s).difference(bound)
            if s.uid in inlining.back:
                self.again.update(_read(s))

    def block(self, block: n.Block) -> n.Block:
        out = [with_blocks(s, self.block) for s in block]
        k = 0
        while k < len(out):
            new = self.copied(out, k) or self.used_up(out, k) or self.once(out, k)
            new = new or self.spread(out, k) or self.second_name(out, k) or self.first_name(out, k)
            if new is None and self.inlining.last:
                new = self.item(out, k) or self.not_needed(out, k)
            if new is None:
                k += 1
            else:
                out = new
        return tuple(out)

    def single(self, name: str) -> bool:
        return self.reads[name] == 1 and self.writes[name] == 1

    def copied(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """`t, u = g(...)` and later `x = t`: give x the value at once."""
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if not isinstance(s, n.Assign) or not isinstance(target, (n.Name, n.TupleExpr)):
            return None
        made = {x for x in target_names(target) if self.inlining.ours(x) and self.single(x)}
        if not made or not isinstance(s.value, n.Call):
            return None
        between: set[str] = set(target_names(target))
        for j in range(k + 1, len(out)):
            t = out[j]
            goals = _copies(t)
            if goals and goals.keys() <= made and not {x.id for x in goals.values()} & between:
                first = replace(s, targets=(substitute(target, goals),))
                return [*out[:k], first, *out[k + 1 : j], *out[j + 1 :]]
            if blocks(t):
                return None
            between |= set(_read(t)) | changed_by(t)
        return None

    def used_up(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """`t = stack.pop()` or `t = x`, read once by the next statement, before all else."""
        s = out[k]
        following = out[k + 1] if k + 1 < len(out) else None
        value: n.Expr
        kept = _kept(s) if s.uid in self.inlining.back else None
        if kept is not None:
            name, value = kept
            simple = isinstance(following, n.Assign) and isinstance(following.value, n.Call)
            if not simple or not isinstance(following, n.Assign):
                return None
            call = following.value
            # nothing is evaluated before it
            if not isinstance(call, n.Call) or call.args[:1] != (n.Name(name),):
                return None
            single = self.again[name] == 1
        elif isinstance(s, n.Assign) and isinstance(s.value, n.Name):
            simple = isinstance(following, (n.Return, n.Assign, n.AugAssign, n.ExprStmt))
            if not simple or len(s.targets) != 1:
                return None
            target = s.targets[0]
            if not isinstance(target, n.Name) or following is None:
                return None
            if target.id not in _read(following):
                return None
            name, value = target.id, s.value
            single = self.single(name)
        else:
            return None
        if following is None or not self.inlining.ours(name) or not single:
            return None
        return self.put(out, k, k + 1, name, value)

    def once(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """A recomputed value that only another recomputed value reads."""
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and is_recomputed(s) else None
        if not isinstance(s, n.Assign) or not isinstance(target, n.Name):
            return None
        name = target.id
        free = names(s.value)
        if name in free or not self.inlining.pure(s.value):
            return None
        place = None
        for j in range(k + 1, len(out)):
            t = out[j]
            count = Counter(_read(t))[name] + sum(
                Counter(_read(x))[name] for b in blocks(t) for x in walk_stmts(b)
            )
            if count and place is None and count == 1 and is_recomputed(t):
                place = j
            elif count:
                return None
            if place is None and self.changes(t) & free:
                return None
            if name in changed_by(t):
                return None
        if place is None or self.again[name] != 1:
            return None
        size = sum(1 for e in (s.value, _value(out[place])) for _ in subexprs(e))
        return self.put(out, k, place, name, s.value) if size <= LONG else None

    def not_needed(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """A part of a statement that got a name for the reverse sweep, which does not read it."""
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if not isinstance(s, n.Assign) or not isinstance(target, n.Name):
            return None
        name, free = target.id, names(s.value)
        ours = self.inlining.ours(name) and s.uid not in self.inlining.back
        if not ours or not self.single(name) or not self.inlining.pure(s.value):
            return None
        for j in range(k + 1, len(out)):
            t = out[j]
            if t.uid in self.inlining.back or not isinstance(t, (n.Assign, n.AugAssign, n.Return)):
                return None
            if name in _read(t):
                return self.put(out, k, j, name, s.value)
            if self.changes(t) & free:
                return None
        return None

    def second_name(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """`t = x`, where both are made once and never changed: x says it as well."""
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if not isinstance(s, n.Assign) or not isinstance(target, n.Name):
            return None
        x = s.value
        if not isinstance(x, n.Name) or not self.inlining.ours(target.id):
            return None
        if self.writes[target.id] != 1 or self.writes[x.id] != 1 or {target.id, x.id} & self.stored:
            return None
        if any({target.id, x.id} & changed_by(y) for y in out[k + 1 :]):
            return None
        after = walk_stmts(tuple(out[k + 1 :]))
        if sum(_read(y).count(target.id) for y in after) != self.reads[target.id]:
            return None

        return [*out[:k], *renamed(tuple(out[k + 1 :]), {target.id: x})]

    def first_name(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """`t = e; x = t`, where x holds as long as t is read: give x the value at once."""
        s, following = out[k], out[k + 1] if k + 1 < len(out) else None
        name = sole_target(s)
        goal = sole_target(following) if following is not None else None
        if name is None or goal is None or not isinstance(following, n.Assign):
            return None
        simple = isinstance(s, n.Assign) and following.value == n.Name(name)
        if not simple or not self.inlining.ours(name) or self.writes[name] != 1:
            return None
        rest = out[k + 2 :]
        counts = [sum(_read(y).count(name) for y in walk_stmts((x,))) for x in rest]
        if sum(counts) + 1 != self.reads[name] or name in self.stored:
            return None
        last = max((j for j, count in enumerate(counts) if count), default=-1)
        if any(goal in assigned((x,)) for x in rest[: last + 1]):
            return None

        assert isinstance(s, n.Assign)
        first = replace(following, value=s.value, comments=s.comments)
        return [*out[:k], first, *renamed(tuple(rest), {name: n.Name(goal)})]

    def spread(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """`t = d + np.zeros_like(x)` that is only multiplied by x: NumPy spreads it there."""
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        whole = s.value if isinstance(s, n.Assign) else None
        if not isinstance(target, n.Name) or not isinstance(whole, n.Binary) or whole.op != "+":
            return None
        zeros, d = whole.right, whole.left
        func = zeros.func if isinstance(zeros, n.Call) else None
        like = zeros.args[0] if isinstance(zeros, n.Call) and len(zeros.args) == 1 else None
        if not isinstance(func, n.Attribute) or func.attr != "zeros_like" or like is None:
            return None
        if not self.single(target.id) or not isinstance(like, n.Name):
            return None
        for j in range(k + 1, len(out)):
            t = out[j]
            if target.id in _read(t):
                if not isinstance(t, (n.Assign, n.AugAssign)):
                    return None
                found = [p.factors for p in terms(t.value) if ("*", target) in p.factors]
                spread = bool(found) and all(("*", like) in factors for factors in found)
                return self.put(out, k, j, target.id, d) if spread else None
            if blocks(t) or changed_by(t) & names(whole):
                return None
        return None

    def item(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """`x_bar = d * w` that is only added to an item or a variable: `xs_bar[i] += x_bar`."""
        s = out[k]
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if not isinstance(s, n.Assign) or not isinstance(target, n.Name):
            return None
        if s.uid not in self.inlining.back or not self.single(target.id):
            return None
        free = names(s.value)
        for j in range(k + 1, len(out)):
            t = out[j]
            place = _added_to(t, target)
            if isinstance(place, n.Name) and not self.inlining.ours(target.id):
                return None
            if place is not None:
                # the place is read before what is added to it
                apart = self.inlining.pure(s.value) and not names(place) & changed_by(s)
                size = sum(1 for _ in subexprs(s.value))
                return self.put(out, k, j, target.id, s.value) if apart and size <= LONG else None
            if not blocks(t) and changed_by(t) & free:
                return self.earlier(out, k, target)
            if blocks(t) or target.id in _read(t):
                return None
        return None

    def earlier(self, out: list[n.Stmt], k: int, target: n.Name) -> list[n.Stmt] | None:
        """`t = d`, d gets another value, `xs_bar[i] += t`: add it at once, where nothing in between
        has to do with that place."""
        s = out[k]
        changed: set[str] = set()
        read: set[str] = set()
        for j in range(k + 1, len(out)):
            t = out[j]
            place = _added_to(t, target)
            if isinstance(place, n.Name):
                return None
            if place is not None:
                used = names(container_of(place)) & read
                if used or names(place) & changed or not self.inlining.pure(_value(s)):
                    return None
                if not isinstance(t, (n.Assign, n.AugAssign)) or t.value != target:
                    return None
                new = replace(t, value=_value(s), of=s.of, comments=s.comments)
                return [*out[:k], new, *out[k + 1 : j], *out[j + 1 :]]
            if blocks(t) or target.id in _read(t):
                return None
            changed |= changed_by(t)
            read |= set(_read(t))
        return None

    def put(self, out: list[n.Stmt], k: int, j: int, name: str, value: n.Expr) -> list[n.Stmt]:
        s, t = out[k], out[j]
        new = _subtracted(map_stmt_exprs(t, lambda e: substitute(e, {name: value})))
        rest = [*out[k + 1 : j], new]
        before = s.comments.before
        if before and (k + 1 == j or s.uid in self.inlining.back):
            first = rest[0].comments
            rest[0] = replace(rest[0], comments=replace(first, before=(*before, *first.before)))
        return [*out[:k], *rest, *out[j + 1 :]]


def _kept(s: n.Stmt) -> tuple[str, n.Expr] | None:
    """Return the variable and the expression of a statement that takes back what was kept."""
    if isinstance(s, n.Pop) and isinstance(s.target, n.Name):
        return s.target.id, n.Call(n.Attribute(n.Name(s.stack), "pop"), ())
    if isinstance(s, n.Assign) and isinstance(s.value, n.Subscript):
        parts = (s.targets[0], s.value.value, s.value.index)
        if len(s.targets) == 1 and all(isinstance(x, n.Name) for x in parts):
            assert isinstance(s.targets[0], n.Name)
            return s.targets[0].id, s.value
    return None


def _subtracted(s: n.Stmt) -> n.Stmt:
    """Return `x -= a * b` for `x += -a * b`."""
    if not isinstance(s, n.AugAssign) or s.op not in ("+", "-"):
        return s
    first = factors(s.value)[0][1] if isinstance(s.value, n.Binary) else s.value
    if not isinstance(first, n.Unary) or first.op != "-":
        return s
    return replace(s, op="-" if s.op == "+" else "+", value=negate(s.value))


def _added_to(s: n.Stmt, name: n.Name) -> n.Expr | None:
    """Return what a statement adds a variable to: `x[i] += d`, `x += d`, `x[i] = add(x[i], d)`; or
    the item that it begins with it: `x[i] = d`."""
    if isinstance(s, n.Assign) and s.value == name and len(s.targets) == 1:
        return s.targets[0] if isinstance(s.targets[0], n.Subscript) else None
    if isinstance(s, n.AugAssign) and s.value == name and s.op in ("+", "-"):
        return s.target if isinstance(s.target, (n.Subscript, n.Name)) else None
    if isinstance(s, n.Assign) and isinstance(s.value, n.Call) and len(s.targets) == 1:
        place, e = s.targets[0], s.value
        if isinstance(place, n.Subscript) and e.args == (place, name) and not e.keywords:
            return place
    return None


def _copies(s: n.Stmt) -> dict[str, n.Name]:
    """Return which variables a statement gives other names, where that is all it does: `x = t`, or
    `x, y = t, u`."""
    if not isinstance(s, n.Assign) or len(s.targets) != 1:
        return {}
    target, value = s.targets[0], s.value
    goals = target.items if isinstance(target, n.TupleExpr) else (target,)
    given = value.items if isinstance(value, n.TupleExpr) else (value,)
    pairs = [
        (a.id, b) for a, b in zip(given, goals) if isinstance(a, n.Name) and isinstance(b, n.Name)
    ]
    found = dict(pairs)
    whole = len(pairs) == len(goals) == len(given) == len(found)
    return found if whole and len({b.id for b in found.values()}) == len(found) else {}


def is_recomputed(s: n.Stmt) -> bool:
    """True for what is computed again for the reverse sweep, and says so."""
    return isinstance(s, n.Assign) and s.comments.trailing == "# recomputed"


def _value(s: n.Stmt) -> n.Expr:
    assert isinstance(s, n.Assign)
    return s.value


def _read(s: n.Stmt) -> list[str]:
    """Return the names a statement itself reads, once for each time it does."""
    if isinstance(s, n.Assign):
        exprs = [s.value, *(t for t in s.targets if not isinstance(t, (n.Name, n.TupleExpr)))]
        exprs += [
            x
            for t in s.targets
            if isinstance(t, n.TupleExpr)
            for x in t.items
            if not isinstance(x, n.Name)
        ]
    elif isinstance(s, n.For):
        exprs = [s.iter]
    elif isinstance(s, n.Pop):
        exprs = [n.Name(s.stack)] + ([] if isinstance(s.target, n.Name) else [s.target])
    else:
        exprs = list(stmt_exprs(s))
    return [x.id for e in exprs for x in inside(e, n.Name)]


def _bound(s: n.Stmt) -> list[str]:
    if isinstance(s, n.Assign):
        return [x for t in s.targets for x in target_names(t)]
    if isinstance(s, (n.Pop, n.For, n.AugAssign)):
        return list(target_names(s.target))
    return []
