"""The text of derivatives, as a reviewer reads it: fixtures/golden/<topic>/<name>.py.

A fixture is a program, flags in comments at its top, and behind a line `# -- output` the expected
module. Flags: `mode` (adjoint, tangent, or `tangent of adjoint`), `wrt`, `call` (the function, and
the point at which the text is run against differences), `kinds` (`unknown` where the text is to be
what is written without knowing them; else they are those of the call), `of` (the outputs).

When text changes for the better: `python -m tests.test_golden` writes all fixtures again, or those
named, as `python -m tests.test_golden loops/product`. Read the difference before it is committed.
"""

from __future__ import annotations

import copy
import difflib
import functools
import inspect
import linecache
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from s2s_ad.analysis.observe import kind_of, real
from s2s_ad.build import OPTIMISATIONS, Derivative, Request, derive
from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir.kinds import Kind
from s2s_ad.ir.text import function_text
from s2s_ad.version import VERSION
from tests.checking import bound, chosen, interleaved, restricted, same_bits, weights
from tests.oracles import close, directional, leaves, rebuild, reference

FOLDER = Path(__file__).parent.parent / "fixtures" / "golden"
FILES = sorted(FOLDER.glob("*/*.py"))
MARK = "\n\n# -- output\n"
FLAGS = {"mode", "wrt", "call", "kinds", "of"}
SMOKE = {"samples/stiff_energy", "samples/logistic_loss", "lists/running"}


@dataclass(frozen=True)
class Golden:
    """A fixture, read: the program loaded, its flags understood."""

    name: str
    program: str
    expected: str
    mode: str
    wrt: tuple[str, ...]
    known: bool
    function: Callable[..., Any]
    args: tuple[Any, ...]
    of: tuple[str, ...] = ()

    @property
    def primal(self) -> Callable[..., Any]:
        """The function as one that returns its one output."""
        if not self.of:
            return self.function
        (output,) = self.of

        @functools.wraps(self.function)
        def leaving(*args: Any) -> Any:
            self.function(*args)
            return inspect.signature(self.function).bind(*args).arguments[output]

        return leaving


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


@functools.cache
def golden(name: str) -> Golden:
    """Read a fixture; linecache knows its source, so that lines are its own."""
    program, _, expected = (FOLDER / f"{name}.py").read_text(encoding="utf-8").partition(MARK)
    program = program.rstrip("\n") + "\n"
    flags = dict(re.findall(r"^# (\w+): (.*)$", program, re.MULTILINE))
    assert flags.keys() <= FLAGS, flags
    file = f"{name}.py"
    linecache.cache[file] = (len(program), None, program.splitlines(keepends=True), file)
    # a module as any other: generated code imports from it
    spec = ModuleSpec(name.rpartition("/")[2], None)
    module = types.ModuleType(spec.name)
    module.__spec__ = spec
    sys.modules[spec.name] = module
    exec(compile(program, file, "exec"), module.__dict__)
    called, _, rest = flags["call"].partition("(")
    names = {**vars(module), "np": np, called: lambda *args: args}
    args = eval(f"{called}({rest}", names)
    wrt = tuple(flags["wrt"].split(", "))
    known = flags.get("kinds") != "unknown"
    of = tuple(flags["of"].split(", ")) if "of" in flags else ()
    function = getattr(module, called)
    return Golden(name, program, expected, flags["mode"], wrt, known, function, args, of)


def kinds_of(
    function: Callable[..., Any], args: tuple[Any, ...], wrt: tuple[str, ...]
) -> dict[str, Kind]:
    """Return the kinds of a call, defaults included."""
    call = inspect.signature(function).bind(*args)
    call.apply_defaults()
    kinds = {name: kind_of(value, name) for name, value in call.arguments.items()}
    return {name: real(kind) if name in wrt else kind for name, kind in kinds.items()}


def generated(of: Golden, off: frozenset[str] = frozenset()) -> tuple[Derivative, ...]:
    """Return what is written for a fixture: one derivative, or that and the derivative of it.

    off: optimisations that are switched off.
    """
    kinds = kinds_of(of.function, of.args, of.wrt) if of.known else {}
    mode = "tangent" if of.mode == "tangent" else "adjoint"
    first = derive(Request(of.function, mode, of.wrt, kinds, options=off, of=of.of))
    if of.mode != "tangent of adjoint":
        return (first,)
    file = f"{of.name}_adjoint.py"
    text = first.text
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = dict(first.imports)
    exec(compile(text, file, "exec"), namespace)
    adjoint = namespace[first.entry]
    kinds = kinds_of(adjoint, of.args, of.wrt) if of.known else {}
    return first, derive(Request(adjoint, "tangent", of.wrt, kinds, (1,), options=off))


