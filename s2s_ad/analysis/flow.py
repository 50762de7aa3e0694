"""Forward dataflow over statements: values before and after every statement of a function.

Takes a Function, the values of its parameters and a `World`, gives `Facts`. Requires
`analysis.values`, which evaluates expressions.

One abstract interpretation computes kinds and activity, since each sharpens the other: an
integer does not vary, and a branch that the kinds decide is not entered.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from s2s_ad.analysis.first_round import RoundReader
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.interpreter import Interpreter
from s2s_ad.analysis.memory import Memory
from s2s_ad.analysis.observe import kind_of
from s2s_ad.analysis.still import NOTHING_STILL, Still
from s2s_ad.analysis.values import PASSIVE, Env, NeverReturnsError, Value, World, named, same
from s2s_ad.analysis.values import merge as merge
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import NONE, UNKNOWN, Array, DictOf, Kind, ListOf, is_discrete, join
from s2s_ad.ir.remembered import made_at_once, replace
from s2s_ad.ir.walk import blocks, bound_here, container_of, inside, stmt_exprs

NO_ENV: Env = {}
MOST_ROUNDS = 3
# methods that put their arguments into the container they belong to
PUTS = frozenset("insert extend update setdefault".split())


@made_at_once
@dataclass(frozen=True)
class _Step:
    """What led from one environment to another: a statement without blocks. changed: the names in
    it, in order; the others have the values they had."""

    before: Env
    after: Env
    changed: tuple[str, ...]


@dataclass
class Facts:
    """Facts of one function. before/after: variables by the uid of a statement."""

    world: World
    entry: Env
    before: dict[int, Env] = field(default_factory=dict)
    after: dict[int, Env] = field(default_factory=dict)
    result: Value | None = None
    decided: dict[int, int] = field(default_factory=dict)
    locals: frozenset[str] = frozenset()
    memory: Memory | None = None
    still: Still = NOTHING_STILL
    steps: dict[int, _Step] = field(default_factory=dict)  # by the id of what they lead to
    _readers: dict[int, Interpreter] = field(default_factory=dict)

    def fork(self) -> Facts:
        """Return facts to which a transformation may add what it knows of variables it makes."""
        return replace(self, before=dict(self.before), _readers={})

    def value(self, expr: n.Expr, uid: int) -> Value:
        """Return what is known of an expression evaluated just before statement `uid`."""
        return self.reader(uid).value(expr, self.before.get(uid, NO_ENV))

    def object_of(self, expr: n.Expr, uid: int) -> tuple[object] | None:
        """Return what a name or attribute chain stands for before statement `uid`, if known."""
        return self.reader(uid).object_of(expr, self.before.get(uid, NO_ENV))

    def kinds(self) -> dict[str, Kind]:
        """Return for each variable a kind that covers all values it has."""
        found: dict[str, Kind] = {}
        seen: set[int] = set()
        for env in (*self.before.values(), *self.after.values()):
            if id(env) in seen:
                continue
            seen.add(id(env))
            step = self.steps.get(id(env))
            known_so_far = step is not None and id(step.before) in seen
            for name in step.changed if step is not None and known_so_far else env:
                value, known = env.get(name), found.get(name)
                if value is not None and known is not value.kind:
                    found[name] = value.kind if known is None else join(known, value.kind)
        for name, value in self.entry.items():
            found.setdefault(name, value.kind)
        return found

    def reader(self, uid: int) -> Interpreter:
        """Return the evaluator for statement `uid`, which remembers what it has evaluated."""
        found = self._readers.get(uid)
        if found is None:
            found = self._readers[uid] = Interpreter(self.world, self.locals, self.memory)
            found.take_for_still(self.still.calls_at(uid))
        return found

    def readers(self) -> Iterable[Interpreter]:
        return self._readers.values()

    def varied(self, expr: n.Expr, uid: int) -> bool:
        return self.value(expr, uid).varied

    def varied_after(self, name: str, uid: int) -> bool:
        return self.after.get(uid, {}).get(name, PASSIVE).varied


def updated_array(s: n.Stmt, facts: Facts) -> frozenset[str]:
    """Return the variable whose array an operator changes in place: it is not bound anew."""
    if not isinstance(s, n.AugAssign) or not isinstance(s.target, n.Name):
        return frozenset()
    known = s.uid in facts.before and isinstance(facts.value(s.target, s.uid).kind, Array)
    return frozenset({s.target.id}) if known else frozenset()


def interpret(
    function: n.Function,
    entry: Env,
    world: World,
    local: frozenset[str],
    memory: Memory | None = None,
    still: Still = NOTHING_STILL,
) -> Facts:
    """Return the facts of `function` called with parameters that have the values `entry`.

    memory: of the interpretations of other forms of the function. still: what needs no derivative.
    """
    facts = Facts(world, entry, locals=local, memory=memory, still=still)
    run = _Run(RoundReader(world, local, memory), facts)
    end = run.block(function.body, dict(entry))
    if end is not None:
        run.returned(Value(NONE))
    return facts


class _Run:
    """Execution of statements: environments in, environments out, None when not reached.

    One that is handed on never changes: it is kept for the statements around it as it is.
    """

    def __init__(self, interpreter: RoundReader, facts: Facts) -> None:
        self.ev = interpreter
        self.facts = facts
        self.breaks: list[list[dict[str, Value]]] = []
        self.continues: list[list[dict[str, Value]]] = []

    def returned(self, value: Value) -> None:
        before = self.facts.result
        self.facts.result = value if before is None else merge(before, value)

    def block(self, block: n.Block, env: dict[str, Value] | None) -> dict[str, Value] | None:
        for statement in block:
            if env is None:
                return None
            before = env
            self.note(self.facts.before, statement.uid, env)
            self.ev.take_for_still(self.facts.still.calls_at(statement.uid))
            try:
                env = self.statement(statement, self.with_named(statement, env))
            except NeverReturnsError:
                return None
            if env is not None:
                self.note(self.facts.after, statement.uid, env)
                said = tuple(dict.fromkeys(x.id for x in inside(statement, n.Name)))
                if env is not before and not blocks(statement) and bound_here(statement) <= {*said}:
                    self.facts.steps[id(env)] = _Step(before, env, said)
        return env

    def with_named(self, s: n.Stmt, env: dict[str, Value]) -> dict[str, Value]:
        """Return `env` with what `:=` inside the expressions of `s` may bind."""
        for e in stmt_exprs(s):
            bound = named(e, env)
            env = {**env, **bound} if bound else env
            for call in inside(e, n.Call):
                func = call.func
                if isinstance(func, n.Attribute) and func.attr in PUTS:
                    env = self.with_put(func.value, func.attr, call, env)
        return env

    def with_put(
        self, owner: n.Expr, method: str, call: n.Call, env: dict[str, Value]
    ) -> dict[str, Value]:
        """Return `env` after a method has put its arguments into the container `owner`."""
        while isinstance(owner, (n.Subscript, n.Attribute)):
            owner, method = owner.value, "?"
        if not isinstance(owner, n.Name) or owner.id not in env:
            return env
        args = [*call.args, *(k.value for k in call.keywords)]
        values = [self.ev.value(a, env) for a in args]
        before = env[owner.id]
        kind = before.kind
        if isinstance(kind, ListOf):
            new = values[-1].kind if values else UNKNOWN
            if method == "extend" and values:
                new = self.ev.iterate(call.args[0], env).kind
            kind = ListOf(join(kind.item, new))
        elif isinstance(kind, DictOf):
            inner = kind.value
            for v in values[1:] if method == "setdefault" else values:
                inner = join(inner, v.kind.value if isinstance(v.kind, DictOf) else v.kind)
            kind = DictOf(inner)
        varied = before.varied or any(v.varied for v in values)
        return {**env, owner.id: Value(kind, varied)}

    def note(self, table: dict[int, Env], uid: int, env: Env) -> None:
        known = table.get(uid)
        table[uid] = env if known is None else _joined(known, env)

    def statement(self, s: n.Stmt, env: dict[str, Value]) -> dict[str, Value] | None:
        method = getattr(self, f"on_{type(s).__name__}", None)
        return method(s, env) if method else env

    def on_Assign(self, s: n.Assign, env: dict[str, Value]) -> dict[str, Value]:
        value = self.ev.value(s.value, env)
        if len(s.targets) == 1 and self.facts.still.binds(s.targets[0]):
            value = replace(value, varied=False)
        env = dict(env)
        for target in s.targets:
            self.ev.bind(target, value, env)
        return env

    def on_AugAssign(self, s: n.AugAssign, env: dict[str, Value]) -> dict[str, Value]:
        value = self.ev.value(n.Binary(s.op, s.target, s.value), env)
        before = self.ev.value(s.target, env)
        if s.op == "+" and isinstance(before.kind, ListOf):
            # it takes whatever can be iterated over
            item = self.ev.iterate(s.value, env)
            value = Value(ListOf(join(before.kind.item, item.kind)), before.varied or item.varied)
        if isinstance(before.kind, Array) and before.kind.dims:
            # it is changed in place: it keeps its shape and its dtype, whatever is added
            value = replace(value, kind=before.kind)
        env = dict(env)
        self.ev.bind(s.target, value, env)
        return env

    def on_Append(self, s: n.Append, env: dict[str, Value]) -> dict[str, Value]:
        before = env.get(s.stack, PASSIVE)
        added = self.ev.value(s.value, env)
        kind: Kind = UNKNOWN
        if isinstance(before.kind, ListOf):
            kind = ListOf(join(before.kind.item, added.kind))
        env = dict(env)
        env[s.stack] = Value(kind, before.varied or added.varied)
        return env

    def on_Pop(self, s: n.Pop, env: dict[str, Value]) -> dict[str, Value]:
        stack = env.get(s.stack, PASSIVE)
        item = stack.kind.item if isinstance(stack.kind, ListOf) else UNKNOWN
        env = dict(env)
        self.ev.bind(s.target, Value(item, stack.varied and not is_discrete(item)), env)
        return env

    def on_ExprStmt(self, s: n.ExprStmt, env: dict[str, Value]) -> dict[str, Value]:
        added = scattered(s)
        if added is None:
            return self.filled(s, env)
        env = dict(env)
        place = n.Subscript(added[0], added[1])
        self.ev.bind(place, self.ev.value(added[2], env), env)
        return env

    def filled(self, s: n.ExprStmt, env: dict[str, Value]) -> dict[str, Value]:
        """Take a container to vary after a method that may have put something into it that does."""
        call = s.value
        if not isinstance(call, n.Call) or not isinstance(call.func, n.Attribute):
            return env
        owner = container_of(call.func)
        parts = (*call.args, *(k.value for k in call.keywords))
        if isinstance(owner, n.Name) and owner.id in env and owner.id in self.ev.local:
            old = env[owner.id]
            if not old.varied and any(self.ev.value(e, env).varied for e in parts):
                return {**env, owner.id: Value(old.kind, True)}
        return env

    def on_FunctionDef(self, s: n.FunctionDef, env: dict[str, Value]) -> dict[str, Value]:
        env = dict(env)
        env[s.function.name] = PASSIVE
        return env

    def on_Import(self, s: n.Import, env: dict[str, Value]) -> dict[str, Value]:
        env = dict(env)
        for name, module, attribute in s.bindings:
            env[name] = Value(kind_of(_imported(module, attribute)))
        return env

    def on_Return(self, s: n.Return, env: dict[str, Value]) -> None:
        self.returned(Value(NONE) if s.value is None else self.ev.value(s.value, env))

    def on_Raise(self, s: n.Raise, env: dict[str, Value]) -> None:
        return None

    def on_Break(self, s: n.Break, env: dict[str, Value]) -> None:
        self.breaks[-1].append(env)

    def on_Continue(self, s: n.Continue, env: dict[str, Value]) -> None:
        self.continues[-1].append(env)

    def on_If(self, s: n.If, env: dict[str, Value]) -> dict[str, Value] | None:
        ends: list[dict[str, Value]] = []
        self.facts.decided.pop(s.uid, None)
        certain = True
        for k, branch in enumerate(s.branches):
            truth = self.ev.truth(branch.test, env)
            if truth is False:
                continue
            end = self.block(branch.body, dict(env))
            if end is not None:
                ends.append(end)
            if truth is True:
                if certain:
                    self.facts.decided[s.uid] = k
                return _joined_all(ends)
            certain = False
        if certain:
            self.facts.decided[s.uid] = len(s.branches)
        end = self.block(s.orelse, dict(env))
        if end is not None:
            ends.append(end)
        return _joined_all(ends)

    def on_While(self, s: n.While, env: dict[str, Value]) -> dict[str, Value] | None:
        always = isinstance(s.test, n.Const) and bool(s.test.value)
        return self.loop(s, env, None, always)

    def on_For(self, s: n.For, env: dict[str, Value]) -> dict[str, Value] | None:
        return self.loop(s, env, self.ev.iterate(s.iter, env), False)

    def loop(
        self, s: n.For | n.While, env: dict[str, Value], item: Value | None, endless: bool
    ) -> dict[str, Value] | None:
        exits: list[dict[str, Value]]
        assumed = self.ev.assumed
        for rounds in itertools.count():
            env = self.with_named(s, env)
            start = dict(env)
            if isinstance(s, n.For) and item is not None:
                self.ev.bind(s.target, item, start)
            self.breaks.append([])
            self.continues.append([])
            with self.ev.round(is_first=not rounds):
                end = self.block(s.body, start)
            exits = self.breaks.pop()
            again = _joined_all([*([end] if end is not None else []), *self.continues.pop()])
            grown = env if again is None else _joined(env, again)
            settled = all(k in env and same(env[k], v) for k, v in grown.items())
            if settled and (rounds or not self.ev.must_go_on(assumed)):
                break
            if rounds >= MOST_ROUNDS:
                for name, value in grown.items():
                    if name in env and not same(env[name], value):
                        grown[name] = Value(_widened(value.kind), value.varied)
            env = grown
        done: dict[str, Value] | None = None
        if not endless:
            done = self.block(s.orelse, dict(env))
        return _joined_all([*([done] if done is not None else []), *exits])

    def on_Try(self, s: n.Try, env: dict[str, Value]) -> dict[str, Value] | None:
        start = dict(env)
        ends = []
        end = self.block(s.body, dict(env))
        for sub in s.body:
            start = _joined(start, self.facts.after.get(sub.uid, start))
        if end is not None:
            end = self.block(s.orelse, end)
        if end is not None:
            ends.append(end)
        for handler in s.handlers:
            inner = dict(start)
            if handler.name:
                inner[handler.name] = PASSIVE
            end = self.block(handler.body, inner)
            if end is not None:
                ends.append(end)
        joined = _joined_all(ends)
        return self.block(s.final, joined) if joined is not None else None

    def on_With(self, s: n.With, env: dict[str, Value]) -> dict[str, Value] | None:
        env = dict(env)
        for _, target in s.items:
            if target is not None:
                self.ev.bind(target, PASSIVE, env)
        return self.block(s.body, env)


def _imported(module: str, attribute: str | None) -> object:
    """Return what an `import` in a function binds, None when it has not been imported yet."""
    found = sys.modules.get(module)
    if found is None and module.split(".")[0] in sys.modules:
        found = sys.modules[module.split(".")[0]]
    return vars(found).get(attribute) if found is not None and attribute else found


def _widened(kind: Kind) -> Kind:
    """Return a kind that no further round of a loop can change."""
    return Array(None, "any") if isinstance(kind, Array) and kind.dims is not None else UNKNOWN


def _joined(a: Env, b: Env) -> dict[str, Value]:
    result = dict(a)
    for name, value in b.items():
        result[name] = merge(result[name], value) if name in result else value
    return result


def _joined_all(envs: Sequence[dict[str, Value]]) -> dict[str, Value] | None:
    if not envs:
        return None
    result = envs[0]
    for env in envs[1:]:
        result = _joined(result, env)
    return result
