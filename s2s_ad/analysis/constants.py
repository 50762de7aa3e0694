"""Values of arguments that are known at build time: literals, constants of libraries, globals.

Takes an expression and what names stand for, gives its value or MISSING; requires `rules`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Kind
from s2s_ad.rules.matching import value_of_kind
from s2s_ad.rules.results import MISSING, literal

ObjectOf = Callable[[n.Expr], "tuple[object] | None"]


def known_value(e: n.Expr, object_of: ObjectOf, kind_of: Callable[[n.Expr], Kind]) -> object:
    """Return the value of an argument if it is known at build time, else MISSING.

    That of a global is: derivatives are built again when the name means another object. Of
    attributes only those of libraries are, as `np.inf`.
    """
    value = literal(e)
    if value is not MISSING:
        return value
    if isinstance(e, n.Unary) and e.op == "-":
        inner = known_value(e.operand, object_of, kind_of)
        return -inner if isinstance(inner, (int, float)) else MISSING
    constant = isinstance(e, n.Name)
    if isinstance(e, n.Attribute):
        owner = object_of(e.value)
        constant = owner is not None and (owner[0] is math or owner[0] is np)
    found = object_of(e) if constant else None
    if found is not None and isinstance(found[0], (int, float)):
        return found[0]
    return value_of_kind(kind_of(e))
