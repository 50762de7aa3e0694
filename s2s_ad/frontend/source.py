"""From a function object to its text, which is proved to be the text of the code that is loaded.

Takes a function, a method or a lambda, gives a `Source`; requires the standard library and
`errors`. SourceError when there is no text, or when the text compiles to other code than the
function runs: what is differentiated is what would run.

Text comes through `linecache`, which serves files, zip archives, notebooks, IPython and doctests
alike. A decorated function is its wrapper, and the wrapper's text is found.
"""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import linecache
import os
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError

_FUTURES = functools.reduce(
    lambda flags, name: flags | getattr(__future__, name).compiler_flag,
    __future__.all_feature_names,
    0,
)


@dataclass(frozen=True)
class Source:
    """The text of a function: whole lines as in the file, still indented.

    Of a lambda, all else on its lines is blanked out, so that columns stay true. owner: the class
    that gives private names (`__x`) their prefix, when the function uses any.
    """

    text: str
    file: str
    first_line: int
    name: str
    owner: str = ""


def find(function: Callable[..., Any]) -> Source:
    """Return the source of `function`."""
    plain = _plain_function(function)
    code = plain.__code__
    file, lines = _lines_of(plain)
    text = _text_in(plain, lines)
    if text is None:
        raise SourceError(
            f"the source of `{plain.__qualname__}` ({file}, line {code.co_firstlineno}) "
            "was edited since it was imported",
            hint="reload the module, or start again: only code that runs is differentiated",
        )
    return Source(text, file, code.co_firstlineno, code.co_name, _owner(plain))


# what was found for a code object in the lines of a file: it is asked for once per derivative
_texts: dict[types.CodeType, tuple[list[str], str | None]] = {}
_MOST_TEXTS = 4096


def _text_in(function: types.FunctionType, lines: list[str]) -> str | None:
    """Return the text of a function in its file, None when it is not that of the code.

    `linecache` gives the same list as long as the file is the same.
    """
    code = function.__code__
    if code.co_name == "<lambda>":
        return _find_lambda(function, lines)  # equal code is not yet the same lambda
    known = _texts.get(code)
    if known is not None and known[0] is lines:
        return known[1]
    text = _find_def(function, lines)
    if len(_texts) >= _MOST_TEXTS:
        _texts.clear()
    _texts[code] = lines, text
    return text


def _plain_function(function: Any) -> types.FunctionType:
    if isinstance(function, types.MethodType):
        return _plain_function(function.__func__)
    if isinstance(function, types.FunctionType):
        return function
    name = getattr(function, "__qualname__", None) or repr(function)
    if isinstance(function, type):
        hint = "differentiate a function that makes and uses its instances"
    elif isinstance(function, functools.partial):
        hint = "differentiate `.func`, and give it all its arguments"
    elif hasattr(function, "__wrapped__"):
        hint = f"differentiate `{name}.__wrapped__`, the function inside"
    elif inspect.isroutine(function):
        hint = "declare a rule for it: `from s2s_ad import declare`"
    else:
        hint = f"differentiate the method `{type(function).__qualname__}.__call__`"
    kind = type(function).__name__
    raise SourceError(f"`{name}` has no Python source: it is a {kind}", hint=hint)


# -- text -------------------------------------------------------------------------------


def _lines_of(function: types.FunctionType) -> tuple[str, list[str]]:
    """Return the file of `function`, as it is shown to the user, and its lines."""
    name = function.__code__.co_filename
    if not os.path.isabs(name) and not os.path.exists(name):
        # run as `python script.py`, and the working directory has changed since
        known = function.__globals__.get("__file__")
        if isinstance(known, str) and os.path.basename(known) == os.path.basename(name):
            name = known
    linecache.checkcache(name)
    lines = linecache.getlines(name, function.__globals__)
    if not lines:
        shown = _shown(name, function.__module__)
        raise SourceError(
            f"the source of `{function.__qualname__}` cannot be found ({shown})",
            hint="define it in a file or a notebook, not by `exec` or in a plain interpreter",
        )
    return _shown(name, function.__module__), lines


def _shown(name: str, module: str | None) -> str:
    """Return a file name as the user knows it: from here, or from where its package is."""
    parts = name.replace(os.sep, "/").split("/")
    installed = [k for k, part in enumerate(parts) if part in ("site-packages", "dist-packages")]
    if installed:
        return "/".join(parts[installed[-1] + 1 :])
    if not os.path.isabs(name):
        return name
    here = os.path.relpath(name) if _same_drive(name) else name
    if not here.startswith(os.pardir):
        return here.replace(os.sep, "/")
    depth = 1 + (module or "").count(".")
    if os.path.basename(name) == "__init__.py":
        depth += 1
    return "/".join(name.split(os.sep)[-depth:])


