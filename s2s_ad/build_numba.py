"""The form that numba compiles: the functions of a finished module, rewritten for nopython mode.

Takes generated functions and what is known of their variables, gives functions with the whole call
tree below them, each with a decorator of numba's, and the values of globals; requires
`simplify.stack_arrays` and `simplify.counting_down`.

numba compiles globals in as constants, so those that are numbers are written out, and what may
change without being another object (arrays, lists, objects) is refused. What is refused here is
what cannot be compiled whatever the arguments are; the rest numba finds (`api_compiled`).
"""

from __future__ import annotations

import builtins
import functools
import importlib
import math
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s2s_ad import runtime
from s2s_ad.analysis.values import Value
from s2s_ad.build_constants import (
    is_class_of_users,
    is_constant,
    is_helper,
    is_library,
    plain_value,
)
from s2s_ad.build_inlined import inlined
from s2s_ad.build_program import Program
from s2s_ad.build_signature import bare
from s2s_ad.build_subject import Subject, subject_of
from s2s_ad.build_turned import steady_arrays, turned
from s2s_ad.errors import MissingExtra, UnsupportedForNumba
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    Number,
    Object,
    Partial,
    TupleOf,
)
from s2s_ad.ir.names import BUILTINS, Names
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    bound_names,
    free_names,
    map_block,
    map_parts,
    names,
    stmt_exprs,
    walk_stmts,
)
from s2s_ad.runtime import elementwise
from s2s_ad.simplify.added_into import Tools as Adding
from s2s_ad.simplify.added_into import added_into
from s2s_ad.simplify.by_branches import by_branches
from s2s_ad.simplify.counting_down import counting_down, ranges_written_out
from s2s_ad.simplify.dtypes import dtype_of
from s2s_ad.simplify.forwards import Order, Steps
from s2s_ad.simplify.handed_on import Handing, handed_on
from s2s_ad.simplify.in_parts import Parting, in_parts, takes_apart
from s2s_ad.simplify.room import handed_room
from s2s_ad.simplify.skipped import Skipping, skipped
from s2s_ad.simplify.stack_arrays import Tools, stack_arrays
from s2s_ad.simplify.sums_beside import Summing, sums_beside
from s2s_ad.transform.shapes import same_shape

FORM = "numba"
_DTYPES = {"int": "int64", "bool": "bool_"}
# what the passes write, and so must mean what it does
_OURS = ("range", "len", "min", "max")
_STATEMENTS: dict[type, tuple[str, str]] = {
    n.Try: ("`try`", "test for what would be raised before it is"),
    n.With: ("`with`", "compute without a context manager"),
    n.Delete: ("`del`", "leave it out: variables end with the function"),
    n.Import: ("an `import` inside a function", "import at the top of the file"),
}
_EXPRESSIONS: dict[type, tuple[str, str]] = {
    n.DictExpr: ("a dict", "use variables, a tuple or an array"),
    n.SetExpr: ("a set", "use an array"),
    n.Lambda: ("a `lambda`", "define a function at the top of the file"),
    n.FString: ("an f-string", "write a text without values in it"),
}


@dataclass
class Form:
    """A module in the form for numba. constants: the values of globals that are written out."""

    functions: list[n.Function] = field(default_factory=list)
    constants: dict[str, object] = field(default_factory=dict)


def numba_form(
    functions: Sequence[n.Function],
    program: Program,
    entry: tuple[Subject, Sequence[tuple[str, Value]]],
    kinds: Mapping[str, Mapping[str, Kind]],
    table: Mapping[int, n.Origin],
) -> Form:
    """Return the module's functions in the form for numba.

    entry: the function that was asked for, and what is known of its arguments. kinds: of the
    variables of each generated function. table: origins of the user's statements by uid.
    """
    return _Form(program, entry[0], kinds, table).whole(functions, entry[1])


