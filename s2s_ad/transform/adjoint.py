"""Reverse mode: the forward and the reverse part of every statement.

Takes a Function in normal form with structural exits and its facts, gives the statements of the
forward sweep and those of the reverse sweep, each marked with the primal statement it serves
(`of`). What must be kept between them is decided afterwards (`transform.recording`). Requires
`ir`, `analysis`, `rules`.

Each statement becomes a fragment (forward part, reverse part); the sweeps are the forward parts in
order and the reverse parts backwards (DESIGN §7; Griewank and Walther, Evaluating Derivatives).
"""

from __future__ import annotations

from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.values import PASSIVE, Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.kinds import INT
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names, target_names, walk_stmts
from s2s_ad.transform.accumulators import added_to
from s2s_ad.transform.assignments import Assignments
from s2s_ad.transform.context import Diff, NeedsName
from s2s_ad.transform.contributions import Sweeps
from s2s_ad.transform.counting import Counter, counters
from s2s_ad.transform.foreign_arrays import check_foreign_arrays
from s2s_ad.transform.loops import LoopForm, loop_form, with_order
from s2s_ad.transform.tries import NOTHING_SEEN, ends_plainly, seen_behind, whole_body


class Builder(Assignments):
    """Builds the sweeps of one function."""

    def block(self, block: n.Block) -> Sweeps:
        """Return the sweeps of a block."""
        forward: list[n.Stmt] = []
        parts: list[list[n.Stmt]] = []
        for s in block:
            fragment = self.statement(s)
            forward.extend(fragment.forward)
            parts.append(
                [r if r.of is not None else replace(r, of=s.uid) for r in fragment.reverse]
            )
        reverse = [r for part in reversed(parts) for r in part]
        return Sweeps(forward, reverse)

    def statement(self, s: n.Stmt) -> Sweeps:
        """Return the fragment of a statement; what must first be named is noted in `requests`."""
        self.context.check_calls(s, self.is_active(s) or self.stores_active(s))
        check_foreign_arrays(self.context, s)
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
        if isinstance(s, n.With):
            return self.with_block(s)
        if isinstance(s, n.Try):
            return self.try_block(s)
        added = scattered(s)
        if added is not None and isinstance(s, n.ExprStmt):
            return self.scatter(s, added)
        self.context.check_effect(s)
        return Sweeps([s], self.cleared(assigned((s,))))

    # -- control

    def with_block(self, s: n.With) -> Sweeps:
        """Reverse a block under a context manager: its reverse runs under the same one."""
        body = self.block(s.body)
        if not body.reverse:
            return Sweeps([replace(s, body=tuple(body.forward))])
        self.context.check_with(s)
        back = n.With(s.items, tuple(body.reverse), of=s.uid)
        return Sweeps([replace(s, body=tuple(body.forward))], [back])

    def try_block(self, s: n.Try) -> Sweeps:
        """Reverse the way that was taken: the whole body, or a handler."""
        written = assigned((s,))
        survives = any(self.facts.varied_after(x, s.uid) for x in written & self.barred)
        if not survives and not any(
            self.is_active(x) or self.stores_active(x) for x in walk_stmts((s,))
        ):
            self.context.check_inside(s)
            return Sweeps([s], self.cleared(written))
        if s.orelse or not ends_plainly(s, self.context.changed):
            raise self.context.refuse(
                s, None, "`try` around active statements", "move them out of the block"
            )
        if whole_body(s, self.context.function) is None:
            seen = seen_behind(s, self.context.function, self.context.changed)
        else:
            seen = NOTHING_SEEN
        self.attempts[s.uid] = n.Name(self.context.names.fresh("halfway")), seen
        way = n.Name(self.context.names.fresh("way"))
        self.choices.add(way.id)
        ways = [self.block(s.body), *(self.block(h.body) for h in s.handlers)]
        for h, x in zip(s.handlers, ways[1:]):
            if h.name in mentioned(tuple(x.reverse)):
                message = f"the exception `{h.name}` decides on a derivative"
                raise self.context.refuse(s, None, message, "compute what is needed of it before")
        numbers = [n.Const(str(k), k) for k in range(len(ways))]
        for number, x in zip(numbers, ways):
            x.forward.append(n.Assign((way,), number, origin=s.origin))
        branches = tuple(
            n.Branch(n.Compare(way, ("==",), (number,)), tuple(x.reverse))
            for number, x in zip(numbers, ways)
        )
        handlers = tuple(replace(h, body=tuple(x.forward)) for h, x in zip(s.handlers, ways[1:]))
        forward = replace(s, body=tuple(ways[0].forward), handlers=handlers)
        return Sweeps([forward], [n.If(branches[:-1], branches[-1].body, of=s.uid)])

    def branch(self, s: n.If) -> Sweeps:
        inner = [self.block(b.body) for b in s.branches]
        last = self.block(s.orelse)
        if not any(x.reverse for x in (*inner, last)):
            forward = self.with_bodies(s, inner, last)
            return Sweeps([forward])
        if s.uid in self.options.branches or not all(
            self.context.is_repeatable(b.test, s) for b in s.branches
        ):
            return self.recorded_branch(s, inner, last)
        branches = tuple(n.Branch(b.test, tuple(x.reverse)) for b, x in zip(s.branches, inner))
        # of an `if` that is not the user's, the comment says what it is
        comments = s.comments if s.origin is None else n.NO_COMMENTS
        reverse = n.If(branches, tuple(last.reverse), of=s.uid, comments=comments)
        return Sweeps([self.with_bodies(s, inner, last)], [reverse])

    def with_bodies(self, s: n.If, inner: list[Sweeps], last: Sweeps) -> n.If:
        branches = tuple(replace(b, body=tuple(x.forward)) for b, x in zip(s.branches, inner))
        return replace(s, branches=branches, orelse=tuple(last.forward))

    def recorded_branch(self, s: n.If, inner: list[Sweeps], last: Sweeps) -> Sweeps:
        """Keep which branch was taken in a variable, and test that on the way back."""
        if len(s.branches) == 1:
            taken = n.Name(self.context.names.fresh("taken"))
            self.flags[taken.id] = self.context.kind(s.branches[0].test, s.uid)
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
        self.flags[which.id] = INT
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

    def for_loop(self, s: n.For) -> Sweeps:
        outer = self.growing
        run_over = names(s.iter) | target_names(s.target)
        mine = {uid: x for uid, x in added_to(s.body).items() if x not in run_over}
        self.growing = {**mine, **outer}
        self.depth += 1
        body = self.block(s.body)
        self.depth -= 1
        own = dict.fromkeys(x for uid, x in self.growing.items() if uid not in outer)
        self.growing = outer
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
        last = self.elements(s, form)
        if not body.reverse and not last:
            return Sweeps([replace(s, body=tuple(body.forward))])
        form = with_order(self.context, form, (*body.reverse, *last), s.uid)
        backward = form.backward
        before: list[n.Stmt] = []
        if form.kept is not None:
            before.append(n.Assign((form.kept,), n.ListExpr(())))
            body.forward.insert(0, n.Append(form.kept.id, form.target))
        if any(isinstance(x, n.Break) for x in _own(s.body)):
            steps = n.Name(self.context.names.fresh("steps"))
            before.append(self.counter(steps))
            self.count(s, body, steps, bool(last))
            some = n.Subscript(form.forward, n.Slice(None, steps, None))
            backward = n.Call(n.Name(self.context.alias("reversed")), (some,))
        start = [n.Assign((t,), v, of=s.uid) for t, v in form.elements]
        self.context.prologues |= {p.uid for p in start}
        loop = n.For(form.target, backward, (*start, *body.reverse, *last), of=s.uid)
        late = {x: self.context.names.fresh(f"{x}_before") for x in own if self.is_deferred(x, s)}
        before += [n.Assign((n.Name(old),), n.Name(x)) for x, old in late.items()]
        summed = [self.summed_down(x, old, s) for x, old in late.items()]
        self.deferred -= own.keys()
        forward = [*before, replace(s, body=tuple(body.forward))]
        return Sweeps(forward, [*form.before, loop, *summed])

    def is_deferred(self, name: str, s: n.For) -> bool:
        """True for a variable of which the adjoint has the shape that it has behind a loop."""
        return name in self.deferred and self.facts.before[s.uid].get(name, PASSIVE).varied

    def summed_down(self, name: str, before: str, s: n.For) -> n.Stmt:
        """Return the statement that brings an adjoint to the shape that its variable had before."""
        call = n.Call(self.context.helper("unbroadcast"), (self.bar(name), n.Name(before)))
        return n.Assign((self.bar(name),), call, of=s.uid)

    def elements(self, s: n.For, form: LoopForm) -> list[n.Stmt]:
        """Return what the adjoints of the loop targets contribute to what the loop runs over."""
        before = self.facts.before[s.uid]
        if form.counter is not None:
            self.facts.before[s.uid] = {**before, form.counter: Value(INT)}
        out = self.contributed(s, form.elements)
        self.facts.before[s.uid] = before
        return out

    def contributed(self, s: n.For, elements: tuple[tuple[n.Expr, n.Expr], ...]) -> list[n.Stmt]:
        out: list[n.Stmt] = []
        first = s.body[0].uid if s.body else -1
        env = self.facts.before.get(first, {})
        for target, value in elements:
            if not isinstance(target, n.Name) or target.id not in self.barred:
                continue
            pull = self.pullback(s)
            kind = env.get(target.id, PASSIVE).kind
            # what the loop runs over may be of no use for the result, where its target is elsewhere
            if env.get(target.id, PASSIVE).varied and self.context.reads(value) & self.barred:
                pull.pull(value, Diff(self.bar(target.id), kind))
            out.extend(self.contributions(pull, (), self.bar(target.id)))
            out.extend(self.cleared({target.id}))
        out.extend(
            self.cleared(
                target_names(s.target) - {t.id for t, _ in elements if isinstance(t, n.Name)}
            )
        )
        return [replace(x, of=s.uid) for x in out]

    def counter(self, steps: n.Name) -> n.Stmt:
        return n.Assign((steps,), n.Const("0", 0))

    def count(self, s: n.For | n.While, body: Sweeps, steps: n.Name, always: bool) -> None:
        """Count the steps in the forward sweep: those that have something to reverse."""
        add = n.AugAssign(steps, "+", n.Const("1", 1))
        if (not always and self.leaves_first(body)) or self.leaves_for_nothing(s, body):
            self.without_leaving(body, (add,))
            return
        body.forward.insert(0, add)

    def without_leaving(self, body: Sweeps, between: n.Block) -> None:
        """Let the reverse of a step be that of a step that does not break."""
        test, back = body.forward[-1], body.reverse[0]
        assert isinstance(test, n.If) and isinstance(back, n.If)
        body.forward[-1:] = [replace(test, orelse=()), *between, *test.orelse]
        body.reverse[:1] = list(back.orelse)

    def leaves_first(self, body: Sweeps) -> bool:
        """True when a step that breaks has done nothing that needs reversing, or is read later."""
        test = self.last_test(body)
        if len(body.reverse) != 1 or test is None:
            return False
        back = body.reverse[0]
        assert isinstance(back, n.If)
        before = (*body.forward[:-1], *test.branches[0].body)
        done = assigned(before).union(*(self.context.changed(x) for x in walk_stmts(before)))
        return not done & mentioned((*test.orelse, *back.orelse))

    def leaves_for_nothing(self, s: n.For | n.While, body: Sweeps) -> bool:
        """True when what a step does before it breaks reaches the result through no variable: all
        adjoints are zero there."""
        test = self.last_test(body)
        if test is None or test.uid in self.options.exits:
            return False
        before = (*body.forward[:-1], *test.branches[0].body)
        leaves = (n.Break, n.Continue, n.Return, n.Try, n.With)
        if sum(isinstance(x, leaves) for x in walk_stmts(before)) != 1:
            return False
        bound = target_names(s.target) if isinstance(s, n.For) else frozenset()
        if any(self.context.changed(x) for x in walk_stmts(before)) or any(
            isinstance(x, (n.Append, n.Pop, n.ExprStmt, n.Delete, n.Global))
            for x in walk_stmts(before)
        ):
            return False
        if (assigned(before) | bound) & self.useful.get(s.uid, frozenset()):
            return False
        self.leaving.add(test.uid)
        return True

    def last_test(self, body: Sweeps) -> n.If | None:
        """Return the `if` that breaks or else does all that follows in the step of a loop."""
        test = body.forward[-1] if body.forward else None
        back = body.reverse[0] if body.reverse else None
        if not (isinstance(test, n.If) and isinstance(back, n.If) and back.of == test.uid):
            return None
        if len(test.branches) != 1 or back.branches[0].body:
            return None
        leaving = test.branches[0].body
        if not leaving or not isinstance(leaving[-1], n.Break):
            return None
        return None if any(isinstance(x, n.Break) for x in _own(test.orelse)) else test

    def while_loop(self, s: n.While) -> Sweeps:
        self.depth += 1
        body = self.block(s.body)
        self.depth -= 1
        if not body.reverse:
            return Sweeps([replace(s, body=tuple(body.forward))])
        range_ = n.Name(self.context.alias("range"))
        own = self.own_counter(s, body)
        if own is not None:
            times = n.Call(range_, (n.Name(own.name),))
            target = "_"
            if own.last:
                # at the start of a step the counter is the number of the step
                target = own.name
                times = n.Call(n.Name(self.context.alias("reversed")), (times,))
                self.silent.add(own.step)
            loop = n.For(n.Name(target), times, tuple(body.reverse), of=s.uid)
            return Sweeps([replace(s, body=tuple(body.forward))], [loop])
        steps = n.Name(self.context.names.fresh("steps"))
        self.count(s, body, steps, False)
        times = n.Call(range_, (steps,))
        loop = n.For(n.Name("_"), times, tuple(body.reverse), of=s.uid)
        return Sweeps([self.counter(steps), replace(s, body=tuple(body.forward))], [loop])

    def own_counter(self, s: n.While, body: Sweeps) -> Counter | None:
        """Return the user's variable that counts just the steps that are to be reversed."""
        if self.counters is None:
            self.counters = counters(self.context.function.body)
        own = self.counters.get(s.uid)
        if own is None or own.name in self.barred:
            return None
        if not any(isinstance(x, n.Break) for x in _own(s.body)):
            return None if own.otherwise else own
        if not own.otherwise or not (self.leaves_first(body) or self.leaves_for_nothing(s, body)):
            return None
        self.without_leaving(body, ())
        return own


def _own(block: n.Block) -> list[n.Stmt]:
    """Return the statements of a loop body that are not in a loop inside it."""
    found: list[n.Stmt] = []
    for s in block:
        found.append(s)
        if isinstance(s, n.If):
            for inner in (*(b.body for b in s.branches), s.orelse):
                found.extend(_own(inner))
    return found
