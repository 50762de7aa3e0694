"""What expressions were found to be, kept from one interpretation of a function to the next.

Takes expressions with the values of what they read, gives what is known of them; requires that all
interpretations that share a memory ask the same world. Passes change a few statements at a time
and ask for the facts again: most expressions are then the same object in the same surroundings.

A value in which an unknown length was given a name is not kept: each evaluation names its own.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.analysis.values import Env, Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import symbols_made
from s2s_ad.ir.walk import names

MOST = 6

Read = tuple[Value | None, ...]


class Memory:
    """Values by expression and by the values of the variables that it reads."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[n.Expr, list[tuple[Read, Value]]]] = {}

    def value(
        self, e: n.Expr, env: Env, local: frozenset[str], evaluate: Callable[[n.Expr, Env], Value]
    ) -> Value:
        """Return what is known of `e`, by `evaluate` where that is not remembered."""
        # a set that is the same object is gone through in the same order
        read = tuple([env.get(x) if x in local else None for x in names(e)])
        held = self._known.get(id(e))
        if held is None:
            held = self._known[id(e)] = (e, [])
        for before, value in held[1]:
            if before == read:
                return value
        made = symbols_made()
        value = evaluate(e, env)
        if symbols_made() == made:
            held[1].append((read, value))
            del held[1][:-MOST]
        return value
