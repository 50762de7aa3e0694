"""What a statement evaluates itself, part by part: whether always, and if it gets a name there.

Takes a statement and what is to be put for its parts, gives the statement; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace

Visit = Callable[[n.Expr, bool, bool], n.Expr | None]


class Calls(Protocol):
    """fresh: whether a call makes something new. helper: whether a function of that name never
    gives an iterator."""

    @property
    def fresh(self) -> Callable[[n.Call], bool]: ...

    @property
    def helper(self) -> Callable[[str], bool]: ...


def visit_statement(s: n.Stmt, visit: Visit, calls: Calls) -> n.Stmt:
    """Apply `visit` to what a statement evaluates itself; a `while` evaluates nothing once."""

    def walk(e: n.Expr, sure: bool, consumed: bool) -> n.Expr:
        return _visit(e, sure, consumed, visit, calls)

    if isinstance(s, n.Assign):
        value = walk(s.value, True, False)
        targets = tuple(
            _changed(t, index=walk(t.index, True, True)) if isinstance(t, n.Subscript) else t
            for t in s.targets
        )
        result: n.Stmt = _changed(s, value=value, targets=targets)
        return result
    if isinstance(s, n.AugAssign):
        s = _changed(s, value=walk(s.value, True, True))
    elif isinstance(s, (n.Append, n.ExprStmt, n.Return)) and s.value is not None:
        s = _changed(s, value=walk(s.value, True, False))
    elif isinstance(s, n.For):
        s = _changed(s, iter=walk(s.iter, True, False))
    elif isinstance(s, n.If):
        s = _changed(
            s,
            branches=tuple(
                _changed(b, test=walk(b.test, k == 0, True)) for k, b in enumerate(s.branches)
            ),
        )
    return s


def _visit(e: n.Expr, sure: bool, consumed: bool, visit: Visit, calls: Calls) -> n.Expr:
    """Rebuild an expression from the top: `visit` says what stands for a part, None if it stays.

    sure: the part is evaluated whenever the whole is. consumed: its value gets no name there.
    """
    new = visit(e, sure, consumed)
    if new is not None:
        return new
    if isinstance(e, (n.Name, n.Const)):
        return e
    if isinstance(e, n.Binary):
        left = _visit(e.left, sure, True, visit, calls)
        right = _visit(e.right, sure, True, visit, calls)
        return e if left is e.left and right is e.right else n.Binary(e.op, left, right)

    def walk(x: n.Expr, sure_: bool = sure, consumed_: bool = True) -> n.Expr:
        return _visit(x, sure_, consumed_, visit, calls)

    changes: dict[str, Any] = {}
    match e:
        case n.Unary():
            changes = {"operand": walk(e.operand)}
        case n.Compare():
            rights = tuple(walk(x, sure and k == 0) for k, x in enumerate(e.rights))
            changes = {"left": walk(e.left), "rights": rights}
        case n.BoolOp():
            changes = {"values": tuple(walk(v, sure and not k) for k, v in enumerate(e.values))}
        case n.IfExp():
            body, orelse = (walk(x, False, consumed) for x in (e.body, e.orelse))
            changes = {"test": walk(e.test), "body": body, "orelse": orelse}
        case n.Call():
            inner = calls.fresh(e)
            if isinstance(e.func, n.Attribute):
                changes["func"] = _changed(e.func, value=walk(e.func.value, sure, inner))
            iterates = isinstance(e.func, n.Name)
            changes["args"] = tuple(
                walk(a, sure, inner and not (iterates and _may_be_iterator(a, calls)))
                for a in e.args
            )
            changes["keywords"] = tuple(
                _changed(k, value=walk(k.value, sure, inner)) for k in e.keywords
            )
        case n.Subscript():
            changes = {"value": walk(e.value, sure, consumed), "index": walk(e.index)}
        case n.Attribute():
            shape = e.attr in ("size", "shape", "ndim")
            changes = {"value": walk(e.value, sure, consumed or shape)}
        case n.TupleExpr() | n.ListExpr():
            changes = {"items": tuple(walk(x, sure, False) for x in e.items)}
        case n.Slice():
            parts = {"lower": e.lower, "upper": e.upper, "step": e.step}
            changes = {key: walk(x) for key, x in parts.items() if x is not None}
    return e if not changes else _changed(e, **changes)


def _may_be_iterator(e: n.Expr, calls: Calls) -> bool:
    """True for what a second reader may find used up: `zip(...)`, or the result of a function."""
    if isinstance(e, n.IfExp):
        return _may_be_iterator(e.body, calls) or _may_be_iterator(e.orelse, calls)
    return isinstance(e, n.Call) and isinstance(e.func, n.Name) and not calls.helper(e.func.id)


def _changed(node: Any, **changes: Any) -> Any:
    """Return a node with other parts; the same object when they are the ones it has."""
    new = {key: x for key, x in changes.items() if not _same(getattr(node, key), x)}
    return replace(node, **new) if new else node


def _same(a: Any, b: Any) -> bool:
    pairs = isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b)
    return a is b or (pairs and all(x is y for x, y in zip(a, b)))
