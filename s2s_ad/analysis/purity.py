"""Whether a call changes anything: what is called, and what that calls in turn.

Takes calls and the interpreter that knows what names stand for, gives yes or no; requires
`effects`.
"""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING

from s2s_ad.analysis import effects
from s2s_ad.analysis.values import Env, Value, spread
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, NoneKind, Number, Partial
from s2s_ad.ir.walk import subexprs

if TYPE_CHECKING:
    from s2s_ad.analysis.interpreter import Interpreter


def is_pure(reader: Interpreter, e: n.Call, env: Env, again: bool) -> bool:
    """True when a call changes nothing; again: and gives the same again."""
    if effects.changes_arguments(e) or reader.uses_up(e, env):
        return False
    found, captured = reader.object_of(e.func, env), {}
    if isinstance(e.func, n.Name) and isinstance(kind := reader.value(e.func, env).kind, Partial):
        found, captured = (kind.function,), dict(zip(kind.names, map(Value, kind.items)))
    if found is None:
        return isinstance(e.func, n.Attribute) and effects.is_pure_method(e.func.attr)
    if effects.fills_arguments(found[0], e):
        return False
    applied = effects.applied(found[0], e)
    if applied is not None:
        functions, count = applied
        return all(_applies_purely(reader, f, count, env, again) for f in functions)
    if effects.is_pure_object(found[0]):
        return True
    given = spread(e.args, lambda x: reader.value(x, env).kind)
    if any(isinstance(a, n.Starred) for a in given):
        return False
    args = [reader.value(a, env) for a in given]
    keywords = {k.name: reader.value(k.value, env) for k in e.keywords if k.name}
    if len(keywords) != len(e.keywords):
        others = _parameters(found[0])
        if others is None:
            return False
        # `**` may give any of those that are left, and anything
        left = others[len(args) :]
        keywords = {**{x: Value(UNKNOWN) for x in left if x not in captured}, **keywords}
    return reader.world.is_pure(found[0], args, {**captured, **keywords}, again)


def _parameters(callee: object) -> list[str] | None:
    """Return the parameters of a function that takes no others, None for any other callee."""
    if not isinstance(callee, types.FunctionType):
        return None
    params = list(inspect.signature(callee, follow_wrapped=False).parameters.values())
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in params):
        return None
    return [p.name for p in params]


def _applies_purely(
    reader: Interpreter, function: n.Expr, count: int, env: Env, again: bool
) -> bool:
    """True when a function changes nothing that another calls with `count` items at a time."""
    kind = reader.value(function, env).kind
    if isinstance(kind, (NoneKind, Number)):
        return True
    if isinstance(kind, Partial):
        captured = dict(zip(kind.names, map(Value, kind.items)))
        return reader.world.is_pure(kind.function, [Value(UNKNOWN)] * count, captured, again)
    if isinstance(function, n.Lambda):
        calls = [x for x in subexprs(function.body) if isinstance(x, n.Call)]
        return all(is_pure(reader, x, env, again) for x in calls)
    items = tuple(n.Name(f"item {k}") for k in range(count))
    return is_pure(reader, n.Call(function, items), env, again)
