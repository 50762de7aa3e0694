"""One condition for a value that flows under two.

Takes expressions, gives one; requires `ir`.
"""

from __future__ import annotations

from s2s_ad.ir.nodes import ZERO, BoolOp, Expr, IfExp, Name
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import names


def if_both(template: Expr, hole: Name, value: Expr) -> Expr | None:
    """Return `e if a and b else 0.0` for the two conditions under which a value flows.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(if_both(parse_expr("d if a else 0.0"), Name("d"), parse_expr("e if b else 0.0")))
    'e if b and a else 0.0'
    """
    if not isinstance(template, IfExp) or not isinstance(value, IfExp):
        return None
    if template.body != hole or hole.id in names(template.test):
        return None
    if (template.orelse, value.orelse) != (ZERO, ZERO):
        return None
    tests = [value.test, template.test]
    if any(isinstance(t, (BoolOp, IfExp)) for t in tests):
        return None
    return replace(value, test=BoolOp("and", tuple(tests)))
