"""What s2s_ad writes for a program, bound, and what it took to write it.

Takes programs, gives `Generated` and `code_lines`; requires s2s_ad.build, tests.checking, program.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import Request, derive
from tests.benchmarks.program import Arguments, Program
from tests.checking import bound


@dataclass(frozen=True)
class Generated:
    """A derivative as a function, its text, and the seconds that it took to build."""

    call: Callable[..., Any]
    text: str
    seconds: float


def generated(program: Program, mode: str, args: Arguments, builds: int = 1) -> Generated:
    """Return the derivative for arguments like these; the fastest of so many builds counts."""
    names = inspect.signature(program.primal).parameters
    kinds = {name: kind_of(value, name) for name, value in zip(names, args)}
    kinds |= {name: real(kinds[name]) for name in program.wrt}
    request = Request(program.primal, mode, program.wrt, kinds, of=program.of)
    seconds = []
    for _ in range(builds):
        start = time.process_time()
        derivative = derive(request)
        seconds.append(time.process_time() - start)
    return Generated(bound(derivative), derivative.text, min(seconds))


def code_lines(text: str) -> int:
    """Return the number of lines of the functions in a text that hold code.

    Comments, docstrings, blank lines and what stands outside of functions do not count.

    >>> code_lines('import math\\n\\ndef f(x):\\n    "of x"\\n    # twice\\n    return 2 * x')
    2
    """
    lines = text.splitlines()
    found = 0
    for function in ast.parse(text).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        assert function.end_lineno is not None
        code = set(range(function.lineno, function.end_lineno + 1))
        first = function.body[0]
        if ast.get_docstring(function) is not None:
            assert first.end_lineno is not None
            code -= set(range(first.lineno, first.end_lineno + 1))
        kept = (lines[number - 1].strip() for number in code)
        found += sum(1 for line in kept if line and not line.startswith("#"))
    return found


def lines_by_hand(program: Program) -> int:
    """Return the lines of code of the hand-written adjoint and of what was written for it."""
    functions = (program.adjoint, *program.helpers)
    return sum(code_lines(black(textwrap.dedent(inspect.getsource(f)))) for f in functions)


def black(text: str) -> str:
    """Return a text laid out as generated text is, so that lines are compared and not layout."""
    from black import Mode, format_str

    return format_str(text.replace("  # fmt: skip", ""), mode=Mode(line_length=88))
