"""Parts of transposed matrices as parts of the matrices, and stores into them.

Takes expressions and statements with a function that gives the kinds of expressions, gives them
written without the transpose where that is the same; requires `ir`, `analysis`.

    a.T[:, j] = e                       a[j] = e
    a.T[1:] *= b                →       a[:, 1:] *= b.T
    y = a.T[0, 1:]                      y = a[1:, 0]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number, is_matrix
from s2s_ad.ir.remembered import replace

NEW, ZERO = n.Const("None", None), n.Const("0", 0)
# functions and methods that give a view by the numbers of axes
BY_AXES: dict[str, object] = {
    "swapaxes": np.swapaxes,
    "moveaxis": np.moveaxis,
    "transpose": np.transpose,
    "expand_dims": np.expand_dims,
    "squeeze": np.squeeze,
    "atleast_2d": np.atleast_2d,
}
KindOf = Callable[[n.Expr], Kind]
ObjectOf = Callable[[n.Expr], object]
# functions that give an array of so many axes itself
SAME: tuple[tuple[object, int], ...] = (
    (np.asarray, 0),
    (np.asanyarray, 0),
    (np.atleast_1d, 1),
    (np.atleast_2d, 2),
    (np.atleast_3d, 3),
)


def matrix_of(e: n.Expr, kind: KindOf) -> n.Expr | None:
    """Return the matrix of `a.T`, None for all else."""
    of = e.value if isinstance(e, n.Attribute) and e.attr == "T" else None
    return of if of is not None and is_matrix(kind(of)) else None


def spelled(e: n.Expr, kind: KindOf, object_of: ObjectOf) -> n.Expr:
    """Return a call that gives a view of its argument as an attribute, an index, or as what it is
    given, and all else as it is: `a.T` for `np.transpose(a)`, a for `np.asarray(a)`."""
    if isinstance(e, n.Call) and (view := _by_axes(e, kind, object_of)) is not None:
        return view
    if not isinstance(e, n.Call) or e.keywords:
        return e
    if isinstance(e.func, n.Attribute) and not e.args and e.func.attr == "view":
        return e.func.value if isinstance(kind(e.func.value), Array) else e
    found = object_of(e.func) if len(e.args) == 1 else None
    least = next((axes for function, axes in SAME if function is found), None)
    if least is None:
        return e
    known = kind(e.args[0])
    same = isinstance(known, Array) and (
        least == 0 or (known.dims is not None and len(known.dims) >= least)
    )
    return e.args[0] if same else e


def _by_axes(e: n.Call, kind: KindOf, object_of: ObjectOf) -> n.Expr | None:
    """Return `a.T` for `np.swapaxes(a, 0, 1)`, `a[:, None]` for `np.expand_dims(a, 1)`, `a[:, 0]`
    for `np.squeeze(a, 1)` of an axis of length 1; None for what is not known to be that."""
    found = object_of(e.func)
    name = next((name for name, function in BY_AXES.items() if function is found), None)
    args = e.args
    if name is None and found is None and isinstance(e.func, n.Attribute):
        name, args = e.func.attr, (e.func.value, *args)
    if name not in BY_AXES or not args or [k.name for k in e.keywords] not in ([], ["axis"]):
        return None
    given = (*args[1:], *(k.value for k in e.keywords))
    if name == "transpose" and not given:
        return n.Attribute(args[0], "T") if is_matrix(kind(args[0])) else None
    if len(given) == 1 and isinstance(given[0], n.TupleExpr):
        given = given[0].items
    axes = [constant_int(x) for x in given]
    array, known = args[0], kind(args[0])
    if not isinstance(known, Array) or not known.dims or None in axes:
        return None
    rank = len(known.dims)
    places = [k for k in axes if k is not None]
    if name in ("swapaxes", "moveaxis", "transpose"):
        both = sorted(k % 2 for k in places) == [0, 1] and all(-2 <= k < 2 for k in places)
        turned = both and (name != "transpose" or places[0] % 2 == 1)
        return n.Attribute(array, "T") if rank == 2 and turned else None
    if name == "expand_dims" and len(places) == 1 and -rank - 1 <= places[0] <= rank:
        at = places[0] % (rank + 1)
        return _at(array, [n.ALL] * at + [NEW])
    if name == "atleast_2d" and rank == 1 and not places:
        return _at(array, [NEW])
    if name != "squeeze" or len(places) > 1:
        return None
    lengths = [dim.one for dim in known.dims]
    gone = [k % rank for k in places] or [k for k, one in enumerate(lengths) if one]
    sure = all(lengths[k] for k in gone) if places else None not in lengths
    if not sure or not gone or len(gone) == rank or any(abs(k) > rank for k in places):
        return None
    return _at(array, [ZERO if k in gone else n.ALL for k in range(rank)])


def _at(array: n.Expr, items: Sequence[n.Expr]) -> n.Subscript:
    while items[-1] == n.ALL:
        items = items[:-1]
    return n.Subscript(array, items[0] if len(items) == 1 else n.TupleExpr(tuple(items)))


def part_of_transpose(e: n.Expr, kind: KindOf) -> n.Expr:
    """Return `a[:, i]` for `a.T[i]` and so on; itself where two axes are left."""
    found = _part(e, kind)
    return e if found is None or found[1] == 2 else found[0]


def with_target(s: n.Stmt, kind: KindOf) -> n.Stmt:
    """Return a store into a part of a transposed matrix as one into the matrix; itself where that
    is not known to be the same."""
    if isinstance(s, n.AugAssign):
        target = s.target
    elif isinstance(s, n.Assign) and len(s.targets) == 1:
        target = s.targets[0]
    else:
        return s
    found = _part(target, kind)
    value = None if found is None else s.value if found[1] < 2 else _turned(s.value, kind)
    if found is None or value is None:
        return s
    if isinstance(s, n.AugAssign):
        place = target.value if isinstance(target, n.Attribute) else found[0]
        return replace(s, target=place, value=value)
    return replace(s, targets=(found[0],), value=value)


def _part(e: n.Expr, kind: KindOf) -> tuple[n.Expr, int] | None:
    """Return a part of a matrix for that of its transpose, and how many axes that has."""
    if isinstance(e, n.Attribute):
        matrix = matrix_of(e, kind)
        return None if matrix is None else (n.Subscript(matrix, n.ELLIPSIS), 2)
    if not isinstance(e, n.Subscript):
        return None
    matrix = matrix_of(e.value, kind)
    items = list(e.index.items) if isinstance(e.index, n.TupleExpr) else [e.index]
    items = [n.ALL if x == n.ELLIPSIS and len(items) == 1 else x for x in items]
    if matrix is None or len(items) > 2 or not all(_is_basic(x, kind) for x in items):
        return None
    rows, columns = items[0], items[1] if len(items) == 2 else n.ALL
    index: n.Expr = columns if rows == n.ALL else n.TupleExpr((columns, rows))
    axes = sum(isinstance(x, n.Slice) for x in (rows, columns))
    return n.Subscript(matrix, index), axes


def _turned(value: n.Expr, kind: KindOf) -> n.Expr | None:
    """Return what is stored into a matrix where a value is stored into its transpose."""
    known = kind(value)
    if isinstance(known, Number):
        return value
    if not isinstance(known, Array) or known.dims is None or len(known.dims) > 2:
        return None
    if len(known.dims) == 2:
        return matrix_of(value, kind) or n.Attribute(value, "T")
    return n.Subscript(value, n.TupleExpr((n.ALL, n.Const("None", None)))) if known.dims else value


def _is_basic(e: n.Expr, kind: KindOf) -> bool:
    found = kind(e)
    return isinstance(e, n.Slice) or (isinstance(found, Number) and found.type == "int")
