"""Forward dataflow: the kind of every variable before every statement, and whether it varies.

Takes a Function, the values of its parameters and a `World` that knows names and callees; gives
`Facts`. Requires `ir` and `rules`.

One abstract interpretation computes both facts, since each sharpens the other: an integer does
not vary, and a branch that the kinds decide is not entered. *Varied* is the term of Hascoët
and Pascual (TOMS 39(3), 2013): depends differentiably on an input.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Sequence

from s2s_ad.analysis import effects
from s2s_ad.analysis.constants import known_value
from s2s_ad.analysis.indexing import constant_int, indexed
from s2s_ad.analysis.iterators import iterator, unknown, uses_up
from s2s_ad.analysis.memory import Memory
from s2s_ad.analysis.observe import kind_of, known_object
from s2s_ad.analysis.purity import is_pure
from s2s_ad.analysis.truth import truth
from s2s_ad.analysis.values import (
    PASSIVE,
    Env,
    Value,
    World,
    always,
    any_item,
    compared,
    dict_of,
    item_of,
    itemwise,
    joined_tuples,
    merge,
    named,
    of_method,
    one_of,
    part_of,
    partial_of,
    repeated,
    sliced,
    spread,
    table_of,
    tuple_of,
    unfolded,
)
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    BOOL,
    FLOAT,
    INT,
    NOTHING,
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    Number,
    Object,
    RangeKind,
    Str,
    TupleOf,
    Unknown,
    holding,
    is_discrete,
    join,
    refreshed,
)
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import children, names, target_names
from s2s_ad.rules import registry
from s2s_ad.rules.rule import Rule

# what gives the items of its argument, in whatever order
SAME_ITEMS = (builtins.reversed, builtins.list, builtins.sorted, builtins.set)


class Interpreter:
    """Evaluation of expressions to Values."""

    def __init__(self, world: World, local: frozenset[str], memory: Memory | None = None) -> None:
        self.world = world
        self.local = local
        self.memory = memory
        self._env: Env | None = None
        self._known: dict[int, tuple[n.Expr, Value]] = {}
        self._still: frozenset[n.Expr] = frozenset()

    def take_for_still(self, calls: frozenset[n.Expr]) -> None:
        """Evaluate the statement that follows; `calls` in it are taken not to vary."""
        self._still, self._env = calls, None  # what it binds changes where it is evaluated

    # -- names and binding

    def bind(self, target: n.Expr, value: Value, env: dict[str, Value]) -> None:
        """Give `target` a value, in place in `env`; a store into a container joins its items."""
        if isinstance(target, n.Name):
            env[target.id] = value
        elif isinstance(target, (n.TupleExpr, n.ListExpr)):
            for k, item in enumerate(target.items):
                if isinstance(item, n.Starred):
                    self.bind(item.value, Value(ListOf(UNKNOWN), value.varied), env)
                else:
                    self.bind(item, item_of(value, k), env)
        elif isinstance(target, (n.Subscript, n.Attribute)):
            root: n.Expr = target
            depth = 0
            while isinstance(root, (n.Subscript, n.Attribute)):
                root = root.value
                depth += 1
            if isinstance(root, n.Name) and root.id in env:
                old = env[root.id]
                kind = holding(old.kind, value.kind, depth)
                env[root.id] = Value(kind, old.varied or value.varied)

    def object_of(self, expr: n.Expr, env: Env) -> tuple[object] | None:
        """Return the object a name or attribute chain stands for, in a 1-tuple, if it is known."""
        if isinstance(expr, n.Name):
            if expr.id in self.local:
                kind = env.get(expr.id, PASSIVE).kind
                return (kind.value,) if isinstance(kind, Object) else None
            return self.world.lookup(expr.id)
        if isinstance(expr, n.Attribute):
            owner = self.object_of(expr.value, env)
            return self.world.attribute(owner[0], expr.attr) if owner else None
        return None

    # -- expressions

    def value(self, e: n.Expr, env: Env) -> Value:
        """Return what is known of `e` where variables have the values `env`."""
        if env is not self._env:
            self._env, self._known = env, {}
        found = self._known.get(id(e))
        if found is not None:
            return found[1]
        if self._still:
            result = self.evaluated(e, env)  # the same text may vary in another statement
            if e in self._still:
                result = replace(result, varied=False)
        elif self.memory is None or isinstance(e, (n.Name, n.Const)):
            result = self.evaluated(e, env)
        else:
            result = self.memory.value(e, env, self.local, self.evaluated)
        if env is self._env:
            self._known[id(e)] = (e, result)
        return result

    def evaluated(self, e: n.Expr, env: Env) -> Value:
        method = getattr(self, f"on_{type(e).__name__}", None)
        if method is None:
            parts = () if isinstance(e, n.Slice) else children(e)
            return Value(UNKNOWN, any(self.value(x, env).varied for x in parts))
        result: Value = method(e, env)
        return result

    def choose(
        self,
        rules: Sequence[Rule],
        args: Sequence[n.Expr],
        keywords: Sequence[n.Keyword],
        env: Env,
    ) -> registry.Choice | None:
        """Return the rule that a call fits, with its arguments by parameter."""
        if not rules:
            return None
        return registry.choose(
            rules,
            spread(args, lambda x: self.value(x, env).kind),
            keywords,
            lambda x: self.value(x, env).kind,
            lambda x: self.value(x, env).varied,
            lambda x: known_value(
                x, lambda y: self.read_by_value(y, env), lambda y: self.value(y, env).kind
            ),
        )

    def read_by_value(self, e: n.Expr, env: Env) -> tuple[object] | None:
        """Return the object that is read, of which a number is known by more than its kind."""
        found = self.object_of(e, env)
        if found is not None and isinstance(found[0], (int, float)) and isinstance(e, n.Name):
            self.world.reads_number()
        return found

    def by_choice(self, choice: registry.Choice, env: Env) -> Value:
        """Return what is known of the result of a call that a rule describes."""
        values = {name: self.value(x, env) for name, x in choice.arguments.items()}
        kinds = itemwise(choice.arguments, lambda x: self.value(x, env).kind)
        kind = choice.rule.result(kinds, choice.arguments)
        varied = any(v.varied and name in choice.rule.adjoint for name, v in values.items())
        return Value(kind, varied and not is_discrete(kind))

    def on_Const(self, e: n.Const, env: Env) -> Value:
        return Value(kind_of(e.value))

    def on_Name(self, e: n.Name, env: Env) -> Value:
        if e.id in self.local:
            return env.get(e.id, PASSIVE)
        found = self.world.lookup(e.id)
        return Value(known_object(found[0])) if found else PASSIVE

    def on_Lambda(self, e: n.Lambda, env: Env) -> Value:
        return Value(UNKNOWN, any(env.get(x, PASSIVE).varied for x in names(e) & self.local))

    def on_TupleExpr(self, e: n.TupleExpr, env: Env) -> Value:
        items: list[Value] = []
        for item in e.items:
            value = self.value(item.value if isinstance(item, n.Starred) else item, env)
            if not isinstance(item, n.Starred):
                items.append(value)
            elif isinstance(value.kind, TupleOf):
                items.extend(item_of(value, k) for k in range(len(value.kind.items)))
            else:
                return Value(UNKNOWN, any(self.value(x, env).varied for x in e.items))
        return tuple_of(items)

    def on_ListExpr(self, e: n.ListExpr, env: Env) -> Value:
        if not e.items:
            return Value(ListOf(NOTHING))
        items = [
            self.iterate(item.value, env) if isinstance(item, n.Starred) else self.value(item, env)
            for item in e.items
        ]
        kind = functools.reduce(join, (item.kind for item in items))
        return Value(ListOf(kind), any(item.varied for item in items))

    def on_DictExpr(self, e: n.DictExpr, env: Env) -> Value:
        values = [self.value(item, env) for item in e.values]
        kind: Kind = NOTHING
        for key, item in zip(e.keys, values):
            inner = item.kind
            if key is None:
                inner = inner.value if isinstance(inner, DictOf) else UNKNOWN
            kind = join(kind, inner)
        return Value(DictOf(kind), any(item.varied for item in values))

    def on_Starred(self, e: n.Starred, env: Env) -> Value:
        return Value(UNKNOWN, self.value(e.value, env).varied)

    def on_Unary(self, e: n.Unary, env: Env) -> Value:
        if e.op == "not":
            return Value(BOOL)
        if e.op == "~":
            return Value(self.value(e.operand, env).kind)
        return self.operator("u" + e.op, (e.operand,), env)

    def on_Binary(self, e: n.Binary, env: Env) -> Value:
        left, right = self.value(e.left, env), self.value(e.right, env)
        if e.op in "+-*/" and left.kind == FLOAT and right.kind == FLOAT:  # as their rules say
            return Value(FLOAT, left.varied or right.varied)
        listed = [isinstance(v.kind, (ListOf, TupleOf)) for v in (left, right)]
        if e.op == "*" and any(listed):
            items, count = (left, e.right) if listed[0] else (right, e.left)
            times = self.value(count, env)
            if times.varied:
                return Value(UNKNOWN, True)  # no count: an array, which computes with the list
            return repeated(items, count, times.kind)
        if e.op == "+" and isinstance(left.kind, TupleOf) and isinstance(right.kind, TupleOf):
            return joined_tuples(left, right)
        if e.op == "+" and isinstance(left.kind, (ListOf, Str)):
            return merge(replace(left, items=None), replace(right, items=None))
        if e.op == "+" and any(listed):
            # the other may be an array, and the sum then is one
            return Value(UNKNOWN, left.varied or right.varied)
        if e.op == "|" and (left.varied or right.varied):
            # of what varies only dicts have this operator
            both = isinstance(left.kind, DictOf) and isinstance(right.kind, DictOf)
            return Value(join(left.kind, right.kind) if both else UNKNOWN, True)
        if e.op == "%" and isinstance(left.kind, Str):
            return Value(Str())
        return self.operator(e.op, (e.left, e.right), env)

    def operator(self, op: str, operands: tuple[n.Expr, ...], env: Env) -> Value:
        choice = self.choose(registry.lookup_operator(op), operands, (), env)
        if choice is not None:
            return self.by_choice(choice, env)
        return Value(UNKNOWN, any(self.value(x, env).varied for x in operands))

    def on_Compare(self, e: n.Compare, env: Env) -> Value:
        return compared(e.ops, [self.value(x, env).kind for x in (e.left, *e.rights)])

    def on_BoolOp(self, e: n.BoolOp, env: Env) -> Value:
        return one_of(*(functools.partial(self.value, item, env) for item in e.values))

    def on_IfExp(self, e: n.IfExp, env: Env) -> Value:
        truth = self.truth(e.test, env)
        if truth is not None:
            return self.value(e.body if truth else e.orelse, env)
        return one_of(*(functools.partial(self.value, x, env) for x in (e.body, e.orelse)))

    def on_FString(self, e: n.FString, env: Env) -> Value:
        return Value(Str())

    def on_NamedExpr(self, e: n.NamedExpr, env: Env) -> Value:
        return self.value(e.value, env)

    def on_Comprehension(self, e: n.Comprehension, env: Env) -> Value:
        inner = dict(env)
        local = self.local
        for clause in e.clauses:
            item = Interpreter(self.world, local).iterate(clause.iter, inner)
            local = local | target_names(clause.target)
            self.bind(clause.target, item, inner)
            for test in clause.conditions:
                inner.update(named(test, inner))
        element = Interpreter(self.world, local).value(e.element, inner)
        if e.kind == "dict":
            return Value(DictOf(element.kind), element.varied)
        if e.kind == "list":
            return Value(ListOf(element.kind), element.varied)
        if e.kind == "generator":
            return Value(iterator(element.kind, element.varied), element.varied)
        return Value(UNKNOWN, element.varied)

    def on_Attribute(self, e: n.Attribute, env: Env) -> Value:
        found = self.object_of(e, env)
        if found:
            return Value(known_object(found[0]))
        owner = self.value(e.value, env)
        of_any_kind = owner.varied and isinstance(owner.kind, (Unknown, Number))
        if isinstance(owner.kind, Array) or of_any_kind:
            choice = self.choose(registry.lookup_attribute(e.attr), (e.value,), (), env)
            if choice is not None:
                return self.by_choice(choice, env)
        return Value(UNKNOWN, owner.varied)

    def on_Subscript(self, e: n.Subscript, env: Env) -> Value:
        owner = unfolded(self.value(e.value, env))
        kind = owner.kind
        if isinstance(kind, TupleOf):
            k = constant_int(e.index)
            if k is not None and -len(kind.items) <= k < len(kind.items):
                return item_of(owner, k % len(kind.items))
            if isinstance(e.index, n.Slice):
                items = sliced(kind, e.index)
                return Value(UNKNOWN if items is None else items, owner.varied)
            item = functools.reduce(join, kind.items) if kind.items else UNKNOWN
            return Value(refreshed(item), owner.varied and not is_discrete(item))
        if isinstance(kind, (RangeKind, Str)):
            return Value(part_of(kind, e.index, self.value(e.index, env).kind))
        if isinstance(kind, ListOf):
            if isinstance(e.index, n.Slice):
                return Value(kind, owner.varied)
            if self.value(e.index, env).kind not in (INT, BOOL):
                return Value(UNKNOWN, owner.varied)  # a slice object gives a list
            return Value(refreshed(kind.item), owner.varied and not is_discrete(kind.item))
        if isinstance(kind, DictOf):
            return Value(refreshed(kind.value), owner.varied and not is_discrete(kind.value))
        if isinstance(kind, Number) and kind.type != "bool":
            kind = Array((), kind.type if kind.type in ("float", "int") else "any")
        if isinstance(kind, Array):
            result = indexed(kind, e.index, lambda x: self.value(x, env).kind)
            return Value(result, owner.varied and not is_discrete(result))
        # an object of the user's may compute with its index
        computed = isinstance(kind, (Unknown, Object)) and self.value(e.index, env).varied
        return Value(UNKNOWN, owner.varied or computed)

    # -- calls

    def on_Call(self, e: n.Call, env: Env) -> Value:
        found = self.object_of(e.func, env)
        args = [self.value(a, env) for a in e.args]
        keywords = {k.name: self.value(k.value, env) for k in e.keywords if k.name}
        varied = any(v.varied for v in (*args, *keywords.values())) or any(
            self.value(k.value, env).varied for k in e.keywords if not k.name
        )
        if found is None:
            method = self.by_method(e, env) if isinstance(e.func, n.Attribute) else None
            if method is not None:
                return method
            known = isinstance(e.func, n.Attribute) and effects.is_pure_method(e.func.attr)
            varied = varied or self.value(e.func, env).varied
            return Value(UNKNOWN if known else unknown(varied), varied)
        special = self.builtin(found[0], e, args, env)
        if special is not None:
            return special
        choice = self.choose(registry.lookup(found[0]), e.args, e.keywords, env)
        if choice is not None:
            return self.by_choice(choice, env)
        if registry.lookup(found[0]):
            return Value(UNKNOWN, varied)
        if any(isinstance(a, n.Starred) for a in e.args) or len(keywords) != len(e.keywords):
            return Value(UNKNOWN, varied)
        result = self.world.call(found[0], args, keywords)
        return Value(unknown(varied, found[0]), varied) if result is None else result

    def uses_up(self, e: n.Expr, env: Env) -> bool:
        """True when evaluating `e` runs over an iterator, which has no items after that."""
        return uses_up(e, lambda x: self.value(x, env), lambda f: self.object_of(f, env))

    def may_be_rebound(self, e: n.Expr, env: Env) -> bool:
        """True for a global that functions give other values: its value is not a fact."""
        if isinstance(e, n.Attribute):
            module = self.object_of(e.value, env)
            is_module = module is not None and isinstance(module[0], types.ModuleType)
            return is_module and self.object_of(e, env) is None
        if isinstance(e, n.Name) and self.world.outside and e.id not in self.local:
            found = self.world.lookup(e.id)
            return found is not None and effects.may_change(found[0])
        return False

    def is_pure(self, e: n.Call, env: Env, again: bool = True) -> bool:
        """True when a call changes nothing; again: and gives the same again."""
        return is_pure(self, e, env, again)

    def by_method(self, e: n.Call, env: Env) -> Value | None:
        assert isinstance(e.func, n.Attribute)
        owner = self.value(e.func.value, env)
        known = of_method(owner, e.func.attr, [self.value(a, env) for a in e.args])
        if known is not None:
            return known
        rules = registry.lookup_method(e.func.attr)
        if isinstance(owner.kind, ListOf) and e.func.attr == "pop" and len(e.args) < 2:
            return item_of(replace(owner, items=None), 0)
        if isinstance(owner.kind, (ListOf, TupleOf)):
            rules = tuple(rule for rule in rules if not rule.adjoint)
        elif not isinstance(owner.kind, Array) and not (
            owner.varied and isinstance(owner.kind, (Unknown, Number))
        ):
            return None
        choice = self.choose(rules, (e.func.value, *e.args), e.keywords, env)
        return None if choice is None else self.by_choice(choice, env)

    def builtin(self, callee: object, e: n.Call, args: list[Value], env: Env) -> Value | None:
        """Builtins that build or measure containers; None for any other."""
        if callee in (builtins.eval, builtins.exec, builtins.locals, builtins.vars):
            # they see every variable
            return Value(UNKNOWN, any(v.varied for v in env.values()))
        if callee is functools.partial and len(args) == 1:
            return self.partial(e, env)
        fixed = always(callee)
        if fixed is not None:
            return fixed
        if callee == dict.fromkeys and len(args) == 2:
            return Value(DictOf(args[1].kind), args[1].varied)
        if callee in (builtins.list, builtins.sorted):
            item = self.iterate(e, env) if e.args else PASSIVE
            return Value(ListOf(item.kind), item.varied)
        if callee in (builtins.reversed, builtins.enumerate, builtins.zip) and e.args:
            item = self.iterate(e, env)
            return Value(iterator(item.kind, item.varied), item.varied)
        if callee in (builtins.min, builtins.max) and len(args) == 1:
            # one of the items, whatever they are compared by
            keyed = any(k.name == "key" for k in e.keywords) and len(e.keywords) == 1
            return self.iterate(e.args[0], env) if keyed else None
        if callee is builtins.set:
            return Value(UNKNOWN, bool(args) and self.iterate(e, env).varied)
        if callee is builtins.tuple and len(args) == 1:
            return args[0] if args[0].items is not None else Value(UNKNOWN, args[0].varied)
        if callee is builtins.dict and not args:
            return dict_of([self.value(k.value, env) for k in e.keywords])
        if callee is builtins.dict and len(args) == 1 and not e.keywords:
            return table_of(args[0], self.iterate(e.args[0], env))
        return None

    def partial(self, e: n.Call, env: Env) -> Value | None:
        """Return what is known of a local function with what it captures."""
        function = self.object_of(e.args[0], env)
        if function is None or any(k.name is None for k in e.keywords):
            return None
        items = tuple(self.value(k.value, env) for k in e.keywords)
        names_ = tuple(k.name or "" for k in e.keywords)
        return partial_of(function[0], names_, items)

    def iterate(self, e: n.Expr, env: Env) -> Value:
        """Return what is known of an item when `e` is iterated over."""
        if isinstance(e, n.Call):
            found = self.object_of(e.func, env)
            callee = found[0] if found else None
            if callee is builtins.enumerate and e.args:
                return tuple_of([Value(INT), self.iterate(e.args[0], env)])
            if callee is builtins.zip:
                return tuple_of([self.iterate(a, env) for a in e.args])
            if callee in SAME_ITEMS and e.args:
                return self.iterate(e.args[0], env)
            if isinstance(e.func, n.Attribute) and found is None and not e.args:
                owner = self.value(e.func.value, env)
                if isinstance(owner.kind, (DictOf, Unknown)):
                    inner = owner.kind.value if isinstance(owner.kind, DictOf) else UNKNOWN
                    item = Value(inner, owner.varied and not is_discrete(inner))
                    if e.func.attr == "items":
                        return tuple_of([PASSIVE, item])
                    if e.func.attr == "values":
                        return item
                    if e.func.attr == "keys":
                        return PASSIVE
        if isinstance(e, (n.ListExpr, n.TupleExpr)) and e.items:
            result = self.value(e.items[0], env)
            for item_expr in e.items[1:]:
                result = merge(result, self.value(item_expr, env))
            return result
        return any_item(self.value(e, env))

    def truth(self, test: n.Expr, env: Env) -> bool | None:
        """Return the truth of a test, if the kinds decide it."""
        return truth(test, lambda x: self.value(x, env).kind, lambda x: self.object_of(x, env))
