"""Differentials brought to the shape of the variable they belong to.

Takes differentials with their kinds, gives them summed down, spread out or named; requires `ir`,
`analysis`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from s2s_ad.analysis.values import Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors
from s2s_ad.ir.kinds import (
    FLOAT,
    Array,
    DictOf,
    Kind,
    ListOf,
    Number,
    TupleOf,
    Unknown,
)
from s2s_ad.ir.names import plain_name
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, each_of, map_expr, names, subexprs, substitute
from s2s_ad.rules.registry import Choice
from s2s_ad.transform.axes import same_axes
from s2s_ad.transform.context import Context, Diff, NeedsName, Splice, atomic
from s2s_ad.transform.shapes import reduced_axes, same_rank, same_shape, summed_over
from s2s_ad.transform.signs import never_below
from s2s_ad.transform.stand_ins import shown, stand_in

Product = Callable[[n.Expr], n.Expr]
CONTAINERS = (ListOf, TupleOf, DictOf)
BAR_NAMES = {"+": "sum", "-": "difference", "*": "product", "/": "quotient", "**": "power"}


class Fitting:
    """The contributions of one statement.

    places: contributions by place. before: statements that name shared differentials and call
    the reverse of callees; they stand in front of the contributions. summed: numbers that NumPy
    had spread over an array.
    """

    def __init__(self, context: Context, s: n.Stmt, product: Product, splice: Splice) -> None:
        self.context = context
        self.s = s
        self.product = product
        self.splice = splice
        self.places: dict[n.Expr, list[Diff]] = {}
        self.scattered: list[n.Stmt] = []
        self.before: list[n.Stmt] = []
        # kinds of the arrays among what is bound there
        self.bar_kinds: dict[str, Kind] = {}
        self.summed: set[str] = set()
        self.masks: list[tuple[n.Expr, bool, Kind]] = []
        # whether the differential may be a zero where the value is no number; variables that may
        # be none where a side is not taken
        self.blank = False
        self.on_sides: frozenset[str] = frozenset()
        # whether the differential may be infinite: that of what a root is taken of
        self.steep = False
        # variables that hold what is cut off
        self.cut_off: frozenset[str] = frozenset()
        # what is divided by, while the differential that the quotient gives it is pulled back
        self.divisor: n.Expr | None = None
        # a variable that a loop only adds to, and whether its adjoint is still to be summed down
        self.growing = ""
        self.deferred = False

    def value(self, e: n.Expr) -> Value:
        return self.context.facts.value(e, self.s.uid)

    def fit(self, d: Diff, e: n.Expr, full: Kind, operand: n.Expr) -> Diff:
        """Return `d`, which has the shape `full` of `e`, summed down to the shape of an operand."""
        want = self.value(operand).kind
        if isinstance(full, Number) or (isinstance(want, Array) and same_shape(full, want)):
            return d
        if isinstance(want, Array) and (e, operand) == _whole(self.s):
            return replace(d, kind=want)  # what is changed in place keeps its shape
        if self.is_as_long(e, operand):
            return replace(d, kind=want)
        if isinstance(full, CONTAINERS) and isinstance(want, CONTAINERS):
            return d
        axes = reduced_axes(full, want)
        if axes == ((), True) or axes == ((), False):
            return d
        if axes is None and operand == n.Name(self.growing):
            self.deferred = True
            return replace(d, kind=want)
        if axes is None:
            # one number for all entries: each of those is to be counted
            d = self.full(d, e, full)
            return self.unbroadcast(d, e, full, operand)
        part = d.small and d.wide is None and isinstance(want, Array) and self.takes_parts(operand)
        left = summed_over(d.kind, full, *axes) if part else None
        if left is None:
            d = self.full(d, e, full)
        if is_negative(d.expr):
            positive = self.product(n.Unary("-", d.expr))
            if not is_negative(positive):
                # the sign of a sum stands in front of it
                summed = self.fit(replace(d, expr=positive), e, full, operand)
                return replace(summed, expr=n.Unary("-", summed.expr))
        total = self.context.np("sum")
        if isinstance(want, Number):
            if isinstance(operand, n.Name):
                self.summed.add(operand.id)
            inner, outer = self.level_factors(d.expr, full, tuple(range(rank_of(full))), False)
            whole = self.contracted(inner, full) or n.Call(total, (inner,))
            return Diff(self.multiplied(whole, outer), FLOAT)
        over, keep = axes
        at: n.Expr = n.Const(str(over[0]), over[0])
        if len(over) > 1:
            at = n.TupleExpr(tuple(n.Const(str(k), k) for k in over))
        keywords = [n.Keyword("axis", at)]
        if keep:
            keywords.append(n.Keyword("keepdims", n.Const("True", True)))
        inner, outer = self.level_factors(d.expr, full, over, keep)
        value = self.multiplied(n.Call(total, (inner,), tuple(keywords)), outer)
        return Diff(value, left or want, left is not None)

    def takes_parts(self, operand: n.Expr) -> bool:
        """True where what is smaller than the adjoint of an operand is spread out: not for an item
        of a list, whose adjoint it would become."""
        inner = operand
        while isinstance(inner, n.Subscript):
            inner = inner.value
            if not isinstance(self.value(inner).kind, Array):
                return False
        return True

    def contracted(self, e: n.Expr, full: Kind) -> n.Expr | None:
        """Return the sum of all entries of a product where a product of vectors says it, or the
        trace of a matrix: `a @ b` for `np.sum(a * b)`."""
        parts = factors(e)
        if len(parts) < 2 or any(op != "*" for op, _ in parts):
            return None
        for k, (_, factor) in enumerate(parts):
            eye = self.context.transparent.get(factor.id) if isinstance(factor, n.Name) else factor
            if (
                isinstance(eye, n.Call)
                and eye.func == self.context.np("eye")
                and rank_of(full) == 2
            ):
                rest = [x for j, (_, x) in enumerate(parts) if j != k]
                alone = len(eye.args) == 1 and not eye.keywords
                if alone and any(self.is_whole(x, full) for x in rest):
                    return n.Call(self.context.np("trace"), (functools.reduce(_times, rest),))
        *rest, last = [x for _, x in parts]
        vectors = rank_of(full) == 1 and isinstance(last, (n.Name, n.Subscript, n.Binary))
        if vectors and self.is_whole(last, full) and any(self.is_whole(x, full) for x in rest):
            return n.Binary("@", functools.reduce(_times, rest), last)
        return None

    def is_whole(self, e: n.Expr, full: Kind) -> bool:
        """True for a factor that is proved to have the whole shape of a product."""
        if isinstance(e, n.Binary) and e.op in "+-*/":
            return self.is_whole(e.left, full) or self.is_whole(e.right, full)
        before = self.context.facts.before.get(self.s.uid, {})
        after = self.context.facts.after.get(self.s.uid, {})
        for (name, mark), bar in self.context.marks.items():
            if mark == "bar" and e == n.Name(bar):
                # which of the values of its variable it belongs to is not asked
                envs = [env for env in (before, after) if name in env]
                return bool(envs) and all(same_shape(env[name].kind, full) for env in envs)
        if isinstance(e, n.Name) and e.id in self.made_here():
            kind = after[e.id].kind
        elif names(e) <= self.context.facts.locals - self.of_other_shape():
            kind = self.value(e).kind
        else:
            return False
        return same_shape(kind, full) and isinstance(kind, Array) and kind.dtype != "bool"

    def multiplied(self, e: n.Expr, others: list[tuple[str, n.Expr]]) -> n.Expr:
        for op, factor in others:
            e = n.Binary(op, e, factor)
        return self.product(e) if others else e

    def level_factors(
        self, e: n.Expr, full: Kind, over: tuple[int, ...], keep: bool
    ) -> tuple[n.Expr, list[tuple[str, n.Expr]]]:
        """Return a product without the factors that are the same along axes it is summed over,
        and those. keep: whether the sum keeps these axes."""

        # what is left has this axis then, and with it all others
        dims = full.dims if isinstance(full, Array) else None
        surely_first = bool(dims) and over[0] == 0 and dims is not None and dims[0].one is False
        known = self.context.facts.locals - self.of_other_shape()

        remains = surely_first or any(self.is_whole(x, full) for _, x in factors(e))

        def is_level(factor: n.Expr) -> bool:
            if not names(factor) & self.context.facts.locals <= known:
                return False
            kind = self.value(factor).kind
            if isinstance(kind, Number):
                return names(factor) <= known
            if not isinstance(kind, Array) or kind.dims is None or not remains:
                return False
            lead = rank_of(full) - len(kind.dims)
            return all(
                axis < lead or (keep and kind.dims[axis - lead].one is True) for axis in over
            )

        inner: n.Expr | None = None
        outer = []
        for op, factor in factors(e):
            if is_level(factor):
                outer.append((op, factor))
            elif inner is None:
                inner = factor if op == "*" else None
                if inner is None:
                    return e, []
            else:
                inner = n.Binary(op, inner, factor)
        return (e, []) if inner is None else (inner, outer)

    def made_here(self) -> set[str]:
        """Return the variables that have no value before the statement."""
        after = self.context.facts.after.get(self.s.uid, {})
        return set(after) - set(self.context.facts.before.get(self.s.uid, {}))

    def of_other_shape(self) -> set[str]:
        """Return what the statement binds to another kind: it may stand for what it was before."""
        before = self.context.facts.before.get(self.s.uid, {})
        after = self.context.facts.after.get(self.s.uid, {})
        return {
            x
            for x in assigned((self.s,))
            if x not in before or x not in after or not same_shape(before[x].kind, after[x].kind)
        }

    def is_as_long(self, e: n.Expr, other: n.Expr) -> bool:
        """True when two expressions of the statement have the same shape by their text."""
        if isinstance(self.s, n.Assign) and self.s.targets == (e,):
            e = self.s.value if isinstance(e, n.Name) else e
        # what a part of the statement has been given a name for, in front of it
        parts = self.context.transparent
        return same_axes(
            substitute(e, parts),
            substitute(other, parts),
            lambda x: self.value(x).kind,
            lambda x: self.context.choice(x, self.s),
            lambda x: never_below(self.context, x, self.s),
        )

    def stored(self, d: Diff, target: n.Expr, value: n.Expr) -> Diff:
        """Return the differential of a stored value, which NumPy spread over the place."""
        want = self.value(value).kind
        if isinstance(d.kind, Array) and isinstance(want, Number):
            return Diff(n.Call(self.context.np("sum"), (d.expr,)), want)
        owner = self.value(target.value).kind if isinstance(target, n.Subscript) else None
        # what is not known may be an array
        unsure = isinstance(d.kind, Unknown) and isinstance(owner, (Array, Unknown))
        if isinstance(d.kind, Array) and self.is_as_long(target, value):
            return replace(d, kind=want)
        if unsure or (isinstance(d.kind, Array) and not same_shape(d.kind, want)):
            return self.unbroadcast(d, target, d.kind, value)
        return d

    def unbroadcast(self, d: Diff, e: n.Expr, full: Kind, operand: n.Expr) -> Diff:
        """Return `d` brought to the shape of an operand that is not known: that of a variable.

        The operands of an operation that NumPy broadcasts are brought to theirs in its place.
        """
        like = self.stand_in(operand)
        if like is not None:
            call = n.Call(self.context.helper("unbroadcast"), (d.expr, like))
            return Diff(call, self.value(operand).kind)
        whole = not d.small or same_shape(d.kind, full)
        if whole and self.is_elementwise(operand):
            return replace(d, wide=(e, full))
        raise self.needs_name(operand)

    def needs_name(self, e: n.Expr) -> NeedsName:
        """Return the request for a name; calls that keep something get adjoints of their own."""
        has_rule = not isinstance(e, n.Call) or self.context.choice_exists(e, self.s)
        plan = None
        if isinstance(e, n.Call) and not has_rule:
            plan = self.context.plan(e, self.s, "adjoint")
        return NeedsName(self.s.uid, e, callee=not has_rule and not (plan and plan.cheap))

    def stand_in(self, e: n.Expr) -> n.Expr | None:
        return stand_in(e, lambda x: self.value(x).kind, lambda x: self.context.choice(x, self.s))

    def is_elementwise(self, e: n.Expr) -> bool:
        """True for an operation or call whose operands NumPy broadcasts."""
        if not isinstance(e, (n.Unary, n.Binary, n.Call)) or self.lists(e):
            return False
        choice = self.context.choice(e, self.s)
        if choice is None or choice.rule.shape != "out":
            return False
        # a test of the differential takes a number
        maps = choice.rule.adjoint.values()
        return not any(isinstance(x, n.IfExp) for template in maps for x in subexprs(template))

    def lists(self, e: n.Expr) -> bool:
        """True for an operation on a list or tuple, which is no arithmetic (NumPy takes `@`)."""
        return (
            isinstance(e, n.Binary)
            and e.op != "@"
            and any(isinstance(self.value(x).kind, (ListOf, TupleOf)) for x in (e.left, e.right))
        )

    def by_shape(self, filled: n.Expr, choice: Choice) -> n.Expr:
        """Return a filled template that computes no argument for the sake of its shape."""
        arguments = list(choice.arguments.values())

        def visit(e: n.Expr) -> n.Expr:
            place = shown(e)
            if place == -1 and isinstance(e, n.Attribute) and e.value in arguments:
                return replace(e, value=self.like(e.value))
            if not isinstance(e, n.Call) or place is None or e.args[place] not in arguments:
                return e
            args = list(e.args)
            args[place] = self.like(args[place])
            return replace(e, args=tuple(args))

        return map_expr(filled, visit)

    def like(self, e: n.Expr) -> n.Expr:
        """Return what has the shape of an argument, and is not computed for it."""
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            return replace(e, items=tuple(map(self.like, e.items)))
        found = e if isinstance(e, n.Starred) else self.stand_in(e)
        if found is None:
            raise self.needs_name(e)
        return found

    def full(self, d: Diff, e: n.Expr | None, kind: Kind) -> Diff:
        """Return `d` spread out to the shape of `e`, if it is smaller."""
        if not isinstance(kind, Array) or same_shape(d.kind, kind):
            return d
        if not d.small and same_rank(d.kind, kind):
            return d
        if isinstance(d.kind, Unknown) or (isinstance(d.kind, Array) and d.kind.dims is None):
            return d
        if kind.dims is None and not isinstance(d.kind, Number):
            return d
        if kind.dims is not None and isinstance(d.kind, Array) and d.kind.dims is not None:
            axes = reduced_axes(kind, d.kind)
            if axes is not None and axes[0] == ():
                return replace(d, small=False)
        if e is None:
            return d
        if not isinstance(e, n.Name):
            raise NeedsName(self.s.uid, e)
        return Diff(self.spread(d, e, kind), kind)

    def spread(self, d: Diff, like: n.Expr, kind: Array) -> n.Expr:
        if kind.dtype != "float":
            # it may be one of integers beside active ones, whose adjoint nobody reads
            return n.Binary("+", d.expr, n.Call(self.context.helper("zeros_like"), (like,)))
        if isinstance(d.kind, Number):
            return n.Call(self.context.np("full_like"), (like, d.expr))
        zeros = n.Call(self.context.np("zeros_like"), (like,))
        return n.Binary("+", d.expr, zeros)

    def named(self, d: Diff, wanted: str) -> Diff:
        """Return `d` as a variable, given a name if it is not one."""
        if atomic(d.expr):
            return d
        name = n.Name(self.context.names.fresh(wanted))
        self.before.append(n.Assign((name,), d.expr))
        whole = isinstance(d.kind, Array) and not d.small and d.wide is None
        if whole or isinstance(d.kind, Number):
            self.bar_kinds[name.id] = d.kind
        return replace(d, expr=name)

    def bar_name(self, e: n.Expr) -> str:
        if isinstance(e, n.Binary):
            return f"{BAR_NAMES.get(e.op, 'value')}_bar"
        if isinstance(e, n.Call):
            func = e.func
            last = func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "value")
            return f"{plain_name(last)}_bar"
        return "value_bar"

    def result_of(self, e: n.Expr, kind: Kind, template: n.Expr) -> n.Expr:
        """Return what `out` of a template stands for: `e` where that is cheap, else its name."""
        if isinstance(kind, Number) and "out" not in each_time(template):
            return e
        raise NeedsName(self.s.uid, e)

    def list_operator(self, e: n.Binary) -> Exception:
        """Return the refusal of an operator on a list, or on what may be one."""
        if e.op == "+":
            hint = "write `list(...)` or `np.array(...)` around both"
            return self.refused(e, "`+` of a list and what is not known to be one", hint)
        hint = "write np.array(...) around the list, or build a list with append"
        return self.refused(e, f"`{e.op}` of a list and an active value", hint)

    def refused(self, e: n.Expr, message: str, hint: str) -> Exception:
        return self.context.refuse(self.s, e, message, hint)


def _times(a: n.Expr, b: n.Expr) -> n.Expr:
    return n.Binary("*", a, b)


def rank_of(kind: Kind) -> int:
    return len(kind.dims) if isinstance(kind, Array) and kind.dims is not None else 0


def each_time(template: n.Expr) -> frozenset[str]:
    """Return the names that are read at each step of a comprehension.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> sorted(each_time(parse_expr("[d if v == out else 0.0 for v in items]")))
    ['d', 'out', 'v']
    """
    loops = [e for e in subexprs(template) if isinstance(e, n.Comprehension)]
    parts = [x for e in loops for x in (e.element, *(t for c in e.clauses for t in c.conditions))]
    return frozenset().union(*map(names, parts))


def is_negative(e: n.Expr) -> bool:
    """True for a product that starts with a minus sign."""
    while isinstance(e, n.Binary) and e.op in "*/":
        e = e.left
    return isinstance(e, n.Unary) and e.op == "-"


def added_axes(index: n.Expr) -> tuple[int, ...]:
    """Return the axes that an index adds, () when it does anything else.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> added_axes(parse_expr("x[:, None]").index), added_axes(parse_expr("x[0, None]").index)
    ((1,), ())
    """
    items = each_of(index)
    added = []
    for k, item in enumerate(items):
        newaxis = isinstance(item, n.Attribute) and item.attr == "newaxis"
        if newaxis or (isinstance(item, n.Const) and item.value is None):
            added.append(k)
        elif item != n.ALL:
            return ()
    return tuple(added)


def without_axes(d: Diff, axes: tuple[int, ...], rank: int) -> Diff | None:
    """Return a differential of `x[:, None]` as one of `x`: the axes that were added go again."""
    if isinstance(d.kind, Number):
        return d
    if not isinstance(d.kind, Array) or d.kind.dims is None or len(d.kind.dims) != rank:
        return None
    kind = Array(tuple(x for k, x in enumerate(d.kind.dims) if k not in axes), d.kind.dtype)
    e, negative = d.expr, isinstance(d.expr, n.Unary) and d.expr.op == "-"
    if isinstance(e, n.Unary) and negative:
        e = e.operand
    kept = _dropped(e, axes)
    if kept is None:
        whole = n.ALL
        zero = n.Const("0", 0)
        index: list[n.Expr] = [zero if k in axes else whole for k in range(axes[-1] + 1)]
        kept = n.Subscript(e, index[0] if len(index) == 1 else n.TupleExpr(tuple(index)))
    return Diff(n.Unary("-", kept) if negative else kept, kind, d.small)


def _dropped(e: n.Expr, axes: tuple[int, ...]) -> n.Expr | None:
    """Return a product of what has axes of length 1, as it was before it got them."""
    if isinstance(e, n.Binary) and e.op in "*/":
        left, right = _dropped(e.left, axes), _dropped(e.right, axes)
        return None if left is None or right is None else replace(e, left=left, right=right)
    if isinstance(e, n.Const):
        return e
    if isinstance(e, n.Subscript) and added_axes(e.index) == axes:
        return e.value
    return _summed_over(e, axes)


def _summed_over(e: n.Expr, axes: tuple[int, ...]) -> n.Expr | None:
    """Return a sum over just these axes that kept them, without them."""
    if not isinstance(e, n.Call) or len(e.keywords) != 2 or len(e.args) != 1:
        return None
    axis, keep = e.keywords
    if (axis.name, keep.name) != ("axis", "keepdims") or keep.value != n.Const("True", True):
        return None
    at = each_of(axis.value)
    same = tuple(x.value for x in at if isinstance(x, n.Const)) == axes
    return n.Call(e.func, e.args, (axis,)) if same else None


def _whole(s: n.Stmt) -> tuple[n.Expr, n.Expr] | None:
    """Return what a statement gives what it changes in place, and that; None for other ones."""
    if not isinstance(s, n.AugAssign):
        return None
    return n.Binary(s.op, s.target, s.value), s.target
