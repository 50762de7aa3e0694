"""What statements change in place, and who else sees it.

Takes a function with its facts, gives for each statement the variables whose content it may change;
requires `ir`, `analysis`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable

from s2s_ad.analysis.effects import only_tells
from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.handed_on import Known, is_handed_on
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.liveness import live_after, read_at_any_time
from s2s_ad.analysis.owned import NOTHING_OWNED, Owned
from s2s_ad.analysis.ownership import ownership
from s2s_ad.analysis.useful import stored_roots
from s2s_ad.analysis.values import PASSIVE
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, ListOf, Number, is_immutable
from s2s_ad.ir.remembered import remembered, replace
from s2s_ad.ir.walk import (
    assigned,
    bound_here,
    inside,
    map_block,
    names,
    stmt_exprs,
    subexprs,
    target_names,
    walk_stmts,
)
from s2s_ad.transform.calls import Calls
from s2s_ad.transform.reading import flat, stored_into
from s2s_ad.transform.run_time import Followed


@remembered
def _run_by_loops(f: n.Function) -> frozenset[int]:
    loops = (s for s in walk_stmts(f.body) if isinstance(s, (n.For, n.While)))
    return frozenset(x.uid for s in loops for x in walk_stmts(s.body))


class Changes:
    """The part of `transform.context.Context` that knows of changes in place."""

    function: n.Function
    facts: Facts
    calls: Calls
    newness: Callable[[n.Call], int]
    owners: dict[int, Owned] | None
    owners_in_the_end: dict[int, Owned] | None
    owners_among_living: dict[int, Owned] | None
    soles: dict[int, Owned] | None
    changing: frozenset[str] | None
    changes: dict[int, frozenset[str]]
    lent: bool

    @abstractmethod
    def followed(self, e: n.Expr, s: n.Stmt) -> Followed | None:
        """Return how a call is followed when it runs, None for one that is not."""

    def kind_at(self, e: n.Expr, uid: int) -> Kind:
        return self.facts.value(e, uid).kind if uid in self.facts.before else UNKNOWN

    def is_in_loop(self, s: n.Stmt) -> bool:
        """True for a statement of the function that a loop runs."""
        return s.uid in _run_by_loops(self.function)

    def unshared(self) -> dict[int, Owned]:
        """Return which containers no other name shares, before each statement."""
        if self.owners is None:
            body = self.function.body
            unbound = frozenset(assigned(body) - {p.name for p in self.function.params})
            self.owners = ownership(body, self.newness, self.kind_at, unbound=unbound)
        return self.owners

    def unshared_in_the_end(self) -> dict[int, Owned]:
        """Return them with parts of arrays that are only read counted as copies: those names are
        gone when the function is, and on the way back they have been read before what was stored
        into the array in front of them is taken back."""
        if self.owners_in_the_end is None:
            self.owners_in_the_end = self.unshared_but_for(self.parts_only_read())
        return self.owners_in_the_end

    def unshared_among_living(self) -> dict[int, Owned]:
        """Return them with those parts counted as copies that nothing reads once a statement has
        changed them: their adjoints are handed on behind that of the statement, going back."""
        if self.owners_among_living is None:
            parts = self.parts_only_read()
            after = live_after(self.function.body) if parts else {}
            every = walk_stmts(self.function.body) if parts else ()
            living = {x for s in every for x in parts & after[s.uid] & self.changed(s)}
            self.owners_among_living = self.unshared_but_for(parts - living)
        return self.owners_among_living

    def unshared_but_for(self, parts: frozenset[str]) -> dict[int, Owned]:
        """Return what `unshared` does with these variables taken to hold copies."""

        def copied(s: n.Stmt) -> tuple[n.Stmt, ...]:
            if not isinstance(s, n.Assign) or sole_target(s) not in parts:
                return (s,)
            return (replace(s, value=n.Unary("+", s.value)),)

        if not parts:
            return self.unshared()
        body = map_block(self.function.body, copied)
        unbound = frozenset(assigned(body) - {p.name for p in self.function.params})
        return ownership(body, self.newness, self.kind_at, unbound=unbound)

    def parts_only_read(self) -> frozenset[str]:
        """Return the variables that hold parts of arrays, through which nothing is stored, and that
        nothing else comes to hold."""
        every = list(walk_stmts(self.function.body))
        bound = Counter(x for s in every for x in bound_here(s))
        plain = Counter(x for s in every if isinstance(s, n.Assign) and (x := sole_target(s)))
        parts = {
            x
            for s in every
            if isinstance(s, n.Assign) and isinstance(s.value, n.Subscript)
            if (x := sole_target(s)) and isinstance(self.kind_at(s.value, s.uid), Array)
        }
        parts &= {x for x in parts if bound[x] == plain[x]} - {p.name for p in self.function.params}
        if not parts:
            return frozenset()
        stored = {x for s in every for x in stored_into(s)}
        given = {
            x
            for s in every
            for call in inside(flat(s), n.Call)
            if parts & names(call)
            and not (self.changes_nothing(call, s) or self.is_harmless(call, s))
            for x in self.may_change(call, s)
        }

        known = Known(self.newness, lambda e, s: self.kind_at(e, s.uid))
        left = parts - stored - given - read_at_any_time(self.function.body)
        return frozenset(x for x in left if not is_handed_on(x, every, known))

    def handed_over(self) -> frozenset[str]:
        """Return the variables whose lists are changed in place once others have taken them over.

        Such a list comes back from the stack it was put on, and what was kept of it must not change
        with it.
        """
        every = list(walk_stmts(self.function.body))
        taken_over = {
            (s.stack, s.value.id)
            for s in every
            if isinstance(s, n.Append)
            and isinstance(s.value, n.Name)
            and not is_immutable(self.kind_at(s.value, s.uid))
        }
        stored = {x for s in every for x in stored_into(s)}
        stacks = {s.stack for s in every if isinstance(s, (n.Append, n.Pop))}
        worked = stored | stacks
        back = {x for s in every if isinstance(s, n.Pop) for x in target_names(s.target)}
        found: set[str] = set()
        if worked & back or stored & {stack for stack, _ in taken_over}:
            found.update(name for _, name in taken_over)
        # `before = now`: the list is kept under both names, and taken apart under one
        found.update(
            s.value.id
            for s in every
            if isinstance(s, n.Assign)
            and isinstance(s.value, n.Name)
            and s.value.id in stacks
            and not is_immutable(self.kind_at(s.value, s.uid))
        )
        return frozenset(found)

    def sole_names(self) -> dict[int, Owned]:
        """Return where variables, parameters included, are known under one name here."""
        if self.soles is None:
            params = frozenset(p.name for p in self.function.params)
            self.soles = ownership(self.function.body, self.newness, self.kind_at, params)
        return self.soles

    def is_in_place(self, s: n.AugAssign) -> bool:
        """True when `x op= e` changes an array or list that other names may share."""
        if not isinstance(s.target, n.Name):
            return True
        kind = self.facts.value(s.target, s.uid).kind
        own = self.sole_names().get(s.uid, NOTHING_OWNED).own
        return isinstance(kind, (Array, ListOf)) and s.target.id not in own

    def is_harmless(self, call: n.Call, s: n.Stmt) -> bool:
        found = self.facts.object_of(call.func, s.uid)
        return found is not None and (found[0] in (isinstance, len) or only_tells(found[0]))

    def is_pure(self, e: n.Call, s: n.Stmt) -> bool:
        """True for a call that has no effect and gives the same when it is made again."""
        return self.facts.reader(s.uid).is_pure(e, self.facts.before.get(s.uid, {}))

    def changes_nothing(self, e: n.Call, s: n.Stmt) -> bool:
        """True for a call that has no effect, though it may give something else each time."""
        env = self.facts.before.get(s.uid, {})
        return self.facts.reader(s.uid).is_pure(e, env, again=False)

    def changed(self, s: n.Stmt) -> frozenset[str]:
        """Return the variables that a simple statement may change in place.

        Those are what it stores into or hands to a call that may, and all that may share with it.
        """
        if s.uid not in self.facts.before:
            return frozenset(stored_into(s))
        if s.uid not in self.changes:
            self.changes[s.uid] = self._changed(s)
        return self.changes[s.uid]

    def _changed(self, s: n.Stmt) -> frozenset[str]:
        found = stored_into(s)
        if isinstance(s, (n.Append, n.Pop)):
            found.add(s.stack)
        targets = s.targets if isinstance(s, (n.Assign, n.Delete)) else ()
        if isinstance(s, n.AugAssign):
            targets = (s.target,)
        found |= {root for target in targets for root in stored_roots(target)}
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name) and self.is_in_place(s):
            found.add(s.target.id)
        added = scattered(s)  # `np.add.at(x, i, d)` changes x alone
        whole = flat(s) if isinstance(s, (n.If, n.For, n.While, n.With)) else s
        for e in added or stmt_exprs(whole):
            for call in subexprs(e):
                if isinstance(call, n.Call) and not (
                    self.changes_nothing(call, s) or self.is_harmless(call, s)
                ):
                    found |= self.may_change(call, s)
        env = self.facts.before[s.uid]
        local = self.facts.locals
        if self.facts.world.outside and (found - local or self.calls_something(s)):
            # a variable may hold what a global holds
            owned = self.unshared().get(s.uid, NOTHING_OWNED)
            found |= (local & env.keys()) - owned.whole
        found = {x for x in found if x in local and not is_immutable(env.get(x, PASSIVE).kind)}
        owned = self.unshared().get(s.uid, NOTHING_OWNED)
        if found - (owned.own if _is_shallow(s) else owned.whole):
            others = (local & env.keys()) - owned.whole
            found |= {x for x in others if not is_immutable(env.get(x, PASSIVE).kind)}
        return frozenset(found)

    def may_change(self, call: n.Call, s: n.Stmt) -> frozenset[str]:
        """Return the variables that a call may change: those it reads, but for the arguments of one
        that is followed when it runs, which is refused where it changes them."""
        if self.followed(call, s) is not None:
            return names(call.func)
        changed = self.calls.changed_by(call, s, self.facts)
        if changed is not None:
            return changed
        # a number that is worked out of an array is not that array
        given = (*call.args, *(k.value for k in call.keywords))
        held = (x for x in given if not is_immutable(self.kind_at(x, s.uid)))
        return names(call.func).union(*map(names, held))

    def calls_something(self, s: n.Stmt) -> bool:
        """True when a statement makes a call that may change something."""
        calls = inside(flat(s), n.Call)
        return any(not (self.changes_nothing(x, s) or self.is_harmless(x, s)) for x in calls)

    def changed_anywhere(self) -> frozenset[str]:
        """Return the variables that some statement, here or of a caller, may change in place."""
        if self.changing is None:
            every = walk_stmts(self.function.body)
            here = frozenset(x for s in every for x in self.changed(s))
            self.changing = here | self.borrowed()
        return self.changing

    def is_value(self, name: str, kind: Kind | None) -> bool:
        """True for a number, or an array that nothing changes in place: it may be kept any time."""
        whole = isinstance(kind, Array) and name not in self.changed_anywhere()
        return isinstance(kind, Number) or whole

    def borrowed(self) -> frozenset[str]:
        """Return the variables that may hold what callers change before the reverse sweep."""
        if not self.lent:
            return frozenset()
        table = self.unshared().values()
        own = frozenset.intersection(*(owned.whole for owned in table)) if table else frozenset()
        return self.facts.locals - own

    def changes_others(self) -> frozenset[int]:
        """Return the statements, by uid, that change what is seen under another name too."""
        return frozenset(
            s.uid
            for s in walk_stmts(self.function.body)
            if isinstance(s, (n.Append, n.Pop, n.AugAssign))
            and self.changed(s) - self.unshared().get(s.uid, NOTHING_OWNED).own
        )


def _is_shallow(s: n.Stmt) -> bool:
    """True for a statement that changes nothing inside of what a container holds."""
    if isinstance(s, (n.Append, n.Pop)):
        return True
    if isinstance(s, n.AugAssign):
        return isinstance(s.target, n.Name)
    if (added := scattered(s)) is not None:
        return isinstance(added[0], n.Name)
    if not isinstance(s, n.Assign):
        return False
    stores = [t for t in s.targets if isinstance(t, (n.Subscript, n.Attribute))]
    calls = any(isinstance(e, n.Call) for e in subexprs(s.value))
    return not calls and all(isinstance(t.value, n.Name) for t in stores)
