"""Random subsets of a fixed size."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, PRNGKeyArray, UInt32

from .key import Key
from .uniforms import bits


def subsample_mask(
    key: Key | PRNGKeyArray, site: int, present: Bool[Array, " rows"], count: Int[Array, ""] | int
) -> Bool[Array, " rows"]:
    r"""A uniformly random subset of min(`count`, how many are present) of the present rows.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `present`, which rows there are;
    `count`, how many to keep. The kept rows have the smallest of random 32-bit labels; among equal labels, of which the
    probability is below $N^2 / 2^{33}$, the first rows. Fixed work: 32 counts, no sort.
    """
    labels = bits(key, site, present.shape)[0]
    threshold = _smallest(labels, present, count)
    below, equal = present & (labels < threshold), present & (labels == threshold)
    room = jnp.asarray(count).astype(np.int32) - jnp.sum(below, dtype=np.int32)
    return below | (equal & (jnp.cumsum(equal, dtype=np.int32) <= room))


def _smallest(
    labels: UInt32[Array, " rows"], present: Bool[Array, " rows"], count: Int[Array, ""] | int
) -> UInt32[Array, ""]:
    """The largest threshold with fewer than `count` labels below it, that is the count-th smallest, bit by bit."""

    def decide(i, threshold):
        candidate = threshold | (np.uint32(1 << 31) >> i.astype(np.uint32))
        fewer = jnp.sum(present & (labels < candidate), dtype=np.int32) < count
        return jnp.where(fewer, candidate, threshold)

    return lax.fori_loop(0, 32, decide, jnp.zeros((), np.uint32))
