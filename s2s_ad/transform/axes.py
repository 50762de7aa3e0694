"""How long the axes of an expression are, by its text: slices with bounds that are variables.

Takes expressions of one statement with their kinds, gives what each axis is a slice of; requires
`ir`, `rules`. The kind of `a[k + 1 :, k]` names an unknown length at each evaluation; within one
statement k has one value, so that equal bounds on axes as long as each other are equal lengths. The
first k items of two axes, each of two items or more, are as many or NumPy does not broadcast them:
neither is one where the other is more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.walk import each_of, subexprs
from s2s_ad.rules.registry import Choice


class Axis(NamedTuple):
    """The length of an axis, the bounds of a slice of it, and whether it has two items or more."""

    symbol: str
    offset: int
    lower: n.Expr | None
    upper: n.Expr | None
    long: bool


Axes = tuple[Axis, ...]
Test = Callable[[n.Expr], bool]
KindOf = Callable[[n.Expr], Kind]
ChoiceOf = Callable[[n.Expr], Choice | None]
PLAIN = (n.Name, n.Const, n.Unary, n.Binary, n.Slice)


def same_axes(a: n.Expr, b: n.Expr, kind: KindOf, choice: ChoiceOf, natural: Test) -> bool:
    """True when two expressions of a statement are proved to have the same shape by their text, if
    NumPy takes them together at all. natural: whether a bound is never below zero."""
    first, second = (axes_of(x, kind, choice, natural) or () for x in (a, b))
    return first != () and _alike(first, second, natural)


def _alike(a: Axes, b: Axes, natural: Test) -> bool:
    """True for axes that are as long as each other, or that NumPy refuses."""
    return len(a) == len(b) and all(
        x[:4] == y[:4]
        or (
            (x.lower is None and y.lower is None and x.upper is not None and x.upper == y.upper)
            and (x.long and y.long and natural(x.upper))
        )
        for x, y in zip(a, b)
    )


def axes_of(e: n.Expr, kind: KindOf, choice: ChoiceOf, natural: Test) -> Axes | None:
    """Return the axes of an array, () for a number, None where they are not known."""
    known = kind(e)
    if isinstance(known, Number):
        return ()
    if not isinstance(known, Array) or known.dims is None:
        return None
    if isinstance(e, n.Name):
        return tuple(Axis(d.symbol, d.offset, None, None, d.least > 1) for d in known.dims)

    def of(x: n.Expr) -> Axes | None:
        return axes_of(x, kind, choice, natural)

    if isinstance(e, n.Subscript):
        return _sliced(of(e.value), e.index, kind)
    if isinstance(e, n.Attribute):
        turned = of(e.value) if e.attr == "T" else None
        return None if turned is None else turned[::-1]
    if isinstance(e, n.Binary) and e.op == "@":
        return _product(of(e.left), of(e.right))
    if isinstance(e, n.Unary):
        return of(e.operand)
    if isinstance(e, n.Binary):
        return _joined([of(e.left), of(e.right)], natural)
    return _called(e, of, choice, natural) if isinstance(e, n.Call) else None


def _sliced(axes: Axes | None, index: n.Expr, kind: KindOf) -> Axes | None:
    items = each_of(index)
    if axes is None or len(items) > len(axes):
        return None
    found: list[Axis] = []
    for item, axis in zip(items, axes):
        whole = axis.lower is None and axis.upper is None
        if not isinstance(item, n.Slice):
            place = kind(item)
            if not isinstance(place, Number) or place.type != "int":
                return None
        elif item.lower is None and item.upper is None and item.step is None:
            found.append(axis)
        elif (
            whole
            and item.step is None
            and all(isinstance(x, (n.Slice, *PLAIN)) for x in subexprs(item))
        ):
            found.append(axis._replace(lower=item.lower, upper=item.upper))
        else:
            return None
    return (*found, *axes[len(items) :])


def _product(a: Axes | None, b: Axes | None) -> Axes | None:
    if not a or not b or len(a) > 2 or len(b) > 2:
        return None
    return (*a[:-1], *(b[1:] if len(b) == 2 else ()))


def _joined(parts: list[Axes | None], natural: Test) -> Axes | None:
    """Return the axes of what NumPy broadcasts, where none of the operands is stretched."""
    found: Axes = ()
    for part in parts:
        if part is None:
            return None
        short, long = sorted((found, part), key=len)
        if short and not _alike(long[len(long) - len(short) :], short, natural):
            return None
        found = long
    return found


def _called(
    e: n.Call, of: Callable[[n.Expr], Axes | None], choice: ChoiceOf, natural: Test
) -> Axes | None:
    found = choice(e)
    if found is None:
        return None
    rule, arguments = found.rule, list(found.arguments.values())
    if (rule.namespace, rule.name) == ("np", "outer") and len(arguments) == 2:
        a, b = (of(x) for x in arguments)
        flat = a is not None and b is not None and len(a) == len(b) == 1
        return (*a, *b) if flat and a and b else None
    return _joined([of(x) for x in arguments], natural) if rule.shape == "out" else None
