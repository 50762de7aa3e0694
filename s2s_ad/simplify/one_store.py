"""What two statements of a step add to one item of an adjoint is added by one.

Takes the body of a generated function, gives it so; requires `ir`, `simplify.algebra`.

    price_bar[i] = total_bar * value               d_bar = total_bar * slope
    d_bar = total_bar * slope               →      price_bar[i] = total_bar * value + d_bar / x
    price_bar[i] += d_bar / x

Of numbers, where the operands of the first hold at the place of the second. The array must be made
by the function, and known by its items alone: nothing in between says the same item otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import leaves, mentioned, said_by, sole_target, with_blocks
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import all_parts, names, subexprs, walk_stmts
from s2s_ad.simplify.algebra import simplify_sum, terms, total
from s2s_ad.simplify.share import kills_of

WIDE = 70  # characters of a sum
_INDEX = (n.Name, n.Const, n.Unary, n.Binary, n.TupleExpr)


@dataclass(frozen=True)
class OneStore:
    """back: uids of the reverse sweep. number: whether an expression certainly is a number. fresh:
    whether a call returns what is new. pure: whether an expression has no effect."""

    back: frozenset[int]
    number: Callable[[n.Expr], bool]
    fresh: Callable[[n.Call], bool]
    pure: Callable[[n.Expr], bool]


def one_store(body: n.Block, tools: OneStore) -> n.Block:
    """Return the body with one statement for two."""
    found = {
        s.target.value.id
        for s in walk_stmts(body)
        if isinstance(s, n.AugAssign) and s.uid in tools.back
        if isinstance(s.target, n.Subscript) and isinstance(s.target.value, n.Name)
    }
    own = {x for x in found if _is_own(body, x, tools)}
    if not own:
        return body

    def visit(block: n.Block) -> n.Block:
        out = [with_blocks(s, visit) for s in block]
        k = 0
        while k < len(out):
            j = _first(out, k, own, tools)
            if j is None:
                k += 1
            else:
                out = [*out[:j], *out[j + 1 : k], _both(out[j], out[k]), *out[k + 1 :]]
        return tuple(out)

    return visit(body)


def _is_own(body: n.Block, array: str, tools: OneStore) -> bool:
    """True for an array that a function makes, and that no other name has a part of."""
    for s in walk_stmts(body):
        if array not in said_by(s) or isinstance(s, n.Return):
            continue
        parts = list(all_parts(s))
        made = isinstance(s, n.Assign) and sole_target(s) == array
        if made and isinstance(s, n.Assign) and isinstance(s.value, n.Call):
            if not tools.fresh(s.value) or parts.count(n.Name(array)) != 1:
                return False
            continue
        items = [e for e in parts if isinstance(e, n.Subscript) and e.value == n.Name(array)]
        if parts.count(n.Name(array)) != len(items) or not all(map(tools.number, items)):
            return False
    return True


def _first(out: list[n.Stmt], k: int, own: set[str], tools: OneStore) -> int | None:
    """Return which statement gives its first value to the item that statement `k` adds to."""
    s = out[k]
    target = s.target if isinstance(s, n.AugAssign) and s.op in "+-" else None
    if not isinstance(target, n.Subscript) or not isinstance(target.value, n.Name):
        return None
    array = target.value.id
    plain = all(isinstance(x, _INDEX) for x in subexprs(target.index))
    if array not in own or not plain or not isinstance(s, n.AugAssign) or array in names(s.value):
        return None
    j = next((j for j in range(k - 1, -1, -1) if array in mentioned((out[j],))), None)
    if j is None or s.uid not in tools.back or out[j].uid not in tools.back:
        return None
    first = out[j]
    stores = isinstance(first, n.Assign) and first.targets == (target,)
    adds = isinstance(first, n.AugAssign) and first.op in "+-" and first.target == target
    if not isinstance(first, (n.Assign, n.AugAssign)) or not (stores or adds):
        return None
    if first.comments != n.NO_COMMENTS or s.comments.trailing is not None:
        return None
    both = (first.value, s.value)
    if array in names(first.value) or not all(map(tools.number, both)):
        return None
    if len(expr_text(target)) + len(expr_text(_sum(first, s)[1])) > WIDE:
        return None
    read = names(first.value) | names(target.index)
    for x in out[j + 1 : k]:
        killed, effect = kills_of(x, tools.back, tools.pure)
        if effect or leaves(x) or killed & read:
            return None
    return j


def _sum(first: n.Assign | n.AugAssign, s: n.AugAssign) -> tuple[int, n.Expr]:
    """Return the sign of what both add, and the rest of it."""
    sign = -1 if isinstance(first, n.AugAssign) and first.op == "-" else 1
    return total([*terms(first.value, sign), *terms(s.value, 1 if s.op == "+" else -1)])


def _both(first: n.Stmt, s: n.Stmt) -> n.Stmt:
    assert isinstance(first, (n.Assign, n.AugAssign)) and isinstance(s, n.AugAssign)
    sign, value = _sum(first, s)
    if isinstance(first, n.AugAssign):
        return replace(s, op="+" if sign > 0 else "-", value=value)
    value = value if sign > 0 else simplify_sum(n.Unary("-", value))
    return n.Assign((s.target,), value, uid=s.uid, of=s.of, comments=s.comments)
