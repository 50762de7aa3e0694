"""Whether a rule is right: its templates against differences of the function itself.

Takes a rule (its signature, ranks, conditions and domain say which arguments to try), gives the
number of cases that were checked or an AssertionError; requires `ir`, numpy and the registry.
No test is written when a rule is added: this is what runs on all of them.
"""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from s2s_ad import runtime
from s2s_ad.ir.nodes import Expr, Param
from s2s_ad.ir.text import expr_text

from .modules import LIBRARIES, MODULES
from .registry import lookup, specialise
from .results import literal
from .rule import Drawn, Rule

Values = dict[str, Any]

NAMESPACE: Mapping[str, Any] = {
    **{name: getattr(runtime, name) for name in runtime.__all__},
    "np": np,
    "math": math,
}
# what to try for parameters that are not differentiated, by name; what the function refuses is
# left out, and every rule must accept something
OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "axis": (None, 0, -1, 1, (0, 1)),
    "keepdims": (False, True),
    "shape": ((3,), (2, 3), (3, 2), (1, 3), (3, 1), 6),
    "axes": (None, (1, 0), (0,), 1, (2, 0, 1), (-1, 0, 1)),
    "axis1": (0,),
    "axis2": (1, -1),
    "source": (0, 1),
    "destination": (1, -1),
    "shift": (1, -2),
    "k": (0, 1, -1),
    "offset": (0, 1),
    "pad_width": (1, 2, (0, 1), ((1, 0), (2, 1))),
    "mode": (
        "constant",
        "edge",
        "reflect",
        "symmetric",
        "wrap",
        "full",
        "same",
        "valid",
        "economic",
        "clip",
    ),
    "constant_values": (1.5,),
    "dx": (0.5,),
    "dy": (0.25,),
    "xp": (np.array([0.0, 0.366, 1.0]),),
    "fp": (np.array([0.3, 1.9, -0.4]),),
    "p": (np.array([0.5, -1.2, 0.3, 2.0]),),
    "indices_or_sections": ([1], 3),
    "prepend": (0.0,),
    "append": (0.0,),
    "indices": (np.array([0, 2, 0]), 1, np.array([[1], [0]])),
    "index": (0, -1, slice(1, None), (slice(None), 1), np.array([0, 1, 0]), ..., None),
    "condition": (True, np.array([True, False, True])),
    "subscripts": (
        "ij,jk->ik",
        "ij,ij->j",
        "ij->ji",
        "ij,j,i->",
        "ij->i",
        "ii->i",
        "ii,ij->j",
        "ii",
    ),
    "ord": (None, 2, 1, 3, "fro", "nuc", math.inf, -1, -2, 0.5, -math.inf),
    "num": (2, 5),
    "endpoint": (True, False),
    "ddof": (0, 1),
    "dtype": (None, float),
    "copy": (True,),
    "n": (1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, 0),
    "i": (2, 1),
    "j": (1,),
    "a_min": (None, -0.7),
    "a_max": (None, 0.6),
    "min": (None, -0.7),
    "max": (None, 0.6),
    "b": (0, 1, 2, 3, -1, 0.5, 2.5),
    "a": (2.0, 3, np.zeros(3), np.array([0, 1, 1])),
    "repeats": (2, [1, 0, 2]),
    "reps": (2, (2, 1), (2, 1, 3)),
    "order": ("C", "F"),
    "spacing": (np.array([0.0, 0.3, 1.0]),),
    "edge_order": (1, 2),
    "many": (2,),
    "deg": (1,),
    "UPLO": ("L", "U"),
    "assume_a": ("pos", "sym"),
    "degree": (0, 1, 3),
    "window_shape": (2,),
    "to_begin": (0.5,),
    "to_end": (np.array([0.5, 1.5]),),
    "bins": (2, np.array([-1.1, 0.3, 1.7])),
    "range": ((-1.0, 1.0),),
    "where": (np.array([True, False, True]),),
    "initial": (0.6,),
    "rowvar": (True, False),
    "bias": (False, True),
    "nu": (0.5, 2.0),
    "labels": (np.array([0, 2, 0]),),
    "lower": (True, False),
    "unit_diagonal": (True, False),
    "trans": (0, 1),
    "l_and_u": ((1, 1), (2, 0), (0, 1)),
    "eigvals_only": (True,),
    "driver": ("ev",),
    "indexing": ("xy", "ij"),
    "full_matrices": (True, False),
    "compute_uv": (True, False),
    "increasing": (False, True),
    "start": (0, 2),
    "new_shape": (5, (2, 2)),
    "obj": (1, [0, 2]),
    "kth": (1,),
    "q": (0.3, 30, np.array([0.2, 0.7])),
    "condlist": ([np.array([True, False, True]), np.array([True, True, False])],),
    "axis_a": (-1, 0),
    "axis_b": (-2, -1),
}
REFUSALS = (
    *(TypeError, ValueError, IndexError, AttributeError, ArithmeticError, np.linalg.LinAlgError),
)
SHAPES: tuple[tuple[int, ...], ...] = ((3,), (2, 3), (3, 2), (3, 3), (4, 2, 3), (4, 3, 2), (1,))
# of square matrices
STACKS: tuple[tuple[int, ...], ...] = ((2, 3, 3), (2, 1, 2, 2))
PAIRS: tuple[tuple[tuple[int, ...] | None, ...], ...] = (
    (None, None),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 3), None),
    (None, (3,)),
    ((2, 1), (1, 3)),
    ((3,), (2, 3)),
)


