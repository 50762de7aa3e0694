"""Numerical kernels (fixtures/programs): both modes, second order, and losses that call them.

Takes nothing, gives tests; requires oracles, checking, and complex steps by the shims of programs.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import linecache
from pathlib import Path

import numpy as np
import pytest

from s2s_ad import jvp, value_and_grad, vjp
from s2s_ad.errors import S2SError
from tests.checking import check_second_order, chosen, same_bits, weights
from tests.oracles import COMPLEX_STEP, directional, leaves, rebuild
from tests.programs.shims import complex_arguments, complex_function

FOLDER = Path(__file__).parent.parent / "fixtures" / "programs"
MODULES = tuple(sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "kernel"))
KERNELS = {
    kernel.name: kernel
    for module in MODULES
    for kernel in importlib.import_module(f"fixtures.programs.{module}").KERNELS
}
# NumPy's factors of a complex matrix are not the analytic ones
BY_DIFFERENCES = frozenset({"least_squares"})
TOLERANCE = {"complex step": 1e-10, "differences": 1e-7}
# their derivatives are differentiated on demand only
LONG = frozenset(
    "adi channel convolution_network deriche least_squares n_body vertical_advection".split()
)
# what is generated of these is refused where it is differentiated again
NOT_AGAIN = frozenset({"kalman_smoother"})

each_kernel = pytest.mark.parametrize("name", KERNELS)


def outputs(kernel, function, args):
    """Return what a call gives and leaves, of a copy of its arguments."""
    args = copy.deepcopy(args)
    found = dict(zip(inspect.signature(kernel.function).parameters, args))
    found["return"] = function(*args)
    return tuple(found[name] for name in kernel.of)


def slope(kernel, args, like, dots, certain=True):
    """Return the derivative of all outputs along `dots`, and the method it comes from.

    certain: whether two methods must agree; at large sizes a kink is never far for differences.
    """
    names = list(inspect.signature(kernel.function).parameters)

    def at(*values, given=args, function=kernel.function):
        full = list(given)
        for name, value in zip(kernel.wrt, values):
            full[names.index(name)] = value
        return outputs(kernel, function, tuple(full))

    by_differences = None
    if certain or kernel.name in BY_DIFFERENCES:
        by_differences, error = directional(at, like, dots)
        size = 1.0 + np.max(np.abs(by_differences))
        assert error < 1e-8 * size, "the point is not smooth"
        if kernel.name in BY_DIFFERENCES:
            return by_differences, "differences"
    text = Path(inspect.getsourcefile(kernel.function)).read_text()
    analytic = complex_function(text, kernel.name)
    stepped = rebuild(like, leaves(like) + 1j * COMPLEX_STEP * dots)
    moved = at(*stepped, given=complex_arguments(args), function=analytic)
    found = np.imag(leaves(moved)) / COMPLEX_STEP
    if by_differences is not None:
        assert np.max(np.abs(found - by_differences)) < 1e-6 * size, "not analytic"
    return found, "complex step"


def loss_of(kernel, args):
    """Return a function like a user's: it calls the kernel and reduces what that gives and leaves.

    Its text is known to `linecache`, as in a notebook.
    """
    call = f"{kernel.name}({', '.join(inspect.signature(kernel.function).parameters)})"
    taken = "result = " if "return" in kernel.of else ""
    lines = [f"def loss{call.removeprefix(kernel.name)}:", f"    {taken}{call}"]
    terms = []
    for name, value in zip(kernel.of, outputs(kernel, kernel.function, args)):
        read = "result" if name == "return" else name
        parts = [f"{read}[{k}]" for k in range(len(value))] if type(value) is tuple else [read]
        terms += [f"np.sum(np.sin(0.3 + {part}))" for part in parts]
    lines.append(f"    return {' + '.join(terms)}")
    text = "\n".join(lines) + "\n"
    file = f"<loss of {kernel.name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    # in the module of the kernel, which is that of a user here
    namespace = vars(inspect.getmodule(kernel.function))
    exec(compile(text, file, "exec"), namespace)
    return namespace.pop("loss")


def check_both_modes(kernel, size):
    args = kernel.call(size)
    before = copy.deepcopy(args)
    like = chosen(kernel.function, args, kernel.wrt)
    dots = weights(len(leaves(like)))
    wanted, method = slope(kernel, args, like, dots, size == kernel.small)
    scale = 1.0 + np.max(np.abs(wanted))
    plain = outputs(kernel, kernel.function, args)

    out, out_dot = jvp(kernel.function, args, rebuild(like, dots), wrt=kernel.wrt, of=kernel.of)
    assert same_bits(out, plain)
    np.testing.assert_allclose(leaves(out_dot), wanted, rtol=0, atol=TOLERANCE[method] * scale)

    out, pullback = vjp(kernel.function, *args, wrt=kernel.wrt, of=kernel.of)
    assert same_bits(out, plain)
    assert np.any(wanted)
    for seed in (weights(len(wanted)), np.sin(2.0 + 3.0 * np.arange(len(wanted)))):
        for _ in range(2):
            bars = leaves(pullback(rebuild(plain, seed)))
            error = abs(bars @ dots - seed @ wanted)
            assert error < TOLERANCE[method] * (np.abs(bars) @ np.abs(dots) + 1.0)
    assert same_bits(args, before), "the caller's own"


@each_kernel
def test_both_modes(name):
    check_both_modes(KERNELS[name], KERNELS[name].small)


@pytest.mark.exhaustive
@each_kernel
def test_both_modes_where_cost_shows(name):
    check_both_modes(KERNELS[name], KERNELS[name].large)


@each_kernel
def test_a_loss_that_calls_it(name):
    """A loss needs nothing special, and its gradient is differentiated again."""
    kernel = KERNELS[name]
    args = kernel.call(kernel.small)
    like = chosen(kernel.function, args, kernel.wrt)
    dots = weights(len(leaves(like)))
    loss = loss_of(kernel, args)
    wanted, _ = slope(kernel, args, like, dots)
    gradient = value_and_grad(loss, wrt=kernel.wrt)
    value, bars = gradient(*args)
    plain = leaves(outputs(kernel, kernel.function, args))
    assert value == pytest.approx(np.sum(np.sin(0.3 + plain)), rel=1e-12)
    assert leaves(bars) @ dots == pytest.approx(np.cos(0.3 + plain) @ wanted, rel=1e-7)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.exhaustive if name in LONG else ())
        for name in KERNELS
        if name not in NOT_AGAIN
    ],
)
def test_second_order(name):
    kernel = KERNELS[name]
    args = kernel.call(kernel.small)
    check_second_order(loss_of(kernel, args), args, kernel.wrt, unknown=False)


@pytest.mark.parametrize("name", sorted(NOT_AGAIN))
def test_refused_and_not_wrong(name):
    kernel = KERNELS[name]
    args = kernel.call(kernel.small)
    with pytest.raises(S2SError):
        check_second_order(loss_of(kernel, args), args, kernel.wrt, unknown=False)
