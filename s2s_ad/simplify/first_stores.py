"""The first addition to a part of an array of zeros is a store.

Takes statements of a reverse sweep, gives them with `=` for `+=` where nothing was added to that
part before. Requires `ir`, `analysis.indexing`.

    x_bar = np.zeros_like(x)        x_bar = np.zeros_like(x)
    x_bar[:1] += a          →       x_bar[:1] = a
    x_bar[1:] -= b                  x_bar[1:] = -b
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import names, stmt_exprs, target_names, walk_stmts
from s2s_ad.simplify.algebra import simplify_sum

Parts = dict[str, list[n.Expr]]
Range = tuple[int | None, int | None]


def first_stores(block: n.Block, plain: Callable[[str], bool]) -> n.Block:
    """Return the statements with first additions as stores. plain: whether a variable is an array
    of floats in which no part is another's."""
    out, _ = _block(block, {}, plain)
    return out


def _block(block: n.Block, filled: Parts, plain: Callable[[str], bool]) -> tuple[n.Block, Parts]:
    """filled: by array that began as zeros, the parts that something was added to since."""
    out: list[n.Stmt] = []
    for s in block:
        made = _zeros(s)
        if made is not None and plain(made):
            filled = {**filled, made: []}
        elif isinstance(s, n.AugAssign) and (part := _part(s, filled)) is not None:
            name, index = part
            if all(_are_apart(index, other) for other in filled[name]):
                value = s.value if s.op == "+" else simplify_sum(n.Unary("-", s.value))
                s = n.Assign((s.target,), value, of=s.of, uid=s.uid, comments=s.comments)
            filled = {**filled, name: [*filled[name], index]}
        elif isinstance(s, (n.If, n.For, n.While, n.With)):
            # a loop comes by its stores again
            inner = {} if isinstance(s, (n.For, n.While)) else filled
            if isinstance(s, n.If):
                branches = tuple(
                    replace(b, body=_block(b.body, inner, plain)[0]) for b in s.branches
                )
                s = replace(s, branches=branches, orelse=_block(s.orelse, inner, plain)[0])
            else:
                s = replace(s, body=_block(s.body, inner, plain)[0])
            filled = _without(filled, (s,))
        else:
            filled = _without(filled, (s,))
        out.append(s)
    return tuple(out), filled


def _without(filled: Parts, block: n.Block) -> Parts:
    """Return what is known of arrays that a block does not mention."""
    said: set[str] = set()
    for s in walk_stmts(block):
        for e in stmt_exprs(s):
            said |= names(e)
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


def _are_apart(a: n.Expr, b: n.Expr) -> bool:
    """True for parts that are certain to have no entry in common.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> index = lambda text: parse_expr(f"x[{text}]").index
    >>> _are_apart(index("1:-1"), index("-1:")), _are_apart(index(":, 0"), index(":, 2"))
    (True, True)
    >>> _are_apart(index(":1"), index("-1:")), _are_apart(index("i"), index("0"))
    (False, False)
    """
    left = a.items if isinstance(a, n.TupleExpr) else (a,)
    right = b.items if isinstance(b, n.TupleExpr) else (b,)
    for x, y in zip(left, right):
        one, other = _range(x), _range(y)
        if one is None or other is None:
            return False  # it may stand for any number of axes
        if _ends_before(one, other) or _ends_before(other, one):
            return True
    return False


def _range(index: n.Expr) -> Range | None:
    """Return the bounds of an index along one axis, `(1, -1)` for `1:-1`; None in it: no bound."""
    if not isinstance(index, n.Slice):
        k = constant_int(index)
        return None if k is None else (k, k + 1 if k != -1 else None)
    if index.step is not None:
        return None
    bounds = [None if x is None else constant_int(x) for x in (index.lower, index.upper)]
    given = (index.lower, index.upper)
    if any(x is not None and k is None for x, k in zip(given, bounds)):
        return (None, None)
    return bounds[0], bounds[1]


def _ends_before(a: Range, b: Range) -> bool:
    """True when one range ends where the other begins, or before, both counted from one end."""
    if a[1] is None or b[0] is None:
        return False
    return (a[1] < 0) == (b[0] < 0) and a[1] <= b[0]
