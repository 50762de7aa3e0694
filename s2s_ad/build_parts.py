"""Parts of long formulas given names before they are differentiated.

Takes a function with its facts, gives it with statements in front of long ones; requires
`analysis`.

The differential of a product repeats the factors, so that of nested products (a polynomial by
Horner's rule) would repeat the innermost once for each that is around it:

    y = x * (a + x * (b + ...))     →       part = b + ...
                                            y = x * (a + x * part)
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_block, subexprs

LONG = 150  # nodes of a formula that is left as it is
PART = 12  # nodes of a factor that gets a name


def with_named_parts(
    function: n.Function, facts: Facts, fresh: Callable[[n.Expr], str]
) -> n.Function:
    """Return the function with the long factors of long formulas computed in front of them.

    fresh: gives a new name for an expression.
    """

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        value = s.value if isinstance(s, (n.Assign, n.AugAssign, n.Return)) else None
        if value is None or s.uid not in facts.before or not _is_long(value):
            return (s,)
        reader, env = facts.reader(s.uid), facts.before[s.uid]
        if any(isinstance(e, n.Call) and not reader.is_pure(e, env) for e in subexprs(value)):
            return (s,)  # what has effects stays in its order
        before: list[n.Stmt] = []

        def named(e: n.Expr, size: int) -> tuple[n.Expr, int]:
            if size < PART:
                return e, size
            name = n.Name(fresh(e))
            before.append(n.Assign((name,), e, origin=s.origin))
            return name, 1

        def go(e: n.Expr) -> tuple[n.Expr, int]:
            if isinstance(e, n.Unary):
                operand, size = go(e.operand)
                return replace(e, operand=operand), size + 1
            if not isinstance(e, n.Binary):
                return e, sum(1 for _ in subexprs(e))
            (left, first), (right, second) = go(e.left), go(e.right)
            if e.op in "*/" and facts.varied(e.left, s.uid) and facts.varied(e.right, s.uid):
                left, first = named(left, first)
                right, second = named(right, second)
            return replace(e, left=left, right=right), first + second + 1

        whole, _ = go(value)
        if not before:
            return (s,)
        before[0] = replace(before[0], comments=s.comments)
        rest = replace(s, value=whole, comments=n.NO_COMMENTS)
        return (*before, rest)

    return replace(function, body=map_block(function.body, visit))


def _is_long(e: n.Expr) -> bool:
    return sum(1 for _ in subexprs(e)) > LONG
