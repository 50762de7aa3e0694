"""How a loop runs backwards: its index, what it runs over, and what its targets were.

Takes a `For` in normal form, gives a `LoopForm`; requires `ir`, `analysis`.

    for i, v in enumerate(x):      →     for i in reversed(range(len(x))):
                                             v = x[i]
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.kinds import DictOf, OneTime, Unknown
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import map_expr, names, target_names, walk_stmts
from s2s_ad.transform.context import Context


@dataclass(frozen=True)
class LoopForm:
    """A loop to be run backwards.

    target: what the reversed loop binds. forward: an indexable that lists the values of `target`
    in the order of the primal. backward: the same in reverse order. elements: what the other
    targets of the primal are, given `target`. counter: the variable that counts the items.
    index: that variable, where it was made for this.
    before: statements in front of the reversed loop: keys of dicts, listed. kept: the list in which
    the forward sweep keeps the values of `target`, where what it runs over is used up by that, or
    changed on the way.
    """

    target: n.Expr
    forward: n.Expr
    backward: n.Expr
    elements: tuple[tuple[n.Expr, n.Expr], ...] = ()
    counter: str | None = None
    index: str | None = None
    before: tuple[n.Stmt, ...] = ()
    kept: n.Name | None = None


def loop_form(context: Context, s: n.For) -> LoopForm:
    """Return how `s` runs backwards."""
    return _Form(context, s).form()


def in_order(context: Context, e: n.Expr, of: n.Expr, uid: int) -> n.Expr:
    """Return what is run over, `of` or its tangent, refused where that turns out to be a dict."""
    unknown = isinstance(context.kind(of, uid), Unknown)
    return n.Call(context.helper("sequence"), (e,)) if unknown else e


def with_order(context: Context, form: LoopForm, reverse: n.Block, uid: int) -> LoopForm:
    """Return the loop over the positions of what has an order, if the items at them are read or
    added to: a dict, of which nothing may be known, has other things there."""
    if form.counter is None:
        return form
    read = mentioned(reverse)
    owners = [
        value.value
        for target, value in form.elements
        if isinstance(value, n.Subscript)
        and any({x, context.mark(x, "bar")} & read for x in target_names(target))
    ]
    if not owners:
        return form
    size = n.Name(context.alias("len"))

    def visit(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Call) and e.func == size and e.args[0] in owners:
            return replace(e, args=(in_order(context, e.args[0], e.args[0], uid),))
        return e

    backward = map_expr(form.backward, visit)
    return replace(form, forward=map_expr(form.forward, visit), backward=backward)


class _Form:
    def __init__(self, context: Context, s: n.For) -> None:
        self.context = context
        self.s = s
        self.keys: dict[n.Expr, n.Name] = {}

    def callee(self, e: n.Expr) -> object:
        if not isinstance(e, n.Call):
            return None
        found = self.context.facts.object_of(e.func, self.s.uid)
        return found[0] if found else None

    def builtin(self, name: str) -> n.Expr:
        return n.Name(self.context.alias(name))

    def reverse(self, e: n.Expr) -> n.Expr:
        return n.Call(self.builtin("reversed"), (e,))

    def form(self) -> LoopForm:
        e, target = self.s.iter, self.s.target
        called = self.callee(e)
        if called is builtins.range:
            return LoopForm(target, e, self.reverse(e))
        if called is builtins.reversed and isinstance(e, n.Call):
            inner = self.callee(e.args[0])
            if inner is builtins.range:
                whole = n.Slice(None, None, n.Unary("-", n.Const("1", 1)))
                return LoopForm(target, n.Subscript(e.args[0], whole), e.args[0])
            if isinstance(self.context.kind(e.args[0], self.s.uid), DictOf):
                # the keys of a dict stay as they are while a loop runs over it
                listed = n.Call(self.builtin("list"), (self.reverse(e.args[0]),))
                return LoopForm(target, listed, e.args[0])
        kind = self.context.kind(e, self.s.uid)
        if isinstance(kind, DictOf):
            return self.over_keys(target, e, ())
        view = e.func if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) else None
        view = None if called is not None else view
        if view is not None and view.attr == "keys":
            return self.over_keys(target, view.value, ())
        if self.is_changed(e):
            return self.as_it_was(target, e)
        if view is not None:
            owner = view.value
            if view.attr == "values":
                key = n.Name(self.context.names.fresh("key"))
                return self.over_keys(key, owner, ((target, n.Subscript(owner, key)),))
            if view.attr == "items" and isinstance(target, (n.TupleExpr, n.ListExpr)):
                key_target, value = target.items
                if isinstance(key_target, n.Name):
                    item = n.Subscript(owner, key_target)
                    return self.over_keys(key_target, owner, ((value, item),))
        if not self.varies(e) and self.is_used_up(e):
            return self.as_it_was(target, e)
        return self.by_index(target, e)

    def is_changed(self, e: n.Expr) -> bool:
        """True when the loop may change what it runs over: it will be something else at its end."""
        inside = [self.context.changed(x) for x in walk_stmts(self.s.body)]
        updated = [x.target for x in walk_stmts(self.s.body) if isinstance(x, n.AugAssign)]
        inside += [names(t) for t in updated if isinstance(t, n.Name)]
        return not names(e).isdisjoint(frozenset().union(*inside))

    def as_it_was(self, target: n.Expr, e: n.Expr) -> LoopForm:
        """Return the loop over what the targets were at each step, which is kept."""
        if self.varies(e):
            message = f"a loop over `{expr_text(e)}` that changes what it runs over"
            raise self.context.refuse(self.s, e, message, "run over a copy: `list(...)`")
        kept = n.Name(self.context.names.fresh("items"))
        return LoopForm(target, kept, self.reverse(kept), kept=kept)

    def is_used_up(self, e: n.Expr) -> bool:
        """True for what may be an iterator: passive values of which nothing is known."""
        if isinstance(e, n.Call) and self.callee(e) is builtins.zip:
            return any(map(self.is_used_up, e.args))
        if isinstance(e, n.Call) and self.callee(e) is builtins.enumerate:
            return self.is_used_up(e.args[0])
        if isinstance(e, n.Call) and self.callee(e) is builtins.reversed:
            return False
        kind = self.context.kind(e, self.s.uid)
        return isinstance(kind, Unknown) and not self.varies(e) and self.view(e) is None

    def varies(self, e: n.Expr) -> bool:
        return self.context.facts.varied(e, self.s.uid)

    def over_keys(
        self, target: n.Expr, owner: n.Expr, elements: tuple[tuple[n.Expr, n.Expr], ...]
    ) -> LoopForm:
        listed = n.Call(self.builtin("list"), (owner,))
        split = tuple(x for t, v in elements for x in _matched(t, v))
        return LoopForm(target, listed, self.reverse(owner), split)

    def by_index(self, target: n.Expr, e: n.Expr) -> LoopForm:
        index: n.Name | None = None
        counted = e if isinstance(e, n.Call) and self.callee(e) is builtins.enumerate else None
        plain = counted is not None and len(counted.args) == 1 and not counted.keywords
        if counted is not None and plain and isinstance(target, (n.TupleExpr, n.ListExpr)):
            first = target.items[0]
            if isinstance(first, n.Name):
                index = first
                target, e = target.items[1], counted.args[0]
        fresh = None
        if index is None:
            fresh = self.context.names.fresh("i")
            index = n.Name(fresh)
        forward = n.Call(self.builtin("range"), (self.length(e),))
        elements = tuple(_matched(target, self.element(e, index)))
        before = tuple(
            n.Assign((keys,), n.Call(self.builtin("list"), (owner,)), of=self.s.uid)
            for owner, keys in self.keys.items()
        )
        return LoopForm(index, forward, self.reverse(forward), elements, index.id, fresh, before)

    def length(self, e: n.Expr) -> n.Expr:
        called = self.callee(e)
        if isinstance(e, n.Call) and called is builtins.zip:
            sizes = []
            for arg in e.args:
                size = self.length(arg)
                if size not in sizes:
                    sizes.append(size)
            if len(sizes) == 1:
                return sizes[0]
            return n.Call(self.builtin("min"), tuple(sizes))
        if isinstance(e, n.Call) and called in (builtins.enumerate, builtins.reversed):
            return self.length(e.args[0])
        view = self.view(e)
        if view is None and isinstance(self.context.kind(e, self.s.uid), OneTime):
            raise self.context.refuse(
                self.s, e, "an iterator beside active values", "make it a list, or use a range"
            )
        return n.Call(self.builtin("len"), (e if view is None else view[0],))

    def element(self, e: n.Expr, index: n.Expr) -> n.Expr:
        called = self.callee(e)
        if isinstance(e, n.Call) and called is builtins.zip:
            return n.TupleExpr(tuple(self.element(arg, index) for arg in e.args))
        if isinstance(e, n.Call) and called is builtins.enumerate:
            start = e.args[1] if len(e.args) > 1 else None
            for keyword in e.keywords:
                start = keyword.value
            count = index if start is None else n.Binary("+", index, start)
            return n.TupleExpr((count, self.element(e.args[0], index)))
        if isinstance(e, n.Call) and called is builtins.reversed:
            last = n.Binary("-", self.length(e.args[0]), n.Const("1", 1))
            return self.element(e.args[0], n.Binary("-", last, index))
        view = self.view(e)
        if view is None:
            return n.Subscript(e, index)
        owner, what = view
        key = n.Subscript(self.keys_of(owner), index)
        item = n.Subscript(owner, key)
        return {"keys": key, "values": item}.get(what, n.TupleExpr((key, item)))

    def view(self, e: n.Expr) -> tuple[n.Expr, str] | None:
        """Return the dict that `e` runs over, and what of it; None for what has an order."""
        if isinstance(self.context.kind(e, self.s.uid), DictOf):
            return e, "keys"
        if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and not e.args:
            owner = e.func.value
            known = isinstance(self.context.kind(owner, self.s.uid), (DictOf, Unknown))
            if known and e.func.attr in ("keys", "values", "items") and self.callee(e) is None:
                return owner, e.func.attr
        return None

    def keys_of(self, owner: n.Expr) -> n.Name:
        if owner not in self.keys:
            self.keys[owner] = n.Name(self.context.names.fresh("keys"))
        return self.keys[owner]


def _matched(target: n.Expr, value: n.Expr) -> list[tuple[n.Expr, n.Expr]]:
    """Return the plain targets with the parts of the value they get."""
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        pairs: list[tuple[n.Expr, n.Expr]] = []
        for k, item in enumerate(target.items):
            if isinstance(value, n.TupleExpr):
                pairs.extend(_matched(item, value.items[k]))
            else:
                pairs.extend(_matched(item, n.Subscript(value, n.Const(str(k), k))))
        return pairs
    return [(target, value)]
