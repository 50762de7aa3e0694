"""Rules of `np.einsum`: one for each text of subscripts, made where a call says it.

Takes nothing, registers rules when imported, requires `rules.declare`. What comes in is contracted
with the other operands, and gives the axes of the operand at hand:

    np.einsum("ij,jk->ik", a, b)    a: np.einsum("ik,jk->ij", d, b)
                                    b: np.einsum("ik,ij->jk", d, a)

The axes of `...` are named where ranks are known. An axis that an operand has twice is two axes of
what comes back, which are alike:

    np.einsum("ii->i", a)           a: np.einsum("i,iA->iA", d, np.eye(np.shape(a)[1]))
"""

from __future__ import annotations

import functools
import itertools
import string
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

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
SHOWN = ("ij,jk->ik", "ij,ij->j", "ij->ji", "ij,j,i->", "ij->i", "ii->i", "ii,ij->j", "ii")


class Form(NamedTuple):
    """How a call says what it contracts: a text first, or a list of axes behind each operand.

    given: the text, or the lists, with None for a result that is not told.
    """

    given: object
    lists: bool = False


def parts(
    subscripts: str, count: int, ranks: Sequence[int | None] = ()
) -> tuple[list[str], str] | None:
    """Return the axes of each operand and those of the result; None for a text of another form.

    ranks: of the operands, which say what `...` stands for.

    >>> parts("ij, jk", 2)
    (['ij', 'jk'], 'ik')
    >>> parts("...i,i", 2, (3, 1))
    (['ABi', 'i'], 'AB')
    >>> parts("ii->i", 1), parts("...i->i", 1)
    ((['ii'], 'i'), None)
    """
    given, arrow, out = subscripts.replace(" ", "").partition("->")
    axes = given.split(",")
    if len(axes) != count or count > len(OPERANDS):
        return None
    if not arrow:
        letters = given.replace(",", "").replace(".", "")
        once = "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
        out = "..." * ("..." in given) + once
    if "." in subscripts:
        every = _without_dots([*axes, out], ranks, string.ascii_uppercase)
        if every is None:
            return None
        *axes, out = every
    known = all(x.isalpha() for x in (*axes, out) if x) and len(set(out)) == len(out)
    return (axes, out) if known and set(out) <= set("".join(axes)) else None


def _without_dots(
    every: Sequence[str], ranks: Sequence[int | None], letters: str
) -> list[str] | None:
    """Return the axes of operands and result with names for those that dots stand for."""
    spread = [x.count("...") for x in every]
    free = [x for x in letters if not any(x in own for own in every)]
    counts = []
    for own, rank in itertools.zip_longest(every[:-1], ranks):
        if rank is None or own is None:
            return None
        counts.append(rank - len(own.replace("...", "")))
    most = max((n for n, dots in zip(counts, spread) if dots), default=0)
    if any(dots > 1 for dots in spread) or min(counts) < 0 or most > len(free):
        return None
    named = "".join(free[:most])
    of_each = [*(named[most - n :] for n in counts), named]
    return [own.replace("...", names) for own, names in zip(every, of_each)]


@functools.cache
def contraction(
    form: Form, count: int, axes: tuple[str, ...], out: str, guarded: bool = False
) -> Rule:
    """Return the rule for a call; guarded: where axes of length 1 may be spread.

    The ranks of operands are as the call says, or it fails.
    """
    names = tuple(OPERANDS[:count])
    adjoint, tangent = {}, {}
    for k, name in enumerate(names):
        own, alike = _apart(axes[k], name, {*out, *"".join(axes)})
        others = [(axes[j], x) for j, x in enumerate(names) if j != k]
        others.extend(alike)
        if not set(own) <= {*out, *"".join(x for x, _ in others)}:
            # an axis that only this operand has: what comes in is the same along it
            others.append((own, f"np.ones_like({name})"))
        given = ",".join((out, *(x for x, _ in others)))
        values = ", ".join(("d", *(x for _, x in others)))
        map_ = f'np.einsum("{given}->{own}", {values})'
        adjoint[name] = parse_expr(f"unbroadcast({map_}, {name})" if guarded else map_)
        tangent[name] = parse_expr(_call(form, ["d" if x == name else x for x in names]))
    params = _params(form, names)
    return Rule(
        text=_call(form, names) if form.lists else f"np.einsum(subscripts, {', '.join(names)})",
        flavour="bilinear",
        namespace="np",
        name="einsum",
        params=tuple(Param(x, None, "positional_only") for x in params),
        adjoint=adjoint,
        tangent=tangent,
        result=_result(axes, out),
        shape="argument",
        level=frozenset(x for x in params if x not in names),
        where={} if form.lists else {"subscripts": _is_text(form.given)},
        function=np.einsum,
    )


