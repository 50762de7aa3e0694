"""Sums of products of arrays are made without the array of products.

Takes the body of a generated function, gives it with contractions in its reverse sweep; requires
`ir`. They take half the time or less, and no memory:

    np.sum(d * x, axis=1)                   →   np.einsum("ij,ij->i", d, x)
    np.sum(d[:, :, None] * x, axis=1)       →   np.einsum("ij,ijk->ik", d, x)
    np.sum(d * v[:, None], axis=0)          →   v @ d
    np.sum(d * x)                           →   np.vdot(d, x)

The factors must be proved to be arrays of floats, and to have one length along each axis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors, multiplied
from s2s_ad.ir.blocks import changed_by, sole_target
from s2s_ad.ir.kinds import Array, Dim, Kind, Number, same_length
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, inside, map_block, map_parts, names, walk_stmts

LABELS = "ijklmn"
MOST_SUMS = 3  # sums of one product that are each made from its factors
KindOf = Callable[[n.Expr], Kind]


@dataclass(frozen=True)
class Operand:
    """A factor without the axes that were added to it, and which axes of the product it has."""

    value: n.Expr
    axes: str


def contracted(body: n.Block, back: frozenset[int], kind: KindOf) -> n.Block:
    """Return the body with sums of products contracted. back: uids of the reverse sweep.

    kind: that of an expression, at all times.
    """

    if not any(_is_sum(x) for s in walk_stmts(body) for x in inside(s, n.Call)):
        return body

    def visit(e: n.Expr) -> n.Expr:
        return _contraction(e, kind) or e

    def rewritten(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in back or any(blocks(s)):
            return (s,)
        return (map_parts(s, visit),)

    return map_block(_without_products(body, back, kind), rewritten)


# -- products that are only summed


def _without_products(body: n.Block, back: frozenset[int], kind: KindOf) -> n.Block:
    """Return the body in which a product that is only summed is written where it is."""
    reads = Counter(x for s in walk_stmts(body) for x in _read(s))
    writes = Counter(x for s in walk_stmts(body) if not any(blocks(s)) for x in changed_by(s))
    every = (x for s in walk_stmts(body) for x in inside(s, n.Call))
    summed = Counter(x.args[0] for x in every if _is_sum(x))
    out = list(body)
    k = 0
    while k < len(out):
        s, name = out[k], sole_target(out[k])
        new = None
        if isinstance(s, n.Assign) and name is not None and s.uid in back:
            sums = reads[name] - 1  # its target is read too
            single = writes[name] == 1 and 1 <= sums <= MOST_SUMS
            if single and summed[n.Name(name)] == sums and not any(s.comments.before):
                new = _summed_at_once(out[k + 1 :], name, s.value, sums, kind)
        if new is None:
            k += 1
        else:
            out[k:] = new
    return tuple(out)


def _summed_at_once(
    rest: list[n.Stmt], name: str, value: n.Expr, sums: int, kind: KindOf
) -> list[n.Stmt] | None:
    """Return the statements with a product in each of the sums that its name is read in."""
    chain = factors(value)
    arrays = [x for _, x in chain if not isinstance(kind(x), Number)]
    if len(arrays) != 2 or not all(isinstance(_bare(x), n.Name) for x in arrays):
        return None
    free = names(value)

    def written(e: n.Expr) -> n.Expr:
        if not _is_sum(e) or not isinstance(e, n.Call) or e.args != (n.Name(name),):
            return e
        new = replace(e, args=(value,))
        return new if _contraction(new, kind) is not None else e

    out: list[n.Stmt] = []
    for j, s in enumerate(rest):
        count = _read(s).count(name)
        if count and (any(blocks(s)) or not isinstance(s, (n.Assign, n.AugAssign))):
            return None
        if count:
            s = map_parts(s, written)
            if name in _read(s):
                return None
            sums -= count
        out.append(s)
        if not sums:
            return [*out, *rest[j + 1 :]]
        if changed_by(s) & free:
            return None
    return None


def _read(s: n.Stmt) -> list[str]:
    return [x.id for x in inside(s, n.Name)]


# -- a sum of products


def _is_sum(e: n.Expr) -> bool:
    """True for `np.sum(x)` and `np.sum(x, axis=...)`."""
    if not isinstance(e, n.Call) or len(e.args) != 1 or not isinstance(e.func, n.Attribute):
        return False
    known = {k.name for k in e.keywords}
    module = isinstance(e.func.value, n.Name) and e.func.attr == "sum"
    return module and (not known or ("axis" in known and known <= {"axis", "keepdims"}))


def _contraction(e: n.Expr, kind: KindOf) -> n.Expr | None:
    """Return a sum of products as one of its factors over the other, None where that is no sum of
    two arrays."""
    if not isinstance(e, n.Call) or not isinstance(e.func, n.Attribute) or not _is_sum(e):
        return None
    options = {k.name: k.value for k in e.keywords}
    whole = kind(e.args[0])
    keep = options.get("keepdims", n.Const("False", False))
    if not isinstance(whole, Array) or not whole.dims or not isinstance(keep, n.Const):
        return None
    rank = len(whole.dims)
    summed = _axes(options["axis"], rank) if options else set(range(rank))
    if rank > len(LABELS) or summed is None:
        return None
    numbers, arrays = _apart(e.args[0], kind)
    if len(arrays) < 2 or any(op == "/" for op, _ in arrays):
        return None
    rest: n.Expr = multiplied(arrays[:-1])
    if isinstance(rest, n.Unary) and rest.op == "-":
        return None  # the sign is to stand in front of the sum
    operands = [_operand(x, kind, whole.dims) for x in (rest, arrays[-1][1])]
    one, other = operands
    if one is None or other is None or {*one.axes, *other.axes} != set(LABELS[:rank]):
        return None
    gone = {LABELS[k] for k in summed}
    if not gone & {*one.axes} or not gone & {*other.axes}:
        return None
    left = "".join(x for x in LABELS[:rank] if x not in gone)
    new = _product(one, other, left, gone)
    if new is None and not left:
        if one.axes != other.axes or rank == 1 or keep.value is True:
            return None
        new = n.Call(n.Attribute(e.func.value, "vdot"), (one.value, other.value))
    if new is None:
        text = _text(f"{one.axes},{other.axes}->{left}")
        new = n.Call(n.Attribute(e.func.value, "einsum"), (text, one.value, other.value))
    if keep.value is True:
        index = tuple(n.Const("None", None) if k in summed else n.ALL for k in range(rank))
        new = n.Subscript(new, n.TupleExpr(index))
    if not numbers:
        return new
    return multiplied([*numbers, ("*", new)] if numbers[0][0] == "*" else [("*", new), *numbers])


def _product(one: Operand, other: Operand, left: str, gone: set[str]) -> n.Expr | None:
    """Return a product of a matrix and a vector, where that is what the sum is."""
    if len(gone) > 1 or len(left) != 1:
        return None
    summed = next(iter(gone))
    for matrix, vector in ((one, other), (other, one)):
        if len(matrix.axes) == 2 and vector.axes == summed:
            if matrix.axes == left + summed:
                return n.Binary("@", matrix.value, vector.value)
            return n.Binary("@", vector.value, matrix.value)
    return None


def _apart(e: n.Expr, kind: KindOf) -> tuple[list[tuple[str, n.Expr]], list[tuple[str, n.Expr]]]:
    """Return the numbers among the factors of a product, and the others."""
    numbers: list[tuple[str, n.Expr]] = []
    arrays: list[tuple[str, n.Expr]] = []
    for op, x in factors(e):
        (numbers if isinstance(kind(x), Number) else arrays).append((op, x))
    return numbers, arrays


def _bare(e: n.Expr) -> n.Expr:
    """Return an array without the axes that an index adds."""
    if isinstance(e, n.Subscript) and isinstance(e.index, n.TupleExpr):
        items = e.index.items
        if all(x == n.ALL or _is_none(x) for x in items) and any(map(_is_none, items)):
            return e.value
    return e


def _is_none(e: n.Expr) -> bool:
    return isinstance(e, n.Const) and e.value is None


def _operand(e: n.Expr, kind: KindOf, dims: Sequence[Dim]) -> Operand | None:
    """Return a factor with its axes, those of the product that it is spread along left out."""
    value = _bare(e)
    own = kind(value)
    if not isinstance(own, Array) or own.dims is None or own.dtype != "float":
        return None
    if value is e:
        places = list(range(len(dims) - len(own.dims), len(dims)))
    else:
        assert isinstance(e, n.Subscript) and isinstance(e.index, n.TupleExpr)
        items = list(e.index.items)
        items += [n.ALL] * (len(own.dims) - items.count(n.ALL))
        start = len(dims) - len(items)
        places = [start + k for k, x in enumerate(items) if not _is_none(x)]
    if len(places) != len(own.dims) or (places and places[0] < 0):
        return None
    if not all(same_length(dim, dims[k]) for dim, k in zip(own.dims, places)):
        return None
    return Operand(value, "".join(LABELS[k] for k in places))


def _axes(e: n.Expr, rank: int) -> set[int] | None:
    """Return the axes that a sum goes over, None where they are not written out."""
    found = set()
    for x in e.items if isinstance(e, n.TupleExpr) else (e,):
        k = constant_int(x)
        if k is None or not -rank <= k < rank:
            return None
        found.add(k % rank)
    return found


def _text(subscripts: str) -> n.Const:
    return n.Const(f'"{subscripts}"', subscripts)
