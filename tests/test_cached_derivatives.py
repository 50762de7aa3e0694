"""Derivatives through the cache: what invalidates them, and that another process finds them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import pytest

from s2s_ad import grad, value_and_grad
from s2s_ad.analysis.observe import kind_of
from s2s_ad.api_bind import token
from s2s_ad.cache import store
from s2s_ad.cache.reach import Reach, describe, follow

MODEL = """
    import math
    from parts import helper

    SCALE = 2.0

    def loss(x, y):
        # the loss
        return SCALE * helper(x) * y + math.sin(x)
"""
PARTS = """
    from deep import power

    def helper(x):
        return power(x) + 1.0
"""
DEEP = """
    def power(x):
        return x**3
"""


@pytest.fixture
def project(tmp_path, own_cache):
    """A directory with three modules; run() evaluates an expression there in a new process."""

    class Project:
        cache = own_cache

        def write(self, **modules):
            for name, text in modules.items():
                (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))

        def run(self, expression, setup=""):
            script = f"""
import json, sys
sys.path.insert(0, {str(tmp_path)!r})
sys.dont_write_bytecode = True
from s2s_ad import grad, value_and_grad, jacrev, vjp
from model import *
import model
{textwrap.dedent(setup)}
result = {expression}
print(json.dumps([result, "libcst" in sys.modules, "black" in sys.modules]))
"""
            run = subprocess.run(
                [sys.executable, "-c", script],
                capture_output=True,
                text=True,
                env=dict(os.environ, S2S_AD_CHECK="0"),
            )
            assert run.returncode == 0, run.stderr
            result, libcst, black = json.loads(run.stdout)
            assert libcst or not black
            return result, libcst

        def files(self):
            return sorted(os.path.basename(entry.path) for entry in store.entries())

    project = Project()
    project.write(model=MODEL, parts=PARTS, deep=DEEP)
    return project


CALL = "grad(loss)(2.0, 3.0)"
WANTED = 2.0 * 12.0 * 3.0 + math.cos(2.0)


def test_another_process_reads_what_one_has_built(project):
    first, built = project.run(CALL)
    second, built_again = project.run(CALL)
    assert first == second == pytest.approx(WANTED)
    assert (built, built_again) == (True, False)
    assert len(project.files()) == 1


def test_every_mode_and_argument_has_its_own(project):
    expression = "[grad(loss, n)(2.0, 3.0) for n in ('x', 'y')] + [jacrev(loss)(2.0, 3.0)]"
    (x, y, again), _ = project.run(expression)
    assert (x, y, again) == pytest.approx((WANTED, 18.0, WANTED))
    assert len(project.files()) == 2
    assert project.run(expression) == ([x, y, again], False)
    halves = "vjp(loss, 2.0, 3.0)[1](1.0)"
    assert project.run(halves)[0] == pytest.approx([WANTED, 18.0])
    assert project.run(halves)[1] is False


def test_helper_two_calls_away(project):
    project.run(CALL)
    project.write(deep=DEEP.replace("x**3", "x**4"))
    assert project.run(CALL)[0] == pytest.approx(2.0 * 32.0 * 3.0 + np.cos(2.0))
    project.write(deep=DEEP)
    assert project.run(CALL) == (pytest.approx(WANTED), False)


def test_comment_refreshes_the_text(project):
    setup = "g = grad(loss)"
    old = project.run("(g(2.0, 3.0), g.source)", setup)[0]
    project.write(model=MODEL.replace("# the loss", "# the whole loss"))
    new, built = project.run("(g(2.0, 3.0), g.source)", setup)
    assert built and old[0] == new[0]
    assert "# the whole loss" in new[1] and "# the whole loss" not in old[1]


def test_global_of_another_value_and_of_another_kind(project):
    project.run(CALL)
    project.write(model=MODEL.replace("SCALE = 2.0", "SCALE = 5.0"))
    assert project.run(CALL)[0] == pytest.approx(5.0 * 12.0 * 3.0 + np.cos(2.0))
    project.write(model=MODEL.replace("SCALE = 2.0", "SCALE = __import__('numpy').ones(2)"))
    wanted = [12.0 * 3.0 + np.cos(2.0)] * 2
    assert project.run("jacrev(loss)(2.0, 3.0).tolist()")[0] == pytest.approx(wanted)


def test_function_moved_to_other_lines(project):
    setup = "g = grad(loss)"
    project.run("(g(2.0, 3.0), g.source)", setup)
    project.write(model="# moved\n\n" + textwrap.dedent(MODEL))
    source = project.run("(g(2.0, 3.0), g.source)", setup)[0][1]
    line = textwrap.dedent(MODEL).split("\n").index("    # the loss") + 4
    assert f"# L{line}:" in source


def test_damaged_file_is_not_run(project):
    project.run(CALL)
    (entry,) = store.entries()
    path = Path(entry.path)
    text = path.read_text()
    path.write_text(text + "raise SystemExit('the damaged file was run')\n")
    assert project.run(CALL) == (pytest.approx(WANTED), True)
    assert path.read_text() == text


def test_32_processes_at_once(project):
    script = f"""
        import os, sys, time
        sys.path.insert(0, {str(project.cache.parent)!r})
        from s2s_ad import grad
        from model import loss
        import model
        grad(model.helper)(1.0)  # loads what building needs, once for all
        start = time.time() + 0.2
        children = []
        for _ in range(32):
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    time.sleep(max(0.0, start - time.time()))
                    code = 0 if abs(grad(loss)(2.0, 3.0) - {WANTED!r}) < 1e-12 else 2
                finally:
                    os._exit(code)
            children.append(pid)
        print(sum(os.waitpid(pid, 0)[1] for pid in children))
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert run.stdout == "0\n", run.stderr
    assert [name.split("_")[0] for name in project.files()] == ["helper", "loss"]


