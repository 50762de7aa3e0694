"""What is done just before the only `break` of a `while` is done behind it instead.

Takes a function with structural exits, gives one in which a step that breaks does nothing else, and
which `if` stands for which. Requires `ir`.

    while abs(delta) > tol:             while abs(delta) > tol:
        if steps == most:                   if steps == most:
            x = f(x)                            break
            break                  →        else:
        else:                                   ...
            ...                         if abs(delta) > tol:  # left by the break
                                            x = f(x)

That the loop was left by the break need not be recorded: its test still holds, when nothing on the
way from the test to the break changes what it reads. The forward sweep is put back as it was
written (`emit/statements.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, map_block, names, subexprs, walk_stmts

Repeatable = Callable[[n.Expr, n.Stmt], bool]


def sink(function: n.Function, repeatable: Repeatable) -> tuple[n.Function, dict[int, int]]:
    """Return the function, and for each `if` made behind a loop the one it was taken from.

    repeatable: whether an expression of a statement may be evaluated again: cheap, no effect.
    """
    taken: dict[int, int] = {}

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.While) or not s.body:
            return (s,)
        *before, last = s.body
        breaks = [x for x in walk_stmts(s.body) if isinstance(x, n.Break)]
        if not isinstance(last, n.If) or len(last.branches) != 1 or len(breaks) != 1:
            return (s,)
        leaving = last.branches[0].body
        if len(leaving) < 2 or leaving[-1] is not breaks[0]:
            return (s,)
        called = {e.func for e in subexprs(s.test) if isinstance(e, n.Call)}
        places = any(
            isinstance(e, n.Subscript) or (isinstance(e, n.Attribute) and e not in called)
            for e in subexprs(s.test)
        )
        stores = places or any(not _binds(x) for x in (*walk_stmts(tuple(before)), *leaving[:-1]))
        changed = assigned((*before, *leaving))
        if stores or changed & names(s.test) or not repeatable(s.test, s):
            return (s,)
        kept = replace(last.branches[0], body=leaving[-1:])
        loop = replace(s, body=(*before, replace(last, branches=(kept,))))
        comments = n.Comments(trailing="# left by the break")
        behind = n.If((n.Branch(s.test, leaving[:-1]),), comments=comments)
        taken[behind.uid] = last.uid
        return (loop, behind)

    return replace(function, body=map_block(function.body, visit)), taken


def _binds(s: n.Stmt) -> bool:
    """True for a statement that only gives values to names."""
    if isinstance(s, n.Assign):
        return all(isinstance(t, n.Name) for t in s.targets)
    return isinstance(s, n.Break) or (isinstance(s, n.AugAssign) and isinstance(s.target, n.Name))
