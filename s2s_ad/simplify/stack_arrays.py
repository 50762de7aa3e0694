"""Lists that only keep values for the reverse sweep become arrays: for compiled code.

Takes a function, gives it with arrays for such lists where it is known, before its loops run, how
many values they will hold at most; requires `ir`.

    x_saved = []                          x_saved = np.empty(n)
    for i in range(n):                    for i in range(n):
        x_saved.append(x)          →          x_saved[i] = x
    for i in reversed(range(n)):          for i in reversed(range(n)):
        x = x_saved.pop()                     x = x_saved[i]

Where the values are not one per step of a loop, they are counted (`x_count`). Where it is not known
how many there will be, the list stays, and is read backwards in the same way. A list that leaves
the function, in what a forward half keeps, leaves as an array either way; a reverse half counts
down in it, which takes nothing out of it. Runs before the loops are turned by `counting_down`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list, said_by, sole_target
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    every_block,
    map_block,
    map_parts,
    names,
    popped,
    walk_stmts,
)
from s2s_ad.simplify.columns import columns_of
from s2s_ad.simplify.counting_down import number, plus
from s2s_ad.simplify.how_many import Count, add, count_of, fills, lengths_of, size_of, start_of
from s2s_ad.simplify.rows import array_in, what_is_kept, written_row


@dataclass(frozen=True)
class Tools:
    """What the pass asks of its caller.

    ours: whether a list is none of the user's. dtype: of the numbers that an expression gives, None
    when it may be anything else. empty: an array of a size and dtype, or of arrays like that in a
    variable, the size being a tuple. array: one of the items of a list. fresh: a new name.
    rank: of the array that a variable is, None where it is none, or of several ranks. steady:
    whether a variable is an array of one shape and dtype at all times, which nothing stores into
    once the forward sweep is over.
    """

    ours: Callable[[str], bool]
    dtype: Callable[[n.Expr], str | None]
    empty: Callable[[n.Expr, str | n.Name], n.Expr]
    array: Callable[[n.Expr], n.Expr]
    fresh: Callable[[str], str]
    rank: Callable[[str], int | None]
    steady: Callable[[str], bool]


def stack_arrays(function: n.Function, tools: Tools) -> n.Function:
    """Return the function with arrays for the lists that only keep numbers."""
    body = map_block(function.body, _as_pop)
    stacks = [s.stack for s in walk_stmts(body) if isinstance(s, (n.Append, n.Pop))]
    for stack in filter(tools.ours, dict.fromkeys(stacks)):
        body, columns = columns_of(body, stack, _kept(body, tools), tools.fresh)
        body = _with_arrays(body, columns, tools)
    return replace(function, body=body)


def _as_pop(s: n.Stmt) -> tuple[n.Stmt, ...]:
    """Write `d[i] = d_saved.pop()` as what it is: a value that is taken back."""
    found = popped(s)
    if found is None or not isinstance(found[0], n.Subscript):
        return (s,)
    return (n.Pop(found[0], found[1], of=s.of, origin=s.origin, comments=s.comments),)


def _with_arrays(body: n.Block, stacks: tuple[str, ...], tools: Tools) -> n.Block:
    """Return the body with an array for each of some lists that are filled, and read, together."""
    stack = stacks[0]
    appends = [s for s in walk_stmts(body) if isinstance(s, n.Append) and s.stack in stacks]
    every = [s for s in walk_stmts(body) if isinstance(s, n.Assign)]
    made = [s for x in stacks for s in every if _makes(s, x)]
    if not appends:
        return _counted_down(body, stack, made, tools)
    escapes = any(_leaves(s, stack) for s in walk_stmts(body))
    kept = _kept(body, tools)
    kinds = [{kept(s.value) for s in appends if s.stack == x} for x in stacks]
    dtypes = [x for found in kinds if len(found) == 1 for x in found if x is not None]
    like = tuple(x.id for x in dtypes if isinstance(x, n.Name))
    only = all(_only_keeps(s, x) for s in walk_stmts(body) for x in stacks)
    if not only or len(dtypes) < len(stacks):
        return body
    place = _place(body, stack, made[0], like) if len(made) == len(stacks) else None
    if like and (place is None or escapes):
        return body
    if place is None and escapes:
        for x in stacks:
            body = _made_array(body, x, tools)
        return body
    if place is None:
        uid = made[0].uid
        if len(made) == len(stacks) and _outside(body, uid, number(0)) != uid:
            numbers = [x for x in dtypes if isinstance(x, str)]
            return _with_room(body, stacks, made, numbers, tools)
        return _read_back(body, stacks, tools)
    where, count, lengths = place
    looked_up = any(_looks_up(s, stack) for s in walk_stmts(body))
    index = _index(_home(body, stack, made[0]), stack, 0 if escapes or looked_up else len(lengths))
    if index is None and (looked_up or like):
        # what is rarely kept may be much shorter, and arrays are large
        return body
    if isinstance(index, n.TupleExpr):
        count = n.TupleExpr(lengths)
    counter = "" if index is not None else tools.fresh(_counter_of(stack))
    arrays: list[n.Stmt] = []
    for x, dtype in zip(stacks, dtypes):
        of_arrays = isinstance(dtype, n.Name) and not isinstance(count, n.TupleExpr)
        size = n.TupleExpr((count,)) if of_arrays else count
        arrays.append(n.Assign((n.Name(x),), tools.empty(size, dtype)))
    zero = [n.Assign((n.Name(counter),), number(0))] if counter else []
    # the same place is used at each step of a loop that makes it for itself
    outer = where if escapes or like else _outside(body, where, count)
    gone = {s.uid for s in made}

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        new: tuple[n.Stmt, ...] = (s,)
        at = n.Name(counter) if index is None else index
        taken = next((x for x in stacks if _takes(s, x)), None)
        if isinstance(s, n.Append) and s.stack in stacks:
            place = n.Subscript(n.Name(s.stack), at)
            row = array_in(s.value)
            rank = tools.rank(row.id) if row is not None else None
            if row is not None and rank is not None:
                new = (written_row(place, row, rank, tools.fresh, s),)
            else:
                new = (_assign(place, s.value, s, s.comments),)
            if counter and s.stack == stacks[-1]:
                new = (*new, n.AugAssign(at, "+", number(1), of=s.of, origin=s.origin))
        elif taken:
            new = _taken(s, taken, at, bool(counter) and taken == stack)
        elif s.uid in gone:
            new = ()
        elif counter and _leaves(s, stack):
            filled = n.Subscript(n.Name(stack), n.Slice(None, n.Name(counter), None))
            new = (_replaced(s, stack, filled),)
        if s.uid == where:
            new = (*zero, *new)
        return (*arrays, *new) if s.uid == outer else new

    comments = made[0].comments
    first = where == outer == made[0].uid
    arrays[0] = replace(arrays[0], comments=comments) if first else arrays[0]
    body = map_block(body, visit)
    return body if first else _commented(body, made[0], arrays[0].uid, comments)


def _kept(body: n.Block, tools: Tools) -> Callable[[n.Expr], str | n.Name | None]:
    return lambda e: what_is_kept(e, body, tools.dtype, tools.rank, tools.steady)


def _assign(
    target: n.Expr, value: n.Expr, s: n.Stmt, comments: n.Comments = n.NO_COMMENTS
) -> n.Assign:
    return n.Assign((target,), value, of=s.of, origin=s.origin, comments=comments)


def _commented(body: n.Block, made: n.Stmt, start: int, comments: n.Comments) -> n.Block:
    """Give the comments of a statement that is gone to the first one of the body."""
    if not comments.before or not body:
        return body
    first = body[0]
    before = (*comments.before, *first.comments.before)
    return (replace(first, comments=replace(first.comments, before=before)), *body[1:])


def _makes(s: n.Assign, stack: str) -> bool:
    return s.targets == (n.Name(stack),) and is_empty_list(s.value)


def _leaves(s: n.Stmt, stack: str) -> bool:
    return isinstance(s, n.Return) and s.value is not None and stack in names(s.value)


def _only_keeps(s: n.Stmt, stack: str) -> bool:
    """True unless a statement uses the list for anything but to keep values."""
    if isinstance(s, n.Append):
        return stack not in names(s.value)
    if _takes(s, stack) or (isinstance(s, n.Assign) and _makes(s, stack)):
        return True
    if _looks_up(s, stack):
        return True
    return _leaves(s, stack) or stack not in said_by(s)


def _takes(s: n.Stmt, stack: str) -> bool:
    """True for a statement that takes the last value out of the list, and sees it no other way."""
    if isinstance(s, n.Pop):
        return s.stack == stack and stack not in names(s.target)
    if not isinstance(s, (n.Assign, n.AugAssign, n.ExprStmt)):
        return False
    parts = all_parts(s)
    return parts.count(_pop(stack)) == 1 == parts.count(n.Name(stack))


def _looks_up(s: n.Stmt, stack: str) -> bool:
    """True for a statement that reads the list at the index of a step that was counted from 0."""
    parts = all_parts(s)
    reads = [x for x in parts if isinstance(x, n.Subscript) and x.value == n.Name(stack)]
    targets = s.targets if isinstance(s, n.Assign) else ()
    plain = all(isinstance(x.index, n.Name) and x not in targets for x in reads)
    return bool(reads) and plain and parts.count(n.Name(stack)) == len(reads)


def _pop(stack: str) -> n.Expr:
    return n.Call(n.Attribute(n.Name(stack), "pop"), ())


def _taken(s: n.Stmt, stack: str, at: n.Expr, counted: bool) -> tuple[n.Stmt, ...]:
    """Return the statement with the value read at a place; that is counted down before."""
    value = n.Subscript(n.Name(stack), at)
    if isinstance(s, n.Pop):
        new: n.Stmt = _assign(s.target, value, s, s.comments)
    else:
        pop = _pop(stack)
        new = map_parts(s, lambda x: value if x == pop else x)
    if not counted:
        return (new,)
    down = n.AugAssign(at, "-", number(1), of=s.of, origin=s.origin, comments=s.comments)
    return down, replace(new, comments=n.NO_COMMENTS)


def _counter_of(stack: str) -> str:
    return stack.replace("_saved", "") + "_count"


def _replaced(s: n.Stmt, stack: str, by: n.Expr) -> n.Stmt:
    return map_parts(s, lambda x: by if x == n.Name(stack) else x)


def _made_array(body: n.Block, stack: str, tools: Tools) -> n.Block:
    """Let a list leave as an array."""
    whole = tools.array(n.Name(stack))
    return map_block(body, lambda s: (_replaced(s, stack, whole),) if _leaves(s, stack) else (s,))


def _counted_down(body: n.Block, stack: str, made: list[n.Assign], tools: Tools) -> n.Block:
    """Read by a counter what a reverse half has been given, instead of taking it out of a copy."""
    copies = [s for s in walk_stmts(body) if isinstance(s, n.Assign) and _copies(s, stack)]
    given = [
        s
        for s in walk_stmts(body)
        if isinstance(s, n.Assign) and any(_unpacks(t, stack) for t in s.targets)
    ]
    uses = [s for s in walk_stmts(body) if stack in said_by(s)]
    known = [*copies, *given]
    pops = [s for s in uses if _takes(s, stack)]
    if made or len(copies) != 1 or len(given) != 1 or len(uses) != len(known) + len(pops):
        return body
    counter = n.Name(tools.fresh(_counter_of(stack)))

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid == copies[0].uid:
            count = n.Call(n.Name("len"), (n.Name(stack),))
            return (n.Assign((counter,), count, comments=s.comments),)
        return _taken(s, stack, counter, True) if _takes(s, stack) else (s,)

    return map_block(body, visit)


def _read_back(body: n.Block, stacks: tuple[str, ...], tools: Tools) -> n.Block:
    """Read lists backwards, where they are emptied after they have been filled: no item is taken
    out."""
    stack = stacks[0]
    filled = [k for k, s in enumerate(body) if fills(s, stack)]
    pops = [k for k, s in enumerate(body) if any(_takes(x, stack) for x in walk_stmts((s,)))]
    if not filled or not pops or pops[0] <= filled[-1]:
        return body
    counter = n.Name(tools.fresh(_counter_of(stack)))

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        taken = next((x for x in stacks if _takes(s, x)), None)
        return _taken(s, taken, counter, taken == stack) if taken else (s,)

    first = body[pops[0]]
    count = n.Call(n.Name("len"), (n.Name(stack),))
    start = n.Assign((counter,), count, of=first.of, origin=first.origin)
    return (*body[: pops[0]], start, *map_block(body[pops[0] :], visit))


def _with_room(
    body: n.Block, stacks: tuple[str, ...], made: list[n.Assign], dtypes: list[str], tools: Tools
) -> n.Block:
    """Use the same lists at each step of a loop that makes them for itself: they grow where they
    have no room yet, and what the step before has kept is overwritten."""
    stack = stacks[0]
    counter = n.Name(tools.fresh(_counter_of(stack)))
    outer = _outside(body, made[0].uid, number(0))
    room = {"float": ZERO, "int": number(0), "bool": n.Const("False", False)}
    start = tuple(replace(s, uid=n.fresh_uid(), comments=n.NO_COMMENTS) for s in made)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        new: tuple[n.Stmt, ...] = (s,)
        taken = next((x for x in stacks if _takes(s, x)), None)
        if isinstance(s, n.Append) and s.stack in stacks:
            place = n.Subscript(n.Name(s.stack), counter)
            new = (_assign(place, s.value, s, s.comments),)
            if s.stack == stack:
                more = tuple(n.Append(x, room[d], of=s.of) for x, d in zip(stacks, dtypes))
                full = n.Compare(counter, ("==",), (n.Call(n.Name("len"), (n.Name(stack),)),))
                new = (n.If((n.Branch(full, more),), of=s.of), *new)
            if s.stack == stacks[-1]:
                new = (*new, n.AugAssign(counter, "+", number(1), of=s.of, origin=s.origin))
        elif taken:
            new = _taken(s, taken, counter, taken == stack)
        elif s.uid == made[0].uid:
            new = (_assign(counter, number(0), s, made[0].comments),)
        elif any(s.uid == x.uid for x in made):
            new = ()
        return (*start, *new) if s.uid == outer else new

    return map_block(body, visit)


def _copies(s: n.Assign, stack: str) -> bool:
    value = s.value
    name = n.Name(stack)
    return (
        s.targets == (name,)
        and isinstance(value, n.Call)
        and value.func == n.Name("list")
        and value.args == (name,)
    )


def _unpacks(target: n.Expr, stack: str) -> bool:
    return isinstance(target, n.TupleExpr) and n.Name(stack) in target.items


# -- how many -------------------------------------------------------------------------------


def _place(
    body: n.Block, stack: str, made: n.Stmt, like: tuple[str, ...]
) -> tuple[int, n.Expr, tuple[n.Expr, ...]] | None:
    """Return the uid of the statement in front of which the array is made, and its size; and as
    many lengths where it is their product, () where it is not.

    like: variables that must have been given their arrays there, in the same block."""
    block = next(b for b in every_block(body) if any(s.uid == made.uid for s in b))
    first = next(k for k, s in enumerate(block) if s.uid == made.uid)
    filling = [k for k, s in enumerate(block) if k > first and fills(s, stack)]
    if not filling or any(fills(s, stack) for s in block[:first]):
        return None
    if sum(_fills_in(s, stack) for s in walk_stmts(body)) != sum(
        _fills_in(s, stack) for s in walk_stmts(block)
    ):
        return None
    total: Count = {}
    for k in filling:
        count = count_of((block[k],), stack)
        if count is None:
            return None
        add(total, count)
    size = size_of(total)
    read = names(size)
    known = {sole_target(s) for s in block[: filling[0]]}
    if not known.issuperset(like):
        return None
    places = ((first, block[first]), (filling[0], block[filling[0]]))
    for start, where in places[1:] if like else places:
        if not read & assigned(block[start : filling[-1] + 1]):
            return where.uid, size, lengths_of(total)
    return None


def _home(body: n.Block, stack: str, made: n.Stmt) -> n.Block:
    """Return the block in which a list is made, if it is used in no other; else the whole."""
    block = next(b for b in every_block(body) if any(s.uid == made.uid for s in b))
    inside = {s.uid for s in walk_stmts(block)}
    uses = [s for s in walk_stmts(body) if stack in said_by(s)]
    return block if all(s.uid in inside for s in uses) else body


def _outside(body: n.Block, uid: int, size: n.Expr) -> int:
    """Return the uid of the outermost loop around a statement in front of which a size is known,
    its own where there is none."""
    for s in body:
        if s.uid == uid:
            return uid
        if any(x.uid == uid for x in walk_stmts((s,))):
            if isinstance(s, (n.For, n.While)) and not names(size) & assigned((s,)):
                return s.uid
            inner = next(b for b in blocks(s) if any(x.uid == uid for x in walk_stmts(b)))
            return _outside(inner, uid, size)
    return uid


def _fills_in(s: n.Stmt, stack: str) -> bool:
    return isinstance(s, n.Append) and s.stack == stack


def _index(body: n.Block, stack: str, axes: int) -> n.Expr | None:
    """Return the place, by the variables of loops, of what is kept in a step of the innermost one.

    Each step of the loop in front, over `range(n)` or `range(1, n)`, keeps one value, and each step
    of the one that runs back takes one; or of loops in loops, of which there are `axes`.
    """
    takes = [s for s in walk_stmts(body) if _takes(s, stack)]
    if sum(_fills_in(s, stack) for s in walk_stmts(body)) != 1 or len(takes) > 1:
        return None
    loops = _nest(_outermost(body), lambda s: _fills_in(s, stack))
    back = _nest(_outermost(body), lambda s: _takes(s, stack)) if takes else loops
    if not loops or len(loops) != len(back) or len(loops) not in (1, axes):
        return None
    places: list[n.Expr] = []
    for loop, other in zip(loops, back):
        start = start_of(loop)
        turned = n.Call(n.Name("reversed"), (loop.iter,))
        if start is None or other.target != loop.target:
            return None
        if takes and other.iter != turned:
            return None
        places.append(plus(loop.target, -start))
    return places[0] if len(places) == 1 else n.TupleExpr(tuple(places))


def _nest(loops: list[n.For], does: Callable[[n.Stmt], bool]) -> tuple[n.For, ...]:
    """Return loops, each a statement of the one in front, of which each step of the last one does
    something; () where none of some loops is the first of such."""
    inside = [x for x in loops if any(map(does, walk_stmts(x.body)))]
    if len(inside) != 1 or _sets(inside[0]) or not isinstance(inside[0].target, n.Name):
        return ()
    loop = inside[0]
    if any(isinstance(s, (n.Break, n.Continue, n.Return)) for s in walk_stmts(loop.body)):
        return ()
    if any(map(does, loop.body)):
        return (loop,)
    rest = _nest([s for s in loop.body if isinstance(s, n.For)], does)
    return (loop, *rest) if rest else ()


def _sets(loop: n.For) -> bool:
    """True when a loop changes its own variable."""
    return bool(names(loop.target) & assigned(loop.body))


def _outermost(block: n.Block) -> list[n.For]:
    """Return the loops that are in no other loop."""
    found: list[n.For] = []
    for s in block:
        if isinstance(s, n.For):
            found.append(s)
        elif isinstance(s, n.If):
            for body in blocks(s):
                found.extend(_outermost(body))
    return found
