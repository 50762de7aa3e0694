"""The rest of a reversed step goes into the branch without which all of its adjoints are zero.

Takes the body of a generated function, gives it so; requires `ir`.

    d_bar = 0.0
    if not done:                            if not done:
        d_bar += x_bar / v           →          d_bar = x_bar / v
    y_bar += d_bar * w                          y_bar += d_bar * w

It is the reverse of a step that breaks when it is done: what it has computed until then is read by
what follows the `break` only. Loops go along; where they take from a stack what was kept for them,
the other branch takes it off. Where each of two branches has adjoints of its own, what follows goes
into the one whose it is:

    s_bar = h_bar = 0.0
    if s > h:                               if s > h:
        s_bar += v_bar                          s_bar = v_bar
    else:                                       x_bar += s_bar * k
        h_bar += v_bar               →      else:
    x_bar += s_bar * k                          h_bar = v_bar
    y_bar += h_bar / k                          y_bar += h_bar / k

What comes next goes into a branch without another side too, if the adjoints that are zero where it
is not taken are read there alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from s2s_ad.analysis.bound import live_in
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names, popped, walk_stmts
from s2s_ad.simplify.algebra import negate

FEW = 4  # statements that stay where they are


@dataclass(frozen=True)
class Linear:
    """What is known of the names in a body. pure: whether an expression has no effect. number:
    whether a variable certainly is a number. reverses: functions that are linear in their last
    argument, and give zeros for zeros. keeps: whether what is kept is in lists, which may be taken
    from in any branch; else a branch may leave it only where it is a step's own."""

    pure: Callable[[n.Expr], bool]
    number: Callable[[str], bool]
    reverses: frozenset[str]
    keeps: bool = True


def where_taken(
    body: n.Block, back: frozenset[int], linear: Linear
) -> tuple[n.Block, frozenset[int]]:
    """Return the body with such statements moved, and the uids of the reverse sweep: `back`, with
    those of what is put into the other branch."""
    run = _Run(back, linear, Counter(x for s in walk_stmts(body) for x in said_by(s)))
    return run.block(body, ()), frozenset(run.back)


Around = tuple[tuple[n.Block, int], ...]


class _Run:
    def __init__(self, back: frozenset[int], linear: Linear, every: Counter[str]) -> None:
        self.back = set(back)
        self.linear = linear
        self.every = every

    def block(self, block: n.Block, around: Around) -> n.Block:
        """around: the blocks that a block is in, each with the place of the statement it is in."""
        out = []
        for k, s in enumerate(block):
            here = (*around, (block, k))
            s = with_blocks(s, partial(self.block, around=here))
            # a loop that runs as the primal does may have the reverse of each step at its end
            if isinstance(s, n.For) and any(x.uid in self.back for x in s.body):
                s = self.loop(s, here)
            out.append(s)
        return tuple(out)

    def loop(self, s: n.For, here: Around) -> n.For:
        choices = [x for x in s.body if isinstance(x, n.If) and x.uid in self.back]
        if not any(len(x.branches) == 1 for x in choices):
            return s
        live = _live(s, here)
        if s.uid in self.back:
            s = replace(s, body=_apart(s.body, frozenset(self.back), self.linear, live))
        for k, x in enumerate(s.body):
            if isinstance(x, n.If) and len(x.branches) == 1 and not x.orelse and x.uid in self.back:
                if (moved := self.moved(s, k, x, here)) is not None:
                    return moved
                break
        if s.uid not in self.back:
            return s
        return replace(s, body=_alone(s.body, frozenset(self.back), self.linear, live))

    def moved(self, s: n.For, k: int, x: n.If, here: Around) -> n.For | None:
        """Return the loop with what follows a branch in it, if it is idle where it is not taken."""
        first, rest = _taken_first(x, s.body[k + 1 :])
        if sum(1 for _ in walk_stmts(rest)) < FEW:
            return None
        idle = _Idle(self.linear)
        if not idle.runs(rest, _zeros(s.body[:k]), True) or not idle.made:
            return None
        live = _live(s, here)
        if idle.made & live:
            return None
        if not self.linear.keeps and any(live.intersection(stacks) for _, stacks in idle.popped):
            return None
        before, taken = _begun(s.body[:k], x, rest, self.every)
        # what is kept for the steps that are left out is taken off again
        other = tuple(
            replace(
                loop,
                target=n.Name("_"),
                iter=_in_any_order(loop.iter),
                body=tuple(n.Pop(n.Name("_"), x, of=loop.of) for x in stacks if x in live),
                uid=n.fresh_uid(),
                comments=n.NO_COMMENTS,
            )
            for loop, stacks in idle.popped
            if live.intersection(stacks)
        )
        self.back |= {y.uid for y in walk_stmts(other)}
        branch = replace(x.branches[0], body=(*taken, *rest))
        x = replace(x, branches=(branch,), orelse=other)
        return replace(s, body=(*before, *first, x))


