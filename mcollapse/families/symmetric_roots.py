r"""The largest root of the score of a symmetric mixture, bracketed from above so that it is never missed.

With $y = |x|/\sqrt S$, $S = \overline{x^2}$, the score of $r = \mu/\sqrt S$ is $F(a) - r(a)$, where
$F(a) = \overline{y \tanh(a y)}$ and $a = r/(1 - r^2)$. Both are concave in a, so that there may be several
roots, and a solver that is started at a guess may find any of them, or 0. Here is an upper bound u of the
largest root: the tangent of F at u lies above F, so that every root is below the one place under u where
r(a) leaves that tangent. It is the next bound: Newton's rate from above, and no root is ever passed.

Where the two curves nearly touch, as they do at a kurtosis near 3, tangents close in slowly. There the score
is looked at as a function of $t = a^2$: with $w(t) = r/a$ and $G(t) = F/a$ it is $a(G - w)$, and both are
completely monotone (sums and integrals of $1/(t + c)$, c > 0), so that their second derivatives fall. From
q < u on, w - G is thus no less than $h + h'x + (w''(u) - G''(q)) x^2/2$ in $x = t - q^2$. Where that stays
positive up to u there is no root between, and q, nine tenths of Newton's step, is a bound. In float32
rounding hides such differences, and its wider tolerance is met without.

All is written in what is small: $m - F(a) = 2\,\overline{y/(e^{2ay} + 1)}$ with m the mean of y, and
$1 - r^2 = V + (m - r)(m + r)$ with V the variance of y, so that nothing cancels when $s \ll \mu$.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from mcollapse.summation import tree_sum

STEPS = 200
"""Bounds at most; eight are the rule, and many where the kurtosis is near 3 and a root near 0."""
_INNER = 4
_SURE = 32.0
"""How many units of rounding a difference has at least that is called positive."""
_FINE = 1e-10
"""Of a unit of rounding: where it is larger, nothing is certain of curves that nearly touch."""
_SMALL = 3.0
"""Beyond it the curves are steep, and tangents close in fast."""
_HOST_STEPS, _HOST_TOLERANCE = 10_000, 1e-13

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
        if eps < _FINE:
            bound = jnp.minimum(bound, _certain_step(y, shares, m, search.bound))
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


def _certain_step(y: Array, shares: Array, m: Number, u: Number) -> Number:
    """Nine tenths of Newton's step in the square of the bound, where it certainly passes no root; else u."""
    gap, k = _gap_and_slope(y, shares, u)
    w = _variance(u)
    height = w - (m - gap) / u
    slope = (m - gap - k * u) / (2.0 * u**3) - w**3 / (2.0 - w)
    eps = float(jnp.finfo(y.dtype).eps)
    usable = (u < _SMALL) & (height > _SURE * eps)
    newton = 0.9 * height / jnp.where(slope > 0, slope, 1.0)
    length = jnp.minimum(jnp.where(slope > 0, newton, jnp.inf), 0.25 * u * u)
    q = jnp.where(usable, jnp.sqrt(u * u - length), 1.0)
    tanh = jnp.tanh(q * y)
    weighted = shares * y * y * (1.0 - tanh * tanh)
    f, first, second = tree_sum(shares * y * tanh), tree_sum(weighted), -2.0 * tree_sum(weighted * y * tanh)
    bend = 3.0 * (f - q * first)
    # rounding of a difference of what is nearly equal; at 0 the second derivative has a value without it
    rounding = 8.0 * eps * q
    curvature = jnp.minimum(
        (bend + q * q * second + rounding) / (4.0 * q**5), 4.0 / 15.0 * tree_sum(shares * y**6)
    )
    at_q, turned = _variance(q), (2.0 - w) / w
    low = at_q - f / q
    rise = (f - q * first) / (2.0 * q**3) - at_q**3 / (2.0 - at_q)
    twice = 2.0 * w**3 / turned**2 + 2.0 * w**2 / turned**3 - curvature
    # the parabola is least at an end where it bends down, at its vertex where it bends up and falls
    end = low + rise * length + 0.5 * jnp.minimum(twice, 0.0) * length**2
    vertex = low - 0.5 * rise**2 / jnp.where(twice > 0, twice, 1.0)
    least = jnp.where((twice > 0) & (rise < 0), vertex, jnp.minimum(low, end))
    return jnp.where(usable & (least > _SURE * eps), q, u)


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


def largest_root_of_data(sizes: np.ndarray) -> tuple[float, float]:
    r"""Host: $(\mu, \log s^2)$ of sizes that differ, in float64, by the same bounds.

    Raises:
        ValueError: the bounds did not converge.
    """
    largest = float(np.max(sizes))
    root = float(np.sqrt(np.mean((sizes / largest) ** 2)))
    log_square = 2.0 * (math.log(largest) + math.log(root))
    y = sizes / largest / root
    # differences first: they are exact where sizes are close
    m, v = float(np.mean(y)), float(np.var((largest - sizes) / largest / root))
    fourth, sixth = float(np.mean(y**4)), float(np.mean(y**6))
    a, b = fourth / 3.0 - 1.0, 2.0 * sixth / 15.0 - 2.0
    certificate = ((b * b + 20.0 * a) ** 0.5 - b) / 10.0 if a > 0 else 0.0
    bound = m / v
    for _ in range(_HOST_STEPS):
        if bound * bound < certificate:
            return 0.0, log_square
        w = np.exp(np.maximum(-2.0 * bound * y, -700.0))
        gap = float(np.mean(2.0 * y * w / (1.0 + w)))
        slope = float(np.mean((2.0 * y / (1.0 + w)) ** 2 * w))
        lower = _leaves(m, v, gap, slope, bound)
        if lower >= bound * (1.0 - _HOST_TOLERANCE):
            return largest * (root * (m - gap)), math.log(v + gap * (2.0 * m - gap)) + log_square
        bound = lower
    raise ValueError(
        f"the fit did not converge in {_HOST_STEPS} steps: these data have a kurtosis of 3 but for "
        "rounding, and say nothing of two components; state the truth with SymmetricMixture.Params.of"
    )


def _leaves(m: float, v: float, gap: float, slope: float, bound: float) -> float:
    """Host: the place of `_next_bound`, by Brent's method, to what rounding leaves of its numbers."""
    d = min(gap + slope * bound, m)
    c, at_c = m - d, v + d * (2.0 * m - d)

    def place(e: float) -> float:
        return (c + e) / (at_c - e * (2.0 * c + e))

    half, rest = 0.5 + bound * c, max(bound * at_c - c, 0.0)
    right = rest / (half + math.sqrt(half * half + bound * rest))
    if right <= 0 or slope == 0 or right - slope * place(right) <= 0:
        return min(place(0.0), bound) if slope == 0 else bound
    from scipy.optimize import brentq

    root = brentq(
        lambda e: e - slope * place(e), 0.0, right, xtol=1e-17 * at_c, rtol=np.float64(1e-15), maxiter=1000
    )
    return min(place(float(root)), bound)  # type: ignore[arg-type]
