"""Names for parts of expressions: those that are given in statements of their own.

Takes a prepared function and what is wanted, gives the function; requires `rules`, `analysis`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from s2s_ad import runtime
from s2s_ad.analysis.indexing import picks
from s2s_ad.build_fresh import called
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import Array
from s2s_ad.ir.names import plain_name
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import each_of, map_block, map_expr, map_stmt_exprs, subexprs, walk_stmts
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.reading import stored_into

if TYPE_CHECKING:
    from s2s_ad.build_prepare import Prepared


def name_expressions(
    prepared: Prepared, wanted: Sequence[tuple[int, n.Expr]], is_user_call: Callable[[n.Expr], bool]
) -> n.Function:
    """Give sub-expressions of statements names of their own, in statements in front of them.

    y = np.mean(np.exp(x))      →       exp = np.exp(x)
                                        y = np.mean(exp)

    Calls of user code become statements with adjoints of their own.
    """
    function, names = prepared.function, prepared.names
    stored = frozenset(x for s in walk_stmts(function.body) for x in stored_into(s))
    by_statement: dict[int, list[n.Expr]] = {}
    for uid, e in wanted:
        if isinstance(e, n.Name):
            # a part of it is read by index: it needs an adjoint of its own after all
            prepared.transparent.pop(e.id, None)
            continue
        found = by_statement.setdefault(_home(prepared, uid, e), [])
        if e not in found:
            found.append(e)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in by_statement:
            return (s,)
        if isinstance(s, n.AugAssign):
            # what must be named may be the whole new value
            whole = n.Binary(s.op, s.target, s.value)
            s = n.Assign((s.target,), whole, uid=s.uid, origin=s.origin, comments=s.comments)
        before: list[n.Stmt] = []
        for e in by_statement[s.uid]:
            name = n.Name(names.fresh(wish(e)))
            put = partial(_replaced, part=e, name=name)
            if isinstance(s, n.Assign):
                # what is stored into is no value: `x[i] = f(x[i])` may get a name for f's argument
                s = replace(
                    s, value=put(s.value), targets=tuple(_index_put(t, put) for t in s.targets)
                )
            else:
                s = map_stmt_exprs(s, put)
            whole_of = sole_target(s) if isinstance(s, n.Assign) and s.value == name else None
            if isinstance(s, n.Assign) and whole_of in stored and _is_array(prepared, e, s):
                # what is stored into it is not stored into what the reverse sweep reads
                s = replace(s, value=n.Call(n.Attribute(name, "copy"), ()))
            value = _apart(prepared, s, e)
            before.append(n.Assign((name,), value, origin=s.origin))
            if not is_user_call(e):
                prepared.transparent[name.id] = e
        target = s.targets[0] if isinstance(s, n.Assign) else None
        known = isinstance(target, n.Name) and target.id in prepared.transparent
        if isinstance(s, n.Assign) and isinstance(target, n.Name) and known:
            prepared.transparent[target.id] = s.value
        before[0] = replace(before[0], comments=s.comments)
        return (*before, replace(s, comments=n.NO_COMMENTS))

    return replace(function, body=map_block(function.body, visit))


def _apart(prepared: Prepared, s: n.Stmt, e: n.Expr) -> n.Expr:
    """Return `e`, or a copy of it where it may be a view of an array that changes after that:

    y[:3] *= np.flip(y[:3])     →       flip = np.flip(y[:3]).copy()
                                        y[:3] = y[:3] * flip
    """
    body = prepared.function.body
    at = next(k for k, x in enumerate(body) if s.uid in {y.uid for y in walk_stmts((x,))})
    later = tuple(walk_stmts(body[at:]))
    targets = {x.target for x in later if isinstance(x, n.AugAssign)}
    changed = {t.id for t in targets if isinstance(t, n.Name)}.union(*map(stored_into, later))
    read = {x.id for x in subexprs(e) if isinstance(x, n.Name)}
    if changed.isdisjoint(read) or not _is_array(prepared, e, s):
        return e
    return n.Call(n.Attribute(e, "copy"), ()) if _may_be_view(prepared, e, s) else e


def _may_be_view(prepared: Prepared, e: n.Expr, s: n.Stmt) -> bool:
    if isinstance(e, n.Subscript):
        taken = picks(e.index, lambda x: prepared.facts().value(x, s.uid).kind)
        return not taken and _may_be_view(prepared, e.value, s)
    if isinstance(e, n.Call):
        ours = prepared.program.subject(called(prepared.subject, prepared.program, e))
        return ours is None and prepared.newness_here(e) <= SHARES
    return isinstance(e, (n.Name, n.Attribute))


def _is_array(prepared: Prepared, e: n.Expr, s: n.Stmt) -> bool:
    return isinstance(prepared.facts().value(e, s.uid).kind, Array)


def _index_put(target: n.Expr, put: Callable[[n.Expr], n.Expr]) -> n.Expr:
    """Return a target with its indices changed."""
    if isinstance(target, n.Subscript):
        return replace(target, value=_index_put(target.value, put), index=put(target.index))
    if isinstance(target, n.Attribute):
        return replace(target, value=_index_put(target.value, put))
    return target


def _home(prepared: Prepared, uid: int, e: n.Expr) -> int:
    """Return the statement that holds `e`: `uid`, or one that names a part of that statement."""
    for s in walk_stmts(prepared.function.body):
        if not isinstance(s, n.Assign) or not isinstance(s.targets[0], n.Name):
            continue
        if s.targets[0].id in prepared.transparent and e in subexprs(s.value) and e != s.value:
            return s.uid
    return uid


def _replaced(whole: n.Expr, part: n.Expr, name: n.Name) -> n.Expr:
    return map_expr(whole, lambda x: name if x == part else x)


def wish(e: n.Expr) -> str:
    """Return the name a sub-expression would be given by hand: that of its function."""
    if isinstance(e, n.Call):
        func = e.func
        if isinstance(func, n.Attribute):
            elsewhere = hasattr(builtins, func.attr) or func.attr in runtime.__all__
            return f"{func.attr}_value" if elsewhere else func.attr
        if isinstance(func, n.Name):
            return f"{plain_name(func.id)}_value"
    if isinstance(e, n.Subscript) and isinstance(e.value, n.Name):
        items = each_of(e.index)
        one = all(isinstance(x, (n.Name, n.Const, n.Unary, n.Binary)) for x in items)
        return f"{e.value.id}_{'item' if one else 'part'}"
    if isinstance(e, n.IfExp):
        return wish(e.body)
    if isinstance(e, n.Binary):
        words = {"+": "total", "-": "difference", "*": "product", "/": "ratio", "**": "power"}
        return words.get(e.op, "matmul" if e.op == "@" else "value")
    return "value"
