"""Calls and displays that build containers, written out with loops and indices.

Takes an active expression with its facts, gives an equivalent one of simpler parts,
None where there is nothing to write out. Requires `ir`, `analysis`.

    ys = sorted(xs)        →      order = sorted(range(len(xs)), key=xs.__getitem__)
                                  ys = [xs[k] for k in order]
"""

from __future__ import annotations

import builtins
import functools
import math
import operator

from s2s_ad.frontend.array_stores import ArrayStores
from s2s_ad.frontend.container_methods import NONE, ONE, Statements
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, ListOf, TupleOf, Unknown, is_matrix
from s2s_ad.ir.remembered import replace

OPERATORS = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.pow: "**",
    operator.matmul: "@",
}
# what takes the items of an argument, which are the keys of a dict
RUN_OVER = (max, min, sum, tuple, math.fsum, math.prod, functools.reduce)


def index(e: n.Expr, k: int) -> n.Expr:
    return n.Subscript(e, n.Const(str(k), k))


class Containers(ArrayStores):
    """Writes out expressions: calls of functions and methods, displays."""

    def spelled_out(self, e: n.Expr, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Return an active expression written out one step; what must run first goes to `pre`."""
        if isinstance(e, n.DictExpr) and None in e.keys:
            return self.merged(e, s, pre)
        if isinstance(e, (n.ListExpr, n.TupleExpr)):
            return self.display(e, s, pre)
        if isinstance(e, n.Binary) and e.op == "|":
            return n.DictExpr((None, None), (e.left, e.right))
        if isinstance(e, n.Attribute):
            return self.in_a_row(e, s)
        if not isinstance(e, n.Call):
            return None
        if isinstance(e.func, n.Call):
            loop = self.of_made(e, e.func, s, pre)
            return self.completed(e, e.func, s) if loop is None else loop
        found = self.facts.object_of(e.func, s.uid)
        if found is not None:
            return self.by_function(found[0], e, s, pre)
        if isinstance(e.func, n.Attribute):
            return self.by_method(e, e.func, s, pre)
        return None

    # -- functions

    def completed(self, e: n.Call, part: n.Call, s: n.Stmt) -> n.Expr | None:
        """Write `partial(f, a, k=b)(c)` as `f(a, c, k=b)`."""
        if self.object_of(part.func, s) is not functools.partial or not part.args:
            return None
        given = {k.name for k in e.keywords}
        keywords = (*(k for k in part.keywords if k.name not in given), *e.keywords)
        return n.Call(part.args[0], (*part.args[1:], *e.args), keywords)

    def by_function(self, f: object, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        keywords = {k.name: k.value for k in e.keywords}
        args = tuple(self.with_keys(a, f in RUN_OVER, s) for a in e.args)
        if args != e.args:
            return replace(e, args=args)
        starred = any(isinstance(a, n.Starred) for a in e.args) or None in keywords
        if f is builtins.zip and len(e.args) == 1 and isinstance(e.args[0], n.Starred):
            return self.unzipped(e.args[0].value, s, pre)
        if f in (builtins.max, builtins.min) and starred and None not in keywords:
            first = e.args[0]
            if isinstance(first, n.Starred) and len(e.args) == 1:
                return replace(e, args=(first.value,))
            return replace(e, args=(self.kept(n.ListExpr(e.args), "items", s, pre),))
        if starred:
            return None
        if (written := self.by_library(f, e, s, pre)) is not None:
            return written
        if f is builtins.sorted and keywords.keys() <= {"key", "reverse"}:
            return self.sorted(e, keywords, s, pre)
        if f in (builtins.max, builtins.min) and "key" in keywords and "default" not in keywords:
            return self.extreme(e, keywords["key"], s, pre)
        if f in (builtins.max, builtins.min) and not keywords and e.args:
            choices = e.args[0] if len(e.args) == 1 else n.ListExpr(e.args)
            found = self.facts.reader(s.uid).iterate(choices, self.facts.before[s.uid]).kind
            if isinstance(found, (TupleOf, ListOf)):
                # of tuples, one is taken as it is, whatever else is as large in part
                return self.extreme(e, NONE, s, pre)
        if f in (builtins.max, builtins.min) and keywords.keys() == {"default"}:
            items = self.sequence(e.args[0], s, pre)
            if items is None:
                return None
            return n.IfExp(self.call("len", items), n.Call(e.func, (items,)), keywords["default"])
        if f is builtins.reversed and len(e.args) == 1:
            items = self.sequence(e.args[0], s, pre)
            backwards = n.Slice(None, None, n.Unary("-", ONE))
            return None if items is None else n.Subscript(items, backwards)
        if f in (builtins.list, builtins.tuple) and len(e.args) == 1 and not keywords:
            inner = self.spelled_out(e.args[0], s, pre) if self.varied(e.args[0], s) else None
            if inner is None:
                return None
            return inner if self.is_new_list(inner, f) else replace(e, args=(inner,))
        if f is builtins.dict:
            return self.dict(e, s)
        if f is builtins.map and len(e.args) >= 2:
            return self.mapped(e)
        if f is builtins.filter and len(e.args) == 2:
            item = n.Name(self.names.fresh("item"))
            test = item if e.args[0] == NONE else self.applied(e.args[0], item)
            return n.Comprehension("list", item, (n.Clause(item, e.args[1], (test,)),))
        if f is functools.reduce and len(e.args) in (2, 3) and not keywords:
            return self.reduced(e, s, pre)
        op = OPERATORS.get(f) if callable(f) and not isinstance(f, type) else None
        if op is not None and len(e.args) == 2:
            return n.Binary(op, e.args[0], e.args[1])
        return n.Unary("-", e.args[0]) if f is operator.neg else None

    def with_keys(self, e: n.Expr, runs_over: bool, s: n.Stmt) -> n.Expr:
        """Write `*d`, or d where it is run over, as a list of the keys if d is a dict."""
        if isinstance(e, n.Starred):
            return replace(e, value=self.with_keys(e.value, True, s))
        is_dict = isinstance(self.facts.value(e, s.uid).kind, DictOf)
        return self.call("list", e) if runs_over and is_dict else e

    def is_new_list(self, e: n.Expr, f: object) -> bool:
        """True when `list(e)` would only copy what nobody else has."""
        return f is builtins.list and isinstance(e, n.Comprehension) and e.kind == "list"

    def sequence(self, e: n.Expr, s: n.Stmt, pre: Statements) -> n.Name | None:
        """Return a variable that is indexed as `e` is iterated over, None if that is not known."""
        kind = self.facts.value(e, s.uid).kind
        known = isinstance(kind, (ListOf, TupleOf, Array))
        if isinstance(e, n.Name) and known:
            return e
        if not known and not isinstance(kind, Unknown):
            return None
        display = isinstance(e, (n.ListExpr, n.TupleExpr, n.Comprehension))
        value = e if (known and not isinstance(e, n.Call)) or display else self.call("list", e)
        if isinstance(e, n.Comprehension) and e.kind == "generator":
            value = replace(e, kind="list")
        return self.kept(value, "items", s, pre)

    def sorted(
        self, e: n.Call, keywords: dict[str | None, n.Expr], s: n.Stmt, pre: Statements
    ) -> n.Expr | None:
        items = self.sequence(e.args[0], s, pre) if len(e.args) == 1 else None
        if items is None:
            return None
        order = self.kept(self.order(items, keywords, e.func), "order", s, pre)
        k = n.Name(self.names.fresh("k"))
        return n.Comprehension("list", n.Subscript(items, k), (n.Clause(k, order),))

    def extreme(self, e: n.Call, key: n.Expr, s: n.Stmt, pre: Statements) -> n.Expr | None:
        what = e.args[0] if len(e.args) == 1 else n.ListExpr(e.args)
        items = self.sequence(what, s, pre)
        if items is None:
            return None
        place = self.kept(self.order(items, {"key": key}, e.func), "place", s, pre)
        return n.Subscript(items, place)

    def dict(self, e: n.Call, s: n.Stmt) -> n.Expr | None:
        values = tuple(k.value for k in e.keywords)
        keys = tuple(n.Const(repr(k.name), k.name) for k in e.keywords)
        if not e.args:
            return n.DictExpr(keys, values)
        kind = self.facts.value(e.args[0], s.uid).kind
        if isinstance(kind, DictOf):
            return n.DictExpr((None, *keys), (e.args[0], *values)) if keys else None
        pairs = isinstance(e.args[0], (n.Call, n.Comprehension, n.ListExpr, n.TupleExpr))
        if keys or not (pairs or isinstance(kind, (ListOf, TupleOf))):
            return None
        key, value = n.Name(self.names.fresh("key")), n.Name(self.names.fresh("value"))
        clause = n.Clause(n.TupleExpr((key, value)), e.args[0])
        return n.Comprehension("dict", value, (clause,), key)

    def mapped(self, e: n.Call) -> n.Expr:
        items = tuple(n.Name(self.names.fresh("item")) for _ in e.args[1:])
        target = items[0] if len(items) == 1 else n.TupleExpr(items)
        source = e.args[1] if len(items) == 1 else self.call("zip", *e.args[1:])
        element = self.applied(e.args[0], *items)
        return n.Comprehension("list", element, (n.Clause(target, source),))

    def reduced(self, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        items = self.sequence(e.args[1], s, pre)
        if items is None:
            return None
        total, item = n.Name(self.fresh("total")), n.Name(self.names.fresh("item"))
        start = e.args[2] if len(e.args) == 3 else index(items, 0)
        source = items if len(e.args) == 3 else n.Subscript(items, n.Slice(ONE, None, None))
        step = n.Assign((total,), self.applied(e.args[0], total, item), origin=s.origin)
        pre.append(n.Assign((total,), start, origin=s.origin))
        pre.append(n.For(item, source, (step,), origin=s.origin))
        return total

    def unzipped(self, e: n.Expr, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Write `zip(*rows)` as a tuple of its columns where their number is known, else a list."""
        kind = self.facts.value(e, s.uid).kind
        inner = kind.item if isinstance(kind, ListOf) else None
        if isinstance(kind, TupleOf) and kind.items:
            inner = kind.items[0]
        table = is_matrix(kind)
        if not (isinstance(inner, (TupleOf, ListOf)) or table):
            return None
        rows = self.sequence(e, s, pre)
        if rows is None:
            return None
        if not isinstance(inner, TupleOf):
            return self.columns(rows)
        columns = []
        for k in range(len(inner.items)):
            row = n.Name(self.names.fresh("row"))
            column = n.Comprehension("list", index(row, k), (n.Clause(row, rows),))
            columns.append(self.call("tuple", column))
        return n.TupleExpr(tuple(columns))

    def columns(self, rows: n.Name) -> n.Expr:
        """Return the list of the columns of rows of any length, as many as the shortest has."""
        k, row, other = (n.Name(self.names.fresh(x)) for x in ("k", "row", "row"))
        lengths = n.Comprehension("list", self.call("len", row), (n.Clause(row, rows),))
        none = (n.Keyword("default", n.Const("0", 0)),)
        count = n.Call(n.Name(self.alias("min")), (lengths,), none)
        column = n.Comprehension("list", n.Subscript(other, k), (n.Clause(other, rows),))
        every = n.Clause(k, self.call("range", count))
        return n.Comprehension("list", self.call("tuple", column), (every,))

    # -- displays

    def display(self, e: n.ListExpr | n.TupleExpr, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Write `[*xs, 1.0]` as `list(xs) + [1.0]`, of a tuple as its items."""
        starred = [item.value for item in e.items if isinstance(item, n.Starred)]
        if not starred:
            return None
        if all(isinstance(self.facts.value(x, s.uid).kind, TupleOf) for x in starred):
            flat: list[n.Expr] = []
            for item in e.items:
                if not isinstance(item, n.Starred):
                    flat.append(item)
                    continue
                kind = self.facts.value(item.value, s.uid).kind
                assert isinstance(kind, TupleOf)
                value = item.value
                if not isinstance(value, n.TupleExpr):
                    value = self.spot(value, s, pre)
                flat.extend(index(value, k) for k in range(len(kind.items)))
            return replace(e, items=tuple(flat))
        parts: list[n.Expr] = []
        for item in e.items:
            if isinstance(item, n.Starred):
                listed = isinstance(self.facts.value(item.value, s.uid).kind, ListOf)
                parts.append(item.value if listed else self.call("list", item.value))
            elif parts and isinstance(parts[-1], n.ListExpr):
                parts[-1] = n.ListExpr((*parts[-1].items, item))
            else:
                parts.append(n.ListExpr((item,)))
        total = parts[0] if len(parts) > 1 else self.call("list", parts[0])
        for part in parts[1:]:
            total = n.Binary("+", total, part)
        return self.call("tuple", total) if isinstance(e, n.TupleExpr) else total

    def merged(self, e: n.DictExpr, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Write `{**a, "b": x}` as a copy of a, then a store for each item."""
        table = n.Name(self.fresh("table"))
        first = e.keys[0] is None and isinstance(e.values[0], n.Name)
        pre.append(
            n.Assign(
                (table,),
                self.call("dict", e.values[0]) if first else n.DictExpr((), ()),
                origin=s.origin,
            )
        )
        for key, value in list(zip(e.keys, e.values))[1 if first else 0 :]:
            pre.extend(self.stored(table, key, value, s))
        return table
