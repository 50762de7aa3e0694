"""Generator functions that functions of the language tests call: outside of the language."""

from __future__ import annotations

from collections.abc import Iterator


def countdown(n: int) -> Iterator[int]:
    while n > 0:
        yield n
        n -= 1
