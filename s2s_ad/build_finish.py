"""The last passes over the body of a generated function: what nobody reads goes, what is computed
twice is named.

Takes both sweeps of a function, gives the body it will have; requires `simplify`, `transform`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from s2s_ad.analysis.bound import certain_at_end
from s2s_ad.analysis.interpreter import Interpreter
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.analysis.ownership import ownership
from s2s_ad.analysis.values import Value
from s2s_ad.build_exits import Sweeps
from s2s_ad.build_naming import wish
from s2s_ad.build_prepare import Prepared
from s2s_ad.build_purity import repeatable
from s2s_ad.build_reverse import Reverse
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target, stored_by
from s2s_ad.ir.kinds import (
    FLOAT,
    UNKNOWN,
    Array,
    Kind,
    ListOf,
    Number,
    TupleOf,
    adjoint_kind,
    is_immutable,
    join,
)
from s2s_ad.ir.names import is_marked
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.verify import verify_block
from s2s_ad.ir.walk import assigned, blocks, inside, map_block, names, walk_stmts
from s2s_ad.rules.sharing import WHOLLY_NEW
from s2s_ad.simplify.contracted import contracted
from s2s_ad.simplify.dead_code import drop_dead
from s2s_ad.simplify.first_time import first_time
from s2s_ad.simplify.forwards import Steps, forwards
from s2s_ad.simplify.in_place import InPlace, in_place
from s2s_ad.simplify.inline import Inlining, inline, is_recomputed
from s2s_ad.simplify.known_products import known_products
from s2s_ad.simplify.known_quotients import known_quotients
from s2s_ad.simplify.like_terms import Slopes, like_terms
from s2s_ad.simplify.masks import chosen_once
from s2s_ad.simplify.numbers_first import numbers_first
from s2s_ad.simplify.one_inverse import one_inverse
from s2s_ad.simplify.one_store import OneStore, one_store
from s2s_ad.simplify.over_kept import by_the_index, over_kept
from s2s_ad.simplify.parts_read import parts_read
from s2s_ad.simplify.products import named_in_front, numbers_of, shared_products
from s2s_ad.simplify.quotients import Dividing, reuse_quotients
from s2s_ad.simplify.scaled import without_scaled
from s2s_ad.simplify.share import NUMBERS, Sharing, share
from s2s_ad.simplify.spreading import without_spreading
from s2s_ad.simplify.summed_up import SummedUp, summed_up
from s2s_ad.simplify.tidy import over_items, tidied, with_plain_counts
from s2s_ad.simplify.updates import updates
from s2s_ad.simplify.where_read import where_read
from s2s_ad.simplify.where_taken import Linear, where_taken
from s2s_ad.simplify.zeros import zeros_in_place
from s2s_ad.transform.context import Context
from s2s_ad.transform.copies import copied_value
from s2s_ad.transform.fitting import BAR_NAMES
from s2s_ad.transform.shapes import same_shape

_SEQUENCES = (Array, ListOf, TupleOf)


def gradients(found: Reverse, wrt: Sequence[str]) -> n.Expr:
    """Return the adjoints of the arguments: a tuple, or the one there is."""
    bars = tuple(n.Name(found.bars[x]) for x in wrt)
    return bars[0] if len(bars) == 1 else n.TupleExpr(bars)


def held(found: Reverse, name: str, copies: bool, is_bound: bool) -> n.Expr:
    """Return what the state of a forward half holds of a variable: a copy if it may change.

    is_bound: whether it is bound for certain; it is None elsewhere.
    """
    own = found.context.unshared().get(found.end, NOTHING_OWNED).whole
    kind = found.kinds.get(name)
    if not copies or kind is None or name in own or is_immutable(kind):
        return n.Name(name)
    return copied_value(found.context, name, kind if is_bound else UNKNOWN)


def whole(swept: Sweeps, end: Callable[[Reverse], n.Return]) -> tuple[n.Block, frozenset[int]]:
    """Return both sweeps as one body, and the uids of the statements of the reverse sweep.

    end: the last statement of a reverse sweep.
    """
    back: list[n.Stmt] = []

    def both(found: Reverse) -> n.Block:
        backward = (*found.backward, end(found))
        back.extend(backward)
        return (*found.forward, *backward)

    lead = []
    for s in swept.lead:
        if isinstance(s, n.If) and s.uid in swept.exits:
            pairs = zip(s.branches, swept.exits[s.uid])
            s = replace(s, branches=tuple(replace(b, body=both(found)) for b, found in pairs))
        lead.append(s)
    body = (*lead, *both(swept.found))
    return body, uids(tuple(back)).union(*(found.inside for found in swept.all()))


def halves(body: n.Block, back: frozenset[int]) -> tuple[n.Block, n.Block]:
    """Return what is in front of the reverse sweep, with all of it that is done there, and the
    rest of it."""
    count = max((k + 1 for k, s in enumerate(body) if s.uid not in back), default=0)
    return body[:count], body[count:]


def live(
    body: n.Block,
    pure: Callable[[n.Expr], bool],
    options: frozenset[str],
    pinned: frozenset[int],
) -> n.Block:
    """Return a body without what nobody reads."""
    return body if "dead_code" in options else drop_dead(body, pure, pinned)


def finish(
    body: n.Block,
    back: frozenset[int],
    swept: Sweeps,
    pure: Callable[[n.Expr], bool],
    all: bool = False,
) -> tuple[n.Block, frozenset[int]]:
    """Return the body in its last form, and the uids of the statements of its reverse sweep.

    all: whether the forward sweep is there for the reverse sweep alone, not as the user wrote it.
    """
    pinned = frozenset[int]().union(*(found.context.changes_others() for found in swept.all()))
    options = swept.prepared.program.options
    again = functools.cache(
        repeatable(swept.prepared.program, [found.context for found in swept.all()], pure)
    )
    # what was computed before is computed again for the reverse sweep, or not at all
    idle = again if all else pure
    body = live(body, idle, options, pinned)
    body = map_block(body, with_plain_counts(swept.prepared.subject.locals))
    verify_block(body, "dead code")
    body = tidied(body, back)
    verify_block(body, "tidying")

    def short(body: n.Block, last: bool) -> n.Block:
        whole = "inline" in options
        return body if whole else inline(body, _inlining(back, swept, again, last))

    shares = "share" not in options
    before = uids(body)
    body = short(body, not shares)
    verify_block(body, "inlining")
    if "algebra" not in options:
        body = known_quotients(body, back, again)
        body = live(body, idle, options, pinned)
    if "broadcast" not in options:
        body = without_spreading(body, back, _same_shape(swept))
        back |= uids(body) - before
    if "algebra" not in options:
        body = numbers_first(body, back, *_floats_and_arrays(swept))
        body = chosen_once(body, back, swept.found.context.np("where"), again)
    if not options & {"algebra", "numba"}:
        body = one_inverse(body, back)
    sharing = _sharing(back, swept, again)
    if shares:
        front = before - back if all else frozenset()
        again_only = front | {s.uid for s in walk_stmts(body) if is_recomputed(s)}
        whole = body

        @functools.cache
        def kinds_here() -> InPlace:
            return _buffers(whole, back, swept)

        def is_number(e: n.Expr) -> bool:
            return isinstance(kinds_here().kind(e), Number)

        if "algebra" not in options:
            body = like_terms(body, Slopes(back, is_number, pure, _is_adjoint(swept)))
        dividing = Dividing(pure, sharing.name, is_number, 2 if "numba" in options else 3)
        body, back = reuse_quotients(body, back, again_only, dividing)
        function = swept.prepared.function
        params = {p.name for p in function.params}
        end = next((k for k, s in enumerate(function.body) if isinstance(s, n.Return)), None)
        unsure = assigned(function.body) - certain_at_end(function.body[:end], params)
        body, back = shared_products(body, back, sharing, params, unsure)
        body, back = share(body, replace(sharing, back=back, all=all))
        body = named_in_front(body, back)
        verify_block(body, "sharing")
        if not options & {"algebra", "numba"}:
            body = known_products(body, back, lambda: _buffers(body, back, swept).kind)
        body = short(body, True)
        if not options & {"algebra", "inline"}:
            numbers, _ = numbers_of(body, sharing.number)
            tools = SummedUp(back, numbers, again, _inlining(back, swept, again, True).ours)
            body = live(summed_up(body, tools), pure, options, pinned)
    alias = swept.found.context.alias

    def builtin(*named: str) -> bool:
        return [alias(x) for x in named] == [*named]

    if "accumulate" not in options:
        if builtin("range", "reversed"):
            body = first_time(body, back)
        body, back = where_taken(body, back, _linear(swept, again, sharing))
        body, back = zeros_in_place(body, back)
        if "algebra" not in options:
            body = one_store(body, _storing(body, back, swept, sharing))
    if "share" not in options:
        body, back = where_read(body, back, pure)
    if "numba" not in options and builtin("reversed"):
        sequences = {x for x, kind in swept.found.kinds.items() if isinstance(kind, _SEQUENCES)}
        body = over_items(body, back, sequences)
        body = live(over_kept(body, back, _light(swept)), pure, options, pinned)
    if "forwards" not in options and builtin("range", "reversed", "len"):
        body = forwards(body, back, _steps(swept, again, sharing))
    if "numba" not in options:
        body = by_the_index(body, back, _light(swept))
    if not options & {"algebra", "numba"}:
        buffers = functools.cache(partial(_buffers, body, back, swept))
        body = contracted(body, back, lambda e: buffers().kind(e))
        body = without_scaled(body, back, lambda e: buffers().kind(e))
    if not options & {"ownership", "numba"}:
        body, back = in_place(body, back, _buffers(body, back, swept))
    if "numba" in options:
        swept.prepared.program.backward |= back
    changes = any(stored_by(s) for s in walk_stmts(body) if s.uid in back)
    if "ownership" not in options and (changes or swept.prepared.copied):
        lent, array = _buffers(body, back, swept), swept.found.context.np("array")
        owned = ownership(body, lent.newness, lambda e, uid: lent.kind(e))
        alone = {uid: found.own for uid, found in owned.items()}
        if "dead_code" not in options:
            own = {uid: found for uid, found in alone.items() if uid in back}
            body = drop_dead(body, idle, pinned, own)
        body = parts_read(body, back | swept.prepared.copied, array, lent, alone)
        body = updates(body, back, lent.kind)
    verify_block(body, "the last pass")
    return body, back


def _buffers(body: n.Block, back: frozenset[int], swept: Sweeps) -> InPlace:
    """Return what is told of the buffers of adjoints: a kind is one at all times, or none."""
    context = swept.found.context
    kinds: dict[str, Kind] = {}

    def note(name: str, kind: Kind) -> None:
        kinds[name] = kind if name not in kinds else join(kinds[name], kind)

    users: set[str] = set(swept.prepared.subject.locals)
    for found in swept.all():
        for name, kind in (*found.kinds.items(), *found.temporaries.items()):
            note(name, kind)
        for (name, mark), bar in found.context.marks.items():
            users.add(bar)
            kind = found.kinds.get(name, UNKNOWN)
            floats = isinstance(kind, Array) and kind.dtype == "float"
            note(bar, kind if floats or mark != "bar" else adjoint_kind(kind))
    local = frozenset(kinds) | assigned(body)
    # the same expressions were asked for before the passes in between
    reader = Interpreter(context.facts.world, local, swept.prepared.memory)
    env = {name: Value(kind) for name, kind in kinds.items()}
    newness = swept.prepared.newness_here
    tools = InPlace(newness, lambda e: reader.value(e, env).kind, lambda x: x not in users)
    if all(isinstance(kind, Number) for kind in kinds.values()):
        return tools  # there is no array to lend
    every = Counter(x for s in walk_stmts(body) for x in assigned((s,)) if not any(blocks(s)))
    growing = dict(env)
    for s in walk_stmts(body):
        new = sole_target(s)
        if new is not None and new not in env and every[new] == 1 and isinstance(s, n.Assign):
            growing[new] = Value(reader.value(s.value, growing).kind)
    env = dict(growing)
    numbers = _numbers_for_arrays(body, back, env, reader)
    if numbers:
        env = {**env, **dict.fromkeys(numbers, Value(UNKNOWN))}
    return tools


def _numbers_for_arrays(
    body: n.Block, back: frozenset[int], env: Mapping[str, Value], reader: Interpreter
) -> set[str]:
    """Return the adjoints of arrays in which a number stands for all entries."""
    made = [s for s in walk_stmts(body) if s.uid in back and isinstance(s, n.Assign)]
    named = [(sole_target(s) or "", s.value) for s in made]
    arrays = [(x, e) for x, e in named if x in env and isinstance(env[x].kind, Array)]
    found: set[str] = set()
    size = -1
    while size < len(found):
        size = len(found)
        known = {**env, **{x: Value(FLOAT) for x in found}} if found else env
        for x, value in arrays:
            if x not in found and isinstance(reader.value(value, known).kind, Number):
                found.add(x)
    return found


def _inlining(
    back: frozenset[int], swept: Sweeps, again: Callable[[n.Expr], bool], last: bool
) -> Inlining:
    local = swept.prepared.subject.locals
    every = [x for found in swept.all() for x in found.context.marks.items()]
    bars = {bar for (name, _), bar in every if name in local}
    return Inlining(lambda name: name not in local and name not in bars, again, back, last)


def _same_shape(swept: Sweeps) -> Callable[[str, str], bool]:
    """Return a test for variables of the user that have one shape wherever they have a value."""
    tables = [found.kinds for found in swept.all()]
    return lambda a, b: all(same_shape(k.get(a, UNKNOWN), k.get(b, UNKNOWN)) for k in tables)


def _floats_and_arrays(
    swept: Sweeps,
) -> tuple[Callable[[str], bool], Callable[[str], bool]]:
    """Return tests for names that certainly are floats, and for those that certainly are arrays."""
    kinds: dict[str, list[Kind]] = {}
    for found in swept.all():
        for name, kind in found.kinds.items():
            kinds.setdefault(name, []).append(kind)
        for (name, mark), bar in found.context.marks.items():
            kind = found.kinds.get(name, UNKNOWN)
            if mark == "bar":
                kinds.setdefault(bar, []).append(FLOAT if isinstance(kind, Number) else kind)

    def floats(name: str) -> bool:
        every = kinds.get(name, [])
        return bool(every) and all(isinstance(k, Number) and k.type == "float" for k in every)

    def arrays(name: str) -> bool:
        return bool(kinds.get(name)) and all(isinstance(k, Array) for k in kinds[name])

    return floats, arrays


def _light(swept: Sweeps) -> Callable[[str], bool]:
    """Return a test for variables that never hold more than a number."""
    tables = [found.kinds for found in swept.all()]
    return lambda name: all(isinstance(k.get(name, FLOAT), Number) for k in tables)


def _steps(swept: Sweeps, again: Callable[[n.Expr], bool], sharing: Sharing) -> Steps:
    tables = [found.kinds for found in swept.all()]

    def whole(name: str) -> bool:
        every = [kinds[name] for kinds in tables if name in kinds]
        return bool(every) and all(isinstance(k, Number) and k.type == "int" for k in every)

    marks = [x for found in swept.all() for x in found.context.marks.items()]
    bars = frozenset(bar for (_, mark), bar in marks if mark == "bar")
    arrays = _floats_and_arrays(swept)[1]

    def fresh(e: n.Expr) -> bool:
        return isinstance(e, n.Call) and sharing.fresh(e)

    return Steps(again, fresh, sharing.number, arrays, whole, bars)


def _linear(swept: Sweeps, again: Callable[[n.Expr], bool], sharing: Sharing) -> Linear:
    variants = swept.prepared.program.variants.values()
    reverses = frozenset(v.reverse for v in variants if v is not None and v.reverse)
    lists = "numba" not in swept.prepared.program.options
    return Linear(again, sharing.number, reverses, lists)


def _is_adjoint(swept: Sweeps) -> Callable[[str], bool]:
    marks = [x for found in swept.all() for x in found.context.marks.items()]
    bars = {bar for (_, mark), bar in marks if mark == "bar"}
    return lambda name: name in bars or is_marked(name, "bar")


def _storing(body: n.Block, back: frozenset[int], swept: Sweeps, sharing: Sharing) -> OneStore:
    buffers = functools.cache(partial(_buffers, body, back, swept))

    def number(e: n.Expr) -> bool:
        return isinstance(buffers().kind(e), Number)

    return OneStore(back, number, sharing.fresh, sharing.pure)


def _sharing(back: frozenset[int], swept: Sweeps, again: Callable[[n.Expr], bool]) -> Sharing:
    several = [(found.kinds, found.context) for found in swept.all()]
    bars = {bar for _, context in several for (_, m), bar in context.marks.items() if m == "bar"}

    def called(e: n.Expr) -> str:
        helper = isinstance(e, n.Call) and isinstance(e.func, n.Name)
        flows = any(x in bars or is_marked(x, "bar") for x in names(e))
        if flows and (helper or isinstance(e, (n.Binary, n.IfExp))):
            called = "part" if isinstance(e, n.IfExp) else "value"
            return f"{BAR_NAMES.get(getattr(e, 'op', ''), called)}_bar"
        return wish(e)

    numbers = {
        x for found in swept.all() for x, k in found.temporaries.items() if isinstance(k, Number)
    }
    sharing = sharing_of(swept.prepared, several, "bar", back, again, called)
    return replace(sharing, number=lambda name: name in numbers or sharing.number(name))


def sharing_of(
    prepared: Prepared,
    several: Sequence[tuple[Mapping[str, Kind], Context]],
    mark: str,
    back: frozenset[int],
    pure: Callable[[n.Expr], bool],
    called: Callable[[n.Expr], str],
) -> Sharing:
    """Return what sharing is told of functions made in these contexts, with variables of these
    kinds. mark: `bar` or `dot`."""
    numbers: set[str] = set()
    others: set[str] = set()
    for kinds, context in several:
        names_of = {name: [name] for name in kinds}
        for (name, its), marked in context.marks.items():
            if its == mark:
                names_of.setdefault(name, []).append(marked)
        for name, variables in names_of.items():
            known = isinstance(kinds.get(name), Number)
            (numbers if known else others).update(variables)
    numbers -= others
    # what is made of data alone costs less than a further name
    arrays = {
        name
        for kinds, context in several
        for name, its in context.marks
        if its == mark and isinstance(kinds.get(name), Array)
    } - numbers
    allocator = prepared.names
    allocator.taken |= set().union(*(context.names.taken for _, context in several))
    allocator.taken |= prepared.program.linker.objects.keys()
    objects = prepared.program.linker.objects

    def helper(name: str) -> bool:
        ours = getattr(objects.get(name), "__module__", None) or ""
        return name in NUMBERS or ours.startswith("s2s_ad.runtime")

    fresh = functools.cache(lambda e: prepared.newness_here(e) == WHOLLY_NEW)
    return Sharing(
        back,
        functools.cache(pure),
        fresh,
        lambda name: name in numbers,
        called,
        allocator.fresh,
        array=lambda name: name in arrays,
        ours=lambda name: name not in prepared.subject.locals,
        helper=helper,
    )


def uids(block: n.Block) -> frozenset[int]:
    """Return the uids of all statements of a block."""
    return frozenset(s.uid for s in walk_stmts(block))


def unconsumed(
    block: n.Block, changing: set[str], copy: Callable[[n.Expr, str], n.Expr]
) -> n.Block:
    """Copy containers that are restored and changed: what was kept must be there the next time.

    changing: variables that are changed in place. copy: of a value that a variable gets.
    """
    made = assigned(block)

    def is_kept(e: n.Expr) -> bool:
        return isinstance(e, n.Subscript) or (isinstance(e, n.Name) and e.id not in made)

    def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
        value: n.Expr | None = None
        if isinstance(s, n.Pop):
            value = n.Call(n.Attribute(n.Name(s.stack), "pop"), ())
            target = s.target
        elif isinstance(s, n.Assign) and is_kept(s.value):
            value, target = s.value, s.targets[0]
        if value is None or not isinstance(target, n.Name) or target.id not in changing:
            return (s,)
        return (n.Assign((target,), copy(value, target.id), of=s.of, comments=s.comments),)

    return map_block(block, visit)


def in_order(prepared: Prepared, found: Reverse) -> list[str]:
    """Return the variables of the forward sweep: parameters first, then as they are bound."""
    order = [p.name for p in prepared.function.params]
    for s in walk_stmts(tuple(found.forward)):
        order.extend(x.id for x in inside(s, n.Name))
        if isinstance(s, (n.Append, n.Pop)):
            order.append(s.stack)
    return list(dict.fromkeys(order))
