"""What is done just before the only `break` of a loop is done behind the loop instead.

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
way from the test to the break changes what it reads; and where a flag says that the function
returns, the flag tells. A search has nothing to be reversed in its rounds then. The forward sweep
is put back as it was written (`emit/statements.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, inside, map_block, names, subexprs, walk_stmts

_HOLDING = (n.If, n.For, n.While, n.Try, n.With)
Repeatable = Callable[[n.Expr, n.Stmt], bool]


def sink(function: n.Function, repeatable: Repeatable) -> tuple[n.Function, dict[int, int]]:
    """Return the function, and for each `if` made behind a loop the one it was taken from.

    repeatable: whether an expression of a statement may be evaluated again: cheap, no effect.
    """
    taken: dict[int, int] = {}

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, (n.For, n.While)) or not s.body:
            return (s,)
        *before, last = s.body
        breaks = [x for x in walk_stmts(s.body) if isinstance(x, n.Break)]
        if not isinstance(last, n.If) or len(last.branches) != 1 or len(breaks) != 1:
            return (s,)
        leaving = last.branches[0].body
        if len(leaving) < 2 or leaving[-1] is not breaks[0]:
            return (s,)
        flag = _flag(leaving[-2], function)
        if flag is not None and len(leaving) > 2 and not s.orelse:
            test: n.Expr = flag
            size = 2
        elif isinstance(s, n.While) and _still_holds(s, (*before, *leaving), repeatable):
            test, size = s.test, 1
        else:
            return (s,)
        kept = replace(last.branches[0], body=leaving[-size:])
        loop = replace(s, body=(*before, replace(last, branches=(kept,))))
        comments = n.Comments(trailing="# left by the break") if size == 1 else n.NO_COMMENTS
        behind = n.If((n.Branch(test, leaving[:-size]),), comments=comments)
        taken[behind.uid] = last.uid
        return (loop, behind)

    body = map_block(function.body, visit)
    return replace(function, body=_with_else(body, taken)), taken


def _with_else(block: n.Block, taken: dict[int, int]) -> n.Block:
    """Return the block with what is done where the function goes on as the `else`."""
    out: list[n.Stmt] = []
    for s in block:
        if isinstance(s, (n.For, n.While)):
            s = replace(s, body=_with_else(s.body, taken), orelse=_with_else(s.orelse, taken))
        elif isinstance(s, n.If):
            branches = tuple(replace(b, body=_with_else(b.body, taken)) for b in s.branches)
            s = replace(s, branches=branches, orelse=_with_else(s.orelse, taken))
        first = out[-1] if out else None
        if isinstance(first, n.If) and first.uid in taken and isinstance(s, n.If):
            alone = len(s.branches) == 1 and s.branches[0].test == first.branches[0].test
            nothing = all(isinstance(x, n.Pass) for x in s.branches[0].body)
            if alone and nothing and isinstance(s.branches[0].test, n.Name):
                out[-1] = replace(first, orelse=s.orelse)
                continue
        out.append(s)
    return tuple(out)


def _flag(s: n.Stmt, function: n.Function) -> n.Name | None:
    """Return the variable that a statement sets to True, which nothing else does."""
    if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(s.value, n.Const):
        return None
    flag = s.targets[0]
    if s.value.value is not True or not isinstance(flag, n.Name):
        return None
    others = [
        x
        for x in walk_stmts(function.body)
        if x is not s and flag.id in assigned((x,)) and not isinstance(x, _HOLDING)
    ]
    made = others[0] if len(others) == 1 else None
    if not isinstance(made, n.Assign) or not any(x is made for x in function.body):
        return None
    return flag if isinstance(made.value, n.Const) and made.value.value is False else None


def _still_holds(loop: n.While, way: n.Block, repeatable: Repeatable) -> bool:
    """True when nothing on the way from the test of a loop to its break changes what it reads."""
    called = {e.func for e in inside(loop.test, n.Call)}
    places = any(
        isinstance(e, n.Subscript) or (isinstance(e, n.Attribute) and e not in called)
        for e in subexprs(loop.test)
    )
    if places or any(not _binds(x) for x in walk_stmts(way)):
        return False
    return not assigned(way) & names(loop.test) and repeatable(loop.test, loop)


def _binds(s: n.Stmt) -> bool:
    """True for a statement that only gives values to names."""
    if isinstance(s, n.Assign):
        return all(isinstance(t, n.Name) for t in s.targets)
    return isinstance(s, n.Break) or (isinstance(s, n.AugAssign) and isinstance(s.target, n.Name))
