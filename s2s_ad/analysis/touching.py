"""Whether two steps of loops may touch the same item of a container.

Takes uses of items with the loops around them, gives answers; requires `ir`, `whole_numbers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.whole_numbers import ANY, Cases, Form, form_of, possible
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, children, each_of, names

Test = Callable[[str], bool]
MINUS = Form((), -1)


@dataclass(frozen=True)
class Span:
    """The part of an axis that a slice reads: what it begins at and ends in front of, if known."""

    low: Form | None
    high: Form | None


Path = tuple[Form | Span | None, ...]


@dataclass(frozen=True)
class Round:
    """A loop around a use. counter: the variable it counts in, "" if it is none. low, high: what
    that is not below and not above. up: whether it counts up, None where that is not known."""

    counter: str = ""
    low: Form | None = None
    high: Form | None = None
    up: bool | None = None

    def bounds(self) -> list[Form]:
        """Return the inequalities that hold for the counter."""
        here = Form(((self.counter, 1),))
        found = [] if self.low is None else [here.plus(self.low, -1)]
        return found if self.high is None else [*found, self.high.plus(here, -1)]


@dataclass(frozen=True)
class Use:
    """A use of an item. path: its index, a span for a slice, None for a part of which nothing is
    known; () for all items. rounds: the loops around it, from the outside in. known: what else
    holds."""

    path: Path
    rounds: tuple[Round, ...]
    known: Cases = ANY


def round_of(loop: n.Stmt, whole: Test) -> Round:
    """Return what is known of a loop. whole: whether a variable is an integer that keeps its value
    while what is compared runs."""
    if not isinstance(loop, n.For) or not isinstance(loop.target, n.Name):
        return Round()
    changed = assigned(loop.body)
    counter, e, up = loop.target.id, loop.iter, True
    if counter in changed:
        return Round()
    if isinstance(e, n.Call) and e.func == n.Name("reversed") and len(e.args) == 1:
        e, up = e.args[0], False
    if isinstance(e, n.Subscript) and isinstance(e.index, n.Slice) and e.index.step is None:
        e = e.value  # the first steps of a range
    if not isinstance(e, n.Call) or e.func != n.Name("range") or e.keywords:
        return Round()
    step = constant_int(e.args[2]) if len(e.args) == 3 else 1
    if not step or not 1 <= len(e.args) <= 3:
        return Round(counter)

    def bound(e: n.Expr) -> Form | None:
        return None if names(e) & changed else form_of(e, whole)

    start, stop = (Form(()), bound(e.args[0])) if len(e.args) == 1 else map(bound, e.args[:2])
    if step < 0:
        low = stop and stop.plus(Form((), 1))
        return Round(counter, low, start, not up)
    return Round(counter, start, stop and stop.plus(MINUS), up)


def path_of(index: n.Expr, whole: Test) -> Path:
    """Return what an index says of each axis, as far as it is known which axis that is."""
    parts = each_of(index)
    found: list[Form | Span | None] = []
    for part in parts:
        form = form_of(part, whole)
        if form is None and not isinstance(part, n.Slice):
            break  # it may be for several axes, or for none
        found.append(_span(part, whole) if isinstance(part, n.Slice) else form)
    return tuple(found)


def _span(part: n.Slice, whole: Test) -> Span | None:
    step = 1 if part.step is None else constant_int(part.step)
    low, high = (None if e is None else form_of(e, whole) for e in (part.lower, part.upper))
    return Span(low, high) if step and step > 0 and (low or high) else None


def uses_of(e: n.Expr, whole: Test) -> Iterator[tuple[str, Path]]:
    """Yield the variables that an expression reads with the items it reads of each."""
    if isinstance(e, n.Name):
        yield e.id, ()
    elif isinstance(e, (n.Lambda, n.Comprehension)):
        yield from ((name, ()) for name in sorted(names(e)))
    elif isinstance(e, n.Subscript):
        owner, path, inside = item_of(e, whole)
        for index in inside:
            yield from uses_of(index, whole)
        if isinstance(owner, n.Name):
            yield owner.id, path
        else:
            yield from uses_of(owner, whole)
    elif not measures(e):
        for part in children(e):
            yield from uses_of(part, whole)


def item_of(e: n.Subscript, whole: Test) -> tuple[n.Expr, Path, tuple[n.Expr, ...]]:
    """Return what an expression is an item of, x of `x[i][j]`, where in it, and the indices."""
    chain: list[n.Expr] = []
    owner: n.Expr = e
    while isinstance(owner, n.Subscript):
        chain.insert(0, owner.index)
        owner = owner.value
    path: list[Form | Span | None] = []
    for index in chain:
        part = path_of(index, whole)
        path.extend(part)
        size = len(index.items) if isinstance(index, n.TupleExpr) else 1
        if len(part) < size or not all(isinstance(x, Form) for x in part):
            break  # what is sliced is counted anew
    return owner, tuple(path), tuple(chain)


def items_alone(path: Path) -> Path:
    """Return a path without its slices: what is stored into a slice of a list may move the rest."""
    return tuple(None if isinstance(part, Span) else part for part in path)


def measures(e: n.Expr) -> bool:
    """True for `len(x)`, `x.shape` and zeros of the form of x, which read none of its items."""
    if isinstance(e, n.Attribute):
        return isinstance(e.value, n.Name) and e.attr in ("shape", "size", "ndim")
    if not isinstance(e, n.Call) or len(e.args) != 1 or e.keywords:
        return False
    called = e.func.attr if isinstance(e.func, n.Attribute) else getattr(e.func, "id", "")
    return isinstance(e.args[0], n.Name) and called in ("len", "zeros_like", "empty_like")


def meet(first: Use, second: Use, shared: int, order: Sequence[Form] = ()) -> bool:
    """Return False if two uses never touch the same item.

    shared: how many of the loops around both are in the same step. order: what holds between the
    counters of the others, those of the second use marked by `'`.
    """
    inner = frozenset(r.counter for r in second.rounds[shared:])
    known = [x for r in first.rounds if r.counter for x in r.bounds()]
    known += [
        x.renamed("'", inner) for r in second.rounds[shared:] if r.counter for x in r.bounds()
    ]
    paths = [(a, _renamed(b, inner)) for a, b in zip(first.path, second.path)]
    known += order
    seen = {x for f in known for x in f.unknowns()}
    seen |= {
        x for cases in (first.known, second.known) for c in cases for f in c for x in f.unknowns()
    }
    seen |= {x for pair in paths for part in pair for f in _forms(part) for x in f.unknowns()}
    known += [Form(((x, 1),)) for x in sorted(seen) if x.startswith("len(")]

    def touch(more: Sequence[Form]) -> bool:
        case = [*known, *more]
        same = [x for a, b in paths for x in (*_begins(a, b, case), *_begins(b, a, case))]
        return possible([*case, *same])

    return any(
        touch([*one, *(x.renamed("'", inner) for x in other)])
        for one in first.known
        for other in second.known
    )


def _renamed(part: Form | Span | None, inner: frozenset[str]) -> Form | Span | None:
    if isinstance(part, Span):
        low, high = (x and x.renamed("'", inner) for x in (part.low, part.high))
        return Span(low, high)
    return part and part.renamed("'", inner)


def _forms(part: Form | Span | None) -> list[Form]:
    found = (part.low, part.high) if isinstance(part, Span) else (part,)
    return [x for x in found if x is not None]


def _begins(a: Form | Span | None, b: Form | Span | None, known: Sequence[Form]) -> list[Form]:
    """Return what says that one part of an axis begins in front of the end of another one."""
    low, high = a.low if isinstance(a, Span) else a, b.high if isinstance(b, Span) else b
    if low is None or high is None or not _one_end(low, high, known):
        return []
    return [high.plus(low, -1).plus(MINUS) if isinstance(b, Span) else high.plus(low, -1)]


def _one_end(a: Form, b: Form, known: Sequence[Form]) -> bool:
    """True if two indices are counted from the same end of their axis."""
    if not any(possible([*known, Form(()).plus(x, -1).plus(MINUS)]) for x in (a, b)):
        return True
    return not any(possible([*known, x]) for x in (a, b))
