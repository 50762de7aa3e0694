"""Private names (`__x`) spelled as Python runs them inside a class: `_Class__x`.

Takes a function from the body of a class, gives it with the names that leave it written out,
so that it means the same outside of the class; requires `ir`.
"""

from __future__ import annotations

from s2s_ad.ir.remembered import replace

from ..ir.nodes import Attribute, Call, Expr, Function, FunctionDef, Name, Stmt
from ..ir.walk import bound_names, map_block, map_parts


def with_private_names(f: Function, owner: str) -> Function:
    """Write out the private names of class `owner` that `f` uses; its own variables stay short.

    >>> from ..ir.nodes import Param, Return
    >>> f = Function("f", (Param("self"),), (Return(Attribute(Name("self"), "__k")),))
    >>> with_private_names(f, "Rod").body[0].value.attr
    '_Rod__k'
    """
    return _written_out(f, f"_{owner.lstrip('_')}", frozenset())


def _written_out(f: Function, prefix: str, outer: frozenset[str]) -> Function:
    local = outer | bound_names(f.body) | {param.name for param in f.params}

    def spelled(name: str) -> str:
        private = name.startswith("__") and not name.endswith("__")
        return prefix + name if private else name

    def expression(e: Expr) -> Expr:
        if isinstance(e, Attribute):
            return replace(e, attr=spelled(e.attr)) if spelled(e.attr) != e.attr else e
        if isinstance(e, Name) and e.id not in local and spelled(e.id) != e.id:
            return Name(spelled(e.id))
        if isinstance(e, Call) and any(k.name and spelled(k.name) != k.name for k in e.keywords):
            keywords = tuple(replace(k, name=k.name and spelled(k.name)) for k in e.keywords)
            return replace(e, keywords=keywords)
        return e

    def statement(s: Stmt) -> list[Stmt]:
        s = map_parts(s, expression)
        if isinstance(s, FunctionDef):
            s = replace(s, function=_written_out(s.function, prefix, local))
        return [s]

    return replace(f, body=map_block(f.body, statement))
