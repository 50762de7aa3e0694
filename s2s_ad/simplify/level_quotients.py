"""A quotient of the primal that is the same at each step of a reversed loop is computed once, in
front of it: for compiled code.

Takes the body of a generated function, gives it so; requires `ir`, `simplify.algebra`.

    for j in range(m):                                ratio = p[i] / scale if 0 < m else 0.0
        A_bar[i, j] += q_bar[j] * p[i] / scale   →    for j in range(m):
                                                          A_bar[i, j] += q_bar[j] * ratio

A compiler keeps the order of factors, and does not know that `A_bar` is not `p`. Only quotients
that the primal computes are made, of what they are made of there: no other ones may overflow. They
are computed where there are steps, as an error may come of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import stored_by, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, assigned, names, subexprs, walk_stmts
from s2s_ad.simplify.algebra import Term, sum_of, terms
from s2s_ad.simplify.cancel import without

_PLAIN = (n.Assign, n.AugAssign, n.If, n.Pass)
_OF = (n.Name, n.Const, n.Subscript, n.TupleExpr, n.Unary, n.Binary)


@dataclass(frozen=True)
class Level:
    """back: uids of the reverse sweep. number: whether a variable is a number. shared: a name for
    all variables that may hold one array. fresh: a new name."""

    back: frozenset[int]
    number: Callable[[str], bool]
    shared: Callable[[str], str]
    fresh: Callable[[str], str]


def level_quotients(body: n.Block, tools: Level) -> n.Block:
    """Return the body with such quotients in front of loops without loops in them."""
    ahead = (s for s in walk_stmts(body) if s.uid not in tools.back)
    made = {e for s in ahead for e in all_parts(s) if _is_plain_quotient(e)}
    if not made:
        return body

    def visit(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            if isinstance(s, n.For) and s.uid in tools.back and _is_innermost(s):
                out.extend(_in_front(s, made, tools))
            else:
                out.append(with_blocks(s, visit))
        return tuple(out)

    return visit(body)


def _is_plain_quotient(e: n.Expr) -> bool:
    if not isinstance(e, n.Binary) or e.op != "/" or isinstance(e.left, n.Const):
        return False
    return all(isinstance(x, _OF) for x in subexprs(e))


def _is_innermost(s: n.For) -> bool:
    return not s.orelse and all(isinstance(x, _PLAIN) for x in walk_stmts(s.body))


def _in_front(loop: n.For, made: set[n.Expr], tools: Level) -> Iterator[n.Stmt]:
    """Yield a loop behind what it computes at each step, as far as that is such a quotient."""
    test = _has_steps(loop)
    changed = assigned((loop,))
    stored = {tools.shared(x) for x in stored_by(loop)}
    ratios: dict[n.Expr, n.Name] = {}

    def is_level(e: n.Expr) -> bool:
        return not names(e) & changed and all(
            tools.number(x) or tools.shared(x) not in stored for x in names(e)
        )

    def swapped(t: Term) -> Term:
        above = [e for op, e in t.factors if op == "*"]
        below = [e for op, e in t.factors if op == "/"]
        for a in above:
            for b in below:
                e = n.Binary("/", a, b)
                if e in made and is_level(e):
                    if e not in ratios:
                        ratios[e] = n.Name(tools.fresh("ratio"))
                    rest = without(t.factors, Counter([("*", a), ("/", b)]))
                    return replace(t, factors=(*rest, ("*", ratios[e])))
        return t

    def visit(s: n.Stmt) -> n.Stmt:
        if not isinstance(s, (n.Assign, n.AugAssign)) or not isinstance(s.value, n.Binary):
            return s
        old = terms(s.value)
        new = [swapped(t) for t in old]
        same = all(a is b for a, b in zip(old, new))
        return s if same else replace(s, value=sum_of(new))

    if test is None:
        yield loop
        return
    body = tuple(map(visit, loop.body))
    for e, name in ratios.items():
        yield n.Assign((name,), n.IfExp(test, e, ZERO), of=loop.of, origin=loop.origin)
    yield replace(loop, body=body)


def _has_steps(loop: n.For) -> n.Expr | None:
    """Return whether a loop over a range has steps, None where that is not easily told."""
    e = loop.iter
    if isinstance(e, n.Call) and e.func == n.Name("reversed") and len(e.args) == 1:
        e = e.args[0]
    if not isinstance(e, n.Call) or e.func != n.Name("range") or e.keywords:
        return None
    if len(e.args) not in (1, 2) or any(isinstance(x, n.Starred) for x in e.args):
        return None
    start = e.args[0] if len(e.args) == 2 else n.Const("0", 0)
    return n.Compare(start, ("<",), (e.args[-1],))
