"""Which value a variable has: two expressions of the same values are equal wherever they stand.

Takes statements in the order in which they run, gives numbers of values; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, sole_target
from s2s_ad.ir.walk import container_of, map_expr, names, popped, stmt_exprs, substitute, walk_stmts

Pure = Callable[[n.Expr], bool]


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
        self.made: dict[n.Expr, int] = {}  # which value an expression of the primal has given
        self.divisors: set[n.Expr] = set()  # what the primal has divided by
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
        key = self.numbered(value) if s.uid not in self.back and self.pure(value) else None
        self.count += 1
        self.hold(target, self.count)
        if key is not None and names(key):
            self.hold(target, self.made.setdefault(key, self.count))
            if isinstance(key, n.Binary) and key.op == "/":
                self.divisors.add(key.right)

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

    def numbered(self, e: n.Expr) -> n.Expr:
        """Return an expression with values in the place of variables, and of what made them."""
        e = substitute(e, {x: _valued(self.value(x)) for x in names(e)})
        return map_expr(e, self.known)

    def known(self, e: n.Expr) -> n.Expr:
        value = None if isinstance(e, n.Name) else self.made.get(e)
        return e if value is None else _valued(value)

    def named(self, e: n.Expr) -> str | None:
        """Return a variable that has the value of an expression, as the primal has computed it."""
        made = self.numbered(e)
        if not isinstance(made, n.Name):
            return None
        return next((x for x, v in self.values.items() if _valued(v) == made), None)


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
