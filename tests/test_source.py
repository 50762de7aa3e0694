"""Source: the text found is that of the code that is loaded, or none is found."""

from __future__ import annotations

import argparse
import doctest
import functools
import importlib
import inspect
import linecache
import math
import os
import sys
import types
import unittest.mock

import pytest

from s2s_ad.build import Request, derive
from s2s_ad.errors import SourceError
from s2s_ad.frontend.lower import lower, lower_module
from s2s_ad.frontend.source import _text_in, find
from s2s_ad.ir.nodes import Name, Origin
from s2s_ad.ir.places import place_of
from s2s_ad.ir.text import expr_text, function_text


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module and import it; `module.edit(text)` changes the file behind its back."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = []

    def make(text, name=None):
        name = name or f"module_of_a_test_{len(made)}_{os.getpid()}"
        file = tmp_path / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        found = importlib.import_module(name)
        found.edit = lambda new: _edit(file, new)
        made.append(name)
        return found

    yield make
    for name in made:
        sys.modules.pop(name, None)


def _edit(file, text):
    before = file.stat()
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 2_000_000_000))


def body(function):
    """Return the expression that a function returns, as it was found."""
    return expr_text(lower(find(function)).body[-1].value)


# -- what is found ----------------------------------------------------------------------


def test_function_of_a_file(module):
    m = module(
        "import math\n\n\ndef f(\n    x,  # one\n):\n    return x + 1\n    # end\n\n\ny = 1\n"
    )
    source = find(m.f)
    assert source.text == "def f(\n    x,  # one\n):\n    return x + 1\n    # end\n"
    assert (source.first_line, source.name) == (4, "f")
    assert os.path.basename(source.file) == f"{m.__name__}.py"


def test_file_is_shown_from_the_working_directory(module, tmp_path, monkeypatch):
    m = module("def f(x):\n    return x\n")
    monkeypatch.chdir(tmp_path)
    assert find(m.f).file == f"{m.__name__}.py"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert find(m.f).file == f"{m.__name__}.py"
    assert find(json_function()).file == "json/__init__.py"


