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

from collections.abc import Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names, stmt_exprs, walk_stmts
from s2s_ad.transform.keeping import Keeping, RecordBranch, Undo, before_exits
from s2s_ad.transform.level import level_definitions
from s2s_ad.transform.reading import bound_names, names_read, stored_into
from s2s_ad.transform.tries import guarded, kept_at_the_end, unless_seen
from s2s_ad.transform.versions import START, Recorder

COMPOUND = (n.If, n.For, n.While, n.With, n.Try)
NONE: frozenset[str] = frozenset()
NONE_TAKEN: frozenset[int] = frozenset()


class ReverseExit(Exception):
    """The step of a loop that breaks must be reversed too: it keeps something, or what it makes is
    read as the loop left it."""

    def __init__(self, uid: int) -> None:
        super().__init__(uid)
        self.uid = uid


def record(recorder: Recorder, primal: n.Block, reverse: n.Block) -> tuple[n.Block, n.Block]:
    """Return the two sweeps of a whole function with what must be kept between them."""
    recorder.level = level_definitions(recorder, primal)
    block = _Block(recorder, primal, reverse, frozenset(), frozenset(), 0)
    block.outermost = True
    block.plan()
    for x in block.chosen():
        recorder.stale |= x.stale
        recorder.filled |= x.filled_later
    if branches := block.kept_for_a_choice():
        raise RecordBranch(*branches)
    return block.result()


