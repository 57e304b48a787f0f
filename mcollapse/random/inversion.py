"""The two ways in which a count is the inverse of its distribution function, with a fixed amount of work."""

import operator
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from .normals import polynomial

Real = Float[Array, ""]

# From this variance on the expansion of the quantile; below it at most 44 values have a probability above 1e-11.
LEAST_VARIANCE = 8.0


def expanded_quantile(
    table: Float[np.ndarray, "i j k"], z: Real, variance: Real, fraction: Real, skew: Real, shapes: Sequence[Real]
) -> Int32[Array, ""]:
    r"""The largest x with $P(X < x) \le \Phi(z)$, less the whole part of the mean, of which `fraction` is the rest.

    `table` is that of `fit_counts`. The powers of z come last: where the law is the same in all lanes,
    what a lane does is Horner's scheme in z.
    """
    deviation, inverse = jnp.sqrt(variance), 1 / variance
    series = [_coefficient(powers, i, inverse, skew, shapes) for i, powers in enumerate(table)]
    first_order = fraction + (0.5 - skew / 6 + skew / 6 * z * z)
    offset = z * deviation + (first_order + variance * polynomial(series, z * deviation * inverse))
    return jnp.floor(offset).astype(np.int32)


def _coefficient(powers: np.ndarray, i: int, inverse: Real, skew: Real, shapes: Sequence[Real]) -> Real:
    """Of s^i: the sum over j and k of powers[j, k] V^-j m_k, times the skewness for an even i."""
    used = np.trim_zeros(np.abs(powers).sum(1), "b").size
    terms = [sum(m * m.dtype.type(c) for c, m in zip(line, shapes, strict=True) if c != 0) for line in powers[:used]]
    total = terms[-1]
    for term in terms[-2::-1]:
        total = total * inverse + term
    return total * skew if i % 2 == 0 else total


def inverted_sum(v: Real, ratios: Sequence[Real]) -> Int32[Array, ""]:
    """The x with P(X > x) <= v < P(X >= x), where ratios[k] is P(X = k + 1) / P(X = k).

    The sums start at the far end, so that a rare large value keeps its relative accuracy.
    """
    masses = _prefixes(operator.mul, ratios)  # in units of P(X = 0)
    tails = _prefixes(operator.add, masses[::-1])
    level = v * (tails[-1] + 1)
    return sum((level < tail).astype(np.int32) for tail in tails)


def _prefixes(combine: Callable[[Real, Real], Real], items: Sequence[Real]) -> list[Real]:
    """items[0], items[0] * items[1] ..., of logarithmic depth: a chain of 34 would wait for each result, twice as long."""
    if len(items) == 1:
        return [items[0]]
    pairs = _prefixes(combine, [combine(*pair) for pair in zip(items[::2], items[1::2], strict=False)])
    result = [items[0]]
    for i in range(1, len(items)):
        result.append(pairs[i // 2] if i % 2 else combine(pairs[i // 2 - 1], items[i]))
    return result
