"""Which parameters a function uses as numbers on every way through it: kinds proved by use.

Takes a function and what its calls call, gives the parameters that must be numbers, or integers,
whenever the function returns at all. Requires `ir`.

`math.sin(x)` raises unless x converts to a float, and `range(n)` unless n is an integer. Where such
a use cannot be avoided, nothing else has to be provided for: the derivative evaluates it too. An
array with a single entry would pass as well; derivatives take it for the number it stands for.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable, Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, children, stmt_exprs, subexprs, walk_stmts

NUMBER, INTEGER = "number", "integer"
# of sequences, or of something else than what is converted to a float
OTHER_MATH = frozenset("fsum prod dist sumprod".split())
INTEGER_MATH = frozenset("factorial comb perm isqrt gcd lcm".split())

Demands = frozenset[tuple[str, str]]
NONE: Demands = frozenset()
ObjectOf = Callable[[n.Expr], object]
Inner = Callable[[n.Call, object], Iterable[tuple[n.Expr, str]]]


def demanded(function: n.Function, object_of: ObjectOf, inner: Inner) -> dict[str, str]:
    """Return the parameters that are proved to be numbers, and which of them integers.

    inner: the arguments of a call of user code that the callee demands to be numbers.
    """
    run = _Demands(object_of, inner)
    found = run.block(function.body, NONE) or NONE
    params = {p.name for p in function.params}
    result = {name: sort for name, sort in found if sort == NUMBER and name in params}
    return result | {name: sort for name, sort in found if sort == INTEGER and name in params}


class _Demands:
    """Demands before a block from those after it; None where the function cannot return from."""

    def __init__(self, object_of: ObjectOf, inner: Inner) -> None:
        self.object_of = object_of
        self.inner = inner

    def block(self, block: n.Block, after: Demands | None) -> Demands | None:
        for s in reversed(block):
            after = self.statement(s, after)
        return after

    def statement(self, s: n.Stmt, after: Demands | None) -> Demands | None:
        if isinstance(s, n.Return):
            return NONE if s.value is None else self.uses(s.value)
        if isinstance(s, n.Raise):
            return None
        if isinstance(s, (n.Break, n.Continue)):
            return NONE
        if isinstance(s, n.If):
            ends = [self.block(body, after) for body in (*(b.body for b in s.branches), s.orelse)]
            live = [end for end in ends if end is not None]
            if not live:
                return None
            return self.uses(s.branches[0].test) | frozenset.intersection(*live)
        if isinstance(s, (n.For, n.While, n.Try, n.With)):
            header = s.iter if isinstance(s, n.For) else s.test if isinstance(s, n.While) else None
            first = NONE if header is None else self.uses(header)
            inside = list(walk_stmts((s,)))
            if any(isinstance(x, (n.Return, n.Break, n.Continue)) for x in inside):
                return first
            return None if after is None else first | _without(after, s)
        if after is None:
            return None
        if isinstance(s, (n.Assert, n.FunctionDef, n.Import)):
            return _without(after, s)
        used = (self.uses(e) for e in stmt_exprs(s))
        return _without(after, s).union(*used)

    def uses(self, e: n.Expr) -> Demands:
        """Return the variables that evaluating `e` demands to be numbers."""
        if any(isinstance(x, n.NamedExpr) for x in subexprs(e)):
            return NONE
        found: set[tuple[str, str]] = set()
        for x in _surely(e):
            if isinstance(x, n.IfExp):
                found |= self.uses(x.body) & self.uses(x.orelse)
            elif isinstance(x, n.Call):
                pairs = self.converted(x)
                found |= {(part.id, sort) for part, sort in pairs if isinstance(part, n.Name)}
        return frozenset(found)

    def converted(self, call: n.Call) -> Iterable[tuple[n.Expr, str]]:
        """Return the arguments that a call converts to numbers."""
        if any(isinstance(a, n.Starred) for a in call.args):
            return ()
        obj = self.object_of(call.func)
        if obj is None:
            return ()
        if obj is builtins.range:
            return [(a, INTEGER) for a in call.args]
        name = str(getattr(obj, "__name__", ""))
        if getattr(math, name, None) is obj and name not in OTHER_MATH:
            return [(a, INTEGER if name in INTEGER_MATH else NUMBER) for a in call.args]
        return self.inner(call, obj)


def _without(after: Demands, s: n.Stmt) -> Demands:
    bound = assigned((s,))
    return frozenset(d for d in after if d[0] not in bound)


def _surely(e: n.Expr) -> Iterator[n.Expr]:
    """Yield the parts of an expression that are evaluated whenever it is."""
    yield e
    if isinstance(e, n.BoolOp):
        parts: tuple[n.Expr, ...] = e.values[:1]
    elif isinstance(e, n.IfExp):
        parts = (e.test,)
    elif isinstance(e, n.Compare):
        parts = (e.left, e.rights[0])
    elif isinstance(e, (n.Lambda, n.Comprehension)):
        parts = ()
    else:
        parts = children(e)
    for part in parts:
        yield from _surely(part)
