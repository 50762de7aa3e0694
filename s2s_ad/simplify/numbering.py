"""Which value a variable has: two expressions of the same values are equal wherever they stand.

Takes statements in the order in which they run, gives numbers of values; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, sole_target
from s2s_ad.ir.walk import (
    children,
    container_of,
    fold,
    names,
    popped,
    stmt_exprs,
    substitute,
    walk_stmts,
)

Pure = Callable[[n.Expr], bool]
# how an expression is computed: its class, what it says besides its parts, and their numbers
Structure = tuple[object, ...] | n.Expr
_SHOWN: dict[type, Callable[[Any], object]] = {
    n.Const: lambda e: e.text,
    n.Attribute: lambda e: e.attr,
    n.Subscript: lambda e: None,
    n.Slice: lambda e: (e.lower is None, e.upper is None, e.step is None),
    n.TupleExpr: lambda e: None,
    n.ListExpr: lambda e: None,
    n.Unary: lambda e: e.op,
    n.Binary: lambda e: e.op,
    n.Compare: lambda e: e.ops,
    n.BoolOp: lambda e: e.op,
    n.IfExp: lambda e: None,
    n.Starred: lambda e: None,
    n.Call: lambda e: (len(e.args), tuple(k.name for k in e.keywords)),
}


class Numbering:
    """Follows the statements of a block, and tells the values of variables behind them.

    back: uids of the statements of the reverse sweep, which change no variable of the primal but
    those that they bind. pure: whether an expression has no effect and the same value each time.
    """

    def __init__(self, back: frozenset[int], pure: Pure, primal: frozenset[str]) -> None:
        self.back = back
        self.pure = pure
        self.primal = primal
        self.values: dict[str, int] = {}
        self.holders: dict[int, set[str]] = {}  # by value, the variables that have had it
        self.numbers: dict[Structure, int] = {}
        self.made: dict[int, int] = {}  # which value an expression of the primal has given
        self.divisors: set[int] = set()  # what the primal has divided by
        self.count = 0

    def follow(self, s: n.Stmt) -> None:
        """Note which values variables have after a statement."""
        if self.has_effect(s):
            # a variable may be a view of what is changed
            self.values = {}
        target, value = sole_target(s), s.value if isinstance(s, n.Assign) else None
        if target is None or value is None:
            in_place = {x for e in _changed(s) for x in names(e)}
            for name in changed_by(s):
                self.change(name) if name in in_place else self.bind(name)
            return
        if isinstance(value, n.Name):
            self.hold(target, self.value(value.id))
            return
        known = s.uid not in self.back and names(value) and self.pure(value)
        number = self.structure(value) if known else None
        if number is not None and isinstance(value, n.Binary) and value.op == "/":
            self.divisors.add(self.numbered(value.right))
        self.bind(target)
        if number is not None:
            self.made.setdefault(number, self.values[target])

    def has_effect(self, s: n.Stmt) -> bool:
        """True when a statement may change in place what is no adjoint of ours."""
        for x in walk_stmts((s,)):
            if isinstance(x, (n.Try, n.With, n.Delete, n.Global, n.FunctionDef)):
                return True
            ours = x.uid in self.back
            # what is taken from a list of ours is none of the primal's
            taken = ours and popped(x) is not None
            if not taken and not all(map(self.pure, stmt_exprs(x))):
                return True
            if any(not ours or names(e) & self.primal for e in _in_place(x)):
                return True
        return False

    def value(self, name: str) -> int:
        if name not in self.values:
            self.bind(name)
        return self.values[name]

    def bind(self, name: str) -> None:
        """Give a variable a value of its own."""
        self.count += 1
        self.hold(name, self.count)

    def hold(self, name: str, value: int) -> None:
        self.values[name] = value
        self.holders.setdefault(value, set()).add(name)

    def change(self, name: str) -> None:
        """Give all that may be the same object as a variable other values."""
        old = self.value(name)
        for x in sorted(self.holders[old]):
            if self.values.get(x) == old:
                self.bind(x)

    def numbered(self, e: n.Expr) -> int:
        """Return a number that expressions of one value have: that of a variable, or of what is
        computed of such values in one way."""
        return fold(e, self.number)

    def structure(self, e: n.Expr) -> int:
        """Return a number of how an expression is computed, not of what has its value."""
        return self.of_parts(e, [self.numbered(x) for x in children(e)])

    def number(self, e: n.Expr, parts: list[int]) -> int:
        if isinstance(e, n.Name):
            return self.value(e.id)
        found = self.of_parts(e, parts)
        return self.made.get(found, found)

    def of_parts(self, e: n.Expr, parts: list[int]) -> int:
        shown = _SHOWN.get(type(e))
        if shown is None:
            # it has variables of its own
            key: Structure = substitute(e, {x: _valued(self.value(x)) for x in names(e)})
        else:
            key = (type(e), shown(e), *parts)
        found = self.numbers.get(key)
        if found is None:
            self.count += 1
            found = self.numbers[key] = self.count
        return found

    def named(self, e: n.Expr) -> str | None:
        """Return a variable that has the value of an expression, as the primal has computed it."""
        made = self.made.get(self.structure(e), -1)
        holding = {x for x in self.holders.get(made, ()) if self.values.get(x) == made}
        return next((x for x in self.values if x in holding), None) if holding else None


def _in_place(s: n.Stmt) -> list[n.Expr]:
    """Return what a statement, without the blocks in it, may change in place."""
    if isinstance(s, n.AugAssign):
        return [s.target]
    if isinstance(s, n.Assign):
        return [t for t in s.targets if container_of(t) is not t]
    return [s.value] if isinstance(s, n.ExprStmt) else []


def _changed(s: n.Stmt) -> list[n.Expr]:
    """Return what a statement or one in it may change in place, lists of ours included."""
    stacks = (x.stack for x in walk_stmts((s,)) if isinstance(x, (n.Append, n.Pop)))
    return [*map(n.Name, stacks), *(e for x in walk_stmts((s,)) for e in _in_place(x))]


def _valued(value: int) -> n.Name:
    return n.Name(f"value {value}")
