"""Complex numbers beside active values are refused; what is real of them is a number like others.

Takes nothing, gives tests; requires nothing.
"""

from __future__ import annotations

import cmath

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.errors import S2SError

TURN = 0.6 + 0.8j
TURNS = np.array([1j, 2.0])


def modulus_of_a_product(x):
    return np.sum(np.abs(np.array([1j, 2.0]) * x))


def product_with_its_conjugate(x):
    z = x + 1j * x * x
    return (z * z.conjugate()).real


def by_a_variable(x):
    turn = np.exp(0.3j)
    other = turn * 2.0
    return abs(other * x)


def by_a_global(x):
    return np.real(TURN * x)


def by_an_array_of_the_module(x):
    return np.sum(np.abs(TURNS * x))


def made_by_the_builtin(x):
    return abs(complex(x, 1.0))


REFUSED = [
    *(modulus_of_a_product, product_with_its_conjugate, by_a_variable, by_a_global),
    *(by_an_array_of_the_module, made_by_the_builtin),
]


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f) -> None:
    with pytest.raises(S2SError, match="complex"):
        grad(f)(0.7)
    with pytest.raises(S2SError, match="complex"):
        jvp(f, (0.7,), (1.0,))


def what_is_real_of_it(x):
    z = cmath.exp(2j * 0.4)
    phase = np.angle(TURN) + z.real
    if isinstance(z, complex):
        phase += abs(1j * z)
    return x * x * phase * np.abs(TURNS)[1]


def test_what_is_real_of_complex_numbers_is_a_number() -> None:
    slope = grad(what_is_real_of_it)(0.7)
    assert slope == pytest.approx(1.4 * what_is_real_of_it(1.0), rel=1e-13)
