"""Choices of NumPy on one condition are made once.

Takes statements of a reverse sweep, gives them with fewer calls of `np.where`; requires `ir`.

    np.where(c, d, 0.0) * a + np.where(c, 0.0, d) * b     →     np.where(c, d * a, d * b)
    np.where(c, np.where(c, d, 0.0) / y, 0.0)             →     np.where(c, d / y, 0.0)

    d_bar = np.where(c, y_bar, 0.0)                       →     d_bar = y_bar
    x_bar = np.where(c, d_bar / x, 0.0)                         x_bar = np.where(c, d_bar / x, 0.0)

All of it works entry by entry. What the side that is not taken is multiplied by is not looked at
any more: where that is infinite, the zero of before became NaN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from s2s_ad.ir import nodes as n
from s2s_ad.ir.arithmetic import factors, is_arithmetic, multiplied
from s2s_ad.ir.blocks import changed_by, said_by, sole_target, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import blocks, children, inside, map_parts, names, stmt_exprs, walk_stmts
from s2s_ad.simplify.algebra import negate, product

HELPERS = frozenset({"quotient", "divide_or_zero", "power_slope"})


@dataclass(frozen=True)
class _Choice:
    """A term `np.where(test, taken, other)`, its factors multiplied into both sides."""

    test: n.Expr
    taken: n.Expr
    other: n.Expr


Chosen = Callable[[n.Expr], "_Choice | None"]


def chosen_once(
    body: n.Block, back: frozenset[int], where: n.Expr, pure: Callable[[n.Expr], bool]
) -> n.Block:
    """Return the body with the statements `back` rewritten.

    where: how `np.where` is spelled. pure: whether an expression gives the same value each time.
    """
    calls = (x for s in walk_stmts(body) for x in inside(s, n.Call))
    if not any(x.func == where for x in calls):
        return body
    body = _block(body, back, where, pure)
    counts = Counter(x for s in walk_stmts(body) for x in said_by(s))
    return _chosen_later(body, back, counts, where)


def _block(
    block: n.Block, back: frozenset[int], where: n.Expr, pure: Callable[[n.Expr], bool]
) -> n.Block:
    out: list[n.Stmt] = []
    known: dict[n.Expr, _Choice] = {}

    def chosen(e: n.Expr) -> _Choice | None:
        choice = known.get(e) or _choice(e, where)
        return choice if choice is not None and pure(choice.test) else None

    def simple(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Binary) and e.op in "+-":
            return _joined(e, chosen, where)
        choice = chosen(e)
        if choice is None or not isinstance(e, n.Call):
            return e
        taken = _side(choice.taken, choice.test, True, where)
        other = _side(choice.other, choice.test, False, where)
        return replace(e, args=(choice.test, taken, other))

    for s in block:
        s = with_blocks(s, lambda inner: _block(inner, back, where, pure))
        if s.uid in back and not blocks(s):
            s = map_parts(s, simple)
        changed = changed_by(s)
        known = {x: c for x, c in known.items() if not changed & (names(x) | names(c.test))}
        name = sole_target(s)
        choice = _choice(s.value, where) if isinstance(s, n.Assign) else None
        if name is not None and choice is not None and pure(choice.test):
            # the variable is zero where the choice is
            held = n.Name(name)
            sides = (ZERO if side == ZERO else held for side in (choice.taken, choice.other))
            if ZERO in (choice.taken, choice.other) and name not in names(choice.test):
                known[held] = _Choice(choice.test, *sides)
        out.append(s)
    return tuple(out)


def _chosen_later(
    block: n.Block, back: frozenset[int], every: Counter[str], where: n.Expr
) -> n.Block:
    """Return the block without choices whose value is only read under the same choice.

    every: how many statements mention each variable.
    """
    out = [with_blocks(s, lambda inner: _chosen_later(inner, back, every, where)) for s in block]
    for k, s in enumerate(out):
        name = sole_target(s)
        choice = _choice(s.value, where) if isinstance(s, n.Assign) else None
        if name is None or choice is None or s.uid not in back:
            continue
        assert isinstance(s, n.Assign)
        readers = [x for x in out[k + 1 :] if name in said_by(x)]
        if not readers or len(readers) + 1 != every[name]:
            continue
        still = not any(
            names(choice.test) & changed_by(x) for x in out[k + 1 : out.index(readers[-1])]
        )
        for taken, side, rest in (
            (True, choice.taken, choice.other),
            (False, choice.other, choice.taken),
        ):
            hidden = all(_reads_under(x, name, choice.test, taken, where) for x in readers)
            if rest == ZERO and still and hidden:
                out[k] = replace(s, value=side)
                break
    return tuple(out)


def _reads_under(s: n.Stmt, name: str, test: n.Expr, taken: bool, where: n.Expr) -> bool:
    """True when a statement reads a variable on one side of a choice only, entry by entry."""
    if blocks(s) or name in changed_by(s):
        return False

    def outside(e: n.Expr, entry: bool) -> bool:
        choice = _choice(e, where)
        if choice is not None and choice.test == test:
            side, rest = (choice.taken, choice.other)[:: 1 if taken else -1]
            return outside(side, True) or outside(rest, False) or name in names(test)
        if e == n.Name(name):
            return not entry
        return any(outside(x, entry and _is_entrywise(e)) for x in children(e))

    return not any(outside(e, False) for e in stmt_exprs(s))


def _is_entrywise(e: n.Expr) -> bool:
    """True for what gives each entry from the entries at the same place."""
    if isinstance(e, n.Call):
        ufunc = isinstance(e.func, n.Attribute) and getattr(np, e.func.attr, None)
        ours = isinstance(e.func, n.Name) and e.func.id in HELPERS
        return ours or isinstance(ufunc, np.ufunc)
    return is_arithmetic(e)


def _choice(e: n.Expr, where: n.Expr) -> _Choice | None:
    """Return the condition and the sides of `np.where(c, a, b)`."""
    if isinstance(e, n.Call) and e.func == where and len(e.args) == 3 and not e.keywords:
        return _Choice(*e.args)
    return None


def _side(e: n.Expr, test: n.Expr, taken: bool, where: n.Expr) -> n.Expr:
    """Return one side of a choice without the same choice in it."""
    inner = _choice(e, where)
    if inner is not None and inner.test == test:
        return _side(inner.taken if taken else inner.other, test, taken, where)
    if isinstance(e, n.Binary) and e.op in ("+", "-", "*", "/", "**"):
        left, right = (_side(x, test, taken, where) for x in (e.left, e.right))
        return e if (left, right) == (e.left, e.right) else replace(e, left=left, right=right)
    if isinstance(e, n.Unary):
        return replace(e, operand=_side(e.operand, test, taken, where))
    return e


def _joined(e: n.Binary, chosen: Chosen, where: n.Expr) -> n.Expr:
    """Return a sum, those of its terms joined that choose on one condition."""
    terms = _terms(e)
    k = 0
    while k < len(terms):
        first = _scaled(*terms[k], chosen)
        later = next(
            (
                (j, both)
                for j in range(k + 1, len(terms))
                if first is not None and (both := _both(first, _scaled(*terms[j], chosen)))
            ),
            None,
        )
        if later is None:
            k += 1
            continue
        j, both = later
        terms[k : k + 1] = [("+", _without_common(both, where))]
        del terms[j]
    if len(terms) == len(_terms(e)):
        return e
    total = terms[0][1] if terms[0][0] == "+" else negate(terms[0][1])
    for op, term in terms[1:]:
        total = n.Binary(op, total, term)
    return total


def _without_common(choice: _Choice, where: n.Expr) -> n.Expr:
    """Return a choice with what both products begin with in front of it."""
    one, two = factors(choice.taken), factors(choice.other)
    outer: list[tuple[str, n.Expr]] = []
    while len(one) > 1 and len(two) > 1 and one[0] == two[0]:
        outer.append(one.pop(0))
        two.pop(0)
    if not outer or "/" in (one[0][0], two[0][0]):
        return n.Call(where, (choice.test, choice.taken, choice.other))
    inner = n.Call(where, (choice.test, multiplied(one), multiplied(two)))
    return multiplied([*outer, ("*", inner)])


def _terms(e: n.Expr) -> list[tuple[str, n.Expr]]:
    """Return the terms of a sum, with `+` or `-` in front of each."""
    found: list[tuple[str, n.Expr]] = []
    while isinstance(e, n.Binary) and e.op in "+-":
        found.append((e.op, e.right))
        e = e.left
    return [("+", e), *reversed(found)]


def _scaled(sign: str, e: n.Expr, chosen: Chosen) -> _Choice | None:
    """Return a term as a choice between products: `np.where(c, a, 0.0) * b`."""
    parts = factors(e)
    turned = sign == "-"
    if isinstance(parts[0][1], n.Unary) and parts[0][1].op == "-":
        turned = not turned
        parts[0] = ("*", parts[0][1].operand)
    choices = [k for k, (op, x) in enumerate(parts) if op == "*" and chosen(x)]
    if len(choices) != 1:
        return None
    choice = chosen(parts[choices[0]][1])
    assert choice is not None

    def scaled(side: n.Expr) -> n.Expr:
        if side == ZERO:
            return side
        parts[choices[0]] = ("*", side)
        whole = multiplied(parts)
        return product(n.Unary("-", whole) if turned else whole)

    return _Choice(choice.test, scaled(choice.taken), scaled(choice.other))


def _both(a: _Choice, b: _Choice | None) -> _Choice | None:
    """Return the sum of two choices on one condition, if no side of them is computed twice."""
    if b is None or a.test != b.test:
        return None
    if a.other == ZERO and b.taken == ZERO:
        return replace(a, other=b.other)
    if a.taken == ZERO and b.other == ZERO:
        return replace(a, taken=b.taken)
    if a.other == ZERO and b.other == ZERO:
        return replace(a, taken=n.Binary("+", a.taken, b.taken))
    if a.taken == ZERO and b.taken == ZERO:
        return replace(a, other=n.Binary("+", a.other, b.other))
    return None
