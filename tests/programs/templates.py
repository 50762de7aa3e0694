"""Templates of expressions, by kind: a weight and a text on each line.

Takes nothing, gives tuples of (weight, text); requires nothing.

`<n>` a number, `<v>` a vector, `<m>` a matrix, `<i>` an integer, `<c>` a condition, each drawn
anew; `<a>` `<w>` `<q>` a number, vector, matrix that is a variable where there is one, the same at
each place of one template (`<a2>`, `<w2>` another); `<b>` a threshold, `<k>` a valid index, `<L>`
the length.
"""

from __future__ import annotations

Templates = tuple[tuple[float, str], ...]


def table(text: str) -> Templates:
    """Return the lines as pairs.

    >>> table("2 <a> + 1")
    ((2.0, '<a> + 1'),)
    """
    rows = (line.split(None, 1) for line in text.strip().splitlines())
    return tuple((float(weight), template) for weight, template in rows)


SCALAR = table("""
8 (<n> + <n>)
6 (<n> - <n>)
8 (<n> * <n>)
3 (-<n>)
1 (+<n>)
4 (<n> / (1.5 + (<a> * <a>)))
2 (<n> / 2)
2 (0.7 * <n>)
1 (<n> / (1.0 + (<i> ** 2)))
3 math.sin(<n>)
2 math.cos(<n>)
4 math.tanh(<n>)
2 math.exp(-(<a> * <a>))
2 math.log(1.5 + (<a> ** 2))
2 math.sqrt(0.5 + (<a> * <a>))
1 math.atan(<n>)
1 math.exp(math.sin(<n>))
1 math.atan2(<n>, (1.5 + (<a> * <a>)))
1 math.hypot(<n>, 1.25)
1 math.log1p(<a> * <a>)
1 math.pow((1.5 + (<a> * <a>)), 0.75)
1 math.expm1(math.tanh(<n>))
1 math.sinh(math.tanh(<n>))
1 math.cosh(math.sin(<n>))
1 math.fabs(<n>)
1 math.asin(0.5 * math.sin(<n>))
2 np.sin(<n>)
1 np.tanh(<n>)
1 np.exp(-(<a> ** 2))
1 np.sqrt(1.5 + (<a> ** 2))
3 (<a> ** 2)
1 (<a> ** 3)
1 (1.5 ** math.tanh(<n>))
1 (2 ** math.sin(<n>))
1 ((1.25 + (<a> * <a>)) ** (0.5 * math.sin(<a2>)))
1 (math.tanh(<a>) ** (<i> % 3))
1 ((1.5 + (<a> ** 2)) ** -1.5)
1 pow(<a>, 2)
1 (<a> * <i>)
1 float(<n>)
2 abs(<n>)
1 min(<n>, <n>)
1 max(<n>, <n>)
1 max(<n>, <n>, 0.25)
3 (<n> if <c> else <n>)
1 (<n> % 3.0)
1 float(<i>)
0.5 (<a> * int(<a2>))
0.5 (<n> + round(<a>))
0.5 (<n>, <n>)[<i> % 2]
0.5 {"p": <n>, "q": <n>}["q"]
0.5 [<n>, <n>, <n>][<i> % 3]
0.5 sum([<n>, <n>])
0.5 divmod(<a>, 2.0)[1]
0.5 (lambda t: (t * <a>))(<n>)
0.5 sum((<n>, <n>, <n>), <n>)
0.3 (<n> * (<a> > 0.1))
""")

REDUCING = table("""
3 <v>[<k>]
2 <w>[-1]
2 <w>[0]
2 <q>[<k>, <k>]
1 <q>[<k>][<k>]
3 np.sum(<v>)
2 <w>.sum()
2 (<v> @ <v>)
2 np.dot(<v>, <v>)
2 np.mean(<v>)
1 np.max(<v>)
1 np.min(<v>)
1 <w>.max()
1 np.prod(np.tanh(<v>))
1 np.linalg.norm(1.5 + (<w> * <w>))
1 np.trace(<m>)
1 np.sum(<m>)
1 <q>.sum()
1 np.mean(<m>)
1 <q>.mean()
1 np.var(<v>)
1 np.std((<v> + np.linspace(0.0, 3.0, <L>)))
1 sum(<v>)
1 np.sum(<w>[1:] * <w2>[:-1])
1 np.sum(<w>[<w2> > 0.1])
0.5 np.inner(<v>, <v>)
0.5 (<w> @ (<m> @ <w2>))
0.5 <w>[::-1][<k>]
0.5 <q>.T[<k>, <k>]
0.5 (len(<w>) * <n>)
0.5 (<w>.shape[0] * <n>)
0.5 np.sum(<q>, axis=0)[<k>]
0.5 np.max(<m>)
0.5 <w>.dot(<w2>)
0.5 np.cumsum(<v>)[-1]
0.5 <w>[...][<k>]
0.5 max(<w>)
0.5 np.sum(<w>, keepdims=True)[0]
0.5 <q>[<k>, :][<k>]
""")

