"""The transforms as users call them: arguments, results, structures, attributes, errors."""

from __future__ import annotations

import functools
import inspect
import math
import pickle

import numpy as np
import pytest

from s2s_ad import (
    ArgumentError,
    OutputError,
    SourceError,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    value_and_grad,
    vjp,
)
from s2s_ad.testing import check_grads


def product(x, y=2.0):
    """x squared times y, and a sine."""
    return x * x * y + math.sin(x)


def energy(x):
    return np.sum(x**3) + x[0] * x[1]


def parts(x, p):
    """A dict of an array and a list, from an array and a dict."""
    return {"a": x * p["k"], "b": [np.sum(x), p["k"] ** 2]}


def pair(x, y):
    return x * y, x - y


@grad
def cube(x):
    """x cubed."""
    return x**3


@value_and_grad(wrt=("w", "b"))
def line(x, w, b=1.0):
    return w * x + b


X = np.array([1.0, 2.0, 3.0])


@pytest.mark.smoke
class TestGrad:
    def test_first_parameter_by_default(self):
        assert grad(product)(3.0) == pytest.approx(12.0 + math.cos(3.0), rel=1e-15)

    @pytest.mark.parametrize("wrt", ["y", 1, -1])
    def test_wrt_one(self, wrt):
        assert grad(product, wrt)(3.0, 5.0) == pytest.approx(9.0)

    def test_wrt_several_gives_a_tuple_in_their_order(self):
        assert grad(product, wrt=("y", "x"))(3.0, y=1.0) == pytest.approx(
            (9.0, 6.0 + math.cos(3.0))
        )
        assert grad(product, wrt=["y"])(3.0) == (9.0,)

    def test_value_comes_too(self):
        value, (w, b) = line(3.0, 2.0)
        assert (value, w, b) == (7.0, 3.0, 1.0)

    def test_gradient_has_the_structure_of_the_argument(self):
        def f(p):
            w, (b, c) = p["w"], p["rest"]
            return np.sum(w * w) * b + c[0] * 3.0

        p = {"w": X, "rest": (2.0, [5.0, 7.0])}
        gradient = grad(f)(p)
        assert list(gradient) == ["w", "rest"]
        np.testing.assert_allclose(gradient["w"], 4.0 * X)
        assert gradient["rest"] == (14.0, [3.0, 0.0])

    def test_integers_stand_for_real_numbers(self):
        assert grad(product, wrt=("x", "y"))(3, 1) == pytest.approx((6.0 + math.cos(3.0), 9.0))
        assert grad(lambda x: x[0] * x[1])([2, 3]) == [3.0, 2.0]

    def test_keyword_only_and_positional_only(self):
        def f(x, /, y, *, z=2.0):
            return x * y * z

        assert grad(f, wrt=("x", "y", "z"))(3.0, y=5.0) == (10.0, 6.0, 15.0)
        assert grad(f, "z")(3.0, 5.0, z=7.0) == 15.0
        assert vjp(f, 3.0, y=5.0, z=7.0)[1](1.0) == (35.0,)
        assert vjp(f, 3.0, 5.0, wrt="z", z=7.0)[1](1.0) == (15.0,)
        assert jvp(f, (3.0,), (1.0,), y=5.0) == (30.0, 10.0)
        assert hvp(f, (3.0, 5.0), (1.0, 0.0), z=7.0) == (0.0, 7.0)
        check_grads(f, (3.0, 5.0), order=2, z=7.0)

        def g(x, *, a=1.0, b=2.0):
            return x * a**2 * b**3

        assert jacfwd(g, "a")(1.5) == jacrev(g, "a")(1.5) == 24.0
        assert hessian(g, ("a", "x"))(1.5, b=1.0) == ((3.0, 2.0), (2.0, 0.0))
        assert jvp(g, (1.5,), (1.0,), wrt="a", b=1.0) == (1.5, 3.0)

    def test_numpy_scalars_and_arrays_without_axes(self):
        assert grad(lambda x: np.exp(x))(np.float64(0.0)) == 1.0
        assert grad(lambda x: x * x)(np.float32(3.0)) == 6.0
        single, double = np.ones(2, np.float32), np.ones(2)
        out, pullback = vjp(lambda x, y: x * y + np.prod(x), single, double)
        assert [bar.dtype for bar in pullback(out)] == [np.float32, np.float64]
        assert jvp(lambda x: x**x, (single,), (single,))[1].dtype == np.float32
        gradient = grad(lambda x: np.sum(x * x))(np.array(3.0))
        assert gradient.shape == () and gradient == 6.0

    def test_array_of_single_precision(self):
        gradient = grad(energy)(X.astype(np.float32))
        assert gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, 3 * X**2 + [2, 1, 0])

    def test_argument_without_influence(self):
        def f(x, y):
            return y * 2.0

        assert grad(f)(1.0, 3.0) == 0.0
        np.testing.assert_array_equal(grad(f)(X, 3.0), np.zeros(3))
        assert grad(f)((1.0, [X[0]]), 3.0) == (0.0, [0.0])

    def test_arguments_are_not_changed(self):
        x = X.copy()
        grad(energy)(x)
        np.testing.assert_array_equal(x, X)

    def test_other_types_get_another_variant(self):
        def f(x, y):
            return np.sum(x * y)

        g = grad(f)
        assert g(2.0, 3.0) == 3.0
        np.testing.assert_array_equal(g(X, 3.0), [3.0, 3.0, 3.0])
        np.testing.assert_array_equal(g(X[:1], X), [6.0])
        np.testing.assert_array_equal(g(X, X[:1]), [1.0, 1.0, 1.0])
        assert g(2.0, X) == 6.0
        assert g(2.0, 3.0) == 3.0

    def test_options_are_told_apart_by_value(self):
        def f(x, how):
            return x**2 if how == "square" else x**3

        g = grad(f)
        assert (g(3.0, "square"), g(3.0, "cube"), g(3.0, how="square")) == (6.0, 27.0, 6.0)

    def test_default_replaced_between_calls(self):
        def f(x, y=2.0):
            return x * y

        g = grad(f)
        assert (g(1.0), g(1.0)) == (2.0, 2.0)
        f.__defaults__ = (5.0,)
        assert (g(1.0), g(1.0)) == (5.0, 5.0)


