"""For the arguments of a rule, the program that makes the call: what a user would write.

Takes a rule and arguments by parameter, gives the text of a function `f` and its arguments.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

from s2s_ad.rules.checking import Values, flat, is_default, is_whole
from s2s_ad.rules.rule import Rule
from tests.rules import SCIPY

_numbers = itertools.count()
HEADER = "import math\n\nimport numpy as np\n"
HEADER += f"from scipy import {', '.join(SCIPY)}\n\n\n" if SCIPY else "\n\n"
# of tuples, the part that moves
PARTS = {"divmod": "[1]", "cho_factor": "[0]", "slogdet": "[1]", "modf": "[0]", "frexp": "[0]"}
PARTS["lambertw"] = ".real"


def literal_of(value: object) -> str | None:
    """Return how an option is written in a call; None for values that are passed in."""
    if isinstance(value, tuple):
        items = [literal_of(item) for item in value]
        if None in items:
            return None
        return f"({', '.join(map(str, items))}{',' if len(items) == 1 else ''})"
    if isinstance(value, slice):
        ends = [value.start, value.stop, value.step]
        start, stop, step = ("" if end is None else str(end) for end in ends)
        return f"{start}:{stop}{':' + step if step else ''}"
    if value is ...:
        return "..."
    if value is float:
        return "float"
    if isinstance(value, float) and value == 0.0:
        return "0.0"
    return repr(value) if value is None or type(value) in (bool, int, str) else None


def program(rule: Rule, values: Values) -> tuple[str, tuple[str, ...]]:
    """Return the text of a function that makes the call, and its parameters."""
    passed: list[str] = []
    args: list[str] = []
    keywords: list[str] = []
    for param in rule.params:
        value = values[param.name]
        text = None if param.name in rule.adjoint else literal_of(value)
        if param.kind == "star":
            args.extend(str(literal_of(item)) for item in value)
            continue
        if text is None:
            text = param.name
            passed.append(text)
        optional = param.default is not None and param.kind != "positional_only"
        if optional and is_default(param, value):
            continue
        if optional or param.kind == "keyword_only":
            keywords.append(f"{param.name}={text}")
        else:
            args.append(text)
    body = _call(rule, args, keywords) + PARTS.get(rule.name.split(".")[-1], "")
    return f"{HEADER}def f({', '.join(passed)}):\n    return {body}\n", tuple(passed)


def _call(rule: Rule, args: list[str], keywords: list[str]) -> str:
    if rule.namespace == "operator":
        if rule.name == "[]":
            index = args[1].removeprefix("(").removesuffix(")")
            return f"{args[0]}[{index}]"
        return f"{args[0]} {rule.name} {args[1]}" if args[1:] else f"{rule.name[1:]}{args[0]}"
    if rule.namespace == "attribute":
        return f"{args[0]}.{rule.name}"
    given = ", ".join([*args, *keywords])
    if rule.namespace == "method":
        return f"{args[0]}.{rule.name}({', '.join([*args[1:], *keywords])})"
    head = rule.name if rule.namespace == "builtins" else f"{rule.namespace}.{rule.name}"
    return f"{head}([{given}])" if rule.display else f"{head}({given})"


def loaded(text: str, folder: Path) -> object:
    """Return the function of a program, from a file as users have it."""
    name = f"rule_program_{next(_numbers)}"
    file = folder / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.f


def differentiated(rule: Rule, values: Values, passed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parameters of the program that hold floats to differentiate."""
    return tuple(
        p for p in passed if p in rule.adjoint and flat(values[p]).size and moves(values[p])
    )


def moves(value: object) -> bool:
    """True for what holds floats alone."""
    return all(map(moves, value)) if isinstance(value, (list, tuple)) else not is_whole(value)
