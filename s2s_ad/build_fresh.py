"""Which calls make something new, and which may give a part or a view of what they are given.

Takes calls of a subject, requires `rules`, `build_subject`, `analysis`.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.analysis.effects import is_pure_object
from s2s_ad.analysis.flow import interpret
from s2s_ad.analysis.observe import known_object
from s2s_ad.analysis.owned import NOTHING_OWNED
from s2s_ad.analysis.ownership import ownership
from s2s_ad.analysis.values import Value
from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by, sole_target
from s2s_ad.ir.kinds import UNKNOWN, Kind, is_immutable
from s2s_ad.ir.walk import blocks, bound_names, children, names, stmt_exprs, walk_stmts
from s2s_ad.rules import registry, sharing
from s2s_ad.rules.sharing import NEW, SHARES, VIEW, WHOLLY_NEW
from s2s_ad.transform.reading import flat, stored_into

_GOES_THROUGH = (enumerate, reversed, zip)


def newness(subject: Subject, program: Program, e: n.Call) -> int:
    """Return how much of what a call returns shares storage with nothing."""
    obj = called(subject, program, e)
    if obj is None:
        method = e.func.attr if isinstance(e.func, n.Attribute) else ""
        known = method in sharing.CONTAINERS or bool(registry.lookup_method(method))
        if any(k.name in (None, "copy") and not _is_true(k.value) for k in e.keywords):
            return SHARES
        of_value = is_method(subject, e) or _is_of_ours(subject, program, e)
        return sharing.newness_of_method(method) if known and of_value else SHARES
    callee = None if registry.lookup(obj) else program.subject(obj)
    if callee is not None:
        if not returns_new(program, callee):
            return SHARES
        return WHOLLY_NEW if returns_apart(program, callee) else NEW
    return newness_of_object(obj, e)


def called(subject: Subject, program: Program, e: n.Call) -> object:
    """Return the object that a call calls, None when it is not known."""
    path: list[str] = []
    root = e.func
    while isinstance(root, n.Attribute):
        path.append(root.attr)
        root = root.value
    if not isinstance(root, n.Name) or root.id in subject.locals:
        return None
    found = SubjectWorld(subject, program).lookup(root.id)
    obj = found[0] if found else None
    for attr in reversed(path):
        obj = getattr(obj, attr, None)
    return obj


def is_method(subject: Subject, e: n.Call) -> bool:
    """True for a call of a method of a value, as far as can be seen."""
    root = e.func
    while isinstance(root, n.Attribute):
        root = root.value
    return isinstance(e.func, n.Attribute) and (
        not isinstance(root, n.Name) or root.id in subject.locals
    )


def _is_text(args: tuple[n.Expr, ...]) -> bool:
    return any(isinstance(e, n.Const) and isinstance(e.value, str) for e in args)


def _is_of_ours(subject: Subject, program: Program, e: n.Call) -> bool:
    """True for a call of a method of a variable that is none of the user's."""
    root = e.func.value if isinstance(e.func, n.Attribute) else None
    return isinstance(root, n.Name) and SubjectWorld(subject, program).lookup(root.id) is None


def newness_of_object(obj: object, e: n.Call) -> int:
    """Return how much is new of what a call of a library function returns."""
    name = str(getattr(obj, "__name__", ""))
    home = str(getattr(obj, "__module__", ""))
    if home.startswith("s2s_ad.runtime"):
        return sharing.newness_of_helper(name)
    if home == "builtins" or obj == dict.fromkeys:
        return sharing.newness_of_builtin(name)
    if name in sharing.CONTAINERS and home.partition(".")[0] == "numpy":
        return WHOLLY_NEW  # an array, not a container of what there was
    if any(k.name in (None, "buffer", "copy") and not _is_true(k.value) for k in e.keywords):
        return SHARES  # `np.array(x, copy=False)` may be `x` itself
    if obj is np.ndarray and len(e.args) > 2:
        return SHARES  # the third argument is the storage
    starred = any(isinstance(a, n.Starred) for a in e.args)
    args = 1 if starred else len(e.args)
    if obj is np.einsum and not starred and not _is_text(e.args[:1]):
        args = 1 + args // 2  # each operand is followed by the list of its axes
    if obj is np.diff and any(k.name == "n" for k in e.keywords):
        args += 1
    return sharing.newness_of_function(name, args) if registry.lookup(obj) else SHARES


