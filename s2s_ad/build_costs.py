"""What it costs to compute a value again, beside what it costs to keep it.

Takes expressions of the primal with their context, gives what recording asks; requires `transform`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number, TupleOf
from s2s_ad.ir.walk import children, inside, names, stmt_exprs, subexprs, walk_stmts
from s2s_ad.transform.context import Context
from s2s_ad.transform.stand_ins import is_view

KEPT = 4  # operations from which on a value is kept at each step of a loop
HEAVY = 6  # operations from which on it is kept where others are kept anyway
PASSES = 2  # over an array, up to which it is made again
CALLED = 5  # and those from which on a call is
CALL = 4  # operations that a call counts for
EACH = 4  # operations that a callee may do for each of the numbers it returns, to run again
# in compiled code arithmetic costs little beside what is kept in memory, and calls cost the same
COMPILED_KEPT = 12
COMPILED_CALL = 12
LIGHT = frozenset("abs bool fabs float int isinstance len max min".split())


def cheap(context: Context, s: n.Assign) -> bool:
    """True when a definition is cheaper to repeat than to keep: arithmetic on numbers."""
    facts = context.facts
    before = facts.before.get(s.uid, {})
    if any(facts.reader(s.uid).may_be_rebound(e, before) for e in subexprs(s.value)):
        return False
    if s.uid not in facts.before:
        return False
    value = facts.value(s.value, s.uid)
    if not isinstance(value.kind, Number):
        return isinstance(s.value, n.Name)
    for e in subexprs(s.value):
        if isinstance(e, n.Call):
            if not context.is_cheap(e, s):
                return False
            kinds = [facts.value(a, s.uid).kind for a in e.args]
            if context.choice_exists(e, s) and any(not isinstance(k, Number) for k in kinds):
                return False
        elif isinstance(e, (n.Comprehension, n.Lambda, n.NamedExpr, n.FString)) or (
            isinstance(e, n.Binary) and e.op == "@"
        ):
            return False
    return True


def brief(context: Context, s: n.Assign) -> bool:
    """True for an array that takes a pass or two to make: less than to write it beside others that
    are kept, and to read it again when they have filled the cache. A part of one takes none."""
    facts, before = context.facts, context.facts.before.get(s.uid)
    if before is None or not isinstance(s.value, (n.Binary, n.Subscript)):
        return False
    if any(facts.reader(s.uid).may_be_rebound(e, before) for e in subexprs(s.value)):
        return False

    def kind(e: n.Expr) -> Kind:
        return facts.value(e, s.uid).kind

    def passes(e: n.Expr) -> int:
        if isinstance(e, n.Binary) and e.op in ("+", "-", "*", "/"):
            return isinstance(kind(e), Array) + passes(e.left) + passes(e.right)
        return 0 if is_view(e, kind) and isinstance(kind(e), (Array, Number)) else PASSES + 1

    return isinstance(kind(s.value), Array) and passes(s.value) <= PASSES


def light(context: Context, s: n.Assign) -> bool:
    """True for a call of the user's that gives several numbers by little arithmetic each.

    It is made again where they would all be kept.
    """
    facts = context.facts
    before = facts.before.get(s.uid)
    call = s.value
    if before is None or not isinstance(call, n.Call) or context.choice_exists(call, s):
        return False
    kind = facts.value(call, s.uid).kind
    if not isinstance(kind, TupleOf) or not all(isinstance(x, Number) for x in kind.items):
        return False
    if any(isinstance(e, n.Call) for e in subexprs(call) if e is not call):
        return False
    if any(facts.reader(s.uid).may_be_rebound(e, before) for e in subexprs(call)):
        return False
    plan = context.plan(call, s, "adjoint")
    if plan is None or not plan.cheap:
        return False
    if sum(work(e) for x in walk_stmts(plan.body) for e in stmt_exprs(x)) > EACH * len(kind.items):
        return False
    return all(isinstance(facts.value(e, s.uid).kind, Number) for _, e in plan.arguments)


def heavy(
    context: Context, e: n.Expr, s: n.Stmt, there: AbstractSet[n.Expr], compiled: bool = False
) -> bool:
    """True for a number that is better kept beside others than computed again.

    there: calls that are made anyway. compiled: whether the code will be.
    """
    if s.uid not in context.facts.before or not isinstance(
        context.facts.value(e, s.uid).kind, Number
    ):
        return False
    if not names(e) & context.facts.locals:
        return False  # a constant is named in front of the loop
    calls = inside(e, n.Call)
    if any(not context.is_pure(x, s) for x in calls):
        return False
    own = any(x not in there and not context.is_cheap(x, s) for x in calls)
    if compiled:
        return own or kept_when_compiled(e, there)
    return own or work(e, there) >= (CALLED if e in calls and e not in there else HEAVY)


def same_again(context: Context, e: n.Expr, s: n.Stmt) -> bool:
    """True for arithmetic and calls, in a statement, that give the same as long as what they read
    is the same."""
    before = context.facts.before.get(s.uid)
    if before is None:
        return False
    reader = context.facts.reader(s.uid)
    plain = (n.Name, n.Const, n.Attribute, n.Unary, n.Binary, n.Compare, n.IfExp, n.Call)
    return all(
        isinstance(x, plain)
        and not reader.may_be_rebound(x, before)
        and not (isinstance(x, n.Call) and not context.is_pure(x, s))
        for x in subexprs(e)
    )


def gives_number_by_calls(context: Context, e: n.Expr, s: n.Stmt) -> bool:
    """True for a number that takes a call to compute, and is the same when that is made again."""
    if not same_again(context, e, s) or work(e) < CALL or not names(e) & context.facts.locals:
        return False
    return isinstance(context.facts.value(e, s.uid).kind, Number)


def kept_when_compiled(e: n.Expr, there: AbstractSet[n.Expr] = frozenset()) -> bool:
    """True for what is kept at each step of a loop of compiled code: with a call, but of a root, or
    with much arithmetic. there: calls that are made anyway."""
    return work(e, there, COMPILED_CALL) >= COMPILED_KEPT


def work(e: n.Expr, there: AbstractSet[n.Expr] = frozenset(), call: int = 4) -> int:
    """Return how many operations it takes to evaluate an expression, a call counting for several.

    there: calls that are made anyway. call: what others count for than those of roots.

    >>> from s2s_ad.ir.nodes import Binary, Call, Name
    >>> work(Binary("*", Name("x"), Call(Name("exp"), (Binary("+", Name("x"), Name("y")),))))
    6
    """
    if isinstance(e, n.Call):
        if e in there:
            return 0
        name = e.func.attr if isinstance(e.func, n.Attribute) else getattr(e.func, "id", "")
        own = 1 if name in LIGHT else 4 if name == "sqrt" else call
    else:
        own = int(isinstance(e, (n.Binary, n.Compare, n.IfExp)))
    return own + sum(work(x, there, call) for x in children(e))
