"""What the command line names: functions by file or module, kinds by short words, calls.

Takes the texts of arguments, gives functions, kinds and values; requires analysis.observe and the
errors. `Usage` is raised for what cannot be understood.
"""

from __future__ import annotations

import ast
import importlib
import math
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from s2s_ad.api_primal import primal_of
from s2s_ad.ir.kinds import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    ONE,
    UNKNOWN,
    Array,
    Dim,
    Kind,
    ListOf,
    Str,
    dim_of_length,
)

FORMS = "path.py::name, path.py::Class.method or package.module:name"


class Usage(Exception):
    """The command line cannot be understood; exit code 2."""


def function_at(target: str) -> FunctionType:
    """Return the function that a target names; the primal when it was made a transform.

    A method comes unbound, with `self` or `cls` as its first parameter.
    """
    if "::" in target:
        place, _, name = target.partition("::")
        module = _module_of_file(Path(place))
    elif ":" in target:
        place, _, name = target.partition(":")
        if "" not in sys.path:
            sys.path.insert(0, "")
        module = _imported(place)
    else:
        raise Usage(f"{target!r} names no function: write {FORMS}")
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Usage(f"there is no {name!r} in {place}") from None
    while hasattr(found, "__s2s_transform__"):
        found = found.primal
    if not callable(found):
        raise Usage(f"{target} is a {type(found).__name__}, not a function")
    if isinstance(found, (np.ufunc, BuiltinFunctionType, type(np.sum))):
        raise Usage(f"{target} is not written in Python: `s2s-ad rules {part}` prints its rule")
    base = primal_of(found).base
    base = base.__func__ if isinstance(base, MethodType) else base
    if not isinstance(base, FunctionType):
        raise Usage(f"{target} is not a function with source")
    return base


def _module_of_file(path: Path) -> ModuleType:
    """Import a file under the name by which the rest of its package knows it."""
    if not path.is_file():
        raise Usage(f"there is no file {path}")
    path = path.resolve()
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    name = ".".join(parts)
    sys.path.insert(0, str(folder))
    module = _imported(name)
    if Path(getattr(module, "__file__", None) or "").resolve() != path:
        raise Usage(f"{path} cannot be imported: another module is called {name}")
    return module


def _imported(name: str) -> ModuleType:
    try:
        # what the module prints is no part of what is written
        with redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        file = f" (a function of a file is {name}::name)" if Path(name).is_file() else ""
        raise Usage(f"cannot import {name}: {type(error).__name__}: {error}{file}") from error


def arguments_of(call: str, function: FunctionType) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments written in a call such as `loss(np.ones(3), 0.5)`.

    They may use numpy, math and the names of the function's module.
    """
    try:
        tree = ast.parse(call, mode="eval").body
    except SyntaxError:
        tree = None
    if not isinstance(tree, ast.Call):
        raise Usage(f"{call!r} is not a call: write {function.__name__}(...)")
    called = ast.unparse(tree.func)
    if called.rpartition(".")[2] != function.__name__ and function.__name__.isidentifier():
        raise Usage(f"{call!r} is a call of {called}: write {function.__name__}(...)")
    names = {"np": np, "numpy": np, "math": math, **function.__globals__}
    probe = ast.Expression(ast.Call(ast.Name("_arguments", ast.Load()), tree.args, tree.keywords))
    names["_arguments"] = lambda *args, **kwargs: (args, kwargs)
    try:
        code = compile(ast.fix_missing_locations(probe), "<--call>", "eval")
        args, kwargs = eval(code, names)
    except Exception as error:
        raise Usage(f"in {call!r}: {type(error).__name__}: {error}") from None
    return args, kwargs


_ITEM = re.compile(r"\s*(\w+)\s*=\s*([a-z]\w*)\s*(?:\[([^\]]*)\])?\s*(?:,|$)")
_WORDS: Mapping[str, Kind] = {
    "none": NONE,
    "str": Str(),
    "any": UNKNOWN,
    "list": ListOf(FLOAT),
}
_LETTERS: Mapping[str, tuple[Kind, str]] = {
    "f": (FLOAT, "float"),
    "i": (INT, "int"),
    "u": (INT, "int"),
    "b": (BOOL, "bool"),
}


def kinds_like(text: str) -> dict[str, Kind]:
    """Return the kinds in a text such as `w=f8[:], X=f8[n,m], b=f8, k=i8, tag=str, rest=any`.

    Lengths called alike are equal; `:` is any length.

    >>> kinds_like("b=f8, k=i8")
    {'b': Number(type='float'), 'k': Number(type='int')}
    """
    kinds: dict[str, Kind] = {}
    place = 0
    while place < len(text):
        match = _ITEM.match(text, place)
        kind = None if match is None else _kind(*match.groups())
        if match is None or kind is None:
            raise Usage(
                f"cannot read --like from {text[place:]!r}: write name=f8, name=f8[:], "
                "name=f8[:,:], name=f8[n,m], name=i8, name=b1, name=str, name=none or name=list"
            )
        if match[1] in kinds:
            raise Usage(f"--like gives {match[1]} twice")
        kinds[match[1]] = kind
        place = match.end()
    return kinds


def _kind(name: str, word: str, lengths: str | None) -> Kind | None:
    if word in _WORDS:
        return None if lengths is not None else _WORDS[word]
    letter = re.fullmatch(r"([fiub])(?:1|2|4|8|16)|float|int|bool", word)
    if letter is None:
        return None
    number, dtype = _LETTERS[word[0]]
    if lengths is None:
        return number
    dims = []
    for axis, length in enumerate(lengths.split(",")):
        length = length.strip()
        if length == ":":
            dims.append(Dim(f"{name}.{axis}"))
        elif length == "1":
            dims.append(ONE)
        elif length.isdigit():
            dims.append(dim_of_length(int(length)))
        elif length.isidentifier():
            dims.append(Dim(length))
        else:
            return None
    return Array(tuple(dims), dtype)
