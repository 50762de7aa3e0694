"""What other tools make of a program: value and gradient, as each tool's users would get them.

Takes programs, gives `PEERS`: by name, a function from a program and its arguments to a call
without arguments that returns (value, gradients). A tool that is not installed raises ImportError
there, one that cannot do the program whatever it raises. Requires rebinding, program, and any of
autograd, tangent-ad, jax and torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks import jax_variants
from tests.benchmarks.program import Arguments, Program
from tests.benchmarks.rebinding import Namespace, rebound

Call = Callable[[], Any]
SCALAR = ("exp", "log", "sin", "cos", "sqrt")


def _places(program: Program) -> tuple[int, ...]:
    names = list(inspect.signature(program.primal).parameters)
    return tuple(names.index(name) for name in program.wrt)


def of_autograd(program: Program, args: Arguments) -> Call:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import erf

    scalar = Namespace({name: getattr(anp, name) for name in SCALAR} | {"erf": erf}, anp)
    function = value_and_grad(rebound(program.primal, anp, scalar), _places(program))
    return lambda: function(*args)


def of_tangent(program: Program, args: Arguments) -> Call:
    import tangent

    def gradient(function: Callable[..., Any]) -> Call:
        made = tangent.grad(function, wrt=_places(program), preserve_result=True)

        def call() -> Any:
            *gradients, value = made(*args)
            return value, gradients

        call()
        return call

    try:
        return gradient(program.primal)
    except Exception:
        # it knows few functions of `math`, but those of NumPy
        return gradient(rebound(program.primal, np, np))


def of_jax(program: Program, args: Arguments) -> Call:
    return _jax(program, args, False)


def of_jax_jit(program: Program, args: Arguments) -> Call:
    return _jax(program, args, True)


def _jax(program: Program, args: Arguments, jitted: bool) -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    places = _places(program)
    variant = jax_variants.VARIANTS.get(program.name) if jitted else None
    if variant is None:
        scalar = Namespace(
            {name: getattr(jnp, name) for name in SCALAR} | {"erf": jax.scipy.special.erf}, jnp
        )
        function = rebound(program.primal, jnp, scalar)
    else:
        function = variant

    def given(value: Any) -> Any:
        # a list of numbers is an array where the program is written for jax
        as_array = isinstance(value, np.ndarray) or (variant is not None and type(value) is list)
        return jnp.asarray(value) if as_array else value

    gradient = jax.value_and_grad(function, places)
    if jitted:
        whole = tuple(k for k, value in enumerate(args) if type(value) is int)
        gradient = jax.jit(gradient, static_argnums=whole)
    own = tuple(map(given, args))
    return lambda: jax.block_until_ready(gradient(*own))


def of_torch(program: Program, args: Arguments) -> Call:
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)

    def tensors(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **options: Any) -> Any:
            return function(*map(tensor, values), **options)

        return call

    def tensor(value: Any) -> Any:
        return torch.as_tensor(value) if type(value) in (int, float) else value

    scalar = Namespace({name: tensors(getattr(torch, name)) for name in (*SCALAR, "erf")}, torch)
    names = {
        "max": lambda x, axis=None, keepdims=False: (
            torch.max(x) if axis is None else torch.amax(x, axis, keepdims)
        ),
        "log": tensors(torch.log),
        "logaddexp": tensors(torch.logaddexp),
        "maximum": tensors(torch.maximum),
        "concatenate": lambda items, axis=0: torch.cat(items, axis),
        "stack": torch.stack,
        "pi": np.pi,
    }
    function = rebound(program.primal, Namespace(names, torch), scalar)
    places = _places(program)
    own = [torch.as_tensor(v) if isinstance(v, np.ndarray) else v for v in args]

    def call() -> Any:
        values = list(own)
        leaves: list[Any] = []
        for place in places:
            values[place] = _leaf(torch, own[place], leaves)
        value = function(*values)
        found = iter(torch.autograd.grad(value, leaves))
        return value.item(), [_like(own[place], found) for place in places]

    return call


def _leaf(torch: Any, value: Any, leaves: list[Any]) -> Any:
    if isinstance(value, list):
        return [_leaf(torch, item, leaves) for item in value]
    leaves.append(torch.as_tensor(value).detach().requires_grad_())
    return leaves[-1]


def _like(value: Any, found: Any) -> Any:
    return [_like(item, found) for item in value] if isinstance(value, list) else next(found)


PEERS: dict[str, Callable[[Program, Arguments], Call]] = {
    "autograd": of_autograd,
    "tangent-ad": of_tangent,
    "jax": of_jax,
    "jax jit": of_jax_jit,
    "torch": of_torch,
}
