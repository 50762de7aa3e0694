"""What is kept in front of an exit and behind it is kept once, before the two part.

Takes the forward sweep of a function, gives it so; requires `ir`.

    if steps == limit:                          x_saved.append(x)
        x_saved.append(x)                       if steps == limit:
        x = 0.5 * x                                 x = 0.5 * x
        break                           →           break
    y = f(x)                                    y = f(x)
    x_saved.append(x)                           x = x - y
    x = x - y

The variable has one value at both places, and each step keeps it at one of them.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import from_inside
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, walk_stmts

EXITS = (n.Break, n.Continue)


def kept_once(forward: n.Block, stacks: frozenset[str], number: Callable[[str], bool]) -> n.Block:
    """Return the forward sweep with one append for two.

    stacks: those that are only appended to and popped from. number: whether a variable certainly
    is a number.
    """

    def joined(block: n.Block) -> n.Block:
        out = list(block)
        k = 0
        while k < len(out):
            new = _joined(out, k, stacks, number)
            k, out = (k + 1, out) if new is None else (k, new)
        return tuple(out)

    return from_inside(forward, joined)


def _joined(
    out: list[n.Stmt], k: int, stacks: frozenset[str], number: Callable[[str], bool]
) -> list[n.Stmt] | None:
    """Return a block in which what the exit at `k` keeps is kept in front of it."""
    s = out[k]
    if not isinstance(s, n.If) or len(s.branches) != 1 or s.orelse:
        return None
    body = s.branches[0].body
    if not body or not isinstance(body[-1], EXITS):
        return None
    for i, first in enumerate(body):
        if not isinstance(first, n.Append) or first.stack not in stacks:
            continue
        value = first.value
        j = next((j for j in range(k + 1, len(out)) if out[j] == first), None)
        if j is None or not isinstance(value, n.Name) or not number(value.id):
            continue
        ahead = (*body[:i], *out[k + 1 : j])
        others = walk_stmts((*ahead, *body[i + 1 :]))
        alone = not any(isinstance(x, n.Append) and x.stack == first.stack for x in others)
        leaves = any(isinstance(x, (*EXITS, n.Try, n.With)) for x in walk_stmts(ahead))
        if alone and not leaves and value.id not in assigned(ahead):
            branch = replace(s.branches[0], body=(*body[:i], *body[i + 1 :]))
            rest = replace(s, branches=(branch,))
            return [*out[:k], out[j], rest, *out[k + 1 : j], *out[j + 1 :]]
    return None
