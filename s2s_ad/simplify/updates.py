"""What a reverse sweep makes of a part of an array and puts there again is an operator in place.

Takes the body of a generated function, gives it so; requires `ir`.

    u_bar[1:-1] = u_bar[1:-1] * k           →       u_bar[1:-1] *= k
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind
from s2s_ad.ir.walk import inside, map_block

EITHER_WAY = "+*"


def updates(body: n.Block, back: frozenset[int], kind: Callable[[n.Expr], Kind]) -> n.Block:
    """Return the body with such statements shortened. back: uids of the reverse sweep.

    kind: that of an expression; lists, whose `+` joins, are left as they are.
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        place = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        value = s.value if isinstance(s, n.Assign) else None
        if s.uid not in back or not isinstance(place, n.Subscript):
            return (s,)
        if not isinstance(value, n.Binary) or inside(place, n.Call):
            return (s,)
        other = _operand(value, place)
        if other is None or not isinstance(kind(place.value), Array):
            return (s,)
        new = n.AugAssign(
            place, value.op, other, uid=s.uid, origin=s.origin, comments=s.comments, of=s.of
        )
        return (new,)

    return map_block(body, visit)


def _operand(e: n.Binary, place: n.Expr) -> n.Expr | None:
    """Return what an operator of one sign joins with `place`, None where it does not do that."""
    if e.left == place and e.op in "+-*/":
        return e.right
    return e.left if e.right == place and e.op in EITHER_WAY else None
