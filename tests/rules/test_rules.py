"""Every rule against differences of the function itself, forward against reverse, and mutants."""

from __future__ import annotations

import pytest

from s2s_ad.rules import registry
from s2s_ad.rules.checking import check_rule
from tests.rules.samples import samples_of

RECORD = "record"  # of objects, which have tests of their own: tests/test_objects.py
RULES = [rule for rule in registry.all_rules() if rule.adjoint and rule.flavour != RECORD]


def name_of(rule):
    conditions = "" if rule.ranks is None else f" {rule.ranks}"
    if rule.active is not None:
        conditions += f" by {','.join(sorted(rule.active))}"
    return f"{rule.namespace}: {rule.text}{conditions}"


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_rule(rule):
    assert check_rule(rule, samples_of(rule)) > 0, "no arguments were found to try"


@pytest.mark.parametrize("mode", ["tangent", "adjoint"])
@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_that_is_slightly_wrong_is_noticed(rule, mode):
    if rule.name == "float32" and mode == "tangent":
        mode = "adjoint"  # differences in single precision do not resolve one in ten thousand
    with pytest.raises(AssertionError):
        check_rule(rule, samples_of(rule), {mode: 1.0001})


@pytest.mark.smoke
def test_rules_of_every_kind_on_this_python():
    for rule in RULES[::7]:
        assert check_rule(rule, samples_of(rule)) > 0
