"""Reverse mode: the sweeps of statements that call functions of the user.

Takes an assignment of what a call returns, gives its forward and its reverse part; requires `ir`,
`analysis`, `transform.pullback`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import target_names
from s2s_ad.transform.calls import CallPlan
from s2s_ad.transform.context import Diff
from s2s_ad.transform.contributions import Contributions, Sweeps
from s2s_ad.transform.pullback import Pullback
from s2s_ad.transform.run_time import Followed


class CallSweeps(Contributions):
    """Builds the sweeps of calls."""

    @abstractmethod
    def set_aside(
        self, s: n.Assign | n.AugAssign, written: tuple[str, ...]
    ) -> tuple[dict[str, n.Name], list[n.Stmt]]:
        """Return other names for the adjoints of the targets whose own items the value reads."""

    @abstractmethod
    def zero_of(self, name: str, s: n.Stmt) -> n.Expr:
        """Return the zero adjoint of a variable."""

    def user_call(self, s: n.Assign, plan: CallPlan, target: n.Expr) -> Sweeps:
        """Reverse a call of a function that has a reverse function."""

        def reverse(pull: Pullback, d: Diff) -> n.Stmt:
            if plan.cheap:
                out = None if target_names(target) & self.context.reads(s.value) else target
                assert isinstance(s.value, n.Call)
                pull.small_callee(plan, s.value, out, d)
                return s
            call = n.Call(n.Name(plan.forward), tuple(x for _, x in plan.arguments))
            forward, kept = self.forward_half(s, target, plan.name, call)
            pull.callee(plan, (kept,), d)
            return forward

        return self.swept(s, target, reverse)

    def run_time_call(self, s: n.Assign, call: Followed, target: n.Expr) -> Sweeps:
        """Reverse a call of what is known only when it runs: its derivative is made then."""

        def reverse(pull: Pullback, d: Diff) -> n.Stmt:
            args = (call.call.func, call.places, *call.call.args)
            made = n.Call(self.context.helper("call_forward"), args, call.call.keywords)
            forward, kept = self.forward_half(s, target, call.name, made)
            pull.run_time_callee(call, kept, d)
            return forward

        return self.swept(s, target, reverse)

    def swept(
        self, s: n.Assign, target: n.Expr, reverse: Callable[[Pullback, Diff], n.Stmt]
    ) -> Sweeps:
        """Return both sweeps of a call. reverse: hands on the differential of what the call
        returns, and gives its statement in the forward sweep."""
        aside, taken = self.set_aside(s, tuple(sorted(target_names(target))))
        pull = self.pullback(s)
        forward = reverse(pull, self.seed_of(s, target, aside))
        targets = tuple(sorted(target_names(target) - aside.keys()))
        return Sweeps([forward], [*taken, *self.contributions(pull, targets, None)])

    def forward_half(
        self, s: n.Assign, target: n.Expr, name: str, call: n.Call
    ) -> tuple[n.Stmt, n.Name]:
        """Return a call that gives a value and what the reverse half needs, and the variable that
        holds this."""
        kept = n.Name(self.kept_for(name))
        both = n.TupleExpr((target, kept))
        return replace(s, targets=(both,), value=call, annotation=None), kept

    def kept_for(self, name: str) -> str:
        """Return the variable that holds what a forward half keeps for the reverse one."""
        inside = self.depth > 0
        kept = self.context.names.fresh("saved" if inside else f"{name}_saved")
        if inside:
            self.stacks[kept] = self.context.names.fresh(f"{name}_saved")
        return kept

    def seed_of(self, s: n.Assign, target: n.Expr, aside: Mapping[str, n.Expr]) -> Diff:
        """Return the adjoint of what a call returns."""
        wanted = self.useful.get(s.uid, frozenset())

        def one(t: n.Expr) -> n.Expr:
            if isinstance(t, n.Name) and t.id in wanted and self.facts.varied_after(t.id, s.uid):
                return aside.get(t.id, self.bar(t.id))
            # the callee may read the items of this part
            return self.zero_of(t.id, s) if isinstance(t, n.Name) else ZERO

        if isinstance(target, n.Name):
            return Diff(one(target), self.kind_after(target.id, s))
        assert isinstance(target, (n.TupleExpr, n.ListExpr))
        return Diff(n.TupleExpr(tuple(one(t) for t in target.items)), UNKNOWN)
