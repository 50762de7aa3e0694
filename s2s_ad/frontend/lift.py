"""Nested functions and lambdas lifted out: what they capture becomes arguments.

Takes a Function, gives it without local definitions, and the definitions as functions of their own
whose captured variables are keyword parameters; each call passes their current values, which is
what Python's late binding means. One that is handed to a callee is a `partial` of the current
values. Requires `ir`.

    def f(x, a):                      def scale(v, a): return a * v
        def scale(v):          →      def f(x, a):
            return a * v                  return scale(x, a=a)
        return scale(x)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from s2s_ad.errors import UnsupportedSyntax
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    children,
    free_names,
    inside,
    map_block,
    map_parts,
    map_stmt_exprs,
    names,
    stmt_exprs,
    substitute,
    target_names,
    walk_stmts,
    with_each_block,
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


@dataclass(frozen=True)
class _Definition:
    """A local function as found: its body still calls others by their own names.

    loops: variables of comprehensions around it that it reads.
    """

    function: n.Function
    early: tuple[tuple[int, str, str], ...]
    statement: n.Stmt
    loops: frozenset[str] = frozenset()


def lift(
    function: n.Function,
    names_: Names,
    refuse: Refuse,
    partial_name: Callable[[], str],
    calls_items: Callable[[n.Call], bool],
) -> tuple[n.Function, list[Lifted]]:
    """Return `function` without local functions, and those.

    refuse makes the error to raise. partial_name: how `functools.partial` is spelled. calls_items:
    whether a call calls the functions in the lists it is given, and keeps none of them.
    """
    function = _redefined(function, names_)
    local = {p.name for p in function.params} | assigned(function.body)
    counts = _binding_counts(function.body)
    taken: dict[str, _Definition] = {}
    kept: list[n.Stmt] = []

    def take(name: str, inner: n.Function, s: n.Stmt, loops: frozenset[str] = frozenset()) -> None:
        if counts.get(name, 0) != 1:
            raise refuse(s, f"local function `{name}` is defined more than once", "use two names")
        if any(isinstance(x, n.Global) for x in walk_stmts(inner.body)):
            raise refuse(
                s, f"`{name}` assigns to a variable outside it", "return the value instead"
            )
        inner, early = _early_bound(replace(inner, name=name, decorators=()), local, names_)
        kept.extend(replace(a, origin=s.origin) for a in early)
        bound = tuple(
            (k, p.name, p.default.id)
            for k, p in enumerate(inner.params)
            if isinstance(p.default, n.Name) and p.default in [a.targets[0] for a in early]
        )
        plain = tuple(
            replace(p, default=None) if p.name in {b[1] for b in bound} else p for p in inner.params
        )
        taken[name] = _Definition(replace(inner, params=plain), bound, s, loops)

    def immediate(e: n.Expr, s: n.Stmt, bound: _Bound) -> n.Expr:
        """Give a lambda a name that is called where it stands, or handed to a callee."""
        if isinstance(e, n.Call):
            func = named(e.func, s, bound)
            args = tuple(named(a, s, bound) for a in e.args)
            keywords = tuple(replace(k, value=named(k.value, s, bound)) for k in e.keywords)
            return n.Call(func, args, keywords)
        return e

    def named(e: n.Expr, s: n.Stmt, bound: _Bound) -> n.Expr:
        if not isinstance(e, n.Lambda) or names(e) & bound.lambdas:
            return e
        if any(p.default is not None and names(p.default) & bound.loops for p in e.params):
            return e
        name = names_.fresh("anonymous")
        counts[name] = 1
        inner = n.Function(name, e.params, (n.Return(e.body, origin=s.origin),))
        take(name, inner, s, bound.loops & free_names(inner))
        return n.Name(name)

    def visit(block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for s in block:
            kept.clear()
            if not isinstance(s, n.FunctionDef):
                fn = partial(immediate, s=s, bound=_bound(s))
                s = map_parts(s, fn)
            out.extend(kept)
            kept.clear()
            if isinstance(s, n.FunctionDef):
                if s.function.decorators:
                    raise refuse(s, "a decorated local function", "apply the decorator outside")
                take(s.function.name, s.function, s)
                out.extend(kept)
                continue
            target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
            if isinstance(s, n.Assign) and isinstance(target, n.Name):
                if isinstance(s.value, n.Lambda):
                    body = (n.Return(s.value.body, origin=s.origin),)
                    take(target.id, n.Function("", s.value.params, body, origin=s.origin), s)
                    out.extend(kept)
                    continue
                known = isinstance(s.value, n.Name) and s.value.id in taken
                if known and counts.get(target.id) == 1:
                    assert isinstance(s.value, n.Name)
                    other[target.id] = s.value
                    continue
            out.append(s)
        return tuple(out)

    other: dict[str, n.Expr] = {}
    body = visit(function.body)
    body = tuple(_inside(s, visit) for s in body)
    if not taken:
        return replace(function, body=body), []
    if other:
        body = _with_names(body, other)
        taken = {
            name: replace(d, function=replace(d.function, body=_with_names(d.function.body, other)))
            for name, d in taken.items()
        }
    found = _lifted(taken, local - set(other))
    for d in taken.values():
        _check_shadows(d.function, found, d.statement, refuse)
    for name, d in taken.items():
        if not found[name].captured:
            continue
        for block in (body, *(x.function.body for x in taken.values())):
            use = _used_as_value(block, name, calls_items)
            if use is not None:
                raise refuse(
                    use if use.origin is not None else d.statement,
                    f"`{name}` captures {', '.join(found[name].captured)} and is kept as a value",
                    "hand it to the function that calls it, or call it here",
                )
    handed = partial(_handed_over, found=found, partial_name=partial_name, calls_items=calls_items)
    whole = handed(_calls_replaced(body, found))
    done = [
        replace(
            item,
            function=replace(item.function, body=handed(item.function.body)),
        )
        for item in found.values()
    ]
    return replace(function, body=whole), done


def _lifted(taken: dict[str, _Definition], local: set[str]) -> dict[str, Lifted]:
    """Return what each local function captures, by itself or through others that it uses."""
    free = {name: free_names(d.function) for name, d in taken.items()}
    captured = {name: (free[name] & (local | d.loops)) - set(taken) for name, d in taken.items()}
    for name, d in taken.items():
        for other in free[name] & set(taken):
            captured[name] |= {variable for _, _, variable in taken[other].early}
        captured[name] -= {p.name for p in d.function.params}
    changed = True
    while changed:
        changed = False
        for name in taken:
            more = set().union(*(captured[x] for x in free[name] & set(taken)))
            if not more <= captured[name]:
                captured[name] |= more
                changed = True
    found = {name: Lifted(d.function, tuple(sorted(captured[name])), d.early)
             for name, d in taken.items()}  # fmt: skip
    result = {}
    for name, item in found.items():
        extra = tuple(n.Param(c, None, "keyword_only") for c in item.captured)
        body = _calls_replaced(item.function.body, found)
        function = replace(
            item.function, name=name, params=(*item.function.params, *extra), body=body
        )
        result[name] = replace(item, function=function)
    return result


def _check_shadows(
    function: n.Function, found: Mapping[str, Lifted], s: n.Stmt, refuse: Refuse
) -> None:
    """Refuse a function that uses another whose captured variable it has one of its own like."""
    own = {p.name for p in function.params} | assigned(function.body)
    for name in sorted(free_names(function) & set(found)):
        for variable in sorted(own & set(found[name].captured)):
            message = f"`{function.name}` uses `{name}` and has a `{variable}` of its own"
            raise refuse(s, f"{message}, which `{name}` captures", "use two names")
    for inner in walk_stmts(function.body):
        if isinstance(inner, n.FunctionDef):
            _check_shadows(inner.function, found, s, refuse)


@dataclass(frozen=True)
class _Bound:
    """What the expressions of a statement bind for themselves.

    loops: variables of its comprehensions outside of lambdas. lambdas: what a lambda that has
    another one inside binds there.
    """

    loops: frozenset[str]
    lambdas: frozenset[str]


def _bound(s: n.Stmt) -> _Bound:
    loops: set[str] = set()
    lambdas: set[str] = set()
    todo = [(e, loops) for e in stmt_exprs(s)]
    while todo:
        e, found = todo.pop()
        if isinstance(e, n.Comprehension):
            found.update(y for clause in e.clauses for y in target_names(clause.target))
        elif isinstance(e, n.Lambda):
            if not inside(e.body, n.Lambda):
                continue
            found = lambdas
            found.update(p.name for p in e.params)
        todo.extend((part, found) for part in children(e))
    return _Bound(frozenset(loops), frozenset(lambdas))


def _redefined(function: n.Function, names_: Names) -> n.Function:
    """Give a local function that is defined again, further down, a name of its own there."""
    counts = _binding_counts(function.body)
    seen: set[str] = set()
    current: dict[str, n.Expr] = {}
    out: list[n.Stmt] = []
    defined = [_defined(s) for s in function.body]
    again = {name for name in defined if name and counts[name] == defined.count(name) > 1}
    again -= _read_late(function.body)
    for s in function.body:
        name = _defined(s)
        if name not in again:
            out.extend(_with_names((s,), current) if current else (s,))
            continue
        if name in seen:
            fresh = n.Name(names_.fresh(name))
            if isinstance(s, n.FunctionDef):
                s = replace(s, function=replace(s.function, name=fresh.id))
            elif isinstance(s, n.Assign):
                s = replace(s, targets=(fresh,))
            out.extend(_with_names((s,), current))
            current[name] = fresh
        else:
            out.extend(_with_names((s,), current) if current else (s,))
        seen.add(name)
    return replace(function, body=tuple(out))


def _defined(s: n.Stmt) -> str:
    """Return the name of the local function that a statement defines, "" if it defines none."""
    if isinstance(s, n.FunctionDef):
        return s.function.name
    if isinstance(s, n.Assign) and isinstance(s.value, n.Lambda) and len(s.targets) == 1:
        return s.targets[0].id if isinstance(s.targets[0], n.Name) else ""
    return ""


def _read_late(block: n.Block) -> frozenset[str]:
    """Return the names that local functions read: what they stand for is known when they run."""
    inner = [s.function for s in walk_stmts(block) if isinstance(s, n.FunctionDef)]
    every = [e for s in walk_stmts(block) for e in all_parts(s)]
    lambdas = [e for e in every if isinstance(e, n.Lambda)]
    return frozenset().union(*map(free_names, inner), *map(names, lambdas))


def _with_names(block: n.Block, mapping: Mapping[str, n.Expr]) -> n.Block:
    """Return a block, local functions included, that reads other names."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, n.FunctionDef):
            own = {p.name for p in s.function.params} | assigned(s.function.body)
            inside = {name: e for name, e in mapping.items() if name not in own}
            body = _with_names(s.function.body, inside)
            s = replace(s, function=replace(s.function, body=body))
        return (map_stmt_exprs(s, lambda e: substitute(e, mapping)),)

    return map_block(block, visit)


