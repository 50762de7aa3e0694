"""Forward mode: statements that call functions of the user.

Takes an assignment of what a call returns, gives that of a value and its tangent; requires `ir`,
`analysis`, `transform.pushforward`.

    y = f(x)            →       y, y_dot = f_tangent(x, x_dot)
"""

from __future__ import annotations

from abc import abstractmethod

from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import marked
from s2s_ad.ir.remembered import replace
from s2s_ad.transform.calls import CallPlan
from s2s_ad.transform.naming import Naming
from s2s_ad.transform.pushforward import Pushforward
from s2s_ad.transform.run_time import Followed
from s2s_ad.transform.storing import check_store
from s2s_ad.transform.tangent_loops import Pairs


class TangentCalls(Pairs):
    """Writes calls beside their tangents."""

    @abstractmethod
    def pushforward(self, s: n.Stmt, naming: Naming | None = None) -> Pushforward:
        """Return what gives tangents of the expressions of a statement."""

    @abstractmethod
    def naming(self, s: n.Stmt, whole: n.Expr | None = None) -> Naming | None:
        """Return what gives names to parts of the value of a statement, None if nothing is to."""

    @abstractmethod
    def commented(self, *statements: n.Stmt) -> list[n.Stmt]:
        """Put the comments above a statement, the last, above what is now in front of it."""

    def user_call(self, s: n.Assign, plan: CallPlan, target: n.Expr) -> list[n.Stmt]:
        """Return a call of the tangent of a function, in the place of that."""
        naming = self.naming(s)
        push = self.pushforward(s, naming)
        args: list[n.Expr] = []
        for p, e in plan.arguments:
            dots = []
            if p in plan.active:
                dots = [whole_dot(push, e)]
            args.extend((e if naming is None else naming.put(e), *dots))
        call = n.Call(n.Name(plan.tangent), tuple(args))
        return self.both_assigned(s, target, call, push, naming)

    def run_time_call(self, s: n.Assign, call: Followed, target: n.Expr) -> list[n.Stmt]:
        """Return a call of what is known only when it runs, along with its tangent."""
        naming = self.naming(s)
        push = self.pushforward(s, naming)
        e = call.call

        def put(x: n.Expr) -> n.Expr:
            return x if naming is None else naming.put(x)

        dots = tuple(whole_dot(push, x) for _, x in call.active)
        args = (e.func, call.places, n.TupleExpr(dots), *map(put, e.args))
        keywords = tuple(replace(k, value=put(k.value)) for k in e.keywords)
        made = n.Call(self.context.helper("call_tangent"), args, keywords)
        return self.both_assigned(s, target, made, push, naming)

    def both_assigned(
        self,
        s: n.Assign,
        target: n.Expr,
        call: n.Call,
        push: Pushforward,
        naming: Naming | None,
    ) -> list[n.Stmt]:
        """Return the assignment of what a call returns, a value and its tangent."""
        stores: tuple[n.Stmt, ...] = ()
        if isinstance(target, n.Name):
            dot: n.Expr = self.dot(target.id)
        elif isinstance(target, (n.TupleExpr, n.ListExpr)):
            dot = n.TupleExpr(tuple(self.dot(x) for x in _plain_names(target)))
        else:
            check_store(self.context, s, target)
            place, value = target, self.context.names.fresh("value")
            target, dot = n.Name(value), n.Name(self.context.names.fresh(marked(value, "dot")))
            both = n.Assign((push.dot(place),), dot), n.Assign((place,), target)
            stores = tuple(replace(x, of=s.uid, origin=s.origin) for x in both)
        made = replace(s, targets=(n.TupleExpr((target, dot)),), value=call, annotation=None)
        before = naming.before if naming is not None else []
        return [*self.commented(*before, made), *stores]


def whole_dot(push: Pushforward, e: n.Expr) -> n.Expr:
    """Return the tangent of an argument, in its shape."""
    d = push.push(e)
    return push.zero(e) if d is None else push.summed(push.full(d, e).expr, e)


def _plain_names(target: n.TupleExpr | n.ListExpr) -> list[str]:
    return [t.id for t in target.items if isinstance(t, n.Name)]
