"""Blocks in which variables stand for attributes: where these have values, and what is handed on.

Takes blocks and functions, gives facts of them and shorter forms; requires `analysis`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from s2s_ad.analysis.bound import definitely
from s2s_ad.build_signature import bind
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import names, stmt_exprs, walk_stmts


def in_tries(body: n.Block) -> set[int]:
    """Return the statements behind which a function may go on when they raise."""
    found: set[int] = set()
    for s in walk_stmts(body):
        if isinstance(s, (n.Try, n.With)):
            # what a handler raises goes on where the statement stands
            own = s.body if isinstance(s, n.With) or not s.final else tuple(walk_stmts((s,)))
            found |= {x.uid for x in walk_stmts(own)}
    return found


def unbound(
    body: n.Block, have: set[str], places: Mapping[str, tuple[str, str]]
) -> tuple[str, str] | None:
    """Return an attribute that is read where it may have no value."""
    before = definitely(body, have).before
    for s in walk_stmts(body):
        known = before.get(s.uid)
        if known is None:
            continue
        for x in _read(s):
            if x in places and x not in known:
                return places[x]
    return None


def _read(s: n.Stmt) -> Iterator[str]:
    """Yield the variables that a statement itself reads."""
    if isinstance(s, (n.Append, n.Pop)):
        yield s.stack
    targets: tuple[n.Expr, ...] = ()
    if isinstance(s, n.Assign):
        targets = s.targets
        yield from sorted(names(s.value))
    elif isinstance(s, n.For):
        targets = (s.target,)
        yield from sorted(names(s.iter))
    else:
        for e in stmt_exprs(s):
            yield from sorted(names(e))
    for t in targets:
        yield from sorted(_read_by(t))


def _read_by(t: n.Expr) -> set[str]:
    if isinstance(t, n.Name):
        return set()
    if isinstance(t, (n.TupleExpr, n.ListExpr)):
        return set().union(*map(_read_by, t.items))
    return set(names(t))


def of_a_list(s: n.Stmt, variables: Collection[str]) -> n.Stmt:
    """Return `x.append(e)` and `y = x.pop()` of what is a variable now as they are of any list."""
    e = s.value if isinstance(s, (n.ExprStmt, n.Assign)) else None
    func = e.func if isinstance(e, n.Call) and not e.keywords else None
    if not isinstance(func, n.Attribute) or not isinstance(func.value, n.Name):
        return s
    assert isinstance(e, n.Call)
    stack, args = func.value.id, e.args
    if stack not in variables:
        return s
    one = len(args) == 1 and not isinstance(args[0], n.Starred)
    if isinstance(s, n.ExprStmt) and func.attr == "append" and one:
        return n.Append(stack, args[0], uid=s.uid, origin=s.origin, comments=s.comments)
    target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
    if isinstance(target, n.Name) and func.attr == "pop" and not args:
        return n.Pop(target, stack, uid=s.uid, origin=s.origin, comments=s.comments)
    return s


def handed_on(function: n.Function, call: n.Call) -> list[n.Expr] | None:
    """Return what a call gives, where the function does no more than hand it on."""
    if not function.body or not isinstance(function.body[-1], n.Return):
        return None
    end = function.body[-1].value
    if end is None or any(isinstance(a, n.Starred) for a in call.args):
        return None
    given = bind(function.params, call.args, {k.name or "": k.value for k in call.keywords})
    if given is None:
        return None
    defaults = {p.name: p.default for p in function.params}
    values: dict[str, n.Expr] = {}
    for p, e in given.items():
        value = e if e is not None else defaults[p]
        if value is None or not (e is not None or isinstance(value, (n.Name, n.Const))):
            return None
        values[p] = value
    for s in function.body[:-1]:
        if not isinstance(s, n.Assign) or len(s.targets) > 1:
            return None
        target = s.targets[0]
        known = isinstance(target, n.Name) and target.id not in values
        if not known or not isinstance(s.value, (n.Name, n.Const)):
            return None
        handed = values.get(s.value.id) if isinstance(s.value, n.Name) else s.value
        if handed is None or not isinstance(target, n.Name):
            return None
        values[target.id] = handed
    items = end.items if isinstance(end, n.TupleExpr) else (end,)
    if not all(isinstance(x, n.Name) and x.id in values for x in items):
        return None
    out = [values[x.id] for x in items if isinstance(x, n.Name)]
    used = [id(e) for e in out]
    costly = [e for e in given.values() if not isinstance(e, (n.Name, n.Const, type(None)))]
    # what is computed is computed once, and in its place
    if [id(e) for e in costly] != [u for u in used if u in {id(e) for e in costly}]:
        return None
    return out
