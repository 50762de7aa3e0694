"""Adjoints of arrays that a callee adds to what its caller has: for compiled code.

Takes the functions of a module, gives them so; requires `ir`.

    def dot_reverse(a, b, s_bar):              def dot_reverse(a, b, s_bar, a_bar):
        a_bar = np.zeros_like(a)                   for i in range(len(a)):
        for i in range(len(a)):                        a_bar[i] += s_bar * b[i]
            a_bar[i] = s_bar * b[i]       →    ...
        return a_bar                               w_bar = np.zeros_like(w)
    ...                                            for i in range(n):
        w_bar = np.zeros_like(w)                       dot_reverse(w, X[i], z_bar, w_bar)
        for i in range(n):
            w_bar += dot_reverse(w, X[i], z_bar)

A call that looks up one entry of an array then costs as much as one entry, not as all of them. The
callee must do nothing with its array but add to it, and the caller's must be its own: no other
argument of the call may be a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import leaves, mentioned, said_by, sole_target, stored_by
from s2s_ad.ir.names import marked
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    bound_here,
    map_block,
    names,
    stmt_exprs,
    subexprs,
    walk_stmts,
)

# the argument of a call that makes zeros like an array, None for any other expression
Zeros = Callable[[n.Expr], "n.Expr | None"]
Changes = dict[int, tuple[n.Stmt, ...]]


@dataclass(frozen=True)
class Tools:
    """What the pass asks of its caller. made: zeros like an array. number: whether a variable of a
    function, by their names, certainly is a number, and whether it is a whole one."""

    zeros: Zeros
    made: Callable[[n.Expr], n.Expr]
    number: Callable[[str, str], bool]
    whole: Callable[[str, str], bool]


@dataclass(frozen=True)
class _Site:
    """A call of a function: where it is, and what its results are bound to."""

    function: n.Function
    statement: n.Assign | n.AugAssign
    call: n.Call
    targets: tuple[n.Expr, ...]


@dataclass
class _Module:
    functions: list[n.Function]
    tools: Tools
    # by function, how many of its last parameters are arrays that it adds to
    adds: dict[str, int] = field(default_factory=dict)


def added_into(functions: Sequence[n.Function], tools: Tools) -> list[n.Function]:
    """Return the functions; those called by others add to arrays of theirs where they can."""
    module = _Module(list(functions), tools)
    again = True
    while again:
        again = any(
            _convert(module, name, k)
            for name in [f.name for f in module.functions]
            for k in reversed(range(_results(_named(module, name))))
        )
    return module.functions


def _named(module: _Module, name: str) -> n.Function:
    return next(f for f in module.functions if f.name == name)


def _returned(s: n.Stmt) -> tuple[n.Expr, ...]:
    if not isinstance(s, n.Return) or s.value is None:
        return ()
    return s.value.items if isinstance(s.value, n.TupleExpr) else (s.value,)


def _ends(f: n.Function) -> set[n.Expr]:
    return {e for s in walk_stmts(f.body) for e in _returned(s)}


def _results(f: n.Function) -> int:
    """Return how many results each return of a function gives, 0 where they differ."""
    sizes = {len(_returned(s)) for s in walk_stmts(f.body) if isinstance(s, n.Return)}
    return sizes.pop() if len(sizes) == 1 else 0


def _convert(module: _Module, name: str, k: int) -> bool:
    """Let a function add its result at a place to an array of its callers, if that is better."""
    f = _named(module, name)
    sites = _sites(module, f)
    if not sites or k >= _results(f):
        return False
    results = {_returned(s)[k] for s in walk_stmts(f.body) if isinstance(s, n.Return)}
    # an exit that returns zeros adds nothing
    zeros = {e: like for e in results if (like := module.tools.zeros(e)) is not None}
    results -= zeros.keys()
    adjoint = results.pop() if len(results) == 1 else None
    if not isinstance(adjoint, n.Name):
        return False
    of = _adds_only(module, f, adjoint.id)
    if of is None or any(like != n.Name(of) for like in zeros.values()):
        return False
    changes: dict[str, Changes] = {}
    merged = False
    for site in sites:
        given = _given(module, f, site, of)
        found = None if given is None else _changed(module, site, k, given)
        if found is None:
            return False
        own, into = found
        # a callee that returns it in turn may be handed what its own caller has
        handed = bool(_sites(module, site.function)) and site.targets[k] in _ends(site.function)
        merged = merged or into or handed
        changes.setdefault(site.function.name, {}).update(own)
    if not merged:
        return False
    module.functions = [
        replace(x, body=map_block(x.body, _as_said(changes.get(x.name, {}))))
        for x in module.functions
    ]
    module.functions = [
        _adding(x, adjoint.id, k) if x.name == name else x for x in module.functions
    ]
    module.adds[name] = module.adds.get(name, 0) + 1
    return True


def _as_said(changes: Changes) -> Callable[[n.Stmt], tuple[n.Stmt, ...]]:
    return lambda s: changes.get(s.uid, (s,))


# -- the callee -----------------------------------------------------------------------------


def _adds_only(module: _Module, f: n.Function, adjoint: str) -> str | None:
    """Return the array whose adjoint a function makes, if it does nothing but add to it."""
    made = [s for s in walk_stmts(f.body) if _binds(s, adjoint)]
    like = {module.tools.zeros(s.value) for s in made if isinstance(s, n.Assign)}
    of = like.pop() if len(like) == 1 else None
    if not isinstance(of, n.Name) or any(sole_target(s) != adjoint for s in made):
        return None
    params = {p.name for p in f.params}
    rebound = [s for s in walk_stmts(f.body) if _binds(s, of.id)]
    if of.id in params:
        settled = not rebound
    else:
        settled = len(rebound) == 1 and rebound[0] in f.body and _unpacks(rebound[0], params)
    if not settled or not _once(f.body, adjoint) or any(of.id in stored_by(s) for s in f.body):
        return None
    uids = {s.uid for s in made}
    for s in walk_stmts(f.body):
        if s.uid not in uids and adjoint in said_by(s) and not _adds(module, s, adjoint):
            return None
    return of.id


def _binds(s: n.Stmt, name: str) -> bool:
    """True for a statement that gives a variable another array; to add to one does not."""
    return name in bound_here(s) and not isinstance(s, n.AugAssign)


def _unpacks(s: n.Stmt, params: set[str]) -> bool:
    return isinstance(s, n.Assign) and isinstance(s.value, n.Name) and s.value.id in params


def _once(body: n.Block, adjoint: str) -> bool:
    """True when an array is made once on each way through a function, and in no loop."""
    found = False
    for s in body:
        if not any(_binds(x, adjoint) for x in walk_stmts((s,))):
            continue
        if found:
            return False
        if isinstance(s, n.If):
            ways = [b.body for b in s.branches] + ([s.orelse] if s.orelse else [])
            # what follows makes its own, unless the branch has left
            for way in ways:
                if any(_binds(x, adjoint) for x in walk_stmts(way)) and not (
                    _once(way, adjoint) and isinstance(way[-1], n.Return)
                ):
                    return False
        elif isinstance(s, n.Assign):
            found = True
        else:
            return False
    return True


def _adds(module: _Module, s: n.Stmt, adjoint: str) -> bool:
    """True for a statement that adds to an array, returns it, or hands it to one that adds."""
    times = sum(x == n.Name(adjoint) for e in stmt_exprs(s) for x in subexprs(e))
    if isinstance(s, n.Return):
        return times == _returned(s).count(n.Name(adjoint)) == 1
    if isinstance(s, n.AugAssign) and s.op in "+-":
        return times == 1 and adjoint in (_root(s.target), None)
    if isinstance(s, n.Assign) and isinstance(s.targets[0], n.Subscript):
        # the first thing that is stored: it is zero until then
        return times == 1 == len(s.targets) and s.targets[0].value == n.Name(adjoint)
    call = s.value if isinstance(s, (n.Assign, n.AugAssign, n.ExprStmt)) else None
    if not isinstance(call, n.Call) or not isinstance(call.func, n.Name):
        return False
    many = module.adds.get(call.func.id, 0)
    return times == 1 and many > 0 and n.Name(adjoint) in call.args[-many:]


def _root(target: n.Expr) -> str | None:
    """Return the array that a target is, or an item of."""
    if isinstance(target, n.Subscript):
        target = target.value
    return target.id if isinstance(target, n.Name) else None


def _adding(f: n.Function, adjoint: str, k: int) -> n.Function:
    """Return the callee with an array to add to as its last parameter."""

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if sole_target(s) == adjoint:
            return ()
        if isinstance(s, n.Assign) and _root(s.targets[0]) == adjoint:
            op, value = "+", s.value
            if isinstance(value, n.Unary) and value.op == "-":
                op, value = "-", value.operand
            return (n.AugAssign(s.targets[0], op, value, of=s.of, comments=s.comments),)
        if isinstance(s, n.Return):
            rest = (*_returned(s)[:k], *_returned(s)[k + 1 :])
            only = rest[0] if rest else None
            return (replace(s, value=n.TupleExpr(rest) if len(rest) > 1 else only),)
        return (s,)

    body = map_block(f.body, visit)
    if body and isinstance(body[-1], n.Return) and body[-1].value is None:
        body = body[:-1]
    doc = f.docstring or ""
    more = (
        f"{doc.rstrip()}\n\nAdds to {adjoint}."
        if "\n\nAdds to " not in doc
        else (doc.rstrip().removesuffix(".") + f" and {adjoint}.")
    )
    params = (*f.params, n.Param(adjoint))
    return replace(f, params=params, body=body or (n.Pass(),), docstring=more)


# -- the callers ----------------------------------------------------------------------------


def _sites(module: _Module, f: n.Function) -> list[_Site]:
    """Return the calls of a function, none where one is not a statement of its own."""
    found: list[_Site] = []
    for g in module.functions:
        for s in walk_stmts(g.body):
            if f.name not in said_by(s):
                continue
            call = s.value if isinstance(s, (n.Assign, n.AugAssign)) else None
            called = isinstance(call, n.Call) and call.func == n.Name(f.name) and not call.keywords
            if g.name == f.name or not isinstance(s, (n.Assign, n.AugAssign)) or not called:
                return []
            assert isinstance(call, n.Call)
            if f.name in names(n.TupleExpr(call.args)):
                return []
            targets: tuple[n.Expr, ...] = ()
            if isinstance(s, n.AugAssign):
                targets = (s.target,) if s.op == "+" else ()
            elif len(s.targets) == 1:
                target = s.targets[0]
                targets = target.items if isinstance(target, n.TupleExpr) else (target,)
            if len(targets) != _results(f):
                return []
            found.append(_Site(g, s, call, targets))
    return found


def _given(module: _Module, f: n.Function, site: _Site, of: str) -> n.Expr | None:
    """Return what is given for an array: an argument, or what the forward half was given."""
    params = [p.name for p in f.params]
    if len(params) != len(site.call.args):
        return None
    if of in params:
        return site.call.args[params.index(of)]
    unpack = next(s for s in f.body if of in assigned((s,)))
    if not isinstance(unpack, n.Assign) or not isinstance(unpack.value, n.Name):
        return None
    target, state = unpack.targets[0], site.call.args[params.index(unpack.value.id)]
    made = [s for s in walk_stmts(site.function.body) if names(state) & assigned((s,))]
    half = made[0].value if len(made) == 1 and isinstance(made[0], n.Assign) else None
    if not isinstance(target, n.TupleExpr) or not isinstance(half, n.Call):
        return None
    kept = made[0].targets[0] if isinstance(made[0], n.Assign) else None
    if not isinstance(kept, n.TupleExpr) or kept.items[-1] != state:
        return None
    forward = next((g for g in module.functions if half.func == n.Name(g.name)), None)
    ends = [s for s in walk_stmts(forward.body) if isinstance(s, n.Return)] if forward else []
    last = _returned(ends[0])[-1] if len(ends) == 1 and len(_returned(ends[0])) == 2 else None
    if forward is None or not isinstance(last, n.TupleExpr) or half.keywords:
        return None
    if len(last.items) != len(target.items):
        return None
    place = target.items.index(n.Name(of))
    own = [p.name for p in forward.params]
    item = last.items[place]
    if not isinstance(item, n.Name) or item.id not in own or item.id in assigned(forward.body):
        return None
    given = half.args[own.index(item.id)]
    return None if names(given) & assigned(site.function.body) else given


def _changed(module: _Module, site: _Site, k: int, given: n.Expr) -> tuple[Changes, bool] | None:
    """Return what stands for the call, and whether it adds to an array of the caller's."""
    s, target = site.statement, site.targets[k]
    if isinstance(s, n.AugAssign):
        if not _is_own(module, site, target, given):
            return None
        call = replace(site.call, args=(*site.call.args, target))
        return {s.uid: (n.ExprStmt(call, of=s.of, comments=s.comments),)}, True
    if not isinstance(target, n.Name):
        return None
    rest = (*site.targets[:k], *site.targets[k + 1 :])
    use = _use(site, target.id)
    if use is not None and _is_own(module, site, use.target, given):
        changes = {s.uid: _called(site, rest, use.target)}
        left = _without(use.value, target)
        changes[use.uid] = () if left is None else (replace(use, value=left),)
        return changes, True
    if not _is_simple(given) or target.id in names(n.TupleExpr((*site.call.args, given))):
        return None
    zeros = n.Assign((target,), module.tools.made(given), of=s.of, comments=s.comments)
    bare = replace(site, statement=replace(s, comments=n.NO_COMMENTS))
    return {s.uid: (zeros, *_called(bare, rest, target))}, False


