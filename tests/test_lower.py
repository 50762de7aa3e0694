"""Lowering: what is written is what is represented, with its place and every comment."""

from __future__ import annotations

import gc
import io
import sys
import time
import tokenize
from collections import Counter
from pathlib import Path

import pytest

from s2s_ad.errors import SourceError, UnsupportedSyntax
from s2s_ad.frontend.lower import lower, lower_module
from s2s_ad.frontend.source import Source
from s2s_ad.ir import nodes
from s2s_ad.ir.nodes import Comments, Name
from s2s_ad.ir.text import expr_text, function_text
from s2s_ad.ir.walk import walk_stmts

ROOT = Path(__file__).parents[1]
REAL = sorted((ROOT / "fixtures" / "samples").glob("*.py"))
REAL += sorted((ROOT / "tests" / "language").glob("*.py"))


def function(text, name="f"):
    return lower_module(text, "m.py")[name]


def comments_in(text):
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def is_read_back(f):
    text = function_text(f)
    back = function(text, f.name)
    return back == f and function_text(back) == text


# -- round trips ------------------------------------------------------------------------


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_real_functions_are_read_back_as_they_were(file):
    text = file.read_text(encoding="utf-8")
    lines = text.split("\n")
    for f in lower_module(text, file.name).values():
        assert is_read_back(f), f.name
        own = "\n".join(lines[f.origin.line - 1 : f.origin.end_line]) + "\n"
        assert not comments_in(own) - comments_in(function_text(f)), f.name


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_origins_quote_the_line_they_name(file):
    text = file.read_text(encoding="utf-8")
    lines = text.split("\n")
    for f in lower_module(text, file.name).values():
        for s in walk_stmts(f.body):
            line = lines[s.origin.line - 1]
            assert line[s.origin.column :].startswith(s.origin.text)
            assert s.origin.text and s.origin.end_line >= s.origin.line


SNIPPETS = """
x = 1; y = 2  # two
x += y if y else -y
x = y = z, (a, b), [c, *d]
(x) = (y)
x: float = 1.5
a.b: int = 1
xs.append(v)
xs.append(*v)
xs.append(v, w)
a.xs.append(v)
t = xs.pop()
t = xs.pop(0)
a = b = xs.pop()
a, b = xs.pop()
x = y if a else z if b else w
x = not a and b or c < d <= e != f is not g in h
x = a @ b // c % d ** -e ** f << 1 >> 2 & 3 | 4 ^ ~5
x = 0x1F, 0b101, 0o17, 1_000, 1e-3, 1.5E+10, 2j, .5, 1.
x = "a" 'b' r"\\d", b"\\0", u"c"
x = f"a{b}{c!r}{d:>{w}.3f}{e.f=}{g = !s}{{}}" f"{h}" "i"
x = rf"\\d{b}" + f'''{c}'''
x = {**a, b: c, "d": [e]}, {f, g}
x = [a for b, c in d if e if f for g in h], {i: j for i in k}, (l for l in m)
x = sum(a for a in b) + f(*c, d, *e, g=h, **i)
x = a[1], a[1:2], a[:], a[::2], a[1, ..., None, :-1], a[()], a[1,]
x = lambda: 0, lambda a, /, b=1, *c, d, e=2, **f: (a, b)
x = (y := z) + (w := y)
print(x, end="")
...
del a, b[0], c.d
del (a, b)
assert x, "message"
raise ValueError("x") from None
global a, b
nonlocal c
import a.b.c, d as e
from ..a import b as c, d
from . import a
pass
if (n := f(x)) > 0: y = n; z = 1
if x: pass
for i, (j, *k) in enumerate(x, 1): y[i] += j
for a[0] in x: break
while True: continue
with open(a) as b, c: pass
with (open(a) as b, c as (d, e)): pass
def g(a, /, b: int = 1, *args, c=2, **kw) -> float: return a
return a, *b
"""


if sys.version_info >= (3, 11):
    SNIPPETS += "x = a[b, *c]\nx = a[*c]\n"
if sys.version_info >= (3, 12):
    SNIPPETS += 'def g[T](x: T): return x\nx = f"{d["k"]}"\n'


