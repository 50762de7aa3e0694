"""Checks of s2s_ad's derivatives against a reference Jacobian; each raises `Wrong` if it differs.

Takes a function, its arguments, names to differentiate and a `Reference`; gives nothing; requires
the public interface and, for what it does not offer (kinds off, optimisations off, derivatives of
derivatives half by half), `s2s_ad.build.derive`.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from s2s_ad import grad, jvp, value_and_grad, vjp
from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import Derivative, Request, derive
from s2s_ad.errors import S2SError
from s2s_ad.ir.kinds import Kind
from tests.oracles import (
    Kink,
    Reference,
    Vector,
    close,
    directional,
    dot_products_agree,
    leaves,
    rebuild,
)

COMPLEX_TOLERANCE = 1e-9
DIFFERENCE_TOLERANCE = 1e-7
SECOND_TOLERANCE = 1e-6

_files = itertools.count(1)


class Wrong(AssertionError):
    """A derivative differs from the reference. `check` names the check, `what` the difference."""

    def __init__(self, check: str, what: str) -> None:
        super().__init__(f"{check}: {what}")
        self.check = check
        self.what = what


def tolerance(reference: Reference) -> float:
    return COMPLEX_TOLERANCE if reference.method == "complex step" else DIFFERENCE_TOLERANCE


def chosen(
    function: Callable[..., Any], args: Sequence[Any], wrt: Sequence[str]
) -> tuple[Any, ...]:
    """Return the arguments that `wrt` names."""
    names = list(inspect.signature(function).parameters)
    return tuple(args[names.index(name)] for name in wrt)


def restricted(
    function: Callable[..., Any], wrt: Sequence[str], args: Sequence[Any]
) -> Callable[..., Any]:
    """Return the function of its `wrt` arguments alone, the others held at `args`."""
    names = list(inspect.signature(function).parameters)

    def call(*values: Any) -> Any:
        full = list(copy.deepcopy(args))
        for name, value in zip(wrt, values):
            full[names.index(name)] = value
        return function(*full)

    return call


def weights(count: int) -> Vector:
    """Return numbers of both signs, none of them small, the same at each call."""
    return np.cos(1.0 + np.arange(count)) + 0.05


def same_bits(got: Any, wanted: Any) -> bool:
    """True when two results are equal to the last bit, types and structure included."""
    if type(got) is not type(wanted):
        return False
    if isinstance(wanted, (tuple, list)):
        return len(got) == len(wanted) and all(map(same_bits, got, wanted))
    if isinstance(wanted, dict):
        return list(got) == list(wanted) and all(same_bits(got[k], wanted[k]) for k in wanted)
    if isinstance(wanted, np.ndarray):
        return got.dtype == wanted.dtype and np.array_equal(got, wanted, equal_nan=True)
    return bool(got == wanted) or (got != got and wanted != wanted)


def same_structure(got: Any, like: Any) -> bool:
    """True when an adjoint has the structure and shapes of its argument."""
    if isinstance(like, (tuple, list)):
        return (
            type(got) is type(like)
            and len(got) == len(like)
            and all(map(same_structure, got, like))
        )
    if isinstance(like, dict):
        return (
            isinstance(got, dict)
            and got.keys() == like.keys()
            and all(same_structure(got[k], like[k]) for k in like)
        )
    if isinstance(like, np.ndarray):
        return isinstance(got, np.ndarray) and got.shape == like.shape
    if isinstance(like, (str, type(None))):
        return True
    return isinstance(got, (int, float, np.floating, np.integer))


def _expect_value(check: str, got: Any, wanted: Any) -> None:
    if not same_bits(got, wanted):
        raise Wrong(check, f"value {got!r}, the function gives {wanted!r}")


def _expect_adjoints(
    check: str, got: Any, like: tuple[Any, ...], wanted: Vector, reference: Reference
) -> Vector:
    if not same_structure(got, like):
        raise Wrong(check, f"adjoints {got!r} are not shaped like {like!r}")
    return _expect_numbers(check, got, wanted, reference)


def _expect_numbers(check: str, got: Any, wanted: Vector, reference: Reference) -> Vector:
    numbers = leaves(got)
    if not close(numbers, wanted, reference.error, tolerance(reference)):
        raise Wrong(check, f"adjoints {numbers}, wanted {wanted} (by {reference.method})")
    return numbers


def _expect_tangent(
    check: str, got: Any, value: Any, wanted: Vector, reference: Reference
) -> Vector:
    numbers = leaves(got)
    if numbers.shape != leaves(value).shape:
        raise Wrong(check, f"tangent {got!r} of a result {value!r}")
    if not close(numbers, wanted, reference.error, tolerance(reference)):
        raise Wrong(check, f"tangent {numbers}, wanted {wanted} (by {reference.method})")
    return numbers


def _unchanged(check: str, args: Sequence[Any], before: Sequence[Any]) -> None:
    if not same_bits(tuple(args), tuple(before)):
        raise Wrong(check, f"arguments changed from {before!r} to {args!r}")


def check_adjoint(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: tuple[str, ...],
    value: Any,
    reference: Reference,
) -> Vector:
    """Check `value_and_grad` of a number, `vjp` of anything else; return the adjoints."""
    args = copy.deepcopy(args)
    before = copy.deepcopy(args)
    like = chosen(function, args, wrt)
    bars = weights(len(leaves(value)))
    if _is_number(value):
        out, bar = value_and_grad(function, wrt=wrt if len(wrt) > 1 else wrt[0])(*args)
        adjoints = bar if len(wrt) > 1 else (bar,)
        bars = np.ones(1)
    else:
        out, pullback = vjp(function, *args, wrt=wrt)
        adjoints = pullback(rebuild(value, bars))
        again = pullback(rebuild(value, bars))
        if not same_bits(leaves(again), leaves(adjoints)):
            raise Wrong("adjoint", f"a second pullback gives {again!r}, the first {adjoints!r}")
    _expect_value("adjoint", out, value)
    _unchanged("adjoint", args, before)
    return _expect_adjoints("adjoint", tuple(adjoints), like, bars @ reference.jacobian, reference)


def check_tangent(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: tuple[str, ...],
    value: Any,
    reference: Reference,
) -> Vector:
    """Check `jvp` along one direction; return the tangent of the result."""
    args = copy.deepcopy(args)
    before = copy.deepcopy(args)
    like = chosen(function, args, wrt)
    dots = weights(len(leaves(like)))
    out, out_dot = jvp(function, args, rebuild(like, dots), wrt=wrt)
    _expect_value("tangent", out, value)
    _unchanged("tangent", args, before)
    return _expect_tangent("tangent", out_dot, value, reference.jacobian @ dots, reference)


def check_both(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: tuple[str, ...],
    value: Any,
    reference: Reference,
) -> None:
    """Check both modes, and one against the other."""
    bar = check_adjoint(function, args, wrt, value, reference)
    dot = check_tangent(function, args, wrt, value, reference)
    bars = np.ones(1) if _is_number(value) else weights(len(leaves(value)))
    if not dot_products_agree(bars, dot, bar, weights(len(bar)), 1e-9, 1e-13):
        raise Wrong("dot product", f"tangent {dot}, adjoints {bar}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.floating)) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    )


# -- the engine itself ----------------------------------------------------------------------


def bound(derivative: Derivative) -> Callable[..., Any]:
    """Return the entry of a generated module, its source known to `linecache`."""
    file = f"<derivative {next(_files)}>"
    text = derivative.text
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "s2s_ad.generated", **derivative.imports}
    exec(compile(text, file, "exec"), namespace)
    entry: Callable[..., Any] = namespace[derivative.entry]
    return entry


def interleaved(
    function: Callable[..., Any], args: Sequence[Any], wrt: Sequence[str], dots: Sequence[Any]
) -> tuple[Any, ...]:
    """Return the arguments of a tangent function: each dot right behind what it is the dot of."""
    by_name = dict(zip(wrt, dots))
    mixed: list[Any] = []
    for name, value in zip(inspect.signature(function).parameters, args):
        mixed += [value, by_name[name]] if name in by_name else [value]
    return tuple(mixed)


def check_derived(
    check: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: tuple[str, ...],
    value: Any,
    reference: Reference,
    options: frozenset[str] = frozenset(),
    known: bool = False,
) -> tuple[str, str]:
    """Check what `derive` writes with `options` off; return the two texts.

    known: whether the kinds of the arguments are given.
    """
    kinds: dict[str, Kind] = {}
    if inspect.ismethod(function):
        # what `self` is must be known: its methods are found through it
        kinds = {
            next(iter(inspect.signature(function.__func__).parameters)): kind_of(function.__self__)
        }
        function, args = function.__func__, (function.__self__, *args)
    if known:
        names = inspect.signature(function).parameters
        kinds |= {name: kind_of(value, name) for name, value in zip(names, args)}
        kinds |= {name: real(kinds[name]) for name in wrt}
    like = chosen(function, args, wrt)
    adjoint = derive(Request(function, "adjoint", wrt, kinds, options=options))
    bars = weights(len(leaves(value)))
    out, bar = bound(adjoint)(*copy.deepcopy(args), rebuild(value, bars))
    _expect_value(f"{check} adjoint", out, value)
    adjoints = bar if len(wrt) > 1 else (bar,)
    # generated code may hold the adjoint of a tuple in a list; the interface puts that right
    numbers = _expect_numbers(f"{check} adjoint", adjoints, bars @ reference.jacobian, reference)
    tangent = derive(Request(function, "tangent", wrt, kinds, options=options))
    dots = weights(len(numbers))
    out, out_dot = bound(tangent)(
        *interleaved(function, copy.deepcopy(args), wrt, rebuild(like, dots))
    )
    _expect_value(f"{check} tangent", out, value)
    _expect_tangent(f"{check} tangent", out_dot, value, reference.jacobian @ dots, reference)
    return adjoint.text, tangent.text


def check_second_order(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: tuple[str, ...],
    unknown: bool = True,
) -> None:
    """Check the three ways to second derivatives of a function that returns a number.

    unknown: whether also where nothing is known of the arguments.
    """
    like = chosen(function, args, wrt)
    gradient = grad(function, wrt=wrt)
    dots = weights(len(leaves(like)))
    wanted, error = directional(restricted(gradient, wrt, args), like, dots)
    size = 1.0 + float(np.max(np.abs(wanted), initial=0.0))
    if not error < SECOND_TOLERANCE * size:
        raise Kink(f"differences of the gradient do not converge: {error}")
    _, forward = jvp(gradient, copy.deepcopy(args), rebuild(like, dots), wrt=wrt)
    if not close(leaves(forward), wanted, error, SECOND_TOLERANCE):
        raise Wrong("forward over reverse", f"{leaves(forward)}, wanted {wanted}")
    # the Hessian is symmetric: pulling back the dots gives the same product
    _, pullback = vjp(gradient, *copy.deepcopy(args), wrt=wrt)
    reverse = pullback(rebuild(like, dots))
    if not close(leaves(reverse), wanted, error, SECOND_TOLERANCE):
        raise Wrong("reverse over reverse", f"{leaves(reverse)}, wanted {wanted}")
    dotted = interleaved(function, args, wrt, rebuild(like, dots))
    for known in (True, False) if unknown else (True,):
        try:
            bar = reverse_over_forward(function, dotted, wrt, known)
        except S2SError as refusal:
            # some is only refused where nothing is known of the arguments
            if known or refusal.place is None or not refusal.hint:
                raise
            continue
        if not close(leaves(bar), wanted, error, SECOND_TOLERANCE):
            raise Wrong("reverse over forward", f"{leaves(bar)}, wanted {wanted}")


def reverse_over_forward(
    function: Callable[..., Any], dotted: tuple[Any, ...], wrt: tuple[str, ...], known: bool
) -> Any:
    """Return the adjoints of the tangent at arguments with dots. known: kinds are given."""
    names: list[str] = []
    for name in inspect.signature(function).parameters:
        names += [name, f"{name}_dot"] if name in wrt else [name]
    kinds = {x: real(kind_of(v, x)) for x, v in zip(names, dotted)} if known else {}
    of_function = {name: kind for name, kind in kinds.items() if not name.endswith("_dot")}
    along = bound(derive(Request(function, "tangent", wrt, of_function)))
    of_tangent = dict(zip(inspect.signature(along).parameters, kinds.values()))
    mixed = derive(Request(along, "adjoint", wrt, of_tangent, select=(1,)))
    _, bar = bound(mixed)(*copy.deepcopy(dotted), 1.0)
    return bar