def _apart(own: str, name: str, taken: set[str]) -> tuple[str, list[tuple[str, str]]]:
    """Return axes with a name each, and matrices of ones for those that are one and the same."""
    free = (x for x in string.ascii_uppercase + string.ascii_lowercase if x not in taken)
    found, alike = "", []
    for axis, x in enumerate(own):
        if x in found:
            other = next(free)
            alike.append((x + other, f"np.eye(np.shape({name})[{axis}])"))
            x = other
        found += x
    return found, alike


def _params(form: Form, names: Sequence[str]) -> list[str]:
    if not form.lists:
        return ["subscripts", *names]
    lists = [f"axes_{name}" for name in names]
    end = ["axes_out"] if _given_out(form) else []
    return [*itertools.chain(*zip(names, lists)), *end]


def _given_out(form: Form) -> bool:
    return isinstance(form.given, tuple) and form.given[-1] is not None


def _call(form: Form, operands: Sequence[str]) -> str:
    if not form.lists or not isinstance(form.given, tuple):
        return f'np.einsum("{form.given}", {", ".join(operands)})'
    *lists, out = form.given
    told = [f"{x}, {_listed(axes)}" for x, axes in zip(operands, lists)]
    return f"np.einsum({', '.join([*told, *([_listed(out)] if out is not None else [])])})"


def _listed(axes: Sequence[object]) -> str:
    return f"[{', '.join('...' if k is ... else str(k) for k in axes)}]"


def _is_text(text: object) -> Callable[[object], bool]:
    def is_this(value: object) -> bool:
        return value == text

    is_this.__name__ = f'"{text}"'
    return is_this


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
        dims = _dims(kind)
        if dims is None or len(dims) != len(own):
            return None
        for axis, dim in zip(own, dims):
            known = found.setdefault(axis, dim)
            if known is not None and not same_length(known, dim):
                found[axis] = None
    return found


def _dims(kind: Kind) -> tuple[Dim, ...] | None:
    if isinstance(kind, Number):
        return ()
    return kind.dims if isinstance(kind, Array) else None


def written(
    args: Sequence[Expr], value_of: Callable[[Expr], object], kind_of: Callable[[Expr], Kind]
) -> Rule | None:
    """Return the rule that is made for a call."""
    first = value_of(args[0]) if args else None
    if isinstance(first, str):
        form, text, operands = Form(first), first, args[1:]
    else:
        operands, lists = args[: 2 * (len(args) // 2) : 2], [value_of(e) for e in args[1::2]]
        out = value_of(args[-1]) if len(args) % 2 else None
        form = Form((*lists, out), True)
        text = _as_text(lists, out)
    kinds = [kind_of(e) for e in operands]
    ranks = [None if dims is None else len(dims) for dims in map(_dims, kinds)]
    found = parts(text, len(operands), ranks) if text else None
    if found is None:
        return None
    dims_of = lengths(found[0], kinds)
    # along an axis that one operand has twice, too, there may be one entry and several
    guarded = dims_of is None or any(dim is None for dim in dims_of.values())
    return contraction(form, len(operands), tuple(found[0]), found[1], guarded)


def _as_text(lists: Sequence[object], out: object) -> str:
    """Return what lists of whole numbers say, as a text; "" for anything else."""
    every = [*lists, *([] if out is None else [out])]
    if not all(isinstance(x, tuple) and all(k is ... or type(k) is int for k in x) for x in every):
        return ""
    numbers = sorted({k for x in every if isinstance(x, tuple) for k in x if k is not ...})
    if len(numbers) > len(string.ascii_lowercase):
        return ""
    letter = {**dict(zip(numbers, string.ascii_lowercase)), ...: "..."}
    texts = ["".join(letter[k] for k in x) for x in every if isinstance(x, tuple)]
    told = ",".join(texts[: len(lists)])
    return told if out is None else f"{told}->{texts[-1]}"


for _text in SHOWN:
    _count = _text.count(",") + 1
    _found = parts(_text, _count)
    assert _found is not None
    _rule = contraction(Form(_text), _count, tuple(_found[0]), _found[1], guarded=True)
    registry.register(replace(_rule, written=written))
