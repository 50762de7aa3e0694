"""Reverse mode: the forward and the reverse part of every statement.

Takes a Function in normal form with structural exits and its facts, gives the statements of the
forward sweep and those of the reverse sweep, each marked with the primal statement it serves
(`of`). What must be kept between them is decided afterwards (`transform.recording`). Requires
`ir`, `analysis`, `rules`.

Each statement becomes a fragment (forward part, reverse part); the sweeps are the forward parts in
order and the reverse parts backwards (DESIGN §7; Griewank and Walther, Evaluating Derivatives).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from s2s_ad.analysis.aliasing import scattered, store_root
from s2s_ad.analysis.values import PASSIVE, Value, target_names
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import INT, UNKNOWN, Array, Kind, Number
from s2s_ad.ir.walk import assigned, names, stmt_exprs, subexprs, substitute, walk_stmts
from s2s_ad.transform.context import CallPlan, Context, Diff, NeedsName
from s2s_ad.transform.loops import loop_form
from s2s_ad.transform.pullback import Pullback

ZERO = n.Const("0.0", 0.0)


class Algebra(Protocol):
    """The part of `simplify.algebra` that adjoints are written with."""

    def product(self, expr: n.Expr) -> n.Expr: ...
    def splice(self, template: n.Expr, hole: n.Expr, value: n.Expr) -> n.Expr: ...
    def total(self, parts: Sequence, common: n.Expr | None = None) -> tuple[int, n.Expr]: ...
    def terms(self, expr: n.Expr, sign: int = 1) -> list: ...
    def merge(self, parts: Sequence) -> list: ...


@dataclass
class Sweeps:
    """The two sweeps of a block. kept: variables that hold what a callee keeps, and its name."""

    forward: list[n.Stmt] = field(default_factory=list)
    reverse: list[n.Stmt] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """branches: uids of `if`s whose choice is recorded. restored: lists popped on the way back."""

    branches: frozenset[int] = frozenset()
    restored: frozenset[str] = frozenset()


class Builder:
    """Builds the sweeps of one function."""

    def __init__(
        self,
        context: Context,
        useful: dict[int, frozenset[str]],
        algebra: Algebra,
        options: Options,
        barred: frozenset[str],
    ) -> None:
        self.context = context
        self.facts = context.facts
        self.useful = useful
        self.algebra = algebra
        self.options = options
        self.barred = barred
        self.stacks: dict[str, str] = {}
        self.temporaries: set[str] = set()
        self.requests: list[tuple[int, n.Expr]] = []
        self.choices: set[str] = set()
        self.callees: list[n.Expr] = []
        self.depth = 0

    def bar(self, name: str) -> n.Name:
        return n.Name(self.context.mark(name, "bar"))

    def block(self, block: n.Block) -> Sweeps:
        """Return the sweeps of a block."""
        forward: list[n.Stmt] = []
        parts: list[list[n.Stmt]] = []
        for s in block:
            fragment = self.statement(s)
            forward.extend(fragment.forward)
            parts.append([r if r.of is not None else replace(r, of=s.uid) for r in fragment.reverse])
        reverse = [r for part in reversed(parts) for r in part]
        return Sweeps(forward, reverse)

    def statement(self, s: n.Stmt) -> Sweeps:
        """Return the fragment of a statement; what must first be named is noted in `requests`."""
        try:
            return self.fragment(s)
        except NeedsName as need:
            self.requests.append((need.uid, need.expr))
            if need.callee:
                self.callees.append(need.expr)
            return Sweeps([s])

    def fragment(self, s: n.Stmt) -> Sweeps:
        if isinstance(s, n.Assign):
            return self.assign(s)
        if isinstance(s, n.AugAssign):
            return self.augmented(s)
        if isinstance(s, n.Append):
            return self.append(s)
        if isinstance(s, n.Pop):
            return self.pop(s)
        if isinstance(s, n.If):
            return self.branch(s)
        if isinstance(s, n.For):
            return self.for_loop(s)
        if isinstance(s, n.While):
            return self.while_loop(s)
        if isinstance(s, (n.With, n.Try)):
            active = [x for x in walk_stmts((s,)) if self.is_active(x)]
            if active:
                what = "with" if isinstance(s, n.With) else "try"
                raise self.context.refuse(
                    s, None, f"`{what}` around active statements", "move them out of the block"
                )
            return Sweeps([s], self.cleared(assigned((s,))))
        added = scattered(s)
        if added is not None and isinstance(s, n.ExprStmt):
            return self.scatter(s, added)
        self.context.check_effect(s)
        return Sweeps([s], self.cleared(assigned((s,))))

    # -- what is active

    def is_active(self, s: n.Stmt) -> bool:
        wanted = self.useful.get(s.uid, frozenset())
        if isinstance(s, n.Assign):
            written = frozenset().union(*(target_names(t) for t in s.targets))
            return bool(written & wanted) and self.facts.varied(s.value, s.uid)
        if isinstance(s, n.AugAssign):
            return bool(target_names(s.target) & wanted) and self.facts.varied(
                n.Binary(s.op, s.target, s.value), s.uid
            )
        if isinstance(s, n.Append):
            return s.stack in wanted and self.facts.varied_after(s.stack, s.uid)
        if isinstance(s, n.Pop):
            return bool(target_names(s.target) & wanted)
        return False

    def cleared(self, written: set[str] | frozenset[str]) -> list[n.Stmt]:
        """Return statements that clear the adjoints of variables whose value is overwritten."""
        return [n.Assign((self.bar(x),), ZERO) for x in sorted(written & self.barred)]

    def kind_after(self, name: str, s: n.Stmt) -> Kind:
        return self.facts.after.get(s.uid, {}).get(name, PASSIVE).kind

    def pullback(self, s: n.Stmt) -> Pullback:
        return Pullback(self.context, s, self.algebra.product, self.algebra.splice)

    # -- assignments

    def assign(self, s: n.Assign) -> Sweeps:
        written = frozenset().union(*(target_names(t) for t in s.targets))
        if len(s.targets) == 1 and isinstance(s.targets[0], (n.Subscript, n.Attribute)):
            return self.assigned_element(s, s.targets[0])
        if not self.is_active(s):
            return Sweeps([s], self.cleared(written))
        if written and written <= self.context.transparent.keys():
            return Sweeps([s])
        target = s.targets[0]
        if isinstance(s.value, n.Call) and not self.context.choice_exists(s.value, s):
            plan = self.context.calls.plan(s.value, self.facts, s.uid, "adjoint")
            if plan is not None:
                return self.user_call(s, plan, target)
        pull = self.pullback(s)
        if isinstance(target, n.Name):
            if self.reads_items(s.value, target.id):
                return self.from_own_items(s, target, pull)
            out = None if target.id in self.context.reads(s.value) else target
            pull.pull(s.value, Diff(self.bar(target.id), self.kind_after(target.id, s)), out)
            return Sweeps([s], self.contributions(pull, (target.id,), self.bar(target.id)))
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            return self.parallel(s, target, pull)
        return self.store(s, target, s.value)

    def assigned_element(self, s: n.Assign, target: n.Expr) -> Sweeps:
        if isinstance(target, n.Attribute) and not self.facts.varied(s.value, s.uid):
            return Sweeps([s])
        return self.store(s, target, s.value)

    def store(self, s: n.Assign | n.AugAssign, target: n.Expr, value: n.Expr) -> Sweeps:
        """Reverse a store into an element: `x_bar` is changed in place where `x` was."""
        root = store_root(target)
        if root is not None and root not in self.barred:
            return Sweeps([s])
        self.context.check_store(s, target)
        pull = self.pullback(s)
        place = pull.bar_place(target)
        kind = self.facts.value(target, s.uid).kind
        if isinstance(s, n.AugAssign) and s.op in "+-":
            signed = n.Unary("-", value) if s.op == "-" else value
            pull.pull(signed, Diff(place, kind))
            return Sweeps([s], self.contributions(pull, (), place))
        if isinstance(s, n.AugAssign):
            value = n.Binary(s.op, target, value)
        seed = n.Name(self.context.names.fresh(f"{root}_item_bar"))
        self.temporaries.add(seed.id)
        pull.pull(value, Diff(seed, kind))
        rest = self.contributions(pull, (), seed)
        clear = n.Assign((place,), ZERO)
        if not rest:
            return Sweeps([s], [clear])
        return Sweeps([s], [n.Assign((seed,), self.taken(place, kind)), clear, *rest])

    def taken(self, place: n.Expr, kind: Kind) -> n.Expr:
        """Return what an element holds, independent of what is stored there next."""
        if isinstance(kind, Number):
            return place
        if isinstance(kind, Array):
            return n.Call(self.context.np("array"), (place,))
        return n.Call(self.context.helper("add"), (n.Call(self.context.helper("zeros_like"), (place,)), place))

    def scatter(self, s: n.ExprStmt, added: tuple[n.Expr, n.Expr, n.Expr]) -> Sweeps:
        """Reverse `np.add.at(x, index, e)`: e gets what stands at those places of x_bar."""
        array, index, value = added
        root = store_root(n.Subscript(array, index))
        if root is None or root not in self.barred or not self.facts.varied(value, s.uid):
            return Sweeps([s])
        self.context.check_store(s, n.Subscript(array, index))
        pull = self.pullback(s)
        place = n.Subscript(pull.bar_place(array), _as_index(index))
        want = self.facts.value(value, s.uid).kind
        d = Diff(place, want)
        if isinstance(want, Number):
            d = Diff(n.Call(self.context.np("sum"), (place,)), want)
        elif not isinstance(want, Array) or want.dims is None:
            d = Diff(n.Call(self.context.helper("unbroadcast"), (place, value)), want)
        pull.pull(value, d)
        return Sweeps([s], self.contributions(pull, (), None))

    def reads_items(self, e: n.Expr, name: str) -> bool:
        """True when an expression reads elements of a variable, transparent names looked through."""
        for x in subexprs(e):
            if isinstance(x, n.Subscript) and _root(x) == name:
                return True
            if isinstance(x, n.Name) and x.id in self.context.transparent:
                if self.reads_items(self.context.transparent[x.id], name):
                    return True
        return False

    def from_own_items(self, s: n.Assign, target: n.Name, pull: Pullback) -> Sweeps:
        """Reverse `x = f(x[i])`: the adjoint of the new x must not be that of the old one."""
        bar = self.bar(target.id)
        seed = n.Name(self.context.names.fresh(f"{target.id}_new_bar"))
        self.temporaries.add(seed.id)
        pull.pull(s.value, Diff(seed, self.kind_after(target.id, s)))
        taken = n.Assign((seed,), bar)
        rest = self.contributions(pull, (), seed)
        return Sweeps([s], [taken, *self.cleared({target.id}), *rest])

    def parallel(self, s: n.Assign, target: n.TupleExpr | n.ListExpr, pull: Pullback) -> Sweeps:
        plain = tuple(t.id for t in target.items if isinstance(t, n.Name))
        wanted = self.useful.get(s.uid, frozenset())
        seeds = [
            (self.bar(x) if x in wanted and self.facts.varied_after(x, s.uid) else ZERO)
            for x in plain
        ]
        if isinstance(s.value, (n.TupleExpr, n.ListExpr)):
            for x, seed, e in zip(plain, seeds, s.value.items):
                if seed is not ZERO:
                    pull.pull(e, Diff(seed, self.kind_after(x, s)))
        else:
            pull.pull(s.value, Diff(n.TupleExpr(tuple(seeds)), UNKNOWN))
        return Sweeps([s], self.contributions(pull, plain, None))

    def augmented(self, s: n.AugAssign) -> Sweeps:
        if not isinstance(s.target, n.Name):
            return self.store(s, s.target, s.value)
        name = s.target.id
        if not self.is_active(s):
            return Sweeps([s], self.cleared({name}))
        whole = n.Binary(s.op, s.target, s.value)
        pull = self.pullback(s)
        pull.pull(whole, Diff(self.bar(name), self.kind_after(name, s)))
        forward: n.Stmt = s
        if not isinstance(self.facts.value(s.target, s.uid).kind, Number):
            forward = n.Assign(
                (s.target,), whole, uid=s.uid, origin=s.origin, comments=s.comments
            )
        return Sweeps([forward], self.contributions(pull, (name,), self.bar(name)))

    def contributions(
        self, pull: Pullback, targets: tuple[str, ...], seed: n.Expr | None
    ) -> list[n.Stmt]:
        """Return the reverse part of an assignment to `targets` from its contributions."""
        out: list[n.Stmt] = list(pull.before)
        self.temporaries |= {x for b in pull.before if isinstance(b, n.Assign) for x in target_names(b.targets[0])}
        own: dict[str, list] = {}
        spread: dict[str, Callable[[n.Expr], n.Expr]] = {}
        for place, values in pull.places.items():
            if not values or (_root(place) or "") not in self.barred:
                continue
            terms = [t for v in values for t in self.algebra.terms(v.expr)]
            if isinstance(place, n.Name) and place.id in targets:
                own[place.id] = terms
                spread[place.id] = partial(pull.full_total, place, parts=values)
                continue
            sign, total = self.algebra.total(terms, seed)
            if total == ZERO:
                continue
            total = pull.full_total(place, total, values)
            op = "-" if sign < 0 else "+"
            out.append(n.AugAssign(pull.bar_place(place), op, total))
        out.extend(pull.scattered)
        return [*out, *self.own_adjoints(own, targets, seed, spread)]

    def own_adjoints(
        self,
        own: dict[str, list],
        targets: tuple[str, ...],
        seed: n.Expr | None,
        spread: dict[str, Callable[[n.Expr], n.Expr]],
    ) -> list[n.Stmt]:
        """Return what becomes of the adjoints of the targets themselves."""
        values: list[tuple[n.Name, n.Expr]] = []
        out: list[n.Stmt] = []
        clear: list[n.Stmt] = []
        for x in dict.fromkeys(targets):
            bar = self.bar(x)
            terms = self.algebra.merge(own.get(x, []))
            if not terms:
                clear.extend(self.cleared({x}))
                continue
            same = next((t for t in terms if t.coefficient == 1 and t.factors == (("*", bar),)), None)
            if same is not None and len(targets) == 1:
                rest = [t for t in terms if t is not same]
                if rest:
                    sign, total = self.algebra.total(rest, seed)
                    out.append(n.AugAssign(bar, "-" if sign < 0 else "+", total))
                continue
            sign, total = self.algebra.total(terms, seed)
            values.append((bar, spread[x](n.Unary("-", total) if sign < 0 else total)))
        if len(values) == 1:
            out.append(n.Assign((values[0][0],), self.tidy(values[0][1])))
        elif values:
            bars = n.TupleExpr(tuple(v[0] for v in values))
            out.append(n.Assign((bars,), n.TupleExpr(tuple(self.tidy(v[1]) for v in values))))
        return [*out, *clear]

    def tidy(self, e: n.Expr) -> n.Expr:
        return self.algebra.product(e) if isinstance(e, n.Unary) else e

    # -- calls of user code

    def user_call(self, s: n.Assign, plan: CallPlan, target: n.Expr) -> Sweeps:
        wanted = self.useful.get(s.uid, frozenset())

        def seed_of(t: n.Expr) -> n.Expr:
            if isinstance(t, n.Name) and t.id in wanted and self.facts.varied_after(t.id, s.uid):
                return self.bar(t.id)
            return ZERO

        if isinstance(target, n.Name):
            seed: n.Expr = seed_of(target)
            kind = self.kind_after(target.id, s)
        else:
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            seed = n.TupleExpr(tuple(seed_of(t) for t in target.items))
            kind = UNKNOWN
        pull = self.pullback(s)
        if plan.cheap:
            pull.callee(plan, tuple(x for _, x in plan.arguments), Diff(seed, kind))
            forward: n.Stmt = s
        else:
            inside = self.depth > 0
            kept = self.context.names.fresh("saved" if inside else f"{plan.name}_saved")
            if inside:
                self.stacks[kept] = self.context.names.fresh(f"{plan.name}_saved")
            call = n.Call(n.Name(plan.forward), tuple(x for _, x in plan.arguments))
            both = n.TupleExpr((target, n.Name(kept)))
            forward = replace(s, targets=(both,), value=call)
            pull.callee(plan, (n.Name(kept),), Diff(seed, kind))
        targets = tuple(sorted(target_names(target)))
        return Sweeps([forward], self.contributions(pull, targets, None))

    # -- lists

    def append(self, s: n.Append) -> Sweeps:
        out: list[n.Stmt] = []
        if s.stack in self.barred and self.varied_somewhere(s.stack):
            bar = self.bar(s.stack).id
            item = n.Name(self.context.names.fresh(f"{s.stack}_item_bar"))
            self.temporaries.add(item.id)
            pull = self.pullback(s)
            if self.is_active(s) and self.facts.varied(s.value, s.uid):
                pull.pull(s.value, Diff(item, self.facts.value(s.value, s.uid).kind))
            rest = self.contributions(pull, (), item)
            if len(rest) == 1 and sum(_count(x, item) for x in stmt_exprs(rest[0])) == 1:
                popped = n.Call(n.Attribute(n.Name(bar), "pop"), ())
                out.append(_substituted(rest[0], item.id, popped))
            else:
                out.extend([n.Pop(item, bar), *rest])
        if s.stack in self.options.restored:
            out.insert(0, n.Pop(n.Name("_"), s.stack))
        return Sweeps([s], out)

    def varied_somewhere(self, name: str) -> bool:
        return any(env.get(name, PASSIVE).varied for env in self.facts.after.values())

    def pop(self, s: n.Pop) -> Sweeps:
        out: list[n.Stmt] = []
        name = s.target.id if isinstance(s.target, n.Name) else ""
        if not name:
            raise self.context.refuse(s, s.target, "`pop` into something other than a variable", "use a variable")
        if s.stack in self.barred and self.varied_somewhere(s.stack):
            value: n.Expr = self.bar(name) if self.is_active(s) else ZERO
            out.append(n.Append(self.bar(s.stack).id, value))
        if s.stack in self.options.restored:
            out.append(n.Append(s.stack, n.Name(name)))
        return Sweeps([s], [*out, *self.cleared({name})])

    # -- control

    def branch(self, s: n.If) -> Sweeps:
        inner = [self.block(b.body) for b in s.branches]
        last = self.block(s.orelse)
        if not any(x.reverse for x in (*inner, last)):
            forward = self.with_bodies(s, inner, last)
            return Sweeps([forward])
        if s.uid in self.options.branches or not all(self.repeatable(b.test, s) for b in s.branches):
            return self.recorded_branch(s, inner, last)
        branches = tuple(
            n.Branch(b.test, tuple(x.reverse)) for b, x in zip(s.branches, inner)
        )
        reverse = n.If(branches, tuple(last.reverse), of=s.uid)
        return Sweeps([self.with_bodies(s, inner, last)], [reverse])

    def with_bodies(self, s: n.If, inner: list[Sweeps], last: Sweeps) -> n.If:
        branches = tuple(
            replace(b, body=tuple(x.forward)) for b, x in zip(s.branches, inner)
        )
        return replace(s, branches=branches, orelse=tuple(last.forward))

    def recorded_branch(self, s: n.If, inner: list[Sweeps], last: Sweeps) -> Sweeps:
        """Keep which branch was taken in a variable, and test that on the way back."""
        if len(s.branches) == 1:
            taken = n.Name(self.context.names.fresh("taken"))
            keep = n.Assign((taken,), s.branches[0].test, origin=s.origin, comments=s.comments)
            forward = replace(
                s,
                branches=(n.Branch(taken, tuple(inner[0].forward)),),
                orelse=tuple(last.forward),
                comments=replace(s.comments, before=()),
            )
            back = n.If((n.Branch(taken, tuple(inner[0].reverse)),), tuple(last.reverse), of=s.uid)
            return Sweeps([keep, forward], [back])
        which = n.Name(self.context.names.fresh("branch"))
        self.choices.add(which.id)
        numbers = [n.Const(str(k), k) for k in range(len(inner) + 1)]
        for k, x in enumerate([*inner, last]):
            x.forward.insert(0, n.Assign((which,), numbers[k], origin=s.origin))
        branches = tuple(
            n.Branch(n.Compare(which, ("==",), (numbers[k],)), tuple(x.reverse))
            for k, x in enumerate(inner)
        )
        back = n.If(branches, tuple(last.reverse), of=s.uid)
        return Sweeps([self.with_bodies(s, inner, last)], [back])

    def repeatable(self, test: n.Expr, s: n.Stmt) -> bool:
        """True when a condition may be evaluated again: cheap, and without any effect."""
        for e in subexprs(test):
            if isinstance(e, n.Call):
                if not self.context.choice_exists(e, s) and not self.context.is_pure(e, s):
                    return False
            elif isinstance(e, (n.Lambda, n.Comprehension, n.NamedExpr)):
                return False
        return True

    def for_loop(self, s: n.For) -> Sweeps:
        self.depth += 1
        body = self.block(s.body)
        self.depth -= 1
        bound = target_names(s.target)
        if not body.reverse and not (bound & self.barred):
            return Sweeps([replace(s, body=tuple(body.forward))])
        form = loop_form(self.context, s)
        if form.index is not None:
            env = dict(self.facts.before[s.uid])
            env[form.index] = Value(INT)
            self.facts.before[s.uid] = env
            self.facts.locals = self.facts.locals | {form.index}
            for reader in self.facts.readers():
                reader.local = self.facts.locals
        last = self.elements(s, form.elements)
        if not body.reverse and not last:
            return Sweeps([replace(s, body=tuple(body.forward))])
        backward = form.backward
        before: list[n.Stmt] = []
        if any(isinstance(x, n.Break) for x in _own(s.body)):
            steps = n.Name(self.context.names.fresh("steps"))
            before = [self.counter(steps)]
            self.count(body, steps, bool(last))
            some = n.Subscript(form.forward, n.Slice(None, steps, None))
            backward = n.Call(n.Name(self.context.alias("reversed")), (some,))
        start = [n.Assign((t,), v, of=s.uid) for t, v in form.elements]
        self.context.prologues |= {p.uid for p in start}
        loop = n.For(form.target, backward, (*start, *body.reverse, *last), of=s.uid)
        return Sweeps([*before, replace(s, body=tuple(body.forward))], [loop])

    def elements(self, s: n.For, elements: tuple[tuple[n.Expr, n.Expr], ...]) -> list[n.Stmt]:
        """Return what the adjoints of the loop targets contribute to what the loop runs over."""
        out: list[n.Stmt] = []
        first = s.body[0].uid if s.body else -1
        env = self.facts.before.get(first, {})
        for target, value in elements:
            if not isinstance(target, n.Name) or target.id not in self.barred:
                continue
            pull = self.pullback(s)
            kind = env.get(target.id, PASSIVE).kind
            if env.get(target.id, PASSIVE).varied:
                pull.pull(value, Diff(self.bar(target.id), kind))
            out.extend(self.contributions(pull, (), self.bar(target.id)))
            out.extend(self.cleared({target.id}))
        out.extend(self.cleared(target_names(s.target) - {t.id for t, _ in elements if isinstance(t, n.Name)}))
        return [replace(x, of=s.uid) for x in out]

    def counter(self, steps: n.Name) -> n.Stmt:
        return n.Assign((steps,), n.Const("0", 0))

    def count(self, body: Sweeps, steps: n.Name, always: bool) -> None:
        """Count the steps in the forward sweep: those that have something to reverse."""
        add = n.AugAssign(steps, "+", n.Const("1", 1))
        if not always and self.leaves_first(body):
            test = body.forward[-1]
            back = body.reverse[0]
            assert isinstance(test, n.If) and isinstance(back, n.If)
            body.forward[-1:] = [replace(test, orelse=()), add, *test.orelse]
            body.reverse[:] = list(back.orelse)
            return
        body.forward.insert(0, add)

    def leaves_first(self, body: Sweeps) -> bool:
        """True when a step that breaks has done nothing that needs reversing, or is read later."""
        if len(body.reverse) != 1 or not body.forward:
            return False
        test, back = body.forward[-1], body.reverse[0]
        if not (isinstance(test, n.If) and isinstance(back, n.If) and back.of == test.uid):
            return False
        if len(test.branches) != 1 or back.branches[0].body:
            return False
        leaving = test.branches[0].body
        if not leaving or not isinstance(leaving[-1], n.Break):
            return False
        if any(isinstance(x, n.Break) for x in _own(test.orelse)):
            return False
        done = assigned((*body.forward[:-1], *leaving))
        return not done & _mentioned((*test.orelse, *back.orelse))

    def while_loop(self, s: n.While) -> Sweeps:
        self.depth += 1
        body = self.block(s.body)
        self.depth -= 1
        if not body.reverse:
            return Sweeps([replace(s, body=tuple(body.forward))])
        steps = n.Name(self.context.names.fresh("steps"))
        self.count(body, steps, False)
        times = n.Call(n.Name(self.context.alias("range")), (steps,))
        loop = n.For(n.Name("_"), times, tuple(body.reverse), of=s.uid)
        return Sweeps([self.counter(steps), replace(s, body=tuple(body.forward))], [loop])


def _own(block: n.Block) -> list[n.Stmt]:
    """Return the statements of a loop body that are not in a loop inside it."""
    found: list[n.Stmt] = []
    for s in block:
        found.append(s)
        if isinstance(s, n.If):
            for inner in (*(b.body for b in s.branches), s.orelse):
                found.extend(_own(inner))
    return found


def _as_index(index: n.Expr) -> n.Expr:
    """Return an index argument as it stands in brackets: `slice(a, b, c)` as `a:b:c`."""
    if isinstance(index, n.TupleExpr):
        return n.TupleExpr(tuple(_as_index(item) for item in index.items))
    if isinstance(index, n.Call) and index.func == n.Name("slice") and len(index.args) == 3:
        parts = [None if e == n.Const("None", None) else e for e in index.args]
        return n.Slice(parts[0], parts[1], parts[2])
    return index


def _root(e: n.Expr) -> str | None:
    while isinstance(e, n.Subscript):
        e = e.value
    return e.id if isinstance(e, n.Name) else None


def _mentioned(block: n.Block) -> set[str]:
    return {x for s in walk_stmts(block) for e in stmt_exprs(s) for x in names(e)}


def _count(e: n.Expr, name: n.Name) -> int:
    return sum(1 for x in subexprs(e) if x == name)


def _substituted(s: n.Stmt, name: str, value: n.Expr) -> n.Stmt:
    from s2s_ad.ir.walk import map_stmt_exprs

    return map_stmt_exprs(s, lambda e: substitute(e, {name: value}))

