"""What is made at once is what its dataclass makes, field by field."""

from __future__ import annotations

import dataclasses
import inspect
import itertools

import pytest

from s2s_ad.ir.kinds import Array
from s2s_ad.ir.nodes import Binary, Const, Name
from s2s_ad.ir.remembered import made_at_once, replace


def plain() -> type:
    count = itertools.count()

    @dataclasses.dataclass(frozen=True)
    class Made:
        one: int
        two: tuple[int, ...] = ()
        number: int = dataclasses.field(default_factory=lambda: next(count), compare=False)
        last: str = dataclasses.field(default="", kw_only=True)

        def __post_init__(self):
            object.__setattr__(self, "two", tuple(sorted(self.two)))

    return Made


@pytest.mark.parametrize(
    "args, keywords",
    [
        ((1,), {}),
        ((1, (3, 2)), {"last": "x"}),
        ((1,), {"number": 7}),
        ((), {"one": 5, "two": (1,)}),
    ],
)
def test_same_fields(args, keywords):
    one, other = plain()(*args, **keywords), made_at_once(plain())(*args, **keywords)
    assert vars(one) == vars(other)
    assert repr(one) == repr(other)


@pytest.mark.parametrize("args, keywords", [((), {}), ((1, (), 0, "x"), {}), ((1,), {"more": 2})])
def test_same_errors(args, keywords):
    for made in (plain(), made_at_once(plain())):
        with pytest.raises(TypeError):
            made(*args, **keywords)


def test_each_has_what_is_made_anew():
    made = made_at_once(plain())
    assert [made(1).number, made(1).number, replace(made(1), one=2).number] == [0, 1, 2]
    assert [*inspect.signature(made).parameters] == ["one", "two", "number", "last"]


def test_nodes_stay_as_they_are():
    node = Binary("+", Name("x"), Const("1", 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        node.op = "-"
    assert dataclasses.replace(node, op="-") == Binary("-", Name("x"), Const("1", 1)) != node
    assert hash(node) == hash(Binary("+", Name("x"), Const("1", 1.0)))
    assert Array((), "int", True) == Array((), "int", False)