def _is_true(e: n.Expr) -> bool:
    return isinstance(e, n.Const) and e.value is True


def makes_new(subject: Subject, program: Program, e: n.Call) -> bool:
    """True for a call whose result, the outermost container, shares storage with nothing."""
    return newness(subject, program, e) > SHARES


def returns_new(program: Program, callee: Subject) -> bool:
    """True for a function whose result is always something it has made."""
    known = program.new_results
    if id(callee) not in known:
        known[id(callee)] = True  # of a recursive call: as all its other results are
        local = callee.locals
        body = callee.function.body
        params = {p.name for p in callee.function.params}
        held = reached(callee, program, body, params - _renewed(callee, program))
        known[id(callee)] = not any(
            names(s.value) & held or names(s.value) - local
            for s in walk_stmts(body)
            if isinstance(s, n.Return) and s.value and not holds_nothing(callee, program, s.value)
        )
    return known[id(callee)]


def returns_apart(program: Program, callee: Subject) -> bool:
    """True for a function whose result is a tuple of things that it has made, each by itself."""
    known = program.apart_results
    if id(callee) not in known:
        known[id(callee)] = False  # of a recursive call
        body = callee.function.body
        ends = [s for s in walk_stmts(body) if isinstance(s, n.Return)]
        if not ends or not all(isinstance(s.value, n.TupleExpr) for s in ends):
            return False
        nothing = {p.name: Value(UNKNOWN, True) for p in callee.function.params}
        facts = interpret(callee.function, nothing, SubjectWorld(callee, program), callee.locals)

        def kind(e: n.Expr, uid: int) -> Kind:
            return facts.value(e, uid).kind if uid in facts.before else UNKNOWN

        owned = ownership(body, lambda e: newness(callee, program, e), kind)

        def is_alone(e: n.Expr, uid: int) -> bool:
            if isinstance(e, n.Name):
                return e.id in owned.get(uid, NOTHING_OWNED).whole
            return not isinstance(e, n.Subscript) and holds_nothing(callee, program, e)

        known[id(callee)] = all(
            isinstance(s.value, n.TupleExpr)
            and len(set(s.value.items)) == len(s.value.items)
            and all(is_alone(e, s.uid) for e in s.value.items)
            for s in ends
        )
    return known[id(callee)]


def hands_on(subject: Subject, program: Program, e: n.Call) -> bool:
    """True for a call of a function that returns what it made, or what it was given."""
    obj = called(subject, program, e)
    if obj is None or is_method(subject, e):
        return False
    if is_pure_object(obj):
        return True
    callee = program.subject(obj)
    return callee is not None and returns_own(program, callee)


def _renewed(callee: Subject, program: Program) -> set[str]:
    """Return the parameters that a function gives something new before all else: `x = x.copy()`."""
    found: set[str] = set()
    seen: set[str] = set()
    for s in callee.function.body:
        name = sole_target(s)
        if name is None or any(blocks(s)) or not isinstance(s, n.Assign):
            break
        # what we copy so holds nothing but numbers
        flat_copy = s.value == n.Call(n.Attribute(n.Name(name), "copy"), ())
        own = callee.is_generated or name in callee.copied
        if name not in seen and (holds_nothing(callee, program, s.value) or (flat_copy and own)):
            found.add(name)
        seen |= said_by(s) - found
    return found


