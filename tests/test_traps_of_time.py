"""Traps of time: globals, closures, defaults and objects that change between two calls.

The derivative sees their current values, as the function itself does (DESIGN §4).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import grad, jvp, vjp
from s2s_ad.errors import S2SError
from tests.trap_tools import both, module

__all__ = ["module"]


def test_global_number_changes(module):
    m = module("RATE = 2.0\n\n\ndef f(x):\n    return RATE * x * x\n")
    g = grad(m.f)
    assert g(3.0) == 12.0
    m.RATE = 5.0
    assert g(3.0) == 30.0
    assert both(m.f, 3.0) == 30.0


def test_global_number_becomes_an_array(module):
    m = module(
        """
        import numpy as np

        RATE = 2.0


        def f(x):
            return np.sum(RATE * x)
        """
    )
    g = grad(m.f)
    assert g(3.0) == 2.0
    m.RATE = np.array([1.0, 2.0, 4.0])
    assert g(3.0) == 7.0
    m.RATE = 4
    assert g(3.0) == 4.0


def test_global_function_changes(module):
    m = module("def h(x):\n    return x * x\n\n\ndef f(x):\n    return h(x)\n")
    g = grad(m.f)
    assert g(3.0) == 6.0
    m.h = math.sin
    assert g(3.0) == math.cos(3.0)
    m.h = lambda x: 7.0 * x
    assert g(3.0) == 7.0


def test_global_read_by_a_callee_changes(module):
    m = module(
        """
        RATE = 2.0


        def h(x):
            return RATE * x


        def f(x):
            return h(x) * x
        """
    )
    g = grad(m.f)
    assert g(3.0) == 12.0
    m.RATE = -1.0
    assert g(3.0) == -6.0


def test_global_option_changes(module):
    """A condition on a global is not folded away for good."""
    m = module(
        """
        MODE = "linear"
        FLAG = None


        def f(x):
            if FLAG is not None:
                return 100.0 * x
            if MODE == "linear":
                return 2.0 * x
            return x * x
        """
    )
    g = grad(m.f)
    assert g(3.0) == 2.0
    m.MODE = "square"
    assert g(3.0) == 6.0
    m.FLAG = True
    assert g(3.0) == 100.0


def test_global_list_is_read_live(module):
    m = module("TABLE = [1.0, 2.0]\n\n\ndef f(x):\n    return TABLE[0] * x + len(TABLE) * x\n")
    g = grad(m.f)
    assert g(1.0) == 3.0
    m.TABLE[0] = 10.0
    m.TABLE.append(0.0)
    assert g(1.0) == 13.0


def make(factor):
    def f(x):
        return factor * x * x

    return f


def test_two_closures_of_one_factory():
    two, three = make(2.0), make(3.0)
    assert both(two, 1.0) == 4.0
    assert both(three, 1.0) == 6.0
    assert both(two, 1.0) == 4.0
    assert both(make(np.float64(5.0)), 1.0) == 10.0


def test_two_closures_over_functions():
    def compose(inner):
        def f(x):
            return inner(x) * x

        return f

    assert both(compose(math.sin), 0.5) == pytest.approx(math.sin(0.5) + 0.5 * math.cos(0.5))
    assert both(compose(lambda x: x * x), 0.5) == pytest.approx(0.75)
    assert both(compose(math.exp), 0.5) == pytest.approx(1.5 * math.exp(0.5))


def test_closure_cell_changes():
    rate = 2.0

    def f(x):
        return rate * x

    g = grad(f)
    assert g(1.0) == 2.0
    rate = 8.0
    assert g(1.0) == 8.0


def test_default_changes():
    def f(x, rate=2.0):
        return rate * x

    g = grad(f)
    assert g(1.0) == 2.0
    f.__defaults__ = (6.0,)
    assert g(1.0) == 6.0
    assert g(1.0, 3.0) == 3.0
    assert g(1.0, rate=4.0) == 4.0


def test_default_is_an_object():
    table = {"rate": 3.0}

    def f(x, options=table):
        return options["rate"] * x

    g = grad(f)
    assert g(1.0) == 3.0
    table["rate"] = 4.0
    assert g(1.0) == 4.0


def test_kinds_of_arguments_change():
    def f(x, y):
        return np.sum(x * y * y)

    g = grad(f)
    assert g(2.0, 3.0) == 9.0
    assert np.array_equal(g(np.array([1.0, 2.0]), 3.0), np.array([9.0, 9.0]))
    assert g(2.0, np.array([1.0, 2.0])) == 5.0
    assert g(2, 3) == 9.0
    assert np.array_equal(g(np.ones((2, 1)), np.array([1.0, 2.0])), np.full((2, 1), 5.0))
    assert g(2.0, 3.0) == 9.0


def test_argument_may_be_none():
    def f(x, bias=None):
        if bias is not None:
            x = x + bias
        return x * x

    g = grad(f)
    assert g(2.0) == 4.0
    assert g(2.0, 1.0) == 6.0
    assert g(2.0, None) == 4.0


def test_string_option():
    def f(x, kind="linear"):
        return {"linear": x, "square": x * x}[kind] if kind != "cube" else x**3

    g = grad(f)
    assert (g(2.0), g(2.0, "square"), g(2.0, kind="cube")) == (1.0, 4.0, 12.0)


def test_method_object_changes():
    class Model:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, x):
            return self.rate * x * x

        def energy(self, x):
            return self(x) * self.rate

    model, other = Model(2.0), Model(5.0)
    g = grad(model.energy)
    assert g(1.0) == 8.0
    assert grad(other.energy)(1.0) == 50.0
    model.rate = 3.0
    assert g(1.0) == 18.0
    assert grad(model)(1.0) == 6.0


def test_method_is_overridden():
    class Base:
        def factor(self, x):
            return 2.0 * x

        def value(self, x):
            return self.factor(x) * x

    class Derived(Base):
        def factor(self, x):
            return 10.0 * x

    assert grad(Base().value)(1.0) == 4.0
    assert grad(Derived().value)(1.0) == 20.0


# -- arguments stay as they are -------------------------------------------------------------------


def test_arguments_are_not_changed():
    def f(v, xs):
        v = v * 2.0
        xs = xs + [1.0]
        return np.sum(v * v) * xs[0] * xs[-1]

    v, xs = np.array([1.0, 2.0]), [3.0]
    bar, _ = grad(f, wrt=("v", "xs"))(v, xs)
    assert np.array_equal(v, [1.0, 2.0]) and xs == [3.0]
    assert np.array_equal(bar, 24.0 * v)


def test_gradients_are_not_shared():
    """Adjoints of two arguments, or of one argument twice, are different buffers."""

    def f(v, w):
        return np.sum(v + w)

    v_bar, w_bar = grad(f, wrt=("v", "w"))(np.ones(3), np.ones(3))
    v_bar += 1.0
    assert np.array_equal(w_bar, np.ones(3))


def test_gradient_does_not_alias_an_argument():
    def f(v, w):
        return v @ w

    v, w = np.ones(3), np.arange(3.0)
    bar = grad(f)(v, w)
    bar += 1.0
    assert np.array_equal(w, np.arange(3.0))


def test_errors_of_the_function_stay_its_own():
    def f(x):
        if x < 0:
            raise ValueError("negative")
        return math.sqrt(x)

    with pytest.raises(ValueError, match="negative"):
        grad(f)(-1.0)
    assert not issubclass(ZeroDivisionError, S2SError)
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: 1.0 / x)(0.0)


def test_global_made_on_the_way(module):
    """A table that is loaded by the first call does not exist when the derivative is written."""
    text = """
        loaded = False


        def load():
            global RATE, loaded
            RATE, loaded = 2.0, True


        def f(x):
            if not loaded:
                load()
            return RATE * x * x
        """
    assert grad(module(text).f)(3.0) == 12.0
    assert jvp(module(text).f, (3.0,), (1.0,)) == (18.0, 12.0)


def _weighed(v, xs):
    return np.exp(v) * (xs[0] * xs[-1])


def test_pullback_sees_nothing_of_what_is_done_to_arguments_and_value_after_the_call():
    v, xs = np.array([0.3, 0.7]), [0.3, 0.7]
    out, pullback = vjp(_weighed, v, xs)
    before = pullback(np.ones(2))
    out -= 1.0
    v[0] = 9.0
    xs.append(5.0)
    after = pullback(np.ones(2))
    np.testing.assert_array_equal(after[0], before[0])
    assert after[1] == before[1]


def test_number_outside_that_a_rule_looks_at(module):
    """Which rule fits `x**n` depends on the value of n, which the cache must not forget."""

    def factory(n):
        def f(x):
            return x**n

        return f

    functions = [factory(n) for n in (2, 3, 0, 0.5, -1)]
    for _ in range(2):
        for n, f in zip((2, 3, 0, 0.5, -1), functions):
            assert grad(f)(1.5) == pytest.approx(n * 1.5 ** (n - 1))
            assert grad(grad(f))(1.5) == pytest.approx(n * (n - 1) * 1.5 ** (n - 2))
    m = module("N = 2\n\ndef f(x):\n    return x**N\n")
    derivative = grad(m.f)
    assert derivative(1.5) == 3.0
    m.N = 3
    assert derivative(1.5) == 6.75 and grad(m.f)(1.5) == 6.75
    m.N = 2
    assert derivative(1.5) == 3.0


def test_code_is_replaced_as_notebooks_reload_it(module):
    m = module("def g(x):\n    return x\n\ndef f(x):\n    return x * g(x)\n")
    derivative = grad(m.f)
    assert derivative(2.0) == 4.0
    new = module("def g(x):\n    return x * x\n\ndef f(x):\n    return x * x * g(x)\n", "new")
    m.g.__code__ = new.g.__code__
    assert derivative(2.0) == 12.0
    m.f.__code__ = new.f.__code__
    assert derivative(2.0) == 32.0 and jvp(m.f, (2.0,), (1.0,)) == (16.0, 32.0)
