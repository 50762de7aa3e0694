"""Loops over a sequence that their body changes: each item is read when its turn comes.

Takes a Function with its facts, gives it with loops over active lists and arrays that are changed
meanwhile written by position, which is how Python runs over them. Requires `ir`, `analysis`.

    for v in todo:                      i = 0
        if v > 1.0:             →       while i < len(todo):
            todo.append(0.5 * v)            v = todo[i]
                                            i += 1
                                            if v > 1.0:
                                                todo.append(0.5 * v)

An array has as many items at the end as at the start: its loop is one over `range(len(x))`. Where
the body gives the variable another list first, what it changes is not what the loop runs over:

    for v in todo:                      todo2 = todo
        todo = [v]              →       for v in todo2:
        todo.append(v * v)                  todo = [v]
                                            todo.append(v * v)
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection

from s2s_ad.analysis.flow import Facts
from s2s_ad.frontend.questions import Refuse
from s2s_ad.frontend.views import viewed
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, read_within, sole_target, stored_by
from s2s_ad.ir.kinds import Array, Kind, ListOf, Unknown, is_immutable
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    container_of,
    map_block,
    names,
    subexprs,
    substitute,
    target_names,
    walk_stmts,
)

GROWS = frozenset("append clear extend insert pop remove".split())
ORDERS = frozenset("reverse sort".split())
ZERO, ONE = n.Const("0", 0), n.Const("1", 1)


def by_position(
    function: n.Function, facts: Facts, fresh: Names, alias: Callable[[str], str], refuse: Refuse
) -> n.Function:
    """Return the function with loops over active sequences that change written by position."""
    changed = {
        s.uid: with_viewed(changed_in_place(s.body), s.body, facts)
        for s in walk_stmts(function.body)
        if isinstance(s, n.For)
    }

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        return written(s) if isinstance(s, n.For) and s.uid in facts.before else (s,)

    def beside(s: n.For, arrays: tuple[n.Name, ...]) -> tuple[n.Stmt, ...]:
        """Return a loop over rows of several arrays, some of which it changes."""
        assert isinstance(s.target, (n.TupleExpr, n.ListExpr))
        index = n.Name(fresh.fresh("i"))
        sizes = tuple(n.Call(n.Name(alias("len")), (x,)) for x in arrays)
        least = sizes[0] if _are_as_long(arrays, s, facts) else n.Call(n.Name(alias("min")), sizes)
        take = [
            n.Assign((t,), n.Subscript(x, index), origin=s.origin)
            for t, x in zip(s.target.items, arrays)
        ]
        steps = n.Call(n.Name(alias("range")), (least,))
        return (replace(s, target=index, iter=steps, body=(*take, *s.body)),)

    def written(s: n.For) -> tuple[n.Stmt, ...]:
        given = set(target_names(s.target))
        rows = bool(changed[s.uid] & given)
        arrays = _beside(s, facts) if rows else ()
        if arrays and (rebound(s.body) | given).isdisjoint(x.id for x in arrays):
            return beside(s, arrays)
        over, counted = run_over(s, facts)
        if not isinstance(over, n.Name):
            return (s,)
        name, kind = over.id, facts.value(over, s.uid).kind
        sizes, items = resized(s.body), changed_in_place(s.body)
        known = isinstance(kind, (ListOf, Array)) or (isinstance(kind, Unknown) and name in sizes)
        rows = rows and isinstance(kind, Array)
        if not rows and (name not in items or not known or not facts.varied(over, s.uid)):
            return (s,)
        comments = replace(n.NO_COMMENTS, before=s.comments.before)
        rest = replace(s.comments, before=())
        if name in rebound(s.body) - given and _is_bound_first(s, name):
            held = n.Name(fresh.fresh(name))
            hold = n.Assign((held,), over, origin=s.origin, comments=comments)
            return hold, replace(s, iter=substitute(s.iter, {name: held}), comments=rest)
        if name in rebound(s.body) | given:
            message = f"a loop over `{name}`, which is changed and bound anew in it"
            raise refuse(s, message, "give what is bound in the loop another name", over)
        size = n.Call(n.Name(alias("len")), (over,))
        if name not in sizes:
            index, target = _own_index(s, counted is not None)
            index = index or n.Name(fresh.fresh("i"))
            take = n.Assign((target,), item(over, index, counted, target is s.target))
            steps = n.Call(n.Name(alias("range")), (size,))
            body = (replace(take, origin=s.origin), *s.body)
            return (replace(s, target=index, iter=steps, body=body),)
        index = n.Name(fresh.fresh("i"))
        take = n.Assign((s.target,), item(over, index, counted, True), origin=s.origin)
        step = n.AugAssign(index, "+", ONE, origin=s.origin)
        start = n.Assign((index,), ZERO, origin=s.origin, comments=comments)
        test = n.Compare(index, ("<",), (size,))
        early = any(isinstance(x, n.Continue) for x in walk_stmts(s.body))
        body = (take, step, *s.body) if early else (take, *s.body, step)
        return (start, n.While(test, body, s.orelse, origin=s.origin, comments=rest))

    def item(
        over: n.Expr, index: n.Expr, counted: Callable[[n.Expr], n.Expr] | None, whole: bool
    ) -> n.Expr:
        found = n.Subscript(over, index)
        return n.TupleExpr((counted(index), found)) if counted is not None and whole else found

    return replace(function, body=map_block(function.body, visit))


def _own_index(s: n.For, counted: bool) -> tuple[n.Name | None, n.Expr]:
    """Return the user's index of a loop over `enumerate(x)`, and the target of the items."""
    pair = s.target.items if isinstance(s.target, (n.TupleExpr, n.ListExpr)) else ()
    plain = counted and isinstance(s.iter, n.Call) and len(s.iter.args) == 1 and not s.iter.keywords
    if plain and len(pair) == 2 and isinstance(pair[0], n.Name):
        return pair[0], pair[1]
    return None, s.target


