"""Branches that the kinds of the call decide, dropped.

Takes a block with its forward facts, gives the block without them; requires `ir`, `analysis`.
"""

from __future__ import annotations

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import with_each_block


def fold_decided(block: n.Block, facts: Facts) -> n.Block:
    """Drop the branches that the kinds of the call decide (`is None`, string options).

    if mode == "fast":          # mode is the string "fast" in this call
        y = a           →       y = a
    else:
        y = b
    """
    out: list[n.Stmt] = []
    for s in block:
        if isinstance(s, n.If):
            taken = facts.decided.get(s.uid)
            if taken is not None:
                body = s.branches[taken].body if taken < len(s.branches) else s.orelse
                out.extend(fold_decided(body, facts))
                continue
            branches = tuple(replace(b, body=fold_decided(b.body, facts)) for b in s.branches)
            s = replace(s, branches=branches, orelse=fold_decided(s.orelse, facts))
        elif isinstance(s, (n.For, n.While)):
            body = fold_decided(s.body, facts)
            s = replace(s, body=body, orelse=fold_decided(s.orelse, facts))
        elif isinstance(s, (n.With, n.Try)):
            s = with_each_block(s, lambda x: fold_decided(x, facts) or ((n.Pass(),) if x else ()))
        out.append(s)
    return tuple(out)
