"""Forward mode: the tangent of a function, statement by statement beside the primal.

Takes a Function in normal form and its facts, gives `f_tangent`; requires `ir`, `analysis`,
`rules`.

    y = k * x           →       y_dot = k * x_dot
                                y = k * x
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import replace

from s2s_ad.analysis.aliasing import scattered
from s2s_ad.analysis.values import PASSIVE, target_names
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Array, ListOf, NoneKind, Number
from s2s_ad.ir.names import marked
from s2s_ad.ir.walk import assigned, map_block, names, stmt_exprs, walk_stmts
from s2s_ad.transform.context import Context, Splice
from s2s_ad.transform.foreign_arrays import check_foreign_arrays
from s2s_ad.transform.loops import in_order
from s2s_ad.transform.pushforward import Pushforward
from s2s_ad.transform.tries import happens_once, whole_body

ZERO = n.Const("0.0", 0.0)
Simplify = Callable[[n.Expr], n.Expr]


def tangent(
    context: Context,
    wrt: tuple[str, ...],
    name: str,
    product: Simplify,
    splice: Splice,
    total: Simplify,
) -> n.Function:
    """Return the tangent function: parameters in `wrt` are followed by their dots."""
    run = _Tangent(context, wrt, product, splice, total)
    return run.function(name)


class _Tangent:
    def __init__(
        self,
        context: Context,
        wrt: tuple[str, ...],
        product: Simplify,
        splice: Splice,
        total: Simplify,
    ) -> None:
        self.context = context
        self.facts = context.facts
        self.wrt = wrt
        self.product = product
        self.splice = splice
        self.total = total
        self.dotted = {
            name for env in self.facts.after.values() for name, value in env.items() if value.varied
        } | set(wrt)

    def function(self, name: str) -> n.Function:
        f = self.context.function
        params: list[n.Param] = []
        for p in f.params:
            params.append(p)
            if p.name in self.wrt:
                # right behind it: callers give them in this order
                params.append(n.Param(self.context.mark(p.name, "dot"), None, p.kind))
        params = _ordered(params)
        start: list[n.Stmt] = []
        for p in f.params:
            if p.name in self.dotted and p.name not in self.wrt:
                start.append(self.cleared(p.name))
        body = self.block(f.body)
        return replace(f, name=name, params=tuple(params), body=(*start, *body))

    def dot(self, name: str) -> n.Name:
        return n.Name(self.context.mark(name, "dot"))

    def pushforward(self, s: n.Stmt) -> Pushforward:
        return Pushforward(self.context, s, self.product, self.splice, self.total)

    def cleared(self, name: str, after: n.Stmt | None = None) -> n.Stmt:
        """Return `x_dot = 0.0`, in the shape of the value `x` has."""
        kind = PASSIVE.kind
        if after is not None:
            kind = self.facts.after.get(after.uid, {}).get(name, PASSIVE).kind
        elif name in self.facts.entry:
            kind = self.facts.entry[name].kind
        zero: n.Expr = n.Const("0.0", 0.0)
        if isinstance(kind, ListOf) and after is not None and isinstance(after, n.Assign):
            if after.value == n.ListExpr(()):
                zero = n.ListExpr(())
            else:
                zero = n.Call(self.context.helper("zeros_like"), (n.Name(name),))
        elif isinstance(kind, Array):
            zero = n.Call(self.context.np("zeros_like"), (n.Name(name),))
        elif not isinstance(kind, (Number, NoneKind)):
            zero = n.Call(self.context.helper("zeros_like"), (n.Name(name),))
        return n.Assign((self.dot(name),), zero, of=after.uid if after else None)

    def block(self, block: n.Block) -> n.Block:
        return tuple(out for s in block for out in self.statement(s))

    def statement(self, s: n.Stmt) -> list[n.Stmt]:
        self.context.check_calls(s, True)
        check_foreign_arrays(self.context, s)
        if isinstance(s, n.Assign):
            return self.assign(s)
        if isinstance(s, n.AugAssign):
            return self.augmented(s)
        if isinstance(s, n.Append):
            return self.append(s)
        if isinstance(s, n.Pop):
            self.context.check_append(s)
            if self.facts.before[s.uid].get(s.stack, PASSIVE).varied and isinstance(
                s.target, n.Name
            ):
                dot = n.Pop(self.dot(s.target.id), self.context.mark(s.stack, "dot"), of=s.uid)
                return self.commented(dot, s)
            return [s, *self.passive(s)]
        if isinstance(s, n.Return):
            return self.returned(s)
        if isinstance(s, n.If):
            branches = tuple(replace(b, body=self.block(b.body)) for b in s.branches)
            return [replace(s, branches=branches, orelse=self.block(s.orelse))]
        if isinstance(s, n.While):
            return [replace(s, body=self.block(s.body), orelse=self.block(s.orelse))]
        if isinstance(s, n.For):
            return self.for_loop(s)
        if isinstance(s, n.With):
            if self.is_active_inside(s):
                self.context.check_with(s)
            return [replace(s, body=self.block(s.body))]
        added = scattered(s)
        if added is not None and isinstance(s, n.ExprStmt):
            return self.scatter(s, added)
        if isinstance(s, n.Try):
            return self.passive_try(s)
        self.context.check_effect(s)
        return [s, *self.passive(s)]

    def passive_try(self, s: n.Try) -> list[n.Stmt]:
        """Return a `try` in which nothing varies; what it returns has a tangent all the same."""
        if self.is_active_inside(s):
            return self.active_try(s)

        def visit(x: n.Stmt) -> list[n.Stmt]:
            return self.returned(x) if isinstance(x, n.Return) else [x]

        return [*map_block((s,), visit), *self.passive(s)]

    def active_try(self, s: n.Try) -> list[n.Stmt]:
        """Return a `try` with the tangents of its body behind it: they may raise, too."""
        body = whole_body(s, self.context.function)
        dots: list[n.Stmt] = []
        primal = list(s.body)
        apart = body is not None and happens_once(body)
        for k, x in enumerate(body or ()):
            if isinstance(x, n.Return) and x.value is not None:
                result = n.Name(self.context.names.fresh("result"))
                primal[k] = n.Assign((result,), x.value, origin=x.origin, comments=x.comments)
                dots.extend(_returning(result, self.returned(replace(x, comments=n.NO_COMMENTS))))
                continue
            out = self.statement(replace(x, comments=n.NO_COMMENTS))
            dots.extend(r for r in out if r.uid != x.uid)
            apart = apart and any(r.uid == x.uid and _same_values(r, x) for r in out)
        if not apart:
            raise self.context.refuse(
                s, None, "`try` around active statements", "move them out of the block"
            )
        for last in s.body[len(body or ()) :]:
            dots.extend(r for r in self.statement(last) if r.uid != last.uid)
        handlers = tuple(replace(h, body=self.block(h.body)) for h in s.handlers)
        dots.extend(self.block(s.orelse))
        return [replace(s, body=tuple(primal), handlers=handlers, orelse=tuple(dots))]

    def is_active_inside(self, s: n.Stmt) -> bool:
        """True when a statement nested in `s` gives a variable an active value or returns one."""
        for x in walk_stmts((s,)):
            env = self.facts.after.get(x.uid, {})
            if any(env.get(name, PASSIVE).varied for name in assigned((x,))):
                return True
            value = x.value if isinstance(x, n.Return) else None
            if value is not None and self.facts.varied(value, x.uid):
                return True
        return False

    def passive(self, s: n.Stmt) -> list[n.Stmt]:
        """Clear the tangents of what a passive statement binds."""
        return [self.cleared(x, s) for x in sorted(assigned((s,)) & self.dotted)]

    def commented(self, first: n.Stmt, *rest: n.Stmt) -> list[n.Stmt]:
        """Put the comments above a statement above its tangent, which comes first."""
        s = rest[-1]
        if s.comments.before:
            first = replace(first, comments=replace(n.NO_COMMENTS, before=s.comments.before))
            s = replace(s, comments=replace(s.comments, before=()))
        return [first, *rest[:-1], s]

    def assign(self, s: n.Assign) -> list[n.Stmt]:
        target = s.targets[0]
        if not self.facts.varied(s.value, s.uid):
            if isinstance(target, (n.Subscript, n.Attribute)):
                return self.store(s, target, s.value)
            dots = self.passive(s)
            if all(isinstance(d, n.Assign) and isinstance(d.value, n.Const) for d in dots):
                return self.commented(*dots, s) if dots else [s]
            return [s, *dots]
        plan = None
        if isinstance(s.value, n.Call) and not self.context.choice_exists(s.value, s):
            plan = self.context.plan(s.value, s, "tangent")
        if plan is not None and plan.tangent:
            return self.user_call(s, plan, target)
        if isinstance(target, n.Name):
            free = target.id not in names(s.value)
            push = self.pushforward(s)
            d = push.push(s.value, target if free else None)
            assert d is not None
            d = push.full(d, s.value, target if free else None)
            dot = n.Assign((self.dot(target.id),), push.summed(d.expr, s.value), of=s.uid)
            if dot.value == self.dot(target.id):
                return [s]
            if free and target.id in names(dot.value):
                return [s, dot]
            return self.commented(dot, s)
        if isinstance(target, (n.TupleExpr, n.ListExpr)) and isinstance(
            s.value, (n.TupleExpr, n.ListExpr)
        ):
            push = self.pushforward(s)
            pairs = [
                (self.dot(t.id), push.summed(push.item(e), e))
                for t, e in zip(target.items, s.value.items)
                if isinstance(t, n.Name) and t.id in self.dotted
            ]
            places = tuple(p[0] for p in pairs)
            values = tuple(p[1] for p in pairs)
            if len(pairs) == 1:
                dot = n.Assign((places[0],), values[0], of=s.uid)
            else:
                dot = n.Assign((n.TupleExpr(places),), n.TupleExpr(values), of=s.uid)
            return self.commented(dot, s)
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            self.pushforward(s).push(s.value)  # it says what is wrong, as a rule
            hint = self.context.or_tell("give it a name and take its items by their index")
            raise self.context.refuse(s, s.value, "an unpacking of what may be anything", hint)
        return self.store(s, target, s.value)

    def store(self, s: n.Stmt, target: n.Expr, value: n.Expr) -> list[n.Stmt]:
        """Store the tangent of a value beside the value."""
        if not self.context.touches_active(s, target, value):
            return [s]
        self.context.check_store(s, target)
        push = self.pushforward(s)
        place = push.dot(target)
        d = push.push(value)
        dot = self.stored(push, target, value) if d is None else push.summed(d.expr, value)
        if isinstance(s, n.AugAssign) and s.op in "+-":
            if d is None:
                return [s]
            return self.commented(n.AugAssign(place, s.op, dot, of=s.uid), s)
        if isinstance(s, n.AugAssign):
            whole = n.Binary(s.op, target, value)
            d = push.push(whole)
            dot = ZERO if d is None else push.summed(d.expr, whole)
        return self.commented(n.Assign((place,), dot, of=s.uid), s)

    def stored(self, push: Pushforward, target: n.Expr, value: n.Expr) -> n.Expr:
        """Return the tangent of a passive value that is stored: of its structure, but that NumPy
        spreads 0.0 over a part of an array."""
        owner = push.kind(target.value) if isinstance(target, n.Subscript) else UNKNOWN
        return ZERO if isinstance(owner, Array) else push.zero(value)

    def scatter(self, s: n.ExprStmt, added: tuple[n.Expr, n.Expr, n.Expr]) -> list[n.Stmt]:
        """Add the tangent where `np.add.at` adds the value."""
        array, index, value = added
        push = self.pushforward(s)
        d = push.push(value)
        if d is None:
            return [s]
        self.context.check_store(s, n.Subscript(array, index))
        assert isinstance(s.value, n.Call)
        args = (push.dot(array), index, push.summed(d.expr, value))
        call = replace(s.value, args=args)
        return self.commented(n.ExprStmt(call, of=s.uid), s)

    def user_call(self, s: n.Assign, plan: object, target: n.Expr) -> list[n.Stmt]:
        from s2s_ad.transform.context import CallPlan

        assert isinstance(plan, CallPlan)
        push = self.pushforward(s)
        args: list[n.Expr] = []
        for p, e in plan.arguments:
            args.append(e)
            if p in plan.active:
                d = push.push(e)
                full = None if d is None else push.full(d, e).expr
                args.append(push.zero(e) if full is None else push.summed(full, e))
        call = n.Call(n.Name(plan.tangent), tuple(args))
        stores: tuple[n.Stmt, ...] = ()
        if isinstance(target, n.Name):
            dot: n.Expr = self.dot(target.id)
        elif isinstance(target, (n.TupleExpr, n.ListExpr)):
            dot = n.TupleExpr(tuple(self.dot(x) for x in _plain(target)))
        else:
            self.context.check_store(s, target)
            place, value = target, self.context.names.fresh("value")
            target, dot = n.Name(value), n.Name(self.context.names.fresh(marked(value, "dot")))
            both = n.Assign((push.dot(place),), dot), n.Assign((place,), target)
            stores = tuple(replace(x, of=s.uid, origin=s.origin) for x in both)
        made = replace(s, targets=(n.TupleExpr((target, dot)),), value=call, annotation=None)
        return [made, *stores]

    def augmented(self, s: n.AugAssign) -> list[n.Stmt]:
        target = s.target
        if not isinstance(target, n.Name):
            return self.store(s, target, s.value)
        whole = n.Binary(s.op, target, s.value)
        if not self.facts.varied(whole, s.uid):
            return [self.context.rebound(s), *self.passive(s)]
        push = self.pushforward(s)
        if s.op in "+-" and self.facts.varied(target, s.uid):
            d = push.push(s.value)
            if d is None:
                return [self.context.rebound(s)]
            number = isinstance(self.facts.value(target, s.uid).kind, Number)
            if number:
                dot: n.Stmt = n.AugAssign(self.dot(target.id), s.op, self.total(d.expr), of=s.uid)
                return self.commented(dot, s)
        d = push.push(whole)
        assert d is not None
        d = push.full(d, whole)
        dot = n.Assign((self.dot(target.id),), push.summed(d.expr, whole), of=s.uid)
        return self.commented(dot, self.context.rebound(s))

    def append(self, s: n.Append) -> list[n.Stmt]:
        self.context.check_append(s)
        if s.stack not in self.dotted:
            return [s]
        push = self.pushforward(s)
        stack = self.context.mark(s.stack, "dot")
        dot = n.Append(stack, push.summed(push.item(s.value), s.value), of=s.uid)
        return self.commented(dot, s)

    def returned(self, s: n.Return) -> list[n.Stmt]:
        value = s.value if s.value is not None else n.Const("None", None)
        push = self.pushforward(s)
        pre: list[n.Stmt] = []
        if not self.facts.varied(value, s.uid):
            dot = push.zero(value)
        elif isinstance(value, (n.Name, n.TupleExpr, n.ListExpr)):
            dot = push.item(value)
        else:
            name = self.context.names.fresh("result_dot")
            d = push.push(value)
            assert d is not None
            dot = push.summed(push.full(d, value).expr, value)
            pre = [n.Assign((n.Name(name),), dot, of=s.uid)]
            dot = n.Name(name)
        last = replace(s, value=n.TupleExpr((value, dot)))
        return self.commented(pre[0], last) if pre else [last]

    # -- loops

    def for_loop(self, s: n.For) -> list[n.Stmt]:
        body, orelse = self.block(s.body), self.block(s.orelse)
        env = self.facts.before.get(s.body[0].uid, {}) if s.body else {}
        bound = target_names(s.target) & self.dotted
        if not any(env.get(x, PASSIVE).varied for x in bound):
            clear = tuple(self.cleared(x) for x in sorted(bound))
            return [replace(s, body=(*clear, *body), orelse=orelse)]
        target, source = self.paired(s.target, s.iter, s)
        return [replace(s, target=target, iter=source, body=body, orelse=orelse)]

    def paired(self, target: n.Expr, e: n.Expr, s: n.For) -> tuple[n.Expr, n.Expr]:
        """Return a target and what it runs over, active items in pairs with their tangents."""
        reader = self.facts.reader(s.uid)
        found = (
            reader.object_of(e.func, self.facts.before[s.uid]) if isinstance(e, n.Call) else None
        )
        callee = found[0] if found else None
        inner = isinstance(target, (n.TupleExpr, n.ListExpr))
        if isinstance(e, n.Call) and callee is builtins.enumerate and inner:
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            t, source = self.paired(target.items[1], e.args[0], s)
            return n.TupleExpr((target.items[0], t)), replace(e, args=(source, *e.args[1:]))
        if isinstance(e, n.Call) and callee is builtins.reversed:
            t, source = self.paired(target, e.args[0], s)
            if isinstance(source, n.Call) and source != e.args[0]:
                if not isinstance(e.args[0], n.Call):
                    # a sequence beside its tangent, which is as long
                    back = tuple(replace(e, args=(x,)) for x in source.args)
                    return t, replace(source, args=back)
                source = n.Call(n.Name(self.context.alias("list")), (source,))
            return t, replace(e, args=(source,))
        if isinstance(e, n.Call) and callee is builtins.list and isinstance(e.args[0], n.Call):
            t, source = self.paired(target, e.args[0], s)
            return t, replace(e, args=(source,))
        if isinstance(e, n.Call) and callee is builtins.zip and inner:
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            targets: list[n.Expr] = []
            sources: list[n.Expr] = []
            for t, x in zip(target.items, e.args):
                if isinstance(t, n.Name) and isinstance(x, n.Name) and t.id in self.dotted:
                    targets.extend((t, self.dot(t.id)))
                    sources.extend((in_order(self.context, x, x, s.uid), self.tangent_of(x, s)))
                else:
                    t, x = self.paired(t, x, s)
                    targets.append(t)
                    sources.append(x)
            return n.TupleExpr(tuple(targets)), n.Call(e.func, tuple(sources))
        if (
            isinstance(e, n.Call)
            and isinstance(e.func, n.Attribute)
            and e.func.attr == "items"
            and inner
        ):
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            value = target.items[1]
            if isinstance(value, n.Name) and value.id in self.dotted:
                owner = self.tangent_of(e.func.value, s)
                values = n.Call(n.Attribute(owner, "values"), ())
                zipped = n.Call(n.Name(self.context.alias("zip")), (e, values))
                return n.TupleExpr((target, self.dot(value.id))), zipped
        method = e.func if isinstance(e, n.Call) else None
        of_values = isinstance(method, n.Attribute) and method.attr == "values"
        if of_values and isinstance(target, n.Name) and target.id in self.dotted:
            assert isinstance(method, n.Attribute)
            owner = self.tangent_of(method.value, s)
            values = n.Call(n.Attribute(owner, "values"), ())
            zipped = n.Call(n.Name(self.context.alias("zip")), (e, values))
            return n.TupleExpr((target, self.dot(target.id))), zipped
        if not target_names(target) & self.dotted:
            return target, e
        dots = _dotted(target, self.dot)
        pair = n.TupleExpr((target, dots))
        source = in_order(self.context, e, e, s.uid)
        return pair, n.Call(n.Name(self.context.alias("zip")), (source, self.tangent_of(e, s)))

    def tangent_of(self, e: n.Expr, s: n.For) -> n.Expr:
        push = self.pushforward(s)
        d = push.push(e)
        return push.zero(e) if d is None else d.expr


def _returning(result: n.Name, statements: list[n.Stmt]) -> list[n.Stmt]:
    """Have the statements that return a value and its tangent return a variable for the value."""
    last = statements[-1]
    assert isinstance(last, n.Return) and isinstance(last.value, n.TupleExpr)
    pair = replace(last.value, items=(result, *last.value.items[1:]))
    return [*statements[:-1], replace(last, value=pair)]


def _same_values(a: n.Stmt, b: n.Stmt) -> bool:
    return list(stmt_exprs(a)) == list(stmt_exprs(b))


def _plain(target: n.TupleExpr | n.ListExpr) -> list[str]:
    return [t.id for t in target.items if isinstance(t, n.Name)]


def _dotted(target: n.Expr, dot: Callable[[str], n.Expr]) -> n.Expr:
    if isinstance(target, n.Name):
        return dot(target.id)
    assert isinstance(target, (n.TupleExpr, n.ListExpr))
    return n.TupleExpr(tuple(_dotted(item, dot) for item in target.items))


def _ordered(params: list[n.Param]) -> list[n.Param]:
    """Give no parameter a default in front of one without: dots have none, so later ones follow."""
    last = max(
        (
            k
            for k, p in enumerate(params)
            if p.default is None and p.kind in ("normal", "positional_only")
        ),
        default=-1,
    )
    return [
        replace(p, default=None) if k < last and p.kind in ("normal", "positional_only") else p
        for k, p in enumerate(params)
    ]