@pytest.mark.parametrize("line", SNIPPETS.strip().split("\n"))
def test_snippet_is_read_back_as_it_was(line):
    f = function(f"def f(x):\n    {line}\n")
    assert is_read_back(f)
    assert len(f.body) >= 1


def test_compound_statements_are_read_back_as_they_were():
    text = '''\
def f(x):
    """Doc."""
    for i in x:
        if i:
            continue
        elif x:
            if i:
                pass
        else:
            while x:
                break
            else:
                return
    else:
        try:
            @wraps(x)
            def g(y):
                """Inner."""
                return y
        except (A, B) as e:
            raise
        except C:
            pass
        except:
            pass
        else:
            pass
        finally:
            pass
'''
    assert function_text(function(text)) == text


def test_multi_line_strings_keep_their_lines_wherever_they_stand():
    text = 'class C:\n    def f(self):\n        return """a\n  b\n"""\n'
    indented = "".join(line + "\n" for line in text.split("\n")[1:-1])
    f = lower(Source(indented, "m.py", 2, "f"))
    assert f.body[0].value.value == "a\n  b\n"
    assert is_read_back(f)


@pytest.mark.parametrize(
    "text, parts",
    [
        ('f"{x=}"', ("x=", Name("x"), "r")),
        ('f"{x.y = }"', ("x.y = ", nodes.Attribute(Name("x"), "y"), "r")),
        ('f"{x=!s}"', ("x=", Name("x"), "s")),
        ('f"{x=:3}"', ("x=", Name("x"), "")),
    ],
)
def test_fstring_that_shows_its_expression(text, parts):
    value = function(f"def f(x):\n    return {text}\n").body[0].value
    literal, formatted = value.parts
    assert (literal, formatted.value, formatted.conversion) == parts


def test_implicit_concatenation():
    value = function('def f(x):\n    return ("a"\n  \'b\' f"{x}" "c")\n').body[0].value
    assert expr_text(value) == '"a" + \'b\' + f"{x}" + "c"'
    assert function("def f():\n    return ('a'\n 'b')\n").body[0].value.value == "ab"


# -- what is kept and what is not -------------------------------------------------------


def test_docstring_is_cleaned_of_its_indentation():
    f = function(
        'def f():\n    """\n    First.\n\n      more\n    last   \n    """\n    return 1\n'
    )
    assert f.docstring == "First.\n\n  more\nlast"
    assert [type(s) for s in f.body] == [nodes.Return]
    assert is_read_back(f)


def test_function_that_is_only_a_docstring():
    f = function('def f():\n    "Nothing."  # yet\n    # to do: all\n')
    assert f.body == () and f.docstring == "Nothing."
    assert function_text(f) == 'def f():\n    """Nothing."""\n    # yet\n    # to do: all\n'
    assert is_read_back(f)


def test_declaration_is_dropped_but_not_its_comment():
    f = function("def f():\n    # over\n    x: float  # metres\n    x = 1\n    y: int  # last\n")
    assert function_text(f) == "def f():\n    # over\n    # metres\n    x = 1\n    # last\n"
    lone = function("def f():\n    x: float  # metres\n")
    assert function_text(lone) == "def f():\n    # metres\n    pass\n"


def test_decorators_are_kept_by_a_module_and_left_out_of_a_source():
    text = "@grad\n@other(1)  # why\ndef f(x):\n    return x\n"
    assert function_text(function(text)) == "# why\n@grad\n@other(1)\ndef f(x):\n    return x\n"
    f = lower(Source(text, "m.py", 10, "f"))
    assert f.decorators == () and f.origin.line == 12 and f.body[0].origin.line == 13


if sys.version_info >= (3, 12):

    def test_type_parameters_go_and_annotations_that_name_them():
        f = function("def f[T, *U](x: list[T], y: float) -> T:\n    return x\n")
        assert function_text(f) == "def f(x, y: float):\n    return x\n"


def test_lambda():
    f = lower(Source("           lambda x, k=2: (\n  x * k  # scaled\n)\n", "m.py", 7, "<lambda>"))
    assert function_text(f) == "def anonymous(x, k=2):\n    # scaled\n    return x * k\n"
    assert f.origin.line == f.body[0].origin.line == 7
    assert f.body[0].origin.column == 11