def _same_drive(name: str) -> bool:
    return os.path.splitdrive(name)[0] == os.path.splitdrive(os.getcwd())[0]


def _owner(function: types.FunctionType) -> str:
    """Return the class around the text of `function` when private names need it, else ""."""
    code = function.__code__
    path = getattr(code, "co_qualname", function.__qualname__).split(".")[:-1]
    while path and path[-1] == "<locals>":
        path = path[:-2]
    prefix = f"_{path[-1].lstrip('_')}__" if path else ""
    private = any(name.startswith(prefix) for part in _nested(code) for name in part.co_names)
    return path[-1] if prefix and private else ""


# -- finding it in the file -------------------------------------------------------------


def _find_def(function: types.FunctionType, lines: list[str]) -> str | None:
    code = function.__code__
    first = code.co_firstlineno
    if first > len(lines):
        return None
    least = max(line or 0 for part in _nested(code) for *_, line in part.co_lines()) - first + 1
    text = _block(lines[first - 1 :], least)
    if text is None:
        return None
    for whole in (*_alone(text, function), "".join(lines)):
        for found in _codes(whole, code.co_flags & _FUTURES):
            if (found.co_name, found.co_firstlineno) == (code.co_name, first) and _same_code(
                found, code
            ):
                return text
    return None


def _block(lines: list[str], least: int) -> str | None:
    """Return the statement that begins with the first line, and the comments that end it.

    least: how many lines it has at least. `inspect.getblock` says the same five times as slowly:
    it compiles the patterns of a tokenizer first.
    """
    outside = _indent(lines[0])
    prefix = "if True:\n" if outside else ""
    for end in range(least, len(lines) + 1):
        if end < len(lines) and (not _is_code(lines[end]) or _indent(lines[end]) > outside):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(prefix + "".join(lines[:end])).body
        except (SyntaxError, ValueError):
            continue  # inside of parentheses or of a string
        if not body:
            return None
        statement = body[0].body[0] if prefix and isinstance(body[0], ast.If) else body[0]
        last = (statement.end_lineno or 0) - bool(prefix)
        notes = [k for k in range(last, end) if _indent(lines[k]) > outside and lines[k].strip()]
        return "".join(lines[: notes[-1] + 1 if notes else last])
    return None


def _indent(line: str) -> int:
    line = line.expandtabs()
    return len(line) - len(line.lstrip())


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _alone(text: str, function: types.FunctionType) -> Iterator[str]:
    """Yield the text of a module that holds nothing but the function, as that compiles faster.

    Only what stands at the left margin can be taken out of its module. From 3.12 on the code of
    `np.sin(x)` depends on whether the module imports `np`: where that guess at its imports is
    wrong, the code differs, and the whole module is compiled.
    """
    first = function.__code__.co_firstlineno
    if text[:1].isspace() or first == 1:
        return
    modules = [
        name
        for name in sorted(_read_names(function.__code__))
        if isinstance(function.__globals__.get(name), types.ModuleType)
    ]
    yield f"{_importing(modules)}{chr(10) * (first - 1)}{text}"


def _read_names(code: types.CodeType) -> set[str]:
    return {name for part in _nested(code) for name in part.co_names}


def _importing(names: list[str]) -> str:
    return f"import {', '.join(names)}" if names else ""


def _find_lambda(function: types.FunctionType, lines: list[str]) -> str | None:
    """Return the text of the lambda; of several with equal code, the one in the same columns."""
    code = function.__code__
    best: tuple[tuple[bool, bool], str] | None = None
    lambdas, imported = _lambdas("".join(lines))
    imports = _importing(sorted(imported & _read_names(code)))
    for node in lambdas:
        if node.lineno != code.co_firstlineno:
            continue
        text = _blanked(lines, node)
        found = _compiled_lambda(text, code, imports, _owner(function))
        if found is not None and _same_code(found, code):
            rank = (_columns(found) == _columns(code), _defaults_agree(node.args, function))
            if best is None or rank > best[0]:
                best = rank, text
    return best and best[1]


def _compiled_lambda(
    text: str, code: types.CodeType, imports: str, owner: str
) -> types.CodeType | None:
    """Compile a lambda with all that is around it and that its code depends on."""
    around = f"class {owner}:\n" if owner else "if True:\n"
    outer = f" def outer({', '.join(code.co_freevars)}):\n  return (\n{text}\n)"
    for found in _codes(f"{imports}\n{around}{outer}", code.co_flags & _FUTURES):
        if found.co_name == "outer":
            inner = [const for const in found.co_consts if isinstance(const, types.CodeType)]
            return inner[-1]  # those of its defaults come first
    return None