def test_no_cache_directory(project, monkeypatch):
    monkeypatch.setenv("S2S_AD_CACHE", "/proc/nowhere")
    assert project.run(f"({CALL}, grad(loss).file)")[0] == [pytest.approx(WANTED), None]


def test_traceback_names_lines_of_the_file(own_cache):
    def f(x):
        return 1.0 / x

    g = grad(f)
    g(1.0)
    with pytest.raises(ZeroDivisionError) as error:
        g(0.0)
    last = error.traceback[-1]
    assert str(last.path) == str(g.file)
    line = g.file.read_text(encoding="utf-8").splitlines()[last.lineno]
    assert "/ x" in line


def test_two_closures_of_one_factory(own_cache):
    def make(k):
        def f(x):
            return k * x * x

        return f

    two, seven = grad(make(2.0)), grad(make(7.0))
    assert (two(3.0), seven(3.0), two(3.0)) == (12.0, 42.0, 12.0)
    assert two.file == seven.file
    array = value_and_grad(make(np.array(3.0)))
    assert array(2.0) == (12.0, 12.0)


def test_global_and_cell_replaced_between_calls():
    k = 2.0

    def f(x):
        return k * x + weight * x  # noqa: F821 - set below

    g = grad(f)
    f.__globals__["weight"] = 10.0
    try:
        assert g(1.0) == 12.0
        k = 3.0
        assert g(1.0) == 13.0
        f.__globals__["weight"] = 20.0
        assert (g(1.0), g(1.0)) == (23.0, 23.0)
    finally:
        del f.__globals__["weight"]


def test_second_derivative_sees_a_global_replaced():
    k = np.float64(2.0)

    def f(x):
        return k * x**3

    second = grad(grad(f))
    assert (second(1.0), second(1.0)) == (12.0, 12.0)
    k = 3.0
    assert (second(1.0), second(1.0)) == (18.0, 18.0)


def test_attributes_of_modules_and_instances_and_items_of_globals(monkeypatch):
    settings = types.ModuleType("settings")
    monkeypatch.setitem(sys.modules, "settings", settings)
    settings.rate = 2.0
    settings.scale = lambda x: 3.0 * x
    state = types.SimpleNamespace(weight=5.0)
    table = [1.0, 2.0]

    def f(x):
        return settings.scale(x) * settings.rate + state.weight * x + table[0] * x

    g = grad(f)
    h = grad(lambda x: np.sum(f(x)))
    assert (g(1.0), h(1.0)) == (12.0, 12.0)
    settings.rate = 4.0
    state.weight = np.array([1.0, 2.0])
    table[:] = [np.array([1.0, 1.0]), 0.0]
    assert h(1.0) == 24.0 + 3.0 + 2.0
    settings.scale = math.sin
    assert h(0.0) == 8.0 + 3.0 + 2.0


class Node:
    def __init__(self, inner):
        self.inner = inner
        self.weight = 3.0


