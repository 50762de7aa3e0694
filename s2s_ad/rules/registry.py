"""All rules, found by the identity of the function, and how a call is matched with one.

Takes rules from `declare`, gives those that fit a call; requires `ir` and `rules.rule`. The modules
that declare the built-in rules are imported at the first look-up, so that a derivative from the
cache never loads them.

What the engine does with a call of a resolved function `obj`:

    choice = choose(lookup(obj), call.args, call.keywords, kind_of, is_active)
    if choice is None: ...                                  # MissingRule, or the callee has source
    kind = choice.rule.result(kinds of choice.arguments, choice.arguments)
    choice.adjoint("x", d=Name("y_bar"), out=Name("y"))     # an expression to add to x_bar
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from s2s_ad.ir import walk
from s2s_ad.ir.kinds import Array, Kind, ListOf, NoneKind, Number, Object, Str, TupleOf
from s2s_ad.ir.nodes import (
    Attribute,
    Binary,
    Call,
    Const,
    Expr,
    Keyword,
    Name,
    Param,
    Starred,
    TupleExpr,
)

from .results import MISSING, literal
from .rule import Rank, Rule

TABLES = (
    "operators",
    "elementwise",
    "scalars",
    "reductions",
    "shapes",
    "joining",
    "indexing",
    "linalg",
    "creation",
    "predicates",
    "methods",
    "helpers",
)

_functions: dict[int, tuple[object, list[Rule]]] = {}
_named: dict[tuple[str, str], list[Rule]] = {}
_rules: list[Rule] = []
_loaded: list[str] = []


def register(rule: Rule) -> None:
    """Add a rule. Those declared first are preferred."""
    if rule.function is None:
        _named.setdefault((rule.namespace, rule.name), []).append(rule)
    else:
        _, found = _functions.setdefault(id(rule.function), (rule.function, []))
        found.append(rule)
    _rules.append(rule)


def forget(function: object) -> None:
    """Remove all rules of a function, so that others may be declared."""
    load()
    _functions.pop(id(function), None)
    _rules[:] = [rule for rule in _rules if rule.function is not function]


def load() -> None:
    """Import the tables of built-in rules, once."""
    if not _loaded:
        _loaded.append("loading")
        for table in TABLES:
            importlib.import_module(f"s2s_ad.rules.{table}")


def lookup(obj: object) -> tuple[Rule, ...]:
    """Return the rules of a function, by identity, the preferred first; () when it has none."""
    load()
    found = _functions.get(id(obj))
    return tuple(found[1]) if found is not None and found[0] is obj else ()


def lookup_operator(op: str) -> tuple[Rule, ...]:
    """Return the rules of an operator: `+`, `u-` (unary minus), `<`, `[]` (reading an item)."""
    load()
    return tuple(_named.get(("operator", op), ()))


def lookup_method(name: str) -> tuple[Rule, ...]:
    """Return the rules of a method of arrays: their first parameter is the array itself."""
    load()
    return tuple(_named.get(("method", name), ()))


def lookup_attribute(name: str) -> tuple[Rule, ...]:
    """Return the rules of an attribute of arrays, such as `T`."""
    load()
    return tuple(_named.get(("attribute", name), ()))


def rules_of(namespace: str, name: str) -> tuple[Rule, ...]:
    """Return the rules registered so far under a name, in the order of declaration."""
    return tuple(r for r in _rules if (r.namespace, r.name) == (namespace, name))


def all_rules() -> tuple[Rule, ...]:
    """Return every rule in the order of declaration."""
    load()
    return tuple(_rules)


# -- matching a call --------------------------------------------------------------------


def bind(
    rule: Rule,
    args: Sequence[Expr],
    keywords: Sequence[Keyword] = (),
    value_of: Callable[[Expr], object] = literal,
) -> dict[str, Expr] | None:
    """Return the arguments by parameter, defaults filled in; None when the call does not fit.

    Conditions on values (`Rule.where`) are part of fitting; `value_of` gives MISSING for what is
    not known. A star parameter gets a tuple. A call with `*args` fits only a rule that takes
    them by a star parameter, one with `**kwargs` none.
    """
    bound: dict[str, Expr] = {}
    rest = list(args)
    for param in rule.params:
        if param.kind == "star":
            bound[param.name] = TupleExpr(tuple(rest))
            rest = []
        elif param.kind in ("normal", "positional_only") and rest:
            if isinstance(rest[0], Starred):
                return None
            bound[param.name] = rest.pop(0)
    if rest:
        return None
    allowed = {p.name for p in rule.params if p.kind in ("normal", "keyword_only")}
    for keyword in keywords:
        if keyword.name is None or keyword.name not in allowed or keyword.name in bound:
            return None
        bound[keyword.name] = keyword.value
    for param in rule.params:
        if param.name not in bound:
            if param.default is None:
                return None
            bound[param.name] = param.default
    if any(not test(value_of(bound[name])) for name, test in rule.where.items()):
        return None
    return bound


def rank_of(kind: Kind) -> int | str | None:
    """Return the rank of a kind as `Rule.ranks` writes it, None when it is not known."""
    if isinstance(kind, Number):
        return 0
    if isinstance(kind, Array):
        return None if kind.dims is None else len(kind.dims)
    return "list" if isinstance(kind, (ListOf, TupleOf)) else None


@dataclass(frozen=True)
class Choice:
    """A rule and the arguments of a call by its parameters.

    operands: the arguments as templates use them (a list among entrywise operands as an array).
    """

    rule: Rule
    arguments: Mapping[str, Expr]
    operands: Mapping[str, Expr]

    def adjoint(self, param: str, d: Expr, out: Expr) -> Expr:
        """Return what the differential `d` of the result contributes to that of `param`."""
        return self.fill(self.rule.adjoint[param], d, out)

    def tangent(self, param: str, d: Expr, out: Expr) -> Expr:
        """Return what the differential `d` of `param` contributes to that of the result."""
        if self.operands[param] is not self.arguments[param]:
            d = as_array_call(d)
        return self.fill(self.rule.tangent[param], d, out)

    def fill(self, template: Expr, d: Expr, out: Expr, keep_let: bool = False) -> Expr:
        """Put arguments, `d` and `out` into a template; `let` names are written out unless kept."""
        template = walk.map_expr(template, self._prepared)
        if not keep_let:
            for name, value in reversed(self.rule.let):
                template = walk.substitute(template, {name: value})
        filled = walk.substitute(template, {**self.operands, "d": d, "out": out})
        return walk.map_expr(filled, _spliced)

    def _prepared(self, expr: Expr) -> Expr:
        """Drop `axis=axis` when that is the default, and write `3 - 1` as `2`."""
        match expr:
            case Binary(op="-", left=Name(id=name), right=Const(value=int(less))):
                value = literal(self.arguments.get(name))
                if isinstance(value, (int, float)):
                    return Const(repr(value - less), value - less)
        if not isinstance(expr, Call) or not expr.keywords:
            return expr
        kept = tuple(
            keyword
            for keyword in expr.keywords
            if not (
                isinstance(keyword.value, Name)
                and keyword.value.id == keyword.name
                and self.arguments.get(keyword.value.id) == self.rule.default(keyword.value.id)
            )
        )
        return expr if len(kept) == len(expr.keywords) else replace(expr, keywords=kept)


def _spliced(expr: Expr) -> Expr:
    """Write `f(*(a, b))` as `f(a, b)`."""
    if not isinstance(expr, Call):
        return expr
    args: list[Expr] = []
    for arg in expr.args:
        if isinstance(arg, Starred) and isinstance(arg.value, TupleExpr):
            args.extend(arg.value.items)
        else:
            args.append(arg)
    return replace(expr, args=tuple(args))


def choose(
    candidates: Sequence[Rule],
    args: Sequence[Expr],
    keywords: Sequence[Keyword],
    kind_of: Callable[[Expr], Kind],
    is_active: Callable[[Expr], bool],
    value_of: Callable[[Expr], object] | None = None,
    function: Expr | None = None,
) -> Choice | None:
    """Return the first candidate that fits the call, its kinds and its active arguments.

    A rule with a differentiable star parameter (`math.hypot(*xs)`) comes back with one parameter
    for each argument given. None too when an active argument is not known to the rule.
    value_of: the value of an argument known at build time, else MISSING; by default that of
    literals, and what its kind says (a type, a string, None). function: how the call spells it.
    """

    def known_value(expr: Expr) -> object:
        value = literal(expr)
        return _value_of_kind(kind_of(expr)) if value is MISSING else value

    for rule in candidates:
        bound = bind(rule, args, keywords, value_of or known_value)
        if bound is None:
            continue
        for single, arguments in _unstarred(rule, bound, is_active):
            active = frozenset(n for n, e in arguments.items() if is_active(e))
            if not active <= single.known:
                continue
            if single.active is not None and single.active != active:
                continue
            if single.ranks is None or _ranks_fit(single, arguments, kind_of):
                operands = dict(_operands(single, arguments, kind_of))
                if function is not None:
                    operands["function"] = function
                return Choice(single, arguments, operands)
    return None


def _operands(
    rule: Rule, arguments: Mapping[str, Expr], kind_of: Callable[[Expr], Kind]
) -> Mapping[str, Expr]:
    if rule.flavour != "elementwise" or rule.namespace != "np":
        return arguments
    return {
        name: as_array_call(expr) if isinstance(kind_of(expr), (ListOf, TupleOf)) else expr
        for name, expr in arguments.items()
    }


def as_array_call(expr: Expr) -> Expr:
    """Return `np.asarray(expr)`."""
    return Call(Attribute(Name("np"), "asarray"), (expr,))


def _value_of_kind(kind: Kind) -> object:
    if isinstance(kind, Object) or (isinstance(kind, Str) and kind.value is not None):
        return kind.value
    return None if isinstance(kind, NoneKind) else MISSING


def _ranks_fit(rule: Rule, arguments: Mapping[str, Expr], kind_of: Callable[[Expr], Kind]) -> bool:
    return all(
        wanted is None or fits_rank(kind_of(arguments[param.name]), wanted)
        for param, wanted in zip(rule.params, rule.ranks or ())
    )


def fits_rank(kind: Kind, wanted: Rank) -> bool:
    """True when a kind is known to have the rank that a rule asks for."""
    if wanted == "floats":
        return isinstance(kind, Array) and kind.dtype == "float"
    return isinstance(kind, Array) if wanted == "array" else rank_of(kind) == wanted


def _unstarred(
    rule: Rule, bound: Mapping[str, Expr], is_active: Callable[[Expr], bool]
) -> Iterator[tuple[Rule, Mapping[str, Expr]]]:
    """Yield the rule, a differentiable star parameter written out as one parameter an argument."""
    star = next((p.name for p in rule.params if p.kind == "star"), None)
    if star is None or star not in rule.adjoint:
        yield rule, bound
        return
    given = bound[star]
    assert isinstance(given, TupleExpr), "a star parameter is bound to a tuple"
    if not any(isinstance(item, Starred) for item in given.items):
        active = tuple(is_active(item) for item in given.items)
        single = specialise(rule, len(given.items), active)
        names = (p.name for p in single.params)
        own = {p.name: bound[p.name] for p in rule.params if p.name != star}
        yield single, {**dict(zip(names, given.items)), **own}


def specialise(rule: Rule, count: int, active: Sequence[bool] | None = None) -> Rule:
    """Return a rule with `count` parameters in place of its star parameter.

    In its templates `item` is the argument at hand, `items` all of them, `actives` those that are
    differentiated and `constants` the others.
    """
    star = next(p.name for p in rule.params if p.kind == "star")
    flags = [True] * count if active is None else list(active)
    names = [f"{star}{k}" for k in range(count)]
    common = {
        "items": TupleExpr(tuple(map(Name, names))),
        "actives": TupleExpr(tuple(Name(n) for n, flag in zip(names, flags) if flag)),
        "constants": TupleExpr(tuple(Name(n) for n, flag in zip(names, flags) if not flag)),
    }

    def spread(maps: Mapping[str, Expr]) -> dict[str, Expr]:
        return {n: walk.substitute(maps[star], {**common, "item": Name(n)}) for n in names}

    params = tuple(Param(n, None, "positional_only") for n in names)
    return replace(
        rule,
        params=(*params, *(p for p in rule.params if p.name != star)),
        adjoint=spread(rule.adjoint),
        tangent=spread(rule.tangent),
    )
