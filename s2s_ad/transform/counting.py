"""The user's own counter of the steps of a loop.

Takes the body of a function, gives for each `while` the variable that counts its steps, if there is
one: set to 0 before the loop, 1 added at each step that does not break, changed nowhere else. It
is the trip count of the reversed loop, which needs no other. Requires `ir`.

    i = 0
    while i < n:                    for i in reversed(range(i)):
        x = x * a[i]          →         ...
        i += 1
"""

from __future__ import annotations

from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, blocks, walk_stmts
from s2s_ad.transform.reading import flat


@dataclass(frozen=True)
class Counter:
    """name: the variable. step: uid of the statement that adds 1. otherwise: it stands in the
    `else` of the last `if` of the body. last: nothing follows it."""

    name: str
    step: int
    otherwise: bool
    last: bool


def counters(block: n.Block) -> dict[int, Counter]:
    """Return the counters of the loops in a block, by the uid of the loop."""
    found: dict[int, Counter] = {}
    zero: set[str] = set()
    for s in block:
        for inner in blocks(s):
            found.update(counters(inner))
        if isinstance(s, n.While):
            counter = _counter(s, zero)
            if counter is not None:
                found[s.uid] = counter
        zero -= assigned((s,))
        value = s.value if isinstance(s, n.Assign) else None
        if isinstance(s, n.Assign) and isinstance(value, n.Const) and _is(value, 0):
            zero |= {t.id for t in s.targets if isinstance(t, n.Name)}
    return found


def _counter(s: n.While, zero: set[str]) -> Counter | None:
    end = s.body[-1] if s.body else None
    ways = [(s.body, False)]
    if isinstance(end, n.If) and len(end.branches) == 1:
        ways.append((end.orelse, True))
    for block, otherwise in ways:
        for k, x in enumerate(block):
            if not isinstance(x, n.AugAssign) or x.op != "+" or not isinstance(x.target, n.Name):
                continue
            name = x.target.id
            changes = sum(name in assigned((flat(y),)) for y in walk_stmts(s.body))
            if isinstance(x.value, n.Const) and _is(x.value, 1) and name in zero and changes == 1:
                return Counter(name, x.uid, otherwise, k == len(block) - 1)
    return None


def _is(e: n.Const, value: int) -> bool:
    return type(e.value) is int and e.value == value
