"""What is kept for the reverse sweep: to-be-recorded analysis, and save or recompute.

Takes a primal block and its reverse sweep (statements marked with the primal statement they serve),
gives both with saves and restores put in. Requires `ir`.

A *version* of a variable is the value one statement of a block gives it, or the one it has at the
start of the block. A version that the reverse sweep reads and that is lost by then (another
statement overwrites the variable, or the next step of a loop does) is recomputed where its
defining expression is cheap and its operands still hold, and saved otherwise. Nothing else is kept.
After Hascoët, Naumann and Pascual, "To be recorded" analysis in reverse-mode automatic
differentiation, FGCS 21(8), 2005, on structured blocks instead of a flow graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from s2s_ad.analysis.aliasing import scattered, store_root
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.walk import assigned, names, stmt_exprs, walk_stmts

START = -1
AT_THE_END = -2  # the mark of statements that open the reverse sweep


class RecordBranch(Exception):
    """The choice of an `if` must be recorded: what its condition reads does not hold any more."""

    def __init__(self, uid: int) -> None:
        super().__init__(uid)
        self.uid = uid


@dataclass
class Recorder:
    """What recording is told about the function.

    variables: names of the primal. cheap: whether an expression may be computed again.
    lists: variables that only grow and shrink, whose content always holds. stacks: names wished for.
    """

    variables: frozenset[str]
    cheap: Callable[[n.Assign], bool]
    unassigned: Callable[[str, n.Stmt, bool], bool]
    lists: frozenset[str]
    names: Names
    operands: Callable[[n.Expr], set[str]]
    prologues: frozenset[int] = frozenset()
    wished: Mapping[str, str] = field(default_factory=dict)
    stacks: dict[str, str] = field(default_factory=dict)
    single: list[str] = field(default_factory=list)
    undefined: set[str] = field(default_factory=set)
    kept: dict[str, list[str]] = field(default_factory=dict)
    choices: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()
    copy: Callable[[str], n.Expr] = n.Name

    def value(self, name: str) -> n.Expr:
        """Return what is kept of a variable: a copy if it is changed in place."""
        return self.copy(name) if name in self.stored else n.Name(name)

    def stack(self, name: str) -> str:
        if name not in self.stacks:
            wish = self.wished.get(name)
            self.stacks[name] = wish or self.names.fresh(f"{name}_saved")
        return self.stacks[name]


@dataclass
class _Plan:
    """Insertions into a block and its reverse, by position (before statement k of the primal)."""

    save_before: dict[int, list[n.Stmt]] = field(default_factory=dict)
    save_after: dict[int, list[n.Stmt]] = field(default_factory=dict)
    restore_first: dict[int, list[n.Stmt]] = field(default_factory=dict)
    restore_last: dict[int, list[n.Stmt]] = field(default_factory=dict)
    restore_early: dict[int, list[n.Stmt]] = field(default_factory=dict)
    again_first: dict[int, list[n.Stmt]] = field(default_factory=dict)
    again_last: dict[int, list[n.Stmt]] = field(default_factory=dict)


def record(recorder: Recorder, primal: n.Block, reverse: n.Block) -> tuple[n.Block, n.Block]:
    """Return the two sweeps of a whole function with what must be kept between them."""
    block = _Block(recorder, primal, reverse, frozenset(), frozenset(), 0)
    block.outermost = True
    block.plan()
    return block.result()


class _Block:
    """One block of the primal beside its reverse.

    lost: variables whose value at the end of the block is not there when its reverse starts.
    held: variables that have their value at the start of the block throughout its reverse.
    """

    def __init__(
        self,
        recorder: Recorder,
        primal: n.Block,
        reverse: n.Block,
        lost: frozenset[str],
        held: frozenset[str],
        depth: int,
        own: frozenset[str] = frozenset(),
        forced: frozenset[str] = frozenset(),
    ) -> None:
        self.outermost = False
        self.forced = forced
        self.recorder = recorder
        self.primal = list(primal)
        self.lost = lost
        self.held = held
        self.depth = depth
        self.own = own
        self.position = {s.uid: k for k, s in enumerate(self.primal)}
        self.groups: dict[int, list[n.Stmt]] = {}
        for r in reverse:
            k = self.position.get(r.of if r.of is not None else START, START)
            if r.of == AT_THE_END:
                k = len(self.primal)
            self.groups.setdefault(k, []).append(r)
        self.kills = [self.killed(s) for s in self.primal]
        self.reads: dict[tuple[str, int], set[int]] = {}
        self.inner: dict[int, list[_Block]] = {}
        self.entry: set[str] = set()
        self.insert = _Plan()
        self.after_reads: dict[int, set[str]] = {}
        self.remade: dict[int, set[str]] = {}
        self.shapes: dict[int, set[str]] = {}
        self.automatic: set[tuple[int, str]] = set()
        self.written_back: set[str] = set()

    def killed(self, s: n.Stmt) -> frozenset[str]:
        changed = assigned((s,)) - self.stack_only(s)
        for x in walk_stmts((s,)):
            changed |= stored_into(x)
        return frozenset(changed) & self.recorder.variables

    def stack_only(self, s: n.Stmt) -> set[str]:
        """Return lists that `s` appends to or pops from without binding them anew."""
        stacks = {x.stack for x in walk_stmts((s,)) if isinstance(x, (n.Append, n.Pop))}
        bound: set[str] = set()
        for x in walk_stmts((s,)):
            if not isinstance(x, (n.Append, n.Pop)):
                bound |= assigned((_flat(x),))
        return stacks - bound

    # -- reads

    def read_names(self, statements: list[n.Stmt]) -> set[str]:
        """Return the primal variables that statements of the reverse sweep read."""
        found: set[str] = set()
        for s in statements:
            found |= _reads(s)
        return found & self.recorder.variables

    def plan(self) -> None:
        """Decide what is kept. Fills `entry`: variables whose value at the start is needed."""
        before: dict[int, set[str]] = {}
        after: dict[int, set[str]] = {}
        uses: dict[tuple[str, int], set[int]] = {}
        for k, group in self.groups.items():
            if k in (START, len(self.primal)):
                before.setdefault(k, set()).update(self.read_names(group))
                continue
            s = self.primal[k]
            reads, out_reads = self.group_reads(k, s, group)
            before[k] = reads
            after[k] = out_reads
            shapes = self.shapes.get(k, set())
            for v in shapes:
                made = k if v in self.kills[k] else self.version(v, k)
                uses.setdefault((v, made), set()).add(k)
        self.after_reads = after

        def use(v: str, k: int) -> None:
            uses.setdefault((v, self.version(v, k)), set()).add(k)

        for k, vs in before.items():
            for v in vs:
                use(v, k)
        for k, vs in after.items():
            for v in vs:
                uses.setdefault((v, k if v in self.kills[k] else self.version(v, k)), set()).add(k)
        for v in self.forced:
            kill = self.next_kill(v, START)
            assert kill is not None
            uses.setdefault((v, START), set()).add(kill)
        self.uses = uses
        self.discharge(use)
        for (v, d), where in self.uses.items():
            if d == START and where and v not in self.own:
                self.entry.add(v)

    def version(self, v: str, k: int) -> int:
        """Return which statement made the value that `v` has before statement `k`."""
        for j in range(min(k, len(self.primal)) - 1, -1, -1):
            if v in self.kills[j]:
                return j
        return START

    def next_kill(self, v: str, d: int) -> int | None:
        for j in range(d + 1, len(self.primal)):
            if v in self.kills[j]:
                return j
        return None

    def group_reads(self, k: int, s: n.Stmt, group: list[n.Stmt]) -> tuple[set[str], set[str]]:
        """Return what the reverse of `s` reads: values from before it, and values it made."""
        compound = [r for r in group if isinstance(r, (n.If, n.For)) and isinstance(s, (n.If, n.For, n.While))]
        simple = [r for r in group if r not in compound]
        reads = self.read_names(simple)
        before: set[str] = set()
        after: set[str] = set()
        if isinstance(s, (n.If, n.For, n.While)):
            # a zero in front of the reverse of a loop or branch has the shape found there, and is
            # written before anything is restored
            self.shapes[k] = reads
            for r in compound:
                more, made = self.compound_reads(k, s, r)
                before |= more
                after |= made
        else:
            needs = self.operands(s)
            for v in reads:
                if v in self.kills[k] and v not in needs:
                    after.add(v)
                else:
                    before.add(v)
        return before, after

    def operands(self, s: n.Stmt) -> set[str]:
        """Return what a statement reads: its reverse means those values, not the ones it makes."""
        if stored_into(s):
            # the element is read as it was before, whatever the statement does to it
            return {v for e in stmt_exprs(s) for v in self.recorder.operands(e)}
        if isinstance(s, n.AugAssign):
            return self.recorder.operands(s.value) | names(s.target)
        return self.recorder.operands(s.value) if isinstance(s, n.Assign) else set()

    # -- compound statements

    def compound_reads(self, k: int, s: n.Stmt, r: n.Stmt) -> tuple[set[str], set[str]]:
        if isinstance(s, n.If) and isinstance(r, n.If):
            return self.if_reads(k, s, r)
        if isinstance(s, (n.For, n.While)) and isinstance(r, n.For):
            return self.loop_reads(k, s, r)
        raise AssertionError("the reverse of a branch is a branch, of a loop a loop")

    def lost_after(self, k: int) -> frozenset[str]:
        """Return the variables whose value after statement `k` may be gone on the way back."""
        later: set[str] = set(self.lost)
        for kills in self.kills[k + 1 :]:
            later |= kills
        return frozenset(later)

    def if_reads(self, k: int, s: n.If, r: n.If) -> tuple[set[str], set[str]]:
        tests = set().union(*(names(b.test) for b in r.branches)) & self.recorder.variables
        pairs = list(zip([*(b.body for b in s.branches), s.orelse], [*(b.body for b in r.branches), r.orelse]))
        lost = self.lost_after(k)

        def build(held: frozenset[str], forced: frozenset[str] = frozenset()) -> list[_Block]:
            blocks = []
            for primal, reverse in pairs:
                inner = _Block(self.recorder, primal, reverse, lost, held, self.depth, self.own)
                inner.forced = forced & frozenset().union(*inner.kills)
                inner.plan()
                blocks.append(inner)
            return blocks

        # a variable is restored in front of the whole branch unless the branch makes values of it
        # that its own reverse reads
        trial = build(self.held & self.kills[k])
        made = set().union(*(b.makes() for b in trial))
        hoisted = frozenset(self.kills[k] - made)
        inner = build(hoisted)
        while set().union(*(b.makes() for b in inner)) & hoisted:
            hoisted -= set().union(*(b.makes() for b in inner))
            inner = build(hoisted)
        # one branch needs the value at its start and others overwrite it: each restores it
        entry = set().union(*(b.entry for b in inner)) | tests
        inner = build(hoisted, frozenset((entry & self.kills[k]) - hoisted))
        self.inner[k] = inner
        self.remade[k] = set().union(*(b.makes() for b in inner)) & self.kills[k]
        entry = set().union(*(b.entry for b in inner))
        after = tests & self.recorder.choices
        tests -= after
        before = entry | tests
        for v in (before & self.kills[k]) - hoisted:
            if v in tests:
                raise RecordBranch(s.uid)
            after.add(v)
            self.automatic.add((k, v))
        return before, after

    def makes(self) -> set[str]:
        """Return the variables that the reverse of this block gives other values than at its start."""
        found = {v for (v, d), where in self.uses.items() if d != START and where}
        for blocks in self.inner.values():
            for b in blocks:
                found |= b.makes()
        return found | self.written_back | {v for _, v in self.automatic}

    def loop_reads(self, k: int, s: n.For | n.While, r: n.For) -> tuple[set[str], set[str]]:
        changed = self.kills[k]
        index = frozenset(_bound_names(r.target))
        prologue = {v for x in r.body if x.uid in self.recorder.prologues and isinstance(x, n.Assign) for v in _bound_names(x.targets[0])}
        own = index | prologue
        header = (names(r.iter) & self.recorder.variables)
        reverse = tuple(x for x in r.body if x.uid not in self.recorder.prologues)
        body_kills = frozenset().union(*(self.killed(x) for x in s.body)) - own
        carried: frozenset[str] = frozenset()
        block = self.loop_block(s, reverse, body_kills, own, carried)
        for _ in range(4):
            wanted = frozenset(block.entry) & body_kills
            if wanted <= carried:
                break
            carried |= wanted
            block = self.loop_block(s, reverse, body_kills, own, carried)
        self.inner[k] = [block]
        self.written_back |= set(own)
        used = {v for v in prologue if v in block.entry_own()}
        for x in r.body:
            if x.uid in self.recorder.prologues and isinstance(x, n.Assign):
                if _bound_names(x.targets[0]) & used:
                    header |= names(x.value) & self.recorder.variables - index
        # a counter of the steps is read as the loop left it
        after = header & changed - own
        before = (header | block.entry) - own - after
        for v in carried:
            self.automatic.add((k, v))
            if block.end_used(v):
                after.add(v)
        return before, after

    def loop_block(
        self,
        s: n.For | n.While,
        reverse: n.Block,
        kills: frozenset[str],
        own: frozenset[str],
        carried: frozenset[str],
    ) -> _Block:
        block = _Block(self.recorder, s.body, reverse, kills - carried, frozenset(), self.depth + 1, own, carried)
        block.plan()
        return block

    def entry_own(self) -> set[str]:
        """Return the loop targets that the reverse of the body reads."""
        found = {v for (v, d), where in self.uses.items() if d == START and where and v in self.own}
        for blocks in self.inner.values():
            for b in blocks:
                found |= b.entry_own()
        return found

    def end_used(self, v: str) -> bool:
        """True when the value `v` has at the end of the block is read by the reverse of the block."""
        last = self.version(v, len(self.primal))
        return last != START and bool(self.uses.get((v, last)))

    # -- save or recompute

    def discharge(self, use: Callable[[str, int], None]) -> None:
        """Recompute or save each version that is read and lost, the last made first."""
        done: set[tuple[str, int]] = set()
        while True:
            todo = sorted(
                (key for key, where in self.uses.items() if where and key not in done),
                key=lambda key: (key[1], key[0]),
            )
            if not todo:
                return
            v, d = todo[-1]
            done.add((v, d))
            if v in self.recorder.lists and not self.rebinds(v):
                continue
            kill = self.next_kill(v, d)
            if kill is None and v not in self.lost:
                continue
            if d == START and (v in self.held or kill is None):
                continue
            if kill is not None and (kill, v) in self.automatic:
                # restored on the way, unless the loop or branch did not change it at all
                earlier = any(k < kill for k in self.uses[(v, d)])
                if earlier or (d == START and not self.outermost):
                    self.uses.setdefault((v, kill), set()).add(kill)
                continue
            if d != START and self.recompute(v, d, kill, use):
                continue
            self.save(v, d, kill)

    def rebinds(self, v: str) -> bool:
        return any(v in kills for kills in self.kills)

    def recompute(self, v: str, d: int, kill: int | None, use: Callable[[str, int], None]) -> bool:
        """Put `v = <its definition>` in the reverse sweep, as soon as its operands are there."""
        if not self.can_repeat(v, d):
            return False
        s = self.primal[d]
        assert isinstance(s, n.Assign)
        operands = names(s.value) & self.recorder.variables
        place = self.available(v, d)
        if any(k > place for k in self.uses[(v, d)]):
            return False
        late = any(
            self.is_late(o, place) and self.next_kill(o, d) == place for o in (*operands, v)
        )
        if late and place in self.uses[(v, d)]:
            return False
        again = n.Assign(
            s.targets, s.value, comments=replace(n.NO_COMMENTS, trailing="# recomputed"), of=s.uid
        )
        where = self.insert.again_last if late else self.insert.again_first
        where.setdefault(place, []).insert(0, again)
        for o in operands:
            use(o, place)
        return True

    def available(self, v: str, d: int) -> int:
        """Return before which statement a definition can first be evaluated again, going back.

        Its operands must hold there: those overwritten later have been restored, and those
        that are computed again themselves can be.
        """
        s = self.primal[d]
        assert isinstance(s, n.Assign)
        kill = self.next_kill(v, d)
        place = len(self.primal) if kill is None else kill
        for o in names(s.value) & self.recorder.variables:
            made = self.version(o, d)
            if (made == START and o in self.held) or (
                o in self.recorder.lists and not self.rebinds(o)
            ):
                continue
            gone = self.next_kill(o, d)
            if gone is not None:
                place = min(place, gone)
            elif made != START and o in self.lost and self.can_repeat(o, made):
                place = min(place, self.available(o, made))
        return place

    def is_late(self, v: str, kill: int) -> bool:
        """True when the reverse of statement `kill` needs or makes other values of `v` first."""
        return v in self.after_reads.get(kill, ()) or v in self.remade.get(kill, ())

    def can_repeat(self, v: str, d: int) -> bool:
        """True when statement `d` defines `v` by an expression that is cheap to evaluate again."""
        s = self.primal[d]
        return (
            isinstance(s, n.Assign)
            and len(s.targets) == 1
            and s.targets[0] == n.Name(v)
            and v not in names(s.value)
            and self.recorder.cheap(s)
        )

    def save(self, v: str, d: int, kill: int | None) -> None:
        """Keep the version of `v` made by statement `d` and bring it back."""
        recorder = self.recorder
        at = kill if kill is not None and (d == START or not self.depth) else d
        of = self.primal[at].uid
        if self.depth:
            stack = recorder.stack(v)
            recorder.kept.setdefault(stack, []).append(v)
            keep: n.Stmt = n.Append(stack, recorder.value(v), of=of)
            back: n.Stmt = n.Pop(n.Name(v), stack, of=of)
        else:
            kept = recorder.names.fresh(f"{v}_saved")
            recorder.single.append(kept)
            recorder.kept.setdefault(kept, []).append(v)
            keep = n.Assign((n.Name(kept),), recorder.value(v), of=of)
            back = n.Assign((n.Name(v),), n.Name(kept), of=of)
        if recorder.unassigned(v, self.primal[at], at == d):
            recorder.undefined.add(v)
        if at == kill:
            self.insert.save_before.setdefault(kill, []).append(keep)
            loop = isinstance(self.primal[kill], (n.For, n.While))
            late = loop or self.is_late(v, kill)
            place = kill
        else:
            self.insert.save_after.setdefault(d, []).append(keep)
            place = max(self.uses[(v, d)])
            late = place == kill and self.is_late(v, place)
            if place != kill:
                self.insert.restore_early.setdefault(place, []).append(back)
                return
        where = self.insert.restore_last if late else self.insert.restore_first
        where.setdefault(place, []).append(back)

    # -- the result

    def result(self) -> tuple[n.Block, n.Block]:
        forward: list[n.Stmt] = []
        for k, s in enumerate(self.primal):
            forward.extend(self.insert.save_before.get(k, ()))
            after = self.insert.save_after.get(k, [])
            forward.append(before_exits(self.with_inner(k, s), after))
            forward.extend(after)
        reverse: list[n.Stmt] = []
        for k in range(len(self.primal), -1, -1):
            group = list(self.groups.get(k, ()))
            reverse.extend(self.insert.restore_early.get(k, ()))
            while k in self.shapes and group and not isinstance(group[0], (n.If, n.For)):
                reverse.append(group.pop(0))
            reverse.extend(self.insert.restore_first.get(k, ()))
            reverse.extend(self.insert.again_first.get(k, ()))
            for r in group:
                reverse.append(self.reverse_inner(k, r))
            reverse.extend(self.insert.restore_last.get(k, ()))
            reverse.extend(self.insert.again_last.get(k, ()))
        reverse.extend(self.groups.get(START, ()))
        return tuple(forward), tuple(reverse)

    def with_inner(self, k: int, s: n.Stmt) -> n.Stmt:
        inner = self.inner.get(k)
        if inner is None:
            return s
        results = [b.result()[0] for b in inner]
        if isinstance(s, n.If):
            branches = tuple(replace(b, body=x) for b, x in zip(s.branches, results))
            return replace(s, branches=branches, orelse=results[-1])
        assert isinstance(s, (n.For, n.While))
        return replace(s, body=results[0])

    def reverse_inner(self, k: int, r: n.Stmt) -> n.Stmt:
        inner = self.inner.get(k)
        if inner is None or not isinstance(r, (n.If, n.For)):
            return r
        results = [b.result()[1] for b in inner]
        if isinstance(r, n.If):
            branches = tuple(replace(b, body=x) for b, x in zip(r.branches, results))
            return replace(r, branches=branches, orelse=results[-1])
        used = inner[0].entry_own()
        start = tuple(
            x
            for x in r.body
            if x.uid in self.recorder.prologues
            and isinstance(x, n.Assign)
            and _bound_names(x.targets[0]) & used
        )
        return replace(r, body=(*start, *results[0]))


def before_exits(s: n.Stmt, saves: list[n.Stmt]) -> n.Stmt:
    """Put what is saved after a branch in front of each `break` or `continue` inside it too."""
    if not saves or not isinstance(s, n.If):
        return s

    def ended(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for x in block:
            if isinstance(x, (n.Break, n.Continue)):
                out.extend(replace(save, uid=n.fresh_uid()) for save in saves)
            out.append(before_exits(x, saves))
        return tuple(out)

    branches = tuple(replace(b, body=ended(b.body)) for b in s.branches)
    return replace(s, branches=branches, orelse=ended(s.orelse))


def stored_into(s: n.Stmt) -> set[str]:
    """Return the variables whose elements a simple statement changes."""
    found: set[str | None] = set()
    if isinstance(s, n.Assign):
        found = {store_root(t) for t in s.targets}
    elif isinstance(s, n.AugAssign):
        found = {store_root(s.target)}
    elif (added := scattered(s)) is not None:
        found = {store_root(n.Subscript(added[0], added[1]))}
    return {x for x in found if x is not None}


def _flat(s: n.Stmt) -> n.Stmt:
    if isinstance(s, n.If):
        return replace(s, branches=tuple(replace(b, body=()) for b in s.branches), orelse=())
    if isinstance(s, (n.For, n.While)):
        return replace(s, body=(), orelse=())
    if isinstance(s, n.With):
        return replace(s, body=())
    if isinstance(s, n.Try):
        return n.Pass()
    return s


def _bound_names(target: n.Expr) -> set[str]:
    from s2s_ad.ir.walk import target_names

    return set(target_names(target))


def _reads(s: n.Stmt) -> set[str]:
    """Return the names a reverse statement reads; what it merely binds is not read."""
    if isinstance(s, n.Assign):
        found = names(s.value)
        for target in s.targets:
            found |= _index_reads(target)
        return found
    if isinstance(s, n.AugAssign):
        return names(s.value) | _index_reads(s.target)
    if isinstance(s, n.Pop):
        return _index_reads(s.target)
    found = set()
    for x in walk_stmts((s,)):
        if x is s or not isinstance(x, (n.Assign, n.AugAssign, n.Pop)):
            for e in stmt_exprs(x):
                found |= names(e)
        else:
            found |= _reads(x)
    return found


def _index_reads(target: n.Expr) -> set[str]:
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        return set().union(*(_index_reads(t) for t in target.items))
    if isinstance(target, (n.Subscript, n.Attribute)):
        return names(target)
    return set()
