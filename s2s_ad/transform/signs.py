"""Which expressions surely are above zero: a root of them has a slope everywhere.

Takes a function with its facts and an expression, gives whether it is; requires `ir`.

    math.sqrt(1.0 + x * x), np.sqrt(x**2 + 1e-6)

A guard against a division by zero (`0.5 * d / root if d else 0.0`) says nothing there. What may
underflow, as products and exponentials do, is only known not to be below zero.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Mapping

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import Array, Number
from s2s_ad.ir.walk import assigned, names, subexprs, walk_stmts
from s2s_ad.rules.registry import Choice
from s2s_ad.transform.context import Context
from s2s_ad.transform.reading import flat

SIZES = (
    *(builtins.abs, math.fabs, np.abs, math.exp, np.exp, math.sqrt, np.sqrt, np.square),
    *(np.var, np.std, np.linalg.norm),
)
ALONG = frozenset({"axis", "keepdims"})
KEEP_SIGN = (builtins.sum, np.sum, np.mean, builtins.float, np.asarray)
LARGEST = (builtins.max, np.maximum)


def unguarded(
    context: Context,
    maps: Mapping[str, n.Expr],
    param: str,
    argument: n.Expr,
    s: n.Stmt,
    divides: bool = False,
) -> Mapping[str, n.Expr]:
    """Return the maps of a rule, that of `param` without its guard if its argument is positive.

    divides: whether `d` has been divided by `out`, so that it is no zero where that is one.
    """
    if not isinstance(maps[param], (n.IfExp, n.Call)):
        return maps
    plain = without_guard(maps[param], frozenset({param, "out"}), context.helper("quotient"))
    if plain == maps[param]:
        return maps
    by_out = divides and all(
        x.right == n.Name("out") for x in subexprs(plain) if isinstance(x, n.Binary) and x.op == "/"
    )
    return {**maps, param: plain} if by_out or is_positive(context, argument, s) else maps


def is_divisor(choice: Choice, param: str) -> bool:
    """True for what a quotient divides by."""
    return choice.rule.namespace == "operator" and choice.rule.name == "/" and param == "b"


def is_positive(context: Context, e: n.Expr, s: n.Stmt) -> bool:
    """True for an expression all of whose values are above zero, or not a number at all."""
    return _Signs(context, s).above(e)


def never_below(context: Context, e: n.Expr, s: n.Stmt) -> bool:
    """True for an expression none of whose values is below zero."""
    return _Signs(context, s).never_below(e)


def without_guard(template: n.Expr, known: frozenset[str], quotient: n.Expr) -> n.Expr:
    """Return the map of a rule without its guard, if it divides by nothing but what is known.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> guarded = parse_expr("0.5 * d / out if d else 0.0")
    >>> expr_text(without_guard(guarded, frozenset({"out"}), n.Name("quotient")))
    '0.5 * d / out'
    """
    if isinstance(template, n.IfExp) and template.test == n.Name("d"):
        divisors = [
            x.right for x in subexprs(template.body) if isinstance(x, n.Binary) and x.op == "/"
        ]
        return template.body if all(names(x) <= known for x in divisors) else template
    if isinstance(template, n.Call) and template.func == quotient and len(template.args) == 2:
        above, below = template.args
        return n.Binary("/", above, below) if names(below) <= known else template
    return template


class _Signs:
    def __init__(self, context: Context, s: n.Stmt) -> None:
        self.context = context
        self.s = s
        self.open: set[str] = set()

    def above(self, e: n.Expr) -> bool:
        if isinstance(e, n.Const):
            return type(e.value) in (int, float) and e.value > 1e-100
        if isinstance(e, n.Name):
            return self.defined(e.id, above=True)
        if isinstance(e, n.Binary) and e.op == "+" and self.computes(e):
            one, two = e.left, e.right
            return (self.above(one) and self.never_below(two)) or (
                self.never_below(one) and self.above(two)
            )
        if isinstance(e, n.Binary) and e.op == "*" and self.computes(e):
            # of a product of two that are small nothing may be left
            number = isinstance(e.left, n.Const) or isinstance(e.right, n.Const)
            return number and self.above(e.left) and self.above(e.right)
        if isinstance(e, n.Call) and len(e.args) == 2 and self.calls(e, LARGEST):
            return self.computes(*e.args) and any(map(self.above, e.args))
        if isinstance(e, n.Call) and len(e.args) == 1 and self.calls(e, (math.sqrt, np.sqrt)):
            return self.above(e.args[0])
        return False

    def never_below(self, e: n.Expr) -> bool:
        """True for what is not below zero."""
        if isinstance(e, n.Const):
            return type(e.value) in (int, float) and e.value >= 0
        if isinstance(e, n.Name):
            return self.defined(e.id, above=False)
        if isinstance(e, n.Binary) and e.op == "**" and isinstance(e.right, n.Const):
            even = type(e.right.value) is int and e.right.value % 2 == 0
            return self.computes(e.left) and (even or self.never_below(e.left))
        if isinstance(e, n.Binary) and e.op in "+*/" and self.computes(e):
            square = e.op == "*" and e.left == e.right
            return square or (self.never_below(e.left) and self.never_below(e.right))
        if isinstance(e, n.Call) and e.args and self.calls(e, SIZES):
            return self.computes(e.args[0])
        if isinstance(e, n.Call) and e.args and self.calls(e, KEEP_SIGN):
            # what `sum` begins with may be anything
            if len(e.args) > 1 and self.calls(e, (builtins.sum,)):
                return False
            return self.computes(e.args[0]) and self.never_below(e.args[0])
        return self.above(e)

    def computes(self, *operands: n.Expr) -> bool:
        """True for numbers and arrays of numbers."""
        kinds = [self.context.facts.value(x, self.s.uid).kind for x in operands]
        return all(
            isinstance(k, Number) or (isinstance(k, Array) and k.dtype != "other") for k in kinds
        )

    def calls(self, e: n.Call, known: tuple[object, ...]) -> bool:
        found = self.context.facts.object_of(e.func, self.s.uid)
        plain = all(k.name in ALONG for k in e.keywords)
        return found is not None and plain and any(found[0] is x for x in known)

    def defined(self, name: str, above: bool) -> bool:
        """True when each statement that gives a variable its value gives it such a one."""
        params = {p.name for p in self.context.function.params}
        if name in params or name in self.open:
            return False
        every = walk_stmts(self.context.function.body)
        made = [s for s in every if name in assigned((flat(s),))]
        if not made:
            return False
        self.open.add(name)
        outside = self.s
        test = self.above if above else self.never_below
        result = True
        for s in made:
            self.s = s
            e = self.given(s, name) if result else None
            result = e is not None and test(e)
        self.s = outside
        self.open.discard(name)
        return result

    def given(self, s: n.Stmt, name: str) -> n.Expr | None:
        """Return what a statement gives a variable, or the least of it; None if it is not known."""
        if isinstance(s, n.Assign):
            return s.value if self.known(s) else None
        return self.start(s) if isinstance(s, n.For) and s.target == n.Name(name) else None

    def start(self, loop: n.For) -> n.Expr | None:
        """Return what a loop counts from, upwards or down to it; None where that is not known."""
        e = loop.iter
        if isinstance(e, n.Call) and len(e.args) == 1 and self.calls(e, (builtins.reversed,)):
            e = e.args[0]
        if not isinstance(e, n.Call) or not self.calls(e, (builtins.range,)):
            return None
        if len(e.args) == 1:
            return n.Const("0", 0)
        return e.args[0] if len(e.args) == 2 else None

    def known(self, s: n.Stmt) -> bool:
        """True for a value that nothing changes in place: a number, an array without stores."""
        name = sole_target(s) or ""
        value = self.context.facts.after.get(s.uid, {}).get(name)
        if value is None:
            return False
        still = isinstance(value.kind, Array) and name not in self.context.changed_anywhere()
        return still or isinstance(value.kind, Number)
