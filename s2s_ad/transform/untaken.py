"""Zeros that an untaken side gets, kept out of slopes that are no number there.

Takes the body of a function, gives the variables whose value matters only where a side of
`np.where` is taken; takes the template of a slope, gives it so that zero wins. Requires `ir`.

    r = 1.0 / np.sqrt(x)                    r_bar = np.where(x > 0.0, y_bar, 0.0)
    y = np.where(x > 0.0, r, 0.0)     →     root_bar = -absorb(r_bar, r / root)

What such a variable is where the side is not taken may be infinite, and so may its slopes be. That
they are met by a zero is seen from the differential: the condition may have another shape, and
variables that have no value yet.

The other way round, a root has an infinite slope where what it is taken of is cut off, as in
`np.sqrt(np.maximum(x, 0.0))`: there the share of the extreme is the zero that wins, or what is cut
off is, for another factor. Of a number such a slope is infinite too, where Python does not divide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial

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
ROOTS = (
    *(np.sqrt, np.cbrt, np.power, np.float_power, np.arcsin, np.arccos, np.arccosh),
    *(math.sqrt, math.pow, math.asin, math.acos, math.acosh, pow),
)
BOUNDED = (np.sin, np.cos, np.tanh, np.arctan, np.sign, np.abs, np.maximum, np.minimum)


EXTREMES = (max, min, np.maximum, np.minimum, np.fmax, np.fmin, np.clip)


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

    calls = ((x, s) for s in statements for x in inside(s, n.Call) if len(x.args) > 1)
    if not any(sides_of(x, object_of(x.func, s)) for x, s in calls):
        return frozenset()
    for s in statements:
        targets, exprs = _flow(s)
        seen: set[str] = set()
        for e in exprs:
            _note_reads(e, s, object_of, seen, on_sides)
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


def _note_reads(
    e: n.Expr, s: n.Stmt, object_of: ObjectOf, seen: set[str], on_sides: set[str]
) -> None:
    """Note the variables that matter to the value of an expression, and those on sides in it."""
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
            _note_reads(x, s, object_of, seen, on_sides)


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
        handed_on = partial(_handed_on, object_of=partial(_object_at, object_of, s))
        found.update(*map(handed_on, (*roots, *(x.left for x in powers))))
    while found:
        known = [s for s in every if isinstance(s, n.Assign) and sole_target(s) in found]
        more = found.union(*(_handed_on(s.value, partial(_object_at, object_of, s)) for s in known))
        if more == found:
            break
        found = more
    return frozenset(found)


def cut_off(body: n.Block, object_of: ObjectOf) -> frozenset[str]:
    """Return the variables that hold what an extreme or a branch cuts off, or a product with it."""
    every = tuple(walk_stmts(body))
    values = [(sole_target(s), s) for s in every if isinstance(s, n.Assign)]
    branches = [b for s in every if isinstance(s, n.If) for b in s.branches]
    found = {
        x
        for b in branches
        for s in b.body
        if isinstance(s, n.Assign) and isinstance(s.value, n.Const) and (x := sole_target(s))
    }
    while True:
        here = frozenset(found)
        for x, s in values:
            if x and is_cut_off(s.value, here, partial(_object_at, object_of, s)):
                found.add(x)
        if here == found:
            return here


def _object_at(object_of: ObjectOf, s: n.Stmt, func: n.Expr) -> object:
    return object_of(func, s)


def is_cut_off(e: n.Expr, names_: frozenset[str], object_of: Callable[[n.Expr], object]) -> bool:
    """True for what an extreme cuts off, as these variables are, and for a product with it."""
    if isinstance(e, n.Name):
        return e.id in names_
    if isinstance(e, n.IfExp):
        return isinstance(e.body, n.Const) or isinstance(e.orelse, n.Const)
    if is_extreme(e, object_of):
        return True
    return is_product(e) and any(is_cut_off(x, names_, object_of) for x in children(e))


def _handed_on(e: n.Expr, object_of: Callable[[n.Expr], object]) -> frozenset[str]:
    if isinstance(e, n.Name):
        return frozenset((e.id,))
    parts = e.args if is_extreme(e, object_of) and isinstance(e, n.Call) else ()
    parts = children(e) if is_product(e) else parts
    return frozenset().union(*(_handed_on(x, object_of) for x in parts))


def is_extreme(e: n.Expr, object_of: Callable[[n.Expr], object]) -> bool:
    if not isinstance(e, n.Call):
        return False
    found = object_of(e.func)
    return any(found is f for f in EXTREMES)


def is_product(e: n.Expr) -> bool:
    """True for what hands an infinite differential on to its parts: a product, or a sign."""
    return isinstance(e, n.Unary) or (isinstance(e, n.Binary) and e.op in "*/")


def is_steep(template: n.Expr, helper: Callable[[str], n.Expr]) -> bool:
    """True for a slope that is infinite where there is a value: one that has a guard."""
    calls = inside(template, n.Call)
    known = [helper(x) for x in ("power_slope", "quotient")] if calls else []
    return any(x.func in known for x in calls)


def without_error(template: n.Expr, helper: Callable[[str], n.Expr]) -> n.Expr:
    """Return the slope of a root of a number so that it is infinite where it would divide by zero.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> from s2s_ad.ir.text import expr_text
    >>> expr_text(without_error(parse_expr("0.5 * d / out if d else 0.0"), n.Name))
    'quotient(0.5 * d, out)'
    """
    if not isinstance(template, n.IfExp) or template.test != D:
        return template
    parts = factors(template.body)
    below: list[tuple[str, n.Expr]] = [("*", x) for op, x in parts if op == "/"]
    if not below:
        return template
    above = multiplied([part for part in parts if part[0] == "*"])
    return n.Call(helper("quotient"), (above, multiplied(below)))


def of_steep(
    template: n.Expr, helper: Callable[[str], n.Expr], flat: AbstractSet[str] = frozenset()
) -> n.Expr:
    """Return the share `d * (a > b)` of an extreme so that none of an infinite `d` is zero.

    flat: parameters whose argument is cut off, `d * a` being the slope of a product with it.

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
    share = share or (isinstance(template.right, n.Name) and template.right.id in flat)
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
