"""Which functions of a module for numba are compiled into those that call them.

Takes the functions of the module, gives names; requires `ir`.

What a call costs by itself adds up in a loop: arrays that are passed are counted by atomic
instructions, tuples and errors are handed over in memory. LLVM leaves most of our halves as calls,
being of a middle size; what is large or recursive is better left so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import all_parts, walk_stmts

# statements, with those of what is compiled into it: the text of a caller grows by that per call
LARGE = 40


def inlined(functions: Sequence[n.Function]) -> frozenset[str]:
    """Return the names of the functions that are compiled into their callers.

    >>> leaf = n.Function("leaf", (), (n.Return(n.Const("1.0", 1.0)),))
    >>> call = n.Call(n.Name("leaf"), ())
    >>> again = n.Function("again", (), (n.Return(n.Call(n.Name("again"), (call,))),))
    >>> sorted(inlined([leaf, again]))
    ['leaf']
    """
    own = {f.name: f for f in functions}
    calls = {name: _calls(f, own) for name, f in own.items()}
    sizes: dict[str, int | None] = {name: None for name in own if _is_recursive(name, calls)}
    return frozenset(name for name in own if _size(name, own, calls, sizes) is not None)


def _size(
    name: str,
    own: Mapping[str, n.Function],
    calls: Mapping[str, tuple[str, ...]],
    sizes: dict[str, int | None],
) -> int | None:
    """Return the statements that stand for a call, None where it stays a call."""
    if name not in sizes:
        below = sum(_size(x, own, calls, sizes) or 0 for x in calls[name])
        size = below + sum(1 for _ in walk_stmts(own[name].body))
        sizes[name] = size if size <= LARGE else None
    return sizes[name]


def _is_recursive(name: str, calls: Mapping[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    waiting = list(calls[name])
    while waiting:
        found = waiting.pop()
        if found not in seen:
            seen.add(found)
            waiting.extend(calls[found])
    return name in seen


def _calls(f: n.Function, known: Collection[str]) -> tuple[str, ...]:
    """Return the functions that a function calls, one for each place."""
    parts = (e for s in walk_stmts(f.body) for e in all_parts(s))
    called = (e.func.id for e in parts if isinstance(e, n.Call) and isinstance(e.func, n.Name))
    return tuple(name for name in called if name in known)
