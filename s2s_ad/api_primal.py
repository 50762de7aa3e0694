"""What a transform was given: the function behind a callable, its parameters, and what `wrt` means.

Takes callables and `wrt` as users write them, gives `Primal` and parameter names, and the values
of a call in the order of the parameters. Requires numpy and the errors (layer 0).
"""

from __future__ import annotations

import functools
import inspect
import linecache
import operator
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from s2s_ad.errors import ArgumentError, S2SError

_STARS = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
Values: TypeAlias = "tuple[Any, ...]"
Wrt: TypeAlias = "int | str | Sequence[int | str] | None"
Of: TypeAlias = "str | Sequence[str] | None"


class Primal(NamedTuple):
    """A callable taken apart: calling it calls `base` with `leading` in front.

    base is a Python function, or a transform; defaults are those it had. names are the parameters
    of the callable, all_names those of base, which begin with what `leading` fills. positional:
    all of them can be given by position; variadic: there may be any number of arguments.
    """

    call: Callable[..., Any]
    base: Any
    leading: Values
    signature: inspect.Signature
    all_names: tuple[str, ...]
    defaults: tuple[Any, ...]
    names: tuple[str, ...]
    positional: bool
    variadic: bool

    def current(self) -> Primal:
        """Return the primal as it is now: defaults may be replaced between two calls."""
        now = _defaults(self.base)
        same = len(now) == len(self.defaults) and all(map(operator.is_, now, self.defaults))
        return self if same else primal_of(self.call)

    @property
    def title(self) -> str:
        """What messages call it: `loss()`, or `jacfwd of loss()`."""
        name = getattr(self.call, "__name__", None) or type(self.call).__name__
        verb = getattr(self.call, "verb", None)
        return f"{verb} of {name}()" if verb else f"{name}()"

    def values(self, args: Values, kwargs: Mapping[str, Any]) -> Values:
        """Return the value of every parameter of a call, defaults filled in, in their order."""
        if not kwargs and len(args) == len(self.names) and self.positional:
            return args
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.title} {error}") from None
        bound.apply_defaults()
        return tuple(bound.arguments[name] for name in self.signature.parameters)

    def expand(self, values: Values) -> Values:
        """Return the values of base's parameters from those of the callable's."""
        if self.names == self.all_names:
            return values
        given = dict(zip(self.all_names, self.leading))
        given.update(zip(self.names, values))
        return tuple(given[name] for name in self.all_names)


def primal_of(call: Callable[..., Any]) -> Primal:
    """Return the function behind a callable: a method, a partial, a compiled or C function."""
    base, leading = _base(call)
    try:
        own = inspect.signature(base)
        signature = own if base is call or _has_rules(call) else inspect.signature(call)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"the parameters of {call!r} are not known",
            hint="differentiate a Python function that calls it",
        ) from None
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return Primal(
        call,
        base,
        leading,
        signature,
        tuple(own.parameters),
        _defaults(base),
        tuple(signature.parameters),
        positional=max(kinds, default=0) <= inspect.Parameter.POSITIONAL_OR_KEYWORD,
        variadic=bool(kinds & _STARS),
    )


def _defaults(base: Any) -> tuple[Any, ...]:
    """Return what holds the defaults of a function, or of the one a transform was made from."""
    while hasattr(base, "__s2s_transform__"):
        base = _base(base.primal)[0]
    return (base.__defaults__, *(base.__kwdefaults__ or {}).values())


def _base(call: Any) -> tuple[Any, Values]:
    if _has_rules(call):
        return _wrapper(call), ()
    if isinstance(call, types.FunctionType) or hasattr(call, "__s2s_transform__"):
        return call, ()
    if isinstance(call, types.MethodType):
        if isinstance(call.__func__, types.FunctionType):
            return call, ()  # the engine knows methods: more is known of a bound `self`
        base, leading = _base(call.__func__)
        return base, (*leading, call.__self__)
    if isinstance(call, functools.partial):
        base, leading = _base(call.func)
        return base, (*leading, *call.args)
    if isinstance(call, functools._lru_cache_wrapper):
        return _base(call.__wrapped__)
    if hasattr(call, "py_func"):  # compiled by numba: what it was compiled from
        return _base(call.py_func)
    method = inspect.getattr_static(type(call), "__call__", None)
    if isinstance(call, type) or not isinstance(method, types.FunctionType):
        hint = "give a function, a method or a callable object"
        if isinstance(call, (staticmethod, classmethod)):
            hint = f"write @{type(call).__name__} above the transform, not below"
        raise ArgumentError(f"{call!r} is not a function", hint=hint)
    return _base(types.MethodType(method, call))


