"""Following a variable through a function: how what it computes answers when the variable is moved.

Takes a function with its facts and a variable, or a call inside a statement; raises
`NotFollowedError` unless nothing that leaves the function answers. Requires `ir`, `analysis`.
"""

from __future__ import annotations

import builtins
import math
from collections import Counter
from fractions import Fraction

import numpy as np

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.analysis.responses import (
    EMPTY,
    STILL,
    ZERO,
    NotFollowedError,
    Response,
    exponential,
    indexed,
    joined,
    logarithm,
    multiplied,
    plus,
    power,
    product,
    reduced,
    times,
)
from s2s_ad.analysis.weights import Weight, number, variable
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import Array, ListOf, Number, TupleOf
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names, stmt_exprs, subexprs, walk_stmts
from s2s_ad.transform.context import Context
from s2s_ad.transform.picking import picked_by
from s2s_ad.transform.reading import flat

EXPONENTIALS = (math.exp, np.exp)
LOGARITHMS = (math.log, np.log)
ROOTS = (math.sqrt, np.sqrt)
EXTREMES = (builtins.max, builtins.min, np.max, np.min, np.amax, np.amin)
MEANS = (*EXTREMES, np.mean, np.average, np.median)
SUMS = (builtins.sum, math.fsum, np.sum)
EITHER = (np.maximum, np.minimum, np.fmax, np.fmin)
SAME = (builtins.float, builtins.list, builtins.tuple, builtins.reversed, np.array, np.asarray)
SCALED_ALONE = (builtins.abs, math.fabs, np.abs)  # what passes a positive factor on
BLIND = (builtins.len, builtins.range, np.zeros_like, np.ones_like, np.empty_like, np.shape)
METHODS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "copy": np.array}
SHAPES = frozenset("shape size ndim dtype".split())

ONE = number(1)
HALF = number(Fraction(1, 2))

Env = dict[str, "Response | None"]  # None: depends on what t was before, or in an unknown way


def follow(context: Context, t: str | n.Expr, uid: int | None = None) -> None:
    """Follow t to all that leaves the function. uid: of the statement that makes the call t."""
    _Run(context, t, uid).function()


def object_of(context: Context, e: n.Expr, s: n.Stmt) -> object:
    """Return the object a name or attribute chain stands for, None if it is not known."""
    found = context.facts.object_of(e, s.uid)
    return found[0] if found else None


def is_one_of(obj: object, known: tuple[object, ...]) -> bool:
    return any(obj is x for x in known)