def test_private_names_are_written_out():
    text = (
        "    def f(self, __a):\n"
        "        self.__x = __a + __b + self.__y__\n"
        "        return g(__c=1)\n"
    )
    f = lower(Source(text, "m.py", 2, "f", "_Rod"))
    assert function_text(f) == (
        "def f(self, __a):\n"
        "    self._Rod__x = __a + _Rod__b + self.__y__\n"
        "    return g(_Rod__c=1)\n"
    )


# -- comments ---------------------------------------------------------------------------

COMMENTED = '''\
# over the function
def f(
    x,  # the position
    y,
):  # behind the header
    """Doc."""  # behind the docstring
    # over a
    a = g(  # inside a
        x,
        # also inside a
        y,
    )  # behind a
    if (
        a  # inside the test
        and "#"
    ):  # behind if
        # over b
        b = 1  # behind b
        # at the end of if
    # over elif
    elif x:  # behind elif
        b = 2
    # over else
    else:  # behind else
        # over the last b
        b = 3
    # over for
    for i in x:  # behind for
        pass
        # at the end of for
    else:  # behind the else of for
        pass
    # over try
    try:  # behind try
        pass
    # over except
    except E:  # behind except
        pass
    # over finally
    finally:  # behind finally
        pass
    with a:  # behind with
        pass
    while a: pass  # behind while
    # over g
    @wraps(  # inside the decorator
        a
    )  # behind the decorator
    # between
    def g():  # behind g
        pass
        # at the end of g
    c = 1; d = 2  # behind both
    return [
        b,  # inside return
    ]
    # at the end of the function
'''

PLACED = '''\
# over the function
# the position
def f(x, y):  # behind the header
    """Doc."""
    # behind the docstring
    # over a
    # inside a
    # also inside a
    a = g(x, y)  # behind a
    # inside the test
    if a and "#":  # behind if
        # over b
        b = 1  # behind b
        # at the end of if
    # over elif
    elif x:  # behind elif
        b = 2
    # over else
    else:  # behind else
        # over the last b
        b = 3
    # over for
    for i in x:  # behind for
        pass
        # at the end of for
    else:  # behind the else of for
        pass
    # over try
    try:  # behind try
        pass
    # over except
    except E:  # behind except
        pass
    finally:
        # over finally
        # behind finally
        pass
    with a:  # behind with
        pass
    while a:
        pass  # behind while
    # over g
    # inside the decorator
    # behind the decorator
    # between
    @wraps(a)
    def g():  # behind g
        pass
        # at the end of g
    c = 1
    d = 2  # behind both
    # inside return
    return [b]
    # at the end of the function
'''


def test_no_comment_is_lost():
    f = function(COMMENTED)
    assert function_text(f) == PLACED
    assert comments_in(COMMENTED) == comments_in(PLACED)
    assert function_text(function(PLACED)) == PLACED


def test_comments_of_an_if_and_of_its_branches():
    [s] = function(
        "def f():\n"
        "    # a\n    if x:  # b\n        p()\n"
        "    # c\n    elif y:  # d\n        q()\n"
        "    # e\n    else:  # f\n        r()\n        # g\n"
    ).body
    assert s.comments == Comments(("# a",), "# b", (), ("# e",), "# f")
    assert s.branches[0].comments == Comments()
    assert s.branches[1].comments == Comments(("# c",), "# d")
    assert s.orelse[0].comments.after == ("# g",)


def test_comment_at_the_head_of_a_module_goes_to_its_first_function():
    text = "# made by hand\n\ndef f():\n    pass\n"
    assert function(text).comments.before == ("# made by hand",)
    assert function("# made by hand\nimport a\ndef f():\n    pass\n").comments.before == ()


# -- places -----------------------------------------------------------------------------


def test_origins_are_those_of_the_file():
    text = (
        "    @property\n"
        "    def f(self):  # header\n"
        "        if self.α and a: b = 1; c = 2  # both\n"
        "        elif (x and\n"
        "              y):\n"
        "            return g(1,  # one\n"
        '                     "#")\n'
    )
    f = lower(Source(text, "m.py", 41, "f"))
    [branching] = f.body
    b, c = branching.branches[0].body
    last = branching.branches[1].body[0]
    origins = [f, branching, b, c, branching.branches[1], last]
    assert [(o.origin.line, o.origin.column, o.origin.text) for o in origins] == [
        (42, 4, "def f(self):"),
        (43, 8, "if self.α and a: b = 1; c = 2"),
        (43, 25, "b = 1"),
        (43, 32, "c = 2"),
        (44, 8, "elif (x and"),
        (46, 12, "return g(1,"),
    ]
    assert (last.origin.end_line, last.origin.end_column) == (47, 25)
    assert {o.origin.file for o in origins} == {"m.py"}


