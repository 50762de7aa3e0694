"""Early returns high in a function: each carries its own small reverse sweep.

Takes a prepared function whose exits are as written, gives those that have nothing behind them to
reverse, and the rest of the function with structural exits. Requires `frontend`, `transform`.

    if x < 0.0:                     if x < 0.0:
        return a * x                    result = a * x
    ...                      →          x_bar = a * result_bar
                                        return result, x_bar
                                    ...

An exit that comes after active statements, or that has loops of its own, becomes an `else` instead
(`frontend/exits.py`): the reverse sweep then asks which way was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from s2s_ad.analysis.values import PASSIVE
from s2s_ad.build_prepare import Prepared, settle_exits
from s2s_ad.build_reverse import Reverse, reverse
from s2s_ad.frontend.exits import structure
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, walk_stmts


@dataclass
class Sweeps:
    """The sweeps of a function. lead: what stands in front of them, early exits among it.

    exits: the sweeps of each branch of the early exits, by the uid of the `if`. bodies: every body
    that was differentiated, for the origins of its statements.
    """

    prepared: Prepared
    found: Reverse
    lead: list[n.Stmt] = field(default_factory=list)
    exits: dict[int, list[Reverse]] = field(default_factory=dict)
    bodies: list[n.Block] = field(default_factory=list)

    def all(self) -> list[Reverse]:
        return [self.found, *(r for found in self.exits.values() for r in found)]


def sweeps(prepared: Prepared, wrt: Sequence[str]) -> Sweeps:
    """Return the sweeps of a function whose exits are as written, early exits apart."""
    body = prepared.function.body
    size = _lead(prepared)
    lead = body[:size]
    guards = [s for s in lead if _is_exit(s)]
    if not guards:
        settle_exits(prepared)
        return Sweeps(prepared, reverse(prepared, wrt, joint=True))
    result = _result(prepared)
    plain: list[n.Stmt] = []
    exits: dict[int, list[Reverse]] = {}
    bodies: list[n.Block] = []
    for s in lead:
        if not isinstance(s, n.If) or not _is_exit(s):
            plain.append(s)
            continue
        for b in s.branches:
            own = replace(
                prepared,
                function=replace(prepared.function, body=(*plain, *b.body)),
                names=Names(prepared.names.taken),
                transparent={},
            )
            own.function = structure(own.function, own.names, result)
            own.name_effects(tests=True, last=True)
            exits.setdefault(s.uid, []).append(reverse(own, wrt, len(plain), True))
            bodies.append(own.function.body)
    prepared.function = replace(prepared.function, body=(*plain, *body[size:]))
    settle_exits(prepared, result)
    found = reverse(prepared, wrt, len(plain), True)
    return Sweeps(prepared, found, list(lead), exits, bodies)


def _result(prepared: Prepared) -> str:
    """Return the name of what is returned: the variable every exit returns, or a new one."""
    values = [s.value for s in walk_stmts(prepared.function.body) if isinstance(s, n.Return)]
    first = values[0]
    if isinstance(first, n.Name) and all(value == first for value in values):
        return first.id
    return prepared.names.fresh("result")


def _lead(prepared: Prepared) -> int:
    """Return how many statements, up to the last early exit, have nothing to reverse.

    What comes behind them returns too: a function that ends in a `raise` keeps its last exit there.
    """
    facts = prepared.facts()
    body = prepared.function.body
    returning = [k for k, s in enumerate(body) if _returns(s)]
    size = 0
    for k, s in enumerate(body):
        if _is_exit(s) and k < returning[-1]:
            size = k + 1
            continue
        env = facts.after.get(s.uid, {})
        varied = any(env.get(name, PASSIVE).varied for name in assigned((s,)))
        if varied or not _is_plain(s):
            break
    return size


def _returns(s: n.Stmt) -> bool:
    return any(isinstance(x, n.Return) for x in walk_stmts((s,)))


def _is_plain(s: n.Stmt) -> bool:
    """True for what only binds names, or only raises."""
    if isinstance(s, n.Assign):
        return all(isinstance(t, n.Name) for t in s.targets)
    if isinstance(s, n.If):
        inner = [x for x in walk_stmts((s,)) if not isinstance(x, n.If)]
        return all(isinstance(x, (n.Raise, n.Pass)) for x in inner)
    return isinstance(s, (n.Assert, n.Pass))


def _is_exit(s: n.Stmt) -> bool:
    """True for an `if` each branch of which returns a value, with no loop on the way."""
    if not isinstance(s, n.If) or s.orelse:
        return False
    for b in s.branches:
        last = b.body[-1] if b.body else None
        if not isinstance(last, n.Return) or last.value is None:
            return False
        simple = (n.Assign, n.AugAssign, n.If, n.Return, n.Pass)
        if not all(isinstance(x, simple) for x in walk_stmts(b.body)):
            return False
    return True
