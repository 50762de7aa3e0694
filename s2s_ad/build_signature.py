"""Signatures of generated functions, and blocks as they stand in them.

Takes parameters, blocks and functions of the user, gives those of what is generated; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace

T = TypeVar("T")


def positional(params: tuple[n.Param, ...]) -> tuple[n.Param, ...]:
    """Return the parameters of a generated callee: it is called with all of them, by position."""
    return tuple(n.Param(p.name) for p in params)


def seeded(params: tuple[n.Param, ...]) -> tuple[n.Param, ...]:
    """Put the seed, last of all, where Python allows it."""
    *own, seed = params
    if any(p.kind == "keyword_only" for p in own):
        first = next(k for k, p in enumerate(own) if p.kind == "keyword_only")
        own.insert(first, seed)
        params = tuple(own)
    if seed.default is None:
        position = params.index(seed)
        return tuple(
            replace(p, default=None) if k < position and p.kind != "keyword_only" else p
            for k, p in enumerate(params)
        )
    return params


def spaced(block: n.Block) -> n.Block:
    """Put an empty line above a block."""
    first = block[0]
    before = ("", *first.comments.before)
    return (replace(first, comments=replace(first.comments, before=before)), *block[1:])


def bare(function: n.Function) -> n.Function:
    """Drop what only the user's own function has: annotations and decorators."""
    params = tuple(replace(p, annotation=None) for p in function.params)
    return replace(function, params=params, decorators=(), returns=None, comments=n.NO_COMMENTS)


def tuple_of(kept: Sequence[str]) -> n.Expr:
    return n.TupleExpr(tuple(n.Name(x) for x in kept))


def bind(
    params: Sequence[n.Param], args: Sequence[T], keywords: Mapping[str, T]
) -> dict[str, T | None] | None:
    """Return arguments by parameter, None where a default applies; None if they do not fit."""
    bound: dict[str, T | None] = {}
    rest = list(args)
    for p in params:
        if p.kind in ("star", "double_star"):
            return None
        if rest and p.kind in ("normal", "positional_only"):
            bound[p.name] = rest.pop(0)
    if rest:
        return None
    names = {p.name for p in params if p.kind != "positional_only"}
    for name, value in keywords.items():
        if name in bound or name not in names:
            return None
        bound[name] = value
    for p in params:
        if p.name not in bound:
            if p.default is None:
                return None
            bound[p.name] = None
    return bound