class _Form:
    def __init__(
        self,
        program: Program,
        entry: Subject,
        kinds: Mapping[str, Mapping[str, Kind]],
        table: Mapping[int, n.Origin],
    ) -> None:
        self.program = program
        self.linker = program.linker
        self.entry = entry
        self.kinds = kinds
        self.table = table
        self.form = Form()
        try:
            self.numba = self.linker.claim("numba", importlib.import_module("numba"))
        except ImportError:
            raise missing() from None

    def whole(self, functions: Sequence[n.Function], values: Sequence[tuple[str, Value]]) -> Form:
        for name, value in values:
            self.check_argument(name, value.kind)
        functions = by_branches(functions, self.program.backward, self.adding().number)
        waiting = added_into([self.handed_on(f) for f in functions], self.adding())
        known = {f.name for f in waiting}
        texts = {f.name: f for f in waiting}
        while waiting:
            function = self.apart(self.linked(waiting.pop(0)), texts)
            self.form.functions.append(self.written(function))
            for below in self.below(function):
                if below.name not in known:
                    known.add(below.name)
                    waiting.append(below)
        self.form.functions = handed_room(self.form.functions, self.size)
        called = inlined([f for f in self.form.functions[1:] if not f.decorators])
        how = {x: self.decorator("njit", *["forceinline"] * x) for x in (False, True)}
        self.form.functions = [
            replace(f, decorators=f.decorators or (how[f.name in called],))
            for f in self.form.functions
        ]
        return self.form

    # -- what a function may be made of

    def check_argument(self, name: str, kind: Kind) -> None:
        if isinstance(kind, (ListOf, DictOf)):
            what = "a list" if isinstance(kind, ListOf) else "a dict"
            hint = "pass an array" if isinstance(kind, ListOf) else "pass its values one by one"
        elif isinstance(kind, (Object, Partial)):
            what, hint = "a function or an object", "call it by its name: define it at the top"
        else:
            return
        message = f"`{name}` is {what}: numba compiles numbers, arrays and tuples of them"
        place = self.entry.place(self.entry.function.origin, n.Name(name))
        raise UnsupportedForNumba(message, place, hint)

    def refuse(
        self, s: n.Stmt | None, e: n.Expr | None, what: str, hint: str
    ) -> UnsupportedForNumba:
        origin = None if s is None else s.origin or self.table.get(s.of if s.of is not None else -1)
        subject = self.entry
        if origin is not None:
            for _, other in self.program.subjects.values():
                if isinstance(other, Subject) and other.file == origin.file:
                    subject = other if other.line(origin.line) else subject
        return UnsupportedForNumba(
            f"{what} in a function for numba", subject.place(origin, e), hint
        )

    def linked(self, function: n.Function) -> n.Function:
        """Return the function with attributes of modules by name; refuse what has no form here."""
        own = {p.name for p in function.params} | bound_names(function.body)
        where = function.body[0] if function.body else None
        for p in function.params:
            if p.name in _OURS:
                raise self.refuse(where, None, f"a parameter `{p.name}`", "call it otherwise")
        if any(p.kind == "keyword_only" for p in by_position(function.params)):
            what = "keyword-only parameters behind others with a default"
            raise self.refuse(where, None, what, "leave out the `*` in front of them")
        for p in function.params:
            if p.kind == "double_star":
                raise self.refuse(where, None, f"`**{p.name}`", "name the parameters")
        kinds = self.kinds.get(function.name, {})

        def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
            if type(s) in _STATEMENTS:
                raise self.refuse(s, None, *_STATEMENTS[type(s)])
            if isinstance(s, n.Assign):
                for target in s.targets:
                    if isinstance(target, n.Name) and target.id in _OURS:
                        what = f"a variable `{target.id}`"
                        raise self.refuse(s, target, what, "call it otherwise")
            for e in all_parts(s):
                if type(e) in _EXPRESSIONS:
                    raise self.refuse(s, e, *_EXPRESSIONS[type(e)])
                if isinstance(e, n.Comprehension) and e.kind != "list":
                    what = f"a {e.kind} comprehension" if e.kind != "generator" else "a generator"
                    raise self.refuse(s, e, what, "use a list comprehension or a loop")

            def rebuilt(e: n.Expr) -> n.Expr:
                return self.zeros(_counted(self.plain(e, own, s)), kinds)

            return (map_parts(s, rebuilt),)

        body = map_block(function.body, visit)
        for s in walk_stmts(body):
            for e in stmt_exprs(s):
                for name in sorted(names(e) - own):
                    self.settle(name, s)
        return replace(function, body=body)

    def plain(self, e: n.Expr, own: set[str], s: n.Stmt) -> n.Expr:
        """Return an attribute of a user's module as a name of this module."""
        path: list[str] = []
        root = e
        while isinstance(root, n.Attribute):
            path.insert(0, root.attr)
            root = root.value
        if not path or not isinstance(root, n.Name) or root.id in own:
            return e
        found: Any = self.linker.objects.get(root.id)
        if not isinstance(found, types.ModuleType) or is_library(found):
            return e
        for attr in path:
            owner = found
            found = getattr(owner, attr, None)
            if not isinstance(owner, types.ModuleType) or found is None:
                raise self.refuse(s, e, f"`{'.'.join([root.id, *path])}`", "pass its value")
        if isinstance(found, types.ModuleType):
            return e
        if self.linker.is_rebound(vars(owner), path[-1]):
            what = f"`{path[-1]}`, a global that functions rebind,"
            raise self.refuse(s, e, what, "pass its value as an argument")
        return n.Name(self.linker.claim(path[-1], found, own))

    def zeros(self, e: n.Expr, kinds: Mapping[str, Kind]) -> n.Expr:
        """Return the zero adjoint of a tuple or list of numbers as it is written."""
        if not (isinstance(e, n.Call) and isinstance(e.func, n.Name) and len(e.args) == 1):
            return e
        of = e.args[0]
        kind = kinds.get(of.id) if isinstance(of, n.Name) else None
        zero = ZERO
        if self.linker.objects.get(e.func.id) is not runtime.zeros_like:
            return e
        if isinstance(kind, TupleOf) and all(isinstance(x, Number) for x in kind.items):
            return n.ListExpr((zero,) * len(kind.items))
        if isinstance(kind, ListOf) and isinstance(kind.item, Number):
            return n.Binary("*", n.ListExpr((zero,)), n.Call(n.Name("len"), (of,)))
        return e

    def settle(self, name: str, s: n.Stmt) -> None:
        """Settle what a name outside a function stands for; refuse what is no constant."""
        if name not in self.linker.objects:
            return
        found: Any = self.linker.objects[name]
        if name in _OURS and found is not getattr(builtins, name):
            raise self.refuse(s, n.Name(name), f"a global `{name}`", "call it otherwise")
        if is_constant(found):
            self.form.constants[name] = plain_value(found)
        elif isinstance(found, (np.ndarray, list, dict, set)):
            what = f"`{name}`, a global {type(found).__name__},"
            hint = "pass it as an argument: numba would take what it holds now for a constant"
            raise self.refuse(s, n.Name(name), what, hint)
        elif not (callable(found) or isinstance(found, types.ModuleType)) or (
            isinstance(found, types.MethodType) or is_class_of_users(found)
        ):
            what = f"`{name}`, an object of the class {type(found).__name__},"
            raise self.refuse(s, n.Name(name), what, "pass the numbers it holds as arguments")
        elif is_helper(found) and getattr(elementwise, found.__name__, None) is None:
            what = f"a derivative that needs `s2s_ad.runtime.{found.__name__}`"
            hint = "compute with numbers in loops; say what the arguments are (--like, --call)"
            raise self.refuse(s, None, what, hint)

    def adding(self) -> Adding:
        """Return what `added_into` asks."""

        def is_numpy(e: n.Expr) -> bool:
            return isinstance(e, n.Name) and self.linker.objects.get(e.id) is np

        def zeros(e: n.Expr) -> n.Expr | None:
            if not isinstance(e, n.Call) or not isinstance(e.func, n.Attribute):
                return None
            plain = e.func.attr == "zeros_like" and is_numpy(e.func.value)
            return e.args[0] if plain and len(e.args) == 1 and not e.keywords else None

        def made(e: n.Expr) -> n.Expr:
            return n.Call(n.Attribute(n.Name(self.linker.alias("np", set())), "zeros_like"), (e,))

        def number(function: str, name: str) -> bool:
            return isinstance(self.kinds.get(function, {}).get(name), Number)

        def whole(function: str, name: str) -> bool:
            kind = self.kinds.get(function, {}).get(name)
            return isinstance(kind, Number) and kind.type == "int"

        return Adding(zeros, made, number, whole)

    def size(self, e: n.Expr) -> n.Expr | None:
        """Return the size of an array that is made with nothing in it."""
        made = isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and e.func.attr == "empty"
        if not made or not isinstance(e, n.Call) or not isinstance(e.func, n.Attribute):
            return None
        module = e.func.value
        ours = isinstance(module, n.Name) and self.linker.objects.get(module.id) is np
        return e.args[0] if ours and 1 <= len(e.args) <= 2 and not e.keywords else None

    def handed_on(self, f: n.Function) -> n.Function:
        """Return a function in which the adjoints of copies are handed on whole, what a loop adds
        to one item of an adjoint is added up beside it, and zeros are not worked out."""
        kinds = self.kinds.get(f.name, {})
        zeros = self.adding().zeros
        users = self.users()

        def array(name: str) -> bool:
            return isinstance(kinds.get(name), Array)

        def same(a: str, b: str) -> bool:
            return array(a) and not users & {a, b} and same_shape(kinds[a], kinds.get(b, UNKNOWN))

        def number(name: str) -> bool:
            return isinstance(kinds.get(name), Number)

        def is_zeros(e: n.Expr) -> bool:
            return zeros(e) is not None

        own = {p.name for p in f.params} | bound_names(f.body)
        fresh = Names(
            own | free_names(f) | self.linker.objects.keys() | self.linker.functions
        ).fresh
        known = Steps(lambda _: False, is_zeros, number, array, number, frozenset())
        body = handed_on(f.body, Handing(is_zeros, same, Order(f.body, known).shared))

        def item(e: n.Subscript) -> bool:
            return dtype_of(e, kinds) == "float" and not users & names(e.value)

        def adjoint(name: str) -> bool:
            return number(name) and name not in users

        summing = Summing(item, adjoint, is_zeros, number, Order(body, known).shared, fresh)
        body = sums_beside(body, summing)
        return replace(f, body=skipped(body, Skipping(adjoint, self.takes_long)))

    def apart(self, f: n.Function, texts: Mapping[str, n.Function]) -> n.Function:
        """Return a function with a variable for each adjoint of a tuple. texts: by their names."""
        users = self.users() | {p.name for p in f.params}

        def parted(func: n.Expr, place: int) -> bool:
            found = texts.get(func.id) if isinstance(func, n.Name) else None
            return found is not None and takes_apart(found, place)

        fresh = Names(bound_names(f.body) | free_names(f) | users | BUILTINS).fresh
        parting = Parting(lambda name: name not in users, parted, fresh)
        return replace(f, body=in_parts(f.body, parting))

    def takes_long(self, e: n.Expr) -> bool:
        """True for a power, or a call of a function of `math`."""
        if isinstance(e, n.Binary):
            return e.op == "**" and not isinstance(e.right, n.Const)
        func = e.func if isinstance(e, n.Call) else None
        module = func.value if isinstance(func, n.Attribute) else None
        return isinstance(module, n.Name) and self.linker.objects.get(module.id) is math

    def users(self) -> set[str]:
        """Return the variables of the user, of whatever function."""
        every = (subject for _, subject in self.program.subjects.values())
        own = [x.locals for x in every if isinstance(x, Subject) and not x.is_generated]
        return set[str]().union(*own)

    # -- the call tree

    def below(self, function: n.Function) -> Iterator[n.Function]:
        """Yield the functions that a function calls which have to be compiled with it."""
        local = {
            x.function.name: x.function
            for _, subject in self.program.subjects.values()
            if isinstance(subject, Subject)
            for x in subject.prelude
        }
        for name in sorted(free_names(function)):
            found: Any = self.linker.objects.get(name)
            if name in local:
                yield local[name]
            elif found is not None and is_helper(found):
                yield self.helper(name, found)
            elif isinstance(found, types.FunctionType) or hasattr(found, "py_func"):
                subject = None if is_library(found) else self.program.subject(found)
                if subject is not None:
                    del self.linker.objects[name]
                    yield bare(replace(subject.function, name=name))

    def helper(self, name: str, found: Any) -> n.Function:
        """Return the text of a helper for single numbers, which numba spreads over arrays."""
        subject = subject_of(getattr(elementwise, found.__name__), self.linker)
        del self.linker.objects[name]
        decorator = self.decorator("vectorize")
        return replace(bare(subject.function), name=name, decorators=(decorator,))

    def decorator(self, how: str, *options: str) -> n.Expr:
        given = tuple(n.Keyword(x, n.Const("True", True)) for x in ("cache", *options))
        return n.Call(n.Attribute(n.Name(self.numba), how), (), given)

    # -- the text

    def written(self, function: n.Function) -> n.Function:
        own = {p.name for p in function.params} | bound_names(function.body)
        taken = own | free_names(function) | self.linker.objects.keys() | self.linker.functions
        fresh = Names(taken | BUILTINS).fresh
        kinds = self.kinds.get(function.name, {})

        def array(name: str) -> n.Expr:
            return n.Attribute(n.Name(self.linker.alias("np", own)), name)

        def empty(size: n.Expr, dtype: str | n.Name) -> n.Expr:
            if isinstance(dtype, n.Name):
                rows = n.Binary("+", size, n.Attribute(dtype, "shape"))
                return n.Call(array("empty"), (rows, n.Attribute(dtype, "dtype")))
            args = (size,) if dtype == "float" else (size, array(_DTYPES[dtype]))
            return n.Call(array("empty"), args)

        users = self.users()
        tools = Tools(
            lambda name: name not in users,
            lambda e: dtype_of(e, kinds),
            empty,
            lambda e: n.Call(array("array"), (e,)),
            fresh,
            lambda name: _rank(kinds.get(name)),
            steady_arrays(function, self.program, self.entry, kinds, users).__contains__,
        )

        def builtin(e: n.Expr, name: str) -> bool:
            return self.is_builtin(e, name, own)

        function = stack_arrays(ranges_written_out(function, builtin), tools)
        if builtin(n.Name("reversed"), "reversed") and builtin(n.Name("range"), "range"):
            function = turned(function, self.program, self.entry, kinds)
        function = counting_down(function, builtin)
        return replace(function, params=by_position(function.params))

    def is_builtin(self, e: n.Expr, name: str, own: set[str]) -> bool:
        if not isinstance(e, n.Name) or e.id in own:
            return False
        builtin = getattr(builtins, name)
        return self.linker.objects.get(e.id, builtin if e.id == name else None) is builtin


