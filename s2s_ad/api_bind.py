"""From a function and the kinds of its arguments to a derivative that can be called.

Takes an `Order`, gives `Generated` functions, one for each kinds of arguments, kept in an `Engine`.
Requires api_load, and build only when nothing is cached.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import linecache
import operator
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from s2s_ad.api_compiled import FORM, compiled, module_for, without_cache
from s2s_ad.api_load import Loaded, Order, load
from s2s_ad.api_primal import Values
from s2s_ad.cache.key import digest
from s2s_ad.cache.reach import Reach, is_small
from s2s_ad.errors import ArgumentError
from s2s_ad.runtime.structure import few, own_arithmetic

if TYPE_CHECKING:
    from s2s_ad.build import Derivative

MOST_METHODS = 64
MOST_ITEMS = 32
_ENGINES = "__s2s_ad_engines__"
MOST_VARIANTS = 512
_CHANGEABLE = (np.ndarray, list, dict)
# what may hold such a thing, or be one
_HOLDING = (*_CHANGEABLE, tuple)
_TYPE_DECIDES = (float, int, np.generic, types.NoneType)


class Generated(NamedTuple):
    """A derivative in memory.

    entry is the generated function (for `split` the forward half, reverse the other one), names
    are the parameters of the function it is the derivative of. seed is the place of the seed
    among the parameters of an adjoint, and whether it has a default: it has when the result is
    known to be a number.
    current are tests that fail once a global or closure value which the text depends on is
    another object than when it was generated.
    """

    entry: Any
    names: tuple[str, ...]
    seed: tuple[int, bool]
    reverse: Any
    text: str
    file: str | None
    current: tuple[Callable[[], bool], ...]

    def stale(self) -> bool:
        return not all(test() for test in self.current)


def token(value: Any) -> Any:
    """Return something that is equal for two values when (but not only when) their kinds are.

    It is what variants are found by, so it is cheaper than a kind.
    """
    kind = type(value)
    if issubclass(kind, _TYPE_DECIDES):
        return kind
    if kind is np.ndarray:
        shape = value.shape
        if len(shape) == 1:
            return (value.dtype.char, few(shape[0], 0))
        return (value.dtype.char, *map(few, shape, itertools.count()))
    if kind is tuple:
        return (tuple, *map(token, value))
    if kind is list:
        return (list, frozenset(map(token, value)))
    if kind is dict:
        return (dict, frozenset(map(token, value.values())))
    if kind is str:
        return (str, value)
    if kind is types.MethodType:
        return (id(value.__self__), id(value.__func__))
    if callable(value) or kind is types.ModuleType:
        return (kind, id(value))
    return kind


def type_decides(value: Any) -> bool:
    """Return whether the kind of a value is a matter of its type alone."""
    return isinstance(value, _TYPE_DECIDES)


class Engine:
    """The derivatives of one function, a variant for each kinds of its arguments."""

    def __init__(self, order: Order, names: tuple[str, ...]) -> None:
        self.order = order
        self.names = names
        self.variants: dict[Any, tuple[Generated, Values]] = {}
        self.last: Generated | None = None

    def at(self, values: Values) -> Generated:
        """Return the derivative for arguments such as these."""
        key: Any = tuple(map(token, values))
        together = held_twice(values)
        if together:
            key = (key, together)
        found = self.variants.get(key)
        if found is None or found[0].stale():
            if len(self.variants) >= MOST_VARIANTS:
                self.variants.clear()
            # objects that take part in the key by their id must not be replaced by others
            alive = tuple(value for value in values if callable(value))
            shared = tuple(tuple(self.names[k] for k in pair) for pair in together)
            found = generate(self.order, dict(zip(self.names, values)), shared), alive
            self.variants[key] = found
        self.last = found[0]
        return found[0]

    def unknown(self) -> Generated:
        """Return the last derivative used, else one for arguments of which nothing is known."""
        if self.last is None or self.last.stale():
            self.last = generate(self.order, {})
        return self.last


class _Engines(dict[Order, Engine]):
    """The engines of one function, kept in its `__dict__`; not copied to where it is sent."""

    def __reduce__(self) -> Any:
        return _Engines, ()


def engine(order: Order) -> Engine:
    """Return the one engine for an order, which lives as long as its function does."""
    function = order.function
    if isinstance(function, types.FunctionType):
        engines: _Engines = function.__dict__.setdefault(_ENGINES, _Engines())
    else:
        engines = _engines_of_methods
        if len(engines) >= MOST_METHODS:
            engines.clear()
    found = engines.get(order)
    if found is None:
        found = engines[order] = Engine(order, tuple(inspect.signature(function).parameters))
    return found


_engines_of_methods = _Engines()


def held_twice(values: Values) -> tuple[tuple[int, int], ...]:
    """Return the pairs of arguments that are one container, hold one, or may share the memory of
    an array."""
    held = [(k, v) for k, v in enumerate(values) if type(v) in _HOLDING]
    if len(held) < 2:
        return ()
    nested = any(type(v) is not np.ndarray for _, v in held)
    inside = {k: frozenset(_held(v)) for k, v in held} if nested else {}
    return tuple(
        (i, j)
        for at, (i, x) in enumerate(held)
        for j, y in held[at + 1 :]
        if (
            np.may_share_memory(x, y) if type(x) is type(y) is np.ndarray else inside[i] & inside[j]
        )
    )


def _held(value: Any) -> Iterator[int]:
    """Yield the identities of the arrays, lists and dicts that a value is or holds."""
    if type(value) is np.ndarray:
        while type(value.base) is np.ndarray:
            value = value.base
    if type(value) in _CHANGEABLE:
        yield id(value)
    if type(value) in (list, tuple, dict):
        for item in value.values() if type(value) is dict else value:
            if type(item) in _HOLDING:
                yield from _held(item)


def generate(
    order: Order, values: Mapping[str, Any], shared: tuple[tuple[str, ...], ...] = ()
) -> Generated:
    """Return the derivative of `order` for arguments of the kinds of `values`, bound.

    shared: parameters that receive the same array, or list, or dict.
    """

    for name, value in values.items():
        own = own_arithmetic(value)
        if own:
            raise ArgumentError(
                f"{name} is a {own}, which computes in a way of its own",
                hint=f"pass np.asarray({name}), and what is special about it in another argument",
            )

    def build(reach: Reach) -> Derivative:
        # neither the kinds nor the engine are needed when the derivative is in the cache
        from s2s_ad.analysis.observe import kind_of, real
        from s2s_ad.build import Request, derive

        kinds = {name: kind_of(value, name) for name, value in values.items()}
        kinds.update({name: real(kinds[name]) for name in order.wrt if name in kinds})
        rest = order.select, order.options, reach.holds, shared, order.of
        return derive(Request(order.function, order.mode, order.wrt, kinds, *rest))

    loaded = load(order, values, build, shared)
    # on disk there is one line in front of the text, and tracebacks name lines of that file
    lead = "" if loaded.file is None else "\n"
    file = loaded.file or f"<s2s_ad {loaded.entry} {digest(loaded.text)[:12]}>"
    text = lead + loaded.text
    if FORM in order.options and loaded.file is None:
        text = without_cache(text)
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace: dict[str, Any] = {"__name__": "s2s_ad.generated"}
    if FORM in order.options:
        namespace = module_for(file)
    namespace.update(loaded.binds)
    exec(_compiled(text, file), namespace)
    namespace.update(loaded.binds)  # what the text imports may have been replaced since
    entry, reverse = namespace[loaded.entry], None
    if order.mode == "split":
        reverse = namespace[loaded.entry.removesuffix("_forward") + "_reverse"]
    if FORM in order.options:
        lines = {line + len(lead): origin for line, origin in loaded.lines.items()}
        entry = compiled(entry, lines)
        reverse = None if reverse is None else compiled(reverse, lines)
    names = tuple(inspect.signature(order.function).parameters)
    seed = _seed(entry, names) if order.mode == "adjoint" else (-1, False)
    tests = tests_of(order.function, loaded, frozen=FORM in order.options)
    return Generated(entry, names, seed, reverse, loaded.text, loaded.file, tests)


def _seed(entry: types.FunctionType, names: tuple[str, ...]) -> tuple[int, bool]:
    return next(
        (place, parameter.default is not inspect.Parameter.empty)
        for place, parameter in enumerate(inspect.signature(entry).parameters.values())
        if parameter.name not in names
    )


@functools.lru_cache(maxsize=256)
def _compiled(text: str, file: str) -> types.CodeType:
    return compile(text, file, "exec")


def tests_of(function: Any, loaded: Loaded, frozen: bool = False) -> tuple[Callable[[], bool], ...]:
    """Return tests that fail once a name or attribute means something else, a test a namespace,
    or a function has been given other code, as by the reloading of notebooks.

    frozen: whether numbers are part of the text.
    """
    brief = _exact if frozen else _brief
    spaces: dict[int, tuple[Mapping[str, Any], dict[str, Any]]] = {}
    cells: dict[int, tuple[types.CellType, Any]] = {}
    kinds: list[tuple[Mapping[str, Any], str, Any]] = []
    for item in loaded.watched:
        if item.kind == "closure":
            place = item.function.__code__.co_freevars.index(item.name)
            cell = (item.function.__closure__ or ())[place]
            cells[id(cell)] = (cell, item.value)
        elif item.kind == "global":
            space = item.function.__globals__
            spaces.setdefault(id(space), (space, {}))[1][item.name] = item.value
        if isinstance(item.value, (list, dict)):
            # what it holds may change while it stays the same object
            kinds.append(({"": item.value}, "", brief(item.value)))
    flags: list[tuple[Mapping[str, Any], str, Any]] = []
    for owner, name in loaded.attributes:
        if isinstance(owner, types.MappingProxyType) and isinstance(owner[name], bool):
            flags.append((owner, name, _exact(owner[name])))  # of a class: they decide branches
        else:
            kinds.append((owner, name, brief(owner[name])))
    called = (function, *(x for item in loaded.watched for x in (item.function, item.value)))
    tests = [_codes_test(called)]
    tests += [_globals_test(space, values) for space, values in spaces.values()]
    if cells:
        tests.append(_cells_test(*zip(*cells.values())))
    if kinds:
        tests.append(_kinds_test(kinds, brief))
    if flags:
        tests.append(_kinds_test(flags, _exact))
    return tuple(tests)


def _kinds_test(
    kinds: Sequence[tuple[Mapping[str, Any], str, Any]], brief: Callable[[Any], Any]
) -> Callable[[], bool]:
    def test() -> bool:
        # a value that is gone counts as another one
        return all(brief(space.get(name, kinds)) == kind for space, name, kind in kinds)

    return test


def _brief(value: Any) -> Any:
    """Return the token of a value, of a long table only its type and its ends."""
    if type(value) is list and len(value) > MOST_ITEMS:
        return (list, token(value[0]), token(value[-1]))
    if type(value) is dict and len(value) > MOST_ITEMS:
        return (dict, token(next(iter(value.values()))))
    return token(value)


def _exact(value: Any) -> Any:
    """Return the token of a value, and of a number what it is."""
    return (_brief(value), repr(value)) if is_small(value) else _brief(value)


def _codes_test(called: Sequence[Any]) -> Callable[[], bool]:
    plain = [getattr(function, "__func__", function) for function in called]
    functions = list({id(f): f for f in plain if isinstance(f, types.FunctionType)}.values())
    get = operator.attrgetter("__code__")
    expected = list(map(get, functions))
    # the commonest case costs a quarter of the general one, at each call
    if len(functions) == 1:
        function, code = functions[0], expected[0]
        return lambda: function.__code__ is code

    def test() -> bool:
        return all(map(operator.is_, map(get, functions), expected))

    return test


def _globals_test(space: Mapping[str, Any], values: Mapping[str, Any]) -> Callable[[], bool]:
    if len(values) == 1:
        ((name, value),) = values.items()
        return lambda: space.get(name, space) is value
    get = operator.itemgetter(*values)
    expected = tuple(values.values())

    def test() -> bool:
        try:
            return all(map(operator.is_, get(space), expected))
        except KeyError:  # the name is gone
            return False

    return test


def _cells_test(cells: Sequence[Any], expected: Sequence[Any]) -> Callable[[], bool]:
    get = operator.attrgetter("cell_contents")

    def test() -> bool:
        try:
            return all(map(operator.is_, map(get, cells), expected))
        except ValueError:  # the cell is empty
            return False

    return test
