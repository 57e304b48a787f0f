"""Binomial counts without rejection: by inversion, with a fixed amount of work for any n and p."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Int32, PRNGKeyArray

from .coefficients import COUNT_QUANTILE
from .inversion import LEAST_VARIANCE, expanded_quantile, inverted_sum
from .key import Key, draw_words
from .normals import from_words
from .uniforms import Words, float_dtype, unit_interval

Real = Float[Array, ""]
Count = Int32[Array, ""]

# An urn without end, of which nothing is used up: 1, P^2 + 1 and P^2 become 1 and P^2.
_QUANTILE = np.stack([COUNT_QUANTILE[..., 0] + COUNT_QUANTILE[..., 1], COUNT_QUANTILE[..., 1:].sum(-1)], axis=-1)
_LARGEST_SMALL = 34  # P(X > 34) < 3e-12 where the variance is below 8 and p at most 1/2


def largest_count() -> int:
    """The largest n, or total, for which counts are right: 2^24 in float32, 10^9 under JAX_ENABLE_X64."""
    return 10**9 if float_dtype() == np.float64 else 2**24


def binomial(key: Key | PRNGKeyArray, site: int, n: Int[Array, ""] | int, p: Real | float) -> Count:
    r"""A binomial count, $P(X = k) = \binom{n}{k} p^k (1-p)^{n-k}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, at most
    `largest_count()`; `p`, a probability. n = 0, p = 0 and p = 1 are certain, NaN gives 0.
    """
    p = jnp.clip(jnp.asarray(p).astype(float_dtype()), 0, 1)
    return binomial_from_words(draw_words(key, site), jnp.asarray(n).astype(np.int32), p, 1 - p)


def binomial_from_words(words: Words, n: Count, p: Real, q: Real) -> Count:
    """The count at the words of one block; `q` is 1 - p, but with all its digits where p is next to 1."""
    n = jnp.maximum(n, 0)
    rarer, other = jnp.minimum(p, q), jnp.maximum(p, q)
    large = n.astype(p.dtype) * rarer * other >= LEAST_VARIANCE
    expanded = _expanded(
        from_words(*words), jnp.where(large, n, 100), jnp.where(large, rarer, 0.5), jnp.where(large, other, 0.5)
    )
    ratios = _ratios(jnp.where(large, 0, n), jnp.where(large, 0, rarer))
    count = jnp.where(large, expanded, inverted_sum(unit_interval(*words), ratios))
    count = jnp.clip(count, 0, n)
    return jnp.where(p > q, n - count, count)


def _expanded(z: Real, n: Count, p: Real, q: Real) -> Count:
    whole, fraction = _whole_and_fraction(n, p)
    skew = q - p
    return whole + expanded_quantile(
        _QUANTILE, z, n.astype(p.dtype) * p * q, fraction, skew, (jnp.ones_like(skew), skew * skew)
    )


def _ratios(n: Count, p: Real) -> list[Real]:
    """P(X = k + 1) / P(X = k) for k = 0, 1 ...: beyond k = n they are of the wrong sign, but multiply 0."""
    odds = p / (1 - p)
    factor = (n + 1).astype(p.dtype) * odds
    return [factor * p.dtype.type(1 / k) - odds for k in range(1, _LARGEST_SMALL + 1)]


def _whole_and_fraction(n: Count, p: Real) -> tuple[Count, Real]:
    """n p as a whole number and a rest below 4, without the rounding of float32, which at n = 2^24 is that of 1/2."""
    if p.dtype == np.float64:
        products = [n.astype(p.dtype) * p]
    else:
        high = lax.bitcast_convert_type(lax.bitcast_convert_type(p, np.uint32) & np.uint32(0xFFFFF000), np.float32)
        factors = [(n & 0xFFF).astype(p.dtype), (n & ~0xFFF).astype(p.dtype)]
        products = [factor * part for factor in factors for part in (high, p - high)]
    floors = [jnp.floor(product) for product in products]
    whole = sum(floor.astype(np.int32) for floor in floors)
    return whole, sum(product - floor for product, floor in zip(products, floors, strict=True))
