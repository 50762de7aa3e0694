"""The versions of the variables of a block: which statement makes each, which loses it.

Takes a block of the primal and its reverse, marked with the statements it serves; requires `ir`.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.walk import assigned, blocks, walk_stmts
from s2s_ad.transform.reading import flat, stored_into
from s2s_ad.transform.undoing import Item

START = -1
AT_THE_END = -2  # the mark of statements that open the reverse sweep


@dataclass
class Recorder:
    """What recording is told about the function.

    variables: names of the primal. cheap: whether an expression may be computed again, instead of
    being kept at each step of a loop if that is where it is. light: whether a call that gives
    several numbers may be made again.
    changed: variables of which a simple statement makes another version, as it changes them in
    place or what they share; in_place: all that it changes so.
    stored: all of those. exposed: variables that may hold what others change. stacked: lists that
    grow or shrink. item: the place that a store overwrites, if that can be put back. wished: names
    of stacks. silent: uids of statements that count steps: the reversed loop has the count itself.
    whole: the forward sweep, whose blocks are recorded.
    idle: the variable of each store, by uid, that no version needs to be kept for. is_float: if
    a variable certainly is a float. same_again: whether a definition gives that value again as
    long as what it reads is the same. level: uids of definitions to which all steps of the loops
    around them give one value. filled: variables kept by reference before such stores into
    them; stale: those of which a copy would not have them. sunk: uids of branches that were taken
    out of the loop in front of them. attempts: of each `try`, the flag it may have to set, and what
    of its body can be seen by uid. leaving: uids of `if`s with a `break`, such that the step of a
    loop that takes it is not reversed: nothing is kept before they have been passed.
    """

    variables: frozenset[str]
    cheap: Callable[[n.Assign, bool], bool]
    unassigned: Callable[[str, n.Stmt, bool], bool]
    names: Names
    operands: Callable[[n.Expr], frozenset[str]]
    prologues: frozenset[int] = frozenset()
    wished: Mapping[str, str] = field(default_factory=dict)
    stacks: dict[str, str] = field(default_factory=dict)
    item_stacks: dict[str, str] = field(default_factory=dict)
    single: list[str] = field(default_factory=list)
    undefined: set[str] = field(default_factory=set)
    kept: dict[str, list[str]] = field(default_factory=dict)
    kept_items: dict[str, list[str]] = field(default_factory=dict)
    choices: frozenset[str] = frozenset()
    changed: Callable[[n.Stmt], frozenset[str]] = lambda s: frozenset(stored_into(s))
    stored: frozenset[str] = frozenset()
    exposed: frozenset[str] = frozenset()
    stacked: frozenset[str] = frozenset()
    in_place: Callable[[n.Stmt], frozenset[str]] = lambda s: frozenset()
    item: Callable[[n.Stmt], Item | None] = lambda s: None
    silent: frozenset[int] = frozenset()
    sunk: frozenset[int] = frozenset()
    leaving: frozenset[int] = frozenset()
    copy: Callable[[str], n.Expr] = n.Name
    idle: Mapping[int, str] = field(default_factory=dict)
    whole: n.Block = ()
    light: Callable[[n.Assign], bool] = lambda s: False
    is_float: Callable[[str], bool] = lambda name: False
    same_again: Callable[[n.Assign], bool] = lambda s: False
    level: frozenset[int] = frozenset()
    filled: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    attempts: Mapping[int, tuple[n.Name, Mapping[int, bool]]] = field(default_factory=dict)
    kills: dict[int, frozenset[str]] = field(default_factory=dict)
    mentions: dict[tuple[int, int], frozenset[str]] = field(default_factory=dict)
    plans: dict[Hashable, object] = field(default_factory=dict)

    def stack(self, name: str, items: bool = False) -> str:
        """Return the list in which a variable is kept, or what its items were."""
        table = self.item_stacks if items else self.stacks
        if name not in table:
            wish = "" if items else self.wished.get(name)
            table[name] = wish or self.names.fresh(
                f"{name}_item_saved" if items else f"{name}_saved"
            )
        return table[name]

    def all_stacks(self) -> list[str]:
        return [*self.stacks.values(), *self.item_stacks.values()]


@dataclass
class Insertions:
    """Insertions into a block and its reverse, by position (before statement k of the primal)."""

    save_before: dict[int, list[n.Stmt]] = field(default_factory=dict)
    save_after: dict[int, list[n.Stmt]] = field(default_factory=dict)
    restore_first: dict[int, list[n.Stmt]] = field(default_factory=dict)
    restore_last: dict[int, list[n.Stmt]] = field(default_factory=dict)
    restore_early: dict[int, list[n.Stmt]] = field(default_factory=dict)
    undo_first: dict[int, list[n.Stmt]] = field(default_factory=dict)
    undo_last: dict[int, list[n.Stmt]] = field(default_factory=dict)
    again_first: dict[int, list[n.Stmt]] = field(default_factory=dict)
    again_last: dict[int, list[n.Stmt]] = field(default_factory=dict)


class Versions:
    """The versions of the variables of one block of the primal, beside its reverse.

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
        silent = recorder.silent
        self.kills = [frozenset() if s.uid in silent else self.killed(s) for s in self.primal]
        self.killing: dict[str, list[int]] = {}
        for k, killed in enumerate(self.kills):
            for name in killed:
                self.killing.setdefault(name, []).append(k)
        leaving = (k for k, s in enumerate(self.primal) if s.uid in recorder.leaving)
        self.leaving = next(leaving, None)
        # what must be undone on the way back through a loop or branch
        self.undone: set[tuple[int, str]] = set()
        self.in_loop = False
        self.clear()

    def clear(self) -> None:
        """Forget what is planned."""
        self.entry: set[str] = set()
        self.uses: dict[tuple[str, int], set[int]] = {}
        self.done: set[tuple[str, int]] = set()
        self.todo: list[tuple[int, str]] = []  # in order
        self.insert = Insertions()
        self.after_reads: dict[int, set[str]] = {}
        self.remade: dict[int, set[str]] = {}
        self.shapes: dict[int, set[str]] = {}
        self.automatic: set[tuple[int, str]] = set()
        self.chosen_by: frozenset[int] = frozenset()
        self.level: set[str] = set()
        self.written_back: set[str] = set()
        self.ending: set[str] = set()  # kept as the block leaves it
        # kept before stores that need no version: as copies, and by reference
        self.stale: set[str] = set()
        self.filled_later: set[str] = set()

    def killed(self, s: n.Stmt) -> frozenset[str]:
        found = self.recorder.kills.get(s.uid)
        if found is None:
            changed = assigned((s,)).union(*(self.recorder.changed(x) for x in walk_stmts((s,))))
            found = self.recorder.kills[s.uid] = frozenset(changed) & self.recorder.variables
        return found

    def can_undo(self, v: str, k: int) -> bool:
        """True when all that statement `k` does to a container can be taken back: appending to it,
        popping from it, and stores into its items."""
        if v not in self.recorder.stacked:
            return False
        changes = False
        for x in walk_stmts((self.primal[k],)):
            if self.is_undone(x, v):
                changes = True
            elif v in self.recorder.changed(x) or v in assigned((flat(x),)):
                return False
        return changes

    def is_undone(self, s: n.Stmt, v: str) -> bool:
        """True for a simple statement that changes what `v` holds and can be taken back."""
        if isinstance(s, (n.Append, n.Pop)):
            return s.stack == v
        item = self.recorder.item(s)
        return item is not None and item.name == v

    def stores_often(self, v: str, k: int) -> bool:
        """True for a loop that stores into `v`: one copy is less than what all stores overwrite."""
        loop = isinstance(self.primal[k], (n.For, n.While))
        inside = walk_stmts((self.primal[k],)) if loop else ()
        return any(self.is_undone(x, v) and self.recorder.item(x) is not None for x in inside)

    def binds_anew(self, v: str, k: int | None) -> bool:
        """True when statement `k` gives `v` another value and leaves the one it had as it is."""
        if k is None:
            return False
        s = self.primal[k]
        simple = isinstance(s, (n.Assign, n.AugAssign, n.Pop))
        return simple and v not in self.recorder.changed(s)

    def changed_behind(self, v: str) -> bool:
        """True when what a variable has at the end of the last step of this loop may be changed in
        place behind it, where the next step would have bound it anew."""
        inside = {s.uid for s in walk_stmts(tuple(self.primal))}
        every = list(walk_stmts(self.recorder.whole))
        last = max((k for k, s in enumerate(every) if s.uid in inside), default=-1)
        # what is in front of a loop in a loop may run behind it
        rest = every[last + 1 :] if self.depth == 1 else every
        return any(
            v in self.recorder.changed(s)
            for s in rest
            if s.uid not in inside and not any(blocks(s))
        )

    def use_version(self, v: str, d: int, k: int) -> None:
        """Note that the reverse of statement `k` reads what statement `d` made of `v`."""
        where = self.uses.get((v, d))
        if where is None:
            where = self.uses[v, d] = set()
            bisect.insort(self.todo, (d, v))
        where.add(k)

    def use(self, v: str, k: int) -> None:
        """Note that the reverse of statement `k` reads what `v` has before that statement."""
        self.use_version(v, self.version(v, k), k)

    def version(self, v: str, k: int) -> int:
        """Return which statement made the value that `v` has before statement `k`."""
        places = self.killing.get(v, ())
        j = bisect.bisect_left(places, k)
        return places[j - 1] if j else START

    def next_kill(self, v: str, d: int) -> int | None:
        places = self.killing.get(v, ())
        j = bisect.bisect_right(places, d)
        return places[j] if j < len(places) else None

    def lost_after(self, k: int) -> frozenset[str]:
        """Return the variables whose value after statement `k` may be gone on the way back."""
        later: set[str] = set(self.lost)
        for kills in self.kills[k + 1 :]:
            later |= kills
        return frozenset(later)
