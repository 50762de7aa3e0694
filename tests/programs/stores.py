"""Random programs that store into arrays: elements, slices, masks, views, callees that write.

Takes a random generator, gives the text of a module and the parameters of its `f`; requires the
expressions of the other programs. What is stored into is made in the program, or a parameter; two
names see one array where one is a view of the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .basics import Lines, indent
from .expressions import FLAG, INTEGER, MATRIX, NUMBER, VECTOR, Expressions, Scope, Variable

Shape = tuple[int, ...]
Target = tuple[str, Shape]

ARRAYS = ("u", "w", "q", "z", "buf", "M", "B", "H")
VIEWS = ("row", "col", "part", "sub", "top", "end")


@dataclass(frozen=True)
class Held:
    """An array that is stored into. root: the variable that it is a view of, itself if of none."""

    shape: Shape
    root: str


@dataclass(frozen=True)
class Writer:
    """A function that writes into its first parameter, and what it returns ("" for nothing)."""

    name: str
    shape: Shape
    result: str


@dataclass
class Place:
    """What is known at a place. loops: names that count from 0 up to the length of vectors."""

    scope: Scope = field(default_factory=Scope)
    held: dict[str, Held] = field(default_factory=dict)
    loops: tuple[str, ...] = ()
    depth: int = 0

    def inner(self, loop: str = "") -> Place:
        loops = (*self.loops, loop) if loop else self.loops
        return Place(self.scope.copy(), dict(self.held), loops, self.depth + 1)

    def knows(self, name: str) -> bool:
        return name in self.scope.variables


class Stores:
    """Draws programs; `length` is that of every vector."""

    def __init__(self, rng: random.Random, length: int) -> None:
        self.rng = rng
        self.length = length
        self.e = Expressions(rng, length, True)
        self.writers: list[Writer] = []

    # -- expressions

    def number(self, at: Place, depth: int = 2) -> str:
        return self.e.of_kind(NUMBER, at.scope, self.rng.randint(0, depth))

    def small(self, at: Place) -> str:
        """Return a number between -1 and 1."""
        return f"np.{self.rng.choice(('tanh', 'sin', 'cos'))}({self.number(at, 1)})"

    def value(self, shape: Shape, at: Place) -> str:
        """Return an expression that can be stored where so much is wanted."""
        whole = self.length
        if not shape or self.rng.random() < 0.2:
            return self.number(at)
        same = [name for name, held in at.held.items() if held.shape == shape]
        if same and self.rng.random() < 0.4:
            one = self.rng.choice(same)
            if len(shape) == 1 and self.rng.random() < 0.3:
                one = f"{one}[::-1]"
            return f"{self.small(at)} * {one}"
        kind = VECTOR if len(shape) == 1 else MATRIX
        text = self.e.of_kind(kind, at.scope, self.rng.randint(1, 2))
        if shape == (whole,) * len(shape):
            return text
        if all(size <= whole for size in shape):
            return f"np.tanh({text})[{', '.join(self.sliced(size) for size in shape)}]"
        return self.number(at)

    def sliced(self, size: int) -> str:
        """Return a slice of so many of the items there are."""
        start = self.rng.randint(0, self.length - size)
        if start + size == self.length and self.rng.random() < 0.5:
            return f"{start}:" if start else ":"
        return f"{start or ''}:{start + size}"

    def index(self, size: int, at: Place) -> str:
        """Return a valid index of an axis."""
        if at.loops and self.rng.random() < 0.6:
            loop = self.rng.choice(at.loops)
            if size == self.length:
                return self.rng.choice((loop, loop, f"{loop} - 1", f"-{loop} - 1"))
            return f"{loop} % {size}"
        if at.knows("n") and self.rng.random() < 0.2:
            return f"n % {size}"
        return str(self.rng.randrange(-size, size))

    def slice(self, size: int) -> Target:
        """Return a slice of an axis, and how many items that is."""
        texts = [":", "1:", ":-1", "::2", "::-1", "1::2", "-2:", ":1", "-1:0:-1", "1:-1"]
        known = [(text, len(range(size)[_as_slice(text)])) for text in texts]
        text, count = self.rng.choice([found for found in known if found[1]])
        return text, (count,)

    # -- targets

    def target(self, at: Place, name: str) -> Target:
        """Return a part of an array, as text, and its shape."""
        shape = at.held[name].shape
        draw = self.rng.random()
        if len(shape) == 1:
            (size,) = shape
            if draw < 0.5:
                return f"{name}[{self.index(size, at)}]", ()
            if draw < 0.8:
                text, found = self.slice(size)
                return f"{name}[{text}]", found
            if draw < 0.9 and size > 1:
                some = sorted(self.rng.sample(range(size), 2), reverse=self.rng.random() < 0.5)
                return f"{name}[{some}]", (2,)
            return f"{name}[{self.rng.choice((':', '...'))}]", shape
        rows, columns = shape
        if draw < 0.35:
            return f"{name}[{self.index(rows, at)}, {self.index(columns, at)}]", ()
        if draw < 0.5:
            return f"{name}[{self.index(rows, at)}]", (columns,)
        if draw < 0.65:
            return f"{name}[:, {self.index(columns, at)}]", (rows,)
        if draw < 0.75:
            text, found = self.slice(columns)
            return f"{name}[{self.index(rows, at)}, {text}]", found
        if draw < 0.92:
            one, first = self.slice(rows)
            two, second = self.slice(columns)
            return f"{name}[{one}, {two}]", (*first, *second)
        return f"{name}[:]", shape

    def stored(self, target: str, shape: Shape, at: Place) -> str:
        """Return a store or an in-place operator; values stay of moderate size."""
        text = self.value(shape, at)
        inside = bool(at.loops)
        shapes = (
            ("= {}", 2.0 if not inside else 0.0),
            ("= np.tanh({})", 3.0),
            ("+= 0.3 * ({})", 3.0),
            ("-= 0.2 * ({})", 1.5),
            ("*= np.cos({})", 2.0),
            ("*= {}", 0.7 if not inside else 0.0),
            ("/= 1.5 + ({}) ** 2", 1.0),
        )
        form = self.rng.choices([s for s, _ in shapes], [weight for _, weight in shapes])[0]
        return f"{target} {form.format(text)}"

    # -- statements

    def block(self, at: Place, count: int) -> Lines:
        lines: Lines = []
        for _ in range(count):
            lines += self.statement(at)
        return lines or ["pass"]

    def statement(self, at: Place) -> Lines:
        choices: list[tuple[float, Callable[[Place], Lines]]] = [
            (8, self.store),
            (2, self.whole),
            (2.5, self.view),
            (1.5, self.masked),
            (1, self.at_places),
            (1, self.at_several),
            (1.5, self.made),
            (1.5, self.assign),
            (2.5, self.call),
            (0.7, self.swap),
            (0.3, self.renamed),
        ]
        if at.loops:
            choices.append((3, self.lined_up))
        if at.depth < 2:
            choices += [(3, self.counted), (1.5, self.over_rows), (2, self.branch)]
        weights = [weight for weight, _ in choices]
        return self.rng.choices([make for _, make in choices], weights)[0](at)

    def array(self, at: Place, dims: int = 0) -> str | None:
        """Return a variable that is stored into."""
        names = [name for name, held in at.held.items() if dims in (0, len(held.shape))]
        weights = [1.0 + 0.5 * k for k in range(len(names))]
        return self.rng.choices(names, weights)[0] if names else None

    def store(self, at: Place) -> Lines:
        name = self.array(at)
        if name is None:
            return self.made(at)
        return [self.stored(*self.target(at, name), at)]

    def whole(self, at: Place) -> Lines:
        """An operator on a whole array: in place."""
        name = self.array(at)
        if name is None:
            return self.made(at)
        text = self.value(at.held[name].shape, at)
        form = self.rng.choice(
            ("+= 0.3 * ({})", "*= np.cos({})", "-= 0.2 * ({})", "/= 1.5 + ({}) ** 2")
        )
        return [f"{name} {form.format(text)}"]

    def view(self, at: Place) -> Lines:
        name = self.array(at)
        if name is None:
            return self.made(at)
        text, shape = self.target(at, name)
        if not shape or "[[" in text:
            return [self.stored(text, shape, at)]
        fresh = [x for x in VIEWS if not at.knows(x) and x not in at.held]
        if not fresh:
            return [self.stored(text, shape, at)]
        new = fresh[0] if self.rng.random() < 0.5 else self.rng.choice(fresh)
        self.hold(at, new, Held(shape, at.held[name].root))
        return [f"{new} = {text}"]

    def hold(self, at: Place, name: str, held: Held) -> None:
        """Bind a name to an array; views of what it was are not read any more."""
        for other in [x for x, h in at.held.items() if h.root == name and x != name]:
            del at.held[other]
            at.scope.variables.pop(other, None)
        at.held.pop(name, None)
        at.held[name] = held
        at.scope.variables.pop(name, None)
        if held.shape == (self.length,):
            at.scope.variables[name] = Variable(VECTOR)
        elif held.shape == (self.length, self.length):
            at.scope.variables[name] = Variable(MATRIX)

    def masked(self, at: Place) -> Lines:
        name = self.array(at)
        if name is None:
            return self.made(at)
        limit = self.rng.choice(("0.3", "-0.2", "0.55", "0.05"))
        other = self.rng.choice([x for x, h in at.held.items() if h.shape == at.held[name].shape])
        test = f"{other} {self.rng.choice('<>')} {limit}"
        lines: Lines = []
        if self.rng.random() < 0.4 and not at.knows("mask"):
            lines, test = [f"mask = {test}"], "mask"
        if self.rng.random() < 0.3:
            return [*lines, f"{name}[{test}] = np.tanh({other})[{test}] * {self.small(at)}"]
        return [*lines, self.stored(f"{name}[{test}]", (), at)]

    def at_places(self, at: Place) -> Lines:
        """`np.add.at`, which adds as often as a place is named."""
        name = self.array(at, 1)
        if name is None:
            return self.made(at)
        (size,) = at.held[name].shape
        where = [self.rng.randrange(size) for _ in range(self.length)]
        vector = self.e.of_kind(VECTOR, at.scope, 1)
        return [f"np.add.at({name}, {where}, 0.5 * ({vector}))"]

    def at_several(self, at: Place) -> Lines:
        """One statement that stores at several places."""
        name = self.array(at)
        other = self.array(at)
        if name is None or other is None:
            return self.made(at)
        one, first = self.target(at, name)
        two, second = self.target(at, other)
        if self.rng.random() < 0.5:
            return [f"{one} = {two} = {self.rng.choice(('0.0', '0.5', self.number(at)))}"]
        values = [self.rng.choice(("0.0", self.number(at))) for _ in range(2)]
        return [f"{one}, {two} = {', '.join(values)}"]

    def swap(self, at: Place) -> Lines:
        name = self.array(at, 1)
        if name is None:
            return self.made(at)
        (size,) = at.held[name].shape
        one, two = f"{name}[{self.index(size, at)}]", f"{name}[{self.index(size, at)}]"
        return [f"{one}, {two} = {two}, {one}"]

    def made(self, at: Place) -> Lines:
        """A new array: often under a new name, so that no views of the old one remain."""
        fresh = [x for x in ARRAYS if not at.knows(x)]
        if at.depth or not fresh:
            return self.assign(at)
        name = self.rng.choice(fresh)
        size = self.length
        matrix = self.rng.random() < 0.4
        kind, shape = (MATRIX, (size, size)) if matrix else (VECTOR, (size,))
        text = self.e.of_kind(kind, at.scope, self.rng.randint(1, 2))
        sides = f"({size}, {size})" if matrix else str(size)
        like = self.e.atom(kind, at.scope, 0)
        forms = (
            f"({text}) * {self.small(at)}",
            f"np.tanh({text})",
            f"({text}).copy()",
            f"np.zeros({sides})",
            f"np.zeros_like({like})",
            f"np.ones({sides})",
            f"np.array({like})",
        )
        lines = [f"{name} = {self.rng.choice(forms)}"]
        if self.rng.random() < 0.1:
            lines = [f"{name} = np.empty({sides})", f"{name}[:] = {text}"]
        self.hold(at, name, Held(shape, name))
        return lines

    def assign(self, at: Place) -> Lines:
        names = [x for x in ("s", "t", "acc") if not at.knows(x)] if not at.depth else []
        known = [x for x in ("s", "t", "acc") if at.knows(x)]
        if known and (not names or self.rng.random() < 0.6):
            return [f"{self.rng.choice(known)} += 0.4 * {self.small(at)}"]
        if not names:
            return self.store(at) if at.held else ["pass"]
        line = f"{names[0]} = {self.number(at)}"
        at.scope.variables[names[0]] = Variable(NUMBER)
        return [line]

    def renamed(self, at: Place) -> Lines:
        """Two names for one array, or two arrays that change names."""
        roots = [x for x, h in at.held.items() if h.root == x and len(h.shape) == 1]
        if len(roots) < 2 or at.depth:
            return self.store(at)
        one, two = self.rng.sample(roots, 2)
        for name in (one, two):
            self.hold(at, name, at.held[name])
        return [f"{one}, {two} = {two}, {one}"]

    def call(self, at: Place) -> Lines:
        if not self.writers:
            return self.store(at)
        writer = self.rng.choice(self.writers)
        places = [(x, h.shape) for x, h in at.held.items()]
        for x, h in at.held.items():
            if len(h.shape) == 2:
                rows, columns = h.shape
                places.append((f"{x}[{self.index(rows, at)}]", (columns,)))
                places.append((f"{x}[:, {self.index(columns, at)}]", (rows,)))
        fitting = [text for text, shape in places if shape == writer.shape]
        if not fitting:
            return self.store(at)
        target = self.rng.choice(fitting)
        called = f"{writer.name}({target}, {self.small(at)})"
        known = [x for x in ("s", "t", "acc") if at.knows(x)]
        if writer.result == NUMBER and known and self.rng.random() < 0.7:
            return [f"{self.rng.choice(known)} += 0.2 * {called}"]
        if writer.result == "same" and target in at.held and at.held[target].root == target:
            return [f"{target} = {called}"] if self.rng.random() < 0.5 else [called]
        return [called]

    def lined_up(self, at: Place) -> Lines:
        """Slices that end or begin where a loop is, the same on both sides."""
        loop = self.rng.choice(at.loops)
        name = self.array(at)
        assert name is not None
        shape = at.held[name].shape
        if set(shape) != {self.length}:
            return self.store(at)
        part = self.rng.choice((f":{loop}", f"{loop}:", f"{loop} + 1:", f": {loop} + 1"))
        small = self.small(at)
        same = [x for x, h in at.held.items() if h.shape == shape]
        other = self.rng.choice(same)
        if len(shape) == 1:
            vector = self.e.atom(VECTOR, at.scope, 0)
            forms = (
                f"{name}[{part}] += 0.3 * {small} * {other}[{part}]",
                f"{name}[{loop}] -= 0.2 * ({other}[{part}] @ {vector}[{part}])",
                f"{name}[{part}] = np.tanh({vector}[{part}]) * {small}",
                f"{name}[{loop}] = np.sin({other}[{loop} - 1]) * {small}",
                f"{name}[{loop}] /= 1.5 + {other}[{loop} - 1] ** 2",
            )
        else:
            forms = (
                f"{name}[{loop}, {part}] *= np.cos({other}[{loop}, {part}])",
                f"{name}[{part}, {loop}] /= 1.5 + {other}[{loop}, {loop}] ** 2",
                f"{name}[{part}, {loop}] -= 0.2 * {other}[{loop}, {part}]",
                f"{name}[{loop}] = np.tanh({other}[{loop} - 1]) * {small}",
                f"{name}[{part}] += 0.1 * {small} * {other}[{loop}]",
            )
        return [self.rng.choice(forms)]

    # -- loops and branches

    def counted(self, at: Place) -> Lines:
        loop = next(x for x in ("i", "j", "k") if not at.knows(x))
        size = self.length
        ranges = [f"range({size})", f"range(1, {size})", f"range({size} - 1, -1, -1)"]
        if at.loops:
            ranges += [f"range({at.loops[-1]})", f"range({at.loops[-1]} + 1, {size})"]
        inner = at.inner(loop)
        inner.scope.variables[loop] = Variable(INTEGER, protected=True)
        body = self.block(inner, self.rng.randint(1, 3))
        return [f"for {loop} in {self.rng.choice(ranges)}:", *indent(body)]

    def over_rows(self, at: Place) -> Lines:
        name = self.array(at, 2)
        row = next((x for x in ("line", "line2") if not at.knows(x)), None)
        if name is None or row is None:
            return self.counted(at)
        held = at.held[name]
        inner = at.inner()
        self.hold(inner, row, Held(held.shape[1:], held.root))
        over, target = name, row
        loop = next(x for x in ("i", "j", "k") if not at.knows(x))
        if self.rng.random() < 0.4 and held.shape[0] == self.length:
            over, target = f"enumerate({name})", f"{loop}, {row}"
            inner.scope.variables[loop] = Variable(INTEGER, protected=True)
            inner.loops = (*inner.loops, loop)
        lines = [self.stored(*self.target(inner, row), inner)]
        lines += self.block(inner, self.rng.randint(0, 2)) if self.rng.random() < 0.7 else []
        return [f"for {target} in {over}:", *indent([x for x in lines if x != "pass"])]

    def branch(self, at: Place) -> Lines:
        test = self.e.of_kind(FLAG, at.scope, 1)
        lines = [f"if {test}:", *indent(self.block(at.inner(), self.rng.randint(1, 2)))]
        if self.rng.random() < 0.5:
            lines += ["else:", *indent(self.block(at.inner(), self.rng.randint(1, 2)))]
        return lines

    # -- functions

    def writer(self, name: str) -> Lines:
        """A function that writes into its argument, of those before it too."""
        size = self.length
        shape = (size,) if self.rng.random() < 0.7 else (size, size)
        at = Place(depth=1)
        at.scope.variables["b"] = Variable(NUMBER)
        self.hold(at, "u", Held(shape, "u"))
        body = [x for x in self.block(at, self.rng.randint(1, 3)) if x != "pass"]
        body = body or ["u *= np.cos(b)"]
        result = self.rng.choice(("", "", NUMBER, "same"))
        if result == NUMBER:
            body.append(f"return {self.number(at)} * np.sum(u)")
        elif result:
            body.append("return u")
        self.writers.append(Writer(name, shape, result))
        return [f"def {name}(u, b):", *indent(body)]

    def program(self) -> tuple[Lines, list[tuple[str, str]]]:
        """Return the lines of a module, and the parameters of `f` by kind."""
        lines = ["import math", "import numpy as np"]
        for k in range(self.rng.choice((0, 0, 1, 1, 2))):
            lines += self.writer(f"write{k + 1}")
        params = [("x", NUMBER), ("v", VECTOR), ("A", MATRIX)]
        if self.rng.random() < 0.5:
            params.append(("n", INTEGER))
        at = Place()
        for name, kind in params:
            at.scope.variables[name] = Variable(kind)
        # a function may store into its own arguments
        own = self.rng.random()
        if own < 0.5:
            self.hold(at, "v", Held((self.length,), "v"))
        if own < 0.25:
            self.hold(at, "A", Held((self.length, self.length), "A"))
        body = self.made(at) if own > 0.1 else []
        body += self.block(at, self.rng.randint(2, 6))
        parts = [f"np.sum({name} * {name})" for name, held in at.held.items() if held.root == name]
        parts += [f"np.sum({name})" for name, held in at.held.items() if held.root != name]
        parts += [name for name in ("s", "t", "acc") if at.knows(name)]
        parts.append(self.number(at))
        self.rng.shuffle(parts)
        result = " + ".join(parts)
        if self.rng.random() < 0.15:
            roots = [name for name, held in at.held.items() if held.root == name]
            result = f"{result}, {self.rng.choice(roots)}" if roots else result
        lines += [
            f"def f({', '.join(name for name, _ in params)}):",
            *indent([*body, f"return {result}"]),
        ]
        return lines, params


def _as_slice(text: str) -> slice:
    """Return a slice from its text.

    >>> _as_slice("1::-2")
    slice(1, None, -2)
    """
    return slice(*(int(part) if part else None for part in text.split(":")))
