"""The adjoint of an expression: what a differential of its value contributes to each variable.

Takes an expression of the primal and a differential, gives contributions by place (a variable, or
an element of one); requires `ir`, `rules`, `analysis`, `simplify.algebra` via the caller.

Expressions are pulled back as trees, by the chain rule from the root to the leaves; nothing is
named unless a differential is costly and is used more than once.
"""

from __future__ import annotations

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.rows import copies_rows
from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    NoneKind,
    Number,
    TupleOf,
    Unknown,
    is_discrete,
)
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, each_of, names, subexprs
from s2s_ad.rules.registry import Choice
from s2s_ad.rules.results import literal
from s2s_ad.transform.callees import Callees
from s2s_ad.transform.context import Diff, NeedsName
from s2s_ad.transform.extremes import shares
from s2s_ad.transform.fitting import added_axes, is_negative, without_axes
from s2s_ad.transform.hints import unsupported
from s2s_ad.transform.no_source import no_source
from s2s_ad.transform.picking import picked_by
from s2s_ad.transform.reading import as_value, slice_call
from s2s_ad.transform.shapes import keeps_all, same_shape, shape_of
from s2s_ad.transform.short_forms import Part, short_form
from s2s_ad.transform.side_by_side import joined, neighbours, stacked
from s2s_ad.transform.templates import uses
from s2s_ad.transform.untaken import is_steep


