"""What tests of stores that other names may see have in common: cases, and how they are compared.

Takes functions of an array and a number, gives comparisons of both modes with extrapolated
differences; requires `oracles` and the public names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from s2s_ad import grad, hessian, jvp, value_and_grad
from s2s_ad.errors import S2SError
from tests.oracles import directional, leaves

Case = Callable[[Any, float], Any]


@dataclass(frozen=True)
class Cases:
    """Functions `f(array, number)` at a point, and a direction there.

    all_followed: those that must be right; all_seen: those that may be refused, but never wrong.
    """

    point: tuple[Any, float]
    along: tuple[Any, float]
    all_followed: list[Case] = field(default_factory=list)
    all_seen: list[Case] = field(default_factory=list)

    def followed(self, f: Case) -> Case:
        self.all_followed.append(f)
        return f

    def seen(self, f: Case) -> Case:
        self.all_seen.append(f)
        return f

    def compare(self, f: Case) -> None:
        """Hold the value and both derivatives to the primal and to differences."""
        array, number = self.point
        wanted = directional(lambda a, k: f(a.copy(), k), self.point, leaves(self.along))[0][0]
        value = f(array.copy(), number)
        names = f.__code__.co_varnames[:2]
        given = array.copy()
        found, slope = jvp(f, (given, number), self.along)
        assert found == pytest.approx(value, rel=1e-15)
        assert slope == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        found, gradient = value_and_grad(f, names)(given, number)
        assert found == pytest.approx(value, rel=1e-15)
        assert leaves(gradient) @ leaves(self.along) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        assert np.array_equal(given, array), "the caller's own"

    def compare_unless_refused(self, f: Case) -> None:
        try:
            self.compare(f)
        except S2SError:
            pass

    def compare_second(self, f: Case) -> None:
        """Hold the second derivative in the number to differences of the first."""
        array, number = self.point

        def slope(k: float) -> Any:
            return grad(f, "k")(array.copy(), k)

        h = 1e-4
        wanted = 8.0 * (slope(number + h) - slope(number - h))
        wanted = (wanted - slope(number + 2 * h) + slope(number - 2 * h)) / (12.0 * h)
        for second in (grad(grad(f, "k"), "k"), hessian(f, "k")):
            assert second(array.copy(), number) == pytest.approx(wanted, rel=1e-7, abs=1e-8)


def drawn(seed: int, shape: tuple[int, int] = (3, 4), least: float = 0.2) -> Cases:
    """Return cases at a random matrix of entries up to 1, with a random direction there."""
    array = np.random.default_rng(seed).uniform(least, 1.0, shape)
    along = np.random.default_rng(seed + 1).standard_normal(shape)
    return Cases((array, 0.6), (along, 0.7))
