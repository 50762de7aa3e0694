"""Which stores of active values have a derivative: those into floats that no other name shares.

Takes a store with the facts around it, refuses what cannot be followed; requires `ir`, `analysis`.
"""

from __future__ import annotations

from s2s_ad.analysis.aliasing import store_root
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import UNKNOWN, Array, is_discrete, is_immutable
from s2s_ad.ir.walk import each_of
from s2s_ad.transform.context import Context


def check_store(context: Context, s: n.Stmt, target: n.Expr) -> None:
    """Refuse a store that cannot be followed."""
    root = store_root(target)
    _check_rounding(context, s, target)
    if root is None:
        message = "a store of an active value into an attribute"
        if context.owns_active(s, target):
            message = "a store into a part of an active value that is no variable"
        raise context.refuse(s, target, message, "use a variable")
    if isinstance(target, n.Subscript) and any(
        isinstance(x, n.Slice) for x in each_of(target.index)
    ):
        stored = context.kind(target.value, s.uid)
        if not isinstance(stored, Array):
            what = f"the list `{root}`" if stored != UNKNOWN else f"`{root}`, maybe a list"
            hint = context.or_tell("store item by item")
            raise context.refuse(s, target, f"a store into a slice of {what}", hint)
    owned = context.unshared_among_living().get(s.uid, NOTHING_OWNED)
    if root not in owned.own:
        hint = f"store into a copy made in this function: `{root} = {root}.copy()`"
        hint = context.or_tell(hint)
        message = f"a store into `{root}`, which other names may share"
        raise context.refuse(s, target, message, hint)
    if root not in owned.whole and _changes_an_item(context, s, target, root):
        hint = context.or_tell("give the item a name, or store a new item")
        message = f"a store into an item of `{root}`, which other names may share"
        raise context.refuse(s, target, message, hint)


def _changes_an_item(context: Context, s: n.Stmt, target: n.Expr, root: str) -> bool:
    """True when a store changes, in place, something that the container `root` holds."""
    if isinstance(context.kind(n.Name(root), s.uid), Array):
        return False
    deep = isinstance(target, n.Subscript) and isinstance(target.value, n.Subscript)
    return deep or (isinstance(s, n.AugAssign) and not is_immutable(context.kind(target, s.uid)))


def _check_rounding(context: Context, s: n.Stmt, target: n.Expr) -> None:
    """Refuse a store into an array of whole numbers, which keeps no more than these."""
    value = s.value if isinstance(s, (n.Assign, n.AugAssign)) else None
    owner = target.value if isinstance(target, n.Subscript) else None
    if value is None or owner is None or not context.facts.varied(value, s.uid):
        return
    kind = context.kind(owner, s.uid)
    if isinstance(kind, Array) and is_discrete(kind):
        raise context.refuse(
            s,
            target,
            "a store of an active value into an array of whole numbers, which rounds it",
            "make it an array of floats, or store `int(...)` of the value if that is meant",
        )