class TestCallables:
    def test_decorated(self):
        assert cube(2.0) == 12.0
        assert cube.primal(2.0) == 8.0

    def test_method_bound_and_decorated(self):
        class Spring:
            def __init__(self, k):
                self.k = k

            def energy(self, x, scale=1.0):
                return 0.5 * self.k * x * x * scale

            @grad
            def force(self, x):
                return 0.5 * self.k * x * x

            def __call__(self, x):
                return self.k * x

        spring = Spring(3.0)
        assert grad(spring.energy)(2.0) == 6.0
        assert grad(spring.energy, wrt=("x", "scale"))(2.0) == (6.0, 6.0)
        assert spring.force(2.0) == 6.0
        assert grad(spring)(5.0) == 3.0
        spring.k = 7.0
        assert spring.force(2.0) == Spring.force(spring, 2.0) == 14.0

    def test_partial(self):
        assert grad(functools.partial(product, y=5.0))(1.0) == pytest.approx(10 + math.cos(1.0))
        assert grad(functools.partial(product, 3.0))(5.0) == 9.0

    def test_functions_in_c(self):
        assert grad(math.sin)(0.0) == 1.0
        np.testing.assert_allclose(grad(np.arctan2, (0, 1))(1.0, 2.0), (0.4, -0.2))
        np.testing.assert_allclose(grad(np.sum)(X), np.ones(3))

    def test_any_number_of_arguments(self):
        def f(a, *xs, k=2.0):
            total = a
            for x in xs:
                total = total * x
            return total * k

        def more(a, k=2.0, **rest):
            return a * k * rest["z"]

        def spelled(function, **original):
            return function * original["original"]

        assert grad(spelled)(2.0, original=3.0) == 3.0
        assert grad(f)(2.0, 3.0, 5.0) == 30.0
        assert grad(f, wrt=(1, 2))(2.0, 3.0, 5.0) == (20.0, 12.0)
        assert grad(more, wrt=("k", "z"))(2.0, 3.0, z=5.0) == (10.0, 6.0)
        assert grad(f, wrt="k")(2.0) == 2.0
        assert jacfwd(f, 1)(2.0, 3.0) == jacrev(f, -2)(2.0, 3.0) == 4.0
        assert grad(grad(f), 1)(2.0, 3.0) == 2.0
        assert jvp(f, (2.0, 3.0, 5.0), (1.0, None, 1.0))[1] == 42.0
        assert vjp(f, 2.0, 3.0, 5.0)[1](1.0) == (30.0, 20.0, 12.0)
        assert hvp(f, (2.0, 3.0), (1.0, 1.0)) == (2.0, 2.0)
        with pytest.raises(ArgumentError, match="its parameters are a, xs_0, k"):
            grad(f, "xs")(2.0, 3.0)
        with pytest.raises(ArgumentError, match="before the first call"):
            grad(f).source  # noqa: B018

    def test_cached_function(self):
        assert grad(functools.lru_cache(product))(3.0, 5.0) == pytest.approx(30 + math.cos(3.0))


