"""What to do about what is refused, in the words of an error.

Takes the name of a function and how it is called, or a hint, gives a hint. Requires nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

LOOPS = ("itertools", "builtins")  # classes of theirs are ways to run over something


def how_to_declare(
    name: str, count: int, entrywise: bool, known: bool, callee: object = None
) -> str:
    """Return how to give a function of so many parameters a rule.

    entrywise: whether it may compute entry by entry. known: whether the kinds of its active
    arguments are, down to the number of axes. callee: what is called, if that is known.
    """
    if isinstance(callee, type):
        return _instead_of(callee)
    params = ", ".join("xyzuvw"[k : k + 1] or f"a{k}" for k in range(max(1, count)))
    call = f"{name}({params})"
    if entrywise:
        maps = f'declare.elementwise("{call}", "<derivative> * d", function={name})'
        return f"declare its derivative: {maps}"
    maps = f'tangent="<map of d>", adjoint="<its transpose>", function={name}'
    hint = f'write it with other functions, or declare it: declare.general("{call}", {maps})'
    return or_tell(hint, known)


def _instead_of(callee: type) -> str:
    """Return what to write instead of a class, which no declaration would help."""
    if callee.__module__ in LOOPS:
        return "write it as a loop"
    return "keep the values in a tuple, a list or a dict"


def or_tell(hint: str, known: bool) -> str:
    """Return a hint that says first to tell the kinds of the arguments where they are not known."""
    return hint if known else f"say what the arguments are (--like, --call), or {hint}"


def how_it_is_called(name: str, active: Sequence[str]) -> str:
    """Return what a call does that needs a rule. active: its active arguments, "" for its owner."""
    if not active:
        return f"`{name}` is called"
    what = f"with the active argument `{active[0]}`" if active[0] else "on an active value"
    return f"`{name}` is called {what}"


def how_else(name: str) -> str:
    """Return what to do about a method of an array that is called in a form without a rule."""
    method = name.rpartition(".")[2]
    return (
        f"write it with other functions: `s2s-ad rules {method}` prints the forms that have a rule"
    )
