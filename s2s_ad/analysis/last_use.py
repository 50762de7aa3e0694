"""Whether a variable is read again after a statement: when not, its value may be given away.

Takes a name, a statement and the body it stands in; requires `ir`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import blocks, names, stmt_exprs, subexprs, walk_stmts


def is_last_use(name: str, s: n.Stmt, body: n.Block) -> bool:
    """True when `s` reads the variable once, and nothing that runs later reads what it held.

    The text is taken in order: what stands further down may run later. In a loop all of it may,
    unless the variable is bound anew in front of `s`.
    """
    if isinstance(s, n.While) or _reads(s, name) != 1:
        return False
    for x in walk_stmts(body):
        if any(_is_repeated(e, name, x.uid == s.uid) for e in _all_exprs(x)):
            return False
    if _binds(s, name):
        return True  # further reads are of the new value
    path = _blocks_around(body, s)
    elsewhere = _other_branches(path)
    before = True
    for x in walk_stmts(body):
        if x.uid == s.uid:
            before = False
        elif not before and x.uid not in elsewhere and _reads(x, name):
            return False
    loops = [k for k, (owner, _) in enumerate(path) if isinstance(owner, (n.For, n.While))]
    if not loops:
        return True
    outermost, (_, block) = path[loops[0]][0], path[-1]
    where = next(k for k, x in enumerate(block) if x.uid == s.uid)
    bound = [k for k in range(where) if _binds(block[k], name)]
    if not bound or outermost is None:
        return False
    fresh = {x.uid for y in block[bound[-1] + 1 : where + 1] for x in walk_stmts((y,))}
    return all(x.uid in fresh or not _reads(x, name) for x in walk_stmts((outermost,)))


def only_built(block: n.Block) -> frozenset[str]:
    """Return the variables that are lists in the making: appended to, then given away once.

        items = []
        for t in row:
            items.append(2.0 * t)
        rows.append(items)              # or: row = items

    No value of theirs is read: the list belongs to who is given it.
    """
    uses: Counter[str] = Counter()
    known: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for s in walk_stmts(block):
        uses.update(e.id for e in _all_exprs(s) if isinstance(e, n.Name))
        only = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if isinstance(s, n.Append):
            known[s.stack] += 1
            if isinstance(s.value, n.Name):
                given[s.value.id] += 1
        elif isinstance(s, n.Assign) and isinstance(only, n.Name):
            if s.value == n.ListExpr(()):
                known[only.id] += 1
            elif isinstance(s.value, n.Name):
                given[s.value.id] += 1
        elif isinstance(s, (n.FunctionDef, n.Global)):
            return frozenset()
    once = (name for name, count in given.items() if count == 1)
    return frozenset(name for name in once if uses[name] == known[name] + 1)


def _other_branches(path: list[tuple[n.Stmt | None, n.Block]]) -> set[int]:
    """Return the statements, by uid, that do not run when those of the inner blocks do."""
    found: set[int] = set()
    for owner, block in path:
        if isinstance(owner, n.If):
            others = [other for other in blocks(owner) if other is not block]
            found.update(x.uid for other in others for x in walk_stmts(other))
    return found


def _reads(s: n.Stmt, name: str) -> int:
    """Return how often a statement itself, without its blocks, reads a variable."""
    bound = sum(t == n.Name(name) for t in s.targets) if isinstance(s, n.Assign) else 0
    return sum(e == n.Name(name) for e in _all_exprs(s)) - bound


def _binds(s: n.Stmt, name: str) -> bool:
    return isinstance(s, n.Assign) and n.Name(name) in s.targets


def _is_repeated(e: n.Expr, name: str, is_here: bool) -> bool:
    """True for what reads its variables when it is used: a lambda, a generator; here: or often."""
    if isinstance(e, n.Comprehension):
        return (is_here or e.kind == "generator") and name in names(e)
    return isinstance(e, n.Lambda) and name in names(e)


def _all_exprs(s: n.Stmt) -> Iterator[n.Expr]:
    for e in stmt_exprs(s):
        yield from subexprs(e)


def _blocks_around(body: n.Block, s: n.Stmt) -> list[tuple[n.Stmt | None, n.Block]]:
    """Return the blocks that hold `s`, from the outside in, with the statements they belong to."""

    def visit(owner: n.Stmt | None, block: n.Block) -> list[tuple[n.Stmt | None, n.Block]] | None:
        for x in block:
            if x.uid == s.uid:
                return [(owner, block)]
            for inner in blocks(x):
                found = visit(x, inner)
                if found is not None:
                    return [(owner, block), *found]
        return None

    return visit(None, body) or []
