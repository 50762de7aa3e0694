"""Random expressions by kind, as fully parenthesised text.

Takes a random generator and a scope, gives the text of an expression of the wanted kind;
requires nothing. `generate` normalises the parentheses, so text here may have too many.

Templates: `<n>` a number, `<v>` a vector, `<m>` a matrix, `<i>` an integer, `<c>` a condition, each
drawn anew; `<a>` `<w>` `<q>` a number, vector, matrix that is a variable where there is one, the same
at each place of one template (`<a2>`, `<w2>` another); `<k>` a valid index; `<L>` the length.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

NUMBER, VECTOR, MATRIX, INTEGER, LIST, PAIR, FLAG = (
    "number", "vector", "matrix", "integer", "list", "pair", "flag",
)  # fmt: skip


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


Templates = tuple[tuple[float, str], ...]

SCALAR: Templates = (
    (8, "(<n> + <n>)"), (6, "(<n> - <n>)"), (8, "(<n> * <n>)"), (3, "(-<n>)"), (1, "(+<n>)"),
    (4, "(<n> / (1.5 + (<a> * <a>)))"), (2, "(<n> / 2)"), (2, "(0.7 * <n>)"), (1, "(<n> / (1.0 + (<i> ** 2)))"),
    (3, "math.sin(<n>)"), (2, "math.cos(<n>)"), (4, "math.tanh(<n>)"), (2, "math.exp(-(<a> * <a>))"),
    (2, "math.log(1.5 + (<a> ** 2))"), (2, "math.sqrt(0.5 + (<a> * <a>))"), (1, "math.atan(<n>)"),
    (1, "math.exp(math.sin(<n>))"), (1, "math.atan2(<n>, (1.5 + (<a> * <a>)))"),
    (1, "math.hypot(<n>, 1.25)"), (1, "math.log1p(<a> * <a>)"), (1, "math.pow((1.5 + (<a> * <a>)), 0.75)"),
    (1, "math.expm1(math.tanh(<n>))"), (1, "math.sinh(math.tanh(<n>))"), (1, "math.cosh(math.sin(<n>))"),
    (1, "math.fabs(<n>)"), (1, "math.asin(0.5 * math.sin(<n>))"),
    (2, "np.sin(<n>)"), (1, "np.tanh(<n>)"), (1, "np.exp(-(<a> ** 2))"), (1, "np.sqrt(1.5 + (<a> ** 2))"),
    (3, "(<a> ** 2)"), (1, "(<a> ** 3)"), (1, "(1.5 ** math.tanh(<n>))"), (1, "(2 ** math.sin(<n>))"),
    (1, "((1.25 + (<a> * <a>)) ** (0.5 * math.sin(<a2>)))"), (1, "(math.tanh(<a>) ** (<i> % 3))"),
    (1, "((1.5 + (<a> ** 2)) ** -1.5)"), (1, "pow(<a>, 2)"), (1, "(<a> * <i>)"), (1, "float(<n>)"),
    (2, "abs(<n>)"), (1, "min(<n>, <n>)"), (1, "max(<n>, <n>)"), (1, "max(<n>, <n>, 0.25)"),
    (3, "(<n> if <c> else <n>)"), (1, "(<n> % 3.0)"), (1, "float(<i>)"), (0.5, "(<a> * int(<a2>))"),
    (0.5, "(<n> + round(<a>))"), (0.5, "(<n>, <n>)[<i> % 2]"), (0.5, '{"p": <n>, "q": <n>}["q"]'),
    (0.5, "[<n>, <n>, <n>][<i> % 3]"), (0.5, "sum([<n>, <n>])"), (0.5, "divmod(<a>, 2.0)[1]"),
    (0.5, "(lambda t: (t * <a>))(<n>)"), (0.5, "sum((<n>, <n>, <n>), <n>)"), (0.3, "(<n> * (<a> > 0.1))"),
)  # fmt: skip

REDUCING: Templates = (
    (3, "<v>[<k>]"), (2, "<w>[-1]"), (2, "<w>[0]"), (2, "<q>[<k>, <k>]"), (1, "<q>[<k>][<k>]"), (3, "np.sum(<v>)"), (2, "<w>.sum()"),
    (2, "(<v> @ <v>)"), (2, "np.dot(<v>, <v>)"), (2, "np.mean(<v>)"), (1, "np.max(<v>)"),
    (1, "np.min(<v>)"), (1, "<w>.max()"), (1, "np.prod(np.tanh(<v>))"), (1, "np.linalg.norm(1.5 + (<w> * <w>))"),
    (1, "np.trace(<m>)"), (1, "np.sum(<m>)"), (1, "<q>.sum()"), (1, "np.mean(<m>)"), (1, "<q>.mean()"),
    (1, "np.var(<v>)"), (1, "np.std((<v> + np.linspace(0.0, 3.0, <L>)))"), (1, "sum(<v>)"), (1, "np.sum(<w>[1:] * <w2>[:-1])"),
    (1, "np.sum(<w>[<w2> > 0.1])"), (0.5, "np.inner(<v>, <v>)"), (0.5, "(<w> @ (<m> @ <w2>))"),
    (0.5, "<w>[::-1][<k>]"), (0.5, "<q>.T[<k>, <k>]"), (0.5, "(len(<w>) * <n>)"), (0.5, "(<w>.shape[0] * <n>)"),
    (0.5, "np.sum(<q>, axis=0)[<k>]"), (0.5, "np.max(<m>)"), (0.5, "<w>.dot(<w2>)"), (0.5, "np.cumsum(<v>)[-1]"),
    (0.5, "<w>[...][<k>]"), (0.5, "max(<w>)"), (0.5, "np.sum(<w>, keepdims=True)[0]"), (0.5, "<q>[<k>, :][<k>]"),
)  # fmt: skip

VECTORS: Templates = (
    (6, "(<v> + <v>)"), (4, "(<v> - <v>)"), (5, "(<v> * <v>)"), (4, "(<n> * <v>)"), (2, "(<v> + <n>)"), (2, "(-<v>)"),
    (2, "(<v> / (1.5 + (<w> * <w>)))"), (2, "(<v> / (1.5 + (<a> * <a>)))"), (2, "(<n> / (1.5 + (<w> ** 2)))"), (2, "np.sin(<v>)"), (3, "np.tanh(<v>)"),
    (2, "np.exp(-(<w> * <w>))"), (1, "np.sqrt(0.5 + (<w> * <w>))"), (1, "np.log(1.5 + (<w> ** 2))"), (2, "(<w> ** 2)"),
    (1, "(1.5 ** np.sin(<v>))"), (2, "(<m> @ <v>)"), (2, "(<v> @ <m>)"), (1, "np.dot(<m>, <v>)"), (1, "np.matmul(<m>, <v>)"), (2, "<q>[<k>]"),
    (1, "<q>[:, <k>]"), (1, "np.where((<w> > 0.1), <v>, <v>)"), (1, "np.maximum(<v>, <n>)"), (1, "np.maximum(<v>, 0.0)"),
    (1, "np.minimum(<v>, <v>)"), (1, "np.clip(<v>, -0.7, 0.8)"), (1, "np.abs(<v>)"), (1, "np.cumsum(<v>)"), (1, "<w>[::-1]"),
    (1, "np.concatenate([<w>[1:], <w2>[:1]])"), (1, "(np.ones(<L>) * <n>)"), (1, "(np.zeros(<L>) + <v>)"), (1, "np.linspace(0.0, <n>, <L>)"),
    (1, "np.sum(<m>, axis=0)"), (1, "<q>.sum(axis=1)"), (1, "np.mean(<m>, axis=1)"), (1, "np.max(<m>, axis=0)"), (0.5, "np.full(<L>, <n>)"),
    (0.5, "(np.zeros_like(<w>) + <n>)"), (0.5, "<q>.ravel()[:<L>]"), (0.5, "np.squeeze(<w>[None, :])"), (0.5, "np.expand_dims(<w>, 0)[0]"),
    (0.5, "np.broadcast_to(<n>, (<L>,))"), (0.5, "np.asarray(<w>)"), (0.5, "<w>.reshape(<L>, 1)[:, 0]"), (0.5, "<q>.T[<k>]"), (0.5, "np.transpose(<q>)[<k>]"),
    (0.5, "np.min(<q>, axis=1, keepdims=True)[:, 0]"), (0.5, "(<v> if <c> else <v>)"), (0.5, "np.arctan2(<v>, (1.5 + (<w> * <w>)))"), (0.5, "(<w> * <i>)"),
    (0.5, "np.cos(<v>)"), (0.5, "np.outer(<w>, <w2>)[<k>]"), (0.5, "np.hypot(<v>, 1.5)"), (0.5, "np.array([(t * <a>) for t in <w>])"),
    (0.5, "(<q> @ <w>[:, None])[:, 0]"), (0.5, "<w>[np.arange(<L>)]"), (0.5, "np.where(<c>, <v>, <v>)"), (0.5, "np.logaddexp(<v>, <w>)"),
    (0.5, "<w>[[<k> for _ in range(<L>)]]"), (0.5, "np.prod(np.tanh(<q>), axis=1)"), (0.5, "np.power((1.5 + (<w> * <w>)), 0.75)"),
)  # fmt: skip

MATRICES: Templates = (
    (4, "(<m> + <m>)"), (3, "(<m> * <m>)"), (3, "(<n> * <m>)"), (2, "(<m> - <v>)"), (2, "(<m> @ <m>)"), (2, "<q>.T"), (1, "np.transpose(<q>)"),
    (2, "np.outer(<v>, <v>)"), (2, "(<w>[:, None] * <w2>)"), (2, "np.tanh(<m>)"), (1, "np.sin(<m>)"), (1, "(<m> * <w>[:, None])"),
    (1, "(<m> / (1.5 + (<q> * <q>)))"), (1, "np.broadcast_to(<v>, (<L>, <L>))"), (1, "np.where((<q> > 0.1), <m>, 0.5)"), (1, "(<q> - np.mean(<q>, axis=0))"),
    (1, "(<q> - np.sum(<q>, axis=1, keepdims=True))"), (0.5, "np.reshape(<q>, (<L> * <L>,)).reshape(<L>, <L>)"), (0.5, "(<q> ** 2)"), (0.5, "np.maximum(<m>, <v>)"),
    (0.5, "np.cumsum(<m>, axis=1)"), (0.5, "<q>[::-1]"), (0.5, "np.concatenate([<q>[1:], <q>[:1]], axis=0)"), (0.5, "(<m> @ <q>.T)"), (0.5, "<q>[:, ::-1]"),
)  # fmt: skip

INTEGERS: Templates = (
    (3, "(<i> + 1)"), (2, "(<i> - 1)"), (1, "(<i> // 2)"), (1, "(<i> % 3)"), (1, "(<i> + <i>)"), (1, "abs(<i> - 2)"), (1, "min(<i>, 2)"),
    (1, "(<i> if <c> else 2)"), (0.5, "divmod(<i>, 2)[0]"), (0.5, "int(<i> / 2)"), (0.5, "max(<i>, 1)"), (0.5, "(2 * <i>)"),
)  # fmt: skip

CONDITIONS: Templates = (
    (6, "(<a> > <b>)"), (4, "(<a> < <b>)"), (2, "(<n> >= <b>)"), (2, "(<a> <= <a2>)"), (1, "(-0.5 < <a> <= <b>)"), (2, "((<i> % 2) == 0)"),
    (2, "(<i> > 1)"), (1, "(<i> != 2)"), (1, "(<i> in (0, 2, 5))"), (2, "(<c> and <c>)"), (2, "(<c> or <c>)"), (2, "(not <c>)"), (1, "(abs(<a>) < 1.1)"),
)  # fmt: skip

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
            return f"({self.of_kind(NUMBER, scope, depth - 1)}, {self.of_kind(NUMBER, scope, depth - 1)})"
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
            return self.rng.choice(names) if names and self.rng.random() < 0.8 else self.rng.choice("0123")
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
            f"{name}[-1]", f"{name}[0]", f"sum({name})", f"{name}[{integer} % len({name})]", f"max({name})", f"(len({name}) * 0.5)",
            f"sum([e * e for e in {name}])", f"sum(e * {self.atom(NUMBER, scope, 0)} for e in {name})",
            f"sum([a * b for a, b in zip({name}, {name}[1:])])", f"sum({name}[::-1][:2])",
        )  # fmt: skip
        return self.rng.choice(reads)

    def list_display(self, scope: Scope, depth: int) -> str:
        """Return a list of numbers that is not empty."""
        vectors, lists = scope.of_kind(VECTOR), scope.of_kind(LIST)
        drawn = self.rng.random()
        item = self.rng.choice(("c", "e", "x0"))
        inner = scope.copy()
        inner.variables[item] = Variable(NUMBER, protected=True)
        if vectors and self.arrays and drawn < 0.25:
            return f"[{self.of_kind(NUMBER, inner, depth - 1)} for {item} in {self.rng.choice(vectors)}]"
        if lists and drawn < 0.5:
            return f"[{self.of_kind(NUMBER, inner, depth - 1)} for {item} in {self.rng.choice(lists)}]"
        if drawn < 0.65:
            inner.variables[item] = Variable(INTEGER, protected=True)
            return f"[{self.of_kind(NUMBER, inner, depth - 1)} for {item} in range({self.rng.randint(1, 4)})]"
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
