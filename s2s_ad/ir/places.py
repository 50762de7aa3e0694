"""Where an expression stands in the user's file, for the caret of a refusal.

Takes the origin of a statement and an expression inside it, gives a `Place`; requires `ir.text`
and `errors`. Expressions are values and carry no position: theirs is found again in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import Place
from .nodes import Expr, Origin
from .text import expr_text

_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\d\w*(?:\.\w*)?|\.\d\w*|\w+|[^\w\s]")


def place_of(origin: Origin, e: Expr | None = None, lines: Sequence[str] = ()) -> Place:
    """Return the place of `e` in its statement, or of the statement when it is not found.

    lines: the source lines of the statement; without them only its first line is searched.

    >>> from .nodes import Name
    >>> place = place_of(Origin("m.py", 3, 4, 3, 22, "y = max(x, 2) + x"), Name("x"))
    >>> place.column, place.end_column
    (12, 13)
    """
    shown = tuple(lines) or (" " * origin.column + origin.text,)
    found = _search(e, shown, origin.column) if e is not None else None
    if found is None:
        end = origin.column + len(origin.text)
        return Place(origin.file, origin.line, origin.column, end, shown[0])
    row, column, end = found
    return Place(origin.file, origin.line + row, column, end, shown[row])


def _search(e: Expr, lines: Sequence[str], column: int) -> tuple[int, int, int] | None:
    """Return row, column and end column of the first place whose tokens are those of `e`."""
    tokens = [
        (token[0], row, token.start(), token.end())
        for row, line in enumerate(lines)
        for token in _TOKEN.finditer(line, 0 if row else column)
    ]
    wanted = [token[0] for token in _TOKEN.finditer(expr_text(e))]
    # the text as written may have more parentheses than ours: then the first name must do
    for sought in (wanted, wanted[:1]):
        for k in range(len(tokens) - len(sought) + 1):
            part = tokens[k : k + len(sought)]
            if [token[0] for token in part] == sought and not (k and tokens[k - 1][0] == "."):
                _, row, start, _ = part[0]
                _, last, _, end = part[-1]
                return row, start, end if last == row else len(lines[row].rstrip())
    return None
