"""The largest or smallest of three numbers or more: its adjoint goes to those that are it.

Takes a call of `max` or `min` and a differential, gives the parts of the arguments and what is
computed in front of them; requires `ir`.

    m = min(a, b, c)        items = [a, b, c]
                            least = min(items)
                   →        share_bar = m_bar / items.count(least)
                            a_bar += share_bar if items[0] == least else 0.0

What is counted is in the list itself, so that there is one at least, and a nan is found as well.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable

from s2s_ad.ir import nodes as n

FEWEST = 3
_CALLED = {builtins.max: "largest", builtins.min: "least"}


def shares(
    call: n.Call, function: object, d: n.Expr, fresh: Callable[[str], str]
) -> tuple[list[n.Stmt], list[n.Expr], str] | None:
    """Return statements, what each of several numbers gets of the adjoint `d` of the extreme one,
    equal parts if there are several, and the name of such a part. None for another call."""
    called = next((name for f, name in _CALLED.items() if f is function), None)
    several = len(call.args) >= FEWEST and not any(isinstance(a, n.Starred) for a in call.args)
    if called is None or not several or call.keywords:
        return None
    items, extreme, share = (n.Name(fresh(x)) for x in ("items", called, "share_bar"))
    count = n.Call(n.Attribute(items, "count"), (extreme,))
    before: list[n.Stmt] = [
        n.Assign((items,), n.ListExpr(call.args)),
        n.Assign((extreme,), n.Call(call.func, (items,))),
        n.Assign((share,), n.Binary("/", d, count)),
    ]
    places = (n.Subscript(items, n.Const(str(k), k)) for k in range(len(call.args)))
    tests = (n.Compare(place, ("==",), (extreme,)) for place in places)
    return before, [n.IfExp(test, share, n.ZERO) for test in tests], share.id
