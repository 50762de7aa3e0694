"""The adjoint that a store takes from its place, and what it leaves there.

Takes the reverse of a store as if all were apart, gives it with no more copies and zeros than it
needs; requires `ir`, `transform.contributions`.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.analysis.indexing import never_same
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import map_stmt_exprs, names, stmt_exprs, subexprs, substitute
from s2s_ad.transform.contributions import root_of

_REDUCING = frozenset({"sum", "vdot", "outer"})


def number_taken(seed: n.Name, place: n.Expr, clear: n.Stmt, rest: list[n.Stmt]) -> list[n.Stmt]:
    """Return the reverse of a store of a number: what it contributes to the place it stores into
    is what is there then, and what it has taken from there stays if it only adds to what was there.

        seed = x_bar[i]; x_bar[i] = 0.0; x_bar[i] += seed * w      →   seed = x_bar[i]
                                                                       x_bar[i] = seed * w

    Where it is read once, and goes elsewhere, it is read in its place:

        seed = x_bar[0]; x_bar[0] = 0.0; x_bar[1] += seed          →   x_bar[1] += x_bar[0]
                                                                       x_bar[0] = 0.0
    """
    taken = n.Assign((seed,), place)
    root = root_of(place)
    plain = all(
        isinstance(x, n.AugAssign) and x.op in "+-" and root not in names(x.value) for x in rest
    )
    own = [x for x in rest if isinstance(x, n.AugAssign) and x.target == place]
    read = [e for x in rest for part in stmt_exprs(x) for e in subexprs(part) if e == seed]
    if plain and len(read) == 1 and all(_is_elsewhere(x, place, root) for x in rest):
        there = [map_stmt_exprs(x, lambda e: substitute(e, {seed.id: place})) for x in rest]
        return [*there, clear]
    if not plain or not own:
        return [taken, clear, *rest]
    first = own[0]
    others = [x for x in rest if x is not first]
    if first.op == "+" and first.value == seed:
        return [taken, *others] if others else []
    value = n.Unary("-", first.value) if first.op == "-" else first.value
    return [taken, n.Assign((place,), value), *others]


def part_taken(
    taken: n.Assign,
    place: n.Expr,
    clear: n.Stmt,
    rest: list[n.Stmt],
    tidy: Callable[[n.Expr], n.Expr],
) -> list[n.Stmt]:
    """Return the reverse of a store into a part of an array that no other name shares. What is
    added to that part again is stored there; the part itself is read where nothing is added to
    others of its adjoint, and all that is made from it is new. tidy: writes a product well.

        seed = np.array(x_bar[1:]); x_bar[1:] = 0.0           →   b_bar += np.sum(x_bar[1:] * x[1:])
        x_bar[1:] += seed * b; b_bar += np.sum(seed * x[1:])      x_bar[1:] = x_bar[1:] * b
    """
    seed, root = taken.targets[0], root_of(place)
    assert isinstance(seed, n.Name)
    own = [x for x in rest if isinstance(x, n.AugAssign) and x.target == place]
    others = [x for x in rest if x not in own]
    if not all(_only_adds(x, root) for x in rest) or len(own) > 1:
        return [taken, clear, *rest]
    left: list[n.Stmt] = [clear]
    for x in own:
        value = tidy(n.Unary("-", x.value)) if x.op == "-" else x.value
        left = [n.Assign((place,), value, comments=x.comments)] if value != seed else []
    elsewhere = [x for x in others if isinstance(x, n.AugAssign) and root_of(x.target) == root]
    made_new = all(_is_new(x, seed) for x in (*others, *left))
    if not own and not made_new:
        return [taken, clear, *rest]
    if elsewhere or not made_new:
        return [taken, *(x for x in others if x not in elsewhere), *left, *elsewhere]
    return [map_stmt_exprs(x, lambda e: substitute(e, {seed.id: place})) for x in (*others, *left)]


def _is_elsewhere(s: n.Stmt, place: n.Expr, root: str | None) -> bool:
    """True for a statement that changes another adjoint, or another item of it."""
    target = s.target if isinstance(s, n.AugAssign) else place
    if root_of(target) != root:
        return True
    if not isinstance(target, n.Subscript) or not isinstance(place, n.Subscript):
        return False
    return target.value == place.value and never_same(target.index, place.index)


def _only_adds(s: n.Stmt, root: str | None) -> bool:
    """True for a statement that adds to an adjoint, or names what is added; it reads no adjoint
    of the variable that is stored into."""
    if isinstance(s, n.Assign):
        return isinstance(s.targets[0], n.Name) and root not in names(s.value)
    return isinstance(s, n.AugAssign) and s.op in "+-" and root not in names(s.value)


def _is_new(s: n.Stmt, seed: n.Name) -> bool:
    """True unless a statement may hand on the very array that it reads under a name."""
    value = s.value if isinstance(s, (n.Assign, n.AugAssign)) else seed
    return seed.id not in names(value) or _computes(value)


def _computes(e: n.Expr) -> bool:
    """True for an array that is computed, not one that is there already."""
    if isinstance(e, n.Call) and isinstance(e.func, n.Attribute):
        return e.func.attr in _REDUCING
    if isinstance(e, n.Call) and e.args:
        return _computes(e.args[0])  # a helper gives what it gets where the shape is right
    return isinstance(e, (n.Binary, n.Unary))
