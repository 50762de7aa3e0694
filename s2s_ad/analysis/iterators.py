"""What is used up by running over it: iterators, which give their items only once.

Takes expressions with what is known of their parts, gives whether evaluating them uses an iterator
up, so that they must not be evaluated again. Requires `ir`.

    weights = map(float, words)     sum(weights) is 0 the second time
"""

from __future__ import annotations

import builtins
from collections.abc import Callable

from s2s_ad.analysis.effects import is_pure_object
from s2s_ad.analysis.values import Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Kind, ListOf, OneTime

MAKERS = (
    builtins.map,
    builtins.filter,
    builtins.zip,
    builtins.enumerate,
    builtins.reversed,
    builtins.iter,
)
LOOKS = (builtins.isinstance, builtins.len, builtins.type, builtins.id, builtins.print)


def iterator(item: Kind, varied: bool) -> Kind:
    """Return the kind of an iterator over such items; one that varies is written out as a list."""
    return ListOf(item) if varied else OneTime(item)


def unknown(varied: bool, callee: object = None) -> Kind:
    """Return the kind of what a callee returns that nobody knows: it may be an iterator."""
    plain = callee not in MAKERS and is_pure_object(callee)
    return UNKNOWN if varied or plain else OneTime()


def uses_up(
    e: n.Expr,
    value: Callable[[n.Expr], Value],
    object_of: Callable[[n.Expr], tuple[object] | None],
) -> bool:
    """True when evaluating `e` runs over an iterator that was there before."""

    def callee(x: n.Call) -> object:
        found = object_of(x.func)
        return found[0] if found else None

    def is_iterator(x: n.Expr) -> bool:
        if isinstance(x, (n.Unary, n.Binary, n.Compare)):
            return False  # iterators cannot be computed with
        if isinstance(x, n.Call) and callee(x) in MAKERS:
            return any(map(is_iterator, x.args))
        if isinstance(x, n.Comprehension) and x.kind == "generator":
            return is_iterator(x.clauses[0].iter)
        return isinstance(value(x).kind, OneTime)

    if isinstance(e, n.Call):
        function = callee(e)
        ours = str(getattr(function, "__module__", "")).startswith("s2s_ad.runtime")
        if ours or function in (*MAKERS, *LOOKS):
            return False
        return any(map(is_iterator, (*e.args, *(k.value for k in e.keywords))))
    if isinstance(e, n.Comprehension) and e.kind != "generator":
        return is_iterator(e.clauses[0].iter)
    return False
