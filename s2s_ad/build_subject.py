"""A user's function ready to be analysed: its IR, its scope, and its names settled.

Takes a Python function (or one lifted out of another), gives a `Subject`; requires `frontend`.
"""

from __future__ import annotations

import builtins
import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from s2s_ad import runtime
from s2s_ad.analysis.values import Value
from s2s_ad.build_linker import Linker, Watch
from s2s_ad.errors import Place, S2SError, UnsupportedSyntax
from s2s_ad.frontend import lower, resolve, source, volatile
from s2s_ad.frontend.library_loops import with_calls_of_made
from s2s_ad.frontend.library_stores import with_library_stores
from s2s_ad.frontend.lift import Lifted, lift
from s2s_ad.frontend.walrus import without_walrus
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import BUILTINS, Names
from s2s_ad.ir.places import place_of
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    bound_names,
    free_names,
    map_block,
    map_parts,
    map_stmt_exprs,
    names,
    substitute,
)

if TYPE_CHECKING:
    from s2s_ad.build_program import Program


# the module that derivatives in memory say they are from
GENERATED = "s2s_ad.generated"


@dataclass(eq=False)
class LocalFunction:
    """A function lifted out of another: no Python object of its own."""

    function: n.Function
    parent: Subject
    captured: tuple[str, ...]


@dataclass(eq=False)
class Subject:
    """One function of the user. free: what its free names stand for, as spelled in `function`."""

    python: Any
    function: n.Function
    scope: resolve.Scope
    lines: tuple[str, ...]
    first_line: int
    file: str
    free: dict[str, object] = field(default_factory=dict)
    lifted: dict[str, LocalFunction] = field(default_factory=dict)
    defaults: dict[str, n.Expr] = field(default_factory=dict)
    prelude: list[LocalFunction] = field(default_factory=list)
    bound: tuple[n.Function, frozenset[str]] | None = None
    of: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def is_generated(self) -> bool:
        """True for a derivative: what it changes in place is its own."""
        return getattr(self.python, "__module__", None) == GENERATED

    @property
    def locals(self) -> frozenset[str]:
        if self.bound is None or self.bound[0] is not self.function:
            params = {p.name for p in self.function.params}
            self.bound = self.function, frozenset(params | bound_names(self.function.body))
        return self.bound[1]

    def fresh_names(self) -> Names:
        """Return an allocator that avoids what this function reads or binds, and our helpers."""
        taken = set(self.locals) | set(self.free) | set(self.lifted) | {"np", "math", "numpy", "_"}
        return Names(taken | BUILTINS | set(runtime.__all__))

    def refuse(self, s: n.Stmt, e: n.Expr | None, message: str, hint: str) -> S2SError:
        """Return a refusal that points at `e` in the statement `s`."""
        return UnsupportedSyntax(message, self.place(s.origin, e), hint)

    def place(self, origin: n.Origin | None, e: n.Expr | None) -> Place | None:
        if origin is None:
            origin = self.function.origin
        if origin is None:
            return None
        last = max(origin.line, origin.end_line)
        lines = [self.line(k) for k in range(origin.line, last + 1)]
        return place_of(origin, e, lines if lines[0] else ())

    def line(self, number: int) -> str:
        index = number - self.first_line
        return self.lines[index] if 0 <= index < len(self.lines) else ""


def subject_of(function: Any, linker: Linker) -> Subject:
    """Return the subject of a Python function."""
    found = source.find(function)
    ir = lower.lower(found)
    if isinstance(function, types.MethodType):
        ir = _bound(ir, function, linker)
    scope = resolve.scope_of(function)
    lines = tuple(found.text.splitlines())
    subject = Subject(function, ir, scope, lines, found.first_line, found.file)
    if isinstance(function, types.MethodType):
        own = (k for k, v in linker.objects.items() if v is function.__self__)
        subject.free.update((k, function.__self__) for k in own if k not in subject.locals)
    _check_globals(subject)
    names = Names(resolve.local_names(ir) | free_names(ir))
    _lift(subject, names, linker)
    _link(subject, linker)
    _settle_stores(subject, linker)
    _settle_defaults(subject, function, linker)
    return subject


