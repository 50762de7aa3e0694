"""The kinds of the variables of generated functions.

Takes what is known of the variables of the user, gives the same with their adjoints or tangents;
requires build_reverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from s2s_ad.build_reverse import Reverse
from s2s_ad.ir.kinds import Kind, adjoint_kind
from s2s_ad.ir.names import marked


def variables_of(swept: Iterable[Reverse]) -> dict[str, Kind]:
    """Return the kinds of the variables of sweeps and of their adjoints."""
    found: dict[str, Kind] = {}
    for sweep in swept:
        for (name, mark), bar in sweep.context.marks.items():
            if mark == "bar" and name in sweep.kinds:
                found[bar] = adjoint_kind(sweep.kinds[name])
        found.update(sweep.kinds)
    return found


def tangents_of(kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """Return the kinds of variables and of their tangents."""
    dots = {marked(name, "dot"): adjoint_kind(kind) for name, kind in kinds.items()}
    return {**dots, **kinds}
