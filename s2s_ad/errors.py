"""Every exception of s2s_ad, and the one renderer of their text.

Takes a place in the user's source, gives exceptions whose text shows that line, a caret and a hint;
requires nothing of the package (layer 0).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A stretch of one source line. column is 0-based; end_column is exclusive."""

    file: str
    line: int
    column: int
    end_column: int
    text: str


def render(message: str, place: Place | None, hint: str | None) -> str:
    """Return `message` with its place, the source line, a caret and a hint.

    >>> print(render("no", Place("m.py", 3, 4, 6, "    go()"), "stop"))
    m.py:3:5: no
        3 |     go()
          |     ^^
    hint: stop
    """
    lines = []
    if place is None:
        lines.append(message)
    else:
        lines.append(f"{place.file}:{place.line}:{place.column + 1}: {message}")
        number = str(place.line)
        lines.append(f"    {number} | {place.text}")
        width = max(1, min(place.end_column, len(place.text)) - place.column)
        lines.append(f"    {' ' * len(number)} | {' ' * place.column}{'^' * width}")
    if hint:
        lines.append(f"hint: {hint}")
    return "\n".join(lines)


class S2SError(Exception):
    """Base of all errors of s2s_ad. Attributes: message, place (or None), hint (or None)."""

    def __init__(self, message: str, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(render(message, place, hint))
        self.message = message
        self.place = place
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.place, self.hint)


class UnsupportedSyntax(S2SError):
    """A construct outside the language (docs/language.md)."""


class UnsupportedForNumba(UnsupportedSyntax):
    """A derivative that is wanted in a form that numba compiles, and has none."""


class MissingExtra(S2SError, ImportError):
    """A package that only some uses of s2s_ad need is not installed."""


class MissingRule(S2SError):
    """A function that has neither Python source nor a rule, called with an active argument."""


class SourceError(S2SError):
    """The source of a function cannot be found, or is not the code that is loaded."""


class AliasError(S2SError):
    """Two names may share storage, and a store through one of them cannot be followed."""


class ArgumentError(S2SError, ValueError):
    """A transform was called with arguments it cannot use."""


class OutputError(S2SError, TypeError):
    """What is differentiated does not return what the transform needs (a number, for grad)."""
