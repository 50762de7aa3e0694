"""Forward mode: the tangent of a function, statement by statement beside the primal.

Takes a Function in normal form and its facts, gives `f_tangent`; requires `ir`, `analysis`,
`rules`.

    y = k * x           →       y_dot = k * x_dot
                                y = k * x
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, ListOf, NoneKind, Number, TupleOf
from s2s_ad.ir.names import BlockNames
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    names,
    subexprs,
    substitute,
    target_names,
)
from s2s_ad.transform.context import Context
from s2s_ad.transform.foreign_arrays import check_foreign_arrays
from s2s_ad.transform.growing import grown, may_grow
from s2s_ad.transform.naming import WHOLE, Naming
from s2s_ad.transform.overlapping import apart, check_overlap
from s2s_ad.transform.pushforward import Pushforward, Tidy
from s2s_ad.transform.storing import check_store
from s2s_ad.transform.tangent_tries import TangentTries


def tangent(
    context: Context,
    wrt: tuple[str, ...],
    name: str,
    tidy: Tidy,
    called: Callable[[n.Expr], str] | None,
) -> tuple[n.Function, dict[str, Kind]]:
    """Return the tangent function, whose parameters in `wrt` are followed by their dots, and the
    kinds of the variables that were made for parts of values.

    called: what a part is to be called; without it, parts are computed where they are read.
    """
    run = _Tangent(context, wrt, tidy, called)
    return run.function(name), run.kinds


class _Tangent(TangentTries):
    def __init__(
        self,
        context: Context,
        wrt: tuple[str, ...],
        tidy: Tidy,
        called: Callable[[n.Expr], str] | None,
    ) -> None:
        self.context = context
        self.facts = context.facts
        self.wrt = wrt
        self.tidy = tidy
        self.called = called
        self.kinds: dict[str, Kind] = {}
        self.dots: set[str] = set()
        self.seen = 0
        self.trying = False
        self.fresh = BlockNames(context.names.fresh_value)
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

    def is_dot(self, name: str) -> bool:
        """True for the tangent of a variable."""
        marks = self.context.marks
        new = itertools.islice(marks.items(), self.seen, None)
        self.dots.update(dot for (_, mark), dot in new if mark == "dot")
        self.seen = len(marks)
        return name in self.dots

    def pushforward(self, s: n.Stmt, naming: Naming | None = None) -> Pushforward:
        return Pushforward(self.context, s, self.tidy, self.is_dot, naming)

    def naming(self, s: n.Stmt, whole: n.Expr | None = None) -> Naming | None:
        """Return what gives names to parts of the value of a statement, None if nothing is to."""
        if self.called is None or self.trying:
            return None
        return Naming(self.context, s, self.called, self.fresh, self.kinds, whole)

    def cleared(self, name: str, after: n.Stmt | None = None) -> n.Stmt:
        """Return `x_dot = 0.0`, in the shape of the value `x` has."""
        kind = PASSIVE.kind
        if after is not None:
            kind = self.facts.after.get(after.uid, {}).get(name, PASSIVE).kind
        elif name in self.facts.entry:
            kind = self.facts.entry[name].kind
        zero: n.Expr = ZERO
        if isinstance(kind, ListOf) and after is not None and isinstance(after, n.Assign):
            if is_empty_list(after.value):
                zero = n.ListExpr(())
            else:
                zero = n.Call(self.context.helper("zeros_like"), (n.Name(name),))
        elif isinstance(kind, Array):
            zero = n.Call(self.context.np("zeros_like"), (n.Name(name),))
        elif not isinstance(kind, (Number, NoneKind)):
            zero = n.Call(self.context.helper("zeros_like"), (n.Name(name),))
        return n.Assign((self.dot(name),), zero, of=after.uid if after else None)

    def block(self, block: n.Block, *at: int) -> n.Block:
        """Return the tangent of a block, `at`: the place it has in what holds it."""
        outside, self.fresh.path = self.fresh.path, (*self.fresh.path, *at)
        done: list[n.Stmt] = []
        for s in block:
            done += self.statement(s)
            done += [self.cleared(x, s) for x in grown(self.context, s, self.dotted)]
        self.fresh.path = outside
        return tuple(done)

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
            branches = tuple(
                replace(b, body=self.block(b.body, s.uid, k)) for k, b in enumerate(s.branches)
            )
            return [replace(s, branches=branches, orelse=self.block(s.orelse, s.uid, -1))]
        if isinstance(s, n.While):
            body, orelse = self.block(s.body, s.uid, 0), self.block(s.orelse, s.uid, 1)
            return [replace(s, body=body, orelse=orelse)]
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

    def passive(self, s: n.Stmt) -> list[n.Stmt]:
        """Clear the tangents of what a passive statement binds."""
        return [self.cleared(x, s) for x in sorted(assigned((s,)) & self.dotted)]

    def commented(self, *statements: n.Stmt) -> list[n.Stmt]:
        """Put the comments above a statement, the last, above what is now in front of it."""
        first, s = statements[0], statements[-1]
        if s.comments.before and first is not s:
            first = replace(first, comments=replace(n.NO_COMMENTS, before=s.comments.before))
            s = replace(s, comments=replace(s.comments, before=()))
            return [first, *statements[1:-1], s]
        return list(statements)

    def pair(
        self, naming: Naming | None, dot: n.Stmt, s: n.Stmt, after: bool = False
    ) -> list[n.Stmt]:
        """Return a statement and its tangent, behind the names that both read.

        after: whether the tangent reads what the statement gives a variable.
        """
        before: list[n.Stmt] = []
        if naming is not None:
            dot, s = naming.settled(dot, s)
            before = naming.before
        if after:
            return [*self.commented(*before, s), dot]
        return self.commented(*before, dot, s)

    def assign(self, s: n.Assign) -> list[n.Stmt]:
        target = s.targets[0]
        if not self.facts.varied(s.value, s.uid):
            if isinstance(target, (n.Subscript, n.Attribute)):
                return self.store(s, target, s.value)
            dots = self.passive(s)
            if all(isinstance(d, n.Assign) and isinstance(d.value, n.Const) for d in dots):
                return self.commented(*dots, s) if dots else [s]
            return [s, *dots]
        if isinstance(s.value, n.Call) and not self.context.choice_exists(s.value, s):
            plan = self.context.plan(s.value, s, "tangent")
            if plan is not None and plan.tangent:
                return self.user_call(s, plan, target)
            call = self.context.followed(s.value, s) if plan is None else None
            if call is not None:
                return self.run_time_call(s, call, target)
        if isinstance(target, n.Name):
            return self.bound(s, target)
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            return self.unpacked(s, target)
        return self.store(s, target, s.value)

    def unpacked(self, s: n.Assign, target: n.TupleExpr | n.ListExpr) -> list[n.Stmt]:
        """Return an assignment to several variables beside that to their tangents."""
        naming, value = self.naming(s), s.value
        push = self.pushforward(s, naming)
        plain = [t.id if isinstance(t, n.Name) else "" for t in target.items]
        wanted = [k for k, x in enumerate(plain) if x in self.dotted]
        places = [self.dot(plain[k]) for k in wanted]
        after = False
        if isinstance(value, (n.TupleExpr, n.ListExpr)):
            dots = [push.summed(push.item(value.items[k]), value.items[k]) for k in wanted]
        else:
            # the targets stand for the items of the value where it does not read them
            after = target_names(target).isdisjoint(names(value))
            d = push.push(value, target if after else None)
            if d is None or not isinstance(self.facts.value(value, s.uid).kind, TupleOf):
                hint = self.context.or_tell("give it a name and take its items by their index")
                raise self.context.refuse(s, value, "an unpacking of what may be anything", hint)
            if isinstance(d.expr, n.TupleExpr):
                dots = [d.expr.items[k] for k in wanted]
            else:
                dots = [d.expr]
                places = [self.dot(x) if x in self.dotted else n.Name("_") for x in plain]
        left, right = (
            part[0] if len(part) == 1 else n.TupleExpr(tuple(part)) for part in (places, dots)
        )
        after = after and any(not assigned((s,)).isdisjoint(names(e)) for e in dots)
        return self.pair(naming, n.Assign((left,), right, of=s.uid), s, after)

    def bound(self, s: n.Assign, target: n.Name) -> list[n.Stmt]:
        """Return an assignment to a variable beside that of its tangent.

        Where the tangent reads the value and not what the variable had before, the value is first.
        """
        free = target.id not in names(s.value)
        naming = self.naming(s, None if free else s.value)
        push = self.pushforward(s, naming)
        d = push.push(s.value, target if free else None)
        assert d is not None
        d = push.full(d, s.value, target if free else None)
        dot = n.Assign((self.dot(target.id),), push.summed(d.expr, s.value), of=s.uid)
        if dot.value == self.dot(target.id):
            return [s]
        if free:
            return self.pair(naming, dot, s, target.id in names(dot.value))
        return self.in_turn(naming, dot, s, target)

    def in_turn(
        self, naming: Naming | None, dot: n.Assign, s: n.Assign | n.AugAssign, target: n.Name
    ) -> list[n.Stmt]:
        """Return a statement that gives a variable a value beside that of its tangent.

        Where the tangent reads that value, and not the one there was before, the value is first.
        """
        after = WHOLE in subexprs(dot.value) and target.id not in names(dot.value)
        if after:
            dot = replace(dot, value=substitute(dot.value, {WHOLE.id: target}))
        return self.pair(naming, dot, s, after)

    def store(self, s: n.Stmt, target: n.Expr, value: n.Expr) -> list[n.Stmt]:
        """Store the tangent of a value beside the value."""
        if not self.context.touches_active(s, target, value):
            return self.passive_store(s, target, value)
        check_store(self.context, s, target)
        check_overlap(self.context, s, target, value)
        naming = self.naming(s, None if isinstance(s, n.AugAssign) else value)
        push = self.pushforward(s, naming)
        place = push.dot(target)
        if isinstance(s, n.AugAssign) and s.op not in "+-":
            whole = n.Binary(s.op, target, value)
            push = self.pushforward(s)
            d = push.push(whole)
            dot = ZERO if d is None else push.summed(d.expr, whole)
            return self.commented(n.Assign((place,), dot, of=s.uid), s)
        d = push.push(value)
        dot = self.stored(push, target, value) if d is None else push.summed(d.expr, value)
        if not isinstance(s, n.AugAssign):
            return self.pair(naming, apart(self.context, s, n.Assign((place,), dot, of=s.uid)), s)
        return [s] if d is None else self.pair(naming, n.AugAssign(place, s.op, dot, of=s.uid), s)

    def passive_store(self, s: n.Stmt, target: n.Expr, value: n.Expr) -> list[n.Stmt]:
        """Return a store into what does not vary, beside that of a zero where it varies later."""
        owner = target.value if isinstance(target, n.Subscript) else None
        root = None if owner is None else store_root(target)
        if root not in self.dotted or owner is None or isinstance(s, n.AugAssign):
            return [s]
        if not may_grow(self.context.kind(owner, s.uid)):
            return [s]
        push = self.pushforward(s)
        return self.commented(n.Assign((push.dot(target),), push.zero(value), of=s.uid), s)

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
        check_store(self.context, s, n.Subscript(array, index))
        assert isinstance(s.value, n.Call)
        args = (push.dot(array), index, push.summed(d.expr, value))
        call = replace(s.value, args=args)
        return self.commented(n.ExprStmt(call, of=s.uid), s)

    def augmented(self, s: n.AugAssign) -> list[n.Stmt]:
        target = s.target
        if not isinstance(target, n.Name):
            return self.store(s, target, s.value)
        whole = n.Binary(s.op, target, s.value)
        if not self.facts.varied(whole, s.uid):
            return [self.context.rebound(s), *self.passive(s)]
        number = isinstance(self.facts.value(target, s.uid).kind, Number)
        naming = self.naming(s, whole) if number else None
        push = self.pushforward(s, naming)
        if s.op in "+-" and self.facts.varied(target, s.uid):
            d = push.push(s.value)
            if d is None:
                return [self.context.rebound(s)]
            if number:
                value = push.factored(self.tidy.collected(d.expr))
                dot: n.Stmt = n.AugAssign(self.dot(target.id), s.op, value, of=s.uid)
                return self.pair(naming, dot, s)
        d = push.push(whole)
        assert d is not None
        d = push.full(d, whole)
        dot = n.Assign((self.dot(target.id),), push.summed(d.expr, whole), of=s.uid)
        if naming is None:
            return self.commented(dot, self.context.rebound(s))
        return self.in_turn(naming, dot, s, target)

    def append(self, s: n.Append) -> list[n.Stmt]:
        self.context.check_append(s)
        if s.stack not in self.dotted:
            return [s]
        naming = self.naming(s, s.value)
        push = self.pushforward(s, naming)
        stack = self.context.mark(s.stack, "dot")
        dot = n.Append(stack, push.summed(push.item(s.value), s.value), of=s.uid)
        return self.pair(naming, dot, s)

    def returned(self, s: n.Return) -> list[n.Stmt]:
        value = s.value if s.value is not None else n.Const("None", None)
        naming = self.naming(s, value)
        push = self.pushforward(s, naming)
        if not self.facts.varied(value, s.uid):
            return [replace(s, value=n.TupleExpr((value, push.zero(value))))]
        if isinstance(value, (n.Name, n.TupleExpr, n.ListExpr)):
            dot = push.item(value)
            put = value if naming is None else naming.put(value)
            before = [] if naming is None else naming.before
            return self.commented(*before, replace(s, value=n.TupleExpr((put, dot))))
        name = n.Name(self.context.names.fresh("result_dot"))
        d = push.push(value)
        assert d is not None
        dot = push.summed(push.full(d, value).expr, value)
        *before, last = self.pair(naming, n.Assign((name,), dot, of=s.uid), s)
        assert isinstance(last, n.Return) and last.value is not None
        return [*before, replace(last, value=n.TupleExpr((last.value, name)))]

    # -- loops

    def for_loop(self, s: n.For) -> list[n.Stmt]:
        body, orelse = self.block(s.body, s.uid, 0), self.block(s.orelse, s.uid, 1)
        env = self.facts.before.get(s.body[0].uid, {}) if s.body else {}
        bound = target_names(s.target) & self.dotted
        if not any(env.get(x, PASSIVE).varied for x in bound):
            clear = tuple(self.cleared(x) for x in sorted(bound))
            return [replace(s, body=(*clear, *body), orelse=orelse)]
        target, source = self.paired(s.target, s.iter, s)
        return [replace(s, target=target, iter=source, body=body, orelse=orelse)]


def _ordered(params: list[n.Param]) -> list[n.Param]:
    """Give no parameter a default in front of one without: dots have none, so later ones follow."""
    placed = ("normal", "positional_only")
    bare = (k for k, p in enumerate(params) if p.default is None and p.kind in placed)
    last = max(bare, default=-1)
    return [
        replace(p, default=None) if k < last and p.kind in placed else p
        for k, p in enumerate(params)
    ]
