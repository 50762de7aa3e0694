"""A quotient is divided once: where a variable of the reverse sweep holds it, or under a name.

Takes a block, gives it with quotients read from the variables that have them. Requires `ir`.

    a_bar = d / b                           a_bar = d / b
    b_bar = -d * q / b          →           b_bar = -a_bar * q

    q = a / b  # recomputed
    a_bar = d / b               →           a_bar = d / b
    b_bar = -d * q / b                      b_bar = -a_bar * a / b

    x_bar += d / (a * b) * y                quotient_bar = d / (a * b)
    y_bar += d / (a * b) * x    →           x_bar += quotient_bar * y
                                            y_bar += quotient_bar * x
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, with_blocks
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    blocks,
    inside,
    names,
    stmt_exprs,
    substitute,
    walk_stmts,
)
from s2s_ad.simplify.algebra import Term, from_term, simplify_sum, term, terms, total

Pure = Callable[[n.Expr], bool]
Factor = tuple[str, n.Expr]


@dataclass(frozen=True)
class Dividing:
    """pure: whether an expression has no effect. fresh: a name not in use. number: whether an
    expression certainly gives a number. often: how often one variable has to be divided by another
    to be worth a name: compiled, a division takes as long as ten names."""

    pure: Pure
    fresh: Callable[[str], str]
    number: Callable[[n.Expr], bool]
    often: int = 3


def reuse_quotients(
    block: n.Block, back: frozenset[int], again: frozenset[int], tools: Dividing
) -> tuple[n.Block, frozenset[int]]:
    """Return the block in which statements of the reverse sweep read the quotients there are, and
    the uids of the reverse sweep.

    again: uids of statements that are computed again for the reverse sweep alone.
    """
    every = [e for s in walk_stmts(block) for e in stmt_exprs(s)]
    said = Counter(x.id for e in every for x in inside(e, n.Name))
    once = {x for x, count in said.items() if count == 2}
    run = _Quotients(set(back), again, tools, once)
    block = run.block(block)
    for uid in run.gone:
        block = without_statement(block, uid)
    return block, frozenset(run.back)


@dataclass
class _Quotients:
    """again: what is computed again. once: variables that are bound and read at one place each."""

    back: set[int]
    again: frozenset[int]
    tools: Dividing
    once: set[str]
    gone: list[int] = field(default_factory=list)
    given: dict[int, tuple[str, Term]] = field(default_factory=dict)
    products: dict[int, list[Term]] = field(default_factory=dict)
    dividing: dict[Factor, set[int]] = field(default_factory=dict)
    changes: dict[int, frozenset[str] | None] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)

    def block(self, block: n.Block) -> n.Block:
        held = _Held()
        made_again: dict[str, tuple[int, Term]] = {}
        out: list[n.Stmt] = []
        for s in self.named(block):
            inner = s
            if isinstance(s, n.If):
                branches = tuple(replace(b, body=self.block(b.body)) for b in s.branches)
                inner = replace(s, branches=branches, orelse=self.block(s.orelse))
            elif isinstance(s, (n.For, n.While)):
                inner = replace(s, body=self.block(s.body))
            elif s.uid in self.back and isinstance(s, (n.Assign, n.AugAssign)):
                value = self.read_within(s.value, held, made_again)
                added = isinstance(s, n.AugAssign) or (
                    bool(held.terms) and self.is_number_of_item(s)
                )
                value = _reusing(value, held, added)
                inner = s if value is s.value else with_value(s, value)
            out.append(inner)
            killed = self.killed(s)
            if killed is None:
                held, made_again = _Held(), {}
                continue
            held.without(killed)
            made_again = {
                x: (uid, t) for x, (uid, t) in made_again.items() if not killed & {x, *_names(t)}
            }
            target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
            if s.uid in self.back and isinstance(s, n.Assign) and isinstance(target, n.Name):
                made = term(s.value)
                divided = any(op == "/" for op, _ in made.factors) and len(made.factors) > 1
                if divided and abs(made.coefficient) == 1 and target.id not in _names(made):
                    held.add(target.id, made)
            if s.uid in self.again and isinstance(s, n.Assign) and isinstance(target, n.Name):
                made = term(s.value)
                divided = any(op == "/" for op, _ in made.factors)
                pure = all(self.tools.pure(e) for _, e in made.factors)
                if divided and pure and target.id in self.once and made.coefficient == 1:
                    made_again[target.id] = s.uid, made
        return self.worth_it(tuple(out))

    def read_within(
        self, value: n.Expr, held: _Held, made_again: dict[str, tuple[int, Term]]
    ) -> n.Expr:
        """Return a sum in which a quotient that is computed again for it alone is a part of one
        that is divided anyway."""
        for name in [x for x in made_again if x in names(value)]:
            uid, made = made_again[name]
            parts = terms(value)
            others = [_without_name(t, name, made) for t in parts]
            found = [
                _with_quotient(t, {v: x for v, x in held.parts_of(t).items() if v != name}, True)
                for t in others
            ]
            if [a is b for a, b in zip(parts, others)].count(False) != 1:
                continue
            if all(a is b or b is not c for a, b, c in zip(parts, others, found)):
                self.gone.append(uid)
                held.without({name})  # nothing reads it any more
                new = [a if a is b else c for a, b, c in zip(parts, others, found)]
                return _sum(value, parts, new)
        return value

    def is_number_of_item(self, s: n.Stmt) -> bool:
        """True for a quotient of numbers that an item becomes: no array gets two owners by that."""
        if not isinstance(s, n.Assign):
            return False
        item = len(s.targets) == 1 and isinstance(s.targets[0], n.Subscript)
        divides = isinstance(s.value, n.Binary) and s.value.op == "/"
        return item and divides and self.tools.number(s.value)

    def worth_it(self, block: n.Block) -> n.Block:
        """Return the block without the names that are read just once after all."""
        ours = {self.given[s.uid][0] for s in block if s.uid in self.given}
        every = (e for x in walk_stmts(block) for e in stmt_exprs(x) if names(e) & ours)
        uses = Counter(e.id for whole in every for e in inside(whole, n.Name))
        out: list[n.Stmt | None] = list(block)
        readers: dict[str, set[int]] = {name: set() for name in ours}
        for k, s in enumerate(block if ours else ()):
            if isinstance(s, (n.Assign, n.AugAssign)):
                for x in names(s.value) & ours:
                    readers[x].add(k)
        for k, s in enumerate(block if ours else ()):
            name, made = self.given.get(s.uid, ("", None))
            if made is not None and uses[name] < 3:  # its own assignment is one
                _written_out(out, k, readers[name], name, made)
                for _, factor in made.factors:
                    for x in names(factor):
                        uses[x] += uses[name] - 2
                        readers.get(x, set()).update(readers[name])
        return tuple(s for s in out if s is not None)

    def killed(self, s: n.Stmt) -> frozenset[str] | None:
        """Return the variables that a statement changes, None where it may be any."""
        if s.uid not in self.changes:
            simple = not blocks(s) and all(map(self.tools.pure, stmt_exprs(s)))
            self.changes[s.uid] = changed_by(s) if simple else None
        return self.changes[s.uid]

    def note(self, s: n.Stmt) -> None:
        """Remember the products of a statement of the reverse sweep, by their factors."""
        if s.uid in self.back and isinstance(s, (n.Assign, n.AugAssign)):
            self.products[s.uid] = _terms(s.value)
            for t in self.products[s.uid]:
                for factor in t.factors:
                    self.dividing.setdefault(factor, set()).add(s.uid)

    def named(self, block: n.Block) -> n.Block:
        """Return the block with names for the quotients that its statements divide several times.

        Statements follow each other with nothing in between that changes a part of the quotient.
        """
        out = list(block)
        self.at, self.products, self.dividing = {}, {}, {}
        self.order = [s.uid for s in out]
        for s in out:
            self.note(s)
        tried: set[tuple[tuple[str, n.Expr], ...]] = set()
        k = 0
        while k < len(out):
            for made in self.candidates(out[k]):
                if made.factors in tried:
                    continue
                tried.add(made.factors)
                where = self.places(out, made)
                if where is None:
                    continue
                first = out[where]
                adjoint = any("_bar" in x for x in _names(made))
                name = n.Name(self.tools.fresh("quotient_bar" if adjoint else "ratio"))
                new = n.Assign((name,), from_term(made), origin=first.origin, of=first.of)
                self.back.add(new.uid)
                self.given[new.uid] = name.id, made
                before = first.comments.before
                if before:
                    new = replace(new, comments=replace(n.NO_COMMENTS, before=before))
                    out[where] = replace(first, comments=replace(first.comments, before=()))
                self.note(new)
                out.insert(where, new)
                self.order.insert(where, new.uid)
                self.at = {}
                k = where - 1
                break
            k += 1
        return tuple(out)

    def candidates(self, s: n.Stmt) -> list[Term]:
        """Return a variable over what it is divided by, of each product in a statement."""
        if s.uid not in self.back or not isinstance(s, (n.Assign, n.AugAssign)):
            return []
        found = []
        for t in self.products[s.uid]:
            above = next((f for f in t.factors if f[0] == "*" and isinstance(f[1], n.Name)), None)
            below = [f for f in t.factors if f[0] == "/" and not isinstance(f[1], n.Const)]
            if above is not None and below and all(self.tools.pure(e) for _, e in t.factors):
                found.append(Term(Fraction(1), (above, *below)))
                if len(below) > 1:
                    found.append(Term(Fraction(1), (above, below[0])))
        return found

    def places(self, out: list[n.Stmt], made: Term) -> int | None:
        """Return the first of the statements that divide so, where a name is worth it."""
        parts = _names(made)
        first, count = -1, 0
        single = isinstance(made.factors[1][1], n.Name) and len(made.factors) == 2
        least = self.tools.often if single else 2
        held = {"": made}
        dividing = set.intersection(*(self.dividing[factor] for factor in made.factors))
        if sum(len(self.products[uid]) for uid in dividing) < least:
            return None
        if not self.at:
            self.at = dict(zip(self.order, itertools.count()))
        where = [self.at[uid] for uid in dividing]
        for k in range(min(where), max(where) + 1):
            s = out[k]
            if s.uid in dividing and isinstance(s, (n.Assign, n.AugAssign)):
                every = self.products[s.uid]
                matches = sum(_with_quotient(t, held, True) is not t for t in every)
                whole = isinstance(s, n.Assign) and isinstance(s.targets[0], n.Name)
                here = term(s.value) if whole else None
                if here is not None and here.factors == made.factors and abs(here.coefficient) == 1:
                    return None  # it has a name
                first = k if matches and not count else first
                count += matches
                if count >= least:
                    return first
            killed = self.killed(s)
            if killed is None or killed & parts:
                count = 0
        return None


def without_statement(block: n.Block, uid: int) -> n.Block:
    """Return the block without a statement, whose comment stands over the next one."""
    out: list[n.Stmt] = []
    before: tuple[str, ...] = ()
    for s in block:
        if s.uid == uid:
            before = s.comments.before
            continue
        s = with_blocks(s, lambda inner: without_statement(inner, uid))
        if before:
            s = replace(s, comments=replace(s.comments, before=(*before, *s.comments.before)))
            before = ()
        out.append(s)
    return tuple(out)


def _written_out(
    out: list[n.Stmt | None], k: int, readers: Iterable[int], name: str, made: Term
) -> None:
    """Put a product in the place of the name that statement `k` gives it, which goes."""
    gone, out[k] = out[k], None
    behind = next((j for j in range(k + 1, len(out)) if out[j] is not None), None)
    follows = out[behind] if behind is not None else None
    if gone is not None and gone.comments.before and behind is not None and follows is not None:
        before = (*gone.comments.before, *follows.comments.before)
        out[behind] = replace(follows, comments=replace(follows.comments, before=before))
    for j in sorted(readers):
        s = out[j]
        if isinstance(s, (n.Assign, n.AugAssign)):
            parts = terms(s.value)
            value = _sum(s.value, parts, [_without_name(t, name, made) for t in parts])
            out[j] = replace(s, value=substitute(value, {name: from_term(made)}))


def _terms(e: n.Expr) -> list[Term]:
    return terms(e) if isinstance(e, (n.Binary, n.Unary)) else []


def _names(t: Term) -> set[str]:
    return {x for _, factor in t.factors for x in names(factor)}


class _Held:
    """Variables that hold quotients, found by what these are made of."""

    def __init__(self) -> None:
        self.terms: dict[str, Term] = {}
        self.numbers: dict[str, int] = {}
        self.count = 0
        self.of: dict[str, set[str]] = {}
        self.by_factor: dict[Factor, dict[str, None]] = {}

    def add(self, name: str, made: Term) -> None:
        self.without({name})
        self.terms[name] = made
        self.numbers[name] = self.count = self.count + 1
        for x in (name, *_names(made)):
            self.of.setdefault(x, set()).add(name)
        self.by_factor.setdefault(made.factors[0], {})[name] = None

    def without(self, killed: Iterable[str]) -> None:
        for x in killed:
            for name in self.of.pop(x, ()):
                made = self.terms.pop(name, None)
                if made is not None:
                    del self.by_factor[made.factors[0]][name]

    def parts_of(self, t: Term) -> dict[str, Term]:
        """Return the quotients that may be in a product, in the order they were made."""
        names_ = [v for factor in dict.fromkeys(t.factors) for v in self.by_factor.get(factor, ())]
        names_.sort(key=self.numbers.__getitem__)
        return {v: self.terms[v] for v in names_}


def _reusing(value: n.Expr, held: _Held, added: bool) -> n.Expr:
    """Return a sum of products with the quotients in it read from their variables.

    added: whether it may be a variable as it is: it is added to something, or a number.
    """
    if not held.terms or not isinstance(value, (n.Binary, n.Unary)):
        return value
    parts = terms(value)
    alone = added or len(parts) > 1
    return _sum(value, parts, [_with_quotient(t, held.parts_of(t), alone) for t in parts])


def _sum(value: n.Expr, parts: list[Term], new: list[Term]) -> n.Expr:
    """Return a sum of terms for the value that had other ones; the value if they are the same."""
    if all(a is b for a, b in zip(parts, new)):
        return value
    sign, expr = total(new)
    return simplify_sum(n.Unary("-", expr)) if sign < 0 else expr


def with_value(s: n.Assign | n.AugAssign, value: n.Expr) -> n.Assign | n.AugAssign:
    """Return a statement with another value; a sum of negative terms is taken off."""
    if isinstance(s, n.AugAssign) and s.op in ("+", "-"):
        sign, positive = total(terms(value))
        if sign < 0:
            return replace(s, op="-" if s.op == "+" else "+", value=positive)
    return replace(s, value=value)


def _without_name(t: Term, name: str, made: Term) -> Term:
    factor = ("*", n.Name(name))
    if factor not in t.factors:
        return t
    at = t.factors.index(factor)
    return replace(t, factors=(*t.factors[:at], *made.factors, *t.factors[at + 1 :]))


def _with_quotient(t: Term, held: dict[str, Term], alone: bool) -> Term:
    for v, made in held.items():
        left = Counter(t.factors)
        left.subtract(Counter(made.factors))
        same = sum(left.values()) == 0 and t.coefficient == made.coefficient
        if min(left.values()) < 0 or (same and not alone):
            continue
        first = next(k for k, factor in enumerate(t.factors) if factor in made.factors)
        rest: list[tuple[str, n.Expr]] = []
        gone = Counter(made.factors)
        for k, factor in enumerate(t.factors):
            if k == first:
                rest.append(("*", n.Name(v)))
            if gone[factor]:
                gone[factor] -= 1
            else:
                rest.append(factor)
        return replace(t, coefficient=t.coefficient * made.coefficient, factors=tuple(rest))
    return t
