"""How many values a list will hold that is filled in loops, in what is known before they run.

Takes statements that fill lists, gives sizes; requires `ir`, `analysis.whole_numbers`.

    for i in range(n):
        for j in range(i + 1, n):         n * (n - 1) // 2
            r_saved.append(r)
"""

from __future__ import annotations

from s2s_ad.analysis.indexing import constant_int
from s2s_ad.analysis.whole_numbers import Form, form_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import assigned, names, subexprs, substitute, walk_stmts
from s2s_ad.simplify.counting_down import number, plus

# how many times something happens at most: numbers of times by products of lengths of loops
Count = dict[tuple[n.Expr, ...], int]


def fills(s: n.Stmt, stack: str) -> bool:
    """True for a statement that fills a list, or has one in it that does."""
    return any(isinstance(x, n.Append) and x.stack == stack for x in walk_stmts((s,)))


def add(total: Count, more: Count) -> None:
    """Add how often more happens."""
    for lengths, times in more.items():
        total[lengths] = total.get(lengths, 0) + times


def count_of(block: n.Block, stack: str, inside: bool = False) -> Count | None:
    """Return how often the block fills the stack, None when that is not known before it runs.

    inside: whether it is in a loop: many loops that may end early may be much shorter.
    """
    total: Count = {}
    for s in block:
        if not fills(s, stack):
            continue
        if isinstance(s, n.Append):
            add(total, {(): 1})
            continue
        if isinstance(s, n.If):
            most: Count = {}
            for body in (*(b.body for b in s.branches), s.orelse):
                count = count_of(body, stack, inside)
                if count is None:
                    return None
                most = {k: max(most.get(k, 0), count.get(k, 0)) for k in {**most, **count}}
            add(total, most)
            continue
        length = _length(s) if isinstance(s, n.For) else None
        inner = count_of(s.body, stack, True) if isinstance(s, n.For) else None
        if length is None or inner is None or (_may_end(s) and (inside or any(inner))):
            return None
        for lengths, times in inner.items():
            add(total, {_over(s, length, lengths): times})
    return total


def _over(loop: n.Stmt, length: n.Expr, inner: tuple[n.Expr, ...]) -> tuple[n.Expr, ...]:
    """Return the lengths of loops, one in the other, without the counter of the outer one."""
    counter = loop.target.id if isinstance(loop, n.For) and isinstance(loop.target, n.Name) else ""
    if not isinstance(loop, n.For) or not isinstance(loop.iter, n.Call):
        return (length, *inner)
    within = [e for e in inner if counter in names(e)]
    if not within or counter in assigned(loop.body):
        return (length, *inner)
    steps, start = form_of(length, lambda _: True), start_of(loop)
    forms = {e: form_of(e, lambda _: True) for e in within}
    here = Form(((counter, 1),))
    form = forms[within[0]]
    if len(within) == 1 and steps is not None and start is not None and form is not None:
        # as many as there are steps, or one less, at the one end, and one or none at the other
        for rest in (
            here.plus(form).plus(steps, -1).plus(Form((), start), -1),
            form.plus(here, -1).plus(Form((), start)).plus(Form((), 1), -1),
        ):
            if not rest.terms and rest.constant in (0, -1):
                pairs = n.Binary("*", length, plus(length, 1 + 2 * rest.constant))
                others = tuple(e for e in inner if e is not within[0])
                return (n.Binary("//", pairs, number(2)), *others)
    ends = _ends(loop.iter)
    most: dict[n.Expr, n.Expr | None] = {}
    for e, form in forms.items():
        times = dict(form.terms).get(counter, 0) if form is not None else None
        if form is not None and times == 0:
            most[e] = _written(form)
        else:
            most[e] = substitute(e, {counter: ends[times]}) if times in ends else None
    if None in most.values():
        return (length, *inner)
    return (length, *(most.get(e) or e for e in inner))


def _written(form: Form) -> n.Expr | None:
    """Return a sum of variables as it is written, None for any other."""
    result: n.Expr | None = None
    for name, times in sorted(form.terms, key=lambda term: -term[1]):
        if times not in (1, -1) or not name.isidentifier() or (result is None and times < 0):
            return None
        part = n.Name(name)
        result = part if result is None else n.Binary("+" if times > 0 else "-", result, part)
    return number(form.constant) if result is None else plus(result, form.constant)


