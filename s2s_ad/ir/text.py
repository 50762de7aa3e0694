"""The printer: intermediate representation to Python text.

Takes expressions, blocks and functions, gives their text with the fewest parentheses that keep
the structure, literals as the user wrote them, comments in their places; requires `ir.nodes` and
`ir.walk`. Line breaking is black's work, not ours: a statement is one line, but for strings that
hold line breaks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from .nodes import (
    Append,
    Assert,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Call,
    Comments,
    Compare,
    Comprehension,
    Const,
    Delete,
    DictExpr,
    Expr,
    ExprStmt,
    For,
    FormattedValue,
    FString,
    Function,
    FunctionDef,
    Global,
    If,
    IfExp,
    Import,
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
    Stmt,
    Subscript,
    Try,
    TupleExpr,
    Unary,
    While,
    With,
)
from .walk import fold

# -- expressions ------------------------------------------------------------------------

# Binding strength, weakest first; an operand weaker than its place is put in parentheses.
_LOOSE, _TEST, _OR, _AND, _NOT, _COMPARE, _BITOR = range(7)
_UNARY, _POWER, _POSTFIX, _ATOM = 12, 13, 14, 15
_BINARY = {"|": 6, "^": 7, "&": 8, "<<": 9, ">>": 9, "+": 10, "-": 10}
_BINARY |= dict.fromkeys(("*", "/", "//", "%", "@"), 11)

_Part = tuple[str, int]
"""Text of an expression and how strongly it binds."""


def expr_text(e: Expr) -> str:
    """Return `e` as Python text, with the fewest parentheses.

    >>> a, b, x = Name("a"), Name("b"), Name("x")
    >>> expr_text(Binary("*", Binary("+", a, b), Unary("-", x)))
    '(a + b) * -x'
    """
    return fold(e, _combine)[0]


def _put(part: _Part, place: int) -> str:
    text, strength = part
    return text if strength >= place else f"({text})"


def _combine(e: Expr, parts: list[_Part]) -> _Part:
    match e:
        case Name():
            return e.id, _ATOM
        case Const():
            return e.text, _UNARY if e.text.startswith("-") else _ATOM
        case Binary():
            return _power(e, *parts) if e.op == "**" else _binary(e.op, *parts)
        case Attribute():
            return _attribute(e, parts[0]), _POSTFIX
        case Call():
            return f"{_put(parts[0], _POSTFIX)}({_arguments(e, parts)})", _POSTFIX
        case Subscript():
            return f"{_put(parts[0], _POSTFIX)}[{_index(e.index, parts[1])}]", _POSTFIX
        case Unary():
            if e.op == "not":
                return f"not {_put(parts[0], _NOT)}", _NOT
            place = _POSTFIX if parts[0][1] == _POWER else _UNARY  # -(x**2), as black has it
            return f"{e.op}{_put(parts[0], place)}", _UNARY
        case Compare():
            rights = zip(e.ops, parts[1:])
            chain = [f" {op} {_put(right, _BITOR)}" for op, right in rights]
            return _put(parts[0], _BITOR) + "".join(chain), _COMPARE
        case BoolOp():
            strength = _OR if e.op == "or" else _AND
            return f" {e.op} ".join(_put(part, strength + 1) for part in parts), strength
        case IfExp():
            test, body, orelse = parts
            text = f"{_put(body, _OR)} if {_put(test, _OR)} else {_put(orelse, _TEST)}"
            return text, _TEST
        case TupleExpr():
            return f"({_items(parts)}{',' if len(parts) == 1 else ''})", _ATOM
        case ListExpr():
            return f"[{_items(parts)}]", _ATOM
        case SetExpr():
            return f"{{{_items(parts)}}}", _ATOM
        case DictExpr():
            return _dictionary(e, iter(parts)), _ATOM
        case Starred():
            return f"*{_put(parts[0], _BITOR)}", _TEST
        case Slice():
            return _slice(e, iter(parts)), _TEST
        case Lambda():
            return _lambda(e, iter(parts)), _TEST
        case Comprehension():
            return _comprehension(e, iter(parts)), _ATOM
        case FString():
            prefix = e.quote.rstrip("\"'")
            quote = e.quote[len(prefix) :]
            return f"f{prefix}{quote}{_formatted(e.parts, iter(parts))}{quote}", _ATOM
        case NamedExpr():
            return f"{parts[0][0]} := {_put(parts[1], _TEST)}", _LOOSE
    raise AssertionError(f"{type(e).__name__} is not an expression")


def _power(e: Binary, left: _Part, right: _Part) -> _Part:
    """Return a power without spaces where black writes none: around names, numbers and `-n`."""
    head = e.right.left if isinstance(e.right, Binary) and e.right.op == "**" else e.right
    if isinstance(head, Unary) and head is e.right and head.op != "not":
        head = head.operand
    tight = left[1] == _ATOM or isinstance(e.left, Attribute)
    space = "" if tight and _is_simple(e.left) and _is_simple(head) else " "
    return f"{_put(left, _POSTFIX)}{space}**{space}{_put(right, _UNARY)}", _POWER


def _is_simple(e: Expr) -> bool:
    if isinstance(e, Const):
        return True
    while isinstance(e, Attribute):
        e = e.value
    return isinstance(e, Name)


def _binary(op: str, left: _Part, right: _Part) -> _Part:
    strength = _BINARY[op]
    return f"{_put(left, strength)} {op} {_put(right, strength + 1)}", strength


def _attribute(e: Attribute, value: _Part) -> str:
    text = _put(value, _POSTFIX)
    if isinstance(e.value, Const) and text[0].isdigit():
        text = f"({text})"  # `1.real` would be read as the number `1.`
    return f"{text}.{e.attr}"


def _items(parts: list[_Part]) -> str:
    return ", ".join(_put(part, _TEST) for part in parts)


def _arguments(e: Call, parts: list[_Part]) -> str:
    if len(parts) == 2 and e.args and _is_generator(e.args[0]):
        return parts[1][0][1:-1]  # a lone generator needs no parentheses of its own
    split = 1 + len(e.args)
    given = [_put(part, _TEST) for part in parts[1:split]]
    for keyword, part in zip(e.keywords, parts[split:]):
        start = "**" if keyword.name is None else f"{keyword.name}="
        given.append(start + _put(part, _TEST))
    return ", ".join(given)


def _is_generator(e: Expr) -> bool:
    return isinstance(e, Comprehension) and e.kind == "generator"


def _index(index: Expr, part: _Part) -> str:
    text = _put(part, _TEST)
    if not isinstance(index, TupleExpr) or not index.items:
        return text
    slices = any(isinstance(item, Slice) for item in index.items)
    starred = any(isinstance(item, Starred) for item in index.items)
    if slices or (len(index.items) > 1 and not starred):
        return text[1:-1]
    return text  # before 3.11 `a[*i]` is an error; `a[(*i,)]` never is


def _dictionary(e: DictExpr, parts: Iterator[_Part]) -> str:
    keys = [None if key is None else _put(next(parts), _TEST) for key in e.keys]
    entries = [
        f"**{_put(value, _BITOR)}" if key is None else f"{key}: {_put(value, _TEST)}"
        for key, value in zip(keys, parts)
    ]
    return f"{{{', '.join(entries)}}}"


def _slice(e: Slice, parts: Iterator[_Part]) -> str:
    bounds = (e.lower, e.upper, e.step)
    lower, upper, step = ("" if b is None else _put(next(parts), _TEST) for b in bounds)
    signed = (b.operand if isinstance(b, Unary) and b.op != "not" else b for b in bounds if b)
    space = "" if all(isinstance(b, (Name, Const)) for b in signed) else " "
    text = f"{lower}{space}:"
    if upper:
        text += space + upper + (f"{space}:" if step else "")
    elif step:
        text += ":"
    return (text + (space + step if step else "")).strip()


def _lambda(e: Lambda, parts: Iterator[_Part]) -> str:
    defaults = [None if param.default is None else next(parts) for param in e.params]
    params = _parameters(e.params, [d and _put(d, _TEST) for d in defaults])
    return f"lambda{' ' if params else ''}{params}: {_put(next(parts), _TEST)}"


def _comprehension(e: Comprehension, parts: Iterator[_Part]) -> str:
    text = ""
    for clause in e.clauses:
        target = _bare(clause.target, next(parts)[0])
        text += f" for {target} in {_put(next(parts), _OR)}"
        for _ in clause.conditions:
            text += f" if {_put(next(parts), _OR)}"
    element = "" if e.key is None else f"{_put(next(parts), _TEST)}: "
    element += _put(next(parts), _TEST)
    if e.kind == "list":
        return f"[{element}{text}]"
    return f"({element}{text})" if e.kind == "generator" else f"{{{element}{text}}}"


def _formatted(pieces: tuple[str | FormattedValue, ...], parts: Iterator[_Part]) -> str:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        value, strength = next(parts)
        if strength == _LOOSE or (strength == _TEST and "lambda" in value):
            value = f"({value})"  # a colon would be read as the start of the format
        conversion = f"!{piece.conversion}" if piece.conversion else ""
        spec = f":{_formatted(piece.spec, parts)}" if piece.spec else ""
        text += f"{{{' ' if value.startswith('{') else ''}{value}{conversion}{spec}}}"
    return text


def _bare(e: Expr, text: str) -> str:
    """Return the text of `e` where a tuple needs no parentheses."""
    return text[1:-1] if isinstance(e, TupleExpr) and len(e.items) > 1 else text


def _loose(e: Expr) -> str:
    return _bare(e, expr_text(e))


def _tight(e: Expr) -> str:
    """Return the text of `e` where `:=` needs parentheses."""
    return _put(fold(e, _combine), _TEST)


def _parameters(params: tuple[Param, ...], defaults: list[str | None]) -> str:
    """Return a parameter list, with the `/` and `*` that the kinds ask for."""
    shown: list[str] = []
    starred = False
    for k, (param, default) in enumerate(zip(params, defaults)):
        if param.kind == "keyword_only" and not starred:
            shown.append("*")
            starred = True
        starred |= param.kind == "star"
        text = {"star": "*", "double_star": "**"}.get(param.kind, "") + param.name
        if param.annotation is not None:
            text += f": {_tight(param.annotation)}"
        if default is not None:
            text += f" = {default}" if param.annotation is not None else f"={default}"
        shown.append(text)
        last = k + 1 == len(params) or params[k + 1].kind != "positional_only"
        if param.kind == "positional_only" and last:
            shown.append("/")
    return ", ".join(shown)


# -- statements -------------------------------------------------------------------------


def block_lines(block: Block, indent: int = 0) -> list[str]:
    """Return the lines of `block`, comments included; `pass` when it is empty.

    A line holds line breaks only inside a string, where nothing may be indented. No block opens
    with an empty line.
    """
    if not block:
        return ["    " * indent + "pass"]
    lines = [line for s in block for line in _stmt_lines(s, indent)]
    return lines[1:] if block[0].comments.before[:1] == ("",) else lines


def function_lines(f: Function) -> list[str]:
    """Return the lines of `f`, as `block_lines` does."""
    return _function_lines(f, f.comments, 0)


def function_text(f: Function) -> str:
    """Return the text of `f`, ending in a line break."""
    return "\n".join(function_lines(f)) + "\n"


def _function_lines(f: Function, comments: Comments, indent: int) -> list[str]:
    start = "    " * indent
    lines = [start + comment for comment in comments.before]
    lines += [f"{start}@{expr_text(decorator)}" for decorator in f.decorators]
    defaults = [None if p.default is None else _tight(p.default) for p in f.params]
    params = _parameters(f.params, defaults)
    returns = f" -> {_tight(f.returns)}" if f.returns is not None else ""
    lines.append(_header(f"{start}def {f.name}({params}){returns}:", comments.trailing))
    if f.docstring is not None:
        lines += _docstring_lines(f.docstring, start + "    ")
    if f.body or f.docstring is None:
        lines += block_lines(f.body, indent + 1)
    if not f.body:
        lines += [f"{start}    {comment}" for comment in comments.after]
    return lines


def _docstring_lines(value: str, start: str) -> list[str]:
    """Return the lines of a docstring: raw when it has backslashes, as formulas do."""
    plain = all(c == "\n" or c.isprintable() for c in value)
    raw = plain and "\\" in value and '"""' not in value and value[-1] not in '"\\'
    if not raw:
        core = value.rstrip('"')
        quotes = '\\"' * (len(value) - len(core))
        core = core.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        value = "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in core) + quotes
    first, *others = value.split("\n")
    if others and all(line[:1] in ("", " ") for line in others):
        others = [first, *others]  # else the indentation would seem to be that of the function
        first = ""
    lines = [f'{start}{"r" if raw else ""}"""{first}', *(line and start + line for line in others)]
    if others:
        return [*lines, f'{start}"""']
    return [lines[0] + '"""']