class TestAttributes:
    def test_metadata_is_that_of_the_primal(self):
        assert (cube.__name__, cube.__doc__, cube.__module__) == ("cube", "x cubed.", __name__)
        assert list(inspect.signature(line).parameters) == ["x", "w", "b"]
        assert inspect.signature(line).parameters["b"].default == 1.0

    def test_source_and_file(self):
        g = grad(product)
        g(3.0)
        assert "def product_adjoint(x, y=2.0" in g.source
        assert g.file is not None and g.source in g.file.read_text(encoding="utf-8")
        assert "def product_tangent(" in jacfwd(product).source

    def test_repr(self):
        assert repr(grad(product, "y")).startswith("grad(<function product at ")
        assert repr(line).endswith("wrt=('w', 'b'))")

    @pytest.mark.parametrize("make", [grad, value_and_grad, jacfwd, jacrev, hessian])
    def test_pickle(self, make):
        g = pickle.loads(pickle.dumps(make(product, ("x", "y"))))
        assert g(3.0, 5.0) == make(product, ("x", "y"))(3.0, 5.0)

    def test_nothing_of_ours_travels_with_a_function(self):
        grad(product)(3.0)
        state = pickle.loads(pickle.dumps(product.__dict__))
        assert not any(state.values())

    def test_pickle_of_what_a_decorator_made(self):
        assert pickle.loads(pickle.dumps(cube)) is cube


@pytest.mark.smoke
class TestJacobian:
    @pytest.mark.parametrize("make", [jacfwd, jacrev])
    def test_numbers(self, make):
        assert make(product)(3.0) == pytest.approx(12.0 + math.cos(3.0))
        assert make(pair)(3.0, 5.0) == (5.0, 1.0)
        assert make(pair, wrt=("y", "x"))(3.0, 5.0) == ((3.0, 5.0), (-1.0, 1.0))

    @pytest.mark.parametrize("make", [jacfwd, jacrev])
    def test_arrays(self, make):
        def f(x, m):
            return m @ x

        m = np.arange(6.0).reshape(2, 3)
        np.testing.assert_allclose(make(f)(X, m), m)
        jacobian = make(f, "m")(X, m)
        assert jacobian.shape == (2, 2, 3)
        np.testing.assert_allclose(jacobian, np.einsum("ij,k->ijk", np.eye(2), X))
        np.testing.assert_allclose(make(energy)(X), 3 * X**2 + [2, 1, 0])

    @pytest.mark.parametrize("make", [jacfwd, jacrev])
    def test_structure_of_the_result_with_leaves_of_the_argument(self, make):
        jacobian = make(parts, wrt=("x", "p"))(X, {"k": 2.0})
        assert list(jacobian) == ["a", "b"]
        np.testing.assert_allclose(jacobian["a"][0], 2.0 * np.eye(3))
        np.testing.assert_allclose(jacobian["a"][1]["k"], X)
        np.testing.assert_allclose(jacobian["b"][0][0], np.ones(3))
        assert jacobian["b"][0][1] == {"k": 0.0}
        np.testing.assert_allclose(jacobian["b"][1][0], np.zeros(3))
        assert jacobian["b"][1][1] == {"k": 4.0}

    @pytest.mark.parametrize("make", [jacfwd, jacrev])
    def test_lists(self, make):
        def f(x):
            return [x[0] * x[1], x[1]]

        assert make(f)([3.0, 5.0]) == [[5.0, 3.0], [0.0, 1.0]]

    @pytest.mark.parametrize("make", [jacfwd, jacrev])
    def test_a_list_of_numbers_is_a_vector_in_the_jacobian_of_an_array(self, make):
        """Row by row of the result, whatever mode; other structures are kept as in JAX."""

        def f(x, k):
            return k * np.array([x[0] * x[1], x[1], x[0] ** 2])

        expected = np.array([[5.0, 3.0], [0.0, 1.0], [6.0, 0.0]])
        np.testing.assert_allclose(make(f)([3.0, 5.0], 2.0), 2.0 * expected)
        by_x, by_k = make(f, ("x", "k"))([3.0, 5.0], 2.0)
        np.testing.assert_allclose(by_x, 2.0 * expected)
        np.testing.assert_allclose(by_k, [15.0, 5.0, 9.0])
        np.testing.assert_allclose(make(f)((3.0, 5.0), 2.0), 2.0 * expected)
        columns = make(f)({0: 3.0, 1: 5.0}, 2.0)
        np.testing.assert_allclose(np.stack([columns[0], columns[1]], axis=1), 2.0 * expected)

        def g(table):
            return np.array(table) ** 2

        table = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
        np.testing.assert_allclose(
            make(g)(table), 2.0 * np.einsum("ij,ik,jl->ijkl", table, np.eye(2), np.eye(3))
        )
        second = jacfwd(make(f))([3.0, 5.0], 2.0)
        assert second.shape == (3, 2, 2)
        np.testing.assert_allclose(second[0], [[0.0, 2.0], [2.0, 0.0]])
        np.testing.assert_allclose(second[2], [[4.0, 0.0], [0.0, 0.0]])

    @pytest.mark.parametrize("make", [jacfwd, jacrev])
    def test_nothing_to_differentiate_or_to_return(self, make):
        assert make(lambda x: x * 2.0)(np.zeros(0)).shape == (0, 0)
        assert make(lambda x: (x, None))(1.0) == (1.0, None)

    def test_none_of_the_result_depends_on_the_argument(self):
        assert jacrev(lambda x: (1.0, 2))(3.0) == (0.0, 0.0)
        np.testing.assert_array_equal(jacfwd(lambda x: np.ones(2))(3.0), np.zeros(2))


