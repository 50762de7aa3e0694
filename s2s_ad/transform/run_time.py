"""Calls of what is known only when they run: their derivatives are made then.

Takes calls, gives what of their arguments is active; requires `analysis`.

    y = f(x, 2)         →       y, f_saved = call_forward(f, (0,), x, 2)
                                ...
                                x_bar = call_reverse(f_saved, y_bar)
"""

from __future__ import annotations

import types
from dataclasses import dataclass

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import DictOf, ListOf, TupleOf
from s2s_ad.ir.walk import subexprs
from s2s_ad.rules import registry

# what depends on the function it is called in
OF_ITS_PLACE = ((globals,), (locals,), (vars,), (dir,), (super,))


@dataclass(frozen=True)
class Followed:
    """A call whose derivative is made when it runs.

    active: how `runtime.calls` is told what of the arguments is active, with the expressions.
    """

    call: n.Call
    active: tuple[tuple[int | str, n.Expr], ...]

    @property
    def name(self) -> str:
        func = self.call.func
        return func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "call")

    @property
    def places(self) -> n.Expr:
        return n.TupleExpr(tuple(n.Const(repr(place), place) for place, _ in self.active))


def followed(facts: Facts, e: n.Expr, s: n.Stmt) -> Followed | None:
    """Return how a call is followed when it runs, None for one that is not."""
    if not isinstance(e, n.Call) or s.uid not in facts.before or not _is_unknown(facts, e, s):
        return None
    active: list[tuple[int | str, n.Expr]] = []
    for k, a in enumerate(e.args):
        inner = a.value if isinstance(a, n.Starred) else a
        value = facts.value(inner, s.uid)
        if not value.varied:
            continue
        if any(isinstance(x, n.Starred) for x in e.args[:k]):
            return None  # which place it has is not known
        if isinstance(a, n.Starred):
            if k < len(e.args) - 1 or not isinstance(value.kind, (TupleOf, ListOf)):
                return None
            active.append((f"*{k}", inner))
        else:
            active.append((k, inner))
    for keyword in e.keywords:
        value = facts.value(keyword.value, s.uid)
        if not value.varied:
            continue
        several = sum(k.name is None for k in e.keywords) > 1
        if keyword.name is None and (several or not isinstance(value.kind, DictOf)):
            return None
        active.append((keyword.name or "**", keyword.value))
    return Followed(e, tuple(active)) if active else None


def _is_unknown(facts: Facts, e: n.Call, s: n.Stmt) -> bool:
    """True for a call of what is known only when it runs, or with arguments that are."""
    if facts.varied(e.func, s.uid):
        return False  # it may hold what is active
    inner = (x for x in subexprs(e.func) if isinstance(x, n.Call) and not x.args)
    if any(facts.object_of(x.func, s.uid) in OF_ITS_PLACE for x in inner):
        return False  # it means something else in what is generated
    found = facts.object_of(e.func, s.uid)
    if found is not None:
        starred = any(isinstance(a, n.Starred) for a in e.args) or any(
            k.name is None for k in e.keywords
        )
        return starred and isinstance(found[0], (types.FunctionType, types.MethodType))
    return not (isinstance(e.func, n.Attribute) and registry.lookup_method(e.func.attr))
