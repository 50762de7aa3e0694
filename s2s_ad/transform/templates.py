"""Adjoint templates of rules filled in: slopes, and reductions where NumPy broadcasts.

Takes the rule a call fits and a differential, gives its contribution to one argument; requires
`ir`, `rules`.
"""

from __future__ import annotations

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    ONE,
    Array,
    Kind,
    ListOf,
    Number,
    TupleOf,
    Unknown,
    is_matrix,
)
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import inside, map_expr, names, subexprs, substitute
from s2s_ad.rules.registry import Choice
from s2s_ad.rules.results import literal
from s2s_ad.transform.context import Diff, atomic
from s2s_ad.transform.fitting import Fitting, added_axes, is_negative
from s2s_ad.transform.following import object_of
from s2s_ad.transform.shapes import same_shape, shape_of
from s2s_ad.transform.signs import is_divisor, unguarded
from s2s_ad.transform.stand_ins import is_view
from s2s_ad.transform.unread_results import of_results, without_zero
from s2s_ad.transform.untaken import (
    is_cut_off,
    is_extreme,
    is_finite,
    is_product,
    of_steep,
    sides_of,
    without_error,
    zero_wins,
)

# functions that pass on what they are given, or read nothing but its shape
LIGHT = frozenset(
    "asarray array copy transpose reshape ravel expand_dims squeeze swapaxes moveaxis rollaxis "
    "flip fliplr flipud rot90 atleast_1d atleast_2d atleast_3d "
    "broadcast_to zeros_like ones_like empty_like full_like shape size ndim len".split()
)
D = n.Name("d ")  # a name no source can have, standing for the differential in a filled template


