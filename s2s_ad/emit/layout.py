"""The layout of a generated module: the printer writes as black does, and black breaks long lines.

Takes the lines of a module, one for each statement, and gives its text; requires a function that
lays out any text (black, in `emit.module`).

Black takes a millisecond for each line, half of the time that a derivative took to build. What the
printer writes is what black would write, but for lines that are too long and a few spellings
(`_ODD`): only these are given to black. `tests/test_layout.py` holds whole modules to black's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

WIDTH = 88
Black = Callable[[str, int], str]

# what the printer leaves to black: commas before a closing bracket, numbers and comments as users
# spell them, parentheses around what a statement takes
_ODD = re.compile(
    r""",\s*[)\]}] | \de\+ | \d[A-Z] | \#(?![ ]\S) | \S[ ]?\# | \#.*\# | \s\Z | [\t\f\\]
        | \A(?:for|while|if|elif|del|assert|with|async)\b.*[ ]\(.*\)(?:[ ]in\b.*)?:?\Z""",
    re.VERBOSE,
)
# parentheses, maybe around all of a value
_TAKEN = re.compile(r"(?:=|\Areturn) (\(.*\))\Z")
# black sets blank lines around what is defined or imported inside a block
_OPENS_A_SCOPE = re.compile(r"\s+(?:@|(?:def|class|async|import|from)\b)")
_DOCSTRING = re.compile(r'\s*r?"""')
_COMPOUND = re.compile(r"(?:def|if|elif|for|while|with|except)\b")


def laid_out(lines: Sequence[str], black: Black) -> str:
    """Return the text of a module. lines: those of its statements, not broken.

    black: gives a text as black writes it in lines of a width.
    """
    if any(map(_OPENS_A_SCOPE.match, lines)):
        return black("\n".join(lines) + "\n", WIDTH)
    return "\n".join(_laid_out(lines, black)) + "\n"


def _laid_out(lines: Sequence[str], black: Black) -> Iterator[str]:
    documents = False
    for line in lines:
        if documents or _DOCSTRING.match(line):
            yield line.rstrip(" ")
            rest = line if documents else line.split('"""', 1)[1]
            documents = not rest.endswith('"""')
        elif not line.strip():
            yield ""
        elif _stands(line):
            yield line
        else:
            yield _broken(line, black)


def _stands(line: str) -> bool:
    """True for a line that black would not change."""
    code = line.strip(" ")
    if not line.isascii() or _ODD.search(code):
        return False
    value = _TAKEN.search(code)
    if value is not None and _is_one_bracket(value[1]):
        return False
    return len(line) <= WIDTH or code.startswith("#")


def _is_one_bracket(text: str) -> bool:
    """True when what the first character opens may be what the last one closes.

    >>> _is_one_bracket("(a + b)"), _is_one_bracket("(a + b) * (c + d)")
    (True, False)
    """
    if "'" in text or '"' in text:
        return True
    depth = 0
    for c in text[:-1]:
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            return False
    return True


def _broken(line: str, black: Black) -> str:
    """Return a line as black writes it at its depth: as at none, where lines are that much
    shorter."""
    code = line.lstrip(" ")
    start = line[: -len(code)]
    above: list[str] = []
    if code.startswith("elif"):
        above = ["if _:", "    pass"]
    elif code.startswith("except"):
        above = ["try:", "    pass"]
    below = ["    pass"] if _COMPOUND.match(code) else []
    found = black("\n".join([*above, code, *below]) + "\n", WIDTH - len(start)).split("\n")
    return "\n".join(start + x for x in found[len(above) : -1 - len(below)])
