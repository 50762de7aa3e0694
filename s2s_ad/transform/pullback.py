"""The adjoint of an expression: what a differential of its value contributes to each variable.

Takes an expression of the primal and a differential, gives contributions by place (a variable, or
an element of one); requires `ir`, `rules`, `analysis`, `simplify.algebra` via the caller.

Expressions are pulled back as trees, by the chain rule from the root to the leaves; nothing is
named unless a differential is costly and is used more than once.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.values import Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    FLOAT,
    ONE,
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
from s2s_ad.ir.walk import names, subexprs, substitute
from s2s_ad.rules.registry import Choice
from s2s_ad.rules.results import literal
from s2s_ad.transform.context import (
    Context,
    Diff,
    NeedsName,
    atomic,
    operations,
    reduced_axes,
    same_shape,
    shape_of,
)

D = n.Name("d ")  # a name no source can have, standing for the differential in a filled template
BAR_NAMES = {"+": "sum", "-": "difference", "*": "product", "/": "quotient", "**": "power"}

Product = Callable[[n.Expr], n.Expr]


class Pullback:
    """The contributions of one statement.

    places: contributions by place. before: statements that name shared differentials and call
    the reverse of callees; they stand in front of the contributions.
    """

    def __init__(self, context: Context, s: n.Stmt, product: Product, splice: Callable) -> None:
        self.context = context
        self.s = s
        self.product = product
        self.splice = splice
        self.places: dict[n.Expr, list[Diff]] = {}
        self.scattered: list[n.Stmt] = []
        self.before: list[n.Stmt] = []
        self.masks: list[tuple[n.Expr, bool, Kind]] = []

    def value(self, e: n.Expr) -> Value:
        return self.context.facts.value(e, self.s.uid)

    # -- the walk

    def pull(self, e: n.Expr, d: Diff, out: n.Expr | None = None) -> None:
        """Add what the differential `d` of `e` contributes. out: a variable holding the value of `e`."""
        value = self.value(e)
        if not value.varied:
            return
        if isinstance(e, n.Name) and e.id in self.context.transparent:
            self.pull(self.context.transparent[e.id], d, e)
        elif isinstance(e, n.Name):
            self.add(e, d)
        elif isinstance(e, n.Subscript):
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
        elif isinstance(e, n.Binary) and isinstance(value.kind, (ListOf, TupleOf)):
            self.joined(e, d)
        elif isinstance(e, (n.Unary, n.Binary, n.Attribute)):
            choice = self.context.choice(e, self.s)
            if choice is None:
                raise self.unsupported(e)
            self.rule(e, choice, d, out)
        elif isinstance(e, n.Call):
            self.call(e, d, out)
        else:
            raise self.unsupported(e)

    def joined(self, e: n.Binary, d: Diff) -> None:
        """Contribute to both parts of a concatenation of lists or tuples."""
        if e.op == "*" and isinstance(e.left, n.ListExpr) and len(e.left.items) == 1:
            each = n.Call(n.Name(self.context.alias("sum")), (d.expr,))
            self.pull(e.left.items[0], Diff(each, self.value(e.left.items[0]).kind))
            return
        if e.op != "+":
            raise self.refused(e, f"`{e.op}` of an active list", "build the list with append")
        d = self.named(d, "items_bar")
        size = n.Call(n.Name(self.context.alias("len")), (e.left,))
        parts = (n.Slice(None, size, None), n.Slice(size, None, None))
        for operand, part in zip((e.left, e.right), parts):
            kind = self.value(operand).kind
            self.pull(operand, Diff(n.Subscript(d.expr, part), kind))

    def unsupported(self, e: n.Expr) -> Exception:
        if isinstance(e, n.Attribute):
            return self.refused(
                e, f"attribute `{e.attr}` of an active value", "pass the number as an argument"
            )
        what = {
            n.IfExp: "a conditional expression inside an expression",
            n.BoolOp: "`and`/`or` of active values inside an expression",
            n.Comprehension: "a comprehension inside an expression",
            n.Starred: "a starred active value",
            n.Lambda: "a lambda that captures active values",
        }.get(type(e), "an expression of this form with active values")
        return self.refused(e, what, "assign it to a variable first")

    def refused(self, e: n.Expr, message: str, hint: str) -> Exception:
        return self.context.refuse(self.s, e, message, hint)

    def add(self, place: n.Expr, contribution: Diff) -> None:
        self.places.setdefault(place, []).append(contribution)

    def full_total(self, place: n.Expr, total: n.Expr, parts: list[Diff]) -> n.Expr:
        """Return a sum of contributions in the shape of its variable."""
        if not isinstance(place, n.Name):
            return total
        kind = self.value(place).kind
        if any(same_shape(p.kind, kind) for p in parts):
            return total
        whole = shape_of(*(p.kind for p in parts))
        return self.full(Diff(total, whole), place, kind).expr

    def call(self, e: n.Call, d: Diff, out: n.Expr | None) -> None:
        copied = self.copy_of(e)
        if copied is not None:
            self.pull(copied, d, out)
            return
        choice = self.context.choice(e, self.s)
        if choice is not None:
            self.rule(e, choice, d, out)
            return
        plan = self.context.calls.plan(e, self.context.facts, self.s.uid, "adjoint")
        if plan is None:
            raise self.context.no_source(e, self.s)
        if not plan.cheap:
            raise NeedsName(self.s.uid, e, callee=True)
        self.callee(plan, tuple(x for _, x in plan.arguments), d)

    def copy_of(self, e: n.Call) -> n.Expr | None:
        """Return x when `e` is `list(x)`, `tuple(x)` or `dict(x)` of a container."""
        reader = self.context.facts.reader(self.s.uid)
        found = reader.object_of(e.func, self.context.facts.before[self.s.uid])
        if found and found[0] in (list, tuple, dict) and len(e.args) == 1 and not e.keywords:
            kind = self.value(e.args[0]).kind
            if isinstance(kind, (ListOf, TupleOf, DictOf, Array)) or not isinstance(
                e.args[0], n.Call
            ):
                return e.args[0]
        return None

    def callee(self, plan: object, args: tuple[n.Expr, ...], d: Diff) -> None:
        """Call the reverse function of a callee and hand its adjoints on to the arguments."""
        from s2s_ad.transform.context import CallPlan

        assert isinstance(plan, CallPlan)
        seed = self.full(d, None, plan.result.kind).expr
        values = dict(plan.arguments)
        fresh = [self.context.names.fresh(f"{plan.name}_{p}_bar") for p in plan.active]
        targets: n.Expr = n.Name(fresh[0])
        if len(fresh) > 1:
            targets = n.TupleExpr(tuple(n.Name(x) for x in fresh))
        call = n.Call(n.Name(plan.reverse), (*args, seed))
        self.before.append(n.Assign((targets,), call))
        for p, name in zip(plan.active, fresh):
            kind = self.value(values[p]).kind
            self.pull(values[p], Diff(n.Name(name), kind))

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
        if len(active) > 1 and operations(d.expr) >= (3 if isinstance(d.kind, Number) else 1):
            d = self.named(d, self.bar_name(e))
        result = out
        untaken = self.is_where(choice)
        for p in active:
            template = rule.adjoint[p]
            if result is None and "out" in self.reads(choice, template):
                result = self.result_of(e, kind)
            argument = choice.arguments[p]
            contribution = self.filled(choice, p, d, result or n.Name("out"))
            new = self.reduction(choice, p, d, result or n.Name("out"), kind) or self.partial(
                choice, p, contribution, d, kind
            )
            if self.masks and not self.is_safe(template):
                new = self.masked(new, kind)
            if rule.shape == "out":
                new = self.fit(new, named, kind, argument)
            if untaken and p in ("x", "y"):
                self.masks.append((choice.arguments["condition"], p == "x", kind))
            self.pull(argument, new)
            if untaken and p in ("x", "y"):
                self.masks.pop()

    def is_where(self, choice: Choice) -> bool:
        rule = choice.rule
        return rule.namespace == "np" and rule.name == "where" and "condition" in choice.arguments

    def is_safe(self, template: n.Expr) -> bool:
        """True for slopes that are finite wherever the value is: sums and products."""
        return not any(
            isinstance(e, n.Call) or (isinstance(e, n.Binary) and e.op in ("/", "**"))
            for e in subexprs(template)
        )

    def masked(self, d: Diff, kind: Kind) -> Diff:
        """Keep what an untaken side of `np.where` may make of a zero (inf * 0) out of the sum."""
        for condition, taken, shape in self.masks:
            if not same_shape(kind, shape):
                continue
            sides = (d.expr, n.Const("0.0", 0.0)) if taken else (n.Const("0.0", 0.0), d.expr)
            d = Diff(n.Call(self.context.np("where"), (condition, *sides)), kind)
        return d

    def reads(self, choice: Choice, template: n.Expr) -> set[str]:
        read = names(template)
        for name, value in reversed(choice.rule.let):
            if name in read:
                read |= names(value)
        return read

    def result_of(self, e: n.Expr, kind: Kind) -> n.Expr:
        """Return an expression for the value of `e`: itself when cheap, else it gets a name."""
        if isinstance(kind, Number):
            return e
        raise NeedsName(self.s.uid, e)

    def filled(self, choice: Choice, param: str, d: Diff, out: n.Expr) -> n.Expr:
        if atomic(d.expr):
            return self.product(choice.adjoint(param, d.expr, out))
        return self.product(self.splice(choice.adjoint(param, D, out), D, d.expr))

    def partial(self, choice: Choice, param: str, expr: n.Expr, d: Diff, out: Kind) -> Diff:
        """Return a contribution with the kind it has, judged from the factors of its template."""
        if choice.rule.shape != "out":
            return Diff(expr, self.value(choice.arguments[param]).kind)
        kinds = [d.kind]
        for name in self.reads(choice, choice.rule.adjoint[param]):
            if name == "out":
                kinds.append(out)
            elif name in choice.arguments:
                kinds.append(self.value(choice.arguments[name]).kind)
        return Diff(expr, shape_of(*kinds))

    def is_expand(self, choice: Choice, active: list[str]) -> bool:
        return all(self.expansion(choice, p) for p in active)

    def expansion(self, choice: Choice, param: str) -> n.Call | None:
        """Return the `expand(d, x, axis, keepdims)` of a reduction's adjoint, the rest being factors."""
        template = self.written_out(choice, param)
        spelled = self.context.helper("expand")
        while isinstance(template, n.Binary) and template.op in "*/":
            template = template.left
        if isinstance(template, n.Call) and template.func == spelled:
            return template
        return None

    def written_out(self, choice: Choice, param: str) -> n.Expr:
        """Return the adjoint template of a parameter with its `let` names written out."""
        template = choice.rule.adjoint[param]
        for name, value in reversed(choice.rule.let):
            template = substitute(template, {name: value})
        return template

    def reduction(
        self, choice: Choice, param: str, d: Diff, out: n.Expr, out_kind: Kind
    ) -> Diff | None:
        """Return the adjoint of a reduction without spreading it out where NumPy broadcasts."""
        call = self.expansion(choice, param)
        if call is None:
            return None
        argument = choice.arguments[param]
        kind = self.value(argument).kind
        names_ = ["d", "x", "axis", "keepdims"]
        given = dict(zip(names_, call.args))
        given.update({k.name or "": k.value for k in call.keywords})

        def actual(name: str, default: object) -> object:
            e = given.get(name)
            if e is None:
                return default
            if isinstance(e, n.Name) and e.id in choice.arguments:
                e = choice.arguments[e.id]
            return literal(e)

        axis, keep = actual("axis", None), actual("keepdims", False)
        inner = call.args[0]
        if names(inner) <= {"d", param} and not self.costly_factors(inner, param):
            shown = self.expanded(d, kind, axis, keep)
            template = _replaced(self.written_out(choice, param), call, inner)
        else:
            filled = self.splice(choice.fill(inner, D, out), D, d.expr)
            reduced = shape_of(d.kind, out_kind) if "out" in names(inner) else d.kind
            shown = self.expanded(Diff(self.product(filled), reduced), kind, axis, keep)
            template = _replaced(self.written_out(choice, param), call, n.Name("d"))
        if shown is None:
            return None
        expr = choice.fill(template, D, out)
        others = [
            self.value(choice.arguments[x]).kind for x in names(template) if x in choice.arguments
        ]
        kinds = shown.kind if template is inner else shape_of(shown.kind, *others)
        return Diff(self.product(self.splice(expr, D, shown.expr)), kinds)

    def costly_factors(self, inner: n.Expr, param: str) -> bool:
        """True when what is spread out reads entries of the argument, not just its shape."""
        shape_only = 0
        for e in subexprs(inner):
            if (
                isinstance(e, n.Attribute)
                and e.attr in ("size", "shape")
                and e.value == n.Name(param)
            ):
                shape_only += 1
            if isinstance(e, n.Call) and e.args[:1] == (n.Name(param),):
                func = e.func
                if isinstance(func, n.Attribute) and func.attr in ("size", "shape"):
                    shape_only += 1
        return sum(1 for e in subexprs(inner) if e == n.Name(param)) > shape_only

    def expanded(self, d: Diff, kind: Kind, axis: object, keep: object) -> Diff | None:
        if isinstance(d.kind, Number):
            return d if isinstance(kind, (Array, Number)) or axis is None else None
        if not isinstance(kind, Array) or kind.dims is None or not isinstance(d.kind, Array):
            return None
        if d.kind.dims is None:
            return None
        if keep is True:
            return d
        rank = len(kind.dims)
        if keep is not False or not isinstance(axis, int) or len(d.kind.dims) != rank - 1:
            return None
        axis %= rank
        if axis == 0:
            return d
        index = tuple(
            n.Const("None", None) if k == axis else n.Slice(None, None, None) for k in range(rank)
        )
        while len(index) > 1 and isinstance(index[-1], n.Slice):
            index = index[:-1]
        dims = (*d.kind.dims[:axis], ONE, *d.kind.dims[axis:])
        at = index[0] if len(index) == 1 else n.TupleExpr(index)
        return Diff(n.Subscript(d.expr, at), Array(dims, d.kind.dtype))

    # -- shapes

    def fit(self, d: Diff, e: n.Expr, full: Kind, operand: n.Expr) -> Diff:
        """Return `d`, which has the shape `full` of `e`, summed down to the shape of an operand."""
        want = self.value(operand).kind
        if isinstance(full, Number) or (isinstance(want, Array) and same_shape(full, want)):
            return d
        axes = reduced_axes(full, want)
        if axes == ((), True) or axes == ((), False):
            return d
        if axes is None:
            return Diff(n.Call(self.context.helper("unbroadcast"), (d.expr, operand)), want)
        d = self.full(d, e, full)
        total = self.context.np("sum")
        if isinstance(want, Number):
            return Diff(n.Call(total, (d.expr,)), FLOAT)
        over, keep = axes
        at: n.Expr = n.Const(str(over[0]), over[0])
        if len(over) > 1:
            at = n.TupleExpr(tuple(n.Const(str(k), k) for k in over))
        keywords = [n.Keyword("axis", at)]
        if keep:
            keywords.append(n.Keyword("keepdims", n.Const("True", True)))
        return Diff(n.Call(total, (d.expr,), tuple(keywords)), want)

    def full(self, d: Diff, e: n.Expr | None, kind: Kind) -> Diff:
        """Return `d` spread out to the shape of `e`, if it is smaller."""
        if not isinstance(kind, Array) or same_shape(d.kind, kind):
            return d
        if isinstance(d.kind, Unknown) or (isinstance(d.kind, Array) and d.kind.dims is None):
            return d
        if kind.dims is None and not isinstance(d.kind, Number):
            return d
        if kind.dims is not None and isinstance(d.kind, Array) and d.kind.dims is not None:
            axes = reduced_axes(kind, d.kind)
            if axes is not None and axes[0] == ():
                return d
        if e is None:
            return d
        if not isinstance(e, n.Name):
            raise NeedsName(self.s.uid, e)
        return Diff(self.spread(d, e), kind)

    def spread(self, d: Diff, like: n.Expr) -> n.Expr:
        if isinstance(d.kind, Number):
            return n.Call(self.context.np("full_like"), (like, d.expr))
        zeros = n.Call(self.context.np("zeros_like"), (like,))
        return n.Binary("+", d.expr, zeros)

    # -- places

    def element(self, e: n.Subscript, d: Diff, kind: Kind) -> None:
        """Contribute to an element or slice of a variable: `x_bar[i] += d`."""
        base = e.value
        owner = self.value(base)
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
            call = n.Call(self.context.helper("scatter"), (d.expr, base, _slice_call(index)))
            self.pull(base, Diff(call, owner.kind))
            return
        if isinstance(owner.kind, Unknown) and self.repeats(index, owner.kind):
            call = n.Call(self.context.helper("scatter"), (d.expr, base, _as_value(index)))
            self.pull(base, Diff(call, UNKNOWN))
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
            call = n.Call(add_at, (self.bar_place(base), _as_value(index), d.expr))
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
            if self.repeats(e.index, self.value(e.value).kind):
                return False
            e = e.value
        return isinstance(e, n.Name) and e.id in self.context.facts.locals

    def bar_place(self, e: n.Expr) -> n.Expr:
        if isinstance(e, n.Subscript):
            return n.Subscript(self.bar_place(e.value), e.index)
        assert isinstance(e, n.Name)
        return n.Name(self.context.mark(e.id, "bar"))

    def repeats(self, index: n.Expr, owner: Kind) -> bool:
        """True when an index may name an element twice: an integer array, or one of unknown kind."""
        if not isinstance(owner, (Array, Unknown)):
            return False
        items = index.items if isinstance(index, n.TupleExpr) else (index,)
        for item in items:
            if isinstance(item, (n.Slice, n.Const)):
                continue
            kind = self.value(item).kind
            if isinstance(kind, (Number, NoneKind)):
                continue
            if isinstance(kind, Array) and kind.dtype == "bool":
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
            part = n.Subscript(d.expr, n.Const(str(k), k))
            kind = self.value(item).kind
            self.pull(item, Diff(part, UNKNOWN if is_discrete(kind) else kind))

    def named(self, d: Diff, wanted: str) -> Diff:
        """Return `d` as a variable, given a name if it is not one."""
        if atomic(d.expr):
            return d
        name = n.Name(self.context.names.fresh(wanted))
        self.before.append(n.Assign((name,), d.expr))
        return Diff(name, d.kind)

    def bar_name(self, e: n.Expr) -> str:
        if isinstance(e, n.Binary):
            return f"{BAR_NAMES.get(e.op, 'value')}_bar"
        if isinstance(e, n.Call):
            func = e.func
            last = func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "value")
            return f"{last}_bar"
        return "value_bar"


def _replaced(template: n.Expr, call: n.Call, inner: n.Expr) -> n.Expr:
    """Return `template` with `call` at its left end replaced by `inner`."""
    if template == call:
        return inner
    assert isinstance(template, n.Binary)
    return n.Binary(template.op, _replaced(template.left, call, inner), template.right)


def _as_value(index: n.Expr) -> n.Expr:
    """Return an index as it is written outside of brackets: `slice(None)` for `:`."""
    if isinstance(index, n.Slice):
        return _slice_call(index)
    if isinstance(index, n.TupleExpr):
        return n.TupleExpr(tuple(_as_value(item) for item in index.items))
    return index


def _slice_call(index: n.Slice) -> n.Expr:
    parts = [
        x if x is not None else n.Const("None", None)
        for x in (index.lower, index.upper, index.step)
    ]
    return n.Call(n.Name("slice"), tuple(parts))
