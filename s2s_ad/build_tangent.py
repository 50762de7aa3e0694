"""Forward mode of one prepared function, sub-expressions given names as they are needed.

Takes a `Prepared` function, gives its tangent function; requires `transform`, `simplify`.
"""

from __future__ import annotations

from s2s_ad.build_prepare import Prepared, name_expressions
from s2s_ad.ir import nodes as n
from s2s_ad.simplify import algebra
from s2s_ad.transform.context import NeedsName
from s2s_ad.transform.tangent import tangent


def tangent_function(prepared: Prepared, wrt: tuple[str, ...], name: str) -> n.Function:
    """Return the tangent function, called `name`."""
    while True:
        taken = set(prepared.names.taken)
        context = prepared.context()
        try:
            return tangent(
                context, wrt, name, algebra.product, algebra.splice, algebra.simplify_sum
            )
        except NeedsName as need:
            prepared.names.taken = taken
            wanted = [(need.uid, need.expr)]
            prepared.function = name_expressions(prepared, wanted, lambda e: True)