def _ends(e: n.Call) -> dict[int, n.Expr]:
    """Return what the numbers of a range are at most, and at least, by 1 and -1."""
    start, stop = (number(0), e.args[0]) if len(e.args) == 1 else e.args[:2]
    step = constant_int(e.args[2]) if len(e.args) == 3 else 1
    if e.func != n.Name("range") or not step:
        return {}
    return {1: plus(stop, -1), -1: start} if step > 0 else {1: start, -1: plus(stop, 1)}


def _length(loop: n.For) -> n.Expr | None:
    """Return how many steps a loop has at most, in what is known before it."""
    if loop.orelse or any(isinstance(s, n.Return) for s in walk_stmts(loop.body)):
        return None
    if isinstance(loop.iter, n.Name):
        return n.Call(n.Name("len"), (loop.iter,))
    if not isinstance(loop.iter, n.Call) or loop.iter.func != n.Name("range"):
        return None
    args = loop.iter.args
    if loop.iter.keywords or not 1 <= len(args) <= 3 or not all(map(_is_length, args)):
        return None
    start, stop = (number(0), args[0]) if len(args) == 1 else args[:2]
    step = constant_int(args[2]) if len(args) == 3 else 1
    if not step:
        return None
    low, high = (start, stop) if step > 0 else (stop, start)
    if constant_int(low) is not None:
        distance = plus(high, -(constant_int(low) or 0))
    else:
        distance = n.Binary("-", high, low)
    if abs(step) == 1:
        return distance
    return n.Binary("+", n.Binary("//", distance, number(abs(step))), number(1))


def _may_end(loop: n.Stmt) -> bool:
    """True for a loop with a `break`, if it is in one inside it."""
    return any(isinstance(s, n.Break) for s in walk_stmts((loop,)))


def _is_length(e: n.Expr) -> bool:
    """True for arithmetic on whole numbers: the same whenever its variables are."""
    return all(
        isinstance(x, (n.Name, n.Const))
        or (isinstance(x, n.Unary) and x.op == "-")
        or (isinstance(x, n.Binary) and x.op in ("+", "-", "*"))
        or (isinstance(x, n.Binary) and x.op == "//" and constant_int(x.right) not in (None, 0))
        or (isinstance(x, n.Call) and x.func in (n.Name("len"), n.Name("min"), n.Name("max")))
        or (isinstance(x, n.Attribute) and x.attr in ("shape", "size"))
        or (isinstance(x, n.Subscript) and isinstance(x.value, n.Attribute))
        for x in subexprs(e)
    )


def size_of(total: Count) -> n.Expr:
    """Return the size of an array, which is none below 0."""
    result: n.Expr | None = None
    for lengths, times in total.items():
        product: n.Expr | None = None if times == 1 and lengths else number(times)
        for length in lengths:
            length = length if _is_no_less(length) else _at_least_0(length)
            product = length if product is None else n.Binary("*", product, length)
        assert product is not None
        result = product if result is None else n.Binary("+", result, product)
    return result if result is not None else number(0)


def lengths_of(total: Count) -> tuple[n.Expr, ...]:
    """Return the lengths of which a size is the product, from the outermost loop in; () if it is
    none."""
    if len(total) != 1 or list(total.values()) != [1]:
        return ()
    return tuple(x if _is_no_less(x) else _at_least_0(x) for x in next(iter(total)))


def _is_no_less(e: n.Expr) -> bool:
    """True for what is never negative."""
    if isinstance(e, n.Const):
        return True
    if isinstance(e, n.Call) and e.func == n.Name("len"):
        return True
    if isinstance(e, n.Binary) and e.op == "//" and isinstance(e.left, n.Binary):
        # of two whole numbers that follow each other, both are negative or none
        two = (form_of(x, lambda _: True) for x in (e.left.left, e.left.right))
        a, b = two
        return e.left.op == "*" and bool(a and b and a.plus(b, -1) in (Form((), 1), Form((), -1)))
    place = e.value if isinstance(e, n.Subscript) else e
    return isinstance(place, n.Attribute) and place.attr in ("shape", "size")


def _at_least_0(e: n.Expr) -> n.Expr:
    return n.Call(n.Name("max"), (e, number(0)))


def start_of(loop: n.For) -> int | None:
    """Return the lowest index of a loop over a range of all numbers from a literal, up or down."""
    if not isinstance(loop.iter, n.Call) or loop.iter.func != n.Name("range"):
        return None
    args = loop.iter.args
    if len(args) < 3:
        return 0 if len(args) == 1 else constant_int(args[0])
    end = constant_int(args[1])
    return end + 1 if end is not None and constant_int(args[2]) == -1 else None
