"""A callee that is given local functions, for these very functions.

Takes the Function of a callee and the functions it is given by parameter, gives it with what they
capture as parameters instead. Requires `ir`.

    def apply(g, a):                    def apply(x, a):
        return g(a) + g(2 * a)     →        return inner(a, x=x) + inner(2 * a, x=x)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from s2s_ad.analysis.values import Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Partial
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, assigned, map_block, map_parts, walk_stmts

T = TypeVar("T")
Places = dict[str, tuple[str, ...]]


def closed_over(
    function: n.Function,
    given: Mapping[str, Partial],
    names_: Mapping[str, str],
    taken: set[str],
    partial_name: Callable[[], str],
) -> tuple[n.Function, Places] | None:
    """Return `function` for parameters that are these functions, None if it rebinds one of them.

    names_: how each of the functions is called. The second result: the new parameters that stand
    in the place of each.
    """
    local = {p.name for p in function.params} | assigned(function.body)
    own = local - set(given)
    if set(given) & assigned(function.body) or set(names_.values()) & own:
        return None
    if any(isinstance(s, n.FunctionDef) for s in walk_stmts(function.body)):
        return None
    names = Names(taken | local)
    values: dict[str, n.Expr] = {}
    places: Places = {}
    params: list[n.Param] = []
    for p in function.params:
        kind = given.get(p.name)
        if kind is None:
            params.append(p)
            continue
        if p.kind in ("star", "double_star"):
            return None
        new = tuple(names.fresh(x if x not in own else f"{p.name}_{x}") for x in kind.names)
        places[p.name] = new
        params.extend(n.Param(x, None, p.kind) for x in new)
        keywords = tuple(n.Keyword(k, n.Name(x)) for k, x in zip(kind.names, new))
        values[p.name] = n.Call(n.Name(partial_name()), (n.Name(names_[p.name]),), keywords)

    def visit(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Name):
            return values.get(e.id, e)
        if isinstance(e, n.Call) and e.func in values.values():
            inner = e.func
            assert isinstance(inner, n.Call)
            return n.Call(inner.args[0], e.args, (*e.keywords, *inner.keywords))
        return e

    body = map_block(function.body, lambda s: (map_parts(s, visit),))
    if any(
        isinstance(x, n.Lambda) and set(given) & {p.name for p in x.params}
        for s in walk_stmts(function.body)
        for x in all_parts(s)
    ):
        return None
    return replace(function, params=_ordered(params), body=body), places


def expanded(bound: Mapping[str, T], places: Places, parts: Callable[[T], tuple[T, ...] | None]
             ) -> dict[str, T] | None:  # fmt: skip
    """Return arguments by parameter, a function replaced by what it captures."""
    result: dict[str, T] = {}
    for name, value in bound.items():
        if name not in places:
            result[name] = value
            continue
        inner = parts(value)
        if inner is None or len(inner) != len(places[name]):
            return None
        result.update(zip(places[name], inner))
    return result


def is_partial(value: Value | None) -> bool:
    return value is not None and isinstance(value.kind, Partial)


def captured(e: n.Expr | None) -> tuple[n.Expr | None, ...] | None:
    """Return what a local function captures, from `partial(function, name=value)`."""
    return tuple(k.value for k in e.keywords) if isinstance(e, n.Call) else None


def _ordered(params: list[n.Param]) -> tuple[n.Param, ...]:
    """Put parameters without a default in front of those with one."""
    plain = [p for p in params if p.kind != "keyword_only"]
    named = [p for p in params if p.kind == "keyword_only"]
    first = [p for p in plain if p.default is None]
    return (*first, *(p for p in plain if p.default is not None), *named)
