"""Names under which a generated program runs on complex numbers, branching on real parts.

Takes the text of a module, gives a function of it that runs with `math`, `np` and the builtins
replaced; requires numpy. Only what generated programs use is here; anything
else raises, and the oracle falls back on differences.
"""

from __future__ import annotations

import builtins
import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np


class Complex(complex):
    """A complex number that compares, rounds and takes its absolute value by its real part."""

    def __lt__(self, other: Any) -> bool:
        return bool(self.real < real(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.real <= real(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.real > real(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.real >= real(other))

    def __abs__(self) -> Any:
        return -self if self.real < 0 else self

    def __mod__(self, other: Any) -> Any:
        return self - other * math.floor(real(self) / real(other))

    def __rmod__(self, other: Any) -> Any:
        return other - self * math.floor(real(other) / real(self))

    def __neg__(self) -> Complex:
        return Complex(complex.__neg__(self))


def real(value: Any) -> Any:
    """Return the real part of a number."""
    return value.real if isinstance(value, complex) else value


def _closed(name: str) -> Callable[[Complex, Any], Any]:
    plain = getattr(complex, name)

    def operator(self: Complex, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        found = plain(self, other)
        return found if found is NotImplemented else Complex(found)

    return operator


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "rpow"):
    setattr(Complex, f"__{_name}__", _closed(f"__{_name}__"))


def wrap(value: Any) -> Any:
    """Return complex scalars as `Complex`, anything else as it is."""
    return Complex(value) if isinstance(value, complex) else value


def _absolute(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.where(value.real < 0, -value, value)
    return -value if real(value) < 0 else value


def _norm(x: Any, axis: int | None = None) -> Any:
    return wrap(np.sqrt(np.sum(x * x, axis=axis)))


def _by_real(numpy_name: str, argument_name: str) -> Callable[..., Any]:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if not np.iscomplexobj(x):
            return getattr(np, numpy_name)(x, axis=axis, keepdims=keepdims)
        axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
        last = np.moveaxis(x, tuple(axes), range(-len(axes), 0))
        flat = last.reshape(last.shape[: x.ndim - len(axes)] + (-1,))
        where = getattr(np, argument_name)(flat.real, axis=-1)
        found = np.take_along_axis(flat, np.expand_dims(where, -1), -1)[..., 0]
        return np.expand_dims(found, tuple(axes)) if keepdims else wrap(found[()])

    return reduced


def _wide(name: str) -> Callable[..., Any]:
    """Return a function that makes arrays, of complex numbers where it would be of floats."""

    def made(*args: Any, dtype: Any = float, **kwargs: Any) -> Any:
        # `int` and `float` are functions in such a program
        kind = {float: complex, BUILTINS["float"]: complex, BUILTINS["int"]: int}.get(dtype, dtype)
        return getattr(np, name)(*args, dtype=kind, **kwargs)

    return made


class Wrapped:
    """A function of NumPy whose scalar results compare by their real parts."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return wrap(self.function(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)


class Linalg:
    """`numpy.linalg`, with an analytic norm."""

    norm = staticmethod(_norm)

    def __getattr__(self, name: str) -> Any:
        return Wrapped(getattr(np.linalg, name))


class Numpy:
    """NumPy, with the functions replaced whose complex version is not the analytic one."""

    abs = staticmethod(_absolute)
    max = staticmethod(_by_real("max", "argmax"))
    min = staticmethod(_by_real("min", "argmin"))
    float64 = staticmethod(lambda value: value)

    linalg = Linalg()
    zeros, ones, empty, eye = (staticmethod(_wide(n)) for n in ("zeros", "ones", "empty", "eye"))
    full = staticmethod(_wide("full"))

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        return np.where(np.real(a) >= np.real(b), a, b)

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        return np.where(np.real(a) <= np.real(b), a, b)

    @staticmethod
    def clip(x: Any, low: Any, high: Any) -> Any:
        return Numpy.minimum(Numpy.maximum(x, low), high)

    @staticmethod
    def std(x: Any) -> Any:
        return wrap(np.sqrt(Numpy.var(x)))

    @staticmethod
    def var(x: Any) -> Any:
        return wrap(np.mean((x - np.mean(x)) ** 2))

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if not callable(found) or isinstance(found, type):
            return found
        return Wrapped(found)


class Math:
    """The module `math`, its functions extended to complex numbers."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)
        if not callable(found):
            return found

        def function(*args: Any) -> Any:
            if not any(isinstance(value, complex) for value in args):
                return found(*args)
            return wrap(ANALYTIC[name](*args) if name in ANALYTIC else getattr(cmath, name)(*args))

        return function


ANALYTIC: dict[str, Callable[..., Any]] = {
    "fabs": _absolute,
    "hypot": lambda a, b: cmath.sqrt(a * a + b * b),
    "atan2": lambda a, b: cmath.atan(a / b) if real(b) > 0 else complex(math.nan, math.nan),
    "log1p": lambda a: cmath.log(1.0 + a),
    "expm1": lambda a: cmath.exp(a) - 1.0,
    "pow": lambda a, b: a**b,
    "floor": lambda a: math.floor(real(a)),
    "ceil": lambda a: math.ceil(real(a)),
}


def _divmod(a: Any, b: Any) -> Any:
    if not isinstance(a, complex) and not isinstance(b, complex):
        return divmod(a, b)
    quotient = math.floor(real(a) / real(b))
    return quotient, a - b * quotient


BUILTINS: dict[str, Any] = {
    "float": lambda value: value if isinstance(value, complex) else float(value),
    "int": lambda value: int(real(value)),
    "abs": _absolute,
    "round": lambda value, *digits: round(real(value), *digits),
    "min": lambda *values, **kwargs: builtins.min(*values, **{"key": real, **kwargs}),
    "max": lambda *values, **kwargs: builtins.max(*values, **{"key": real, **kwargs}),
    "sum": lambda values, start=0: builtins.sum(list(values), start),
    "pow": lambda a, b: a**b,
    "divmod": _divmod,
}


def complex_function(text: str, name: str) -> Callable[..., Any]:
    """Return function `name` of the module `text` on complex numbers."""
    # functions read the dictionary they were made in, so the modules are replaced in place
    namespace: dict[str, Any] = dict(BUILTINS)
    exec(compile(text, "<complex program>", "exec"), namespace)
    for key, value in list(namespace.items()):
        if value is math:
            namespace[key] = Math()
        elif value is np:
            namespace[key] = Numpy()
    function = namespace[name]

    def run(*args: Any) -> Any:
        return function(*(complex_arguments(value) for value in args))

    return run


def complex_arguments(value: Any) -> Any:
    """Return a structure whose numbers and arrays may hold complex numbers."""
    if isinstance(value, (list, tuple)):
        return type(value)(complex_arguments(item) for item in value)
    if isinstance(value, dict):
        return {key: complex_arguments(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        # what is stored into it may be complex
        return value.astype(complex) if value.dtype.kind == "f" else value
    return wrap(value)