class Templates(Fitting):
    """Contributions by rule, without the walk on into the arguments."""

    def reads(self, choice: Choice, template: n.Expr) -> frozenset[str]:
        read = names(template)
        for name, value in reversed(choice.rule.let):
            if name in read:
                read |= names(value)
        return read

    def filled(self, choice: Choice, param: str, d: Diff, out: n.Expr) -> n.Expr:
        if choice.rule.adjoint[param] == n.Name("d"):
            return self.product(d.expr)
        for name in sorted(self.reads(choice, choice.rule.adjoint[param])):
            argument = choice.arguments.get(name)
            if argument is not None and choice.rule.shape == "out" and self.is_heavy(argument):
                raise self.needs_name(without_views(argument))
        filled = self.by_shape(choice.adjoint(param, D, out), choice)
        if filled == n.Attribute(D, "T") and is_matrix(d.kind):
            turned = product_turned(d.expr)
            if turned is not None:
                return turned
        filled = map_expr(filled, self.plain)
        entrywise = isinstance(self.value(choice.arguments[param]).kind, (Array, Number))
        if is_negative(d.expr) and entrywise and isinstance(filled, n.Call):
            # a linear map of what is negative is the negative of its map
            positive = self.called(filled, self.product(n.Unary("-", d.expr)))
            return self.product(n.Unary("-", positive))
        if isinstance(d.expr, n.TupleExpr):
            zeros_like = self.context.np("zeros_like")
            return self.product(of_results(filled, D.id, d.expr, out, zeros_like))
        if atomic(d.expr):
            return self.product(substitute(filled, {D.id: d.expr}))
        return self.product(self.called(filled, d.expr))

    def called(self, filled: n.Expr, d: n.Expr) -> n.Expr:
        """Return a template with `d`, a product in an argument of a call in canonical form."""
        if not isinstance(filled, n.Call):
            return self.splice(filled, D, d)
        args = (self.product(self.splice(a, D, d)) if D in subexprs(a) else a for a in filled.args)
        return self.splice(replace(filled, args=tuple(args)), D, d)

    def plain(self, e: n.Expr) -> n.Expr:
        """Return `-k` for `np.negative(k)` of a number, `x` for `x.T.T`, `0.5 * x * x` for
        `(x / math.sqrt(2.0)) * (x / math.sqrt(2.0))`, and `if k` for `if -k`."""
        if isinstance(e, n.Attribute) and e.attr == "T" and isinstance(e.value, n.Attribute):
            return e.value.value if e.value.attr == "T" else e
        if isinstance(e, n.Binary) and e.op == "*" and _has_roots(e):
            return self.product(e)
        test = e.test if isinstance(e, n.IfExp) else None
        if isinstance(e, n.IfExp) and isinstance(test, n.Unary) and test.op == "-":
            number = isinstance(self.value(test.operand).kind, Number)
            return replace(e, test=test.operand) if number else e
        if not isinstance(e, n.Call) or e.keywords or not isinstance(e.func, n.Attribute):
            return e
        if e.func.attr != "negative" or e.func != self.context.np("negative"):
            return e
        (operand,) = e.args
        if isinstance(operand, n.Unary) and operand.op == "-" and constant_int(operand) is not None:
            return operand.operand
        number = isinstance(self.value(operand).kind, Number)
        return n.Unary("-", operand) if number else e

    def choice_of_item(self, e: n.Expr, k: int | None) -> Choice | None:
        """Return the rule of a call that gives a tuple, for the differential of its item k."""
        kind = self.value(e).kind
        if not isinstance(e, n.Call) or not isinstance(kind, TupleOf) or k is None:
            return None
        choice = self.context.choice(e, self.s)
        if choice is None or choice.rule.shape == "out" or choice.rule.let:
            return None
        maps = {}
        for name, template in choice.rule.adjoint.items():
            only = map_expr(template, lambda x: _only_item(x, k % len(kind.items)))
            maps[name] = map_expr(only, without_zero)
            items = sum(_is_item(x) for x in subexprs(template))
            whole = sum(x == n.Name("d") for x in subexprs(template)) != items
            if whole or any(map(_is_item, subexprs(maps[name]))):
                return None
        return replace(choice, rule=replace(choice.rule, adjoint=maps))

    def by_result(self, choice: Choice, param: str, out: n.Expr | None) -> Choice:
        """Return a choice whose map reads the result where the argument would be computed again."""
        template = choice.rule.by_result.get(param)
        argument = choice.arguments[param]
        kind = self.value(argument).kind
        if template is None or isinstance(kind, Number):
            return choice
        at_hand = isinstance(out, n.Name) and not is_view(argument, lambda x: self.value(x).kind)
        if not at_hand and not self.is_heavy(argument):
            return choice
        maps = {**choice.rule.adjoint, param: template}
        return replace(choice, rule=replace(choice.rule, adjoint=maps))

    def unguarded(self, choice: Choice, param: str, e: n.Expr) -> Choice:
        """Return a choice whose map has no guard against a root of zero where there is none, or
        where what comes in has been divided by that root: it is no number then either."""
        adjoint, argument = choice.rule.adjoint, choice.arguments[param]
        divides = e is self.divisor
        # where an untaken side of `np.where` is divided, a zero is put in the place of that
        self.divisor = None
        if is_divisor(choice, param) and not self.masks and not self.blank:
            known = self.context.transparent
            self.divisor = known.get(argument.id) if isinstance(argument, n.Name) else argument
        maps = unguarded(self.context, adjoint, param, argument, self.s, divides)
        if maps is adjoint:
            return choice
        return replace(choice, rule=replace(choice.rule, adjoint=maps))

    def is_heavy(self, e: n.Expr) -> bool:
        """True for what is not computed a second time: a matrix product, or what a function makes
        of an array."""
        for x in subexprs(e):
            if isinstance(x, n.Binary) and x.op == "@":
                return True
            if not isinstance(x, n.Call):
                continue
            shaped = isinstance(self.value(x).kind, Array)
            if shaped and not self.context.choice_exists(x, self.s):
                return True
            taken = [*x.args, *(k.value for k in x.keywords)]
            if self.is_work(x) and any(isinstance(self.value(a).kind, Array) for a in taken):
                return True
        return False

    def is_work(self, e: n.Call) -> bool:
        """True for a function that computes: more than a view, a copy or zeros."""
        func = e.func
        name = func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "")
        return name not in LIGHT and self.context.choice_exists(e, self.s)

    def partial(self, choice: Choice, param: str, expr: n.Expr, d: Diff, out: Kind) -> Diff:
        """Return a contribution with the kind it has, judged from the factors of its template."""
        if choice.rule.shape != "out":
            return Diff(expr, self.value(choice.arguments[param]).kind, d.small)
        kinds = [d.kind]
        for name in self.reads(choice, choice.rule.adjoint[param]):
            if name == "out":
                kinds.append(out)
            elif name in choice.arguments:
                kinds.append(self.value(choice.arguments[name]).kind)
        return Diff(expr, shape_of(*kinds), d.small)

    def is_safe(self, choice: Choice, param: str, e: n.Expr) -> bool:
        """True for slopes that are finite on a side that is not taken: sums and products of what
        is. e: what the rule is of."""
        template = choice.rule.adjoint[param]
        if any(
            isinstance(x, n.Call) or (isinstance(x, n.Binary) and x.op in ("/", "**"))
            for x in subexprs(template)
        ):
            return False
        factors = {**choice.arguments, "out": e}
        return all(self.is_finite(factors[x]) for x in names(template) & factors.keys())

    def is_finite(self, e: n.Expr) -> bool:
        known = self.context.transparent
        return is_finite(e, self.on_sides, known, lambda f: object_of(self.context, f, self.s))

    def is_masked(self, kind: Kind) -> bool:
        """True when conditions say of each entry whether its side is taken."""
        known = bool(self.masks) and not self.blank
        return known and all(same_shape(kind, shape) for _, _, shape in self.masks)

    def masked(self, d: Diff) -> Diff:
        """Keep what an untaken side of `np.where` may make of a zero (inf * 0) out of the sum."""
        for condition, taken, shape in self.masks:
            sides = (d.expr, ZERO) if taken else (ZERO, d.expr)
            d = Diff(n.Call(self.context.np("where"), (condition, *sides)), shape)
        return d

    def blanked(self, choice: Choice, param: str, e: n.Expr, shape: Kind) -> Choice:
        """Return a choice whose map keeps that out by itself, where no condition says it."""
        unsure = self.blank or self.masks
        if not unsure or choice.rule.shape != "out":
            return choice
        if self.is_masked(shape) or self.is_where(choice):
            return choice
        adjoint = choice.rule.adjoint
        if self.is_safe(choice, param, e):
            return choice
        maps = {**adjoint, param: zero_wins(adjoint[param], self.context.helper)}
        return replace(choice, rule=replace(choice.rule, adjoint=maps))

    def flattened(self, choice: Choice, param: str) -> Choice:
        """Return a choice whose map is nothing where what cuts off is flat, of what is infinite."""
        adjoint, helper = choice.rule.adjoint, self.context.helper
        template = adjoint[param]
        if choice.rule.shape != "out":
            return choice
        if self.is_cut_off(choice.arguments[param]):
            template = without_error(template, helper)
        if self.steep:
            flat = {p for p, x in choice.arguments.items() if p != param and self.is_cut_off(x)}
            template = of_steep(template, helper, flat)
        if template is adjoint[param]:
            return choice
        maps = {**adjoint, param: template}
        return replace(choice, rule=replace(choice.rule, adjoint=maps))

    def hands_on(self, e: n.Expr) -> bool:
        """True for what may hand an infinite differential on to its parts."""
        return is_product(e) or is_extreme(e, lambda f: object_of(self.context, f, self.s))

    def is_cut_off(self, e: n.Expr) -> bool:
        return is_cut_off(e, self.cut_off, lambda f: object_of(self.context, f, self.s))

    def sides(self, e: n.Expr) -> tuple[n.Expr, ...]:
        """Return the arguments of a call whose differential is zero where they do not matter."""
        if not isinstance(e, n.Call):
            return ()
        return sides_of(e, object_of(self.context, e.func, self.s))

    def is_where(self, choice: Choice) -> bool:
        rule = choice.rule
        return rule.namespace == "np" and rule.name == "where" and "condition" in choice.arguments

    def is_expand(self, choice: Choice, active: list[str]) -> bool:
        return not self.context.spread_out and all(self.expansion(choice, p) for p in active)

    def expansion(self, choice: Choice, param: str) -> n.Call | None:
        """Return the `expand(d, x, axis, keepdims)` of a reduction, without its factors."""
        template = self.written_out(choice, param)
        while isinstance(template, n.Binary) and template.op in "*/":
            template = template.left
        if isinstance(template, n.Call) and template.func == self.context.helper("expand"):
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
        if call is None or self.context.spread_out:
            return None
        argument = choice.arguments[param]
        kind = self.value(argument).kind
        if isinstance(kind, (Unknown, ListOf, TupleOf)):
            # a number stands for all entries only where the sum over them can be told
            return None
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
            filled = self.splice(self.by_shape(choice.fill(inner, D, out), choice), D, d.expr)
            entries = self.costly_factors(inner, "out")
            reduced = shape_of(d.kind, out_kind) if entries else d.kind
            shown = self.expanded(
                replace(d, expr=self.product(filled), kind=reduced), kind, axis, keep
            )
            template = _replaced(self.written_out(choice, param), call, n.Name("d"))
        if shown is None:
            return None
        like = next((x for x in subexprs(argument) if self.has_shape(x, kind)), None)
        if like is not None and not self.costly_factors(template, param):
            # a variable of the same shape says it as well
            choice = replace(
                choice,
                arguments={**choice.arguments, param: like},
                operands={**choice.operands, param: like},
            )
        expr = self.by_shape(choice.fill(template, D, out), choice)
        others = [
            self.value(choice.arguments[x]).kind for x in names(template) if x in choice.arguments
        ]
        kinds = shown.kind if template is inner else shape_of(shown.kind, *others)
        small = not same_shape(kinds, kind)
        return Diff(self.product(self.splice(expr, D, shown.expr)), kinds, small)

    def has_shape(self, e: n.Expr, kind: Kind) -> bool:
        return isinstance(e, n.Name) and same_shape(self.value(e).kind, kind)

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
            return d
        if not isinstance(kind, Array) or kind.dims is None or not isinstance(d.kind, Array):
            return None
        if d.kind.dims is None:
            return None
        if keep is True:
            return d
        rank = len(kind.dims)
        axes = axis if isinstance(axis, tuple) else (axis,)
        over = {k % rank for k in axes if isinstance(k, int)}
        if keep is not False or len(over) != len(axes) or len(d.kind.dims) != rank - len(over):
            return None
        if over == set(range(len(over))):
            return d
        index = tuple(n.Const("None", None) if k in over else n.ALL for k in range(rank))
        while len(index) > 1 and isinstance(index[-1], n.Slice):
            index = index[:-1]
        own = iter(d.kind.dims)
        dims = tuple(ONE if k in over else next(own) for k in range(rank))
        at = index[0] if len(index) == 1 else n.TupleExpr(index)
        return Diff(n.Subscript(d.expr, at), Array(dims, d.kind.dtype), small=True)


