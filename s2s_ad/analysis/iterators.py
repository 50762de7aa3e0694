"""What is used up by running over it: iterators, which give their items only once.

Takes expressions with what is known of their parts, gives whether evaluating them uses an iterator
up, so that they must not be evaluated again. Requires `ir`.

    weights = map(float, words)     sum(weights) is 0 the second time
"""

from __future__ import annotations

import builtins
from collections.abc import Callable

import numpy as np

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
# what makes an array makes one of the iterator itself
LOOKS = (
    builtins.isinstance,
    builtins.len,
    builtins.type,
    builtins.id,
    builtins.print,
    np.array,
    np.asarray,
    np.asanyarray,
)


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
    if isinstance(e, n.Call):
        function = (object_of(e.func) or (None,))[0]
        ours = str(getattr(function, "__module__", "")).startswith("s2s_ad.runtime")
        if ours or function in (*MAKERS, *LOOKS):
            return False
        every = (*e.args, *(k.value for k in e.keywords))
        return any(_is_iterator(x, value, object_of) for x in every)
    if isinstance(e, n.Comprehension) and e.kind != "generator":
        return _is_iterator(e.clauses[0].iter, value, object_of)
    return False


def _is_iterator(
    e: n.Expr,
    value: Callable[[n.Expr], Value],
    object_of: Callable[[n.Expr], tuple[object] | None],
) -> bool:
    if isinstance(e, (n.Unary, n.Binary, n.Compare)):
        return False  # iterators cannot be computed with
    if isinstance(e, n.Call) and (object_of(e.func) or (None,))[0] in MAKERS:
        return any(_is_iterator(x, value, object_of) for x in e.args)
    if isinstance(e, n.Comprehension) and e.kind == "generator":
        return _is_iterator(e.clauses[0].iter, value, object_of)
    return isinstance(value(e).kind, OneTime)
