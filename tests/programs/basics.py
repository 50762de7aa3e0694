"""Simple random statements: assignments of every form, and what all statements are made with.

Takes an `Expressions` and a scope, gives lines of text (indented from 0) and binds names in the
scope; requires nothing.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from .expressions import (
    FLAG,
    INTEGER,
    LIST,
    MATRIX,
    NUMBER,
    PAIR,
    VECTOR,
    Expressions,
    Scope,
    Variable,
)

Lines = list[str]

PLAIN_NAMES = ("s", "t", "u", "w", "z", "acc", "total", "force", "step", "q2", "energy", "prev")
ODD_NAMES = (
    "x_bar",
    "result",
    "x_saved",
    "x_dot",
    "out",
    "d",
    "steps",
    "f_adjoint",
    "s_bar",
    "value",
    "t_saved",
    "seed",
)


@dataclass(frozen=True)
class Context:
    """Where a block stands: what a return gives, and whether it may leave a loop."""

    result: str
    loops: int = 0
    depth: int = 0
    may_return: bool = True


def indent(lines: Lines) -> Lines:
    return ["    " + line for line in lines]


class Basics:
    """Draws simple statements; `names` is the pool of new variables.

    small: whether blocks are short and nested no deeper than two. longest: of nested blocks.
    """

    def __init__(
        self,
        rng: random.Random,
        expressions: Expressions,
        names: tuple[str, ...],
        small: bool = False,
        longest: int = 3,
    ) -> None:
        self.rng = rng
        self.e = expressions
        self.names = names
        self.small = small
        self.longest = longest

    def kind(self) -> str:
        kinds = [NUMBER] * 10 + [INTEGER] * 2 + [LIST, PAIR, FLAG]
        if self.e.arrays:
            kinds += [VECTOR] * 6 + [MATRIX] * 2
        return self.rng.choice(kinds)

    def tame(self, text: str, kind: str, context: Context) -> str:
        """Return the expression, squashed sometimes, in loops often, so that values stay small."""
        if kind == INTEGER:
            return f"({text}) % 5"
        if kind == NUMBER and self.rng.random() < 0.15 + 0.25 * min(context.loops, 2):
            return f"math.{self.rng.choice(('tanh', 'sin', 'cos'))}({text})"
        if kind in (VECTOR, MATRIX) and self.rng.random() < 0.15 + 0.3 * min(context.loops, 2):
            return f"np.{self.rng.choice(('tanh', 'sin'))}({text})"
        return text

    def expression(self, kind: str, scope: Scope, context: Context, depth: int = 3) -> str:
        """Return an expression to assign: one that reads a variable, mostly."""
        varying = {n for n, v in scope.variables.items() if v.kind != INTEGER and not n.isupper()}
        for _ in range(4):
            text = self.e.of_kind(kind, scope, self.rng.randint(1, depth))
            if kind in (INTEGER, FLAG) or not varying.isdisjoint(re.findall(r"\w+", text)):
                break
        return self.tame(text, kind, context)

    def target(self, kind: str, scope: Scope) -> str:
        """Return a name to assign a value of that kind to: an existing one, often."""
        usable = [
            name
            for name, variable in scope.variables.items()
            if not variable.protected and (variable.kind == kind or not variable.fixed)
        ]
        same = [name for name in usable if scope.variables[name].kind == kind]
        if same and self.rng.random() < 0.55:
            return self.rng.choice(same)
        if usable and self.rng.random() < 0.1:
            return self.rng.choice(usable)
        fresh = [name for name in self.names if name not in scope.variables]
        return self.rng.choice(fresh or same or ["extra"])

    def bind(self, name: str, kind: str, scope: Scope) -> None:
        old = scope.variables.get(name)
        scope.variables.pop(name, None)  # the latest binding is the last, and drawn more often
        scope.variables[name] = Variable(kind, fixed=old.fixed if old else False)

    def block(self, scope: Scope, context: Context, count: int) -> Lines:
        """Return some statements."""
        lines: Lines = []
        for _ in range(count):
            lines += self.statement(scope, context)
        return lines or ["pass"]

    def statement(self, scope: Scope, context: Context) -> Lines:
        """Return one statement; `Statements` draws from all."""
        return self.assign(scope, context)

    def assign(self, scope: Scope, context: Context) -> Lines:
        kind = self.kind()
        text = self.expression(kind, scope, context)
        name = self.target(kind, scope)
        self.bind(name, kind, scope)
        annotation = ": float" if kind == NUMBER and self.rng.random() < 0.05 else ""
        return [f"{name}{annotation} = {text}"]

    def augmented(self, scope: Scope, context: Context) -> Lines:
        names = [n for n in scope.of_kind(NUMBER) if not scope.variables[n].protected]
        if not names:
            return self.assign(scope, context)
        name = self.rng.choice(names)
        number = self.expression(NUMBER, scope, context)
        shape = self.rng.choice(
            (
                "+= {}",
                "+= {}",
                "-= {}",
                "+= 0.3 * ({})",
                "*= math.cos({})",
                "*= 0.9",
                "/= 1.5 + ({}) ** 2",
                "/= 2",
                "-= 0.1 * ({})",
                "%= 2.5",
                "*= {}",
            )
            if context.loops < 2
            else ("+= 0.2 * ({})", "-= 0.1 * ({})", "*= math.cos({})", "/= 1.0 + ({}) ** 2")
        )
        if shape == "%= 2.5" and self.rng.random() < 0.6:
            shape = "+= {}"
        return [f"{name} {shape.format(number)}"]

    def tuple_assign(self, scope: Scope, context: Context) -> Lines:
        numbers = [n for n in scope.of_kind(NUMBER) if not scope.variables[n].protected]
        callees = [c for c in scope.callees if c.result == PAIR]
        drawn = self.rng.random()
        if len(numbers) >= 2 and drawn < 0.4:
            a, b = self.rng.sample(numbers, 2)
            return [f"{a}, {b} = {b}, {self.expression(NUMBER, scope, context)}"]
        if callees and drawn < 0.7:
            value = self.e.call(self.rng.choice(callees), scope, 2)
        elif scope.of_kind(PAIR) and drawn < 0.8:
            value = self.rng.choice(scope.of_kind(PAIR))
        else:
            value = self.e.of_kind(PAIR, scope, 3)
        more = self.expression(NUMBER, scope, context)
        a = self.target(NUMBER, scope)
        self.bind(a, NUMBER, scope)
        b = self.target(NUMBER, scope)
        if b == a:
            b = "second"
        self.bind(b, NUMBER, scope)
        if self.rng.random() < 0.2:
            self.bind("third", NUMBER, scope)
            return [f"({a}, {b}), third = {value}, {more}"]
        return [f"{a}, {b} = {value}"]

    def chained(self, scope: Scope, context: Context) -> Lines:
        text = self.expression(NUMBER, scope, context)
        a = self.target(NUMBER, scope)
        self.bind(a, NUMBER, scope)
        b = self.target(NUMBER, scope)
        self.bind(b, NUMBER, scope)
        return [f"{a} = {b} = {text}"]

    def alias(self, scope: Scope, context: Context) -> Lines:
        kind = self.rng.choice((NUMBER, VECTOR) if self.e.arrays else (NUMBER, LIST))
        names = scope.of_kind(kind)
        if not names:
            return self.assign(scope, context)
        source = self.rng.choice(names)
        # an alias of a list may be appended to: both names stay lists
        name = self.target(kind, scope)
        self.bind(name, kind, scope)
        return [f"{name} = {source}"]

    def oddment(self, scope: Scope, context: Context) -> Lines:
        number = self.e.atom(NUMBER, scope, 0)
        shapes = (
            ["pass"],
            [f"assert {number} == {number}, 'not a number'"],
            [f"label = f'{{{number}:.3f}} and {{{self.e.atom(INTEGER, scope, 0)}}}'"],
            [f"if {number} > 1e9:", "    raise ValueError(f'too large: {" + number + "}')"],
            [f"assert isinstance({number} * 1.0, object)"],
        )
        return self.rng.choice(shapes)

    def condition(self, scope: Scope) -> str:
        return self.e.of_kind(FLAG, scope, self.rng.randint(1, 2))

    def result(self, scope: Scope, kind: str, depth: int) -> str:
        """Return an expression for `return` that reads many of the names in scope."""
        if kind == "mixed":
            return f"{self.result(scope, NUMBER, depth)}, {self.e.of_kind(VECTOR, scope, 1)}"
        if kind == "named":
            first = self.result(scope, NUMBER, depth)
            return f"{{'a': {first}, 'b': {self.e.atom(NUMBER, scope, 0)}}}"
        if kind == PAIR:
            return f"{self.result(scope, NUMBER, depth)}, {self.e.of_kind(NUMBER, scope, depth)}"
        parts = [self.e.of_kind(kind, scope, depth)]
        if kind == LIST:
            return parts[0]
        parts += [self.e.recent(scope.of_kind(kind)) for _ in range(2) if scope.of_kind(kind)]
        if kind == NUMBER and scope.of_kind(VECTOR):
            parts.append(f"np.sum({self.e.recent(scope.of_kind(VECTOR))})")
        if kind == NUMBER and scope.of_kind(LIST) and self.rng.random() < 0.5:
            parts.append(f"{self.rng.choice(scope.of_kind(LIST))}[-1]")
        text = parts[0]
        for part in parts[1:]:
            text = f"({text} {self.rng.choice('++-*')} {part})"
        return text
