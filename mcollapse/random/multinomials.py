"""Multinomial counts, by the way that is fast for their number and that of the categories."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int32, PRNGKeyArray, Real

from . import reference
from .arguments import Whole, Word, as_count, as_float
from .conditionals import by_binomials
from .individuals import most_individuals, one_by_one
from .key import Key, draw_words
from .lanes import most, over_lanes


def multinomial(
    key: Key | PRNGKeyArray,
    site: int,
    n: Whole,
    probabilities: Real[ArrayLike, " categories"],
    *,
    exact: bool = False,
) -> Int32[Array, " categories"]:
    r"""Multinomial counts, $P(X = x) = n! \prod_k p_k^{x_k} / x_k!$.

    Few things fall into categories one by one, many are shared out by binomial counts, each given those
    before it; which, is decided in each lane by its n and by the number of categories.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, at most
    `largest_count()`; `probabilities`, weights of any positive sum; `exact`, by the rejection of
    `jax.random`. The counts sum to n, and a category of weight 0 has count 0, always. If all weights are 0,
    so are the counts; if one is not a number, they mean nothing.
    Accuracy: one by one, that of the weights, rounded twice; else that of `binomial` for each category, and
    the sums of weights are rounded once a category.
    """
    weights = as_float(probabilities)
    if exact or reference.wanted(key):
        return reference.multinomial(reference.typed(key, site), n, weights)
    return _counts(*draw_words(key, site), as_count(n), weights)


@over_lanes
def _counts(
    high: Word, low: Word, n: Int32[Array, " lanes"], weights: Float[Array, "categories weighed"]
) -> Int32[Array, "categories lanes"]:
    words, few = (high, low), n <= most_individuals(weights.shape[0])
    none = jnp.zeros((weights.shape[0], n.shape[0]), n.dtype)

    def drawn(way, chosen):
        some = most(chosen.astype(n.dtype)) > 0
        return lax.cond(some, lambda: way(words, jnp.where(chosen, n, 0), weights), lambda: none)

    # Both ways give 0 where n is 0, so that their sum is the counts by the way of each lane.
    return drawn(one_by_one, few) + drawn(by_binomials, ~few)
