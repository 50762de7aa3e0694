"""What of the body of a `try` happens as a whole or not at all.

Takes a `try` of a function in normal form, gives the statements of its body, and bodies that note
when they can no longer be left as if nothing had happened; requires `ir`.

An exception may leave any statement of the body. Where all but the last only make values that
nothing else reads, nothing of a body that was left can be seen: either the body was gone
through, or the handler found everything as it was. An exception that leaves it later than that is
not handled in a derivative: it leaves that, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

from s2s_ad.analysis.bound import live_in
from s2s_ad.analysis.liveness import live_after
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    bound_here,
    inside,
    map_block,
    names,
    target_names,
    walk_stmts,
)

Seen = Mapping[int, bool]
NOTHING_SEEN: Seen = {}
Simple = n.Assign | n.AugAssign | n.ExprStmt | n.Return


def whole_body(s: n.Try, function: n.Function) -> tuple[Simple, ...] | None:
    """Return the statements of a body that is gone through as a whole or not at all, else None.

    Constants that are assigned at its end, such as the flags of exits, are not among them.
    """
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


def seen_behind(
    s: n.Try,
    function: n.Function,
    changed: Callable[[n.Stmt], frozenset[str]],
    among: Set[str] | None = None,
) -> Seen:
    """Return the statements, by uid, nested ones too, of a body whose effect may be seen where an
    exception has left the body behind them, and of each whether it has it as a whole.

    changed: what a simple statement changes in place. among: the variables that have a tangent, in
    forward mode; the reverse sweep may want what any variable was in front of the `try`.
    """
    seen = _read_by_handlers(s, function) | live_in(s.body)
    if among is None:
        inside = {x.uid for x in walk_stmts(s.body)}
        outside = [x for x in walk_stmts(function.body) if x.uid not in inside]
        seen |= {name for x in outside for name in bound_here(x)}
        seen |= {p.name for p in function.params}
    lasting = (n.Delete, n.Global, n.FunctionDef, n.Import)

    def is_seen(x: n.Stmt) -> bool:
        found = (bound_here(x) & seen) | changed(x)
        return bool(found if among is None else found & among) or isinstance(x, lasting)

    return {x.uid: not changed(x) for x in walk_stmts(s.body) if is_seen(x)}


def _read_by_handlers(s: n.Try, function: n.Function) -> set[str]:
    """Return the variables that may be read once an exception has left a body."""
    inside = {x.uid for x in walk_stmts(s.body)}
    others = [x for x in walk_stmts(function.body) if x.uid not in inside]
    around = any(isinstance(x, n.Try) and x is not s and s in walk_stmts((x,)) for x in others)
    ways = [x for h in s.handlers for x in walk_stmts(h.body)]
    if around or any(isinstance(x, (n.Break, n.Continue, n.Try)) for x in ways):
        stacks = {x.stack for x in others if isinstance(x, (n.Append, n.Pop))}
        return stacks.union(*map(said_by, others))
    behind = live_after(function.body)[s.uid]
    found: set[str] = set()
    for h in s.handlers:
        start = n.Pass()
        found |= live_after((start, *h.body, *s.final), behind)[start.uid]
    return found


def until_it_holds(body: n.Block) -> n.Block:
    """Return a body without what cannot raise at its end."""
    last = max((k for k, x in enumerate(body) if _may_raise(x)), default=0)
    return body[: last + 1]


def run_twice(body: n.Block, changed: Callable[[n.Stmt], frozenset[str]]) -> list[str] | None:
    """Return the variables that a body has to find as they were for it to be run once more, None
    where it changes in place what it has not made."""
    read = live_in(body)
    own = assigned(body) - read
    changing = [x for x in walk_stmts(body) if not changed(x) <= own]
    if changing:
        # what is stored once more is the same where nothing reads what is stored into
        lasting = frozenset[str]().union(*map(changed, changing)) - own
        reads = {name for x in walk_stmts(body) for name in _reads(x)}
        plain = all(isinstance(x, n.Assign) and not inside(x, n.Call) for x in changing)
        if not plain or lasting & reads:
            return None
    return sorted(assigned(body) & read)


def _reads(s: n.Stmt) -> frozenset[str]:
    """Return the names that a statement itself reads: of what it stores into, the index alone."""
    if not isinstance(s, n.Assign):
        return said_by(s)
    found = names(s.value)
    for target in s.targets:
        while isinstance(target, n.Subscript):
            found |= names(target.index)
            target = target.value
        found |= frozenset() if isinstance(target, n.Name) else names(target)
    return found


def leaves_loop(block: Sequence[n.Stmt]) -> bool:
    """True when a statement leaves, or ends a step of, a loop around the block."""
    for x in block:
        if isinstance(x, (n.Break, n.Continue)):
            return True
        inner = (x.orelse,) if isinstance(x, (n.For, n.While)) else blocks(x)
        if any(map(leaves_loop, inner)):
            return True
    return False


def leaves_early(body: n.Block) -> bool:
    """True when more leaves a body than a `return` at its end."""
    *rest, last = body
    every = rest if isinstance(last, n.Return) else [*rest, last]
    return leaves_loop(every) or any(isinstance(x, n.Return) for x in walk_stmts(tuple(every)))


def copy_of(body: n.Block) -> n.Block:
    """Return a body, statements of their own, for what it does alone."""

    def visit(x: n.Stmt) -> tuple[n.Stmt, ...]:
        return (replace(x, uid=n.fresh_uid()),)

    return map_block(body, visit)


def kept_at_the_end(
    body: n.Block, is_save: Callable[[n.Append], bool], fresh: Callable[[str], str]
) -> n.Block:
    """Return a body that keeps nothing for the reverse sweep before it cannot be left any more.

    is_save: whether what is appended to is no list of the user's.
    """
    last = max((k for k, x in enumerate(body) if _may_raise(x)), default=-1)
    out: list[n.Stmt] = []
    late: list[n.Stmt] = []
    for k, x in enumerate(body):
        if k < last and isinstance(x, n.Append) and is_save(x):
            behind = assigned(body[k : last + 1])
            if not isinstance(x.value, n.Name) or x.value.id in behind:
                kept = n.Name(fresh("kept"))
                out.append(n.Assign((kept,), x.value))
                x = replace(x, value=kept)
            late.append(x)
        else:
            out.append(x)
        if k == last:
            out += late
    return tuple(out)


def guarded(body: n.Block, seen: Seen, flag: n.Name) -> n.Block | None:
    """Return a body that notes in a flag when what it has done can be seen, None where no exception
    leaves it behind that.

    What is appended counts as seen, be it kept for the reverse sweep: it would be taken for what
    the body kept when it was gone through.
    """
    if not _leaves_traces(body, seen):
        return None
    first = next(k for k, x in enumerate(body) if _has_trace(x, seen))
    whole = isinstance(body[first], (n.Assign, n.Append)) and seen.get(body[first].uid, True)
    first += whole
    start = n.Assign((flag,), n.Const("False", False))
    begun = n.Assign((flag,), n.Const("True", True))
    return (start, *body[:first], begun, *body[first:])


def unless_seen(handler: n.Handler, flag: n.Name) -> n.Handler:
    """Return a handler that does not handle an exception that left the body halfway."""
    text = (
        "an exception left a `try` when it had changed what is read behind it: not differentiated"
    )
    error = n.Call(n.Name("RuntimeError"), (n.Const(repr(text), text),))
    halfway = n.If((n.Branch(flag, (n.Raise(error),)),), ())
    return replace(handler, body=(halfway, *handler.body))


def ends_plainly(s: n.Try, changed: Callable[[n.Stmt], frozenset[str]]) -> bool:
    """True for a `finally` that binds and changes nothing, or none."""
    every = list(walk_stmts(s.final))
    exits = (n.Return, n.Break, n.Continue, n.Append, n.Pop, n.Delete)
    return not any(bound_here(x) or changed(x) or isinstance(x, exits) for x in every)


def _has_trace(s: n.Stmt, seen: Seen) -> bool:
    return any(x.uid in seen or isinstance(x, n.Append) for x in walk_stmts((s,)))


def _leaves_traces(block: n.Block, seen: Seen) -> bool:
    """True when something that can be seen may be done in front of what may raise."""
    done = False
    for x in block:
        if done and _may_raise(x):
            return True
        traced = _has_trace(x, seen)
        if traced and isinstance(x, (n.For, n.While)):
            return True
        done = done or traced
        if any(_leaves_traces(inner, seen) for inner in blocks(x)):
            return True
    return False


def _may_raise(s: n.Stmt) -> bool:
    if isinstance(s, n.Assign) and all(isinstance(t, n.Name) for t in s.targets):
        return not isinstance(s.value, (n.Const, n.Name))
    if isinstance(s, n.Append):
        return not isinstance(s.value, (n.Const, n.Name))
    return not isinstance(s, n.Pass)
