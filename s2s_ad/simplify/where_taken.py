"""The rest of a reversed step goes into the branch without which all of its adjoints are zero.

Takes the body of a generated function, gives it so; requires `ir`.

    d_bar = 0.0
    if not done:                            if not done:
        d_bar += x_bar / v           →          d_bar = x_bar / v
    y_bar += d_bar * w                          y_bar += d_bar * w

It is the reverse of a step that breaks when it is done: what it has computed until then is read by
what follows the `break` only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import map_block, names, stmt_exprs, walk_stmts
from s2s_ad.simplify.algebra import negate

ZERO = n.Const("0.0", 0.0)
FEW = 4  # statements that stay where they are


@dataclass(frozen=True)
class Linear:
    """What is known of the names in a body. pure: whether an expression has no effect. number:
    whether a variable certainly is a number. reverses: functions that are linear in their last
    argument, and give zeros for zeros."""

    pure: Callable[[n.Expr], bool]
    number: Callable[[str], bool]
    reverses: frozenset[str]


def where_taken(body: n.Block, back: frozenset[int], linear: Linear) -> n.Block:
    """Return the body with such statements moved. back: uids of the reverse sweep."""
    every = Counter(x for s in walk_stmts(body) for x in _mentioned(s))

    def inside(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.For) or s.uid not in back:
            return (s,)
        for k, x in enumerate(s.body):
            if isinstance(x, n.If) and len(x.branches) == 1 and not x.orelse and x.uid in back:
                rest = s.body[k + 1 :]
                if len(rest) >= FEW and _idle(s.body[:k], x, rest, linear, every):
                    before, taken = _begun(s.body[:k], x, rest, every)
                    branch = replace(x.branches[0], body=(*taken, *rest))
                    return (replace(s, body=(*before, replace(x, branches=(branch,)))),)
                return (s,)
        return (s,)

    return map_block(body, inside)


def _idle(before: n.Block, test: n.If, rest: n.Block, linear: Linear, every: Counter[str]) -> bool:
    """True when statements change nothing that anyone reads if the branch is not taken."""
    zeros: set[str] = set()
    for s in before:
        zeros -= _all_mentioned(s)
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if isinstance(s, n.Assign) and isinstance(target, n.Name) and s.value == ZERO:
            zeros.add(target.id)
    begun = frozenset(zeros)
    made: set[str] = set()
    for s in rest:
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name) and s.op in ("+", "-"):
            if s.target.id in zeros:
                if not _zero(s.value, zeros, linear):
                    return False
            elif not linear.number(s.target.id) or not _zero(s.value, zeros, linear):
                return False
            continue
        if not isinstance(s, n.Assign) or len(s.targets) != 1:
            return False
        target = s.targets[0]
        targets = target.items if isinstance(target, n.TupleExpr) else (target,)
        bound = {t.id for t in targets if isinstance(t, n.Name)}
        if len(bound) != len(targets):
            return False
        made |= bound
        if _zero(s.value, zeros, linear):
            zeros |= bound
        elif linear.pure(s.value):
            zeros -= bound
        else:
            return False
    # what is made here is read here, or in the branch
    there = Counter(x for s in (*rest, *walk_stmts((test,))) for x in _mentioned(s))
    starts = Counter(x for x in begun)
    return all(every[x] == there[x] + starts[x] for x in made)


def _begun(
    before: n.Block, test: n.If, rest: n.Block, every: Counter[str]
) -> tuple[n.Block, n.Block]:
    """Return what stays in front of the branch, and the branch with its first contributions
    assigned where the zeros in front were for them only."""
    taken = list(test.branches[0].body)
    there = Counter(x for s in (*rest, *walk_stmts((test,))) for x in _mentioned(s))
    gone: set[int] = set()
    for s in before:
        target = s.targets[0] if isinstance(s, n.Assign) else None
        if not isinstance(s, n.Assign) or s.value != ZERO or not isinstance(target, n.Name):
            continue
        name = target.id
        first = next((k for k, x in enumerate(taken) if name in _all_mentioned(x)), None)
        x = taken[first] if first is not None else None
        if first is None or not isinstance(x, n.AugAssign) or x.target != target:
            continue
        alone = every[name] == there[name] + 1 and name not in names(test.branches[0].test)
        if alone and x.op in ("+", "-") and name not in names(x.value):
            value = negate(x.value) if x.op == "-" else x.value
            taken[first] = n.Assign(
                (target,), value, uid=x.uid, of=x.of, origin=x.origin, comments=x.comments
            )
            gone.add(s.uid)
    return tuple(s for s in before if s.uid not in gone), tuple(taken)


def _all_mentioned(s: n.Stmt) -> set[str]:
    return {x for y in walk_stmts((s,)) for x in _mentioned(y)}


def _zero(e: n.Expr, zeros: set[str], linear: Linear) -> bool:
    """True for an expression that is zero, and has no effect, when these variables are."""
    if isinstance(e, n.Name):
        return e.id in zeros
    if isinstance(e, n.Unary):
        return e.op in "+-" and _zero(e.operand, zeros, linear)
    if isinstance(e, n.Binary):
        left, right = (_zero(x, zeros, linear) for x in (e.left, e.right))
        if e.op == "*":
            return (left or right) and linear.pure(e.right if left else e.left)
        if e.op == "/":
            return left and linear.pure(e.right)
        return e.op in ("+", "-") and left and right
    if isinstance(e, n.IfExp):
        return all(_zero(x, zeros, linear) for x in (e.body, e.orelse)) and linear.pure(e.test)
    if isinstance(e, n.Call) and isinstance(e.func, n.Name) and e.func.id in linear.reverses:
        if not e.args or e.keywords or not all(map(linear.pure, e.args)):
            return False
        seed = e.args[-1]
        parts = seed.items if isinstance(seed, n.TupleExpr) else (seed,)
        return all(_zero(x, zeros, linear) for x in parts)
    return e == ZERO


def _mentioned(s: n.Stmt) -> set[str]:
    s = replace(s, body=()) if isinstance(s, (n.For, n.While)) else s
    if isinstance(s, n.If):
        s = replace(s, branches=tuple(replace(b, body=()) for b in s.branches), orelse=())
    return {x for e in stmt_exprs(s) for x in names(e)}
