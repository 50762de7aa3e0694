"""The last passes over the body of a generated function: what nobody reads goes, what is computed
twice is named.

Takes both sweeps of a function, gives the body it will have; requires `simplify`, `transform`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

from s2s_ad.build_prepare import Prepared, wish
from s2s_ad.build_reverse import Reverse
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Number
from s2s_ad.ir.walk import names, walk_stmts
from s2s_ad.simplify.dead_code import drop_dead
from s2s_ad.simplify.share import Sharing, share
from s2s_ad.transform.fitting import BAR_NAMES


def finish(
    body: n.Block,
    back: frozenset[int],
    prepared: Prepared,
    found: Reverse,
    pure: Callable[[n.Expr], bool],
    all: bool = False,
) -> tuple[n.Block, frozenset[int]]:
    """Return the body in its last form, and the uids of the statements of its reverse sweep.

    all: whether the forward sweep is there for the reverse sweep alone, not as the user wrote it.
    """
    body = drop_dead(body, pure)
    if "share" in prepared.program.options:
        return body, back
    return share(body, replace(_sharing(back, prepared, found, pure), all=all))


def _sharing(
    back: frozenset[int], prepared: Prepared, found: Reverse, pure: Callable[[n.Expr], bool]
) -> Sharing:
    numbers = {name for name, kind in found.kinds.items() if isinstance(kind, Number)}
    bars = {bar for (_, mark), bar in found.context.marks.items() if mark == "bar"}
    for (name, mark), bar in found.context.marks.items():
        if mark == "bar" and name in numbers:
            numbers.add(bar)
    allocator = found.context.names
    allocator.taken |= prepared.program.linker.objects.keys()

    def called(e: n.Expr) -> str:
        if isinstance(e, n.Binary) and names(e) & bars:
            return f"{BAR_NAMES.get(e.op, 'value')}_bar"
        return wish(e)

    fresh = functools.cache(prepared.makes_new)
    return Sharing(
        back, functools.cache(pure), fresh, lambda name: name in numbers, called, allocator.fresh
    )


def uids(block: n.Block) -> frozenset[int]:
    """Return the uids of all statements of a block."""
    return frozenset(s.uid for s in walk_stmts(block))
