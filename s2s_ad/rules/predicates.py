"""Functions of math, numpy and Python whose results move in steps: no derivative flows through.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import BOOL, INT, UNKNOWN, RangeKind

from . import lengths, results
from .declare import passive, zero
from .results import constant

# numbers to whole numbers

for _name in ("floor", "ceil", "trunc"):
    zero(f"math.{_name}(x, /)", result=constant(INT))
    zero(f"np.{_name}(x, /)")
zero("np.rint(x, /)", "np.fix(x)")
zero(
    "np.round(a, decimals=0)",
    "np.around(a, decimals=0)",
    result=results.elementwise("plain", ("a",)),
)
zero("np.sign(x, /)", result="same")
zero("math.ulp(x, /)", "np.spacing(x, /)")
zero(
    "math.gcd(*integers)",
    "math.lcm(*integers)",
    "math.factorial(n, /)",
    "math.comb(n, k, /)",
    "math.perm(n, k=None, /)",
    "math.isqrt(n, /)",
    result=constant(INT),
)

# questions

zero("isfinite(x, /)", "isinf(x, /)", "isnan(x, /)", "np.signbit(x, /)", result="bool")
zero("math.isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)", result=constant(BOOL))
zero(
    "np.isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)",
    result=results.elementwise("bool", ("a", "b")),
)
for _op in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
    zero(f"np.{_op}(a, b, /)", result="bool")
for _op in ("logical_and", "logical_or", "logical_xor"):
    zero(f"np.{_op}(a, b, /)", result="bool")
zero("np.logical_not(x, /)", result="bool")
zero("np.isreal(x)", "np.iscomplex(x)", result="bool")
zero(
    "np.allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)",
    "np.array_equal(a1, a2)",
    "np.isscalar(element)",
    "np.iscomplexobj(x)",
    "np.isrealobj(x)",
    "np.shares_memory(a, b, /)",
    "builtins.isinstance(obj, class_or_tuple, /)",
    "builtins.issubclass(cls, class_or_tuple, /)",
    "builtins.callable(obj, /)",
    "builtins.hasattr(obj, name, /)",
    "builtins.bool(object, /)",
    result=constant(BOOL),
)
zero("builtins.type(object, /)", result=constant(UNKNOWN))
zero("dataclasses.fields(class_or_instance)", result=constant(UNKNOWN))
zero("builtins.id(obj, /)", "builtins.hash(obj, /)", result=constant(INT))
zero("builtins.range(*bounds)", result=constant(RangeKind()))

# places and counts

for _name in ("any", "all"):
    zero(f"np.{_name}(a, axis=None, *, keepdims=False)", result=results.reduction("a", "bool"))
    zero(f"builtins.{_name}(iterable, /)", result=constant(BOOL))
for _name in ("argmax", "argmin"):
    zero(f"np.{_name}(a, axis=None)", result=results.reduction("a", "int"))
zero("np.count_nonzero(a, axis=None)", result=results.reduction("a", "int"))
zero("np.argsort(a, axis=-1)", result=results.along_axis("a", "int"))
zero("np.nonzero(a)", result=results.places_along("a"))
passive(
    "np.diag_indices(n)",
    "np.tril_indices(n, k=0, m=None)",
    "np.triu_indices(n, k=0, m=None)",
    result=results.pair_of_places,
)
passive("np.ix_(*args)", result=results.open_mesh)
zero(
    "np.tril_indices_from(arr, k=0)",
    "np.triu_indices_from(arr, k=0)",
    result=results.pair_of_places,
)
passive("np.unravel_index(indices, shape)", result=lengths.unraveled)
zero("np.diag_indices_from(arr)", result=results.places_along("arr"))
zero("np.searchsorted(a, v, side='left')", result=results.elementwise("int", ("v",)))
passive("np.unique(ar)", result=constant(UNKNOWN))
zero("np.flatnonzero(a)", result=results.ranked(1, "a", "int"))
zero("np.argwhere(a)", result=results.ranked(2, "a", "int"))
zero("np.lexsort(keys)", result=constant(UNKNOWN))

# shapes and types

zero("np.size(a)", result=lengths.size_of("a"))
zero("np.ndim(a)", result=constant(INT))
zero("np.shape(a)", result=lengths.shape_of("a"))
zero("np.result_type(*arrays)", "np.dtype(dtype)", "np.finfo(dtype)", result=constant(UNKNOWN))
