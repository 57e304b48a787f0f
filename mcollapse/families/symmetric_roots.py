r"""The largest root of the score of a symmetric mixture, bracketed from above so that it is never missed.

With $y = |x|/\sqrt S$, $S = \overline{x^2}$, the score of $r = \mu/\sqrt S$ is $F(a) - r(a)$, where
$F(a) = \overline{y \tanh(a y)}$ and $a = r/(1 - r^2)$. Both are concave in a, so that there may be several
roots, and a solver that is started at a guess may find any of them, or 0. Here is an upper bound u of the
largest root: the tangent of F at u lies above F, so that every root is below the one place under u where
r(a) leaves that tangent. It is the next bound: Newton's rate from above, and no root is ever passed.

All is written in what is small: $m - F(a) = 2\,\overline{y/(e^{2ay} + 1)}$ with m the mean of y, and
$1 - r^2 = V + (m - r)(m + r)$ with V the variance of y, so that nothing cancels when $s \ll \mu$.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from mcollapse.summation import tree_sum

STEPS = 200
"""Bounds at most; eight are the rule, and many where the kurtosis is near 3 and a root near 0."""
_INNER = 4

Number = Float[Array, ""]


class _Search(NamedTuple):
    bound: Number
    """u, of a."""
    done: Bool[Array, ""]
    none: Bool[Array, ""]
    """Whether it is certain that no root is positive."""
    step: Array


def largest_root(
    sizes: Float[Array, " count"], shares: Float[Array, " count"], mean: Number, log_variance: Number
) -> tuple[Number, Number, Bool[Array, ""]]:
    r"""$(\mu, \log s^2)$ of $|x|$ with shares that sum to 1, and whether the bound converged.

    `mean` and `log_variance` are those of $|x|$.
    """
    dtype = sizes.dtype
    tiny, eps = float(jnp.finfo(dtype).tiny), float(jnp.finfo(dtype).eps)
    log_square = jnp.logaddexp(2.0 * jnp.log(mean), log_variance)
    root = jnp.maximum(jnp.exp(0.5 * log_square), tiny)
    y = jnp.where(shares > 0, sizes / root, 0.0)
    m = mean / root
    # a may be as large as 1 / V: what is below the square of rounding is as good as 0
    ratio = jnp.exp(log_variance - jnp.where(mean > 0, log_square, 0.0))
    v = jnp.maximum(ratio, 0.01 * eps**2)
    certificate, tolerance = _certificate(y, shares), eps**0.75

    def turn(search: _Search) -> _Search:
        bound = _next_bound(y, shares, m, v, search.bound)
        none = bound * bound < certificate
        settled = _variance(bound) <= _variance(search.bound) * (1.0 + tolerance)
        return _Search(bound, settled | none, none, search.step + 1)

    start = _Search(m / v, jnp.asarray(False), jnp.asarray(False), jnp.asarray(0, jnp.int32))
    found = jax.lax.while_loop(lambda search: ~search.done & (search.step < STEPS), turn, start)
    gap, _ = _gap_and_slope(y, shares, found.bound)
    location = root * jnp.where(found.none, 0.0, jnp.maximum(m - gap, 0.0))
    apart = jnp.log(gap) + jnp.log(2.0 * m - gap) + log_square
    apart = jnp.where(gap > 0, apart, -jnp.inf)
    log_spread = jnp.where(found.none, log_square, jnp.logaddexp(log_variance, apart))
    return location, log_spread, found.done


def _variance(a: Number) -> Number:
    """1 - r^2, of the location that goes with a."""
    return 2.0 / (1.0 + jnp.sqrt(1.0 + 4.0 * a * a))


def _gap_and_slope(y: Array, shares: Array, a: Number) -> tuple[Number, Number]:
    """m - F(a) and F'(a)."""
    w = jnp.exp(-2.0 * a * y)
    gap = tree_sum(shares * (2.0 * y * w / (1.0 + w)))
    return gap, tree_sum(shares * (2.0 * y / (1.0 + w)) ** 2 * w)


def _next_bound(y: Array, shares: Array, m: Number, v: Number, u: Number) -> Number:
    """Where r(a) leaves the tangent of F at u, from above.

    With c the tangent's height at 0 and k its slope, e = r - c has e = k a(c + e), a(r) = r / (1 - r^2): the
    root of a concave function, which Newton's steps approach from the left and chords from the right.
    """
    gap, k = _gap_and_slope(y, shares, u)
    d = jnp.minimum(gap + k * u, m)
    c, at_c = m - d, v + d * (2.0 * m - d)  # the tangent at 0, and 1 - c^2

    def height(e: Number) -> tuple[Number, Number]:
        rest = jnp.maximum(at_c - e * (2.0 * c + e), jnp.finfo(u.dtype).tiny)
        return (c + e) / rest, rest

    right = jnp.maximum(u * at_c - c, 0.0) / (0.5 + u * c + jnp.sqrt((0.5 + u * c) ** 2 + u * (u * at_c - c)))
    left = jnp.zeros_like(right)
    for _ in range(_INNER):
        a, rest = height(left)
        value = left - k * a
        slope = 1.0 - k * (1.0 + (c + left) ** 2 / rest) / rest - k * (c + left) ** 2 / rest**2
        left = jnp.where((value < 0) & (slope > 0), jnp.minimum(left - value / slope, right), left)
        below = left - k * height(left)[0]
        above = right - k * height(right)[0]
        inside = (above > 0) & (below < 0)
        chord = right - above * (right - left) / jnp.where(inside, above - below, 1.0)
        right = jnp.where(inside, jnp.clip(chord, left, right), right)
    return jnp.minimum(height(right)[0], u)


def _certificate(y: Array, shares: Array) -> Number:
    r"""The $a^2$ below which there is no root: 0 where that is not known.

    $\tanh z \le z - z^3/3 + 2 z^5/15$ and $r(a) \ge a (1 - a^2 + 2 a^4 - 5 a^6)$, since $\overline{y^2} =
    1$: the score over $a^3$ is at most $-A + B a^2 + 5 a^4$ with $A = \overline{y^4}/3 - 1$.
    """
    fourth, sixth = tree_sum(shares * y**4), tree_sum(shares * y**6)
    a, b = fourth / 3.0 - 1.0, 2.0 * sixth / 15.0 - 2.0
    spread = jnp.sqrt(b * b + 20.0 * jnp.maximum(a, 0.0))
    root = jnp.where(b > 0, 2.0 * a / jnp.where(b > 0, b + spread, 1.0), 0.1 * (spread - b))
    return jnp.where(a > 0, root, 0.0)
