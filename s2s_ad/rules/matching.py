"""Whether a call fits a rule, and the rule's templates with the arguments of the call put in.

Takes rules and the expressions of a call, gives a `Choice`; requires `ir`, `rules.rule` and
`rules.results`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from s2s_ad.ir import walk
from s2s_ad.ir.kinds import (
    Array,
    Kind,
    ListOf,
    NoneKind,
    Number,
    Object,
    Str,
    TupleOf,
    Unknown,
)
from s2s_ad.ir.nodes import (
    Attribute,
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    Keyword,
    ListExpr,
    Name,
    Param,
    Starred,
    Subscript,
    TupleExpr,
)
from s2s_ad.ir.remembered import made_at_once, replace

from .dtypes import is_float_value
from .modules import LIBRARIES
from .results import MISSING, literal
from .rule import Rank, Result, Rule

_ONE = Const("1.0", 1.0)
_ARGSORT = Attribute(Name("np"), "argsort")
# of helpers that templates call with all their arguments: what may be left out at the end
_DEFAULTS: Mapping[str, tuple[object, ...]] = {
    "ties": (..., ..., None, False),
    "exclusive_product": (..., None),
}


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
    if rule.display:
        if len(rest) != 1 or not is_display(rest[0]):
            return None
        rest = list(rest[0].items) if isinstance(rest[0], (ListExpr, TupleExpr)) else []
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


def is_display(expr: Expr) -> bool:
    """True for a list or tuple written out, without stars."""
    return isinstance(expr, (ListExpr, TupleExpr)) and not any(
        isinstance(item, Starred) for item in expr.items
    )


def rank_of(kind: Kind) -> int | str | None:
    """Return the rank of a kind as `Rule.ranks` writes it, None when it is not known."""
    if isinstance(kind, Number):
        return 0
    if isinstance(kind, Array):
        return None if kind.dims is None else len(kind.dims)
    return "list" if isinstance(kind, (ListOf, TupleOf)) else None


@made_at_once
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
        if not keep_let:
            for name, value in reversed(self.rule.let):
                template = walk.substitute(template, {name: value})
        template = walk.map_expr(template, self._prepared)
        filled = walk.substitute(template, {**self.operands, "d": d, "out": out})
        return walk.map_expr(filled, _spliced)

    def _prepared(self, expr: Expr) -> Expr:
        """Drop `axis=axis` when that is the default, write `3 - 1` as `2` and `n - 0` as `n`."""
        match expr:
            case Binary(op="-", left=Name(id=name), right=Const(value=int(less))):
                value = literal(self.arguments.get(name))
                if isinstance(value, (int, float)) and value - value == 0:
                    # in decimals, as the exponent is written: 1.11 - 1 is 0.11
                    exact = Fraction(repr(value + 0)) - less
                    rest = float(exact) if isinstance(value, float) else int(exact)
                    return Const(repr(rest), rest)
            case Binary(op="-", left=left, right=Name(id=name)):
                if literal(self.arguments.get(name)) == 0:
                    return left
            case Binary(op="*", left=Name(id=name), right=right):
                if literal(self.arguments.get(name)) == 1:
                    return right
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
    """Write `f(*(a, b))` as `f(a, b)`, `(a, b)[0]` as `a`, helpers without their defaults, and the
    order of axes that puts back the order `(2, 0, 1)`."""
    expr = without_display(expr)
    if isinstance(expr, TupleExpr):
        items = _without_stars(expr.items)
        return expr if items is expr.items else replace(expr, items=items)
    if not isinstance(expr, Call):
        return expr
    order = literal(expr.args[0]) if expr.func == _ARGSORT else None
    if isinstance(order, tuple) and all(k in order for k in range(len(order))):
        places = sorted(range(len(order)), key=order.__getitem__)
        return TupleExpr(tuple(Const(str(k), k) for k in places))
    if isinstance(expr.func, Name) and expr.func.id in _DEFAULTS:
        kept = list(expr.args)
        defaults = _DEFAULTS[expr.func.id]
        while kept and len(kept) <= len(defaults) and literal(kept[-1]) is defaults[len(kept) - 1]:
            kept.pop()
        return expr if len(kept) == len(expr.args) else replace(expr, args=tuple(kept))
    args = _without_stars(expr.args)
    return expr if args is expr.args else replace(expr, args=args)


def without_display(expr: Expr) -> Expr:
    """Write `(a, b)[0]` as `a`."""
    match expr:
        case Subscript(value=TupleExpr(items=items), index=Const(value=int(k))):
            plain = all(isinstance(item, (Name, Const)) for item in items)
            return items[k] if plain and k < len(items) else expr
    return expr


def _without_stars(items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Return items in which starred displays are written out."""
    if not any(isinstance(item, Starred) for item in items):
        return items
    found: list[Expr] = []
    for item in items:
        if isinstance(item, Starred) and isinstance(item.value, TupleExpr):
            found.extend(item.value.items)
        else:
            found.append(item)
    return tuple(found)


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
        return value_of_kind(kind_of(expr)) if value is MISSING else value

    for rule in candidates:
        if rule.written is not None:
            rule = rule.written(args, value_of or known_value, kind_of) or rule
        needed = [k for k in keywords if not _says_nothing(rule, k, value_of or known_value)]
        bound = bind(rule, args, needed, value_of or known_value)
        if bound is None:
            continue
        if any(keyword.name == "dtype" for keyword in keywords if keyword not in needed):
            rule = replace(rule, result=_in_floats(rule.result))
        for single, arguments in _unstarred(rule, bound, is_active):
            if rule.display and any(rank_of(kind_of(e)) == "list" for e in arguments.values()):
                continue
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


