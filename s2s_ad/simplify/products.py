"""Products that terms of a reversed step have in common are multiplied once.

Takes the body of a generated function, gives it with names for them; requires `ir`.

    h_bar += 0.5 * y_bar * y * pull           product_bar = 0.5 * y_bar * y
    pull_bar = 0.5 * y_bar * y * h      →     h_bar += product_bar * pull
    y_bar += 0.5 * y_bar * h * pull           pull_bar = product_bar * h
                                              y_bar += 0.5 * y_bar * h * pull

Of numbers, in the reverse of loops: elsewhere a line more is worth more than two multiplications.
"""

from __future__ import annotations

import math
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import TypeGuard

from s2s_ad.analysis.bound import definitely
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import from_outside, mentioned, sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, inside, map_block, map_expr, names, subexprs, walk_stmts
from s2s_ad.simplify.algebra import Term, from_term, simplify_sum, terms, total
from s2s_ad.simplify.gathered import gathered
from s2s_ad.simplify.share import CALL, CHEAP, NUMBERS, Sharing, kills_of

SAVED = 2  # multiplications that a name must save
SAVED_AT_EACH_STEP = 3  # operations, of one in front of a loop
SAID = {Fraction(1, 2): "half", Fraction(1, 3): "third", Fraction(1, 6): "sixth", 2: "twice"}
MANY = 150  # terms of a block that is left as it is
MATH = n.Name("math")
_VALUE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}

Parts = frozenset[tuple[object, int]]


def shared_products(
    body: n.Block, back: frozenset[int], sharing: Sharing, params: set[str], unsure: set[str]
) -> tuple[n.Block, frozenset[int]]:
    """Return the body with names for products, and the uids of the reverse sweep.

    params: variables that are bound from the start. unsure: those that may have no value when the
    reverse sweep begins, or be None for that.
    """
    is_number, known = numbers_of(body, sharing.number)
    bound = definitely(body, set(mentioned(body) - assigned(body)) | params).before
    run = _Products(set(back), sharing, is_number, known, bound, unsure)
    return run.block(body, False), frozenset(run.back)


