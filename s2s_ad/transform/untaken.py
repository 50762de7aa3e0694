"""Zeros that an untaken side gets, kept out of slopes that are no number there.

Takes the body of a function, gives the variables whose value matters only where a side of
`np.where` is taken; takes the template of a slope, gives it so that zero wins. Requires `ir`.

    r = 1.0 / np.sqrt(x)                    r_bar = np.where(x > 0.0, y_bar, 0.0)
    y = np.where(x > 0.0, r, 0.0)     →     root_bar = -absorb(r_bar, r / root)

What such a variable is where the side is not taken may be infinite, and so may its slopes be. That
they are met by a zero is seen from the differential: the condition may have another shape, and
variables that have no value yet.

The other way round, a root has an infinite slope where what it is taken of is cut off, as in
`np.sqrt(np.maximum(x, 0.0))`: there the share of the extreme is the zero that wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors, multiplied
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.walk import children, inside, names, stmt_exprs, subexprs, substitute, walk_stmts
from s2s_ad.runtime import absorb, quotient
from s2s_ad.transform.stand_ins import shown

ObjectOf = Callable[[n.Expr, n.Stmt], object]
D = n.Name("d")
# what is not read where another argument is a zero, by its place
SIDES: tuple[tuple[object, tuple[int, ...]], ...] = (
    (np.where, (1, 2)),
    (absorb, (1,)),
    (quotient, (1,)),
)

TESTS = (np.isnan, np.isfinite, np.isinf)
ROOTS = (np.sqrt, np.cbrt, np.power, np.float_power, np.arcsin, np.arccos, np.arccosh)
BOUNDED = (np.sin, np.cos, np.tanh, np.arctan, np.sign, np.abs, np.maximum, np.minimum)


def sides_of(e: n.Expr, found: object) -> tuple[n.Expr, ...]:
    """Return the arguments of a call of `found` that do not matter everywhere."""
    if not isinstance(e, n.Call) or e.keywords:
        return ()
    places = next((at for function, at in SIDES if function is found), ())
    return tuple(e.args[k] for k in places) if places and len(e.args) > places[-1] else ()


def only_on_sides(body: n.Block, object_of: ObjectOf) -> frozenset[str]:
    """Return the variables all of whose uses that matter are on sides that may not be taken, be it
    by way of other such variables. What is compared is a number, as far as anyone cares."""
    statements = tuple(walk_stmts(body))
    read: dict[str, set[str]] = {}
    plain: set[str] = set()
    on_sides: set[str] = set()

    def visit(e: n.Expr, s: n.Stmt, seen: set[str]) -> None:
        if isinstance(e, n.Name):
            seen.add(e.id)
            return
        shape = shown(e)
        if shape == -1:
            return
        skipped: list[n.Expr] = []
        if isinstance(e, n.Call):
            found = object_of(e.func, s)
            if any(found is test for test in TESTS):
                return
            skipped += sides_of(e, found)
            on_sides.update(*map(names, skipped))
            skipped += [] if shape is None else [e.args[shape]]
        for x in children(e):
            if not any(x is side for side in skipped):
                visit(x, s, seen)

    calls = ((x, s) for s in statements for x in inside(s, n.Call) if len(x.args) > 1)
    if not any(sides_of(x, object_of(x.func, s)) for x, s in calls):
        return frozenset()
    for s in statements:
        targets, exprs = _flow(s)
        seen: set[str] = set()
        for e in exprs:
            visit(e, s, seen)
        if not targets:
            plain |= seen
        for name in seen if targets else ():
            read.setdefault(name, set()).update(targets)
    hidden = (on_sides | read.keys()) - plain
    while True:
        left = {x for x in hidden if read.get(x, set()) <= hidden}
        left = {x for x in left if x in on_sides or read.get(x, set()) - {x}}
        if left == hidden:
            return frozenset(hidden)
        hidden = left


def _flow(s: n.Stmt) -> tuple[frozenset[str], tuple[n.Expr, ...]]:
    """Return what a statement does nothing but give a value, and the expressions that are in it."""
    target: n.Expr | None = None
    exprs: tuple[n.Expr, ...] = ()
    if isinstance(s, n.Assign) and len(s.targets) == 1:
        target, exprs = s.targets[0], (s.value,)
    elif isinstance(s, n.Append):
        target, exprs = n.Name(s.stack), (s.value,)
    elif isinstance(s, n.Pop):
        target, exprs = s.target, (n.Name(s.stack),)
    elif isinstance(s, n.For):
        target, exprs = s.target, (s.iter,)
    items = target.items if isinstance(target, n.TupleExpr) else (target,)
    if target is None or not all(isinstance(x, n.Name) for x in items):
        return frozenset(), stmt_exprs(s)
    return names(target), exprs


def is_finite(
    e: n.Expr,
    on_sides: frozenset[str],
    known: Mapping[str, n.Expr],
    object_of: Callable[[n.Expr], object],
) -> bool:
    """True for what is a finite number also where a side is not taken, as its variables are.

    on_sides: variables that need not be. known: what variables stand for.
    """

    def finite(e: n.Expr) -> bool:
        if isinstance(e, n.Name):
            return finite(known[e.id]) if e.id in known else e.id not in on_sides
        if isinstance(e, n.Call):
            found = object_of(e.func)
            bounded = any(found is f for f in BOUNDED)
            return found is np.where or (bounded and all(map(finite, e.args)))
        if isinstance(e, n.Binary) and e.op == "**":
            return is_count(e.right) and finite(e.left)
        if isinstance(e, n.Binary) and e.op not in "+-*":
            return False
        return isinstance(e, n.Compare) or all(map(finite, children(e)))

    return finite(e)


def is_count(exponent: n.Expr) -> bool:
    """True for a written integer."""
    return isinstance(exponent, n.Const) and type(exponent.value) is int


def under_roots(body: n.Block, object_of: ObjectOf) -> frozenset[str]:
    """Return the variables that a root is taken of, or of a product with them."""
    found: set[str] = set()
    every = tuple(walk_stmts(body))
    for s in every:
        calls = (x for x in inside(s, n.Call) if x.args)
        roots = [x.args[0] for x in calls if any(object_of(x.func, s) is f for f in ROOTS)]
        powers = (x for x in inside(s, n.Binary) if x.op == "**" and not is_count(x.right))
        found.update(*map(_in_product, (*roots, *(x.left for x in powers))))
    while found:
        known = [s.value for s in every if isinstance(s, n.Assign) and sole_target(s) in found]
        more = found.union(*map(_in_product, known))
        if more == found:
            break
        found = more
    return frozenset(found)


def _in_product(e: n.Expr) -> frozenset[str]:
    if isinstance(e, n.Name):
        return frozenset((e.id,))
    return frozenset().union(*map(_in_product, children(e) if is_product(e) else ()))


def is_product(e: n.Expr) -> bool:
    return isinstance(e, n.Unary) or (isinstance(e, n.Binary) and e.op in "*/")


def is_steep(template: n.Expr, helper: Callable[[str], n.Expr]) -> bool:
    """True for a slope that is infinite where there is a value: one that has a guard."""
    known = [helper(x) for x in ("power_slope", "quotient")]
    return any(isinstance(x, n.Call) and x.func in known for x in subexprs(template))


def of_steep(template: n.Expr, helper: Callable[[str], n.Expr]) -> n.Expr:
    """Return the share `d * (a > b)` of an extreme so that none of an infinite `d` is zero.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(of_steep(parse_expr("d * (a > b)"), n.Name))
    'absorb(a > b, d)'
    """
    if not isinstance(template, n.Binary) or template.op != "*" or template.left != D:
        return template
    share = any(
        isinstance(x, n.Compare) or (isinstance(x, n.Call) and x.func == helper("within"))
        for x in subexprs(template.right)
    )
    return n.Call(helper("absorb"), (template.right, D)) if share else template


def zero_wins(template: n.Expr, helper: Callable[[str], n.Expr]) -> n.Expr:
    """Return a template that gives zero for a `d` of zero, whatever its slope is.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> [expr_text(zero_wins(parse_expr(t), n.Name)) for t in ("-d * out / b", "d / x", "-d")]
    ['-absorb(d, out / b)', 'quotient(d, x)', '-d']
    """
    if isinstance(template, n.Unary) and template.op == "-":
        return n.Unary("-", zero_wins(template.operand, helper))
    if template == D or (isinstance(template, n.IfExp) and template.test == D):
        return template
    known = [helper(x) for x in ("absorb", "power_slope", "quotient")]
    if isinstance(template, n.Call) and template.func in known:
        # which of their arguments it is that wins
        place = 2 if template.func == helper("power_slope") else 0
        scaled = [x for _, x in factors(template.args[place]) if not isinstance(x, n.Const)]
        if scaled == [D]:
            return template
    parts = factors(template)
    if isinstance(parts[0][1], n.Unary) and parts[0][1].op == "-":
        parts[0] = ("*", parts[0][1].operand)
        return n.Unary("-", zero_wins(multiplied(parts), helper))
    if parts.count(("*", D)) != 1 or sum(D.id in names(x) for _, x in parts) != 1:
        slope = substitute(template, {D.id: n.Const("1.0", 1.0)})
        return n.Call(helper("absorb"), (D, slope))
    parts.remove(("*", D))
    if [op for op, _ in parts] == ["/"]:
        return n.Call(helper("quotient"), (D, parts[0][1]))
    if parts[0][0] == "/":
        parts.insert(0, ("*", n.Const("1.0", 1.0)))
    return n.Call(helper("absorb"), (D, multiplied(parts)))
