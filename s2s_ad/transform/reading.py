"""What statements read, bind and store into, seen by the reverse sweep.

Takes statements and targets, gives names of variables; requires `ir`, `analysis`.
"""

from __future__ import annotations

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.held import scattered
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import children, each_target, names, substitute, target_names, walk_stmts


def stored_into(s: n.Stmt) -> set[str]:
    """Return the variables whose elements a simple statement changes."""
    found: set[str | None] = set()
    if isinstance(s, n.Assign):
        found = {store_root(x) for t in s.targets for x in each_target(t)}
    elif isinstance(s, n.AugAssign):
        found = {store_root(s.target)}
    elif (added := scattered(s)) is not None:
        found = {store_root(n.Subscript(added[0], added[1]))}
    return {x for x in found if x is not None}


def flat(s: n.Stmt) -> n.Stmt:
    if isinstance(s, n.If):
        return replace(s, branches=tuple(replace(b, body=()) for b in s.branches), orelse=())
    if isinstance(s, (n.For, n.While)):
        return replace(s, body=(), orelse=())
    if isinstance(s, n.With):
        return replace(s, body=())
    if isinstance(s, n.Try):
        return n.Pass()
    return s


def given_by(e: n.Expr) -> tuple[n.Expr, ...]:
    """Return the parts of an expression; in those of a comprehension, what it runs over has an
    item in the place of each name that it binds, which is not known outside of it.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> [expr_text(x) for x in given_by(parse_expr("[put(row, k) for row in b]"))][-1]
    'put(b[0], k)'
    """
    items: dict[str, n.Expr] = {}
    for clause in e.clauses if isinstance(e, n.Comprehension) else ():
        item = n.Subscript(substitute(clause.iter, items), n.Const("0", 0))
        items.update(dict.fromkeys(target_names(clause.target), item))
    return tuple(substitute(x, items) for x in children(e)) if items else children(e)


def bound_names(target: n.Expr) -> set[str]:
    return set(target_names(target))


def names_read(s: n.Stmt) -> set[str]:
    """Return the names a reverse statement reads; what it merely binds is not read."""
    if isinstance(s, n.Assign):
        found = set(names(s.value))
        for target in s.targets:
            found |= _index_reads(target)
        return found
    if isinstance(s, n.AugAssign):
        return _index_reads(s.target) | names(s.value)
    if isinstance(s, n.Pop):
        return _index_reads(s.target)
    found = set()
    for x in walk_stmts((s,)):
        if x is s or not isinstance(x, (n.Assign, n.AugAssign, n.Pop)):
            found |= said_by(x)
        else:
            found |= names_read(x)
    return found


def _index_reads(target: n.Expr) -> set[str]:
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        return set().union(*(_index_reads(t) for t in target.items))
    if isinstance(target, (n.Subscript, n.Attribute)):
        return set(names(target))
    return set()


def as_value(index: n.Expr) -> n.Expr:
    """Return an index as it is written outside of brackets: `slice(None)` for `:`."""
    if isinstance(index, n.Slice):
        return slice_call(index)
    if isinstance(index, n.TupleExpr):
        return n.TupleExpr(tuple(as_value(item) for item in index.items))
    return index


def slice_call(index: n.Slice) -> n.Expr:
    """Return a slice as it is written outside of brackets."""
    parts = [
        x if x is not None else n.Const("None", None)
        for x in (index.lower, index.upper, index.step)
    ]
    return n.Call(n.Name("slice"), tuple(parts))
