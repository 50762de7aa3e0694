"""The language as a table: each construct, an example, and whether it is differentiated or refused.

Takes nothing, gives `CONSTRUCTS` and the page printed from it (docs/language.md); requires only the
standard library. To write the page: `python -m s2s_ad.frontend.subset > docs/language.md`.

An example is the body of `f` in `program`; tests/test_language_table.py tries each in both modes.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

HEADER = """\
import contextlib
import functools
import math
import threading

import numpy as np

RATE = 0.4
LOCK = threading.Lock()


class Body:
    mass = 2.0
    speed = 0.0

    def energy(self, v):
        return 0.5 * self.mass * v * v


BODY = Body()


class Ball:
    def __init__(self, speed):
        self.speed = speed

    def push(self, by):
        self.speed += by

    @property
    def energy(self):
        return self.speed**2


def square(t):
    return t * t


def scaled(t, factor=2.0, *, shift=0.0):
    return factor * t + shift


def split(t):
    return math.cos(t), math.sin(t)


def power(t, k):
    return 1.0 if k == 0 else t * power(t, k - 1)


def squares(t):
    yield t * t


def apply(function, t):
    return function(t)
"""
CALL = "f(0.7, 3, [0.5, 1.5, -0.2], {'rate': 0.4, 'size': 1.5}, np.array([0.5, -0.25, 1.5]))"
PARAMS = "x, n, xs, d, v"


@dataclass(frozen=True)
class Construct:
    """One line of the table. example: statements; wrt: what they are differentiated by.

    refused: what to write instead where it is not differentiated, empty where it is. reverse_only:
    refused in reverse mode alone.
    """

    topic: str
    name: str
    example: str
    note: str = ""
    wrt: str = "x"
    refused: str = ""
    reverse_only: bool = False

    @property
    def status(self) -> str:
        return "refused" if self.refused else "supported"


def program(construct: Construct) -> str:
    """Return a module whose `f` has the example as its body; it returns `y` when that says nothing.

    >>> print(program(Construct("", "", "y = x * x")).partition(HEADER)[2].strip())
    def f(x, n, xs, d, v):
        y = x * x
        return y
    """
    body = construct.example
    if not body.splitlines()[-1].startswith("return"):
        body += "\nreturn y"
    return f"{HEADER}\n\ndef f({PARAMS}):\n{textwrap.indent(body, '    ')}\n"


def _topic(topic: str, *constructs: Construct) -> tuple[Construct, ...]:
    return tuple(replace(c, topic=topic) for c in constructs)


def _yes(name: str, example: str, note: str = "", wrt: str = "x") -> Construct:
    return Construct("", name, example, note, wrt)


def _no(
    name: str, example: str, instead: str, wrt: str = "x", reverse_only: bool = False
) -> Construct:
    return Construct("", name, example, "", wrt, instead, reverse_only)


SWAPPED = """\
a, b = v.copy(), v.copy()
for _ in range(n):
    b[1:] = a[1:] * a[:-1]
    a, b = b, a
