"""Whole random programs: a module's text, the function `f` in it, and points to try it at.

Takes a seed, gives a `Program`; requires nothing but the standard library's random generator and
NumPy for the arguments. Same seed, same program, whatever the hash seed.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import random
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .basics import ODD_NAMES, PLAIN_NAMES, Context, indent
from .expressions import (
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
from .statements import Statements
from .stores import Stores

_files = itertools.count(1)

POINTS = 4
# from this seed on, all but one program in 16 are small: in a given time those find more
FIRST_SMALL = 2000
# and from this one on all are a few lines long, as failures are when they are shrunk
FIRST_TINY = 20000
# from here on they store into arrays, and those in which two names may share one may be refused
FIRST_STORES = 300000


@dataclass(frozen=True)
class Program:
    """Text of a module, its entry `f`, what to differentiate, and the points to try in turn.

    refusable: whether a refusal is an answer.
    """

    text: str
    wrt: tuple[str, ...]
    points: tuple[tuple[Any, ...], ...]
    entry: str = "f"
    seed: int = -1
    refusable: bool = False

    def load(self) -> Callable[..., Any]:
        """Return the function, its source known to `linecache` as in a notebook."""
        return load(self.text, self.entry)


def load(text: str, entry: str) -> Callable[..., Any]:
    """Return function `entry` of the module `text`."""
    number = next(_files)
    file = f"<program {number}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    # a module like any other, so that generated code can import from it
    module = types.ModuleType(f"random_program_{number}")
    sys.modules[module.__name__] = module
    exec(compile(text, file, "exec"), module.__dict__)
    function: Callable[..., Any] = getattr(module, entry)
    return function


def generate(seed: int) -> Program:
    """Return the program of that seed."""
    rng = random.Random(seed * 7919 + 17)
    if seed >= FIRST_STORES:
        return _storing(rng, seed)
    arrays = rng.random() < 0.5
    length = rng.choice((1, 2, 2, 3, 3, 3, 4))
    names = PLAIN_NAMES + (ODD_NAMES if rng.random() < 0.2 else ())
    expressions = Expressions(rng, length, arrays)
    tiny = seed >= FIRST_TINY
    small = tiny or (seed >= FIRST_SMALL and seed % 16 != 0)
    statements = Statements(rng, expressions, names, small, 2 if tiny else 3)
    scope = Scope()
    lines = ["import math", "import numpy as np"]
    for name, value in (("RATE", "0.7"), ("SCALE", "1.25")):
        if rng.random() < 0.4:
            lines.append(f"{name} = {value}")
            scope.variables[name] = Variable(NUMBER, protected=True, fixed=True)
    if rng.random() < 0.2:
        lines.append("TABLE = (0.3, 0.6, 1.1)")
        scope.variables["TABLE"] = Variable(LIST, protected=True, fixed=True)
    callees = (0, 0, 0, 0, 0, 0, 0, 1) if tiny else (0, 0, 0, 1) if small else (0, 0, 1, 1, 2, 3)
    for k in range(rng.choice(callees)):
        callee, text = _helper(rng, statements, scope, f"h{k + 1}")
        lines += text
        scope.callees.append(callee)
    params = _params(rng, arrays)
    text, result = _main(rng, statements, scope.copy(fixed=False), params, f"seed {seed}")
    lines += text
    tree = ast.parse("\n".join(lines))
    source = _commented(rng, ast.unparse(ast.fix_missing_locations(tree)))
    points = tuple(_point(np.random.default_rng([seed, k]), params, length) for k in range(POINTS))
    wrt = tuple(name for name, kind in params if kind != INTEGER)
    if len(wrt) > 1 and rng.random() < 0.3:
        wrt = tuple(name for name in wrt if rng.random() < 0.6) or wrt[:1]
    return Program(source, wrt, points, seed=seed)


def _storing(rng: random.Random, seed: int) -> Program:
    length = rng.choice((2, 3, 3, 4))
    lines, params = Stores(rng, length).program()
    tree = ast.parse("\n".join(lines))
    points = tuple(_point(np.random.default_rng([seed, k]), params, length) for k in range(POINTS))
    wrt = tuple(name for name, kind in params if kind != INTEGER)
    if rng.random() < 0.3:
        wrt = tuple(name for name in wrt if rng.random() < 0.6) or wrt[:1]
    return Program(ast.unparse(tree), wrt, points, seed=seed, refusable=True)


def _params(rng: random.Random, arrays: bool) -> list[tuple[str, str]]:
    params = [(name, NUMBER) for name in ("x", "y", "a0")[: rng.randint(1, 3)]]
    if arrays:
        params += [(name, VECTOR) for name in ("v", "p")[: rng.randint(1, 2)]]
        if rng.random() < 0.5:
            params.append(("A", MATRIX))
    if rng.random() < 0.15:
        params.append(("xs", LIST))
    if rng.random() < 0.8:
        params.append(("n", INTEGER))
    if rng.random() < 0.3:
        rng.shuffle(params)
    return params


def _point(rng: np.random.Generator, params: list[tuple[str, str]], length: int) -> tuple[Any, ...]:
    values: list[Any] = []
    for _, kind in params:
        if kind == INTEGER:
            values.append(int(rng.integers(0, 5)))
        elif kind == NUMBER:
            values.append(float(np.round(rng.uniform(-1.5, 1.8), 3)))
        elif kind == LIST:
            values.append([float(item) for item in np.round(rng.uniform(-1.5, 1.8, 3), 3)])
        else:
            shape = (length,) if kind == VECTOR else (length, length)
            values.append(np.round(rng.uniform(-1.5, 1.8, shape), 3))
    return tuple(values)


def _main(
    rng: random.Random,
    statements: Statements,
    scope: Scope,
    params: list[tuple[str, str]],
    title: str,
) -> tuple[list[str], str]:
    for name, kind in params:
        scope.variables[name] = Variable(kind)
    results = (
        [NUMBER] * 8
        + [PAIR, "named"]
        + ([VECTOR, VECTOR, "mixed"] if statements.e.arrays else [LIST])
    )
    result = rng.choice(results)
    context = Context(result, may_return=result != LIST)
    tiny = statements.longest < 3
    fewest, most = (1, 2 if tiny else 4) if statements.small else (2, 9)
    body = statements.block(scope, context, rng.randint(fewest, most))
    header = f"def f({', '.join(name for name, _ in params)}):"
    doc = [f"'''Random program of {title}.'''"] if rng.random() < 0.5 else []
    return [header, *indent([*doc, *body, f"return {statements.result(scope, result, 3)}"])], result


def _helper(
    rng: random.Random, statements: Statements, outer: Scope, name: str
) -> tuple[Callee, list[str]]:
    if rng.random() < 0.25:
        return _recursive(rng, statements, outer, name)
    kinds = [NUMBER, NUMBER, INTEGER] + (
        [VECTOR, VECTOR, MATRIX] if statements.e.arrays else [NUMBER]
    )
    params: list[tuple[str, str, bool]] = []
    texts = []
    for k in range(rng.randint(1, 3)):
        kind = rng.choice(kinds)
        optional = kind in (NUMBER, INTEGER) and (rng.random() < 0.3 or any(p[2] for p in params))
        if any(p[2] for p in params) and not optional:
            break
        params.append((f"b{k}", kind, optional))
        texts.append(f"b{k}={'2' if kind == INTEGER else '0.5'}" if optional else f"b{k}")
    results = [NUMBER, NUMBER, PAIR] + ([VECTOR, MATRIX] if statements.e.arrays else [])
    result = rng.choice(results)
    scope = outer.copy(fixed=False)
    for param, kind, _ in params:
        scope.variables[param] = Variable(kind)
    body = statements.block(scope, Context(result, depth=1), rng.randint(0, 3))
    body = [line for line in body if line != "pass"]
    lines = [
        f"def {name}({', '.join(texts)}):",
        *indent([*body, f"return {statements.result(scope, result, 2)}"]),
    ]
    return Callee(name, tuple(params), result), lines


def _recursive(
    rng: random.Random, statements: Statements, outer: Scope, name: str
) -> tuple[Callee, list[str]]:
    """A function that calls itself, or one of a pair that call each other."""
    scope = outer.copy(fixed=False)
    scope.variables["b0"] = Variable(NUMBER)
    scope.variables["n0"] = Variable(INTEGER, protected=True)
    context = Context(NUMBER, loops=1)
    base = statements.expression(NUMBER, scope, context, 2)
    step = f"math.sin({statements.e.of_kind(NUMBER, scope, 2)})"
    scope.variables["back"] = Variable(NUMBER)
    last = statements.expression(NUMBER, scope, context, 2)
    callee = Callee(name, (("b0", NUMBER, False), ("n0", INTEGER, False)), NUMBER)
    called = name
    lines: list[str] = []
    if rng.random() < 0.3:
        called = f"{name}_again"
        lines = [f"def {called}(b0, n0):", f"    return 0.5 * b0 + {name}(math.cos(b0), n0 - 1)"]
    lines += [
        f"def {name}(b0, n0):",
        "    if n0 <= 0:",
        f"        return {base}",
        f"    back = {called}({step}, min(n0, 4) - 1)",
        f"    return back * 0.8 + {last}",
    ]
    return callee, lines


def _commented(rng: random.Random, text: str) -> str:
    """Return the text with comments put in: on lines of their own and behind statements."""
    lines = []
    for number, line in enumerate(text.splitlines()):
        space = line[: len(line) - len(line.lstrip())]
        if (
            line.strip()
            and not line.lstrip().startswith(("elif", "else", "'''", '"""'))
            and rng.random() < 0.06
        ):
            lines.append(f"{space}# remark {number}")
        behind = line.strip() and not line.rstrip().endswith(('"""', "'''")) and rng.random() < 0.06
        lines.append(f"{line}  # note {number}" if behind else line)
    return "\n".join(lines) + "\n"
