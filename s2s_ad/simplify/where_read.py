"""Adjoints computed only where they are read: inside the one branch that does.

Takes statements of which some are of a reverse sweep, gives them with those moved into branches;
requires `ir`. Besides the work this saves, a slope that is infinite where the branch is not taken
is not asked for there.

    y_bar = 0.5 / math.sqrt(y)      →       if x > 0.0:
    if x > 0.0:                                 y_bar = 0.5 / math.sqrt(y)
        x_bar += y_bar                          x_bar += y_bar

A choice within an expression, `x_bar += y_bar if x > 0.0 else 0.0`, is made such a branch where a
quotient or a call can be moved into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import read_by
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    map_block,
    names,
    stmt_exprs,
    walk_stmts,
)

Pure = Callable[[n.Expr], bool]


def where_read(body: n.Block, back: frozenset[int], pure: Pure) -> tuple[n.Block, frozenset[int]]:
    """Return the body with assignments of the reverse sweep moved to where they are read, and the
    uids of the reverse sweep."""
    reads = _reads(body)
    opened: set[int] = set()

    def inside(s: n.Stmt) -> tuple[n.Stmt, ...]:
        held = tuple(_moved(block, back, pure, reads, opened) for block in blocks(s))
        if not isinstance(s, n.If):
            return (replace(s, body=held[0]),) if isinstance(s, (n.For, n.While)) else (s,)
        branches = tuple(replace(b, body=block) for b, block in zip(s.branches, held))
        return (replace(s, branches=branches, orelse=held[-1]),)

    return _moved(map_block(body, inside), back, pure, reads, opened), back | opened


def _moved(
    block: n.Block, back: frozenset[int], pure: Pure, reads: Counter[str], opened: set[int]
) -> n.Block:
    out = list(block)
    for k in range(len(out) - 1, -1, -1):
        s = out[k]
        branch_of = _as_branch(s) if s.uid in back else None
        if branch_of is not None:
            taken, branch = _taken(out[:k], branch_of.branches[0].body, back, pure, reads)
            if any(map(_may_fail, branch[: len(taken)])):
                opened |= {x.uid for x in walk_stmts((branch_of,))}
                s = replace(branch_of, branches=(replace(branch_of.branches[0], body=branch),))
                kept = [x for x in out[:k] if x.uid not in taken]
                return (*_moved(tuple(kept), back, pure, reads, opened), s, *out[k + 1 :])
        if isinstance(s, n.If) and s.uid in back and len(s.branches) == 1 and not s.orelse:
            taken, branch = _taken(out[:k], s.branches[0].body, back, pure, reads)
            if taken:
                s = replace(s, branches=(replace(s.branches[0], body=branch),))
                kept = [x for x in out[:k] if x.uid not in taken]
                return (*_moved(tuple(kept), back, pure, reads, opened), s, *out[k + 1 :])
    return block


def _as_branch(s: n.Stmt) -> n.If | None:
    """Return `x_bar += e if c else 0.0`, and `x_bar = e if c else 0.0`, as a branch."""
    value = s.value if isinstance(s, (n.Assign, n.AugAssign)) else None
    if not isinstance(value, n.IfExp) or value.orelse != ZERO or _bound_name(s) is None:
        return None
    if isinstance(value.body, n.IfExp) or s.comments.trailing is not None:
        return None
    assert isinstance(s, (n.Assign, n.AugAssign))
    inner = replace(s, value=value.body, uid=n.fresh_uid(), comments=n.NO_COMMENTS)
    zero: n.Block = ()
    if isinstance(s, n.Assign):
        zero = (replace(s, value=ZERO, uid=n.fresh_uid(), comments=n.NO_COMMENTS),)
    elif s.op not in ("+", "-"):
        return None
    branch = n.Branch(value.test, (inner,))
    return n.If((branch,), zero, origin=s.origin, comments=s.comments, of=s.of)


def _may_fail(s: n.Stmt) -> bool:
    """True for what divides or calls: it costs more than a line, and may raise."""
    return any(
        isinstance(e, n.Call) or (isinstance(e, n.Binary) and e.op in ("/", "**"))
        for e in all_parts(s)
    )


def _taken(
    before: list[n.Stmt], branch: n.Block, back: frozenset[int], pure: Pure, reads: Counter[str]
) -> tuple[set[int], n.Block]:
    """Return the statements in front of a branch, by uid, that go into it, and it with them."""
    staying: set[str] = set()
    while True:
        found = _movable(before, branch, back, pure, reads, staying)
        begun = {_bound_name(s) for s in found if isinstance(s, n.Assign)}
        added = {_bound_name(s) for s in found if isinstance(s, n.AugAssign)}
        if added <= begun:
            return {s.uid for s in found}, (*found, *branch)
        # a sum that goes on from what was there before, perhaps in another turn of a loop
        staying |= {name for name in added - begun if name}


def _movable(
    before: list[n.Stmt],
    branch: n.Block,
    back: frozenset[int],
    pure: Pure,
    reads: Counter[str],
    staying: set[str],
) -> list[n.Stmt]:
    found: list[n.Stmt] = []
    inside = _reads(branch)
    passed: set[str] = set()  # bound by what stays in front
    for s in reversed(before):
        if s.uid not in back or not _is_simple(s, pure):
            break
        name = _bound_name(s)
        value = s.value if isinstance(s, (n.Assign, n.AugAssign)) else None
        own = isinstance(s, n.AugAssign)
        if (
            name is not None
            and value is not None
            and name not in passed | staying
            and not names(value) & passed
            and 0 < reads[name] == inside[name] + own
        ):
            found.insert(0, s)
            inside += _reads((s,))
        else:
            passed |= assigned((s,))
    return found


def _is_simple(s: n.Stmt, pure: Pure) -> bool:
    """True for a statement, its branches included, that does nothing but give variables values."""
    for x in walk_stmts((s,)):
        if not isinstance(x, n.If) and _bound_name(x) is None:
            return False
        if not all(pure(e) for e in stmt_exprs(x)):
            return False
    return True


def _bound_name(s: n.Stmt) -> str | None:
    """Return the variable that a statement gives a value, when that is all it does."""
    if isinstance(s, n.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], n.Name):
        return s.targets[0].id
    if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
        return s.target.id
    return None


def _reads(body: n.Block) -> Counter[str]:
    """Return how often each variable is read, by `x += e` too."""
    found: Counter[str] = Counter()
    for s in walk_stmts(body):
        found.update(read_by(s))
    return found
