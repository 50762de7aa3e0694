"""Terms that have become equal when parts got one name are added together; names for one product
that nothing else reads go into it.

Takes the body of a generated function, gives it so; requires `ir`, `simplify.algebra`.

    a_bar += (u_bar * h / a - u_bar * h / a + w_bar * h / a) / a    →   a_bar += w_bar * h / a / a

    product_bar2 = product_bar * q
    r_bar -= 48.0 * product_bar2 * r              →   r_bar -= 48.0 * product_bar * q * r

Of numbers, in the reverse sweep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, from_inside, read_by, sole_target
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import all_parts, assigned, map_block, names, walk_stmts
from s2s_ad.simplify.algebra import (
    Term,
    from_term,
    merge,
    number,
    simplify_sum,
    splice,
    terms,
    total,
)
from s2s_ad.simplify.gathered import shortened

WIDE = 60  # characters of an expression that takes in another one


@dataclass(frozen=True)
class SummedUp:
    """back: uids of the reverse sweep. number: whether an expression certainly is a number. pure:
    whether it has no effect and the same value each time. ours: whether a name was made by us, for
    a part of a value."""

    back: frozenset[int]
    number: Callable[[n.Expr], bool]
    pure: Callable[[n.Expr], bool]
    ours: Callable[[str], bool]


def summed_up(body: n.Block, tools: SummedUp) -> n.Block:
    """Return the body with sums that have no equal terms, and without names for one factor."""
    body = map_block(body, lambda s: _merged(s, tools) if s.uid in tools.back else (s,))
    reads = Counter(x for s in walk_stmts(body) for x in read_by(s))
    writes = Counter(x for s in walk_stmts(body) for x in assigned((s,)) if not _holds(s))

    def taken_in(block: n.Block) -> n.Block:
        out = list(block)
        k = 0
        while k < len(out):
            name = sole_target(out[k])
            once = name is not None and reads[name] == writes[name] == 1 and tools.ours(name)
            j = _reader(out, k, tools) if once else None
            if j is None:
                k += 1
            else:
                out = _taken_in(out, k, j)
        return tuple(out)

    return from_inside(body, taken_in)


def _holds(s: n.Stmt) -> bool:
    return isinstance(s, (n.If, n.For, n.While, n.With, n.Try))


def _merged(s: n.Stmt, tools: SummedUp) -> tuple[n.Stmt, ...]:
    """Return a statement with sums that have no equal terms, or nothing if it would add nothing."""
    if not isinstance(s, (n.Assign, n.AugAssign)) or s.comments.trailing == "# recomputed":
        return (s,)

    def once(e: n.Expr) -> n.Expr:
        if not isinstance(e, n.Binary) or e.op not in "+-":
            return e
        parts = terms(e)
        numbers = all(tools.number(x) for t in parts for _, x in t.factors)
        return simplify_sum(e) if numbers and len(merge(parts)) < len(parts) else e

    def short(e: n.Expr) -> n.Expr:
        if not isinstance(e, n.Binary) or e.op not in "+-":
            return e
        sign, value = total(shortened(terms(e), tools.number))
        return value if sign > 0 else simplify_sum(n.Unary("-", value))

    value = _in_arithmetic(s.value, once)
    if value is s.value:
        return (s,)
    if _has_zero(value) and not tools.number(s.value):
        return (s,)  # zero times an array is an array
    new = _summed(s, terms(_in_arithmetic(value, short)))
    if isinstance(new, n.AugAssign) and new.value == ZERO and new.comments == n.NO_COMMENTS:
        return ()
    return (new,)


def _in_arithmetic(e: n.Expr, change: Callable[[n.Expr], n.Expr]) -> n.Expr:
    """Return an expression with what is added and multiplied in it changed, from the inside out.

    Indices and what functions are given may have to be whole numbers: they stay.
    """
    parts = _operands(e)
    new = {key: _in_arithmetic(part, change) for key, part in parts.items()}
    same = all(new[key] is part for key, part in parts.items())
    return change(e if same else replace(e, **new))


def _operands(e: n.Expr) -> dict[str, n.Expr]:
    if isinstance(e, n.Binary) and e.op in "+-*/":
        return {"left": e.left, "right": e.right}
    if isinstance(e, n.Unary) and e.op in "+-":
        return {"operand": e.operand}
    return {"body": e.body, "orelse": e.orelse} if isinstance(e, n.IfExp) else {}


def _has_zero(e: n.Expr) -> bool:
    """True for 0.0, and for what is added or multiplied where one of the parts is."""
    return number(e) == 0 or any(map(_has_zero, _operands(e).values()))


def _summed(s: n.Assign | n.AugAssign, parts: Sequence[Term]) -> n.Assign | n.AugAssign:
    """Return a statement with a sum of these terms."""
    sign, value = total(parts)
    if isinstance(s, n.AugAssign) and s.op in ("+", "-"):
        return replace(s, op=s.op if sign > 0 else "-" if s.op == "+" else "+", value=value)
    return replace(s, value=value if sign > 0 else simplify_sum(n.Unary("-", value)))


def _reader(out: list[n.Stmt], k: int, tools: SummedUp) -> int | None:
    """Return which statement has the name that statement `k` makes, of a product, as a factor."""
    s = out[k]
    name = n.Name(sole_target(s) or "")
    if not isinstance(s, n.Assign) or s.uid not in tools.back or s.comments.trailing is not None:
        return None
    if not isinstance(s.value, n.Binary) or s.value.op not in "*/":
        return None
    if not tools.number(s.value) or not tools.pure(s.value):
        return None
    for j in range(k + 1, len(out)):
        t = out[j]
        if any(name in list(all_parts(x)) for x in walk_stmts((t,))):
            plain = isinstance(t, (n.Assign, n.AugAssign)) and t.uid in tools.back
            if not plain or not isinstance(t, (n.Assign, n.AugAssign)):
                return None
            if t.comments.trailing is not None or not tools.number(t.value):
                return None
            found = [x for x in terms(t.value) if ("*", name) in x.factors]
            fits = len(expr_text(t.value)) + len(expr_text(s.value)) <= WIDE
            return j if len(found) == 1 and fits else None
        if changed_by(t) & names(s.value):
            return None
    return None


def _taken_in(out: list[n.Stmt], k: int, j: int) -> list[n.Stmt]:
    s, t = out[k], out[j]
    assert isinstance(s, n.Assign) and isinstance(t, (n.Assign, n.AugAssign))
    name = n.Name(sole_target(s) or "")

    def with_factors(x: Term) -> Term:
        whole = ("*", name) in x.factors
        (new,) = terms(splice(from_term(x), name, s.value)) if whole else (x,)
        return new

    t = _summed(t, [with_factors(x) for x in terms(t.value)])
    rest = [*out[k + 1 : j], t]
    before = s.comments.before
    if before:
        first = rest[0].comments
        rest[0] = replace(rest[0], comments=replace(first, before=(*before, *first.before)))
    return [*out[:k], *rest, *out[j + 1 :]]
