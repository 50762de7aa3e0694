"""An adjoint that nobody reads again lends its buffer to what is computed from it.

Takes the body of a generated function, gives it with operations in place on arrays that it made;
requires `ir`, `analysis`, `simplify.ownership`.

    second_bar = scores_bar @ W.T               second_bar = scores_bar @ W.T
    sum_bar = second_bar * (second > 0.0)   →   second_bar *= second > 0.0
    W2_bar = first.T @ sum_bar                  W2_bar = first.T @ second_bar

Shapes and types are proved: the result has those of the buffer. The buffer was made here, no other
name sees it, and it is not read again (`simplify.ownership`).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from s2s_ad.analysis.liveness import live_after
from s2s_ad.analysis.owned import NOTHING_OWNED, Owned
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import (
    changed_by,
    is_fence,
    mentioned,
    renamed,
    said_by,
    sole_target,
    with_blocks,
)
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    inside,
    names,
    walk_stmts,
)
from s2s_ad.rules.sharing import WHOLLY_NEW
from s2s_ad.simplify.algebra import negate
from s2s_ad.simplify.ownership import Buffers, Known, Needs, Owning
from s2s_ad.simplify.tiles import whole_tiles

MOST = 2  # statements in the place of one
ROUNDS = 3
Steps = list[tuple[str, n.Expr]]
MINUS_ONE = n.Const("-1.0", -1.0)


@dataclass(frozen=True)
class InPlace:
    """newness: how much of what a call returns is new. kind: that of an expression. ours: whether a
    name stands for no variable of the user, nor for the adjoint of one."""

    newness: Callable[[n.Call], int]
    kind: Callable[[n.Expr], Kind]
    ours: Callable[[str], bool]


def in_place(body: n.Block, back: frozenset[int], tools: InPlace) -> tuple[n.Block, frozenset[int]]:
    """Return the body, and the uids of the statements of its reverse sweep."""
    every = list(walk_stmts(body))
    made = assigned(tuple(s for s in every if s.uid in back and not any(blocks(s))))
    made -= assigned(tuple(s for s in every if s.uid not in back and not any(blocks(s))))
    arrays = {x for x in made if is_buffer(tools.kind(n.Name(x)))}
    if arrays:
        body = whole_tiles(body, _owner(body, frozenset(arrays), tools), tools.kind)
        every = list(walk_stmts(body))
    wanted = {
        s.uid
        for s in every
        if s.uid in back
        and isinstance(s, n.Assign)
        and sole_target(s)
        and any(steps_of(s.value, x, tools.kind) is not None for x in names(s.value) & arrays)
    }
    if not wanted:
        return body, back
    # in front of all that says them, or where they are kept, nobody owns what they may hold
    told = arrays.union(s.stack for s in every if isinstance(s, n.Pop))
    rounds = 0
    known: Known = {}
    while wanted:
        rounds += 1
        # what is not done in place in the end stays where it stands
        moved = _behind_reads(body, wanted, arrays, tools.kind)
        run = _InPlace(moved, frozenset(arrays), frozenset(wanted), tools)
        run.known = known  # a kind is one at all times
        front = next(k for k, s in enumerate(moved) if told & mentioned((s,)))
        out, _ = run.block(moved[front:], NOTHING_OWNED)
        if run.done.keys() == wanted:
            out = [*moved[:front], *out]
            named = _one_name(tuple(out), frozenset(x for x in made if tools.ours(x)))
            left = {s.uid: sole_target(s) or "" for s in walk_stmts(named)}
            worked = {s.target for s in walk_stmts(named) if isinstance(s, n.AugAssign)}
            if rounds > ROUNDS:
                worked = set()  # what is worked on may hang on what was left out
            longer = {
                uid
                for uid, done in run.done.items()
                if not done.is_worth_it(
                    done.copy not in left, n.Name(left.get(done.copy, "")) in worked
                )
            }
            if not longer:
                return named, back | run.added
            wanted -= longer
        else:
            wanted = set(run.done)
    return body, back


def _owner(body: n.Block, arrays: frozenset[str], tools: InPlace) -> Callable[[str, int], bool]:
    """Return whether a variable is owned before a statement; what that takes is done when asked."""

    @functools.cache
    def table() -> Mapping[int, Owned]:
        watch = _Watch(body, arrays, tools)
        watch.block(body, NOTHING_OWNED)
        return watch.table

    return lambda x, uid: x in table()[uid].own


@dataclass(frozen=True)
class _Done:
    """What an assignment has become. steps: how many operations. copy: the uid of the copy behind
    them, 0 for none. axes: how many the array has."""

    steps: int
    copy: int
    axes: int

    def is_worth_it(self, is_one: bool, is_worked: bool) -> bool:
        """False where further lines save a row of numbers only, or give two adjoints of variables
        of the user, which need two names, one buffer that is not worked on any further.

        is_one: whether there is one name now. is_worked: whether the second is changed in place.
        """
        return (is_one or is_worked) and (self.axes > 1 or (self.steps == 1 and is_one))


def is_buffer(kind: Kind) -> bool:
    """True for arrays of floats, of at least 64 bits, that are no single number.

    >>> from s2s_ad.ir.kinds import Dim
    >>> is_buffer(Array((Dim("n"),), "float", True)), is_buffer(Array((Dim("n"),)))
    (True, False)
    """
    return isinstance(kind, Array) and kind.double and bool(kind.dims)


def steps_of(e: n.Expr, x: str, kind: Callable[[n.Expr], Kind]) -> Steps | None:
    """Return the operations that make `x` the value of `e` in place, None where there are none."""
    found = _steps(e, x)
    whole = kind(n.Name(x))
    if not found or len(found) > MOST or not isinstance(whole, Array):
        return None
    if ("*", MINUS_ONE) in found:
        return None  # the adjoint of another sign has another name
    return found if all(_fits(kind(operand), whole) for _, operand in found) else None


def _fits(operand: Kind, buffer: Array) -> bool:
    """True when NumPy spreads an operand out to the shape of a buffer, and no further.

    >>> from s2s_ad.ir.kinds import Dim
    >>> n, m = Dim("n"), Dim("m")
    >>> _fits(Array((m,)), Array((n, m))), _fits(Array((n, m)), Array((m,)))
    (True, False)
    >>> _fits(Array((n,)), Array((m,))), _fits(Array((n,)), Array((Dim("m", 0, False),)))
    (False, True)
    """
    if isinstance(operand, Number):
        return True
    if not isinstance(operand, Array) or operand.dims is None or buffer.dims is None:
        return False
    if operand.dtype not in ("float", "int", "bool") or len(operand.dims) > len(buffer.dims):
        return False
    return all(
        own.one is False
        or other.one is True
        or (own.symbol, own.offset) == (other.symbol, other.offset)
        for own, other in zip(reversed(buffer.dims), reversed(operand.dims))
    )


def _steps(e: n.Expr, x: str) -> Steps | None:
    """Return operations in order, of which those with several factors are one.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> show = lambda text: [(op, expr_text(y)) for op, y in _steps(parse_expr(text), "x") or ()]
    >>> show("w * (x - np.sum(x * w))"), show("2.0 * x * w"), show("-x * w / s")
    ([('-', 'np.sum(x * w)'), ('*', 'w')], [('*', '2.0 * w')], [('*', '-w'), ('/', 's')])
    >>> show("w - x"), show("w / x"), show("x * w * (x + 1.0)")
    ([], [], [])
    """
    if e == n.Name(x):
        return []
    if isinstance(e, n.Unary) and e.op == "-":
        inner = _steps(e.operand, x)
        return None if inner is None else _then(inner, "*", MINUS_ONE)
    if not isinstance(e, n.Binary) or e.op not in "+-*/":
        return None
    for one, other in ((e.left, e.right), (e.right, e.left)):
        if one is e.right and e.op not in "+*":
            return None
        if x in names(other) and one != n.Name(x):
            continue
        inner = _steps(one, x) if x in names(one) else None
        if inner is not None:
            return _then(inner, e.op, other)
    return None


def _then(steps: Steps, op: str, operand: n.Expr) -> Steps:
    """Return the operations with one more; what is multiplied twice is multiplied by a product."""
    if op != "*" or not steps or steps[-1][0] != "*":
        return [*steps, (op, operand)]
    factor = steps[-1][1]
    if factor == MINUS_ONE:
        return [*steps[:-1], ("*", negate(operand))]
    return [*steps[:-1], ("*", n.Binary("*", factor, operand))]


class _Watch(Owning):
    """What is owned before each statement, none of which is written in another way."""

    def __init__(self, body: n.Block, arrays: frozenset[str], tools: InPlace) -> None:
        def refuse(*_: object) -> n.Expr:
            raise AssertionError("what is owned is not copied")

        def kind(name: str) -> Kind:
            return tools.kind(n.Name(name))

        super().__init__(Buffers(kind, tools.newness, refuse, refuse, arrays, adds=False))
        self.later = live_after(body)
        self.table: dict[int, Owned] = {}

    def copied(self, needs: Needs, s: n.Stmt, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        return [], owned

    def is_idle(self, s: n.Stmt, owned: Owned) -> bool:
        return False

    def statement(self, s: n.Stmt, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        self.table[s.uid] = owned
        return super().statement(s, owned)


class _InPlace(_Watch):
    def __init__(
        self, body: n.Block, arrays: frozenset[str], wanted: frozenset[int], tools: InPlace
    ) -> None:
        super().__init__(body, arrays, tools)
        self.wanted = wanted
        self.tools = tools
        self.done: dict[int, _Done] = {}
        self.added: frozenset[int] = frozenset()

    def statement(self, s: n.Stmt, owned: Owned) -> tuple[list[n.Stmt], Owned]:
        self.done.pop(s.uid, None)
        target = sole_target(s)
        if s.uid not in self.wanted or not isinstance(s, n.Assign) or target is None:
            return super().statement(s, owned)
        self.uid = s.uid
        for x in dict.fromkeys(y.id for y in inside(s.value, n.Name)):
            free = x in owned.own if x == target else self.is_left(n.Name(x), owned)
            steps = steps_of(s.value, x, self.tools.kind) if free else None
            if steps is None:
                continue
            out: list[n.Stmt] = [
                n.AugAssign(n.Name(x), op, operand, of=s.of, origin=s.origin)
                for op, operand in steps
            ]
            out[0] = replace(out[0], comments=s.comments)
            count, after = len(out), owned
            if x != target:
                out.append(n.Assign(s.targets, n.Name(x), of=s.of, origin=s.origin))
                after = owned.without(frozenset({x})).having(target, WHOLLY_NEW)
            kind = self.tools.kind(n.Name(x))
            axes = len(kind.dims or ()) if isinstance(kind, Array) else 0
            self.done[s.uid] = _Done(count, out[-1].uid if x != target else 0, axes)
            self.added |= {y.uid for y in out}
            return out, after
        return super().statement(s, owned)


def _behind_reads(
    block: n.Block, wanted: set[int], arrays: set[str], kind: Callable[[n.Expr], Kind]
) -> n.Block:
    """Return the statements with those wanted behind what else reads their buffers."""
    out = [with_blocks(s, lambda inner: _behind_reads(inner, wanted, arrays, kind)) for s in block]
    for k in range(len(out) - 1, -1, -1):
        s = out[k]
        target = sole_target(s)
        if s.uid not in wanted or target is None or not isinstance(s, n.Assign):
            continue
        for x in dict.fromkeys(y.id for y in inside(s.value, n.Name) if y.id in arrays):
            place = _place(out, k, x, target) if x != target else k + 1
            if place > k + 1 and steps_of(s.value, x, kind) is not None:
                out[k:place] = [*out[k + 1 : place], s]
                break
    return tuple(out)


def _place(out: list[n.Stmt], k: int, x: str, target: str) -> int:
    """Return where the statement at k may stand: behind the readings of x that serve the same line,
    in front of all that has to do with its target or changes what it reads."""
    s = out[k]
    read = mentioned((s,))
    place = k + 1
    for j in range(k + 1, len(out)):
        t = out[j]
        if is_fence(t) or t.of != s.of or target in mentioned((t,)) or read & changed_by(t):
            break
        if x in mentioned((t,)):
            place = j + 1
    return place


def _one_name(block: n.Block, ours: frozenset[str]) -> n.Block:
    """Return the statements without second names of buffers where one of the two is ours."""
    every = Counter(x for s in walk_stmts(block) for x in said_by(s))
    bound = Counter(
        x
        for s in walk_stmts(block)
        if not any(blocks(s)) and not isinstance(s, n.AugAssign)
        for x in assigned((s,))
    )
    return _begun(_renamed(block, ours, bound, every), ours, every)


def _renamed(
    block: n.Block, ours: frozenset[str], bound: Counter[str], every: Counter[str]
) -> n.Block:
    """Rename `t` in `t = x` where t is bound there alone, and x not mentioned while t is."""
    out = [with_blocks(s, lambda inner: _renamed(inner, ours, bound, every)) for s in block]
    said = [mentioned((s,)) for s in out]
    k = 0
    while k < len(out):
        s = out[k]
        t = sole_target(s)
        x = s.value if isinstance(s, n.Assign) else None
        if t is None or t not in ours or not isinstance(x, n.Name) or bound[t] != 1:
            k += 1
            continue
        places = [j for j, names_ in enumerate(said) if t in names_ and j != k]
        if (
            places
            and places[0] > k
            and not any(x.id in names_ for names_ in said[k + 1 : places[-1] + 1])
            and sum(t in said_by(y) for j in places for y in walk_stmts((out[j],))) + 1 == every[t]
        ):
            out = [*out[:k], *renamed(tuple(out[k + 1 :]), {t: x})]
            said[k:] = [mentioned((y,)) for y in out[k:]]
        else:
            k += 1
    return tuple(out)


def _begun(block: n.Block, ours: frozenset[str], every: Counter[str]) -> n.Block:
    """Rename `x` in `t = x` where only operations in place read x before, and nothing behind."""
    out = [with_blocks(s, lambda inner: _begun(inner, ours, every)) for s in block]
    said = [mentioned((s,)) for s in out]
    k = 0
    while k < len(out):
        s = out[k]
        t, x = sole_target(s), s.value if isinstance(s, n.Assign) else None
        if t is None or not isinstance(x, n.Name) or x.id not in ours:
            k += 1
            continue
        places = [j for j, names_ in enumerate(said) if x.id in names_]
        first, updates = out[places[0]], [out[j] for j in places[1:-1]]
        if (
            places[-1] == k
            and len(places) == every[x.id]
            and sole_target(first) == x.id
            and all(isinstance(y, n.AugAssign) and y.target == x for y in updates)
            and not any(t in names_ for names_ in said[places[0] + 1 : k])
            and not any(any(blocks(y)) for y in out[places[0] + 1 : k])
        ):
            new = renamed(tuple(out[places[0] : k]), {x.id: n.Name(t)})
            out = [*out[: places[0]], *new, *out[k + 1 :]]
            said = [mentioned((s,)) for s in out]
        else:
            k += 1
    return tuple(out)
