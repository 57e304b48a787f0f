"""Uniform integers, by multiplication: no rejection, and all 64 bits of a block."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Integer, PRNGKeyArray, UInt32

from . import reference
from .arguments import Whole, Word, Words
from .key import Key
from .uniforms import bits


def integers(
    key: Key | PRNGKeyArray, site: int, limit: Whole, shape: tuple[int, ...] = ()
) -> Int32[Array, "..."]:
    r"""Uniform integers, $0, \dots, \text{limit} - 1$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `limit`, one limit, which
    may be traced, up to $2^{31} - 1$; below 1 it counts as 1; `shape`, how many integers. Accuracy: each
    integer has its probability but for $2^{-64}$, which is a relative error of $2^{-64}$ `limit`.
    """
    limit = jnp.maximum(jnp.asarray(limit).astype(np.int32), 1)
    if reference.wanted(key):
        return reference.integers(reference.typed(key, site), limit, shape)
    return integer_from_words(bits(key, site, shape), limit)


def integer_from_words(words: Words, limit: Int32[Array, "..."]) -> Int32[Array, "..."]:
    """The whole part of `limit` times the fraction whose binary digits are the words'."""
    high, low = words
    whole, part = product(high, limit)
    sum_of_parts = part + product(low, limit)[0]
    return (whole + (sum_of_parts < part).astype(np.uint32)).astype(np.int32)


def product(word: Word, limit: Integer[Array, "..."]) -> tuple[Word, UInt32[Array, "..."]]:
    """The upper and the lower word of a product, in pieces of 16 bits; `limit` is below 2^31."""
    limit = limit.astype(np.uint32)
    low, high = limit & np.uint32(0xFFFF), limit >> 16
    word_low, word_high = word & np.uint32(0xFFFF), word >> 16
    middle = word_high * low + ((word_low * low) >> 16)
    carry = (middle & np.uint32(0xFFFF)) + word_low * high
    return word_high * high + (middle >> 16) + (carry >> 16), word * limit
