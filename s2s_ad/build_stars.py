"""Functions with `*args` and `**kwargs`, written out for the arguments of a particular call.

Takes a Function and how many arguments its star parameters receive, gives one with plain
parameters: what a wrapper passes on becomes visible. Requires `ir`.

    def wrapper(*args, **kwargs):               def wrapper(args0, args1, rate):
        return 2.0 * f(*args, **kwargs)     →       return 2.0 * f(args0, args1, rate=rate)
"""

from __future__ import annotations

from collections.abc import Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, assigned, map_block, map_parts, names, walk_stmts


def has_stars(function: n.Function) -> bool:
    return any(p.kind in ("star", "double_star") for p in function.params)


def extra_positional(function: n.Function, given: int) -> int:
    """Return how many of `given` positional arguments a star parameter takes."""
    plain = sum(1 for p in function.params if p.kind in ("normal", "positional_only"))
    star = any(p.kind == "star" for p in function.params)
    return max(0, given - plain) if star else 0


def extra_keywords(function: n.Function, names: Sequence[str]) -> tuple[str, ...]:
    """Return which keyword arguments a double-star parameter takes."""
    own = {p.name for p in function.params if p.kind in ("normal", "keyword_only")}
    double = any(p.kind == "double_star" for p in function.params)
    return tuple(name for name in names if name not in own) if double else ()


def written_out(
    function: n.Function, positional: Sequence[str], keywords: Sequence[str]
) -> n.Function | None:
    """Return `function` with named parameters in place of its star parameters.

    None when the function binds a star parameter itself or a name would clash.
    """
    stars = {p.name: p.kind for p in function.params if p.kind in ("star", "double_star")}
    local = assigned(function.body)
    plain = {p.name for p in function.params if p.name not in stars}
    new = [*positional, *keywords]
    if local & (stars.keys() | set(new)) or plain & set(new) or len(set(new)) < len(new):
        return None
    params: list[n.Param] = []
    for p in function.params:
        if p.kind == "star":
            params.extend(n.Param(name) for name in positional)
        elif p.kind == "double_star":
            params.extend(n.Param(name, None, "keyword_only") for name in keywords)
        else:
            params.append(p)

    keys = tuple(n.Const(repr(name), name) for name in keywords)
    packed: dict[str, n.Expr] = {
        "star": n.TupleExpr(tuple(n.Name(name) for name in positional)),
        "double_star": n.DictExpr(keys, tuple(n.Name(name) for name in keywords)),
    }
    changed = _changed(function) & stars.keys()

    def rewritten(e: n.Expr) -> n.Expr:
        if isinstance(e, n.Name) and e.id in stars.keys() - changed:
            return packed[stars[e.id]]
        if isinstance(e, n.Call):
            return _call(e)
        return e

    body = map_block(function.body, lambda s: (map_parts(s, rewritten),))
    # one that the function changes is the tuple or dict it is, not written out where it is read
    start = tuple(n.Assign((n.Name(name),), packed[stars[name]]) for name in sorted(changed))
    return replace(function, params=tuple(params), body=(*start, *body))


def _changed(function: n.Function) -> set[str]:
    """Return the names whose items the function stores into, or that it calls a method on."""
    found: set[str] = set()
    for s in walk_stmts(function.body):
        places = s.targets if isinstance(s, (n.Assign, n.Delete)) else ()
        places = (s.target,) if isinstance(s, n.AugAssign) else places
        for x in all_parts(s):
            func = x.func if isinstance(x, n.Call) else None
            if isinstance(func, n.Attribute) and func.attr not in _READING:
                found |= names(func.value)
        for place in places:
            if isinstance(place, n.Subscript):
                found |= names(place.value)
    return found


_READING = frozenset("copy count get index items keys values".split())


def _call(e: n.Call) -> n.Call:
    """Write out the tuples and dicts that a call passes on with stars."""
    args: list[n.Expr] = []
    for a in e.args:
        if isinstance(a, n.Starred) and isinstance(a.value, n.TupleExpr):
            args.extend(a.value.items)
        else:
            args.append(a)
    keywords: list[n.Keyword] = []
    for k in e.keywords:
        if k.name is None and isinstance(k.value, n.DictExpr) and None not in k.value.keys:
            for key, value in zip(k.value.keys, k.value.values):
                if not (isinstance(key, n.Const) and isinstance(key.value, str)):
                    return e
                keywords.append(n.Keyword(key.value, value))
        else:
            keywords.append(k)
    return n.Call(e.func, tuple(args), tuple(keywords))
