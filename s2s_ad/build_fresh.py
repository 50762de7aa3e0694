"""Which calls make something new, and which may give a part or a view of what they are given.

Takes calls of a subject, requires `rules`, `build_subject`, `analysis`.
"""

from __future__ import annotations

from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import bound_names, names, stmt_exprs, walk_stmts
from s2s_ad.rules import registry
from s2s_ad.transform.reading import flat, stored_into

# functions and methods whose result may be, or be a view of, what they are given
VIEWS = frozenset(
    "reshape transpose ravel broadcast_to broadcast_arrays squeeze expand_dims asarray asanyarray "
    "ascontiguousarray asfortranarray atleast_1d atleast_2d atleast_3d swapaxes moveaxis rollaxis "
    "diag diagonal real imag conj conjugate flip fliplr flipud rot90 split array_split hsplit "
    "vsplit dsplit view T permute_dims matrix_transpose nan_to_num item astype require float64 "
    "trim_zeros unbroadcast expand add spread split_like unstack as_number stop_gradient "
    "max min".split()
)
MAKERS = (list, dict, len, float, int, range, abs, sum)


def makes_new(subject: Subject, program: Program, e: n.Call) -> bool:
    """True for a call whose result shares storage with nothing."""
    path: list[str] = []
    root = e.func
    while isinstance(root, n.Attribute):
        path.append(root.attr)
        root = root.value
    if not isinstance(root, n.Name) or root.id in subject.locals:
        method = path[0] if path else ""
        known = method in ("copy", "fromkeys") or bool(registry.lookup_method(method))
        return known and method not in VIEWS
    found = SubjectWorld(subject, program).lookup(root.id)
    obj = found[0] if found else None
    for attr in reversed(path):
        obj = getattr(obj, attr, None)
    if obj is None or (getattr(obj, "__name__", "") in VIEWS and not program.subject(obj)):
        return False
    if any(obj is maker for maker in MAKERS) or registry.lookup(obj) or path[:1] == ["fromkeys"]:
        return True
    if str(getattr(obj, "__module__", "")).startswith("s2s_ad.runtime"):
        return True
    callee = program.subject(obj)
    return callee is not None and returns_new(program, callee)


def returns_new(program: Program, callee: Subject) -> bool:
    """True for a function whose result is always something it has made."""
    known = program.new_results
    if id(callee) not in known:
        known[id(callee)] = True  # of a recursive call: as all its other results are
        local = callee.locals
        body = callee.function.body
        held = reached(callee, program, body, {p.name for p in callee.function.params})
        known[id(callee)] = not any(
            names(s.value) & held or names(s.value) - local
            for s in walk_stmts(body)
            if isinstance(s, n.Return) and s.value and not holds_nothing(callee, program, s.value)
        )
    return known[id(callee)]


def reached(subject: Subject, program: Program, body: n.Block, start: set[str]) -> set[str]:
    """Return the variables that may hold a part of those in `start`, or of a global."""
    found = set(start)
    local = subject.locals
    size = -1
    while size < len(found):
        size = len(found)
        for s in walk_stmts(body):
            values = [e for e in stmt_exprs(s) if not holds_nothing(subject, program, e)]
            read = {x for e in values for x in names(e)}
            if read & found or read - local:
                grown = {s.stack} if isinstance(s, n.Append) else set()
                found |= bound_names((flat(s),)) | stored_into(s) | grown
    return found


def holds_nothing(subject: Subject, program: Program, e: n.Expr) -> bool:
    """True for an expression whose value holds nothing that was there before."""
    if isinstance(e, n.Call):
        kept = isinstance(e.func, n.Name) and e.func.id in ("list", "dict")
        return not kept and makes_new(subject, program, e)
    if isinstance(e, n.IfExp):
        return all(holds_nothing(subject, program, x) for x in (e.body, e.orelse))
    return isinstance(e, (n.Binary, n.Unary, n.Const, n.Compare))
