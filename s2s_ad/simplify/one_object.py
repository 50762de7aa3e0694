"""Which variables may hold one array or list, or parts of one: what changes one changes all.

Takes the body of a generated function, gives a test of its statements. Requires `ir`, `rules`.

    ratio = y / s
    y = ratio
    y += x              # changes what `ratio` holds
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, sole_target
from s2s_ad.ir.walk import container_of, names, target_names, walk_stmts
from s2s_ad.rules.sharing import WHOLLY_NEW, newness_of_function

Changes = Callable[[n.Stmt], frozenset[str]]


def changes_in(body: n.Block) -> Changes:
    """Return what a statement of the body changes: by the names of the statement, and by others."""
    above: dict[str, str] = {}

    def group(name: str) -> str:
        while name in above:
            name = above[name]
        return name

    for s in walk_stmts(body):
        for holder, held in _handed_on(s):
            if group(holder) != group(held):
                above[group(holder)] = group(held)
    members: dict[str, set[str]] = {}
    for name in above:
        members.setdefault(group(name), {group(name)}).add(name)

    def changes(s: n.Stmt) -> frozenset[str]:
        found = changed_by(s)
        if sole_target(s) is not None or not members:
            return found
        return found.union(*(members.get(group(name), ()) for name in found))

    return changes


def _handed_on(s: n.Stmt) -> Iterator[tuple[str, str]]:
    """Yield variables with those whose object, or a part of it, a statement lets them hold."""
    if isinstance(s, n.Assign):
        for t in s.targets:
            holders = {*target_names(t), *names(container_of(t))}
            yield from ((x, y) for x in holders for y in _held(s.value))
    elif isinstance(s, n.For):
        yield from ((x, y) for x in target_names(s.target) for y in _held(s.iter))
    elif isinstance(s, n.Append):
        yield from ((s.stack, y) for y in _held(s.value))
    elif isinstance(s, n.Pop):
        yield from ((x, s.stack) for x in target_names(s.target))
    elif isinstance(s, n.With):
        for e, target in s.items:
            if target is not None:
                yield from ((x, y) for x in target_names(target) for y in _held(e))


def _held(e: n.Expr) -> frozenset[str]:
    """Return the variables that may hold what an expression gives, or a part of it."""
    if isinstance(e, (n.Const, n.Compare, n.Unary, n.Binary)):
        return frozenset()
    if isinstance(e, n.Call) and isinstance(e.func, n.Attribute):
        args = len(e.args) + any(k.name == "n" for k in e.keywords)
        made = newness_of_function(e.func.attr, args) == WHOLLY_NEW
        if made or (e.func.attr == "copy" and not e.args):
            return frozenset()
    return names(e)