def _taken_first(x: n.If, rest: n.Block) -> tuple[n.Block, n.Block]:
    """Return what is taken from stacks behind a branch and may be taken in front of it, and the
    other statements."""
    first: list[n.Stmt] = []
    others: list[n.Stmt] = []
    stacks = Counter(p[1] for s in walk_stmts((x, *rest)) if (p := popped(s)) is not None)
    for s in rest:
        taken = popped(s)
        seen = mentioned((x, *others)) | assigned((x, *others))
        if taken is None or stacks[taken[1]] > 1 or (names(taken[0]) | {taken[1]}) & seen:
            others.append(s)
        else:
            first.append(s)
    return tuple(first), tuple(others)


def _in_any_order(e: n.Expr) -> n.Expr:
    if isinstance(e, n.Call) and e.func == n.Name("reversed") and len(e.args) == 1:
        return e.args[0]
    return e


def _live(s: n.For, around: Around) -> set[str]:
    """Return the variables that may be read behind a step of a loop before they are given values.

    What stands in front of the reverse sweep is over.
    """
    found = set(live_in(s.body))
    for block, k in around:
        found |= live_in(block[k + 1 :])
        if isinstance(block[k], (n.For, n.While)) and block[k].uid != s.uid:
            found |= live_in((block[k],))
    return found


class _Idle:
    """Whether statements do nothing that counts while some variables are zero.

    made: the variables that they give other values. popped: loops that take values from stacks,
    with these.
    """

    def __init__(self, linear: Linear) -> None:
        self.linear = linear
        self.made: set[str] = set()
        self.popped: list[tuple[n.For, list[str]]] = []

    def runs(self, block: n.Block, zeros: set[str], pops: bool) -> bool:
        """True for such statements; `zeros` are then those behind them. pops: whether a loop among
        them may take values from stacks."""
        for s in block:
            if isinstance(s, n.AugAssign):
                if not _is_added(s, zeros, self.linear):
                    return False
            elif isinstance(s, n.For):
                if not self.loop(s, zeros, pops):
                    return False
            elif isinstance(s, n.If):
                ends = [set(zeros) for _ in range(len(s.branches) + 1)]
                ways = [*(b.body for b in s.branches), s.orelse]
                tests = all(self.linear.pure(b.test) for b in s.branches)
                if not tests or not all(self.runs(b, z, False) for b, z in zip(ways, ends)):
                    return False
                zeros.intersection_update(*ends)
            elif not self.assigns(s, zeros):
                return False
        return True

    def assigns(self, s: n.Stmt, zeros: set[str]) -> bool:
        if not isinstance(s, n.Assign) or len(s.targets) != 1:
            return False
        bound = _names_bound(s.targets[0])
        if bound is None or not (_zero(s.value, zeros, self.linear) or self.linear.pure(s.value)):
            return False
        zero = _zero(s.value, zeros, self.linear)
        self.made |= bound
        zeros -= bound
        zeros |= bound if zero else set()
        return True

    def loop(self, s: n.For, zeros: set[str], pops: bool) -> bool:
        bound = _names_bound(s.target)
        if bound is None or s.orelse or not self.linear.pure(s.iter):
            return False
        taken = [p for x in s.body if (p := popped(x)) is not None]
        rest = tuple(x for x in s.body if popped(x) is None)
        given = [_names_bound(target) for target, _ in taken]
        # the other branch runs over the same steps
        if taken and (not pops or names(s.iter) & self.made or None in given):
            return False
        bound |= set[str]().union(*(x or set() for x in given))
        self.made |= bound
        zeros -= bound
        while True:
            behind = set(zeros)
            if not self.runs(rest, behind, False):
                return False
            if zeros <= behind:
                break
            zeros &= behind
        if taken:
            self.popped.append((s, [stack for _, stack in taken]))
        return True


