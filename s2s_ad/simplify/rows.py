"""Arrays that keep their shape: copies of them, in one list, are rows of one array.

Takes the body of a function, gives what is known of what it keeps; requires `ir`.

    u = u0.copy()                            u = u0.copy()
    for t in range(steps):                   u_saved = np.empty((steps,) + u.shape, u.dtype)
        u_saved.append(u.copy())             for t in range(steps):
        u[1] = ...                      →        u_saved[t] = u
    for t in reversed(range(steps)):             u[1] = ...
        u = u_saved.pop()                    for t in reversed(range(steps)):
                                                 u = u_saved[t]
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.walk import bound_here, popped, walk_stmts


def what_is_kept(
    e: n.Expr,
    body: n.Block,
    dtype: Callable[[n.Expr], str | None],
    is_array: Callable[[str], bool],
) -> str | n.Name | None:
    """Return the dtype of a number, or the variable of a copy of an array that keeps its shape."""
    copied = copied_by(e)
    if copied is None:
        return dtype(e)
    bound = [s for s in walk_stmts(body) if copied.id in bound_here(s)]
    first = [s for s in bound if not _restores(s, copied, body)]
    plain = len(first) == 1 and isinstance(first[0], n.Assign) and sole_target(first[0]) is not None
    return copied if plain and is_array(copied.id) else None


def copied_by(e: n.Expr) -> n.Name | None:
    """Return the variable of which an expression is a copy."""
    if not isinstance(e, n.Call) or e.args or e.keywords or not isinstance(e.func, n.Attribute):
        return None
    of = e.func.value
    return of if e.func.attr == "copy" and isinstance(of, n.Name) else None


def _restores(s: n.Stmt, copied: n.Name, body: n.Block) -> bool:
    """True for what gives a variable a copy of itself back, alone or beside others."""
    found = popped(s)
    if found is None:
        return False
    target, stack = found
    places = [k for k, x in enumerate(_parts(target)) if x == copied]
    filled = [
        _parts(x.value) for x in walk_stmts(body) if isinstance(x, n.Append) and x.stack == stack
    ]
    size = len(_parts(target))
    same = all(len(p) == size and copied_by(p[k]) == copied for p in filled for k in places)
    return bool(filled) and len(places) == 1 and same


def _parts(e: n.Expr) -> tuple[n.Expr, ...]:
    return e.items if isinstance(e, n.TupleExpr) else (e,)
