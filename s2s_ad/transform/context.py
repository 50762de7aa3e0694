"""What every transformation of one function is given, and the shape arithmetic they share.

Takes facts, a name allocator and the linker's answers; gives `Context` and `Diff`. Requires `ir`,
`analysis`, `rules`.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.managers import may_enter_again
from s2s_ad.analysis.owned import NOTHING_OWNED, Owned
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.errors import MissingRule, S2SError
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    NoneKind,
    Nothing,
    Number,
    Object,
    Str,
    TupleOf,
    Unknown,
)
from s2s_ad.ir.names import Names, marked
from s2s_ad.ir.remembered import made_at_once, replace
from s2s_ad.ir.walk import (
    assigned,
    children,
    each_of,
    inside,
    names,
    stmt_exprs,
    subexprs,
    substitute,
    walk_stmts,
)
from s2s_ad.rules import registry
from s2s_ad.rules.rule import Rule
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.calls import OUTSIDE, CallPlan, Calls
from s2s_ad.transform.changes import Changes
from s2s_ad.transform.hints import (
    how_else,
    how_it_is_called,
    how_to_declare,
    how_to_put,
    or_tell,
)
from s2s_ad.transform.reading import flat, given_by
from s2s_ad.transform.run_time import Followed, followed, is_solver

Splice = Callable[[n.Expr, n.Name, n.Expr], n.Expr]  # template, hole, what fills it


_CHEAP = (len, isinstance, callable, hasattr, range, bool)


class NeedsName(Exception):
    """A sub-expression of a statement must be given a name before it can be differentiated."""

    def __init__(self, uid: int, expr: n.Expr, callee: bool = False) -> None:
        super().__init__(uid)
        self.uid = uid
        self.expr = expr
        self.callee = callee


@made_at_once
@dataclass(frozen=True)
class Diff:
    """A differential. kind: that of the expression.

    small: its shape may be smaller than that of what it belongs to; it then stands for its own
    broadcast (the gradient of a sum is one number). wide: an expression, and its kind, that NumPy
    spread the one it belongs to out to, where it has not been summed down again.
    """

    expr: n.Expr
    kind: Kind = UNKNOWN
    small: bool = False
    wide: tuple[n.Expr, Kind] | None = None


@dataclass
class Context(Changes):
    """One function being differentiated.

    alias: how `np`, `math`, a builtin or a helper is spelled. transparent: names given to
    sub-expressions for the sake of their values: they have no adjoint of their own. spread_out:
    whether adjoints of reductions are given the shape of what was reduced, needed or not.
    exit_value: what each way through the function assigns once, and returns. compiled: whether
    numba compiles the text. follows: whether derivatives may be made when it runs. lent: whether
    its callers may change what they gave it in between.
    """

    function: n.Function
    facts: Facts
    names: Names
    alias: Callable[[str], str]
    calls: Calls
    refuse: Callable[[n.Stmt, n.Expr | None, str, str], S2SError]
    marks: dict[tuple[str, str], str] = field(default_factory=dict)
    differentials: set[str] = field(default_factory=set)  # the names in `marks`
    newness: Callable[[n.Call], int] = lambda e: SHARES
    owners: dict[int, Owned] | None = None
    owners_in_the_end: dict[int, Owned] | None = None
    owners_among_living: dict[int, Owned] | None = None
    soles: dict[int, Owned] | None = None
    changing: frozenset[str] | None = None
    changes: dict[int, frozenset[str]] = field(default_factory=dict)
    prologues: set[int] = field(default_factory=set)
    transparent: dict[str, n.Expr] = field(default_factory=dict)
    rules: dict[int, tuple[Rule, Rule]] = field(default_factory=dict)
    compiled: bool = False
    follows: bool = True
    spread_out: bool = False
    exit_value: str = ""
    lent: bool = False

    def touches_active(self, s: n.Stmt, target: n.Expr, value: n.Expr) -> bool:
        """True when a store puts an active value somewhere, or overwrites a part of one."""
        root = store_root(target)
        if self.facts.varied(value, s.uid):
            return True
        if root is None:
            adds = scattered(s) is not None or (isinstance(s, n.AugAssign) and s.op in "+-")
            return not adds and self.owns_active(s, target)
        return self.facts.before.get(s.uid, {}).get(root, PASSIVE).varied

    def owns_active(self, s: n.Stmt, target: n.Expr) -> bool:
        """True when what a target is a part of, such as `a.T` or `a.ravel()`, is active."""
        while isinstance(target, n.Subscript):
            target = target.value
        return self.facts.varied(target, s.uid)

    def rebound(self, s: n.AugAssign) -> n.Stmt:
        """Write `x op= e` as `x = x op e` unless x is a number: the array may be the caller's."""
        kind = self.facts.value(s.target, s.uid).kind
        if isinstance(kind, Number) or not isinstance(s.target, n.Name) or self.is_in_place(s):
            return s
        added = s.value
        if (
            isinstance(kind, ListOf)
            and s.op == "+"
            and not isinstance(self.kind(added, s.uid), ListOf)
        ):
            # a list takes whatever can be run over
            added = n.Call(n.Name(self.alias("list")), (added,))
        value: n.Expr = n.Binary(s.op, s.target, added)
        if isinstance(kind, Array) and kind.dims == ():
            value = n.Call(self.np("array"), (value,))  # NumPy would make it a number
        return n.Assign((s.target,), value, origin=s.origin, comments=s.comments, uid=s.uid)

    def check_append(self, s: n.Append | n.Pop) -> None:
        """Refuse to let a list grow or shrink that is the caller's, or that other names share."""
        word = "append" if isinstance(s, n.Append) else "pop"
        if s.stack in self.unshared().get(s.uid, NOTHING_OWNED).own:
            return
        env = self.facts.after.get(s.uid, {})
        given = s.stack in self.facts.entry and isinstance(s, n.Append)
        if given or env.get(s.stack, PASSIVE).varied:
            raise self.refuse(
                s,
                n.Name(s.stack),
                f"`{s.stack}.{word}` on a list that other names may share",
                f"work on a copy: `{s.stack} = list({s.stack})`",
            )

    def check_delete(self, s: n.Stmt) -> None:
        """Refuse to delete a part of an active container."""
        for target in s.targets if isinstance(s, n.Delete) else ():
            if not isinstance(target, n.Name) and self.touches_active(s, target, target):
                raise self.refuse(
                    s, target, "`del` of a part of an active value", "build a new list without it"
                )

    def check_with(self, s: n.With, what: str = "`with` around active statements") -> None:
        """Refuse a context manager that may swallow exceptions, or that cannot be entered again."""
        inside = assigned(s.body)
        for manager, target in s.items:
            call = manager.func if isinstance(manager, n.Call) else manager
            found = self.facts.object_of(call, s.uid)
            known = found is not None and may_enter_again(found[0])
            if not known or target is not None or names(manager) & inside:
                raise self.refuse(s, None, what, "move them out of the block")

    def check_effect(self, s: n.Stmt) -> None:
        """Refuse a call for its effect on an active container: what it does there is not known."""
        self.check_delete(s)
        if not isinstance(s, n.ExprStmt) or not isinstance(s.value, n.Call):
            return
        if not all(self.changes_nothing(x, s) for x in inside(s, n.Call)):
            self.check_call(s.value, s)

    def check_calls(self, s: n.Stmt, active: bool) -> None:
        """Refuse calls that are made for their value, which has no derivative, where they may
        change what has one. active: whether the value of the statement is differentiated."""
        if s.uid not in self.facts.before:
            return
        outside = isinstance(s, n.Append) and s.stack not in self.facts.locals
        if isinstance(s, n.Append) and outside and self.facts.varied(s.value, s.uid):
            raise self.refuse(
                s,
                n.Name(s.stack),
                f"an active value is put into `{s.stack}`, which is outside of the function",
                "work on a list made in this function, and return it",
            )
        todo = [(e, active) for e in stmt_exprs(flat(s))]
        if isinstance(s, n.ExprStmt):
            # a call that stands alone is looked at as such, not what it or an operator is given
            call = s.value if isinstance(s.value, n.Call) else None
            given = children(call) if call else (s.value,)
            followed = call is not None and not self.is_harmless(call, s)
            todo = [(e, followed) for e in given]
        while todo:
            e, followed = todo.pop()
            followed = followed and self.facts.varied(e, s.uid)
            if isinstance(e, n.Call) and not followed and not self.changes_nothing(e, s):
                self.check_call(e, s)
            if not isinstance(e, n.Lambda):
                todo.extend((x, followed) for x in given_by(e))

    def check_inside(self, s: n.Try) -> None:
        """Refuse effects on active values in a `try` that is written as it is."""
        for x in walk_stmts((s,)):
            self.check_calls(x, False)
            self.check_effect(x)
            stored = x.targets if isinstance(x, n.Assign) else ()
            stored = (x.target,) if isinstance(x, n.AugAssign) else stored
            value = x.value if isinstance(x, (n.Assign, n.AugAssign, n.Append)) else None
            if all(isinstance(t, n.Name) for t in stored) and not isinstance(x, n.Append):
                continue
            if value is not None and self.facts.varied(value, x.uid):
                message, hint = "`try` around active statements", "move them out of the block"
                raise self.refuse(s, None, message, hint)

    def check_call(self, call: n.Call, s: n.Stmt) -> None:
        """Refuse a call whose derivative is not taken if it may change an active container."""
        owner = call.func.value if isinstance(call.func, n.Attribute) else None
        if owner is None and self.facts.object_of(call.func, s.uid) is None:
            owner = call.func  # it may hold what it changes
        parts = [*call.args, *(k.value for k in call.keywords), *([owner] if owner else [])]
        values = [self.facts.value(e, s.uid) for e in parts]
        if not any(v.varied for v in values) or self.is_harmless(call, s):
            return
        changed = self.calls.changed_by(call, s, self.facts)
        if changed == frozenset():
            return
        if changed is not None and OUTSIDE in changed:
            message = "a call that puts an active value into something outside of the function"
            raise self.refuse(s, call, message, "return the value, and put it there behind")
        # what `**` takes apart is a dict of the callee's own
        apart = [k.value for k in call.keywords if k.name is None]
        for e, v in zip(parts, values):
            kind = v.kind.value if e in apart and isinstance(v.kind, DictOf) else v.kind
            if not _is_passed_by_value(kind) and not self.is_arithmetic(e, s):
                message = "a call that may put an active value into a container"
                raise self.refuse(s, e, message, how_to_put(call))

    def is_arithmetic(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for what operators make that no list has: nobody else sees it."""
        if isinstance(e, n.Unary):
            return True
        if not isinstance(e, n.Binary):
            return False
        kinds = [self.kind(x, s.uid) for x in (e.left, e.right)]
        return e.op in "-/" or any(isinstance(x, Number) and x.type == "float" for x in kinds)

    def check_item(self, e: n.Subscript, s: n.Stmt) -> None:
        """Refuse an item of what does not vary itself: an object that computes with its index."""
        if not self.facts.varied(e.value, s.uid):
            raise self.refuse(
                s, e, "an index that varies", "call a function that computes the item instead"
            )

    def adds_axes(self, index: n.Expr, uid: int) -> bool:
        """True for an index such as `..., None`, which NumPy's numbers have too."""
        items = each_of(index)
        return any(
            item == n.ELLIPSIS or isinstance(self.kind(item, uid), NoneKind)
            for item in items
            if not isinstance(item, n.Slice)
        )

    def mark(self, name: str, mark: str) -> str:
        """Return the name of the adjoint (`bar`) or tangent (`dot`) of variable `name`."""
        key = (name, mark)
        if key not in self.marks:
            self.add_mark(key, self.names.fresh(marked(name, mark)))
        return self.marks[key]

    def add_mark(self, key: tuple[str, str], name: str) -> None:
        self.marks[key] = name
        self.differentials.add(name)

    def spelled(self, template: n.Expr, keep: frozenset[str]) -> n.Expr:
        """Return a template with module and helper names as they are spelled in this function."""
        mapping: dict[str, n.Expr] = {}
        for name in names(template) - keep:
            alias = self.alias(name)
            if alias != name:
                mapping[name] = n.Name(alias)
        return substitute(template, mapping)

    def np(self, function: str) -> n.Expr:
        return n.Attribute(n.Name(self.alias("np")), function)

    def helper(self, name: str) -> n.Expr:
        return n.Name(self.alias(name))

    def kind(self, e: n.Expr, uid: int) -> Kind:
        return self.facts.value(e, uid).kind

    def choice(self, e: n.Expr, s: n.Stmt) -> registry.Choice | None:
        """Return the rule of an operator, call, method or attribute, spelled for this function."""
        reader = self.facts.reader(s.uid)
        env = self.facts.before.get(s.uid, {})
        found: registry.Choice | None = None
        if isinstance(e, n.Unary):
            found = reader.choose(registry.lookup_operator("u" + e.op), (e.operand,), (), env)
        elif isinstance(e, n.Binary):
            found = reader.choose(registry.lookup_operator(e.op), (e.left, e.right), (), env)
        elif isinstance(e, n.Attribute):
            found = reader.choose(registry.lookup_attribute(e.attr), (e.value,), (), env)
            if found is None and isinstance(reader.value(e.value, env).kind, Unknown):
                read = (e.value, n.Const(f'"{e.attr}"', e.attr))  # it may be that of an object
                found = reader.choose(registry.lookup(getattr), read, (), env)
        elif isinstance(e, n.Call):
            target = reader.object_of(e.func, env)
            if target is not None:
                rules = registry.lookup(target[0])
                found = reader.choose(rules, e.args, e.keywords, env)
                if found is None and rules:
                    entrywise = any(rule.shape == "out" for rule in rules)
                    raise self.missing(e, s, "this form of the call has no rule", entrywise)
            elif isinstance(e.func, n.Attribute):
                rules = registry.lookup_method(e.func.attr)
                found = reader.choose(rules, (e.func.value, *e.args), e.keywords, env)
        return None if found is None else self.respelled(found)

    def reads(self, e: n.Expr) -> frozenset[str]:
        """Return the variables an expression reads, those behind transparent names included."""
        found = names(e)
        for name in found & self.transparent.keys():
            found |= self.reads(self.transparent[name])
        return found

    def is_cheap(self, e: n.Call, s: n.Stmt) -> bool:
        """True for a call that may as well be made again: of what has a rule, or of a builtin."""
        if not self.is_pure(e, s):
            return False
        found = self.facts.object_of(e.func, s.uid)
        return self.choice_exists(e, s) or (found is not None and found[0] in _CHEAP)

    def plan(self, call: n.Call, s: n.Stmt, mode: str) -> CallPlan | None:
        """Return the plan of a call of user code, None when it is not one that has source."""
        if s.uid in self.facts.before and is_solver(self.facts, call, s):
            return None  # it has a derivative whatever its steps
        often = self.is_in_loop(s)
        return self.calls.plan(call, self.facts, s.uid, mode, self.changed_anywhere(), often)

    def choice_exists(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for a call that a rule describes, whether or not its arguments vary."""
        if not isinstance(e, n.Call):
            return False
        target = self.facts.object_of(e.func, s.uid)
        if target is not None:
            return bool(registry.lookup(target[0]))
        return isinstance(e.func, n.Attribute) and bool(registry.lookup_method(e.func.attr))

    def is_repeatable(self, test: n.Expr, s: n.Stmt) -> bool:
        """True when a condition may be evaluated again: cheap, and without any effect."""
        for e in subexprs(test):
            if isinstance(e, n.Call):
                if not self.is_cheap(e, s):
                    return False
            elif isinstance(e, (n.Lambda, n.Comprehension, n.NamedExpr)):
                return False
            if self.facts.reader(s.uid).may_be_rebound(e, self.facts.before.get(s.uid, {})):
                return False
        return True

    def respelled(self, choice: registry.Choice) -> registry.Choice:
        rule = choice.rule
        known = self.rules.get(id(rule))
        if known is None:
            own = frozenset({"d", "out"} | {p.name for p in rule.params} | {k for k, _ in rule.let})
            known = self.rules[id(rule)] = rule, rule.mapped(lambda e: self.spelled(e, own))
        if any(choice.operands[k] is not e for k, e in choice.arguments.items()):
            self.alias("np")  # a list among entrywise operands is made an array
        return choice if known[1] is rule else replace(choice, rule=known[1])

    def followed(self, e: n.Expr, s: n.Stmt) -> Followed | None:
        """Return how a call is followed when it runs, None for one that is not."""
        if not self.follows or not isinstance(e, n.Call):
            return None
        if self.is_derivative(e.func, s, self.facts.object_of(e.func, s.uid)):
            return None
        return followed(self.facts, e, s, self.alias)

    def is_derivative(self, func: n.Expr, s: n.Stmt, found: tuple[object] | None) -> bool:
        """True for a transform of ours, or what one has returned under a name."""
        if found is not None:
            return hasattr(type(found[0]), "__s2s_transform__")
        makers = [func]
        if isinstance(func, n.Name):
            every = (x for x in walk_stmts(self.function.body) if isinstance(x, n.Assign))
            makers = [x.value for x in every if x.targets[0] == func]
        of = [self.facts.object_of(x.func, s.uid) for x in makers if isinstance(x, n.Call)]
        homes = [getattr(x[0], "__module__", None) for x in of if x is not None]
        return any(str(home).startswith("s2s_ad.api") for home in homes)

    def or_tell(self, hint: str) -> str:
        """Return a hint that says first to tell what the arguments are, if that was not told."""
        return or_tell(hint, all(value.kind != UNKNOWN for value in self.facts.entry.values()))

    def missing(
        self, e: n.Call | n.Attribute, s: n.Stmt, why: str, entrywise: bool = True
    ) -> S2SError:
        """Return the error for a call without a rule. entrywise: it may compute entry by entry."""
        from s2s_ad.ir.text import expr_text

        func = e.func if isinstance(e, n.Call) else e
        name = expr_text(func)
        args = e.args if isinstance(e, n.Call) else ()
        parts = [a for a in args if self.facts.varied(a, s.uid)]
        active = [expr_text(a) for a in parts]
        kinds = [self.kind(a, s.uid) for a in parts]
        known = all(isinstance(k, Number) or getattr(k, "dims", None) for k in kinds)
        found = self.facts.object_of(func, s.uid)
        hint = how_to_declare(name, len(args), entrywise, known, found[0] if found else None)
        if isinstance(func, n.Attribute) and self.facts.varied(func.value, s.uid):
            active, hint = active or [""], how_else(name)
        base = self.refuse(s, e, f"{how_it_is_called(name, active)}, but {why}", hint)
        return MissingRule(base.message, base.place, base.hint)


def _is_passed_by_value(kind: Kind) -> bool:
    """True for what a callee cannot put anything into: numbers, text, functions, modules."""
    if isinstance(kind, Object):
        return isinstance(kind.value, (types.ModuleType, type)) or callable(kind.value)
    if isinstance(kind, TupleOf) and not kind.is_list:
        return all(map(_is_passed_by_value, kind.items))
    return isinstance(kind, (Number, Str, NoneKind, Nothing))


def atomic(e: n.Expr) -> bool:
    """True for an expression that costs nothing to repeat: a name, an attribute, an element."""
    while isinstance(e, (n.Attribute, n.Subscript)):
        if isinstance(e, n.Subscript) and not isinstance(e.index, (n.Name, n.Const)):
            return False
        e = e.value
    return isinstance(e, (n.Name, n.Const))
