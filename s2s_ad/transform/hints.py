"""What to do about a call without a rule, in the words of an error.

Takes the name of a function and how it is called, gives a hint. Requires nothing.
"""

from __future__ import annotations


def how_to_declare(name: str, count: int, entrywise: bool, known: bool) -> str:
    """Return how to give a function of so many parameters a rule.

    entrywise: whether it may compute entry by entry. known: whether the kinds of its active
    arguments are, down to the number of axes.
    """
    params = ", ".join("xyzuvw"[k : k + 1] or f"a{k}" for k in range(max(1, count)))
    call = f"{name}({params})"
    if entrywise:
        maps = f'declare.elementwise("{call}", "<derivative> * d", function={name})'
        return f"declare its derivative: {maps}"
    maps = f'tangent="<map of d>", adjoint="<its transpose>", function={name}'
    hint = f'write it with other functions, or declare it: declare.general("{call}", {maps})'
    return hint if known else f"say what the arguments are (--like, --call), or {hint}"
