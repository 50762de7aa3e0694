"""What a function leaves in its arguments, returned by name.

Takes a function and the names of its outputs, gives a function that returns them; requires `ir`,
`exits`.

    def scale(A, b):                        def scale(A, b):
        A *= b                      →           A *= b
                                                return A

`"return"` names what the function returns itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from s2s_ad.errors import S2SError
from s2s_ad.frontend.exits import falls
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import RETURNED
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import bound_here, map_block, walk_stmts

Refuse = Callable[[n.Stmt, "n.Expr | None", str, str], S2SError]
NOTHING = n.Const("None", None)


def with_outputs(
    function: n.Function, of: Sequence[str], refuse: Refuse, unused: str
) -> n.Function:
    """Return the function with the outputs `of` for its result: a tuple, or the one there is.

    unused: a name for what is returned, and is no output.
    Raises UnsupportedSyntax where the name of an output is given another value: what the argument
    holds in the end is not known by it then.
    """
    for s in walk_stmts(function.body):
        for name in of:
            if name in bound_here(s) and not isinstance(s, n.AugAssign):
                raise _rebound(refuse, s, name)
    body = map_block(function.body, lambda s: _returning(s, of, unused))
    if falls(function.body):
        body = (*body, n.Return(_outputs(NOTHING, of)))
    return replace(function, body=body)


def _rebound(refuse: Refuse, s: n.Stmt, name: str) -> S2SError:
    return refuse(
        s,
        None,
        f"`{name}` is an output, but is given another value",
        f"store into it (`{name}[:] = ...`), or return the new value",
    )


def _returning(s: n.Stmt, of: Sequence[str], unused: str) -> tuple[n.Stmt, ...]:
    if not isinstance(s, n.Return):
        return (s,)
    value = s.value or NOTHING
    end = replace(s, value=_outputs(value, of))
    if RETURNED in of or isinstance(value, (n.Name, n.Const)):
        return (end,)
    first = n.Assign((n.Name(unused),), value, origin=s.origin, comments=s.comments)
    return first, replace(end, comments=n.NO_COMMENTS, uid=n.fresh_uid())


def _outputs(value: n.Expr, of: Sequence[str]) -> n.Expr:
    parts = tuple(value if name == RETURNED else n.Name(name) for name in of)
    return parts[0] if len(parts) == 1 else n.TupleExpr(parts)