VECTORS = table("""
6 (<v> + <v>)
4 (<v> - <v>)
5 (<v> * <v>)
4 (<n> * <v>)
2 (<v> + <n>)
2 (-<v>)
2 (<v> / (1.5 + (<w> * <w>)))
2 (<v> / (1.5 + (<a> * <a>)))
2 (<n> / (1.5 + (<w> ** 2)))
2 np.sin(<v>)
3 np.tanh(<v>)
2 np.exp(-(<w> * <w>))
1 np.sqrt(0.5 + (<w> * <w>))
1 np.log(1.5 + (<w> ** 2))
2 (<w> ** 2)
1 (1.5 ** np.sin(<v>))
2 (<m> @ <v>)
2 (<v> @ <m>)
1 np.dot(<m>, <v>)
1 np.matmul(<m>, <v>)
2 <q>[<k>]
1 <q>[:, <k>]
1 np.where((<w> > 0.1), <v>, <v>)
1 np.maximum(<v>, <n>)
1 np.maximum(<v>, 0.0)
1 np.minimum(<v>, <v>)
1 np.clip(<v>, -0.7, 0.8)
1 np.abs(<v>)
1 np.cumsum(<v>)
1 <w>[::-1]
1 np.concatenate([<w>[1:], <w2>[:1]])
1 (np.ones(<L>) * <n>)
1 (np.zeros(<L>) + <v>)
1 np.linspace(0.0, <n>, <L>)
1 np.sum(<m>, axis=0)
1 <q>.sum(axis=1)
1 np.mean(<m>, axis=1)
1 np.max(<m>, axis=0)
0.5 np.full(<L>, <n>)
0.5 (np.zeros_like(<w>) + <n>)
0.5 <q>.ravel()[:<L>]
0.5 np.squeeze(<w>[None, :])
0.5 np.expand_dims(<w>, 0)[0]
0.5 np.broadcast_to(<n>, (<L>,))
0.5 np.asarray(<w>)
0.5 <w>.reshape(<L>, 1)[:, 0]
0.5 <q>.T[<k>]
0.5 np.transpose(<q>)[<k>]
0.5 np.min(<q>, axis=1, keepdims=True)[:, 0]
0.5 (<v> if <c> else <v>)
0.5 np.arctan2(<v>, (1.5 + (<w> * <w>)))
0.5 (<w> * <i>)
0.5 np.cos(<v>)
0.5 np.outer(<w>, <w2>)[<k>]
0.5 np.hypot(<v>, 1.5)
0.5 np.array([(t * <a>) for t in <w>])
0.5 (<q> @ <w>[:, None])[:, 0]
0.5 <w>[np.arange(<L>)]
0.5 np.where(<c>, <v>, <v>)
0.5 np.logaddexp(<v>, <w>)
0.5 <w>[[<k> for _ in range(<L>)]]
0.5 np.prod(np.tanh(<q>), axis=1)
0.5 np.power((1.5 + (<w> * <w>)), 0.75)
""")

MATRICES = table("""
4 (<m> + <m>)
3 (<m> * <m>)
3 (<n> * <m>)
2 (<m> - <v>)
2 (<m> @ <m>)
2 <q>.T
1 np.transpose(<q>)
2 np.outer(<v>, <v>)
2 (<w>[:, None] * <w2>)
2 np.tanh(<m>)
1 np.sin(<m>)
1 (<m> * <w>[:, None])
1 (<m> / (1.5 + (<q> * <q>)))
1 np.broadcast_to(<v>, (<L>, <L>))
1 np.where((<q> > 0.1), <m>, 0.5)
1 (<q> - np.mean(<q>, axis=0))
1 (<q> - np.sum(<q>, axis=1, keepdims=True))
0.5 np.reshape(<q>, (<L> * <L>,)).reshape(<L>, <L>)
0.5 (<q> ** 2)
0.5 np.maximum(<m>, <v>)
0.5 np.cumsum(<m>, axis=1)
0.5 <q>[::-1]
0.5 np.concatenate([<q>[1:], <q>[:1]], axis=0)
0.5 (<m> @ <q>.T)
0.5 <q>[:, ::-1]
""")

INTEGERS = table("""
3 (<i> + 1)
2 (<i> - 1)
1 (<i> // 2)
1 (<i> % 3)
1 (<i> + <i>)
1 abs(<i> - 2)
1 min(<i>, 2)
1 (<i> if <c> else 2)
0.5 divmod(<i>, 2)[0]
0.5 int(<i> / 2)
0.5 max(<i>, 1)
0.5 (2 * <i>)
""")

CONDITIONS = table("""
6 (<a> > <b>)
4 (<a> < <b>)
2 (<n> >= <b>)
2 (<a> <= <a2>)
1 (-0.5 < <a> <= <b>)
2 ((<i> % 2) == 0)
2 (<i> > 1)
1 (<i> != 2)
1 (<i> in (0, 2, 5))
2 (<c> and <c>)
2 (<c> or <c>)
2 (not <c>)
1 (abs(<a>) < 1.1)
""")
