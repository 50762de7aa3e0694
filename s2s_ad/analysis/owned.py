"""What is known of who sees the containers of a function, at one place of it.

Takes names, gives facts that can be joined where ways meet; requires `ir`, `rules.sharing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from s2s_ad.ir.remembered import made_at_once, replace
from s2s_ad.rules.sharing import NEW, WHOLLY_NEW

Names = frozenset[str]
NOBODY: Names = frozenset()


@made_at_once
@dataclass(frozen=True)
class Owned:
    """own: variables whose container nobody else sees. inside: nor anything inside of it, but for
    what is lent. lent: pairs of a list and a variable that sees, until it is bound anew, the value
    of it that the list was given."""

    own: Names = NOBODY
    inside: Names = NOBODY
    lent: frozenset[tuple[str, str]] = frozenset()

    @property
    def whole(self) -> Names:
        """Variables of whose containers, and of what is inside, nobody else sees anything."""
        return self.inside - {stack for stack, _ in self.lent}

    def __and__(self, other: Owned) -> Owned:
        return Owned(self.own & other.own, self.inside & other.inside, self.lent | other.lent)

    def __le__(self, other: Owned) -> bool:
        return self.own <= other.own and self.inside <= other.inside and self.lent >= other.lent

    def without(self, names_: Names) -> Owned:
        """Return this once the containers `names_` are seen elsewhere."""
        opened = self.opened(names_)
        return opened if self.own.isdisjoint(names_) else replace(opened, own=self.own - names_)

    def opened(self, names_: Names) -> Owned:
        """Return this once something inside the containers `names_` is seen elsewhere."""
        seen = names_.union(stack for stack, name in self.lent if name in names_)
        return self if self.inside.isdisjoint(seen) else replace(self, inside=self.inside - seen)

    def fixed(self, name: str) -> Owned:
        """Return this while the container `name` must not change."""
        at = frozenset({name})
        return replace(self, own=self.own - at, inside=self.inside - at)

    def having(self, name: str, new: int) -> Owned:
        """Return this once `name` is a container of which so much is new.

        >>> owned = Owned(frozenset("x"), frozenset("x"))
        >>> owned.having("x", WHOLLY_NEW) is owned, sorted(owned.having("y", NEW).own)
        (True, ['x', 'y'])
        """
        lent = self.lent
        if any(name in pair for pair in lent):
            lent = frozenset(pair for pair in lent if name not in pair)
        own = _with(self.own, name, new >= NEW)
        inside = _with(self.inside, name, new == WHOLLY_NEW)
        same = own is self.own and inside is self.inside and lent is self.lent
        return self if same else Owned(own, inside, lent)

    def lending(self, stack: str, name: str) -> Owned:
        """Return this once the list `stack` is given what `name` alone saw, and goes on to see."""
        lent = self.lent | {(stack, name)}
        return replace(self.fixed(name), lent=lent)

    def gives_whole(self, stack: str, target: str) -> bool:
        """True when nobody else sees an item of the list `stack` that is taken out for `target`."""
        return stack in self.inside and all(
            name == target for holder, name in self.lent if holder == stack
        )


def _with(found: Names, name: str, is_in: bool) -> Names:
    """Return names with one more, or one less: the same object where that changes nothing, as it is
    with most statements, of each of which something is kept."""
    if (name in found) == is_in:
        return found
    return found | {name} if is_in else found - {name}


NOTHING_OWNED = Owned()
