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

from s2s_ad.errors import UnsupportedSyntax
from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.walk import assigned, free_names, map_block, map_expr, map_stmt_exprs, names

Refuse = Callable[[n.Stmt, str, str], UnsupportedSyntax]


@dataclass(frozen=True)
class Lifted:
    """A local function lifted out: `function` takes what it captured as keyword parameters."""

    function: n.Function
    captured: tuple[str, ...]


def lift(function: n.Function, names_: Names, refuse: Refuse) -> tuple[n.Function, list[Lifted]]:
    """Return `function` without local functions, and those. refuse makes the error to raise."""
    local = {p.name for p in function.params} | assigned(function.body)
    found: dict[str, Lifted] = {}
    counts = _binding_counts(function.body)

    def take(name: str, inner: n.Function, s: n.Stmt) -> None:
        if counts.get(name, 0) != 1:
            raise refuse(s, f"local function `{name}` is defined more than once", "use two names")
        inner = replace(inner, body=_calls_replaced(inner.body, found), decorators=())
        free = free_names(inner)
        captured = tuple(sorted((free & local) - {name} - set(found)))
        for p in inner.params:
            if p.default is not None and names(p.default) & local:
                raise refuse(s, "a default that depends on a local variable", "pass it at the call")
        if captured and _used_as_value(function.body, name, s):
            raise refuse(
                s,
                f"`{name}` captures {', '.join(captured)} and is passed on as a value",
                "pass what it captures as arguments",
            )
        params = (*inner.params, *(n.Param(c, None, "keyword_only") for c in captured))
        found[name] = Lifted(replace(inner, name=name, params=params), captured)
        if captured and name in free:
            body = _calls_replaced(inner.body, {name: found[name]})
            found[name] = Lifted(replace(found[name].function, body=body), captured)

    def visit(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            if isinstance(s, n.FunctionDef):
                if s.function.decorators:
                    raise refuse(s, "a decorated local function", "apply the decorator outside")
                take(s.function.name, s.function, s)
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
                continue
            out.append(s)
        return tuple(out)

    body = visit(function.body)
    body = tuple(_inside(s, visit) for s in body)
    return replace(function, body=_calls_replaced(body, found)), list(found.values())


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
        if s is not definition and not isinstance(s, n.FunctionDef):

            def note(e: n.Expr) -> n.Expr:
                nonlocal found
                found = found or name in names(map_expr(e, check))
                return e

            map_stmt_exprs(s, note)
        return (s,)

    map_block(block, look)
    return found


def _calls_replaced(block: n.Block, lifted: dict[str, Lifted]) -> n.Block:
    if not any(item.captured for item in lifted.values()):
        return block

    def pass_captured(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Call) and isinstance(e.func, n.Name) and e.func.id in lifted:
            have = {k.name for k in e.keywords}
            more = tuple(
                n.Keyword(c, n.Name(c)) for c in lifted[e.func.id].captured if c not in have
            )
            return replace(e, keywords=(*e.keywords, *more))
        return e

    def visit(s: n.Stmt) -> tuple[n.Stmt]:
        if isinstance(s, n.FunctionDef):
            inner = replace(s.function, body=_calls_replaced(s.function.body, lifted))
            return (replace(s, function=inner),)
        return (map_stmt_exprs(s, lambda e: map_expr(e, pass_captured)),)

    return map_block(block, visit)
