"""What is asked of a node again and again is computed once, and kept with the node.

Takes a function of one node, gives one that remembers; requires that nodes never change and that
the function depends on the node alone. What is kept lives as long as the node, is no field of it,
and takes no part in comparing or copying.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

N = TypeVar("N")
T = TypeVar("T")


def remembered(fn: Callable[[N], T]) -> Callable[[N], T]:
    """Return `fn` with what it gives for a node kept in the node's `__dict__`."""
    key = f"remembered {fn.__module__}.{fn.__name__}"

    @functools.wraps(fn)
    def recall(node: N) -> T:
        kept: dict[str, Any] = node.__dict__
        try:
            found: T = kept[key]
        except KeyError:
            found = kept[key] = fn(node)
        return found

    return recall
