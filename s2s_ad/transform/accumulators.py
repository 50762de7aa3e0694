"""Variables that a loop only adds to: what their adjoint is at a step does not depend on the step.

Takes a loop of the primal, gives its statements `x = x + e`; requires `ir`.

    for k in range(n):
        x = x + w[k] * y[k : k + m]

Where `e` may be longer than `x`, NumPy spreads `x`, and its adjoint is to be summed down again.
That may wait until the loop is over: nothing else in it reads the adjoint, and what is summed down
to the shape of `e` may as well be what was not summed down to that of `x`.
"""

from __future__ import annotations

from collections import defaultdict

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by, sole_target
from s2s_ad.ir.walk import assigned, names, walk_stmts


def added_to(body: n.Block) -> dict[int, str]:
    """Return the variables that a loop only adds to, by the uids of the statements that do.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> def adds(text): return n.Assign((n.Name("x"),), parse_expr(text))
    >>> [list(added_to((adds(text),)).values()) for text in ("x + y", "y - x", "x + x * y")]
    [['x'], [], []]
    >>> added_to((adds("x + y"), n.Assign((n.Name("z"),), n.Name("x"))))
    {}
    """
    found: dict[str, list[int]] = defaultdict(list)
    others: set[str] = set()
    for s in walk_stmts(body):
        own = _sum_with(s)
        if own is not None:
            found[own].append(s.uid)
        mentioned = said_by(s)
        if not isinstance(s, (n.If, n.For, n.While)):
            mentioned |= assigned((s,))
        others |= mentioned - {own}
    return {uid: x for x, uids in found.items() if x not in others for uid in uids}


def _sum_with(s: n.Stmt) -> str | None:
    """Return x for `x = x + e`, `x = e + x` and `x = x - e`, where e does not read x."""
    name = sole_target(s)
    e = s.value if isinstance(s, n.Assign) else None
    if name is None or not isinstance(e, n.Binary) or e.op not in ("+", "-"):
        return None
    sides = [(e.left, e.right), (e.right, e.left)][: 2 if e.op == "+" else 1]
    adds = any(x == n.Name(name) and name not in names(rest) for x, rest in sides)
    return name if adds else None