@pytest.mark.parametrize(
    "body, message, line, caret",
    [
        ("y = 1\n    z = [(yield x)]", "`yield`", 3, "yield x"),
        ("for i in (yield from x):\n        yield i", "`yield`", 2, "yield from x"),
        ("if a:\n        pass\n    elif (yield a):\n        pass", "`yield`", 4, "yield a"),
        ("def g(a=(yield)):\n        pass", "`yield`", 2, "yield"),
        ("class C:\n        pass", "a class", 2, "class C:"),
        ("match x:\n        case 1:\n            pass", "`match`", 2, "match x:"),
        ("return f'{x + 1=}'", "`=` behind", 2, "f'{x + 1=}'"),
        ("return lambda: (yield)", "`yield`", 2, "yield"),
    ],
)
def test_refusals_point_at_the_construct(body, message, line, caret):
    with pytest.raises(UnsupportedSyntax, match=message) as caught:
        function(f"def f(x):\n    {body}\n")
    place = caught.value.place
    assert place.line == line and caught.value.hint
    assert place.text[place.column : place.end_column] == caret


@pytest.mark.parametrize(
    "text",
    [
        "async def f(x):\n    return x\n",
        "async def f(x):\n    return await x\n",
        "async def f(x):\n    async for i in x:\n        pass\n",
        "def f(x):\n    async def g():\n        pass\n",
        "def f(x):\n    async def g():\n        return [i async for i in x]\n",
    ],
)
def test_async_is_refused(text):
    with pytest.raises(UnsupportedSyntax, match=r"m\.py:\d+:\d+: `async`"):
        function(text)


def test_except_star_is_refused():
    text = "def f(x):\n    try:\n        pass\n    except* E:\n        pass\n"
    with pytest.raises((UnsupportedSyntax, SourceError)):  # Python 3.10 does not know it
        function(text)


def test_text_that_is_not_python():
    with pytest.raises(SourceError, match="m.py:2:") as caught:
        function("def f(x):\n    return x +\n")
    assert caught.value.place.text == "    return x +"


# -- size -------------------------------------------------------------------------------


def test_long_inputs_need_no_deep_stack():
    elifs = "".join(f"    elif x == {i}:\n        y = {i}\n" for i in range(250))
    for text in (
        "def f(x):\n    return " + " + ".join(["x"] * 1000) + "\n",
        "def f(x):\n    return " + " and ".join(["x"] * 1000) + "\n",
        "def f(x):\n    return x" + ".a()" * 300 + "\n",
        "def f(x):\n    return " + "f(" * 80 + "x" + ")" * 80 + "\n",
        "def f(x):\n    return " + "x if x else " * 80 + "x\n",
        f"def f(x):\n    if x:\n        y = 0\n{elifs}",
    ):
        printed = function_text(function(text))
        assert function_text(function(printed)) == printed == text


def test_time_grows_with_the_text_alone():
    def seconds(count):
        text = "def f(x):\n" + "    x = a * (x + 1)  # step\n" * count
        start = time.process_time()
        function_text(function(text))
        return time.process_time() - start

    # the collector goes through all that other tests have left
    gc.collect()
    gc.disable()
    try:
        seconds(100)
        assert seconds(3000) < 60 * seconds(200)
    finally:
        gc.enable()


def test_empty_lines_between_statements_stay():
    text = "def f(x):\n\n    a = x\n\n\n    # next\n    b = a\n\n    if b:\n\n        a = b\n"
    wanted = "def f(x):\n    a = x\n\n    # next\n    b = a\n\n    if b:\n        a = b\n"
    lowered = function(text)
    assert lowered.body[1].comments.before == ("", "# next")
    assert "\n".join(map(str.rstrip, function_text(lowered).split("\n"))) == wanted
