"""Multinomial counts, a binomial for each category in turn."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Int32, PRNGKeyArray

from .binomials import binomial_from_words
from .key import Key, draw_words
from .uniforms import float_dtype, numbered


def multinomial(
    key: Key | PRNGKeyArray, site: int, n: Int[Array, ""] | int, probabilities: Float[Array, " categories"]
) -> Int32[Array, " categories"]:
    r"""Multinomial counts, $P(X = x) = n! \prod_k p_k^{x_k} / x_k!$, each $X_k$ a binomial given those before it.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, at most
    `largest_count()`; `probabilities`, weights of any positive sum. The counts sum to n exactly, a category of
    weight 0 has count 0; weights that are all 0, or not numbers, give a sum below n.
    """
    words = draw_words(key, site)
    weights = jnp.asarray(probabilities).astype(float_dtype())

    # Only what remains leaves the loop: XLA:CPU would draw anew for a second output.
    def category(remaining, inputs):
        index, weight, later = inputs
        scale = 1 / jnp.where(weight + later > 0, weight + later, 1)
        taken = binomial_from_words(numbered(words, index), remaining, weight * scale, later * scale)
        remaining = remaining - taken
        return remaining, remaining

    n = jnp.maximum(jnp.asarray(n).astype(np.int32), 0)
    index = jnp.arange(weights.size, dtype=np.uint32)
    _, remaining = lax.scan(category, n, (index, weights, _sums_of_later(weights)))
    return jnp.concatenate([n[None], remaining[:-1]]) - remaining


def _sums_of_later(weights: Float[Array, " categories"]) -> Float[Array, " categories"]:
    def add(later, weight):
        return later + weight, later

    return lax.scan(add, jnp.zeros((), weights.dtype), weights, reverse=True)[1]