@pytest.mark.smoke
class TestHigherOrder:
    HESSIAN = np.diag(6.0 * X) + np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])

    @pytest.mark.parametrize(
        "make",
        [
            hessian,
            lambda f: jacfwd(jacrev(f)),
            lambda f: jacrev(jacfwd(f)),
            lambda f: jacrev(jacrev(f)),
            lambda f: jacfwd(jacfwd(f)),
            lambda f: jacfwd(grad(f)),
            lambda f: jacrev(grad(f)),
            lambda f: lambda x: jacfwd(value_and_grad(f))(x)[1],
        ],
    )
    def test_hessian(self, make):
        np.testing.assert_allclose(make(energy)(X), self.HESSIAN, atol=1e-13)

    def test_hessian_of_several_arguments(self):
        (xx, xy), (yx, yy) = hessian(product, ("x", "y"))(3.0, 2.0)
        assert (xx, xy) == pytest.approx((4.0 - math.sin(3.0), 6.0))
        assert (yx, yy) == pytest.approx((6.0, 0.0))

    def test_hessian_of_an_array(self):
        def f(x):
            return x[:2] * x[2] ** 2

        second = hessian(f)(X)
        assert second.shape == (2, 3, 3)
        np.testing.assert_allclose(second[:, 2, 2], 2.0 * X[:2])
        np.testing.assert_allclose(second[:, 2, :2], 6.0 * np.eye(2))

    def test_third_order(self):
        assert grad(grad(grad(product)))(1.0) == pytest.approx(-math.cos(1.0))
        assert jacfwd(grad(jacrev(product)))(1.0) == pytest.approx(-math.cos(1.0))
        third = jacfwd(jacfwd(grad(energy)))(X)
        np.testing.assert_allclose(third[2, 2, 2], 6.0)
        assert np.count_nonzero(np.abs(third) > 1e-12) == 3

    def test_gradient_in_another_argument(self):
        assert grad(grad(product, "x"), "y")(3.0) == pytest.approx(6.0)
        value, second = value_and_grad(grad(product, "y"))(3.0)
        assert (value, second) == pytest.approx((9.0, 6.0))

    def test_hvp(self):
        v = np.array([1.0, -2.0, 0.5])
        np.testing.assert_allclose(hvp(energy, (X,), (v,)), self.HESSIAN @ v)
        xx_xy = hvp(product, (3.0, 2.0), (1.0, 0.5))
        assert xx_xy == pytest.approx((4.0 - math.sin(3.0) + 3.0, 6.0))
        assert hvp(product, (3.0, 2.0), (1.0, None)) == pytest.approx(4.0 - math.sin(3.0))


