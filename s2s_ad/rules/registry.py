"""All rules, found by the identity of the function, and how a call is matched with one.

Takes rules from `declare`, gives those that fit a call; requires `ir` and `rules.rule`. The modules
that declare the built-in rules are imported at the first look-up, so that a derivative from the
cache never loads them.

What the engine does with a call of a resolved function `obj`:

    choice = choose(lookup(obj), call.args, call.keywords, kind_of, is_active)
    if choice is None: ...                                  # MissingRule, or the callee has source
    kind = choice.rule.result(kinds of choice.arguments, choice.arguments)
    choice.adjoint("x", d=Name("y_bar"), out=Name("y"))     # an expression to add to x_bar
"""

from __future__ import annotations

import importlib
import sys
import types

from .matching import Choice, bind, choose, fits_rank, specialise
from .modules import LIBRARIES
from .rule import Rule

__all__ = [
    "Choice",
    "all_rules",
    "bind",
    "choose",
    "documented",
    "fits_rank",
    "forget",
    "load",
    "lookup",
    "lookup_attribute",
    "lookup_method",
    "lookup_operator",
    "mention",
    "register",
    "rules_of",
    "specialise",
]

TABLES = (
    "operators",
    "elementwise",
    "scalars",
    "reductions",
    "masked",
    "covariances",
    "shapes",
    "padding",
    "joining",
    "indexing",
    "picking",
    "splitting",
    "pieces",
    "missing_values",
    "linalg",
    "factors",
    "stacks",
    "contractions",
    "creation",
    "numerics",
    "signals",
    "namesakes",
    "ufuncs",
    "predicates",
    "methods",
    "helpers",
)

BUILT_IN = (
    "operator",
    "builtins",
    "math",
    "dataclasses",
    "np",
    "method",
    "attribute",
    "runtime",
    *LIBRARIES,
)

_functions: dict[object, tuple[object, list[Rule]]] = {}
_named: dict[tuple[str, str], list[Rule]] = {}
_rules: list[Rule] = []
_mentioned: list[Rule] = []
_registered_as: dict[tuple[str, str], list[Rule]] = {}
_mentioned_as: dict[tuple[str, str], list[Rule]] = {}
_loaded: list[str] = []
_loading: list[str] = []


def register(rule: Rule) -> None:
    """Add a rule. Those declared first are preferred."""
    if rule.function is None:
        _named.setdefault((rule.namespace, rule.name), []).append(rule)
    else:
        _, found = _functions.setdefault(_identity(rule.function), (rule.function, []))
        found.append(rule)
    _rules.append(rule)
    _registered_as.setdefault((rule.namespace, rule.name), []).append(rule)
    mention(rule)


def mention(rule: Rule) -> None:
    """Have a rule in the documentation, also of a function that this Python or NumPy lacks."""
    _mentioned.append(rule)
    _mentioned_as.setdefault((rule.namespace, rule.name), []).append(rule)


def forget(function: object) -> None:
    """Remove all rules of a function, so that others may be declared."""
    load()
    _functions.pop(_identity(function), None)
    same = _identity(function)
    for found in (_rules, *_registered_as.values()):
        found[:] = [rule for rule in found if _identity(rule.function) != same]


def load() -> None:
    """Import the tables of built-in rules, once: those of a library when that is in use."""
    if not _loaded:
        _loaded.append("NumPy")
        for table in TABLES:
            _import(table)
    for name, module in LIBRARIES.items():
        if module in sys.modules and name not in _loaded:
            _loaded.append(name)
            _import(f"scipy_{name}")


def _import(table: str) -> None:
    _loading.append(table)
    try:
        importlib.import_module(f"s2s_ad.rules.{table}")
    finally:
        _loading.pop()


def is_loading() -> bool:
    """True while a table of built-in rules is imported."""
    return bool(_loading)


def lookup(obj: object) -> tuple[Rule, ...]:
    """Return the rules of a function, by identity, the preferred first; () when it has none."""
    load()
    found = _functions.get(_identity(obj))
    return tuple(found[1]) if found is not None else ()


def _identity(function: object) -> object:
    """Return what tells a function from others while it lives: a method is made at each access."""
    owner = getattr(function, "__self__", None)
    if isinstance(function, (types.MethodType, types.BuiltinMethodType)) and owner is not None:
        return id(owner), function.__name__
    return id(function)


def lookup_operator(op: str) -> tuple[Rule, ...]:
    """Return the rules of an operator: `+`, `u-` (unary minus), `<`, `[]` (reading an item)."""
    load()
    return tuple(_named.get(("operator", op), ()))


def lookup_method(name: str) -> tuple[Rule, ...]:
    """Return the rules of a method of arrays: their first parameter is the array itself."""
    load()
    return tuple(_named.get(("method", name), ()))


def lookup_attribute(name: str) -> tuple[Rule, ...]:
    """Return the rules of an attribute of arrays, such as `T`."""
    load()
    return tuple(_named.get(("attribute", name), ()))


def rules_of(namespace: str, name: str) -> tuple[Rule, ...]:
    """Return the rules registered so far under a name, in the order of declaration."""
    return tuple(_registered_as.get((namespace, name), ()))


def mentioned(namespace: str, name: str) -> tuple[Rule, ...]:
    """Return the rules declared so far under a name, also of what this Python or NumPy lacks."""
    return tuple(_mentioned_as.get((namespace, name), ()))


def documented() -> tuple[Rule, ...]:
    """Return every built-in rule, the same on every version of Python and NumPy."""
    load()
    for name in LIBRARIES:
        _import(f"scipy_{name}")
    return tuple(rule for rule in _mentioned if rule.namespace in BUILT_IN)


def all_rules() -> tuple[Rule, ...]:
    """Return every rule in the order of declaration."""
    load()
    return tuple(_rules)
