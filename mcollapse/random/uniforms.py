"""Random bits, uniforms and coin tosses."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, PRNGKeyArray, Real, UInt32

from . import reference
from .arguments import Words, as_float, float_dtype
from .key import Key, array_words, draw_words
from .threefry import block


def bits(key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = ()) -> Words:
    """Two words of 32 random bits for every element of `shape`.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose. Exact, as far as the
    cipher is random. Source: see `threefry.block`.
    """
    if reference.wanted(key):
        return reference.bits(reference.typed(key, site), shape)
    if shape == ():
        return draw_words(key, site)
    return numbered(array_words(key, site), jnp.arange(math.prod(shape), dtype=np.uint32).reshape(shape))


def uniform(key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
    r"""Uniform numbers, $U(0, 1)$, the ends excluded.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose. Accuracy: the 64 bits of
    a block, rounded to the default float; a small number has all its digits, the smallest is $2^{-65}$.
    """
    return unit_interval(*bits(key, site, shape))


def bernoulli(
    key: Key | PRNGKeyArray, site: int, p: Real[ArrayLike, "..."], shape: tuple[int, ...] = ()
) -> Bool[Array, "..."]:
    r"""Coin tosses, $P(X = 1) = p$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `p`, probabilities that
    broadcast to `shape`. 0 and 1 are certain, NaN is False. Accuracy: 1e-7 of p, however small it is.
    """
    return uniform(key, site, shape) < as_float(p)


def numbered(words: Words, index: UInt32[Array, "..."]) -> Words:
    """The blocks of the elements of an array draw, under the words of its site."""
    return block(*words, jnp.zeros_like(index), index)


def unit_interval(high: UInt32[Array, "..."], low: UInt32[Array, "..."]) -> Float[Array, "..."]:
    """(high + (low + 1/2) 2^-32) 2^-32, rounded, but less than 1."""
    dtype = float_dtype()
    scale = dtype.type(2.0**-32)
    fraction = (high.astype(dtype) + (low.astype(dtype) + dtype.type(0.5)) * scale) * scale
    return jnp.minimum(fraction, dtype.type(1 - np.finfo(dtype).epsneg))
