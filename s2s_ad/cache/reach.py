"""What the derivative of a function may depend on: every function, class and value within reach.

Takes functions, gives a `Reach`: facts that change whenever one of them does, and for each object
found the path by which another process finds it again. Requires frontend.source and the
standard library: this runs before every look-up in the cache, so it reads sources with `ast` and
never loads libcst.

It finds too much rather than too little: names are followed wherever they occur, whether or not
a local variable hides them, and classes with all their methods. Libraries that do not change
without a new version are known by their versions.
"""

from __future__ import annotations

import ast
import builtins
import functools
import sys
import textwrap
import types
from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from s2s_ad.cache.key import digest
from s2s_ad.errors import SourceError
from s2s_ad.frontend.source import Source, find
from s2s_ad.runtime.structure import few

MOST_FUNCTIONS = 500
MOST_OBJECTS = 5000
DEEPEST = 50
MOST_ITEMS = 500
_VERSIONED = ("numpy", "scipy", "numba")
_SMALL = (int, float, complex, str, bytes, bool, types.NoneType, np.generic)
_NAMED = (str, bytes, types.NoneType)
_KNOWN_ROOTS = sys.stdlib_module_names | set(_VERSIONED) | {"s2s_ad"}
# how a callable that is not a function holds the one it stands for
_HOLDERS = ("__func__", "__wrapped__", "primal", "py_func", "func", "fget")

Path = tuple[str, ...]
Chain = tuple[str, ...]


class Reach:
    """Everything within reach of `roots`.

    facts: lines that together change when anything a derivative depends on does, or None when
    there is too much to say. attributes: those of modules, classes and instances that some function
    mentions: the owner's `__dict__` and a name in it. With `deep`, the functions of the standard
    library are read too, which adds paths, not facts.
    """

    def __init__(self, roots: Mapping[str, Any], deep: bool = False) -> None:
        self.facts: list[str] | None = []
        self._deep = deep
        self._paths: dict[int, Path] = {}
        self._alive: list[Any] = []
        self._functions = 0
        self._mentioned: set[str] = set()
        self._owners: list[Mapping[str, Any]] = []
        self._waiting: list[tuple[Path, Any]] = []
        for name, value in roots.items():
            self._meet((name,), value)
        while self._waiting and self.facts is not None:
            self._read(*self._waiting.pop(0))

    @property
    def attributes(self) -> list[tuple[Mapping[str, Any], str]]:
        return [
            (owner, name)
            for owner in self._owners
            for name in sorted(self._mentioned & owner.keys())
        ]

    def holds(self, value: object) -> bool:
        """True unless an object is certainly out of reach."""
        return self.facts is None or id(value) in self._paths

    def numbers(self) -> str:
        """Return the values of all numbers found, of which the facts say only the types."""
        return repr([value for value in self._alive if is_small(value)])

    def path(self, value: object) -> Path | None:
        """Return the first path at which an object was found."""
        return self._paths.get(id(value))

    def _meet(self, path: Path, value: Any) -> None:
        if self.facts is None:
            return
        known = self._paths.get(id(value))
        if known is not None and not isinstance(value, _SMALL):
            self.facts.append(f"{path} is {known}")
            return
        self._alive.append(value)
        if len(self._alive) > MOST_OBJECTS or len(path) > DEEPEST:
            self.facts = None
            return
        self._paths.setdefault(id(value), path)
        self.facts.append(f"{path}: {describe(value)}")
        if isinstance(value, (types.FunctionType, type)):
            deeper = self._deep and _root(value) not in _VERSIONED
            if len(path) == 1 or deeper or not unchanging(value):
                self._waiting.append((path, value))
            return
        if isinstance(value, types.ModuleType):
            if value.__name__.split(".")[0] not in _KNOWN_ROOTS:
                self._owners.append(vars(value))
        elif isinstance(value, (tuple, list, dict)):
            for k, item in enumerate(_items(value)):
                if callable(item) or isinstance(item, (tuple, list, dict)):
                    self._meet((*path, f"item:{k}"), item)
        elif not isinstance(value, (*_SMALL, types.BuiltinFunctionType)):
            if not unchanging(type(value)):
                self._waiting.append((path, value))
            for holder in _HOLDERS:
                if isinstance(held := step(value, f"held:{holder}"), types.FunctionType):
                    self._meet((*path, f"held:{holder}"), held)

    def _read(self, path: Path, value: Any) -> None:
        assert self.facts is not None
        if isinstance(value, type):
            self._owners.append(vars(value))
            for k, base in enumerate(value.__bases__):
                self._meet((*path, f"base:{k}"), base)
            for name, member in sorted(vars(value).items()):
                self._meet((*path, f"held:{name}"), member)
            return
        if not isinstance(value, types.FunctionType):
            self._meet((*path, "class:"), type(value))
            own = _own(value)
            self._owners.append(own)
            for name in sorted(own):
                self._meet((*path, f"held:{name}"), own[name])
            return
        self._functions += 1
        if self._functions > MOST_FUNCTIONS:
            self.facts = None
            return
        text, chains, attributes = names_in(value)
        self.facts.append(text)
        self._mentioned |= attributes
        for chain in chains:
            found: Any = value
            for k in range(len(chain)):
                found = step(found, f"{'held' if k else 'name'}:{chain[k]}")
                if found is ...:
                    break
                names = [f"{'held' if j else 'name'}:{chain[j]}" for j in range(k + 1)]
                self._meet((*path, *names), found)
        for k in range(len(value.__defaults__ or ())):
            self._meet((*path, f"default:{k}"), step(value, f"default:{k}"))
        for name in value.__kwdefaults__ or ():
            self._meet((*path, f"default:{name}"), step(value, f"default:{name}"))


