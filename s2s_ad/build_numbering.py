"""Numbers of generated names in the order in which a reader meets them.

Takes a generated function and the names of the user's variables, gives the function with `ratio`,
`ratio2`, `ratio3` in the order of its lines, without gaps; requires `ir`. Passes make and drop
temporaries in an order of their own, which is nobody's business. Temporaries of blocks that have
nothing to do with each other, such as the branches of an `if`, may have one name.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import count

from s2s_ad.build_subject import rename
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.names import BUILTINS
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    blocks,
    bound_here,
    bound_names,
    free_names,
    inside,
    names,
    stmt_exprs,
    subexprs,
    walk_stmts,
)

Path = tuple[tuple[int, int], ...]
"""Where a block is: each statement around it, and which of the blocks of that one it is in."""
_NUMBERED = re.compile(r"(.*?)(\d*)\Z")
_OF_VARIABLE = re.compile(r"(.+?)((?:_(?:bar|dot|saved)\d*)+)\Z")


def numbering(
    function: n.Function,
    users: AbstractSet[str],
    taken: AbstractSet[str] = frozenset(),
    again: bool = True,
) -> dict[str, str]:
    """Return what generated variables of a function are to be called, those that change.

    users: variables of the user's functions; they, and what is called after them (`x_bar` for x),
    keep their names. taken: other names that are not to be used. again: whether blocks apart from
    each other may use one name for two things.
    """
    if any(isinstance(s, (n.FunctionDef, n.Global)) for s in walk_stmts(function.body)):
        return {}
    params = {p.name for p in function.params}
    ours = bound_names(function.body) - params - users - taken - _bound_inside(function)
    taken = {*taken, *params, *users, *free_names(function), *BUILTINS, *keyword.kwlist}
    taken |= bound_names(function.body) - ours
    fixed = frozenset(taken)
    families: dict[str, list[str]] = {}
    derived: list[tuple[str, str, str]] = []
    for name in _in_order(function):
        of = _OF_VARIABLE.match(name)
        if name not in ours:
            continue
        if of is not None and of[1] in ours:
            derived.append((name, of[1], of[2]))
            continue
        stem = _NUMBERED.sub(r"\1", name)
        families.setdefault(stem, []).append(name)
    cores = {core for _, core, _ in derived}
    homes = _homes(function.body, ours - cores) if again else {}
    shared: dict[str, list[Path]] = {}
    called: dict[str, str] = {}
    for stem, members in families.items():
        of = _OF_VARIABLE.match(stem)
        if stem in ours and of is not None and of[1] in users:
            members.remove(stem)
            called[stem] = stem
            taken.add(stem)
        for name in members:
            home = homes.get(name)
            for number in count(1):
                new = stem if number == 1 else f"{stem}{number}"
                others = shared.get(new, ())
                if new not in taken or (home and others and all(_apart(home, x) for x in others)):
                    break
            taken.add(new)
            called[name] = new
            if home:
                shared.setdefault(new, []).append(home)
    # what belongs to a variable follows it
    called |= {name: called[core] + rest for name, core, rest in derived}
    joined = sum(len(several) - 1 for several in shared.values())
    if len(set(called.values())) < len(called) - joined or any(
        called[x] in fixed for x, _, _ in derived
    ):
        return {}
    return {old: new for old, new in called.items() if old != new}


def _homes(block: n.Block, temporaries: AbstractSet[str]) -> dict[str, Path]:
    """Return the innermost block around all that mentions a variable, of those that the first
    statement there gives a value: nothing of it goes into that block or comes out."""
    found: dict[str, Path] = {}
    first: dict[str, tuple[Path, n.Stmt]] = {}
    for path, s in _with_paths(block, ()):
        for name in said_by(s) & temporaries:
            first.setdefault(name, (path, s))
            home = found.get(name, path)
            same = (a for a, b in zip(home, path) if a == b)
            found[name] = tuple(same)
    if any(isinstance(s, n.Try) for s in walk_stmts(block)):
        return {}

    def begins(name: str) -> bool:
        path, s = first[name]
        plain = isinstance(s, n.Pop) or (isinstance(s, n.Assign) and name not in names(s.value))
        return path == found[name] and plain and name in bound_here(s)

    return {name: home for name, home in found.items() if home and begins(name)}


def _with_paths(block: n.Block, path: Path) -> Iterator[tuple[Path, n.Stmt]]:
    """Yield each statement after the block that it stands in."""
    for s in block:
        yield path, s
        for k, inner in enumerate(blocks(s)):
            yield from _with_paths(inner, (*path, (s.uid, k)))


def _apart(a: Path, b: Path) -> bool:
    """True for blocks neither of which is inside the other."""
    return any(x != y for x, y in zip(a, b))


def with_numbers(function: n.Function, numbers: Mapping[str, str]) -> n.Function:
    """Return the function with its variables, and the words on them, called anew."""
    if not numbers:
        return function
    words = re.compile(r"\b(" + "|".join(sorted(numbers)) + r")\b")

    def put(text: str) -> str:
        return words.sub(lambda match: numbers[match[1]], text)

    function = rename(function, {old: n.Name(new) for old, new in numbers.items()})
    head, gap, ledger = (function.docstring or "").partition("\n\n")
    return replace(function, docstring=head + gap + put(ledger) if ledger else function.docstring)


def _in_order(function: n.Function) -> list[str]:
    """Return the variables in the order of the text."""
    found: dict[str, None] = {}
    for s in walk_stmts(function.body):
        found.update(dict.fromkeys(x.id for x in inside(s, n.Name)))
    return list(found)


def _bound_inside(function: n.Function) -> set[str]:
    """Return the names that lambdas, comprehensions and handlers bind."""
    found: set[str] = set()
    for s in walk_stmts(function.body):
        if isinstance(s, n.Try):
            found |= {h.name for h in s.handlers if h.name}
        if isinstance(s, n.Import):
            found |= {name for name, _, _ in s.bindings}
        found |= {x for e in stmt_exprs(s) for x in _targets_in(e)}
    return found


def _targets_in(e: n.Expr) -> Iterator[str]:
    for x in subexprs(e):
        if isinstance(x, n.Lambda):
            yield from (p.name for p in x.params)
        elif isinstance(x, n.Comprehension):
            for clause in x.clauses:
                yield from (y.id for y in subexprs(clause.target) if isinstance(y, n.Name))
