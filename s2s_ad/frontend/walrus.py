"""`:=` taken out of expressions, wherever it runs exactly once and before all that reads it.

Takes a Function, gives one with the same values in which such assignments are statements. What runs
under a condition inside an expression stays, and so does what would change places with a
value read before it. Requires `ir`.

    while (t := y * x) < 2.0:           t = y * x
        y = t                     →     while t < 2.0:
                                            y = t
                                            t = y * x
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, children, inside, map_block, names, subexprs, walk_stmts

# calls that give another value when they run earlier or later
ORDERED = frozenset("pop popitem popleft append next send read readline".split())


def without_walrus(function: n.Function) -> n.Function:
    """Return `function` with `:=` as statements where that says the same."""
    return replace(function, body=map_block(function.body, _statement))


def taken_out(e: n.Expr, origin: n.Origin | None) -> tuple[list[n.Stmt], n.Expr]:
    """Return the assignments made in `e`, as statements that run before it, and what is left."""
    run = _TakeOut(origin)
    return run.out, run.visit(e)


class _TakeOut:
    def __init__(self, origin: n.Origin | None) -> None:
        self.origin = origin
        self.out: list[n.Stmt] = []
        self.earlier: list[n.Expr] = []

    def visit(self, e: n.Expr) -> n.Expr:
        if not inside(e, n.NamedExpr):
            self.earlier.append(e)
            return e
        if isinstance(e, n.NamedExpr):
            before = list(self.earlier)
            value = self.visit(e.value)
            if _swaps(e.target.id, value, before):
                return replace(e, value=value)
            self.out.append(n.Assign((e.target,), value, origin=self.origin))
            return e.target
        if isinstance(e, (n.Lambda, n.Comprehension)):
            self.earlier.append(e)
            return e
        if isinstance(e, n.BoolOp):
            return replace(e, values=(self.visit(e.values[0]), *self.left(e.values[1:])))
        if isinstance(e, n.IfExp):
            test = self.visit(e.test)
            self.left((e.body, e.orelse))
            return replace(e, test=test)
        if isinstance(e, n.Compare):
            left = self.visit(e.left)
            first = self.visit(e.rights[0])
            return replace(e, left=left, rights=(first, *self.left(e.rights[1:])))
        return self.parts(e)

    def left(self, parts: tuple[n.Expr, ...]) -> tuple[n.Expr, ...]:
        """Leave what may not run as it is."""
        self.earlier.extend(parts)
        return parts

    def parts(self, e: n.Expr) -> n.Expr:
        go = self.visit
        if isinstance(e, n.Unary):
            return replace(e, operand=go(e.operand))
        if isinstance(e, n.Binary):
            left = go(e.left)
            return replace(e, left=left, right=go(e.right))
        if isinstance(e, n.Call):
            func = go(e.func)
            args = tuple(go(a) for a in e.args)
            return n.Call(func, args, tuple(replace(k, value=go(k.value)) for k in e.keywords))
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            return replace(e, items=tuple(go(item) for item in e.items))
        if isinstance(e, (n.Attribute, n.Starred)):
            return replace(e, value=go(e.value))
        if isinstance(e, n.Subscript):
            value = go(e.value)
            return n.Subscript(value, go(e.index))
        self.earlier.extend(children(e))
        return e


def _swaps(target: str, value: n.Expr, earlier: list[n.Expr]) -> bool:
    """True when an assignment must not move in front of what runs earlier."""
    if any(target in names(e) for e in earlier):
        return True
    return _is_ordered(value) and any(_is_ordered(e) for e in earlier)


def _is_ordered(e: n.Expr) -> bool:
    for x in subexprs(e):
        func = x.func if isinstance(x, n.Call) else None
        name = func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "")
        if name in ORDERED:
            return True
    return False


def _statement(s: n.Stmt) -> tuple[n.Stmt, ...]:
    if isinstance(s, n.If):
        return _if(s)
    if isinstance(s, n.While):
        return _while(s)
    if isinstance(s, n.For):
        out, e = taken_out(s.iter, s.origin)
        return _headed(out, replace(s, iter=e)) if out else (s,)
    if isinstance(s, n.AugAssign):
        run = _TakeOut(s.origin)
        run.earlier.append(s.target)
        value = run.visit(s.value)
        return _headed(run.out, replace(s, value=value)) if run.out else (s,)
    if isinstance(s, n.Assert):
        out, e = taken_out(s.test, s.origin)
        return _headed(out, replace(s, test=e)) if out else (s,)
    if isinstance(s, (n.Assign, n.Append, n.ExprStmt, n.Return)) and s.value is not None:
        out, e = taken_out(s.value, s.origin)
        return _headed(out, replace(s, value=e)) if out else (s,)
    return (s,)


def _headed(out: list[n.Stmt], s: n.Stmt) -> tuple[n.Stmt, ...]:
    """Return `s` behind statements that it comes from; comments stay on top."""
    first = replace(out[0], comments=replace(n.NO_COMMENTS, before=s.comments.before))
    return (first, *out[1:], replace(s, comments=replace(s.comments, before=())))


def _if(s: n.If) -> tuple[n.Stmt, ...]:
    for k, branch in enumerate(s.branches):
        out, test = taken_out(branch.test, branch.origin or s.origin)
        if not out:
            continue
        rest = (replace(branch, test=test), *s.branches[k + 1 :])
        if k == 0:
            return _headed(out, replace(s, branches=rest))
        inner = n.If(rest, s.orelse, origin=branch.origin or s.origin)
        return (replace(s, branches=s.branches[:k], orelse=(*out, *_if(inner))),)
    return (s,)


def _while(s: n.While) -> tuple[n.Stmt, ...]:
    out, test = taken_out(s.test, s.origin)
    if not out or any(_hides_continue(x) for x in walk_stmts(s.body)):
        return (s,)
    body = (*_before_continue(s.body, out), *_again(out))
    return _headed(out, replace(s, test=test, body=body))


def _hides_continue(s: n.Stmt) -> bool:
    """True when a `continue` of the loop around may stand where nobody looks for it."""
    if isinstance(s, n.Try):
        hidden = blocks(s)
    else:
        hidden = (s.orelse,) if isinstance(s, (n.For, n.While)) else ()
    return any(isinstance(x, n.Continue) for block in hidden for x in walk_stmts(block))


def _again(out: list[n.Stmt]) -> tuple[n.Stmt, ...]:
    return tuple(replace(x, uid=n.fresh_uid(), comments=n.NO_COMMENTS) for x in out)


def _before_continue(block: n.Block, out: list[n.Stmt]) -> n.Block:
    """Put the assignments in front of each `continue` of this loop."""
    new: list[n.Stmt] = []
    for s in block:
        if isinstance(s, n.Continue):
            new.extend(_again(out))
        elif isinstance(s, n.If):
            branches = tuple(replace(b, body=_before_continue(b.body, out)) for b in s.branches)
            s = replace(s, branches=branches, orelse=_before_continue(s.orelse, out))
        elif isinstance(s, n.With):
            s = replace(s, body=_before_continue(s.body, out))
        new.append(s)
    return tuple(new)
