"""Binomial counts without rejection: by inversion, with a fixed amount of work for any n and p."""

import functools
import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PRNGKeyArray

from . import reference
from .arguments import Count, Number, Scalar, Whole, Words, as_count, as_float
from .coefficients import COUNT_QUANTILE
from .inversion import LEAST_VARIANCE, at_least_one, expanded_quantile, inverted_sum, unit_below
from .key import Key, draw_words
from .logarithms import log1p_curvature

# An urn without end, F = 1, where the shapes of the table are combinations of 1, P^2, P^4.
_QUANTILE = COUNT_QUANTILE @ np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 1]])
_LARGEST = 34  # of the sum; P(X > 34) < 3e-12 where the variance is below 8 and p at most 1/2


def binomial(key: Key | PRNGKeyArray, site: int, n: Whole, p: Number, *, exact: bool = False) -> Count:
    r"""A binomial count, $P(X = k) = \binom{n}{k} p^k (1-p)^{n-k}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, at most
    `largest_count()`; `p`, a probability; `exact`, by the rejection of `jax.random`. n = 0, p = 0 and
    p = 1 are certain, NaN gives 0.
    Accuracy: the law of the 2^64 words is, in total variation, within 1.3e-6 of the true one, its mean within
    7e-7 standard deviations, its variance within 3e-6 and P(X = 0), above 1e-12, within 1e-6 of themselves.
    These are about V = np(1-p) = 8, where a sum of probabilities gives way to a fitted quantile;
    in float32 the first is at most 8e-6 for variances of $10^6$ to $2^{24}$.
    Source: own fit; the idea of a corrected quantile is that of Cornish and Fisher (1938).
    """
    if exact or reference.wanted(key):
        return reference.binomial(reference.typed(key, site), n, p)
    p = jnp.clip(as_float(p), 0, 1)
    return binomial_from_words(draw_words(key, site), as_count(n), p, 1 - p)


@jax.jit
def binomial_from_words(words: Words, n: Count, p: Scalar, q: Scalar) -> Count:
    """The count at the words of one block; `q` is 1 - p, but with all its digits where p is next to 1."""
    rarer, other = jnp.minimum(p, q), jnp.maximum(p, q)
    variance = as_float(n) * rarer * other
    large = variance >= LEAST_VARIANCE
    whole, fraction = _whole_and_fraction(n, rarer)
    skew = other - rarer
    square = skew * skew
    shapes = (jnp.ones_like(skew), square, square * square)
    # The way that is not taken gets other numbers, so that what it gives is finite.
    usable = jnp.where(large, variance, 100)
    expanded = whole + expanded_quantile(_QUANTILE, words, usable, fraction, skew, shapes)
    expanded = at_least_one(unit_below(*words) >= _none(n, rarer, whole, fraction), expanded)
    count = jnp.where(large, expanded, inverted_sum(words, _ratios(jnp.where(large, 0, n), rarer)))
    count = jnp.clip(count, 0, n)
    return jnp.where(p > q, n - count, count)


def _ratios(n: Count, p: Scalar) -> list[Scalar]:
    """P(X = k + 1) / P(X = k) for k = 0, 1 ...: beyond k = n they are of the wrong sign, but multiply 0."""
    odds = p / (1 - p)
    factor = as_float(n + 1) * odds
    return [factor * (1 / k) - odds for k in range(1, _LARGEST + 1)]


def _none(n: Count, p: Scalar, whole: Count, fraction: Scalar) -> Scalar:
    """P(X = 0) = (1 - p)^n where np = whole + fraction; an exponent of 27, rounded, would cost its digits."""
    return jnp.exp(-as_float(whole)) * jnp.exp(as_float(n) * log1p_curvature(-p) - fraction)


def _whole_and_fraction(n: Count, p: Scalar) -> tuple[Count, Scalar]:
    """n p as a whole number and a rest below 4, free of the rounding of float32, which is 1/2 at n = 2^24."""
    if p.dtype == np.float64:
        products = [as_float(n) * p]
    else:
        upper_bits = lax.bitcast_convert_type(p, np.uint32) & np.uint32(0xFFFFF000)
        high = lax.bitcast_convert_type(upper_bits, np.float32)
        factors = [as_float(n & 0xFFF), as_float(n & ~0xFFF)]
        products = [factor * part for factor in factors for part in (high, p - high)]
    floors = [jnp.floor(product) for product in products]
    rests = [product - floor for product, floor in zip(products, floors, strict=True)]
    whole = functools.reduce(operator.add, [floor.astype(np.int32) for floor in floors])
    return whole, functools.reduce(operator.add, rests)
