"""What a step of a loop keeps in several places is kept in one tuple, and what is costly with it.

Takes the bodies of a loop and of its reverse, gives them with one stack; requires `ir`.

    om_saved.append(om)                     om2 = om
    om = omega + dt * k                     om = omega + dt * k
    om_saved.append(om)                     exp = math.exp(-om * dt)
    x = x * math.exp(-om * dt)              state_saved.append((x, om2, om, exp))
    ...                                     x = x * exp
    om = om_saved.pop()              →      ...
    x_bar = x_bar * math.exp(-om * dt)      x, om2, om, exp = state_saved.pop()
    om_bar = ...                            x_bar = x_bar * exp
    om = om_saved.pop()                     om_bar = ...
    k_bar = om * om_bar                     k_bar = om2 * om_bar

A value that its variable has lost by the time of the one append has a name of its own. One that the
reverse sweep would compute again is kept beside the others where that is much work: a tuple that is
made anyway is longer by one then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, mentioned, sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    inside,
    map_block,
    map_parts,
    map_stmt_exprs,
    names,
    popped,
    stmt_exprs,
    subexprs,
    substitute,
    walk_stmts,
)

Leaves = Callable[[n.Stmt], bool]


@dataclass(frozen=True)
class Tools:
    """number: whether a variable certainly is a number. heavy: whether an expression of the primal,
    in the statement of that uid, is pure and much work, but for calls that are made anyway. fresh:
    a name not in use. called: what the value of an expression is to be called. leaves: whether a
    statement may leave the step. alone: whether what is costly is kept where nothing else is.
    called_again: whether an expression, in the statement of that uid, is pure, a number, and makes
    a call."""

    number: Callable[[str], bool]
    heavy: Callable[[n.Expr, int, frozenset[n.Expr]], bool]
    fresh: Callable[[str], str]
    called: Callable[[n.Expr], str]
    leaves: Leaves
    alone: bool
    called_again: Callable[[n.Expr, int], bool]


@dataclass(frozen=True)
class _Pair:
    """The places of an append and of its pop, and the variables whose values they keep."""

    append: int
    pop: int
    stack: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Kept:
    """A value that is kept: its variable has it in front of statement `made` of the body, and gets
    it back at statement `back` of the reverse."""

    name: str
    made: int
    back: int


def one_tuple(
    body: n.Block, turned: n.Block, stacks: frozenset[str], tools: Tools
) -> tuple[n.Block, n.Block, str, list[str]] | None:
    """Return both bodies with the new stack and the variables that are kept in it.

    stacks: those that are only appended to and popped from.
    """
    pairs = _pairs(body, turned, stacks, tools)
    segments: dict[int, list[_Pair]] = defaultdict(list)
    passed = 0
    at = {pair.append: pair for pair in pairs}
    for k, s in enumerate(body):
        if k in at:
            segments[passed].append(at[k])
        passed += tools.leaves(s)
    if not segments and tools.alone and not passed:
        # at the end of the step, and at the start of the reversed one
        pair = _Pair(len(body), 0, "", ())
        return _Gather((*body, n.Pass()), (n.Pass(), *turned), [pair], tools).result()
    if not segments:
        return None
    group = max(segments.values(), key=lambda some: sum(len(x.names) for x in some))
    return _Gather(body, turned, group, tools).result()


def _pairs(body: n.Block, turned: n.Block, stacks: frozenset[str], tools: Tools) -> list[_Pair]:
    """Return the appends with the pops that belong to them, as they follow each other."""
    appends: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    pops: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    spoilt = set()
    for k, s in enumerate(body):
        if isinstance(s, n.Append) and s.stack in stacks:
            appends[s.stack].append((k, _variables(s.value)))
        elif tools.leaves(s):
            spoilt |= {x.stack for x in walk_stmts((s,)) if isinstance(x, n.Append)}
    for k, s in enumerate(turned):
        taken = popped(s)
        if taken is not None and taken[1] in stacks:
            pops[taken[1]].append((k, _variables(taken[0])))
    found: list[_Pair] = []
    for stack, places in appends.items():
        matches = list(zip(places, reversed(pops[stack])))
        if stack in spoilt or len(places) != len(pops[stack]):
            continue
        if all(a[1] == p[1] and a[1] and all(map(tools.number, a[1])) for a, p in matches):
            found.extend(_Pair(a[0], p[0], stack, a[1]) for a, p in matches)
    return sorted(found, key=lambda x: x.append)


def _variables(e: n.Expr) -> tuple[str, ...]:
    items = e.items if isinstance(e, n.TupleExpr) else (e,)
    found = tuple(x.id for x in items if isinstance(x, n.Name))
    return found if len(found) == len(items) else ()


class _Gather:
    def __init__(
        self,
        body: n.Block,
        turned: n.Block,
        group: list[_Pair],
        tools: Tools,
    ) -> None:
        self.body = list(body)
        self.turned = list(turned)
        self.tools = tools
        self.group = group
        self.appends = {x.append for x in group}
        self.pops = {x.pop for x in group}
        self.append = max(self.appends)
        self.pop = min(self.pops)
        self.kept = [_Kept(v, x.append, x.pop) for x in group for v in x.names]
        # put in front of statements of the body, and names that stand for others behind statements
        # of the reverse
        self.before: dict[int, list[n.Stmt]] = defaultdict(list)
        self.renamed: dict[int, list[tuple[str, str]]] = defaultdict(list)

    def result(self) -> tuple[n.Block, n.Block, str, list[str]] | None:
        again = self.computed_again()
        calls = self.calls({p for _, p in again})
        if len(self.group) + len(again) + len(calls) < 2:
            return None
        for v, p in again:
            made = next(k for k, s in enumerate(self.body) if s.uid == self.turned[p].of)
            self.kept.append(_Kept(v, made + 1, p))
        inside = [name for e, k in calls for name in self.named(e, k)]
        self.kept.sort(key=lambda x: self.order(x))
        whole: list[str] = []
        back: list[str] = []
        for x in self.kept:
            self.place(x, whole, back)
        whole += inside
        back += inside
        shown = list(dict.fromkeys([*(x.name for x in self.kept), *inside]))
        tuples = [x.stack for x in self.group if len(x.names) > 1]
        wanted = "state_saved" if len(whole) > 1 else f"{whole[0]}_saved"
        stack = tuples[0] if tuples else self.tools.fresh(wanted)
        return self.new_body(stack, whole), self.new_turned(stack, back), stack, shown

    def order(self, x: _Kept) -> tuple[bool, int, int]:
        """Return the place in the tuple: what a step finds first, then what it makes, in order."""
        for k, s in enumerate(self.body[: x.made]):
            if x.name in assigned((s,)):
                bound = [y.id for y in inside(s, n.Name)]
                return True, k, bound.index(x.name) if x.name in bound else 0
        return False, x.made, 0

    def place(self, x: _Kept, whole: list[str], back: list[str]) -> None:
        """Add a value to the tuple, and give it back to its variable."""
        lost = any(x.name in assigned((s,)) for s in self.body[x.made : self.append])
        kept = self.tools.fresh(x.name) if lost else x.name
        if lost:
            self.before[x.made].append(n.Assign((n.Name(kept),), n.Name(x.name), of=None))
        if kept in whole:
            got = back[whole.index(kept)]
        else:
            early = self.turned[self.pop : x.back]
            busy = any(x.name in assigned((s,)) | mentioned((s,)) for s in early)
            got = (kept if lost else self.tools.fresh(x.name)) if busy else x.name
            whole.append(kept)
            back.append(got)
        if got != x.name:
            self.renamed[x.back].append((x.name, got))

    # -- what is computed again

    def computed_again(self) -> list[tuple[str, int]]:
        """Return variables that the reverse computes again at much work, and where."""
        found = []
        others = tuple(r for r in self.turned if r.comments.trailing != "# recomputed")
        there = frozenset(e for r in walk_stmts(others) for e in inside(r, n.Call))
        for p, r in enumerate(self.turned):
            if p <= self.pop or r.comments.trailing != "# recomputed":
                continue
            assert isinstance(r, n.Assign)
            target = r.targets[0]
            k = next((k for k, s in enumerate(self.body) if s.uid == r.of), len(self.body))
            if not isinstance(target, n.Name) or k >= self.append or r.of is None:
                continue
            if self.tools.number(target.id) and self.tools.heavy(r.value, r.of, there):
                found.append((target.id, p))
        return found

    def calls(self, gone: set[int]) -> list[tuple[n.Expr, int]]:
        """Return calls that both sweeps make, with the statements of the body that make them."""
        found: list[tuple[n.Expr, int]] = []
        bound: set[str] = set()
        for k, s in enumerate(self.body):
            if k >= self.append:
                # what is made behind the append is made in front of it
                if self.tools.leaves(s):
                    break
                bound |= changed_by(self.body[k - 1]) if k > self.append else set()
            if not isinstance(s, (n.Assign, n.AugAssign)) or k in self.appends:
                continue
            served = [
                r
                for p, x in enumerate(self.turned)
                if p > self.pop and p not in gone
                for r in walk_stmts((x,))
                if r.of == s.uid
            ]
            if any(r.of == s.uid for x in self.turned[: self.pop] for r in walk_stmts((x,))):
                continue
            again = {e for r in served for e in all_parts(r)}
            # what a variable is given has a name, what is stored or added has none
            whole = s.value if sole_target(s) is not None else None
            for e in _always(s.value):
                shared = isinstance(e, n.Call) and e in again and e != whole
                if not shared or names(e) & bound or any(e in subexprs(x) for x, _ in found):
                    continue
                if self.tools.heavy(e, s.uid, frozenset()) or self.is_instead(e, s.uid):
                    found.append((e, k))
        return found

    def is_instead(self, e: n.Expr, uid: int) -> bool:
        """True for a call that is kept in the place of its argument, which nothing else reads."""
        argument = names(e) & {x.name for x in self.kept}
        made = {sole_target(s) for s in self.body[: self.append]}
        if len(argument) != 1 or not argument <= made or not self.tools.called_again(e, uid):
            return False
        gone = n.Const("0.0", 0.0)
        rest = map_block(
            tuple(self.turned), lambda r: (map_parts(r, lambda x: gone if x == e else x),)
        )
        others = (r for r in walk_stmts(rest) if popped(r) is None)
        return not any(argument & names(x) for r in others for x in stmt_exprs(r))

    def named(self, e: n.Expr, k: int) -> list[str]:
        """Give a call a name in both sweeps."""
        s = self.body[k]
        name = self.tools.fresh(self.tools.called(e))

        def new(x: n.Expr) -> n.Expr:
            return n.Name(name) if x == e else x

        first = n.Assign((n.Name(name),), e, origin=s.origin)
        first = replace(first, comments=replace(n.NO_COMMENTS, before=s.comments.before))
        self.before[min(k, self.append)].append(first)
        self.body[k] = replace(s, comments=replace(s.comments, before=()))
        uids = set()
        for j in range(k, len(self.body)):
            # another statement may make the same call
            t = self.body[j]
            if isinstance(t, (n.Assign, n.AugAssign)):
                uids.add(t.uid)
                self.body[j] = map_parts(t, new)
            if self.tools.leaves(t) or changed_by(t) & names(e):
                break

        for t in reversed(self.body[:k]):
            if self.tools.leaves(t) or changed_by(t) & names(e):
                break
            uids.add(t.uid)

        def served(r: n.Stmt) -> tuple[n.Stmt, ...]:
            return (map_parts(r, new) if r.of in uids else r,)

        for p, x in enumerate(self.turned):
            if p > self.pop:
                (self.turned[p],) = map_block((x,), served)
        return [name]

    # -- the new bodies

    def new_body(self, stack: str, whole: list[str]) -> n.Block:
        out: list[n.Stmt] = []
        for k, s in enumerate(self.body):
            out.extend(self.before.get(k, ()))
            if k == self.append:
                out.append(n.Append(stack, _together(whole), of=s.of))
            elif k not in self.appends:
                out.append(s)
        return tuple(out)

    def carried(self) -> set[str]:
        """Return the variables that a reversed step reads as the one before has left them."""
        found: set[str] = set()
        bound: set[str] = set()
        for s in self.turned:
            found |= mentioned((s,)) - bound
            bound |= assigned((s,)) if not blocks(s) else set()
        return found

    def new_turned(self, stack: str, back: list[str]) -> n.Block:
        gone = self.pops | {x.back for x in self.kept}
        out: list[n.Stmt] = []
        now: dict[str, n.Expr] = {}
        carried = self.carried()
        for p, s in enumerate(self.turned):
            if p == self.pop:
                call = n.Call(n.Attribute(n.Name(stack), "pop"), ())
                out.append(n.Assign((_together(back),), call, of=s.of))
            if p in gone:
                later = (
                    r.of
                    for q, r in enumerate(self.turned[p:], p)
                    if q not in gone and r.comments.trailing != "# recomputed"
                )
                of = next(later, s.of)
                for name, got in self.renamed.get(p, ()):
                    out.append(n.Assign((n.Name(name),), n.Name(got), of=of))
                    if name not in carried:
                        now[name] = n.Name(got)
                continue
            out.append(_reading(s, now))
            now = {v: e for v, e in now.items() if v not in assigned((s,))}
        return tuple(out)


def _together(values: list[str]) -> n.Expr:
    every = tuple(map(n.Name, values))
    return n.TupleExpr(every) if len(every) > 1 else every[0]


def _reading(s: n.Stmt, now: dict[str, n.Expr]) -> n.Stmt:
    """Return a statement that reads values under the names in which they came back."""
    if not now:
        return s
    simple = isinstance(s, n.Assign) and all(isinstance(t, n.Name) for t in s.targets)
    if isinstance(s, n.Assign) and simple:
        return replace(s, value=substitute(s.value, now))
    own = {v: e for v, e in now.items() if v not in assigned((s,))}

    def visit(x: n.Stmt) -> tuple[n.Stmt, ...]:
        return (map_stmt_exprs(x, lambda e: substitute(e, own)),)

    return map_block((s,), visit)[0] if own else s


def _always(e: n.Expr) -> Iterator[n.Expr]:
    """Yield the parts of an expression that are evaluated whenever it is."""
    yield e
    parts: tuple[n.Expr, ...] = ()
    if isinstance(e, n.Binary):
        parts = e.left, e.right
    elif isinstance(e, n.Unary):
        parts = (e.operand,)
    elif isinstance(e, n.Call):
        parts = e.args
    for x in parts:
        yield from _always(x)
