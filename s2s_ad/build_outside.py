"""Whether user code changes what lies outside of it: globals and what they hold.

Takes a subject, looks at it and at what it calls; requires `build_fresh`. Where something is
changed, what is read of a global is read once, and kept as it was.
"""

from __future__ import annotations

from s2s_ad.analysis.effects import is_pure_method
from s2s_ad.build_fresh import called
from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import all_parts, container_of, each_of, walk_stmts


def writes_outside(program: Program, subject: Subject, seen: set[int] | None = None) -> bool:
    """True when a function, or one it calls, stores into something that is not its own."""
    seen = set() if seen is None else seen
    if id(subject) in seen:
        return False
    seen.add(id(subject))
    for s in walk_stmts(subject.function.body):
        if any(_root(t) not in (None, *subject.locals) for t in _stored(s)):
            return True
        for e in all_parts(s):
            if not isinstance(e, n.Call):
                continue
            obj = called(subject, program, e)
            if obj is not None:
                callee = program.subject(obj)
                if callee is not None and writes_outside(program, callee, seen):
                    return True
            method = e.func.attr if isinstance(e.func, n.Attribute) else ""
            held = isinstance(getattr(obj, "__self__", None), (list, dict, set))
            unknown = method and not is_pure_method(method) and (obj is None or held)
            if unknown and _root(e.func) not in (None, *subject.locals):
                return True
    return False


def _stored(s: n.Stmt) -> list[n.Expr]:
    if isinstance(s, (n.Append, n.Pop)):
        return [n.Attribute(n.Name(s.stack), "append")]
    targets = s.targets if isinstance(s, (n.Assign, n.Delete)) else ()
    targets = (s.target,) if isinstance(s, n.AugAssign) else targets
    parts = [x for t in targets for x in each_of(t)]
    return [x for x in parts if isinstance(x, (n.Subscript, n.Attribute))]


def _root(e: n.Expr) -> str | None:
    root = container_of(e)
    return root.id if isinstance(root, n.Name) else None
