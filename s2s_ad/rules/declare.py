"""How rules are declared: one line each, the call as a user writes it and its linear maps.

Takes templates as text, registers `Rule`s, requires `ir` and the registry. Public: users declare
rules of their own functions with the same functions and `function=`, the object itself.

    elementwise("log(x)", "d / x", on=(0.1, 4))
    linear("np.sum(a, axis=None, keepdims=False)", a="expand(d, a, axis, keepdims)")
    elementwise("tools.cube(x)", "3.0 * x**2 * d", function=tools.cube)

A bare name called like a function (`log(x)`) declares it for `math` and `np` alike, wherever it
exists. In a template, `d` is what comes in, `out` the result; `np.` and `math.` are explicit,
builtins and helpers of `s2s_ad.runtime` are bare, and any other bare function is that of the
call's own module.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from s2s_ad import runtime
from s2s_ad.ir import walk
from s2s_ad.ir.kinds import BOOL, FLOAT, INT
from s2s_ad.ir.nodes import (
    Attribute,
    Binary,
    Call,
    Compare,
    Expr,
    Keyword,
    Name,
    Param,
    Starred,
    Subscript,
    Unary,
)
from s2s_ad.ir.quote import parse_expr, parse_params
from s2s_ad.ir.remembered import replace

from . import registry, results
from .modules import LIBRARIES, MODULES, VERSIONED, is_missing, module_of, object_of
from .rule import Drawn, Interval, Maps, Rank, Result, Rule

Templates = Mapping[str, str]
# a text, or what makes the expression
Template = str | Callable[[], Expr]
Domain = Interval | Mapping[str, Drawn]

# `d` and `out`, the function as it was called, and the names of star parameters (`specialise`)
SPECIAL = frozenset({"d", "out", "function", "item", "others", "chosen", "count"})
# helpers whose result has the structure of the argument whatever that is
STRUCTURED = frozenset({"expand", "scatter", "spread", "unbroadcast", "unrepeat"})


class DeclarationError(ValueError):
    """A rule that cannot be: a function that does not exist, a name a template cannot use."""


@dataclass(frozen=True)
class Target:
    """What a rule is declared for: where it lives, its name there, its parameters and pattern."""

    namespace: str
    name: str
    params: tuple[Param, ...]
    call: Expr
    display: bool = False


def elementwise(
    text: str,
    one: str | Templates | None = None,
    /,
    *,
    number: str | Templates | None = None,
    tangent: Templates | None = None,
    let: Templates | str | None = None,
    on: Domain | None = None,
    where: Mapping[str, object] | None = None,
    active: tuple[str, ...] | None = None,
    ranks: tuple[Rank, ...] | None = None,
    result: str | Result = "float",
    function: object = None,
    by_result: Templates | None = None,
    **maps: str,
) -> None:
    """Declare a function that works entry by entry: one map a parameter, its own transpose.

    number: the maps to prefer for plain numbers, when they can be simpler or faster; the only
    ones for `math`. tangent: maps that read better in another order of factors. The map `"0"` says
    that the result does not move with that parameter. by_result: maps that read `out` in the place
    of the parameter, preferred where the argument is costly.
    """
    for target in targets(text, function):
        names = [p.name for p in target.params]
        general = _by_param(text, names, one, maps)
        special = None if number is None else _by_param(text, names, number, {})
        kind = _elementwise_result(target, result, general)
        options = _Options(let, on, where, active, ranks, kind, function, by_result or {})
        if special is not None and target.namespace == "math":
            general, special = special, None
        if special is not None:
            only = replace(options, ranks=(0,) * len(names))
            _register(text, "elementwise", target, special, special, "out", only)
        forward = {**general, **(tangent or {})}
        _register(text, "elementwise", target, general, forward, "out", options)


def linear(
    text: str,
    one: str | None = None,
    /,
    *,
    flavour: str = "linear",
    tangent: Templates | None = None,
    let: Templates | str | None = None,
    on: Domain | None = None,
    where: Mapping[str, object] | None = None,
    active: tuple[str, ...] | None = None,
    ranks: tuple[Rank, ...] | None = None,
    result: Result | None = None,
    function: object = None,
    whole: bool = False,
    **maps: str,
) -> None:
    """Declare a function linear in each parameter given a map: its tangent is the call itself.

    whole: the maps have the shape of the result, to which NumPy has broadcast the arguments.
    """
    for target in targets(text, function):
        adjoint = _by_param(text, [p.name for p in target.params], one, maps)
        own = tangent or {}
        forward: dict[str, Template] = {
            name: own[name]
            if name in own
            else partial(walk.substitute, target.call, {name: Name("d")})
            for name in adjoint
        }
        kind = result or _default_result(target)
        options = _Options(let, on, where, active, ranks, kind, function)
        if whole:
            _register(text, flavour, target, adjoint, forward, "whole", options)
        else:
            _register_argument(text, flavour, target, adjoint, forward, options)


def reshaping(text: str, one: str | None = None, /, **options: Any) -> None:
    """Declare a function that only moves entries: linear, and kinds follow the shape."""
    linear(text, one, flavour="reshaping", **options)


def bilinear(text: str, /, **options: Any) -> None:
    """Declare a product, linear in each of its parameters."""
    linear(text, flavour="bilinear", **options)


def general(
    text: str,
    /,
    *,
    tangent: str | Templates,
    adjoint: str | Templates,
    flavour: str = "general",
    let: Templates | str | None = None,
    on: Domain | None = None,
    where: Mapping[str, object] | None = None,
    active: tuple[str, ...] | None = None,
    ranks: tuple[Rank, ...] | None = None,
    result: Result | None = None,
    function: object = None,
) -> None:
    """Declare a function by its tangent and its adjoint: of its first parameter, or by name."""
    for target in targets(text, function):
        names = [p.name for p in target.params]
        options = _Options(
            let, on, where, active, ranks, result or _default_result(target), function
        )
        forward, backward = _by_param(text, names, tangent, {}), _by_param(text, names, adjoint, {})
        _register_argument(text, flavour, target, backward, forward, options)


def reduction(text: str, /, **options: Any) -> None:
    """Declare a function with `axis` that is not linear: by tangent and adjoint."""
    general(text, flavour="reduction", **options)


def gather(text: str, /, **options: Any) -> None:
    """Declare a function that picks entries: by tangent and adjoint."""
    general(text, flavour="gather", **options)


def zero(
    *texts: str,
    result: str | Result = "float",
    function: object = None,
    where: Mapping[str, object] | None = None,
    ranks: tuple[Rank, ...] | None = None,
) -> None:
    """Declare functions through which no derivative flows."""
    for text in texts:
        for target in targets(text, function):
            kind = _elementwise_result(target, result)
            options = _Options(None, None, where, None, ranks, kind, function)
            level = {p.name: "0" for p in target.params}
            _register(text, "zero", target, level, level, "argument", options)


def passive(*texts: str, result: Result) -> None:
    """Declare functions whose arguments must not be active: what they do there is not known."""
    for text in texts:
        for target in targets(text):
            options = _Options(None, None, None, None, None, result, None)
            _register(text, "zero", target, {}, {}, "argument", options)


def _register_argument(
    text: str,
    flavour: str,
    target: Target,
    adjoint: Mapping[str, str],
    tangent: Mapping[str, Template],
    options: _Options,
) -> None:
    """Register a rule whose adjoints have the shape of their arguments.

    Templates of array functions give arrays. When that is not known to be what the argument is (a
    list, a number), a second rule brings them to its structure.
    """
    sturdy = {name: _structured(name, template) for name, template in adjoint.items()}
    if options.ranks is None and sturdy != adjoint and target.namespace != "math":
        moving = [name for name, template in adjoint.items() if template != "0"]
        ranks = tuple("array" if p.name in moving else None for p in target.params)
        known = replace(options, ranks=ranks)
        _register(text, flavour, target, adjoint, tangent, "argument", known)
        adjoint = sturdy
    _register(text, flavour, target, adjoint, tangent, "argument", options)


def _structured(name: str, template: str) -> str:
    helper, _, rest = template.partition("(")
    if helper in STRUCTURED and _ends_with_bracket(rest):
        return template
    if template == "0" or template.startswith("["):
        return template
    return f"unbroadcast({template}, {name})"


def _ends_with_bracket(rest: str) -> bool:
    """True when the bracket open in front of a text is closed by its last character."""
    depth = 1
    for k, c in enumerate(rest):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            return k == len(rest) - 1
    return False


# -- from text to rule ------------------------------------------------------------------


@dataclass(frozen=True)
class _Options:
    let: Templates | str | None
    on: Domain | None
    where: Mapping[str, object] | None
    active: tuple[str, ...] | None
    ranks: tuple[Rank, ...] | None
    result: Result
    function: object
    by_result: Templates = field(default_factory=dict)


def _by_param(
    text: str, names: list[str], one: str | Templates | None, maps: Templates
) -> dict[str, str]:
    if isinstance(one, str):
        return {names[0]: one, **maps}
    found = {**(one or {}), **maps}
    unknown = [name for name in found if name not in names]
    if not found:
        raise DeclarationError(f"{text}: a map is needed for some parameter")
    if unknown:
        raise DeclarationError(f"{text}: there is no parameter {', '.join(unknown)}")
    return found


def _elementwise_result(
    target: Target, result: str | Result, mapped: Collection[str] = ()
) -> Result:
    """Return the result of what broadcasts its operands: those that have maps, or no default."""
    if callable(result):
        return result
    if target.namespace == "math":
        return results.constant({"int": INT, "bool": BOOL}.get(result, FLOAT))
    operands = tuple(p.name for p in target.params if p.default is None or p.name in mapped)
    return results.elementwise(result, operands)


def _default_result(target: Target) -> Result:
    if target.namespace == "math":
        return results.constant(FLOAT)
    return results.reduction(target.params[0].name, "same")


def targets(text: str, function: object = None) -> list[Target]:
    """Return what `text` declares: one target, or for a bare call one in each of math and np."""
    pattern = text.strip()
    head, bracket, _ = pattern.partition("(")
    if bracket and pattern.endswith(")") and _is_dotted(head):
        return _call_targets(pattern, head, function)
    return [_operator_target(text, parse_expr(pattern))]


def _is_dotted(head: str) -> bool:
    return all(part.isidentifier() for part in head.split("."))


def _call_targets(pattern: str, head: str, function: object) -> list[Target]:
    inside = pattern[len(head) + 1 : -1]
    if inside.startswith("[*") and inside.endswith("]"):
        found = _call_targets(f"{head}({inside[1:-1]})", head, function)
        return [replace(target, display=True) for target in found]
    root, _, rest = head.partition(".")
    if function is not None:
        params = parse_params(inside)
        home = getattr(function, "__module__", None) or "user"
        return [Target(home, head, params, _call("function", params))]
    if module_of(root) and rest:
        params = parse_params(inside)
        if not _exists(root, rest) and head not in VERSIONED and not is_missing(root):
            raise DeclarationError(f"{head} does not exist")
        spelled = rest if root in ("builtins", "runtime") else head
        return [Target(root, rest, params, _call(spelled, params))]
    if rest:
        params = parse_params(f"{root}, {inside}" if inside else root)
        return [Target("method", rest, params, _call(head, params[1:]))]
    params = parse_params(inside)
    homes = [h for h in ("math", "np") if _exists(h, head) or f"{h}.{head}" in VERSIONED]
    if not homes:
        raise DeclarationError(f"{pattern}: neither math nor numpy has {head}")
    return [Target(home, head, params, _call(f"{home}.{head}", params)) for home in homes]


def _exists(root: str, path: str) -> bool:
    return object_of(root, path) is not None


def _call(head: str, params: tuple[Param, ...]) -> Expr:
    """Return the call that passes each parameter on, those with a default by keyword."""
    args: list[Expr] = []
    keywords: list[Keyword] = []
    for param in params:
        if param.kind == "star":
            args.append(Starred(Name(param.name)))
        elif param.kind == "positional_only" or (
            param.default is None and param.kind != "keyword_only"
        ):
            args.append(Name(param.name))
        else:
            keywords.append(Keyword(param.name, Name(param.name)))
    root, *path = head.split(".")
    function: Expr = Name(root)
    for attr in path:
        function = Attribute(function, attr)
    return Call(function, tuple(args), tuple(keywords))


def _operator_target(text: str, expr: Expr) -> Target:
    match expr:
        case Binary(op=op, left=Name(id=a), right=Name(id=b)):
            return Target("operator", op, (Param(a), Param(b)), expr)
        case Compare(left=Name(id=a), ops=(op,), rights=(Name(id=b),)):
            return Target("operator", op, (Param(a), Param(b)), expr)
        case Unary(op=op, operand=Name(id=a)):
            return Target("operator", op if op == "not" else f"u{op}", (Param(a),), expr)
        case Subscript(value=Name(id=a), index=Name(id=b)):
            return Target("operator", "[]", (Param(a), Param(b)), expr)
        case Attribute(value=Name(id=a), attr=attr):
            return Target("attribute", attr, (Param(a),), expr)
    raise DeclarationError(f"not the form of a rule: {text}")


def _register(
    text: str,
    flavour: str,
    target: Target,
    adjoint: Mapping[str, str],
    tangent: Mapping[str, Template],
    shape: str,
    options: _Options,
) -> None:
    let = options.let
    pairs = [let.split(" = ", 1)] if isinstance(let, str) else list((let or {}).items())
    known = {p.name for p in target.params} | {name for name, _ in pairs}

    def read(template: Template) -> Expr:
        expr = parse_expr(template) if isinstance(template, str) else template()
        return _resolved(text, expr, known, target.namespace)

    def maps(declared: Mapping[str, Template], names: Iterable[str]) -> Mapping[str, Expr]:
        found = Maps({name: declared[name] for name in names}, read)
        # those of others are looked at where they are declared, ours by tests
        return found if registry.is_loading() else dict(found)

    domain = options.on or {}
    moving = [name for name, template in adjoint.items() if template != "0"]
    rule = Rule(
        text=_shown(text, target),
        flavour=flavour,
        namespace=target.namespace,
        name=target.name,
        params=target.params,
        adjoint=maps(adjoint, moving),
        tangent=maps(tangent, moving),
        result=options.result,
        shape=shape,
        let=tuple((name, read(template)) for name, template in pairs),
        level=frozenset(name for name in adjoint if name not in moving),
        ranks=options.ranks,
        where=tests_of(options.where or {}),
        active=None if options.active is None else frozenset(options.active),
        function=options.function or function_of(target),
        display=target.display,
        domain=domain if isinstance(domain, Mapping) else {"": domain},
        by_result=maps(options.by_result, options.by_result),
    )
    enter(rule)


def enter(rule: Rule) -> None:
    """Register a rule; that of a function that is not there is mentioned, no more."""
    lacking = rule.namespace == "attribute" and not hasattr(np.ndarray, rule.name)
    if lacking or (rule.function is None and rule.namespace in MODULES):
        registry.mention(rule)
    else:
        registry.register(rule)


def function_of(target: Target) -> object:
    """Return the function that a rule is declared for; None where there is none of that name."""
    known = target.namespace in MODULES
    return object_of(target.namespace, target.name) if known else None


def _shown(text: str, target: Target) -> str:
    bare = target.namespace in ("math", "np") and not text.startswith(f"{target.namespace}.")
    return f"{target.namespace}.{text}" if bare else text


@dataclass(frozen=True)
class OneOf:
    """The test that an argument is one of a few literals."""

    choices: tuple[object, ...]

    def __call__(self, value: object) -> bool:
        return any(value is c or (type(value) is type(c) and value == c) for c in self.choices)

    @property
    def __name__(self) -> str:
        return f"is {' or '.join(map(repr, self.choices))}"


def tests_of(where: Mapping[str, object]) -> dict[str, Callable[[object], bool]]:
    """Return what arguments must pass: a test, a literal or a tuple of those to choose from."""
    return {name: _test(wanted) for name, wanted in where.items()}


def _test(wanted: object) -> Callable[[object], bool]:
    if callable(wanted):
        return wanted
    return OneOf(wanted if isinstance(wanted, tuple) else (wanted,))


def _resolved(text: str, expr: Expr, known: set[str], namespace: str) -> Expr:
    """Say of each free name of a template which module it is from; refuse what it may not use."""
    mapping: dict[str, Expr] = {}
    for name in walk.names(expr) - known - SPECIAL:
        if (
            name in ("np", "math", *LIBRARIES, namespace)
            or name in runtime.__all__
            or hasattr(builtins, name)
        ):
            continue
        home = f"{namespace}.{name}"
        if namespace not in ("np", "math") or not (_exists(namespace, name) or home in VERSIONED):
            raise DeclarationError(f"{text}: a template cannot use {name}")
        mapping[name] = Attribute(Name(namespace), name)
    return walk.substitute(expr, mapping)
