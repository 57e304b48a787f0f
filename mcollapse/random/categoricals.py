"""Categorical numbers: a search in the cumulative sums."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int32, PRNGKeyArray, Real

from . import reference
from .arguments import as_float
from .key import Key
from .uniforms import uniform


def categorical(
    key: Key | PRNGKeyArray,
    site: int,
    probabilities: Real[ArrayLike, " categories"],
    shape: tuple[int, ...] = (),
) -> Int32[Array, "..."]:
    r"""Indices of categories, $P(X = k) = p_k / \sum_j p_j$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `probabilities`, weights
    of any positive sum; `shape`, how many indices. A category of weight 0 is never drawn; if all weights are
    0 or one is not a number, the index means nothing. Accuracy: cumulative probabilities are right to 1e-7.
    """
    if reference.wanted(key):
        return reference.categorical(reference.typed(key, site), as_float(probabilities), shape)
    sums = _cumulative(as_float(probabilities))
    level = uniform(key, site, shape) * sums[-1]
    # The first category to reach the total is the last of positive weight: rounding must not lead beyond it.
    last = jnp.searchsorted(sums, sums[-1], side="left")
    return jnp.minimum(jnp.searchsorted(sums, level, side="right"), last).astype(np.int32)


def _cumulative(weights: Float[Array, " categories"]) -> Float[Array, " categories"]:
    """Never falling, and constant over a weight of 0, as a parallel sum is not. Rounding is carried."""

    def add(carry, weight):
        total, lost, last = carry
        rounded = total + weight
        part = rounded - total
        lost = lost + ((total - (rounded - part)) + (weight - part))
        last = jnp.maximum(last, rounded + lost)
        return (rounded, lost, last), last

    zero = jnp.zeros((), weights.dtype)
    return lax.scan(add, (zero, zero, zero), weights)[1]
