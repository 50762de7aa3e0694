"""Random statements: assignments, branches, loops, exits, helper functions.

Takes an `Expressions` and a scope, gives lines of text (indented from 0) and binds names in
the scope; requires nothing. Names bound in a nested block stay unknown outside unless every branch
binds them; nested blocks never change the kind of an outer name.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from .expressions import (
    FLAG,
    INTEGER,
    LIST,
    MATRIX,
    NUMBER,
    PAIR,
    VECTOR,
    Callee,
    Expressions,
    Scope,
    Variable,
)

Lines = list[str]

PLAIN_NAMES = ("s", "t", "u", "w", "z", "acc", "total", "force", "step", "q2", "energy", "prev")
ODD_NAMES = ("x_bar", "result", "x_saved", "x_dot", "out", "d", "steps", "f_adjoint", "s_bar", "value", "t_saved", "seed")


@dataclass(frozen=True)
class Context:
    """Where a block stands: what a return gives, and whether it may leave a loop."""

    result: str
    loops: int = 0
    depth: int = 0
    may_return: bool = True


def indent(lines: Lines) -> Lines:
    return ["    " + line for line in lines]


class Statements:
    """Draws statements; `arrays` as in `Expressions`, `names` the pool of new variables."""

    def __init__(self, rng: random.Random, expressions: Expressions, names: tuple[str, ...]) -> None:
        self.rng = rng
        self.e = expressions
        self.names = names

    def kind(self) -> str:
        kinds = [NUMBER] * 10 + [INTEGER] * 2 + [LIST, PAIR, FLAG]
        if self.e.arrays:
            kinds += [VECTOR] * 6 + [MATRIX] * 2
        return self.rng.choice(kinds)

    def tame(self, text: str, kind: str, context: Context) -> str:
        """Return the expression, squashed sometimes, in loops more often, so that values stay small."""
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

    # -- blocks ---------------------------------------------------------------------------

    def block(self, scope: Scope, context: Context, count: int) -> Lines:
        lines: Lines = []
        for _ in range(count):
            lines += self.statement(scope, context)
        return lines or ["pass"]

    def statement(self, scope: Scope, context: Context) -> Lines:
        choices: list[tuple[float, Callable[[Scope, Context], Lines]]] = [
            (10, self.assign), (4, self.augmented), (2, self.tuple_assign), (1, self.chained), (1.5, self.alias),
            (1, self.append_loop), (0.7, self.local_function), (0.4, self.oddment), (0.6, self.kind_change_loop),
        ]  # fmt: skip
        if context.depth < 3:
            choices += [
                (4, self.branch), (4, self.range_loop), (2.5, self.sequence_loop), (2, self.while_loop),
                (1, self.flagged),
            ]  # fmt: skip
        if context.loops:
            choices.append((1.5, self.leave_loop))
        if context.may_return and context.depth:
            choices.append((0.5, self.early_return))
        weights = [weight for weight, _ in choices]
        return self.rng.choices([make for _, make in choices], weights)[0](scope, context)

    # -- simple statements ----------------------------------------------------------------

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
            ("+= {}", "+= {}", "-= {}", "+= 0.3 * ({})", "*= math.cos({})", "*= 0.9", "/= 1.5 + ({}) ** 2", "/= 2", "-= 0.1 * ({})", "%= 2.5", "*= {}")
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

    # -- branches -------------------------------------------------------------------------

    def condition(self, scope: Scope) -> str:
        return self.e.of_kind(FLAG, scope, self.rng.randint(1, 2))

    def branch(self, scope: Scope, context: Context) -> Lines:
        inner = replace(context, depth=context.depth + 1)
        scopes: list[Scope] = []
        lines: Lines = []
        for k in range(self.rng.choice((1, 1, 1, 2, 3))):
            scopes.append(scope.copy())
            lines.append(f"{'elif' if k else 'if'} {self.condition(scope)}:")
            lines += indent(self.block(scopes[-1], inner, self.rng.randint(1, 3)))
        if self.rng.random() < 0.6:
            scopes.append(scope.copy())
            lines.append("else:")
            lines += indent(self.block(scopes[-1], inner, self.rng.randint(1, 3)))
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
        first = [f"chosen = {self.condition(scope)}", "if chosen:", f"    only = {self.expression(kind, scope, context)}"]
        self.bind("chosen", FLAG, scope)
        scope.variables["chosen"].protected = True
        between = self.block(scope, replace(context, depth=3, may_return=False, loops=0), self.rng.randint(0, 2))
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
        return [f"if {self.condition(scope)}:", f"    return {self.result(scope, context.result, 2)}"]

    def leave_loop(self, scope: Scope, context: Context) -> Lines:
        body = self.block(scope.copy(), replace(context, depth=3, loops=0), self.rng.choice((0, 0, 1)))
        body = [line for line in body if line != "pass"]
        body.append(self.rng.choice(("break", "break", "continue")))
        return [f"if {self.condition(scope)}:", *indent(body)]

    # -- loops ----------------------------------------------------------------------------

    def loop_body(self, scope: Scope, context: Context) -> Lines:
        inner = replace(context, loops=context.loops + 1, depth=context.depth + 1)
        return indent(self.block(scope, inner, self.rng.randint(1, 4)))

    def loop_else(self, scope: Scope, context: Context) -> Lines:
        if self.rng.random() < 0.85:
            return []
        inner = replace(context, depth=context.depth + 1)
        return ["else:", *indent(self.block(scope.copy(), inner, self.rng.randint(1, 2)))]

    def loop_name(self, scope: Scope) -> str:
        names = [n for n in ("i", "j", "k", "m") if n not in scope.variables]
        return names[0] if names and self.rng.random() < 0.9 else "idx"

    def range_loop(self, scope: Scope, context: Context) -> Lines:
        count = self.e.atom(INTEGER, scope, 0)
        ranges = (
            f"range({count})", f"range({count})", f"range(1, {count} + 1)", f"range({count} - 1, -1, -1)", f"range({count}, 0, -2)",
            "range(3)", "range(0, 5, 2)", "range(4, -1, -3)", "range(0)", f"range({count}, {count})", f"reversed(range({count}))",
            f"range({self.e.length})", f"range(0, {count} + 2, {self.rng.choice((1, 2, 3))})", "range(2, 4)", "range(-2, 2)", "enumerate(range({0}))",
        )  # fmt: skip
        text = self.rng.choice(ranges)
        inner = scope.copy()
        name = self.loop_name(scope)
        if text.startswith("enumerate"):
            text, target = text.format(count), f"{name}, {name}2"
            inner.variables[f"{name}2"] = Variable(INTEGER, protected=True)
        else:
            target = name
        inner.variables[name] = Variable(INTEGER, protected=self.rng.random() < 0.9)
        return [f"for {target} in {text}:", *self.loop_body(inner, context), *self.loop_else(scope, context)]

    def sequence_loop(self, scope: Scope, context: Context) -> Lines:
        vectors, lists, matrices = (scope.of_kind(k) for k in (VECTOR, LIST, MATRIX))
        sequences = [f"({self.e.atom(NUMBER, scope, 0)}, {self.expression(NUMBER, scope, context, 2)}, 0.5)"]
        sequences += [self.rng.choice(names) for names in (vectors, vectors, lists) if names]
        one = self.rng.choice(sequences)
        two = self.rng.choice(sequences)
        index = self.loop_name(scope)
        inner = scope.copy()
        numbers: tuple[str, ...]
        shapes: list[tuple[str, str, tuple[str, ...]]] = [
            ("c", one, ("c",)), ("c", f"reversed({one})", ("c",)), (f"{index}, c", f"enumerate({one})", ("c",)),
            ("a, b", f"zip({one}, {two})", ("a", "b")), (f"{index}, (a, b)", f"enumerate(zip({one}, {two}))", ("a", "b")),
            (f"{index}, c", f"enumerate({one}, 1)", ("c",)), ("a, b", f"zip({one}, {one}[1:])", ("a", "b")), ("c", f"{one}[::-1]", ("c",)),
            ("a, b", f"[({self.e.atom(NUMBER, scope, 0)}, 1.5), (0.5, {self.e.atom(NUMBER, scope, 0)})]", ("a", "b")),
        ]  # fmt: skip
        target, text, numbers = self.rng.choice(shapes)
        if matrices and self.rng.random() < 0.3:
            target, text, numbers = "row", self.rng.choice(matrices), ()
            inner.variables["row"] = Variable(VECTOR)
        for name in numbers:
            inner.variables[name] = Variable(NUMBER, protected=self.rng.random() < 0.7)
        if target.startswith(index):
            inner.variables[index] = Variable(INTEGER, protected=True)
        return [f"for {target} in {text}:", *self.loop_body(inner, context), *self.loop_else(scope, context)]

    def while_loop(self, scope: Scope, context: Context) -> Lines:
        counter = next(n for n in ("n1", "n2", "n3", "n4", "n5", "n6") if n not in scope.variables or n == "n6")
        limit = self.e.atom(INTEGER, scope, 0)
        inner = scope.copy()
        inner.variables[counter] = Variable(INTEGER, protected=True)
        condition = self.rng.choice((f"{counter} < {limit}", f"{counter} < 3 and {self.condition(scope)}", f"{counter} < {limit}", "True"))
        stop = f"{counter} > 4 or {self.condition(inner)}"
        body = self.loop_body(inner, context)
        lines = [f"{counter} = 0", f"while {condition}:", f"    {counter} += 1"]
        if condition == "True":
            lines += [f"    if {stop}:", "        break"]
        lines += [*body, *self.loop_else(scope, context)]
        self.bind(counter, INTEGER, scope)
        scope.variables[counter].protected = True
        return lines

    def append_loop(self, scope: Scope, context: Context) -> Lines:
        """A list built by appending, used afterwards."""
        name = self.target(LIST, scope)
        count = self.rng.choice(("range(1, 4)", "range(3)", f"range({self.e.atom(INTEGER, scope, 0)} + 1)"))
        inner = scope.copy()
        inner.variables["i"] = Variable(INTEGER, protected=True)
        inner.variables.pop(name, None)
        inner.variables.pop("item", None)
        item = self.expression(NUMBER, inner, replace(context, loops=1))
        inner.variables["item"] = Variable(NUMBER)
        lines = [f"{name} = []", f"for i in {count}:", f"    item = {item}"]
        if self.rng.random() < 0.3:
            lines.append(f"    if {name}:")
            lines.append(f"        item = item * {name}[-1]")
        lines.append(f"    {name}.append({self.expression(NUMBER, inner, replace(context, loops=1), 2)})")
        # with `i` shadowing an outer name, that one is an integer of this loop afterwards
        if "i" in scope.variables:
            self.bind("i", INTEGER, scope)
        self.bind(name, LIST, scope)
        return lines

    def kind_change_loop(self, scope: Scope, context: Context) -> Lines:
        """A sum that starts as a number and becomes a vector, or starts as an integer."""
        if not self.e.arrays or context.depth or not scope.of_kind(MATRIX):
            name = next((n for n in self.names if n not in scope.variables), "extra")
            text = self.expression(NUMBER, scope, replace(context, loops=1), 2)
            self.bind(name, NUMBER, scope)
            return [f"{name} = 0", "for _ in range(2):", f"    {name} = {name} + {text}"]
        name = next((n for n in self.names if n not in scope.variables), "extra")
        lines = [f"{name} = {self.rng.choice(('0', '0.0'))}", f"for row in {self.rng.choice(scope.of_kind(MATRIX))}:", f"    {name} = {name} + np.tanh(row)"]
        self.bind(name, VECTOR, scope)
        self.bind("row", VECTOR, scope)
        return lines

    # -- functions ------------------------------------------------------------------------

    def local_function(self, scope: Scope, context: Context) -> Lines:
        """A lambda or nested function that captures names; captured names keep their kind."""
        if context.depth:
            return self.assign(scope, context)
        name = self.rng.choice(("g", "inner", "shape"))
        inner = scope.copy()
        inner.callees = [c for c in inner.callees if c.name != name]
        inner.variables["h"] = Variable(NUMBER)
        result = NUMBER if not self.e.arrays or self.rng.random() < 0.6 else VECTOR
        default = self.rng.random() < 0.3
        more = ""
        if default:
            inner.variables["r"] = Variable(NUMBER)
            more = f", r={self.e.atom(NUMBER, scope, 0)}"
        callee = Callee(name, (("h", NUMBER, False), *((("r", NUMBER, True),) if default else ())), result, local=True)
        if self.rng.random() < 0.5:
            lines = [f"{name} = lambda h{more}: {self.expression(result, inner, context, 2)}"]
        else:
            for variable in inner.variables.values():
                variable.protected = True  # assigning a captured name would make it local
            inner.variables["h"].protected = False
            body = self.block(inner, replace(context, result=result, depth=2), self.rng.randint(0, 2))
            lines = [f"def {name}(h{more}):", *indent(body), f"    return {self.result(inner, result, 2)}"]
        for variable in scope.variables.values():
            variable.fixed = True
        scope.callees = [c for c in scope.callees if c.name != name] + [callee]
        scope.variables.pop(name, None)
        return lines

    def result(self, scope: Scope, kind: str, depth: int) -> str:
        """Return an expression for `return` that reads many of the names in scope."""
        if kind == "mixed":
            return f"{self.result(scope, NUMBER, depth)}, {self.e.of_kind(VECTOR, scope, 1)}"
        if kind == "named":
            return f"{{'a': {self.result(scope, NUMBER, depth)}, 'b': {self.e.atom(NUMBER, scope, 0)}}}"
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
