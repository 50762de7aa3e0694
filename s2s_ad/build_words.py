"""The words of a generated module: docstrings, the command to regenerate it, the storage ledger.

Takes subjects and sweeps, gives text; requires `ir`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from s2s_ad.analysis.values import Value
from s2s_ad.build_reverse import Reverse
from s2s_ad.build_subject import Subject
from s2s_ad.ir.kinds import (
    Array,
    DictOf,
    Kind,
    ListOf,
    NoneKind,
    Number,
    Object,
    RangeKind,
    Str,
    TupleOf,
)

WIDTH = 88
# the docstring that `adjoint_doc` writes
_ADJOINT = re.compile(
    r"Return `(\w+)\(.*\)` and its gradient with respect to (.*)\.$", re.MULTILINE
)


def call_text(subject: Subject) -> str:
    return f"{subject.name}({', '.join(p.name for p in subject.function.params)})"


def _fitting(subject: Subject, template: str, indent: int = 7) -> str:
    whole = template.format(call=call_text(subject))
    if len(whole) + indent + 3 <= WIDTH:
        return whole
    return template.format(call=f"{subject.name}(...)")


def wrt_text(wrt: Sequence[str]) -> str:
    return wrt[0] if len(wrt) == 1 else f"({', '.join(wrt)})"


def adjoint_doc(subject: Subject, wrt: Sequence[str], found: Reverse) -> str:
    """Return the docstring of an adjoint: what it returns, and what is kept if not obvious."""
    text = _fitting(subject, f"Return `{{call}}` and its gradient with respect to {wrt_text(wrt)}.")
    if len(found.kept) > 1:
        text += "\n\n" + kept_text(found)
    return text


def kept_text(found: Reverse) -> str:
    """Return the storage ledger."""
    import textwrap

    many = [v[0] for k, v in found.kept.items() if k in found.stacks]
    once = [v[0] for k, v in found.kept.items() if k not in found.stacks]
    parts = []
    if many:
        parts.append(f"{_listed(many)}, one value per step")
    if once:
        they = "it is" if len(once) == 1 else "they are"
        parts.append(f"{_listed(sorted(set(once)))}, before {they} overwritten")
    return "\n".join(textwrap.wrap(f"Kept for the reverse sweep: {'; '.join(parts)}.", WIDTH - 4))


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def forward_comment(found: Reverse) -> str:
    """Return the comment over the forward sweep."""
    if len(found.kept) == 1:
        stack, variables = next(iter(found.kept.items()))
        if stack in found.stacks:
            return (
                f"# -- forward sweep: as written, keeping each {variables[0]} "
                "that the reverse sweep needs"
            )
    return "# -- forward sweep"


def tangent_doc(subject: Subject, wrt: Sequence[str], select: Sequence[int] = ()) -> str:
    """Return the docstring of a tangent; of the gradient of an adjoint it says what it is."""
    found = _ADJOINT.match(subject.function.docstring or "")
    if found and list(select) == [1]:
        along = _listed([f"{x}_dot" for x in wrt])
        return f"Gradient of `{found[1]}` in {found[2]} and its derivative along {along}."
    dots = "the dots" if len(wrt) > 1 else f"{wrt[0]}_dot"
    return _fitting(subject, f"Return `{{call}}` and its derivative along {dots}.")


def forward_doc(subject: Subject, found: Reverse, kept: Sequence[str], reverse: str) -> str:
    import textwrap

    text = _fitting(subject, f"Return `{{call}}` and what `{reverse}` needs.")
    if kept:
        lines = textwrap.wrap(f"Kept: {_listed(kept)}.", WIDTH - 4)
        text += "\n\n" + "\n".join(lines)
    return text


def reverse_doc(subject: Subject, wrt: Sequence[str], how: str) -> str:
    end = f", {how}." if how.startswith("from") else f". {how}."
    return f"Adjoint of `{subject.name}` with respect to {wrt_text(wrt)}{end}"


def kinds_text(values: Sequence[tuple[str, Value]], given: Mapping[str, Kind]) -> str:
    """Return the kinds of the parameters, as the header lists them."""
    return ", ".join(f"{name}: {kind_text(value.kind)}" for name, value in values if name in given)


def kind_text(kind: Kind) -> str:
    """Return a kind in words.

    >>> kind_text(Number("float")), kind_text(ListOf(Number("float")))
    ('number', 'list of numbers')
    """
    if isinstance(kind, Number):
        return {"int": "integer", "bool": "bool"}.get(kind.type, "number")
    if isinstance(kind, Array):
        rank = "array" if kind.dims is None else f"{len(kind.dims)}-d"
        ones = kind.dims is not None and any(d.one for d in kind.dims)
        what = {"int": " integer", "bool": " bool"}.get(kind.dtype, "")
        if ones and kind.dims is not None:
            shape = ", ".join("1" if d.one else "n" for d in kind.dims)
            return f"{rank}{what} of shape ({shape}{',' if len(kind.dims) == 1 else ''})"
        return f"{rank}{what}"
    if isinstance(kind, ListOf):
        return f"list of {_plural(kind.item)}"
    if isinstance(kind, DictOf):
        return f"dict of {_plural(kind.value)}"
    if isinstance(kind, TupleOf):
        return f"tuple of {len(kind.items)}"
    if isinstance(kind, NoneKind):
        return "None"
    if isinstance(kind, Str):
        return "string" if kind.value is None else repr(kind.value)
    if isinstance(kind, Object):
        return f"`{getattr(kind.value, '__name__', type(kind.value).__name__)}`"
    return "range" if isinstance(kind, RangeKind) else "unknown"


def _plural(kind: Kind) -> str:
    return {"number": "numbers", "integer": "integers"}.get(kind_text(kind), "values")


def command_of(request: Any, subject: Subject) -> str:
    """Return the command that regenerates the module."""
    mode = "tangent" if request.mode == "tangent" else "adjoint"
    qualified = getattr(request.function, "__qualname__", subject.name)
    name = subject.name if "<" in qualified else qualified
    wrt = f" --wrt {','.join(request.wrt)}"
    return f"s2s-ad {mode} {subject.file}::{name}{wrt}"