def _has_rules(call: Any) -> bool:
    """Return whether a callable is a library's, differentiated by rule and not by its source."""
    if isinstance(call, (np.ufunc, types.BuiltinFunctionType, type(np.sum))):
        return not isinstance(call, types.FunctionType) or _is_numerical(call)
    return isinstance(call, types.FunctionType) and _is_numerical(call)


def _is_numerical(call: Any) -> bool:
    return (getattr(call, "__module__", None) or "").split(".")[0] in ("numpy", "scipy")


@functools.lru_cache(maxsize=256)
def _wrapper(call: Any) -> types.FunctionType:
    """Return a Python function that calls one of a library's, so that it has a source."""
    name = call.__name__
    try:
        parameters = inspect.signature(call).parameters.values()
        names = [p.name for p in parameters if p.default is p.empty and p.kind <= 1]
    except ValueError:
        names = []
    if isinstance(call, np.ufunc):
        names = ["x"] if call.nin == 1 else ["a", "b", "c", "d"][: call.nin]
    arguments = ", ".join(names or ["x"])
    return _compiled(call, name, arguments, arguments)


def fixed(primal: Primal, values: Values) -> tuple[types.FunctionType, Values, dict[str, Any]]:
    """Return a function of a fixed number of arguments that calls a variadic one, and them.

    `f(a, *xs, k=1, **more)` called as `f(1, 2, 3, z=4)` gives `f(a, xs_0, xs_1, *, k, z)`.
    """
    args: dict[str, Any] = {}
    kwargs: dict[str, Any] = {}
    for parameter, value in zip(primal.signature.parameters.values(), values):
        if parameter.kind == parameter.VAR_POSITIONAL:
            args.update({f"{parameter.name}_{k}": item for k, item in enumerate(value)})
        elif parameter.kind == parameter.VAR_KEYWORD:
            kwargs.update(value)
        elif parameter.kind == parameter.KEYWORD_ONLY:
            kwargs[parameter.name] = value
        else:
            args[parameter.name] = value
    name = getattr(primal.call, "__name__", "function")
    function = _fixed(primal.call, name, tuple(args), tuple(kwargs))
    return function, tuple(args.values()), kwargs


def calling(
    call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], dict[str, Any], tuple[str, ...]]:
    """Return a function without star parameters for a call, the values of all of its parameters,
    and the names of those that are given by place.

    It is the one that is called where that has none, else one that calls it.
    """
    plain = isinstance(call, types.FunctionType) or (
        isinstance(call, types.MethodType) and isinstance(call.__func__, types.FunctionType)
    )
    if plain:
        names = () if kwargs else _by_place(call)
        if args and len(names) == len(args):
            return call, dict(zip(names, args)), names
        signature = inspect.signature(call, follow_wrapped=False)
        if all(p.kind not in _STARS for p in signature.parameters.values()):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return call, dict(bound.arguments), tuple(signature.parameters)[: len(args)]
    lead = "arg"
    while any(key.startswith(lead) for key in kwargs):
        lead = f"_{lead}"
    names = tuple(f"{lead}{k}" for k in range(len(args)))
    # an instance that is equal to another one may still be another function
    kept = plain or isinstance(call, types.BuiltinFunctionType)
    make = _fixed if kept else _fixed.__wrapped__
    name = getattr(call, "__name__", "function")
    return make(call, name, names, tuple(kwargs)), {**dict(zip(names, args)), **kwargs}, names


