"""The command line: write, check and explain derivatives.

Takes arguments, prints; requires everything below. Exit codes: 0 done, 1 refused or found wrong,
2 the command line cannot be understood.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from s2s_ad import version
from s2s_ad.api_primal import primal_of, real_value, resolve_wrt
from s2s_ad.cache import store
from s2s_ad.cache.reach import Reach
from s2s_ad.cli_target import FORMS, Usage, arguments_of, function_at, kinds_like
from s2s_ad.errors import S2SError

_COMMAND = re.compile(r"run `(s2s-ad [^`]*)`")
_COLOURS = {"red": 31, "green": 32, "cyan": 36, "bold": 1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except SystemExit as end:  # argparse has printed what is wrong, or the help asked for
        return int(end.code or 0)
    except Usage as error:
        print(f"s2s-ad: {error}", file=sys.stderr)
        return 2
    except S2SError as error:
        print(_shown_error(error), file=sys.stderr)
        return 1
    except BrokenPipeError:
        # whoever read the output has seen enough; nothing more can be printed, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="s2s-ad", description="Derivatives of Python functions as readable Python source."
    )
    parser.add_argument("--version", action="version", version=f"s2s-ad {version.VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for mode in ("adjoint", "tangent"):
        command = commands.add_parser(mode, help=f"write the {mode} of a function")
        _add_target(command)
        command.add_argument("-o", "--output", metavar="FILE", help="write to FILE")
        command.add_argument("--numba", action="store_true", help="write what numba compiles")
        command.set_defaults(run=_write, mode=mode)

    command = commands.add_parser("explain", help="show the text after each pass, as differences")
    _add_target(command)
    command.add_argument("--mode", choices=("adjoint", "tangent"), default="adjoint")
    command.add_argument("--numba", action="store_true", help="show the form for numba too")
    command.set_defaults(run=_explain)

    command = commands.add_parser("check", help="compare written derivatives with their primals")
    command.add_argument("files", nargs="+", metavar="FILE")
    command.set_defaults(run=_check)

    command = commands.add_parser("verify", help="test derivatives at a point, by numbers")
    _add_target(command)
    command.set_defaults(run=_verify)

    command = commands.add_parser("rules", help="list the functions that have a rule")
    command.add_argument("name", nargs="?", metavar="NAME", help="a function, such as np.sum")
    command.set_defaults(run=_rules)

    command = commands.add_parser("cache", help="where derivatives are kept")
    command.add_argument("action", choices=("dir", "list", "clear"))
    command.set_defaults(run=_cache)
    return parser


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", metavar="TARGET", help=FORMS)
    command.add_argument("--wrt", metavar="NAMES", help="arguments to differentiate, as w,b")
    command.add_argument("--of", metavar="NAMES", help="outputs: arguments it changes, 'return'")
    command.add_argument("--like", metavar="KINDS", help="kinds of arguments, as 'w=f8[:], b=f8'")
    command.add_argument("--call", metavar="CALL", help="a call to specialise on, as 'f(1.0, 3)'")
    command.add_argument("--without", metavar="NAMES", help="optimisations to leave out")
    command.add_argument("--strict", action="store_true", help="refuse where a gradient is cut")


def _items(text: str | None) -> list[str] | None:
    """Return the names in `w, b`; None when there is no text."""
    return [item.strip() for item in text.split(",")] if text else None


def _request(options: argparse.Namespace, mode: str) -> Any:
    """Return the request for a derivative that the options ask for."""
    from s2s_ad.analysis.observe import kind_of, real
    from s2s_ad.build import OPTIMISATIONS, OPTIONS, Request

    function = function_at(options.target)
    primal = primal_of(function)
    wrt, _ = resolve_wrt(primal, _items(options.wrt))
    kinds = {}
    if options.call:
        args, kwargs = arguments_of(options.call, function)
        try:
            values = primal.values(args, kwargs)
        except TypeError as error:
            raise Usage(str(error)) from None
        kinds = {name: kind_of(value, name) for name, value in zip(primal.names, values)}
    if options.like:
        kinds.update(kinds_like(options.like))
        unknown = kinds.keys() - set(primal.names)
        if unknown:
            raise Usage(f"{primal.title} has no parameter {', '.join(sorted(unknown))}")
    kinds.update({name: real(kinds[name]) for name in wrt if name in kinds})
    flags = {"strict"} if options.strict else set()
    flags |= {"numba"} if options.numba else set()
    if options.without:
        flags |= set(_items(options.without) or ())
        unknown = flags - OPTIONS
        if unknown:
            known = ", ".join(OPTIMISATIONS)
            raise Usage(f"there is no optimisation {', '.join(sorted(unknown))}: {known}")
    reach = Reach({"": function, "self": getattr(function, "__self__", None)})
    of = tuple(_items(options.of) or ())
    return Request(function, mode, wrt, kinds, options=frozenset(flags), reaches=reach.holds, of=of)


def _text(options: argparse.Namespace, mode: str) -> str:
    """Return the derivative, whose header names the whole command that writes it."""
    from s2s_ad.build import derive

    request = _request(options, mode)
    words = ["s2s-ad", mode, options.target, "--wrt", ",".join(request.wrt)]
    for name in ("of", "like", "call", "without"):
        if getattr(options, name):
            words += [f"--{name}", getattr(options, name)]
    for name in ("strict", "numba"):
        if getattr(options, name):
            words.append(f"--{name}")
    command = shlex.join(words)
    # the header is a docstring: nothing in it may end it or be an escape
    if '"""' in command or "\\" in command or "`" in command:
        return derive(request).text
    return _COMMAND.sub(lambda match: f"run `{command}`", derive(request).text, count=1)


