"""The command line: targets, output, exit codes, and text that suits a pipe or a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from s2s_ad import cli, cli_target
from s2s_ad.ir.kinds import FLOAT, INT, ONE, Array, Dim
from s2s_ad.version import VERSION

MODEL = '''
"""Functions to differentiate."""

import math

import numpy as np


def wave(x, k: float, n: int):
    """A sum of sines."""
    total = 0.0
    for i in range(n):
        # each a little faster
        total += math.sin(k * x * i)
    return total


def loss(w, X):
    return np.sum((X @ w) ** 2)


def lazy(x):
    yield x


class Spring:
    stiffness = 2.0

    def energy(self, x, k):
        return 0.5 * k * x**2

    @classmethod
    def force(cls, x, *, n=1):
        return cls.stiffness * x**n
'''


@pytest.fixture
def model(tmp_path, monkeypatch):
    """model.py in the working directory, forgotten afterwards."""
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path / "model.py"
    sys.modules.pop("model", None)


def run(text, space):
    exec(compile(text, "<written>", "exec"), space)
    return space


def test_adjoint_to_the_terminal_runs(model, capsys):
    assert cli.main(["adjoint", "model.py::wave", "--wrt", "x,k"]) == 0
    text = capsys.readouterr().out
    assert "# each a little faster" in text and "s2s-ad adjoint model.py::wave" in text
    value, (x, k) = run(text, {})["wave_adjoint"](0.3, 1.1, 3)
    assert value == np.sin(1.1 * 0.3) + np.sin(1.1 * 0.3 * 2)
    assert x == pytest.approx(1.1 * np.cos(0.33) + 2.2 * np.cos(0.66))
    assert k == pytest.approx(0.3 * np.cos(0.33) + 0.6 * np.cos(0.66))


def test_tangent_to_a_file(model, capsys):
    target = ["tangent", "model:wave", "--wrt", "x", "--like", "x=f8", "-o", "wave_ad.py"]
    assert cli.main(target) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("wrote wave_ad.py: ")
    space = run((model.parent / "wave_ad.py").read_text(), {})
    _, dot = space["wave_tangent"](0.3, 1.0, 1.1, 2)
    assert dot == pytest.approx(1.1 * np.cos(0.33))


def test_method_and_first_argument_by_default(model, capsys):
    assert cli.main(["adjoint", "model.py::Spring.energy", "--like", "x=f8, k=f8"]) == 0
    text = capsys.readouterr().out
    assert run(text, {})["energy_adjoint"](None, 2.0, 3.0) == (6.0, 6.0)


def test_kinds_of_a_call(model, capsys):
    call = "loss(np.ones(3), np.ones((5, 3)))"
    assert cli.main(["adjoint", "model.py::loss", "--call", call]) == 0
    text = capsys.readouterr().out
    assert "unbroadcast" not in text
    _, w = run(text, {})["loss_adjoint"](np.ones(3), np.ones((5, 3)))
    np.testing.assert_allclose(w, 30.0 * np.ones(3))


def test_check_tells_when_a_file_is_stale(model, capsys):
    kinds = "x=f8, k=f8, n=i8"
    written = ["adjoint", "model:wave", "--wrt", "x,k", "--like", kinds, "-o", "wave_ad.py"]
    assert cli.main(written) == 0
    assert cli.main(["check", "wave_ad.py"]) == 0
    assert capsys.readouterr().out == ""
    file = model.parent / "wave_ad.py"
    assert f"run `s2s-ad adjoint model:wave --wrt x,k --like '{kinds}'`" in file.read_text()
    file.write_text(file.read_text().replace("# each a little faster", "# edited"))
    assert cli.main(["check", "wave_ad.py"]) == 1
    out = capsys.readouterr().out
    assert "-        # edited" in out and "+        # each a little faster" in out


def test_an_optimisation_is_switched_off(model, capsys):
    target = ["adjoint", "model.py::Spring.energy", "--wrt", "x", "--like", "x=f8, k=f8"]
    assert cli.main(target) == 0
    tidy = capsys.readouterr().out
    assert cli.main([*target, "--without", "algebra,dead_code"]) == 0
    text = capsys.readouterr().out
    assert "--without algebra,dead_code`" in text
    assert text.partition("def ")[2] != tidy.partition("def ")[2]
    assert run(text, {})["energy_adjoint"](None, 2.0, 3.0) == (6.0, 6.0)


def test_strict_refuses_where_a_gradient_is_cut(tmp_path, monkeypatch, capsys):
    (tmp_path / "steps.py").write_text("def stairs(x):\n    return x * int(x)\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["adjoint", "steps.py::stairs"]) == 0
    assert "Where a gradient is cut: `int(x)` (L2)." in capsys.readouterr().out
    assert cli.main(["adjoint", "steps.py::stairs", "--strict"]) == 1
    assert "`int(x)` cuts a gradient" in capsys.readouterr().err


def test_verify(model, capsys):
    call = ["--call", "wave(0.3, 1.1, n=4)"]
    assert cli.main(["verify", "model.py::wave", "--wrt", "x,k", *call]) == 0
    assert "agree with differences" in capsys.readouterr().out


def test_explain_shows_each_pass(model, capsys):
    assert cli.main(["explain", "model.py::wave", "--like", "x=f8"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("== ") and out.count("\n== ") >= 1
    assert "\n+def wave_adjoint(" in out


def test_rules(capsys):
    assert cli.main(["rules"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 200
    assert cli.main(["rules", "np.sum"]) == 0
    assert "adjoint expand(d, a, axis, keepdims)" in capsys.readouterr().out
    assert cli.main(["rules", "nothing"]) == 1


def test_cache(own_cache, capsys):
    assert cli.main(["cache", "dir"]) == 0
    assert capsys.readouterr().out == f"{own_cache}\n"
    assert cli.main(["cache", "list"]) == 0
    assert cli.main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == "deleted 0 derivatives\n"


def test_refusal_is_shown_without_a_traceback(model, capsys):
    assert cli.main(["adjoint", "model.py::lazy"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("UnsupportedSyntax: model.py:")
    assert "|     yield x" in captured.err and "^^^^^" in captured.err
    assert "hint: " in captured.err and "Traceback" not in captured.err


USAGE = {
    "no command": ([], "required: COMMAND"),
    "no such command": (["frob"], "invalid choice"),
    "no function named": (["adjoint", "model.py"], "names no function: write path.py::name"),
    "no such file": (["adjoint", "other.py::f"], "there is no file other.py"),
    "no such function": (["adjoint", "model.py::f"], "there is no 'f' in model.py"),
    "no such module": (["adjoint", "no_such_module:f"], "cannot import no_such_module"),
    "not a function": (["adjoint", "model.py::math"], "is a module, not a function"),
    "bad --like": (["adjoint", "model.py::wave", "--like", "x=?"], "cannot read --like"),
    "--like of nothing": (["adjoint", "model.py::wave", "--like", "y=f8"], "no parameter y"),
    "bad --call": (["adjoint", "model.py::wave", "--call", "1 +"], "is not a call"),
    "wrong --call": (["adjoint", "model.py::wave", "--call", "wave(1)"], "missing a required"),
    "--call that fails": (["verify", "model.py::wave", "--call", "wave(z)"], "NameError"),
    "no such optimisation": (["adjoint", "model.py::wave", "--without", "x"], "recompute"),
    "verify nothing": (["verify", "model.py::wave"], "needs a point"),
    "another call": (["adjoint", "model.py::wave", "--call", "sea(1)"], "is a call of sea"),
    "not written in Python": (["adjoint", "math:sin"], "`s2s-ad rules sin` prints its rule"),
    "--like twice": (["adjoint", "model.py::wave", "--like", "x=f8, x=i8"], "gives x twice"),
    "a file as a module": (["adjoint", "model.py:wave"], "a function of a file is model.py::name"),
    "a file that exits": (["adjoint", "leave.py::f"], "cannot import leave: SystemExit: 3"),
    "check another file": (["check", "model.py"], "its header names no command"),
}


@pytest.mark.parametrize("arguments, text", USAGE.values(), ids=USAGE.keys())
def test_usage(model, capsys, arguments, text):
    (model.parent / "leave.py").write_text("raise SystemExit(3)\n")
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert text in captured.err and captured.out == ""


def test_wrong_wrt_is_refused(model, capsys):
    assert cli.main(["adjoint", "model.py::wave", "--wrt", "z"]) == 1
    assert "wave() has no parameter 'z'" in capsys.readouterr().err


def test_a_method_of_its_class_takes_the_class_and_keywords(model, capsys):
    call = "Spring.force(Spring, 3.0, n=2)"
    assert cli.main(["verify", "model.py::Spring.force", "--call", call]) == 0
    assert cli.main(["tangent", "model.py::Spring.force", "--call", call]) == 0
    text = capsys.readouterr().out.partition("differences\n")[2]
    spring = sys.modules["model"].Spring
    assert run(text, {})["force_tangent"](spring, 3.0, 1.0, n=2) == (18.0, 12.0)


def test_what_a_module_prints_is_not_written(model, capsys):
    (model.parent / "loud.py").write_text("print('loaded')\ndef f(x):\n    return x\n")
    assert cli.main(["adjoint", "loud.py::f", "--wrt", " x "]) == 0
    captured = capsys.readouterr()
    assert "loaded" not in captured.out and "loaded" in captured.err
    sys.modules.pop("loud")


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"s2s-ad {VERSION}\n"


def test_module_and_package_targets(tmp_path, monkeypatch):
    package = tmp_path / "pack" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package / "leaf.py").write_text("from pack import inner\n\ndef f(x):\n    return x\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    function = cli_target.function_at(str(package / "leaf.py") + "::f")
    assert function.__module__ == "pack.inner.leaf"
    assert cli_target.function_at("pack.inner.leaf:f") is function


def test_kinds_like():
    kinds = cli_target.kinds_like("w=f8[:], X=f4[n, m], one=f8[1], k=i8, b=float")
    assert kinds["w"] == Array((Dim("w.0"),), "float")
    assert kinds["X"] == Array((Dim("n"), Dim("m")), "float")
    assert kinds["one"] == Array((ONE,), "float")
    assert (kinds["k"], kinds["b"]) == (INT, FLOAT)


def on_a_terminal(model, environment=None):
    """Run a command that is refused with its standard error on a terminal; return what it shows."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "s2s_ad", "adjoint", "model.py::lazy"]
    env = {**os.environ, "TERM": "xterm", **(environment or {})}
    process = subprocess.Popen(command, stderr=child, cwd=model.parent, env=env)
    assert process.wait() == 1
    os.close(child)
    shown = b""
    try:
        while part := os.read(parent, 4096):
            shown += part
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(parent)
    return shown.decode()


def test_colours_on_a_terminal_only(model):
    assert "\033[31m" in on_a_terminal(model)
    assert "\033[" not in on_a_terminal(model, {"NO_COLOR": "1"})
    command = [sys.executable, "-m", "s2s_ad", "adjoint", "model.py::lazy"]
    piped = subprocess.run(command, capture_output=True, text=True, cwd=model.parent)
    assert piped.returncode == 1 and "\033[" not in piped.stderr


def test_reader_that_has_seen_enough():
    script = f"{sys.executable} -m s2s_ad rules | head -1; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(["bash", "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert shown.stdout.endswith("\n0\n") and shown.stderr == ""