def test_file_of_an_installed_package_is_shown_from_where_it_is_installed(tmp_path, monkeypatch):
    folder = tmp_path / ".venv" / "lib" / "site-packages" / "springs_here"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "rods.py").write_text("def energy(x):\n    return 0.5 * x * x\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    rods = importlib.import_module("springs_here.rods")
    header = "from springs_here/rods.py:1-2 "
    for place in (tmp_path, folder, folder.parents[3] / ".venv"):
        monkeypatch.chdir(place)
        assert find(rods.energy).file == "springs_here/rods.py"
        text = derive(Request(rods.energy, "adjoint", ("x",))).text
        assert header in text and str(tmp_path) not in text
        assert "run `s2s-ad adjoint springs_here.rods:energy --wrt x`" in text


def json_function():
    import json

    return json.dumps


def test_nested_function_method_and_closure(module):
    m = module(
        "class Rod:\n"
        "    class Inner:\n"
        "        def f(self, x):\n"
        "            return x * self.k\n\n"
        "    @staticmethod\n"
        "    def s(x):\n"
        "        return x - 1\n\n"
        "    @classmethod\n"
        "    def c(cls, x):\n"
        "        return super().__new__(cls)\n\n"
        "def outer(k):\n"
        "    def f(x):\n"
        "        return x + k\n"
        "    def g(x):\n"
        "        return f(x) * k\n"
        "    return f, g\n"
    )
    f, g = m.outer(2)
    assert [body(x) for x in (m.Rod.Inner.f, m.Rod.Inner().f, m.Rod.s, m.Rod.c, f, g)] == [
        "x * self.k",
        "x * self.k",
        "x - 1",
        "super().__new__(cls)",
        "x + k",
        "f(x) * k",
    ]


def test_private_names_of_a_class(module):
    m = module(
        "class _Rod:\n"
        "    __k = 2\n"
        "    def f(self, x):\n"
        "        return x * self.__k\n"
        "    def g(self):\n"
        "        return lambda x: x * self.__k\n"
        "    def h(self, x):\n"
        "        return x * self._k\n"
    )
    rod = m._Rod()
    assert body(rod.f) == body(rod.g()) == "x * self._Rod__k"
    assert find(rod.f).owner == "_Rod" and find(rod.h).owner == ""


def test_tabs_and_continuation_lines(module):
    m = module("class C:\n\tdef f(self, x):\n\t\ty = '''\nleft\n'''\n\t\treturn x + \\\n1\n")
    assert body(m.C.f) == "x + 1"


@pytest.mark.parametrize("file", [argparse, inspect, unittest.mock], ids=lambda m: m.__name__)
def test_text_is_the_block_that_a_tokenizer_finds(file):
    """Of functions and methods of the standard library, their last comments included."""
    classes = [x for x in vars(file).values() if isinstance(x, type)]
    several = [x for owner in (file, *classes) for x in vars(owner).values()]
    functions = [
        x
        for x in several
        if isinstance(x, types.FunctionType)
        and x.__code__.co_filename == file.__file__
        and x.__name__ != "<lambda>"
        and x.__name__ == x.__code__.co_name
    ]
    assert len(functions) > 50
    for function in functions:
        lines = linecache.getlines(file.__file__)[function.__code__.co_firstlineno - 1 :]
        assert _text_in(function, [*linecache.getlines(file.__file__)]) == "".join(
            inspect.getblock(lines)
        )


def test_block_that_ends_in_an_unusual_way(module):
    m = module(
        "def text():\n    return '''\nto the margin\n'''\n\n    # inside\n\n# outside\n"
        "def call():\n    return max(\n1.0,\n2.0\n)\n# outside\n"
        "class C:\n    def last(self):\n        return 1.0\n        # inside\n"
    )
    assert find(m.text).text.endswith("\n'''\n\n    # inside\n")
    assert find(m.call).text.endswith("2.0\n)\n")
    assert find(m.C.last).text.endswith("1.0\n        # inside\n")


def test_decorated_function_is_its_wrapper(module):
    m = module(
        "import functools\n"
        "def doubled(g):\n"
        "    @functools.wraps(g)\n"
        "    def wrapper(x):\n"
        "        return 2 * g(x)\n"
        "    return wrapper\n"
        "@doubled\n"
        "def f(x):\n"
        "    return x + 1\n"
    )
    assert find(m.f).name == "wrapper" and body(m.f) == "2 * g(x)"
    assert body(m.f.__wrapped__) == "x + 1"


def test_decorators_belong_to_the_text(module):
    m = module("def same(g):\n    return g\n@same\n@(lambda g: g)\ndef f(x):\n    return x\n")
    assert find(m.f).first_line == 3 and find(m.f).text.startswith("@same\n")
    assert body(m.f) == "x"


def test_function_redefined_under_the_same_name(module):
    m = module("def f(x):\n    return x + 1\n\ng = f\n\ndef f(x):\n    return x + 2\n")
    assert (body(m.g), body(m.f)) == ("x + 1", "x + 2")


def test_two_definitions_in_two_branches(module):
    m = module(
        "if True:\n    def f(x):\n        return x\nelse:\n    def f(x):\n        return -x\n"
    )
    assert body(m.f) == "x"


def test_function_that_tests_with_assert():
    """Under pytest the `assert` statements of this module run rewritten."""

    def f(x):
        assert x > 0, "positive"
        return 2 * x

    assert body(f) == "2 * x"


def test_future_annotations_of_another_cell(module):
    m = module(
        "from __future__ import annotations\n"
        "class C:\n"
        "    def f(self, x: Undefined) -> No:\n"
        "        return x\n"
    )
    assert body(m.C.f) == "x"


# -- lambdas ----------------------------------------------------------------------------


def test_lambdas_on_one_line(module):
    m = module("a, b, c = lambda x: x + 1, lambda x: x + 2, lambda x: x + 1.0\n")
    assert [body(f) for f in (m.a, m.b, m.c)] == ["x + 1", "x + 2", "x + 1.0"]


def test_lambdas_that_differ_in_their_defaults_alone(module):
    m = module("a, b = (lambda x, k=1: x * k), (lambda x, k=2: x * k)\n")
    texts = [function_text(lower(find(f))).split("\n")[0] for f in (m.a, m.b)]
    assert texts == ["def anonymous(x, k=1):", "def anonymous(x, k=2):"]


def test_lambdas_inside_lambdas(module):
    m = module("f = lambda x: lambda y: x + y\ng = lambda x, k=lambda t: t: k(x)\n")
    assert body(m.f) == "lambda y: x + y"
    assert body(m.f(1)) == "x + y"
    assert body(m.g) == "k(x)"
    assert body(m.g.__defaults__[0]) == "t"


def test_lambda_over_several_lines(module):
    m = module("f = dict(é='é', k=lambda x: (\n    x  # first\n    + 1\n), j=2)['k']\n")
    f = lower(find(m.f))
    assert function_text(f) == "def anonymous(x):\n    # first\n    return x + 1\n"
    assert f.origin.text == "lambda x: (" and f.origin.line == 1


def test_code_that_depends_on_the_imports_of_its_module(module):
    """From 3.12 on `math.sin(x)` is compiled differently when `math` is imported."""
    m = module(
        "import math\n"
        "from math import pi as tau\n"
        "from fractions import Fraction\n"
        "table = {}\n"
        "f = lambda x: math.sin(x) + tau.hex() + Fraction.from_float(x) + table.get(x)\n"
        "def g(x):\n"
        "    return math.sin(x) + table.get(x)\n"
        "def h(x):\n"
        "    return math.sin(x) + tau.hex() + Fraction.from_float(x) + table.get(x)\n"
    )
    assert (
        body(m.f)
        == body(m.h)
        == ("math.sin(x) + tau.hex() + Fraction.from_float(x) + table.get(x)")
    )
    assert body(m.g) == "math.sin(x) + table.get(x)"


def test_lambda_in_a_comprehension_and_in_a_closure(module):
    m = module("fs = [lambda x: x * k for k in (1, 2)]\ndef g(k):\n    return lambda x: x - k\n")
    assert body(m.fs[1]) == "x * k" and body(m.g(1)) == "x - k"


# -- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    "edited",
    [
        "def f(x):\n    return x + 2\n",
        "def f(x):\n    return x + 1.0\n",
        "def f(x):\n    return x - 1\n",
        "def f(x, y=0):\n    return x + 1\n",
        "def g(x):\n    return x + 1\n",
        "def f(x):\n    return x +\n",
        "'''\ndef f(x):\n    return x + 1\n",
        "y = 1\ndef f(x):\n    return x + 1\n",
        "\n",
    ],
)
def test_file_edited_since_import(module, edited):
    m = module("def f(x):\n    return x + 1\n")
    assert body(m.f) == "x + 1"
    m.edit(edited)
    with pytest.raises(SourceError, match="edited since it was imported") as caught:
        find(m.f)
    assert "reload" in caught.value.hint


