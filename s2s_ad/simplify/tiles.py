"""An array of zeros that gets all parts of another one, which nobody reads again, is that array.

Takes statements of a reverse sweep, gives them so; requires `ir`. It is what ends that are held
leave, `u = np.concatenate([u[:1], inner, u[-1:]])`:

    u_new_bar = u_bar
    u_bar = np.zeros_like(u)
    u_bar[:1] = u_new_bar[:1]
    inner_bar = u_new_bar[1:-1]             →       inner_bar = u_bar[1:-1]
    u_bar[-1:] += u_new_bar[-1:]
    u_bar[1:-1] = inner_bar
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, mentioned, sole_target, with_blocks
from s2s_ad.ir.kinds import Array, Kind
from s2s_ad.ir.walk import blocks, names, stmt_exprs, walk_stmts

Bounds = tuple[int | None, int | None]


def whole_tiles(
    block: n.Block, owned: Callable[[str, int], bool], kind: Callable[[n.Expr], Kind]
) -> n.Block:
    """Return the statements without arrays put together of all parts of another one.

    owned: whether no other name sees the array of a variable before a statement. kind: that of an
    expression, at all times.
    """
    every = Counter(x for s in walk_stmts(block) for e in stmt_exprs(s) for x in names(e))
    return _Tiles(owned, kind, every).block(block)


class _Tiles:
    def __init__(
        self,
        owned: Callable[[str, int], bool],
        kind: Callable[[n.Expr], Kind],
        every: Counter[str],
    ) -> None:
        self.owned = owned
        self.kind = kind
        self.every = every

    def block(self, block: n.Block) -> n.Block:
        out = [with_blocks(s, self.block) for s in block]
        k = 0
        while k + 1 < len(out):
            new = self.whole(out, k)
            out, k = (new, k) if new is not None else (out, k + 1)
        return tuple(out)

    def whole(self, out: list[n.Stmt], k: int) -> list[n.Stmt] | None:
        """Return the statements without the copy `old = x` at k and the zeros behind it."""
        s, zeros = out[k : k + 2]
        old, x = sole_target(s), s.value if isinstance(s, n.Assign) else None
        if old is None or not isinstance(x, n.Name) or sole_target(zeros) != x.id:
            return None
        like = zeros.value if isinstance(zeros, n.Assign) else None
        func = like.func if isinstance(like, n.Call) and len(like.args) == 1 else None
        if not isinstance(func, n.Attribute) or func.attr != "zeros_like":
            return None
        assert isinstance(like, n.Call)
        length = self.length(n.Name(old), like.args[0])
        if length is None or not self.owned(x.id, s.uid):
            return None
        parts: list[Bounds] = []
        views: dict[str, n.Slice] = {}
        dropped = {k, k + 1}
        moved: dict[int, n.Stmt] = {}
        last = k + 1
        for j in range(k + 2, len(out)):
            t = out[j]
            said = mentioned((t,))
            part = self.part(t, x.id, old, views)
            if part is not None:
                parts.append(part)
                dropped.add(j)
                last = j
            elif (view := _view(t, old)) is not None and view[0] not in views:
                views[view[0]] = view[1]
                moved[j] = n.Assign(
                    (n.Name(view[0]),), n.Subscript(x, view[1]), of=t.of, comments=t.comments
                )
            elif {old, x.id} & said or changed_by(t) & views.keys() or any(blocks(t)):
                break
            if old in said and part is None and j not in moved:
                return None
        said_in = {j for j in range(k, last + 1) if old in mentioned((out[j],))}
        uses = sum(_count(out[j], old) for j in said_in)
        if not _tile(parts, length) or uses != self.every[old]:
            return None
        if not self.are_done(out[last + 1 :], x.id, views.keys()):
            return None
        kept = [(j, moved.get(j, t)) for j, t in enumerate(out) if j not in dropped]
        return [t for _, t in kept]

    def length(self, one: n.Expr, other: n.Expr) -> int | None:
        """Return what the length of two arrays of one shape is not below, None if they are not."""
        a, b = self.kind(one), self.kind(other)
        if not isinstance(a, Array) or not isinstance(b, Array) or not a.dims or not b.dims:
            return None
        same = [(x.symbol, x.offset) for x in a.dims] == [(x.symbol, x.offset) for x in b.dims]
        return max(a.dims[0].least, b.dims[0].least) if same and a.double and b.double else None

    def part(self, s: n.Stmt, x: str, old: str, views: dict[str, n.Slice]) -> Bounds | None:
        """Return which part of `x` gets the same part of `old`."""
        if isinstance(s, n.Assign) and len(s.targets) == 1:
            target, value = s.targets[0], s.value
        elif isinstance(s, n.AugAssign) and s.op == "+":
            target, value = s.target, s.value
        else:
            return None
        if not isinstance(target, n.Subscript) or target.value != n.Name(x):
            return None
        index = target.index
        same = value == n.Subscript(n.Name(old), index)
        if not same and not (isinstance(value, n.Name) and views.get(value.id) == index):
            return None
        return _bounds(index)

    def are_done(self, rest: list[n.Stmt], x: str, views: Collection[str]) -> bool:
        """True when parts that are views of `x` now are not read once it changes."""
        changed = False
        for s in rest:
            if changed and any(v in mentioned((s,)) for v in views):
                return False
            changed = changed or x in changed_by(s) or any(blocks(s))
        return True


def _view(s: n.Stmt, old: str) -> tuple[str, n.Slice] | None:
    """Return the variable and the part of `inner = old[1:-1]`."""
    name, value = sole_target(s), s.value if isinstance(s, n.Assign) else None
    if name is None or not isinstance(value, n.Subscript) or value.value != n.Name(old):
        return None
    return (name, value.index) if isinstance(value.index, n.Slice) else None


def _count(s: n.Stmt, name: str) -> int:
    return sum(name in names(e) for e in stmt_exprs(s))


def _bounds(index: n.Expr) -> Bounds | None:
    """Return the numbers that bound a slice along the first axis, None for an end."""
    if not isinstance(index, n.Slice) or index.step is not None:
        return None
    found = [None if e is None else constant_int(e) for e in (index.lower, index.upper)]
    if any(e is not None and k in (None, 0) for e, k in zip((index.lower, index.upper), found)):
        return None
    return found[0], found[1]


def _tile(parts: list[Bounds], least: int) -> bool:
    """True when parts of an array that has so many entries at least are all of it, each once.

    >>> _tile([(None, 1), (-1, None), (1, -1)], 3), _tile([(None, 1), (-1, None), (1, -1)], 1)
    (True, False)
    >>> _tile([(None, 1), (-1, None)], 3), _tile([(-2, None), (None, -2)], 0)
    (False, True)
    """
    at: int | None = None
    left = list(parts)
    while left:
        following = next((p for p in left if p[0] == at), None)
        if following is None:
            return False
        left.remove(following)
        at = following[1]
        if at is None:
            break
    bounds = [b for p in parts for b in p if b is not None]
    ends = max((b for b in bounds if b > 0), default=0) - min(
        (b for b in bounds if b < 0), default=0
    )
    both = any(b > 0 for b in bounds) and any(b < 0 for b in bounds)
    return not left and at is None and bool(parts) and (not both or ends <= least)
