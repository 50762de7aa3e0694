"""The printer: what it prints parses back to the same structure, with no parenthesis too many."""

from __future__ import annotations

import ast
import random

import pytest

from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir.nodes import (
    Append,
    Assert,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    BoolOp,
    Branch,
    Break,
    Call,
    Clause,
    Comments,
    Compare,
    Comprehension,
    Const,
    Continue,
    Delete,
    DictExpr,
    ExprStmt,
    For,
    FormattedValue,
    FString,
    Function,
    FunctionDef,
    Global,
    Handler,
    If,
    IfExp,
    Import,
    Keyword,
    Lambda,
    ListExpr,
    Name,
    NamedExpr,
    Param,
    Pass,
    Pop,
    Raise,
    Return,
    SetExpr,
    Slice,
    Starred,
    Subscript,
    Try,
    TupleExpr,
    Unary,
    While,
    With,
)
from s2s_ad.ir.text import block_lines, expr_text, function_text

A, B, C, X = Name("a"), Name("b"), Name("c"), Name("x")
ONE, TWO = Const("1", 1), Const("2.5", 2.5)


def parsed(text):
    """Return the expression that `text` is lowered to."""
    return lower_module(f"def f():\n    return ({text})\n", "m.py")["f"].body[0].value


@pytest.mark.parametrize(
    "e, text",
    [
        (Binary("*", Binary("+", A, B), C), "(a + b) * c"),
        (Binary("+", Binary("*", A, B), C), "a * b + c"),
        (Binary("-", A, Binary("-", B, C)), "a - (b - c)"),
        (Binary("-", Binary("-", A, B), C), "a - b - c"),
        (Binary("/", A, Binary("*", B, C)), "a / (b * c)"),
        (Binary("**", Unary("-", A), ONE), "(-a) ** 1"),
        (Unary("-", Binary("**", A, ONE)), "-(a**1)"),
        (Binary("**", A, Unary("-", ONE)), "a**-1"),
        (Binary("**", Binary("**", A, B), C), "(a**b) ** c"),
        (Binary("**", A, Binary("**", B, C)), "a**b**c"),
        (Binary("**", A, Binary("-", B, C)), "a ** (b - c)"),
        (Binary("**", Attribute(A, "x"), Unary("-", B)), "a.x**-b"),
        (Unary("-", Binary("*", A, B)), "-(a * b)"),
        (Binary("*", Unary("-", A), B), "-a * b"),
        (Unary("-", Unary("-", A)), "--a"),
        (Unary("not", Compare(A, ("in",), (B,))), "not a in b"),
        (Compare(Unary("not", A), ("==",), (B,)), "(not a) == b"),
        (Compare(A, ("<", "<="), (B, C)), "a < b <= c"),
        (Compare(Compare(A, ("<",), (B,)), ("<",), (C,)), "(a < b) < c"),
        (BoolOp("or", (BoolOp("and", (A, B)), C)), "a and b or c"),
        (BoolOp("and", (BoolOp("or", (A, B)), C)), "(a or b) and c"),
        (BoolOp("and", (BoolOp("and", (A, B)), C)), "(a and b) and c"),
        (IfExp(A, B, IfExp(C, X, A)), "b if a else x if c else a"),
        (IfExp(A, IfExp(C, X, A), B), "(x if c else a) if a else b"),
        (Binary("+", IfExp(A, B, C), X), "(b if a else c) + x"),
        (Call(Lambda((Param("x"),), X), (A,)), "(lambda x: x)(a)"),
        (Call(A, (Lambda((), B),)), "a(lambda: b)"),
        (Attribute(ONE, "real"), "(1).real"),
        (Attribute(Binary("@", A, B), "T"), "(a @ b).T"),
        (Subscript(A, TupleExpr((ONE, Slice(None, B, None)))), "a[1, :b]"),
        (Subscript(A, TupleExpr(())), "a[()]"),
        (Subscript(A, TupleExpr((ONE,))), "a[(1,)]"),
        (Subscript(A, TupleExpr((Slice(None, None, None),))), "a[:,]"),
        (Subscript(A, Slice(None, None, Unary("-", ONE))), "a[::-1]"),
        (Subscript(A, Slice(Binary("+", B, ONE), None, None)), "a[b + 1 :]"),
        (Subscript(A, TupleExpr((Starred(B), C))), "a[(*b, c)]"),
        (TupleExpr((A,)), "(a,)"),
        (TupleExpr(()), "()"),
        (ListExpr((A, Starred(B))), "[a, *b]"),
        (SetExpr((A, B)), "{a, b}"),
        (DictExpr((A, None), (B, C)), "{a: b, **c}"),
        (Call(A, (B, Starred(C)), (Keyword("k", X), Keyword(None, A))), "a(b, *c, k=x, **a)"),
        (Call(A, (Comprehension("generator", X, (Clause(X, B),)),)), "a(x for x in b)"),
        (
            Call(A, (Comprehension("generator", X, (Clause(X, B),)), B)),
            "a((x for x in b), b)",
        ),
        (
            Comprehension("dict", X, (Clause(TupleExpr((A, X)), B, (C,)),), A),
            "{a: x for a, x in b if c}",
        ),
        (Comprehension("list", X, (Clause(X, IfExp(A, B, C)),)), "[x for x in (b if a else c)]"),
        (Call(A, (NamedExpr(X, B),)), "a((x := b))"),
        (FString(("p", FormattedValue(X, "r"), "{{")), 'f"p{x!r}{{"'),
        (FString((FormattedValue(X, "", (">", FormattedValue(A))),)), 'f"{x:>{a}}"'),
        (FString((FormattedValue(Lambda((), X)),)), 'f"{(lambda: x)}"'),
        (FString((FormattedValue(DictExpr((A,), (B,))),)), 'f"{ {a: b}}"'),
        (FString(("\\d",), "r'"), "fr'\\d'"),
        (Lambda((Param("a", None, "star"), Param("b", ONE, "keyword_only")), X), None),
    ],
)
def test_expression(e, text):
    printed = expr_text(e)
    assert text is None or printed == text
    assert parsed(printed) == e


