"""What depends on the inputs and is taken not to: results do not depend on it in turn.

Takes variables and calls, gives answers to the interpretation; requires `ir`.
"""

from __future__ import annotations

from dataclasses import dataclass

from s2s_ad.ir import nodes as n

NO_CALLS: frozenset[n.Expr] = frozenset()


@dataclass(frozen=True)
class Still:
    """variables: those none of whose values has a derivative. calls: with the uid of a statement,
    calls in it that have none."""

    variables: frozenset[str] = frozenset()
    calls: frozenset[tuple[int, n.Expr]] = frozenset()

    def binds(self, target: n.Expr) -> bool:
        return isinstance(target, n.Name) and target.id in self.variables

    def calls_at(self, uid: int) -> frozenset[n.Expr]:
        if not self.calls:
            return NO_CALLS
        return frozenset(call for at, call in self.calls if at == uid)


NOTHING_STILL = Still()
