"""What a reverse sweep makes of a part of an array and puts there again is an operator in place.

Takes the body of a generated function, gives it so; requires `ir`.

    u_bar[1:-1] = u_bar[1:-1] * k           →       u_bar[1:-1] *= k
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_block, subexprs

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
        if not isinstance(value, n.Binary) or value.op not in "+-*/":
            return (s,)
        if any(isinstance(e, n.Call) for e in subexprs(place)):
            return (s,)
        if value.left == place:
            other = value.right
        elif value.right == place and value.op in EITHER_WAY:
            other = value.left
        else:
            return (s,)
        if not isinstance(kind(place.value), Array):
            return (s,)
        new = n.AugAssign(place, value.op, other, uid=s.uid, origin=s.origin, of=s.of)
        return (replace(new, comments=s.comments),)

    return map_block(body, visit)
