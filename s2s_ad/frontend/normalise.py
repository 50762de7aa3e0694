"""Active statements brought into the forms that have a derivative; passive ones stay as written.

Takes a Function with its forward facts, gives an equivalent one: comprehensions and conditional
expressions whose value varies become loops and branches, chained and nested targets become
plain ones, a loop runs over variables that its body leaves alone. Requires `ir`, `analysis`.

    y = [f(v) for v in x]   →   y = []
                                for v in x:
                                    y.append(f(v))
"""

from __future__ import annotations

import builtins

from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.interpreter import Interpreter
from s2s_ad.analysis.values import PASSIVE, Env, Value, named
from s2s_ad.frontend.live_loops import may_say_less, rebound, resized
from s2s_ad.frontend.questions import Outside, Refuse
from s2s_ad.frontend.unpacking import Unpacking
from s2s_ad.frontend.walrus import taken_out
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import renamed
from s2s_ad.ir.kinds import DictOf, Kind, ListOf, TupleOf, Unknown
from s2s_ad.ir.names import Names, plain_name
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    children,
    map_block,
    names,
    stmt_exprs,
    subexprs,
    substitute,
    target_names,
    walk_stmts,
    with_each_block,
)


def normalise(
    function: n.Function, facts: Facts, names_: Names, refuse: Refuse, outside: Outside
) -> n.Function:
    """Return `function` in normal form. refuse makes the error for what has none."""
    run = _Normalise(facts, names_, refuse, outside)
    return replace(function, body=run.block(function.body))


