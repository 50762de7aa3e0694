"""The intermediate representation: frozen dataclasses that mirror the supported subset of Python.

Takes nothing, gives the node classes, requires only `ir.remembered`.

Expressions are values: they compare and hash by structure, so two occurrences of `a * b`
are one dictionary key. Statements compare by structure too, but carry fields that do not
take part in it (`uid`, `origin`, `comments`): facts are dictionaries keyed by `uid`.

There are no private nodes for automatic differentiation. Accumulating an adjoint is an `AugAssign`,
keeping a value is an `Append`, taking it back is a `Pop`: statements a user may write, hence
generated code can be differentiated again (docs/decisions/0002-no-private-statements.md).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .remembered import made_at_once, node

_uids = itertools.count(1)


def fresh_uid() -> int:
    """Return a number no statement of this process has had."""
    return next(_uids)


# -- expressions ------------------------------------------------------------------------


@node
@dataclass(frozen=True)
class Const:
    """A literal. `text` is how the user wrote it and is what is printed and compared."""

    text: str
    value: Any = field(compare=False)


ZERO = Const("0.0", 0.0)
ELLIPSIS = Const("...", ...)


@node
@dataclass(frozen=True)
class Name:
    """A variable, read or (as a target) written."""

    id: str


@node
@dataclass(frozen=True)
class Attribute:
    """`value.attr`"""

    value: Expr
    attr: str


@node
@dataclass(frozen=True)
class Subscript:
    """`value[index]`; several indices are a `TupleExpr`."""

    value: Expr
    index: Expr


@node
@dataclass(frozen=True)
class Slice:
    """`lower:upper:step`, only inside the index of a `Subscript`."""

    lower: Expr | None
    upper: Expr | None
    step: Expr | None


ALL = Slice(None, None, None)


@node
@dataclass(frozen=True)
class TupleExpr:
    items: tuple[Expr, ...]


@node
@dataclass(frozen=True)
class ListExpr:
    items: tuple[Expr, ...]


@node
@dataclass(frozen=True)
class SetExpr:
    items: tuple[Expr, ...]


@node
@dataclass(frozen=True)
class DictExpr:
    """`{key: value}`; a key of None stands for `**value`."""

    keys: tuple[Expr | None, ...]
    values: tuple[Expr, ...]


@node
@dataclass(frozen=True)
class Unary:
    """`op operand`, op one of `-`, `+`, `~`, `not`."""

    op: str
    operand: Expr


@node
@dataclass(frozen=True)
class Binary:
    """`left op right`, op one of `+ - * / // % ** @ << >> & | ^`."""

    op: str
    left: Expr
    right: Expr


@node
@dataclass(frozen=True)
class Compare:
    """`left ops[0] rights[0] ops[1] rights[1] ...`; ops include `in`, `not in`, `is`, `is not`."""

    left: Expr
    ops: tuple[str, ...]
    rights: tuple[Expr, ...]


@node
@dataclass(frozen=True)
class BoolOp:
    """`values[0] op values[1] op ...`, op one of `and`, `or`."""

    op: str
    values: tuple[Expr, ...]


@node
@dataclass(frozen=True)
class IfExp:
    """`body if test else orelse`"""

    test: Expr
    body: Expr
    orelse: Expr


@dataclass(frozen=True)
class Starred:
    """`*value` in a display, a call or a target."""

    value: Expr


@dataclass(frozen=True)
class Keyword:
    """`name=value` of a call; a name of None stands for `**value`."""

    name: str | None
    value: Expr


@node
@dataclass(frozen=True)
class Call:
    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...] = ()


@dataclass(frozen=True)
class Param:
    """A parameter.

    `kind` is one of `positional_only`, `normal`, `star`, `keyword_only`, `double_star`. The
    annotation is kept for kinds and printing but is not part of what is compared.
    """

    name: str
    default: Expr | None = None
    kind: str = "normal"
    annotation: Expr | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Lambda:
    params: tuple[Param, ...]
    body: Expr


@dataclass(frozen=True)
class Clause:
    """`for target in iter if conditions[0] if conditions[1] ...` of a comprehension."""

    target: Expr
    iter: Expr
    conditions: tuple[Expr, ...] = ()


@node
@dataclass(frozen=True)
class Comprehension:
    """`kind` is one of `list`, `set`, `dict`, `generator`; `key` is given for a dict only."""

    kind: str
    element: Expr
    clauses: tuple[Clause, ...]
    key: Expr | None = None


@dataclass(frozen=True)
class FormattedValue:
    """`{value!conversion:spec}` of an f-string; conversion is `""`, `"r"`, `"s"` or `"a"`."""

    value: Expr
    conversion: str = ""
    spec: tuple[str | FormattedValue, ...] = ()


@dataclass(frozen=True)
class FString:
    """`prefix` includes the quotes' opening (`f"`), parts are literal text as written or values."""

    parts: tuple[str | FormattedValue, ...]
    quote: str = '"'


@dataclass(frozen=True)
class NamedExpr:
    """`(target := value)`"""

    target: Name
    value: Expr


