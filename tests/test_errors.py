"""The full text of every refusal: fixtures/errors/*.txt.

A fixture is a program that ends in an error of s2s_ad and, behind a line `# -- error`, the text of
that error. When a text changes for the better, `python -m tests.test_errors` writes all fixtures
again, or those named, as `python -m tests.test_errors yield`.
"""

from __future__ import annotations

import linecache
import sys
import types
from pathlib import Path

import pytest

from s2s_ad.errors import S2SError

FOLDER = Path(__file__).parent.parent / "fixtures" / "errors"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
MARK = "\n# -- error\n"
# an argument of a call has no line; all else points at the line of the user
PLACELESS = ("ArgumentError", "OutputError", "SourceError")
SMOKE = {"yield", "missing_rule", "array_result"}


def read(name: str) -> tuple[str, str]:
    """Return the program of a fixture and the text expected."""
    program, _, expected = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").partition(MARK)
    return program.rstrip("\n") + "\n", expected.rstrip("\n")


def error_of(name: str, program: str) -> S2SError | None:
    """Run a program as a module whose source linecache knows; return the error it ends in."""
    file = f"{name}.py"
    linecache.cache[file] = (len(program), None, program.splitlines(keepends=True), file)
    module = types.ModuleType(f"refused_{name}")
    module.__file__ = file
    sys.modules[module.__name__] = module
    try:
        exec(compile(program, file, "exec"), module.__dict__)
    except S2SError as error:
        return error
    finally:
        del sys.modules[module.__name__]
    return None


def shown(error: S2SError | None) -> str:
    return "no error" if error is None else f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.smoke if n in SMOKE else ()) for n in NAMES]
)
def test_text(name: str) -> None:
    program, expected = read(name)
    error = error_of(name, program)
    assert shown(error) == expected, f"if this is better: python -m tests.test_errors {name}"
    assert error is not None
    assert error.place is not None or type(error).__name__ in PLACELESS
    if error.place is not None:
        assert error.place.text == program.splitlines()[error.place.line - 1]
        assert error.hint


def test_there_are_fixtures() -> None:
    assert len(NAMES) > 20
    assert set(NAMES) >= SMOKE


def main(names: list[str]) -> None:
    """Write the fixtures again, all or those named."""
    for name in names or NAMES:
        program, _ = read(name)
        text = f"{program}{MARK}{shown(error_of(name, program))}\n"
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
