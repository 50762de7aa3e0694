"""Parts of formulas given names before they are differentiated: of long ones, and masks.

Takes a function with its facts, gives it with statements in front of others; requires `analysis`.

The differential of a product repeats the factors, so that of nested products (a polynomial by
Horner's rule) would repeat the innermost once for each that is around it:

    y = x * (a + x * (b + ...))     →       part = b + ...
                                            y = x * (a + x * part)

A mask of what its statement changes would have to be made again from what was there before:

    x[x > 1.0] = 0.0                →       mask = x > 1.0
                                            x[mask] = 0.0
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

import numpy as np

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by
from s2s_ad.ir.kinds import Array
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import inside, map_block, map_parts, names, subexprs

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


def with_named_masks(function: n.Function, facts: Facts, fresh: Callable[[str], str]) -> n.Function:
    """Return the function with names for masks of what the same statement changes.

    fresh: gives a new name.
    """

    def chosen_by(e: n.Expr, uid: int) -> list[n.Expr]:
        """Return the tests of the calls of `np.where` in an expression."""
        calls = [x for x in inside(e, n.Call) if len(x.args) == 3]
        return [
            x.args[0] for x in calls if (facts.object_of(x.func, uid) or (None,))[0] is np.where
        ]

    def is_mask(e: n.Expr, changed: AbstractSet[str], uid: int) -> bool:
        if not isinstance(e, (n.Compare, n.Binary)) or names(e).isdisjoint(changed):
            return False
        kind = facts.value(e, uid).kind
        plain = not any(isinstance(x, (n.Call, n.NamedExpr)) for x in subexprs(e))
        return plain and isinstance(kind, Array) and kind.dtype == "bool" and kind.dims != ()

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, (n.Assign, n.AugAssign)) or s.uid not in facts.before:
            return (s,)
        changed = changed_by(s)
        found = [e for e in chosen_by(s.value, s.uid) if is_mask(e, changed, s.uid)]
        for t in s.targets if isinstance(s, n.Assign) else (s.target,):
            if isinstance(t, n.Subscript) and is_mask(t.index, changed, s.uid):
                found.append(t.index)
        if not found:
            return (s,)
        mask, name = found[0], n.Name(fresh("mask"))
        first = n.Assign((name,), mask, origin=s.origin, comments=s.comments)
        rest = map_parts(s, lambda e: name if e == mask else e)
        return first, replace(rest, comments=n.NO_COMMENTS)

    return replace(function, body=map_block(function.body, visit))


def _is_long(e: n.Expr) -> bool:
    return sum(1 for _ in subexprs(e)) > LONG