def returns_own(program: Program, callee: Subject) -> bool:
    """True for a function that returns nothing that globals hold."""
    known = program.own_results
    if id(callee) not in known:
        known[id(callee)] = True  # of a recursive call: as all its other results are
        body = callee.function.body
        held: set[str] = set()
        size = -1
        while size < len(held):
            size = len(held)
            for s in walk_stmts(body):
                if any(_is_global(callee, program, e, held) for e in stmt_exprs(s)):
                    grown = {s.stack} if isinstance(s, n.Append) else set()
                    held |= bound_names((flat(s),)) | stored_into(s) | grown
        known[id(callee)] = not any(
            _is_global(callee, program, s.value, held)
            for s in walk_stmts(body)
            if isinstance(s, n.Return) and s.value
        )
    return known[id(callee)]


def _is_global(subject: Subject, program: Program, e: n.Expr, held: set[str]) -> bool:
    """True for an expression whose value may be, or hold, what globals hold or `held` names."""
    if holds_nothing(subject, program, e):
        return False
    if isinstance(e, n.Name) and e.id not in subject.locals:
        found = SubjectWorld(subject, program).lookup(e.id)
        return found is None or not is_immutable(known_object(found[0]))
    if isinstance(e, n.Name):
        return e.id in held
    parts = children(e)
    if isinstance(e, n.Call):
        if not hands_on(subject, program, e) and called(subject, program, e) is not None:
            return True
        parts = (*e.args, *(k.value for k in e.keywords))
        if is_method(subject, e):
            parts = (e.func, *parts)
    return any(_is_global(subject, program, part, held) for part in parts)


def reached(
    subject: Subject, program: Program, body: n.Block, start: set[str], with_globals: bool = True
) -> set[str]:
    """Return the variables that may hold a part of those in `start`, or of a global."""
    found = set(start)
    local = subject.locals
    size = -1
    while size < len(found):
        size = len(found)
        for s in walk_stmts(body):
            read = {x for e in _taken(s) for x in held_by(subject, program, e)}
            if read & found or (with_globals and read - local):
                grown = {s.stack} if isinstance(s, n.Append) else set()
                found |= bound_names((flat(s),)) | stored_into(s) | grown
    return found


def _taken(s: n.Stmt) -> tuple[n.Expr, ...]:
    """Return what a statement takes its values from: all its expressions but what it binds."""
    if isinstance(s, n.Assign):
        return (s.value,)
    return (s.iter,) if isinstance(s, n.For) else stmt_exprs(s)


def held_by(subject: Subject, program: Program, e: n.Expr) -> frozenset[str]:
    """Return the variables and globals that the value of an expression may hold a part of."""
    if holds_nothing(subject, program, e):
        return frozenset()
    if isinstance(e, (n.TupleExpr, n.ListExpr)):
        return frozenset().union(*(held_by(subject, program, part) for part in children(e)))
    if isinstance(e, n.Subscript):
        return held_by(subject, program, e.value)
    obj = called(subject, program, e) if isinstance(e, n.Call) else None
    if isinstance(e, n.Call) and any(obj is x for x in _GOES_THROUGH):
        return frozenset().union(*(held_by(subject, program, part) for part in e.args))
    return names(e)


def holds_nothing(subject: Subject, program: Program, e: n.Expr) -> bool:
    """True for an expression whose value holds nothing that was there before."""
    if isinstance(e, n.Call):
        new = newness(subject, program, e)
        if new == VIEW:
            func = e.func
            if isinstance(func, n.Attribute) and is_method(subject, e):
                return holds_nothing(subject, program, func.value)
            return bool(e.args) and holds_nothing(subject, program, e.args[0])
        # what a function of the user returns is new all the way down, but may hold something twice
        obj = called(subject, program, e)
        return new == WHOLLY_NEW or (new == NEW and program.subject(obj) is not None)
    if isinstance(e, n.IfExp):
        return all(holds_nothing(subject, program, x) for x in (e.body, e.orelse))
    if isinstance(e, n.Subscript):
        return holds_nothing(subject, program, e.value)
    return isinstance(e, (n.Binary, n.Unary, n.Const, n.Compare))
