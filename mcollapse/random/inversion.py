"""The two ways in which a count is the inverse of its distribution function, with a fixed amount of work."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .arguments import Count, Scalar, Word, Words, as_float
from .normals import from_words, polynomial
from .uniforms import unit_interval

# From this variance on the expansion of the quantile, below it the sum of the probabilities.
LEAST_VARIANCE = 8.0

# In float32 scores are 1e-7 apart, which at V = 10^7 is a thousandth of a count: some counts would get more
# of them than others. A uniform blur of this width fills the gaps; V grows by 2e-8 of itself.
_BLUR = 2.0**-11


def expanded_quantile(
    table: Float[np.ndarray, "i j k"],
    words: Words,
    variance: Scalar,
    fraction: Scalar,
    skew: Scalar,
    shapes: Sequence[Scalar],
) -> Count:
    r"""The largest x with $P(X < x) \le \Phi(z)$, less the whole part of the mean; `fraction` is the rest.

    The formula and the table are those of `fit_counts`. The powers of z come last: where the law is the same
    in all lanes, what a lane does is Horner's scheme in z.
    """
    z = from_words(*words)
    deviation, inverse = jnp.sqrt(variance), 1 / variance
    series = [_coefficient(lines, i, inverse, skew, shapes) for i, lines in enumerate(table)]
    near = fraction + 0.5 + (z * z - 1) * (skew * (1 / 6))
    if z.dtype != np.float64:
        near = near + as_float(words[1].astype(np.int32)) * (deviation * (_BLUR * 2.0**-32))
    correction = variance * polynomial(series, z * deviation * inverse)
    return jnp.floor(z * deviation + (near + correction)).astype(np.int32)


def _coefficient(
    lines: np.ndarray, i: int, inverse: Scalar, skew: Scalar, shapes: Sequence[Scalar]
) -> Scalar:
    """Of s^i: the sum over j and k of lines[j, k] V^-j m_k, times the skewness for an even i."""
    used = np.trim_zeros(np.abs(lines).sum(1), "b").size
    series = [
        sum(float(number) * shape for number, shape in zip(line, shapes, strict=True) if number != 0)
        for line in lines[:used]
    ]
    total = polynomial([jnp.asarray(term, inverse.dtype) for term in series], inverse)
    return total * skew if i % 2 == 0 else total


def symmetric(p: Any, f: Any) -> list[Any]:
    """The symmetric polynomials of P^2 and F^2 in the formula of `fit_counts`."""
    total, product = p + f, p * f
    return [p * 0 + 1, total, product, p * p + f * f, product * total, product * product]


def inverted_sum(words: Words, ratios: Sequence[Scalar]) -> Count:
    """The x with P(X > x) <= v < P(X >= x), where ratios[k] is P(X = k + 1) / P(X = k).

    The sums start at the far end, so that a rare large value keeps its relative accuracy; so does a rare 0,
    since 1 - v, with all its digits, decides on it.
    """
    masses = _prefixes(operator.mul, ratios)  # in units of P(X = 0)
    tails = _prefixes(operator.add, masses[::-1])
    total = tails[-1] + 1
    level = unit_interval(*words) * total
    count = functools.reduce(operator.add, [(level < tail).astype(np.int32) for tail in tails])
    return at_least_one(jnp.where(total > 2, unit_below(*words) * total >= 1, count > 0), count)


def at_least_one(positive: Bool[Array, ""], count: Count) -> Count:
    """The count where it is known whether it is positive."""
    return jnp.where(positive, jnp.maximum(count, 1), 0)


def unit_below(high: Word, low: Word) -> Scalar:
    """1 - v for the v that `unit_interval` gives, with all its digits."""
    return unit_interval(~high, ~low)


def _prefixes(combine: Callable[[Scalar, Scalar], Scalar], items: Sequence[Scalar]) -> list[Scalar]:
    """Running products or sums. As one chain, each waiting for the last, they would take twice as long."""
    if len(items) < 2:
        return list(items)
    pairs = _prefixes(combine, [combine(*pair) for pair in zip(items[::2], items[1::2], strict=False)])
    result = [items[0]]
    for i in range(1, len(items)):
        result.append(pairs[i // 2] if i % 2 else combine(pairs[i // 2 - 1], items[i]))
    return result