def _escaped(character: str) -> str:
    return repr(character)[1:-1]


def _header(text: str, comment: str | None) -> str:
    return text if comment is None else f"{text}  {comment}"


def _stmt_lines(s: Stmt, indent: int) -> Iterator[str]:
    start = "    " * indent
    after = (start + comment for comment in s.comments.after)
    if isinstance(s, FunctionDef):
        before = (*s.comments.before, *s.function.comments.before)
        trailing = s.comments.trailing or s.function.comments.trailing
        comments = Comments(before, trailing, after=s.function.comments.after)
        yield from _function_lines(s.function, comments, indent)
    else:
        yield from (comment and start + comment for comment in s.comments.before)
        if isinstance(s, (If, For, While, Try, With)):
            yield from _compound_lines(s, indent)
        else:
            yield _header(start + _simple(s), s.comments.trailing)
    yield from after


def _simple(s: Stmt) -> str:
    match s:
        case Assign():
            return _assignment(s)
        case AugAssign():
            return f"{expr_text(s.target)} {s.op}= {_statement_value(s.value)}"
        case Append():
            return f"{s.stack}.append({_arguments(Call(s.value, (s.value,)), _alone(s.value))})"
        case Pop():
            return f"{_loose(s.target)} = {s.stack}.pop()"
        case ExprStmt():
            return _statement_value(s.value)
        case Pass():
            return "pass"
        case Return():
            return "return" if s.value is None else f"return {_statement_value(s.value)}"
        case Assert():
            message = "" if s.message is None else f", {_tight(s.message)}"
            return f"assert {_tight(s.test)}{message}"
        case Raise():
            exception = "" if s.exception is None else f" {_tight(s.exception)}"
            return f"raise{exception}" + (f" from {_tight(s.cause)}" if s.cause else "")
        case Delete():
            return f"del {', '.join(map(expr_text, s.targets))}"
        case Global():
            return f"{s.keyword} {', '.join(s.names)}"
        case Import():
            return s.text
    return type(s).__name__.lower()  # break, continue