class _Block(Keeping):
    """One block of the primal beside its reverse, and the blocks inside it."""

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
        super().__init__(recorder, primal, reverse, lost, held, depth, own, forced)

    def clear(self) -> None:
        super().clear()
        self.inner: dict[int, list[_Block]] = {}
        self.deciding: dict[tuple[int, str], frozenset[int]] = {}
        self.read_at: dict[str, frozenset[int]] = {}

    def chosen(self) -> Iterator[_Block]:
        """Yield this block and those inside it, as they are planned in the end."""
        yield self
        for blocks in self.inner.values():
            for b in blocks:
                yield from b.chosen()

    # -- reads

    def read_names(self, statements: list[n.Stmt]) -> set[str]:
        """Return the primal variables that statements of the reverse sweep read."""
        found: set[str] = set()
        for s in statements:
            found |= names_read(s)
        return found & self.recorder.variables

    def plan(self) -> None:
        """Decide what is kept. Fills `entry`: variables whose value at the start is needed."""
        while True:
            try:
                return self.attempt()
            except Undo as found:
                if found.block is not self:
                    raise
                self.undone.add(found.key)
                self.clear()

    def attempt(self) -> None:
        before: dict[int, set[str]] = {}
        after: dict[int, set[str]] = {}
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
                self.use_version(v, made, k)
        self.after_reads = after
        for k, vs in before.items():
            for v in vs:
                self.use(v, k)
        for k, vs in after.items():
            for v in vs:
                self.use_version(v, k if v in self.kills[k] else self.version(v, k), k)
        for v in self.forced:
            kill = self.next_kill(v, START)
            assert kill is not None
            self.read_at[v] = frozenset(self.uses.get((v, START), ()))
            self.use_version(v, START, kill)
        for k, _ in self.undone:
            item = self.recorder.item(self.primal[k])
            for x in item.index & self.recorder.variables if item is not None else ():
                self.use(x, k)
        self.discharge()
        for (v, d), where in self.uses.items():
            if d == START and where and v not in self.own:
                self.entry.add(v)

    def group_reads(self, k: int, s: n.Stmt, group: list[n.Stmt]) -> tuple[set[str], set[str]]:
        """Return what the reverse of `s` reads: values from before it, and values it made."""
        compound = [
            r for r in group if isinstance(r, (n.If, n.For, n.With)) and isinstance(s, COMPOUND)
        ]
        simple = [r for r in group if r not in compound]
        reads = self.read_names(simple)
        before: set[str] = set()
        after: set[str] = set()
        if isinstance(s, COMPOUND):
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

    def operands(self, s: n.Stmt) -> frozenset[str]:
        """Return what a statement reads: its reverse means those values, not the ones it makes."""
        if isinstance(s, (n.Append, n.Pop)):
            return self.recorder.operands(s.value) if isinstance(s, n.Append) else NONE
        if stored_into(s):
            # the element is read as it was before, whatever the statement does to it
            return NONE.union(*map(self.recorder.operands, stmt_exprs(s)))
        if isinstance(s, n.AugAssign):
            return self.recorder.operands(s.value) | names(s.target)
        return self.recorder.operands(s.value) if isinstance(s, n.Assign) else NONE

    # -- compound statements

    def compound_reads(self, k: int, s: n.Stmt, r: n.Stmt) -> tuple[set[str], set[str]]:
        if isinstance(s, n.If) and isinstance(r, n.If):
            tests = set().union(*(names(b.test) for b in r.branches))
            return self.if_reads(k, s, tests, list(zip(_bodies(s), _bodies(r))))
        if isinstance(s, n.Try) and isinstance(r, n.If):
            ways = [s.body, *(h.body for h in s.handlers)]
            tests = set().union(*(names(b.test) for b in r.branches))
            return self.if_reads(k, s, tests, list(zip(ways, _bodies(r))))
        if isinstance(s, n.With) and isinstance(r, n.With):
            tests = set().union(*(names(manager) for manager, _ in s.items))
            return self.if_reads(k, s, tests, [(s.body, r.body)])
        if isinstance(s, (n.For, n.While)) and isinstance(r, n.For):
            return self.loop_reads(k, s, r)
        raise AssertionError("the reverse of a branch is a branch, of a loop a loop")

    def if_reads(
        self, k: int, s: n.Stmt, tests: set[str], pairs: list[tuple[n.Block, n.Block]]
    ) -> tuple[set[str], set[str]]:
        """Return the reads of blocks of which one runs, each beside its reverse."""
        tests &= self.recorder.variables
        lost = self.lost_after(k)
        # what was taken out of a loop keeps its values where that loop does
        sunk = s.uid in self.recorder.sunk
        depth = self.depth + sunk

        def build(
            lost: frozenset[str], held: frozenset[str], forced: frozenset[str] = frozenset()
        ) -> list[_Block]:
            return [
                self.planned((s.uid, j), pair, lost, held, depth, self.own, forced, False)
                for j, pair in enumerate(pairs)
            ]

        def plan(lost: frozenset[str]) -> tuple[list[_Block], frozenset[str]]:
            # a variable is restored in front of the whole branch unless the branch makes values of
            # it that its own reverse reads
            trial = build(lost, self.held & self.kills[k])
            made = set().union(*(b.makes() for b in trial))
            undone = {v for v in self.kills[k] if self.can_undo(v, k)}
            hoisted = frozenset(self.kills[k] - made - undone) if not sunk else frozenset()
            inner = build(lost, hoisted)
            while set().union(*(b.makes() for b in inner)) & hoisted:
                hoisted -= set().union(*(b.makes() for b in inner))
                inner = build(lost, hoisted)
            # one branch needs the value at its start and others overwrite it: each restores it
            entry = set().union(*(b.entry for b in inner)) | tests
            entry |= {v for j, v in self.undone if j == k}
            return build(lost, hoisted, frozenset((entry & self.kills[k]) - hoisted)), hoisted

        inner, hoisted = plan(lost)
        back = self.back_behind(k, inner) if isinstance(s, n.If) and not sunk else frozenset()
        if back:
            inner, hoisted = plan(lost - back)
        self.inner[k] = inner
        self.remade[k] = set().union(*(b.makes() for b in inner)) & self.kills[k]
        entry = set().union(*(b.entry for b in inner))
        after = tests & self.recorder.choices
        tests -= after
        if isinstance(s, n.If):
            self.note_deciding(k, s, tests)
        before = entry | tests
        for v in (before & self.kills[k]) - hoisted:
            if v in tests:
                raise RecordBranch(s.uid)
            after.add(v)
            self.automatic.add((k, v))
        return before, after | {v for v in back if any(b.end_used(v) for b in inner)}

    def back_behind(self, k: int, inner: list[_Block]) -> frozenset[str]:
        """Return what branches would keep whole as they leave it, that need not be: the stores in
        them and all behind statement `k` are taken back one by one."""
        if not self.runs_through(k, k):
            return NONE
        behind = [j for j in range(k + 1, len(self.primal)) if self.kills[j]]
        return frozenset(
            v
            for v in NONE.union(*(b.ending for b in inner))
            if all(b.takes_all_back(v) for b in inner if v in b.ending)
            and all(
                (j, v) in self.automatic or self.is_taken_back(v, j)
                for j in behind
                if v in self.kills[j]
            )
        )

    def decided(self, v: str, d: int) -> frozenset[int]:
        """Return the branches whose choice is all that a version is read for, () for more."""
        where = self.uses.get((v, d), set())
        if d == START and v in self.forced:
            # kept for the step before as well, where that reads what it left
            if not self.in_loop or self.end_used(v):
                return NONE_TAKEN
            where = where & (self.read_at[v] | where - {self.next_kill(v, START)})
        found = [self.deciding.get((k, v), NONE_TAKEN) for k in where]
        return NONE_TAKEN.union(*found) if all(found) else NONE_TAKEN

    def kept_for_a_choice(self) -> frozenset[int]:
        """Return the branches for whose choice a number is kept that nothing else reads."""
        inner = [b.kept_for_a_choice() for blocks in self.inner.values() for b in blocks]
        return self.chosen_by.union(*inner)

    def note_deciding(self, k: int, s: n.If, tests: set[str]) -> None:
        """Note what statement `k` reads for the choice of a branch alone. What an `elif` reads is
        not: its choice takes a statement in each branch to keep."""
        for v in tests.union(*(b.entry for b in self.inner[k])):
            found = {s.uid} if v in tests and len(s.branches) == 1 else set()
            several = v in tests and len(s.branches) != 1
            for b in self.inner[k]:
                if v in b.entry:
                    inside = b.decided(v, START)
                    several |= not inside
                    found |= inside
            if not several and self.recorder.is_float(v):
                self.deciding[(k, v)] = frozenset(found)

    def makes(self) -> set[str]:
        """Return the variables that the reverse of this block leaves with other values, or reads as
        they were once a store that is not taken back was made."""
        found = {v for (v, d), where in self.uses.items() if d != START and where}
        found |= {self.recorder.idle[s.uid] for s in self.primal if s.uid in self.recorder.idle}
        for blocks in self.inner.values():
            for b in blocks:
                found |= b.makes()
        return found | self.written_back | {v for _, v in self.automatic}

    def loop_reads(self, k: int, s: n.For | n.While, r: n.For) -> tuple[set[str], set[str]]:
        changed = self.kills[k]
        index = frozenset(bound_names(r.target))
        prologue = {
            v
            for x in r.body
            if x.uid in self.recorder.prologues and isinstance(x, n.Assign)
            for v in bound_names(x.targets[0])
        }
        own = index | prologue
        header = names(r.iter) & self.recorder.variables
        reverse = tuple(x for x in r.body if x.uid not in self.recorder.prologues)
        every = frozenset().union(*(self.killed(x) for x in s.body))
        # what is changed in place is not what the loop runs over when its reverse begins
        body_kills, changed_own = every - own, every & own
        carried = frozenset(v for j, v in self.undone if j == k)
        block = self.loop_block(s, reverse, body_kills | changed_own, own, carried)
        while True:
            wanted = (frozenset(block.entry) | block.better_carried()) & body_kills
            if wanted <= carried:
                break
            carried |= wanted
            block = self.loop_block(s, reverse, body_kills | changed_own, own, carried)
        block.check_exit(carried)
        self.inner[k] = [block]
        self.remade[k] = block.makes() & changed
        self.written_back |= set(own)
        used = {v for v in prologue if v in block.entry_own()}
        for x in r.body:
            opens = x.uid in self.recorder.prologues
            if opens and isinstance(x, n.Assign) and bound_names(x.targets[0]) & used:
                header |= names(x.value) & self.recorder.variables - index
        # a counter of the steps is read as the loop left it
        after = set(header & changed if isinstance(s, n.While) else header & changed - own)
        after |= block.level
        before = set(header | block.entry) - own - after
        for v in carried:
            self.automatic.add((k, v))
            if block.end_used(v):
                after.add(v)
        return before, after

    def check_exit(self, carried: frozenset[str]) -> None:
        """Make sure that a step which is not reversed has kept nothing and changed nothing that the
        reverse of the loop begins with."""
        if self.leaving is None:
            return
        first = range(self.leaving + 1)
        kept = [self.insert.save_before.get(k) for k in first]
        kept += [self.insert.save_after.get(k) for k in first[:-1]]
        inside = any(b.keeps() for k in first for b in self.inner.get(k, ()))
        changed = frozenset().union(*(self.kills[k] for k in first))
        if any(kept) or inside or changed & carried:
            raise ReverseExit(self.primal[self.leaving].uid)

    def keeps(self) -> bool:
        """True when the block, or one inside it, keeps something."""
        own = bool(self.insert.save_before or self.insert.save_after)
        return own or any(b.keeps() for blocks in self.inner.values() for b in blocks)

    def loop_block(
        self,
        s: n.For | n.While,
        reverse: n.Block,
        kills: frozenset[str],
        own: frozenset[str],
        carried: frozenset[str],
    ) -> _Block:
        lost, depth = kills - carried, self.depth + 1
        pair = (s.body, reverse)
        return self.planned((s.uid, 0), pair, lost, frozenset(), depth, own, carried, True)

    def planned(
        self,
        at: tuple[int, int],
        pair: tuple[n.Block, n.Block],
        lost: frozenset[str],
        held: frozenset[str],
        depth: int,
        own: frozenset[str],
        forced: frozenset[str],
        in_loop: bool,
    ) -> _Block:
        """Return the plan of a block inside this one. Equal questions have one answer: without
        that, blocks in blocks are planned several times for each level of nesting."""
        if at not in self.recorder.mentions:
            self.recorder.mentions[at] = self.mentioned((*pair[0], *pair[1]))
        here = self.recorder.mentions[at]
        lost, held, forced = lost & here, held & here, forced & here
        key = (at, lost, held, depth, own, forced)
        found = self.recorder.plans.get(key)
        if not isinstance(found, _Block):
            found = _Block(self.recorder, *pair, lost, held, depth, own)
            found.in_loop = in_loop
            found.forced = forced if in_loop else forced & frozenset().union(*found.kills)
            found.plan()
            self.recorder.plans[key] = found
        return found

    def mentioned(self, block: n.Block) -> frozenset[str]:
        """Return the variables that statements read, bind or change, those inside them too."""
        found: set[str] = set(assigned(block))
        for s in walk_stmts(block):
            found |= self.recorder.changed(s)
            for e in stmt_exprs(s):
                found |= self.recorder.operands(e)
        return frozenset(found)

    def entry_own(self) -> set[str]:
        """Return the loop targets that the reverse of the body reads."""
        found = {v for (v, d), where in self.uses.items() if d == START and where and v in self.own}
        for blocks in self.inner.values():
            for b in blocks:
                found |= b.entry_own()
        return found

    def end_used(self, v: str) -> bool:
        """True when the value `v` has at the end of the block is read by its reverse."""
        last = self.version(v, len(self.primal))
        return last != START and bool(self.uses.get((v, last)))

    # -- the result

    def result(self) -> tuple[n.Block, n.Block]:
        forward: list[n.Stmt] = []
        for k, s in enumerate(self.primal):
            forward.extend(self.insert.save_before.get(k, ()))
            after = self.insert.save_after.get(k, [])
            s = self.with_inner(k, s)
            forward.append(s if k == self.leaving else before_exits(s, after))
            forward.extend(after)
        reverse: list[n.Stmt] = []
        for k in range(len(self.primal), -1, -1):
            group = list(self.groups.get(k, ()))
            reverse.extend(self.insert.restore_early.get(k, ()))
            reverse.extend(self.insert.undo_first.get(k, ()))
            while k in self.shapes and group and not isinstance(group[0], COMPOUND):
                reverse.append(group.pop(0))
            reverse.extend(self.insert.restore_first.get(k, ()))
            reverse.extend(self.insert.again_first.get(k, ()))
            for r in group:
                reverse.append(self.reverse_inner(k, r))
            reverse.extend(self.insert.undo_last.get(k, ()))
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
        if isinstance(s, n.Try):
            handlers = tuple(replace(h, body=x) for h, x in zip(s.handlers, results[1:]))
            flag, seen = self.recorder.attempts[s.uid]
            own, fresh = self.recorder.variables, self.recorder.names.fresh
            plain = kept_at_the_end(results[0], lambda x: x.stack not in own, fresh)
            body = guarded(plain, seen, flag)
            if body is None:
                return replace(s, body=plain, handlers=handlers)
            handlers = tuple(unless_seen(h, flag) for h in handlers)
            return replace(s, body=body, handlers=handlers)
        assert isinstance(s, (n.For, n.While, n.With))
        return replace(s, body=results[0])

    def reverse_inner(self, k: int, r: n.Stmt) -> n.Stmt:
        inner = self.inner.get(k)
        if inner is None or not isinstance(r, (n.If, n.For, n.With)):
            return r
        results = [b.result()[1] for b in inner]
        if isinstance(r, n.If):
            branches = tuple(replace(b, body=x) for b, x in zip(r.branches, results))
            return replace(r, branches=branches, orelse=results[-1])
        if isinstance(r, n.With):
            return replace(r, body=results[0])
        used = inner[0].entry_own()
        start = tuple(
            x
            for x in r.body
            if x.uid in self.recorder.prologues
            and isinstance(x, n.Assign)
            and bound_names(x.targets[0]) & used
        )
        return replace(r, body=(*start, *results[0]))


def _bodies(s: n.If) -> list[n.Block]:
    return [*(b.body for b in s.branches), s.orelse]
