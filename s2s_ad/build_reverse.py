"""Reverse mode of one function, from its prepared form to finished functions.

Takes a `Prepared` function, gives `f_adjoint`, or the halves `f_forward` and `f_reverse`, or a
reverse function that starts from the arguments. Requires `transform`, `simplify`, `analysis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from s2s_ad.analysis.bound import bound_by, definitely, overwritten_before_defined
from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.held import holds_plain_items
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.analysis.useful import Useful, useful
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.build_naming import name_expressions
from s2s_ad.build_prepare import Prepared, with_result
from s2s_ad.build_recording import Recording
from s2s_ad.errors import OutputError
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, Length, Number, adjoint_kind, is_immutable
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, subexprs, walk_stmts
from s2s_ad.simplify import algebra, plain
from s2s_ad.simplify.accumulate import Bars, Place, accumulate
from s2s_ad.simplify.first_stores import first_stores
from s2s_ad.simplify.handing_over import copies_last
from s2s_ad.simplify.one_name import one_name
from s2s_ad.simplify.ownership import Buffers, own
from s2s_ad.transform.adjoint import Builder
from s2s_ad.transform.context import Context
from s2s_ad.transform.contributions import Options
from s2s_ad.transform.copies import (
    copied_adjoint,
    copied_value,
    is_list_of_numbers,
    sum_of_lists,
    zero_adjoint,
)
from s2s_ad.transform.keeping import RecordBranch
from s2s_ad.transform.overwritten import ResultLost
from s2s_ad.transform.recording import ReverseExit
from s2s_ad.transform.settled import Sweep, settled
from s2s_ad.transform.steady import steady
from s2s_ad.transform.undoing import put_back, returned_items, worked
from s2s_ad.transform.versions import AT_THE_END

END = Place(None)


@dataclass
class Reverse:
    """The two sweeps of a function, finished but for their packaging.

    result: the variable returned. bars: adjoint of each parameter asked for. kept: what is
    saved, by the list or variable it is saved in. items: those of them that hold what stores into
    a variable overwrite. end: uid of the statement that returns. temporaries: kinds of the arrays
    among further differentials. inside: uids of statements of the reverse sweep that are in the
    forward sweep.
    """

    context: Context
    forward: list[n.Stmt]
    backward: list[n.Stmt]
    result: str
    seed: str
    bars: dict[str, str]
    kinds: dict[str, Kind]
    end: int
    kept: dict[str, list[str]] = field(default_factory=dict)
    stacks: list[str] = field(default_factory=list)
    items: frozenset[str] = frozenset()
    passive: bool = False
    temporaries: dict[str, Kind] = field(default_factory=dict)
    inside: frozenset[int] = frozenset()


def reverse(prepared: Prepared, wrt: Sequence[str], skip: int = 0, joint: bool = False) -> Reverse:
    """Return the sweeps of a prepared function with respect to the parameters `wrt`.

    skip: number of leading statements that belong to the caller's forward sweep already. joint:
    whether the adjoint of the result is there before the forward sweep.
    """
    prepared.function = with_result(prepared.function, prepared.names)
    options = Options()
    for _ in range(1000):
        run = _Run(prepared, tuple(wrt), options, skip, joint)
        outcome = run.go()
        if isinstance(outcome, Reverse):
            return outcome
        options = outcome
    raise AssertionError("the reverse sweep does not settle")


class _Run:
    def __init__(
        self, prepared: Prepared, wrt: tuple[str, ...], options: Options, skip: int, joint: bool
    ) -> None:
        self.prepared = prepared
        self.wrt = wrt
        self.options = options
        self.skip = skip
        self.joint = joint
        # a run that has to start again must not have used up names
        self.taken = set(prepared.names.taken)
        # uids of additions to items that are stores, as they come first
        self.first: frozenset[int] = frozenset()

    def again(self, options: Options) -> Options:
        self.prepared.names.taken = self.taken
        return options

    def off(self, optimisation: str) -> bool:
        return optimisation in self.prepared.program.options

    def go(self) -> Reverse | Options:
        prepared = self.prepared
        context = prepared.context()
        body = prepared.function.body
        last = body[-1] if body else None
        if not isinstance(last, n.Return) or not isinstance(last.value, n.Name):
            raise OutputError(
                f"`{prepared.subject.name}` returns nothing",
                prepared.subject.place(prepared.subject.function.origin, None),
                "return the value to be differentiated",
            )
        result = last.value.id
        # named first, so that the sweeps of all exits call it the same
        seed = context.mark(result, "bar")
        wanted = useful(prepared.function, context.facts)
        barred = self.barred(context.facts, wanted)
        tidy = plain if self.off("algebra") else algebra
        builder = Builder(context, wanted.after, tidy, self.options, barred)
        sweeps = builder.block(body[self.skip : -1])
        if builder.requests:
            prepared.names.taken = self.taken
            callee = builder.callees
            prepared.function = name_expressions(prepared, builder.requests, lambda e: e in callee)
            return self.options
        kinds = context.facts.kinds()
        backward = self.accumulated(context, builder, sweeps.reverse, seed, barred, kinds)
        try:
            recording = Recording(prepared, context, builder, kinds, self.skip, self.joint)
            if self.joint and not self.off("at_once"):
                outputs = frozenset({result, *(context.mark(name, "bar") for name in self.wrt)})
                ahead, back = recording.at_once(sweeps.forward, backward, outputs, self.first)
            else:
                ahead, back = recording.whole(sweeps.forward, backward)
        except RecordBranch as found:
            return self.again(replace(self.options, branches=self.options.branches | found.uids))
        except ResultLost as found:
            return self.again(replace(self.options, unread=self.options.unread | found.uids))
        except ReverseExit as found:
            return self.again(replace(self.options, exits=self.options.exits | {found.uid}))
        backward = list(back)
        forward, result_name = self.keep_result(context, list(ahead), backward, result, kinds)
        bars = {name: context.mark(name, "bar") for name in self.wrt}
        return Reverse(
            context,
            forward,
            backward,
            result_name,
            seed,
            bars,
            kinds,
            last.uid,
            recording.kept,
            recording.stacks,
            frozenset(recording.items),
            temporaries=builder.temporary_kinds,
            inside=recording.inside,
        )

    # -- adjoint variables

    def barred(self, facts: Facts, wanted: Useful) -> frozenset[str]:
        """Return the variables that have an adjoint: varied somewhere and useful there."""
        found = set(self.wrt)
        for uid, env in facts.after.items():
            ok = wanted.after.get(uid, frozenset()) - found
            found |= {name for name in ok if env.get(name, PASSIVE).varied}
        for s in walk_stmts(self.prepared.function.body):
            if isinstance(s, n.For):
                first = s.body[0].uid if s.body else -1
                env = facts.before.get(first, {})
                ok = wanted.before.get(first, frozenset())
                found |= {
                    e.id
                    for e in subexprs(s.target)
                    if isinstance(e, n.Name) and e.id in ok and env.get(e.id, PASSIVE).varied
                }
        last = self.prepared.function.body[-1]
        assert isinstance(last, n.Return) and isinstance(last.value, n.Name)
        return frozenset(found | {last.value.id})

    def accumulated(
        self,
        context: Context,
        builder: Builder,
        backward: list[n.Stmt],
        seed: str,
        barred: frozenset[str],
        kinds: dict[str, Kind],
    ) -> list[n.Stmt]:
        by_bar = {context.mark(name, "bar"): name for name in sorted(barred)}
        upfront = self.upfront(context, backward, by_bar)
        temporaries = builder.temporaries | {
            x
            for s in walk_stmts(tuple(backward))
            if isinstance(s, n.Assign)
            for e in subexprs(s.targets[0])
            if isinstance(e, n.Name) and (x := e.id) not in kinds
        }

        params = {p.name for p in self.prepared.function.params}
        undefined = overwritten_before_defined(self.prepared.function.body, params)
        bound = definitely(self.prepared.function.body, params)

        def is_bound(name: str, place: Place) -> bool:
            """True where a variable certainly has the value whose adjoint begins there."""
            table = bound.behind if place.behind else bound.before
            known = table.get(place.of) if place.of is not None else None
            return name not in undefined if known is None else name in known

        def is_number(name: str, place: Place) -> bool:
            """True where a variable is a number before and behind what its adjoint begins at."""
            tables = (context.facts.before, context.facts.after)
            envs = [t.get(place.of, {}) for t in tables] if place.of is not None else [{}]
            return all(name in env and isinstance(env[name].kind, Number) for env in envs)

        def zero(bar: str, place: Place) -> n.Expr:
            name = by_bar.get(bar)
            if name is None:
                return n.ZERO
            kind = kinds.get(name, UNKNOWN)
            if is_number(name, place):
                return n.ZERO
            if not isinstance(kind, (Number, Array)) and not is_bound(name, place):
                # there may be nothing yet whose items could be counted
                return n.Call(context.helper("zeros_like"), (n.Name(name),))
            return zero_adjoint(context, name, kind)

        order = tuple(
            context.mark(p.name, "bar") for p in self.prepared.function.params if p.name in barred
        )
        numbers = frozenset(bar for bar in by_bar if zero(bar, END) == n.ZERO)
        eager = numbers if self.off("accumulate") else frozenset[str]()
        every = frozenset(by_bar) | frozenset(temporaries)
        bars = Bars(every, zero, order, eager, context.helper("add"))
        upfront = [*upfront, *sorted(eager - {seed})]
        start = frozenset(by_bar) - {seed} - set(upfront)
        block, at_end = accumulate(tuple(backward), start, bars)
        first = [n.Assign((n.Name(bar),), zero(bar, END), of=AT_THE_END) for bar in upfront]
        ends = [
            n.Assign((n.Name(bar),), zero(bar, END))
            for name in self.wrt
            if (bar := context.mark(name, "bar")) in at_end
        ]
        block = (*first, *block, *ends)
        if not self.off("inline"):
            block = one_name(block, frozenset(builder.temporaries))

        def bar_kind(bar: str) -> Kind:
            kind = kinds.get(by_bar.get(bar, bar), builder.temporary_kinds.get(bar, UNKNOWN))
            return adjoint_kind(kind) if bar in by_bar else kind

        def add(a: n.Expr, b: n.Expr) -> n.Expr:
            if all(isinstance(x, n.Name) and is_list_of_numbers(bar_kind(x.id)) for x in (a, b)):
                return sum_of_lists(context, a, b)
            return n.Call(context.helper("add"), (a, b))

        def copy(bar: str, whole: bool) -> n.Expr:
            return copied_adjoint(context, bar, bar_kind(bar), whole)

        newness = self.prepared.newness_here
        outputs = frozenset(context.mark(name, "bar") for name in self.wrt)
        if not self.off("accumulate"):
            body = self.prepared.function.body
            swept = Sweep(context, body, tuple(by_bar), outputs, bar_kind, newness, algebra.negate)
            added = {s.uid for s in walk_stmts(block) if isinstance(s, n.AugAssign)}
            block = settled(swept, block)
            stores = (s.uid for s in walk_stmts(block) if isinstance(s, n.Assign))
            self.first = frozenset(added.intersection(stores))
        in_place = not self.off("ownership")
        block = copies_last(block, lambda bar: isinstance(bar_kind(bar), Array))
        buffers = Buffers(bar_kind, newness, add, copy, bars.names, in_place=in_place)
        owned = own(block, replace(buffers, at_end=outputs))
        if self.off("accumulate"):
            return list(owned)

        def is_float(bar: str) -> bool:
            kind = kinds.get(by_bar.get(bar, bar))
            return isinstance(kind, Array) and kind.dtype == "float"

        stored = first_stores(owned, is_float, lambda x: isinstance(kinds.get(x), Length))
        return list(steady(context, stored))

    def upfront(
        self, context: Context, backward: list[n.Stmt], by_bar: dict[str, str]
    ) -> list[str]:
        """Return adjoints of lists that are best zeroed once, when the forward sweep is over.

        Such a list is made once, outside of loops, and only grows and shrinks after that.
        """
        body = self.prepared.function.body
        made: dict[str, int] = {}
        for s in body:
            target = s.targets[0] if isinstance(s, n.Assign) else None
            if isinstance(s, n.Assign) and isinstance(target, n.Name) and is_empty_list(s.value):
                made[target.id] = made.get(target.id, 0) + 1
        moved = {s.stack for s in walk_stmts(body) if isinstance(s, n.Pop)}
        result = []
        for bar, name in by_bar.items():
            if made.get(name) != 1 or name not in moved:
                continue
            if sum(1 for s in walk_stmts(body) if _binds(s, name)) == 1:
                result.append(bar)
        return result

    def keep_result(
        self,
        context: Context,
        forward: list[n.Stmt],
        backward: list[n.Stmt],
        result: str,
        kinds: dict[str, Kind],
    ) -> tuple[list[n.Stmt], str]:
        """Keep the result under another name when the reverse sweep changes its variable, and a
        copy of it when the reverse sweep takes apart what it holds."""
        kind = kinds.get(result, UNKNOWN)
        own = assigned(self.prepared.function.body) | set(kinds)
        emptied = worked(tuple(backward)) & own | put_back(tuple(backward), own)
        end = self.prepared.function.body[-1].uid
        alone = result in context.unshared().get(end, NOTHING_OWNED).whole
        # what was handed over to the result alone is still known here by its own name
        alone = alone and (holds_plain_items(kind) or not emptied - {result})
        taken_apart = bool(emptied) and not is_immutable(kind) and (result in emptied or not alone)
        if not taken_apart and result not in assigned(tuple(backward)):
            return forward, result
        made = returned_items(context)
        if made is not None and result not in assigned(tuple(backward)):
            return [
                _with_items_copied(context, s) if s.uid == made.uid else s for s in forward
            ], result
        name = context.names.fresh("result")
        value = copied_value(context, result, kind) if taken_apart else n.Name(result)
        return [*forward, n.Assign((n.Name(name),), value)], name


def _with_items_copied(context: Context, s: n.Stmt) -> n.Stmt:
    """Return a statement that binds a tuple, with copies of the variables in it."""
    assert isinstance(s, n.Assign) and isinstance(s.value, n.TupleExpr)

    def copied(e: n.Expr) -> n.Expr:
        kind = context.kind(e, s.uid)
        if is_immutable(kind) or not isinstance(e, n.Name):
            return e
        return copied_value(context, e.id, kind)

    return replace(s, value=replace(s.value, items=tuple(map(copied, s.value.items))))


def _binds(s: n.Stmt, name: str) -> bool:
    if isinstance(s, n.With):
        return name in bound_by(s)
    if isinstance(s, (n.If, n.For, n.While)):
        return isinstance(s, n.For) and name in {
            e.id for e in subexprs(s.target) if isinstance(e, n.Name)
        }
    if isinstance(s, (n.Append, n.Pop)):
        return isinstance(s, n.Pop) and s.target == n.Name(name)
    return name in assigned((s,))
