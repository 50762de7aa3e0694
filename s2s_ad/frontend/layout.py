"""Where statements stand in a text, and the comments inside them.

Takes a text that parses, gives positions (true lines of the user's file) and comments; requires
only the standard library, `ir.nodes` and `errors`.

libcst keeps comments and the spelling of literals but computes positions slowly; the standard
library's `ast` has them for nothing. Statements come in the same order in both, so `lower` walks
the two trees side by side and asks here for origins.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import Place, SourceError
from ..ir.nodes import Origin

_STRING = re.compile(r"'''|\"\"\"|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|#")


@dataclass(frozen=True)
class Layout:
    """A parsed text. `shift` added to one of its line numbers gives that of the user's file."""

    lines: tuple[str, ...]
    file: str
    shift: int

    def column(self, line: int, offset: int) -> int:
        """Return the column of what `ast` says is `offset` bytes into `line`."""
        text = self.lines[line - 1]
        return offset if text.isascii() else len(text.encode()[:offset].decode())

    def origin(self, node: ast.stmt | ast.expr) -> Origin:
        line, end_line = node.lineno, node.end_lineno or node.lineno
        column = self.column(line, node.col_offset)
        end_column = self.column(end_line, node.end_col_offset or 0)
        text = self.lines[line - 1]
        first = text[column:end_column] if line == end_line else _uncommented(text[column:])
        return Origin(
            self.file, line + self.shift, column, end_line + self.shift, end_column, first
        )

    def place(self, node: ast.stmt | ast.expr) -> Place:
        """Return where `node` is, as far as its first line goes."""
        origin = self.origin(node)
        column, text = origin.column, self.lines[node.lineno - 1]
        end = origin.end_column if origin.end_line == origin.line else column + len(origin.text)
        return Place(self.file, origin.line, column, end, text)

    def inner_comments(self, first: int, last: int) -> tuple[str, ...]:
        """Return the comments inside the logical line that starts at `first`, but its last one.

        The last one, at the very end of the logical line, is a trailing comment. Lines after
        `last` are not looked at.
        """
        lines = self.lines[first - 1 : last]
        if not any("#" in line for line in lines):
            return ()
        return tuple(_inner_comments(lines))


def parse(text: str, file: str, shift: int) -> tuple[ast.Module, Layout]:
    """Return the tree and the layout of `text`; SourceError when it is not Python."""
    lines = tuple(text.split("\n"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes: reported when the user's code ran
            tree = ast.parse(text)
    except SyntaxError as error:
        line = error.lineno or 1
        shown = lines[min(line, len(lines)) - 1]
        column = max((error.offset or 1) - 1, 0)
        place = Place(file, line + shift, column, column + 1, shown)
        raise SourceError(f"not valid Python: {error.msg}", place) from error
    return tree, Layout(lines, file, shift)


def _uncommented(line: str) -> str:
    """Return `line` without its comment. It may end inside a string that goes on below.

    >>> _uncommented('print("#", x,  # first')
    'print("#", x,'
    """
    end = 0
    while found := _STRING.search(line, end):
        end = found.end()
        if found[0] == "#":
            return line[: found.start()].rstrip()
        if found[0] in ("'''", '"""'):
            close = line.find(found[0], end)
            if close < 0:
                break
            end = close + 3
    return line.rstrip()


def _inner_comments(lines: tuple[str, ...]) -> Iterator[str]:
    readline = io.StringIO("\n".join(lines) + "\n").readline
    pending: list[str] = []
    for token in tokenize.generate_tokens(readline):
        if token.type == tokenize.COMMENT:
            pending.append(token.string)
        elif token.type == tokenize.NEWLINE:
            return
        elif token.type == tokenize.NL:
            yield from pending
            pending.clear()
