"""Whether a variable is read again after a statement: when not, its value may be given away.

Takes a name, a statement and the body it stands in; requires `ir`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list
from s2s_ad.ir.walk import all_parts, blocks, names, target_names, walk_stmts


def is_last_use(name: str, s: n.Stmt, body: n.Block, later: Mapping[int, frozenset[str]]) -> bool:
    """True when `s` reads the variable once, and nothing that runs later reads what it held.

    later: what is read behind each statement (`liveness.live_after`).
    """
    if any(blocks(s)) or _reads(s, name) != 1:
        return False
    for x in walk_stmts(body):
        if any(_is_repeated(e, name, x.uid == s.uid) for e in all_parts(x)):
            return False
    if _binds(s, name):
        return True  # further reads are of the new value
    return s.uid in later and name not in later[s.uid]


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
        uses.update(e.id for e in all_parts(s) if isinstance(e, n.Name))
        only = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if isinstance(s, n.Append):
            known[s.stack] += 1
            if isinstance(s.value, n.Name):
                given[s.value.id] += 1
        elif isinstance(s, n.Assign) and isinstance(only, n.Name):
            if is_empty_list(s.value):
                known[only.id] += 1
            elif isinstance(s.value, n.Name):
                given[s.value.id] += 1
        elif isinstance(s, (n.FunctionDef, n.Global)):
            return frozenset()
    once = (name for name, count in given.items() if count == 1)
    return frozenset(name for name in once if uses[name] == known[name] + 1)


def _reads(s: n.Stmt, name: str) -> int:
    """Return how often a statement itself, without its blocks, reads a variable."""
    return sum(e == n.Name(name) for e in all_parts(s)) - _binds(s, name)


def _binds(s: n.Stmt, name: str) -> int:
    """Return how often a statement binds a variable."""
    targets = s.targets if isinstance(s, n.Assign) else ()
    return sum(x == name for t in targets for x in target_names(t))


def _is_repeated(e: n.Expr, name: str, is_here: bool) -> bool:
    """True for what reads its variables when it is used: a lambda, a generator; here: or often."""
    if isinstance(e, n.Comprehension):
        return (is_here or e.kind == "generator") and name in names(e)
    return isinstance(e, n.Lambda) and name in names(e)
