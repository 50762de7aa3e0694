"""Lists of tuples become several lists: for compiled code, which keeps numbers in arrays.

Takes the body of a function, gives it so; requires `ir`.

    state_saved.append((x, v))              x_saved.append(x)
    ...                                     v_saved.append(v)
    x, v = state_saved.pop()         →      ...
                                            x = x_saved.pop()
                                            v = v_saved.pop()
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list, said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_block, names, popped, walk_stmts


def columns_of(
    body: n.Block,
    stack: str,
    kept: Callable[[n.Expr], object],
    fresh: Callable[[str], str],
) -> tuple[n.Block, tuple[str, ...]]:
    """Return the body with a list for each part of the tuples that a list keeps, and these lists.

    Nothing is changed where the list is used for anything else, or keeps anything but numbers
    and arrays. kept: whether an expression gives such, None if not. fresh: a name not in use.
    """
    uses = [s for s in walk_stmts(body) if stack in said_by(s)]
    uses += [s for s in walk_stmts(body) if isinstance(s, (n.Append, n.Pop)) and s.stack == stack]
    size, called = 0, [""]
    for s in uses:
        parts = _parts(s, stack)
        if parts is None or (parts and size and len(parts) != size):
            return body, (stack,)
        if parts and isinstance(s, n.Append):
            if not all(map(kept, parts)):
                return body, (stack,)
            called = [x.id if isinstance(x, n.Name) else stack for x in parts]
        size = len(parts) or size
    if size < 2 or len(called) != size:
        return body, (stack,)
    stacks = tuple(fresh(f"{x.removesuffix('_saved')}_saved") for x in called)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        parts = _parts(s, stack) if any(s is x for x in uses) else None
        if parts is None:
            return (s,)
        new: list[n.Stmt] = []
        for k, x in enumerate(stacks):
            if isinstance(s, n.Append):
                new.append(replace(s, stack=x, value=parts[k], uid=n.fresh_uid()))
            elif parts:
                new.append(n.Pop(parts[k], x, of=s.of, origin=s.origin, comments=s.comments))
            else:
                new.append(n.Assign((n.Name(x),), n.ListExpr(()), comments=s.comments))
        plain = [replace(x, comments=n.NO_COMMENTS) for x in new[1:]]
        return (new[0], *plain)

    return map_block(body, visit), stacks


def _parts(s: n.Stmt, stack: str) -> tuple[n.Expr, ...] | None:
    """Return what is put into a list, or where its last tuple goes; () where it is made empty;
    None for another use of it."""
    if isinstance(s, n.Append) and s.stack == stack:
        value = s.value
        return value.items if isinstance(value, n.TupleExpr) and stack not in names(value) else None
    if isinstance(s, n.Assign) and s.targets == (n.Name(stack),) and is_empty_list(s.value):
        return ()
    found = popped(s)
    if found is None or found[1] != stack or not isinstance(found[0], n.TupleExpr):
        return None
    items = found[0].items
    return items if all(isinstance(x, n.Name) for x in items) else None