y = a @ a"""

CONSTRUCTS: tuple[Construct, ...] = (
    *_topic(
        "Assignments",
        _yes("assignment", "y = x * x"),
        _yes("overwriting", "y = x * x\ny = y * x", "a variable may change its kind"),
        _yes("tuple targets", "a, (b, c) = x, (x * x, 2.0)\ny = a * b * c"),
        _yes("swap", "a, b = x, x * x\na, b = b, a\ny = a - b * x"),
        _yes("chained targets", "a = b = x * x\ny = a * b"),
        _yes("augmented assignment", "y = x\ny *= x\ny -= 0.5 * x"),
        _yes("annotations", "y: float = x * x"),
        _yes("named expression", "y = (t := x * x) + t"),
        _yes("unpacking a list", "a, b, c = xs\ny = a * b * c", wrt="xs"),
        _yes("unpacking with a star", "a, *rest = xs\ny = a * rest[0]", wrt="xs"),
        _no("store into an attribute", "BODY.speed = x * x\ny = BODY.speed", "use a variable"),
        _no("writing a global", "global RATE\nRATE = x\ny = RATE * x", "return the value"),
    ),
    *_topic(
        "Expressions",
        _yes("arithmetic", "y = -x + 2 * x / 3 - x**2 + x // 0.4 + x % 0.4"),
        _yes("comparison", "y = x if 0.0 < x <= 1.0 else -x"),
        _yes("conditional expression", "y = x * x if x > 0.5 else x"),
        _yes("and, or, not", "y = x * x if x > 0.5 and not n > 5 or n == 2 else x"),
        _yes("f-string", 'y = x * len(f"{n:>4}")', "text carries no derivative"),
        _yes("number builtins", "y = abs(x) + min(x, 1.0) + max(x, 0.0) + pow(x, 2)"),
        _yes("rounding", "y = x * float(round(x)) + x * int(x)", "slope 0, see conventions.md"),
        _yes("divmod", "a, y = divmod(x, 0.4)"),
        _no("await", "async def go():\n    await x\ny = x", "differentiate the synchronous part"),
    ),
    *_topic(
        "Branches",
        _yes(
            "if, elif, else",
            "if x > 1.0:\n    y = x\nelif x > 0.5:\n    y = x * x\nelse:\n    y = 0.0",
        ),
        _yes("defined in one branch", "y = x\nif x > 0.5:\n    t = x * x\n    y = t * t"),
        _yes(
            "early return",
            "if x < 0.0:\n    return -x\nreturn x * x",
            "to any depth, also in loops",
        ),
        _yes(
            "assert and raise",
            'assert n > 0, "empty"\nif x < 0.0:\n    raise ValueError(x)\ny = x * x',
        ),
        _no("match", "match n:\n    case 3:\n        y = x", "write it with `if` and `elif`"),
    ),
    *_topic(
        "Loops",
        _yes("for over a range", "y = x\nfor k in range(n, 0, -1):\n    y = y * x + k", "any step"),
        _yes("for over a sequence", "y = 1.0\nfor t in xs:\n    y *= t", wrt="xs"),
        _yes("for over an array", "y = 1.0\nfor t in v:\n    y *= t", wrt="v"),
        _yes("enumerate", "y = 0.0\nfor k, t in enumerate(xs):\n    y += k * t * t", wrt="xs"),
        _yes("zip", "y = 0.0\nfor a, b in zip(xs, v):\n    y += a * b", wrt="xs v"),
        _yes("reversed", "y = x\nfor t in reversed(xs):\n    y = y * t + x"),
        _yes("while", "y = x\nwhile y < 2.0:\n    y = y * 1.5 + x"),
        _yes("break", "y = x\nfor k in range(9):\n    y = y * 1.5\n    if y > 2.0:\n        break"),
        _yes(
            "continue", "y = x\nfor k in range(n):\n    if k == 1:\n        continue\n    y = y * x"
        ),
        _yes("else of a loop", "y = x\nfor k in range(n):\n    y = y * x\nelse:\n    y = y + x"),
        _yes(
            "nested loops",
            "y = 1.0\nfor i in range(n):\n    for j in range(i):\n        y *= x + j",
        ),
        _yes(
            "return from a loop",
            "for k in range(n):\n    if k * x > 1.0:\n        return k * x * x\nreturn x",
        ),
    ),
    *_topic(
        "Functions",
        _yes("call of a function", "y = square(x) * x", "in any module, to any depth"),
        _yes("keywords and defaults", "y = scaled(x, shift=x * x) + scaled(x, 3.0)"),
        _yes("tuple result", "a, b = split(x)\ny = a * b"),
        _yes("recursion", "y = power(x, n)", "mutual recursion too"),
        _yes("lambda", "cube = lambda t: t * t * t\ny = cube(x) * cube(2.0)"),
        _yes("nested function", "def inner(t):\n    return t * x\n\ny = inner(x * x)"),
        _yes("function argument", "y = apply(square, x)"),
        _yes("method that reads self", "y = BODY.energy(x)"),
        _yes(
            "object made here",
            "ball = Ball(x)\nball.push(x * x)\ny = ball.energy * ball.speed",
            "of a class without `__getattr__` and its like; operators, `super()`, dataclasses too",
        ),
        _no(
            "object under two names",
            "ball = Ball(x)\nother = ball\nother.push(x)\ny = ball.speed",
            "use one name",
        ),
        _yes("module constant", "y = RATE * x", "its value at the time of the call"),
        _yes("star of a tuple", "args = (x, 3.0)\ny = scaled(*args)"),
        _yes("closure handed over", "def inner(t):\n    return t * x\n\ny = apply(inner, x)"),
        _no(
            "closure kept as a value",
            "def inner(t):\n    return t * x\n\nitems = [inner]\ny = items[0](x)",
            "hand it to the function that calls it",
        ),
        _no("generator", "y = sum(squares(x))", "return a list"),
        _no("yield", "yield x * x\nreturn x", "return a list"),
        _no(
            "decorated local function",
            "@functools.cache\ndef g(t):\n    return t\n\ny = g(x)",
            "decorate it outside",
        ),
        _no(
            "class inside a function",
            "class Point:\n    pass\n\ny = x",
            "define it at module level",
        ),
        _no(
            "function without a rule",
            "y = np.linalg.multi_dot([v, np.diag(v), v])",
            "declare its derivative",
            "v",
        ),
    ),
    *_topic(
        "Lists, tuples and dicts",
        _yes("display and constant index", "pair = (x, x * x)\ny = pair[0] * pair[1]"),
        _yes("computed index", "items = [x, x * x, 3.0]\ny = items[n - 2] * items[-1]"),
        _yes("argument", "y = xs[0] * xs[n - 1]", wrt="xs"),
        _yes("dict", 'y = d["size"] * math.exp(-d["rate"] * x)', wrt="d x"),
        _yes(
            "append",
            "items = [x]\nfor k in range(n):\n    items.append(items[k] * x)\ny = items[-1]",
        ),
        _yes("comprehension", "y = sum([t * x for t in xs if t > 0.0])", wrt="xs x"),
        _yes("slice", "y = sum(xs[1:]) * xs[0]", wrt="xs"),
        _yes(
            "store into a list made here", "items = [x, 2.0]\nitems[1] = items[0] * x\ny = items[1]"
        ),
        _yes("dict comprehension", "table = {k: k * x for k in range(n)}\ny = table[2]"),
        _yes("star in a display", "items = [*xs, 1.0]\ny = items[0]", wrt="xs"),
        _yes("list times number", "items = [x, 2.0]\nitems *= 2\ny = items[2]"),
        _yes("concatenation", "items = xs + [1.0]\ny = items[0] * items[-1]", wrt="xs"),
        _yes(
            "sorted, min and max with a key",
            "a = sorted(xs)\ny = a[0] * max(xs, key=abs)",
            wrt="xs",
        ),
        _yes(
            "map, filter, reduce", "y = sum(map(square, filter(lambda t: t > 0.0, xs)))", wrt="xs"
        ),
        _yes(
            "methods of lists",
            "items = [x, 1.0]\nitems.insert(0, x * x)\nitems.sort()\ny = items.pop(1)",
            "`insert`, `extend`, `pop`, `reverse`, `sort`, `copy`, `index`, `count`",
        ),
        _yes(
            "methods of dicts",
            "table = {'a': x}\ntable.update(b=x * x)\ny = table.get('b', 0.0)",
            "`get`, `items`, `values`, `keys`, `update`, `setdefault`, `pop`, `|`",
        ),
        _no(
            "list under two names",
            "items = [x]\nother = items\nother.insert(0, x)\ny = items[1]",
            "change a list that has one name",
        ),
        _no("set comprehension", "y = sum({k * x for k in range(n)})", "use a list"),
    ),
    *_topic(
        "Arrays",
        _yes("arithmetic and broadcasting", "y = np.sum(v * x + v[:, None])", wrt="x v"),
        _yes("indexing", "y = v[0] * v[-1] + np.sum(v[1:] * v[:-1])", wrt="v"),
        _yes("index arrays and masks", "y = np.sum(v[[0, 2, 0]]) * np.sum(v[v > 0.0])", wrt="v"),
        _yes("methods and attributes", "y = v.sum() * v.T.mean() * v.size", wrt="v"),
        _yes("reductions", "y = np.prod(v) + np.max(v) + np.linalg.norm(v)", wrt="v"),
        _yes("products", "y = v @ np.outer(v, v) @ v", wrt="v"),
        _yes("where", "y = np.sum(np.where(v > 0.0, v * v, -v))", wrt="v"),
        _yes("stack and concatenate", "y = np.sum(np.stack([v, v * v]) ** 2)", wrt="v"),
        _no(
            "store into a shared array",
            "a = v * x\nitems = [a]\na[0] = x\ny = np.sum(items[0])",
            "store into a copy",
        ),
        _yes(
            "results put into an array",
            "a = np.empty(3)\nnp.multiply(v, x, out=a)\na.sort()\na[1:].fill(x)\ny = a @ a",
            "`out=`, `np.copyto`, `np.fill_diagonal`, `fill`, `sort`",
            wrt="x v",
        ),
        _yes("another name of an array", "a = v * x\nb = a\na[0] = x\ny = a @ b", wrt="x v"),
        _yes("buffers that change places", SWAPPED, wrt="v"),
        _yes("stores through a view", "a = v * x\nb = a[1:]\nb *= a[0]\ny = np.sum(a)", wrt="x v"),
        _yes(
            "functions that NumPy calls",
            "a = np.piecewise(v, [v < 1.0], [square, lambda t: t * x])\n"
            "y = np.sum(a * np.vectorize(square)(v))",
            "`np.apply_along_axis` too",
            wrt="x v",
        ),
        _yes(
            "places of an array",
            "a = v * x\nnp.put(a, [0, 2], x)\nnp.multiply.at(a, [0, 0], x)\na.flat[1] = x\n"
            "y = 0.0\nfor (i,), t in np.ndenumerate(a):\n    y += i * t",
            "`np.place`, `np.putmask`, `np.put_along_axis`, loops over `np.ndindex`",
            wrt="x v",
        ),
    ),
    *_topic(
        "Blocks",
        _yes("import", "import math as m\ny = m.sin(x)"),
        _yes("print and pass", "if n > 99:\n    print(x)\npass\ny = x * x"),
        _yes("with", "with LOCK:\n    y = x * x", "the reverse runs under it too"),
        _no(
            "with that may swallow exceptions",
            "with contextlib.suppress(KeyError):\n    y = x * x",
            "move active statements out of the block",
        ),
        _yes(
            "try",
            "try:\n    y = 1.0 / x\nexcept ZeroDivisionError:\n    y = 0.0",
            "the way that is taken counts, in loops too",
        ),
        _yes(
            "try of several statements",
            "y = x\ntry:\n    z = y * x\n    y = z / n\nexcept ZeroDivisionError:\n    y = y * 2.0",
            "an exception that leaves it when it has changed what is read behind it is an error",
        ),
        _no(
            "finally that computes",
            "try:\n    y = 1.0 / x\nfinally:\n    y = x",
            "compute behind the `try`",
        ),
        _no("async", "async def go():\n    return x\ny = x", "await outside of it"),
    ),
)

PAGE = """\
# The language

