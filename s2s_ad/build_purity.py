"""Whether an expression of a generated function may be left out, or evaluated again.

Takes a function of the user, gives a test for the expressions of what is made of it; requires
`build_subject`, `rules`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from s2s_ad.build_program import Program
from s2s_ad.build_subject import Subject, SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, is_immutable
from s2s_ad.ir.walk import inside, walk_stmts
from s2s_ad.rules import registry
from s2s_ad.runtime import as_number
from s2s_ad.transform.context import Context

# builtins that only build or measure: dropping a call of one changes nothing
HARMLESS = frozenset(
    "len range list dict tuple zip enumerate reversed slice isinstance set sorted str".split()
)


def without_effect(program: Program, subject: Subject) -> Callable[[n.Expr], bool]:
    """Return a test for expressions without effect: no call but of functions known by rule."""
    objects = program.linker.objects
    world = SubjectWorld(subject, program)

    @functools.cache
    def known(func: n.Expr) -> bool:
        if isinstance(func, n.Name):
            if objects.get(func.id) is as_number:
                return False  # it may refuse what it is given
            if func.id in HARMLESS and func.id not in objects:
                return True
            found = world.lookup(func.id)
            return found is not None and (
                bool(registry.lookup(found[0]))
                or str(getattr(found[0], "__module__", "")).startswith("s2s_ad.runtime")
            )
        if isinstance(func, n.Attribute):
            root: n.Expr = func
            path = []
            while isinstance(root, n.Attribute):
                path.append(root.attr)
                root = root.value
            if isinstance(root, n.Name) and (found := world.lookup(root.id)) is not None:
                obj: Any = found[0]
                for attr in reversed(path):
                    obj = getattr(obj, attr, None)
                return getattr(obj, "__self__", None) is dict or bool(registry.lookup(obj))
            return bool(registry.lookup_method(func.attr)) or func.attr == "fromkeys"
        return False

    def pure(e: n.Expr) -> bool:
        return not inside(e, n.NamedExpr) and all(known(x.func) for x in inside(e, n.Call))

    return pure


def repeatable(
    program: Program, contexts: Iterable[Context], pure: Callable[[n.Expr], bool]
) -> Callable[[n.Expr], bool]:
    """Return a test for expressions that have no effect, and the same value each time: those with
    calls of the user's functions too, where these are such."""
    once: dict[str, bool] = {}
    for context in contexts:
        for s in walk_stmts(context.function.body):
            for e in inside(s, n.Call):
                if isinstance(e.func, n.Name):
                    again = once.get(e.func.id, True) and context.is_pure(e, s)
                    once[e.func.id] = again
    for v in list(program.variants.values()):
        if v is not None and v.reverse:
            flat = all(is_immutable(x.kind) or isinstance(x.kind, Array) for _, x in v.values)
            once[v.reverse] = flat and program.has_no_effect(v.subject, v.values)

    @functools.cache
    def known(func: n.Expr) -> bool:
        own = isinstance(func, n.Name) and once.get(func.id, False)
        return own or pure(n.Call(func, ()))

    def repeatable(e: n.Expr) -> bool:
        return not inside(e, n.NamedExpr) and all(known(x.func) for x in inside(e, n.Call))

    return repeatable
