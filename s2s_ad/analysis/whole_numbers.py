"""Linear forms in whole numbers, and whether inequalities between them can hold together.

Takes expressions, gives forms and answers; requires `ir`. An answer that they cannot is proved
(by elimination, Fourier and Motzkin), one that they can is not.

    i <= n - 1,  j >= i + 1,  i == j     cannot hold together
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd

from s2s_ad.ir import nodes as n
from s2s_ad.ir.text import expr_text

MANY = 300  # inequalities that are looked at
MOST_CASES = 8


@dataclass(frozen=True)
class Form:
    """Whole numbers times unknowns, plus a whole number. terms: sorted, without zeros."""

    terms: tuple[tuple[str, int], ...]
    constant: int = 0

    def plus(self, other: Form, times: int = 1) -> Form:
        """Return the sum of this form and so many times another.

        >>> Form((("i", 1),)).plus(Form((("i", 1),), 2), -1)
        Form(terms=(), constant=-2)
        """
        total = dict(self.terms)
        for name, factor in other.terms:
            total[name] = total.get(name, 0) + times * factor
        terms = tuple(sorted((x, k) for x, k in total.items() if k))
        return Form(terms, self.constant + times * other.constant)

    def renamed(self, tag: str, names: frozenset[str]) -> Form:
        """Return the form with other unknowns in the place of these."""
        terms = tuple(sorted((x + tag if x in names else x, k) for x, k in self.terms))
        return Form(terms, self.constant)

    def unknowns(self) -> frozenset[str]:
        """Return the unknowns."""
        return frozenset(x for x, _ in self.terms)


Cases = tuple[tuple[Form, ...], ...]
"""Alternatives, of which one holds: forms that are all 0 or more."""
ANY: Cases = ((),)


def form_of(e: n.Expr, whole: Callable[[str], bool]) -> Form | None:
    """Return an expression as a form, None if it is none. whole: whether a variable is an integer,
    or `len(x)` one that stays the same.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> form_of(parse_expr("2 * (i - 1) + n"), lambda name: True)
    Form(terms=(('i', 2), ('n', 1)), constant=-2)
    """
    if isinstance(e, n.Const):
        return Form((), e.value) if type(e.value) is int else None
    if isinstance(e, n.Name):
        return Form(((e.id, 1),)) if whole(e.id) else None
    if is_length(e):
        length = expr_text(e)
        return Form(((length, 1),)) if whole(length) else None
    if isinstance(e, n.Unary) and e.op in "+-":
        inner = form_of(e.operand, whole)
        return inner and Form(()).plus(inner, 1 if e.op == "+" else -1)
    if not isinstance(e, n.Binary) or e.op not in ("+", "-", "*"):
        return None
    left, right = form_of(e.left, whole), form_of(e.right, whole)
    if left is None or right is None:
        return None
    if e.op != "*":
        return left.plus(right, 1 if e.op == "+" else -1)
    if left.terms and right.terms:
        return None
    factor, other = (right, left) if left.terms else (left, right)
    return Form(()).plus(other, factor.constant)


def is_length(e: n.Expr) -> bool:
    """True for `len(x)`, an unknown that is not below 0."""
    if not isinstance(e, n.Call) or e.func != n.Name("len") or e.keywords:
        return False
    return len(e.args) == 1 and isinstance(e.args[0], n.Name)


def told(test: n.Expr, held: bool, whole: Callable[[str], bool]) -> Cases:
    """Return what holds where a test gave this.

    >>> from s2s_ad.ir.quote import parse_expr
    >>> i = lambda name: name == "i"
    >>> told(parse_expr("i > 0 and x"), True, i)
    ((Form(terms=(('i', 1),), constant=-1),),)
    >>> told(parse_expr("i == 1"), False, i)
    ((Form(terms=(('i', -1),), constant=0),), (Form(terms=(('i', 1),), constant=-2),))
    """
    if isinstance(test, n.Unary) and test.op == "not":
        return told(test.operand, not held, whole)
    if isinstance(test, n.BoolOp):
        every = [told(part, held, whole) for part in test.values]
        return all_of(every) if held == (test.op == "and") else one_of(every)
    if not isinstance(test, n.Compare) or (not held and len(test.ops) > 1):
        return ANY
    found: list[Cases] = []
    for left, op, right in zip((test.left, *test.rights), test.ops, test.rights):
        a, b = form_of(left, whole), form_of(right, whole)
        if a is not None and b is not None:
            found.append(_compared(a, op if held else _OPPOSITE.get(op, ""), b))
    return all_of(found)


_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "!=": "==", "==": "!="}


def _compared(a: Form, op: str, b: Form) -> Cases:
    if op in ("<", "<="):
        return ((b.plus(a, -1).plus(Form((), -1 if op == "<" else 0)),),)
    if op in (">", ">="):
        return _compared(b, "<" if op == ">" else "<=", a)
    if op == "!=":
        return one_of([_compared(a, "<", b), _compared(b, "<", a)])
    return (tuple(equal(a, b)),) if op == "==" else ANY


def all_of(every: Iterable[Cases], given: Sequence[Form] = ()) -> Cases:
    """Return what holds where each of these does, less where that would be too many cases.

    given: what holds anyway: cases that cannot be are left out.

    >>> i, j = Form((("i", 1),), -1), Form((("j", 1),), -1)
    >>> all_of([((i,), (j,)), ANY, ((j,),)]) == ((j,),)
    True
    """
    whole = ANY
    for cases in every:
        found = [tuple(dict.fromkeys((*one, *other))) for one in whole for other in cases]
        if len(found) > 1:
            found = [case for case in found if possible([*given, *case])]
        least = [c for c in found if not any(set(x) < set(c) for x in found)]
        if len(least) <= MOST_CASES:
            whole = tuple(dict.fromkeys(least))
    return whole


def one_of(every: Sequence[Cases]) -> Cases:
    """Return what holds where one of these does: nothing, if one says nothing."""
    if any(() in cases for cases in every):
        return ANY
    return tuple(case for cases in every for case in cases)


def equal(a: Form, b: Form) -> list[Form]:
    """Return the inequalities that say that two forms are equal."""
    return [a.plus(b, -1), b.plus(a, -1)]


def possible(inequalities: Iterable[Form]) -> bool:
    """Return False if no whole numbers make all of these forms 0 or more.

    >>> i, j = Form((("i", 1),)), Form((("j", 1),))
    >>> possible([*equal(i, j), j.plus(i, -1).plus(Form((), -1))])
    False
    >>> possible([*equal(i.plus(i), j.plus(j).plus(Form((), 1)))])
    False
    """
    todo = _tight(inequalities)
    while todo is not None:
        unknown = _fewest(todo)
        if unknown is None:
            return True
        above = [f for f in todo if _factor(f, unknown) > 0]
        below = [f for f in todo if _factor(f, unknown) < 0]
        rest = [f for f in todo if not _factor(f, unknown)]
        if len(rest) + len(above) * len(below) > MANY:
            return True
        for a in above:
            for b in below:
                up, down = _factor(a, unknown), -_factor(b, unknown)
                rest.append(Form(()).plus(a, down).plus(b, up))
        todo = _tight(rest)
    return False


def _tight(inequalities: Iterable[Form]) -> list[Form] | None:
    """Return the inequalities in lowest terms, None if one of them cannot hold."""
    least: dict[tuple[tuple[str, int], ...], int] = {}
    for f in inequalities:
        if not f.terms:
            if f.constant < 0:
                return None
            continue
        by = gcd(*(k for _, k in f.terms))
        terms = tuple((x, k // by) for x, k in f.terms)
        constant = f.constant // by
        least[terms] = min(least.get(terms, constant), constant)
    return [Form(terms, constant) for terms, constant in least.items()]


def _fewest(forms: Sequence[Form]) -> str | None:
    """Return the unknown whose elimination leaves the fewest inequalities."""
    signs: dict[str, list[int]] = {}
    for f in forms:
        for x, k in f.terms:
            signs.setdefault(x, [0, 0])[k > 0] += 1
    if not signs:
        return None
    return min(sorted(signs), key=lambda x: signs[x][0] * signs[x][1])


def _factor(f: Form, unknown: str) -> int:
    return next((k for x, k in f.terms if x == unknown), 0)
