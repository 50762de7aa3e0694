"""Indices that pick one entry of each row: `np.arange(len(columns)), columns`.

Takes a function with its facts and an index, gives whether it is one; requires `ir`.
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import definitions, sole_target
from s2s_ad.ir.kinds import Array
from s2s_ad.transform.context import Context
from s2s_ad.transform.shapes import same_shape


def picked_by(context: Context, index: n.Expr, uid: int) -> tuple[n.Expr, n.Expr] | None:
    """Return rows and columns of an index that names at most one entry in each row."""
    items = index.items if isinstance(index, n.TupleExpr) else ()
    arrays = [x for x in items if not isinstance(x, (n.Slice, n.Const))]
    if len(arrays) != 2:
        return None
    for rows, columns in (arrays, arrays[::-1]):
        if _counts(context, rows, columns, uid):
            return rows, columns
    return None


def _counts(context: Context, rows: n.Expr, columns: n.Expr, uid: int) -> bool:
    """True for rows that are `np.arange(len(columns))`, for one column each.

    A range is as long where its length is proved to be that of the columns.
    """
    kind = context.kind(columns, uid)
    if not isinstance(kind, Array) or kind.dims is None or len(kind.dims) != 1:
        return False
    made = rows if isinstance(rows, n.Call) else _written_out(context, rows)
    is_range = isinstance(made, n.Call) and made.func == context.np("arange")
    if not isinstance(made, n.Call) or not is_range or len(made.args) != 1 or made.keywords:
        return False
    if same_shape(context.kind(rows, uid), kind):
        return True  # the two meet in the index, neither stretched to the other
    size = _written_out(context, made.args[0])
    # what is defined elsewhere was computed for the columns there were
    here = made is rows and size is made.args[0]
    body = context.function.body
    if not here and (not isinstance(columns, n.Name) or definitions(body, columns.id)):
        return False
    first = n.Subscript(n.Attribute(columns, "shape"), n.Const("0", 0))
    length = n.Call(n.Name(context.alias("len")), (columns,))
    return size in (length, first, n.Attribute(columns, "size"))


def _written_out(context: Context, e: n.Expr) -> n.Expr:
    """Return what a variable that is assigned once, and not changed in place, stands for."""
    while isinstance(e, n.Name) and e.id not in context.changed_anywhere():
        found = definitions(context.function.body, e.id)
        if len(found) != 1 or e.id in {p.name for p in context.function.params}:
            return e
        s = found[0]
        if not isinstance(s, n.Assign) or sole_target(s) is None:
            return e
        e = s.value
    return e
