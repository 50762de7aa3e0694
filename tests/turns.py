"""Cases that take turns: a part of them runs each time, the others with `pytest -m exhaustive`.

Takes names of cases, gives parameters for pytest. Which part runs is decided by the name alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zlib import crc32

import pytest


def by_turns(names: Iterable[str], one_in: int) -> list[Any]:
    """Return the names as parameters, all but one in so many marked as exhaustive."""
    return [
        pytest.param(name, marks=pytest.mark.exhaustive if crc32(name.encode()) % one_in else ())
        for name in names
    ]
