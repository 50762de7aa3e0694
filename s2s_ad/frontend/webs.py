"""A name that holds unlike things at different places gets a name for each.

Takes a function, gives one in which the values of a variable that never meet have names of their
own: a list that is filled here and an array there each have an adjoint of their own kind. Requires
`ir`.

    acc = []                                acc = []
    acc.append(x)                           acc.append(x)
    y = acc[0]                →             y = acc[0]
    acc = np.sin(v)                         acc2 = np.sin(v)
    return y + acc[1]                       return y + acc2[1]

Values meet where one statement may read either (the webs of compiler text books).
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    map_block,
    map_stmt_exprs,
    names,
    stmt_exprs,
    substitute,
    target_names,
    walk_stmts,
)

ENTRY = -1

Reaching = frozenset[int]


def with_webs_apart(function: n.Function, name: str, fresh: Callable[[str], str]) -> n.Function:
    """Return the function with values of `name` that never meet under different names."""
    if not all(_is_plain(s, name) for s in walk_stmts(function.body)):
        return function
    run = _Reaching(name)
    given = any(p.name == name for p in function.params)
    run.block(function.body, frozenset({ENTRY}) if given else frozenset())
    order = [ENTRY, *(s.uid for s in walk_stmts(function.body) if s.uid in run.made)]
    spelled: dict[int, str] = {}
    for made in order if given else order[1:]:
        web = run.find(made)
        if web not in spelled:
            spelled[web] = name if not spelled else fresh(name)
    if len(spelled) < 2:
        return function

    def renamed(s: n.Stmt) -> tuple[n.Stmt, ...]:
        reads = run.reads.get(s.uid) or frozenset()
        old = spelled[run.find(min(reads))] if reads else name
        new = spelled[run.find(s.uid)] if s.uid in run.made else old
        return (_respelled(s, name, old, new),)

    return replace(function, body=map_block(function.body, renamed))


def _is_plain(s: n.Stmt, name: str) -> bool:
    """False for what binds or reads the variable in a way that is not followed here."""
    if isinstance(s, (n.FunctionDef, n.Global, n.Try, n.With, n.Delete, n.Import)):
        return False
    for e in all_parts(s):
        if isinstance(e, n.NamedExpr) and e.target.id == name:
            return False
        if isinstance(e, n.Lambda) and name in names(e):
            return False
    return True


def _bound(s: n.Stmt) -> list[n.Expr]:
    """Return the targets of a statement."""
    if isinstance(s, n.Assign):
        return list(s.targets)
    return [s.target] if isinstance(s, (n.AugAssign, n.Pop, n.For)) else []


def _reads(s: n.Stmt, name: str) -> bool:
    targets = _bound(s)
    if isinstance(s, n.AugAssign) and s.target == n.Name(name):
        return True
    for e in stmt_exprs(s):
        if any(e is t for t in targets):
            if name in names(e) and (
                not isinstance(e, (n.Name, n.TupleExpr, n.ListExpr, n.Starred))
                or any(name in names(x) for x in _places(e))
            ):
                return True
        elif name in names(e):
            return True
    return False


def _places(target: n.Expr) -> list[n.Expr]:
    """Return the elements and attributes among the parts of a target."""
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        return [x for t in target.items for x in _places(t)]
    if isinstance(target, n.Starred):
        return _places(target.value)
    return [] if isinstance(target, n.Name) else [target]


def _respelled(s: n.Stmt, name: str, old: str, new: str) -> n.Stmt:
    targets = _bound(s)

    def target(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Name):
            return n.Name(new) if e.id == name else e
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            return replace(e, items=tuple(map(target, e.items)))
        if isinstance(e, n.Starred):
            return replace(e, value=target(e.value))
        return substitute(e, {name: n.Name(old)})

    def part(e: n.Expr) -> n.Expr:
        return target(e) if any(e is t for t in targets) else substitute(e, {name: n.Name(old)})

    s = map_stmt_exprs(s, part)
    if isinstance(s, (n.Append, n.Pop)) and s.stack == name:
        s = replace(s, stack=old)
    return s


class _Reaching:
    """Which definitions of one variable may reach each of its uses; those that do are joined."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.made: set[int] = set()
        self.reads: dict[int, Reaching] = {}
        self.above: dict[int, int] = {}
        self.breaks: list[Reaching] = []
        self.continues: list[Reaching] = []

    def find(self, made: int) -> int:
        while made in self.above:
            made = self.above[made]
        return made

    def join(self, several: Reaching) -> None:
        roots = sorted({self.find(x) for x in several})
        for other in roots[1:]:
            self.above[other] = roots[0]

    def used(self, s: n.Stmt, state: Reaching) -> None:
        if _reads(s, self.name):
            self.reads[s.uid] = self.reads.get(s.uid, frozenset()) | state
            self.join(self.reads[s.uid])

    def bound(self, s: n.Stmt, state: Reaching) -> Reaching:
        if not any(self.name in target_names(t) for t in _bound(s)):
            return state
        self.made.add(s.uid)
        if isinstance(s, n.AugAssign):
            # it may change what it finds in place
            self.join(state | {s.uid})
        return frozenset({s.uid})

    def block(self, block: n.Block, state: Reaching | None) -> Reaching | None:
        for s in block:
            if state is None:
                return None
            state = self.statement(s, state)
        return state

    def statement(self, s: n.Stmt, state: Reaching) -> Reaching | None:
        self.used(s, state)
        if isinstance(s, (n.Return, n.Raise)):
            return None
        if isinstance(s, n.Break):
            self.breaks[-1] |= state
            return None
        if isinstance(s, n.Continue):
            self.continues[-1] |= state
            return None
        if isinstance(s, n.If):
            ends = [self.block(b.body, state) for b in s.branches]
            ends.append(self.block(s.orelse, state))
            left = [end for end in ends if end is not None]
            return frozenset().union(*left) if left else None
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, state)
        return self.bound(s, state)

    def loop(self, s: n.For | n.While, state: Reaching) -> Reaching | None:
        while True:
            self.breaks.append(frozenset())
            self.continues.append(frozenset())
            if isinstance(s, n.While):
                self.used(s, state)
            end = self.block(s.body, self.bound(s, state))
            out, again = self.breaks.pop(), self.continues.pop() | (end or frozenset())
            if again <= state:
                break
            state |= again
        done = self.block(s.orelse, state)
        # a loop that ends is taken to be left somewhere
        return out | (done or frozenset())
