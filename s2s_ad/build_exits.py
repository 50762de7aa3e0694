"""Early returns high in a function: each carries its own small reverse sweep.

Takes a prepared function whose exits are as written, gives those that have nothing behind them to
reverse, and the rest of the function with structural exits. Requires `frontend`, `transform`.

    if x < 0.0:                     if x < 0.0:
        return a * x                    result = a * x
    ...                      →          x_bar = a * result_bar
                                        return result, x_bar
                                    ...

An exit that comes after active statements, or that has loops of its own, becomes an `else` instead
(`frontend/exits.py`): the reverse sweep then asks which way was taken. Not so one that returns what
does not vary: all adjoints are zero then, wherever it stands, and to the rest it is like a `raise`.

    y = f(x)                        y = f(x)
    if y < 0.0:             →       if y < 0.0:
        return 0.0                      return 0.0, 0.0
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from s2s_ad.analysis.values import PASSIVE
from s2s_ad.build_prepare import Prepared, settle_exits
from s2s_ad.build_reverse import Reverse, reverse
from s2s_ad.frontend.exits import structure
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Number
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, blocks, map_block, walk_stmts
from s2s_ad.transform.copies import zero_adjoint


@dataclass
class Sweeps:
    """The sweeps of a function. lead: what stands in front of them, early exits among it.

    exits: the sweeps of each branch of the early exits, by the uid of the `if`. bodies: every body
    that was differentiated, for the origins of its statements. constant: what stands, as a `raise`,
    for the exits at which nothing varies.
    """

    prepared: Prepared
    found: Reverse
    lead: list[n.Stmt] = field(default_factory=list)
    exits: dict[int, list[Reverse]] = field(default_factory=dict)
    bodies: list[n.Block] = field(default_factory=list)
    constant: frozenset[int] = frozenset()

    def all(self) -> list[Reverse]:
        return [self.found, *(r for found in self.exits.values() for r in found)]


def sweeps(prepared: Prepared, wrt: Sequence[str], value: bool) -> Sweeps:
    """Return the sweeps of a function whose exits are as written, early exits apart.

    value: whether what is generated returns the value beside the gradients.
    """
    prepared.function, constant = _with_constant_exits(prepared, wrt, value)
    body = prepared.function.body
    size = _lead(prepared)
    lead = body[:size]
    guards = [s for s in lead if _is_exit(s)]
    if not guards:
        settle_exits(prepared)
        return Sweeps(prepared, reverse(prepared, wrt, joint=True), constant=constant)
    context = prepared.context()
    for s in guards:
        context.check_calls(s, False)
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
                names=Names(prepared.names.taken, prepared.names.made),
                transparent={},
            )
            own.function = structure(own.function, own.names, result)
            own.name_effects(tests=True, last=True)
            exits.setdefault(s.uid, []).append(reverse(own, wrt, len(plain), True))
            bodies.append(own.function.body)
    prepared.function = replace(prepared.function, body=(*plain, *body[size:]))
    settle_exits(prepared, result)
    behind = _behind(prepared.function.body, plain)
    prepared.function = replace(prepared.function, body=behind)
    found = reverse(prepared, wrt, len(plain), True)
    return Sweeps(prepared, found, list(lead), exits, bodies, constant)


def _behind(body: n.Block, lead: Sequence[n.Stmt]) -> n.Block:
    """Return a body with the flags of its exits behind what stands in front of both sweeps."""
    first = next((k for k, s in enumerate(body) if lead and s.uid == lead[0].uid), 0)
    end = first + len(lead)
    return (*body[first:end], *body[:first], *body[end:])


def with_returns(body: n.Block, constant: frozenset[int]) -> n.Block:
    """Return a finished body with the exits at which nothing varies."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.Raise) or s.uid not in constant:
            return (s,)
        return (n.Return(s.exception, uid=s.uid, origin=s.origin, comments=s.comments),)

    return map_block(body, visit) if constant else body


def _with_constant_exits(
    prepared: Prepared, wrt: Sequence[str], with_value: bool
) -> tuple[n.Function, frozenset[int]]:
    """Return the function with a `raise` of what is to be returned for each early return of a
    number that does not vary, and the uids of these."""
    function, facts = prepared.function, prepared.facts()
    kinds = {name: facts.entry[name].kind for name in wrt}
    rebound = assigned(function.body)
    if not all(
        isinstance(kind, Number) or (isinstance(kind, Array) and name not in rebound)
        for name, kind in kinds.items()
    ):
        return function, frozenset()
    context = prepared.context()
    zeros = tuple(zero_adjoint(context, name, kind) for name, kind in kinds.items())
    gradient = zeros[0] if len(zeros) == 1 else n.TupleExpr(zeros)

    def is_constant(s: n.Stmt) -> bool:
        if not isinstance(s, n.Return) or s.value is None or s.uid not in facts.before:
            return False
        value = facts.value(s.value, s.uid)
        return isinstance(value.kind, Number) and not value.varied

    body = function.body[:-1]
    # an early exit that has a reverse sweep of its own keeps all of its branches
    own = {s.uid for s in body if _is_exit(s) and not all(map(is_constant, _returns(s)))}
    ways = _plain_ways(tuple(s for s in body if s.uid not in own))
    found = frozenset(s.uid for s in ways if is_constant(s))
    if all(s.uid in found for x in function.body for s in _returns(x)):
        return function, frozenset()

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in found or not isinstance(s, n.Return) or s.value is None:
            return (s,)
        given = n.TupleExpr((s.value, gradient)) if with_value else gradient
        return (n.Raise(given, uid=s.uid, origin=s.origin, comments=s.comments),)

    return replace(function, body=map_block(function.body, visit)), found


def _plain_ways(block: n.Block) -> Iterator[n.Stmt]:
    """Yield the statements from which a way out of the function passes no `try` and no `with`."""
    for s in block:
        yield s
        if not isinstance(s, (n.Try, n.With)):
            for inner in blocks(s):
                yield from _plain_ways(inner)


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


def _returns(s: n.Stmt) -> list[n.Stmt]:
    return [x for x in walk_stmts((s,)) if isinstance(x, n.Return)]


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
