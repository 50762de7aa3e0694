"""What callees change in place is found once for each function, however often it is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from s2s_ad import build_updates, grad


def level0(a, b):
    return a * b


def level1(a, b):
    return level0(a, b) + level0(a, b)


def level2(a, b):
    return level1(a, b) + level1(a, b)


def level3(a, b):
    return level2(a, b) + level2(a, b)


def level4(a, b):
    return level3(a, b) + level3(a, b)


def level5(a, b):
    return np.sum(level4(a, b) + level4(a, b))


def test_call_tree_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    interpret = build_updates.interpret

    def counted(function: Any, *rest: Any) -> Any:
        looked_at.append(function.name)
        return interpret(function, *rest)

    monkeypatch.setattr(build_updates, "interpret", counted)
    v = np.array([0.5, 1.5])
    np.testing.assert_allclose(grad(level5)(v, 3.0), 3.0 * 2**5)
    assert 5 <= len(looked_at) <= 10  # and not 2 + 4 + 8 + 16
