"""Calls of NumPy in forms that have no rule, written with functions that have one.

Takes a call with what its parts are, gives an expression of the same value, None where there is no
other form. Requires `ir`.

    np.linalg.norm(t, "nuc", axis=(1, 2))       np.sum(np.linalg.svd(t, compute_uv=False), axis=-1)
    np.choose(i, [a, b], mode="clip")       →   np.choose(np.clip(i, 0, 1), [a, b])
    np.add.reduce(a, where=m)                   np.sum(a, axis=0, where=m)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from s2s_ad.analysis.effects import ufunc_of
from s2s_ad.analysis.indexing import constant_int
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import is_starred

REDUCTIONS: Mapping[object, str] = {
    np.add: "sum",
    np.multiply: "prod",
    np.maximum: "max",
    np.minimum: "min",
}
TRUE = n.Const("True", True)
Given = dict[str, n.Expr]


@dataclass(frozen=True)
class Forms:
    """What is known where a call stands: kinds, what names stand for, how NumPy is spelled."""

    kind: Callable[[n.Expr], Kind]
    object_of: Callable[[n.Expr], object]
    numpy: n.Expr

    def other(self, f: object, e: n.Call) -> n.Expr | None:
        """Return a call in a form that has a rule, None where it is to stay."""
        if is_starred(e):
            return None
        if f is np.linalg.norm:
            return self.norm(_given(e, ("x", "ord", "axis", "keepdims")))
        if f is np.choose:
            return self.chosen(e)
        if f is np.angle and len(e.args) == 1 and not e.keywords:
            return self.angle(e.args[0])
        if f is np.broadcast_arrays and not e.keywords:
            return self.broadcast(e.args)
        ufunc = ufunc_of(f, "reduce")
        return None if ufunc is None else self.reduced(ufunc, e)

    def call(self, name: str, *args: n.Expr, **keywords: n.Expr) -> n.Call:
        func: n.Expr = self.numpy
        for part in name.split("."):
            func = n.Attribute(func, part)
        return n.Call(func, args, tuple(n.Keyword(k, value) for k, value in keywords.items()))

    def broadcast(self, args: tuple[n.Expr, ...]) -> n.Expr | None:
        """Write arrays of one shape one by one, but for two arrays, for which there is a rule."""
        kinds = [self.kind(x) for x in args]
        if len(args) == 2 and all(isinstance(kind, Array) for kind in kinds):
            return None
        if not all(isinstance(x, (n.Name, n.Const)) for x in args):
            return None  # what computes would do so twice
        shape = self.call("broadcast_shapes", *(self.call("shape", x) for x in args))
        items = tuple(self.call("broadcast_to", x, shape) for x in args)
        # NumPy 2 gives a tuple, NumPy 1 a list
        made = n.TupleExpr if isinstance(np.broadcast_arrays(0.0), tuple) else n.ListExpr
        return made(items)

    def angle(self, z: n.Expr) -> n.Expr | None:
        """Write the angle of `x + y * 1j` by x and y, zeros without a sign as in that sum."""
        if not isinstance(z, n.Binary) or z.op != "+" or not isinstance(z.right, n.Binary):
            return None
        x, sides = z.left, (z.right.left, z.right.right)
        units = [s for s in sides if isinstance(s, n.Const) and s.value == 1j]
        y = next((s for s in sides if s not in units), None)
        if z.right.op != "*" or len(units) != 1 or y is None:
            return None
        # of what is complex itself `arctan2` knows nothing, and says so
        return self.call("arctan2", *(n.Binary("+", part, ZERO) for part in (y, x)))

    def norm(self, given: Given) -> n.Expr | None:
        """Write the norm of each matrix of a stack by its sums or its singular values."""
        kind = self.kind(given["x"]) if "x" in given else None
        pair = given.get("axis")
        axes = [constant_int(x) for x in pair.items] if isinstance(pair, n.TupleExpr) else []
        rank = len(kind.dims) if isinstance(kind, Array) and kind.dims else 0
        known = [k % rank for k in axes if k is not None and rank and -rank <= k < rank]
        order, keeps = self.order(given.get("ord")), given.get("keepdims", n.Const("False", False))
        if rank < 3 or len(known) != 2 or known[0] == known[1] or not isinstance(keeps, n.Const):
            return None
        x, (row, column) = given["x"], known
        last = n.Unary("-", n.Const("1", 1))
        if order in (1, -1, math.inf, -math.inf):
            along = row if abs(float(order)) == 1.0 else column
            sums = self.call("sum", self.call("abs", x), axis=_number(along), keepdims=TRUE)
            told = {"keepdims": TRUE} if keeps.value else {}
            return self.call("max" if float(order) > 0 else "min", sums, axis=_pair(known), **told)
        if order not in (2, -2, "nuc"):
            return None
        ends = n.TupleExpr((n.Unary("-", n.Const("2", 2)), last))
        turned = self.call("moveaxis", x, _pair(known), ends)
        values = self.call("linalg.svd", turned, compute_uv=n.Const("False", False))
        name = "sum" if order == "nuc" else "max" if order == 2 else "min"
        out = self.call(name, values, axis=last)
        return self.call("expand_dims", out, _pair(sorted(known))) if keeps.value else out

    def order(self, e: n.Expr | None) -> float | str | None:
        """Return the order of a norm, None for what is not known."""
        if isinstance(e, n.Unary) and e.op == "-":
            inner = self.order(e.operand)
            return -inner if isinstance(inner, (int, float)) else None
        value = e.value if isinstance(e, n.Const) else self.object_of(e) if e is not None else None
        return value if type(value) in (int, float, str) else None  # type: ignore[return-value]

    def chosen(self, e: n.Call) -> n.Expr | None:
        """Write `np.choose` that clips or wraps as one of places that are there."""
        mode = e.keywords[0] if len(e.keywords) == 1 and e.keywords[0].name == "mode" else None
        listed = e.args[1] if len(e.args) == 2 else None
        if mode is None or not isinstance(listed, (n.ListExpr, n.TupleExpr)):
            return None
        if any(isinstance(x, n.Starred) for x in listed.items) or not isinstance(
            mode.value, n.Const
        ):
            return None
        count = len(listed.items)
        places = {
            "clip": self.call("clip", e.args[0], _number(0), _number(count - 1)),
            "wrap": self.call("mod", e.args[0], _number(count)),
            "raise": e.args[0],
        }.get(str(mode.value.value))
        return None if places is None else replace(e, args=(places, listed), keywords=())

    def reduced(self, ufunc: np.ufunc, e: n.Call) -> n.Expr | None:
        """Write a reduction of some entries, or from a start, as that of the function it is."""
        told = {k.name for k in e.keywords}
        name = REDUCTIONS.get(ufunc)
        if name is None or not told & {"where", "initial"} or len(e.args) > 2:
            return None
        axis = () if len(e.args) == 2 or "axis" in told else (n.Keyword("axis", _number(0)),)
        return n.Call(n.Attribute(self.numpy, name), e.args, (*axis, *e.keywords))


def _given(e: n.Call, names: tuple[str, ...]) -> Given:
    found = dict(zip(names, e.args))
    found.update((k.name or "", k.value) for k in e.keywords)
    return found if found.keys() <= set(names) else {}


def _number(k: int) -> n.Const:
    return n.Const(str(k), k)


def _pair(axes: list[int]) -> n.TupleExpr:
    return n.TupleExpr(tuple(map(_number, axes)))