class Pullback(Callees):
    """The walk from an expression to the places that its differential reaches."""

    # -- the walk

    def pull(self, e: n.Expr, d: Diff, out: n.Expr | None = None) -> None:
        """Add what the differential `d` of `e` contributes. out: a variable that holds `e`."""
        value = self.value(e)
        if not value.varied or d.expr == n.ZERO:
            return  # zero times an array is written as a number, which has not its shape
        if isinstance(e, n.Name) and e.id in self.context.transparent:
            self.pull(self.context.transparent[e.id], d, e)
        elif isinstance(e, n.Name):
            self.add(e, d)
        elif isinstance(e, n.Subscript):
            self.context.check_item(e, self.s)
            self.element(e, d, value.kind)
        elif isinstance(e, (n.TupleExpr, n.ListExpr)):
            self.display(e, d)
        elif isinstance(e, n.DictExpr):
            d = self.named(d, "value_bar")
            for key, item in zip(e.keys, e.values):
                if key is None:
                    raise self.refused(e, "`**` in an active dict", "add the items one by one")
                kind = self.value(item).kind
                self.pull(item, Diff(n.Subscript(d.expr, key), kind))
        elif isinstance(e, n.Binary) and self.lists(e):
            self.joined(e, d, out)
        elif (parts := self.short_form(e)) is not None:
            if len(parts) > 1 and _operations(d.expr) >= 3:
                d = self.named(d, self.bar_name(e))
            for operand, slope in parts:
                part = Diff(self.product(slope(d.expr)), self.value(operand).kind)
                self.pull(operand, part)
        elif isinstance(e, (n.Unary, n.Binary, n.Attribute)):
            choice = self.context.choice(e, self.s)
            if choice is None:
                raise self.unsupported(e)
            self.rule(e, choice, d, out)
        elif isinstance(e, n.Call):
            self.call(e, d, out)
        elif copies_rows(e, self.context.facts, self.s.uid):
            self.pull(e.clauses[0].iter, d)
        else:
            raise self.unsupported(e)

    def short_form(self, e: n.Expr) -> list[Part] | None:
        """Return the operands with a derivative of its own that an expression of numbers has."""
        parts = short_form(e, lambda func: self.context.facts.object_of(func, self.s.uid))
        if parts is None or not all(isinstance(self.value(x).kind, Number) for x, _ in parts):
            return None
        return [part for part in parts if self.value(part[0]).varied]

    def joined(self, e: n.Binary, d: Diff, out: n.Expr | None) -> None:
        """Contribute to both parts of a concatenation, or to what is repeated."""
        if not isinstance(self.value(e).kind, (ListOf, TupleOf)):
            raise self.list_operator(e)
        if e.op == "*":
            self.repeated(e, d, out)
            return
        if e.op != "+":
            raise self.list_operator(e)
        d = self.named(d, "items_bar")
        size = self.length(e.left)
        parts = (n.Slice(None, size, None), n.Slice(size, None, None))
        for operand, part in zip((e.left, e.right), parts):
            kind = self.value(operand).kind
            self.pull(operand, Diff(n.Subscript(d.expr, part), kind))

    def length(self, e: n.Expr) -> n.Expr:
        """Return the number of items of a list: `len(xs) + 1` for `xs + [x]`."""
        if isinstance(e, (n.ListExpr, n.TupleExpr)):
            if not any(isinstance(item, n.Starred) for item in e.items):
                return n.Const(str(len(e.items)), len(e.items))
        elif isinstance(e, n.Binary) and e.op == "+":
            return n.Binary("+", self.length(e.left), self.length(e.right))
        return n.Call(n.Name(self.context.alias("len")), (e,))

    def repeated(self, e: n.Binary, d: Diff, out: n.Expr | None) -> None:
        """Contribute to the items of `items * n`: each gets what all its copies have."""
        items, count = e.left, e.right
        if not isinstance(self.value(items).kind, (ListOf, TupleOf)):
            items, count = count, items
        if self.value(count).varied:
            raise self.list_operator(e)
        if isinstance(items, (n.ListExpr, n.TupleExpr)) and len(items.items) == 1:
            each = n.Call(n.Name(self.context.alias("sum")), (d.expr,))
            item = items.items[0]
            if isinstance(self.value(item).kind, Number):
                self.pull(item, Diff(each, self.value(item).kind))
                return
        call = n.Call(self.context.helper("unrepeat"), (d.expr, items))
        self.pull(items, Diff(call, UNKNOWN))

    def unsupported(self, e: n.Expr) -> Exception:
        return self.refused(e, *unsupported(e, self.context.or_tell))

    def add(self, place: n.Expr, contribution: Diff) -> None:
        self.places.setdefault(place, []).append(contribution)

    def full_total(self, place: n.Expr, total: n.Expr, parts: list[Diff]) -> n.Expr:
        """Return a sum of contributions in the shape of its variable."""
        if not isinstance(place, n.Name):
            return total
        kind = self.value(place).kind
        if parts and all(same_shape(p.kind, kind) for p in parts):
            return total
        # parts that cancelled each other, or are zero, say nothing of the shape of the rest
        parts = [p for p in parts if names(p.expr) and keeps_all(p.expr, total)] or parts
        if any(same_shape(p.kind, kind) for p in parts):
            return total
        whole = shape_of(*(p.kind for p in parts))
        small = all(p.small for p in parts)
        return self.full(Diff(total, whole, small), place, kind).expr

    def call(self, e: n.Call, d: Diff, out: n.Expr | None) -> None:
        copied = self.copy_of(e)
        if copied is not None:
            kind = self.value(copied).kind
            if isinstance(kind, Array):
                d = Diff(n.Call(self.context.np("array"), (d.expr,)), kind)
            elif e.func == n.Name(self.context.alias("dict")):
                # the copy may have got more keys since
                d = self.named(d, "items_bar")
                key = n.Name(self.context.names.fresh("key"))
                clause = n.Clause(key, copied)
                part = n.Subscript(d.expr, key)
                d = Diff(n.Comprehension("dict", part, (clause,), key), kind)
            elif isinstance(kind, Unknown) and isinstance(copied, n.Name):
                # it may be an array, or a dict, of which a list holds the keys
                d = Diff(n.Call(self.context.helper("unbroadcast"), (d.expr, copied)), kind)
            self.pull(copied, d, out)
            return
        choice = self.context.choice(e, self.s)
        if choice is not None:
            if not self.extreme(e, d) and not self.difference(choice, d):
                self.rule(e, choice, d, out)
            return
        plan = self.context.plan(e, self.s, "adjoint")
        if plan is None and self.context.followed(e, self.s) is not None:
            raise NeedsName(self.s.uid, e, callee=True)
        if plan is None:
            raise no_source(self.context, e, self.s)
        if not plan.cheap:
            raise NeedsName(self.s.uid, e, callee=True)
        named = out if isinstance(out, n.Name) else e
        d = self.full(d, named, plan.result.kind)
        self.small_callee(plan, e, out, d)

    def extreme(self, e: n.Call, d: Diff) -> bool:
        """Pull back to the arguments of a `max` or `min` of several numbers; False for others."""
        found = self.context.facts.object_of(e.func, self.s.uid)
        values = [self.value(a) for a in e.args]
        numbers = all(v.varied and isinstance(v.kind, Number) for v in values)
        if found is None or not numbers or self.context.compiled:
            return False
        parts = shares(e, found[0], d.expr, self.context.names.fresh)
        if parts is None:
            return False
        self.before.extend(parts[0])
        self.bar_kinds[parts[2]] = d.kind
        for item, part in zip(e.args, parts[1]):
            self.pull(item, Diff(part, self.value(item).kind))
        return True

    def copy_of(self, e: n.Call) -> n.Expr | None:
        """Return x when `e` is `list(x)`, `tuple(x)` or `dict(x)` of a container."""
        found = self.context.facts.object_of(e.func, self.s.uid)
        if found and found[0] in (list, tuple, dict) and len(e.args) == 1 and not e.keywords:
            kind = self.value(e.args[0]).kind
            known = isinstance(kind, (ListOf, TupleOf, DictOf, Array))
            inner = e.args[0]
            if known or not isinstance(inner, n.Call) or self.context.choice_exists(inner, self.s):
                return inner
        return None

    def difference(self, choice: Choice, d: Diff) -> bool:
        """Contribute to both operands of a difference along an axis, of an array with a name."""
        array = choice.arguments.get("a")
        if (choice.rule.namespace, choice.rule.name) != ("np", "diff") or len(choice.arguments) > 3:
            return False
        if literal(choice.arguments.get("n")) != 1:
            return False  # differences of differences
        if not isinstance(array, n.Name) or array.id in self.context.transparent:
            return False
        if array.id in assigned((self.s,)):
            return False  # the adjoint is still that of its new value
        places = neighbours(self.value(array).kind, literal(choice.arguments.get("axis")))
        if places is None:
            return False
        d = self.named(d, "diff_bar")
        for place, expr in zip(places, (d.expr, n.Unary("-", d.expr))):
            self.pull(n.Subscript(array, place), replace(d, expr=expr))
        return True

    # -- rules

    def rule(self, e: n.Expr, choice: Choice, d: Diff, out: n.Expr | None) -> None:
        """Pull `d` back through a rule to each active argument."""
        rule = choice.rule
        active = [
            p.name
            for p in rule.params
            if p.name in rule.adjoint and self.value(choice.arguments[p.name]).varied
        ]
        kind = self.value(e).kind
        named = out if isinstance(out, n.Name) else e
        if rule.shape != "out" and not self.is_expand(choice, active):
            d = self.full(d, named, kind)
        again = any(uses(rule.adjoint[p], "d") > 1 for p in active)
        few = len(self.summands(e)) < 3 and not again
        heavy = 3 if isinstance(d.kind, Number) and few else 1
        if (len(active) > 1 or again) and _operations(d.expr) >= heavy:
            positive = self.product(n.Unary("-", d.expr))
            simple = isinstance(e, n.Binary) and e.op in "+-*/"
            scaled = isinstance(factors(positive)[0][1], n.Const)  # its number takes the sign
            turned = is_negative(self.product(d.expr)) and not is_negative(positive)
            if simple and turned and not scaled:
                # a sign costs nothing where it stands in front of what is added
                d = self.named(replace(d, expr=positive), self.bar_name(e))
                d = replace(d, expr=n.Unary("-", d.expr))
            else:
                d = self.named(d, self.bar_name(e))
        result = out
        places = self.written_out_places(choice) if rule.shape != "out" else None
        if places is not None:
            self.parts(choice, places, d)
            return
        untaken = self.is_where(choice)
        sides = () if untaken else self.sides(e)
        # what NumPy spread this and its operands out to
        whole, shape = d.wide or (named, kind)
        for p in active:
            choice = self.unguarded(self.by_result(choice, p, out), p, e)
            choice = self.flattened(self.blanked(choice, p, e, shape), p)
            template = choice.rule.adjoint[p]
            if result is None and "out" in self.reads(choice, template):
                result = self.result_of(e, kind, template)
            argument = choice.arguments[p]
            contribution = self.filled(choice, p, d, result or n.Name("out"))
            new = self.reduction(choice, p, d, result or n.Name("out"), kind) or self.partial(
                choice, p, contribution, d, kind
            )
            masks, blank, steep = self.masks, self.blank, self.steep
            self.steep = is_steep(template, self.context.helper) or (steep and self.hands_on(e))
            if rule.shape == "out":
                if self.is_masked(shape) and not self.is_safe(choice, p, e):
                    new = self.masked(new)
                new = self.fit(new, whole, shape, argument)
                if untaken and p in ("x", "y"):
                    self.masks = [*masks, (choice.arguments["condition"], p == "x", shape)]
                self.blank = blank or argument in sides
            else:
                # the entries of its argument are not those that the condition chooses from
                self.masks, self.blank = [], blank or bool(masks)
            if rule.shape == "whole":
                new = self.fit(replace(new, kind=kind), named, kind, argument)
            self.pull(argument, new)
            self.masks, self.blank, self.steep = masks, blank, steep

    def summands(self, e: n.Expr) -> list[n.Expr]:
        """Return the active parts of a sum, of the sums in it too."""
        if isinstance(e, n.Binary) and e.op in "+-":
            return [*self.summands(e.left), *self.summands(e.right)]
        return [e] if self.value(e).varied else []

    # -- places

    def written_out_places(self, choice: Choice) -> list[n.Expr] | None:
        """Return where arrays that are written out in `np.stack([a, b])` are in its result."""
        template = choice.rule.adjoint.get("arrays")
        arrays = choice.arguments.get("arrays")
        axis = literal(choice.arguments.get("axis"))
        if not isinstance(template, n.Call) or not isinstance(arrays, (n.TupleExpr, n.ListExpr)):
            return None
        if type(axis) is not int or not arrays.items:
            return None
        kinds = [self.value(item).kind for item in arrays.items]
        if template.func == self.context.helper("unstack"):
            return stacked(kinds, axis)
        if template.func != self.context.helper("split_like"):
            return None

        def length(k: int) -> n.Expr | None:
            array = self.stand_in(arrays.items[k])
            if array is None:
                raise self.needs_name(arrays.items[k])
            if axis == 0:
                return n.Call(n.Name(self.context.alias("len")), (array,))
            return n.Subscript(n.Attribute(array, "shape"), n.Const(str(axis), axis))

        return joined(kinds, axis, length)

    def parts(self, choice: Choice, places: list[n.Expr], d: Diff) -> None:
        """Contribute to arrays that are written out in a call, each at its place in the result."""
        d = self.named(d, "items_bar")
        arrays = choice.arguments["arrays"]
        assert isinstance(arrays, (n.TupleExpr, n.ListExpr))
        for item, place in zip(arrays.items, places):
            self.pull(item, Diff(n.Subscript(d.expr, place), self.value(item).kind))

    def element(self, e: n.Subscript, d: Diff, kind: Kind) -> None:
        """Contribute to an element or slice of a variable: `x_bar[i] += d`."""
        base = e.value
        owner = self.value(base)
        axes = added_axes(e.index)
        ranks = [len(k.dims) for k in (owner.kind, kind) if isinstance(k, Array) and k.dims]
        if axes and len(ranks) == 2 and ranks[1] == ranks[0] + len(axes):
            flat = without_axes(d, axes, ranks[1])
            if flat is not None:
                self.pull(base, flat)
                return
        if isinstance(owner.kind, ListOf) and e.index == n.ALL:
            self.pull(base, Diff(d.expr, owner.kind))
            return
        if not self.is_place(base):
            self.indexed_value(e, d, owner.kind)
            return
        index = e.index
        root: n.Expr = base
        while isinstance(root, n.Subscript):
            root = root.value
        assert isinstance(root, n.Name)
        if root.id in self.context.transparent:
            raise NeedsName(self.s.uid, root)
        if isinstance(owner.kind, (ListOf, TupleOf)) and isinstance(index, n.Slice):
            call = n.Call(self.context.helper("scatter"), (d.expr, base, slice_call(index)))
            self.pull(base, Diff(call, owner.kind))
            return
        if isinstance(owner.kind, Number) or (
            isinstance(owner.kind, Unknown)
            and (self.repeats(index, owner.kind) or self.context.adds_axes(index, self.s.uid))
        ):
            call = n.Call(self.context.helper("scatter"), (d.expr, base, as_value(index)))
            self.pull(base, Diff(call, owner.kind))
            return
        if isinstance(d.kind, Number) and isinstance(kind, (ListOf, TupleOf)):
            d = Diff(d.expr, UNKNOWN)
        if isinstance(kind, (ListOf, TupleOf, DictOf)) or (
            isinstance(kind, Unknown) and not isinstance(owner.kind, Array)
        ):
            place = self.bar_place(e)
            value = n.Call(self.context.helper("add"), (place, d.expr))
            self.scattered.append(n.Assign((place,), value))
            self.touch(e)
            return
        if self.repeats(index, owner.kind):
            add_at = n.Attribute(self.context.np("add"), "at")
            call = n.Call(add_at, (self.bar_place(base), as_value(index), d.expr))
            self.scattered.append(n.ExprStmt(call))
            self.touch(e)
            return
        self.add(e, d)

    def indexed_value(self, e: n.Subscript, d: Diff, owner: Kind) -> None:
        """Contribute to an item of an expression that is not a variable."""
        if isinstance(e.value, (n.TupleExpr, n.ListExpr)):
            k = constant_int(e.index)
            if k is not None and -len(e.value.items) <= k < len(e.value.items):
                self.pull(e.value.items[k], d)
                return
        choice = self.choice_of_item(e.value, constant_int(e.index))
        if choice is not None:
            self.rule(e.value, choice, d, None)
            return
        raise NeedsName(self.s.uid, e.value, callee=True)

    def touch(self, e: n.Subscript) -> None:
        """Note that the adjoint of the variable at the root is changed in place."""
        root: n.Expr = e
        while isinstance(root, n.Subscript):
            root = root.value
        self.places.setdefault(root, [])

    def is_place(self, e: n.Expr) -> bool:
        while isinstance(e, n.Subscript):
            if not isinstance(self.value(e.value).kind, (ListOf, TupleOf, DictOf, Array, Unknown)):
                return False
            if isinstance(e.index, n.Slice) and not isinstance(self.value(e.value).kind, Array):
                return False
            if self.gathers(e.index, self.value(e.value).kind):
                return False  # a copy, in which nothing reaches the adjoint
            e = e.value
        return isinstance(e, n.Name) and e.id in self.context.facts.locals

    def bar_place(self, e: n.Expr) -> n.Expr:
        if isinstance(e, n.Subscript):
            return n.Subscript(self.bar_place(e.value), e.index)
        assert isinstance(e, n.Name)
        return n.Name(self.context.mark(e.id, "bar"))

    def repeats(self, index: n.Expr, owner: Kind) -> bool:
        """True when an index may name an element twice: an integer or unknown array."""
        picked = picked_by(self.context, index, self.s.uid) is not None
        return self.gathers(index, owner, masks=False) and not picked

    def gathers(self, index: n.Expr, owner: Kind, masks: bool = True) -> bool:
        """True when an index may be an array, which gives a copy. masks: of booleans too."""
        if not isinstance(owner, (Array, Unknown)):
            return False
        items = each_of(index)
        for item in items:
            if isinstance(item, (n.Slice, n.Const)):
                continue
            kind = self.value(item).kind
            if isinstance(kind, (Number, NoneKind)):
                continue
            if not masks and isinstance(kind, Array) and kind.dtype == "bool":
                continue
            return True
        return False

    def display(self, e: n.TupleExpr | n.ListExpr, d: Diff) -> None:
        if any(isinstance(item, n.Starred) and self.value(item.value).varied for item in e.items):
            raise self.refused(e, "a starred active value in a display", "add its items one by one")
        d = self.named(d, "items_bar")
        for k, item in enumerate(e.items):
            if not self.value(item).varied:
                continue
            part = n.Subscript(d.expr, self.place_of(e.items, k))
            kind = self.value(item).kind
            self.pull(item, Diff(part, UNKNOWN if is_discrete(kind) else kind))

    def place_of(self, items: tuple[n.Expr, ...], k: int) -> n.Expr:
        """Return the index of item k of a display, counted from its end behind what a star adds."""
        if not any(isinstance(item, n.Starred) for item in items[:k]):
            return n.Const(str(k), k)
        if not any(isinstance(item, n.Starred) for item in items[k + 1 :]):
            behind = len(items) - k
            return n.Unary("-", n.Const(str(behind), behind))
        stars = [item.value for item in items[:k] if isinstance(item, n.Starred)]
        size = n.Name(self.context.alias("len"))
        place: n.Expr = n.Call(size, (stars[0],))
        for star in stars[1:]:
            place = n.Binary("+", place, n.Call(size, (star,)))
        plain = k - len(stars)
        return n.Binary("+", place, n.Const(str(plain), plain)) if plain else place


def _operations(e: n.Expr) -> int:
    """Return how many operations an expression costs, a call counting for several."""
    return sum(
        4 if isinstance(x, n.Call) else 1
        for x in subexprs(e)
        if isinstance(x, (n.Binary, n.Unary, n.Call, n.IfExp))
    )
