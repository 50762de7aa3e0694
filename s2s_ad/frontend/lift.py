"""Nested functions and lambdas lifted out: what they capture becomes arguments.

Takes a Function, gives it without local definitions, and the definitions as functions of their own
whose captured variables are keyword parameters; each call passes their current values, which is
what Python's late binding means. Requires `ir`.

    def f(x, a):                      def scale(v, a): return a * v
        def scale(v):          →      def f(x, a):
            return a * v                  return scale(x, a=a)
        return scale(x)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from s2s_ad.errors import UnsupportedSyntax
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.walk import (
    assigned,
    free_names,
    map_block,
    map_expr,
    map_stmt_exprs,
    names,
    walk_stmts,
)

Refuse = Callable[[n.Stmt, str, str], UnsupportedSyntax]


@dataclass(frozen=True)
class Lifted:
    """A local function lifted out: `function` takes what it captured as keyword parameters.

    early: place and name of each parameter whose default was evaluated at the definition, and the
    variable that holds it.
    """

    function: n.Function
    captured: tuple[str, ...]
    early: tuple[tuple[int, str, str], ...] = ()


def lift(function: n.Function, names_: Names, refuse: Refuse) -> tuple[n.Function, list[Lifted]]:
    """Return `function` without local functions, and those. refuse makes the error to raise."""
    local = {p.name for p in function.params} | assigned(function.body)
    found: dict[str, Lifted] = {}
    counts = _binding_counts(function.body)
    kept: list[n.Stmt] = []

    def take(name: str, inner: n.Function, s: n.Stmt) -> None:
        if counts.get(name, 0) != 1:
            raise refuse(s, f"local function `{name}` is defined more than once", "use two names")
        if any(isinstance(x, n.Global) for x in walk_stmts(inner.body)):
            raise refuse(
                s, f"`{name}` assigns to a variable outside it", "return the value instead"
            )
        inner = replace(inner, body=_calls_replaced(inner.body, found), decorators=())
        free = free_names(inner)
        captured = tuple(sorted((free & local) - {name} - set(found)))
        inner, early = _early_bound(inner, local, names_)
        kept.extend(replace(a, origin=s.origin) for a in early)
        bound = tuple(
            (k, p.name, p.default.id)
            for k, p in enumerate(inner.params)
            if isinstance(p.default, n.Name) and p.default in [a.targets[0] for a in early]
        )
        inner = replace(
            inner,
            params=tuple(
                replace(p, default=None) if p.name in {b[1] for b in bound} else p
                for p in inner.params
            ),
        )
        if captured and _used_as_value(function.body, name, s):
            raise refuse(
                s,
                f"`{name}` captures {', '.join(captured)} and is passed on as a value",
                "pass what it captures as arguments",
            )
        params = (*inner.params, *(n.Param(c, None, "keyword_only") for c in captured))
        found[name] = Lifted(replace(inner, name=name, params=params), captured, bound)
        if captured and name in free:
            body = _calls_replaced(inner.body, {name: found[name]})
            found[name] = replace(found[name], function=replace(found[name].function, body=body))

    def immediate(e: n.Expr, s: n.Stmt) -> n.Expr:
        """Give a lambda that is called where it stands, or captures nothing, a name."""
        if isinstance(e, n.Call) and isinstance(e.func, n.Lambda):
            return replace(e, func=named(e.func, s))
        if isinstance(e, n.Call):
            args = tuple(
                named(a, s) if isinstance(a, n.Lambda) and not names(a) & local else a
                for a in e.args
            )
            return replace(e, args=args)
        return e

    def named(e: n.Lambda, s: n.Stmt) -> n.Name:
        name = names_.fresh("anonymous")
        counts[name] = 1
        take(name, n.Function(name, e.params, (n.Return(e.body, origin=s.origin),)), s)
        return n.Name(name)

    def visit(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            kept.clear()
            if not isinstance(s, n.FunctionDef):
                s = map_stmt_exprs(s, partial(map_expr, fn=partial(immediate, s=s)))
            out.extend(kept)
            kept.clear()
            if isinstance(s, n.FunctionDef):
                if s.function.decorators:
                    raise refuse(s, "a decorated local function", "apply the decorator outside")
                take(s.function.name, s.function, s)
                out.extend(kept)
                continue
            if (
                isinstance(s, n.Assign)
                and isinstance(s.value, n.Lambda)
                and len(s.targets) == 1
                and isinstance(s.targets[0], n.Name)
            ):
                name = s.targets[0].id
                body = (n.Return(s.value.body, origin=s.origin),)
                take(name, n.Function(name, s.value.params, body, origin=s.origin), s)
                out.extend(kept)
                continue
            out.append(s)
        return tuple(out)

    body = visit(function.body)
    body = tuple(_inside(s, visit) for s in body)
    return replace(function, body=_calls_replaced(body, found)), list(found.values())


def _early_bound(
    inner: n.Function, local: set[str], names_: Names
) -> tuple[n.Function, list[n.Assign]]:
    """Keep the value that a default has where the function is defined, under a name of its own.

    `lambda a, k=k: a * k` becomes a function of a and the captured `k_default`.
    """
    early: list[n.Assign] = []
    params: list[n.Param] = []
    for p in inner.params:
        if p.default is not None and names(p.default) & local:
            name = n.Name(names_.fresh(f"{p.name}_default"))
            early.append(n.Assign((name,), p.default))
            p = replace(p, default=name)
        params.append(p)
    return replace(inner, params=tuple(params)), early


def _inside(s: n.Stmt, visit: Callable[[n.Block], n.Block]) -> n.Stmt:
    """Apply `visit` to the blocks nested in `s`, outermost first."""
    if isinstance(s, n.If):
        branches = tuple(replace(b, body=_deep(b.body, visit)) for b in s.branches)
        return replace(s, branches=branches, orelse=_deep(s.orelse, visit))
    if isinstance(s, (n.For, n.While)):
        return replace(s, body=_deep(s.body, visit), orelse=_deep(s.orelse, visit))
    if isinstance(s, n.With):
        return replace(s, body=_deep(s.body, visit))
    return s


def _deep(block: n.Block, visit: Callable[[n.Block], n.Block]) -> n.Block:
    return tuple(_inside(s, visit) for s in visit(block))


def _binding_counts(block: n.Block) -> dict[str, int]:
    counts: dict[str, int] = {}

    def count(s: n.Stmt) -> tuple[n.Stmt]:
        for name in assigned((_headless(s),)):
            counts[name] = counts.get(name, 0) + 1
        return (s,)

    map_block(block, count)
    return counts


def _headless(s: n.Stmt) -> n.Stmt:
    """Return `s` without its nested blocks, which are counted on their own."""
    if isinstance(s, n.If):
        branches = tuple(replace(b, body=()) for b in s.branches)
        return replace(s, branches=branches, orelse=())
    if isinstance(s, (n.For, n.While)):
        return replace(s, body=(), orelse=())
    if isinstance(s, n.With):
        return replace(s, body=())
    if isinstance(s, n.Try):
        return n.Pass()
    return s


def _used_as_value(block: n.Block, name: str, definition: n.Stmt) -> bool:
    found = False

    def check(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Call) and e.func == n.Name(name):
            return replace(e, func=n.Const("None", None))
        return e

    def look(s: n.Stmt) -> tuple[n.Stmt]:
        nonlocal found
        if s.uid != definition.uid and not isinstance(s, n.FunctionDef):

            def note(e: n.Expr) -> n.Expr:
                nonlocal found
                found = found or name in names(map_expr(e, check))
                return e

            map_stmt_exprs(s, note)
        return (s,)

    map_block(block, look)
    return found


def _calls_replaced(block: n.Block, lifted: dict[str, Lifted]) -> n.Block:
    if not any(item.captured or item.early for item in lifted.values()):
        return block

    def pass_captured(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Call) and isinstance(e.func, n.Name) and e.func.id in lifted:
            have = {k.name for k in e.keywords}
            local = lifted[e.func.id]
            more = [n.Keyword(c, n.Name(c)) for c in local.captured if c not in have]
            more.extend(
                n.Keyword(p, n.Name(variable))
                for place, p, variable in local.early
                if p not in have and place >= len(e.args)
            )
            return replace(e, keywords=(*e.keywords, *more))
        return e

    def visit(s: n.Stmt) -> tuple[n.Stmt]:
        if isinstance(s, n.FunctionDef):
            inner = replace(s.function, body=_calls_replaced(s.function.body, lifted))
            return (replace(s, function=inner),)
        return (map_stmt_exprs(s, lambda e: map_expr(e, pass_captured)),)

    return map_block(block, visit)
