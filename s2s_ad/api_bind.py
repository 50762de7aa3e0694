"""From a function and the kinds of its arguments to a derivative that can be called.

Takes Python functions, gives `Generated` functions, kept per kinds in an `Engine` and on disk in
the cache. Requires build (only when nothing is cached), cache and analysis.observe.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.api_primal import Values
from s2s_ad.cache.key import digest
from s2s_ad.ir.kinds import Kind

MOST_VARIANTS = 512
_TYPE_DECIDES = (float, int, np.generic, types.NoneType)


@dataclass(frozen=True)
class Generated:
    """A derivative in memory.

    entry is the generated function (for `split` the forward half, reverse the other one), names
    are the parameters of the function it is the derivative of.
    current are tests that fail once a global or closure value which the text depends on is
    another object than when it was generated.
    """

    entry: types.FunctionType
    names: tuple[str, ...]
    reverse: types.FunctionType | None
    text: str
    file: Path | None
    current: tuple[Callable[[], bool], ...]

    @functools.cached_property
    def seed(self) -> tuple[int, bool]:
        """The place of an adjoint's seed among its parameters, and whether it has a default.

        It has one when the result is known to be a number.
        """
        parameters = inspect.signature(self.entry).parameters.values()
        return next(
            (place, parameter.default is not inspect.Parameter.empty)
            for place, parameter in enumerate(parameters)
            if parameter.name not in self.names
        )

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
        ones = tuple([length == 1 for length in shape]) if 1 in shape else len(shape)
        return (value.dtype.char, ones)
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


@dataclass(frozen=True)
class Order:
    """What is to be differentiated: the part `select` of what `function` returns, in `wrt`."""

    function: Callable[..., Any]
    mode: str
    wrt: tuple[str, ...]
    select: tuple[int, ...] = ()
    options: frozenset[str] = frozenset()


@dataclass
class Engine:
    """The derivatives of one function, a variant for each kinds of its arguments."""

    order: Order
    names: tuple[str, ...]
    variants: dict[Any, tuple[Generated, Values]] = field(default_factory=dict)
    last: Generated | None = None

    def at(self, values: Values) -> Generated:
        """Return the derivative for arguments such as these."""
        key = tuple(map(token, values))
        found = self.variants.get(key)
        if found is None or found[0].stale():
            if len(self.variants) >= MOST_VARIANTS:
                self.variants.clear()
            # objects that take part in the key by their id must not be replaced by others
            alive = tuple(value for value in values if callable(value))
            found = generate(self.order, self._kinds(values)), alive
            self.variants[key] = found
        self.last = found[0]
        return found[0]

    def unknown(self) -> Generated:
        """Return the last derivative used, else one for arguments of which nothing is known."""
        if self.last is None or self.last.stale():
            self.last = generate(self.order, {})
        return self.last

    def _kinds(self, values: Values) -> dict[str, Kind]:
        kinds = {name: kind_of(value, name) for name, value in zip(self.names, values)}
        kinds.update({name: real(kinds[name]) for name in self.order.wrt})
        return kinds


@functools.lru_cache(maxsize=MOST_VARIANTS)
def engine(order: Order) -> Engine:
    """Return the one engine for an order."""
    return Engine(order, tuple(inspect.signature(order.function).parameters))


def generate(order: Order, kinds: Mapping[str, Kind]) -> Generated:
    """Return the derivative of `order`, generated for `kinds`, ready to be called."""
    from s2s_ad.build import Request, derive

    request = Request(order.function, order.mode, order.wrt, kinds, order.select, order.options)
    derivative = derive(request)
    file = f"<s2s_ad {derivative.entry} {digest(derivative.text)[:12]}>"
    namespace: dict[str, Any] = {"__name__": "s2s_ad.generated", **derivative.imports}
    exec(compile(derivative.text, file, "exec"), namespace)
    lines = derivative.text.splitlines(True)
    linecache.cache[file] = (len(derivative.text), None, lines, file)
    reverse = None
    if order.mode == "split":
        reverse = namespace[derivative.entry.removesuffix("_forward") + "_reverse"]
    names = tuple(inspect.signature(order.function).parameters)
    return Generated(namespace[derivative.entry], names, reverse, derivative.text, None, ())
