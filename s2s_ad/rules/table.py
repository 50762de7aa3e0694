"""The table of rules as a page of documentation (docs/rules.md).

Takes the registry, gives Markdown; requires `ir` and `rules`. Print it with
`python -m s2s_ad.rules.table > docs/rules.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from s2s_ad.ir.nodes import Attribute, Call, Expr, Name
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import map_expr

from . import registry
from .modules import LIBRARIES
from .rule import Rank, Rule

TITLES = {
    "operator": "Operators",
    "builtins": "Builtins",
    "math": "math",
    "dataclasses": "dataclasses",
    "np": "NumPy",
    **LIBRARIES,
    "method": "Methods of arrays",
    "attribute": "Attributes of arrays",
    "runtime": "Helpers that generated code may call",
}
PREFACE = """\
# Rules

Printed from the code: `python -m s2s_ad.rules.table > docs/rules.md`.

Each map is linear in `d`, the incoming differential: what arrives at the result in reverse mode.
`out` is the result. Entrywise maps serve forward mode as well, where `d` is the differential of
the argument. Un-broadcasting is not shown: it is done where shapes ask for it. Of `*items`, `item`
is the one at hand and `others` the product of the others; `chosen` says that `item` is `out` and no
constant is, `count` how many are. Where several lines stand for one call, the first that fits is
taken: ranks, given arguments and which are differentiated (`by`) decide. Ties and kinks:
[conventions](conventions.md).

A rule of your own takes one line:

    from s2s_ad import declare
    declare.elementwise("tools.cube(x)", "3.0 * x**2 * d", function=tools.cube)

and `s2s_ad.testing.check_rules(tools.cube)` tries it on numbers and arrays, in both modes.
"""


def rules_markdown() -> str:
    """Return the page that lists every rule."""
    parts = [PREFACE]
    for namespace, title in TITLES.items():
        rules = [rule for rule in registry.documented() if rule.namespace == namespace]
        parts.append(_section(title, rules))
    return "\n".join(parts)


def _section(title: str, rules: Iterable[Rule]) -> str:
    lines = [f"## {title}", "", "| call | maps |", "|---|---|"]
    level: list[str] = []
    seen: set[tuple[str, str]] = set()
    rules = list(rules)
    mapped = {rule.text for rule in rules if rule.flavour != "zero"}
    for rule in rules:
        if rule.flavour == "zero" and rule.text in mapped:
            continue  # there are forms of the call of which nothing but the kind is known
        if rule.flavour == "zero":
            level.append(f"`{_escaped(rule.text)}`")
            continue
        if _is_wrapped(rule):
            continue
        row = (rule.text, _maps(rule))
        if row not in seen:
            seen.add(row)
            lines.append(f"| `{_escaped(rule.text)}`{_condition(rule)} | {row[1]} |")
    if len(lines) == 4:
        lines = lines[:2]
    if level:
        lines += ["", "No derivative flows through", f"{', '.join(dict.fromkeys(level))}."]
    return "\n".join([*lines, ""])


def _maps(rule: Rule) -> str:
    let = [f"{name} = {_shown(value)}" for name, value in rule.let]
    maps = [f"{name}: {_shown(expr)}" for name, expr in rule.adjoint.items()]
    maps += [f"{name}: 0" for name in sorted(rule.level) if name not in rule.adjoint]
    return "<br>".join(f"`{_escaped(line)}`" for line in (*maps, *let))


def _shown(expr: Expr) -> str:
    """Return a template with the functions of its own module bare, as they were declared."""
    return expr_text(map_expr(expr, _without_math))


def _without_math(expr: Expr) -> Expr:
    match expr:
        case Call(func=Attribute(value=Name(id="math"), attr=attr)):
            return Call(Name(attr), expr.args, expr.keywords)
    return expr


def _is_wrapped(rule: Rule) -> bool:
    """True for the variant of a rule that brings an array to the structure of its argument."""
    return (
        rule.ranks is None
        and any(
            isinstance(expr, Call) and expr.func == Name("unbroadcast") and len(expr.args) == 2
            for expr in rule.adjoint.values()
        )
        and any(
            other is not rule and other.ranks is not None
            for other in registry.mentioned(rule.namespace, rule.name)
        )
    )


def _condition(rule: Rule) -> str:
    words = []
    if rule.ranks is not None and any(rank is not None for rank in rule.ranks):
        words.append(", ".join(_rank(rank) for rank in rule.ranks if rank is not None))
    if rule.active is not None:
        words.append(f"by {', '.join(sorted(rule.active))}")
    if rule.where:
        words.extend(f"{name} {_named(test)}" for name, test in rule.where.items())
    return f" ({'; '.join(words)})" if words else ""


def _named(test: Callable[[object], bool]) -> str:
    """Return what a test asks for: the name of its function is chosen to say it."""
    name = getattr(test, "__name__", "")
    return "fits" if "lambda" in name else name.strip("_").replace("_", " ")


def _rank(rank: Rank) -> str:
    return f"{rank}-d" if isinstance(rank, int) and rank > 0 else str(rank or "number")


def _escaped(text: str) -> str:
    return text.removeprefix("builtins.").removeprefix("runtime.").replace("|", "\\|")


if __name__ == "__main__":
    print(rules_markdown(), end="")
