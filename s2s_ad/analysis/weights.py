"""How much a value answers: fractions times powers of variables that do not change.

Takes and gives weights; requires nothing. A sum of such products, kept exactly: `1 / gamma` and
`-1 / gamma` cancel, whatever gamma is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

Powers = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Weight:
    """terms: the fraction before each product of powers, in order; none of them is 0.

    >>> one, g = number(1), variable("g")
    >>> (one / g + one / g) * g == number(2)
    True
    >>> bool(one / g - one / g)
    False
    """

    terms: tuple[tuple[Powers, Fraction], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Weight) -> Weight:
        return _sum((*self.terms, *other.terms))

    def __neg__(self) -> Weight:
        return Weight(tuple((powers, -f) for powers, f in self.terms))

    def __sub__(self, other: Weight) -> Weight:
        return self + -other

    def __mul__(self, other: Weight) -> Weight:
        return _sum((_times(p, q, 1), f * g) for p, f in self.terms for q, g in other.terms)

    def __truediv__(self, other: Weight) -> Weight:
        """Return the quotient by a weight that `is_divisor`."""
        ((below, divisor),) = other.terms
        return _sum((_times(powers, below, -1), f / divisor) for powers, f in self.terms)

    @property
    def is_divisor(self) -> bool:
        return len(self.terms) == 1


def number(value: Fraction | int) -> Weight:
    """Return a weight that is a number."""
    return Weight((((), Fraction(value)),)) if value else Weight()


def variable(name: str) -> Weight:
    """Return a weight that is what a variable holds all the time."""
    return Weight(((((name, 1),), Fraction(1)),))


def _times(a: Powers, b: Powers, sign: int) -> Powers:
    """Return a product of powers, or a quotient with sign -1."""
    found = dict(a)
    for name, power in b:
        found[name] = found.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in found.items() if power))


def _sum(terms: Iterable[tuple[Powers, Fraction]]) -> Weight:
    found: dict[Powers, Fraction] = {}
    for powers, f in terms:
        found[powers] = found.get(powers, Fraction(0)) + f
    return Weight(tuple(sorted((powers, f) for powers, f in found.items() if f)))
