"""Whether an expression of a generated function may be left out, or evaluated again.

Takes a prepared function, gives a test for the expressions of what is made of it; requires
`build_prepare`, `rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2s_ad.build_prepare import Prepared
from s2s_ad.build_subject import SubjectWorld
from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import subexprs
from s2s_ad.rules import registry
from s2s_ad.runtime import as_number

# builtins that only build or measure: dropping a call of one changes nothing
HARMLESS = frozenset(
    "len range list dict tuple zip enumerate reversed slice isinstance set sorted str".split()
)


def without_effect(prepared: Prepared) -> Callable[[n.Expr], bool]:
    """Return a test for expressions without effect: no call but of functions known by rule."""
    objects = prepared.program.linker.objects
    subject = prepared.subject
    world = SubjectWorld(subject, prepared.program)

    def known(e: n.Call) -> bool:
        func = e.func
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
        return all(
            known(x) if isinstance(x, n.Call) else not isinstance(x, n.NamedExpr)
            for x in subexprs(e)
        )

    return pure
