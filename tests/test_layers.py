"""The architecture: imports go down, heavy libraries have one door each, files stay small."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import s2s_ad

PACKAGE = Path(s2s_ad.__file__).parent

LAYERS: list[set[str]] = [
    {"errors", "runtime", "version"},
    {"ir"},
    {"rules"},
    {"analysis"},
    {"frontend", "transform", "simplify", "emit"},
    {"build", "cache"},
    {"api", "testing"},
    {"cli"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(file: Path) -> str:
    """Return the name of the layer's member a file belongs to (`api_calls.py` belongs to `api`)."""
    relative = file.relative_to(PACKAGE)
    first = relative.parts[0].removesuffix(".py")
    return first.split("_")[0] if first.startswith(("api_", "build_", "cli_")) else first


@functools.cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def imports_of(file: Path) -> set[str]:
    """Return the dotted names of all modules a file imports, at any depth."""
    found = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = file.relative_to(PACKAGE.parent).parts[: -node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.smoke
def test_imports_only_go_down():
    wrong = []
    for file in FILES:
        part = part_of(file)
        if part in ("__init__", "__main__"):
            continue
        for name in imports_of(file):
            if name == "s2s_ad" or not name.startswith("s2s_ad."):
                continue
            other = part_of(PACKAGE / (name.split(".")[1] + ".py"))
            if other == "__init__":
                continue
            beside = (part, other) == ("testing", "api")
            if other != part and LEVEL[other] >= LEVEL[part] and not beside:
                wrong.append(f"{file.relative_to(PACKAGE)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "library, door", [("libcst", "frontend/lower.py"), ("black", "emit/module.py")]
)
def test_one_door_for_each_heavy_library(library, door):
    users = {
        file.relative_to(PACKAGE).as_posix()
        for file in FILES
        if any(name.split(".")[0] == library for name in imports_of(file))
    }
    assert users <= {door}


def test_import_is_light():
    heavy = ("libcst", "black", "scipy", "click")
    code = f"import sys, s2s_ad; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_file_is_small_and_says_what_it_is(file):
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    if text:
        assert ast.get_docstring(parsed(file)), "a module says what it takes, gives, requires"


def test_no_part_is_outside_the_layers():
    parts = {part_of(file) for file in FILES} - {"__init__", "__main__"}
    assert parts <= LEVEL.keys()
