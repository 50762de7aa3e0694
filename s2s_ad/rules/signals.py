"""Rules of numpy's sliding products, differences, powers and products of all with all.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2s_ad.ir.kinds import UNKNOWN, Kind, ListOf, TupleOf

from . import results
from .declare import bilinear, linear
from .results import Args, Kinds, constant, is_integer, literal
from .rule import Result
from .whole_numbers import in_floats, of_all

# sliding products: what is left out of the full one is 0 there

_FULL = "np.correlate({}, {}, 'valid')"
_SHORT = "min(np.size(a), np.size(v)) - 1"
for _mode, _whole in (
    ("full", "d"),
    ("same", f"np.pad(d, (({_SHORT}) // 2, {_SHORT} - ({_SHORT}) // 2))"),
    ("valid", f"np.pad(d, {_SHORT})"),
):
    bilinear(
        "np.convolve(a, v, mode='full')",
        a=_FULL.format(_whole, "v"),
        v=_FULL.format(_whole, "a"),
        where={"mode": _mode},
        ranks=(1, 1),
        result=of_all(results.ranked(1, "a"), "a", "v"),
    )
    for _ranks in ((1, "list"), ("list", 1)):
        _a, _v = (x if rank == 1 else f"np.asarray({x}, float)" for x, rank in zip("av", _ranks))
        bilinear(
            "np.convolve(a, v, mode='full')",
            a=f"unbroadcast({_FULL.format(_whole, _v)}, a)",
            v=f"unbroadcast({_FULL.format(_whole, _a)}, v)",
            where={"mode": _mode},
            ranks=_ranks,
            result=results.ranked(1, "a", "any"),
        )
    if _mode != "same":
        bilinear(
            "np.correlate(a, v, mode='valid')",
            a=_FULL.format(_whole, "v[::-1]"),
            v=_FULL.format(_whole, "a") + "[::-1]",
            where={"mode": _mode},
            ranks=(1, 1),
            result=of_all(results.ranked(1, "a"), "a", "v"),
        )

# all with all

bilinear("np.kron(a, b)", ranks=(0, "array"), a="np.sum(d * b)", b="a * d",
         result=results.elementwise("same", ("a", "b")))  # fmt: skip
bilinear("np.kron(a, b)", ranks=("array", 0), a="d * b", b="np.sum(a * d)",
         result=results.elementwise("same", ("a", "b")))  # fmt: skip
bilinear("np.kron(a, b)", ranks=(1, 1), a="np.reshape(d, (a.size, b.size)) @ b",
         b="a @ np.reshape(d, (a.size, b.size))", result=results.ranked(1, "a", "any"))  # fmt: skip
_BLOCKS = "np.reshape(d, (a.shape[0], b.shape[0], a.shape[1], b.shape[1]))"
bilinear("np.kron(a, b)", ranks=(2, 2), a=f"np.einsum('ikjl,kl->ij', {_BLOCKS}, b)",
         b=f"np.einsum('ikjl,ij->kl', {_BLOCKS}, a)",
         result=results.ranked(2, "a", "any"))  # fmt: skip
_ROWS = "np.reshape(d, (a.shape[0], a.shape[1], b.size))"
bilinear("np.kron(a, b)", ranks=(2, 1), a=f"{_ROWS} @ b", b=f"np.einsum('ijl,ij->l', {_ROWS}, a)",
         result=results.ranked(2, "a", "any"))  # fmt: skip
_ROWS = "np.reshape(d, (b.shape[0], a.size, b.shape[1]))"
bilinear("np.kron(a, b)", ranks=(1, 2), a=f"np.einsum('kjl,kl->j', {_ROWS}, b)",
         b=f"np.einsum('kjl,j->kl', {_ROWS}, a)",
         result=results.ranked(2, "b", "any"))  # fmt: skip
bilinear(
    "np.tensordot(a, b, axes=2)",
    a="tensordot_left(d, a, b, axes)",
    b="tensordot_right(d, a, b, axes)",
    ranks=("array", "array"),
    result=constant(UNKNOWN),
)

# differences


def is_several(axis: object) -> bool:
    """True for literal axes of which there are two or more."""
    return isinstance(axis, tuple) and len(axis) > 1


def _axes_of(args: Args) -> tuple[object, ...]:
    axes = literal(args.get("axis"))
    return axes if isinstance(axes, tuple) else ()


def _several_along(count: Callable[[Args], int]) -> Result:
    """Return as many arrays of the shape of `f`: in a tuple, or in a list of older versions."""

    def result(kinds: Kinds, args: Args) -> Kind:
        one = results.like("f", "float")(kinds, args)
        if isinstance(np.gradient(np.eye(2)), list):
            return ListOf(one)
        return TupleOf((one,) * count(args))

    return result


_SLOPES = "np.gradient(f, spacing, /, *, axis=None, edge_order=1)"
for _rank, _axis in ((1, None), (1, is_integer), ("array", is_integer)):
    _along = "0" if _axis is None else "axis"
    _none: dict[str, Any] = {}
    for _text, _by, _maps in (
        ("np.gradient(f, /, *, axis=None, edge_order=1)", "1.0", _none),
        (_SLOPES, "spacing", {"spacing": "-np.sum(d * out) / spacing"}),
    ):
        linear(
            _text,
            f=f"ungradient(d, {_by}, {_along}, edge_order)",
            tangent={"spacing": "-out * (d / spacing)"},
            where={"axis": _axis},
            ranks=(_rank, 0) if _maps else (_rank,),
            result=results.like("f", "float"),
            on={"f": (-2.0, 2.0), "spacing": (0.5, 2.0)},
            **_maps,
        )
    # along coordinates: each entry of the result by each of the function
    linear(
        _SLOPES,
        f=f"np.moveaxis(np.tensordot(np.gradient(np.eye(f.shape[{_along}]), spacing, axis=0, "
        f"edge_order=edge_order), d, (0, {_along})), 0, {_along})",
        where={"axis": _axis},
        ranks=(_rank, 1),
        result=results.like("f", "float"),
    )
_SIDES = in_floats(results.several(("f", "f"), type(np.gradient(np.eye(2))), 2))
linear(
    "np.gradient(f, /, *, axis=None, edge_order=1)",
    f="ungradient(d[0], 1.0, 0, edge_order) + ungradient(d[1], 1.0, 1, edge_order)",
    ranks=(2,),
    where={"axis": None},
    result=_SIDES,
)
linear(
    "np.gradient(f, /, *, axis=None, edge_order=1)",
    f="sum([ungradient(d[k], 1.0, k, edge_order) for k in range(3)])",
    ranks=(3,),
    where={"axis": None},
    result=in_floats(_several_along(lambda args: 3)),
)
linear(
    "np.gradient(f, /, *, axis=None, edge_order=1)",
    f="sum([ungradient(d[k], 1.0, axis[k], edge_order) for k in range(len(axis))])",
    ranks=("array",),
    where={"axis": is_several},
    result=in_floats(_several_along(lambda args: len(_axes_of(args)))),
)
linear(
    "np.gradient(f, dx, dy, /, *, edge_order=1)",
    f="ungradient(d[0], dx, 0, edge_order) + ungradient(d[1], dy, 1, edge_order)",
    ranks=(2, 0, 0),
    result=_SIDES,
)
linear(
    "np.diff(a, n=1, axis=-1)", a="d", where={"n": 0}, ranks=("array",), result=results.like("a")
)
for _n in (2, 3, 4):
    _back = "d"
    for _ in range(_n):
        _back = f"np.diff({_back}, axis=axis, prepend=0.0, append=0.0)"
    linear(
        "np.diff(a, n=1, axis=-1)",
        # of fewer entries than differences are taken, nothing is left
        a=f"unbroadcast({'-' * (_n % 2)}{_back} if np.size(out) else 0.0, a)"
        if _n > 2
        else f"unbroadcast({_back}, a)",
        where={"n": _n},
        ranks=("array",),
        result=results.same_rank("a"),
        on={"a": lambda rng: rng.uniform(-2.0, 2.0, (5, 6))},
    )

# powers

linear(
    "np.ediff1d(ary)",
    ary="np.reshape(-np.diff(d, prepend=0.0, append=0.0), np.shape(ary))",
    ranks=("array",),
    result=results.ranked(1, "ary"),
)
_STEEP = "powers * np.float_power(np.expand_dims(x, 1), np.maximum(powers - 1, 0))"
for _increasing, _powers in (
    (False, "np.arange(out.shape[1])[::-1]"),
    (True, "np.arange(out.shape[1])"),
):
    linear(
        "np.vander(x, N=None, increasing=False)",
        x=f"np.sum(d * {_STEEP}, axis=1)",
        tangent={"x": f"np.expand_dims(d, 1) * {_STEEP}"},
        let={"powers": _powers},
        where={"increasing": _increasing},
        ranks=(1,),
        result=results.ranked(2, "x"),
    )
