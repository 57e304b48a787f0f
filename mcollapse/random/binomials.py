"""Binomial counts without rejection, by inversion: a fixed amount of work for any n and p."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Int32, PRNGKeyArray

from .coefficients import BINOMIAL_QUANTILE
from .key import Key, draw_words
from .normals import from_words, polynomial
from .uniforms import Words, float_dtype, unit_interval

Real = Float[Array, ""]
LEAST_VARIANCE = 10  # from here on the expansion of the quantile; below, the sum of the probabilities
TERMS = 44


def largest_count() -> int:
    """The largest n for which a binomial count is right: 2^24 in float32, 10^9 under JAX_ENABLE_X64."""
    return 10**9 if float_dtype() == np.float64 else 2**24


def binomial(key: Key | PRNGKeyArray, site: int, n: Int[Array, ""] | int, p: Real | float) -> Int32[Array, ""]:
    r"""A binomial count, $P(X = k) = \binom{n}{k} p^k (1-p)^{n-k}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count up to
    `largest_count()`; `p`, a probability. n = 0, p = 0 and p = 1 are certain; NaN gives 0.
    """
    p = jnp.asarray(p).astype(float_dtype())
    return binomial_from_words(draw_words(key, site), jnp.asarray(n), p, 1 - p)


def binomial_from_words(words: Words, n: Int[Array, ""], p: Real, q: Real) -> Int32[Array, ""]:
    """The count at the words of one block. `q` is 1 - p with its own relative accuracy, for a p next to 1."""
    n = n.astype(np.int32)
    flipped = p > q
    p, q = jnp.minimum(p, q), jnp.maximum(p, q)
    large = n.astype(p.dtype) * p * q >= LEAST_VARIANCE
    count = jnp.where(
        large,
        _from_score(from_words(*words), jnp.where(large, n, 1000), jnp.where(large, p, 0.5), jnp.where(large, q, 0.5)),
        _from_survival(unit_interval(*words), jnp.where(large, 0, n), jnp.where(large, 0, p)),
    )
    count = jnp.clip(count, 0, jnp.maximum(n, 0))
    return jnp.where(flipped, n - count, count)


def _from_score(z: Real, n: Int32[Array, ""], p: Real, q: Real) -> Int32[Array, ""]:
    r"""The x with $P(X < x) = \Phi(z)$, expanded in s = z / sqrt V, 1 - 2p and 1 / V, rounded down."""
    whole, fraction = _product(n, p)
    variance = n.astype(p.dtype) * p * q
    deviation = jnp.sqrt(variance)
    s, skew = z / deviation, q - p
    correction = expansion(BINOMIAL_QUANTILE, variance, s, (skew * skew,), skew)
    offset = z * deviation + (skew * (z * z - 1) / 6 + (fraction + 0.5 + correction))
    return whole + jnp.floor(offset).astype(np.int32)
