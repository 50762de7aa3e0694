"""What is kept between the sweeps of a function.

Takes both sweeps as if all values were there, gives them with what is kept; requires `transform`,
`simplify.at_once`.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from s2s_ad.analysis.bound import assigns_surely, certain_at_end, definitely
from s2s_ad.build_costs import (
    KEPT,
    brief,
    cheap,
    gives_number_by_calls,
    heavy,
    kept_when_compiled,
    light,
    same_again,
    work,
)
from s2s_ad.build_naming import wish
from s2s_ad.build_prepare import Prepared
from s2s_ad.build_purity import repeatable, without_effect
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import leaving, said_by, sole_target
from s2s_ad.ir.kinds import FLOAT, UNKNOWN, Array, Kind, ListOf, Number, adjoint_kind, is_immutable
from s2s_ad.ir.walk import assigned, inside, names, subexprs, walk_stmts
from s2s_ad.rules.sharing import WHOLLY_NEW
from s2s_ad.simplify.at_once import NotAtOnce, Sweeping, at_once
from s2s_ad.simplify.forwards import Steps
from s2s_ad.simplify.level_calls import LevelCalls, level_calls
from s2s_ad.simplify.together import together
from s2s_ad.transform.adjoint import Builder
from s2s_ad.transform.context import Context
from s2s_ad.transform.copies import copied_value
from s2s_ad.transform.measured import hidden, of_one_shape, shown
from s2s_ad.transform.overwritten import ResultLost, never_read_again
from s2s_ad.transform.recording import record
from s2s_ad.transform.settled import as_addition
from s2s_ad.transform.undoing import apart, overwritten_item, put_back
from s2s_ad.transform.versions import Recorder

Sweep = tuple[n.Block, n.Block]
MEASURING = ("unbroadcast", "expand")  # helpers whose second argument says a shape, no more


@dataclass
class Recording:
    """Recording for one function. skip: number of leading statements that are in no sweep. joint:
    whether both sweeps are one function.

    kept: what is saved, by the list or variable it is saved in. stacks: those lists. items: those
    of them that hold what stores into a variable overwrite. inside: uids of statements of the
    reverse sweep that are in the forward sweep. lengths: of those that bind the length of an array
    that keeps its shape.
    """

    prepared: Prepared
    context: Context
    builder: Builder
    kinds: dict[str, Kind]
    skip: int
    joint: bool = False
    kept: dict[str, list[str]] = field(default_factory=dict)
    stacks: list[str] = field(default_factory=list)
    items: set[str] = field(default_factory=set)
    inside: frozenset[int] = frozenset()
    lengths: AbstractSet[int] = frozenset()

    def __post_init__(self) -> None:
        self.params = {p.name for p in self.prepared.function.params}
        self.before = self.prepared.function.body[: self.skip]

    def off(self, optimisation: str) -> bool:
        return optimisation in self.prepared.program.options

    def whole(self, forward: Sequence[n.Stmt], backward: Sequence[n.Stmt]) -> Sweep:
        """Return both sweeps of the function with what is kept between them."""
        self.start(forward)
        return self.recorded(tuple(forward), tuple(backward))

    def at_once(
        self,
        forward: Sequence[n.Stmt],
        backward: Sequence[n.Stmt],
        outputs: frozenset[str],
        first: frozenset[int],
    ) -> Sweep:
        """Return them with the loops reversed step by step that may be. outputs: names that are
        read behind both. first: uids of stores to items of zeros, which are additions as well."""
        self.start(forward)
        sweeping = Sweeping(
            self.steps(),
            frozenset(self.variables),
            lambda s: self.changed(s) | assigned((s,)),
            frozenset(self.context.prologues),
            outputs,
            self.recorded,
            self.another,
            lambda s: as_addition(s, first),
            lambda name: self.context.marks.get((name, "bar"), ""),
        )
        ahead, back, self.inside = at_once(tuple(forward), tuple(backward), sweeping)
        return ahead, back

    def another(self, name: str) -> str:
        """Return the name of a new variable that holds what another one does."""
        found = self.context.names.fresh(name)
        self.kinds[found] = self.kinds.get(name, UNKNOWN)
        return found

    def steps(self) -> Steps:
        """Return what is known of the names in both sweeps."""
        kinds = {**self.builder.temporary_kinds, **self.kinds}
        bars = set()
        for (name, mark), bar in self.context.marks.items():
            if mark == "bar":
                bars.add(bar)
                kinds[bar] = adjoint_kind(kinds.get(name, UNKNOWN))

        def number(name: str) -> bool:
            return isinstance(kinds.get(name), Number)

        def whole(name: str) -> bool:
            kind = kinds.get(name)
            return isinstance(kind, Number) and kind.type == "int"

        return Steps(
            repeatable(
                self.prepared.program,
                [self.context],
                without_effect(self.prepared.program, self.prepared.subject),
            ),
            lambda e: isinstance(e, n.Call) and self.prepared.newness_here(e) == WHOLLY_NEW,
            number,
            lambda name: isinstance(kinds.get(name), Array),
            whole,
            frozenset(bars),
        )

    def start(self, forward: Sequence[n.Stmt]) -> None:
        """Note what holds for the function, whatever part of it is recorded."""
        lookup = self.context.facts.world.lookup
        variables = self.params | assigned(tuple(forward)) | assigned(self.before)
        # a global list that items are put into is no variable of the function
        outside = variables - self.context.facts.locals
        self.variables = variables - {x for x in outside if lookup(x) is not None}
        self.surely = definitely((*self.before, *forward), self.params).before
        self.primal = {s.uid: s for s in walk_stmts(self.prepared.function.body)}
        # where globals change on the way, a variable may be another name of what one holds
        exposed = self.context.handed_over() | self.context.borrowed()
        outside_changes = self.context.facts.world.outside
        self.exposed = frozenset(self.variables) if outside_changes else exposed
        self.stored = frozenset(x for s in walk_stmts(tuple(forward)) for x in self.changed(s))

    def changed(self, s: n.Stmt) -> frozenset[str]:
        return self.context.changed(self.primal.get(s.uid, s))

    def recorded(self, forward: n.Block, backward: n.Block, step: bool = False) -> Sweep:
        """Return two sweeps with what is kept between them. What is only measured is not read.

        step: whether they are a step of a loop, not the whole function.
        """
        fixed = of_one_shape(self.prepared.function, self.kinds, self.context.facts)
        measuring = {self.context.helper(name): 1 for name in MEASURING}
        measuring[n.Name(self.context.alias("len"))] = 0
        # how long an array is that keeps its shape is made again, whatever is stored into it
        lengths = {s.uid for s in walk_stmts(forward) if _is_length(s)}
        alone, arrays = hidden(forward, fixed, measuring, self.kinds, lengths)
        self.lengths = {
            s.uid for s in walk_stmts(alone) if _is_length(s) and said_by(s) & {*arrays}
        }
        measured, read = hidden(backward, fixed, measuring, self.kinds)
        arrays.update(read)
        ahead, back = self.read(alone, measured, step)
        return shown(ahead, arrays), shown(back, arrays)

    def read(
        self,
        forward: n.Block,
        backward: n.Block,
        step: bool,
        barred: frozenset[str] = frozenset(),
        again: frozenset[str] | None = None,
        sure: bool = False,
    ) -> Sweep:
        """Return two sweeps with what is kept of what the reverse sweep reads.

        barred: variables into which each store counts as giving them another value. again: those
        that the reverse sweep is taken to make again, None for all that it may. sure: whether that
        is not to be asked again.
        """
        context, kinds, builder = self.context, self.kinds, self.builder
        params, variables, primal = self.params, self.variables, self.primal
        surely, exposed, stored = self.surely, self.exposed, self.stored
        taken = set(context.names.taken)
        every = list(walk_stmts(forward))
        items = {
            s.uid: item
            for s in every
            if (item := overwritten_item(context, primal.get(s.uid, s), exposed)) is not None
        }
        places, results = items, builder.by_results
        unread = never_read_again(context, forward, backward, places, results, again)
        idle = {uid: items[uid].name for uid in unread if items[uid].name not in barred}
        if lost := builder.by_results.keys() & {s.uid for s in every} - idle.keys():
            raise ResultLost(*sorted(lost))

        def changed(s: n.Stmt) -> frozenset[str]:
            return frozenset() if s.uid in idle else self.changed(s)

        items = {uid: item for uid, item in items.items() if uid not in idle and item.own}
        there = {e for s in walk_stmts(backward) for e in inside(s, n.Call)}
        # what crosses from one half to the other in compiled code is arrays of numbers
        crosses = self.joint or not context.compiled

        def kept(e: n.Expr) -> bool:
            return kept_when_compiled(e, there) if context.compiled else work(e, there) >= KEPT

        def made_again(s: n.Assign) -> bool:
            # what is changed in place, or has another name, is not made a second time
            held = assigned((s,)) | names(s.value)
            return not context.compiled and held.isdisjoint(stored | exposed) and brief(context, s)

        def as_it_was(s: n.Stmt) -> bool:
            # what was left out of what is kept is not there to make something else again
            return again is None or assigned((s,)) <= again or said_by(s).isdisjoint(idle.values())

        recorder = Recorder(
            variables=frozenset(variables),
            cheap=lambda s, often: (
                not self.off("recompute")
                and as_it_was(s)
                and (
                    s.uid in self.lengths
                    or (cheap(context, s) and not (often and kept(s.value)))
                    or (often and made_again(s))
                )
            ),
            light=lambda s: not self.off("recompute") and as_it_was(s) and light(context, s),
            unassigned=lambda name, s, after: (
                name not in surely.get(s.uid, params) and not (after and assigns_surely(s, name))
            ),
            names=context.names,
            operands=context.reads,
            prologues=frozenset(context.prologues),
            wished=builder.stacks,
            choices=frozenset(builder.choices),
            silent=frozenset(builder.silent),
            sunk=frozenset(self.prepared.sunk),
            attempts=builder.attempts,
            leaving=frozenset(builder.leaving),
            changed=changed,
            in_place=self.changed,
            stacked=frozenset(s.stack for s in every if isinstance(s, (n.Append, n.Pop)))
            | {item.name for item in items.values()},
            item=lambda s: items.get(s.uid),
            stored=stored,
            exposed=frozenset(x for x in exposed if not is_immutable(kinds.get(x, UNKNOWN))),
            copy=lambda name: copied_value(context, name, kinds.get(name, UNKNOWN)),
            idle=idle,
            whole=forward,
            same_again=lambda s: crosses and same_again(context, s.value, s),
            is_float=lambda name: kinds.get(name) == FLOAT and name not in builder.flags,
        )
        new_forward, new_backward = record(recorder, forward, backward)
        changing = put_back(new_backward, frozenset(variables))
        if stale := recorder.stale | recorder.filled & changing:
            context.names.taken = taken
            return self.read(forward, backward, step, barred | stale, again, sure)
        if items and not sure:
            # what is kept is not made again: what it is made of may be lost
            remade = self.made_again(new_backward, frozenset(recorder.kept))
            fewer = never_read_again(context, forward, backward, places, results, remade)
            if again is None and any(items[x].name not in barred for x in fewer & items.keys()):
                context.names.taken = taken
                return self.read(forward, backward, step, barred, remade)
            if again is not None and not remade <= again:
                context.names.taken = taken
                return self.read(forward, backward, step, barred, None, True)
        kinds.update({x: k for x, k in builder.flags.items() if isinstance(k, Number)})
        made: list[str] = []

        def fresh(wanted: str) -> str:
            made.append(context.names.fresh(wanted))
            return made[-1]

        def called_again(e: n.Expr, uid: int) -> bool:
            return uid in primal and gives_number_by_calls(context, e, primal[uid])

        if self.joint and not self.off("share"):
            tools = LevelCalls(called_again, fresh, wish, self.changed)
            new_forward, new_backward = level_calls(new_forward, new_backward, tools)
            kinds.update(dict.fromkeys(made, FLOAT))
        if not self.off("together") and crosses:
            new_forward, new_backward, joined = together(
                new_forward,
                new_backward,
                frozenset(recorder.stacks.values()),
                lambda name: isinstance(kinds.get(name), Number) or name in builder.flags,
                lambda name: context.is_value(name, kinds.get(name)) and name not in stored,
                lambda e, uid, made: (
                    uid in primal and heavy(context, e, primal[uid], made, context.compiled)
                ),
                fresh,
                wish,
                context.compiled,
                leaving(self.prepared.function.body),
                called_again,
            )
            kinds.update({x: FLOAT for x in made if x not in joined})
            recorder.kept.update(joined)
            recorder.stacks.update({stack: stack for stack in joined})
        by_name = {kept: v[0] for kept, v in recorder.kept.items() if v[0] in changing}

        def copy(name: str, of: str) -> n.Expr:
            return copied_value(context, name, kinds.get(of, UNKNOWN))

        new_forward, new_backward = apart(new_forward, new_backward, by_name, copy)
        # what was planned on the way to the plan is not kept
        filled = assigned(new_forward)
        every_kept = {**recorder.kept, **recorder.kept_items}
        stacks = recorder.all_stacks()
        missing = sorted((recorder.undefined | self.loose(forward, new_backward, step)) - params)
        if step and missing:
            raise NotAtOnce
        # what a step keeps in a variable for itself is not kept for the reverse sweep
        self.kept |= {
            stack: kept
            for stack, kept in every_kept.items()
            if stack in filled and (stack in stacks or not step)
        }
        self.stacks += stacks
        self.items |= recorder.kept_items.keys()
        first: list[n.Stmt] = [n.Assign((n.Name(stack),), n.ListExpr(())) for stack in stacks]
        # a list that is not there yet is empty: where it is restored, items are taken from it
        nothing = n.Const("None", None)
        first.extend(
            n.Assign(
                (n.Name(name),),
                n.ListExpr(()) if isinstance(kinds.get(name), ListOf) else nothing,
            )
            for name in missing
        )
        return (*first, *new_forward), new_backward

    def made_again(self, backward: n.Block, kept: frozenset[str]) -> frozenset[str]:
        """Return the variables that a reverse sweep makes again, not from what is kept."""
        return frozenset(
            x
            for s in walk_stmts(backward)
            if isinstance(s, (n.Assign, n.AugAssign)) and names(s.value).isdisjoint(kept)
            for x in assigned((s,)) & self.variables
        )

    def loose(self, forward: n.Block, backward: n.Block, step: bool) -> set[str]:
        """Return what the reverse sweep reads the shape of although it may not be bound."""
        body = forward if step else self.prepared.function.body[:-1]
        surely = certain_at_end(body, self.params)
        read = {
            x.id
            for s in backward
            if isinstance(s, n.Assign)
            for e in subexprs(s.value)
            if isinstance(e, n.Call)
            for x in e.args
            if isinstance(x, n.Name)
        }
        return (read & assigned(body)) - set(surely)


def _is_length(s: n.Stmt) -> bool:
    """True for `n = len(x)`."""
    e = s.value if isinstance(s, n.Assign) and sole_target(s) is not None else None
    return isinstance(e, n.Call) and e.func == n.Name("len")
