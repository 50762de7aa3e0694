"""What the reverse sweep would compute again is named once.

Takes the body of a generated function, gives it with names for values that are computed twice, once
at least in the reverse sweep: a call, or much arithmetic, whose operands hold from one place to the
other. Requires `ir`.

    y = math.exp(-x) * x                            exp = math.exp(-x)
    x_bar = y_bar * math.exp(-x) * (1.0 - x)   →    y = exp * x
                                                    x_bar = y_bar * exp * (1.0 - x)

The primal keeps its bits: it is the same expression, evaluated once. An array gets no second name
by this: only operands of arithmetic and arguments of functions that make something new are
replaced, so that a buffer which is added to in place still belongs to one variable.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, sole_target, stored_by
from s2s_ad.ir.names import BlockNames
from s2s_ad.ir.remembered import made_at_once, remembered, replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    children,
    container_of,
    inside,
    map_block,
    names,
    stmt_exprs,
    subexprs,
    walk_stmts,
)
from s2s_ad.simplify.evaluated import visit_statement

GAIN = 4  # operations that a name must save
CALL = 4  # operations that a call counts for
GATHER = 2  # and an index that is an array
LARGE = 100  # what has more parts is not compared
NUMBERS = frozenset("len abs float int bool range min max isinstance".split())
CHEAP = NUMBERS | {"reversed"}
MATH = n.Name("math")
LOOP = 3  # how often a loop is taken to run


@dataclass(frozen=True)
class Sharing:
    """What sharing is told.

    back: uids of the statements of the reverse sweep. all: whether a value that only the others
    compute twice gets a name too. helper: whether a function of that name
    never gives an iterator. pure: whether an expression has no effect
    and the same value each time. fresh: whether a call makes something new. number: whether a
    variable is certainly a number. array: whether it certainly is an array, with a differential.
    called: what the value of an expression is to be called.
    name: a name that is not in use, the wanted one or that with a number. least: operations of what
    may get a name. held: those that must be saved where a variable holds the value anyway.
    buffers: whether stores of the reverse sweep go to buffers of their own. ours: whether a
    variable is none of the user: two of one value are one.
    """

    back: frozenset[int]
    pure: Callable[[n.Expr], bool]
    fresh: Callable[[n.Call], bool]
    number: Callable[[str], bool]
    called: Callable[[n.Expr], str]
    name: Callable[[str], str]
    all: bool = False
    array: Callable[[str], bool] = lambda name: False
    helper: Callable[[str], bool] = NUMBERS.__contains__
    least: int = 3
    held: int = 1
    buffers: bool = True
    ours: Callable[[str], bool] = lambda name: False


_Note = tuple[n.Expr, bool, bool, str]


@made_at_once
@dataclass(frozen=True)
class _Site:
    """Where an expression is evaluated: under statement `k` of a block, `times` times.

    own: by that statement itself. usable: a name may stand there. start: the name may be made
    there. holder: the variable that is given just this value. alias: a name may stand there if
    what it names is never changed in place.
    """

    k: int
    own: bool
    times: int
    usable: bool
    start: bool
    back: bool
    holder: str = ""
    alias: bool = False


@dataclass(frozen=True)
class _Stretch:
    """The statements of a block that evaluate an expression while it has one value.

    first: where it is made. end: the statement that may change it. holder: the variable that has
    it already. saved: how many evaluations a name saves.
    """

    expr: n.Expr
    first: int
    places: tuple[int, ...]
    end: int
    holder: str
    saved: int


class _Ends:
    """Where a block gives variables other values, may change in place what others hold, and loops:
    the places of such statements in order."""

    def __init__(self, kills: list[tuple[set[str], bool]], block: n.Block) -> None:
        self.size = len(block)
        self.effects = [k for k, (_, effect) in enumerate(kills) if effect]
        self.loops = [k for k, s in enumerate(block) if isinstance(s, (n.For, n.While))]
        self.killed: dict[str, list[int]] = {}
        for k, (killed, _) in enumerate(kills):
            for name in killed:
                self.killed.setdefault(name, []).append(k)

    def of(self, variables: AbstractSet[str], start: int) -> int:
        """Return the first place from `start` on where one of them gets another value."""
        every = (self.killed.get(name, ()) for name in variables)
        return min((_at_or_behind(where, start, self.size) for where in every), default=self.size)


def _at_or_behind(places: Sequence[int], start: int, size: int) -> int:
    """Return the first of some ordered places that is not in front of `start`, else `size`."""
    k = bisect.bisect_left(places, start)
    return places[k] if k < len(places) else size


def share(body: n.Block, sharing: Sharing) -> tuple[n.Block, frozenset[int]]:
    """Return the body with values that the reverse sweep needs again named once, and the uids of
    the statements that are now the reverse sweep."""
    run = _Share(sharing, body)
    return run.block(body), frozenset(run.back)


class _Share:
    def __init__(self, sharing: Sharing, body: n.Block) -> None:
        self.sharing = sharing
        # a half of a derivative is given what it stores into
        self.local = assigned(body).union(*map(stored_by, body), *map(_handed_over, body))
        self.back = set(sharing.back)
        self.sizes: dict[n.Expr, int] = {}
        self.arrays: dict[n.Expr, bool] = {}
        self.written = _written(body, sharing.fresh)
        self.names = BlockNames(sharing.name)
        self.depth = 0  # of loops of the reverse sweep around a block
        # what a statement evaluates itself, by its identity: others are named meanwhile
        self.noted: dict[int, tuple[n.Stmt, list[_Note]]] = {}

    def block(self, block: n.Block) -> n.Block:
        if not self.sharing.all and not any(s.uid in self.back for s in walk_stmts(block)):
            return block
        while stretches := self.worth(block):
            block = self.named(block, stretches)
        return tuple(self.inside(s) for s in block)

    def inside(self, s: n.Stmt) -> n.Stmt:
        def within(k: int, block: n.Block) -> n.Block:
            outside, self.names.path = self.names.path, (*self.names.path, s.uid, k)
            block = self.block(block)
            self.names.path = outside
            return block

        if isinstance(s, n.If):
            branches = tuple(replace(b, body=within(k, b.body)) for k, b in enumerate(s.branches))
            return replace(s, branches=branches, orelse=within(-1, s.orelse))
        if isinstance(s, (n.For, n.While)):
            self.depth += s.uid in self.back
            s = replace(s, body=within(0, s.body), orelse=within(1, s.orelse))
            self.depth -= s.uid in self.back
        return s

    def name(self, e: n.Expr) -> str:
        """Return a name for the value of an expression; blocks apart from each other may share."""
        return self.names.fresh(self.sharing.called(e))

    # -- what is worth a name

    def worth(self, block: n.Block) -> list[_Stretch]:
        """Return the expressions that are worth a name, no one a part of another."""
        sites: dict[n.Expr, list[_Site]] = {}
        for k, s in enumerate(block):
            self.gather(s, k, True, 1, sites)
        several = {e: where for e, where in sites.items() if len(where) > 1}
        if not several:
            return []
        own = self.back if self.sharing.buffers else set[int]()
        ends = _Ends([kills_of(s, own, self.sharing.pure) for s in block], block)
        found = [x for e, sites in several.items() for x in self.stretches(e, sites, ends)]
        chosen: list[_Stretch] = []
        parts: dict[n.Expr, list[tuple[int, int]]] = {}
        saved: dict[n.Expr, int] = {}
        for x in found:
            saved[x.expr] = max(x.saved, saved.get(x.expr, 0))
        for stretch in sorted(found, key=lambda x: (-self.size(x.expr), x.first)):
            # a part that is needed more often gets a name first, and costs nothing any more
            rest = self.size(stretch.expr) - sum(
                self.size(e) for e in set(subexprs(stretch.expr)) if saved.get(e, 0) > stretch.saved
            )
            first, last = stretch.first, max((stretch.first, *stretch.places))
            apart = all(last < a or b < first for a, b in parts.get(stretch.expr, ()))
            if apart and rest * stretch.saved >= self.gain(stretch.holder):
                chosen.append(stretch)
                for part in set(subexprs(stretch.expr)):
                    parts.setdefault(part, []).append((first, last))
        return chosen

    def gather(
        self, s: n.Stmt, k: int, own: bool, times: int, sites: dict[n.Expr, list[_Site]]
    ) -> None:
        """Note the expressions that a statement evaluates, those of its blocks included."""
        back = s.uid in self.back
        for e, sure, usable, holder in self.notes(s):
            alias = bool(holder) and holder not in self.written
            start = own and sure and (usable or bool(holder))
            site = _Site(k, own, times, usable, start, back, holder, alias)
            sites.setdefault(e, []).append(site)
        if isinstance(s, (n.Try, n.With, n.While)):
            return
        for inner in blocks(s):
            for x in inner:
                self.gather(x, k, False, times * LOOP if isinstance(s, n.For) else times, sites)

    def notes(self, s: n.Stmt) -> list[_Note]:
        """Return the expressions that a statement evaluates itself, in order: whether always,
        whether a name may stand there, and the variable that is given just this value."""
        if id(s) in self.noted:
            return self.noted[id(s)][1]
        found: list[_Note] = []
        target = sole_target(s)

        def note(e: n.Expr, sure: bool, consumed: bool) -> None:
            if self.size(e) >= self.sharing.least and self.sharing.pure(e):
                whole = target is not None and isinstance(s, n.Assign) and e is s.value
                holder = target if whole and target is not None and target not in names(e) else ""
                found.append((e, sure, consumed or self.gives_number(e), holder))

        visit_statement(s, note, self.sharing)
        self.noted[id(s)] = s, found
        return found

    def stretches(self, e: n.Expr, sites: list[_Site], ends: _Ends) -> Iterator[_Stretch]:
        """Yield the stretches over which a name for `e` saves enough, one behind the other."""
        operands = names(e) & self.local
        number = self.is_number(e)
        after = -1
        for at, start in enumerate(sites):
            if not start.start or start.k <= after:
                continue
            held = operands | ({start.holder} if start.holder else set())
            end = start.k
            if ends.of(operands, start.k) > start.k:
                stops = [ends.of(held, start.k + 1)]
                if not number:
                    stops.append(_at_or_behind(ends.effects, start.k + 1, ends.size))
                elif not start.back:
                    # a number is computed again rather than kept through a loop
                    stops.append(_at_or_behind(ends.loops, start.k + 1, ends.size))
                end = min(stops)
            after = min(end, ends.size - 1)
            first = at
            while first and sites[first - 1].k == start.k:
                first -= 1
            # what a statement evaluates itself, it evaluates before it changes anything
            beyond = bisect.bisect_right(sites, end, first, key=_place)
            inside = [
                x
                for x in sites[first:beyond]
                if (x.own or x.k < end)
                and (x.usable or x is start or (x.alias and start.holder not in self.written))
                and not (start.holder and x.k == start.k and x is not start)
            ]
            saved = sum(x.times for x in inside) - 1
            enough = saved * self.size(e) >= self.gain(start.holder)
            ours = [x for x in inside if x.holder and self.sharing.ours(x.holder)]
            twice = len(ours) > 1 and all(map(self.is_computed, operands))
            if enough and (self.sharing.all or twice or any(x.back for x in inside)):
                places = sorted({x.k for x in inside if not (x is start and x.holder)})
                yield _Stretch(e, start.k, tuple(places), end, start.holder, saved)

    def gain(self, holder: str) -> int:
        """Return how many operations a name must save."""
        return self.sharing.held if holder else GAIN - (self.depth > 0)

    def is_computed(self, name: str) -> bool:
        """True for a number or an array: what is read of it is not used up, as an iterator is."""
        return self.sharing.number(name) or self.sharing.array(name)

    def gives_number(self, e: n.Expr) -> bool:
        """True when the value of an expression certainly is a number, whatever it is chosen by."""
        if isinstance(e, n.IfExp):
            return self.gives_number(e.body) and self.gives_number(e.orelse)
        return self.is_number(e)

    def is_number(self, e: n.Expr) -> bool:
        """True when an expression certainly gives a number: nothing can change it in place."""
        functions: set[n.Expr] = {MATH}
        for x in subexprs(e):
            if isinstance(x, n.Name):
                if x not in functions and not self.sharing.number(x.id):
                    return False
            elif isinstance(x, n.Call):
                func = x.func
                functions.add(func)
                plain = isinstance(func, n.Attribute) and func.value == MATH
                if not plain and not (isinstance(func, n.Name) and func.id in NUMBERS):
                    return False
            elif isinstance(x, n.Attribute):
                if x not in functions:
                    return False
            elif not isinstance(x, (n.Const, n.Binary, n.Unary, n.Compare, n.IfExp)):
                return False
        return True

    def size(self, e: n.Expr) -> int:
        """Return how many operations an expression costs; 0 for what is no candidate."""
        candidate = isinstance(e, (n.Call, n.Binary, n.IfExp))
        return self.work(e) if candidate and not _is_large(e) else 0

    def work(self, e: n.Expr) -> int:
        """Return how many operations an expression costs with all its parts."""
        found = self.sizes.get(e)
        if found is None:
            found = self.sizes[e] = self.cost(e) + sum(map(self.work, children(e)))
        return found

    def cost(self, e: n.Expr) -> int:
        if isinstance(e, n.Call):
            return 1 if isinstance(e.func, n.Name) and e.func.id in CHEAP else CALL
        if isinstance(e, n.Binary):
            costly = e.op == "@" or (e.op == "**" and names(e.right))
            return CALL if costly or self.is_array(e) else 1
        if isinstance(e, n.Subscript):
            # an index that is an array gathers
            return 0 if all(map(self.sharing.number, names(e.index))) else GATHER
        if isinstance(e, n.IfExp):
            return 2  # it is long to read besides
        return 1 if isinstance(e, (n.Unary, n.Compare)) else 0

    def is_array(self, e: n.Expr) -> bool:
        """True for arithmetic on an array: it costs as much as a call."""
        if isinstance(e, n.Name):
            return self.sharing.array(e.id)
        if isinstance(e, n.Binary):
            if e not in self.arrays:
                self.arrays[e] = self.is_array(e.left) or self.is_array(e.right)
            return self.arrays[e]
        if isinstance(e, n.Unary):
            return self.is_array(e.operand)
        if isinstance(e, n.Subscript):
            items = e.index.items if isinstance(e.index, n.TupleExpr) else (e.index,)
            return any(isinstance(x, n.Slice) for x in items) and self.is_array(e.value)
        return isinstance(e, n.Attribute) and e.attr == "T" and self.is_array(e.value)

    # -- the new block

    def named(self, block: n.Block, stretches: list[_Stretch]) -> n.Block:
        """Return the block in which each expression is computed once, where it is first needed."""
        out = list(block)
        made: dict[int, list[n.Stmt]] = {}
        gone: set[int] = set()
        for stretch in sorted(stretches, key=lambda x: x.first):
            goal = self.goal(stretch, block)
            gone |= {stretch.places[-1]} if goal else set()
            name = n.Name(stretch.holder or goal or self.name(stretch.expr))
            self.local.add(name.id)
            swapped = self.swapping(stretch.expr, name)
            for k in stretch.places[: -1 if goal else None]:
                whole = k < stretch.end and not isinstance(out[k], (n.Try, n.With))
                (out[k],) = map_block((out[k],), swapped) if whole else swapped(out[k])
            if not stretch.holder:
                first = block[stretch.first]
                again = first.comments.trailing == "# recomputed"
                of = None if again else first.of
                new = n.Assign((name,), stretch.expr, origin=first.origin, of=of)
                made.setdefault(stretch.first, []).append(new)
                if first.uid in self.back:
                    self.back.add(new.uid)
        for k, news in made.items():
            before = out[k].comments.before
            out[k] = replace(out[k], comments=replace(out[k].comments, before=()))
            news[0] = replace(news[0], comments=replace(n.NO_COMMENTS, before=before))
        return tuple(
            x
            for k, s in enumerate(out)
            for x in (*made.get(k, ()), s)
            if x is not s or k not in gone
        )

    def goal(self, stretch: _Stretch, block: n.Block) -> str:
        """Return the variable that is given the value in the end, where it may have it at once.

        A function called gives a better name: `solve` says more than `value_bar`.
        """
        if stretch.holder or isinstance(stretch.expr, n.Call):
            return ""
        last = block[stretch.places[-1]] if stretch.places else None
        goal = sole_target(last) if isinstance(last, n.Assign) else None
        if goal is None or last is None or last.uid not in self.back:
            return ""
        apart = goal not in mentioned(block[stretch.first : stretch.places[-1]])
        whole = isinstance(last, n.Assign) and last.value == stretch.expr
        quiet = last.comments == n.NO_COMMENTS and goal not in names(stretch.expr)
        return goal if whole and quiet and apart else ""

    def swapping(self, e: n.Expr, name: n.Name) -> Callable[[n.Stmt], tuple[n.Stmt, ...]]:
        """Return what puts a name for `e` where one may stand in a statement."""
        number = self.gives_number(e)

        def swap(x: n.Expr, sure: bool, consumed: bool) -> n.Expr | None:
            return name if x == e and (consumed or number) else None

        def swapped(s: n.Stmt) -> tuple[n.Stmt, ...]:
            target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
            if isinstance(s, n.Assign) and s.value == e and isinstance(target, n.Name):
                safe = not {target.id, name.id} & self.written
                alias = number or (target.id not in names(e) and safe)
                return (replace(s, value=name) if alias else s,)
            return (visit_statement(s, swap, self.sharing),)

        return swapped


def _handed_over(s: n.Stmt) -> frozenset[str]:
    """Return the variables that statements hand to a call that is made for its effect."""
    every = (x.value for x in walk_stmts((s,)) if isinstance(x, n.ExprStmt))
    calls = [e for e in every if isinstance(e, n.Call)]
    return frozenset[str]().union(*(names(x) for e in calls for x in e.args))


@remembered
def _is_large(e: n.Expr) -> bool:
    return len(subexprs(e)) > LARGE


def _place(site: _Site) -> int:
    return site.k


def _written(body: n.Block, fresh: Callable[[n.Call], bool]) -> set[str]:
    """Return the variables whose values may be changed in place, or be given further names."""
    found: set[str] = set()
    for s in walk_stmts(body):
        if isinstance(s, n.AugAssign):
            found |= names(s.target)
        elif isinstance(s, n.Assign):
            found |= {x for t in s.targets if not isinstance(t, n.Name) for x in names(t)}
            found |= names(s.value) if isinstance(s.value, (n.Name, n.Subscript)) else set()
        elif isinstance(s, (n.ExprStmt, n.Append)):
            found |= names(s.value)
        for call in inside(s, n.Call):
            if not fresh(call):
                found |= names(call)
    return found


def kills_of(
    s: n.Stmt, back: AbstractSet[int], pure: Callable[[n.Expr], bool]
) -> tuple[set[str], bool]:
    """Return the variables that a statement gives other values, and whether it may change in
    place what other variables hold."""
    killed = assigned((s,))
    effect = False
    for x in walk_stmts((s,)):
        effect = effect or isinstance(x, (n.Try, n.With, n.Delete, n.Global))
        effect = effect or not all(pure(e) for e in stmt_exprs(x))
        if isinstance(x, (n.Assign, n.AugAssign)):
            for target in x.targets if isinstance(x, n.Assign) else (x.target,):
                root = container_of(target)
                killed |= names(root)
                # the buffer of an adjoint belongs to it alone; the user's arrays may be shared
                effect = effect or (root is not target and x.uid not in back)
        elif isinstance(x, n.ExprStmt) and isinstance(x.value, n.Call):
            # np.add.at(x_bar, index, d)
            killed |= names(x.value)
            effect = effect or x.uid not in back
    return killed, effect