def _alone(e: Expr) -> list[_Part]:
    return [("", _ATOM), fold(e, _combine)]


def _statement_value(e: Expr) -> str:
    return _tight(e) if isinstance(e, NamedExpr) else _loose(e)


def _assignment(s: Assign) -> str:
    if s.annotation is not None and len(s.targets) == 1:
        head = f"{expr_text(s.targets[0])}: {_tight(s.annotation)}"
        return f"{head} = {_statement_value(s.value)}"
    return " = ".join([*map(_loose, s.targets), _statement_value(s.value)])


def _compound_lines(s: If | For | While | Try | With, indent: int) -> Iterator[str]:
    start = "    " * indent
    match s:
        case If():
            yield from _branch_lines(s, indent)
        case For():
            head = f"{start}for {_loose(s.target)} in {_loose(s.iter)}:"
            yield _header(head, s.comments.trailing)
            yield from block_lines(s.body, indent + 1)
        case While():
            yield _header(f"{start}while {expr_text(s.test)}:", s.comments.trailing)
            yield from block_lines(s.body, indent + 1)
        case With():
            items = ", ".join(
                _tight(item) + (f" as {expr_text(to)}" if to else "") for item, to in s.items
            )
            yield _header(f"{start}with {items}:", s.comments.trailing)
            yield from block_lines(s.body, indent + 1)
            return
        case Try():
            yield _header(f"{start}try:", s.comments.trailing)
            yield from block_lines(s.body, indent + 1)
            yield from _handler_lines(s, indent)
    if s.orelse:
        yield from (start + comment for comment in s.comments.orelse)
        yield _header(f"{start}else:", s.comments.orelse_trailing)
        yield from block_lines(s.orelse, indent + 1)
    if isinstance(s, Try) and s.final:
        yield f"{start}finally:"
        yield from block_lines(s.final, indent + 1)


def _branch_lines(s: If, indent: int) -> Iterator[str]:
    start = "    " * indent
    word = "if"
    for branch in s.branches:
        trailing = branch.comments.trailing
        if word == "if":
            trailing = s.comments.trailing or trailing
        yield from (start + comment for comment in branch.comments.before)
        yield _header(f"{start}{word} {expr_text(branch.test)}:", trailing)
        yield from block_lines(branch.body, indent + 1)
        word = "elif"


def _handler_lines(s: Try, indent: int) -> Iterator[str]:
    start = "    " * indent
    for handler in s.handlers:
        what = "" if handler.type is None else f" {_tight(handler.type)}"
        name = "" if handler.name is None else f" as {handler.name}"
        yield from (start + comment for comment in handler.comments.before)
        yield _header(f"{start}except{what}{name}:", handler.comments.trailing)
        yield from block_lines(handler.body, indent + 1)
