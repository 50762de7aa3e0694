"""Products and sums as sequences of what they are made of.

Takes expressions, gives their parts or whether they are such; requires `ir.nodes`.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import nodes
from .nodes import Expr


def factors(e: Expr) -> list[tuple[str, Expr]]:
    """Return the factors of a product in order, with `*` or `/` in front of each."""
    found: list[tuple[str, Expr]] = []
    while isinstance(e, nodes.Binary) and e.op in "*/":
        found.append((e.op, e.right))
        e = e.left
    return [("*", e), *reversed(found)]


def multiplied(parts: Sequence[tuple[str, Expr]]) -> Expr:
    """Return the product of factors as `factors` gives them."""
    whole = parts[0][1]
    for op, factor in parts[1:]:
        whole = nodes.Binary(op, whole, factor)
    return whole


def is_arithmetic(e: Expr) -> bool:
    """True for an operator that gives each entry of an array from those at the same place."""
    return isinstance(e, nodes.Unary) or (isinstance(e, nodes.Binary) and e.op != "@")
