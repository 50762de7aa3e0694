"""The words of a generated module: docstrings, the command to regenerate it, the storage ledger.

Takes subjects and sweeps, gives text; requires `ir`.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from s2s_ad.analysis.still import Still
from s2s_ad.analysis.values import Value
from s2s_ad.build_exits import Sweeps
from s2s_ad.build_ledger import kept_in, kept_text, listed
from s2s_ad.build_subject import Subject
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import (
    UNKNOWN,
    Array,
    DictOf,
    Kind,
    ListOf,
    MaybeNumber,
    NoneKind,
    Number,
    Object,
    RangeKind,
    Str,
    TupleOf,
)
from s2s_ad.ir.names import RETURNED
from s2s_ad.ir.text import expr_text
from s2s_ad.ir.walk import walk_stmts

WIDTH = 88
# the docstring that `adjoint_doc` writes
_ADJOINT = re.compile(
    r"Return `(\w+)\(.*\)` and its gradient with respect to (.*)\.$", re.MULTILINE
)


def call_text(subject: Subject) -> str:
    return f"{subject.name}({', '.join(p.name for p in subject.function.params)})"


def _fitting(subject: Subject, template: str, indent: int = 7) -> str:
    whole = template.format(call=_outputs_of(subject, call_text(subject)))
    if len(whole) + indent + 3 <= WIDTH:
        return whole
    return template.format(call=_outputs_of(subject, f"{subject.name}(...)"))


def _outputs_of(subject: Subject, call: str) -> str:
    """Return what a derivative gives beside a gradient, in words: what a call returns, or leaves
    in its arguments."""
    left = [name for name in subject.of if name != RETURNED]
    if not left:
        return f"`{call}`"
    if len(left) < len(subject.of):
        return f"`{call}`, the {listed(left)} that it leaves"
    return f"the {listed(left)} that `{call}` leaves"


def wrt_text(wrt: Sequence[str]) -> str:
    return wrt[0] if len(wrt) == 1 else f"({', '.join(wrt)})"


def adjoint_doc(
    subject: Subject, wrt: Sequence[str], swept: Sweeps, body: n.Block, back: frozenset[int]
) -> str:
    """Return the docstring of an adjoint: what it returns, and what is kept if not obvious."""
    text = _fitting(subject, f"Return {{call}} and its gradient with respect to {wrt_text(wrt)}.")
    kept = kept_in(swept, body)
    if sum(map(len, kept.values())) > 1 or (kept and swept.exits):
        text += "\n\n" + kept_text(swept, body, back)
    return text + left_out(swept.prepared.still)


def left_out(still: Still) -> str:
    """Return the words on what is not differentiated, though it varies."""
    if not still.variables and not still.calls:
        return ""
    calls = dict.fromkeys(f"`{expr_text(call)}`" for _, call in sorted(still.calls, key=str))
    names = [*sorted(still.variables), *calls]
    text = f"Not differentiated: {listed(names)}, which cancel{'s' * (len(names) == 1)} out."
    return "\n\n" + "\n".join(textwrap.wrap(text, WIDTH - 4))


def forward_comment(swept: Sweeps, body: n.Block) -> str:
    """Return the comment over the forward sweep."""
    inside = swept.found.inside
    every = [s for s in walk_stmts(body) if isinstance(s, n.For) and s.uid not in inside]
    loops = [s for s in every if any(x.uid in inside for x in s.body)]
    if loops:
        over = listed(list(dict.fromkeys(expr_text(s.target) for s in loops)))
        return f"# -- forward sweep, each step of the loop over {over} reversed at its end"
    kept = kept_in(swept, body)
    if len(kept) == 1 and not swept.exits:
        stack, (variable, *others) = next(iter(kept.items()))
        if others:
            return "# -- forward sweep"
        if stack in swept.found.items:
            return f"# -- forward sweep: as written, keeping what is overwritten in {variable}"
        if stack in swept.found.stacks:
            return (
                f"# -- forward sweep: as written, keeping each {variable} "
                "that the reverse sweep needs"
            )
    return "# -- forward sweep"


def tangent_doc(
    subject: Subject, wrt: Sequence[str], still: Still, select: Sequence[int] = ()
) -> str:
    """Return the docstring of a tangent; of the gradient of an adjoint it says what it is."""
    found = _ADJOINT.match(subject.function.docstring or "")
    if found and list(select) == [1]:
        along = listed([f"{x}_dot" for x in wrt])
        return f"Gradient of `{found[1]}` in {found[2]} and its derivative along {along}."
    dots = "the dots" if len(wrt) > 1 else f"{wrt[0]}_dot"
    text = _fitting(subject, f"Return {{call}} and its derivative along {dots}.")
    return text + left_out(still)


def forward_doc(subject: Subject, kept: str, reverse: str) -> str:
    """Return the docstring of a forward half. kept: its storage ledger."""
    text = _fitting(subject, f"Return {{call}} and what `{reverse}` needs.")
    return f"{text}\n\n{kept}" if kept else text


def reverse_doc(subject: Subject, wrt: Sequence[str], how: str) -> str:
    end = f", {how}." if how.startswith("from") else f". {how}."
    return f"Adjoint of `{subject.name}` with respect to {wrt_text(wrt)}{end}"


def kinds_text(values: Sequence[tuple[str, Value]], given: Mapping[str, Kind]) -> str:
    """Return the kinds of the parameters, as the header lists them."""
    return ", ".join(
        f"{name}: {kind_text(value.kind)}"
        for name, value in values
        if name in given or value.kind != UNKNOWN
    )


def kind_text(kind: Kind) -> str:
    """Return a kind in words.

    >>> kind_text(Number("float")), kind_text(ListOf(Number("float")))
    ('number', 'list of numbers')
    """
    if isinstance(kind, MaybeNumber):
        return "number or None"
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
    plurals = {"number": "numbers", "integer": "integers", "number or None": "numbers or None"}
    return plurals.get(kind_text(kind), "values")


def command_of(request: Any, subject: Subject) -> str:
    """Return the command that regenerates the module."""
    mode = "tangent" if request.mode == "tangent" else "adjoint"
    qualified = getattr(request.function, "__qualname__", subject.name)
    name = subject.name if "<" in qualified else qualified
    module = str(getattr(request.function, "__module__", ""))
    place = f"{subject.file}::"
    if subject.file == f"{module.replace('.', '/')}.py" and not os.path.exists(subject.file):
        place = f"{module}:"  # an installed package: not to be found from here
    form = f" --of {','.join(request.of)}" if request.of else ""
    form += " --numba" if "numba" in request.options else ""
    return f"s2s-ad {mode} {place}{name} --wrt {','.join(request.wrt)}{form}"
