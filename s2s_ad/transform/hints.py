"""What to do about what is refused, in the words of an error.

Takes the name of a function and how it is called, or a hint, gives a hint. Requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.text import expr_text

INSTEAD: tuple[tuple[object, str], ...] = (
    (complex, "compute with the real and the imaginary part"),
    (eval, "write the expression itself"),
    (filter, "write it as a loop"),
    (map, "write it as a loop"),
)


def how_to_declare(
    name: str, count: int, entrywise: bool, known: bool, callee: object = None
) -> str:
    """Return how to give a function of so many parameters a rule.

    entrywise: whether it may compute entry by entry. known: whether the kinds of its active
    arguments are, down to the number of axes. callee: what is called, if that is known.
    """
    instead = _instead_of(callee)
    if instead is not None:
        return instead
    params = ", ".join("xyzuvw"[k : k + 1] or f"a{k}" for k in range(max(1, count)))
    call = f"{name}({params})"
    if entrywise:
        maps = f'declare.elementwise("{call}", "<derivative> * d", function={name})'
        return f"declare its derivative: {maps}"
    maps = f'tangent="<map of d>", adjoint="<its transpose>", function={name}'
    hint = f'write it with other functions, or declare it: declare.general("{call}", {maps})'
    return or_tell(hint, known)


def _instead_of(callee: object) -> str | None:
    """Return what to write instead of what no declaration would help; None for other functions."""
    for known, hint in INSTEAD:
        if callee is known:
            return hint
    if not isinstance(callee, type):
        return None
    loops = callee.__module__ == "itertools"
    return "write it as a loop" if loops else "keep the values in a tuple, a list or a dict"


def how_to_put(call: n.Call) -> str:
    """Return what to write instead of a call that puts something into a container."""
    func = call.func
    if isinstance(func, n.Attribute) and func.attr == "append" and len(call.args) == 1:
        place = expr_text(func.value)
        return f"store a new list: `{place} = {place} + [{expr_text(call.args[0])}]`"
    return "assign what it returns, or use append or a store"


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


def unsupported(e: n.Expr, or_tell: Callable[[str], str]) -> tuple[str, str]:
    """Return what is refused where an expression with active values has no derivative, and a hint.

    or_tell: adds to a hint that the function may be declared instead.
    """
    if isinstance(e, n.Attribute):
        return f"attribute `{e.attr}` of an active value", "pass the number as an argument"
    if isinstance(e, n.SetExpr):
        return "a set of active values", "use a list"
    if isinstance(e, n.Starred):
        return "a star of an active value", or_tell("pass the items one by one")
    what = {
        n.IfExp: "a conditional expression inside an expression",
        n.BoolOp: "`and`/`or` of active values inside an expression",
        n.Comprehension: "a comprehension inside an expression",
        n.Lambda: "a lambda that captures active values",
    }.get(type(e), "an expression of this form with active values")
    return what, "assign it to a variable first"
