"""Random subsets as indices, at a cost that does not grow with what they are drawn from."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, PRNGKeyArray, UInt32

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
        pick = _below(words[i], last + 1)
        pick = jnp.where(jnp.any(chosen == pick), last, pick)
        return lax.dynamic_update_index_in_dim(chosen, jnp.where(i < count, pick, -1), i, axis=0)

    return lax.fori_loop(0, capacity, choose, jnp.full(capacity, -1, np.int32))


def _below(word: UInt32[Array, ""], limit: Int[Array, ""]) -> Int[Array, ""]:
    """floor(word * limit / 2^32) for limit below 2^31, in 32-bit pieces."""
    limit = limit.astype(np.uint32)
    low, high = limit & np.uint32(0xFFFF), limit >> 16
    word_low, word_high = word & np.uint32(0xFFFF), word >> 16
    middle = word_high * low + ((word_low * low) >> 16)
    carry = (middle & np.uint32(0xFFFF)) + word_low * high
    return (word_high * high + (middle >> 16) + (carry >> 16)).astype(np.int32)
