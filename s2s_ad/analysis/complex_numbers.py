"""Where what varies meets complex numbers: derivatives are those of real functions.

Takes a function with its facts, gives the expressions; requires `ir`, `analysis.flow`.

    w = np.exp(2j * t)
    y = x * w           # where x varies
    z = x * abs(w)      # is real
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, children, inside, stmt_exprs, walk_stmts

# what is real of complex numbers as well
REAL = frozenset(
    "abs absolute real imag angle isreal iscomplex iscomplexobj isrealobj isfinite isnan len size "
    "shape ndim dtype type isinstance print".split()
)


def beside_complex(function: n.Function, facts: Facts) -> Iterator[tuple[n.Stmt, n.Expr]]:
    """Yield expressions that vary and may be complex, the innermost of each statement."""
    every = [s for s in walk_stmts(function.body) if s.uid in facts.before]
    if not any(_is_complex(e, s, facts) for s in every for e in _leaves(s)):
        return
    made: set[str] = set()
    size = -1
    while size < len(made):
        size = len(made)
        for s in every:
            if isinstance(s, (n.Assign, n.AugAssign)) and _may_be(s.value, s, facts, made):
                made |= assigned((s,))
    for s in every:
        for e in stmt_exprs(s):
            found = _innermost(e, s, facts, made)
            if found is not None:
                yield s, found
                break


def _leaves(s: n.Stmt) -> tuple[n.Expr, ...]:
    return (*inside(s, n.Const), *inside(s, n.Name), *inside(s, n.Attribute))


def _is_complex(e: n.Expr, s: n.Stmt, facts: Facts) -> bool:
    if isinstance(e, n.Const):
        return isinstance(e.value, complex)
    found = facts.object_of(e, s.uid)
    value = found[0] if found else None
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "c")
    return value is complex or isinstance(value, (complex, np.complexfloating))


def _may_be(e: n.Expr, s: n.Stmt, facts: Facts, made: set[str]) -> bool:
    """True for an expression that complex numbers go into, and may come out of."""
    if isinstance(e, (n.Name, n.Const)):
        return (isinstance(e, n.Name) and e.id in made) or _is_complex(e, s, facts)
    if isinstance(e, n.Compare):
        return False
    if isinstance(e, n.Attribute):
        real = e.attr in REAL
        return not real and (_is_complex(e, s, facts) or _may_be(e.value, s, facts, made))
    if isinstance(e, n.Call):
        func = e.func
        name = func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "")
        if name in REAL:
            return False
    return any(_may_be(x, s, facts, made) for x in children(e))


def _innermost(e: n.Expr, s: n.Stmt, facts: Facts, made: set[str]) -> n.Expr | None:
    for x in children(e):
        if (found := _innermost(x, s, facts, made)) is not None:
            return found
    meets = not isinstance(e, (n.Name, n.Lambda)) and _may_be(e, s, facts, made)
    return e if meets and facts.varied(e, s.uid) else None