def _handed_over(
    block: n.Block,
    found: Mapping[str, Lifted],
    partial_name: Callable[[], str],
    calls_items: Callable[[n.Call], bool],
) -> n.Block:
    """Write a local function that is an argument of a call with what it captures."""

    def handed(e: n.Expr, items: bool = False) -> n.Expr:
        if items and isinstance(e, (n.ListExpr, n.TupleExpr)):
            return replace(e, items=tuple(map(handed, e.items)))
        item = found.get(e.id) if isinstance(e, n.Name) else None
        if item is None or not (item.captured or item.early):
            return e
        more = [n.Keyword(c, n.Name(c)) for c in item.captured]
        more.extend(n.Keyword(p, n.Name(variable)) for _, p, variable in item.early)
        return n.Call(n.Name(partial_name()), (e,), tuple(more))

    def visit_expr(e: n.Expr) -> n.Expr:
        if not isinstance(e, n.Call):
            return e
        items = calls_items(e)
        args = tuple(handed(a, items) for a in e.args)
        keywords = tuple(replace(k, value=handed(k.value)) for k in e.keywords)
        return n.Call(e.func, args, keywords)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, n.FunctionDef):
            body = _handed_over(s.function.body, found, partial_name, calls_items)
            return (replace(s, function=replace(s.function, body=body)),)
        return (map_parts(s, visit_expr),)

    return map_block(block, visit)


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
    return with_each_block(s, lambda block: _deep(block, visit)) if blocks(s) else s


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


def _used_as_value(
    block: n.Block, name: str, calls_items: Callable[[n.Call], bool]
) -> n.Stmt | None:
    """Return a statement that uses a local function other than to call it or hand it to a call."""
    found: list[n.Stmt] = []

    def without(e: n.Expr) -> n.Expr:
        if not isinstance(e, (n.ListExpr, n.TupleExpr)):
            return e
        return replace(e, items=tuple(x for x in e.items if x != n.Name(name)))

    def called(e: n.Expr) -> n.Expr:
        if not isinstance(e, n.Call):
            return e
        plain = [a for a in e.args if a != n.Name(name)]
        if calls_items(e):
            plain = [without(a) for a in plain]
        keywords = tuple(k for k in e.keywords if k.value != n.Name(name))
        func = n.Const("None", None) if e.func == n.Name(name) else e.func
        return n.Call(func, tuple(plain), keywords)

    def look(s: n.Stmt) -> tuple[n.Stmt]:
        if not isinstance(s, n.FunctionDef) and name in said_by(map_parts(s, called)):
            found.append(s)
        return (s,)

    map_block(block, look)
    return found[0] if found else None


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
        return (map_parts(s, pass_captured),)

    return map_block(block, visit)
