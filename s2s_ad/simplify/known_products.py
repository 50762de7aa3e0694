"""A product that has a name is read where a sum of one factor is multiplied by the other.

Takes the body of a generated function, gives it so; requires `ir`. It is what an exponential of a
parameter leaves, and the factor need not be kept:

    scaled = difference * inverse
    s_bar = np.sum(scaled_bar * difference, axis=0) * inverse
                                                            →
    s_bar = np.sum(scaled_bar * scaled, axis=0)

The second factor must be the same along the axes that are summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors, multiplied
from s2s_ad.ir.blocks import changed_by, sole_target
from s2s_ad.ir.kinds import Array, Kind
from s2s_ad.ir.walk import blocks, inside, map_block, map_parts, walk_stmts

Products = dict[tuple[str, str], str]


def known_products(
    body: n.Block, back: frozenset[int], kinds: Callable[[], Callable[[n.Expr], Kind]]
) -> n.Block:
    """Return the body with named products in sums. back: uids of the statements of the reverse
    sweep. kinds: gives what tells the kind of an expression, at all times."""
    sums = (_is_sum(x) for s in walk_stmts(body) if s.uid in back for x in inside(s, n.Call))
    products = _products(body, back) if any(sums) else {}
    if not products:
        return body
    kind = kinds()

    def visit(e: n.Expr) -> n.Expr:
        return _reading(e, products, kind) or e

    def rewritten(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in back or any(blocks(s)):
            return (s,)
        return (map_parts(s, visit),)

    return map_block(body, rewritten)


def _products(body: n.Block, back: frozenset[int]) -> Products:
    """Return products of variables that keep their values, by their factors in either order."""
    changes = Counter(x for s in walk_stmts(body) if not any(blocks(s)) for x in changed_by(s))
    loops = (x for s in walk_stmts(body) if any(blocks(s)) for x in changed_by(s))
    unsteady = set(loops) | {x for x, count in changes.items() if count > 1}
    found: Products = {}
    for s in body:
        name, value = sole_target(s), s.value if isinstance(s, n.Assign) else None
        if name is None or s.uid in back or not isinstance(value, n.Binary) or value.op != "*":
            continue
        one, other = map(_without_first_axes, (value.left, value.right))
        if not isinstance(one, n.Name) or not isinstance(other, n.Name):
            continue
        if unsteady.isdisjoint((name, one.id, other.id)):
            found[one.id, other.id] = found[other.id, one.id] = name
    return found


def _without_first_axes(e: n.Expr) -> n.Expr:
    """Return `x` for `x[None, :]`: NumPy adds axes in front of the others itself."""
    if not isinstance(e, n.Subscript) or not isinstance(e.index, n.TupleExpr):
        return e
    added = [isinstance(x, n.Const) and x.value is None for x in e.index.items]
    rest = e.index.items[added.count(True) :]
    front = all(added[: len(added) - len(rest)]) and all(x == n.ALL for x in rest)
    return e.value if front else e


def _reading(e: n.Expr, products: Products, kind: Callable[[n.Expr], Kind]) -> n.Expr | None:
    """Return `np.sum(d * c, axis=0)` for `np.sum(d * a, axis=0) * b` where c is `a * b`."""
    chain = factors(e) if isinstance(e, n.Binary) and e.op == "*" else []
    for k, (op, factor) in enumerate(chain):
        if op != "*" or not isinstance(factor, n.Name):
            continue
        for j, (sum_op, part) in enumerate(chain):
            negative = isinstance(part, n.Unary) and part.op == "-" and j == 0
            inner = part.operand if negative and isinstance(part, n.Unary) else part
            if sum_op != "*" or not isinstance(inner, n.Call):
                continue
            new = _summed(inner, factor.id, products, kind)
            if new is None:
                continue
            whole = n.Unary("-", new) if negative else new
            rest = [(o, whole if i == j else x) for i, (o, x) in enumerate(chain) if i != k]
            if rest[0][0] == "*":
                return multiplied(rest)
    return None


def _summed(
    e: n.Call, factor: str, products: Products, kind: Callable[[n.Expr], Kind]
) -> n.Expr | None:
    """Return the sum along the first axes with a product by its name in the place of a factor."""
    options = {k.name: k.value for k in e.keywords}
    if not _is_sum(e):
        return None
    summed = _first_axes(options.get("axis"))
    whole, other = kind(e.args[0]), kind(n.Name(factor))
    if options.keys() != {"axis"} or not isinstance(whole, Array) or not isinstance(other, Array):
        return None
    if whole.dims is None or other.dims is None:
        return None
    if not summed or len(other.dims) > len(whole.dims) - summed:
        return None
    chain = factors(e.args[0])
    for k, (op, x) in enumerate(chain):
        name = products.get((x.id, factor)) if isinstance(x, n.Name) and op == "*" else None
        if name is not None:
            new = [*chain[:k], (op, n.Name(name)), *chain[k + 1 :]]
            return n.Call(e.func, (multiplied(new),), e.keywords)
    return None


def _is_sum(e: n.Call) -> bool:
    return isinstance(e.func, n.Attribute) and e.func.attr == "sum" and len(e.args) == 1


def _first_axes(axis: n.Expr | None) -> int:
    """Return how many axes are summed, 0 where they are not the first ones."""
    items = axis.items if isinstance(axis, n.TupleExpr) else (axis,)
    return len(items) if [constant_int(x) for x in items] == list(range(len(items))) else 0
