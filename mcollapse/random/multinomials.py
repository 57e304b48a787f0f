"""Multinomial counts, a binomial for each category in turn."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int32, PRNGKeyArray, Real

from . import reference
from .arguments import Whole, as_count, as_float
from .binomials import binomial_from_words
from .key import Key, draw_words
from .uniforms import numbered


def multinomial(
    key: Key | PRNGKeyArray,
    site: int,
    n: Whole,
    probabilities: Real[ArrayLike, " categories"],
    *,
    exact: bool = False,
) -> Int32[Array, " categories"]:
    r"""Multinomial counts, $P(X = x) = n! \prod_k p_k^{x_k} / x_k!$: binomials, each given those before it.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, at most
    `largest_count()`; `probabilities`, weights of any positive sum; `exact`, by the rejection of
    `jax.random`. The counts sum to n, and a category of weight 0 has count 0, always. If all weights are 0,
    so are the counts; if one is not a number, they mean nothing.
    Accuracy: that of `binomial` for each category; the sums of weights are rounded once a category.
    """
    if exact or reference.wanted(key):
        return reference.multinomial(reference.typed(key, site), n, as_float(probabilities))
    words, n, weights = draw_words(key, site), as_count(n), as_float(probabilities)

    # What leaves the loop is what remained before: XLA:CPU would draw anew for a second output of the draw.
    def category(remaining, inputs):
        index, weight, later = inputs
        total = weight + later
        usable = total > 4 * np.finfo(total.dtype).tiny
        scale = jnp.where(usable, 1 / jnp.where(usable, total, 1), 0)
        # later * scale is 1 - p with all its digits, and exactly 0 in the last category of positive weight.
        taken = binomial_from_words(numbered(words, index), remaining, weight * scale, later * scale)
        return remaining - taken, remaining

    index = jnp.arange(weights.size, dtype=np.uint32)
    last, before = lax.scan(category, n, (index, weights, _sums_of_later(weights)))
    return before - jnp.concatenate([before[1:], last[None]])


def _sums_of_later(weights: Float[Array, " categories"]) -> Float[Array, " categories"]:
    def add(later, weight):
        return later + weight, later

    return lax.scan(add, jnp.zeros((), weights.dtype), weights, reverse=True)[1]
