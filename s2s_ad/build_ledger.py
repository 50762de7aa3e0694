"""The storage ledger of an adjoint: what is kept for the reverse sweep, how much, and for what.

Takes the finished sweeps, gives lines of a docstring; requires `ir`. Amounts are formulas of the
arguments where the loops and the arrays tell them: `2 * steps * len(u) numbers`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from s2s_ad.build_exits import Sweeps
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import comes_back, said_by
from s2s_ad.ir.kinds import UNKNOWN, Array, Dim, Kind, ListOf, Number, TupleOf
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import assigned, blocks, bound_names, names, target_names, walk_stmts

WIDTH = 88
ONE = n.Const("1", 1)
# calls that give as many items as the first thing they are given
AS_MANY = frozenset("enumerate reversed list tuple sorted".split())


@dataclass(frozen=True)
class Rounds:
    """How often something is done. most: a formula of the arguments, None where none is known.
    exact: whether it is done that often, not at most."""

    most: n.Expr | None
    exact: bool = True


def kept_in(swept: Sweeps, body: n.Block) -> dict[str, list[str]]:
    """Return the variables that are kept in each list or variable of a finished body."""
    left = {s.stack for s in walk_stmts(body) if isinstance(s, n.Append)} | bound_names(body)
    return {
        stack: list(dict.fromkeys(variables))
        for found in swept.all()
        for stack, variables in found.kept.items()
        if stack in left
    }


def kept_text(swept: Sweeps, body: n.Block, back: frozenset[int]) -> str:
    """Return the ledger. back: uids of the statements that belong to the reverse sweep."""
    kept = kept_in(swept, body)
    forward = tuple(s for s in body if s.uid not in back)
    parts = _parts(swept, kept, forward, tuple(s for s in body if s.uid in back))
    lines = textwrap.wrap(f"Kept for the reverse sweep: {'; '.join(parts)}.", WIDTH - 4)
    again = [
        x
        for s in walk_stmts(body)
        if isinstance(s, n.Assign) and s.comments.trailing == "# recomputed"
        for t in s.targets
        for x in target_names(t)
        # one value of it may be kept and another computed again: the lines say which
        if not any(x in found for found in kept.values())
    ]
    if again:
        text = f"Not kept: {listed(list(dict.fromkeys(again)))} (recomputed)."
        lines += textwrap.wrap(text, WIDTH - 4)
    return "\n".join(lines)


def kept_between(swept: Sweeps, names_: Sequence[str], forward: n.Block, backward: n.Block) -> str:
    """Return the ledger of two halves. names_: the variables that the first gives the second."""
    of_stacks = kept_in(swept, forward)
    stacks = {x: of_stacks[x] for x in names_ if x in of_stacks and x in swept.found.stacks}
    alone = [x for x in names_ if x not in stacks]
    parts = [listed(alone)] if alone else []
    parts += _parts(swept, stacks, forward, backward)
    return "\n".join(textwrap.wrap(f"Kept: {'; '.join(parts)}.", WIDTH - 4))


def _parts(
    swept: Sweeps, kept: Mapping[str, Sequence[str]], forward: n.Block, backward: n.Block
) -> list[str]:
    """Return what is said of each group of variables that are kept in the same way."""
    stacks = {stack for found in swept.all() for stack in found.stacks}
    items = {stack for found in swept.all() for stack in found.items}
    rounds = rounds_of(swept, forward)
    readers = readers_of(swept, backward)
    many: dict[tuple[str, n.Expr, Rounds | None], list[tuple[str, str]]] = {}
    overwritten = dict.fromkeys(found[0] for stack, found in kept.items() if stack in items)
    once: list[str] = []
    callees: dict[str, list[str]] = {}
    for stack, name in ((stack, name) for stack, found in kept.items() for name in found):
        kind = next((f.kinds[name] for f in swept.all() if name in f.kinds), None)
        times = rounds.get(stack)
        if stack in items:
            continue
        if stack not in stacks:
            once.append(name)
        elif kind is None and len(kept[stack]) == 1 and not stack.startswith(name):
            keeper = f"{re.sub('_saved[0-9]*$', '', stack)}_forward"
            often = "at each step" if times is None or times.most is None else _often(times)
            callees.setdefault(often, []).append(f"what {keeper} keeps")
        else:
            word, size = _size(kind or UNKNOWN, swept)
            many.setdefault((word, size, times), []).append((name, stack))
    parts = []
    for (word, size, times), found in many.items():
        variables = list(dict.fromkeys(name for name, _ in found))
        amount = _amount(word, size, times, len(variables))
        # an item may be read where it is kept
        why = _why([x for pair in found for x in pair], readers.at_each_step)
        parts.append(f"{listed(variables)}, {amount}{why}")
    if overwritten:
        parts.append(f"the items of {listed(list(overwritten))} that are overwritten")
    for often, keepers in callees.items():
        parts.append(f"{listed(list(dict.fromkeys(keepers)))}, {often}")
    if once:
        variables = sorted(set(once))
        they = "it is" if len(once) == 1 else "they are"
        why = _why(variables, readers.once)
        parts.append(f"{listed(variables)}, before {they} overwritten{why}")
    return parts


def listed(names_: Sequence[str]) -> str:
    """Return words as they stand in a sentence.

    >>> listed(["x"]), listed(["x", "y", "z"])
    ('x', 'x, y and z')
    """
    if len(names_) == 1:
        return names_[0]
    return f"{', '.join(names_[:-1])} and {names_[-1]}"


# -- how much


def _amount(word: str, size: n.Expr, times: Rounds | None, count: int) -> str:
    """Return an amount in words. word: what one is called, size: how many there are in a value."""
    if times is None or times.most is None:
        whole = _times(_number(count), size)
        text = "one" if whole == ONE else expr_text(whole)
        return f"{text} {word}{'s' * (whole != ONE)} per step"
    whole = _times(_times(_number(count), times.most), size)
    most = "" if times.exact else "at most "
    return f"{most}{expr_text(whole)} {word}{'s' * (whole != ONE)}"


def _often(times: Rounds) -> str:
    assert times.most is not None
    if times.most == ONE:
        return "once"
    return f"{'' if times.exact else 'at most '}{expr_text(times.most)} times"


def _number(k: int) -> n.Expr:
    return n.Const(str(k), k)


def _times(a: n.Expr, b: n.Expr) -> n.Expr:
    if isinstance(a, n.Const) and isinstance(b, n.Const):
        return _number(a.value * b.value)
    if a == ONE or b == ONE:
        return b if a == ONE else a
    if isinstance(b, n.Binary) and b.op == "*":
        return n.Binary("*", _times(a, b.left), b.right)
    return n.Binary("*", a, b)


def _sum(a: n.Expr, op: str, b: n.Expr) -> n.Expr:
    """Return a sum or a difference with its numbers in one: `n - 2` for `n - 1 - 1`.

    >>> expr_text(_sum(n.Binary("-", n.Name("k"), ONE), "-", ONE))
    'k - 2'
    """
    if not isinstance(b, n.Const):
        return n.Binary(op, a, b)
    shift = b.value if op == "+" else -b.value
    if isinstance(a, n.Binary) and a.op in ("+", "-") and isinstance(a.right, n.Const):
        shift += a.right.value if a.op == "+" else -a.right.value
        a = a.left
    if isinstance(a, n.Const):
        return _number(a.value + shift)
    return n.Binary("+" if shift > 0 else "-", a, _number(abs(shift))) if shift else a


def _size(kind: Kind, swept: Sweeps) -> tuple[str, n.Expr]:
    """Return what a kept value is called, and how many of them it counts for."""
    if isinstance(kind, Number):
        return "number", ONE
    if isinstance(kind, ListOf) or (isinstance(kind, TupleOf) and kind.is_list):
        return "list", ONE
    if not isinstance(kind, Array):
        return "value", ONE
    params = {name: value.kind for name, value in swept.prepared.values}
    size: n.Expr = ONE
    for dim in kind.dims if kind.dims is not None else [None]:
        length = None if dim is None else _length(dim, params)
        if length is None:
            return "array", ONE
        size = _times(size, length)
    return "number", size


def _length(dim: Dim, params: Mapping[str, Kind]) -> n.Expr | None:
    """Return the length of an axis as a formula of the arguments."""
    if dim.one:
        return ONE
    name, _, axis = dim.symbol.partition(".")
    kind = params.get(name)
    if not isinstance(kind, Array) or kind.dims is None or not axis.isdigit():
        return None
    place = n.Attribute(n.Name(name), "shape")
    length: n.Expr = n.Subscript(place, _number(int(axis)))
    if len(kind.dims) == 1:
        length = n.Call(n.Name("len"), (n.Name(name),))
    if dim.offset:
        return n.Binary("-" if dim.offset < 0 else "+", length, _number(abs(dim.offset)))
    return length


def rounds_of(swept: Sweeps, forward: n.Block) -> dict[str, Rounds]:
    """Return how often something is put on each stack of the forward sweep."""
    fixed = _formulas(swept)
    found: dict[str, Rounds] = {}

    def visit(block: n.Block, around: Rounds, surely: bool) -> None:
        for s in block:
            if isinstance(s, n.Append):
                twice = s.stack in found
                found[s.stack] = Rounds(None) if twice else Rounds(around.most, surely)
            inner, sure = around, surely and not isinstance(s, n.If)
            if isinstance(s, (n.For, n.While)):
                times = _trips(s, fixed) if isinstance(s, n.For) else None
                whole = None if around.most is None or times is None else times.most
                inner = Rounds(None if whole is None else _times(around.most or ONE, whole))
                ends = any(
                    isinstance(x, (n.Break, n.Return, n.Continue)) for x in walk_stmts(s.body)
                )
                sure = sure and not ends and times is not None and times.exact
            for part in blocks(s):
                visit(part, inner, sure)

    visit(forward, Rounds(ONE), True)
    return found


def _formulas(swept: Sweeps) -> dict[str, n.Expr]:
    """Return what variables stand for that are formulas of the arguments all along."""
    body = swept.prepared.function.body
    changed = assigned(body)
    found: dict[str, n.Expr] = {
        p.name: n.Name(p.name) for p in swept.prepared.function.params if p.name not in changed
    }
    every = list(walk_stmts(body))
    for s in body:
        target = s.targets[0] if isinstance(s, n.Assign) else None
        if not isinstance(s, n.Assign) or not isinstance(target, n.Name):
            continue
        if sum(target.id in assigned((other,)) for other in every) == 1:
            value = _in_arguments(s.value, found)
            if value is not None and target.id not in found:
                found[target.id] = value
    return found


def _in_arguments(e: n.Expr, fixed: Mapping[str, n.Expr]) -> n.Expr | None:
    """Return a length or a number in terms of the arguments, None for what is longer than that."""
    if isinstance(e, n.Const) and type(e.value) is int:
        return e
    if isinstance(e, n.Name):
        return fixed.get(e.id)
    if isinstance(e, n.Binary) and e.op in "+-*":
        left, right = _in_arguments(e.left, fixed), _in_arguments(e.right, fixed)
        if left is None or right is None:
            return None
        return n.Binary("*", left, right) if e.op == "*" else _sum(left, e.op, right)
    if isinstance(e, n.Subscript) and isinstance(e.index, n.Const):
        shape = e.value
        if isinstance(shape, n.Attribute) and shape.attr == "shape" and names(shape) <= set(fixed):
            return e
        return None
    is_len = isinstance(e, n.Call) and e.func == n.Name("len") and len(e.args) == 1
    if is_len and isinstance(e, n.Call) and isinstance(e.args[0], n.Name):
        known = fixed.get(e.args[0].id)
        return n.Call(e.func, (known,)) if isinstance(known, n.Name) else None
    return None


def _trips(s: n.For, fixed: Mapping[str, n.Expr]) -> Rounds | None:
    """Return how many rounds a loop makes if nothing ends it before."""
    e = s.iter
    called = e.func.id if isinstance(e, n.Call) and isinstance(e.func, n.Name) else ""
    if isinstance(e, n.Call) and called == "range" and len(e.args) in (1, 2):
        ends = [_in_arguments(a, fixed) for a in e.args]
        if None in ends:
            return None
        first, last = (ends[0], ends[-1]) if len(ends) == 2 else (None, ends[0])
        if first is None or last is None:
            return None if last is None else Rounds(last)
        if isinstance(first, n.Const) and isinstance(last, n.Const):
            return Rounds(_number(max(0, last.value - first.value)))
        nothing = isinstance(first, n.Const) and not first.value
        return Rounds(last if nothing else _sum(last, "-", first))
    if isinstance(e, n.Call) and e.args and called in (*AS_MANY, "zip"):
        part = _trips(n.For(s.target, e.args[0], ()), fixed)
        return None if part is None else Rounds(part.most, part.exact and called != "zip")
    known = fixed.get(e.id) if isinstance(e, n.Name) else None
    return Rounds(n.Call(n.Name("len"), (known,))) if isinstance(known, n.Name) else None


# -- for what


Lines = dict[str, set[int]]


@dataclass(frozen=True)
class Readers:
    """The lines of the primal whose reversal reads each variable, in loops and outside of them."""

    at_each_step: Lines
    once: Lines


def readers_of(swept: Sweeps, backward: n.Block) -> Readers:
    lines = {
        s.uid: s.origin.line
        for body in (swept.prepared.function.body, *swept.bodies)
        for s in walk_stmts(body)
        if s.origin is not None
    }
    found = Readers({}, {})

    def visit(block: n.Block, into: Lines) -> None:
        for s in block:
            line = lines.get(s.of if s.of is not None else -1)
            if line is not None and not isinstance(s, n.Pop) and not comes_back(s):
                targets = s.targets if isinstance(s, n.Assign) else ()
                targets = (s.target,) if isinstance(s, n.For) else targets
                written = {x for t in targets for x in target_names(t)}
                for x in said_by(s) - written:
                    into.setdefault(x, set()).add(line)
            is_loop = isinstance(s, (n.For, n.While))
            for part in blocks(s):
                visit(part, found.at_each_step if is_loop else into)

    visit(backward, found.once)
    return found


def _why(variables: Sequence[str], readers: Lines) -> str:
    found = sorted({line for name in variables for line in readers.get(name, ())})
    if not found:
        return ""
    if len(found) < 4:
        return f" (read by {listed([f'L{line}' for line in found])})"
    return f" (read by L{found[0]} to L{found[-1]})"
