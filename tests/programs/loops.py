"""Random loops: over ranges, sequences and conditions, with exits, and those that build lists.

Takes what `Basics` takes; gives lines. Names bound in a body stay unknown after the loop, since
it may run zero times.
"""

from __future__ import annotations

from dataclasses import replace

from .basics import Basics, Context, Lines, indent
from .expressions import INTEGER, LIST, MATRIX, NUMBER, VECTOR, Scope, Variable


class Loops(Basics):
    """Draws loops; their bodies are drawn by `block`."""

    def loop_body(self, scope: Scope, context: Context) -> Lines:
        inner = replace(context, loops=context.loops + 1, depth=context.depth + 1)
        return indent(self.block(scope, inner, self.rng.randint(1, self.longest + 1)))

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
            f"range({count})",
            f"range({count})",
            f"range(1, {count} + 1)",
            f"range({count} - 1, -1, -1)",
            f"range({count}, 0, -2)",
            "range(3)",
            "range(0, 5, 2)",
            "range(4, -1, -3)",
            "range(0)",
            f"range({count}, {count})",
            f"reversed(range({count}))",
            f"range({self.e.length})",
            f"range(0, {count} + 2, {self.rng.choice((1, 2, 3))})",
            "range(2, 4)",
            "range(-2, 2)",
            "enumerate(range({0}))",
        )
        text = self.rng.choice(ranges)
        inner = scope.copy()
        name = self.loop_name(scope)
        if text.startswith("enumerate"):
            text, target = text.format(count), f"{name}, {name}2"
            inner.variables[f"{name}2"] = Variable(INTEGER, protected=True)
        else:
            target = name
        inner.variables[name] = Variable(INTEGER, protected=self.rng.random() < 0.9)
        return [
            f"for {target} in {text}:",
            *self.loop_body(inner, context),
            *self.loop_else(scope, context),
        ]

    def sequence_loop(self, scope: Scope, context: Context) -> Lines:
        vectors, lists, matrices = (scope.of_kind(k) for k in (VECTOR, LIST, MATRIX))
        sequences = [
            f"({self.e.atom(NUMBER, scope, 0)}, {self.expression(NUMBER, scope, context, 2)}, 0.5)"
        ]
        sequences += [self.rng.choice(names) for names in (vectors, vectors, lists) if names]
        one = self.rng.choice(sequences)
        two = self.rng.choice(sequences)
        index = self.loop_name(scope)
        inner = scope.copy()
        numbers: tuple[str, ...]
        atoms = [self.e.atom(NUMBER, scope, 0) for _ in range(2)]
        shapes: list[tuple[str, str, tuple[str, ...]]] = [
            ("c", one, ("c",)),
            ("c", f"reversed({one})", ("c",)),
            (f"{index}, c", f"enumerate({one})", ("c",)),
            ("a, b", f"zip({one}, {two})", ("a", "b")),
            (f"{index}, (a, b)", f"enumerate(zip({one}, {two}))", ("a", "b")),
            (f"{index}, c", f"enumerate({one}, 1)", ("c",)),
            ("a, b", f"zip({one}, {one}[1:])", ("a", "b")),
            ("c", f"{one}[::-1]", ("c",)),
            ("a, b", f"[({atoms[0]}, 1.5), (0.5, {atoms[1]})]", ("a", "b")),
        ]
        target, text, numbers = self.rng.choice(shapes)
        if matrices and self.rng.random() < 0.3:
            target, text, numbers = "row", self.rng.choice(matrices), ()
            inner.variables["row"] = Variable(VECTOR)
        for name in numbers:
            inner.variables[name] = Variable(NUMBER, protected=self.rng.random() < 0.7)
        if target.startswith(index):
            inner.variables[index] = Variable(INTEGER, protected=True)
        return [
            f"for {target} in {text}:",
            *self.loop_body(inner, context),
            *self.loop_else(scope, context),
        ]

    def while_loop(self, scope: Scope, context: Context) -> Lines:
        counter = next(
            n for n in ("n1", "n2", "n3", "n4", "n5", "n6") if n not in scope.variables or n == "n6"
        )
        limit = self.e.atom(INTEGER, scope, 0)
        inner = scope.copy()
        inner.variables[counter] = Variable(INTEGER, protected=True)
        condition = self.rng.choice(
            (
                f"{counter} < {limit}",
                f"{counter} < 3 and {self.condition(scope)}",
                f"{counter} < {limit}",
                "True",
            )
        )
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
        count = self.rng.choice(
            ("range(1, 4)", "range(3)", f"range({self.e.atom(INTEGER, scope, 0)} + 1)")
        )
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
        lines.append(
            f"    {name}.append({self.expression(NUMBER, inner, replace(context, loops=1), 2)})"
        )
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
        lines = [
            f"{name} = {self.rng.choice(('0', '0.0'))}",
            f"for row in {self.rng.choice(scope.of_kind(MATRIX))}:",
            f"    {name} = {name} + np.tanh(row)",
        ]
        self.bind(name, VECTOR, scope)
        self.bind("row", VECTOR, scope)
        return lines

    def leave_loop(self, scope: Scope, context: Context) -> Lines:
        body = self.block(
            scope.copy(), replace(context, depth=3, loops=0), self.rng.choice((0, 0, 1))
        )
        body = [line for line in body if line != "pass"]
        body.append(self.rng.choice(("break", "break", "continue")))
        return [f"if {self.condition(scope)}:", *indent(body)]