def _blanked(lines: list[str], node: ast.Lambda) -> str:
    """Return the lines of `node` with spaces in place of all that is not `node`."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    part = [line.rstrip("\n") for line in lines[node.lineno - 1 : node.end_lineno]]
    end = len(part[-1].encode()[: node.end_col_offset].decode())
    part[-1] = part[-1][:end]
    start = len(part[0].encode()[: node.col_offset].decode())
    part[0] = " " * start + part[0][start:]
    return "\n".join(part) + "\n"


def _defaults_agree(args: ast.arguments, function: types.FunctionType) -> bool:
    """False when a default that is a literal is not what the function has."""
    live = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    written = [default for default in (*args.defaults, *args.kw_defaults) if default is not None]
    for default, value in zip(written, live):
        try:
            if not _same_const(ast.literal_eval(default), value):
                return False
        except ValueError:
            continue
    return len(written) == len(live)


# -- compiling and comparing ------------------------------------------------------------


@functools.lru_cache(maxsize=16)
def _codes(text: str, flags: int) -> tuple[types.CodeType, ...]:
    """Return all code objects in `text`, outer ones first; none when it does not compile."""
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # notebooks do
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user has seen them when the code was imported
            code = compile(text, "<s2s_ad>", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return ()
    return tuple(_nested(code))


@functools.lru_cache(maxsize=16)
def _lambdas(text: str) -> tuple[tuple[ast.Lambda, ...], frozenset[str]]:
    """Return all lambdas in `text`, and the names that the module imports."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return (), frozenset()
    imported: set[str] = set()
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imported.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            todo.extend(ast.iter_child_nodes(node))
    lambdas = tuple(node for node in ast.walk(tree) if isinstance(node, ast.Lambda))
    return lambdas, frozenset(imported - {"*"})


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _nested(const)


_COMPARED = (
    "co_name",
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
)


def _same_code(ours: types.CodeType, loaded: types.CodeType) -> bool:
    """True when both do the same. Line numbers do not matter, nor whether a scope is nested."""
    if any(name.startswith("@") for name in loaded.co_varnames + loaded.co_names):
        return _same_but_for_asserts(ours, loaded)
    # `types.coroutine` marks the code of a generator without changing it
    flags = ~(inspect.CO_NESTED | inspect.CO_ITERABLE_COROUTINE | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return (
        all(getattr(ours, name) == getattr(loaded, name) for name in _COMPARED)
        and ours.co_flags & flags == loaded.co_flags & flags
        and _same_const(_constants(ours), _constants(loaded))
    )


def _constants(code: types.CodeType) -> tuple[object, ...]:
    """Return the constants of `code`, but for the paths of functions defined inside it.

    Python 3.10 keeps them among the constants, each behind its code, and they tell what is around.
    """
    if hasattr(code, "co_qualname"):
        return code.co_consts
    before = (None, *code.co_consts)
    return tuple(
        const.rpartition(".")[2]
        if isinstance(const, str) and isinstance(previous, types.CodeType)
        else const
        for previous, const in zip(before, code.co_consts)
    )


def _same_but_for_asserts(ours: types.CodeType, loaded: types.CodeType) -> bool:
    """Compare with code whose `assert` statements were rewritten by pytest.

    The rewriting adds instructions, names and constants, and takes none away but the messages.
    """
    arguments = ("co_name", "co_freevars", "co_argcount", "co_posonlyargcount")
    numbers = {(type(c), c) for c in loaded.co_consts if isinstance(c, (int, float, complex))}
    return (
        all(getattr(ours, name) == getattr(loaded, name) for name in arguments)
        and ours.co_varnames == tuple(n for n in loaded.co_varnames if not n.startswith("@"))
        and set(ours.co_names) <= set(loaded.co_names) | {"AssertionError"}
        and all(
            (type(c), c) in numbers
            for c in ours.co_consts
            if isinstance(c, (int, float, complex)) and not isinstance(c, bool)
        )
    )


def _same_const(ours: object, loaded: object) -> bool:
    """Compare constants as the compiler does: 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    if isinstance(ours, types.CodeType) and isinstance(loaded, types.CodeType):
        return _same_code(ours, loaded)
    if type(ours) is not type(loaded):
        return False
    if isinstance(ours, tuple) and isinstance(loaded, tuple):
        return len(ours) == len(loaded) and all(map(_same_const, ours, loaded))
    return repr(ours) == repr(loaded) if isinstance(ours, (float, complex)) else ours == loaded


def _columns(code: types.CodeType) -> list[tuple[int | None, int | None]]:
    """Return where each instruction stands in its line, as far as this Python knows."""
    positions = getattr(code, "co_positions", None)
    return [(start, end) for _, _, start, end in positions()] if positions else []
