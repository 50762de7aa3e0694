"""What a function returns that calls itself: assumed, checked, and widened until it holds.

Takes a subject with the values of its parameters, gives the value it returns. Requires `analysis`,
`build_subject`.

At first a recursive call is taken never to return, so that the ways through the function that end
say what it may return. From then on it is taken to return that. A tuple in what is returned, such
as what a forward half keeps, may hold what the call inside has kept: it is `Folded`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s2s_ad.analysis.flow import Facts, interpret
from s2s_ad.analysis.values import NeverReturnsError, Value, item_of, merge
from s2s_ad.build_keys import canonical
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    FLOAT,
    UNKNOWN,
    Cell,
    DictOf,
    Folded,
    Kind,
    ListOf,
    Partial,
    TupleOf,
    either,
    join,
)
from s2s_ad.ir.walk import bound_names, walk_stmts

if TYPE_CHECKING:
    from s2s_ad.build_program import Program

NOTHING = n.Const("None", None)
MOST_ROUNDS = 8
DEEPEST = 10
Values = tuple[tuple[str, Value], ...]


def assumed(program: Program, key: Any) -> Value:
    """Return what a call is assumed to return of a function that is being looked into."""
    program.assumed.add(key)
    found = program.running[key]
    if found is None:
        raise NeverReturnsError
    return found


def summarised(program: Program, key: Any, subject: Subject, values: Values) -> Value:
    """Return what is known of the result of a function."""
    try:
        return _fixpoint(program, key, subject, values)
    finally:
        del program.running[key]
        program.assumed.discard(key)


def _fixpoint(program: Program, key: Any, subject: Subject, values: Values) -> Value:
    nothing = Value(UNKNOWN, any(v.varied for _, v in values))
    guess: Value | None = None
    for _ in range(MOST_ROUNDS):
        program.running[key] = guess
        outside = program.assumed - {key}
        program.assumed.discard(key)
        body, facts = _with_writes(program, subject, values)
        recursive = key in program.assumed
        waiting = any(program.running[k] is None for k in program.assumed - {key})
        program.assumed |= outside
        found = facts.result
        if found is not None and any(v.varied for _, v in values) and not _gives_nothing(subject):
            found = _with_hidden(found, program, subject, body, facts)
        if found is None and waiting:
            raise NeverReturnsError
        if not recursive and found is None and guess is None:
            return Value(UNKNOWN)  # it only raises: there is nothing that could vary
        if not recursive or (found is None and guess is not None):
            return found or nothing
        if found is None:
            guess = replace(nothing, kind=FLOAT)
            continue
        new = folded(found) if guess is None else _wider(values, guess, found)
        if guess is not None and _is_same(values, guess, new):
            return _plain(guess)
        guess = new
    return nothing


def _with_writes(program: Program, subject: Subject, values: Values) -> tuple[n.Block, Facts]:
    """Return a body in which calls that write into arguments bind what they leave; its facts."""
    from s2s_ad.build_writes import with_writes

    function, world = subject.function, SubjectWorld(subject, program)
    facts = interpret(function, dict(values), world, subject.locals)
    fresh = subject.fresh_names().fresh
    settled = with_writes(function, facts, subject, program, fresh, False)
    if settled == function:
        return function.body, facts
    local = frozenset(p.name for p in settled.params) | bound_names(settled.body)
    return settled.body, interpret(settled, dict(values), world, local)


def _with_hidden(
    found: Value, program: Program, subject: Subject, body: n.Block, facts: Facts
) -> Value:
    """Return a result that may vary, where something that does was put where it is not followed.

    The derivative of the function says what is wrong with it then.
    """
    from s2s_ad.build_effects import is_followed

    if _varies_whole(found):
        return found
    try:
        followed = is_followed(subject, program, body, facts)
    except NeverReturnsError:
        return found  # it is asked again once something is known of the calls in it
    return found if followed else Value(UNKNOWN, True)


def _varies_whole(value: Value) -> bool:
    if value.items is None:
        return value.varied
    return all(map(_varies_whole, value.items))


def _gives_nothing(subject: Subject) -> bool:
    """True for a function that returns None by its text."""
    ends = [s.value for s in walk_stmts(subject.function.body) if isinstance(s, n.Return)]
    return all(e is None or e == NOTHING for e in ends)


def _is_same(values: Values, a: Value, b: Value) -> bool:
    return canonical((*values, ("", a))) == canonical((*values, ("", b)))


def folded(found: Value) -> Value:
    """Return a value whose tuples may hold what a recursive call returns in their place."""
    kind = found.kind
    if not isinstance(kind, TupleOf):
        return found
    items = [item_of(found, k) for k in range(len(kind.items))]
    return _of_items(found, [_folded_item(v) for v in items])


def _folded_item(value: Value) -> Value:
    kind = _fold(value.kind)
    return value if kind == value.kind else Value(kind, value.varied)


def _fold(kind: Kind) -> Kind:
    if not isinstance(kind, TupleOf) or kind.is_list:
        return kind
    cell = Cell()
    cell.kind = replace(kind, items=tuple(map(_fold, kind.items)))
    return Folded(cell)


def _plain(found: Value) -> Value:
    """Return a value in which only what does stand for itself is folded."""
    if not isinstance(found.kind, TupleOf):
        return found
    items = [item_of(found, k) for k in range(len(found.kind.items))]
    new: dict[Folded, Folded] = {}
    shown = [replace(v, kind=_shown(v.kind, new)) for v in items]
    return found if shown == items else _of_items(found, shown)


def _shown(kind: Kind, new: dict[Folded, Folded]) -> Kind:
    """Return a kind without what is folded in vain. new: what stands for itself, written anew."""
    if isinstance(kind, TupleOf):
        return replace(kind, items=tuple(_shown(item, new) for item in kind.items))
    if not isinstance(kind, Folded):
        return kind
    if not _holds(kind.cell.kind, kind, set()):
        return _shown(kind.cell.kind, new)
    if kind not in new:
        cell = Cell()
        new[kind] = Folded(cell)
        cell.kind = _shown(kind.cell.kind, new)
    return new[kind]


def _holds(kind: Kind, part: Folded, seen: set[Kind]) -> bool:
    if kind == part:
        return True
    if isinstance(kind, Folded):
        if kind in seen:
            return False
        seen.add(kind)
        return _holds(kind.cell.kind, part, seen)
    return any(_holds(inner, part, seen) for inner in _inside(kind))


def _of_items(whole: Value, items: list[Value]) -> Value:
    return Value(TupleOf(tuple(v.kind for v in items)), whole.varied, tuple(items))


def _wider(values: Values, guess: Value, found: Value) -> Value:
    """Return what covers what was assumed, and what was found under that assumption."""
    before, now = guess.kind, found.kind
    if not isinstance(before, TupleOf) or not isinstance(now, TupleOf):
        return merge(guess, found)
    if len(before.items) != len(now.items):
        return merge(guess, found)
    varied = guess.varied or found.varied
    pairs = [(item_of(guess, k), item_of(found, k)) for k in range(len(before.items))]
    return _of_items(Value(UNKNOWN, varied), [_wider_item(values, a, b) for a, b in pairs])


def _wider_item(values: Values, guess: Value, found: Value) -> Value:
    """Return one item of such a tuple."""
    if not isinstance(guess.kind, Folded):
        return merge(guess, found)
    return Value(_wider_kind(values, guess.kind, found.kind), guess.varied or found.varied)


def _wider_kind(values: Values, guess: Kind, found: Kind) -> Kind:
    """Return the kind of one or the other; what stands for itself gets a new cell if it grew."""
    if not isinstance(guess, Folded) or found == guess:
        return either(guess, found)
    before = guess.cell.kind
    now = found.cell.kind if isinstance(found, Folded) else found
    part = _joined(values, before, now)
    if _is_same(values, Value(part), Value(before)):
        return guess
    if not isinstance(part, TupleOf):
        return either(guess, found)
    new = Cell()
    new.kind = _replaced(part, guess, Folded(new))
    return Folded(new)


def _joined(values: Values, a: Kind, b: Kind) -> Kind:
    """Return the kind of one tuple or the other: each item of it is one or the other."""
    if isinstance(a, TupleOf) and isinstance(b, TupleOf) and len(a.items) == len(b.items):
        items = tuple(_wider_kind(values, x, y) for x, y in zip(a.items, b.items))
        return TupleOf(items, a.is_list or b.is_list)
    return join(a, b)


def _replaced(kind: Kind, old: Folded, new: Folded) -> Kind:
    """Return a kind in which one thing that stands for itself stands for another."""
    if kind == old:
        return new
    if isinstance(kind, TupleOf):
        return replace(kind, items=tuple(_replaced(item, old, new) for item in kind.items))
    if isinstance(kind, ListOf):
        return ListOf(_replaced(kind.item, old, new))
    if isinstance(kind, DictOf):
        return DictOf(_replaced(kind.value, old, new))
    return kind


def bounded(value: Value) -> Value:
    """Return a value of which less is known where containers hold containers, and so on.

    What grows with each recursive call, such as `f(x, (done, x))`, would be a new kind each time.
    """
    return value if _depth(value.kind) <= DEEPEST else Value(_cut(value.kind, 2), value.varied)


def _inside(kind: Kind) -> tuple[Kind, ...]:
    if isinstance(kind, (TupleOf, Partial)):
        return kind.items
    if isinstance(kind, ListOf):
        return (kind.item,)
    return (kind.value,) if isinstance(kind, DictOf) else ()


def _depth(kind: Kind) -> int:
    return 1 + max(map(_depth, _inside(kind)), default=0)


def _cut(kind: Kind, depth: int) -> Kind:
    if not _inside(kind) or isinstance(kind, Partial):
        return kind
    if not depth:
        return UNKNOWN
    if isinstance(kind, TupleOf):
        return replace(kind, items=tuple(_cut(item, depth - 1) for item in kind.items))
    if isinstance(kind, ListOf):
        return ListOf(_cut(kind.item, depth - 1))
    return DictOf(_cut(kind.value, depth - 1)) if isinstance(kind, DictOf) else kind
