"""Reverse mode: the sweeps of statements that call functions of the user.

Takes an assignment of what a call returns, gives its forward and its reverse part; requires `ir`,
`analysis`, `transform.pullback`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from s2s_ad.analysis.values import target_names
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Kind
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.transform.calls import CallPlan
from s2s_ad.transform.context import Diff
from s2s_ad.transform.contributions import Contributions, Sweeps
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
        aside, taken = self.set_aside(s, tuple(sorted(target_names(target))))
        seed, kind = self.seed_of(s, target, aside)
        pull = self.pullback(s)
        if plan.cheap:
            out = None if target_names(target) & self.context.reads(s.value) else target
            assert isinstance(s.value, n.Call)
            pull.small_callee(plan, s.value, out, Diff(seed, kind))
            forward: n.Stmt = s
        else:
            kept = self.kept_for(plan.name)
            call = n.Call(n.Name(plan.forward), tuple(x for _, x in plan.arguments))
            both = n.TupleExpr((target, n.Name(kept)))
            forward = replace(s, targets=(both,), value=call, annotation=None)
            pull.callee(plan, (n.Name(kept),), Diff(seed, kind))
        targets = tuple(sorted(target_names(target) - aside.keys()))
        return Sweeps([forward], [*taken, *self.contributions(pull, targets, None)])

    def run_time_call(self, s: n.Assign, call: Followed, target: n.Expr) -> Sweeps:
        """Reverse a call of what is known only when it runs: its derivative is made then."""
        aside, taken = self.set_aside(s, tuple(sorted(target_names(target))))
        seed, kind = self.seed_of(s, target, aside)
        pull = self.pullback(s)
        kept = self.kept_for(call.name)
        helper = self.context.helper("call_forward")
        made = n.Call(helper, (call.call.func, call.places, *call.call.args), call.call.keywords)
        both = n.TupleExpr((target, n.Name(kept)))
        forward = replace(s, targets=(both,), value=made, annotation=None)
        pull.run_time_callee(call, n.Name(kept), Diff(seed, kind))
        targets = tuple(sorted(target_names(target) - aside.keys()))
        return Sweeps([forward], [*taken, *self.contributions(pull, targets, None)])

    def kept_for(self, name: str) -> str:
        """Return the variable that holds what a forward half keeps for the reverse one."""
        inside = self.depth > 0
        kept = self.context.names.fresh("saved" if inside else f"{name}_saved")
        if inside:
            self.stacks[kept] = self.context.names.fresh(f"{name}_saved")
        return kept

    def seed_of(
        self, s: n.Assign, target: n.Expr, aside: Mapping[str, n.Expr]
    ) -> tuple[n.Expr, Kind]:
        """Return the adjoint of what a call returns, and the kind of that."""
        wanted = self.useful.get(s.uid, frozenset())

        def one(t: n.Expr) -> n.Expr:
            if isinstance(t, n.Name) and t.id in wanted and self.facts.varied_after(t.id, s.uid):
                return aside.get(t.id, self.bar(t.id))
            # the callee may read the items of this part
            return self.zero_of(t.id, s) if isinstance(t, n.Name) else ZERO

        if isinstance(target, n.Name):
            return one(target), self.kind_after(target.id, s)
        assert isinstance(target, (n.TupleExpr, n.ListExpr))
        return n.TupleExpr(tuple(one(t) for t in target.items)), UNKNOWN
