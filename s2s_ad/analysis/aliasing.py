"""Who else may see a container: which stores into elements can be followed.

Takes a Function and a test for calls that make something new, gives for each statement the
variables whose container no other name shares. Requires `ir`.

A store `x[i] += e` is followed when x is *unshared*: made in this function, and given to no other
name, container or callee since. What is not proved is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import stmt_exprs, target_names, walk_stmts

Fresh = Callable[[n.Call], bool]
Plain = Callable[[n.Expr, int], bool]
Names = frozenset[str]


def unshared(
    block: n.Block, fresh: Fresh, plain: Plain, start: Names = frozenset()
) -> dict[int, Names]:
    """Return the variables whose containers are unshared before each statement.

    plain: whether an expression of a statement has a value that cannot be changed in place.
    start: variables taken to be unshared at the start.
    """
    run = _Unshared(fresh, plain)
    run.block(block, start)
    return run.table


def store_root(target: n.Expr) -> str | None:
    """Return the variable whose element a target is, None when it is not an element."""
    if not isinstance(target, n.Subscript):
        return None
    while isinstance(target, n.Subscript):
        target = target.value
    return target.id if isinstance(target, n.Name) else None


def scattered(s: n.Stmt) -> tuple[n.Expr, n.Expr, n.Expr] | None:
    """Return (array, index, value) of the statement `np.add.at(array, index, value)`."""
    if isinstance(s, n.ExprStmt) and isinstance(s.value, n.Call):
        func = s.value.func
        if (
            isinstance(func, n.Attribute)
            and func.attr == "at"
            and isinstance(func.value, n.Attribute)
            and func.value.attr == "add"
            and len(s.value.args) == 3
        ):
            return s.value.args[0], s.value.args[1], s.value.args[2]
    return None


class _Unshared:
    def __init__(self, fresh: Fresh, plain: Plain) -> None:
        self.fresh = fresh
        self.plain = plain
        self.uid = 0
        self.table: dict[int, Names] = {}

    def block(self, block: n.Block, own: Names) -> Names | None:
        current: Names | None = own
        for s in block:
            if current is None:
                return None
            known = self.table.get(s.uid)
            self.table[s.uid] = current if known is None else known & current
            current = self.statement(s, current)
        return current

    def statement(self, s: n.Stmt, own: Names) -> Names | None:
        self.uid = s.uid
        if isinstance(s, n.If):
            ends = [self.block(b.body, own) for b in s.branches]
            ends.append(self.block(s.orelse, own))
            live = [e for e in ends if e is not None]
            return frozenset.intersection(*live) if live else None
        if isinstance(s, (n.For, n.While)):
            return self.loop(s, own)
        if isinstance(s, (n.Return, n.Raise, n.Break, n.Continue)):
            return None
        if isinstance(s, n.Assign):
            for target in s.targets:
                own = self.assigned(target, s.value, own)
            return own
        if isinstance(s, n.Pop):
            return own - set(target_names(s.target))
        if scattered(s) is not None:
            return own
        if isinstance(s, n.AugAssign):
            return own
        if isinstance(s, n.With):
            for context, to in s.items:
                own = self.shared(context, own) - set(target_names(to) if to else ())
            return self.block(s.body, own)
        if isinstance(s, n.Try):
            return self.attempt(s, own)
        for e in stmt_exprs(s):
            if not (isinstance(s, n.Append) and e == n.Name(s.stack)):
                own = self.shared(e, own)
        return own

    def assigned(self, target: n.Expr, value: n.Expr, own: Names) -> Names:
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            own = self.shared(value, own)
            return own - set(target_names(target))
        own = self.shared(value, own)
        if isinstance(target, n.Name):
            return own | {target.id} if self.makes(value) else own - {target.id}
        return own

    def loop(self, s: n.For | n.While, own: Names) -> Names:
        if isinstance(s, n.For):
            own = self.shared(s.iter, own) - set(target_names(s.target))
        while True:
            end = self.block(s.body, own)
            if end is None or own <= end:
                return self.block(s.orelse, own) or own
            own &= end

    def attempt(self, s: n.Try, own: Names) -> Names | None:
        """What a `try` may share is shared from its start: it may be left anywhere."""
        start = own
        while True:
            ends = [self.block(s.body, start), *(self.block(h.body, start) for h in s.handlers)]
            ends.append(self.block(s.orelse, start))
            ends.append(self.block(s.final, start))
            inside = (*s.body, *(x for h in s.handlers for x in h.body), *s.orelse, *s.final)
            tables = [self.table[x.uid] for x in walk_stmts(inside) if x.uid in self.table]
            now = start.intersection(*tables, *(e for e in ends if e is not None))
            if now == start:
                return start
            start = now

    def makes(self, e: n.Expr) -> bool:
        """True when evaluating `e` makes something new."""
        if isinstance(e, (n.ListExpr, n.TupleExpr, n.DictExpr, n.Comprehension, n.Const)):
            return True
        if isinstance(e, (n.Binary, n.Unary)):
            return True
        return isinstance(e, n.Call) and self.fresh(e)

    def shared(self, e: n.Expr, own: Names) -> Names:
        """Return what is still unshared when the value of `e` goes somewhere else."""
        if self.plain(e, self.uid):
            return own
        if isinstance(e, n.Name):
            return own - {e.id}
        if isinstance(e, (n.Subscript, n.Attribute)):
            return (
                own
                if isinstance(e, n.Attribute) and e.attr == "shape"
                else self.shared(e.value, own)
            )
        if isinstance(e, (n.TupleExpr, n.ListExpr)):
            for item in e.items:
                own = self.shared(item, own)
        elif isinstance(e, n.DictExpr):
            for item in e.values:
                own = self.shared(item, own)
        elif isinstance(e, n.IfExp):
            own = self.shared(e.orelse, self.shared(e.body, own))
        elif isinstance(e, n.Starred):
            own = self.shared(e.value, own)
        elif isinstance(e, n.Call) and not self.fresh(e):
            if isinstance(e.func, n.Attribute):
                own = self.shared(e.func.value, own)
            for item in (*e.args, *(k.value for k in e.keywords)):
                own = self.shared(item, own)
        return own
