"""The measurements as text: a table for the terminal, or the same in Markdown.

Takes rows, outcomes of peers and start-up figures, gives lines of text; requires measure, startup
and versus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from tests.benchmarks.measure import Row
from tests.benchmarks.startup import Startup
from tests.benchmarks.versus import Outcome

Outcomes = Mapping[tuple[str, str], Outcome]

COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("program", lambda row: row.program.name),
    ("primal µs", lambda row: f"{1e6 * row.primal:,.1f}"),
    ("ours/primal", lambda row: two(row.ours / row.primal)),
    ("hand/primal", lambda row: two(row.hand / row.primal)),
    ("ours/hand", lambda row: two(row.ours / row.hand)),
    ("tangent/primal", lambda row: two(row.tangent / row.primal)),
    ("memory/hand", lambda row: two(_share(row.memory_ours, row.memory_hand))),
    ("lines/hand", lambda row: two(_share(row.lines_ours, row.lines_hand))),
    ("build ms", lambda row: "-" if row.refused else f"{1e3 * row.build:.0f}"),
)
# what is measured, of which group, and the most it may be
BUDGETS: tuple[tuple[str, str, Callable[[Row], float], float], ...] = (
    ("adjoint / primal", "scalar", lambda row: row.ours / row.primal, 4.0),
    ("adjoint / hand-written", "scalar", lambda row: row.ours / row.hand, 1.1),
    ("adjoint / hand-written", "array", lambda row: row.ours / row.hand, 1.1),
    ("tangent / primal", "scalar", lambda row: row.tangent / row.primal, 2.5),
    ("memory / hand-written", "scalar", lambda row: _share(row.memory_ours, row.memory_hand), 1.05),
    ("adjoint / hand-written", "kernels", lambda row: row.ours / row.hand, 1.1),
    (
        "memory / hand-written",
        "kernels",
        lambda row: _share(row.memory_ours, row.memory_hand),
        1.05,
    ),
    ("lines / hand-written", "kernels", lambda row: _share(row.lines_ours, row.lines_hand), 1.3),
    ("memory / hand-written", "array", lambda row: _share(row.memory_ours, row.memory_hand), 1.05),
    ("lines / hand-written", "scalar", lambda row: _share(row.lines_ours, row.lines_hand), 1.3),
    ("lines / hand-written", "array", lambda row: _share(row.lines_ours, row.lines_hand), 1.3),
)
WORST = 1.5


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def two(ratio: float) -> str:
    """Return a ratio with two places."""
    if math.isnan(ratio):
        return "-"
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def laid_out(head: Sequence[str], lines: Sequence[Sequence[str]], markdown: bool) -> list[str]:
    """Return a table."""
    return (_markdown if markdown else _plain)(head, lines)


def report(
    rows: Sequence[Row],
    peers: Sequence[str],
    outcomes: Outcomes,
    started: Startup | None,
    markdown: bool,
) -> list[str]:
    """Return all tables and notes."""
    lay_out = _markdown if markdown else _plain
    head = [name for name, _ in COLUMNS]
    found = lay_out(head, [[text(row) for _, text in COLUMNS] for row in rows])
    found += [f"{row.program.name}: {row.refused}" for row in rows if row.refused]
    if peers:
        lines = [
            [row.program.name, two(row.ours / row.primal)]
            + [_peer(outcomes[peer, row.program.name]) for peer in peers]
            for row in rows
        ]
        found += ["", "Value and gradient, as ratios to the time of the primal:", ""]
        found += lay_out(["program", "ours", *peers], lines)
        reasons = _reasons(outcomes)
        if reasons:
            found += ["", *(f"- {reason}" if markdown else reason for reason in reasons)]
    found += ["", "Against the budgets (medians of a group):", ""]
    found += lay_out(["what", "group", "measured", "budget", ""], _against(rows, started))
    return found


def _peer(outcome: Outcome) -> str:
    return outcome.what if outcome.ratio is None else two(outcome.ratio)


def _reasons(outcomes: Outcomes) -> list[str]:
    return [
        f"{peer}, {program}: {outcome.what}: {outcome.detail}"
        for (peer, program), outcome in outcomes.items()
        if outcome.ratio is None and outcome.what != "not installed"
    ]


def _against(rows: Sequence[Row], started: Startup | None) -> list[list[str]]:
    lines = []
    whole = [row for row in rows if not row.refused]
    for what, group, figure, most in BUDGETS:
        figures = [figure(row) for row in whole if row.program.group == group]
        if figures:
            lines.append(_budget(what, group, median(figures), most, two))
    if whole:
        worst = max(whole, key=lambda row: row.ours / row.hand)
        ratio = worst.ours / worst.hand
        lines.append(_budget("worst / hand-written", worst.program.name, ratio, WORST, two))
    if started is not None:
        warm = started.imported + started.first
        lines += [
            _budget("warm start, ms", "", 1e3 * warm, 20.0, two),
            ["of which import, ms", "", two(1e3 * started.imported), "", ""],
            ["of which first call, ms", "", two(1e3 * started.first), "", ""],
            _budget("overhead of a call, µs", "", 1e6 * started.overhead, 1.5, two),
        ]
    return lines


def _budget(
    what: str, group: str, found: float, most: float, text: Callable[[float], str]
) -> list[str]:
    return [what, group, text(found), text(most), "met" if found <= most else "missed"]


def _plain(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]

    def row(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(cells, widths))
        )
        return "  ".join([first, *rest]).rstrip()

    return [row(head), row(["-" * width for width in widths]), *map(row, lines)]


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in [head, rule, *lines]]
