"""Stores of a part of an array into another part of it that NumPy makes item by item.

Takes a store with the facts around it, refuses those that may read what they have stored already;
requires `ir`, `analysis`.

NumPy copies what overlaps first, but for parts of one axis: `a[:, 3] = a[2]` stores `a[2, 3]` and
reads it again, and `x[::2] = x[:4]` gives what the layout in memory makes of it. There is no
derivative of that to give. Parts that are as far from item to item are stored as if copied.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.analysis.aliasing import TURNED, store_root
from s2s_ad.analysis.indexing import constant_int, never_same, picks
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import INT, Array, Kind, ListOf, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import each_of, names
from s2s_ad.rules.sharing import SHARES
from s2s_ad.transform.context import Context

Path = tuple[n.Expr, ...]


def check_overlap(context: Context, s: n.Stmt, target: n.Expr, value: n.Expr) -> None:
    """Refuse a store that may read what it has stored already."""
    root = store_root(target)
    if root is None or not isinstance(s, n.Assign) or not isinstance(target, n.Subscript):
        return
    if root not in names(value) or not isinstance(context.kind(n.Name(root), s.uid), Array):
        return
    if _is_view(context, value, s, root) and not any(
        _is_gathered(context.kind(x, s.uid)) for x in each_of(target.index)
    ):
        in_line = all(_may_have_one_axis(context, x, s) for x in (target, value))
        value, turned = _turned(context, value, s)
        if in_line and not _is_as_if_copied(target, value, turned):
            raise context.refuse(
                s,
                value,
                "a store of a part of an array into another that may overlap, item by item",
                "store a copy: `a[:, j] = a[i].copy()`",
            )


def apart(context: Context, s: n.Stmt, store: n.Assign) -> n.Assign:
    """Return the store beside a store, of a copy where that of `a[:, 3] + k` is `a_dot[:, 3]`."""
    target = s.targets[0] if isinstance(s, n.Assign) else None
    place, e = store.targets[0], store.value
    root = store_root(place)
    if target is None or root not in names(e) or not _may_have_one_axis(context, target, s):
        return store
    if not _is_view(context, e, s, root or "") or _is_as_if_copied(place, e):
        return store
    return replace(store, value=n.Call(context.np("array"), (e,)))


def _may_have_one_axis(context: Context, e: n.Expr, s: n.Stmt) -> bool:
    kind = context.kind(e, s.uid)
    if isinstance(kind, Array):
        return kind.dims is None or len(kind.dims) == 1
    return not isinstance(kind, Number)


def _is_gathered(kind: Kind) -> bool:
    """True for an index by an array of integers, not by a mask: what is stored is copied first."""
    if isinstance(kind, Array):
        return kind.dtype == "int"
    return isinstance(kind, ListOf) and kind.item == INT


def _is_view(context: Context, e: n.Expr, s: n.Stmt, root: str) -> bool:
    """True for what may be a view of a variable."""
    while True:
        if isinstance(e, n.Subscript):
            if picks(e.index, lambda x: context.kind(x, s.uid)):
                return False
            e = e.value
        elif isinstance(e, n.Attribute) and e.attr in TURNED:
            e = e.value
        elif isinstance(e, n.Call):
            return context.newness(e) <= SHARES and root in names(e)
        else:
            return e == n.Name(root)


def _turned(context: Context, e: n.Expr, s: n.Stmt) -> tuple[n.Expr, bool]:
    """Return what `np.flip` turns round and True, all else as it is."""
    found = context.facts.object_of(e.func, s.uid) if isinstance(e, n.Call) else None
    turned = isinstance(e, n.Call) and len(e.args) == 1 and not e.keywords
    if isinstance(e, n.Call) and turned and found is not None and found[0] is np.flip:
        return e.args[0], True
    return e, False


def _is_as_if_copied(target: n.Expr, value: n.Expr, turned: bool = False) -> bool:
    """True for parts that never overlap, or of which NumPy reads each item before it is stored.
    turned: whether the value is read from its end.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> for pair in ("a[:, 3]; a[2]", "a[:, i]; a[i]", "a[i]; a[j]", "a[i, 1:]; a[1:, i]"):
    ...     print(pair, _is_as_if_copied(*map(parse_expr, pair.split("; "))))
    a[:, 3]; a[2] False
    a[:, i]; a[i] True
    a[i]; a[j] True
    a[i, 1:]; a[1:, i] True
    >>> for pair in ("x[::2]; x[:4]", "x[1::2]; x[::2]", "x[3:]; x[2::-1]", "a[0, 1:]; a[1:, 2]"):
    ...     print(pair, _is_as_if_copied(*map(parse_expr, pair.split("; "))))
    x[::2]; x[:4] False
    x[1::2]; x[::2] True
    x[3:]; x[2::-1] True
    a[0, 1:]; a[1:, 2] True
    """
    one, other = _path(target), _path(value)
    if one is None or other is None:
        return False
    against = _direction(one) * _direction(other)
    if against == (1 if turned else -1):
        return True  # copied first
    if turned:
        return False
    size = max(len(one), len(other))
    one, other = (x + (n.ALL,) * (size - len(x)) for x in (one, other))
    if [_step(x) for x in one] == [_step(x) for x in other]:
        return True  # in the order in which nothing is read late
    if any(_apart(x, y) or _apart(y, x) for x, y in zip(one, other)):
        return True
    # `a[1:, i]` and `a[i, 1:]`: the item that they share is the same of both
    crossed = [(x, y) for x, y in zip(one, other) if x != y]
    return len(crossed) == 2 and crossed[0] == crossed[1][::-1] and any(map(_counts_up, crossed[0]))


def _path(e: n.Expr) -> Path | None:
    """Return the index of a part of a variable, less what is whole at its end."""
    if isinstance(e, n.Name):
        return ()
    if not isinstance(e, n.Subscript):
        return None
    before, items = _path(e.value), each_of(e.index)
    odd = (n.ELLIPSIS, n.Const("None", None))
    if before is None or any(isinstance(x, n.Slice) for x in before) or set(items) & set(odd):
        return None
    path = (*before, *items)
    while path and path[-1] == n.ALL:
        path = path[:-1]
    return path


def _step(item: n.Expr) -> n.Expr | None:
    """Return how far apart the items of a slice are, None for a single place."""
    if not isinstance(item, n.Slice):
        return None
    return n.Const("1", 1) if item.step is None else item.step


def _counts_up(item: n.Expr) -> bool:
    """True for a slice that does not begin at a place counted from the end of the axis."""
    return isinstance(item, n.Slice) and (constant_int(item.lower) or 0) >= 0


def _direction(path: Path) -> int:
    """Return 1 for a part that counts up, -1 for one that counts down, else 0."""
    found = 1
    for step in map(_step, path):
        size = 1 if step is None else constant_int(step)
        found *= 0 if not size else 1 if size > 0 else -1
    return found


def _apart(place: n.Expr, part: n.Expr) -> bool:
    """True for an index, and a slice or another index of the same axis, that never meet."""
    if isinstance(place, n.Slice):
        return False
    if not isinstance(part, n.Slice):
        return never_same(place, part)
    at, low, high = constant_int(place), constant_int(part.lower), constant_int(part.upper)
    if at is None or (part.step is not None and (constant_int(part.step) or 0) <= 0):
        return False
    if at >= 0:
        return low is not None and low > at
    return high is not None and high <= at
