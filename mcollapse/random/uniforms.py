"""Random bits, uniforms and coin tosses."""

import math

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, PRNGKeyArray, UInt32

from .key import Key, draw_words
from .threefry import block

Words = tuple[UInt32[Array, "..."], UInt32[Array, "..."]]


def bits(key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = ()) -> Words:
    """Two words of 32 random bits for every element of `shape`.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose. Exact up to the cipher.
    """
    words = draw_words(key, site)
    if shape == ():
        return words
    return numbered(words, jnp.arange(math.prod(shape), dtype=np.uint32).reshape(shape))


def uniform(key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
    r"""Uniform numbers, $U(0, 1)$, the ends excluded.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose. Accuracy: both words of a block,
    rounded to the default float, so a small number has all its digits down to $2^{-65}$.
    """
    return unit_interval(*bits(key, site, shape))


def bernoulli(
    key: Key | PRNGKeyArray, site: int, p: Float[Array, "..."] | float, shape: tuple[int, ...] = ()
) -> Bool[Array, "..."]:
    r"""Coin tosses, $P(X = 1) = p$.

    Arguments: `p`, a probability, or an array that broadcasts to `shape`; 0 and 1 are certain, NaN is False.
    Accuracy: the rounding of `p`, also of a small one.
    """
    return uniform(key, site, shape) < p


def numbered(words: Words, index: UInt32[Array, "..."]) -> Words:
    """The blocks of the elements of an array draw, under the words of its site."""
    return block(*words, jnp.zeros_like(index), index)


def unit_interval(high: UInt32[Array, "..."], low: UInt32[Array, "..."]) -> Float[Array, "..."]:
    dtype = float_dtype()
    scale = dtype.type(2.0**-32)
    fraction = (high.astype(dtype) + (low.astype(dtype) + dtype.type(0.5)) * scale) * scale
    return jnp.minimum(fraction, dtype.type(1 - np.finfo(dtype).epsneg))


def float_dtype() -> DTypeLike:
    """float64 under JAX_ENABLE_X64, else float32."""
    return jnp.result_type(float)
