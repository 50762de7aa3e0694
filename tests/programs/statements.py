"""Random statements: branches and nested functions here, loops and simple ones inherited.

Takes an `Expressions` and a scope, gives lines of text (indented from 0) and binds names in the
scope; requires nothing. Names bound in a nested block stay unknown outside unless every branch
binds them; nested blocks never change the kind of an outer name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .basics import Context, Lines, indent
from .expressions import FLAG, NUMBER, VECTOR, Callee, Scope, Variable
from .loops import Loops


class Statements(Loops):
    """Draws any statement."""

    def statement(self, scope: Scope, context: Context) -> Lines:
        choices: list[tuple[float, Callable[[Scope, Context], Lines]]] = [
            (10, self.assign),
            (4, self.augmented),
            (2, self.tuple_assign),
            (1, self.chained),
            (1.5, self.alias),
            (1, self.append_loop),
            (0.7, self.local_function),
            (0.4, self.oddment),
            (0.6, self.kind_change_loop),
        ]
        if context.depth < (2 if self.small else 3):
            choices += [
                (4, self.branch),
                (4, self.range_loop),
                (2.5, self.sequence_loop),
                (2, self.while_loop),
                (1, self.flagged),
            ]
        if context.loops:
            choices.append((1.5, self.leave_loop))
        if context.may_return and context.depth:
            choices.append((0.5, self.early_return))
        weights = [weight for weight, _ in choices]
        return self.rng.choices([make for _, make in choices], weights)[0](scope, context)

    def branch(self, scope: Scope, context: Context) -> Lines:
        inner = replace(context, depth=context.depth + 1)
        scopes: list[Scope] = []
        lines: Lines = []
        for k in range(self.rng.choice((1, 1, 1, 2, 3))):
            scopes.append(scope.copy())
            lines.append(f"{'elif' if k else 'if'} {self.condition(scope)}:")
            lines += indent(self.block(scopes[-1], inner, self.rng.randint(1, self.longest)))
        if self.rng.random() < 0.6:
            scopes.append(scope.copy())
            lines.append("else:")
            lines += indent(self.block(scopes[-1], inner, self.rng.randint(1, self.longest)))
            self.merge(scope, scopes)
        return lines

    def merge(self, scope: Scope, scopes: list[Scope]) -> None:
        """Bind the names that every branch binds to one kind."""
        for name, variable in scopes[0].variables.items():
            if name not in scope.variables and all(
                name in s.variables and s.variables[name].kind == variable.kind for s in scopes
            ):
                self.bind(name, variable.kind, scope)

    def flagged(self, scope: Scope, context: Context) -> Lines:
        """A name that is bound in one branch only, and read under the same condition."""
        kind = self.rng.choice((NUMBER, VECTOR) if self.e.arrays else (NUMBER,))
        first = [
            f"chosen = {self.condition(scope)}",
            "if chosen:",
            f"    only = {self.expression(kind, scope, context)}",
        ]
        self.bind("chosen", FLAG, scope)
        scope.variables["chosen"].protected = True
        between = self.block(
            scope, replace(context, depth=3, may_return=False, loops=0), self.rng.randint(0, 2)
        )
        inner = scope.copy()
        inner.variables["only"] = Variable(kind)
        name = self.target(NUMBER, scope)
        if name not in scope.variables or scope.variables[name].kind != NUMBER:
            first.insert(0, f"{name} = {self.e.atom(NUMBER, scope, 0)}")
            self.bind(name, NUMBER, scope)
        value = self.expression(NUMBER, inner, context) if kind == NUMBER else "np.sum(only)"
        # `chosen` may be drawn as a target by a later statement, never by those between
        scope.variables["chosen"].protected = False
        return [*first, *between, "if chosen:", f"    {name} = {name} + {value} * 0.5"]

    def early_return(self, scope: Scope, context: Context) -> Lines:
        return [
            f"if {self.condition(scope)}:",
            f"    return {self.result(scope, context.result, 2)}",
        ]

    def local_function(self, scope: Scope, context: Context) -> Lines:
        """A lambda or nested function that captures names; captured names keep their kind."""
        if context.depth:
            return self.assign(scope, context)
        known = {c.name for c in scope.callees} | set(scope.variables)
        name = next((n for n in ("g", "inner", "shape") if n not in known), None)
        if name is None:
            return self.assign(scope, context)
        inner = scope.copy()
        inner.variables["h"] = Variable(NUMBER)
        result = NUMBER if not self.e.arrays or self.rng.random() < 0.6 else VECTOR
        default = self.rng.random() < 0.3
        more = ""
        if default:
            inner.variables["r"] = Variable(NUMBER)
            more = f", r={self.e.atom(NUMBER, scope, 0)}"
        callee = Callee(
            name,
            (("h", NUMBER, False), *((("r", NUMBER, True),) if default else ())),
            result,
            local=True,
        )
        if self.rng.random() < 0.5:
            lines = [f"{name} = lambda h{more}: {self.expression(result, inner, context, 2)}"]
        else:
            for variable in inner.variables.values():
                variable.protected = True  # assigning a captured name would make it local
            inner.variables["h"].protected = False
            body = self.block(
                inner, replace(context, result=result, depth=2), self.rng.randint(0, 2)
            )
            lines = [
                f"def {name}(h{more}):",
                *indent(body),
                f"    return {self.result(inner, result, 2)}",
            ]
        for variable in scope.variables.values():
            variable.fixed = True
        scope.callees = [*scope.callees, callee]
        return lines
