"""A quotient that has a name is not taken apart and put together again.

Takes the statements of a function, gives them with the quotient in the place of both its parts;
requires `ir`, `simplify.numbering`. It is what a normalisation leaves, by a sum or by a spread:

    p = e / total                                   p = e / total
    e_bar = (p_bar - np.sum(p_bar * p)) / total  →  x_bar = p * (p_bar - np.sum(p_bar * p))
    x_bar = e * e_bar

    y = (x - mean) / std                            y = (x - mean) / std
    var_bar = -0.5 * np.sum(y_bar * y) / std / std  →
    x_bar += 2.0 * var_bar / n * (x - mean)         x_bar -= np.sum(y_bar * y) / std / n * y
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, read_by, sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    inside,
    map_expr,
    names,
    subexprs,
    substitute,
    walk_stmts,
)
from s2s_ad.simplify.algebra import from_term, simplify_sum, term
from s2s_ad.simplify.numbering import Numbering
from s2s_ad.simplify.quotients import with_value, without_statement

Pure = Callable[[n.Expr], bool]


def known_quotients(body: n.Block, back: frozenset[int], pure: Pure) -> n.Block:
    """Return the body with quotients by name; what is divided must be made for one place.

    back: uids of the statements of the reverse sweep. pure: whether an expression has no effect
    and the same value each time.
    """
    own = (s.value for s in body if isinstance(s, n.Assign) and s.uid not in back)
    if not any(map(_has_parts, own)):
        return body
    return tuple(_Run(body, back, pure).result())


class _Run:
    def __init__(self, body: n.Block, back: frozenset[int], pure: Pure) -> None:
        self.out = list(body)
        self.back = back
        self.pure = pure
        own = (s for s in walk_stmts(body) if s.uid not in back)
        self.primal = frozenset().union(*(mentioned((s,)) for s in own if not any(blocks(s))))
        self.numbers = Numbering(back, pure, self.primal)
        # what variables of the reverse sweep were made of, with the values there were
        self.parts: dict[str, tuple[n.Assign, dict[str, int]]] = {}
        # how often variables are read and bound; counted when asked, and again after a change
        self.counts: tuple[Counter[str], Counter[str]] | None = None

    def result(self) -> list[n.Stmt]:
        k = 0
        while k < len(self.out):
            if self.rewritten(k):
                continue
            k = self.divided(k)
            s = self.out[k]
            self.numbers.follow(s)
            for name in assigned((s,)):
                self.parts.pop(name, None)
            made = sole_target(s) if s.uid in self.back else None
            if made is not None and isinstance(s, n.Assign) and self.pure(s.value):
                read = {x: self.numbers.value(x) for x in (made, *names(s.value))}
                if made not in names(s.value):
                    self.parts[made] = s, read
            k += 1
        return self.out

    # -- both parts in two statements

    def rewritten(self, k: int) -> bool:
        """Put a quotient in the place of its parts in two statements, if they are those of one."""
        if k + 1 == len(self.out):
            return False
        s, t = self.out[k : k + 2]
        if t.uid not in self.back or not isinstance(t, n.Assign):
            return False
        made = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if not isinstance(s, n.Assign) or not isinstance(made, n.Name) or s.uid not in self.back:
            return False
        whole = s.value
        value = t.value
        if not isinstance(whole, n.Binary) or whole.op != "/" or not self.pure(whole):
            return False
        if not self.is_forgotten(made.id, k + 1):
            return False
        if not isinstance(value, n.Binary) or value.op != "*":
            return False
        sides = (value.left, value.right)
        if made not in sides:
            return False
        other = sides[0] if sides[1] == made else sides[1]
        if not isinstance(other, n.Name) or other == made:
            return False
        named = self.numbers.named(n.Binary("/", other, whole.right))
        if named is None or named == made.id:
            return False
        new = replace(t, value=n.Binary("*", n.Name(named), whole.left))
        self.become([*self.out[:k], new, *self.out[k + 2 :]])
        return True

    def is_forgotten(self, name: str, k: int) -> bool:
        """True when nothing behind statement `k` reads the value that a variable has there."""
        if assigned((self.out[k],)) == {name}:
            return True
        for s in self.out[k + 1 :]:
            if any(name in read_by(y) for y in walk_stmts((s,))):
                return False
            if isinstance(s, n.Assign) and n.Name(name) in s.targets:
                return True
            if name in assigned((s,)):
                return False
        return True

    # -- both parts in one product

    def divided(self, k: int) -> int:
        """Put a quotient in the place of its parts in the products of a statement, or of it and one
        whose value it reads alone; return where the statement is then."""
        s = self.out[k]
        if s.uid not in self.back or not isinstance(s, (n.Assign, n.AugAssign)):
            return k
        value = self.whole(s.value)
        if value != s.value:
            self.become([*self.out[:k], with_value(s, value), *self.out[k + 1 :]])
            return k
        for name in sorted(names(value) & self.parts.keys()):
            made, read = self.parts[name]
            steady = all(self.numbers.value(x) == number for x, number in read.items())
            if not steady or not _divides(made.value) or not self.is_read_once(name):
                continue
            together = simplify_sum(substitute(value, {name: made.value}))
            found = self.whole(together)
            if found != together:
                whole = (*self.out[:k], with_value(s, found), *self.out[k + 1 :])
                self.become(list(without_statement(whole, made.uid)))
                return k - 1
        return k

    def whole(self, e: n.Expr) -> n.Expr:
        """Return an expression with quotients in the place of both parts in a product."""
        if not any(x.op == "/" for x in inside(e, n.Binary)):
            return e

        def visit(x: n.Expr) -> n.Expr:
            if not isinstance(x, n.Binary) or x.op not in ("*", "/"):
                return x
            t = term(x)
            places = range(len(t.factors))
            for j in (j for j in places if t.factors[j][0] == "/"):
                below = t.factors[j][1]
                # a variable by itself would be another name of what it holds
                by_name = len(places) > 2 and self.is_divisor(below)
                for i in (i for i in places if t.factors[i][0] == "*"):
                    known = self.known(t.factors[i][1], below, by_name)
                    if known is not None:
                        both = {i: [("*", known)], j: []}
                        new = [x for k in places for x in both.get(k, [t.factors[k]])]
                        return from_term(replace(t, factors=tuple(new)))
            return x

        return map_expr(e, visit)

    def is_divisor(self, e: n.Expr) -> bool:
        """True for what has a value that the primal has divided by."""
        return self.numbers.numbered(e) in self.numbers.divisors

    def known(self, above: n.Expr, below: n.Expr, by_name: bool) -> n.Expr | None:
        """Return a quotient as a variable that has it, or a hyperbolic sine by its cosine as the
        tangent, which is finite where both are not."""
        named = self.numbers.named(n.Binary("/", above, below)) if by_name else None
        if named is not None and named in self.primal:
            return n.Name(named)
        func = above.func if isinstance(above, n.Call) else None
        if (
            not isinstance(above, n.Call)
            or not isinstance(func, n.Attribute)
            or func.attr != "sinh"
        ):
            return None
        cosine = replace(above, func=replace(func, attr="cosh"))
        same = self.numbers.numbered(cosine) == self.numbers.numbered(below)
        return replace(above, func=replace(func, attr="tanh")) if same else None

    def is_read_once(self, name: str) -> bool:
        """True when a variable of the reverse sweep is bound and read at one place each."""
        if name in self.primal:
            return False
        if self.counts is None:
            reads = Counter(x for s in walk_stmts(tuple(self.out)) for x in read_by(s))
            self.counts = reads, Counter(x for s in self.out for x in assigned((s,)))
        return all(count[name] == 1 for count in self.counts)

    def become(self, out: list[n.Stmt]) -> None:
        self.out, self.counts = out, None


def _has_parts(e: n.Expr) -> bool:
    """True for a value that may be put together of its parts again, or be one of them."""
    cosines = (isinstance(x, n.Attribute) and x.attr == "cosh" for x in subexprs(e))
    return (isinstance(e, n.Binary) and e.op == "/") or any(cosines)


def _divides(e: n.Expr) -> bool:
    return isinstance(e, n.Binary) and any(op == "/" for op, _ in term(e).factors)
