"""The transforms as users call them, as functions and as decorators.

Takes functions, gives transform objects (`api_gradient`, `api_jacobian`) or products of
derivatives (`api_products`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2s_ad import api_dynamic
from s2s_ad.api_base import Transform
from s2s_ad.api_compiled import options_of
from s2s_ad.api_gradient import Gradient, ValueAndGradient
from s2s_ad.api_jacobian import ForwardJacobian, Hessian, ReverseJacobian
from s2s_ad.api_primal import Wrt
from s2s_ad.api_products import hvp, jvp, vjp
from s2s_ad.runtime.calls import use_engine

__all__ = ["grad", "hessian", "hvp", "jacfwd", "jacrev", "jvp", "value_and_grad", "vjp"]

use_engine(api_dynamic.forward, api_dynamic.tangent)


def _make(kind: type[Transform], function: Any, wrt: Wrt, strict: bool, compile: str | None) -> Any:
    """Return the transform, or a decorator that makes it when there is no function yet."""
    options = options_of(strict, compile)
    if function is None:
        return lambda function: kind(function, wrt, options)
    return kind(function, wrt, options)


def grad(
    function: Callable[..., Any] | None = None,
    wrt: Wrt = None,
    *,
    strict: bool = False,
    compile: str | None = None,
) -> Any:
    """Return a function that computes the gradient of `function`, which returns a number.

    wrt is a parameter, by name or position, or a tuple of them: the gradient is then a tuple.
    Without it the gradient is in the first parameter. With `strict`, a gradient that is cut
    (by `int(x)`, `round` and the like) is an error. With `compile="numba"` the derivative is
    compiled, with all it calls. Usable as a decorator, with or without options.
    """
    return _make(Gradient, function, wrt, strict, compile)


def value_and_grad(
    function: Callable[..., Any] | None = None,
    wrt: Wrt = None,
    *,
    strict: bool = False,
    compile: str | None = None,
) -> Any:
    """Return a function that computes (value, gradient) of `function`, like `grad` otherwise."""
    return _make(ValueAndGradient, function, wrt, strict, compile)


def jacfwd(
    function: Callable[..., Any] | None = None,
    wrt: Wrt = None,
    *,
    strict: bool = False,
    compile: str | None = None,
) -> Any:
    """Return a function that computes the Jacobian of `function` by forward mode.

    It has the structure of the result, each leaf of which has that of the argument: an array of
    shape S in an array of shape T gives an array of shape S + T. An argument that is a list or a
    tuple of numbers counts there as the array it spells. Cheaper than `jacrev` when the argument
    has fewer entries than the result. Options as for `grad`.
    """
    return _make(ForwardJacobian, function, wrt, strict, compile)


def jacrev(
    function: Callable[..., Any] | None = None,
    wrt: Wrt = None,
    *,
    strict: bool = False,
    compile: str | None = None,
) -> Any:
    """Return a function that computes the Jacobian of `function` by reverse mode; see `jacfwd`."""
    return _make(ReverseJacobian, function, wrt, strict, compile)


def hessian(
    function: Callable[..., Any] | None = None,
    wrt: Wrt = None,
    *,
    strict: bool = False,
    compile: str | None = None,
) -> Any:
    """Return a function that computes the second derivatives of `function`.

    Like `jacfwd(jacrev(function))`, which it is. Options as for `grad`.
    """
    return _make(Hessian, function, wrt, strict, compile)
