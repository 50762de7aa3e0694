"""The rest of a reversed step goes into the branch without which all of its adjoints are zero.

Takes the body of a generated function, gives it so; requires `ir`.

    d_bar = 0.0
    if not done:                            if not done:
        d_bar += x_bar / v           →          d_bar = x_bar / v
    y_bar += d_bar * w                          y_bar += d_bar * w

It is the reverse of a step that breaks when it is done: what it has computed until then is read by
what follows the `break` only. Where each of two branches has adjoints of its own, what follows goes
into the one whose it is:

    s_bar = h_bar = 0.0
    if s > h:                               if s > h:
        s_bar += v_bar                          s_bar = v_bar
    else:                                       x_bar += s_bar * k
        h_bar += v_bar               →      else:
    x_bar += s_bar * k                          h_bar = v_bar
    y_bar += h_bar / k                          y_bar += h_bar / k
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.walk import blocks, map_block, names, walk_stmts
from s2s_ad.simplify.algebra import negate

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
    every = Counter(x for s in walk_stmts(body) for x in said_by(s))
    exposed = _exposed(body, set())

    def inside(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.For) or s.uid not in back:
            return (s,)
        s = replace(s, body=_apart(s.body, back, linear, exposed))
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


def _apart(
    block: n.Block,
    back: frozenset[int],
    linear: Linear,
    exposed: AbstractSet[str],
) -> n.Block:
    """Return a block with what is of use for one of two branches only at the end of that one."""
    for k in range(len(block) - 1, -1, -1):
        x = block[k]
        if not isinstance(x, n.If) or len(x.branches) != 1 or not x.orelse or x.uid not in back:
            continue
        sides = [x.branches[0].body, x.orelse]
        begun = _zeros(block[:k])
        begun -= names(x.branches[0].test)
        own = [{v for v in begun if not _has(other, v)} for other in reversed(sides)]
        own = [{v for v in mine if _has(side, v)} for mine, side in zip(own, sides)]
        parts, rest = _two(block[k + 1 :], own, linear)
        if not all(own) or sum(map(len, parts)) < FEW:
            continue
        made = {v for part in parts for s in part for v in _bound(s)} | own[0] | own[1]
        made -= rest[1]
        others = [s for s in (*block[:k], *rest[0]) if not _bound(s) & begun]
        if made & (exposed | {v for s in others for v in mentioned((s,))}):
            continue
        mine = [{v for s in part for v in _bound(s)} - rest[1] | x for part, x in zip(parts, own)]
        if any(_has(tuple(part), v) for j, part in enumerate(parts) for v in mine[1 - j]):
            continue
        before = block[:k]
        new = []
        for side, part, zeros in zip(sides, parts, own):
            alone = n.If((n.Branch(x.branches[0].test, (*side, *part)),))
            there = Counter(v for s in walk_stmts((alone,)) for v in said_by(s))
            only = Counter({v: there[v] + 1 for v in zeros})
            before, body = _begun(before, alone, (), only)
            new.append(tuple(body))
        x = replace(x, branches=(replace(x.branches[0], body=new[0]),), orelse=new[1])
        return (*before, x, *rest[0])
    return block


def _two(
    rest: n.Block, own: list[set[str]], linear: Linear
) -> tuple[list[list[n.Stmt]], tuple[n.Block, set[str]]]:
    """Return what of the next statements is for either side, and the others with what is only
    added to.

    own: variables that are zero unless that side is taken. A statement is for a side when it does
    nothing on the other one; what it reads is read by statements of that side.
    """
    zeros = [set(x) for x in own]
    sums: set[str] = set()
    sides: list[int | None] = []
    for s in rest:
        side = next((j for j in (0, 1) if _is_added(s, zeros[j], linear)), None)
        if side is not None:
            sums |= _bound(s) - zeros[side]
        elif isinstance(s, n.Assign) and len(_bound(s)) == 1:
            side = next((j for j in (0, 1) if _zero(s.value, zeros[j], linear)), None)
            if side is not None:
                zeros[side] |= _bound(s)
            elif not linear.pure(s.value):
                break
        else:
            break
        sides.append(side)
    # what is made for both is read by those of one side, or they end in front of it
    used: list[set[str]] = [set(), set()]
    for k in range(len(sides) - 1, -1, -1):
        if sides[k] is None:
            readers = [j for j in (0, 1) if _bound(rest[k]) & used[j]]
            if len(readers) != 1:
                sides[k:] = []
                used = [set(), set()]
                for q, side in enumerate(sides):
                    if side is not None:
                        used[side] |= mentioned((rest[q],))
                continue
            sides[k] = readers[0]
        side = sides[k]
        assert side is not None
        used[side] |= mentioned((rest[k],))
    parts = [[rest[k] for k, side in enumerate(sides) if side == j] for j in (0, 1)]
    return parts, (rest[len(sides) :], sums)


def _exposed(block: n.Block, bound: AbstractSet[str]) -> set[str]:
    """Return what is read where no statement in front of it, in the same block or around it, has
    given it a value: what one block leaves for another."""
    found: set[str] = set()
    known = set(bound)
    for s in block:
        read = said_by(s)
        if isinstance(s, n.Assign):
            targets = {t.id for t in s.targets if isinstance(t, n.Name)}
            read = read - targets | names(s.value)
        found |= read - known
        for inner in blocks(s):
            found |= _exposed(inner, known)
        known |= _bound(s) if isinstance(s, n.Assign) else set()
    return found


def _is_added(s: n.Stmt, zeros: set[str], linear: Linear) -> bool:
    """True for what adds zero when these variables are."""
    if not isinstance(s, n.AugAssign) or s.op not in ("+", "-"):
        return False
    target = s.target
    if isinstance(target, n.Subscript):
        plain = isinstance(target.value, n.Name) and linear.pure(target.index)
        return plain and _zero(s.value, zeros, linear)
    known = isinstance(target, n.Name) and (target.id in zeros or linear.number(target.id))
    return known and _zero(s.value, zeros, linear)


def _zeros(before: n.Block) -> set[str]:
    """Return the variables that are zero behind some statements."""
    zeros: set[str] = set()
    for s in before:
        zeros -= mentioned((s,))
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if isinstance(s, n.Assign) and isinstance(target, n.Name) and s.value == ZERO:
            zeros.add(target.id)
    return zeros


def _bound(s: n.Stmt) -> set[str]:
    target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
    target = s.target if isinstance(s, n.AugAssign) else target
    return {target.id} if isinstance(target, n.Name) else set()


def _has(block: n.Block, name: str) -> bool:
    return any(name in mentioned((s,)) for s in block)


def _idle(before: n.Block, test: n.If, rest: n.Block, linear: Linear, every: Counter[str]) -> bool:
    """True when statements change nothing that anyone reads if the branch is not taken."""
    zeros = _zeros(before)
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
    there = Counter(x for s in (*rest, *walk_stmts((test,))) for x in said_by(s))
    starts = Counter(x for x in begun)
    return all(every[x] == there[x] + starts[x] for x in made)


def _begun(
    before: n.Block, test: n.If, rest: n.Block, every: Counter[str]
) -> tuple[n.Block, n.Block]:
    """Return what stays in front of the branch, and the branch with its first contributions
    assigned where the zeros in front were for them only."""
    taken = list(test.branches[0].body)
    there = Counter(x for s in (*rest, *walk_stmts((test,))) for x in said_by(s))
    gone: set[int] = set()
    for s in before:
        target = s.targets[0] if isinstance(s, n.Assign) else None
        if not isinstance(s, n.Assign) or s.value != ZERO or not isinstance(target, n.Name):
            continue
        name = target.id
        first = next((k for k, x in enumerate(taken) if name in mentioned((x,))), None)
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
