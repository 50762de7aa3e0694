"""Calls of what is known only when they run: their derivatives are made then.

Takes calls, gives what of their arguments is active; requires `analysis`.

    y = f(x, 2)         →       y, f_saved = call_forward(f, (0,), x, 2)
                                ...
                                x_bar = call_reverse(f_saved, y_bar)
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import DictOf, ListOf, Number, TupleOf
from s2s_ad.ir.walk import is_starred, subexprs
from s2s_ad.rules import registry

# what depends on the function it is called in
OF_ITS_PLACE = ((globals,), (locals,), (vars,), (dir,), (super,))


# functions of `scipy.optimize`, and the parameters that say where they start
SOLVERS = ("brentq", "brenth", "bisect", "ridder", "toms748", "newton", "fsolve")
START = ("a", "b", "x0")
# the place of what is passed on to the function in `runtime.find_root`; -1 is the first of that
ARGS = 3
# those of the bounds in `runtime.find_integral`, and of what is passed on
BOUNDS, ARGS_OF_INTEGRAL = (2, 3), 4


@dataclass(frozen=True)
class Followed:
    """A call whose derivative is made when it runs.

    active: how `runtime.calls` is told what of the arguments is active, with the expressions.
    """

    call: n.Call
    active: tuple[tuple[int | str, n.Expr], ...]

    @property
    def name(self) -> str:
        func = self.call.func
        return func.attr if isinstance(func, n.Attribute) else getattr(func, "id", "call")

    @property
    def places(self) -> n.Expr:
        return n.TupleExpr(tuple(n.Const(repr(place), place) for place, _ in self.active))


def followed(facts: Facts, e: n.Expr, s: n.Stmt, alias: Callable[[str], str]) -> Followed | None:
    """Return how a call is followed when it runs, None for one that is not."""
    if not isinstance(e, n.Call) or s.uid not in facts.before:
        return None
    if is_solver(facts, e, s):
        return _root(facts, e, s, alias)
    if not _is_unknown(facts, e, s):
        return None
    active: list[tuple[int | str, n.Expr]] = []
    for k, a in enumerate(e.args):
        inner = a.value if isinstance(a, n.Starred) else a
        value = facts.value(inner, s.uid)
        if not value.varied:
            continue
        if any(isinstance(x, n.Starred) for x in e.args[:k]):
            return None  # which place it has is not known
        if isinstance(a, n.Starred):
            if k < len(e.args) - 1 or not isinstance(value.kind, (TupleOf, ListOf)):
                return None
            active.append((f"*{k}", inner))
        else:
            active.append((k, inner))
    for keyword in e.keywords:
        value = facts.value(keyword.value, s.uid)
        if not value.varied:
            continue
        several = sum(k.name is None for k in e.keywords) > 1
        if keyword.name is None and (several or not isinstance(value.kind, DictOf)):
            return None
        active.append((keyword.name or "**", keyword.value))
    return Followed(e, tuple(active)) if active else None


def _is_unknown(facts: Facts, e: n.Call, s: n.Stmt) -> bool:
    """True for a call of what is known only when it runs, or with arguments that are."""
    if facts.varied(e.func, s.uid):
        return False  # it may hold what is active
    inner = (x for x in subexprs(e.func) if isinstance(x, n.Call) and not x.args)
    if any(facts.object_of(x.func, s.uid) in OF_ITS_PLACE for x in inner):
        return False  # it means something else in what is generated
    found = facts.object_of(e.func, s.uid)
    if found is not None:
        return is_starred(e) and isinstance(found[0], (types.FunctionType, types.MethodType))
    return not (isinstance(e.func, n.Attribute) and registry.lookup_method(e.func.attr))


def is_solver(facts: Facts, e: n.Call, s: n.Stmt) -> bool:
    """True for a call of a function of SciPy that finds a root, or the integral, of a function."""
    found = facts.object_of(e.func, s.uid)
    library = sys.modules.get("scipy.optimize")
    if found is not None and is_integral(found[0]):
        return True
    if found is None or library is None or not isinstance(found[0], types.FunctionType):
        return False
    return any(found[0] is getattr(library, name, None) for name in SOLVERS)


def is_integral(callee: object) -> bool:
    """True for `scipy.integrate.quad`: its own text, in which it calls itself, says nothing."""
    library = sys.modules.get("scipy.integrate")
    return library is not None and callee is getattr(library, "quad", None)


def _root(facts: Facts, e: n.Call, s: n.Stmt, alias: Callable[[str], str]) -> Followed | None:
    """Return a call of a solver in parts: where it starts, what it passes on, what was captured.

    brentq(partial(f, k=k), 0.0, 1.0, args=(c,), xtol=t)
        →   find_root(brentq, f, (0.0, 1.0), (c,), {"xtol": t}, k=k)
    quad(f, 0.0, x, args=(c,))
        →   find_integral(quad, f, 0.0, x, (c,), {})
    """
    if is_starred(e):
        return None
    found = facts.object_of(e.func, s.uid)
    assert found is not None and isinstance(found[0], types.FunctionType)
    names_ = list(inspect.signature(found[0]).parameters)
    given = dict(zip(names_, e.args)) | {k.name: k.value for k in e.keywords if k.name}
    function = given.pop(names_[0], None)
    args = given.pop("args", n.TupleExpr(()))
    start = tuple(given.pop(x) for x in names_[1:3] if x in START and x in given)
    captured: tuple[n.Keyword, ...] = ()
    if isinstance(function, n.Call) and _is_partial(facts, function, s):
        captured = function.keywords
        function = function.args[0]
    if function is None or facts.varied(function, s.uid) or any(k.name is None for k in captured):
        return None
    integral = is_integral(found[0])
    active: list[tuple[int | str, n.Expr]] = []
    if integral:
        if len(start) < len(BOUNDS):
            return None
        active += [(k, x) for k, x in zip(BOUNDS, start) if facts.varied(x, s.uid)]
    kind = facts.value(args, s.uid).kind
    if isinstance(kind, Number):
        args = n.TupleExpr((args,))
    if isinstance(args, n.TupleExpr):
        items = enumerate(args.items)
        active += [(-1 - k, item) for k, item in items if facts.varied(item, s.uid)]
    elif facts.varied(args, s.uid):
        if not isinstance(kind, TupleOf):
            return None
        active.append((ARGS_OF_INTEGRAL if integral else ARGS, args))
    active += [(k.name or "", k.value) for k in captured if facts.varied(k.value, s.uid)]
    if not active:
        return None
    keys = tuple(n.Const(repr(x), x) for x in given)
    options = n.DictExpr(keys, tuple(given.values()))
    name = "find_integral" if integral else "find_root"
    bounds = start if integral else (n.TupleExpr(start),)
    call = n.Call(n.Name(alias(name)), (e.func, function, *bounds, args, options), captured)
    return Followed(call, tuple(active))


def _is_partial(facts: Facts, e: n.Call, s: n.Stmt) -> bool:
    """True for `partial(f, a=a)`: a function with what it was defined with."""
    return len(e.args) == 1 and facts.object_of(e.func, s.uid) == (functools.partial,)
