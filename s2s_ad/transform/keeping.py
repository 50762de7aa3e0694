"""Save or recompute: how a version that is read and lost is there for the reverse sweep.

Takes the versions of a block with the places that read them, gives insertions; requires `ir`.
"""

from __future__ import annotations

from abc import abstractmethod

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, names, target_names, walk_stmts
from s2s_ad.transform.undoing import Item
from s2s_ad.transform.versions import START, Versions


class RecordBranch(Exception):
    """The choice of an `if` must be recorded: what its condition reads does not hold any
    more, or would be kept for it alone."""

    def __init__(self, *uids: int) -> None:
        super().__init__(*uids)
        self.uids = frozenset(uids)


class Undo(Exception):
    """A loop or branch must leave a container, on the way back, as it found it; a store must find
    there what its index reads."""

    def __init__(self, block: object, k: int, name: str) -> None:
        super().__init__(name)
        self.block = block
        self.key = (k, name)


class Keeping(Versions):
    """Saves and second evaluations, put where the reverse sweep needs them."""

    def discharge(self) -> None:
        """Recompute or save each version that is read and lost, the last made first."""
        done = self.done = set()
        self.todo = sorted((d, v) for v, d in self.uses)
        while self.todo:
            d, v = self.todo.pop()
            if (v, d) in done:
                continue
            done.add((v, d))
            kill = self.next_kill(v, d)
            if kill is None and v not in self.lost:
                continue
            if kill is None and self.is_level(v, d):
                self.level.add(v)
                continue
            if d == START and (v in self.held or kill is None):
                continue
            if kill is not None and (kill, v) in self.automatic:
                # restored on the way, unless the loop or branch did not change it at all
                earlier = any(k < kill for k in self.uses[(v, d)])
                if earlier or (d == START and not self.outermost):
                    self.use_version(v, kill, kill)
                continue
            if kill is not None and self.is_taken_back(v, kill):
                self.undo(v, kill)
                continue
            if d != START and self.recompute(v, d, kill):
                continue
            if kill is None and self.is_known_as(v, d):
                continue
            if self.depth:
                self.chosen_by |= self.decided(v, d)
            self.save(v, d, kill)

    def is_taken_back(self, v: str, kill: int) -> bool:
        """True where what a statement does to a container is undone, piece by piece."""
        if not self.can_undo(v, kill) or self.stores_often(v, kill):
            return False
        # a branch was asked to already, and has no reverse in which it could
        return (kill, v) not in self.undone or not any(blocks(self.primal[kill]))

    @abstractmethod
    def decided(self, v: str, d: int) -> frozenset[int]:
        """Return the branches whose choice is all that a version is read for, () for more."""

    def is_level(self, v: str, d: int) -> bool:
        """True when statement `d` gives `v` what all steps of the loops around it do."""
        s = self.primal[d] if d != START else None
        loop = isinstance(s, (n.For, n.While))
        return s is not None and any(
            isinstance(x, n.Assign) and x.targets == (n.Name(v),) and x.uid in self.recorder.level
            for x in (walk_stmts((s,)) if loop else (s,))
        )

    def recompute(self, v: str, d: int, kill: int | None) -> bool:
        """Put `v = <its definition>` in the reverse sweep, as soon as its operands are there."""
        if not self.can_repeat(v, d):
            return False
        s = self.primal[d]
        assert isinstance(s, n.Assign)
        made = [x for x in target_names(s.targets[0]) if self.uses.get((x, d))]
        if s.targets[0] != n.Name(v) and len(made) < 2:
            return False  # one number is kept sooner than several are made
        read = set[int]().union(*(self.uses[(x, d)] for x in made))
        operands = names(s.value) & self.recorder.variables
        if self.depth and any(self.is_alone(o, d) for o in operands):
            return False
        # operands that can be computed again themselves are not restored for its sake
        place = self.available(v, d, True)
        if any(k > place for k in read):
            place = self.available(v, d)
        if any(k > place for k in read):
            return False
        item = self.recorder.item(self.primal[place]) if place < len(self.primal) else None
        if item is not None and v in item.index and item.name in operands:
            return False  # the store has to be taken back first, and reads it for that
        late = any(self.next_kill(o, d) == place and self.is_late(o, place) for o in (*operands, v))
        if late and place in read:
            return False
        self.done |= {(x, d) for x in made}
        again = n.Assign(
            s.targets, s.value, comments=replace(n.NO_COMMENTS, trailing="# recomputed"), of=s.uid
        )
        where = self.insert.again_last if late else self.insert.again_first
        where.setdefault(place, []).insert(0, again)
        for o in operands:
            self.use(o, place)
            if late and (place, o) in self.automatic and self.next_kill(o, d) == place:
                # it comes back on the way, from the value it was left with
                self.use_version(o, place, place)
        return True

    def is_known_as(self, v: str, d: int) -> bool:
        """Take a value from the variable that a step of a loop hands it on in, as `u = new` does:
        that has it when the reverse of the step begins, until it gets back what it had before."""
        found = [k for k in range(d + 1, len(self.primal)) if self.hands_on(v, d, k)]
        if not found or any(k > found[-1] for k in self.uses[(v, d)]):
            return False
        k = found[-1]
        s = self.primal[k]
        assert isinstance(s, n.Assign) and isinstance(s.targets[0], n.Name)
        self.use_version(s.targets[0].id, k, k)
        back = n.Assign((n.Name(v),), s.targets[0], of=s.uid)
        self.insert.restore_early.setdefault(k, []).append(back)
        return True

    def hands_on(self, v: str, d: int, k: int) -> bool:
        """True when statement `k` of each step gives what statement `d` made to a variable that the
        step leaves so, and that is brought back by the reverse of the step behind."""
        s = self.primal[k]
        if not self.in_loop or not isinstance(s, n.Assign) or s.value != n.Name(v):
            return False
        target = s.targets[0] if len(s.targets) == 1 else None
        if not isinstance(target, n.Name) or target.id in self.lost | self.recorder.exposed:
            return False
        if target.id not in self.recorder.variables or v in self.recorder.exposed:
            return False
        return self.next_kill(target.id, k) is None and self.runs_through(0, k)

    def available(self, v: str, d: int, again: bool = False) -> int:
        """Return before which statement a definition can first be evaluated again, going back.

        Its operands must hold there: those overwritten later have been restored, and those
        that are computed again themselves can be. again: whether an operand that is overwritten
        later is computed again too, where nobody reads it before that can be.
        """
        s = self.primal[d]
        assert isinstance(s, n.Assign)
        kill = self.next_kill(v, d)
        place = len(self.primal) if kill is None else kill
        for o in names(s.value) & self.recorder.variables:
            made = self.version(o, d)
            if made == START and o in self.held:
                continue
            gone = self.next_kill(o, d)
            if gone is not None:
                place = min(place, gone)
                if again and made != START and self.can_repeat(o, made):
                    soon = self.available(o, made, True)
                    if all(k <= soon for k in self.uses.get((o, made), ())):
                        place = min(place, soon)
            elif made != START and o in self.lost and self.can_repeat(o, made):
                place = min(place, self.available(o, made))
        return place

    def is_late(self, v: str, kill: int) -> bool:
        """True when the reverse of statement `kill` needs or makes other values of `v` first."""
        if isinstance(self.primal[kill], (n.For, n.While)):
            return True  # what was saved in front of a loop is taken back when it has been reversed
        comes_back = (kill, v) in self.automatic
        return comes_back or v in self.after_reads.get(kill, ()) or v in self.remade.get(kill, ())

    def can_repeat(self, v: str, d: int) -> bool:
        """True when statement `d` defines `v` by an expression that is cheap to evaluate again.

        A call that gives `v` and other numbers makes all of them again: none has got another value
        by then, and nothing of them is there when the reverse of the block begins.
        """
        s = self.primal[d]
        if not isinstance(s, n.Assign) or len(s.targets) != 1:
            return False
        if s.targets[0] == n.Name(v):
            return v not in names(s.value) and self.recorder.cheap(s, self.depth > 0)
        made = set(target_names(s.targets[0]))
        return (
            v in made
            and self.depth > 0
            and all(x in self.lost and self.next_kill(x, d) is None for x in made)
            and not made & (names(s.value) | self.recorder.stored | self.recorder.exposed)
            and self.recorder.light(s)
        )

    def is_alone(self, o: str, d: int) -> bool:
        """True for an operand of definition `d` that would have to be kept for its sake only."""
        made = self.version(o, d)
        kill = self.next_kill(o, made)
        if self.uses.get((o, made)) or (made == START and (o in self.own or kill is None)):
            return False
        if (kill is None and o not in self.lost) or (made == START and o in self.held):
            return False
        if kill is not None and ((kill, o) in self.automatic or self.can_undo(o, kill)):
            return False
        if made == START or not self.can_repeat(o, made):
            return True
        s = self.primal[made]
        # another name is kept for what it stands for
        return (
            isinstance(s, n.Assign)
            and isinstance(s.value, n.Name)
            and (s.value.id in self.recorder.variables and self.is_alone(s.value.id, made))
        )

    def undo(self, v: str, kill: int) -> None:
        """Take back what statement `kill` does to a container: what it appends, pops or stores."""
        s = self.primal[kill]
        item = self.recorder.item(s)
        if item is None and not isinstance(s, (n.Append, n.Pop)):
            raise Undo(self, kill, v)
        self.use_version(v, kill, kill)
        if item is not None:
            self.undo_store(item, kill)
            return
        if isinstance(s, n.Append):
            late = self.is_late(v, kill)
            where = self.insert.undo_last if late else self.insert.undo_first
            where.setdefault(kill, []).append(n.Pop(n.Name("_"), v, of=s.uid))
            return
        assert isinstance(s, n.Pop)
        for x in names(s.target) & self.recorder.variables:
            self.use_version(x, kill, kill)
        again = n.Append(v, s.target, of=s.uid)
        self.insert.undo_first.setdefault(kill, []).append(again)

    def undo_store(self, item: Item, kill: int) -> None:
        """Keep what a store overwrites, and put it back where it was."""
        recorder = self.recorder
        index = item.index & recorder.variables
        late = any((x, self.version(x, kill)) in self.done for x in index)
        if late and (kill, item.name) not in self.undone:
            raise Undo(self, kill, item.name)
        for x in index:
            self.use(x, kill)
        of = self.primal[kill].uid
        if self.depth:
            kept = recorder.stack(item.name, items=True)
            keep: n.Stmt = n.Append(kept, item.kept, of=of)
            value: n.Expr = n.Call(n.Attribute(n.Name(kept), "pop"), ())
        else:
            kept = recorder.names.fresh(f"{item.name}_item_saved")
            recorder.single.append(kept)
            keep = n.Assign((n.Name(kept),), item.kept, of=of)
            value = n.Name(kept)
        recorder.kept_items.setdefault(kept, []).append(item.name)
        self.insert.save_before.setdefault(kill, []).append(keep)
        back = n.Assign((item.place,), value, of=of)
        self.insert.undo_first.setdefault(kill, []).append(back)

    def better_carried(self) -> frozenset[str]:
        """Return what is kept whole as a step of a loop leaves it, that need not be: it comes back
        from the step behind where all stores of the step are taken back. Of the stores that are
        taken back for that alone, one at most has to keep more than a number."""
        return frozenset(v for v in self.ending if self.takes_all_back(v))

    def takes_all_back(self, v: str) -> bool:
        at = [k for k, killed in enumerate(self.kills) if v in killed]
        if not all(self.can_undo(v, k) and not self.stores_often(v, k) for k in at):
            return False
        stack = self.recorder.item_stacks.get(v)
        kept = {
            s.of
            for several in self.insert.save_before.values()
            for s in several
            if isinstance(s, n.Append) and s.stack == stack
        }
        stores = [s for k in at for s in walk_stmts((self.primal[k],)) if self.is_undone(s, v)]
        items = [self.recorder.item(s) for s in stores if s.uid not in kept]
        return sum(item is None or not item.small for item in items) <= 1

    def kept_value(self, v: str, kill: int | None) -> n.Expr:
        """Return what is kept of a variable: a copy, if it may yet be changed in place."""
        recorder = self.recorder
        last = self.binds_anew(v, kill)
        if kill is None and self.in_loop:
            last = self.binds_anew(v, self.next_kill(v, START)) and not self.changed_behind(v)
        if v in recorder.exposed:
            return recorder.copy(v)
        return n.Name(v) if last or v not in recorder.stored else recorder.copy(v)

    def filled(self, v: str, d: int, kill: int | None) -> int | None:
        """Return which statement is the last to store into what statement `d` made, by stores that
        need no version; None for no such store. It is -1 if that is in the next step of a loop."""
        first = next((k for k, killed in enumerate(self.kills) if v in killed), d)
        if kill is None and self.fills(v, self.primal[:first]):
            return -1
        end = len(self.primal) if kill is None else kill
        return next(
            (k for k in range(end - 1, d, -1) if self.fills(v, self.primal[k : k + 1])), None
        )

    def fills(self, v: str, block: list[n.Stmt]) -> bool:
        return any(self.recorder.idle.get(x.uid) == v for x in walk_stmts(tuple(block)))

    def runs_through(self, d: int, last: int) -> bool:
        """True when what runs statement `d` surely runs statement `last` too."""
        exits = (n.Break, n.Continue, n.Return, n.Raise)
        return not any(isinstance(x, exits) for x in walk_stmts(tuple(self.primal[d : last + 1])))

    def save(self, v: str, d: int, kill: int | None) -> None:
        """Keep the version of `v` made by statement `d` and bring it back."""
        recorder = self.recorder
        at = kill if kill is not None and (d == START or not self.depth) else d
        if kill is None:
            self.ending.add(v)
        of = self.primal[at].uid
        behind = d
        if at == d and (last := self.filled(v, d, kill)) is not None:
            if last > d and self.runs_through(d, last):
                behind = last
            else:
                copied = self.kept_value(v, kill) != n.Name(v)
                (self.stale if copied else self.filled_later).add(v)
        if self.depth:
            stack = recorder.stack(v)
            recorder.kept.setdefault(stack, []).append(v)
            keep: n.Stmt = n.Append(stack, self.kept_value(v, kill), of=of)
            back: n.Stmt = n.Pop(n.Name(v), stack, of=of)
        else:
            kept = recorder.names.fresh(f"{v}_saved")
            recorder.single.append(kept)
            recorder.kept.setdefault(kept, []).append(v)
            keep = n.Assign((n.Name(kept),), self.kept_value(v, kill), of=of)
            back = n.Assign((n.Name(v),), n.Name(kept), of=of)
        if recorder.unassigned(v, self.primal[at], at == d):
            recorder.undefined.add(v)
        if at == kill:
            self.insert.save_before.setdefault(kill, []).append(keep)
            late = self.is_late(v, kill)
            place = kill
        else:
            leaving = self.leaving
            if leaving is not None and d < leaving and (kill is None or kill > leaving):
                behind = max(leaving, behind)
            self.insert.save_after.setdefault(behind, []).append(keep)
            place = max(self.uses[(v, d)])
            late = place == kill and self.is_late(v, place)
            if place != kill:
                self.insert.restore_early.setdefault(place, []).append(back)
                return
        where = self.insert.restore_last if late else self.insert.restore_first
        where.setdefault(place, []).append(back)


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
