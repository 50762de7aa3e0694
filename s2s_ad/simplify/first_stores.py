"""The first addition to a part of an array of zeros is a store.

Takes statements of a reverse sweep, gives them with `=` for `+=` where nothing was added to that
part before. Requires `ir`, `analysis.indexing`.

    x_bar = np.zeros_like(x)        x_bar = np.zeros_like(x)
    x_bar[:1] += a          →       x_bar[:1] = a
    x_bar[1:] -= b                  x_bar[1:] = -b
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names, target_names, walk_stmts
from s2s_ad.simplify.algebra import simplify_sum

Parts = dict[str, list[n.Expr]]
Bound = int | n.Expr | None
Range = tuple[Bound, Bound]
Test = Callable[[str], bool]


def first_stores(block: n.Block, plain: Test, natural: Test = lambda name: False) -> n.Block:
    """Return the statements with first additions as stores. plain: whether a variable is an array
    of floats in which no part is another's. natural: whether it is an integer not below 0."""
    out, _ = _FirstStores(plain, natural).block(block, {})
    return out


class _FirstStores:
    def __init__(self, plain: Test, natural: Test) -> None:
        self.plain = plain
        self.natural = natural

    def block(self, block: n.Block, filled: Parts) -> tuple[n.Block, Parts]:
        """filled: by array that began as zeros, the parts that something was added to since."""
        out: list[n.Stmt] = []
        for s in block:
            made = _zeros(s)
            if made is not None and self.plain(made):
                filled = {**filled, made: []}
            elif isinstance(s, n.AugAssign) and (part := _part(s, filled)) is not None:
                name, index = part
                if all(_are_apart(index, other, self.natural) for other in filled[name]):
                    value = s.value if s.op == "+" else simplify_sum(n.Unary("-", s.value))
                    s = n.Assign((s.target,), value, of=s.of, uid=s.uid, comments=s.comments)
                filled = {**filled, name: [*filled[name], index]}
            elif isinstance(s, (n.If, n.For, n.While, n.With)):
                # a loop comes by its stores again
                inner = {} if isinstance(s, (n.For, n.While)) else filled
                if isinstance(s, n.If):
                    branches = tuple(
                        replace(b, body=self.block(b.body, inner)[0]) for b in s.branches
                    )
                    s = replace(s, branches=branches, orelse=self.block(s.orelse, inner)[0])
                else:
                    s = replace(s, body=self.block(s.body, inner)[0])
                filled = _without(filled, (s,))
            elif filled:
                filled = _without(filled, (s,))
            out.append(s)
            if not filled:
                continue
            # what is said of parts is said of those that their bounds mean now
            changed = assigned((s,))
            filled = {x: [_part_now(p, changed) for p in parts] for x, parts in filled.items()}
        return tuple(out), filled


def _part_now(index: n.Expr, changed: set[str]) -> n.Expr:
    return n.ALL if names(index) & changed else index


def _without(filled: Parts, block: n.Block) -> Parts:
    """Return what is known of arrays that a block does not mention."""
    said: set[str] = set()
    for s in walk_stmts(block):
        said |= said_by(s)
        if isinstance(s, (n.Assign, n.AugAssign)):
            targets = s.targets if isinstance(s, n.Assign) else (s.target,)
            said |= {x for t in targets for x in names(t)}
        elif isinstance(s, (n.Append, n.Pop)):
            said |= {s.stack, *(target_names(s.target) if isinstance(s, n.Pop) else ())}
        elif isinstance(s, n.For):
            said |= set(target_names(s.target))
    return {name: parts for name, parts in filled.items() if name not in said}


def _zeros(s: n.Stmt) -> str | None:
    """Return the variable that a statement makes an array of zeros."""
    if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(s.targets[0], n.Name):
        return None
    func = s.value.func if isinstance(s.value, n.Call) else None
    zeros = isinstance(func, n.Attribute) and func.attr == "zeros_like"
    return s.targets[0].id if zeros else None


def _part(s: n.AugAssign, filled: Parts) -> tuple[str, n.Expr] | None:
    """Return the array and the index of what is added to a part of it, if it begins as zeros."""
    if s.op not in "+-" or not isinstance(s.target, n.Subscript):
        return None
    base, index = s.target.value, s.target.index
    if not isinstance(base, n.Name) or base.id not in filled:
        return None
    return None if base.id in names(s.value) | names(index) else (base.id, index)


def _are_apart(a: n.Expr, b: n.Expr, natural: Test = lambda name: False) -> bool:
    """True for parts that are certain to have no entry in common.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> index = lambda text: parse_expr(f"x[{text}]").index
    >>> _are_apart(index("1:-1"), index("-1:")), _are_apart(index(":, 0"), index(":, 2"))
    (True, True)
    >>> _are_apart(index(":1"), index("-1:")), _are_apart(index("i"), index("0"))
    (False, False)
    >>> _are_apart(index(":k"), index("k:")), _are_apart(index(":k"), index("2 * k:"))
    (True, False)
    """
    left = a.items if isinstance(a, n.TupleExpr) else (a,)
    right = b.items if isinstance(b, n.TupleExpr) else (b,)
    for x, y in zip(left, right):
        one, other = _range(x), _range(y)
        if one is None or other is None:
            return False  # it may stand for any number of axes
        if _ends_before(one, other, natural) or _ends_before(other, one, natural):
            return True
    return False


def _range(index: n.Expr) -> Range | None:
    """Return the bounds of an index along one axis, `(1, -1)` for `1:-1`; None in it: no bound."""
    if not isinstance(index, n.Slice):
        k = constant_int(index)
        return None if k is None else (k, k + 1 if k != -1 else None)
    if index.step is not None:
        return None
    lower, upper = (_bound(x) for x in (index.lower, index.upper))
    return lower, upper


def _bound(e: n.Expr | None) -> Bound:
    """Return a bound of a slice: a number, if it is written as one."""
    k = None if e is None else constant_int(e)
    return e if k is None else k


def _ends_before(a: Range, b: Range, natural: Test) -> bool:
    """True when one range ends where the other begins, or before, both counted from one end."""
    end, start = a[1], b[0]
    if end is None or start is None:
        return False
    if isinstance(end, int) and isinstance(start, int):
        return (end < 0) == (start < 0) and end <= start
    if end == start:
        return True  # the same place, from whichever end it is counted
    if isinstance(end, int) or isinstance(start, int):
        return False
    (one, name), (two, other) = _multiple(end), _multiple(start)
    return name == other and bool(name) and natural(name) and one <= two


def _multiple(e: n.Expr) -> tuple[int, str]:
    """Return the factor and the variable of `2 * size`, no variable where it is something else."""
    if isinstance(e, n.Name):
        return 1, e.id
    if isinstance(e, n.Binary) and e.op == "*" and isinstance(e.right, n.Name):
        k = constant_int(e.left)
        return (k, e.right.id) if k is not None and k > 0 else (0, "")
    return 0, ""
