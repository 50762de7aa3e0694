"""What the parts of expressions are to those who ask who shares a container.

Takes expressions, statements and kinds, gives the dict behind a view, what an addition at an index
adds where, the pairs of an unpacking, whether a kind holds nothing that can be changed in place.
Requires `ir`.
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, DictOf, Kind, ListOf, Nothing, Number, is_immutable

# methods of dicts that give a view of them
VIEWS = frozenset("items keys values".split())


def seen_through(e: n.Expr) -> n.Expr | None:
    """Return the dict of `d.values()`, which changes as the dict does; None for all else."""
    if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and not (e.args or e.keywords):
        return e.func.value if e.func.attr in VIEWS else None
    return None


def scattered(s: n.Stmt) -> tuple[n.Expr, n.Expr, n.Expr] | None:
    """Return (array, index, value) of the statement `np.add.at(array, index, value)`."""
    if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call):
        func = s.value.func
        if (
            isinstance(func, n.Attribute)
            and func.attr == "at"
            and isinstance(func.value, n.Attribute)
            and func.value.attr == "add"
            and len(s.value.args) == 3
        ):
            return s.value.args[0], s.value.args[1], s.value.args[2]
    return None


def paired(target: n.Expr, value: n.Expr) -> list[tuple[str, n.Expr]]:
    """Return each name of a target with the expression it is given: `a, b = [0.0], [1.0]`."""
    if isinstance(target, n.Name):
        return [(target.id, value)]
    several = (n.TupleExpr, n.ListExpr)
    if not isinstance(target, several) or not isinstance(value, several):
        return []
    items = (*target.items, *value.items)
    if len(target.items) != len(value.items) or any(isinstance(x, n.Starred) for x in items):
        return []
    return [pair for t, v in zip(target.items, value.items) for pair in paired(t, v)]


def is_count(kind: Kind) -> bool:
    return isinstance(kind, Number) and kind.type != "float"


def is_flat(kind: Kind) -> bool:
    """True for an array, and for a list of plain items: nothing else is seen through either."""
    return isinstance(kind, (Array, ListOf)) and holds_plain_items(kind)


def holds_plain_items(kind: Kind) -> bool:
    """True for an array, and for a container whose items nothing can change in place."""
    if isinstance(kind, ListOf):
        return is_immutable(kind.item) or isinstance(kind.item, Nothing)
    if isinstance(kind, DictOf):
        return is_immutable(kind.value) or isinstance(kind.value, Nothing)
    return isinstance(kind, Array) or is_immutable(kind)
