"""A reverse half reads what was kept without consuming it, so that it can be called again.

Takes the two sweeps of a function, gives the reverse one with the stacks of its outermost loops
read by the index of the step. Requires `ir`.

    for j in reversed(range(n)):            for j in reversed(range(n)):
        v = v_saved.pop()             →         v = v_saved[j]

A stack that is not filled just once at each step keeps its `pop`; the half then works on a copy.
So does a list that anything else reads or fills: one of the user's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list, said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names, popped, walk_stmts


def by_index(forward: n.Block, backward: n.Block, fresh: Callable[[str], str]) -> n.Block:
    """Return the reverse sweep. fresh: a name not in use, for the index of a `while`."""
    filled = Counter(s.stack for s in walk_stmts(forward) if isinstance(s, n.Append))
    used = Counter(stack for s in walk_stmts(backward) if (stack := _worked(s)))
    seen = {name for s in (*walk_stmts(forward), *walk_stmts(backward)) for name in _seen(s)}
    loops = {s.uid: s for s in forward if isinstance(s, (n.For, n.While))}

    def indexed(s: n.Stmt) -> n.Stmt:
        loop = loops.get(s.of if s.of is not None else -1)
        if not isinstance(s, n.For) or loop is None:
            return s
        if any(isinstance(x, (n.Break, n.Continue)) for x in walk_stmts(loop.body)):
            return s
        own = {
            x.stack for x in loop.body if isinstance(x, n.Append) and filled[x.stack] == 1
        } - seen
        pops = {x[1] for y in s.body if (x := popped(y)) is not None and used[x[1]] == 1}
        form = _counting(s, fresh) if own & pops else None
        if form is None or assigned(form.body) & names(form.target):
            return s
        index = form.target
        body = tuple(_read(x, own & pops, index) for x in form.body)
        return replace(form, body=body)

    return tuple(indexed(s) for s in backward)


def _worked(s: n.Stmt) -> str:
    """Return the list that a statement appends to or pops from."""
    found = popped(s)
    return s.stack if isinstance(s, n.Append) else found[1] if found is not None else ""


def _read(s: n.Stmt, stacks: set[str], index: n.Expr) -> n.Stmt:
    found = popped(s)
    if found is None or found[1] not in stacks:
        return s
    item = n.Subscript(n.Name(found[1]), index)
    return n.Assign((found[0],), item, of=s.of, comments=s.comments, uid=s.uid)


def _seen(s: n.Stmt) -> frozenset[str]:
    """Return the names that a statement uses for more than an empty list to fill and to empty."""
    found = popped(s)
    if found is not None:
        return names(found[0])
    if isinstance(s, n.Append):
        return names(s.value)
    if isinstance(s, n.Assign) and is_empty_list(s.value):
        return frozenset()
    return said_by(s)


def _counting(s: n.For, fresh: Callable[[str], str]) -> n.For | None:
    """Return a loop over `reversed(range(steps))` with its index, None for any other."""
    call = s.iter
    if not isinstance(call, n.Call) or not isinstance(call.func, n.Name) or len(call.args) != 1:
        return None
    if call.func.id == "reversed" and isinstance(s.target, n.Name):
        inner = call.args[0]
        whole = isinstance(inner, n.Call) and inner.func == n.Name("range") and len(inner.args) == 1
        named = s.target if s.target.id != "_" else n.Name(fresh("i"))
        return replace(s, target=named) if whole else None
    if call.func.id == "range" and s.target == n.Name("_"):
        iter_ = n.Call(n.Name("reversed"), (call,))
        return replace(s, target=n.Name(fresh("i")), iter=iter_)
    return None