def test_lone_expression_keeps_the_structure_of_a_value_put_in_its_place():
    product = parsed("x * y")
    total = Binary("+", A, B)
    assert expr_text(Binary("*", total, product.right)) == "(a + b) * y"


class Random:
    """Random expressions, every node inside every other."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def expr(self, depth):
        if depth == 0:
            return self.random.choice([A, B, X, ONE, TWO, Const('"s"', "s"), Const("None", None)])
        make = self.random.choice(
            [
                self.binary,
                self.binary,
                self.unary,
                self.compare,
                self.boolean,
                self.call,
                self.subscript,
                self.display,
                self.scope,
                lambda e: IfExp(e(), e(), e()),
                lambda e: Attribute(e(), "real"),
                lambda e: NamedExpr(X, e()),
            ]
        )
        return make(lambda: self.expr(self.random.randrange(depth)))

    def binary(self, e):
        op = self.random.choice("+ - * / // % ** @ << >> & | ^".split())
        return Binary(op, e(), e())

    def unary(self, e):
        return Unary(self.random.choice(["-", "+", "~", "not"]), e())

    def compare(self, e):
        ops = self.random.choices(["<", "==", "in", "not in", "is not"], k=2)
        return Compare(e(), tuple(ops), (e(), e()))

    def boolean(self, e):
        return BoolOp(self.random.choice(["and", "or"]), (e(), e(), e()))

    def call(self, e):
        return Call(e(), (e(), Starred(e())), (Keyword("k", e()), Keyword(None, e())))

    def subscript(self, e):
        index = self.random.choice(
            [e(), Slice(e(), None, e()), TupleExpr((e(), Slice(None, e(), None))), TupleExpr(())]
        )
        return Subscript(e(), index)

    def display(self, e):
        return self.random.choice(
            [
                TupleExpr((e(), e())),
                ListExpr((Starred(e()),)),
                SetExpr((e(), e())),
                DictExpr((e(), None), (e(), e())),
            ]
        )

    def scope(self, e):
        clauses = (Clause(TupleExpr((A, B)), e(), (e(),)), Clause(X, e()))
        return self.random.choice(
            [
                Lambda((Param("a", e()), Param("k", None, "double_star")), e()),
                *(Comprehension(kind, e(), clauses) for kind in ("list", "set", "generator")),
                Comprehension("dict", e(), clauses, e()),
            ]
        )


@pytest.mark.parametrize("seed", range(300))
def test_random_expression_is_read_back_as_it_was(seed):
    e = Random(seed).expr(5)
    text = expr_text(e)
    assert parsed(text) == e
    assert expr_text(parsed(text)) == text


@pytest.mark.parametrize("seed", range(60))
def test_no_pair_of_parentheses_is_needless(seed):
    rng = random.Random(seed)

    def grow(depth):
        if depth == 0:
            return rng.choice([A, B, X, ONE])
        kind = rng.randrange(4)
        if kind == 0:
            return Unary(rng.choice("-+~"), grow(depth - 1))
        if kind == 1:
            return Compare(grow(depth - 1), ("<",), (grow(0),))
        op = rng.choice("+ - * / ** @ << & |".split())
        return Binary(op, grow(depth - 1), grow(rng.randrange(depth)))

    text = expr_text(grow(4))
    meant = ast.dump(ast.parse(text))
    opened = []
    for k, character in enumerate(text):
        if character == "(":
            opened.append(k)
        elif character == ")":
            start = opened.pop()
            shorter = f"{text[:start]} {text[start + 1 : k]} {text[k + 1 :]}".strip()
            assert ast.dump(ast.parse(shorter)) != meant, (text, shorter)


def test_every_statement():
    inner = Function(
        "g",
        (Param("t", ONE, annotation=Name("float")),),
        (Return(Name("t")),),
        docstring="One line.",
        returns=Name("float"),
        decorators=(Name("cache"),),
    )
    body = (
        Assign(targets=(A, B), value=TupleExpr((ONE, TWO))),
        Assign(targets=(TupleExpr((A, Starred(B))),), value=X),
        Assign(targets=(A,), value=ONE, annotation=Name("float")),
        AugAssign(target=Subscript(A, ONE), op="**", value=B),
        Append(stack="a", value=X),
        Append(stack="a", value=Comprehension("generator", X, (Clause(X, B),))),
        Pop(target=X, stack="a"),
        Assign(targets=(Subscript(X, ONE),), value=Call(Attribute(A, "pop"), ())),
        ExprStmt(value=Call(A, (B,))),
        ExprStmt(value=NamedExpr(A, B)),
        FunctionDef(function=inner),
        Import(text="from math import sin as s", bindings=(("s", "math", "sin"),)),
        Global(names=("p", "q"), keyword="global"),
        Assert(test=A, message=B),
        Delete(targets=(A, Subscript(B, ONE))),
        If(
            branches=(
                Branch(NamedExpr(A, B), (Pass(),)),
                Branch(B, (Raise(exception=A, cause=B),)),
            ),
            orelse=(Raise(),),
        ),
        For(
            target=TupleExpr((A, B)),
            iter=TupleExpr((X, X)),
            body=(Continue(),),
            orelse=(Pass(),),
        ),
        While(test=A, body=(Break(),), orelse=(Pass(),)),
        With(items=((A, B), (C, None)), body=(Pass(),)),
        Try(
            body=(Pass(),),
            handlers=(Handler(TupleExpr((A, B)), "e", (Pass(),)), Handler(None, None, (Pass(),))),
            orelse=(Pass(),),
            final=(Return(),),
        ),
    )
    f = Function("f", (Param("x"),), body, docstring='Say "what"\n\nof \\ here')
    text = function_text(f)
    assert text == EVERY_STATEMENT
    assert lower_module(text, "m.py")["f"] == f


EVERY_STATEMENT = '''\
def f(x):
    r"""Say "what"

    of \\ here
    """
    a = b = 1, 2.5
    a, *b = x
    a: float = 1
    a[1] **= b
    a.append(x)
    a.append(x for x in b)
    x = a.pop()
    x[1] = a.pop()
    a(b)
    (a := b)
    @cache
    def g(t: float = 1) -> float:
        """One line."""
        return t
    from math import sin as s
    global p, q
    assert a, b
    del a, b[1]
    if a := b:
        pass
    elif b:
        raise a from b
    else:
        raise
    for a, b in x, x:
        continue
    else:
        pass
    while a:
        break
    else:
        pass
    with a as b, c:
        pass
    try:
        pass
    except (a, b) as e:
        pass
    except:
        pass
    else:
        pass
    finally:
        return
'''


@pytest.mark.parametrize(
    "docstring",
    [
        "",
        "Plain.",
        'Ends with a "quote"',
        "A bell \x07, and \\alpha",
        r"A formula \frac{a}{b}",
        "Ends with a backslash \\",
        'Three """ quotes',
        'Ends with three """',
        'Ends with a backslash and a quote \\"',
        "First\n\n    indented more\n\nlast",
        "First\n    all others indented\n    as here",
        "ünïcode ∂",
    ],
)
def test_docstring_is_read_back_as_it_was(docstring):
    inner = Function("g", (), (Return(),), docstring=docstring)
    f = Function("f", (), (FunctionDef(function=inner), Return()), docstring=docstring)
    namespace = {}
    exec(function_text(f), namespace)
    back = lower_module(function_text(f), "m.py")["f"]
    assert back == f
    assert function_text(back) == function_text(f)


