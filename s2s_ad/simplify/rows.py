"""Arrays that keep their shape: those of one list, and copies of them, are rows of one array.

Takes the body of a function, gives what is known of what it keeps; requires `ir`.

    u = u0.copy()                            u = u0.copy()
    for t in range(steps):                   u_saved = np.empty((steps,) + u.shape, u.dtype)
        u_saved.append(u.copy())             for t in range(steps):
        u[1] = ...                      →        for k in range(len(u)):
    for t in reversed(range(steps)):                 u_saved[t, k] = u[k]
        u = u_saved.pop()                        u[1] = ...
                                             for t in reversed(range(steps)):
                                                 u = u_saved[t]

A row is written by a loop: what numba makes of `u_saved[t] = u` takes twice to three times as long.

An array that is kept itself, as a loop makes a new one at each step, is a row as well, where no
statement of the reverse sweep stores into it by any name. A list of arrays counts who holds each.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import bound_here, popped, walk_stmts

_AXES = ("k", "l", "m")


def what_is_kept(
    e: n.Expr,
    body: n.Block,
    dtype: Callable[[n.Expr], str | None],
    rank: Callable[[str], int | None],
    steady: Callable[[str], bool],
) -> str | n.Name | None:
    """Return the dtype of a number, or the variable of an array that keeps its shape: it is kept
    itself, where it is `steady`, or a copy of it."""
    if isinstance(e, n.Name) and steady(e.id):
        return e
    copied = copied_by(e)
    if copied is None:
        return dtype(e)
    bound = [s for s in walk_stmts(body) if copied.id in bound_here(s)]
    first = [s for s in bound if not _restores(s, copied, body)]
    plain = len(first) == 1 and isinstance(first[0], n.Assign) and sole_target(first[0]) is not None
    return copied if plain and rank(copied.id) is not None else None


def copied_by(e: n.Expr) -> n.Name | None:
    """Return the variable of which an expression is a copy."""
    if not isinstance(e, n.Call) or e.args or e.keywords or not isinstance(e.func, n.Attribute):
        return None
    of = e.func.value
    return of if e.func.attr == "copy" and isinstance(of, n.Name) else None


def array_in(e: n.Expr) -> n.Name | None:
    """Return the variable that is kept, or of which a copy is."""
    return e if isinstance(e, n.Name) else copied_by(e)


def written_row(
    place: n.Subscript, of: n.Name, rank: int, fresh: Callable[[str], str], s: n.Stmt
) -> n.Stmt:
    """Return what writes an array of numbers to a place of a larger one, for statement `s`."""
    index = place.index.items if isinstance(place.index, n.TupleExpr) else (place.index,)
    if not 0 < rank <= len(_AXES):
        return n.Assign((place,), of, of=s.of, origin=s.origin, comments=s.comments)
    axes = tuple(n.Name(fresh(x)) for x in _AXES[:rank])
    here = axes[0] if rank == 1 else n.TupleExpr(axes)
    item = replace(place, index=n.TupleExpr((*index, *axes)))
    body: n.Stmt = n.Assign((item,), n.Subscript(of, here), of=s.of, origin=s.origin)
    for k in reversed(range(rank)):
        shape = n.Subscript(n.Attribute(of, "shape"), n.Const(str(k), k))
        length = n.Call(n.Name("len"), (of,)) if rank == 1 else shape
        steps = n.Call(n.Name("range"), (length,))
        body = n.For(axes[k], steps, (body,), of=s.of, origin=s.origin)
    return replace(body, comments=s.comments)


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
