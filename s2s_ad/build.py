"""Source text in, derivative text out: the list of passes. READ THIS FILE FIRST.

Takes a `Request`, gives a `Derivative`. Requires everything below it.

    find, lower                 frontend: the text of the function as the IR
    objects                     build_objects: objects made here as the values they hold
    lift, fold, normalise       frontend: local functions out, decided branches folded
    structure                   frontend: early exits become `else` (reverse mode only)
    facts, useful               analysis: kinds, what varies, what is useful
    tangent | adjoint           transform: the differential of each statement
    accumulate, own             simplify: zero adjoints vanish, buffers are owned
    record                      transform: what is kept for the reverse sweep
    drop_dead, share            simplify: what nobody reads, what is computed twice
    annotate                    emit
    numba_form                  build_numba: the form that numba compiles, if that is wanted
    print, format               emit
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from s2s_ad.build_arguments import CALLED
from s2s_ad.build_leaving import returning
from s2s_ad.build_linker import Linker, Watch
from s2s_ad.build_outside import writes_outside
from s2s_ad.build_package import Package
from s2s_ad.build_program import Program, entry_values
from s2s_ad.build_proved import known_kinds
from s2s_ad.build_stars import has_stars
from s2s_ad.build_subject import Subject
from s2s_ad.build_words import kind_text
from s2s_ad.errors import ArgumentError, S2SError, SourceError
from s2s_ad.ir.kinds import UNKNOWN, Kind, is_immutable
from s2s_ad.ir.names import RETURNED
from s2s_ad.ir.nodes import Origin

DEEP = 20_000

# what may be switched off by its name in `Request.options`: the text changes, the numbers do not
OPTIMISATIONS = {
    "accumulate": "an adjoint of a number begins with its first contribution, not with 0.0",
    "at_once": "a loop whose steps wait for nothing behind it is reversed step by step",
    "algebra": "products and sums are written as a person would: signs, numbers, equal terms",
    "cancel": "a maximum that cancels out of the result is not differentiated",
    "broadcast": "the adjoint of a reduction is not spread out where NumPy does it anyway",
    "cheap_callees": "small functions run again in the reverse sweep; nothing is kept for them",
    "dead_code": "what nobody reads is left out",
    "forwards": "a reversed loop whose steps may come in any order runs as the primal does",
    "inline": "a temporary that is read once stands where it is read",
    "ownership": "an array adjoint is added to in place where this function made it",
    "recompute": "a cheap value is computed again rather than kept",
    "together": "what is kept at one place of a loop is kept in one list of tuples",
    "spliced": "a short function that writes into its arguments stands where it is called",
    "share": "what the reverse sweep computes again is computed once and named",
}
OPTIONS = frozenset({"strict", "numba", CALLED, *OPTIMISATIONS})


@dataclass(frozen=True)
class Request:
    """What is wanted. wrt: parameter names. kinds: by parameter, missing ones are unknown.

    mode: `tangent`, `adjoint` or `split`. select: path of indices of the part of the returned
    tuple that is differentiated. options: optimisations switched off by name, `strict`, `numba`
    for the form that numba compiles, and `called` where generated code calls what is generated.
    reaches: whether what the function calls may get to an object, which is taken for granted
    without it.
    shared: parameters, by two, that receive one array, list or dict. of: the outputs, parameters
    that the function changes or "return" for what it returns; without any, what it returns.
    """

    function: Callable[..., Any]
    mode: str
    wrt: tuple[str, ...]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    select: tuple[int, ...] = ()
    options: frozenset[str] = frozenset()
    reaches: Callable[[object], bool] = lambda _: True
    shared: tuple[tuple[str, ...], ...] = ()
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Derivative:
    """A generated module. entry: the function asked for (of `split`, its forward half).

    imports: live objects its names are bound to. watched: names that facts were taken from.
    reads_numbers: the text is for the values that numbers outside have now, not for their kinds.
    lines: in the form for numba, what lines of the user its lines come from.
    """

    text: str
    entry: str
    params: tuple[str, ...]
    watched: tuple[Watch, ...]
    imports: Mapping[str, object]
    lines: Mapping[int, Origin] = field(default_factory=dict)
    reads_numbers: bool = False


@contextmanager
def building() -> Iterator[None]:
    """Allow deep expressions, and do without the collector of cycles for the moment.

    A sum of a thousand terms is a thousand levels deep. Nearly all that a build makes it keeps to
    its end: collecting finds nothing, and took a fifth of the time of long functions.
    """
    before = sys.getrecursionlimit()
    collects = gc.isenabled()
    sys.setrecursionlimit(max(before, DEEP))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        if collects:
            gc.enable()


def derive(request: Request) -> Derivative:
    """Return the derivative of a function. Raises S2SError for what is outside the language."""
    with building():
        return _built(request, None)


def trace(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the name of each pass and the text of the function after it."""
    passes: list[tuple[str, str]] = []
    with building():
        _built(request, passes)
    yield from passes


def _built(request: Request, passes: list[tuple[str, str]] | None) -> Derivative:
    """Return the derivative. passes: filled with the name of each pass and the text after it."""
    package = _package(request)
    package.trace = passes
    try:
        result: Derivative = package.derivative()
        return result
    except S2SError:
        if not package.program.spliced:
            raise
    if passes is not None:
        passes.clear()
    # what is not followed as the body of a call may be followed as a call
    return _built(replace(request, options=request.options | {"spliced"}), passes)


def _package(request: Request) -> Package:
    unknown = request.options - OPTIONS
    if unknown:
        raise ArgumentError(f"there is no option {', '.join(sorted(unknown))}")
    linker = Linker(reaches=request.reaches)
    program = Program(linker, request.options, request.shared)
    subject = program.subject(request.function)
    program.outside = subject is not None and writes_outside(program, subject)
    if subject is None:
        found = program.subjects.get(id(request.function))
        if found is not None and isinstance(found[1], S2SError):
            raise found[1]
        raise SourceError(f"{request.function!r} is not a Python function with source")
    if has_stars(subject.function):
        # a wrapper: its signature names what it passes on
        own = {p.name for p in subject.function.params}
        shown = inspect.signature(request.function).parameters.values()
        extra = [p for p in shown if p.name not in own]
        names = tuple(p.name for p in extra if p.kind is not p.KEYWORD_ONLY)
        keywords = tuple(p.name for p in extra if p.kind is p.KEYWORD_ONLY)
        given = program.unstarred(subject, names, keywords)
        if given is None:
            raise ArgumentError(
                f"`{subject.name}` takes arguments that its signature does not name"
            )
        subject = given
    params = tuple(p.name for p in subject.function.params)
    for name in request.wrt:
        if name not in params:
            raise ArgumentError(f"`{subject.name}` has no parameter `{name}`")
    if request.of:
        subject = _with_outputs(subject, request)
    kinds = {**known_kinds(program, subject, request.wrt), **request.kinds}
    values = entry_values(subject, kinds, request.wrt)
    return Package(request, program, subject, values, Derivative)


def _with_outputs(subject: Subject, request: Request) -> Subject:
    """Return a subject that returns the outputs asked for."""
    params = {p.name for p in subject.function.params}
    for name in request.of:
        if name != RETURNED and name not in params:
            raise ArgumentError(f"`{subject.name}` has no parameter `{name}` to be an output")
        kind = request.kinds.get(name, UNKNOWN)
        if is_immutable(kind):
            raise ArgumentError(
                f"`{name}` is an output, but is a {kind_text(kind)}: nothing can be stored into it",
                hint='outputs are arrays, lists, dicts or objects, and "return"',
            )
    return returning(subject, request.of)