def _write(options: argparse.Namespace) -> int:
    text = _text(options, options.mode)
    if options.output is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(options.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Usage(f"cannot write {options.output}: {error.strerror}") from None
    print(f"wrote {options.output}: {text.count(chr(10))} lines", file=sys.stderr)
    return 0


def _check(options: argparse.Namespace) -> int:
    """Regenerate each file by the command in its header and compare."""
    stale = 0
    for name in options.files:
        try:
            written = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise Usage(f"cannot read {name}: {error.strerror}") from None
        command = _COMMAND.search(written)
        if command is None:
            raise Usage(f"{name} was not written by s2s-ad: its header names no command")
        again = _parser().parse_args(shlex.split(command[1])[1:])
        text = _text(again, again.mode)
        if text != written:
            stale += 1
            _print_difference(written, text, name, f"{name}, regenerated")
    return 1 if stale else 0


def _explain(options: argparse.Namespace) -> int:
    from s2s_ad.build import trace

    before, title = None, ""
    for name, text in trace(_request(options, options.mode)):
        if before is None:
            print(_coloured(f"== {name}", "bold"))
            sys.stdout.write(text)
        elif text == before:
            print(_coloured(f"== {name}: nothing to do", "bold"))
        else:
            print(_coloured(f"== {name}", "bold"))
            _print_difference(before, text, title, name)
        before, title = text, name
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Compare the derivatives with numbers at the point given by --call."""
    from s2s_ad.testing import by_name, check_grads

    if not options.call:
        raise Usage("verify needs a point: --call 'f(1.0, 3)'")
    function = function_at(options.target)
    primal = primal_of(function)
    args, kwargs = arguments_of(options.call, function)
    try:
        values = primal.values(args, kwargs)
    except TypeError as error:
        raise Usage(str(error)) from None
    wrt, _ = resolve_wrt(primal, _items(options.wrt))
    for name, value in zip(primal.names, values):
        if name in wrt:
            real_value(value, name)
    try:
        positional, named = by_name(primal, values)
        check_grads(function, positional, wrt=wrt, **named)
    except AssertionError as error:
        print(f"{primal.title} {', '.join(wrt)}: {error}")
        return 1
    print(f"{primal.title} in {', '.join(wrt)}: forward and reverse mode agree with differences")
    return 0


def _rules(options: argparse.Namespace) -> int:
    from s2s_ad.ir.text import expr_text
    from s2s_ad.rules import registry

    rules = registry.all_rules()
    if options.name is not None:
        wanted = options.name
        for prefix in ("numpy.", "np.", "math.", "builtins."):
            wanted = wanted.removeprefix(prefix)
        rules = tuple(rule for rule in rules if options.name == rule.text or rule.name == wanted)
        if not rules:
            print(f"{options.name} has no rule", file=sys.stderr)
            return 1
    for rule in rules:
        if options.name is None:
            print(f"{rule.flavour:12}{rule.text}")
            continue
        print(_coloured(rule.text, "bold") + f"  ({rule.flavour})")
        for name, value in rule.let:
            print(f"    let {name} = {expr_text(value)}")
        for name, adjoint in rule.adjoint.items():
            print(f"    {name}: adjoint {expr_text(adjoint)}")
            print(f"    {name}: tangent {expr_text(rule.tangent[name])}")
    return 0


def _cache(options: argparse.Namespace) -> int:
    folder = store.directory()
    if options.action == "dir":
        why = store.refusal(folder)
        print(folder or "none")
        if why and (folder is None or os.path.exists(folder)):
            print(f"not used: {why}", file=sys.stderr)
    elif options.action == "list":
        for entry in store.entries():
            print(f"{entry.size:8}  {os.path.basename(entry.path)}")
    else:
        print(f"deleted {store.clear()} derivatives")
    return 0


def _coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return `text` in a colour on a terminal that wants colours, else as it is."""
    stream = sys.stdout if stream is None else stream
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"


def _print_difference(before: str, after: str, old: str, new: str) -> None:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), old, new, lineterm="", n=2
    )
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        print(_coloured(line, colour) if colour else line)


def _shown_error(error: S2SError) -> str:
    """Return the text of a refusal, its caret and hint in colour on a terminal."""
    lines = f"{type(error).__name__}: {error}".split("\n")
    for k, line in enumerate(lines):
        if k == 0:
            lines[k] = _coloured(line, "bold", sys.stderr)
        elif re.fullmatch(r" +\| +\^+", line):
            lines[k] = _coloured(line, "red", sys.stderr)
        elif line.startswith("hint:"):
            lines[k] = _coloured(line, "cyan", sys.stderr)
    return "\n".join(lines)