def _called(site: _Site, rest: tuple[n.Expr, ...], into: n.Expr) -> tuple[n.Stmt, ...]:
    s = site.statement
    call = replace(site.call, args=(*site.call.args, into))
    if not rest:
        return (n.ExprStmt(call, of=s.of, origin=s.origin, comments=s.comments),)
    target = n.TupleExpr(rest) if len(rest) > 1 else rest[0]
    return (n.Assign((target,), call, of=s.of, origin=s.origin, comments=s.comments),)


def _use(site: _Site, name: str) -> n.AugAssign | None:
    """Return the statement that adds a result to something, if that is all it is for."""
    body = site.function.body
    if sum(name in said_by(s) for s in walk_stmts(body)) != 2:
        return None
    block = next(b for b, _ in _path(body, site.statement.uid)[-1:])
    start = next(i for i, s in enumerate(block) if s.uid == site.statement.uid)
    end = next((i for i, s in enumerate(block) if i > start and name in said_by(s)), start)
    use = block[end]
    if end == start or not isinstance(use, n.AugAssign) or use.op != "+":
        return None
    terms = _terms(use.value)
    if terms.count(n.Name(name)) != 1 or sum(name in names(e) for e in terms) != 1:
        return None
    root = _root(use.target)
    between = mentioned(block[start + 1 : end])
    if any(leaves(s) for s in block[start + 1 : end]):
        return None
    changing = assigned(block[start:end]) & names(use.target)
    return None if root in between or changing or use.comments.before else use


