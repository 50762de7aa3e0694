"""Arrays that a callee keeps numbers in come from its caller: for compiled code.

Takes the functions of a module, gives them so; requires `ir`.

    def poly_forward(c, x):                    def poly_forward(c, x, y_saved):
        y_saved = np.empty(len(c))                 ...
        ...                                        return y, (c, x, y_saved)
        return y, (c, x, y_saved)        →     ...
    ...                                            poly_y_saved = np.empty(len(w))
        for i in range(n):                         for i in range(n):
            y, saved = poly_forward(w, z)              y, saved = poly_forward(w, z, poly_y_saved)

To make an array takes as long as twenty multiplications. Each call finds in it what the one before
has left, and reads nothing of that: what the callee made was empty. It must hold numbers, which
are looked up one by one, so that nobody has a part of it later; and where it comes back in the
state of a forward half, that state must be read by reverse halves alone, before the next call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by, sole_target
from s2s_ad.ir.names import BUILTINS, Names
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    bound_here,
    bound_names,
    free_names,
    map_block,
    map_parts,
    names,
    stmt_exprs,
    subexprs,
    substitute,
    walk_stmts,
)

Functions = Mapping[str, n.Function]
Rooms = frozenset[tuple[str, int]]
Size = Callable[[n.Expr], n.Expr | None]
_LOOPS = (n.For, n.While)
_HALF = re.compile(r"_(forward|reverse)\d*\Z")


@dataclass(frozen=True)
class _Room:
    """An array that a function makes: by which statement, and of how many axes. called: its name in
    the callers. state: its place in the state that is returned, None where it does not leave."""

    made: n.Assign
    name: str
    called: str
    axes: int
    state: int | None


@dataclass(frozen=True)
class _Site:
    """A statement that calls a function. path: the statements it stands in, and itself last, each
    with what stands in front of it in its block."""

    function: n.Function
    path: tuple[tuple[n.Block, n.Stmt], ...]

    @property
    def statement(self) -> n.Stmt:
        return self.path[-1][1]


def handed_room(functions: Sequence[n.Function], size: Size) -> list[n.Function]:
    """Return the functions; those that are called in loops get such arrays from where they are.

    size: of an array that an expression makes with nothing in it, None for any other expression.
    """
    known: Functions = {f.name: f for f in functions}
    if any(_lengthens(f) for f in functions):
        return list(functions)  # a length at a call may not be the one in front of its loop
    rooms: Rooms = frozenset()
    while (found := next(_steps(known, size, rooms), None)) is not None:
        known, rooms = found
    return list(known.values())


def _lengthens(f: n.Function) -> bool:
    params = {p.name for p in f.params}
    return any(isinstance(s, (n.Append, n.Pop)) and s.stack in params for s in walk_stmts(f.body))


def _steps(known: Functions, size: Size, rooms: Rooms) -> Iterator[tuple[Functions, Rooms]]:
    """Yield what the module becomes, and all arrays handed in, by one more of them."""
    for f in known.values():
        plain = all(p.default is None and p.kind == "normal" for p in f.params)
        sites = _sites(known, f.name) if plain else []
        if not sites or not any(_in_loop(site, known, frozenset({f.name})) for site in sites):
            continue
        for s in f.body:
            room = _room(f, s, size, rooms)
            moved = None if room is None else _moved(known, f, room, sites)
            if moved is not None:
                yield moved, rooms | {(f.name, len(f.params))}


# -- the callee -----------------------------------------------------------------------------


def _room(f: n.Function, s: n.Stmt, size: Size, rooms: Rooms) -> _Room | None:
    """Return the array that a statement makes, if a function keeps nothing but numbers in it."""
    name = sole_target(s)
    of = size(s.value) if isinstance(s, n.Assign) else None
    if name is None or of is None or not isinstance(s, n.Assign):
        return None
    axes = _axes(of)
    if not axes or names(s.value) & bound_names(f.body):
        return None
    places: set[int] = set()
    handed = 0
    for x in walk_stmts(f.body):
        if x.uid == s.uid or name not in said_by(x):
            continue
        times = list(all_parts(x)).count(n.Name(name))
        at = _state_place(x, name)
        handed += _handed(x, name, rooms)
        known = _looked_up(x, name, axes) + _handed(x, name, rooms) + (at is not None)
        if times != known or name in bound_here(x) or isinstance(x, (n.Append, n.Pop)):
            return None
        places |= set() if at is None else {at}
    called = name if handed else f"{_HALF.sub('', f.name)}_{name}"
    state = next(iter(places), None)
    return _Room(s, name, called, axes, state) if len(places) < 2 else None


def _axes(size: n.Expr) -> int:
    """Return how many axes an array of a size has, 0 where that is not written."""
    items = size.items if isinstance(size, n.TupleExpr) else (size,)
    for e in items:
        parts = subexprs(e)
        shapes = sum(isinstance(x, n.Attribute) and x.attr == "shape" for x in parts)
        looked_up = sum(
            isinstance(x, n.Subscript) and isinstance(x.value, n.Attribute) for x in parts
        )
        if shapes != looked_up or any(isinstance(x, n.TupleExpr) for x in parts):
            return 0
    return len(items)


def _looked_up(s: n.Stmt, name: str, axes: int) -> int:
    """Return how many single items of an array a statement reads or stores."""
    count = 0
    for e in all_parts(s):
        if isinstance(e, n.Subscript) and e.value == n.Name(name):
            items = e.index.items if isinstance(e.index, n.TupleExpr) else (e.index,)
            count += len(items) == axes and not any(isinstance(x, n.Slice) for x in items)
    return count


def _handed(s: n.Stmt, name: str, rooms: Rooms) -> int:
    """Return how many times a statement hands an array to callees for what they keep."""
    calls = [e for e in all_parts(s) if isinstance(e, n.Call) and isinstance(e.func, n.Name)]
    return sum(
        x == n.Name(name) and isinstance(e.func, n.Name) and (e.func.id, k) in rooms
        for e in calls
        for k, x in enumerate(e.args)
    )


def _state_place(s: n.Stmt, name: str) -> int | None:
    """Return the place of a variable in the state that a forward half returns behind its value."""
    value = s.value if isinstance(s, n.Return) else None
    state = value.items[1] if isinstance(value, n.TupleExpr) and len(value.items) == 2 else None
    if not isinstance(state, n.TupleExpr) or state.items.count(n.Name(name)) != 1:
        return None
    return state.items.index(n.Name(name))


# -- the callers ----------------------------------------------------------------------------


def _sites(known: Functions, name: str) -> list[_Site]:
    """Return the statements that call a function; none where it is called, or named, otherwise."""
    found: list[_Site] = []
    for g in known.values():
        for path in _paths(g.body):
            s = path[-1][1]
            parts = list(all_parts(s))
            if n.Name(name) not in parts:
                continue
            called = [e for part in stmt_exprs(s) for e in _surely(part) if _calls(e, name)]
            if g.name == name or parts.count(n.Name(name)) != len(called):
                return []
            if any(e.keywords for e in called):
                return []
            found.append(_Site(g, path))
    return found


def _calls(e: n.Expr, name: str) -> TypeGuard[n.Call]:
    return isinstance(e, n.Call) and e.func == n.Name(name)


def _paths(
    block: n.Block, around: tuple[tuple[n.Block, n.Stmt], ...] = ()
) -> Iterator[tuple[tuple[n.Block, n.Stmt], ...]]:
    for k, s in enumerate(block):
        path = (*around, (block[:k], s))
        yield path
        for inner in blocks(s):
            yield from _paths(inner, path)


def _surely(e: n.Expr) -> Iterator[n.Expr]:
    """Yield the parts of an expression that are evaluated whenever it is, once."""
    yield e
    if isinstance(e, n.Binary):
        yield from _surely(e.left)
        yield from _surely(e.right)
    elif isinstance(e, n.Unary):
        yield from _surely(e.operand)
    elif isinstance(e, (n.TupleExpr, n.Call)):
        for x in e.items if isinstance(e, n.TupleExpr) else e.args:
            yield from _surely(x)


def _in_loop(site: _Site, known: Functions, seen: frozenset[str]) -> bool:
    """True for a call in a loop, or in a function that is called in one; never in a recursion."""
    name = site.function.name
    if name in seen:
        return False
    if any(isinstance(s, _LOOPS) for _, s in site.path):
        return True
    return any(_in_loop(x, known, seen | {name}) for x in _sites(known, name))


def _is_recursive(name: str, known: Functions) -> bool:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        called = free_names(known[waiting.pop()]) & known.keys() - seen
        seen |= called
        waiting.extend(called)
    return name in seen


def _moved(
    known: Functions, f: n.Function, room: _Room, sites: Sequence[_Site]
) -> Functions | None:
    """Return the module with an array made by the callers; None where one of them cannot."""
    if _is_recursive(f.name, known):
        return None
    callers: dict[str, n.Function] = {}
    for site in sites:
        if room.state is not None and not _read_in_time(known, site, room):
            return None
        made = _made_for(f, room, site)
        if made is None:
            return None
        g = callers.get(site.function.name, site.function)
        callers[g.name] = _with_room(g, f.name, site, *made)
    changed = {**callers, f.name: _receiving(f, room)}
    return {name: changed.get(name, g) for name, g in known.items()}


def _made_for(f: n.Function, room: _Room, site: _Site) -> tuple[n.Expr, int, str] | None:
    """Return what makes the array for a call, in front of which statement, and what it is called;
    None where that is not known in front of all loops around the call."""
    g = site.function
    calls = [e for e in all_parts(site.statement) if _calls(e, f.name)]
    given = {e.args for e in calls}
    args = given.pop() if len(given) == 1 else ()
    if len(args) != len(f.params):
        return None
    values = {p.name: x for p, x in zip(f.params, args)}
    own = bound_names(g.body) | {p.name for p in g.params}
    read = names(room.made.value)
    outside = read - values.keys()
    if outside & own or not all(_is_simple(values[x]) for x in read & values.keys()):
        return None
    value = substitute(room.made.value, values)
    depth = next((k for k, (_, s) in enumerate(site.path) if isinstance(s, _LOOPS)), None)
    first = len(site.path) - 1 if depth is None else depth
    start = site.path[first][1]
    bound = {p.name for p in g.params}
    for before, _ in site.path[: first + 1]:
        bound |= {x for y in before if isinstance(y, n.Assign) for x in bound_here(y)}
    needed = names(value) & own
    if not needed <= bound or (depth is not None and needed & assigned((start,))):
        return None
    names_taken = own | free_names(g) | BUILTINS
    return value, start.uid, Names(names_taken).fresh(room.called)


def _is_simple(e: n.Expr) -> bool:
    return isinstance(e, (n.Name, n.Const)) or (
        isinstance(e, n.Subscript)
        and isinstance(e.value, n.Name)
        and isinstance(e.index, (n.Name, n.Const))
    )


def _with_room(
    g: n.Function, name: str, site: _Site, value: n.Expr, start: int, called: str
) -> n.Function:
    """Return a caller that makes an array in front of a statement and hands it to its call."""
    uid = site.statement.uid

    def handing(e: n.Expr) -> n.Expr:
        return replace(e, args=(*e.args, n.Name(called))) if _calls(e, name) else e

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        new = map_parts(s, handing) if s.uid == uid else s
        if s.uid != start:
            return (new,)
        return n.Assign((n.Name(called),), value, of=s.of, origin=s.origin), new

    return replace(g, body=map_block(g.body, visit))


def _receiving(f: n.Function, room: _Room) -> n.Function:
    """Return the callee with the array as its last parameter."""
    k = next(k for k, s in enumerate(f.body) if s.uid == room.made.uid)
    rest = f.body[k + 1 :]
    said = room.made.comments.before
    if said and rest:
        comments = rest[0].comments
        first = replace(rest[0], comments=replace(comments, before=(*said, *comments.before)))
        rest = (first, *rest[1:])
    doc = (f.docstring or "").rstrip()
    doc += (" " if "\n\nAdds to " in doc else "\n\n") + f"The caller has made {room.name}."
    body = (*f.body[:k], *rest)
    return replace(f, params=(*f.params, n.Param(room.name)), body=body, docstring=doc.lstrip())


def _read_in_time(known: Functions, site: _Site, room: _Room) -> bool:
    """True when the state of a call is only handed to reverse halves that look up items of the
    array, behind the call in its block."""
    s, g = site.statement, site.function
    target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
    if not isinstance(target, n.TupleExpr) or len(target.items) != 2:
        return False
    state = target.items[1]
    if not isinstance(s, n.Assign) or not isinstance(s.value, n.Call):
        return False
    if not isinstance(state, n.Name) or state in target.items[:1]:
        return False
    around = site.path[-2][1] if len(site.path) > 1 else None
    block = next(
        b for b in (blocks(around) if around else (g.body,)) if any(x.uid == s.uid for x in b)
    )
    behind = block[1 + next(k for k, x in enumerate(block) if x.uid == s.uid) :]
    inside = {x.uid for x in walk_stmts(behind)}
    for x in walk_stmts(g.body):
        if x.uid == s.uid or state.id not in said_by(x):
            continue
        parts = list(all_parts(x))
        if parts.count(state) == 0:
            continue  # in a block of it
        taken = [
            (known.get(e.func.id), k)
            for e in parts
            if isinstance(e, n.Call) and isinstance(e.func, n.Name)
            for k, arg in enumerate(e.args)
            if arg == state
        ]
        if x.uid not in inside or state.id in bound_here(x) or len(taken) != parts.count(state):
            return False
        if not all(r is not None and _only_looks(r, k, room) for r, k in taken):
            return False
    return True


def _only_looks(r: n.Function, k: int, room: _Room) -> bool:
    """True for a reverse half that takes a state apart and looks up items of the array in it."""
    if k >= len(r.params) or room.state is None:
        return False
    param = r.params[k].name
    uses = [s for s in walk_stmts(r.body) if n.Name(param) in all_parts(s)]
    unpack = uses[0] if len(uses) == 1 else None
    if unpack not in r.body or not isinstance(unpack, n.Assign) or unpack.value != n.Name(param):
        return False
    parts = unpack.targets[0] if len(unpack.targets) == 1 else None
    if not isinstance(parts, n.TupleExpr) or room.state >= len(parts.items):
        return False
    array = parts.items[room.state]
    if not isinstance(array, n.Name) or parts.items.count(array) != 1 or array.id == param:
        return False
    return all(
        list(all_parts(s)).count(array) == _looked_up(s, array.id, room.axes)
        and array.id not in bound_here(s)
        and not (isinstance(s, (n.Append, n.Pop)) and s.stack == array.id)
        for s in walk_stmts(r.body)
        if s is not unpack
    )
