"""Maps of functions with several results, not all of which anything comes in for.

Takes a filled template and the differentials of the results, gives it without the parts that are
linear in a result that is not read; requires `ir`, `rules`.

    u @ (np.diag(d[1]) + u.T @ d[0]) @ v        →        u @ np.diag(s_bar) @ v
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import map_expr, substitute
from s2s_ad.rules.matching import without_display

# functions that are linear in an argument, and in which one
LINEAR_IN = dict.fromkeys(
    "diag divide_or_zero expand moveaxis ravel reshape sum swapaxes trace transpose tril triu "
    "unbroadcast".split(),
    0,
) | {"solve": 1, "solve_triangular": 1}


def of_results(
    filled: n.Expr, name: str, d: n.TupleExpr, out: n.Expr, zeros_like: n.Expr
) -> n.Expr:
    """Return a template filled with differentials, zero for the results that are not read.

    name: what stands for the differentials in it. out: the results. zeros_like: the function that
    makes zeros, for parts of what is joined: there the structure of a zero matters.
    """
    unread: dict[str, n.Expr] = {}
    shown: dict[str, n.Expr] = {}
    items = list(d.items)
    for k, item in enumerate(d.items):
        if item == ZERO:
            part = without_display(n.Subscript(out, n.Const(str(k), k)))
            items[k] = n.Name(f"nothing for {k}")
            unread[f"nothing for {k}"] = ZERO
            shown[f"nothing for {k}"] = n.Call(zeros_like, (part,))
    parts = map_expr(substitute(filled, {name: n.TupleExpr(tuple(items))}), without_display)
    if not unread:
        return parts

    def left(e: n.Expr) -> n.Expr:
        return map_expr(substitute(e, unread), without_zero)

    def joined(e: n.Expr) -> n.Expr:
        if not isinstance(e, (n.ListExpr, n.TupleExpr)):
            return e
        return replace(
            e, items=tuple(substitute(x, shown) if left(x) == ZERO else x for x in e.items)
        )

    return left(map_expr(parts, joined))


def without_zero(e: n.Expr) -> n.Expr:
    """Leave out what is linear in a part of the result that nothing comes in for."""
    match e:
        case n.Binary(op="+", left=left, right=right) if ZERO in (left, right):
            return left if right == ZERO else right
        case n.Binary(op="-", left=left, right=right) if ZERO in (left, right):
            return left if right == ZERO else n.Unary("-", right)
        case n.Binary(op="*" | "@", left=left, right=right) if ZERO in (left, right):
            return ZERO
        case n.Binary(op="/", left=x) | n.Unary(op="-", operand=x) if x == ZERO:
            return ZERO
        case n.Attribute(attr="T", value=x) | n.Subscript(value=x) if x == ZERO:
            return ZERO
        case n.Call(func=n.Attribute(attr=name) | n.Name(id=name), args=args) if ZERO in args:
            at = LINEAR_IN.get(name)
            linear = at is not None and len(args) > at and args[at] == ZERO
            neither = name == "where" and args[1:] == (ZERO, ZERO)
            return ZERO if linear or neither else e
    return e
