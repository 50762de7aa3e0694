"""Tests that come from the registry of rules: nothing is written here when a rule is added.

Gives the modules of SciPy that rules speak of, by the names they have there: none where SciPy, an
optional extra, is not installed. Its rules are there once it is loaded.
"""

from __future__ import annotations

from types import ModuleType

SCIPY: dict[str, ModuleType] = {}
try:
    from scipy import linalg, signal, special, stats
except ImportError:
    pass
else:
    SCIPY = {"linalg": linalg, "special": special, "stats": stats, "signal": signal}
