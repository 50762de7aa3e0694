"""What passes ask of statements and the blocks in them: what they mention, bind and change.

Takes statements, gives names, or statements with other blocks in them; requires `ir.walk`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import remembered, replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    children,
    container_of,
    inside,
    map_block,
    map_stmt_exprs,
    names,
    popped,
    stmt_exprs,
    substitute,
    walk_stmts,
)

SIZES = ("shape", "size", "ndim")
_NO_NAMES: frozenset[str] = frozenset()
_HOLDING = frozenset((n.If, n.For, n.While))


@remembered
def said_by(s: n.Stmt) -> frozenset[str]:
    """Return the names in what a statement itself holds, targets included, not in its blocks."""
    return _NO_NAMES.union(*map(names, stmt_exprs(s)))


def mentioned(block: n.Block) -> frozenset[str]:
    """Return the names in the expressions of a block and of all blocks in it, targets included."""
    if len(block) == 1:
        return _mentioned_by(block[0])
    return _NO_NAMES.union(*map(_mentioned_by, block))


@remembered
def _mentioned_by(s: n.Stmt) -> frozenset[str]:
    return said_by(s).union(*map(mentioned, blocks(s)))


@remembered
def read_by(s: n.Stmt) -> tuple[str, ...]:
    """Return the variables that a statement itself reads, once for each time: all it says, but for
    those that an assignment binds by their names alone."""
    bound = [t for t in s.targets if isinstance(t, n.Name)] if isinstance(s, n.Assign) else []
    read = [e for e in stmt_exprs(s) if not any(e is t for t in bound)]
    return tuple(x.id for e in read for x in inside(e, n.Name))


def is_empty_list(e: n.Expr | None) -> bool:
    """True for `[]`."""
    return isinstance(e, n.ListExpr) and not e.items


@remembered
def sole_target(s: n.Stmt) -> str | None:
    """Return the variable that an assignment binds, if it binds a single one and nothing else."""
    if isinstance(s, n.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], n.Name):
        return s.targets[0].id
    return None


def definitions(block: n.Block, name: str) -> list[n.Stmt]:
    """Return the statements that may give a variable another value; a loop for what is in it."""
    return [
        s
        for s in walk_stmts(block)
        if name in assigned((s,)) and not isinstance(s, (n.If, n.While))
    ]


@remembered
def stored_by(s: n.Stmt) -> frozenset[str]:
    """Return the variables into whose items, or attributes, a statement or one inside it stores."""
    found: set[str] = set()
    targets = list(s.targets) if isinstance(s, n.Assign) else []
    if isinstance(s, (n.AugAssign, n.For, n.Pop)):
        targets = [s.target]
    while targets:
        target = targets.pop()
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            targets.extend(target.items)
        elif not isinstance(target, n.Name):
            found |= names(container_of(target))
    return frozenset(found).union(*(stored_by(x) for block in blocks(s) for x in block))


@remembered
def changed_by(s: n.Stmt) -> frozenset[str]:
    """Return the variables that a statement binds, or may change in place other than by a call."""
    found = stored_by(s).union(assigned((s,)))
    if isinstance(s, n.ExprStmt):
        found |= names(s.value)
    return found.union(*(changed_by(x) for block in blocks(s) for x in block))


def read_within(
    e: n.Expr, is_length: Callable[[n.Expr], bool], is_array: Callable[[n.Expr], bool]
) -> frozenset[str]:
    """Return the variables whose items may say what an expression gives: not those it only asks for
    their length, or arrays for that of a part. is_length: whether a function is `len`. is_array:
    whether an expression is an array, whose parts keep their lengths."""
    if isinstance(e, n.Call) and is_length(e.func) and len(e.args) == 1:
        of: n.Expr | None = e.args[0]
    else:
        of = e.value if isinstance(e, n.Attribute) and e.attr in SIZES else None
    if of is None:
        own = frozenset({e.id}) if isinstance(e, n.Name) else frozenset[str]()
        return own.union(*(read_within(x, is_length, is_array) for x in children(e)))
    found = frozenset[str]()
    while isinstance(of, n.Subscript):
        found |= read_within(of.index, is_length, is_array)
        if not is_array(of.value):
            return found | read_within(of.value, is_length, is_array)
        of = of.value
    return found if isinstance(of, n.Name) else found | read_within(of, is_length, is_array)


def renamed(block: n.Block, new: Mapping[str, n.Expr]) -> n.Block:
    """Return a block in which other expressions stand for variables, targets and inner blocks
    included."""
    found: list[n.Stmt] = []
    for s in block:
        if not new.keys().isdisjoint(mentioned((s,))):
            (s,) = map_block((s,), lambda x: (map_stmt_exprs(x, lambda e: substitute(e, new)),))
        found.append(s)
    return tuple(found)


def with_blocks(s: n.Stmt, visit: Callable[[n.Block], n.Block]) -> n.Stmt:
    """Return a branch or a loop with each of its blocks as `visit` gives it; others as they are.

    What a `try` or a `with` holds may end anywhere, and is left alone.
    """
    if type(s) not in _HOLDING:
        return s
    if isinstance(s, n.If):
        branches = tuple(replace(b, body=visit(b.body)) for b in s.branches)
        return replace(s, branches=branches, orelse=visit(s.orelse))
    if isinstance(s, (n.For, n.While)):
        return replace(s, body=visit(s.body), orelse=visit(s.orelse))
    return s


def from_outside(block: n.Block, change: Callable[[n.Block], n.Block]) -> n.Block:
    """Return a block as `change` gives it, then the blocks in it so."""
    return tuple(with_blocks(s, lambda x: from_outside(x, change)) for s in change(block))


def from_inside(block: n.Block, change: Callable[[n.Block], n.Block]) -> n.Block:
    """Return a block as `change` gives it once the blocks in it are so."""
    return change(tuple(with_blocks(s, lambda x: from_inside(x, change)) for s in block))


def comes_back(s: n.Stmt) -> bool:
    """True for a statement that takes, or reads, what was kept for the reverse sweep."""
    if (taken := popped(s)) is not None:
        return "saved" in taken[1]
    item = s.value if isinstance(s, n.Assign) else None
    if not isinstance(item, n.Subscript) or not isinstance(item.index, n.Name):
        return False
    return isinstance(item.value, n.Name) and "saved" in item.value.id


def is_fence(s: n.Stmt) -> bool:
    """True for a statement with blocks, or one that ends the block it stands in."""
    ends = (n.Break, n.Continue, n.Return, n.Raise)
    return isinstance(s, ends) or bool(blocks(s))


def leaves(s: n.Stmt) -> bool:
    """True for a statement that may leave the step of a loop it stands in."""
    return any(
        isinstance(x, (n.Break, n.Continue, n.Return, n.Raise, n.Try)) for x in of_step(s)
    ) or any(isinstance(x, (n.Return, n.Raise)) for x in walk_stmts((s,)))


def leaving(function: n.Block) -> Callable[[n.Stmt], bool]:
    """Return a test for statements that may leave their step of a loop while the function goes on.

    function: the whole body. No `return` or `raise` does, where no `try` or `with` is around.
    """
    if any(isinstance(s, (n.Try, n.With)) for s in walk_stmts(function)):
        return leaves
    return lambda s: any(isinstance(x, (n.Break, n.Continue)) for x in of_step(s))


def of_step(s: n.Stmt) -> Iterator[n.Stmt]:
    """Yield a statement and those inside it that are not in a loop inside it."""
    yield s
    if not isinstance(s, (n.For, n.While)):
        for block in blocks(s):
            for x in block:
                yield from of_step(x)
