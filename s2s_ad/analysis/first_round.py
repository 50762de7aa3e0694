"""Evaluation in the first round of a loop, where a list may be empty that is filled later in it.

Takes expressions and what is known of variables, gives what is known of the result. Requires
`analysis.interpreter`.

    xs = []
    for i in range(n):
        item = g(x)
        if xs:
            item = item * xs[-1]        # not in the first round: nobody knows yet what it is
        xs.append(item)

An operation on an item that is not there does not happen, so it gives nothing: the kind of `item`
is that of `g(x)`, and then so is that of the items. This is assumed in the first round only. What
is found in it is joined with what further rounds find, and the last of them assumes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from s2s_ad.analysis.interpreter import Interpreter
from s2s_ad.analysis.values import Env, Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import NOTHING, DictOf, Kind, ListOf, Nothing, TupleOf
from s2s_ad.ir.walk import children, names


class RoundReader(Interpreter):
    """Evaluation of expressions. assumed: how often something was taken not to happen."""

    assumed = 0
    _is_first = False

    @contextmanager
    def round(self, is_first: bool) -> Iterator[None]:
        """Evaluate what runs in a round of a loop. Inside of a first round all are first ones."""
        before = self._is_first
        self._is_first = before or is_first
        try:
            yield
        finally:
            self._is_first = before

    def must_go_on(self, assumed: int) -> bool:
        """True when a loop needs another round: since `assumed`, more was taken not to happen.
        Those around it, in their first round, come back to it anyway."""
        return not self._is_first and self.assumed != assumed

    def value(self, e: n.Expr, env: Env) -> Value:
        if not (self._is_first and _reads_nothing(e, env)):
            return super().value(e, env)
        # what is assumed is not remembered
        memory, self.memory = self.memory, None
        try:
            return super().value(e, env)
        finally:
            self.memory = memory

    def evaluated(self, e: n.Expr, env: Env) -> Value:
        if self._is_first and isinstance(e, (n.Binary, n.Call, n.Subscript, n.Unary)):
            parts = [self.value(x, env) for x in children(e) if not isinstance(x, n.Slice)]
            if any(isinstance(part.kind, Nothing) for part in parts):
                self.assumed += 1
                return Value(NOTHING, any(part.varied for part in parts))
        return super().evaluated(e, env)


def _reads_nothing(e: n.Expr, env: Env) -> bool:
    return any(x in env and _holds_nothing(env[x].kind) for x in names(e))


def _holds_nothing(kind: Kind) -> bool:
    """True for the kind of what may be an empty container, or have one inside of it."""
    if isinstance(kind, ListOf):
        return _holds_nothing(kind.item)
    if isinstance(kind, DictOf):
        return _holds_nothing(kind.value)
    if isinstance(kind, TupleOf):
        return any(map(_holds_nothing, kind.items))
    return isinstance(kind, Nothing)
