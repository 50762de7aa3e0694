"""The items of a seed are taken apart once, where they are read more often than there are of them,
or where each gets a name.

Takes the body of a reverse function, gives it so; requires `ir`.

    x_bar = result_bar[0] * y                        first_bar, second_bar = result_bar
    y_bar = result_bar[0] * x + result_bar[1]   →    x_bar = first_bar * y
                                                     y_bar = first_bar * x + second_bar
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, assigned, map_block, map_parts, subexprs, walk_stmts

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def unpacked(
    body: n.Block, seed: str, size: int, fresh: Callable[[str], str]
) -> tuple[n.Block, n.Block]:
    """Return what gives names to the items of a seed that has `size` of them, and the body in which
    they are read. It is nothing where the seed is read as a whole, or changed."""
    if size < 2 or seed in assigned(body):
        return (), body
    items = {n.Subscript(n.Name(seed), n.Const(str(k), k)): k for k in range(size)}
    every = [e for s in walk_stmts(body) for e in all_parts(s)]
    read = Counter(items[e] for e in every if isinstance(e, n.Subscript) and e in items)
    stored = {t for s in walk_stmts(body) for t in _targets(s)}
    if sum(e == n.Name(seed) for e in every) != read.total() or stored & items.keys():
        return (), body
    if read.total() == size:
        return (), _named_at_once(body, seed, items)
    if read.total() < size or size > len(ORDINALS):
        return (), body
    names = [n.Name(fresh(f"{ORDINALS[k]}_bar") if read[k] else "_") for k in range(size)]

    def visit(e: n.Expr) -> n.Expr:
        return names[items[e]] if isinstance(e, n.Subscript) and e in items else e

    made = n.Assign((n.TupleExpr(tuple(names)),), n.Name(seed))
    rest = map_block(body, lambda s: (map_parts(s, visit),))
    return (made,), rest


def _named_at_once(body: n.Block, seed: str, items: Mapping[n.Subscript, int]) -> n.Block:
    """Return a body in which the items of a seed, each of which gets a name, get it together.

    >>> d = n.Name("d")
    >>> parts = {n.Subscript(d, n.Const(str(k), k)): k for k in range(2)}
    >>> made = tuple(n.Assign((n.Name(x),), e) for x, e in zip("ab", parts))
    >>> _named_at_once(made, "d", parts)[0].targets
    (TupleExpr(items=(Name(id='a'), Name(id='b'))),)
    """
    given = [k for k, s in enumerate(body) if isinstance(s, n.Assign) and s.value in items]
    run = body[: given[-1] + 1 if given else 0][-len(items) :]
    found: dict[int, n.Expr] = {}
    for s in run:
        if isinstance(s, n.Assign) and isinstance(s.value, n.Subscript) and sole_target(s):
            found[items.get(s.value, -1)] = s.targets[0]
    if sorted(found) != list(range(len(items))) or len(set(found.values())) < len(found):
        return body
    if any(s.comments != n.NO_COMMENTS for s in run):
        return body
    whole = n.TupleExpr(tuple(found[k] for k in range(len(items))))
    start = given[-1] + 1 - len(items)
    first = run[0]
    assert isinstance(first, n.Assign)
    together = replace(first, targets=(whole,), value=n.Name(seed))
    return (*body[:start], together, *body[start + len(items) :])


def _targets(s: n.Stmt) -> tuple[n.Expr, ...]:
    if isinstance(s, n.Assign):
        return tuple(x for t in s.targets for x in subexprs(t))
    return (s.target,) if isinstance(s, (n.AugAssign, n.Pop)) else ()
