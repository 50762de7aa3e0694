"""What all transform objects have in common: their parameters, attributes and pickling.

Takes functions and `wrt`, gives the base class of the transforms; requires api_plan and what it
stands on.
"""

from __future__ import annotations

import sys
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from s2s_ad.api_bind import Generated
from s2s_ad.api_compiled import FORM
from s2s_ad.api_load import Order
from s2s_ad.api_plan import Pass, Plan
from s2s_ad.api_primal import (
    Values,
    Wrt,
    fixed,
    not_real,
    primal_of,
    real_value,
    resolve_wrt,
)
from s2s_ad.api_trees import Branch, Tree, Vector, conform, flatten, tree_of
from s2s_ad.errors import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path


def plan_of(base: Any, values: Values) -> Plan:
    """Return how `base`, a function or a transform, computes its value for these arguments."""
    return base.in_python().plan(values) if isinstance(base, Transform) else Plan((Pass(base),))


class Transform(ABC):
    """A derivative of `primal` that is called like it.

    Attributes: primal, source (the text of the generated module last used) and file (where that
    is kept, or None). It has the name, docstring, module and signature of primal.
    """

    __s2s_transform__ = True
    verb: ClassVar[str]

    def __init__(
        self, primal: Callable[..., Any], wrt: Wrt = None, options: frozenset[str] = frozenset()
    ) -> None:
        self.primal = primal
        self._of = primal_of(primal)
        self._given = wrt
        self._options = options
        self._wrt: tuple[str, ...] = ()
        self._single = True
        if not self._of.variadic:  # else what wrt means depends on the call
            self._wrt, self._single = resolve_wrt(self._of, wrt)
        inner = self._of.base.real if isinstance(self._of.base, Transform) else frozenset()
        self.real: frozenset[str] = inner | frozenset(self._wrt)
        self._places = [self._of.names.index(name) for name in self._wrt]
        self._last: Pass | None = None
        self._plain: Transform | None = None
        self._spread: dict[Any, Transform] = {}
        for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
            if hasattr(primal, name):
                setattr(self, name, getattr(primal, name))
        self.__signature__ = self._of.signature

    def spread(self, values: Values) -> tuple[Transform, Values, dict[str, Any]]:
        """Return this transform of a variadic function for the arguments of one call, and them."""
        function: Any
        if isinstance(self._of.base, Transform):
            function, args, kwargs = self._of.base.spread(self._of.expand(values))
        else:
            function, args, kwargs = fixed(self._of, values)
        key = (len(args), *kwargs)
        if key not in self._spread:
            self._spread[key] = type(self)(function, self._given, self._options)
        return self._spread[key], args, kwargs

    def in_python(self) -> Transform:
        """Return this transform without the compiler: what is differentiated again is text."""
        if FORM not in self._options:
            return self
        if self._plain is None:
            self._plain = type(self)(self.primal, self._given, self._options - {FORM})
        return self._plain

    def _call_spread(self, args: Values, kwargs: dict[str, Any]) -> Any:
        transform, args, kwargs = self.spread(self._of.values(args, kwargs))
        result = transform(*args, **kwargs)
        self._last = transform._last
        return result

    @abstractmethod
    def plan(self, values: Values) -> Plan:
        """Return how the derivative is computed, for it to be differentiated again."""

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the derivative at these arguments."""

    @abstractmethod
    def _generated(self) -> Generated:
        """Return a derivative for arguments of which nothing is known."""

    @property
    def source(self) -> str:
        """The text of the generated module: that of the last call, else one for any arguments."""
        return self._latest().text

    @property
    def file(self) -> Path | None:
        """Where the generated module is on disk, None when it is not kept."""
        from pathlib import Path

        file = self._latest().file
        return None if file is None else Path(file)

    def _latest(self) -> Generated:
        if self._last is None or self._last.source is None:
            if self._of.variadic:
                raise ArgumentError(
                    f"{self._of.title} takes any number of arguments: "
                    "its derivative has no source before the first call"
                )
            return self._generated()
        return self._last.source

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        # of the bound method more is known: what `self` is
        wrt = self._bare(self._wrt)
        return type(self)(types.MethodType(self.primal, instance), wrt, self._options)

    def __repr__(self) -> str:
        options = f", wrt={self._given!r}" if self._given is not None else ""
        return f"{self.verb}({self.primal!r}{options})"

    def __reduce__(self) -> Any:
        module = sys.modules.get(getattr(self, "__module__", ""))
        found: Any = module
        for name in getattr(self, "__qualname__", "<none>").split("."):
            found = getattr(found, name, None)
        if found is self:  # used as a decorator: the primal is not to be had under its own name
            return self.__qualname__
        return type(self), (self.primal, self._given, self._options)

    def _values(self, args: Values, kwargs: dict[str, Any]) -> Values:
        """Return the values of all parameters, those to be differentiated being real."""
        self._of = self._of.current()
        return self._made_real(self._of.values(args, kwargs))

    def _made_real(self, values: Values) -> Values:
        return tuple(
            real_value(value, name) if name in self.real else value
            for name, value in zip(self._of.names, values)
        )

    def _bare(self, items: Sequence[Any]) -> Any:
        return items[0] if self._single else tuple(items)

    def _conformed(self, values: Values, gradients: Any) -> Any:
        """Return what generated code gives for `wrt` in the structure of the arguments."""
        if len(self._wrt) == 1:
            gradients = (gradients,)
        pairs = zip(self._places, gradients)
        return self._bare([conform(values[place], gradient) for place, gradient in pairs])

    def _argument(self, values: Values) -> Tree:
        """Return the structure of what is differentiated."""
        trees = [tree_of(values[place], not_real) for place in self._places]
        return trees[0] if self._single else _tuple_tree(trees)

    def _entries(self, values: Values, argument: Tree, gradients: Any) -> Vector:
        """Return the gradients in `wrt` that generated code gives as one vector."""
        one_of_tuple = not self._single and len(self._wrt) == 1
        return flatten(argument, (gradients,) if one_of_tuple else gradients)


def _tuple_tree(trees: Sequence[Tree]) -> Tree:
    return Branch(tuple, tuple, tuple(range(len(trees))), tuple(trees))


def general_order(transform: Transform, mode: str) -> Order:
    """Return the order for a transform whose arguments are not known."""
    base = transform._of.base
    if isinstance(base, Transform):
        return Order(
            base.in_python()._generated().entry, mode, transform._wrt, (1,), transform._options
        )
    return Order(base, mode, transform._wrt, (), transform._options)
