"""What is added to an item of zeros is assigned, where a loop does so once for each item.

Takes the body of a generated function, gives it so; requires `ir`.

    x_bar = [0.0] * len(x)                      x_bar = [0.0] * len(x)
    for i in reversed(range(len(x))):    →      for i in reversed(range(len(x))):
        x_bar[i] += 2.0 * x[i] * y_bar              x_bar[i] = 2.0 * x[i] * y_bar
"""

from __future__ import annotations

from collections.abc import Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, blocks, map_block, names, walk_stmts
from s2s_ad.simplify.algebra import negate


def first_time(body: n.Block, back: frozenset[int]) -> n.Block:
    """Return the body with first contributions assigned. back: uids of the reverse sweep."""
    found: set[int] = set()
    for block in (body, *(inner for s in walk_stmts(body) for inner in blocks(s))):
        for k, s in enumerate(block):
            name = _zeros(s) if s.uid in back else ""
            if name:
                found |= _once(name, block[k + 1 :])
    if not found:
        return body

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in found or not isinstance(s, n.AugAssign):
            return (s,)
        value = negate(s.value) if s.op == "-" else s.value
        new = n.Assign((s.target,), value, uid=s.uid, of=s.of, origin=s.origin, comments=s.comments)
        return (new,)

    return map_block(body, visit)


def _zeros(s: n.Stmt) -> str:
    """Return the variable that a statement gives a list of zeros of the length of another."""
    if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(s.targets[0], n.Name):
        return ""
    e = s.value
    zeros = isinstance(e, n.Binary) and e.op == "*" and e.left == n.ListExpr((ZERO,))
    return s.targets[0].id if zeros else ""


def _once(name: str, rest: n.Block) -> set[int]:
    """Return the statement, by uid, that is the first and only one of a loop to add to an item."""
    first = next((s for s in rest if any(name in _mentioned(x) for x in walk_stmts((s,)))), None)
    if not isinstance(first, n.For) or not isinstance(first.target, n.Name):
        return set()
    index = first.target
    if not _counts(first.iter) or index.id in assigned(first.body) or name in names(first.iter):
        return set()
    inside = [x for x in walk_stmts(first.body) if name in _mentioned(x)]
    if len(inside) != 1 or inside[0].uid not in {x.uid for x in _step(first.body)}:
        return set()
    s = inside[0]
    place = n.Subscript(n.Name(name), index)
    if not isinstance(s, n.AugAssign) or s.op not in ("+", "-") or s.target != place:
        return set()
    return set() if name in names(s.value) else {s.uid}


def _mentioned(s: n.Stmt) -> frozenset[str]:
    return said_by(s) | assigned((replace(s, body=()) if isinstance(s, (n.For, n.While)) else s,))


def _step(block: n.Block) -> Iterator[n.Stmt]:
    """Yield the statements of a block that run at most once when it does."""
    for s in block:
        yield s
        if isinstance(s, n.If):
            for inner in blocks(s):
                yield from _step(inner)


def _counts(e: n.Expr) -> bool:
    """True for a range of numbers from 0 on, in either direction."""
    if isinstance(e, n.Call) and e.func == n.Name("reversed") and len(e.args) == 1:
        e = e.args[0]
    return isinstance(e, n.Call) and e.func == n.Name("range") and len(e.args) == 1
