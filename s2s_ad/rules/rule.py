"""What a rule is: how a call is written, and the linear maps of its derivative.

Takes nothing, gives the `Rule` class and the names its templates may use; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from s2s_ad.ir.kinds import Kind
from s2s_ad.ir.nodes import Expr, Param
from s2s_ad.ir.remembered import replace

Result: TypeAlias = Callable[[Mapping[str, Kind], Mapping[str, Expr]], Kind]
Rank: TypeAlias = "int | str | None"
# what tests draw for a parameter: from an interval, or what is drawn by a function
Interval: TypeAlias = tuple[float, ...]
Drawn: TypeAlias = "Interval | Callable[[np.random.Generator], object]"


T = TypeVar("T")


class Maps(Mapping[str, Expr], Generic[T]):
    """Expressions by name, each made of what was declared when it is asked for: of a thousand rules
    a derivative takes a few."""

    def __init__(self, declared: Mapping[str, T], make: Callable[[T], Expr]) -> None:
        self._declared = declared
        self._make = make
        self._made: dict[str, Expr] = {}

    def __getitem__(self, name: str) -> Expr:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._make(self._declared[name])
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


@dataclass(frozen=True)
class Rule:
    """A differentiable (or piecewise constant) call.

    text: the call as a user writes it. namespace: `np`, `math`, `builtins`, `runtime`, `operator`,
    `method`, `attribute`, or the module of a user's function. name: its name there.

    adjoint, tangent: for each differentiable parameter, an expression in `d` (what comes in),
    `out` (the result), parameters and `let` names. In an expression, `np.` and `math.` are the
    modules, `function` the function as it was called, and every other free name is a builtin or
    public in `s2s_ad.runtime`.
    level: the parameters, besides those, on which the result depends in steps (or not at all), so
    that no derivative flows through them. Any other parameter must not be active.

    shape: `out` when adjoint expressions have the shape of the result, so that the engine
    un-broadcasts them, and `d` may stand for more of its kind; `whole` when they have it where `d`
    has; `argument` when they have the shape of their own argument.

    When a rule applies, besides its signature: `ranks` of the leading parameters (0 a number,
    `integer` an integral one, n an array of that rank, `square` a matrix as
    long as wide, `triples` an array of at least three along its last axis, `array` one of any rank,
    `floats` one of floats, `list` a list or tuple, `numbers` one of numbers, `display` one written
    out in the call,
    `unknown` one of which nothing is known, None anything); `where`, tests that arguments known at
    build time must pass; `active`, exactly the parameters that are differentiated.

    display: the star parameter stands for the items of a list written out in the call.
    by_result: adjoints of an elementwise rule that read the result in the place of the argument,
    for where that is costly.
    written: makes the rule for a call from its arguments, their values as far as they are known,
    and their kinds; None for a call it has none for.
    function: the object the rule is for; None for operators, methods and attributes.
    domain: per parameter (or under `""` for all), the interval from which tests draw, or a function
    of a generator that draws.
    """

    text: str
    flavour: str
    namespace: str
    name: str
    params: tuple[Param, ...]
    adjoint: Mapping[str, Expr]
    tangent: Mapping[str, Expr]
    result: Result
    shape: str
    level: frozenset[str] = frozenset()
    let: tuple[tuple[str, Expr], ...] = ()
    ranks: tuple[Rank, ...] | None = None
    where: Mapping[str, Callable[[object], bool]] = field(default_factory=dict)
    active: frozenset[str] | None = None
    domain: Mapping[str, Drawn] = field(default_factory=dict)
    function: object = None
    display: bool = False
    by_result: Mapping[str, Expr] = field(default_factory=dict)
    written: Callable[..., Rule | None] | None = None

    @property
    def known(self) -> frozenset[str]:
        """Names of the parameters that may be active: differentiable, or known to be level."""
        return self.level.union(self.adjoint)

    def default(self, name: str) -> Expr | None:
        """The default of a parameter, or None when it has none."""
        return next((p.default for p in self.params if p.name == name), None)

    def mapped(self, fn: Callable[[Expr], Expr]) -> Rule:
        """The rule with each expression in it as `fn` gives it; itself where that is the same."""
        old = (self.adjoint, self.tangent, self.by_result)
        adjoint, tangent, by_result = ({k: fn(e) for k, e in m.items()} for m in old)
        let = tuple((name, fn(e)) for name, e in self.let)
        if (let, adjoint, tangent, by_result) == (self.let, *old):
            return self
        return replace(self, adjoint=adjoint, tangent=tangent, by_result=by_result, let=let)

    def __hash__(self) -> int:
        return id(self)