def test_all_kinds_of_parameters():
    params = (
        Param("a", None, "positional_only"),
        Param("b", ONE, "positional_only"),
        Param("c", TWO, annotation=Name("float")),
        Param("d", None, "keyword_only"),
        Param("e", None, "double_star"),
    )
    f = Function("f", params, (Return(),))
    assert function_text(f).startswith("def f(a, b=1, /, c: float = 2.5, *, d, **e):\n")
    assert lower_module(function_text(f), "m.py")["f"] == f


def test_comments_stand_where_they_belong():
    leaf = Pass(comments=Comments(("# above",), "# behind", ("# at the end",)))
    branch = Branch(A, (leaf,))
    other = Branch(B, (Pass(),), Comments(("# over elif",), "# behind elif"))
    s = If(
        branches=(branch, other),
        orelse=(Pass(),),
        comments=Comments(("# over if",), "# behind if", (), ("# over else",), "# behind else"),
    )
    assert block_lines((s,), 1) == [
        "    # over if",
        "    if a:  # behind if",
        "        # above",
        "        pass  # behind",
        "        # at the end",
        "    # over elif",
        "    elif b:  # behind elif",
        "        pass",
        "    # over else",
        "    else:  # behind else",
        "        pass",
    ]


def test_empty_block_is_pass():
    assert block_lines((), 2) == ["        pass"]


def test_text_of_a_multi_line_string_is_not_indented():
    literal = Const('"""a\n  b"""', "a\n  b")
    lines = block_lines((Assign(targets=(A,), value=literal),), 1)
    assert "\n".join(lines) == '    a = """a\n  b"""'


def test_long_chains_need_no_deep_stack():
    total = X
    for _ in range(20_000):
        total = Binary("+", total, X)
    assert expr_text(total).count("+") == 20_000