class _Run:
    """Execution with responses in place of values; raises NotFollowedError where t gets away."""

    def __init__(self, context: Context, t: str | n.Expr, uid: int | None) -> None:
        self.context = context
        self.t = t
        self.uid = uid
        self.at: n.Stmt = n.Pass()
        self.breaks: list[list[Env]] = []
        self.continues: list[list[Env]] = []
        self.bound_once = _bound_once(context.function)

    def function(self) -> None:
        env: Env = {p.name: STILL for p in self.context.function.params}
        self.block(self.context.function.body, env)

    # -- statements

    def block(self, block: n.Block, env: Env | None) -> Env | None:
        for s in block:
            if env is None or s.uid not in self.context.facts.before:
                return None
            env = self.statement(s, env)
        return env

    def statement(self, s: n.Stmt, env: Env) -> Env | None:
        if s.uid == self.uid or (isinstance(self.t, str) and self.t in assigned((flat(s),))):
            # another value of t: what answers to the one before is followed no further
            env = {x: None if r is None or r.moves else r for x, r in env.items()}
        self.at = s
        method = getattr(self, f"on_{type(s).__name__}", None)
        if method is not None:
            end: Env | None = method(s, env)
            return end
        if any(self.moves(e, env) for e in stmt_exprs(s)) or list(walk_stmts((s,))) != [s]:
            raise NotFollowedError
        return env

    def moves(self, e: n.Expr, env: Env) -> bool:
        """True when an expression reads what answers to t, or makes the call that t is."""
        if any((r := env.get(x, STILL)) is None or r.moves for x in names(e)):
            return True
        return self.uid == self.at.uid and any(x == self.t for x in subexprs(e))

    def changed(self, s: n.Stmt, env: Env, known: str = "") -> Env:
        """Return `env` once a statement has changed containers in place, `known` in a known way."""
        for x in self.context.changed(s) - {known}:
            if x in env:
                r = env[x]
                env = {**env, x: None if r is None or r.moves else STILL}
        return env

    def on_Assign(self, s: n.Assign, env: Env) -> Env:
        known = sole_target(s)
        if known is not None and known == self.t:
            return {**self.changed(s, env), known: self.itself(n.Name(known), after=True)}
        value = self.response(s.value, env)
        items = s.value.items if isinstance(s.value, (n.TupleExpr, n.ListExpr)) else ()
        parts = [self.response(x, env) for x in items if not isinstance(x, n.Starred)]
        env = self.changed(s, env)
        for target in s.targets:
            if isinstance(target, (n.TupleExpr, n.ListExpr)) and len(target.items) == len(parts):
                for x, r in zip(target.items, parts):
                    env = self.bound(x, r, env)
            else:
                env = self.bound(target, value, env)
        return env

    def bound(self, target: n.Expr, r: Response | None, env: Env) -> Env:
        if isinstance(target, n.Name):
            return {**env, target.id: r}
        if isinstance(target, n.Starred):
            return self.bound(target.value, r, env)
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            if r is None or r.axes:
                raise NotFollowedError
            for item in target.items:
                env = self.bound(item, r, env)
            return env
        root: n.Expr = target
        while isinstance(root, (n.Subscript, n.Attribute)):
            root = root.value
        into = env.get(root.id, STILL) if isinstance(root, n.Name) else None
        if r is None or r.moves or into is None or into.moves:
            raise NotFollowedError
        return env

    def on_AugAssign(self, s: n.AugAssign, env: Env) -> Env:
        value = self.response(n.Binary(s.op, s.target, s.value), env)
        if not isinstance(s.target, n.Name):
            if value.moves or self.moves(s.target, env):
                raise NotFollowedError
            return self.changed(s, env)
        kind = self.context.facts.value(s.target, s.uid).kind
        own = self.context.unshared().get(s.uid, NOTHING_OWNED).own
        alone = isinstance(kind, Number) or s.target.id in own
        if not alone and (value.moves or self.moves(s.target, env)):
            raise NotFollowedError
        return {**self.changed(s, env, s.target.id), s.target.id: value}

    def on_Append(self, s: n.Append, env: Env) -> Env:
        value = self.response(s.value, env)
        before = env.get(s.stack, STILL)
        if s.stack not in self.context.unshared().get(s.uid, NOTHING_OWNED).own:
            if value.moves or before is None or before.moves or before.fits:
                raise NotFollowedError
        elif before is None:
            raise NotFollowedError
        return {**self.changed(s, env, s.stack), s.stack: joined(before, value)}

    def on_Pop(self, s: n.Pop, env: Env) -> Env:
        value = env.get(s.stack, STILL)
        return self.bound(s.target, value, self.changed(s, env, s.stack))

    def on_ExprStmt(self, s: n.ExprStmt, env: Env) -> Env:
        if self.moves(s.value, env):
            raise NotFollowedError
        return self.changed(s, env)

    def on_Return(self, s: n.Return, env: Env) -> None:
        if s.value is not None and self.response(s.value, env).moves:
            raise NotFollowedError

    def on_Raise(self, s: n.Raise, env: Env) -> None:
        return None

    def on_Assert(self, s: n.Assert, env: Env) -> Env:
        return env

    def on_Break(self, s: n.Break, env: Env) -> None:
        self.breaks[-1].append(env)

    def on_Continue(self, s: n.Continue, env: Env) -> None:
        self.continues[-1].append(env)

    def on_If(self, s: n.If, env: Env) -> Env | None:
        env = self.changed(s, env)
        ends = [self.block(b.body, env) for b in s.branches]
        ends.append(self.block(s.orelse, env))
        return _met([end for end in ends if end is not None])

    def on_While(self, s: n.While, env: Env) -> Env | None:
        return self.loop(s, env)

    def on_For(self, s: n.For, env: Env) -> Env | None:
        return self.loop(s, env)

    def loop(self, s: n.For | n.While, env: Env) -> Env | None:
        while True:
            self.at = s
            start = self.changed(s, env)
            if isinstance(s, n.For):
                start = self.bound_to_items(s.target, s.iter, start)
            self.breaks.append([])
            self.continues.append([])
            end = self.block(s.body, start)
            exits, again = self.breaks.pop(), self.continues.pop()
            ends = [env, *([end] if end is not None else []), *again]
            grown = _met(ends)
            assert grown is not None
            if grown == env:
                break
            env = grown
        done = self.block(s.orelse, env)
        return _met([*([done] if done is not None else []), *exits])

    def bound_to_items(self, target: n.Expr, e: n.Expr, env: Env) -> Env:
        obj = object_of(self.context, e.func, self.at) if isinstance(e, n.Call) else None
        if isinstance(e, n.Call) and isinstance(target, n.TupleExpr):
            if obj is builtins.enumerate and len(target.items) == 2:
                env = self.bound(target.items[0], STILL, env)
                return self.bound_to_items(target.items[1], e.args[0], env)
            if obj is builtins.zip and len(target.items) == len(e.args):
                for x, part in zip(target.items, e.args):
                    env = self.bound_to_items(x, part, env)
                return env
        r = self.response(e, env)
        if r.axes:
            raise NotFollowedError
        return self.bound(target, STILL if r.fits else r, env)

    # -- expressions

    def itself(self, e: n.Expr, after: bool = False) -> Response:
        """Return the response of t, which runs along each axis that it has."""
        uid = self.at.uid
        table = self.context.facts.after if after else self.context.facts.before
        known = table.get(uid, {}).get(e.id) if isinstance(e, n.Name) else None
        kind = self.context.facts.value(e, uid).kind if known is None else known.kind
        if isinstance(kind, Array) and kind.dims is not None:
            size = len(kind.dims)
            axes = tuple(k - size for k, dim in enumerate(kind.dims) if not dim.one)
            return Response(added=ONE, axes=axes)
        if not isinstance(kind, Number):
            raise NotFollowedError
        return Response(added=ONE)

    def response(self, e: n.Expr, env: Env) -> Response:
        if self.uid == self.at.uid and e == self.t:
            return self.itself(e)
        if isinstance(e, n.Name):
            r = env.get(e.id, STILL)
            if r is None:
                raise NotFollowedError
            return r
        if isinstance(e, n.Const) and type(e.value) in (int, float) and not e.value:
            return ZERO
        if isinstance(e, n.ListExpr) and not e.items:
            return EMPTY
        if not self.moves(e, env):
            return STILL
        method = getattr(self, f"of_{type(e).__name__}", None)
        if method is None:
            raise NotFollowedError
        found: Response = method(e, env)
        return found

    def computes(self, *operands: n.Expr) -> bool:
        """True when operands surely are numbers and arrays, not lists, which `+` puts together."""
        kinds = [self.context.facts.value(x, self.at.uid).kind for x in operands]
        return all(isinstance(kind, (Number, Array)) for kind in kinds)

    def rank(self, e: n.Expr) -> int | None:
        kind = self.context.facts.value(e, self.at.uid).kind
        if isinstance(kind, Array):
            return None if kind.dims is None else len(kind.dims)
        return 0 if isinstance(kind, Number) else None

    def of_Unary(self, e: n.Unary, env: Env) -> Response:
        if e.op == "not":
            return STILL
        if e.op not in "+-" or not self.computes(e.operand):
            raise NotFollowedError
        return multiplied(self.response(e.operand, env), ONE if e.op == "+" else -ONE)

    def of_Binary(self, e: n.Binary, env: Env) -> Response:
        if not self.computes(e.left, e.right):
            raise NotFollowedError
        left, right = self.response(e.left, env), self.response(e.right, env)
        if e.op in "+-":
            return plus(left, right, 1 if e.op == "+" else -1)
        if e.op == "@":
            return product(left, right, (self.rank(e.left), self.rank(e.right)))
        first, second = self.factor(e.left), self.factor(e.right)
        if e.op == "**" and second is not None:
            return power(left, second)
        if e.op == "*" and left.added and second is not None:
            return multiplied(left, second)
        if e.op == "*" and right.added and first is not None:
            return multiplied(right, first)
        if e.op == "/" and left.added and second is not None and second.is_divisor:
            return multiplied(left, ONE / second)
        if e.op not in "*/":
            raise NotFollowedError
        return times(left, right, 1 if e.op == "*" else -1)

    def factor(self, e: n.Expr) -> Weight | None:
        """Return what a factor is where that is written down: numbers, and variables bound once."""
        if isinstance(e, n.Unary) and e.op == "-":
            inside = self.factor(e.operand)
            return None if inside is None else -inside
        if isinstance(e, n.Const) and type(e.value) in (int, float) and math.isfinite(e.value):
            return number(Fraction(e.value))
        if isinstance(e, n.Binary) and e.op in ("*", "/"):
            left, right = self.factor(e.left), self.factor(e.right)
            if left is None or right is None or (e.op == "/" and not right.is_divisor):
                return None
            return left * right if e.op == "*" else left / right
        if not isinstance(e, n.Name) or e.id not in self.bound_once:
            return None
        kind = self.context.facts.value(e, self.at.uid).kind
        return variable(e.id) if isinstance(kind, Number) else None

    def of_Compare(self, e: n.Compare, env: Env) -> Response:
        return STILL

    def of_IfExp(self, e: n.IfExp, env: Env) -> Response:
        return joined(self.response(e.body, env), self.response(e.orelse, env))

    def of_TupleExpr(self, e: n.TupleExpr | n.ListExpr, env: Env) -> Response:
        found = self.response(e.items[0], env)
        for item in e.items[1:]:
            found = joined(found, self.response(item, env))
        if found.axes:
            raise NotFollowedError
        return found

    of_ListExpr = of_TupleExpr

    def of_Attribute(self, e: n.Attribute, env: Env) -> Response:
        r = self.response(e.value, env)
        if e.attr in SHAPES:
            return STILL
        if e.attr != "T" or r.axes:
            raise NotFollowedError
        return r

    def of_Subscript(self, e: n.Subscript, env: Env) -> Response:
        kind = self.context.facts.value(e.value, self.at.uid).kind
        if not isinstance(kind, (Array, ListOf, TupleOf)):
            raise NotFollowedError
        r = self.response(e.value, env)
        picked = picked_by(self.context, e.index, self.at.uid)
        if picked is not None and isinstance(e.index, n.TupleExpr):
            # of each row one: of all of them, unless it is the first only
            columns = self.context.facts.value(picked[1], self.at.uid).kind
            several = isinstance(columns, Array) and columns.dims and columns.dims[0].one is False
            if several and r.axes == (-2,) and e.index.items == picked and self.rank(e.value) == 2:
                return replace(r, axes=(-1,))
        return indexed(r, e.index, self.rank(e.value))

    def of_Call(self, e: n.Call, env: Env) -> Response:
        obj = object_of(self.context, e.func, self.at)
        args = list(e.args)
        if any(isinstance(a, n.Starred) for a in args):
            raise NotFollowedError
        if obj is None and isinstance(e.func, n.Attribute) and e.func.attr in METHODS:
            if not self.computes(e.func.value):
                raise NotFollowedError
            args = [e.func.value, *args]
            obj = METHODS[e.func.attr]
        if obj is None or not args:
            raise NotFollowedError
        if is_one_of(obj, BLIND):
            return STILL
        reduces = len(args) == 1 or not is_one_of(obj, (builtins.max, builtins.min))
        if is_one_of(obj, (*MEANS, *SUMS)) and reduces:
            return self.reduction(obj, args, e.keywords, env)
        if e.keywords:
            raise NotFollowedError
        found = [self.response(a, env) for a in args]
        if is_one_of(obj, (*EITHER, builtins.max, builtins.min, np.logaddexp)):
            return self.one_of(found, args)
        if obj is np.where and len(args) == 3:
            return self.one_of(found[1:], args[1:])
        if obj is np.dot and len(args) == 2 and self.computes(*args):
            ranks = self.rank(args[0]), self.rank(args[1])
            if any(k is None or k > 2 for k in ranks) and (found[0].axes or found[1].axes):
                raise NotFollowedError  # other axes than those of `@`
            return product(found[0], found[1], ranks)
        if len(args) > 1:
            raise NotFollowedError
        if is_one_of(obj, EXPONENTIALS):
            return exponential(found[0])
        if is_one_of(obj, LOGARITHMS):
            return logarithm(found[0])
        if is_one_of(obj, ROOTS):
            return power(found[0], HALF)
        if is_one_of(obj, SAME) or (is_one_of(obj, SCALED_ALONE) and not found[0].added):
            return found[0]
        raise NotFollowedError

    def one_of(self, found: list[Response], args: list[n.Expr]) -> Response:
        if not self.computes(*args):
            raise NotFollowedError
        first = found[0]
        for r in found[1:]:
            first = joined(first, r)
        return first

    def reduction(
        self, obj: object, args: list[n.Expr], keywords: tuple[n.Keyword, ...], env: Env
    ) -> Response:
        r = self.response(args[0], env)
        if r.added and is_one_of(obj, SUMS):
            raise NotFollowedError
        given = {k.name: k.value for k in keywords}
        if len(args) == 2 and obj is not builtins.sum and "axis" not in given:
            given["axis"] = args.pop()
        if len(args) > 1 or not given.keys() <= {"axis", "keepdims"}:
            raise NotFollowedError
        keep = given.get("keepdims")
        if keep is not None and not (isinstance(keep, n.Const) and type(keep.value) is bool):
            raise NotFollowedError
        keeps = isinstance(keep, n.Const) and bool(keep.value)
        axis = given.get("axis")
        if axis is None or (isinstance(axis, n.Const) and axis.value is None):
            return reduced(r, None, keeps)
        rank, along = self.rank(args[0]), constant_int(axis)
        if rank is None or along is None:
            return reduced(r, None, keeps)
        return reduced(r, (along if along < 0 else along - rank,), keeps)


def _bound_once(function: n.Function) -> frozenset[str]:
    """Return the variables that hold one value wherever they are read."""
    params = [p.name for p in function.params]
    bound = Counter(params)
    for s in walk_stmts(function.body):
        bound.update(assigned((flat(s),)))
    plain = [sole_target(s) for s in function.body if isinstance(s, n.Assign)]
    return frozenset(x for x in (*params, *plain) if x is not None and bound[x] == 1)


def _met(envs: list[Env]) -> Env | None:
    """Return what is known where ways meet, None where none does."""
    if not envs:
        return None
    result = dict(envs[0])
    for env in envs[1:]:
        for name, r in env.items():
            before = result.get(name, EMPTY)
            result[name] = _either(before, r)
    return result


def _either(a: Response | None, b: Response | None) -> Response | None:
    if a is None or b is None:
        return None
    try:
        return joined(a, b)
    except NotFollowedError:
        return None
