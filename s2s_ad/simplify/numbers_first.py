"""Numbers are multiplied with each other before they meet an array.

Takes statements of a reverse sweep, gives them with the numbers of a product in front; requires
`ir`.

    w_bar = 2.0 * w * decay * loss_bar      →       w_bar = 2.0 * decay * loss_bar * w

Each factor that is an array is one pass over its entries.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.walk import map_block, map_parts


def numbers_first(
    body: n.Block, back: frozenset[int], number: Callable[[str], bool], array: Callable[[str], bool]
) -> n.Block:
    """Return the body with numbers in front in products of the statements `back`.

    number, array: whether a variable certainly is a float, or an array.
    """

    if not any(map(array, mentioned(body))):
        return body

    def is_number(e: n.Expr) -> bool:
        if isinstance(e, n.Name):
            return number(e.id)
        if isinstance(e, n.Unary):
            return e.op == "-" and is_number(e.operand)
        return isinstance(e, n.Const) and type(e.value) in (int, float)

    def is_array(e: n.Expr) -> bool:
        if isinstance(e, n.Name):
            return array(e.id)
        return isinstance(e, n.Binary) and (is_array(e.left) or is_array(e.right))

    def ordered(e: n.Expr) -> n.Expr:
        chain = factors(e)
        numbers = [f for f in chain if is_number(f[1])]
        if chain[: len(numbers)] == numbers or ("*" not in [op for op, _ in numbers]):
            return e
        # one number costs a pass wherever it stands
        if len(numbers) < 2 or not any(is_array(x) for _, x in chain):
            return e
        first = next(k for k, (op, _) in enumerate(numbers) if op == "*")
        rest = [f for f in chain if f not in numbers]
        (_, whole), *others = [numbers.pop(first), *numbers, *rest]
        for k, (op, x) in enumerate(others):
            if isinstance(x, n.Unary) and x.op == "-":
                whole, others[k] = n.Unary("-", whole), (op, x.operand)
        for op, x in others:
            whole = n.Binary(op, whole, x)
        return whole

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        if s.uid not in back or isinstance(s, (n.If, n.For, n.While, n.With, n.Try)):
            return (s,)
        return (map_parts(s, _outermost(ordered)),)

    return map_block(body, visit)


def _outermost(change: Callable[[n.Expr], n.Expr]) -> Callable[[n.Expr], n.Expr]:
    return lambda e: change(e) if isinstance(e, n.Binary) and e.op in "*/" else e
