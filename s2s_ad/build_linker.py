"""Names at the top of a generated module: which object each stands for, and none for two.

Takes objects with the names they are wanted under, gives the names; requires `runtime`.
"""

from __future__ import annotations

import builtins
import functools
import math
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s2s_ad import runtime
from s2s_ad.frontend.volatile import rebound_globals
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import BUILTINS, Names
from s2s_ad.rules.modules import LIBRARIES

MODULES: dict[str, Any] = {"np": np, "math": math}
OTHER_NAMES = {"np": "numpy"}


@dataclass(frozen=True)
class Watch:
    """A name outside a function from which facts were taken: it must still mean `value`.

    kind: `global` or `closure`, in the globals or a cell of `function`.
    """

    function: Callable[..., Any]
    kind: str
    name: str
    value: Any


@dataclass
class Linker:
    """The top-level names of one generated module.

    objects: live objects by name. functions: names of generated functions. homes: module and name
    from which an object was taken. stores: calls of libraries that are written as stores, by the
    place and value of these. reads_numbers: whether the text depends on the value of some
    number outside, as a power does on its exponent.
    """

    objects: dict[str, object] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    watched: list[Watch] = field(default_factory=list)
    homes: dict[str, tuple[str, str]] = field(default_factory=dict)
    rebound: dict[int, dict[str, list[object]]] = field(default_factory=dict)
    reaches: Callable[[object], bool] = lambda _: True
    stores: dict[tuple[n.Expr, n.Expr], n.Call] = field(default_factory=dict)
    reads_numbers: bool = False

    def is_rebound(self, namespace: Mapping[str, Any], name: str) -> bool:
        """True for a global that a function within reach assigns: it may change on the way."""
        if id(namespace) not in self.rebound:
            self.rebound[id(namespace)] = rebound_globals(namespace)
        return any(map(self.reaches, self.rebound[id(namespace)].get(name, ())))

    def claim(self, wanted: str, obj: object, avoid: Collection[str] = ()) -> str:
        """Return a top-level name for `obj`, `wanted` if that is free."""
        for name in (wanted, OTHER_NAMES.get(wanted, f"{wanted}_")):
            if self.free(name, obj, avoid):
                self.objects[name] = obj
                return name
        number = 2
        while not self.free(f"{wanted}_{number}", obj, avoid):
            number += 1
        self.objects[f"{wanted}_{number}"] = obj
        return f"{wanted}_{number}"

    def partial_name(self, avoid: Collection[str]) -> str:
        """Return how `functools.partial` is written where `avoid` is taken."""
        name = self.claim("partial", functools.partial, avoid)
        self.homes[name] = ("functools", "partial")
        return name

    def free(self, name: str, obj: object, avoid: Collection[str]) -> bool:
        if name in avoid or name in self.functions:
            return False
        if name in self.objects:
            return self.objects[name] is obj
        shadowed = getattr(builtins, name) if name in BUILTINS else obj
        return shadowed is obj

    def function(self, wanted: str, names: Names | None = None) -> str:
        """Return a name for a generated function."""
        number = 1
        name = wanted
        while name in self.functions or name in self.objects:
            number += 1
            name = f"{wanted}{number}"
        self.functions.add(name)
        if names is not None:
            names.taken.add(name)
        return name

    def alias(self, name: str, avoid: Collection[str]) -> str:
        """Return how `np`, `math`, a builtin or a helper is written where `avoid` is taken."""
        if name in MODULES:
            return self.claim(name, MODULES[name], avoid)
        if name in LIBRARIES:
            return self.claim(name, sys.modules[LIBRARIES[name]], avoid)
        if name in runtime.__all__:
            return self.claim(name, getattr(runtime, name), avoid)
        found = getattr(builtins, name, None)
        if found is None:
            return name
        if name not in avoid and self.objects.get(name, found) is found:
            return name
        return self.claim(f"{name}_", found, avoid)
