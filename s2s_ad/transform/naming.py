"""Values that a statement and its tangent both need, given names in front of both.

Takes the expressions of one statement, gives statements and names; requires `ir`.

    y = k * math.exp(x)     →       exp = math.exp(x)
                                    exp_dot = exp * x_dot
                                    y_dot = k * exp_dot
                                    y = k * exp

Only what is evaluated whenever the statement is gets a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import FLOAT, Kind
from s2s_ad.ir.names import BlockNames, marked
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_expr, map_stmt_exprs, stmt_exprs, subexprs, substitute
from s2s_ad.rules.registry import Choice
from s2s_ad.transform.context import Context

WHOLE = n.Name("whole ")  # a name no source can have, standing for the value of the statement
VALUED = (n.Assign, n.AugAssign, n.Append, n.Return)
SCOPES = (n.Lambda, n.Comprehension, n.NamedExpr)


@dataclass
class Naming:
    """Names for parts of the value of a statement.

    called: what a value is to be called. fresh: gives names. whole: the value that the statement
    gives a variable, for which WHOLE stands. before: statements in front of it. values: names by
    what they stand for, in which inner parts have theirs. dots: names of differentials. kinds: of
    the variables that were made.
    """

    context: Context
    s: n.Stmt
    called: Callable[[n.Expr], str]
    fresh: BlockNames
    kinds: dict[str, Kind]
    whole: n.Expr | None = None
    before: list[n.Stmt] = field(default_factory=list)
    values: dict[n.Expr, n.Name] = field(default_factory=dict)
    dots: dict[n.Expr, n.Name] = field(default_factory=dict)

    def value(self, e: n.Expr, kind: Kind) -> n.Name | None:
        """Return a variable for the value of `e`, None where it may not be evaluated."""
        if e is self.whole:
            return WHOLE
        inner = self.put(e)
        if inner not in self.values:
            if any(isinstance(x, SCOPES) for x in subexprs(inner)):
                return None
            name = self.new(self.called(inner), kind)
            self.before.append(n.Assign((name,), inner, origin=self.s.origin))
            self.values[inner] = name
        return self.values[inner]

    def tangent(self, name: n.Name, dot: n.Expr) -> n.Expr:
        """Return a variable for the tangent of what has this name."""
        if name == WHOLE:
            return dot
        mark = n.Name(self.context.mark(name.id, "dot"))
        if name not in self.dots:
            self.dots[name] = mark
            self.before.append(n.Assign((mark,), dot, of=self.s.uid, origin=self.s.origin))
        return mark

    def differential(self, dot: n.Expr, of: n.Expr) -> n.Expr:
        """Return a variable for the differential of `of`, which is read more than once."""
        if dot not in self.dots:
            name = n.Name(self.fresh.fresh(marked(self.called(of), "dot"), FLOAT))
            # of no variable: a name no source can have
            self.context.add_mark((f"{name.id} ", "dot"), name.id)
            self.kinds[f"{name.id} "] = FLOAT
            self.dots[dot] = name
            self.before.append(n.Assign((name,), dot, of=self.s.uid, origin=self.s.origin))
        return self.dots[dot]

    def settled(self, dot: n.Stmt, s: n.Stmt) -> tuple[n.Stmt, n.Stmt]:
        """Return a tangent and its statement with names for what they read of each other."""
        assert isinstance(s, VALUED) and s.value is not None
        value = self.put(s.value)
        if any(WHOLE in subexprs(e) for e in stmt_exprs(dot)):
            assert self.whole is not None
            whole = self.put(self.whole)
            wanted = "result" if isinstance(s, n.Return) else self.called(whole)
            name = self.new(wanted, self.context.kind(self.whole, s.uid))
            self.before.append(n.Assign((name,), whole, origin=s.origin))
            dot = map_stmt_exprs(dot, lambda e: substitute(e, {WHOLE.id: name}))
            value = name
            if isinstance(s, n.AugAssign):
                s = n.Assign((s.target,), name, uid=s.uid, origin=s.origin, comments=s.comments)
        return dot, s if value is s.value else replace(s, value=value)

    def new(self, wanted: str, kind: Kind) -> n.Name:
        name = n.Name(self.fresh.fresh(wanted, kind))
        self.kinds[name.id] = kind
        return name

    def put(self, e: n.Expr) -> n.Expr:
        """Return an expression with the names there are for parts of it."""
        return map_expr(e, lambda x: self.values.get(x, x)) if self.values else e

    def choice(self, choice: Choice) -> Choice:
        """Return a choice whose arguments are read from the names there are."""
        if not self.values:
            return choice
        arguments = {p: self.put(e) for p, e in choice.arguments.items()}
        operands = {
            p: arguments[p] if e is choice.arguments.get(p) else self.put(e)
            for p, e in choice.operands.items()
        }
        return replace(choice, arguments=arguments, operands=operands)
