"""Containers that hold nothing but numbers and arrays, and what is no list whatever it is.

Takes a function's statements with the kinds of expressions, gives names; requires `ir`.

    items_bar = zeros_like(items)       # of a tuple of numbers
    items_bar[i] += g(c)                # an array, if g returns one; never a list

Facts only know what an item may be at last, after all that was added; that it was a number first
says that `+=` makes a new value, or changes one that was made so.

Where no kinds are known, what `-` or `**` gives is a number or an array: a sum with it joins no
lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, Kind, ListOf, Nothing, Number, TupleOf
from s2s_ad.ir.walk import (
    children,
    container_of,
    inside,
    stmt_exprs,
    target_names,
    walk_stmts,
)


def flat_names(
    block: n.Block, kind: Callable[[n.Expr, int], Kind], keeps: Callable[[n.Call], bool]
) -> frozenset[str]:
    """Return the variables that are only ever bound to such containers, and seen nowhere else.

    keeps: whether what a call is given may be stored into by it, or known to others after it.
    """
    made: set[str] = set()
    other: set[str] = set()
    for s in walk_stmts(block):
        targets = s.targets if isinstance(s, n.Assign) else ()
        for t in targets:
            if isinstance(t, n.Name) and isinstance(s, n.Assign):
                (made if _is_flat(kind(s.value, s.uid)) else other).add(t.id)
            elif isinstance(t, n.Subscript) and isinstance(s, n.Assign):
                if not _is_item(kind(s.value, s.uid)):
                    other |= _root(t)
            else:
                other |= set(target_names(t)) | _root(t)
        if isinstance(s, n.Append) and not _is_item(kind(s.value, s.uid)):
            other.add(s.stack)
        if isinstance(s, (n.For, n.Pop)):
            other |= set(target_names(s.target))
        if isinstance(s, n.AugAssign):
            other |= set(target_names(s.target))
        if isinstance(s, (n.With, n.Try, n.FunctionDef, n.Import)):
            return frozenset()
        if not isinstance(s, n.Return):
            for e in stmt_exprs(s):
                bound = any(e is t for t in targets) or _is_stack(e, s)
                if not (bound and isinstance(e, n.Name)):
                    other.update(_shown(e, keeps))
    return frozenset(made - other)


def _is_stack(e: n.Expr, s: n.Stmt) -> bool:
    return isinstance(s, (n.Append, n.Pop)) and e == n.Name(s.stack)


def _shown(e: n.Expr, keeps: Callable[[n.Call], bool]) -> Iterator[str]:
    """Yield the variables whose whole value an expression hands on."""
    if isinstance(e, n.Name):
        yield e.id
        return
    passing = isinstance(e, n.Call) and not keeps(e)
    for part in children(e):
        item = isinstance(e, n.Subscript) and part is e.value
        if not (isinstance(part, n.Name) and (item or passing)):
            yield from _shown(part, keeps)


def _root(target: n.Expr) -> set[str]:
    root = container_of(target)
    return {root.id} if isinstance(root, n.Name) else set()


def _is_item(kind: Kind) -> bool:
    return isinstance(kind, Array) or (isinstance(kind, Number) and kind.type == "float")


def _is_flat(kind: Kind) -> bool:
    if isinstance(kind, TupleOf):
        return all(map(_is_item, kind.items))
    if isinstance(kind, ListOf):
        return _is_item(kind.item) or isinstance(kind.item, Nothing)
    if isinstance(kind, DictOf):
        return _is_item(kind.value) or isinstance(kind.value, Nothing)
    return isinstance(kind, Array)


def never_lists(block: n.Block, kind: Callable[[n.Expr, int], Kind]) -> frozenset[str]:
    """Return the variables that hold no list whenever they were bound in this block."""
    bound: dict[str, list[tuple[n.Expr, int]]] = {}
    other: set[str] = set()
    for s in walk_stmts(block):
        if isinstance(s, n.Assign):
            for t in s.targets:
                if isinstance(t, n.Name):
                    bound.setdefault(t.id, []).append((s.value, s.uid))
                else:
                    other |= set(target_names(t))
        elif isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
            updated = n.Binary(s.op, s.target, s.value)
            bound.setdefault(s.target.id, []).append((updated, s.uid))
        elif isinstance(s, (n.For, n.Pop)):
            other |= set(target_names(s.target))
        elif isinstance(s, (n.With, n.Try, n.FunctionDef, n.Import, n.Global)):
            return frozenset()
        for c in inside(s, n.Comprehension):
            other |= {name for clause in c.clauses for name in target_names(clause.target)}
        other |= {e.target.id for e in inside(s, n.NamedExpr)}

    def sure(name: str) -> bool:
        return all(is_no_list(e, found, partial(kind_at, uid)) for e, uid in bound[name])

    def kind_at(uid: int, e: n.Expr) -> Kind:
        return kind(e, uid)

    found, size = frozenset(bound) - other, -1
    while len(found) != size:
        size = len(found)
        found = frozenset(filter(sure, found))
    return found


def is_no_list(e: n.Expr, known: frozenset[str], kind: Callable[[n.Expr], Kind]) -> bool:
    """True for an expression whose value is no list. known: variables that hold none."""
    if isinstance(e, n.Unary) or (isinstance(e, n.Name) and e.id in known):
        return True
    if isinstance(kind(e), (Array, Number)):
        return True
    if isinstance(e, n.IfExp):
        return is_no_list(e.body, known, kind) and is_no_list(e.orelse, known, kind)
    if isinstance(e, n.Binary):
        if e.op in "+*":
            # a list is joined to lists only, and repeated by an integer
            found = [is_no_list(x, known, kind) for x in (e.left, e.right)]
            return any(found) if e.op == "+" else all(found)
        return True
    return False
