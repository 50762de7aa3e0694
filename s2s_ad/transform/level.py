"""Definitions in loops that give a number the same value at each step.

Takes a primal block and what recording is told, gives the uids of such definitions; requires `ir`.

    for z in zs:
        root = sigma * math.sqrt(dt)
        x = x * math.exp(root * z)

No step of the loops around it changes what it reads or gives its variable another value, and each
step that gets as far passes it: the last step leaves the variable as the reverse of each needs it.
"""

from __future__ import annotations

from collections import Counter

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, said_by, sole_target
from s2s_ad.ir.walk import assigned, walk_stmts
from s2s_ad.transform.reading import flat
from s2s_ad.transform.versions import Recorder


def level_definitions(recorder: Recorder, primal: n.Block) -> frozenset[int]:
    """Return the uids of the definitions in the loops of a block that are the same at each step."""
    bound = Counter(x for s in walk_stmts(primal) for x in _changed(recorder, s))
    found: set[int] = set()
    for s in primal:
        if isinstance(s, (n.For, n.While)):
            changed = {x for y in walk_stmts((s,)) for x in _changed(recorder, y)}
            once = {x for x in changed if bound[x] == 1 and recorder.is_float(x)}
            _note(recorder, s, changed, once, found)
    return frozenset(found)


def _note(
    recorder: Recorder, loop: n.For | n.While, changed: set[str], once: set[str], found: set[int]
) -> None:
    """Add the definitions of a loop. once: variables not read so far in the outermost loop, which
    one statement gives a value."""
    once -= said_by(loop)
    for s in loop.body:
        if isinstance(s, (n.For, n.While)):
            _note(recorder, s, changed, once, found)
            continue
        if isinstance(s, n.Assign) and sole_target(s) in once:
            operands = recorder.operands(s.value)
            if not operands & changed and recorder.same_again(s):
                found.add(s.uid)
        once -= mentioned((s,))


def _changed(recorder: Recorder, s: n.Stmt) -> frozenset[str]:
    return frozenset(assigned((flat(s),))) | recorder.in_place(s)
