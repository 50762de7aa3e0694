"""Small callees, which a reverse function reverses in one go: from the arguments, or the result.

Takes both sweeps of such a callee as they are written, gives what its reverse function is handed;
requires `build_costs`, `simplify`.

    def sigmoid(x):                                def sigmoid_reverse(result, result_bar):
        return 1.0 / (1.0 + np.exp(-x))     →          return result_bar * result * (1.0 - result)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from s2s_ad.analysis.values import Value
from s2s_ad.build_costs import CALLED, KEPT, work
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, sole_target
from s2s_ad.ir.kinds import Array, Kind, Number, TupleOf, is_immutable
from s2s_ad.ir.names import Names
from s2s_ad.ir.walk import all_parts, stmt_exprs, walk_stmts
from s2s_ad.simplify.unpacked import unpacked


@dataclass(frozen=True)
class Small:
    """A reverse function. takes: the parameters of the callee that it has too, in their order.

    from_result: whether it is given what the callee returned, in front of the seed. heavy: whether
    it computes arrays again that are better kept. again: whether it computes anything again.
    """

    function: n.Function
    takes: tuple[str, ...]
    from_result: bool
    heavy: bool
    again: bool


def from_result(
    body: n.Block,
    back: frozenset[int],
    result: str,
    kind: Kind,
    live: Callable[[n.Block], n.Block],
) -> n.Block | None:
    """Return both sweeps without what the result makes needless to compute again.

    result: the variable that is returned. live: drops what nobody reads. None where the reverse
    sweep does not read the result, or would save little by being given it.

    >>> from s2s_ad.ir.kinds import FLOAT
    >>> e, r = n.Name("e"), n.Name("r")
    >>> made = [n.Assign((e,), n.Call(n.Name("exp"), (n.Name("x"),)))]
    >>> made += [n.Assign((r,), n.Binary("*", e, n.Name("x")))]
    >>> ends = n.Return(n.Binary("*", r, n.Name("r_bar")))
    >>> dead = lambda block: block[-1:]
    >>> from_result((*made, ends), frozenset({ends.uid}), "r", FLOAT, dead) == (ends,)
    True
    """
    if not isinstance(kind, (Number, Array)):
        return None
    made = [s for s in body if result in changed_by(s)]
    if len(made) != 1 or made[0].uid in back or sole_target(made[0]) != result:
        return None
    short = live(tuple(s for s in body if s is not made[0]))
    if not any(n.Name(result) in all_parts(s) for s in walk_stmts(short)):
        return None
    saved = _again(body, back) - _again(short, back)
    return short if saved >= (CALLED if isinstance(kind, Number) else KEPT) else None


def taken_apart(
    body: n.Block, seed: str, kind: Kind, names: Names, options: frozenset[str]
) -> tuple[n.Block, n.Block]:
    """Return what names the items of the seed of a tuple, and the body in which they are read."""
    if not isinstance(kind, TupleOf) or "share" in options:
        return (), body
    return unpacked(body, seed, len(kind.items), names.fresh)


def gives_numbers(values: Sequence[tuple[str, Value]], result: Kind) -> bool:
    """True for a call on numbers, or on arrays too where it gives none."""
    few = is_immutable(result)
    return all(is_immutable(v.kind) or (few and isinstance(v.kind, Array)) for _, v in values)


def computes_arrays(start: n.Block, kinds: Mapping[str, Kind]) -> bool:
    """True when statements in front of a reverse sweep do much work on arrays."""
    made = [s for s in start if isinstance(kinds.get(sole_target(s) or ""), Array)]
    return sum(work(e) for s in made for e in stmt_exprs(s)) >= KEPT


def parameters_read(block: n.Block, params: tuple[n.Param, ...]) -> tuple[str, ...]:
    """Return the parameters that a function reads, or binds, in their order."""
    read = {e.id for s in walk_stmts(block) for e in all_parts(s) if isinstance(e, n.Name)}
    read |= {x for s in walk_stmts(block) for x in changed_by(s)}
    return tuple(p.name for p in params if p.name in read)


def _again(block: n.Block, back: frozenset[int]) -> int:
    """Return the work of the statements in front of the reverse sweep."""
    forward = walk_stmts(tuple(s for s in block if s.uid not in back))
    return sum(work(e) for s in forward for e in stmt_exprs(s))
