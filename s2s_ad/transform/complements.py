"""What a quotient leaves of one is taken from the quotient.

Takes the factors of a product of derivative code, gives them with `1.0 - r` in the place of `u / t`
where r is `a / t` and t is `a + u`; requires `ir`.

    r = 1.0 / (1.0 + exp(-x))        x_bar = r_bar * r / total * exp  →  r_bar * r * (1.0 - r)
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n

ONE = n.Const("1.0", 1.0)
Factors = tuple[tuple[str, n.Expr], ...]


def complemented(factors: Factors, definition: Callable[[str], n.Expr | None]) -> Factors:
    """Return the factors of a product, in which the rest of a quotient is written with it.

    definition: the value that a variable has wherever the product is evaluated, where it is known.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> known = {"r": parse_expr("1.0 / t"), "t": parse_expr("1.0 + u"), "u": parse_expr("f(x)")}
    >>> product = (("*", n.Name("d")), ("*", n.Name("r")), ("/", n.Name("t")), ("*", n.Name("u")))
    >>> [op + expr_text(e) for op, e in complemented(product, known.get)]
    ['*d', '*r', '*1.0 - r']
    """

    def known(e: n.Expr) -> n.Expr:
        while isinstance(e, n.Name) and (found := definition(e.id)) is not None:
            e = found
        return e

    for below in factors:
        whole = known(below[1]) if below[0] == "/" else None
        if not isinstance(whole, n.Binary) or whole.op != "+":
            continue
        for part, rest in ((whole.left, whole.right), (whole.right, whole.left)):
            others = [x for x in factors if x[0] == "*" and known(x[1]) == known(rest)]
            shares = [
                x
                for x in factors
                if x[0] == "*" and isinstance(x[1], n.Name) and _is(known(x[1]), part, whole, known)
            ]
            if others and shares and others[0] is not shares[0]:
                left = list(factors)
                left.remove(others[0])
                left[left.index(below)] = ("*", n.Binary("-", ONE, shares[0][1]))
                return tuple(left)
    return factors


def _is(e: n.Expr, above: n.Expr, below: n.Expr, known: Callable[[n.Expr], n.Expr]) -> bool:
    """True for the quotient of two expressions, a number being what it is however it is written."""
    if not isinstance(e, n.Binary) or e.op != "/" or known(e.right) != below:
        return False
    if isinstance(e.left, n.Const) and isinstance(above, n.Const):
        numbers = (int, float)
        return isinstance(above.value, numbers) and e.left.value == above.value
    return known(e.left) == known(above)
