"""Calls with an effect are made once: they get statements of their own in front of active ones.

Takes a function in normal form and its context, gives it with such calls named; requires
`transform.context`.

    y = x * next(steps)     →       next_value = next(steps)
                                    y = x * next_value

A derivative repeats parts of the primal's expressions. A part that changes something, or gives
another value each time, must not be among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import plain_name
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_block, map_expr, map_parts, names, stmt_exprs, subexprs
from s2s_ad.transform.context import Context

CONDITIONAL = (n.Lambda, n.Comprehension, n.IfExp, n.BoolOp)


def hoist(
    function: n.Function, context: Context, fresh: Callable[[str], str], tests: bool, last: bool
) -> n.Function:
    """Return the function with one call named in each active statement that has calls to name.

    tests: whether conditions count, as they do where they are evaluated again on the way back.
    last: refuse what cannot be named, as normal form will not do it either.
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, (n.If, n.While)) and not tests:
            return (s,)
        if isinstance(s, n.While) and _first_call(context, s, last) is not None:
            return (_tested_inside(s),)
        if (
            isinstance(s, n.If)
            and len(s.branches) > 1
            and _first_call(context, s, last) is not None
        ):
            first, *rest = s.branches
            inner = n.If(tuple(rest), s.orelse, origin=s.origin)
            return (replace(s, branches=(first,), orelse=(inner,)),)
        call = _first_call(context, s, last)
        if call is None:
            return (s,)
        func = call.func
        named = plain_name(func.id) if isinstance(func, n.Name) else "call"
        wish = func.attr if isinstance(func, n.Attribute) else named
        name = n.Name(fresh(f"{wish}_value"))
        before = n.Assign((name,), call, origin=s.origin, comments=s.comments)
        return before, replace(_with_first(s, call, name), comments=n.NO_COMMENTS)

    return replace(function, body=map_block(function.body, visit))


def _first_call(context: Context, s: n.Stmt, last: bool) -> n.Call | None:
    """Return the call with an effect that the statement makes first, None if it may stay."""
    if s.uid not in context.facts.before:
        return None
    if isinstance(s, n.For):
        roots: tuple[n.Expr, ...] = (s.iter,)
    elif isinstance(s, n.While):
        roots = (s.test,)
    elif isinstance(s, n.If):
        roots = tuple(b.test for b in s.branches)
    elif isinstance(s, n.Append) and _is_active(context, s):
        roots = (s.value,)  # the list is only looked up before, and may grow and shrink until then
    elif isinstance(s, (n.Assign, n.AugAssign, n.Return)) and _is_active(context, s):
        roots = stmt_exprs(s)
    else:
        return None
    whole = s.value if isinstance(s, (n.Assign, n.Return)) else None
    found = [
        e
        for root in roots
        for e in subexprs(root)
        if isinstance(e, n.Call)
        and e is not whole
        and not context.is_pure(e, s)
        and not context.is_harmless(e, s)
    ]
    if not found or isinstance(s, n.While) or (isinstance(s, n.If) and len(s.branches) > 1):
        return found[0] if found else None
    first = found[0]
    while inner := [e for e in found if e is not first and _is_in(e, first)]:
        first = inner[0]
    return first if _may_come_first(context, s, roots, first, last) else None


def _tested_inside(s: n.While) -> n.While:
    """Return `while test: ...` as `while True: if not test: break ...`."""
    leave = n.Branch(n.Unary("not", s.test), (n.Break(origin=s.origin),))
    inside = n.If((leave,), s.body, origin=s.origin)
    return replace(s, test=n.Const("True", True), body=(inside,))


def _with_first(s: n.Stmt, call: n.Call, name: n.Name) -> n.Stmt:
    """Return the statement with the first of the calls that read like `call` replaced."""
    done = False

    def visit(e: n.Expr) -> n.Expr:
        nonlocal done
        if done or e != call:
            return e
        done = True
        return name

    if isinstance(s, n.For):
        return replace(s, iter=map_expr(s.iter, visit))
    if isinstance(s, n.If):
        (only,) = s.branches
        return replace(s, branches=(replace(only, test=map_expr(only.test, visit)),))
    return map_parts(s, visit)


def _is_in(e: n.Expr, whole: n.Expr) -> bool:
    return any(x is e for x in subexprs(whole))


def _is_active(context: Context, s: n.Assign | n.AugAssign | n.Append | n.Return) -> bool:
    facts, value = context.facts, s.value
    return value is not None and (
        facts.varied(value, s.uid) or (isinstance(s, n.AugAssign) and facts.varied(s.target, s.uid))
    )


def _is_handed_over(name: n.Name, roots: Sequence[n.Expr], call: n.Call) -> bool:
    """True for a variable that is read only to be called, or given to a call, of what `call` makes:

        f(x, scaled(x))

    What it holds is looked at when both have been evaluated, whichever comes first.
    """
    reads = sum(e == name for root in roots for e in subexprs(root))
    given = 0
    for outer in (e for root in roots for e in subexprs(root) if isinstance(e, n.Call)):
        parts = (outer.func, *outer.args, *(k.value for k in outer.keywords))
        if outer is not call and any(_is_in(call, part) for part in parts):
            given += sum(part == name for part in parts)
    inside = sum(e == name for e in subexprs(call))
    return reads == given + inside


def _may_come_first(
    context: Context, s: n.Stmt, roots: Sequence[n.Expr], call: n.Call, last: bool
) -> bool:
    """True when a call can be made before its statement; refuse one that changes what is read."""
    hint = "call it in a statement of its own, in front of this one"
    for root in roots:
        for e in subexprs(root):
            if isinstance(e, CONDITIONAL) and _is_in(call, e):
                if not last:
                    return False
                message = "a call that may change something, in a part that may not be evaluated"
                raise context.refuse(s, call, message, hint)
    changed = names(call) & context.changed(s)
    reader = context.facts.reader(s.uid)
    for root in roots:
        for e in subexprs(root):
            if e is call:
                return True
            if not last and reader.may_be_rebound(e, context.facts.before[s.uid]):
                return False
            if isinstance(e, n.Name) and e.id in changed and not _is_handed_over(e, roots, call):
                message = f"a call that may change `{e.id}`, which is read before in the same line"
                raise context.refuse(s, call, message, hint)
    return True
