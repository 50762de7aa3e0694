"""From a subject to the form the transformations take: decided branches folded, exits structural.

Takes a `Subject` and the values of its parameters, gives a prepared Function with its facts;
requires `frontend`, `analysis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from s2s_ad.analysis.complex_numbers import beside_complex
from s2s_ad.analysis.flow import Facts, interpret
from s2s_ad.analysis.memory import Memory
from s2s_ad.analysis.still import NOTHING_STILL, Still
from s2s_ad.analysis.values import Value
from s2s_ad.build_arguments import (
    CALLED,
    check_still_unchanged,
    check_unchanged,
    own_arguments,
)
from s2s_ad.build_cuts import note_cuts
from s2s_ad.build_fresh import newness, newness_of_object
from s2s_ad.build_hoist import hoist
from s2s_ad.build_naming import wish
from s2s_ad.build_parts import with_named_masks, with_named_parts
from s2s_ad.build_program import Program
from s2s_ad.build_spliced import spliced
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.build_updates import settle_stores, settle_updates
from s2s_ad.build_writes import with_writes
from s2s_ad.errors import OutputError, UnsupportedSyntax
from s2s_ad.frontend.exits import exits, structure
from s2s_ad.frontend.fold import fold_decided
from s2s_ad.frontend.index_loops import over_axes
from s2s_ad.frontend.iterators import check_iterators
from s2s_ad.frontend.live_loops import by_position
from s2s_ad.frontend.normalise import normalise
from s2s_ad.frontend.questions import Outside
from s2s_ad.frontend.sink import sink
from s2s_ad.frontend.slices import with_slices
from s2s_ad.frontend.views import without_views
from s2s_ad.frontend.webs import with_webs_apart
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.verify import is_on, unbound_reads, verify
from s2s_ad.ir.walk import (
    assigned,
    bound_names,
    map_block,
    walk_stmts,
)
from s2s_ad.transform.cancelling import cancelling
from s2s_ad.transform.context import Context
from s2s_ad.transform.tries import leaves_early

Values = tuple[tuple[str, Value], ...]
ROUNDS = 4


@dataclass
class Prepared:
    """A function in normal form. function changes as sub-expressions are given names.

    sunk: for each `if` made behind a loop, the one in the loop that it was taken from. exit_value:
    the variable that holds what is returned, if each exit assigns it. still: what cancels out of
    the result. lent: whether callers may change what they gave it between its forward and its
    reverse half. copied: the statements, by uid, that copy what the user did not.
    """

    subject: Subject
    program: Program
    function: n.Function
    values: Values
    names: Names
    transparent: dict[str, n.Expr] = field(default_factory=dict)
    sunk: dict[int, int] = field(default_factory=dict)
    exit_value: str = ""
    found: tuple[n.Function, Facts] | None = None
    memory: Memory = field(default_factory=Memory)
    still: Still = NOTHING_STILL
    lent: bool = False
    copied: set[int] = field(default_factory=set)

    def newness(self, e: n.Call) -> int:
        """Return how much of what a call returns shares storage with nothing."""
        return newness(self.subject, self.program, e)

    def newness_here(self, e: n.Call) -> int:
        """Return how much of what a call in the generated code returns is new."""
        func = e.func
        path: list[str] = []
        while isinstance(func, n.Attribute):
            path.append(func.attr)
            func = func.value
        objects = self.program.linker.objects
        if not isinstance(func, n.Name) or func.id not in objects:
            return self.newness(e)
        made = objects[func.id]
        for attr in reversed(path):
            made = getattr(made, attr, None)
        return newness_of_object(made, e)

    def facts(self) -> Facts:
        """Return the facts of the function as it is now."""
        if self.found is None or self.found[0] is not self.function:
            local = {p.name for p in self.function.params} | bound_names(self.function.body)
            world = SubjectWorld(self.subject, self.program)
            values = dict(self.values)
            known = frozenset(local), self.memory, self.still
            facts = interpret(self.function, values, world, *known)
            self.found = self.function, facts
        return self.found[1]

    def leave_out(self, still: Still) -> None:
        """Differentiate no more what is taken not to vary."""
        if still != self.still:
            # what is remembered of other forms of the function took it to vary
            self.still, self.found, self.memory = still, None, Memory()

    def become(self, function: n.Function) -> None:
        """Take another form of the function; an equal one changes nothing, facts included."""
        if function != self.function:
            if is_on():
                verify(function, "preparation", unbound_reads(self.subject.function))
            self.function = function

    def name_effects(self, tests: bool, last: bool) -> None:
        """Give calls with effects statements of their own, one in each statement at a time."""
        while True:
            named = hoist(self.function, self.context(), self.names.fresh, tests, last)
            if named == self.function:
                return
            self.function = named

    def alias(self, name: str) -> str:
        """Return how a builtin, module or helper is spelled in this function."""
        return self.program.linker.alias(name, self.subject.locals)

    def context(self) -> Context:
        return Context(
            self.function,
            self.facts().fork(),
            self.names,
            self.alias,
            self.program,
            self.subject.refuse,
            transparent=self.transparent,
            newness=self.newness,
            compiled="numba" in self.program.options,
            follows=self.program.options.isdisjoint({"numba", "strict"}),
            spread_out="broadcast" in self.program.options,
            exit_value=self.exit_value,
            lent=self.lent,
        )


def prepare(
    program: Program,
    subject: Subject,
    values: Values,
    select: Sequence[int],
    structural: bool,
    entry: bool,
) -> Prepared:
    """Return the subject in normal form for parameters with these values.

    select: path of indices of the part of the result that is differentiated. structural: whether
    early exits are made structural, as reverse mode needs. entry: whether the user calls what is
    generated, and nothing of the arguments may change then.
    """
    names = subject.fresh_names()
    prepared = Prepared(subject, program, subject.function, values, names)
    _check_params(subject)
    called = entry and CALLED in program.options
    if called:
        check_unchanged(program, subject, values)

    def refuse(s: n.Stmt, message: str, hint: str, e: n.Expr | None = None) -> UnsupportedSyntax:
        return UnsupportedSyntax(message, subject.place(s.origin, e), hint)

    body = fold_decided(subject.function.body, prepared.facts())
    prepared.become(selected(replace(subject.function, body=body), select, subject))
    if "spliced" not in program.options:
        _splice(prepared)
    prepared.become(with_slices(prepared.function, prepared.facts(), names.fresh))
    check_iterators(prepared.function, prepared.facts(), refuse)
    prepared.become(over_axes(prepared.function, prepared.facts(), names.fresh, prepared.alias))
    prepared.become(by_position(prepared.function, prepared.facts(), names, prepared.alias, refuse))
    prepared.name_effects(tests=False, last=False)
    for _ in range(ROUNDS):
        # what is written out may have to be written out further, with facts of its own
        prepared.become(_in_the_open(prepared, entry and not called))
        context = prepared.context()
        facts = context.facts
        unshared = {uid: owned.own for uid, owned in context.unshared().items()}
        outside = Outside(prepared.alias, unshared)
        before = prepared.function
        prepared.become(normalise(before, facts, names, refuse, outside))
        if prepared.function == before:
            break
    for name in unlike(prepared.function, prepared.facts()):
        prepared.become(with_webs_apart(prepared.function, name, names.fresh))
    plain = {s.uid: s for s in walk_stmts(prepared.function.body)}
    own = entry and not called
    prepared.become(settle_stores(prepared.function, prepared.facts(), subject, program, own))
    prepared.copied |= {
        s.uid for s in walk_stmts(prepared.function.body) if s != plain.get(s.uid, s)
    }
    prepared.become(settle_updates(prepared.function, prepared.facts(), subject, program))
    note_cuts(program, subject, prepared.function, prepared.facts())
    for s, e in beside_complex(prepared.function, prepared.facts()):
        message = "a complex number beside an active value"
        raise subject.refuse(s, e, message, "compute with the real and the imaginary part")
    prepared.name_effects(tests=False, last=True)
    function = prepared.function
    prepared.become(with_named_parts(function, prepared.facts(), lambda e: names.fresh(wish(e))))
    prepared.become(with_named_masks(prepared.function, prepared.facts(), names.fresh))
    if "cancel" not in program.options:
        prepared.leave_out(cancelling(prepared.context()))
    if called:
        check_still_unchanged(prepared)
    elif entry:
        own_arguments(prepared, program.shared)
    if structural or _leaves_tries(prepared):
        settle_exits(prepared)
    return prepared


def _leaves_tries(prepared: Prepared) -> bool:
    """True when a way out of the function, or of a loop, leads out of the body of a `try` in which
    something varies: forward mode runs such a body twice."""
    facts = prepared.facts()

    def varies(x: n.Stmt) -> bool:
        returned = x.value if isinstance(x, n.Return) and x.uid in facts.before else None
        given = returned is not None and facts.varied(returned, x.uid)
        return given or any(facts.varied_after(v, x.uid) for v in assigned((x,)))

    tried = [s.body for s in walk_stmts(prepared.function.body) if isinstance(s, n.Try)]
    return any(leaves_early(body) and any(map(varies, walk_stmts(body))) for body in tried)


def _splice(prepared: Prepared) -> None:
    """Put short functions that write into their arguments where they are called, those that they
    call too."""
    subject, program = prepared.subject, prepared.program
    for _ in range(ROUNDS):
        before = prepared.function
        made = spliced(before, prepared.facts(), subject, program, prepared.names)
        if made == before:
            return
        program.spliced = True
        prepared.become(made)
        # what is passed decides some of their branches
        folded = fold_decided(prepared.function.body, prepared.facts())
        prepared.become(replace(prepared.function, body=folded))


def _in_the_open(prepared: Prepared, entry: bool) -> n.Function:
    """Return the function with stores through views, and in calls, as stores of its own."""
    subject, program = prepared.subject, prepared.program
    while (plain := without_views(prepared.function, prepared.facts())) != prepared.function:
        prepared.become(plain)
    fresh = prepared.names.fresh
    return with_writes(prepared.function, prepared.facts(), subject, program, fresh, entry)


def unlike(function: n.Function, facts: Facts) -> list[str]:
    """Return the variables that are lists which grow at one place, arrays or dicts at another."""
    grown = {s.stack for s in walk_stmts(function.body) if isinstance(s, n.Append)}
    others = {
        name
        for env in facts.after.values()
        for name in grown & env.keys()
        if isinstance(env[name].kind, (Array, DictOf))
    }
    return sorted(others)


def settle_exits(prepared: Prepared, result: str | None = None) -> None:
    """Give a function structural exits. result: the variable to be returned, if settled."""
    check_exits(prepared)
    own = {p.name for p in prepared.function.params} | assigned(prepared.function.body)
    # an exit in a `finally` comes after another one
    once = not any(isinstance(s, n.Try) for s in walk_stmts(prepared.function.body))
    prepared.become(structure(prepared.function, prepared.names, result))
    last = prepared.function.body[-1] if prepared.function.body else None
    if isinstance(last, n.Return) and isinstance(last.value, n.Name) and last.value.id not in own:
        prepared.exit_value = last.value.id if once else ""
    prepared.name_effects(tests=True, last=True)
    if any(isinstance(s, (n.For, n.While)) for s in walk_stmts(prepared.function.body)):
        context = prepared.context()
        function, taken = sink(prepared.function, context.is_repeatable)
        prepared.become(function)
        prepared.sunk.update(taken)


def check_exits(prepared: Prepared) -> None:
    """Refuse a way out of a `with` whose manager may swallow exceptions: more ways lead out."""
    left = [s for s in walk_stmts(prepared.function.body) if isinstance(s, n.With) and exits(s)]
    if left:
        context = prepared.context()
        for s in left:
            context.check_with(s, "a way out of `with`")


def _check_params(subject: Subject) -> None:
    for p in subject.function.params:
        if p.kind in ("star", "double_star"):
            star = "*" if p.kind == "star" else "**"
            raise UnsupportedSyntax(
                f"parameter `{star}{p.name}` of a differentiated function",
                subject.place(subject.function.origin, n.Name(f"{star}{p.name}")),
                "give the parameters names, or wrap the function in a lambda that does",
            )


def selected(function: n.Function, select: Sequence[int], subject: Subject) -> n.Function:
    """Return a function that returns only a part of its tuple."""
    if not select:
        return function

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if not isinstance(s, n.Return):
            return (s,)
        value = s.value
        for k in select:
            if isinstance(value, n.TupleExpr) and k < len(value.items):
                value = value.items[k]
            elif value is not None:
                value = n.Subscript(value, n.Const(str(k), k))
        if value is None:
            raise OutputError(
                f"`{subject.name}` returns nothing where a part of its result is differentiated",
                subject.place(s.origin, None),
                "return a tuple on every path",
            )
        return (replace(s, value=value),)

    return replace(function, body=map_block(function.body, visit))


def with_result(function: n.Function, names: Names) -> n.Function:
    """Return a function whose last statement returns a variable."""
    last = function.body[-1] if function.body else None
    if not isinstance(last, n.Return) or isinstance(last.value, n.Name):
        return function
    name = n.Name(names.fresh("result"))
    value = last.value if last.value is not None else n.Const("None", None)
    assign = n.Assign((name,), value, origin=last.origin, comments=last.comments)
    end = n.Return(name, origin=last.origin)
    return replace(function, body=(*function.body[:-1], assign, end))