@functools.lru_cache(maxsize=256)
def _by_place(call: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters of a function that can all be given by place, none for another."""
    parameters = inspect.signature(call, follow_wrapped=False).parameters
    placed = all(p.kind <= p.POSITIONAL_OR_KEYWORD for p in parameters.values())
    return tuple(parameters) if placed else ()


@functools.lru_cache(maxsize=256)
def _fixed(
    call: Any, name: str, args: tuple[str, ...], kwargs: tuple[str, ...]
) -> types.FunctionType:
    plain = name if name.isidentifier() else "function"
    parameters = ", ".join([*args, *(["*"] if kwargs else []), *kwargs])
    passed = ", ".join([*args, *(f"{key}={key}" for key in kwargs)])
    return _compiled(call, plain, parameters, passed)


def _compiled(call: Any, name: str, parameters: str, passed: str) -> types.FunctionType:
    """Return a Python function, with a source, that calls another one."""
    used = {name, *parameters.replace(",", " ").split()}
    wanted = ("function", "original", *(f"original{k}" for k in range(len(used))))
    inner = next(x for x in wanted if x not in used)
    text = f"def {name}({parameters}):\n    return {inner}({passed})\n"
    owner = getattr(call, "__module__", None) or "numpy"
    file = f"<s2s_ad wrapper of {owner}.{name}({parameters})>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace: dict[str, Any] = {inner: call, "__name__": "s2s_ad.wrappers"}
    exec(compile(text, file, "exec"), namespace)
    made: types.FunctionType = namespace[name]
    return made


def resolve_wrt(primal: Primal, wrt: Wrt) -> tuple[tuple[str, ...], bool]:
    """Return the names that `wrt` means, and whether it means one (whose derivative comes bare)."""
    names = [
        name
        for name, parameter in primal.signature.parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    hint = f"its parameters are {', '.join(names)}" if names else "it has no parameters"
    if wrt is None:
        first = next((name for name in names if name not in ("self", "cls")), None)
        if first is None:
            raise ArgumentError(f"{primal.title} has nothing to differentiate", hint=hint)
        return (first,), True
    single = not isinstance(wrt, (tuple, list))
    found = []
    for item in [wrt] if single else wrt:  # type: ignore[union-attr]
        if isinstance(item, str) and item in names:
            found.append(item)
        elif isinstance(item, (int, np.integer)) and not isinstance(item, bool):
            if not -len(names) <= item < len(names):
                raise ArgumentError(f"{primal.title} has no parameter {item}", hint=hint)
            found.append(names[item])
        else:
            raise ArgumentError(f"{primal.title} has no parameter {item!r}", hint=hint)
    if not found or len(set(found)) < len(found):
        raise ArgumentError(
            f"wrt={wrt!r} does not name parameters of {primal.title} once each", hint=hint
        )
    return tuple(found), single


def real_value(value: Any, name: str) -> Any:
    """Return what a differentiated argument stands for: its integers are real numbers.

    Floats and arrays of floats are returned as they are, anything else that is not made of
    numbers is refused.
    """
    if isinstance(value, (float, np.floating)):
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            return value
        hint = None
        if value.dtype.kind in "iub":
            hint = f"pass np.asarray({name}, dtype=float), or differentiate another argument (wrt)"
        raise ArgumentError(
            f"{name} is differentiated, but is an array of {value.dtype}, not of floats", hint=hint
        )
    if isinstance(value, (tuple, list)):
        items = [
            item if item is None else real_value(item, f"{name}[{k}]")
            for k, item in enumerate(value)
        ]
        if all(new is old for new, old in zip(items, value)):
            return value
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, dict):
        entries = {
            key: item if item is None else real_value(item, f"{name}[{key!r}]")
            for key, item in value.items()
        }
        return value if all(entries[key] is value[key] for key in value) else entries
    raise not_real(value, name)


def not_real(value: Any, name: str) -> S2SError:
    """Return the error for a differentiated argument that is not made of real numbers."""
    what = "None" if value is None else f"a {type(value).__name__}"
    return ArgumentError(
        f"{name} is differentiated, but is {what}, not a real number",
        hint="choose the arguments to differentiate with wrt",
    )


def floating(value: Any) -> bool:
    """Return whether a value holds real numbers: a float, or a container with one somewhere."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "f")
    if isinstance(value, (tuple, list)):
        return any(floating(item) for item in value)
    if isinstance(value, dict):
        return any(floating(item) for item in value.values())
    return isinstance(value, (float, np.floating))
