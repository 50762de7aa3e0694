"""Random expressions by kind, as fully parenthesised text.

Takes a random generator and a scope, gives the text of an expression of the wanted kind;
requires nothing. `generate` normalises the parentheses, so text here may have too many.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from .templates import (
    CONDITIONS,
    INTEGERS,
    MATRICES,
    REDUCING,
    SCALAR,
    VECTORS,
    Templates,
)

NUMBER, VECTOR, MATRIX, INTEGER, LIST, PAIR, FLAG = (
    "number",
    "vector",
    "matrix",
    "integer",
    "list",
    "pair",
    "flag",
)


@dataclass
class Variable:
    """A name in scope. protected: never assigned; fixed: keeps its kind."""

    kind: str
    protected: bool = False
    fixed: bool = False


@dataclass(frozen=True)
class Callee:
    """Something to call: parameters as (name, kind, has a default)."""

    name: str
    params: tuple[tuple[str, str, bool], ...]
    result: str
    local: bool = False


@dataclass
class Scope:
    """Names that are certainly bound at a place, in a fixed order."""

    variables: dict[str, Variable] = field(default_factory=dict)
    callees: list[Callee] = field(default_factory=list)

    def copy(self, fixed: bool = True) -> Scope:
        """Return a scope for a nested block, in which outer names keep their kind."""
        return Scope(
            {n: Variable(v.kind, v.protected, v.fixed or fixed) for n, v in self.variables.items()},
            list(self.callees),
        )

    def of_kind(self, kind: str) -> list[str]:
        return [name for name, variable in self.variables.items() if variable.kind == kind]


OF_ARRAYS = re.compile(r"<[vmwqkL]\d?>")
HOLE = re.compile(r"<([a-zL])(\d?)>")
CONSTANTS = ("0.5", "1.5", "-0.7", "2.0", "0.1", "1e-1", "3", "2", "1", "0.25", "-1.0", ".75", "1.")
THRESHOLDS = ("0.3", "-0.2", "0.05", "0.9", "0", "-1", "0.45", "1.3")


class Expressions:
    """Draws expressions; `length` is that of every vector, `arrays` whether there are any."""

    def __init__(self, rng: random.Random, length: int, arrays: bool) -> None:
        self.rng = rng
        self.length = length
        self.arrays = arrays

    def draw(self, templates: Templates) -> str:
        usable = templates
        if not self.arrays:
            usable = tuple(t for t in templates if not OF_ARRAYS.search(t[1]))
        return self.rng.choices([text for _, text in usable], [weight for weight, _ in usable])[0]

    def fill(self, template: str, scope: Scope, depth: int) -> str:
        same: dict[str, str] = {}

        def hole(match: re.Match[str]) -> str:
            letter, number = match.groups()
            if letter not in "awq":
                return self._hole(letter, scope, depth)
            if letter + number not in same:
                same[letter + number] = self._hole(letter, scope, depth)
            return same[letter + number]

        return HOLE.sub(hole, template)

    def _hole(self, letter: str, scope: Scope, depth: int) -> str:
        kinds = {"n": NUMBER, "v": VECTOR, "m": MATRIX, "i": INTEGER, "c": FLAG}
        if letter in kinds:
            return self.of_kind(kinds[letter], scope, depth - 1)
        if letter in "awq":
            return self.atom({"a": NUMBER, "w": VECTOR, "q": MATRIX}[letter], scope, depth)
        if letter == "k":
            return self.index(scope)
        return str(self.length) if letter == "L" else self.rng.choice(THRESHOLDS)

    def of_kind(self, kind: str, scope: Scope, depth: int) -> str:
        """Return an expression of that kind."""
        if kind == PAIR:
            items = [self.of_kind(NUMBER, scope, depth - 1) for _ in range(2)]
            return f"({', '.join(items)})"
        if kind == LIST:
            return self.list_display(scope, depth)
        if depth <= 0 or self.rng.random() < 0.12:
            return self.atom(kind, scope, depth)
        called = [c for c in scope.callees if c.result == kind]
        if called and self.rng.random() < 0.25:
            return self.call(self.rng.choice(called), scope, depth - 1)
        if kind == NUMBER:
            if self.rng.random() < 0.2:
                found = self.container_read(scope, depth)
                if found:
                    return found
            reducing = self.arrays and self.rng.random() < 0.3
            return self.fill(self.draw(REDUCING if reducing else SCALAR), scope, depth)
        templates = {VECTOR: VECTORS, MATRIX: MATRICES, INTEGER: INTEGERS, FLAG: CONDITIONS}[kind]
        return self.fill(self.draw(templates), scope, depth)

    def atom(self, kind: str, scope: Scope, depth: int) -> str:
        """Return a variable of that kind, else the shortest expression."""
        names = scope.of_kind(kind)
        if kind == NUMBER:
            if names and self.rng.random() < 0.9:
                return self.recent(names)
            if self.arrays and scope.of_kind(VECTOR) and self.rng.random() < 0.5:
                return f"{self.rng.choice(scope.of_kind(VECTOR))}[{self.index(scope)}]"
            return self.rng.choice(CONSTANTS)
        if kind == INTEGER:
            return (
                self.rng.choice(names)
                if names and self.rng.random() < 0.8
                else self.rng.choice("0123")
            )
        if kind == FLAG:
            if names and self.rng.random() < 0.5:
                return self.rng.choice(names)
            return self.fill("(<a> > <b>)", scope, 0)
        if names:
            return self.recent(names)
        if kind == VECTOR:
            items = [self.atom(NUMBER, scope, 0) for _ in range(self.length)]
            return f"np.array([{', '.join(items)}])"
        vector = self.atom(VECTOR, scope, 0)
        return f"np.outer({vector}, {self.atom(VECTOR, scope, 0)})"

    def recent(self, names: list[str]) -> str:
        """Return one of the names, the later ones more often."""
        return self.rng.choices(names, [1.0 + 0.4 * k for k in range(len(names))])[0]

    def index(self, scope: Scope) -> str:
        integers = scope.of_kind(INTEGER)
        if integers and self.rng.random() < 0.6:
            return f"({self.rng.choice(integers)} % {self.length})"
        return str(self.rng.randrange(-self.length, self.length))

    def container_read(self, scope: Scope, depth: int) -> str | None:
        lists, pairs = scope.of_kind(LIST), scope.of_kind(PAIR)
        if pairs and self.rng.random() < 0.5:
            return f"{self.rng.choice(pairs)}[{self.rng.choice(('0', '1', '-1'))}]"
        if not lists:
            return None
        name = self.rng.choice(lists)
        integer = self.of_kind(INTEGER, scope, 1)
        reads = (
            f"{name}[-1]",
            f"{name}[0]",
            f"sum({name})",
            f"{name}[{integer} % len({name})]",
            f"max({name})",
            f"(len({name}) * 0.5)",
            f"sum([e * e for e in {name}])",
            f"sum(e * {self.atom(NUMBER, scope, 0)} for e in {name})",
            f"sum([a * b for a, b in zip({name}, {name}[1:])])",
            f"sum({name}[::-1][:2])",
        )
        return self.rng.choice(reads)

    def list_display(self, scope: Scope, depth: int) -> str:
        """Return a list of numbers that is not empty."""
        vectors, lists = scope.of_kind(VECTOR), scope.of_kind(LIST)
        drawn = self.rng.random()
        item = self.rng.choice(("c", "e", "x0"))
        inner = scope.copy()
        inner.variables[item] = Variable(NUMBER, protected=True)
        if vectors and self.arrays and drawn < 0.25:
            element = self.of_kind(NUMBER, inner, depth - 1)
            return f"[{element} for {item} in {self.rng.choice(vectors)}]"
        if lists and drawn < 0.5:
            return (
                f"[{self.of_kind(NUMBER, inner, depth - 1)} for {item} in {self.rng.choice(lists)}]"
            )
        if drawn < 0.65:
            inner.variables[item] = Variable(INTEGER, protected=True)
            element = self.of_kind(NUMBER, inner, depth - 1)
            return f"[{element} for {item} in range({self.rng.randint(1, 4)})]"
        items = [self.of_kind(NUMBER, scope, depth - 2) for _ in range(self.rng.randint(1, 3))]
        return f"[{', '.join(items)}]"

    def call(self, callee: Callee, scope: Scope, depth: int) -> str:
        """Return a call: positional arguments, then keywords, defaults sometimes left out."""
        parts: list[str] = []
        keywords = False
        for name, kind, optional in callee.params:
            if optional and self.rng.random() < 0.4:
                keywords = True
                continue
            value = self.of_kind(kind, scope, min(depth, 2))
            keywords = keywords or self.rng.random() < 0.15
            parts.append(f"{name}={value}" if keywords else value)
        return f"{callee.name}({', '.join(parts)})"
