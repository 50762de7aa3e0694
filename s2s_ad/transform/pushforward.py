"""The tangent of an expression: the differential of its value, from those of its variables.

Takes an expression of the primal, gives the expression of its tangent (None for zero), each factor
replaced by its differential where it stands; requires `ir`, `rules`, `analysis`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.rows import copies_rows
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Array, DictOf, Kind, ListOf, Number, TupleOf, Unknown
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import subexprs
from s2s_ad.rules.registry import Choice
from s2s_ad.transform.context import Context, Diff, NeedsName, atomic
from s2s_ad.transform.loops import in_order
from s2s_ad.transform.naming import Naming
from s2s_ad.transform.no_source import no_source
from s2s_ad.transform.pullback import Pullback
from s2s_ad.transform.shapes import keeps_all, same_shape, shape_of
from s2s_ad.transform.signs import unguarded
from s2s_ad.transform.templates import D


class Tidy(Protocol):
    """What of `simplify.factors` tangents are written with."""

    def product(self, expr: n.Expr) -> n.Expr: ...
    def splice(self, template: n.Expr, hole: n.Name, value: n.Expr) -> n.Expr: ...
    def collected(self, expr: n.Expr) -> n.Expr: ...
    def factored(self, expr: n.Expr, kept: Callable[[str], bool]) -> n.Expr: ...
    def apart(self, expr: n.Expr) -> tuple[n.Const | None, n.Expr]: ...


class Pushforward:
    """Tangents of the expressions of one statement.

    is_dot: whether a variable is a tangent. naming: where parts of the value may get names; None
    where nothing may stand in front of the statement.
    """

    def __init__(
        self,
        context: Context,
        s: n.Stmt,
        tidy: Tidy,
        is_dot: Callable[[str], bool],
        naming: Naming | None = None,
    ) -> None:
        self.context = context
        self.is_dot = is_dot
        self.s = s
        self.tidy = tidy
        self.naming = naming
        self.pull = Pullback(context, s, tidy.product, tidy.splice)

    def kind(self, e: n.Expr) -> Kind:
        return self.context.kind(e, self.s.uid)

    def varied(self, e: n.Expr) -> bool:
        return self.context.facts.varied(e, self.s.uid)

    def dot(self, e: n.Expr) -> n.Expr:
        """Return the place of the tangent of a variable or of an element of one."""
        if isinstance(e, n.Subscript):
            return n.Subscript(self.dot(e.value), e.index)
        assert isinstance(e, n.Name)
        return n.Name(self.context.mark(e.id, "dot"))

    def push(self, e: n.Expr, out: n.Expr | None = None) -> Diff | None:
        """Return the tangent of `e`. out: a variable that holds the value of `e`."""
        if not self.varied(e):
            return None
        kind = self.kind(e)
        if isinstance(e, n.Name):
            return Diff(self.dot(e), kind)
        if isinstance(e, n.Subscript):
            return self.element(e, kind)
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            return Diff(type(e)(tuple(self.item(x) for x in e.items)), kind)
        if isinstance(e, n.DictExpr):
            if any(key is None for key in e.keys):
                raise self.refused(e, "`**` in an active dict", "add the items one by one")
            return Diff(n.DictExpr(e.keys, tuple(self.item(x) for x in e.values)), kind)
        if isinstance(e, n.IfExp):
            with self.unsure():
                body, orelse = self.item(e.body), self.item(e.orelse)
            return Diff(n.IfExp(e.test, body, orelse), kind)
        if isinstance(e, n.Binary) and e.op != "@" and self.lists(e):
            return Diff(self.of_lists(e), kind)
        if isinstance(e, (n.Unary, n.Binary, n.Attribute)):
            choice = self.context.choice(e, self.s)
            if choice is None:
                raise self.unsupported(e)
            return self.rule(e, choice, kind, out)
        if isinstance(e, n.Call):
            return self.call(e, kind, out)
        if copies_rows(e, self.context.facts, self.s.uid):
            clause = e.clauses[0]
            return Diff(replace(e, clauses=(replace(clause, iter=self.dot(clause.iter)),)), kind)
        raise self.unsupported(e)

    def lists(self, e: n.Binary) -> bool:
        """True for an operation on a list or tuple, which is no arithmetic."""
        return any(isinstance(self.kind(x), (ListOf, TupleOf)) for x in (e.left, e.right))

    def of_lists(self, e: n.Binary) -> n.Expr:
        """Return the tangent of a concatenation or repetition, as a display that is no sum."""
        sides = (e.left, e.right)
        if e.op == "*" and isinstance(self.kind(e), (ListOf, TupleOf)):
            items, count = (
                sides if isinstance(self.kind(e.left), (ListOf, TupleOf)) else sides[::-1]
            )
            if not self.varied(count):
                again = n.Binary("*", self.item(items), count)
                if isinstance(self.s, n.Assign) and self.s.value == e:
                    return again
                # no product of numbers, from which the count could be taken as a factor
                known = self.kind(items)
                listed = isinstance(known, ListOf) or (isinstance(known, TupleOf) and known.is_list)
                stars = (n.Starred(again),)
                return n.ListExpr(stars) if listed else n.TupleExpr(stars)
        if e.op == "+" and isinstance(self.kind(e), (ListOf, TupleOf)):
            parts: list[n.Expr] = []
            for side in sides:
                d = self.item(side)
                whole = isinstance(d, (n.ListExpr, n.TupleExpr))
                parts.extend(d.items if whole else (n.Starred(d),))  # type: ignore[union-attr]
            display = n.ListExpr if isinstance(self.kind(e), ListOf) else n.TupleExpr
            return display(tuple(parts))
        raise self.pull.list_operator(e)

    def unsupported(self, e: n.Expr) -> Exception:
        return self.pull.unsupported(e)

    def refused(self, e: n.Expr, message: str, hint: str) -> Exception:
        return self.context.refuse(self.s, e, message, hint)

    def item(self, e: n.Expr) -> n.Expr:
        """Return the tangent of an item in full shape, zeros when it does not vary."""
        if isinstance(e, n.Starred):
            if not self.varied(e.value):
                return n.Starred(self.zero(e.value))
            raise self.refused(e, "a starred active value in a display", "add its items one by one")
        d = self.push(e)
        return self.zero(e) if d is None else self.full(d, e).expr

    def zero(self, e: n.Expr) -> n.Expr:
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            return replace(e, items=tuple(self.item(item) for item in e.items))
        kind = self.kind(e)
        if isinstance(kind, Number):
            return ZERO
        if isinstance(kind, Array):
            return n.Call(self.context.np("zeros_like"), (e,))
        return n.Call(self.context.helper("zeros_like"), (e,))

    def call(self, e: n.Call, kind: Kind, out: n.Expr | None) -> Diff:
        copied = self.pull.copy_of(e)
        if copied is not None:
            inner = self.push(copied)
            assert inner is not None
            dot = inner.expr
            if e.func != n.Name(self.context.alias("dict")):
                dot = in_order(self.context, dot, copied, self.s.uid)
            return Diff(n.Call(e.func, (dot,)), kind)
        choice = self.context.choice(e, self.s)
        if choice is not None:
            return self.rule(e, choice, kind, out)
        known = self.context.plan(e, self.s, "tangent") is not None
        if not known and self.context.followed(e, self.s) is None:
            raise no_source(self.context, e, self.s)
        raise NeedsName(self.s.uid, e)

    def rule(self, e: n.Expr, choice: Choice, kind: Kind, out: n.Expr | None) -> Diff:
        rule = choice.rule
        given: list[tuple[str, Diff]] = []
        for p in rule.params:
            if p.name not in rule.tangent:
                continue
            argument = choice.arguments[p.name]
            d = self.push(argument)
            if d is None:
                continue
            if rule.shape != "out":
                d = self.full(d, argument)
            given.append((p.name, d))
        if not given:
            raise self.refused(e, "a use of an active value that has no tangent", "write it out")
        for name, _ in given:
            argument = choice.arguments[name]
            maps = unguarded(self.context, choice.rule.tangent, name, argument, self.s)
            choice = replace(choice, rule=replace(choice.rule, tangent=maps))
        result = self.result(e, choice, [p for p, _ in given], kind) if out is None else out
        parts = [self.part(e, choice, p, d, kind, result) for p, d in given]
        adds = rule.namespace == "runtime" and rule.name == "add"
        # what NumPy gives in a list it gives in a tuple as of some version
        adds = adds or (rule.namespace == "np" and isinstance(kind, ListOf))
        if (isinstance(kind, TupleOf) or adds) and len(parts) > 1:
            both = parts[0].expr
            for other in parts[1:]:
                both = n.Call(self.context.helper("add"), (both, other.expr))
            return Diff(both, kind)
        total = parts[0]
        for other in parts[1:]:
            total = Diff(_sum(total.expr, other.expr), shape_of(total.kind, other.kind))
        if len(parts) > 1:
            total = self.merged(total, e)
        if out is None and self.naming is not None and isinstance(result, n.Name):
            dot = self.factored(total.expr)
            total = replace(total, expr=self.naming.tangent(result, dot))
        return total

    def result(self, e: n.Expr, choice: Choice, active: list[str], kind: Kind) -> n.Expr | None:
        """Return what holds the value of `e`, None if its tangent does not read it."""
        templates = [choice.rule.tangent[p] for p in active]
        read = [t for t in templates if "out" in self.pull.reads(choice, t)]
        if not read:
            return None
        name = self.naming.value(e, kind) if self.naming is not None else None
        return name or self.pull.result_of(e, kind, read[0])

    def summed(self, d: n.Expr, e: n.Expr) -> n.Expr:
        """Return the tangent of `e` with equal terms merged, zeros of its shape for none."""
        return self.factored(self.merged(Diff(d, UNKNOWN), e).expr)

    def factored(self, d: n.Expr) -> n.Expr:
        """Return a sum with what its terms have in common written once."""
        return self.tidy.factored(d, self.is_dot)

    def merged(self, d: Diff, e: n.Expr) -> Diff:
        kind, total = self.kind(e), self.tidy.collected(d.expr)
        if total == ZERO:
            return Diff(self.zero(e), kind)
        return Diff(_whole(d.expr, total, kind), d.kind)

    def part(
        self, e: n.Expr, choice: Choice, param: str, d: Diff, kind: Kind, out: n.Expr | None
    ) -> Diff:
        template = choice.rule.tangent[param]
        plain = template in (n.Name("d"), n.Unary("-", n.Name("d")))
        dot = d.expr if plain else self.factored(d.expr)
        put = self.naming.put if self.naming is not None else _same
        if isinstance(e, n.Binary) and e.op in "*@":
            left = param == choice.rule.params[0].name
            sides = (dot, put(e.right)) if left else (put(e.left), dot)
            expr = n.Binary(e.op, *sides)
            if e.op == "@":
                return Diff(expr, kind)
            other = self.kind(e.right if left else e.left)
            return Diff(_whole(expr, self.tidy.product(expr), kind), shape_of(d.kind, other))
        named = choice if self.naming is None else self.naming.choice(choice)
        result = out or n.Name("out")
        several = sum(x == n.Name("d") for x in subexprs(template)) > 1
        if several and not atomic(dot) and self.naming is not None and isinstance(kind, Number):
            factor, bare = self.tidy.apart(dot)
            held = self.naming.differential(bare, choice.arguments[param])
            dot = held if factor is None or held == bare else n.Binary("*", factor, held)
        if isinstance(template, n.IfExp) and template.test == n.Name("d"):
            return Diff(self.guarded(named, param, dot, result), kind)
        if choice.rule.shape != "out" and isinstance(kind, (Number, Array)):
            # what is linear takes a number as well behind it, where it may have fewer entries
            factor, bare = self.tidy.apart(dot)
            if factor is not None:
                mapped = named.tangent(param, bare, result)
                return Diff(self.tidy.product(n.Binary("*", factor, mapped)), kind)
        filled = named.tangent(param, D, result)
        whole = named.tangent(param, dot, result)
        tidy = self.tidy.product(whole) if atomic(dot) else self.tidy.splice(filled, D, dot)
        whole = _whole(whole, tidy, kind)
        if choice.rule.shape != "out":
            return Diff(whole, kind)
        kinds = [d.kind]
        for name in self.pull.reads(choice, template):
            if name == "out":
                kinds.append(kind)
            elif name in choice.arguments:
                kinds.append(self.kind(choice.arguments[name]))
        return Diff(whole, shape_of(*kinds))

    def guarded(self, choice: Choice, param: str, dot: n.Expr, out: n.Expr) -> n.Expr:
        """Return a tangent that is nothing where the differential is: `d / out if d else 0.0`."""
        template = choice.rule.tangent[param]
        assert isinstance(template, n.IfExp)
        maps = {**choice.rule.tangent, param: template.body}
        slope = replace(choice, rule=replace(choice.rule, tangent=maps))
        body = self.tidy.splice(slope.tangent(param, D, out), D, dot)
        return replace(template, test=self.tidy.apart(dot)[1], body=self.tidy.product(body))

    @contextmanager
    def unsure(self) -> Iterator[None]:
        """For parts that may not be evaluated: nothing of them may stand in front."""
        naming, self.naming = self.naming, None
        try:
            yield
        finally:
            self.naming = naming

    def element(self, e: n.Subscript, kind: Kind) -> Diff:
        self.context.check_item(e, self.s)
        base = e.value
        root: n.Expr = base
        while isinstance(root, n.Subscript):
            root = root.value
        if isinstance(root, n.Name) and root.id in self.context.facts.locals:
            dot = self.dot(base)
            owner = self.kind(base)
            if isinstance(owner, Number) or (
                isinstance(owner, Unknown) and self.context.adds_axes(e.index, self.s.uid)
            ):
                # the tangent of one of NumPy's numbers may be a plain one
                dot = n.Call(self.context.np("asarray"), (dot,))
            return Diff(n.Subscript(dot, e.index), kind)
        d = self.push(base)
        assert d is not None
        whole, at = self.full(d, base).expr, constant_int(e.index)
        items = whole.items if isinstance(whole, (n.TupleExpr, n.ListExpr)) else ()
        if items and at is not None and not any(isinstance(x, n.Starred) for x in items):
            return Diff(items[at], kind)
        return Diff(n.Subscript(whole, e.index), kind)

    def full(self, d: Diff, e: n.Expr, like: n.Expr | None = None) -> Diff:
        """Return a tangent with the shape of `e`, spread out if it is smaller.

        like: a variable that holds the value of `e` by the time the tangent is evaluated.
        """
        kind = self.kind(e)
        if isinstance(kind, Array) and d.expr == ZERO:
            return Diff(n.Call(self.context.np("zeros_like"), (like or e,)), kind)
        if isinstance(kind, (Number, ListOf, TupleOf, DictOf)) or same_shape(d.kind, kind):
            return d
        if isinstance(e, (n.Name, n.Subscript)) and like is None:
            return d
        if isinstance(kind, Array) and not isinstance(d.kind, Unknown):
            if isinstance(d.kind, Number):
                call = n.Call(self.context.np("full_like"), (like or e, d.expr))
                return Diff(call, kind)
            if isinstance(d.kind, Array) and d.kind.dims is not None and kind.dims is not None:
                from s2s_ad.transform.shapes import reduced_axes

                if reduced_axes(kind, d.kind) in (((), True), ((), False)):
                    return d
                zeros = n.Call(self.context.np("zeros_like"), (like or e,))
                return Diff(n.Binary("+", d.expr, zeros), kind)
        axis = n.Keyword("axis", n.TupleExpr(()))
        if self.is_additive(e):
            call = n.Call(self.context.helper("expand"), (d.expr, like or e), (axis,))
            return Diff(call, UNKNOWN)
        return d

    def is_additive(self, e: n.Expr) -> bool:
        """True when the tangent of `e` may have fewer axes than `e`: a sum with constants."""
        if isinstance(e, n.Binary) and e.op in ("+", "-"):
            if not (self.varied(e.left) and self.varied(e.right)):
                return True
            # a constant in one part may give the sum a shape that the other does not have
            return self.is_additive(e.left) or self.is_additive(e.right)
        if isinstance(e, n.Unary):
            return self.is_additive(e.operand)
        if isinstance(e, n.Binary) and e.op in ("*", "/"):
            return any(self.is_additive(x) for x in (e.left, e.right) if self.varied(x))
        if not isinstance(e, n.Call):
            return False
        choice = self.context.choice(e, self.s)
        if choice is None or choice.rule.shape != "out":
            # a linear map takes and gives tangents of full shape
            return choice is None
        operands = [choice.arguments[p] for p in choice.rule.adjoint]
        return not all(map(self.varied, operands)) or any(map(self.is_additive, operands))


def _same(e: n.Expr) -> n.Expr:
    return e


def _sum(a: n.Expr, b: n.Expr) -> n.Expr:
    if isinstance(b, n.Unary) and b.op == "-":
        return n.Binary("-", a, b.operand)
    return n.Binary("+", a, b)


def _whole(e: n.Expr, tidy: n.Expr, kind: Kind) -> n.Expr:
    """Return a tangent as tidied, unless the shape of a value of this kind may have gone with what
    was cancelled: that of `v + s - v` is the shape of v, that of its tangent `s_dot` is not."""
    return tidy if isinstance(kind, Number) or keeps_all(e, tidy) else e
