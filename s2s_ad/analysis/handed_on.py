"""Whether what a variable holds, or a part of it, comes to be known under another name.

Takes statements, gives whether one of them hands it on; requires `ir`, `rules.sharing`.

    v = a[k]            hands on a part of `a`
    t = a[k] * 2.0      does not, nor does  b[k] = a[k]  into an array, which copies
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from s2s_ad.analysis.held import scattered
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.walk import each_of, names
from s2s_ad.rules.sharing import WHOLLY_NEW


@dataclass(frozen=True)
class Known:
    """What is known of expressions of a statement. newness: how much of what a call gives is new.
    kind: what is known of an expression."""

    newness: Callable[[n.Call], int]
    kind: Callable[[n.Expr, n.Stmt], Kind]


def is_handed_on(name: str, statements: Iterable[n.Stmt], known: Known) -> bool:
    """True unless no other name comes to hold a part of a variable."""
    return any(_shares(e, name, s, known) for s in statements for e in _handed_on(s, known))


def _handed_on(s: n.Stmt, known: Known) -> tuple[n.Expr, ...]:
    """Return the values that a statement gives to variables and containers, or returns."""
    if isinstance(s, (n.Assign, n.AugAssign)):
        targets = s.targets if isinstance(s, n.Assign) else (s.target,)
        return () if all(_copies(t, s.value, s, known) for t in targets) else (s.value,)
    if isinstance(s, n.For):
        return (s.iter,)
    if isinstance(s, n.With):
        return tuple(manager for manager, _ in s.items)
    value = s.value if isinstance(s, (n.Append, n.Return, n.ExprStmt)) else None
    return () if value is None or scattered(s) is not None else (value,)


def _copies(target: n.Expr, value: n.Expr, s: n.Stmt, known: Known) -> bool:
    """True for items of an array, where what is stored is copied: by an array of numbers, and where
    the entries of one array are given to a part of another."""
    if not isinstance(target, n.Subscript):
        return False
    owner = known.kind(target.value, s)
    if not isinstance(owner, Array):
        return False
    part = any(isinstance(x, n.Slice) for x in each_of(target.index))
    entries = known.kind(value, s)
    return owner.dtype == "float" or (
        part and isinstance(entries, Array) and entries.dtype == "float"
    )


def _shares(e: n.Expr, name: str, s: n.Stmt, known: Known) -> bool:
    """True where what an expression gives may be, or be a part of, what a variable holds."""
    if name not in names(e) or isinstance(e, (n.Binary, n.Unary, n.Compare)):
        return False
    if isinstance(e, (n.TupleExpr, n.ListExpr)):
        return any(_shares(x, name, s, known) for x in e.items)
    if isinstance(e, n.IfExp):
        return _shares(e.body, name, s, known) or _shares(e.orelse, name, s, known)
    if isinstance(e, n.Subscript) and isinstance(known.kind(e, s), Number):
        return False
    if not isinstance(e, n.Call):
        return True
    parts = (e.func, *e.args, *(k.value for k in e.keywords))
    return known.newness(e) != WHOLLY_NEW and any(_shares(x, name, s, known) for x in parts)
