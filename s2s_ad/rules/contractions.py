"""Rules of `np.einsum`: one for each text of subscripts, made where a call says it.

Takes nothing, registers rules when imported, requires `rules.declare`. What comes in is contracted
with the other operands, and gives the axes of the operand at hand:

    np.einsum("ij,jk->ik", a, b)    a: np.einsum("ik,jk->ij", d, b)
                                    b: np.einsum("ik,ij->jk", d, a)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from s2s_ad.ir.kinds import UNKNOWN, Array, Dim, Kind, Number, fresh_dim, result_dtype, same_length
from s2s_ad.ir.nodes import Expr, Param
from s2s_ad.ir.quote import parse_expr
from s2s_ad.ir.remembered import replace

from . import registry
from .results import dtype_of, settled
from .rule import Result, Rule

OPERANDS = "abcefg"
# what the documentation shows and the tests of all rules try
SHOWN = ("ij,jk->ik", "ij,ij->j", "ij->ji", "ij,j,i->", "ij->i")


def parts(subscripts: str, count: int) -> tuple[list[str], str] | None:
    """Return the axes of each operand and those of the result; None for a text of another form.

    >>> parts("ij, jk", 2)
    (['ij', 'jk'], 'ik')
    >>> parts("ii->i", 1), parts("...i->i", 1)
    (None, None)
    """
    given, arrow, out = subscripts.replace(" ", "").partition("->")
    axes = given.split(",")
    if not arrow:
        out = "".join(sorted(x for x in set(given) - {","} if given.count(x) == 1))
    every = [*axes, out]
    if len(axes) != count or count > len(OPERANDS):
        return None
    if any(len(set(x)) != len(x) or not x.isalpha() for x in every if x):
        return None
    return (axes, out) if set(out) <= set("".join(axes)) else None


@functools.cache
def contraction(subscripts: str, count: int, guarded: bool = False) -> Rule | None:
    """Return the rule for a text of subscripts; guarded: where axes of length 1 may be spread."""
    found = parts(subscripts, count)
    if found is None:
        return None
    axes, out = found
    names = tuple(OPERANDS[:count])
    adjoint, tangent = {}, {}
    for k, name in enumerate(names):
        others = [(axes[j], x) for j, x in enumerate(names) if j != k]
        around = {*out, *"".join(own for own, _ in others)}
        if not set(axes[k]) <= around:
            # an axis that only this operand has: what comes in is the same along it
            others.append((axes[k], f"np.ones_like({name})"))
        given = ",".join((out, *(own for own, _ in others)))
        values = ", ".join(("d", *(x for _, x in others)))
        map_ = f'np.einsum("{given}->{axes[k]}", {values})'
        if not others:
            map_ = f'np.einsum("{given}->{axes[k]}", d)'
        adjoint[name] = parse_expr(f"unbroadcast({map_}, {name})" if guarded else map_)
        moved = ", ".join("d" if j == k else x for j, x in enumerate(names))
        tangent[name] = parse_expr(f'np.einsum("{subscripts}", {moved})')

    def is_this(value: object) -> bool:
        return value == subscripts

    is_this.__name__ = f'"{subscripts}"'
    return Rule(
        text=f"np.einsum(subscripts, {', '.join(names)})",
        flavour="bilinear",
        namespace="np",
        name="einsum",
        params=tuple(Param(x, None, "positional_only") for x in ("subscripts", *names)),
        adjoint=adjoint,
        tangent=tangent,
        result=_result(axes, out),
        shape="argument",
        level=frozenset({"subscripts"}),
        ranks=(None, *(len(own) for own in axes)),
        where={"subscripts": is_this},
        function=np.einsum,
    )


def _result(axes: Sequence[str], out: str) -> Result:
    def result(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
        operands = [kinds.get(name, UNKNOWN) for name in OPERANDS[: len(axes)]]
        dims = lengths(axes, operands)
        if dims is None:
            return UNKNOWN
        dtype = result_dtype(*map(dtype_of, operands))
        return settled(Array(tuple(dims[x] or fresh_dim() for x in out), dtype))

    return result


def lengths(axes: Sequence[str], operands: Sequence[Kind]) -> dict[str, Dim | None] | None:
    """Return the length of each axis, None for one that may be 1 in one operand and not in another.

    None for operands of which the axes are not known.
    """
    found: dict[str, Dim | None] = {}
    for own, kind in zip(axes, operands):
        dims = () if isinstance(kind, Number) else kind.dims if isinstance(kind, Array) else None
        if dims is None or len(dims) != len(own):
            return None
        for axis, dim in zip(own, dims):
            known = found.setdefault(axis, dim)
            if known is not None and not same_length(known, dim):
                found[axis] = None
    return found


def written(
    args: Sequence[Expr], value_of: Callable[[Expr], object], kind_of: Callable[[Expr], Kind]
) -> Rule | None:
    """Return the rule that is made for a call."""
    subscripts = value_of(args[0]) if args else None
    if not isinstance(subscripts, str):
        return None
    found = parts(subscripts, len(args) - 1)
    dims = None if found is None else lengths(found[0], [kind_of(e) for e in args[1:]])
    guarded = dims is None or any(dim is None for dim in dims.values())
    return contraction(subscripts, len(args) - 1, guarded)


for _text in SHOWN:
    _rule = contraction(_text, _text.count(",") + 1, guarded=True)
    assert _rule is not None
    registry.register(replace(_rule, written=written))