Expr: TypeAlias = (
    Const
    | Name
    | Attribute
    | Subscript
    | Slice
    | TupleExpr
    | ListExpr
    | SetExpr
    | DictExpr
    | Unary
    | Binary
    | Compare
    | BoolOp
    | IfExp
    | Starred
    | Call
    | Lambda
    | Comprehension
    | FString
    | NamedExpr
)


# -- statements -------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """Where a statement comes from: the user's file, line, column (0-based) and text.

    `text` is the first line of the statement as written, stripped, with its comment removed.
    """

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    text: str = ""


@dataclass(frozen=True)
class Comments:
    """Comments of a statement, each with its `#`.

    before: own lines above it, "" for an empty one. trailing: at the end of its (first) line.
    after: own lines at the end of the block it closes. orelse: own lines above `else:`.
    """

    before: tuple[str, ...] = ()
    trailing: str | None = None
    after: tuple[str, ...] = ()
    orelse: tuple[str, ...] = ()
    orelse_trailing: str | None = None


NO_COMMENTS = Comments()


@dataclass(frozen=True, kw_only=True)
class Stmt:
    """Base of all statements. `of` is the uid of the primal statement a generated one serves."""

    uid: int = field(default_factory=fresh_uid, compare=False)
    origin: Origin | None = field(default=None, compare=False)
    comments: Comments = field(default=NO_COMMENTS, compare=False)
    of: int | None = field(default=None, compare=False)


Block: TypeAlias = "tuple[Stmt, ...]"


@made_at_once
@dataclass(frozen=True)
class Assign(Stmt):
    """`targets[0] = targets[1] = ... = value`; a declaration without value has value None."""

    targets: tuple[Expr, ...]
    value: Expr
    annotation: Expr | None = field(default=None, compare=False)


@made_at_once
@dataclass(frozen=True)
class AugAssign(Stmt):
    """`target op= value`, op without the `=`. With `+`: how adjoints are accumulated."""

    target: Expr
    op: str
    value: Expr


@dataclass(frozen=True)
class Append(Stmt):
    """`stack.append(value)` as a statement, stack being a plain name. How values are kept."""

    stack: str
    value: Expr


@dataclass(frozen=True)
class Pop(Stmt):
    """`target = stack.pop()`, both being plain names. How values are taken back."""

    target: Expr
    stack: str


@dataclass(frozen=True)
class ExprStmt(Stmt):
    """An expression evaluated for its effect; docstrings are not statements (see Function)."""

    value: Expr


@dataclass(frozen=True)
class Branch:
    """One `if test:` or `elif test:` with its body. `comments`: before and trailing."""

    test: Expr
    body: Block
    comments: Comments = field(default=NO_COMMENTS, compare=False)
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True)
class If(Stmt):
    """`if` / `elif` ... / `else`: flat, so that a chain of 200 `elif` is not 200 levels deep.

    The comments of the first `if` are those of the statement; those of an `elif` its branch's.
    """

    branches: tuple[Branch, ...]
    orelse: Block = ()


@dataclass(frozen=True)
class For(Stmt):
    target: Expr
    iter: Expr
    body: Block
    orelse: Block = ()


@dataclass(frozen=True)
class While(Stmt):
    test: Expr
    body: Block
    orelse: Block = ()


@dataclass(frozen=True)
class Break(Stmt):
    pass


@dataclass(frozen=True)
class Continue(Stmt):
    pass


@dataclass(frozen=True)
class Pass(Stmt):
    pass


@dataclass(frozen=True)
class Return(Stmt):
    value: Expr | None = None


@dataclass(frozen=True)
class Assert(Stmt):
    test: Expr
    message: Expr | None = None


@dataclass(frozen=True)
class Raise(Stmt):
    exception: Expr | None = None
    cause: Expr | None = None


@dataclass(frozen=True)
class Delete(Stmt):
    targets: tuple[Expr, ...]


@dataclass(frozen=True)
class Global(Stmt):
    """`global names` (keyword `global`) or `nonlocal names`."""

    names: tuple[str, ...]
    keyword: str = "global"


@dataclass(frozen=True)
class Import(Stmt):
    """`import` inside a function: its text, and for each bound name (module, attribute or None)."""

    text: str
    bindings: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True)
class FunctionDef(Stmt):
    """A nested function."""

    function: Function


@dataclass(frozen=True)
class Handler:
    """`except type as name:`"""

    type: Expr | None
    name: str | None
    body: Block
    comments: Comments = field(default=NO_COMMENTS, compare=False)


@dataclass(frozen=True)
class Try(Stmt):
    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block = ()
    final: Block = ()


@dataclass(frozen=True)
class With(Stmt):
    """`with items[0][0] as items[0][1], ...:`"""

    items: tuple[tuple[Expr, Expr | None], ...]
    body: Block


@dataclass(frozen=True)
class Function:
    """A function. `docstring` is the literal's value, or None. A lambda has one `Return`.

    decorators: of nested functions, for printing; a function is differentiated as the object it is.
    """

    name: str
    params: tuple[Param, ...]
    body: Block
    docstring: str | None = None
    returns: Expr | None = field(default=None, compare=False)
    decorators: tuple[Expr, ...] = ()
    origin: Origin | None = field(default=None, compare=False)
    comments: Comments = field(default=NO_COMMENTS, compare=False)
