"""A loop of the reverse sweep that takes an item a step from what was kept runs over what was kept.

Takes the body of a generated function, gives it so; requires `ir`.

    for _ in range(steps):                      for w, e in reversed(state_saved):
        w_bar = -step_bar                →          w_bar = -step_bar
        w, e = state_saved.pop()                    a_bar += w_bar * e
        a_bar += w_bar * e

It must be all that the loop takes. Each step of the loop that was reversed must have kept one item,
and nothing else any in that list: the list is as long as the loop then. What is taken out of a list
is free again; so arrays are taken out of it where other loops follow.

A loop that needs its index, which counts from zero, finds by it what was kept.

    for i in reversed(range(n)):                for i in reversed(range(n)):
        v = v_saved.pop()                           x_bar[i] = 2.0 * v_saved[i] * v_bar
        x_bar[i] = 2.0 * v * v_bar       →
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import leaving, mentioned, of_step, read_by, renamed, sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    bound_here,
    names,
    popped,
    stmt_exprs,
    subexprs,
    target_names,
    walk_stmts,
)
from s2s_ad.simplify.by_index import by_index

ONE = n.Const("1", 1)
EMPTY = n.ListExpr(())


def over_kept(body: n.Block, back: frozenset[int], light: Callable[[str], bool]) -> n.Block:
    """Return the body with loops over what was kept.

    back: uids of the statements of the reverse sweep. light: whether a variable holds a number.
    """
    out = list(body)
    for k, s in enumerate(body):
        if not isinstance(s, n.For) or s.uid not in back or s.orelse:
            continue
        if sum(popped(x) is not None for x in s.body) > 1:
            continue  # one of several lists is not what the loop runs over
        follow = any(isinstance(x, (n.For, n.While)) for x in walk_stmts(body[k + 1 :]))
        for place, x in enumerate(s.body):
            taken = popped(x)
            if taken is None or not _is_whole(tuple(out), s, taken[1]):
                continue
            if follow and not all(map(light, target_names(taken[0]))):
                continue
            if mentioned(s.body[:place]) & {*target_names(taken[0]), taken[1]}:
                continue
            items = n.Call(n.Name("reversed"), (n.Name(taken[1]),))
            rest = (*s.body[:place], *s.body[place + 1 :])
            if rest and _plain(taken[0]):
                out[k] = replace(s, target=taken[0], iter=items, body=rest)
                break
    return tuple(out)


def by_the_index(body: n.Block, back: frozenset[int], light: Callable[[str], bool]) -> n.Block:
    """Return the body with kept numbers read by the index of the step, where a loop has one.

    back, light: as in `over_kept`.
    """
    ahead = tuple(s for s in body if s.uid not in back)
    behind = tuple(s for s in body if s.uid in back)
    indexed = {s.uid: s for s in by_index(ahead, behind, lambda name: name)}
    others = [s for s in walk_stmts(behind) if popped(s) is None]
    read = Counter(x for s in others for x in read_by(s))
    bound = Counter(x for s in walk_stmts(behind) for x in bound_here(s))
    once = {name for name, count in read.items() if count == bound[name] == 1}
    out = []
    for s in body:
        found = indexed.get(s.uid)
        if isinstance(s, n.For) and isinstance(found, n.For) and found.body != s.body:
            taken = [item[0] for x in s.body if (item := popped(x)) is not None]
            numbers = all(light(x) for target in taken for x in target_names(target))
            # a loop whose steps have no index of their own would be given one
            own = (found.target, found.iter) == (s.target, s.iter)
            if numbers and own and names(s.target) & mentioned(s.body):
                s = replace(s, body=_without_names(found.body, s.body, once))
        out.append(s)
    return tuple(out)


def _without_names(block: n.Block, taken: n.Block, once: AbstractSet[str]) -> n.Block:
    """Return a block that reads items of lists, of which one that is read once has no name.

    taken: the block while it took them. once: the names that are bound once, and read once.
    """
    values: dict[str, n.Expr] = {}
    out = []
    for s, before in zip(block, taken):
        name = sole_target(s)
        if name in once and isinstance(s, n.Assign) and name and popped(before) is not None:
            values[name] = s.value
        else:
            out.append(s)
    return renamed(tuple(out), values)


def _plain(target: n.Expr) -> bool:
    items = target.items if isinstance(target, n.TupleExpr) else (target,)
    return all(isinstance(x, n.Name) for x in items)


def _is_whole(body: n.Block, turned: n.For, stack: str) -> bool:
    """True if a loop takes one item a step from a list, and the loop that it reverses put just one
    there in each step that is reversed."""
    index = turned.target
    if not isinstance(index, n.Name) or index.id in mentioned(turned.body):
        return False
    turns = [x for x in walk_stmts(body) if isinstance(x, n.For) and x.of == turned.of]
    if len(turns) != 1:
        return False
    loops = [k for k, x in enumerate(body) if x.uid == turned.of]
    made = [k for k, x in enumerate(body) if sole_target(x) == stack]
    if len(loops) != 1 or len(made) != 1 or made[0] > loops[0]:
        return False
    start, loop = body[made[0]], body[loops[0]]
    if not isinstance(start, n.Assign) or start.value != EMPTY:
        return False
    if not isinstance(loop, (n.For, n.While)):
        return False
    uses = [x for x in walk_stmts(body) if any(n.Name(stack) in subexprs(e) for e in stmt_exprs(x))]
    puts = [k for k, x in enumerate(loop.body) if isinstance(x, n.Append) and x.stack == stack]
    if len(uses) != 3 or len(puts) != 1:
        return False
    (put,) = puts
    leaves = leaving(body)
    count = _count(turned)
    if count is None:
        ends = any(isinstance(x, (n.Break, n.Try)) for s in loop.body for x in of_step(s))
        return not ends and not any(map(leaves, loop.body[:put]))
    steps = [k for k, x in enumerate(loop.body) if _adds_one(x, count)]
    bound = [x for x in walk_stmts(body) if count in bound_here(x)]
    if len(steps) != 1 or len(bound) != 2:
        return False
    low, high = sorted((put, *steps))
    return not any(map(leaves, loop.body[low:high]))


def _count(turned: n.For) -> str | None:
    """Return the variable that counts the steps of a loop: `steps` of `range(steps)`."""
    e = turned.iter
    if isinstance(e, n.Call) and e.func == n.Name("range") and len(e.args) == 1:
        return e.args[0].id if isinstance(e.args[0], n.Name) else None
    return None


def _adds_one(s: n.Stmt, name: str) -> bool:
    return isinstance(s, n.AugAssign) and (s.target, s.op, s.value) == (n.Name(name), "+", ONE)