def _beside(s: n.For, facts: Facts) -> tuple[n.Name, ...]:
    """Return the arrays of `for a, b in zip(x, y)`, nothing for other loops."""
    e, several = s.iter, isinstance(s.target, (n.TupleExpr, n.ListExpr))
    if not isinstance(e, n.Call) or e.keywords or not several:
        return ()
    found = facts.object_of(e.func, s.uid)
    arrays = tuple(x for x in e.args if isinstance(x, n.Name))
    known = all(isinstance(facts.value(x, s.uid).kind, Array) for x in arrays)
    if found is None or found[0] is not zip or not known or len(arrays) < len(e.args):
        return ()
    targets = s.target.items if isinstance(s.target, (n.TupleExpr, n.ListExpr)) else ()
    plain = not any(isinstance(t, n.Starred) for t in targets)
    return arrays if plain and len(targets) == len(arrays) else ()


def _are_as_long(arrays: tuple[n.Name, ...], s: n.For, facts: Facts) -> bool:
    """True for arrays that have the same number of items."""
    kinds = [facts.value(x, s.uid).kind for x in arrays]
    first = {k.dims[0] if isinstance(k, Array) and k.dims else None for k in kinds}
    return len(first) == 1 and None not in first


def run_over(s: n.For, facts: Facts) -> tuple[n.Expr, Callable[[n.Expr], n.Expr] | None]:
    """Return what a loop runs over, and of `enumerate` what it gives at a position."""
    e = s.iter
    if not isinstance(e, n.Call) or not e.args:
        return e, None
    found = facts.object_of(e.func, s.uid)
    if found is None or found[0] is not builtins.enumerate:
        return e, None
    starts = [*e.args[1:], *(k.value for k in e.keywords)]
    if not starts:
        return e.args[0], lambda index: index
    start = starts[0]
    fixed = isinstance(start, n.Const)
    return (e.args[0] if fixed else e), lambda index: n.Binary("+", index, start)


def with_viewed(found: Collection[str], block: n.Block, facts: Facts) -> frozenset[str]:
    """Return variables with the arrays that they are views of: parts, or rows that loops give."""
    if not found:
        return frozenset()
    pairs: set[tuple[str, str]] = set()
    for s in walk_stmts(block):
        name, array = sole_target(s), viewed(s, facts)
        if name is not None and array is not None:
            pairs.add((name, array.id))
        if isinstance(s, n.For) and s.uid in facts.before:
            over, _ = run_over(s, facts)
            if isinstance(over, n.Name) and isinstance(facts.value(over, s.uid).kind, Array):
                pairs |= {(x, over.id) for x in target_names(s.target)}
    seen = set(found)
    while more := {array for name, array in pairs if name in seen} - seen:
        seen |= more
    return frozenset(seen)


