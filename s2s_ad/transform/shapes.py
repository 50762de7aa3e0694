"""Shape arithmetic on kinds: what broadcasting made of operands, and how to sum it back.

Takes and gives kinds; requires `ir`.
"""

from __future__ import annotations

from collections.abc import Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import is_arithmetic
from s2s_ad.ir.kinds import ONE, UNKNOWN, Array, Kind, Number, broadcast
from s2s_ad.ir.walk import children, subexprs


def shape_of(*kinds: Kind) -> Kind:
    """Return the kind of a product of factors of these kinds, UNKNOWN when one is unknown."""
    known = [k for k in kinds if isinstance(k, (Number, Array))]
    return broadcast(*known) if len(known) == len(kinds) else UNKNOWN


def same_shape(a: Kind, b: Kind) -> bool:
    """True when values of these kinds are proved to have equal shapes."""
    if isinstance(a, Number) and isinstance(b, Number):
        return True
    if isinstance(a, Array) and isinstance(b, Array) and a.dims is not None and b.dims is not None:
        if len(a.dims) != len(b.dims):
            return False
        return all(
            (x.symbol, x.offset) == (y.symbol, y.offset)
            or (x.one is True and y.one is True)
            or (x.one is False and y.one is False and broadcast_equal(x.one, y.one))
            for x, y in zip(a.dims, b.dims)
        )
    return False


def same_rank(a: Kind, b: Kind) -> bool:
    """True for arrays that are proved to have as many axes."""
    if not isinstance(a, Array) or not isinstance(b, Array) or a.dims is None or b.dims is None:
        return False
    return len(a.dims) == len(b.dims)


def keeps_all(before: n.Expr, after: n.Expr) -> bool:
    """True when all variables, items and attributes that `before` reads are read in `after`, those
    that give a sum or product its shape in a place where they still do.

    What algebra cancels may have been all that gave it: `v @ w` is left of `v @ w + v - v`.
    """
    left = set(subexprs(after))
    shaping = set(_operands(after))

    def kept(e: n.Expr, shapes: bool) -> bool:
        if isinstance(e, (n.Name, n.Subscript, n.Attribute)):
            return e in (shaping if shapes else left)
        return all(kept(x, shapes and is_arithmetic(e)) for x in children(e))

    return kept(before, True)


def _operands(e: n.Expr) -> Iterator[n.Expr]:
    """Yield an expression and the operands of its arithmetic, and of that inside of them."""
    yield e
    if is_arithmetic(e):
        for x in children(e):
            yield from _operands(x)


def broadcast_equal(a: bool | None, b: bool | None) -> bool:
    """Two lengths that met in one elementwise operation, neither of them 1, are equal."""
    return a is False and b is False


def reduced_axes(full: Kind, want: Kind) -> tuple[tuple[int, ...], bool] | None:
    """Return the axes over which `full` must be summed to get the shape `want`, and keepdims.

    None when that is not known. `want` was broadcast to `full` by NumPy.
    """
    if isinstance(full, Number) and isinstance(want, Number):
        return (), False
    if not isinstance(full, Array) or full.dims is None:
        return None
    if isinstance(want, Number):
        return tuple(range(len(full.dims))), False
    if not isinstance(want, Array) or want.dims is None:
        return None
    lead = len(full.dims) - len(want.dims)
    if lead < 0:
        return None
    stretched = []
    for axis, dim in enumerate(want.dims):
        other = full.dims[lead + axis]
        if (dim.symbol, dim.offset) == (other.symbol, other.offset) or dim.one is False:
            continue
        if dim.one is None:
            return None
        if other.one is not True:
            stretched.append(lead + axis)
    if lead and stretched:
        return None
    return (tuple(range(lead)), False) if lead else (tuple(stretched), True)


def summed_over(part: Kind, full: Kind, over: tuple[int, ...], keep: bool) -> Array | None:
    """Return the kind of the sum, over some axes, of what NumPy would spread out to `full`, if it
    has as many entries along these as that, and not along all others; None for something else."""
    if not isinstance(part, Array) or not isinstance(full, Array) or same_shape(part, full):
        return None
    if part.dims is None or full.dims is None or len(part.dims) != len(full.dims):
        return None
    both = [(part.dims[k], full.dims[k]) for k in over]
    if any((a.symbol, a.offset) != (b.symbol, b.offset) for a, b in both):
        return None
    dims = (ONE if k in over else d for k, d in enumerate(part.dims) if keep or k not in over)
    return Array(tuple(dims), part.dtype)