def flat(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return all numbers of a structure as one vector."""
    if isinstance(value, (list, tuple)):
        parts = [flat(item) for item in value]
        return np.concatenate(parts) if parts else np.zeros(0)
    return np.ravel(np.asarray(value, float))


def moved(value: Any, step: float, direction: Any) -> Any:
    """Return `value + step * direction` for numbers, arrays, lists and tuples of them."""
    if is_whole(value):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(moved(v, step, d) for v, d in zip(value, direction))
    return value + step * direction


def is_whole(value: Any) -> bool:
    """True for what does not move: truths, arrays of whole numbers."""
    return isinstance(value, bool) or (isinstance(value, np.ndarray) and value.dtype.kind in "iub")


def drawn(rng: np.random.Generator, like: Any) -> Any:
    """Return a random direction of the structure of `like` (tuples as lists)."""
    if isinstance(like, (list, tuple)):
        return [drawn(rng, item) for item in like]
    if is_whole(like):
        return 0.0 * like
    return rng.normal(size=like.shape) if isinstance(like, np.ndarray) else float(rng.normal())


def slope(f: Callable[[float], Any], scale: float = 2e-3) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the derivative of `f` at 0 by Richardson's extrapolation of central differences."""
    table: list[Any] = []
    for level in range(3):
        h = scale / 2**level
        row = [(flat(f(h)) - flat(f(-h))) / (2 * h)]
        for k, previous in enumerate(table):
            row.append(row[k] + (row[k] - previous) / (4 ** (k + 1) - 1))
        table = row
    return np.asarray(table[-1])


# -- arguments to try -------------------------------------------------------------------


def cases(rule: Rule, seed: int = 0) -> Iterator[Values]:
    """Yield arguments of the rule's function that it accepts and the rule applies to."""
    rng = np.random.default_rng(seed)
    pools = [_pool(rule, k, param) for k, param in enumerate(rule.params)]
    moving = [k for k, param in enumerate(rule.params) if _is_operand(rule, param)]
    for shapes in _shape_choices(rule, moving):
        fixed = [pool for k, pool in enumerate(pools) if k not in moving]
        for options in _variations(fixed):
            rest = iter(options)
            values = {
                param.name: _value(rng, shapes[moving.index(k)], _domain(rule, param), k % 3)
                if k in moving
                else copy.deepcopy(next(rest))
                for k, param in enumerate(rule.params)
            }
            fits = all(test(values[name]) for name, test in rule.where.items())
            numbers = all(np.ndim(values[name]) == 0 for name in _numbers(rule))
            if fits and numbers and _accepts(rule, values):
                yield values


def _numbers(rule: Rule) -> list[str]:
    """Return the parameters that a rule asks to be numbers."""
    return [param.name for param, rank in zip(rule.params, rule.ranks or ()) if rank == 0]


def _is_operand(rule: Rule, param: Param) -> bool:
    if param.name in rule.adjoint:
        return True
    free = param.name in rule.level or param.name in rule.domain
    return free and param.name not in OPTIONS and param.default is None


def _pool(rule: Rule, place: int, param: Param) -> tuple[Any, ...]:
    if param.kind == "star":
        return ((), (1, 0), (-1,), (3, 2), (6,), ((2, 3),))
    known = OPTIONS.get(param.name, ())
    if param.default is None:
        return known
    default = literal(param.default)
    return (default, *(v for v in known if not _equal(v, default)))


def _variations(pools: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return itertools.islice(itertools.product(*pools), 120)


def _shape_choices(rule: Rule, moving: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Yield for each operand a shape, None for a number, or `list` for a list of such."""
    given = (None if rank == "unknown" else rank for rank in rule.ranks or ())
    ranks = [*given, *(None for _ in rule.params)]
    asked = [ranks[k] for k in moving]
    if rule.namespace == "math":
        yield from itertools.product(*((None, "list") for _ in moving))
        return
    free: tuple[Any, ...] = (None, *SHAPES, "list", "nested")
    if rule.namespace == "builtins" and rule.shape == "out":
        free = (None, (3,), (2, 3))
    if rule.shape == "out" and len(moving) > 1 and not any(rank is not None for rank in asked):
        yield from ((*pair, *(None for _ in moving[2:])) for pair in PAIRS)
        yield from ((*(None for _ in moving[2:]), *pair) for pair in PAIRS if len(moving) > 2)
        return
    choices = [free if rank is None else _shapes_of(rank) for rank in asked]
    yield from itertools.product(*choices)


def _shapes_of(rank: int | str) -> tuple[Any, ...]:
    if rank in ("array", "floats"):
        return SHAPES
    if rank in ("numbers", "display"):
        return ("list",)
    if rank == "list":
        return ("list", "nested", "ragged")
    if rank == 0:
        return (None,)
    if rank == "integer":
        return ("integer",)
    if rank == "square":
        return ((3, 3),)
    if rank == "triples":
        return tuple(shape for shape in SHAPES if shape[-1] >= 3)
    return tuple(shape for shape in (*SHAPES, *STACKS) if len(shape) == rank)


def _domain(rule: Rule, param: Param) -> Drawn:
    default = rule.domain.get("", (-2.0, 2.0))
    return rule.domain.get(param.name, default)


def _value(rng: np.random.Generator, shape: Any, domain: Drawn, place: int) -> Any:
    """Return random entries that are apart from each other, from 0 and from other operands.

    domain: their bounds and what is added on the diagonal of a matrix, or what draws them.
    """
    if callable(domain):
        return domain(rng)
    low, high, *diagonal = domain
    slots = rng.permutation(29) + 0.15 + 0.2 * place

    def entries(*shape: int) -> Any:
        count = math.prod(shape)
        values = np.reshape(low + (high - low) * slots[:count] / 29, shape)
        return values + diagonal[0] * np.eye(*shape) if diagonal and len(shape) == 2 else values

    if shape is None:
        return float(entries())
    if shape == "integer":
        return int(rng.integers(1, 5))
    if shape == "list":
        return [float(v) for v in entries(3)]
    if shape == "nested":
        return list(entries(2, 2, 3))
    if shape == "ragged":
        return np.split(entries(6), (2, 3))
    return entries(*shape)


def _accepts(rule: Rule, values: Values) -> bool:
    try:
        out = call(rule, values)
        return not rule.adjoint or (bool(np.all(np.isfinite(flat(out)))) and _in_floats(out))
    except REFUSALS:
        return False


def _in_floats(out: Any) -> bool:
    """False for results in integers, as of `np.full_like` of an array of them."""
    return not (isinstance(out, np.ndarray) and out.dtype.kind in "iub")


# -- calling the function and the templates -------------------------------------------------


def call(rule: Rule, values: Values) -> Any:
    """Return what the rule's function gives for arguments by parameter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _called(rule, values)


def _called(rule: Rule, values: Values) -> Any:
    args: list[Any] = []
    keywords: Values = {}
    for param in rule.params:
        value = values[param.name]
        if param.kind == "star":
            args.extend(value)
        elif param.kind == "keyword_only" or (keywords and param.kind == "normal"):
            keywords[param.name] = value
        elif param.default is not None and is_default(param, value):
            continue
        elif param.default is not None and param.kind == "normal":
            keywords[param.name] = value
        else:
            args.append(value)
    if rule.namespace == "attribute":
        return getattr(args[0], rule.name)
    if rule.namespace == "method":
        return getattr(args[0], rule.name)(*args[1:], **keywords)
    if rule.namespace == "operator":
        return _operate(rule, args)
    function: Any = rule.function
    return function(args) if rule.display else function(*args, **keywords)


def is_default(param: Param, value: Any) -> bool:
    default = literal(param.default)
    return value is default or (type(value) is type(default) and value == default)


def _operate(rule: Rule, args: Sequence[Any]) -> Any:
    names = dict(zip("xy", args))
    form = f"x {rule.name} y" if len(args) == 2 else f"{rule.name.removeprefix('u')} x"
    return eval("x[y]" if rule.name == "[]" else form, names)


def template(rule: Rule, expr: Expr, values: Values, d: Any, out: Any) -> Any:
    """Return a template's value; `let` names are computed first."""
    if rule.flavour == "elementwise" and rule.namespace in ("np", *LIBRARIES):
        values = {k: np.asarray(v) if isinstance(v, list) else v for k, v in values.items()}
        d = np.asarray(d) if isinstance(d, list) else d
    names = {**NAMESPACE, **MODULES, **values, "d": d, "out": out, "function": rule.function}
    for name, value in rule.let:
        names[name] = eval(expr_text(value), names)
    return eval(expr_text(expr), names)


# -- the check --------------------------------------------------------------------------


def check_rule(
    rule: Rule, samples: Sequence[Values] | None = None, spoil: Mapping[str, float] | None = None
) -> int:
    """Check a rule on all its cases, or on samples, and return their number.

    spoil: factors for the `tangent` or the `adjoint`, to see that the check would notice.
    Tangents are compared with differences, adjoints with tangents (<w, J v> = <J^T w, v>), shapes
    of adjoints with those of their arguments; and nothing may change its arguments.
    """
    count = 0
    for single in singles(rule):
        for values in samples if samples is not None else cases(single):
            _check_case(single, values, spoil or {})
            count += 1
    return count


def check_rules(function: object) -> int:
    """Check all rules of a function, such as those a user has declared; return the cases tried.

    Raises AssertionError when one is wrong, or when no arguments are found that a rule accepts.
    """
    rules = [rule for rule in lookup(function) if rule.adjoint]
    counts = [check_rule(rule) for rule in rules]
    for rule, count in zip(rules, counts):
        assert count, f"{rule.text}: no arguments were found to try; give their domain with `on=`"
    return sum(counts)


def singles(rule: Rule) -> list[Rule]:
    """Return the rule, or for one with a differentiable star parameter what it stands for."""
    if any(p.kind == "star" and p.name in rule.adjoint for p in rule.params):
        return [specialise(rule, count) for count in (2, 3)]
    return [rule]


def _check_case(rule: Rule, values: Values, spoil: Mapping[str, float]) -> None:
    rng = np.random.default_rng(1)
    before = copy.deepcopy(values)
    out = call(rule, values)
    w = drawn(rng, out)
    for param in (name for name in rule.adjoint if flat(values[name]).size):
        v = drawn(rng, values[param])
        where = f"{rule.text} ranks={rule.ranks} by {param} at {values}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", RuntimeWarning)
            try:
                tangent = template(rule, rule.tangent[param], values, v, out)
                adjoint = template(rule, rule.adjoint[param], values, w, out)
            except Exception as error:
                raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error
        if param in rule.by_result:
            other = template(rule, rule.by_result[param], values, w, out)
            _close(flat(other), flat(adjoint), 1e-12, f"{where}: by its result")
        if rule.shape in ("out", "whole"):
            adjoint = runtime.unbroadcast(adjoint, values[param])
        if "display" not in (rule.ranks or ()):
            _same_structure(adjoint, values[param], where)

        def along(t: float, param: str = param, v: Any = v) -> Any:
            return call(rule, {**values, param: moved(values[param], t, v)})

        if rule.shape == "out" and np.shape(tangent) != np.shape(out):
            tangent = np.broadcast_to(tangent, np.shape(out))
        got, want = flat(tangent) * spoil.get("tangent", 1.0), slope(along)
        single = getattr(out, "dtype", None) == np.float32
        _close(got, want, 1e-2 if single else 1e-6, f"{where}: tangent against differences")
        backward = flat(adjoint) @ flat(v) * spoil.get("adjoint", 1.0)
        scale = np.abs(flat(w)) @ np.abs(got) + 1e-3
        gap = abs(flat(w) @ got - backward)
        assert gap <= (1e-6 if single else 1e-10) * scale, f"{where}: <w, Jv> != <J^T w, v>"
    for name, value in before.items():
        assert _equal(values[name], value), f"{rule.text}: {name} was changed"


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    return a is b or (np.shape(a) == np.shape(b) and bool(np.all(a == b)))


def _close(got: Any, want: Any, tolerance: float, where: str) -> None:
    assert got.shape == want.shape, f"{where}: {got.shape} for {want.shape}"
    scale = np.max(np.abs(want), initial=0.0) + 1e-3
    gap = np.max(np.abs(got - want), initial=0.0)
    assert gap <= tolerance * scale, f"{where}: {got} for {want}"


def _same_structure(adjoint: Any, value: Any, where: str) -> None:
    if isinstance(value, (list, tuple)):
        assert isinstance(adjoint, list) and len(adjoint) == len(value), f"{where}: structure"
        for part, item in zip(adjoint, value):
            _same_structure(part, item, where)
    elif isinstance(value, np.ndarray):
        assert np.shape(adjoint) == value.shape, f"{where}: shape {np.shape(adjoint)}"
        assert is_whole(value) or np.asarray(adjoint).dtype.kind == value.dtype.kind, (
            f"{where}: {np.asarray(adjoint).dtype}"
        )
    else:
        assert np.ndim(adjoint) == 0 and not isinstance(adjoint, np.ndarray), (
            f"{where}: {adjoint!r}"
        )