def _counted(e: n.Expr) -> n.Expr:
    """Return `[a, b].count(x)` as a sum of comparisons, whose results numba adds as numbers."""
    items = e.func.value if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) else None
    if not isinstance(items, n.ListExpr) or not isinstance(e, n.Call) or len(e.args) != 1:
        return e
    tests: list[n.Expr] = [n.Compare(item, ("==",), e.args) for item in items.items]
    if not isinstance(e.func, n.Attribute) or e.func.attr != "count" or len(tests) < 2:
        return e
    return functools.reduce(lambda a, b: n.Binary("+", a, b), tests)


def missing() -> MissingExtra:
    """Return the error for an installation without numba."""
    return MissingExtra("numba is not installed", hint="pip install 's2s-ad[numba]'")


def by_position(params: tuple[n.Param, ...]) -> tuple[n.Param, ...]:
    """Return parameters without keyword-only ones, whose defaults numba does not fill in."""
    if any(p.kind in ("star", "double_star") for p in params):
        return params
    has_default = [p.default is not None for p in params]
    if has_default != sorted(has_default):
        return params
    return tuple(replace(p, kind="normal") if p.kind == "keyword_only" else p for p in params)


def _rank(kind: Kind | None) -> int | None:
    """Return the rank of an array; None for what is none, or may be of several."""
    return len(kind.dims) if isinstance(kind, Array) and kind.dims is not None else None
