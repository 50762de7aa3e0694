"""Loops that run in reverse by an explicit range: for compilers that have no `reversed`.

Takes a function, gives it without `reversed` and without slices of ranges; requires `ir`.

    for i in reversed(range(n)):              for i in range(n - 1, -1, -1):
    for i in reversed(range(n)[:steps]):  →   for i in range(min(steps, n) - 1, -1, -1):
    for v in reversed(x):                     for v in x[::-1]:
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    map_block,
    map_parts,
    map_stmt_exprs,
    names,
    substitute,
    target_names,
    walk_stmts,
)

_BACKWARDS = n.Slice(None, None, n.Unary("-", n.Const("1", 1)))
Bounds = tuple[n.Expr, n.Expr, n.Expr]


def counting_down(function: n.Function, builtin: Callable[[n.Expr, str], bool]) -> n.Function:
    """Return the function with explicit ranges.

    builtin: whether an expression stands for the builtin of that name.
    """
    ranges = _named_ranges(function, builtin)

    def bounds(e: n.Expr) -> Bounds | None:
        if isinstance(e, n.Call) and builtin(e.func, "range") and not e.keywords:
            return _bounds(e)
        return None

    def written(e: n.Expr) -> n.Expr:
        """Return the call that makes a range, of one that has a name, if that would not differ."""
        return ranges.get(e.id) or e if isinstance(e, n.Name) else e

    def visit(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Subscript) and (cut := _cut(e, bounds)):
            return cut
        if not (isinstance(e, n.Call) and builtin(e.func, "reversed") and len(e.args) == 1):
            return e
        found = bounds(written(e.args[0]))
        if found is not None:
            return _backwards(found)
        if isinstance(e.args[0], n.Name) and e.args[0].id in ranges:
            return _backwards_by_attributes(e.args[0])
        return n.Subscript(e.args[0], _BACKWARDS)

    def statement(s: n.Stmt) -> tuple[n.Stmt, ...]:
        return (map_parts(s, visit),)

    return replace(function, body=map_block(function.body, statement))


def ranges_written_out(function: n.Function, builtin: Callable[[n.Expr, str], bool]) -> n.Function:
    """Return the function with ranges in the place of variables that stand for them: their lengths
    can be told then.

    builtin: whether an expression stands for the builtin of that name.
    """
    ranges = {x: e for x, e in _named_ranges(function, builtin).items() if e is not None}

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if isinstance(s, n.Assign) and sole_target(s) in ranges:
            return ()
        return (map_stmt_exprs(s, lambda e: substitute(e, ranges)),)

    return replace(function, body=map_block(function.body, visit)) if ranges else function


def _named_ranges(
    function: n.Function, builtin: Callable[[n.Expr, str], bool]
) -> dict[str, n.Call | None]:
    """Return the variables that are ranges: the call that makes it, None if that may differ now."""
    values: dict[str, list[n.Expr]] = {}
    times: dict[str, int] = {p.name: 1 for p in function.params}
    for s in walk_stmts(function.body):
        bound: Iterable[str] = ()
        if isinstance(s, n.For):
            bound = target_names(s.target)
        elif not blocks(s):
            bound = assigned((s,))
        for name in bound:
            times[name] = times.get(name, 0) + 1
        if isinstance(s, n.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], n.Name):
            values.setdefault(s.targets[0].id, []).append(s.value)
    # what a loop assigns it may assign many times
    for s in walk_stmts(function.body):
        if _is_loop(s):
            for name in assigned((s,)):
                times[name] = 2
    found: dict[str, n.Call | None] = {}
    for name, calls in values.items():
        if len(calls) < times[name] or not all(_is_range(e, builtin) for e in calls):
            continue
        only = calls[0]
        assert isinstance(only, n.Call)
        settled = len(calls) == 1 and all(times.get(x, 0) < 2 for e in only.args for x in names(e))
        found[name] = only if settled else None
    return found


def _is_loop(s: n.Stmt) -> bool:
    return isinstance(s, (n.For, n.While))


def _is_range(e: n.Expr, builtin: Callable[[n.Expr, str], bool]) -> bool:
    return isinstance(e, n.Call) and builtin(e.func, "range") and not e.keywords


def _bounds(call: n.Call) -> Bounds | None:
    """Return start, stop and step of a range."""
    if len(call.args) == 1:
        return number(0), call.args[0], number(1)
    if len(call.args) == 2:
        return call.args[0], call.args[1], number(1)
    return (call.args[0], call.args[1], call.args[2]) if len(call.args) == 3 else None


def _range(start: n.Expr, stop: n.Expr, step: n.Expr) -> n.Call:
    args: tuple[n.Expr, ...] = (start, stop, step)
    if constant_int(step) == 1:
        args = (stop,) if constant_int(start) == 0 else (start, stop)
    return n.Call(n.Name("range"), args)


def _backwards(of: Bounds) -> n.Expr:
    start, stop, step = of
    by = constant_int(step)
    if by == 1:
        return _range(plus(stop, -1), plus(start, -1), number(-1))
    if by == -1:
        return _range(plus(stop, 1), plus(start, 1), number(1))
    if by:
        # the last index that is reached; before the first when there is none
        distance = n.Binary("-", stop, start) if by > 0 else n.Binary("-", start, stop)
        times = n.Binary("//", plus(distance, -1), number(abs(by)))
        last = n.Binary("+", start, n.Binary("*", times, step))
        return _range(last, plus(start, -1 if by > 0 else 1), number(-by))
    count = n.Call(n.Name("len"), (n.Call(n.Name("range"), of),))
    last = n.Binary("+", start, n.Binary("*", plus(count, -1), step))
    return n.Call(n.Name("range"), (last, n.Binary("-", start, step), n.Unary("-", step)))


def _backwards_by_attributes(of: n.Expr) -> n.Expr:
    start, step = n.Attribute(of, "start"), n.Attribute(of, "step")
    count = n.Call(n.Name("len"), (of,))
    last = n.Binary("+", start, n.Binary("*", plus(count, -1), step))
    return n.Call(n.Name("range"), (last, n.Binary("-", start, step), n.Unary("-", step)))


def _cut(e: n.Subscript, bounds: Callable[[n.Expr], Bounds | None]) -> n.Expr | None:
    """Return the first items of a range: `range(n)[:count]`, the count being none below 0."""
    found = bounds(e.value)
    index = e.index
    if found is None or not isinstance(index, n.Slice) or index.upper is None:
        return None
    if index.lower is not None or index.step is not None:
        return None
    start, stop, step = found
    whole = n.Call(n.Name("range"), (start, stop, step))
    simple = constant_int(start) == 0 and constant_int(step) == 1
    length = stop if simple else n.Call(n.Name("len"), (whole,))
    count: n.Expr = n.Call(n.Name("min"), (index.upper, length))
    if simple:
        return _range(start, count, step)
    if constant_int(step) != 1:
        count = n.Binary("*", count, step)
    return _range(start, n.Binary("+", start, count), step)


def number(value: int) -> n.Expr:
    """Return an integer as it is written.

    >>> number(-1)
    Unary(op='-', operand=Const(text='1', value=1))
    """
    if value < 0:
        return n.Unary("-", number(-value))
    return n.Const(str(value), value)


def plus(e: n.Expr, much: int) -> n.Expr:
    """Return a whole number plus another that is written out.

    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(plus(n.Binary("-", n.Name("n"), number(1)), -1))
    'n - 2'
    """
    known = constant_int(e)
    if known is not None:
        return number(known + much)
    if isinstance(e, n.Binary) and e.op in "+-":
        right = constant_int(e.right)
        if right is not None:
            return plus(e.left, much + (right if e.op == "+" else -right))
    if much == 0:
        return e
    return n.Binary("+" if much > 0 else "-", e, number(abs(much)))