def _bound(ir: n.Function, method: types.MethodType, linker: Linker) -> n.Function:
    """Return a method without its first parameter, which stands for the live instance, and with
    what `super()` gives for that."""
    first, rest = ir.params[0].name, ir.params[1:]
    inside = assigned(ir.body) | {p.name for p in rest}
    own = linker.claim(first, method.__self__, inside)
    bound = rename(replace(ir, params=rest), {first: n.Name(own)})
    cells = dict(zip(method.__code__.co_freevars, method.__func__.__closure__ or ()))
    if "__class__" not in cells or "super" in inside:
        return bound
    above = super(cells["__class__"].cell_contents, method.__self__)
    name = n.Name(linker.claim("above", above, inside))

    def visit(e: n.Expr) -> n.Expr:
        return name if e == n.Call(n.Name("super"), ()) else e

    return replace(bound, body=map_block(bound.body, lambda s: (map_parts(s, visit),)))


def lifted_subject(local: LocalFunction, linker: Linker) -> Subject:
    """Return the subject of a function lifted out of another."""
    parent = local.parent
    subject = Subject(
        local, local.function, parent.scope, parent.lines, parent.first_line, parent.file
    )
    subject.free = dict(parent.free)
    subject.lifted = parent.lifted
    names = Names(resolve.local_names(local.function) | free_names(local.function))
    _lift(subject, names, linker)
    subject.defaults = {p.name: p.default for p in local.function.params if p.default is not None}
    _settle_stores(subject, linker)
    return subject


def _settle_stores(subject: Subject, linker: Linker) -> None:
    """Write calls of libraries that put something into an array as stores, and calls of what
    `np.vectorize` made as calls of that."""
    outside = resolve.Scope({}, subject.free, vars(builtins))

    def object_of(e: n.Expr) -> object:
        found = resolve.resolve(e, outside, subject.locals | subject.lifted.keys())
        if found is resolve.MISSING and isinstance(e, n.Attribute):
            owner = resolve.resolve(e.value, outside, subject.locals)
            found = _method(owner, e.attr) if isinstance(owner, np.ufunc) else None
        return None if found is resolve.MISSING else found

    subject.function = with_calls_of_made(subject.function, object_of)
    subject.function, calls = with_library_stores(subject.function, object_of)
    linker.stores.update(calls)


def _check_globals(subject: Subject) -> None:
    for s in _statements(subject.function.body):
        if isinstance(s, n.Global):
            written = assigned(subject.function.body) & set(s.names)
            if written:
                message = f"`{s.keyword} {written.pop()}` is assigned in a differentiated function"
                raise subject.refuse(s, None, message, "return the value instead")


def _statements(block: n.Block) -> list[n.Stmt]:
    found: list[n.Stmt] = []

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        found.append(s)
        return (s,)

    map_block(block, visit)
    return found


def _lift(subject: Subject, names: Names, linker: Linker) -> None:
    def refuse(s: n.Stmt, message: str, hint: str) -> UnsupportedSyntax:
        return UnsupportedSyntax(message, subject.place(s.origin, None), hint)

    def partial_name() -> str:
        return linker.partial_name(names.taken)

    outside = resolve.Scope({}, {**subject.scope.globals, **subject.free}, vars(builtins))

    def calls_items(e: n.Call) -> bool:
        return resolve.resolve(e.func, outside, subject.locals) is np.piecewise

    plain = without_walrus(subject.function)
    function, found = lift(plain, names, refuse, partial_name, calls_items)
    subject.function = function
    lifted: dict[str, LocalFunction] = dict(subject.lifted)
    for item in found:
        assert isinstance(item, Lifted)
        wanted = item.function.name
        name = linker.function(wanted)
        local = LocalFunction(replace(item.function, name=name), subject, item.captured)
        lifted[name] = local
        subject.prelude.append(local)
        if name != wanted:
            mapping: dict[str, n.Expr] = {wanted: n.Name(name)}
            subject.function = rename(subject.function, mapping)
            for other in subject.prelude:
                other.function = rename(other.function, mapping)
    subject.lifted = lifted


