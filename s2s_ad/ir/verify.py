"""What every pass must leave true of a function: nodes where nodes belong, names that are bound.

Takes a function after a pass, gives nothing, raises `BrokenIR` for a defect of ours; requires `ir`.
It runs when the environment says S2S_AD_CHECK=1, which the tests always do.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, get_args

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import remembered
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    bound_here,
    free_names,
    names,
    stmt_exprs,
    target_names,
)

EXPRESSIONS = get_args(n.Expr)
TARGETS = (n.Name, n.Attribute, n.Subscript)
LEAVES = (str, bool, int, type(None))
PARTS = (n.Branch, n.Handler, n.Clause, n.Keyword, n.Param, n.FormattedValue, n.Function)
BLOCKS = (".body", ".orelse", ".final")
NOT_NODES = {"origin", "comments", "uid", "of"}


class BrokenIR(AssertionError):
    """A pass has left a function that is none; a defect of s2s_ad, never of the user's code."""


def is_on() -> bool:
    """True when every pass is verified."""
    return os.environ.get("S2S_AD_CHECK") == "1"


def verify(f: n.Function, after: str, unbound: frozenset[str] = frozenset()) -> None:
    """Raise BrokenIR where a function is not well formed.

    after: the pass that has left it. unbound: what the user's function itself reads too early.
    """
    if not is_on():
        return
    verify_block(f.body, f"{after} of {f.name}")
    early = unbound_reads(f) - unbound
    if early:
        raise BrokenIR(f"{after} of {f.name}: read before any assignment: {sorted(early)}")


def verify_block(block: n.Block, after: str) -> None:
    """Raise BrokenIR where statements are not well formed, whatever binds what they read."""
    if not is_on():
        return
    try:
        _well_formed(block, in_loop=False)
    except BrokenIR as error:
        raise BrokenIR(f"{after}: {error}") from None


def unbound_reads(f: n.Function) -> frozenset[str]:
    """Return the local variables that are read somewhere no assignment can have come before."""
    local = frozenset(assigned(f.body))
    found: set[str] = set()
    _reads(f.body, {p.name for p in f.params}, local, found)
    return frozenset(found)


def _reads(block: n.Block, bound: set[str], local: frozenset[str], found: set[str]) -> set[str]:
    """Add to `found` what is read unbound; return what may be bound behind the block."""
    bound = set(bound)
    for s in block:
        again = isinstance(s, (n.For, n.While))
        if again:
            # the second iteration sees what the first has bound
            bound |= assigned((s,)) - _targets_of_iteration(s)
        read = {x for e in _read(s) for x in names(e)}
        found |= (read & local) - bound - _walrus(s)
        behind = bound | assigned((s,)) if again else bound | _bound_by_head(s)
        # an exception may leave a `try` anywhere
        inside = behind | assigned((s,)) if isinstance(s, n.Try) else behind
        for inner in blocks(s):
            behind = behind | _reads(inner, inside, local, found)
        bound = behind
    return bound


def _targets_of_iteration(s: n.Stmt) -> set[str]:
    """Return what only the statement itself binds, before its body: nothing of a `while`."""
    if not isinstance(s, n.For):
        return set()
    return set(target_names(s.target)) - assigned(s.body) - assigned(s.orelse)


def _read(s: n.Stmt) -> Iterable[n.Expr]:
    """Return the expressions of a statement that it reads, names it only binds left out."""
    bound: tuple[n.Expr, ...] = ()
    if isinstance(s, n.Assign):
        bound = s.targets
    elif isinstance(s, (n.For, n.Pop)):
        bound = (s.target,)
    elif isinstance(s, n.With):
        bound = tuple(to for _, to in s.items if to is not None)
    for e in stmt_exprs(s):
        if any(e is target for target in bound):
            yield from _places(e)
        else:
            yield e


def _places(target: n.Expr) -> Iterable[n.Expr]:
    """Return what a target reads: `a` and `i` of `a[i]`."""
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        for item in target.items:
            yield from _places(item)
    elif isinstance(target, n.Starred):
        yield from _places(target.value)
    elif not isinstance(target, n.Name):
        yield target


def _bound_by_head(s: n.Stmt) -> frozenset[str]:
    """Return what a statement binds itself, whatever its blocks bind."""
    stack = {s.stack} if isinstance(s, (n.Append, n.Pop)) else set()
    return bound_here(s) | stack


def _walrus(s: n.Stmt) -> set[str]:
    inside = all_parts(s)
    return {e.target.id for e in inside if isinstance(e, n.NamedExpr)}


def check_free_names(functions: Sequence[n.Function], known: Iterable[str]) -> None:
    """Raise BrokenIR where a function takes from its module what is not there."""
    if not is_on():
        return
    known = {*known, *(f.name for f in functions), *dir(builtins)}
    for f in functions:
        if missing := free_names(f) - known:
            raise BrokenIR(f"{f.name} takes from its module what is not there: {sorted(missing)}")


def _well_formed(block: n.Block, in_loop: bool) -> None:
    if not isinstance(block, tuple):
        raise BrokenIR(f"a block that is a {type(block).__name__}")
    for s in block:
        if not isinstance(s, n.Stmt):
            raise BrokenIR(f"{s!r} where a statement belongs")
        if isinstance(s, (n.Break, n.Continue)) and not in_loop:
            raise BrokenIR(f"{type(s).__name__} outside of a loop")
        _check_fields(s)
        for target in _targets(s):
            _check_target(target)
        for k, inner in enumerate(blocks(s)):
            loops = isinstance(s, (n.For, n.While)) and k == 0
            _well_formed(inner, in_loop or loops)


def _targets(s: n.Stmt) -> tuple[n.Expr, ...]:
    if isinstance(s, (n.Assign, n.Delete)):
        return s.targets
    return (s.target,) if isinstance(s, (n.AugAssign, n.For, n.Pop)) else ()


def _check_target(target: n.Expr) -> None:
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        for item in target.items:
            _check_target(item.value if isinstance(item, n.Starred) else item)
    elif not isinstance(target, TARGETS):
        raise BrokenIR(f"{target!r} as a target")


@remembered
def _check_fields(node: Any) -> None:
    for field in fields(node):
        if field.name not in NOT_NODES and not (
            isinstance(node, n.Const) and field.name == "value"
        ):
            _check_value(getattr(node, field.name), f"{type(node).__name__}.{field.name}")


def _check_value(value: Any, where: str) -> None:
    if isinstance(value, tuple):
        for item in value:
            _check_value(item, where)
    elif isinstance(value, (*EXPRESSIONS, *PARTS)):
        _check_fields(value)
    elif isinstance(value, n.Stmt) and where.endswith(BLOCKS):
        return  # checked with its block
    elif not isinstance(value, LEAVES):
        raise BrokenIR(f"{value!r} in {where}")
