"""Stores into items that can be taken back: what is overwritten is kept, not the whole container.

Takes statements of the primal with its context, gives for each store what is kept of it and how it
is put back. Requires `ir`, `analysis`.

    d_item_saved.append(d[i])                 (in the reverse sweep)
    d[i] = d[i] - w * u[i]         →          d[i] = d_item_saved.pop()

The container must be one that this function made and that no other name shares, the place must be
there before the store, and its index must not depend on what the store changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.indexing import is_whole, picks
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, ListOf, Number, TupleOf, Unknown, is_immutable
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, children, map_block, names, walk_stmts
from s2s_ad.transform.context import Context
from s2s_ad.transform.reading import stored_into


@dataclass(frozen=True)
class Item:
    """A place that a store overwrites. name: the container. index: variables that say where it is.
    kept: what is kept of it. own: whether no other name comes to share the container later: what
    others know is not put back. small: whether it is a number, or what takes no more room."""

    name: str
    place: n.Expr
    index: frozenset[str]
    kept: n.Expr
    own: bool = True
    small: bool = True


def overwritten_item(context: Context, s: n.Stmt, exposed: frozenset[str]) -> Item | None:
    """Return the place that a statement stores into, None where that is not one known place.

    exposed: variables that may hold what others change.
    """
    target = s.target if isinstance(s, n.AugAssign) else None
    if isinstance(s, n.Assign) and len(s.targets) == 1:
        target = s.targets[0]
    name = store_root(target) if target is not None else None
    if name is None or not isinstance(target, n.Subscript) or s.uid not in context.facts.before:
        return None
    if name in exposed or context.changed(s) != frozenset({name}):
        return None
    owned = context.unshared().get(s.uid, NOTHING_OWNED)
    item = context.kind(target, s.uid)
    if name not in owned.own:
        return None
    if name not in owned.whole and not (isinstance(target.value, n.Name) and is_immutable(item)):
        return None
    if not (is_immutable(item) or isinstance(item, (Array, Unknown))):
        return None
    index: set[str] = set()
    part: n.Expr = target
    while isinstance(part, n.Subscript):
        if not _stays(context, s, part, name):
            return None
        index |= names(part.index)
        part = part.value
    # what others come to know later is known to them when it is put back, as far as can be proved
    own = name in context.unshared_in_the_end().get(_end(context), NOTHING_OWNED).own
    where = frozenset(index - {name})
    return Item(name, target, where, _kept(context, s, target), own, is_immutable(item))


def _end(context: Context) -> int:
    """Return the statement, by uid, in front of which what a function works with is its own: before
    it returns a tuple of variables, whose items are copied where that matters."""
    made = returned_items(context)
    return made.uid if made is not None else context.function.body[-1].uid


def returned_items(context: Context) -> n.Assign | None:
    """Return the last statement but one of a function, if that binds a tuple of variables, and of
    numbers, which is returned at once."""
    *_, made, last = (n.Pass(), *context.function.body)
    target = last.value if isinstance(last, n.Return) else None
    if not isinstance(made, n.Assign) or made.targets != (target,):
        return None
    if not isinstance(made.value, n.TupleExpr) or not made.value.items:
        return None
    uid = made.uid
    plain = (isinstance(x, n.Name) or is_immutable(context.kind(x, uid)) for x in made.value.items)
    return made if all(plain) else None


def _stays(context: Context, s: n.Stmt, part: n.Subscript, name: str) -> bool:
    """True when an index says the same place again after the store, one that was there before."""
    if not context.is_repeatable(part.index, s) or _reads_items(context, s, part.index, name):
        return False
    kind = context.kind(part.value, s.uid)
    if isinstance(kind, ListOf) or (isinstance(kind, TupleOf) and kind.is_list):
        return isinstance(context.kind(part.index, s.uid), Number)
    return isinstance(kind, Array) or (isinstance(kind, DictOf) and isinstance(s, n.AugAssign))


def _reads_items(context: Context, s: n.Stmt, e: n.Expr, name: str) -> bool:
    """True when an index depends on more of the variable `name` than how many items it has."""
    if isinstance(e, n.Call) and e.args == (n.Name(name),):
        found = context.facts.object_of(e.func, s.uid)
        return found is None or found[0] is not len
    return e == n.Name(name) or any(_reads_items(context, s, x, name) for x in children(e))


def _kept(context: Context, s: n.Stmt, place: n.Subscript) -> n.Expr:
    """Return what is kept of a place: a copy, if what is there may be changed in place."""
    item = context.kind(place, s.uid)
    if is_immutable(item):
        return place
    if isinstance(item, Array):
        picked = picks(place.index, lambda x: context.kind(x, s.uid))
        owner = isinstance(context.kind(place.value, s.uid), Array)
        copied = place.value if is_whole(place.index) and owner else place
        return place if picked and owner else n.Call(n.Attribute(copied, "copy"), ())
    return n.Call(context.helper("copied"), (place,))


def apart(
    forward: n.Block,
    backward: n.Block,
    kept: Mapping[str, str],
    copy: Callable[[str, str], n.Expr],
) -> tuple[n.Block, n.Block]:
    """Return the sweeps with copies where what is kept under one name is stored into under another.

    kept: the variable that is kept in each list or variable, of those that are stored into.
    copy: of what a name holds that is kept of a variable. What comes back is then known under one
    name, and the reverse sweep can be differentiated again.
    """

    def saved(s: n.Stmt) -> tuple[n.Stmt, ...]:
        name = kept.get(s.stack) if isinstance(s, n.Append) else None
        if not isinstance(s, n.Append) or name is None or s.value != n.Name(name):
            return (s,)
        return (replace(s, value=copy(name, name)),)

    def restored(s: n.Stmt) -> tuple[n.Stmt, ...]:
        value = s.value if isinstance(s, n.Assign) else None
        name = kept.get(value.id) if isinstance(value, n.Name) else None
        if not isinstance(s, n.Assign) or not isinstance(value, n.Name) or name is None:
            return (s,)
        return (replace(s, value=copy(value.id, name)),)

    return map_block(forward, saved), map_block(backward, restored)


def worked(block: n.Block) -> set[str]:
    """Return the lists that a block takes items from, or appends to."""
    found = {s.stack for s in walk_stmts(block) if isinstance(s, (n.Pop, n.Append))}
    for s in walk_stmts(block):
        for e in all_parts(s):
            func = e.func if isinstance(e, n.Call) else None
            if isinstance(func, n.Attribute) and func.attr == "pop":
                found |= names(func.value)
    return found


def put_back(block: n.Block, variables: AbstractSet[str]) -> set[str]:
    """Return the variables of the primal into which a reverse sweep stores."""
    return set().union(*(stored_into(s) for s in walk_stmts(block))) & variables