class TestProducts:
    def test_jvp(self):
        value, dot = jvp(parts, (X, {"k": 2.0}), (np.ones(3), {"k": 1.0}))
        np.testing.assert_allclose(value["a"], 2.0 * X)
        np.testing.assert_allclose(dot["a"], 2.0 + X)
        assert dot["b"] == pytest.approx([3.0, 4.0])

    def test_jvp_of_what_moves_only(self):
        assert jvp(product, (3.0, 2.0), (None, 1.0))[1] == pytest.approx(9.0)
        assert jvp(product, (3.0, 2.0), (1.0,), wrt="y")[1] == pytest.approx(9.0)

    def test_vjp(self):
        value, pullback = vjp(parts, X, {"k": 2.0})
        seed = {"a": np.ones(3), "b": [1.0, 10.0]}
        for _ in range(2):
            x_bar, p_bar = pullback(seed)
            np.testing.assert_allclose(x_bar, [3.0, 3.0, 3.0])
            assert p_bar == {"k": 46.0}
        assert seed["b"] == [1.0, 10.0]

    def test_vjp_of_primals_without_derivative(self):
        def f(x, n, how):
            for _ in range(n):
                x = x * 2.0 if how == "double" else x
            return x

        value, pullback = vjp(f, 1.5, 3, "double")
        assert (value, pullback(1.0)) == (12.0, (8.0, None, None))

    def test_products_with_jacobians(self):
        value, pullback = vjp(jacfwd(energy), X)
        np.testing.assert_allclose(value, 3 * X**2 + [2, 1, 0])
        np.testing.assert_allclose(pullback(np.array([1.0, 0, 0]))[0], [6.0, 1.0, 0.0])
        _, dot = jvp(jacrev(energy), (X,), (np.array([0.0, 1.0, 0.0]),))
        np.testing.assert_allclose(dot, [1.0, 12.0, 0.0])

    def test_pullback_of_a_jacobian_with_structure(self):
        point = (X, {"k": 2.0})
        value, pullback = vjp(jacrev(parts, "p"), *point, wrt="p")
        seed = {"a": {"k": np.zeros(3)}, "b": [{"k": 0.0}, {"k": 1.0}]}
        assert pullback(seed) == ({"k": 2.0},)


REFUSED = {
    "wrt is no parameter": (
        lambda: grad(product, "z"),
        "product() has no parameter 'z'\nhint: its parameters are x, y",
    ),
    "wrt is out of range": (lambda: grad(product, 2), "product() has no parameter 2"),
    "wrt twice": (lambda: grad(product, ("x", 0)), "once each"),
    "wrt is empty": (lambda: grad(product, ()), "once each"),
    "no parameters": (lambda: grad(lambda: 1.0), "nothing to differentiate"),
    "array of integers": (
        lambda: grad(energy)(np.arange(3)),
        "x is differentiated, but is an array of int64, not of floats\n"
        "hint: pass np.asarray(x, dtype=float)",
    ),
    "bool": (lambda: grad(product)(True), "x is differentiated, but is a bool"),
    "string": (lambda: grad(product)("a"), "x is differentiated, but is a str"),
    "None": (lambda: grad(product)(None), "x is differentiated, but is None"),
    "complex": (lambda: grad(product)(1j), "x is differentiated, but is a complex"),
    "string inside": (lambda: grad(energy)([1.0, "a"]), "x[1] is differentiated, but is a str"),
    "a class": (lambda: grad(int), "is not a function"),
    "primals without tuple": (lambda: jvp(product, 1.0, 1.0), "hint: write (x,)"),
    "tangents missing": (lambda: jvp(product, (1.0, 2.0), (1.0,)), "2 primals, but 1 tangents"),
    "tangent of another shape": (
        lambda: jvp(energy, (X,), (np.ones(2),)),
        "the tangent of x is array of shape (2,), but x is array of shape (3,)",
    ),
    "nothing moves": (lambda: jvp(product, (1.0,), (None,)), "every tangent is None"),
    "seed of another shape": (lambda: vjp(energy, X)[1](X), "but was given array of shape (3,)"),
}

