"""How calls of user code are differentiated, as the transformations of their callers are told.

Takes and gives plans; requires `ir`, `analysis`.

A reverse function that is one expression is written where it would be called:

    z_bar = sigmoid_reverse(h, h_bar)     →     z_bar = h_bar * h * (1.0 - h)
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.values import Value
from s2s_ad.errors import S2SError
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.walk import all_parts, names, subexprs, walk_stmts

LONG = 24  # nodes of an expression that is written out
SELDOM = 2  # calls of one function in another


@dataclass(frozen=True)
class Formula:
    """What a function returns, in its parameters."""

    params: tuple[str, ...]
    value: n.Expr

    @property
    def outside(self) -> frozenset[str]:
        """Return the names that are not parameters."""
        return names(self.value).difference(self.params)


@dataclass(frozen=True)
class CallPlan:
    """How a call of user code is differentiated.

    arguments: what each parameter receives, in order. active: parameters whose adjoint or tangent
    is wanted. cheap: the adjoint needs no state kept by a forward half: it is given the arguments
    that it `takes` and, where it is made `from_result`, the result.
    formula: the reverse function, where it is one expression. body: what the function does.
    """

    name: str
    arguments: tuple[tuple[str, n.Expr], ...]
    active: tuple[str, ...]
    result: Value
    cheap: bool = False
    body: n.Block = ()
    forward: str = ""
    reverse: str = ""
    tangent: str = ""
    takes: tuple[str, ...] = ()
    from_result: bool = False
    formula: Formula | None = None


# among the variables that a call may change: it puts what varies into what is none of these
OUTSIDE = ""


class Calls(Protocol):
    """Differentiation of callees, asked by the transformations of their callers."""

    def plan(
        self, call: n.Call, facts: Facts, uid: int, mode: str, changing: frozenset[str], often: bool
    ) -> CallPlan | None:
        """Return the plan of a call of user code, None when it is not one that has source.

        changing: variables that the caller changes in place somewhere. often: a call in a loop.
        """

    def changed_by(self, call: n.Call, s: n.Stmt, facts: Facts) -> frozenset[str] | None:
        """Return the variables that a call of user code may change, None for other calls; `OUTSIDE`
        among them."""

    def trouble(self, callee: object) -> S2SError | None:
        """Return why the source of a Python function cannot be used, if that is known."""


def formula_of(function: n.Function) -> Formula | None:
    """Return what a function returns, if it is one expression, and not long.

    >>> doubled = n.Binary("*", n.Const("2.0", 2.0), n.Name("d"))
    >>> body = (n.Assign((n.Name("x_bar"),), doubled), n.Return(n.Name("x_bar")))
    >>> formula_of(n.Function("f_reverse", (n.Param("d"),), body)).value == doubled
    True
    """
    *made, last = function.body
    value = last.value if isinstance(last, n.Return) else None
    if len(made) == 1 and isinstance(made[0], n.Assign):
        named = sole_target(made[0])
        value = made[0].value if value == n.Name(named or "") else None
    elif made:
        return None
    opens = (n.Lambda, n.Comprehension, n.NamedExpr)
    if value is None or isinstance(value, n.TupleExpr):
        return None
    if any(isinstance(x, opens) for x in subexprs(value)):
        return None
    params = tuple(p.name for p in function.params)
    # a seed that is not read has to be evaluated all the same: it may take an item out of a list
    good = len(subexprs(value)) <= LONG and params[-1] in names(value)
    return Formula(params, value) if good else None


def fits(
    formula: Formula, given: Sequence[n.Expr], own: AbstractSet[str], body: n.Block, e: n.Call
) -> bool:
    """True when a formula says better what a call would compute.

    given: what its parameters, the seed excepted, are given. own: the variables of the function
    that has the call `e` in its body.
    """
    if formula.outside & own or not all(map(_is_plain, given)):
        return False
    calls = (x for s in walk_stmts(body) for x in all_parts(s) if isinstance(x, n.Call))
    return sum(x.func == e.func for x in calls) <= SELDOM


def _is_plain(e: n.Expr) -> bool:
    """True for arithmetic on variables: it may stand where it is evaluated later, or twice."""
    plain = (n.Name, n.Const, n.Binary, n.Unary, n.Subscript, n.Attribute)
    return all(isinstance(x, plain) for x in subexprs(e))
