"""Comments of generated statements: which primal line a group of the reverse sweep reverses.

Takes the statements of a sweep and the origins of the primal, gives them with comments; requires
`ir`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import comes_back
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import walk_stmts


def origins(block: n.Block) -> dict[int, n.Origin]:
    """Return the origins of simple statements by uid; those of loops under their own uid too."""
    return {s.uid: s.origin for s in walk_stmts(block) if s.origin is not None}


def annotated(block: n.Block, table: Mapping[int, n.Origin], quiet: frozenset[int]) -> n.Block:
    """Open each group of the reverse sweep by the primal line that it reverses.

    quiet: uids of loops and branches, whose own lines need no mention.

        # L14: force = k * x
        k_bar += force_bar * x
        x_bar += force_bar * k
    """
    return _Annotate(table, quiet).block(block)


class _Annotate:
    def __init__(self, table: Mapping[int, n.Origin], quiet: frozenset[int]) -> None:
        self.table = table
        self.quiet = quiet
        self.last: tuple[int, str] | None = None

    def block(self, block: n.Block) -> n.Block:
        self.last = None
        out: list[n.Stmt] = []
        for s, origin in zip(block, self.shown_under(block)):
            if isinstance(s, (n.If, n.For, n.While, n.With)):
                out.append(self.inside(s))
                self.last = None
                continue
            out.append(self.headed(s, origin))
        return tuple(out)

    def shown_under(self, block: n.Block) -> list[n.Origin | None]:
        """Return for each statement the line of the primal that it is shown under.

        What comes back is shown with what it comes back for: the next line that is reversed.
        """
        found: list[n.Origin | None] = []
        following: n.Origin | None = None
        for s in reversed(block):
            own = self.table.get(s.of) if s.of is not None and s.of not in self.quiet else None
            if isinstance(s, (n.If, n.For, n.While, n.With)):
                own = following = None
            elif s.comments.trailing == "# recomputed":
                own = None
            elif comes_back(s):
                own = following or own
            else:
                following = own or following
            found.append(own)
        return found[::-1]

    def headed(self, s: n.Stmt, origin: n.Origin | None) -> n.Stmt:
        if origin is None:
            return s
        key = (origin.line, origin.text)
        if key == self.last:
            return s
        self.last = key
        line = f"# L{origin.line}: {origin.text}"
        return replace(s, comments=replace(s.comments, before=(*s.comments.before, line)))

    def inside(self, s: n.Stmt) -> n.Stmt:
        if isinstance(s, n.If):
            branches = tuple(replace(b, body=self.block(b.body)) for b in s.branches)
            return replace(s, branches=branches, orelse=self.block(s.orelse))
        assert isinstance(s, (n.For, n.While, n.With))
        return replace(s, body=self.block(s.body))


def opened(block: n.Block, comment: str) -> n.Block:
    """Put a comment above the first statement of a block."""
    if not block:
        return block
    first = block[0]
    own = first.comments.before
    before = (comment, *(own[1:] if own[:1] == ("",) else own))
    return (replace(first, comments=replace(first.comments, before=before)), *block[1:])


def flattened(block: n.Block, sunk: Mapping[int, int]) -> n.Block:
    """Take what follows a `break` out of its `else` again: the forward sweep reads as written.

    sunk: for each `if` that was made behind a loop, the one in the loop that it is put back into.

    if done:                if done:
        break                   break
    else:           →       x = x + 1
        x = x + 1
    """
    out: list[n.Stmt] = []
    for s in block:
        if isinstance(s, n.If):
            branches = tuple(replace(b, body=flattened(b.body, sunk)) for b in s.branches)
            s = replace(s, branches=branches, orelse=flattened(s.orelse, sunk))
            back = _put_back(s, sunk.get(s.uid), out[-1] if out else None)
            if back is not None:
                out[-1] = back
                if s.orelse:
                    test = n.Unary("not", s.branches[0].test)
                    out.append(replace(s, branches=(n.Branch(test, s.orelse),), orelse=()))
                continue
            if s.orelse and all(_leaves(b.body) for b in s.branches):
                out.append(replace(s, orelse=()))
                out.extend(s.orelse)
                continue
        elif isinstance(s, (n.For, n.While)):
            s = replace(s, body=flattened(s.body, sunk), orelse=flattened(s.orelse, sunk))
        elif isinstance(s, n.With):
            s = replace(s, body=flattened(s.body, sunk))
        out.append(s)
    return tuple(out)


def _put_back(s: n.If, uid: int | None, loop: n.Stmt | None) -> n.Stmt | None:
    """Return the loop with the statements of `s` in front of the `break` that they come from."""
    if uid is None or not isinstance(loop, (n.For, n.While)):
        return None
    for k, x in enumerate(loop.body):
        if x.uid == uid and isinstance(x, n.If) and len(x.branches[0].body) in (1, 2):
            whole = replace(x.branches[0], body=(*s.branches[0].body, *x.branches[0].body))
            back = replace(x, branches=(whole,))
            return replace(loop, body=(*loop.body[:k], back, *loop.body[k + 1 :]))
    return None


def _leaves(block: n.Block) -> bool:
    return bool(block) and isinstance(block[-1], (n.Break, n.Continue, n.Return, n.Raise))
