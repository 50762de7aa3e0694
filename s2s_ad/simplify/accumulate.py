"""Adjoints that are zero are not written down: the first contribution becomes an assignment.

Takes the statements of a reverse sweep as the adjoint transformation leaves them (every adjoint
conceptually zero at the start, cleared with `x_bar = 0.0`, only ever added to), gives the same
sweep in which zero adjoints are neither stored nor used. Requires `ir`.

    x_bar = 0.0                     y_bar = z_bar * x
    y_bar = 0.0             →       x_bar = z_bar * y
    y_bar += z_bar * x
    x_bar += z_bar * y

A sweep is linear in its adjoints: a statement that reads only zero ones contributes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_expr, names, stmt_exprs, target_names
from s2s_ad.simplify.algebra import simplify_sum, terms

Names = frozenset[str]


@dataclass(frozen=True)
class Place:
    """Where in the primal a zero belongs: behind the statement `of`, or in front of it."""

    of: int | None
    behind: bool = True


@dataclass(frozen=True)
class Bars:
    """The adjoint variables of a sweep. zero: how a zero of each is written at a `Place`.

    eager: those that are zeroed as they stand, with no attempt to do without. add: the function
    that adds two of which nothing is known.
    """

    names: Names
    zero: Callable[[str, Place], n.Expr]
    order: tuple[str, ...] = ()
    eager: Names = frozenset()
    add: n.Expr | None = None

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Return names in the order in which they are to be written down."""
        rank = {name: k for k, name in enumerate(self.order)}
        return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))


def accumulate(block: n.Block, zero: Names, bars: Bars) -> tuple[n.Block, Names]:
    """Return the sweep without zero adjoints, and those that are zero at its end."""
    out, at_end = _Accumulate(bars).block(block, set(zero))
    return tuple(out), frozenset(at_end)


