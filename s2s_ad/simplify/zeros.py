"""Zeros of the adjoints of numbers stand where they are read, not before each addition.

Takes the body of a generated function, gives it so; requires `ir`.

    x_bar = 0.0                             if a:
    if a:                                       x_bar = 0.0
        pass                        →       else:
    else:                                       x_bar = 2.0 * d
        x_bar += 2.0 * d

    y_bar = x_bar                           y_bar = x_bar
    x_bar = 0.0                     →       z_bar += 2.0 * y_bar
    z_bar += 2.0 * y_bar
    x_bar += y_bar
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, sole_target, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, names
from s2s_ad.simplify.algebra import negate


def zeros_in_place(block: n.Block, back: frozenset[int]) -> tuple[n.Block, frozenset[int]]:
    """Return the block, and the uids of the statements of its reverse sweep."""
    run = _Zeros(set(back))
    return run.block(block), frozenset(run.back)


class _Zeros:
    def __init__(self, back: set[int]) -> None:
        self.back = back

    def block(self, block: n.Block) -> n.Block:
        out = [with_blocks(s, self.block) for s in block]
        k = 0
        while k < len(out):
            new = None
            if out[k].uid in self.back and (name := _zeroed(out[k])):
                new = self.taken_over(out, k, name) or self.in_branches(out, k, name)
            if new is None:
                k += 1
            else:
                out = new
        return tuple(out)

    def taken_over(self, out: list[n.Stmt], k: int, name: str) -> list[n.Stmt] | None:
        """An adjoint is handed to another one, which is added to it again: it never was zero."""
        before = out[k - 1] if k else None
        taker = None if before is None else sole_target(before)
        if not isinstance(before, n.Assign) or taker is None or before.value != n.Name(name):
            return None
        other = n.Name(taker)
        for j in range(k + 1, len(out)):
            s = out[j]
            if name in _mentioned(s):
                adds = isinstance(s, n.AugAssign) and s.target == n.Name(name) and s.op == "+"
                if not adds or not isinstance(s, n.AugAssign) or s.value != other:
                    return None
                return [x for i, x in enumerate(out) if i not in (k, j)]
            if other.id in assigned((s,)):
                return None
        return None

    def in_branches(self, out: list[n.Stmt], k: int, name: str) -> list[n.Stmt] | None:
        """The branches that follow give it a value, all but one at most."""
        for j in range(k + 1, len(out)):
            s = out[j]
            if name not in _mentioned(s):
                continue
            if not isinstance(s, n.If) or not s.orelse or s.uid not in self.back:
                return None
            if any(name in names(b.test) for b in s.branches):
                return None
            bodies = [*(b.body for b in s.branches), s.orelse]
            first = [self.begun(body, name) for body in bodies]
            if first.count(()) > 1:
                return None
            whole: list[n.Block] = []
            for old, new in zip(bodies, first):
                if new is None:
                    return None
                whole.append(new or self.with_zero(old, out[k]))
            branches = tuple(replace(b, body=x) for b, x in zip(s.branches, whole))
            done = replace(s, branches=branches, orelse=whole[-1])
            return [*out[:k], *out[k + 1 : j], done, *out[j + 1 :]]
        return None

    def begun(self, body: n.Block, name: str) -> n.Block | None:
        """Return the block with the first addition to `name` assigned, () where there is none."""
        for k, s in enumerate(body):
            if name not in _mentioned(s):
                continue
            if not isinstance(s, n.AugAssign) or s.target != n.Name(name) or s.op not in "+-":
                return None
            if name in names(s.value):
                return None
            value = negate(s.value) if s.op == "-" else s.value
            first = n.Assign(
                (s.target,), value, uid=s.uid, of=s.of, origin=s.origin, comments=s.comments
            )
            return (*body[:k], first, *body[k + 1 :])
        return ()

    def with_zero(self, body: n.Block, zero: n.Stmt) -> n.Block:
        assert isinstance(zero, n.Assign)
        new = n.Assign(zero.targets, ZERO, of=zero.of)
        self.back.add(new.uid)
        return (*(s for s in body if not isinstance(s, n.Pass)), new)


def _zeroed(s: n.Stmt) -> str:
    """Return the variable that a statement sets to zero."""
    return sole_target(s) or "" if isinstance(s, n.Assign) and s.value == ZERO else ""


def _mentioned(s: n.Stmt) -> frozenset[str]:
    return mentioned((s,)) | assigned((s,))
