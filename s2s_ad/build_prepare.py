"""From a subject to the form the transformations take: decided branches folded, exits structural.

Takes a `Subject` and the values of its parameters, gives a prepared Function with its facts;
requires `frontend`, `analysis`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from s2s_ad import runtime
from s2s_ad.analysis.flow import Facts, interpret
from s2s_ad.analysis.indexing import picks
from s2s_ad.analysis.memory import Memory
from s2s_ad.analysis.still import NOTHING_STILL, Still
from s2s_ad.analysis.values import Value
from s2s_ad.build_arguments import (
    CALLED,
    check_still_unchanged,
    check_unchanged,
    own_arguments,
)
from s2s_ad.build_cuts import note_cuts
from s2s_ad.build_fresh import called, newness, newness_of_object
from s2s_ad.build_hoist import hoist
from s2s_ad.build_parts import with_named_parts
from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.build_updates import settle_stores, settle_updates
from s2s_ad.build_writes import with_writes
from s2s_ad.errors import OutputError, UnsupportedSyntax
from s2s_ad.frontend.exits import exits, structure
from s2s_ad.frontend.fold import fold_decided
from s2s_ad.frontend.index_loops import over_axes
from s2s_ad.frontend.iterators import check_iterators
from s2s_ad.frontend.live_loops import by_position
from s2s_ad.frontend.normalise import normalise
from s2s_ad.frontend.questions import Outside
from s2s_ad.frontend.sink import sink
from s2s_ad.frontend.slices import with_slices
from s2s_ad.frontend.views import without_views
from s2s_ad.frontend.webs import with_webs_apart
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import Array, DictOf
from s2s_ad.ir.names import Names, plain_name
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.verify import is_on, unbound_reads, verify
from s2s_ad.ir.walk import (
    assigned,
    bound_names,
    each_of,
    map_block,
    map_expr,
    map_stmt_exprs,
    subexprs,
    walk_stmts,
)
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.cancelling import cancelling
from s2s_ad.transform.context import Context
from s2s_ad.transform.reading import stored_into

Values = tuple[tuple[str, Value], ...]
ROUNDS = 4


@dataclass
class Prepared:
    """A function in normal form. function changes as sub-expressions are given names.

    sunk: for each `if` made behind a loop, the one in the loop that it was taken from. exit_value:
    the variable that holds what is returned, if each exit assigns it. still: what cancels out of
    the result. lent: whether callers may change what they gave it between its forward and its
    reverse half.
    """

    subject: Subject
    program: Program
    function: n.Function
    values: Values
    names: Names
    transparent: dict[str, n.Expr] = field(default_factory=dict)
    sunk: dict[int, int] = field(default_factory=dict)
    exit_value: str = ""
    found: tuple[n.Function, Facts] | None = None
    memory: Memory = field(default_factory=Memory)
    still: Still = NOTHING_STILL
    lent: bool = False

    def newness(self, e: n.Call) -> int:
        """Return how much of what a call returns shares storage with nothing."""
        return newness(self.subject, self.program, e)

    def newness_here(self, e: n.Call) -> int:
        """Return how much of what a call in the generated code returns is new."""
        func = e.func
        path: list[str] = []
        while isinstance(func, n.Attribute):
            path.append(func.attr)
            func = func.value
        objects = self.program.linker.objects
        if not isinstance(func, n.Name) or func.id not in objects:
            return self.newness(e)
        made = objects[func.id]
        for attr in reversed(path):
            made = getattr(made, attr, None)
        return newness_of_object(made, e)

    def facts(self) -> Facts:
        """Return the facts of the function as it is now."""
        if self.found is None or self.found[0] is not self.function:
            local = {p.name for p in self.function.params} | bound_names(self.function.body)
            world = SubjectWorld(self.subject, self.program)
            values = dict(self.values)
            known = frozenset(local), self.memory, self.still
            facts = interpret(self.function, values, world, *known)
            self.found = self.function, facts
        return self.found[1]

    def leave_out(self, still: Still) -> None:
        """Differentiate no more what is taken not to vary."""
        if still != self.still:
            # what is remembered of other forms of the function took it to vary
            self.still, self.found, self.memory = still, None, Memory()

    def become(self, function: n.Function) -> None:
        """Take another form of the function; an equal one changes nothing, facts included."""
        if function != self.function:
            if is_on():
                verify(function, "preparation", unbound_reads(self.subject.function))
            self.function = function

    def name_effects(self, tests: bool, last: bool) -> None:
        """Give calls with effects statements of their own, one in each statement at a time."""
        while True:
            named = hoist(self.function, self.context(), self.names.fresh, tests, last)
            if named == self.function:
                return
            self.function = named

    def alias(self, name: str) -> str:
        """Return how a builtin, module or helper is spelled in this function."""
        return self.program.linker.alias(name, self.subject.locals)

    def context(self) -> Context:
        return Context(
            self.function,
            self.facts().fork(),
            self.names,
            self.alias,
            self.program,
            self.subject.refuse,
            transparent=self.transparent,
            newness=self.newness,
            compiled="numba" in self.program.options,
            follows=self.program.options.isdisjoint({"numba", "strict"}),
            spread_out="broadcast" in self.program.options,
            exit_value=self.exit_value,
            lent=self.lent,
        )


def prepare(
    program: Program,
    subject: Subject,
    values: Values,
    select: Sequence[int],
    structural: bool,
    entry: bool,
) -> Prepared:
    """Return the subject in normal form for parameters with these values.

    select: path of indices of the part of the result that is differentiated. structural: whether
    early exits are made structural, as reverse mode needs. entry: whether the user calls what is
    generated, and nothing of the arguments may change then.
    """
    names = subject.fresh_names()
    prepared = Prepared(subject, program, subject.function, values, names)
    _check_params(subject)
    called = entry and CALLED in program.options
    if called:
        check_unchanged(program, subject, values)

    def refuse(s: n.Stmt, message: str, hint: str, e: n.Expr | None = None) -> UnsupportedSyntax:
        return UnsupportedSyntax(message, subject.place(s.origin, e), hint)

    body = fold_decided(subject.function.body, prepared.facts())
    prepared.become(selected(replace(subject.function, body=body), select, subject))
    prepared.become(with_slices(prepared.function, prepared.facts(), names.fresh))
    check_iterators(prepared.function, prepared.facts(), refuse)
    prepared.become(over_axes(prepared.function, prepared.facts(), names.fresh, prepared.alias))
    prepared.become(by_position(prepared.function, prepared.facts(), names, prepared.alias, refuse))
    prepared.name_effects(tests=False, last=False)
    for _ in range(ROUNDS):
        # what is written out may have to be written out further, with facts of its own
        prepared.become(_in_the_open(prepared, entry and not called))
        context = prepared.context()
        facts = context.facts
        unshared = {uid: owned.own for uid, owned in context.unshared().items()}
        outside = Outside(prepared.alias, unshared)
        before = prepared.function
        prepared.become(normalise(before, facts, names, refuse, outside))
        if prepared.function == before:
            break
    for name in unlike(prepared.function, prepared.facts()):
        prepared.become(with_webs_apart(prepared.function, name, names.fresh))
    own = entry and not called
    prepared.become(settle_stores(prepared.function, prepared.facts(), subject, program, own))
    prepared.become(settle_updates(prepared.function, prepared.facts(), subject, program))
    note_cuts(program, subject, prepared.function, prepared.facts())
    prepared.name_effects(tests=False, last=True)
    function = prepared.function
    prepared.become(with_named_parts(function, prepared.facts(), lambda e: names.fresh(wish(e))))
    if "cancel" not in program.options:
        prepared.leave_out(cancelling(prepared.context()))
    if called:
        check_still_unchanged(prepared)
    elif entry:
        own_arguments(prepared, program.shared)
    if structural:
        settle_exits(prepared)
    return prepared


def _in_the_open(prepared: Prepared, entry: bool) -> n.Function:
    """Return the function with stores through views, and in calls, as stores of its own."""
    subject, program = prepared.subject, prepared.program
    while (plain := without_views(prepared.function, prepared.facts())) != prepared.function:
        prepared.become(plain)
    fresh = prepared.names.fresh
    return with_writes(prepared.function, prepared.facts(), subject, program, fresh, entry)


def unlike(function: n.Function, facts: Facts) -> list[str]:
    """Return the variables that are lists which grow at one place, arrays or dicts at another."""
    grown = {s.stack for s in walk_stmts(function.body) if isinstance(s, n.Append)}
    others = {
        name
        for env in facts.after.values()
        for name in grown & env.keys()
        if isinstance(env[name].kind, (Array, DictOf))
    }
    return sorted(others)


def settle_exits(prepared: Prepared, result: str | None = None) -> None:
    """Give a function structural exits. result: the variable to be returned, if settled."""
    check_exits(prepared)
    own = {p.name for p in prepared.function.params} | assigned(prepared.function.body)
    # an exit in a `finally` comes after another one
    once = not any(isinstance(s, n.Try) for s in walk_stmts(prepared.function.body))
    prepared.become(structure(prepared.function, prepared.names, result))
    last = prepared.function.body[-1] if prepared.function.body else None
    if isinstance(last, n.Return) and isinstance(last.value, n.Name) and last.value.id not in own:
        prepared.exit_value = last.value.id if once else ""
    prepared.name_effects(tests=True, last=True)
    if any(isinstance(s, (n.For, n.While)) for s in walk_stmts(prepared.function.body)):
        context = prepared.context()
        function, taken = sink(prepared.function, context.is_repeatable)
        prepared.become(function)
        prepared.sunk.update(taken)


def check_exits(prepared: Prepared) -> None:
    """Refuse a way out of a `with` whose manager may swallow exceptions: more ways lead out."""
    left = [s for s in walk_stmts(prepared.function.body) if isinstance(s, n.With) and exits(s)]
    if left:
        context = prepared.context()
        for s in left:
            context.check_with(s, "a way out of `with`")


def _check_params(subject: Subject) -> None:
    for p in subject.function.params:
        if p.kind in ("star", "double_star"):
            star = "*" if p.kind == "star" else "**"
            raise UnsupportedSyntax(
                f"parameter `{star}{p.name}` of a differentiated function",
                subject.place(subject.function.origin, n.Name(f"{star}{p.name}")),
                "give the parameters names, or wrap the function in a lambda that does",
            )


def selected(function: n.Function, select: Sequence[int], subject: Subject) -> n.Function:
    """Return a function that returns only a part of its tuple."""
    if not select:
        return function

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.Return):
            return (s,)
        value = s.value
        for k in select:
            if isinstance(value, n.TupleExpr) and k < len(value.items):
                value = value.items[k]
            elif value is not None:
                value = n.Subscript(value, n.Const(str(k), k))
        if value is None:
            raise OutputError(
                f"`{subject.name}` returns nothing where a part of its result is differentiated",
                subject.place(s.origin, None),
                "return a tuple on every path",
            )
        return (replace(s, value=value),)

    return replace(function, body=map_block(function.body, visit))


def with_result(function: n.Function, names: Names) -> n.Function:
    """Return a function whose last statement returns a variable."""
    last = function.body[-1] if function.body else None
    if not isinstance(last, n.Return) or isinstance(last.value, n.Name):
        return function
    name = n.Name(names.fresh("result"))
    value = last.value if last.value is not None else n.Const("None", None)
    assign = n.Assign((name,), value, origin=last.origin, comments=last.comments)
    end = n.Return(name, origin=last.origin)
    return replace(function, body=(*function.body[:-1], assign, end))


def name_expressions(
    prepared: Prepared, wanted: Sequence[tuple[int, n.Expr]], is_user_call: Callable[[n.Expr], bool]
) -> n.Function:
    """Give sub-expressions of statements names of their own, in statements in front of them.

    y = np.mean(np.exp(x))      →       exp = np.exp(x)
                                        y = np.mean(exp)

    Calls of user code become statements with adjoints of their own.
    """
    function, names = prepared.function, prepared.names
    stored = frozenset(x for s in walk_stmts(function.body) for x in stored_into(s))
    by_statement: dict[int, list[n.Expr]] = {}
    for uid, e in wanted:
        if isinstance(e, n.Name):
            # a part of it is read by index: it needs an adjoint of its own after all
            prepared.transparent.pop(e.id, None)
            continue
        found = by_statement.setdefault(_home(prepared, uid, e), [])
        if e not in found:
            found.append(e)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in by_statement:
            return (s,)
        if isinstance(s, n.AugAssign):
            # what must be named may be the whole new value
            whole = n.Binary(s.op, s.target, s.value)
            s = n.Assign((s.target,), whole, uid=s.uid, origin=s.origin, comments=s.comments)
        before: list[n.Stmt] = []
        for e in by_statement[s.uid]:
            name = n.Name(names.fresh(wish(e)))
            put = partial(_replaced, part=e, name=name)
            if isinstance(s, n.Assign):
                # what is stored into is no value: `x[i] = f(x[i])` may get a name for f's argument
                s = replace(
                    s, value=put(s.value), targets=tuple(_index_put(t, put) for t in s.targets)
                )
            else:
                s = map_stmt_exprs(s, put)
            whole_of = sole_target(s) if isinstance(s, n.Assign) and s.value == name else None
            if isinstance(s, n.Assign) and whole_of in stored and _is_array(prepared, e, s):
                # what is stored into it is not stored into what the reverse sweep reads
                s = replace(s, value=n.Call(n.Attribute(name, "copy"), ()))
            value = _apart(prepared, s, e)
            before.append(n.Assign((name,), value, origin=s.origin))
            if not is_user_call(e):
                prepared.transparent[name.id] = e
        target = s.targets[0] if isinstance(s, n.Assign) else None
        known = isinstance(target, n.Name) and target.id in prepared.transparent
        if isinstance(s, n.Assign) and isinstance(target, n.Name) and known:
            prepared.transparent[target.id] = s.value
        before[0] = replace(before[0], comments=s.comments)
        return (*before, replace(s, comments=n.NO_COMMENTS))

    return replace(function, body=map_block(function.body, visit))


def _apart(prepared: Prepared, s: n.Stmt, e: n.Expr) -> n.Expr:
    """Return `e`, or a copy of it where it may be a view of an array that changes after that:

    y[:3] *= np.flip(y[:3])     →       flip = np.flip(y[:3]).copy()
                                        y[:3] = y[:3] * flip
    """
    body = prepared.function.body
    at = next(k for k, x in enumerate(body) if s.uid in {y.uid for y in walk_stmts((x,))})
    later = tuple(walk_stmts(body[at:]))
    targets = {x.target for x in later if isinstance(x, n.AugAssign)}
    changed = {t.id for t in targets if isinstance(t, n.Name)}.union(*map(stored_into, later))
    read = {x.id for x in subexprs(e) if isinstance(x, n.Name)}
    if changed.isdisjoint(read) or not _is_array(prepared, e, s):
        return e
    return n.Call(n.Attribute(e, "copy"), ()) if _may_be_view(prepared, e, s) else e


def _may_be_view(prepared: Prepared, e: n.Expr, s: n.Stmt) -> bool:
    if isinstance(e, n.Subscript):
        taken = picks(e.index, lambda x: prepared.facts().value(x, s.uid).kind)
        return not taken and _may_be_view(prepared, e.value, s)
    if isinstance(e, n.Call):
        ours = prepared.program.subject(called(prepared.subject, prepared.program, e))
        return ours is None and prepared.newness_here(e) <= SHARES
    return isinstance(e, (n.Name, n.Attribute))


def _is_array(prepared: Prepared, e: n.Expr, s: n.Stmt) -> bool:
    return isinstance(prepared.facts().value(e, s.uid).kind, Array)


def _index_put(target: n.Expr, put: Callable[[n.Expr], n.Expr]) -> n.Expr:
    """Return a target with its indices changed."""
    if isinstance(target, n.Subscript):
        return replace(target, value=_index_put(target.value, put), index=put(target.index))
    if isinstance(target, n.Attribute):
        return replace(target, value=_index_put(target.value, put))
    return target


def _home(prepared: Prepared, uid: int, e: n.Expr) -> int:
    """Return the statement that holds `e`: `uid`, or one that names a part of that statement."""
    for s in walk_stmts(prepared.function.body):
        if not isinstance(s, n.Assign) or not isinstance(s.targets[0], n.Name):
            continue
        if s.targets[0].id in prepared.transparent and e in subexprs(s.value) and e != s.value:
            return s.uid
    return uid


def _replaced(whole: n.Expr, part: n.Expr, name: n.Name) -> n.Expr:
    return map_expr(whole, lambda x: name if x == part else x)


def wish(e: n.Expr) -> str:
    """Return the name a sub-expression would be given by hand: that of its function."""
    if isinstance(e, n.Call):
        func = e.func
        if isinstance(func, n.Attribute):
            elsewhere = hasattr(builtins, func.attr) or func.attr in runtime.__all__
            return f"{func.attr}_value" if elsewhere else func.attr
        if isinstance(func, n.Name):
            return f"{plain_name(func.id)}_value"
    if isinstance(e, n.Subscript) and isinstance(e.value, n.Name):
        items = each_of(e.index)
        one = all(isinstance(x, (n.Name, n.Const, n.Unary, n.Binary)) for x in items)
        return f"{e.value.id}_{'item' if one else 'part'}"
    if isinstance(e, n.IfExp):
        return wish(e.body)
    if isinstance(e, n.Binary):
        words = {"+": "total", "-": "difference", "*": "product", "/": "ratio", "**": "power"}
        return words.get(e.op, "matmul" if e.op == "@" else "value")
    return "value"