def shown(derivative: Derivative) -> str:
    """Return the text as a fixture holds it: without our version."""
    return derivative.text.replace(f"s2s_ad {VERSION}", "s2s_ad")


@functools.cache
def written(name: str) -> tuple[Derivative, ...]:
    return generated(golden(name))


OFF = [*OPTIMISATIONS, "all"]


def without(name: str, option: str) -> tuple[Derivative, ...]:
    return generated(golden(name), frozenset(OPTIMISATIONS if option == "all" else (option,)))


def marked(names: list[str]) -> list[Any]:
    return [pytest.param(n, marks=pytest.mark.smoke if n in SMOKE else ()) for n in names]


every = pytest.mark.parametrize("name", marked([name_of(path) for path in FILES]))


@every
def test_text(name: str) -> None:
    of = golden(name)
    text = shown(written(name)[-1])
    if text != of.expected:
        difference = difflib.unified_diff(
            of.expected.splitlines(), text.splitlines(), "expected", "written", lineterm=""
        )
        command = f"python -m tests.test_golden {name}"
        pytest.fail("\n".join([*difference, "", f"if this is better: {command}"]), pytrace=False)


@every
def test_text_comes_back(name: str) -> None:
    text = written(name)[-1].text
    functions = lower_module(text, f"{name}.py")
    assert functions
    for function in functions.values():
        again = lower_module(function_text(function) + "\n", f"{name}.py")
        assert again[function.name] == function


@every
def test_numbers(name: str) -> None:
    check_numbers(name, written(name))


@every
def test_numbers_without_an_optimisation(name: str) -> None:
    """One optimisation is off, by turns."""
    check_numbers(name, without(name, OFF[crc32(name.encode()) % len(OFF)]))


@pytest.mark.exhaustive
@pytest.mark.parametrize("option", OFF)
@every
def test_numbers_without_each_optimisation(name: str, option: str) -> None:
    check_numbers(name, without(name, option))


@np.errstate(all="ignore")  # untaken sides are infinite here too
def check_numbers(name: str, derivatives: tuple[Derivative, ...]) -> None:
    """Run the text of a fixture at its point and compare with differences."""
    of = golden(name)
    entry = bound(derivatives[-1])
    args = copy.deepcopy(of.args)
    like = chosen(of.primal, args, of.wrt)
    if of.mode == "tangent of adjoint":
        first = bound(derivatives[0])

        def gradient(*values: Any) -> Any:
            return restricted(first, of.wrt, of.args)(*values)[1]

        dots = weights(len(leaves(like)))
        wanted, error = directional(gradient, like, dots)
        mixed = interleaved(of.function, args, of.wrt, rebuild(like, dots))
        _, dot = entry(*mixed)
        assert close(leaves(dot), wanted, error, 1e-7), (dot, wanted)
        return
    value = of.primal(*copy.deepcopy(of.args))
    wanted = reference(restricted(of.primal, of.wrt, of.args), like)
    if of.mode == "tangent":
        dots = weights(len(leaves(like)))
        out, dot = entry(*interleaved(of.primal, args, of.wrt, rebuild(like, dots)))
        got, expected = leaves(dot), wanted.jacobian @ dots
    else:
        bars = weights(len(leaves(value)))
        out, bar = entry(*args, rebuild(value, bars))
        got, expected = leaves(bar), bars @ wanted.jacobian
    assert same_bits(out, value)
    assert close(got, expected, wanted.error, 1e-7), (got, expected)
    assert same_bits(args, of.args)


def test_page_shows_what_is_written() -> None:
    """Each block of docs/how_it_works.md is a stretch of its running example, as it stands."""
    page = (FOLDER.parents[1] / "docs" / "how_it_works.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    text = (FOLDER / "calls" / "coast.py").read_text(encoding="utf-8")
    assert len(blocks) > 3
    for block in blocks:
        assert block in text


def test_there_are_fixtures() -> None:
    assert len(FILES) > 20
    assert {name_of(path) for path in FILES} >= SMOKE


def main(names: list[str]) -> None:
    """Write the fixtures again, all or those named."""
    for name in names or [name_of(path) for path in FILES]:
        of = golden(name)
        (FOLDER / f"{name}.py").write_text(
            of.program + MARK + shown(generated(of)[-1]), encoding="utf-8"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