What can be differentiated, in both modes and to any order. Printed from a table in the code, each
line of which is a test: `python -m s2s_ad.frontend.subset > docs/language.md`.

In the examples `x` is a number, `n` an integer, `xs` a list of numbers, `d` a dict of numbers and
`v` an array. What is refused raises an error with the file, the line, a caret and a hint, before
anything runs. Apart from syntax that cannot be read at all, it is refused only where it touches
values that depend on what is differentiated. What is in no line is not promised.

The functions that have a derivative are in [rules.md](rules.md); what holds at kinks is in
[conventions.md](conventions.md).
"""


def _cell(text: str) -> str:
    """Return lines of code for a cell of a table, indents kept.

    >>> _cell("if x:\\n    y = 1")
    '`if x:`<br>`····y = 1`'
    """
    lines = []
    for line in text.replace("|", "\\|").split("\n"):
        code = line.lstrip(" ")
        if code:
            lines.append(f"`{'·' * (len(line) - len(code))}{code}`")
    return "<br>".join(lines)


def language_markdown() -> str:
    """Return the text of docs/language.md."""
    lines = [PAGE]
    topic = ""
    for c in CONSTRUCTS:
        if c.topic != topic:
            topic = c.topic
            lines.append(f"\n## {topic}\n\n| construct | example | |\n|---|---|---|\n")
        refused = "refused in reverse mode" if c.reverse_only else "refused"
        remark = f"**{refused}**: {c.refused}" if c.refused else c.note
        lines.append(f"| {c.name} | {_cell(c.example)} | {remark} |\n")
    return "".join(lines)


if __name__ == "__main__":
    print(language_markdown(), end="")
