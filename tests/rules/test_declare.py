"""Rules that users declare, and declarations that are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad.ir.kinds import FLOAT, Array
from s2s_ad.ir.quote import parse_expr
from s2s_ad.ir.text import expr_text
from s2s_ad.rules import declare, registry
from s2s_ad.rules.checking import check_rule, check_rules
from s2s_ad.rules.declare import DeclarationError
from s2s_ad.rules.rule import Maps


def sinc2(x):
    return np.sin(x * x)


def blend(a, b, weight=0.5):
    return weight * a + (1.0 - weight) * b


def total(values, scale=1.0):
    return scale * float(np.sum(values))


@pytest.fixture
def forgotten():
    yield
    for function in (sinc2, blend, total):
        registry.forget(function)


def test_elementwise(forgotten):
    declare.elementwise("my.sinc2(x)", "2.0 * x * np.cos(x * x) * d", function=sinc2)
    (rule,) = registry.lookup(sinc2)
    assert check_rules(sinc2) == check_rule(rule) > 0
    assert rule.namespace == __name__
    with pytest.raises(AssertionError):
        check_rule(rule, spoil={"adjoint": 1.0001})


def test_a_wrong_rule_is_noticed(forgotten):
    declare.elementwise("my.sinc2(x)", "2.0 * np.cos(x * x) * d", function=sinc2)
    with pytest.raises(AssertionError, match="tangent against differences"):
        check_rule(registry.lookup(sinc2)[0])


def test_several_arguments_and_a_default(forgotten):
    declare.elementwise(
        "blend(a, b, weight=0.5)", a="weight * d", b="(1.0 - weight) * d", function=blend
    )
    (rule,) = registry.lookup(blend)
    assert check_rule(rule) > 0
    kinds = {"a": FLOAT, "b": Array(None), "weight": FLOAT}
    assert rule.result(kinds, {}) == Array(None)


def test_linear_spells_the_function_as_it_was_called(forgotten):
    declare.linear("total(values, scale=1.0)", values="expand(scale * d, values)", function=total)
    call = parse_expr("tools.total(v, scale=k)")
    choice = registry.choose(
        registry.lookup(total),
        call.args,
        call.keywords,
        lambda e: Array(None),
        lambda e: expr_text(e) == "v",
        function=call.func,
    )
    tangent = choice.tangent("values", parse_expr("v_dot"), parse_expr("out"))
    assert expr_text(tangent) == "tools.total(v_dot, scale=k)"
    assert all(check_rule(rule) > 0 for rule in registry.lookup(total))


def test_zero(forgotten):
    declare.zero("total(values, scale=1.0)", function=total)
    (rule,) = registry.lookup(total)
    assert rule.adjoint == {} and rule.known == {"values", "scale"}


def test_a_rule_can_be_forgotten():
    declare.zero("total(values, scale=1.0)", function=total)
    registry.forget(total)
    assert registry.lookup(total) == ()
    assert all(rule.function is not total for rule in registry.all_rules())


def test_declare_is_public():
    import s2s_ad

    assert s2s_ad.declare is declare


@pytest.mark.parametrize(
    "text, maps, message",
    [
        ("np.no_such_function(x)", {"x": "d"}, "does not exist"),
        ("no_such_function(x)", {"x": "d"}, "neither math nor numpy"),
        ("math.sin(x)", {"y": "d"}, "there is no parameter y"),
        ("math.sin(x)", {}, "a map is needed"),
        ("math.sin(x)", {"x": "unknown(x) * d"}, "cannot use unknown"),
        ("math.sin(x)", {"x": "z * d"}, "cannot use z"),
        ("a if b else c", {"a": "d"}, "not the form of a rule"),
    ],
)
def test_refused(text, maps, message):
    before = registry.all_rules()
    with pytest.raises(DeclarationError, match=message):
        declare.elementwise(text, **maps)
    assert registry.all_rules() == before


def test_maps_of_the_tables_are_read_when_they_are_asked_for():
    registry.load()
    (rule,) = registry.rules_of("np", "cosh")
    assert isinstance(rule.adjoint, Maps)
    assert "x" in rule.adjoint
    assert expr_text(rule.adjoint["x"]) == "np.sinh(x) * d"


def test_math_rules_use_math():
    rule = registry.lookup(math.sin)[0]
    assert expr_text(rule.adjoint["x"]) == "math.cos(x) * d"
