"""What the terms of a reversed step have in common is written once, and what is added to one
adjoint in two places is added in one.

Takes the statements of a step, gives them so; requires `ir`, `simplify.algebra`.

    h_bar += 0.5 * v_bar * y * pull
    p_bar = v_bar * y * h                   h_bar += 0.5 * (v_bar * y + u_bar * x) * pull
    h_bar += 0.5 * u_bar * x * pull    →    p_bar = (v_bar * y + u_bar * x) * h
    p_bar += u_bar * x * h

Of numbers, and where the operands of one of the two hold at the place of the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import assigned, names
from s2s_ad.simplify.algebra import Term, simplify_sum, sum_of, terms, total
from s2s_ad.simplify.cancel import Factor, without
from s2s_ad.simplify.share import kills_of

MANY = 200  # statements of a block that is left as it is
LONG = 8  # terms of a sum that is left as it is
WIDE = 70  # characters of a sum of variables


def gathered(
    block: Sequence[n.Stmt],
    back: set[int],
    number: Callable[[n.Expr], bool],
    pure: Callable[[n.Expr], bool],
) -> list[n.Stmt]:
    """Return the statements of a step with what terms have in common written once.

    back: uids of the reverse sweep. number: whether a factor is a number, and the same as long as
    its names are.
    """
    out = list(block)
    if len(out) > MANY:
        return out
    k = 0
    while k < len(out):
        joined = _joined(out, k, back, number, pure)
        if joined is None:
            k += 1
        else:
            out = joined
            k = 0
    return [_factored(s, number) if s.uid in back else s for s in out]


def _sum(s: n.Stmt) -> tuple[str, list[Term]] | None:
    """Return the variable that a statement adds to, or gives a sum, and the terms."""
    if s.comments.trailing == "# recomputed":
        return None
    if isinstance(s, n.AugAssign) and s.op in "+-" and isinstance(s.target, n.Name):
        name, parts = s.target.id, terms(s.value, 1 if s.op == "+" else -1)
    elif isinstance(s, n.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], n.Name):
        name, parts = s.targets[0].id, terms(s.value)
    else:
        return None
    return None if name in names(s.value) else (name, parts)


def _joined(
    out: list[n.Stmt],
    k: int,
    back: set[int],
    number: Callable[[n.Expr], bool],
    pure: Callable[[n.Expr], bool],
) -> list[n.Stmt] | None:
    """Return the statements with what statement k adds added where the same was before it."""
    s = out[k]
    second = _sum(s) if isinstance(s, n.AugAssign) and s.uid in back else None
    if second is None:
        return None
    name = second[0]
    j = next(
        (j for j in range(k - 1, -1, -1) if name in mentioned((out[j],)) | assigned((out[j],))), k
    )
    if j == k or out[j].uid not in back:
        return None
    first = _sum(out[j])
    if first is None or first[0] != name or len(first[1]) + len(second[1]) > LONG:
        return None
    if not _are_numbers([*first[1], *second[1]], number):
        return None
    whole = [*first[1], *second[1]]
    alone = all(map(_is_variable, whole)) and len(expr_text(sum_of(whole))) <= WIDE - len(name)
    # what callees give back is added together as far as a line goes
    alone = alone and {x for t in whole for _, e in t.factors for x in names(e)} <= _returned(out)
    if not alone and not any(_common([a, b], number) for a in first[1] for b in second[1]):
        return None
    between = set[str]().union(*(kills_of(x, back, pure)[0] for x in out[j + 1 : k]))
    stays, goes = out[j], s
    if not between & _read(s):
        rest = [*out[:j], _with(stays, [*first[1], *second[1]]), *out[j + 1 : k], *out[k + 1 :]]
    elif not between & _read(out[j]):
        stays, goes = s, out[j]
        plain = isinstance(goes, n.Assign)
        value = ZERO
        made: n.Stmt = n.Assign((n.Name(name),), value, uid=s.uid, of=s.of) if plain else s
        new = _with(made, [*first[1], *second[1]])
        rest = [*out[:j], *out[j + 1 : k], new, *out[k + 1 :]]
    else:
        return None
    if goes.comments != n.NO_COMMENTS or stays.comments.trailing is not None:
        return None
    return rest


def _returned(block: Sequence[n.Stmt]) -> set[str]:
    """Return the variables that are given what a function returns."""
    calls = (s for s in block if isinstance(s, n.Assign) and isinstance(s.value, n.Call))
    return assigned(tuple(calls))


def _is_variable(t: Term) -> bool:
    plain = len(t.factors) == 1 and isinstance(t.factors[0][1], n.Name)
    return plain and t.factors[0][0] == "*" and abs(t.coefficient) == 1


def _are_numbers(parts: Sequence[Term], number: Callable[[n.Expr], bool]) -> bool:
    return all(number(e) for t in parts for _, e in t.factors)


def _read(s: n.Stmt) -> set[str]:
    assert isinstance(s, (n.Assign, n.AugAssign))
    return set(names(s.value))


def _with(s: n.Stmt, parts: Sequence[Term]) -> n.Stmt:
    sign, value = total(parts)
    if isinstance(s, n.AugAssign):
        return replace(s, op="-" if sign < 0 else "+", value=value)
    assert isinstance(s, n.Assign)
    return replace(s, value=simplify_sum(n.Unary("-", value)) if sign < 0 else value)


def _factored(s: n.Stmt, number: Callable[[n.Expr], bool]) -> n.Stmt:
    found = _sum(s)
    if found is None or not 1 < len(found[1]) <= LONG or not _are_numbers(found[1], number):
        return s
    parts = shortened(found[1], number)
    return s if parts is found[1] else _with(s, parts)


def shortened(parts: list[Term], number: Callable[[n.Expr], bool]) -> list[Term]:
    """Return a sum with what some of its terms have in common written once."""
    while True:
        best: tuple[int, list[Term], Counter[Factor]] | None = None
        for a, b in combinations(parts, 2):
            common = _common([a, b], number)
            if not common:
                continue
            those = [t for t in parts if _has(t, common, number)]
            saved = (len(those) - 1) * sum(common.values())
            if best is None or saved > best[0]:
                best = saved, those, common
        if best is None:
            return parts
        parts = _once(parts, best[1], best[2], number)


def _common(some: Sequence[Term], number: Callable[[n.Expr], bool]) -> Counter[Factor]:
    """Return the factors that terms have in common, each having more than those."""
    common = Counter(some[0].factors)
    for t in some[1:]:
        common &= Counter(t.factors)
    return common if all(_has(t, common, number) for t in some) else Counter()


def _has(t: Term, common: Counter[Factor], number: Callable[[n.Expr], bool]) -> bool:
    own = Counter(t.factors)
    rest = own - common
    return (
        common <= own and any(op == "*" for op, _ in rest) and all(number(e) for _, e in t.factors)
    )


def _once(
    parts: Sequence[Term],
    those: Sequence[Term],
    common: Counter[Factor],
    number: Callable[[n.Expr], bool],
) -> list[Term]:
    """Return terms with one in the place of those that have some factors in common."""
    first = those[0]
    level = all((abs(t.coefficient), t.over) == (abs(first.coefficient), first.over) for t in those)
    sign = 1 if first.coefficient > 0 else -1
    rests = []
    for t in those:
        rest = without(t.factors, common)
        if level:
            rests.append(Term(Fraction(sign if t.coefficient > 0 else -sign), rest))
        else:
            rests.append(replace(t, coefficient=sign * t.coefficient, factors=rest))
    inner = ("*", sum_of(shortened(rests, number)))
    outer: list[Factor] = []
    left = Counter(common)
    placed = False
    for f in first.factors:
        if left[f]:
            left[f] -= 1
            outer.append(f)
        elif not placed:
            placed = True
            outer.append(inner)
    if level:
        one = replace(first, factors=tuple(outer))
    else:
        one = Term(Fraction(sign), tuple(outer))
    out: list[Term] = []
    for t in parts:
        if t is first:
            out.append(one)
        elif not any(t is x for x in those):
            out.append(t)
    return out