def _names_bound(target: n.Expr) -> set[str] | None:
    """Return the variables that a target binds, None where it is anything else."""
    parts = target.items if isinstance(target, n.TupleExpr) else (target,)
    bound = {t.id for t in parts if isinstance(t, n.Name)}
    return bound if all(isinstance(t, n.Name) for t in parts) else None


def _apart(
    block: n.Block,
    back: frozenset[int],
    linear: Linear,
    live: AbstractSet[str],
) -> n.Block:
    """Return a block with what is of use for one of two branches only at the end of that one."""
    for x in reversed(block):
        if not isinstance(x, n.If) or len(x.branches) != 1 or not x.orelse or x.uid not in back:
            continue
        if (found := _sided(block, x, linear, live, FEW)) is not None:
            return found
    return block


def _alone(
    block: n.Block,
    back: frozenset[int],
    linear: Linear,
    live: AbstractSet[str],
) -> n.Block:
    """Return a block with what is of use where a branch is taken only at the end of that one."""
    for x in reversed(block):
        if isinstance(x, n.If) and len(x.branches) == 1 and not x.orelse and x.uid in back:
            block = _sided(block, x, linear, live, 1) or block
    return block


def _sided(
    block: n.Block, x: n.If, linear: Linear, live: AbstractSet[str], least: int
) -> n.Block | None:
    """Return a block with what is of use for one side of a branch only at the end of that one.

    live: what may be read behind the block. least: how many statements are moved, or none.
    """
    k = next(k for k, s in enumerate(block) if s.uid == x.uid)
    sides = [x.branches[0].body, x.orelse]
    begun = _zeros(block[:k])
    begun -= names(x.branches[0].test)
    own = [{v for v in begun if not _has(other, v)} for other in reversed(sides)]
    own = [{v for v in mine if _has(side, v)} for mine, side in zip(own, sides)]
    parts, rest = _two(block[k + 1 :], own, linear)
    served = all(v or not side for v, side in zip(own, sides))
    if not served or sum(map(len, parts)) < least:
        return None
    made = {v for part in parts for s in part for v in _bound(s)} | own[0] | own[1]
    made -= rest[1]
    others = [s for s in (*block[:k], *rest[0]) if not _bound(s) & begun]
    if made & (live | {v for s in others for v in mentioned((s,))}):
        return None
    mine = [{v for s in part for v in _bound(s)} - rest[1] | y for part, y in zip(parts, own)]
    if any(_has(tuple(part), v) for j, part in enumerate(parts) for v in mine[1 - j]):
        return None
    before = block[:k]
    new = []
    for side, part, zeros in zip(sides, parts, own):
        alone = n.If((n.Branch(x.branches[0].test, (*side, *part)),))
        there = Counter(v for s in walk_stmts((alone,)) for v in said_by(s))
        only = Counter({v: there[v] + 1 for v in zeros})
        before, body = _begun(before, alone, (), only)
        new.append(tuple(body))
    branch = replace(x.branches[0], body=new[0])
    return (*before, replace(x, branches=(branch,), orelse=new[1]), *rest[0])


def _two(
    rest: n.Block, own: list[set[str]], linear: Linear
) -> tuple[list[list[n.Stmt]], tuple[n.Block, set[str]]]:
    """Return what of the next statements is for either side, and the others with what these only
    add to.

    own: variables that are zero unless that side is taken. A statement is for a side when it does
    nothing on the other one; what it reads is read by statements of that side.
    """
    zeros = [set(x) for x in own]
    sums: set[str] = set()
    given: set[str] = set()  # on the other side too, zeros that are to be there
    sides: list[int | None] = []
    for s in rest:
        side = next((j for j in (0, 1) if _is_added(s, zeros[j], linear)), None)
        if side is not None:
            sums |= _bound(s) - zeros[side]
        elif isinstance(s, n.Assign) and len(_bound(s)) == 1:
            given |= _bound(s)
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
    return parts, (rest[len(sides) :], sums - given)


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


def _begun(
    before: n.Block, test: n.If, rest: n.Block, every: Counter[str]
) -> tuple[n.Block, n.Block]:
    """Return what stays in front of the branch, and the branch with its first contributions
    assigned where the zeros in front were for them only."""
    taken = list(test.branches[0].body)
    there = Counter(x for s in walk_stmts((*rest, test)) for x in said_by(s))
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