class _Normalise(Unpacking):
    def block(self, block: n.Block) -> n.Block:
        return tuple(out for s in block for out in self.statement(s))

    def statement(self, s: n.Stmt) -> list[n.Stmt]:
        if s.uid not in self.facts.before:
            return []
        self.check_walrus(s)
        if (out := self.flat_store(s)) is not None:
            return self.commented(out, s)
        if isinstance(s, n.If):
            branches = tuple(replace(b, body=self.block(b.body)) for b in s.branches)
            return [replace(s, branches=branches, orelse=self.block(s.orelse))]
        if isinstance(s, n.While):
            return [replace(s, body=self.block(s.body), orelse=self.block(s.orelse))]
        if isinstance(s, n.For):
            return self.for_loop(s)
        if isinstance(s, (n.With, n.Try)):
            return [with_each_block(s, self.block)]
        if isinstance(s, n.Assign):
            return self.assign(s)
        if isinstance(s, n.ExprStmt):
            out = self.changed_in_place(s)
            return [s] if out is None else self.commented(out, s)
        if isinstance(s, n.AugAssign):
            out = self.taken_in(s)
            if out is not None:
                return self.commented(out, s)
            pre: list[n.Stmt] = []
            s = replace(s, target=self.place(s.target, s, pre))
            if self.varied(s.value, s) or self.varied(s.target, s):
                return self.with_value(s, s.value, pre)
            return [*pre, s]
        if isinstance(s, n.Append):
            pre = []
            return self.with_value(s, s.value, pre) if self.varied(s.value, s) else [s]
        if isinstance(s, n.Return) and s.value is not None and self.varied(s.value, s):
            return self.returned(s)
        return [s]

    def commented(self, out: list[n.Stmt], s: n.Stmt) -> list[n.Stmt]:
        """Return statements made from `s` under its comments."""
        return [replace(out[0], comments=s.comments), *out[1:]] if out else out

    def check_walrus(self, s: n.Stmt) -> None:
        """Refuse `:=` of an active value where it is no statement and does not become one."""
        todo = list(stmt_exprs(s))
        opened = isinstance(s, (n.Assign, n.AugAssign, n.Append, n.Return, n.For))
        for e in todo:
            if isinstance(e, n.NamedExpr) and self.may_vary(e, s):
                raise self.refuse(s, "`:=` of an active value here", "assign it before", e)
            if not (opened and isinstance(e, n.Comprehension) and self.varied(e, s)):
                todo.extend(children(e))

    def may_vary(self, e: n.NamedExpr, s: n.Stmt) -> bool:
        env = self.facts.before[s.uid]
        return self.varied(e.value, s) or env.get(e.target.id, PASSIVE).varied

    def with_value(self, s: n.Stmt, value: n.Expr, pre: list[n.Stmt]) -> list[n.Stmt]:
        value = self.hoist(value, s, pre)
        head = replace(s, value=value)
        if pre:
            pre[0] = replace(pre[0], comments=s.comments)
            head = replace(head, comments=n.NO_COMMENTS)
        return [*pre, head]

    def returned(self, s: n.Return) -> list[n.Stmt]:
        value = s.value
        assert value is not None
        if isinstance(value, n.IfExp):
            if (taken := self.taken(value, s)) is not None:
                return self.commented(self.again(n.Return(taken), s), s)
            then = n.Branch(value.test, tuple(self.again(n.Return(value.body), s)))
            other = tuple(self.again(n.Return(value.orelse), s))
            return [n.If((then,), other, origin=s.origin, comments=s.comments)]
        return self.with_value(s, value, [])

    def again(self, new: n.Stmt, s: n.Stmt) -> list[n.Stmt]:
        """Normalise a statement made from `s`, in the environment of `s`."""
        new = replace(new, origin=s.origin)
        self.facts.before[new.uid] = self.facts.before[s.uid]
        self.unshared[new.uid] = self.unshared.get(s.uid, frozenset())
        return self.statement(new)

    def assign(self, s: n.Assign) -> list[n.Stmt]:
        if not self.varied(s.value, s):
            if self.stores_among(s):
                return self.commented(self.each_target(s), s)
            return self.with_value(s, s.value, []) if self.shrinks(s.value, s) else [s]
        out: list[n.Stmt] = []
        taken = set(self.names.taken)
        written = self.spelled_out(s.value, s, out)
        target = s.targets[0]
        made = isinstance(written, n.Name) and written.id not in taken and len(s.targets) == 1
        if made and isinstance(target, n.Name) and not _mentions(out, target.id):
            assert isinstance(written, n.Name)
            return self.commented(_renamed(out, written.id, target.id), s)
        if written is not None:
            return self.commented([*out, *self.again(replace_value(s, written), s)], s)
        if len(s.targets) > 1:
            if not all(isinstance(t, n.Name) for t in s.targets):
                return self.each_target(s)
            first = self.again(n.Assign(s.targets[:1], s.value, comments=s.comments), s)
            more = [n.Assign((t,), s.targets[0], origin=s.origin) for t in s.targets[1:]]
            return [*first, *more]
        target = s.targets[0]
        if isinstance(target, n.Subscript) and self.runs_once(target, s):
            temp = n.Name(self.fresh("value"))
            later: list[n.Stmt] = []
            store = n.Assign((self.place(target, s, later),), temp, origin=s.origin)
            return [*self.again(n.Assign((temp,), s.value, comments=s.comments), s), *later, store]
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            return self.unpack(s, target)
        if isinstance(s.value, n.IfExp):
            if (part := self.taken(s.value, s)) is not None:
                return self.commented(self.again(n.Assign((target,), part), s), s)
            test, body, orelse = s.value.test, s.value.body, s.value.orelse
            then = n.Branch(test, tuple(self.again(n.Assign((target,), body), s)))
            other_ = tuple(self.again(n.Assign((target,), orelse), s))
            return [n.If((then,), other_, origin=s.origin, comments=s.comments)]
        name = target.id if isinstance(target, n.Name) else None
        made = isinstance(s.value, n.Comprehension) and not self.copies_rows(s.value, s)
        if name and isinstance(s.value, n.Comprehension) and made and name not in names(s.value):
            return self.expand(s.value, name, s)
        return self.with_value(s, s.value, [])

    # -- expressions

    def hoist(self, e: n.Expr, s: n.Stmt, pre: list[n.Stmt]) -> n.Expr:
        """Return `e` with what needs statements replaced by names, the statements in `pre`."""
        if not self.varied(e, s):
            return self.settled(e, s, pre)
        if self.copies_rows(e, s):
            return e
        if isinstance(e, n.Comprehension):
            name = self.fresh("items")
            pre.extend(self.expand(e, name, s))
            return n.Name(name)
        if isinstance(e, (n.IfExp, n.BoolOp)):
            temp = self.fresh("value")
            pre.extend(self.choice(e, temp, s))
            return n.Name(temp)
        if isinstance(e, n.Call) and self.is_copy_of_list(e, s):
            return self.hoist(e.args[0], s, pre)
        if isinstance(e, n.Call) and self.is_listed_loop(e, s):
            name = self.fresh("items")
            pre.extend(self.listed(e.args[0], name, s))
            return n.Name(name)
        written = self.spelled_out(e, s, pre)
        if written is not None:
            return self.hoist(written, s, pre)
        return self.rebuild(e, s, pre)

    def settled(self, e: n.Expr, s: n.Stmt, pre: list[n.Stmt]) -> n.Expr:
        """Name the parts of a passive expression that may be evaluated only once."""
        if not self.runs_once(e, s):
            return e
        whole = isinstance(e, (n.Unary, n.Binary, n.Subscript, n.TupleExpr, n.ListExpr, n.DictExpr))
        if whole or (isinstance(e, (n.Call, n.Attribute)) and not self.is_once(e, s)):
            return self.rebuild(e, s, pre)
        return self.named(e, s, pre)

    def listed(self, e: n.Expr, name: str, s: n.Stmt) -> list[n.Stmt]:
        """Return a loop that lists what `e` runs over."""
        item = n.Name(self.names.fresh("item"))
        return self.expand(n.Comprehension("list", item, (n.Clause(item, e),)), name, s)

    def rebuild(self, e: n.Expr, s: n.Stmt, pre: list[n.Stmt]) -> n.Expr:
        go = self.hoist
        if isinstance(e, n.Unary):
            return replace(e, operand=go(e.operand, s, pre))
        if isinstance(e, n.Binary):
            return self.binary(e, s, pre)
        if isinstance(e, n.Call):
            e = self.without_stars(e, s, pre)
            args = tuple(go(a, s, pre) for a in e.args)
            keywords = tuple(replace(k, value=go(k.value, s, pre)) for k in e.keywords)
            func = e.func
            if isinstance(func, n.Attribute):
                func = replace(func, value=go(func.value, s, pre))
            return replace(e, func=func, args=args, keywords=keywords)
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            return replace(e, items=tuple(go(item, s, pre) for item in e.items))
        if isinstance(e, n.DictExpr):
            return replace(e, values=tuple(go(item, s, pre) for item in e.values))
        if isinstance(e, n.Subscript):
            base = go(e.value, s, pre)
            if not _is_place(base) and not isinstance(base, (n.Call, n.Attribute)):
                base = self.named(base, s, pre)
            return replace(e, value=base)
        if isinstance(e, n.Attribute):
            return replace(e, value=go(e.value, s, pre))
        return e

    def without_stars(self, e: n.Call, s: n.Stmt, pre: list[n.Stmt]) -> n.Call:
        """Write `f(*pair)` as `f(pair[0], pair[1])` where the length of the tuple is known."""
        args: list[n.Expr] = []
        for a in e.args:
            kind = self.facts.value(a.value, s.uid).kind if isinstance(a, n.Starred) else None
            if isinstance(a, n.Starred) and isinstance(a.value, (n.TupleExpr, n.ListExpr)):
                args.extend(a.value.items)
            elif isinstance(a, n.Starred) and isinstance(kind, TupleOf):
                value = a.value
                if not isinstance(value, n.Name):
                    temp = n.Name(self.fresh("items"))
                    pre.extend(self.again(n.Assign((temp,), value), s))
                    env = {**self.facts.before[s.uid], temp.id: self.facts.value(value, s.uid)}
                    self.facts.before[s.uid] = env
                    value = temp
                count = range(len(kind.items))
                args.extend(n.Subscript(value, n.Const(str(k), k)) for k in count)
            else:
                args.append(a)
        return replace(e, args=tuple(args))

    def binary(self, e: n.Binary, s: n.Stmt, pre: list[n.Stmt]) -> n.Expr:
        spine: list[n.Binary] = []
        left: n.Expr = e
        while isinstance(left, n.Binary):
            spine.append(left)
            left = left.left
        left = self.hoist(left, s, pre)
        for node in reversed(spine):
            left = replace(node, left=left, right=self.hoist(node.right, s, pre))
        return left

    def place(self, target: n.Expr, s: n.Stmt, pre: list[n.Stmt]) -> n.Expr:
        """Return where a statement stores, an index that may be evaluated only once named."""
        if not isinstance(target, n.Subscript) or not self.runs_once(target, s):
            return target
        value = self.place(target.value, s, pre)
        return replace(target, value=value, index=self.settled(target.index, s, pre))

    def named(self, e: n.Expr, s: n.Stmt, pre: list[n.Stmt]) -> n.Expr:
        func = e.func if isinstance(e, n.Call) else e
        own = plain_name(func.id) + "_value" if isinstance(func, n.Name) else ""
        temp = n.Name(self.fresh(own or getattr(func, "attr", "value")))
        pre.append(n.Assign((temp,), e, origin=s.origin))
        return temp

    def taken(self, e: n.IfExp, s: n.Stmt) -> n.Expr | None:
        """Return the side of a conditional expression that the kinds decide on."""
        truth = self.facts.reader(s.uid).truth(e.test, self.facts.before[s.uid])
        return None if truth is None else e.body if truth else e.orelse

    def choice(self, e: n.IfExp | n.BoolOp, temp: str, s: n.Stmt) -> list[n.Stmt]:
        name = n.Name(temp)
        if isinstance(e, n.IfExp):
            return self.again(n.Assign((name,), e), s)
        out = self.again(n.Assign((name,), e.values[0]), s)
        test: n.Expr = name if e.op == "and" else n.Unary("not", name)
        for item in e.values[1:]:
            body = tuple(self.again(n.Assign((name,), item), s))
            out.append(n.If((n.Branch(test, body),), (), origin=s.origin))
        return out

    # -- comprehensions and loops

    def expand(self, e: n.Comprehension, name: str, s: n.Stmt) -> list[n.Stmt]:
        """Return loops that build the list `name` as the comprehension does."""
        if e.kind == "set":
            raise self.refuse(s, "a set comprehension over active values", "use a list", e)
        renamed: dict[str, n.Expr] = {}
        for clause in e.clauses:
            for target in sorted(target_names(clause.target)):
                fresh = self.names.fresh(target) if target in self.names.taken else target
                self.names.taken.add(fresh)
                if fresh != target:
                    renamed[target] = n.Name(fresh)
        env = dict(self.facts.before[s.uid])
        block: n.Block = ()
        targets = {x for c in e.clauses for x in target_names(substitute(c.target, renamed))}
        evaluator = Interpreter(self.facts.world, self.facts.locals | targets | {name})
        levels: list[tuple[n.Expr, n.Expr, tuple[n.Expr, ...], Env, Env]] = []
        for position, clause in enumerate(e.clauses):
            source = clause.iter if position == 0 else substitute(clause.iter, renamed)
            target_ = substitute(clause.target, renamed)
            before: Env = dict(env)
            item = evaluator.iterate(source, before)
            env = dict(env)
            evaluator.bind(target_, item, env)
            tests = tuple(substitute(c, renamed) for c in clause.conditions)
            for test in tests:
                env.update(named(test, env))
            levels.append((target_, source, tests, before, env))
        value = substitute(e.element, renamed)
        kind = evaluator.value(value, env).kind
        element: n.Stmt = n.Append(name, value, origin=s.origin)
        whole: Kind = ListOf(kind)
        if e.key is not None:
            place = n.Subscript(n.Name(name), substitute(e.key, renamed))
            element, whole = n.Assign((place,), value, origin=s.origin), DictOf(kind)
        env = {**env, name: Value(whole, True)}
        saved = self.facts.locals
        self.facts.locals = evaluator.local
        self.facts.before[element.uid] = env
        block = tuple(self.statement(element))
        for target_, source, tests, before, inside in reversed(levels):
            for test in reversed(tests):
                bound, test = taken_out(test, s.origin)
                block = (n.If((n.Branch(test, block),), (), origin=s.origin),)
                for assign in reversed(bound):
                    self.facts.before[assign.uid] = inside
                    block = (*self.statement(assign), *block)
            loop = n.For(target_, source, block, (), origin=s.origin)
            self.facts.before[loop.uid] = before
            block = tuple(self.for_loop(loop, done=True))
        self.facts.locals = saved
        empty = n.ListExpr(()) if e.key is None else n.DictExpr((), ())
        start = n.Assign((n.Name(name),), empty, origin=s.origin, comments=s.comments)
        return [start, *block]

    def for_loop(self, s: n.For, done: bool = False) -> list[n.Stmt]:
        body = s.body if done else self.block(s.body)
        orelse = s.orelse if done else self.block(s.orelse)
        pre: list[n.Stmt] = []
        if any(isinstance(e, (n.Subscript, n.Attribute)) for e in subexprs(s.target)):
            raise self.refuse(s, "a loop that stores into an element at each step", "use a name")
        s = self.over_keys(s)
        target, taken = self.opened(s.target, s.iter, s)
        body = (*taken, *body)
        changed = assigned(body)
        inside = target_names(target) & changed
        if inside:
            mapping = {x: n.Name(self.names.fresh(x)) for x in sorted(inside)}
            copies = tuple(
                n.Assign((n.Name(old),), new, origin=s.origin) for old, new in mapping.items()
            )
            target = substitute(target, mapping)
            body = (*copies, *body)
        source = self.stable(s.iter, s, changed | target_names(target), pre)
        return [*pre, replace(s, target=target, iter=source, body=body, orelse=orelse)]

    def over_keys(self, s: n.For) -> n.For:
        """Write `for k in d` as `for k in keys(d)` where `w[k]` shows that d may be a dict."""
        used = {
            e.index.id
            for x in walk_stmts(s.body)
            for e in all_parts(x)
            if isinstance(e, n.Subscript) and isinstance(e.index, n.Name)
        }

        def keys(target: n.Expr, e: n.Expr) -> n.Expr:
            if isinstance(e, n.Name):
                kind = self.facts.value(e, s.uid).kind
                known = not isinstance(kind, Unknown) or not self.varied(e, s)
                read = isinstance(target, n.Name) and target.id in used
                return e if known or not read else self.call("keys", e)
            call = self.loop_call(e, s)
            if not isinstance(e, n.Call) or not e.args:
                return e
            inner = target.items if isinstance(target, n.TupleExpr) else ()
            if call is builtins.zip and len(inner) == len(e.args):
                return replace(e, args=tuple(map(keys, inner, e.args)))
            if call is builtins.enumerate and len(inner) == 2:
                return replace(e, args=(keys(inner[1], e.args[0]), *e.args[1:]))
            if call in (builtins.sorted, builtins.list, builtins.tuple, builtins.reversed):
                return replace(e, args=(keys(target, e.args[0]), *e.args[1:]))
            return e

        return replace(s, iter=keys(s.target, s.iter))

    def stable(
        self,
        e: n.Expr,
        s: n.For,
        changed: set[str] | frozenset[str],
        pre: list[n.Stmt],
        whole: bool = True,
    ) -> n.Expr:
        """Return what a loop runs over as something the reverse sweep can evaluate again.

        whole: whether it is all that the loop runs over, not a part of a `zip`.
        """
        call = self.loop_call(e, s)
        plain = isinstance(e, n.Call) and not any(isinstance(a, n.Starred) for a in e.args)
        if plain and call in (builtins.enumerate, builtins.zip, builtins.reversed):
            assert isinstance(e, n.Call)
            args = [
                self.stable(a, s, changed, pre, False)
                for a in e.args[: 1 if call is not builtins.zip else None]
            ]
            return replace(e, args=(*args, *e.args[len(args) :]))
        if call is builtins.range or (call == "items" and whole):
            stored = call is builtins.range and may_say_less(e, s, self.facts)
            if names(e) & changed or stored or self.runs_once(e, s):
                return self.named_iter(e, s, pre, "indices", keep=True)
            return e
        if isinstance(e, (n.Call, n.Attribute)) and self.varied(e, s):
            written = self.spelled_out(e, s, pre)
            if written is not None:
                e = self.hoist(written, s, pre)
        if isinstance(e, n.Name) and e.id not in changed:
            return e
        fixed = isinstance(e, (n.Subscript, n.Attribute)) and not names(e) & changed
        if fixed and not self.varied(e, s):
            return e
        if isinstance(e, n.Name):
            grows = not self.varied(e, s) and e.id in resized(s.body)
            if grows and e.id not in rebound(s.body):
                return e  # each item is read when its turn comes
            return self.named_iter(e, s, pre, "items", keep=grows)
        return self.named_iter(e, s, pre, "items", keep=self.indexable(e, s))

    def named_iter(self, e: n.Expr, s: n.For, pre: list[n.Stmt], wanted: str, keep: bool) -> n.Expr:
        name = n.Name(self.fresh(wanted))
        if not keep and isinstance(e, n.Comprehension) and self.varied(e, s):
            pre.extend(self.expand(e, name.id, s))
            return name
        if not keep and self.varied(e, s):
            source = e
            if isinstance(e, n.Call) and self.is_listed_loop(e, s):
                source = e.args[0]
            if self.loop_call(source, s) in (builtins.zip, builtins.enumerate, builtins.reversed):
                pre.extend(self.listed(source, name.id, s))
                return name
        value = e if keep else n.Call(n.Name("list"), (e,))
        pre.extend(self.again(n.Assign((name,), value), s))
        return name


def _mentions(block: list[n.Stmt], name: str) -> bool:
    inside = (e for s in walk_stmts(tuple(block)) for e in stmt_exprs(s))
    return any(name in names(e) for e in inside)


def _renamed(block: list[n.Stmt], old: str, new: str) -> list[n.Stmt]:
    """Return statements in which one variable is called differently."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, (n.Append, n.Pop)) and s.stack == old:
            s = replace(s, stack=new)
        return (s,)

    return list(map_block(renamed(tuple(block), {old: n.Name(new)}), visit))


def replace_value(s: n.Assign, value: n.Expr) -> n.Assign:
    """Return the assignment of another value, as a statement of its own."""
    return n.Assign(s.targets, value, annotation=s.annotation)


def _is_place(e: n.Expr) -> bool:
    """True for a variable or an element of one: what has a place in its adjoint."""
    while isinstance(e, n.Subscript):
        e = e.value
    return isinstance(e, n.Name)
