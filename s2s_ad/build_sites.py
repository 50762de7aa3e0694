"""Calls that objects take part in: what each of them runs, with which objects.

Takes subjects and the classes of variables, gives sites; requires `build_records`, `build_subject`.
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import functools
import importlib
import inspect
import keyword
import re
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from s2s_ad.build_linker import Linker
from s2s_ad.build_records import (
    FIELD,
    OPAQUE,
    above,
    dataclass_init,
    factories,
    is_constant,
    is_generated,
    is_record,
    member,
)
from s2s_ad.build_subject import GENERATED, LocalFunction, Subject
from s2s_ad.frontend import resolve
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    bound_here,
    walk_stmts,
)
from s2s_ad.rules.modules import LIBRARIES

OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
}


@dataclass(eq=False)
class Plan:
    """A function in which some variables hold objects that nothing else sees.

    base: the function as it was written; function: with the calls that make or change objects in
    statements of their own. classes: by variable. given: the parameters among these. makes: whether
    it is an `__init__`, whose object is not there before. stores: by parameter, what it may store
    into. result: the class of the object that it returns.
    """

    base: Subject
    name: str
    function: n.Function
    classes: Mapping[str, type]
    given: Mapping[str, type]
    makes: bool
    names: Names
    stores: dict[str, set[str]] = field(default_factory=dict)
    result: type | None = None
    holds: set[str] = field(default_factory=set)
    locals: dict[tuple[str, str], str] = field(default_factory=dict)

    def local(self, var: str, name: str) -> str:
        """Return the variable that stands for an attribute."""
        if (var, name) not in self.locals:
            self.locals[var, name] = self.names.fresh(f"{var}_{name.strip('_')}")
        return self.locals[var, name]


@dataclass(frozen=True)
class Site:
    """A call of a function that is planned. given: variables that hold objects, by parameter.

    call: the call as written, without its object. own: whether that comes first.
    made: the class of the instance that the call makes.
    """

    plan: Plan
    given: Mapping[str, str]
    call: n.Call
    own: bool = False
    made: type | None = None

    @property
    def gives(self) -> type | None:
        return self.made or self.plan.result

    @property
    def is_effect(self) -> bool:
        return self.gives is not None or any(self.plan.stores[p] for p in self.given)


@dataclass(eq=False)
class Book:
    """What has been found out of the functions of one generated module.

    subject: gives the subject of a function of the user, None for any other. plan: gives the plan
    of a function for the classes of parameters, None where an object escapes (`build_objects`).
    """

    linker: Linker
    subject: Callable[[Any], Subject | None]
    plan: Callable[[Subject, Mapping[str, type], str, bool], Plan | None]
    inits: dict[int, Subject | None] = field(default_factory=dict)
    plans: dict[Any, Plan | None] = field(default_factory=dict)
    forms: dict[Any, Any] = field(default_factory=dict)
    written: dict[int, n.Function] = field(default_factory=dict)

    def function(self, base: Subject) -> n.Function:
        """Return a function as it was written."""
        return self.written.get(id(base), base.function)

    def init(self, cls: type) -> Subject | None:
        """Return the subject of the `__init__` of a class."""
        function = inspect.getattr_static(cls, "__init__")
        if not is_generated(function):
            return self.subject(function) if isinstance(function, types.FunctionType) else None
        if id(cls) not in self.inits:
            self.inits[id(cls)] = self._generated(cls) if "__init__" in vars(cls) else None
        return self.inits[id(cls)]

    def _generated(self, cls: type) -> Subject | None:
        names: dict[str, n.Expr] = {}
        free: dict[str, object] = {}
        for f in getattr(cls, "__dataclass_fields__", {}).values():
            spelled = self.linker.claim(f"{cls.__name__}_{f.name}", f.default)
            names[f.name], free[spelled] = n.Name(spelled), f.default
        function = dataclass_init(cls, names)
        if function is None:
            return None
        module = vars(sys.modules.get(cls.__module__, builtins))
        scope = resolve.Scope({}, module, vars(builtins))
        made = Subject(cls, function, scope, (), 0, "", free)
        made.defaults = {p.name: p.default for p in function.params if p.default is not None}
        return made


@functools.lru_cache(maxsize=1024)
def stored(cls: type) -> frozenset[str]:
    """Return the names of the attributes that functions of a class store into, of any object."""
    found: set[str] = set(getattr(cls, "__dataclass_fields__", ()))
    for base in cls.__mro__[:-1]:
        for value in vars(base).values():
            parts = (value, *(getattr(value, x, None) for x in ("fget", "fset", "__func__")))
            for function in parts:
                if isinstance(function, types.FunctionType):
                    found |= _stored_by(function.__code__)
    return frozenset(found)


def _stored_by(code: types.CodeType) -> set[str]:
    found = {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_ATTR"}
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return found.union(*map(_stored_by, inner))


@functools.lru_cache(maxsize=1024)
def _order(cls: type) -> dict[str, int]:
    found = dict.fromkeys(getattr(cls, "__dataclass_fields__", ()))
    for base in reversed(cls.__mro__[:-1]):
        made = vars(base).get("__init__")
        if isinstance(made, types.FunctionType):
            codes = dis.get_instructions(made.__code__)
            found.update(dict.fromkeys(i.argval for i in codes if i.opname == "STORE_ATTR"))
    return {name: k for k, name in enumerate(found)}


def in_order(cls: type, names_: Iterable[str]) -> tuple[str, ...]:
    """Return attributes as an instance is given them when it is made, any others behind."""
    order = _order(cls)
    return tuple(sorted(names_, key=lambda x: (order.get(x, len(order)), x)))


def is_field(cls: type, name: str) -> bool:
    """True for what an instance has for itself, or may be given in the place of a constant."""
    found = member(cls, name)
    return found is FIELD or (is_constant(found) and name in stored(cls))


class Sites:
    """The calls of one function that objects take part in."""

    def __init__(
        self, book: Book, base: Subject, classes: Mapping[str, type], body: n.Block
    ) -> None:
        self.book = book
        self.base = base
        self.classes = classes
        self.used = _used_as_objects(body)
        self.known: dict[int, tuple[n.Expr, Site | None]] = {}
        own = book.function(base)
        self.bound = {p.name for p in own.params}.union(*map(bound_here, walk_stmts(own.body)))
        counts: dict[str, int] = {}
        self.imports: dict[str, object] = {}
        for s in walk_stmts(own.body):
            for x in bound_here(s):
                counts[x] = counts.get(x, 0) + 1
            if isinstance(s, n.Import):
                first = any(s is x for x in own.body)
                self.imports.update((x, _imported(m, a, first)) for x, m, a in s.bindings)
        self.imports = {x: v for x, v in self.imports.items() if counts[x] == 1 and v is not None}
        free = {**base.free, **base.lifted, **self.imports}
        self.scope = resolve.Scope({}, free, vars(builtins))
        self.local = frozenset(self.bound - self.imports.keys())

    def object_of(self, e: n.Expr) -> object:
        """Return the object that an expression stands for, None where that is not known."""
        found = resolve.resolve(e, self.scope, self.local)
        if found is not resolve.MISSING:
            return found
        if isinstance(e, n.Attribute) and e.attr == "__class__" and isinstance(e.value, n.Name):
            return self.classes.get(e.value.id)
        if isinstance(e, n.Call) and len(e.args) == 1 and self.object_of(e.func) is type:
            inner = e.args[0]
            return self.classes.get(inner.id) if isinstance(inner, n.Name) else None
        return None

    def class_of(self, e: n.Expr) -> type | None:
        """Return the class of the object that an expression gives, None if it is no such object."""
        if isinstance(e, n.Name):
            return self.classes.get(e.id)
        if isinstance(e, n.Binary):
            e = self.operator(e)
        site = self.at(e)
        return None if site is None else site.gives

    def has(self, e: n.Expr, name: str) -> bool:
        """True for an object whose class defines a method."""
        cls = self.class_of(e)
        return cls is not None and isinstance(member(cls, name), types.FunctionType)

    def operator(self, e: n.Binary) -> n.Expr:
        """Return an operator as the method that it calls, where that is known."""
        name = OPERATORS.get(e.op)
        if name is None:
            return e
        if self.has(e.left, f"__{name}__"):
            return n.Call(n.Attribute(e.left, f"__{name}__"), (e.right,))
        if isinstance(e.left, n.Const) and self.has(e.right, f"__r{name}__"):
            return n.Call(n.Attribute(e.right, f"__r{name}__"), (e.left,))
        return e

    def at(self, e: n.Expr) -> Site | None:
        """Return what an expression calls, if objects take part in that."""
        found = self.known.get(id(e))
        if found is None:
            self.known[id(e)] = found = e, self._at(e)
        return found[1]

    def _at(self, e: n.Expr) -> Site | None:
        if isinstance(e, n.Attribute) and isinstance(e.value, n.Name):
            cls = self.classes.get(e.value.id)
            found = member(cls, e.attr) if cls is not None else OPAQUE
            if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
                return self.method(found.fget, e.value.id, n.Call(e, ()))
            return None
        if not isinstance(e, n.Call):
            return None
        func = e.func
        if isinstance(func, n.Attribute):
            if isinstance(func.value, n.Name) and func.value.id in self.classes:
                found = member(self.classes[func.value.id], func.attr)
                known = isinstance(found, types.FunctionType)
                return self.method(found, func.value.id, e) if known else None
            if isinstance(func.value, n.Call) and self.object_of(func.value.func) is super:
                return self.inherited(func, e)
        callee = self.object_of(func)
        if isinstance(callee, type):
            return self.made(callee, e) if is_record(callee) else None
        of_class = isinstance(callee, types.MethodType) and isinstance(callee.__self__, type)
        if of_class or isinstance(callee, (types.FunctionType, LocalFunction)):
            return self.plain(callee, e)
        return None

    def method(self, function: Any, var: str, e: n.Call) -> Site | None:
        base = self.book.subject(function)
        if base is None or not base.function.params:
            return None
        first = base.function.params[0]
        if first.kind not in ("normal", "positional_only"):
            return None
        others = self.handed(base, e, 1)
        if others is None:
            return None
        return self.site(base, {first.name: var, **others}, e, _name_of(function), True)

    def inherited(self, func: n.Attribute, e: n.Call) -> Site | None:
        """Return what `super().f(...)` runs."""
        params = self.base.function.params
        own = params[0].name if params else ""
        cls = self.classes.get(own)
        python = self.base.python
        assert isinstance(func.value, n.Call)
        if cls is None or not isinstance(python, types.FunctionType):
            return None
        cells = dict(zip(python.__code__.co_freevars, python.__closure__ or ()))
        args = func.value.args
        owner: object = None
        if not args and "__class__" in cells:
            owner = cells["__class__"].cell_contents
        elif len(args) == 2 and args[1] == n.Name(own):
            owner = self.object_of(args[0])
        found = above(cls, owner, func.attr) if isinstance(owner, type) else None
        if found is object.__init__ or (found is None and func.attr == "__init__"):
            return None
        return self.method(found, own, e) if isinstance(found, types.FunctionType) else None

    def made(self, cls: type, e: n.Call) -> Site | None:
        """Return the call of the `__init__` of a class."""
        base = self.book.init(cls)
        if base is None:
            return None
        given = {k.name for k in e.keywords}
        plain = [p.name for p in base.function.params][1 : len(e.args) + 1]
        more = []
        for name, maker in factories(cls).items():
            if name not in given and name not in plain:
                spelled = self.book.linker.claim(maker.__name__, maker, self.base.locals)
                self.base.free[spelled] = maker
                more.append(n.Keyword(name, n.Call(n.Name(spelled), ())))
        e = replace(e, keywords=(*e.keywords, *more)) if more else e
        first = base.function.params[0].name
        others = self.handed(base, e, 1)
        if others is None:
            return None
        classes = {p: self.classes[x] for p, x in others.items()}
        name = f"{cls.__name__}_init"
        plan = self.book.plan(base, {first: cls, **classes}, name, True)
        return None if plan is None else Site(plan, others, e, False, cls)

    def plain(self, function: Any, e: n.Call) -> Site | None:
        """Return a call of a function that is handed an object, or returns one."""
        if not isinstance(function, LocalFunction) and of_library(function.__module__):
            return None
        names_ = (*e.args, *(k.value for k in e.keywords))
        handed = any(isinstance(a, n.Name) and a.id in self.classes for a in names_)
        if not handed and e not in self.used:
            return None
        base = self.book.subject(function)
        others = self.handed(base, e, 0) if base is not None else None
        if base is None or others is None:
            return None
        if not others and not _may_give_object(self.book.function(base)):
            return None
        site = self.site(base, others, e, _name_of(function), False)
        return site if site is not None and (others or site.gives) else None

    def handed(self, base: Subject, e: n.Call, first: int) -> dict[str, str] | None:
        """Return the objects among the arguments of a call, by parameter; None if it is not known
        which one receives them."""
        params = base.function.params[first:]
        found: dict[str, str] = {}
        for k, a in enumerate(e.args):
            if isinstance(a, n.Name) and a.id in self.classes:
                starred = any(isinstance(x, n.Starred) for x in e.args[:k])
                known = k < len(params) and params[k].kind in ("normal", "positional_only")
                if starred or not known:
                    return None
                found[params[k].name] = a.id
        for given in e.keywords:
            a = given.value
            if isinstance(a, n.Name) and a.id in self.classes:
                if given.name not in {p.name for p in params}:
                    return None
                found[given.name or ""] = a.id
        return found

    def site(
        self, base: Subject, given: dict[str, str], e: n.Call, name: str, own: bool
    ) -> Site | None:
        classes = {p: self.classes[x] for p, x in given.items()}
        plan = self.book.plan(base, classes, name, False)
        if plan is None:
            return None
        same = Counter(given.values())
        if any(plan.stores[p] for p, x in given.items() if same[x] > 1):
            return None  # it would be seen by two names
        return Site(plan, given, e, own)


WRAPPERS = "s2s_ad.wrappers"  # where functions are that call what is known when it runs


def of_library(name: object) -> bool:
    """True for the name of a module of the standard library, of NumPy or SciPy, or of ours."""
    found = str(name or "")
    return found.partition(".")[0] in _OTHERS and found not in (GENERATED, WRAPPERS)


_OTHERS = {*sys.stdlib_module_names, "numpy", "scipy", "numba", "s2s_ad", *LIBRARIES} - {"__main__"}


def _may_give_object(function: n.Function) -> bool:
    """True for a function whose results may be objects that it makes."""
    ends = [s.value for s in walk_stmts(function.body) if isinstance(s, n.Return)]
    return bool(ends) and all(isinstance(e, (n.Name, n.Call)) for e in ends)


def _used_as_objects(body: n.Block) -> frozenset[n.Expr]:
    """Return the calls of which attributes are read, or that are handed on."""
    owners: set[str] = set()
    found: set[n.Expr] = set()
    values: list[tuple[str, n.Expr]] = []
    for s in walk_stmts(body):
        if isinstance(s, n.Return) and isinstance(s.value, n.Call):
            found.add(s.value)
        if isinstance(s, n.Return) and isinstance(s.value, n.Name):
            owners.add(s.value.id)
        if isinstance(s, n.Assign) and isinstance(s.targets[0], n.Name):
            values.append((s.targets[0].id, s.value))
        for e in all_parts(s):
            if isinstance(e, n.Attribute) and isinstance(e.value, n.Name):
                owners.add(e.value.id)
            elif isinstance(e, n.Attribute):
                found.add(e.value)
    return frozenset(found.union(e for x, e in values if x in owners))


def _imported(module: str, attribute: str | None, always: bool) -> object:
    """Return what an `import` in a function binds. always: whether the function does not run
    without it: then it is imported now."""
    if always and module not in sys.modules:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    found = sys.modules.get(module)
    return vars(found).get(attribute) if found is not None and attribute else found


def _name_of(function: Any) -> str:
    if isinstance(function, LocalFunction):
        return function.function.name
    parts = function.__qualname__.rpartition("<locals>.")[2].split(".")
    name = "_".join(re.sub(r"\W", "", part).strip("_") or "call" for part in parts)
    return f"{name}_" if keyword.iskeyword(name) else name