def test_edited_lambda_and_method(module):
    m = module("f = lambda x: x + 1\nclass C:\n    def f(self):\n        return 1\n")
    m.edit("f = lambda x: x + 2\nclass C:\n    def f(self):\n        return 2\n")
    for f in (m.f, m.C.f):
        with pytest.raises(SourceError, match="edited"):
            find(f)


def test_zero_and_minus_zero_are_told_apart(module):
    m = module("def f(x):\n    return (x, 0.0, (1, True))\n")
    for constants in ("-0.0, (1, True)", "0, (1, True)", "0.0, (1, 1)", "0.0, (1.0, True)"):
        m.edit(f"def f(x):\n    return (x, {constants})\n")
        with pytest.raises(SourceError, match="edited"):
            find(m.f)


def test_change_that_is_not_to_the_code(module):
    m = module("def f(x):\n    return x + 1\n\ny = 1\n")
    m.edit("def f(x):\n    # one more\n    return x + 1\n\ny = 2\n")
    assert find(m.f).text == "def f(x):\n    # one more\n    return x + 1\n"


def test_stale_line_cache_is_not_trusted(module):
    m = module("def f(x):\n    return x + 1\n")
    assert linecache.getline(m.__file__, 2) == "    return x + 1\n"
    m.edit("def f(x):\n    return x + 2\n")
    with pytest.raises(SourceError, match="edited"):
        find(m.f)
    again = importlib.reload(m)
    assert body(again.f) == "x + 2"


def test_code_without_text():
    namespace = {}
    exec("def f(x):\n    return x\n", namespace)
    with pytest.raises(SourceError, match="cannot be found") as caught:
        find(namespace["f"])
    assert "file or a notebook" in caught.value.hint


def test_file_that_is_gone(module):
    m = module("def f(x):\n    return x\n")
    linecache.clearcache()
    os.remove(m.__file__)
    with pytest.raises(SourceError, match="cannot be found"):
        find(m.f)


