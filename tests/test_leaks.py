"""What varies does not get out of sight: calls that put it into something outside are refused."""

from __future__ import annotations

import pytest

from s2s_ad import grad, jacfwd
from s2s_ad.errors import S2SError

KEPT: list[float] = []
TABLE: dict[str, float] = {}
COUNT = [0]


class Holder:
    last = 0.0

    def keep(self, x):
        self.last = x
        return 1.0


HOLDER = Holder()


def keep(x):
    KEPT.append(x)
    return 1.0


def keep_deep(x):
    return keep(x * 2.0)


def note(x):
    TABLE["x"] = x


def update(x):
    TABLE.update(x=x)


def count(x):
    COUNT[0] += 1
    return x * x


def through_a_list(x):
    keep(x)
    return KEPT[-1] * 2.0


def through_a_call_below(x):
    keep_deep(x)
    return KEPT[-1]


def through_a_table(x):
    note(x)
    return TABLE["x"] * x


def through_a_method_of_a_table(x):
    update(x)
    return TABLE["x"] * x


def through_an_object(x):
    HOLDER.keep(x)
    return HOLDER.last * x


def through_a_value(x):
    one = keep(x)
    return KEPT[-1] * one


@pytest.mark.parametrize("mode", [grad, jacfwd])
@pytest.mark.parametrize(
    "f",
    [
        through_a_list,
        through_a_call_below,
        through_a_table,
        through_a_method_of_a_table,
        through_an_object,
        through_a_value,
    ],
    ids=lambda f: f.__name__,
)
def test_what_is_put_outside_is_refused(f, mode):
    with pytest.raises(S2SError) as refusal:
        mode(f)(1.3)
    assert refusal.value.place is not None and "test_leaks" in refusal.value.place.file


@pytest.mark.parametrize("mode", [grad, jacfwd])
def test_what_does_not_vary_may_be_put_outside(mode):
    def f(x):
        return count(x) * x

    assert mode(f)(1.3) == pytest.approx(3.0 * 1.3**2)
