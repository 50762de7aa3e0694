"""The functions of one generated module: the one asked for, and those its callees need.

Takes callees met on the way, gives plans of their calls and, in the end, all generated functions.
Requires `build_subject`, `build_linker`, `analysis`, `transform`.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from s2s_ad.analysis.flow import Facts, interpret
from s2s_ad.analysis.values import Value
from s2s_ad.build_closures import Places, captured, closed_over, expanded, is_partial
from s2s_ad.build_keys import OUTSIDE, canonical, in_symbols, keyed
from s2s_ad.build_leaving import Writing, leaving
from s2s_ad.build_linker import Linker
from s2s_ad.build_objects import with_fields
from s2s_ad.build_recursion import assumed, bounded, summarised
from s2s_ad.build_signature import bind
from s2s_ad.build_small import Small, gives_numbers
from s2s_ad.build_stars import extra_keywords, extra_positional, has_stars, written_out
from s2s_ad.build_subject import (
    LocalFunction,
    Subject,
    SubjectWorld,
    lifted_subject,
    subject_of,
    with_arguments,
)
from s2s_ad.errors import S2SError, SourceError
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import FLOAT, UNKNOWN, Kind, Partial, is_discrete
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, is_starred, names, walk_stmts
from s2s_ad.runtime.calls import AT_RUN_TIME
from s2s_ad.transform.calls import CallPlan, formula_of
from s2s_ad.transform.run_time import is_integral

if TYPE_CHECKING:
    from s2s_ad.build_cuts import Cut
    from s2s_ad.build_sites import Book

T = TypeVar("T")
MOST_STATEMENTS = 30
# calls below each other that run again with their loops: the lowest one as often as there are
RUN_AGAIN = 3
# of our own code, only what derivatives consist of and are made for
OURS = ("s2s_ad.runtime", "s2s_ad.generated", "s2s_ad.wrappers")


@dataclass(frozen=True)
class Variant:
    """A callee for particular values of its parameters, to be generated.

    changes: whether the caller changes an argument in place, before or after the call.
    """

    subject: Subject
    values: tuple[tuple[str, Value], ...]
    active: tuple[str, ...]
    mode: str
    cheap: bool
    changes: bool
    forward: str
    reverse: str
    tangent: str


@dataclass
class Program:
    """All that goes into one generated module."""

    linker: Linker
    options: frozenset[str] = frozenset()
    shared: tuple[tuple[str, ...], ...] = ()
    outside: bool = False
    subjects: dict[int, tuple[Any, Subject | S2SError]] = field(default_factory=dict)
    known: dict[Any, tuple[Value, tuple[str, ...]]] = field(default_factory=dict)
    # the symbols of the lengths of what a function that is being looked into was given
    symbols: dict[Any, tuple[str, ...]] = field(default_factory=dict)
    running: dict[Any, Value | None] = field(default_factory=dict)
    assumed: set[Any] = field(default_factory=set)
    variants: dict[Any, Variant] = field(default_factory=dict)
    pending: list[Variant] = field(default_factory=list)
    cheapness: dict[Any, bool] = field(default_factory=dict)
    purity: dict[Any, bool] = field(default_factory=dict)
    forms: dict[Any, Subject | None] = field(default_factory=dict)
    closures: dict[Any, Any] = field(default_factory=dict)
    new_results: dict[int, bool] = field(default_factory=dict)
    own_results: dict[int, bool] = field(default_factory=dict)
    apart_results: dict[int, bool] = field(default_factory=dict)
    proofs: dict[int, dict[str, Kind]] = field(default_factory=dict)
    cuts: dict[Cut, None] = field(default_factory=dict)
    cutting: dict[Any, bool] = field(default_factory=dict)
    updates: dict[Any, frozenset[str]] = field(default_factory=dict)
    updating: dict[Any, frozenset[str]] = field(default_factory=dict)
    unsettled: set[Any] = field(default_factory=set)
    heavy: set[Any] = field(default_factory=set)
    halved: set[Any] = field(default_factory=set)
    smalls: dict[str, Small] = field(default_factory=dict)
    writings: dict[Any, Writing] = field(default_factory=dict)
    written: dict[Any, frozenset[str]] = field(default_factory=dict)
    changes: dict[Any, frozenset[str]] = field(default_factory=dict)
    spoken: dict[str, tuple[n.Expr, Writing]] = field(default_factory=dict)
    backward: set[int] = field(default_factory=set)  # uids of reverse sweeps to be compiled
    small: Callable[[Variant], Small] | None = None
    spliced: bool = False
    book: Book | None = None

    def subject(self, callee: object) -> Subject | None:
        """Return the subject of a callee, None for what is not a function of the user."""
        if isinstance(callee, functools._lru_cache_wrapper):
            # what is kept is what the function returned
            return self.subject(callee.__wrapped__)
        if isinstance(callee, functools.partial):
            return self.fixed(callee)
        if isinstance(callee, Writing):
            return leaving(self, callee)
        if not isinstance(callee, (types.FunctionType, types.MethodType, LocalFunction)):
            if isinstance(inner := getattr(callee, "py_func", None), types.FunctionType):
                return self.subject(inner)  # compiled by numba: what it was compiled from
            in_c = (type, types.BuiltinFunctionType, np.vectorize)
            if isinstance(callee, in_c) or not callable(callee):
                return None
            if hasattr(type(callee), "__s2s_transform__"):
                return None  # its text is ours, and no part of the user's program
            call = inspect.getattr_static(type(callee), "__call__", None)
            if isinstance(call, types.FunctionType):
                return self.subject(types.MethodType(call, callee))
            return None
        home = str(getattr(callee, "__module__", ""))
        ours = home.startswith("s2s_ad.") and not home.startswith(OURS)
        ours = ours or callee in AT_RUN_TIME or is_integral(callee)
        if isinstance(callee, types.FunctionType) and ours:
            return None
        found = self.subjects.get(id(callee))
        if found is not None and found[0] is callee:
            return found[1] if isinstance(found[1], Subject) else None
        if isinstance(callee, types.MethodType):
            for other, subject in self.subjects.values():
                if other == callee and other.__self__ is callee.__self__:
                    return subject if isinstance(subject, Subject) else None
        made: Subject | S2SError
        try:
            if isinstance(callee, LocalFunction):
                made = lifted_subject(callee, self.linker)
            else:
                made = subject_of(callee, self.linker)
        except S2SError as error:
            # told where something active is passed to it: nothing else needs its derivative
            made = error
        self.subjects[id(callee)] = (callee, made)
        return with_fields(self, made) if isinstance(made, Subject) else None

    def fixed(self, callee: functools.partial[Any]) -> Subject | None:
        """Return the subject of a `functools.partial` object: some arguments are live objects."""
        found = self.subjects.get(id(callee))
        if found is None or found[0] is not callee:
            inner = self.subject(callee.func)
            made = inner and with_arguments(inner, callee.args, callee.keywords, self.linker)
            why = SourceError(f"the arguments of {callee!r} cannot be written out")
            self.subjects[id(callee)] = found = (callee, made or why)
        return found[1] if isinstance(found[1], Subject) else None

    def trouble(self, callee: object) -> S2SError | None:
        """Return why a callee cannot be differentiated: syntax, or it was edited since imported."""
        found = self.subjects.get(id(callee))
        if found is None or found[0] is not callee or not isinstance(found[1], S2SError):
            return None
        plain = isinstance(found[1], SourceError) and "edited" not in found[1].message
        return None if plain else found[1]

    def fitted(self, callee: object, positional: int, keywords: Sequence[str]) -> Subject | None:
        """Return the subject of a callee, star parameters written out for a call of this form."""
        subject = self.subject(callee)
        if subject is None or not has_stars(subject.function):
            return subject
        stars = [p.name for p in subject.function.params if p.kind == "star"]
        extra = extra_positional(subject.function, positional)
        names = tuple(f"{stars[0]}{k}" for k in range(extra)) if stars else ()
        return self.unstarred(subject, names, extra_keywords(subject.function, keywords))

    def unstarred(
        self, subject: Subject, names: tuple[str, ...], keywords: tuple[str, ...]
    ) -> Subject | None:
        """Return a subject with star parameters replaced by parameters of these names."""
        key = (id(subject), names, keywords)
        if key not in self.forms:
            function = written_out(subject.function, names, keywords)
            self.forms[key] = None if function is None else replace(subject, function=function)
        return self.forms[key]

    def closed(
        self, subject: Subject, bound: Mapping[str, Value | None]
    ) -> tuple[Subject, Places] | None:
        """Return the subject of a callee for the local functions it is given, and their places."""
        given = {
            name: value.kind
            for name, value in bound.items()
            if value is not None and isinstance(value.kind, Partial)
        }
        functions = tuple((name, id(kind.function), kind.names) for name, kind in given.items())
        key = (id(subject), functions)
        if key not in self.closures:
            self.closures[key] = (self._closed(subject, given), given)
        found: tuple[Subject, Places] | None = self.closures[key][0]
        return found

    def _closed(
        self, subject: Subject, given: Mapping[str, Partial]
    ) -> tuple[Subject, Places] | None:
        lifted = dict(subject.lifted)
        free = dict(subject.free)
        called: dict[str, str] = {}
        for param, kind in given.items():
            function = kind.function
            if isinstance(function, LocalFunction):
                called[param] = function.function.name
                lifted[function.function.name] = function
            else:
                called[param] = self.linker.claim(function.__name__, function, subject.locals)
                free[called[param]] = function
        taken = set(subject.free) | set(lifted) | set(self.linker.functions)

        def partial_name() -> str:
            return self.linker.partial_name(subject.locals)

        found = closed_over(subject.function, given, called, taken, partial_name)
        if found is None:
            return None
        function_, places = found
        defaults = {k: v for k, v in subject.defaults.items() if k not in places}
        new = replace(subject, function=function_, lifted=lifted, free=free, defaults=defaults)
        return new, places

    # -- what a call returns

    def called(
        self, callee: object, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> tuple[Subject, Mapping[str, Value | None]] | None:
        """Return the subject that a call runs and what is known of its parameters.

        It is written for the local functions it is given. None when there is no source.
        """
        subject = self.fitted(callee, len(args), tuple(keywords))
        bound = None if subject is None else bind(subject.function.params, args, keywords)
        while subject is not None and bound is not None and any(map(is_partial, bound.values())):
            closed = self.closed(subject, bound)
            if closed is None:
                return None
            subject, places = closed
            bound = expanded(bound, places, lambda v: v.items if v is not None else None)
        return None if subject is None or bound is None else (subject, bound)

    def summary(
        self, callee: object, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value | None:
        """Return what is known of the result of a call, None when the callee has no source.

        A recursive call is assumed to return what the function is found to return.
        """
        known = self.called(callee, args, keywords)
        if known is None:
            return None
        subject, bound = known
        values = self.entry(subject, bound)
        alike, symbols = keyed(values)
        # what is returned may have the length of an object outside, a parameter another one
        key = (id(subject), alike, *(x if x.startswith(OUTSIDE) else "" for x in symbols))
        if key in self.known:
            return in_symbols(*self.known[key], symbols)
        if key in self.running:
            return in_symbols(assumed(self, key), self.symbols[key], symbols)
        self.symbols[key] = symbols
        found = summarised(self, key, subject, values)
        if not self.assumed:
            self.known[key] = found, symbols
        return found

    def is_pure(
        self,
        callee: object,
        args: Sequence[Value],
        keywords: Mapping[str, Value],
        again: bool = True,
    ) -> bool:
        """True for a function with source that changes nothing; again: and gives the same."""
        found = self.called(callee, args, keywords)
        return found is not None and self.has_no_effect(found[0], self.entry(*found), again)

    def has_no_effect(
        self, subject: Subject, values: tuple[tuple[str, Value], ...], again: bool = True
    ) -> bool:
        from s2s_ad.build_effects import has_no_effect

        key = (id(subject), canonical(values), again)
        if key not in self.purity:
            # a recursive call does what the rest of the function does
            self.purity[key] = True
            facts = interpret(
                subject.function, dict(values), SubjectWorld(subject, self), subject.locals
            )
            self.purity[key] = has_no_effect(subject, self, facts, again)
            if not self.purity[key]:
                # what was found while this was taken to be pure is to be found again
                at = list(self.purity).index(key)
                for other in list(self.purity)[at + 1 :]:
                    if self.purity[other]:
                        del self.purity[other]
        return self.purity[key]

    def entry(
        self, subject: Subject, bound: Mapping[str, Value | None]
    ) -> tuple[tuple[str, Value], ...]:
        """Return the values of all parameters, those of defaults included."""
        from s2s_ad.analysis.observe import kind_of, kind_of_object
        from s2s_ad.build_proved import proved

        proofs = proved(self, subject)
        result = []
        for p in subject.function.params:
            value = bound.get(p.name)
            if value is None:
                default = subject.defaults.get(p.name)
                if isinstance(default, n.Name):
                    value = Value(kind_of_object(subject.free.get(default.id)))
                elif isinstance(default, n.Const):
                    value = Value(kind_of(default.value))
                else:
                    value = Value(FLOAT if isinstance(default, n.Unary) else UNKNOWN)
            kind = proofs.get(p.name, UNKNOWN) if value.kind == UNKNOWN else UNKNOWN
            if kind != UNKNOWN and not (value.varied and is_discrete(kind)):
                value = replace(value, kind=kind)
            result.append((p.name, bounded(value)))
        return tuple(result)

    def changed_by(self, call: n.Call, s: n.Stmt, facts: Facts) -> frozenset[str] | None:
        from s2s_ad.build_changes import changed_by_call

        return changed_by_call(self, call, s, facts)

    # -- how a call is differentiated

    def plan(
        self, call: n.Call, facts: Facts, uid: int, mode: str, changing: frozenset[str], often: bool
    ) -> CallPlan | None:
        """Return how to differentiate a call of user code, None when it is not one."""
        reader = facts.reader(uid)
        env = facts.before.get(uid, {})
        found = reader.object_of(call.func, env)
        if found is None or is_starred(call):
            return None
        keywords = {k.name: k.value for k in call.keywords if k.name is not None}
        subject = self.fitted(found[0], len(call.args), tuple(keywords))
        if subject is None:
            return None
        given = bind(subject.function.params, call.args, keywords)
        if given is None:
            return None
        bound = {name: None if e is None else facts.value(e, uid) for name, e in given.items()}
        while any(is_partial(v) for v in bound.values()):
            closed = self.closed(subject, bound)
            if closed is None:
                return None
            subject, places = closed
            given = expanded(given, places, captured)
            if given is None:
                return None
            bound = {name: None if e is None else facts.value(e, uid) for name, e in given.items()}
        values = self.entry(subject, bound)
        active = tuple(name for name, value in values if value.varied)
        if not active:
            return None
        arguments = tuple(
            (p.name, given[p.name] or subject.defaults[p.name]) for p in subject.function.params
        )
        result = facts.value(call, uid)
        changes = any(names(e) & changing for _, e in arguments)
        # compiled code runs loops again sooner than it keeps lists of what they made
        again = "numba" in self.options and often and gives_numbers(values, result.kind)
        variant = self.variant(subject, values, active, mode, changes, often, again)
        small = self.smalls.get(variant.reverse) if variant.cheap else None
        return CallPlan(
            name=subject.name,
            arguments=arguments,
            active=active,
            result=result,
            cheap=variant.cheap,
            body=subject.function.body,
            forward=variant.forward,
            reverse=variant.reverse,
            tangent=variant.tangent,
            takes=small.takes if small else (),
            from_result=small is not None and small.from_result,
            formula=formula_of(small.function) if small else None,
        )

    def variant(
        self,
        subject: Subject,
        values: tuple[tuple[str, Value], ...],
        active: tuple[str, ...],
        mode: str,
        changes: bool,
        often: bool = False,
        again: bool = False,
    ) -> Variant:
        key = (id(subject), mode, canonical(values), changes, again)
        # at each step of a loop, what would be kept is kept many times over
        kept = key in self.halved or (key in self.heavy and not often)
        if (key, kept) in self.variants:
            return self.variants[key, kept]
        other = self.variants.get(((*key[:-1], not again), False))
        alike = self.smalls.get(other.reverse) if other is not None and other.cheap else None
        if other is not None and alike is not None and not alike.again:
            return other
        cheap = (
            mode == "adjoint"
            and not subject.copied
            and self.is_cheap(subject, RUN_AGAIN if again else 0)
        )
        # what reads its arguments alone in its reverse sweep keeps nothing that has to be handed on
        bare = mode == "adjoint" and not cheap and not changes and not subject.copied
        bare = bare and self.is_cheap(subject, RUN_AGAIN)
        cheap = (cheap or bare) and not kept and self.has_no_effect(subject, values)
        reverse, tangent = (
            self.linker.function(f"{subject.name}_{half}") if mode == of else ""
            for half, of in (("reverse", "adjoint"), ("tangent", "tangent"))
        )
        variant = Variant(subject, values, active, mode, cheap, changes, "", reverse, tangent)
        before = dict(self.variants), list(self.pending), set(self.linker.functions)
        if cheap and self.small is not None:
            self.smalls[reverse] = found = self.small(variant)
            kept = found.heavy and not often and "numba" not in self.options
            kept = kept or (bare and found.again)
        if cheap and kept:
            # the functions that this form would call are not needed
            self.variants, self.pending, self.linker.functions = before
            (self.halved if bare else self.heavy).add(key)
        if mode == "adjoint" and (kept or not cheap):
            forward = self.linker.function(f"{subject.name}_forward")
            variant = replace(variant, cheap=False, forward=forward)
        self.variants[key, kept] = variant
        self.pending.insert(len(before[1]), variant)
        return variant

    def is_cheap(self, subject: Subject, loops: int = 0) -> bool:
        """True for code that may simply run again in the reverse sweep: it is straight-line, or
        has loops, as what it calls has. loops: how many calls below each other may have some."""
        if "cheap_callees" in self.options:
            return False
        key = id(subject), loops
        if key not in self.cheapness:
            self.cheapness[key] = False  # a recursive function is not cheap
            self.cheapness[key] = self._cheap(subject, loops)
        return self.cheapness[key]

    def _cheap(self, subject: Subject, loops: int) -> bool:
        costly = (n.Try, n.With, n.Append, n.Pop, *(() if loops else (n.For, n.While)))
        statements = list(walk_stmts(subject.function.body))
        if len(statements) > MOST_STATEMENTS * (1 + loops):
            return False
        world = SubjectWorld(subject, self)
        for s in statements:
            if isinstance(s, costly):
                return False
            if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call):
                return False
            for e in all_parts(s):
                if isinstance(e, n.Comprehension):
                    return False
                if isinstance(e, n.Call) and not self._cheap_call(e, subject, world, loops):
                    return False
        return True

    def _cheap_call(self, e: n.Call, subject: Subject, world: SubjectWorld, loops: int) -> bool:
        if not isinstance(e.func, n.Name):
            return True
        found = None if e.func.id in subject.locals else world.lookup(e.func.id)
        inner = self.subject(found[0]) if found is not None else None
        return found is not None and (inner is None or self.is_cheap(inner, max(loops - 1, 0)))


def entry_values(
    subject: Subject, kinds: Mapping[str, Kind], wrt: tuple[str, ...]
) -> tuple[tuple[str, Value], ...]:
    """Return the values of the parameters of the function that was asked for."""
    result = []
    for p in subject.function.params:
        kind = kinds.get(p.name, UNKNOWN)
        varied = p.name in wrt and not (p.name in kinds and is_discrete(kind))
        result.append((p.name, Value(kind, varied)))
    return tuple(result)
