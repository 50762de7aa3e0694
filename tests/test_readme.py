"""The README is true: its adjoint is what is generated, its Python runs, its commands exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from s2s_ad import cli

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(name):
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"README.md has no block after <!-- {name} -->"
    return found[1]


@pytest.fixture
def spring(tmp_path, monkeypatch):
    (tmp_path / "spring.py").write_text(block("primal"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("spring", None)


@pytest.mark.smoke
def test_adjoint_is_what_is_generated(spring, capsys):
    command = re.search(r"written by `s2s-ad (.*)`:", README)[1]
    assert cli.main(shlex.split(command)) == 0
    generated = capsys.readouterr().out
    shown = block("adjoint")
    assert shown == generated, f"in README.md the adjoint should be\n{generated}"


def test_python_in_the_readme_runs(spring):
    text = re.search(r"From Python:\n\n```python\n(.*?)```", README, re.DOTALL)[1]
    (spring / "use.py").write_text(text + "\nassert g.source and x_bar and k_bar\n")
    subprocess.run([sys.executable, "use.py"], check=True, env=dict(os.environ))


def test_commands_set_everything_up():
    for name in ("main command", "test command"):
        command = block(name).strip()
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert "\n" not in command


def test_the_main_job_is_spelled_right(capsys):
    for words in re.findall(r"\.venv/bin/s2s-ad (.*?)(?: &&|\n)", block("main command")):
        cli._parser().parse_args(shlex.split(words))
