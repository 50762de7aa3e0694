"""Shape arithmetic on kinds: what broadcasting made of operands, and how to sum it back.

Takes and gives kinds; requires `ir`.
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, Number, broadcast
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
    """True when all variables, items and attributes that `before` reads are read in `after`.

    What algebra cancels may have been all that gave a sum or product its shape.
    """
    left = set(subexprs(after))

    def kept(e: n.Expr) -> bool:
        if isinstance(e, (n.Name, n.Subscript, n.Attribute)):
            return e in left
        return all(map(kept, children(e)))

    return kept(before)


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