NOT_A_NUMBER = {
    "array": (lambda x: x * X, "an array of shape (3,)", "use jacrev or jacfwd"),
    "array with one entry": (lambda x: x * X[:1], "an array of shape (1,)", "use jacrev"),
    "tuple": (lambda x: (x, x), "a tuple", "use jacrev or jacfwd"),
    "None": (lambda x: None, "nothing", "return the number"),
    "bool": (lambda x: x > 0, "a bool", "return a float"),
}


class TestErrors:
    @pytest.mark.parametrize("call, text", REFUSED.values(), ids=REFUSED.keys())
    def test_arguments(self, call, text):
        with pytest.raises(ArgumentError) as error:
            call()
        assert text in str(error.value)
        assert isinstance(error.value, ValueError)

    @pytest.mark.parametrize("f, what, hint", NOT_A_NUMBER.values(), ids=NOT_A_NUMBER.keys())
    def test_gradient_of_what_is_not_a_number(self, f, what, hint):
        for transform in (grad(f), value_and_grad(f)):
            with pytest.raises(OutputError) as error:
                transform(1.0)
            assert what in str(error.value) and hint in str(error.value)
            assert isinstance(error.value, TypeError)

    def test_result_that_has_no_derivative(self):
        with pytest.raises(OutputError, match=r"its result\[1\] is a str"):
            jacrev(lambda x: (x, "text"))(1.0)

    @pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
    def test_arrays_that_compute_in_a_way_of_their_own(self):
        """`*` of a matrix is a matrix product; masked entries are left out of a sum."""
        masked = np.ma.masked_array([1.0, 2.0], [True, False])
        default = [masked]
        for wrong in (np.matrix([[1.0, 2.0], [3.0, 4.0]]), masked, [masked]):
            with pytest.raises(ArgumentError, match="w is a .* in a way of its own"):
                grad(lambda x, w: np.sum(x * w))(2.0, wrong)
        with pytest.raises(ArgumentError, match="x is a MaskedArray"):
            vjp(lambda x: x * x, masked)
        with pytest.raises(SourceError, match="a MaskedArray that the function reads"):
            grad(lambda x: np.sum(x * masked))(2.0)
        with pytest.raises(ArgumentError, match="way of its own"):
            grad(lambda x, w=default: np.sum(x * w[0]))(2.0)

    def test_wrong_arguments_are_a_type_error_as_for_the_function(self):
        with pytest.raises(TypeError, match="missing a required argument: 'x'"):
            grad(product)()
        with pytest.raises(TypeError, match="too many positional arguments"):
            grad(product)(1.0, 2.0, 3.0)
        with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
            grad(product)(1.0, z=1.0)

    def test_messages_say_what_was_called_and_how_to_write_it(self):
        with pytest.raises(OutputError, match="hvp needs a function that returns a number"):
            hvp(lambda x: x**3, (np.ones(2),), (np.ones(2),))
        with pytest.raises(ArgumentError, match="write @staticmethod above the transform"):
            grad(staticmethod(product))
        with pytest.raises(ArgumentError, match="has no parameter 1.5"):
            grad(product, wrt=1.5)

    def test_errors_of_the_function_come_through(self):
        with pytest.raises(ValueError, match="math domain error|expected a positive input"):
            grad(lambda x: math.log(x))(-1.0)
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: 1.0 / x)(0.0)


def _damped(v, c):
    for _ in range(3):
        v = v - c * v * v
    return v


def _settled(v, c, most):
    k = 0
    while v > 0.1:
        v = _damped(v, c)
        if k == most:
            break
        v = v * math.cos(v)
        k += 1
    return v


def test_pullback_of_nested_loops_can_be_called_again():
    out, pullback = vjp(lambda v, c: _settled(v, c, 4) * _damped(v, c), 0.9, 0.2)
    first, second = pullback(1.0), pullback(1.0)
    assert first == second
    e = 1e-6
    below = _settled(0.9 - e, 0.2, 4) * _damped(0.9 - e, 0.2)
    above = _settled(0.9 + e, 0.2, 4) * _damped(0.9 + e, 0.2)
    assert abs(first[0] - (above - below) / (2 * e)) < 1e-7
