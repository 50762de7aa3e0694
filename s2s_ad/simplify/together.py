"""What is kept at one place of a loop is kept together: one list of tuples, not a list for each.

Takes both sweeps of a function, gives them with fewer stacks; requires `ir`.

    x_saved.append(x)                       state_saved.append((x, v))
    v_saved.append(v)                       ...
    ...                                     for _ in reversed(range(n)):
    for _ in reversed(range(n)):     →          x, v = state_saved.pop()
        v = v_saved.pop()
        x = x_saved.pop()

A value is kept at any time while its variable has it, and comes back at any time before it is read
and after what the variable had before was. Those for which there is one such time are together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, inside, map_block, walk_stmts
from s2s_ad.simplify.one_tuple import Tools, one_tuple
from s2s_ad.simplify.unread import without_unread

LONG = 200  # statements of a loop body that is left as it is


@dataclass(frozen=True)
class _Save:
    """A stack with the places, in the bodies of a loop and of its reverse, of its one append and
    its one pop, and between which places they may stand."""

    stack: str
    name: str
    append: int
    pop: int
    kept: tuple[int, int]
    back: tuple[int, int]


def together(
    forward: n.Block,
    backward: n.Block,
    stacks: frozenset[str],
    number: Callable[[str], bool],
    value: Callable[[str], bool],
    heavy: Callable[[n.Expr, int, frozenset[n.Expr]], bool],
    fresh: Callable[[str], str],
    called: Callable[[n.Expr], str],
    alone: bool,
    leaves: Callable[[n.Stmt], bool],
    called_again: Callable[[n.Expr, int], bool],
) -> tuple[n.Block, n.Block, dict[str, list[str]]]:
    """Return both sweeps, and the variables that are kept in each new stack.

    stacks: those that are only appended to and popped from. number: whether a variable certainly
    is a number. value: whether nothing changes in place what it holds. heavy: whether an
    expression, in the statement of that uid, is pure and much work, but for calls that are made
    anyway. fresh: a name not in use. called: what the value of an expression is to be called.
    alone: whether what is much work is kept by a loop that keeps nothing else.
    leaves: whether a statement may leave the step it stands in while the function goes on.
    called_again: whether an expression, in the statement of that uid, is a number that calls give.
    """
    tools = Tools(number, heavy, fresh, called, leaves, alone, called_again)
    run = _Together(forward, backward, stacks, tools, lambda name: number(name) or value(name))
    return run.result()


class _Together:
    def __init__(
        self,
        forward: n.Block,
        backward: n.Block,
        stacks: frozenset[str],
        tools: Tools,
        value: Callable[[str], bool],
    ) -> None:
        self.forward = forward
        self.backward = backward
        self.tools = tools
        self.value = value
        self.fresh = tools.fresh
        self.stacks = stacks
        every = [*walk_stmts(forward), *walk_stmts(backward)]
        appends = Counter(s.stack for s in every if isinstance(s, n.Append))
        pops = Counter(s.stack for s in every if isinstance(s, n.Pop))
        self.single = {x for x in stacks if appends[x] == 1 and pops[x] == 1}
        self.made: dict[str, list[str]] = {}

    def result(self) -> tuple[n.Block, n.Block, dict[str, list[str]]]:
        loops = Counter(s.of for s in walk_stmts(self.backward) if isinstance(s, n.For))
        back = {s.of: s for s in walk_stmts(self.backward) if isinstance(s, n.For)}
        new: dict[int, n.Block] = {}
        before: dict[int, n.Block] = {}
        for s in walk_stmts(self.forward):
            turned = back.get(s.uid)
            if not isinstance(s, (n.For, n.While)) or turned is None or loops[s.uid] != 1:
                continue
            pair = self.joined(s.body, turned.body)
            bodies = pair or (s.body, turned.body)
            short = len(bodies[0]) + len(bodies[1]) <= LONG
            every = self.stacks | self.made.keys()
            gathered = one_tuple(*bodies, every, self.tools) if short else None
            if gathered is not None:
                self.made[gathered[2]] = gathered[3]
                pair = gathered[:2]
            if pair is not None:
                pair = self.as_read(*pair)
                new[s.uid], new[turned.uid] = pair
                before[s.uid], before[turned.uid] = s.body, turned.body
        if not new:
            return self.forward, self.backward, {}

        def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
            if s.uid not in new or not isinstance(s, (n.For, n.While)):
                return (s,)
            return (replace(s, body=self.with_inner(new[s.uid], s.body, before[s.uid])),)

        return map_block(self.forward, visit), map_block(self.backward, visit), self.made

    def as_read(self, body: n.Block, turned: n.Block) -> tuple[n.Block, n.Block]:
        """Return both bodies with nothing in tuples that is not read."""
        for stack, kept in self.made.items():
            (body, turned), gone = without_unread(body, turned, stack)
            self.made[stack] = [x for x in kept if x not in gone]
        return body, turned

    def with_inner(self, new: n.Block, done: n.Block, before: n.Block) -> n.Block:
        """Return a new body with the statements of which the blocks have been done already."""
        table = {s.uid: s for s, old in zip(done, before) if s is not old}
        return tuple(table.get(s.uid, s) for s in new)

    def joined(self, body: n.Block, turned: n.Block) -> tuple[n.Block, n.Block] | None:
        if len(body) + len(turned) > LONG:
            return None
        left = self.saves(body, turned)
        changed = False
        while True:
            group = _largest(left)
            if len(group) < 2:
                return (body, turned) if changed else None
            group.sort(key=lambda x: _made(body, x))
            stack = self.fresh("state_saved")
            self.made[stack] = [x.name for x in group]
            body, turned = _merged(body, turned, group, stack)
            changed = True
            left = self.saves(body, turned)

    def saves(self, body: n.Block, turned: n.Block) -> list[_Save]:
        """Return the values that are kept once at each step of a loop."""
        found = []
        for k, s in enumerate(body):
            if not isinstance(s, n.Append) or s.stack not in self.single:
                continue
            if not isinstance(s.value, n.Name) or not self.value(s.value.id):
                continue
            for q, r in enumerate(turned):
                if isinstance(r, n.Pop) and r.stack == s.stack and r.target == s.value:
                    name = s.value.id
                    kept = _range([name in assigned((x,)) or self.tools.leaves(x) for x in body], k)
                    back = _range([name in assigned((x,)) | mentioned((x,)) for x in turned], q)
                    found.append(_Save(s.stack, name, k, q, kept, back))
        return found


def _range(fixed: list[bool], k: int) -> tuple[int, int]:
    """Return between which places statement `k` may stand: it passes none that is `fixed`."""
    low = next((j + 1 for j in range(k - 1, -1, -1) if fixed[j]), 0)
    high = next((j for j in range(k + 1, len(fixed)) if fixed[j]), len(fixed))
    return low, high


def _largest(saves: list[_Save]) -> list[_Save]:
    """Return the most saves that may stand at one place, and come back at one."""
    best: list[_Save] = []
    names_ = Counter(x.name for x in saves)
    for kept in sorted({x.kept[0] for x in saves}):
        for back in sorted({x.back[0] for x in saves}):
            group = [
                x
                for x in saves
                if x.kept[0] <= kept <= x.kept[1]
                and x.back[0] <= back <= x.back[1]
                and names_[x.name] == 1
            ]
            if len(group) > len(best):
                best = group
    return best


def _merged(
    body: n.Block, turned: n.Block, group: list[_Save], stack: str
) -> tuple[n.Block, n.Block]:
    def place(at: int, ranges: list[tuple[int, int]]) -> int:
        return max(max(r[0] for r in ranges), min(at, min(r[1] for r in ranges)))

    whole = n.TupleExpr(tuple(n.Name(x.name) for x in group))
    last = max(x.append for x in group)
    keep = n.Append(stack, whole, of=body[last].of)
    new_body = _moved(body, {x.append for x in group}, place(last, [x.kept for x in group]), keep)
    earliest = min(group, key=lambda x: x.pop)
    call = n.Call(n.Attribute(n.Name(stack), "pop"), ())
    took = n.Assign((whole,), call, of=turned[earliest.pop].of)
    at = place(earliest.pop, [x.back for x in group])
    return new_body, _moved(turned, {x.pop for x in group}, at, took)


def _moved(block: n.Block, gone: set[int], at: int, new: n.Stmt) -> n.Block:
    out: list[n.Stmt] = []
    for k in range(len(block) + 1):
        if k == at:
            out.append(new)
        if k < len(block) and k not in gone:
            out.append(block[k])
    return tuple(out)


def _made(body: n.Block, save: _Save) -> tuple[bool, int, int]:
    """Return what saves are sorted by: what a step finds first, then what it makes, in order."""
    for k, s in enumerate(body):
        if save.name in assigned((s,)):
            bound = [x.id for x in inside(s, n.Name)]
            return k < save.append, k, bound.index(save.name) if save.name in bound else 0
    return False, len(body), 0
