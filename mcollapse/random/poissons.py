"""Poisson counts without rejection: by inversion, with a fixed amount of work for any rate."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from . import reference
from .arguments import Count, Number, Scalar, Words, as_float
from .coefficients import COUNT_QUANTILE
from .inversion import LEAST_VARIANCE, at_least_one, expanded_quantile, inverted_sum, unit_below
from .key import Key, draw_words

_QUANTILE = COUNT_QUANTILE @ np.array([[1], [2], [1], [2], [2], [1]])  # the shapes at P = F = 1
_LARGEST = 34  # of the sum; P(X > 34) < 3e-12 where the rate is below 8


def poisson(key: Key | PRNGKeyArray, site: int, rate: Number, *, exact: bool = False) -> Count:
    r"""A Poisson count, $P(X = k) = e^{-\lambda} \lambda^k / k!$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `rate`, $\lambda$, at
    most 10^9, and taken for that where it is larger. 0, or less, and NaN give 0. A count above 2^24 is right
    as a whole number, but float32 cannot hold it. `exact`, by the rejection of `jax.random`.
    Accuracy: the law of the 2^64 words is, in total variation, within 1.3e-6 of the true one, its mean within
    6e-7 standard deviations, its variance within 2e-6 and P(X = 0), above 1e-12, within 3e-7 of themselves.
    These are at $\lambda = 8$, where a sum of probabilities gives way to a fitted quantile;
    in float32 the first is at most 8e-6 for variances of $10^6$ to $2^{24}$.
    Source: own fit; the idea of a corrected quantile is that of Cornish and Fisher (1938).
    """
    if exact or reference.wanted(key):
        return reference.poisson(reference.typed(key, site), rate)
    return poisson_from_words(draw_words(key, site), jnp.clip(as_float(rate), 0, reference.LARGEST_RATE))


@jax.jit
def poisson_from_words(words: Words, rate: Scalar) -> Count:
    """The count at the words of one block."""
    large = rate >= LEAST_VARIANCE
    # The way that is not taken gets other numbers, so that what it gives is finite.
    usable = jnp.where(large, rate, 100)
    whole, one = jnp.floor(usable), jnp.ones_like(rate)
    expanded = expanded_quantile(_QUANTILE, words, usable, usable - whole, one, (one,))
    expanded = at_least_one(unit_below(*words) >= jnp.exp(-usable), whole.astype(np.int32) + expanded)
    small = jnp.where(large, 0, rate)
    ratios = [small * (1 / k) for k in range(1, _LARGEST + 1)]
    return jnp.where(large, expanded, inverted_sum(words, ratios))
