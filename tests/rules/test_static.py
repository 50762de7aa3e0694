"""What can be said of rules without running them: names, signatures, closure under derivatives."""

from __future__ import annotations

import builtins
import inspect
import math

import numpy as np
import pytest

from s2s_ad import runtime
from s2s_ad.ir import walk
from s2s_ad.ir.nodes import Attribute, Call, Name
from s2s_ad.rules import registry
from s2s_ad.rules.results import MISSING, literal
from s2s_ad.runtime.calls import AT_RUN_TIME
from tests.rules import SCIPY
from tests.rules.test_rules import name_of

RULES = registry.all_rules()
MODULES = {"np": np, "math": math, **SCIPY}
# part of the language rather than of the table: building and walking sequences
LANGUAGE = {"list", "zip", "range", "len", "slice"}


def templates(rule):
    return [*rule.adjoint.values(), *rule.tangent.values(), *(expr for _, expr in rule.let)]


def resolved(expr):
    """Return the object a template's name or attribute stands for, MISSING when it is a value."""
    if isinstance(expr, Attribute):
        owner = resolved(expr.value)
        return MISSING if owner is MISSING else getattr(owner, expr.attr)
    if isinstance(expr, Name):
        if expr.id in MODULES:
            return MODULES[expr.id]
        if expr.id in runtime.__all__:
            return getattr(runtime, expr.id)
        return getattr(builtins, expr.id, MISSING)
    return MISSING


@pytest.mark.parametrize("rule", [r for r in RULES if r.adjoint], ids=name_of)
def test_a_template_calls_only_what_has_rules(rule):
    known = {p.name for p in rule.params} | {name for name, _ in rule.let}
    for template in templates(rule):
        for part in walk.subexprs(template):
            if isinstance(part, Call):
                func = part.func
                if isinstance(func, Name) and func.id in known | LANGUAGE | {"function"}:
                    continue
                found = resolved(func)
                if found is MISSING:
                    assert registry.lookup_method(func.attr), f"no rule of method {func.attr}"
                else:
                    assert registry.lookup(found), f"no rule of {func}"
            elif isinstance(part, Attribute) and resolved(part) is MISSING:
                methods = registry.lookup_attribute(part.attr) or registry.lookup_method(part.attr)
                assert methods or part.attr == "kind", f"no rule of attribute {part.attr}"


@pytest.mark.parametrize(
    "rule", [r for r in RULES if r.namespace in ("np", "math", "builtins", "runtime")], ids=name_of
)
def test_parameters_are_those_of_the_function(rule):
    try:
        signature = inspect.signature(rule.function)
    except (TypeError, ValueError):
        return  # functions written in C that do not say
    real = list(signature.parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in real):
        return
    places = [p.name for p in real if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = any(p.kind is p.VAR_KEYWORD for p in real)
    for place, param in enumerate(rule.params):
        if param.kind == "star":
            continue
        if param.kind == "keyword_only" and named:
            continue  # `np.pad` takes its options by `**kwargs`
        if param.kind == "positional_only":
            assert place < len(places), f"{param.name} is not positional"
            continue
        assert param.name in signature.parameters, f"no parameter {param.name}"
        if param.kind == "normal":
            assert places[place] == param.name, f"place of {param.name}"
        default = signature.parameters[param.name].default
        ours = literal(param.default)
        if param.default is not None and type(default).__name__ != "_NoValueType":
            # `dtype=None` and `dtype=float` say the same where arrays are made; older: rcond="warn"
            assert default == ours or (param.name in ("dtype", "rcond") and ours is None), (
                param.name
            )


def test_the_names_of_helpers_are_sorted_and_exist():
    assert runtime.__all__ == sorted(runtime.__all__)
    assert all(callable(getattr(runtime, name)) for name in runtime.__all__)


def test_every_helper_has_a_rule():
    """But those that call what is known only when it runs: their derivatives are refused."""
    missing = [n for n in runtime.__all__ if not registry.lookup(getattr(runtime, n))]
    assert [getattr(runtime, name) for name in missing] == list(AT_RUN_TIME)


UFUNCS = [
    f
    for f in vars(np).values()
    if isinstance(f, np.ufunc) and "d->" in "".join(f.types) and f.signature is None
]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_every_real_elementwise_function_of_numpy_has_a_rule(ufunc):
    assert registry.lookup(ufunc)


@pytest.mark.parametrize("name", [n for n in dir(math) if callable(getattr(math, n))])
def test_every_function_of_math_has_a_rule(name):
    assert name.startswith("_") or registry.lookup(getattr(math, name))
