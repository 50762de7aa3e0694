"""Who owns an adjoint buffer: it is added to in place only where this function made it.

Takes a reverse sweep in which adjoints are added to with `+=`, gives one in which `+=` is kept for
numbers and for arrays that no other name can see, and is a rebinding elsewhere. Requires `ir`.

    a_bar = c_bar                   a_bar = c_bar
    b_bar = c_bar           →       b_bar = c_bar
    a_bar += d                      a_bar = a_bar + d
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Kind, Number
from s2s_ad.ir.walk import stmt_exprs, subexprs, target_names, walk_stmts


@dataclass(frozen=True)
class Buffers:
    """kind: that of an adjoint variable. fresh: whether a call makes a new array.
    add: how a sum of unknown structure is written. copy: a copy of a variable of some kind."""

    kind: Callable[[str], Kind]
    fresh: Callable[[n.Call], bool]
    add: Callable[[n.Expr, n.Expr], n.Expr]
    copy: Callable[[str], n.Expr]
    bars: frozenset[str]


def own(block: n.Block, buffers: Buffers) -> n.Block:
    """Return the sweep with safe additions. Parameters (seeds) are not owned."""
    out, _ = _Own(buffers).block(block, frozenset())
    return tuple(out)


class _Own:
    def __init__(self, buffers: Buffers) -> None:
        self.buffers = buffers

    def block(self, block: n.Block, owned: frozenset[str]) -> tuple[list[n.Stmt], frozenset[str]]:
        out: list[n.Stmt] = []
        for s in block:
            statements, owned = self.statement(s, owned)
            out.extend(statements)
        return out, owned

    def statement(self, s: n.Stmt, owned: frozenset[str]) -> tuple[list[n.Stmt], frozenset[str]]:
        if isinstance(s, n.If):
            results = [self.block(b.body, owned) for b in s.branches]
            last, end = self.block(s.orelse, owned)
            for _, other in results:
                end &= other
            branches = tuple(replace(b, body=tuple(r[0])) for b, r in zip(s.branches, results))
            return [replace(s, branches=branches, orelse=tuple(last))], end
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, owned)
        if isinstance(s, n.With):
            body, owned = self.block(s.body, owned)
            return [replace(s, body=tuple(body))], owned
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
            return self.add(s, s.target.id, owned)
        stored = self.stored(s)
        pre: list[n.Stmt] = []
        for name in sorted(stored - owned):
            pre.append(n.Assign((n.Name(name),), self.buffers.copy(name), of=s.of))
            owned |= {name}
        if isinstance(s, n.Assign) and isinstance(s.targets[0], n.Name):
            name = s.targets[0].id
            owned = self.shared(s.value, owned)
            owned = owned | {name} if self.is_fresh(s.value) else owned - {name}
            return [*pre, s], owned
        for e in stmt_exprs(s):
            owned = self.shared(e, owned)
        if isinstance(s, n.Assign):
            owned -= {x for t in s.targets for x in target_names(t)}
        if isinstance(s, n.Pop):
            owned -= set(target_names(s.target))
        return [*pre, s], owned | stored

    def add(
        self, s: n.AugAssign, name: str, owned: frozenset[str]
    ) -> tuple[list[n.Stmt], frozenset[str]]:
        if name not in self.buffers.bars:
            return [s], owned
        kind = self.buffers.kind(name)
        if isinstance(kind, Number):
            return [s], owned
        if isinstance(kind, Array):
            if name in owned:
                return [s], owned
            value: n.Expr = n.Binary(s.op, s.target, s.value)
            return [n.Assign((s.target,), value, of=s.of)], owned | {name}
        added = n.Unary("-", s.value) if s.op == "-" else s.value
        return [n.Assign((s.target,), self.buffers.add(s.target, added), of=s.of)], owned - {name}

    def loop(
        self, s: n.For | n.While, owned: frozenset[str]
    ) -> tuple[list[n.Stmt], frozenset[str]]:
        pre: list[n.Stmt] = []
        stored: set[str] = set()
        bound: set[str] = set()
        for x in walk_stmts(s.body):
            stored |= self.stored(x)
            if isinstance(x, n.Assign):
                bound |= {y for t in x.targets for y in target_names(t)}
        for name in sorted((stored - bound) - owned):
            pre.append(n.Assign((n.Name(name),), self.buffers.copy(name), of=s.of))
            owned |= {name}
        start = owned
        while True:
            body, end = self.block(s.body, start)
            if start <= end:
                break
            start &= end
        return [*pre, replace(s, body=tuple(body))], start

    def stored(self, s: n.Stmt) -> set[str]:
        """Return the adjoints whose elements a statement changes in place."""
        found: set[str] = set()
        if isinstance(s, (n.Assign, n.AugAssign)):
            targets = s.targets if isinstance(s, n.Assign) else (s.target,)
            for t in targets:
                if isinstance(t, n.Subscript):
                    root: n.Expr = t
                    while isinstance(root, n.Subscript):
                        root = root.value
                    if isinstance(root, n.Name):
                        found.add(root.id)
        elif isinstance(s, (n.Append, n.Pop)):
            found.add(s.stack)
        if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call):
            func = s.value.func
            if isinstance(func, n.Attribute) and func.attr == "at" and s.value.args:
                root = s.value.args[0]
                while isinstance(root, n.Subscript):
                    root = root.value
                if isinstance(root, n.Name):
                    found.add(root.id)
        for e in stmt_exprs(s) if not isinstance(s, (n.If, n.For, n.While)) else ():
            for x in subexprs(e):
                method = x.func if isinstance(x, n.Call) else None
                if not isinstance(method, n.Attribute) or method.attr != "pop":
                    continue
                if isinstance(method.value, n.Name):
                    found.add(method.value.id)
        return found & self.buffers.bars

    def is_fresh(self, e: n.Expr) -> bool:
        if isinstance(e, (n.Binary, n.Unary, n.Const, n.ListExpr, n.DictExpr, n.Comprehension)):
            return True
        return isinstance(e, n.Call) and self.buffers.fresh(e)

    def shared(self, e: n.Expr, owned: frozenset[str]) -> frozenset[str]:
        """Return what is still owned when the value of `e` is given another name."""
        if isinstance(e, (n.Name, n.Subscript, n.Attribute)):
            while isinstance(e, (n.Subscript, n.Attribute)):
                e = e.value
            return owned - {e.id} if isinstance(e, n.Name) else owned
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            for item in e.items:
                owned = self.shared(item, owned)
        elif isinstance(e, n.Call) and not self.buffers.fresh(e):
            for item in (*e.args, *(k.value for k in e.keywords)):
                owned = self.shared(item, owned)
        elif isinstance(e, n.IfExp):
            owned = self.shared(e.orelse, self.shared(e.body, owned))
        return owned
