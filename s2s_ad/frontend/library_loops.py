"""Calls of NumPy that call functions of the user, written out with stores and loops.

Takes an active call with its facts, gives an equivalent expression and what must run first, None
where there is nothing to write out. Requires `ir`, `analysis`.

    y = np.piecewise(x, [x < 0.0], [f, 1.0])        y = np.zeros_like(x)
                                             →      chosen = x < 0.0
                                                    part = x[chosen]
                                                    if part.size:
                                                        y[chosen] = f(part)
                                                    y[~chosen] = 1.0

    v = np.vectorize(f); v(x)                →      np.vectorize(f)(x)
    np.vectorize(f)(x)                       →      np.array([f(item) for item in x])
    np.apply_along_axis(f, 0, a)             →      np.array([f(row) for row in a.T])

NumPy gives all results the type of the first one: where that is not proved to be a float, a call
stays as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.values import Value
from s2s_ad.frontend.container_methods import ONE, Methods, Statements
from s2s_ad.frontend.library_forms import Forms
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import renamed, said_by, sole_target
from s2s_ad.ir.kinds import FLOAT, Array, Kind, Number, Object, Partial, TupleOf, Unknown, is_vector
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, bound_here, names, walk_stmts

FLOATS: tuple[object, ...] = (float, np.float64)

Keywords = tuple[n.Keyword, ...]
ObjectOf = Callable[[n.Expr], object]


def with_calls_of_made(function: n.Function, object_of: ObjectOf) -> n.Function:
    """Return the function with `np.vectorize(f)` where a variable that only holds that is called.

    object_of: the live object that an expression stands for, None for what is not known.
    """
    for k, s in enumerate(function.body):
        name = sole_target(s)
        if name is None or not isinstance(s, n.Assign) or not isinstance(s.value, n.Call):
            continue
        if object_of(s.value.func) is not np.vectorize:
            continue
        before, rest = function.body[: k + 1], function.body[k + 1 :]
        bound = [x for y in walk_stmts(rest) for x in bound_here(y)]
        other = any(isinstance(y, (n.FunctionDef, n.Global, n.Delete)) for y in walk_stmts(rest))
        alone = sum(name in said_by(y) for y in walk_stmts(before)) == 1
        parts = [e for y in walk_stmts(rest) for e in all_parts(y)]
        called = sum(isinstance(e, n.Call) and e.func == n.Name(name) for e in parts)
        late = any(isinstance(e, n.Lambda) and name in names(e) for e in parts)
        only_called = called == sum(e == n.Name(name) for e in parts)
        if other or late or not alone or not only_called or {name, *names(s.value)} & set(bound):
            continue
        calls = renamed(rest, {name: s.value})
        return with_calls_of_made(replace(function, body=(*before[:-1], *calls)), object_of)
    return function


class LibraryLoops(Methods):
    """Writes out calls of functions that NumPy would make."""

    def by_library(self, f: object, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Return a call of NumPy as the loop or the stores that it runs, or in another form."""
        forms = Forms(
            lambda x: self.facts.value(x, s.uid).kind,
            lambda x: self.object_of(x, s),
            n.Name(self.alias("np")),
        )
        if (other := forms.other(f, e)) is not None:
            return other
        if f is np.piecewise:
            return self.piecewise(e, s, pre)
        if f is np.apply_along_axis:
            return self.along_axis(e, s, pre)
        if f is np.fromiter and len(e.args) == 2 and not e.keywords:
            return self.from_items(e.args[0], e.args[1], s)
        if isinstance(f, np.vectorize) and f.signature is None and not f.excluded:
            types = [np.dtype(x) for x in f.otypes or ()]
            function = n.Attribute(e.func, "pyfunc")
            plain = types in ([], [np.dtype(float)])
            return self.vectorized(function, bool(types), e, s, pre) if plain else None
        return None

    def of_made(self, e: n.Call, made: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Return `np.vectorize(f)(x)` as the loop it runs."""
        if self.object_of(made.func, s) is not np.vectorize or len(made.args) != 1:
            return None
        given = {k.name: k.value for k in made.keywords}
        types = given.get("otypes")
        if not given.keys() <= {"otypes", "doc"}:
            return None
        if types is not None and not self.are_floats(types, s):
            return None
        return self.vectorized(made.args[0], types is not None, e, s, pre)

    def are_floats(self, types: n.Expr, s: n.Stmt) -> bool:
        if isinstance(types, (n.ListExpr, n.TupleExpr)) and len(types.items) == 1:
            return self.is_float_type(types.items[0], s)
        return isinstance(types, n.Const) and types.value == "d"

    def is_float_type(self, e: n.Expr, s: n.Stmt) -> bool:
        found = self.object_of(e, s)
        return any(found is x for x in FLOATS)

    # -- piecewise

    def piecewise(self, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        if len(e.args) < 3 or not isinstance(e.args[2], (n.ListExpr, n.TupleExpr)):
            return None
        x, functions, more = e.args[0], e.args[2].items, e.args[3:]
        if not self.may_be_array(x, s) or any(isinstance(a, n.Starred) for a in functions):
            return None
        tests = self.tests(e.args[1], x, s)
        if tests is None or len(functions) - len(tests) not in (0, 1):
            return None
        if not all(self.is_function(f, s) or self.is_value(f, s) for f in functions):
            return None
        x = self.simple(x, s, pre, "x")
        masks = [self.simple(test, s, pre, "chosen") for test in tests]
        pieces = [
            f if self.is_function(f, s) else self.simple(f, s, pre, "piece") for f in functions
        ]
        given = tuple(self.simple(a, s, pre, "argument") for a in more)
        keywords = tuple(
            n.Keyword(k.name, self.simple(k.value, s, pre, "argument")) for k in e.keywords
        )
        out = n.Name(self.fresh("pieces"))
        pre.append(n.Assign((out,), self.numpy("zeros_like", x), origin=s.origin))
        if len(pieces) > len(masks):
            others: n.Expr = masks[0]
            for mask in masks[1:]:
                others = n.Binary("|", others, mask)
            masks.append(n.Unary("~", others))
        for k, (mask, piece) in enumerate(zip(masks, pieces)):
            if not self.is_function(piece, s):
                put = n.Assign((n.Subscript(out, mask),), piece, origin=s.origin)
                nothing = isinstance(piece, n.Const) and piece.value == 0
                pre.extend([] if nothing and k in (0, len(tests)) else [put])
                continue
            if not isinstance(mask, n.Name):
                mask = self.simple(mask, s, pre, "chosen")
            part = n.Name(self.fresh("part"))
            pre.append(n.Assign((part,), n.Subscript(x, mask), origin=s.origin))
            value = self.result_of(piece, (part, *given), keywords, s)
            store: n.Stmt = n.Assign((n.Subscript(out, mask),), value, origin=s.origin)
            if not self.is_elementwise(value, part, s):
                # a function is not called for no entries
                store = n.If((n.Branch(n.Attribute(part, "size"), (store,)),), origin=s.origin)
            pre.append(store)
        return out

    def may_be_array(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for an array with axes, and for what nothing is known of."""
        kind = self.facts.value(e, s.uid).kind
        return isinstance(kind, Unknown) or (isinstance(kind, Array) and bool(kind.dims))

    def tests(self, e: n.Expr, x: n.Expr, s: n.Stmt) -> list[n.Expr] | None:
        """Return the masks of `np.piecewise`, None where they may be something else."""
        kind = self.facts.value(e, s.uid).kind
        if is_vector(kind) and kind.dtype == "bool":
            return [e]
        items = e.items if isinstance(e, (n.ListExpr, n.TupleExpr)) else ()
        return list(items) if items and all(self.is_mask(item, x, s) for item in items) else None

    def is_mask(self, e: n.Expr, x: n.Expr, s: n.Stmt) -> bool:
        """True for truths in an array that has axes if x has."""
        kind = self.facts.value(e, s.uid).kind
        if isinstance(kind, Array):
            return kind.dtype == "bool" and bool(kind.dims)
        if isinstance(e, n.Binary) and e.op in ("&", "|"):
            return self.is_mask(e.left, x, s) and self.is_mask(e.right, x, s)
        if isinstance(e, n.Unary) and e.op == "~":
            return self.is_mask(e.operand, x, s)
        ordered = (
            isinstance(e, n.Compare) and len(e.ops) == 1 and e.ops[0] in ("<", "<=", ">", ">=")
        )
        return ordered and isinstance(e, n.Compare) and x in (e.left, *e.rights)

    def is_function(self, e: n.Expr, s: n.Stmt) -> bool:
        return isinstance(e, n.Lambda) or isinstance(
            self.facts.value(e, s.uid).kind, (Object, Partial)
        )

    def is_value(self, e: n.Expr, s: n.Stmt) -> bool:
        return isinstance(self.facts.value(e, s.uid).kind, (Number, Array))

    def is_elementwise(self, e: n.Expr, part: n.Name, s: n.Stmt) -> bool:
        """True for arithmetic on the entries of a part, which may be done for none."""
        if isinstance(e, (n.Name, n.Const)):
            return e == part or isinstance(self.facts.value(e, s.uid).kind, Number)
        if isinstance(e, n.Unary):
            return self.is_elementwise(e.operand, part, s)
        if isinstance(e, n.Binary):
            both = self.is_elementwise(e.left, part, s) and self.is_elementwise(e.right, part, s)
            return e.op != "@" and both
        if not isinstance(e, n.Call) or e.keywords:
            return False
        function = self.object_of(e.func, s)
        every = isinstance(function, np.ufunc) and function.signature is None
        return every and all(self.is_elementwise(a, part, s) for a in e.args)

    # -- loops

    def vectorized(
        self, function: n.Expr, as_floats: bool, e: n.Call, s: n.Stmt, pre: Statements
    ) -> n.Expr | None:
        """Return the loop of `np.vectorize`, over arrays of one shape and with numbers.

        as_floats: whether it is told that the results are floats."""
        kinds = [self.facts.value(a, s.uid).kind for a in e.args]
        arrays = [kind for kind in kinds if isinstance(kind, Array) and kind.dims != ()]
        known = all(isinstance(kind, (Number, Array)) for kind in kinds)
        if e.keywords or not known or any(not a.dims or a.dtype != "float" for a in arrays):
            return None
        if any(a.dims != arrays[0].dims for a in arrays[1:]):
            return None
        given = [self.simple(a, s, pre, "x") for a in e.args]
        items = [self.item(a, kind) for a, kind in zip(given, kinds)]
        value = self.result_of(function, tuple(items), (), s)
        elements: dict[str, Kind] = {
            x.id: FLOAT for x, a in zip(items, given) if x != a and isinstance(x, n.Name)
        }
        kind, pure = self.made_by(value, elements, s)
        several = kind.items if isinstance(kind, TupleOf) and not kind.is_list else ()
        if not pure or not all(
            isinstance(x, Number) and (x.type == "float" or as_floats) for x in several or (kind,)
        ):
            return None
        dtype = (n.Keyword("dtype", self.builtin("float")),) if as_floats else ()
        if not arrays:
            return None if several else n.Call(self.of_numpy("asarray"), (value,), dtype)
        first = next(a for a, kind in zip(given, kinds) if kind in arrays)
        flat = len(arrays[0].dims or ()) == 1
        over = [
            a if flat else n.Call(n.Attribute(a, "ravel"), ())
            for a, kind in zip(given, kinds)
            if kind in arrays
        ]
        each = [x for x, kind in zip(items, kinds) if kind in arrays]
        clause = n.Clause(each[0], over[0])
        if len(each) > 1:
            clause = n.Clause(n.TupleExpr(tuple(each)), self.call("zip", *over))
        listed = n.Comprehension("list", value, (clause,))

        def shaped(items: n.Comprehension) -> n.Expr:
            made = n.Call(self.of_numpy("array"), (items,), dtype)
            if flat:
                return made
            return n.Call(n.Attribute(made, "reshape"), (n.Attribute(first, "shape"),))

        if not several:
            return shaped(listed)
        rows, row = self.kept(listed, "rows", s, pre), n.Name(self.names.fresh("row"))
        parts = (n.Subscript(row, n.Const(str(k), k)) for k in range(len(several)))
        over_rows = (n.Clause(row, rows),)
        return n.TupleExpr(tuple(shaped(n.Comprehension("list", x, over_rows)) for x in parts))

    def item(self, e: n.Expr, kind: Kind) -> n.Expr:
        """Return what a function that runs over entries is given: a number, or a name for one."""
        if not isinstance(kind, Array):
            return e
        if kind.dims == ():
            return n.Call(n.Attribute(e, "item"), ())
        return n.Name(self.names.fresh("item"))

    def along_axis(self, e: n.Call, s: n.Stmt, pre: Statements) -> n.Expr | None:
        """Return the loop of `np.apply_along_axis`, over rows or columns."""
        if len(e.args) < 3:
            return None
        function, axis, array = e.args[0], constant_int(e.args[1]), e.args[2]
        kind = self.facts.value(array, s.uid).kind
        if not isinstance(kind, Array) or not kind.dims or kind.dtype != "float":
            return None
        rank = len(kind.dims)
        if axis is None or not -rank <= axis < rank or not self.is_function(function, s):
            return None
        array = self.simple(array, s, pre, "x")
        more = tuple(self.simple(a, s, pre, "argument") for a in e.args[3:])
        keywords = tuple(
            n.Keyword(k.name, self.simple(k.value, s, pre, "argument")) for k in e.keywords
        )
        row = array if rank == 1 else n.Name(self.names.fresh("row"))
        value = self.result_of(function, (row, *more), keywords, s)
        rows: dict[str, Kind] = {}
        if rank > 1 and isinstance(row, n.Name):
            rows[row.id] = Array((kind.dims[axis],))
        made, _ = self.made_by(value, rows, s)
        line = is_vector(made) and made.dtype == "float"
        if not line and not (isinstance(made, Number) and made.type == "float"):
            return None
        if rank == 1:
            return self.numpy("array", value)
        if rank == 2:
            across = axis % 2 == 0
            over: n.Expr = n.Attribute(array, "T") if across else array
            stacked = self.numpy("array", n.Comprehension("list", value, (n.Clause(row, over),)))
            return n.Attribute(stacked, "T") if line and across else stacked
        last = n.Unary("-", ONE)
        moved = self.simple(self.numpy("moveaxis", array, e.args[1], last), s, pre, "moved")
        shape = n.Attribute(moved, "shape")
        size, others = n.Subscript(shape, last), n.Subscript(shape, n.Slice(None, last, None))
        over = n.Call(n.Attribute(moved, "reshape"), (last, size))
        stacked = self.numpy("array", n.Comprehension("list", value, (n.Clause(row, over),)))
        if not line:
            return n.Call(n.Attribute(stacked, "reshape"), (others,))
        whole = n.TupleExpr((n.Starred(others), last))
        lines = n.Call(n.Attribute(stacked, "reshape"), (whole,))
        return self.numpy("moveaxis", lines, last, e.args[1])

    def from_items(self, items: n.Expr, dtype: n.Expr, s: n.Stmt) -> n.Expr | None:
        """Write `np.fromiter(items, float)` as an array of a list."""
        if not self.is_float_type(dtype, s):
            return None
        if isinstance(items, n.Comprehension) and items.kind == "generator":
            listed: n.Expr = n.Comprehension("list", items.element, items.clauses)
        else:
            listed = self.call("list", items)
        return n.Call(self.of_numpy("array"), (listed,), (n.Keyword("dtype", dtype),))

    # -- parts

    def of_numpy(self, name: str) -> n.Attribute:
        return n.Attribute(n.Name(self.alias("np")), name)

    def numpy(self, name: str, *args: n.Expr) -> n.Call:
        return n.Call(self.of_numpy(name), args)

    def result_of(
        self, f: n.Expr, args: tuple[n.Expr, ...], keywords: Keywords, s: n.Stmt
    ) -> n.Expr:
        """Return the call of a function, of a lambda its body, of what is completed the whole."""
        if isinstance(f, n.Lambda):
            named = {k.name: k.value for k in keywords}
            given = [*args, *(named.pop(p.name, p.default) for p in f.params[len(args) :])]
            if not named and None not in given:
                bare = tuple(replace(p, default=None) for p in f.params)
                return self.applied(replace(f, params=bare), *(x for x in given if x is not None))
        if isinstance(f, n.Call) and f.args and self.object_of(f.func, s) is functools.partial:
            return n.Call(f.args[0], (*f.args[1:], *args), (*f.keywords, *keywords))
        return n.Call(f, args, keywords)

    def made_by(self, e: n.Expr, variables: dict[str, Kind], s: n.Stmt) -> tuple[Kind, bool]:
        """Return the kind of an expression that reads these variables too, and whether it changes
        nothing."""
        known = {name: Value(kind, True) for name, kind in variables.items()}
        env = {**self.facts.before[s.uid], **known}
        reader = type(self.facts.reader(s.uid))(
            self.facts.world, self.facts.locals | variables.keys()
        )
        pure = not isinstance(e, n.Call) or reader.is_pure(e, env)
        return reader.value(e, env).kind, pure
