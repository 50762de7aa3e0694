"""What normalisation asks of an expression: whether it varies, what it calls, what it lists.

Takes expressions and the statement they stand in; requires `ir`, `analysis`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.rows import copies_rows
from s2s_ad.errors import UnsupportedSyntax
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, ListOf, TupleOf, Unknown
from s2s_ad.ir.names import Names
from s2s_ad.ir.walk import children
from s2s_ad.rules import registry

Refuse = Callable[..., UnsupportedSyntax]  # statement, message, hint, and perhaps an expression


@dataclass(frozen=True)
class Outside:
    """What normalisation is told: how builtins are spelled, which containers have one name only."""

    alias: Callable[[str], str]
    unshared: Mapping[int, frozenset[str]]


class Questions:
    """The facts of a function, kept up to date with the names made on the way."""

    def __init__(self, facts: Facts, names_: Names, refuse: Refuse, outside: Outside) -> None:
        self.facts = facts
        self.names = names_
        self.refuse = refuse
        self.alias = outside.alias
        self.unshared = dict(outside.unshared)

    def fresh(self, wanted: str) -> str:
        """Return a new variable's name, known to the facts as a local one."""
        name = self.names.fresh(wanted)
        self.facts.locals = self.facts.locals | {name}
        for reader in self.facts.readers():
            reader.local = self.facts.locals
        return name

    def object_of(self, e: n.Expr, s: n.Stmt) -> object:
        """Return the live object that an expression stands for, None for what is not known."""
        found = self.facts.object_of(e, s.uid)
        return found[0] if found else None

    def varied(self, e: n.Expr, s: n.Stmt) -> bool:
        return self.facts.varied(e, s.uid)

    def runs_once(self, e: n.Expr, s: n.Stmt) -> bool:
        """True when `e` has a part that may be evaluated only once, lambdas left out."""
        todo = [e]
        while todo:
            part = todo.pop()
            if self.is_once(part, s):
                return True
            if not isinstance(part, n.Lambda):
                todo.extend(children(part))
        return False

    def is_once(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for what may give something else the next time, or have an effect: a call of what
        is not known to be pure, a global that functions rebind."""
        reader, env = self.facts.reader(s.uid), self.facts.before[s.uid]
        if isinstance(e, n.Call):
            return not reader.is_pure(e, env)
        if isinstance(e, n.Comprehension):
            return reader.uses_up(e, env)
        return reader.may_be_rebound(e, env)

    def gives_items(self, e: n.Call, count: int, s: n.Stmt) -> bool:
        """True for a call whose items, so many, have a differential each: one of the user's, or one
        of which a rule says that it gives a tuple, as `divmod(x, y)`."""
        found = self.facts.object_of(e.func, s.uid)
        if found is None or not registry.lookup(found[0]):
            return True
        kind = self.facts.value(e, s.uid).kind
        return isinstance(kind, TupleOf) and not kind.is_list and len(kind.items) == count

    def is_listed_loop(self, e: n.Call, s: n.Stmt) -> bool:
        """True for `list(zip(...))` and the like."""
        if self.object_of(e.func, s) is not builtins.list or len(e.args) != 1:
            return False
        return self.loop_call(e.args[0], s) in (builtins.zip, builtins.enumerate, builtins.reversed)

    def copies_rows(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for a copy of a table, row by row, which stays as it is written."""
        return copies_rows(e, self.facts, s.uid)

    def is_copy_of_list(self, e: n.Call, s: n.Stmt) -> bool:
        """True for `list(...)` or `tuple(...)` around a comprehension that becomes a list."""
        listed = self.object_of(e.func, s) is builtins.list and len(e.args) == 1
        return listed and isinstance(e.args[0], n.Comprehension)

    def indexable(self, e: n.Expr, s: n.For) -> bool:
        kind = self.facts.value(e, s.uid).kind
        listed = isinstance(kind, (Array, TupleOf)) or isinstance(e, (n.ListExpr, n.TupleExpr))
        # what a call returns is run over as if it had been given a name before
        named = isinstance(kind, Unknown) and isinstance(e, n.Call) and self.varied(e, s)
        return listed or named or isinstance(kind, ListOf)

    def loop_call(self, e: n.Expr, s: n.Stmt) -> object:
        """Return the builtin that a loop calls on its sequences, `items` for dict views."""
        if not isinstance(e, n.Call):
            return None
        if isinstance(e.func, n.Attribute) and e.func.attr in ("items", "values", "keys"):
            return "items" if isinstance(e.func.value, n.Name) and not e.args else None
        return self.object_of(e.func, s)
