"""Terms of one slope that are alike once products are written out are added together.

Takes the body of a generated function, gives it so; requires `ir`, `simplify.algebra`.

    product_bar = d * (1.0 + e * x * x)                      product_bar = d * (1.0 + e * x * x)
    product_bar2 = d * k * x                           →     product_bar2 = d * k * x
    x_bar = product_bar * k + 2.0 * product_bar2 * e * x     x_bar = d * k * (1.0 + 3.0 * e * x * x)

Of numbers, in the reverse sweep, where all terms then have the differential in common: what remains
is the slope. Terms that would cancel each other are left as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import from_inside, read_by, sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import names, subexprs, walk_stmts
from s2s_ad.simplify.algebra import Term, from_term, merge, sum_of, terms
from s2s_ad.simplify.cancel import Factor, without
from s2s_ad.simplify.gathered import shortened
from s2s_ad.simplify.share import kills_of

MANY = 10  # terms of a sum that is left as it is
FEW = 3  # terms of a factor that is multiplied out
WIDE = 70  # characters of what is longer than it was

Kind = frozenset[tuple[Factor, int]]


@dataclass(frozen=True)
class Slopes:
    """back: uids of the reverse sweep. number: whether an expression certainly is a number. pure:
    whether it has no effect. differential: whether a variable is an adjoint."""

    back: frozenset[int]
    number: Callable[[n.Expr], bool]
    pure: Callable[[n.Expr], bool]
    differential: Callable[[str], bool]


def like_terms(body: n.Block, tools: Slopes) -> n.Block:
    """Return the body with such sums."""
    reads = Counter(x for s in walk_stmts(body) for x in read_by(s))

    def added(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        known: dict[str, n.Expr] = {}
        made_of: dict[str, set[str]] = {}  # by a name, what is known that it is, or that reads it
        for s in block:
            s = _summed(s, known, reads, tools)
            killed, effect = kills_of(s, tools.back, tools.pure)
            for gone in killed:
                for x in made_of.pop(gone, ()):
                    if x == gone or (x in known and gone in names(known[x])):
                        known.pop(x, None)
            if effect:
                known = {x: e for x, e in known.items() if not _reads_items(e)}
            name = sole_target(s)
            if name is not None and isinstance(s, n.Assign) and s.uid in tools.back:
                plain = s.comments.trailing is None and name not in names(s.value)
                if plain and len(terms(s.value)) == 1 and _numbers(terms(s.value), tools):
                    known[name] = s.value
                    for x in (name, *names(s.value)):
                        made_of.setdefault(x, set()).add(name)
            out.append(s)
        return tuple(out)

    return from_inside(body, added)


def _reads_items(e: n.Expr) -> bool:
    return any(isinstance(x, n.Subscript) for x in subexprs(e))


def _numbers(parts: Sequence[Term], tools: Slopes) -> bool:
    return all(tools.number(e) for t in parts for _, e in t.factors)


def _summed(
    s: n.Stmt, known: Mapping[str, n.Expr], reads: Mapping[str, int], tools: Slopes
) -> n.Stmt:
    """Return a statement with a slope whose like terms are one."""
    if not isinstance(s, (n.Assign, n.AugAssign)) or s.uid not in tools.back:
        return s
    if s.comments.trailing is not None or (isinstance(s, n.AugAssign) and s.op not in "+-"):
        return s
    before = _opened(terms(s.value))
    if not 1 < len(before) <= MANY or not _numbers(before, tools):
        return s
    used: set[str] = set()
    every = [x for t in before for x in _written_out(t, known, used, tools)]
    first: dict[Kind, Term] = {}
    for t in every:
        first.setdefault(_kind(t), t)
    # as they were written first
    whole = [replace(t, factors=first[_kind(t)].factors) for t in merge(every)]
    if len(every) > MANY or not len(first) == len(whole) < len(every) or not _agree(every):
        return s
    common = Counter(whole[0].factors)
    for t in whole[1:]:
        common &= Counter(t.factors)
    if not any(isinstance(e, n.Name) and tools.differential(e.id) for _, e in common):
        return s
    sign = 1 if whole[0].coefficient > 0 else -1
    rests = [
        replace(t, coefficient=sign * t.coefficient, factors=without(t.factors, common))
        for t in whole
    ]
    slope = sum_of(shortened(rests, tools.number)) if len(rests) > 1 else from_term(rests[0])
    outer = without(whole[0].factors, Counter(whole[0].factors) - common)
    value = from_term(
        Term(whole[0].coefficient / abs(whole[0].coefficient), (*outer, ("*", slope)))
    )
    # a name that is read once more at most needs no line of its own
    here = Counter(read_by(s))
    gone = sum(reads[x] - here[x] <= 1 for x in used)
    if _operations(value) > _operations(s.value) + gone:
        return s
    if len(expr_text(value)) > max(WIDE, len(expr_text(s.value))):
        return s
    if isinstance(value, n.Unary) and isinstance(s, n.AugAssign):
        return replace(s, op="-" if s.op == "+" else "+", value=value.operand)
    return replace(s, value=value)


def _opened(parts: Sequence[Term]) -> Sequence[Term]:
    """Return the terms of a sum, of one that is multiplied with a slope as well."""
    t = parts[0]
    sums = [
        k
        for k, (op, e) in enumerate(t.factors)
        if op == "*" and isinstance(e, n.Binary) and e.op in "+-"
    ]
    return _multiplied(t, sums[0]) if len(parts) == len(sums) == 1 else parts


def _multiplied(t: Term, k: int, by: n.Expr | None = None) -> list[Term]:
    """Return a product with a factor, or what it stands for, multiplied out."""
    before, after = t.factors[:k], t.factors[k + 1 :]
    return [
        Term(t.coefficient * x.coefficient, (*before, *x.factors, *after))
        for x in terms(by or t.factors[k][1])
    ]


def _written_out(t: Term, known: Mapping[str, n.Expr], used: set[str], tools: Slopes) -> list[Term]:
    """Return a product without names for products, and with short sums multiplied out."""
    for k, (op, e) in enumerate(t.factors):
        every: list[Term] = []
        if op == "*" and isinstance(e, n.Name) and e.id in known:
            used.add(e.id)
            every = _multiplied(t, k, known[e.id])
        elif op == "*" and isinstance(e, n.Binary) and e.op in "+-":
            inner = terms(e)
            if len(inner) <= FEW and _numbers(inner, tools):
                every = _multiplied(t, k)
        if every:
            return [y for x in every for y in _written_out(x, known, used, tools)][: MANY + 1]
    return [t]


def _agree(parts: Sequence[Term]) -> bool:
    """True when equal terms have one sign: none is lost by being taken from another."""
    signs: dict[Kind, bool] = {}
    return all(signs.setdefault(_kind(t), t.coefficient > 0) == (t.coefficient > 0) for t in parts)


def _kind(t: Term) -> Kind:
    return frozenset(Counter(t.factors).items())


def _operations(e: n.Expr) -> int:
    return sum(isinstance(x, n.Binary) for x in subexprs(e))