def _link(subject: Subject, linker: Linker) -> None:
    """Settle what each free name stands for, under which name, and watch it."""
    renamed: dict[str, n.Expr] = {}
    local = subject.locals
    functions = [subject.function, *(item.function for item in subject.prelude)]
    wanted = set().union(*(free_names(f) for f in functions))
    # those of the function itself are settled by their values
    defaults = [p.default for f in functions[1:] for p in f.params if p.default is not None]
    wanted |= set().union(*(names(e) for e in defaults))
    for name in sorted(wanted):
        if name in local or name in subject.lifted:
            continue
        binding = subject.scope.lookup(name)
        if binding is None:
            if linker.is_rebound(subject.scope.globals, name):
                renamed[name] = _read_live(subject, name, linker)  # a function makes it on the way
            continue
        if binding.kind == "builtin":
            subject.free[name] = binding.value
            continue
        if binding.kind == "global" and linker.is_rebound(subject.scope.globals, name):
            renamed[name] = _read_live(subject, name, linker)
            continue
        spelled = linker.claim(name, binding.value, local)
        subject.free[spelled] = binding.value
        if binding.kind == "global":
            linker.homes[spelled] = (str(subject.scope.globals.get("__name__", "")), name)
        linker.watched.append(Watch(subject.python, binding.kind, name, binding.value))
        if spelled != name:
            renamed[name] = n.Name(spelled)
    if renamed:
        subject.function = rename(subject.function, renamed)
        for item in subject.prelude:
            item.function = rename(item.function, renamed)


def _read_live(subject: Subject, name: str, linker: Linker) -> n.Expr:
    """Return a global that functions rebind as it is read from its module, whenever it is read."""
    module = volatile.home_of(subject.scope.globals)
    if module is None:
        message = f"the global `{name}`, which functions rebind, of code that is in no module"
        raise subject.refuse(n.Pass(), None, message, "pass its value as an argument")
    own = linker.claim(module.__name__.rpartition(".")[2], module, subject.locals)
    subject.free[own] = module
    return n.Attribute(n.Name(own), name)