def _terms(e: n.Expr) -> list[n.Expr]:
    if isinstance(e, n.Binary) and e.op == "+":
        return [*_terms(e.left), *_terms(e.right)]
    return [e]


def _without(e: n.Expr, term: n.Expr) -> n.Expr | None:
    """Return a sum without one of its terms, None if that was all."""
    if e == term:
        return None
    if isinstance(e, n.Binary) and e.op == "+":
        left, right = _without(e.left, term), _without(e.right, term)
        return right if left is None else left if right is None else n.Binary("+", left, right)
    return e


def _is_simple(e: n.Expr) -> bool:
    """True for a variable, or a row of one."""
    if isinstance(e, n.Subscript) and isinstance(e.value, n.Name):
        items = e.index.items if isinstance(e.index, n.TupleExpr) else (e.index,)
        return all(isinstance(x, (n.Name, n.Const)) for x in items)
    return isinstance(e, n.Name)


def _path(body: n.Block, uid: int) -> list[tuple[n.Block, int]]:
    """Return the blocks around a statement, outermost first, each with the place in it."""
    for k, s in enumerate(body):
        if s.uid == uid:
            return [(body, k)]
        for inner in blocks(s):
            if found := _path(inner, uid):
                return [(body, k), *found]
    return []


def _is_own(module: _Module, site: _Site, into: n.Expr, given: n.Expr) -> bool:
    """True when a call may add to an array of its caller's: to zeros that were made for the
    variable it is given, or a copy, or a row of either, which no other argument is a part of."""
    f = site.function
    root = _root(into)
    if root is None or not _is_simple(into) or not _is_simple(given):
        return False
    if isinstance(into, n.Subscript) and isinstance(given, n.Subscript):
        if into.index != given.index or not _is_whole(module, f, into.index):
            return False
    elif isinstance(into, n.Subscript) or isinstance(given, n.Subscript):
        return False
    made, region = _made(f.body, site.statement.uid, root)
    of = _root(given) or ""
    # zeros like another array of the same shape; what another call has given is copied
    copied = n.Call(n.Attribute(n.Name(root), "copy"), ())
    like = None if made is None else module.tools.zeros(made.value)
    fresh = like is not None or (made is not None and made.value == copied)
    if not fresh or (like != n.Name(of) and root != marked(of, "bar")):
        return False
    parts = {root}
    size = 0
    while size < len(parts):
        size = len(parts)
        for s in walk_stmts(region):
            if isinstance(s, (n.Assign, n.For)) and parts & said_by(s):
                bound = assigned((replace(s, body=(), orelse=()) if isinstance(s, n.For) else s,))
                parts |= {x for x in bound if not module.tools.number(f.name, x)}
    return not parts & names(n.TupleExpr(site.call.args))


def _is_whole(module: _Module, f: n.Function, index: n.Expr) -> bool:
    items = index.items if isinstance(index, n.TupleExpr) else (index,)
    return all(
        isinstance(x, n.Const) or (isinstance(x, n.Name) and module.tools.whole(f.name, x.id))
        for x in items
    )


def _made(body: n.Block, uid: int, root: str) -> tuple[n.Assign | None, n.Block]:
    """Return the statement that gave a variable the value it has at another one, and what may run
    in between; None where that may be one of several."""
    for block, k in reversed(_path(body, uid)):
        for j in range(k, -1, -1):
            s = block[j]
            if not any(_binds(x, root) for x in walk_stmts((s,))):
                continue
            found = s if j < k and isinstance(s, n.Assign) and sole_target(s) == root else None
            return found, block[j + 1 : k + 1]
    return None, ()
