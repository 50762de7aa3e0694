"""Variables that cancel out: the result reads them, and does not depend on them.

Takes a function with its facts, gives the variables, and the calls inside statements, that need no
derivative; requires `ir`, `analysis`.

    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))

The maximum is there against overflow only: by hand nobody differentiates it. It is proved for each
maximum or minimum t by moving it and following what answers (`transform.following`). The
derivative with respect to t is zero where nothing that leaves the function, or goes where it is not
followed, has an answer left. How t itself is computed does not matter then.
"""

from __future__ import annotations

from s2s_ad.analysis.responses import NotFollowedError
from s2s_ad.analysis.still import NOTHING_STILL, Still
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import Array, Number
from s2s_ad.ir.walk import all_parts, assigned, blocks, names, walk_stmts
from s2s_ad.transform.context import Context
from s2s_ad.transform.following import EITHER, EXTREMES, follow, is_one_of, object_of
from s2s_ad.transform.reading import flat


def cancelling(context: Context) -> Still:
    """Return the maxima and minima that need no derivative."""
    body = context.function.body
    every = list(walk_stmts(body))
    if not any(_may_be_exp(x) for s in every for x in all_parts(s)):
        return NOTHING_STILL
    if any(isinstance(s, (n.FunctionDef, n.Global)) for s in every) or any(
        isinstance(x, (n.Lambda, n.NamedExpr)) for s in every for x in all_parts(s)
    ):
        return NOTHING_STILL  # they read or bind variables at other times than it seems
    variables = frozenset(x for x in _selected(context) if _cancels(context, x))
    calls = set()
    for s in every:
        bound = sole_target(s)
        if bound is not None and bound in variables:
            continue
        for e in dict.fromkeys(all_parts(s)):
            if isinstance(e, n.Call) and _is_extreme(context, e, s) and _cancels(context, e, s.uid):
                calls.add((s.uid, e))
    return Still(variables, frozenset(calls))


def _may_be_exp(e: n.Expr) -> bool:
    func = e.func if isinstance(e, n.Call) else None
    return (func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "")) == "exp"


def _is_extreme(context: Context, e: n.Call, s: n.Stmt) -> bool:
    """True for a call that takes a maximum or minimum of numbers that vary."""
    if s.uid not in context.facts.before or not context.facts.varied(e, s.uid):
        return False
    obj = object_of(context, e.func, s)
    if obj is None and isinstance(e.func, n.Attribute) and e.func.attr in ("max", "min"):
        return isinstance(context.facts.value(e.func.value, s.uid).kind, Array)
    return is_one_of(obj, (*EXTREMES, *EITHER))


def _selected(context: Context) -> list[str]:
    """Return the variables that only ever take over one of several values."""
    params = {p.name for p in context.function.params}
    plain = (n.Const, n.Unary, n.Attribute)  # `-np.inf`, too
    own = context.facts.locals
    found: dict[str, bool] = {}
    selects = set()

    def extreme(e: n.Expr, s: n.Stmt) -> bool:
        """True for a maximum, perhaps with new axes."""
        while isinstance(e, n.Subscript):
            e = e.value
        return isinstance(e, n.Call) and _is_extreme(context, e, s)

    todo = [(context.function.body, False)]
    while todo:
        block, inside = todo.pop()
        for s in block:
            name = sole_target(s)
            if name is not None and isinstance(s, n.Assign) and name not in params:
                kind = context.facts.after.get(s.uid, {}).get(name, PASSIVE).kind
                taken = isinstance(s.value, (n.Name, n.Subscript)) and isinstance(kind, Number)
                best = extreme(s.value, s)
                fine = (
                    best or taken or (isinstance(s.value, plain) and names(s.value).isdisjoint(own))
                )
                found[name] = found.get(name, True) and fine
                if best or (taken and inside):
                    selects.add(name)
            else:
                for other in assigned((flat(s),)):
                    found[other] = False
            if isinstance(s, n.If):
                todo.extend((inner, True) for inner in blocks(s))
            elif isinstance(s, (n.For, n.While)):
                todo.extend((inner, inside) for inner in blocks(s))
            elif isinstance(s, (n.Try, n.With, n.FunctionDef)):
                for other in assigned((s,)):
                    found[other] = False

    return [name for name, fine in found.items() if fine and name in selects]


def _cancels(context: Context, t: str | n.Expr, uid: int | None = None) -> bool:
    """True when nothing that leaves the function depends on t. uid: where the call t is made."""
    try:
        follow(context, t, uid)
    except NotFollowedError:
        return False
    return True