def named_in_front(body: n.Block, back: frozenset[int]) -> n.Block:
    """Return the body in which the steps of a reversed loop read the products that have names in
    front of it, wherever they are the whole of a part of an expression."""

    def read(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            if isinstance(s, n.For) and s.uid in back:
                changed = assigned((s,))
                for x in reversed(out):
                    name = sole_target(x)
                    if x.uid not in back or name is None or not isinstance(x, n.Assign):
                        break
                    plain = isinstance(x.value, n.Binary) and _is_level(x.value, changed)
                    if plain and name not in changed and name not in names(x.value):
                        reading = _standing_for(x.value, n.Name(name), set(back))
                        s = replace(s, body=map_block(s.body, reading))
                    changed = changed | {name}
            out.append(s)
        return tuple(out)

    return from_outside(body, read)


def numbers_of(
    body: n.Block, number: Callable[[str], bool]
) -> tuple[Callable[[n.Expr], bool], set[str]]:
    """Return whether an expression certainly is a number, and the variables made of numbers."""
    made: dict[str, list[n.Expr | None]] = defaultdict(list)
    for s in walk_stmts(body):
        for target in s.targets if isinstance(s, n.Assign) else ():
            alone = isinstance(target, n.Name)
            for name in names(target) if alone or isinstance(target, n.TupleExpr) else ():
                made[name].append(s.value if isinstance(s, n.Assign) and alone else None)
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
            made[s.target.id].append(s.value)
        if isinstance(s, n.For):
            for name in names(s.target):
                made[name].append(None)
        if isinstance(s, n.Pop):
            for name in names(s.target):
                made[name].append(None)
    known: set[str] = set()

    def is_number(e: n.Expr) -> bool:
        return _is_number(e, lambda name: name in known or number(name))

    changed = True
    while changed:
        changed = False
        for name, values in made.items():
            if name not in known and all(v is not None and is_number(v) for v in values):
                known.add(name)
                changed = True
    return is_number, known


def _is_number(e: n.Expr, named: Callable[[str], bool]) -> bool:
    """True for arithmetic on numbers. named: whether a variable is one."""
    if isinstance(e, n.Name):
        return named(e.id)
    if isinstance(e, n.Const):
        return isinstance(e.value, (int, float))
    if isinstance(e, n.Unary):
        return e.op != "not" and _is_number(e.operand, named)
    if isinstance(e, n.Binary):
        return e.op != "@" and _is_number(e.left, named) and _is_number(e.right, named)
    if isinstance(e, n.IfExp):
        return _is_number(e.body, named) and _is_number(e.orelse, named)
    if isinstance(e, n.Call):
        func = e.func
        if isinstance(func, n.Attribute):
            return func.value == MATH
        known = isinstance(func, n.Name) and func.id in NUMBERS
        return known and all(_is_number(x, named) for x in e.args)
    return isinstance(e, n.Attribute) and e.value == MATH


@dataclass
class _Site:
    """A term of the sum that a statement evaluates: its parts, one for each factor."""

    k: int
    place: int
    term: Term
    parts: Parts


@dataclass
class _Products:
    back: set[int]
    sharing: Sharing
    is_number: Callable[[n.Expr], bool]
    numbers: set[str]
    bound: Mapping[int, AbstractSet[str]]
    unsure: set[str]
    known: dict[n.Expr, bool] = field(default_factory=dict)

    def block(self, block: n.Block, inside: bool) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            if isinstance(s, n.If):
                branches = tuple(replace(b, body=self.block(b.body, inside)) for b in s.branches)
                s = replace(s, branches=branches, orelse=self.block(s.orelse, inside))
            elif isinstance(s, (n.For, n.While)):
                if isinstance(s, n.For) and s.uid in self.back:
                    before, s = self.level(s)
                    out.extend(before)
                s = replace(s, body=self.block(s.body, inside or s.uid in self.back))
            out.append(s)
        if not inside:
            return tuple(out)
        return tuple(self.named(gathered(out, self.back, self.factor, self.sharing.pure)))

    def named(self, block: list[n.Stmt]) -> list[n.Stmt]:
        while True:
            sites = [x for k, s in enumerate(block) for x in self.sites(k, s)]
            if not 1 < len(sites) <= MANY:
                return block
            kills = [kills_of(s, self.back, self.sharing.pure) for s in block]
            best: tuple[int, int, list[_Site], Parts, n.Name | None] | None = None
            for common in dict.fromkeys(a.parts & b.parts for a, b in combinations(sites, 2)):
                work = len(common) - 1 + sum(_inner(part) for part, _ in common)
                if len(common) < 2 or (best and (len(sites) - 1) * work < best[0]):
                    continue
                for run in self.runs(common, sites, kills):
                    held, run = self.holder(block, run, common, kills)
                    saved = (len(run) - 1) * work
                    enough = saved + (held is not None) >= SAVED
                    if enough and (best is None or (saved, -run[0].k) > best[:2]):
                        best = saved, -run[0].k, run, common, held
            if best is None:
                return block
            block = self.replaced(block, *best[2:])

    def level(self, s: n.For) -> tuple[list[n.Stmt], n.For]:
        """Return names for what is the same at each step of a loop, and the loop that reads it."""
        before: list[n.Stmt] = []
        for constant in dict.fromkeys(e for x in walk_stmts(s.body) for e in self.constants(x)):
            name = n.Name(self.sharing.name(self.sharing.called(constant)))
            before.append(self.made(name, constant))
            s = replace(s, body=map_block(s.body, _standing_for(constant, name, self.back)))
        # a loop without a step reads nothing
        read = mentioned(s.body)
        ours = assigned(tuple(before))
        changed = assigned((s,)) | (read - self.bound.get(s.uid, frozenset()) - ours) | self.unsure
        while True:
            inner = [x for x in walk_stmts(s.body) if x.uid in self.back]
            sites = [site for k, x in enumerate(inner) for site in self.sites(k, x, 1)]
            made = self.worth_a_line(sites, changed) if len(sites) <= MANY else None
            if made is None:
                return before, s
            name = n.Name(self.sharing.name(self.called(made)))
            before.append(self.made(name, from_term(made)))
            s = replace(s, body=map_block(s.body, self.reading(made, name)))

    def made(self, name: n.Name, value: n.Expr) -> n.Stmt:
        new = n.Assign((name,), value)
        self.back.add(new.uid)
        self.numbers.add(name.id)
        return new

    def constants(self, s: n.Stmt) -> list[n.Expr]:
        """Return the calls of a statement of the reverse sweep that always give the same."""
        if s.uid not in self.back or not isinstance(s, (n.Assign, n.AugAssign)):
            return []
        calls = [e for e in inside(s.value, n.Call) if _is_constant(e)]
        inner = {x for e in calls for x in subexprs(e) if x is not e}
        return [e for e in calls if e not in inner and self.sharing.pure(e)]

    def worth_a_line(self, sites: list[_Site], changed: set[str]) -> Term | None:
        """Return what is computed most often of what is the same at each step: a product that
        some terms have in common, or a sum that is a factor of them."""
        counts = Counter(x for site in sites if (x := _level_parts(site.parts, changed)))
        saved: dict[Term, int] = {}
        for common in dict.fromkeys(a & b for a in counts for b in counts):
            factors = [part for part, _ in common if _is_factor(part)]
            if len(common) > 1 and factors:
                times = sum(count for x, count in counts.items() if common <= x)
                made = next(_only(x.term, common) for x in sites if common <= x.parts)
                saved[made] = times * (len(common) - 1)
        for site in sites:
            for _, e in site.term.factors:
                if isinstance(e, n.Binary) and e.op in "+-" and _is_level(e, changed):
                    made = Term(Fraction(1), (("*", e),))
                    saved[made] = saved.get(made, 0) + _operations(e)
        best = max(saved, key=lambda x: saved[x], default=None)
        return best if best is not None and saved[best] >= SAVED_AT_EACH_STEP else None

    def reading(self, made: Term, name: n.Name) -> Callable[[n.Stmt], tuple[n.Stmt, ...]]:
        """Return what puts a name for a product, or for a sum, into statements."""
        common = self.parts(made)
        alone = made.factors[0][1] if len(common) == 1 else None

        def swapped(s: n.Stmt) -> tuple[n.Stmt, ...]:
            sites = self.sites(0, s, 1)
            if not sites or not isinstance(s, (n.Assign, n.AugAssign)):
                return (s,)
            new = list(terms(s.value))
            for x in sites:
                if alone is not None:
                    factors = tuple((op, name if e == alone else e) for op, e in x.term.factors)
                    new[x.place] = replace(x.term, factors=factors)
                elif common <= x.parts:
                    new[x.place] = _with_name(x.term, made, name, 1)
            same = all(a == b for a, b in zip(new, terms(s.value)))
            return (s if same else _with_terms(s, new),)

        return swapped

    def called(self, made: Term) -> str:
        """Return the name of a product, as one would say it."""
        plain = [e.id for op, e in made.factors if op == "*" and isinstance(e, n.Name)]
        if len(plain) == len(made.factors) and not any("_bar" in x for x in plain):
            if len(plain) == 1 and made.coefficient in SAID:
                return f"{SAID[made.coefficient]}_{plain[0]}"
            if len(plain) == 2 and made.coefficient == 1 and plain[0] != plain[1]:
                return "_".join(plain)
        return self.sharing.called(from_term(made))

    def sites(self, k: int, s: n.Stmt, least: int = 2) -> list[_Site]:
        """Return the products in a statement of the reverse sweep of which parts may have names."""
        if s.uid not in self.back or not isinstance(s, (n.Assign, n.AugAssign)):
            return []
        if not isinstance(s.value, (n.Binary, n.Unary)) or s.comments.trailing == "# recomputed":
            return []  # what the primal has computed is computed again as it was
        found = []
        for place, t in enumerate(terms(s.value)):
            if len(t.factors) < least or not all(self.factor(e) for _, e in t.factors):
                continue
            found.append(_Site(k, place, t, self.parts(t)))
        return found

    def parts(self, t: Term) -> Parts:
        """Return the factors of a term, equal ones counted, with its number."""
        count: Counter[object] = Counter()
        found: set[tuple[object, int]] = set()
        size = abs(t.coefficient)
        for factor in (*t.factors, *(((size, t.over),) if size != 1 else ())):
            found.add((factor, count[factor]))
            count[factor] += 1
        return frozenset(found)

    def factor(self, e: n.Expr) -> bool:
        """True for a factor that is a number, and the same as long as its names are."""
        if e not in self.known:
            plain = not any(isinstance(x, (n.Subscript, n.Lambda)) for x in subexprs(e))
            self.known[e] = plain and self.is_number(e) and self.sharing.pure(e)
        return self.known[e]

    def runs(
        self, common: Parts, sites: list[_Site], kills: Sequence[tuple[set[str], bool]]
    ) -> list[list[_Site]]:
        """Return the terms that have these parts, those together for which they have one value."""
        factors = [part for part, _ in common if isinstance(part, tuple) and part[0] in ("*", "/")]
        if not any(part[0] == "*" for part in factors):
            return []
        read = {x for part in factors for x in names(part[1])}
        found: list[list[_Site]] = []
        end = -1
        for site in sites:
            if not common <= site.parts:
                continue
            if site.k > end:
                found.append([])
                end = next((k for k in range(site.k, len(kills)) if kills[k][0] & read), len(kills))
            found[-1].append(site)
        return [run for run in found if len(run) > 1]

    def holder(
        self,
        block: list[n.Stmt],
        run: list[_Site],
        common: Parts,
        kills: Sequence[tuple[set[str], bool]],
    ) -> tuple[n.Name | None, list[_Site]]:
        """Return the variable that is given just the common part by the first statement, with the
        terms that it is there for; where there are none, no variable and all terms."""
        first = run[0]
        s = block[first.k]
        if not isinstance(s, n.Assign) or len(s.targets) != 1 or first.parts != common:
            return None, run
        target = s.targets[0]
        if not isinstance(target, n.Name) or target.id in names(s.value):
            return None, run
        later = range(first.k + 1, len(block))
        end = next((k for k in later if target.id in kills[k][0]), len(block))
        left = [x for x in run[1:] if x.k <= end]
        alone = not left or len(terms(s.value)) > 1
        return (None, run) if alone else (target, [first, *left])

    def replaced(
        self, block: list[n.Stmt], run: list[_Site], common: Parts, held: n.Name | None
    ) -> list[n.Stmt]:
        first = run[0]
        made = _only(first.term, common)
        out = list(block)
        sign = -1 if held is not None and first.term.coefficient < 0 else 1
        name = held or n.Name(self.sharing.name(self.called(made)))
        if held is not None:
            run = run[1:]
        for k in sorted({x.k for x in run}):
            places = {x.place for x in run if x.k == k}
            s = out[k]
            assert isinstance(s, (n.Assign, n.AugAssign))
            parts = [
                _with_name(t, made, name, sign) if place in places else t
                for place, t in enumerate(terms(s.value))
            ]
            out[k] = _with_terms(s, parts)
        if held is None:
            s = out[first.k]
            new: n.Stmt = n.Assign((name,), from_term(made), origin=s.origin, of=s.of)
            if s.comments.before:
                new = replace(new, comments=replace(n.NO_COMMENTS, before=s.comments.before))
                out[first.k] = replace(s, comments=replace(s.comments, before=()))
            self.back.add(new.uid)
            out.insert(first.k, new)
        return out


def _is_constant(e: n.Call) -> bool:
    """True for a call of `math` that surely gives a number: `math.log(10.0)`."""
    try:
        value = _worth(e)
    except (TypeError, ValueError, ArithmeticError):
        return False
    return isinstance(value, float) and math.isfinite(value)


def _worth(e: n.Expr) -> float | None:
    """Return the value of an expression of literals and of what `math` holds, None for others."""
    if isinstance(e, n.Const):
        return e.value if isinstance(e.value, (int, float)) else None
    if isinstance(e, n.Attribute):
        found = getattr(math, e.attr, None) if e.value == MATH else None
        return found if isinstance(found, float) else None
    if isinstance(e, n.Unary) and e.op == "-":
        value = _worth(e.operand)
        return None if value is None else -value
    if isinstance(e, n.Binary) and e.op in _VALUE:
        left, right = _worth(e.left), _worth(e.right)
        return None if left is None or right is None else _VALUE[e.op](left, right)
    if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and e.func.value == MATH:
        args = [_worth(x) for x in e.args]
        plain = not e.keywords and None not in args
        return getattr(math, e.func.attr)(*args) if plain else None
    return None


def _standing_for(
    e: n.Expr, name: n.Name, back: set[int]
) -> Callable[[n.Stmt], tuple[n.Stmt, ...]]:
    """Return what puts a name for an expression into statements of the reverse sweep."""

    def swapped(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in back or not isinstance(s, (n.Assign, n.AugAssign)):
            return (s,)
        return (replace(s, value=map_expr(s.value, lambda x: name if x == e else x)),)

    return swapped


def _is_factor(part: object) -> TypeGuard[tuple[str, n.Expr]]:
    return isinstance(part, tuple) and part[0] == "*"


def _level_parts(parts: Parts, changed: set[str]) -> Parts:
    """Return the parts that are the same at each step, and can be multiplied without an error."""
    return frozenset(
        (part, k)
        for part, k in parts
        if isinstance(part, tuple)
        and (isinstance(part[0], Fraction) or (_is_factor(part) and _is_level(part[1], changed)))
    )


def _is_level(e: n.Expr, changed: set[str]) -> bool:
    plain = all(
        isinstance(x, (n.Name, n.Const, n.Unary)) or (isinstance(x, n.Binary) and x.op in "+-*")
        for x in subexprs(e)
    )
    return plain and not names(e) & changed


def _inner(part: object) -> int:
    """Return how many operations a factor is made of."""
    if not isinstance(part, tuple) or part[0] not in ("*", "/"):
        return 0
    calls = inside(part[1], n.Call)
    return _operations(part[1]) + sum(
        1 if isinstance(x.func, n.Name) and x.func.id in CHEAP else CALL for x in calls
    )


def _operations(e: n.Expr) -> int:
    return len(inside(e, n.Binary))


def _only(t: Term, common: Parts) -> Term:
    """Return a term with just these parts, its sign taken off."""
    left = Counter(part for part, _ in common)
    factors = []
    for factor in t.factors:
        if left[factor]:
            left[factor] -= 1
            factors.append(factor)
    size = abs(t.coefficient)
    if (size, t.over) in left:
        return replace(t, coefficient=size, factors=tuple(factors))
    return Term(Fraction(1), tuple(factors))


def _with_name(t: Term, made: Term, name: n.Name, sign: int) -> Term:
    """Return a term in which a name stands for the factors of a product."""
    left = Counter(made.factors)
    factors: list[tuple[str, n.Expr]] = []
    stands = False
    for factor in t.factors:
        if left[factor]:
            left[factor] -= 1
            if not stands and factor[0] == "*":
                stands = True
                factors.append(("*", name))
            continue
        factors.append(factor)
    if made.coefficient != 1:
        return Term(Fraction(sign if t.coefficient > 0 else -sign), tuple(factors))
    return replace(t, coefficient=sign * t.coefficient, factors=tuple(factors))


def _with_terms(s: n.Assign | n.AugAssign, parts: list[Term]) -> n.Stmt:
    sign, expr = total(parts)
    if sign < 0 and isinstance(s, n.AugAssign) and s.op in ("+", "-"):
        return replace(s, op="-" if s.op == "+" else "+", value=expr)
    return replace(s, value=simplify_sum(n.Unary("-", expr)) if sign < 0 else expr)
