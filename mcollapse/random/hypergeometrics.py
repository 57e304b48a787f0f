"""Counts of draws without replacement: by inversion, with a fixed amount of work for any urn."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Int32, Integer, PRNGKeyArray

from . import reference
from .arguments import Count, Scalar, Whole, Words, as_count, as_float
from .coefficients import COUNT_QUANTILE
from .inversion import LEAST_VARIANCE, at_least_one, expanded_quantile, inverted_sum, symmetric, unit_below
from .key import Key, draw_words
from .logarithms import log1p_curvature
from .uniforms import numbered

_MIRROR = np.int32(0x7EF311C7)
_REACH = 20  # the sum begins 7 standard deviations below the mean ...
_TERMS = 44  # ... and ends 8.5 or more above it


def hypergeometric(
    key: Key | PRNGKeyArray, site: int, good: Whole, bad: Whole, draws: Whole, *, exact: bool = False
) -> Count:
    r"""How many of the things drawn are good, $P(X = k) = \binom{G}{k} \binom{B}{n - k} / \binom{G + B}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `good`, `bad`, G and B,
    counts of at most `largest_count()` together; `draws`, n, or G + B where that is smaller;
    `exact`, one thing after the other, in n steps.
    Accuracy: the law of the 2^64 words is, in total variation, within 1.3e-6 of the true one, its mean within
    8e-7 standard deviations, its variance within 2e-6 and P(X = 0), above 1e-12, within 1e-6 of themselves.
    These are about a variance of 8, where a sum of probabilities gives way to a fitted quantile;
    in float32 the first is at most 8e-6 for variances of $10^6$ to $2^{24}$.
    Source: own fit; the idea of a corrected quantile is that of Cornish and Fisher (1938).
    """
    good, bad = as_count(good), as_count(bad)
    draws = jnp.minimum(as_count(draws), good + bad)
    if exact or reference.wanted(key):
        return reference.hypergeometric(reference.typed(key, site), good, bad, draws)
    return _from_words(draw_words(key, site), good, bad, draws)


def multivariate_hypergeometric(
    key: Key | PRNGKeyArray,
    site: int,
    n: Whole,
    counts: Integer[ArrayLike, " categories"],
    *,
    exact: bool = False,
) -> Int32[Array, " categories"]:
    r"""Counts of n things drawn without replacement, $P(X = x) = \prod_k \binom{c_k}{x_k} / \binom{N}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, or the
    total N where that is smaller; `counts`, $c_k$, at most `largest_count()` together. It sums to n and is
    never more than there is. Accuracy: that of `hypergeometric` for each category; the total variation of a
    whole vector is at most the sum of theirs.
    """
    counts = as_count(counts)
    n = jnp.minimum(as_count(n), jnp.sum(counts, dtype=np.int32))
    if exact or reference.wanted(key):
        return reference.multivariate_hypergeometric(reference.typed(key, site), n, counts)
    words = draw_words(key, site)
    later = jnp.sum(counts, dtype=np.int32) - jnp.cumsum(counts, dtype=np.int32)

    # What leaves the loop is what remained before: XLA:CPU would draw anew for a second output of the draw.
    def category(remaining, inputs):
        index, good, bad = inputs
        return remaining - _from_words(numbered(words, index), good, bad, remaining), remaining

    last, before = lax.scan(category, n, (jnp.arange(counts.size, dtype=np.uint32), counts, later))
    return before - jnp.concatenate([before[1:], last[None]])


@jax.jit
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
    shapes = symmetric(p_skew * p_skew, f_skew * f_skew)
    # The way that is not taken gets other numbers, so that what it gives is finite.
    usable = jnp.where(large, variance, 100)
    expanded = whole + expanded_quantile(COUNT_QUANTILE, words, usable, fraction, skew, shapes)
    expanded = at_least_one(unit_below(*words) >= _none(good, bad, draws, inverse, whole, fraction), expanded)
    first = jnp.maximum(whole - _REACH, 0)
    ratios = _ratios(jnp.where(large, first, good), bad, draws, first)
    count = jnp.where(large, expanded, first + inverted_sum(words, ratios))
    return jnp.clip(count, 0, jnp.minimum(good, draws))


def _none(good: Count, bad: Count, draws: Count, inverse: Scalar, whole: Count, fraction: Scalar) -> Scalar:
    r"""P(X = 0) = B! (N - n)! / (N! (B - n)!) where the variance is large, by Stirling's series.

    Sums of k log k, of size N, would cancel; put together as below, they are of the size of the answer. The
    mean, whole + fraction, is their first order. Where it is above B - n, the answer is below 1e-12.
    """
    g, b, n = as_float(good), as_float(bad), as_float(draws)
    rest = jnp.maximum(b - n, 1)
    ratio = jnp.minimum(g * inverse * n / rest, 1)
    curved = log1p_curvature(ratio)
    curvature = rest * curved + n * log1p_curvature(-g * inverse) + g * log1p_curvature(-n * inverse)
    stirling = (1 / jnp.maximum(b, 1) + 1 / (g + rest) - 1 / rest - inverse) / 12
    exponent = curvature + (ratio + curved) / 2 + stirling - fraction
    return jnp.exp(-as_float(whole)) * jnp.exp(exponent)


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
