"""Derivatives from the cache: what they are filed under, and how they are bound to live objects.

Takes an `Order` and the values of a call, gives the text of the derivative, the objects its
namespace needs and those that must stay what they are. Requires cache, and build only when the
cache has nothing.

The text of a derivative is bound to objects that exist in one process only: the user's functions,
globals, captured values. The file says at its end by which path from the function each of them
is found (`cache.reach`). A derivative with an object that no path leads to is not kept.
"""

from __future__ import annotations

import ast
import functools
import importlib
import os
import sys
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from s2s_ad.api_compiled import FORM, Lines
from s2s_ad.cache import store
from s2s_ad.cache.key import digest, key
from s2s_ad.cache.reach import Reach, describe, follow, step, unchanging

if TYPE_CHECKING:
    from s2s_ad.build import Derivative

MOST_TEXTS = 1024
_BINDS = "# s2s_ad binds "


class Order(NamedTuple):
    """What is to be differentiated: the part `select` of what `function` returns, in `wrt`.

    of: the outputs, arguments that it changes among them, in the place of what it returns.
    """

    function: Callable[..., Any]
    mode: str
    wrt: tuple[str, ...]
    select: tuple[int, ...] = ()
    options: frozenset[str] = frozenset()
    of: tuple[str, ...] = ()


class Watched(NamedTuple):
    """A name outside a function that must still mean `value`: a global, or one of its cells."""

    function: Any
    kind: str
    name: str
    value: Any


class Loaded(NamedTuple):
    """A derivative and all it is bound to.

    file is None when it is not on disk. watched are names that must mean the same object,
    attributes (of a module or instance: its `__dict__` and a name) need the same kind of value.
    """

    text: str
    entry: str
    file: str | None
    binds: Mapping[str, Any]
    watched: tuple[Watched, ...]
    attributes: tuple[tuple[Mapping[str, Any], str], ...]
    lines: Lines


class _NotKept(Exception):
    """The derivative cannot be found again by another process."""

    def __init__(self, derivative: Derivative) -> None:
        super().__init__(derivative.entry)
        self.derivative = derivative


# what has been read or written by this process: text with its last line, and the file
_texts: dict[str, tuple[str, str | None]] = {}


def load(
    order: Order,
    values: Mapping[str, Any],
    build: Callable[[Reach], Derivative],
    shared: tuple[tuple[str, ...], ...] = (),
) -> Loaded:
    """Return the derivative of `order` for arguments of the kinds of `values`.

    Nothing is known of an argument that is not in `values`. shared: those that are given twice.
    """
    function = order.function
    # what is known by identity: the function, and arguments that are functions or modules
    known = {name: value for name, value in values.items() if _has_identity(value)}
    roots = {"": function, "self": getattr(function, "__self__", None), **known}
    reach = Reach(roots)
    attributes = tuple(reach.attributes)
    hidden = any(_hides_identity(value) for value in values.values())
    if reach.facts is None or hidden:
        return _unkept(build(reach), attributes)
    parts = {
        "mode": order.mode,
        "wrt": repr(order.wrt),
        "select": repr(order.select),
        "of": repr(order.of),
        "options": repr(sorted(order.options)),
        "kinds": repr({name: describe(value) for name, value in values.items()}),
        "shared": repr(shared),
        "numbers": reach.numbers() if FORM in order.options else "",
        "facts": "\n".join(reach.facts),
        "package": _package(),
        "rules": _declared_rules(),
    }

    def text() -> str:
        derivative = build(reach)
        recipe = _recipe(derivative, Reach(roots, deep=True))
        if recipe is None:
            raise _NotKept(derivative)
        if derivative.reads_numbers:
            recipe["numbers"] = reach.numbers()
        return f"{derivative.text}{_BINDS}{recipe!r}\n"

    stem = f"{getattr(function, '__name__', 'derivative')}_{order.mode}"
    try:
        body, recipe, path = _fetched(key(parts), stem, text)
        if "numbers" in recipe and recipe["numbers"] != reach.numbers():
            # it was written for other values of the numbers outside
            filed = key({**parts, "numbers": reach.numbers()})
            body, recipe, path = _fetched(filed, stem, text)
    except _NotKept as error:
        return _unkept(error.derivative, attributes)
    entry, binds, watched = _bound(recipe, roots)
    return Loaded(body, entry, path, binds, watched, attributes, recipe.get("lines", {}))


