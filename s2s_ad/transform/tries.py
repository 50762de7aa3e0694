"""Which `try` blocks can be differentiated: those whose body happens as a whole or not at all.

Takes a `try` of a function in normal form, gives the statements of its body; requires `ir`.

An exception may leave any statement of the body. Where all but the last only make values that
nothing else reads, nothing of a body that was left can be seen: either the body was gone
through, or the handler found everything as it was.
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.walk import assigned, names, target_names, walk_stmts

Simple = n.Assign | n.AugAssign | n.ExprStmt | n.Return


def whole_body(s: n.Try, function: n.Function) -> tuple[Simple, ...] | None:
    """Return the statements of a body that is gone through as a whole or not at all, else None.

    Constants that are assigned at its end, such as the flags of exits, are not among them.
    """
    if s.final:
        return None
    body: list[Simple] = []
    for x in s.body:
        if isinstance(x, n.Return) and x is s.body[-1] and x.value is not None:
            body.append(x)
            break
        if isinstance(x, n.ExprStmt):
            body.append(x)
            continue
        if not isinstance(x, (n.Assign, n.AugAssign)):
            return None
        targets = x.targets if isinstance(x, n.Assign) else (x.target,)
        if len(targets) > 1 or not isinstance(targets[0], n.Name):
            return None
        body.append(x)
    while len(body) > 1 and isinstance(body[-1], n.Assign) and isinstance(body[-1].value, n.Const):
        body.pop()
    early = frozenset().union(*(assigned((x,)) for x in body[:-1]))
    inside = {x.uid for x in s.body}
    outside = [x for x in walk_stmts(function.body) if x.uid not in inside]
    seen = {name for x in outside for name in said_by(x)}
    seen |= {x.stack for x in outside if isinstance(x, (n.Append, n.Pop))}
    seen |= {p.name for p in function.params} | assigned(tuple(s.body[len(body) - 1 :]))
    return None if early & seen else tuple(body)


def happens_once(body: tuple[Simple, ...]) -> bool:
    """True when no statement of a body overwrites what it or an earlier one has read."""
    read: set[str] = set()
    for x in body:
        if isinstance(x, (n.ExprStmt, n.Return)):
            continue
        target = x.targets[0] if isinstance(x, n.Assign) else x.target
        read |= names(x.value)
        if isinstance(x, n.AugAssign) and x.op not in "+-":
            return False
        if read & set(target_names(target)):
            return False
    return True
