"""Calls that put something into places of an array, written out as stores where kinds are known.

Takes an active statement that is such a call with its facts, gives the stores it makes, None where
that is not proved. Requires `ir`, `analysis`.

    np.put(a, [0, 2], x)             →      a[[0, 2]] = x
    np.putmask(a, a > 0.0, b)        →      a[a > 0.0] = b[a > 0.0]
    np.multiply.at(a, places, b)     →      for i, item in zip(places, b):
                                                a[i] *= item
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from s2s_ad.analysis.effects import ufunc_of
from s2s_ad.analysis.indexing import constant_int
from s2s_ad.frontend.container_methods import Statements
from s2s_ad.frontend.library_loops import LibraryLoops
from s2s_ad.frontend.views import part_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Dim, Kind, ListOf, Number, TupleOf, dim_of_length, is_vector
from s2s_ad.ir.walk import container_of, is_starred, names

Given = Mapping[str, n.Expr]
OPERATORS: Mapping[object, str] = {
    np.multiply: "*",
    np.true_divide: "/",
    np.power: "**",
    np.add: "+",
    np.subtract: "-",
}
PARAMS: tuple[tuple[object, tuple[str, ...]], ...] = (
    (np.put, ("a", "ind", "v", "mode")),
    (np.place, ("arr", "mask", "vals")),
    (np.putmask, ("a", "mask", "values")),
    (np.put_along_axis, ("arr", "indices", "values", "axis")),
)


class ArrayStores(LibraryLoops):
    """Writes out calls that put something into an array."""

    def changed_in_place(self, s: n.ExprStmt) -> Statements | None:
        out = self.put_somewhere(s.value, s) if isinstance(s.value, n.Call) else None
        return super().changed_in_place(s) if out is None else out

    def put_somewhere(self, e: n.Call, s: n.Stmt) -> Statements | None:
        if is_starred(e):
            return None
        parts = (*e.args, *(k.value for k in e.keywords))
        f = self.object_of(e.func, s)
        if f is None:
            return self.by_method_put(e, s)
        if not any(self.varied(x, s) for x in parts):
            return None
        if (ufunc := ufunc_of(f, "at")) is not None:
            return self.applied_at(ufunc, e, s) if not e.keywords else None
        for function, params in PARAMS:
            if f is function and len(e.args) <= len(params):
                given = dict(zip(params, e.args))
                given.update((k.name or "", k.value) for k in e.keywords)
                rank = self.rank_of(given.get(params[0]), s)
                known = given.keys() <= set(params) and {*params[:3]} <= given.keys()
                return self.stored_by(f, given, rank, s) if rank and known else None
        return None

    def by_method_put(self, e: n.Call, s: n.Stmt) -> Statements | None:
        """Write `a.put(places, values)` as what `np.put` stores."""
        if not isinstance(e.func, n.Attribute) or e.func.attr != "put" or e.keywords:
            return None
        rank = self.rank_of(e.func.value, s)
        parts = (e.func.value, *e.args)
        if not rank or len(e.args) != 2 or not any(self.varied(x, s) for x in parts):
            return None
        return self.stored_by(np.put, dict(zip(("a", "ind", "v"), parts)), rank, s)

    def rank_of(self, array: n.Expr | None, s: n.Stmt) -> int:
        """Return how many axes an array has that may be stored into, 0 if that is not known."""
        if array is None or part_of(array, lambda x: self.facts.value(x, s.uid).kind) is None:
            return 0
        kind = self.facts.value(array, s.uid).kind
        return len(kind.dims) if isinstance(kind, Array) and kind.dims else 0

    def stored_by(self, f: object, given: Given, rank: int, s: n.Stmt) -> Statements | None:
        pre: Statements = []
        if f is np.put:
            store = self.put(given, rank, s, pre)
        elif f is np.put_along_axis:
            store = self.put_along(given, rank, s)
        else:
            store = self.put_under(f, given, s, pre)
        return None if store is None else [*pre, store]

    def is_apart(self, value: n.Expr, array: n.Expr, s: n.Stmt) -> bool:
        """True for a value that is no part of an array: of others NumPy may read what it has put
        there already."""
        made = isinstance(value, (n.Binary, n.Unary))
        listed = isinstance(value, (n.ListExpr, n.TupleExpr))
        if made or self.is_number(value, s) or (listed and self.length_of(value, s) is not None):
            return True
        root = container_of(array)
        alone = isinstance(root, n.Name) and self.owned(root.id, s)
        return alone and isinstance(root, n.Name) and root.id not in names(value)

    # -- places by their numbers

    def put(self, given: Given, rank: int, s: n.Stmt, pre: Statements) -> n.Stmt | None:
        array, places, value = given["a"], given["ind"], given["v"]
        mode = given.get("mode", n.Const("'raise'", "raise"))
        kind = self.facts.value(places, s.uid).kind
        if isinstance(places, n.TupleExpr):
            places = n.ListExpr(places.items)
        elif isinstance(kind, (ListOf, TupleOf)) and not isinstance(places, n.ListExpr):
            places = self.numpy("asarray", places)
        elif not self.is_whole(kind):
            return None
        if not isinstance(mode, n.Const) or mode.value not in ("raise", "wrap", "clip"):
            return None
        value = self.simple(value, s, pre, "value")
        size = n.Attribute(array, "size")
        if mode.value == "wrap":
            places = self.numpy("mod", places, size)
        elif mode.value == "clip":
            last = n.Binary("-", size, n.Const("1", 1))
            places = self.numpy("clip", places, n.Const("0", 0), last)
        if not self.is_number(value, s) and not self.is_as_long(value, places, s):
            places = self.simple(places, s, pre, "places")
            value = self.numpy("resize", value, self.numpy("shape", places))
        return n.Assign((self.numbered(array, places, rank),), value, origin=s.origin)

    def numbered(self, array: n.Expr, places: n.Expr, rank: int) -> n.Subscript:
        """Return entries of an array that are numbered through."""
        if rank == 1:
            return n.Subscript(array, places)
        literal = constant_int(places)
        items = places.items if isinstance(places, n.ListExpr) else ()
        numbers = [literal] if literal is not None else [constant_int(x) for x in items]
        if not numbers or any(k is None or k < 0 for k in numbers):
            places = n.Subscript(self.numpy("arange", n.Attribute(array, "size")), places)
        index = self.numpy("unravel_index", places, n.Attribute(array, "shape"))
        return n.Subscript(array, index)

    # -- what is numbered through by `flat`

    def flat_store(self, s: n.Stmt) -> Statements | None:
        """Write a store into `a.flat[1:3]` as one into these entries of a."""
        target = s.target if isinstance(s, n.AugAssign) else None
        if isinstance(s, n.Assign) and len(s.targets) == 1:
            target = s.targets[0]
        flat = target.value if isinstance(target, n.Subscript) else target
        if not isinstance(flat, n.Attribute) or flat.attr != "flat":
            return None
        assert isinstance(s, (n.Assign, n.AugAssign))
        array, index = flat.value, target.index if isinstance(target, n.Subscript) else n.ALL
        rank = self.rank_of(array, s)
        if not rank or not (self.varied(s.value, s) or self.varied(array, s)):
            return None
        whole = index == n.ALL
        if not whole and not isinstance(index, n.Slice):
            kind = self.facts.value(index, s.uid).kind
            mask = isinstance(kind, Array) and kind.dtype == "bool"
            if not (mask or self.is_whole(kind)):
                return None
        pre: Statements = []
        value, number = s.value, self.is_number(s.value, s)
        if not (number if isinstance(s, n.AugAssign) else self.is_apart(value, array, s)):
            return None
        if not number:
            value = self.simple(value, s, pre, "value")
            own = self.facts.value(array if whole else n.Subscript(array, index), s.uid).kind
            given = self.facts.value(value, s.uid).kind
            if not (whole or rank == 1) or not _are_alike(own, given):
                shape: n.Expr = n.Attribute(array, "shape")
                if not whole:
                    every = self.numpy("arange", n.Attribute(array, "size"))
                    shape = n.Attribute(n.Subscript(every, index), "shape")
                value = self.numpy("resize", value, shape)
        part = n.Subscript(array, n.ELLIPSIS) if whole else self.numbered(array, index, rank)
        if isinstance(s, n.AugAssign):
            return [n.AugAssign(part, s.op, value, origin=s.origin)]
        return [*pre, n.Assign((part,), value, origin=s.origin)]

    def in_a_row(self, e: n.Attribute, s: n.Stmt) -> n.Expr | None:
        """Write `a.flat` as `a.ravel()` where its entries are read."""
        array = isinstance(self.facts.value(e.value, s.uid).kind, Array)
        return n.Call(n.Attribute(e.value, "ravel"), ()) if array and e.attr == "flat" else None

    def is_whole(self, kind: Kind) -> bool:
        """True for a whole number, an array or a list of such."""
        if isinstance(kind, ListOf):
            return self.is_whole(kind.item)
        if isinstance(kind, Array):
            return kind.dtype == "int"
        return isinstance(kind, Number) and kind.type == "int"

    def is_number(self, e: n.Expr, s: n.Stmt) -> bool:
        return isinstance(self.facts.value(e, s.uid).kind, Number)

    def is_as_long(self, value: n.Expr, places: n.Expr, s: n.Stmt) -> bool:
        """True for as many values as there are places, in a row."""
        lengths = [self.length_of(x, s) for x in (value, places)]
        return lengths[0] is not None and lengths[0] == lengths[1]

    def length_of(self, e: n.Expr, s: n.Stmt) -> Dim | None:
        """Return the length of a row of values, None for what may be something else."""
        if isinstance(e, (n.ListExpr, n.TupleExpr)):
            starred = any(isinstance(x, n.Starred) for x in e.items)
            plain = all(self.is_number(x, s) for x in e.items)
            return dim_of_length(len(e.items)) if plain and not starred else None
        kind = self.facts.value(e, s.uid).kind
        return kind.dims[0] if is_vector(kind) and kind.dims else None

    # -- places under a mask

    def put_under(self, f: object, given: Given, s: n.Stmt, pre: Statements) -> n.Stmt | None:
        array, mask, value = given.values()
        kind = self.facts.value(mask, s.uid).kind
        if not isinstance(kind, Array) or kind.dtype != "bool":
            return None
        if f is np.place and not self.is_apart(value, array, s):
            return None
        if self.is_number(value, s):
            return n.Assign((n.Subscript(array, mask),), value, origin=s.origin)
        value, mask = self.simple(value, s, pre, "value"), self.simple(mask, s, pre, "mask")
        if f is np.place:
            value = self.numpy("resize", value, self.numpy("count_nonzero", mask))
        else:
            own = self.facts.value(array, s.uid).kind
            if not _are_alike(own, self.facts.value(value, s.uid).kind):
                value = self.numpy("resize", value, n.Attribute(array, "shape"))
            value = n.Subscript(value, mask)
        return n.Assign((n.Subscript(array, mask),), value, origin=s.origin)

    def put_along(self, given: Given, rank: int, s: n.Stmt) -> n.Stmt | None:
        array, places = given["arr"], given["indices"]
        axis = constant_int(given.get("axis"))
        if rank > 2 or axis is None or not -rank <= axis < rank:
            return None
        if not self.is_whole(self.facts.value(places, s.uid).kind):
            return None
        index = places
        if rank == 2:
            across = axis % 2 == 0
            length = n.Subscript(
                n.Attribute(array, "shape"), n.Const(str(int(across)), int(across))
            )
            others: n.Expr = self.numpy("arange", length)
            if not across:
                others = n.Subscript(others, n.TupleExpr((n.ALL, n.Const("None", None))))
            index = n.TupleExpr((places, others) if across else (others, places))
        return n.Assign((n.Subscript(array, index),), given["values"], origin=s.origin)

    # -- one place after the other

    def applied_at(self, ufunc: np.ufunc, e: n.Call, s: n.Stmt) -> Statements | None:
        """Return the loop of `np.multiply.at(a, places, b)` over places of the first axis."""
        if ufunc is np.add or ufunc.nin != len(e.args) - 1 or ufunc.nout != 1:
            return None
        array, places = e.args[:2]
        kind = self.facts.value(array, s.uid).kind
        if self.rank_of(array, s) != 1 or not isinstance(kind, Array) or kind.dtype != "float":
            return None
        at = self.facts.value(places, s.uid).kind
        once = isinstance(at, Number) or (is_vector(at) and at.dtype == "bool")
        if not once and not (self.is_whole(at) and (is_vector(at) or isinstance(at, ListOf))):
            return None
        if not all(self.is_apart(x, array, s) for x in e.args[2:]):
            return None
        pre: Statements = []
        values = [self.simple(x, s, pre, "value") for x in e.args[2:]]

        def make(place: n.Expr, given: list[n.Expr]) -> n.Stmt:
            return self.computed(ufunc, n.Subscript(array, place), given, e, s)

        if once:
            return [*pre, make(places, values)]
        steps = self.simple(places, s, pre, "places")
        i = n.Name(self.names.fresh("i"))
        if not values or self.is_number(values[0], s):
            return [*pre, n.For(i, steps, (make(i, values),), origin=s.origin)]
        if not self.is_as_long(values[0], steps, s):
            values = [self.numpy("broadcast_to", values[0], self.numpy("shape", steps))]
        item = n.Name(self.names.fresh("item"))
        both = self.call("zip", steps, values[0])
        body = (make(i, [item]),)
        return [*pre, n.For(n.TupleExpr((i, item)), both, body, origin=s.origin)]

    def computed(
        self, ufunc: np.ufunc, place: n.Subscript, values: list[n.Expr], e: n.Call, s: n.Stmt
    ) -> n.Stmt:
        """Return what a place gets: by an operator if there is one, by the function itself."""
        if ufunc in OPERATORS:
            return n.AugAssign(place, OPERATORS[ufunc], values[0], origin=s.origin)
        assert isinstance(e.func, n.Attribute)
        value = n.Call(e.func.value, (place, *values))
        return n.Assign((place,), value, origin=s.origin)


def _are_alike(a: Kind, b: Kind) -> bool:
    """True for arrays that are known to have the same shape."""
    if not isinstance(a, Array) or not isinstance(b, Array):
        return False
    return a.dims is not None and a.dims == b.dims
