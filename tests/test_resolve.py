"""Names stand for objects by scope and identity, and for nothing when that is not certain."""

from __future__ import annotations

import builtins
import math
import math as renamed
import types

import numpy as np
import pytest

from s2s_ad.frontend.lower import lower_module
from s2s_ad.frontend.resolve import MISSING, local_names, resolve, scope_of

NUMBER = 3.0


class Base:
    shared = 1.5

    def method(self, x):
        return x

    @staticmethod
    def static(x):
        return x

    @classmethod
    def made(cls):
        return cls()

    @property
    def computed(self):
        raise AssertionError("resolving runs no code of the user's")

    def __getattr__(self, name):
        raise AssertionError("resolving runs no code of the user's")


class Derived(Base):
    __slots__ = ("slot",)


class Tricky:
    def __getattribute__(self, name):
        raise AssertionError("resolving runs no code of the user's")


def scene():
    """Return a function with objects around it that must not be asked for what they compute."""

    class Meta(type):
        @property
        def computed(cls):
            raise AssertionError("resolving runs no code of the user's")

        def __getattr__(cls, name):
            raise AssertionError("resolving runs no code of the user's")

    class WithMeta(metaclass=Meta):
        shared = 2

    instance = Derived()
    instance.__dict__["own"] = 2.5
    instance.__dict__["computed"] = "hidden by the property"
    namespace, tricky, point = types.SimpleNamespace(k=1), Tricky(), np.zeros(3)

    def f():
        return instance, namespace, tricky, point, WithMeta

    return f


def found(text, local=(), function=None):
    e = lower_module(f"def f():\n    return {text}\n", "m.py")["f"].body[0].value
    return resolve(e, scope_of(function or scene()), frozenset(local))


def test_chains():
    assert renamed is math
    for text, value in {
        "math.sin": math.sin,
        "renamed.sin": math.sin,
        "np.linalg.norm": np.linalg.norm,
        "np.random.default_rng": np.random.default_rng,
        "abs": abs,
        "NUMBER": NUMBER,
        "Base": Base,
        "Derived.method": Base.method,
        "Derived.static": Base.static,
        "Derived.shared": 1.5,
        "WithMeta.shared": 2,
        "np.ndarray.sum": np.ndarray.sum,
        "float.hex": float.hex,
        "instance.own": 2.5,
        "instance.shared": 1.5,
        "namespace.k": 1,
        "True": MISSING,
    }.items():
        assert found(text) is value or found(text) == value, text
    assert found("dict.fromkeys")("a") == {"a": None}
    assert isinstance(found("Derived.made")(), Derived)


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "math.unknown",
        "instance.unknown",
        "instance.computed",
        "instance.slot",
        "instance.method",
        "Base.computed",
        "Derived.slot",
        "Base.unknown",
        "WithMeta.computed",
        "WithMeta.unknown",
        "tricky.x",
        "point.shape",
        "point.sum",
        "math.sin.__self__.cos",
        "unknown.sin",
        "f().x",
        "(math).sin(1)",
        "np.linalg['norm']",
    ],
)
def test_nothing_is_guessed(text):
    assert found(text) is MISSING


def test_locals_shadow():
    assert found("math.sin", local={"math"}) is MISSING
    assert found("abs", local={"abs"}) is MISSING


def test_closure_comes_before_global_before_builtin():
    math = types.SimpleNamespace(sin=1.0)

    def f():
        return math

    assert found("math.sin", function=f) == 1.0
    scope = scope_of(f)
    assert scope.lookup("math").kind == "closure"
    assert scope.lookup("NUMBER").kind == "global"
    assert scope.lookup("len") == scope_of(test_chains).lookup("len")
    assert scope.lookup("len").kind == "builtin"
    assert scope.lookup("unknown") is None


def test_scope_is_live(monkeypatch):
    k = 1

    def f():
        return k

    def change():
        nonlocal k
        k = 2

    def drop():
        nonlocal k
        del k

    scope = scope_of(f)
    monkeypatch.setitem(globals(), "NUMBER", 4.0)
    monkeypatch.setitem(globals(), "added_later", 5.0)
    change()
    assert [scope.lookup(name).value for name in ("k", "NUMBER", "added_later")] == [2, 4.0, 5.0]
    drop()
    assert scope.lookup("k") is None


def test_shadowed_and_patched_builtins(monkeypatch):
    monkeypatch.setattr(builtins, "abs", math.fabs)
    assert found("abs") is math.fabs
    monkeypatch.setitem(globals(), "abs", math.sin)
    assert found("abs") is math.sin


def test_builtins_of_a_function_with_its_own():
    space = {"__builtins__": {"abs": math.fabs}}
    exec("def f():\n    return abs(1)\n", space)
    scope = scope_of(space["f"])
    assert scope.lookup("abs").value is math.fabs and scope.lookup("len") is None


def test_monkeypatched_module(monkeypatch):
    monkeypatch.setattr(math, "sin", math.cos)
    assert found("math.sin") is math.cos


def test_scope_of_a_method_and_of_what_is_no_function():
    assert scope_of(Derived().method).lookup("Base").value is Base
    with pytest.raises(TypeError, match="not a Python function"):
        scope_of(math.sin)


def test_local_names_follow_python():
    text = """
def f(a, *b, c=1, **d):
    global g, h
    g = e = 1
    i.append(e)
    for j, k in a:
        l[j] = k
    def m(n):
        o = 1
    if (p := a):
        import q.r as s
    [t for t in a]
"""
    f = lower_module(text, "m.py")["f"]
    assert local_names(f) == frozenset("abcdejkmps")
    space = {}
    exec(text, space)
    python = set(space["f"].__code__.co_varnames + space["f"].__code__.co_cellvars)
    assert local_names(f) == python - {"t"}  # inlined comprehensions lend theirs, from 3.12 on
