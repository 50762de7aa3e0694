"""A matrix that is inverted anyway is not factorised again for each system with it.

Takes the body of a generated function, gives it with products by the inverse; requires `ir`.

    S_bar -= np.linalg.inv(S).T                     S_bar -= np.linalg.inv(S).T
    K_bar = np.linalg.solve(S.T, d)         →       K_bar = np.linalg.inv(S).T @ d

What stands in the text twice is computed once (`simplify.share`).
"""

from __future__ import annotations

from collections.abc import Iterator

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import with_blocks
from s2s_ad.ir.walk import blocks, inside, map_parts


def one_inverse(block: n.Block, back: frozenset[int]) -> n.Block:
    """Return the statements with systems as products where statements beside them invert.

    back: uids of the statements of the reverse sweep.
    """
    block = tuple(with_blocks(s, lambda inner: one_inverse(inner, back)) for s in block)
    plain = [s for s in block if s.uid in back and not any(blocks(s))]
    inverses = {e.args[0]: e for s in plain for e in _calls(s, "inv") if len(e.args) == 1}
    if not inverses:
        return block

    def visit(e: n.Expr) -> n.Expr:
        if not _is_call(e, "solve") or not isinstance(e, n.Call) or len(e.args) != 2:
            return e
        matrix, right = e.args
        if matrix in inverses:
            return n.Binary("@", inverses[matrix], right)
        turned = isinstance(matrix, n.Attribute) and matrix.attr == "T"
        if turned and isinstance(matrix, n.Attribute) and matrix.value in inverses:
            return n.Binary("@", n.Attribute(inverses[matrix.value], "T"), right)
        return e

    here = {s.uid for s in plain}
    return tuple(map_parts(s, visit) if s.uid in here else s for s in block)


def _calls(s: n.Stmt, name: str) -> Iterator[n.Call]:
    for e in inside(s, n.Call):
        if _is_call(e, name):
            yield e


def _is_call(e: n.Expr, name: str) -> bool:
    """True for `np.linalg.inv(...)`, whatever NumPy is called here."""
    func = e.func if isinstance(e, n.Call) and not e.keywords else None
    if not isinstance(func, n.Attribute) or func.attr != name:
        return False
    return isinstance(func.value, n.Attribute) and func.value.attr == "linalg"
