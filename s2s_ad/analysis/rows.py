"""Copies of tables: lists of lists of numbers whose rows are copied one by one.

Takes an expression with the kinds of what is in it, gives an answer; requires `ir`.

    a = [row[:] for row in a]
"""

from __future__ import annotations

import builtins
from typing import TypeGuard

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import ListOf, Number


def copies_rows(e: n.Expr, facts: Facts, uid: int) -> TypeGuard[n.Comprehension]:
    """True for such a copy of a variable: what holds for its items holds for those of the copy."""
    if not isinstance(e, n.Comprehension) or e.kind != "list" or len(e.clauses) > 1:
        return False
    target, source = e.clauses[0].target, e.clauses[0].iter
    if e.clauses[0].conditions or not isinstance(target, n.Name) or not isinstance(source, n.Name):
        return False
    kind = facts.value(source, uid).kind
    rows = kind.item if isinstance(kind, ListOf) else None
    if not isinstance(rows, ListOf) or not isinstance(rows.item, Number):
        return False
    if e.element == n.Subscript(target, n.ALL):
        return True
    if not isinstance(e.element, n.Call) or e.element.keywords:
        return False
    found = facts.object_of(e.element.func, uid)
    listed = found is not None and found[0] is builtins.list
    return listed and target != e.element.func and e.element.args == (target,)
