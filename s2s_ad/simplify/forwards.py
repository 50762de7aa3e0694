"""Loops of the reverse sweep whose steps may come in any order run as those of the primal do.

Takes the body of a generated function, gives it so; requires `ir`, `analysis.touching`.

    for i in reversed(range(n)):              for i in range(n):
        r = r_saved.pop()                         r = r_saved[i]
        a_bar += r * x[i]              →          a_bar += r * x[i]
        x_bar[i] += r * a                         x_bar[i] += r * a

The steps may come in any order if none reads what another one changes: what a step binds it binds
before it reads it, and nobody reads it later; what is only added to is a sum, whatever the order;
and an item that is stored into, or read beside what is added, is touched by one step alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.analysis.later import branches
from s2s_ad.analysis.touching import (
    MINUS,
    Path,
    Round,
    Test,
    Use,
    item_of,
    items_alone,
    meet,
    round_of,
    uses_of,
)
from s2s_ad.analysis.whole_numbers import Form, all_of, told
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import leaves, mentioned, read_by, said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    bound_names,
    container_of,
    every_block,
    map_block,
    names,
    popped,
    stmt_exprs,
    subexprs,
    target_names,
    walk_stmts,
)
from s2s_ad.simplify.by_index import by_index

ALLOWED = (n.Assign, n.AugAssign, n.If, n.For, n.While, n.Pass)
_UNKNOWN = (n.FunctionDef, n.Global, n.Try, n.With, n.Delete, n.Import)
MANY = 2000  # pairs of uses that are compared
READ, BOUND = "read", "bound"
Around = tuple[tuple[n.Block, int], ...]


@dataclass(frozen=True)
class Steps:
    """What is known of the names in a body. pure: whether an expression has no effect, and the same
    value each time. fresh: whether what it gives is held by nothing else, nor any part of it.
    number, array, integer: whether a variable certainly is one. bars: the adjoint variables."""

    pure: Callable[[n.Expr], bool]
    fresh: Callable[[n.Expr], bool]
    number: Test
    array: Test
    integer: Test
    bars: frozenset[str]


def forwards(body: n.Block, back: frozenset[int], steps: Steps) -> n.Block:
    """Return the body with such loops turned. back: uids of the reverse sweep."""
    every = tuple(walk_stmts(body))
    if any(isinstance(s, _UNKNOWN) for s in every):
        return body
    if not any(isinstance(s, n.For) and s.uid in back and _turned(s) is not None for s in every):
        return body
    run = Order(body, steps)
    ahead = tuple(s for s in body if s.uid not in back)
    behind = tuple(s for s in body if s.uid in back)
    indexed = {s.uid: s for s in by_index(ahead, behind, lambda name: name)}
    turned: dict[int, n.For] = {}
    for s, around in _loops(body, ()):
        if s.uid not in back or _turned(s) is None:
            continue
        read = run.indexed(s, indexed.get(s.uid)) if len(around) == 1 else s
        others = (x for x in every if not isinstance(x, n.Pop))
        if s.target == n.Name("_") and not any("_" in _read_by(x) for x in others):
            turned[s.uid] = s  # it only counts
        elif run.any_order(read, around):
            turned[s.uid] = read

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        found = turned.get(s.uid)
        iter_ = _turned(s) if isinstance(s, n.For) else None
        if found is None or iter_ is None or not isinstance(s, n.For):
            return (s,)
        # what is inside may have been turned itself
        pairs = zip(s.body, found.body)
        body = tuple(b if popped(a) else a for a, b in pairs)
        return (replace(s, iter=iter_, body=body),)

    return map_block(body, visit) if turned else body


def _turned(s: n.For) -> n.Expr | None:
    """Return what a loop runs over from its end."""
    e = s.iter
    if isinstance(e, n.Call) and e.func == n.Name("reversed") and len(e.args) == 1:
        return e.args[0]
    return None


def _loops(block: n.Block, around: Around) -> Iterator[tuple[n.For, Around]]:
    """Yield each `for` with where it is: blocks from the outside in, each with the place in it."""
    for k, s in enumerate(block):
        here = (*around, (block, k))
        if isinstance(s, n.For):
            yield s, here
        for inner in blocks(s):
            yield from _loops(inner, here)


class Order:
    """Whether the steps of a loop in a body may come in any order."""

    def __init__(self, body: n.Block, steps: Steps) -> None:
        self.body = body
        self.steps = steps
        self.shared = _shared(body, steps)

    def indexed(self, loop: n.For, read: n.Stmt | None) -> n.For:
        """Return a loop with what was kept read by the index, where that is numbers."""
        if not isinstance(read, n.For) or read.target != loop.target or loop.target == n.Name("_"):
            return loop
        taken = {x for s in loop.body if (found := popped(s)) for x in names(found[0])}
        return read if all(map(self.steps.number, taken)) else loop

    def any_order(self, loop: n.For, around: Around) -> bool:
        """True when the steps of a loop may come in any order."""
        inside = tuple(walk_stmts(loop.body))
        if loop.orelse or not all(isinstance(s, ALLOWED) and popped(s) is None for s in inside):
            return False
        if any(s.orelse for s in inside if isinstance(s, (n.For, n.While))):
            return False
        if not all(self.steps.pure(e) for s in inside for e in stmt_exprs(s)):
            return False
        counters = set(target_names(loop.target))
        sums = self.sums(loop, inside)
        private = (bound_names(loop.body) | counters) - sums
        if names(loop.iter) & (private | sums):
            return False
        if any(first_use(loop.body, x) == READ for x in sorted(private - counters)):
            return False
        if not all(_dies(x, around) for x in sorted(private)):
            return False
        outer = [block[k] for block, k in around[:-1]]
        return self.apart(loop, outer, private, sums)

    def sums(self, loop: n.For, inside: tuple[n.Stmt, ...]) -> set[str]:
        """Return the variables that are only added to."""
        added: set[str] = set()
        other = set(target_names(loop.target))
        for s in inside:
            if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
                name = s.target.id
                known = self.steps.number(name) or self.steps.array(name)
                (added if known and s.op in ("+", "-") else other).add(name)
                other |= names(s.value)
            else:
                other |= said_by(s)
        return added - other

    def apart(
        self,
        loop: n.For,
        outer: Sequence[n.Stmt],
        private: AbstractSet[str],
        sums: AbstractSet[str],
        also: AbstractSet[str] = frozenset(),
        worked_in: AbstractSet[str] = frozenset(),
    ) -> bool:
        """True when no step touches an item that another one changes, but by adding to it.

        outer: what is around the loop. also: variables that its steps change elsewhere. worked_in:
        arrays through which nothing goes from one step to another.
        """
        changed = assigned(loop.body) | also
        rounds: tuple[Round, ...] = ()
        for s in (*outer, loop):
            if isinstance(s, (n.For, n.While)):
                known = frozenset(r.counter for r in rounds)
                rounds += (round_of(s, self.whole(known)),)
        uses: dict[str, list[tuple[str, Use]]] = {}

        def visit(
            block: n.Block, rounds: tuple[Round, ...], tests: tuple[tuple[n.Expr, bool], ...]
        ) -> bool:
            whole = self.whole(frozenset(r.counter for r in rounds), changed)

            given = [x for r in rounds if r.counter for x in r.bounds()]
            known = all_of([told(test, held, whole) for test, held in tests], given)

            def use(how: str, name: str, path: Path) -> None:
                if name not in private | worked_in and not self.steps.number(name):
                    uses.setdefault(self.shared(name), []).append((how, Use(path, rounds, known)))

            for s in block:
                parts = list(stmt_exprs(s))
                targets: tuple[n.Expr, ...] = ()
                if isinstance(s, n.Assign):
                    targets, parts = s.targets, [s.value]
                elif isinstance(s, n.AugAssign):
                    targets, parts = (s.target,), [s.value]
                for target in targets:
                    if isinstance(target, n.Name):
                        if target.id in sums and self.steps.array(target.id):
                            use("add", target.id, ())
                        continue
                    if not isinstance(target, n.Subscript):
                        if set(target_names(target)) != names(target):
                            return False
                        continue
                    owner, path, indices = item_of(target, whole)
                    if not isinstance(owner, n.Name):
                        return False
                    if owner.id in private and not self.made(owner.id, loop):
                        return False
                    if not self.steps.array(owner.id):
                        path = items_alone(path)
                    adds = isinstance(s, n.AugAssign) and s.op in ("+", "-")
                    adds = adds and (owner.id in self.steps.bars or self.steps.array(owner.id))
                    use("add" if adds else "store", owner.id, path)
                    parts += indices
                for e in parts:
                    for name, path in uses_of(e, whole):
                        use("read", name, path)
                for inner, held in branches(s):
                    more = (round_of(s, whole),) if isinstance(s, (n.For, n.While)) else ()
                    if not visit(inner, (*rounds, *more), (*tests, *held)):
                        return False
            return True

        if not visit(loop.body, rounds, ()):
            return False
        shared = len(rounds) - 1
        return not any(_collide(found, shared, rounds[-1].counter) for found in uses.values())

    def whole(self, counters: frozenset[str], changed: AbstractSet[str] = frozenset()) -> Test:
        """Return a test for integers that keep their values: counters, and what is not changed."""
        return lambda x: x in counters or (x not in changed and self.steps.integer(x))

    def made(self, name: str, loop: n.For) -> bool:
        """True for a variable that each step gives something new, shared with no other name."""
        return self.shared(name) == name and all(
            not isinstance(s, n.Assign)
            or n.Name(name) not in s.targets
            or _is_new(s.value, self.steps)
            for s in walk_stmts(loop.body)
        )


def _collide(uses: list[tuple[str, Use]], shared: int, counter: str) -> bool:
    """True when one step may touch what another one changes."""
    if all(how == "read" for how, _ in uses) or all(how == "add" for how, _ in uses):
        return False
    if not counter or len(uses) ** 2 > MANY:
        return True
    uses = list(dict.fromkeys(uses))
    here, there = Form(((counter, 1),)), Form(((counter + "'", 1),))
    later = [[there.plus(here, -1).plus(MINUS)], [here.plus(there, -1).plus(MINUS)]]
    for k, (how, first) in enumerate(uses):
        for other, second in uses[k:]:
            if how == other != "store":
                continue
            if any(meet(first, second, shared, order) for order in later):
                return True
    return False


def _is_new(e: n.Expr, steps: Steps) -> bool:
    """True for what nothing else holds, nor any part of it."""
    if isinstance(e, n.Comprehension):
        return e.kind == "list" and _is_new(e.element, steps)
    if isinstance(e, n.Binary) and e.op == "*" and isinstance(e.left, n.ListExpr):
        return all(isinstance(x, n.Const) for x in e.left.items)
    if isinstance(e, n.Binary) and e.op in ("+", "-", "*", "/", "**"):
        # arithmetic of arrays
        return any(isinstance(x, n.Name) and steps.array(x.id) for x in (e.left, e.right))
    return steps.fresh(e)


# -- which names may hold the same thing --------------------------------------------------------


def _shared(body: n.Block, steps: Steps) -> Callable[[str], str]:
    """Return which group a variable belongs to: those that may hold one object, or its parts."""
    moved = {uid for block in every_block(body) for uid in _moved(block, steps)}
    moves: list[tuple[n.Stmt, list[str]]] = []
    joins: list[tuple[n.Stmt, list[str]]] = []
    for s in walk_stmts(body):
        if s.uid in moved:
            moves.append((s, [*assigned((s,)), *read_by(s)]))
        else:
            joins += [(s, found) for found in _joined(s, steps)]
    groups = _Groups(found for _, found in joins)
    if not moves:
        return groups.of
    order = {s.uid: k for k, s in enumerate(walk_stmts(body))}
    around = {x.uid: s.uid for s in body for x in walk_stmts((s,))}

    def held(s: n.Stmt, name: str) -> bool:
        """True when another variable may hold what is moved, or a part of it, at that time: it got
        it in front of that, or in the same statement of the body, which may be a loop."""
        before = [
            found
            for x, found in joins
            if order[x.uid] < order[s.uid] or around[x.uid] == around[s.uid]
        ]
        return _Groups(before).has_others(name)

    # who holds what is moved, or a part of it, still does
    while True:
        here = [x for x in moves if groups.has_others(x[1][1]) and held(x[0], x[1][1])]
        if not here:
            return groups.of
        joins += here
        moves = [x for x in moves if x not in here]
        groups = _Groups(found for _, found in joins)


class _Groups:
    """Groups of names, of which some were said to belong together."""

    def __init__(self, joined: Iterable[Sequence[str]]) -> None:
        self.above: dict[str, str] = {}
        for first, *others in joined:
            for x in others:
                self.above[self.of(x)] = self.of(first)

    def of(self, name: str) -> str:
        """Return a name for all of the group that a name belongs to."""
        while (up := self.above.get(name, name)) != name:
            name = up
        return name

    def has_others(self, name: str) -> bool:
        """True when a name does not make a group by itself."""
        return any(self.of(x) == self.of(name) for x in self.above if x != name) or (
            self.of(name) != name
        )


def _joined(s: n.Stmt, steps: Steps) -> Iterator[list[str]]:
    """Yield variables that may hold one object, or its parts, once a statement has run."""
    found: list[list[str]] = []
    if isinstance(s, n.Assign):
        for target in [x for t in s.targets for x in sorted(names(container_of(t)))]:
            found.append([target, *sorted(_handed(s.value, steps))])
        for t in s.targets:
            if isinstance(t, (n.TupleExpr, n.ListExpr)):
                found.append(sorted(target_names(t)))
    elif isinstance(s, n.For):
        found.append([*target_names(s.target), *sorted(_handed(s.iter, steps))])
    elif isinstance(s, n.Append):
        found.append([s.stack, *sorted(_handed(s.value, steps))])
    elif isinstance(s, n.Pop):
        found.append([s.stack, *target_names(s.target)])
    for every in found:
        group = [x for x in every if not steps.number(x)]
        if len(group) > 1:
            yield group


def _moved(block: n.Block, steps: Steps) -> Iterator[int]:
    """Yield assignments of what another variable holds, which holds something else by its next use.

    What it holds then may have been moved as well: `a = b`, `b = c`, `c = zeros(n)`.
    """
    for k, s in enumerate(block):
        if not isinstance(s, n.Assign) or not isinstance(s.value, n.Name):
            continue
        if len(s.targets) > 1 or not isinstance(s.targets[0], n.Name) or s.targets[0] == s.value:
            continue
        for later in block[k + 1 :]:
            if isinstance(later, n.Assign) and later.targets == (s.value,):
                if s.value.id not in names(later.value) or _is_new(later.value, steps):
                    yield s.uid
                break
            if leaves(later) or s.value.id in mentioned((later,)):
                break


def _read_by(s: n.Stmt) -> set[str]:
    parts = [s.iter] if isinstance(s, n.For) else stmt_exprs(s)
    return {x for e in parts for x in names(e)}


def _handed(e: n.Expr, steps: Steps) -> frozenset[str]:
    """Return the variables that hold what an expression gives, or a part of it."""
    if isinstance(e, (n.Const, n.Compare, n.Unary)) or _is_new(e, steps):
        return frozenset()
    if isinstance(e, n.Call) and e.func == n.Name("range"):
        return frozenset()
    if isinstance(e, n.Binary):
        # lists that are put together share their items
        plain = e.op not in "+*" or any(
            isinstance(x, n.Const)
            or (isinstance(x, n.Name) and (steps.number(x.id) or steps.array(x.id)))
            for x in subexprs(e)
        )
        return frozenset() if plain else names(e)
    return names(e)


# -- what is read before it is bound -------------------------------------------------------------


def first_use(block: n.Block, name: str) -> str:
    """Return whether a block may read a variable before it binds it, or surely binds it first."""
    for s in block:
        parts = list(stmt_exprs(s))
        bound = False
        if isinstance(s, n.Assign):
            bound = n.Name(name) in s.targets
            bound = bound or any(name in target_names(t) for t in s.targets)
            parts = [s.value, *(t for t in s.targets if name not in target_names(t))]
        elif isinstance(s, n.Pop):
            bound = name in target_names(s.target)
            parts = [n.Name(s.stack)] if bound else parts
        elif isinstance(s, n.For):
            parts = [s.iter]
        if any(name in names(e) for e in parts):
            return READ
        if bound:
            return BOUND
        if isinstance(s, n.For) and name in target_names(s.target):
            continue
        inner = [first_use(b, name) for b in blocks(s)]
        if READ in inner:
            return READ
        if isinstance(s, n.If) and all(x == BOUND for x in inner):
            return BOUND
    return ""


def _dies(name: str, around: Around) -> bool:
    """True when nobody reads what a loop leaves in a variable. around: where the loop is."""
    for level in range(len(around) - 1, -1, -1):
        block, k = around[level]
        found = first_use(block[k + 1 :], name)
        if found:
            return found == BOUND
        outer = around[level - 1][0][around[level - 1][1]] if level else None
        if isinstance(outer, n.While) and name in names(outer.test):
            return False
        if isinstance(outer, (n.For, n.While)) and first_use(block, name) == READ:
            return False
    return True
