"""The modules whose functions have rules, by the names that rules have for them.

Takes names, gives objects; requires numpy, and SciPy where it is installed.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import importlib
import math
from collections.abc import Mapping
from types import ModuleType

import numpy as np

from s2s_ad import runtime

# that may be missing: what is declared of them is documented anyway
LIBRARIES: Mapping[str, str] = {
    "special": "scipy.special",
    "linalg": "scipy.linalg",
    "stats": "scipy.stats",
    "signal": "scipy.signal",
}
# of libraries, those that have been asked for
MODULES: dict[str, ModuleType] = {
    "np": np,
    "math": math,
    "builtins": builtins,
    "dataclasses": dataclasses,
    "runtime": runtime,
}
# what some supported version of Python or NumPy lacks: documented, and registered where it exists
VERSIONED = frozenset(
    {
        *("math.cbrt", "math.exp2", "math.fma", "math.sumprod"),
        *("np.trapezoid", "np.trapz", "np.vecdot", "np.matvec", "np.vecmat", "np.matrix_transpose"),
        *("np.cumulative_sum", "np.cumulative_prod", "np.unstack"),
        *("np.linalg.vector_norm", "np.linalg.matrix_norm", "np.linalg.outer", "np.linalg.cross"),
        *("np.linalg.trace", "np.linalg.diagonal", "np.linalg.svdvals", "np.linalg.vecdot"),
        *("np.linalg.matmul", "np.linalg.tensordot", "np.linalg.matrix_transpose"),
    }
)


def module_of(name: str) -> ModuleType | None:
    """Return the module that rules call by this name, None for no module of theirs."""
    if name in LIBRARIES and name not in MODULES:
        MODULES[name] = _library(name)
    return MODULES.get(name)


def is_missing(name: str) -> bool:
    """True for a library that is not installed."""
    return name in LIBRARIES and not vars(MODULES[name]).get("__file__")


def object_of(root: str, path: str) -> object:
    """Return what there is at a dotted path in a module of rules; None where there is nothing."""
    found: object = module_of(root)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _library(name: str) -> ModuleType:
    """Return a module that may be missing, one without anything in its place."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(LIBRARIES[name])
    return ModuleType(LIBRARIES[name])
