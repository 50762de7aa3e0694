"""What calls of user code do besides giving a value.

Takes callees with what is known of their arguments, gives whether they are pure. Requires
`build_fresh`, `analysis`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2s_ad.analysis.aliasing import CHANGES, store_root
from s2s_ad.analysis.effects import only_tells
from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.owned import NOTHING_OWNED, Owned
from s2s_ad.analysis.ownership import ownership
from s2s_ad.build_fresh import newness
from s2s_ad.build_subject import Subject
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.kinds import UNKNOWN, Array, DictOf, Kind, ListOf, Unknown, is_immutable
from s2s_ad.ir.walk import all_parts, container_of, walk_stmts

if TYPE_CHECKING:
    from s2s_ad.build_program import Program


def has_no_effect(subject: Subject, program: Program, facts: Facts, again: bool) -> bool:
    """True when a function, called with what `facts` know of its arguments, changes nothing.

    again: and gives the same whenever it is called so.
    """
    body = subject.function.body

    def kind(e: n.Expr, uid: int) -> Kind:
        return facts.value(e, uid).kind if uid in facts.before else UNKNOWN

    owned = ownership(body, lambda e: newness(subject, program, e), kind)
    return all(
        _leaves_all_as_it_was(s, owned.get(s.uid, NOTHING_OWNED), facts, again)
        for s in walk_stmts(body)
        if s.uid in facts.before
    )


def is_followed(subject: Subject, program: Program, body: n.Block, facts: Facts) -> bool:
    """True when nothing that varies is put where other names may see it, as through an alias or by
    a call: what `facts` know to vary is all that does then. body: of the subject, in some form."""

    def kind(e: n.Expr, uid: int) -> Kind:
        return facts.value(e, uid).kind if uid in facts.before else UNKNOWN

    owned = ownership(body, lambda e: newness(subject, program, e), kind)
    for s in walk_stmts(body):
        env = facts.before.get(s.uid, {})
        varies = any(name in env and env[name].varied for name in said_by(s))
        own = owned.get(s.uid, NOTHING_OWNED)
        if varies and not _leaves_all_as_it_was(s, own, facts, again=False, guarded=False):
            return False
    return True


def _leaves_all_as_it_was(
    s: n.Stmt, owned: Owned, facts: Facts, again: bool, guarded: bool = True
) -> bool:
    own = owned.own
    if isinstance(s, (n.Append, n.Pop)) and s.stack not in own:
        return False
    if isinstance(s, n.Delete) and any(not isinstance(t, n.Name) for t in s.targets):
        return False
    if isinstance(s, n.Global):
        return False
    targets = s.targets if isinstance(s, n.Assign) else ()
    if isinstance(s, n.AugAssign):
        targets = (s.target,)
        name = s.target.id if isinstance(s.target, n.Name) else None
        if name is not None and name not in own:
            # what may be an array is made sure to be a number (`build_updates`)
            kind = facts.value(s.target, s.uid).kind
            rebinds = is_immutable(kind) or (guarded and isinstance(kind, Unknown))
            return rebinds and _calls_are_pure(s, facts, again, own)
    for target in targets:
        parts = target.items if isinstance(target, (n.TupleExpr, n.ListExpr)) else (target,)
        for part in parts:
            if not isinstance(part, (n.Subscript, n.Attribute)):
                continue
            deep = not isinstance(part.value, n.Name) or isinstance(s, n.AugAssign)
            if store_root(part) not in (owned.whole if deep else own):
                return False
    return _calls_are_pure(s, facts, again, own)


def _calls_are_pure(s: n.Stmt, facts: Facts, again: bool, own: frozenset[str]) -> bool:
    reader, env = facts.reader(s.uid), facts.before.get(s.uid, {})
    for x in all_parts(s):
        if again and reader.may_be_rebound(x, env):
            return False
        if isinstance(x, n.Call) and not reader.is_pure(x, env, again):
            if _changes_own(x, s, facts, own):
                continue
            found = reader.object_of(x.func, env)
            tells = found is not None and only_tells(found[0])
            if not (tells and isinstance(s, n.ExprStmt)):
                return False
    return True


def _changes_own(e: n.Call, s: n.Stmt, facts: Facts, own: frozenset[str]) -> bool:
    """True for a call that changes an array, a list or a dict of the function's own, and nothing
    else."""
    added = scattered(s)
    if added is not None and isinstance(s, n.ExprStmt) and e is s.value:
        root = container_of(added[0])
        flat = root is added[0] or isinstance(facts.value(root, s.uid).kind, Array)
        return isinstance(root, n.Name) and root.id in own and flat
    if not isinstance(e.func, n.Attribute) or not isinstance(e.func.value, n.Name) or e.keywords:
        return False
    holder = e.func.value
    kind = facts.value(holder, s.uid).kind
    return holder.id in own and isinstance(kind, (DictOf, ListOf)) and e.func.attr in CHANGES
