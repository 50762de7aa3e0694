"""Who else may see a container: what a statement without blocks does to that.

Takes expressions and what is known of them, gives how much of their values is new, and which
variables have a container behind a statement that no other name shares. Requires `ir`.

A store `x[i] = e` is followed when x is *unshared*: made in this function, and given to no other
name, container or callee since. One into what an item holds, `x[i][j] = e`, when x is *whole*:
nothing inside it can be seen under another name either. What is not proved is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from s2s_ad.analysis.flat import is_no_list
from s2s_ad.analysis.held import holds_plain_items, is_count, paired, scattered, seen_through
from s2s_ad.analysis.indexing import picks
from s2s_ad.analysis.owned import NOBODY, Names, Owned
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    Array,
    DictOf,
    Kind,
    ListOf,
    Number,
    TupleOf,
    is_immutable,
    is_vector,
)
from s2s_ad.ir.walk import (
    container_of,
    names,
    stmt_exprs,
    target_names,
)
from s2s_ad.rules.sharing import FIRST, METHOD_VIEW, NEW, SHARES, VIEW, WHOLLY_NEW

# methods that change a container and give nothing of it away
CHANGES = frozenset("append clear extend insert pop remove reverse sort update".split())

# attributes of arrays that are views of them
TURNED = ("T", "mT", "real")
CONTAINERS = (ListOf, TupleOf, DictOf)

Newness = Callable[[n.Call], int]
KindOf = Callable[[n.Expr, int], Kind]


def store_root(target: n.Expr) -> str | None:
    """Return the variable whose element a target is, None when it is not an element."""
    if not isinstance(target, n.Subscript):
        return None
    while isinstance(target, n.Subscript):
        target = target.value
    return target.id if isinstance(target, n.Name) else None


class Sharing(ABC):
    """How what is owned changes as values are given to names, containers and callees.

    flat: variables whose containers hold numbers and arrays only. listless: variables that hold
    no list at any time. built: variables that hold a list until they give it away.
    """

    @property
    def flat(self) -> Names:
        return NOBODY

    @property
    def listless(self) -> Names:
        return NOBODY

    @property
    def built(self) -> Names:
        return NOBODY

    def __init__(self, newness: Newness) -> None:
        self.newness = newness

    @abstractmethod
    def kind(self, e: n.Expr) -> Kind:
        """Return the kind of an expression where it stands."""

    def simple(self, s: n.Stmt, own: Owned) -> Owned:
        """Return what is owned after a statement without blocks."""
        if isinstance(s, n.Assign):
            for target in s.targets:
                own = self.assigned(target, s.value, own)
            return own
        if isinstance(s, n.Pop):
            if isinstance(s.target, n.Name) and own.gives_whole(s.stack, s.target.id):
                return own.having(s.target.id, WHOLLY_NEW)
            return own.without(frozenset(target_names(s.target)))
        if scattered(s) is not None:
            return own
        if isinstance(s, n.AugAssign):
            return self.joined(s, own)
        if isinstance(s, n.Append):
            return self.appended(s, own)
        for e in stmt_exprs(s):
            own = self.shared(e, own)
        return own

    def assigned(self, target: n.Expr, value: n.Expr, own: Owned) -> Owned:
        if isinstance(target, n.Name):
            new = self.new(value)
            if isinstance(value, n.Name) and value.id in self.built & own.own:
                new = WHOLLY_NEW if value.id in own.whole else NEW
            own = self.shared(value, own)
            return own.having(target.id, new)
        if isinstance(target, (n.TupleExpr, n.ListExpr)):
            own = self.shared(value, own).without(frozenset(target_names(target)))
            for name, item in paired(target, value):
                own = own.having(name, self.new(item))
            if isinstance(value, n.Call) and self.new(value) == WHOLLY_NEW:
                # the results of a function of a library are apart from each other
                for name in target_names(target):
                    own = own.having(name, WHOLLY_NEW)
            return own
        return self.put(target, value, own)

    def joined(self, s: n.AugAssign, own: Owned) -> Owned:
        """Return what is owned after `x += e`, which may put the items of e into a list."""
        if s.op not in "+*|" or isinstance(self.kind(s.target), (Array, Number)):
            return own
        if store_root(s.target) in self.flat & own.own:
            # an item that is a number or an array stays one, and the sum is made here
            return own
        whole = self.is_plain(s.value) or self.new(s.value) == WHOLLY_NEW
        own = self.items_shared(s.value, own)
        root = container_of(s.target)
        return own if whole or not isinstance(root, n.Name) else own.opened(frozenset({root.id}))

    def put(self, target: n.Expr, value: n.Expr, own: Owned) -> Owned:
        """Return what is owned once a container holds the value of an expression."""
        root = container_of(target)
        if isinstance(self.kind(root), Array):
            # what is stored is copied
            return own
        whole = self.is_plain(value) or self.new(value) == WHOLLY_NEW
        if isinstance(value, n.Subscript) and container_of(value) == root:
            # an array copies a part of its own, a list holds an item twice
            own = self.joined_items(value, own)
        else:
            own = self.shared(value, own)
        return own if whole or not isinstance(root, n.Name) else own.opened(frozenset({root.id}))

    def appended(self, s: n.Append, own: Owned) -> Owned:
        return self.put(n.Subscript(n.Name(s.stack), n.Const("0", 0)), s.value, own)

    # -- expressions

    def is_plain(self, e: n.Expr) -> bool:
        """True for a value that nothing can change in place: a number, or a tuple of such."""
        return not isinstance(e, n.ListExpr) and is_immutable(self.kind(e))

    def new(self, e: n.Expr) -> int:
        """Return how much of the value of `e` is made by evaluating `e`."""
        if isinstance(e, n.Const):
            return WHOLLY_NEW
        if isinstance(e, (n.ListExpr, n.TupleExpr, n.DictExpr)):
            items = e.values if isinstance(e, n.DictExpr) else e.items
            parts = all(self.is_plain(item) or self.new(item) == WHOLLY_NEW for item in items)
            return WHOLLY_NEW if parts else NEW
        kind = self.kind(e)
        flat = holds_plain_items(kind)
        if isinstance(e, n.Unary):
            return WHOLLY_NEW
        if isinstance(e, n.Comprehension):
            anew = flat or self.is_made_anew(e, NOBODY) or self.has_new_rows(e)
            return WHOLLY_NEW if anew else NEW
        if isinstance(e, n.Binary):
            # `+` and `*` may join or repeat lists, which then share their items
            return NEW if self.may_join(e) and not flat else WHOLLY_NEW
        if isinstance(e, n.IfExp):
            return min(self.new(e.body), self.new(e.orelse))
        if isinstance(e, n.Subscript) and self.new(e.value) == WHOLLY_NEW:
            return WHOLLY_NEW
        if isinstance(e, n.Subscript) and isinstance(e.index, n.Slice):
            if isinstance(self.kind(e.value), ListOf):
                return WHOLLY_NEW if flat else NEW
            return SHARES
        if isinstance(e, n.Subscript) and isinstance(self.kind(e.value), Array):
            # an index that is an array or a list gathers: no view, but a copy
            return WHOLLY_NEW if picks(e.index, self.kind) else SHARES
        if isinstance(e, n.Attribute) and e.attr in TURNED:
            return self.new(e.value)
        if isinstance(e, n.Call) and (given := self.given(e)) is not None:
            other = (*CONTAINERS, Number)  # what NumPy makes an array of, it gives no view of
            makes_array = self.newness(e) == VIEW and isinstance(self.kind(given), other)
            return WHOLLY_NEW if makes_array else self.new(given)
        if isinstance(e, n.Call):
            found = SHARES if seen_through(e) is not None else self.newness(e)
            return WHOLLY_NEW if found == NEW and flat else max(found, SHARES)
        return SHARES

    def has_new_rows(self, e: n.Comprehension) -> bool:
        """True for a list of lists of numbers that are copies: `[row[:] for row in rows]`."""
        kind = self.kind(e)
        if not isinstance(kind, ListOf) or not isinstance(kind.item, ListOf):
            return False
        element = e.element
        cut = isinstance(element, n.Subscript) and isinstance(element.index, n.Slice)
        made = isinstance(element, n.Binary) or (
            isinstance(element, n.Call) and self.newness(element) > SHARES
        )
        return (cut or made) and holds_plain_items(kind.item)

    def is_made_anew(self, e: n.Expr, bound: Names) -> bool:
        """True when each evaluation of `e` makes all of its value. bound: names that are not the
        variables of the function, of whose kinds nothing is known."""
        if isinstance(e, n.Const):
            return True
        if isinstance(e, n.Comprehension):
            inner = frozenset(x for c in e.clauses for x in target_names(c.target))
            return self.is_made_anew(e.element, bound | inner)
        if isinstance(e, (n.ListExpr, n.TupleExpr, n.DictExpr)):
            items = e.values if isinstance(e, n.DictExpr) else e.items
            return all(self.is_made_anew(item, bound) for item in items)
        repeated = e.left if isinstance(e, n.Binary) and e.op == "*" else None
        if isinstance(repeated, n.ListExpr) and all(isinstance(x, n.Const) for x in repeated.items):
            return True
        if names(e) & bound:
            return isinstance(e, n.Binary) and e.op not in "+*|"
        return self.is_plain(e) or self.new(e) == WHOLLY_NEW

    def may_join(self, e: n.Binary) -> bool:
        """True for an operation that may be one of lists, not of numbers."""
        kinds = (self.kind(e.left), self.kind(e.right))
        sure = any(isinstance(k, (Array, Number)) and not is_count(k) for k in kinds)
        return e.op in "+*" and not sure and not is_no_list(e, self.listless, self.kind)

    def shared(self, e: n.Expr, own: Owned) -> Owned:
        """Return what is still unshared when the value of `e` goes somewhere else."""
        if self.is_plain(e):
            return own
        if isinstance(e, n.Name):
            return own.without(frozenset({e.id}))
        if isinstance(e, n.Subscript):
            return own if self.new(e) == WHOLLY_NEW else self.part_shared(e, own)
        if isinstance(e, n.Attribute):
            return own if e.attr == "shape" else self.shared(e.value, own)
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
        elif isinstance(e, n.Comprehension):
            if not isinstance(e.element, n.Const) and self.new(e) != WHOLLY_NEW:
                own = own.without(frozenset(names(e)))
        elif isinstance(e, n.Binary):
            if self.new(e) != WHOLLY_NEW:
                own = self.joined_items(e.right, self.joined_items(e.left, own))
        elif isinstance(e, n.Call):
            own = self.call_shared(e, own)
        return own

    def given(self, e: n.Call) -> n.Expr | None:
        """Return what `unbroadcast(g, like)` or `np.reshape(g, shape)` gives or views, g."""
        found = self.newness(e)
        if found == METHOD_VIEW and isinstance(e.func, n.Attribute):
            return e.func.value if isinstance(self.kind(e.func.value), Array) else None
        if found not in (FIRST, VIEW) or not e.args or isinstance(e.args[0], n.Starred):
            return None
        return e.args[0]

    def call_shared(self, e: n.Call, own: Owned) -> Owned:
        found = self.new(e)
        if found == WHOLLY_NEW:
            return own
        if (given := self.given(e)) is not None:
            return self.shared(given, own)
        go = self.items_shared if found == NEW else self.shared
        if isinstance(e.func, n.Attribute) and e.func.attr not in CHANGES:
            copied = found == NEW and e.func.attr == "copy"
            own = (self.joined_items if copied else go)(e.func.value, own)
        for item in (*e.args, *(k.value for k in e.keywords)):
            own = (go if seen_through(item) is None else self.items_shared)(item, own)
        return own

    def part_shared(self, e: n.Subscript, own: Owned) -> Owned:
        """Return what is still unshared when an element goes somewhere else.

        A part of an array is a view of it; an item of a list says nothing of the list.
        """
        root: n.Expr = e
        while isinstance(root, n.Subscript):
            root = root.value
        if isinstance(root, n.Name) and isinstance(self.kind(root), CONTAINERS):
            return own.opened(frozenset({root.id}))
        return self.shared(root, own)

    def items_shared(self, e: n.Expr, own: Owned) -> Owned:
        """Return what is still unshared when the items of `e` go somewhere else."""
        e = seen_through(e) or e
        if isinstance(e, n.Name) and isinstance(self.kind(e), CONTAINERS):
            return own if holds_plain_items(self.kind(e)) else own.opened(frozenset({e.id}))
        if is_vector(self.kind(e)):
            return own  # numbers
        return self.shared(e, own)

    def joined_items(self, e: n.Expr, own: Owned) -> Owned:
        """Return what is still unshared once a list has the items of `e`, if that is a list.

        If it is an array, a sum or a copy of it shares nothing.
        """
        if isinstance(e, n.Name) and not isinstance(self.kind(e), CONTAINERS):
            return own.opened(frozenset({e.id}))
        root = container_of(e) if isinstance(e, n.Subscript) else None
        if isinstance(root, n.Name):
            return own.opened(frozenset({root.id}))
        return self.items_shared(e, own)
