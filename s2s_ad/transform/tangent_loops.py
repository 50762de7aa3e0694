"""What a loop over active items runs over in a tangent: the items in pairs with their tangents.

Takes a target and an iterable of the primal, gives those of the tangent; requires `ir`, `analysis`.

    for x in xs     →       for x, x_dot in zip(xs, xs_dot)
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable

from s2s_ad.analysis.flow import Facts
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import target_names
from s2s_ad.transform.context import Context
from s2s_ad.transform.loops import in_order
from s2s_ad.transform.pushforward import Pushforward


class Pairs(ABC):
    """dotted: variables that have a tangent."""

    context: Context
    facts: Facts
    dotted: set[str]

    def dot(self, name: str) -> n.Name:
        return n.Name(self.context.mark(name, "dot"))

    @abstractmethod
    def pushforward(self, s: n.Stmt) -> Pushforward:
        """Return what gives tangents of the expressions of a statement."""

    def paired(self, target: n.Expr, e: n.Expr, s: n.For) -> tuple[n.Expr, n.Expr]:
        """Return a target and what it runs over, active items in pairs with their tangents."""
        found = self.facts.object_of(e.func, s.uid) if isinstance(e, n.Call) else None
        callee = found[0] if found else None
        inner = isinstance(target, (n.TupleExpr, n.ListExpr))
        if isinstance(e, n.Call) and callee is builtins.enumerate and inner:
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            t, source = self.paired(target.items[1], e.args[0], s)
            return n.TupleExpr((target.items[0], t)), replace(e, args=(source, *e.args[1:]))
        if isinstance(e, n.Call) and callee is builtins.reversed:
            t, source = self.paired(target, e.args[0], s)
            if isinstance(source, n.Call) and source != e.args[0]:
                if not isinstance(e.args[0], n.Call):
                    # a sequence beside its tangent, which is as long
                    back = tuple(replace(e, args=(x,)) for x in source.args)
                    return t, replace(source, args=back)
                source = n.Call(n.Name(self.context.alias("list")), (source,))
            return t, replace(e, args=(source,))
        if isinstance(e, n.Call) and callee is builtins.list and isinstance(e.args[0], n.Call):
            t, source = self.paired(target, e.args[0], s)
            return t, replace(e, args=(source,))
        if isinstance(e, n.Call) and callee is builtins.zip and inner:
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            targets: list[n.Expr] = []
            sources: list[n.Expr] = []
            for t, x in zip(target.items, e.args):
                if isinstance(t, n.Name) and isinstance(x, n.Name) and t.id in self.dotted:
                    targets.extend((t, self.dot(t.id)))
                    sources.extend((in_order(self.context, x, x, s.uid), self.tangent_of(x, s)))
                else:
                    t, x = self.paired(t, x, s)
                    targets.append(t)
                    sources.append(x)
            return n.TupleExpr(tuple(targets)), n.Call(e.func, tuple(sources))
        if (
            isinstance(e, n.Call)
            and isinstance(e.func, n.Attribute)
            and e.func.attr == "items"
            and inner
        ):
            assert isinstance(target, (n.TupleExpr, n.ListExpr))
            value = target.items[1]
            if isinstance(value, n.Name) and value.id in self.dotted:
                owner = self.tangent_of(e.func.value, s)
                values = n.Call(n.Attribute(owner, "values"), ())
                zipped = n.Call(n.Name(self.context.alias("zip")), (e, values))
                return n.TupleExpr((target, self.dot(value.id))), zipped
        method = e.func if isinstance(e, n.Call) else None
        of_values = isinstance(method, n.Attribute) and method.attr == "values"
        if of_values and isinstance(target, n.Name) and target.id in self.dotted:
            assert isinstance(method, n.Attribute)
            owner = self.tangent_of(method.value, s)
            values = n.Call(n.Attribute(owner, "values"), ())
            zipped = n.Call(n.Name(self.context.alias("zip")), (e, values))
            return n.TupleExpr((target, self.dot(target.id))), zipped
        if not target_names(target) & self.dotted:
            return target, e
        dots = _dotted(target, self.dot)
        pair = n.TupleExpr((target, dots))
        source = in_order(self.context, e, e, s.uid)
        return pair, n.Call(n.Name(self.context.alias("zip")), (source, self.tangent_of(e, s)))

    def tangent_of(self, e: n.Expr, s: n.For) -> n.Expr:
        push = self.pushforward(s)
        d = push.push(e)
        return push.zero(e) if d is None else d.expr


def _dotted(target: n.Expr, dot: Callable[[str], n.Expr]) -> n.Expr:
    if isinstance(target, n.Name):
        return dot(target.id)
    assert isinstance(target, (n.TupleExpr, n.ListExpr))
    return n.TupleExpr(tuple(_dotted(item, dot) for item in target.items))
