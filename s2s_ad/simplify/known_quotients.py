"""A quotient that has a name is not taken apart and put together again.

Takes the statements of a function, gives them with the quotient in the place of both its parts;
requires `ir`. It is what a normalisation leaves:

    p = e / total                                   p = e / total
    e_bar = (p_bar - np.sum(p_bar * p)) / total  →  x_bar = p * (p_bar - np.sum(p_bar * p))
    x_bar = e * e_bar
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by
from s2s_ad.ir.walk import assigned, container_of, names, stmt_exprs, substitute, walk_stmts

Pure = Callable[[n.Expr], bool]


def known_quotients(body: n.Block, back: frozenset[int], pure: Pure) -> n.Block:
    """Return the body with quotients by name; what is divided must be made for one place.

    back: uids of the statements of the reverse sweep. pure: whether an expression has no effect
    and the same value each time.
    """
    return tuple(_Run(body, back, pure).result())


class _Run:
    def __init__(self, body: n.Block, back: frozenset[int], pure: Pure) -> None:
        self.out = list(body)
        self.back = back
        self.pure = pure
        self.values: dict[str, int] = {}  # which value a variable has
        self.count = 0
        self.quotients: dict[n.Expr, int] = {}  # by both parts, with values for variables

    def result(self) -> list[n.Stmt]:
        k = 0
        while k < len(self.out):
            if not self.rewritten(k):
                self.follow(self.out[k])
                k += 1
        return self.out

    def follow(self, s: n.Stmt) -> None:
        """Note which values variables have after a statement."""
        target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if self.has_effect(s):
            # a variable may be a view of what is changed
            self.values = {}
        if not isinstance(s, n.Assign) or not isinstance(target, n.Name):
            for name in changed_by(s):
                self.change(name)
            return
        value = s.value
        if isinstance(value, n.Name):
            self.values[target.id] = self.value(value.id)
            return
        key = self.numbered(value) if isinstance(value, n.Binary) and value.op == "/" else None
        self.count += 1
        self.values[target.id] = self.count
        if key is not None:
            self.quotients[key] = self.count

    def has_effect(self, s: n.Stmt) -> bool:
        """True when a statement may change in place what is no adjoint of ours."""
        for x in walk_stmts((s,)):
            if isinstance(x, (n.Try, n.With, n.Delete, n.Global, n.FunctionDef)):
                return True
            if not all(map(self.pure, stmt_exprs(x))):
                return True
            stores = isinstance(x, (n.AugAssign, n.ExprStmt))
            if isinstance(x, n.Assign):
                stores = any(container_of(t) is not t for t in x.targets)
            if stores and x.uid not in self.back:
                return True
        return False

    def value(self, name: str) -> int:
        if name not in self.values:
            self.count += 1
            self.values[name] = self.count
        return self.values[name]

    def change(self, name: str) -> None:
        """Give all that may be the same object as a variable other values."""
        old = self.value(name)
        for x in [x for x, value in self.values.items() if value == old]:
            self.count += 1
            self.values[x] = self.count

    def numbered(self, e: n.Expr) -> n.Expr:
        """Return an expression with values in the place of variables."""
        return substitute(e, {x: n.Name(f"value {self.value(x)}") for x in names(e)})

    def rewritten(self, k: int) -> bool:
        """Put a quotient in the place of its parts in two statements, if they are those of one."""
        if k + 1 == len(self.out):
            return False
        s, t = self.out[k : k + 2]
        if t.uid not in self.back or not isinstance(t, n.Assign):
            return False
        made = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
        if not isinstance(s, n.Assign) or not isinstance(made, n.Name) or s.uid not in self.back:
            return False
        whole = s.value
        product = t.value
        if not isinstance(whole, n.Binary) or whole.op != "/" or not self.pure(whole):
            return False
        if not self.is_forgotten(made.id, k + 1):
            return False
        if not isinstance(product, n.Binary) or product.op != "*":
            return False
        sides = (product.left, product.right)
        if made not in sides:
            return False
        other = sides[0] if sides[1] == made else sides[1]
        if not isinstance(other, n.Name) or other == made:
            return False
        key = self.numbered(n.Binary("/", other, whole.right))
        value = self.quotients.get(key)
        others = (x for x, v in self.values.items() if v == value and x != made.id)
        named = next(others, None)
        if named is None:
            return False
        new = replace(t, value=n.Binary("*", n.Name(named), whole.left))
        self.out[k : k + 2] = [new]
        return True

    def is_forgotten(self, name: str, k: int) -> bool:
        """True when nothing behind statement `k` reads the value that a variable has there."""
        if assigned((self.out[k],)) == {name}:
            return True
        for s in self.out[k + 1 :]:
            read = {x for y in walk_stmts((s,)) for e in _read(y) for x in names(e)}
            if name in read:
                return False
            if isinstance(s, n.Assign) and n.Name(name) in s.targets:
                return True
            if name in assigned((s,)):
                return False
        return True


def _read(s: n.Stmt) -> list[n.Expr]:
    """Return the expressions that a statement evaluates."""
    if isinstance(s, n.Assign):
        return [s.value, *(t for t in s.targets if not isinstance(t, n.Name))]
    return list(stmt_exprs(s))
