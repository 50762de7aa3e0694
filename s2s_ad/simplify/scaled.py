"""Numbers leave arrays that are only summed or multiplied out: what comes of those is smaller.

Takes the body of a generated function, gives it without scaled arrays; requires `ir`, `algebra`.

    D_bar = -0.5 * K_bar
    norms_bar = np.sum(D_bar, axis=1)           norms_bar = -0.5 * np.sum(K_bar, axis=1)
    scaled_bar += 2.0 * (D_bar @ scaled)    →   scaled_bar -= K_bar @ scaled

A name goes if every expression that reads it is linear in it, and if the array that it was made of
has its value until then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, from_outside, read_by, sole_target
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, names, substitute, walk_stmts
from s2s_ad.simplify.algebra import Term, from_term, simplify_sum, term, terms, total
from s2s_ad.simplify.quotients import with_value, without_statement

KindOf = Callable[[n.Expr], Kind]
# calls that are linear in each of their array arguments
CONTRACTIONS = ("sum", "einsum", "vdot", "dot", "trace", "outer")
MOST = 4  # expressions that a name is read in


@dataclass(frozen=True)
class _Scaled:
    """A variable of the reverse sweep that is a number times another one. by: the number."""

    name: str
    array: str
    by: Term


def without_scaled(body: n.Block, back: frozenset[int], kind: KindOf) -> n.Block:
    """Return the body without arrays that are another one times a number.

    back: uids of the statements of the reverse sweep. kind: that of an expression, at all times.
    """
    reads = Counter(x for s in walk_stmts(body) for x in read_by(s))
    bound = Counter(x for s in walk_stmts(body) if not any(blocks(s)) for x in changed_by(s))

    def unscaled(block: n.Block) -> n.Block:
        # a scaled array may be another one's
        for k in reversed(range(len(block))):
            s = block[k]
            found = _scaled(s, kind) if s.uid in back and isinstance(s, n.Assign) else None
            if found is None or bound[found.name] != 1:
                continue
            new = _without(block, k, found, reads[found.name], kind)
            if new is not None:
                reads[found.array] += reads[found.name] - 1
                block = new
        return block

    return from_outside(body, unscaled)


def _scaled(s: n.Assign, kind: KindOf) -> _Scaled | None:
    name, t = sole_target(s), term(s.value)
    if name is None or not isinstance(s.value, (n.Binary, n.Unary)):
        return None
    arrays = [f for f in t.factors if not isinstance(kind(f[1]), Number)]
    numbers = tuple(f for f in t.factors if f not in arrays)
    if len(arrays) != 1 or arrays[0][0] != "*" or len(numbers) + len(arrays) < len(t.factors):
        return None
    array = arrays[0][1]
    if not isinstance(array, n.Name) or array.id == name or not _has_axes(kind(array)):
        return None
    if not all(isinstance(x, n.Name) for _, x in numbers):
        return None
    return _Scaled(name, array.id, replace(t, factors=numbers))


def _has_axes(kind: Kind) -> bool:
    return isinstance(kind, Array) and kind.dtype == "float" and bool(kind.dims)


def _rank(kind: Kind) -> int:
    return len(kind.dims) if isinstance(kind, Array) and kind.dims is not None else 0


def _without(block: n.Block, k: int, found: _Scaled, reads: int, kind: KindOf) -> n.Block | None:
    """Return the block without statement `k`, if each of so many reads behind it is linear."""
    steady = {found.array, *(x for _, e in found.by.factors for x in names(e))}
    out, costs = list(block), 0
    for j in range(k + 1, len(block)):
        s = block[j]
        count = read_by(s).count(found.name)
        if count:
            if any(blocks(s)) or not isinstance(s, (n.Assign, n.AugAssign)) or _in_target(s, found):
                return None
            parts = terms(s.value)
            new = [_rescaled(t, found) for t in parts]
            if any(found.name in names(e) for t in new for _, e in t.factors):
                return None
            signs = len(parts) > 1 or (isinstance(s, n.AugAssign) and s.op in ("+", "-"))
            rank = _rank(kind(n.Name(found.array)))
            for old, t in zip(parts, new):
                made = [e for op, e in t.factors if (op, e) not in old.factors]
                if t is not old and not any(0 < _rank(kind(e)) < rank for e in made):
                    costs += _has_cost(old, t, signs)
            out[j] = with_value(s, _sum_of(new))
            reads -= count
            if not reads:
                return without_statement(tuple(out), block[k].uid) if costs < 2 else None
        if not steady.isdisjoint(changed_by(s)):
            return None
    return None


def _sum_of(parts: list[Term]) -> n.Expr:
    """Return a sum of terms, times the number that all of them are multiplied by."""
    first, unit = parts[0], Fraction(1)
    alike = all((t.coefficient, t.over) == (first.coefficient, first.over) for t in parts)
    if alike and len(parts) > 1 and abs(first.coefficient) != 1:
        bare = [replace(t, coefficient=unit, over=unit, text=None) for t in parts]
        return from_term(replace(first, factors=(("*", total(bare)[1]),)))
    sign, value = total(parts)
    return simplify_sum(n.Unary("-", value)) if sign < 0 else value


def _in_target(s: n.Assign | n.AugAssign, found: _Scaled) -> bool:
    targets = s.targets if isinstance(s, n.Assign) else (s.target,)
    return any(found.name in names(t) for t in targets)


def _rescaled(t: Term, found: _Scaled) -> Term:
    """Return a product in which the array is read, if one factor of it is linear in the name."""
    said = [k for k, (_, e) in enumerate(t.factors) if found.name in names(e)]
    if len(said) != 1:
        return t
    op, e = t.factors[said[0]]
    if op != "*" or isinstance(e, n.Name) or not _is_linear(e, found.name):
        return t
    inside = ("*", substitute(e, {found.name: n.Name(found.array)}))
    factors = (*t.factors[: said[0]], *found.by.factors, inside, *t.factors[said[0] + 1 :])
    over = found.by.over if t.over == 1 else t.over if found.by.over == 1 else Fraction(1)
    return Term(t.coefficient * found.by.coefficient, factors, None, over)


def _is_linear(e: n.Expr, name: str) -> bool:
    """True for a sum or a product of matrices with an array as one factor, or that turned."""
    if e == n.Name(name):
        return True
    if isinstance(e, n.Attribute):
        return e.attr == "T" and _is_linear(e.value, name)
    if isinstance(e, n.Binary) and e.op == "@":
        parts: tuple[n.Expr, ...] = (e.left, e.right)
    elif isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and e.func.attr in CONTRACTIONS:
        parts = (*e.args, *(k.value for k in e.keywords))
    else:
        return False
    within = [x for x in parts if name in names(x)]
    return len(within) == 1 and _is_linear(within[0], name)


def _has_cost(old: Term, new: Term, signs: bool) -> bool:
    """True for a product that has come to be multiplied by a number: another pass.

    signs: whether a sign costs nothing, as in a sum.
    """
    number = len(new.factors) > len(old.factors) or abs(new.coefficient) != 1
    before = abs(old.coefficient) != 1
    return (number or (new.coefficient < 0 and not signs)) and not before