def _fetched(
    filed: str, stem: str, text: Callable[[], str]
) -> tuple[str, dict[str, Any], str | None]:
    """Return a text, its recipe and its file, from memory, from disk or as `text` writes it."""
    found = _texts.get(filed)
    if found is None:
        kept, path = store.fetch(filed, stem, text)
        if len(_texts) >= MOST_TEXTS:
            _texts.clear()
        found = _texts[filed] = (kept, None if path is None else str(path))
    body, _, recipe = found[0].rpartition(_BINDS)
    return body, ast.literal_eval(recipe), found[1]


def _has_identity(value: Any) -> bool:
    return callable(value) or isinstance(value, types.ModuleType)


def _hides_identity(value: Any) -> bool:
    """Return whether something known by identity is inside a container, where no path leads."""
    if not isinstance(value, (tuple, list, dict)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return any(_has_identity(item) or _hides_identity(item) for item in items)


def _unkept(
    derivative: Derivative, attributes: tuple[tuple[Mapping[str, Any], str], ...]
) -> Loaded:
    watched = tuple(
        Watched(_plain(w.function), w.kind, w.name, w.value) for w in derivative.watched
    )
    binds = derivative.imports
    lines = _lines(derivative)
    return Loaded(derivative.text, derivative.entry, None, binds, watched, attributes, lines)


def _lines(derivative: Derivative) -> Lines:
    return {k: (o.file, o.line, o.column, o.text) for k, o in derivative.lines.items()}


def _plain(function: Any) -> types.FunctionType:
    found: types.FunctionType = getattr(function, "__func__", function)
    return found


# -- recipes ----------------------------------------------------------------------------


def _recipe(derivative: Derivative, reach: Reach) -> dict[str, Any] | None:
    """Return where every object is found that a derivative is bound to, None if one is not."""
    binds = {name: _where(value, reach) for name, value in derivative.imports.items()}
    watched = [[_where(_plain(w.function), reach), w.kind, w.name] for w in derivative.watched]
    if None in binds.values() or any(place is None for place, _, _ in watched):
        return None
    recipe = {"entry": derivative.entry, "names": binds, "watched": watched}
    return {**recipe, "lines": _lines(derivative)} if derivative.lines else recipe


def _where(value: Any, reach: Reach) -> list[str] | None:
    """Return the path to an object. What a path does not lead to is found by name, but only in
    libraries known by their versions: the key says nothing of it otherwise."""
    path = reach.path(value)
    if path is not None:
        return list(path)
    if isinstance(value, types.ModuleType):
        return ["module", value.__name__]
    if not unchanging(value):
        return None
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str) and "<" not in name:
        place = ["module", module, *name.split(".")]
        if _import(place) is value:
            return place
    return None


def _import(place: list[str]) -> Any:
    found: Any = sys.modules.get(place[1])
    if found is None:
        found = importlib.import_module(place[1])
    for name in place[2:]:
        found = getattr(found, name, ...)
    return found


def _bound(
    recipe: Mapping[str, Any], roots: Mapping[str, Any]
) -> tuple[str, dict[str, Any], tuple[Watched, ...]]:
    """Return the entry, the objects and the watched names that a recipe leads to."""

    def find(place: list[str]) -> Any:
        return _import(place) if place[0] == "module" else follow(roots, tuple(place))

    watched = []
    for place, kind, name in recipe["watched"]:
        function = find(place)
        watched.append(Watched(function, kind, name, step(function, f"name:{name}")))
    binds = {name: find(place) for name, place in recipe["names"].items()}
    return recipe["entry"], binds, tuple(watched)


# -- the parts of the key that are not the user's -----------------------------------------


@functools.lru_cache(maxsize=1)
def _package() -> str:
    """Return a digest of our own files: between releases the version says too little."""
    root = os.path.dirname(os.path.abspath(__file__))
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            if name.endswith(".py"):
                status = os.stat(os.path.join(folder, name))
                found.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return digest("\n".join(sorted(found)) + np.__version__)


def _declared_rules() -> str:
    """Return the rules that the user has declared; none unless the table of rules is loaded."""
    registry = sys.modules.get("s2s_ad.rules.registry")
    if registry is None:
        return ""
    rules = [r for r in registry.all_rules() if r.namespace.split(".")[0] not in registry.BUILT_IN]
    return "\n".join(f"{r.text} {r.adjoint} {r.tangent} {r.let}" for r in rules)
