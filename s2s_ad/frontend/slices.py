"""Slices that are objects are written where they are used as an index.

Takes a Function with its facts, gives an equivalent one. Requires `ir`, `analysis`.

    row = slice(starts[i], starts[i + 1])       row_start = starts[i]
    y[i] = a[row] @ x[columns[row]]         →   row_stop = starts[i + 1]
                                                y[i] = a[row_start:row_stop] @ ...

    y = x[slice(1, None)]                   →   y = x[1:]

A variable is replaced where all it is ever bound to is such a slice, of whole numbers, and all that
reads it is an index or asks for its ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by, sole_target
from s2s_ad.ir.kinds import Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    bound_here,
    every_block,
    free_names,
    inside,
    map_block,
    map_expr,
    map_stmt_exprs,
    names,
    target_names,
    walk_stmts,
)

NOTHING = n.Const("None", None)
ENDS = ("start", "stop", "step")


def with_slices(function: n.Function, facts: Facts, fresh: Callable[[str], str]) -> n.Function:
    """Return the function without slice objects, as far as they can be written out."""
    if not any(_is_call(e, s, facts) for s in _every(function) for e in inside(s, n.Call)):
        return function
    names_of = {sole_target(s) for s in _every(function) if _made(s, facts) is not None}
    for name in sorted(x for x in names_of if x is not None):
        function = _without(function, facts, name, fresh)
    return replace(function, body=map_block(function.body, lambda s: (_at_once(s, facts),)))


def _every(function: n.Function) -> list[n.Stmt]:
    return list(walk_stmts(function.body))


def _is_call(e: n.Expr, s: n.Stmt, facts: Facts) -> bool:
    """True for a call of the builtin with one to three arguments."""
    if not isinstance(e, n.Call) or e.keywords or not 1 <= len(e.args) <= len(ENDS):
        return False
    if not isinstance(e.func, n.Name) or any(isinstance(x, n.Starred) for x in e.args):
        return False
    return facts.object_of(e.func, s.uid) == (slice,) and e.func.id not in _inner(s)


def _inner(s: n.Stmt) -> set[str]:
    """Return the names that are bound within the expressions of a statement."""
    params = {p.name for e in inside(s, n.Lambda) for p in e.params}
    clauses = [c for e in inside(s, n.Comprehension) for c in e.clauses]
    return params.union(*(target_names(c.target) for c in clauses))


def _parts(e: n.Call) -> list[n.Expr]:
    """Return start, stop and step as they are written."""
    first = [NOTHING] if len(e.args) == 1 else []
    return [*first, *e.args, NOTHING, NOTHING][: len(ENDS)]


def _written(parts: list[n.Expr]) -> n.Slice:
    return n.Slice(*(None if x == NOTHING else x for x in parts))


def _at_once(s: n.Stmt, facts: Facts) -> n.Stmt:
    """Return a statement in which calls that are an index are written as slices."""

    def item(e: n.Expr) -> n.Expr:
        return _written(_parts(e)) if isinstance(e, n.Call) and _is_call(e, s, facts) else e

    if not any(_is_call(e, s, facts) for e in inside(s, n.Call)):
        return s
    return map_stmt_exprs(s, lambda e: map_expr(e, lambda x: _indexed(x, item)))


def _indexed(e: n.Expr, item: Callable[[n.Expr], n.Expr]) -> n.Expr:
    """Return an item or part of something with each of its indices changed."""
    if not isinstance(e, n.Subscript):
        return e
    if isinstance(e.index, n.TupleExpr):
        return replace(e, index=n.TupleExpr(tuple(map(item, e.index.items))))
    return replace(e, index=item(e.index))


def _made(s: n.Stmt, facts: Facts) -> list[n.Expr] | None:
    """Return the parts of a slice of whole numbers that a statement binds a variable to."""
    value = s.value if isinstance(s, n.Assign) and sole_target(s) is not None else None
    if not isinstance(value, n.Call) or s.uid not in facts.before:
        return None
    if not _is_call(value, s, facts):
        return None
    parts = _parts(value)
    kinds = [facts.value(x, s.uid).kind for x in parts if x != NOTHING]
    whole = all(isinstance(kind, Number) and kind.type == "int" for kind in kinds)
    return parts if whole and sole_target(s) not in names(value) else None


def _without(
    function: n.Function, facts: Facts, name: str, fresh: Callable[[str], str]
) -> n.Function:
    """Return the function without a variable that holds slices; itself where that is not said."""
    every = _every(function)
    bindings = [s for s in every if name in bound_here(s)]
    made = {s.uid: parts for s in bindings if (parts := _made(s, facts)) is not None}
    guarded = {x for s in every if isinstance(s, (n.Try, n.With)) for x in _mentioned(s)}
    param = any(p.name == name for p in function.params)
    if len(made) < len(bindings) or param or name in guarded.union(*map(_inner, every)):
        return function
    kept = _settled(function, bindings[0], name) if len(bindings) == 1 else None
    ends = _ends(name, list(made.values()), kept, fresh)
    if ends is None:
        return function
    # what was said of a line that is not there any more
    said = {
        behind.uid: s.comments.before
        for block in every_block(function.body)
        for s, behind in pairwise(block)
        if s.uid in made and ends == made[s.uid]
    }

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid in made:
            pairs = [(end, x) for end, x in zip(ends, made[s.uid]) if end != x]
            new = [n.Assign((end,), x, origin=s.origin) for end, x in pairs]
            return (replace(new[0], comments=s.comments), *new[1:]) if new else ()
        if name in said_by(s):
            s = map_stmt_exprs(s, lambda e: map_expr(e, lambda x: _read(x, name, ends)))
        before = (*said.get(s.uid, ()), *s.comments.before)
        return (replace(s, comments=replace(s.comments, before=before)),) if before else (s,)

    body = map_block(function.body, visit)
    done = replace(function, body=body)
    left = _known_elsewhere(done).union(*map(_mentioned, done.body))
    return function if name in left else done


def _mentioned(s: n.Stmt) -> set[str]:
    """Return the names that a statement says or binds, those in its blocks included."""
    found: set[str] = set()
    for x in walk_stmts((s,)):
        found |= said_by(x) | bound_here(x)
    return found


def _settled(function: n.Function, binding: n.Stmt, name: str) -> frozenset[str] | None:
    """Return the names that have one value wherever the only slice is read, and None where it may
    not have been bound."""
    for block in every_block(function.body):
        uids = [s.uid for s in block]
        if binding.uid in uids:
            rest = block[uids.index(binding.uid) + 1 :]
            reads = Counter(s.uid for s in _every(function) if name in said_by(s))
            behind = Counter(s.uid for s in walk_stmts(rest) if name in said_by(s))
            if reads - behind != Counter({binding.uid: 1}):
                return None
            anew = frozenset().union(*map(bound_here, walk_stmts((binding, *rest))))
            own = {p.name for p in function.params}.union(*map(bound_here, _every(function)))
            return frozenset(own) - anew - _known_elsewhere(function)
    return None


def _known_elsewhere(function: n.Function) -> set[str]:
    """Return the variables that a function which is called may bind."""
    found: set[str] = set()
    for s in _every(function):
        if isinstance(s, n.Global):
            found.update(s.names)
        if isinstance(s, n.FunctionDef):
            found |= free_names(s.function)
    return found


def _ends(
    name: str,
    made: list[list[n.Expr]],
    kept: frozenset[str] | None,
    fresh: Callable[[str], str],
) -> list[n.Expr] | None:
    """Return what stands for start, stop and step of a slice: a constant that all have, a variable
    that keeps its value, or a new one."""

    def is_plain(e: n.Expr) -> bool:
        return isinstance(e, n.Const) or (isinstance(e, n.Name) and e.id in (kept or ()))

    ends: list[n.Expr] = []
    for word, values in zip(ENDS, zip(*made)):
        if all(x == values[0] for x in values) and is_plain(values[0]):
            ends.append(values[0])
        elif NOTHING in values:
            return None
        else:
            ends.append(n.Name(fresh(f"{name}_{word}")))
    new = any(end not in parts for parts in made for end in ends)
    return ends if new or kept is not None else None


def _read(e: n.Expr, name: str, ends: list[n.Expr]) -> n.Expr:
    if isinstance(e, n.Attribute) and e.value == n.Name(name) and e.attr in ENDS:
        return ends[ENDS.index(e.attr)]
    return _indexed(e, lambda x: _written(ends) if x == n.Name(name) else x)
