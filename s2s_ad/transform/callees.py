"""What the arguments of a call of user code get of the differential of its result.

Takes plans of calls, gives contributions to the adjoints of arguments; requires `ir`, `calls`,
`templates`.
"""

from __future__ import annotations

from abc import abstractmethod

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Number
from s2s_ad.ir.walk import assigned, subexprs, substitute
from s2s_ad.transform.calls import CallPlan, Formula, fits
from s2s_ad.transform.context import Diff, NeedsName
from s2s_ad.transform.copies import is_list_of_numbers
from s2s_ad.transform.run_time import Followed
from s2s_ad.transform.templates import Templates


class Callees(Templates):
    """Reverses calls of user code."""

    @abstractmethod
    def pull(self, e: n.Expr, d: Diff, out: n.Expr | None = None) -> None:
        """Contribute to the variables in `e`."""

    def small_callee(self, plan: CallPlan, e: n.Call, out: n.Expr | None, d: Diff) -> None:
        """Reverse a callee that needs the arguments, or the result, only."""
        args = [x for p, x in plan.arguments if p in plan.takes]
        if plan.from_result:
            if not isinstance(out, n.Name):
                raise NeedsName(self.s.uid, e)
            args.append(out)
        if plan.formula is not None and self.is_said_better(plan.formula, args, e):
            self.by_formula(plan, plan.formula, args, e, d)
        else:
            self.callee(plan, tuple(args), d)

    def is_said_better(self, formula: Formula, args: list[n.Expr], e: n.Call) -> bool:
        """True when a formula says better what the reverse function of a callee would compute."""
        function = self.context.function
        own = assigned(function.body) | {p.name for p in function.params} | self.context.names.made
        return fits(formula, args, own, function.body, e)

    def by_formula(
        self, plan: CallPlan, formula: Formula, args: list[n.Expr], e: n.Call, d: Diff
    ) -> None:
        """Hand on to its argument what the reverse function of a callee would compute."""
        seed = self.full(d, None, plan.result.kind)
        last = n.Name(formula.params[-1])
        if sum(x == last for x in subexprs(formula.value)) > 1:
            seed = self.named(seed, self.bar_name(e))
        self.context.names.taken |= formula.outside
        new = substitute(formula.value, dict(zip(formula.params, [*args, seed.expr])))
        argument = dict(plan.arguments)[plan.active[0]]
        self.pull(argument, Diff(new, self.value(argument).kind))

    def callee(self, plan: CallPlan, args: tuple[n.Expr, ...], d: Diff) -> None:
        """Call the reverse function of a callee and hand its adjoints on to the arguments."""
        seed = self.full(d, None, plan.result.kind).expr
        values = dict(plan.arguments)
        fresh = [self.context.names.fresh(f"{plan.name}_{p}_bar") for p in plan.active]
        targets: n.Expr = n.Name(fresh[0])
        if len(fresh) > 1:
            targets = n.TupleExpr(tuple(n.Name(x) for x in fresh))
        call = n.Call(n.Name(plan.reverse), (*args, seed))
        self.before.append(n.Assign((targets,), call))
        for p, name in zip(plan.active, fresh):
            kind = self.value(values[p]).kind
            if isinstance(kind, Number) or is_list_of_numbers(kind):
                self.bar_kinds[name] = kind
            self.pull(values[p], Diff(n.Name(name), kind))

    def run_time_callee(self, call: Followed, saved: n.Name, d: Diff) -> None:
        """Have the adjoints of what a call at run time was given made, and hand them on."""
        names = [n.Name(self.context.names.fresh(_bar_of(call, x))) for x, _ in call.active]
        targets = names[0] if len(names) == 1 else n.TupleExpr(tuple(names))
        made = n.Call(self.context.helper("call_reverse"), (saved, self.full(d, None, d.kind).expr))
        self.before.append(n.Assign((targets,), made))
        for name, (_, e) in zip(names, call.active):
            self.pull(e, Diff(name, self.value(e).kind))


def _bar_of(call: Followed, place: int | str) -> str:
    """Return what the adjoint of an argument is to be called."""
    plain = str(place).strip("*-")
    return f"{call.name}_{'arg' if plain.isdigit() or not plain else ''}{plain}_bar"