def _says_nothing(rule: Rule, keyword: Keyword, value_of: Callable[[Expr], object]) -> bool:
    """True for an option that a rule of NumPy's need not know: `out=None`, a float `dtype`."""
    if rule.namespace not in ("np", "method", "special") or any(
        p.name == keyword.name for p in rule.params
    ):
        return False
    if keyword.name == "optimize":
        return rule.name == "einsum"  # the order of what is computed
    value = value_of(keyword.value)
    if keyword.name == "out":
        return value is None
    return keyword.name == "dtype" and (value is None or is_float_value(value))


def _in_floats(result: Result) -> Result:
    """Return a result that is cast to floats."""

    def cast(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
        kind = result(kinds, args)
        if isinstance(kind, Array):
            return replace(kind, dtype="float")
        return Number("float") if isinstance(kind, Number) else kind

    return cast


def _operands(
    rule: Rule, arguments: Mapping[str, Expr], kind_of: Callable[[Expr], Kind]
) -> Mapping[str, Expr]:
    if rule.flavour != "elementwise" or rule.namespace not in ("np", *LIBRARIES):
        return arguments
    return {
        name: as_array_call(expr) if isinstance(kind_of(expr), (ListOf, TupleOf)) else expr
        for name, expr in arguments.items()
    }


def as_array_call(expr: Expr) -> Expr:
    """Return `np.asarray(expr)`."""
    return Call(Attribute(Name("np"), "asarray"), (expr,))


def value_of_kind(kind: Kind) -> object:
    """Return the value that a kind knows: a string, None, a function or type; else MISSING."""
    if isinstance(kind, Object) or (isinstance(kind, Str) and kind.value is not None):
        return kind.value
    return None if isinstance(kind, NoneKind) else MISSING


def _ranks_fit(rule: Rule, arguments: Mapping[str, Expr], kind_of: Callable[[Expr], Kind]) -> bool:
    def fits(expr: Expr, wanted: Rank) -> bool:
        if wanted == "display":
            return _is_display_of_numbers(expr, kind_of)
        return wanted is None or fits_rank(kind_of(expr), wanted)

    return all(fits(arguments[p.name], wanted) for p, wanted in zip(rule.params, rule.ranks or ()))


def _is_display_of_numbers(expr: Expr, kind_of: Callable[[Expr], Kind]) -> bool:
    if not isinstance(expr, (ListExpr, TupleExpr)) or not is_display(expr):
        return False
    return all(
        isinstance(kind_of(item), Number) or _is_display_of_numbers(item, kind_of)
        for item in expr.items
    )


def fits_rank(kind: Kind, wanted: Rank) -> bool:
    """True when a kind is known to have the rank that a rule asks for."""
    if wanted == "unknown":
        return isinstance(kind, Unknown)
    if wanted == "floats":
        return isinstance(kind, Array) and kind.dtype == "float"
    if wanted == "integer":
        return kind in (Number("int"), Number("bool"))
    if wanted == "square":
        dims = kind.dims or () if isinstance(kind, Array) else ()
        return len(dims) == 2 and len({(dim.symbol, dim.offset) for dim in dims}) == 1
    if wanted == "triples":
        dims = kind.dims or () if isinstance(kind, Array) else ()
        return bool(dims) and dims[-1].least >= 3
    if wanted == "numbers" and isinstance(kind, TupleOf):
        return all(isinstance(item, Number) for item in kind.items)
    if wanted == "numbers":
        return isinstance(kind, ListOf) and isinstance(kind.item, Number)
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

    In its templates `item` is the argument at hand, `others` the product of the others, `chosen` a
    test that it is `out` and no constant is, `count` how many that are differentiated are `out`.
    """
    star = next(p.name for p in rule.params if p.kind == "star")
    flags = [True] * count if active is None else list(active)
    names = [Name(f"{star}{k}") for k in range(count)]
    constants = [name for name, flag in zip(names, flags) if not flag]
    # `+` of two comparisons of NumPy's numbers would be their `or`
    active_names = ListExpr(tuple(n for n, flag in zip(names, flags) if flag))
    ties = Call(Attribute(active_names, "count"), (Name("out"),))

    def spread(maps: Mapping[str, Expr]) -> dict[str, Expr]:
        return {name.id: walk.map_expr(filled(maps[star], name), _without_one) for name in names}

    def filled(template: Expr, name: Name) -> Expr:
        tests = [_compared(name, "=="), *(_compared(c, "!=") for c in constants)]
        return walk.substitute(
            template,
            {
                "item": name,
                "others": _joined("*", [other for other in names if other != name]),
                "chosen": tests[0] if len(tests) == 1 else BoolOp("and", tuple(tests)),
                "count": ties if sum(flags) > 1 else _ONE,
            },
        )

    params = tuple(Param(name.id, None, "positional_only") for name in names)
    return replace(
        rule,
        params=(*params, *(p for p in rule.params if p.name != star)),
        adjoint=spread(rule.adjoint),
        tangent=spread(rule.tangent),
    )


def _compared(name: Name, op: str) -> Expr:
    return Compare(name, (op,), (Name("out"),))


def _joined(op: str, parts: Sequence[Expr]) -> Expr:
    """Return `parts[0] op parts[1] op ...`, 1.0 for no parts."""
    if not parts:
        return _ONE
    total = parts[0]
    for part in parts[1:]:
        total = Binary(op, total, part)
    return total


def _without_one(expr: Expr) -> Expr:
    match expr:
        case Binary(op="*" | "/", left=left, right=right) if right is _ONE:
            return left
    return expr