def resized(block: n.Block) -> set[str]:
    """Return the variables whose number of items a block may change in place."""
    found: set[str] = set()
    for s in walk_stmts(block):
        if isinstance(s, (n.Append, n.Pop)):
            found.add(s.stack)
        elif isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
            found.add(s.target.id)
        targets = s.targets if isinstance(s, (n.Assign, n.Delete)) else ()
        for t in targets:
            if isinstance(t, n.Subscript) and (
                isinstance(s, n.Delete) or isinstance(t.index, n.Slice)
            ):
                found |= names(container_of(t))
        found |= _methods(s, GROWS)
    return found


def changed_in_place(block: n.Block) -> set[str]:
    """Return the variables whose items a block visibly changes."""
    found = resized(block)
    for s in walk_stmts(block):
        targets = s.targets if isinstance(s, n.Assign) else ()
        if isinstance(s, n.AugAssign):
            targets = (s.target,)
        for t in (x for target in targets for x in subexprs(target)):
            if isinstance(t, n.Subscript):
                found |= names(container_of(t))
        found |= _methods(s, ORDERS)
    return found


def rebound(block: n.Block) -> set[str]:
    """Return the variables to which a block gives other objects."""
    grown = {s.stack for s in walk_stmts(block) if isinstance(s, (n.Append, n.Pop))}
    grown |= {
        s.target.id
        for s in walk_stmts(block)
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name)
    }
    kept = tuple(s for s in walk_stmts(block) if not isinstance(s, (n.Append, n.AugAssign)))
    bound = {
        x
        for s in kept
        if isinstance(s, (n.Assign, n.For, n.Pop))
        for t in (s.targets if isinstance(s, n.Assign) else (s.target,))
        for x in target_names(t)
    }
    return bound | (assigned(block) - grown)


def _is_bound_first(loop: n.For, name: str) -> bool:
    """True when each round gives the variable another value before it changes any in place."""
    too_early = False

    def run(block: n.Block, bound: bool) -> bool | None:
        """Return whether the variable is bound anew behind a block, None where it is left."""
        nonlocal too_early
        for s in block:
            given = isinstance(s, n.For) and name in target_names(s.target)
            ends = [run(inner, bound or given) for inner in blocks(s)]
            if not bound and name in (
                _methods(s, GROWS | ORDERS) if ends else changed_in_place((s,))
            ):
                too_early = True
            if isinstance(s, (n.Break, n.Continue, n.Raise, n.Return)):
                return None
            if isinstance(s, n.If):
                reached = [end for end in ends if end is not None]
                if not reached:
                    return None
                bound = all(reached)
            elif not ends:
                bound = bound or name in rebound((s,))
        return bound

    run(loop.body, False)
    return not too_early


def _methods(s: n.Stmt, wanted: frozenset[str]) -> set[str]:
    """Return the variables of which a statement calls such a method."""
    inside = all_parts(s)
    called = [e.func for e in inside if isinstance(e, n.Call)]
    return {
        f.value.id
        for f in called
        if isinstance(f, n.Attribute) and f.attr in wanted and isinstance(f.value, n.Name)
    }


def may_say_less(e: n.Expr, s: n.For, facts: Facts) -> bool:
    """True when a loop may change, by any name, an item that says how often it runs: `e`."""

    def kind(x: n.Expr) -> Kind:
        return facts.value(x, s.uid).kind

    def is_length(f: n.Expr) -> bool:
        return facts.object_of(f, s.uid) == (len,)

    within = read_within(e, is_length, lambda x: isinstance(kind(x), Array))
    in_place = stored_by(s) | resized(s.body)
    read = [kind(n.Name(x)) for x in within & facts.locals]
    others = [kind(n.Name(x)) for x in in_place & facts.before[s.uid].keys()]
    return bool(within & changed_by(s)) or any(_may_be_one(a, b) for a in read for b in others)


def _may_be_one(a: Kind, b: Kind) -> bool:
    """True for containers that may be one and the same under two names."""
    if is_immutable(a) or is_immutable(b):
        return False
    if isinstance(a, Array) and isinstance(b, Array):
        return a.dtype is None or b.dtype is None or a.dtype == b.dtype
    known = not isinstance(a, Unknown) and not isinstance(b, Unknown)
    return not known or type(a) is type(b)