def is_small(value: Any) -> bool:
    """Return whether a value is a number, a text or a tuple of them."""
    if isinstance(value, tuple):
        return all(map(is_small, value))
    return isinstance(value, _SMALL)


def follow(roots: Mapping[str, Any], path: Path) -> Any:
    """Return what is at a path now, `...` when there is nothing."""
    value = roots.get(path[0], ...)
    for name in path[1:]:
        if value is ...:
            break
        value = step(value, name)
    return value


def step(value: Any, name: str) -> Any:
    """Return what one step of a path leads to from `value`, `...` when it leads nowhere."""
    kind, _, name = name.partition(":")
    if kind == "name":
        return _global(value, name)
    if kind == "class":
        return type(value)
    if kind == "base":
        return value.__bases__[int(name)]
    if kind == "item":
        items = _items(value)
        return items[int(name)] if int(name) < len(items) else ...
    if kind == "default":
        if name.isdigit():
            return value.__defaults__[int(name)]
        return value.__kwdefaults__[name]
    if isinstance(value, (types.ModuleType, types.MethodType, staticmethod, classmethod, property)):
        return getattr(value, name, ...)
    return _own(value).get(name, ...)


def _items(value: Any) -> list[Any]:
    """Return what a container holds; of a table too long to be one of functions, nothing."""
    if len(value) > MOST_ITEMS:
        return []
    return list(value.values()) if isinstance(value, dict) else list(value)


def _own(value: Any) -> Mapping[str, Any]:
    """Return what stands in an object itself; no code of its class is run."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own if isinstance(own, Mapping) else {}


def _global(function: types.FunctionType, name: str) -> Any:
    """Return what a name outside a function is bound to."""
    free = function.__code__.co_freevars
    if name in free:
        try:
            return (function.__closure__ or ())[free.index(name)].cell_contents
        except ValueError:
            return ...
    return function.__globals__.get(name, vars(builtins).get(name, ...))


def describe(value: Any) -> str:
    """Return what the text of a derivative may depend on in a value met on the way."""
    if isinstance(value, _NAMED):
        return repr(value)
    if isinstance(value, _SMALL):
        return type(value).__name__  # facts are of kinds: a number may change without consequence
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__} {_version(value.__name__)}"
    if isinstance(value, np.ndarray):
        lengths = list(map(few, value.shape, count()))
        return f"array {value.dtype.char} {lengths}"
    if isinstance(value, tuple):
        return f"tuple ({', '.join(map(describe, value))})"
    if isinstance(value, (list, dict)):  # facts are of what all items have in common
        items = value.values() if isinstance(value, dict) else value
        return f"{type(value).__name__} of {', '.join(sorted(set(map(describe, items))))}"
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        module = getattr(value, "__module__", None) or ""
        return f"{type(value).__name__} {module}.{name} {_version(module)}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def _root(value: Any) -> str:
    return (getattr(value, "__module__", None) or "").split(".")[0]


def unchanging(value: Any) -> bool:
    """Return whether a function or class is known by the version of its package."""
    return _root(value) in _KNOWN_ROOTS


def _version(module: str) -> str:
    root = module.split(".")[0]
    if root in sys.stdlib_module_names and root != "__main__":
        return sys.version.split()[0]
    found = sys.modules.get(root)
    return str(getattr(found, "__version__", "")) if root in _VERSIONED else ""


def names_in(function: types.FunctionType) -> tuple[str, tuple[Chain, ...], frozenset[str]]:
    """Return the text of a function with its first line's number, and the names it mentions:
    chains such as `np.linalg.norm`, and all names of attributes."""
    try:
        source = find(function)
    except SourceError:
        code = function.__code__
        names = tuple((name,) for name in code.co_names)
        text = digest(f"{code.co_code!r} {code.co_consts!r}")
        return text, names, frozenset(code.co_names)
    chains, attributes = _mentioned(source)
    return f"line {source.first_line}\n{source.text}", chains, attributes


@functools.lru_cache(maxsize=512)
def _mentioned(source: Source) -> tuple[tuple[Chain, ...], frozenset[str]]:
    text = textwrap.dedent(source.text)
    try:
        tree = ast.parse(f"(\n{text}\n)" if source.name == "<lambda>" else text)
    except SyntaxError:  # lines of a deeper string reach to the margin
        tree = ast.parse("if True:\n" + source.text)
    chains: dict[Chain, None] = {}
    attributes = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            chains[(node.id,)] = None
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
            path = [node.attr]
            inner = node.value
            while isinstance(inner, ast.Attribute):
                path.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                path.append(inner.id)
                chains[tuple(reversed(path))] = None
    return tuple(chains), frozenset(attributes)
