"""Views of arrays that are stored into are written out: every store is one into the array itself.

Takes a Function with its facts, gives it with such variables replaced by what they are views of.
Requires `ir`, `analysis`.

    for i in range(len(q)):                 for i in range(len(q)):
        row = q[i]                  →           q[i] -= c * q[0]
        row -= c * q[0]                         total += q[i] @ q[i]
        total += row @ row

A variable is replaced where it is bound by a basic index of an array, all uses of that value come
behind in the same block, and neither the array nor what is in the index is bound anew until there.
Another name of an array is such a view too, and so is the transpose of a matrix. So is a row of a
list of lists of plain items, where the list keeps its rows: `row = table[i]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet

from s2s_ad.analysis.flow import Facts, updated_array
from s2s_ad.analysis.held import holds_plain_items, scattered
from s2s_ad.analysis.liveness import live_after
from s2s_ad.frontend.transposed import matrix_of, part_of_transpose, spelled, with_target
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by, sole_target, stored_by
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, ListOf, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    blocks,
    bound_here,
    each_of,
    inside,
    map_block,
    map_expr,
    map_stmt_exprs,
    names,
    subexprs,
    substitute,
    target_names,
    walk_stmts,
)

NO_AXIS = (n.Const("None", None), n.ELLIPSIS)
PLAIN = (n.Name, n.Const, n.Unary, n.Binary, n.Slice)


def without_views(function: n.Function, facts: Facts) -> n.Function:
    """Return the function with one view that is in the way of a store written out; itself where
    there is none."""
    every = tuple(walk_stmts(function.body))
    if not any(_changed(s, facts) for s in every):
        return function
    turned = map_block(function.body, lambda s: (_turned(s, facts),))
    if turned != function.body:
        return replace(function, body=turned)
    if any(len(_single(s, facts)) > 1 for s in every):
        return replace(function, body=map_block(function.body, lambda s: _single(s, facts)))
    bound = Counter(x for s in every for x in bound_here(s) - updated_array(s, facts))
    bound.update(p.name for p in function.params)
    later: dict[int, frozenset[str]] | None = None
    for block, k in _places(function.body):
        s = block[k]
        name, array = sole_target(s), viewed(s, facts)
        if name is None or array is None or not isinstance(s, n.Assign):
            continue
        rest = block[k + 1 :]
        anew = {x for t in walk_stmts(rest) for x in bound_here(t) - updated_array(t, facts)}
        level = not names(s.value) & anew
        alone = bound[name] == 1 and _mentions(function.body, name) == 1 + _mentions(rest, name)
        if not alone:
            later = live_after(function.body) if later is None else later
            if name in anew or name in later[block[-1].uid]:
                continue  # what is read elsewhere may be this value
        if not level or not _is_read_now(rest if alone else function.body, name):
            continue
        if _table_of(s, facts) and not _keeps_rows(function.body, rest, array.id, facts):
            continue
        if s.value == array and array.id not in mentioned(rest):
            continue  # it has changed hands
        if _is_in_the_way(rest, name, array.id, facts):
            return _written_out(function, facts, s, name, rest)
    return function


def _single(s: n.Stmt, facts: Facts) -> tuple[n.Stmt, ...]:
    """Return the assignments of `upper, lower = b[:2], b[1:]`, one by one: neither reads a name
    that is bound."""
    target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
    if not isinstance(s, n.Assign) or not isinstance(target, n.TupleExpr):
        return (s,)
    if not isinstance(s.value, n.TupleExpr) or len(s.value.items) != len(target.items):
        return (s,)
    pairs = list(zip(target.items, s.value.items))
    plain = all(isinstance(t, n.Name) for t in target.items)
    views = any(viewed(replace(s, targets=(t,), value=e), facts) for t, e in pairs)
    if not plain or not views or names(s.value) & set(target_names(target)):
        return (s,)
    first = n.Assign((target.items[0],), s.value.items[0], origin=s.origin, comments=s.comments)
    return first, *(n.Assign((t,), e, origin=s.origin) for t, e in pairs[1:])


def _is_in_the_way(rest: n.Block, view: str, array: str, facts: Facts) -> bool:
    """True when the array changes by way of a view, or while that is still read."""
    changed = [frozenset().union(*(_changed(x, facts) for x in walk_stmts((s,)))) for s in rest]
    last = max((k for k, s in enumerate(rest) if view in mentioned((s,))), default=-1)
    return any(view in found for found in changed) or any(
        array in found for found in changed[: last + 1]
    )


def viewed(s: n.Stmt, facts: Facts) -> n.Name | None:
    """Return the array that an assignment gives a view of, or a view of a view."""
    if not isinstance(s, n.Assign) or s.uid not in facts.before:
        return None

    def kind(x: n.Expr) -> Kind:
        return facts.value(x, s.uid).kind

    e = _view(s, facts)
    found = part_of(matrix_of(e, kind) or e, kind)
    found = found or _table_of(s, facts)
    return found if found is not None and found.id in facts.locals else None


def _table_of(s: n.Assign, facts: Facts) -> n.Name | None:
    """Return the list of lists of plain items of which `row = table[i]` takes a row."""
    e = s.value
    if not isinstance(e, n.Subscript) or not isinstance(e.value, n.Name):
        return None

    def kind(x: n.Expr) -> Kind:
        return facts.value(x, s.uid).kind

    whole = kind(e.value)
    row = whole.item if isinstance(whole, ListOf) else None
    if not isinstance(row, ListOf) or not holds_plain_items(row):
        return None
    single = isinstance(kind(e.index), Number) and _is_basic(e.index, kind)
    return e.value if single else None


def _keeps_rows(body: n.Block, rest: n.Block, table: str, facts: Facts) -> bool:
    """True when no statement of `rest` may give a list of lists another row, or a row another
    place, and the list has no other name in `body` by then."""
    name = n.Name(table)
    behind = {s.uid for s in walk_stmts(rest)}
    for s in _until(body, behind):
        targets = s.targets if isinstance(s, (n.Assign, n.Delete)) else ()
        targets = (s.target,) if isinstance(s, (n.AugAssign, n.For, n.Pop)) else targets
        grown = isinstance(s, (n.Append, n.Pop)) and s.stack == table
        placed = any(isinstance(t, n.Subscript) and t.value == name for t in _flat(targets))
        if s.uid in behind and (grown or placed):
            return False
        if isinstance(s, n.Return):
            continue
        found = all_parts(s)
        known = sum(_is_of_table(x, name, s, facts) for x in found) + sum(
            t == name for t in _flat(targets)
        )
        if sum(x == name for x in found) > known:
            return False
    return True


def _until(body: n.Block, uids: AbstractSet[int]) -> Iterator[n.Stmt]:
    """Yield the statements that may run before one of these has run for the last time."""
    top = [{x.uid for x in walk_stmts((s,))} for s in body]
    last = max((k for k, inner in enumerate(top) if inner & uids), default=-1)
    yield from walk_stmts(body[: last + 1])


def _flat(targets: Iterable[n.Expr]) -> Iterator[n.Expr]:
    for target in targets:
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            yield from _flat(target.items)
        else:
            yield target.value if isinstance(target, n.Starred) else target


def _is_of_table(e: n.Expr, table: n.Name, s: n.Stmt, facts: Facts) -> bool:
    """True for a part of a list, and for its length: neither is another name of it."""
    if isinstance(e, n.Subscript):
        return e.value == table
    if not isinstance(e, n.Call) or e.args != (table,):
        return False
    return s.uid in facts.before and facts.object_of(e.func, s.uid) == (len,)


def _view(s: n.Assign, facts: Facts) -> n.Expr:
    """Return the value of an assignment as it is written in the place of the variable."""

    def object_of(e: n.Expr) -> object:
        found = facts.object_of(e, s.uid)
        return None if found is None else found[0]

    return spelled(s.value, lambda x: facts.value(x, s.uid).kind, object_of)


def _turned(s: n.Stmt, facts: Facts) -> n.Stmt:
    """Return a store into a part of `a.T` as one into a."""
    if s.uid not in facts.before:
        return s
    return with_target(s, lambda x: facts.value(x, s.uid).kind)


def part_of(e: n.Expr | None, kind: Callable[[n.Expr], Kind]) -> n.Name | None:
    """Return the array that an expression is a view of, or that array itself; None where it may
    be something else."""
    while isinstance(e, n.Subscript):
        part = kind(e)
        # an item of an array of unknown rank may be a number, which is no view
        if not isinstance(part, Array) or not part.dims:
            return None
        if not all(_is_basic(x, kind) for x in each_of(e.index)):
            return None
        e = e.value
    return e if isinstance(e, n.Name) and isinstance(kind(e), Array) else None


def _is_basic(e: n.Expr, kind: Callable[[n.Expr], Kind]) -> bool:
    """True for an index that gives a view, and the same one whenever it is evaluated while the
    variables in it have the same values."""
    if not all(isinstance(x, PLAIN) for x in subexprs(e)):
        return False
    if isinstance(e, n.Slice):
        return True
    known = kind(e)
    whole = isinstance(known, Number) and known.type == "int"
    return whole or e in NO_AXIS


def _changed(s: n.Stmt, facts: Facts) -> frozenset[str]:
    """Return the variables whose arrays a statement itself changes in place."""
    found = stored_by(s) if not any(blocks(s)) else frozenset[str]()
    if (added := scattered(s)) is not None:
        found |= names(added[0])
    return found | updated_array(s, facts)


def _places(block: n.Block) -> Iterator[tuple[n.Block, int]]:
    """Yield each statement with its block, but for those of a `try`: where one raises matters."""
    for k, s in enumerate(block):
        yield block, k
        for inner in () if isinstance(s, n.Try) else blocks(s):
            yield from _places(inner)


def _mentions(block: n.Block, name: str) -> int:
    return sum(name in said_by(s) for s in walk_stmts(block))


def _is_read_now(rest: n.Block, name: str) -> bool:
    """True when nothing that may run later reads a variable, and nothing deletes it."""
    for s in walk_stmts(rest):
        if isinstance(s, (n.FunctionDef, n.Delete, n.Global)) and name in mentioned((s,)):
            return False
        if any(name in names(e) for e in inside(s, n.Lambda)):
            return False
    return True


def composed(e: n.Subscript) -> n.Expr:
    """Return a part of a part by one index, where that is as plain.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> for text in ("q[i][1:-1]", "q[i][:]", "q[:, j][0]", "q[i][:, 2]", "q[1:][0]"):
    ...     print(expr_text(composed(parse_expr(text))))
    q[i, 1:-1]
    q[i]
    q[0, j]
    q[i, :, 2]
    q[1:][0]
    """
    if not isinstance(e.value, n.Subscript):
        return e
    first, rest = each_of(e.value.index), list(each_of(e.index))
    known = all(isinstance(x, PLAIN) and x not in NO_AXIS for x in (*first, *rest))
    if not known or any(isinstance(x, n.Slice) and x != n.ALL for x in first):
        return e
    taken = [rest.pop(0) if x == n.ALL and rest else x for x in first] + rest
    while len(taken) > 1 and taken[-1] == n.ALL:
        taken.pop()
    return replace(e.value, index=taken[0] if len(taken) == 1 else n.TupleExpr(tuple(taken)))


def _written_out(
    function: n.Function, facts: Facts, s: n.Assign, name: str, rest: n.Block
) -> n.Function:
    """Return the function without a view. rest: what comes behind it in its block."""
    following, reading = rest[0].uid, {x.uid for x in walk_stmts(rest)}

    view, of_list = _view(s, facts), _table_of(s, facts) is not None

    def visit(x: n.Stmt) -> tuple[n.Stmt, ...]:
        if x.uid == s.uid:
            return ()

        def kind(e: n.Expr) -> Kind:
            return facts.value(e, x.uid).kind if x.uid in facts.before else UNKNOWN

        def at_once(e: n.Expr) -> n.Expr:
            if not isinstance(e, n.Subscript) or e.value != view or of_list:
                return e
            if isinstance(view, n.Attribute):
                return part_of_transpose(e, kind)
            return composed(e) if all(_is_basic(i, kind) for i in each_of(e.index)) else e

        if x.uid in reading and name in said_by(x):
            x = map_stmt_exprs(x, lambda e: map_expr(substitute(e, {name: view}), at_once))
        if x.uid == following:
            before = (*s.comments.before, *x.comments.before)
            x = replace(x, comments=replace(x.comments, before=before))
        return (x,)

    return replace(function, body=map_block(function.body, visit))
