"""Counts of draws without replacement: by inversion, with a fixed amount of work for any urn."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Int32, Integer, PRNGKeyArray

from .arguments import Count, Scalar, Whole, Words, as_count, as_float
from .coefficients import COUNT_QUANTILE
from .inversion import LEAST_VARIANCE, expanded_quantile, inverted_sum
from .key import Key, draw_words
from .normals import from_words
from .uniforms import numbered, unit_interval

_MIRROR = np.int32(0x7EF311C7)
_REACH = 20  # the sum begins 7 standard deviations below the mean ...
_TERMS = 44  # ... and ends 8.5 or more above it


def hypergeometric(key: Key | PRNGKeyArray, site: int, good: Whole, bad: Whole, draws: Whole) -> Count:
    r"""How many of the things drawn are good, $P(X = k) = \binom{G}{k} \binom{B}{n - k} / \binom{G + B}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `good`, `bad`, G and B,
    counts of at most `largest_count()` together; `draws`, n, or G + B where that is smaller.
    Accuracy: where the variance is below 8, a sum of probabilities, right to 2e-6 of each; else the exact
    quantile, displaced by 4e-5 (root mean square, at most 1e-3) before it is rounded down.
    Source: own fit; the idea of a corrected quantile is that of Cornish and Fisher (1938).
    """
    good, bad = as_count(good), as_count(bad)
    return _from_words(draw_words(key, site), good, bad, jnp.minimum(as_count(draws), good + bad))


def multivariate_hypergeometric(
    key: Key | PRNGKeyArray, site: int, n: Whole, counts: Integer[ArrayLike, " categories"]
) -> Int32[Array, " categories"]:
    r"""Counts of n things drawn without replacement, $P(X = x) = \prod_k \binom{c_k}{x_k} / \binom{N}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, or the
    total N where that is smaller; `counts`, $c_k$, at most `largest_count()` together. It sums to n and is
    never more than there is. Accuracy: that of `hypergeometric` for each category.
    """
    words, counts = draw_words(key, site), as_count(counts)
    later = jnp.sum(counts, dtype=np.int32) - jnp.cumsum(counts, dtype=np.int32)

    # Only what remains leaves the loop: XLA:CPU would draw anew for a second output.
    def category(remaining, inputs):
        index, good, bad = inputs
        remaining = remaining - _from_words(numbered(words, index), good, bad, remaining)
        return remaining, remaining

    n = jnp.minimum(as_count(n), jnp.sum(counts, dtype=np.int32))
    remaining = lax.scan(category, n, (jnp.arange(counts.size, dtype=np.uint32), counts, later))[1]
    return jnp.concatenate([n[None], remaining[:-1]]) - remaining


def _from_words(words: Words, good: Count, bad: Count, draws: Count) -> Count:
    """By symmetry to an urn of which at most half is good and at most half is drawn."""
    left = good + bad - draws
    rarer, drawn = jnp.minimum(good, bad), jnp.minimum(draws, left)
    count = _from_half(words, rarer, jnp.maximum(good, bad), drawn)
    count = jnp.where(good > bad, drawn - count, count)
    return jnp.where(draws > left, good - count, count)


def _from_half(words: Words, good: Count, bad: Count, draws: Count) -> Count:
    total = as_float(jnp.maximum(good + bad, 2))
    inverse = 1 / total
    left = as_float(good + bad - draws)
    variance = as_float(draws) * (as_float(good) * inverse) * (as_float(bad) * inverse) * (left / (total - 1))
    whole, fraction = _mean(good, bad, draws, inverse)
    large = variance >= LEAST_VARIANCE

    p_skew, f_skew = as_float(bad - good) * inverse, (left - as_float(draws)) * inverse
    skew = p_skew * f_skew
    shapes = (jnp.ones_like(skew), p_skew * p_skew + f_skew * f_skew, skew * skew)
    # The way that is not taken gets other numbers, so that what it gives is finite.
    usable = jnp.where(large, variance, 100)
    expanded = expanded_quantile(COUNT_QUANTILE, from_words(*words), usable, fraction, skew, shapes)
    first = jnp.maximum(whole - _REACH, 0)
    ratios = _ratios(jnp.where(large, first, good), bad, draws, first)
    count = jnp.where(large, whole + expanded, first + inverted_sum(unit_interval(*words), ratios))
    return jnp.clip(count, 0, jnp.minimum(good, draws))


def _mean(good: Count, bad: Count, draws: Count, inverse: Scalar) -> tuple[Count, Scalar]:
    """draws * good / (good + bad) as a whole number and a rest: exact, since int32 overflows modulo 2^32."""
    whole = (as_float(draws) * (as_float(good) * inverse)).astype(np.int32)
    return whole, as_float(draws * good - whole * (good + bad)) * inverse


def _ratios(good: Count, bad: Count, draws: Count, first: Count) -> list[Scalar]:
    """P(X = k + 1) / P(X = k) from k = first on: beyond the largest k they mean nothing, but multiply 0."""
    good_left, draws_left = as_float(good - first), as_float(draws - first)
    taken, bad_left = as_float(first + 1), as_float(bad - draws + first + 1)
    up = [(good_left - step) * (draws_left - step) for step in range(_TERMS)]
    down = [(taken + step) * (bad_left + step) for step in range(_TERMS)]
    return [x * _reciprocal(y) for x, y in zip(up, down, strict=True)]


def _reciprocal(x: Scalar) -> Scalar:
    """1 / x to 1e-7 for 0 < x < 2^100, by Newton's iteration from a guess that mirrors the exponent.

    XLA:CPU takes a division for too dear to be evaluated twice and so parts the loop into one for each of the
    sums that depend on it; this costs half the time, in all.
    """
    if x.dtype == np.float64:
        return 1 / x
    guess = lax.bitcast_convert_type(_MIRROR - lax.bitcast_convert_type(x, np.int32), np.float32)
    for _ in range(3):
        guess = guess * (2 - x * guess)
    return guess
