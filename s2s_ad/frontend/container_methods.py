"""Methods that read or change lists and dicts, written out with stores, loops and `if`.

Takes an active call of a method with its facts, gives what is equivalent, None where there is
nothing to write out. Requires `ir`, `analysis`.

    xs.insert(0, y)        →      xs = xs[:0] + [y] + xs[0:]
    y = d.get("a", x)      →      y = d["a"] if "a" in d else x
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.frontend.questions import Questions
from s2s_ad.frontend.views import part_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, ListOf, Unknown
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, inside, is_starred, names, subexprs, substitute

CHANGING = frozenset({"pop", "setdefault"})
ONE = n.Const("1", 1)
# methods that change an array
ARRAY_CHANGES = frozenset({"fill", "sort"})
NONE = n.Const("None", None)
Statements = list[n.Stmt]


class Methods(Questions, ABC):
    """Writes out calls of methods (`by_method`) and statements (`changed_in_place`)."""

    def builtin(self, name: str) -> n.Name:
        """Return a builtin as it is written where the user may have taken its name."""
        return n.Name(self.alias(name))

    def call(self, name: str, *args: n.Expr) -> n.Call:
        return n.Call(self.builtin(name), args)

    def applied(self, f: n.Expr, *args: n.Expr) -> n.Expr:
        """Return the call of a function, of a lambda its body."""
        plain = isinstance(f, n.Lambda) and all(
            p.kind in ("normal", "positional_only") and p.default is None for p in f.params
        )
        if isinstance(f, n.Lambda) and plain and len(f.params) == len(args):
            return substitute(f.body, {p.name: a for p, a in zip(f.params, args)})
        return n.Call(f, args)

    def kept(self, value: n.Expr, wanted: str, s: n.Stmt, pre: Statements) -> n.Name:
        """Give a value a name in a statement in front of `s`."""
        temp = n.Name(self.fresh(wanted))
        pre.extend(self.again(n.Assign((temp,), value), s))
        known = {**self.facts.before[s.uid], temp.id: self.facts.value(value, s.uid)}
        self.facts.before[s.uid] = known
        return temp

    @abstractmethod
    def again(self, new: n.Stmt, s: n.Stmt) -> Statements:
        """Normalise a statement made from `s`, in the environment of `s`."""

    def order(self, items: n.Name, keywords: dict[str | None, n.Expr], function: n.Expr) -> n.Call:
        """Return a call that gets the places of the items where `function` gets the items."""
        places = self.call("range", self.call("len", items))
        key: n.Expr = n.Attribute(items, "__getitem__")
        if "key" in keywords and keywords["key"] != NONE:
            k = n.Name(self.names.fresh("k"))
            item = n.Subscript(items, k)
            key = n.Lambda((n.Param(k.id),), self.applied(keywords["key"], item))
        rest = tuple(n.Keyword(name, x) for name, x in keywords.items() if name != "key")
        return n.Call(function, (places,), (n.Keyword("key", key), *rest))

    def stored(self, table: n.Expr, key: n.Expr | None, value: n.Expr, s: n.Stmt) -> Statements:
        """Return the store of an item, or of all items of a dict."""
        if key is not None:
            return [n.Assign((n.Subscript(table, key),), value, origin=s.origin)]
        if isinstance(value, n.DictExpr) and None not in value.keys:
            pairs = zip(value.keys, value.values)
            return [x for k, v in pairs for x in self.stored(table, k, v, s)]
        k, item = n.Name(self.names.fresh("key")), n.Name(self.names.fresh("value"))
        body = (n.Assign((n.Subscript(table, k),), item, origin=s.origin),)
        items = n.Call(n.Attribute(value, "items"), ())
        return [n.For(n.TupleExpr((k, item)), items, body, origin=s.origin)]

    def by_method(self, e: n.Call, func: n.Attribute, s: n.Stmt, pre: Statements) -> n.Expr | None:
        owner = func.value
        value = self.facts.value(owner, s.uid)
        table = isinstance(value.kind, DictOf) or (isinstance(value.kind, Unknown) and value.varied)
        if e.keywords or any(isinstance(a, n.Starred) for a in e.args):
            return None
        if isinstance(value.kind, ListOf) and func.attr == "pop" and isinstance(owner, n.Name):
            return self.popped(owner, e, s, pre)
        if isinstance(value.kind, ListOf) and func.attr == "copy" and not e.args:
            return self.call("list", owner)
        if not table:
            return None
        if func.attr == "pop" and isinstance(value.kind, DictOf) and isinstance(owner, n.Name):
            return self.popped_key(owner, e, s, pre)
        if func.attr in ("values", "items") and not e.args:
            owner = self.spot(owner, s, pre)
            key = n.Name(self.names.fresh("key"))
            item: n.Expr = n.Subscript(owner, key)
            element = item if func.attr == "values" else n.TupleExpr((key, item))
            keys = n.Call(n.Attribute(owner, "keys"), ())
            return n.Comprehension("list", element, (n.Clause(key, keys),))
        if func.attr == "get" and len(e.args) in (1, 2):
            owner, key_ = self.spot(owner, s, pre), self.simple(e.args[0], s, pre)
            other = e.args[1] if len(e.args) == 2 else NONE
            present = n.Compare(key_, ("in",), (owner,))
            return n.IfExp(present, n.Subscript(owner, key_), other)
        if func.attr == "setdefault" and len(e.args) == 2 and isinstance(owner, n.Name):
            self.check_alone(owner.id, e, s)
            key_ = self.simple(e.args[0], s, pre)
            place = n.Subscript(owner, key_)
            store = n.Assign((place,), e.args[1], origin=s.origin)
            absent = n.Compare(key_, ("not in",), (owner,))
            pre.append(n.If((n.Branch(absent, (store,)),), (), origin=s.origin))
            return place
        return None

    def popped(self, owner: n.Name, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Take `xs.pop(i)` out of an expression: the item first, then the list without it."""
        self.check_alone(owner.id, e, s)
        item = n.Name(self.fresh("popped"))
        at = e.args[0] if e.args else n.Unary("-", ONE)
        k = constant_int(at)
        if k == -1:
            pre.append(n.Pop(item, owner.id, origin=s.origin))
            return item
        if not self.owned(owner.id, s):
            return None
        pre.append(n.Assign((item,), n.Subscript(owner, at), origin=s.origin))
        if k is None:
            size = self.call("len", owner)
            at = n.Name(self.fresh("at"))
            pre.append(n.Assign((at,), n.Binary("%", e.args[0], size), origin=s.origin))
        after = n.Binary("+", at, ONE) if k is None else n.Const(str(k + 1), k + 1)
        head = n.Subscript(owner, n.Slice(None, at, None))
        tail = n.Subscript(owner, n.Slice(after, None, None))
        pre.append(n.Assign((owner,), n.Binary("+", head, tail), origin=s.origin))
        return item

    def popped_key(self, owner: n.Name, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Take `d.pop(key)` out of an expression: the item first, then the dict without it."""
        self.check_alone(owner.id, e, s)
        if not self.owned(owner.id, s) or len(e.args) not in (1, 2):
            return None
        wanted = self.simple(e.args[0], s, pre)
        item, before = n.Name(self.fresh("popped")), n.Name(self.fresh(f"{owner.id}_before"))
        value: n.Expr = n.Subscript(owner, wanted)
        if len(e.args) == 2:
            value = n.IfExp(n.Compare(wanted, ("in",), (owner,)), value, e.args[1])
        key = n.Name(self.names.fresh("key"))
        others = n.Clause(key, before, (n.Compare(key, ("!=",), (wanted,)),))
        rest = n.Comprehension("dict", n.Subscript(before, key), (others,), key)
        pre.append(n.Assign((item,), value, origin=s.origin))
        pre.append(n.Assign((before,), owner, origin=s.origin))
        pre.append(n.Assign((owner,), rest, origin=s.origin))
        return item

    def shrinks(self, e: n.Expr, s: n.Stmt) -> bool:
        """True when a part of an expression takes an item out of an active list."""
        parts = (x.func for x in inside(e, n.Call))
        places = (f.value for f in parts if isinstance(f, n.Attribute) and f.attr == "pop")
        return any(isinstance(x, n.Name) and self.varied(x, s) for x in places)

    def check_alone(self, name: str, e: n.Call, s: n.Stmt) -> None:
        """Refuse a call that changes a container which the same statement reads."""
        reads = sum(x == n.Name(name) for x in all_parts(s))
        changes = sum(_changes(x, name) for x in all_parts(s))
        if reads > changes or any(x == n.Name(name) for a in e.args for x in subexprs(a)):
            raise self.refuse(
                s, f"`{name}` is changed and read in one statement", "use two statements", e
            )

    def spot(self, e: n.Expr, s: n.Stmt, pre: Statements) -> n.Expr:
        """Return a place that holds the value of `e`: itself, or a variable for it."""
        inner = e
        while isinstance(inner, n.Subscript) and isinstance(inner.index, (n.Name, n.Const)):
            inner = inner.value
        return e if isinstance(inner, n.Name) else self.kept(e, "table", s, pre)

    def simple(self, e: n.Expr, s: n.Stmt, pre: Statements, wanted: str = "key") -> n.Expr:
        """Return an expression that costs nothing to repeat: itself, or a variable for it."""
        return e if isinstance(e, (n.Name, n.Const)) else self.kept(e, wanted, s, pre)

    # -- statements

    def changed_in_place(self, s: n.ExprStmt) -> Statements | None:
        """Return the call of a method that changes a list or dict, written out."""
        e = s.value
        if not isinstance(e, n.Call) or not isinstance(e.func, n.Attribute):
            return None
        owner, name = e.func.value, e.func.attr
        root = part_of(owner, lambda x: self.facts.value(x, s.uid).kind) or owner
        if not isinstance(root, n.Name) or root.id not in self.facts.locals:
            return None
        if is_starred(e):
            return None
        value = self.facts.value(owner, s.uid)
        active = value.varied or any(
            self.varied(x, s) for x in (*e.args, *(k.value for k in e.keywords))
        )
        if not active:
            return None
        if isinstance(value.kind, Array):
            return self.changed_array(owner, name, e, s)
        if isinstance(value.kind, DictOf) and isinstance(owner, n.Name):
            return self.changed_dict(owner, name, e, s)
        if isinstance(value.kind, ListOf) and isinstance(owner, n.Name):
            return self.changed_list(owner, name, e, s)
        return None

    def changed_array(self, owner: n.Expr, name: str, e: n.Call, s: n.Stmt) -> Statements | None:
        new: n.Expr | None = None
        if name == "fill" and len(e.args) == 1 and not e.keywords:
            new = e.args[0]
        if name == "sort" and {k.name for k in e.keywords} <= {"axis"}:
            sort = n.Attribute(n.Name(self.alias("np")), "sort")
            new = n.Call(sort, (owner, *e.args), e.keywords)
        place = owner if isinstance(owner, n.Subscript) else n.Subscript(owner, n.ELLIPSIS)
        return None if new is None else [n.Assign((place,), new, origin=s.origin)]

    def changed_dict(self, owner: n.Name, name: str, e: n.Call, s: n.Stmt) -> Statements | None:
        if name == "update" and len(e.args) <= 1:
            out: Statements = []
            for other in e.args:
                kind = self.facts.value(other, s.uid).kind
                if not isinstance(kind, DictOf):
                    return None
                out.extend(self.stored(owner, None, other, s))
            for k in e.keywords:
                out.extend(self.stored(owner, n.Const(repr(k.name), k.name), k.value, s))
            return out
        if name == "setdefault" and len(e.args) == 2 and not e.keywords:
            pre: Statements = []
            self.by_method(e, n.Attribute(owner, name), s, pre)
            return pre
        if name == "pop" and len(e.args) in (1, 2) and not e.keywords:
            pre = []
            return pre if self.popped_key(owner, e, s, pre) is not None else None
        return None

    def changed_list(self, owner: n.Name, name: str, e: n.Call, s: n.Stmt) -> Statements | None:
        keywords = {k.name: k.value for k in e.keywords}
        if name == "extend" and len(e.args) == 1 and not keywords:
            return self.extended(owner, e.args[0], s)
        if not self.owned(owner.id, s):
            return None
        if name == "insert" and len(e.args) == 2 and not keywords:
            pre: Statements = []
            at = self.simple(e.args[0], s, pre)
            head = n.Subscript(owner, n.Slice(None, at, None))
            tail = n.Subscript(owner, n.Slice(at, None, None))
            new = n.Binary("+", n.Binary("+", head, n.ListExpr((e.args[1],))), tail)
            return [*pre, n.Assign((owner,), new, origin=s.origin)]
        if name == "reverse" and not e.args and not keywords:
            backwards = n.Slice(None, None, n.Unary("-", ONE))
            return [n.Assign((owner,), n.Subscript(owner, backwards), origin=s.origin)]
        if name == "sort" and not e.args and keywords.keys() <= {"key", "reverse"}:
            before = n.Name(self.fresh(f"{owner.id}_unsorted"))
            order = n.Name(self.fresh("order"))
            k = n.Name(self.names.fresh("k"))
            again = n.Comprehension("list", n.Subscript(before, k), (n.Clause(k, order),))
            return [
                n.Assign((before,), owner, origin=s.origin),
                n.Assign(
                    (order,), self.order(before, keywords, self.builtin("sorted")), origin=s.origin
                ),
                n.Assign((owner,), again, origin=s.origin),
            ]
        if name == "clear" and not e.args:
            return [n.Assign((owner,), n.ListExpr(()), origin=s.origin)]
        if name == "pop" and len(e.args) <= 1 and not keywords:
            pre = []
            return pre if self.popped(owner, e, s, pre) is not None else None
        return None

    def taken_in(self, s: n.AugAssign) -> Statements | None:
        """Write out `xs += items` where the items are no list, and `d |= other`."""
        if not isinstance(s.target, n.Name):
            return None
        kind, value = self.facts.value(s.target, s.uid).kind, self.facts.value(s.value, s.uid)
        if not (value.varied or self.varied(s.target, s)):
            return None
        if s.op == "|" and isinstance(kind, DictOf) and isinstance(value.kind, DictOf):
            return self.stored(s.target, None, s.value, s)
        if s.op != "+" or not isinstance(kind, ListOf):
            return None
        whole = isinstance(value.kind, ListOf) and not isinstance(s.value, n.ListExpr)
        return None if whole else self.extended(s.target, s.value, s)

    def opened(self, target: n.Expr, e: n.Expr, s: n.For) -> tuple[n.Expr, n.Block]:
        """Return a loop's target with a name for each item of a `zip` and the like.

        The statements put together what the user's target names: `for pair in zip(a, b)` becomes
        `for item, item2 in zip(a, b)` with `pair = (item, item2)` first.
        """
        called = self.loop_call(e, s)
        if e == NONE or not self.varied(e, s):
            return target, ()
        starred = isinstance(target, (n.TupleExpr, n.ListExpr)) and any(
            isinstance(t, n.Starred) for t in target.items
        )
        if starred and called not in (builtins.zip, builtins.enumerate, "items"):
            item = n.Name(self.names.fresh("item"))
            return item, (n.Assign((target,), item, origin=s.origin),)
        if not isinstance(e, n.Call):
            return target, ()
        if called is builtins.reversed and len(e.args) == 1:
            return self.opened(target, e.args[0], s)
        parts: tuple[n.Expr, ...] = ()
        if called is builtins.zip and not any(isinstance(a, n.Starred) for a in e.args):
            parts = e.args
        elif called is builtins.enumerate and e.args:
            parts = (NONE, e.args[0])
        elif called == "items" and isinstance(e.func, n.Attribute) and e.func.attr == "items":
            parts = (NONE, NONE)
        first: n.Block = ()
        if parts and (isinstance(target, n.Name) or starred):
            items = tuple(n.Name(self.names.fresh("item")) for _ in parts)
            first = (n.Assign((target,), n.TupleExpr(items), origin=s.origin),)
            target = n.TupleExpr(items)
        if not isinstance(target, (n.TupleExpr, n.ListExpr)) or len(target.items) != len(parts):
            return target, first
        inner = [self.opened(t, part, s) for t, part in zip(target.items, parts)]
        new = replace(target, items=tuple(t for t, _ in inner))
        return new, (*(x for _, block in inner for x in block), *first)

    def extended(self, owner: n.Name, items: n.Expr, s: n.Stmt) -> Statements | None:
        """Return `append` for each of the items."""
        if isinstance(items, (n.ListExpr, n.TupleExpr)):
            if any(isinstance(item, n.Starred) for item in items.items):
                return None
            if owner.id not in names(items):
                return [n.Append(owner.id, item, origin=s.origin) for item in items.items]
        pre: Statements = []
        source = items
        if owner.id in names(items):
            source = n.Name(self.fresh("items"))
            pre.append(n.Assign((source,), self.call("list", items), origin=s.origin))
        item = n.Name(self.names.fresh("item"))
        body = (n.Append(owner.id, item, origin=s.origin),)
        return [*pre, n.For(item, source, body, origin=s.origin)]

    def owned(self, name: str, s: n.Stmt) -> bool:
        """True when no other name may share the list that `name` holds before `s`."""
        return name in self.unshared.get(s.uid, frozenset())


def _changes(e: n.Expr, name: str) -> bool:
    """True for a call of a method of the container `name` that changes it."""
    func = e.func if isinstance(e, n.Call) else None
    return isinstance(func, n.Attribute) and func.value == n.Name(name) and func.attr in CHANGING
