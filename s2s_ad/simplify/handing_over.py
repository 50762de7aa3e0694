"""A copy of an adjoint stands behind the last reading of it: from there on both are one buffer.

Takes statements of a reverse sweep, gives them in such an order; requires `ir`.

    z_bar = c_bar                       mean_bar = -np.sum(c_bar)
    mean_bar = -np.sum(c_bar)      →    z_bar = c_bar
    z_bar = z_bar + d                   z_bar = z_bar + d
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, is_fence, mentioned, sole_target, with_blocks


def copies_last(block: n.Block, is_array: Callable[[str], bool]) -> n.Block:
    """Return the statements with copies of arrays behind what reads the first name of the two."""
    out = [with_blocks(s, lambda inner: copies_last(inner, is_array)) for s in block]
    for k in range(len(out) - 1, -1, -1):
        s = out[k]
        new = sole_target(s)
        if new is None or not isinstance(s, n.Assign) or not isinstance(s.value, n.Name):
            continue
        if not is_array(s.value.id):
            continue
        place = _behind(out, k, s.value.id, new)
        out[k:place] = [*out[k + 1 : place], s]
    return tuple(out)


def _behind(out: list[n.Stmt], k: int, old: str, new: str) -> int:
    """Return where the copy `new = old` at k may stand: behind what reads `old` before anything
    has to do with `new`, or changes `old`."""
    place = k + 1
    for j in range(k + 1, len(out)):
        s = out[j]
        if new in mentioned((s,)) or old in changed_by(s) or is_fence(s):
            return place
        if old in mentioned((s,)):
            place = j + 1
    return place
