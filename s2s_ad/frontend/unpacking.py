"""Targets with several parts taken apart: `a, (b, *c) = e` and `a[0] = b = e`, one by one.

Takes an active assignment with its facts, gives equivalent ones. Requires `ir`, `analysis`.
"""

from __future__ import annotations

from abc import abstractmethod

from s2s_ad.analysis.values import item_of
from s2s_ad.frontend.containers import Containers
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import ListOf
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import children, container_of, names, target_names


class Unpacking(Containers):
    """Takes targets apart; the rest of normalisation is above it."""

    @abstractmethod
    def statement(self, s: n.Stmt) -> list[n.Stmt]:
        """Return a statement as normal statements."""

    @abstractmethod
    def with_value(self, s: n.Stmt, value: n.Expr, pre: list[n.Stmt]) -> list[n.Stmt]:
        """Return `pre` and the statement with another value."""

    @abstractmethod
    def commented(self, out: list[n.Stmt], s: n.Stmt) -> list[n.Stmt]:
        """Give the comments of a statement to what stands for it."""

    def stores_among(self, s: n.Assign) -> bool:
        """True when an active array, list or object is stored into by one of several targets."""
        alone = len(s.targets) == 1 and not isinstance(s.targets[0], (n.TupleExpr, n.ListExpr))
        todo = [] if alone else list(s.targets)
        while todo:
            part = todo.pop()
            if isinstance(part, (n.Subscript, n.Attribute)):
                if self.varied(part.value, s):
                    return True
            else:
                todo.extend(children(part))
        return False

    def each_target(self, s: n.Assign) -> list[n.Stmt]:
        """Write `a[0] = b = e` as `value = e; a[0] = value; b = value`, and take a tuple apart."""
        target = s.targets[0]
        if len(s.targets) == 1:
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            return self.unpack(s, target)
        env = dict(self.facts.before[s.uid])
        first: list[n.Stmt] = []
        value = s.value
        if not isinstance(value, n.Const):
            value = n.Name(self.fresh("value"))
            first = self.again(n.Assign((value,), s.value), s)
            self.facts.before[first[-1].uid] = self.facts.before[s.uid]
            env[value.id] = self.facts.value(s.value, s.uid)
        rest = [n.Assign((t,), value, origin=s.origin) for t in s.targets]
        for other in rest:
            self.facts.before[other.uid] = env
        return [*first, *(x for other in rest for x in self.statement(other))]

    def unpack(self, s: n.Assign, target: n.TupleExpr | n.ListExpr) -> list[n.Stmt]:
        target = self.each_once(target)
        s = replace(s, targets=(target,))
        plain = all(isinstance(t, n.Name) for t in target.items)
        value = s.value
        display = isinstance(value, (n.TupleExpr, n.ListExpr))
        if plain and display and len(value.items) == len(target.items):  # type: ignore[union-attr]
            return self.with_value(s, value, [])
        if plain and isinstance(value, n.Call) and self.gives_items(value, len(target.items), s):
            return self.with_value(s, value, [])
        if any(isinstance(t, n.Starred) for t in target.items):
            return self.unpack_starred(s, target)
        if display and len(value.items) == len(target.items):  # type: ignore[union-attr]
            return self.unpack_nested(s, target, value)  # type: ignore[arg-type]
        if isinstance(value, n.Call) and self.gives_items(value, len(target.items), s):
            return self.unpack_call(s, target)
        pre: list[n.Stmt] = []
        if not isinstance(value, n.Name) or value.id in target_names(target):
            temp = n.Name(self.fresh("items"))
            pre = self.again(n.Assign((temp,), value), s)
            value = temp
        out: list[n.Stmt] = list(pre)
        env = dict(self.facts.before[s.uid])
        if isinstance(value, n.Name):
            env[value.id] = self.facts.value(s.value, s.uid)
        for k, t in enumerate(target.items):
            part = n.Assign((t,), n.Subscript(value, n.Const(str(k), k)), origin=s.origin)
            self.facts.before[part.uid] = env
            out.extend(self.statement(part))
        return out

    def each_once(self, target: n.TupleExpr | n.ListExpr) -> n.TupleExpr | n.ListExpr:
        """Write `a, a = e` as `a2, a = e`: a name keeps the last value that it is given."""
        items = list(target.items)
        for k, t in enumerate(items):
            if isinstance(t, n.Name) and t in items[k + 1 :]:
                items[k] = n.Name(self.fresh(t.id))
        return replace(target, items=tuple(items))

    def unpack_nested(
        self, s: n.Assign, target: n.TupleExpr | n.ListExpr, value: n.TupleExpr | n.ListExpr
    ) -> list[n.Stmt]:
        """Write `(a, b), c = x, y` as one assignment to names and one for each nested target."""
        names_: list[n.Expr] = []
        later: list[tuple[n.Expr, n.Name, n.Expr]] = []
        mentioned: set[str] = set()
        for t, e in zip(target.items, value.items):
            if isinstance(t, n.Name) and t.id not in mentioned:
                names_.append(t)
            else:
                temp = n.Name(self.fresh("items"))
                names_.append(temp)
                later.append((t, temp, e))
                # targets are given their values from the left: `a[i], i = x, 2` stores at the old i
                mentioned |= names(t)
        out = self.again(n.Assign((n.TupleExpr(tuple(names_)),), value, comments=s.comments), s)
        for t, temp, e in later:
            part = n.Assign((t,), temp, origin=s.origin)
            env = {**self.facts.before[s.uid], temp.id: self.facts.value(e, s.uid)}
            self.facts.before[part.uid] = env
            out.extend(self.statement(part))
        return out

    def unpack_call(self, s: n.Assign, target: n.TupleExpr | n.ListExpr) -> list[n.Stmt]:
        """Write `a[0], b = f(x)` as `a_item, b = f(x); a[0] = a_item`."""
        items: list[n.Expr] = []
        later: list[tuple[n.Expr, n.Name, int]] = []
        for k, t in enumerate(target.items):
            others = (x for x in target.items if x is not t)
            if isinstance(t, n.Name) and not any(t.id in names(x) for x in others):
                items.append(t)
                continue
            root = container_of(t)
            temp = n.Name(self.fresh(f"{root.id}_item" if isinstance(root, n.Name) else "items"))
            items.append(temp)
            later.append((t, temp, k))
        call = n.Assign((n.TupleExpr(tuple(items)),), s.value, comments=s.comments)
        out = self.again(call, s)
        given = self.facts.value(s.value, s.uid)
        env = dict(self.facts.before[s.uid])
        env.update((temp.id, item_of(given, k)) for _, temp, k in later)
        for t, temp, _ in later:
            part = n.Assign((t,), temp, origin=s.origin)
            self.facts.before[part.uid] = env
            out.extend(self.statement(part))
        return out

    def unpack_starred(self, s: n.Assign, target: n.TupleExpr | n.ListExpr) -> list[n.Stmt]:
        """Write `a, *b = x, y, z` as `a, b = x, [y, z]` where the items are all written down."""
        value = s.value
        at = next(k for k, t in enumerate(target.items) if isinstance(t, n.Starred))
        behind = len(target.items) - at - 1
        if not isinstance(value, (n.TupleExpr, n.ListExpr)):
            return self.unpack_sequence(s, target, at, behind)
        rest = n.ListExpr(value.items[at : len(value.items) - behind])
        items = (*value.items[:at], rest, *value.items[len(value.items) - behind :])
        star = target.items[at]
        assert isinstance(star, n.Starred)
        targets = (*target.items[:at], star.value, *target.items[at + 1 :])
        new = n.Assign((n.TupleExpr(targets),), n.TupleExpr(items), comments=s.comments)
        return self.again(new, s)

    def unpack_sequence(
        self, s: n.Assign, target: n.TupleExpr | n.ListExpr, at: int, behind: int
    ) -> list[n.Stmt]:
        """Write `a, *b, c = xs` as `a = xs[0]; b = list(xs[1:-1]); c = xs[-1]`."""
        out: list[n.Stmt] = []
        items = self.sequence(s.value, s, out)
        if items is None:
            raise self.refuse(s, "unpacking with a star into active variables", "index instead")
        if items.id in target_names(target):
            items = self.kept(items, "items", s, out)
        stop = n.Unary("-", n.Const(str(behind), behind)) if behind else None
        rest: n.Expr = n.Subscript(items, n.Slice(n.Const(str(at), at) if at else None, stop, None))
        if not isinstance(self.facts.value(items, s.uid).kind, ListOf):
            rest = self.call("list", rest)
        for k, t in enumerate(target.items):
            place = k if k < at else k - len(target.items)
            part: n.Expr = n.Subscript(items, n.Const(str(place), place))
            if isinstance(t, n.Starred):
                t, part = t.value, rest
            elif place < 0:
                part = n.Subscript(items, n.Unary("-", n.Const(str(-place), -place)))
            out.extend(self.again(n.Assign((t,), part), s))
        return self.commented(out, s)