def rename(function: n.Function, mapping: Mapping[str, n.Expr]) -> n.Function:
    """Return a function with free names written differently."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, (n.Append, n.Pop)) and s.stack in mapping:
            target = mapping[s.stack]
            assert isinstance(target, n.Name)
            s = replace(s, stack=target.id)
        return (map_stmt_exprs(s, lambda e: substitute(e, mapping)),)

    params = tuple(
        p if p.default is None else replace(p, default=substitute(p.default, mapping))
        for p in function.params
    )
    return replace(function, params=params, body=map_block(function.body, visit))


def _settle_defaults(subject: Subject, function: Any, linker: Linker) -> None:
    """Write each default as a literal or as a name bound to the live object."""
    plain = function.__func__ if isinstance(function, types.MethodType) else function
    values: dict[str, object] = dict(plain.__kwdefaults__ or {})
    positional = [
        p.name for p in subject.function.params if p.kind in ("normal", "positional_only")
    ]
    given = plain.__defaults__ or ()
    values.update(zip(positional[len(positional) - len(given) :], given))
    params = []
    for p in subject.function.params:
        if p.name in values:
            value = values[p.name]
            default = p.default if _is_literal(p.default) else None
            if default is None:
                default = n.Name(linker.claim(f"{subject.name}_{p.name}", value))
                subject.free[default.id] = value
            p = replace(p, default=default)
            subject.defaults[p.name] = default
        params.append(p)
    subject.function = replace(subject.function, params=tuple(params))


def with_arguments(
    subject: Subject, args: Sequence[object], keywords: Mapping[str, object], linker: Linker
) -> Subject | None:
    """Return a subject some of whose parameters are live objects, None if it rebinds one of them.

    Those given by position are no parameters any more; those given by name get a new default.
    """
    params = list(subject.function.params)
    first, rest = params[: len(args)], params[len(args) :]
    plain = all(p.kind in ("normal", "positional_only") for p in first)
    names = {p.name for p in rest if p.kind in ("normal", "keyword_only")}
    if not plain or len(first) < len(args) or not set(keywords) <= names:
        return None
    if {p.name for p in first} & assigned(subject.function.body):
        return None
    free, defaults = dict(subject.free), dict(subject.defaults)

    def live(name: str, value: object) -> n.Name:
        spelled = n.Name(linker.claim(f"{subject.name}_{name}", value, subject.locals))
        free[spelled.id] = value
        return spelled

    mapping: dict[str, n.Expr] = {p.name: live(p.name, v) for p, v in zip(first, args)}
    new = []
    named = False
    for p in rest:
        if p.name in keywords:
            defaults[p.name] = live(p.name, keywords[p.name])
            p = replace(p, default=defaults[p.name])
        named = named or p.name in keywords
        new.append(replace(p, kind="keyword_only") if named and p.kind == "normal" else p)
    function = rename(replace(subject.function, params=tuple(new)), mapping)
    return replace(subject, function=function, free=free, defaults=defaults)


def _is_literal(e: n.Expr | None) -> bool:
    if isinstance(e, n.Const):
        return True
    if isinstance(e, n.Unary):
        return _is_literal(e.operand)
    if isinstance(e, n.TupleExpr):
        return all(_is_literal(item) for item in e.items)
    return False


class SubjectWorld:
    """What the interpretation of one subject asks of the world outside."""

    def __init__(self, subject: Subject, program: Program) -> None:
        self.subject = subject
        self.program = program
        self.outside = program.outside

    def reads_number(self) -> None:
        self.program.linker.reads_numbers = True

    def lookup(self, name: str) -> tuple[object] | None:
        subject = self.subject
        if name in subject.lifted:
            return (subject.lifted[name],)
        if name in subject.free:
            return (subject.free[name],)
        if name in self.program.linker.objects:
            return (self.program.linker.objects[name],)
        if hasattr(builtins, name):
            return (getattr(builtins, name),)
        return None

    def attribute(self, owner: object, name: str) -> tuple[object] | None:
        is_module = isinstance(owner, types.ModuleType)
        if is_module and self.program.linker.is_rebound(vars(owner), name):
            return None
        found = resolve.attribute(owner, name)
        if found is not resolve.MISSING:
            return (found,)
        method = _method(owner, name)
        return None if method is None else (method,)

    def call(
        self, callee: object, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value | None:
        return self.program.summary(callee, args, keywords)

    def is_pure(
        self,
        callee: object,
        args: Sequence[Value],
        keywords: Mapping[str, Value],
        again: bool = True,
    ) -> bool:
        return self.program.is_pure(callee, args, keywords, again)


def _method(owner: object, name: str) -> object | None:
    """Return a method of an instance, bound to it, or to its class."""
    if isinstance(owner, (type, types.ModuleType)) or name in getattr(owner, "__dict__", {}):
        return None
    if isinstance(owner, np.ufunc):
        return getattr(owner, name, None)
    if type(owner) is super:
        inherited = getattr(owner, name, None)
        return inherited if isinstance(inherited, types.MethodType) else None
    found = inspect.getattr_static(type(owner), name, None)
    if isinstance(found, (staticmethod, classmethod)):
        of_class: object = getattr(type(owner), name)
        return of_class
    return types.MethodType(found, owner) if isinstance(found, types.FunctionType) else None
