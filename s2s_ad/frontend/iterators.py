"""Iterators over active values: followed where they are run over at once, refused where kept.

Takes a Function with its facts, raises for an iterator that could be run over twice: written out as
a list it would have items the second time. So is one whose items, which Python computes when their
turn comes, would be others by then than they are where it is made. Requires `ir`, `analysis`.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections import Counter
from collections.abc import Iterable

from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.iterators import MAKERS
from s2s_ad.frontend.live_loops import changed_in_place
from s2s_ad.frontend.questions import Refuse
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    blocks,
    children,
    inside,
    names,
    stmt_exprs,
    subexprs,
    target_names,
    walk_stmts,
)
from s2s_ad.rules import registry

# what is not written out as a list when it is given a name
NAMELESS = (builtins.zip, builtins.enumerate, builtins.iter)
Path = tuple[int, ...]


def check_iterators(function: n.Function, facts: Facts, refuse: Refuse) -> None:
    """Refuse iterators over active values that are kept and may be run over again."""
    if any(_may_make_one(e) for s in walk_stmts(function.body) for e in _all(s)):
        _Check(function, facts, refuse).block(function.body, ())


def _all(s: n.Stmt) -> list[n.Expr]:
    return [x for e in _read(s) for x in subexprs(e)]


def _read(s: n.Stmt) -> list[n.Expr]:
    """Return the expressions of a statement, without the variables it binds."""
    targets = s.targets if isinstance(s, n.Assign) else ()
    targets = (s.target,) if isinstance(s, n.For) else targets
    stored = [x for t in targets for x in _flat(t) if not isinstance(x, n.Name)]
    return [*stored, *(e for e in stmt_exprs(s) if not any(e is t for t in targets))]


def _flat(target: n.Expr) -> list[n.Expr]:
    if isinstance(target, (n.TupleExpr, n.ListExpr)):
        return [x for item in target.items for x in _flat(item)]
    return [target]


def _own(s: n.Stmt) -> n.Stmt:
    """Return a statement without its blocks, which are looked at by themselves."""
    if isinstance(s, n.If):
        return replace(s, branches=tuple(replace(b, body=()) for b in s.branches), orelse=())
    return replace(s, body=(), orelse=()) if isinstance(s, (n.For, n.While)) else s


def _may_make_one(e: n.Expr) -> bool:
    return isinstance(e, n.Call) or (isinstance(e, n.Comprehension) and e.kind == "generator")


class _Check:
    def __init__(self, function: n.Function, facts: Facts, refuse: Refuse) -> None:
        self.facts = facts
        self.refuse = refuse
        every = [e for s in walk_stmts(function.body) for e in _all(s)]
        self.reads = Counter(e.id for e in every if isinstance(e, n.Name))
        self.kept: dict[str, tuple[n.Stmt, n.Expr, Path]] = {}
        self.order = list(walk_stmts(function.body))

    def block(self, block: n.Block, path: Path) -> None:
        for s in block:
            if s.uid in self.facts.before:
                self.statement(s, path)
            inside = (*path, s.uid) if isinstance(s, (n.For, n.While)) else path
            for inner in blocks(s):
                self.block(inner, inside)

    def statement(self, s: n.Stmt, path: Path) -> None:
        if isinstance(s, n.While):
            path = (*path, s.uid)
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if isinstance(s, n.Assign) and isinstance(target, n.Name) and self.makes(s.value, s):
            self.inside(s.value, s, path)
            once = self.reads[target.id] == 1 and target.id not in self.kept
            if not once or self.callee(s.value, s) in NAMELESS:
                raise self.error(s, s.value)
            self.kept[target.id] = (s, s.value, path)
            return
        if isinstance(s, n.For):
            self.check_items(s.iter, s, walk_stmts(s.body))
        for e in _read(s):
            runs = isinstance(s, n.For) or isinstance(target, (n.TupleExpr, n.ListExpr))
            self.visit(e, runs, s, path)

    def visit(self, e: n.Expr, runs: bool, s: n.Stmt, path: Path) -> None:
        """Check an expression. runs: what stands here is run over at once, and not kept."""
        if isinstance(e, n.Name) and e.id in self.kept:
            made, value, at = self.kept[e.id]
            if not runs or at != path:
                raise self.error(made, value)
            inside = [x.uid for block in blocks(s) for x in walk_stmts(block)]
            last = inside[-1] if inside else s.uid
            places = {x.uid: k for k, x in enumerate(self.order)}
            self.check_items(value, made, self.order[places[made.uid] + 1 : places[last] + 1])
        elif self.makes(e, s) and not runs:
            raise self.error(s, e)
        self.inside(e, s, path)

    def inside(self, e: n.Expr, s: n.Stmt, path: Path) -> None:
        if isinstance(e, n.Call):
            runs = self.makes(e, s) or self.consumes(e, s)
            self.visit(e.func, False, s, path)
            for a in (*e.args, *(k.value for k in e.keywords)):
                self.visit(a, runs, s, path)
        elif isinstance(e, n.Comprehension):
            for k, clause in enumerate(e.clauses):
                self.visit(clause.iter, True, s, path if not k else (*path, -1))
                for test in clause.conditions:
                    self.visit(test, False, s, (*path, -1))
            for part in (e.element, *((e.key,) if e.key is not None else ())):
                self.visit(part, False, s, (*path, -1))
        elif not isinstance(e, n.Lambda):
            runs = isinstance(e, (n.Starred, n.Compare))
            for x in children(e):
                self.visit(x, runs, s, path)

    def check_items(self, e: n.Expr, s: n.Stmt, meanwhile: Iterable[n.Stmt]) -> None:
        """Refuse an iterator whose items are made of what changes before they are asked for."""
        lazy, run_over = self.made_of(e, s)
        if not lazy | run_over or not self.facts.varied(e, s.uid):
            return
        block = tuple(_own(x) for x in meanwhile)
        changed = changed_in_place(block) | self.handed_on(block)
        if (lazy & (assigned(block) | changed)) | (run_over & changed):
            raise self.refuse(
                s,
                "an iterator over active values made of what changes meanwhile",
                "compute the items in the loop that uses them",
                e,
            )

    def made_of(self, e: n.Expr, s: n.Stmt) -> tuple[set[str], set[str]]:
        """Return the variables that an iterator reads for each item, and those it runs over."""
        lazy: set[str] = set()
        run_over: set[str] = set()
        if isinstance(e, n.Comprehension) and e.kind == "generator":
            first = e.clauses[0].iter
            lazy, run_over = self.made_of(first, s)
            parts = [e.element, *(x for c in e.clauses for x in c.conditions)]
            parts += [c.iter for c in e.clauses[1:]]
            bound = {x for c in e.clauses for x in target_names(c.target)}
            return lazy | (set().union(*map(names, parts)) - bound), run_over | names(first)
        function = self.callee(e, s)
        if isinstance(e, n.Call) and function in MAKERS:
            calls = function in (builtins.map, builtins.filter)
            lazy = set().union(*map(names, e.args[:calls]))
            for a in e.args[calls:]:
                inner, over = self.made_of(a, s)
                lazy, run_over = lazy | inner, run_over | over
                if calls:
                    run_over |= names(a)
        return lazy, run_over

    def handed_on(self, block: n.Block) -> set[str]:
        """Return the variables that are handed to calls which may change them."""
        found: set[str] = set()
        for x in block:
            if x.uid not in self.facts.before:
                continue
            reader, env = self.facts.reader(x.uid), self.facts.before[x.uid]
            for e in inside(x, n.Call):
                if self.callee(e, x) is not functools.reduce:
                    found |= set() if reader.is_pure(e, env, again=False) else names(e)
        return found

    def callee(self, e: n.Expr, s: n.Stmt) -> object:
        if not isinstance(e, n.Call):
            return None
        found = self.facts.object_of(e.func, s.uid)
        return found[0] if found else None

    def makes(self, e: n.Expr, s: n.Stmt) -> bool:
        """True for an expression that gives an iterator over active values."""
        if isinstance(e, n.Comprehension):
            return e.kind == "generator" and self.facts.varied(e, s.uid)
        return self.callee(e, s) in MAKERS and self.facts.varied(e, s.uid)

    def consumes(self, e: n.Call, s: n.Stmt) -> bool:
        """True for a call that runs over its argument and is done with it."""
        callee = self.callee(e, s)
        own = isinstance(callee, (types.FunctionType, types.MethodType))
        return callee is not builtins.next and (not own or bool(registry.lookup(callee)))

    def error(self, s: n.Stmt, e: n.Expr) -> Exception:
        return self.refuse(
            s,
            "an iterator over active values that is kept: it has no items the second time",
            "make it a list: `list(...)`",
            e,
        )
