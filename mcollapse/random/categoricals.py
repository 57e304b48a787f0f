"""Categorical numbers: a search in the cumulative sums."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32, PRNGKeyArray

from .key import Key
from .uniforms import float_dtype, uniform


def categorical(
    key: Key | PRNGKeyArray, site: int, probabilities: Float[Array, " categories"], shape: tuple[int, ...] = ()
) -> Int32[Array, "..."]:
    r"""Indices of categories, $P(X = k) = p_k / \sum_j p_j$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `probabilities`, weights of
    any positive sum; `shape`, how many indices. A category of weight 0 is never drawn; if all weights are 0, or one is
    not a number, the index means nothing. Accuracy: the cumulative sums are rounded once each.
    """
    weights = jnp.asarray(probabilities).astype(float_dtype())
    sums = _cumulative(weights)
    level = uniform(key, site, shape) * sums[-1]
    # The first category that reaches the total is the last of positive weight: no rounding may lead beyond it.
    last = jnp.searchsorted(sums, sums[-1], side="left")
    return jnp.minimum(jnp.searchsorted(sums, level, side="right"), last).astype(np.int32)


def _cumulative(weights: Float[Array, " categories"]) -> Float[Array, " categories"]:
    """Never decreasing and constant where a weight is 0, which a parallel sum is not; the rounding is carried along."""

    def add(carry, weight):
        total, lost, last = carry
        rounded = total + weight
        part = rounded - total
        lost = lost + ((total - (rounded - part)) + (weight - part))
        last = jnp.maximum(last, rounded + lost)
        return (rounded, lost, last), last

    zero = jnp.zeros((), weights.dtype)
    return lax.scan(add, (zero, zero, zero), weights)[1]
