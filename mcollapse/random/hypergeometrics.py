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

_TERMS = 44  # of the sum: from 7 standard deviations below the mean to 8.5 or more above it


def hypergeometric(key: Key | PRNGKeyArray, site: int, good: Whole, bad: Whole, draws: Whole) -> Count:
    r"""How many of the things drawn are good, $P(X = k) = \binom{G}{k} \binom{B}{n - k} / \binom{G + B}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `good`, `bad`, G and B,
    counts of at most `largest_count()` together; `draws`, n, or G + B where that is smaller.
    Accuracy: where the variance is below 8, a sum of probabilities, 1e-5 of each; else the exact quantile,
    displaced by 4e-5 (root mean square, at most 1e-3) before it is rounded down.
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
    variance = _variance(good, bad, draws)
    large = variance >= LEAST_VARIANCE
    # The way that is not taken gets another urn, so that all its numbers are finite.
    expanded = _expanded(from_words(*words), *(jnp.where(large, count, 100) for count in (good, bad, draws)))
    summed = _summed(unit_interval(*words), *(jnp.where(large, 0, count) for count in (good, bad, draws)))
    return jnp.clip(jnp.where(large, expanded, summed), 0, jnp.minimum(good, draws))


def _expanded(z: Scalar, good: Count, bad: Count, draws: Count) -> Count:
    total = as_float(good + bad)
    p_skew, f_skew = as_float(bad - good) / total, as_float(good + bad - 2 * draws) / total
    skew = p_skew * f_skew
    shapes = (jnp.ones_like(skew), p_skew * p_skew + f_skew * f_skew, skew * skew)
    whole, fraction = _mean(good, bad, draws)
    return whole + expanded_quantile(COUNT_QUANTILE, z, _variance(good, bad, draws), fraction, skew, shapes)


def _summed(v: Scalar, good: Count, bad: Count, draws: Count) -> Count:
    reach = jnp.ceil(7 * jnp.sqrt(_variance(good, bad, draws))).astype(np.int32)
    first = jnp.maximum(_mean(good, bad, draws)[0] - reach, 0)
    return first + inverted_sum(v, _ratios(good, bad, draws, first))


def _ratios(good: Count, bad: Count, draws: Count, first: Count) -> list[Scalar]:
    """P(X = k + 1) / P(X = k) from k = first on: beyond the largest k they mean nothing, but multiply 0."""
    good_left, draws_left = as_float(good - first), as_float(draws - first)
    taken, bad_left = as_float(first + 1), as_float(bad - draws + first + 1)
    up = [(good_left - step) * (draws_left - step) for step in range(_TERMS)]
    down = [(taken + step) * (bad_left + step) for step in range(_TERMS)]
    ratios = []
    for i in range(0, _TERMS, 2):  # a division is dear: one for two
        inverse = 1 / (down[i] * down[i + 1])
        ratios += [up[i] * (down[i + 1] * inverse), up[i + 1] * (down[i] * inverse)]
    return ratios


def _variance(good: Count, bad: Count, draws: Count) -> Scalar:
    total = as_float(jnp.maximum(good + bad, 2))
    left = as_float(good + bad - draws)
    return as_float(draws) * (as_float(good) / total) * (as_float(bad) / total) * (left / (total - 1))


def _mean(good: Count, bad: Count, draws: Count) -> tuple[Count, Scalar]:
    """draws * good / (good + bad) as a whole number and a rest: exact, since int32 overflows modulo 2^32."""
    total = jnp.maximum(good + bad, 1)
    whole = (as_float(draws) * (as_float(good) / as_float(total))).astype(np.int32)
    return whole, as_float(draws * good - whole * total) / as_float(total)