@pytest.mark.parametrize(
    "thing, said, hint",
    [
        (math.sin, "`sin`", "declare"),
        (functools.lru_cache(lambda x: x), "_lru_cache_wrapper", "__wrapped__"),
        (functools.partial(math.pow, 2), "a partial", ".func"),
        (Name, "`Name`", "instances"),
        (types.SimpleNamespace(), "a SimpleNamespace", "__call__"),
    ],
)
def test_object_without_python_source(thing, said, hint):
    with pytest.raises(SourceError, match=said) as caught:
        find(thing)
    assert hint in caught.value.hint


# -- where text comes from --------------------------------------------------------------


def _cell(text, name, flags=0):
    """Run a cell as IPython does: its text is known to linecache alone."""
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace = {"__name__": "__main__"}
    exec(compile(text, name, "exec", flags, dont_inherit=True), namespace)
    return namespace


def test_notebook_cell():
    first = _cell("def f(x):\n    return x + 1\nawaited = 1\n", "<ipython-input-1-s2s>")
    second = _cell("def f(x):\n    return x + 2\ng = lambda x: x\n", "<ipython-input-2-s2s>")
    assert (body(first["f"]), body(second["f"]), body(second["g"])) == ("x + 1", "x + 2", "x")
    assert find(first["f"]).file == "<ipython-input-1-s2s>"


def test_cell_that_inherits_a_future_import():
    import __future__

    future = __future__.annotations
    cell = _cell("def f(x: No):\n    return x\n", "<ipython-input-3-s2s>", future.compiler_flag)
    assert body(cell["f"]) == "x"


def test_cell_with_await_at_top_level():
    import ast

    text = "async def g():\n    pass\nclass C:\n    def f(self):\n        return 1\nawait g()\n"
    name = "<ipython-input-4-s2s>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    code = compile(text, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    namespace = {"__name__": "__main__"}
    try:
        eval(code, namespace).send(None)
    except StopIteration:
        pass
    assert body(namespace["C"].f) == "1"


def test_doctest():
    found = []
    text = ">>> def f(x):\n...     return x + 1\n>>> found.append(body(f))\n"
    test = doctest.DocTestParser().get_doctest(
        text, {"found": found, "body": body}, "of_a_test", None, 0
    )
    assert doctest.DocTestRunner().run(test).failed == 0
    assert found == ["x + 1"]


def test_zip_archive(tmp_path, monkeypatch):
    import zipfile

    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("in_an_archive_of_a_test.py", "def f(x):\n    return x + 1\n")
    monkeypatch.syspath_prepend(archive)
    m = importlib.import_module("in_an_archive_of_a_test")
    assert body(m.f) == "x + 1"


def test_script_run_from_a_directory_that_was_left(tmp_path, monkeypatch):
    file = tmp_path / "script.py"
    file.write_text("def f(x):\n    return x\n", encoding="utf-8")
    namespace = {"__name__": "__main__", "__file__": str(file)}
    exec(compile(file.read_text(), "script.py", "exec"), namespace)
    assert body(namespace["f"]) == "x"


# -- places of expressions --------------------------------------------------------------


@pytest.mark.parametrize(
    "statement, wanted, found",
    [
        ("y = max(x, 2) + x", "x", "x"),
        ("y = max(x, 2) + x", "max(x, 2)", "max(x, 2)"),
        ("y = a.x + x", "x", "x"),
        ("y = f( x,y ) * 2", "f(x, y)", "f( x,y )"),
        ("y = ((a) + b) * c", "(a + b) * c", "((a) + b) * c"),
        ("if x.size > 1.50:", "1.50", "1.50"),
        ("y = 'x' + x", "x", "x"),
        ("y = z", "w", "y = z"),
    ],
)
def test_place_of_an_expression(statement, wanted, found):
    e = lower_module(f"def f():\n    return {wanted}\n", "m.py")["f"].body[0].value
    place = place_of(Origin("m.py", 7, 4, 7, 4 + len(statement), statement), e)
    assert place.line == 7 and place.text == "    " + statement
    shown = place.text[place.column : place.end_column]
    assert shown == found or (wanted == "(a + b) * c" and found.startswith(shown))
    assert not (wanted == "x" and place.text[place.column - 1] == ".")


def test_place_in_a_later_line():
    lines = ["    y = f(", "        x,", "        g(x),", "    )"]
    g = lower_module("def f():\n    return g(x)\n", "m.py")["f"].body[0].value
    place = place_of(Origin("m.py", 7, 4, 10, 5, "y = f("), g, lines)
    assert (place.line, place.column, place.end_column) == (9, 8, 12)
    assert place.text == lines[2]
