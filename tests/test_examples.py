"""The examples of docs/examples run, print the numbers they promise, and save their pictures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def run(tmp_path):
    """A function that runs an example, checks its picture, and returns what it printed."""

    def start(name):
        picture = tmp_path / f"{name}.png"
        environment = {
            **os.environ,
            "PYTHONPATH": str(EXAMPLES.parent.parent),
            "MPLCONFIGDIR": str(tmp_path),
            "PYTHONIOENCODING": "utf-8",
        }
        finished = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py", picture],
            cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=300,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr
        assert picture.read_bytes().startswith(PNG)
        return finished.stdout

    return start


def numbers(pattern, text):
    """Return the numbers that the groups of the pattern match."""
    found = re.search(pattern, text)
    assert found, f"{pattern} in\n{text}"
    return [float(group) for group in found.groups()]


def test_every_example_is_tested():
    assert sorted(p.stem for p in EXAMPLES.glob("*.py")) == ["soft_unit_tests", "taxi", "trace"]


def test_taxi(run):
    printed = run("taxi")
    assert numbers(r"squared error: ([\d.]+) min²", printed) == [pytest.approx(2.95, abs=0.02)]
    assert numbers(r"slope there: ([-\d.]+)", printed) == numbers(r"by hand: ([-\d.]+)", printed)
    for name, within in (("finite differences", 1e-3), ("by hand", 1e-6), ("s2s_ad", 1e-6)):
        assert numbers(rf"descent, {name}: ([\d.]+) km/h", printed) == [
            pytest.approx(30, abs=within)
        ]
    errors = [float(e) for e in re.findall(r"step \d.+: (\S+)\n", printed)]
    assert len(errors) == 14
    best = errors.index(min(errors))
    assert 3 < best < 11 and errors[-1] > 100 * errors[best] < errors[0]
    assert numbers(r"slope by s2s_ad: (\S+)", printed)[0] < 1e-14
    assert "def squared_error_adjoint(" in printed


def test_soft_unit_tests(run):
    printed = run("soft_unit_tests")
    assert numbers(r"descent from 1.2: omega = ([\d.]+)", printed) == [1.5]
    assert numbers(r"tests passed: (\d+) of 200 before, (\d+) after", printed)[1] == 200
    stuck, loss = numbers(r"from 2.6: omega = ([\d.]+), loss ([\d.]+)", printed)
    assert abs(stuck - 1.5) > 0.5 and loss > 0.1
    assert numbers(r"minimize: omega = ([\d.]+)", printed) == [pytest.approx(1.5, abs=1e-5)]
    assert "def loss_adjoint(" in printed


def test_trace(run):
    printed = run("trace")
    value, a_bar, b_bar = numbers(r"value ([\d.]+), gradient \(([\d.]+), ([\d.]+)\)", printed)
    assert (value, a_bar, b_bar) == (1.7918, 0.5, 0.3333)
    assert re.search(r"def trace_tangent\(.* +def trace_adjoint\(", printed), "side by side"
    ours, duals = (re.search(rf"gradient by {who} +(.*)", printed) for who in ("s2s_ad", "duals"))
    assert ours and duals and ours[1] == duals[1] == "(-3.899069, -2.291358)"
    ours, duals = (re.search(rf"product by {who} +(.*)", printed) for who in ("s2s_ad", "duals"))
    assert ours and duals and ours[1] == duals[1] == "(1.979284, -5.187000)"
    assert "def series_adjoint(" in printed
