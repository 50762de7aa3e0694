"""Functions that do what another does: their rules are those of the other, declared once.

Takes the call of the one and the name of the other, registers rules; requires `rules.declare` and
that the rules of the other are registered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from s2s_ad.ir import walk
from s2s_ad.ir.kinds import UNKNOWN, Kind
from s2s_ad.ir.nodes import Const, Expr, Name
from s2s_ad.ir.remembered import replace

from . import registry
from .declare import Target, enter, function_of, targets, tests_of
from .results import MISSING, Args, Kinds, literal
from .rule import Drawn, Maps, Rank, Result, Rule

Test: TypeAlias = Callable[[object], bool]
# values of options, to see whether there is one that passes two tests
PROBES = (
    None,
    False,
    True,
    0,
    1,
    -1,
    2,
    3,
    (0, 1),
    math.inf,
    "fro",
    "nuc",
    "gen",
    "full",
    "economic",
)


def twin(
    text: str,
    of: str,
    where: Mapping[str, object] | None = None,
    ranks: tuple[Rank, ...] = (),
    on: Mapping[str, Drawn] | None = None,
    result: Result | None = None,
    **renamed: str,
) -> None:
    """Declare that a function does what another does, such as `np.linalg.inv`, or a call of it.

    Parameters of one name are one; `renamed` says what those of the other are called here. where:
    what parameters must be, and the values of those that this function has not, their defaults
    unless told. ranks: of the leading parameters, where that is the only likeness. on: what tests
    draw. result: what is known of the value, where that differs.
    """
    root, _, name = of.partition("(")[0].partition(".")
    for target in targets(text):
        for rule in registry.mentioned(root, name):
            if of not in (rule.text, f"{root}.{name}"):
                continue
            found = _as_twin(rule, text, target, where or {}, renamed)
            found = None if found is None else _of_ranks(found, ranks)
            if found is not None:
                told = result or found.result
                enter(replace(found, domain={**found.domain, **(on or {})}, result=told))


def _as_twin(
    rule: Rule, text: str, target: Target, where: Mapping[str, object], renamed: Mapping[str, str]
) -> Rule | None:
    ours = {param.name for param in target.params}
    names = {param.name: renamed.get(param.name, param.name) for param in rule.params}
    fixed = {
        old: Const(repr(where[new]), where[new]) if new in where else rule.default(old)
        for old, new in names.items()
        if new not in ours
    }
    for old, value in fixed.items():
        test = rule.where.get(old)
        if value is None or (test is not None and not test(literal(value))):
            return None
    given: dict[str, Expr] = {old: fixed.get(old) or Name(new) for old, new in names.items()}

    def kept(maps: Mapping[str, Expr]) -> Mapping[str, Expr]:
        left = {names[old]: old for old in maps if old not in fixed}
        return Maps(left, lambda old: walk.substitute(maps[old], given))

    ranks = dict(zip(names.values(), rule.ranks or ()))
    tests = {names[old]: test for old, test in rule.where.items() if old not in fixed}
    for new, test in tests_of({new: where[new] for new in where if new in ours}).items():
        both = _both(tests[new], test) if new in tests else test
        if not any(map(both, PROBES)):
            return None
        tests[new] = both
    return replace(
        rule,
        text=text,
        namespace=target.namespace,
        name=target.name,
        params=target.params,
        function=function_of(target),
        adjoint=kept(rule.adjoint),
        tangent=kept(rule.tangent),
        by_result=kept(rule.by_result),
        let=tuple((name, walk.substitute(expr, given)) for name, expr in rule.let),
        level=frozenset(names[old] for old in rule.level if old not in fixed),
        active=None if rule.active is None else frozenset(names[old] for old in rule.active),
        ranks=None if rule.ranks is None else tuple(ranks.get(p.name) for p in target.params),
        where=tests,
        domain={names.get(old, old): drawn for old, drawn in rule.domain.items()},
        result=_renamed(rule.result, names, fixed),
    )


def _both(one: Test, other: Test) -> Test:
    def both(value: object) -> bool:
        return one(value) and other(value)

    names = (getattr(test, "__name__", "") for test in (one, other))
    both.__name__ = " and ".join(name for name in names if name)
    return both


def _renamed(result: Result, names: Mapping[str, str], fixed: Mapping[str, Expr | None]) -> Result:
    """Return a result that is told of its arguments by the names they have here."""

    def renamed(kinds: Kinds, args: Args) -> Kind:
        given = {old: kinds.get(new, UNKNOWN) for old, new in names.items() if old not in fixed}
        spelled = {old: args[new] for old, new in names.items() if new in args}
        return result(given, {**spelled, **{k: v for k, v in fixed.items() if v is not None}})

    return renamed


def _of_ranks(rule: Rule, ranks: tuple[Rank, ...]) -> Rule | None:
    """Return a rule for operands of these ranks alone; None where it is for others."""
    own = rule.ranks or (None,) * len(rule.params)
    both = [_meet(a, b) for a, b in zip(own, ranks)]
    if any(rank is MISSING for rank in both):
        return None
    return replace(rule, ranks=(*both, *own[len(ranks) :])) if ranks else rule


def _meet(a: Rank, b: Rank) -> Any:
    """Return what is of both ranks; MISSING where nothing is."""
    for one, other in ((a, b), (b, a)):
        if one == other or one is None or (one == "array" and other not in (0, "list")):
            return other
        if one == 2 and other == "square":
            return other
    return MISSING