class _Accumulate:
    def __init__(self, bars: Bars) -> None:
        self.bars = bars

    def reads(self, *exprs: n.Expr) -> set[str]:
        found: set[str] = set()
        for e in exprs:
            found |= names(e)
        return found & self.bars.names

    def init(self, name: str, of: int | None, behind: bool = True) -> n.Stmt:
        return n.Assign((n.Name(name),), self.bars.zero(name, Place(of, behind)), of=of)

    def block(self, block: n.Block, zero: set[str]) -> tuple[list[n.Stmt], set[str]]:
        out: list[n.Stmt] = []
        zero = set(zero)
        for s in block:
            self.statement(s, zero, out)
        return out, zero

    def statement(self, s: n.Stmt, zero: set[str], out: list[n.Stmt]) -> None:
        if isinstance(s, n.If):
            self.branch(s, zero, out)
        elif isinstance(s, (n.For, n.While)):
            self.loop(s, zero, out)
        elif isinstance(s, n.With):
            body, at_end = self.block(s.body, zero)
            zero &= at_end
            zero.clear()
            zero |= at_end
            if body:
                out.append(replace(s, body=tuple(body)))
        elif isinstance(s, n.Assign):
            self.assign(s, zero, out)
        elif isinstance(s, n.AugAssign):
            self.add(s, zero, out)
        else:
            self.other(s, zero, out)

    def need(self, wanted: set[str], zero: set[str], out: list[n.Stmt], of: int | None) -> None:
        """Write down the zeros of adjoints that a statement cannot do without."""
        for name in self.bars.sorted(wanted & zero):
            out.append(self.init(name, of))
            zero.discard(name)

    def without_zeros(self, e: n.Expr, zero: set[str]) -> n.Expr | None:
        """Return `e` without the terms that are zero, None when nothing is left."""
        read = self.reads(e)
        if not read & zero:
            return e
        if read <= zero:
            return None
        if isinstance(e, n.Call) and e.func == self.bars.add:
            left, right = (self.without_zeros(x, zero) for x in e.args)
            if left is not None and right is not None:
                return replace(e, args=(left, right))
            return right if left is None else left
        kept: n.Expr | None = None
        for t in terms(e):
            parts = self.reads(*(f for _, f in t.factors))
            if parts and parts <= zero:
                continue
            part = _term_expr(t)
            kept = part if kept is None else n.Binary("+", kept, part)
        return None if kept is None else simplify_sum(kept)

    def without_items(self, e: n.Expr, zero: set[str], of: int | None) -> n.Expr:
        """Return `e` with 0.0 for the items of a zero that is written as a number."""
        read = self.reads(e) & zero
        numbers = {name for name in read if self.bars.zero(name, Place(of)) == ZERO}

        def number(x: n.Expr) -> n.Expr:
            if not isinstance(x, n.Subscript):
                return x
            item = isinstance(x.value, n.Name) and x.value.id in numbers
            return ZERO if item or x.value == ZERO else x

        return map_expr(e, number) if numbers else e

    def assign(self, s: n.Assign, zero: set[str], out: list[n.Stmt]) -> None:
        target = s.targets[0]
        if isinstance(target, n.Name) and target.id in self.bars.names:
            value = None if s.value == ZERO else self.without_zeros(s.value, zero)
            if value is None and target.id in self.bars.eager:
                value = ZERO
            if value is None:
                zero.add(target.id)
                return
            value = self.without_items(value, zero, s.of)
            self.need(self.reads(value), zero, out, s.of)
            out.append(replace(s, value=value))
            zero.discard(target.id)
            return
        bound = set(target_names(target)) & self.bars.names
        if bound and isinstance(target, n.TupleExpr) and isinstance(s.value, n.TupleExpr):
            read = self.reads(s.value)
            if read <= zero and read:
                zero |= bound
                return
        elif bound:
            read = self.reads(s.value)
            if read and read <= zero:
                zero |= bound
                return
        roots = _roots(target) & self.bars.names
        read = self.reads(s.value) - roots
        if roots and read and read <= zero:
            return
        value = self.without_items(s.value, zero, s.of)
        self.need(self.reads(value) | roots, zero, out, s.of)
        out.append(s if value is s.value else replace(s, value=value))
        zero -= bound

    def add(self, s: n.AugAssign, zero: set[str], out: list[n.Stmt]) -> None:
        target = s.target
        if not (_roots(target) | set(target_names(target))) & self.bars.names:
            out.append(s)
            return
        value = self.without_zeros(s.value, zero)
        if value is None:
            return
        value = self.without_items(value, zero, s.of)
        self.need(self.reads(value), zero, out, s.of)
        if isinstance(target, n.Name):
            if target.id in zero:
                zero.discard(target.id)
                if s.op == "-":
                    value = self.negated(target.id, value, s.of)
                out.append(n.Assign((target,), value, of=s.of, comments=s.comments))
                return
            value = self.not_spread(target.id, value, s.of)
        else:
            self.need(_roots(target) & self.bars.names, zero, out, s.of)
        out.append(replace(s, value=value))

    def negated(self, name: str, value: n.Expr, of: int | None) -> n.Expr:
        """Return `-value`, `np.zeros_like(x) - d` for what is spread out to the shape of x."""
        like = self.bars.zero(name, Place(of))
        spread = isinstance(value, n.Binary) and value.op == "+" and isinstance(like, n.Call)
        if spread and isinstance(value, n.Binary) and value.right == like:
            return n.Binary("-", like, value.left)
        return simplify_sum(n.Unary("-", value))

    def not_spread(self, name: str, value: n.Expr, of: int | None) -> n.Expr:
        """Return what is added to an adjoint without being spread out: NumPy does that as well.

        x_bar += d + np.zeros_like(x)       →       x_bar += d
        """
        like = self.bars.zero(name, Place(of))
        if not isinstance(like, n.Call) or not isinstance(like.func, n.Attribute):
            return value
        if isinstance(value, n.Binary) and value.op == "+" and value.right == like:
            return value.left
        full = n.Attribute(like.func.value, "full_like")
        if isinstance(value, n.Call) and value.func == full and value.args[:1] == like.args:
            return value.args[1]
        return value

    def other(self, s: n.Stmt, zero: set[str], out: list[n.Stmt]) -> None:
        if isinstance(s, n.Pop):
            bound = set(target_names(s.target)) & self.bars.names
            if s.stack in zero:
                zero |= bound
                return
            zero -= bound
            out.append(s)
            return
        if isinstance(s, n.Append) and s.stack in self.bars.names:
            value = self.without_zeros(s.value, zero)
            if s.stack in zero and (value is None or value == ZERO):
                return
            self.need({s.stack}, zero, out, s.of)
            if value is None:
                bar = s.value.id if isinstance(s.value, n.Name) else ""
                value = self.bars.zero(bar, Place(s.of)) if bar in self.bars.names else ZERO
            self.need(self.reads(value), zero, out, s.of)
            out.append(replace(s, value=value))
            return
        read = self.reads(*stmt_exprs(s))
        if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call):
            # np.add.at(x_bar, index, d): x_bar is changed, the others are what is added
            args = s.value.args
            if args and self.reads(args[0]):
                added = self.reads(*args[1:])
                if added and added <= zero:
                    return
        self.need(read, zero, out, s.of)
        out.append(s)

    def branch(self, s: n.If, zero: set[str], out: list[n.Stmt]) -> None:
        bodies = [*(b.body for b in s.branches), s.orelse]
        start = set(zero)
        while True:
            results = [self.block(body, start) for body in bodies]
            common = set.intersection(*(z for _, z in results))
            late = {v for v in start if v not in common and any(v in z for _, z in results)}
            if not late:
                break
            start -= late
        for name in self.bars.sorted(zero - start):
            out.append(self.init(name, s.of))
        done: list[n.Block] = []
        for statements, z in results:
            for name in self.bars.sorted((z - start) - common):
                statements.append(self.init(name, s.of, False))
            done.append(tuple(statements))
        zero.clear()
        zero |= common
        branches = tuple(replace(b, body=body) for b, body in zip(s.branches, done))
        if any(done):
            out.append(replace(s, branches=branches, orelse=done[-1]))

    def loop(self, s: n.For | n.While, zero: set[str], out: list[n.Stmt]) -> None:
        start = set(zero)
        while True:
            statements, end = self.block(s.body, start)
            late = start - end
            if not late:
                break
            start -= late
        for name in self.bars.sorted(end - start):
            # not zero when the loop starts: it is only if the loop runs
            statements.append(self.init(name, s.of, False))
        for name in self.bars.sorted(zero - start):
            out.append(self.init(name, s.of))
        zero.clear()
        zero |= start
        if statements:
            out.append(replace(s, body=tuple(statements)))


def _roots(target: n.Expr) -> set[str]:
    """Return the variable at the root of a stored element."""
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        return set().union(*(_roots(t) for t in target.items))
    if isinstance(target, n.Subscript):
        while isinstance(target, n.Subscript):
            target = target.value
        return {target.id} if isinstance(target, n.Name) else set()
    return set()


def _term_expr(t: object) -> n.Expr:
    from s2s_ad.simplify.algebra import Term, from_term

    assert isinstance(t, Term)
    return from_term(t)
