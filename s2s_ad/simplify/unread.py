"""What a step keeps beside other things and its reverse does not read is not kept.

Takes the bodies of a loop and of its reverse, gives them so; requires `analysis`, `ir`.

    state_saved.append((x, v, w))               state_saved.append((x, v))
    ...                                     →   ...
    x, v, w = state_saved.pop()                 x, v = state_saved.pop()
    if taken:                                   if taken:
        w = w_saved.pop()                           w = w_saved.pop()
"""

from __future__ import annotations

from s2s_ad.analysis.bound import live_in
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import sole_target
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import popped

Bodies = tuple[n.Block, n.Block]


def without_unread(body: n.Block, turned: n.Block, stack: str) -> tuple[Bodies, list[str]]:
    """Return both bodies with less in the tuples of a stack, and what is kept there no more.

    Of what the step has made itself: what it finds may be read when the loop has been reversed.
    """
    puts = [k for k, s in enumerate(body) if isinstance(s, n.Append) and s.stack == stack]
    takes = [q for q, r in enumerate(turned) if (popped(r) or ("", ""))[1] == stack]
    if len(puts) != 1 or len(takes) != 1:
        return (body, turned), []
    (k,), (q,) = puts, takes
    put, take = body[k], turned[q]
    assert isinstance(put, n.Append)
    if not isinstance(take, n.Assign) or not isinstance(put.value, n.TupleExpr):
        return (body, turned), []
    target = take.targets[0]
    if not isinstance(target, n.TupleExpr) or len(target.items) != len(put.value.items):
        return (body, turned), []
    made = {sole_target(s) for s in body[:k]}
    read = live_in(turned[q + 1 :]) | live_in(turned)
    gone = {
        i
        for i, (x, got) in enumerate(zip(put.value.items, target.items))
        if isinstance(x, n.Name) and isinstance(got, n.Name) and x.id in made
        if got.id not in read
    }
    left = [i for i in range(len(target.items)) if i not in gone]
    if not gone or not left:
        return (body, turned), []

    def some(e: n.TupleExpr) -> n.Expr:
        items = tuple(e.items[i] for i in left)
        return items[0] if len(items) == 1 else n.TupleExpr(items)

    new_put = replace(put, value=some(put.value))
    new_take: n.Stmt = replace(take, targets=(some(target),))
    if len(left) == 1:
        new_take = n.Pop(target.items[left[0]], stack, of=take.of, comments=take.comments)
    names = [x.id for i in gone if isinstance(x := put.value.items[i], n.Name)]
    bodies = (
        (*body[:k], new_put, *body[k + 1 :]),
        (*turned[:q], new_take, *turned[q + 1 :]),
    )
    return bodies, names
