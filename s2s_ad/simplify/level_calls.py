"""Calls that give the same at each step of a loop are made once for a step and its reverse.

Takes both sweeps of a function, gives them with names for such calls; requires `ir`.

    for z in zs:                                for z in zs:
        x += math.sqrt(dt) * z * y                  sqrt = math.sqrt(dt)
    ...                                             x += sqrt * z * y
    for z in reversed(zs):                  →   ...
        y_bar += x_bar * math.sqrt(dt) * z      for z in reversed(zs):
                                                    y_bar += x_bar * sqrt * z

Nothing is kept for it: the last step leaves it. It is made where the primal makes it, not in front
of the loop, where it could fail for a loop without a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    map_block,
    map_parts,
    names,
    subexprs,
    walk_stmts,
)

Sweeps = tuple[n.Block, n.Block]


@dataclass(frozen=True)
class LevelCalls:
    """heavy: whether an expression, in the statement of that uid, is pure and much work. fresh: a
    name not in use. called: what the value of an expression is to be called. changed: variables
    that a statement of the primal changes in place."""

    heavy: Callable[[n.Expr, int], bool]
    fresh: Callable[[str], str]
    called: Callable[[n.Expr], str]
    changed: Callable[[n.Stmt], frozenset[str]]


def level_calls(forward: n.Block, backward: n.Block, tools: LevelCalls) -> Sweeps:
    """Return both sweeps in which the reverse of a loop reads what its last step has called."""
    turned = Counter(r.of for r in backward if isinstance(r, n.For))
    for s in forward:
        if isinstance(s, (n.For, n.While)) and turned[s.uid] == 1:
            forward, backward = _in_loop(forward, backward, s, tools)
    return forward, backward


def _in_loop(
    forward: n.Block, backward: n.Block, loop: n.For | n.While, tools: LevelCalls
) -> Sweeps:
    at = next(k for k, s in enumerate(forward) if s.uid == loop.uid)
    place = next(q for q, r in enumerate(backward) if isinstance(r, n.For) and r.of == loop.uid)
    between = (*forward[at:], *backward[: place + 1])
    changed = set(assigned(between)).union(*map(tools.changed, walk_stmts(forward[at:])))
    again: set[n.Expr] = {
        e
        for r in walk_stmts(backward[place : place + 1])
        for e in all_parts(r)
        if isinstance(e, n.Call) and not names(e) & changed
    }
    made: dict[int, dict[n.Expr, n.Name]] = {}
    there: dict[int, dict[n.Expr, n.Name]] = {}
    for s, rest in _unconditional(loop.body):
        for e in _called_always(s, again):
            again -= {x for x in again if e in subexprs(x) or x in subexprs(e)}
            if tools.heavy(e, s.uid):
                name = made.setdefault(s.uid, {})[e] = n.Name(tools.fresh(tools.called(e)))
                for x in walk_stmts(rest):
                    there.setdefault(x.uid, {})[e] = name

    def ahead(s: n.Stmt) -> tuple[n.Stmt, ...]:
        first = [n.Assign((name,), e, origin=s.origin) for e, name in made.get(s.uid, {}).items()]
        s = _with_names(s, there.get(s.uid, {}))
        if not first:
            return (s,)
        comments = replace(n.NO_COMMENTS, before=s.comments.before)
        first[0] = replace(first[0], comments=comments)
        return (*first, replace(s, comments=replace(s.comments, before=())))

    def back(r: n.Stmt) -> tuple[n.Stmt, ...]:
        return (_with_names(r, there.get(r.of, {}) if r.of is not None else {}),)

    if not made:
        return forward, backward
    body = map_block(forward[at : at + 1], ahead)
    turned = map_block(backward[place : place + 1], back)
    return (
        (*forward[:at], *body, *forward[at + 1 :]),
        (*backward[:place], *turned, *backward[place + 1 :]),
    )


def _with_names(s: n.Stmt, new: Mapping[n.Expr, n.Expr]) -> n.Stmt:
    if not new:
        return s
    return map_parts(s, lambda e: new.get(e, e))


def _unconditional(body: n.Block) -> Iterator[tuple[n.Stmt, n.Block]]:
    """Yield the simple statements of loops, each with what a step comes to only by way of it."""
    for k, s in enumerate(body):
        if isinstance(s, (n.For, n.While)):
            yield from _unconditional(s.body)
        elif not blocks(s):
            yield s, body[k:]


def _called_always(s: n.Stmt, wanted: set[n.Expr]) -> list[n.Expr]:
    """Return calls that a statement surely makes, no one a part of another."""
    value = s.value if isinstance(s, (n.Assign, n.AugAssign)) else None
    found: list[n.Expr] = []
    todo = [value] if value is not None else []
    while todo:
        e = todo.pop(0)
        if e in wanted and e != value:
            found.append(e)
        elif isinstance(e, n.Binary):
            todo += [e.left, e.right]
        elif isinstance(e, n.Unary):
            todo.append(e.operand)
        elif isinstance(e, n.Call):
            todo += e.args
    return list(dict.fromkeys(found))