def without_views(e: n.Expr) -> n.Expr:
    """Return what new axes or a transpose are put on: `np.sum(x)` of `np.sum(x)[None]`."""
    while isinstance(e, (n.Subscript, n.Attribute)):
        if isinstance(e, n.Attribute) and e.attr != "T":
            return e
        if isinstance(e, n.Subscript) and not added_axes(e.index):
            return e
        e = e.value
    return e


def _is_item(e: n.Expr) -> bool:
    return isinstance(e, n.Subscript) and e.value == n.Name("d")


def _only_item(e: n.Expr, k: int) -> n.Expr:
    """Return `d` for `d[k]`, and zero for the other items of a differential."""
    if not isinstance(e, n.Subscript) or not _is_item(e):
        return e
    at = constant_int(e.index)
    if at is None or at < 0:
        return e
    return n.Name("d") if at == k else ZERO


def product_turned(e: n.Expr) -> n.Expr | None:
    """Return the transpose of a product of matrices, one of which is a transpose itself.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(product_turned(parse_expr("A.T @ B")))
    'B.T @ A'
    """
    if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and e.func.attr == "outer":
        return replace(e, args=e.args[::-1]) if len(e.args) == 2 and not e.keywords else None
    if not isinstance(e, n.Binary) or e.op != "@":
        return None
    sides = [x.value if isinstance(x, n.Attribute) and x.attr == "T" else None
             for x in (e.right, e.left)]  # fmt: skip
    if sides == [None, None]:
        return None
    right, left = (x or n.Attribute(y, "T") for x, y in zip(sides, (e.right, e.left)))
    return n.Binary("@", right, left)


def _replaced(template: n.Expr, call: n.Call, inner: n.Expr) -> n.Expr:
    """Return `template` with `call` at its left end replaced by `inner`."""
    if template == call:
        return inner
    assert isinstance(template, n.Binary)
    return n.Binary(template.op, _replaced(template.left, call, inner), template.right)


def _has_roots(e: n.Expr) -> bool:
    """True for a product with two roots of constants among its factors."""
    todo = [e]
    count = 0
    while todo:
        x = todo.pop()
        if isinstance(x, n.Binary) and x.op in "*/":
            todo += [x.left, x.right]
        elif isinstance(x, n.Unary) and x.op == "-":
            todo.append(x.operand)
        elif isinstance(x, n.Call) and len(x.args) == 1 and isinstance(x.func, n.Attribute):
            root = x.func == n.Attribute(n.Name("math"), "sqrt")
            count += root and isinstance(x.args[0], n.Const)
    return count > 1


def uses(template: n.Expr, name: str) -> int:
    """Return how often a template reads a name."""
    return sum(x.id == name for x in inside(template, n.Name))
