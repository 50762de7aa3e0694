"""Forward mode of one prepared function, sub-expressions given names as they are needed.

Takes a `Prepared` function, gives its tangent function; requires `transform`, `simplify`.
"""

from __future__ import annotations

from dataclasses import replace

from s2s_ad.build_prepare import Prepared, name_expressions
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Kind, adjoint_kind
from s2s_ad.simplify import algebra, plain
from s2s_ad.simplify.ownership import Buffers, own
from s2s_ad.transform.context import Context, NeedsName
from s2s_ad.transform.copies import copied_adjoint
from s2s_ad.transform.tangent import tangent


def tangent_function(prepared: Prepared, wrt: tuple[str, ...], name: str) -> n.Function:
    """Return the tangent function, called `name`."""
    tidy = plain if "algebra" in prepared.program.options else algebra
    while True:
        taken = set(prepared.names.taken)
        context = prepared.context()
        try:
            found = tangent(context, wrt, name, tidy.product, tidy.splice, tidy.simplify_sum)
            return replace(found, body=_owned(prepared, context, found.body))
        except NeedsName as need:
            prepared.names.taken = taken
            wanted = [(need.uid, need.expr)]
            prepared.function = name_expressions(prepared, wanted, lambda e: True)


def _owned(prepared: Prepared, context: Context, body: n.Block) -> n.Block:
    """Copy tangents that are stored into where their storage may be that of another variable."""
    of = {dot: name for (name, mark), dot in context.marks.items() if mark == "dot"}
    kinds = context.facts.kinds()

    def kind(name: str) -> Kind:
        known = kinds.get(of.get(name, name), UNKNOWN)
        return adjoint_kind(known) if name in of else known

    def add(a: n.Expr, b: n.Expr) -> n.Expr:
        return n.Call(context.helper("add"), (a, b))

    def copy(dot: str, whole: bool) -> n.Expr:
        return copied_adjoint(context, dot, kind(dot), True)

    buffers = Buffers(kind, prepared.newness_here, add, copy, frozenset(of), adds=False)
    return own(body, buffers)
