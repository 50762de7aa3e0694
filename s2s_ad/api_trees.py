"""Nested tuples, lists and dicts of numbers and arrays, and the Jacobians between them.

Takes values, gives their structure (`Tree`), their entries as one vector, and back. Requires
numpy and the errors (layer 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from s2s_ad.errors import S2SError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[Any]"


class Leaf(NamedTuple):
    """A number (`shape` is None) or an array; `dtype` is what derivatives of it have."""

    shape: tuple[int, ...] | None
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        return math.prod(self.shape or ())


class Branch(NamedTuple):
    """A container: `kind` is its type, `make` builds it from a list of its items."""

    kind: type
    make: Callable[[list[Any]], Any]
    keys: tuple[Any, ...]
    items: tuple[Tree, ...]


Tree: TypeAlias = "Leaf | Branch"

FLOAT64 = np.dtype(np.float64)


def parts(value: Any) -> Branch | None:
    """Return the container that `value` is, its items unexamined; None when it is none."""
    if value is None:
        return Branch(type(None), lambda items: None, (), ())
    if isinstance(value, tuple):
        make = type(value)._make if hasattr(value, "_make") else type(value)
        return Branch(type(value), make, tuple(range(len(value))), value)
    if isinstance(value, list):
        return Branch(list, list, tuple(range(len(value))), tuple(value))
    if isinstance(value, dict):
        keys = tuple(value)
        return Branch(dict, lambda items: dict(zip(keys, items)), keys, tuple(value.values()))
    return None


def tree_of(value: Any, refuse: Callable[[Any, str], S2SError], where: str = "") -> Tree:
    """Return the structure of `value`.

    `refuse` makes the error for an entry that is not a real number; it is given the entry and
    its place in the value, such as `[0]['w']`.
    """
    branch = parts(value)
    if branch is not None:
        items = (
            tree_of(item, refuse, f"{where}[{key!r}]")
            for key, item in zip(branch.keys, branch.items)
        )
        return Branch(branch.kind, branch.make, branch.keys, tuple(items))
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return Leaf(value.shape, value.dtype if value.dtype.kind == "f" else FLOAT64)
    if isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool):
        return Leaf(None, value.dtype if isinstance(value, np.floating) else FLOAT64)
    raise refuse(value, where)


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Yield the leaves from left to right, the order of `flatten`."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        for item in tree.items:
            yield from leaves(item)


def size(tree: Tree) -> int:
    """Return how many numbers a value of this structure holds."""
    return sum(leaf.size for leaf in leaves(tree))


def double(tree: Tree) -> Tree:
    """Return the structure with double precision everywhere."""
    if isinstance(tree, Leaf):
        return Leaf(tree.shape, FLOAT64)
    return tree._replace(items=tuple(double(item) for item in tree.items))


def same_structure(a: Tree, b: Tree) -> bool:
    """Return whether values of `a` can be added to values of `b`, entry by entry."""
    if isinstance(a, Leaf) or isinstance(b, Leaf):
        return isinstance(a, Leaf) and isinstance(b, Leaf) and (a.shape or ()) == (b.shape or ())
    left, right = dict(zip(a.keys, a.items)), dict(zip(b.keys, b.items))
    return left.keys() == right.keys() and all(
        same_structure(item, right[key]) for key, item in left.items()
    )


def describe(tree: Tree) -> str:
    """Return the structure in words of Python, for messages.

    >>> describe(tree_of((1.0, [np.zeros(3)]), lambda value, where: S2SError("no")))
    '(number, [array of shape (3,)])'
    """
    if isinstance(tree, Leaf):
        return "number" if tree.shape is None else f"array of shape {tree.shape}"
    inner = [describe(item) for item in tree.items]
    if tree.kind is dict:
        return "{" + ", ".join(f"{key!r}: {text}" for key, text in zip(tree.keys, inner)) + "}"
    if tree.kind is list:
        return f"[{', '.join(inner)}]"
    if tree.kind is type(None):
        return "None"
    return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"


def flatten(tree: Tree, value: Any) -> Vector:
    """Return all entries of `value`, which has structure `tree`, as one vector.

    A derivative that is identically zero may come as a plain number or None where the structure
    has an array or a container: it stands for zeros.
    """
    pieces: list[Vector] = []
    _collect(tree, value, pieces)
    return np.concatenate(pieces) if pieces else np.zeros(0)


def _collect(tree: Tree, value: Any, pieces: list[Vector]) -> None:
    if isinstance(tree, Leaf):
        entry = np.asarray(0.0 if value is None else value)
        pieces.append(np.broadcast_to(entry, tree.shape or ()).ravel())
        return
    branch = parts(value)
    found = dict(zip(branch.keys, branch.items)) if branch else {}
    for key, item in zip(tree.keys, tree.items):
        _collect(item, found.get(key), pieces)


def build(tree: Tree, make: Callable[[Leaf, slice], Any]) -> Any:
    """Return a value of structure `tree`, each leaf made from its place in the vector."""
    return _build(tree, make, 0)[0]


def _build(tree: Tree, make: Callable[[Leaf, slice], Any], start: int) -> tuple[Any, int]:
    if isinstance(tree, Leaf):
        stop = start + tree.size
        return make(tree, slice(start, stop)), stop
    items = []
    for item in tree.items:
        made, start = _build(item, make, start)
        items.append(made)
    return tree.make(items), start


def unflatten(tree: Tree, vector: Vector) -> Any:
    """Return the value of structure `tree` whose entries are those of `vector`."""
    return build(tree, lambda leaf, place: entry(vector[place], leaf.shape, leaf.dtype))


def entry(vector: Vector, shape: tuple[int, ...] | None, dtype: np.dtype[Any]) -> Any:
    """Return a leaf: a float for a number, an array of its own otherwise."""
    if shape is None:
        number = vector[0]
        return float(number) if dtype == FLOAT64 else dtype.type(number)
    return np.array(vector, dtype).reshape(shape)


def jacobian(result: Tree, argument: Tree, single: bool, matrix: Vector) -> Any:
    """Return the structure of `result`, each leaf of which has the structure of `argument`.

    `matrix` holds the derivatives, a row for each entry of the result. Unless the argument is a
    `single` one it is a tuple of them. In the Jacobian of an array, an argument that is a list or
    tuple of numbers counts as the array it spells (docs/decisions/0010).
    """
    spelled = _spelled(argument) if single else _spelled_items(argument)

    def row(out: Leaf, rows: slice) -> Any:
        def block(leaf: Leaf, columns: slice) -> Any:
            dtype = np.result_type(out.dtype, leaf.dtype)
            number = out.shape is None and leaf.shape is None
            shape = None if number else (out.shape or ()) + (leaf.shape or ())
            return entry(matrix[rows, columns].ravel(), shape, dtype)

        return build(spelled if out.shape else argument, block)

    return build(result, row)


def _spelled_items(tree: Tree) -> Tree:
    assert isinstance(tree, Branch)
    return tree._replace(items=tuple(_spelled(item) for item in tree.items))


def _spelled(tree: Tree) -> Tree:
    """Return the array that a list or tuple of numbers, or several such, spells; others as is."""
    if isinstance(tree, Leaf) or tree.kind not in (list, tuple) or not tree.items:
        return tree
    rows = [_spelled(item) for item in tree.items]
    first = rows[0]
    numbers = all(leaf.shape is None for leaf in leaves(tree))
    if not numbers or isinstance(first, Branch) or any(row != first for row in rows):
        return tree
    return Leaf((len(rows), *(first.shape or ())), first.dtype)


def conform(like: Any, derivative: Any) -> Any:
    """Return a derivative in `like` with exactly the containers, shapes and dtypes of `like`.

    Adjoints of tuples are lists in generated code, and a zero may stand for zeros.
    """
    if isinstance(like, np.ndarray):
        plain = isinstance(derivative, np.ndarray) and derivative.dtype == like.dtype == FLOAT64
        if plain and derivative.shape == like.shape:
            return derivative
        dtype = like.dtype if like.dtype.kind == "f" else FLOAT64
        if isinstance(derivative, np.ndarray) and derivative.shape == like.shape:
            return derivative if derivative.dtype == dtype else derivative.astype(dtype)
        filled = np.broadcast_to(0.0 if derivative is None else derivative, like.shape)
        return np.array(filled, dtype)
    branch = parts(like)
    if branch is None:
        number = 0.0 if derivative is None else derivative
        single = isinstance(like, np.floating) and type(like) is not np.float64
        return type(like)(number) if single else number
    given = parts(derivative)
    found = dict(zip(given.keys, given.items)) if given else {}
    return branch.make([conform(x, found.get(key)) for key, x in zip(branch.keys, branch.items)])
