"""Source and scope traps: what is differentiated is what would run (DESIGN §4).

Modules are written to a temporary directory and imported from there, so that they can be edited,
reloaded and patched.
"""

from __future__ import annotations

import importlib.util
import itertools
import linecache
import math
import os
import sys
import textwrap

import numpy as np
import pytest

from s2s_ad import grad, jvp, value_and_grad
from s2s_ad.errors import S2SError, SourceError
from tests.programs.generate import load

_names = itertools.count(1)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that imports a text as a module of its own file."""

    def make(text, name=None):
        name = name or f"trap_module_{next(_names)}"
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(name, path)
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return make


def both(function, *args, wrt=None):
    """Return the derivative for one argument, which both modes must agree on."""
    name = wrt or function.__code__.co_varnames[0]
    backward = grad(function, wrt=name)(*args)
    _, forward = jvp(function, args, (1.0,), wrt=(name,))
    assert forward == pytest.approx(backward, rel=1e-12)
    return backward


def rewrite(path, text):
    """Change a file such that its time shows it, however coarse the clock of the disk."""
    later = os.stat(path).st_mtime + 10
    with open(path, "w") as file:
        file.write(textwrap.dedent(text))
    os.utime(path, (later, later))


# -- source ---------------------------------------------------------------------------------


def test_file_edited_after_import_is_refused(module):
    m = module("def f(x):\n    return x * x\n")
    rewrite(m.__file__, "def f(x):\n    return x * x * x\n")
    with pytest.raises(SourceError) as caught:
        grad(m.f)(2.0)
    assert "trap_module" in str(caught.value)


def test_file_edited_below_is_no_matter(module):
    m = module("def f(x):\n    return x * x\n")
    rewrite(m.__file__, "def f(x):\n    return x * x\n\n\ndef g(x):\n    return 0.0\n")
    assert both(m.f, 2.0) == 4.0


def test_file_edited_above_is_refused_or_right(module):
    m = module("def f(x):\n    return x * x\n")
    rewrite(m.__file__, "def g(x):\n    return x\n\n\ndef f(x):\n    return x * x\n")
    try:
        assert grad(m.f)(2.0) == 4.0
    except SourceError:
        pass


def test_helper_edited_after_import_is_refused(module):
    m = module("def g(x):\n    return 3 * x\n\n\ndef f(x):\n    return g(x) * x\n")
    rewrite(m.__file__, "def g(x):\n    return 5 * x\n\n\ndef f(x):\n    return g(x) * x\n")
    with pytest.raises(SourceError):
        grad(m.f)(2.0)


def test_edited_constant_is_refused(module):
    """Only a literal differs: the shape of the code does not."""
    m = module("def f(x):\n    return 2.0 * x\n")
    rewrite(m.__file__, "def f(x):\n    return 3.0 * x\n")
    with pytest.raises(SourceError):
        grad(m.f)(2.0)


def test_reloaded_module_is_followed(module):
    m = module("def f(x):\n    return x * x\n", "trap_reloaded")
    assert both(m.f, 2.0) == 4.0
    m = module("def f(x):\n    return x * x * x\n", "trap_reloaded")
    linecache.checkcache(m.__file__)
    assert both(m.f, 2.0) == 12.0


def test_no_source_is_refused():
    namespace = {}
    exec("def f(x):\n    return x * x\n", namespace)
    with pytest.raises(SourceError):
        grad(namespace["f"])(2.0)


def test_notebook_cell():
    f = load("def f(x):\n    return x * x\n", "f")
    assert both(f, 3.0) == 6.0


def test_redefined_under_the_same_name():
    def f(x):
        return x * x

    first = f

    def f(x):
        return x**3

    assert both(first, 2.0) == 4.0
    assert both(f, 2.0) == 12.0


def test_redefined_in_a_module(module):
    m = module(
        """
        def f(x):
            return x * x

        first = f

        def f(x):
            return x ** 3
        """
    )
    assert both(m.first, 2.0) == 4.0
    assert both(m.f, 2.0) == 12.0


def test_conditional_definition(module):
    m = module(
        """
        FAST = False
        if FAST:
            def f(x):
                return 2 * x
        else:
            def f(x):
                return 5 * x
        """
    )
    assert both(m.f, 2.0) == 5.0


def test_lambdas_on_one_line():
    double, triple = lambda x: 2.0 * x, lambda x: 3.0 * x
    assert both(double, 1.0) == 2.0
    assert both(triple, 1.0) == 3.0


def test_lambdas_that_look_alike():
    """Two lambdas of one line with one code but different closures, and one inside another."""
    a, b = 2.0, 3.0
    first, second = (lambda x: x * a), (lambda x: x * b)
    assert both(first, 1.0) == 2.0
    assert both(second, 1.0) == 3.0
    outer = lambda x: (lambda y: y * x)(x * 5.0)
    assert both(outer, 2.0) == 20.0


def test_lambda_in_a_call():
    assert grad(lambda x: x**2 + 1)(3.0) == 6.0
    table = {"f": lambda x: x * 4.0, "g": lambda x: x * 7.0}
    assert both(table["g"], 1.0) == 7.0


# -- wrappers -------------------------------------------------------------------------------


def scaled(function):
    import functools

    @functools.wraps(function)
    def wrapper(*args):
        return 10.0 * function(*args)

    return wrapper


@scaled
def wrapped_square(x):
    return x * x


def test_wrapper_that_scales():
    assert wrapped_square(3.0) == 90.0
    assert grad(wrapped_square, wrt="x")(3.0) == 60.0


def test_wrapper_called_from_inside():
    def f(x):
        return wrapped_square(x) + x

    assert both(f, 3.0) == 61.0


def test_wrapped_attribute_that_lies():
    """`__wrapped__` may point anywhere: what runs is the function itself."""

    def f(x):
        return 4.0 * x

    f.__wrapped__ = lambda x: 100.0 * x
    assert both(f, 1.0) == 4.0


def test_derivative_objects_as_decorators():
    @grad
    def slope(x):
        return x**3

    @value_and_grad
    def both_of(x):
        return x**2

    assert slope(2.0) == 12.0
    assert slope.primal(2.0) == 8.0
    assert both_of(3.0) == (9.0, 6.0)


# -- names ----------------------------------------------------------------------------------


def test_local_shadows_a_builtin():
    def f(x):
        sum = x * 2.0
        abs = lambda a: a * 5.0
        max = 3
        return sum * abs(x) + max * x

    assert both(f, -1.5) == 20 * -1.5 + 3


def test_parameter_shadows_a_module():
    def f(x, math):
        return x * math

    assert both(f, 2.0, 7.0) == 7.0


def test_local_shadows_numpy():
    def f(x):
        np = x * 2.0
        return np * np

    assert both(f, 1.5) == 12.0


def test_np_is_not_numpy(module):
    m = module(
        """
        class np:
            @staticmethod
            def sin(x):
                return x * x

        def f(x):
            return np.sin(x)
        """
    )
    assert both(m.f, 3.0) == 6.0


def test_global_shadows_a_builtin(module):
    m = module(
        """
        def abs(x):
            return x * 4.0

        def f(x):
            return abs(x)
        """
    )
    assert both(m.f, -3.0) == 4.0


def test_renamed_imports(module):
    m = module(
        """
        import numpy as banana
        import math as np
        from math import sin as cos
        from numpy import exp as log, sum as mean

        def f(x):
            return banana.cos(x) * np.sqrt(x) + cos(x) * log(x) + mean(banana.ones(3) * x)
        """
    )
    x = 0.7
    wanted = -math.sin(x) * math.sqrt(x) + math.cos(x) / (2 * math.sqrt(x))
    wanted += (math.cos(x) + math.sin(x)) * math.exp(x) + 3.0
    assert both(m.f, x) == pytest.approx(wanted, rel=1e-13)


def test_patched_module(module):
    helper = module("def g(x):\n    return 2.0 * x\n")
    sys.modules["trap_helper"] = helper
    try:
        m = module("import trap_helper\n\ndef f(x):\n    return trap_helper.g(x)\n")
        assert both(m.f, 1.0) == 2.0

        def g(x):
            return 9.0 * x

        helper.g = g
        assert both(m.f, 1.0) == 9.0
    finally:
        del sys.modules["trap_helper"]


def test_user_names_that_we_use():
    def f(x, x_bar):
        result = x * x_bar
        x_saved = [result, x]
        x_dot = x_saved[0]
        for i in range(3):
            x = x * x_dot + result
            x_saved.append(x)
        result_bar = x_saved.pop()
        f_adjoint = result_bar * x_bar
        d = f_adjoint + x_saved[-1]
        return d

    h = 1e-6
    args = (0.6, 0.8)
    for name, at in (("x", 0), ("x_bar", 1)):
        up = f(*(a + h * (k == at) for k, a in enumerate(args)))
        down = f(*(a - h * (k == at) for k, a in enumerate(args)))
        assert both(f, *args, wrt=name) == pytest.approx((up - down) / (2 * h), rel=1e-7)


def test_functions_named_like_derivatives(module):
    m = module(
        """
        def f_adjoint(x):
            return 3.0 * x

        def g_forward(x):
            return x * x

        def g_reverse(x):
            return 5.0 * x

        def g(x):
            return g_forward(x) + g_reverse(x)

        def unbroadcast(x):
            return 2.0 * x

        def f(x):
            return f_adjoint(x) * g(x) + unbroadcast(x)
        """
    )
    # 3x (x^2 + 5x) + 2x
    assert both(m.f, 2.0) == 9 * 4.0 + 30 * 2.0 + 2.0


def test_parameter_named_as_its_function():
    def f(f, x):
        return f * x

    assert both(f, 2.0, 5.0) == 5.0
    assert both(f, 2.0, 5.0, wrt="x") == 2.0


def test_callee_name_is_a_local_elsewhere():
    def scale(x):
        return 3.0 * x

    def f(x):
        y = scale(x)
        square = lambda scale: scale * scale
        return square(y)

    assert both(f, 1.0) == 18.0


# -- what changes between calls -----------------------------------------------------------------


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
            return 10.0 * x + super().factor(x)

    assert grad(Base().value)(1.0) == 4.0
    assert grad(Derived().value)(1.0) == 24.0


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
