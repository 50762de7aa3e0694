"""Why a call cannot be differentiated: what its callee lacks, and what to write for it.

Takes calls, gives errors; requires `transform.context`.
"""

from __future__ import annotations

import functools

from s2s_ad.errors import S2SError
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import is_starred
from s2s_ad.rules import registry
from s2s_ad.runtime.calls import AT_RUN_TIME
from s2s_ad.transform.context import Context


def no_source(context: Context, e: n.Call, s: n.Stmt) -> S2SError:
    """Return the error for a callee that cannot be differentiated: why it has no source."""
    found = context.facts.object_of(e.func, s.uid)
    if found is not None and found[0] is functools.partial:
        return context.refuse(
            s,
            e,
            "a local function that captures active values is kept as a value",
            "hand it to a function that calls it, or call it here",
        )
    if found is not None and found[0] in AT_RUN_TIME:
        return context.refuse(
            s,
            e,
            "a second derivative of a call of what is known only when it runs",
            "call each function by its name: `y = f(x) if chosen else g(x)`",
        )
    if context.is_derivative(e.func, s, found):
        return context.refuse(
            s,
            e,
            "a derivative inside a differentiated function",
            "take it outside: `grad(grad(f))`, `hvp`, or `hessian` of a plain function",
        )
    if is_starred(e):
        hint = "pass them one by one, or let the function take the list or dict itself"
        message = "a call with a star: which arguments there are is known only when it runs"
        return context.refuse(s, e, message, context.or_tell(hint))
    if found is None and not isinstance(e.func, n.Attribute):
        return context.refuse(
            s,
            e,
            "a call of what is known only when it runs",
            "call each function by its name: `y = f(x) if chosen else g(x)`",
        )
    owner = e.func.value if isinstance(e.func, n.Attribute) else None
    if found is None and isinstance(owner, n.Name) and not context.facts.varied(owner, s.uid):
        return context.refuse(
            s,
            e,
            f"a method of `{owner.id}`, an object known only when it runs",
            "take the derivative of a method of an instance: `grad(thing.method)`",
        )
    why = context.calls.trouble(found[0]) if found else None
    method = e.func.attr if isinstance(e.func, n.Attribute) else ""
    if found is None and registry.lookup_method(method):
        return context.missing(e, s, "this form of the call has no rule", False)
    return why or context.missing(e, s, "it has neither Python source nor a rule")
