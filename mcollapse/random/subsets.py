"""Random subsets of a fixed size."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, PRNGKeyArray, UInt32

from .key import Key
from .uniforms import bits

_LARGEST_WORD = np.uint32(0xFFFFFFFF)


def subsample_mask(
    key: Key | PRNGKeyArray, site: int, present: Bool[Array, " rows"], count: Int[Array, ""] | int
) -> Bool[Array, " rows"]:
    r"""A uniformly random subset of min(`count`, how many are present) of the present rows.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `present`, which rows
    there are; `count`, how many to keep. Kept are the rows with the smallest of random 32-bit labels; of rows
    with the same label, a chance below $N / 2^{32}$, the first ones. Fixed work: some 40 counts, no sort.
    """
    count = jnp.minimum(jnp.asarray(count).astype(np.int32), _how_many(present))
    labels = jnp.where(present, bits(key, site, present.shape)[0], _LARGEST_WORD)
    index = jnp.arange(labels.size, dtype=np.uint32)
    threshold = _largest(32, lambda word: _how_many(labels < word) < count)

    def kept(end):
        return (labels < threshold) | (present & (labels == threshold) & (index < end))

    return kept(_largest(labels.size.bit_length(), lambda end: _how_many(kept(end)) <= count))


def _how_many(mask: Bool[Array, " rows"]) -> Int[Array, ""]:
    return jnp.sum(mask, dtype=np.int32)


def _largest(bits: int, holds: Callable[[UInt32[Array, ""]], Bool[Array, ""]]) -> UInt32[Array, ""]:
    """The largest word of so many bits for which a condition holds that holds up to some word; at least 0."""

    def decide(i, word):
        candidate = word | (np.uint32(1 << (bits - 1)) >> i.astype(np.uint32))
        return jnp.where(holds(candidate), candidate, word)

    return lax.fori_loop(0, bits, decide, jnp.zeros((), np.uint32))
