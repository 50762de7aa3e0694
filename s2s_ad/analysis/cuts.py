"""Where a gradient is cut: an active value goes through a step on its way to the result.

Takes a Function and its facts, gives the expressions that cut; requires `ir`, `rules` and
`analysis.flow`.

`int(x)`, `round`, `floor`, casts to integers, text, keys and comparisons used as numbers have slope
zero wherever they have one. That is right and often not what was meant. What only decides a
branch, a number of steps or which element is taken (`argmax`) cuts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from s2s_ad.analysis.flow import Facts
from s2s_ad.analysis.held import scattered
from s2s_ad.analysis.useful import stored_roots
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import DictOf, Str, is_discrete
from s2s_ad.ir.walk import children, names, stmt_exprs, target_names, walk_stmts
from s2s_ad.rules import registry

# results that say nothing of the values of their arguments
EXACT = frozenset(
    "zeros_like ones_like empty_like full_like stop_gradient shape size ndim len type isinstance "
    "issubclass callable hasattr id range result_type dtype finfo isscalar iscomplexobj isrealobj "
    "isreal iscomplex shares_memory imag fields".split()
)
# steps that cut also where they become an index
CONVERSIONS = frozenset(
    "int round floor ceil trunc rint fix around int64 int32 intp astype asarray asanyarray array "
    "str repr hash //".split()
)
# of whose results some move in steps, others do not
PARTLY = frozenset({"histogram"})
Reads = list[tuple[str, bool]]
Nested = Callable[[n.Call, int], bool]


def cuts(function: n.Function, facts: Facts, nested: Nested) -> Iterator[tuple[n.Stmt, n.Expr]]:
    """Yield the expressions that cut an active value which could reach the result.

    nested: whether a call of user code cuts what it is given, asked when its result does not vary.
    """
    data, index = _needed(function.body)
    for s in walk_stmts(function.body):
        if s.uid not in facts.before:
            continue
        mode = _mode(isinstance(s, n.Return), _targets(s), data, index)
        if mode is None:
            continue
        seen = _Seen(facts, s, nested)
        for e in _values(s):
            for cut in seen.cuts(e, mode):
                yield s, cut


class _Seen:
    """The cuts in the expressions of one statement."""

    def __init__(self, facts: Facts, s: n.Stmt, nested: Nested) -> None:
        self.facts = facts
        self.s = s
        self.nested = nested

    def varied(self, e: n.Expr) -> bool:
        return self.facts.varied(e, self.s.uid)

    def cuts(self, e: n.Expr, data: bool) -> Iterator[n.Expr]:
        """Yield the outermost cuts in `e`. data: whether its value is used as a number."""
        step = self.step(e)
        if step is not None:
            if data or step in CONVERSIONS:
                yield e
            return
        if self.is_looked_up(e) or self.is_counted(e):
            yield e
        for part, as_data in _parts(e):
            yield from self.cuts(part, data and as_data)

    def step(self, e: n.Expr) -> str | None:
        """Return the name of the step that an expression is, None when it is none."""
        if isinstance(e, n.Compare):
            parts = (e.left, *e.rights)
            if any(op in ("is", "is not") for op in e.ops) or not any(map(self.varied, parts)):
                return None
            return "compare"
        if isinstance(e, n.FString):
            read = (n.Name(x) for x in names(e) & self.facts.locals)
            return "str" if any(map(self.varied, read)) else None
        if isinstance(e, n.Binary) and e.op == "%" and self.varied(e.right):
            text = isinstance(self.facts.value(e.left, self.s.uid).kind, Str)
            return "str" if text else None
        if isinstance(e, n.Binary) and e.op == "//":
            return "//" if self.varied(e.left) or self.varied(e.right) else None
        if not isinstance(e, n.Call) or self.varied(e):
            return None
        choice = self.choice(e)
        if choice is None and any(map(self.varied, (*e.args, *(k.value for k in e.keywords)))):
            return "int" if self.nested(e, self.s.uid) else None
        if choice is None or choice.rule.name in EXACT or choice.rule.namespace == "runtime":
            return None
        moved = (x for p, x in choice.arguments.items() if p in choice.rule.level)
        return choice.rule.name if any(map(self.varied, moved)) else None

    def choice(self, e: n.Call) -> registry.Choice | None:
        reader = self.facts.reader(self.s.uid)
        env = self.facts.before[self.s.uid]
        found = reader.object_of(e.func, env)
        if found is not None:
            return reader.choose(registry.lookup(found[0]), e.args, e.keywords, env)
        if isinstance(e.func, n.Attribute):
            rules = registry.lookup_method(e.func.attr)
            return reader.choose(rules, (e.func.value, *e.args), e.keywords, env)
        return None

    def is_counted(self, e: n.Expr) -> bool:
        """True for a call that gives what moves in steps beside what does not."""
        choice = self.choice(e) if isinstance(e, n.Call) and self.varied(e) else None
        return choice is not None and choice.rule.name in PARTLY

    def is_looked_up(self, e: n.Expr) -> bool:
        """True for what is found by an active key: `table[x]`, `table.get(x)`."""
        if isinstance(e, n.Call) and isinstance(e.func, n.Attribute) and e.func.attr == "get":
            owner = self.facts.value(e.func.value, self.s.uid).kind
            return isinstance(owner, DictOf) and bool(e.args) and self.varied(e.args[0])
        if not isinstance(e, n.Subscript) or isinstance(e.index, (n.Slice, n.TupleExpr)):
            return False
        key = self.facts.value(e.index, self.s.uid)
        return key.varied and not is_discrete(key.kind)


def _parts(e: n.Expr) -> Iterator[tuple[n.Expr, bool]]:
    """Yield the parts of an expression that its value is made of, and whether as a number."""
    if isinstance(e, n.Subscript):
        yield e.value, True
        yield e.index, False
    elif isinstance(e, n.IfExp):
        yield e.body, True
        yield e.orelse, True
    elif isinstance(e, n.Call):
        name = e.func.attr if isinstance(e.func, n.Attribute) else getattr(e.func, "id", "")
        if isinstance(e.func, n.Attribute):
            yield e.func.value, True
        args = e.args[1:] if name in ("where", "select") else e.args
        if name not in EXACT and name != "print":
            yield from ((a, True) for a in (*args, *(k.value for k in e.keywords)))
    elif not isinstance(e, (n.Compare, n.Lambda)) and not (
        isinstance(e, n.Unary) and e.op == "not"
    ):
        yield from ((part, True) for part in children(e))


def _reads(e: n.Expr, data: bool = True) -> Reads:
    """Return the variables an expression is made of, and whether they are used as numbers."""
    if isinstance(e, n.Name):
        return [(e.id, data)]
    if isinstance(e, (n.Lambda, n.Comprehension, n.FString)):
        return [(x, data) for x in names(e)]
    return [pair for part, as_data in _parts(e) for pair in _reads(part, data and as_data)]


def _values(s: n.Stmt) -> list[n.Expr]:
    """Return the expressions whose values a statement puts somewhere."""
    if isinstance(s, (n.Assign, n.AugAssign, n.Append)):
        stored = s.targets if isinstance(s, n.Assign) else ()
        return [s.value, *(t.index for t in stored if isinstance(t, n.Subscript))]
    if isinstance(s, n.Return):
        return [s.value] if s.value is not None else []
    if isinstance(s, n.For):
        counted = isinstance(s.iter, n.Call) and s.iter.func == n.Name("range")
        return [] if counted else [s.iter]
    return list(stmt_exprs(s)) if scattered(s) is not None else []


def _targets(s: n.Stmt) -> set[str]:
    if isinstance(s, n.Assign):
        return {x for t in s.targets for x in (*target_names(t), *stored_roots(t))}
    if isinstance(s, (n.AugAssign, n.For)):
        return {*target_names(s.target), *stored_roots(s.target)}
    if isinstance(s, n.Pop):
        return set(target_names(s.target))
    if isinstance(s, n.Append):
        return {s.stack}
    added = scattered(s)
    return set(stored_roots(n.Subscript(added[0], added[1]))) if added is not None else set()


def _mode(returns: bool, targets: set[str], data: set[str], index: set[str]) -> bool | None:
    """Return whether what a statement computes reaches the result as a number, else as an index.

    None where it does not reach it.
    """
    if returns or not targets.isdisjoint(data):
        return True
    return None if targets.isdisjoint(index) else False


def _needed(body: n.Block) -> tuple[set[str], set[str]]:
    """Return the variables whose values reach the result, and those that do so by an index.

    What a statement computes reaches it as a number, or as an index, or not at all. Statements are
    visited from the last to the first: without loops, one round tells all.
    """
    data: set[str] = set()
    index: set[str] = set()
    every = []
    for s in walk_stmts(body):
        read = [(s.stack, True)] if isinstance(s, n.Pop) else []
        read += [pair for e in _values(s) for pair in _reads(e)]
        every.append((isinstance(s, n.Return), _targets(s), read))
    every.reverse()
    size = -1
    while size < len(data) + len(index):
        size = len(data) + len(index)
        for returns, targets, read in every:
            mode = _mode(returns, targets, data, index)
            if mode is not None:
                for name, as_data in read:
                    (data if mode and as_data else index).add(name)
    return data, index
