"""What the reverse of a statement adds to each adjoint, as statements.

Takes the contributions of a pullback, gives statements of the reverse sweep: `x_bar += d`, or
`x_bar = d` where the statement gave x its value; requires `ir`, `analysis`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from s2s_ad.analysis.useful import stored_roots
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, Number
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import target_names
from s2s_ad.transform.complements import complemented
from s2s_ad.transform.context import Context, Diff
from s2s_ad.transform.counting import Counter
from s2s_ad.transform.following import object_of
from s2s_ad.transform.pullback import Pullback
from s2s_ad.transform.untaken import cut_off, only_on_sides, under_roots


class Algebra(Protocol):
    """The part of `simplify.algebra` that adjoints are written with."""

    def product(self, expr: n.Expr) -> n.Expr: ...
    def splice(self, template: n.Expr, hole: n.Expr, value: n.Expr) -> n.Expr: ...
    def total(self, parts: Sequence[Any], common: n.Expr | None = None) -> tuple[int, n.Expr]: ...
    def terms(self, expr: n.Expr, sign: int = 1) -> list[Any]: ...
    def merge(self, parts: Sequence[Any]) -> list[Any]: ...


@dataclass
class Sweeps:
    """The two sweeps of a block: the forward parts, and the reverse parts backwards."""

    forward: list[n.Stmt] = field(default_factory=list)
    reverse: list[n.Stmt] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """branches: uids of `if`s whose choice is recorded. exits: uids of `if`s with a `break` of
    which the step of the loop is reversed like any other. unread: uids of stores whose reverse does
    not read what they have stored, since it is not there any more."""

    branches: frozenset[int] = frozenset()
    exits: frozenset[int] = frozenset()
    unread: frozenset[int] = frozenset()


class Contributions:
    """The adjoints of one function: which there are, and how contributions reach them."""

    def __init__(
        self,
        context: Context,
        useful: dict[int, frozenset[str]],
        algebra: Algebra,
        options: Options,
        barred: frozenset[str],
    ) -> None:
        self.context = context
        self.facts = context.facts
        self.useful = useful
        self.algebra = algebra
        self.options = options
        self.barred = barred
        self.stacks: dict[str, str] = {}
        self.temporaries: set[str] = set()
        # of those that are arrays, as far as it is known
        self.temporary_kinds: dict[str, Kind] = {}
        self.requests: list[tuple[int, n.Expr]] = []
        self.choices: set[str] = set()
        self.callees: list[n.Expr] = []
        self.depth = 0
        self.counters: dict[int, Counter] | None = None
        self.silent: set[int] = set()
        self.leaving: set[int] = set()
        # what loops only add to, by statement, and adjoints to be summed down behind the loop
        self.growing: dict[int, str] = {}
        self.deferred: set[str] = set()
        self.flags: dict[str, Kind] = {}
        # of each `try`, the flag that it may have to set, and what of its body can be seen
        self.attempts: dict[int, tuple[n.Name, Mapping[int, bool]]] = {}
        # places whose reverse reads what has been stored there, by the uid of the store
        self.by_results: dict[int, n.Expr] = {}
        self.under_roots = under_roots(context.function.body, partial(object_of, context))
        self.cut_off = cut_off(context.function.body, partial(object_of, context))
        self.on_sides = only_on_sides(context.function.body, partial(object_of, context))

    def bar(self, name: str) -> n.Name:
        return n.Name(self.context.mark(name, "bar"))

    def is_active(self, s: n.Stmt) -> bool:
        wanted = self.useful.get(s.uid, frozenset())
        if isinstance(s, n.Assign):
            written = frozenset().union(*(target_names(t) for t in s.targets))
            return bool(written & wanted) and self.facts.varied(s.value, s.uid)
        if isinstance(s, n.AugAssign):
            return bool(target_names(s.target) & wanted) and self.facts.varied(
                n.Binary(s.op, s.target, s.value), s.uid
            )
        if isinstance(s, n.Append):
            return s.stack in wanted and self.facts.varied_after(s.stack, s.uid)
        if isinstance(s, n.Pop):
            return bool(target_names(s.target) & wanted)
        return False

    def stores_active(self, s: n.Stmt) -> bool:
        """True for a store of a value with an adjoint."""
        if not isinstance(s, (n.Assign, n.AugAssign)):
            return False
        targets = s.targets if isinstance(s, n.Assign) else (s.target,)
        wanted = self.useful.get(s.uid, frozenset())
        roots = {root for t in targets for root in stored_roots(t)}
        return bool(roots & wanted) and self.facts.varied(s.value, s.uid)

    def cleared(self, written: set[str] | frozenset[str]) -> list[n.Stmt]:
        """Return statements that clear the adjoints of variables whose value is overwritten.

        Nothing was overwritten by an exit that assigns what is returned: no other exit was taken.
        """
        overwritten = (written & self.barred) - {self.context.exit_value}
        return [n.Assign((self.bar(x),), ZERO) for x in sorted(overwritten)]

    def kind_after(self, name: str, s: n.Stmt) -> Kind:
        return self.facts.after.get(s.uid, {}).get(name, PASSIVE).kind

    def varied_somewhere(self, name: str) -> bool:
        return any(env.get(name, PASSIVE).varied for env in self.facts.after.values())

    def pullback(self, s: n.Stmt) -> Pullback:
        pull = Pullback(self.context, s, self.algebra.product, self.algebra.splice)
        pull.growing = self.growing.get(s.uid, "")
        pull.on_sides = self.on_sides
        pull.steep = sole_target(s) in self.under_roots
        pull.cut_off = self.cut_off
        pull.blank = sole_target(s) in self.on_sides
        return pull

    def contributions(
        self, pull: Pullback, targets: tuple[str, ...], seed: n.Expr | None
    ) -> list[n.Stmt]:
        """Return the reverse part of an assignment to `targets` from its contributions."""
        out: list[n.Stmt] = list(pull.before)
        self.deferred |= {pull.growing} if pull.deferred else set()
        self.temporaries |= {
            x for b in pull.before if isinstance(b, n.Assign) for x in target_names(b.targets[0])
        }
        self.temporary_kinds.update(pull.bar_kinds)
        own: dict[str, list[Any]] = {}
        spread: dict[str, Callable[[n.Expr], n.Expr]] = {}
        for place, values in pull.places.items():
            if not values or (root_of(place) or "") not in self.barred:
                continue
            values = self.structured(pull, place, values)
            terms = [self.complemented(pull, t) for v in values for t in self.algebra.terms(v.expr)]
            if isinstance(place, n.Name) and place.id in targets:
                own[place.id] = terms
                spread[place.id] = partial(pull.full_total, place, parts=values)
                continue
            sign, total = self.algebra.total(terms, self.factor(pull, terms, seed))
            if total == ZERO:
                continue
            total = pull.full_total(place, total, values)
            op = "-" if sign < 0 else "+"
            comments = n.NO_COMMENTS
            if isinstance(place, n.Name) and place.id in pull.summed:
                comments = n.Comments(trailing=f"# {place.id} is a scalar")
            out.append(n.AugAssign(pull.bar_place(place), op, total, comments=comments))
        out.extend(pull.scattered)
        every = [t for terms in own.values() for t in terms]
        return [*out, *self.own_adjoints(own, targets, self.factor(pull, every, seed), spread)]

    def complemented(self, pull: Pullback, t: Any) -> Any:
        """Return a term in which what a quotient leaves of one is written with the quotient."""
        if not any(op == "/" for op, _ in t.factors):
            return t
        target = sole_target(pull.s)
        own: dict[str, n.Expr] = {}
        if target is not None and isinstance(pull.s, n.Assign):
            own = {target: pull.s.value} if target not in self.context.reads(pull.s.value) else {}

        def definition(name: str) -> n.Expr | None:
            return own.get(name) or self.context.transparent.get(name)

        factors = complemented(t.factors, definition)
        return t if factors == t.factors else replace(t, factors=factors)

    def factor(self, pull: Pullback, terms: list[Any], seed: n.Expr | None) -> n.Expr | None:
        """Return the differential that may be factored out of a sum of terms.

        What is left is added up as it is: the sum of two masks is their disjunction, that of two
        arrays of small integers overflows. One of each two must certainly be a float.
        """
        own = (self.context.differentials, self.temporaries)

        def is_float(e: n.Expr) -> bool:
            if isinstance(e, n.Name) and any(e.id in names_ for names_ in own):
                return True
            known = self.context.transparent.get(e.id, e) if isinstance(e, n.Name) else e
            kind = pull.value(known).kind
            if isinstance(kind, Number):
                return kind.type in ("float", "int")
            return isinstance(kind, Array) and kind.dtype == "float"

        def is_safe(t: Any) -> bool:
            rest = list(t.factors)
            if ("*", seed) in rest:
                rest.remove(("*", seed))
            whole = t.coefficient in (1, -1) and rest
            return not whole or any(op == "/" or is_float(e) for op, e in rest)

        return seed if sum(not is_safe(t) for t in terms) <= 1 else None

    def structured(self, pull: Pullback, place: n.Expr, values: list[Diff]) -> list[Diff]:
        """Return one contribution for several to what may be a container: `+` would join lists."""
        kind = pull.value(place).kind
        entrywise = [isinstance(v.kind, (Number, Array)) for v in values]
        if len(values) == 1 or (isinstance(kind, (Number, Array)) and all(entrywise)):
            return values
        arrays = [isinstance(v.kind, Array) for v in values]
        if isinstance(kind, Array) and sum(arrays) >= len(values) - 1:
            return values  # an array adds a list of numbers as it adds an array
        total = values[0].expr
        for v in values[1:]:
            total = n.Call(self.context.helper("add"), (total, v.expr))
        return [Diff(total, UNKNOWN)]

    def own_adjoints(
        self,
        own: dict[str, list[Any]],
        targets: tuple[str, ...],
        seed: n.Expr | None,
        spread: dict[str, Callable[[n.Expr], n.Expr]],
    ) -> list[n.Stmt]:
        """Return what becomes of the adjoints of the targets themselves."""
        values: list[tuple[n.Name, n.Expr]] = []
        out: list[n.Stmt] = []
        clear: list[n.Stmt] = []
        for x in dict.fromkeys(targets):
            bar = self.bar(x)
            terms = self.algebra.merge(own.get(x, []))
            if not terms:
                clear.extend(self.cleared({x}))
                continue
            same = next(
                (t for t in terms if t.coefficient == 1 and t.factors == (("*", bar),)), None
            )
            if same is not None and len(targets) == 1:
                rest = [t for t in terms if t is not same]
                if rest:
                    sign, total = self.algebra.total(rest, seed)
                    out.append(n.AugAssign(bar, "-" if sign < 0 else "+", total))
                continue
            sign, total = self.algebra.total(terms, seed)
            values.append((bar, spread[x](n.Unary("-", total) if sign < 0 else total)))
        if len(values) == 1:
            out.append(n.Assign((values[0][0],), self.tidy(values[0][1])))
        elif values:
            bars = n.TupleExpr(tuple(v[0] for v in values))
            out.append(n.Assign((bars,), n.TupleExpr(tuple(self.tidy(v[1]) for v in values))))
        return [*out, *clear]

    def tidy(self, e: n.Expr) -> n.Expr:
        return self.algebra.product(e) if isinstance(e, n.Unary) else e


def root_of(e: n.Expr) -> str | None:
    while isinstance(e, n.Subscript):
        e = e.value
    return e.id if isinstance(e, n.Name) else None
