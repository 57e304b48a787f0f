"""Random subsets as indices, at a cost that does not grow with what they are drawn from."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, PRNGKeyArray

from .integers import product
from .key import Key
from .uniforms import bits


def subset(
    key: Key | PRNGKeyArray,
    site: int,
    total: Int[Array, ""] | int,
    count: Int[Array, ""] | int,
    capacity: int,
) -> Int[Array, " capacity"]:
    r"""The indices of a uniformly random subset of min(`count`, `total`) of 0 … `total` - 1.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `total` and `count`,
    which may be traced; `capacity`, static, the most that are chosen. Unused places hold -1. Every subset
    has the same probability but for $2^{-32}$ `total`, relative; the order of the indices is not random.
    Work grows like the square of `capacity` and not with `total`.
    Source: R. Floyd's algorithm (Bentley and Floyd 1987).
    """
    total = jnp.asarray(total).astype(np.int32)
    count = jnp.clip(jnp.asarray(count).astype(np.int32), 0, jnp.minimum(total, capacity))
    words = bits(key, site, (capacity,))[0]

    def choose(i, chosen):
        last = total - count + i  # the i-th choice is from 0 ... last
        pick = product(words[i], last + 1)[0].astype(np.int32)
        pick = jnp.where(jnp.any(chosen == pick), last, pick)
        return lax.dynamic_update_index_in_dim(chosen, jnp.where(i < count, pick, -1), i, axis=0)

    return lax.fori_loop(0, capacity, choose, jnp.full(capacity, -1, np.int32))