def chain(length):
    node = None
    for _ in range(length):
        node = Node(node)
    return node


def test_what_depends_on_too_much_is_not_kept(own_cache):
    node = chain(100)

    def f(x):
        return x * node.weight

    g = grad(f)
    assert g(2.0) == 3.0
    assert g.file is None and store.entries() == []


def outer(x):
    return inner(x) * FACTOR


def inner(x):
    return np.sin(x)


FACTOR = 2.0


class TestReach:
    def test_paths_lead_back(self):
        roots = {"": outer}
        reach = Reach(roots)
        for value in (inner, np, np.sin):
            assert follow(roots, reach.path(value)) is value
        assert reach.path(np.cos) is None
        assert follow(roots, ("", "name:nothing", "held:x")) is ...

    def test_facts_are_of_kinds_not_of_values(self):
        before = Reach({"": outer}).facts
        global FACTOR
        FACTOR = 3.0
        try:
            assert Reach({"": outer}).facts == before
            FACTOR = np.ones(2)
            assert Reach({"": outer}).facts != before
        finally:
            FACTOR = 2.0

    def test_methods_of_classes_and_attributes_of_instances(self):
        class Base:
            def far(self, x):
                return inner(x)

        class Model(Base):
            def __init__(self):
                self.rate = 0.5

        model = Model()

        def use(x):
            return model.far(x) * model.rate

        reach = Reach({"": use})
        assert reach.path(Base.far) and reach.path(inner)
        facts = reach.facts
        model.rate = np.ones(3)
        assert Reach({"": use}).facts != facts

    def test_functions_in_containers(self):
        table = {"first": (inner, outer)}

        def use(x):
            return table["first"][1](x)

        roots = {"": use}
        path = Reach(roots).path(outer)
        assert path and follow(roots, path) is outer

    def test_too_much_to_say(self):
        def reach(node):
            return Reach({"": lambda: node})

        assert reach(chain(5)).facts is not None
        assert reach(chain(100)).facts is None

    def test_standard_library_is_known_by_its_version(self):
        import statistics

        def f(x):
            return statistics.mean([x, x])

        reach = Reach({"": f})
        assert reach.path(statistics.mean) and reach.path(statistics._sum) is None
        assert Reach({"": f}, deep=True).path(statistics._sum)


def values_of_all_kinds():
    shapes = [
        (),
        *((k,) for k in range(7)),
        *((k, j) for k in (1, 3, 9) for j in range(12)),
        (2, 2, 2),
    ]
    types = ("d", "f", "i", "l", "?", "D")
    arrays = [np.zeros(shape, dtype) for shape in shapes for dtype in types]
    numbers = [
        1,
        1.0,
        True,
        np.float64(1.0),
        np.float32(1.0),
        np.int64(1),
        np.int8(1),
        np.True_,
        1j,
    ]
    plain = [*numbers, None, "a", "b", range(3), (), [], {}, *arrays[::7]]
    lists = [[a, b] for a in plain[:12] for b in plain[:12]]
    tuples = [(a, b) for a in plain[::3] for b in plain[::4]]
    return [
        *plain,
        *arrays,
        *lists,
        *tuples,
        *({"k": a} for a in plain),
        math.sin,
        math.cos,
        np,
        math,
    ]


def test_what_is_kept_is_found_again_for_values_of_one_kind_only():
    """By what a variant in memory, and what a text on disk, is found."""
    for known in (token, describe):
        found = {}
        for value in values_of_all_kinds():
            if callable(value) and known is describe:
                continue
            kind = kind_of(value, "x")
            assert found.setdefault(known(value), kind) == kind, (known, value)


def test_a_shorter_array_gets_a_derivative_of_its_own(project):
    project.write(
        model="""
        import numpy as np

        def f(x, y):
            inner = x[1:-1] + y
            return np.sum(inner * inner * y)
        """
    )
    long, short = "np.arange(5.0), np.arange(3.0)", "np.arange(3.0), np.arange(5.0)"
    setup = "import numpy as np\nfrom model import f"
    project.run(f"grad(f)({long}).tolist()", setup)
    # d/dx[1] of the sum of (x[1] + y)**2 * y
    wanted = 2 * sum((1.0 + y) * y for y in range(5))
    assert project.run(f"grad(f)({short}).tolist()", setup)[0] == [0.0, wanted, 0.0]
