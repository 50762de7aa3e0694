"""Names for what the transformations create: readable, and never one the user has.

Takes the names in use, gives fresh ones; requires nothing.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Hashable, Iterable

# those of Python alone: an interactive session, or a doctest, puts more names there
BUILTINS = frozenset(
    name for name, x in vars(builtins).items() if getattr(x, "__module__", "") == "builtins"
) | {"Ellipsis", "NotImplemented"}
RETURNED = "return"  # among the outputs of a function: what it returns

_KEPT = re.compile(r"(.*)_saved(\d*)\Z")
_MARKED = re.compile(r"(.*_(?:bar|dot))(\d*)\Z")


def plain_name(name: str) -> str:
    """Return the name of a function without what ours says of how it is called.

    >>> plain_name("step that leaves u, v"), plain_name("step")
    ('step', 'step')
    """
    return name.partition(" ")[0]


class Names:
    """An allocator of variable names. The same requests in the same order give the same names.

    taken: the names in use, to which others may be added. made: those of them that were given.
    """

    def __init__(self, taken: Iterable[str] = (), made: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.made = set(made)

    @property
    def taken(self) -> set[str]:
        return self._taken

    @taken.setter
    def taken(self, names: set[str]) -> None:
        self._taken = names
        # by what was wanted, the last number that was given: all in front of it are in use
        self._last: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """Return `wanted`, or `wanted2`, `wanted3`, ... when it is in use; it then is in use."""
        number = self._last.get(wanted, 1)
        name = wanted if number == 1 else f"{wanted}{number}"
        while name in self._taken or keyword.iskeyword(name):
            number += 1
            name = f"{wanted}{number}"
        self._last[wanted] = number
        self._taken.add(name)
        self.made.add(name)
        return name

    def fresh_value(self, wanted: str) -> str:
        """Return a name for a value: where `ratio_dot` is in use, `ratio2_dot`."""
        stem = wanted.removesuffix("_dot")
        if stem == wanted:
            return self.fresh(wanted)
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = marked(f"{stem}{number}", "dot")
        return self.fresh(name)


class BlockNames:
    """Names for variables of blocks: one is used again in a block that is apart from the others.

    new: gives a name that is not in use. path: the block that names are for now, as places in those
    that it is in.
    """

    def __init__(self, new: Callable[[str], str]) -> None:
        self.new = new
        self.path: tuple[int, ...] = ()
        self.made: dict[tuple[str, Hashable], dict[str, list[tuple[int, ...]]]] = {}

    def fresh(self, wanted: str, sort: Hashable = None) -> str:
        """Return a name for a variable of this sort in the block that names are for now."""
        made = self.made.setdefault((wanted, sort), {})
        for name, paths in made.items():
            if not any(_nested(path, self.path) for path in paths):
                paths.append(self.path)
                return name
        name = self.new(wanted)
        made[name] = [self.path]
        return name


def _nested(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """True when one of two blocks is inside the other, or they are the same."""
    size = min(len(a), len(b))
    return a[:size] == b[:size]


def is_marked(name: str, mark: str) -> bool:
    """True for the name of an adjoint or a tangent, that of an item included.

    >>> is_marked("x_item_bar2", "bar"), is_marked("x_bar", "dot"), is_marked("bar", "bar")
    (True, False, False)
    """
    found = _MARKED.match(name)
    return found is not None and found[1].endswith(f"_{mark}")


def marked(name: str, mark: str) -> str:
    """Return the name of the adjoint (mark `bar`) or tangent (`dot`) of a variable.

    >>> marked("x", "bar"), marked("x_bar", "dot"), marked("x_bar", "bar")
    ('x_bar', 'x_bar_dot', 'x_bar2')
    >>> marked("x_saved", "dot")
    'x_dot_saved'
    """
    kept = _KEPT.match(name)
    if kept:
        return f"{marked(kept[1], mark)}_saved{kept[2]}"
    again = _MARKED.match(name)
    if again and again[1].endswith(f"_{mark}"):
        return f"{again[1]}{int(again[2] or 1) + 1}"
    return f"{name}_{mark}"
